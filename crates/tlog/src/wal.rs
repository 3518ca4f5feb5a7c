//! The write-ahead log: how segments and frames lie in files.
//!
//! Rule: our own format. A segment is `wal/<first index, 20 digits>.wal`:
//!
//! ```text
//! segment  magic[8] first:u64 nonce[16] log[16] check[16]      then frames, then anything
//! frame    magic[4] count:u32 length:u32 first:u64 check[16]   then `length` bytes of records
//! record   leaf length:u16 note length:u32 leaf note
//! sum      SHA-256(leaf length ‖ note length ‖ leaf hash ‖ note), leaf hash as in the tree
//! check    the first 16 bytes of SHA-256(nonce ‖ all of the header before ‖ each record's sum)
//! ```
//!
//! Numbers are big endian. A frame is one batch: one write, one `fdatasync`,
//! nothing in it acknowledged before that. So a frame that fails its check is
//! a torn tail if it is the last thing written, and damage otherwise. The
//! nonce is drawn for each segment, so no content of a leaf or note can pass
//! itself off as a later frame. Sums are computed by whoever appends, from the
//! leaf hash that the tree needs anyway, and anew from the bytes by whoever
//! reads: so the one thread that writes hashes 32 bytes a record.
//!
//! Version 1, the last byte of a segment's magic, is read and no longer
//! written: its frames are checked over the body's bytes in place of the sums.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{
    disk::{Disk, DiskFile, put},
    error::LogError,
    hash::{Hash, leaf_hash},
};

const SEGMENT_MAGIC: &[u8; 7] = b"LHWAL\0\0";
const FRAME_MAGIC: &[u8; 4] = b"LHFR";
const CHECK: usize = 16;
const SEGMENT_HEADER: usize = 8 + 8 + 16 + 16 + CHECK;
const FRAME_HEADER: usize = 4 + 4 + 4 + 8 + CHECK;
const RECORD_HEADER: usize = 2 + 4;
/// The body of a header's check.
const NOTHING: [&[u8]; 0] = [];
/// Longest sidecar note of a record.
pub const MAX_SIDECAR: usize = 1 << 20;

/// Which log a segment belongs to: the first bytes of a hash of its verifier key.
pub(crate) type LogId = [u8; 16];

/// The two hashes of a record that are written nowhere: both follow from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    /// The hash of the leaf, as in the tree.
    pub(crate) leaf: Hash,
    /// What a frame's check covers of the record.
    record: Hash,
}

impl Sums {
    /// Of a leaf below 2^16 bytes and a note below 2^32.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "append bounds leaf and note below these widths, and what was read had these widths"
    )]
    pub(crate) fn of(leaf: &[u8], note: &[u8]) -> Self {
        let hash = leaf_hash(leaf);
        let mut header = [0; RECORD_HEADER + Hash::LEN];
        header[..2].copy_from_slice(&(leaf.len() as u16).to_be_bytes());
        header[2..RECORD_HEADER].copy_from_slice(&(note.len() as u32).to_be_bytes());
        header[RECORD_HEADER..].copy_from_slice(&hash.0);
        let mut sha = Sha256::new();
        sha.update(header);
        sha.update(note);
        Self {
            leaf: hash,
            record: Hash(sha.finalize().into()),
        }
    }
}

/// A record as it goes in and comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) leaf: &'a [u8],
    pub(crate) note: &'a [u8],
    /// Those of this leaf and this note.
    pub(crate) sums: Sums,
}

impl Record<'_> {
    /// Bytes it takes in a frame.
    pub(crate) fn framed_len(leaf: usize, note: usize) -> usize {
        RECORD_HEADER + leaf + note
    }
}

/// How the frames of a segment are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Over the bytes of their records. No longer written.
    Bytes = 1,
    /// Over the sums of their records.
    Sums = 2,
}

impl Version {
    fn of(byte: u8) -> Option<Self> {
        [Self::Bytes, Self::Sums]
            .into_iter()
            .find(|version| *version as u8 == byte)
    }
}

/// The segment being written.
pub(crate) struct Writer {
    file: Box<dyn DiskFile>,
    pub(crate) path: PathBuf,
    nonce: [u8; 16],
    pub(crate) first: u64,
    pub(crate) written: u64,
    buffer: Vec<u8>,
}

