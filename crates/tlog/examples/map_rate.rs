//! How fast the private map takes labels, how large it is, and what proofs cost.
//!
//! `map_rate [labels] [batch] [threads] [journal]`: fills a map in batches as a restart does, hashes it, then inserts
//! batches of 1 000, of 20 000 and of 200 000 (or of `batch` alone), and proves labels. Last, up to ten million labels
//! (or `journal` labels, 41 bytes each on disk) are taken from entries and read back from the journal, in a directory made where it is called.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{
    error::Error,
    fs,
    time::{Duration, Instant},
};

use liuhen_tlog::{
    Label,
    disk::SystemDisk,
    map::{Builder, PrivateMap, Tree, prove, prove_pinned, verify},
};

/// Labels in one batch of the filling.
const FILL: usize = 4_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let count: u64 = args.next().map_or(Ok(1_000_000), |s| s.parse())?;
    let batch: Option<u64> = args.next().map(|s| s.parse()).transpose()?;
    let cores = std::thread::available_parallelism()?.get();
    let threads: usize = args.next().map_or(Ok(cores), |s| s.parse())?;
    let journal: u64 = args
        .next()
        .map_or(Ok(count.min(10_000_000)), |s| s.parse())?;
    println!("{cores} cores, {threads} threads, {count} labels");
    let mut tree = fill(count, threads);
    println!("{} MB resident", resident()? / 1000);
    let mut next = count;
    for threads in [1, threads] {
        tree.set_threads(threads);
        for size in batch.map_or(vec![1_000, 20_000, 200_000], |size| vec![size]) {
            for pinned in [false, true] {
                insert(&mut tree, &mut next, size, threads, pinned)?;
            }
        }
    }
    println!("{} MB resident", resident()? / 1000);
    show_proof(&mut tree, next)?;
    drop(tree);
    show_restart(journal, threads)
}

/// The same label for the same number, close enough to random (splitmix64).
fn label(number: u64) -> Label {
    let mut state = number.wrapping_mul(4);
    let mut label = [0; 32];
    for word in label.as_chunks_mut::<8>().0 {
        state = state.wrapping_add(1);
        let mut mixed = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        *word = (mixed ^ mixed >> 31).to_be_bytes();
    }
    label
}

fn labels(range: std::ops::Range<u64>) -> Vec<(Label, u64)> {
    range.map(|number| (label(number), number)).collect()
}

fn fill(count: u64, threads: usize) -> Tree {
    let mut builder = Builder::new(0, count);
    let mut filling = Duration::ZERO;
    for start in (0..count).step_by(FILL) {
        let mut batch = labels(start..(start + FILL as u64).min(count));
        let begin = Instant::now();
        builder.insert_batch(&mut batch);
        filling += begin.elapsed();
    }
    let begin = Instant::now();
    let tree = builder.finish(threads);
    let hashing = begin.elapsed();
    println!("filled in {filling:.1?}, hashed in {hashing:.1?}");
    tree
}

fn insert(
    tree: &mut Tree,
    next: &mut u64,
    size: u64,
    threads: usize,
    pinned: bool,
) -> Result<(), Box<dyn Error>> {
    let batches = (400_000 / size).max(2);
    let mut all: Vec<_> = (0..batches)
        .map(|batch| labels(*next + batch * size..*next + (batch + 1) * size))
        .collect();
    if pinned && !tree.pin(*next) {
        return Err("not pinned".into());
    }
    let (begin, spent) = (Instant::now(), processor_seconds()?);
    for batch in &mut all {
        tree.insert_batch(batch);
    }
    let labels = (batches * size) as f64;
    let rate = labels / begin.elapsed().as_secs_f64();
    let per_core = labels / (processor_seconds()? - spent);
    let pin = if pinned { ", pinned" } else { "" };
    println!(
        "batches of {size}, {threads} threads{pin}: {rate:.0} labels/s, {per_core:.0} a second of processor"
    );
    tree.unpin(*next);
    *next += batches * size;
    Ok(())
}

fn show_proof(tree: &mut Tree, next: u64) -> Result<(), Box<dyn Error>> {
    let mut asked: Vec<Label> = (0..1_000).map(|i| label(next / 1_000 * i)).collect();
    asked.push(label(next + 10_000_000));
    asked.sort_unstable();
    let begin = Instant::now();
    let proof = prove(tree, &asked)?;
    let proved = begin.elapsed();
    let begin = Instant::now();
    let found = verify(&asked, &proof, &tree.root())?;
    let verified = begin.elapsed();
    let found = found.iter().flatten().count();
    println!(
        "{found} present and {} absent: {} bytes, made in {proved:.1?}, verified in {verified:.1?}",
        asked.len() - found,
        proof.len()
    );
    let root = tree.root();
    tree.pin(next);
    tree.insert_batch(&mut labels(next..next + 200_000));
    let begin = Instant::now();
    let proof = prove_pinned(tree, next, &asked)?;
    println!("200 000 labels later: made in {:.1?}", begin.elapsed());
    verify(&asked, &proof, &root)?;
    Ok(())
}

/// Fills a map from the chunks of a log and opens it again from its journal.
fn show_restart(count: u64, threads: usize) -> Result<(), Box<dyn Error>> {
    let (dir, log) = (tempfile::tempdir_in(".")?, [0; 16]);
    let mut map = PrivateMap::create(&SystemDisk, dir.path(), &log, threads)?;
    let (mut taken, mut entries) = (Duration::ZERO, 0);
    for start in (0..count).step_by(1_000_000) {
        let chunks = (start / 1_000..start / 1_000 + 1_000).map(chunk_entry);
        let chunks = chunks.collect::<Option<Vec<_>>>().ok_or("no chunk")?;
        let begin = Instant::now();
        map.extend(entries, &chunks)?;
        taken += begin.elapsed();
        entries += 1_000;
    }
    let begin = Instant::now();
    map.save();
    taken += begin.elapsed();
    let newest = map.root_entry(0);
    println!("{} labels from entries in {taken:.1?}", newest.labels);
    drop(map);
    let (begin, spent) = (Instant::now(), processor_seconds()?);
    let map = PrivateMap::open(&SystemDisk, dir.path(), &log, Some(&newest), threads)?;
    let spent = processor_seconds()? - spent;
    println!(
        "opened from the journal in {:.1?}, {spent:.1} s of processor",
        begin.elapsed()
    );
    match map.root_entry(0) == newest {
        true => Ok(()),
        false => Err("another map".into()),
    }
}

fn chunk_entry(number: u64) -> Option<Vec<u8>> {
    let owners = (number * 1_000..(number + 1) * 1_000).map(|i| (label(i), [0; 32]));
    liuhen_tlog::entry::chunk(0, &[0; 32], &owners.collect::<Vec<_>>())
}

/// Seconds of processor taken by all threads: what others do on the machine counts less in them.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Ok(ticks as f64 / 100.0)
}

/// Kilobytes of memory held.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
