//! Rule packs of the user's own: kinds, contexts, lists and words against.
//!
//! A pack is TOML. A new kind has a pattern or a list; a built-in one may be
//! given more words. Every kind brings examples that must and must not match,
//! and [`Pack::test`] runs them through the whole detector.
//!
//! ```
//! use liuhen_detect::own::Pack;
//!
//! let pack = Pack::parse(r#"
//!     version = "1"
//!     [[kind]]
//!     name = "member_card"
//!     zh = "会员卡号"
//!     en = "member card"
//!     pattern = 'VIP\d{8}'
//!     context = ["会员"]
//!     match = ["会员卡 VIP20260001"]
//!     spare = ["VIP2026"]
//! "#)?;
//! assert!(pack.test().is_empty());
//! # Ok::<(), liuhen_detect::own::PackError>(())
//! ```

use liuhen_kinds::{Kind, KindError, Lang, Level};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::{Detector, Options};

/// Bytes that one compiled pattern may take.
const PATTERN_BYTES: usize = 4 << 20;

/// Confidence of a match where a pack states none.
const USUAL: f32 = 0.7;

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The text is not the TOML that a pack is.
    #[error("rule pack is malformed")]
    Syntax(#[from] toml::de::Error),
    /// A kind may not be called so.
    #[error("kind number {number}: {why}")]
    Name {
        /// Which `[[kind]]`, from 1.
        number: usize,
        /// What is wrong with the name.
        why: KindError,
    },
    /// A pattern is not one, or grows too large.
    #[error("kind {kind}: the pattern cannot be used: {why}")]
    Pattern {
        /// The kind.
        kind: Kind,
        /// What is wrong with it.
        why: String,
    },
    /// A new kind says neither how it looks nor which values it has, or says both.
    #[error("kind {0} needs a pattern or a list, and not both")]
    Nothing(Kind),
    /// A confidence is no probability.
    #[error("kind {0}: confidence lies above 0 and below 1")]
    Confidence(Kind),
    /// A word is too short to be looked for.
    #[error("kind {0}: a context word has at least two Chinese characters or six letters")]
    ShortWord(Kind),
    /// A pattern matches nothing at all, which every text holds.
    #[error("kind {0}: the pattern matches the empty text")]
    Empty(Kind),
}

/// A rule pack of the user's own.
#[derive(Debug)]
pub struct Pack {
    /// The version that its author gave it.
    pub version: String,
    kinds: Vec<Own>,
}

/// One kind of a pack.
#[derive(Debug)]
struct Own {
    compiled: OwnKind,
    zh: String,
    en: String,
    level: Option<Level>,
    must: Vec<String>,
    must_not: Vec<String>,
}

/// A kind of the user's own in the form the engine works with.
#[derive(Debug, Clone)]
pub(crate) struct OwnKind {
    pub(crate) kind: Kind,
    /// Confidence of a match by itself; a built-in kind keeps its own.
    pub(crate) bare: Option<f32>,
    pub(crate) pattern: Option<Regex>,
    /// The pattern is a list of values.
    pub(crate) is_list: bool,
    /// A match counts only beside a word that speaks for it.
    pub(crate) needs_context: bool,
    pub(crate) context: Vec<&'static str>,
    pub(crate) against: Vec<&'static str>,
}

/// An example of a pack that did not turn out as its author says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The kind.
    pub kind: Kind,
    /// Which of its examples, from 1.
    pub number: usize,
    /// Whether it must match, and did not; or must not, and did.
    pub must_match: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    version: String,
    #[serde(default)]
    kind: Vec<KindFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    name: String,
    #[serde(default)]
    zh: String,
    #[serde(default)]
    en: String,
    level: Option<Level>,
    confidence: Option<f32>,
    pattern: Option<String>,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default)]
    context: Vec<String>,
    #[serde(default)]
    against: Vec<String>,
    #[serde(default)]
    needs_context: bool,
    #[serde(default, rename = "match")]
    must: Vec<String>,
    #[serde(default)]
    spare: Vec<String>,
}

impl Pack {
    /// Reads a pack and makes its patterns ready.
    ///
    /// New kinds are defined for the life of the process ([`Kind::define`]).
    ///
    /// # Errors
    ///
    /// [`PackError`], which says what is wrong and where.
    pub fn parse(text: &str) -> Result<Pack, PackError> {
        let file: PackFile = toml::from_str(text)?;
        let kinds = file
            .kind
            .into_iter()
            .enumerate()
            .map(|(at, kind)| Own::of(kind, at + 1))
            .collect::<Result<_, _>>()?;
        Ok(Pack {
            version: file.version,
            kinds,
        })
    }

