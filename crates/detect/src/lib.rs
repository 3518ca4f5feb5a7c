//! A document yields findings.
//!
//! [`Detector`] reads running text and streams of it, [`RowScanner`] the rows of
//! a table whose columns [`columns::guess`] typed. One value is judged by
//! [`check`], brought to one form by [`normalise`] and shown by [`mask`].
//!
//! ```
//! use liuhen_detect::{Verdict, check, mask, normalise};
//! use liuhen_kinds::Kind;
//!
//! // A sample card published by the police: a resident of Hong Kong.
//! let id = "８１００００ 19940823 0021";
//! assert!(matches!(check(Kind::HK_MO_TW_RESIDENCE, id), Verdict::Valid(_)));
//! assert_eq!(normalise(Kind::HK_MO_TW_RESIDENCE, id).as_deref(), Some("810000199408230021"));
//! assert_eq!(mask(Kind::HK_MO_TW_RESIDENCE, id), "8***************21");
//! ```
//!
//! Knows nothing of subjects or vaults, and never keeps a value.

mod address;
mod bank_card;
mod check;
pub mod columns;
mod date;
mod email;
mod fold;
mod gender;
mod identity;
mod landline;
mod mask;
mod mobile;
mod person_name;
mod plate;
mod rows;
pub mod scan;
#[cfg(feature = "model")]
pub mod sequence;
mod uscc;
mod verdict;
mod vin;

pub use check::{check, check_into, normalise};
pub use date::Date;
pub use fold::{fold, is_plain};
pub use mask::mask;
pub use rows::RowScanner;
pub use scan::{Detector, Found, Hit, Options, Reasons, Stream, own};
pub use verdict::{Judgement, Normalised, ReasonCode, Verdict};
