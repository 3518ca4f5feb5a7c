//! Numbers of asking and doubting, from `capture.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

/// The rule pack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Which it is.
    pub version: String,
    /// Of which day.
    pub date: String,
    /// Its mark.
    pub source: String,
    /// What is asked for.
    pub challenge: Asking,
    pub(crate) movement: Movement,
    pub(crate) depth: Depth,
    pub(crate) light: Light,
    pub(crate) repeats: Repeats,
    #[serde(rename = "virtual")]
    pub(crate) cameras: Cameras,
    /// Devices that sign.
    pub device: Devices,
    /// The opt-in network.
    pub passive: Passive,
}

/// What is asked for; times in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names and capture.toml say it")]
pub struct Asking {
    pub movements: usize,
    pub hold_ms: u32,
    pub straight_ms: u32,
    pub lights: usize,
    pub light_ms: u32,
    pub asked_ms: u64,
    pub grace_ms: u64,
    pub least_rate: f64,
    pub least_frames: usize,
    pub most_frames: usize,
}

/// Devices that sign a recording.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names and capture.toml say it")]
pub struct Devices {
    pub at_most: usize,
    pub sign_ms: u32,
}

/// What is asked of the opt-in network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "capture.toml says it")]
pub struct Passive {
    pub every: usize,
    pub below: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Movement {
    pub(crate) turned: f64,
    pub(crate) nodded: f64,
    pub(crate) held: f64,
    pub(crate) begun: f64,
    pub(crate) late_ms: u32,
    pub(crate) latest_ms: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Depth {
    pub(crate) flat: f64,
    pub(crate) solid: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Light {
    pub(crate) delay_ms: u32,
    pub(crate) least_change: f64,
    pub(crate) chance: f64,
    pub(crate) other: f64,
    pub(crate) behind: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeats {
    pub(crate) same: f64,
    pub(crate) still: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cameras {
    pub(crate) words: Vec<String>,
}

impl Rules {
    /// The pack that is compiled in.
    ///
    /// # Panics
    ///
    /// Never in a tested build: a test reads the pack.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        RULES.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            toml::from_str(include_str!("../capture.toml")).expect("built-in rules of captures")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_is_read_and_agrees_with_itself() {
        let rules = Rules::builtin();
        assert!(rules.depth.flat < rules.depth.solid);
        assert!(rules.challenge.least_frames < rules.challenge.most_frames);
        assert!(rules.movement.late_ms < rules.movement.latest_ms);
        // Every order of so many lights is tried.
        assert!(rules.challenge.lights <= crate::doubt::MOST_LIGHTS);
        // A device that is asked has time left to send the frames.
        assert!(u64::from(rules.device.sign_ms) + 5_000 <= rules.challenge.grace_ms);
        assert!(rules.device.at_most > 0);
        assert!(!rules.cameras.words.is_empty() && rules.source == "D");
    }
}
