//! Bringing what is published up to the log.
//!
//! The order is the whole of it: what is published is checked against the log,
//! then key and statements, then tiles, then the checkpoint in place of the
//! very one that was checked, then partial tiles that have become full go.

use std::{
    fmt,
    path::{Path as FilePath, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use liuhen_tlog::{SignedCheckpoint, Verifier, tile::TileId};
use object_store::{ObjectStore, path::Path};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    error::PublishError,
    plan::{filled, partials, tiles_between},
    remote::{Found, Remote, Sort},
    source::Source,
};

/// Tiles uploaded at once.
const AT_ONCE: usize = 16;
/// Bytes of tiles in memory at once; the longest bundle has 16.8 MB.
const MOST_BYTES: u32 = 64 << 20;
/// With so many new tiles it is worth asking which of them a run that was cut off has left.
const WORTH_ASKING: usize = 32;
/// Rounds against other publishers before giving up.
const ROUNDS: u32 = 5;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tiles that are there.
    pub done: u64,
    /// Tiles that the published tree lacked.
    pub of: u64,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Entries under the checkpoint that readers find now.
    pub size: u64,
    /// Objects uploaded.
    pub uploaded: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Copies the public part of one log to one place. Runs may overlap with those of others.
pub struct Publisher {
    remote: Remote,
    dir: PathBuf,
    trusted: Option<Verifier>,
    newest: bool,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publisher({})", self.dir.display())
    }
}

