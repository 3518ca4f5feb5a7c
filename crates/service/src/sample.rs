//! Samples for human verification, as `forensics` draws and judges them.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};

pub use liuhen_forensics::sample::*;

/// SHA-256 in hexadecimal, by which samples and counts are named.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What a Content-Security-Policy calls a script or style of these words.
#[must_use]
pub fn policy_hash(words: &str) -> String {
    format!(
        "'sha256-{}'",
        BASE64.encode(&Sha256::digest(words.as_bytes()))
    )
}
