//! Keys on disk: records in partitions, a file for each exhibit, written in blocks.
//!
//! A record is a keyed hash, a place and a mask of kinds, never a value. The partition is the top
//! of the key, so equal keys lie in one partition whatever file they come from, and a partition is
//! small enough to be sorted in memory. Little end first.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CountError;
use crate::place::Place;
use crate::work;

/// Partitions; a hundred million rows make some 75 MB of each.
pub(crate) const PARTS: usize = 64;

/// Bytes of a partition's buffer after which it is written.
const BLOCK: usize = 64 << 10;

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stream {
    /// Whole rows: key of the row.
    Rows = 0,
    /// Persons: key of the person; beside it age, region, hashes of name and telephone.
    Persons = 1,
    /// Events: key of person and time.
    Events = 2,
    /// Contacts: key of name and telephone; beside it the person.
    Contacts = 3,
    /// Schools: key of the school; beside it the class.
    Cohorts = 4,
    /// Rows that do not count: the reason stands in the mask.
    Out = 5,
}

pub(crate) const STREAMS: usize = 6;

impl Stream {
    pub(crate) const ALL: [Self; STREAMS] = [
        Self::Rows,
        Self::Persons,
        Self::Events,
        Self::Contacts,
        Self::Cohorts,
        Self::Out,
    ];

    const fn is_wide(self) -> bool {
        matches!(self, Self::Persons | Self::Contacts | Self::Cohorts)
    }

    pub(crate) const fn width(self) -> usize {
        if self.is_wide() { 48 } else { 32 }
    }
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: u128,
    pub(crate) place: Place,
    pub(crate) mask: u64,
    /// Kept by wide streams only.
    pub(crate) extra: u128,
}

/// Records in memory, by stream and partition.
pub(crate) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    pub(crate) fn new() -> Self {
        Self(vec![Vec::new(); STREAMS * PARTS])
    }

    /// Everything gathered: stream, partition, records as bytes.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Stream, usize, Vec<u8>)> {
        let buffers = self.0.iter_mut().enumerate();
        buffers
            .filter(|(_, buffer)| !buffer.is_empty())
            .filter_map(|(at, buffer)| {
                let stream = Stream::ALL.get(at / PARTS)?;
                Some((*stream, at % PARTS, std::mem::take(buffer)))
            })
    }

    pub(crate) fn push(&mut self, stream: Stream, record: &Record) {
        let part = match stream {
            // Places are spread, not hashed.
            Stream::Out => record.place.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58,
            _ => u64::try_from(record.key >> 122).unwrap_or(0),
        };
        let part = usize::try_from(part).unwrap_or(0) % PARTS;
        let Some(buffer) = self.0.get_mut(stream as usize * PARTS + part) else {
            return;
        };
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&record.key.to_le_bytes());
        bytes[16..24].copy_from_slice(&record.place.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&record.mask.to_le_bytes());
        bytes[32..].copy_from_slice(&record.extra.to_le_bytes());
        buffer.extend_from_slice(&bytes[..stream.width()]);
    }
}

/// Where some records of one partition lie in a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Stream and partition: `stream * PARTS + partition`.
    at: u16,
    offset: u64,
    bytes: u32,
}

/// The records of one exhibit, being written.
pub(crate) struct Spill {
    file: File,
    path: std::path::PathBuf,
    offset: u64,
    waiting: Buffers,
    blocks: Vec<Block>,
}

impl Spill {
    /// Begins a file anew.
    pub(crate) fn create(path: &Path) -> Result<Self, CountError> {
        Ok(Self {
            file: work::create(path)?,
            path: path.to_owned(),
            offset: 0,
            waiting: Buffers::new(),
            blocks: Vec::new(),
        })
    }

