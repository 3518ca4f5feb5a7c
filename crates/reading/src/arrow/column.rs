//! Columns of a batch: buffers read from front to end, value after value.

use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::sync::Arc;

use super::flat::Flat;
use crate::ReadError;
use crate::source::Blob;
use crate::typed::{self, Cell, Unit, quoted};

/// How deep columns may lie within each other.
const DEEPEST: usize = 32;

/// The values of a dictionary, and the bytes they take.
type Dictionary = Arc<(Vec<Option<Box<str>>>, usize)>;

/// Dictionaries by their number.
pub(super) type Words = HashMap<i64, Dictionary>;

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool,
    /// Of so many bytes, with a sign or not.
    Int(usize, bool),
    Float(usize),
    Bytes {
        text: bool,
        wide: bool,
    },
    View {
        text: bool,
    },
    Fixed(usize),
    Decimal(usize, u32),
    Days,
    DayMillis,
    Time(Unit, usize),
    Moment(Unit),
    List {
        wide: bool,
        map: bool,
    },
    FixedList(u64),
    Struct,
}

/// A column as the schema has it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    kind: Kind,
    /// The dictionary that its values stand in, and the bytes and sign of their numbers.
    dictionary: Option<(i64, usize, bool)>,
    children: Vec<Field>,
}

/// A format that is Arrow, with something in it that is not read.
pub(super) fn not_read() -> ReadError {
    ReadError::UnknownFormat {
        looks_like: Some("Arrow with a type that is not read"),
    }
}

impl Field {
    pub(super) fn read(flat: &Flat<'_>, depth: usize) -> Result<Self, ReadError> {
        let damaged = || super::DAMAGED;
        if depth > DEEPEST {
            return Err(damaged());
        }
        let children = flat.tables(5).ok_or_else(damaged)?;
        let children: Result<Vec<Self>, _> =
            children.iter().map(|c| Self::read(c, depth + 1)).collect();
        let children = children?;
        let kind = kind_of(flat, children.len()).ok_or_else(not_read)?;
        let dictionary = flat.table(4).map(|stated| {
            let index = stated.table(1);
            let bits = index.map_or(32, |index| index.int(0, 0));
            let bytes = usize::try_from(bits / 8).unwrap_or(0);
            (stated.long(0), bytes, index.is_none_or(|i| i.byte(1) != 0))
        });
        if dictionary.is_some_and(|(_, bytes, _)| !matches!(bytes, 1 | 2 | 4 | 8)) {
            return Err(damaged());
        }
        Ok(Self {
            name: flat.text(0).unwrap_or_default(),
            kind,
            dictionary,
            children,
        })
    }

    /// The column whose values stand in this dictionary.
    pub(super) fn of_dictionary(fields: &[Self], id: i64) -> Option<Self> {
        fields.iter().find_map(|field| match field.dictionary {
            Some((known, ..)) if known == id => Some(field.clone()),
            _ => Self::of_dictionary(&field.children, id),
        })
    }
}

