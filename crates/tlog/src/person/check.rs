//! Checking a person's proof: every step has an error with a name.
//!
//! Rule: `docs/trace.md`, A person's proof, steps 1 (the tree's part) to 5.

use super::{container::PersonProof, tree_proof::verify_entries};
use crate::{
    checkpoint::SignedCheckpoint,
    entry::{Chunk, Entry, Label, MapRoot},
    hash::{Hash, leaf_hash},
    map::proof::{self as map_proof, MapProofError},
    proof::ProofError,
};

/// Why a person's proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersonError {
    /// The bytes break the container's format.
    #[error("the proof is malformed: {part}")]
    Malformed {
        /// The part that is wrong.
        part: &'static str,
    },
    /// Other labels than those asked for, or more of them.
    #[error("the proof answers another question")]
    OtherQuestion,
    /// The question itself holds a label twice.
    #[error("a label is asked for twice")]
    AskedTwice,
    /// The entries are not in the checkpoint's tree.
    #[error("the entries are not in the checkpoint's tree")]
    NotInTree(#[source] ProofError),
    /// An entry that a person needs in order to check is not given.
    #[error("entry {index} is not given")]
    EntryMissing {
        /// Its index.
        index: u64,
    },
    /// What is said to be a map root is another entry.
    #[error("entry {index} is no map root")]
    NotAMapRoot {
        /// Its index.
        index: u64,
    },
    /// A map of entries that come after its root.
    #[error("the map root at {index} claims {size} entries")]
    MapRootTooNew {
        /// Its index.
        index: u64,
        /// Entries that the map is said to cover.
        size: u64,
    },
    /// The map proof does not lead to the map root.
    #[error("the map proof does not hold")]
    MapProof(#[source] MapProofError),
    /// A label is absent although a later one is there.
    #[error("label {n} is absent and a later one is there")]
    Gap {
        /// Number of the absent label.
        n: u64,
    },
    /// The map gives an index that it cannot cover.
    #[error("label {n} is mapped beyond the map's own size")]
    BeyondMap {
        /// Number of the label.
        n: u64,
    },
    /// The label does not stand in the entry that the map gives.
    #[error("label {n} does not stand in entry {index}")]
    WrongPlace {
        /// Number of the label.
        n: u64,
        /// Index that the map gives.
        index: u64,
    },
    /// A chunk's header is not given.
    #[error("the header of the chunk at {chunk} is not given")]
    HeaderMissing {
        /// Index of the chunk.
        chunk: u64,
    },
    /// A chunk's header is no event, or one with another commitment than the chunk names.
    #[error("the header of the chunk at {chunk} is another")]
    HeaderDiffers {
        /// Index of the chunk.
        chunk: u64,
    },
}

impl PersonError {
    /// A stable word for each lie, the same in every verifier.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::OtherQuestion => "other-question",
            Self::AskedTwice => "asked-twice",
            Self::NotInTree(_) => "not-in-tree",
            Self::EntryMissing { .. } => "entry-missing",
            Self::NotAMapRoot { .. } => "not-a-map-root",
            Self::MapRootTooNew { .. } => "map-root-too-new",
            Self::MapProof(_) => "map-proof",
            Self::Gap { .. } => "gap",
            Self::BeyondMap { .. } => "beyond-map",
            Self::WrongPlace { .. } => "wrong-place",
            Self::HeaderMissing { .. } => "header-missing",
            Self::HeaderDiffers { .. } => "header-differs",
        }
    }
}

/// What a checked proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The person's entries, ascending by number, from the first asked for on, without gaps.
    pub entries: Vec<FoundEntry<'a>>,
    /// The label after the last was shown to be absent; otherwise the following ones are to be asked for.
    pub complete: bool,
    /// The map covers the log's entries below this index, and so does [`Found::complete`].
    pub covered: u64,
    /// Every entry durable by then is covered, says the log: milliseconds since 1970, UTC.
    pub covered_ms: u64,
}

/// One of the person's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundEntry<'a> {
    /// Number of its label.
    pub n: u64,
    /// Where it stands in the log.
    pub index: u64,
    /// The entry: an event, or a chunk.
    pub leaf: &'a [u8],
    /// For a chunk: the event that it shares with others.
    pub shared: Option<Shared<'a>>,
}

/// The event that a chunk's owners share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared<'a> {
    /// Where the event stands in the log.
    pub index: u64,
    /// The event.
    pub leaf: &'a [u8],
    /// The event's key, wrapped for this person.
    pub wrap: &'a [u8; 32],
}

