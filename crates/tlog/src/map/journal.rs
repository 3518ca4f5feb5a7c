//! The map's labels in files, in log order: a cache, so that a restart need not read the whole log.
//!
//! Rule: our own format. Each opening begins a segment `<first record, 20 digits>.labels`:
//!
//! ```text
//! segment  magic[8] log[16] first:u64 check[16]    then records, then perhaps a part of one
//! record   label[32] index:u64
//! check    the first 16 bytes of SHA-256 of the header before
//! ```
//!
//! Numbers are big endian. A segment takes the place of all records from its
//! first on. The log is the truth and the root decides: what is read here is
//! whole records with indexes that do not fall, nothing more is promised.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::node::Item;
use crate::{
    disk::{Disk, DiskFile},
    error::LogError,
};

const MAGIC: &[u8; 8] = b"LHMAP\0\0\x01";
const CHECK: usize = 16;
const HEADER: usize = 8 + 16 + 8 + CHECK;
const RECORD: usize = 40;
/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Records read at once.
const CHUNK: usize = 2_000_000;

/// A segment being written.
pub(super) struct Journal {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({})", self.path.display())
    }
}

impl Journal {
    /// Begins a segment behind `first` records, and removes those that begin later.
    pub(super) fn begin(
        disk: &dyn Disk,
        dir: &Path,
        log: &[u8; 16],
        first: u64,
    ) -> Result<Self, LogError> {
        let path = segment_path(dir, first);
        let start = || -> io::Result<Box<dyn DiskFile>> {
            disk.create_dirs(dir)?;
            // Latest first: whatever is left when the power goes still joins up.
            for later in list(dir)?.iter().rev().filter(|old| **old > path) {
                disk.remove(later)?;
            }
            let mut file = disk.create(&path, 0)?;
            file.write(&header(log, first))?;
            Ok(file)
        };
        let file = start().map_err(LogError::io("making map segment", &path))?;
        let buffer = Vec::with_capacity(BUFFER);
        Ok(Self { file, path, buffer })
    }

    /// Takes records; they reach the file when enough are gathered or [`Journal::save`] is called.
    pub(super) fn append(&mut self, items: &[Item]) -> Result<(), LogError> {
        for (label, index) in items {
            self.buffer.extend_from_slice(label);
            self.buffer.extend_from_slice(&index.to_be_bytes());
            if self.buffer.len() >= BUFFER {
                self.write()?;
            }
        }
        Ok(())
    }

    /// Makes all records durable.
    pub(super) fn save(&mut self) -> Result<(), LogError> {
        self.write()?;
        let synced = self.file.sync();
        synced.map_err(LogError::io("writing", &self.path))
    }

    fn write(&mut self) -> Result<(), LogError> {
        let written = self.file.write(&self.buffer);
        self.buffer.clear();
        written.map_err(LogError::io("writing", &self.path))
    }
}

/// About how many records there are.
pub(super) fn estimate(dir: &Path) -> u64 {
    let segments = list(dir).unwrap_or_default();
    let bytes = segments.iter().filter_map(|path| fs::metadata(path).ok());
    bytes.map(|data| data.len() / RECORD as u64).sum()
}

/// Reads records below index `size` in order, and hands them on in large parts.
///
/// Stops without error at what is torn, damaged or of another log.
pub(super) fn read(
    dir: &Path,
    log: &[u8; 16],
    size: u64,
    mut take: impl FnMut(&mut Vec<Item>),
) -> Result<(), LogError> {
    let segments = open_segments(dir, log)?;
    let ends: Vec<u64> = segments.iter().skip(1).map(|segment| segment.0).collect();
    let ends = ends.into_iter().chain([u64::MAX]);
    let (mut known, mut last) = (0, 0);
    for ((first, path, mut file), end) in segments.into_iter().zip(ends) {
        while first <= known && known < end {
            let most = CHUNK.min(usize::try_from(end - known).unwrap_or(CHUNK));
            let mut items = read_items(&mut file, most).map_err(LogError::io("reading", &path))?;
            let read = items.len();
            items.truncate(in_order(&items, last, size));
            let kept = items.len();
            known += kept as u64;
            last = items.last().map_or(last, |item| item.1);
            take(&mut items);
            if kept < read {
                return Ok(());
            }
            if read < most {
                break;
            }
        }
    }
    Ok(())
}

/// How many items have indexes that do not fall below `last` and lie below `size`.
fn in_order(items: &[Item], last: u64, size: u64) -> usize {
    let before = [last].into_iter().chain(items.iter().map(|item| item.1));
    let pairs = items.iter().zip(before);
    let fits = pairs.take_while(|(item, before)| (*before..size).contains(&item.1));
    fits.count()
}

/// A segment's first record, its path, and the file behind its header.
type Segment = (u64, PathBuf, File);

