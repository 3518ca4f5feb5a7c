//! Written forms of the same characters, brought to one.
//!
//! Full width becomes half width, zero-width characters and byte-order marks
//! go, the many spaces become one. Nothing is guessed: digits written as
//! Chinese numerals or mistaken by OCR are left as they are.

use std::borrow::Cow;

/// One character folded, `None` where it takes no room.
pub(crate) const fn character(c: char) -> Option<char> {
    match c {
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{FEFF}'
        | '\u{00AD}' => None,
        '\u{3000}' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\t' | '\r' | '\n' => {
            Some(' ')
        }
        // The full-width forms stand in the order of ASCII, 0xFEE0 above it.
        '\u{FF01}'..='\u{FF5E}' => match char::from_u32(c as u32 - 0xFEE0) {
            Some(folded) => Some(folded),
            None => Some(c),
        },
        '•' | '‧' | '・' | '∙' | '⋅' | '･' | '●' => Some('·'),
        '–' | '—' | '−' | '‐' | '‑' => Some('-'),
        c => Some(c),
    }
}

/// The text in half width, without zero-width characters, trimmed.
///
/// Borrowed when there is nothing to change. Folding twice changes nothing more.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text.trim());
    }
    let folded: String = text.chars().filter_map(character).collect();
    let trimmed = folded.trim();
    if trimmed.len() == folded.len() {
        Cow::Owned(folded)
    } else {
        Cow::Owned(trimmed.to_owned())
    }
}

/// Whether no character of a text folds; may say no where none does.
///
/// Then [`fold()`] only trims it, and every part of it.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    // Every character that folds begins, as UTF-8, with one of these four bytes; Chinese ones seldom do.
    let folds = |b: &u8| (*b < b' ') | matches!(*b, 0x7F | 0xC2 | 0xE2 | 0xE3 | 0xEF);
    // Without a way out inside a chunk, many bytes are compared at once.
    let any = |chunk: &[u8]| chunk.iter().fold(false, |any, b| any | folds(b));
    !text.as_bytes().chunks(64).any(any)
}

/// Letters and digits of a short text, upper case, without separators.
///
/// `N` is the most there may be; on the stack, for speed.
pub(crate) struct Compact<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Compact<N> {
    /// Drops spaces, hyphens, dots, brackets and a leading apostrophe, as
    /// people and spreadsheets put them in.
    ///
    /// `None` when another character stands in it, when two hyphens or dots
    /// follow one another, or when more than `N` characters remain.
    pub(crate) fn of(text: &str) -> Option<Compact<N>> {
        let mut compact = Compact {
            bytes: [0; N],
            len: 0,
        };
        let text = text.trim_start_matches(['\'', '’', '`']);
        // A number that a spreadsheet took for a decimal one.
        let text = text.strip_suffix(".0").unwrap_or(text);
        let mut after_separator = false;
        for c in text.chars() {
            let c = if c.is_ascii() {
                c
            } else if let Some(c) = character(c) {
                c
            } else {
                continue;
            };
            match c {
                '0'..='9' | 'A'..='Z' | 'a'..='z' => {
                    *compact.bytes.get_mut(compact.len)? = c.to_ascii_uppercase() as u8;
                    compact.len += 1;
                    after_separator = false;
                }
                ' ' | '\t' | '\r' | '\n' | '(' | ')' => {}
                '-' | '.' | '_' | '·' if !after_separator => after_separator = true,
                _ => return None,
            }
        }
        Some(compact)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The bytes when all of them are digits.
    pub(crate) fn digits(&self) -> Option<&[u8]> {
        Some(self.bytes()).filter(|bytes| bytes.iter().all(u8::is_ascii_digit))
    }
}

/// Text of bytes that are known to be ASCII.
pub(crate) fn ascii(bytes: &[u8]) -> String {
    str::from_utf8(bytes).unwrap_or_default().to_owned()
}

/// The number that ASCII digits write; anything else counts as zero.
pub(crate) fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0_u32, |n, d| {
        n.saturating_mul(10) + u32::from(d.saturating_sub(b'0').min(9))
    })
}

/// Whether a character is a Chinese one.
pub(crate) const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}' | '〇')
}

#[cfg(test)]
mod tests {
    #[test]
    fn characters_that_fold_begin_with_four_bytes() {
        for c in ('\u{80}'..=char::MAX).filter(|c| super::character(*c) != Some(*c)) {
            let first = c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            assert!(matches!(first, 0xC2 | 0xE2 | 0xE3 | 0xEF), "{c:?}");
        }
    }

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folds_width_and_invisible_characters() {
        let rows = [
            ("１３８　００１３８０００", "138 00138000"),
            ("\u{FEFF} ａｂ\u{200B}Ｃ ", "abC"),
            ("阿卜杜•热合曼", "阿卜杜·热合曼"),
            ("已是半角", "已是半角"),
            ("  plain ", "plain"),
        ];
        for (text, expected) in rows {
            assert_eq!(fold(text), expected);
        }
        assert!(matches!(fold("plain"), Cow::Borrowed(_)));
        let long = "某路1号".repeat(40);
        assert!(is_plain(&long) && !is_plain(&format!("{long}\t")));
    }

    #[test]
    fn compacts_what_people_put_between() {
        let rows = [
            ("138-0013-8000", Some("13800138000")),
            ("'13800138000", Some("13800138000")),
            ("13800138000.0", Some("13800138000")),
            ("(010) 6552.9988", Some("01065529988")),
            ("1101 01x", Some("110101X")),
            ("138--00", None),
            ("138/00", None),
            ("电话138", None),
            ("1234567890123456789012345", None),
        ];
        for (text, expected) in rows {
            let compact = Compact::<24>::of(text).map(|compact| ascii(compact.bytes()));
            assert_eq!(compact.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in "\\PC{0,40}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