/// The type of a field with so many children; `None` for what is not read.
fn kind_of(field: &Flat<'_>, children: usize) -> Option<Kind> {
    let kind = field.table(3)?;
    let unit = |absent| match kind.short(0, absent) {
        0 => Some(Unit::Seconds),
        1 => Some(Unit::Millis),
        2 => Some(Unit::Micros),
        3 => Some(Unit::Nanos),
        _ => None,
    };
    let size = |bits: i32| usize::try_from(bits / 8).ok();
    let found = match field.byte(2) {
        1 => Kind::Null,
        2 => Kind::Int(size(kind.int(0, 0))?, kind.byte(1) != 0),
        3 => Kind::Float(2 << u32::try_from(kind.short(0, 0)).ok()?.min(3)),
        4 => Kind::Bytes {
            text: false,
            wide: false,
        },
        5 => Kind::Bytes {
            text: true,
            wide: false,
        },
        6 => Kind::Bool,
        7 => Kind::Decimal(size(kind.int(2, 128))?, u32::try_from(kind.int(1, 0)).ok()?),
        8 if kind.short(0, 1) == 0 => Kind::Days,
        8 => Kind::DayMillis,
        9 => Kind::Time(unit(1)?, size(kind.int(1, 32))?),
        10 => Kind::Moment(unit(0)?),
        // Years and months, days and milliseconds, or all of them.
        11 => Kind::Fixed(
            [4, 8, 16]
                .get(usize::try_from(kind.short(0, 0)).ok()?)
                .copied()?,
        ),
        12 => Kind::List {
            wide: false,
            map: false,
        },
        13 => Kind::Struct,
        15 => Kind::Fixed(usize::try_from(kind.int(0, 0)).ok()?),
        16 => Kind::FixedList(u64::try_from(kind.int(0, 0)).ok()?),
        17 => Kind::List {
            wide: false,
            map: true,
        },
        // A span of time, in its unit.
        18 => Kind::Int(8, true),
        19 => Kind::Bytes {
            text: false,
            wide: true,
        },
        20 => Kind::Bytes {
            text: true,
            wide: true,
        },
        21 => Kind::List {
            wide: true,
            map: false,
        },
        23 => Kind::View { text: false },
        24 => Kind::View { text: true },
        _ => return None,
    };
    let whole = match found {
        Kind::Int(size, _) | Kind::Time(_, size) => matches!(size, 1 | 2 | 4 | 8),
        Kind::Float(size) => size <= 8,
        Kind::Decimal(size, _) => matches!(size, 4 | 8 | 16 | 32),
        Kind::List { .. } | Kind::FixedList(_) => children == 1,
        _ => true,
    };
    whole.then_some(found)
}

/// A buffer of a batch.
pub(super) enum Buffer {
    /// As it lies.
    Part(Blob),
    /// Unpacked.
    Bytes(Vec<u8>),
}

impl Buffer {
    fn stream(self) -> Stream {
        match self {
            Self::Part(part) => Box::new(BufReader::new(part.open())),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Part(part) => part.len() == 0,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    /// Some bytes from anywhere in it.
    fn at(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        match self {
            Self::Part(part) => {
                let mut source = part.open();
                source.seek(SeekFrom::Start(offset)).ok()?;
                source.take(length).read_to_end(&mut found).ok()?;
            }
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).ok()?;
                let end = start.checked_add(usize::try_from(length).ok()?)?;
                found.extend(bytes.get(start..end)?);
            }
        }
        (found.len() as u64 == length).then_some(found)
    }
}

/// The nodes and buffers of a batch, handed out in the order of its columns.
pub(super) struct Buffers {
    nodes: std::vec::IntoIter<(i64, i64)>,
    buffers: std::vec::IntoIter<Buffer>,
    variadic: std::vec::IntoIter<i64>,
}

impl Buffers {
    pub(super) fn new(nodes: Vec<(i64, i64)>, buffers: Vec<Buffer>, variadic: Vec<i64>) -> Self {
        Self {
            nodes: nodes.into_iter(),
            buffers: buffers.into_iter(),
            variadic: variadic.into_iter(),
        }
    }
}

type Stream = Box<dyn Read + Send>;

/// A column of a batch, being read.
pub(super) struct Column {
    kind: Kind,
    /// A bit a value, the lowest first: whether there is one; without it there always is.
    present: Option<Bits>,
    /// Where values end in what holds them, and where the last one did.
    offsets: Option<(Stream, Option<i64>)>,
    data: Option<Stream>,
    /// A value a bit.
    truths: Option<Bits>,
    views: Vec<Buffer>,
    names: Vec<String>,
    children: Vec<Column>,
    /// The dictionary that the values stand in, and the bytes and sign of their numbers.
    words: Option<(Dictionary, usize, bool)>,
}

