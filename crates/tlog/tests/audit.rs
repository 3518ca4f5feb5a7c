//! Audits of logs that tell the truth, and of logs that lie.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use liuhen_tlog::{
    Hash, Keys, Label, Log, LogKey, MapRoot, Options, SignedCheckpoint, Verifier,
    audit::{
        Audit, AuditError, Counts, DirSource, Fault, Progress, Report, Settings, Source,
        SourceError, Stage,
    },
    entry, leaf_hash, map,
    tile::{Shelf, TileId},
    witness::verify_evidence,
};
use tempfile::TempDir;

use common::Unsynced;

const ORIGIN: &str = "audit.example/log";

fn key() -> LogKey {
    LogKey::from_seed(&[8; 32])
}

fn verifier() -> Verifier {
    key().signer(ORIGIN).unwrap().verifier()
}

fn label(number: u64) -> Label {
    leaf_hash(&number.to_be_bytes()).0
}

fn event(label: &Label) -> Vec<u8> {
    let mut bytes = vec![entry::EVENT];
    bytes.extend_from_slice(label);
    bytes.resize(1 + 32 + 32 + 256 + 16, 0x5a);
    bytes
}

/// The root by the words of `docs/trace.md`, one label after another.
fn root_of(labels: &[(Label, u64)], depth: usize) -> Hash {
    match labels {
        [] => Hash([0; 32]),
        [(label, index)] => map::leaf(label, *index),
        several => {
            let bit = |label: &Label| label[depth / 8] >> (7 - depth % 8) & 1 == 1;
            let (left, right) = several.split_at(several.partition_point(|item| !bit(&item.0)));
            map::node(&root_of(left, depth + 1), &root_of(right, depth + 1))
        }
    }
}

/// Entries of a log that is not yet written.
#[derive(Clone, Default)]
struct Book {
    entries: Vec<Vec<u8>>,
    labels: Vec<(Label, u64)>,
    next: u64,
}

impl Book {
    fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    fn fresh(&mut self) -> Label {
        self.next += 1;
        label(self.next)
    }

    fn event(&mut self) {
        let label = self.fresh();
        self.event_of(label);
    }

    fn event_of(&mut self, label: Label) {
        self.labels.push((label, self.size()));
        self.entries.push(event(&label));
    }

    fn chunk(&mut self, owners: usize) {
        let owners: Vec<_> = (0..owners).map(|_| (self.fresh(), [7; 32])).collect();
        let index = self.size();
        self.labels.extend(owners.iter().map(|o| (o.0, index)));
        let header = index.saturating_sub(1);
        self.entries
            .push(entry::chunk(header, &[1; 32], &owners).unwrap());
    }

    /// What the map of the first `size` entries is.
    fn truth(&self, size: u64) -> MapRoot {
        let mut labels = BTreeMap::new();
        for (label, index) in self.labels.iter().filter(|item| item.1 < size) {
            labels.entry(*label).or_insert(*index);
        }
        let labels: Vec<_> = labels.into_iter().collect();
        MapRoot {
            size,
            labels: labels.len() as u64,
            time_ms: self.entries.len() as u64,
            root: root_of(&labels, 0),
        }
    }

    fn map_root(&mut self, size: u64) {
        let root = self.truth(size);
        self.entries.push(root.to_bytes());
    }

    /// Events with a chunk now and then and a map root, a little late, every `every` entries.
    fn fill(&mut self, until: u64, every: u64) {
        while self.size() < until {
            match self.size() % every {
                0 if self.size() > 0 => self.map_root(self.size() - 3),
                5 => self.chunk(30),
                _ => self.event(),
            }
        }
    }

    fn write(&self, dir: &Path) {
        Log::create(dir, &key(), ORIGIN).unwrap();
        self.append(dir, 0);
    }

