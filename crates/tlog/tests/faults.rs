//! Disks that fail and processes that are killed: nothing answered is lost.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;
mod failing;

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use liuhen_tlog::{Log, LogError, LogKey, Options, verify_dir};

use common::Unsynced;
use failing::Failing;

const ORIGIN: &str = "faults.example/log";
const CHILD: &str = "LIUHEN_TLOG_KILL_DIR";

fn key() -> LogKey {
    LogKey::from_seed(&[6; 32])
}

/// Opens, checks that `answered` are all there, and that the log verifies and goes on.
fn assert_nothing_lost(dir: &Path, answered: &HashMap<u64, Vec<u8>>, name: &str) {
    let options = Options {
        disk: Arc::new(Unsynced),
        ..Options::default()
    };
    let (log, recovered) = Log::open(dir, key(), options).unwrap();
    for (index, leaf) in answered {
        assert_eq!(&log.leaf(*index).unwrap(), leaf, "{name}: entry {index}");
        let at = usize::try_from(*index).unwrap();
        assert_eq!(&recovered[at].leaf, leaf, "{name}: record {index}");
    }
    log.append_blocking(b"goes on".to_vec(), Vec::new())
        .unwrap();
    log.close().unwrap();
    let report = verify_dir(dir, Some(log.verifier()), |_| {}).unwrap();
    assert_eq!(report.faults, [], "{name}");
    assert_eq!(report.entries, log.size(), "{name}");
}

/// Appends with checkpoints and rotations on a disk that fails after `good` acts.
fn run_until_failure(dir: &Path, good: i64, error: io::ErrorKind) -> (HashMap<u64, Vec<u8>>, bool) {
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let disk = Arc::new(Failing {
        left: Arc::clone(&left),
        error,
    });
    Log::create(dir, &key(), ORIGIN).unwrap();
    let options = Options {
        segment_bytes: 1500,
        disk,
        ..Options::default()
    };
    let (log, _) = Log::open(dir, key(), options).unwrap();
    left.store(good, Ordering::SeqCst);
    let mut answered = HashMap::new();
    let mut refused = 0;
    for round in 0..12u32 {
        let leaf = vec![u8::try_from(round).unwrap(); 300];
        match log.append_blocking(leaf.clone(), Vec::new()) {
            Ok(done) => {
                assert_eq!(refused, 0, "answered after a failure");
                answered.insert(done.index, leaf);
            }
            Err(LogError::Poisoned { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        if round % 4 == 3 {
            let _ = log.checkpoint_now();
        }
    }
    // Reading goes on.
    for (index, leaf) in &answered {
        assert_eq!(&log.leaf(*index).unwrap(), leaf);
    }
    let failed = log.poisoned().is_some();
    assert_eq!(log.close().is_err(), log.poisoned().is_some());
    (answered, failed || log.poisoned().is_some())
}

#[test]
fn a_failure_at_every_write_and_sync_stops_the_log_and_loses_nothing() {
    for error in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        let mut good = 0;
        loop {
            let dir = tempfile::tempdir().unwrap();
            let (answered, failed) = run_until_failure(dir.path(), good, error);
            assert_nothing_lost(dir.path(), &answered, &format!("{error} after {good} acts"));
            if !failed {
                break;
            }
            good += 1;
        }
        assert!(good > 60, "only {good} acts were made to fail");
    }
}

#[test]
fn one_failed_sync_refuses_all_that_wait_and_all_that_follow() {
    let dir = tempfile::tempdir().unwrap();
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let disk = Arc::new(Failing {
        left: Arc::clone(&left),
        error: io::ErrorKind::Other,
    });
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let options = Options {
        disk,
        ..Options::default()
    };
    let (log, _) = Log::open(dir.path(), key(), options).unwrap();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    left.store(1, Ordering::SeqCst);
    for _ in 0..100 {
        let outcomes = Arc::clone(&outcomes);
        log.append(b"leaf".to_vec(), Vec::new(), move |r| {
            outcomes.lock().unwrap().push(r.is_ok())
        });
    }
    // The disk is well again, but what the failed sync left behind is unknown.
    thread::sleep(Duration::from_millis(50));
    left.store(i64::MAX, Ordering::SeqCst);
    let refused = log
        .append_blocking(b"later".to_vec(), Vec::new())
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the log takes no more entries since a write failed")
    );
    assert!(log.close().is_err());
    assert_eq!(*outcomes.lock().unwrap(), vec![false; 100]);
}

/// The child of the kill test: appends for ever, and prints each index once answered.
#[test]
fn child_appends_until_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let options = Options {
        acknowledged: first_segment(Path::new(&dir)),
        checkpoint_within: Duration::from_millis(6),
        segment_bytes: 20_000,
        ..Options::default()
    };
    let (log, recovered) = Log::open(Path::new(&dir), key(), options).unwrap();
    // A consumer that has projected half of what came back.
    log.acknowledge(recovered.get(recovered.len() / 2).map_or(0, |r| r.index));
    let log = Arc::new(log);
    for writer in 1..8u64 {
        let log = Arc::clone(&log);
        thread::spawn(move || append_for_ever(&log, writer));
    }
    append_for_ever(&log, 0);
}

fn append_for_ever(log: &Log, writer: u64) {
    for n in 0u64.. {
        let leaf = format!("{writer}-{n}-{}", std::process::id());
        let done = log
            .append_blocking(leaf.clone().into_bytes(), vec![7; 40])
            .unwrap();
        let mut out = io::stdout().lock();
        writeln!(out, "answered {} {leaf}", done.index).unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn kill_dash_nine_loses_no_answered_append() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let mut answered: HashMap<u64, String> = HashMap::new();
    for round in 0..6u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_appends_until_killed", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, hear) = channel();
        let reader = thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            let answers = lines.filter_map(|line| {
                let (index, leaf) = line.strip_prefix("answered ")?.split_once(' ')?;
                Some((index.parse::<u64>().ok()?, leaf.to_owned()))
            });
            answers.for_each(|answer| tell.send(answer).unwrap());
        });
        // Kill at another moment of the log's life each time, but not before it lives.
        let least = usize::try_from(40 + 97 * round).unwrap();
        let mut new: Vec<_> = hear.iter().take(least).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        assert_eq!(
            new.len(),
            least,
            "the child of round {round} ended by itself"
        );
        new.extend(hear.try_iter());
        for (index, leaf) in new {
            assert!(
                answered.insert(index, leaf).is_none(),
                "index {index} given twice"
            );
        }
        let report = verify_dir(dir.path(), None, |_| {}).unwrap();
        assert_eq!(report.faults, [], "after kill {round}");
    }
    assert!(
        answered.len() > 100,
        "only {} were answered",
        answered.len()
    );
    // What the last child acknowledged may be gone from the write-ahead log, not from the log.
    let begins = first_segment(dir.path());
    let options = Options {
        acknowledged: begins,
        ..Options::default()
    };
    let (log, _) = Log::open(dir.path(), key(), options).unwrap();
    for (index, leaf) in &answered {
        assert_eq!(log.leaf(*index).unwrap(), leaf.as_bytes());
    }
}

fn first_segment(dir: &Path) -> u64 {
    let names = fs::read_dir(dir.join("wal")).unwrap();
    let firsts = names.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".wal")?.parse().ok()
    });
    firsts.min().unwrap()
}
