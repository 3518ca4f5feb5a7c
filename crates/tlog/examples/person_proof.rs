//! How large a person's proof is, and how long it takes to make and to check.
//!
//! `person_proof [entries] [reads] [file]`: a log in memory of so many entries, each with a label of its own in the map,
//! among them one person's reads, spread over all of it. Writes the proof as a case into `file`, for
//! `node crates/server/assets/person-proof.bench.mjs file`.
//!
//! `person_proof disk directory [reads]`: the same from the tiles of a log that `audit_rate` filled, its map in memory.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]

use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error,
    fmt, fs,
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use liuhen_tlog::{
    Checkpoint, Hash, Label, Log, LogError, LogKey, MapRoot, Options, SignedCheckpoint, leaf_hash,
    map::{self, Builder},
    person::{PersonProof, Source, build},
    proof::{self, Nodes},
    tree::MemoryTree,
};
use sha2::{Digest, Sha256};

const ORIGIN: &str = "bench.example/person";
const KEY: [u8; 32] = [7; 32];
const ROUNDS: usize = 20;
/// Entries from one map root to the next in a log of `audit_rate`.
const EPOCH: u64 = 200_000;

struct Whole {
    tree: MemoryTree,
    map: map::Tree,
    entries: HashMap<u64, Vec<u8>>,
}

impl Nodes for Whole {
    type Error = Infallible;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        self.tree.node(level, index)
    }
}

impl Source for Whole {
    fn find(&self, label: &Label) -> Result<Option<u64>, Infallible> {
        Ok(self.map.get(label))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, Infallible> {
        Ok(map::prove(&self.map, sorted).unwrap_or_default())
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, Infallible> {
        Ok(self.entries.get(&index).cloned().unwrap_or_default())
    }
}

/// A log on disk, its map in memory.
struct OnDisk {
    log: Log,
    map: map::Tree,
}

impl Nodes for OnDisk {
    type Error = LogError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        self.log.nodes().node(level, index)
    }
}

impl Source for OnDisk {
    fn find(&self, label: &Label) -> Result<Option<u64>, LogError> {
        Ok(self.map.get(label))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, LogError> {
        Ok(map::prove(&self.map, sorted).unwrap_or_default())
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        self.log.leaf(index)
    }

    fn entries(&self, indexes: &[u64]) -> Result<Vec<Vec<u8>>, LogError> {
        self.log.leaves(indexes)
    }

    fn prove_entries(&self, indexes: &[u64], size: u64) -> Result<Vec<Hash>, LogError> {
        self.log.prove_entries(indexes, size)
    }
}

fn sha(parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    parts.iter().for_each(|part| sha.update(part));
    sha.finalize().into()
}

/// Label n of the person: HMAC (RFC 2104), so that the browser's verifier finds it too.
fn label(n: u64) -> Label {
    let pad = |byte: u8| {
        let mut pad = [byte; 64];
        pad.iter_mut().zip(KEY).for_each(|(pad, key)| *pad ^= key);
        pad
    };
    let inner = sha(&[&pad(0x36), b"liuhen/label/v1", &n.to_be_bytes()]);
    sha(&[&pad(0x5c), &inner])
}

fn event(label: &Label, blocks: usize) -> Vec<u8> {
    let mut entry = vec![1];
    entry.extend_from_slice(label);
    entry.resize(65 + 256 * blocks + 16, 9);
    entry
}

/// A log whose other entries are stood for by some hash: nobody asks for them.
fn whole(entries: u64, reads: u64, blocks: usize) -> Whole {
    let mut given = HashMap::new();
    let mut leaves = Vec::new();
    let mut labels = Vec::new();
    let step = (entries / reads).max(1);
    for index in 0..entries {
        let (n, own) = (
            index / step,
            index % step == step / 2 && index / step < reads,
        );
        let label = if own {
            label(n)
        } else {
            sha(&[&index.to_be_bytes()])
        };
        labels.push((label, index));
        if own {
            let entry = event(&label, blocks);
            leaves.push(leaf_hash(&entry));
            given.insert(index, entry);
        } else {
            leaves.push(Hash(label));
        }
    }
    let mut builder = Builder::new(0, entries);
    for batch in labels.chunks_mut(1_000_000) {
        builder.insert_batch(batch);
    }
    let map = builder.finish(2);
    let root = MapRoot {
        size: entries,
        labels: map.len(),
        time_ms: 0,
        root: map.root(),
    };
    leaves.push(leaf_hash(&root.to_bytes()));
    given.insert(entries, root.to_bytes());
    Whole {
        tree: MemoryTree::new(leaves),
        map,
        entries: given,
    }
}

fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64)
        * 1e3
}

/// Milliseconds that something done many times took each time.
struct Spent {
    best: f64,
    middle: f64,
    /// All threads together.
    processor: f64,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            best,
            middle,
            processor,
        } = self;
        write!(
            f,
            "{middle:.2} ms (best {best:.2}, processor {processor:.2})"
        )
    }
}

/// Processor time of this process so far, its ended threads included, in ms. Linux counts it in hundredths of a second.
fn processor() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(11)
        .take(2)
        .map(str::parse::<f64>)
        .sum::<Result<f64, _>>()?;
    Ok(ticks * 10.0)
}

