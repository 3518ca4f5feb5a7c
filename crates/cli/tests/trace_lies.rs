//! Logs that lie, and who catches them: real witnesses, `verify mine`, `verify log`, `verify evidence`, `verify receipt`.
//!
//! The table is `docs/trace-lies.md`. The liar has the log's true key and signs whatever it likes.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests stop where something is wrong"
)]

#[path = "world/liar.rs"]
mod liar;
#[path = "world/parties.rs"]
mod parties;

use std::fs;
use std::path::{Path, PathBuf};

use liar::{Book, View, person, verifier};
use parties::{Witness, ends, json, text};
use tempfile::TempDir;

/// The person whose key file is used.
const HER: u8 = 200;

struct World {
    dir: TempDir,
    views: std::cell::Cell<u32>,
}

impl World {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            views: std::cell::Cell::new(0),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn view(&self, book: &Book) -> View {
        let nth = self.views.get();
        self.views.set(nth + 1);
        book.view(&self.path(&format!("log-{nth}")))
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Her key file under a policy's part on witnesses.
    fn key_file(&self, name: &str, witnesses: &str) -> String {
        let hex = data_encoding::HEXLOWER.encode(person(HER).expose());
        let log = verifier();
        self.write(
            name,
            &format!("liuhen trace key v1\nkey {hex}\nlog {log}\n{witnesses}"),
        )
    }

