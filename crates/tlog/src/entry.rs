//! What of an entry everybody can read: its sort, its labels, and the map roots among entries.
//!
//! Rule: `docs/trace.md`, Entries. Knows which bytes are labels and nothing of
//! what they stand for; sealing and opening belong to whoever holds the keys.

use crate::hash::Hash;

/// An opaque name under which an entry can be found.
pub type Label = [u8; 32];

/// First byte of an event.
pub const EVENT: u8 = 1;
/// First byte of a chunk.
pub const CHUNK: u8 = 2;
/// First byte of a map root.
pub const MAP_ROOT: u8 = 3;
/// Most labels in one chunk.
pub const MAX_CHUNK: usize = 1_000;
/// Padded events are multiples of this.
pub const BLOCK: usize = 256;
/// Bytes of an authentication tag.
const TAG: usize = 16;

/// An entry's public parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// One event of one owner.
    Event(Event<'a>),
    /// Owners whom another event concerns.
    Chunk(Chunk<'a>),
    /// The root of the private map.
    MapRoot(MapRoot),
}

/// An event: sealed, and committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its label.
    pub label: &'a Label,
    /// Salted commitment to what it says.
    pub commitment: &'a [u8; 32],
    /// Ciphertext with its tag at the end.
    pub ciphertext: &'a [u8],
}

/// Some of the owners whom an export concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Index of the export's event.
    pub header: u64,
    /// Commitment of the export's event.
    pub commitment: &'a [u8; 32],
    /// The owners' labels, each with the key to the event, wrapped for the owner.
    pub owners: &'a [[u8; 64]],
}

/// What a map root says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapRoot {
    /// The map covers entries below this index.
    pub size: u64,
    /// Labels in it.
    pub labels: u64,
    /// Every entry durable by then lies below [`MapRoot::size`]: milliseconds since 1970, UTC.
    pub time_ms: u64,
    /// Its root.
    pub root: Hash,
}

impl<'a> Entry<'a> {
    /// Splits an entry; `None` when it is none of ours.
    #[must_use]
    pub fn parse(leaf: &'a [u8]) -> Option<Self> {
        let (sort, rest) = leaf.split_first()?;
        match *sort {
            EVENT => {
                let (label, rest) = rest.split_first_chunk()?;
                let (commitment, ciphertext) = rest.split_first_chunk()?;
                let body = ciphertext.len().checked_sub(TAG)?;
                (body > 0 && body % BLOCK == 0).then_some(Self::Event(Event {
                    label,
                    commitment,
                    ciphertext,
                }))
            }
            CHUNK => {
                let (header, rest) = rest.split_first_chunk()?;
                let (commitment, rest) = rest.split_first_chunk()?;
                let (count, rest) = rest.split_first_chunk()?;
                let (owners, tail) = rest.as_chunks::<64>();
                let count = usize::from(u16::from_be_bytes(*count));
                let fits = tail.is_empty() && owners.len() == count;
                (fits && (1..=MAX_CHUNK).contains(&count)).then_some(Self::Chunk(Chunk {
                    header: u64::from_be_bytes(*header),
                    commitment,
                    owners,
                }))
            }
            MAP_ROOT => {
                let (size, rest) = rest.split_first_chunk()?;
                let (labels, rest) = rest.split_first_chunk()?;
                let (time, rest) = rest.split_first_chunk()?;
                let root: [u8; 32] = rest.try_into().ok()?;
                Some(Self::MapRoot(MapRoot {
                    size: u64::from_be_bytes(*size),
                    labels: u64::from_be_bytes(*labels),
                    time_ms: u64::from_be_bytes(*time),
                    root: Hash(root),
                }))
            }
            _ => None,
        }
    }

    /// The labels that stand in the entry, in order.
    pub fn labels(&self) -> impl Iterator<Item = &'a Label> + use<'a> {
        let (one, many): (_, &[[u8; 64]]) = match self {
            Self::Event(event) => (Some(event.label), &[]),
            Self::Chunk(chunk) => (None, chunk.owners),
            Self::MapRoot(_) => (None, &[]),
        };
        let of_chunk = many.iter().filter_map(|owner| owner.first_chunk());
        one.into_iter().chain(of_chunk)
    }
}

impl<'a> Chunk<'a> {
    /// The wrapped key that stands beside a label.
    #[must_use]
    pub fn wrap(&self, label: &Label) -> Option<&'a [u8; 32]> {
        let owner = self.owners.iter().find(|owner| owner.starts_with(label))?;
        owner.last_chunk()
    }
}

impl MapRoot {
    /// The entry.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![MAP_ROOT];
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.labels.to_be_bytes());
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        bytes.extend_from_slice(&self.root.0);
        bytes
    }
}

/// Makes a chunk; `None` unless it has 1 to [`MAX_CHUNK`] owners, each a label and a wrapped key.
#[must_use]
pub fn chunk(header: u64, commitment: &[u8; 32], owners: &[(Label, [u8; 32])]) -> Option<Vec<u8>> {
    if !(1..=MAX_CHUNK).contains(&owners.len()) {
        return None;
    }
    let count = u16::try_from(owners.len()).ok()?;
    let mut bytes = vec![CHUNK];
    bytes.extend_from_slice(&header.to_be_bytes());
    bytes.extend_from_slice(commitment);
    bytes.extend_from_slice(&count.to_be_bytes());
    for (label, wrap) in owners {
        bytes.extend_from_slice(label);
        bytes.extend_from_slice(wrap);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_chunk_fits_an_entry_and_gives_its_labels_and_wraps() {
        let owners: Vec<(Label, [u8; 32])> = (0..1000u16)
            .map(|i| {
                let mut label = [7; 32];
                label[..2].copy_from_slice(&i.to_be_bytes());
                (label, [(i % 251) as u8; 32])
            })
            .collect();
        let bytes = chunk(5, &[9; 32], &owners).unwrap();
        assert!(bytes.len() <= crate::MAX_LEAF);
        let entry = Entry::parse(&bytes).unwrap();
        let labels: Vec<Label> = entry.labels().copied().collect();
        let expected: Vec<Label> = owners.iter().map(|owner| owner.0).collect();
        assert_eq!(labels, expected);
        let Entry::Chunk(chunk) = entry else {
            panic!("a chunk")
        };
        assert_eq!((chunk.header, chunk.commitment), (5, &[9; 32]));
        assert_eq!(chunk.wrap(&owners[600].0), Some(&owners[600].1));
        assert_eq!(chunk.wrap(&[0; 32]), None);
        for cut in [1, 32, 64] {
            assert_eq!(Entry::parse(&bytes[..bytes.len() - cut]), None, "{cut}");
        }
    }

    #[test]
    fn refuses_chunks_of_nobody_or_too_many() {
        assert_eq!(chunk(0, &[0; 32], &[]), None);
        assert_eq!(chunk(0, &[0; 32], &vec![([0; 32], [0; 32]); 1001]), None);
    }

    #[test]
    fn map_roots_come_back() {
        let root = MapRoot {
            size: 70_000,
            labels: 69_000,
            time_ms: 1_790_000_000_123,
            root: Hash([5; 32]),
        };
        let bytes = root.to_bytes();
        assert_eq!(bytes.len(), 57);
        assert_eq!(Entry::parse(&bytes), Some(Entry::MapRoot(root)));
        assert_eq!(Entry::parse(&bytes[..56]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500), sort in 0u8..5) {
            let _ = Entry::parse(&bytes);
            let mut sorted = bytes;
            sorted.insert(0, sort);
            let _ = Entry::parse(&sorted).map(|entry| entry.labels().count());
        }
    }
}
