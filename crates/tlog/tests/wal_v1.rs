//! A log that was left by a release whose write-ahead segments had version 1.
//!
//! `data/log-v1` was written by that release and stopped without closing: nine
//! records in three segments, the first six under a checkpoint.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path, sync::Arc};

use common::Unsynced;
use liuhen_tlog::{Log, LogError, LogKey, Options, Recovered, audit::verify_dir};

const RECORDS: u64 = 9;

fn left() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log-v1");
    copy(&from, dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn open(dir: &Path) -> Result<(Log, Vec<Recovered>), LogError> {
    let options = Options {
        segment_bytes: 700,
        disk: Arc::new(Unsynced),
        ..Options::default()
    };
    Log::open(dir, LogKey::from_seed(&[7; 32]), options)
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index} LHFR").into()
}

fn note(index: u64) -> Vec<u8> {
    format!("note {index}").repeat(30).into()
}

fn assert_found(found: &[Recovered], count: u64) {
    let expected = (0..count).map(|index| Recovered {
        index,
        leaf: leaf(index),
        note: note(index),
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// The version of each segment, in order.
fn versions(dir: &Path) -> Vec<u8> {
    let files = fs::read_dir(dir.join("wal")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let bytes = paths.iter().map(|path| fs::read(path).unwrap());
    bytes.map(|bytes| bytes[7]).collect()
}

#[test]
fn is_taken_up_and_goes_on_in_version_2() {
    let dir = left();
    assert_eq!(versions(dir.path()), [1, 1, 1]);
    let (log, found) = open(dir.path()).unwrap();
    assert_found(&found, RECORDS);
    for index in RECORDS..RECORDS + 4 {
        let appended = log.append_blocking(leaf(index), note(index)).unwrap();
        assert_eq!(appended.index, index);
    }
    log.checkpoint_now().unwrap();
    drop(log);
    // The third held records that only it had, and was written anew.
    assert_eq!(versions(dir.path()), [1, 1, 2, 2, 2]);
    let (log, found) = open(dir.path()).unwrap();
    assert_found(&found, RECORDS + 4);
    let report = verify_dir(dir.path(), Some(log.verifier()), |_| {}).unwrap();
    assert_eq!((report.faults, report.entries), (Vec::new(), RECORDS + 4));
}

#[test]
fn is_refused_with_any_byte_flipped() {
    for segment in ["00000000000000000000.wal", "00000000000000000003.wal"] {
        let dir = left();
        let path = dir.path().join("wal").join(segment);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, bytes).unwrap();
            assert!(open(dir.path()).is_err(), "byte {at} of {segment}");
        }
    }
}