    /// Appends entries from `from` on to the log in `dir`.
    fn append(&self, dir: &Path, from: usize) {
        let options = Options {
            acknowledged: from as u64,
            disk: Arc::new(Unsynced),
            ..Options::default()
        };
        let (log, _) = Log::open(dir, key(), options).unwrap();
        for entry in &self.entries[from..] {
            log.append(entry.clone(), Vec::new(), |done| drop(done.unwrap()));
        }
        log.checkpoint_now().unwrap();
        log.close().unwrap();
    }

    fn written(&self) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        dir
    }
}

fn book(size: u64) -> Book {
    let mut book = Book::default();
    book.fill(size, 500);
    book
}

fn settings() -> Settings {
    Settings {
        save_every: 512,
        ..Settings::default()
    }
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn audit_with(dir: &Path, state: Option<&Path>, settings: Settings) -> Result<Report, AuditError> {
    let audit = Audit {
        source: &DirSource::new(dir),
        log: &Keys::of(verifier()),
        earlier: Vec::new(),
        state,
        settings,
    };
    audit.run(&mut go_on)
}

fn audit(dir: &Path, state: Option<&Path>) -> Report {
    audit_with(dir, state, settings()).unwrap()
}

fn audit_of(book: &Book) -> Report {
    audit(book.written().path(), None)
}

fn checkpoint(dir: &Path) -> SignedCheckpoint {
    let bytes = fs::read(dir.join("checkpoint")).unwrap();
    SignedCheckpoint::verify(&bytes, &verifier()).unwrap()
}

/// Asserts that the faults are exactly these, by how their words begin.
fn assert_faults(report: &Report, expected: &[&str], name: &str) {
    let found: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{name}: {found} / {expected}");
    }
    assert_eq!(report.fault_count, expected.len() as u64, "{name}");
}

