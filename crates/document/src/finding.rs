//! Findings: what is where, and why we think so.

use liuhen_kinds::Kind;
use serde::{Deserialize, Serialize};

use crate::Evidence;

/// A half-open stretch of decoded text, in three units at once.
///
/// Programs that slice bytes, code points or UTF-16 (browsers, Java) each find
/// their own offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Bytes of UTF-8.
    pub bytes: (u64, u64),
    /// Unicode scalar values.
    pub chars: (u64, u64),
    /// Code units of UTF-16.
    pub utf16: (u64, u64),
}

impl Span {
    /// The span of bytes `start..end` of `text`.
    ///
    /// `None` when the bounds are reversed, out of range or inside a character.
    #[must_use]
    pub fn of(text: &str, start: usize, end: usize) -> Option<Span> {
        let inside = text.get(start..end)?;
        let before = text.get(..start)?;
        let (c0, u0) = lengths(before);
        let (c, u) = lengths(inside);
        Some(Span {
            bytes: (start as u64, end as u64),
            chars: (c0, c0 + c),
            utf16: (u0, u0 + u),
        })
    }

    /// Whether two spans share a byte.
    #[must_use]
    pub const fn overlaps(&self, other: &Span) -> bool {
        self.bytes.0 < other.bytes.1 && other.bytes.0 < self.bytes.1
    }
}

/// Lengths in code points and in UTF-16 code units.
fn lengths(text: &str) -> (u64, u64) {
    text.chars()
        .fold((0, 0), |(c, u), ch| (c + 1, u + ch.len_utf16() as u64))
}

/// A kind found at a span; never the text itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub span: Span,
    /// How sure we are, 0 to 1.
    pub confidence: f32,
    /// Why.
    pub evidence: Vec<Evidence>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_in_three_units() {
        let text = "张𠮷a电话";
        let start = text.find('a').unwrap();
        let span = Span::of(text, start, text.len()).unwrap();
        assert_eq!(span.bytes, (7, 14));
        assert_eq!(span.chars, (2, 5));
        assert_eq!(span.utf16, (3, 6));
    }

    #[test]
    fn refuses_a_span_inside_a_character() {
        assert_eq!(Span::of("张", 1, 3), None);
        assert_eq!(Span::of("ab", 1, 9), None);
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let text = "abcdef";
        let (a, b) = (Span::of(text, 0, 3).unwrap(), Span::of(text, 3, 6).unwrap());
        assert!(!a.overlaps(&b));
        assert!(a.overlaps(&Span::of(text, 2, 4).unwrap()));
    }
}
