//! Opening and closing a data directory.
//!
//! ```text
//! DIR/lock        one process at a time, and which one: see `lease`
//! DIR/root.key    the root key, unless it lies elsewhere (--root-key); plain, or sealed by a passphrase
//! DIR/vault.db    records, index, tokens, settings, projection of the trace
//! DIR/keys.db     wrapped keys of subjects: the key store, apart from the records
//! DIR/log/        the trace: write-ahead log, tiles, checkpoint
//! DIR/spool/      uploads, sealed
//! DIR/exports/    files of exports, sealed
//! DIR/pictures/   originals of pictures and what was written visibly over them, sealed
//! ```

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use liuhen_tlog::{Log, LogKey, Options, Rotation, read_keys, rotate};
use liuhen_vault::sealed::{SealedReader, SealedWriter};
use liuhen_vault::store::{KeyRange, Space, SqliteStore, Store};
use liuhen_vault::{RootKey, SealCost, Vault};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::access::KeyRing;
use crate::attest::{Attest, Pace};
use crate::captures::Captures;
use crate::clock::Clock;
use crate::decoys::Likenesses;
use crate::devices::Devices;
use crate::error::{Result, ServiceError};
use crate::faces::Faces;
use crate::imports::Imports;
use crate::leaks::Leaks;
use crate::lease::{self, DirLock, Waiting};
use crate::ledger::{Ledger, projected_size};
use crate::review::Reviews;
use crate::staff::{Attempts, hash_password_here};
use crate::withdrawals::Gone;
use crate::{Service, collections, ids, pictures, policies, purposes, shelf};

const ORIGIN: &[u8] = b"origin";

/// One tenant per data directory, for now.
const TENANT: &str = "default";

/// Where a vault lies and how its root key is opened.
#[derive(Clone, Default)]
pub struct Config {
    /// The data directory; made when it does not exist.
    pub dir: PathBuf,
    /// The root key's file, when it does not lie in the data directory.
    pub root_key: Option<PathBuf>,
    /// Opens a sealed root key; seals a new one.
    pub passphrase: Option<Zeroizing<String>>,
    /// The log's origin; made up (and kept) when not given.
    pub origin: Option<String>,
    /// Who witnesses the log (C2SP tlog-policy), when it does not lie in the data directory as `witnesses`.
    pub witnesses: Option<PathBuf>,
    /// How often what is promised within a minute is done.
    pub pace: Pace,
    /// Where the log gets the time of receipts and map roots from.
    pub log_clock: liuhen_tlog::Clock,
    /// Where the weights of networks lie, when not where `liuhen models install` puts them.
    pub models: Option<PathBuf>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A vault in `dir`, its root key beside its data.
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            ..Self::default()
        }
    }

    /// Where the root key lies.
    pub fn root_key_path(&self) -> PathBuf {
        self.root_key
            .clone()
            .unwrap_or_else(|| self.dir.join("root.key"))
    }

    /// Whether opening needs a passphrase that is not given.
    ///
    /// # Errors
    ///
    /// When the key file exists and cannot be read.
    pub fn needs_passphrase(&self) -> Result<bool> {
        let path = self.root_key_path();
        Ok(self.passphrase.is_none() && path.exists() && RootKey::is_sealed(&path)?)
    }
}

impl Service {
    /// Opens the vault in `config.dir`, making it (and its keys) when the directory holds none.
    ///
    /// Imports that a crash cut off are taken up again.
    ///
    /// # Errors
    ///
    /// [`ServiceError::InUse`] when another process has it open; [`ServiceError::Setup`] when key, stores and log do not belong together.
    pub fn open(config: &Config) -> Result<Arc<Self>> {
        make_private_dir(&config.dir)?;
        let lock = DirLock::take(&config.dir)?;
        Self::open_held(config, lock)
    }

    /// Waits until no other process holds the vault, then opens it.
    ///
    /// `tell` hears who is waited for, once for each change.
    /// A holder that shows no life for `kill_hung_after` is ended, if it runs on this machine as this user:
    /// only a dead process surely writes nothing more, so the log cannot fork.
    ///
    /// # Errors
    ///
    /// As for [`Service::open`], but for `InUse`.
    pub fn open_when_free(
        config: &Config,
        kill_hung_after: Option<Duration>,
        mut tell: impl FnMut(&Waiting),
    ) -> Result<Arc<Self>> {
        make_private_dir(&config.dir)?;
        let lock = lease::wait_and_take(&config.dir, kill_hung_after, &mut tell)?;
        Self::open_held(config, lock)
    }