impl Column {
    /// A column out of the next buffers; with `plain` its values and not their numbers.
    pub(super) fn new(
        field: &Field,
        plain: bool,
        from: &mut Buffers,
        words: &Words,
    ) -> Option<Self> {
        let (_, nulls) = from.nodes.next()?;
        let mut column = Self {
            kind: field.kind.clone(),
            present: None,
            offsets: None,
            data: None,
            truths: None,
            views: Vec::new(),
            names: Vec::new(),
            children: Vec::new(),
            words: None,
        };
        let dictionary = field.dictionary.filter(|_| !plain);
        if field.kind == Kind::Null && dictionary.is_none() {
            return Some(column);
        }
        let present = from.buffers.next()?;
        if nulls != 0 && !present.is_empty() {
            column.present = Some(Bits::new(present.stream()));
        }
        if let Some((id, bytes, signed)) = dictionary {
            let known = words.get(&id).cloned();
            column.words = Some((known.unwrap_or_default(), bytes, signed));
            column.data = Some(from.buffers.next()?.stream());
            return Some(column);
        }
        match field.kind {
            Kind::Bool => column.truths = Some(Bits::new(from.buffers.next()?.stream())),
            Kind::Bytes { .. } => {
                column.offsets = Some((from.buffers.next()?.stream(), None));
                column.data = Some(from.buffers.next()?.stream());
            }
            Kind::View { .. } => {
                column.data = Some(from.buffers.next()?.stream());
                for _ in 0..from.variadic.next()? {
                    column.views.push(from.buffers.next()?);
                }
            }
            Kind::List { .. } => column.offsets = Some((from.buffers.next()?.stream(), None)),
            Kind::FixedList(_) | Kind::Struct => {}
            _ => column.data = Some(from.buffers.next()?.stream()),
        }
        for child in &field.children {
            column.names.push(child.name.clone());
            column.children.push(Self::new(child, false, from, words)?);
        }
        Some(column)
    }

    /// Shows the next value, and says whether there is one; `None` when the column is damaged.
    pub(super) fn show(&mut self, json: bool, steps: &mut u64, out: &mut Cell) -> Option<bool> {
        *steps = steps.checked_sub(1)?;
        let present = match &mut self.present {
            Some(bits) => bits.next()?,
            None => self.kind != Kind::Null || self.words.is_some(),
        };
        if present {
            self.value(json, steps, out)?;
        } else {
            // What stands in its place is passed over.
            self.value(json, steps, &mut Cell::new(0))?;
            out.put(if json { "null" } else { "" });
        }
        Some(present)
    }

