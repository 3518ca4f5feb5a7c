//! The work directory: what a count has finished, so that a killed one goes on.
//!
//! | file | what it is |
//! |---|---|
//! | `lock` | held by the count under way |
//! | `plan.json` | what is being counted, and the key of the hashes |
//! | `unit-N.spill`, `unit-N.json` | an exhibit's records; its counts, written when it is done |
//! | `part-N.json`, `part-N.lines` | a partition's sums and lines, written when it is done |
//! | `part-N.shared` | places of those who are met in several files |
//!
//! A file of JSON appears whole or not at all. Nothing is synced: a count survives the death of
//! the process, and after a loss of power is begun anew. The directory holds keyed hashes beside
//! their key: guard it as the exhibits themselves, and let the count empty it.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::acts::Acts;
use crate::age::Day;
use crate::error::CountError;
use crate::hash::HashKey;
use crate::ports::Unit;
use crate::unit::UnitDone;

/// What makes two counts the same, so that one may go on where the other ended.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) version: String,
    pub(crate) rules: String,
    pub(crate) kinds: String,
    pub(crate) date: Day,
    pub(crate) units: Vec<Unit>,
    pub(crate) acts: Acts,
    pub(crate) lines: bool,
    pub(crate) reading: String,
}

#[derive(Serialize, Deserialize)]
struct PlanFile {
    identity: Identity,
    key: [u8; 16],
}

/// A work directory in use.
pub(crate) struct Work {
    dir: PathBuf,
    /// Held for as long as the count goes.
    _lock: File,
    units: usize,
    pub(crate) key: HashKey,
}

impl Work {
    /// Takes a directory: an empty one, or one where the same count was begun.
    pub(crate) fn open(dir: &Path, identity: Identity, fresh: HashKey) -> Result<Self, CountError> {
        fs::create_dir_all(dir).map_err(CountError::work(dir))?;
        if !dir.join(PLAN).exists() && !is_empty(dir)? {
            return Err(CountError::OtherCount);
        }
        let lock = lock(dir)?;
        let units = identity.units.len();
        let path = dir.join(PLAN);
        let key = match load::<PlanFile>(&path)? {
            Some(plan) if plan.identity == identity => HashKey(plan.key),
            Some(_) => return Err(CountError::OtherCount),
            None => {
                store(
                    &path,
                    &PlanFile {
                        identity,
                        key: fresh.0,
                    },
                )?;
                fresh
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            _lock: lock,
            units,
            key,
        })
    }

    pub(crate) fn spill(&self, unit: usize) -> PathBuf {
        self.dir.join(format!("unit-{unit}.spill"))
    }

    pub(crate) fn lines(&self, part: usize) -> PathBuf {
        self.dir.join(format!("part-{part}.lines"))
    }

    pub(crate) fn shared(&self, part: usize) -> PathBuf {
        self.dir.join(format!("part-{part}.shared"))
    }

    /// An exhibit that was finished, its records still there.
    pub(crate) fn unit(&self, unit: usize) -> Result<Option<UnitDone>, CountError> {
        let done: Option<UnitDone> = load(&self.dir.join(format!("unit-{unit}.json")))?;
        let whole = |done: &UnitDone| {
            let length = fs::metadata(self.spill(unit)).map(|meta| meta.len());
            length.is_ok_and(|length| length == done.spilled)
        };
        Ok(done.filter(whole))
    }

    pub(crate) fn unit_done(&self, unit: usize, done: &UnitDone) -> Result<(), CountError> {
        store(&self.dir.join(format!("unit-{unit}.json")), done)
    }

    pub(crate) fn part<T: DeserializeOwned>(&self, part: usize) -> Result<Option<T>, CountError> {
        load(&self.dir.join(format!("part-{part}.json")))
    }

    pub(crate) fn part_done<T: Serialize>(&self, part: usize, done: &T) -> Result<(), CountError> {
        store(&self.dir.join(format!("part-{part}.json")), done)
    }

    /// Removes everything of ours; the directory itself stays.
    pub(crate) fn empty(&self, parts: usize) -> Result<(), CountError> {
        let units = (0..self.units)
            .flat_map(|unit| [self.spill(unit), self.dir.join(format!("unit-{unit}.json"))]);
        let parts = (0..parts).flat_map(|part| {
            let sums = self.dir.join(format!("part-{part}.json"));
            [self.lines(part), self.shared(part), sums]
        });
        // The plan goes late: until then the rest is known to be ours.
        let last = [self.dir.join(PLAN), self.dir.join(LOCK)];
        for path in units.chain(parts).chain(last) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(CountError::work(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The name of the file that says what is counted.
const PLAN: &str = "plan.json";
/// The name of the file that a count under way holds.
const LOCK: &str = "lock";

/// Takes the directory for one count; the system gives it back when the count ends, however it does.
fn lock(dir: &Path) -> Result<File, CountError> {
    let path = dir.join(LOCK);
    let file = create(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CountError::InUse),
        Err(TryLockError::Error(error)) => Err(CountError::work(&path)(error)),
    }
}

/// Whether nothing but leavings of an interrupted beginning is there.
fn is_empty(dir: &Path) -> Result<bool, CountError> {
    let mut entries = fs::read_dir(dir).map_err(CountError::work(dir))?;
    let ours = |name: &OsStr| name == "plan.part" || name == LOCK;
    Ok(entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.file_name()))))
}

fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CountError> {
    match fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(CountError::Damaged(path.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CountError::work(path)(error)),
    }
}

/// Begins a file of the work directory anew; it is its owner's alone.
pub(crate) fn create(path: &Path) -> Result<File, CountError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path).map_err(CountError::work(path))
}

/// Writes a whole file of the work directory.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), CountError> {
    create(path)?
        .write_all(bytes)
        .map_err(CountError::work(path))
}

fn store<T: Serialize>(path: &Path, value: &T) -> Result<(), CountError> {
    let part = path.with_extension("part");
    let bytes = serde_json::to_vec(value).map_err(|error| CountError::work(path)(error.into()))?;
    write(&part, &bytes)?;
    fs::rename(&part, path).map_err(CountError::work(path))
}
