//! The one error enum of the vault.

use crate::store::StoreError;

/// Why the vault refused or failed. Never carries a key or a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The store below failed.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// No such thing: a subject, record, field, purpose or site.
    #[error("no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// The subject was erased; its keys no longer exist.
    #[error("erased")]
    Erased,
    /// A ciphertext does not open: another key, another place, or changed bytes.
    #[error("{what} does not open: wrong key, wrong place or changed bytes")]
    Sealed {
        /// What was to be opened.
        what: &'static str,
    },
    /// Stored bytes have a shape this program does not know.
    #[error("{what} is malformed")]
    Malformed {
        /// What was to be read.
        what: &'static str,
    },
    /// A name or value breaks a bound.
    #[error("{what} must be {bound}")]
    Bound {
        /// What broke it.
        what: &'static str,
        /// The bound, in words.
        bound: &'static str,
    },
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
    /// The records belong to another tenant or another root key.
    #[error("these records were written under another root key or tenant")]
    ForeignStore,
}

impl VaultError {
    pub(crate) const fn malformed(what: &'static str) -> Self {
        Self::Malformed { what }
    }

    pub(crate) const fn sealed(what: &'static str) -> Self {
        Self::Sealed { what }
    }

    pub(crate) const fn not_found(what: &'static str) -> Self {
        Self::NotFound { what }
    }
}
