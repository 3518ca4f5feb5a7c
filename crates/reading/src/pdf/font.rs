//! Fonts, as far as text needs them: codes become characters and widths.
//!
//! Rule: ISO 32000-1, 9.6 to 9.10. ToUnicode comes first, then the font's encoding. A code that
//! neither explains is a glyph without a character and is left out.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::cmap::{self, CMap, Predefined};
use super::file::File;
use super::object::{Dict, Object};
use crate::ReadError;

/// A font.
#[derive(Debug, Default)]
pub(super) struct Font {
    to_unicode: Option<CMap>,
    /// Of simple fonts, what each code stands for; none for composite ones.
    simple: Option<Vec<String>>,
    predefined: Option<Predefined>,
    widths: HashMap<u32, f32>,
    default_width: f32,
}

/// A code of a string.
pub(super) struct Shown {
    pub(super) text: String,
    /// In thousandths of the size.
    pub(super) width: f32,
    /// Whether it is a space of one byte, which word spacing widens.
    pub(super) space: bool,
}

impl Font {
    pub(super) fn read(file: &File, dict: &Dict) -> Result<Self, ReadError> {
        let to_unicode = match dict.get(b"ToUnicode".as_slice()) {
            Some(Object::Ref(number)) => match file.stream(*number)? {
                Some((_, plain)) => Some(CMap::read(&plain.bytes, &file.fuel)?),
                None => None,
            },
            _ => None,
        };
        let composite = file.get(dict, "Subtype").name() == Some(b"Type0");
        let mut font = Self {
            to_unicode,
            default_width: if composite { 1000.0 } else { 500.0 },
            ..Self::default()
        };
        if composite {
            font.composite(file, dict);
        } else {
            font.simple = Some(simple_encoding(file, dict));
            font.simple_widths(file, dict);
        }
        Ok(font)
    }

    fn composite(&mut self, file: &File, dict: &Dict) {
        let encoding = file.get(dict, "Encoding");
        self.predefined = encoding.name().and_then(cmap::predefined);
        let Object::Array(below) = file.get(dict, "DescendantFonts") else {
            return;
        };
        let Some(Object::Dict(below)) = below.first().map(|one| file.resolved(one)) else {
            return;
        };
        if let Some(width) = file.get(&below, "DW").number() {
            self.default_width = narrow(width);
        }
        // Widths go by glyph; only where codes are glyphs are they the codes' own.
        if !matches!(self.predefined, Some(Predefined::Identity) | None) {
            return;
        }
        let Object::Array(items) = file.get(&below, "W") else {
            return;
        };
        let mut items = items.iter().map(|item| file.resolved(item)).peekable();
        while let Some(first) = items.next().and_then(|item| item.count()) {
            let mut put = |glyph: usize, width: &Object| {
                if let (Ok(glyph), Some(width)) = (u32::try_from(glyph), width.number())
                    && glyph <= 0xFFFF
                {
                    self.widths.insert(glyph, narrow(width));
                }
            };
            match items.next() {
                Some(Object::Array(each)) => {
                    for (at, width) in each.iter().enumerate() {
                        put(first.saturating_add(at), width);
                    }
                }
                Some(last) => {
                    let (Some(last), Some(width)) = (last.count(), items.next()) else {
                        return;
                    };
                    for glyph in first..=last.min(0xFFFF) {
                        put(glyph, &width);
                    }
                }
                None => return,
            }
        }
    }

    fn simple_widths(&mut self, file: &File, dict: &Dict) {
        let first = file.get(dict, "FirstChar").count().unwrap_or(0);
        if let Object::Array(widths) = file.get(dict, "Widths") {
            for (at, width) in widths.iter().enumerate().take(256) {
                if let (Ok(code), Some(width)) = (
                    u32::try_from(first.saturating_add(at)),
                    file.resolved(width).number(),
                ) {
                    self.widths.insert(code, narrow(width));
                }
            }
        }
        // Type 3 fonts measure in their own units.
        if file.get(dict, "Subtype").name() == Some(b"Type3")
            && let Object::Array(matrix) = file.get(dict, "FontMatrix")
            && let Some(scale) = matrix.first().and_then(Object::number)
        {
            for width in self.widths.values_mut() {
                *width *= narrow(scale * 1000.0);
            }
        }
    }

    /// The codes of a string, with what they show.
    pub(super) fn shown(&self, string: &[u8]) -> Vec<Shown> {
        let (mut rest, mut shown) = (string, Vec::new());
        while !rest.is_empty() {
            let length = self.length(rest).clamp(1, rest.len());
            let (head, behind) = rest.split_at(length);
            rest = behind;
            let code = cmap::code(head);
            let text = self.text(head, code);
            let own = self.widths.get(&code).copied();
            let narrow = matches!(
                self.predefined,
                Some(Predefined::Utf16 | Predefined::Bytes(_))
            ) && text.is_ascii();
            let width = own.unwrap_or(if narrow { 500.0 } else { self.default_width });
            shown.push(Shown {
                text,
                width,
                space: head == b" ",
            });
        }
        shown
    }

