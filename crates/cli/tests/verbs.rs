//! The program as a user runs it: exit codes, streams, and what is said when something is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

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
        "scan",
        "count",
        "case new",
        "case add",
        "case count",
        "case sample",
        "case verdict",
        "case report",
        "case link ask",
        "case link answer",
        "case link result",
        "case stamp",
        "case verify",
        "case show",
        "rules",
        "serve",
        "import",
        "trace",
        "sighting",
        "mark",
        "verify",
        "log inspect",
        "log check",
        "log rebuild",
        "log rotate-key",
        "backup",
        "restore",
        "openapi",
        "completions",
    ] {
        let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let output = liuhen(&words);
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

/// Imports ten people into `data`, and reads one of them: the receipt's text, its index and an API key.
fn read_once(data: &Path, sheet: &liuhen_testkit::Sheet) -> (String, u64, String) {
    use liuhen_service::{Caller, Config, Handle, PurposeView, ReadRequest, Role, Service, View};
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = Service::open(&Config::in_dir(data)).unwrap();
    let caller = Caller::local();
    let purpose = PurposeView {
        id: "care".to_owned(),
        name_zh: "照护".to_owned(),
        name_en: "care".to_owned(),
        basis: 2,
        fields: vec!["mobile".to_owned()],
        retention_days: 30,
        notice: "为照护使用。".to_owned(),
        notice_hash: String::new(),
        marketing: false,
        surety: Default::default(),
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    };
    let request = ReadRequest {
        purpose: "care".to_owned(),
        subjects: vec![Handle::Value {
            kind: liuhen_kinds::Kind::MOBILE,
            value: sheet.rows[0][sheet.column("手机号")].clone(),
        }],
        collection: Some("members".to_owned()),
        fields: vec!["mobile".to_owned()],
        view: View::Masked,
        questions: Vec::new(),
        reference: None,
    };
    let roles = [Role::Importer, Role::Investigator, Role::Exporter];
    let found = runtime.block_on(async {
        service.put_purpose(&caller, purpose).await.unwrap();
        let (_, key) = service
            .create_api_key(&caller, "remote", &roles, None)
            .await
            .unwrap();
        let answer = service.read(&caller, &request).await.unwrap();
        let receipt = answer.results[0].receipt.clone();
        (receipt.note, receipt.index, key)
    });
    service.close().unwrap();
    found
}

#[test]
fn verifies_receipts_and_refuses_changed_ones() {
    let dir = TempDir::new().unwrap();
    let data = vault(&dir);
    let sheet = people(5, 10);
    let file = dir.path().join("members.csv");
    std::fs::write(&file, sheet.delimited(Form::csv(Encoding::Utf8))).unwrap();
    let import = ["import", text(&file), "--collection", "members", "--yes"];
    exits(&liuhen(&[&import[..], &["--dir", text(&data)]].concat()), 0);
    let (note, index, _) = read_once(&data, &sheet);
    let receipt = dir.path().join("receipt.txt");
    std::fs::write(&receipt, &note).unwrap();
    let check = ["verify", "receipt", text(&receipt), "--dir", text(&data)];

    let sound = liuhen(&[&check[..], &["--json"]].concat());
    exits(&sound, 0);
    let value: Value = serde_json::from_str(&out(&sound)).unwrap();
    assert_eq!(value["index"], index);
    assert!(value["under_checkpoint_of"].as_u64().unwrap() > index);

    let server = Server::plan(BIN).data(&data).start();
    let api = liuhen_testkit::Api::new(server.url());
    let proof = api.get(&format!("/v1/proofs/{index}")).expect_status(200);
    let key = api.get("/v1/log-key").expect_status(200).json();
    assert!(server.stop().success());
    let proof_file = dir.path().join("proof.json");
    std::fs::write(&proof_file, proof.text()).unwrap();
    let vkey = key["vkey"].as_str().unwrap();
    let by_proof = ["verify", "receipt", text(&receipt), "--vkey", vkey];
    exits(&liuhen(&by_proof), 0);
    let by_proof = [&by_proof[..], &["--proof", text(&proof_file)]].concat();
    let shown = liuhen(&by_proof);
    exits(&shown, 0);
    assert!(
        out(&shown).contains("under the signed checkpoint"),
        "{}",
        out(&shown)
    );

    for (name, changed) in [
        (
            "index",
            note.replacen(
                &format!("index {index}"),
                &format!("index {}", index + 1),
                1,
            ),
        ),
        (
            "form",
            note.replacen("liuhen receipt v1", "liuhen receipt v2", 1),
        ),
        ("cut", note[..note.len() / 2].to_owned()),
    ] {
        assert_ne!(changed, note, "{name}");
        std::fs::write(&receipt, changed).unwrap();
        exits(&liuhen(&check), 5);
    }
}

/// A rough picture, large enough for a mark.
fn drawn() -> Vec<u8> {
    let grey = (0..600_u32 * 400).map(|at| {
        let (x, y) = (at % 600, at / 600);
        let cell = (x / 19).wrapping_mul(2_654_435_761) ^ (y / 11).wrapping_mul(40_503);
        u8::try_from((cell >> 7) % 150 + 40 + (x * 29 + y * 53) % 23).unwrap()
    });
    let picture = liuhen_picture::Picture::from_grey(600, 400, &grey.collect::<Vec<u8>>());
    let png = liuhen_picture::Encoding::Png;
    liuhen_picture::encode(&picture.unwrap(), png).unwrap()
}

#[test]
fn imports_and_traces_on_a_running_server() {
    let dir = TempDir::new().unwrap();
    let data = vault(&dir);
    let sheet = people(6, 10);
    let file = dir.path().join("members.csv");
    std::fs::write(&file, sheet.delimited(Form::csv(Encoding::Utf8))).unwrap();
    let local = ["import", text(&file), "--collection", "members", "--yes"];
    exits(&liuhen(&[&local[..], &["--dir", text(&data)]].concat()), 0);
    let (_, _, key) = read_once(&data, &sheet);
    let server = Server::plan(BIN).data(&data).start();
    let remote = |args: &[&str], key: &str| {
        let mut command = Command::new(BIN);
        command.args(args).args(["--server", server.url()]);
        command
            .env("LIUHEN_KEY", key)
            .stdin(std::process::Stdio::null());
        command.output().unwrap()
    };
    let again = remote(&[&local[..], &["--json"]].concat(), &key);
    exits(&again, 0);
    let value: Value = serde_json::from_str(&out(&again)).unwrap();
    assert_eq!(value["import"]["unchanged"], 10, "{value}");
    let traced = remote(&["trace", text(&file), "--json"], &key);
    exits(&traced, 4);
    let value: Value = serde_json::from_str(&out(&traced)).unwrap();
    assert_eq!(value["persons"], 10, "{value}");
    let (card, copy) = (dir.path().join("\"卡\" 1.png"), dir.path().join("copy.png"));
    std::fs::write(&card, drawn()).unwrap();
    let mark = ["mark", text(&card), "--to", "a firm", "--purpose", "care"];
    let mark = [&mark[..], &["-o", text(&copy), "--json"]].concat();
    let marked = remote(&mark, &key);
    exits(&marked, 0);
    let found = remote(&["trace", text(&copy), "--json"], &key);
    exits(&found, 0);
    let value: Value = serde_json::from_str(&out(&found)).unwrap();
    assert_eq!(value["pictures"][0]["name"], "%22卡%22 1.png", "{value}");
    // Whom a picture shows reaches the server, which knows nobody of that token.
    let refused = remote(&[&mark[..], &["--token", "t_nobody"]].concat(), &key);
    exits(&refused, 1);
    assert!(err(&refused).contains("not_found"), "{}", err(&refused));
    let refused = remote(&["trace", text(&file)], "lk_wrong");
    exits(&refused, 1);
    assert!(
        err(&refused).contains("unauthenticated"),
        "{}",
        err(&refused)
    );
    assert!(server.stop().success());
}
