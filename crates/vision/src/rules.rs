//! Thresholds, from `eyes.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// The thresholds of looking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) version: String,
    pub(crate) faces: Faces,
    pub(crate) triage: Triage,
    pub(crate) text: Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Triage {
    pub(crate) longer: usize,
    pub(crate) shorter: usize,
    pub(crate) text: usize,
    pub(crate) text_shorter: usize,
    pub(crate) text_longest: usize,
    pub(crate) face: usize,
    pub(crate) least_side: f32,
    #[serde(rename = "box")]
    pub(crate) whole: f32,
    pub(crate) lines: usize,
    pub(crate) plate_from: f32,
    pub(crate) plate_to: f32,
    pub(crate) plate_side: f32,
    pub(crate) plate_box: f32,
    pub(crate) finer: usize,
    pub(crate) tile: usize,
    pub(crate) block: usize,
    pub(crate) edge: i16,
    pub(crate) stroke: usize,
    pub(crate) flat: i16,
    pub(crate) across: f32,
    pub(crate) down: f32,
    pub(crate) plain: f32,
    pub(crate) most: f32,
    pub(crate) strokes: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Faces {
    pub(crate) sure: f32,
    pub(crate) unsure: f32,
    pub(crate) small_sure: f32,
    pub(crate) small_unsure: f32,
    pub(crate) same: f32,
    pub(crate) sizes: Vec<usize>,
    pub(crate) turned: usize,
    pub(crate) small_size: usize,
    pub(crate) small_tile: usize,
    pub(crate) small_margin: usize,
    pub(crate) glance: usize,
}

impl Faces {
    /// The longest side that any look at a whole picture needs.
    pub(crate) fn longest(&self) -> usize {
        let sizes = self.sizes.iter().copied();
        sizes.chain([self.small_size]).max().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) shortest: usize,
    pub(crate) pixels: usize,
    pub(crate) tile: usize,
    pub(crate) margin: usize,
    pub(crate) pixel: f32,
    #[serde(rename = "box")]
    pub(crate) whole: f32,
    pub(crate) unclip: f32,
    pub(crate) line: f32,
    pub(crate) turned: f32,
}

/// The thresholds this program was built with.
///
/// # Errors
///
/// [`crate::VisionError::Weights`] never happens in a tested build.
pub(crate) fn rules() -> Result<&'static Rules, crate::VisionError> {
    static RULES: LazyLock<Result<Rules, String>> = LazyLock::new(|| {
        toml::from_str(include_str!("../eyes.toml"))
            .map_err(|error: toml::de::Error| error.to_string())
    });
    RULES
        .as_ref()
        .map_err(|error| crate::VisionError::Weights(error.clone()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_thresholds_are_read() {
        let rules = super::rules().unwrap();
        assert!(rules.faces.unsure < rules.faces.sure);
        assert!(rules.faces.small_unsure < rules.faces.small_sure);
        assert!(!rules.version.is_empty());
    }
}
