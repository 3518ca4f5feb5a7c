//! Proofs that labels are in the map, or are not.
//!
//! Rule: `docs/trace.md`, Proof of labels in a map. [`prove`] needs the tree,
//! [`verify`] the root alone.

use std::ops::Range;

use super::{
    node::{EMPTY, Item, bit, leaf, node, root_of, shared},
    tree::{Tree, View},
};
use crate::{entry::Label, hash::Hash};

const NOTHING: u8 = 0;
const OTHER: u8 = 1;
const FOUND: u8 = 2;
const FORK: u8 = 3;

/// Why a proof was not made or not believed. Places count the proof's bytes from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapProofError {
    /// The labels asked for must be sorted ascending, without repetition, and fewer than 2^32.
    #[error("the labels asked for are not sorted, or repeated, or too many")]
    NotSorted,
    /// No version of that size is pinned (any more).
    #[error("the map of size {size} is not kept")]
    NotKept {
        /// The size asked for.
        size: u64,
    },
    /// The proof ends too early.
    #[error("the map proof ends at byte {at}, where more is due")]
    Short {
        /// Where more was due.
        at: usize,
    },
    /// Bytes are left over.
    #[error("the map proof goes on beyond its end at byte {at}")]
    Long {
        /// Where it should have ended.
        at: usize,
    },
    /// A byte that begins no part of a proof.
    #[error("the map proof has an unknown byte at {at}")]
    Unknown {
        /// Where.
        at: usize,
    },
    /// A node below the last bit of a label.
    #[error("the map proof is deeper than a label at byte {at}")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// Another's leaf whose label is asked for, or does not belong where it stands.
    #[error("the map proof has a leaf out of place at byte {at}")]
    Misplaced {
        /// Where.
        at: usize,
    },
    /// The position of a leaf is not among the labels asked for there.
    #[error("the map proof names a label not asked for at byte {at}")]
    Position {
        /// Where.
        at: usize,
    },
    /// The proof leads to another root.
    #[error("the map proof leads to another root")]
    Root,
}

/// Proves of each label that it is in the tree, and where, or that it is not.
///
/// `asked` is sorted ascending without repetition. For a tree of labels that share their first bits, the stream
/// is the part of a whole proof from that depth on.
///
/// # Errors
///
/// [`MapProofError::NotSorted`].
pub fn prove(tree: &Tree, asked: &[Label]) -> Result<Vec<u8>, MapProofError> {
    stream(tree.now(), tree.skip(), asked)
}

/// As [`prove`], of the map as it was when `size` was pinned.
///
/// # Errors
///
/// [`MapProofError::NotKept`] when the pin is gone; [`MapProofError::NotSorted`].
pub fn prove_pinned(tree: &Tree, size: u64, asked: &[Label]) -> Result<Vec<u8>, MapProofError> {
    let then = tree.then(size).ok_or(MapProofError::NotKept { size })?;
    stream(then, tree.skip(), asked)
}

/// What a proof says of each label asked for: the index of the entry it stands in, or that it is absent.
///
/// `asked` is sorted ascending without repetition; `root` is a map root's.
///
/// # Errors
///
/// [`MapProofError`] as the document lists them.
pub fn verify(
    asked: &[Label],
    proof: &[u8],
    root: &Hash,
) -> Result<Vec<Option<u64>>, MapProofError> {
    check_order(asked)?;
    let mut reader = Reader {
        asked,
        proof,
        at: 0,
        found: vec![None; asked.len()],
    };
    let led_to = reader.walk(0, 0..asked.len())?;
    if reader.at != proof.len() {
        return Err(MapProofError::Long { at: reader.at });
    }
    if led_to != *root {
        return Err(MapProofError::Root);
    }
    Ok(reader.found)
}

fn check_order(asked: &[Label]) -> Result<(), MapProofError> {
    let few = u32::try_from(asked.len()).is_ok();
    match few && asked.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(MapProofError::NotSorted),
    }
}

