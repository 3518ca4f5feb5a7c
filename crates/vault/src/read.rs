//! Looking: find a subject, see what a record holds, open the fields asked for, correct one.
//!
//! Who may look is decided above; every call here opens what it is asked.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::index::{FIND, Term};
use crate::keys::SubjectKeys;
use crate::record::{
    self, FieldShape, IncomingField, IncomingRow, OpenField, Place, PlainField, RecordShape,
    StoredRecord,
};
use crate::stage::{Latest, Stage};
use crate::store::{Batch, KeyRange, Pair, Space};
use crate::subject::SubjectId;
use crate::{Vault, VaultError};

/// Record rows read at a time when all of a subject's are wanted.
const PAGE: usize = 256;

impl Vault {
    /// Subjects that have a field of `kind` indexed with exactly this normalised value.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn find(
        &self,
        kind: Option<liuhen_kinds::Kind>,
        normalised: &str,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let term = self.terms.of_value(kind, normalised);
        let found = self.index.get(&term)?;
        Ok(found
            .into_iter()
            .filter(|(_, uses)| uses & FIND != 0)
            .map(|(id, _)| id)
            .collect())
    }

    /// The subject that identity keys point to, as [`Vault::ingest`] would see it by the
    /// strong key, or by a weak one that points to one subject only.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn identify(
        &self,
        identity: &crate::subject::IdentityKey,
    ) -> Result<Option<SubjectId>, VaultError> {
        let found = self.index.get(&self.terms.of_identity(identity))?;
        let mut holders = found
            .into_iter()
            .filter(|(_, uses)| uses & crate::index::IDENTITY != 0);
        Ok(match (holders.next(), holders.next()) {
            (Some((subject, _)), None) => Some(subject),
            _ => None,
        })
    }

    /// Collections in which a subject has a record.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`].
    pub fn collections(&self, subject: &SubjectId) -> Result<Vec<String>, VaultError> {
        let mut names: Vec<String> = Vec::new();
        self.each_record(subject, |key, _| {
            let name = record::collection_of(key)?;
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
            Ok(())
        })?;
        if names.is_empty() && self.subject_state(subject)? != crate::SubjectState::Live {
            return Err(self.absent(subject)?);
        }
        Ok(names)
    }

    /// What the newest version of a record holds; opens nothing.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`].
    pub fn record_shape(
        &self,
        subject: &SubjectId,
        collection: &str,
    ) -> Result<RecordShape, VaultError> {
        let (_, value) = self.newest(subject, collection)?;
        Ok(shape(collection, &record::parse_record(&value)?))
    }

    /// Every version of a record, newest first; opens nothing.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn record_versions(
        &self,
        subject: &SubjectId,
        collection: &str,
    ) -> Result<Vec<RecordShape>, VaultError> {
        let range = record::versions(subject, collection);
        let rows = self
            .records
            .scan(Space::Records, &range, usize::MAX, false)?;
        rows.iter()
            .map(|(_, value)| Ok(shape(collection, &record::parse_record(value)?)))
            .collect()
    }

    /// Opens the named fields of the newest version of a record; all of them when `names` is
    /// empty. Names that the record lacks are left out of the answer.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`]; [`VaultError::Sealed`] when a stored
    /// field was changed or moved.
    pub fn open_fields(
        &self,
        subject: &SubjectId,
        collection: &str,
        names: &[&str],
    ) -> Result<Vec<OpenField>, VaultError> {
        let (_, value) = self.newest(subject, collection)?;
        self.open_some(subject, collection, &value, names)
    }

    /// As [`Vault::open_fields`], of an earlier version.
    ///
    /// # Errors
    ///
    /// As [`Vault::open_fields`].
    pub fn open_version(
        &self,
        subject: &SubjectId,
        collection: &str,
        version: u32,
        names: &[&str],
    ) -> Result<Vec<OpenField>, VaultError> {
        let key = record::record_key(subject, collection, version);
        match self.records.get(Space::Records, &key)? {
            Some(value) => self.open_some(subject, collection, &value, names),
            None => Err(self.absent_record(subject)?),
        }
    }

    /// Replaces or adds one field as a new version; `value` empty removes nothing, it stores
    /// an empty value. Answers the new version, or none when nothing changed.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`] when there is no such record,
    /// [`VaultError::Bound`].
    pub fn correct(
        &self,
        subject: &SubjectId,
        collection: &str,
        field: IncomingField,
        also: Batch,
    ) -> Result<Option<u32>, VaultError> {
        let _writing = self.writing();
        self.newest(subject, collection)?;
        let row = IncomingRow {
            collection: collection.to_owned(),
            fields: vec![field],
            identity: Vec::new(),
        };
        record::check_row(&row)?;
        let fields = row.fields.iter().map(|field| self.plain(field)).collect();
        let mut stage = Stage::new(self, also)?;
        let version = stage.merge(*subject, collection, fields)?;
        stage.commit()?;
        Ok(version)
    }

    fn newest(&self, subject: &SubjectId, collection: &str) -> Result<Pair, VaultError> {
        let range = record::versions(subject, collection);
        match self.records.scan(Space::Records, &range, 1, false)?.pop() {
            Some(row) => Ok(row),
            None => Err(self.absent_record(subject)?),
        }
    }

    fn absent_record(&self, subject: &SubjectId) -> Result<VaultError, VaultError> {
        Ok(match self.subject_state(subject)? {
            crate::SubjectState::Live => VaultError::not_found("record"),
            _ => self.absent(subject)?,
        })
    }

    fn open_some(
        &self,
        subject: &SubjectId,
        collection: &str,
        value: &[u8],
        names: &[&str],
    ) -> Result<Vec<OpenField>, VaultError> {
        let record = record::parse_record(value)?;
        let keys = self.keys_of(subject)?;
        let place = Place {
            tenant: &self.tenant,
            subject,
            collection,
            version: record.version,
        };
        let wanted = |name: &str| names.is_empty() || names.contains(&name);
        record
            .fields
            .iter()
            .filter(|field| wanted(field.name))
            .map(|field| {
                let value = record::open_field(&place, &keys, field)?;
                Ok(OpenField {
                    name: field.name.to_owned(),
                    kind: field.kind,
                    value,
                })
            })
            .collect()
    }

    /// The newest version of a record in the clear, for merging.
    pub(crate) fn load_latest(
        &self,
        subject: &SubjectId,
        collection: &str,
        keys: &SubjectKeys,
    ) -> Result<Option<Latest<'static>>, VaultError> {
        let range = record::versions(subject, collection);
        let Some((_, value)) = self.records.scan(Space::Records, &range, 1, false)?.pop() else {
            return Ok(None);
        };
        let record = record::parse_record(&value)?;
        let place = Place {
            tenant: &self.tenant,
            subject,
            collection,
            version: record.version,
        };
        let open = |field: &record::StoredField<'_>| -> Result<PlainField<'static>, VaultError> {
            let value: Zeroizing<String> = record::open_field(&place, keys, field)?;
            Ok(PlainField {
                name: field.name.to_owned().into(),
                kind: field.kind,
                value: Cow::Owned(value),
                term: field.term,
            })
        };
        let fields = record.fields.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Some(Latest {
            collection: collection.to_owned(),
            version: record.version,
            fields,
        }))
    }

    /// Calls `each` with every record row of a subject: collections in order, versions newest
    /// first.
    pub(crate) fn each_record(
        &self,
        subject: &SubjectId,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let mut range = KeyRange::prefix(subject.as_bytes());
        loop {
            let rows = self.records.scan(Space::Records, &range, PAGE, false)?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            range = range.after(last);
            for (key, value) in &rows {
                each(key, value)?;
            }
        }
    }

    /// Terms of the newest version of every record of a subject but one.
    pub(crate) fn latest_terms(
        &self,
        subject: &SubjectId,
        except: &str,
    ) -> Result<Vec<Term>, VaultError> {
        let (mut terms, mut seen) = (Vec::new(), Vec::<String>::new());
        self.each_record(subject, |key, value| {
            let name = record::collection_of(key)?;
            if name != except && !seen.iter().any(|one| one == name) {
                seen.push(name.to_owned());
                let record = record::parse_record(value)?;
                terms.extend(record.fields.iter().filter_map(|field| field.term));
            }
            Ok(())
        })?;
        Ok(terms)
    }
}

fn shape(collection: &str, record: &StoredRecord<'_>) -> RecordShape {
    let field = |field: &record::StoredField<'_>| FieldShape {
        name: field.name.to_owned(),
        kind: field.kind,
        indexed: field.term.is_some(),
    };
    RecordShape {
        collection: collection.to_owned(),
        version: record.version,
        fields: record.fields.iter().map(field).collect(),
    }
}
