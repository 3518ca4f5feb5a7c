//! Looking over, inspecting and rebuilding logs that were harmed.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod failing;

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use liuhen_tlog::{
    Hash, Log, LogError, LogKey, MapRoot, Options,
    disk::SystemDisk,
    fsck::{Finding, FsckReport, Gravity, fsck, is_held},
    inspect::{entry, inspect},
    rebuild,
    tile::TileId,
    verify_dir,
};

use common::Unsynced;
use failing::Failing;

const ORIGIN: &str = "upkeep.example/log";
/// Bundles, a partial bundle, two levels of hashes.
const SIZE: u64 = 700;

fn key() -> LogKey {
    LogKey::from_seed(&[8; 32])
}

fn options() -> Options {
    Options {
        checkpoint_within: Duration::from_secs(600),
        segment_bytes: 4_000,
        disk: Arc::new(Unsynced),
        ..Options::default()
    }
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index} {}", "y".repeat(30)).into()
}

fn append(log: &Log, from: u64, to: u64) {
    for index in from..to - 1 {
        log.append(leaf(index), b"note".to_vec(), |r| drop(r.unwrap()));
        if index % 50 == 0 {
            // Batches of some size each, so that segments are closed.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    log.append_blocking(leaf(to - 1), b"note".to_vec()).unwrap();
}

/// A closed log of [`SIZE`] entries whose write-ahead log begins past 500 or holds everything.
fn made(dir: &Path, acknowledged: bool) {
    Log::create(dir, &key(), ORIGIN).unwrap();
    let (log, _) = Log::open(dir, key(), options()).unwrap();
    append(&log, 0, 500);
    log.checkpoint_now().unwrap();
    log.close().unwrap();
    if !acknowledged {
        let (log, _) = Log::open(dir, key(), options()).unwrap();
        append(&log, 500, SIZE);
        return log.close().unwrap();
    }
    let options = Options {
        acknowledged: 500,
        ..options()
    };
    let (log, _) = Log::open(dir, key(), options).unwrap();
    append(&log, 500, SIZE);
    log.close().unwrap();
    // What the consumer holds is removed by the rounds after it.
    assert!(inspect(dir, 1).unwrap().acknowledged > 300);
}

fn look(dir: &Path) -> FsckReport {
    fsck(dir, None, None, |_| {}).unwrap()
}

fn assert_whole(dir: &Path, name: &str) {
    let report = verify_dir(dir, None, |_| {}).unwrap();
    assert_eq!((report.faults, report.entries), (vec![], SIZE), "{name}");
    for index in (0..SIZE).step_by(41) {
        assert_eq!(entry(dir, index).unwrap(), leaf(index), "{name}");
    }
}

/// A kill may leave a partial tile half made, of a size that no later one has again.
#[test]
fn partial_tiles_half_made_are_gone_when_the_log_is_taken_up() {
    let world = tempfile::tempdir().unwrap();
    let dir = world.path();
    made(dir, false);
    let names = [
        "tile/entries/002.p/37.tmp",
        "tile/0/002.p/37.tmp",
        "tile/1/000.p/2.tmp",
    ];
    for name in names {
        fs::write(dir.join(name), b"half").unwrap();
    }
    assert_eq!(look(dir).findings.len(), names.len());
    let (log, _) = Log::open(dir, key(), options()).unwrap();
    log.close().unwrap();
    assert!(look(dir).findings.is_empty());
    assert_whole(dir, "taken up");
}

/// Every file below a directory with its bytes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// The tiles that the tree of [`SIZE`] needs, by name; narrower ones may stay behind.
fn tiles(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let named = contents(&dir.join("tile"))
        .into_iter()
        .map(|(path, bytes)| {
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            (name, bytes)
        });
    let needed = |name: &str| {
        let id = TileId::parse(name).unwrap();
        TileId::holding(id.shelf, id.index * 256, SIZE) == Some(id)
    };
    named.filter(|(name, _)| needed(name)).collect()
}

/// Something done to a log behind its back.
type Harm = fn(&Path);

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_log_gives_no_finding_and_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path(), true);
    let before = contents(dir.path());
    let report = look(dir.path());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.is_sound() && !report.held);
    assert_eq!(report.checkpoint.unwrap().size(), SIZE);
    assert_eq!(report.segments.last().unwrap().end, SIZE);
    assert!(contents(dir.path()) == before);
}