impl Writer {
    /// Makes a segment that begins at `first`, durable and in place when this returns.
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        log: &LogId,
        first: u64,
        reserve: u64,
    ) -> Result<Self, LogError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| LogError::Random)?;
        let header = SegmentHeader {
            version: Version::Sums,
            first,
            nonce,
        };
        let path = segment_path(dir, first);
        let failed = LogError::io("making write-ahead segment", &path);
        let start = || -> io::Result<Box<dyn DiskFile>> {
            let file = put(disk, &path, reserve, |file| {
                file.write(&header.encode(log))?;
                file.sync()
            })?;
            disk.sync_dir(dir)?;
            Ok(file)
        };
        let file = start().map_err(failed)?;
        Ok(Self {
            file,
            path,
            nonce,
            first,
            written: SEGMENT_HEADER as u64,
            buffer: Vec::new(),
        })
    }

    /// Writes one batch and makes it durable; how long the disk took. After an error the segment must not be written again.
    pub(crate) fn append<'a>(
        &mut self,
        first: u64,
        records: impl Iterator<Item = Record<'a>> + Clone,
    ) -> Result<Duration, LogError> {
        encode_frame(&mut self.buffer, &self.nonce, first, records);
        let failed = LogError::io("writing", &self.path);
        let file = &mut self.file;
        let buffer = &self.buffer;
        let start = Instant::now();
        let mut write = || -> io::Result<()> {
            file.write(buffer)?;
            file.sync()
        };
        write().map_err(failed)?;
        self.written += self.buffer.len() as u64;
        Ok(start.elapsed())
    }
}

/// A segment read back, its good frames found.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first: u64,
    /// One past the last record.
    pub(crate) end: u64,
    bytes: Vec<u8>,
    records: Vec<Place>,
    /// Where the good frames end, when what follows is a torn frame.
    pub(crate) torn: Option<u64>,
}

impl Segment {
    /// Reads a segment. A torn tail is noted, not judged; damage before good frames is an error.
    pub(crate) fn read(path: &Path, log: &LogId) -> Result<Self, LogError> {
        let bytes = fs::read(path).map_err(LogError::io("reading", path))?;
        let damaged = |offset: usize, what| LogError::WalDamaged {
            path: path.to_owned(),
            offset: offset as u64,
            what,
        };
        let header = SegmentHeader::read(&bytes, log).map_err(|what| damaged(0, what))?;
        let first = header.first;
        if segment_path(Path::new(""), first).file_name() != path.file_name() {
            return Err(damaged(8, "the name gives another first index"));
        }
        let mut segment = Self {
            path: path.to_owned(),
            first,
            end: first,
            bytes: Vec::new(),
            records: Vec::new(),
            torn: None,
        };
        let mut at = SEGMENT_HEADER;
        while let Some(frame) = Frame::read(&bytes, at, &header) {
            if frame.first != segment.end {
                return Err(damaged(at, "a frame out of order"));
            }
            segment.records.extend(
                frame
                    .records
                    .ok_or_else(|| damaged(at, "a record out of bounds"))?,
            );
            segment.end += u64::from(frame.count);
            at = frame.end;
        }
        if !is_blank(&bytes[at..]) {
            if let Some(later) = later_frame(&bytes, at, &header) {
                tracing::error!(path = %path.display(), at, later, "damage before good frames");
                return Err(damaged(at, "good frames follow a damaged one"));
            }
            segment.torn = Some(at as u64);
        }
        segment.bytes = bytes;
        Ok(segment)
    }

    /// The file up to where its good frames end.
    pub(crate) fn whole(&self) -> &[u8] {
        let last = self.records.last();
        &self.bytes[..last.map_or(SEGMENT_HEADER, |place| place.note.end)]
    }

    /// The records, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, Record<'_>)> {
        let records = self.records.iter().map(|place| Record {
            leaf: &self.bytes[place.leaf.clone()],
            note: &self.bytes[place.note.clone()],
            sums: place.sums,
        });
        (self.first..).zip(records)
    }
}

/// The segments in a directory, by first index; what was being made when the power went is left out.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>, LogError> {
    let failed = || LogError::io("listing", dir);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.extension().is_some_and(|e| e == "wal") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.wal"))
}

/// Where a record lies in its segment, and the sums of the bytes found there.
struct Place {
    leaf: Range<usize>,
    note: Range<usize>,
    sums: Sums,
}

struct Frame {
    first: u64,
    count: u32,
    /// `None` when they do not fit the frame, though it passes its check.
    records: Option<Vec<Place>>,
    end: usize,
}