/// Divides labels asked for by bit `depth`.
fn halves(asked: &[Label], under: Range<usize>, depth: usize) -> [Range<usize>; 2] {
    let here = asked.get(under.clone()).unwrap_or(&[]);
    let cut = under.start + here.partition_point(|label| !bit(label, depth));
    [under.start..cut, cut..under.end]
}

fn stream(view: View<'_>, skip: usize, asked: &[Label]) -> Result<Vec<u8>, MapProofError> {
    check_order(asked)?;
    let mut writer = Writer {
        view,
        skip,
        asked,
        out: Vec::new(),
    };
    writer.walk(0, 0, 0..asked.len());
    Ok(writer.out)
}

struct Writer<'a> {
    view: View<'a>,
    skip: usize,
    asked: &'a [Label],
    out: Vec<u8>,
}

impl Writer<'_> {
    /// Writes the walk of the subtree with prefix `at` below `level` levels.
    fn walk(&mut self, level: usize, at: usize, under: Range<usize>) {
        if under.is_empty() {
            return self.out.extend_from_slice(&self.view.hash(level, at).0);
        }
        if let Some(bucket) = self.view.bucket(level, at) {
            return self.walk_items(&bucket, self.skip + level, under);
        }
        if self.view.hash(level, at) == EMPTY {
            return self.out.push(NOTHING);
        }
        if let Some(one) = self.view.only(level, at) {
            return self.leaf(&one, under);
        }
        self.out.push(FORK);
        let [left, right] = halves(self.asked, under, self.skip + level);
        self.walk(level + 1, at * 2, left);
        self.walk(level + 1, at * 2 + 1, right);
    }

    /// The same among the labels of a bucket.
    fn walk_items(&mut self, items: &[Item], depth: usize, under: Range<usize>) {
        if under.is_empty() {
            return self.out.extend_from_slice(&root_of(items, depth).0);
        }
        match items {
            [] => self.out.push(NOTHING),
            [one] => self.leaf(one, under),
            // Labels that differ in no bit cannot be; without this they would be walked for ever.
            _ if depth > 255 => self.out.push(NOTHING),
            several => {
                self.out.push(FORK);
                let cut = several.partition_point(|item| !bit(&item.0, depth));
                let (left, right) = several.split_at(cut);
                let [under_left, under_right] = halves(self.asked, under, depth);
                self.walk_items(left, depth + 1, under_left);
                self.walk_items(right, depth + 1, under_right);
            }
        }
    }

    fn leaf(&mut self, (label, index): &Item, under: Range<usize>) {
        let here = self.asked.get(under.clone()).unwrap_or(&[]);
        match here.binary_search(label) {
            Ok(position) => {
                let position = u32::try_from(under.start + position).unwrap_or(u32::MAX);
                self.out.push(FOUND);
                self.out.extend_from_slice(&index.to_be_bytes());
                self.out.extend_from_slice(&position.to_be_bytes());
            }
            Err(_) => {
                self.out.push(OTHER);
                self.out.extend_from_slice(label);
                self.out.extend_from_slice(&index.to_be_bytes());
            }
        }
    }
}

struct Reader<'a> {
    asked: &'a [Label],
    proof: &'a [u8],
    at: usize,
    found: Vec<Option<u64>>,
}

