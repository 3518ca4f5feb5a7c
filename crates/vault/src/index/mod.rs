//! The blind index: exact values lead to subjects, and to nobody without the key.
//!
//! A *term* is `kind tag[2] ‖ HMAC-SHA256(key of tenant and kind, normalised value)[..16]`. The
//! key is derived from the root and is in no database; without it an 11-digit number could be
//! found by trying them all.
//!
//! Terms are random, and a B-tree that receives them one by one rewrites a page for each:
//! at a million persons every batch would dirty most of the tree. So entries are kept in
//! sorted *runs* ([`run`]), one a batch, that are merged when enough of similar size have
//! gathered ([`merge`]), with a Bloom filter a run in memory ([`bloom`], 10 bits an entry).
//! Rows of [`Space::Index`]:
//!
//! - `0x00` → directory: next run, runs with their sizes, runs to be swept;
//! - `0x01 ‖ run u32` → Bloom filter;
//! - `0x02 ‖ run u32 ‖ first entry[34]` → up to 26 entries of 35 bytes, sorted.
//!
//! An entry is `term[18] ‖ subject[16] ‖ use u8`. Writers are serialised by the vault.

mod bloom;
mod merge;
mod run;
mod term;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

pub(crate) use term::{TERM, Term, Terms};

use crate::VaultError;
use crate::store::{Batch, KeyRange, Space, Store};
use crate::subject::SubjectId;
use bloom::Bloom;

const DIRECTORY: u8 = 0;
const FILTER: u8 = 1;
const BLOCK: u8 = 2;

/// The value may be looked up.
pub(crate) const FIND: u8 = 1;
/// The value says who a row is about.
pub(crate) const IDENTITY: u8 = 2;

/// Entries by term and subject, with their uses.
pub(crate) type Entries = BTreeMap<(Term, SubjectId), u8>;

/// One sorted run and its filter.
struct Run {
    id: u32,
    entries: u64,
    filter: Bloom,
}

/// What runs there are. `swept` are runs whose rows may linger and mean nothing.
#[derive(Clone, Default)]
struct Directory {
    next: u32,
    runs: Vec<Arc<Run>>,
    swept: Vec<u32>,
    /// Merges so far in this process: a reader that saw one begin and end looks again.
    merges: u64,
}

impl Directory {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.next.to_be_bytes().to_vec();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        out.extend_from_slice(&count(self.runs.len()));
        for run in &self.runs {
            out.extend_from_slice(&run.id.to_be_bytes());
            out.extend_from_slice(&run.entries.to_be_bytes());
        }
        out.extend_from_slice(&count(self.swept.len()));
        for id in &self.swept {
            out.extend_from_slice(&id.to_be_bytes());
        }
        out
    }

    fn load(store: &dyn Store) -> Result<Self, VaultError> {
        let Some(bytes) = store.get(Space::Index, &[DIRECTORY])? else {
            return Ok(Self::default());
        };
        let parsed = parse_directory(&bytes).ok_or(VaultError::malformed("the index directory"))?;
        let (next, listed, swept) = parsed;
        let runs = listed.into_iter().map(|(id, entries)| {
            let filter = store.get(Space::Index, &row(FILTER, id))?;
            let filter = filter.ok_or(VaultError::malformed("the index directory"))?;
            Ok(Arc::new(Run {
                id,
                entries,
                filter: Bloom::from_bytes(filter)?,
            }))
        });
        Ok(Self {
            next,
            runs: runs.collect::<Result<_, VaultError>>()?,
            swept,
            merges: 0,
        })
    }

    fn stage(&self, batch: &mut Batch) {
        batch.put(Space::Index, [DIRECTORY], self.to_bytes());
    }
}

type Parsed = (u32, Vec<(u32, u64)>, Vec<u32>);

fn parse_directory(mut bytes: &[u8]) -> Option<Parsed> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*head)
    }
    let number = |bytes: &mut &[u8]| take(bytes).map(u32::from_be_bytes);
    let next = number(&mut bytes)?;
    let runs = (0..number(&mut bytes)?)
        .map(|_| Some((number(&mut bytes)?, u64::from_be_bytes(take(&mut bytes)?))))
        .collect::<Option<_>>()?;
    let swept = (0..number(&mut bytes)?)
        .map(|_| number(&mut bytes))
        .collect::<Option<_>>()?;
    bytes.is_empty().then_some((next, runs, swept))
}

fn row(what: u8, run: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + run::HEAD);
    key.push(what);
    key.extend_from_slice(&run.to_be_bytes());
    key
}

/// A run that is staged in a batch; [`Index::commit`] makes it visible once the batch is
/// durable.
#[must_use]
pub(crate) struct Staged(Option<Directory>);

