//! Proof that many entries lie in one tree, each hash of which is sent once.
//!
//! Rule: `docs/trace.md`, Proof of entries in a tree; hashes of RFC 6962,
//! section 2.1. A thousand single paths through the same tree repeat its upper
//! half a thousand times. Single proofs belong to `proof`.

use crate::{
    hash::{Hash, node_hash},
    parts::both,
    proof::{Nodes, ProofError, matches, range, root, split},
};

/// Indexes that are worth a thread.
const LEAST: usize = 16;

/// Proves that the entries at `indexes` lie in the tree of the first `size` leaves.
///
/// `indexes` are sorted ascending, without repetition, below `size`; for any
/// others the proof is empty and [`verify_entries`] refuses the indexes. Hashes
/// run from left to right. For no index at all it is the root alone.
///
/// # Errors
///
/// Those of the source.
pub fn prove_entries<N: Nodes>(
    nodes: &N,
    indexes: &[u64],
    size: u64,
) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if !indexes.is_sorted_by(|a, b| a < b) || indexes.last().is_some_and(|last| *last >= size) {
        return Ok(proof);
    }
    if indexes.is_empty() {
        proof.push(root(nodes, size)?);
    } else {
        prove(nodes, indexes, (0, size), &mut proof)?;
    }
    Ok(proof)
}

/// As [`prove_entries`], by at most so many threads: nodes may have to be read, and are hashed.
///
/// # Errors
///
/// Those of the source.
pub fn prove_entries_on<N: Nodes<Error: Send> + Sync>(
    threads: usize,
    nodes: &N,
    indexes: &[u64],
    size: u64,
) -> Result<Vec<Hash>, N::Error> {
    let few = indexes.len() < 2 * LEAST;
    if few || !indexes.is_sorted_by(|a, b| a < b) || indexes.last() >= Some(&size) {
        return prove_entries(nodes, indexes, size);
    }
    fork(threads, nodes, indexes, (0, size))
}

/// Left and right at once, where each has its share of the indexes.
fn fork<N: Nodes<Error: Send> + Sync>(
    threads: usize,
    nodes: &N,
    indexes: &[u64],
    (start, end): (u64, u64),
) -> Result<Vec<Hash>, N::Error> {
    if threads < 2 || indexes.len() < 2 * LEAST {
        let mut proof = Vec::new();
        prove(nodes, indexes, (start, end), &mut proof)?;
        return Ok(proof);
    }
    let middle = start + split(end - start);
    let (left, right) = indexes.split_at(indexes.partition_point(|index| *index < middle));
    let share = |part: &[u64]| threads * part.len() / indexes.len();
    let left_half = || fork(share(left), nodes, left, (start, middle));
    let right_half = || fork(share(right), nodes, right, (middle, end));
    let (left, right) = match share(left).min(share(right)) {
        0 => (left_half(), right_half()),
        _ => both(left_half, right_half),
    };
    let mut proof = left?;
    proof.append(&mut right?);
    Ok(proof)
}

fn prove<N: Nodes>(
    nodes: &N,
    indexes: &[u64],
    (start, end): (u64, u64),
    proof: &mut Vec<Hash>,
) -> Result<(), N::Error> {
    if indexes.is_empty() {
        proof.push(range(nodes, start, end)?);
        return Ok(());
    }
    if end - start == 1 {
        return Ok(());
    }
    let middle = start + split(end - start);
    let (left, right) = indexes.split_at(indexes.partition_point(|index| *index < middle));
    prove(nodes, left, (start, middle), proof)?;
    prove(nodes, right, (middle, end), proof)
}

/// Verifies that `entries`, each an index and the hash of its leaf, lie in the
/// tree of `size` leaves with root `root`.
///
/// Sorted ascending by index, without repetition. `proof` is what
/// [`prove_entries`] makes; one hash more or less is refused.
///
/// # Errors
///
/// [`ProofError::Unsorted`], [`ProofError::OutOfRange`],
/// [`ProofError::WrongLength`], [`ProofError::Mismatch`].
pub fn verify_entries(
    entries: &[(u64, Hash)],
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if !entries.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(ProofError::Unsorted);
    }
    if let Some((index, _)) = entries.last().filter(|(index, _)| *index >= size) {
        return Err(ProofError::OutOfRange {
            index: *index,
            size,
        });
    }
    let wrong_length = ProofError::WrongLength {
        length: proof.len(),
    };
    let mut hashes = proof.iter();
    let found = rebuild(entries, (0, size), &mut hashes).ok_or(wrong_length)?;
    if !hashes.as_slice().is_empty() {
        return Err(wrong_length);
    }
    matches(&found, root)
}

