//! The vault itself: two stores, a root key, and what hangs from them.
//!
//! Writers take one lock ([`Vault::ingest`], corrections, erasure), so that what they read
//! still holds when they write; readers take none.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::VaultError;
use crate::crypt::{self, Key};
use crate::face::Held;
use crate::index::{Index, Terms};
use crate::keys::{Keyring, SubjectKeys};
use crate::root::RootKey;
use crate::store::{Batch, KeyRange, Space, Store};
use crate::subject::SubjectId;
use crate::token::{self, Resolved, SiteId, Token};
use crate::trace::{Trace, TraceKey};

/// Row of [`Space::Meta`] that only the right root key and tenant open.
const SEAL_ROW: &[u8] = b"vault-seal";
const SEAL_TEXT: &[u8] = b"liuhen-vault/1";
/// First byte of a living subject's row; the rest are its identity terms.
pub(crate) const LIVE: u8 = 1;
/// The whole row of an erased subject.
pub(crate) const ERASED: u8 = 2;

/// Whether a subject exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectState {
    /// Its keys and records exist.
    Live,
    /// It was erased.
    Erased,
    /// It never existed here.
    Unknown,
}

/// Personal information of one tenant, readable only through here.
pub struct Vault {
    pub(crate) records: Arc<dyn Store>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) tenant: Box<str>,
    pub(crate) terms: Terms,
    pub(crate) index: Index,
    root: RootKey,
    trace: Trace,
    pub(crate) held: Held,
    writer: Mutex<()>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Opens a vault over a store of records and a separate store of keys, both empty the
    /// first time; finishes erasures that a crash interrupted.
    ///
    /// # Errors
    ///
    /// [`VaultError::ForeignStore`] when either store belongs to another root key or tenant.
    pub fn open(
        records: Arc<dyn Store>,
        keys: Arc<dyn Store>,
        root: RootKey,
        tenant: &str,
    ) -> Result<Self, VaultError> {
        check_seal(&*records, &root, tenant)?;
        let keyring = Arc::new(Keyring::open(keys, &root, tenant)?);
        let operator = TraceKey::new(root.derive("operator-trace"));
        let vault = Self {
            trace: Trace::new(Arc::clone(&records), Arc::clone(&keyring), operator),
            terms: Terms::new(&root, tenant),
            index: Index::open(Arc::clone(&records))?,
            tenant: tenant.into(),
            records,
            keyring,
            root,
            held: Held::default(),
            writer: Mutex::new(()),
        };
        vault.finish_erasures()?;
        vault.count_faces()?;
        Ok(vault)
    }

    /// The store of records, for rows that the service keeps in spaces of its own.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.records
    }

    /// The tracing side.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A key for `label`, derived from the root and never stored: sessions, sidecars,
    /// fingerprint codes, sealed files.
    #[must_use]
    pub fn derive(&self, label: &str) -> Key {
        self.root.derive_parts(&[b"service/", label.as_bytes()])
    }

    /// Seals a small secret (the log's signing seed, a TOTP secret) for `label`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Randomness`].
    pub fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        crypt::seal(&self.blob_key(label), &self.blob_aad(label), plain)
    }

    /// Opens what [`Vault::seal`] made under the same label.
    ///
    /// # Errors
    ///
    /// [`VaultError::Sealed`] under another label, root or tenant, or when it was changed.
    pub fn unseal(
        &self,
        label: &str,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        crypt::open(
            &self.blob_key(label),
            &self.blob_aad(label),
            sealed,
            "a sealed secret",
        )
    }

    fn blob_key(&self, label: &str) -> Key {
        self.root.derive_parts(&[b"blob/", label.as_bytes()])
    }

    fn blob_aad(&self, label: &str) -> Vec<u8> {
        crypt::aad(&[b"liuhen/blob/v1", self.tenant.as_bytes(), label.as_bytes()])
    }

    /// Serialises those who read, think and write.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writer.lock()
    }

    /// The keys of a living subject.
    pub(crate) fn keys_of(&self, subject: &SubjectId) -> Result<Arc<SubjectKeys>, VaultError> {
        match self.keyring.get(subject)? {
            Some(keys) => Ok(keys),
            None => Err(self.absent(subject)?),
        }
    }

    /// Why a subject's things are not there.
    pub(crate) fn absent(&self, subject: &SubjectId) -> Result<VaultError, VaultError> {
        Ok(match self.subject_state(subject)? {
            SubjectState::Unknown => VaultError::not_found("subject"),
            SubjectState::Erased => VaultError::Erased,
            // Alive without keys: an erasure is between its two steps, or was cut there.
            SubjectState::Live => VaultError::Erased,
        })
    }

    /// Whether a subject exists.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn subject_state(&self, subject: &SubjectId) -> Result<SubjectState, VaultError> {
        let row = self.records.get(Space::Subjects, subject.as_bytes())?;
        match row.as_deref() {
            None => Ok(SubjectState::Unknown),
            Some([LIVE, ..]) => Ok(SubjectState::Live),
            Some([ERASED]) => Ok(SubjectState::Erased),
            Some(_) => Err(VaultError::malformed("a subject row")),
        }
    }

    /// Living and erased subjects after `after`, in the order of their ids, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn subjects(
        &self,
        after: Option<&SubjectId>,
        limit: usize,
    ) -> Result<Vec<(SubjectId, SubjectState)>, VaultError> {
        let range = match after {
            Some(after) => KeyRange::all().after(after.as_bytes()),
            None => KeyRange::all(),
        };
        let rows = self.records.scan(Space::Subjects, &range, limit, false)?;
        rows.iter()
            .map(|(key, value)| {
                let live = value.first() == Some(&LIVE);
                let state = if live {
                    SubjectState::Live
                } else {
                    SubjectState::Erased
                };
                Ok((SubjectId::read(key)?, state))
            })
            .collect()
    }

    /// What a token stands for, asked by `site`; another site's token is unknown.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn resolve_token(&self, site: &SiteId, token: &str) -> Result<Resolved, VaultError> {
        token::resolve(&*self.records, site, token)
    }

    /// The token of a living subject at a site, made when there is none yet.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`].
    pub fn token_for(&self, subject: &SubjectId, site: &SiteId) -> Result<Token, VaultError> {
        if let Some(token) = token::of_subject(&*self.records, subject, site)? {
            return Ok(token);
        }
        let _writing = self.writing();
        if self.subject_state(subject)? != SubjectState::Live {
            return Err(self.absent(subject)?);
        }
        if let Some(token) = token::of_subject(&*self.records, subject, site)? {
            return Ok(token);
        }
        let mut bytes = [0; 20];
        crypt::fill_random(&mut bytes)?;
        let token = Token::new(site.clone(), bytes);
        let mut batch = Batch::new();
        token::put(&mut batch, subject, &token);
        self.records.write(&batch)?;
        Ok(token)
    }

    /// Every token of a subject, one a site.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn tokens_of(&self, subject: &SubjectId) -> Result<Vec<Token>, VaultError> {
        token::all_of_subject(&*self.records, subject)
    }

    /// Wraps every subject's keys under a new KEK and destroys the old KEK; answers how many
    /// subjects there were. Copies of single wrapped rows made before are then dead; a copy
    /// of the whole key store still holds its own KEK, sealed by the root key.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn replace_kek(&self) -> Result<u64, VaultError> {
        let _writing = self.writing();
        self.keyring.replace_kek()
    }

    /// Removes wrapped keys that no subject and no face owns: a crash between the two commits of
    /// an ingest or an enrolment leaves such. Answers how many went.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn sweep_keys(&self) -> Result<u64, VaultError> {
        const PAGE: usize = 1_000;
        let _writing = self.writing();
        let (mut after, mut swept) = (None, 0);
        loop {
            let page = self.keyring.subjects_after(after.as_ref(), PAGE)?;
            for subject in &page {
                if self.subject_state(subject)? != SubjectState::Live {
                    self.keyring.destroy(subject)?;
                    swept += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(*last),
                _ => break,
            }
        }
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.keyring.faces_after(after.as_deref(), PAGE)?;
            for owner in &page {
                swept += u64::from(self.sweep_face(owner)?);
            }
            after = page.last().cloned();
            if page.len() < PAGE {
                break;
            }
        }
        if swept > 0 {
            self.keyring.store().compact()?;
        }
        Ok(swept)
    }
}