/// The blind index over a store.
pub(crate) struct Index {
    store: Arc<dyn Store>,
    directory: RwLock<Arc<Directory>>,
}

impl Index {
    /// Loads the directory and its filters, and sweeps what an interrupted merge left.
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self, VaultError> {
        let directory = Directory::load(&*store)?;
        let index = Self {
            store,
            directory: RwLock::new(Arc::new(directory)),
        };
        index.sweep()?;
        Ok(index)
    }

    fn snapshot(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read())
    }

    /// Subjects under `term`, with the uses of their entries.
    pub(crate) fn get(&self, term: &Term) -> Result<Vec<(SubjectId, u8)>, VaultError> {
        loop {
            let directory = self.snapshot();
            let mut found: BTreeMap<SubjectId, u8> = BTreeMap::new();
            for run in directory
                .runs
                .iter()
                .filter(|run| run.filter.may_hold(term))
            {
                for (subject, uses) in run::probe(&*self.store, run.id, term)? {
                    *found.entry(subject).or_default() |= uses;
                }
            }
            // A merge may have moved entries from a run not yet read into one not listed.
            if self.directory.read().merges == directory.merges {
                return Ok(found.into_iter().collect());
            }
        }
    }

    /// Stages `entries` as a new run.
    pub(crate) fn stage(&self, batch: &mut Batch, entries: &Entries) -> Staged {
        if entries.is_empty() {
            return Staged(None);
        }
        let mut directory = (*self.snapshot()).clone();
        let id = directory.next;
        directory.next += 1;
        let mut writer = run::Writer::new(id, entries.len());
        for ((term, subject), uses) in entries {
            writer.push(batch, term, subject, *uses);
        }
        directory.runs.push(Arc::new(writer.finish(batch)));
        directory.stage(batch);
        Staged(Some(directory))
    }

    /// Makes a staged run visible; its batch is durable.
    pub(crate) fn commit(&self, staged: Staged) {
        if let Some(mut directory) = staged.0 {
            let mut current = self.directory.write();
            directory.merges = current.merges;
            *current = Arc::new(directory);
        }
    }

    /// Stages the removal of uses from entries; an entry without uses goes. Answers how many
    /// entries changed. Entries staged in the same batch are not seen.
    pub(crate) fn stage_removal(
        &self,
        batch: &mut Batch,
        removals: &Entries,
    ) -> Result<u64, VaultError> {
        let directory = self.snapshot();
        let (mut edits, mut changed) = (run::Edits::default(), 0);
        for ((term, subject), uses) in removals {
            let mut any = false;
            for run in directory
                .runs
                .iter()
                .filter(|run| run.filter.may_hold(term))
            {
                any |= edits.remove(&*self.store, run.id, term, subject, *uses)?;
            }
            changed += u64::from(any);
        }
        edits.stage(batch);
        Ok(changed)
    }

    /// Deletes the rows of runs that mean nothing any more, a bounded batch at a time.
    fn sweep(&self) -> Result<(), VaultError> {
        let swept = self.snapshot().swept.clone();
        if swept.is_empty() {
            return Ok(());
        }
        for id in swept {
            let range = KeyRange::prefix(&row(BLOCK, id));
            loop {
                let rows = self.store.scan(Space::Index, &range, merge::PAGE, false)?;
                let mut batch = Batch::new();
                for (key, _) in &rows {
                    batch.delete(Space::Index, key.as_slice());
                }
                batch.delete(Space::Index, row(FILTER, id));
                self.store.write(&batch)?;
                if rows.len() < merge::PAGE {
                    break;
                }
            }
        }
        let mut directory = (*self.snapshot()).clone();
        directory.swept.clear();
        let mut batch = Batch::new();
        directory.stage(&mut batch);
        self.store.write(&batch)?;
        *self.directory.write() = Arc::new(directory);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use proptest::prelude::*;

    fn term(n: u16) -> Term {
        let mut term = [0; TERM];
        let hash = crate::crypt::sha256(&[&n.to_be_bytes()]);
        term.copy_from_slice(&hash[..TERM]);
        term
    }

    fn subject(n: u16) -> SubjectId {
        let mut bytes = [3; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        SubjectId::from_bytes(bytes)
    }

    fn add(index: &Index, entries: &Entries) {
        let mut batch = Batch::new();
        let staged = index.stage(&mut batch, entries);
        index.store.write(&batch).expect("writes");
        index.commit(staged);
        index.maintain().expect("merges");
    }

    fn remove(index: &Index, entries: &Entries) -> u64 {
        let mut batch = Batch::new();
        let gone = index.stage_removal(&mut batch, entries).expect("stages");
        index.store.write(&batch).expect("writes");
        gone
    }

    fn open() -> Index {
        Index::open(Arc::new(MemoryStore::new())).expect("opens")
    }

    #[test]
    fn uses_join_over_runs_and_go_one_by_one() {
        let index = open();
        let key = (term(1), subject(1));
        add(&index, &Entries::from([(key, IDENTITY)]));
        add(&index, &Entries::from([(key, FIND)]));
        assert_eq!(
            index.get(&term(1)).expect("gets"),
            [(subject(1), FIND | IDENTITY)]
        );
        assert_eq!(remove(&index, &Entries::from([(key, FIND)])), 1);
        assert_eq!(index.get(&term(1)).expect("gets"), [(subject(1), IDENTITY)]);
        assert_eq!(remove(&index, &Entries::from([(key, FIND | IDENTITY)])), 1);
        assert_eq!(index.get(&term(1)).expect("gets"), []);
    }

    #[test]
    fn removed_entries_are_in_no_row_not_even_in_keys() {
        let index = open();
        let entries: Entries = (0..100).map(|n| ((term(n), subject(n)), FIND)).collect();
        add(&index, &entries);
        for n in 0..100 {
            remove(&index, &Entries::from([((term(n), subject(n)), FIND)]));
            let rows = index
                .store
                .scan(Space::Index, &KeyRange::prefix(&[BLOCK]), 999, false)
                .expect("scan");
            let inside = |bytes: &[u8]| bytes.windows(16).any(|w| w == subject(n).as_bytes());
            assert!(
                !rows.iter().any(|(key, value)| inside(key) || inside(value)),
                "{n}"
            );
        }
        assert!(
            index
                .store
                .scan(Space::Index, &KeyRange::prefix(&[BLOCK]), 9, false)
                .expect("scan")
                .is_empty()
        );
    }

    #[test]
    fn many_subjects_under_one_term_cross_blocks() {
        let index = open();
        let entries: Entries = (0..300).map(|n| ((term(7), subject(n)), FIND)).collect();
        add(&index, &entries);
        assert_eq!(index.get(&term(7)).expect("gets").len(), 300);
    }

    #[test]
    fn an_interrupted_merge_is_swept_at_opening() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let index = Index::open(Arc::clone(&store)).expect("opens");
        add(
            &index,
            &(0..60).map(|n| ((term(n), subject(n)), FIND)).collect(),
        );
        let mut directory = (*index.snapshot()).clone();
        directory.swept.push(directory.next);
        directory.next += 1;
        let mut batch = Batch::new();
        directory.stage(&mut batch);
        let mut half = run::Writer::new(directory.swept[0], 60);
        for n in 0..60 {
            half.push(&mut batch, &term(n), &subject(n), FIND);
        }
        let _unlisted = half.finish(&mut batch);
        store.write(&batch).expect("writes");
        let again = Index::open(Arc::clone(&store)).expect("opens");
        assert!(again.snapshot().swept.is_empty());
        let left = store.scan(Space::Index, &KeyRange::prefix(&row(BLOCK, 1)), 9, false);
        assert!(left.expect("scan").is_empty());
        for n in 0..60 {
            assert_eq!(again.get(&term(n)).expect("gets"), [(subject(n), FIND)]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Whatever is added, merged and removed, the index answers as a map would.
        #[test]
        fn behaves_like_a_map(
            steps in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec((0..40u16, 0..40u16, 1..4u8), 1..30)), 1..40),
        ) {
            let index = open();
            let mut model = Entries::new();
            for (adding, list) in steps {
                let entries: Entries = list.into_iter().map(|(t, s, u)| ((term(t), subject(s)), u)).collect();
                if adding {
                    add(&index, &entries);
                    for (key, uses) in &entries {
                        *model.entry(*key).or_default() |= uses;
                    }
                } else {
                    remove(&index, &entries);
                    for (key, uses) in &entries {
                        if let Some(left) = model.get_mut(key) {
                            *left &= !uses;
                        }
                    }
                    model.retain(|_, uses| *uses != 0);
                }
            }
            let reopened = Index::open(Arc::clone(&index.store)).expect("opens");
            for n in 0..40 {
                let expected: Vec<_> = model.iter().filter(|((t, _), _)| *t == term(n))
                    .map(|((_, subject), uses)| (*subject, *uses)).collect();
                prop_assert_eq!(&index.get(&term(n)).expect("gets"), &expected);
                prop_assert_eq!(&reopened.get(&term(n)).expect("gets"), &expected);
            }
        }
    }
}