impl Frame {
    /// The frame at `at`, if it is whole and passes its check.
    fn read(bytes: &[u8], at: usize, segment: &SegmentHeader) -> Option<Self> {
        let mut header = Cursor(bytes.get(at..at + FRAME_HEADER)?);
        if header.take::<4>()? != *FRAME_MAGIC {
            return None;
        }
        let count = u32::from_be_bytes(header.take()?);
        let length = usize::try_from(u32::from_be_bytes(header.take()?)).ok()?;
        let first = u64::from_be_bytes(header.take()?);
        let start = at + FRAME_HEADER;
        let end = start.checked_add(length)?;
        let body = bytes.get(start..end)?;
        let given: [u8; CHECK] = header.take()?;
        let records = split_records(bytes, start..end, count);
        let before = &bytes[at..start - CHECK];
        let found = match segment.version {
            Version::Bytes => check(&segment.nonce, before, [body]),
            Version::Sums => {
                let sums = records.as_ref()?.iter();
                check(
                    &segment.nonce,
                    before,
                    sums.map(|place| &place.sums.record.0[..]),
                )
            }
        };
        (given == found).then_some(Self {
            first,
            count,
            records,
            end,
        })
    }
}

/// Takes fixed numbers of bytes off the front.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*front)
    }
}

/// Whether there is nothing but space that was set aside.
fn is_blank(bytes: &[u8]) -> bool {
    const BLANK: [u8; 4096] = [0; 4096];
    let mut chunks = bytes.chunks(BLANK.len());
    chunks.all(|chunk| *chunk == BLANK[..chunk.len()])
}

fn later_frame(bytes: &[u8], from: usize, segment: &SegmentHeader) -> Option<usize> {
    let starts = from + 1..bytes.len().saturating_sub(FRAME_HEADER - 1);
    starts
        .filter(|at| bytes[*at..].starts_with(FRAME_MAGIC))
        .find(|at| Frame::read(bytes, *at, segment).is_some())
}

/// Where `count` records lie that fill `body` exactly.
fn split_records(bytes: &[u8], body: Range<usize>, count: u32) -> Option<Vec<Place>> {
    let mut found = Vec::new();
    let mut at = body.start;
    for _ in 0..count {
        let mut header = Cursor(bytes.get(at..body.end)?);
        let leaf_len = usize::from(u16::from_be_bytes(header.take()?));
        let note_len = usize::try_from(u32::from_be_bytes(header.take()?)).ok()?;
        let leaf = at + RECORD_HEADER..at + RECORD_HEADER + leaf_len;
        let note = leaf.end..leaf.end.checked_add(note_len)?;
        at = note.end;
        if at > body.end {
            return None;
        }
        let sums = Sums::of(&bytes[leaf.clone()], &bytes[note.clone()]);
        found.push(Place { leaf, note, sums });
    }
    (at == body.end).then_some(found)
}

/// What a segment says of itself.
struct SegmentHeader {
    version: Version,
    first: u64,
    nonce: [u8; 16],
}

impl SegmentHeader {
    fn encode(&self, log: &LogId) -> Vec<u8> {
        let mut header = Vec::with_capacity(SEGMENT_HEADER);
        header.extend_from_slice(SEGMENT_MAGIC);
        header.push(self.version as u8);
        header.extend_from_slice(&self.first.to_be_bytes());
        header.extend_from_slice(&self.nonce);
        header.extend_from_slice(log);
        let sum = check(&self.nonce, &header, NOTHING);
        header.extend_from_slice(&sum);
        header
    }