/// The segments up to the first that is none of this log's.
fn open_segments(dir: &Path, log: &[u8; 16]) -> Result<Vec<Segment>, LogError> {
    let mut segments = Vec::new();
    for path in list(dir).map_err(LogError::io("listing", dir))? {
        let mut file = File::open(&path).map_err(LogError::io("reading", &path))?;
        let mut bytes = [0; HEADER];
        let first = file.read_exact(&mut bytes).ok();
        let first = first.and_then(|()| read_header(&bytes, log));
        match first.filter(|first| segment_path(dir, *first) == path) {
            Some(first) => segments.push((first, path, file)),
            None => break,
        }
    }
    Ok(segments)
}

fn read_items(file: &mut File, most: usize) -> io::Result<Vec<Item>> {
    let mut bytes = Vec::with_capacity(most.min(CHUNK) * RECORD);
    file.take((most * RECORD) as u64).read_to_end(&mut bytes)?;
    let (records, _) = bytes.as_chunks::<RECORD>();
    let item = |record: &[u8; RECORD]| {
        let (label, index) = record.split_first_chunk()?;
        Some((*label, u64::from_be_bytes(*index.first_chunk()?)))
    };
    Ok(records.iter().filter_map(item).collect())
}

fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.labels"))
}

/// Segments by their first record.
fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "labels") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn header(log: &[u8; 16], first: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(log);
    bytes.extend_from_slice(&first.to_be_bytes());
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum[..CHECK]);
    bytes
}

/// The number of the first record, if the header is whole and of this log.
fn read_header(bytes: &[u8; HEADER], log: &[u8; 16]) -> Option<u64> {
    let first = bytes.get(24..32)?.first_chunk()?;
    let first = u64::from_be_bytes(*first);
    (header(log, first) == bytes).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SystemDisk;

    const LOG: [u8; 16] = [9; 16];

    fn items(range: std::ops::Range<u64>) -> Vec<Item> {
        let label = |index: u64| crate::leaf_hash(&index.to_be_bytes()).0;
        // Two labels an entry, as chunks have.
        range.map(|number| (label(number), number / 2)).collect()
    }

    fn read_all(dir: &Path, size: u64) -> Vec<Item> {
        let mut all = Vec::new();
        read(dir, &LOG, size, |items| all.append(items)).unwrap();
        all
    }

    fn write(dir: &Path, first: u64, items: &[Item]) -> PathBuf {
        let mut journal = Journal::begin(&SystemDisk, dir, &LOG, first).unwrap();
        journal.append(items).unwrap();
        journal.save().unwrap();
        journal.path
    }

    #[test]
    fn a_journal_torn_at_any_byte_gives_its_whole_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), 0, &items(0..6));
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), HEADER + 6 * RECORD);
        for cut in 0..=whole.len() {
            let records = cut.saturating_sub(HEADER) / RECORD;
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(
                read_all(dir.path(), 99),
                items(0..records as u64),
                "cut at {cut}"
            );
            // As some file systems leave it: the length is there, the bytes are not.
            let mut blank = whole[..cut].to_vec();
            blank.resize(whole.len() + 100, 0);
            fs::write(&path, &blank).unwrap();
            let kept = read_all(dir.path(), 99);
            if records > 2 {
                // Of a record with its label only, the index is 0 and falls.
                assert_eq!(
                    kept[..records],
                    items(0..records as u64),
                    "blank from {cut}"
                );
                assert!(kept.len() <= records + 1);
            }
        }
    }

    #[test]
    fn a_later_segment_takes_the_place_of_what_lies_behind_its_first_record() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 0, &items(0..10));
        write(dir.path(), 10, &items(10..12));
        let mut changed = items(6..9);
        changed[0].0 = [1; 32];
        write(dir.path(), 6, &changed);
        let expected = [&items(0..6)[..], &changed].concat();
        assert_eq!(read_all(dir.path(), 99), expected);
        assert_eq!(read_all(dir.path(), 2), items(0..4));
        // A segment that does not join up is left out.
        write(dir.path(), 30, &items(30..32));
        assert_eq!(read_all(dir.path(), 99), expected);
    }

    #[test]
    fn refuses_segments_of_another_log_or_name_or_with_a_changed_header() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), 0, &items(0..4));
        let mut all = 0;
        read(dir.path(), &[8; 16], 99, |items| all += items.len()).unwrap();
        assert_eq!(all, 0);
        let whole = fs::read(&path).unwrap();
        for at in 0..HEADER {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_all(dir.path(), 99), [], "byte {at}");
        }
        fs::write(&path, whole).unwrap();
        fs::rename(&path, segment_path(dir.path(), 1)).unwrap();
        assert_eq!(read_all(dir.path(), 99), []);
    }
}
