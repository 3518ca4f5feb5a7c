//! What makes the trace believable to others: the private map, the witnesses, a person's proof.
//!
//! All of it follows the log at its own pace and never holds up a read: a thread keeps the map and appends its roots, another asks the witnesses to cosign.
//! What they promise together: a leaf's label is in a map whose root a quorum cosigned, at most a minute after the leaf.
//! Witnesses that stay away delay that, and are reported ([`TraceStatus`]).

mod map;
mod proof;
mod status;
mod witnesses;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use liuhen_tlog::policy::Policy;
use liuhen_tlog::submit::Courier;
use liuhen_tlog::{Log, SignedCheckpoint};
use liuhen_vault::registry::Surety;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::Service;
use crate::error::{Result, ServiceError};
use crate::ledger::Ledger;
pub use status::{Alarm, MapStatus, TraceStatus, WitnessStatus};

/// The policy that says who witnesses this log, in the data directory.
const POLICY: &str = "witnesses";

/// How long a read waits for what its purpose demands; below the time a server gives a request.
const SURETY_WAIT: Duration = Duration::from_secs(20);
/// How often it looks.
const SURETY_PAUSE: Duration = Duration::from_millis(50);

/// How often what is promised within a minute is done.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time between map roots, while there are new labels. 10 s.
    pub map_every: Duration,
    /// Time between rounds of the witnesses, while there are new checkpoints. 3 s.
    pub witnesses_every: Duration,
    /// Cosignatures or map roots older than this, with something newer waiting, are an alarm. 60 s.
    pub alarm_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            map_every: Duration::from_secs(10),
            witnesses_every: Duration::from_secs(3),
            alarm_after: Duration::from_secs(60),
        }
    }
}

/// What the threads and the use-cases share.
pub(crate) struct Shared {
    log: Arc<Log>,
    pace: Pace,
    policy: Option<Policy>,
    map: RwLock<map::Map>,
    /// The newest checkpoint that a quorum of witnesses cosigned.
    cosigned: RwLock<Option<Arc<SignedCheckpoint>>>,
    witnesses: Mutex<Vec<witnesses::Asked>>,
    /// Since when there is a checkpoint that no quorum has cosigned.
    quorum_waits: Mutex<Option<Instant>>,
    stopping: Mutex<bool>,
    stopped: Condvar,
}

impl Shared {
    /// Waits for a while; `false` when it is time to stop.
    fn pause(&self, time: Duration) -> bool {
        let mut stopping = self.stopping.lock();
        if !*stopping {
            let _ = self.stopped.wait_for(&mut stopping, time);
        }
        !*stopping
    }

    /// The newest checkpoint to prove things under: cosigned by a quorum where there are witnesses, else the log's own.
    fn best_checkpoint(&self) -> Arc<SignedCheckpoint> {
        match &*self.cosigned.read() {
            Some(cosigned) => Arc::clone(cosigned),
            None => self.log.checkpoint(),
        }
    }

    /// Whether the policy demands any cosignature at all.
    fn has_quorum(&self) -> bool {
        let threshold = self.policy.as_ref().map(Policy::threshold);
        threshold.is_some_and(|threshold| threshold != Some(0))
    }

    /// Size of the tree that a quorum of witnesses cosigned.
    fn cosigned_size(&self) -> u64 {
        let cosigned = self.cosigned.read();
        cosigned.as_ref().map_or(0, |signed| signed.size())
    }
}

/// The map's and the witnesses' threads.
pub(crate) struct Attest {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Attest {
    /// Takes up map, policy and cosignatures; starts the map's thread.
    pub(crate) fn start(
        log: &Arc<Log>,
        dir: &Path,
        policy: Option<&Path>,
        pace: Pace,
        ledger: &Arc<Ledger>,
    ) -> Result<Self> {
        let policy = read_policy(log, dir, policy)?;
        let newest = map::keep_time(log)?;
        let cosigned = witnesses::stored(log, policy.as_ref());
        let shared = Arc::new(Shared {
            log: Arc::clone(log),
            pace,
            map: RwLock::new(map::Map::begin()),
            cosigned: RwLock::new(cosigned),
            witnesses: Mutex::new(witnesses::asked(policy.as_ref())),
            quorum_waits: Mutex::new(None),
            policy,
            stopping: Mutex::new(false),
            stopped: Condvar::new(),
        });
        let attest = Self {
            shared: Arc::clone(&shared),
            threads: Mutex::default(),
        };
        let ledger = Arc::clone(ledger);
        attest.spawn("private-map", move || map::run(&shared, &ledger, newest))?;
        Ok(attest)
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread.map_err(ServiceError::io("start a thread of the trace"))?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Ends the threads; the log can be closed afterwards.
    pub(crate) fn stop(&self) {
        *self.shared.stopping.lock() = true;
        self.shared.stopped.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the trace panicked");
            }
        }
    }
}

