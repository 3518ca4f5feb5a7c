//! Leaf format 1 against its recorded vectors, which other verifiers read too.
//!
//! Set `LIUHEN_BLESS=1` to write the file anew after a deliberate change of format.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests speak by panicking"
)]

use std::path::PathBuf;

use liuhen_tlog::entry;
use liuhen_vault::Key;
use liuhen_vault::trace::TraceKey;
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn vectors() -> Value {
    let events = [
        (0, "{}".to_owned()),
        (
            1,
            r#"{"action":"read","fields":["手机"],"at":"2026-11-22T01:02:03.004Z"}"#.to_owned(),
        ),
        (255, "x".repeat(255)),
        (256, "y".repeat(256)),
        (u64::MAX, r#"{"action":"erase"}"#.to_owned()),
    ];
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).expect("below 32"));
    let key = TraceKey::new(Key::new(secret));
    let leaves: Vec<Value> = events
        .iter()
        .map(|(n, event)| {
            let leaf = key.leaf(*n, event.as_bytes()).expect("makes");
            json!({
                // Text, since JavaScript's numbers end at 2^53.
                "n": n.to_string(),
                "event": event,
                "label": hex(&leaf.label),
                "salt": hex(&key.salt(*n)),
                "commitment": hex(&leaf.commitment),
                "leaf": hex(&leaf.bytes),
            })
        })
        .collect();
    let operator = TraceKey::new(Key::new([0xA5; 32]));
    let export = r#"{"action":"export","rows":"2"}"#;
    let header = operator.shared_leaf(9, export.as_bytes()).expect("makes");
    let shared = operator.share(9);
    let owners = [3, 4].map(|n| (key.label(n), key.wrap(n, &shared)));
    let chunk = entry::chunk(70_000, &header.commitment, &owners).expect("makes");
    json!({
        "format": "liuhen leaf v1",
        "trace_key": hex(&secret),
        "leaves": leaves,
        "shared": {
            "operator_key": hex(operator.expose()),
            "n": "9",
            "event": export,
            "shared_key": hex(shared.expose()),
            "salt": hex(&shared.salt(0)),
            "label": hex(&header.label),
            "commitment": hex(&header.commitment),
            "leaf": hex(&header.bytes),
        },
        "chunk": {
            "header_index": "70000",
            "header": hex(&header.commitment),
            "labels": owners.map(|(label, _)| hex(&label)),
            "wraps": owners.map(|(_, wrap)| hex(&wrap)),
            "leaf": hex(&chunk),
        },
    })
}

#[test]
fn leaves_answer_the_recorded_vectors() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/leaf-v1.json");
    let made = serde_json::to_string_pretty(&vectors()).expect("json") + "\n";
    if std::env::var_os("LIUHEN_BLESS").is_some() {
        std::fs::write(&path, &made).expect("writes");
    }
    let recorded = std::fs::read_to_string(&path).expect("tests/data/leaf-v1.json");
    // As values: the order of an object's names hangs on a feature of serde_json that others may set.
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("json");
    assert_eq!(read(&made), read(&recorded));
}

#[test]
fn recorded_leaves_open() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/leaf-v1.json");
    let recorded = std::fs::read_to_string(path).expect("tests/data/leaf-v1.json");
    let vectors: Value = serde_json::from_str(&recorded).expect("json");
    let bytes = |value: &Value| {
        data_encoding::HEXLOWER
            .decode(value.as_str().expect("text").as_bytes())
            .expect("hex")
    };
    let key = TraceKey::new(Key::new(
        bytes(&vectors["trace_key"]).try_into().expect("32 bytes"),
    ));
    for leaf in vectors["leaves"].as_array().expect("leaves") {
        let n = leaf["n"].as_str().expect("text").parse().expect("a number");
        let opening = key.open_leaf(n, &bytes(&leaf["leaf"])).expect("opens");
        assert_eq!(opening.event, leaf["event"].as_str().expect("text"));
        assert_eq!(
            hex(&opening.commitment()),
            leaf["commitment"].as_str().expect("text")
        );
    }
    let leaf = bytes(&vectors["shared"]["leaf"]);
    let chunk = bytes(&vectors["chunk"]["leaf"]);
    let Some(entry::Entry::Chunk(chunk)) = entry::Entry::parse(&chunk) else {
        panic!("the recorded chunk is none");
    };
    for n in [3, 4] {
        let wrap = chunk.wrap(&key.label(n)).expect("a label of the chunk");
        let opening = key.unwrap(n, wrap).open_shared(&leaf).expect("opens");
        assert_eq!(
            opening.event,
            vectors["shared"]["event"].as_str().expect("text")
        );
        assert_eq!(opening.commitment(), *chunk.commitment);
    }
}
