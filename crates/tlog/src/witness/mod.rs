//! A witness: remembers each log's latest checkpoint, and cosigns what grew from it.
//!
//! Rule: C2SP tlog-witness, `add-checkpoint` and the monitoring prefix. What was
//! cosigned is durable before the cosignature leaves, and one lock for each log
//! holds from the comparison to the write, so that no tree ever shrinks or forks
//! under a cosignature of ours. Knows no HTTP: [`Answer`] says what to send.
//!
//! A log that contradicts its own signed word is refused, and what convicts it
//! is kept as a file ([`evidence`]).
//!
//! ```
//! use liuhen_tlog::{Cosigner, Witness, witness::Options};
//!
//! let dir = tempfile::tempdir()?;
//! std::fs::write(dir.path().join("logs"), "# verifier keys, one a line\n")?;
//! let cosigner = Cosigner::generate("witness.example.cn/w1")?;
//! let witness = Witness::open(dir.path(), cosigner, Options::default())?;
//! assert_eq!(witness.add_checkpoint(b"nonsense").status(), 400);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod evidence;
pub mod request;

mod answer;
mod store;

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::{Mutex, RwLock};

use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    cosignature::{Cosigner, CosignerVerifier},
    disk::{Disk, SystemDisk},
    hash::Hash,
    note::{NoteError, SignedNote, Verifier},
    proof::{self, ProofError},
};

pub use answer::{Answer, Inconsistency};
pub use evidence::{Conviction, Evidence, EvidenceError, Misbehaviour, verify_evidence};
pub use request::{AddCheckpoint, RequestError};
pub use store::{MAX_EVIDENCE, WitnessError};

use store::{Latest, Store, hex_sha256};

/// Seconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a witness runs on.
#[derive(Clone)]
pub struct Options {
    /// Where it writes.
    pub disk: Arc<dyn Disk>,
    /// What time it is. A clock that jumps back stops no cosignature and dates none back.
    pub clock: Clock,
}

/// The machine's disk and clock.
impl Default for Options {
    fn default() -> Self {
        Self {
            disk: Arc::new(SystemDisk),
            clock: Arc::new(system_time),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("disk", &self.disk).finish()
    }
}

/// An independent witness of any number of logs. Shared between threads by reference.
pub struct Witness {
    cosigner: Cosigner,
    clock: Clock,
    store: Store,
    logs: RwLock<Logs>,
}

#[derive(Default)]
struct Logs {
    /// By origin, as the file `logs` says.
    known: HashMap<String, Log>,
    /// By the hash of the origin. Never removed from: a log that leaves `logs`
    /// and comes back must meet the same lock.
    slots: HashMap<String, Arc<Slot>>,
}

/// A log the witness cosigns: its keys, several while it changes them.
#[derive(Clone)]
struct Log {
    keys: Vec<Verifier>,
    slot: Arc<Slot>,
}

struct Slot {
    origin: String,
    state: Mutex<State>,
}

/// What is known of the latest checkpoint of a log.
enum State {
    /// A write failed: what is on disk must be read, and made durable, first.
    Unsettled,
    /// This is durable.
    Settled(Option<Latest>),
}

/// How far a log has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// The log.
    pub origin: String,
    /// Size of the latest checkpoint cosigned and the time of the cosignature;
    /// `None` for none, or when the disk failed.
    pub latest: Option<(u64, u64)>,
}

impl Witness {
    /// Opens a witness in `dir`, where the file `logs` must name the logs it knows.
    ///
    /// `logs` holds one verifier key a line; several keys of one name are keys
    /// of one log. Lines that begin with `#` are remarks.
    ///
    /// # Errors
    ///
    /// [`WitnessError::Locked`] when another witness runs here;
    /// [`WitnessError::BadLog`]; [`WitnessError::Damaged`] when a checkpoint on
    /// disk is not one that this key cosigned; [`WitnessError::Io`].
    pub fn open(dir: &Path, cosigner: Cosigner, options: Options) -> Result<Self, WitnessError> {
        let witness = Self {
            cosigner,
            clock: options.clock,
            store: Store::open(dir, options.disk)?,
            logs: RwLock::default(),
        };
        witness.reload()?;
        Ok(witness)
    }

