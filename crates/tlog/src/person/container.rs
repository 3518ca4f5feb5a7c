//! The container: the parts of a person's proof in one run of bytes.
//!
//! Rule: `docs/trace.md`, A person's proof. Judges form only. Whatever a
//! length in the input says, no more is allocated than the input is long.

use super::check::PersonError;
use crate::{hash::Hash, note::MAX_NOTE_BYTES, tile::MAX_LEAF};

/// Most labels of one question.
pub const MAX_LABELS: usize = 4_096;
/// From this many bytes of entries on, a proof is cut short and the rest must be asked for.
pub const MAX_ENTRY_BYTES: usize = 8 << 20;
/// The map root, and for each label an entry and its header.
const MAX_ENTRIES: usize = 1 + 2 * MAX_LABELS;
const MAGIC: &[u8; 5] = b"LHPP\x01";

/// A person's proof, of good form but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonProof {
    pub(super) checkpoint: Vec<u8>,
    pub(super) map_root: u64,
    pub(super) from: u64,
    /// 1 to [`MAX_LABELS`]; `from + asked` is below 2⁶⁴.
    pub(super) asked: usize,
    /// Ascending by index, without repetition.
    pub(super) entries: Vec<(u64, Vec<u8>)>,
    pub(super) map_proof: Vec<u8>,
    pub(super) tree_proof: Vec<Hash>,
}

impl PersonProof {
    /// Reads a proof; judges its form only.
    ///
    /// # Errors
    ///
    /// [`PersonError::Malformed`] with the part that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, PersonError> {
        let mut rest = Rest(bytes);
        if rest.array("magic")? != MAGIC {
            return Err(malformed("magic"));
        }
        let checkpoint = rest.sized("checkpoint", MAX_NOTE_BYTES)?.to_vec();
        let map_root = rest.u64("map root index")?;
        let from = rest.u64("from")?;
        let asked = rest.count("asked", MAX_LABELS)?;
        if asked == 0 || from.checked_add(asked as u64).is_none() {
            return Err(malformed("asked"));
        }
        let entries = rest.entries()?;
        let map_proof = rest.sized("map proof", bytes.len())?.to_vec();
        let tree_proof = rest.hashes("tree proof", bytes.len())?;
        if !rest.0.is_empty() {
            return Err(malformed("end"));
        }
        Ok(Self {
            checkpoint,
            map_root,
            from,
            asked,
            entries,
            map_proof,
            tree_proof,
        })
    }

    /// The bytes that [`PersonProof::parse`] reads.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`parse` and `build` keep lengths within their fields"
    )]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let put = |bytes: &mut Vec<u8>, part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        put(&mut bytes, &self.checkpoint);
        bytes.extend_from_slice(&self.map_root.to_be_bytes());
        bytes.extend_from_slice(&self.from.to_be_bytes());
        bytes.extend_from_slice(&(self.asked as u32).to_be_bytes());
        bytes.extend_from_slice(&(self.entries.len() as u32).to_be_bytes());
        for (index, entry) in &self.entries {
            bytes.extend_from_slice(&index.to_be_bytes());
            bytes.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        put(&mut bytes, &self.map_proof);
        bytes.extend_from_slice(&(32 * self.tree_proof.len() as u32).to_be_bytes());
        for hash in &self.tree_proof {
            bytes.extend_from_slice(&hash.0);
        }
        bytes
    }

    /// The signed note that the proof stands on; the caller verifies it.
    #[must_use]
    pub fn checkpoint(&self) -> &[u8] {
        &self.checkpoint
    }

    /// Number of the first label asked for.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.from
    }

    /// How many labels were asked for, a run from [`PersonProof::from`] on: 1 to [`MAX_LABELS`].
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// The entry at `index`, if it is among those given.
    pub(super) fn entry(&self, index: u64) -> Option<&[u8]> {
        let at = self.entries.binary_search_by_key(&index, |entry| entry.0);
        Some(self.entries.get(at.ok()?)?.1.as_slice())
    }
}

fn malformed(part: &'static str) -> PersonError {
    PersonError::Malformed { part }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self, part: &'static str) -> Result<&'a [u8; N], PersonError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(malformed(part))?;
        self.0 = rest;
        Ok(head)
    }

    fn u64(&mut self, part: &'static str) -> Result<u64, PersonError> {
        self.array(part).copied().map(u64::from_be_bytes)
    }

    /// A number of 32 bits, at most `limit`.
    fn count(&mut self, part: &'static str, limit: usize) -> Result<usize, PersonError> {
        let count = u32::from_be_bytes(*self.array(part)?);
        let count = usize::try_from(count).ok().filter(|count| *count <= limit);
        count.ok_or(malformed(part))
    }

    fn bytes(&mut self, part: &'static str, length: usize) -> Result<&'a [u8], PersonError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(malformed(part))?;
        self.0 = rest;
        Ok(head)
    }

    fn sized(&mut self, part: &'static str, limit: usize) -> Result<&'a [u8], PersonError> {
        let length = self.count(part, limit)?;
        self.bytes(part, length)
    }

    fn hashes(&mut self, part: &'static str, limit: usize) -> Result<Vec<Hash>, PersonError> {
        let (hashes, tail) = self.sized(part, limit)?.as_chunks::<32>();
        if !tail.is_empty() {
            return Err(malformed(part));
        }
        Ok(hashes.iter().copied().map(Hash).collect())
    }

    fn entries(&mut self) -> Result<Vec<(u64, Vec<u8>)>, PersonError> {
        let count = self.count("entries", MAX_ENTRIES)?;
        // Grows with what is read, not with what the count promises.
        let mut entries: Vec<(u64, Vec<u8>)> = Vec::new();
        for _ in 0..count {
            let index = self.u64("entry index")?;
            if entries.last().is_some_and(|before| before.0 >= index) {
                return Err(malformed("entry order"));
            }
            let length = u16::from_be_bytes(*self.array("entry length")?);
            let entry = self.bytes("entry", usize::from(length))?;
            entries.push((index, entry.to_vec()));
        }
        Ok(entries)
    }
}

