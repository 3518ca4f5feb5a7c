//! The map rebuilt from the labels of the log, and each map root compared with it.
//!
//! Rule: `docs/trace.md`, The map. Parts of the map, by the first bits of a
//! label, are computed one after another and forgotten; of each only the roots
//! it had at the sizes of map roots are kept. Joined, they give the whole map's
//! roots. So memory holds a few parts, whatever the size of the map.
//!
//! Shares hashes of leaves and nodes with `map`, and none of the code that
//! kept the map which is judged here.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use super::{
    AuditError,
    bundle::{RECORD, RootEntry},
    fault::{Fault, Faults, MOST_FAULTS},
    pile::{MOST_BITS, Pile, Piles, first_bits, io_error, number_at},
};
use crate::{
    entry::Label,
    hash::Hash,
    map::{EMPTY, Node, leaf},
};

/// Labels in a part, at most about: 40 bytes of memory each, and 48 for each change of the part's root.
const PART: u64 = 1_000_000;
/// Bytes of a change: epoch, labels, root.
const CHANGE: usize = 48;
/// Bytes of a repetition: first and second entry.
const PAIR: usize = 16;
/// Bytes at the end of a finished part.
const TRAILER: u64 = 40;
/// Changes read at once from one part.
const READ: u64 = 64;

/// A label and the index of the entry it stands in.
type Item = (Label, u64);

/// What is to be compared with what.
pub(super) struct Task<'a> {
    pub(super) piles: &'a Piles,
    /// Map roots whose sizes rise. Labels from the size of one up to that of the next are an epoch.
    pub(super) roots: &'a [RootEntry],
    /// Entries read: part files of another size are not this task's.
    pub(super) size: u64,
    pub(super) threads: usize,
    /// Where finished parts are kept.
    pub(super) dir: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) faults: Faults,
    /// Different labels in the log.
    pub(super) labels: u64,
}

/// A part of the map, finished.
struct Part {
    /// Changes of its root, epoch by epoch.
    changes: Pile,
    count: u64,
    labels: u64,
    /// Labels that stood in it before, all of them.
    repeats: u64,
    /// The first of those: first and second entry.
    listed: Vec<(u64, u64)>,
}

/// The root of a part from an epoch on.
#[derive(Debug, Clone, Copy)]
struct Change {
    epoch: u64,
    labels: u64,
    root: Hash,
}

