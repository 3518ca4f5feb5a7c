//! Object container files of Apache Avro, as one table.
//!
//! Rule: Apache Avro 1.12, "Object container files" and "Binary encoding". Block after block is
//! unpacked under the budget; values that are lists, maps or records are shown as JSON. A damaged
//! block costs its own rows when the mark behind it is where it should be.

mod schema;

use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use liuhen_document::{ProblemCode, Text};

use self::schema::{Schema, Type};
use crate::ReadError;
use crate::archive::packed::decoder;
use crate::raw::RawRow;
use crate::source::{Blob, Section};
use crate::typed::{self, Cell, quoted};
use crate::unpack::{Budget, Flow, Metered, Packing, Step};

/// Bytes of the head of a file: its schema.
const HEAD_MOST: u64 = 16 << 20;
/// Bytes of a block, packed or not; writers make some of 16 KiB to a few MiB.
const BLOCK_MOST: u64 = 128 << 20;
/// Values of values in one row, down to those that take no byte.
const STEPS_MOST: u64 = 4 << 20;
/// How deep values may lie within each other.
const DEEPEST: usize = 32;

const DAMAGED: ReadError = ReadError::DamagedFile { what: "Avro" };

/// How blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Plain,
    Deflate,
    Snappy,
    Other(Packing),
}

/// A file being read.
pub(crate) struct Avro {
    source: BufReader<Section>,
    schema: Schema,
    columns: Vec<(String, usize)>,
    codec: Codec,
    sync: [u8; 16],
    budget: Arc<Budget>,
    /// The table was begun.
    begun: bool,
    block: Cursor<Vec<u8>>,
    /// Rows that are still in the block.
    left: u64,
    number: u64,
}

impl Avro {
    pub(crate) fn open(blob: &Blob, budget: &Arc<Budget>) -> Result<Self, ReadError> {
        let mut source = BufReader::new(blob.open());
        let limits = &budget.limits;
        let mut head = (&mut source).take(HEAD_MOST);
        let mut magic = [0; 4];
        head.read_exact(&mut magic)?;
        let (mut stated, mut codec) = (None, Codec::Plain);
        while let Some(count) = items(&mut head).ok_or(DAMAGED)? {
            for _ in 0..count {
                let key = bytes(&mut head, HEAD_MOST).ok_or(DAMAGED)?;
                let value = bytes(&mut head, HEAD_MOST).ok_or(DAMAGED)?;
                match key.as_slice() {
                    b"avro.schema" => stated = Some(value),
                    b"avro.codec" => codec = codec_of(&value)?,
                    _ => {}
                }
            }
        }
        let mut sync = [0; 16];
        head.read_exact(&mut sync).map_err(|_| DAMAGED)?;
        let schema = Schema::parse(&stated.ok_or(DAMAGED)?, limits)?;
        let columns = schema.columns();
        if columns.is_empty() {
            return Err(ReadError::Empty);
        }
        Ok(Self {
            source,
            schema,
            columns,
            codec,
            sync,
            budget: Arc::clone(budget),
            begun: false,
            block: Cursor::new(Vec::new()),
            left: 0,
            number: 1,
        })
    }

    /// Reads the next block; false at the file's end.
    fn next_block(&mut self) -> Result<bool, ReadError> {
        let Some(first) = byte(&mut self.source) else {
            return Ok(false);
        };
        let count = long_after(first, &mut self.source).ok_or(DAMAGED)?;
        let size = long(&mut self.source).ok_or(DAMAGED)?;
        let (count, size) = (
            u64::try_from(count).map_err(|_| DAMAGED)?,
            u64::try_from(size).map_err(|_| DAMAGED)?,
        );
        let most = BLOCK_MOST.min(self.budget.limits.max_memory_bytes as u64 / 2);
        if size > most {
            return Err(ReadError::TooLarge { budget: most });
        }
        let mut packed = Vec::new();
        (&mut self.source).take(size).read_to_end(&mut packed)?;
        let mut sync = [0; 16];
        let whole = packed.len() as u64 == size && self.source.read_exact(&mut sync).is_ok();
        if !whole || sync != self.sync {
            return Err(DAMAGED);
        }
        let block = self.unpacked(packed, most)?;
        self.block = Cursor::new(block);
        self.left = count;
        Ok(true)
    }

