//! Numbers of the review, from `review.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::error::{Result, ServiceError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) version: String,
    pub(super) picture: Picture,
    pub(super) pdf: Pdf,
    pub(super) member: Member,
    pub(super) all: All,
    pub(super) idle: Idle,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Picture {
    pub(super) file: u64,
    pub(super) pixels: u64,
    pub(super) shown: u32,
    pub(super) boxes: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pdf {
    pub(super) pages: usize,
    pub(super) pixels: u64,
    pub(super) letters: usize,
    pub(super) unpacked: u64,
    pub(super) marks: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) pictures: usize,
    pub(super) bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct All {
    pub(super) bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Idle {
    pub(super) minutes: i64,
}

/// The numbers this program was built with.
///
/// # Errors
///
/// [`ServiceError::Damaged`] never happens in a tested build.
pub(super) fn rules() -> Result<&'static Rules> {
    static RULES: LazyLock<Option<Rules>> =
        LazyLock::new(|| toml::from_str(include_str!("review.toml")).ok());
    RULES
        .as_ref()
        .ok_or(ServiceError::Damaged("rules of the review"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_numbers_are_read() {
        let rules = super::rules().unwrap();
        assert!(!rules.version.is_empty());
        assert!(rules.picture.file < rules.member.bytes && rules.member.bytes <= rules.all.bytes);
        assert!(rules.member.pictures > 1 && rules.idle.minutes > 0 && rules.picture.boxes > 0);
        // Pages of A4 at 200 pixels to the inch.
        assert!(rules.pdf.pages > 1 && rules.pdf.pixels >= rules.pdf.pages as u64 * 3_867_000);
        assert!(rules.picture.shown > 1000 && rules.picture.pixels > 12_000_000);
    }
}
