//! The map in memory: an authenticated trie of labels, made for speed and few bytes.
//!
//! Rule: `docs/trace.md`, The map. Labels are close to uniformly random, so
//! sorted buckets of about [`LOAD`] labels lie beneath a perfect binary tree
//! of hashes. A bucket's root is computed anew when it is touched. Buckets
//! are split one by one, in order of their prefixes, as labels arrive (linear
//! hashing), so that growing neither halts the log nor needs twice the memory.
//!
//! Earlier versions can be pinned: labels only ever arrive, with rising
//! indexes, so a bucket as it was is the bucket without what came later, and
//! of the nodes above only their old hashes are kept.
//!
//! Proof streams belong to `proof`, files to `journal`.

use std::{borrow::Cow, collections::VecDeque, mem, ops::Range};

use super::{
    node::{EMPTY, Item, Node, bit, leaf, node, root_of},
    pin::{Pin, key},
};
use crate::{entry::Label, hash::Hash, parts::in_parts};

/// Labels in a bucket, on average.
const LOAD: u64 = 4;
/// Nodes a thread should have to hash before it is worth starting.
const SHARE: usize = 2_048;
/// Hashes of earlier versions kept, unless told otherwise: about 90 bytes each.
const UNDO_LIMIT: usize = 4_000_000;

/// Two siblings: what is read to hash their parent lies in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Pair([Hash; 2]);

/// Sorted by label; exactly as long as it must be.
type Bucket = Box<[Item]>;

/// The map of a log, or the part of it whose labels share their first bits.
#[derive(Debug)]
pub struct Tree {
    /// Bits that all labels share and that are not part of this tree.
    skip: usize,
    len: u64,
    /// One past the highest index inserted.
    end: u64,
    /// Buckets from `split` on lie at this level, those before were split: their halves lie one below.
    depth: usize,
    split: usize,
    /// Level `depth`: one for each prefix, those before `split` empty.
    whole: Vec<Bucket>,
    /// Level `depth + 1`: two for each prefix before `split`.
    halves: Vec<Bucket>,
    root: Hash,
    /// Levels 1 to `depth + 1`, the last as far as `halves` goes.
    levels: Vec<Vec<Pair>>,
    /// Oldest first; sizes rise.
    pins: VecDeque<Pin>,
    undo_limit: usize,
    threads: usize,
}

/// The buckets touched by a batch, ascending: those at the lower level lie before those at the upper.
#[derive(Default)]
struct Touched {
    halves: Vec<usize>,
    whole: Vec<usize>,
}

impl Tree {
    /// An empty tree. All labels it will be given must share their first `skip_bits` bits.
    #[must_use]
    pub fn new(skip_bits: u8) -> Self {
        Self {
            skip: usize::from(skip_bits),
            len: 0,
            end: 0,
            depth: 0,
            split: 0,
            whole: vec![Bucket::default()],
            halves: Vec::new(),
            root: EMPTY,
            levels: vec![Vec::new()],
            pins: VecDeque::new(),
            undo_limit: UNDO_LIMIT,
            threads: 1,
        }
    }