impl Task<'_> {
    /// Builds all parts and joins them; `step` is told how many of how many are done.
    pub(super) fn run(
        &self,
        mut step: impl FnMut(u64, u64) -> Result<(), AuditError>,
    ) -> Result<Outcome, AuditError> {
        if let Some(dir) = &self.dir {
            fs::create_dir_all(dir).map_err(io_error(dir))?;
        }
        let bits = self.bits();
        let parts = self.build_all(bits, &mut step)?;
        let mut outcome = Outcome {
            labels: parts.iter().map(|part| part.labels).sum(),
            ..Outcome::default()
        };
        note_repeats(&parts, &mut outcome.faults);
        self.join(bits, &parts, &mut outcome.faults)?;
        Ok(outcome)
    }

    /// Bits of a label that choose its part: those that choose its pile, or more where piles are large.
    fn bits(&self) -> u32 {
        let largest = self.piles.labels().iter().map(Pile::len).max();
        let labels = largest.unwrap_or(0) / RECORD as u64;
        let more = labels.div_ceil(PART).max(1).next_power_of_two().ilog2();
        (self.piles.bits() + more).min(MOST_BITS)
    }

    fn build_all(
        &self,
        bits: u32,
        step: &mut impl FnMut(u64, u64) -> Result<(), AuditError>,
    ) -> Result<Vec<Part>, AuditError> {
        let count: usize = 1 << bits;
        let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (tell, hear) = mpsc::channel();
        let work = |tell: mpsc::Sender<_>| {
            while !stopped.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || tell.send((number, self.part(bits, number))).is_err() {
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, count) {
                let tell = tell.clone();
                scope.spawn(|| work(tell));
            }
            drop(tell);
            let mut receive = || {
                let mut done: Vec<Option<Part>> = Vec::new();
                done.resize_with(count, || None);
                for finished in 1..=count as u64 {
                    // Workers end early only by a fault of the program, which the scope passes on.
                    let (number, part) = hear.recv().map_err(|_| AuditError::Stopped)?;
                    done[number] = Some(part?);
                    step(finished, count as u64)?;
                }
                Ok(done.into_iter().flatten().collect())
            };
            let parts = receive();
            stopped.store(true, Ordering::Relaxed);
            parts
        })
    }

    /// Takes up a finished part or builds it.
    fn part(&self, bits: u32, number: usize) -> Result<Part, AuditError> {
        let Some(dir) = &self.dir else {
            return self.build(bits, number, Pile::in_memory());
        };
        let path = dir.join(format!("{bits}-{number:04}"));
        if let Some(part) = self.finished(&path)? {
            return Ok(part);
        }
        let new = path.with_extension("new");
        let mut part = self.build(bits, number, Pile::in_file(new.clone(), 0)?)?;
        for (first, second) in &part.listed {
            part.changes.push(&first.to_be_bytes());
            part.changes.push(&second.to_be_bytes());
        }
        let listed = part.listed.len() as u64;
        for number in [self.size, part.labels, part.repeats, listed, self.key()] {
            part.changes.push(&number.to_be_bytes());
        }
        part.changes.sync()?;
        fs::rename(&new, &path).map_err(io_error(&path))?;
        self.finished(&path)?
            .ok_or_else(|| AuditError::state(&path, "not what was written"))
    }

    /// A part that an earlier run of the same task finished.
    fn finished(&self, path: &Path) -> Result<Option<Part>, AuditError> {
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(path)(error)),
        };
        let Some(trailer) = bytes.checked_sub(TRAILER) else {
            return Ok(None);
        };
        let pile = Pile::in_file(path.to_owned(), bytes)?;
        let end = read(&pile, trailer, TRAILER)?;
        let [size, labels, repeats, listed, key] = [0, 8, 16, 24, 32].map(|at| number_at(&end, at));
        let fits = size == self.size && key == self.key() && listed <= MOST_FAULTS as u64;
        let changes = trailer.checked_sub(listed * PAIR as u64);
        let Some(changes) = changes.filter(|_| fits) else {
            return Ok(None);
        };
        let pairs = read(&pile, changes, trailer - changes)?;
        let pairs = pairs.as_chunks::<PAIR>().0.iter();
        Ok(Some(Part {
            count: changes / CHANGE as u64,
            changes: pile,
            labels,
            repeats,
            listed: pairs
                .map(|pair| (number_at(pair, 0), number_at(pair, 8)))
                .collect(),
        }))
    }

    /// Distinguishes tasks of one size: by their first epoch and how many there are.
    fn key(&self) -> u64 {
        let first = self.roots.first().map_or(0, |root| root.index);
        first.rotate_left(32) ^ self.roots.len() as u64
    }

    fn build(&self, bits: u32, number: usize, changes: Pile) -> Result<Part, AuditError> {
        let mut part = Part {
            changes,
            count: 0,
            labels: 0,
            repeats: 0,
            listed: Vec::new(),
        };
        let mut items = self.items(bits, number)?;
        items.sort_unstable();
        part.take_repeats(&mut items);
        part.labels = items.len() as u64;
        // Labels behind the last map root are in no map yet.
        let end = self.roots.last().map_or(0, |root| root.says.size);
        items.retain(|item| item.1 < end);
        let mut history = History::new(self.roots);
        history.walk(&items, bits as usize);
        part.count = history.changes.len() as u64;
        for change in &history.changes {
            part.changes.push(&change.to_bytes());
        }
        part.changes.flush()?;
        Ok(part)
    }

    /// The labels of one part.
    fn items(&self, bits: u32, number: usize) -> Result<Vec<Item>, AuditError> {
        let pile = &self.piles.labels()[number >> (bits - self.piles.bits())];
        let mut reader = BufReader::with_capacity(1 << 20, pile.read(0)?);
        let mut record = [0; RECORD];
        let mut items = Vec::new();
        for _ in 0..pile.len() / RECORD as u64 {
            let got = reader.read_exact(&mut record);
            got.map_err(io_error(pile.place()))?;
            if first_bits(&record, bits) == number {
                let label = record.first_chunk().copied().unwrap_or_default();
                items.push((label, number_at(&record, 32)));
            }
        }
        Ok(items)
    }

    /// Joins the parts epoch by epoch and compares each map root.
    fn join(&self, bits: u32, parts: &[Part], faults: &mut Faults) -> Result<(), AuditError> {
        let mut cursors: Vec<Cursor<'_>> = parts.iter().map(Cursor::new).collect();
        let mut due = BinaryHeap::new();
        for (number, cursor) in cursors.iter_mut().enumerate() {
            due.extend(cursor.peek()?.map(|change| Reverse((change.epoch, number))));
        }
        let mut whole = Whole::new(bits);
        for (epoch, root) in self.roots.iter().enumerate() {
            let mut changed = Vec::new();
            while let Some(Reverse((at, number))) = due.peek().copied() {
                if at != epoch as u64 {
                    break;
                }
                due.pop();
                let cursor = &mut cursors[number];
                if let Some(change) = cursor.next()? {
                    whole.set(number, change);
                    changed.push(number);
                }
                due.extend(cursor.peek()?.map(|change| Reverse((change.epoch, number))));
            }
            whole.join(changed);
            faults.extend(compare(root, whole.labels, whole.root()));
        }
        Ok(())
    }
}

