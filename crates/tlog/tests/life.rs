//! A log's life: appending, closing, opening again, being refused, being checked.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::channel,
    },
    thread,
    time::{Duration, Instant},
};

use liuhen_tlog::{
    Clock, Hash, Log, LogError, LogKey, Options, Receipt, Recovered,
    audit::{Fault, verify_dir},
    leaf_hash,
    person::tree_proof::verify_entries,
    proof,
};

use common::Unsynced;

const ORIGIN: &str = "life.example/log";

fn key() -> LogKey {
    LogKey::from_seed(&[4; 32])
}

fn slow() -> Options {
    Options {
        checkpoint_within: Duration::from_secs(600),
        segment_bytes: 1 << 20,
        disk: Arc::new(Unsynced),
        ..Options::default()
    }
}

fn acknowledged(up_to: u64) -> Options {
    Options {
        acknowledged: up_to,
        ..slow()
    }
}

fn open(dir: &Path, options: Options) -> Result<(Log, Vec<Recovered>), LogError> {
    Log::open(dir, key(), options)
}

fn leaf(index: u64) -> Vec<u8> {
    format!(
        "leaf {index} {}",
        "x".repeat(usize::try_from(index % 97).unwrap())
    )
    .into()
}

fn append(log: &Log, count: u64) {
    let first = log.size();
    for index in first..first + count - 1 {
        log.append(leaf(index), b"note".to_vec(), |r| drop(r.unwrap()));
    }
    let last = first + count - 1;
    let done = log.append_blocking(leaf(last), b"note".to_vec()).unwrap();
    assert_eq!(done.index, last);
}

fn created(dir: &Path, count: u64) -> Log {
    Log::create(dir, &key(), ORIGIN).unwrap();
    let (log, recovered) = open(dir, slow()).unwrap();
    assert_eq!(recovered, []);
    if count > 0 {
        append(&log, count);
    }
    log
}

fn assert_whole(log: &Log, count: u64) {
    assert_eq!(log.size(), count);
    let signed = log.checkpoint_now().unwrap();
    assert_eq!(signed.size(), count);
    for index in (0..count).step_by(37) {
        let found = log.leaf(index).unwrap();
        assert_eq!(found, leaf(index));
        let path = log.inclusion(index, count).unwrap();
        proof::verify_inclusion(&leaf_hash(&found), index, count, &path, &signed.root()).unwrap();
    }
    let report = verify_dir(log.dir(), Some(log.verifier()), |_| {}).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.entries, count);
}

#[test]
fn many_entries_are_read_and_proved_as_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 1_500);
    let signed = log.checkpoint_now().unwrap();
    // The tile of 1,500 is partial there; later it is cut from a fuller one.
    append(&log, 700);
    log.checkpoint_now().unwrap();
    let some: Vec<u64> = (0..1_500).filter(|index| index % 7 < 3).collect();
    for indexes in [&[][..], &[3], &[0, 255, 256, 1_499], &some] {
        let leaves = log.leaves(indexes).unwrap();
        let one_by_one: Vec<Vec<u8>> = indexes.iter().map(|i| log.leaf(*i).unwrap()).collect();
        assert_eq!(leaves, one_by_one);
        let proof = log.prove_entries(indexes, 1_500).unwrap();
        let hashes = leaves.iter().map(|leaf| leaf_hash(leaf));
        let entries: Vec<(u64, Hash)> = indexes.iter().copied().zip(hashes).collect();
        verify_entries(&entries, 1_500, &proof, &signed.root()).unwrap();
    }
    let outside = log.leaves(&[5, 2_200]);
    assert!(
        matches!(outside, Err(LogError::OutOfRange { asked: 2_200, .. })),
        "{outside:?}"
    );
    fs::write(dir.path().join("tile/entries/002"), b"\xff\xffshort").unwrap();
    let damaged = log.leaves(&some);
    assert!(
        matches!(damaged, Err(LogError::Damaged { .. })),
        "{damaged:?}"
    );
    fs::remove_file(dir.path().join("tile/entries/002")).unwrap();
    let gone = log.leaves(&some);
    assert!(matches!(gone, Err(LogError::Io { .. })), "{gone:?}");
}

