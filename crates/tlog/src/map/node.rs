//! Hashes of the map: of a label, of a node, and of what stands above a few sorted labels.
//!
//! Rule: `docs/trace.md`, The map.

use crate::{
    entry::Label,
    hash::{Hash, digest, pair_hash},
};

/// A label and the index of the entry it stands in: 40 bytes.
pub(super) type Item = (Label, u64);

/// Root of no label.
pub const EMPTY: Hash = Hash([0; 32]);

/// First byte of what is hashed for a label.
const LEAF: u8 = 2;
/// First byte of what is hashed for a node.
const NODE: u8 = 3;

/// What a subtree is seen as from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// No label.
    Empty,
    /// A single label: its leaf's hash, at whatever depth.
    One(Hash),
    /// Several labels.
    Many(Hash),
}

impl Node {
    /// The root of a subtree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::One(hash) | Self::Many(hash) => *hash,
        }
    }

    /// The subtree above two: `left` holds the labels whose next bit is 0.
    #[must_use]
    pub fn combine(left: &Self, right: &Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (Self::Empty, Self::One(one)) | (Self::One(one), Self::Empty) => Self::One(*one),
            _ => Self::Many(node(&left.hash(), &right.hash())),
        }
    }
}

/// `SHA-256(0x02 ‖ label ‖ index)`: one block.
///
/// Padded here, as in [`pair_hash`].
#[must_use]
pub fn leaf(label: &Label, index: u64) -> Hash {
    let mut block = [0; 64];
    block[0] = LEAF;
    block[1..33].copy_from_slice(label);
    block[33..41].copy_from_slice(&index.to_be_bytes());
    block[41] = 0x80;
    block[62..].copy_from_slice(&(41u16 * 8).to_be_bytes());
    digest(&[block])
}

/// `SHA-256(0x03 ‖ left ‖ right)`: two blocks.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    pair_hash(NODE, left, right)
}

/// Bit `depth` of a label, from the highest of its first byte on; beyond the last, 0.
pub(super) fn bit(label: &Label, depth: usize) -> bool {
    let byte = label.get(depth / 8).copied().unwrap_or(0);
    byte << (depth % 8) & 0x80 != 0
}

/// Bits that two labels share before they first differ; 256 when they are equal.
pub(super) fn shared(a: &Label, b: &Label) -> usize {
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let mut bits = 0;
    for (a, b) in words {
        let differ = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
        bits += differ.leading_zeros() as usize;
        if differ != 0 {
            break;
        }
    }
    bits
}

/// The root at `depth` of sorted labels that share their first `depth` bits.
pub(super) fn root_of(items: &[Item], depth: usize) -> Hash {
    let (first, last) = match items {
        [] => return EMPTY,
        [one] => return leaf(&one.0, one.1),
        [first, .., last] => (first, last),
    };
    // Equal labels cannot be; stopping at the last bit keeps the recursion below 256 even so.
    let fork = shared(&first.0, &last.0).min(255).max(depth);
    let (left, right) = items.split_at(items.partition_point(|item| !bit(&item.0, fork)));
    let mut root = node(&root_of(left, fork + 1), &root_of(right, fork + 1));
    for above in (depth..fork).rev() {
        root = match bit(&first.0, above) {
            false => node(&root, &EMPTY),
            true => node(&EMPTY, &root),
        };
    }
    root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    proptest! {
        #[test]
        fn hashes_are_sha_256_of_what_the_document_says(
            label: [u8; 32], index: u64, left: [u8; 32], right: [u8; 32],
        ) {
            let bytes = [&[2][..], &label, &index.to_be_bytes()].concat();
            prop_assert_eq!(leaf(&label, index).0, <[u8; 32]>::from(Sha256::digest(bytes)));
            let bytes = [&[3][..], &left, &right].concat();
            prop_assert_eq!(node(&Hash(left), &Hash(right)).0, <[u8; 32]>::from(Sha256::digest(bytes)));
        }

        #[test]
        fn shared_bits_are_equal_and_the_next_differs(a: [u8; 32], flip in 0usize..256, noise: [u8; 32]) {
            let mut b = a;
            b[flip / 8] ^= 0x80 >> (flip % 8);
            for later in flip + 1..256 {
                if bit(&noise, later) {
                    b[later / 8] ^= 0x80 >> (later % 8);
                }
            }
            prop_assert_eq!(shared(&a, &b), flip);
            prop_assert!(bit(&a, flip) != bit(&b, flip));
            prop_assert!((0..flip).all(|at| bit(&a, at) == bit(&b, at)));
            prop_assert_eq!(shared(&a, &a), 256);
        }
    }
}
