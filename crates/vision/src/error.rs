//! What can go wrong while looking.

use std::path::PathBuf;

use crate::models::Job;

/// Why a picture could not be looked at. None of these holds what a picture shows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisionError {
    /// A model is needed and not there.
    #[error("the model for {job} is not in {}; `liuhen models install{}` fetches it", folder.display(), pack(*job))]
    NotInstalled {
        /// What it is needed for.
        job: Job,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file of weights is not the one that is stated.
    #[error(
        "{} is not the file stated for {job}: SHA-256 {found} instead of {expected}; remove it and run `liuhen models install`",
        path.display()
    )]
    Changed {
        /// What it is needed for.
        job: Job,
        /// The file.
        path: PathBuf,
        /// The sum stated in `models.toml`.
        expected: String,
        /// The sum of what lies there.
        found: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The runtime that was named cannot be used.
    #[error("{} cannot run networks: {why}; unset LIUHEN_ONNXRUNTIME to use the program's own", library.display())]
    Runtime {
        /// The library that was named.
        library: PathBuf,
        /// Why not.
        why: String,
    },
    /// A file of weights does not say what its format demands.
    #[error("weights cannot be read: {0}")]
    Weights(String),
    /// A network failed upon a picture.
    #[error("a network failed: {0}")]
    Network(String),
    /// A picture is too small, or pixels were asked for that it does not have.
    #[error(transparent)]
    Picture(#[from] liuhen_picture::PictureError),
}

/// What the verb is told besides.
const fn pack(job: Job) -> &'static str {
    match job {
        Job::Liveness => " --liveness",
        _ => "",
    }
}
