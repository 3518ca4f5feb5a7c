//! A log directory with bytes changed and files cut, as a failing disk or a thief leaves it.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use liuhen_tlog::{Log, LogKey, Options, verify_dir};
use tempfile::TempDir;

const LEAVES: u64 = 300;

#[derive(Debug, Arbitrary)]
enum Harm {
    Flip { file: u8, at: u16, with: u8 },
    Cut { file: u8, to: u16 },
    Grow { file: u8, tail: Vec<u8> },
    Remove { file: u8 },
}

fn key() -> LogKey {
    LogKey::from_seed(&[7; 32])
}

/// Files of a small log with two batches acknowledged and some records that only the write-ahead
/// log holds.
static SOUND: LazyLock<Vec<(PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let dir = scratch();
    Log::create(dir.path(), &key(), "example.com/log").unwrap();
    let (log, _) = Log::open(dir.path(), key(), Options::default()).unwrap();
    for number in 0..LEAVES {
        log.append(vec![number as u8; 40], vec![1; 8], |_| {});
    }
    log.append_blocking(b"last".to_vec(), Vec::new()).unwrap();
    log.checkpoint_now().unwrap();
    log.append_blocking(b"after".to_vec(), Vec::new()).unwrap();
    drop(log);
    let mut files = Vec::new();
    collect(dir.path(), dir.path(), &mut files);
    files.sort();
    files
});

fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn collect(root: &Path, at: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(at).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

fn harm(files: &mut Vec<(PathBuf, Vec<u8>)>, what: Harm) {
    let count = files.len();
    let place = |file: u8| usize::from(file) % count;
    match what {
        Harm::Flip { file, at, with } => {
            let bytes = &mut files[place(file)].1;
            let length = bytes.len();
            if length > 0 {
                bytes[usize::from(at) % length] ^= with;
            }
        }
        Harm::Cut { file, to } => files[place(file)].1.truncate(usize::from(to)),
        Harm::Grow { file, tail } => files[place(file)].1.extend(tail),
        Harm::Remove { file } if count > 1 => drop(files.remove(place(file))),
        Harm::Remove { .. } => {}
    }
}

fuzz_target!(|harms: Vec<Harm>| {
    let mut files = SOUND.clone();
    for what in harms.into_iter().take(6) {
        harm(&mut files, what);
    }
    let dir = scratch();
    for (path, bytes) in &files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let verifier = key().verifier("example.com/log").unwrap();
    let _judged = verify_dir(dir.path(), Some(&verifier), |_| {});
    if let Ok((log, recovered)) = Log::open(dir.path(), key(), Options::default()) {
        assert!(recovered.iter().zip(0..).all(|(record, index)| record.index == index));
        let appended = log.append_blocking(b"more".to_vec(), Vec::new());
        drop(log);
        if appended.is_ok() {
            let report = verify_dir(dir.path(), Some(&verifier), |_| {}).unwrap();
            assert!(report.entries > 0);
        }
    }
});
