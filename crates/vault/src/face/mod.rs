//! Faces: of each, a template that only its key makes sense of, and the key elsewhere.
//!
//! Rule: ISO/IEC 24745 (irreversible, unlinkable, renewable). A person has one template and one
//! key for each purpose, so that two purposes cannot be joined by them. The template lies, sealed
//! under the person's own key, among the records ([`Space::Faces`], `subject[16] ‖ purpose`); its
//! key lies in the key store and was never beside it. Ending a face destroys its key before the
//! template goes, and a new one begins with a new key.
//!
//! The bits are [`scheme`]'s business; who may enrol or ask, whether the picture is good enough,
//! and at how many differing bits two faces are one person's is decided above. Pictures do not
//! come here.

mod scheme;

pub use scheme::{BITS, FEATURES, FaceKey, Features, Signs, Template, cosine_at};

use std::sync::atomic::{AtomicU64, Ordering};

use crate::crypt;
use crate::erase::compact;
use crate::store::{Batch, KeyRange, Space, StoreError};
use crate::subject::SubjectId;
use crate::{SubjectState, Vault, VaultError};

const CLASS: &str = "face-template";
const WHAT: &str = "the template of a face";
/// First byte of a row that is a face; what follows is sealed.
const HELD: u8 = 1;
/// The whole row of a face that ended and whose key is being destroyed.
const ENDING: [u8; 1] = [0];
/// The same, not taken off the count of persons yet.
const MARKED: [u8; 1] = [2];
/// Rows looked at together when all are.
const PAGE: usize = 1_000;
/// Bytes that tie a template to its key.
pub(crate) const GENERATION: usize = 8;

/// That a face is held, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceHeld {
    /// For which purpose.
    pub purpose: String,
    /// When it was enrolled: milliseconds since 1970 UTC.
    pub at: i64,
}

/// How many persons have a face here.
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicU64);

impl Held {
    fn more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn less(&self) {
        // While a vault opens, erasures are finished before anybody was counted.
        let fewer = |held: u64| Some(held.saturating_sub(1));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    }
}

/// The sealed part of a row.
struct Row {
    generation: [u8; GENERATION],
    at: i64,
    template: Template,
}

