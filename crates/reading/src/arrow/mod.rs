//! Arrow's IPC format, as a file (Feather 2) and as a stream, as one table.
//!
//! Rule: <https://arrow.apache.org/docs/format/Columnar.html>, "Serialization and Interprocess
//! Communication", with `Schema.fbs`, `Message.fbs` and `File.fbs`. A file whose end is
//! missing is read as the stream that most writers make of its beginning. Buffers as they lie are read row by row; packed ones
//! are unpacked a batch at a time, within the bound on memory. Values made of others are shown as
//! JSON. Unions, run-end encoding and views of lists are recognised and not read.

mod column;
mod flat;

use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use liuhen_document::{ProblemCode, Text};

use self::column::{Buffer, Buffers, Column, Field, Words};
use self::flat::Flat;
use crate::ReadError;
use crate::archive::packed::decoder;
use crate::raw::RawRow;
use crate::source::Blob;
use crate::typed::{self, Cell};
use crate::unpack::{Budget, Flow, Metered, Packing, Step};

/// Bytes of a message without its buffers.
const MESSAGE_MOST: u64 = 16 << 20;
/// Values of values in one row, down to those that take no byte.
const STEPS_MOST: u64 = 4 << 20;

const DAMAGED: ReadError = ReadError::DamagedFile { what: "Arrow" };

/// Whether bytes begin as a stream does: with a message that is a schema.
pub(crate) fn is_stream(head: &[u8]) -> bool {
    let size = head
        .strip_prefix(&[0xFF; 4])
        .and_then(|rest| rest.split_first_chunk::<4>())
        .map(|(size, rest)| (u32::from_le_bytes(*size), rest));
    size.is_some_and(|(size, rest)| {
        let message = usize::try_from(size)
            .ok()
            .map(|n| &rest[..n.min(rest.len())]);
        let message = message.filter(|_| (16..1 << 24).contains(&size));
        message
            .and_then(Flat::root)
            .is_some_and(|message| message.byte(1) == 1 && message.table(2).is_some())
    })
}

/// A file or stream being read.
pub(crate) struct Arrow {
    blob: Blob,
    /// Where the next message begins.
    at: u64,
    /// Where messages begin, by the end of a file.
    blocks: Option<VecDeque<u64>>,
    fields: Vec<Field>,
    words: Words,
    budget: Arc<Budget>,
    begun: bool,
    columns: Vec<Column>,
    /// Rows that are still in the batch.
    left: u64,
    number: u64,
    ended: bool,
}

/// A message: what it is and where its buffers lie.
struct Message {
    bytes: Vec<u8>,
    body: Blob,
}

impl Arrow {
    pub(crate) fn open(blob: &Blob, budget: &Arc<Budget>) -> Result<Self, ReadError> {
        let mut magic = [0; 6];
        blob.open().read_exact(&mut magic).map_err(|_| DAMAGED)?;
        let mut arrow = Self {
            blob: blob.clone(),
            at: if &magic == b"ARROW1" { 8 } else { 0 },
            blocks: None,
            fields: Vec::new(),
            words: HashMap::new(),
            budget: Arc::clone(budget),
            begun: false,
            columns: Vec::new(),
            left: 0,
            number: 1,
            ended: false,
        };
        let footer = match arrow.at {
            0 => None,
            _ => arrow.footer(),
        };
        if let Some((footer, blocks)) = footer {
            arrow.blocks = Some(blocks);
            let schema = Flat::root(&footer).and_then(|footer| footer.table(1));
            arrow.take_schema(&schema.ok_or(DAMAGED)?)?;
        } else {
            let message = arrow.message()?.ok_or(DAMAGED)?;
            let root = Flat::root(&message.bytes).ok_or(DAMAGED)?;
            let schema = root.table(2).filter(|_| root.byte(1) == 1);
            arrow.take_schema(&schema.ok_or(DAMAGED)?)?;
        }
        Ok(arrow)
    }

    /// The end of a file: where its dictionaries and its batches lie, in this order.
    fn footer(&self) -> Option<(Vec<u8>, VecDeque<u64>)> {
        let end = self.blob.len().checked_sub(10)?;
        let mut tail = Vec::new();
        self.blob.part(end, 10).open().read_to_end(&mut tail).ok()?;
        let (size, magic) = tail.split_first_chunk::<4>()?;
        let size = u64::from(u32::from_le_bytes(*size));
        if magic != b"ARROW1" || size > MESSAGE_MOST {
            return None;
        }
        let mut bytes = Vec::new();
        let part = self.blob.part(end.checked_sub(size)?, size);
        part.open().read_to_end(&mut bytes).ok()?;
        let footer = Flat::root(&bytes)?;
        let mut blocks = VecDeque::new();
        for list in [2, 3] {
            let mut before = 0;
            for at in footer.longs(list, 24)? {
                let at = u64::try_from(at).ok()?;
                // One block many times over would make much of little.
                if at <= before {
                    return None;
                }
                before = at;
                blocks.push_back(at);
            }
        }
        Some((bytes, blocks))
    }

