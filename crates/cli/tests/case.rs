//! A case as an investigator keeps it: opened, filled, counted, handed over, doubted.
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
    run.env("USER", "甲")
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap()
}

#[track_caller]
fn json(output: &Output, code: i32) -> Value {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_case_from_opening_to_doubt() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let seized = folder.join("seized");
    fs::create_dir(&seized).unwrap();
    let list = people(7, 300).delimited(Form::csv(Encoding::Gbk));
    fs::write(seized.join("名单.csv"), &list).unwrap();
    fs::write(seized.join("again.csv"), &list).unwrap();

    let opened = json(&case(folder, &["new", "a", "--name", "某案", "--json"]), 0);
    assert!(folder.join("a.key").is_file());
    let added = json(
        &case(folder, &["add", "--case", "a", "seized", "--json"]),
        0,
    );
    assert_eq!(added["exhibits"][0]["files"], 2);
    let kept = folder.join("kept");
    fs::write(&kept, added["checkpoint"].as_str().unwrap()).unwrap();

    let counted = json(&case(folder, &["count", "--case", "a", "--json"]), 0);
    let files = counted["count"]["files"].as_array().unwrap();
    assert_eq!(
        files[0]["path"],
        "exhibits/0001/seized/again.csv".replace("seized/", "")
    );
    let text = counted["count"].to_string();
    assert!(
        !text.contains(folder.to_str().unwrap()),
        "paths of this machine"
    );
    let result = folder.join("a/results/0001");
    let count: Value =
        serde_json::from_slice(&fs::read(result.join("count.json")).unwrap()).unwrap();
    assert_eq!(count, counted["count"]);
    // The second file repeats the first, row for row.
    let ledger = fs::read_to_string(result.join("ledger.jsonl")).unwrap();
    assert!(ledger.lines().count() >= 300);

    // On another machine: the folder under another name, and the key not there.
    fs::rename(folder.join("a"), folder.join("b")).unwrap();
    let vkey = opened["vkey"].as_str().unwrap();
    let words = ["verify", "b", "--vkey", vkey, "--earlier", "kept", "--json"];
    let verified = json(&case(folder, &words), 0);
    assert_eq!(verified["faults"], serde_json::json!([]));
    assert_eq!(
        (verified["exhibits"].as_u64(), verified["files"].as_u64()),
        (Some(1), Some(5))
    );

    // Counted again from there, the same bytes.
    fs::rename(folder.join("b"), folder.join("a")).unwrap();
    json(&case(folder, &["count", "--case", "a", "--json"]), 0);
    let bytes = |n: u32| fs::read(folder.join(format!("a/results/000{n}/count.json"))).unwrap();
    assert_eq!(bytes(1), bytes(2));

    let path = folder.join("a/exhibits/0001/again.csv");
    let mut altered = fs::read(&path).unwrap();
    altered[100] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, altered).unwrap();
    let doubted = json(&case(folder, &["verify", "a", "--json"]), 5);
    assert_eq!(
        doubted["faults"],
        serde_json::json!([{ "fault": "changed", "path": "exhibits/0001/again.csv" }])
    );
    let shown = case(folder, &["verify", "a"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("exhibits/0001/again.csv: changed since it was sealed"),
        "{shown}"
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let none = case(folder, &["add", "--case", "nothing", "."]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("nothing"), "{said}");

    json(&case(folder, &["new", "a", "--name", "x", "--json"]), 0);
    let twice = case(folder, &["new", "a", "--name", "x"]);
    assert_eq!(twice.status.code(), Some(1));
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(said.contains("is there already"), "{said}");
}
