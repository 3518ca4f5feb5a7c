//! Erasure that is real: keys first, then everything that leads to the person.
//!
//! Steps, each durable before the next: an intent in the records; the wrapped keys go from
//! the key store; one batch deletes records, index entries, consents, flags, devices, faces and event rows,
//! turns tokens and the subject into tombstones and files a receipt; both stores are
//! compacted, so that no file holds the wrapped keys; the intent goes. A crash anywhere is
//! finished by the next [`Vault::open`]: an intent is a promise.
//! Leaves in the log stay, unreadable; so do index filters, in which the entry's bits linger
//! until the next merge and say nothing without the index key.

use serde::{Deserialize, Serialize};

use crate::crypt;
use crate::index::{Entries, FIND, IDENTITY};
use crate::record;
use crate::store::{Batch, KeyRange, Space, StoreError};
use crate::subject::SubjectId;
use crate::token;
use crate::vault::ERASED;
use crate::{SubjectState, Vault, VaultError};

/// Tries of a compaction that readers keep busy.
const TRIES: usize = 5;

/// Evidence that a subject was erased, without saying who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalReceipt {
    /// Format of the receipt: 1.
    pub format: u32,
    /// SHA-256("liuhen/disposal/v1" ‖ subject id), lower-case hex: whoever knows the id can
    /// find the receipt, and nobody learns the id from it.
    pub subject_hash: String,
    /// What was disposed of: `subject`.
    pub class: String,
    /// Why, as a short code the caller chose (`cancelled`, `retention`, …).
    pub reason: String,
    /// Who approved it, as the caller said: best a role, since a name would outlive the person (`the person concerned`, `retention rule`, …). Empty in receipts from before it was kept.
    #[serde(default)]
    pub approver: String,
    /// When, as the caller said: milliseconds since 1970 UTC.
    pub at: i64,
    /// Whether wrapped keys were there to be destroyed.
    pub keys_destroyed: bool,
    /// Records, counted once for all their versions.
    pub records: u64,
    /// Record versions.
    pub versions: u64,
    /// Fields over all versions.
    pub fields: u64,
    /// Tokens turned into tombstones.
    pub tokens: u64,
    /// Index entries removed.
    pub index_entries: u64,
    /// Consents and flags with their history, and devices.
    pub declarations: u64,
    /// Rows that led from the subject to leaves of the log.
    pub event_rows: u64,
    /// Templates of faces, one a purpose; their keys went with the others.
    #[serde(default)]
    pub faces: u64,
}

/// What an intent remembers.
#[derive(Serialize, Deserialize)]
struct Intent {
    reason: String,
    #[serde(default)]
    approver: String,
    at: i64,
    keys_destroyed: bool,
}

/// Why a subject is erased: what the receipt will say.
#[derive(Debug, Clone, Copy)]
pub struct Disposal<'a> {
    /// A short code (`cancelled`, `retention`, …).
    pub reason: &'a str,
    /// Who approved it, best by role: it outlives the person.
    pub approver: &'a str,
    /// When: milliseconds since 1970 UTC.
    pub at: i64,
}

impl Disposal<'_> {
    fn intent(&self, keys_destroyed: bool) -> Intent {
        Intent {
            reason: self.reason.to_owned(),
            approver: self.approver.to_owned(),
            at: self.at,
            keys_destroyed,
        }
    }
}

/// SHA-256("liuhen/disposal/v1" ‖ subject), hex.
fn subject_hash(subject: &SubjectId) -> String {
    let hash = crypt::sha256(&[b"liuhen/disposal/v1", subject.as_bytes()]);
    data_encoding::HEXLOWER.encode(&hash)
}

impl Vault {
    /// Erases a subject: destroys its keys, deletes what it had, leaves tombstones and a
    /// receipt. `also` joins the deleting batch (it is lost when a crash interrupts between
    /// the steps and the next opening finishes alone). Trace the erasure before calling:
    /// afterwards the subject's trace key is gone.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`] when it was erased before, [`VaultError::NotFound`];
    /// [`StoreError::Busy`] when only the compaction is outstanding: call
    /// [`Vault::finish_erasures`] later.
    pub fn erase(
        &self,
        subject: &SubjectId,
        why: Disposal<'_>,
        also: Batch,
    ) -> Result<DisposalReceipt, VaultError> {
        let _writing = self.writing();
        if self.subject_state(subject)? != SubjectState::Live {
            return Err(self.absent(subject)?);
        }
        let keys_destroyed = self.keyring.get(subject)?.is_some();
        let intent = why.intent(keys_destroyed);
        let bytes = serde_json::to_vec(&intent).map_err(|_| VaultError::malformed("an erasure"))?;
        let mut batch = Batch::new();
        batch.put(Space::Erasures, *subject.as_bytes(), bytes);
        self.records.write(&batch)?;
        let receipt = self.carry_out(subject, &intent, also)?;
        self.settle(&[*subject])?;
        Ok(receipt)
    }

    /// Erases many subjects with one compaction at the end (retention jobs).
    ///
    /// # Errors
    ///
    /// As [`Vault::erase`]; subjects before the failing one stay erased.
    pub fn erase_many(
        &self,
        subjects: &[SubjectId],
        why: Disposal<'_>,
    ) -> Result<Vec<DisposalReceipt>, VaultError> {
        let _writing = self.writing();
        let mut batch = Batch::new();
        let intent = why.intent(true);
        let bytes = serde_json::to_vec(&intent).map_err(|_| VaultError::malformed("an erasure"))?;
        for subject in subjects {
            if self.subject_state(subject)? != SubjectState::Live {
                return Err(self.absent(subject)?);
            }
            batch.put(Space::Erasures, *subject.as_bytes(), bytes.clone());
        }
        self.records.write(&batch)?;
        let receipts = subjects
            .iter()
            .map(|subject| self.carry_out(subject, &intent, Batch::new()))
            .collect::<Result<_, _>>()?;
        self.settle(subjects)?;
        Ok(receipts)
    }