    fn take_schema(&mut self, schema: &Flat<'_>) -> Result<(), ReadError> {
        if schema.short(0, 0) != 0 {
            return Err(column::not_read());
        }
        let fields = schema.tables(1).ok_or(DAMAGED)?;
        let limit = self.budget.limits.max_columns;
        if fields.len() > limit {
            return Err(ReadError::TooManyColumns { limit });
        }
        let fields: Result<_, _> = fields.iter().map(|field| Field::read(field, 0)).collect();
        self.fields = fields?;
        match self.fields.is_empty() {
            true => Err(ReadError::Empty),
            false => Ok(()),
        }
    }

    /// The next message; `None` at the end.
    fn message(&mut self) -> Result<Option<Message>, ReadError> {
        if let Some(blocks) = &mut self.blocks {
            match blocks.pop_front() {
                Some(at) => self.at = at,
                None => return Ok(None),
            }
        }
        let mut head = Vec::new();
        self.blob.part(self.at, 8).open().read_to_end(&mut head)?;
        let four = |at: usize| {
            let four = head.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map(u32::from_le_bytes)
        };
        // Before version 0.15 there was no mark of continuation.
        let (size, start) = match four(0) {
            None => return Ok(None),
            Some(u32::MAX) => (four(4).ok_or(DAMAGED)?, 8),
            Some(size) => (size, 4),
        };
        if size == 0 {
            return Ok(None);
        }
        if u64::from(size) > MESSAGE_MOST {
            return Err(ReadError::TooLarge {
                budget: MESSAGE_MOST,
            });
        }
        let mut bytes = Vec::new();
        let metadata = self.blob.part(self.at + start, u64::from(size));
        metadata.open().read_to_end(&mut bytes)?;
        let root = Flat::root(&bytes).ok_or(DAMAGED)?;
        let length = u64::try_from(root.long(3)).map_err(|_| DAMAGED)?;
        let body = self.at + start + u64::from(size);
        self.at = body.checked_add(length).ok_or(DAMAGED)?;
        if self.at > self.blob.len() {
            return Err(DAMAGED);
        }
        let body = self.blob.part(body, length);
        Ok(Some(Message { bytes, body }))
    }

    /// Goes on to the next batch of rows; false at the end.
    fn next_batch(&mut self) -> Result<bool, ReadError> {
        let Some(message) = self.message()? else {
            return Ok(false);
        };
        let root = Flat::root(&message.bytes).ok_or(DAMAGED)?;
        let header = root.table(2).ok_or(DAMAGED)?;
        match root.byte(1) {
            2 => self.dictionary(&header, &message.body)?,
            3 => {
                let (columns, rows) = self.columns(&header, &message.body, None)?;
                (self.columns, self.left) = (columns, rows);
            }
            // Another schema, or a tensor.
            _ => return Err(DAMAGED),
        }
        Ok(true)
    }

    /// The columns of a batch, and how many rows it has.
    fn columns(
        &self,
        batch: &Flat<'_>,
        body: &Blob,
        of: Option<&Field>,
    ) -> Result<(Vec<Column>, u64), ReadError> {
        let (buffers, unpacked) = self.buffers(batch, body)?;
        let nodes = batch.pairs(1).ok_or(DAMAGED)?;
        let variadic = batch.longs(4, 8).ok_or(DAMAGED)?;
        let mut buffers = Buffers::new(nodes, buffers, variadic);
        let fields = of.map_or(self.fields.as_slice(), std::slice::from_ref);
        let columns: Option<Vec<Column>> = fields
            .iter()
            .map(|field| Column::new(field, of.is_some(), &mut buffers, &self.words))
            .collect();
        let rows = u64::try_from(batch.long(0)).map_err(|_| DAMAGED)?;
        // A row takes a bit at least, and a batch may state any number of them.
        Ok((
            columns.ok_or(DAMAGED)?,
            rows.min(unpacked.saturating_mul(8)),
        ))
    }

