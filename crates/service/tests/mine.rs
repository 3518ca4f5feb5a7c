//! A person's own check against logs that answer in parts, fork between two answers, or forget.

#![allow(clippy::unwrap_used, reason = "helpers of tests speak by panicking")]

use std::path::Path;
use std::time::Duration;

use liuhen_service::mine::{Asked, KeyFile, MineError, Seen, check};
use liuhen_tlog::audit::{DirSource, Source, SourceError};
use liuhen_tlog::disk::SystemDisk;
use liuhen_tlog::map::PrivateMap;
use liuhen_tlog::person;
use liuhen_tlog::proof::Nodes;
use liuhen_tlog::{Hash, Label, Log, LogError, LogKey, Options};
use liuhen_vault::Key;
use liuhen_vault::trace::TraceKey;

const ORIGIN: &str = "mine.example/log";

fn person_key() -> TraceKey {
    TraceKey::new(Key::new([0x5C; 32]))
}

fn event(who: &str) -> String {
    format!(
        r#"{{"v":1,"time":"2026-11-22T01:12:00.000Z","action":"read","outcome":"masked","who":"{who}","name":"前台"}}"#
    )
}

/// A log with the person's reads by these, strangers' between them, and the map of all.
struct World {
    log: Log,
    map: PrivateMap,
    /// Index of the map root.
    root: u64,
    dir: tempfile::TempDir,
}

impl World {
    fn new(origin: &str, readers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = || LogKey::from_seed(&[7; 32]);
        Log::create(dir.path(), &key(), origin).unwrap();
        let options = Options {
            checkpoint_within: Duration::from_secs(60),
            ..Options::default()
        };
        let (log, _) = Log::open(dir.path(), key(), options).unwrap();
        let mut leaves = Vec::new();
        for (n, reader) in (0..).zip(readers) {
            let stranger = TraceKey::new(Key::new([0xE0; 32]));
            leaves.push(stranger.leaf(n, b"{}").unwrap().bytes);
            let own = person_key().leaf(n, event(reader).as_bytes());
            leaves.push(own.unwrap().bytes);
        }
        for leaf in &leaves {
            log.append_blocking(leaf.clone(), Vec::new()).unwrap();
        }
        let at = dir.path().join("map");
        let mut map = PrivateMap::create(&SystemDisk, &at, &log.id(), 1).unwrap();
        assert!(map.extend(0, &leaves).unwrap().is_empty());
        let entry = map.root_entry(log.now_ms()).to_bytes();
        let root = log.append_blocking(entry, Vec::new()).unwrap().index;
        map.pin();
        log.checkpoint_now().unwrap();
        Self {
            log,
            map,
            root,
            dir,
        }
    }

    /// The proof for so many labels from `from` on.
    fn proof(&self, from: u64, count: u64) -> Vec<u8> {
        let labels: Vec<Label> = (from..from + count)
            .map(|n| person_key().label(n))
            .collect();
        let checkpoint = self.log.checkpoint();
        let made = person::build(from, &labels, &checkpoint, self.root, self);
        made.unwrap().to_bytes()
    }

    fn key_file(&self) -> KeyFile {
        let hex: String = person_key()
            .expose()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let log = self.log.verifier();
        let text = format!("liuhen trace key v1\nkey {hex}\nlog {log}\nquorum none\n");
        KeyFile::parse(&text).unwrap()
    }
}

impl Nodes for World {
    type Error = LogError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        self.log.nodes().node(level, index)
    }
}

impl person::Source for World {
    fn find(&self, label: &Label) -> Result<Option<u64>, LogError> {
        Ok(self.map.tree().get(label))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, LogError> {
        Ok(self.map.prove(self.map.size(), sorted).unwrap())
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        self.log.leaf(index)
    }
}

/// A server whose answers a test chooses.
struct Server<'a> {
    tiles: &'a Path,
    answer: Box<dyn Fn(u64) -> Vec<u8> + Sync + 'a>,
}

impl<'a> Server<'a> {
    fn of(world: &'a World) -> Self {
        Self {
            tiles: world.dir.path(),
            answer: Box::new(|from| world.proof(from, 16)),
        }
    }
}

