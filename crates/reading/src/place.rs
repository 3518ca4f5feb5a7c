//! A place in decoded text, counted in every unit that somebody slices by.

/// How far into a decoded text a place lies; the text begins at the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Bytes of UTF-8.
    pub bytes: u64,
    /// Unicode scalar values.
    pub chars: u64,
    /// Code units of UTF-16.
    pub utf16: u64,
    /// The line, from 1; LF ends a line, alone or after CR.
    pub line: u64,
    /// The character of the line, from 1.
    pub column: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            bytes: 0,
            chars: 0,
            utf16: 0,
            line: 1,
            column: 1,
        }
    }
}

impl Place {
    /// The place behind `text`, which begins here.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let (chars, utf16) = units(bytes);
        let (lines, tail) = match memchr::memrchr(b'\n', bytes) {
            Some(last) => (
                memchr::memchr_iter(b'\n', bytes).count() as u64,
                Some(&bytes[last + 1..]),
            ),
            None => (0, None),
        };
        Self {
            bytes: self.bytes + bytes.len() as u64,
            chars: self.chars + chars,
            utf16: self.utf16 + utf16,
            line: self.line + lines,
            column: tail.map_or(self.column + chars, |tail| units(tail).0 + 1),
        }
    }
}

/// Characters and UTF-16 code units of UTF-8 text.
fn units(bytes: &[u8]) -> (u64, u64) {
    // Every character has one byte that continues none; those of four bytes take two code units.
    let (mut chars, mut wide) = (0, 0);
    for byte in bytes {
        chars += u64::from(byte & 0xC0 != 0x80);
        wide += u64::from(*byte >= 0xF0);
    }
    (chars, chars + wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_every_unit() {
        let place = Place::default().after("张𠮷a\r\n电话");
        assert_eq!((place.bytes, place.chars, place.utf16), (16, 7, 8));
        assert_eq!((place.line, place.column), (2, 3));
        assert_eq!(place.after(""), place);
        assert_eq!(place.after("b").column, 4);
    }
}
