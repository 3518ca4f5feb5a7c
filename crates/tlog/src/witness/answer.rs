//! What a witness answers, as status, content type and body of HTTP.
//!
//! Rule: C2SP tlog-witness. Sending it belongs to whoever speaks HTTP.

use crate::{
    note::{NoteError, Signature},
    proof::ProofError,
    witness::RequestError,
};

/// Why a checkpoint of a known log is not one that the log may have grown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistency {
    /// A tree of no entries has one root only.
    #[error("a tree of no entries has another root")]
    EmptyRoot,
    /// Every tree extends the empty one, without proof.
    #[error("growth from nothing takes no proof")]
    ProofFromNothing,
    /// The same size was cosigned with another root.
    #[error("another root of this size was cosigned")]
    OtherRoot,
    /// The consistency proof does not lead from the root cosigned to the one offered.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A witness's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// 200: cosigned, and durably known as the latest.
    Cosigned(Vec<Signature>),
    /// 200: the latest checkpoint, a signed note.
    Checkpoint(String),
    /// 400: no such request can be judged.
    BadRequest(RequestError),
    /// 403: no key of the log signed, or a signature that names one does not verify.
    Forbidden(NoteError),
    /// 404: the witness does not know the log, or never cosigned it.
    NotFound,
    /// 409: the witness cosigned another size last.
    Conflict {
        /// That size.
        size: u64,
    },
    /// 422: not a tree that grew from the one cosigned last.
    Unprocessable(Inconsistency),
    /// 500: the witness could not make durable, or read, what it cosigned. Nothing was cosigned.
    Unavailable,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) | Self::Checkpoint(_) => 200,
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::Conflict { .. } => 409,
            Self::Unprocessable(_) => 422,
            Self::Unavailable => 500,
        }
    }

    /// The `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body; for refusals without a body in the specification, a line for people.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
            Self::Checkpoint(note) => note.clone(),
            Self::BadRequest(error) => format!("{error}\n"),
            Self::Forbidden(error) => format!("{error}\n"),
            Self::NotFound => "unknown log\n".to_owned(),
            Self::Conflict { size } => format!("{size}\n"),
            Self::Unprocessable(error) => format!("{error}\n"),
            Self::Unavailable => "the witness cannot store checkpoints\n".to_owned(),
        }
    }
}
