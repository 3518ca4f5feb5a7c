//! A witness's directory: which logs it knows, what it cosigned, what convicts.
//!
//! | path | what it is |
//! |---|---|
//! | `logs` | one verifier key a line, `#` before a remark; written by the operator |
//! | `checkpoints/<hash>` | the latest checkpoint cosigned, with the log's signature and ours |
//! | `evidence/<hash>.<hash of the text>.txt` | what convicts a log; the first [`MAX_EVIDENCE`] of each |
//! | `lock` | held by the one process that cosigns |
//!
//! A log's hash is the SHA-256 of its origin in lowercase hex, as in the
//! monitoring prefix of C2SP tlog-witness. An old copy of `checkpoints/` put
//! back makes the witness forget what it cosigned: it must not be restored.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use sha2::{Digest, Sha256};

use crate::{
    checkpoint::Checkpoint,
    cosignature::CosignerVerifier,
    disk::{Disk, write_durably},
    note::{NoteError, SignedNote, Verifier},
    witness::evidence::Evidence,
};

/// Most files of evidence kept for one log: a log that forks once may fork without end.
pub const MAX_EVIDENCE: usize = 16;
const LOGS: &str = "logs";
const CHECKPOINTS: &str = "checkpoints";
const EVIDENCE: &str = "evidence";

/// Why a witness cannot open its directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The system gave an error on a file of the witness.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done, as in "writing".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process holds the directory.
    #[error("another witness holds {}", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// A line of `logs` is no verifier key of a log.
    #[error("line {line} of {}", path.display())]
    BadLog {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong with the key.
        source: NoteError,
    },
    /// A checkpoint on disk is not one that this witness cosigned. Starting afresh would forget.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl WitnessError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// The latest checkpoint of a log that the witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Latest {
    pub(super) checkpoint: Checkpoint,
    /// With the log's signatures that were checked, and ours.
    pub(super) note: SignedNote,
    /// The time of our cosignature.
    pub(super) time: u64,
}

/// A directory that no other process holds.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    _lock: File,
}

impl Store {
    pub(super) fn open(dir: &Path, disk: Arc<dyn Disk>) -> Result<Self, WitnessError> {
        for dir in [dir, &dir.join(CHECKPOINTS), &dir.join(EVIDENCE)] {
            let made = disk.create_dirs(dir);
            made.map_err(WitnessError::io("making", dir))?;
        }
        let lock = lock(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            disk,
            _lock: lock,
        })
    }

    /// Makes durable what an earlier process may have left in the system's memory.
    pub(super) fn sync(&self) -> Result<(), WitnessError> {
        let synced = self.disk.sync_all(&self.dir);
        synced.map_err(WitnessError::io("syncing", &self.dir))
    }

    /// The keys in `logs`, in its order.
    pub(super) fn logs(&self) -> Result<Vec<Verifier>, WitnessError> {
        let path = self.dir.join(LOGS);
        let text = fs::read_to_string(&path).map_err(WitnessError::io("reading", &path))?;
        let mut keys = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |source| WitnessError::BadLog {
                path: path.clone(),
                line: at + 1,
                source,
            };
            keys.push(Verifier::parse(line).map_err(bad)?);
        }
        Ok(keys)
    }

    /// What was cosigned last, `None` for nothing; believed only with our own cosignature.
    pub(super) fn read(
        &self,
        origin: &str,
        by: &CosignerVerifier,
    ) -> Result<Option<Latest>, WitnessError> {
        let path = self.checkpoint_path(origin);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WitnessError::io("reading", &path)(error)),
        };
        let damaged = |what| WitnessError::Damaged { path, what };
        match parse_latest(&bytes, origin, by) {
            Ok(latest) => Ok(Some(latest)),
            Err(what) => Err(damaged(what)),
        }
    }

    /// Makes `latest` durable. After an error it is unknown whether it is.
    pub(super) fn write(&self, latest: &Latest) -> io::Result<()> {
        let path = self.checkpoint_path(&latest.checkpoint.origin);
        write_durably(&*self.disk, &path, latest.note.to_string().as_bytes())
    }

    fn checkpoint_path(&self, origin: &str) -> PathBuf {
        self.dir.join(CHECKPOINTS).join(hex_sha256(origin))
    }

    /// Keeps evidence unless it is kept already or enough is; tells the new file.
    ///
    /// To be called by one thread at a time for one log.
    pub(super) fn keep(&self, evidence: &Evidence) -> io::Result<Option<PathBuf>> {
        let text = evidence.to_string();
        let log = hex_sha256(&evidence.claim().origin);
        let name = format!("{log}.{}.txt", hex_sha256(&text));
        let kept = self.evidence()?;
        let of_log = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&log))
        };
        let path = self.dir.join(EVIDENCE).join(name);
        if kept.contains(&path) || kept.iter().filter(of_log).count() >= MAX_EVIDENCE {
            return Ok(None);
        }
        write_durably(&*self.disk, &path, text.as_bytes())?;
        Ok(Some(path))
    }

    /// The files of evidence, whole ones only, by name.
    pub(super) fn evidence(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.dir.join(EVIDENCE))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "txt") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

fn parse_latest(bytes: &[u8], origin: &str, by: &CosignerVerifier) -> Result<Latest, &'static str> {
    let note = SignedNote::parse(bytes).map_err(|_| "it is no signed note")?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|_| "it is no checkpoint")?;
    if checkpoint.origin != origin {
        return Err("it is of another log");
    }
    match by.verify(&note) {
        Ok(Some(time)) => Ok(Latest {
            checkpoint,
            note,
            time,
        }),
        Ok(None) => Err("this witness's key did not cosign it"),
        Err(_) => Err("its cosignature does not verify"),
    }
}

fn lock(dir: &Path) -> Result<File, WitnessError> {
    let path = dir.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(WitnessError::io("opening", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(WitnessError::Locked { dir: dir.into() }),
        Err(error) => Err(WitnessError::io("locking", &path)(error.into())),
    }
}

/// SHA-256 in lowercase hex: a log's name in paths, made from its origin.
pub(super) fn hex_sha256(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
