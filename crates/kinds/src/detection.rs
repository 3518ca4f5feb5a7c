//! Rules of detection: what a form is worth, and which words speak for or against it.
//!
//! Rule: `rules/detect.toml`, dated; the header words of `kinds.toml` are labels besides.
//! Finding the words and the forms belongs to `detect`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::{Kind, PackError, Source};

/// The rules by which findings are made in running text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// The version that reports name.
    pub version: String,
    /// The day of the rules, `YYYY-MM-DD`.
    pub date: String,
    /// How far words reach.
    pub reach: Reach,
    /// What each reason adds to the logarithm of the odds.
    pub weights: Weights,
    /// Words against every number of a person.
    pub against: WordList,
    /// Values that nobody has.
    #[serde(default)]
    pub never: Vec<Never>,
    /// What stands for a value that is not there.
    pub placeholders: WordList,
    /// Latin keys of two or three letters that are keys in running text too;
    /// other short ones, such as pinyin initials, head columns only.
    pub short_keys: WordList,
    /// What is said of each kind.
    pub kind: Vec<KindRule>,
}

/// How far words reach.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Where the bound comes from.
    pub source: Source,
    /// Characters on either side within which a word counts.
    pub characters: usize,
}

/// What each reason adds, by the reason's stable name.
#[derive(Debug, Clone, Deserialize)]
pub struct Weights {
    /// Where the weights come from.
    pub source: Source,
    /// Logarithms of odds.
    #[serde(flatten)]
    pub of: BTreeMap<String, f32>,
}

/// Words, and where they come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordList {
    /// Where the words come from.
    pub source: Source,
    /// The words.
    pub words: Vec<String>,
}

/// Values of a form that nobody has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    /// The kind whose form they have.
    pub kind: Kind,
    /// Where they come from.
    pub source: Source,
    /// The values.
    pub values: Vec<String>,
}

/// What is said of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRule {
    /// The kind.
    pub name: Kind,
    /// Confidence of a whole form, or of what a label points out, by itself.
    pub bare: f32,
    /// Words that speak for it, beside the header words.
    #[serde(default)]
    pub context: Vec<String>,
    /// Words that speak against it.
    #[serde(default)]
    pub against: Vec<String>,
    /// The form of what stands behind a label of it.
    #[serde(default)]
    pub label: Option<LabelRule>,
}

/// The form of a value behind its label.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// The form.
    pub shape: Shape,
    /// Fewest characters.
    pub least: usize,
    /// Most characters.
    pub most: usize,
    /// Whether the value may follow its label with nothing between, as in `QQ12345`.
    #[serde(default)]
    pub bare_gap: bool,
}

/// Forms of values that only a label makes known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names say it; `detect` describes each beside its reader"
)]
pub enum Shape {
    Digits,
    Code,
    Secret,
    Account,
    Handle,
    Name,
    Address,
    Organisation,
    Date,
    Gender,
    Ethnicity,
    Religion,
    Uuid,
    SchoolClass,
    Phrase,
    Amount,
    Lodging,
    Call,
    Picture,
    Template,
}

impl Detection {
    /// The rules that are compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static Detection {
        static RULES: OnceLock<Detection> = OnceLock::new();
        RULES.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            Detection::parse(include_str!("../rules/detect.toml"))
                .expect("built-in detection rules")
        })
    }

    /// Reads rules of detection.
    ///
    /// # Errors
    ///
    /// [`PackError::Syntax`] when the text is not such rules, [`PackError::Twice`]
    /// and [`PackError::Missing`] when a built-in kind is described twice or not at all.
    pub fn parse(text: &str) -> Result<Detection, PackError> {
        let rules: Detection = toml::from_str(text)?;
        let mut seen = std::collections::BTreeSet::new();
        if let Some(rule) = rules.kind.iter().find(|rule| !seen.insert(rule.name)) {
            return Err(PackError::Twice(rule.name));
        }
        match Kind::BUILTIN.iter().find(|kind| !seen.contains(kind)) {
            Some(kind) => Err(PackError::Missing(*kind)),
            None => Ok(rules),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_rules_describe_every_kind() {
        let rules = Detection::parse(include_str!("../rules/detect.toml")).unwrap();
        assert_eq!(rules.kind.len(), Kind::BUILTIN.len());
        for rule in &rules.kind {
            assert!((0.0..1.0).contains(&rule.bare), "{}", rule.name);
        }
    }

    #[test]
    fn refuses_rules_that_forget_a_kind() {
        let text = include_str!("../rules/detect.toml").replace("\"org_code\"", "\"uscc\"");
        assert!(matches!(Detection::parse(&text), Err(PackError::Twice(_))));
    }
}