fn compare(root: &RootEntry, labels: u64, found: Hash) -> Vec<Fault> {
    let (index, says) = (root.index, root.says);
    let size = says.size;
    let count = (says.labels != labels).then_some(Fault::MapCount {
        index,
        size,
        stated: says.labels,
        found: labels,
    });
    let root = (says.root != found).then_some(Fault::MapRoot {
        index,
        size,
        stated: says.root,
        found,
    });
    count.into_iter().chain(root).collect()
}

/// The same list, however many parts there are.
fn note_repeats(parts: &[Part], faults: &mut Faults) {
    let mut listed: Vec<_> = parts.iter().flat_map(|part| &part.listed).collect();
    listed.sort_unstable_by_key(|pair| (pair.1, pair.0));
    let repeated = |&&(first, second): &&(u64, u64)| Fault::Repeated { first, second };
    faults.extend(listed.iter().take(MOST_FAULTS).map(repeated));
    faults.count = parts.iter().map(|part| part.repeats).sum();
}

impl Part {
    /// Takes out labels that stand more than once, all but the first.
    fn take_repeats(&mut self, items: &mut Vec<Item>) {
        items.dedup_by(|later, first| {
            if later.0 != first.0 {
                return false;
            }
            self.repeats += 1;
            self.listed.push((first.1, later.1));
            // A thousand are listed, those of the lowest entries; memory holds twice that.
            if self.listed.len() >= 2 * MOST_FAULTS {
                cut(&mut self.listed);
            }
            true
        });
        cut(&mut self.listed);
    }
}

fn cut(listed: &mut Vec<(u64, u64)>) {
    listed.sort_unstable_by_key(|pair| (pair.1, pair.0));
    listed.truncate(MOST_FAULTS);
}

/// All roots a subtree ever had, computed from below: each node is hashed once for each epoch in
/// which a label beneath it came. No version of the map is ever held whole.
struct History<'a> {
    roots: &'a [RootEntry],
    /// A stack of subtrees' changes; of each, epochs rise.
    changes: Vec<Change>,
    joined: Vec<Change>,
}

