//! What a writing call gathers before it commits: who rows are about, new versions, index
//! entries, tokens.
//!
//! Order of durability: the keys of new subjects are committed to the key store first, then
//! one batch of records, index, tokens and the caller's own rows (job progress). A crash
//! between the two leaves keys without records, which mean nothing and are swept by
//! [`Vault::sweep_keys`]; the other order could leave records nobody can open.

use std::collections::HashMap;
use std::sync::Arc;

use crate::crypt::RandomPool;
use crate::index::{Entries, FIND, IDENTITY, Term};
use crate::ingest::Ingested;
use crate::keys::SubjectKeys;
use crate::record::{self, IncomingRow, Place, PlainField};
use crate::store::{Batch, Space};
use crate::subject::SubjectId;
use crate::token::{self, SiteId, Token};
use crate::vault::LIVE;
use crate::{Vault, VaultError};

/// An identity term and whether it decides alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) term: Term,
    pub(crate) strong: bool,
}

/// A subject touched by the batch.
struct Touched<'r> {
    keys: Arc<SubjectKeys>,
    new: bool,
    identities: Vec<Identity>,
    identities_changed: bool,
    /// Newest version per collection, as of this batch.
    latest: Vec<Latest<'r>>,
    token: Option<Token>,
}

/// The newest version of one record, in the clear.
pub(crate) struct Latest<'r> {
    pub(crate) collection: String,
    pub(crate) version: u32,
    pub(crate) fields: Vec<PlainField<'r>>,
}

/// Everything a writing call gathers before it commits.
pub(crate) struct Stage<'v, 'r> {
    vault: &'v Vault,
    pool: RandomPool,
    /// First bytes of every id and token made here (see [`SubjectId`]).
    prefix: [[u8; 4]; 2],
    pub(crate) batch: Batch,
    keys: Batch,
    adds: Entries,
    removals: Entries,
    touched: HashMap<SubjectId, Touched<'r>>,
    /// Subjects by identity term, as of this batch.
    identities: HashMap<Term, Vec<SubjectId>>,
}

impl<'v, 'r> Stage<'v, 'r> {
    pub(crate) fn new(vault: &'v Vault, also: Batch) -> Result<Self, VaultError> {
        let mut pool = RandomPool::new();
        let prefix = [pool.take()?, pool.take()?];
        Ok(Self {
            vault,
            pool,
            prefix,
            batch: also,
            keys: Batch::new(),
            adds: Entries::new(),
            removals: Entries::new(),
            touched: HashMap::new(),
            identities: HashMap::new(),
        })
    }

    fn random<const N: usize>(&mut self, which: usize) -> Result<[u8; N], VaultError> {
        let mut bytes: [u8; N] = self.pool.take()?;
        bytes[..4].copy_from_slice(&self.prefix[which]);
        Ok(bytes)
    }

    fn new_subject(&mut self) -> Result<SubjectId, VaultError> {
        let subject = SubjectId::from_bytes(self.random(0)?);
        let keys = SubjectKeys::random(&mut self.pool)?;
        self.vault
            .keyring
            .wrap(&mut self.keys, &subject, &keys, &mut self.pool)?;
        self.touched.insert(
            subject,
            Touched {
                keys: Arc::new(keys),
                new: true,
                identities: Vec::new(),
                identities_changed: true,
                latest: Vec::new(),
                token: None,
            },
        );
        Ok(subject)
    }

