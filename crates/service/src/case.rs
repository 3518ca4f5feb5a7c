//! Cases, as `forensics` keeps them.

pub use liuhen_forensics::case::*;

/// The time now as a case's entries have it, RFC 3339.
#[must_use]
pub fn now() -> String {
    crate::rfc3339(crate::clock::Clock::default().now())
}
