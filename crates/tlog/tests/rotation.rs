//! A log whose signing key changes: who can verify what, and what a cut off change leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod failing;

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use liuhen_tlog::{
    Keys, Log, LogError, LogKey, NoteError, Options, SignedCheckpoint, Verifier, disk::Disk,
    fsck::fsck, read_keys, rotate, verify_dir,
};

use common::Unsynced;
use failing::Failing;

const ORIGIN: &str = "rotation.example/log";
const DAY: u64 = 86_400_000;

fn key(nth: u8) -> LogKey {
    LogKey::from_seed(&[nth; 32])
}

fn verifier(nth: u8) -> Verifier {
    key(nth).signer(ORIGIN).unwrap().verifier()
}

fn options(former: Option<u8>) -> Options {
    Options {
        checkpoint_within: Duration::from_secs(600),
        segment_bytes: 2000,
        disk: Arc::new(Unsynced),
        former: former.map(key),
        ..Options::default()
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// Appends some entries under a key and gives back a receipt for the last.
fn life(dir: &Path, nth: u8, former: Option<u8>) -> liuhen_tlog::Receipt {
    let (log, recovered) = Log::open(dir, key(nth), options(former)).unwrap();
    for at in 0..30 {
        log.append_blocking(format!("{nth} {at}").into(), b"note".to_vec())
            .unwrap();
    }
    let last = log.append_blocking(vec![nth; 99], Vec::new()).unwrap();
    let receipt = log.sign_receipt(&last).unwrap();
    // Nothing is acknowledged: all segments since the first key are still read.
    assert_eq!(recovered.len() as u64, last.index - 30);
    log.close().unwrap();
    receipt
}

/// What a client does that knows one key and no statements.
fn plainly(dir: &Path, nth: u8) -> Result<SignedCheckpoint, NoteError> {
    SignedCheckpoint::verify(&fs::read(dir.join("checkpoint")).unwrap(), &verifier(nth))
}

#[test]
fn old_clients_verify_during_the_overlap_and_by_the_statements_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    Log::create(at, &key(1), ORIGIN).unwrap();
    let first = life(at, 1, None);
    let change = rotate(at, &key(1), &key(2), options(None), now(), DAY).unwrap();
    assert_eq!(
        (change.size, change.old, change.new),
        (31, verifier(1), verifier(2))
    );
    // Both know the checkpoint at the change at once.
    assert!(plainly(at, 1).is_ok() && plainly(at, 2).is_ok());
    let refused = Log::open(at, key(1), options(None)).unwrap_err();
    assert!(matches!(refused, LogError::OtherKey { .. }));
    let wrong_former = Log::open(at, key(2), options(Some(3))).unwrap_err();
    assert!(matches!(wrong_former, LogError::OtherKey { .. }));

    let second = life(at, 2, Some(1));
    assert_eq!(plainly(at, 1).unwrap().size(), 62);
    assert_eq!(plainly(at, 2).unwrap().size(), 62);
    // The overlap of the next change is over as soon as it is made.
    rotate(at, &key(2), &key(3), options(Some(1)), now() - 5, 1).unwrap();
    let third = life(at, 3, Some(2));
    assert_eq!(plainly(at, 3).unwrap().size(), 93);
    for nth in [1, 2] {
        assert_eq!(plainly(at, nth), Err(NoteError::Unsigned));
    }
    for trusted in [
        Some(verifier(1)),
        Some(verifier(2)),
        Some(verifier(3)),
        None,
    ] {
        let report = verify_dir(at, trusted.as_ref(), |_| {}).unwrap();
        assert_eq!((report.faults, report.entries), (vec![], 93));
    }
    assert!(verify_dir(at, Some(&verifier(4)), |_| {}).is_err());
    assert!(fsck(at, None, None, |_| {}).unwrap().findings.is_empty());

    let keys = read_keys(at).unwrap();
    assert_eq!(
        keys.all().cloned().collect::<Vec<_>>(),
        [1, 2, 3].map(verifier)
    );
    for receipt in [&first, &second, &third] {
        assert_eq!(keys.verify_receipt(receipt), Ok(()));
    }
    // Who trusts the second key has no reason to believe the first.
    assert!(keys.since(&verifier(2)).verify_receipt(&first).is_err());
    assert_eq!(
        Keys::of(verifier(1)).verify_receipt(&second),
        Err(NoteError::Unsigned)
    );
}

#[test]
fn refuses_statements_that_were_changed_or_lost() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    Log::create(at, &key(1), ORIGIN).unwrap();
    life(at, 1, None);
    rotate(at, &key(1), &key(2), options(None), now(), 0).unwrap();
    life(at, 2, None);
    let path = at.join("keys");
    let good = fs::read_to_string(&path).unwrap();
    for (name, text) in [
        ("changed", good.replacen("\n31\n", "\n62\n", 1)),
        (
            "one signature",
            good.lines().take(10).map(|l| format!("{l}\n")).collect(),
        ),
        ("lost", String::new()),
    ] {
        assert_ne!(text, good, "{name}");
        fs::write(&path, text).unwrap();
        assert!(Log::open(at, key(2), options(None)).is_err(), "{name}");
        assert!(
            verify_dir(at, Some(&verifier(1)), |_| {}).is_err(),
            "{name}"
        );
    }
    fs::write(&path, good).unwrap();
    verify_dir(at, Some(&verifier(1)), |_| {}).unwrap();
}

#[test]
fn a_failure_at_every_write_of_a_change_leaves_a_log_of_one_key_or_the_other() {
    let mut good = 0;
    let (mut stayed, mut changed) = (0, 0);
    loop {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        Log::create(at, &key(1), ORIGIN).unwrap();
        let receipt = life(at, 1, None);
        let disk: Arc<dyn Disk> = Arc::new(Failing {
            left: Arc::new(AtomicI64::new(good)),
            error: ErrorKind::Other,
        });
        let failing = Options {
            disk,
            ..options(None)
        };
        let outcome = rotate(at, &key(1), &key(2), failing, now(), DAY);
        let keys = read_keys(at).unwrap();
        let (nth, former) = match keys.rotations().len() {
            0 => (1, None),
            _ => (2, Some(1)),
        };
        stayed += u32::from(nth == 1);
        changed += u32::from(nth == 2);
        life(at, nth, former);
        assert!(plainly(at, nth).is_ok() && plainly(at, 1).is_ok());
        assert_eq!(keys.verify_receipt(&receipt), Ok(()));
        let report = verify_dir(at, None, |_| {}).unwrap();
        assert_eq!(
            (report.faults, report.entries),
            (vec![], 62),
            "after {good} acts"
        );
        if outcome.is_ok() {
            break;
        }
        good += 1;
    }
    assert!(
        stayed > 8 && changed > 3,
        "{stayed} stayed, {changed} changed"
    );
}

#[test]
fn a_checkpoint_left_without_the_new_signature_gets_it_on_opening() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    Log::create(at, &key(1), ORIGIN).unwrap();
    life(at, 1, None);
    let before = fs::read(at.join("checkpoint")).unwrap();
    rotate(at, &key(1), &key(2), options(None), now(), DAY).unwrap();
    fs::write(at.join("checkpoint"), before).unwrap();
    assert!(plainly(at, 2).is_err());
    Log::open(at, key(2), options(Some(1))).unwrap();
    assert!(plainly(at, 2).is_ok() && plainly(at, 1).is_ok());
}
