//! One sorted run: writing it in blocks, finding a term in it, taking entries out of it.

use std::collections::BTreeMap;

use super::{BLOCK, FILTER, Run, TERM, Term, row};
use crate::VaultError;
use crate::index::bloom::Bloom;
use crate::store::{Batch, KeyRange, Pair, Space, Store};
use crate::subject::SubjectId;

/// Term and subject: what entries are sorted by.
pub(super) const HEAD: usize = TERM + 16;
/// Bytes of an entry: head and uses.
pub(super) const ENTRY: usize = HEAD + 1;
/// Entries in a full block: with its key a little below the 1,002 bytes that SQLite keeps
/// inside a 4 KiB page without an overflow page.
const PER_BLOCK: usize = 26;

pub(super) type Entry = [u8; ENTRY];

/// Splits a block into its entries.
pub(super) fn entries(block: &[u8]) -> Result<&[Entry], VaultError> {
    match block.as_chunks::<ENTRY>() {
        (entries, []) => Ok(entries),
        _ => Err(VaultError::malformed("an index block")),
    }
}

fn head(term: &Term, subject: &SubjectId) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..TERM].copy_from_slice(term);
    head[TERM..].copy_from_slice(subject.as_bytes());
    head
}

fn block_key(run: u32, head: &[u8]) -> Vec<u8> {
    let mut key = row(BLOCK, run);
    key.extend_from_slice(head);
    key
}

/// Writes entries that arrive in ascending order.
pub(super) struct Writer {
    id: u32,
    filter: Bloom,
    count: u64,
    block: Vec<u8>,
}

impl Writer {
    /// A run of at most `expected` entries (its filter is sized for them).
    pub(super) fn new(id: u32, expected: usize) -> Self {
        let block = Vec::with_capacity(PER_BLOCK * ENTRY);
        Self {
            id,
            filter: Bloom::new(expected),
            count: 0,
            block,
        }
    }

    pub(super) fn push(&mut self, batch: &mut Batch, term: &Term, subject: &SubjectId, uses: u8) {
        self.block.extend_from_slice(term);
        self.block.extend_from_slice(subject.as_bytes());
        self.block.push(uses);
        self.filter.add(term);
        self.count += 1;
        if self.block.len() == PER_BLOCK * ENTRY {
            self.flush(batch);
        }
    }

    pub(super) fn push_entry(&mut self, batch: &mut Batch, entry: &Entry) {
        if let Some(term) = entry.first_chunk::<TERM>() {
            self.filter.add(term);
        }
        self.block.extend_from_slice(entry);
        self.count += 1;
        if self.block.len() == PER_BLOCK * ENTRY {
            self.flush(batch);
        }
    }

    fn flush(&mut self, batch: &mut Batch) {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(PER_BLOCK * ENTRY));
        if let Some(first) = block.get(..HEAD) {
            batch.put(Space::Index, block_key(self.id, first), block);
        }
    }

    /// Writes the last block and the filter.
    pub(super) fn finish(mut self, batch: &mut Batch) -> Run {
        self.flush(batch);
        batch.put(Space::Index, row(FILTER, self.id), self.filter.as_bytes());
        Run {
            id: self.id,
            entries: self.count,
            filter: self.filter,
        }
    }
}

/// The block in which an entry with `head` would lie: the last that begins at or before it.
fn block_before(store: &dyn Store, run: u32, head: &[u8]) -> Result<Option<Pair>, VaultError> {
    let mut end = block_key(run, head);
    end.push(0);
    let range = KeyRange::between(row(BLOCK, run), end);
    Ok(store.scan(Space::Index, &range, 1, true)?.pop())
}

