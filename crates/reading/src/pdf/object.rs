//! Objects of PDF: their syntax, and nothing of what they mean.
//!
//! Rule: ISO 32000-1, 7.2 and 7.3. Names, strings and keys are bytes. Nesting is bounded, and every
//! object read costs [`Fuel`], so that a small file cannot ask for much work.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::ReadError;

/// How deep arrays and dictionaries may nest.
const NESTING: u32 = 32;

/// What all work on one file may cost, in bytes looked at or made.
const WORK: u64 = 4 << 30;

/// The work that is left.
#[derive(Debug)]
pub(super) struct Fuel {
    left: Cell<u64>,
    stream: usize,
}

impl Fuel {
    /// A full tank, for streams of at most so many bytes each.
    pub(super) fn new(stream: usize) -> Self {
        Self {
            left: Cell::new(WORK),
            stream,
        }
    }

    /// Bytes that one stream may unpack to.
    pub(super) fn stream(&self) -> usize {
        self.stream
    }

    /// Pays for work.
    pub(super) fn burn(&self, amount: usize) -> Result<(), ReadError> {
        match self.left.get().checked_sub(amount as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(ReadError::TooLarge { budget: WORK }),
        }
    }
}

/// A dictionary; of equal keys the last counts.
pub(super) type Dict = BTreeMap<Vec<u8>, Object>;

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Null,
    Bool(bool),
    Number(f64),
    Name(Vec<u8>),
    String(Vec<u8>),
    Array(Vec<Object>),
    Dict(Dict),
    /// An object of this number; its generation is not looked at.
    Ref(u32),
    /// A word that is none of these: an operator of a content stream, or damage.
    Word(Vec<u8>),
}

impl Object {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number from zero on.
    pub(super) fn count(&self) -> Option<usize> {
        let number = self.number()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held within what a usize and an f64 both say exactly"
        )]
        let count = (0.0..=1e15).contains(&number).then_some(number as usize);
        count
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

/// Reads objects out of bytes.
pub(super) struct Parser<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    fuel: &'a Fuel,
    /// Whether `1 0 R` is a reference, as it is outside content streams.
    refs: bool,
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

