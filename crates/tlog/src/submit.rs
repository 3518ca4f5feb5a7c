//! A log asks witnesses to cosign its checkpoint.
//!
//! Rule: C2SP tlog-witness, the client's side. Each witness is asked on its own
//! ([`Submission::ask`]), so that the caller may give each a thread and a slow
//! one delays nobody; [`merge`] then gathers the lines. Carrying bytes over HTTP
//! is a [`Courier`]'s; how many cosignatures suffice is for `policy` to say.

use std::fmt;

use crate::{
    checkpoint::{SignedCheckpoint, parse_decimal},
    hash::Hash,
    note::{NoteError, Signature},
    policy::PolicyWitness,
    witness::{AddCheckpoint, RequestError},
};

/// Longest answer we read, in bytes; a post-quantum cosignature is below 4 kB.
pub const MAX_REPLY_BYTES: usize = 64 << 10;
const SIZE_TYPE: &str = "text/x.tlog.size";

/// Why a witness could not be reached. Says nothing of its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CourierError(pub String);

/// An answer over HTTP, of whatever status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The `Content-Type`, empty when there was none.
    pub content_type: String,
    /// The body; a courier need not read more than [`MAX_REPLY_BYTES`] and one.
    pub body: Vec<u8>,
}

/// Carries a request to a witness.
pub trait Courier {
    /// Sends `body` by HTTP POST, without following redirects, within a time of its own choosing.
    ///
    /// # Errors
    ///
    /// [`CourierError`] when no whole answer came back; any status is an answer.
    fn post(&self, url: &str, body: &[u8]) -> Result<Reply, CourierError>;
}

/// What became of one witness's asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// It cosigned.
    Cosigned {
        /// Its line, checked.
        signature: Signature,
        /// When, by its own clock: seconds since 1970.
        time: u64,
    },
    /// It answered with another status than 200, or 409 twice.
    Refused {
        /// The status.
        status: u16,
    },
    /// It cosigned a larger tree than this: another submission went before, or the log went back.
    Ahead {
        /// The size it cosigned.
        size: u64,
    },
    /// It answered 200, but not with a cosignature of its key that verifies.
    BadSignature(NoteError),
    /// Its answer breaks C2SP tlog-witness.
    BadReply,
    /// No answer.
    Unreachable(CourierError),
    /// The log could not prove its growth from the size the witness knows.
    NoProof(String),
    /// The policy gives no address of it.
    NoAddress,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosigned { time, .. } => write!(f, "cosigned at {time}"),
            Self::Refused { status } => write!(f, "refused with status {status}"),
            Self::Ahead { size } => write!(f, "already cosigned a tree of {size} entries"),
            Self::BadSignature(error) => write!(f, "gave no good cosignature: {error}"),
            Self::BadReply => write!(f, "gave an answer that cannot be read"),
            Self::Unreachable(error) => write!(f, "unreachable: {error}"),
            Self::NoProof(error) => write!(f, "not asked, for lack of a proof: {error}"),
            Self::NoAddress => write!(f, "not asked, for lack of an address"),
        }
    }
}

/// One witness's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The witness's name within the policy.
    pub witness: String,
    /// What became of it.
    pub asked: Asked,
    /// Size it is now known to have cosigned last, to be remembered for the next submission.
    pub known: u64,
    /// Text of the checkpoint it was asked to cosign.
    text: String,
}

/// One checkpoint to be cosigned. `prove(old, new)` gives a consistency proof, as [`crate::Log::consistency`] does.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a, P> {
    /// The checkpoint, signed by the log.
    pub checkpoint: &'a SignedCheckpoint,
    /// Proves growth.
    pub prove: P,
}