    /// Hashes large batches with this many threads; one unless told otherwise.
    pub fn set_threads(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// Labels in the tree.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One past the highest index of a label.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The root of the labels in the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The root with what is needed to combine it with that of other parts: it stands at depth `skip_bits`.
    #[must_use]
    pub fn sub_root(&self) -> Node {
        match self.len {
            0 => Node::Empty,
            1 => Node::One(self.root),
            _ => Node::Many(self.root),
        }
    }

    /// The index of the entry in which a label stands.
    #[must_use]
    pub fn get(&self, label: &Label) -> Option<u64> {
        let (level, at) = self.place(label);
        let bucket = self.bucket(level, at)?;
        let found = bucket.binary_search_by(|item| item.0.cmp(label)).ok()?;
        bucket.get(found).map(|item| item.1)
    }

    /// Inserts labels with their indexes, sorting `batch`, and gives back those that were in the tree
    /// already or stand in the batch before, sorted: of a label, the lowest index of a batch stays.
    ///
    /// Pins of a size beyond an index inserted are dropped, since that version is no more.
    pub fn insert_batch(&mut self, batch: &mut [(Label, u64)]) -> Vec<(Label, u64)> {
        let lowest = batch.iter().map(|item| item.1).min();
        while let (Some(pin), Some(lowest)) = (self.pins.back(), lowest) {
            if pin.size <= lowest {
                break;
            }
            self.unpin(pin.size);
        }
        let (touched, refused) = self.put(batch);
        self.rehash(touched);
        self.bound_undo();
        refused
    }

    /// Puts labels into their buckets and leaves all hashes as they were.
    fn put(&mut self, batch: &mut [Item]) -> (Touched, Vec<Item>) {
        // The first words nearly always differ, and are compared faster than whole labels.
        batch.sort_unstable_by(|a, b| {
            first_word(&a.0)
                .cmp(&first_word(&b.0))
                .then_with(|| a.cmp(b))
        });
        // First, so that no bucket takes many at once while there are few buckets.
        self.grow(self.len.saturating_add(batch.len() as u64));
        let mut touched = Touched::default();
        let mut refused = Vec::new();
        let mut rest: &[Item] = batch;
        while let Some((label, _)) = rest.first() {
            let (level, at) = self.place(label);
            let here = rest
                .iter()
                .take_while(|item| self.place(&item.0) == (level, at));
            let (here, later) = rest.split_at(here.count().max(1));
            rest = later;
            let (buckets, list) = match level == self.depth {
                true => (&mut self.whole, &mut touched.whole),
                false => (&mut self.halves, &mut touched.halves),
            };
            if let Some(bucket) = buckets.get_mut(at) {
                self.len += merge(bucket, here, &mut refused);
                list.push(at);
            }
            let highest = here.iter().map(|item| item.1).max().unwrap_or(0);
            self.end = self.end.max(highest.saturating_add(1));
        }
        (touched, refused)
    }

    /// Hashes touched buckets and all that lies above them, each once.
    fn rehash(&mut self, touched: Touched) {
        let mut list = touched.halves;
        self.renew(self.depth + 1, &list);
        list.iter_mut().for_each(|at| *at /= 2);
        list.dedup();
        list.extend(touched.whole);
        for level in (0..=self.depth).rev() {
            self.renew(level, &list);
            list.iter_mut().for_each(|at| *at /= 2);
            list.dedup();
        }
    }

    /// Computes nodes of a level from what lies beneath.
    fn renew(&mut self, level: usize, list: &[usize]) {
        let hash = |list: &[usize]| -> Vec<Hash> {
            let now = self.now();
            list.iter().map(|at| now.fresh(level, *at)).collect()
        };
        let fresh = in_parts(self.threads, SHARE, list, hash);
        for (at, hash) in list.iter().zip(fresh.into_iter().flatten()) {
            let Some(slot) = slot(&mut self.root, &mut self.levels, level, *at) else {
                continue;
            };
            let old = mem::replace(slot, hash);
            if let Some(pin) = self.pins.back_mut() {
                pin.keep(level, *at, old);
            }
        }
    }

    /// Splits buckets until they are small enough on average for so many labels.
    fn grow(&mut self, labels: u64) {
        // Fifty levels are more than memory holds; the deepest bucket still needs a bit to lie above.
        let most = 50.min(255_usize.saturating_sub(self.skip));
        while self.depth < most && LOAD * ((self.whole.len() + self.split) as u64) < labels {
            self.split_next();
        }
    }

    fn split_next(&mut self) {
        let (at, fork) = (self.split, self.skip + self.depth);
        let Some(bucket) = self.whole.get_mut(at).map(mem::take) else {
            return;
        };
        for pin in &mut self.pins {
            pin.keep_halves(self.depth, at, &bucket, fork);
        }
        let (left, right) = bucket.split_at(bucket.partition_point(|item| !bit(&item.0, fork)));
        let pair = Pair([root_of(left, fork + 1), root_of(right, fork + 1)]);
        self.halves.push(left.into());
        self.halves.push(right.into());
        if let Some(level) = self.levels.last_mut() {
            level.push(pair);
        }
        self.split += 1;
        if self.split == self.whole.len() {
            self.next_round();
        }
    }

    /// All buckets are split: their halves are the whole ones of the next level.
    fn next_round(&mut self) {
        self.depth += 1;
        self.split = 0;
        self.whole = mem::take(&mut self.halves);
        // Set aside at once and filled from the front: nothing is copied, and memory is taken page by page.
        self.halves = Vec::with_capacity(2 * self.whole.len());
        self.levels.push(Vec::with_capacity(self.whole.len()));
    }

    /// Level and number of a label's bucket.
    fn place(&self, label: &Label) -> (usize, usize) {
        let at = bits(label, self.skip, self.depth);
        if at < self.split {
            (self.depth + 1, bits(label, self.skip, self.depth + 1))
        } else {
            (self.depth, at)
        }
    }

    /// The bucket at a place, if there is one at that level.
    fn bucket(&self, level: usize, at: usize) -> Option<&[Item]> {
        let bucket = if level == self.depth && at >= self.split {
            self.whole.get(at)
        } else if level == self.depth + 1 {
            self.halves.get(at)
        } else {
            None
        };
        bucket.map(AsRef::as_ref)
    }

    /// The map as it is.
    pub(super) fn now(&self) -> View<'_> {
        View {
            tree: self,
            pin: self.pins.len(),
        }
    }

