//! Text within text: percent signs of URLs, `\u` of JSON, `&#` of markup, base64.
//!
//! One level is opened. What is found in an opened view is reported at its place
//! in the text as it stands: exactly where characters were escaped one by one,
//! over the whole word for base64.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::glyph;

/// Bytes before an escape that are opened with it, so that a key is seen.
const BEFORE: usize = 96;
/// Bytes between two escapes of one view.
const BETWEEN: usize = 64;
/// Longest view, in bytes of the text as it stands.
const LONGEST: usize = 4 << 10;

/// An opened stretch of text.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The text without escapes.
    pub(super) text: Vec<u8>,
    /// Where each byte of it stands, and where the last one ends.
    places: Vec<usize>,
}

impl View {
    /// The place in the text as it stands of bytes `start..end` of the view.
    pub(super) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let at = |n: usize| self.places.get(n).copied().unwrap_or(0);
        (at(start), at(end))
    }

    /// Opens the stretch around the escape at `at`; answers where it ends.
    ///
    /// `None` when there is no escape after all.
    pub(super) fn open(&mut self, text: &[u8], at: usize) -> Option<usize> {
        self.text.clear();
        self.places.clear();
        let mut start = at.saturating_sub(BEFORE);
        while start < at && text[start] & 0xC0 == 0x80 {
            start += 1;
        }
        let mut place = start;
        let mut last_escape = at;
        let mut opened = false;
        while place < text.len() && place - start < LONGEST && place < last_escape + BETWEEN {
            let escape = if place >= at {
                escaped(text, place)
            } else {
                None
            };
            match escape {
                Some((c, len)) => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        self.text.push(byte);
                        self.places.push(place);
                    }
                    opened = true;
                    place += len;
                    last_escape = place;
                }
                None => {
                    let (_, len) = glyph::decode(text, place);
                    self.text.extend_from_slice(&text[place..place + len]);
                    self.places.extend(place..place + len);
                    place += len;
                }
            }
        }
        self.places.push(place);
        opened.then_some(last_escape)
    }

    /// Opens base64; `None` when it holds no text.
    pub(super) fn open_base64(&mut self, word: &[u8], start: usize) -> Option<()> {
        self.text.clear();
        self.places.clear();
        const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let alphabet = if word.iter().any(|b| matches!(b, b'-' | b'_')) {
            base64::alphabet::URL_SAFE
        } else {
            base64::alphabet::STANDARD
        };
        // A word that lost its last characters still decodes to the fourth before.
        let whole = word.len() - usize::from(word.len() % 4 == 1);
        GeneralPurpose::new(&alphabet, CONFIG)
            .decode_vec(&word[..whole], &mut self.text)
            .ok()?;
        let text = str::from_utf8(&self.text).ok()?;
        let readable = text.chars().all(|c| !c.is_control() || c.is_whitespace());
        if !readable || text.len() < 8 {
            return None;
        }
        self.places.resize(self.text.len(), start);
        self.places.push(start + word.len());
        Some(())
    }
}

/// The character that an escape at `at` stands for, and the escape's length.
fn escaped(text: &[u8], at: usize) -> Option<(char, usize)> {
    let hex = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
    match text[at] {
        b'%' => percent(text, at),
        b'\\' if text.get(at + 1) == Some(&b'u') => {
            let four = |at: usize| (0..4).try_fold(0, |n, k| Some(n * 16 + hex(at + k)?));
            let first = four(at + 2)?;
            if (0xD800..0xDC00).contains(&first) && text.get(at + 6..at + 8) == Some(b"\\u") {
                let second = four(at + 8).filter(|n| (0xDC00..0xE000).contains(n))?;
                let c = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
                return Some((c, 12));
            }
            Some((char::from_u32(first)?, 6))
        }
        b'&' if text[at..].starts_with(b"&nbsp;") => Some((' ', 6)),
        b'&' if text.get(at + 1) == Some(&b'#') => {
            let end = text[at..].iter().take(12).position(|b| *b == b';')?;
            let number = str::from_utf8(&text[at + 2..at + end]).ok()?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some((char::from_u32(value)?, end + 1))
        }
        b'\\' => {
            let c = match text.get(at + 1)? {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'/' => '/',
                _ => return None,
            };
            Some((c, 2))
        }
        _ => None,
    }
}

/// A character whose bytes of UTF-8 are written `%E5%BC%A0`.
fn percent(text: &[u8], at: usize) -> Option<(char, usize)> {
    let byte = |n: usize| {
        let at = at + 3 * n;
        if text.get(at) != Some(&b'%') {
            return None;
        }
        let digit = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
        u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()
    };
    let first = byte(0)?;
    let len = match first {
        0..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    for (n, slot) in bytes.iter_mut().take(len).enumerate() {
        *slot = byte(n)?;
    }
    let c = str::from_utf8(&bytes[..len]).ok()?.chars().next()?;
    Some((c, 3 * len))
}

/// Whether an escape that hides something may begin at `at`: `%20` is a gap as it stands.
pub(super) fn begins(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'%' => {
            text.get(at + 1).is_some_and(u8::is_ascii_hexdigit) && !text[at..].starts_with(b"%20")
        }
        // A line broken within a number, as JSON writes it.
        b'\\' => match text.get(at + 1) {
            Some(b'u') => true,
            Some(b'n' | b'r') => at > 0 && text[at - 1].is_ascii_digit(),
            _ => false,
        },
        b'&' => text.get(at + 1) == Some(&b'#') || text[at..].starts_with(b"&nbsp;"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_opened_in_place() {
        let rows = [
            ("a=%E5%BC%A0%E4%B8%89&b", "a=张三&b"),
            (r#""\u5f20\u4e09""#, "\"张三\""),
            ("&#24352;&#x4e09;", "张三"),
            (r"\ud83d\ude00", "😀"),
        ];
        for (text, expected) in rows {
            let bytes = text.as_bytes();
            let at = (0..bytes.len()).find(|at| begins(bytes, *at)).unwrap();
            let mut view = View::default();
            view.open(bytes, at).unwrap();
            assert_eq!(str::from_utf8(&view.text).unwrap(), expected);
        }
        let mut view = View::default();
        view.open(b"a=%E5%BC%A0%E4%B8%89&b", 2).unwrap();
        assert_eq!(view.place(2, 8), (2, 20));
    }

    #[test]
    fn base64_of_text_is_opened() {
        let mut view = View::default();
        assert!(view.open_base64(b"cGhvbmU9MTM4MDAxMzgwMDA=", 7).is_some());
        assert_eq!(view.text, b"phone=13800138000");
        assert_eq!(view.place(6, 17), (7, 31));
        assert!(view.open_base64(b"iVBORw0KGgoAAAANSUhEUg", 0).is_none());
    }
}
