//! Mark a copy; trace a copy.

pub mod code;
pub mod decode;
pub mod evalue;
pub mod model;

mod error;

pub use error::FingerprintError;