    /// The kinds of the pack: built-in ones it adds words to, and its own.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().map(|own| own.compiled.kind)
    }

    /// The label that the pack gives a kind.
    #[must_use]
    pub fn label(&self, kind: Kind, lang: Lang) -> Option<&str> {
        let own = self.kinds.iter().find(|own| own.compiled.kind == kind)?;
        let label = match lang {
            Lang::Zh => &own.zh,
            Lang::En => &own.en,
        };
        Some(label.as_str()).filter(|label| !label.is_empty())
    }

    /// The level that the pack gives a kind.
    #[must_use]
    pub fn level(&self, kind: Kind) -> Option<Level> {
        let own = self.kinds.iter().find(|own| own.compiled.kind == kind)?;
        own.level
    }

    /// Runs every example through the built-in rules and this pack; what failed.
    #[must_use]
    pub fn test(&self) -> Vec<ExampleFailure> {
        let options = Options {
            model: false,
            ..Options::default()
        };
        let detector = Detector::with(std::slice::from_ref(self), options);
        let mut failures = Vec::new();
        for own in &self.kinds {
            let kind = own.compiled.kind;
            let finds = |text: &String| detector.scan(text).iter().any(|found| found.kind == kind);
            for (must_match, examples) in [(true, &own.must), (false, &own.must_not)] {
                for (at, text) in examples.iter().enumerate() {
                    if finds(text) != must_match {
                        failures.push(ExampleFailure {
                            kind,
                            number: at + 1,
                            must_match,
                        });
                    }
                }
            }
        }
        failures
    }

    pub(crate) fn compile(&self) -> impl Iterator<Item = OwnKind> {
        self.kinds.iter().map(|own| own.compiled.clone())
    }
}

impl Own {
    fn of(file: KindFile, number: usize) -> Result<Own, PackError> {
        let kind = Kind::define(&file.name).map_err(|why| PackError::Name { number, why })?;
        let builtin = Kind::BUILTIN.contains(&kind);
        let given = usize::from(file.pattern.is_some()) + usize::from(!file.list.is_empty());
        if given > 1 || (given == 0 && !builtin) {
            return Err(PackError::Nothing(kind));
        }
        if file
            .confidence
            .is_some_and(|value| !(value > 0.0 && value < 1.0))
        {
            return Err(PackError::Confidence(kind));
        }
        if file
            .context
            .iter()
            .chain(&file.against)
            .any(|word| word.len() < super::words::LEAST)
        {
            return Err(PackError::ShortWord(kind));
        }
        let is_list = !file.list.is_empty();
        let source = file
            .pattern
            .or_else(|| is_list.then(|| alternatives(&file.list)));
        let pattern = source.map(|source| pattern(kind, &source)).transpose()?;
        Ok(Own {
            compiled: OwnKind {
                kind,
                bare: file.confidence.or((!builtin).then_some(USUAL)),
                pattern,
                is_list,
                needs_context: file.needs_context,
                context: kept(&file.context),
                against: kept(&file.against),
            },
            zh: file.zh,
            en: file.en,
            level: file.level,
            must: file.must,
            must_not: file.spare,
        })
    }
}

fn pattern(kind: Kind, source: &str) -> Result<Regex, PackError> {
    let pattern = RegexBuilder::new(source)
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|error| PackError::Pattern {
            kind,
            why: error.to_string(),
        })?;
    if pattern.is_match(b"") {
        return Err(PackError::Empty(kind));
    }
    Ok(pattern)
}

/// A pattern of whole values, the longer first, so that the longest wins.
fn alternatives(list: &[String]) -> String {
    let mut values: Vec<&String> = list.iter().filter(|value| !value.is_empty()).collect();
    values.sort_by_key(|value| (std::cmp::Reverse(value.len()), *value));
    let escaped: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    escaped.join("|")
}

/// Words that stay for the life of the process, as the names of kinds do.
fn kept(words: &[String]) -> Vec<&'static str> {
    words
        .iter()
        .map(|word| &*Box::leak(word.clone().into_boxed_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Pack::parse(&format!("version = \"1\"\n[[kind]]\n{text}"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn refuses_packs_that_cannot_work() {
        let rows = [
            ("name = 'Card'\npattern = 'x1'", "kind number 1"),
            ("name = 'a_card'", "needs a pattern or a list"),
            ("name = 'a_card'\npattern = '('", "cannot be used"),
            ("name = 'a_card'\npattern = 'x*'", "empty text"),
            (
                "name = 'a_card'\npattern = 'x1'\nconfidence = 1.5",
                "confidence",
            ),
            (
                "name = 'a_card'\npattern = 'x1'\ncontext = ['卡']",
                "context word",
            ),
            ("name = 'a_card'\nshape = 'x'", "malformed"),
        ];
        for (text, expected) in rows {
            assert!(
                refusal(text).contains(expected),
                "{text}: {}",
                refusal(text)
            );
        }
    }

    #[test]
    fn lists_contexts_and_words_against() {
        let pack = Pack::parse(
            r#"
            version = "7"
            [[kind]]
            name = "code_name"
            zh = "项目代号"
            list = ["长风", "长风二号"]
            confidence = 0.4
            context = ["代号"]
            against = ["歌词"]
            needs_context = true
            match = ["项目代号：长风二号", "代号叫做长风"]
            spare = ["长风破浪", "歌词 长风"]
            [[kind]]
            name = "mobile"
            context = ["响铃"]
            match = ["响铃 13800138000"]
            "#,
        )
        .unwrap();
        assert_eq!(pack.test(), []);
        assert_eq!(
            pack.label(Kind::parse("code_name").unwrap(), Lang::Zh),
            Some("项目代号")
        );
    }

    #[test]
    fn examples_that_fail_are_told() {
        let pack = Pack::parse("version = '1'\n[[kind]]\nname = 'b_card'\npattern = 'B\\d{4}'\nmatch = ['B12']\nspare = ['B1234']").unwrap();
        let failures = pack.test();
        assert_eq!(failures.len(), 2);
        assert!(failures[0].must_match && !failures[1].must_match);
    }
}
