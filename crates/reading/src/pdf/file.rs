//! A PDF as a heap of objects.
//!
//! Rule: ISO 32000-1, 7.5. The tables that say where objects lie are not read: the file is gone
//! through once from start to end, and of objects with equal numbers the last counts. So broken and
//! cut files are read as far as they go, and no table can lead astray. A library for the object layer
//! (`lopdf` 0.47, `hayro-syntax` 0.9) was looked at and left: the first brings ciphers and a dozen crates,
//! the second `unsafe`, and all decoding of one file, object streams included, is to be under one budget.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::filter::{self, Plain};
use super::object::{Dict, Fuel, Object, Parser, is_space};
use crate::ReadError;

/// Objects of a file.
const OBJECTS: usize = 2_000_000;
/// Pages of a file.
const PAGES: usize = 20_000;
/// Bytes that all object streams together may unpack to.
const PACKED: usize = 256 << 20;
/// How deep the tree of pages may be, and how long a chain of references.
const DEPTH: usize = 64;

/// Where an object lies.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Among the unpacked object streams, counted from 1; 0 is the file itself.
    part: u32,
    at: usize,
    /// Where the bytes of its stream begin, and how many they are.
    stream: Option<(usize, usize)>,
}

/// An opened file.
pub(super) struct File {
    bytes: Vec<u8>,
    parts: Vec<Vec<u8>>,
    entries: HashMap<u32, Entry>,
    pub(super) fuel: Fuel,
    root: Option<u32>,
}

/// A page: what it holds, with what it inherits.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) dict: Dict,
    pub(super) resources: Dict,
    /// Height, for turning upside down; width.
    pub(super) rotate: i32,
}

impl File {
    /// Goes through the bytes of a file, whose streams may unpack to so many bytes each.
    pub(super) fn open(bytes: Vec<u8>, stream: usize) -> Result<Self, ReadError> {
        let mut file = Self {
            bytes,
            parts: Vec::new(),
            entries: HashMap::new(),
            fuel: Fuel::new(stream),
            root: None,
        };
        let packed = file.scan()?;
        file.trailers()?;
        file.unpack(&packed)?;
        if file.entries.is_empty() {
            return Err(ReadError::MalformedPdf {
                what: "no objects in it",
            });
        }
        Ok(file)
    }

    /// Notes where objects lie; answers the object streams, in order.
    fn scan(&mut self) -> Result<Vec<u32>, ReadError> {
        let (mut from, mut packed) = (0, Vec::new());
        let mut entries = HashMap::new();
        let mut root = None;
        while let Some(found) = memchr::memmem::find(&self.bytes[from..], b"obj") {
            let at = from + found;
            from = at + 3;
            let Some(number) = numbered(&self.bytes, at) else {
                continue;
            };
            let mut parser = Parser::new(&self.bytes, from, &self.fuel, true);
            let Some(object) = parser.next()? else { break };
            let after = parser.at;
            let stream = object
                .dict()
                .and_then(|dict| stream_after(&self.bytes, after, dict));
            if let Some(dict) = object.dict() {
                let kind = dict.get(b"Type".as_slice()).and_then(Object::name);
                match kind {
                    Some(b"Catalog") => root = Some(number),
                    Some(b"ObjStm") if stream.is_some() => packed.push(number),
                    Some(b"XRef") if dict.contains_key(b"Encrypt".as_slice()) => {
                        return Err(ReadError::EncryptedPdf);
                    }
                    _ => {}
                }
            }
            let entry = Entry {
                part: 0,
                at: from,
                stream,
            };
            entries.insert(number, entry);
            if entries.len() > OBJECTS {
                return Err(ReadError::TooManyEntries { limit: OBJECTS });
            }
            from = stream.map_or(after.max(from), |(start, length)| start + length);
        }
        (self.entries, self.root) = (entries, root);
        Ok(packed)
    }

    /// What trailers add: whether the file is encrypted, and its root.
    fn trailers(&mut self) -> Result<(), ReadError> {
        let mut from = 0;
        let mut root = None;
        while let Some(found) = memchr::memmem::find(&self.bytes[from..], b"trailer") {
            from += found + 7;
            let mut parser = Parser::new(&self.bytes, from, &self.fuel, true);
            if let Ok(Some(Object::Dict(dict))) = parser.next() {
                if dict.contains_key(b"Encrypt".as_slice()) {
                    return Err(ReadError::EncryptedPdf);
                }
                if let Some(Object::Ref(number)) = dict.get(b"Root".as_slice()) {
                    root = Some(*number);
                }
            }
        }
        self.root = root
            .filter(|root| self.entries.contains_key(root))
            .or(self.root);
        Ok(())
    }

