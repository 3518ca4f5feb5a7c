//! Keys, subjects, consent, purposes, tokens, erasure: the room where personal information
//! is kept, and where it ends.
//!
//! ```
//! use std::sync::Arc;
//!
//! use liuhen_kinds::Kind;
//! use liuhen_vault::store::{Batch, MemoryStore};
//! use liuhen_vault::{Disposal, IdentityKey, IncomingField, IncomingRow, Resolved, RootKey, SiteId, Vault};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (records, keys) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
//! let vault = Vault::open(records, keys, RootKey::generate()?, "example")?;
//! let shop: SiteId = "shop".parse()?;
//!
//! // A row about nobody: 164 is a segment no operator has.
//! let row = IncomingRow {
//!     collection: "customers".into(),
//!     fields: vec![
//!         IncomingField::new("phone", Some(Kind::MOBILE), "164 0000 0001").indexed("16400000001"),
//!         IncomingField::new("name", Some(Kind::PERSON_NAME), "Invented"),
//!     ],
//!     identity: vec![IdentityKey::mobile_and_name("16400000001", "Invented")],
//! };
//! let done = vault.ingest(&[row], Some(&shop), Batch::new())?;
//! let token = done[0].token.as_ref().ok_or("a token")?.to_string();
//!
//! let Resolved::Subject(subject) = vault.resolve_token(&shop, &token)? else { panic!() };
//! let fields = vault.open_fields(&subject, "customers", &["phone"])?;
//! assert_eq!(fields[0].value.as_str(), "164 0000 0001");
//!
//! let why = Disposal { reason: "cancelled", approver: "the person concerned", at: 1_795_000_000_000 };
//! let receipt = vault.erase(&subject, why, Batch::new())?;
//! assert_eq!(receipt.fields, 2);
//! assert_eq!(vault.resolve_token(&shop, &token)?, Resolved::Erased);
//! # Ok(())
//! # }
//! ```
//!
//! Secrets hang from one [`RootKey`]; wrapped keys lie in another store than records, so that
//! erasing a row makes a person unreadable. Who may look is decided above; the crate has no
//! clock, no log and no network.

mod crypt;
mod erase;
mod error;
pub mod face;
mod index;
mod ingest;
mod keys;
mod read;
mod record;
pub mod registry;
mod root;
pub mod sealed;
mod stage;
pub mod store;
mod subject;
mod token;
pub mod trace;
mod vault;

#[cfg(test)]
mod testing;

pub use crypt::Key;
pub use erase::{Disposal, DisposalReceipt};
pub use error::VaultError;
pub use ingest::Ingested;
pub use record::{
    FieldShape, IncomingField, IncomingRow, MAX_FIELDS, MAX_VALUE, OpenField, RecordShape,
};
pub use root::{RootError, RootKey, SealCost};
pub use subject::{IdentityKey, SubjectId};
pub use token::{Resolved, SiteId, Token};
pub use vault::{SubjectState, Vault};
