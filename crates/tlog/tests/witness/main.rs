//! Witnesses: the exchange of the specification, logs that lie, disks that fail, clocks that jump.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod faults;
mod liars;
mod submission;

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use liuhen_tlog::{
    Checkpoint, Cosigner, CosignerVerifier, Hash, LogKey, SignedCheckpoint, Signer, Verifier,
    Witness, leaf_hash,
    note::{Signature, SignedNote},
    proof,
    tree::MemoryTree,
    witness::{AddCheckpoint, Answer, Clock, Options},
};

use common::Unsynced;

const ORIGIN: &str = "log.example/a";
const NOW: u64 = 1_700_000_000;

/// A log in memory that can show any tree it likes.
struct TestLog {
    signer: Signer,
    tree: MemoryTree,
}

impl TestLog {
    /// Hundred entries; those from `honest` on are those of a fork, unlike any other log's.
    fn forked(origin: &str, seed: u8, honest: u64, fork: u8) -> Self {
        let leaf = |i: u64| {
            let tag = if i < honest { 0 } else { fork };
            leaf_hash(&[&[tag], &i.to_be_bytes()[..]].concat())
        };
        Self {
            signer: LogKey::from_seed(&[seed; 32]).signer(origin).unwrap(),
            tree: MemoryTree::new((0..100).map(leaf).collect()),
        }
    }

    fn new(origin: &str, seed: u8) -> Self {
        Self::forked(origin, seed, 100, 0)
    }

    fn key(&self) -> Verifier {
        self.signer.verifier()
    }

    fn root(&self, size: u64) -> Hash {
        let Ok(root) = proof::root(&self.tree, size);
        root
    }

    fn checkpoint(&self, size: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: self.key().name().to_owned(),
            size,
            root: self.root(size),
            extensions: Vec::new(),
        };
        checkpoint.sign(&self.signer).unwrap()
    }

    fn proof(&self, old: u64, new: u64) -> Vec<Hash> {
        let Ok(path) = proof::prove_consistency(&self.tree, old, new);
        path
    }

    /// A request for `new` entries, grown from `old`.
    fn body(&self, old: u64, new: u64) -> String {
        request(old, self.proof(old, new), self.checkpoint(new).note())
    }
}

fn request(old: u64, proof: Vec<Hash>, note: &SignedNote) -> String {
    let request = AddCheckpoint::new(old, proof, note.clone());
    request.unwrap().to_string()
}

fn cosigner() -> Cosigner {
    Cosigner::from_seed("witness.example/w1", &[9; 32]).unwrap()
}

fn write_logs(dir: &Path, keys: &[Verifier]) {
    let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
    fs::write(dir.join("logs"), format!("# logs of a test\n{lines}")).unwrap();
}

/// A clock to be set, or one that counts its readings.
fn clock_of(time: &Arc<AtomicU64>, step: u64) -> Clock {
    let time = Arc::clone(time);
    Arc::new(move || time.fetch_add(step, Ordering::SeqCst))
}

fn options() -> Options {
    Options {
        disk: Arc::new(Unsynced),
        clock: Arc::new(|| NOW),
    }
}

fn witness(dir: &Path, keys: &[Verifier]) -> Witness {
    write_logs(dir, keys);
    Witness::open(dir, cosigner(), options()).unwrap()
}

/// The time of the cosignature answered; panics at any other answer.
fn cosigned(answer: Answer, checkpoint: &SignedCheckpoint, by: &CosignerVerifier) -> u64 {
    let Answer::Cosigned(lines) = &answer else {
        panic!("{answer:?}");
    };
    let [line] = &lines[..] else {
        panic!("{} lines", lines.len());
    };
    by.check(checkpoint.note().text(), line).unwrap()
}

fn lines_of(body: &str) -> Vec<Signature> {
    body.lines()
        .map(|line| Signature::parse(line).unwrap())
        .collect()
}

fn hash_of(origin: &str) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(origin);
    hash.iter().map(|b| format!("{b:02x}")).collect()
}
