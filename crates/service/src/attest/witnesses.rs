//! The witnesses' thread: each new checkpoint is offered to every witness, and kept when a quorum cosigned it.
//!
//! Rule: C2SP tlog-witness, tlog-policy. A witness that is away holds up nobody: it is asked again at the next round, and reported.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use liuhen_tlog::disk::{SystemDisk, write_durably};
use liuhen_tlog::policy::{Policy, PolicyWitness};
use liuhen_tlog::submit::{self, Courier, Outcome, Submission};
use liuhen_tlog::{Log, SignedCheckpoint};

use super::Shared;
use super::status::WitnessStatus;
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};

/// Where the newest checkpoint with a quorum's cosignatures is kept, beside the log's own.
const COSIGNED: &str = "cosigned";

/// One witness, as far as it was asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) url: Option<String>,
    vkey: String,
    /// Size it last cosigned.
    pub(super) size: u64,
    /// When it last cosigned, for intervals.
    pub(super) cosigned: Option<Instant>,
    cosigned_at: Option<UnixMs>,
    /// Since when there is something that it has not cosigned.
    pub(super) waiting_since: Option<Instant>,
    trouble: Option<String>,
    failures: u64,
}

impl Asked {
    fn new(witness: &PolicyWitness) -> Self {
        Self {
            name: witness.name.clone(),
            url: witness.url.clone(),
            vkey: witness.key.to_string(),
            size: 0,
            cosigned: None,
            cosigned_at: None,
            waiting_since: None,
            trouble: None,
            failures: 0,
        }
    }

    pub(super) fn status(&self) -> WitnessStatus {
        WitnessStatus {
            name: self.name.clone(),
            vkey: self.vkey.clone(),
            url: self.url.clone(),
            size: self.size,
            cosigned_at: self.cosigned_at,
            trouble: self.trouble.clone(),
            failures: self.failures,
        }
    }
}

/// The witnesses of a policy, not asked yet.
pub(super) fn asked(policy: Option<&Policy>) -> Vec<Asked> {
    let witnesses = policy.map_or(&[][..], Policy::witnesses);
    witnesses.iter().map(Asked::new).collect()
}

/// The cosigned checkpoint as kept, if it is of this log and a quorum of today's policy cosigned it.
pub(super) fn stored(log: &Log, policy: Option<&Policy>) -> Option<Arc<SignedCheckpoint>> {
    let bytes = std::fs::read(path(log.dir())).ok()?;
    let signed = SignedCheckpoint::verify(&bytes, log.verifier()).ok()?;
    let known = signed.size() <= log.checkpoint().size();
    let verdict = policy?.check(&signed).ok()?;
    (known && verdict.quorum).then(|| Arc::new(signed))
}

fn path(log: &Path) -> PathBuf {
    log.join(COSIGNED)
}

/// Asks the witnesses until it is time to stop.
pub(super) fn run(shared: &Shared, policy: &Policy, courier: &(dyn Courier + Sync)) {
    while shared.pause(shared.pace.witnesses_every) {
        let checkpoint = shared.log.checkpoint();
        if checkpoint.size() > shared.cosigned_size() || shared.lags(checkpoint.size()) {
            round(shared, policy, courier, &checkpoint);
        }
    }
}

/// Offers one checkpoint to all witnesses at once.
fn round(
    shared: &Shared,
    policy: &Policy,
    courier: &(dyn Courier + Sync),
    checkpoint: &SignedCheckpoint,
) {
    shared.begin_waiting(checkpoint.size());
    let submission = Submission {
        checkpoint,
        prove: |old, new| shared.log.consistency(old, new),
    };
    let known: Vec<u64> = shared.witnesses.lock().iter().map(|one| one.size).collect();
    let (tell, outcomes) = mpsc::channel();
    std::thread::scope(|scope| {
        for (at, (witness, known)) in policy.witnesses().iter().zip(known).enumerate() {
            let (tell, submission) = (tell.clone(), &submission);
            scope.spawn(move || {
                // Whoever gathers is there until all have told.
                let _ = tell.send((at, submission.ask(courier, witness, known)));
            });
        }
        drop(tell);
        let mut gathered = Vec::new();
        for (at, outcome) in outcomes {
            shared.note_outcome(at, checkpoint.size(), &outcome);
            gathered.push(outcome);
            // As soon as they suffice: a witness that is slow to answer holds up nobody.
            if let Err(error) = shared.keep_if_cosigned(policy, checkpoint, &gathered) {
                tracing::error!(%error, "a cosigned checkpoint was not kept");
            }
        }
    });
}

impl Shared {
    /// Whether some witness has not cosigned `size` yet.
    fn lags(&self, size: u64) -> bool {
        let witnesses = self.witnesses.lock();
        witnesses
            .iter()
            .any(|one| one.url.is_some() && one.size < size)
    }

    /// From now on those that have not cosigned `size` are waited for.
    fn begin_waiting(&self, size: u64) {
        let now = Instant::now();
        for witness in self.witnesses.lock().iter_mut() {
            if witness.size < size {
                witness.waiting_since.get_or_insert(now);
            }
        }
        if self.cosigned_size() < size {
            self.quorum_waits.lock().get_or_insert(now);
        }
    }

    fn note_outcome(&self, at: usize, size: u64, outcome: &Outcome) {
        let mut witnesses = self.witnesses.lock();
        let Some(witness) = witnesses.get_mut(at) else {
            return;
        };
        witness.size = outcome.known;
        if let submit::Asked::Cosigned { .. } = outcome.asked {
            witness.cosigned = Some(Instant::now());
            witness.cosigned_at = Some(jiff::Timestamp::now().as_millisecond());
            witness.waiting_since = None;
            witness.trouble = None;
            return;
        }
        let trouble = outcome.asked.to_string();
        if witness.trouble.as_ref() != Some(&trouble) {
            // Once for each new trouble, not at every round.
            tracing::warn!(
                witness = witness.name,
                size,
                trouble,
                "a witness did not cosign"
            );
        }
        witness.trouble = Some(trouble);
        witness.failures += 1;
    }

    /// Keeps the checkpoint with its cosignatures once they suffice, durably before anybody is shown it.
    fn keep_if_cosigned(
        &self,
        policy: &Policy,
        checkpoint: &SignedCheckpoint,
        outcomes: &[Outcome],
    ) -> Result<()> {
        let merged = submit::merge(checkpoint, outcomes).map_err(liuhen_tlog::LogError::from)?;
        let verdict = policy.check(&merged).map_err(liuhen_tlog::LogError::from)?;
        if !verdict.quorum || merged.size() < self.cosigned_size() {
            return Ok(());
        }
        let path = path(self.log.dir());
        write_durably(&SystemDisk, &path, merged.to_string().as_bytes())
            .map_err(ServiceError::io("keep a cosigned checkpoint"))?;
        *self.cosigned.write() = Some(Arc::new(merged));
        *self.quorum_waits.lock() = None;
        Ok(())
    }
}
