//! Leaf format 1 against its recorded vectors, which other verifiers read too.
//!
//! Set `LIUHEN_BLESS=1` to write the file anew after a deliberate change of format.

#![allow(clippy::expect_used, reason = "helpers of tests speak by panicking")]

use std::path::PathBuf;

use liuhen_vault::Key;
use liuhen_vault::trace::{TraceKey, chunk_leaf};
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
    let header = key.leaf(0, b"{}").expect("makes").commitment;
    let labels = [key.label(3), key.label(4)];
    json!({
        "format": "liuhen leaf v1",
        "trace_key": hex(&secret),
        "leaves": leaves,
        "chunk": {
            "header": hex(&header),
            "labels": labels.map(|label| hex(&label)),
            "leaf": hex(&chunk_leaf(&header, &labels).expect("makes")),
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
}
