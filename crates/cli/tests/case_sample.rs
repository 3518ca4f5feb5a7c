//! A sample drawn, looked at and taken in; a report on what came out.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use liuhen_testkit::{Encoding, Form, browser_or_skip, people};
use serde_json::{Value, json};

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

/// A case of a table of 300 persons twice, rows that do not count, and an advertisement; counted.
fn counted(folder: &Path) -> Value {
    let seized = folder.join("seized");
    fs::create_dir(&seized).unwrap();
    let list = people(7, 300).delimited(Form::csv(Encoding::Gbk));
    fs::write(seized.join("名单.csv"), &list).unwrap();
    fs::write(seized.join("again.csv"), &list).unwrap();
    fs::write(
        seized.join("b.csv"),
        "姓名,手机号\n测试,13800138000\n王小明,13812345678\n,\n",
    )
    .unwrap();
    fs::write(seized.join("群聊.txt"), "出一手料，可查头\n随便聊聊\n").unwrap();
    json(
        &case(
            folder,
            &[
                "new", "a", "--name", "某案", "--number", "2026-17", "--json",
            ],
        ),
        0,
    );
    json(
        &case(folder, &["add", "--case", "a", "seized", "--json"]),
        0,
    );
    json(&case(folder, &["count", "--case", "a", "--json"]), 0)["count"].clone()
}

fn sample(folder: &Path, more: &[&str]) -> Value {
    let words = ["sample", "--case", "a", "--size", "60", "--json"];
    json(&case(folder, &[&words, more].concat()), 0)
}

