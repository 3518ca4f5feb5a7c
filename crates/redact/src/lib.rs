//! A safer copy of a document: what is found in it is hidden, and really gone.
//!
//! [`Redactor`] takes bytes and a name and gives bytes back. Text is taken apart as far as the
//! format knows it (runs of a paragraph, cells of a table, words of a head), joined again for
//! whoever finds, and what was found is replaced where it stood. What a format knows nothing of is
//! dropped, and told; a file that cannot be taken apart is refused.
//!
//! Three ports: [`Finder`] says what is to be hidden, [`Replacer`] gives tokens, [`Pictures`] looks
//! into pictures; a [`Format`] adds a whole format, such as PDF. None of them is told whose the
//! values are.
//!
//! ```
//! use liuhen_document::Row;
//! use liuhen_kinds::Kind;
//! use liuhen_redact::{Finder, Key, Policy, Redactor, Spot};
//!
//! struct Fixed;
//! impl Finder for Fixed {
//!     fn in_text(&self, text: &str) -> Vec<Spot> {
//!         let found = text.match_indices("13800138000");
//!         found.map(|(at, it)| Spot::new(Kind::MOBILE, at, at + it.len())).collect()
//!     }
//!     fn in_table(&self, _: &[Row], _: usize) -> Vec<(usize, usize, Spot)> {
//!         Vec::new()
//!     }
//! }
//!
//! let policy = Policy::default();
//! let mut redactor = Redactor::new(&policy, &Fixed, Key::fresh().unwrap());
//! let copy = redactor.redact("请拨13800138000。".as_bytes(), "a.txt").unwrap();
//! assert_eq!(String::from_utf8(copy.bytes).unwrap(), "请拨【手机号】。");
//! ```
//!
//! What is personal belongs to `detect`; reading a copy again, to `service`. Nothing here knows a
//! vault.

mod date;
mod delimited;
mod draft;
mod find;
mod html;
mod json;
mod mail;
mod markup;
mod office;
mod package;
mod policy;
mod redactor;
mod refusal;
mod replace;
mod report;
mod text;
mod tree;

pub use find::{Finder, Spot};
pub use policy::{Action, Policy, PolicyError};
pub use redactor::{Copy, Format, Hidden, Job, PictureCopy, Pictures, Redactor};
pub use refusal::Refusal;
pub use replace::{Key, Replacer};
pub use report::{Dropped, Report, Written};
