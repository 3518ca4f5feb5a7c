//! Copies of a data directory, taken while it is served, and bringing them back.
//!
//! ```text
//! TO/vkey           whose copies these are
//! TO/tile/          tiles of the trace, once for all copies
//! TO/<time>/        one copy: vault.db, keys.db, spool/, exports/, log/, backup.json
//! TO/current        the name of the copy that counts, written last
//! TO/lock           one backup at a time
//! ```
//!
//! The order makes the parts fit together: records, then keys, so that no record lacks its key; the log last, so that it is ahead of the records' projection, which is caught up from the write-ahead log.
//! Bringing back refuses to lose what is known to have been in the log: a log that forgets is what witnesses are there to catch.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use liuhen_tlog::audit::Progress;
use liuhen_tlog::backup::{self as log_copy, Copied, Pin};
use liuhen_tlog::disk::SystemDisk;
use liuhen_tlog::{Keys, inspect::inspect, read_keys};
use liuhen_vault::store::SqliteStore;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::{Clock, UnixMs};
use crate::error::{Result, ServiceError};
use crate::lease::DirLock;
use crate::open::{Config, make_private_dir};

const CURRENT: &str = "current";
const MANIFEST: &str = "backup.json";
const ROOT_KEY: &str = "root.key";
const FORMAT: u32 = 1;

/// What a copy holds, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupView {
    /// Version of the layout.
    format: u32,
    /// When it was begun: milliseconds since 1970, UTC.
    pub time: UnixMs,
    /// The log's origin.
    pub origin: String,
    /// Entries under the checkpoint.
    pub checkpoint: u64,
    /// Entries in all; later ones are lost when this is brought back.
    pub entries: u64,
    /// Whether the root key is among the files. Without it nothing can be read.
    pub with_root_key: bool,
    /// Files beside the log.
    files: Vec<FileView>,
}

/// One file of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileView {
    name: PathBuf,
    bytes: u64,
    /// SHA-256, in hex.
    sha256: String,
}

/// What was done to make a copy.
#[derive(Debug, Clone)]
pub struct BackedUp {
    /// The copy.
    pub copy: BackupView,
    /// Tiles of the log that the target lacked.
    pub new_tiles: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Copies the vault in `config.dir` to `to`, also while a server has it open.
///
/// The copy counts, and the one before it is removed, only when everything is durable and was read back.
///
/// # Errors
///
/// When something cannot be read or written, or is not what the log signed; the copy before stays then.
pub fn backup(
    config: &Config,
    to: &Path,
    with_root_key: bool,
    progress: impl FnMut(Progress),
) -> Result<BackedUp> {
    let dir = &config.dir;
    if !dir.join("vault.db").exists() || !dir.join("log/checkpoint").exists() {
        return Err(nothing(dir, "vault"));
    }
    make_private_dir(to)?;
    let _alone = claim(to)?;
    let time = Clock::default().now();
    let name = format!("{time:014}");
    let copy = to.join(&name);
    fs::create_dir(&copy).map_err(ServiceError::io("make the copy's directory"))?;
    make_private_dir(&copy)?;
    let made = make(config, to, &copy, time, with_root_key, progress);
    let done = match made {
        Ok(done) => done,
        Err(error) => {
            // Half a copy is none.
            let _ = fs::remove_dir_all(&copy);
            return Err(error);
        }
    };
    write_durably(&to.join(CURRENT), format!("{name}\n").as_bytes())?;
    remove_others(to, &name)?;
    log_copy::tidy(to, done.copy.checkpoint, &SystemDisk)?;
    Ok(done)
}

fn make(
    config: &Config,
    to: &Path,
    copy: &Path,
    time: UnixMs,
    with_root_key: bool,
    progress: impl FnMut(Progress),
) -> Result<BackedUp> {
    let dir = &config.dir;
    let log = dir.join("log");
    let _pin = Pin::hold(&log)?;
    for name in ["vault.db", "keys.db"] {
        SqliteStore::copy(&dir.join(name), &copy.join(name))?;
    }
    for name in ["spool", "exports", "pictures"] {
        copy_dir(&dir.join(name), &copy.join(name))?;
    }
    if with_root_key {
        copy_file(&config.root_key_path(), &copy.join(ROOT_KEY))?;
    }
    let files = list(copy)?;
    let Copied {
        checkpoint,
        end,
        new_tiles,
        bytes,
        ..
    } = log_copy::backup(&log, to, &copy.join("log"), &SystemDisk, progress)?;
    let view = BackupView {
        format: FORMAT,
        time,
        origin: checkpoint.checkpoint().origin.clone(),
        checkpoint: checkpoint.size(),
        entries: end,
        with_root_key,
        files,
    };
    let manifest = serde_json::to_vec(&view).map_err(|_| ServiceError::Damaged("backup"))?;
    write_durably(&copy.join(MANIFEST), &manifest)?;
    check_files(copy, &view)?;
    let bytes = bytes + view.files.iter().map(|file| file.bytes).sum::<u64>();
    Ok(BackedUp {
        copy: view,
        new_tiles,
        bytes,
    })
}

/// What to bring back, and what must not be lost by it.
#[derive(Debug, Clone, Default)]
pub struct Restore {
    /// Where the copies lie.
    pub from: PathBuf,
    /// The data directory to be.
    pub dir: PathBuf,
    /// Checkpoints kept elsewhere, such as by witnesses: signed notes.
    pub known: Vec<Vec<u8>>,
    /// A vault that is there already is set aside, if it knows nothing newer.
    pub replace: bool,
}

/// What was brought back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The copy.
    pub copy: BackupView,
    /// Where the vault that was there before lies now.
    pub set_aside: Option<PathBuf>,
}

