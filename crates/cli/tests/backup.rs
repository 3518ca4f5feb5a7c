//! Copies taken while the vault is served, brought back, and refused where they would make the log forget.

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
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use liuhen_testkit::{Api, Encoding, Form, Server, Sheet, people};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

fn liuhen(args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.args(args).stdin(std::process::Stdio::null());
    command.output().unwrap()
}

/// Runs and demands an exit code; both streams.
#[track_caller]
fn ends(args: &[&str], code: i32) -> (String, String) {
    let output = liuhen(args);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

#[track_caller]
fn json(args: &[&str]) -> Value {
    serde_json::from_str(&ends(args, 0).0).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn vault(data: &Path) -> (String, Sheet) {
    let sheet = people(41, 40);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = runtime.block_on(async {
        let service = world::open(data);
        let key = world::prepare(&service).await;
        world::start_import(&service, &sheet.delimited(Form::csv(Encoding::Utf8))).await;
        world::settle(&service).await;
        service.close().unwrap();
        key
    });
    (key, sheet)
}

fn read(url: &str, key: &str, sheet: &Sheet, turn: usize) -> (u64, String) {
    let person = &sheet.rows[turn % sheet.rows.len()];
    let body = world::read_of(&person[sheet.column("手机号")], "masked");
    let api = Api::new(url).with_key(key);
    let answer = api.send("POST", "/v1/reads", Some("application/json"), body);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    world::receipt_in(&answer.json())
}

#[test]
fn copies_of_a_served_vault_come_back_and_never_make_the_log_forget() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (data, to, back) = (at("data"), at("copies"), at("back"));
    let (key, sheet) = vault(&data);
    let server = Server::plan(BIN).data(&data).start();
    let url = server.url().to_owned();
    let (stop, receipts) = (AtomicBool::new(false), Mutex::new(world::Receipts::new()));
    let mut copy = Value::Null;
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (url, key, sheet, stop, receipts) = (&url, &key, &sheet, &stop, &receipts);
            scope.spawn(move || {
                let turns = (seed * 11..).take_while(|_| !stop.load(Ordering::Relaxed));
                for turn in turns {
                    let (index, hash) = read(url, key, sheet, turn);
                    receipts.lock().unwrap().insert(index, hash);
                }
            });
        }
        for _ in 0..3 {
            copy = json(&[
                "backup",
                text(&data),
                text(&to),
                "--with-root-key",
                "--json",
            ]);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let later = read(&url, &key, &sheet, 3);
    assert!(server.stop().success());
    let entries = copy["entries"].as_u64().unwrap();
    let receipts = receipts.into_inner().unwrap();
    assert!(later.0 >= entries && receipts.len() > 10);
    // One copy is left, readable by its owner alone.
    let named = |name: &fs::DirEntry| name.file_name().to_str().unwrap().starts_with('0');
    let copies = fs::read_dir(&to).unwrap().map(Result::unwrap).filter(named);
    assert_eq!(copies.count(), 1);

    // The vault that is there, and a checkpoint kept elsewhere, know more.
    let before = fs::read(data.join("log/checkpoint")).unwrap();
    for extra in [&[][..], &["--replace"]] {
        let args = [&["restore", text(&to), text(&data)], extra].concat();
        let (_, why) = ends(&args, 1);
        assert!(why.contains("entries would be lost"), "{why}");
    }
    let known = data.join("log/checkpoint");
    let (_, why) = ends(
        &["restore", text(&to), text(&back), "--known", text(&known)],
        1,
    );
    assert!(why.contains("witnesses would refuse"), "{why}");
    assert!(!back.exists());
    assert_eq!(fs::read(data.join("log/checkpoint")).unwrap(), before);

    json(&["restore", text(&to), text(&back), "--json"]);
    let in_copy =
        |(index, hash): (&u64, &String)| (*index < entries).then(|| (*index, hash.clone()));
    let in_copy: world::Receipts = receipts.iter().filter_map(in_copy).collect();
    assert!(!in_copy.is_empty());
    world::holds_all(&back, &in_copy);
    ends(&["log", "check", text(&back)], 0);
    // It goes on where the copy ended, and what it then knows is not forgotten either.
    let server = Server::plan(BIN).data(&back).start();
    assert!(read(server.url(), &key, &sheet, 5).0 >= entries);
    ends(&["restore", text(&to), text(&back), "--replace"], 6);
    assert!(server.stop().success());
    let (_, why) = ends(&["restore", text(&to), text(&back), "--replace"], 1);
    assert!(why.contains("entries would be lost"), "{why}");
    // A copy of its own may replace it.
    let to = at("others");
    ends(&["backup", text(&back), text(&to)], 0);
    ends(&["restore", text(&to), text(&back)], 1);
    let done = json(&["restore", text(&to), text(&back), "--replace", "--json"]);
    let aside = done["set_aside"].as_str().unwrap();
    assert!(Path::new(aside).join("vault.db").exists());
    // Without its root key it is not opened with a new one.
    assert!(!back.join("root.key").exists());
    ends(&["log", "rotate-key", "--dir", text(&back)], 1);
    fs::copy(data.join("root.key"), back.join("root.key")).unwrap();
    world::holds_all(&back, &in_copy);
}

#[test]
fn refuses_what_is_no_vault_no_copy_or_a_copy_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (data, to, back) = (at("data"), at("copies"), at("back"));
    ends(&["backup", text(&data), text(&to)], 1);
    assert!(!to.exists() && !data.exists());
    ends(&["restore", text(&to), text(&back)], 1);
    vault(&data);
    ends(&["backup", text(&data), text(&to)], 0);
    let name = fs::read_to_string(to.join("current")).unwrap();
    let keys = to.join(name.trim_end()).join("keys.db");
    let mut bytes = fs::read(&keys).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&keys, bytes).unwrap();
    let (_, why) = ends(&["restore", text(&to), text(&back)], 1);
    assert!(why.contains("damaged") && !back.exists(), "{why}");
    fs::create_dir(&back).unwrap();
    fs::write(back.join("other"), b"mine").unwrap();
    ends(&["restore", text(&to), text(&back)], 1);
    assert_eq!(fs::read(back.join("other")).unwrap(), b"mine");
}
