//! Why something could not be done to a case.

use std::io;
use std::path::{Path, PathBuf};

use liuhen_tlog::{LogError, NoteError};

use super::StampError;

/// Why something could not be done to a case; what is wrong in one is a [`Fault`](super::Fault).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// A case or a key is only made where there is nothing.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// There is no case.
    #[error("{} is no case: `case new` makes one, and --case names one", .0.display())]
    None(PathBuf),
    /// Whoever gets the folder would get the key.
    #[error("the key must lie outside of the case folder")]
    KeyInside,
    /// The key is not the one that this case was opened with.
    #[error("the key is another case's")]
    OtherKey,
    /// The file given as a key is none.
    #[error("the key file holds no case key")]
    NoKey,
    /// The case lies in what is to be added, or the other way round.
    #[error("{} and the case lie within each other", .0.display())]
    Within(PathBuf),
    /// A newer program made it.
    #[error("the case has layout {0}, which this program does not know")]
    Version(u32),
    /// A file of the case is not as it was written; `verify` tells more.
    #[error("{} is damaged: verify the case", .0.display())]
    Damaged(PathBuf),
    /// A remark does not fit an entry.
    #[error("the entry is too long: shorten the note")]
    TooLong,
    /// What is to be added has a sort that cannot be copied.
    #[error("{} is neither a file nor a folder", .0.display())]
    NoFile(PathBuf),
    /// An entry dated before the one before it would make the case unsound for ever.
    #[error(
        "the clock says {now}, and the last act was at {last}: set it right; nothing was written"
    )]
    Clock {
        /// As it would have been written.
        now: String,
        /// Of the last entry.
        last: String,
    },
    /// The caller stopped it.
    #[error("stopped; nothing was added")]
    Stopped,
    /// The system has no random numbers to give.
    #[error("the system gives no random numbers")]
    Random,
    /// A time stamp cannot be taken.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The custody log.
    #[error("custody log: {0}")]
    Log(#[from] LogError),
    /// A key, or what it signed.
    #[error("key or signature: {0}")]
    Note(#[from] NoteError),
    /// The system.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl CaseError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
