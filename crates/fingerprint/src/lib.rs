//! Mark a copy; trace a copy.
//!
//! An export is marked with a code that belongs to it alone; a leak is compared with every copy
//! issued, and a copy is accused only when the evidence bounds the probability of accusing **any**
//! innocent copy by ε, whatever the leakers did.
//!
//! ```
//! use liuhen_fingerprint::code::{CodeKey, ExportKey};
//! use liuhen_fingerprint::evalue::Epsilon;
//! use liuhen_fingerprint::table::{Cell, mark_row, observe_row};
//! use liuhen_fingerprint::trace::{Candidate, Leak, trace};
//!
//! let code = CodeKey::from_secret([1; 32]);
//! let exports: Vec<ExportKey> = (0..50).map(|r| ExportKey::from_secret([r; 32])).collect();
//!
//! // Fifty rows of copy 7 turn up, in any order.
//! let mut leak = Leak::new();
//! for subject in 0..50_u8 {
//!     let address = format!("广东省深圳市某区某路1号某小区{subject}栋2单元{}室", 101 + u32::from(subject));
//!     let cell = Cell { column: "home", kind: "address", canonical: &address };
//!     let marked = mark_row(&code, &exports[7], &[subject], &[cell]);
//!     for (slot, form) in observe_row(&code, &[subject], &[(cell, marked.values[0].as_str())]) {
//!         leak.mark(slot, form);
//!     }
//! }
//!
//! let copies: Vec<Candidate> = exports.iter().map(Candidate::whole).collect();
//! let traced = trace(&leak, &copies, Epsilon::DEFAULT)?;
//! let accused: Vec<usize> = traced.accused().iter().map(|copy| copy.copy).collect();
//! assert_eq!(accused, [7]);
//! # Ok::<(), liuhen_fingerprint::FingerprintError>(())
//! ```
//!
//! From the bottom: [`evalue`] is the currency, [`code`] says which form each copy shows, [`model`]
//! imagines leakers, [`decode`] scores a copy (its page proves the bound), [`canary`] and [`table`]
//! carry symbols, [`trace`] accuses, [`exposure`] weighs decoys shown by lot, [`reads`] ranks
//! readers without accusing, [`power`] says beforehand what an export can prove, [`sample`] what a
//! few rows still lack, and [`simulate`] rehearses it. [`picture`] marks pictures ([`plane`] holds
//! their brightness) and finds a leaked one's copy against the original; [`tile`] marks screens, by
//! viewer.
//!
//! This room does no input or output, holds no key beyond those it is given, and knows neither
//! recipients nor subjects.

pub mod canary;
pub mod code;
pub mod decode;
pub mod evalue;
pub mod exposure;
pub mod model;
pub mod picture;
pub mod plane;
pub mod power;
pub mod reads;
pub mod sample;
pub mod simulate;
pub mod table;
pub mod tile;
pub mod trace;

mod error;

pub use error::FingerprintError;