    fn open_held(config: &Config, lock: DirLock) -> Result<Arc<Self>> {
        let dir = config.dir.clone();
        for name in ["spool", "exports", "pictures"] {
            make_private_dir(&dir.join(name))?;
        }
        let vault = Arc::new(open_vault(config)?);
        let (log, recovered) = open_log(config, &vault)?;
        let log = Arc::new(log);
        let ledger = Arc::new(Ledger::start(log.clone(), vault.clone(), recovered)?);
        let witnesses = config.witnesses.as_deref();
        let attest = Attest::start(&log, &dir, witnesses, config.pace, &ledger)?;
        let policies = policies::stored_policies(vault.store().as_ref())?;
        let purposes = purposes::stored_purposes(&vault)?;
        let collections = collections::stored_collections(vault.store().as_ref())?;
        let service = Arc::new(Self {
            lock: Mutex::new(Some(lock)),
            dir,
            clock: Clock::default(),
            vault,
            log,
            ledger,
            attest,
            policies: ArcSwap::from_pointee(policies),
            purposes: ArcSwap::from_pointee(purposes),
            collections: ArcSwap::from_pointee(collections),
            settings: tokio::sync::Mutex::new(()),
            keys: KeyRing::default(),
            attempts: Attempts::default(),
            imports: Imports::default(),
            leaks: Leaks::default(),
            likenesses: Likenesses::default(),
            gone: Gone::default(),
            faces: Faces::with(config.models.clone()),
            captures: Captures::default(),
            reviews: Reviews::with(config.models.clone()),
            devices: Devices::default(),
            easels: Arc::new(tokio::sync::Semaphore::new(pictures::AT_ONCE)),
            dummy_password: hash_password_here(&ids::random("dummy", 16)?)?,
        });
        service.load_keys()?;
        service.resume_imports()?;
        service.sweep_leaks()?;
        service.sweep_pictures()?;
        Ok(service)
    }

    /// Closes the vault: running imports stop at their last batch (and resume at the next start), the trace is flushed and checkpointed.
    ///
    /// # Errors
    ///
    /// When the last checkpoint cannot be written.
    pub fn close(&self) -> Result<()> {
        self.imports.stop();
        self.leaks.stop();
        self.reviews.stop();
        self.attest.stop();
        self.ledger.stop();
        self.log.close()?;
        drop(self.lock.lock().take());
        Ok(())
    }
}

fn open_vault(config: &Config) -> Result<Vault> {
    let root = root_key(config)?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(config.dir.join("vault.db"))?);
    let keys = config.dir.join("keys.db");
    if !keys.exists() && store.count_range(Space::Subjects, &KeyRange::all())? > 0 {
        // Opened with new keys, every person would look erased.
        return Err(ServiceError::Setup(format!(
            "the key store {} is missing although persons are kept; restore it from a backup",
            keys.display()
        )));
    }
    let key_store: Arc<dyn Store> = Arc::new(SqliteStore::open(keys)?);
    Ok(Vault::open(store, key_store, root, TENANT)?)
}

/// How long the old key signs checkpoints too after a change, unless told: 90 days.
pub const KEY_OVERLAP: Duration = Duration::from_secs(90 * 86_400);

/// Changes the log's signing key while nobody has the vault open; the origin stays.
///
/// For `overlap` the old key signs checkpoints too, for clients who know only it.
///
/// # Errors
///
/// [`ServiceError::InUse`]; [`ServiceError::Setup`] when there is no vault; errors of the log.
pub fn rotate_log_key(config: &Config, overlap: Duration) -> Result<Rotation> {
    if !config.dir.join("vault.db").exists() || !config.dir.join("log/checkpoint").exists() {
        let dir = config.dir.display();
        return Err(ServiceError::Setup(format!("{dir} holds no vault")));
    }
    let _lock = DirLock::take(&config.dir)?;
    let vault = open_vault(config)?;
    let dir = config.dir.join("log");
    let next = read_keys(&dir)?.rotations().len() + 1;
    let (old, options) = log_options(&dir, &vault)?;
    let now = u64::try_from(Clock::default().now()).unwrap_or(0);
    let overlap = u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX);
    let new = log_key(&vault, next);
    Ok(rotate(&dir, &old, &new, options, now, overlap)?)
}