    /// The map as it was when it was pinned.
    pub(super) fn then(&self, size: u64) -> Option<View<'_>> {
        let pin = self.pins.iter().position(|pin| pin.size == size)?;
        Some(View { tree: self, pin })
    }

    /// Bits that are not part of this tree.
    pub(super) fn skip(&self) -> usize {
        self.skip
    }

    /// Keeps the map as it is now provable under the name `size`, while it goes on.
    ///
    /// `size` is that of the map (of the log's entries in it): no label has an index of `size` or beyond, and
    /// those to come have none below. Answers whether that is so up to now, and `size` is not below an older pin's.
    pub fn pin(&mut self, size: u64) -> bool {
        if size < self.end || self.pins.back().is_some_and(|pin| size < pin.size) {
            return false;
        }
        if self.pins.back().is_none_or(|pin| size != pin.size) {
            self.pins.push_back(Pin::new(size, self.len));
        }
        true
    }

    /// Forgets a pin; whether there was one.
    pub fn unpin(&mut self, size: u64) -> bool {
        let Some(at) = self.pins.iter().position(|pin| pin.size == size) else {
            return false;
        };
        let Some(gone) = self.pins.remove(at) else {
            return false;
        };
        // What changed between this pin and the next also changed since the one before.
        if let Some(older) = at.checked_sub(1).and_then(|at| self.pins.get_mut(at)) {
            older.absorb(gone);
        }
        true
    }

    /// Sizes that are pinned, rising.
    pub fn pinned(&self) -> impl Iterator<Item = u64> {
        self.pins.iter().map(|pin| pin.size)
    }

    /// Number of labels and root of a pinned map.
    #[must_use]
    pub fn pinned_root(&self, size: u64) -> Option<(u64, Hash)> {
        let then = self.then(size)?;
        let labels = self.pins.get(then.pin)?.len;
        Some((labels, then.hash(0, 0)))
    }

    /// Bounds the hashes kept for pins, all together: beyond it the oldest pins are dropped.
    pub fn set_undo_limit(&mut self, hashes: usize) {
        self.undo_limit = hashes;
    }

    fn bound_undo(&mut self) {
        while self.pins.iter().map(Pin::kept).sum::<usize>() > self.undo_limit {
            self.pins.pop_front();
        }
    }
}

/// Fills a tree with many labels and hashes once, at the end.
#[derive(Debug)]
pub struct Builder {
    tree: Tree,
}

