//! Publishing a log into a directory, by the program.

#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used, reason = "tests stop where something is wrong")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use liuhen_tlog::{Log, LogKey, Options, entry};
use serde_json::Value;

/// Runs `log publish --json` and demands an exit code; what it printed, and what it complained of.
#[track_caller]
fn publish(log: &Path, target: &Path, code: i32) -> (Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
    let to = format!("file://{}", target.display());
    command
        .args(["log", "publish"])
        .arg(log)
        .arg(to)
        .arg("--json");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let shown = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (shown, said)
}

/// Appends events, each with a label of its own, until there are `size`.
fn grow(dir: &Path, key: u8, size: u64) {
    let key = LogKey::from_seed(&[key; 32]);
    if !dir.exists() {
        fs::create_dir(dir).unwrap();
        Log::create(dir, &key, "publish.liuhen.invalid/log").unwrap();
    }
    let (log, _) = Log::open(dir, key, Options::default()).unwrap();
    for index in log.size()..size {
        let mut event = vec![0x5a; 65 + 256 + 16];
        event[0] = entry::EVENT;
        event[1..9].copy_from_slice(&index.to_be_bytes());
        if index == size - 1 {
            log.append_blocking(event, Vec::new()).unwrap();
        } else {
            log.append(event, Vec::new(), |done| drop(done.unwrap()));
        }
    }
    assert_eq!(log.checkpoint_now().unwrap().size(), size);
    log.close().unwrap();
}

/// Everything below a directory, and it.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        for inside in fs::read_dir(path).unwrap() {
            found.extend(below(&inside.unwrap().path()));
        }
    }
    found
}

#[track_caller]
fn is_for_everyone(target: &Path) {
    for path in below(target) {
        let expected = match path.file_name().and_then(|name| name.to_str()) {
            Some(".publishing") => 0o600,
            _ if path.is_dir() => 0o755,
            _ => 0o644,
        };
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}

#[test]
fn a_directory_is_brought_up_to_the_log_for_everyone_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (dir.path().join("log"), dir.path().join("srv/www"));
    grow(&log, 1, 300);
    let (first, _) = publish(&log, &target, 0);
    assert_eq!(first["size"], 300);
    // Key, statements, two bundles and two tiles, the tile above, checkpoint.
    assert_eq!(first["uploaded"], 8, "{first}");
    is_for_everyone(&target);
    let (again, _) = publish(&log, &target, 0);
    assert_eq!(
        (&again["size"], &again["uploaded"]),
        (&300.into(), &0.into())
    );

    grow(&log, 1, 600);
    let (more, _) = publish(&log, &target, 0);
    assert_eq!(more["size"], 600);
    is_for_everyone(&target);
    for name in [
        "checkpoint",
        "vkey",
        "tile/0/001",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ] {
        let (theirs, ours) = (fs::read(target.join(name)), fs::read(log.join(name)));
        assert_eq!(theirs.unwrap(), ours.unwrap(), "{name}");
    }
    let verified = Command::new(env!("CARGO_BIN_EXE_liuhen"))
        .arg("verify")
        .arg(&target)
        .output();
    let verified = verified.unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}

#[test]
fn another_log_and_an_older_one_replace_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (dir.path().join("log"), dir.path().join("www"));
    grow(&log, 1, 300);
    publish(&log, &target, 0);
    let before = fs::read(target.join("checkpoint")).unwrap();
    for (name, key) in [("other", 2), ("older", 1)] {
        let wrong = dir.path().join(name);
        grow(&wrong, key, 20);
        let (_, said) = publish(&wrong, &target, 5);
        assert!(!said.is_empty());
        assert_eq!(fs::read(target.join("checkpoint")).unwrap(), before);
    }
    publish(&log, Path::new("srv"), 1);
}