#[test]
fn sizes_around_tile_borders_survive_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(created(dir.path(), 0));
    let mut size = 0;
    for step in [1, 254, 1, 1, 255, 700, 24] {
        let (log, recovered) = open(dir.path(), acknowledged(size)).unwrap();
        assert_eq!(recovered, []);
        append(&log, step);
        size += step;
        assert_whole(&log, size);
        log.acknowledge(size);
        log.close().unwrap();
    }
}

#[test]
fn unacknowledged_records_come_back_with_their_notes() {
    let dir = tempfile::tempdir().unwrap();
    created(dir.path(), 300).close().unwrap();
    let (log, recovered) = open(dir.path(), acknowledged(120)).unwrap();
    assert_eq!(recovered.len(), 180);
    for (index, found) in (120..).zip(recovered) {
        let note = b"note".to_vec();
        assert_eq!(
            found,
            Recovered {
                index,
                leaf: leaf(index),
                note
            }
        );
    }
    assert_whole(&log, 300);
}

#[test]
fn a_checkpoint_comes_by_itself_within_its_time() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let (log, _) = open(dir.path(), Options::default()).unwrap();
    append(&log, 3);
    let begin = Instant::now();
    while log.checkpoint().size() < 3 {
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "no checkpoint came"
        );
        thread::sleep(Duration::from_millis(5));
    }
    let signed = fs::read(dir.path().join("checkpoint")).unwrap();
    assert_eq!(
        String::from_utf8(signed).unwrap(),
        log.checkpoint().to_string()
    );
}

#[test]
fn receipts_verify_and_survive_writing() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 5);
    let appended = log.append_blocking(leaf(5), Vec::new()).unwrap();
    for receipt in [
        log.sign_receipt(&appended).unwrap(),
        log.sign_receipt_at(5).unwrap(),
    ] {
        let read = Receipt::parse(&receipt.to_string()).unwrap();
        read.verify(log.verifier()).unwrap();
        assert_eq!((read.index(), read.leaf_hash()), (5, leaf_hash(&leaf(5))));
    }
    assert!(log.sign_receipt_at(6).is_err());
}

#[test]
fn a_clock_set_back_dates_no_receipt_back() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let machine = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&machine);
    let options = Options {
        clock: Clock::new(move || read.load(Ordering::SeqCst)),
        ..slow()
    };
    let (log, _) = open(dir.path(), options.clone()).unwrap();
    let rows = [(5_000, 5_000), (1_000, 5_000), (0, 5_000), (7_000, 7_000)];
    for (set, told) in rows {
        machine.store(set, Ordering::SeqCst);
        let appended = log.append_blocking(leaf(0), Vec::new()).unwrap();
        assert_eq!(appended.time_ms(), told, "clock at {set}");
        let receipt = log.sign_receipt(&appended).unwrap();
        assert_eq!(receipt.time_ms(), told, "clock at {set}");
        receipt.verify(log.verifier()).unwrap();
    }
    // What an earlier process wrote down binds this one, if it is told.
    log.close().unwrap();
    machine.store(2_000, Ordering::SeqCst);
    let (log, _) = open(dir.path(), options).unwrap();
    log.not_before(6_500);
    assert_eq!(log.sign_receipt_at(1).unwrap().time_ms(), 6_500);
    let appended = log.append_blocking(leaf(0), Vec::new()).unwrap();
    assert_eq!(appended.time_ms(), 6_500);
}

