//! The auditor's proof: a whole log read and every claim of it checked.
//!
//! Every entry is hashed, every tile of every level computed anew and
//! compared, the root compared with the signed checkpoint and, at their sizes,
//! with all earlier ones; the private map is rebuilt from the labels and
//! compared with each map root. Needs no secret.
//!
//! Rules: C2SP tlog-tiles for files, RFC 9162 for hashes, `docs/trace.md` for
//! entries and map. Leaves cosignatures to whoever has a policy: the
//! checkpoint is handed back with all its signatures.
//!
//! Memory is bounded whatever the size of the log: labels are kept in files of
//! a state directory, 40 bytes each, beside which an audit goes on after it
//! was stopped and a later one reads only what is new.

mod bundle;
mod dir;
mod fault;
mod fold;
mod map;
mod pass;
mod pile;
mod source;
mod state;

use std::{
    io,
    num::NonZero,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

pub(crate) use dir::verify_tiles;
pub use dir::{DirReport, verify_dir};
pub use fault::{Fault, Fork, MOST_FAULTS};
pub use source::{DirSource, Source, SourceError, Tiles};

use crate::{
    checkpoint::SignedCheckpoint, hash::Hash, note::NoteError, proof, rotation::Keys, tile::WIDTH,
    witness::Evidence,
};
use bundle::{Bundle, RootEntry};
use fault::Faults;
use fold::{Fold, Known};
use map::Task;
use pass::Pass;
use pile::{Lengths, MOST_BITS, Piles};
use state::{Saved, State};

/// Labels in one pile, aimed at when a state is begun; it may grow a few times over.
const PILE: u64 = 500_000;
/// Bytes of labels kept in memory when there is no state directory.
const MOST_IN_MEMORY: usize = 2 << 30;
/// Progress is saved at least this often.
const SAVE_WITHIN: Duration = Duration::from_secs(60);

/// How an audit is done. [`Settings::default()`] suits a directory.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bundles fetched at once; one for each processor. A network wants more, 16.
    pub fetches: usize,
    /// Threads that rebuild the map; one for each processor.
    pub threads: usize,
    /// Whether to ask what the entries are and to check the map; with a state, always.
    /// Without it any C2SP log can be audited.
    pub map: bool,
    /// Labels are kept in two to the power of this many piles, at most 12; chosen by the log's size.
    pub partition_bits: Option<u32>,
    /// Progress is saved after this many entries, and every 60 s. 4,194,304.
    pub save_every: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            fetches: processors,
            threads: processors,
            map: true,
            partition_bits: None,
            save_every: 1 << 22,
        }
    }
}

/// What an audit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading entries and tiles. Progress counts entries.
    Entries,
    /// Rebuilding the map. Progress counts parts of it.
    Map,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is counted.
    pub stage: Stage,
    /// Entries, or parts of the map, checked.
    pub done: u64,
    /// Entries under the checkpoint, or parts of the map.
    pub of: u64,
    /// Entries that need not be read again if the audit stops now.
    pub saved: u64,
}

impl Progress {
    /// Entries read, none of which need be kept.
    pub(crate) fn of_entries(done: u64, of: u64) -> Self {
        Self {
            stage: Stage::Entries,
            done,
            of,
            saved: 0,
        }
    }
}

/// Why an audit came to no verdict.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The log cannot be reached.
    #[error("the log cannot be read: {0}")]
    Source(#[from] SourceError),
    /// There is no checkpoint where the log should be.
    #[error("no checkpoint is there: is this a log?")]
    NoCheckpoint,
    /// The checkpoint is malformed or not signed by the log's key.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The state directory is of another log.
    #[error("the state is that of another log, {log}")]
    OtherLog {
        /// Its key.
        log: String,
    },
    /// Another audit uses the state directory.
    #[error("another audit uses {}", dir.display())]
    Busy {
        /// The state directory.
        dir: PathBuf,
    },
    /// The state directory is not as an audit left it.
    #[error("{} is {what}; remove the state directory to begin anew", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The state directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// There are more labels than fit into memory.
    #[error("the log has more labels than are kept in memory: give a state directory")]
    TooLarge,
    /// The caller stopped it.
    #[error("stopped")]
    Stopped,
}

impl AuditError {
    fn state(path: &Path, what: &'static str) -> Self {
        Self::State {
            path: path.to_owned(),
            what,
        }
    }
}