    fn value(&mut self, json: bool, steps: &mut u64, out: &mut Cell) -> Option<()> {
        if let Some((words, size, signed)) = &self.words {
            let (words, size, signed) = (Arc::clone(words), *size, *signed);
            let at = whole(self.data.as_mut()?, size, signed)?;
            let word = usize::try_from(at).ok().and_then(|at| words.0.get(at));
            // Under a value that is not there any number may stand.
            match word.and_then(Option::as_deref) {
                Some(word) => out.text(word, json && self.kind_is_text()),
                None => out.put(if json { "null" } else { "" }),
            }
            return Some(());
        }
        match self.kind {
            Kind::Null => {}
            Kind::Bool => out.put(if self.truths.as_mut()?.next()? {
                "true"
            } else {
                "false"
            }),
            Kind::Int(size, signed) => {
                let value = whole(self.data.as_mut()?, size, signed)?;
                out.put(&value.to_string());
            }
            Kind::Float(size) => {
                let value = float(self.data.as_mut()?, size)?;
                out.text(&value.0, json && !value.1);
            }
            Kind::Days => {
                let days = whole(self.data.as_mut()?, 4, true)?;
                out.text(&typed::date(i64::try_from(days).ok()?), json);
            }
            Kind::DayMillis => {
                let value = i64::try_from(whole(self.data.as_mut()?, 8, true)?).ok()?;
                out.text(&typed::date(value.div_euclid(86_400_000)), json);
            }
            Kind::Time(unit, size) => {
                let value = i64::try_from(whole(self.data.as_mut()?, size, true)?).ok()?;
                out.text(&typed::clock(value, unit), json);
            }
            Kind::Moment(unit) => {
                let value = i64::try_from(whole(self.data.as_mut()?, 8, true)?).ok()?;
                out.text(&typed::moment(value, unit), json);
            }
            Kind::Decimal(size, scale) => {
                let mut found = exactly(self.data.as_mut()?, size as u64)?;
                found.reverse();
                // Of 32 bytes the upper half tells the sign, unless the number is that large.
                let half = &found[found.len().saturating_sub(16)..];
                match typed::signed(half) {
                    Some(value) => out.put(&typed::decimal(value, scale)),
                    None => out.text(&typed::bytes(&found), json),
                }
            }
            Kind::Fixed(size) => self.raw(size as u64, false, json, out)?,
            Kind::Bytes { text, wide } => {
                let size = self.next_length(wide)?.1;
                self.raw(size, text, json, out)?;
            }
            Kind::View { text } => self.view(text, json, out)?,
            Kind::List { wide, map } => {
                let (skipped, count) = self.next_length(wide)?;
                let child = self.children.first_mut()?;
                for _ in 0..skipped {
                    child.show(true, steps, &mut Cell::new(0))?;
                }
                self.items(count, map, steps, out)?;
            }
            Kind::FixedList(count) => self.items(count, false, steps, out)?,
            Kind::Struct => {
                out.put("{");
                for (at, (name, child)) in self.names.iter().zip(&mut self.children).enumerate() {
                    out.put(if at > 0 { "," } else { "" });
                    out.put(&quoted(name));
                    out.put(":");
                    child.show(true, steps, out)?;
                }
                out.put("}");
            }
        }
        Some(())
    }

    fn kind_is_text(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Int(..) | Kind::Float(_) | Kind::Bool | Kind::Decimal(..) | Kind::Struct
        ) && !matches!(self.kind, Kind::List { .. } | Kind::FixedList(_))
    }

    fn items(&mut self, count: u64, map: bool, steps: &mut u64, out: &mut Cell) -> Option<()> {
        let child = self.children.first_mut()?;
        out.put(if map { "{" } else { "[" });
        for at in 0..count {
            out.put(if at > 0 { "," } else { "" });
            match child.children.as_mut_slice() {
                [key, value] if map => {
                    // An entry is a structure of a key and a value, neither of them missing.
                    *steps = steps.checked_sub(1)?;
                    let mut name = Cell::new(1 << 16);
                    key.show(false, steps, &mut name)?;
                    out.put(&quoted(&name.into_text().unwrap_or_default()));
                    out.put(":");
                    value.show(true, steps, out)?;
                }
                _ => {
                    child.show(true, steps, out)?;
                }
            }
        }
        out.put(if map { "}" } else { "]" });
        Some(())
    }

    /// What lies between the next two offsets: before the first of all, and after.
    fn next_length(&mut self, wide: bool) -> Option<(u64, u64)> {
        let (offsets, last) = self.offsets.as_mut()?;
        let size = if wide { 8 } else { 4 };
        let mut next = || i64::try_from(whole(offsets, size, true)?).ok();
        let (start, skipped) = match *last {
            Some(last) => (last, 0),
            None => {
                let first = next()?;
                (first, u64::try_from(first).ok()?)
            }
        };
        let end = next()?;
        *last = Some(end);
        if let (true, Some(data)) = (skipped > 0, self.data.as_mut()) {
            pass(data, skipped)?;
        }
        Some((skipped, u64::try_from(end.checked_sub(start)?).ok()?))
    }

    /// Bytes of this length, as text.
    fn raw(&mut self, size: u64, text: bool, json: bool, out: &mut Cell) -> Option<()> {
        let data = self.data.as_mut()?;
        if size > out.room() {
            out.too_long();
            return pass(data, size);
        }
        let found = exactly(data, size)?;
        show_bytes(&found, text, json, out);
        Some(())
    }

    /// A view: its length, then the bytes themselves, or where they lie.
    fn view(&mut self, text: bool, json: bool, out: &mut Cell) -> Option<()> {
        let view: [u8; 16] = exactly(self.data.as_mut()?, 16)?.try_into().ok()?;
        let four = |at: usize| {
            let four = view.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map(u32::from_le_bytes)
        };
        let size = four(0)?;
        if size <= 12 {
            let inline = view.get(4..4 + usize::try_from(size).ok()?)?;
            show_bytes(inline, text, json, out);
            return Some(());
        }
        if u64::from(size) > out.room() {
            out.too_long();
            return Some(());
        }
        let buffer = self.views.get(usize::try_from(four(8)?).ok()?)?;
        let found = buffer.at(u64::from(four(12)?), u64::from(size))?;
        show_bytes(&found, text, json, out);
        Some(())
    }
}

