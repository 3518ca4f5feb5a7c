//! Collections and the fields their imports declared, kept in memory: every decision asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use liuhen_kinds::Kind;
use liuhen_vault::store::{Space, Store};
use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};
use crate::imports::ImportPlan;
use crate::{Service, shelf};

/// A collection and the fields its imports declared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CollectionView {
    /// Its name.
    pub name: String,
    /// Its fields, in the order they came.
    pub fields: Vec<FieldView>,
}

/// A field of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// The kind of personal information it holds.
    pub kind: Option<Kind>,
}

/// All collections, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct CollectionBook(BTreeMap<String, CollectionView>);

/// All collections, as stored.
pub(crate) fn stored_collections(store: &dyn Store) -> Result<CollectionBook> {
    let stored: Vec<(Vec<u8>, CollectionView)> = shelf::all(store, Space::Collections, &[])?;
    let known = stored
        .into_iter()
        .map(|(_, collection)| (collection.name.clone(), collection));
    Ok(CollectionBook(known.collect()))
}

impl CollectionView {
    /// Adds the fields a plan keeps; refuses one that already holds another kind.
    fn declare(&mut self, plan: &ImportPlan) -> Result<()> {
        for column in plan.columns.iter().filter(|column| column.keep) {
            match self.fields.iter().find(|field| field.name == column.field) {
                Some(known) if known.kind != column.kind => {
                    return Err(ServiceError::Invalid(format!(
                        "the field {} of {} already holds another kind; choose another field name",
                        column.field, plan.collection
                    )));
                }
                Some(_) => {}
                None => self.fields.push(FieldView {
                    name: column.field.clone(),
                    kind: column.kind,
                }),
            }
        }
        Ok(())
    }
}

impl Service {
    /// Remembers which fields a collection has, so that forms can offer them and decisions know their kinds.
    ///
    /// The caller holds the lock on settings.
    pub(crate) fn declare_fields(&self, plan: &ImportPlan) -> Result<()> {
        let mut book = CollectionBook::clone(&self.collections.load());
        let collection = book
            .0
            .entry(plan.collection.clone())
            .or_insert_with(|| CollectionView {
                name: plan.collection.clone(),
                fields: Vec::new(),
            });
        collection.declare(plan)?;
        let key = plan.collection.as_bytes();
        shelf::put_now(self.store(), Space::Collections, key, collection)?;
        self.collections.store(Arc::new(book));
        Ok(())
    }

    /// All collections and their fields, by name.
    pub fn collections(&self) -> Vec<CollectionView> {
        self.collections.load().0.values().cloned().collect()
    }

    /// Whether there is such a collection.
    pub(crate) fn has_collection(&self, name: &str) -> bool {
        self.collections.load().0.contains_key(name)
    }

    /// The kind a field of a collection holds.
    pub(crate) fn field_kind(&self, collection: &str, field: &str) -> Option<Kind> {
        let book = self.collections.load();
        let fields = &book.0.get(collection)?.fields;
        fields.iter().find(|known| known.name == field)?.kind
    }
}