fn timed<T>(
    mut work: impl FnMut() -> Result<T, Box<dyn Error>>,
) -> Result<(T, Spent), Box<dyn Error>> {
    let mut times = Vec::new();
    let before = processor()?;
    loop {
        let begin = Instant::now();
        let done = work()?;
        times.push(begin.elapsed());
        if times.len() >= ROUNDS {
            let processor = (processor()? - before) / ROUNDS as f64;
            let best = times.iter().min().map_or(0.0, Duration::as_secs_f64) * 1e3;
            let spent = Spent {
                best,
                middle: middle(times),
                processor,
            };
            return Ok((done, spent));
        }
    }
}

fn measure(entries: u64, reads: u64, blocks: usize) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let whole = whole(entries, reads, blocks);
    let key = LogKey::from_seed(&[1; 32]);
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: entries + 1,
        root: proof::root(&whole.tree, entries + 1)?,
        extensions: Vec::new(),
    };
    let checkpoint = checkpoint.sign(&key.signer(ORIGIN)?)?;
    let labels: Vec<Label> = (0..=reads).map(label).collect();
    let (bytes, building) =
        timed(|| Ok(build(0, &labels, &checkpoint, entries, &whole)?.to_bytes()))?;
    let verifier = key.verifier(ORIGIN)?;
    let (found, checking) = timed(|| {
        let proof = PersonProof::parse(&bytes)?;
        let checkpoint = SignedCheckpoint::verify(proof.checkpoint(), &verifier)?;
        let labels: Vec<Label> = (0..=reads).map(label).collect();
        let found = proof.check(0, &labels, &checkpoint)?;
        Ok((found.entries.len() as u64, found.complete))
    })?;
    assert_eq!(found, (reads, true));
    let content: usize = whole.entries.values().map(Vec::len).sum();
    println!(
        "{entries} entries, {reads} reads of {} bytes: proof {} bytes, {} without entries; \
         made in {building}, checked in {checking}",
        65 + 256 * blocks + 16,
        bytes.len(),
        bytes.len() - content,
    );
    Ok((bytes, verifier.to_string()))
}

/// The map of a log whose events bear the labels that `audit_rate` gives them.
fn map_of(size: u64) -> map::Tree {
    let mut builder = Builder::new(0, size);
    for start in (0..size).step_by(1_000_000) {
        let indexes = start..(start + 1_000_000).min(size);
        let events = indexes.filter(|index| index % EPOCH != EPOCH - 1);
        let mut batch: Vec<(Label, u64)> = events.map(|index| (numbered(index), index)).collect();
        builder.insert_batch(&mut batch);
    }
    builder.finish(2)
}

fn numbered(index: u64) -> Label {
    leaf_hash(&index.to_be_bytes()).0
}

fn measure_disk(dir: &Path, reads: u64) -> Result<(), Box<dyn Error>> {
    let key = LogKey::from_seed(&[1; 32]);
    // Whoever filled the log kept nothing of its own: all is taken for acknowledged.
    let head = fs::read_to_string(dir.join("log/checkpoint"))?;
    let acknowledged = head.lines().nth(1).unwrap_or_default().parse()?;
    let options = Options {
        acknowledged,
        ..Options::default()
    };
    let (log, _) = Log::open(&dir.join("log"), key, options)?;
    let (verifier, checkpoint) = (log.verifier().clone(), log.checkpoint());
    // The last map root covers all before it.
    let root_index = checkpoint.size() / EPOCH * EPOCH - 1;
    let map = map_of(root_index);
    let source = OnDisk { log, map };
    let step = root_index / reads;
    let own = (0..reads).map(|n| n * step + step / 2);
    let own = own.map(|index| {
        if index % EPOCH == EPOCH - 1 {
            index - 1
        } else {
            index
        }
    });
    let labels: Vec<Label> = own.chain([u64::MAX]).map(numbered).collect();
    let begin = Instant::now();
    let made = || Ok(build(0, &labels, &checkpoint, root_index, &source)?.to_bytes());
    let bytes = made()?;
    let first = begin.elapsed();
    let (_, building) = timed(made)?;
    let (found, checking) = timed(|| {
        let proof = PersonProof::parse(&bytes)?;
        let checkpoint = SignedCheckpoint::verify(proof.checkpoint(), &verifier)?;
        let found = proof.check(0, &labels, &checkpoint)?;
        Ok((found.entries.len() as u64, found.complete))
    })?;
    assert_eq!(found, (reads, true));
    println!(
        "on disk, {} entries, {reads} reads: proof {} bytes; first made in {first:.1?}, then in {building}, checked in {checking}",
        checkpoint.size(),
        bytes.len()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    if std::env::args().nth(1).is_some_and(|word| word == "disk") {
        let dir = args.nth(1).ok_or("which directory?")?;
        return measure_disk(
            Path::new(&dir),
            args.next().map_or(Ok(1_000), |s| s.parse())?,
        );
    }
    let entries: u64 = args.next().map_or(Ok(1_000_000), |s| s.parse())?;
    let reads: u64 = args.next().map_or(Ok(1_000), |s| s.parse())?;
    let file = args.next();
    measure(entries, reads, 1)?;
    let (bytes, vkey) = measure(entries, reads, 2)?;
    if let Some(file) = file {
        let case = serde_json::json!({
            "origin": ORIGIN, "vkey": vkey, "policy": {"quorum": 0, "witnesses": []},
            "cases": [{
                "name": format!("{reads} reads among {entries}"),
                "trace_key": KEY.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                "from": 0, "asked": reads + 1, "proof": STANDARD.encode(&bytes),
            }],
        });
        std::fs::write(file, case.to_string())?;
    }
    Ok(())
}
