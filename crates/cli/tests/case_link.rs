//! Two offices, three files: how many persons both have, and nothing else.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use liuhen_testkit::{Encoding, Form, people};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

fn case(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    let run = command.arg("case").args(words).current_dir(folder);
    run.env("USER", "甲").output().unwrap()
}

#[track_caller]
fn json(folder: &Path, words: &[&str]) -> Value {
    let output = case(folder, &[words, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn two_offices_learn_how_many_and_no_more() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    // The second office has the first 120 persons of the first, and 80 others, written otherwise.
    let mine = people(7, 200);
    let mut theirs = people(8, 80);
    theirs.rows.extend(mine.rows.iter().take(120).cloned());
    for (name, bytes) in [
        ("a", mine.delimited(Form::csv(Encoding::Gbk))),
        ("b", theirs.xlsx()),
    ] {
        let file = format!("{name}.bin");
        fs::write(folder.join(&file), bytes).unwrap();
        json(folder, &["new", name, "--name", name]);
        json(folder, &["add", "--case", name, &file]);
    }
    let persons = |name: &str| {
        let count = json(folder, &["count", "--case", name]);
        count["count"]["totals"]["persons"].as_u64().unwrap()
    };
    let (own, other) = (persons("a"), persons("b"));

    json(
        folder,
        &["link", "ask", "--case", "a", "-o", "ask.txt", "--which"],
    );
    let told = json(
        folder,
        &[
            "link",
            "answer",
            "--case",
            "b",
            "ask.txt",
            "-o",
            "answer.txt",
        ],
    );
    assert_eq!(
        (told["asked"].as_u64(), told["which"].as_bool()),
        (Some(own), Some(false))
    );
    let linked = json(
        folder,
        &["link", "result", "--case", "a", "answer.txt", "ask.txt"],
    );
    assert_eq!(linked["common"], 120);
    assert_eq!(
        (linked["asked"].as_u64(), linked["other"].as_u64()),
        (Some(own), Some(other))
    );
    assert!(linked["rows"].is_null());

    // Both wish it: the rows are the first office's own first 120.
    json(
        folder,
        &[
            "link",
            "answer",
            "--case",
            "b",
            "ask.txt",
            "-o",
            "which.txt",
            "--which",
        ],
    );
    let linked = json(
        folder,
        &["link", "result", "--case", "a", "which.txt", "ask.txt"],
    );
    let mut rows: Vec<u64> = linked["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, (2..122).collect::<Vec<u64>>());

    // What travels holds no value; the custody logs hold the exchange, and the cases verify.
    let id = mine.rows[0]
        .iter()
        .find(|cell| cell.len() == 18 && cell.is_ascii())
        .unwrap();
    for file in ["ask.txt", "answer.txt", "which.txt"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(!text.contains(id.as_str()), "{file}");
    }
    for name in ["a", "b"] {
        let verified = json(folder, &["verify", name]);
        assert_eq!(verified["faults"], serde_json::json!([]));
        assert!(verified["entries"].to_string().contains("link_"));
    }
    let wrong = case(
        folder,
        &["link", "result", "--case", "a", "ask.txt", "ask.txt"],
    );
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("not a file of this exchange"), "{said}");
}
