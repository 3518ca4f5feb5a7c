//! Which persons a collection holds, and since when: one small row each, in the same transaction as the record.
//!
//! Retention counts from here, exports list from here.

use liuhen_vault::SubjectId;
use liuhen_vault::store::{Batch, KeyRange, Space};

use crate::Service;
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::purposes::PurposeView;

fn prefix(collection: &str) -> Vec<u8> {
    // A collection's name holds no control character, so no name is a prefix of another here.
    [collection.as_bytes(), &[0]].concat()
}

fn key(collection: &str, subject: &SubjectId) -> Vec<u8> {
    [prefix(collection).as_slice(), subject.as_bytes()].concat()
}

/// Notes that a person's record was written.
pub(crate) fn joined(batch: &mut Batch, collection: &str, subject: &SubjectId, at: UnixMs) {
    batch.put(Space::Members, key(collection, subject), at.to_be_bytes());
}

/// Notes that a person's record is gone.
pub(crate) fn left(batch: &mut Batch, collection: &str, subject: &SubjectId) {
    batch.delete(Space::Members, key(collection, subject));
}

impl Service {
    /// At most `limit` persons of a collection, in the order of their ids, after `after`.
    pub(crate) fn subjects_in(
        &self,
        collection: &str,
        after: Option<&SubjectId>,
        limit: usize,
    ) -> Result<Vec<SubjectId>> {
        let mut range = KeyRange::prefix(&prefix(collection));
        if let Some(after) = after {
            range = range.after(&key(collection, after));
        }
        let rows = self.store().scan(Space::Members, &range, limit, false)?;
        rows.iter()
            .map(|(key, _)| {
                key.last_chunk::<16>()
                    .map(|id| SubjectId::from_bytes(*id))
                    .ok_or(ServiceError::Damaged("member"))
            })
            .collect()
    }

    /// How many persons a collection holds.
    pub(crate) fn count_in(&self, collection: &str) -> Result<u64> {
        Ok(self
            .store()
            .count_range(Space::Members, &KeyRange::prefix(&prefix(collection)))?)
    }

    /// Since when a collection holds a person's record; none when it does not.
    pub(crate) fn member_since(
        &self,
        subject: &SubjectId,
        collection: &str,
    ) -> Result<Option<UnixMs>> {
        let row = self
            .store()
            .get(Space::Members, &key(collection, subject))?;
        row.map(|at| {
            at.as_slice()
                .try_into()
                .map(UnixMs::from_be_bytes)
                .map_err(|_| ServiceError::Damaged("member"))
        })
        .transpose()
    }

    /// Whether a purpose's retention has run out for a record held since `at` (PIPL art. 19).
    pub(crate) fn retention_over(&self, at: UnixMs, purpose: &PurposeView) -> bool {
        self.now() - at > i64::from(purpose.retention_days) * 86_400_000
    }
}
