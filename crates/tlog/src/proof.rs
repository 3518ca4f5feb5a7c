//! Proofs that a leaf lies in a tree, and that a tree grew from another.
//!
//! Rule: RFC 9162, sections 2.1.3 and 2.1.4; subtrees as in
//! draft-ietf-plants-merkle-tree-certs. Proving asks a [`Nodes`] for roots of
//! perfect subtrees and never learns where they are kept.

use crate::hash::{Hash, node_hash};

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf would lie outside the tree.
    #[error("index {index} is outside a tree of {size} leaves")]
    OutOfRange {
        /// The index asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is said to be larger than the newer one.
    #[error("a tree of {new} leaves cannot have grown from one of {old}")]
    Shrinks {
        /// Leaves in the older tree.
        old: u64,
        /// Leaves in the newer tree.
        new: u64,
    },
    /// Every tree extends the empty one, so there is nothing to prove or to learn.
    #[error("a tree that grew from nothing proves nothing")]
    FromNothing,
    /// `[start, end)` is no subtree: its start is not a multiple of its width, rounded up to a power of two.
    #[error("[{start}, {end}) is not a subtree")]
    NotASubtree {
        /// First leaf.
        start: u64,
        /// One past the last leaf.
        end: u64,
    },
    /// Indexes that do not ascend, or one of them twice.
    #[error("the indexes are not sorted, or one stands twice")]
    Unsorted,
    /// Too few or too many hashes for these sizes.
    #[error("{length} hashes is a wrong length for this proof")]
    WrongLength {
        /// Hashes given.
        length: usize,
    },
    /// The path leads to another root.
    #[error("the proof leads to another root")]
    Mismatch,
}

/// Where roots of perfect subtrees come from.
pub trait Nodes {
    /// What may go wrong while fetching.
    type Error;

    /// The root of leaves `index·2^level .. (index+1)·2^level`.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
///
/// Those of the source.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 {
        return Ok(Hash::empty_root());
    }
    range(nodes, 0, size)
}

/// Proves that leaf `index` lies in the tree of the first `size` leaves.
///
/// The path runs from leaf to root. `index` must be below `size`; the path of
/// an index outside is empty and verifies nowhere.
///
/// Rule: RFC 9162, section 2.1.3.1.
///
/// # Errors
///
/// Those of the source.
pub fn prove_inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proves that the tree of the first `new` leaves extends that of the first `old`.
///
/// Empty when the sizes are equal, when `old` is zero or larger than `new`.
///
/// Rule: RFC 9162, section 2.1.4.1.
///
/// # Errors
///
/// Those of the source.
pub fn prove_consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut start, mut end) = (0, new);
    // Walk down to the subtree that ends where the old tree ends.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    if start > 0 {
        path.push(range(nodes, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Verifies that `leaf` is entry `index` of the tree with root `root`.
///
/// `index` counts leaves from zero; `size` counts leaves. `path` runs from
/// leaf to root: one hash a level, none for a tree of one.
///
/// Rule: RFC 9162, section 2.1.3.2.
///
/// # Errors
///
/// [`ProofError::OutOfRange`] when `index` is not below `size`,
/// [`ProofError::WrongLength`], [`ProofError::Mismatch`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let length = ProofError::WrongLength { length: path.len() };
    let (mut here, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(length);
        }
        if here & 1 == 1 || here == last {
            hash = node_hash(sibling, &hash);
            let up = here.trailing_zeros().min(63);
            (here, last) = (here >> up, last >> up);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (here, last) = (here >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    matches(&hash, root)
}

/// Verifies that the tree of `new` leaves extends the tree of `old` leaves.
///
/// Equal sizes need equal roots and no hashes.
///
/// Rule: RFC 9162, section 2.1.4.2.
///
/// # Errors
///
/// [`ProofError::FromNothing`] when `old` is zero, [`ProofError::Shrinks`],
/// [`ProofError::WrongLength`], [`ProofError::Mismatch`].
pub fn verify_consistency(
    old: u64,
    new: u64,
    path: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrinks { old, new });
    }
    if old == 0 {
        return Err(ProofError::FromNothing);
    }
    verify_subtree_consistency(0, old, new, path, old_root, new_root)
}

/// The root of the first `old` leaves, as the tree of `new` leaves with root `new_root` has it.
///
/// It is read off a proof that leads to `new_root`. A proof from an `old` that
/// is a power of two does not hold that root: it must be given as `old_root`,
/// and is thereby confirmed. Otherwise `old_root` is not looked at.
///
/// # Errors
///
/// Those of [`verify_consistency`]; [`ProofError::Mismatch`] when the proof does not lead to `new_root`.
pub fn prefix_root(
    old: u64,
    new: u64,
    path: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<Hash, ProofError> {
    if old > new {
        return Err(ProofError::Shrinks { old, new });
    }
    if old == 0 {
        return Err(ProofError::FromNothing);
    }
    let (prefix, whole) = consistency_roots((0, old), new, path, old_root)?;
    matches(&whole, new_root)?;
    Ok(prefix)
}

/// Verifies that `leaf` is entry `index` of the subtree `[start, end)` with root `root`.
///
/// # Errors
///
/// [`ProofError::NotASubtree`], and those of [`verify_inclusion`].
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    (start, end): (u64, u64),
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    check_subtree(start, end)?;
    if index < start || index >= end {
        return Err(ProofError::OutOfRange { index, size: end });
    }
    verify_inclusion(leaf, index - start, end - start, path, root)
}

/// Verifies that the subtree `[start, end)` with root `old_root` is part of
/// the tree of `size` leaves with root `new_root`.
///
/// # Errors
///
/// [`ProofError::NotASubtree`], and those of [`verify_consistency`].
pub fn verify_subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    path: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    let length = ProofError::WrongLength { length: path.len() };
    if end > size {
        return Err(ProofError::Shrinks {
            old: end,
            new: size,
        });
    }
    if start == end {
        // The empty subtree is part of every tree; there is nothing to hash.
        return match path {
            [] => matches(old_root, &Hash::empty_root()),
            _ => Err(length),
        };
    }
    check_subtree(start, end)?;
    let (old, new) = consistency_roots((start, end), size, path, old_root)?;
    matches(&old, old_root)?;
    matches(&new, new_root)
}

