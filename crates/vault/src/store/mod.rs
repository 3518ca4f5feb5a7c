//! The narrow, ordered key-value store under the vault.
//!
//! A store has a closed set of [`Space`]s, each an ordered map from bytes to bytes, and one
//! way to change them: an atomic [`Batch`] with preconditions, durable when [`Store::write`]
//! returns. That is little enough for SQLite, PostgreSQL and a map in memory to behave alike;
//! [`conformance`] holds every implementation to it.
//! What the bytes mean, and that they are sealed, is the business of the rooms above.

pub mod conformance;
mod memory;
mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

macro_rules! spaces {
    ($($(#[$doc:meta])* $name:ident => $table:literal,)*) => {
        /// One ordered map of the store; in SQL, one table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Space { $($(#[$doc])* $name,)* }

        impl Space {
            /// Every space, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The table name: lower-case ASCII, fixed for ever.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $table,)* }
            }
        }
    };
}

spaces! {
    /// Small facts about the store itself: tenant, format, counters.
    Meta => "meta",
    /// Wrapped key-encryption keys and wrapped subject keys; lives in the key store.
    Keys => "keys",
    /// One row a subject: alive or erased, identity terms.
    Subjects => "subjects",
    /// Sealed fields, one row a subject, collection and version.
    Records => "records",
    /// Runs of the blind index.
    Index => "blind_index",
    /// Tokens of business sites, both ways.
    Tokens => "tokens",
    /// Erasures begun and not yet finished.
    Erasures => "erasures",
    /// Disposal receipts.
    Receipts => "receipts",
    /// Declared purposes and their history.
    Purposes => "purposes",
    /// Policies of the administrator and their history.
    Policies => "policies",
    /// Consents per subject and purpose, sealed, with history.
    Consents => "consents",
    /// Flags per subject (do not contact, objection, restriction), with history.
    Flags => "flags",
    /// Templates of faces per subject and purpose, sealed; their keys lie in the key store.
    Faces => "faces",
    /// Devices per subject that sign for him, sealed.
    Devices => "devices",
    /// Business sites.
    Sites => "sites",
    /// Which subjects a collection holds, and since when.
    Members => "members",
    /// Collections: field names, labels, how they were imported.
    Collections => "collections",
    /// Staff accounts.
    Staff => "staff",
    /// Sessions of staff and of persons.
    Sessions => "sessions",
    /// Keys of calling services.
    ApiKeys => "api_keys",
    /// One-time links: first administrator, enrolment, portal.
    Invites => "invites",
    /// Requests of persons: correction, objection, cancellation.
    Requests => "requests",
    /// Two-person approvals.
    Approvals => "approvals",
    /// Named recipients of exports.
    Recipients => "recipients",
    /// Import and export jobs and their progress.
    Jobs => "jobs",
    /// Rows a job could not take, by place and reason.
    JobProblems => "job_problems",
    /// Exports.
    Exports => "exports",
    /// Rows of an export: what a copy carried where.
    ExportRows => "export_rows",
    /// Canary persons and the exports that carry them.
    Canaries => "canaries",
    /// Decoys among the results of look-ups, and the coins of those who looked.
    Decoys => "decoys",
    /// Pictures kept for handing out copies, and those copies.
    Pictures => "pictures",
    /// Viewers' screens by day, whose pattern was committed to.
    Screens => "screens",
    /// Leak reports.
    Cases => "cases",
    /// Rows of a leak report.
    CaseRows => "case_rows",
    /// The log as the service projects it, by leaf index.
    Events => "events",
    /// Per subject: n-th event to leaf index.
    SubjectEvents => "subject_events",
    /// Counters for charts.
    Stats => "stats",
    /// Answers kept for repeated requests.
    Idempotency => "idempotency",
    /// Settings of the installation.
    Settings => "settings",
    /// Time-ordered queues: retention, expiry, deadlines.
    Deadlines => "deadlines",
}

/// A row: key and value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Why a store could not answer.
///
/// Messages name a space and an operation, never a key or a value: either may be personal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A precondition of the batch did not hold; nothing was written.
    #[error("a row of {} changed meanwhile", space.name())]
    Conflict {
        /// Where the unmet precondition lies.
        space: Space,
    },
    /// Another connection held the database for longer than the busy timeout.
    #[error("the store is busy")]
    Busy,
    /// The disk is full; nothing was written.
    #[error("the store's disk is full")]
    Full,
    /// The file is no database, or a damaged one.
    #[error("the store is damaged")]
    Corrupt,
    /// The database was written by a newer program.
    #[error("the store has format {found}, this program knows up to {known}")]
    Format {
        /// Format found in the file.
        found: u32,
        /// Newest format this program knows.
        known: u32,
    },
    /// Any other refusal of the engine below, by its code only.
    #[error("the store failed during {during} (code {code})")]
    Engine {
        /// The operation.
        during: &'static str,
        /// The engine's extended result code.
        code: i32,
    },
}