    /// Takes what a worker has gathered, and leaves its buffers empty.
    pub(crate) fn take(&mut self, buffers: &mut Buffers) -> Result<(), CountError> {
        for at in 0..buffers.0.len() {
            let (Some(from), Some(to)) = (buffers.0.get_mut(at), self.waiting.0.get_mut(at)) else {
                continue;
            };
            to.append(from);
            if to.len() >= BLOCK {
                self.write(at)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, at: usize) -> Result<(), CountError> {
        let Some(buffer) = self
            .waiting
            .0
            .get_mut(at)
            .filter(|buffer| !buffer.is_empty())
        else {
            return Ok(());
        };
        self.file
            .write_all(buffer)
            .map_err(CountError::work(&self.path))?;
        let (Ok(bytes), Ok(place)) = (u32::try_from(buffer.len()), u16::try_from(at)) else {
            return Err(CountError::Damaged(self.path.clone()));
        };
        self.blocks.push(Block {
            at: place,
            offset: self.offset,
            bytes,
        });
        self.offset += u64::from(bytes);
        buffer.clear();
        Ok(())
    }

    /// Writes what waits; answers where everything lies, and how long the file is.
    pub(crate) fn finish(mut self) -> Result<(Vec<Block>, u64), CountError> {
        for at in 0..STREAMS * PARTS {
            self.write(at)?;
        }
        Ok((self.blocks, self.offset))
    }
}

/// Reads the records of one stream and partition out of a file.
pub(crate) fn read(
    path: &Path,
    blocks: &[Block],
    stream: Stream,
    part: usize,
    into: &mut Vec<Record>,
) -> Result<(), CountError> {
    let wanted = stream as usize * PARTS + part;
    let mut file = None;
    let mut bytes = Vec::new();
    for block in blocks
        .iter()
        .filter(|block| usize::from(block.at) == wanted)
    {
        let file = match &mut file {
            Some(file) => file,
            none => none.insert(File::open(path).map_err(CountError::work(path))?),
        };
        bytes.resize(block.bytes as usize, 0);
        file.read_exact_at(&mut bytes, block.offset)
            .map_err(CountError::work(path))?;
        into.extend(records(stream, &bytes));
    }
    Ok(())
}

/// The records of a block.
pub(crate) fn records(stream: Stream, bytes: &[u8]) -> impl Iterator<Item = Record> {
    bytes.chunks_exact(stream.width()).map(record)
}

fn record(bytes: &[u8]) -> Record {
    let word = |at: usize| {
        let eight = bytes
            .get(at..at + 8)
            .and_then(|eight| eight.try_into().ok());
        u64::from_le_bytes(eight.unwrap_or_default())
    };
    let double = |at: usize| u128::from(word(at)) | u128::from(word(at + 8)) << 64;
    Record {
        key: double(0),
        place: Place(word(16)),
        mask: word(24),
        extra: if bytes.len() > 32 { double(32) } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_by_stream_and_partition() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spill");
        let mut spill = Spill::create(&path).unwrap();
        let made = |n: u64| Record {
            key: u128::from(n) << 100 | u128::from(n),
            place: Place(n),
            mask: n << 3,
            extra: u128::from(n) << 70,
        };
        let mut buffers = Buffers::new();
        for n in 0..20_000 {
            buffers.push(Stream::Persons, &made(n * 13_421));
            buffers.push(
                Stream::Rows,
                &Record {
                    extra: 0,
                    ..made(n)
                },
            );
            if n % 1000 == 0 {
                spill.take(&mut buffers).unwrap();
            }
        }
        spill.take(&mut buffers).unwrap();
        let (blocks, length) = spill.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
        let mut back = Vec::new();
        for part in 0..PARTS {
            let from = back.len();
            read(&path, &blocks, Stream::Persons, part, &mut back).unwrap();
            assert!(
                back[from..]
                    .iter()
                    .all(|record| usize::try_from(record.key >> 122).unwrap() == part)
            );
        }
        back.sort_by_key(|record| record.place);
        assert_eq!(
            back,
            (0..20_000).map(|n| made(n * 13_421)).collect::<Vec<_>>()
        );
        back.clear();
        (0..PARTS).for_each(|part| read(&path, &blocks, Stream::Rows, part, &mut back).unwrap());
        assert_eq!(back.len(), 20_000);
    }
}
