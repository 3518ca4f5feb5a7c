//! Hostile files through a count: each is told or counted, none is fatal, the rest is counted.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

#[expect(
    dead_code,
    reason = "the corpus of reading, of which a count takes the samples"
)]
#[path = "../../reading/tests/unpack/made.rs"]
mod made;

use std::collections::BTreeMap;
use std::path::Path;

use liuhen_service::count::{CountRequest, Counted, LedgerSink, Silent, count};
use liuhen_service::scan::{Limits, Passwords, Wishes};
use tempfile::TempDir;

fn counted(dir: &Path, jobs: usize, wishes: Wishes) -> (Counted, String) {
    let request = CountRequest {
        base: Some(dir.to_owned()),
        wishes,
        ..CountRequest::new(vec![dir.to_owned()], jobs, &Silent)
    };
    let mut ledger = String::new();
    let sink: &mut LedgerSink<'_> = &mut |entry| {
        ledger.push_str(&serde_json::to_string(entry)?);
        Ok(())
    };
    let counted = count(&request, Some(sink)).unwrap();
    (counted, ledger)
}

fn wishes() -> Wishes {
    Wishes {
        limits: Limits {
            max_unpacked_bytes: 32 << 20,
            max_memory_bytes: 64 << 20,
            ..Limits::default()
        },
        passwords: Passwords::new(["p".to_owned(), "mima1".to_owned()]),
        strings: true,
        ..Wishes::default()
    }
}

/// A generator of numbers with a fixed seed (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

fn mutant(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match random.below(3) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let from = random.below(bytes.len());
            let piece = bytes[from..(from + 40).min(bytes.len())].to_vec();
            let at = random.below(bytes.len());
            bytes.splice(at..at, piece);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
    bytes
}

/// The people of a list that nothing is wrong with; their numbers are nobody's.
const LIST: &str = "姓名,手机号\n某甲,15406962310\n某乙,15406962317\n";

#[test]
fn five_hundred_mutants_cost_nobody_else_a_row() {
    let dir = TempDir::new().unwrap();
    let mut random = Random(0x6C69_7568_656E);
    let mut files = 0;
    for (name, bytes) in made::samples() {
        for turn in 0..20 {
            let name = format!("{turn:02}-{name}");
            std::fs::write(dir.path().join(name), mutant(&bytes, &mut random)).unwrap();
            files += 1;
        }
    }
    assert!(files >= 500, "{files}");
    std::fs::write(dir.path().join("zz-list.csv"), LIST).unwrap();
    let (one, ledger) = counted(dir.path(), 1, wishes());
    let report = serde_json::to_string(&one.report).unwrap();
    // Every file is in the report, the sound one whole.
    assert_eq!(one.report.files.len(), files + 1);
    let list = one.report.files.last().unwrap();
    assert_eq!((list.raw, list.valid, list.persons), (2, 2, 2));
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for file in &one.report.files {
        let parts = file.unread_parts.iter().map(|part| &part.why);
        for why in parts.chain(&file.unread) {
            *codes.entry(&why.code).or_default() += 1;
        }
    }
    assert_eq!(codes.get("internal"), None, "{codes:?}");
    assert!(
        codes.get("damaged").is_some_and(|count| *count > 50),
        "{codes:?}"
    );
    // The same bytes from other threads.
    let (three, other) = counted(dir.path(), 3, wishes());
    assert!(serde_json::to_string(&three.report).unwrap() == report && other == ledger);
}

#[test]
fn a_file_of_every_format_counts_its_people() {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in made::samples() {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let (told, _) = counted(dir.path(), 2, wishes());
    for file in &told.report.files {
        assert!(file.raw > 0 && file.unread.is_none(), "{file:?}");
        assert!(file.unread_parts.is_empty(), "{file:?}");
    }
    // Without the password the archive says so, and how to give it.
    let (told, _) = counted(dir.path(), 2, Wishes::default());
    let aes = told
        .report
        .files
        .iter()
        .find(|file| file.path == "aes.zip")
        .unwrap();
    let told = &aes.unread_parts[0];
    assert_eq!(
        (aes.unread_parts.len(), told.why.code.as_str()),
        (3, "locked")
    );
    assert!(
        told.why.text.contains("--password-file") && told.inside == "1.csv",
        "{told:?}"
    );
}

#[test]
fn wide_tables_loops_and_odd_names() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let wide = vec!["手机号"; 1_000_000].join(",");
    std::fs::write(path("wide.csv"), format!("{wide}\n{wide}\n")).unwrap();
    let keys: Vec<String> = (0..1_000_000)
        .map(|n| format!("\"k{n}\":{{\"a\":{n}}}"))
        .collect();
    std::fs::write(path("wide.json"), format!("{{{}}}", keys.join(","))).unwrap();
    std::fs::create_dir(path("loop")).unwrap();
    std::os::unix::fs::symlink(dir.path(), path("loop/up")).unwrap();
    std::os::unix::fs::symlink(path("loop/self"), path("loop/self")).unwrap();
    let packed = made::zipped(&[
        ("a\u{1b}[2J\n\u{202e}.csv", LIST.as_bytes()),
        ("../../../etc/evil.csv", LIST.as_bytes()),
        (
            "inner.zip",
            &made::zipped(&[("b.csv", LIST.as_bytes()), ("c.csv", b"")]),
        ),
    ]);
    std::fs::write(path("odd\u{1b}[31m.zip"), packed).unwrap();
    let (told, ledger) = counted(dir.path(), 2, Wishes::default());
    let file = |name: &str| {
        told.report
            .files
            .iter()
            .find(|file| file.path.contains(name))
            .unwrap()
    };
    let wide = file("wide.csv");
    assert!(
        wide.unread.is_some() || wide.raw > 0 && wide.valid == 0,
        "{wide:?}"
    );
    assert_eq!(file("wide.json").raw, 1_000_000);
    assert_eq!((file("odd").raw, file("odd").persons), (6, 2));
    let links = told
        .notes
        .iter()
        .filter(|note| note.path.starts_with("loop/"));
    assert_eq!(links.count(), 2);
    assert!(
        ledger.contains(r#""inside":"a\\u{1b}[2J\\n\\u{202e}.csv""#),
        "{ledger}"
    );
    assert!(
        ledger.contains(r#""inside":"inner.zip / b.csv","row":2"#),
        "{ledger}"
    );
}

#[test]
fn another_password_is_another_count() {
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(
        files.join("a.zip"),
        made::locked(".csv", LIST.as_bytes(), "p"),
    )
    .unwrap();
    let (open, _) = counted(&files, 1, wishes());
    assert_eq!(
        (open.report.totals.persons, open.is_incomplete()),
        (2, false)
    );
    let (shut, _) = counted(&files, 1, Wishes::default());
    assert_eq!(
        (shut.report.totals.persons, shut.is_incomplete()),
        (0, true)
    );
}
