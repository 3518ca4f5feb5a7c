//! How fast a whole log is audited: every entry, every tile, every map root.
//!
//! `audit_rate [entries] [directory] [state]`: fills a log in the directory unless one is there, of
//! 350-byte events with a map root after every 200,000, and audits it. With `state`, labels are
//! kept in files; without, in memory.
//! Filling waits for no disk; entries take about 360 bytes each.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]
#![expect(clippy::expect_used, reason = "filling has nobody to answer to")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{error::Error, fs, io, ops::ControlFlow, path::Path, sync::Arc, time::Instant};

use liuhen_tlog::{
    Keys, Label, Log, LogKey, MapRoot, Options,
    audit::{Audit, DirSource, Settings, Stage},
    entry, leaf_hash,
    map::Tree,
};

/// Entries from one map root to the next.
const EPOCH: u64 = 200_000;
/// Label, commitment and a ciphertext of one block: what the smallest event takes.
const EVENT: usize = 1 + 32 + 32 + 256 + 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let entries: u64 = args.next().map_or(Ok(200_000), |s| s.parse())?;
    let dir = args.next().unwrap_or_else(|| "audit-bench".to_owned());
    let dir = Path::new(&dir);
    let log = dir.join("log");
    let key = LogKey::from_seed(&[1; 32]);
    if !log.exists() {
        fill(&log, entries)?;
    }
    let state = args.next().map(|name| dir.join(name));
    let verifier = key.signer("bench.example/audit")?.verifier();
    let audit = Audit {
        source: &DirSource::new(&log),
        log: &Keys::of(verifier),
        earlier: Vec::new(),
        state: state.as_deref(),
        settings: Settings::default(),
    };
    let begin = Instant::now();
    let mut read = 0.0;
    let report = audit.run(&mut |step| {
        if step.stage == Stage::Entries {
            read = begin.elapsed().as_secs_f64();
        }
        ControlFlow::Continue(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let bytes = report.read * (EVENT as u64 + 2 + 32);
    println!(
        "{} entries in {seconds:.2} s ({read:.2} s reading): {:.0}/s, {:.0} MB/s, {:.0} MiB at most, {} faults",
        report.read,
        report.read as f64 / seconds,
        bytes as f64 / 1e6 / seconds,
        peak()?,
        report.fault_count
    );
    println!("{:?}", report.counts);
    Ok(())
}

/// Fills a log with events and map roots.
fn fill(dir: &Path, entries: u64) -> Result<(), Box<dyn Error>> {
    let key = LogKey::from_seed(&[1; 32]);
    fs::create_dir_all(dir)?;
    Log::create(dir, &key, "bench.example/audit")?;
    let options = Options {
        disk: Arc::new(common::Unsynced),
        ..Options::default()
    };
    let (log, _) = Log::open(dir, key, options)?;
    let mut tree = Tree::new(0);
    let mut batch: Vec<(Label, u64)> = Vec::new();
    for index in 0..entries {
        if index % EPOCH == EPOCH - 1 {
            tree.insert_batch(&mut batch);
            batch.clear();
            let root = MapRoot {
                size: index,
                labels: tree.len(),
                time_ms: index,
                root: tree.root(),
            };
            log.append_blocking(root.to_bytes(), Vec::new())?;
            continue;
        }
        let label = leaf_hash(&index.to_be_bytes()).0;
        batch.push((label, index));
        let mut event = vec![0x5a; EVENT];
        event[0] = entry::EVENT;
        event[1..33].copy_from_slice(&label);
        // Now and then the queue is waited for, and the write-ahead log let go.
        if index % 10_000 == 9_999 {
            log.append_blocking(event, Vec::new())?;
            log.acknowledge(log.size());
        } else {
            log.append(event, Vec::new(), |done| drop(done.expect("appended")));
        }
    }
    log.checkpoint_now()?;
    log.close()?;
    Ok(())
}

/// Most memory that this process ever held, in MiB.
fn peak() -> io::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(number.unwrap_or(f64::NAN) / 1024.0)
}
