//! Mark a copy; trace a copy.

pub mod canary;
pub mod code;
pub mod decode;
pub mod evalue;
pub mod model;
pub mod power;
pub mod reads;
pub mod simulate;
pub mod table;
pub mod trace;

mod error;

pub use error::FingerprintError;
