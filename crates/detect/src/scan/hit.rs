//! Hits: findings as the engine holds them, small and without heap.
//!
//! A [`Hit`] becomes a [`Finding`] when somebody wants to keep it; until then a
//! text dense with findings costs no allocation for each.

use liuhen_document::{Evidence, Finding, Span};
use liuhen_kinds::Kind;

/// Reasons for a hit, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Reasons(u64);

macro_rules! reasons {
    ($($constant:ident = $bit:literal, $code:literal;)*) => {
        impl Reasons {
            $(#[doc = concat!("`", $code, "`.")]
            pub const $constant: Reasons = Reasons(1 << $bit);)*

            /// Every reason with its stable name.
            pub const ALL: &'static [(Reasons, &'static str)] = &[$((Reasons::$constant, $code)),*];
        }
    };
}

reasons! {
    CHECK_DIGIT = 0, "checked";
    REGION = 1, "known_region";
    SEGMENT = 2, "known_segment";
    ISSUER = 3, "known_issuer";
    STRUCTURE = 4, "structure";
    LABEL = 5, "label";
    CONTEXT = 6, "context";
    GROUPED = 7, "grouped";
    PREFIX = 8, "country_prefix";
    FULL_WIDTH = 9, "full_width";
    NUMERALS = 10, "numerals";
    INVISIBLE = 11, "invisible";
    LINE_BREAK = 12, "line_break";
    MASKED = 13, "residual";
    CONFUSED = 14, "confused";
    ENCODED = 15, "encoded";
    OLD_FORM = 16, "old_form";
    AGAINST = 17, "against";
    OTHER_LABEL = 18, "other_label";
    UNDIVIDED = 19, "undivided";
    IN_NUMBER = 20, "in_number";
    UNKNOWN_REGION = 21, "unknown_region";
    UNKNOWN_ISSUER = 22, "unknown_issuer";
    UNASSIGNED = 23, "unassigned";
    LUHN_FAILS = 24, "luhn_fails";
    SURNAME = 25, "known_surname";
    LEVELS = 26, "levels";
    PLACE_ONLY = 27, "place_only";
    MODEL = 28, "model";
    OWN_PATTERN = 29, "own_pattern";
    OWN_LIST = 30, "own_list";
    COLUMN = 31, "column";
    BUNDLE = 32, "bundle";
    PLACEHOLDER = 33, "placeholder";
    ORGANISATION = 34, "organisation_beside";
    WRONG_CHECK = 35, "wrong_check";
    LOOSE = 36, "loose";
    ORGANISATION_WORDS = 37, "organisation_word";
}

impl Reasons {
    /// No reason at all.
    pub const NONE: Reasons = Reasons(0);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    /// The set as bits.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Whether every reason of `other` is among these.
    #[must_use]
    pub const fn has(self, other: Reasons) -> bool {
        self.0 & other.0 == other.0
    }

    /// The reasons one by one, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = (Reasons, &'static str)> {
        Reasons::ALL
            .iter()
            .copied()
            .filter(move |(reason, _)| self.has(*reason))
    }
}

/// A kind found at a span, as the engine hands it out: `Copy`, without heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Where it is, counted from the beginning of the text or stream.
    pub span: Span,
    /// How sure we are, 0 to 1.
    pub confidence: f32,
    /// Why.
    pub reasons: Reasons,
    /// The word that spoke for it nearby, if one did: a word of the rule pack.
    pub word: Option<&'static str>,
    /// Which person of the text it belongs to; 0 when to none in particular.
    pub person: u64,
}

impl Hit {
    /// The reasons in the form of reports.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        self.reasons
            .iter()
            .map(|(reason, code)| {
                let mut evidence = Evidence::counted(code, self.kind, 1, 1);
                if reason == Reasons::LABEL || reason == Reasons::CONTEXT {
                    evidence.word = self.word.map(str::to_owned);
                }
                evidence
            })
            .collect()
    }

    /// The hit as a finding that can be kept.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding {
            kind: self.kind,
            span: self.span,
            confidence: self.confidence,
            evidence: self.evidence(),
        }
    }
}

/// A hit together with the text around it, while that text is at hand.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// The hit.
    pub hit: &'a Hit,
    /// Exactly what its span covers.
    pub text: &'a str,
    /// The line it begins on, from 1.
    pub line: u64,
    /// The character of the line it begins at, from 1.
    pub column: u64,
    /// The text at hand, and where in it the hit lies.
    pub(crate) behind: (&'a [u8], usize, usize),
}

/// Bytes of a line that are shown on either side of a hit.
const AROUND: usize = 1024;

impl<'a> Found<'a> {
    /// The line it stands on, cut at 1,024 bytes on either side.
    #[must_use]
    pub fn around(&self) -> &'a str {
        let (text, start, end) = self.behind;
        let first = start.saturating_sub(AROUND);
        let line_start =
            memchr::memrchr(b'\n', &text[first..start]).map_or(first, |at| first + at + 1);
        let last = text.len().min(end + AROUND);
        let line_end = memchr::memchr(b'\n', &text[end..last]).map_or(last, |at| end + at);
        whole_characters(&text[line_start..line_end])
    }
}

/// Bytes cut somewhere, as far as they are whole characters.
fn whole_characters(bytes: &[u8]) -> &str {
    let start = bytes
        .iter()
        .take(4)
        .take_while(|b| **b & 0xC0 == 0x80)
        .count();
    match str::from_utf8(&bytes[start..]) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[start..start + error.valid_up_to()]).unwrap_or(""),
    }
}

impl std::fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Found({:?} at {}:{})",
            self.hit.kind, self.line, self.column
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_can_be_told_in_words() {
        for (_, code) in Reasons::ALL {
            let evidence = Evidence::counted(code, Kind::MOBILE, 1, 1);
            assert_ne!(evidence.text(liuhen_kinds::Lang::Zh), *code);
            assert!(evidence.text(liuhen_kinds::Lang::En).is_ascii(), "{code}");
        }
    }

    #[test]
    fn reasons_have_names_and_bits_of_their_own() {
        let mut names = std::collections::BTreeSet::new();
        let mut bits = 0_u64;
        for (reason, name) in Reasons::ALL {
            assert!(names.insert(*name), "{name}");
            assert_eq!(bits & reason.0, 0, "{name}");
            bits |= reason.0;
        }
    }
}