#[test]
fn many_writers_each_get_their_own_index() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(created(dir.path(), 0));
    let (tell, hear) = channel();
    for writer in 0..8u64 {
        let (log, tell) = (Arc::clone(&log), tell.clone());
        thread::spawn(move || {
            for n in 0..50 {
                let mine = format!("{writer}/{n}").into_bytes();
                let done = log.append_blocking(mine.clone(), Vec::new()).unwrap();
                assert_eq!(done.leaf_hash(), leaf_hash(&mine));
                tell.send((done.index, mine)).unwrap();
            }
        });
    }
    drop(tell);
    let mut all: Vec<_> = hear.iter().collect();
    all.sort();
    assert!(all.iter().map(|(index, _)| *index).eq(0..400));
    for (index, mine) in all {
        assert_eq!(log.leaf(index).unwrap(), mine);
    }
}

#[test]
fn segments_go_once_acknowledged_and_published() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let small = Options {
        segment_bytes: 2000,
        ..slow()
    };
    let (log, _) = open(dir.path(), small).unwrap();
    let segments = || fs::read_dir(dir.path().join("wal")).unwrap().count();
    for _ in 0..200 {
        append(&log, 1);
    }
    log.checkpoint_now().unwrap();
    let before = segments();
    assert!(
        before > 5,
        "published but not acknowledged: {before} segments stay"
    );
    log.acknowledge(150);
    append(&log, 1);
    log.close().unwrap();
    let after = segments();
    assert!(
        after < before && after > 1,
        "{before} segments became {after}"
    );
    let (log, recovered) = open(dir.path(), acknowledged(150)).unwrap();
    assert_eq!(recovered.first().map(|r| r.index), Some(150));
    assert_whole(&log, 201);
    drop(log);
    let behind = open(dir.path(), acknowledged(3)).unwrap_err();
    assert!(
        matches!(
            behind,
            LogError::ConsumerBehind {
                acknowledged: 3,
                ..
            }
        ),
        "{behind}"
    );
}

#[test]
fn filled_partial_tiles_are_cleaned_away() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 100);
    log.checkpoint_now().unwrap();
    let partial = dir.path().join("tile/0/000.p");
    assert!(partial.join("100").exists());
    append(&log, 100);
    log.checkpoint_now().unwrap();
    assert!(partial.join("100").exists() && partial.join("200").exists());
    append(&log, 100);
    assert_whole(&log, 300);
    log.close().unwrap();
    assert!(!partial.exists() && dir.path().join("tile/entries/001.p/44").exists());
}

#[test]
fn a_callback_may_panic_or_drop_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(created(dir.path(), 1));
    log.append(leaf(1), Vec::new(), |_| panic!("a consumer's mistake"));
    assert_eq!(log.append_blocking(leaf(2), Vec::new()).unwrap().index, 2);
    let (tell, hear) = channel();
    let held = Arc::clone(&log);
    log.append(leaf(3), Vec::new(), move |result| {
        thread::sleep(Duration::from_millis(50));
        drop(held);
        tell.send(result.is_ok()).unwrap();
    });
    drop(log);
    assert!(hear.recv().unwrap());
}

#[test]
fn refuses_a_second_process() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 1);
    // flock is held by the open file, so a second opening in this process is refused alike.
    assert!(matches!(
        open(dir.path(), slow()),
        Err(LogError::Locked { .. })
    ));
    log.close().unwrap();
    open(dir.path(), slow()).unwrap();
}

#[test]
fn refuses_to_create_over_a_log() {
    let dir = tempfile::tempdir().unwrap();
    drop(created(dir.path(), 1));
    let again = Log::create(dir.path(), &key(), ORIGIN);
    assert!(matches!(again, Err(LogError::Exists { .. })));
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let again = Log::create(dir.path(), &key(), ORIGIN);
    assert!(matches!(again, Err(LogError::Exists { .. })));
}

#[test]
fn refuses_another_key() {
    let dir = tempfile::tempdir().unwrap();
    drop(created(dir.path(), 1));
    let other = LogKey::from_seed(&[5; 32]);
    let refused = Log::open(dir.path(), other, slow()).unwrap_err();
    assert!(matches!(refused, LogError::OtherKey { .. }));
}

