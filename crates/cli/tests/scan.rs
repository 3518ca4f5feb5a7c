//! `liuhen scan` as a user runs it: what it finds where, what it cannot read, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use liuhen_testkit::{Encoding, Sheet};
use serde_json::Value;
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");
const MOBILE: &str = "13800138000";
const ID: &str = "440308199901101512";
const EMAIL: &str = "zhang@example.com";
const TEXT: &str = "𠮷先生，您好：\n手机号：13800138000，身份证号：440308199901101512\r\n邮箱 zhang@example.com 完\n";

fn scan_in(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command
        .arg("scan")
        .args(args)
        .current_dir(dir)
        .env("LANG", "C.UTF-8")
        // Pictures are looked at by tests of their own.
        .env("LIUHEN_MODELS", "none")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .stdin(Stdio::null());
    command
}

fn scan(dir: &TempDir, args: &[&str]) -> Output {
    scan_in(dir.path(), args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}\n{said}", out(output));
    for value in [MOBILE, ID, EMAIL] {
        assert!(!said.contains(value), "a value on standard error");
        assert!(!out(output).contains(value), "a value on standard output");
    }
}

/// The findings and the summary of a scan with `--json`.
fn read(output: &Output) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = out(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = lines.pop().unwrap()["summary"].take();
    assert!(summary.is_object());
    (lines, summary)
}

fn found(dir: &TempDir, args: &[&str]) -> (Vec<Value>, Value) {
    let output = scan(dir, &[&["--json"], args].concat());
    exits(&output, 0);
    read(&output)
}

/// The kinds that surely are found, in the order of the file.
fn kinds(findings: &[Value]) -> Vec<&str> {
    let names = findings.iter().map(|one| one["kind"].as_str().unwrap());
    names
        .filter(|name| ["mobile", "resident_id", "email"].contains(name))
        .collect()
}

fn range(one: &Value, unit: &str) -> std::ops::Range<usize> {
    let at = |side: usize| usize::try_from(one[unit][side].as_u64().unwrap()).unwrap();
    at(0)..at(1)
}

/// Demands that each finding of the three kinds slices its value out of `text`, in every unit.
#[track_caller]
fn slices(findings: &[Value], text: &str) {
    let chars: Vec<char> = text.chars().collect();
    let utf16: Vec<u16> = text.encode_utf16().collect();
    let mut seen = 0;
    for one in findings {
        let value = match one["kind"].as_str().unwrap() {
            "mobile" => MOBILE,
            "resident_id" => ID,
            "email" => EMAIL,
            _ => continue,
        };
        seen += 1;
        assert_eq!(&text[range(one, "bytes")], value, "{one}");
        assert_eq!(chars[range(one, "chars")].iter().collect::<String>(), value);
        assert_eq!(
            String::from_utf16(&utf16[range(one, "utf16")]).unwrap(),
            value
        );
    }
    assert!(seen > 0, "nothing was found");
}

#[test]
fn text_of_every_encoding_gives_the_same_places() {
    let dir = TempDir::new().unwrap();
    for (name, encoding) in ["a", "b", "c", "d", "e", "f"].iter().zip(Encoding::ALL) {
        // GBK lacks the rare character, which then becomes a reference of another length.
        let text = match encoding {
            Encoding::Gbk => TEXT.replace('𠮷', "吉"),
            _ => TEXT.to_owned(),
        };
        let name = format!("{name}.txt");
        fs::write(dir.path().join(&name), encoding.encode(&text)).unwrap();
        let (findings, summary) = found(&dir, &[&name]);
        assert_eq!(
            kinds(&findings),
            ["mobile", "resident_id", "email"],
            "{encoding:?}"
        );
        slices(&findings, &text);
        let mobile = findings.iter().find(|one| one["kind"] == "mobile").unwrap();
        assert!(
            mobile["locator"]
                .as_str()
                .unwrap()
                .starts_with("line 2, column ")
        );
        assert_eq!(summary["malformed"], 0);
    }
}