const _: () = assert!(
    MAX_LEAF == u16::MAX as usize,
    "a leaf's length takes 16 bits"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small() -> PersonProof {
        PersonProof {
            checkpoint: b"a note\n".to_vec(),
            map_root: 7,
            from: 3,
            asked: 2,
            entries: vec![(1, vec![1, 2, 3]), (7, Vec::new()), (9, vec![4])],
            map_proof: vec![0; 5],
            tree_proof: vec![Hash([6; 32]), Hash([8; 32])],
        }
    }

    /// Where `needle` stands in `bytes`, which must be once.
    fn with(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    }

    #[test]
    fn the_layout_is_the_documents() {
        let mut expected = b"LHPP\x01\0\0\0\x07a note\n".to_vec();
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x03\0\0\0\x02\0\0\0\x03");
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x01\0\x03\x01\x02\x03");
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x07\0\0");
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x09\0\x01\x04");
        expected.extend_from_slice(b"\0\0\0\x05\0\0\0\0\0\0\0\0\x40");
        expected.extend_from_slice(&[6; 32]);
        expected.extend_from_slice(&[8; 32]);
        assert_eq!(small().to_bytes(), expected);
        assert_eq!(PersonProof::parse(&expected), Ok(small()));
    }

    #[test]
    fn refuses_malformed_containers() {
        let good = small().to_bytes();
        let end = good.len();
        let mut longer = good.clone();
        longer.push(0);
        let rows = [
            ("magic", with(&good, 0, b"l"), "magic"),
            ("another version", with(&good, 4, &[2]), "magic"),
            ("long note", with(&good, 5, &[0, 0x10, 0, 1]), "checkpoint"),
            ("nothing asked", with(&good, 32, &[0; 4]), "asked"),
            ("too much asked", with(&good, 32, &[0, 0, 0x10, 1]), "asked"),
            ("numbers overflow", with(&good, 24, &[0xff; 8]), "asked"),
            (
                "too many entries",
                with(&good, 36, &[0, 0, 0x20, 2]),
                "entries",
            ),
            (
                "fewer entries",
                with(&good, 36, &[0, 0, 0, 2]),
                "tree proof",
            ),
            (
                "an entry twice",
                with(&good, 53, &[0, 0, 0, 0, 0, 0, 0, 1]),
                "entry order",
            ),
            (
                "entry past the end",
                with(&good, 61, &[0xff, 0xff]),
                "entry",
            ),
            (
                "map proof past the end",
                with(&good, 74, &[0xff; 4]),
                "map proof",
            ),
            (
                "half a hash",
                with(&good[..end - 1], 83, &[0, 0, 0, 63]),
                "tree proof",
            ),
            ("trailing byte", longer, "end"),
            ("empty", Vec::new(), "magic"),
        ];
        for (name, bytes, part) in rows {
            let expected = Err(PersonError::Malformed { part });
            assert_eq!(PersonProof::parse(&bytes), expected, "{name}");
        }
        for length in 0..end {
            assert!(PersonProof::parse(&good[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic_and_come_back(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PersonProof::parse(&tail);
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&tail);
            if let Ok(proof) = PersonProof::parse(&bytes) {
                prop_assert_eq!(proof.to_bytes(), bytes);
            }
        }

        #[test]
        fn proofs_come_back(
            checkpoint in proptest::collection::vec(any::<u8>(), 0..40),
            (map_root, from) in (any::<u64>(), 0..u64::MAX - 5000),
            asked in 1..=MAX_LABELS,
            entries in proptest::collection::btree_map(any::<u64>(), proptest::collection::vec(any::<u8>(), 0..30), 0..9),
            map_proof in proptest::collection::vec(any::<u8>(), 0..40),
            hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..5),
        ) {
            let proof = PersonProof {
                checkpoint, map_root, from, asked, map_proof,
                entries: entries.into_iter().collect(),
                tree_proof: hashes.into_iter().map(Hash).collect(),
            };
            prop_assert_eq!(PersonProof::parse(&proof.to_bytes()), Ok(proof));
        }
    }
}
