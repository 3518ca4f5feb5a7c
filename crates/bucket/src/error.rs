//! Why a log could not be published, and why a target could not be opened.
//!
//! No message holds a credential.

use std::sync::Arc;

use liuhen_tlog::{LogError, NoteError, SignedCheckpoint, tile::TileId};

/// Why a log was not published. What readers find is complete all the same.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The log's own directory cannot be read, or its checkpoint is not signed by its keys.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A tile of the log's directory does not lead to its signed root. Nothing of it was uploaded.
    #[error("{tile} of the log does not lead to the signed root; see `liuhen log check`")]
    Damaged {
        /// The tile or bundle.
        tile: TileId,
    },
    /// The tiles of the log's directory do not give the root its checkpoint states.
    #[error("the tiles of the log do not give its signed root: {what}; see `liuhen log check`")]
    Unsound {
        /// What was found.
        what: String,
    },
    /// The store gave an error, after it was asked several times where that may help.
    #[error("{doing} {path} in the store")]
    Store {
        /// What was being done, as in "writing".
        doing: &'static str,
        /// The object, below the prefix.
        path: String,
        /// The store's error.
        source: Arc<object_store::Error>,
    },
    /// Another log lives there.
    #[error("the target holds another log: its key is {found}, this log's is {ours}")]
    OtherLog {
        /// The key found there, or what stands in its place.
        found: String,
        /// The first key of this log.
        ours: String,
    },
    /// The statements about changes of keys there and here do not go on from each other.
    #[error("the statements about changes of the key differ between the target and this log")]
    OtherKeys,
    /// The checkpoint there is not signed by this log, as far as this copy knows its keys.
    #[error("the published checkpoint is not this log's: {source}\npublished:\n{note}")]
    NotOurs {
        /// What stands there.
        note: String,
        /// Why it was refused.
        source: NoteError,
    },
    /// The checkpoint there is larger: this is an old copy of the log. Nothing was replaced.
    #[error(
        "the published checkpoint is ahead of this log, which is an old copy of it or was rolled back\npublished:\n{published}\nlocal:\n{local}"
    )]
    Ahead {
        /// The checkpoint found in the store.
        published: Box<SignedCheckpoint>,
        /// The log's own.
        local: Box<SignedCheckpoint>,
    },
    /// This log did not grow from the tree published: two histories bear its signature. Nothing was replaced.
    #[error(
        "this log did not grow from what was published: the log has forked; keep both notes, they are evidence\npublished:\n{published}\nlocal:\n{local}"
    )]
    Contradicts {
        /// The checkpoint found in the store.
        published: Box<SignedCheckpoint>,
        /// The log's own.
        local: Box<SignedCheckpoint>,
    },
    /// Another publisher replaced the checkpoint again and again meanwhile.
    #[error("another publisher keeps replacing the checkpoint")]
    Contended,
    /// A task of the runtime was stopped.
    #[error("stopped")]
    Stopped,
}

impl PublishError {
    pub(crate) fn store(
        doing: &'static str,
        path: &str,
    ) -> impl FnOnce(object_store::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Store {
            doing,
            path,
            source: Arc::new(error),
        }
    }

    /// Whether the same may succeed later without anyone doing anything: the store could not be reached, say.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        use object_store::Error as E;
        match self {
            Self::Contended => true,
            Self::Store { source, .. } => !matches!(
                **source,
                E::PermissionDenied { .. }
                    | E::Unauthenticated { .. }
                    | E::NotSupported { .. }
                    | E::NotImplemented { .. }
                    | E::InvalidPath { .. }
                    | E::UnknownConfigurationKey { .. }
            ),
            _ => false,
        }
    }
}

/// Why a target cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Neither `s3://bucket/prefix` nor `file:///path`.
    #[error("a target is s3://bucket/prefix or file:///path")]
    Form,
    /// The environment lacks something.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// No TLS is built in.
    #[error(
        "the endpoint must begin with http://: no TLS is built in, so give a store within the house or a local TLS forwarder"
    )]
    NotPlain,
    /// No pair of keys in the environment or the credentials file.
    #[error(
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file in AWS_SHARED_CREDENTIALS_FILE"
    )]
    NoCredentials,
    /// The credentials file cannot be read.
    #[error("reading the credentials file {path}")]
    Credentials {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A value of the environment is not among those possible.
    #[error("{0} has a value that is not understood")]
    Value(&'static str),
    /// Another publisher of this machine writes there.
    #[error("another publisher holds {0}")]
    Held(String),
    /// The directory cannot be made or opened.
    #[error("opening {path}")]
    Directory {
        /// The directory.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The store refused its settings.
    #[error("the store's settings are refused")]
    Store(#[source] object_store::Error),
}