impl Row {
    fn to_bytes(&self) -> Vec<u8> {
        let at = self.at.to_be_bytes();
        [&self.generation[..], &at, self.template.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Result<Self, VaultError> {
        let parse = || {
            let (generation, rest) = bytes.split_first_chunk()?;
            let (at, template) = rest.split_first_chunk()?;
            Some((*generation, i64::from_be_bytes(*at), template))
        };
        let (generation, at, template) = parse().ok_or(VaultError::malformed(WHAT))?;
        Ok(Self {
            generation,
            at,
            template: Template::read(template)?,
        })
    }
}

fn row_key(subject: &SubjectId, purpose: &str) -> Vec<u8> {
    [subject.as_bytes(), purpose.as_bytes()].concat()
}

fn parts(key: &[u8]) -> Result<(SubjectId, &str), VaultError> {
    let (subject, purpose) = key
        .split_at_checked(16)
        .ok_or(VaultError::malformed(WHAT))?;
    let purpose = std::str::from_utf8(purpose).map_err(|_| VaultError::malformed(WHAT))?;
    Ok((SubjectId::read(subject)?, purpose))
}

impl Vault {
    /// Keeps a face for a purpose, under a key of its own; a face kept before for it ends first.
    /// Answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`] about the subject; [`StoreError::Busy`]
    /// when a former key cannot leave its file yet: then no face is kept.
    pub fn enrol_face(
        &self,
        subject: &SubjectId,
        purpose: &str,
        face: &Features,
        at: i64,
    ) -> Result<bool, VaultError> {
        let _writing = self.writing();
        let keys = self.keys_of(subject)?;
        if self.subject_state(subject)? != SubjectState::Live {
            return Err(self.absent(subject)?);
        }
        let before = self.face_row(subject, purpose)?.is_some();
        // An end that was not finished too: its mark would be written over.
        let id = row_key(subject, purpose);
        if self.records.get(Space::Faces, &id)?.is_some() {
            self.end(subject, purpose)?;
        }
        let first = !self.is_counted(subject)?;
        let (key, mut generation) = (FaceKey::random()?, [0; GENERATION]);
        crypt::fill_random(&mut generation)?;
        let row = Row {
            generation,
            at,
            template: key.protect(face),
        };
        let mut stored = vec![HELD];
        let sealed = crypt::seal(&keys.field_key(CLASS), &self.face_aad(&id), &row.to_bytes())?;
        stored.extend_from_slice(&sealed);
        // The key first: a key without a template means nothing, a template without one neither.
        self.keyring
            .put_face(subject, purpose, key.expose(), &generation)?;
        let mut batch = Batch::new();
        batch.put(Space::Faces, id, stored);
        self.records.write(&batch)?;
        if first {
            self.held.more();
        }
        Ok(before)
    }

    /// Bits in which a face differs from the one kept of a person for a purpose; none when none
    /// is kept. The number says how alike they are: nobody but who compares it with a threshold
    /// may see it.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::Sealed`].
    pub fn compare_face(
        &self,
        subject: &SubjectId,
        purpose: &str,
        face: &Features,
    ) -> Result<Option<u32>, VaultError> {
        let Some(row) = self.open_face(subject, purpose)? else {
            return Ok(None);
        };
        match self.keyring.face(subject, purpose)? {
            // A template of an earlier key, put back from a copy, is nobody's.
            Some((key, generation)) if generation == row.generation => {
                Ok(Some(FaceKey::new(key).differing(&row.template, face)))
            }
            _ => Ok(None),
        }
    }

    /// Whether a face is kept of a person for a purpose, and since when.
    ///
    /// # Errors
    ///
    /// As [`Vault::compare_face`].
    pub fn face(&self, subject: &SubjectId, purpose: &str) -> Result<Option<FaceHeld>, VaultError> {
        let row = self.open_face(subject, purpose)?;
        Ok(row.map(|row| FaceHeld {
            purpose: purpose.to_owned(),
            at: row.at,
        }))
    }

    /// Every face kept of a person.
    ///
    /// # Errors
    ///
    /// As [`Vault::compare_face`].
    pub fn faces_of(&self, subject: &SubjectId) -> Result<Vec<FaceHeld>, VaultError> {
        let mut faces = Vec::new();
        for (key, _) in self.face_rows(subject)? {
            faces.extend(self.face(subject, parts(&key)?.1)?);
        }
        Ok(faces)
    }

    /// Marks the face kept of a person for a purpose as ending, within a batch of the caller's: when
    /// that is written the face is no longer one, whatever happens then. [`Vault::end_face`] goes on
    /// from there; if a crash comes first, the next [`Vault::open`] does. Whoever calls keeps the
    /// person from being enrolled anew in between.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn mark_face(
        &self,
        batch: &mut Batch,
        subject: &SubjectId,
        purpose: &str,
    ) -> Result<(), VaultError> {
        if self.face_row(subject, purpose)?.is_some() {
            batch.put(Space::Faces, row_key(subject, purpose), MARKED);
        }
        Ok(())
    }

    /// Ends the face kept of a person for a purpose: its key is destroyed, then the template goes.
    /// Whatever a crash leaves undone, the next [`Vault::open`] finishes. Answers whether there was
    /// one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when only making the files forget the key is outstanding: the next
    /// end or opening finishes it.
    pub fn end_face(&self, subject: &SubjectId, purpose: &str) -> Result<bool, VaultError> {
        let _writing = self.writing();
        let key = row_key(subject, purpose);
        let row = self.records.get(Space::Faces, &key)?;
        if row.is_some() {
            self.end(subject, purpose)?;
        }
        Ok(row.is_some())
    }

    /// Persons of whom a face is kept, each counted once.
    #[must_use]
    pub fn faces_held(&self) -> u64 {
        self.held.0.load(Ordering::Relaxed)
    }

    fn face_aad(&self, id: &[u8]) -> Vec<u8> {
        crypt::aad(&[b"liuhen/face/v1", self.tenant.as_bytes(), id])
    }

    /// The sealed row of a face that has not ended.
    fn face_row(&self, subject: &SubjectId, purpose: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let row = self.records.get(Space::Faces, &row_key(subject, purpose))?;
        Ok(row.filter(|row| row.first() == Some(&HELD)))
    }

    fn face_rows(&self, subject: &SubjectId) -> Result<Vec<crate::store::Pair>, VaultError> {
        let range = KeyRange::prefix(subject.as_bytes());
        let mut rows = self.records.scan(Space::Faces, &range, usize::MAX, false)?;
        rows.retain(|(_, row)| row.first() == Some(&HELD));
        Ok(rows)
    }

    /// Whether the count of persons has a subject: a face of his is held, or marked.
    fn is_counted(&self, subject: &SubjectId) -> Result<bool, VaultError> {
        let range = KeyRange::prefix(subject.as_bytes());
        let rows = self.records.scan(Space::Faces, &range, usize::MAX, false)?;
        Ok(rows.iter().any(|(_, row)| *row != ENDING))
    }

    fn open_face(&self, subject: &SubjectId, purpose: &str) -> Result<Option<Row>, VaultError> {
        let Some(row) = self.face_row(subject, purpose)? else {
            return Ok(None);
        };
        let key = self.keys_of(subject)?.field_key(CLASS);
        let aad = self.face_aad(&row_key(subject, purpose));
        let sealed = row.get(1..).unwrap_or_default();
        Row::read(&crypt::open(&key, &aad, sealed, WHAT)?).map(Some)
    }

    /// Marks a face as ending, destroys its key, makes the files forget both, unmarks it.
    fn end(&self, subject: &SubjectId, purpose: &str) -> Result<(), VaultError> {
        let key = row_key(subject, purpose);
        let counted = self.records.get(Space::Faces, &key)? != Some(ENDING.to_vec());
        let mut batch = Batch::new();
        batch.put(Space::Faces, key, ENDING);
        self.records.write(&batch)?;
        if counted && !self.is_counted(subject)? {
            self.held.less();
        }
        self.finish(&[(*subject, purpose.to_owned())])
    }

    fn finish(&self, ending: &[(SubjectId, String)]) -> Result<(), VaultError> {
        let mut batch = Batch::new();
        for (subject, purpose) in ending {
            self.keyring.drop_face(subject, purpose)?;
            batch.delete(Space::Faces, row_key(subject, purpose));
        }
        compact(&**self.keyring.store())?;
        compact(&*self.records)?;
        Ok(self.records.write(&batch)?)
    }

    /// Counts the persons of whom a face is kept, and finishes what a crash interrupted.
    pub(crate) fn count_faces(&self) -> Result<(), VaultError> {
        let _writing = self.writing();
        let (mut range, mut last, mut held) = (KeyRange::all(), None, 0);
        let mut ending = Vec::new();
        loop {
            let rows = self.records.scan(Space::Faces, &range, PAGE, false)?;
            let Some((end, _)) = rows.last() else { break };
            range = range.after(end);
            for (key, row) in &rows {
                let (subject, purpose) = parts(key)?;
                if row.first() != Some(&HELD) {
                    ending.push((subject, purpose.to_owned()));
                } else if last != Some(subject) {
                    held += 1;
                    last = Some(subject);
                }
            }
        }
        self.held.0.store(held, Ordering::Relaxed);
        if ending.is_empty() {
            return Ok(());
        }
        match self.finish(&ending) {
            // The keys are gone; only the files remember, until the next end.
            Err(VaultError::Store(StoreError::Busy)) => Ok(()),
            finished => finished,
        }
    }

    /// Removes a face's key that leads to no template; answers whether it did.
    pub(crate) fn sweep_face(&self, owner: &[u8]) -> Result<bool, VaultError> {
        let (subject, purpose) = parts(owner)?;
        let orphan = self.records.get(Space::Faces, owner)?.is_none();
        if orphan {
            self.keyring.drop_face(&subject, purpose)?;
        }
        Ok(orphan)
    }

    /// Stages the deletion of all faces of a subject that is being erased; answers how many.
    pub(crate) fn delete_faces(
        &self,
        subject: &SubjectId,
        batch: &mut Batch,
    ) -> Result<u64, VaultError> {
        let count = self.face_rows(subject)?.len() as u64;
        if self.is_counted(subject)? {
            self.held.less();
        }
        let range = KeyRange::prefix(subject.as_bytes());
        for (key, _) in self.records.scan(Space::Faces, &range, usize::MAX, false)? {
            batch.delete(Space::Faces, key);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use crate::store::{MemoryStore, Pair, Store};
    use crate::testing::{Stores, row};
    use crate::{Disposal, RootKey};

    fn face(n: u8) -> Features {
        let values = std::array::from_fn(|at| {
            let at = u8::try_from(at).expect("128 of them");
            f32::from(at.wrapping_mul(n * 2 + 1) ^ n) - 99.0
        });
        Features::new(&values).expect("a face")
    }

    fn person(vault: &Vault, n: u32) -> SubjectId {
        vault.ingest(&[row(n)], None, Batch::new()).expect("stores")[0].subject
    }

    const WHY: Disposal<'static> = Disposal {
        reason: "cancelled",
        approver: "test",
        at: 1,
    };

    #[test]
    fn a_face_is_known_again_after_opening_and_a_new_kek() {
        let stores = Stores::new();
        let vault = stores.open();
        let one = person(&vault, 1);
        assert!(!vault.enrol_face(&one, "gate", &face(1), 5).expect("enrols"));
        assert_eq!(
            vault.compare_face(&one, "gate", &face(1)).expect("asks"),
            Some(0)
        );
        assert!(vault.compare_face(&one, "gate", &face(2)).expect("asks") > Some(300));
        assert_eq!(
            vault.compare_face(&one, "till", &face(1)).expect("asks"),
            None
        );
        assert_eq!(vault.replace_kek().expect("rotates"), 1);
        drop(vault);
        let vault = stores.open();
        assert_eq!(vault.faces_held(), 1);
        assert_eq!(
            vault.compare_face(&one, "gate", &face(1)).expect("asks"),
            Some(0)
        );
        let held = FaceHeld {
            purpose: "gate".to_owned(),
            at: 5,
        };
        assert_eq!(vault.faces_of(&one).expect("lists"), [held]);
    }

    #[test]
    fn two_purposes_have_nothing_in_common() {
        let stores = Stores::new();
        let vault = stores.open();
        let one = person(&vault, 1);
        for purpose in ["gate", "till"] {
            vault
                .enrol_face(&one, purpose, &face(1), 5)
                .expect("enrols");
        }
        assert_eq!(vault.faces_held(), 1, "one person");
        let template = |purpose| {
            let row = vault.open_face(&one, purpose).expect("opens");
            row.expect("a face").template
        };
        let differing = template("gate").differing(&template("till"));
        assert!((512 - 80..=512 + 80).contains(&differing), "{differing}");
        vault.end_face(&one, "gate").expect("ends");
        assert_eq!(
            vault.compare_face(&one, "till", &face(1)).expect("asks"),
            Some(0)
        );
        assert_eq!(vault.faces_held(), 1);
    }

    #[test]
    fn an_old_template_is_nobody_after_a_renewal() {
        let stores = Stores::new();
        let vault = stores.open();
        let one = person(&vault, 1);
        vault.enrol_face(&one, "gate", &face(1), 5).expect("enrols");
        let key = row_key(&one, "gate");
        let old = stores
            .records
            .get(Space::Faces, &key)
            .expect("get")
            .expect("row");
        assert!(vault.enrol_face(&one, "gate", &face(1), 6).expect("renews"));
        assert_eq!(vault.faces_held(), 1);
        assert_eq!(
            vault.compare_face(&one, "gate", &face(1)).expect("asks"),
            Some(0)
        );
        let mut batch = Batch::new();
        batch.put(Space::Faces, key, old);
        stores.records.write(&batch).expect("writes");
        assert_eq!(
            vault.compare_face(&one, "gate", &face(1)).expect("asks"),
            None
        );
    }

    #[test]
    fn a_face_that_ended_has_neither_key_nor_template() {
        let stores = Stores::new();
        let vault = stores.open();
        let one = person(&vault, 1);
        vault.enrol_face(&one, "gate", &face(1), 5).expect("enrols");
        assert!(vault.end_face(&one, "gate").expect("ends"));
        assert!(!vault.end_face(&one, "gate").expect("again"));
        assert_eq!(vault.faces_held(), 0);
        assert!(vault.face(&one, "gate").expect("asks").is_none());
        assert_eq!(stores.records.count(Space::Faces).expect("counts"), 0);
        let keys = KeyRange::prefix(&[2]);
        assert_eq!(
            stores.keys.count_range(Space::Keys, &keys).expect("counts"),
            0
        );
    }

    /// Keys whose files cannot forget while somebody reads them.
    struct Read(MemoryStore, AtomicBool);

    impl Store for Read {
        fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.get(space, key)
        }

        fn scan(
            &self,
            space: Space,
            range: &KeyRange,
            limit: usize,
            reverse: bool,
        ) -> Result<Vec<Pair>, StoreError> {
            self.0.scan(space, range, limit, reverse)
        }

        fn write(&self, batch: &Batch) -> Result<(), StoreError> {
            self.0.write(batch)
        }

        fn count_range(&self, space: Space, range: &KeyRange) -> Result<u64, StoreError> {
            self.0.count_range(space, range)
        }

        fn compact(&self) -> Result<(), StoreError> {
            match self.1.load(Ordering::Relaxed) {
                true => Err(StoreError::Busy),
                false => self.0.compact(),
            }
        }

        fn size(&self) -> Result<u64, StoreError> {
            self.0.size()
        }
    }

    #[test]
    fn no_face_is_kept_until_the_files_forgot_the_key_before() {
        let keys = Arc::new(Read(MemoryStore::new(), AtomicBool::new(false)));
        let mut stores = Stores::new();
        stores.keys = Arc::clone(&keys) as Arc<dyn Store>;
        let vault = stores.open();
        let one = person(&vault, 1);
        vault.enrol_face(&one, "gate", &face(1), 5).expect("enrols");
        keys.1.store(true, Ordering::Relaxed);
        for at in 6..9 {
            let renewed = vault.enrol_face(&one, "gate", &face(1), at);
            let busy = matches!(renewed, Err(VaultError::Store(StoreError::Busy)));
            assert!(busy, "{at}: {renewed:?}");
            assert!(vault.face(&one, "gate").expect("asks").is_none());
            assert_eq!(vault.faces_held(), 0);
        }
        keys.1.store(false, Ordering::Relaxed);
        assert!(!vault.enrol_face(&one, "gate", &face(1), 9).expect("enrols"));
        assert_eq!(vault.faces_held(), 1);
        assert!(vault.end_face(&one, "gate").expect("ends"));
        assert_eq!(vault.faces_held(), 0);
    }

    #[test]
    fn a_face_that_was_marked_is_taken_off_the_count_once() {
        let stores = Stores::new();
        let vault = stores.open();
        let (one, two) = (person(&vault, 1), person(&vault, 2));
        for subject in [&one, &two] {
            vault
                .enrol_face(subject, "gate", &face(1), 5)
                .expect("enrols");
        }
        let mut batch = Batch::new();
        vault.mark_face(&mut batch, &one, "gate").expect("marks");
        vault
            .mark_face(&mut batch, &one, "till")
            .expect("nothing to mark");
        assert_eq!(batch.len(), 1);
        stores.records.write(&batch).expect("writes");
        assert!(vault.end_face(&one, "gate").expect("ends"));
        assert!(!vault.end_face(&one, "gate").expect("again"));
        assert_eq!(vault.faces_held(), 1);
    }

    #[test]
    fn what_a_crash_left_of_an_end_is_finished_at_the_next_opening() {
        let stores = Stores::new();
        let vault = stores.open();
        let (one, two) = (person(&vault, 1), person(&vault, 2));
        for subject in [&one, &two] {
            vault
                .enrol_face(subject, "gate", &face(1), 5)
                .expect("enrols");
        }
        let mut batch = Batch::new();
        vault.mark_face(&mut batch, &one, "gate").expect("marks");
        stores.records.write(&batch).expect("writes");
        assert!(vault.face(&one, "gate").expect("asks").is_none());
        drop(vault);
        let vault = stores.open();
        assert_eq!(vault.faces_held(), 1);
        let keys = KeyRange::prefix(&[2]);
        assert_eq!(
            stores.keys.count_range(Space::Keys, &keys).expect("counts"),
            1
        );
        assert_eq!(stores.records.count(Space::Faces).expect("counts"), 1);
        assert_eq!(
            vault.compare_face(&two, "gate", &face(1)).expect("asks"),
            Some(0)
        );
    }

    #[test]
    fn erasing_a_person_destroys_his_faces_and_their_keys() {
        let stores = Stores::new();
        let vault = stores.open();
        let (one, two) = (person(&vault, 1), person(&vault, 2));
        for subject in [&one, &two] {
            for purpose in ["gate", "till"] {
                vault
                    .enrol_face(subject, purpose, &face(1), 5)
                    .expect("enrols");
            }
        }
        let receipt = vault.erase(&one, WHY, Batch::new()).expect("erases");
        assert_eq!((receipt.faces, vault.faces_held()), (2, 1));
        assert_eq!(stores.records.count(Space::Faces).expect("counts"), 2);
        let keys = KeyRange::prefix(&[2]);
        assert_eq!(
            stores.keys.count_range(Space::Keys, &keys).expect("counts"),
            2
        );
        let refused = vault.enrol_face(&one, "gate", &face(1), 6);
        assert!(matches!(refused, Err(VaultError::Erased)));
    }

    #[test]
    fn keys_that_lead_to_no_face_are_swept() {
        let stores = Stores::new();
        let vault = stores.open();
        let one = person(&vault, 1);
        vault.enrol_face(&one, "gate", &face(1), 5).expect("enrols");
        let mut batch = Batch::new();
        batch.delete(Space::Faces, row_key(&one, "gate"));
        stores.records.write(&batch).expect("writes");
        assert_eq!(vault.sweep_keys().expect("sweeps"), 1);
        let keys = KeyRange::prefix(&[2]);
        assert_eq!(
            stores.keys.count_range(Space::Keys, &keys).expect("counts"),
            0
        );
    }

    #[test]
    fn refuses_a_template_moved_to_another_person_or_read_without_its_root() {
        let stores = Stores::new();
        let vault = stores.open();
        let (one, two) = (person(&vault, 1), person(&vault, 2));
        for (subject, n) in [(&one, 1), (&two, 2)] {
            vault
                .enrol_face(subject, "gate", &face(n), 5)
                .expect("enrols");
        }
        let row = stores.records.get(Space::Faces, &row_key(&one, "gate"));
        let mut batch = Batch::new();
        batch.put(
            Space::Faces,
            row_key(&two, "gate"),
            row.expect("get").expect("row"),
        );
        stores.records.write(&batch).expect("writes");
        assert!(matches!(
            vault.compare_face(&two, "gate", &face(1)),
            Err(VaultError::Sealed { .. })
        ));
        let (records, keys) = (stores.records.clone(), stores.keys.clone());
        let other = Vault::open(records, keys, RootKey::from_bytes([2; 32]), "test");
        assert!(matches!(other, Err(VaultError::ForeignStore)));
    }
}
