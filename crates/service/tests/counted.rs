//! Leaks whose truth is known, counted: every number equals it exactly, whatever the threads and
//! however often the count was broken off.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use liuhen_service::count::{
    CountError, CountFailure, CountRequest, Counted, Entry, LedgerSink, Progress, Silent, count,
};
use liuhen_testkit::{CountedLeak, Kin, Made, Truth, corpus, counted_leak};
use tempfile::TempDir;

const ROWS: usize = 20_000;

fn written(leak: &CountedLeak) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in &leak.files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn request<'a>(dir: &Path, jobs: usize, progress: &'a dyn Progress) -> CountRequest<'a> {
    CountRequest::new(vec![dir.to_owned()], jobs, progress)
}

fn run(request: &CountRequest<'_>) -> Result<(Counted, Vec<Entry>), CountFailure> {
    let mut entries = Vec::new();
    let sink: &mut LedgerSink<'_> = &mut |entry| {
        entries.push(entry.clone());
        Ok(())
    };
    let counted = count(request, Some(sink))?;
    Ok((counted, entries))
}

fn json(counted: &Counted, entries: &[Entry]) -> (String, String) {
    (
        serde_json::to_string(&counted.report).unwrap(),
        serde_json::to_string(entries).unwrap(),
    )
}

#[track_caller]
fn equals(counted: &Counted, truth: &Truth) {
    let report = &counted.report;
    let excluded: BTreeMap<&str, u64> = report
        .excluded
        .iter()
        .map(|(reason, count)| (reason.code(), *count))
        .collect();
    assert_eq!(excluded, truth.excluded);
    assert_eq!(
        (report.pipeline.raw, report.pipeline.valid),
        (truth.raw, truth.valid)
    );
    let distinct: BTreeMap<&str, u64> = report
        .policies
        .iter()
        .map(|policy| (policy.policy.name(), policy.distinct))
        .collect();
    assert_eq!(distinct, truth.distinct);
    let before: Vec<u64> = report
        .policies
        .iter()
        .map(|policy| policy.items_before)
        .collect();
    assert_eq!(
        before,
        [
            truth.valid,
            truth.valid,
            truth.items,
            truth.items,
            truth.items
        ]
    );
    let ages = ["under_14", "14_to_17", "adult", "unknown"].map(|age| report.persons.ages[age]);
    assert_eq!(ages, truth.ages);
    let links: BTreeMap<&str, u64> = report
        .near_duplicates
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.links))
        .collect();
    assert_eq!(links, truth.links);
    assert_eq!(
        (report.schools.schools, report.schools.classes),
        truth.schools
    );
    assert_eq!(
        report.kept_with_untrue_field.values().sum::<u64>(),
        truth.kept_bad_check
    );
    for file in &report.files {
        let name = file.path.rsplit('/').next().unwrap();
        assert_eq!(file.persons, truth.persons_of_file[name], "{name}");
        assert!(file.sha256.is_some() && file.unread.is_none());
    }
    assert_eq!(
        report
            .files
            .iter()
            .map(|file| file.persons_first_here)
            .sum::<u64>(),
        truth.distinct["person"]
    );
    assert!(!counted.is_incomplete());
}

/// Any total is its items before less the lines of its policy.
fn reconciles(counted: &Counted, entries: &[Entry]) {
    let report = &counted.report;
    for (reason, count) in &report.excluded {
        let lines = entries.iter().filter(|entry| entry.code == *reason).count() as u64;
        assert_eq!(lines, *count, "{}", reason.code());
    }
    for policy in &report.policies {
        // Without acts the last policy is the third, and its lines are the third's.
        if policy.policy.name() == "person_type_act" {
            continue;
        }
        let lines = entries
            .iter()
            .filter(|entry| entry.policy == Some(policy.policy));
        assert_eq!(
            lines.map(|entry| u64::from(entry.n)).sum::<u64>(),
            policy.duplicates,
            "{}",
            policy.policy.name()
        );
    }
    for entry in entries {
        let code = entry.code.code();
        assert_eq!(
            entry.first.is_some(),
            code.ends_with("DUPLICATE_OF"),
            "{code}"
        );
        if let Some(first) = &entry.first {
            assert!((&first.file, first.row) < (&entry.at.file, entry.at.row));
        }
    }
}

#[test]
fn every_number_is_the_truth_on_any_number_of_threads() {
    let leak = counted_leak(7, ROWS);
    let dir = written(&leak);
    let mut first: Option<(String, String)> = None;
    for jobs in [1, 2, 4] {
        let (counted, entries) = run(&request(dir.path(), jobs, &Silent)).unwrap();
        equals(&counted, &leak.truth);
        reconciles(&counted, &entries);
        let told = json(&counted, &entries);
        assert!(!told.0.contains("合法"));
        match &first {
            None => first = Some(told),
            Some(first) => assert!(*first == told, "{jobs} threads say otherwise"),
        }
    }
}

/// Stops after so many rows.
struct After(u64, AtomicU64);

impl Progress for After {
    fn read(&self, _bytes: u64, rows: u64) {
        self.1.fetch_add(rows, Ordering::Relaxed);
    }