/// The roots of the subtree and of the tree that a proof leads to.
fn consistency_roots(
    (start, end): (u64, u64),
    size: u64,
    path: &[Hash],
    old_root: &Hash,
) -> Result<(Hash, Hash), ProofError> {
    let length = ProofError::WrongLength { length: path.len() };
    let mut walk = Walk::new(start, end, size);
    let (mut old, mut new, rest) = match (walk.is_perfect(), path) {
        (true, rest) => (*old_root, *old_root, rest),
        (false, [first, rest @ ..]) => (*first, *first, rest),
        (false, []) => return Err(length),
    };
    for sibling in rest {
        if walk.last == 0 {
            return Err(length);
        }
        if walk.end & 1 == 1 || walk.end == walk.last {
            if walk.start < walk.end {
                old = node_hash(sibling, &old);
            }
            new = node_hash(sibling, &new);
            walk.skip_left_edges();
        } else {
            new = node_hash(&new, sibling);
        }
        walk.up(1);
    }
    if walk.last != 0 {
        return Err(length);
    }
    Ok((old, new))
}

/// Positions, on the level reached, of a subtree's first and last leaf and of the tree's last.
struct Walk {
    start: u64,
    end: u64,
    last: u64,
}

impl Walk {
    /// Climbs to where the proof begins: the largest perfect subtree that ends where `[start, end)` ends.
    fn new(start: u64, end: u64, size: u64) -> Self {
        let mut walk = Self {
            start,
            end: end - 1,
            last: size - 1,
        };
        let whole_right_edge = end == size;
        while walk.start != walk.end && (whole_right_edge || walk.end & 1 == 1) {
            walk.up(1);
        }
        walk
    }

    fn is_perfect(&self) -> bool {
        self.start == self.end
    }

    fn skip_left_edges(&mut self) {
        while self.end & 1 == 0 && self.last != 0 {
            self.up(1);
        }
    }

    fn up(&mut self, levels: u32) {
        self.start >>= levels;
        self.end >>= levels;
        self.last >>= levels;
    }
}

