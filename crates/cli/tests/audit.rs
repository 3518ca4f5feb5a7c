//! `liuhen verify log`, over HTTP and in a directory: what is said, and how it ends.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

mod world;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use liuhen_testkit::{Api, Encoding, Form, Server, Sheet, people};
use liuhen_tlog::{Label, Log, LogKey, MapRoot, Options, entry, leaf_hash, map::Tree};
use serde_json::{Value, json};
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
    let report: Value =
        serde_json::from_slice(&liuhen(&[&ask[..], &["--json"]].concat()).stdout).unwrap();
    let evidence = report["forks"][0]["evidence"].as_str().unwrap();
    assert!(said(&forked).contains(evidence));
    let file = dir.path().join("evidence.txt");
    fs::write(&file, evidence).unwrap();
    let convicts = liuhen(&[
        "verify",
        "evidence",
        file.to_str().unwrap(),
        "--vkey",
        &vkey(),
    ]);
    exits(&convicts, 0, "");
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

/// Reads everyone, and waits until the published checkpoint covers it.
fn read_all(api: &Api, everyone: &Sheet) {
    let mobile = everyone.column("手机号");
    let mut size = 0;
    for part in everyone.rows.chunks(50) {
        let subjects: Vec<_> = part
            .iter()
            .map(|row| json!({"kind": "mobile", "value": row[mobile]}))
            .collect();
        let ask = json!({
            "purpose": "care", "fields": ["mobile"], "view": "masked",
            "collection": world::COLLECTION, "subjects": subjects,
        });
        let answer = api.post("/v1/reads", &ask).expect_status(200).json();
        for result in answer["results"].as_array().unwrap() {
            size = size.max(result["receipt"]["index"].as_u64().unwrap() + 1);
        }
    }
    let begun = Instant::now();
    let covered = || -> u64 {
        let text = api.get("/checkpoint").expect_status(200).text();
        text.lines().nth(1).unwrap().parse().unwrap()
    };
    while covered() < size {
        assert!(begun.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_log_of_a_vault_is_audited_while_it_is_served_and_afterwards() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let everyone = people(34, 150);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = runtime.block_on(async {
        let service = world::open(&data);
        let key = world::prepare(&service).await;
        world::start_import(&service, &everyone.delimited(Form::csv(Encoding::Utf8))).await;
        world::settle(&service).await;
        service.close().unwrap();
        key
    });
    let server = Server::plan(env!("CARGO_BIN_EXE_liuhen"))
        .data(&data)
        .start();
    let api = Api::new(server.url()).with_key(&key);
    let vkey = api.get("/v1/log-key").json();
    let vkey = vkey["vkey"].as_str().unwrap();
    let state = dir.path().join("state");
    let ask = [
        "verify",
        "log",
        server.url(),
        "--vkey",
        vkey,
        "--json",
        "--state",
        state.to_str().unwrap(),
    ];
    let mut before = 0;
    for _ in 0..3 {
        read_all(&api, &everyone);
        let output = liuhen(&ask);
        exits(&output, 0, "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let entries = report["entries"].as_u64().unwrap();
        assert!(entries >= before + 150, "{report}");
        assert!(
            report["read"].as_u64().unwrap() <= entries - before + 255,
            "{report}"
        );
        assert!(
            report["found"]["labels"].as_u64().unwrap() >= entries - 20,
            "{report}"
        );
        before = entries;
    }
    assert!(server.stop().success());
    let output = liuhen(&[
        "verify",
        "log",
        data.to_str().unwrap(),
        "--state",
        state.to_str().unwrap(),
    ]);
    exits(&output, 0, "lead to the root");
}
