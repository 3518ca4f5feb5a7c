//! Bytes piled up in memory or in files, so that an audit of any size fits a machine.
//!
//! Files are open only while they are read or written: there may be thousands.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    AuditError,
    bundle::{Record, RootEntry},
};
use crate::{entry::MapRoot, hash::Hash};

/// Bytes waiting in memory before they go to their files.
const WAITING: usize = 32 << 20;
/// Bytes of a map root with the index of its entry.
const ROOT: usize = 64;
/// Most bits of a label that choose a file: 4096 files.
pub(super) const MOST_BITS: u32 = 12;

/// Bytes that only grow: the first in a file, where there is one, the last in memory.
#[derive(Debug, Default)]
pub(super) struct Pile {
    file: Option<PathBuf>,
    kept: u64,
    tail: Vec<u8>,
    unsynced: bool,
}

impl Pile {
    /// A pile in memory.
    pub(super) fn in_memory() -> Self {
        Self::default()
    }

    /// Takes up the first `kept` bytes of a file and cuts the rest.
    pub(super) fn in_file(path: PathBuf, kept: u64) -> Result<Self, AuditError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(io_error(&path))?;
        let length = file.metadata().map_err(io_error(&path))?.len();
        if length < kept {
            return Err(AuditError::state(&path, "shorter than was saved"));
        }
        file.set_len(kept).map_err(io_error(&path))?;
        Ok(Self {
            file: Some(path),
            kept,
            ..Self::default()
        })
    }

    /// Bytes in it.
    pub(super) fn len(&self) -> u64 {
        self.kept + self.tail.len() as u64
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Moves what waits in memory to the file.
    pub(super) fn flush(&mut self) -> Result<(), AuditError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        if self.tail.is_empty() {
            return Ok(());
        }
        let write = || {
            let mut file = OpenOptions::new().append(true).open(path)?;
            file.write_all(&self.tail)
        };
        write().map_err(io_error(path))?;
        self.kept += self.tail.len() as u64;
        self.tail.clear();
        self.unsynced = true;
        Ok(())
    }

    /// Makes all of it durable.
    pub(super) fn sync(&mut self) -> Result<(), AuditError> {
        self.flush()?;
        if let Some(path) = self.file.as_ref().filter(|_| self.unsynced) {
            let synced = File::open(path).and_then(|file| file.sync_data());
            synced.map_err(io_error(path))?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// All of it from `offset` on.
    pub(super) fn read(&self, offset: u64) -> Result<Box<dyn Read + '_>, AuditError> {
        let in_tail = usize::try_from(offset.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        let tail = self.tail.get(in_tail..).unwrap_or_default();
        let Some(path) = self.file.as_ref().filter(|_| offset < self.kept) else {
            return Ok(Box::new(tail));
        };
        let mut file = File::open(path).map_err(io_error(path))?;
        file.seek(SeekFrom::Start(offset)).map_err(io_error(path))?;
        Ok(Box::new(file.take(self.kept - offset).chain(tail)))
    }

    /// Where it lies, for messages.
    pub(super) fn place(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new("memory"))
    }
}

/// What the entries hold for the map: their labels, by the first bits of the label, and the map roots.
#[derive(Debug)]
pub(super) struct Piles {
    bits: u32,
    labels: Vec<Pile>,
    roots: Pile,
    waiting: usize,
    spills: bool,
}

/// Bytes of each pile: labels by number, then map roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) labels: Vec<u64>,
    pub(super) roots: u64,
}

impl Lengths {
    pub(super) fn none(bits: u32) -> Self {
        Self {
            labels: vec![0; 1 << bits],
            roots: 0,
        }
    }
}

impl Piles {
    /// Piles in memory, labels in `2^bits` of them.
    pub(super) fn in_memory(bits: u32) -> Self {
        let labels = std::iter::repeat_with(Pile::in_memory).take(1 << bits);
        Self {
            bits,
            labels: labels.collect(),
            roots: Pile::in_memory(),
            waiting: 0,
            spills: false,
        }
    }

    /// Piles in files below `dir`, taken up at these lengths.
    pub(super) fn in_dir(dir: &Path, lengths: &Lengths) -> Result<Self, AuditError> {
        let below = dir.join("labels");
        fs::create_dir_all(&below).map_err(io_error(&below))?;
        let numbered = lengths.labels.iter().enumerate();
        let labels =
            numbered.map(|(number, kept)| Pile::in_file(below.join(format!("{number:04}")), *kept));
        Ok(Self {
            bits: lengths.labels.len().ilog2(),
            labels: labels.collect::<Result<_, _>>()?,
            roots: Pile::in_file(dir.join("map-roots"), lengths.roots)?,
            waiting: 0,
            spills: true,
        })
    }