    fn unpacked(&self, packed: Vec<u8>, most: u64) -> Result<Vec<u8>, ReadError> {
        let size = packed.len() as u64;
        let taken = Arc::new(AtomicU64::new(size));
        let all = |reader: &mut dyn Read| {
            let mut out = Vec::new();
            let mut metered = Metered::new(reader, &self.budget, Some(Arc::clone(&taken)));
            let came = (&mut metered).take(most + 1).read_to_end(&mut out);
            came.map_err(|error| match ReadError::of(error) {
                ReadError::MalformedArchive => DAMAGED,
                other => other,
            })?;
            match out.len() as u64 > most {
                true => Err(ReadError::TooLarge { budget: most }),
                false => Ok(out),
            }
        };
        match self.codec {
            Codec::Plain => all(&mut Cursor::new(packed)),
            Codec::Deflate => all(&mut flate2::read::DeflateDecoder::new(Cursor::new(packed))),
            Codec::Other(packing) => {
                let memory = self.budget.limits.max_memory_bytes;
                all(&mut decoder(packing, Cursor::new(packed), memory))
            }
            Codec::Snappy => {
                // A sum of what comes out stands behind it, the highest byte first.
                let (packed, sum) = packed.split_last_chunk::<4>().ok_or(DAMAGED)?;
                let length = snap::raw::decompress_len(packed).map_err(|_| DAMAGED)?;
                if length as u64 > most {
                    return Err(ReadError::TooLarge { budget: most });
                }
                let out = snap::raw::Decoder::new().decompress_vec(packed);
                let out = out.map_err(|_| DAMAGED)?;
                let mut crc = flate2::Crc::new();
                crc.update(&out);
                if crc.sum() != u32::from_be_bytes(*sum) {
                    return Err(ReadError::Checksum);
                }
                all(&mut Cursor::new(out))
            }
        }
    }

    /// The next row of the block; `None` when the block is damaged from here on.
    fn row(&mut self) -> Option<Result<Vec<Text>, ProblemCode>> {
        let mut values = Values {
            types: &self.schema.types,
            block: &mut self.block,
            steps: STEPS_MOST,
        };
        typed::row(&self.columns, &self.budget.limits, |(_, kind), cell| {
            values.show(*kind, false, 0, cell)
        })
    }
}

impl Flow for Avro {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        if !self.begun {
            self.begun = true;
            let names = self.columns.iter().map(|(name, _)| name.clone());
            return Ok(Some(Step::Table {
                name: None,
                columns: Some(names.collect()),
                placed: true,
            }));
        }
        while self.left == 0 {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        self.left -= 1;
        self.number += 1;
        let before = self.block.position();
        let row = self.row();
        // Rows that take no byte hold nothing, and a file may state any number of them.
        if self.block.position() == before {
            self.left = 0;
        }
        Ok(Some(match row {
            Some(Ok(cells)) => Step::Row(RawRow {
                number: self.number,
                cells,
            }),
            Some(Err(problem)) => Step::Spoiled(self.number, problem),
            None => {
                self.left = 0;
                Step::Spoiled(self.number, ProblemCode::Unreadable)
            }
        }))
    }
}

fn codec_of(name: &[u8]) -> Result<Codec, ReadError> {
    Ok(match name {
        b"null" | b"" => Codec::Plain,
        b"deflate" => Codec::Deflate,
        b"snappy" => Codec::Snappy,
        b"bzip2" => Codec::Other(Packing::Bzip2),
        b"xz" => Codec::Other(Packing::Xz),
        b"zstandard" => Codec::Other(Packing::Zstd),
        _ => return Err(ReadError::UnknownMethod { method: "Avro" }),
    })
}

/// Values being read, for one row.
struct Values<'a> {
    types: &'a [Type],
    block: &'a mut Cursor<Vec<u8>>,
    steps: u64,
}

