//! Keys of subjects, and the keys that wrap them.
//!
//! Root → versioned KEK → per subject a random 256-bit DEK and a trace key, wrapped together.
//! The wrapped rows lie in a *key store*, another database than the records, so that erasing
//! one small row there makes everything about a subject unreadable, and so that backups of
//! the records alone hold nothing readable.
//! Key store rows (space [`Space::Keys`]):
//!
//! - `0x00 ‖ version u32 BE` → KEK sealed by a key derived from the root;
//! - `0x01 ‖ subject[16]` → `version u32 BE ‖ sealed(DEK ‖ trace key)`, AAD naming tenant,
//!   subject and version;
//! - `0x02 ‖ subject[16] ‖ purpose` → `version u32 BE ‖ sealed(face key ‖ generation[8])`, AAD
//!   naming tenant, subject, purpose and version; it goes with the subject's keys or before them.
//!
//! Field keys are HKDF-SHA256(DEK, info "liuhen/field/v1" ‖ class); nobody stores them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypt::{self, Key, RandomPool};
use crate::face::GENERATION;
use crate::root::RootKey;
use crate::store::{Batch, KeyRange, Space, Store};
use crate::subject::SubjectId;

const KEK: u8 = 0;
const SUBJECT: u8 = 1;
const FACE: u8 = 2;
/// Unwrapped subject keys kept in memory: 8,192 subjects are about 1 MiB.
const CACHED: usize = 8_192;
/// Subjects rewrapped per batch when the KEK is replaced.
const REWRAP_BATCH: usize = 2_000;

/// The two secrets of one subject.
#[derive(Debug)]
pub(crate) struct SubjectKeys {
    pub(crate) dek: Key,
    pub(crate) trace: Key,
}

impl SubjectKeys {
    pub(crate) fn random(pool: &mut RandomPool) -> Result<Self, VaultError> {
        Ok(Self {
            dek: Key::new(pool.take()?),
            trace: Key::new(pool.take()?),
        })
    }

    /// The key of a field class.
    pub(crate) fn field_key(&self, class: &str) -> Key {
        self.dek.derive(&[b"liuhen/field/v1", class.as_bytes()])
    }
}

/// A bounded memory of unwrapped keys: two generations, the elder dropped when the younger
/// is full, which keeps what is in use at the price of one hash look-up.
#[derive(Default)]
struct Cache {
    young: HashMap<SubjectId, Arc<SubjectKeys>>,
    old: HashMap<SubjectId, Arc<SubjectKeys>>,
    /// Erasures so far: keys read before an erasure must not enter after it.
    epoch: u64,
}

impl Cache {
    fn get(&mut self, subject: &SubjectId) -> Option<Arc<SubjectKeys>> {
        if let Some(keys) = self.young.get(subject) {
            return Some(Arc::clone(keys));
        }
        let keys = self.old.remove(subject)?;
        self.insert(*subject, Arc::clone(&keys));
        Some(keys)
    }

    fn insert(&mut self, subject: SubjectId, keys: Arc<SubjectKeys>) {
        if self.young.len() >= CACHED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(subject, keys);
    }

    fn forget(&mut self, subject: &SubjectId) {
        self.epoch += 1;
        self.young.remove(subject);
        self.old.remove(subject);
    }
}

/// The key store with its unwrapped KEKs.
pub(crate) struct Keyring {
    store: Arc<dyn Store>,
    tenant: Box<str>,
    root_wrap: Key,
    keks: RwLock<BTreeMap<u32, Key>>,
    cache: Mutex<Cache>,
}