/// The root of leaves `start..end`, where `start` is a multiple of the range's width rounded up to a power of two.
pub(crate) fn range<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let width = end - start;
    if width.is_power_of_two() {
        let level = width.trailing_zeros();
        return nodes.node(level, start >> level);
    }
    let middle = start + split(width);
    let left = range(nodes, start, middle)?;
    let right = range(nodes, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two below `width`, which is at least two.
pub(crate) fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

fn check_subtree(start: u64, end: u64) -> Result<(), ProofError> {
    let wrong = ProofError::NotASubtree { start, end };
    let width = end.checked_sub(start).filter(|w| *w > 0).ok_or(wrong)?;
    match width.checked_next_power_of_two() {
        Some(block) if start.is_multiple_of(block) => Ok(()),
        None if start == 0 => Ok(()),
        _ => Err(wrong),
    }
}

pub(crate) fn matches(found: &Hash, expected: &Hash) -> Result<(), ProofError> {
    if found == expected {
        Ok(())
    } else {
        Err(ProofError::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{hash::leaf_hash, tree::MemoryTree};

    fn tree(size: u64) -> (MemoryTree, Vec<Hash>) {
        let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        (MemoryTree::new(leaves.clone()), leaves)
    }

    #[test]
    fn every_leaf_of_every_small_tree() {
        for size in 1..70 {
            let (tree, leaves) = tree(size);
            let Ok(top) = root(&tree, size);
            for index in 0..size {
                let Ok(path) = prove_inclusion(&tree, index, size);
                let leaf = &leaves[usize::try_from(index).unwrap()];
                assert_eq!(verify_inclusion(leaf, index, size, &path, &top), Ok(()));
            }
        }
    }

    #[test]
    fn every_pair_of_small_trees() {
        let (tree, _) = tree(70);
        for new in 0..=70 {
            for old in 1..=new {
                let Ok(path) = prove_consistency(&tree, old, new);
                let (Ok(a), Ok(b)) = (root(&tree, old), root(&tree, new));
                assert_eq!(
                    verify_consistency(old, new, &path, &a, &b),
                    Ok(()),
                    "{old} to {new}"
                );
            }
        }
    }

    #[test]
    fn refuses_a_leaf_outside_and_trees_that_shrink_or_grow_from_nothing() {
        let h = Hash([1; 32]);
        assert_eq!(
            verify_consistency(0, 5, &[], &Hash::empty_root(), &h),
            Err(ProofError::FromNothing)
        );
        assert_eq!(
            verify_inclusion(&h, 5, 5, &[], &h),
            Err(ProofError::OutOfRange { index: 5, size: 5 })
        );
        assert_eq!(
            verify_consistency(6, 5, &[], &h, &h),
            Err(ProofError::Shrinks { old: 6, new: 5 })
        );
    }

    #[test]
    fn refuses_extreme_numbers_without_panic() {
        let h = Hash([1; 32]);
        for n in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            for m in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                for path in [&[][..], &[h; 64][..], &[h; 65][..]] {
                    assert!(verify_inclusion(&h, n, m, path, &Hash([2; 32])).is_err());
                    assert!(verify_consistency(n, m, path, &h, &Hash([2; 32])).is_err());
                    let _ = verify_subtree_consistency(n, m, u64::MAX, path, &h, &h);
                    let _ = verify_subtree_inclusion(&h, n, (n, m), path, &h);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_changed_proof_is_refused(size in 2u64..600, at in any::<u64>(), bit in any::<u16>()) {
            let (tree, leaves) = tree(size);
            let index = at % size;
            let Ok(top) = root(&tree, size);
            let Ok(mut path) = prove_inclusion(&tree, index, size);
            let leaf = leaves[usize::try_from(index).unwrap()];
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &path, &top), Ok(()));
            let hash = usize::from(bit) % path.len();
            path[hash].0[usize::from(bit >> 8) % 32] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &path, &top), Err(ProofError::Mismatch));
        }

        #[test]
        fn growth_is_proved_and_a_changed_proof_refused(new in 2u64..600, at in any::<u64>(), bit in any::<u16>()) {
            let (tree, _) = tree(new);
            let old = 1 + at % (new - 1);
            let (Ok(a), Ok(b)) = (root(&tree, old), root(&tree, new));
            let Ok(mut path) = prove_consistency(&tree, old, new);
            prop_assert_eq!(verify_consistency(old, new, &path, &a, &b), Ok(()));
            let hash = usize::from(bit) % path.len();
            path[hash].0[usize::from(bit >> 8) % 32] ^= 1 << (bit % 8);
            prop_assert!(verify_consistency(old, new, &path, &a, &b).is_err());
        }
    }
}