/// What the entries hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Chunks.
    pub chunks: u64,
    /// Map roots.
    pub map_roots: u64,
    /// Different labels.
    pub labels: u64,
    /// Entries that the last map root that was checked covers.
    pub mapped: u64,
}

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The largest checkpoint known, against which all was checked; the log's signature is good.
    pub checkpoint: SignedCheckpoint,
    /// Entries whose hashes lead to the signed root when there are no faults.
    pub entries: u64,
    /// Entries read in this run; the others were checked by earlier ones.
    pub read: u64,
    /// Earlier checkpoints that are the beginning of this one.
    pub earlier: u64,
    /// What the entries hold; `None` when the map was not asked for.
    pub counts: Option<Counts>,
    /// The first [`MOST_FAULTS`] faults: of entries and tiles in order, of checkpoints, of the map.
    pub faults: Vec<Fault>,
    /// All faults.
    pub fault_count: u64,
    /// Checkpoints that convict the log.
    pub forks: Vec<Fork>,
}

impl Report {
    /// Whether everything was as signed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// An audit to be done.
pub struct Audit<'a> {
    /// Where the log is read.
    pub source: &'a dyn Source,
    /// The log's keys, from the one that is trusted on.
    pub log: &'a Keys,
    /// Checkpoints kept from before, by whomever: the log must still contain them.
    pub earlier: Vec<SignedCheckpoint>,
    /// Where to keep what was done; for this log only, and used by one audit at a time.
    pub state: Option<&'a Path>,
    /// How.
    pub settings: Settings,
}

impl Audit<'_> {
    /// Audits the log up to its checkpoint.
    ///
    /// `progress` is told after every 256 entries and every part of the map; with `Break` the audit stops.
    ///
    /// Faults are listed in the report and do not stop the audit.
    ///
    /// # Errors
    ///
    /// [`AuditError`]. Apart from [`AuditError::Note`] it says nothing of the log.
    pub fn run(
        &self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Report, AuditError> {
        let state = self.state.map(|dir| State::open(dir, self.log));
        let state = state.transpose()?;
        let saved = state.as_ref().map(State::load).transpose()?.flatten();
        let served = self.source.get("checkpoint")?;
        let served = served.ok_or(AuditError::NoCheckpoint)?;
        let served = self.log.verify_checkpoint(&served)?;
        let mut run = Run::new(self, state, saved, served)?;
        run.read(progress)?;
        run.judge(progress)
    }
}

/// An audit under way.
struct Run<'a> {
    audit: &'a Audit<'a>,
    state: Option<State>,
    /// The checkpoint to check against.
    target: SignedCheckpoint,
    known: Vec<Known>,
    piles: Piles,
    fold: Fold,
    /// What was saved last, or would be.
    saved: Saved,
    saved_at: Instant,
    /// Entries read before this run.
    begun: u64,
    /// Faults of checkpoints.
    faults: Faults,
}

impl<'a> Run<'a> {
    fn new(
        audit: &'a Audit<'a>,
        state: Option<State>,
        saved: Option<Saved>,
        served: SignedCheckpoint,
    ) -> Result<Self, AuditError> {
        let mut known = saved.as_ref().map_or(Vec::new(), |s| s.known.clone());
        for signed in audit.earlier.iter().chain([&served]) {
            let statement = |s: &SignedCheckpoint| (s.size(), s.root());
            let same = |k: &&mut Known| statement(&k.signed) == statement(signed);
            match known.iter_mut().find(same) {
                // What is served now may bear more cosignatures.
                Some(known) => known.signed = signed.clone(),
                None => known.push(Known {
                    signed: signed.clone(),
                    found: None,
                }),
            }
        }
        known.sort_by_key(|known| known.signed.size());
        let largest = known.last().map(|known| known.signed.clone());
        let target = largest.filter(|largest| largest.size() > served.size());
        let mut faults = Faults::default();
        if let Some(target) = &target {
            faults.note(Fault::RolledBack {
                served: served.size(),
                signed: target.size(),
            });
        }
        let target = target.unwrap_or(served);
        let mut saved = saved.unwrap_or_else(|| Saved {
            fold: Fold::default(),
            known: Vec::new(),
            lengths: Lengths::none(audit.settings.bits(target.size())),
            mapped: 0,
        });
        let piles = match &state {
            Some(state) => Piles::in_dir(state.dir(), &saved.lengths)?,
            None => Piles::in_memory(saved.lengths.labels.len().ilog2()),
        };
        saved.known.clone_from(&known);
        if let Some(state) = &state {
            state.save(&saved)?;
        }
        Ok(Self {
            audit,
            state,
            target,
            known,
            piles,
            fold: saved.fold.clone(),
            begun: saved.fold.size,
            saved,
            saved_at: Instant::now(),
            faults,
        })
    }

