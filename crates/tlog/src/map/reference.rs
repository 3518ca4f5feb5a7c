//! The map as the document defines it, slowly: what the tree and its proofs are compared with.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::node::Item;
use crate::{entry::Label, hash::Hash};

fn sha(parts: &[&[u8]]) -> Hash {
    Hash(Sha256::digest(parts.concat()).into())
}

fn next_bit(label: &Label, depth: usize) -> bool {
    label[depth / 8] >> (7 - depth % 8) & 1 == 1
}

fn divided(items: &[Item], depth: usize) -> (Vec<Item>, Vec<Item>) {
    items.iter().partition(|item| !next_bit(&item.0, depth))
}

/// Root of labels in whatever order that share `depth` bits.
pub(super) fn root(items: &[Item], depth: usize) -> Hash {
    match items {
        [] => Hash([0; 32]),
        [(label, index)] => sha(&[&[2], label, &index.to_be_bytes()]),
        several => {
            let (left, right) = divided(several, depth);
            sha(&[&[3], &root(&left, depth + 1).0, &root(&right, depth + 1).0])
        }
    }
}

/// The proof stream, written from the recursion in the document.
pub(super) fn proof(items: &[Item], asked: &[Label], depth: usize) -> Vec<u8> {
    let all: Vec<(usize, Label)> = asked.iter().copied().enumerate().collect();
    walk(items, &all, depth)
}

fn walk(items: &[Item], asked: &[(usize, Label)], depth: usize) -> Vec<u8> {
    match (asked, items) {
        ([], _) => root(items, depth).0.to_vec(),
        (_, []) => vec![0],
        (_, [(label, index)]) => match asked.iter().find(|(_, asked)| asked == label) {
            None => [&[1][..], label, &index.to_be_bytes()].concat(),
            Some((position, _)) => {
                let position = u32::try_from(*position).unwrap().to_be_bytes();
                [&[2][..], &index.to_be_bytes(), &position].concat()
            }
        },
        (_, several) => {
            let (left, right) = divided(several, depth);
            let (asked_left, asked_right): (Vec<_>, Vec<_>) =
                asked.iter().partition(|(_, label)| !next_bit(label, depth));
            let left = walk(&left, &asked_left, depth + 1);
            let right = walk(&right, &asked_right, depth + 1);
            [vec![3], left, right].concat()
        }
    }
}

/// Labels of many shapes: random ones, neighbours, long shared prefixes; all begin with `skip` zero bits.
pub(super) fn labels(skip: usize) -> impl Strategy<Value = Label> {
    let places = [0, 1, 2, 7, 8, 30, 129, 200, 253, 254, 255];
    let sparse = proptest::sample::subsequence(places.to_vec(), 0..5).prop_map(|bits| {
        let mut label = [0; 32];
        bits.iter()
            .for_each(|bit: &usize| label[bit / 8] |= 0x80 >> (bit % 8));
        label
    });
    let short = any::<u8>().prop_map(|byte| {
        let mut label = [0x55; 32];
        label[0] = byte;
        label
    });
    let late = any::<u8>().prop_map(|byte| {
        let mut label = [0xaa; 32];
        label[31] = byte;
        label
    });
    let any_shape = prop_oneof![3 => any::<Label>(), 2 => sparse, 1 => short, 1 => late];
    any_shape.prop_map(move |mut label| {
        (0..skip).for_each(|bit| label[bit / 8] &= !(0x80 >> (bit % 8)));
        label
    })
}

/// Some labels, in the order of their indexes.
pub(super) fn items(skip: usize, most: usize) -> impl Strategy<Value = Vec<Item>> {
    let set = proptest::collection::hash_set(labels(skip), 0..most);
    set.prop_map(|labels| labels.into_iter().zip(5..).collect())
}