impl<'a> History<'a> {
    fn new(roots: &'a [RootEntry]) -> Self {
        Self {
            roots,
            changes: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// Pushes the changes of the subtree at `depth` of these sorted labels.
    fn walk(&mut self, items: &[Item], depth: usize) {
        match items {
            [] => {}
            [(label, index)] => self.changes.push(Change {
                epoch: self.roots.partition_point(|root| root.says.size <= *index) as u64,
                labels: 1,
                root: leaf(label, *index),
            }),
            several => {
                let right = several.partition_point(|item| !bit(&item.0, depth));
                let (left, right) = several.split_at(right);
                let start = self.changes.len();
                self.walk(left, depth + 1);
                let middle = self.changes.len();
                self.walk(right, depth + 1);
                self.join(start, middle);
            }
        }
    }

    /// Replaces the changes of two subtrees by those of the node above.
    fn join(&mut self, start: usize, middle: usize) {
        let (left, right) = self.changes[start..].split_at(middle - start);
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        let mut now = [Change::NONE; 2];
        self.joined.clear();
        while let Some(epoch) = [left.peek(), right.peek()]
            .into_iter()
            .flatten()
            .map(|change| change.epoch)
            .min()
        {
            let sides = [
                left.next_if(|c| c.epoch == epoch),
                right.next_if(|c| c.epoch == epoch),
            ];
            for (now, new) in now.iter_mut().zip(sides) {
                *now = new.copied().unwrap_or(*now);
            }
            let above = Node::combine(&now[0].node(), &now[1].node());
            self.joined.push(Change {
                epoch,
                labels: now[0].labels + now[1].labels,
                root: above.hash(),
            });
        }
        self.changes.truncate(start);
        self.changes.extend_from_slice(&self.joined);
    }
}

/// Bit `depth` of a label, from the highest of its first byte on.
fn bit(label: &Label, depth: usize) -> bool {
    let byte = label.get(depth / 8).copied().unwrap_or(0);
    byte << (depth % 8) & 0x80 != 0
}

/// The changes of one part, read little by little.
struct Cursor<'a> {
    part: &'a Part,
    at: u64,
    ready: Vec<Change>,
}

impl<'a> Cursor<'a> {
    fn new(part: &'a Part) -> Self {
        Self {
            part,
            at: 0,
            ready: Vec::new(),
        }
    }

    fn peek(&mut self) -> Result<Option<Change>, AuditError> {
        if self.ready.is_empty() && self.at < self.part.count {
            let take = (self.part.count - self.at).min(READ);
            let size = CHANGE as u64;
            let bytes = read(&self.part.changes, self.at * size, take * size)?;
            let changes = bytes.as_chunks::<CHANGE>().0.iter();
            self.ready = changes.rev().map(Change::from_bytes).collect();
            self.at += take;
        }
        Ok(self.ready.last().copied())
    }

    fn next(&mut self) -> Result<Option<Change>, AuditError> {
        self.peek()?;
        Ok(self.ready.pop())
    }
}

impl Change {
    const NONE: Self = Self {
        epoch: 0,
        labels: 0,
        root: EMPTY,
    };

    fn to_bytes(self) -> [u8; CHANGE] {
        let mut bytes = [0; CHANGE];
        bytes[..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.labels.to_be_bytes());
        bytes[16..].copy_from_slice(&self.root.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; CHANGE]) -> Self {
        let mut root = [0; 32];
        root.copy_from_slice(&bytes[16..]);
        Self {
            epoch: number_at(bytes, 0),
            labels: number_at(bytes, 8),
            root: Hash(root),
        }
    }

    fn node(&self) -> Node {
        match self.labels {
            0 => Node::Empty,
            1 => Node::One(self.root),
            _ => Node::Many(self.root),
        }
    }
}

/// The top of the map: a perfect tree over the parts, node `i` above nodes `2i` and `2i + 1`.
struct Whole {
    nodes: Vec<Node>,
    counts: Vec<u64>,
    labels: u64,
}

impl Whole {
    fn new(bits: u32) -> Self {
        Self {
            nodes: vec![Node::Empty; 2 << bits],
            counts: vec![0; 1 << bits],
            labels: 0,
        }
    }

    fn set(&mut self, part: usize, change: Change) {
        let first = self.counts.len();
        self.nodes[first + part] = change.node();
        let before = std::mem::replace(&mut self.counts[part], change.labels);
        self.labels += change.labels - before;
    }

    /// Computes what lies above parts that changed, each node once.
    fn join(&mut self, mut changed: Vec<usize>) {
        let first = self.counts.len();
        changed.iter_mut().for_each(|part| *part += first);
        while changed.first().is_some_and(|node| *node > 1) {
            changed.iter_mut().for_each(|node| *node /= 2);
            changed.dedup();
            for at in &changed {
                self.nodes[*at] = Node::combine(&self.nodes[at * 2], &self.nodes[at * 2 + 1]);
            }
        }
    }

