//! Logs, stores that fail, and a reader who believes nothing, for the tests of publishing.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::{
    fmt, fs,
    ops::ControlFlow,
    path::Path as FilePath,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use liuhen_bucket::{
    PublishError, Published, Publisher,
    object_store::{
        CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
        ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
        Result, path::Path,
    },
};
use liuhen_tlog::{
    Keys, Log, LogKey, Options,
    audit::{Audit, Settings, Source, SourceError},
    read_keys,
};
use parking_lot::Mutex;
use tokio::runtime::Runtime;

pub(crate) const ORIGIN: &str = "bucket.liuhen.invalid/log";

pub(crate) fn key() -> LogKey {
    LogKey::from_seed(&[7; 32])
}

pub(crate) fn create(dir: &FilePath) {
    Log::create(dir, &key(), ORIGIN).unwrap();
}

/// Appends entries until there are `size`; `salt` tells histories apart.
pub(crate) fn grow(dir: &FilePath, size: u64, salt: &str) {
    let (log, _) = Log::open(dir, key(), Options::default()).unwrap();
    let (tell, hear) = mpsc::channel();
    let first = log.size();
    for n in first..size {
        let tell = tell.clone();
        log.append(
            format!("{salt} {n}").into_bytes(),
            Vec::new(),
            move |done| tell.send(done.is_ok()).unwrap(),
        );
    }
    for _ in first..size {
        assert!(hear.recv().unwrap());
    }
    assert_eq!(log.checkpoint_now().unwrap().size(), size);
    log.close().unwrap();
}

/// A log of `size` entries in a new directory.
pub(crate) fn log_of(size: u64, salt: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    grow(dir.path(), size, salt);
    dir
}

pub(crate) fn copy(from: &FilePath) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &FilePath, to: &FilePath) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What is published, as an auditor reads it.
struct Reader<'a> {
    runtime: &'a Runtime,
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Source for Reader<'_> {
    fn get(&self, path: &str) -> std::result::Result<Option<Vec<u8>>, SourceError> {
        let path = Path::from(format!("{}/{path}", self.prefix));
        let read = self
            .runtime
            .handle()
            .block_on(async { self.store.get(&path).await?.bytes().await });
        match read {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(SourceError::Unreachable(error.to_string())),
        }
    }
}

pub(crate) struct World {
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            runtime: Runtime::new().unwrap(),
        }
    }

    pub(crate) fn publish(
        &self,
        store: &Arc<dyn ObjectStore>,
        prefix: &str,
        dir: &FilePath,
    ) -> std::result::Result<Published, PublishError> {
        let publisher = Publisher::new(Arc::clone(store), prefix, dir);
        self.runtime.block_on(publisher.publish_once(&|_| {}))
    }

    /// The size of what is published once all of it was verified; `None` when there is no checkpoint.
    pub(crate) fn audit(
        &self,
        store: &Arc<dyn ObjectStore>,
        prefix: &str,
        keys: &Keys,
    ) -> Option<u64> {
        let source = Reader {
            runtime: &self.runtime,
            store: Arc::clone(store),
            prefix: prefix.to_owned(),
        };
        source.get("checkpoint").unwrap()?;
        let audit = Audit {
            source: &source,
            log: keys,
            earlier: Vec::new(),
            state: None,
            settings: Settings {
                map: false,
                fetches: 2,
                threads: 1,
                ..Settings::default()
            },
        };
        let report = audit.run(&mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(report.faults, [], "of {} entries", report.checkpoint.size());
        assert_eq!(report.entries, report.checkpoint.size());
        Some(report.entries)
    }

    pub(crate) fn names(&self, store: &Arc<dyn ObjectStore>) -> Vec<String> {
        use futures_util::TryStreamExt as _;
        let listed = store
            .list(None)
            .map_ok(|meta| meta.location.to_string())
            .try_collect();
        let mut names: Vec<String> = self.runtime.block_on(listed).unwrap();
        names.sort();
        names
    }
}

pub(crate) fn keys(dir: &FilePath) -> Keys {
    read_keys(dir).unwrap()
}

/// A store that dies after so many changes, or in which somebody else is quicker.
pub(crate) struct Faulty {
    pub(crate) inner: Arc<dyn ObjectStore>,
    /// Changes that still succeed.
    pub(crate) left: AtomicI64,
    /// Put in place of the checkpoint right before the first one who replaces it.
    pub(crate) meddler: Mutex<Option<Bytes>>,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, left: i64) -> Arc<Self> {
        Arc::new(Self {
            inner,
            left: AtomicI64::new(left),
            meddler: Mutex::new(None),
        })
    }

    fn may(&self) -> Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            true => Ok(()),
            false => Err(Error::Generic {
                store: "faulty",
                source: "dead".into(),
            }),
        }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.may()?;
        let meddler = (path.filename() == Some("checkpoint"))
            .then(|| self.meddler.lock().take())
            .flatten();
        if let Some(note) = meddler {
            self.inner.put(path, note.into()).await?;
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.may()?;
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        use futures_util::StreamExt as _;
        match self.may() {
            Ok(()) => self.inner.delete_stream(paths),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.may()?;
        self.inner.copy_opts(from, to, options).await
    }
}
