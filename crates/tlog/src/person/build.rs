//! Building a person's proof: what the log answers.
//!
//! Rule: `docs/trace.md`, A person's proof. Where entries, the map and the
//! tree are kept is the [`Source`]'s.

use std::collections::BTreeMap;

use super::{
    container::{MAX_ENTRY_BYTES, MAX_LABELS, PersonProof},
    tree_proof::prove_entries,
};
use crate::{
    checkpoint::SignedCheckpoint,
    entry::{Entry, Label},
    proof::Nodes,
    tile::MAX_LEAF,
};

/// Where a proof's parts come from: a log's tree and entries, and the map of one of its map roots.
pub trait Source: Nodes {
    /// Where a label stands, according to the map.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn find(&self, label: &Label) -> Result<Option<u64>, Self::Error>;

    /// The map proof of labels, which are sorted ascending and without repetition.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, Self::Error>;

    /// The entry at `index`.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn entry(&self, index: u64) -> Result<Vec<u8>, Self::Error>;
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError<E> {
    /// None, or more than [`MAX_LABELS`].
    #[error("{count} labels are asked for, where 1 to {MAX_LABELS} are allowed")]
    Labels {
        /// Labels asked for.
        count: usize,
    },
    /// One label stands twice in the question.
    #[error("a label is asked for twice")]
    AskedTwice,
    /// Their numbers do not fit into 64 bits.
    #[error("the labels' numbers pass 64 bits")]
    Numbers,
    /// The map and the checkpoint do not belong together.
    #[error("entry {index} is not in the checkpoint's tree of {size} entries")]
    NotCovered {
        /// Index of the map root or of an entry in the map.
        index: u64,
        /// Entries in the checkpoint's tree.
        size: u64,
    },
    /// The log's own entry is not what the map says it is.
    #[error("entry {index} is not what the map says it is")]
    BadEntry {
        /// Its index.
        index: u64,
    },
    /// The source failed.
    #[error("a part of the proof could not be had")]
    Source(#[source] E),
}

/// Makes the proof for `labels`, the numbers `from`, `from + 1`, … of one person.
///
/// `map_root` is the index of the entry that binds the source's map, below the
/// checkpoint's size. The proof ends with the first label that is absent, or
/// when its entries pass [`MAX_ENTRY_BYTES`]; then the rest is to be asked for again.
///
/// # Errors
///
/// One for each rule broken; see [`BuildError`].
pub fn build<S: Source>(
    from: u64,
    labels: &[Label],
    checkpoint: &SignedCheckpoint,
    map_root: u64,
    source: &S,
) -> Result<PersonProof, BuildError<S::Error>> {
    let count = labels.len();
    if !(1..=MAX_LABELS).contains(&count) {
        return Err(BuildError::Labels { count });
    }
    if from.checked_add(count as u64).is_none() {
        return Err(BuildError::Numbers);
    }
    sorted(labels)?;
    let mut gathered = Gathered {
        source,
        size: checkpoint.size(),
        entries: BTreeMap::new(),
        bytes: 0,
    };
    gathered.take(map_root)?;
    let asked = gathered.take_all(labels)?;
    let labels = sorted(labels.get(..asked).unwrap_or(labels))?;
    let map_proof = source.prove_labels(&labels).map_err(BuildError::Source)?;
    let entries: Vec<(u64, Vec<u8>)> = gathered.entries.into_iter().collect();
    let indexes: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
    let tree_proof = prove_entries(source, &indexes, checkpoint.size());
    Ok(PersonProof {
        checkpoint: checkpoint.to_string().into_bytes(),
        map_root,
        from,
        asked,
        entries,
        map_proof,
        tree_proof: tree_proof.map_err(BuildError::Source)?,
    })
}

fn sorted<E>(labels: &[Label]) -> Result<Vec<Label>, BuildError<E>> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    match sorted.is_sorted_by(|a, b| a < b) {
        true => Ok(sorted),
        false => Err(BuildError::AskedTwice),
    }
}

/// Entries taken so far.
struct Gathered<'a, S> {
    source: &'a S,
    size: u64,
    entries: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl<S: Source> Gathered<'_, S> {
    /// Takes the entries of labels up to the first that is absent; answers how many labels that was.
    fn take_all(&mut self, labels: &[Label]) -> Result<usize, BuildError<S::Error>> {
        let mut asked = 0;
        for label in labels {
            asked += 1;
            let found = self.source.find(label).map_err(BuildError::Source)?;
            let Some(index) = found else { break };
            if let Some(header) = self.take(index)? {
                self.take(header)?;
            }
            if self.bytes > MAX_ENTRY_BYTES {
                break;
            }
        }
        Ok(asked)
    }

    /// Takes one entry; of a chunk, answers its header's index.
    fn take(&mut self, index: u64) -> Result<Option<u64>, BuildError<S::Error>> {
        if index >= self.size {
            let size = self.size;
            return Err(BuildError::NotCovered { index, size });
        }
        let source = self.source;
        let entry = match self.entries.entry(index) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                let entry = source.entry(index).map_err(BuildError::Source)?;
                self.bytes += entry.len();
                free.insert(entry)
            }
        };
        match Entry::parse(entry).filter(|_| entry.len() <= MAX_LEAF) {
            Some(Entry::Chunk(chunk)) => Ok(Some(chunk.header)),
            Some(_) => Ok(None),
            None => Err(BuildError::BadEntry { index }),
        }
    }
}