    fn length(&self, string: &[u8]) -> usize {
        if self.simple.is_some() {
            return 1;
        }
        match self.predefined {
            Some(Predefined::Identity) => 2,
            Some(Predefined::Utf16) => match string.first() {
                Some(0xD8..=0xDB) => 4,
                _ => 2,
            },
            Some(Predefined::Bytes(encoding)) => length_in(encoding, string),
            None => match &self.to_unicode {
                Some(map) if map.divides() => map.length(string, 2),
                _ => 2,
            },
        }
    }

    fn text(&self, head: &[u8], code: u32) -> String {
        if let Some(found) = self.to_unicode.as_ref().and_then(|map| map.text(code)) {
            return found;
        }
        if let Some(simple) = &self.simple {
            let at = usize::try_from(code).unwrap_or(usize::MAX);
            return simple.get(at).cloned().unwrap_or_default();
        }
        match self.predefined {
            Some(Predefined::Utf16) => {
                let units: Vec<u16> = head
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| u16::from_be_bytes(*pair))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            Some(Predefined::Bytes(encoding)) => {
                let (text, broken) = encoding.decode_without_bom_handling(head);
                if broken {
                    String::new()
                } else {
                    text.into_owned()
                }
            }
            _ => String::new(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "lengths on a page")]
pub(super) fn narrow(number: f64) -> f32 {
    number.clamp(-1e9, 1e9) as f32
}

/// How many bytes the character has that a string begins with.
fn length_in(encoding: &'static Encoding, string: &[u8]) -> usize {
    match string {
        [0..=0x7F, ..] => 1,
        [first, ..] if encoding == encoding_rs::UTF_8 => match first {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 1,
        },
        [0xA1..=0xDF, ..] if encoding == encoding_rs::SHIFT_JIS => 1,
        [_, 0x30..=0x39, ..] if encoding == encoding_rs::GB18030 => 4,
        _ => 2,
    }
}

/// What the 256 codes of a simple font stand for.
fn simple_encoding(file: &File, dict: &Dict) -> Vec<String> {
    let encoding = file.get(dict, "Encoding");
    let base = match &encoding {
        Object::Name(name) => Some(name.clone()),
        Object::Dict(inner) => file.get(inner, "BaseEncoding").name().map(<[u8]>::to_vec),
        _ => None,
    };
    let page = match base.as_deref() {
        Some(b"MacRomanEncoding") => encoding_rs::MACINTOSH,
        _ => encoding_rs::WINDOWS_1252,
    };
    let mut table: Vec<String> = (0..=255_u8)
        .map(|byte| match byte {
            0..0x20 => String::new(),
            _ => page.decode_without_bom_handling(&[byte]).0.into_owned(),
        })
        .collect();
    if let Object::Dict(inner) = &encoding
        && let Object::Array(items) = file.get(inner, "Differences")
    {
        let mut at = 0;
        for item in &items {
            match item {
                Object::Number(_) => at = item.count().unwrap_or(0),
                Object::Name(name) => {
                    if let Some(place) = table.get_mut(at) {
                        *place = named(name).unwrap_or_default();
                    }
                    at = at.saturating_add(1);
                }
                _ => {}
            }
        }
    }
    table
}

/// The character of a glyph's name (Adobe Glyph List): letters, and the names below.
fn named(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = name.split('.').next().unwrap_or(name);
    let hex = |digits: &str| {
        u32::from_str_radix(digits, 16)
            .ok()
            .and_then(char::from_u32)
    };
    if let Some(found) = stem
        .strip_prefix("uni")
        .filter(|rest| rest.len() == 4)
        .and_then(hex)
    {
        return Some(found.to_string());
    }
    if let Some(found) = stem
        .strip_prefix('u')
        .filter(|rest| (4..=6).contains(&rest.len()))
        .and_then(hex)
    {
        return Some(found.to_string());
    }
    let mut letters = stem.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(letter.to_string());
    }
    let found = NAMES.iter().find(|(known, _)| *known == stem);
    found.map(|(_, character)| character.to_string())
}

const NAMES: [(&str, char); 48] = [
    ("space", ' '),
    ("exclam", '!'),
    ("quotedbl", '"'),
    ("numbersign", '#'),
    ("dollar", '$'),
    ("percent", '%'),
    ("ampersand", '&'),
    ("quotesingle", '\''),
    ("parenleft", '('),
    ("parenright", ')'),
    ("asterisk", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("minus", '-'),
    ("period", '.'),
    ("slash", '/'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("colon", ':'),
    ("semicolon", ';'),
    ("less", '<'),
    ("equal", '='),
    ("greater", '>'),
    ("question", '?'),
    ("at", '@'),
    ("bracketleft", '['),
    ("backslash", '\\'),
    ("bracketright", ']'),
    ("asciicircum", '^'),
    ("underscore", '_'),
    ("grave", '`'),
    ("braceleft", '{'),
    ("bar", '|'),
    ("braceright", '}'),
    ("asciitilde", '~'),
    ("endash", '–'),
    ("emdash", '—'),
    ("quoteright", '’'),
    ("quoteleft", '‘'),
];