    fn root(&self) -> Hash {
        self.nodes[1].hash()
    }
}

fn read(pile: &Pile, offset: u64, length: u64) -> Result<Vec<u8>, AuditError> {
    let mut bytes = Vec::new();
    let read = pile.read(offset)?.take(length).read_to_end(&mut bytes);
    let read = read.map_err(io_error(pile.place()))?;
    if read as u64 == length {
        return Ok(bytes);
    }
    Err(AuditError::state(pile.place(), "shorter than was written"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        audit::bundle::Record,
        entry::MapRoot,
        map::{Node, Tree},
    };

    /// Labels that share long prefixes now and then, each at the index it is listed at, two by two.
    fn labels() -> impl Strategy<Value = Vec<Item>> {
        let label = (any::<u8>(), 0u8..4, 0u8..3).prop_map(|(first, middle, last)| {
            let mut label = [0; 32];
            (label[0], label[1], label[31]) = (first & 0xc3, middle << 6, last);
            label
        });
        let list = proptest::collection::vec(label, 0..120);
        list.prop_map(|list| list.into_iter().zip((0..).map(|at: u64| at / 2)).collect())
    }

    fn true_roots(labels: &[Item], sizes: &[u64]) -> Vec<RootEntry> {
        let mut tree = Tree::new(0);
        let mut from = 0;
        let roots = sizes.iter().map(|size| {
            let to = labels.partition_point(|item| item.1 < *size);
            tree.insert_batch(&mut labels[from..to].to_vec());
            from = to;
            let says = MapRoot {
                size: *size,
                labels: tree.len(),
                time_ms: 0,
                root: tree.root(),
            };
            RootEntry { index: 1000, says }
        });
        roots.collect()
    }

    fn judge(labels: &[Item], roots: &[RootEntry], bits: u32) -> Outcome {
        let mut piles = Piles::in_memory(bits);
        let records = labels.iter().map(|(label, index)| {
            let mut record: Record = [0; RECORD];
            record[..32].copy_from_slice(label);
            record[32..].copy_from_slice(&index.to_be_bytes());
            record
        });
        piles.push(&records.collect::<Vec<_>>(), &[]).unwrap();
        let task = Task {
            piles: &piles,
            roots,
            size: 1000,
            threads: 2,
            dir: None,
        };
        task.run(|_, _| Ok(())).unwrap()
    }

    proptest! {
        #[test]
        fn every_version_is_that_of_the_tree_kept_in_memory(
            labels in labels(),
            sizes in proptest::collection::btree_set(0u64..70, 0..12),
            bits in 0u32..6,
            lie in any::<proptest::sample::Index>(),
        ) {
            let sizes: Vec<u64> = sizes.into_iter().collect();
            let mut roots = true_roots(&labels, &sizes);
            let outcome = judge(&labels, &roots, bits);
            let known: std::collections::BTreeSet<_> = labels.iter().map(|item| item.0).collect();
            prop_assert_eq!(outcome.labels, known.len() as u64);
            let repeats = labels.len() - known.len();
            prop_assert_eq!(outcome.faults.count, repeats as u64);
            let repeated = |fault: &Fault| matches!(fault, Fault::Repeated { .. });
            prop_assert!(outcome.faults.listed.iter().all(repeated));
            if !roots.is_empty() {
                let at = lie.index(roots.len());
                roots[at].says.root.0[9] ^= 1;
                roots[at].says.labels += 1;
                let outcome = judge(&labels, &roots, bits);
                prop_assert_eq!(outcome.faults.count, repeats as u64 + 2);
            }
        }
    }

    #[test]
    fn a_node_over_one_label_is_its_leaf() {
        let mut whole = Whole::new(3);
        let root = Hash([5; 32]);
        let one = Change {
            epoch: 0,
            labels: 1,
            root,
        };
        whole.set(6, one);
        whole.join(vec![6]);
        assert_eq!((whole.root(), whole.labels), (root, 1));
        whole.set(1, one);
        whole.join(vec![1]);
        let above = Node::combine(&Node::One(root), &Node::One(root));
        assert_eq!((whole.root(), whole.labels), (above.hash(), 2));
    }
}