/// Brings back the copy that counts.
///
/// # Errors
///
/// [`ServiceError::Conflict`] when the vault that is there, or a checkpoint given, knows more entries than the copy, or when a vault is there and `replace` is not set;
/// [`ServiceError::InUse`]; errors of reading and writing. The directory is as it was then.
pub fn restore(wanted: &Restore, progress: impl FnMut(Progress)) -> Result<Restored> {
    let Restore { from, dir, .. } = wanted;
    let (copy, view) = current(from)?;
    check_files(&copy, &view)?;
    let keys = read_keys(&copy.join("log"))?;
    for known in &wanted.known {
        let size = keys
            .verify_checkpoint(known)
            .map_err(liuhen_tlog::LogError::from)?
            .size();
        newest(&view, size, "a checkpoint kept elsewhere")?;
    }
    let lock = occupied(wanted, &view, &keys)?;
    let building = beside(dir, "restoring");
    remove_dir(&building)?;
    make_private_dir(&building)?;
    for file in &view.files {
        let to = building.join(&file.name);
        if let Some(above) = to.parent() {
            make_private_dir(above)?;
        }
        copy_file(&copy.join(&file.name), &to)?;
    }
    let log = building.join("log");
    make_private_dir(&log)?;
    log_copy::restore(from, &copy.join("log"), &log, &SystemDisk, progress)?;
    check_files(&building, &view)?;
    let mut set_aside = None;
    if lock.is_some() {
        let aside = beside(dir, &format!("before-{}", Clock::default().now()));
        fs::rename(dir, &aside).map_err(ServiceError::io("set the old vault aside"))?;
        set_aside = Some(aside);
    } else if dir.exists() {
        // Empty, or it would have been refused.
        fs::remove_dir(dir).map_err(ServiceError::io("replace the empty directory"))?;
    }
    fs::rename(&building, dir).map_err(ServiceError::io("put the vault in its place"))?;
    sync_dir(dir.parent())?;
    Ok(Restored {
        copy: view,
        set_aside,
    })
}

/// Judges what is in the directory already; its lock, when that is a vault which may be set aside.
fn occupied(wanted: &Restore, view: &BackupView, keys: &Keys) -> Result<Option<DirLock>> {
    let dir = &wanted.dir;
    let is_empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if !dir.exists() || is_empty() {
        return Ok(None);
    }
    let conflict = |text: String| Err(ServiceError::Conflict(text));
    if !dir.join("vault.db").exists() && !dir.join("log").exists() {
        return conflict(format!(
            "{} holds something that is no vault",
            dir.display()
        ));
    }
    let lock = DirLock::take(dir)?;
    let log = dir.join("log");
    // Keys that cannot be read, a reason to restore, may well be this log's.
    let other = read_keys(&log).is_ok_and(|there| there.first() != keys.first());
    if !other {
        newest(view, known_size(&log), "the log that is there")?;
    }
    if !wanted.replace {
        return conflict(format!(
            "{} holds a vault; it loses nothing by this copy and can be set aside with --replace",
            dir.display()
        ));
    }
    Ok(Some(lock))
}

/// How many entries a log's directory shows to have existed, however damaged it is.
fn known_size(log: &Path) -> u64 {
    let by_wal = inspect(log, 0).map_or(0, |found| found.durable);
    let text = fs::read_to_string(log.join("checkpoint")).unwrap_or_default();
    let by_checkpoint = text.lines().nth(1).and_then(|line| line.parse().ok());
    by_wal.max(by_checkpoint.unwrap_or(0))
}