    /// Reads `logs` again: logs are added and removed, keys changed. Tells how many logs there are.
    ///
    /// What was cosigned of a log that is removed is remembered.
    ///
    /// # Errors
    ///
    /// Those of [`Witness::open`]; the logs known then stay as they were.
    pub fn reload(&self) -> Result<usize, WitnessError> {
        let keys = self.store.logs()?;
        let mut logs = self.logs.write();
        self.store.sync()?;
        let mut slots = logs.slots.clone();
        let mut known: HashMap<String, Log> = HashMap::new();
        for key in keys {
            let origin = key.name().to_owned();
            let slot = match slots.get(&hex_sha256(&origin)) {
                Some(slot) => Arc::clone(slot),
                None => self.new_slot(&origin, &mut slots)?,
            };
            let keys = Vec::new();
            let log = known.entry(origin).or_insert(Log { keys, slot });
            if !log.keys.contains(&key) {
                log.keys.push(key);
            }
        }
        *logs = Logs { known, slots };
        Ok(logs.known.len())
    }

    fn new_slot(
        &self,
        origin: &str,
        slots: &mut HashMap<String, Arc<Slot>>,
    ) -> Result<Arc<Slot>, WitnessError> {
        let latest = self.store.read(origin, self.cosigner.verifier())?;
        let slot = Arc::new(Slot {
            origin: origin.to_owned(),
            state: Mutex::new(State::Settled(latest)),
        });
        slots.insert(hex_sha256(origin), Arc::clone(&slot));
        Ok(slot)
    }

    /// The key under which this witness cosigns.
    #[must_use]
    pub fn verifier(&self) -> &CosignerVerifier {
        self.cosigner.verifier()
    }

    /// The logs known, by origin, and how far they have come.
    #[must_use]
    pub fn status(&self) -> Vec<LogStatus> {
        let logs = self.logs.read();
        let mut slots: Vec<_> = logs.known.values().map(|l| Arc::clone(&l.slot)).collect();
        drop(logs);
        slots.sort_by(|a, b| a.origin.cmp(&b.origin));
        let status = |slot: Arc<Slot>| LogStatus {
            origin: slot.origin.clone(),
            latest: match &*slot.state.lock() {
                State::Settled(Some(latest)) => Some((latest.checkpoint.size, latest.time)),
                _ => None,
            },
        };
        slots.into_iter().map(status).collect()
    }

