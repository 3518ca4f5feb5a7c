//! Traces of reads: leaves that only the person concerned (and the auditor) can open.
//!
//! [`leaf`](TraceKey) makes and opens leaves; [`Reservation`] gives each its number. The bytes
//! of both leaf formats are written down in `docs/leaf-v1.md` of this crate, with test
//! vectors in `tests/data/leaf-v1.json`. Appending leaves, proving and checkpoints belong to
//! `tlog`; what an event says, to `service`.

mod counter;
mod leaf;

use std::sync::Arc;

pub use counter::Reservation;
pub use leaf::{Leaf, MAX_EVENT, Opening, TraceKey, commitment, event_leaf};

use crate::VaultError;
use crate::keys::Keyring;
use crate::store::{Batch, Space, Store};
use crate::subject::SubjectId;
use counter::Counters;

/// Whose trace an event joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A person: the event concerns him.
    Subject(SubjectId),
    /// The operator: the event concerns no single person (a policy change, a login).
    Operator,
}

impl Owner {
    /// Sixteen bytes: the subject's id, or zeros for the operator.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        match self {
            Self::Subject(subject) => *subject.as_bytes(),
            Self::Operator => [0; 16],
        }
    }
}

/// Where an event stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Index of the leaf that holds the event.
    pub index: u64,
    /// For an export: index of the chunk leaf and position of the owner's label in it.
    pub chunk: Option<(u64, u16)>,
}

impl EventPlace {
    /// The stored form: `index u64 BE`, then `chunk u64 BE ‖ position u16 BE` if there is one.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.index.to_be_bytes().to_vec();
        if let Some((chunk, position)) = self.chunk {
            bytes.extend_from_slice(&chunk.to_be_bytes());
            bytes.extend_from_slice(&position.to_be_bytes());
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`VaultError::Malformed`] for any other length than 8 or 18 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let parse = || {
            let (index, rest) = bytes.split_first_chunk()?;
            let index = u64::from_be_bytes(*index);
            if rest.is_empty() {
                return Some(Self { index, chunk: None });
            }
            let (chunk, position) = rest.split_first_chunk()?;
            let position = u16::from_be_bytes(position.try_into().ok()?);
            Some(Self {
                index,
                chunk: Some((u64::from_be_bytes(*chunk), position)),
            })
        };
        parse().ok_or(VaultError::malformed("an event row"))
    }
}

/// Key of an owner's n-th event in [`Space::SubjectEvents`]: `owner[16] ‖ n u64 BE`.
#[must_use]
pub fn event_row(owner: Owner, n: u64) -> Vec<u8> {
    let mut key = owner.bytes().to_vec();
    key.extend_from_slice(&n.to_be_bytes());
    key
}

/// The tracing side of a vault.
#[derive(Clone)]
pub struct Trace {
    store: Arc<dyn Store>,
    keyring: Arc<Keyring>,
    operator: TraceKey,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trace")
    }
}

