//! Copies of logs: taken while they grow, brought back whole, and harmed by nothing on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod failing;

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use liuhen_tlog::{
    Log, LogError, LogKey, Options,
    backup::{Copied, Pin, backup, restore, tidy},
    fsck::fsck,
    verify_dir,
};

use common::Unsynced;
use failing::Failing;

const ORIGIN: &str = "backup.example/log";

fn key() -> LogKey {
    LogKey::from_seed(&[12; 32])
}

fn options(acknowledged: u64) -> Options {
    Options {
        acknowledged,
        checkpoint_within: Duration::from_millis(5),
        segment_bytes: 3000,
        disk: Arc::new(Unsynced),
        ..Options::default()
    }
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index} {}", "z".repeat(20)).into()
}

fn grow(dir: &Path, acknowledged: u64, to: u64) {
    let (log, _) = Log::open(dir, key(), options(acknowledged)).unwrap();
    for index in log.size()..to - 1 {
        log.append(leaf(index), Vec::new(), |r| drop(r.unwrap()));
    }
    log.append_blocking(leaf(to - 1), Vec::new()).unwrap();
    log.close().unwrap();
}

fn made(dir: &Path, size: u64) {
    fs::create_dir_all(dir).unwrap();
    Log::create(dir, &key(), ORIGIN).unwrap();
    grow(dir, 0, size);
}

fn copy(from: &Path, target: &Path, name: &str) -> Result<Copied, LogError> {
    fs::create_dir_all(target).unwrap();
    backup(from, target, &target.join(name), &Unsynced, |_| {})
}

/// Brings a copy back and opens it: every entry is there and the log goes on.
fn assert_comes_back(target: &Path, name: &str, acknowledged: u64, end: u64) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("log");
    let found = restore(target, &target.join(name), &to, &Unsynced, |_| {}).unwrap();
    assert_eq!(found.end, end);
    assert!(
        fsck(&to, None, Some(acknowledged), |_| {})
            .unwrap()
            .findings
            .is_empty()
    );
    let (log, recovered) = Log::open(&to, key(), options(acknowledged)).unwrap();
    assert_eq!(recovered.len() as u64, end - acknowledged);
    for index in 0..end {
        assert_eq!(log.leaf(index).unwrap(), leaf(index));
    }
    log.append_blocking(leaf(end), Vec::new()).unwrap();
    log.close().unwrap();
    let report = verify_dir(&to, None, |_| {}).unwrap();
    assert_eq!((report.faults, report.entries), (vec![], end + 1));
}

#[test]
fn a_second_copy_writes_only_what_is_new_and_both_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (dir.path().join("log"), dir.path().join("copies"));
    made(&log, 600);
    let first = copy(&log, &target, "1").unwrap();
    // Three bundles, three tiles over them, one over those.
    assert_eq!((first.new_tiles, first.end), (7, 600));
    grow(&log, 600, 800);
    let second = copy(&log, &target, "2").unwrap();
    assert_eq!((second.new_tiles, second.end), (5, 800));
    assert_eq!(copy(&log, &target, "3").unwrap().new_tiles, 0);
    assert_comes_back(&target, "1", 0, 600);
    assert_comes_back(&target, "2", 700, 800);
    for old in ["1", "2"] {
        fs::remove_dir_all(target.join(old)).unwrap();
    }
    tidy(&target, 800, &Unsynced).unwrap();
    assert!(!target.join("tile/entries/002.p").join("88").exists());
    assert_comes_back(&target, "3", 800, 800);
}

#[test]
fn copies_of_a_growing_log_hold_what_the_consumer_has_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (at, target) = (dir.path().join("log"), dir.path().join("copies"));
    made(&at, 10);
    let (log, _) = Log::open(&at, key(), options(10)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 10..3000 {
                log.append_blocking(leaf(index), Vec::new()).unwrap();
                log.acknowledge(index);
            }
        });
        for nth in 0..6 {
            let pin = Pin::hold(&at).unwrap();
            // The consumer's books, copied before the log.
            let books = log.size();
            log.acknowledge(books);
            std::thread::sleep(Duration::from_millis(30));
            let name = nth.to_string();
            let found = copy(&at, &target, &name).unwrap();
            drop(pin);
            assert!(found.begins <= books && books <= found.end);
            assert_comes_back(&target, &name, books, found.end);
        }
        writer.join().unwrap();
    });
    // Nothing is pinned any more: spent segments go again.
    log.acknowledge(3000);
    log.append_blocking(leaf(3000), Vec::new()).unwrap();
    log.close().unwrap();
    assert!(fs::read_dir(at.join("wal")).unwrap().count() < 10);
}

#[test]
fn a_damaged_source_is_not_called_a_copy_and_the_next_attempt_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (dir.path().join("log"), dir.path().join("copies"));
    made(&log, 600);
    copy(&log, &target, "1").unwrap();
    grow(&log, 600, 1030);
    for name in ["tile/entries/002", "tile/0/002"] {
        let good = fs::read(log.join(name)).unwrap();
        let mut bad = good.clone();
        bad[50] ^= 1;
        fs::write(log.join(name), bad).unwrap();
        let refused = copy(&log, &target, "2").unwrap_err();
        assert!(matches!(refused, LogError::Copy { .. }), "{refused}");
        assert_comes_back(&target, "1", 600, 600);
        fs::write(log.join(name), good).unwrap();
    }
    copy(&log, &target, "3").unwrap();
    assert_comes_back(&target, "3", 1030, 1030);
}

#[test]
fn refuses_the_target_of_another_log_and_a_directory_with_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (dir.path().join("log"), dir.path().join("copies"));
    made(&log, 20);
    copy(&log, &target, "1").unwrap();
    let refused = restore(&target, &target.join("1"), &log, &Unsynced, |_| {}).unwrap_err();
    assert!(matches!(refused, LogError::Exists { .. }));
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    Log::create(&other, &LogKey::from_seed(&[13; 32]), "other.example/log").unwrap();
    let refused = copy(&other, &target, "2").unwrap_err();
    assert!(matches!(refused, LogError::OtherKey { .. }));
    // A copy harmed where it lies does not come back.
    let tile = target.join("tile/entries/000.p/20");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[9] ^= 1;
    fs::write(&tile, bytes).unwrap();
    let to = dir.path().join("back");
    let refused = restore(&target, &target.join("1"), &to, &Unsynced, |_| {}).unwrap_err();
    assert!(matches!(refused, LogError::Copy { .. }));
}

#[test]
fn a_failure_at_every_write_of_a_copy_leaves_the_one_before() {
    let mut good = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let (log, target) = (dir.path().join("log"), dir.path().join("copies"));
        made(&log, 300);
        copy(&log, &target, "1").unwrap();
        grow(&log, 300, 520);
        let disk = Failing {
            left: Arc::new(AtomicI64::new(good)),
            error: ErrorKind::StorageFull,
        };
        let failed = backup(&log, &target, &target.join("2"), &disk, |_| {}).is_err();
        assert_comes_back(&target, "1", 300, 300);
        copy(&log, &target, "3").unwrap();
        assert_comes_back(&target, "3", 520, 520);
        if !failed {
            assert_comes_back(&target, "2", 520, 520);
            break;
        }
        good += 1;
    }
    assert!(good > 20, "only {good} acts were made to fail");
}
