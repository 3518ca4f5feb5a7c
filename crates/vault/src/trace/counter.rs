//! Who is at which n: the next event number of every owner, without gaps and without reuse.
//!
//! A person proves completeness by membership of labels 0…k and absence of k+1, so a gap
//! would hide whatever follows it, and a number used twice would encrypt twice under one
//! nonce. Therefore a number is *reserved* (others wait for the same owner), its leaf is
//! queued with the log, and only then the reservation counts. A reservation dropped before
//! anything was queued leaves its number free.
//! Numbers are loaded from the projection (space [`Space::SubjectEvents`]); the service
//! projects what the log recovered before it reserves anything.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::leaf::{Leaf, TraceKey};
use super::{EventPlace, Owner, event_row};
use crate::VaultError;
use crate::store::{KeyRange, Space, Store};

#[derive(Clone, Copy)]
struct Counter {
    next: u64,
    held: bool,
}

/// The counters of all owners that have events on their way to the projection.
pub(super) struct Counters {
    store: Arc<dyn Store>,
    table: Mutex<HashMap<Owner, Counter>>,
    released: Condvar,
}

impl Counters {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            table: Mutex::default(),
            released: Condvar::new(),
        }
    }

    /// The number after the last projected event.
    fn load(&self, owner: Owner) -> Result<u64, VaultError> {
        let range = KeyRange::prefix(&owner.bytes());
        let last = self.store.scan(Space::SubjectEvents, &range, 1, true)?;
        last.first()
            .map_or(Ok(0), |(key, _)| Ok(event_number(key)? + 1))
    }

    /// Waits until nobody holds `owner`, then holds it.
    fn hold(&self, owner: Owner) -> Result<u64, VaultError> {
        let mut table = self.table.lock();
        loop {
            match table.entry(owner) {
                Entry::Occupied(mut entry) if !entry.get().held => {
                    entry.get_mut().held = true;
                    return Ok(entry.get().next);
                }
                Entry::Occupied(_) => self.released.wait(&mut table),
                Entry::Vacant(entry) => {
                    entry.insert(Counter {
                        next: 0,
                        held: true,
                    });
                    break;
                }
            }
        }
        // Held, so nobody else asks; loaded without the lock, so that others go on.
        drop(table);
        let loaded = self.load(owner);
        let mut table = self.table.lock();
        match &loaded {
            Ok(next) => {
                let held = Counter {
                    next: *next,
                    held: true,
                };
                table.insert(owner, held);
            }
            Err(_) => {
                table.remove(&owner);
                drop(table);
                self.released.notify_all();
            }
        }
        loaded
    }

    fn release(&self, owner: Owner, used: bool) {
        let mut table = self.table.lock();
        if let Some(counter) = table.get_mut(&owner) {
            counter.held = false;
            counter.next += u64::from(used);
        }
        drop(table);
        self.released.notify_all();
    }

    /// Forgets a counter once the projection says the same.
    pub(super) fn projected(&self, owner: Owner, n: u64) {
        let mut table = self.table.lock();
        if table
            .get(&owner)
            .is_some_and(|counter| !counter.held && counter.next == n + 1)
        {
            table.remove(&owner);
        }
    }

    /// Forgets all counters that nobody holds.
    pub(super) fn forget(&self) {
        self.table.lock().retain(|_, counter| counter.held);
    }

    #[cfg(test)]
    pub(super) fn tracked(&self) -> usize {
        self.table.lock().len()
    }
}

fn event_number(key: &[u8]) -> Result<u64, VaultError> {
    key.last_chunk()
        .map(|n| u64::from_be_bytes(*n))
        .ok_or(VaultError::malformed("an event row"))
}

/// The right to make the next leaf of one owner; others wait for it.
///
/// Queue the leaf with the log, then call [`Reservation::queued`]. Keep it short: nothing
/// slow between. Never reserve a second owner while holding a first; ask for all at once
/// with [`super::Trace::reserve_many`], which orders them so that no two callers can wait for
/// each other.
pub struct Reservation {
    counters: Arc<Counters>,
    owner: Owner,
    n: u64,
    key: TraceKey,
    used: bool,
}

impl Reservation {
    pub(super) fn new(
        counters: &Arc<Counters>,
        owner: Owner,
        key: TraceKey,
    ) -> Result<Self, VaultError> {
        let n = counters.hold(owner)?;
        Ok(Self {
            counters: Arc::clone(counters),
            owner,
            n,
            key,
            used: false,
        })
    }

    /// Whose event it will be.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        self.owner
    }

    /// The reserved number.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The label of the reserved number, for a chunk leaf.
    #[must_use]
    pub fn label(&self) -> [u8; 32] {
        self.key.label(self.n)
    }

    /// `shared`, wrapped for whoever finds the reserved label in a chunk.
    #[must_use]
    pub fn wrap(&self, shared: &TraceKey) -> [u8; 32] {
        self.key.wrap(self.n, shared)
    }

    /// Makes the leaf of the reserved number, to be shared with those it concerns.
    ///
    /// # Errors
    ///
    /// As [`TraceKey::shared_leaf`].
    pub fn shared_leaf(&self, event: &[u8]) -> Result<Leaf, VaultError> {
        self.key.shared_leaf(self.n, event)
    }

    /// Makes the leaf of the reserved number.
    ///
    /// # Errors
    ///
    /// As [`TraceKey::leaf`].
    pub fn leaf(&self, event: &[u8]) -> Result<Leaf, VaultError> {
        self.key.leaf(self.n, event)
    }

    /// The leaf was handed to the log: the number is used, whatever becomes of the append.
    ///
    /// A leaf that the log refused at once was never queued: drop the reservation then.
    /// Should the append fail later, the log refuses everything until it is opened again; open it,
    /// project what it recovered, and call [`super::Trace::forget`].
    pub fn queued(mut self) {
        self.used = true;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.counters.release(self.owner, self.used);
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reservation({:?}, {})", self.owner, self.n)
    }
}

/// The events of an owner as projected, from number `from` on.
pub(super) fn events(
    store: &dyn Store,
    owner: Owner,
    from: u64,
    limit: usize,
    newest_first: bool,
) -> Result<Vec<(u64, EventPlace)>, VaultError> {
    let mut range = KeyRange::prefix(&owner.bytes());
    if newest_first {
        // For a reverse page `from` is the first number *not* shown; u64::MAX shows all.
        range = range.before(&event_row(owner, from));
    } else {
        range.from = event_row(owner, from);
    }
    store
        .scan(Space::SubjectEvents, &range, limit, newest_first)?
        .iter()
        .map(|(key, value)| Ok((event_number(key)?, EventPlace::from_bytes(value)?)))
        .collect()
}
