//! A sample for human verification: which rows to look at, and what follows from what was seen.
//!
//! Rules: `rules/sample.toml`; method and its limits, docs/case.md. The rows that a count held as
//! persons (the first occurrence of each) and the rows that it left out are divided into strata;
//! within each, the rows with the least SHA-256 of seed and place are drawn, so that anybody who
//! has the exhibits and the seed draws the same.
//!
//! Showing the rows and asking about them belongs to the caller; no value is in a sample.

mod allocate;
mod draw;
mod estimate;
mod interval;

use std::sync::OnceLock;

use liuhen_kinds::{Kind, Source};
use serde::{Deserialize, Serialize};

use crate::ledger::At;
use crate::reason::Reason;

pub use draw::Asked;
pub use estimate::{Estimate, Mark, Marks, MarksError, Side, StratumSeen};
pub use interval::{Seen, clopper_pearson, stratified};

/// The only form of a sample, and of marks, that there is.
const VERSION: u32 = 1;

/// How rows are drawn; a sample names it, so that another method has another name.
pub const METHOD: &str = "stratified-least-sha256-1";

/// What `rules/sample.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/sample.toml explains each beside it")]
pub struct SampleRules {
    pub version: String,
    pub source: Source,
    pub size: u64,
    pub most: u64,
    pub least: u64,
    pub excluded_share: f64,
    pub level: f64,
    pub stratum_interval_source: Source,
    pub total_interval_source: Source,
}

impl SampleRules {
    /// The pack that is compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static RULES: OnceLock<SampleRules> = OnceLock::new();
        RULES.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            toml::from_str(include_str!("../../rules/sample.toml")).expect("rules of samples")
        })
    }
}

/// What is drawn from: rows of one file, or of all, that came to the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// Why they do not count; none for rows that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Reason>,
    /// Of rows that count, the most sensitive kind they hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The file; none where all files are one stratum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A group, how many rows it has and how many of them were drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    /// What they have in common.
    #[serde(flatten)]
    pub group: Group,
    /// Rows of it.
    pub rows: u64,
    /// Rows drawn.
    pub drawn: u64,
}

/// A row that was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// Its number in the sample, from 1.
    pub n: u64,
    /// Its stratum, by its place in the list.
    pub stratum: usize,
    /// The table within the file, from 0; sheets need not have names.
    pub table: usize,
    /// Where it stands.
    #[serde(flatten)]
    pub at: At,
    /// The row whose person it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Box<Repeated>>,
}

/// The first occurrence that a drawn row repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The table within the file, from 0.
    pub table: usize,
    /// Where it stands.
    #[serde(flatten)]
    pub at: At,
}

/// A sample: places and numbers, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    liuhen_sample: u32,
    /// How it was drawn.
    pub method: String,
    /// What the drawing depends on besides the exhibits.
    pub seed: String,
    /// Rows asked for.
    pub size: u64,
    /// Of the rules it was drawn by.
    pub rules: String,
    /// The result whose rows these are, such as `results/0001`.
    pub count: String,
    /// SHA-256 of that result's `count.json`.
    pub count_sha256: String,
    /// Every group that has rows.
    pub strata: Vec<Stratum>,
    /// The rows, in the order of the exhibits.
    pub rows: Vec<Drawn>,
}

impl Sample {
    /// Reads a sample.
    ///
    /// # Errors
    ///
    /// [`MarksError::NoSample`] when the bytes are none, or its strata say that other numbers of rows
    /// were drawn than stand in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, MarksError> {
        let sample: Self = serde_json::from_slice(bytes).map_err(|_| MarksError::NoSample)?;
        let mut drawn = vec![0; sample.strata.len()];
        for row in &sample.rows {
            *drawn.get_mut(row.stratum).ok_or(MarksError::NoSample)? += 1;
        }
        let fits = sample
            .strata
            .iter()
            .zip(drawn)
            .all(|(stratum, drawn)| stratum.drawn == drawn && drawn <= stratum.rows);
        let numbered = (1..).zip(&sample.rows).all(|(n, row)| row.n == n);
        match sample.liuhen_sample == VERSION && fits && numbered {
            true => Ok(sample),
            false => Err(MarksError::NoSample),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_whose_strata_do_not_fit_its_rows_is_refused() {
        let sample = |stratum: (u64, u64), rows: &[(u64, usize)]| {
            let rows: Vec<_> = rows
                .iter()
                .map(|(n, stratum)| serde_json::json!({ "n": n, "stratum": stratum, "table": 0, "file": "a", "row": n }))
                .collect();
            let sample = serde_json::json!({
                "liuhen_sample": 1, "method": METHOD, "seed": "s", "size": 2, "rules": "r",
                "count": "results/0001", "count_sha256": "", "rows": rows,
                "strata": [{ "kind": "mobile", "rows": stratum.0, "drawn": stratum.1 }],
            });
            Sample::parse(sample.to_string().as_bytes())
        };
        sample((5, 2), &[(1, 0), (2, 0)]).unwrap();
        for (stratum, rows) in [
            ((5, 3), &[(1, 0), (2, 0)][..]),
            ((5, 1), &[(1, 0), (2, 0)]),
            ((1, 2), &[(1, 0), (2, 0)]),
            ((5, 2), &[(1, 0), (2, 1)]),
            ((5, 2), &[(1, 0), (1, 0)]),
        ] {
            let refused = sample(stratum, rows).unwrap_err();
            assert_eq!(refused, MarksError::NoSample, "{stratum:?} {rows:?}");
        }
    }

    #[test]
    fn rules_are_read_and_plausible() {
        let rules = SampleRules::builtin();
        assert!(rules.level > 0.5 && rules.level < 1.0);
        assert!((0.0..1.0).contains(&rules.excluded_share));
        assert!(rules.least >= 1 && rules.size <= rules.most);
    }
}