    fn read(bytes: &[u8], log: &LogId) -> Result<Self, &'static str> {
        const SHORT: &str = "too short for a segment";
        const OTHER: &str = "not a segment of this version";
        let mut header = Cursor(bytes);
        if header.take::<7>().ok_or(SHORT)? != *SEGMENT_MAGIC {
            return Err(OTHER);
        }
        let [version] = header.take().ok_or(SHORT)?;
        let version = Version::of(version).ok_or(OTHER)?;
        let first = u64::from_be_bytes(header.take().ok_or(SHORT)?);
        let nonce: [u8; 16] = header.take().ok_or(SHORT)?;
        let owner: LogId = header.take().ok_or(SHORT)?;
        let given: [u8; CHECK] = header.take().ok_or(SHORT)?;
        if given != check(&nonce, &bytes[..SEGMENT_HEADER - CHECK], NOTHING) {
            return Err("the segment header fails its check");
        }
        if owner != *log {
            return Err("the segment belongs to another log");
        }
        Ok(Self {
            version,
            first,
            nonce,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "append bounds leaf, note and batch well below these widths"
)]
fn encode_frame<'a>(
    out: &mut Vec<u8>,
    nonce: &[u8; 16],
    first: u64,
    records: impl Iterator<Item = Record<'a>> + Clone,
) {
    out.clear();
    out.resize(FRAME_HEADER, 0);
    let mut count = 0u32;
    for Record { leaf, note, .. } in records.clone() {
        out.extend_from_slice(&(leaf.len() as u16).to_be_bytes());
        out.extend_from_slice(&(note.len() as u32).to_be_bytes());
        out.extend_from_slice(leaf);
        out.extend_from_slice(note);
        count += 1;
    }
    let length = (out.len() - FRAME_HEADER) as u32;
    out[..4].copy_from_slice(FRAME_MAGIC);
    out[4..8].copy_from_slice(&count.to_be_bytes());
    out[8..12].copy_from_slice(&length.to_be_bytes());
    out[12..20].copy_from_slice(&first.to_be_bytes());
    let sum = check(
        nonce,
        &out[..20],
        records.map(|record| record.sums.record.0),
    );
    out[20..FRAME_HEADER].copy_from_slice(&sum);
}

