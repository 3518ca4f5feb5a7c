//! What is done with each kind.
//!
//! The file is TOML, `version = 1`; `docs/redact.md` describes it.

use std::collections::BTreeMap;

use liuhen_kinds::{Kind, Lang};
use serde::Deserialize;

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The name of its kind in its place: `【手机号】`.
    Label,
    /// A few of its characters stay, by `detect`'s rule of what may be shown.
    Mask,
    /// Nothing in its place.
    Remove,
    /// A value of an invented person, the same for the same person throughout a run.
    Invented,
    /// A token.
    Token,
    /// Another day, by the same number of days for the same person; dates of birth only.
    Shift,
    /// It stays.
    Keep,
}

impl Action {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Mask => "mask",
            Self::Remove => "remove",
            Self::Invented => "invented",
            Self::Token => "token",
            Self::Shift => "shift",
            Self::Keep => "keep",
        }
    }
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not TOML, or not these fields. The parser's words show a line of the file.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// Another version than 1.
    #[error("version {0} of policies is not known; this program reads version 1")]
    Version(u32),
    /// Only a date can be shifted.
    #[error("{0} cannot be shifted; only date_of_birth can")]
    NoDate(Kind),
    /// More or fewer days than a shift may have.
    #[error("[shift] days must be from 1 to 3650")]
    Days,
    /// Not a share of certainty.
    #[error("least must be from 0 to 1")]
    Least,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    language: Option<Lang>,
    default: Option<Action>,
    least: Option<f32>,
    #[serde(default)]
    kinds: BTreeMap<Kind, Action>,
    #[serde(default)]
    shift: ShiftFile,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ShiftFile {
    days: Option<u16>,
    per: Option<Per>,
}

/// Whose dates move by the same number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Per {
    /// Each person's by a number of his own, where the person is known.
    #[default]
    Person,
    /// All of a run.
    Run,
}

/// What is done with each kind.
///
/// By default every kind becomes a label, except what is an organisation's own, which stays.
///
/// ```
/// use liuhen_kinds::Kind;
/// use liuhen_redact::{Action, Policy};
///
/// let policy = Policy::parse("version = 1\n[kinds]\nmobile = \"mask\"\n").unwrap();
/// assert_eq!(policy.action(Kind::MOBILE), Action::Mask);
/// assert_eq!(policy.action(Kind::EMAIL), Action::Label);
/// assert_eq!(policy.action(Kind::ORGANISATION), Action::Keep);
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) language: Lang,
    default: Option<Action>,
    kinds: BTreeMap<Kind, Action>,
    only: Vec<Kind>,
    pub(crate) shift_days: u16,
    pub(crate) shift_per: Per,
    least: f32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            language: Lang::Zh,
            default: None,
            kinds: BTreeMap::new(),
            only: Vec::new(),
            shift_days: SHIFT_DAYS,
            shift_per: Per::default(),
            least: LEAST,
        }
    }
}

/// Days that a date moves at most, when a policy says nothing: our own decision, a year.
const SHIFT_DAYS: u16 = 365;
/// Confidence from which a finding is hidden: that of a scan.
const LEAST: f32 = 0.5;

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], when it says what cannot be done.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)?;
        if file.version != 1 {
            return Err(PolicyError::Version(file.version));
        }
        let shifted = |(kind, action): (&Kind, &Action)| {
            (*action == Action::Shift && *kind != Kind::DATE_OF_BIRTH).then_some(*kind)
        };
        if let Some(kind) = file.kinds.iter().find_map(shifted) {
            return Err(PolicyError::NoDate(kind));
        }
        if file.default == Some(Action::Shift) {
            return Err(PolicyError::NoDate(Kind::MOBILE));
        }
        let days = file.shift.days.unwrap_or(SHIFT_DAYS);
        if !(1..=3650).contains(&days) {
            return Err(PolicyError::Days);
        }
        let least = file.least.unwrap_or(LEAST);
        if !(0.0..=1.0).contains(&least) {
            return Err(PolicyError::Least);
        }
        Ok(Self {
            language: file.language.unwrap_or_default(),
            default: file.default,
            kinds: file.kinds,
            only: Vec::new(),
            shift_days: days,
            shift_per: file.shift.per.unwrap_or_default(),
            least,
        })
    }

    /// Only these kinds are hidden, whatever the policy says of others; all of them when empty.
    #[must_use]
    pub fn only(mut self, kinds: Vec<Kind>) -> Self {
        self.only = kinds;
        self
    }

    /// The same, with another action for a kind.
    #[must_use]
    pub fn with(mut self, kind: Kind, action: Action) -> Self {
        self.kinds.insert(kind, action);
        self
    }

    /// Whether it hides some kinds only.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        !self.only.is_empty()
    }

    /// The language of labels, unless a policy file said one.
    #[must_use]
    pub fn in_language(mut self, language: Lang) -> Self {
        self.language = language;
        self
    }

    /// What is done with a kind.
    #[must_use]
    pub fn action(&self, kind: Kind) -> Action {
        if !self.only.is_empty() && !self.only.contains(&kind) {
            return Action::Keep;
        }
        if let Some(action) = self.kinds.get(&kind) {
            return *action;
        }
        // A kind that was asked for by name is no organisation's to keep.
        if self.only.is_empty() && is_organisations(kind) {
            return Action::Keep;
        }
        self.default.unwrap_or(Action::Label)
    }

    /// Whether a value of this kind does not stay.
    #[must_use]
    pub fn hides(&self, kind: Kind) -> bool {
        self.action(kind) != Action::Keep
    }

    /// Confidence from which a finding is hidden, 0 to 1.
    #[must_use]
    pub fn least(&self) -> f32 {
        self.least
    }
}

fn is_organisations(kind: Kind) -> bool {
    [Kind::ORGANISATION, Kind::USCC, Kind::ORG_CODE].contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_done() {
        let rows = [
            "",
            "version = 2",
            "version = 1\nother = 1",
            "version = 1\n[kinds]\nmobile = \"shift\"",
            "version = 1\n[kinds]\nshoe_size = \"mask\"",
            "version = 1\ndefault = \"shift\"",
            "version = 1\nleast = 2.0",
            "version = 1\n[shift]\ndays = 0",
        ];
        for text in rows {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn kinds_that_were_not_asked_for_stay() {
        let policy = Policy::default().only(vec![Kind::MOBILE, Kind::ORGANISATION]);
        assert!(policy.hides(Kind::MOBILE) && policy.hides(Kind::ORGANISATION));
        assert!(!policy.hides(Kind::EMAIL));
    }
}
