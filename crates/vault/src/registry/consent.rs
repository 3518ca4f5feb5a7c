//! Consents: what a person said to a purpose, when, and what shows it.
//!
//! Rule: PIPL articles 14 to 16 (withdrawal is as easy as consent and not retroactive), 29
//! (separate consent) and 31 (a guardian for those under fourteen).
//! A consent may name a guardian and its evidence may say more about a person, so every
//! version is sealed under the subject's own key and dies with it.

use serde::{Deserialize, Serialize};

use super::Versioned;
use super::history;
use crate::crypt;
use crate::store::{Batch, Space};
use crate::subject::SubjectId;
use crate::{Vault, VaultError};

/// What the person said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// Agreed.
    Given,
    /// Asked and refused.
    Refused,
    /// Agreed once and took it back.
    Withdrawn,
}

/// Who agreed for a child under fourteen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    /// The guardian, as a subject of this vault if he is one.
    pub subject: Option<SubjectId>,
    /// Name or other mark by which the operator knows him.
    pub name: String,
    /// `parent`, `grandparent`, …, in the operator's words.
    pub relation: String,
}

impl std::fmt::Debug for Guardian {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guardian({} bytes)", self.name.len())
    }
}

/// One version of a consent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The purpose it answers.
    pub purpose: String,
    /// What was said.
    pub state: ConsentState,
    /// When: milliseconds since 1970 UTC.
    pub at: i64,
    /// Version of the purpose and of its notice that was shown.
    pub purpose_version: u32,
    /// SHA-256 of the notice shown, hex, if there was one.
    pub notice_sha256: Option<String>,
    /// Given separately, not bundled with others (articles 23, 25, 26, 29 and 39).
    pub separate: bool,
    /// How it can be shown: a form, a call, a document number.
    pub evidence: String,
    /// Who agreed for a child.
    pub guardian: Option<Guardian>,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consent({}, {:?})", self.purpose, self.state)
    }
}

fn row_id(subject: &SubjectId, purpose: &str) -> Vec<u8> {
    let mut id = subject.as_bytes().to_vec();
    id.extend_from_slice(purpose.as_bytes());
    id
}

impl Vault {
    pub(super) fn declaration_aad(&self, what: &[u8], id: &[u8], version: u32) -> Vec<u8> {
        crypt::aad(&[what, self.tenant.as_bytes(), id, &version.to_be_bytes()])
    }

    /// Seals and writes the next version of a declaration about a subject.
    pub(super) fn put_sealed(
        &self,
        space: Space,
        class: &'static str,
        subject: &SubjectId,
        id: &[u8],
        json: &[u8],
        also: Batch,
    ) -> Result<u32, VaultError> {
        let _writing = self.writing();
        let key = self.keys_of(subject)?.field_key(class);
        let previous = history::newest(&*self.records, space, id)?.map(|row| row.version);
        let version = previous.unwrap_or(0) + 1;
        let aad = self.declaration_aad(class.as_bytes(), id, version);
        let sealed = crypt::seal(&key, &aad, json)?;
        let mut batch = also;
        history::stage(&mut batch, space, id, previous, sealed);
        self.records.write(&batch)?;
        Ok(version)
    }

    /// Opens one version of a declaration about a subject.
    pub(super) fn open_sealed<T: serde::de::DeserializeOwned>(
        &self,
        class: &'static str,
        subject: &SubjectId,
        id: &[u8],
        row: &Versioned<Vec<u8>>,
    ) -> Result<Versioned<T>, VaultError> {
        let key = self.keys_of(subject)?.field_key(class);
        let aad = self.declaration_aad(class.as_bytes(), id, row.version);
        let json = crypt::open(&key, &aad, &row.value, "a declaration")?;
        Ok(Versioned {
            version: row.version,
            value: history::from_json(&json)?,
        })
    }

    /// Files what a person said to a purpose; answers the version.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`] about the subject;
    /// [`VaultError::Bound`] for a bad purpose id.
    pub fn put_consent(
        &self,
        subject: &SubjectId,
        consent: &Consent,
        also: Batch,
    ) -> Result<u32, VaultError> {
        history::check_id("a purpose id", &consent.purpose)?;
        let id = row_id(subject, &consent.purpose);
        let json = zeroize::Zeroizing::new(history::to_json(consent)?);
        self.put_sealed(Space::Consents, CLASS, subject, &id, &json, also)
    }