#[test]
fn tables_give_places_in_the_file() {
    let dir = TempDir::new().unwrap();
    let text = "姓名,手机号,身份证号,备注\r\n\"欧,阳\",13800138000,440308199901101512,\"他说\"\"好\"\"，zhang@example.com\"\r\n";
    for encoding in [Encoding::Utf8Bom, Encoding::Gb18030, Encoding::Utf16Le] {
        fs::write(dir.path().join("a.csv"), encoding.encode(text)).unwrap();
        let (findings, _) = found(&dir, &["a.csv"]);
        assert_eq!(kinds(&findings), ["mobile", "resident_id", "email"]);
        slices(&findings, text);
        let mobile = findings.iter().find(|one| one["kind"] == "mobile").unwrap();
        assert_eq!(mobile["locator"], "row 2, column 2");
    }
    // The same rows under another name, through a pipe, and as text.
    fs::write(dir.path().join("a.txt"), text).unwrap();
    let (findings, _) = found(&dir, &["a.txt"]);
    assert!(
        findings
            .iter()
            .any(|one| one["locator"] == "row 2, column 2")
    );
    let (findings, _) = found(&dir, &["a.txt", "--text"]);
    assert!(
        findings
            .iter()
            .any(|one| one["locator"].as_str().unwrap().starts_with("line 2"))
    );
    slices(&findings, text);
}

#[test]
fn rows_that_are_no_rows_are_looked_through_too() {
    let dir = TempDir::new().unwrap();
    let long = "长".repeat(360_000);
    let text = format!(
        "手机号,备注\n\"{MOBILE}\",x\n{long},手机号 {MOBILE}\n\"手机号 {MOBILE},never closed\n手机号 {MOBILE},\n"
    );
    fs::write(dir.path().join("a.csv"), &text).unwrap();
    let (findings, _) = found(&dir, &["a.csv"]);
    let mobiles = kinds(&findings);
    assert_eq!(mobiles.iter().filter(|kind| **kind == "mobile").count(), 4);
    slices(&findings, &text);
}

#[test]
fn workbooks_are_read_cell_by_cell() {
    let dir = TempDir::new().unwrap();
    let sheet = Sheet {
        header: ["姓名", "手机号", "邮箱"].map(str::to_owned).to_vec(),
        rows: vec![vec!["某人".to_owned(), MOBILE.to_owned(), EMAIL.to_owned()]],
    };
    fs::write(dir.path().join("a.xlsx"), sheet.xlsx()).unwrap();
    let (findings, summary) = found(&dir, &["a.xlsx"]);
    assert_eq!(kinds(&findings), ["mobile", "email"]);
    let mobile = findings.iter().find(|one| one["kind"] == "mobile").unwrap();
    assert_eq!(mobile["locator"], "sheet 1, row 2, column 2");
    assert_eq!(mobile["bytes"], serde_json::json!([0, 11]));
    assert_eq!(summary["files"], 1);
    // A workbook through a pipe is held in memory.
    let piped = scan_in(dir.path(), &["-", "--json"])
        .stdin(fs::File::open(dir.path().join("a.xlsx")).unwrap())
        .output()
        .unwrap();
    exits(&piped, 0);
    assert_eq!(kinds(&read(&piped).0), ["mobile", "email"]);
}

#[test]
fn standard_input_is_a_path() {
    let dir = TempDir::new().unwrap();
    let mut child = scan_in(dir.path(), &["-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(TEXT.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    exits(&output, 0);
    let (findings, _) = read(&output);
    assert!(findings.iter().all(|one| one["path"] == "-"));
    slices(&findings, TEXT);
}

#[test]
fn nothing_is_passed_over_in_silence() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    for folder in ["fixtures", ".git", "sub"] {
        fs::create_dir(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("a.txt"), TEXT).unwrap();
    }
    fs::write(root.join(".liuhenignore"), "fixtures/\n").unwrap();
    fs::write(root.join(".hidden"), TEXT).unwrap();
    fs::write(root.join("picture.jpg"), b"\xFF\xD8\xFF\xE0\0\x10").unwrap();
    fs::write(root.join("noise.bin"), b"\x7F\0\x01\x02\x03\0\xFF").unwrap();
    std::os::unix::fs::symlink(root, root.join("sub/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("broken")).unwrap();
    let output = scan(&dir, &[".", "--json"]);
    exits(&output, 8);
    let (findings, summary) = read(&output);
    let paths: std::collections::BTreeSet<&str> = findings
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        [".hidden", "sub/a.txt"]
    );
    let unreadable: Vec<(&str, &str)> = summary["unreadable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["path"].as_str().unwrap(),
                one["error"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("broken", "broken_link"),
        ("noise.bin", "format_not_read"),
        ("picture.jpg", "no_models"),
        ("sub/loop", "link_not_followed"),
    ];
    assert_eq!(unreadable, expected);
    assert_eq!(
        (&summary["ignored"], &summary["complete"]),
        (&2.into(), &false.into())
    );
    // A file named outright is left out too, and said to be.
    let (findings, summary) = found(&dir, &["fixtures/a.txt", "picture.jpg"]);
    assert!(findings.is_empty());
    assert_eq!(summary["unreadable"][0]["error"], "ignored");
    let missing = scan(&dir, &["nothing-here", "--json"]);
    exits(&missing, 8);
    assert_eq!(read(&missing).1["unreadable"][0]["error"], "missing");
}

#[test]
fn names_of_files_are_looked_at() {
    let dir = TempDir::new().unwrap();
    fs::write(
        dir.path().join(format!("身份证号{ID}.jpg")),
        b"\xFF\xD8\xFF\xE0",
    )
    .unwrap();
    let output = scan(&dir, &[".", "--json"]);
    let (findings, _) = read(&output);
    let id = findings
        .iter()
        .find(|one| one["kind"] == "resident_id")
        .unwrap();
    assert_eq!(id["locator"], "file name");
    let name = format!("身份证号{ID}.jpg");
    assert_eq!(&name[range(id, "bytes")], ID);
}

#[test]
fn a_baseline_accepts_what_is_known_and_holds_no_value() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), TEXT).unwrap();
    exits(&scan(&dir, &[".", "--write-baseline", "known.json"]), 0);
    let baseline = fs::read_to_string(dir.path().join("known.json")).unwrap();
    assert!(
        ![MOBILE, ID, EMAIL]
            .iter()
            .any(|value| baseline.contains(value))
    );
    let again = ["--baseline", "known.json", "--fail-on", "mobile", "."];
    exits(&scan(&dir, &again), 0);
    let more = format!("{TEXT}\n另一个手机号 {MOBILE}\n");
    fs::write(dir.path().join("a.txt"), more).unwrap();
    exits(&scan(&dir, &again), 7);
    let (findings, summary) = found(&dir, &["--baseline", "known.json", "."]);
    assert_eq!(kinds(&findings), ["mobile"]);
    assert!(summary["accepted"].as_u64().unwrap() >= 3);
    fs::write(dir.path().join("bad.json"), TEXT).unwrap();
    exits(&scan(&dir, &["--baseline", "bad.json", "a.txt"]), 1);
}

