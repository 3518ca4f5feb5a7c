//! Findings that are known and accepted: how many of which kind in which file.
//!
//! Holds no value and nothing made from one, since a hash of a mobile number is undone in minutes.
//! The price: of more findings than were accepted, the last ones in the file are reported, which
//! need not be the new ones.

use std::collections::BTreeMap;

use liuhen_kinds::Kind;
use serde::{Deserialize, Serialize};

use crate::{Result, ServiceError};

/// The only version there is.
const VERSION: u32 = 1;

/// How many findings of which kind are accepted in which file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    liuhen_baseline: u32,
    /// By path, then by the name of the kind: a kind of a rule pack that is not at hand today is
    /// no reason to refuse the rest.
    findings: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            liuhen_baseline: VERSION,
            findings: BTreeMap::new(),
        }
    }
}

impl Baseline {
    /// Reads what [`Baseline::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] when the text is no baseline of this version.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: String| ServiceError::Invalid(format!("this is no baseline: {why}"));
        let read: Self = serde_json::from_str(text).map_err(|error| {
            // The parser's own words may quote the text.
            refuse(format!("line {}, column {}", error.line(), error.column()))
        })?;
        if read.liuhen_baseline != VERSION {
            return Err(refuse(format!(
                "it has version {}, and this program reads version {VERSION}",
                read.liuhen_baseline
            )));
        }
        Ok(read)
    }

    /// As JSON, in the order of the paths, one finding count a line, so that a change shows as one.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and numbers always serialise.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Notes the findings of one file.
    pub fn add(&mut self, path: &str, counts: &BTreeMap<Kind, u64>) {
        if counts.is_empty() {
            return;
        }
        let file = self.findings.entry(path.to_owned()).or_default();
        for (kind, count) in counts {
            *file.entry(kind.name().to_owned()).or_insert(0) += count;
        }
    }

    /// What is accepted in one file.
    pub(super) fn of(&self, path: &str) -> BTreeMap<Kind, u64> {
        let file = self.findings.get(path).into_iter().flatten();
        file.filter_map(|(name, count)| Some((Kind::parse(name).ok()?, *count)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut baseline = Baseline::default();
        baseline.add(
            "a/b.csv",
            &BTreeMap::from([(Kind::MOBILE, 2), (Kind::EMAIL, 1)]),
        );
        baseline.add("c.txt", &BTreeMap::new());
        let read = Baseline::parse(&baseline.to_json()).unwrap();
        assert_eq!(read, baseline);
        assert_eq!(read.of("a/b.csv")[&Kind::MOBILE], 2);
        assert!(read.of("c.txt").is_empty());
    }

    #[test]
    fn refuses_what_is_no_baseline_without_quoting_it() {
        for text in [
            "",
            "[]",
            "{\"liuhen_baseline\":2,\"findings\":{}}",
            "13800138000",
        ] {
            let error = Baseline::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("this is no baseline"), "{error}");
            assert!(!error.contains("13800138000"));
        }
    }
}
