//! Why a use-case could not be carried out.
//!
//! One enum for every skin: `code` is stable and goes to clients, the message is for the person who will act on it, and neither ever carries personal information.
//! How a code becomes an HTTP status or an exit code is the skins' business.

use std::path::PathBuf;

use crate::faces::FaceDoubt;

/// Why a use-case could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The caller may not do this.
    #[error("{caller} may not {what}; it needs the role {role}")]
    Forbidden {
        /// Who asked.
        caller: String,
        /// What was asked, in words.
        what: &'static str,
        /// The role that would have been enough.
        role: &'static str,
    },
    /// No valid session, key, password or code.
    #[error("not signed in: {0}")]
    Unauthenticated(&'static str),
    /// Too many failed attempts.
    #[error("too many failed attempts; try again in {seconds} s")]
    Throttled {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// Something named does not exist (or is not the caller's to see).
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The request cannot be carried out as it stands.
    #[error("{0}")]
    Invalid(String),
    /// A picture of a face does not do.
    #[error("could not tell: {}", .0.words())]
    CouldNotTell(FaceDoubt),
    /// The networks that look at pictures are not installed, or fail.
    #[error("pictures cannot be looked at: {0}")]
    NoModels(#[from] liuhen_vision::VisionError),
    /// Something changed meanwhile, or is in another state than the request needs.
    #[error("{0}")]
    Conflict(String),
    /// Another process holds the data directory.
    #[error(
        "{0} is in use by another liuhen process; stop it first, or give another directory with --dir"
    )]
    InUse(PathBuf),
    /// The data directory cannot be opened as it is.
    #[error("{0}")]
    Setup(String),
    /// The policy text does not parse or does not fit the schema.
    #[error("policy: {0}")]
    Policy(String),
    /// A file could not be read as a table.
    #[error("cannot read the file: {0}")]
    Reading(#[from] liuhen_reading::ReadError),
    /// The trace could not be made durable: nothing was released.
    #[error("the trace cannot be written, so nothing is released: {0}")]
    Trace(#[from] liuhen_tlog::LogError),
    /// The vault failed.
    #[error("vault: {0}")]
    Vault(#[from] liuhen_vault::VaultError),
    /// The trace was written, but did not come as far in time as the purpose demands; nothing was released.
    #[error(
        "the trace is durable, but the witnesses the purpose demands have not cosigned it in time; nothing was released, ask again later"
    )]
    NotWitnessed,
    /// No map root lies under a checkpoint yet.
    #[error("the private map is not under a checkpoint yet; ask again in some seconds")]
    NotReady,
    /// The private map could not be kept.
    #[error("private map: {0}")]
    Map(#[from] liuhen_tlog::map::MapError),
    /// The root key could not be opened or made.
    #[error("root key: {0}")]
    Root(#[from] liuhen_vault::RootError),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] liuhen_vault::store::StoreError),
    /// The file system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// A stored value is not what this version wrote.
    #[error("stored {0} is damaged")]
    Damaged(&'static str),
}

impl ServiceError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Throttled { .. } => "throttled",
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::CouldNotTell(_) => "could_not_tell",
            Self::NoModels(_) => "models_missing",
            Self::Conflict(_) => "conflict",
            Self::InUse(_) => "in_use",
            Self::Setup(_) | Self::Root(_) => "setup",
            Self::Policy(_) => "policy_invalid",
            Self::Reading(_) => "unreadable_file",
            Self::Trace(_) => "trace_unavailable",
            Self::Map(_) => "map_failed",
            Self::NotWitnessed => "not_witnessed",
            Self::NotReady => "not_ready",
            Self::Vault(_) | Self::Store(_) => "store_failed",
            Self::Io { .. } => "io_failed",
            Self::Damaged(_) => "damaged",
        }
    }

    /// Adds what was being done to an I/O failure.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// The result of a use-case.
pub type Result<T> = std::result::Result<T, ServiceError>;