    fn stop(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn broken_off_it_goes_on_and_says_the_same() {
    let leak = counted_leak(8, ROWS / 2);
    let dir = written(&leak);
    let (whole, entries) = run(&request(dir.path(), 2, &Silent)).unwrap();
    let expected = json(&whole, &entries);
    let work = TempDir::new().unwrap();
    for rows in [1_500, 3_000, 5_200, 7_000, 9_990, 1 << 40] {
        let after = After(rows, AtomicU64::new(0));
        let asked = CountRequest {
            work: Some(work.path().to_owned()),
            ..request(dir.path(), 2, &after)
        };
        match run(&asked) {
            Err(CountFailure::Count(CountError::Stopped)) => assert!(rows < 1 << 40),
            Ok((counted, entries)) => {
                equals(&counted, &leak.truth);
                assert!(json(&counted, &entries) == expected);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(
        std::fs::read_dir(work.path()).unwrap().count(),
        0,
        "the work is emptied"
    );
}

#[test]
fn refuses_the_work_of_another_count() {
    let leak = counted_leak(9, 400);
    let dir = written(&leak);
    let work = TempDir::new().unwrap();
    let after = After(50, AtomicU64::new(0));
    let asked = |progress| CountRequest {
        work: Some(work.path().to_owned()),
        ..request(dir.path(), 1, progress)
    };
    assert!(run(&asked(&after)).is_err());
    std::fs::write(dir.path().join("more.csv"), "姓名,手机号\n").unwrap();
    let refused = run(&asked(&Silent));
    assert!(matches!(
        refused,
        Err(CountFailure::Count(CountError::OtherCount))
    ));
}

fn folder(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let path = dir.path().to_owned();
    (dir, path)
}

/// People who do not exist, under assigned-looking telephones.
fn list(people: std::ops::Range<u64>) -> String {
    let sheet = liuhen_testkit::people(5, 60);
    let (name, phone) = (sheet.column("姓名"), sheet.column("手机号"));
    let row = |at: u64| {
        let row = &sheet.rows[usize::try_from(at).unwrap()];
        format!("{},{}\n", row[name], row[phone])
    };
    std::iter::once("姓名,手机号\n".to_owned())
        .chain(people.map(row))
        .collect()
}

#[test]
fn article_11_counts_in_opposite_directions() {
    // Twenty obtained; the same twenty sold to one, ten of them to another.
    let (_dir, path) = folder(&[
        ("a.csv", &list(0..20)),
        ("b.csv", &list(0..20)),
        ("c.csv", &list(5..15)),
    ]);
    let name = |file: &str| path.join(file).display().to_string();
    let acts = format!(
        "[[act]]\nfiles=['{}']\nkind='obtained'\nactor='x'\n\
         [[act]]\nfiles=['{}']\nkind='provided'\ncounterparty='one'\nactor='x'\n\
         [[act]]\nfiles=['{}']\nkind='provided'\ncounterparty='two'\nactor='y'\n",
        name("a.csv"),
        name("b.csv"),
        name("c.csv"),
    );
    let asked = CountRequest {
        acts: Some(&acts),
        ..request(&path, 2, &Silent)
    };
    let (counted, entries) = run(&asked).unwrap();
    let report = &counted.report;
    let items: Vec<(&str, u64)> = report
        .article_11
        .iter()
        .map(|actor| (actor.actor.as_str(), actor.readings[0].items.total()))
        .collect();
    assert_eq!(items, [("", 30), ("x", 20), ("y", 10)]);
    assert_eq!(report.totals.persons, 20);
    let act = report.policies.last().unwrap();
    assert_eq!(
        (act.items_before, act.distinct),
        (100, 100),
        "two kinds of 20, 20 and 10, none twice in one act"
    );
    assert!(entries.iter().all(|entry| entry.policy != Some(act.policy)));
    let wrong = CountRequest {
        acts: Some("[[act]]\nfiles=['nowhere.csv']\nkind='obtained'\n"),
        ..request(&path, 1, &Silent)
    };
    assert!(matches!(run(&wrong), Err(CountFailure::NoSuchFile(_))));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_counted() {
    let (_dir, path) = folder(&[
        ("a.csv", &list(0..30)),
        ("b.pdf", "%PDF-1.7 x"),
        ("b.rar", "Rar!\x1A\x07\0 x"),
        ("empty.csv", ""),
        ("note.txt", "联系人 13912345670\n\nnothing\n"),
    ]);
    std::fs::write(path.join("broken.xlsx"), b"PK\x03\x04 and no more").unwrap();
    let (counted, _) = run(&request(&path, 2, &Silent)).unwrap();
    let of = |name: &str| {
        counted
            .report
            .files
            .iter()
            .find(|file| file.path.ends_with(name))
            .unwrap()
    };
    assert_eq!(of("b.rar").unread.as_ref().unwrap().code, "damaged");
    assert!(of("b.pdf").unread.is_some());
    assert!(of("broken.xlsx").unread.is_some() && of("empty.csv").unread.is_none());
    assert_eq!(
        (of("a.csv").valid, of("note.txt").valid, of("note.txt").raw),
        (30, 1, 2)
    );
    assert!(counted.is_incomplete());
}

#[test]
fn forty_files_are_counted_and_their_kinship_is_found() {
    let dir = TempDir::new().unwrap();
    let truth = corpus(dir.path(), 20_261_123, ROWS as u64, &Made::ALL).unwrap();
    let (counted, entries) = run(&request(dir.path(), 2, &Silent)).unwrap();
    equals(&counted, &truth.truth);
    reconciles(&counted, &entries);
    let told = &counted.report.provenance;
    let name = |number: usize| {
        let path = Path::new(&told.files[number - 1].path);
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    let mut found: Vec<Kin> = told
        .edges
        .iter()
        .map(|edge| Kin {
            from: name(edge.from),
            to: name(edge.to),
            directed: edge.directed,
            relation: edge.relation.name(),
        })
        .collect();
    found.sort();
    let mut made = truth.kin.clone();
    made.sort();
    assert_eq!(found, made);
    let (again, lines) = run(&request(dir.path(), 1, &Silent)).unwrap();
    assert!(json(&again, &lines) == json(&counted, &entries));
}
