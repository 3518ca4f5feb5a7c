//! What the forms of several pages offer to choose from: purposes, collections, fields.

use std::collections::BTreeSet;

use liuhen_service::{CollectionView, PurposeView};

use crate::ui::{Ctx, names};

/// Purposes by id, under their names.
pub(super) fn purposes(c: &Ctx, purposes: &[PurposeView]) -> Vec<(String, String)> {
    let named = |purpose: &PurposeView| {
        let name = c.either(&purpose.name_zh, &purpose.name_en).to_owned();
        (purpose.id.clone(), name)
    };
    purposes.iter().map(named).collect()
}

/// Collections by name.
pub(super) fn collections(collections: &[CollectionView]) -> Vec<(String, String)> {
    collections
        .iter()
        .map(|one| (one.name.clone(), one.name.clone()))
        .collect()
}

/// The fields of all collections, each once, and whether it is ticked.
pub(super) fn fields(
    c: &Ctx,
    collections: &[CollectionView],
    ticked: impl Fn(&str) -> bool,
) -> Vec<(String, String, bool)> {
    let known: BTreeSet<&String> = collections
        .iter()
        .flat_map(|one| one.fields.iter().map(|field| &field.name))
        .collect();
    known
        .into_iter()
        .map(|name| (name.clone(), names::field(c, name), ticked(name)))
        .collect()
}
