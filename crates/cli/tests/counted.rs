//! `count` as a user runs it: killed without a warning it goes on and says the same bytes; what it
//! says holds no value.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use liuhen_testkit::{Made, corpus};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

fn command(leak: &Path, work: Option<&Path>, ledger: &Path, jobs: u8) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
    command.args(["count", "--json", "--jobs", &jobs.to_string(), "--ledger"]);
    command.arg(ledger).arg(leak).env("LANG", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(work) = work {
        command.arg("--work").arg(work);
    }
    command
}

#[test]
fn killed_at_ten_random_points_it_goes_on_and_says_the_same() {
    let dir = TempDir::new().unwrap();
    let leak = dir.path().join("leak");
    std::fs::create_dir(&leak).unwrap();
    // Ten formats, archives among them.
    let made = corpus(&leak, 11, 8_000, &Made::ALL).unwrap();
    let (plain, resumed) = (
        dir.path().join("plain.jsonl"),
        dir.path().join("resumed.jsonl"),
    );
    let begun = Instant::now();
    let whole = command(&leak, None, &plain, 2).output().unwrap();
    let took = begun.elapsed();
    assert_eq!(whole.status.code(), Some(0));
    let work = dir.path().join("work");
    let mut random = ChaCha8Rng::seed_from_u64(20_261_123);
    // Whatever has been reached, the next run takes over, with another number of threads.
    for turn in 0..10 {
        let mut child = command(&leak, Some(&work), &resumed, turn % 4 + 1)
            .spawn()
            .unwrap();
        std::thread::sleep(took.mul_f64(random.random_range(0.0..0.25)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let kept = |ending: &str| {
        let mut names = std::fs::read_dir(&work)
            .unwrap()
            .map(|entry| entry.unwrap());
        names.any(|entry| entry.path().extension().is_some_and(|one| one == ending))
    };
    assert!(kept("json"), "nothing was taken over");
    let last = command(&leak, Some(&work), &resumed, 3).output().unwrap();
    assert_eq!(last.status.code(), Some(0));
    assert!(last.stdout == whole.stdout, "the report differs");
    assert!(
        std::fs::read(&plain).unwrap() == std::fs::read(&resumed).unwrap(),
        "the ledger differs"
    );
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0);

    let told: Value = serde_json::from_slice(&last.stdout).unwrap();
    assert_eq!(told["totals"]["persons"], made.truth.distinct["person"]);
    let said = String::from_utf8(last.stdout).unwrap() + &std::fs::read_to_string(&plain).unwrap();
    let text = std::fs::read_to_string(leak.join("01-first.csv")).unwrap();
    let values = text
        .lines()
        .skip(1)
        .take(300)
        .flat_map(|line| line.split(','));
    for value in values.filter(|value| value.chars().count() > 5) {
        assert!(!said.contains(value), "a value is told");
    }
    assert!(!said.contains("合法"));
}

#[test]
fn circumstances_are_weighed_and_a_person_reads_it_in_both_languages() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.csv");
    let sheet = liuhen_testkit::people(3, 30).columns(&["姓名", "手机号"]);
    std::fs::write(
        &file,
        sheet.delimited(liuhen_testkit::Form::csv(liuhen_testkit::Encoding::Gbk)),
    )
    .unwrap();
    let run = |args: &[&str], lang: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
        let output = command
            .arg("count")
            .arg(&file)
            .args(args)
            .env("LANG", lang)
            .env_remove("LC_ALL")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let reaches = |args: &[&str]| {
        let (code, text) = run(&[&["--json"], args].concat(), "C.UTF-8");
        assert_eq!(code, Some(0));
        let told: Value = serde_json::from_str(&text).unwrap();
        told["policies"][1]["readings"][0]["advice"]["reaches"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(reaches(&[]), "below_thresholds");
    assert_eq!(reaches(&["--gain", "5000"]), "serious");
    assert_eq!(reaches(&["--gain", "2500", "--insider"]), "serious");
    // Gains are his own, and nobody has said what he did.
    assert_eq!(run(&["--gain", "李某=90000"], "C.UTF-8").0, Some(1));
    assert_eq!(reaches(&["--flag", "prior"]), "serious");
    assert_eq!(reaches(&["--flag", "great_loss"]), "especially_serious");
    assert!(run(&[], "zh_CN.UTF-8").1.contains("治安管理处罚法"));
    assert!(run(&[], "C.UTF-8").1.contains("Advice only"));
    assert_eq!(run(&["--flag", "nonsense"], "C.UTF-8").0, Some(2));
}

#[test]
fn files_that_come_from_each_other_are_listed_and_drawn_without_a_value() {
    let dir = TempDir::new().unwrap();
    let leak = dir.path().join("leak");
    std::fs::create_dir(&leak).unwrap();
    let sheet = liuhen_testkit::people(4, 60).columns(&["姓名", "手机号"]);
    let bytes = sheet.delimited(liuhen_testkit::Form::csv(liuhen_testkit::Encoding::Utf8));
    for name in ["a<b>.csv", "b.csv"] {
        std::fs::write(leak.join(name), &bytes).unwrap();
    }
    let graph = leak.join("kin.svg");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
        command.arg("count").arg(&leak).arg("--graph").arg(&graph);
        let output = command.env("LANG", "C.UTF-8").env_remove("LC_ALL").output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0));
        let told = String::from_utf8(output.stdout).unwrap();
        (told, std::fs::read_to_string(&graph).unwrap())
    };
    let (told, drawn) = run();
    assert!(told.contains("b.csv: copy (1.00)"), "{told}");
    assert!(drawn.starts_with("<svg ") && drawn.contains("a&lt;b&gt;.csv"));
    assert!(drawn.contains("copy (1.00)") && drawn.contains("Advice only"));
    let values = sheet.rows.iter().flatten();
    assert!(
        values
            .into_iter()
            .all(|value| !drawn.contains(value.as_str()))
    );
    assert_eq!(run(), (told, drawn), "the drawing is no exhibit");
}
