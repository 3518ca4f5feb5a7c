//! Flags of a person that hold whatever the purpose: do not contact, objection, restriction.
//!
//! Rule: PIPL articles 24 (marketing), 44 (the right to refuse and to restrict) and 47
//! paragraph 2 (store and secure only, where erasure is not yet possible).

use serde::{Deserialize, Serialize};

use super::Versioned;
use super::history;
use crate::store::{Batch, Space};
use crate::subject::SubjectId;
use crate::{Vault, VaultError};

/// One version of a person's flags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// Contact by no channel for no marketing reason.
    pub do_not_contact: bool,
    /// Objects to marketing purposes.
    pub objects_to_marketing: bool,
    /// Only storing and securing is allowed.
    pub restricted: bool,
    /// Under fourteen: a guardian's consent is needed (article 31).
    pub minor: bool,
    /// Purposes objected to, by id.
    pub objected_purposes: Vec<String>,
    /// When this version was set: milliseconds since 1970 UTC.
    pub at: i64,
    /// Why, in the operator's words; not a place for personal information.
    pub reason: String,
}

const CLASS: &str = "flags";

impl Vault {
    /// Sets a person's flags; answers the version.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`].
    pub fn put_flags(
        &self,
        subject: &SubjectId,
        flags: &Flags,
        also: Batch,
    ) -> Result<u32, VaultError> {
        let json = history::to_json(flags)?;
        self.put_sealed(
            Space::Flags,
            CLASS,
            subject,
            subject.as_bytes(),
            &json,
            also,
        )
    }

    /// A person's flags; none set when there is no row.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`], [`VaultError::Sealed`].
    pub fn flags(&self, subject: &SubjectId) -> Result<Flags, VaultError> {
        let id = subject.as_bytes();
        match history::newest(&*self.records, Space::Flags, id)? {
            None => Ok(Flags::default()),
            Some(row) => Ok(self.open_sealed(CLASS, subject, id, &row)?.value),
        }
    }

    /// All versions of a person's flags, newest first.
    ///
    /// # Errors
    ///
    /// As [`Vault::flags`].
    pub fn flags_history(&self, subject: &SubjectId) -> Result<Vec<Versioned<Flags>>, VaultError> {
        let id = subject.as_bytes();
        let rows = history::versions(&*self.records, Space::Flags, id, usize::MAX)?;
        rows.iter()
            .map(|row| self.open_sealed(CLASS, subject, id, row))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{memory_vault, row};

    #[test]
    fn flags_default_to_none_and_keep_history() {
        let vault = memory_vault();
        let subject = vault.ingest(&[row(1)], None, Batch::new()).expect("stores")[0].subject;
        assert_eq!(vault.flags(&subject).expect("reads"), Flags::default());
        let flags = Flags {
            do_not_contact: true,
            at: 5,
            ..Flags::default()
        };
        vault
            .put_flags(&subject, &flags, Batch::new())
            .expect("sets");
        assert_eq!(vault.flags(&subject).expect("reads"), flags);
        vault
            .put_flags(&subject, &Flags::default(), Batch::new())
            .expect("sets");
        assert_eq!(vault.flags_history(&subject).expect("reads").len(), 2);
    }
}
