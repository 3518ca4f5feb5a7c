//! Keys, subjects, consent, purposes, tokens, erasure: the room where personal information
//! is kept.

mod crypt;
mod erase;
mod error;
mod index;
mod ingest;
mod keys;
mod read;
mod record;
pub mod registry;
mod root;
pub mod sealed;
pub mod store;
mod subject;
mod token;
pub mod trace;
mod vault;

#[cfg(test)]
mod testing;

pub use crypt::Key;
pub use erase::DisposalReceipt;
pub use error::VaultError;
pub use ingest::Ingested;
pub use record::{
    FieldShape, IncomingField, IncomingRow, MAX_FIELDS, MAX_VALUE, OpenField, RecordShape,
};
pub use root::{RootError, RootKey, SealCost};
pub use subject::{IdentityKey, SubjectId};
pub use token::{Resolved, SiteId, Token};
pub use vault::{SubjectState, Vault};