#[test]
fn each_harm_is_found_and_weighed() {
    type Expected = fn(&Finding) -> bool;
    let rows: [(&str, Harm, Expected, Gravity); 10] = [
        (
            "a hash tile changed",
            |dir| flip(&dir.join("tile/0/001"), 40),
            |f| f.to_string() == "tile/0/001 differs from what lies below it, first at hash 1",
            Gravity::Mendable,
        ),
        (
            "a bundle gone",
            |dir| fs::remove_file(dir.join("tile/entries/000")).unwrap(),
            |f| f.to_string().starts_with("tile/entries/000 cannot be read"),
            Gravity::Mendable,
        ),
        (
            "the checkpoint changed",
            |dir| flip(&dir.join("checkpoint"), 22),
            |f| matches!(f, Finding::Head(_)),
            Gravity::Grave,
        ),
        (
            "the key gone",
            |dir| fs::remove_file(dir.join("vkey")).unwrap(),
            |f| matches!(f, Finding::Head(_)),
            Gravity::Grave,
        ),
        (
            "no write-ahead log",
            |dir| fs::remove_dir_all(dir.join("wal")).unwrap(),
            |f| matches!(f, Finding::Wal(LogError::Io { .. })),
            Gravity::Grave,
        ),
        (
            "a segment damaged early",
            |dir| {
                let path = contents(&dir.join("wal")).into_keys().next().unwrap();
                flip(&path, 80);
            },
            |f| matches!(f, Finding::Wal(LogError::WalDamaged { .. })),
            Gravity::Grave,
        ),
        (
            "the last segments gone",
            |dir| {
                for path in contents(&dir.join("wal")).into_keys().skip(1) {
                    fs::remove_file(path).unwrap();
                }
            },
            |f| matches!(f, Finding::Wal(LogError::RolledBack { known: SIZE, .. })),
            Gravity::Grave,
        ),
        (
            "a torn end",
            |dir| {
                let path = contents(&dir.join("wal")).into_keys().next_back().unwrap();
                let mut bytes = fs::read(&path).unwrap();
                bytes.truncate(64);
                bytes.extend_from_slice(b"LHFR torn");
                fs::write(&path, bytes).unwrap();
            },
            |f| matches!(f, Finding::TornEnd { at: 64, .. }),
            Gravity::Note,
        ),
        (
            "unfinished files",
            |dir| fs::write(dir.join("tile/0/002.tmp"), b"half").unwrap(),
            |f| matches!(f, Finding::Unfinished { .. }),
            Gravity::Note,
        ),
        (
            "tiles ahead of the checkpoint",
            |dir| {
                fs::copy(dir.join("tile/0/000"), dir.join("tile/0/002"))
                    .map(drop)
                    .unwrap()
            },
            |f| f.to_string() == "tile/0/002 lies beyond the checkpoint of 700 entries",
            Gravity::Note,
        ),
    ];
    for (name, harm, expected, gravity) in rows {
        let dir = tempfile::tempdir().unwrap();
        made(dir.path(), true);
        // A last segment without records, as after every opening.
        drop(
            Log::open(
                dir.path(),
                key(),
                Options {
                    acknowledged: SIZE,
                    ..options()
                },
            )
            .unwrap(),
        );
        harm(dir.path());
        let before = contents(dir.path());
        let report = look(dir.path());
        assert!(
            report.findings.iter().any(expected),
            "{name}: {:?}",
            report.findings
        );
        assert_eq!(report.worst(), Some(gravity), "{name}");
        assert!(contents(dir.path()) == before, "{name}");
    }
}

#[test]
fn a_log_being_written_looks_sound_all_the_time() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let options = Options {
        checkpoint_within: Duration::from_millis(4),
        segment_bytes: 4000,
        ..options()
    };
    let (log, _) = Log::open(dir.path(), key(), options).unwrap();
    assert!(is_held(dir.path()).unwrap());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 0..4000 {
                let done = log.append_blocking(leaf(index), Vec::new()).unwrap();
                log.acknowledge(done.index);
            }
        });
        let mut looks = 0;
        while !writer.is_finished() || looks < 3 {
            let report = look(dir.path());
            assert!(report.is_sound(), "{:?}", report.findings);
            looks += 1;
        }
    });
    log.close().unwrap();
    assert!(look(dir.path()).findings.is_empty());
}

#[test]
fn rebuilding_makes_lost_tiles_anew_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path(), true);
    let whole = tiles(dir.path());
    let harm_and_rebuild = |harm: Harm| {
        harm(dir.path());
        assert!(!look(dir.path()).is_sound());
        let done = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap();
        assert_whole(dir.path(), "rebuilt");
        assert!(look(dir.path()).findings.is_empty());
        assert!(tiles(dir.path()) == whole);
        done.written
    };
    // 700 entries: two full tiles and a partial one below, a partial one above.
    let rows: [(Harm, u64); 4] = [
        (
            |dir| {
                for level in ["0", "1"] {
                    fs::remove_dir_all(dir.join("tile").join(level)).unwrap();
                }
            },
            4,
        ),
        (|dir| flip(&dir.join("tile/0/000"), 0), 1),
        (|dir| flip(&dir.join("tile/1/000.p/2"), 63), 1),
        // The write-ahead log holds these entries.
        (
            |dir| fs::remove_dir_all(dir.join("tile/entries/002.p")).unwrap(),
            1,
        ),
    ];
    for (nth, (harm, expected)) in rows.into_iter().enumerate() {
        assert_eq!(harm_and_rebuild(harm), expected, "row {nth}");
    }
    let again = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap();
    assert_eq!(again.written, 0);
}