/// Opens the seal in the records, or sets it in an empty store.
fn check_seal(records: &dyn Store, root: &RootKey, tenant: &str) -> Result<(), VaultError> {
    let key = root.derive("vault-seal");
    let aad = crypt::aad(&[b"liuhen/vault-seal/v1", tenant.as_bytes()]);
    if let Some(sealed) = records.get(Space::Meta, SEAL_ROW)? {
        let text =
            crypt::open(&key, &aad, &sealed, "vault seal").map_err(|_| VaultError::ForeignStore)?;
        return if *text == SEAL_TEXT {
            Ok(())
        } else {
            Err(VaultError::malformed("vault seal"))
        };
    }
    let mut batch = Batch::new();
    batch.expect(Space::Meta, SEAL_ROW, None).put(
        Space::Meta,
        SEAL_ROW,
        crypt::seal(&key, &aad, SEAL_TEXT)?,
    );
    Ok(records.write(&batch)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn refuses_a_foreign_root_or_tenant_and_opens_its_own() {
        let records: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let keys: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let open = |root: u8, tenant: &str| {
            Vault::open(
                Arc::clone(&records),
                Arc::clone(&keys),
                RootKey::from_bytes([root; 32]),
                tenant,
            )
        };
        let first = open(1, "a").expect("opens");
        let sealed = first.seal("log", b"seed").expect("seals");
        assert!(matches!(open(2, "a"), Err(VaultError::ForeignStore)));
        assert!(matches!(open(1, "b"), Err(VaultError::ForeignStore)));
        let again = open(1, "a").expect("opens");
        assert_eq!(
            again.unseal("log", &sealed).expect("opens").as_slice(),
            b"seed"
        );
        assert!(again.unseal("other", &sealed).is_err());
        assert_eq!(first.derive("x").expose(), again.derive("x").expose());
    }

    #[test]
    fn nobody_gets_a_token_who_does_not_exist() {
        let vault = crate::testing::memory_vault();
        let site = "shop".parse().expect("a site");
        let nobody = SubjectId::from_bytes([1; 16]);
        assert!(matches!(
            vault.token_for(&nobody, &site),
            Err(VaultError::NotFound { .. })
        ));
    }
}
