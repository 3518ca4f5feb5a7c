//! A vault in memory and invented rows, for the unit tests.

use std::sync::Arc;

use liuhen_kinds::Kind;

use crate::store::{MemoryStore, Store};
use crate::{IdentityKey, IncomingField, IncomingRow, RootKey, Vault};

pub(crate) struct Stores {
    pub(crate) records: Arc<dyn Store>,
    pub(crate) keys: Arc<dyn Store>,
}

impl Stores {
    pub(crate) fn new() -> Self {
        Self {
            records: Arc::new(MemoryStore::new()),
            keys: Arc::new(MemoryStore::new()),
        }
    }

    pub(crate) fn open(&self) -> Vault {
        let (records, keys) = (Arc::clone(&self.records), Arc::clone(&self.keys));
        Vault::open(records, keys, RootKey::from_bytes([1; 32]), "test").expect("opens")
    }
}

pub(crate) fn memory_vault() -> Vault {
    Stores::new().open()
}

/// A row about the `n`-th invented person: numbers that belong to nobody.
pub(crate) fn row(n: u32) -> IncomingRow {
    let (id, mobile, name) = (
        format!("ID-{n}"),
        format!("164{n:08}"),
        format!("Person {n}"),
    );
    IncomingRow {
        collection: "customers".to_owned(),
        fields: vec![
            IncomingField::new("id", Some(Kind::RESIDENT_ID), id.as_str()).indexed(id.as_str()),
            IncomingField::new("mobile", Some(Kind::MOBILE), mobile.as_str())
                .indexed(mobile.as_str()),
            IncomingField::new("name", Some(Kind::PERSON_NAME), name.as_str()),
        ],
        identity: vec![
            IdentityKey::resident_id(id.as_str()),
            IdentityKey::mobile_and_name(mobile.as_str(), name.as_str()),
        ],
    }
}
