//! The disk fills up under load: no read is answered without its trace, and nothing answered is lost.
//!
//! The program runs on a small file system of its own (a tmpfs in a mount namespace), which the test fills to the last byte from outside. Where namespaces are not allowed, the test says SKIP.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop where something is wrong"
)]

mod world;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use liuhen_testkit::{Api, Encoding, Form, Server, people};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

/// The file system: room for the write-ahead log's 32 MiB and little else.
const SIZE: &str = "64m";

/// Flags of `unshare` that this machine allows, if any.
fn namespace() -> Option<&'static str> {
    ["-m", "-Urm"].into_iter().find(|flags| {
        let tried = Command::new("unshare")
            .args([flags, "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"])
            .output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// A program that mounts the small file system, copies the vault into it and becomes `liuhen`.
fn wrapper(dir: &Path, flags: &str, seed: &Path, data: &Path) -> PathBuf {
    let path = dir.join("on-a-small-disk");
    let inner = format!(
        "mount -t tmpfs -o size={SIZE} tmpfs '{data}' && cp -a '{seed}/.' '{data}' && exec '{BIN}' \"$@\"",
        data = data.display(),
        seed = seed.display(),
    );
    let script = format!(
        "#!/bin/sh\nexec unshare {flags} sh -c '{}' sh \"$@\"\n",
        inner.replace('\'', "'\\''")
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Writes zeros until there is no room for one more.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    for size in [1 << 20, 4096, 1] {
        let zeros = vec![0; size];
        while file.write_all(&zeros).is_ok() {}
    }
}

/// A portrait, where weights of networks and photographs are given.
fn portrait() -> Option<Vec<u8>> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = named("LIUHEN_MODELS").and(named("LIUHEN_PHOTOS"));
    let read =
        folder.and_then(|folder| std::fs::read(Path::new(&folder).join("astronaut.png")).ok());
    let required = std::env::var_os("LIUHEN_REQUIRE_MODELS").is_some();
    assert!(
        read.is_some() || !required,
        "weights and astronaut.png are required"
    );
    if read.is_none() {
        eprintln!("SKIP faces on a full disk: no weights or no portrait here");
    }
    read
}

/// The form of a question about a face.
fn question(mobile: &str, purpose: &str, picture: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let fields = [("purpose", purpose), ("kind", "mobile"), ("value", mobile)];
    for (name, value) in fields {
        let part =
            format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(
        b"--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.png\"\r\n\r\n",
    );
    body.extend_from_slice(picture);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    body
}

#[test]
fn a_full_disk_answers_nothing_untraced_and_loses_nothing_answered() {
    let Some(flags) = namespace() else {
        eprintln!("SKIP a_full_disk: no mount namespaces here");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let [seed, data, after] = ["seed", "data", "after"].map(|name| dir.path().join(name));
    std::fs::create_dir(&data).unwrap();
    let (sheet, portrait) = (people(31, 50), portrait());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = runtime.block_on(async {
        let service = world::open(&seed);
        let key = world::prepare(&service).await;
        world::start_import(&service, &sheet.delimited(Form::csv(Encoding::Utf8))).await;
        world::settle(&service).await;
        // Look-ups by name are answered with decoys among them, whose chances are traced before.
        let mut purpose = service.purposes().remove(0);
        purpose.decoy_percent = Some(50);
        let caller = liuhen_service::Caller::local();
        service.put_purpose(&caller, purpose.clone()).await.unwrap();
        // Two purposes that use faces; the person consented to the first.
        let person = liuhen_service::Handle::Value {
            kind: liuhen_kinds::Kind::MOBILE,
            value: sheet.rows[0][sheet.column("手机号")].clone(),
        };
        for id in ["gate", "till"] {
            purpose.id = id.to_owned();
            purpose.fields = vec!["face".to_owned()];
            purpose.decoy_percent = None;
            purpose.face_alternative = Some("card shown at the desk".to_owned());
            service.put_purpose(&caller, purpose.clone()).await.unwrap();
        }
        if let Some(portrait) = &portrait {
            let done = service.set_consent(&caller, &person, "gate", true, "form 7", None);
            done.await.unwrap();
            let face = portrait.clone().into();
            let enrolled = service.enrol_face(&caller, &person, "gate", face);
            enrolled.await.unwrap();
        }
        service.close().unwrap();
        key
    });

    let server = Server::plan(wrapper(dir.path(), flags, &seed, &data))
        .data(&data)
        .start();
    let inside =
        PathBuf::from(format!("/proc/{}/root", server.pid())).join(data.strip_prefix("/").unwrap());
    let api = Api::new(server.url()).with_key(&key);
    let mobile = sheet.column("手机号");
    let read = |turn: usize| {
        let person = &sheet.rows[turn % sheet.rows.len()];
        let ask = world::read_of(&person[mobile], "plain");
        let answer = api
            .send("POST", "/v1/reads", Some("application/json"), ask)
            .expect("the server answers, be it with a refusal");
        (answer.status, answer.json())
    };
    let look_up = |turn: usize| {
        let name = &sheet.rows[turn][sheet.column("姓名")];
        let ask = serde_json::json!({
            "purpose": "care", "fields": ["person_name", "mobile"], "view": "plain",
            "collection": world::COLLECTION, "subjects": [{"kind": "person_name", "value": name}],
        });
        let ask = serde_json::to_vec(&ask).unwrap();
        let answer = api
            .send("POST", "/v1/reads", Some("application/json"), ask)
            .expect("the server answers, be it with a refusal");
        (answer.status, answer.json())
    };
    let mut receipts = world::Receipts::new();
    let mut keep = |body: &Value| {
        let (index, hash) = world::receipt_in(body);
        receipts.insert(index, hash);
    };
    for turn in 0..20 {
        let (status, body) = read(turn);
        assert_eq!(status, 200, "{body}");
        keep(&body);
        let (status, body) = look_up(turn);
        assert_eq!(status, 200, "{body}");
        keep(&body);
    }

    let ask_face = |purpose: &str| {
        let picture = portrait.as_deref().unwrap_or(b"none");
        let form = question(&sheet.rows[0][mobile], purpose, picture);
        let media = "multipart/form-data; boundary=edge";
        let answer = api
            .send("POST", "/v1/faces/verify", Some(media), form)
            .expect("the server answers, be it with a refusal");
        (answer.status, answer.json())
    };
    // Refused for want of a consent; answered where there is one.
    let asked = [("till", Value::Null), ("gate", "yes".into())];
    let asked = &asked[..if portrait.is_some() { 2 } else { 1 }];
    for (purpose, expected) in asked {
        let (status, body) = ask_face(purpose);
        assert_eq!((status, &body["answer"]), (200, expected), "{body}");
        let receipt = &body["receipt"];
        let hash = receipt["leaf_hash"].as_str().unwrap().to_owned();
        receipts.insert(receipt["index"].as_u64().unwrap(), hash);
    }
    let mut keep = |body: &Value| {
        let (index, hash) = world::receipt_in(body);
        receipts.insert(index, hash);
    };

    fill(&inside.join("filler"));
    // What was reserved before the disk was full may still take some traces.
    let until = Instant::now() + Duration::from_secs(120);
    let mut refused = 0;
    for turn in 0.. {
        let (status, body) = read(turn);
        if status == 200 {
            assert_eq!(
                refused, 0,
                "after a trace was lost, nothing is answered any more"
            );
            keep(&body);
        } else {
            assert_eq!(
                (status, body["code"].as_str()),
                (503, Some("trace_unavailable")),
                "{body}"
            );
            let shown = body.to_string();
            let value = &sheet.rows[turn % sheet.rows.len()][mobile];
            assert!(!shown.contains(value.as_str()), "a refusal shows the value");
            refused += 1;
        }
        if refused == 20 {
            break;
        }
        assert!(Instant::now() < until, "the full disk is never noticed");
    }

    // Neither one whose coin fell before nor one for whom there would be a coin now.
    for turn in [0, 1, 30, 31, 32] {
        let (status, body) = look_up(turn);
        let code = body["code"].as_str();
        assert_eq!((status, code), (503, Some("trace_unavailable")), "{body}");
        assert!(body["results"].is_null(), "a refusal answers nothing");
    }

    for (purpose, _) in asked {
        let (status, body) = ask_face(purpose);
        let code = body["code"].as_str();
        assert_eq!((status, code), (503, Some("trace_unavailable")), "{body}");
        assert!(body["answer"].is_null(), "a refusal answers nothing");
    }

    // What a person finds on the disk after such a day, with room again.
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&inside)
        .arg(&after)
        .status();
    assert!(copied.unwrap().success());
    server.kill();
    std::fs::remove_file(after.join("filler")).unwrap();
    world::holds_all(&after, &receipts);
    println!(
        "{} answered reads, all in the log; then refused",
        receipts.len()
    );
}
