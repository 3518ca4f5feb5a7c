//! Versions of a declaration, newest first.

use crate::VaultError;
use crate::store::{Batch, KeyRange, Space, Store};

/// A declaration and which version of it this is, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Version, from 1.
    pub version: u32,
    /// The declaration.
    pub value: T,
}

/// A stored declaration, still bytes, and its id.
pub(super) type Identified = (Vec<u8>, Versioned<Vec<u8>>);

fn prefix(id: &[u8]) -> Vec<u8> {
    let mut key = id.to_vec();
    key.push(0);
    key
}

fn version_key(id: &[u8], version: u32) -> Vec<u8> {
    let mut key = prefix(id);
    key.extend_from_slice(&(u32::MAX - version).to_be_bytes());
    key
}

fn split(key: &[u8]) -> Result<(&[u8], u32), VaultError> {
    let malformed = VaultError::malformed("a declaration row");
    let Some((id, inverted)) = key.split_last_chunk::<4>() else {
        return Err(malformed);
    };
    let id = id.strip_suffix(&[0]).ok_or(malformed)?;
    Ok((id, u32::MAX - u32::from_be_bytes(*inverted)))
}

/// Versions of `id`, newest first, at most `limit`.
pub(super) fn versions(
    store: &dyn Store,
    space: Space,
    id: &[u8],
    limit: usize,
) -> Result<Vec<Versioned<Vec<u8>>>, VaultError> {
    // Ids may contain zeros (subject ids do): keys of exactly this length are its versions.
    let length = id.len() + 5;
    let rows = store.scan(space, &KeyRange::prefix(&prefix(id)), limit, false)?;
    rows.into_iter()
        .filter(|(key, _)| key.len() == length)
        .map(|(key, value)| {
            Ok(Versioned {
                version: split(&key)?.1,
                value,
            })
        })
        .collect()
}

/// The newest version of `id`.
pub(super) fn newest(
    store: &dyn Store,
    space: Space,
    id: &[u8],
) -> Result<Option<Versioned<Vec<u8>>>, VaultError> {
    Ok(versions(store, space, id, 1)?.pop())
}

/// Ids below `prefix` with their newest versions, in the order of ids.
pub(super) fn all_newest(
    store: &dyn Store,
    space: Space,
    prefix: &[u8],
) -> Result<Vec<Identified>, VaultError> {
    let mut newest: Vec<Identified> = Vec::new();
    for (key, value) in store.scan(space, &KeyRange::prefix(prefix), usize::MAX, false)? {
        let (id, version) = split(&key)?;
        if newest.last().is_none_or(|(last, _)| last != id) {
            newest.push((id.to_vec(), Versioned { version, value }));
        }
    }
    Ok(newest)
}

/// Stages the version after `previous`; refuses when somebody else has written it meanwhile.
pub(super) fn stage(
    batch: &mut Batch,
    space: Space,
    id: &[u8],
    previous: Option<u32>,
    value: Vec<u8>,
) -> u32 {
    let version = previous.unwrap_or(0) + 1;
    let key = version_key(id, version);
    batch
        .expect(space, key.clone(), None)
        .put(space, key, value);
    version
}

/// Canonical JSON of a declaration.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, VaultError> {
    serde_json::to_vec(value).map_err(|_| VaultError::malformed("a declaration"))
}

/// Reads [`to_json`].
pub(super) fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, VaultError> {
    serde_json::from_slice(bytes).map_err(|_| VaultError::malformed("a declaration"))
}

/// An id that people type: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
pub(super) fn check_id(what: &'static str, id: &str) -> Result<(), VaultError> {
    let good =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if (1..=64).contains(&id.len()) && id.bytes().all(good) {
        Ok(())
    } else {
        Err(VaultError::Bound {
            what,
            bound: "1 to 64 of a-z, 0-9, -, _ and .",
        })
    }
}