impl Builder {
    /// For about `expected` labels, which share their first `skip_bits` bits.
    #[must_use]
    pub fn new(skip_bits: u8, expected: u64) -> Self {
        let mut tree = Tree::new(skip_bits);
        tree.grow(expected);
        Self { tree }
    }

    /// As [`Tree::insert_batch`]. Batches of a million or more are faster.
    pub fn insert_batch(&mut self, batch: &mut [(Label, u64)]) -> Vec<(Label, u64)> {
        self.tree.put(batch).1
    }

    /// Hashes everything with so many threads.
    #[must_use]
    pub fn finish(mut self, threads: usize) -> Tree {
        self.tree.set_threads(threads);
        let mut list: Vec<usize> = (0..self.tree.halves.len()).collect();
        self.tree.renew(self.tree.depth + 1, &list);
        list.clear();
        list.extend(0..self.tree.whole.len());
        for level in (0..=self.tree.depth).rev() {
            list.truncate(1 << level);
            self.tree.renew(level, &list);
        }
        self.tree.set_threads(1);
        self.tree
    }
}

/// A tree at some version.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    tree: &'a Tree,
    /// Which pin; one past the last for the tree as it is.
    pin: usize,
}

impl<'a> View<'a> {
    /// The root of a subtree: the one at `level` levels below this tree's root with `at` before it.
    pub(super) fn hash(&self, level: usize, at: usize) -> Hash {
        let mut kept = self.tree.pins.range(self.pin..);
        let kept = kept.find_map(|pin| pin.kept_hash(key(level, at)));
        kept.or_else(|| self.tree.hash(level, at)).unwrap_or(EMPTY)
    }

    /// The labels of a bucket, if that is where the bucket is.
    pub(super) fn bucket(&self, level: usize, at: usize) -> Option<Cow<'a, [Item]>> {
        let bucket = self.tree.bucket(level, at)?;
        Some(match self.tree.pins.get(self.pin) {
            None => Cow::Borrowed(bucket),
            Some(pin) => pin.filter(bucket),
        })
    }

    /// The label of a subtree that has only one.
    pub(super) fn only(&self, mut level: usize, mut at: usize) -> Option<Item> {
        loop {
            if let Some(bucket) = self.bucket(level, at) {
                return match *bucket {
                    [one] => Some(one),
                    _ => None,
                };
            }
            (level, at) = (level + 1, at * 2);
            match [self.hash(level, at), self.hash(level, at + 1)].map(|hash| hash == EMPTY) {
                [false, true] => {}
                [true, false] => at += 1,
                _ => return None,
            }
        }
    }

    /// The root of a subtree computed from the level beneath or from the bucket.
    fn fresh(&self, level: usize, at: usize) -> Hash {
        if let Some(bucket) = self.bucket(level, at) {
            return root_of(&bucket, self.tree.skip + level);
        }
        let (left, right) = (
            self.hash(level + 1, at * 2),
            self.hash(level + 1, at * 2 + 1),
        );
        if left != EMPTY && right != EMPTY {
            return node(&left, &right);
        }
        if left == right {
            return EMPTY;
        }
        match self.only(level, at) {
            Some((label, index)) => leaf(&label, index),
            None => node(&left, &right),
        }
    }
}

impl Tree {
    fn hash(&self, level: usize, at: usize) -> Option<Hash> {
        match level.checked_sub(1) {
            None => Some(self.root),
            Some(above) => Some(self.levels.get(above)?.get(at / 2)?.0[at % 2]),
        }
    }
}

/// Where the hash of a node is kept.
fn slot<'a>(
    root: &'a mut Hash,
    levels: &'a mut [Vec<Pair>],
    level: usize,
    at: usize,
) -> Option<&'a mut Hash> {
    match level.checked_sub(1) {
        None => Some(root),
        Some(above) => Some(&mut levels.get_mut(above)?.get_mut(at / 2)?.0[at % 2]),
    }
}

