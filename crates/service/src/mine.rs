//! A person checks his own trace, on his own machine, believing nobody.
//!
//! Rule: `docs/trace.md`, A person's proof. He holds a key file: his trace key, the log's key and whom he believes as witnesses.
//! From his last check on he asks for the next labels only, and the newer tree must have grown from the one he saw.
//! Fetching is the caller's; this judges what comes back.

use liuhen_tlog::audit::{Source, SourceError, Tiles};
use liuhen_tlog::entry::Label;
use liuhen_tlog::note::SignedNote;
use liuhen_tlog::person::{FoundEntry, PersonError, PersonProof};
use liuhen_tlog::policy::{Policy, PolicyError, Verdict};
use liuhen_tlog::proof::{prove_consistency, verify_consistency};
use liuhen_tlog::{Checkpoint, Keys, NoteError, SignedCheckpoint};
use liuhen_vault::trace::TraceKey;
use liuhen_vault::{Key, VaultError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::event::Event;
use crate::ids;

const FIRST_LINE: &str = "liuhen trace key v1";
/// How far clocks of a log and its witnesses may differ.
const SKEW_SECONDS: u64 = 300;
/// Labels asked for at once: one answer stays below some megabytes.
const AT_ONCE: u64 = 1024;

/// What a person keeps: his key, and whom he believes.
#[derive(Debug)]
pub struct KeyFile {
    key: TraceKey,
    policy: Policy,
    /// The log's address, as the file gives it.
    address: Option<String>,
}

/// Why a text is no key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The first line is another.
    #[error("this is no key file: its first line is not \"{FIRST_LINE}\"")]
    FirstLine,
    /// No line `key …` follows, or it holds no 32 bytes in hexadecimal.
    #[error("the line with the key is malformed")]
    Key,
    /// What follows is no policy (C2SP tlog-policy).
    #[error("who is believed cannot be read: {0}")]
    Policy(#[from] PolicyError),
    /// It names no log.
    #[error("the key file names no log")]
    NoLog,
}

impl KeyFile {
    /// Reads a key file: its first line, `key` and 64 hexadecimal digits, a policy with the log in it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], which holds nothing of the key.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let rest = text.strip_prefix(FIRST_LINE);
        let rest = rest.and_then(|rest| rest.trim_start_matches('\r').strip_prefix('\n'));
        let (line, rest) = rest
            .ok_or(KeyFileError::FirstLine)?
            .split_once('\n')
            .ok_or(KeyFileError::Key)?;
        let hex = line
            .trim_end()
            .strip_prefix("key ")
            .ok_or(KeyFileError::Key)?;
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| KeyFileError::Key)?);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyFileError::Key)?;
        let policy = Policy::parse(rest.as_bytes())?;
        if policy.logs().is_empty() {
            return Err(KeyFileError::NoLog);
        }
        Ok(Self {
            key: TraceKey::new(Key::new(key)),
            address: address(&policy),
            policy,
        })
    }

    /// Writes the key file of `key` under a policy's text.
    pub(crate) fn write(key: &TraceKey, policy: &str) -> Zeroizing<String> {
        let hex = Zeroizing::new(ids::hex(key.expose()));
        Zeroizing::new(format!("{FIRST_LINE}\nkey {}\n{policy}", *hex))
    }

    /// The address of the log, where the file gives one.
    pub fn url(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Believes others instead, log and witnesses; the address stays unless they name one.
    pub fn believe(&mut self, policy: Policy) {
        self.address = address(&policy).or(self.address.take());
        self.policy = policy;
    }

    /// Whether the policy asks for any witness's word at all.
    #[must_use]
    pub fn demands_witnesses(&self) -> bool {
        self.policy.threshold() != Some(0)
    }

    /// The logs of the policy, each with the keys that its statements lead on to.
    fn logs(&self, log: &dyn Asked) -> Result<Vec<Keys>, MineError> {
        let statements = log.get("keys")?.unwrap_or_default();
        let logs = self.policy.logs().iter().map(|log| log.key.clone());
        let following = logs.map(|key| Keys::believed(key, &statements));
        Ok(following.collect())
    }

    fn labels(&self, from: u64) -> Vec<Label> {
        let to = from.saturating_add(AT_ONCE);
        (from..to).map(|n| self.key.label(n)).collect()
    }
}