#[test]
fn refuses_leaves_and_notes_that_are_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 0);
    let long = log.append_blocking(vec![0; 65_536], Vec::new());
    assert!(matches!(
        long,
        Err(LogError::LeafTooLong { length: 65_536 })
    ));
    let long = log.append_blocking(Vec::new(), vec![0; (1 << 20) + 1]);
    assert!(matches!(long, Err(LogError::SidecarTooLong { .. })));
    log.append_blocking(vec![0; 65_535], vec![0; 1 << 20])
        .unwrap();
    log.append_blocking(Vec::new(), Vec::new()).unwrap();
    log.close().unwrap();
    assert!(matches!(
        log.append_blocking(Vec::new(), Vec::new()),
        Err(LogError::Closed)
    ));
    assert_eq!(log.leaf(0).unwrap().len(), 65_535);
}

/// A change to the files of a closed log, and how opening must refuse it.
type Tampering = (&'static str, fn(&Path), fn(&LogError) -> bool);

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn refuses_logs_that_were_tampered_with() {
    let rows: [Tampering; 7] = [
        (
            "checkpoint of another root",
            |dir| {
                let forged = fs::read_to_string(dir.join("checkpoint")).unwrap();
                fs::write(
                    dir.join("checkpoint"),
                    forged.replacen("\n700\n", "\n699\n", 1),
                )
                .unwrap();
            },
            |e| matches!(e, LogError::Note(_)),
        ),
        (
            "edge tile changed",
            |dir| flip(&dir.join("tile/0/002.p/188"), 7),
            |e| matches!(e, LogError::RootMismatch { size: 700 }),
        ),
        (
            "edge entries changed",
            |dir| flip(&dir.join("tile/entries/002.p/188"), 7),
            |e| matches!(e, LogError::RootMismatch { size: 700 }),
        ),
        (
            "full tile changed where the write-ahead log still knows better",
            |dir| flip(&dir.join("tile/0/001"), 32 * 3),
            |e| matches!(e, LogError::WalDiffers { index: 259 }),
        ),
        (
            "edge tile removed",
            |dir| fs::remove_file(dir.join("tile/1/000.p/2")).unwrap(),
            |e| matches!(e, LogError::Io { .. }),
        ),
        (
            "write-ahead log removed",
            |dir| fs::remove_dir_all(dir.join("wal")).unwrap(),
            |e| matches!(e, LogError::Io { .. }),
        ),
        (
            "write-ahead log emptied",
            |dir| {
                fs::remove_dir_all(dir.join("wal")).unwrap();
                fs::create_dir(dir.join("wal")).unwrap();
            },
            |e| matches!(e, LogError::Damaged { .. }),
        ),
    ];
    for (name, tamper, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        created(dir.path(), 700).close().unwrap();
        tamper(dir.path());
        let refused = open(dir.path(), slow()).expect_err(name);
        assert!(expected(&refused), "{name}: {refused:?}");
    }
}

#[test]
fn refuses_a_log_rolled_back_below_its_checkpoint_or_consumer() {
    let dir = tempfile::tempdir().unwrap();
    created(dir.path(), 10).close().unwrap();
    let wal = dir.path().join("wal");
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&wal).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let (log, _) = open(dir.path(), acknowledged(10)).unwrap();
    append(&log, 10);
    log.close().unwrap();
    let ahead = open(dir.path(), acknowledged(21)).unwrap_err();
    assert!(
        matches!(
            ahead,
            LogError::RolledBack {
                end: 20,
                known: 21,
                ..
            }
        ),
        "{ahead}"
    );
    fs::remove_dir_all(&wal).unwrap();
    fs::rename(copy.path(), &wal).unwrap();
    let old = open(dir.path(), acknowledged(10)).unwrap_err();
    assert!(
        matches!(
            old,
            LogError::RolledBack {
                end: 10,
                known: 20,
                ..
            }
        ),
        "{old}"
    );
}