impl Trace {
    pub(crate) fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>, operator: TraceKey) -> Self {
        let counters = Arc::new(Counters::new(Arc::clone(&store)));
        Self {
            store,
            keyring,
            operator,
            counters,
        }
    }

    /// The trace key of an owner.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`] when the subject has no keys (any more).
    pub fn key(&self, owner: Owner) -> Result<TraceKey, VaultError> {
        match owner {
            Owner::Operator => Ok(self.operator.clone()),
            Owner::Subject(subject) => {
                let keys = self.keyring.get(&subject)?.ok_or(VaultError::Erased)?;
                Ok(TraceKey::new(keys.trace.clone()))
            }
        }
    }

    /// Reserves the next number of an owner; waits while another holds it.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`] when the subject has no keys.
    pub fn reserve(&self, owner: Owner) -> Result<Reservation, VaultError> {
        Reservation::new(&self.counters, owner, self.key(owner)?)
    }

    /// Reserves one number for each of `owners`, in ascending order of their bytes.
    /// Repeated owners are reserved once.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`] when any of them has no keys; then none stays reserved.
    pub fn reserve_many(&self, owners: &[Owner]) -> Result<Vec<Reservation>, VaultError> {
        let mut owners = owners.to_vec();
        owners.sort_unstable_by_key(|owner| owner.bytes());
        owners.dedup();
        owners
            .into_iter()
            .map(|owner| self.reserve(owner))
            .collect()
    }

    /// Adds the row of an event to a projecting batch.
    pub fn project(batch: &mut Batch, owner: Owner, n: u64, place: EventPlace) {
        batch.put(Space::SubjectEvents, event_row(owner, n), place.to_bytes());
    }

    /// Tells that the projecting batch is durable, so that memory can forget the number.
    pub fn projected(&self, owner: Owner, n: u64) {
        self.counters.projected(owner, n);
    }

    /// Forgets every number not held now; they are loaded from the projection again.
    /// Only right when the projection has everything the log has.
    pub fn forget(&self) {
        self.counters.forget();
    }

    /// At most `limit` projected events of an owner: from number `from` upwards, or, newest
    /// first, those below `from` downwards.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn events(
        &self,
        owner: Owner,
        from: u64,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(u64, EventPlace)>, VaultError> {
        counter::events(&*self.store, owner, from, limit, newest_first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypt::Key;
    use crate::root::RootKey;
    use crate::store::MemoryStore;

    fn trace() -> (Trace, Arc<dyn Store>) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let keys: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ring = Keyring::open(keys, &RootKey::from_bytes([1; 32]), "t").expect("opens");
        let operator = TraceKey::new(Key::new([5; 32]));
        (
            Trace::new(Arc::clone(&store), Arc::new(ring), operator),
            store,
        )
    }

    #[test]
    fn dropped_reservations_leave_no_gap() {
        let (trace, _) = trace();
        assert_eq!(trace.reserve(Owner::Operator).expect("first").n(), 0);
        trace.reserve(Owner::Operator).expect("again 0").queued();
        let second = trace.reserve(Owner::Operator).expect("second");
        assert_eq!(second.n(), 1);
    }

    #[test]
    fn numbers_continue_from_the_projection_and_memory_forgets() {
        let (trace, store) = trace();
        for n in 0..3 {
            trace.reserve(Owner::Operator).expect("reserves").queued();
            let mut batch = Batch::new();
            Trace::project(
                &mut batch,
                Owner::Operator,
                n,
                EventPlace {
                    index: 10 + n,
                    chunk: None,
                },
            );
            store.write(&batch).expect("writes");
            trace.projected(Owner::Operator, n);
        }
        assert_eq!(trace.counters.tracked(), 0);
        assert_eq!(trace.reserve(Owner::Operator).expect("next").n(), 3);
        let newest = trace
            .events(Owner::Operator, u64::MAX, 2, true)
            .expect("events");
        assert_eq!(
            newest
                .iter()
                .map(|(n, at)| (*n, at.index))
                .collect::<Vec<_>>(),
            [(2, 12), (1, 11)]
        );
        assert_eq!(
            trace
                .events(Owner::Operator, 1, 9, false)
                .expect("events")
                .len(),
            2
        );
    }

    #[test]
    fn memory_keeps_numbers_the_projection_does_not_have_yet() {
        let (trace, _) = trace();
        trace.reserve(Owner::Operator).expect("reserves").queued();
        trace.reserve(Owner::Operator).expect("reserves").queued();
        trace.projected(Owner::Operator, 0);
        assert_eq!(trace.reserve(Owner::Operator).expect("next").n(), 2);
    }

    #[test]
    fn concurrent_reservations_are_contiguous() {
        let (trace, _) = trace();
        let order = parking_lot::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let held = trace.reserve(Owner::Operator).expect("reserves");
                        order.lock().push(held.n());
                        held.queued();
                    }
                });
            }
        });
        assert_eq!(*order.lock(), (0..400).collect::<Vec<u64>>());
    }

    #[test]
    fn refuses_to_trace_a_subject_without_keys() {
        let (trace, _) = trace();
        let nobody = Owner::Subject(SubjectId::from_bytes([9; 16]));
        assert!(matches!(trace.reserve(nobody), Err(VaultError::Erased)));
    }

    #[test]
    fn event_places_undo_themselves_and_refuse_other_lengths() {
        for place in [
            EventPlace {
                index: 7,
                chunk: None,
            },
            EventPlace {
                index: 7,
                chunk: Some((9, 1_999)),
            },
        ] {
            assert_eq!(
                EventPlace::from_bytes(&place.to_bytes()).expect("reads"),
                place
            );
        }
        assert!(EventPlace::from_bytes(&[0; 9]).is_err());
    }
}