    /// Unpacks object streams (7.5.7) and notes the objects in them.
    fn unpack(&mut self, packed: &[u32]) -> Result<(), ReadError> {
        let mut unpacked = 0;
        for number in packed {
            let Some((dict, Plain { bytes, coded: None })) = self.stream(*number)? else {
                continue;
            };
            unpacked += bytes.len();
            if unpacked > PACKED {
                return Err(ReadError::TooLarge {
                    budget: PACKED as u64,
                });
            }
            let stream_at = self.entries.get(number).map_or(0, |entry| entry.at);
            let of = |key: &[u8]| {
                dict.get(key)
                    .and_then(|object| self.resolved(object).count())
            };
            let (count, first) = (of(b"N").unwrap_or(0), of(b"First").unwrap_or(0));
            let part = u32::try_from(self.parts.len() + 1).unwrap_or(u32::MAX);
            let mut pairs = Vec::new();
            let mut parser = Parser::new(&bytes, 0, &self.fuel, true);
            while pairs.len() < count.min(OBJECTS) {
                let (Some(number), Some(at)) = (parser.next()?, parser.next()?) else {
                    break;
                };
                let (Some(number), Some(at)) = (number.count(), at.count()) else {
                    break;
                };
                pairs.push((number, first.saturating_add(at)));
            }
            for (number, at) in pairs {
                let Ok(number) = u32::try_from(number) else {
                    continue;
                };
                // What the file states later, beside the stream, is the newer one.
                let newer = self.entries.get(&number);
                if newer.is_some_and(|entry| entry.part == 0 && entry.at > stream_at) {
                    continue;
                }
                let entry = Entry {
                    part,
                    at,
                    stream: None,
                };
                self.entries.insert(number, entry);
                if self.entries.len() > OBJECTS {
                    return Err(ReadError::TooManyEntries { limit: OBJECTS });
                }
                let mut parser = Parser::new(&bytes, at, &self.fuel, true);
                if self.root.is_none()
                    && let Ok(Some(Object::Dict(dict))) = parser.next()
                    && dict.get(b"Type".as_slice()).and_then(Object::name) == Some(b"Catalog")
                {
                    self.root = Some(number);
                }
            }
            self.parts.push(bytes);
        }
        Ok(())
    }

    fn part(&self, part: u32) -> &[u8] {
        match part {
            0 => &self.bytes,
            other => {
                let at = usize::try_from(other - 1).unwrap_or(usize::MAX);
                self.parts.get(at).map_or(&[], Vec::as_slice)
            }
        }
    }

    /// The object of a number; null when there is none or its syntax is damaged.
    pub(super) fn object(&self, number: u32) -> Object {
        let Some(entry) = self.entries.get(&number) else {
            return Object::Null;
        };
        let mut parser = Parser::new(self.part(entry.part), entry.at, &self.fuel, true);
        parser.next().ok().flatten().unwrap_or(Object::Null)
    }

    /// The object itself, or the one it refers to.
    pub(super) fn resolved(&self, object: &Object) -> Object {
        let mut now = object.clone();
        for _ in 0..DEPTH {
            match now {
                Object::Ref(number) => now = self.object(number),
                other => return other,
            }
        }
        Object::Null
    }

    /// What a dictionary holds under a key, references followed.
    pub(super) fn get(&self, dict: &Dict, key: &str) -> Object {
        dict.get(key.as_bytes())
            .map_or(Object::Null, |object| self.resolved(object))
    }

    pub(super) fn get_dict(&self, dict: &Dict, key: &str) -> Dict {
        match self.get(dict, key) {
            Object::Dict(dict) => dict,
            _ => Dict::new(),
        }
    }

    /// A stream's dictionary and its bytes with the filters undone.
    pub(super) fn stream(&self, number: u32) -> Result<Option<(Dict, Plain)>, ReadError> {
        self.unpacked(number, &self.fuel)
    }

    fn unpacked(&self, number: u32, fuel: &Fuel) -> Result<Option<(Dict, Plain)>, ReadError> {
        let Some(entry) = self.entries.get(&number) else {
            return Ok(None);
        };
        let (Some((start, length)), Object::Dict(dict)) = (entry.stream, self.object(number))
        else {
            return Ok(None);
        };
        let packed = self.bytes.get(start..start + length).unwrap_or_default();
        let plain = filter::undo(packed, &self.filters(&dict), fuel)?;
        Ok(Some((dict, plain)))
    }

    /// Unpacks every stream, one at a time, which costs nothing of the work that reading may do.
    pub(super) fn weigh(&self, all: u64) -> Result<(), ReadError> {
        let mut sum = 0_u64;
        for (number, entry) in &self.entries {
            if entry.stream.is_none() {
                continue;
            }
            let fuel = Fuel::new(self.fuel.stream());
            let stream = self.unpacked(*number, &fuel)?;
            sum += stream.map_or(0, |(_, plain)| plain.bytes.len() as u64);
            if sum > all {
                return Err(ReadError::TooLarge { budget: all });
            }
        }
        Ok(())
    }

