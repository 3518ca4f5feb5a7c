//! Numbers of faces, from `faces.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::error::{Result, ServiceError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) version: String,
    pub(super) answer: Answer,
    pub(super) picture: Picture,
    pub(super) questions: Questions,
    pub(super) law: Law,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) same: f32,
    pub(super) margin: f32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Picture {
    pub(super) between_eyes: f32,
    pub(super) yaw: f32,
    pub(super) sharpness: f32,
    pub(super) file: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Questions {
    pub(super) at_most: usize,
    pub(super) minutes: i64,
    pub(super) a_day: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Law {
    pub(super) guardian_below: i32,
    pub(super) persons: u64,
    pub(super) working_days: u32,
    pub(super) near: u64,
}

/// The numbers this program was built with.
///
/// # Errors
///
/// [`ServiceError::Damaged`] never happens in a tested build.
pub(super) fn rules() -> Result<&'static Rules> {
    static RULES: LazyLock<Option<Rules>> =
        LazyLock::new(|| toml::from_str(include_str!("faces.toml")).ok());
    RULES
        .as_ref()
        .ok_or(ServiceError::Damaged("rules of faces"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_numbers_are_read() {
        let rules = super::rules().unwrap();
        assert!(!rules.version.is_empty());
        assert!(rules.answer.margin < rules.answer.same && rules.answer.same < 1.0);
        assert!(rules.questions.at_most < rules.questions.a_day);
        assert!((1..=100).contains(&rules.law.near));
    }
}