    /// Finishes erasures that a crash or a busy store interrupted; answers how many.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn finish_erasures(&self) -> Result<usize, VaultError> {
        let _writing = self.writing();
        let open = self
            .records
            .scan(Space::Erasures, &KeyRange::all(), usize::MAX, false)?;
        let mut subjects = Vec::with_capacity(open.len());
        for (key, value) in &open {
            let subject = SubjectId::read(key)?;
            let intent =
                serde_json::from_slice(value).map_err(|_| VaultError::malformed("an erasure"))?;
            if self.subject_state(&subject)? == SubjectState::Live {
                self.carry_out(&subject, &intent, Batch::new())?;
            }
            subjects.push(subject);
        }
        if !subjects.is_empty() {
            self.settle(&subjects)?;
        }
        Ok(subjects.len())
    }

    /// The receipt of an erased subject.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn disposal_receipt(
        &self,
        subject: &SubjectId,
    ) -> Result<Option<DisposalReceipt>, VaultError> {
        let row = self
            .records
            .get(Space::Receipts, subject_hash(subject).as_bytes())?;
        row.map(|row| serde_json::from_slice(&row).map_err(|_| VaultError::malformed("a receipt")))
            .transpose()
    }

    /// Destroys the keys, then deletes and buries the rest in one batch.
    fn carry_out(
        &self,
        subject: &SubjectId,
        intent: &Intent,
        also: Batch,
    ) -> Result<DisposalReceipt, VaultError> {
        self.keyring.destroy(subject)?;
        let mut batch = also;
        let mut receipt = DisposalReceipt {
            format: 1,
            subject_hash: subject_hash(subject),
            class: "subject".to_owned(),
            reason: intent.reason.clone(),
            approver: intent.approver.clone(),
            at: intent.at,
            keys_destroyed: intent.keys_destroyed,
            records: 0,
            versions: 0,
            fields: 0,
            tokens: token::bury(&*self.records, &mut batch, subject)?,
            index_entries: 0,
            declarations: 0,
            event_rows: 0,
            faces: 0,
        };
        let terms = self.delete_records(subject, &mut batch, &mut receipt)?;
        receipt.index_entries = self.index.stage_removal(&mut batch, &terms)?;
        for space in [Space::Consents, Space::Flags, Space::Devices] {
            receipt.declarations += self.delete_prefix(space, subject, &mut batch)?;
        }
        receipt.faces = self.delete_faces(subject, &mut batch)?;
        receipt.event_rows = self.delete_prefix(Space::SubjectEvents, subject, &mut batch)?;
        batch.put(Space::Subjects, *subject.as_bytes(), [ERASED]);
        let bytes = serde_json::to_vec(&receipt).map_err(|_| VaultError::malformed("a receipt"))?;
        batch.put(Space::Receipts, receipt.subject_hash.as_bytes(), bytes);
        self.records.write(&batch)?;
        Ok(receipt)
    }

    /// Stages the deletion of all record versions; answers the index entries they had.
    fn delete_records(
        &self,
        subject: &SubjectId,
        batch: &mut Batch,
        receipt: &mut DisposalReceipt,
    ) -> Result<Entries, VaultError> {
        let mut terms = Entries::new();
        for identity in self.identities(subject)? {
            terms.insert((identity.term, *subject), FIND | IDENTITY);
        }
        let mut last = None;
        self.each_record(subject, |key, value| {
            let record = record::parse_record(value)?;
            receipt.versions += 1;
            receipt.fields += record.fields.len() as u64;
            let collection = record::collection_of(key)?;
            if last.as_deref() != Some(collection) {
                receipt.records += 1;
                last = Some(collection.to_owned());
            }
            for term in record.fields.iter().filter_map(|field| field.term) {
                terms.insert((term, *subject), FIND | IDENTITY);
            }
            batch.delete(Space::Records, key);
            Ok(())
        })?;
        Ok(terms)
    }

    fn delete_prefix(
        &self,
        space: Space,
        subject: &SubjectId,
        batch: &mut Batch,
    ) -> Result<u64, VaultError> {
        let range = KeyRange::prefix(subject.as_bytes());
        let rows = self.records.scan(space, &range, usize::MAX, false)?;
        let count = rows.len() as u64;
        for (key, _) in rows {
            batch.delete(space, key);
        }
        Ok(count)
    }

    /// Compacts both stores and then lets the intents go.
    fn settle(&self, subjects: &[SubjectId]) -> Result<(), VaultError> {
        compact(&**self.keyring.store())?;
        compact(&*self.records)?;
        let mut batch = Batch::new();
        for subject in subjects {
            batch.delete(Space::Erasures, *subject.as_bytes());
        }
        Ok(self.records.write(&batch)?)
    }
}

/// Readers leave their snapshots within microseconds; a busy answer is worth another try.
pub(crate) fn compact(store: &dyn crate::store::Store) -> Result<(), StoreError> {
    for _ in 1..TRIES {
        match store.compact() {
            Err(StoreError::Busy) => std::thread::yield_now(),
            other => return other,
        }
    }
    store.compact()
}
