//! What a byte position of UTF-8 text means to a number: digit, gap, mask or border.
//!
//! Digits are read in every written form: half and full width, Chinese numerals,
//! circled, superscript and mathematical ones, and `%31` as in URLs. Nothing is
//! allocated; a glyph is read forwards or backwards from any character boundary.

/// What stands between the groups of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    Space,
    Dash,
    Dot,
    Bracket,
    Break,
}

/// One glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    /// A digit of ASCII or full width.
    Digit(u8),
    /// A digit of any other writing.
    Numeral(u8),
    /// A sign that hides a digit.
    Mask,
    /// What may stand between groups.
    Gap(Gap),
    /// Takes no room.
    Nothing,
    /// A Latin letter, half or full width, upper case.
    Letter(u8),
    /// Anything else; the end of the text too.
    Other,
}

/// The glyph at `at` and its length in bytes; length 0 at the end of the text.
#[inline]
pub(super) fn at(text: &[u8], at: usize) -> (Glyph, usize) {
    let Some(&first) = text.get(at) else {
        return (Glyph::Other, 0);
    };
    match first {
        b'0'..=b'9' => (Glyph::Digit(first - b'0'), 1),
        b'%' => escaped(text, at),
        0..=0x7F => (ascii(first), 1),
        _ => {
            let (c, len) = decode(text, at);
            (wide(c), len)
        }
    }
}

/// The glyph that ends at `end` and its length in bytes; length 0 at the beginning.
#[inline]
pub(super) fn before(text: &[u8], end: usize) -> (Glyph, usize) {
    let Some(last) = end.checked_sub(1).and_then(|at| text.get(at)) else {
        return (Glyph::Other, 0);
    };
    if end >= 3 && text[end - 3] == b'%' && last.is_ascii_hexdigit() {
        let (glyph, len) = escaped(text, end - 3);
        if len == 3 {
            return (glyph, 3);
        }
    }
    if *last < 0x80 {
        return (ascii(*last), 1);
    }
    let start = boundary_before(text, end);
    let (c, len) = decode(text, start);
    (wide(c), len.max(1))
}

/// The boundary of the character that ends at `end`.
#[inline]
pub(super) fn boundary_before(text: &[u8], end: usize) -> usize {
    let mut start = end.saturating_sub(1);
    while start > 0 && end - start < 4 && text[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    start
}

/// What a byte of ASCII means.
pub(super) const fn ascii(byte: u8) -> Glyph {
    match byte {
        b'0'..=b'9' => Glyph::Digit(byte - b'0'),
        // A plus sign is a space in URLs.
        b' ' | b'+' => Glyph::Gap(Gap::Space),
        b'-' | b'_' => Glyph::Gap(Gap::Dash),
        b'.' => Glyph::Gap(Gap::Dot),
        b'(' | b')' => Glyph::Gap(Gap::Bracket),
        b'\n' | b'\r' => Glyph::Gap(Gap::Break),
        b'*' => Glyph::Mask,
        b'A'..=b'Z' => Glyph::Letter(byte),
        b'a'..=b'z' => Glyph::Letter(byte - 32),
        _ => Glyph::Other,
    }
}

/// `%XX` of a URL: a digit, a letter or a gap; a byte of anything else is a border.
fn escaped(text: &[u8], at: usize) -> (Glyph, usize) {
    let hex = |at: usize| text.get(at).and_then(|b| (*b as char).to_digit(16));
    match (hex(at + 1), hex(at + 2)) {
        (Some(high), Some(low)) => {
            let byte = u8::try_from(high * 16 + low).unwrap_or(0);
            let glyph = if byte < 0x80 {
                ascii(byte)
            } else {
                Glyph::Other
            };
            (glyph, 3)
        }
        _ => (Glyph::Other, 1),
    }
}

/// The character at a boundary and its length; a replacement character where the bytes are none.
#[inline]
pub(super) fn decode(text: &[u8], at: usize) -> (char, usize) {
    let byte = |n: usize| u32::from(text.get(at + n).copied().unwrap_or(0)) & 0x3F;
    let first = u32::from(text[at]);
    let (value, len) = match first {
        0..=0x7F => (first, 1),
        0xC0..=0xDF => ((first & 0x1F) << 6 | byte(1), 2),
        0xE0..=0xEF => ((first & 0x0F) << 12 | byte(1) << 6 | byte(2), 3),
        0xF0..=0xF7 => (
            (first & 0x07) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3),
            4,
        ),
        _ => (0xFFFD, 1),
    };
    let len = len.min(text.len() - at);
    (char::from_u32(value).unwrap_or('\u{FFFD}'), len)
}

/// What a character beyond ASCII means.
fn wide(c: char) -> Glyph {
    match c {
        '０'..='９' => Glyph::Digit(offset(c, '０')),
        'Ａ'..='Ｚ' => Glyph::Letter(b'A' + offset(c, 'Ａ')),
        'ａ'..='ｚ' => Glyph::Letter(b'A' + offset(c, 'ａ')),
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{FEFF}'
        | '\u{00AD}'
        | '\u{FE0E}'
        | '\u{FE0F}'
        | '\u{20E3}' => Glyph::Nothing,
        '\u{3000}' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' => Glyph::Gap(Gap::Space),
        '–' | '—' | '−' | '‐' | '‑' | '－' | '＿' | '─' | 'ー' => {
            Glyph::Gap(Gap::Dash)
        }
        '·' | '•' | '‧' | '・' | '∙' | '⋅' | '･' | '．' => Glyph::Gap(Gap::Dot),
        '（' | '）' => Glyph::Gap(Gap::Bracket),
        '＊' | '●' | '■' | '█' | '×' | '○' | '◯' | '﹡' | '✱' | '∗' => Glyph::Mask,
        _ => numeral(c).map_or(Glyph::Other, Glyph::Numeral),
    }
}

