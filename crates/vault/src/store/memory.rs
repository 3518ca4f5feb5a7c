//! A store in memory, for tests and for throw-away vaults. Nothing survives it.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::RwLock;

use super::{Batch, Change, KeyRange, Pair, Space, Store, StoreError};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// An ordered map per space behind one lock.
#[derive(Default)]
pub struct MemoryStore {
    spaces: RwLock<BTreeMap<Space, Rows>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

fn bounds(range: &KeyRange) -> Option<Bounds<'_>> {
    let to = match &range.to {
        // BTreeMap refuses ranges that end before they start; such a range is simply empty.
        Some(to) if *to <= range.from => return None,
        Some(to) => Bound::Excluded(to.as_slice()),
        None => Bound::Unbounded,
    };
    Some((Bound::Included(range.from.as_slice()), to))
}

impl Store for MemoryStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .spaces
            .read()
            .get(&space)
            .and_then(|rows| rows.get(key))
            .cloned())
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Pair>, StoreError> {
        let spaces = self.spaces.read();
        let (Some(rows), Some(bounds)) = (spaces.get(&space), bounds(range)) else {
            return Ok(Vec::new());
        };
        let rows = rows.range::<[u8], _>(bounds);
        let copy = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(if reverse {
            rows.rev().take(limit).map(copy).collect()
        } else {
            rows.take(limit).map(copy).collect()
        })
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut spaces = self.spaces.write();
        for expected in &batch.expectations {
            let found = spaces
                .get(&expected.space)
                .and_then(|rows| rows.get(&expected.key));
            if found != expected.value.as_ref() {
                return Err(StoreError::Conflict {
                    space: expected.space,
                });
            }
        }
        for change in &batch.changes {
            match change {
                Change::Put(space, key, value) => {
                    spaces
                        .entry(*space)
                        .or_default()
                        .insert(key.clone(), value.clone());
                }
                Change::Delete(space, key) => {
                    spaces.entry(*space).or_default().remove(key);
                }
            }
        }
        Ok(())
    }

    fn count_range(&self, space: Space, range: &KeyRange) -> Result<u64, StoreError> {
        let spaces = self.spaces.read();
        let (Some(rows), Some(bounds)) = (spaces.get(&space), bounds(range)) else {
            return Ok(0);
        };
        Ok(rows.range::<[u8], _>(bounds).count() as u64)
    }

    fn compact(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn size(&self) -> Result<u64, StoreError> {
        let spaces = self.spaces.read();
        let bytes = spaces
            .values()
            .flatten()
            .map(|(key, value)| key.len() + value.len());
        Ok(bytes.sum::<usize>() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_store_conforms() {
        super::super::conformance::run(|| Box::new(MemoryStore::new()) as Box<dyn Store>);
    }
}