/// The root of leaves `start..end`; `None` when the proof ends too early. As deep as the tree: 64 calls at most.
fn rebuild(
    entries: &[(u64, Hash)],
    (start, end): (u64, u64),
    proof: &mut std::slice::Iter<'_, Hash>,
) -> Option<Hash> {
    let Some((_, leaf)) = entries.first() else {
        return proof.next().copied();
    };
    if end - start == 1 {
        return Some(*leaf);
    }
    let middle = start + split(end - start);
    let (left, right) = entries.split_at(entries.partition_point(|(index, _)| *index < middle));
    let left = rebuild(left, (start, middle), proof)?;
    let right = rebuild(right, (middle, end), proof)?;
    Some(node_hash(&left, &right))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        hash::leaf_hash,
        proof::{prove_inclusion, verify_inclusion},
        tree::MemoryTree,
    };

    fn tree(size: u64) -> (MemoryTree, Vec<Hash>, Hash) {
        let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let tree = MemoryTree::new(leaves.clone());
        let Ok(top) = root(&tree, size);
        (tree, leaves, top)
    }

    fn with_leaves(indexes: &[u64], leaves: &[Hash]) -> Vec<(u64, Hash)> {
        let leaf = |index: &u64| leaves[usize::try_from(*index).unwrap()];
        indexes.iter().map(|index| (*index, leaf(index))).collect()
    }

    #[test]
    fn every_set_of_entries_of_every_small_tree() {
        for size in 0..=9u64 {
            let (tree, leaves, top) = tree(size);
            for set in 0..1u64 << size {
                let indexes: Vec<u64> = (0..size).filter(|i| set >> i & 1 == 1).collect();
                let Ok(proof) = prove_entries(&tree, &indexes, size);
                let entries = with_leaves(&indexes, &leaves);
                assert_eq!(
                    verify_entries(&entries, size, &proof, &top),
                    Ok(()),
                    "{set:b}"
                );
                let mut more = proof.clone();
                more.push(Hash([0; 32]));
                let length = more.len();
                assert_eq!(
                    verify_entries(&entries, size, &more, &top),
                    Err(ProofError::WrongLength { length })
                );
                if let [less @ .., _] = proof.as_slice() {
                    let length = less.len();
                    assert_eq!(
                        verify_entries(&entries, size, less, &top),
                        Err(ProofError::WrongLength { length })
                    );
                }
            }
        }
    }

    #[test]
    fn one_entry_takes_the_hashes_of_its_single_path() {
        for size in 1..70 {
            let (tree, leaves, top) = tree(size);
            for index in 0..size {
                let Ok(mut proof) = prove_entries(&tree, &[index], size);
                let Ok(mut path) = prove_inclusion(&tree, index, size);
                let leaf = &leaves[usize::try_from(index).unwrap()];
                assert_eq!(verify_inclusion(leaf, index, size, &path, &top), Ok(()));
                // The same hashes: from left to right here, from leaf to root there.
                proof.sort_unstable();
                path.sort_unstable();
                assert_eq!(proof, path, "{index} of {size}");
            }
        }
    }

    #[test]
    fn refuses_unsorted_repeated_and_outside_indexes() {
        let (tree, leaves, top) = tree(8);
        let rows: [(&[u64], ProofError); 5] = [
            (&[3, 2], ProofError::Unsorted),
            (&[2, 2], ProofError::Unsorted),
            (&[8], ProofError::OutOfRange { index: 8, size: 8 }),
            (
                &[1, u64::MAX],
                ProofError::OutOfRange {
                    index: u64::MAX,
                    size: 8,
                },
            ),
            (&[0, 9], ProofError::OutOfRange { index: 9, size: 8 }),
        ];
        for (indexes, error) in rows {
            assert_eq!(prove_entries(&tree, indexes, 8), Ok(Vec::new()));
            let entries: Vec<(u64, Hash)> = indexes.iter().map(|i| (*i, leaves[0])).collect();
            assert_eq!(verify_entries(&entries, 8, &[], &top), Err(error));
        }
        let none = ProofError::OutOfRange { index: 0, size: 0 };
        let empty = Hash::empty_root();
        assert_eq!(verify_entries(&[(0, leaves[0])], 0, &[], &empty), Err(none));
    }

    /// A source that fails at one leaf.
    struct Failing(MemoryTree, u64);

    impl Nodes for Failing {
        type Error = u64;

        fn node(&self, level: u32, index: u64) -> Result<Hash, u64> {
            match self.0.node(level, index) {
                Ok(_) if level == 0 && index == self.1 => Err(index),
                Ok(hash) => Ok(hash),
            }
        }
    }

    #[test]
    fn what_fails_on_one_thread_fails_the_proof() {
        let indexes: Vec<u64> = (0..500).map(|at| 2 * at).collect();
        for at in [1, 333, 999] {
            let nodes = Failing(tree(1_000).0, at);
            assert_eq!(prove_entries_on(8, &nodes, &indexes, 1_000), Err(at));
        }
    }

    #[test]
    fn refuses_extreme_sizes_without_panic() {
        let h = Hash([1; 32]);
        for size in [u64::MAX, 1 << 63, (1 << 63) + 1] {
            let proof = vec![h; 64];
            for entries in [
                vec![(0, h)],
                vec![(size - 1, h)],
                vec![(0, h), (size - 1, h)],
            ] {
                assert!(verify_entries(&entries, size, &proof, &h).is_err());
                assert!(verify_entries(&entries, size, &[], &h).is_err());
            }
        }
    }

    proptest! {
        #[test]
        fn threads_change_nothing(
            size in 2u64..3_000,
            picks in proptest::collection::btree_set(any::<u64>(), 0..400),
            threads in 0usize..12,
        ) {
            let (tree, _, _) = tree(size);
            // Some outside, and in some cases one side much fuller than the other.
            let mut indexes: Vec<u64> = picks.iter().map(|pick| pick % (size + 1) / (1 + pick % 3)).collect();
            indexes.sort_unstable();
            indexes.dedup();
            let Ok(alone) = prove_entries(&tree, &indexes, size);
            prop_assert_eq!(prove_entries_on(threads, &tree, &indexes, size), Ok(alone));
            indexes.reverse();
            let Ok(alone) = prove_entries(&tree, &indexes, size);
            prop_assert_eq!(prove_entries_on(threads, &tree, &indexes, size), Ok(alone));
        }

        #[test]
        fn any_set_is_proved_and_a_changed_proof_or_leaf_refused(
            size in 2u64..700,
            picks in proptest::collection::btree_set(any::<u64>(), 1..40),
            at in any::<usize>(),
            bit in 0usize..256,
        ) {
            let (tree, leaves, top) = tree(size);
            let mut indexes: Vec<u64> = picks.iter().map(|pick| pick % size).collect();
            indexes.sort_unstable();
            indexes.dedup();
            let Ok(proof) = prove_entries(&tree, &indexes, size);
            let entries = with_leaves(&indexes, &leaves);
            prop_assert_eq!(verify_entries(&entries, size, &proof, &top), Ok(()));
            // Never more than the single paths together.
            let Ok(paths) = indexes.iter().map(|i| prove_inclusion(&tree, *i, size)).collect::<Result<Vec<_>, _>>();
            prop_assert!(proof.len() <= paths.iter().map(Vec::len).sum());
            if !proof.is_empty() {
                let mut changed = proof.clone();
                let at = at % changed.len();
                changed[at].0[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(verify_entries(&entries, size, &changed, &top), Err(ProofError::Mismatch));
            }
            let mut changed = entries.clone();
            let at = at % changed.len();
            changed[at].1.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_entries(&changed, size, &proof, &top), Err(ProofError::Mismatch));
        }
    }
}