/// Counts what one run uploads.
#[derive(Default)]
struct Tally {
    uploaded: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    fn add(&self, bytes: usize) {
        self.uploaded.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Publisher {
    /// Publishes the log in `log_dir` below `prefix`, which may be empty, of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str, log_dir: &FilePath) -> Self {
        Self {
            remote: Remote::new(store, Path::from(prefix)),
            dir: log_dir.to_owned(),
            trusted: None,
            newest: false,
        }
    }

    /// Believes the log's directory only as far as this key of the log, kept elsewhere, leads.
    #[must_use]
    pub fn trusting(mut self, key: Verifier) -> Self {
        self.trusted = Some(key);
        self
    }

    /// Publishes the newest checkpoint even where there is one that witnesses cosigned, which is older.
    #[must_use]
    pub fn newest(mut self, newest: bool) -> Self {
        self.newest = newest;
        self
    }

    /// Brings what is published up to the log, once. `progress` is told after each tile.
    ///
    /// Uploads only what is new: beyond the published checkpoint, and after a
    /// run that was cut off what that one did not reach. Never replaces a
    /// checkpoint by a smaller one or by one that did not grow from it.
    ///
    /// # Errors
    ///
    /// [`PublishError`]; what readers find is complete all the same, and the next run goes on.
    pub async fn publish_once(
        &self,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Published, PublishError> {
        let tally = Tally::default();
        for _ in 0..ROUNDS {
            if let Some(size) = self.round(&tally, progress).await? {
                return Ok(Published {
                    size,
                    uploaded: tally.uploaded.load(Ordering::Relaxed),
                    bytes: tally.bytes.load(Ordering::Relaxed),
                });
            }
        }
        Err(PublishError::Contended)
    }

    /// One round; `None` when the checkpoint was replaced by another publisher meanwhile.
    async fn round(
        &self,
        tally: &Tally,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Option<u64>, PublishError> {
        // What is published is read first: the log can only have grown since.
        let found = self.remote.get("checkpoint").await?;
        let (dir, trusted, newest) = (self.dir.clone(), self.trusted.clone(), self.newest);
        let source = blocking(move || Source::open(&dir, trusted.as_ref(), newest)).await?;
        let source = Arc::new(source);
        let published = found
            .as_ref()
            .map(|found| judge(found, &source))
            .transpose()?;
        self.claim(&source, tally).await?;
        if published
            .as_ref()
            .is_some_and(|published| !is_newer(&source.chosen, published))
        {
            return Ok(published.map(|published| published.size()));
        }
        let before = published.map_or(0, |published| published.size());
        let now = source.chosen.size();
        self.upload(&source, before, tally, progress).await?;
        let note = Bytes::from(source.chosen.to_string());
        let length = note.len();
        if !self
            .remote
            .replace("checkpoint", note, found.as_ref())
            .await?
        {
            return Ok(None);
        }
        tally.add(length);
        self.tidy(before, now).await;
        Ok(Some(now))
    }

    /// Puts key and statements there; refuses where those of another log are.
    async fn claim(&self, source: &Source, tally: &Tally) -> Result<(), PublishError> {
        let ours = format!("{}\n", source.keys.first());
        let found = match self.remote.get("vkey").await? {
            None => {
                let created = self
                    .remote
                    .replace("vkey", ours.clone().into(), None)
                    .await?;
                tally.add(ours.len());
                if created {
                    None
                } else {
                    self.remote.get("vkey").await?
                }
            }
            found => found,
        };
        if let Some(found) = found.filter(|found| found.bytes != ours.as_bytes()) {
            let found = String::from_utf8_lossy(&found.bytes).trim_end().to_owned();
            let ours = source.keys.first().to_string();
            return Err(PublishError::OtherLog { found, ours });
        }
        let statements = source.keys.to_string();
        let found = self.remote.get("keys").await?;
        let there = found.as_ref().map(|found| &found.bytes[..]);
        if there.is_some_and(|there| !statements.as_bytes().starts_with(there)) {
            return Err(PublishError::OtherKeys);
        }
        if there != Some(statements.as_bytes()) {
            tally.add(statements.len());
            if !self
                .remote
                .replace("keys", statements.into(), found.as_ref())
                .await?
            {
                return Err(PublishError::Contended);
            }
        }
        Ok(())
    }

    /// Uploads the tiles that the tree of the first `before` entries lacks.
    async fn upload(
        &self,
        source: &Arc<Source>,
        before: u64,
        tally: &Tally,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), PublishError> {
        let now = source.chosen.size();
        let of = tiles_between(before, now).count();
        let cut_off = of >= WORTH_ASKING && self.has_first(source, before).await?;
        let memory = Semaphore::new(MOST_BYTES as usize);
        let done = AtomicU64::new(0);
        let (memory, done) = (&memory, &done);
        let uploads = stream::iter(tiles_between(before, now)).map(|tile| async move {
            self.bring(source, tile, cut_off, memory, tally).await?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Progress {
                done,
                of: of as u64,
            });
            Ok::<(), PublishError>(())
        });
        uploads.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Whether a run was here that did not come to its checkpoint.
    async fn has_first(&self, source: &Arc<Source>, before: u64) -> Result<bool, PublishError> {
        let Some(first) = tiles_between(before, source.chosen.size()).next() else {
            return Ok(false);
        };
        let from = Arc::clone(source);
        let bytes = Bytes::from(blocking(move || from.tile(first)).await?);
        self.remote.holds(&first.to_string(), &bytes).await
    }

    /// Uploads one tile, unless it is there.
    async fn bring(
        &self,
        source: &Arc<Source>,
        tile: TileId,
        cut_off: bool,
        memory: &Semaphore,
        tally: &Tally,
    ) -> Result<(), PublishError> {
        let most = u64::from(MOST_BYTES);
        let length = u32::try_from(source.length(tile).min(most)).unwrap_or(MOST_BYTES);
        let _room = memory
            .acquire_many(length)
            .await
            .map_err(|_| PublishError::Stopped)?;
        let from = Arc::clone(source);
        let bytes = Bytes::from(blocking(move || from.tile(tile)).await?);
        let path = tile.to_string();
        if cut_off && self.remote.holds(&path, &bytes).await? {
            return Ok(());
        }
        let length = bytes.len();
        self.remote.put(&path, Sort::of(tile), bytes).await?;
        tally.add(length);
        Ok(())
    }

    /// Removes partial tiles that were published and are full now. What stays harms nobody.
    async fn tidy(&self, before: u64, now: u64) {
        for tile in filled(before, now) {
            if let Err(error) = self.remote.clear(&partials(tile)).await {
                tracing::warn!(%tile, %error, "a filled partial tile stays published");
            }
        }
    }
}

/// Checks what is published against the log.
fn judge(found: &Found, source: &Source) -> Result<SignedCheckpoint, PublishError> {
    let verified = source.keys.verify_checkpoint(&found.bytes);
    let published = verified.map_err(|error| PublishError::NotOurs {
        note: String::from_utf8_lossy(&found.bytes).into_owned(),
        source: error,
    })?;
    let both = || (Box::new(published.clone()), Box::new(source.newest.clone()));
    if published.size() > source.newest.size() {
        let (published, local) = both();
        return Err(PublishError::Ahead { published, local });
    }
    if source.root_at(published.size())? != published.root() {
        let (published, local) = both();
        return Err(PublishError::Contradicts { published, local });
    }
    Ok(published)
}

/// Whether a checkpoint says more than the published one: of more entries, or of the same with more signatures.
fn is_newer(chosen: &SignedCheckpoint, published: &SignedCheckpoint) -> bool {
    let weight = |signed: &SignedCheckpoint| (signed.size(), signed.note().signatures().len());
    weight(chosen) > weight(published)
}

/// Reads files beside the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublishError> + Send + 'static,
) -> Result<T, PublishError> {
    spawn_blocking(work)
        .await
        .unwrap_or(Err(PublishError::Stopped))
}