/// Reads who witnesses this log; a policy about another log is refused.
fn read_policy(log: &Log, dir: &Path, given: Option<&Path>) -> Result<Option<Policy>> {
    let own = dir.join(POLICY);
    let path = match given {
        Some(path) => path,
        None if own.exists() => &own,
        None => return Ok(None),
    };
    let wrong = |why: String| ServiceError::Setup(format!("the policy {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let policy = Policy::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let logs = policy.logs();
    if !logs.is_empty()
        && !logs
            .iter()
            .any(|known| log.keys().all().any(|key| *key == known.key))
    {
        return Err(wrong(format!(
            "it names another log; this one is\nlog {}",
            log.verifier()
        )));
    }
    Ok(Some(policy))
}

impl Service {
    /// Begins to ask the witnesses of the policy, if there is one; `courier` carries the requests.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn ask_witnesses(&self, courier: impl Courier + Send + Sync + 'static) -> Result<()> {
        let Some(policy) = self.attest.shared.policy.clone() else {
            return Ok(());
        };
        let shared = Arc::clone(&self.attest.shared);
        self.attest.spawn("witnesses", move || {
            witnesses::run(&shared, &policy, &courier)
        })
    }

    /// Waits until the trace of leaf `index` is as far as a purpose demands.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotWitnessed`] when it does not come that far in time; nothing is released then.
    pub(crate) async fn await_surety(&self, surety: Surety, index: u64) -> Result<()> {
        let shared = &self.attest.shared;
        if surety == Surety::Durable {
            return Ok(());
        }
        if surety == Surety::Witnessed && !shared.has_quorum() {
            return Err(ServiceError::NotWitnessed);
        }
        let deadline = tokio::time::Instant::now() + SURETY_WAIT;
        loop {
            let covered = match surety {
                Surety::Witnessed => shared.cosigned_size(),
                _ => self.log.checkpoint().size(),
            };
            if covered > index {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(ServiceError::NotWitnessed);
            }
            tokio::time::sleep(SURETY_PAUSE).await;
        }
    }

    /// The checkpoint as served: with the cosignatures of a quorum where there are witnesses (C2SP tlog-checkpoint).
    pub fn checkpoint_text(&self) -> String {
        self.attest.shared.best_checkpoint().to_string()
    }

    /// The newest checkpoint the log signed, which witnesses may not have seen yet.
    pub fn newest_checkpoint_text(&self) -> String {
        self.log.checkpoint().to_string()
    }

    /// Who is asked to witness this log: names and keys, and how many of them suffice, where the policy is as simple as that.
    pub fn witnesses(&self) -> (Vec<(String, String)>, Option<usize>) {
        let Some(policy) = &self.attest.shared.policy else {
            return (Vec::new(), Some(0));
        };
        let keys = policy.witnesses().iter().map(|witness| {
            // Known to others by the key's own name.
            (witness.key.name().to_owned(), witness.key.to_string())
        });
        (keys.collect(), policy.threshold())
    }

    /// Who is asked to witness this log, as a policy for others (C2SP tlog-policy), this log's key in it.
    pub fn witness_policy(&self, url: Option<&str>) -> String {
        let mut text = format!("log {}", self.log.verifier());
        if let Some(url) = url {
            text.push(' ');
            text.push_str(url);
        }
        text.push('\n');
        match &self.attest.shared.policy {
            None => text.push_str("quorum none\n"),
            Some(policy) => {
                let whole = policy.to_string();
                let rest = whole.lines().filter(|line| !line.starts_with("log "));
                rest.for_each(|line| {
                    text.push_str(line);
                    text.push('\n');
                });
            }
        }
        text
    }
}
