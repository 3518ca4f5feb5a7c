//! A case as an investigator keeps it: opened, filled, counted, handed over, doubted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

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
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert_eq!(output.status.code(), Some(code), "{said:?}");
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

/// Does something to an exhibit, with other bytes at hand.
type Change<'a> = &'a dyn Fn(&[u8]);

/// Cut to a few rows while it is counted, and put back: nothing is sealed, whatever is asked of it.
#[test]
fn nothing_is_worked_out_from_altered_exhibits() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let table = people(7, 40).delimited(Form::csv(Encoding::Gbk));
    fs::write(folder.join("p.csv"), &table).unwrap();
    json(&case(folder, &["new", "a", "--name", "x", "--json"]), 0);
    json(&case(folder, &["add", "--case", "a", "p.csv", "--json"]), 0);
    json(&case(folder, &["count", "--case", "a", "--json"]), 0);
    let exhibits = folder.join("a/exhibits/0001");
    let exhibit = exhibits.join("p.csv");
    let alter = |bytes: &[u8]| {
        let _ = fs::remove_file(&exhibit);
        fs::write(&exhibit, bytes).unwrap();
    };
    let asked: [&[&str]; 3] = [
        &["count", "--case", "a"],
        &["sample", "--case", "a", "--size", "5", "-o", "page.html"],
        &["link", "ask", "--case", "a", "-o", "ask.txt"],
    ];
    let cut = table.split_inclusive(|byte| *byte == b'\n').take(6);
    let cut: Vec<u8> = cut.flatten().copied().collect();
    let gone = |_: &[u8]| fs::remove_file(&exhibit).unwrap();
    let more = |_: &[u8]| fs::write(exhibits.join("more.csv"), &cut).unwrap();
    let changes: [(Change<'_>, &str); 3] = [
        (&alter, "p.csv was counted with other bytes"),
        (&gone, "p.csv was sealed, and the count does not have it"),
        (&more, "more.csv was counted and never sealed"),
    ];
    for (change, why) in changes {
        change(&cut);
        for words in asked {
            let refused = case(folder, words);
            assert_eq!(refused.status.code(), Some(1), "{words:?}");
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(said.contains(why), "{words:?} {said}");
        }
        alter(&table);
        let _ = fs::remove_file(exhibits.join("more.csv"));
    }
    assert!(!folder.join("page.html").exists() && !folder.join("ask.txt").exists());
    let verified = json(&case(folder, &["verify", "a", "--json"]), 0);
    assert_eq!(verified["entries"].as_array().unwrap().len(), 3);

    // A count that was sealed of other bytes, as an earlier program did: named, and in the report.
    let result = folder.join("a/results/0001/count.json");
    let mut count: Value = serde_json::from_slice(&fs::read(&result).unwrap()).unwrap();
    count["files"][0]["sha256"] = "00".into();
    let mut held = held(folder);
    let forged = held.results().unwrap().join("count.json");
    fs::write(forged, count.to_string()).unwrap();
    let who = held.entries()[0].who.clone();
    let who = liuhen_service::case::Who {
        at: liuhen_service::case::now(),
        ..who
    };
    held.seal_results("count", who).unwrap();
    drop(held);
    let doubted = json(&case(folder, &["verify", "a", "--json"]), 5);
    let faults = doubted["faults"].as_array().unwrap();
    assert_eq!((faults.len(), &faults[0]["fault"]), (1, &"result".into()));
    let report = case(folder, &["report", "a", "--lang", "en"]);
    assert_eq!(report.status.code(), Some(5));
    let html = String::from_utf8(report.stdout).unwrap();
    assert!(html.contains("was counted with other bytes than were sealed"));
}

fn held(folder: &Path) -> liuhen_service::case::Case {
    liuhen_service::case::Case::open(&folder.join("a"), &folder.join("a.key")).unwrap()
}

/// Showing needs no key and changes nothing, whatever lies there.
#[test]
fn showing_changes_nothing() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    fs::write(folder.join("p.csv"), "x\n").unwrap();
    json(&case(folder, &["new", "a", "--name", "x", "--json"]), 0);
    json(&case(folder, &["add", "--case", "a", "p.csv", "--json"]), 0);
    fs::remove_file(folder.join("a.key")).unwrap();
    for name in ["exhibits/notes.txt", "results/0007.part", "stamps/1.part"] {
        fs::write(folder.join("a").join(name), "x").unwrap();
    }
    let state = || {
        let out = Command::new("sh")
            .args(["-c", "find a -type f -exec sha256sum {} + | sort"])
            .current_dir(folder)
            .output();
        String::from_utf8(out.unwrap().stdout).unwrap()
    };
    let before = state();
    let shown = json(&case(folder, &["show", "--case", "a", "--json"]), 0);
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2);
    assert_eq!(shown["case"]["name"], "x");
    json(&case(folder, &["verify", "a", "--json"]), 5);
    json(&case(folder, &["report", "a", "--json"]), 5);
    assert_eq!(state(), before);
}

/// Killed at moments spread over all of it and a little more, an act is there whole or not at all, and
/// the next one leaves a sound case.
#[test]
fn an_act_killed_anywhere_leaves_a_sound_case() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    fs::create_dir(folder.join("many")).unwrap();
    for n in 0..40 {
        fs::write(folder.join(format!("many/{n}.csv")), format!("{n}\n")).unwrap();
    }
    fs::write(folder.join("one.csv"), "x\n").unwrap();
    json(&case(folder, &["new", "a", "--name", "x", "--json"]), 0);
    let add = ["add", "--case", "a", "many", "--json"];
    let begun = Instant::now();
    json(&case(folder, &add), 0);
    let whole = begun.elapsed();
    let (mut sealed, mut ended) = (1, 0);
    for round in 0..14 {
        let mut command = Command::new(BIN);
        let killed = command.arg("case").args(add).current_dir(folder);
        let killed = killed.env("USER", "甲").stdout(Stdio::null()).spawn();
        let mut killed = killed.unwrap();
        std::thread::sleep(whole * round / 12);
        killed.kill().unwrap();
        killed.wait().unwrap();
        json(
            &case(folder, &["add", "--case", "a", "one.csv", "--json"]),
            0,
        );
        let verified = json(&case(folder, &["verify", "a", "--json"]), 0);
        let exhibits = verified["exhibits"].as_u64().unwrap();
        // The second act, and perhaps the killed one.
        assert!((sealed + 1..=sealed + 2).contains(&exhibits), "{round}");
        ended += exhibits - sealed - 1;
        sealed = exhibits;
    }
    println!("of 14 acts {ended} had their entry");
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