#[test]
fn a_remark_accepts_its_line() {
    let dir = TempDir::new().unwrap();
    let text = format!(
        "手机号 {MOBILE} # liuhen:allow\n手机号 {MOBILE} # liuhen:allow email\n邮箱 {EMAIL} # liuhen:allow email\n"
    );
    fs::write(dir.path().join("a.txt"), text).unwrap();
    let (findings, summary) = found(&dir, &["a.txt"]);
    assert_eq!(kinds(&findings), ["mobile"]);
    assert!(
        findings[0]["locator"]
            .as_str()
            .unwrap()
            .starts_with("line 2,")
    );
    assert!(summary["allowed"].as_u64().unwrap() >= 2);
}

#[test]
fn what_ends_with_which_code() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), TEXT).unwrap();
    let rows: [(&[&str], i32); 10] = [
        (&["a.txt"], 0),
        (&["a.txt", "--fail-on", "mobile"], 7),
        (&["a.txt", "--fail-on", "high"], 7),
        (&["a.txt", "--fail-on", "bank_card"], 0),
        (&["a.txt", "nothing", "--fail-on", "mobile"], 7),
        (&["a.txt", "nothing"], 8),
        (&["a.txt", "--fail-on", "nonsense"], 2),
        (&["a.txt", "--kinds", "email", "--fail-on", "mobile"], 0),
        (&["a.txt", "--json", "--sarif"], 2),
        (&[], 2),
    ];
    for (args, code) in rows {
        exits(&scan(&dir, args), code);
    }
}