fn show_bytes(found: &[u8], text: bool, json: bool, out: &mut Cell) {
    match text {
        true => out.text(&String::from_utf8_lossy(found), json),
        false => out.text(&typed::bytes(found), json),
    }
}

/// Bits, the lowest of each byte first.
struct Bits {
    source: Stream,
    byte: u8,
    left: u8,
}

impl Bits {
    fn new(source: Stream) -> Self {
        Self {
            source,
            byte: 0,
            left: 0,
        }
    }

    fn next(&mut self) -> Option<bool> {
        if self.left == 0 {
            let mut one = [0];
            self.source.read_exact(&mut one).ok()?;
            (self.byte, self.left) = (one[0], 8);
        }
        let bit = self.byte & 1 != 0;
        self.byte >>= 1;
        self.left -= 1;
        Some(bit)
    }
}

/// A whole number of so many bytes, at most eight.
fn whole(source: &mut Stream, size: usize, signed: bool) -> Option<i128> {
    let mut bytes = [0; 8];
    source.read_exact(bytes.get_mut(..size)?).ok()?;
    let value = u64::from_le_bytes(bytes);
    let shift = 64 - 8 * u32::try_from(size).ok().filter(|size| *size > 0)?;
    Some(match signed {
        true => i128::from((value << shift).cast_signed() >> shift),
        false => i128::from(value),
    })
}

/// A number of two, four or eight bytes, and whether it is one.
fn float(source: &mut Stream, size: usize) -> Option<(String, bool)> {
    let bytes = exactly(source, size as u64)?;
    Some(match size {
        2 => {
            let value = half(u16::from_le_bytes(bytes.try_into().ok()?));
            (value.to_string(), value.is_finite())
        }
        4 => {
            let value = f32::from_le_bytes(bytes.try_into().ok()?);
            (value.to_string(), value.is_finite())
        }
        _ => {
            let value = f64::from_le_bytes(bytes.try_into().ok()?);
            (value.to_string(), value.is_finite())
        }
    })
}

/// A number of IEEE 754, binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * (-24_f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1_024.0 + fraction) * 2_f32.powi(exponent - 25),
    }
}

fn exactly(source: &mut Stream, size: u64) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    source.take(size).read_to_end(&mut found).ok()?;
    (found.len() as u64 == size).then_some(found)
}

fn pass(source: &mut Stream, size: u64) -> Option<()> {
    let passed = io::copy(&mut source.take(size), &mut io::sink()).ok()?;
    (passed == size).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_numbers() {
        for (bits, value) in [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x0001, 5.960_464_5e-8),
            (0x7BFF, 65_504.0),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value));
        }
        assert!(half(0x7C00).is_infinite() && half(0x7E00).is_nan());
    }
}