impl<P, E> Submission<'_, P>
where
    P: Fn(u64, u64) -> Result<Vec<Hash>, E>,
    E: fmt::Display,
{
    /// Asks one witness, thought to have cosigned `known` entries last (zero if nothing is known).
    ///
    /// When it tells another size it is asked once more from there.
    pub fn ask(&self, courier: &dyn Courier, witness: &PolicyWitness, known: u64) -> Outcome {
        let mut known = known;
        let asked = self.ask_twice(courier, witness, &mut known);
        Outcome {
            witness: witness.name.clone(),
            asked: asked.unwrap_or_else(|failed| failed),
            known,
            text: self.checkpoint.note().text().to_owned(),
        }
    }

    fn ask_twice(
        &self,
        courier: &dyn Courier,
        witness: &PolicyWitness,
        known: &mut u64,
    ) -> Result<Asked, Asked> {
        let prefix = witness.url.as_deref().ok_or(Asked::NoAddress)?;
        let url = format!("{}/add-checkpoint", prefix.trim_end_matches('/'));
        // A size remembered wrongly must not keep us from asking.
        let first = (*known).min(self.checkpoint.size());
        let mut reply = self.post(courier, &url, first)?;
        if reply.status == 409 {
            *known = read_size(&reply).ok_or(Asked::BadReply)?;
            if *known > self.checkpoint.size() {
                return Err(Asked::Ahead { size: *known });
            }
            reply = self.post(courier, &url, *known)?;
        }
        if reply.status != 200 {
            return Err(Asked::Refused {
                status: reply.status,
            });
        }
        let (signature, time) = self.read_cosignature(&reply, witness)?;
        *known = self.checkpoint.size();
        Ok(Asked::Cosigned { signature, time })
    }

    fn post(&self, courier: &dyn Courier, url: &str, old: u64) -> Result<Reply, Asked> {
        let new = self.checkpoint.size();
        let proof = match old {
            // From nothing and to itself there is nothing to prove.
            0 => Vec::new(),
            old if old == new => Vec::new(),
            old => (self.prove)(old, new).map_err(|error| Asked::NoProof(error.to_string()))?,
        };
        let request = AddCheckpoint::new(old, proof, self.checkpoint.note().clone());
        let request = request.map_err(|error: RequestError| Asked::NoProof(error.to_string()))?;
        let reply = courier.post(url, request.to_string().as_bytes());
        let reply = reply.map_err(Asked::Unreachable)?;
        if reply.body.len() > MAX_REPLY_BYTES {
            return Err(Asked::BadReply);
        }
        Ok(reply)
    }

    /// Finds the witness's own line among those answered; others are ignored, as the rule demands.
    fn read_cosignature(
        &self,
        reply: &Reply,
        witness: &PolicyWitness,
    ) -> Result<(Signature, u64), Asked> {
        let body = std::str::from_utf8(&reply.body).map_err(|_| Asked::BadReply)?;
        let body = body.strip_suffix('\n').ok_or(Asked::BadReply)?;
        let lines: Option<Vec<Signature>> = body.split('\n').map(Signature::parse).collect();
        let mut lines = lines.ok_or(Asked::BadReply)?.into_iter();
        let own = lines.find(|line| witness.key.claims(line));
        let own = own.ok_or(Asked::BadSignature(NoteError::Unsigned))?;
        let time = witness.key.check(self.checkpoint.note().text(), &own);
        Ok((own, time.map_err(Asked::BadSignature)?))
    }
}

/// The checkpoint with the cosignatures gathered; a newer one takes an older one's place.
///
/// Answers that came too late, about another checkpoint, are left out: under
/// this one they would not verify, and spoil the whole note.
///
/// # Errors
///
/// [`NoteError::TooManySignatures`].
pub fn merge(
    checkpoint: &SignedCheckpoint,
    outcomes: &[Outcome],
) -> Result<SignedCheckpoint, NoteError> {
    let mut merged = checkpoint.clone();
    let text = checkpoint.note().text();
    for outcome in outcomes.iter().filter(|outcome| outcome.text == text) {
        if let Asked::Cosigned { signature, .. } = &outcome.asked {
            merged.put(signature.clone())?;
        }
    }
    Ok(merged)
}

fn read_size(reply: &Reply) -> Option<u64> {
    // A parameter may follow the type.
    let kind = reply.content_type.split(';').next().unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case(SIZE_TYPE) {
        return None;
    }
    parse_decimal(std::str::from_utf8(&reply.body).ok()?.strip_suffix('\n')?)
}