#[test]
fn a_sample_is_drawn_marked_and_taken_in() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let count = counted(folder);
    let persons = count["totals"]["persons"].as_u64().unwrap();

    let first = sample(folder, &["--seed", "s", "--jobs", "1"]);
    let again = sample(folder, &["--seed", "s", "--jobs", "3", "--show-values"]);
    let other = sample(folder, &["--seed", "t"]);
    assert_eq!(first["sample"], again["sample"]);
    assert_ne!(first["sample"]["rows"], other["sample"]["rows"]);
    let strata = first["sample"]["strata"].as_array().unwrap();
    let sum = |counts: bool, what: &str| -> u64 {
        let wanted = strata.iter().filter(|one| one["code"].is_null() == counts);
        wanted.map(|one| one[what].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(true, "rows"), persons);
    let out: u64 = count["excluded"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    let repeated = count["pipeline"]["valid"].as_u64().unwrap() - persons;
    assert_eq!(sum(false, "rows"), out + repeated);
    let rows = first["sample"]["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, sum(true, "drawn") + sum(false, "drawn"));

    // Masked, and with values; in both cases for nobody else.
    let page = |one: &Value| folder.join(one["page"].as_str().unwrap());
    let (masked, shown) = (
        fs::read_to_string(page(&first)).unwrap(),
        fs::read_to_string(page(&again)).unwrap(),
    );
    let table = people(7, 300);
    let value = |text: &str| {
        table
            .rows
            .iter()
            .flatten()
            .filter(|cell| cell.len() == 18 && cell.is_ascii() && text.contains(cell.as_str()))
            .count()
    };
    assert_eq!(value(&masked), 0);
    assert!(value(&shown) > 10);
    for one in [&first, &again] {
        let mode = fs::metadata(page(one)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!masked.contains("http://") && !masked.contains("https://"));

    // The third counted row is untrue, one cannot be told, one is not marked.
    let hash = first["sample_sha256"].as_str().unwrap();
    let held: Vec<u64> = rows
        .iter()
        .filter(|row| {
            strata[usize::try_from(row["stratum"].as_u64().unwrap()).unwrap()]["code"].is_null()
        })
        .map(|row| row["n"].as_u64().unwrap())
        .collect();
    let mut marks = serde_json::Map::new();
    for row in rows {
        let n = row["n"].as_u64().unwrap();
        let mark = match held.iter().position(|one| *one == n) {
            Some(2) => "untrue",
            Some(3) => "unknown",
            Some(4) => continue,
            Some(_) => "true",
            None => "untrue",
        };
        marks.insert(n.to_string(), json!(mark));
    }
    let marks = json!({ "liuhen_marks": 1, "sample": hash, "by": "乙", "marks": marks });
    let path = folder.join("marks.json");
    fs::write(&path, marks.to_string()).unwrap();
    let verdict = json(
        &case(folder, &["verdict", "--case", "a", "marks.json", "--json"]),
        0,
    );
    let estimate = &verdict["estimate"];
    assert_eq!(
        (&estimate["complete"], &estimate["unmarked"]),
        (&json!(false), &json!(1))
    );
    let side = &estimate["counted"];
    assert_eq!(side["untrue"], 1);
    assert_eq!(side["unknown"], 2);
    let [low, middle, high] = ["low", "estimate", "high"].map(|name| side[name].as_u64().unwrap());
    assert!(low < middle && middle < high && high <= persons, "{side}");
    assert_eq!(estimate["excluded"]["estimate"], 0);

    // Marks of another sample, of a row that was not drawn, and no marks at all.
    for (wrong, why) in [
        (
            json!({ "liuhen_marks": 1, "sample": "00", "marks": {} }),
            "no sample of this case",
        ),
        (
            json!({ "liuhen_marks": 1, "sample": hash, "marks": { "9999": "true" } }),
            "row 9999",
        ),
        (json!({ "marks": {} }), "no marks"),
    ] {
        fs::write(&path, wrong.to_string()).unwrap();
        let refused = case(folder, &["verdict", "--case", "a", "marks.json"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(why), "{said}");
    }
    let verified = json(&case(folder, &["verify", "a", "--json"]), 0);
    assert_eq!(verified["faults"], json!([]));

    // The report: the same bytes twice, in both forms and languages, with what was found.
    let written = |name: &str, lang: &str| {
        let out = case(folder, &["report", "a", "-o", name, "--lang", lang]);
        assert_eq!(
            out.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        fs::read(folder.join(name)).unwrap()
    };
    for (name, lang) in [("r.html", "zh"), ("r.html", "en"), ("r.pdf", "zh")] {
        let bytes = written(name, lang);
        assert_eq!(bytes, written(name, lang), "{name} {lang}");
        assert!(name != "r.pdf" || bytes.starts_with(b"%PDF-"));
    }
    let html = String::from_utf8(written("r.html", "zh")).unwrap();
    let sum = rows_sum(folder, "a/exhibits/0001/名单.csv");
    for part in [
        "某案",
        "TEST_PATTERN",
        "查头",
        "第五条第一款第五项",
        &format!("{low} – {high}"),
        &sum,
        "liuhen.invalid/case/",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(value(&html), 0);
    let report = json(&case(folder, &["report", "a", "--json"]), 0);
    assert_eq!(report["count"]["totals"]["persons"], persons);
    assert_eq!(report["estimate"], *estimate);
    assert_eq!(report["slang"].as_array().unwrap().len(), 2);

    // What was altered is said, and the report ends with 5.
    let path = folder.join("a/exhibits/0001/b.csv");
    fs::remove_file(&path).unwrap();
    let doubted = json(&case(folder, &["report", "a", "--json"]), 5);
    assert_eq!(doubted["faults"].as_array().unwrap().len(), 1);
}

/// The SHA-256 of a file, by the listing.
fn rows_sum(folder: &Path, path: &str) -> String {
    let out = Command::new("sha256sum")
        .arg(folder.join(path))
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.trim_start_matches('\\')
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

/// A verdict reads the sample that was sealed and no other, and a report shows no altered result.
#[test]
fn an_altered_sample_gives_no_verdict() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    counted(folder);
    let drawn = sample(folder, &["--seed", "s"]);
    let path = folder.join("a/results/0002/sample.json");
    let sealed = fs::read(&path).unwrap();
    let mut altered: Value = serde_json::from_slice(&sealed).unwrap();
    altered["strata"][0]["rows"] = json!(5_000_000);
    let altered = altered.to_string();
    let write = |path: &Path, bytes: &[u8]| {
        let _ = fs::remove_file(path);
        fs::write(path, bytes).unwrap();
    };
    write(&path, altered.as_bytes());
    let sum = rows_sum(folder, "a/results/0002/sample.json");
    let rows = drawn["sample"]["rows"].as_array().unwrap();
    let marks: serde_json::Map<_, _> = rows
        .iter()
        .map(|row| (row["n"].to_string(), json!("true")))
        .collect();
    let marks = json!({ "liuhen_marks": 1, "sample": sum, "by": "乙", "marks": marks });
    fs::write(folder.join("marks.json"), marks.to_string()).unwrap();
    for (bytes, why) in [
        (altered.as_bytes(), "is damaged: verify the case"),
        (&sealed[..], "no sample of this case"),
    ] {
        write(&path, bytes);
        let refused = case(folder, &["verdict", "--case", "a", "marks.json"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(why), "{said}");
    }
    // Neither is a sample drawn from an altered count, nor such a count shown.
    let count = folder.join("a/results/0001/count.json");
    let mut bytes = fs::read(&count).unwrap();
    bytes.push(b'\n');
    write(&count, &bytes);
    let refused = case(folder, &["sample", "--case", "a"]);
    assert_eq!(refused.status.code(), Some(1));
    let report = case(folder, &["report", "a", "--lang", "en"]);
    assert_eq!(report.status.code(), Some(5));
    let html = String::from_utf8(report.stdout).unwrap();
    assert!(html.contains("The last count is not as it was sealed, and is not shown."));
    assert!(!html.contains("From rows to persons"));
}

/// The last count's verdict is found, whichever sample was marked last; what was not read stands before
/// the numbers; whose key it was checked under is said.
#[test]
fn a_report_has_the_verdict_of_its_count_and_what_was_not_read() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    fs::create_dir(folder.join("held")).unwrap();
    let cut = people(9, 20).delimited(Form::csv(Encoding::Gbk));
    // A deflated member whose bytes are none.
    let mut zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    zip.extend(&cut[..60]);
    fs::write(folder.join("held/lock.zip"), zip).unwrap();
    counted(folder);
    let added = json(&case(folder, &["add", "--case", "a", "held", "--json"]), 0);
    let mark = |drawn: &Value| {
        let rows = drawn["sample"]["rows"].as_array().unwrap();
        let marks: serde_json::Map<_, _> = rows
            .iter()
            .map(|row| (row["n"].to_string(), json!("true")))
            .collect();
        let marks = json!({ "liuhen_marks": 1, "sample": drawn["sample_sha256"], "by": "乙", "marks": marks });
        fs::write(folder.join("marks.json"), marks.to_string()).unwrap();
        let words = ["verdict", "--case", "a", "marks.json", "--json"];
        json(&case(folder, &words), 0)
    };
    let recounted = |seed: &str| {
        let counted = case(folder, &["count", "--case", "a", "--json"]);
        assert_eq!(counted.status.code(), Some(8), "the archive is damaged");
        sample(folder, &["--seed", seed])
    };
    let (first, second) = (recounted("s"), recounted("t"));
    let verdict = mark(&second);
    mark(&first);
    let report = json(&case(folder, &["report", "a", "--json"]), 0);
    assert_eq!(report["estimate_result"], verdict["result"]);
    assert_eq!(report["told_apart"], false);

    let html = |more: &[&str]| {
        let words = [&["report", "a", "--lang", "en"], more].concat();
        let out = case(folder, &words);
        assert_eq!(out.status.code(), Some(0));
        String::from_utf8(out.stdout).unwrap()
    };
    let page = html(&[]);
    let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part}"));
    assert!(place("Not read") < place("From rows to persons"));
    assert!(place("exhibits/0002/lock.zip") < place("From rows to persons"));
    assert!(
        page.contains("the folder&#39;s own key alone")
            || page.contains("the folder's own key alone")
    );
    let kept = folder.join("kept");
    fs::write(&kept, added["checkpoint"].as_str().unwrap()).unwrap();
    assert!(html(&["--earlier", "kept"]).contains("kept apart from the case"));
    // A checkpoint of another case.
    json(&case(folder, &["new", "b", "--name", "x", "--json"]), 0);
    let shown = json(&case(folder, &["show", "--case", "b", "--json"]), 0);
    fs::write(&kept, shown["checkpoint"].as_str().unwrap()).unwrap();
    let other = case(folder, &["report", "a", "--earlier", "kept"]);
    assert_eq!(other.status.code(), Some(5));
}

#[test]
fn nothing_to_draw_from_is_said() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    json(&case(folder, &["new", "a", "--name", "x", "--json"]), 0);
    let refused = case(folder, &["sample", "--case", "a"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("case count"), "{said}");
    let report = case(folder, &["report", "a"]);
    assert_eq!(report.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&report.stdout).contains("本案尚未统计"));
}

#[test]
fn the_page_is_marked_by_keyboard() {
    let Some(browser) = browser_or_skip("the_page_is_marked_by_keyboard") else {
        return;
    };
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    counted(folder);
    let drawn = sample(folder, &["--seed", "s"]);
    let count = drawn["sample"]["rows"].as_array().unwrap().len();
    let page = folder.join(drawn["page"].as_str().unwrap());
    browser.open(&format!("file://{}", page.display()));
    // The first row has the focus; every key marks and goes on.
    for at in 0..count {
        browser.keys(if at == 1 { "2" } else { "1" });
    }
    let done = browser.script("return document.getElementById('done').textContent");
    assert_eq!(done, format!("{count} / {count}"));
    browser.click("#save");
    fs::copy(browser.downloaded(".json"), folder.join("marks.json")).unwrap();
    let verdict = json(
        &case(folder, &["verdict", "--case", "a", "marks.json", "--json"]),
        0,
    );
    assert_eq!(verdict["estimate"]["complete"], true);
    let side = |name: &str| verdict["estimate"][name]["untrue"].as_u64().unwrap();
    assert_eq!(side("counted") + side("excluded"), 1);
}