#[test]
fn refuses_a_missing_or_torn_segment_in_the_middle() {
    for torn in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        Log::create(dir.path(), &key(), ORIGIN).unwrap();
        let small = Options {
            segment_bytes: 400,
            ..slow()
        };
        let (log, _) = open(dir.path(), small).unwrap();
        for _ in 0..40 {
            append(&log, 1);
        }
        log.close().unwrap();
        let listed = fs::read_dir(dir.path().join("wal")).unwrap();
        let mut paths: Vec<_> = listed.map(|e| e.unwrap().path()).collect();
        paths.sort();
        let middle = &paths[paths.len() / 2];
        if torn {
            let bytes = fs::read(middle).unwrap();
            // Into the last frame, past the space set aside behind it.
            let end = bytes.iter().rposition(|b| *b != 0).unwrap();
            fs::write(middle, &bytes[..end]).unwrap();
        } else {
            fs::remove_file(middle).unwrap();
        }
        let refused = open(dir.path(), slow()).unwrap_err();
        match refused {
            LogError::WalDamaged { .. } => assert!(torn),
            LogError::WalGap { .. } => assert!(!torn),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_torn_end_is_cut_at_any_byte_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let wal = dir.path().join("wal").join(format!("{:020}.wal", 0));
    let (log, _) = open(dir.path(), slow()).unwrap();
    for _ in 0..4 {
        append(&log, 1);
    }
    // As the power would leave it: no clean closing, so taken while open.
    let whole = fs::read(&wal).unwrap();
    let used = whole.iter().rposition(|b| *b != 0).unwrap() + 1;
    let checkpoint = fs::read(dir.path().join("checkpoint")).unwrap();
    let vkey = fs::read(dir.path().join("vkey")).unwrap();
    drop(log);
    for cut in (64..=used).step_by(11) {
        let crashed = tempfile::tempdir().unwrap();
        fs::create_dir(crashed.path().join("wal")).unwrap();
        fs::write(crashed.path().join("checkpoint"), &checkpoint).unwrap();
        fs::write(crashed.path().join("vkey"), &vkey).unwrap();
        let copy = crashed.path().join("wal").join(wal.file_name().unwrap());
        fs::write(&copy, &whole[..cut]).unwrap();
        let (log, recovered) = open(crashed.path(), slow()).unwrap();
        let kept = log.size();
        assert!(kept <= 4 && recovered.len() as u64 == kept);
        append(&log, 2);
        assert_whole(&log, kept + 2);
        log.close().unwrap();
        let (_, recovered) = open(crashed.path(), slow()).unwrap();
        assert_eq!(recovered.len() as u64, kept + 2);
    }
}

#[test]
fn a_whole_check_finds_each_fault_and_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 66_000);
    log.close().unwrap();
    let mut last = 0;
    let report = verify_dir(dir.path(), None, |p| last = p.done).unwrap();
    assert!(report.is_sound() && last == 66_000);

    let file = |name: &str| dir.path().join(name);
    flip(&file("tile/0/005"), 33);
    flip(&file("tile/entries/100"), 5);
    flip(&file("tile/1/001.p/1"), 0);
    fs::remove_file(file("tile/entries/200")).unwrap();
    fs::write(file("tile/2/000.p/1"), b"").unwrap();
    let report = verify_dir(dir.path(), Some(log.verifier()), |_| {}).unwrap();
    let found: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    let expected = [
        "tile/0/005 differs from what lies below it, first at hash 1",
        "tile/0/100 differs from what lies below it, first at hash 0",
        "tile/entries/200 cannot be read",
        "tile/1/000 differs from what lies below it, first at hash 100",
        "tile/1/001.p/1 differs from what lies below it, first at hash 0",
        "tile/2/000.p/1 differs from what lies below it, first at hash 0",
        "the entries give the root",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} / {expected}");
    }
    assert!(matches!(report.faults.last(), Some(Fault::Root { .. })));
}

#[test]
fn a_whole_check_works_while_the_log_is_written() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let often = Options {
        checkpoint_within: Duration::from_millis(4),
        ..Options::default()
    };
    let (log, _) = open(dir.path(), often).unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(|| (0..20).for_each(|_| append(&log, 100)));
        let mut checks = 0;
        while !writing.is_finished() || checks < 3 {
            let report = verify_dir(dir.path(), Some(log.verifier()), |_| {}).unwrap();
            assert_eq!(report.faults, []);
            checks += 1;
        }
    });
    assert_whole(&log, 2000);
}