fn newest(view: &BackupView, known: u64, holder: &str) -> Result<()> {
    if known <= view.entries {
        return Ok(());
    }
    Err(ServiceError::Conflict(format!(
        "{holder} knows {known} entries and this copy {}: {} entries would be lost, and witnesses would refuse the log from then on; find a newer copy, or begin a new log with another origin",
        view.entries,
        known - view.entries
    )))
}

/// The copy that counts, and what it says of itself.
///
/// # Errors
///
/// When there is none or it is of another layout.
pub fn current(from: &Path) -> Result<(PathBuf, BackupView)> {
    let name = fs::read_to_string(from.join(CURRENT)).map_err(|_| nothing(from, "backup"))?;
    let name = name.trim_end();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ServiceError::Damaged("name of the current backup"));
    }
    let copy = from.join(name);
    let manifest = fs::read(copy.join(MANIFEST)).map_err(ServiceError::io("read the backup"))?;
    let view: BackupView =
        serde_json::from_slice(&manifest).map_err(|_| ServiceError::Damaged("backup"))?;
    let inside = |file: &FileView| {
        let mut parts = file.name.components();
        parts.all(|part| matches!(part, std::path::Component::Normal(_)))
    };
    if view.format != FORMAT || !view.files.iter().all(inside) {
        return Err(ServiceError::Damaged("backup"));
    }
    Ok((copy, view))
}

fn nothing(dir: &Path, what: &str) -> ServiceError {
    ServiceError::Setup(format!("{} holds no {what}", dir.display()))
}

/// One backup at a time into a target: each removes the copies that do not count.
fn claim(to: &Path) -> Result<File> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(to.join("lock"));
    let file = file.map_err(ServiceError::io("open the lock of the backup"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ServiceError::InUse(to.to_owned())),
        Err(error) => Err(ServiceError::io("lock the backup")(error.into())),
    }
}

/// `DIR.what`, on the same file system.
fn beside(dir: &Path, what: &str) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn remove_others(to: &Path, name: &str) -> Result<()> {
    let failed = ServiceError::io("list the copies");
    for entry in fs::read_dir(to).map_err(failed)? {
        let entry = entry.map_err(ServiceError::io("list the copies"))?;
        let other = entry.file_name();
        let is_copy = other
            .to_str()
            .is_some_and(|text| text != name && text.bytes().all(|b| b.is_ascii_digit()));
        if is_copy {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_dir(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ServiceError::io("remove what is no longer needed")(error))
        }
        _ => Ok(()),
    }
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    make_private_dir(to)?;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_dir(&source, &target)?;
            continue;
        }
        match copy_file(&source, &target) {
            // A finished upload or an expired export was removed meanwhile.
            Err(ServiceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let failed = || ServiceError::io("copy a file");
    fs::copy(from, to).map_err(failed())?;
    let copied = File::open(to).and_then(|file| file.sync_all());
    copied.map_err(failed())
}

/// Every file below `dir`, by name.
fn list(dir: &Path) -> Result<Vec<FileView>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(ServiceError::io("list the copy"))? {
            let path = entry.map_err(ServiceError::io("list the copy"))?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let (bytes, sha256) = digest(&path)?;
            let name = path.strip_prefix(dir).unwrap_or(&path).to_owned();
            found.push(FileView {
                name,
                bytes,
                sha256,
            });
        }
        sync_dir(Some(&next))?;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn check_files(dir: &Path, view: &BackupView) -> Result<()> {
    for file in &view.files {
        if digest(&dir.join(&file.name))? != (file.bytes, file.sha256.clone()) {
            return Err(ServiceError::Damaged("file of a backup"));
        }
    }
    Ok(())
}

fn digest(path: &Path) -> Result<(u64, String)> {
    let failed = || ServiceError::io("read a file of the backup");
    let mut file = File::open(path).map_err(failed())?;
    let (mut sha, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(failed())?;
        if count == 0 {
            break;
        }
        sha.update(&buffer[..count]);
        bytes += count as u64;
    }
    let hash = sha.finalize();
    Ok((bytes, data_encoding::HEXLOWER.encode(&hash)))
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".tmp");
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(ServiceError::io("write the backup"))?;
    sync_dir(path.parent())
}

fn sync_dir(dir: Option<&Path>) -> Result<()> {
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty());
    let synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
    synced.map_err(ServiceError::io("make a directory durable"))
}