#[test]
fn every_format_is_well_formed_and_holds_no_value() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("名单 1.txt"), TEXT).unwrap();
    let sarif = scan(&dir, &[".", "--sarif", "--show"]);
    exits(&sarif, 0);
    let log: Value = serde_json::from_str(&out(&sarif)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let mobile = results
        .iter()
        .find(|one| one["ruleId"] == "mobile")
        .unwrap();
    assert!(["error", "warning", "note"].contains(&mobile["level"].as_str().unwrap()));
    let place = &mobile["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "%E5%90%8D%E5%8D%95%201.txt"
    );
    assert_eq!(
        (
            &place["region"]["startLine"],
            &place["region"]["startColumn"]
        ),
        (&2.into(), &5.into())
    );
    assert_eq!(
        (
            &place["region"]["charOffset"],
            &place["region"]["charLength"]
        ),
        (&12.into(), &11.into())
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(
        results
            .iter()
            .all(|one| rules.iter().any(|rule| rule["id"] == one["ruleId"]))
    );

    let csv = scan(&dir, &[".", "--csv", "--show"]);
    exits(&csv, 0);
    let sheet = Sheet::parse(&out(&csv));
    assert_eq!(sheet.header[0], "path");
    assert!(
        sheet
            .rows
            .iter()
            .any(|row| row[2] == "mobile" && row[14] == "138****8000")
    );

    let html = scan(&dir, &[".", "--html", "--show", "--output", "page.html"]);
    exits(&html, 0);
    let page = fs::read_to_string(dir.path().join("page.html")).unwrap();
    assert!(page.contains("138****8000") && page.ends_with("</html>"));
    for value in [MOBILE, ID, EMAIL, "<script", "http://", "https://"] {
        assert!(!page.contains(value), "{value}");
    }
    let table = scan(&dir, &[".", "--show"]);
    exits(&table, 0);
    assert!(out(&table).contains("138****8000") && out(&table).contains("places to look first"));
    // Samples are for those who ask.
    for format in ["--json", "--csv", "--sarif", "--html"] {
        assert!(
            !out(&scan(&dir, &[".", format])).contains("138****8000"),
            "{format}"
        );
    }
}

#[test]
fn speaks_chinese_where_the_terminal_does() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), TEXT).unwrap();
    let output = scan_in(dir.path(), &["."])
        .env("LANG", "zh_CN.UTF-8")
        .output()
        .unwrap();
    assert!(out(&output).contains("手机号") && out(&output).contains("先看这些地方"));
}

#[test]
fn the_order_does_not_depend_on_the_workers() {
    let dir = TempDir::new().unwrap();
    for n in 0..300 {
        let folder = dir.path().join(format!("{}", n % 7));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{n}.txt")), TEXT.repeat(1 + n % 5)).unwrap();
    }
    let told = |jobs: &str| {
        let (findings, _) = found(&dir, &[".", "--jobs", jobs]);
        findings
    };
    assert_eq!(told("1"), told("8"));
}

#[test]
fn rules_are_shown_with_their_sources() {
    let dir = TempDir::new().unwrap();
    let rules = |args: &[&str]| {
        let mut command = Command::new(BIN);
        command
            .arg("rules")
            .args(args)
            .current_dir(dir.path())
            .env("LANG", "C.UTF-8");
        command.output().unwrap()
    };
    let one: Value =
        serde_json::from_slice(&rules(&["show", "resident_id", "--json"]).stdout).unwrap();
    assert_eq!(one["sensitivity"]["source"], "C:CAC26");
    let all = rules(&["show"]);
    assert!(out(&all).lines().count() >= 50);
    assert_eq!(rules(&["show", "nonsense"]).status.code(), Some(2));
}

/// An archive of one file, by POSIX.1-1988.
fn tarred(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[148..156].fill(b' ');
    block[156] = b'0';
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(bytes);
    block.resize(block.len().next_multiple_of(512) + 1_024, 0);
    block
}

#[test]
fn what_lies_in_an_archive_is_found_under_the_way_to_it() {
    let dir = TempDir::new().unwrap();
    let inner = tarred("名单/b.txt", TEXT.as_bytes());
    fs::write(dir.path().join("a.tar"), tarred("inner.tar", &inner)).unwrap();
    let (findings, summary) = found(&dir, &["a.tar"]);
    let way = "a.tar / inner.tar / 名单/b.txt";
    assert!(findings.iter().all(|one| one["path"] == way));
    let mobile = findings.iter().find(|one| one["kind"] == "mobile").unwrap();
    assert_eq!(mobile["locator"], "line 2, column 5");
    assert_eq!(&TEXT[range(mobile, "bytes")], MOBILE);
    assert_eq!(summary["unreadable"].as_array().unwrap().len(), 0);
    // No deeper than told.
    let bounded = scan(&dir, &["a.tar", "--json", "--max-depth", "1"]);
    exits(&bounded, 8);
    let (findings, summary) = read(&bounded);
    assert!(findings.is_empty());
    assert_eq!(summary["unreadable"][0]["error"], "bound_met");
    assert_eq!(summary["unreadable"][0]["path"], "a.tar / inner.tar");
}

#[test]
fn what_is_locked_opens_with_a_password_of_a_file() {
    let dir = TempDir::new().unwrap();
    let archive = include_bytes!("../../reading/tests/fixtures/locked.7z");
    fs::write(dir.path().join("l.7z"), archive).unwrap();
    let (_, summary) = found(&dir, &["l.7z"]);
    assert_eq!(summary["unreadable"][0]["error"], "locked");
    fs::write(dir.path().join("words.txt"), "wrong\n密码1\n").unwrap();
    let (_, summary) = found(&dir, &["l.7z", "--password-file", "words.txt"]);
    assert_eq!(summary["unreadable"].as_array().unwrap().len(), 0);
    assert_eq!(summary["files"], 3);
}