    /// The buffers of a batch, unpacked where they are packed, and their bytes in all.
    fn buffers(&self, batch: &Flat<'_>, body: &Blob) -> Result<(Vec<Buffer>, u64), ReadError> {
        let packing = batch.table(3).map(|packing| packing.byte(0));
        let memory = self.budget.limits.max_memory_bytes;
        let (mut buffers, mut taken, mut held) = (Vec::new(), 0_u64, 0_usize);
        for (offset, length) in batch.pairs(2).ok_or(DAMAGED)? {
            let offset = u64::try_from(offset).map_err(|_| DAMAGED)?;
            let length = u64::try_from(length).map_err(|_| DAMAGED)?;
            taken = taken.checked_add(length).ok_or(DAMAGED)?;
            let end = offset.checked_add(length).ok_or(DAMAGED)?;
            // Buffers do not overlap, so that together they are no longer than what holds them.
            if end > body.len() || taken > body.len() {
                return Err(DAMAGED);
            }
            let part = body.part(offset, length);
            let (Some(packing), true) = (packing, length > 0) else {
                buffers.push(Buffer::Part(part));
                continue;
            };
            let buffer = self.unpacked(&part, packing, memory.saturating_sub(held))?;
            if let Buffer::Bytes(bytes) = &buffer {
                held += bytes.len();
            }
            buffers.push(buffer);
        }
        Ok((buffers, taken.saturating_add(held as u64)))
    }

    /// A packed buffer: its size unpacked, then a frame; -1 when it is not packed after all.
    fn unpacked(&self, part: &Blob, packing: u8, most: usize) -> Result<Buffer, ReadError> {
        let mut source = part.open();
        let mut size = [0; 8];
        source.read_exact(&mut size).map_err(|_| DAMAGED)?;
        let rest = part.part(8, part.len());
        let size = match i64::from_le_bytes(size) {
            -1 => return Ok(Buffer::Part(rest)),
            size => usize::try_from(size).map_err(|_| DAMAGED)?,
        };
        let memory = self.budget.limits.max_memory_bytes;
        if size > most {
            return Err(ReadError::TooMuchMemory { limit: memory });
        }
        let frame: Box<dyn Read> = match packing {
            0 => Box::new(lz4_flex::frame::FrameDecoder::new(rest.open())),
            1 => Box::new(decoder(Packing::Zstd, rest.open(), memory)),
            _ => return Err(column::not_read()),
        };
        let packed = Arc::new(AtomicU64::new(rest.len()));
        let metered = Metered::new(frame, &self.budget, Some(packed));
        let mut bytes = Vec::new();
        let came = metered.take(size as u64).read_to_end(&mut bytes);
        came.map_err(|error| match ReadError::of(error) {
            ReadError::MalformedArchive => DAMAGED,
            other => other,
        })?;
        match bytes.len() == size {
            true => Ok(Buffer::Bytes(bytes)),
            false => Err(DAMAGED),
        }
    }

    /// Takes in the values that numbers of a column stand for.
    fn dictionary(&mut self, header: &Flat<'_>, body: &Blob) -> Result<(), ReadError> {
        let id = header.long(0);
        let batch = header.table(1).ok_or(DAMAGED)?;
        let field = Field::of_dictionary(&self.fields, id).ok_or(DAMAGED)?;
        let (mut columns, rows) = self.columns(&batch, body, Some(&field))?;
        let column = columns.first_mut().ok_or(DAMAGED)?;
        let known = match header.byte(2) {
            0 => None,
            _ => self.words.get(&id),
        };
        let mut words: Vec<_> = known.map(|words| words.0.clone()).unwrap_or_default();
        let limits = &self.budget.limits;
        let other: usize = self.words.values().map(|words| words.1).sum();
        let mut size: usize = known.map_or(0, |words| words.1);
        for _ in 0..rows {
            let mut steps = STEPS_MOST;
            let mut cell = Cell::new(limits.max_cell_bytes);
            let present = column.show(false, &mut steps, &mut cell).ok_or(DAMAGED)?;
            let text = cell.into_text().unwrap_or_default();
            size += text.len() + size_of::<Option<Box<str>>>();
            if size.saturating_add(other) > limits.max_memory_bytes / 2 {
                return Err(ReadError::TooMuchMemory {
                    limit: limits.max_memory_bytes,
                });
            }
            words.push(present.then(|| text.into_boxed_str()));
        }
        self.words.insert(id, Arc::new((words, size)));
        Ok(())
    }

    /// The next row; `None` when the batch is damaged from here on.
    fn row(&mut self) -> Option<Result<Vec<Text>, ProblemCode>> {
        let mut steps = STEPS_MOST;
        typed::row(&mut self.columns, &self.budget.limits, |column, cell| {
            column.show(false, &mut steps, cell).map(drop)
        })
    }
}

impl Flow for Arrow {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        if !self.begun {
            self.begun = true;
            let names = self.fields.iter().map(|field| field.name.clone());
            return Ok(Some(Step::Table {
                name: None,
                columns: Some(names.collect()),
                placed: true,
            }));
        }
        while self.left == 0 {
            if self.ended || !self.next_batch()? {
                self.ended = true;
                return Ok(None);
            }
        }
        self.left -= 1;
        self.number += 1;
        let row = self.row();
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