#[test]
fn answers_come_in_the_order_of_the_log_whether_batches_are_small_or_large() {
    let dir = tempfile::tempdir().unwrap();
    let log = created(dir.path(), 0);
    let (tell, hear) = channel();
    let mut offered = 0;
    for burst in [1, 700, 1, 3, 2_000, 1, 1, 300, 2] {
        for _ in 0..burst {
            let tell = tell.clone();
            log.append(leaf(offered), Vec::new(), move |result| {
                tell.send(result.unwrap().index).unwrap();
            });
            offered += 1;
        }
        // Long enough for a batch to be written while the one before is still being told.
        thread::sleep(Duration::from_millis(1));
    }
    log.close().unwrap();
    drop(tell);
    // Closing waits for the last of them.
    assert!(hear.try_iter().eq(0..offered));
}

#[test]
fn the_last_handle_may_be_dropped_by_a_callback_of_a_large_batch() {
    for dropped_at in [0, 499] {
        let dir = tempfile::tempdir().unwrap();
        let holder = Arc::new(Mutex::new(Some(created(dir.path(), 0))));
        let (go, wait) = channel::<()>();
        let (tell, hear) = channel();
        let held = holder.lock().unwrap();
        let log = held.as_ref().unwrap();
        // Holds up the log, so that what follows becomes one batch.
        log.append(leaf(0), Vec::new(), move |_| {
            wait.recv().unwrap_or_default()
        });
        for nth in 0..500 {
            let (tell, holder) = (tell.clone(), Arc::clone(&holder));
            log.append(leaf(nth + 1), Vec::new(), move |result| {
                if nth == dropped_at {
                    drop(holder.lock().unwrap().take());
                }
                tell.send(result.is_ok()).unwrap();
            });
        }
        drop(held);
        drop((go, tell));
        assert_eq!(hear.iter().filter(|done| *done).count(), 500);
    }
}

#[test]
fn slow_callbacks_of_a_large_batch_end_in_refusals_and_not_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &key(), ORIGIN).unwrap();
    let options = Options {
        max_pending_bytes: 40_000,
        ..slow()
    };
    let log = open(dir.path(), options).unwrap().0;
    let note = || vec![b'n'; 200];

    // The first callback holds the committer, so that the appends after it become one large batch.
    let (start, started) = channel::<()>();
    let (enter, entered) = channel();
    log.append(leaf(0), Vec::new(), move |r| {
        enter.send(r.unwrap()).unwrap();
        started.recv().unwrap();
    });
    entered.recv().unwrap();
    let (let_go, held) = channel::<()>();
    let (tell, told) = channel();
    let held = Mutex::new(held);
    let held = Arc::new(held);
    for index in 1..101 {
        let (held, tell) = (Arc::clone(&held), tell.clone());
        log.append(leaf(index), note(), move |r| {
            held.lock().unwrap().recv().unwrap();
            tell.send(r.unwrap().index).unwrap();
        });
    }
    start.send(()).unwrap();
    while log.size() < 101 {
        thread::yield_now();
    }

    // 100 records of more than 200 bytes are durable and untold; 20,000 bytes more are too many.
    let (say, said) = channel();
    let refused = (0..10).find_map(|_| {
        let say = say.clone();
        log.append(leaf(101), vec![b'm'; 20_000], move |r| {
            let _ = say.send(r.err());
        });
        // A refusal comes at once; what was taken in before the batch was handed over is told later.
        thread::sleep(Duration::from_millis(30));
        said.try_recv().ok().flatten()
    });
    let refused = refused.unwrap();
    assert!(matches!(refused, LogError::Overloaded { waiting } if waiting > 20_000));

    for _ in 0..100 {
        let_go.send(()).unwrap();
    }
    assert!(told.iter().take(100).eq(1..101));
    log.close().unwrap();
}
