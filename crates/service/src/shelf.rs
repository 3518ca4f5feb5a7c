//! Typed values in the vault's store: JSON under an ordered key.

use liuhen_vault::store::{Batch, KeyRange, Space, Store};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Result, ServiceError};

/// Reads one value.
pub(crate) fn get<T: DeserializeOwned>(
    store: &dyn Store,
    space: Space,
    key: &[u8],
) -> Result<Option<T>> {
    match store.get(space, key)? {
        None => Ok(None),
        Some(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| ServiceError::Damaged("value")),
    }
}

/// Adds a write of one value to a batch.
pub(crate) fn put<T: Serialize>(
    batch: &mut Batch,
    space: Space,
    key: &[u8],
    value: &T,
) -> Result<()> {
    batch.put(space, key, bytes(value)?);
    Ok(())
}

/// Writes one value at once.
pub(crate) fn put_now<T: Serialize>(
    store: &dyn Store,
    space: Space,
    key: &[u8],
    value: &T,
) -> Result<()> {
    let mut batch = Batch::new();
    put(&mut batch, space, key, value)?;
    Ok(store.write(&batch)?)
}

/// The JSON of a value.
pub(crate) fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| ServiceError::Damaged("value"))
}

/// All values whose key begins with `prefix`, in key order.
pub(crate) fn all<T: DeserializeOwned>(
    store: &dyn Store,
    space: Space,
    prefix: &[u8],
) -> Result<Vec<(Vec<u8>, T)>> {
    let mut found = Vec::new();
    let mut range = KeyRange::prefix(prefix);
    loop {
        let page = store.scan(space, &range, PAGE, false)?;
        let full = page.len() == PAGE;
        if let Some((last, _)) = page.last() {
            range = range.after(last);
        }
        for (key, value) in page {
            let value =
                serde_json::from_slice(&value).map_err(|_| ServiceError::Damaged("value"))?;
            found.push((key, value));
        }
        if !full {
            return Ok(found);
        }
    }
}

/// How many rows a scan takes at a time.
const PAGE: usize = 1024;