fn open_log(config: &Config, vault: &Vault) -> Result<(Log, Vec<liuhen_tlog::Recovered>)> {
    let dir = config.dir.join("log");
    let stored: Option<String> = shelf::get(vault.store().as_ref(), Space::Settings, ORIGIN)?;
    let origin = match (stored, &config.origin) {
        (Some(stored), Some(wanted)) if stored != *wanted => {
            return Err(ServiceError::Setup(format!(
                "this log's origin is {stored}; it cannot become {wanted}"
            )));
        }
        (Some(stored), _) => stored,
        (None, wanted) => {
            let fresh = match wanted {
                Some(wanted) => wanted.clone(),
                None => format!("liuhen.invalid/{}", ids::random("log", 10)?),
            };
            shelf::put_now(vault.store().as_ref(), Space::Settings, ORIGIN, &fresh)?;
            fresh
        }
    };
    if !dir.exists() {
        if projected_size(vault.store().as_ref())? > 0 {
            return Err(ServiceError::Setup(format!(
                "the log in {} is missing although events were traced; restore it from a backup",
                dir.display()
            )));
        }
        make_private_dir(&dir)?;
        Log::create(&dir, &log_key(vault, 0), &origin)?;
    }
    let (key, mut options) = log_options(&dir, vault)?;
    options.clock = config.log_clock.clone();
    Ok(Log::open(&dir, key, options)?)
}

/// The current key of the log in `dir`, and how to open it.
fn log_options(dir: &Path, vault: &Vault) -> Result<(LogKey, Options)> {
    let generation = read_keys(dir)?.rotations().len();
    let options = Options {
        acknowledged: projected_size(vault.store().as_ref())?,
        sorted: true,
        former: generation.checked_sub(1).map(|n| log_key(vault, n)),
        ..Options::default()
    };
    Ok((log_key(vault, generation), options))
}

/// The log's signing key after so many changes: all of them come from the root key, so that a backup of that suffices.
fn log_key(vault: &Vault, generation: usize) -> LogKey {
    let label = match generation {
        0 => "log-key".to_owned(),
        n => format!("log-key {n}"),
    };
    LogKey::from_seed(vault.derive(&label).expose())
}

fn root_key(config: &Config) -> Result<RootKey> {
    let path = config.root_key_path();
    let passphrase = config.passphrase.as_ref().map(|text| text.as_str());
    if path.exists() {
        return Ok(RootKey::load(&path, passphrase)?);
    }
    // A vault without its key must not get a new one: it would look as if all were well until the first read fails.
    if config.dir.join("vault.db").exists() {
        return Err(ServiceError::Setup(format!(
            "the root key {} is missing; without it nothing in this vault can be read",
            path.display()
        )));
    }
    let root = RootKey::generate()?;
    root.store(&path, passphrase, SealCost::default())?;
    Ok(root)
}

impl Service {
    /// A new sealed file; `context` must be the same when it is read.
    pub(crate) fn create_sealed(
        &self,
        path: &Path,
        context: &str,
    ) -> Result<SealedWriter<BufWriter<File>>> {
        let file = File::create(path).map_err(ServiceError::io("make a sealed file"))?;
        SealedWriter::new(
            BufWriter::new(file),
            &self.vault.derive("files"),
            context.as_bytes(),
        )
        .map_err(ServiceError::io("make a sealed file"))
    }

    /// Completes a sealed file: it is on the disk when this returns.
    pub(crate) fn finish_sealed(writer: SealedWriter<BufWriter<File>>) -> Result<()> {
        let inner = writer.finish().and_then(|buffer| {
            buffer
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)
        });
        let file = inner.map_err(ServiceError::io("complete a sealed file"))?;
        file.sync_all()
            .map_err(ServiceError::io("complete a sealed file"))
    }

    /// Opens a sealed file.
    pub(crate) fn open_sealed(
        &self,
        path: &Path,
        context: &str,
    ) -> Result<SealedReader<BufReader<File>>> {
        let file = File::open(path).map_err(ServiceError::io("open a sealed file"))?;
        SealedReader::open(
            BufReader::new(file),
            &self.vault.derive("files"),
            context.as_bytes(),
        )
        .map_err(ServiceError::io("open a sealed file"))
    }
}

pub(crate) fn make_private_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(ServiceError::io("make the data directory"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(ServiceError::io("make the data directory private"))?;
    }
    Ok(())
}