/// As [`merge`], for the label alone that comes to most buckets.
fn merge_one(bucket: &mut Bucket, item: &Item, refused: &mut Vec<Item>) -> u64 {
    match bucket.binary_search_by(|old| old.0.cmp(&item.0)) {
        Ok(_) => {
            refused.push(*item);
            0
        }
        Err(at) => {
            let mut all = mem::take(bucket).into_vec();
            all.reserve_exact(1);
            all.insert(at, *item);
            *bucket = all.into_boxed_slice();
            1
        }
    }
}

/// Puts sorted labels among those of a bucket; how many were new.
fn merge(bucket: &mut Bucket, items: &[Item], refused: &mut Vec<Item>) -> u64 {
    if let [item] = items {
        return merge_one(bucket, item, refused);
    }
    let mut fresh = Vec::with_capacity(items.len());
    for item in items {
        let known = bucket.binary_search_by(|old| old.0.cmp(&item.0)).is_ok();
        if known || fresh.last().is_some_and(|last: &Item| last.0 == item.0) {
            refused.push(*item);
        } else {
            fresh.push(*item);
        }
    }
    let mut all = mem::take(bucket).into_vec();
    all.reserve_exact(fresh.len());
    if fresh.len() <= 4 {
        for item in &fresh {
            let at = all.partition_point(|old| old.0 < item.0);
            all.insert(at, *item);
        }
    } else {
        // Two sorted runs: this sort joins them in linear time.
        all.extend_from_slice(&fresh);
        all.sort();
    }
    *bucket = all.into_boxed_slice();
    fresh.len() as u64
}

fn first_word(label: &Label) -> u64 {
    label
        .first_chunk()
        .map_or(0, |word| u64::from_be_bytes(*word))
}