fn check<T: AsRef<[u8]>>(
    nonce: &[u8; 16],
    header: &[u8],
    body: impl IntoIterator<Item = T>,
) -> [u8; CHECK] {
    let mut sha = Sha256::new();
    sha.update(nonce);
    sha.update(header);
    body.into_iter().for_each(|part| sha.update(part));
    let whole: [u8; 32] = sha.finalize().into();
    let mut sum = [0; CHECK];
    sum.copy_from_slice(&whole[..CHECK]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SystemDisk;

    const LOG: LogId = [7; 16];

    /// A segment with three batches of 2, 1 and 3 records, and where each batch ends.
    fn written(dir: &Path) -> (PathBuf, Vec<usize>) {
        let mut writer = Writer::create(&SystemDisk, dir, &LOG, 40, 0).unwrap();
        let mut ends = vec![SEGMENT_HEADER];
        let mut next = 40;
        for count in [2u64, 1, 3] {
            let leaves: Vec<Vec<u8>> = (next..next + count)
                .map(|i| format!("leaf {i}").into())
                .collect();
            let records = leaves.iter().map(|leaf| record(leaf, b"note"));
            writer.append(next, records).unwrap();
            next += count;
            ends.push(usize::try_from(writer.written).unwrap());
        }
        (writer.path, ends)
    }

    fn record<'a>(leaf: &'a [u8], note: &'a [u8]) -> Record<'a> {
        let sums = Sums::of(leaf, note);
        Record { leaf, note, sums }
    }

    /// The same as version 1 would have written it.
    fn turn_to_version_1(path: &Path, ends: &[usize]) {
        let mut bytes = fs::read(path).unwrap();
        bytes[7] = 1;
        let nonce: [u8; 16] = bytes[16..32].try_into().unwrap();
        let sum = check(&nonce, &bytes[..SEGMENT_HEADER - CHECK], NOTHING);
        bytes[SEGMENT_HEADER - CHECK..SEGMENT_HEADER].copy_from_slice(&sum);
        for frame in ends.windows(2) {
            let body = frame[0] + FRAME_HEADER;
            let header = frame[0]..body - CHECK;
            let sum = check(&nonce, &bytes[header], [&bytes[body..frame[1]]]);
            bytes[body - CHECK..body].copy_from_slice(&sum);
        }
        fs::write(path, bytes).unwrap();
    }

    /// Runs a test on a segment of either version.
    fn either(test: impl Fn(PathBuf, Vec<usize>)) {
        for version in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let (path, ends) = written(dir.path());
            if version == 1 {
                turn_to_version_1(&path, &ends);
            }
            assert_eq!(fs::read(&path).unwrap()[7], version);
            test(path, ends);
        }
    }

    #[test]
    fn records_come_back() {
        either(|path, _| all_come_back(&path));
    }

    fn all_come_back(path: &Path) {
        let segment = Segment::read(path, &LOG).unwrap();
        assert_eq!((segment.first, segment.end, segment.torn), (40, 46, None));
        for (index, record) in segment.records() {
            assert_eq!(record.leaf, format!("leaf {index}").as_bytes());
            assert_eq!(record.note, b"note");
            assert_eq!(record.sums, Sums::of(record.leaf, b"note"));
            assert_eq!(record.sums.leaf, leaf_hash(record.leaf));
        }
    }

    #[test]
    fn a_tail_torn_at_any_byte_leaves_whole_batches() {
        either(|path, ends| tear_at_any_byte(&path, &ends));
    }

    fn tear_at_any_byte(path: &Path, ends: &[usize]) {
        let whole = fs::read(path).unwrap();
        for cut in SEGMENT_HEADER..whole.len() {
            for fill in [0usize, 64] {
                let mut bytes = whole[..cut].to_vec();
                bytes.resize(cut + fill, 0);
                fs::write(path, bytes).unwrap();
                let segment = Segment::read(path, &LOG).unwrap();
                let kept = ends.iter().filter(|end| **end <= cut).count() - 1;
                assert_eq!(segment.end - 40, [0, 2, 3, 6][kept], "cut at {cut}");
                assert_eq!(segment.torn.is_some(), !ends.contains(&cut), "cut at {cut}");
            }
        }
    }

    #[test]
    fn refuses_a_flipped_bit_before_good_frames_at_any_byte() {
        either(|path, ends| flip_at_any_byte(&path, &ends));
    }

    fn flip_at_any_byte(path: &Path, ends: &[usize]) {
        let whole = fs::read(path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(path, bytes).unwrap();
            let verdict = Segment::read(path, &LOG);
            if at < ends[2] {
                assert!(
                    matches!(verdict, Err(LogError::WalDamaged { .. })),
                    "byte {at}"
                );
            } else {
                assert_eq!(verdict.unwrap().end, 43, "byte {at} of the last frame");
            }
        }
    }

    #[test]
    fn refuses_a_segment_of_another_log_or_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = written(dir.path());
        assert!(Segment::read(&path, &[8; 16]).is_err());
        let renamed = segment_path(dir.path(), 41);
        fs::rename(&path, &renamed).unwrap();
        assert!(Segment::read(&renamed, &LOG).is_err());
    }

    #[test]
    fn a_frame_is_checked_over_what_the_format_says() {
        let dir = tempfile::tempdir().unwrap();
        let (path, ends) = written(dir.path());
        let bytes = fs::read(&path).unwrap();
        let frame = &bytes[ends[1]..ends[2]];
        let (leaf, note) = (b"leaf 42", b"note");
        let sum = Sha256::new()
            .chain_update([0, 7, 0, 0, 0, 4])
            .chain_update(leaf_hash(leaf).0)
            .chain_update(note)
            .finalize();
        let expected = Sha256::new()
            .chain_update(&bytes[16..32])
            .chain_update(&frame[..20])
            .chain_update(sum)
            .finalize();
        assert_eq!(frame[20..36], expected[..16]);
    }

    #[test]
    fn refuses_a_version_it_does_not_know() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = written(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes[7] = 3;
        let nonce: [u8; 16] = bytes[16..32].try_into().unwrap();
        let sum = check(&nonce, &bytes[..SEGMENT_HEADER - CHECK], NOTHING);
        bytes[SEGMENT_HEADER - CHECK..SEGMENT_HEADER].copy_from_slice(&sum);
        fs::write(&path, bytes).unwrap();
        assert!(Segment::read(&path, &LOG).is_err());
    }

    #[test]
    fn a_frame_of_another_segment_inside_a_note_is_not_a_frame() {
        let dir = tempfile::tempdir().unwrap();
        let (path, ends) = written(dir.path());
        let foreign = fs::read(&path).unwrap()[ends[0]..ends[1]].to_vec();
        let mut writer = Writer::create(&SystemDisk, dir.path(), &LOG, 40, 0).unwrap();
        let note = foreign.repeat(3);
        writer
            .append(40, [record(b"x", &note)].into_iter())
            .unwrap();
        let mut bytes = fs::read(&writer.path).unwrap();
        bytes.pop();
        fs::write(&writer.path, bytes).unwrap();
        let segment = Segment::read(&writer.path, &LOG).unwrap();
        assert_eq!(
            (segment.end, segment.torn),
            (40, Some(SEGMENT_HEADER as u64))
        );
    }
}
