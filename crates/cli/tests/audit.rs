//! `liuhen verify log`, over HTTP and in a directory: what is said, and how it ends.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use liuhen_tlog::{Label, Log, LogKey, MapRoot, Options, entry, leaf_hash, map::Tree};
use serde_json::Value;
use tempfile::TempDir;

const ORIGIN: &str = "audit.example/log";

fn liuhen(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
    command.args(args).env("LANG", "C.UTF-8").output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32, says: &str) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{said}");
}

fn key() -> LogKey {
    LogKey::from_seed(&[2; 32])
}

fn vkey() -> String {
    key().signer(ORIGIN).unwrap().verifier().to_string()
}

/// A log of `count` events and a map root of them; `lie` is added to what the root counts.
fn log(dir: &Path, count: u64, lie: u64) {
    Log::create(dir, &key(), ORIGIN).unwrap();
    let (log, _) = Log::open(dir, key(), Options::default()).unwrap();
    let mut labels: Vec<(Label, u64)> = (0..count)
        .map(|index| (leaf_hash(&index.to_be_bytes()).0, index))
        .collect();
    for (label, _) in &labels {
        let mut event = vec![entry::EVENT];
        event.extend_from_slice(label);
        event.resize(1 + 32 + 32 + 256 + 16, 0);
        log.append(event, Vec::new(), |done| drop(done.unwrap()));
    }
    let mut tree = Tree::new(0);
    tree.insert_batch(&mut labels);
    let root = MapRoot {
        size: count,
        labels: tree.len() + lie,
        time_ms: 1_795_000_000_000,
        root: tree.root(),
    };
    log.append_blocking(root.to_bytes(), Vec::new()).unwrap();
    log.checkpoint_now().unwrap();
    log.close().unwrap();
}

/// Serves a directory for as long as the test runs.
fn serve(dir: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/some/log", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, dir) = (stream.unwrap(), dir.clone());
            thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines();
                let first = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let path = first.split(' ').nth(1).unwrap();
                let file = fs::read(dir.join(path.strip_prefix("/some/log/").unwrap()));
                let (status, body) = match file {
                    Ok(body) => ("200 OK", body),
                    Err(_) => ("404 Not Found", Vec::new()),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = (&stream).write_all(&[head.as_bytes(), &body].concat());
            });
        }
    });
    address
}

#[test]
fn a_log_is_audited_over_http_and_again_from_its_state() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("log");
    log(&data, 1_000, 0);
    let url = serve(data.clone());
    let state = dir.path().join("state").display().to_string();
    let ask = ["verify", "log", &url, "--vkey", &vkey(), "--state", &state];
    let first = liuhen(&ask);
    exits(&first, 0, "1001 entries lead to the root");
    exits(
        &first,
        0,
        "1000 events and 0 chunks bear 1000 labels; 1 map roots are right",
    );
    let kept = data.join("checkpoint").display().to_string();
    let again = liuhen(&[&ask[..], &["--checkpoint", &kept, "--json"]].concat());
    exits(&again, 0, "");
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["sound"], true, "{report}");
    assert_eq!(report["entries"], 1001);
    assert_eq!(report["read"], 1001 % 256);
    assert_eq!(report["found"]["mapped_entries"], 1000);

    let local = liuhen(&["verify", "log", &data.display().to_string()]);
    exits(&local, 0, "the key is the log's own");

    // Another tree under the same key: the state convicts it, with both checkpoints.
    let other = dir.path().join("other");
    log(&other, 1_002, 0);
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&other, &data).unwrap();
    let forked = liuhen(&ask);
    exits(
        &forked,
        5,
        "the checkpoint of 1001 entries is not the beginning of the one of 1003",
    );
    assert_eq!(said(&forked).matches(&format!("\n{ORIGIN}\n1")).count(), 2);
}

#[test]
fn a_lying_map_root_a_foreign_key_and_a_policy_not_met_are_unsound() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("log");
    log(&data, 300, 1);
    let at = data.display().to_string();
    let says = "the map root at entry 300 counts 301 labels in 300 entries, which hold 300";
    exits(&liuhen(&["verify", "log", &at]), 5, says);
    let json = liuhen(&["verify", "log", &at, "--json"]);
    exits(&json, 5, says);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["fault_count"], 1);

    let other = LogKey::from_seed(&[3; 32])
        .signer(ORIGIN)
        .unwrap()
        .verifier();
    let foreign = liuhen(&["verify", "log", &at, "--vkey", &other.to_string()]);
    exits(&foreign, 5, "NOT as signed");

    let honest = dir.path().join("honest");
    log(&honest, 300, 0);
    let at = honest.display().to_string();
    let policy = dir.path().join("policy");
    let with = |text: String| {
        fs::write(&policy, text).unwrap();
        liuhen(&["verify", "log", &at, "--policy", policy.to_str().unwrap()])
    };
    exits(
        &with(format!("log {}\nquorum none\n", vkey())),
        0,
        "cosigned by 0 of 0",
    );
    exits(
        &with(format!("log {other}\nquorum none\n")),
        5,
        "no log of the policy",
    );
    let witness = liuhen_tlog::cosignature::Cosigner::from_seed("w.example", &[5; 32]).unwrap();
    let demanding = format!(
        "log {}\nwitness w {}\nquorum w\n",
        vkey(),
        witness.verifier()
    );
    exits(&with(demanding), 5, "cosigned by 0 of 1 witnesses");
}

#[test]
fn what_cannot_be_judged_is_no_verdict() {
    let dir = TempDir::new().unwrap();
    let key = vkey();
    let row =
        |args: &[&str], says: &str| exits(&liuhen(&[&["verify", "log"], args].concat()), 1, says);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    row(&[&nobody, "--vkey", &key], "the log cannot be read");
    row(&["https://log.example", "--vkey", &key], "local forwarder");
    row(&["http://127.0.0.1:1"], "give --vkey or --policy");
    row(&[dir.path().to_str().unwrap()], "holds no log");
    let empty = serve(dir.path().to_owned());
    row(&[&empty, "--vkey", &key], "is this a log?");
    row(&[&empty, "--vkey", "nonsense"], "no verifier key");
}
