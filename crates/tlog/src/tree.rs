//! Trees of leaf hashes: a frontier that grows, and a small tree in memory.
//!
//! Rule: RFC 9162, section 2.1.1. A tree of n leaves is a row of perfect
//! subtrees, one for each bit set in n, largest first. Trees kept on disk
//! belong to `tile`; paths through them to `proof`.

use std::convert::Infallible;

use crate::{
    hash::{Hash, node_hash},
    proof::Nodes,
};

/// The right edge of a tree: enough to append and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, largest first; one for each bit set in `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a tree of `size` leaves from its peaks, largest first.
    ///
    /// `None` unless there is one peak for each bit set in `size`.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(peaks.len())).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash; one node hash on average.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        root_of_peaks(&self.peaks)
    }
}

/// The root over perfect subtrees, largest first.
pub(crate) fn root_of_peaks(peaks: &[Hash]) -> Hash {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(Hash::empty_root)
}

/// A whole tree in memory, every perfect subtree ready to be asked for.
#[derive(Debug, Clone)]
pub struct MemoryTree {
    /// `rows[k][i]` is the root of leaves `i·2^k .. (i+1)·2^k`.
    rows: Vec<Vec<Hash>>,
}

impl MemoryTree {
    /// Builds the tree over leaf hashes: one node hash a leaf.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut rows = vec![leaves];
        while let Some(below) = rows.last().filter(|row| row.len() > 1) {
            let row = below
                .chunks_exact(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
            rows.push(row);
        }
        Self { rows }
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.rows[0].len() as u64
    }
}

impl Nodes for MemoryTree {
    type Error = Infallible;

    /// The proofs of `proof` ask only for subtrees that lie within the tree.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "both number hashes held in memory"
        )]
        let (level, index) = (level as usize, index as usize);
        Ok(self.rows[level][index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hash::leaf_hash, proof};

    /// The definition, word for word: RFC 9162, section 2.1.1.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty_root(),
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                node_hash(&mth(&many[..k]), &mth(&many[k..]))
            }
        }
    }

    #[test]
    fn frontier_and_memory_tree_agree_with_the_definition() {
        let leaves: Vec<Hash> = (0..300u32).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut frontier = Frontier::new();
        for n in 0..=leaves.len() {
            let expected = mth(&leaves[..n]);
            assert_eq!(frontier.root(), expected, "frontier of {n}");
            let tree = MemoryTree::new(leaves[..n].to_vec());
            let Ok(root) = proof::root(&tree, tree.size());
            assert_eq!(root, expected, "memory tree of {n}");
            if let Some(leaf) = leaves.get(n) {
                frontier.push(*leaf);
            }
        }
    }

    #[test]
    fn refuses_a_wrong_number_of_peaks() {
        assert!(Frontier::from_peaks(3, vec![Hash([0; 32])]).is_none());
        assert!(Frontier::from_peaks(0, Vec::new()).is_some());
    }
}