    /// Bits of a label that choose its pile.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) fn labels(&self) -> &[Pile] {
        &self.labels
    }

    /// Bytes that stay in memory whatever happens.
    pub(super) fn held(&self) -> usize {
        if self.spills { 0 } else { self.waiting }
    }

    pub(super) fn push(
        &mut self,
        labels: &[Record],
        roots: &[RootEntry],
    ) -> Result<(), AuditError> {
        for record in labels {
            let pile = first_bits(record, self.bits);
            if let Some(pile) = self.labels.get_mut(pile) {
                pile.push(record);
            }
        }
        for root in roots {
            self.roots.push(&root.to_bytes());
        }
        self.waiting += size_of_val(labels) + size_of_val(roots);
        if self.spills && self.waiting > WAITING {
            self.all().try_for_each(Pile::flush)?;
            self.waiting = 0;
        }
        Ok(())
    }

    /// Makes everything durable; answers the lengths to take it up at.
    pub(super) fn sync(&mut self) -> Result<Lengths, AuditError> {
        self.all().try_for_each(Pile::sync)?;
        self.waiting = if self.spills { 0 } else { self.waiting };
        Ok(Lengths {
            labels: self.labels.iter().map(Pile::len).collect(),
            roots: self.roots.len(),
        })
    }

    /// All map roots found.
    pub(super) fn roots(&self) -> Result<Vec<RootEntry>, AuditError> {
        let mut bytes = Vec::new();
        let mut reader = self.roots.read(0)?;
        let read = reader.read_to_end(&mut bytes);
        read.map_err(io_error(self.roots.place()))?;
        let (whole, rest) = bytes.as_chunks::<ROOT>();
        if !rest.is_empty() {
            return Err(AuditError::state(self.roots.place(), "of a wrong length"));
        }
        Ok(whole.iter().map(RootEntry::from_bytes).collect())
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Pile> {
        self.labels.iter_mut().chain([&mut self.roots])
    }
}

/// The first bits of a label as a number.
pub(super) fn first_bits(label: &[u8], bits: u32) -> usize {
    let head = label.first_chunk().copied().unwrap_or_default();
    usize::from(u16::from_be_bytes(head)) >> (u16::BITS - bits)
}

impl RootEntry {
    fn to_bytes(self) -> [u8; ROOT] {
        let mut bytes = [0; ROOT];
        let MapRoot {
            size,
            labels,
            time_ms,
            ..
        } = self.says;
        let numbers = [self.index, size, labels, time_ms];
        let (places, root) = bytes.split_at_mut(32);
        for (place, number) in places.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        root.copy_from_slice(&self.says.root.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; ROOT]) -> Self {
        let mut root = [0; 32];
        root.copy_from_slice(&bytes[32..]);
        Self {
            index: number_at(bytes, 0),
            says: MapRoot {
                size: number_at(bytes, 8),
                labels: number_at(bytes, 16),
                time_ms: number_at(bytes, 24),
                root: Hash(root),
            },
        }
    }
}

/// The big-endian number at a place; zero where the bytes end before.
pub(super) fn number_at(bytes: &[u8], at: usize) -> u64 {
    let number = bytes.get(at..).and_then(|rest| rest.first_chunk());
    number.copied().map_or(0, u64::from_be_bytes)
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> AuditError + use<> {
    let path = path.to_owned();
    move |error| AuditError::Io {
        path,
        source: Arc::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pile: &Pile, offset: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        pile.read(offset).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_pile_is_read_over_the_border_of_file_and_memory_and_cut_when_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pile");
        let mut pile = Pile::in_file(path.clone(), 0).unwrap();
        pile.push(b"abc");
        pile.sync().unwrap();
        pile.push(b"def");
        for (offset, expected) in [(0, "abcdef"), (2, "cdef"), (3, "def"), (5, "f"), (6, "")] {
            assert_eq!(all(&pile, offset), expected.as_bytes());
        }
        pile.flush().unwrap();
        assert_eq!(all(&Pile::in_file(path.clone(), 4).unwrap(), 0), b"abcd");
        assert!(matches!(
            Pile::in_file(path, 5),
            Err(AuditError::State { .. })
        ));
    }

    #[test]
    fn first_bits_of_labels() {
        let label = [0b1010_0000, 0b1111_0000, 0];
        for (bits, expected) in [(0, 0), (1, 1), (3, 5), (12, 0b1010_0000_1111)] {
            assert_eq!(first_bits(&label, bits), expected);
        }
    }

    #[test]
    fn map_roots_come_back() {
        let root = RootEntry {
            index: 7,
            says: MapRoot {
                size: 5,
                labels: 4,
                time_ms: 3,
                root: Hash([9; 32]),
            },
        };
        assert_eq!(RootEntry::from_bytes(&root.to_bytes()), root);
    }
}