    fn witness(&self, number: u8) -> Witness {
        let dir = self.path(&format!("witness-{number}"));
        let name = format!("witness.example/w{number}");
        Witness::start(&dir, &name, &verifier().to_string())
    }
}

/// Others, two looks at her, and the map of it all.
fn honest() -> Book {
    let mut book = Book::default();
    book.others(1, 20);
    book.look(&person(HER), 0);
    book.others(2, 5);
    book.look(&person(HER), 1);
    book.map_root();
    book
}

/// Her third look, and the map.
fn grown(mut book: Book) -> Book {
    book.others(3, 9);
    book.look(&person(HER), 2);
    book.map_root();
    book
}

fn mine(file: &str, url: &str, more: &[&str], code: i32, says: &str) -> String {
    let args = ["verify", "mine", file, "--log", url, "--lang", "en"];
    ends(&[&args[..], more].concat(), code, says)
}

fn audit(url: &str, more: &[&str], code: i32, says: &str) -> String {
    let key = verifier().to_string();
    let args = ["verify", "log", url, "--vkey", &key];
    ends(&[&args[..], more].concat(), code, says)
}

/// What an audit printed as evidence convicts the log before anybody who knows its key.
fn convicts(world: &World, said: &str) {
    const FIRST: &str = "liuhen log misbehaviour v1\n";
    let (_, rest) = said.split_once(FIRST).expect("evidence is printed");
    let (body, _) = rest.split_once("\nNOT as signed").expect("a verdict");
    let file = world.write("printed.txt", &format!("{FIRST}{body}"));
    let key = verifier().to_string();
    let ask = ["verify", "evidence", &file, "--vkey", &key];
    ends(&ask, 0, liar::ORIGIN);
}

fn change(path: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    with(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// A log that tells the truth passes all that the others fail.
#[test]
fn the_truth_passes() {
    let world = World::new();
    let file = world.key_file("key.txt", "quorum none\n");
    let state = world.path("state");
    let first = world.view(&honest());
    let receipt = world.write("receipt.txt", &first.receipt.to_string());
    let url = first.serve();
    mine(&file, &url, &[], 0, "You were looked at 2 times");
    audit(&url, &["--state", text(&state)], 0, "1 map roots are right");
    let later = world.view(&grown(honest()));
    let dir = later.dir.clone();
    let url = later.serve();
    mine(
        &file,
        &url,
        &[],
        0,
        "You were looked at 3 times (3 entries, 1 of them new)",
    );
    audit(&url, &["--state", text(&state)], 0, "2 map roots are right");
    let ask = ["verify", "receipt", &receipt, "--dir", text(&dir)];
    ends(&ask, 0, "it lies in the log");
}

#[test]
fn a_fork_is_refused_by_a_witness_whose_evidence_convicts() {
    let world = World::new();
    let witness = world.witness(1);
    let mut shown = world.view(&honest());
    let size = shown.size();
    assert_eq!(shown.submit(&witness.url, 0).0, 200);
    let mut other = honest();
    let last = other.entries.len() - 2;
    other.entries.truncate(last);
    other.others(9, 1);
    other.map_root();
    let mut forked = world.view(&other);
    assert_eq!(forked.size(), size);
    assert_eq!(forked.submit(&witness.url, size).0, 422);

    let files = witness.evidence();
    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    let key = verifier().to_string();
    let judged = ["verify", "evidence", text(file), "--vkey", &key];
    let says = format!("signed two different trees of {size} entries");
    ends(&judged, 0, &says);
    let told = json(&judged, 0);
    assert_eq!(told["log"], liar::ORIGIN, "{told}");
    // No letter of it can be changed, and it convicts nobody else.
    let kept = fs::read_to_string(file).unwrap();
    let root = shown.checkpoint.root().to_string();
    let wrong = forked.checkpoint.root().to_string();
    assert!(kept.contains(&root) && kept.contains(&wrong));
    let tampered = world.write("tampered.txt", &kept.replacen(&wrong, &root, 1));
    ends(&["verify", "evidence", &tampered, "--vkey", &key], 5, "NOT");
    let mut flipped = kept.clone().into_bytes();
    let at = kept.find(&wrong).unwrap() + 7;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let flipped = world.write("flipped.txt", &String::from_utf8(flipped).unwrap());
    ends(&["verify", "evidence", &flipped, "--vkey", &key], 5, "NOT");
    let innocent = liuhen_tlog::LogKey::from_seed(&[78; 32]);
    let innocent = innocent
        .signer(liar::ORIGIN)
        .unwrap()
        .verifier()
        .to_string();
    let ask = ["verify", "evidence", text(file), "--vkey", &innocent];
    ends(&ask, 5, "NOT");

    // The fork grows, and is refused again; the true log goes on.
    let mut longer = world.view(&grown(other));
    assert_eq!(longer.submit(&witness.url, size).0, 422);
    let mut truth = world.view(&grown(honest()));
    assert_eq!(truth.submit(&witness.url, size).0, 200);
}

#[test]
fn a_log_that_went_back_is_told_by_witness_person_and_auditor() {
    let world = World::new();
    let witness = world.witness(1);
    let file = world.key_file("key.txt", "quorum none\n");
    let state = world.path("state");
    let mut now = world.view(&grown(honest()));
    let size = now.size();
    assert_eq!(now.submit(&witness.url, 0).0, 200);
    let url = now.serve();
    mine(&file, &url, &[], 0, "You were looked at 3 times");
    audit(
        &url,
        &["--state", text(&state)],
        0,
        "entries lead to the root",
    );

    let mut before = world.view(&honest());
    let small = before.size();
    let (status, knows) = before.submit(&witness.url, 0);
    assert_eq!((status, knows.trim()), (409, size.to_string().as_str()));
    assert_eq!(
        witness.evidence().len(),
        0,
        "an old checkpoint alone is no lie"
    );
    let url = before.serve();
    let said = mine(&file, &url, &[], 5, "NOT");
    assert!(said.contains("it went back, or withholds them"), "{said}");
    mine(&file, &url, &["--all"], 5, "NOT");
    let said = audit(&url, &["--state", text(&state)], 5, "NOT");
    assert!(
        said.contains(&small.to_string()) && said.contains(&size.to_string()),
        "{said}"
    );
    // An old checkpoint may come of an old copy: shown the newer tree again, all is well.
    let again = world.view(&grown(honest())).serve();
    audit(
        &again,
        &["--state", text(&state)],
        0,
        "entries lead to the root",
    );
    mine(&file, &again, &[], 0, "You were looked at 3 times");
}

/// Went back and grew anew: another history over the one she saw.
#[test]
fn a_rewritten_log_is_told_by_person_and_auditor_and_convicted() {
    let world = World::new();
    let file = world.key_file("key.txt", "quorum none\n");
    let state = world.path("state");
    let now = world.view(&grown(honest()));
    let kept = world.write("kept.txt", &now.checkpoint.to_string());
    let receipt = world.write("receipt.txt", &now.receipt.to_string());
    let url = now.serve();
    mine(&file, &url, &[], 0, "You were looked at 3 times");
    audit(
        &url,
        &["--state", text(&state)],
        0,
        "entries lead to the root",
    );

    let mut other = honest();
    other.others(4, 30);
    other.map_root();
    let other = world.view(&other);
    let dir = other.dir.clone();
    let url = other.serve();
    let said = mine(&file, &url, &[], 5, "NOT");
    assert!(said.contains("entries were changed or removed"), "{said}");
    for more in [["--state", text(&state)], ["--checkpoint", &kept]] {
        let said = audit(&url, &more, 5, "the log forked");
        convicts(&world, &said);
    }
    let ask = ["verify", "receipt", &receipt, "--dir", text(&dir)];
    ends(&ask, 5, "NOT");
}

#[test]
fn a_leaf_dropped_or_changed_is_named() {
    let world = World::new();
    let file = world.key_file("key.txt", "quorum none\n");
    let book = honest();
    let bundle = format!("tile/entries/000.p/{}", book.entries.len());
    let hashes = format!("tile/0/000.p/{}", book.entries.len());

    // A leaf is gone from the bundle.
    let view = world.view(&book);
    let first = 2 + book.entries[0].len();
    change(&view.dir.join(&bundle), |bytes| drop(bytes.drain(..first)));
    let url = view.serve();
    audit(&url, &[], 5, "tile/entries/000");

    // The whole bundle is gone.
    let view = world.view(&book);
    fs::remove_file(view.dir.join(&bundle)).unwrap();
    audit(&view.serve(), &[], 5, "tile/entries/000");

    // One of hers says something else; the tile goes along with it.
    let mut view = world.view(&book);
    let (mine_at, other) = (20usize, person(HER).leaf(0, b"{}").unwrap().bytes);
    let start: usize = book.entries[..mine_at]
        .iter()
        .map(|one| 2 + one.len())
        .sum();
    let was = book.entries[mine_at].len();
    change(&view.dir.join(&bundle), |bytes| {
        let length = (other.len() as u16).to_be_bytes();
        let framed = [&length[..], &other].concat();
        drop(bytes.splice(start..start + 2 + was, framed));
    });
    let hash = liuhen_tlog::leaf_hash(&other);
    change(&view.dir.join(&hashes), |bytes| {
        bytes[mine_at * 32..][..32].copy_from_slice(&hash.0);
    });
    view.entries[mine_at] = other;
    let url = view.serve();
    audit(&url, &[], 5, "NOT as signed");
    mine(&file, &url, &[], 5, "NOT");
}

/// Two persons are shown two logs. With two of two witnesses demanded, neither is confirmed; comparing convicts.
#[test]
fn different_trees_for_different_people_find_no_second_quorum() {
    let world = World::new();
    let witnesses = [world.witness(1), world.witness(2)];
    let policy = parties::policy(&witnesses, 2);
    let file = |name: &str| world.key_file(name, &policy);
    let log = world.write("policy.txt", &format!("log {}\n{policy}", verifier()));

    let mut other = honest();
    other.entries.truncate(20);
    other.others(2, 5);
    other.look(&person(HER), 0);
    other.map_root();
    let (mut one, mut two) = (world.view(&honest()), world.view(&other));
    assert_eq!(one.submit(&witnesses[0].url, 0).0, 200);
    assert_eq!(two.submit(&witnesses[1].url, 0).0, 200);
    // Neither witness can be had for the other's.
    assert_ne!(one.submit(&witnesses[1].url, two.size()).0, 200);
    assert_ne!(two.submit(&witnesses[0].url, 0).0, 200);
    let theirs = world.write("theirs.txt", &two.checkpoint.to_string());
    let (one, two) = (one.serve(), two.serve());
    let said = mine(&file("a.txt"), &one, &[], 5, "NOT confirmed");
    assert!(said.contains("confirmed by 1 of 2 witnesses"), "{said}");
    mine(&file("b.txt"), &two, &[], 5, "NOT confirmed");
    ends(
        &["verify", "log", &one, "--policy", &log],
        5,
        "cosigned by 1 of 2",
    );
    let said = audit(&one, &["--checkpoint", &theirs], 5, "the log forked");
    convicts(&world, &said);
    // She who was shown the one is not taken in by the other, whoever cosigned it.
    mine(&file("a.txt"), &two, &[], 5, "NOT");
}

#[test]
fn a_label_left_out_of_the_map_convicts_its_map_root() {
    let world = World::new();
    let file = world.key_file("key.txt", "quorum none\n");
    let url = world.view(&honest()).serve();
    mine(&file, &url, &[], 0, "You were looked at 2 times");
    // From the next map root on her second look is missing.
    let mut book = honest();
    book.omitted.push(person(HER).label(1));
    let book = grown(book);
    let root = book.entries.len() - 1;
    let url = world.view(&book).serve();
    audit(&url, &[], 5, &format!("the map root at entry {root} is "));
    let said = mine(&file, &url, &["--all"], 5, "NOT");
    assert!(
        said.contains("2 entries were seen last time, and only 1 are shown now"),
        "{said}"
    );
    // Whoever never saw it cannot miss it: this is why logs are audited.
    let fresh = world.key_file("fresh.txt", "quorum none\n");
    mine(&fresh, &url, &[], 0, "You were looked at 1 times");

    // A root that counts the label out is named for its count.
    let mut book = honest();
    let label = person(HER).label(1);
    book.entries.pop();
    let mut short = Book {
        entries: book.entries.clone(),
        omitted: vec![label],
    };
    let at = short.map_root() as usize;
    let count = u64::from_be_bytes(short.entries[at][9..17].try_into().unwrap());
    short.entries[at][9..17].copy_from_slice(&(count - 1).to_be_bytes());
    let url = world.view(&short).serve();
    let says = format!("the map root at entry {at} counts {} labels", count - 1);
    audit(&url, &[], 5, &says);
}

#[test]
fn a_counter_used_twice_is_named_with_both_entries() {
    let world = World::new();
    let mut book = honest();
    // Her second number again, for a look that the map would hide from her.
    let second = book.look(&person(HER), 1);
    book.map_root();
    let url = world.view(&book).serve();
    let says = format!("a label of entry {second} stands in entry 26 already");
    audit(&url, &[], 5, &says);
    let file = world.key_file("key.txt", "quorum none\n");
    mine(&file, &url, &[], 0, "You were looked at 2 times");
}

/// The table of `docs/trace-lies.md` promises tests: they are there.
#[test]
fn the_table_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = fs::read_to_string(root.join("docs/trace-lies.md")).unwrap();
    let mut named = 0;
    for word in table.split('`').skip(1).step_by(2) {
        let Some((file, test)) = word.split_once("::") else {
            continue;
        };
        let file = match file {
            "lies" => "crates/cli/tests/trace_lies.rs",
            "world" => "crates/cli/tests/trace_world.rs",
            path => path,
        };
        let code = fs::read_to_string(root.join(file)).unwrap_or_else(|error| {
            panic!("{file}: {error}");
        });
        assert!(code.contains(&format!("fn {test}()")), "{word} is no test");
        named += 1;
    }
    assert!(named > 50, "{named} tests are named");
}