impl Reader<'_> {
    /// Reads the walk of a subtree and gives its root; at most 257 deep.
    fn walk(&mut self, depth: usize, under: Range<usize>) -> Result<Hash, MapProofError> {
        if under.is_empty() {
            return Ok(Hash(self.take()?));
        }
        let at = self.at;
        let [sort] = self.take()?;
        match sort {
            NOTHING => Ok(EMPTY),
            OTHER => self.other(at, depth, under),
            FOUND => self.own(at, under),
            FORK if depth > 255 => Err(MapProofError::TooDeep { at }),
            FORK => {
                let [left, right] = halves(self.asked, under, depth);
                let left = self.walk(depth + 1, left)?;
                let right = self.walk(depth + 1, right)?;
                Ok(node(&left, &right))
            }
            _ => Err(MapProofError::Unknown { at }),
        }
    }

    /// A leaf whose label nobody asked for, standing where labels asked for would stand.
    fn other(
        &mut self,
        at: usize,
        depth: usize,
        under: Range<usize>,
    ) -> Result<Hash, MapProofError> {
        let label = self.take()?;
        let index = u64::from_be_bytes(self.take()?);
        let here = self.asked.get(under).unwrap_or(&[]);
        // All labels asked for here begin with the bits walked.
        let belongs = here
            .first()
            .is_some_and(|asked| shared(asked, &label) >= depth);
        match belongs && here.binary_search(&label).is_err() {
            true => Ok(leaf(&label, index)),
            false => Err(MapProofError::Misplaced { at }),
        }
    }

    /// The leaf of a label asked for.
    fn own(&mut self, at: usize, under: Range<usize>) -> Result<Hash, MapProofError> {
        let index = u64::from_be_bytes(self.take()?);
        let position = u32::from_be_bytes(self.take()?) as usize;
        let refused = MapProofError::Position { at };
        if !under.contains(&position) {
            return Err(refused);
        }
        let label = self.asked.get(position).ok_or(refused)?;
        *self.found.get_mut(position).ok_or(refused)? = Some(index);
        Ok(leaf(label, index))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MapProofError> {
        let rest = self.proof.get(self.at..).unwrap_or(&[]);
        let (bytes, _) = rest.split_first_chunk().ok_or(MapProofError::Short {
            at: self.proof.len(),
        })?;
        self.at += N;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::map::reference;

    fn sorted(labels: impl IntoIterator<Item = Label>) -> Vec<Label> {
        labels
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    fn tree_of(items: &[Item]) -> Tree {
        let mut tree = Tree::new(0);
        tree.insert_batch(&mut items.to_vec());
        tree
    }

    fn truth(items: &[Item], asked: &[Label]) -> Vec<Option<u64>> {
        let index = |label: &Label| {
            items
                .iter()
                .find(|item| item.0 == *label)
                .map(|item| item.1)
        };
        asked.iter().map(index).collect()
    }

    fn label(first: u8) -> Label {
        let mut label = [0x33; 32];
        label[0] = first;
        label
    }

    /// Four labels in three corners, one corner empty.
    fn small() -> Vec<Item> {
        vec![
            (label(0x10), 4),
            (label(0x80), 5),
            (label(0x81), 9),
            (label(0x18), 12),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn proofs_are_as_the_document_writes_them_and_say_what_is_so(
            items in reference::items(0, 150),
            absent in proptest::collection::vec(reference::labels(0), 0..8),
            step in 1usize..30,
        ) {
            let tree = tree_of(&items);
            let asked = sorted(absent.into_iter().chain(items.iter().map(|item| item.0).step_by(step)));
            let proof = prove(&tree, &asked).unwrap();
            prop_assert_eq!(&proof, &reference::proof(&items, &asked, 0));
            prop_assert_eq!(verify(&asked, &proof, &tree.root()), Ok(truth(&items, &asked)));
        }

        #[test]
        fn no_changed_proof_says_anything_else(
            items in reference::items(0, 40),
            asked in proptest::collection::btree_set(reference::labels(0), 0..4),
            noise in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let tree = tree_of(&items);
            let asked: Vec<Label> = asked.into_iter().collect();
            let mut proof = prove(&tree, &asked).unwrap();
            for (at, byte) in noise {
                let at = at.index(proof.len());
                proof[at] = byte;
            }
            if let Ok(said) = verify(&asked, &proof, &tree.root()) {
                prop_assert_eq!(said, truth(&items, &asked));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            mut proof in proptest::collection::vec(0u8..5, 0..600),
            asked in proptest::collection::btree_set(reference::labels(0), 0..4),
            tail in any::<[u8; 40]>(),
        ) {
            let asked: Vec<Label> = asked.into_iter().collect();
            proof.extend(tail);
            prop_assert!(verify(&asked, &proof, &Hash([1; 32])).is_err());
        }
    }

    #[test]
    fn refuses_every_change_of_one_byte_and_every_cut() {
        let items = small();
        let tree = tree_of(&items);
        let asked = sorted([
            label(0x10),
            label(0x11),
            label(0x80),
            label(0xf0),
            label(0x50),
        ]);
        let proof = prove(&tree, &asked).unwrap();
        assert_eq!(
            verify(&asked, &proof, &tree.root()),
            Ok(truth(&items, &asked))
        );
        for at in 0..proof.len() {
            for change in 1..=255u8 {
                let mut changed = proof.clone();
                changed[at] ^= change;
                assert!(
                    verify(&asked, &changed, &tree.root()).is_err(),
                    "byte {at} ^ {change}"
                );
            }
            let cut = verify(&asked, &proof[..at], &tree.root());
            assert_eq!(cut, Err(MapProofError::Short { at }), "cut at {at}");
        }
        let longer = [&proof[..], &[0]].concat();
        assert_eq!(
            verify(&asked, &longer, &tree.root()),
            Err(MapProofError::Long { at: proof.len() })
        );
    }

    #[test]
    fn refuses_a_leaf_that_does_not_belong_where_it_stands() {
        // The log hides label 0x80 by hanging another's leaf at its place, under a root of its own making.
        let (own, other) = (label(0x80), label(0x18));
        let asked = [own];
        let moved = [&[FORK][..], &[0; 32], &[OTHER], &other, &7u64.to_be_bytes()].concat();
        let root = node(&EMPTY, &leaf(&other, 7));
        assert_eq!(
            verify(&asked, &moved, &root),
            Err(MapProofError::Misplaced { at: 33 })
        );
        // Its own leaf dressed as another's.
        let dressed = [&[OTHER][..], &own, &7u64.to_be_bytes()].concat();
        assert_eq!(
            verify(&asked, &dressed, &leaf(&own, 7)),
            Err(MapProofError::Misplaced { at: 0 })
        );
    }

    #[test]
    fn refuses_a_position_that_is_not_under_the_node() {
        let asked = [label(0x10), label(0x80)];
        let own =
            |position: u32| [&[FOUND][..], &7u64.to_be_bytes(), &position.to_be_bytes()].concat();
        for (left, right) in [(1, 1), (0, 0), (2, 1), (0, u32::MAX)] {
            let proof = [&[FORK][..], &own(left), &own(right)].concat();
            let hash = |position: u32| leaf(&asked[position as usize % 2], 7);
            let root = node(&hash(left), &hash(right));
            let refusal = verify(&asked, &proof, &root);
            assert!(
                matches!(refusal, Err(MapProofError::Position { .. })),
                "{left} {right}"
            );
        }
        let proof = [&[FORK][..], &own(0), &own(1)].concat();
        let root = node(&leaf(&asked[0], 7), &leaf(&asked[1], 7));
        assert_eq!(verify(&asked, &proof, &root), Ok(vec![Some(7), Some(7)]));
    }

    #[test]
    fn refuses_a_node_below_the_last_bit() {
        let asked = [[0; 32]];
        // Deepest that can be: 256 nodes, then two leaves.
        for (nodes, verdict) in [
            (256, Err(MapProofError::Root)),
            (257, Err(MapProofError::TooDeep { at: 256 })),
        ] {
            let mut proof = vec![FORK; nodes];
            proof.push(NOTHING);
            proof.extend([9; 32].repeat(nodes));
            assert_eq!(verify(&asked, &proof, &Hash([1; 32])), verdict, "{nodes}");
        }
    }

    #[test]
    fn refuses_labels_out_of_order_and_versions_not_kept() {
        let tree = tree_of(&small());
        for asked in [[label(2), label(1)], [label(1), label(1)]] {
            assert_eq!(prove(&tree, &asked), Err(MapProofError::NotSorted));
            assert_eq!(verify(&asked, &[0], &EMPTY), Err(MapProofError::NotSorted));
        }
        assert_eq!(
            prove_pinned(&tree, 13, &[]),
            Err(MapProofError::NotKept { size: 13 })
        );
    }
}