    /// The files of evidence kept, by name.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn evidence(&self) -> io::Result<Vec<PathBuf>> {
        self.store.evidence()
    }

    /// Answers `POST <submission prefix>/add-checkpoint` with this body.
    ///
    /// The checks stand in the order of the specification.
    pub fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let cosigned = self.judge(body);
        cosigned.unwrap_or_else(|refused| refused)
    }

    fn judge(&self, body: &[u8]) -> Result<Answer, Answer> {
        let request = AddCheckpoint::parse(body).map_err(Answer::BadRequest)?;
        let log = self
            .logs
            .read()
            .known
            .get(&request.checkpoint().origin)
            .cloned();
        let log = log.ok_or(Answer::NotFound)?;
        let signed = log.check(request.note()).map_err(Answer::Forbidden)?;
        if request.old() > signed.size() {
            return Err(Answer::BadRequest(RequestError::Shrinks));
        }
        let mut state = log.slot.state.lock();
        let latest = self.settle(&log.slot.origin, &mut state)?;
        if let Some(latest) = latest {
            self.convict(latest, &request, &signed);
        }
        check_growth(latest, &request)?;
        let time = latest.map_or(0, |latest| latest.time).max((self.clock)());
        self.cosign(&mut state, signed, time)
    }

    /// What was cosigned last; reads it and makes it durable if an earlier write failed.
    fn settle<'a>(&self, origin: &str, state: &'a mut State) -> Result<Option<&'a Latest>, Answer> {
        if let State::Unsettled = state {
            let latest = self.store.read(origin, self.cosigner.verifier());
            let latest = latest.map_err(|error| unavailable(origin, &error))?;
            // It was never answered, and may be in the system's memory only.
            if let Some(latest) = &latest {
                let written = self.store.write(latest);
                written.map_err(|error| unavailable(origin, &error))?;
            }
            *state = State::Settled(latest);
        }
        match state {
            State::Settled(latest) => Ok(latest.as_ref()),
            State::Unsettled => Err(Answer::Unavailable),
        }
    }

    /// Cosigns, makes durable, and only then answers.
    fn cosign(
        &self,
        state: &mut State,
        signed: SignedCheckpoint,
        time: u64,
    ) -> Result<Answer, Answer> {
        let (checkpoint, mut note) = signed.into_parts();
        let origin = checkpoint.origin.clone();
        let cosignature = self.cosigner.cosign(&checkpoint, time);
        let cosignature = cosignature.map_err(|error| unavailable(&origin, &error))?;
        note.put(cosignature.clone())
            .map_err(|error| unavailable(&origin, &error))?;
        let latest = Latest {
            checkpoint,
            note,
            time,
        };
        // Whatever happens from here on, only a finished write may be believed.
        *state = State::Unsettled;
        let written = self.store.write(&latest);
        written.map_err(|error| unavailable(&origin, &error))?;
        *state = State::Settled(Some(latest));
        Ok(Answer::Cosigned(vec![cosignature]))
    }

    /// Keeps what convicts the log, if the checkpoint offered does.
    fn convict(&self, latest: &Latest, request: &AddCheckpoint, signed: &SignedCheckpoint) {
        let Some(evidence) = self.contradiction(latest, request, signed) else {
            return;
        };
        let conviction = evidence.claim();
        match self.store.keep(&evidence) {
            Ok(Some(path)) => {
                tracing::error!(%conviction, path = %path.display(), "a log is convicted");
            }
            Ok(None) => {}
            // The checkpoint is refused all the same.
            Err(error) => tracing::error!(%conviction, %error, "evidence cannot be kept"),
        }
    }

    fn contradiction(
        &self,
        latest: &Latest,
        request: &AddCheckpoint,
        signed: &SignedCheckpoint,
    ) -> Option<Evidence> {
        let (old, old_root) = (latest.checkpoint.size, latest.checkpoint.root);
        let ours = self.cosigner.verifier();
        let known = || latest.note.only(|signature| !ours.claims(signature));
        let offered = || signed.note().clone();
        if signed.size() == old && signed.root() != old_root {
            return Evidence::fork(known(), offered()).ok();
        }
        if request.old() != old || signed.size() <= old || old == 0 {
            return None;
        }
        // A proof that leads to the new root from another old one convicts; any other may be a slip.
        let (new, proof) = (signed.size(), request.proof());
        let prefix = proof::prefix_root(old, new, proof, &old_root, &signed.root()).ok()?;
        if prefix == old_root {
            return None;
        }
        Evidence::rewrite(known(), offered(), prefix, proof.to_vec()).ok()
    }

    /// Answers `GET <monitoring prefix>/<origin hash>/checkpoint`.
    ///
    /// `origin_hash` is the SHA-256 of the origin in lowercase hex. The note
    /// bears the log's signatures that were checked, and this witness's.
    #[must_use]
    pub fn checkpoint(&self, origin_hash: &str) -> Answer {
        let slot = self.logs.read().slots.get(origin_hash).cloned();
        let Some(slot) = slot else {
            return Answer::NotFound;
        };
        match self.settle(&slot.origin, &mut slot.state.lock()) {
            Ok(Some(latest)) => Answer::Checkpoint(latest.note.to_string()),
            Ok(None) => Answer::NotFound,
            Err(unavailable) => unavailable,
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({})", self.cosigner.verifier())
    }
}

impl Log {
    /// Checks the log's signatures; keeps only these, since others cost room and prove nothing.
    fn check(&self, note: &SignedNote) -> Result<SignedCheckpoint, NoteError> {
        let keys: Vec<&Verifier> = self.keys.iter().collect();
        let ours = note.only(|signature| keys.iter().any(|key| key.claims(signature)));
        SignedCheckpoint::verify_note(note.clone(), &keys)?;
        SignedCheckpoint::verify_note(ours, &keys)
    }
}

/// The last three rules: size and root as cosigned last, and growth proved.
fn check_growth(latest: Option<&Latest>, request: &AddCheckpoint) -> Result<(), Answer> {
    let (old, old_root) = latest.map_or((0, Hash::empty_root()), |latest| {
        (latest.checkpoint.size, latest.checkpoint.root)
    });
    if request.old() != old {
        return Err(Answer::Conflict { size: old });
    }
    let Checkpoint { size, root, .. } = request.checkpoint();
    check_proof((old, old_root), (*size, *root), request.proof()).map_err(Answer::Unprocessable)
}

fn check_proof(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    path: &[Hash],
) -> Result<(), Inconsistency> {
    if new == 0 && new_root != Hash::empty_root() {
        return Err(Inconsistency::EmptyRoot);
    }
    if old == 0 {
        return match path {
            [] => Ok(()),
            _ => Err(Inconsistency::ProofFromNothing),
        };
    }
    match proof::verify_consistency(old, new, path, &old_root, &new_root) {
        Err(ProofError::Mismatch) if old == new => Err(Inconsistency::OtherRoot),
        other => Ok(other?),
    }
}

fn unavailable(origin: &str, error: &dyn std::error::Error) -> Answer {
    tracing::error!(origin, %error, "nothing is cosigned");
    Answer::Unavailable
}

/// Seconds since 1970; zero, under which nothing can be cosigned, for a clock set before.
fn system_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
