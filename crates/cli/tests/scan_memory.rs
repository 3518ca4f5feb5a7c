//! `liuhen scan` in constant memory: long streams, long lines, many files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");
/// What any scan may take, in kB.
const MOST: u64 = 300 << 10;
/// What the later part of a stream may add to that, in kB.
const GROWTH: u64 = 16 << 10;

/// The most memory that a running process has held, in kB (proc(5), VmHWM).
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn spawn(args: &[&str]) -> Child {
    let mut command = Command::new(BIN);
    command
        .arg("scan")
        .args(args)
        .arg("--json")
        .arg("--no-model");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Feeds `piece` until `bytes` are written; demands that memory stays in bounds, and that the last
/// three quarters cost no more of it than a little.
fn feed(piece: &str, bytes: usize) {
    let mut child = spawn(&["-"]);
    let mut input = child.stdin.take().unwrap();
    let block = piece.repeat((1 << 20) / piece.len() + 1);
    let (mut written, mut early, mut most) = (0, 0, 0);
    while written < bytes {
        input.write_all(block.as_bytes()).unwrap();
        written += block.len();
        most = most.max(peak(&child).unwrap_or(0));
        if written * 4 <= bytes {
            early = most;
        }
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(early > 0 && most < MOST, "{most} kB for {bytes} bytes");
    assert!(
        most - early < GROWTH,
        "from {early} to {most} kB within {bytes} bytes"
    );
}

/// Long enough to tell growth; without optimisation a megabyte takes a quarter of a second.
const fn long(bytes: usize) -> usize {
    if cfg!(debug_assertions) {
        bytes / 10
    } else {
        bytes
    }
}

#[test]
fn a_long_stream() {
    let line =
        "2026-11-22 12:00:00 INFO order 20261122123456 done in 12 ms, nothing personal in it\n";
    feed(line, long(300 << 20));
}

#[test]
fn a_long_line() {
    feed(
        "{\"id\":123456,\"状态\":\"完成\",\"tags\":[1,2,3]},",
        long(200 << 20),
    );
}

#[test]
fn many_small_files() {
    let dir = TempDir::new().unwrap();
    for n in 0..20_000 {
        let folder = dir.path().join(format!("{:03}", n % 200));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{n}.txt")), "手机号 13800138000\n").unwrap();
    }
    let mut child = spawn(&[dir.path().to_str().unwrap()]);
    drop(child.stdin.take());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(&child).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    assert!(most < MOST, "{most} kB for 20,000 files");
}