    /// Loads a subject of the store into the stage.
    fn touch(&mut self, subject: SubjectId) -> Result<&mut Touched<'r>, VaultError> {
        use std::collections::hash_map::Entry;
        match self.touched.entry(subject) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(Touched {
                keys: self.vault.keys_of(&subject)?,
                new: false,
                identities: self.vault.identities(&subject)?,
                identities_changed: false,
                latest: Vec::new(),
                token: None,
            })),
        }
    }

    /// Subjects under an identity term: of this batch, then of the store.
    fn holders(&self, term: &Term) -> Result<Vec<SubjectId>, VaultError> {
        let mut holders = self.identities.get(term).cloned().unwrap_or_default();
        for (subject, uses) in self.vault.index.get(term)? {
            if uses & IDENTITY != 0 && !holders.contains(&subject) {
                holders.push(subject);
            }
        }
        holders.sort_unstable();
        Ok(holders)
    }

    /// Who a row is about, if anybody known.
    ///
    /// A strong key decides alone. A weak one finds candidates, of whom those with another
    /// strong key are somebody else; of the rest, one without any strong key goes first, and
    /// when it stays open who is meant, nobody is.
    fn find(&mut self, identities: &[Identity]) -> Result<Option<SubjectId>, VaultError> {
        for identity in identities.iter().filter(|identity| identity.strong) {
            if let Some(subject) = self.holders(&identity.term)?.first() {
                return Ok(Some(*subject));
            }
        }
        let has_strong = identities.iter().any(|identity| identity.strong);
        for identity in identities.iter().filter(|identity| !identity.strong) {
            let (mut weak_only, mut others) = (Vec::new(), Vec::new());
            for subject in self.holders(&identity.term)? {
                let known = self.touch(subject)?;
                let strong = known.identities.iter().any(|identity| identity.strong);
                if strong {
                    others.push(subject)
                } else {
                    weak_only.push(subject)
                }
            }
            match (weak_only.as_slice(), others.as_slice()) {
                ([one], _) => return Ok(Some(*one)),
                ([], [one]) if !has_strong => return Ok(Some(*one)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Remembers identities for a subject that lacks them.
    fn identify(&mut self, subject: SubjectId, identities: &[Identity]) -> Result<(), VaultError> {
        let known = self.touch(subject)?;
        let fresh: Vec<Identity> = identities
            .iter()
            .filter(|one| !known.identities.contains(one))
            .copied()
            .collect();
        if fresh.is_empty() {
            return Ok(());
        }
        known.identities.extend_from_slice(&fresh);
        known.identities_changed = true;
        for identity in fresh {
            self.identities
                .entry(identity.term)
                .or_default()
                .push(subject);
            *self.adds.entry((identity.term, subject)).or_default() |= IDENTITY;
        }
        Ok(())
    }

    /// The newest version of a record as of this batch; none when there is no such record.
    fn latest(
        &mut self,
        subject: SubjectId,
        collection: &str,
    ) -> Result<Option<&mut Latest<'r>>, VaultError> {
        let vault = self.vault;
        let touched = self.touch(subject)?;
        let at = touched
            .latest
            .iter()
            .position(|latest| latest.collection == collection);
        if let Some(at) = at {
            return Ok(touched.latest.get_mut(at));
        }
        if touched.new {
            return Ok(None);
        }
        let Some(stored) = vault.load_latest(&subject, collection, &touched.keys)? else {
            return Ok(None);
        };
        touched.latest.push(stored);
        Ok(touched.latest.last_mut())
    }

    /// Merges fields into a record; answers the new version, or none when nothing changed.
    ///
    /// Fields given replace their namesakes, fields not given stay; the version before stays
    /// readable as a version.
    pub(crate) fn merge(
        &mut self,
        subject: SubjectId,
        collection: &str,
        given: Vec<PlainField<'r>>,
    ) -> Result<Option<u32>, VaultError> {
        let mut dropped = Vec::new();
        let (version, fields, had) = match self.latest(subject, collection)? {
            None => (1, given, Vec::new()),
            Some(latest) => {
                let Some(fields) = merged(&latest.fields, given, &mut dropped) else {
                    return Ok(None);
                };
                let had = latest
                    .fields
                    .iter()
                    .filter_map(|field| field.term)
                    .collect();
                (latest.version + 1, fields, had)
            }
        };
        self.drop_terms(subject, collection, &dropped)?;
        self.add_terms(subject, &fields, &had);
        let vault = self.vault;
        let keys = Arc::clone(&self.touch(subject)?.keys);
        let place = Place {
            tenant: &vault.tenant,
            subject: &subject,
            collection,
            version,
        };
        let row = record::seal_record(&place, &keys, &fields, &mut self.pool)?;
        self.batch.put(
            Space::Records,
            record::record_key(&subject, collection, version),
            row,
        );
        let touched = self.touch(subject)?;
        touched
            .latest
            .retain(|latest| latest.collection != collection);
        touched.latest.push(Latest {
            collection: collection.to_owned(),
            version,
            fields,
        });
        Ok(Some(version))
    }

    /// Puts a record's terms into the index, but for those it had and keeps.
    fn add_terms(&mut self, subject: SubjectId, fields: &[PlainField<'_>], had: &[Term]) {
        for term in fields.iter().filter_map(|field| field.term) {
            let returns = self.removals.remove(&(term, subject)).is_some();
            if returns || !had.contains(&term) {
                *self.adds.entry((term, subject)).or_default() |= FIND;
            }
        }
    }

    /// Takes a record's old terms out of the index, unless another record still has them.
    fn drop_terms(
        &mut self,
        subject: SubjectId,
        collection: &str,
        dropped: &[Term],
    ) -> Result<(), VaultError> {
        if dropped.is_empty() {
            return Ok(());
        }
        let mut elsewhere = self.vault.latest_terms(&subject, collection)?;
        let touched = self.touch(subject)?;
        for latest in touched
            .latest
            .iter()
            .filter(|latest| latest.collection != collection)
        {
            elsewhere.extend(latest.fields.iter().filter_map(|field| field.term));
        }
        for term in dropped.iter().filter(|term| !elsewhere.contains(term)) {
            let entry = (*term, subject);
            if let Some(uses) = self.adds.get_mut(&entry) {
                *uses &= !FIND;
                if *uses == 0 {
                    self.adds.remove(&entry);
                }
            }
            self.removals.insert(entry, FIND);
        }
        Ok(())
    }

    fn token(&mut self, subject: SubjectId, site: &SiteId) -> Result<Token, VaultError> {
        let vault = self.vault;
        let touched = self.touch(subject)?;
        if let Some(token) = &touched.token {
            return Ok(token.clone());
        }
        let stored = if touched.new {
            None
        } else {
            token::of_subject(&*vault.records, &subject, site)?
        };
        let token = match stored {
            Some(token) => token,
            None => {
                let token = Token::new(site.clone(), self.random(1)?);
                token::put(&mut self.batch, &subject, &token);
                token
            }
        };
        self.touch(subject)?.token = Some(token.clone());
        Ok(token)
    }

    /// Takes in one row.
    pub(crate) fn row(
        &mut self,
        row: &'r IncomingRow,
        site: Option<&SiteId>,
    ) -> Result<Ingested, VaultError> {
        record::check_row(row)?;
        let terms = &self.vault.terms;
        let identities: Vec<Identity> = row
            .identity
            .iter()
            .filter(|key| !key.is_empty())
            .map(|key| Identity {
                term: terms.of_identity(key),
                strong: key.is_strong(),
            })
            .collect();
        let found = self.find(&identities)?;
        let (subject, created) = match found {
            Some(subject) => (subject, false),
            None => (self.new_subject()?, true),
        };
        self.identify(subject, &identities)?;
        let fields = row
            .fields
            .iter()
            .map(|field| self.vault.plain(field))
            .collect();
        let changed = self.merge(subject, &row.collection, fields)?.is_some();
        let token = site.map(|site| self.token(subject, site)).transpose()?;
        Ok(Ingested {
            subject,
            created,
            changed,
            token,
        })
    }

    /// Commits keys, then everything else, then tidies the index.
    pub(crate) fn commit(mut self) -> Result<(), VaultError> {
        for (subject, touched) in &self.touched {
            if touched.identities_changed {
                self.batch.put(
                    Space::Subjects,
                    *subject.as_bytes(),
                    live_row(&touched.identities),
                );
            }
        }
        self.vault
            .index
            .stage_removal(&mut self.batch, &self.removals)?;
        let run = self.vault.index.stage(&mut self.batch, &self.adds);
        if !self.keys.is_empty() {
            self.vault.keyring.store().write(&self.keys)?;
        }
        self.vault.records.write(&self.batch)?;
        self.vault.index.commit(run);
        self.vault.index.maintain()
    }
}

/// Given fields over old ones; none when nothing differs. `dropped` receives old terms that
/// no field has any more.
fn merged<'r>(
    old: &[PlainField<'r>],
    given: Vec<PlainField<'r>>,
    dropped: &mut Vec<Term>,
) -> Option<Vec<PlainField<'r>>> {
    let mut fields = old.to_vec();
    let mut changed = false;
    for field in given {
        match fields.iter_mut().find(|one| one.name == field.name) {
            Some(one)
                if one.value == field.value && one.kind == field.kind && one.term == field.term => {
            }
            Some(one) => {
                *one = field;
                changed = true;
            }
            None => {
                fields.push(field);
                changed = true;
            }
        }
    }
    let has = |term: &Term| fields.iter().any(|field| field.term.as_ref() == Some(term));
    dropped.extend(
        old.iter()
            .filter_map(|field| field.term)
            .filter(|term| !has(term)),
    );
    changed.then_some(fields)
}

/// A living subject's row: `LIVE`, then per identity `strong u8 ‖ term[18]`.
fn live_row(identities: &[Identity]) -> Vec<u8> {
    let mut row = vec![LIVE];
    for identity in identities {
        row.push(u8::from(identity.strong));
        row.extend_from_slice(&identity.term);
    }
    row
}
