//! Rows become subjects and records.
//!
//! How a row finds its person and what is written in which order is in [`crate::stage`].

use std::borrow::Cow;

use crate::record::{self, IncomingRow, PlainField};
use crate::stage::{Identity, Stage};
use crate::store::{Batch, Space};
use crate::subject::SubjectId;
use crate::token::{SiteId, Token};
use crate::vault::LIVE;
use crate::{Vault, VaultError};

/// What became of one incoming row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Whom the row is about.
    pub subject: SubjectId,
    /// The subject is new.
    pub created: bool,
    /// A new version of the record was written.
    pub changed: bool,
    /// The subject's token at the site the batch is for.
    pub token: Option<Token>,
}

impl Vault {
    /// Stores a batch of rows: finds or makes their subjects, writes new record versions,
    /// index and tokens, all in one atomic batch together with `also`.
    ///
    /// Rows of one identity become one subject, within the batch too. A record that exists
    /// is never overwritten: fields that differ make a new version, fields that the row
    /// lacks stay, a row that brings nothing new changes nothing. Answers in the order of
    /// the rows. Batches of 2,000 to 5,000 rows are fastest.
    ///
    /// # Errors
    ///
    /// [`VaultError::Bound`] when a row breaks a bound; then, as after any error, no row of
    /// the batch was stored.
    pub fn ingest(
        &self,
        rows: &[IncomingRow],
        site: Option<&SiteId>,
        also: Batch,
    ) -> Result<Vec<Ingested>, VaultError> {
        self.ingest_then(rows, site, |_| also)
    }

    /// As [`Vault::ingest`]; what else joins the batch is made from what became of the rows
    /// (tokens to hand out, counts of a job).
    ///
    /// # Errors
    ///
    /// As [`Vault::ingest`].
    pub fn ingest_then(
        &self,
        rows: &[IncomingRow],
        site: Option<&SiteId>,
        also: impl FnOnce(&[Ingested]) -> Batch,
    ) -> Result<Vec<Ingested>, VaultError> {
        let _writing = self.writing();
        let mut stage = Stage::new(self, Batch::new())?;
        let done = rows
            .iter()
            .map(|row| stage.row(row, site))
            .collect::<Result<Vec<_>, _>>()?;
        stage.batch.extend(also(&done));
        stage.commit()?;
        Ok(done)
    }

    pub(crate) fn plain<'r>(&self, field: &'r record::IncomingField) -> PlainField<'r> {
        PlainField {
            name: Cow::Borrowed(&field.name),
            kind: field.kind,
            value: Cow::Borrowed(&field.value),
            term: field
                .index
                .as_ref()
                .filter(|value| !value.is_empty())
                .map(|value| self.terms.of_value(field.kind, value)),
        }
    }

    /// Identity terms of a living subject, of its row.
    pub(crate) fn identities(&self, subject: &SubjectId) -> Result<Vec<Identity>, VaultError> {
        let row = self.records.get(Space::Subjects, subject.as_bytes())?;
        let Some([LIVE, rest @ ..]) = row.as_deref() else {
            return Err(self.absent(subject)?);
        };
        let (identities, []) = rest.as_chunks::<{ 1 + crate::index::TERM }>() else {
            return Err(VaultError::malformed("a subject row"));
        };
        let parse = |bytes: &[u8; 1 + crate::index::TERM]| {
            let mut term = [0; crate::index::TERM];
            term.copy_from_slice(&bytes[1..]);
            Identity {
                term,
                strong: bytes[0] == 1,
            }
        };
        Ok(identities.iter().map(parse).collect())
    }
}
