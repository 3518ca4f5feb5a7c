//! The names of personal information.
//!
//! A [`Kind`] is a name; the [`RulePack`] says what each kind is called in
//! Chinese and English, how sensitive it is by which standard, and by which
//! words a column of it is headed. Places, number plans
//! and word lists are data beside it, each with its
//! provenance.
//!
//! ```
//! use liuhen_kinds::{Kind, Lang, Level, RulePack};
//!
//! let pack = RulePack::builtin();
//! assert_eq!(pack.label(Kind::RESIDENT_ID, Lang::Zh), "居民身份证号");
//! assert_eq!(pack.info(Kind::RESIDENT_ID).level, Level::High);
//! assert!(!pack.info(Kind::RESIDENT_ID).sensitivity.gb45574);
//! assert_eq!(Kind::parse("mobile"), Ok(Kind::MOBILE));
//! ```
//!
//! This room judges nothing: whether a text is of a kind belongs to `detect`.

pub mod detection;
pub mod digits;
mod error;
mod kind;
pub mod lexicon;
pub mod pack;
pub mod region;
pub mod segment;

pub use error::{KindError, PackError};
pub use kind::Kind;
pub use pack::{Category, KindInfo, Lang, Level, Mark, RulePack, Sensitivity, Source, Tier};