impl Source for Server<'_> {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        DirSource::new(self.tiles).get(path)
    }
}

impl Asked for Server<'_> {
    fn person_proof(&self, question: &[u8]) -> Result<Vec<u8>, SourceError> {
        let from = u64::from_be_bytes(*question.first_chunk().unwrap());
        Ok((self.answer)(from))
    }
}

fn names(seen: &[liuhen_service::mine::MineEntry]) -> Vec<&str> {
    seen.iter().map(|entry| entry.event.who.as_str()).collect()
}

#[test]
fn an_honest_log_is_followed_in_parts_and_from_the_last_check_on() {
    let world = World::new(ORIGIN, &["a", "b", "c"]);
    let server = Server {
        answer: Box::new(|from| world.proof(from, 1)),
        ..Server::of(&world)
    };
    let mine = check(&world.key_file(), &server, None).unwrap();
    assert_eq!(names(&mine.new), ["a", "b", "c"]);
    assert!(mine.confirmed);
    assert_eq!((mine.seen.next, mine.seen.looks), (3, 3));
    let again = check(&world.key_file(), &Server::of(&world), Some(&mine.seen)).unwrap();
    assert!(again.new.is_empty());
    assert_eq!(again.seen, mine.seen);
    let anew = mine.seen.from_the_first();
    let anew = check(&world.key_file(), &Server::of(&world), Some(&anew)).unwrap();
    assert_eq!(names(&anew.new), ["a", "b", "c"]);
}

#[test]
fn refuses_parts_of_two_histories() {
    // The log's key signs both; only the second is what witnesses would confirm.
    let shown = World::new(ORIGIN, &["a", "somebody harmless", "c"]);
    let real = World::new(ORIGIN, &["a", "b", "c"]);
    let server = Server {
        tiles: real.dir.path(),
        answer: Box::new(|from| match from {
            0 => shown.proof(0, 2),
            from => real.proof(from, 16),
        }),
    };
    let verdict = check(&real.key_file(), &server, None);
    assert!(
        matches!(verdict, Err(MineError::Changed { .. })),
        "{verdict:?}"
    );
}

#[test]
fn refuses_a_history_other_than_the_one_seen_whatever_keys_are_named_now() {
    let before = World::new(ORIGIN, &["a", "b", "c"]);
    let seen = check(&before.key_file(), &Server::of(&before), None)
        .unwrap()
        .seen;
    let after = World::new(ORIGIN, &["a", "somebody harmless", "c", "d"]);
    let verdict = check(&after.key_file(), &Server::of(&after), Some(&seen));
    assert!(
        matches!(verdict, Err(MineError::Changed { .. })),
        "{verdict:?}"
    );
    // A signature that no longer counts does not end the comparison.
    let (text, _) = seen.checkpoint.split_once("\n\n").unwrap();
    let other = LogKey::from_seed(&[8; 32]).signer(ORIGIN).unwrap();
    let signed = other.sign(format!("{text}\n")).unwrap().to_string();
    let seen = Seen {
        checkpoint: signed,
        ..seen
    };
    let verdict = check(&after.key_file(), &Server::of(&after), Some(&seen));
    assert!(
        matches!(verdict, Err(MineError::Changed { .. })),
        "{verdict:?}"
    );
}

#[test]
fn a_log_that_shows_less_than_before_is_not_believed_and_nothing_is_forgotten() {
    let long = World::new(ORIGIN, &["a", "b", "c"]);
    let seen = check(&long.key_file(), &Server::of(&long), None)
        .unwrap()
        .seen;
    let short = World::new(ORIGIN, &["a", "b"]);
    let verdict = check(&short.key_file(), &Server::of(&short), Some(&seen));
    assert!(verdict.is_err());
}

#[test]
fn what_was_seen_of_another_log_hides_nothing_of_this_one() {
    let other = World::new("mine.example/other", &["x", "y"]);
    let seen = check(&other.key_file(), &Server::of(&other), None)
        .unwrap()
        .seen;
    let world = World::new(ORIGIN, &["a", "b", "c"]);
    let mine = check(&world.key_file(), &Server::of(&world), Some(&seen)).unwrap();
    assert_eq!(names(&mine.new), ["a", "b", "c"]);
}
