//! The store's side: reading, and writing with the headers that readers should get.
//!
//! Rule: content types of C2SP tlog-tiles; how long to keep what, as the server
//! serves it (`liuhen-server`, `api/log.rs`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use liuhen_tlog::tile::TileId;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, UpdateVersion, path::Path,
};
use sha2::{Digest as _, Sha256};

use crate::{error::PublishError, plan::join};

/// The name under which an object's own hash is kept beside it, where the store can.
const HASH: &str = "sha256";

/// What an object is, and so which headers it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A full tile: never changes.
    Full,
    /// A partial tile: gives way to a fuller one, yet its own bytes stay true.
    Partial,
    /// Text that is new again in a second.
    Changing,
}

impl Sort {
    pub(crate) fn of(tile: TileId) -> Self {
        match tile.is_full() {
            true => Self::Full,
            false => Self::Partial,
        }
    }

    fn attributes(self, hash: String) -> Attributes {
        let (kind, kept) = match self {
            Self::Full => (
                "application/octet-stream",
                "public, max-age=31536000, immutable",
            ),
            Self::Partial => ("application/octet-stream", "public, max-age=300"),
            Self::Changing => ("text/plain; charset=utf-8", "no-cache"),
        };
        Attributes::from_iter([
            (Attribute::ContentType, kind.to_owned()),
            (Attribute::CacheControl, kept.to_owned()),
            (Attribute::Metadata(HASH.into()), hash),
        ])
    }
}

/// What was found, and which version of it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) version: UpdateVersion,
}

/// A prefix in a store.
#[derive(Debug)]
pub(crate) struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Files have no headers; learnt at the first write.
    plain: AtomicBool,
}

impl Remote {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        let plain = AtomicBool::new(false);
        Self {
            store,
            prefix,
            plain,
        }
    }

    /// An object as it is now; `None` when there is none.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Found>, PublishError> {
        let failed = PublishError::store("reading", path);
        let result = match self.store.get(&join(&self.prefix, path)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            other => other,
        };
        let found = async {
            let result = result?;
            let version = UpdateVersion {
                e_tag: result.meta.e_tag.clone(),
                version: result.meta.version.clone(),
            };
            let bytes = result.bytes().await?;
            Ok(Some(Found { bytes, version }))
        };
        found.await.map_err(failed)
    }

    /// Writes an object, whatever is there.
    pub(crate) async fn put(
        &self,
        path: &str,
        sort: Sort,
        bytes: Bytes,
    ) -> Result<(), PublishError> {
        let written = self.write(path, sort, bytes, PutMode::Overwrite).await;
        written.map_err(PublishError::store("writing", path))
    }

    /// Writes an object in place of what was `found`. `false` when something else is there meanwhile.
    ///
    /// A store that cannot tell is looked at again right before.
    pub(crate) async fn replace(
        &self,
        path: &str,
        bytes: Bytes,
        found: Option<&Found>,
    ) -> Result<bool, PublishError> {
        let mode = match found {
            Some(found) => PutMode::Update(found.version.clone()),
            None => PutMode::Create,
        };
        let failed = PublishError::store("writing", path);
        match self.write(path, Sort::Changing, bytes.clone(), mode).await {
            Ok(()) => return Ok(true),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => return Ok(false),
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        let now = self.get(path).await?;
        if now.map(|now| now.bytes) != found.map(|found| found.bytes.clone()) {
            return Ok(false);
        }
        self.put(path, Sort::Changing, bytes).await.map(|()| true)
    }

    async fn write(
        &self,
        path: &str,
        sort: Sort,
        bytes: Bytes,
        mode: PutMode,
    ) -> object_store::Result<()> {
        let location = join(&self.prefix, path);
        let payload = PutPayload::from(bytes.clone());
        if !self.plain.load(Ordering::Relaxed) {
            let attributes = sort.attributes(hash(&bytes));
            let options = PutOptions {
                attributes,
                mode: mode.clone(),
                ..PutOptions::default()
            };
            match self
                .store
                .put_opts(&location, payload.clone(), options)
                .await
            {
                // Files have no headers, and say so before anything is written. Or the mode is beyond the store: that shows below.
                Err(Error::NotImplemented { .. }) => {}
                other => return other.map(drop),
            }
        }
        self.store.put_opts(&location, payload, mode.into()).await?;
        self.plain.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether these very bytes are there, by the hash kept beside them.
    ///
    /// In a directory there is none, and the answer is no: a file may be seen
    /// whose name is not durable yet, and writing it again makes it so.
    pub(crate) async fn holds(&self, path: &str, bytes: &Bytes) -> Result<bool, PublishError> {
        let location = join(&self.prefix, path);
        let failed = PublishError::store("looking at", path);
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let head = match self.store.get_opts(&location, options).await {
            Ok(head) => head,
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        if head.meta.size != bytes.len() as u64 {
            return Ok(false);
        }
        let kept = head.attributes.get(&Attribute::Metadata(HASH.into()));
        Ok(kept.is_some_and(|kept| kept.as_ref() == hash(bytes)))
    }

    /// Removes all that lies below a path.
    pub(crate) async fn clear(&self, path: &str) -> Result<(), PublishError> {
        let below = self.store.list(Some(&join(&self.prefix, path)));
        let names: Result<Vec<Path>, Error> =
            below.map_ok(|found| found.location).try_collect().await;
        let failed = PublishError::store("removing", path);
        let cleared = async {
            for name in names? {
                match self.store.delete(&name).await {
                    Ok(()) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        cleared.await.map_err(failed)
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