/// `count` bits (at most 64) of a label from bit `from` on, as a number.
fn bits(label: &Label, from: usize, count: usize) -> usize {
    let mut window = [0; 16];
    let Range { start, end } = from / 8..(from / 8 + 16).min(label.len());
    for (to, byte) in window.iter_mut().zip(label.get(start..end).unwrap_or(&[])) {
        *to = *byte;
    }
    let window = u128::from_be_bytes(window) << (from % 8);
    match count {
        0 => 0,
        _ => usize::try_from(window >> (128 - count.min(64))).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::map::{proof, reference};

    fn cut<'a>(items: &'a [Item], cuts: &[usize]) -> Vec<&'a [Item]> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (items.len() + 1)).collect();
        cuts.extend([0, items.len()]);
        cuts.sort_unstable();
        cuts.windows(2)
            .map(|pair| &items[pair[0]..pair[1]])
            .collect()
    }

    /// Random labels, always the same.
    fn many(count: u64) -> Vec<Item> {
        let label = |index: u64| crate::leaf_hash(&index.to_be_bytes()).0;
        (0..count).map(|index| (label(index), index)).collect()
    }

    fn check_all_nodes(tree: &Tree) {
        let now = tree.now();
        for level in 0..=tree.depth {
            for at in 0..1 << level {
                assert_eq!(now.hash(level, at), now.fresh(level, at), "{level} {at}");
            }
        }
        for at in 0..tree.halves.len() {
            let level = tree.depth + 1;
            assert_eq!(now.hash(level, at), now.fresh(level, at), "{level} {at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_into_batches_gives_the_root_of_the_definition(
            items in reference::items(0, 150), cuts in proptest::collection::vec(any::<usize>(), 0..8),
        ) {
            let mut tree = Tree::new(0);
            let mut known = 0;
            for part in cut(&items, &cuts) {
                let mut batch = part.to_vec();
                batch.reverse();
                prop_assert_eq!(tree.insert_batch(&mut batch), vec![]);
                known += part.len();
                prop_assert_eq!(tree.root(), reference::root(&items[..known], 0));
                prop_assert_eq!(tree.len(), known as u64);
            }
            for (label, index) in &items {
                prop_assert_eq!(tree.get(label), Some(*index));
            }
            check_all_nodes(&tree);
            let mut builder = Builder::new(0, 30);
            for part in cut(&items, &cuts) {
                builder.insert_batch(&mut part.to_vec());
            }
            let built = builder.finish(2);
            prop_assert_eq!(built.root(), tree.root());
            check_all_nodes(&built);
        }

        #[test]
        fn parts_by_prefix_combine_to_the_whole(items in reference::items(0, 150), bits in 1u8..4) {
            let prefix = |label: &Label| label[0] >> (8 - bits);
            let mut parts: Vec<Node> = (0..1u8 << bits).map(|part| {
                let mut tree = Tree::new(bits);
                let mut batch: Vec<Item> = items.iter().filter(|item| prefix(&item.0) == part).copied().collect();
                tree.insert_batch(&mut batch);
                tree.sub_root()
            }).collect();
            while parts.len() > 1 {
                parts = parts.chunks(2).map(|pair| Node::combine(&pair[0], &pair[1])).collect();
            }
            prop_assert_eq!(parts[0].hash(), reference::root(&items, 0));
        }

        #[test]
        fn deep_parts_give_the_root_at_their_depth(items in reference::items(255, 3), deep in reference::items(131, 120)) {
            for (skip, items) in [(255, items), (131, deep)] {
                let mut tree = Tree::new(skip);
                tree.insert_batch(&mut items.clone());
                prop_assert_eq!(tree.root(), reference::root(&items, usize::from(skip)));
                prop_assert!(items.iter().all(|item| tree.get(&item.0) == Some(item.1)));
            }
        }

        #[test]
        fn of_repeated_labels_the_first_stays_and_the_others_come_back(
            first in reference::items(0, 60), second in reference::items(0, 60),
        ) {
            let mut tree = Tree::new(0);
            tree.insert_batch(&mut first.clone());
            let mut batch: Vec<Item> = second.iter().map(|item| (item.0, item.1 + 1000)).collect();
            batch.extend(first.iter().map(|item| (item.0, 2000)));
            batch.extend(second.iter().map(|item| (item.0, 3000)));
            let refused = tree.insert_batch(&mut batch);
            let all: std::collections::BTreeMap<Label, u64> =
                second.iter().map(|item| (item.0, item.1 + 1000)).chain(first.iter().copied()).collect();
            let kept: Vec<Item> = all.iter().map(|(label, index)| (*label, *index)).collect();
            prop_assert_eq!(tree.root(), reference::root(&kept, 0));
            prop_assert_eq!(refused.len() + kept.len(), 2 * first.len() + 2 * second.len());
            prop_assert_eq!(tree.len(), kept.len() as u64);
        }

        #[test]
        fn pinned_versions_stay_as_they_were_while_the_tree_goes_on(
            items in reference::items(0, 150),
            cuts in proptest::collection::vec(any::<usize>(), 0..8),
            asked in proptest::collection::btree_set(reference::labels(0), 0..8),
            dropped in any::<proptest::sample::Index>(),
        ) {
            let asked: Vec<Label> = asked.into_iter().chain(items.iter().map(|item| item.0).step_by(9))
                .collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let mut tree = Tree::new(0);
            let mut versions = Vec::new();
            for part in cut(&items, &cuts) {
                tree.insert_batch(&mut part.to_vec());
                // Indexes begin at 5.
                let size = tree.end().max(5);
                prop_assert!(tree.pin(size));
                versions.push((size, items.iter().filter(|item| item.1 < size).count()));
            }
            versions.dedup();
            let gone = versions.remove(dropped.index(versions.len())).0;
            prop_assert!(tree.unpin(gone));
            prop_assert!(!tree.unpin(gone));
            prop_assert_eq!(tree.pinned_root(gone), None);
            for (size, len) in versions {
                let then = &items[..len];
                let root = reference::root(then, 0);
                prop_assert_eq!(tree.pinned_root(size), Some((len as u64, root)));
                let proof = proof::prove_pinned(&tree, size, &asked).unwrap();
                prop_assert_eq!(&proof, &reference::proof(then, &asked, 0));
            }
        }
    }

    #[test]
    fn grows_by_thousands_and_keeps_every_node_right() {
        let items = many(6_000);
        let mut tree = Tree::new(0);
        tree.set_threads(3);
        for batch in items.chunks(1_700) {
            assert!(tree.pin(tree.end()));
            tree.insert_batch(&mut batch.to_vec());
            check_all_nodes(&tree);
        }
        assert_eq!(tree.root(), reference::root(&items, 0));
        assert!(
            tree.depth >= 9 && tree.split > 0,
            "{} {}",
            tree.depth,
            tree.split
        );
        let asked: Vec<Label> = tree
            .whole
            .iter()
            .flatten()
            .map(|item| item.0)
            .step_by(7)
            .collect();
        for size in [0u64, 1_700, 3_400, 5_100] {
            let then = &items[..usize::try_from(size).unwrap()];
            let proof = proof::prove_pinned(&tree, size, &asked).unwrap();
            assert_eq!(proof, reference::proof(then, &asked, 0), "{size}");
        }
        let mut builder = Builder::new(0, 100_000);
        for batch in items.chunks(1_000) {
            builder.insert_batch(&mut batch.to_vec());
        }
        let built = builder.finish(2);
        assert_eq!(built.root(), tree.root());
        check_all_nodes(&built);
    }

    #[test]
    fn a_pin_with_too_much_behind_it_is_dropped_oldest_first() {
        let items = many(3_000);
        let mut tree = Tree::new(0);
        tree.insert_batch(&mut items[..2_000].to_vec());
        assert!(tree.pin(2_000));
        tree.insert_batch(&mut items[2_000..2_050].to_vec());
        assert!(tree.pin(2_050));
        assert_eq!(tree.pinned().collect::<Vec<_>>(), [2_000, 2_050]);
        tree.insert_batch(&mut items[2_050..2_060].to_vec());
        tree.set_undo_limit(tree.pins.iter().map(Pin::kept).sum());
        tree.insert_batch(&mut []);
        assert_eq!(tree.pinned().collect::<Vec<_>>(), [2_000, 2_050]);
        tree.insert_batch(&mut items[2_060..2_070].to_vec());
        assert_eq!(tree.pinned().collect::<Vec<_>>(), [2_050]);
        assert_eq!(
            tree.pinned_root(2_050).unwrap().1,
            reference::root(&items[..2_050], 0)
        );
        tree.insert_batch(&mut items[2_070..].to_vec());
        assert_eq!(tree.pinned().count(), 0);
    }

    #[test]
    fn refuses_a_pin_that_would_not_hold_and_drops_one_that_does_not() {
        let items = many(100);
        let mut tree = Tree::new(0);
        tree.insert_batch(&mut items[..50].to_vec());
        assert!(!tree.pin(49));
        assert!(tree.pin(50));
        assert!(tree.pin(80));
        assert!(!tree.pin(60));
        tree.insert_batch(&mut items[60..70].to_vec());
        assert_eq!(tree.pinned().collect::<Vec<_>>(), [50]);
        assert_eq!(
            tree.pinned_root(50),
            Some((50, reference::root(&items[..50], 0)))
        );
    }

    #[test]
    fn labels_that_share_all_but_their_last_bits_are_slow_but_right() {
        let mut items: Vec<Item> = (0..20_000u64)
            .map(|index| {
                let mut label = [0xee; 32];
                label[24..].copy_from_slice(&index.to_be_bytes());
                (label, index)
            })
            .collect();
        let mut tree = Tree::new(0);
        tree.insert_batch(&mut items);
        assert_eq!(tree.root(), reference::root(&items, 0));
        assert!(items.iter().all(|item| tree.get(&item.0) == Some(item.1)));
        check_all_nodes(&tree);
    }

    #[test]
    fn bits_are_taken_from_anywhere() {
        let mut label = [0; 32];
        label[0] = 0b0000_0110;
        label[31] = 0b0101_1011;
        let rows = [
            (0, 0, 0),
            (5, 2, 3),
            (0, 7, 3),
            (0, 64, 6 << 56),
            (252, 4, 11),
            (255, 1, 1),
        ];
        for (from, count, expected) in rows {
            assert_eq!(bits(&label, from, count), expected, "{from} {count}");
        }
    }
}