fn hex(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

impl<'a> Parser<'a> {
    /// A reader from position `at` on.
    pub(super) fn new(bytes: &'a [u8], at: usize, fuel: &'a Fuel, refs: bool) -> Self {
        Self {
            bytes,
            at,
            fuel,
            refs,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                let line = memchr::memchr2(b'\n', b'\r', rest);
                self.at += line.unwrap_or(rest.len());
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next object; nothing at the end of the bytes.
    pub(super) fn next(&mut self) -> Result<Option<Object>, ReadError> {
        self.object(0)
    }

    fn object(&mut self, depth: u32) -> Result<Option<Object>, ReadError> {
        let before = self.at;
        self.skip_space();
        let Some(byte) = self.peek() else {
            return Ok(None);
        };
        let found = match byte {
            b'/' => Object::Name(self.named()),
            b'(' => Object::String(self.literal()),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => {
                self.at += 2;
                Object::Dict(self.dict(depth)?)
            }
            b'<' => Object::String(self.hexadecimal()),
            b'[' => {
                self.at += 1;
                Object::Array(self.items(depth, b"]")?)
            }
            b')' | b'>' | b']' | b'{' | b'}' => {
                // `>>` closes a dictionary in one word.
                let two = byte == b'>' && self.bytes.get(self.at + 1) == Some(&b'>');
                let word = &self.bytes[self.at..][..1 + usize::from(two)];
                self.at += word.len();
                Object::Word(word.to_vec())
            }
            _ => self.word(),
        };
        // An object costs memory beyond its bytes.
        self.fuel.burn(self.at - before + 32)?;
        Ok(Some(found))
    }

    /// Objects up to a closing word, or the end.
    fn items(&mut self, depth: u32, close: &[u8]) -> Result<Vec<Object>, ReadError> {
        if depth >= NESTING {
            return Err(ReadError::MalformedPdf {
                what: "objects nested too deep",
            });
        }
        let mut items = Vec::new();
        while let Some(item) = self.object(depth + 1)? {
            match item {
                Object::Word(word) if word == close => break,
                // A closing word of something else, or the end of the object: damage; what was read stands.
                Object::Word(word)
                    if matches!(word.as_slice(), b"endobj" | b"stream" | b"]" | b">>") =>
                {
                    break;
                }
                item => items.push(item),
            }
        }
        Ok(items)
    }

    fn dict(&mut self, depth: u32) -> Result<Dict, ReadError> {
        let mut dict = Dict::new();
        let mut items = self.items(depth, b">>")?.into_iter().peekable();
        while let Some(key) = items.next() {
            if let Object::Name(key) = key
                && let Some(value) = items.next()
            {
                dict.insert(key, value);
            }
        }
        Ok(dict)
    }

    fn named(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self
            .peek()
            .filter(|byte| !is_space(*byte) && !is_delimiter(*byte))
        {
            self.at += 1;
            let pair = self.bytes.get(self.at..self.at + 2).unwrap_or_default();
            match (byte, pair) {
                (b'#', [high, low]) => match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        name.push(high << 4 | low);
                        self.at += 2;
                    }
                    _ => name.push(byte),
                },
                _ => name.push(byte),
            }
        }
        name
    }

    fn literal(&mut self) -> Vec<u8> {
        self.at += 1;
        let (mut text, mut open) = (Vec::new(), 1_u32);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => open = open.saturating_add(1),
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    text.extend(self.escaped());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escaped(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(0x0C),
            b'\r' => {
                self.at += usize::from(self.peek() == Some(b'\n'));
                None
            }
            b'\n' => None,
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => {
                            value = value * 8 + u32::from(digit - b'0');
                            self.at += 1;
                        }
                        _ => break,
                    }
                }
                u8::try_from(value & 0xFF).ok()
            }
            other => Some(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += (end + 1).min(rest.len());
        let digits: Vec<u8> = rest[..end].iter().copied().filter_map(hex).collect();
        let pair = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
        digits.chunks(2).map(pair).collect()
    }

    fn word(&mut self) -> Object {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .position(|byte| is_space(*byte) || is_delimiter(*byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        if let Some(number) = number(word) {
            if self.refs
                && let Some(target) = self.reference(word)
            {
                return Object::Ref(target);
            }
            return Object::Number(number);
        }
        match word {
            b"true" => Object::Bool(true),
            b"false" => Object::Bool(false),
            b"null" => Object::Null,
            _ => Object::Word(word.to_vec()),
        }
    }

    /// The number of the object meant, when ` 0 R` follows.
    fn reference(&mut self, word: &[u8]) -> Option<u32> {
        let target: u32 = std::str::from_utf8(word).ok()?.parse().ok()?;
        let rest = &self.bytes[self.at..];
        let space = |bytes: &[u8]| bytes.iter().take_while(|byte| is_space(**byte)).count();
        let first = space(rest);
        let digits = rest[first..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let second = first + digits + space(&rest[first + digits..]);
        let ends = rest
            .get(second + 1)
            .is_none_or(|byte| is_space(*byte) || is_delimiter(*byte));
        if first == 0 || !(1..=5).contains(&digits) || rest.get(second) != Some(&b'R') || !ends {
            return None;
        }
        self.at += second + 1;
        Some(target)
    }
}

fn number(word: &[u8]) -> Option<f64> {
    let shape = word
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
    if !shape || !word.iter().any(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &[u8]) -> Object {
        let fuel = Fuel::new(1_000);
        Parser::new(text, 0, &fuel, true).next().unwrap().unwrap()
    }

    #[test]
    fn objects_are_read_as_written() {
        let rows: [(&[u8], Object); 9] = [
            (b"-12.5", Object::Number(-12.5)),
            (b" % note\n true", Object::Bool(true)),
            (b"/A#20b", Object::Name(b"A b".to_vec())),
            (
                b"(a\\(b\\051 (c) \\\nd\\101)",
                Object::String(b"a(b) (c) dA".to_vec()),
            ),
            (b"<48 65 6>", Object::String(b"He`".to_vec())),
            (b"12 0 R", Object::Ref(12)),
            (b"12 0 Re", Object::Number(12.0)),
            (
                b"[1 /x(y)null",
                Object::Array(vec![
                    Object::Number(1.0),
                    Object::Name(b"x".to_vec()),
                    Object::String(b"y".to_vec()),
                    Object::Null,
                ]),
            ),
            (
                b"<</A<</B 1>>/A 2 0 R>>",
                Object::Dict(Dict::from([(b"A".to_vec(), Object::Ref(2))])),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(one(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn refuses_endless_nesting() {
        let fuel = Fuel::new(1_000);
        let deep = b"[".repeat(100_000);
        assert!(Parser::new(&deep, 0, &fuel, true).next().is_err());
    }
}