#[test]
fn rebuilding_takes_every_bundle_from_a_write_ahead_log_that_holds_all() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path(), false);
    let whole = tiles(dir.path());
    // A changed entry, not only lost ones: the frame's own check says which of the two is right.
    flip(&dir.path().join("tile/entries/001"), 20);
    fs::remove_dir_all(dir.path().join("tile/0")).unwrap();
    let done = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap();
    assert_eq!(done.from_wal, SIZE);
    assert!(tiles(dir.path()) == whole);
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap();
    assert!(tiles(dir.path()) == whole);
}

#[test]
fn refuses_to_put_in_place_what_does_not_lead_to_the_signed_root() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path(), true);
    let bundle = dir.path().join("tile/entries/000");
    let good = fs::read(&bundle).unwrap();
    fs::remove_dir_all(dir.path().join("tile/0")).unwrap();
    flip(&bundle, 30);
    let before = contents(dir.path());
    let refused = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap_err();
    assert!(matches!(refused, LogError::RootMismatch { size: SIZE }));
    assert!(contents(dir.path()) == before);
    fs::remove_file(&bundle).unwrap();
    let refused = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap_err();
    assert!(matches!(
        refused,
        LogError::EntriesMissing {
            first: 0,
            count: 256
        }
    ));
    fs::write(&bundle, good).unwrap();
    rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap();
    assert_whole(dir.path(), "with its bundle back");
}

#[test]
fn refuses_to_rebuild_a_log_that_is_held() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let (_log, _) = Log::open(dir.path(), key(), options()).unwrap();
    let refused = rebuild(dir.path(), None, &SystemDisk, |_| {}).unwrap_err();
    assert!(matches!(refused, LogError::Locked { .. }));
}

#[test]
fn a_failure_at_every_write_of_a_rebuilding_harms_nothing() {
    let sound = tempfile::tempdir().unwrap();
    made(sound.path(), true);
    let whole = tiles(sound.path());
    let mut good = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in contents(sound.path()) {
            let to = dir.path().join(path.strip_prefix(sound.path()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
        fs::remove_dir_all(dir.path().join("tile/0")).unwrap();
        flip(&dir.path().join("tile/1/000.p/2"), 3);
        let disk = Failing {
            left: Arc::new(AtomicI64::new(good)),
            error: ErrorKind::StorageFull,
        };
        let failed = rebuild(dir.path(), None, &disk, |_| {}).is_err();
        // What is in place is right or was there before.
        for (name, bytes) in tiles(dir.path()) {
            let right = bytes == whole[&name] || name == "tile/1/000.p/2";
            assert!(right, "after {good} acts: {name}");
        }
        rebuild(dir.path(), None, &Unsynced, |_| {}).unwrap();
        assert_whole(dir.path(), &format!("after {good} acts"));
        assert!(look(dir.path()).findings.is_empty(), "after {good} acts");
        if !failed {
            break;
        }
        good += 1;
    }
    assert!(good > 15, "only {good} acts were made to fail");
}

#[test]
fn an_inspection_counts_sorts_and_shows_entries() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let (log, _) = Log::open(dir.path(), key(), options()).unwrap();
    let mut event = vec![1; 65];
    event.extend_from_slice(&[0; 256 + 16]);
    let root = MapRoot {
        size: 2,
        labels: 2,
        time_ms: 1_795_000_000_000,
        root: Hash([3; 32]),
    };
    for leaf in [event.clone(), event, root.to_bytes(), b"else".to_vec()] {
        log.append_blocking(leaf, Vec::new()).unwrap();
    }
    // The last one no checkpoint covers.
    log.checkpoint_now().unwrap();
    log.append_blocking(root.to_bytes(), Vec::new()).unwrap();
    let found = inspect(dir.path(), 4).unwrap();
    assert!(found.held);
    assert_eq!((found.checkpoint.size(), found.durable), (4, 5));
    let sorts = &found.sorts;
    assert_eq!(
        (
            sorts.from,
            sorts.events,
            sorts.chunks,
            sorts.map_roots,
            sorts.other,
            sorts.labels
        ),
        (0, 2, 0, 2, 1, 2)
    );
    assert_eq!(sorts.last_map_root, Some((4, root)));
    assert_eq!(entry(dir.path(), 3).unwrap(), b"else");
    assert_eq!(entry(dir.path(), 4).unwrap(), root.to_bytes());
    assert!(matches!(
        entry(dir.path(), 5),
        Err(LogError::OutOfRange { asked: 5, size: 5 })
    ));
    // Entries, hashes.
    assert_eq!(found.tile_files, 2);
}