/// Half-open range of keys, `from` included, `to` excluded, in byte order.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key included.
    pub from: Vec<u8>,
    /// First key excluded; `None` means to the end.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            from: Vec::new(),
            to: None,
        }
    }

    /// Keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: prefix.to_vec(),
            to: after_prefix(prefix),
        }
    }

    /// Keys from `from` (included) to `to` (excluded).
    #[must_use]
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: Some(to.into()),
        }
    }

    /// Keys from `from` on.
    #[must_use]
    pub fn from(from: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: None,
        }
    }

    /// The same range, but only keys after `key`: the next page of a forward scan.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        self.from = key.to_vec();
        self.from.push(0);
        self
    }

    /// The same range, but only keys before `key`: the next page of a reverse scan.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.to = Some(key.to_vec());
        self
    }

    /// Whether `key` lies inside.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.from.as_slice() && self.to.as_deref().is_none_or(|to| key < to)
    }
}

/// The least key greater than every key that begins with `prefix`, if there is one.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut next = prefix.get(..=last)?.to_vec();
    if let Some(byte) = next.last_mut() {
        *byte += 1;
    }
    Some(next)
}

impl std::fmt::Debug for KeyRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRange({} bytes..)", self.from.len())
    }
}

/// One change inside a [`Batch`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Put(Space, Vec<u8>, Vec<u8>),
    Delete(Space, Vec<u8>),
}

/// A precondition: the row holds exactly this value, or is absent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Expectation {
    pub(crate) space: Space,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// Changes that happen together or not at all.
///
/// Preconditions are checked against the state before the batch; then changes apply in order.
#[derive(Clone, Default)]
pub struct Batch {
    pub(crate) changes: Vec<Change>,
    pub(crate) expectations: Vec<Expectation>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a row, replacing what was there.
    pub fn put(
        &mut self,
        space: Space,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.changes
            .push(Change::Put(space, key.into(), value.into()));
        self
    }

    /// Removes a row; an absent row is no error.
    pub fn delete(&mut self, space: Space, key: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.push(Change::Delete(space, key.into()));
        self
    }

    /// Demands that the row holds `value` (`None`: is absent) before the batch.
    pub fn expect(
        &mut self,
        space: Space,
        key: impl Into<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> &mut Self {
        self.expectations.push(Expectation {
            space,
            key: key.into(),
            value,
        });
        self
    }

    /// Appends everything of `other`.
    pub fn extend(&mut self, other: Self) -> &mut Self {
        self.changes.extend(other.changes);
        self.expectations.extend(other.expectations);
        self
    }

    /// Number of changes, preconditions not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether the batch changes and demands nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.expectations.is_empty()
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Batch({} changes, {} conditions)",
            self.changes.len(),
            self.expectations.len()
        )
    }
}

/// An ordered key-value store with atomic, durable batches.
///
/// Readers see whole batches only, and see a batch as soon as [`Store::write`] returned.
pub trait Store: Send + Sync {
    /// The value of a row.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` rows of `range` in ascending key order, or descending when `reverse`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses.
    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Pair>, StoreError>;

    /// Applies `batch` atomically; it is durable when this returns.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a precondition does not hold; then, as after any other
    /// error, nothing was written.
    fn write(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Number of rows in `range` of `space`. Linear in the answer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses.
    fn count_range(&self, space: Space, range: &KeyRange) -> Result<u64, StoreError>;

    /// Number of rows of `space`. Linear in the answer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses.
    fn count(&self, space: Space) -> Result<u64, StoreError> {
        self.count_range(space, &KeyRange::all())
    }

    /// Makes deleted and overwritten rows unrecoverable from the store's files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when readers did not leave the old state in time.
    fn compact(&self) -> Result<(), StoreError>;

    /// Room taken, in bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses.
    fn size(&self) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ranges_end_after_their_last_key() {
        let rows: [(&[u8], Option<&[u8]>); 5] = [
            (b"a", Some(b"b")),
            (b"a\xff", Some(b"b")),
            (b"\xff\xff", None),
            (b"", None),
            (b"a\x00", Some(b"a\x01")),
        ];
        for (prefix, to) in rows {
            assert_eq!(KeyRange::prefix(prefix).to.as_deref(), to, "{prefix:?}");
        }
    }

    #[test]
    fn space_names_are_distinct() {
        let mut names: Vec<_> = Space::ALL.iter().map(|space| space.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Space::ALL.len());
    }

    #[test]
    fn debug_of_batches_shows_no_bytes() {
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"secretkey", *b"secretvalue");
        assert_eq!(format!("{batch:?}"), "Batch(1 changes, 0 conditions)");
    }
}
