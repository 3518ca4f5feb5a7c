//! Looking at a log and mending it, by the program.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use liuhen_testkit::{Encoding, Form, Server, people};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

fn liuhen(args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.args(args).stdin(std::process::Stdio::null());
    command.output().unwrap()
}

/// Runs and demands an exit code; standard output.
#[track_caller]
fn ends(args: &[&str], code: i32) -> String {
    let output = liuhen(args);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    out
}

#[track_caller]
fn json(args: &[&str], code: i32) -> Value {
    serde_json::from_str(&ends(args, code)).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn vault(data: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = world::open(data);
        world::prepare(&service).await;
        let table = people(5, 300).delimited(Form::csv(Encoding::Utf8));
        world::start_import(&service, &table).await;
        world::settle(&service).await;
        service.close().unwrap();
    });
}

#[test]
fn a_log_is_shown_checked_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    vault(&data);
    let at = text(&data);

    let shown = json(&["log", "inspect", at, "--json"], 0);
    let size = shown["checkpoint"]["size"].as_u64().unwrap();
    assert!(size >= 4, "{shown}");
    assert_eq!(shown["durable"], shown["checkpoint"]["size"]);
    assert_eq!(shown["held"], false);
    let last = &shown["last_entries"];
    let sorts = ["events", "chunks", "map_roots", "other"];
    let counted: u64 = sorts.map(|sort| last[sort].as_u64().unwrap()).iter().sum();
    assert_eq!(last["from"].as_u64().unwrap() + counted, size, "{shown}");
    assert_eq!(last["other"], 0, "{shown}");
    let vkey = fs::read_to_string(data.join("log/vkey")).unwrap();
    assert!(ends(&["log", "inspect", at], 0).contains(vkey.trim_end()));

    let entry = json(&["log", "inspect", at, "--entry", "3", "--json"], 0);
    assert_eq!(entry["label"].as_str().map(str::len), Some(64), "{entry}");
    let by_line = ends(&["log", "inspect", at, "--entry", "3"], 0);
    assert!(by_line.contains(entry["label"].as_str().unwrap()));
    ends(&["log", "inspect", at, "--entry", "100000"], 1);

    let sound = json(&["log", "check", at, "--json"], 0);
    assert_eq!(
        (&sound["sound"], &sound["entries"]),
        (&true.into(), &size.into())
    );
    fs::remove_dir_all(data.join("log/tile/0")).unwrap();
    let harmed = json(&["log", "check", at, "--json"], 5);
    assert_eq!(harmed["findings"][0]["gravity"], "mendable");
    ends(&["verify", at], 5);
    let mended = json(&["log", "rebuild", at, "--json"], 0);
    assert_eq!(mended["entries"], size);
    assert!(mended["files_written"].as_u64().unwrap() >= 1);
    assert!(ends(&["log", "check", at], 0).contains("all as signed"));
    ends(&["verify", at], 0);
    world::holds_all(&data, &world::Receipts::new());
}

#[test]
fn a_served_log_is_shown_and_checked_but_not_rebuilt() {
    let server = Server::start(BIN);
    let at = text(server.data()).to_owned();
    assert_eq!(json(&["log", "inspect", &at, "--json"], 0)["held"], true);
    assert_eq!(json(&["log", "check", &at, "--json"], 0)["held"], true);
    ends(&["log", "rebuild", &at], 6);
}

#[test]
fn refuses_another_key_and_a_directory_without_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    world::open(&data).close().unwrap();
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    ends(&["log", "check", text(&data), "--vkey", other], 5);
    ends(&["log", "inspect", text(dir.path())], 1);
    fs::remove_file(data.join("log/checkpoint")).unwrap();
    let found = json(&["log", "check", text(&data), "--json"], 5);
    assert_eq!(found["findings"][0]["gravity"], "grave");
    let what = found["findings"][0]["what"].as_str().unwrap();
    assert!(what.contains("log/checkpoint"), "{what}");
}

#[test]
fn the_key_changes_and_the_old_one_still_leads_to_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    vault(&data);
    let at = text(&data);
    let old = fs::read_to_string(data.join("log/vkey")).unwrap();
    let served = Server::plan(BIN).data(&data).start();
    ends(&["log", "rotate-key", "--dir", at], 6);
    assert!(served.stop().success());
    let change = json(&["log", "rotate-key", "--dir", at, "--json"], 0);
    assert_eq!(change["old"], old.trim_end());
    let new = change["new"].as_str().unwrap();
    let again = json(
        &[
            "log",
            "rotate-key",
            "--dir",
            at,
            "--overlap-days",
            "0",
            "--json",
        ],
        0,
    );
    assert_eq!(again["old"], new);
    let newest = again["new"].as_str().unwrap();
    // The vault opens with the newest key and goes on.
    world::holds_all(&data, &world::Receipts::new());
    let service = world::open(&data);
    service.close().unwrap();
    for key in [old.trim_end(), new, newest] {
        ends(&["verify", at, "--vkey", key], 0);
        ends(&["log", "check", at, "--vkey", key], 0);
    }
    let stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    ends(&["verify", at, "--vkey", stranger], 5);
    let nothing = dir.path().join("nothing");
    ends(&["log", "rotate-key", "--dir", text(&nothing)], 1);
    assert!(!nothing.exists());
}
