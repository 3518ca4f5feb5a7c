//! Why the log refused or failed. Refused notes and proofs have their own
//! enums in `note` and `proof`, since their readers may hold no log at all.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{note::NoteError, proof::ProofError};

/// Why the log could not do what was asked.
///
/// Cloned to every append that one failed write takes with it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The system gave an error on a file of the log.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done, as in "writing".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: Arc<io::Error>,
    },
    /// Another process holds the log open.
    #[error("another process holds the log in {}", dir.display())]
    Locked {
        /// The log's directory.
        dir: PathBuf,
    },
    /// An earlier write failed; nothing is appended until the log is opened anew.
    #[error("the log takes no more entries since a write failed: {reason}")]
    Poisoned {
        /// The failure.
        reason: Arc<str>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// An entry bundle gives each leaf a length of 16 bits (C2SP tlog-tiles).
    #[error("a leaf of {length} bytes is longer than 65535")]
    LeafTooLong {
        /// Bytes given.
        length: usize,
    },
    /// A sidecar note longer than [`crate::MAX_SIDECAR`].
    #[error("a sidecar note of {length} bytes is too long")]
    SidecarTooLong {
        /// Bytes given.
        length: usize,
    },
    /// More bytes wait for the disk than [`crate::Options::max_pending_bytes`].
    #[error("{waiting} bytes already wait for the disk")]
    Overloaded {
        /// Bytes waiting.
        waiting: usize,
    },
    /// There is a log here already.
    #[error("{} holds a log already", dir.display())]
    Exists {
        /// The directory.
        dir: PathBuf,
    },
    /// The key given is not the log's.
    #[error("the key is not the one of log {origin}")]
    OtherKey {
        /// The log's origin.
        origin: String,
    },
    /// The system gave no random numbers.
    #[error("no random numbers from the system")]
    Random,
    /// A file breaks its format. Nothing was changed.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Acknowledged bytes of the write-ahead log are damaged. Nothing was cut.
    #[error("write-ahead segment {} is damaged at byte {offset}: {what}", path.display())]
    WalDamaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The write-ahead log does not join up.
    #[error("the write-ahead log goes on at {found} where {expected} was due")]
    WalGap {
        /// Index due.
        expected: u64,
        /// Index found.
        found: u64,
    },
    /// Entries that were durable are gone: an old copy was put back, or files were removed.
    #[error("the log ends at {end}, but {holder} knows it up to {known}")]
    RolledBack {
        /// Entries found.
        end: u64,
        /// Entries known of.
        known: u64,
        /// Who knows: "the checkpoint" or "the consumer".
        holder: &'static str,
    },
    /// The consumer lost acknowledgements: records it has not taken are gone from the write-ahead log.
    #[error(
        "the consumer acknowledged up to {acknowledged}, but the write-ahead log begins at {begins}"
    )]
    ConsumerBehind {
        /// What the consumer says.
        acknowledged: u64,
        /// First record still held.
        begins: u64,
    },
    /// The tiles do not give the root that was signed.
    #[error("the tiles of {size} entries do not give the signed root")]
    RootMismatch {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The write-ahead log and the tiles hold different entries.
    #[error("entry {index} differs between the write-ahead log and the tiles")]
    WalDiffers {
        /// The entry.
        index: u64,
    },
    /// Neither a bundle nor the write-ahead log holds these entries. Nothing was put in place.
    #[error(
        "{count} entries are in no bundle and not in the write-ahead log, the first of them {first}"
    )]
    EntriesMissing {
        /// The first of them.
        first: u64,
        /// How many.
        count: u64,
    },
    /// A copy is not what its checkpoint says: the source is damaged, or the target does not keep what is written.
    #[error("the copy is not as signed: {what}")]
    Copy {
        /// The first fault.
        what: String,
    },
    /// Nothing of that index or size is there, or not yet under a checkpoint.
    #[error("{asked} is outside the {size} entries there are")]
    OutOfRange {
        /// Index or size asked for.
        asked: u64,
        /// Entries there are.
        size: u64,
    },
    /// A note, checkpoint, receipt or key was refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A proof was refused.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl LogError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io {
            doing,
            path,
            source: Arc::new(error),
        }
    }

    pub(crate) fn damaged(path: &Path, what: &'static str) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what,
        }
    }

    /// The error and what caused it, in one line.
    pub(crate) fn chain(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }
}