impl Keyring {
    /// Unwraps the KEKs of `store`, making the first where there is none.
    pub(crate) fn open(
        store: Arc<dyn Store>,
        root: &RootKey,
        tenant: &str,
    ) -> Result<Self, VaultError> {
        let ring = Self {
            store,
            tenant: tenant.into(),
            root_wrap: root.derive("kek-wrap"),
            keks: RwLock::default(),
            cache: Mutex::default(),
        };
        let rows = ring
            .store
            .scan(Space::Keys, &KeyRange::prefix(&[KEK]), usize::MAX, false)?;
        for (key, sealed) in rows {
            let version = version_of(key.get(1..).unwrap_or_default())?;
            let kek = ring.unwrap_kek(version, &sealed)?;
            ring.keks.write().insert(version, kek);
        }
        if ring.keks.read().is_empty() {
            ring.add_kek(1)?;
        }
        Ok(ring)
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    fn kek_aad(&self, version: u32) -> Vec<u8> {
        crypt::aad(&[
            b"liuhen/kek/v1",
            self.tenant.as_bytes(),
            &version.to_be_bytes(),
        ])
    }

    fn unwrap_kek(&self, version: u32, sealed: &[u8]) -> Result<Key, VaultError> {
        let plain = crypt::open(&self.root_wrap, &self.kek_aad(version), sealed, "a KEK")
            .map_err(|_| VaultError::ForeignStore)?;
        Ok(Key::new(
            plain
                .as_slice()
                .try_into()
                .map_err(|_| VaultError::malformed("a KEK"))?,
        ))
    }

    fn add_kek(&self, version: u32) -> Result<(), VaultError> {
        let kek = Key::random()?;
        let sealed = crypt::seal(&self.root_wrap, &self.kek_aad(version), kek.expose())?;
        let mut batch = Batch::new();
        batch.expect(Space::Keys, kek_row(version), None).put(
            Space::Keys,
            kek_row(version),
            sealed,
        );
        self.store.write(&batch)?;
        self.keks.write().insert(version, kek);
        Ok(())
    }

    fn newest(&self) -> Result<(u32, Key), VaultError> {
        let keks = self.keks.read();
        let (version, kek) = keks.last_key_value().ok_or(VaultError::not_found("KEK"))?;
        Ok((*version, kek.clone()))
    }

    fn subject_aad(&self, subject: &SubjectId, version: u32) -> Vec<u8> {
        crypt::aad(&[
            b"liuhen/subject-keys/v1",
            self.tenant.as_bytes(),
            subject.as_bytes(),
            &version.to_be_bytes(),
        ])
    }

    /// Wraps keys under the newest KEK, as the row the key store will hold.
    pub(crate) fn wrap(
        &self,
        batch: &mut Batch,
        subject: &SubjectId,
        keys: &SubjectKeys,
        pool: &mut RandomPool,
    ) -> Result<(), VaultError> {
        let (version, kek) = self.newest()?;
        let mut plain = Zeroizing::new([0; 64]);
        plain[..32].copy_from_slice(keys.dek.expose());
        plain[32..].copy_from_slice(keys.trace.expose());
        let mut row = version.to_be_bytes().to_vec();
        let aad = self.subject_aad(subject, version);
        crypt::seal_into(&mut row, &kek, &pool.take()?, &aad, plain.as_slice())?;
        batch.put(Space::Keys, subject_row(subject), row);
        Ok(())
    }

    fn unwrap(&self, subject: &SubjectId, row: &[u8]) -> Result<SubjectKeys, VaultError> {
        const WHAT: &str = "the keys of a subject";
        let (version, sealed) = row.split_at_checked(4).ok_or(VaultError::malformed(WHAT))?;
        let version = version_of(version)?;
        let kek = self
            .keks
            .read()
            .get(&version)
            .cloned()
            .ok_or(VaultError::sealed(WHAT))?;
        let plain = crypt::open(&kek, &self.subject_aad(subject, version), sealed, WHAT)?;
        let (dek, trace) = plain
            .split_at_checked(32)
            .ok_or(VaultError::malformed(WHAT))?;
        let key = |bytes: &[u8]| -> Result<Key, VaultError> {
            Ok(Key::new(
                bytes.try_into().map_err(|_| VaultError::malformed(WHAT))?,
            ))
        };
        Ok(SubjectKeys {
            dek: key(dek)?,
            trace: key(trace)?,
        })
    }

    /// The keys of a subject; `None` when they do not exist (never made, or erased).
    pub(crate) fn get(&self, subject: &SubjectId) -> Result<Option<Arc<SubjectKeys>>, VaultError> {
        let epoch = {
            let mut cache = self.cache.lock();
            if let Some(keys) = cache.get(subject) {
                return Ok(Some(keys));
            }
            cache.epoch
        };
        let Some(row) = self.store.get(Space::Keys, &subject_row(subject))? else {
            return Ok(None);
        };
        let keys = Arc::new(self.unwrap(subject, &row)?);
        let mut cache = self.cache.lock();
        if cache.epoch == epoch {
            cache.insert(*subject, Arc::clone(&keys));
        }
        Ok(Some(keys))
    }

    /// Removes the wrapped keys, those of faces too, and what memory holds of them; durable when
    /// it returns.
    pub(crate) fn destroy(&self, subject: &SubjectId) -> Result<bool, VaultError> {
        let key = subject_row(subject);
        let existed = self.store.get(Space::Keys, &key)?.is_some();
        let mut batch = Batch::new();
        batch.delete(Space::Keys, key);
        let faces = KeyRange::prefix(&face_row(subject, ""));
        for (key, _) in self.store.scan(Space::Keys, &faces, usize::MAX, false)? {
            batch.delete(Space::Keys, key);
        }
        self.store.write(&batch)?;
        self.cache.lock().forget(subject);
        Ok(existed)
    }

    /// Wraps every subject's keys under a new KEK and destroys the old ones, so that copies
    /// of wrapped rows made before can no longer be unwrapped with what is kept here.
    /// Answers the number of subjects. Nothing else may write the key store meanwhile.
    pub(crate) fn replace_kek(&self) -> Result<u64, VaultError> {
        let old: Vec<u32> = self.keks.read().keys().copied().collect();
        let version = old.last().copied().unwrap_or(0) + 1;
        self.add_kek(version)?;
        let mut pool = RandomPool::new();
        let count = self.rewrap(SUBJECT, |key, row, batch| {
            let subject = SubjectId::read(key)?;
            let keys = self.unwrap(&subject, row)?;
            self.wrap(batch, &subject, &keys, &mut pool)
        })?;
        self.rewrap(FACE, |key, row, batch| {
            let plain = self.unwrap_face(key, row)?;
            self.wrap_face(batch, key, &plain)
        })?;
        let mut batch = Batch::new();
        for version in &old {
            batch.delete(Space::Keys, kek_row(*version));
        }
        self.store.write(&batch)?;
        self.keks
            .write()
            .retain(|version, _| !old.contains(version));
        self.store.compact()?;
        Ok(count)
    }

    /// Hands every row of a sort, its key without the sort, to `each`, which writes it anew.
    fn rewrap(
        &self,
        sort: u8,
        mut each: impl FnMut(&[u8], &[u8], &mut Batch) -> Result<(), VaultError>,
    ) -> Result<u64, VaultError> {
        let (mut range, mut count) = (KeyRange::prefix(&[sort]), 0);
        loop {
            let rows = self.store.scan(Space::Keys, &range, REWRAP_BATCH, false)?;
            let Some((last, _)) = rows.last() else {
                return Ok(count);
            };
            range = range.after(last);
            let mut batch = Batch::new();
            for (key, row) in &rows {
                each(key.get(1..).unwrap_or_default(), row, &mut batch)?;
            }
            self.store.write(&batch)?;
            count += rows.len() as u64;
        }
    }

    fn face_aad(&self, owner: &[u8], version: u32) -> Vec<u8> {
        crypt::aad(&[
            b"liuhen/face-key/v1",
            self.tenant.as_bytes(),
            owner,
            &version.to_be_bytes(),
        ])
    }

    fn wrap_face(&self, batch: &mut Batch, owner: &[u8], plain: &[u8]) -> Result<(), VaultError> {
        let (version, kek) = self.newest()?;
        let mut row = version.to_be_bytes().to_vec();
        row.extend(crypt::seal(&kek, &self.face_aad(owner, version), plain)?);
        batch.put(Space::Keys, [&[FACE], owner].concat(), row);
        Ok(())
    }

    fn unwrap_face(&self, owner: &[u8], row: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (version, sealed) = row
            .split_at_checked(4)
            .ok_or(VaultError::malformed(FACE_KEY))?;
        let version = version_of(version)?;
        let kek = self.keks.read().get(&version).cloned();
        let kek = kek.ok_or(VaultError::sealed(FACE_KEY))?;
        crypt::open(&kek, &self.face_aad(owner, version), sealed, FACE_KEY)
    }

    /// Keeps the key of a face, in place of a former one; durable when it returns.
    pub(crate) fn put_face(
        &self,
        subject: &SubjectId,
        purpose: &str,
        key: &[u8; 32],
        generation: &[u8; GENERATION],
    ) -> Result<(), VaultError> {
        let mut plain = Zeroizing::new([0; 32 + GENERATION]);
        plain[..32].copy_from_slice(key);
        plain[32..].copy_from_slice(generation);
        let mut batch = Batch::new();
        let row = face_row(subject, purpose);
        self.wrap_face(&mut batch, row.get(1..).unwrap_or_default(), &*plain)?;
        Ok(self.store.write(&batch)?)
    }

    /// The key of a face and its generation, unless there is none.
    pub(crate) fn face(
        &self,
        subject: &SubjectId,
        purpose: &str,
    ) -> Result<Option<(Key, [u8; GENERATION])>, VaultError> {
        let key = face_row(subject, purpose);
        let Some(row) = self.store.get(Space::Keys, &key)? else {
            return Ok(None);
        };
        let plain = self.unwrap_face(key.get(1..).unwrap_or_default(), &row)?;
        let parse = || {
            let (key, generation) = plain.split_first_chunk::<32>()?;
            Some((Key::new(*key), generation.try_into().ok()?))
        };
        parse().map(Some).ok_or(VaultError::malformed(FACE_KEY))
    }

    /// Removes the wrapped key of a face; durable when it returns.
    pub(crate) fn drop_face(&self, subject: &SubjectId, purpose: &str) -> Result<(), VaultError> {
        let mut batch = Batch::new();
        batch.delete(Space::Keys, face_row(subject, purpose));
        Ok(self.store.write(&batch)?)
    }

    /// Whose faces have wrapped keys: `subject[16] ‖ purpose`, in pages after `after`.
    pub(crate) fn faces_after(
        &self,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut range = KeyRange::prefix(&[FACE]);
        if let Some(after) = after {
            range = range.after(&[&[FACE], after].concat());
        }
        let rows = self.store.scan(Space::Keys, &range, limit, false)?;
        let owner = |(key, _): crate::store::Pair| key.get(1..).unwrap_or_default().to_vec();
        Ok(rows.into_iter().map(owner).collect())
    }

    /// Subjects that have wrapped keys, in pages after `after`.
    pub(crate) fn subjects_after(
        &self,
        after: Option<&SubjectId>,
        limit: usize,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let mut range = KeyRange::prefix(&[SUBJECT]);
        if let Some(after) = after {
            range = range.after(&subject_row(after));
        }
        let rows = self.store.scan(Space::Keys, &range, limit, false)?;
        rows.iter()
            .map(|(key, _)| SubjectId::read(key.get(1..).unwrap_or_default()))
            .collect()
    }
}

fn version_of(bytes: &[u8]) -> Result<u32, VaultError> {
    bytes
        .try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| VaultError::malformed("a KEK version"))
}