impl Values<'_> {
    /// Shows the value of a type; `None` when the bytes are not of it.
    fn show(&mut self, kind: usize, json: bool, depth: usize, out: &mut Cell) -> Option<()> {
        self.steps = self.steps.checked_sub(1)?;
        let types = self.types;
        let kind = types.get(kind).filter(|_| depth <= DEEPEST)?;
        match kind {
            Type::Null if json => out.put("null"),
            Type::Null => {}
            Type::Boolean => match byte(self.block)? {
                0 => out.put("false"),
                1 => out.put("true"),
                _ => return None,
            },
            Type::Int | Type::Long => out.put(&long(self.block)?.to_string()),
            Type::Float => {
                let value = f32::from_le_bytes(self.some()?);
                // JSON has no number that is none.
                out.text(&value.to_string(), json && !value.is_finite());
            }
            Type::Double => {
                let value = f64::from_le_bytes(self.some()?);
                // JSON has no number that is none.
                out.text(&value.to_string(), json && !value.is_finite());
            }
            Type::Bytes => {
                let found = self.sized()?;
                out.text(&typed::bytes(&found), json);
            }
            Type::String => {
                let found = self.sized()?;
                out.text(&String::from_utf8_lossy(&found), json);
            }
            Type::Fixed(size) => {
                let found = self.exactly(*size as u64)?;
                out.text(&typed::bytes(&found), json);
            }
            Type::Uuid => {
                let found = self.exactly(16)?;
                out.text(&typed::uuid(&found)?, json);
            }
            Type::Enum(symbols) => {
                let at = usize::try_from(long(self.block)?).ok()?;
                out.text(symbols.get(at)?, json);
            }
            Type::Date => out.text(&typed::date(long(self.block)?), json),
            Type::Time(unit) => out.text(&typed::clock(long(self.block)?, *unit), json),
            Type::Moment(unit) => out.text(&typed::moment(long(self.block)?, *unit), json),
            Type::Decimal(size, scale) => {
                let found = match size {
                    Some(size) => self.exactly(*size as u64)?,
                    None => self.sized()?,
                };
                match typed::signed(&found) {
                    Some(number) => out.put(&typed::decimal(number, *scale)),
                    None => out.text(&typed::bytes(&found), json),
                }
            }
            Type::Union(branches) => {
                let at = usize::try_from(long(self.block)?).ok()?;
                self.show(*branches.get(at)?, json, depth + 1, out)?;
            }
            Type::Record(fields) => {
                out.put("{");
                for (at, (name, kind)) in fields.iter().enumerate() {
                    out.put(if at > 0 { "," } else { "" });
                    out.put(&quoted(name));
                    out.put(":");
                    self.show(*kind, true, depth + 1, out)?;
                }
                out.put("}");
            }
            Type::Array(kind) => self.list("[", "]", *kind, false, depth, out)?,
            Type::Map(kind) => self.list("{", "}", *kind, true, depth, out)?,
        }
        Some(())
    }

    fn list(
        &mut self,
        open: &str,
        close: &str,
        kind: usize,
        named: bool,
        depth: usize,
        out: &mut Cell,
    ) -> Option<()> {
        out.put(open);
        let mut first = true;
        while let Some(count) = items(self.block)? {
            for _ in 0..count {
                out.put(if first { "" } else { "," });
                first = false;
                if named {
                    let key = self.sized()?;
                    out.put(&quoted(&String::from_utf8_lossy(&key)));
                    out.put(":");
                }
                self.show(kind, true, depth + 1, out)?;
            }
        }
        out.put(close);
        Some(())
    }

    fn some<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut found = [0; N];
        self.block.read_exact(&mut found).ok()?;
        Some(found)
    }

    fn exactly(&mut self, length: u64) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        (&mut *self.block)
            .take(length)
            .read_to_end(&mut found)
            .ok()?;
        Some(found).filter(|found| found.len() as u64 == length)
    }

    fn sized(&mut self) -> Option<Vec<u8>> {
        bytes(self.block, u64::MAX)
    }
}

fn byte(source: &mut dyn Read) -> Option<u8> {
    let mut one = [0];
    source.read_exact(&mut one).ok()?;
    Some(one[0])
}

/// A whole number of seven bits a byte, zigzag.
fn long(source: &mut dyn Read) -> Option<i64> {
    let first = byte(source)?;
    long_after(first, source)
}

fn long_after(first: u8, source: &mut dyn Read) -> Option<i64> {
    let (mut value, mut last) = (u64::from(first & 0x7F), first);
    for shift in (7..=63).step_by(7) {
        if last & 0x80 == 0 {
            break;
        }
        last = byte(source)?;
        value |= u64::from(last & 0x7F).checked_shl(shift)?;
    }
    let whole = last & 0x80 == 0;
    whole.then(|| (value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// How many items come next of a list or map; `Some(None)` at its end. A count below zero is
/// followed by how many bytes the items take.
fn items(source: &mut dyn Read) -> Option<Option<u64>> {
    let count = long(source)?;
    if count < 0 {
        long(source)?;
    }
    Some((count != 0).then(|| count.unsigned_abs()))
}

fn bytes(source: &mut dyn Read, most: u64) -> Option<Vec<u8>> {
    let length = u64::try_from(long(source)?).ok()?;
    if length > most {
        return None;
    }
    let mut found = Vec::new();
    source.take(length).read_to_end(&mut found).ok()?;
    Some(found).filter(|found| found.len() as u64 == length)
}