/// The digit that a Chinese numeral, a circled, raised or mathematical digit stands for.
pub(super) fn numeral(c: char) -> Option<u8> {
    Some(match c {
        '〇' | '零' | '⓪' | '⓿' | '⁰' | '₀' | '🄋' => 0,
        '一' | '壹' | '幺' | '弌' | '①' | '⑴' | '❶' | '➀' | '➊' | '⓵' | '¹' | '₁' => {
            1
        }
        '二' | '贰' | '貳' | '弍' | '两' | '②' | '⑵' | '❷' | '➁' | '➋' | '⓶' | '²' | '₂' => {
            2
        }
        '三' | '叁' | '參' | '弎' | '③' | '⑶' | '❸' | '➂' | '➌' | '⓷' | '³' | '₃' => {
            3
        }
        '四' | '肆' | '④' | '⑷' | '❹' | '➃' | '➍' | '⓸' | '⁴' | '₄' => 4,
        '五' | '伍' | '⑤' | '⑸' | '❺' | '➄' | '➎' | '⓹' | '⁵' | '₅' => 5,
        '六' | '陆' | '陸' | '⑥' | '⑹' | '❻' | '➅' | '➏' | '⓺' | '⁶' | '₆' => 6,
        '七' | '柒' | '⑦' | '⑺' | '❼' | '➆' | '➐' | '⓻' | '⁷' | '₇' => 7,
        '八' | '捌' | '⑧' | '⑻' | '❽' | '➇' | '➑' | '⓼' | '⁸' | '₈' => 8,
        '九' | '玖' | '⑨' | '⑼' | '❾' | '➈' | '➒' | '⓽' | '⁹' | '₉' => 9,
        '\u{1D7CE}'..='\u{1D7FF}' => u8::try_from((c as u32 - 0x1D7CE) % 10).unwrap_or(0),
        _ => return None,
    })
}

/// How far a character lies above another, for runs of fewer than 256.
fn offset(c: char, first: char) -> u8 {
    u8::try_from(c as u32 - first as u32).unwrap_or(0)
}

/// How many characters there are, and how many of them are two units of UTF-16.
pub(super) fn count(text: &[u8]) -> (usize, usize) {
    let (mut characters, mut pairs) = (0, 0);
    // Sums of at most 192 fit in a byte, so that sixteen and more are added at once.
    for chunk in text.chunks(192) {
        let (mut some, mut wide) = (0_u8, 0_u8);
        for byte in chunk {
            some += u8::from(byte & 0xC0 != 0x80);
            wide += u8::from(*byte >= 0xF0);
        }
        characters += usize::from(some);
        pairs += usize::from(wide);
    }
    (characters, pairs)
}

/// Whether the byte at `at` is part of a `%XX` or `\uXXXX` escape, and not text of its own.
pub(super) fn in_escape(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| text[at]);
    if !before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'%') {
        return false;
    }
    let near = &text[at.saturating_sub(5)..at];
    if !near.iter().any(|b| matches!(b, b'%' | b'\\')) {
        return false;
    }
    let hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    let percent = |start: usize| text.get(start) == Some(&b'%') && hex(start + 1) && hex(start + 2);
    let in_percent = (1..=2).any(|n| at >= n && percent(at - n));
    in_percent
        || (2..=5).any(|n| {
            at >= n
                && text[at - n] == b'\\'
                && text[at - n + 1] == b'u'
                && (2..=5).all(|k| hex(at - n + k))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_writing() {
        let rows = [
            ("7", Glyph::Digit(7), 1),
            ("７", Glyph::Digit(7), 3),
            ("%37", Glyph::Digit(7), 3),
            ("七", Glyph::Numeral(7), 3),
            ("柒", Glyph::Numeral(7), 3),
            ("⑦", Glyph::Numeral(7), 3),
            ("⁷", Glyph::Numeral(7), 3),
            ("𝟕", Glyph::Numeral(7), 4),
            ("幺", Glyph::Numeral(1), 3),
            ("＊", Glyph::Mask, 3),
            ("%2D", Glyph::Gap(Gap::Dash), 3),
            ("%E5", Glyph::Other, 3),
            ("%G5", Glyph::Other, 1),
            ("ｘ", Glyph::Letter(b'X'), 3),
            ("\u{200B}", Glyph::Nothing, 3),
            ("张", Glyph::Other, 3),
            ("", Glyph::Other, 0),
        ];
        for (text, glyph, len) in rows {
            assert_eq!(at(text.as_bytes(), 0), (glyph, len), "{text}");
            if !text.is_empty() && !text.starts_with("%G") {
                assert_eq!(before(text.as_bytes(), text.len()), (glyph, len), "{text}");
            }
        }
    }

    #[test]
    fn escapes_are_known_from_within() {
        let text = b"a%E5%BC%A013800";
        let inside: Vec<usize> = (0..text.len()).filter(|at| in_escape(text, *at)).collect();
        assert_eq!(inside, [2, 3, 5, 6, 8, 9]);
        assert!(in_escape(br"\u5f20", 4));
        assert!(!in_escape(br"\u5f2013", 6));
    }
}
