//! What is kept so that an earlier version of the tree stays provable.
//!
//! Pins form a chain: each keeps the hashes that changed between it and the
//! next, so a hash at a pin is the first found from that pin on, or the
//! tree's. Labels are not kept: those that came later have higher indexes.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::node::{Item, bit, root_of};
use crate::hash::Hash;

/// A version of the tree.
#[derive(Debug)]
pub(super) struct Pin {
    /// Labels of this version have indexes below.
    pub(super) size: u64,
    /// How many labels it has.
    pub(super) len: u64,
    undo: HashMap<u64, Hash, BuildHasherDefault<Spread>>,
}

/// One number for a node: its prefix behind a leading one.
pub(super) fn key(level: usize, at: usize) -> u64 {
    1 << level | at as u64
}

impl Pin {
    pub(super) fn new(size: u64, len: u64) -> Self {
        Self {
            size,
            len,
            undo: HashMap::default(),
        }
    }

    /// Keeps a node's hash as it was, unless an older one is kept.
    pub(super) fn keep(&mut self, level: usize, at: usize, old: Hash) {
        self.undo.entry(key(level, at)).or_insert(old);
    }

    /// Keeps both halves of a bucket about to be split, if the bucket changed before the next pin.
    pub(super) fn keep_halves(&mut self, level: usize, at: usize, bucket: &[Item], fork: usize) {
        if !self.undo.contains_key(&key(level, at)) {
            return;
        }
        let then = self.filter(bucket);
        let (left, right) = then.split_at(then.partition_point(|item| !bit(&item.0, fork)));
        let halves = [left, right].map(|half| root_of(half, fork + 1));
        for (side, root) in halves.into_iter().enumerate() {
            self.undo.insert(key(level + 1, at * 2 + side), root);
        }
    }

    /// Takes over what the next pin kept.
    pub(super) fn absorb(&mut self, next: Self) {
        for (key, hash) in next.undo {
            self.undo.entry(key).or_insert(hash);
        }
    }

    /// The labels of a bucket that this version has.
    pub(super) fn filter<'a>(&self, bucket: &'a [Item]) -> Cow<'a, [Item]> {
        if bucket.iter().all(|item| item.1 < self.size) {
            return Cow::Borrowed(bucket);
        }
        bucket
            .iter()
            .filter(|item| item.1 < self.size)
            .copied()
            .collect()
    }

    pub(super) fn kept_hash(&self, key: u64) -> Option<Hash> {
        self.undo.get(&key).copied()
    }

    /// Hashes kept.
    pub(super) fn kept(&self) -> usize {
        self.undo.len()
    }
}

/// Spreads node numbers over a table by one multiplication: they are no secret, and whoever chose
/// labels to collide would only make his own log slow.
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}
