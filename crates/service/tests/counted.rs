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
    let [least, most] = report.near_duplicates.persons_between;
    assert!(
        (least..=most).contains(&truth.people),
        "{} people, {least} to {most}",
        truth.people
    );
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
    let held = std::fs::File::open(work.path().join("lock")).unwrap();
    held.try_lock().unwrap();
    let refused = run(&asked(&Silent));
    assert!(matches!(
        refused,
        Err(CountFailure::Count(CountError::InUse))
    ));
    drop(held);
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
    // More was obtained than sold: each counts once, and for what was obtained.
    let orders = "姓名,手机号,下单时间,订单号\n甲乙,17012345670,2026-05-01 10:00:00,DD00000001\n";
    let phones = "姓名,手机号\n甲乙,17012345670\n";
    let (_more, sold) = folder(&[("a.csv", orders), ("b.csv", phones), ("c.csv", phones)]);
    let acts = acts.replace(&path.display().to_string(), &sold.display().to_string());
    let asked = CountRequest {
        acts: Some(&acts),
        ..request(&sold, 1, &Silent)
    };
    let (of_orders, _) = run(&asked).unwrap();
    let all = &of_orders.report.article_11[0].readings[0].items;
    assert_eq!((all.t500, all.t5000), (1, 1));
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

/// Whoever made the exhibits must not say what of them counts, and no two names are one.
#[test]
fn every_file_counts_once_whatever_it_is_called_and_an_ignore_file_says() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = TempDir::new().unwrap();
    let write = |name: &[u8], seed| {
        let path = dir.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let people = liuhen_testkit::people(seed, 30).columns(&["姓名", "身份证号", "手机号"]);
        let form = liuhen_testkit::Form::csv(liuhen_testkit::Encoding::Utf8);
        std::fs::write(path, people.delimited(form)).unwrap();
    };
    // 名单 and 张三 as GBK writes them.
    write(b"\xC3\xFB\xB5\xA5.csv", 1);
    write(b"\xD5\xC5\xC8\xFD.csv", 2);
    write(b"\\xC3\\xFB\\xB5\\xA5.csv", 3);
    write(b".git/kept.csv", 4);
    std::fs::write(dir.path().join(".liuhenignore"), "*.csv\n").unwrap();
    let (counted, _) = run(&request(dir.path(), 2, &Silent)).unwrap();
    let totals = &counted.report.totals;
    assert_eq!(totals.persons, 120);
    assert!(!counted.is_incomplete());
    let names: std::collections::BTreeSet<&str> = counted
        .report
        .files
        .iter()
        .map(|file| file.path.rsplit('/').next().unwrap())
        .collect();
    assert!(names.contains("\\xD5\\xC5\\xC8\\xFD.csv"), "{names:?}");
    assert_eq!(names.len(), 5);
}

/// Pupils with a parent's number beside theirs are pupils.
#[test]
fn age_and_region_are_those_of_whom_the_row_is_about() {
    let dir = TempDir::new().unwrap();
    let children = liuhen_invented::Generator::born(5, 2014..=2018).unwrap();
    let adults = liuhen_invented::Generator::born(6, 1980..=1990).unwrap();
    let mut text = String::from("学生姓名,学生身份证号,家长身份证号\n");
    for at in 0..40 {
        let (child, parent) = (children.person_at(at), adults.person_at(at));
        text += &format!(
            "{},{},{}\n",
            child.name, child.resident_id, parent.resident_id
        );
    }
    std::fs::write(dir.path().join("class.csv"), text).unwrap();
    let (counted, _) = run(&request(dir.path(), 1, &Silent)).unwrap();
    assert_eq!(counted.report.persons.ages["under_14"], 40);
}

/// The same rows make the same links under any key, and three places apart are not two.
#[test]
fn links_do_not_hang_on_the_key_of_the_count() {
    let dir = TempDir::new().unwrap();
    let people = liuhen_invented::Generator::new(9);
    let mut text = String::from("姓名,身份证号,手机号\n");
    for at in 0..60 {
        let person = people.person_at(at);
        let id = &person.resident_id;
        let spoilt: String = (0..18)
            .zip(id.chars())
            .map(|(place, c)| match (place, c.to_digit(10)) {
                (14..=16, Some(digit)) => char::from_digit((digit + 1) % 10, 10).unwrap(),
                _ => c,
            })
            .collect();
        text += &format!(
            "{},{id},{}\n{},{spoilt},{}\n",
            person.name, person.mobile, person.name, person.mobile
        );
    }
    std::fs::write(dir.path().join("a.csv"), text).unwrap();
    let links = || {
        let (counted, entries) = run(&request(dir.path(), 2, &Silent)).unwrap();
        json(&counted, &entries)
    };
    let first = links();
    assert!(first == links() && first == links());
    let report: serde_json::Value = serde_json::from_str(&first.0).unwrap();
    let rules = report["near_duplicates"]["rules"].as_array().unwrap();
    let of = |name: &str| {
        let rule = rules.iter().find(|rule| rule["rule"] == name).unwrap();
        rule["links"].as_u64().unwrap()
    };
    assert_eq!(of("typing_error_in_id"), 0);
    assert!(of("id_in_one_only") + of("two_ids") >= 55, "{rules:?}");
}

#[test]
fn acts_that_are_none_and_gains_of_nobody_are_refused_without_a_word_of_them() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("a.csv"), "姓名,手机号\n").unwrap();
    let mut wrong = request(dir.path(), 1, &Silent);
    wrong.acts = Some("[[act]]\nfiles = [\"a.csv\"]\n  who_13912345670 = 1\n");
    let said = run(&wrong).unwrap_err().to_string();
    assert!(
        said.contains("line 3, column 3") && !said.contains("139"),
        "{said}"
    );
    wrong.acts = None;
    wrong.case.gains_fen.insert("李某".to_owned(), 1);
    assert!(matches!(run(&wrong), Err(CountFailure::NoSuchActor(_))));
}