fn address(policy: &Policy) -> Option<String> {
    policy.logs().iter().find_map(|log| log.url.clone())
}

/// What a person knows from his last check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Number of the first entry not seen.
    pub next: u64,
    /// Of those seen, looks that released something.
    pub looks: u64,
    /// One past the highest place in the log of those seen.
    pub reach: u64,
    /// The list was complete up to this place in the log …
    pub covered: u64,
    /// … and up to this time: milliseconds since 1970, UTC.
    pub covered_ms: u64,
    /// The largest checkpoint ever seen.
    pub checkpoint: String,
}

impl Seen {
    /// Nothing seen yet.
    fn nothing() -> Self {
        Self {
            next: 0,
            looks: 0,
            reach: 0,
            covered: 0,
            covered_ms: 0,
            checkpoint: String::new(),
        }
    }

    /// To look at every entry again, without forgetting the tree that was seen.
    #[must_use]
    pub fn from_the_first(&self) -> Self {
        Self {
            next: 0,
            looks: 0,
            reach: 0,
            ..self.clone()
        }
    }

    /// The checkpoint seen. It is our own file, so it need not be believed again, whatever keys a log names by now.
    fn tree(&self) -> Option<Checkpoint> {
        let note = SignedNote::parse(self.checkpoint.as_bytes()).ok()?;
        Checkpoint::parse(note.text()).ok()
    }
}

/// What stands against the log, or hindered the check.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// The log cannot be reached; nothing is known.
    #[error("{0}")]
    Unreachable(String),
    /// The checkpoint is not signed by the log that the key file names.
    #[error("the log's checkpoint: {0}")]
    Checkpoint(#[source] NoteError),
    /// The proof does not hold.
    #[error("{0}")]
    Proof(#[from] PersonError),
    /// An entry under one's label does not open with one's key.
    #[error("entry {n} under your labels does not open with your key")]
    Closed {
        /// Its number.
        n: u64,
    },
    /// Less is shown now than at the last check. That may pass; if it stays, the log withholds what it had shown.
    #[error(
        "the log shows its state up to entry {now}, and you saw it up to entry {before}: ask again later; a log that stays behind withholds something"
    )]
    Older {
        /// The list was complete below this index.
        before: u64,
        /// And is now shown to be below this one.
        now: u64,
    },
    /// The map root is dated later than it was confirmed.
    #[error("the map root is dated later than its confirmation")]
    Future,
    /// What is shown now is smaller than what was seen at the last check, and the rest is not shown to be there: the log went back, or withholds it.
    #[error(
        "the log shows {new} entries and does not show that they belong to the {old} entries you saw before: it went back, or withholds them"
    )]
    WentBack {
        /// Entries seen before.
        old: u64,
        /// Entries now.
        new: u64,
    },
    /// The tree does not contain the one seen at the last check: the log was changed.
    #[error(
        "the log of {new} entries does not contain the log of {old} entries that you saw before: entries were changed or removed"
    )]
    Changed {
        /// Entries seen before.
        old: u64,
        /// Entries now.
        new: u64,
    },
}

impl MineError {
    /// Whether the log is at fault, rather than the way to it.
    pub fn is_lie(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::Older { .. })
    }
}