fn kek_row(version: u32) -> Vec<u8> {
    let mut row = vec![KEK];
    row.extend_from_slice(&version.to_be_bytes());
    row
}

pub(crate) fn subject_row(subject: &SubjectId) -> Vec<u8> {
    let mut row = Vec::with_capacity(17);
    row.push(SUBJECT);
    row.extend_from_slice(subject.as_bytes());
    row
}

const FACE_KEY: &str = "the key of a face";

fn face_row(subject: &SubjectId, purpose: &str) -> Vec<u8> {
    [&[FACE], &subject.as_bytes()[..], purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn ring(store: &Arc<dyn Store>, root: u8, tenant: &str) -> Result<Keyring, VaultError> {
        Keyring::open(Arc::clone(store), &RootKey::from_bytes([root; 32]), tenant)
    }

    fn with_subjects(ring: &Keyring, count: u8) -> Vec<(SubjectId, Key)> {
        let (mut pool, mut batch) = (RandomPool::new(), Batch::new());
        let made = (0..count)
            .map(|n| {
                let subject = SubjectId::from_bytes([n; 16]);
                let keys = SubjectKeys::random(&mut pool).expect("random");
                ring.wrap(&mut batch, &subject, &keys, &mut pool)
                    .expect("wraps");
                (subject, keys.dek.clone())
            })
            .collect();
        ring.store.write(&batch).expect("writes");
        made
    }

    #[test]
    fn keys_survive_reopening_and_a_new_kek() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let first = ring(&store, 1, "t").expect("opens");
        let made = with_subjects(&first, 5);
        let before = store
            .get(Space::Keys, &subject_row(&made[0].0))
            .expect("get");
        assert_eq!(first.replace_kek().expect("rotates"), 5);
        assert_ne!(
            store
                .get(Space::Keys, &subject_row(&made[0].0))
                .expect("get"),
            before
        );
        assert_eq!(store.get(Space::Keys, &kek_row(1)).expect("get"), None);
        let again = ring(&store, 1, "t").expect("opens");
        for (subject, dek) in made {
            let keys = again.get(&subject).expect("gets").expect("exists");
            assert_eq!(keys.dek.expose(), dek.expose());
        }
    }

    #[test]
    fn refuses_rows_wrapped_under_a_destroyed_kek() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ring = ring(&store, 1, "t").expect("opens");
        let subject = with_subjects(&ring, 1)[0].0;
        let stolen = store
            .get(Space::Keys, &subject_row(&subject))
            .expect("get")
            .expect("row");
        ring.replace_kek().expect("rotates");
        assert!(matches!(
            ring.unwrap(&subject, &stolen),
            Err(VaultError::Sealed { .. })
        ));
    }

    #[test]
    fn refuses_another_root_another_tenant_and_swapped_rows() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let first = ring(&store, 1, "t").expect("opens");
        let made = with_subjects(&first, 2);
        assert!(matches!(
            ring(&store, 2, "t"),
            Err(VaultError::ForeignStore)
        ));
        assert!(matches!(
            ring(&store, 1, "other"),
            Err(VaultError::ForeignStore)
        ));
        let row = store
            .get(Space::Keys, &subject_row(&made[0].0))
            .expect("get")
            .expect("row");
        let mut batch = Batch::new();
        batch.put(Space::Keys, subject_row(&made[1].0), row);
        store.write(&batch).expect("writes");
        assert!(matches!(
            first.get(&made[1].0),
            Err(VaultError::Sealed { .. })
        ));
    }

    #[test]
    fn destroyed_keys_leave_the_cache_too() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ring = ring(&store, 1, "t").expect("opens");
        let subject = with_subjects(&ring, 1)[0].0;
        assert!(ring.get(&subject).expect("gets").is_some());
        assert!(ring.destroy(&subject).expect("destroys"));
        assert!(ring.get(&subject).expect("gets").is_none());
        assert!(!ring.destroy(&subject).expect("again"));
    }

    #[test]
    fn the_cache_stays_bounded() {
        let mut cache = Cache::default();
        let mut pool = RandomPool::new();
        for n in 0..(CACHED as u128 * 2) {
            let keys = Arc::new(SubjectKeys::random(&mut pool).expect("random"));
            cache.insert(SubjectId::from_bytes(n.to_be_bytes()), keys);
            assert!(cache.young.len() + cache.old.len() <= CACHED);
        }
    }
}