/// Rewrites a file.
fn change(path: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    with(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn logs_that_tell_the_truth_pass_at_any_size() {
    for size in [0, 1, 2, 255, 256, 257, 502, 1024, 3000] {
        let book = book(size);
        let report = audit_of(&book);
        assert_faults(&report, &[], &format!("{size}"));
        assert_eq!(report.entries, size);
        assert_eq!(report.read, size);
        let count = |sort| book.entries.iter().filter(|e| e[0] == sort).count() as u64;
        let counts = Counts {
            events: count(entry::EVENT),
            chunks: count(entry::CHUNK),
            map_roots: count(entry::MAP_ROOT),
            labels: book.labels.len() as u64,
            mapped: size.saturating_sub(1) / 500 * 500 - if size > 500 { 3 } else { 0 },
        };
        assert_eq!(report.counts, Some(counts), "{size}");
    }
}

#[test]
fn lies_about_the_map_are_named() {
    let at = |lie: fn(&mut Book)| {
        let mut book = book(700);
        lie(&mut book);
        book.fill(900, 500);
        book
    };
    type Row = (&'static str, fn(&mut Book), &'static [&'static str]);
    let rows: [Row; 9] = [
        (
            "one label omitted",
            |book| {
                let mut less = book.clone();
                less.labels.remove(123);
                book.entries.push(less.truth(700).to_bytes());
            },
            &[
                "the map root at entry 700 counts 756 labels in 700 entries, which hold 757",
                "the map root at entry 700 is ",
            ],
        ),
        (
            "one label exchanged",
            |book| {
                let mut other = book.clone();
                other.labels[123].0[31] ^= 1;
                book.entries.push(other.truth(700).to_bytes());
            },
            &["the map root at entry 700 is "],
        ),
        (
            "a wrong index",
            |book| {
                let mut other = book.clone();
                other.labels[123].1 += 1;
                book.entries.push(other.truth(700).to_bytes());
            },
            &["the map root at entry 700 is "],
        ),
        (
            "a wrong count",
            |book| {
                let mut root = book.truth(700);
                root.labels += 1;
                book.entries.push(root.to_bytes());
            },
            &["the map root at entry 700 counts 758 labels in 700 entries, which hold 757"],
        ),
        (
            "a label used again",
            |book| {
                book.event_of(book.labels[40].0);
                book.map_root(701);
            },
            &["a label of entry 700 stands in entry 11 already"],
        ),
        (
            "a size that does not rise",
            |book| book.map_root(497),
            &["the map root at entry 700 is of 497 entries, after one of 497"],
        ),
        (
            "a time that falls",
            |book| {
                let mut root = book.truth(700);
                root.time_ms = 1;
                book.entries.push(root.to_bytes());
            },
            &["the map root at entry 700 is of time 1, after one of 500"],
        ),
        (
            "a size beyond its own index",
            |book| book.map_root(701),
            &["the map root at entry 700 claims 701 entries"],
        ),
        (
            "an unknown first byte",
            |book| book.entries.extend([vec![9, 9], vec![], vec![1; 99]]),
            &[
                "entry 700 is of no known sort (first byte 0x09)",
                "entry 701 is of no known sort",
                "entry 702 is of no known sort (first byte 0x01)",
            ],
        ),
    ];
    for (name, lie, expected) in rows {
        let log = at(lie).written();
        // However many parts the map is rebuilt in, in memory or in files.
        for bits in [0, 4, 7] {
            let many = Settings {
                partition_bits: Some(bits),
                ..settings()
            };
            let report = audit_with(log.path(), None, many.clone()).unwrap();
            assert_faults(&report, expected, name);
            let state = tempfile::tempdir().unwrap();
            let kept = audit_with(log.path(), Some(state.path()), many).unwrap();
            assert_eq!(kept, report, "{name}");
        }
    }
}

#[test]
fn a_repeated_label_in_one_chunk_and_more_than_are_listed() {
    let mut book = book(300);
    let owners = [(label(9_000), [1; 32]); 2];
    book.entries
        .push(entry::chunk(3, &[0; 32], &owners).unwrap());
    let report = audit_of(&book);
    assert_faults(
        &report,
        &["a label of entry 300 stands in entry 300 already"],
        "chunk",
    );

    for _ in 0..1_500 {
        book.event_of(label(1));
    }
    let log = book.written();
    let one = audit(log.path(), None);
    assert_eq!((one.faults.len(), one.fault_count), (1_000, 1_501));
    let first = Fault::Repeated {
        first: 0,
        second: 301,
    };
    assert_eq!(one.faults[1], first);
    let state = tempfile::tempdir().unwrap();
    let many = Settings {
        partition_bits: Some(4),
        ..settings()
    };
    assert_eq!(
        audit_with(log.path(), Some(state.path()), many).unwrap(),
        one
    );
}

#[test]
fn a_dropped_or_changed_entry_is_found_and_its_bundle_named() {
    let book = book(3000);
    type Row = (&'static str, fn(&mut Vec<u8>), &'static [&'static str]);
    let rows: [Row; 3] = [
        (
            "dropped",
            |bundle| drop(bundle.drain(..339)),
            &["tile/entries/004 does not hold 256 entries", "2 map roots"],
        ),
        (
            "changed outside its label",
            |bundle| bundle[100] ^= 1,
            &[
                "tile/0/004 differs from what lies below it, first at hash 0",
                "tile/1/000",
                "the entries give",
            ],
        ),
        (
            "its label changed",
            |bundle| bundle[10] ^= 1,
            &[
                "tile/0/004 differs from what lies below it, first at hash 0",
                "tile/1/000",
                "the entries give",
                "the map root at entry 1500",
                "the map root at entry 2000",
                "the map root at entry 2500",
            ],
        ),
    ];
    for (name, lie, expected) in rows {
        let log = book.written();
        change(&log.path().join("tile/entries/004"), lie);
        let report = audit(log.path(), None);
        let mut expected = expected.to_vec();
        if name == "dropped" {
            expected[1] = "3 map roots could not be checked: entries from 1024 on are missing";
        }
        assert_faults(&report, &expected, name);
    }
}

#[test]
fn a_changed_tile_is_found_on_each_level() {
    let mut book = Book::default();
    book.fill(66_000, 100_000);
    let log = book.written();
    let check = |expected: &[&str], name: &str| {
        let tree = Settings {
            map: false,
            ..settings()
        };
        let report = audit_with(log.path(), None, tree).unwrap();
        assert_faults(&report, expected, name);
    };
    check(&[], "untouched");
    type Lie = fn(&Path);
    let flip: Lie = |path| change(path, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let more: Lie = |path| change(path, |bytes| bytes.push(0));
    let less: Lie = |path| change(path, |bytes| bytes.truncate(bytes.len() - 32));
    let gone: Lie = |path| fs::remove_file(path).unwrap();
    let rows = [
        (
            "tile/0/003",
            flip,
            "differs from what lies below it, first at hash 255",
        ),
        (
            "tile/0/257.p/208",
            less,
            "differs from what lies below it, first at hash 207",
        ),
        (
            "tile/1/000",
            flip,
            "differs from what lies below it, first at hash 255",
        ),
        (
            "tile/1/000",
            less,
            "differs from what lies below it, first at hash 255",
        ),
        (
            "tile/1/001.p/1",
            more,
            "differs from what lies below it, first at hash 1",
        ),
        (
            "tile/2/000.p/1",
            flip,
            "differs from what lies below it, first at hash 0",
        ),
        (
            "tile/2/000.p/1",
            gone,
            "cannot be read: nothing is there, nor a full one",
        ),
    ];
    for (tile, lie, words) in rows {
        let path = log.path().join(tile);
        let before = fs::read(&path).unwrap();
        lie(&path);
        check(&[&format!("{tile} {words}")], tile);
        fs::write(&path, &before).unwrap();
    }
}

#[test]
fn a_partial_tile_may_give_way_to_the_full_one() {
    let mut book = book(700);
    let log = book.written();
    let old = checkpoint(log.path()).to_string();
    let before = book.entries.len();
    book.fill(1100, 500);
    book.append(log.path(), before);
    // The old checkpoint is served while the partial tiles of its time are gone.
    fs::write(log.path().join("checkpoint"), old).unwrap();
    for shelf in [Shelf::Entries, Shelf::Hashes(0)] {
        let partial = TileId::holding(shelf, 699, 700).unwrap();
        let path = log.path().join(partial.to_string());
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    let report = audit(log.path(), None);
    assert_faults(&report, &[], "cleaned");
    assert_eq!(report.entries, 700);
}

#[test]
fn a_later_audit_reads_only_what_is_new() {
    let mut book = book(3000);
    let log = book.written();
    let state = tempfile::tempdir().unwrap();
    let first = audit(log.path(), Some(state.path()));
    assert_faults(&first, &[], "first");
    for size in [3001, 3071, 3072, 3072, 5000] {
        let before = book.entries.len();
        book.fill(size, 500);
        if book.entries.len() > before {
            book.append(log.path(), before);
        }
        let report = audit(log.path(), Some(state.path()));
        assert_faults(&report, &[], "grown");
        assert_eq!(report.entries, size);
        assert!(report.read <= size - before as u64 + 255, "{size}");
        let anew = audit(log.path(), None);
        assert_eq!(report.counts, anew.counts);
        assert_eq!(report.earlier, u64::from(size > before as u64), "{size}");
    }
}

#[test]
fn the_fork_of_a_log_between_two_audits_is_convicted() {
    let honest = book(3000);
    for at in [10, 2_815, 2_816, 2_817, 2_999] {
        for size in [3_000, 3_001, 4_000] {
            let log = honest.written();
            let state = tempfile::tempdir().unwrap();
            audit(log.path(), Some(state.path()));
            let mut forked = Book::default();
            forked.fill(at, 500);
            forked.event_of([0x77; 32]);
            forked.next += 10_000;
            forked.fill(size, 500);
            let other = forked.written();
            assert_faults(&audit(other.path(), None), &[], "a fork alone looks sound");
            let report = audit(other.path(), Some(state.path()));
            let name = format!("forked at {at}, {size} entries");
            assert!(!report.is_sound(), "{name}");
            let forked = Fault::Forked {
                earlier: 3_000,
                later: size,
            };
            assert!(
                report.faults.contains(&forked),
                "{name}: {:?}",
                report.faults
            );
            let [fork] = &report.forks[..] else {
                panic!("{name}: {} forks", report.forks.len());
            };
            let notes = [&fork.earlier, &fork.later].map(|note| {
                let signed = SignedCheckpoint::verify(note.as_bytes(), &verifier()).unwrap();
                (signed.size(), signed.root())
            });
            let expected = [log.path(), other.path()].map(|dir| {
                let signed = checkpoint(dir);
                (signed.size(), signed.root())
            });
            assert_eq!(notes, expected, "{name}");
            let evidence = fork.evidence.as_ref().unwrap();
            let convicted = verify_evidence(evidence, &[&verifier()]);
            assert!(convicted.is_ok(), "{name}: {convicted:?}");
            // And it is not forgotten.
            assert!(!audit(other.path(), Some(state.path())).forks.is_empty());
        }
    }
}

#[test]
fn a_rolled_back_log_is_found_by_the_state_and_by_a_checkpoint_kept() {
    let log = book(3000).written();
    let kept = checkpoint(log.path());
    let state = tempfile::tempdir().unwrap();
    audit(log.path(), Some(state.path()));
    let back = book(1500).written();
    let rolled = Fault::RolledBack {
        served: 1500,
        signed: 3000,
    };
    let report = audit(back.path(), Some(state.path()));
    assert!(report.faults.contains(&rolled));
    let audit = Audit {
        source: &DirSource::new(back.path()),
        log: &Keys::of(verifier()),
        earlier: vec![kept],
        state: None,
        settings: settings(),
    };
    let report = audit.run(&mut go_on).unwrap();
    assert!(report.faults.contains(&rolled));
}

#[test]
fn checkpoints_kept_elsewhere_must_be_the_beginning() {
    let book = book(3000);
    let log = book.written();
    let kept = |book: &Book, size: usize| {
        let mut cut = book.clone();
        cut.entries.truncate(size);
        checkpoint(cut.written().path())
    };
    let mut other = Book::default();
    other.event_of([0x33; 32]);
    other.fill(3000, 500);
    let run = |earlier: Vec<SignedCheckpoint>, state: Option<&Path>| {
        let audit = Audit {
            source: &DirSource::new(log.path()),
            log: &Keys::of(verifier()),
            earlier,
            state,
            settings: settings(),
        };
        audit.run(&mut go_on).unwrap()
    };
    let state = tempfile::tempdir().unwrap();
    assert!(run(Vec::new(), Some(state.path())).is_sound());
    // Read anew, or shown by proofs when their entries were read before.
    for state in [None, Some(state.path())] {
        let sizes = [0, 1, 255, 256, 257, 1000, 2816, 2999, 3000];
        let report = run(sizes.map(|size| kept(&book, size)).to_vec(), state);
        assert_faults(&report, &[], "beginnings");
        assert_eq!(report.earlier, 8);
    }
    for size in [1, 256, 1000, 3000] {
        for state in [None, Some(state.path())] {
            let report = run(vec![kept(&book, 300), kept(&other, size)], state);
            let expected = format!("the checkpoint of {size} entries is not the beginning");
            assert_faults(&report, &[&expected], "another log's");
            assert_eq!(report.forks.len(), 1);
            assert_eq!(report.earlier, 1);
        }
        // A fork stays in a state, so the next round begins anew.
        fs::remove_file(state.path().join("progress")).unwrap();
        assert!(run(Vec::new(), Some(state.path())).is_sound());
    }
}

#[test]
fn an_audit_stopped_anywhere_goes_on_to_the_same_report() {
    let mut lying = book(2900);
    lying.event_of(label(7));
    lying.entries.push(vec![200]);
    lying.map_root(2_400);
    lying.fill(5000, 500);
    let log = lying.written();
    change(&log.path().join("tile/0/003"), |tile| tile[5] ^= 1);
    let whole = audit(log.path(), None);
    assert_eq!(whole.fault_count, 4, "{:?}", whole.faults);
    for stop_after in [0, 512, 1024, 3584, 4864, u64::MAX] {
        let state = tempfile::tempdir().unwrap();
        let mut stops = 0;
        let report = loop {
            let audit = Audit {
                source: &DirSource::new(log.path()),
                log: &Keys::of(verifier()),
                earlier: Vec::new(),
                state: Some(state.path()),
                settings: Settings {
                    partition_bits: Some(3),
                    ..settings()
                },
            };
            // Stops when so much is saved, then in the middle of the map.
            let outcome = audit.run(&mut |step| {
                let entries = step.stage == Stage::Entries && step.saved >= stop_after;
                let parts = step.stage == Stage::Map && step.done == 3;
                if (stops == 0 && entries) || (stops == 1 && parts) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            match outcome {
                Err(AuditError::Stopped) => stops += 1,
                other => break other.unwrap(),
            }
        };
        assert_eq!(stops, if stop_after == u64::MAX { 0 } else { 2 });
        let words = |report: &Report| -> Vec<String> {
            report.faults.iter().map(ToString::to_string).collect()
        };
        assert_eq!(words(&report), words(&whole));
        assert_eq!(report.counts, whole.counts);
        assert_eq!(report.fault_count, whole.fault_count);
        assert_eq!(report.checkpoint, whole.checkpoint);
        // The last run had the map left to do, and the bundle at the end.
        let read = if stops == 0 { 5000 } else { 5000 % 256 };
        assert_eq!(report.read, read);
    }
}

#[test]
fn refuses_the_state_of_another_log_and_another_key() {
    let log = book(300).written();
    let state = tempfile::tempdir().unwrap();
    audit(log.path(), Some(state.path()));
    let other = LogKey::from_seed(&[9; 32])
        .signer(ORIGIN)
        .unwrap()
        .verifier();
    let run = |state| {
        let audit = Audit {
            source: &DirSource::new(log.path()),
            log: &Keys::of(other.clone()),
            earlier: Vec::new(),
            state,
            settings: settings(),
        };
        audit.run(&mut go_on)
    };
    assert!(matches!(run(None), Err(AuditError::Note(_))));
    let refused = run(Some(state.path()));
    assert!(matches!(refused, Err(AuditError::OtherLog { .. })));
    let nothing = tempfile::tempdir().unwrap();
    let none = audit_with(nothing.path(), None, settings());
    assert!(matches!(none, Err(AuditError::NoCheckpoint)));
}

/// A log that cannot be reached after so many answers.
struct Failing {
    dir: DirSource,
    left: AtomicU64,
}

impl Source for Failing {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        left.map_err(|_| SourceError::Unreachable("no route to host".into()))?;
        self.dir.get(path)
    }
}

#[test]
fn a_log_out_of_reach_is_no_verdict_and_the_audit_goes_on_later() {
    let log = book(5000).written();
    let state = tempfile::tempdir().unwrap();
    let mut rounds = 0;
    let report = loop {
        rounds += 1;
        let audit = Audit {
            source: &Failing {
                dir: DirSource::new(log.path()),
                left: AtomicU64::new(12),
            },
            log: &Keys::of(verifier()),
            earlier: Vec::new(),
            state: Some(state.path()),
            settings: settings(),
        };
        match audit.run(&mut go_on) {
            Err(AuditError::Source(SourceError::Unreachable(_))) => {}
            other => break other.unwrap(),
        }
    };
    assert!(rounds > 3, "{rounds}");
    assert_faults(&report, &[], "at last");
    assert_eq!(report.counts, audit(log.path(), None).counts);
}