impl PersonProof {
    /// Checks the proof against a checkpoint that the caller has verified.
    ///
    /// `from` and `labels` are what was asked: number `from`, `from + 1`, … of
    /// one person. The proof may answer fewer of them, in order; then
    /// [`Found::complete`] is false unless one was absent.
    ///
    /// # Errors
    ///
    /// One for each lie; see [`PersonError`].
    pub fn check(
        &self,
        from: u64,
        labels: &[Label],
        checkpoint: &SignedCheckpoint,
    ) -> Result<Found<'_>, PersonError> {
        let labels = labels
            .get(..self.asked)
            .filter(|_| from == self.from)
            .ok_or(PersonError::OtherQuestion)?;
        self.check_tree(checkpoint)?;
        let map = self.check_map_root()?;
        let places = self.look_up(labels, &map.root)?;
        let known = places.iter().take_while(|place| place.is_some()).count();
        let complete = known < places.len();
        if places.iter().skip(known).any(Option::is_some) {
            let n = from + known as u64;
            return Err(PersonError::Gap { n });
        }
        let entries = (from..)
            .zip(labels)
            .zip(places.into_iter().flatten())
            .map(|((n, label), index)| self.find(n, label, index, map.size))
            .collect::<Result<_, _>>()?;
        Ok(Found {
            entries,
            complete,
            covered: map.size,
            covered_ms: map.time_ms,
        })
    }

    /// Step 1, the tree's part: every entry given lies in the checkpoint's tree.
    fn check_tree(&self, checkpoint: &SignedCheckpoint) -> Result<(), PersonError> {
        let leaves: Vec<(u64, Hash)> = self
            .entries
            .iter()
            .map(|(index, entry)| (*index, leaf_hash(entry)))
            .collect();
        verify_entries(
            &leaves,
            checkpoint.size(),
            &self.tree_proof,
            &checkpoint.root(),
        )
        .map_err(PersonError::NotInTree)
    }

    /// Step 2: what the map root says.
    fn check_map_root(&self) -> Result<MapRoot, PersonError> {
        let index = self.map_root;
        let entry = self.entry(index);
        let entry = entry.ok_or(PersonError::EntryMissing { index })?;
        let Some(Entry::MapRoot(map)) = Entry::parse(entry) else {
            return Err(PersonError::NotAMapRoot { index });
        };
        if map.size > index {
            let size = map.size;
            return Err(PersonError::MapRootTooNew { index, size });
        }
        Ok(map)
    }

    /// Step 3: where the map says the labels stand, in their own order.
    fn look_up(&self, labels: &[Label], root: &Hash) -> Result<Vec<Option<u64>>, PersonError> {
        let mut order: Vec<(Label, usize)> = labels.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let sorted: Vec<Label> = order.iter().map(|(label, _)| *label).collect();
        if !sorted.is_sorted_by(|a, b| a < b) {
            return Err(PersonError::AskedTwice);
        }
        let found = map_proof::verify(&sorted, &self.map_proof, root);
        let found = found.map_err(PersonError::MapProof)?;
        let mut places: Vec<(usize, Option<u64>)> =
            order.into_iter().map(|(_, n)| n).zip(found).collect();
        places.sort_unstable_by_key(|(n, _)| *n);
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }

    /// Steps 4 and 5 for one label that is in the map.
    fn find(
        &self,
        n: u64,
        label: &Label,
        index: u64,
        covered: u64,
    ) -> Result<FoundEntry<'_>, PersonError> {
        if index >= covered {
            return Err(PersonError::BeyondMap { n });
        }
        let leaf = self.entry(index);
        let leaf = leaf.ok_or(PersonError::EntryMissing { index })?;
        let wrong_place = PersonError::WrongPlace { n, index };
        let shared = match Entry::parse(leaf) {
            Some(Entry::Event(event)) if event.label == label => None,
            Some(Entry::Chunk(chunk)) => {
                let wrap = chunk.wrap(label).ok_or(wrong_place)?;
                Some(self.header(index, &chunk, wrap)?)
            }
            _ => return Err(wrong_place),
        };
        Ok(FoundEntry {
            n,
            index,
            leaf,
            shared,
        })
    }

    /// Step 5.
    fn header<'a>(
        &'a self,
        chunk: u64,
        named: &Chunk<'_>,
        wrap: &'a [u8; 32],
    ) -> Result<Shared<'a>, PersonError> {
        let index = named.header;
        let leaf = self.entry(index);
        let leaf = leaf.ok_or(PersonError::HeaderMissing { chunk })?;
        match Entry::parse(leaf) {
            Some(Entry::Event(event)) if event.commitment == named.commitment => {
                Ok(Shared { index, leaf, wrap })
            }
            _ => Err(PersonError::HeaderDiffers { chunk }),
        }
    }
}
