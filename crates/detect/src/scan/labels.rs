//! Labels: the words and keys that say what stands behind them.

use super::glyph;
use super::words::Threes;

/// What a character between a label and its value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Says that a value follows, as `：` does.
    States,
    /// Divides cells: what follows may be a value or the next label.
    Divides,
    /// Stands there without meaning, as a space or a quote does.
    Passes,
    /// Belongs to something else.
    None,
}

/// What one character between a label and its value does.
#[inline]
pub(super) fn sign(character: char) -> Sign {
    match u8::try_from(character) {
        Ok(byte @ ..0x80) => ascii_sign(byte),
        _ => wide_sign(character),
    }
}

/// What a sign of ASCII does.
#[inline]
pub(super) fn ascii_sign(byte: u8) -> Sign {
    match byte {
        b':' | b'=' | b'>' => Sign::States,
        b'|' | b'\t' => Sign::Divides,
        b' ' | b'"' | b'\'' | b'`' | b'(' | b'[' | b'{' | b'+' | b'\\' | b')' | b']' => {
            Sign::Passes
        }
        _ => Sign::None,
    }
}

fn wide_sign(character: char) -> Sign {
    match character {
        '：' | '＝' | '是' | '为' | '︰' | '→' | '﹕' => Sign::States,
        '　' | '“' | '”' | '‘' | '’' | '「' | '『' | '（' | '）' | '【' | '】' | '《' | '＋'
        | '\u{A0}' | '号' | '码' | '\u{200B}' | '\u{FEFF}' | '〔' | '了' => Sign::Passes,
        _ => Sign::None,
    }
}

/// Longest Latin key, in bytes.
const KEY: usize = 32;

/// Where the name of a form's field ends, when `value` ends at `end`: `name="phone" value=`.
pub(super) fn field_before(text: &[u8], end: usize) -> Option<usize> {
    if !text[..end].ends_with(b"value") {
        return None;
    }
    let from = end.saturating_sub(80);
    let before = &text[from..end];
    let name = memchr::memmem::rfind(before, b"name=")
        .or_else(|| memchr::memmem::rfind(before, b" id="))?;
    let open = before[name..]
        .iter()
        .position(|b| matches!(b, b'"' | b'\''))?
        + name;
    let len = before[open + 1..].iter().position(|b| *b == before[open])?;
    let inside = !before[open..].contains(&b'>');
    inside.then_some(from + open + 1 + len)
}

/// Letters and digits of a Latin key in lower case, without signs: `user_Phone` is `userphone`.
pub(super) fn key(word: &[u8]) -> Vec<u8> {
    word.iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect()
}

/// The Latin key that ends at `end`.
pub(super) fn key_ending(text: &[u8], end: usize) -> Option<Key> {
    let mut key = Key {
        bytes: [0; KEY],
        start: KEY,
        parts: 0,
    };
    let mut at = end;
    while let Some(byte) = at.checked_sub(1).and_then(|at| text.get(at)) {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                // A capital behind a small letter begins a part: `userPhone`.
                if key.start < KEY && byte.is_ascii_lowercase() && text[at].is_ascii_uppercase() {
                    key.parts |= 1 << key.start;
                }
                key.start = key.start.checked_sub(1)?;
                key.bytes[key.start] = byte.to_ascii_lowercase();
            }
            // Several hyphens divide the fields of lists.
            b'-' if text[..at - 1].ends_with(b"-") => break,
            b'_' | b'-' | b'.' if key.start < KEY => key.parts |= 1 << key.start,
            _ => break,
        }
        at -= 1;
    }
    if key.start == KEY || glyph::in_escape(text, end - 1) {
        return None;
    }
    Some(key)
}

/// A Latin key in lower case, without its signs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    bytes: [u8; KEY],
    start: usize,
    /// Where parts begin, as bits.
    parts: u32,
}

/// The last three letters or digits of keys, as a set of hashes: whether a key
/// may end somewhere is answered without reading it.
#[derive(Debug)]
pub(super) struct KeyTails(Threes);

impl KeyTails {
    /// Of keys in lower case and without signs, and of labels of several words.
    pub(super) fn new<'k>(keys: impl Iterator<Item = &'k [u8]>) -> KeyTails {
        // Nothing stands before a key of two letters.
        let tail = |key: &[u8]| match *key {
            [.., a, b, c] if a.is_ascii_alphanumeric() => Some([a, b, c]),
            [.., b, c] => Some([0, b, c]),
            _ => None,
        };
        KeyTails(Threes::new(keys.filter_map(tail)))
    }

    /// Whether a key may end at `end`.
    #[inline]
    pub(super) fn may_end(&self, text: &[u8], end: usize) -> bool {
        let Some([a, b, c]) = text.get(..end).and_then(<[u8]>::last_chunk) else {
            return end == 2;
        };
        // A sign within the last three may divide them: `id_3`.
        let divides = |byte: &u8| matches!(byte, b'_' | b'-' | b'.');
        if !(b.is_ascii_alphanumeric() && c.is_ascii_alphanumeric()) {
            return divides(b) || divides(c);
        }
        let first = match a {
            a if divides(a) => return true,
            a if a.is_ascii_alphanumeric() => a.to_ascii_lowercase(),
            _ => 0,
        };
        self.0
            .may_be([first, b.to_ascii_lowercase(), c.to_ascii_lowercase()])
    }
}

impl Key {
    /// The whole key, then its last parts, the longer first: `userphoneno`, `phoneno`, `no`.
    pub(super) fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        let part = |at: &usize| self.parts & (1 << at) != 0;
        std::iter::once(self.start)
            .chain((self.start + 1..KEY).filter(part))
            .map(|at| &self.bytes[at..])
            // Two letters are too common as the last part of a key.
            .enumerate()
            .filter(|(n, suffix)| *n == 0 || suffix.len() > 2)
            .map(|(_, suffix)| suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_backwards() {
        let rows: [(&str, &[&str]); 8] = [
            ("\"user_Phone", &["userphone", "phone"]),
            ("?tel", &["tel"]),
            ("data.mobileNo", &["datamobileno", "mobileno"]),
            ("myPhoneNumber", &["myphonenumber", "phonenumber", "number"]),
            ("手机qq", &["qq"]),
            ("a.cn----QQ", &["qq"]),
            ("：", &[]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            let key = key_ending(text.as_bytes(), text.len());
            let suffixes: Vec<String> = key
                .iter()
                .flat_map(Key::suffixes)
                .map(|suffix| String::from_utf8(suffix.to_vec()).unwrap())
                .collect();
            assert_eq!(suffixes, expected, "{text}");
        }
    }
}
