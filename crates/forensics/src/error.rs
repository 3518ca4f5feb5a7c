//! Why a count failed.

use std::path::PathBuf;

/// Why a count failed; what goes wrong with one exhibit is a note of the count and no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CountError {
    /// The work directory could not be written or read.
    #[error("work directory {path}: {cause}")]
    Work {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The work directory belongs to another count: other files, options, rules or version.
    #[error(
        "the work directory holds another count; give an empty one, or the same files and options"
    )]
    OtherCount,
    /// Another count is at work in the directory.
    #[error("another count is at work in the work directory; wait for it, or give another one")]
    InUse,
    /// This program failed on rows; what it had of them is not known.
    #[error(
        "this program failed while judging rows, so that nothing was counted; please report it"
    )]
    Fault,
    /// A file of the work directory is not as it was written.
    #[error("the work directory is damaged: {0}; empty it and count again")]
    Damaged(PathBuf),
    /// More files, or sheets of a file, than a place can name.
    #[error("more than {0} files")]
    TooMany(usize),
    /// The rule pack is not one.
    #[error("rule pack: {0}")]
    Rules(#[from] toml::de::Error),
    /// What another process counted is not as it was given away.
    #[error("a part of the count that was made elsewhere cannot be read")]
    Partial,
    /// Something asked the count to stop.
    #[error("stopped")]
    Stopped,
    /// The ledger could not be written.
    #[error("writing the ledger: {0}")]
    Ledger(std::io::Error),
}

impl CountError {
    /// For `map_err` on a path.
    pub(crate) fn work(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Work { path, cause }
    }
}