    /// Reads all that earlier runs did not.
    fn read(
        &mut self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), AuditError> {
        self.prove_passed()?;
        let (settings, size) = (&self.audit.settings, self.target.size());
        let pass = Pass {
            source: self.audit.source,
            size,
            bundles: self.fold.size / WIDTH..size.div_ceil(WIDTH),
            threads: settings.fetches,
            split: self.with_map(),
        };
        pass.run(|_, bundle| {
            self.take(bundle)?;
            let step = Progress {
                stage: Stage::Entries,
                done: self.fold.size,
                of: size,
                saved: self.saved_size(),
            };
            go_on(progress(step))
        })
    }

    fn take(&mut self, mut bundle: Bundle) -> Result<(), AuditError> {
        let full = bundle.root.is_some();
        if !full {
            // The last bundle will be read again when it has grown.
            self.save()?;
        }
        let roots = self.fold.take(&mut bundle, &mut self.known);
        self.piles.push(&bundle.labels, &roots)?;
        if self.piles.held() > MOST_IN_MEMORY {
            return Err(AuditError::TooLarge);
        }
        let last = self.fold.size == self.target.size();
        let far = self.fold.size - self.saved.fold.size >= self.audit.settings.save_every;
        if full && (far || last || self.saved_at.elapsed() >= SAVE_WITHIN) {
            self.save()?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), AuditError> {
        let Some(state) = &self.state else {
            return Ok(());
        };
        self.saved = Saved {
            fold: self.fold.clone(),
            known: self.known.clone(),
            lengths: self.piles.sync()?,
            mapped: self.saved.mapped,
        };
        state.save(&self.saved)?;
        self.saved_at = Instant::now();
        Ok(())
    }

    /// A state without labels would be of no use to a later audit with them.
    fn with_map(&self) -> bool {
        self.audit.settings.map || self.state.is_some()
    }

    fn saved_size(&self) -> u64 {
        self.state.as_ref().map_or(0, |_| self.saved.fold.size)
    }

    /// Checkpoints that came to hand after their size was passed: shown by proof, since entries are not read again.
    fn prove_passed(&mut self) -> Result<(), AuditError> {
        let (passed, size) = (self.fold.size, self.target.size());
        for at in 0..self.known.len() {
            let Known { signed, found } = &self.known[at];
            let old = signed.size();
            if found.is_some() || old >= passed || old == size {
                continue;
            }
            self.known[at].found = self.prefix(old)?.map(|(root, _)| root);
        }
        Ok(())
    }

    /// The root of the first `old` entries in the tree that is signed, with a proof made from the tiles served.
    ///
    /// `None` when the tiles prove none.
    fn prefix(&self, old: u64) -> Result<Option<(Hash, Vec<Hash>)>, AuditError> {
        if old == 0 {
            return Ok(Some((Hash::empty_root(), Vec::new())));
        }
        let size = self.target.size();
        let tiles = Tiles {
            source: self.audit.source,
            size,
        };
        let proved = proof::root(&tiles, old)
            .and_then(|root| Ok((root, proof::prove_consistency(&tiles, old, size)?)));
        let (root, path) = match proved {
            Ok(proved) => proved,
            Err(SourceError::Unreadable(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let signed = self.target.root();
        let shown = proof::verify_consistency(old, size, &path, &root, &signed);
        Ok(shown.is_ok().then_some((root, path)))
    }

    /// What convicts the log before anyone who has its key, without the log.
    fn evidence(&self, known: &Known) -> Result<Option<String>, AuditError> {
        let (older, newer) = (known.signed.note().clone(), self.target.note().clone());
        let old = known.signed.size();
        if old == self.target.size() {
            return Ok(Evidence::fork(older, newer).ok().map(|e| e.to_string()));
        }
        let Some((root, path)) = self.prefix(old)? else {
            return Ok(None);
        };
        let evidence = Evidence::rewrite(older, newer, root, path);
        Ok(evidence.ok().map(|evidence| evidence.to_string()))
    }

    /// Compares checkpoints and map with what was read.
    fn judge(
        mut self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Report, AuditError> {
        let forks = self.judge_checkpoints()?;
        let counts = match self.with_map() {
            true => Some(self.judge_map(progress)?),
            false => None,
        };
        let mut all = self.fold.faults.clone();
        let others = std::mem::take(&mut self.faults);
        let unlisted = others.count - others.listed.len() as u64;
        all.extend(others.listed);
        all.count += unlisted;
        let size = self.target.size();
        let agrees =
            |known: &&Known| known.signed.size() < size && known.found == Some(known.signed.root());
        let earlier = self.known.iter().filter(agrees).count() as u64;
        self.keep(all.count == 0)?;
        Ok(Report {
            entries: self.fold.size,
            read: self.fold.size - self.begun,
            checkpoint: self.target,
            earlier,
            counts,
            faults: all.listed,
            fault_count: all.count,
            forks,
        })
    }

    fn judge_checkpoints(&mut self) -> Result<Vec<Fork>, AuditError> {
        let (found, signed) = (self.fold.root(), self.target.root());
        if found != signed {
            self.faults.note(Fault::Root { found, signed });
        }
        let later = self.target.size();
        let mut forks = Vec::new();
        for at in 0..self.known.len() {
            let known = &self.known[at];
            let (size, root) = (known.signed.size(), known.signed.root());
            let beneath = if size == later {
                Some(signed)
            } else if found == signed {
                known.found
            } else {
                // What was read is not what was signed: only the tiles may tell what was.
                self.prefix(size)?.map(|(root, _)| root)
            };
            if beneath == Some(root) {
                self.known[at].found = beneath;
            } else if beneath.is_some() {
                let earlier = size;
                self.faults.note(Fault::Forked { earlier, later });
                forks.push(Fork {
                    earlier: self.known[at].signed.to_string(),
                    later: self.target.to_string(),
                    evidence: self.evidence(&self.known[at])?,
                });
            } else {
                self.faults.note(Fault::Earlier { size });
            }
        }
        Ok(forks)
    }

    fn judge_map(
        &mut self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Counts, AuditError> {
        let mut roots = self.piles.roots()?;
        let all = roots.len();
        let last = roots.last().map_or(0, |root| root.says.size);
        // What an earlier run found right need not be compared again, and its labels come as one epoch.
        roots.retain(|root| root.says.size >= self.saved.mapped);
        if let Some(gap) = self.fold.gap {
            let whole = roots.partition_point(|root: &RootEntry| root.says.size <= gap);
            let unchecked = (roots.len() - whole) as u64;
            roots.truncate(whole);
            if unchecked > 0 {
                self.faults.note(Fault::MapUnchecked {
                    roots: unchecked,
                    gap,
                });
            }
        }
        let saved = self.saved_size();
        let task = Task {
            piles: &self.piles,
            roots: &roots,
            size: self.fold.size,
            threads: self.audit.settings.threads,
            dir: self.state.as_ref().map(|state| state.dir().join("map")),
        };
        let outcome = task.run(|done, of| {
            go_on(progress(Progress {
                stage: Stage::Map,
                done,
                of,
                saved,
            }))
        })?;
        let sound = outcome.faults.count == 0;
        let unlisted = outcome.faults.count - outcome.faults.listed.len() as u64;
        self.faults.extend(outcome.faults.listed);
        self.faults.count += unlisted;
        if sound && self.fold.gap.is_none() && all > 0 {
            self.saved.mapped = last.min(self.saved.fold.size);
        }
        Ok(Counts {
            events: self.fold.events,
            chunks: self.fold.chunks,
            map_roots: self.fold.map_roots,
            labels: outcome.labels,
            mapped: roots.last().map_or(0, |root| root.says.size),
        })
    }

    /// Keeps for the next run what it must not contradict.
    fn keep(&mut self, sound: bool) -> Result<(), AuditError> {
        let Some(state) = &self.state else {
            return Ok(());
        };
        let size = self.target.size();
        self.saved.known.clone_from(&self.known);
        if sound {
            // All earlier ones are the beginning of this one.
            self.saved.known.retain(|known| known.signed.size() == size);
        }
        for known in &mut self.saved.known {
            // Read again with the bundle it lies in.
            if known.signed.size() > self.saved.fold.size {
                known.found = None;
            }
        }
        state.save(&self.saved)?;
        let parts = state.dir().join("map");
        match std::fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(pile::io_error(&parts)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Settings {
    /// Bits of a label that choose its pile, for a log of so many entries.
    fn bits(&self, entries: u64) -> u32 {
        let chosen = || entries.div_ceil(PILE).max(1).next_power_of_two().ilog2();
        self.partition_bits.unwrap_or_else(chosen).min(MOST_BITS)
    }
}

fn go_on(flow: ControlFlow<()>) -> Result<(), AuditError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(AuditError::Stopped),
    }
}