    fn filters(&self, dict: &Dict) -> Vec<(Vec<u8>, Dict)> {
        let listed = |object: Object| match object {
            Object::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            Object::Null => Vec::new(),
            one => vec![one],
        };
        let parms = listed(self.get(dict, "DecodeParms"));
        let names = listed(self.get(dict, "Filter")).into_iter().enumerate();
        names
            .filter_map(|(at, name)| {
                let parms = parms.get(at).and_then(Object::dict).cloned();
                Some((name.name()?.to_vec(), parms.unwrap_or_default()))
            })
            .collect()
    }

    /// The pages in order; of a file without a sound tree of pages, whatever says it is one.
    pub(super) fn pages(&self) -> Result<Vec<Page>, ReadError> {
        let mut pages = Vec::new();
        if let Some(Object::Dict(root)) = self.root.map(|root| self.object(root)) {
            let top = root.get(b"Pages".as_slice()).cloned();
            let inherited = Page {
                dict: Dict::new(),
                resources: Dict::new(),
                rotate: 0,
            };
            let mut seen = HashSet::new();
            self.walk(
                &top.unwrap_or(Object::Null),
                &inherited,
                &mut seen,
                &mut pages,
                0,
            )?;
        }
        if pages.is_empty() {
            let order: BTreeMap<(u32, usize), u32> = self
                .entries
                .iter()
                .map(|(number, entry)| ((entry.part, entry.at), *number))
                .collect();
            for number in order.values() {
                if let Object::Dict(dict) = self.object(*number)
                    && self.get(&dict, "Type").name() == Some(b"Page")
                {
                    pages.push(self.page(dict, None));
                    if pages.len() >= PAGES {
                        break;
                    }
                }
            }
        }
        Ok(pages)
    }

    fn page(&self, dict: Dict, above: Option<&Page>) -> Page {
        let resources = match self.get(&dict, "Resources") {
            Object::Dict(resources) => resources,
            _ => above.map(|page| page.resources.clone()).unwrap_or_default(),
        };
        let rotate = match self.get(&dict, "Rotate").number() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "quarter turns, held within a turn"
            )]
            Some(turn) => (turn % 360.0) as i32,
            None => above.map_or(0, |page| page.rotate),
        };
        Page {
            dict,
            resources,
            rotate,
        }
    }

    fn walk(
        &self,
        node: &Object,
        above: &Page,
        seen: &mut HashSet<u32>,
        pages: &mut Vec<Page>,
        depth: usize,
    ) -> Result<(), ReadError> {
        if let Object::Ref(number) = node
            && !seen.insert(*number)
        {
            return Ok(());
        }
        let Object::Dict(dict) = self.resolved(node) else {
            return Ok(());
        };
        if depth > DEPTH || pages.len() >= PAGES {
            return Err(ReadError::MalformedPdf {
                what: "too many pages",
            });
        }
        let here = self.page(dict, Some(above));
        match self.get(&here.dict, "Kids") {
            Object::Array(kids) => {
                for kid in &kids {
                    self.walk(kid, &here, seen, pages, depth + 1)?;
                }
            }
            _ => pages.push(here),
        }
        Ok(())
    }
}

/// The number of the object that begins with the `obj` at `at`.
fn numbered(bytes: &[u8], at: usize) -> Option<u32> {
    let before = bytes.get(at.saturating_sub(24)..at)?;
    let trimmed = |bytes: &[u8]| {
        let kept = bytes.iter().rposition(|byte| !is_space(*byte));
        kept.map_or(0, |last| last + 1)
    };
    let digits = |bytes: &[u8]| {
        let other = bytes.iter().rposition(|byte| !byte.is_ascii_digit());
        other.map_or(0, |last| last + 1)
    };
    let generation = &before[..trimmed(before)];
    let start = digits(generation);
    let number = &generation[..trimmed(&generation[..start])];
    if start == generation.len() || number.len() == start {
        return None;
    }
    let first = digits(number);
    std::str::from_utf8(&number[first..]).ok()?.parse().ok()
}

/// Where the bytes of a stream lie that may follow its dictionary.
fn stream_after(bytes: &[u8], after: usize, dict: &Dict) -> Option<(usize, usize)> {
    let rest = bytes.get(after..)?;
    let gap = rest.iter().take_while(|byte| is_space(**byte)).count();
    let rest = rest.get(gap..)?.strip_prefix(b"stream")?;
    let line = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => 0,
    };
    let start = after + gap + 6 + line;
    let said = dict.get(b"Length".as_slice()).and_then(Object::count);
    if let Some(length) = said
        && let Some(tail) = bytes.get(start.checked_add(length)?..)
        && tail
            .iter()
            .take(4)
            .position(|byte| !is_space(*byte))
            .is_some_and(|gap| tail[gap..].starts_with(b"endstream"))
    {
        return Some((start, length));
    }
    // What a file says of a length is not believed: its end is looked for.
    let tail = bytes.get(start..)?;
    let length = memchr::memmem::find(tail, b"endstream").unwrap_or(tail.len());
    Some((start, length))
}
