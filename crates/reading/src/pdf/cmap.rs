//! Which characters codes stand for.
//!
//! Rule: ISO 32000-1, 9.7.5 (CMaps) and 9.10.3 (ToUnicode); Adobe Technical Note 5014. A file's own
//! maps are read; of the predefined ones those whose codes are characters of a known encoding are
//! known by name.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::object::{Fuel, Object, Parser};
use crate::ReadError;

/// Entries of one map.
const ENTRIES: usize = 200_000;

/// How a string divides into codes, and what they stand for.
#[derive(Debug, Default, Clone)]
pub(super) struct CMap {
    single: HashMap<u32, String>,
    /// First and last code, and what the first stands for; its last unit counts up.
    ranges: Vec<(u32, u32, Vec<u16>)>,
    /// Lengths of codes in bytes, with their first and last.
    spaces: Vec<(usize, u32, u32)>,
}

impl CMap {
    /// Reads a map's program.
    pub(super) fn read(bytes: &[u8], fuel: &Fuel) -> Result<Self, ReadError> {
        let mut map = Self::default();
        let mut parser = Parser::new(bytes, 0, fuel, false);
        let mut held: Vec<Object> = Vec::new();
        while let Some(object) = parser.next()? {
            let Object::Word(word) = object else {
                held.push(object);
                if held.len() > ENTRIES {
                    break;
                }
                continue;
            };
            match word.as_slice() {
                b"endcodespacerange" => map.add_spaces(&held),
                b"endbfchar" => map.add_chars(&held),
                b"endbfrange" => map.add_ranges(&held),
                _ => {}
            }
            held.clear();
            if map.single.len() + map.ranges.len() > ENTRIES {
                break;
            }
        }
        map.ranges.sort_by_key(|(first, ..)| *first);
        Ok(map)
    }

    fn add_spaces(&mut self, held: &[Object]) {
        for pair in held.as_chunks::<2>().0 {
            if let [Object::String(first), Object::String(last)] = pair
                && (1..=4).contains(&first.len())
                && self.spaces.len() < 100
            {
                self.spaces.push((first.len(), code(first), code(last)));
            }
        }
    }

    fn add_chars(&mut self, held: &[Object]) {
        for pair in held.as_chunks::<2>().0 {
            if let [Object::String(from), Object::String(to)] = pair {
                self.single.insert(code(from), text(&units(to)));
            }
        }
    }

    fn add_ranges(&mut self, held: &[Object]) {
        for triple in held.as_chunks::<3>().0 {
            let [Object::String(first), Object::String(last), to] = triple else {
                continue;
            };
            let (first, last) = (code(first), code(last));
            match to {
                Object::String(to) => self.ranges.push((first, last, units(to))),
                Object::Array(each) => {
                    for (code, to) in (first..=last).zip(each) {
                        if let Object::String(to) = to {
                            self.single.insert(code, text(&units(to)));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What a code stands for.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        if let Some(found) = self.single.get(&code) {
            return Some(found.clone());
        }
        let behind = self.ranges.partition_point(|(first, ..)| *first <= code);
        let (first, last, to) = self.ranges.get(behind.checked_sub(1)?)?;
        if code > *last {
            return None;
        }
        let mut to = to.clone();
        let unit = to.last_mut()?;
        *unit = unit.wrapping_add(u16::try_from(code - first).ok()?);
        Some(text(&to))
    }

    /// The length of the code that a string begins with; `usual` where the map does not say.
    pub(super) fn length(&self, string: &[u8], usual: usize) -> usize {
        let fits = |(length, first, last): &&(usize, u32, u32)| {
            let head = string.get(..*length).map(code);
            head.is_some_and(|head| (*first..=*last).contains(&head))
        };
        self.spaces
            .iter()
            .find(fits)
            .map_or(usual, |(length, ..)| *length)
    }

    /// Whether the map says how strings divide.
    pub(super) fn divides(&self) -> bool {
        !self.spaces.is_empty()
    }
}

pub(super) fn code(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks(2).take(64);
    pairs
        .map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            one => u16::from(one.first().copied().unwrap_or(0)),
        })
        .collect()
}

fn text(units: &[u16]) -> String {
    // A NUL stands for a glyph without a character.
    String::from_utf16_lossy(units).replace('\0', "")
}

/// A predefined map, as far as its codes are characters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Predefined {
    /// Two bytes, each code a glyph of the font.
    Identity,
    /// UTF-16, of which UCS-2 is a part.
    Utf16,
    /// One, two or four bytes of an encoding.
    Bytes(&'static Encoding),
}

/// The predefined map of a name (9.7.5.2), vertical ones like their horizontal kin.
pub(super) fn predefined(name: &[u8]) -> Option<Predefined> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = name
        .strip_suffix("-H")
        .or(name.strip_suffix("-V"))
        .unwrap_or(name);
    let found = match stem {
        "Identity" => Predefined::Identity,
        _ if stem.contains("UCS2") || stem.contains("UTF16") => Predefined::Utf16,
        _ if stem.contains("UTF8") => Predefined::Bytes(encoding_rs::UTF_8),
        _ if stem.starts_with("GB") => Predefined::Bytes(encoding_rs::GB18030),
        _ if stem.starts_with("ETen") || stem.starts_with("B5") || stem.starts_with("HKscs") => {
            Predefined::Bytes(encoding_rs::BIG5)
        }
        _ if stem.contains("RKSJ") => Predefined::Bytes(encoding_rs::SHIFT_JIS),
        _ if stem.starts_with("KSC") => Predefined::Bytes(encoding_rs::EUC_KR),
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_a_file_is_read() {
        let program = b"/CIDInit /ProcSet findresource begin\n1 begincodespacerange <0000> <ffff> endcodespacerange\n2 beginbfchar <0001> <5F20> <0002> <D842DFB7> endbfchar\n2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<4E00> <4E01>] endbfrange";
        let map = CMap::read(program, &Fuel::new(1_000)).unwrap();
        let rows = [
            (1, Some("张")),
            (2, Some("𠮷")),
            (0x12, Some("C")),
            (0x21, Some("丁")),
            (0x13, None),
        ];
        for (code, expected) in rows {
            assert_eq!(map.text(code).as_deref(), expected, "{code}");
        }
        assert_eq!(map.length(b"ab", 1), 2);
    }

    #[test]
    fn predefined_maps_are_known_by_name() {
        assert!(matches!(
            predefined(b"UniGB-UCS2-H"),
            Some(Predefined::Utf16)
        ));
        assert!(matches!(
            predefined(b"UniGB-UTF16-V"),
            Some(Predefined::Utf16)
        ));
        assert!(matches!(
            predefined(b"GBK-EUC-H"),
            Some(Predefined::Bytes(_))
        ));
        assert!(matches!(
            predefined(b"Identity-H"),
            Some(Predefined::Identity)
        ));
        assert!(predefined(b"Unknown").is_none());
    }
}
