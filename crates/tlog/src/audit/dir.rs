//! Checking the tree of a log in a directory, offline or while a server writes it.
//!
//! An audit without the map and without a state: entries may be anything.
//! Reads only what the published checkpoint vouches for; the write-ahead log
//! is judged on opening.

use std::{ops::ControlFlow, path::Path, sync::Arc};

use super::{Audit, AuditError, DirSource, Fault, Progress, Settings, Source, SourceError};
use crate::{
    checkpoint::SignedCheckpoint,
    error::LogError,
    note::Verifier,
    recover::read_checkpoint,
    rotation::{Keys, read_keys},
};

/// The outcome of a check.
#[derive(Debug, Clone)]
pub struct DirReport {
    /// The checkpoint checked against; its signature is good.
    pub checkpoint: SignedCheckpoint,
    /// Entries whose hashes lead to the signed root when there are no faults.
    pub entries: u64,
    /// The first [`MOST_FAULTS`](super::MOST_FAULTS) faults, in the order of the entries.
    pub faults: Vec<Fault>,
    /// All faults.
    pub fault_count: u64,
}

impl DirReport {
    /// Whether everything was as signed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Checks the log in `dir` against its published checkpoint.
///
/// `log` is the key to trust. Without it the `vkey` file in `dir` is used,
/// which shows damage but not a log that was replaced whole, key included.
/// `progress` is called after every 256 entries.
///
/// Faults in tiles and entries are listed in the report and do not stop the check.
///
/// # Errors
///
/// [`LogError::Note`] when the checkpoint is malformed or not signed by the
/// key; [`LogError::Io`] when checkpoint or key cannot be read.
pub fn verify_dir(
    dir: &Path,
    log: Option<&Verifier>,
    progress: impl FnMut(Progress),
) -> Result<DirReport, LogError> {
    let keys = read_keys(dir)?;
    let keys = match log {
        Some(trusted) => keys.since(trusted),
        None => keys,
    };
    // First, for an error that names the file.
    read_checkpoint(dir, keys.first())?;
    check(dir, &DirSource::new(dir), &keys, progress)
}

/// Checks the tiles below `dir` against a checkpoint kept elsewhere, which one of `keys` signed.
pub(crate) fn verify_tiles(
    dir: &Path,
    checkpoint: &SignedCheckpoint,
    keys: &Keys,
) -> Result<DirReport, LogError> {
    let source = Elsewhere {
        tiles: DirSource::new(dir),
        checkpoint: checkpoint.to_string(),
    };
    check(dir, &source, keys, |_| {})
}

/// A directory's tiles under a checkpoint that is not in it.
struct Elsewhere {
    tiles: DirSource,
    checkpoint: String,
}

impl Source for Elsewhere {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        match path {
            "checkpoint" => Ok(Some(self.checkpoint.clone().into_bytes())),
            tile => self.tiles.get(tile),
        }
    }
}

fn check(
    dir: &Path,
    source: &dyn Source,
    keys: &Keys,
    mut progress: impl FnMut(Progress),
) -> Result<DirReport, LogError> {
    let audit = Audit {
        source,
        log: keys,
        earlier: Vec::new(),
        state: None,
        settings: Settings {
            map: false,
            ..Settings::default()
        },
    };
    let report = audit.run(&mut |step| {
        progress(step);
        ControlFlow::Continue(())
    });
    let report = report.map_err(|error| log_error(error, dir))?;
    Ok(DirReport {
        checkpoint: report.checkpoint,
        entries: report.entries,
        faults: report.faults,
        fault_count: report.fault_count,
    })
}

/// What a directory without a state can fail with.
fn log_error(error: AuditError, dir: &Path) -> LogError {
    match error {
        AuditError::Note(error) => error.into(),
        other => LogError::Io {
            doing: "reading",
            path: dir.join("checkpoint"),
            source: Arc::new(std::io::Error::other(other)),
        },
    }
}