    /// What a person said last to a purpose; none when never asked.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`], [`VaultError::Sealed`].
    pub fn consent(
        &self,
        subject: &SubjectId,
        purpose: &str,
    ) -> Result<Option<Versioned<Consent>>, VaultError> {
        let id = row_id(subject, purpose);
        let newest = history::newest(&*self.records, Space::Consents, &id)?;
        newest
            .map(|row| self.open_sealed(CLASS, subject, &id, &row))
            .transpose()
    }

    /// All a person said to a purpose, newest first.
    ///
    /// # Errors
    ///
    /// As [`Vault::consent`].
    pub fn consent_history(
        &self,
        subject: &SubjectId,
        purpose: &str,
    ) -> Result<Vec<Versioned<Consent>>, VaultError> {
        let id = row_id(subject, purpose);
        let rows = history::versions(&*self.records, Space::Consents, &id, usize::MAX)?;
        rows.iter()
            .map(|row| self.open_sealed(CLASS, subject, &id, row))
            .collect()
    }

    /// What a person said last, to each purpose.
    ///
    /// # Errors
    ///
    /// As [`Vault::consent`].
    pub fn consents(&self, subject: &SubjectId) -> Result<Vec<Versioned<Consent>>, VaultError> {
        let rows = history::all_newest(&*self.records, Space::Consents, subject.as_bytes())?;
        rows.iter()
            .map(|(id, row)| self.open_sealed(CLASS, subject, id, row))
            .collect()
    }
}

const CLASS: &str = "consent";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{memory_vault, row};

    fn consent(purpose: &str, state: ConsentState, at: i64) -> Consent {
        Consent {
            purpose: purpose.to_owned(),
            state,
            at,
            purpose_version: 1,
            notice_sha256: None,
            separate: true,
            evidence: "invented form 7".to_owned(),
            guardian: Some(Guardian {
                subject: None,
                name: "Invented Guardian".to_owned(),
                relation: "parent".to_owned(),
            }),
        }
    }

    #[test]
    fn withdrawal_is_the_newest_word_and_history_stays() {
        let vault = memory_vault();
        let subject = vault.ingest(&[row(1)], None, Batch::new()).expect("stores")[0].subject;
        assert!(vault.consent(&subject, "ads").expect("reads").is_none());
        let said = [(ConsentState::Given, 1), (ConsentState::Withdrawn, 2)];
        for (state, at) in said {
            vault
                .put_consent(&subject, &consent("ads", state, at), Batch::new())
                .expect("files");
        }
        vault
            .put_consent(
                &subject,
                &consent("ads-2", ConsentState::Refused, 3),
                Batch::new(),
            )
            .expect("files");
        let newest = vault
            .consent(&subject, "ads")
            .expect("reads")
            .expect("exists");
        assert_eq!(
            (newest.version, newest.value.state),
            (2, ConsentState::Withdrawn)
        );
        let history = vault.consent_history(&subject, "ads").expect("reads");
        assert_eq!(
            history.iter().map(|one| one.value.at).collect::<Vec<_>>(),
            [2, 1]
        );
        assert_eq!(vault.consents(&subject).expect("reads").len(), 2);
    }

    #[test]
    fn guardians_are_in_no_row_and_no_debug_output() {
        let vault = memory_vault();
        let subject = vault.ingest(&[row(1)], None, Batch::new()).expect("stores")[0].subject;
        let consent = consent("ads", ConsentState::Given, 1);
        vault
            .put_consent(&subject, &consent, Batch::new())
            .expect("files");
        let rows = vault
            .store()
            .scan(Space::Consents, &crate::store::KeyRange::all(), 9, false);
        let rows = rows.expect("scan");
        assert_eq!(rows.len(), 1);
        assert!(!rows[0].1.windows(8).any(|window| window == b"Invented"));
        assert!(!format!("{consent:?}").contains("Invented"));
    }

    #[test]
    fn refuses_consent_of_nobody() {
        let nobody = SubjectId::from_bytes([1; 16]);
        let given = consent("ads", ConsentState::Given, 1);
        let refused = memory_vault().put_consent(&nobody, &given, Batch::new());
        assert!(matches!(refused, Err(VaultError::NotFound { .. })));
    }
}
