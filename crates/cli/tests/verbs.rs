//! The program as a user runs it: exit codes, streams, and what is said when something is wrong.

use std::path::Path;
use std::process::{Command, Output};

use liuhen_testkit::{Encoding, Form, Server, people};
use serde_json::Value;
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

fn liuhen(args: &[&str]) -> Output {
    Command::new(BIN)
        .args(args)
        .env_remove("LIUHEN_KEY")
        .env_remove("LIUHEN_KEY_FILE")
        .env("LANG", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    let said = format!("{}\n{}", out(output), err(output));
    assert_eq!(output.status.code(), Some(code), "{said}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A vault that was served once and stopped.
fn vault(dir: &TempDir) -> std::path::PathBuf {
    let data = dir.path().join("data");
    let server = Server::plan(BIN).data(&data).start();
    assert!(server.link("/setup?secret=").is_some());
    assert!(server.line("listening on http://").contains("127.0.0.1"));
    assert!(server.stop().success());
    data
}

#[test]
fn openapi_is_the_file_kept() {
    let output = liuhen(&["openapi"]);
    exits(&output, 0);
    assert_eq!(out(&output), include_str!("../../server/openapi.json"));
    let one_line = liuhen(&["openapi", "--json"]);
    let value: Value = serde_json::from_str(&out(&one_line)).unwrap();
    assert_eq!(value["info"]["title"], "Liuhen");
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let output = liuhen(&["completions", shell]);
        exits(&output, 0);
        assert!(out(&output).contains("verify"), "{shell}");
    }
}

#[test]
fn every_verb_helps_with_an_example() {
    for verb in [
        "serve",
        "import",
        "trace",
        "verify",
        "openapi",
        "completions",
    ] {
        let output = liuhen(&[verb, "--help"]);
        exits(&output, 0);
        assert!(out(&output).contains("Example"), "{verb}");
        assert!(out(&output).contains("--json"), "{verb}");
    }
}

#[test]
fn refuses_a_directory_without_a_vault_and_makes_none() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("nothing");
    let file = dir.path().join("a.csv");
    std::fs::write(&file, "a,b\n1,2\n").unwrap();
    let tries: [&[&str]; 3] = [
        &[
            "import",
            text(&file),
            "--collection",
            "x",
            "--dir",
            text(&data),
        ],
        &["trace", text(&file), "--dir", text(&data)],
        &["verify", text(&data)],
    ];
    for args in tries {
        let output = liuhen(args);
        exits(&output, 1);
        assert!(err(&output).contains("holds no"), "{}", err(&output));
        assert!(!data.exists());
    }
}

#[test]
fn refuses_arguments_that_do_not_fit() {
    let rows: [&[&str]; 6] = [
        &["import"],
        &["import", "a.csv"],
        &[
            "import",
            "a.csv",
            "--collection",
            "x",
            "--column",
            "1=nothing",
        ],
        &["trace"],
        &["trace", "a.csv", "--epsilon", "2"],
        &["verify", "receipt", "a.txt"],
    ];
    for args in rows {
        exits(&liuhen(args), 2);
    }
}

#[test]
fn refuses_to_send_a_key_over_the_network_in_the_clear() {
    let args = ["trace", "a.csv", "--server", "http://192.0.2.1:8420"];
    let output = liuhen(&args);
    exits(&output, 1);
    assert!(err(&output).contains("tunnel"), "{}", err(&output));
}

#[test]
fn refuses_to_listen_beyond_loopback_without_tls() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let output = liuhen(&["serve", "--dir", text(&data), "--listen", "0.0.0.0:0"]);
    exits(&output, 1);
    assert!(err(&output).contains("--public-url"), "{}", err(&output));
    assert!(!data.exists());
}

#[test]
fn refuses_a_second_server_on_the_same_directory() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let server = Server::plan(BIN).data(&data).start();
    let output = liuhen(&["serve", "--dir", text(&data), "--listen", "127.0.0.1:0"]);
    exits(&output, 6);
    assert!(err(&output).contains("in use"), "{}", err(&output));
    assert!(server.stop().success());
}

#[test]
fn imports_traces_and_verifies_in_a_directory() {
    let dir = TempDir::new().unwrap();
    let data = vault(&dir);
    let data = text(&data);
    let sheet = people(3, 50);
    let file = dir.path().join("members.csv");
    let mut bytes = sheet.delimited(Form::csv(Encoding::Gbk));
    // One row whose resident ID cannot be one.
    let mut bad = sheet.rows[0].clone();
    bad[sheet.column("身份证号")] = "110101199001011".to_owned();
    bytes.extend(Form::csv(Encoding::Gbk).line(&bad));
    std::fs::write(&file, bytes).unwrap();
    let import = [
        "import",
        text(&file),
        "--collection",
        "members",
        "--dir",
        data,
    ];

    let unconfirmed = liuhen(&import);
    exits(&unconfirmed, 1);
    assert!(err(&unconfirmed).contains("--yes"), "{}", err(&unconfirmed));
    assert!(
        err(&unconfirmed).contains("mobile"),
        "{}",
        err(&unconfirmed)
    );

    let imported = liuhen(&[&import[..], &["--yes", "--json"]].concat());
    exits(&imported, 3);
    let value: Value = serde_json::from_str(&out(&imported)).unwrap();
    assert_eq!(value["import"]["created"], 50, "{value}");
    assert_eq!(value["problems"][0]["row"], 52, "{value}");
    assert!(!out(&imported).contains("110101199001011"));
    exits(&liuhen(&["import", "--resume", "--dir", data]), 0);

    let html = dir.path().join("report.html");
    let traced = liuhen(&["trace", text(&file), "--dir", data, "--html", text(&html)]);
    exits(&traced, 4);
    assert!(out(&traced).contains("no evidence"), "{}", out(&traced));
    assert!(
        std::fs::read_to_string(html)
            .unwrap()
            .contains("members.csv")
    );

    let sound = liuhen(&["verify", data, "--json"]);
    exits(&sound, 0);
    let value: Value = serde_json::from_str(&out(&sound)).unwrap();
    assert_eq!(value["sound"], true, "{value}");
}

#[test]
fn verify_notices_a_changed_byte() {
    let dir = TempDir::new().unwrap();
    let data = vault(&dir);
    exits(&liuhen(&["verify", text(&data)]), 0);
    let checkpoint = data.join("log/checkpoint");
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let last = bytes.len() - 4;
    bytes[last] ^= 1;
    std::fs::write(&checkpoint, bytes).unwrap();
    let output = liuhen(&["verify", text(&data)]);
    exits(&output, 5);
    assert!(out(&output).contains("NOT as signed"), "{}", out(&output));
}