/// Subjects under `term` in one run.
pub(super) fn probe(
    store: &dyn Store,
    run: u32,
    term: &Term,
) -> Result<Vec<(SubjectId, u8)>, VaultError> {
    let mut found = Vec::new();
    let mut ended = false;
    if let Some((_, block)) =
        block_before(store, run, &head(term, &SubjectId::from_bytes([0; 16])))?
    {
        ended = collect(&block, term, &mut found)?;
    }
    // The term may begin exactly with a block, or go on over several.
    let mut range = KeyRange::prefix(&block_key(run, term));
    while !ended {
        let Some((key, block)) = store.scan(Space::Index, &range, 1, false)?.pop() else {
            break;
        };
        range = range.after(&key);
        // A block whose first entry has subject zero was the one before; it cannot be met
        // twice, since subject ids are random and never all zeros.
        ended = collect(&block, term, &mut found)?;
    }
    Ok(found)
}

/// Adds the subjects of `term` in a block; answers whether the block goes beyond the term.
fn collect(
    block: &[u8],
    term: &Term,
    found: &mut Vec<(SubjectId, u8)>,
) -> Result<bool, VaultError> {
    let entries = entries(block)?;
    let start = entries.partition_point(|entry| entry[..TERM] < term[..]);
    for entry in &entries[start..] {
        if entry[..TERM] != term[..] {
            return Ok(true);
        }
        found.push((SubjectId::read(&entry[TERM..HEAD])?, entry[HEAD]));
    }
    Ok(false)
}

/// Blocks being changed, by the key they were stored under.
#[derive(Default)]
pub(super) struct Edits {
    blocks: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Edits {
    /// Takes `uses` from an entry of one run; answers whether there was any to take.
    pub(super) fn remove(
        &mut self,
        store: &dyn Store,
        run: u32,
        term: &Term,
        subject: &SubjectId,
        uses: u8,
    ) -> Result<bool, VaultError> {
        let head = head(term, subject);
        let Some((key, stored)) = block_before(store, run, &head)? else {
            return Ok(false);
        };
        let block = self.blocks.entry(key).or_insert(stored);
        let Some(at) = entries(block)?
            .iter()
            .position(|entry| entry[..HEAD] == head)
        else {
            return Ok(false);
        };
        let (start, end) = (at * ENTRY, (at + 1) * ENTRY);
        let had = block[end - 1];
        let left = had & !uses;
        if left == 0 {
            block.drain(start..end);
        } else {
            block[end - 1] = left;
        }
        Ok(left != had)
    }

    /// Writes the changed blocks under the keys they now begin with: the old key holds the
    /// removed entry's subject and must go.
    pub(super) fn stage(self, batch: &mut Batch) {
        for (old, block) in self.blocks {
            let prefix = old.get(..5).unwrap_or_default().to_vec();
            batch.delete(Space::Index, old);
            if let Some(first) = block.get(..HEAD) {
                let mut key = prefix;
                key.extend_from_slice(first);
                batch.put(Space::Index, key, block);
            }
        }
    }
}

/// Reads a run from its first entry to its last.
pub(super) struct Reader {
    range: KeyRange,
    page: std::vec::IntoIter<Pair>,
    block: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(super) fn new(run: u32) -> Self {
        let range = KeyRange::prefix(&row(BLOCK, run));
        Self {
            range,
            page: Vec::new().into_iter(),
            block: Vec::new(),
            at: 0,
        }
    }

    /// The entry under the cursor.
    pub(super) fn peek(&mut self, store: &dyn Store) -> Result<Option<Entry>, VaultError> {
        loop {
            if let Some(entry) = self
                .block
                .get(self.at..)
                .and_then(|rest| rest.first_chunk())
            {
                return Ok(Some(*entry));
            }
            if let Some((_, block)) = self.page.next() {
                entries(&block)?;
                self.block = block;
                self.at = 0;
                continue;
            }
            let rows = store.scan(Space::Index, &self.range, super::merge::PAGE / 8, false)?;
            let Some((last, _)) = rows.last() else {
                return Ok(None);
            };
            self.range = self.range.clone().after(last);
            self.page = rows.into_iter();
        }
    }

    pub(super) fn advance(&mut self) {
        self.at += ENTRY;
    }
}