impl From<SourceError> for MineError {
    fn from(error: SourceError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// One entry under a person's labels.
#[derive(Debug, Clone, Serialize)]
pub struct MineEntry {
    /// Its number, from zero.
    pub n: u64,
    /// Where it stands in the log.
    pub index: u64,
    /// What it says.
    pub event: Event,
}

/// The outcome of a check that held.
#[derive(Debug)]
pub struct Mine {
    /// Entries that are new since the last check.
    pub new: Vec<MineEntry>,
    /// What to remember for the next check; the list is complete up to its `covered` and `covered_ms`.
    pub seen: Seen,
    /// Entries of the log that the list does not cover yet.
    pub uncovered: u64,
    /// Which witnesses cosigned the checkpoint.
    pub verdict: Verdict,
    /// Whether those that cosigned suffice, for every entry counted.
    pub confirmed: bool,
}

/// What fetches from the log.
pub trait Asked: Source {
    /// Asks for a person's proof.
    ///
    /// # Errors
    ///
    /// [`SourceError`] when none came back.
    fn person_proof(&self, question: &[u8]) -> Result<Vec<u8>, SourceError>;
}

/// Checks what the log holds under the labels of `file`, from the last check on.
///
/// Answers may come in parts, each under a checkpoint of its own; all of them, and the one seen last time, must be
/// states of one log, and only the last part's witnesses count.
///
/// # Errors
///
/// [`MineError`]; [`MineError::is_lie`] tells a log at fault from one out of reach.
pub fn check(file: &KeyFile, log: &dyn Asked, last: Option<&Seen>) -> Result<Mine, MineError> {
    let logs = file.logs(log)?;
    // What was seen of another log says nothing of this one.
    let ours = |seen: &&Seen| {
        let tree = seen.tree();
        tree.is_some_and(|tree| logs.iter().any(|log| log.first().name() == tree.origin))
    };
    let last = last.filter(ours);
    let mut seen = last.cloned().unwrap_or_else(Seen::nothing);
    let mut known: Vec<Checkpoint> = last.and_then(Seen::tree).into_iter().collect();
    let mut new = Vec::new();
    loop {
        let labels = file.labels(seen.next);
        let proof = PersonProof::parse(&log.person_proof(&question(seen.next, &labels))?)?;
        let signed = believed(&logs, proof.checkpoint()).map_err(MineError::Checkpoint)?;
        let found = proof.check(seen.next, &labels, &signed)?;
        for entry in &found.entries {
            new.push(seen.take(&file.key, entry)?);
        }
        if !found.complete && !found.entries.is_empty() {
            known.push(signed.checkpoint().clone());
            continue;
        }
        let verdict = file.policy.check(&signed);
        let verdict = verdict.map_err(MineError::Checkpoint)?;
        check_one_log(log, signed.checkpoint(), &known)?;
        check_time(found.covered_ms, &verdict)?;
        if found.covered < seen.covered || found.covered_ms < seen.covered_ms {
            return Err(MineError::Older {
                before: seen.covered,
                now: found.covered,
            });
        }
        (seen.covered, seen.covered_ms) = (found.covered, found.covered_ms);
        let largest = known.iter().map(|tree| tree.size).max().unwrap_or(0);
        if signed.size() >= largest || seen.checkpoint.is_empty() {
            seen.checkpoint = signed.to_string();
        }
        return Ok(Mine {
            // Entries beyond the cosigned tree are the log's own word.
            confirmed: verdict.quorum && seen.reach <= signed.size(),
            uncovered: signed.size() - found.covered,
            new,
            seen,
            verdict,
        });
    }
}

impl Seen {
    /// Opens the next entry and counts it.
    fn take(&mut self, key: &TraceKey, entry: &FoundEntry<'_>) -> Result<MineEntry, MineError> {
        let n = entry.n;
        let event = open(key, entry).ok_or(MineError::Closed { n })?;
        self.looks += u64::from(event.is_look());
        self.next = n + 1;
        let shared = entry.shared.as_ref().map_or(0, |shared| shared.index);
        self.reach = self.reach.max(entry.index.max(shared) + 1);
        Ok(MineEntry {
            n,
            index: entry.index,
            event,
        })
    }
}

/// A map root may not be dated after those who confirmed it, nor after now; clocks may differ a little.
fn check_time(time_ms: u64, verdict: &Verdict) -> Result<(), MineError> {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(u64::MAX);
    let newest = verdict.cosigned.iter().map(|one| one.time).max();
    let latest = newest.unwrap_or(now).saturating_add(SKEW_SECONDS);
    match time_ms / 1000 <= latest {
        true => Ok(()),
        false => Err(MineError::Future),
    }
}

/// A checkpoint that one of the logs signed.
fn believed(logs: &[Keys], bytes: &[u8]) -> Result<SignedCheckpoint, NoteError> {
    let mut refused = NoteError::Unsigned;
    for keys in logs {
        match keys.verify_checkpoint(bytes) {
            Ok(signed) => return Ok(signed),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn question(from: u64, labels: &[Label]) -> Vec<u8> {
    let mut question = from.to_be_bytes().to_vec();
    question.extend(labels.iter().flatten());
    question
}

/// Opens an entry with the person's key: his own leaf, or the event he shares with others.
fn open(key: &TraceKey, entry: &FoundEntry<'_>) -> Option<Event> {
    let opened: Result<_, VaultError> = match &entry.shared {
        None => key.open_leaf(entry.n, entry.leaf),
        Some(shared) => key.unwrap(entry.n, shared.wrap).open_shared(shared.leaf),
    };
    Event::from_bytes(opened.ok()?.event.as_bytes())
}

/// Every tree known must be the beginning of this one, or this one of it.
fn check_one_log(
    source: &dyn Asked,
    now: &Checkpoint,
    known: &[Checkpoint],
) -> Result<(), MineError> {
    known
        .iter()
        .try_for_each(|before| check_growth(source, before, now))
}

/// One of the two trees must be the beginning of the other.
fn check_growth(
    source: &dyn Asked,
    before: &Checkpoint,
    now: &Checkpoint,
) -> Result<(), MineError> {
    let changed = MineError::Changed {
        old: before.size,
        new: now.size,
    };
    // A cosigned checkpoint may be a little older than one seen without.
    let (small, large) = match before.size <= now.size {
        true => (before, now),
        false => (now, before),
    };
    if small.size == 0 {
        return Ok(());
    }
    let tiles = Tiles {
        source,
        size: large.size,
    };
    let path = match prove_consistency(&tiles, small.size, large.size) {
        // It answers, and has not what it showed before.
        Err(SourceError::Unreadable(_)) if small.size == now.size => {
            return Err(MineError::WentBack {
                old: before.size,
                new: now.size,
            });
        }
        path => path?,
    };
    verify_consistency(small.size, large.size, &path, &small.root, &large.root).map_err(|_| changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "log liuhen.invalid/log_7t3nfxyylaplmshd+b443a938+AciepXnBHRcBnALMNaQIIk/BSqgfAo3j9HtBwwqw0b7I http://127.0.0.1:8420\nquorum none\n";

    #[test]
    fn key_files_come_back() {
        let key = TraceKey::new(Key::new([0xA7; 32]));
        let text = KeyFile::write(&key, POLICY);
        let file = KeyFile::parse(&text).unwrap();
        assert_eq!(file.key.label(3), key.label(3));
        assert_eq!(file.url(), Some("http://127.0.0.1:8420"));
        assert!(!file.demands_witnesses());
        let mut file = file;
        let others = POLICY.replace(" http://127.0.0.1:8420", "");
        file.believe(Policy::parse(others.as_bytes()).unwrap());
        assert_eq!(
            file.url(),
            Some("http://127.0.0.1:8420"),
            "the address stays"
        );
        assert!(KeyFile::parse(&text.replacen('\n', "\r\n", 1)).is_ok());
    }

    #[test]
    fn refuses_what_is_no_key_file() {
        let text = KeyFile::write(&TraceKey::new(Key::new([0xA7; 32])), POLICY);
        let rows = [
            ("empty", String::new()),
            ("another first line", text.replacen("v1", "v2", 1)),
            ("key cut short", text.replacen("a7a7", "a7", 1)),
            ("key not in hexadecimal", text.replacen("a7a7", "xxxx", 1)),
            ("no policy", text.split("log ").next().unwrap().to_owned()),
            (
                "no log",
                format!("{}quorum none\n", text.split("log ").next().unwrap()),
            ),
            ("policy damaged", text.replacen("quorum", "quarum", 1)),
        ];
        for (name, text) in rows {
            assert!(KeyFile::parse(&text).is_err(), "{name}");
        }
    }
}
