//! Disks that fail, power that is cut, clocks that jump, many at once: no tree
//! ever forks or shrinks under a witness's cosignatures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
};

use liuhen_tlog::{
    Cosigner, Hash, Witness,
    disk::{Disk, DiskFile},
    note::SignedNote,
    witness::{Answer, Options, WitnessError, verify_evidence},
};

use super::{
    NOW, ORIGIN, TestLog, clock_of, common::Unsynced, cosigned, cosigner, hash_of, options,
    request, witness, write_logs,
};

/// A disk that fails at its n-th act, and that remembers what a power cut would undo.
#[derive(Debug, Clone)]
struct Fragile(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Acts until a failure.
    left: i64,
    /// Whether it is well again after one failure, or fails ever after.
    heals: bool,
    error: io::ErrorKind,
    /// Files whose bytes were not synced.
    torn: BTreeSet<PathBuf>,
    /// Renames that were not synced: the target, and what it was before.
    undo: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Fragile {
    fn new(error: io::ErrorKind, heals: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            left: i64::MAX,
            heals,
            error,
            torn: BTreeSet::new(),
            undo: Vec::new(),
        })))
    }

    fn act(&self) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.left -= 1;
        let fails = inner.left == 0 || (inner.left < 0 && !inner.heals);
        if fails {
            Err(inner.error.into())
        } else {
            Ok(())
        }
    }

    fn fail_after(&self, good: i64) {
        self.0.lock().unwrap().left = good + 1;
    }

    fn heal(&self) {
        self.0.lock().unwrap().left = i64::MAX;
    }

    fn failed(&self) -> bool {
        self.0.lock().unwrap().left <= 0
    }

    /// Takes back whatever was never synced, newest first.
    fn cut_power(&self) {
        let mut inner = self.0.lock().unwrap();
        for path in std::mem::take(&mut inner.torn) {
            if let Ok(bytes) = fs::read(&path) {
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }
        }
        for (path, before) in std::mem::take(&mut inner.undo).into_iter().rev() {
            match before {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
    }
}

struct FragileFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    disk: Fragile,
}

impl DiskFile for FragileFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.disk.act() {
            self.file.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.act()?;
        self.disk.0.lock().unwrap().torn.remove(&self.path);
        Ok(())
    }
}

impl Disk for Fragile {
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        self.act()?;
        let file = Unsynced.create(path, reserve)?;
        self.0.lock().unwrap().torn.insert(path.to_owned());
        Ok(Box::new(FragileFile {
            file,
            path: path.to_owned(),
            disk: self.clone(),
        }))
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.create_dirs(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act()?;
        let before = fs::read(to).ok();
        Unsynced.rename(from, to)?;
        let mut inner = self.0.lock().unwrap();
        inner.undo.push((to.to_owned(), before));
        if inner.torn.remove(from) {
            inner.torn.insert(to.to_owned());
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.act()?;
        let mut inner = self.0.lock().unwrap();
        inner.undo.retain(|(path, _)| path.parent() != Some(dir));
        Ok(())
    }

    fn sync_all(&self, _: &Path) -> io::Result<()> {
        self.act()?;
        let mut inner = self.0.lock().unwrap();
        inner.undo.clear();
        inner.torn.clear();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.remove(path)
    }
}

/// Everything that ever left the witness, and the rule it must obey.
#[derive(Default)]
struct World {
    roots: BTreeMap<u64, Hash>,
    largest: u64,
    time: u64,
}

impl World {
    fn learn(&mut self, note: &SignedNote, name: &str) {
        let time = cosigner().verifier().verify(note).unwrap().unwrap();
        let checkpoint = liuhen_tlog::Checkpoint::parse(note.text()).unwrap();
        let known = *self.roots.entry(checkpoint.size).or_insert(checkpoint.root);
        assert_eq!(
            known, checkpoint.root,
            "{name}: two roots of {} entries",
            checkpoint.size
        );
        assert!(
            checkpoint.size >= self.largest,
            "{name}: went back to {}",
            checkpoint.size
        );
        assert!(time >= self.time, "{name}: time went back");
        (self.largest, self.time) = (checkpoint.size, time);
    }

    /// Submits and learns; tells the status and the size told.
    fn submit(
        &mut self,
        witness: &Witness,
        log: &TestLog,
        old: u64,
        new: u64,
        name: &str,
    ) -> Answer {
        let answer = witness.add_checkpoint(log.body(old, new).as_bytes());
        if let Answer::Cosigned(lines) = &answer {
            let mut note = log.checkpoint(new).note().clone();
            lines
                .iter()
                .for_each(|line| note.add(line.clone()).unwrap());
            self.learn(&note, name);
        }
        if let Answer::Checkpoint(text) = witness.checkpoint(&hash_of(ORIGIN)) {
            self.learn(&SignedNote::parse(text.as_bytes()).unwrap(), name);
        }
        answer
    }
}

/// Sizes that an honest log reaches, with forks tried between.
fn run(witness: &Witness, world: &mut World, name: &str) {
    let log = TestLog::new(ORIGIN, 1);
    let fork = TestLog::forked(ORIGIN, 1, 0, 1);
    let mut known = 0;
    for new in [3, 3, 7, 12, 20] {
        for _ in 0..2 {
            match world.submit(witness, &log, known, new, name) {
                Answer::Cosigned(_) => known = new,
                Answer::Conflict { size } => known = size,
                Answer::Unavailable => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        let forked = world.submit(witness, &fork, known, known, name);
        assert!(
            known == 0 || [422, 409, 500].contains(&forked.status()),
            "{name}"
        );
    }
}

/// A log that uses whatever the witness may have forgotten: it forks right behind the size told.
fn attack(witness: &Witness, world: &mut World, name: &str) {
    let log = TestLog::new(ORIGIN, 1);
    let told = match world.submit(witness, &log, 99, 99, name) {
        Answer::Conflict { size } => size,
        other => panic!("{name}: {other:?}"),
    };
    assert!(told >= world.largest, "{name}: forgot {}", world.largest);
    let fork = TestLog::forked(ORIGIN, 1, told, 1);
    for new in [7, 12, 20, 25].into_iter().filter(|new| *new > told) {
        let mut old = told;
        for _ in 0..2 {
            if let Answer::Conflict { size } = world.submit(witness, &fork, old, new, name) {
                old = size;
            }
        }
    }
}

/// How a witness's process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    PowerCut,
    /// Another process took over in between.
    KilledThenPowerCut,
}

#[test]
fn a_failure_at_every_write_and_sync_lets_no_tree_fork() {
    let mut failures = 0;
    let ends = [End::Killed, End::PowerCut, End::KilledThenPowerCut];
    let ways = ends.into_iter().flat_map(|end| [(false, end), (true, end)]);
    for (heals, end) in ways {
        for good in 0.. {
            let name = format!("{good} acts, heals {heals}, {end:?}");
            let dir = tempfile::tempdir().unwrap();
            write_logs(dir.path(), &[TestLog::new(ORIGIN, 1).key()]);
            let disk = Fragile::new(io::ErrorKind::StorageFull, heals);
            let time = Arc::new(AtomicU64::new(NOW));
            let options = || Options {
                disk: Arc::new(disk.clone()),
                clock: clock_of(&time, 1),
            };
            let mut world = World::default();
            disk.fail_after(good);
            if let Ok(witness) = Witness::open(dir.path(), cosigner(), options()) {
                run(&witness, &mut world, &name);
            }
            let failed = disk.failed();
            disk.heal();
            if end == End::KilledThenPowerCut {
                // Serves what the killed process may have left in the system's memory only.
                let witness = Witness::open(dir.path(), cosigner(), options()).unwrap();
                world.submit(&witness, &TestLog::new(ORIGIN, 1), 99, 99, &name);
            }
            if end != End::Killed {
                disk.cut_power();
            }
            let witness = Witness::open(dir.path(), cosigner(), options()).unwrap();
            attack(&witness, &mut world, &name);
            for file in witness.evidence().unwrap() {
                let text = fs::read_to_string(file).unwrap();
                verify_evidence(&text, &[&TestLog::new(ORIGIN, 1).key()]).unwrap();
            }
            if !failed {
                break;
            }
            failures += 1;
        }
    }
    assert!(failures > 250, "only {failures} acts were made to fail");
}

#[test]
fn a_failed_write_cosigns_nothing_and_the_next_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    write_logs(dir.path(), &[log.key()]);
    let disk = Fragile::new(io::ErrorKind::Other, true);
    let options = Options {
        disk: Arc::new(disk.clone()),
        ..options()
    };
    let witness = Witness::open(dir.path(), cosigner(), options).unwrap();
    let by = cosigner();
    cosigned(
        witness.add_checkpoint(log.body(0, 5).as_bytes()),
        &log.checkpoint(5),
        by.verifier(),
    );
    disk.fail_after(1);
    assert_eq!(
        witness.add_checkpoint(log.body(5, 6).as_bytes()),
        Answer::Unavailable
    );
    assert_eq!(witness.status()[0].latest, None);
    cosigned(
        witness.add_checkpoint(log.body(5, 7).as_bytes()),
        &log.checkpoint(7),
        by.verifier(),
    );
    assert_eq!(witness.status()[0].latest, Some((7, NOW)));
}

#[test]
fn a_clock_that_jumps_dates_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    write_logs(dir.path(), &[log.key()]);
    let time = Arc::new(AtomicU64::new(0));
    let open = || {
        let options = Options {
            disk: Arc::new(Unsynced),
            clock: clock_of(&time, 0),
        };
        Witness::open(dir.path(), cosigner(), options).unwrap()
    };
    let witness = open();
    let sign = |witness: &Witness, old, new| {
        let answer = witness.add_checkpoint(log.body(old, new).as_bytes());
        cosigned(answer, &log.checkpoint(new), cosigner().verifier())
    };
    // Before 1970 no cosignature can be dated.
    assert_eq!(
        witness.add_checkpoint(log.body(0, 1).as_bytes()),
        Answer::Unavailable
    );
    time.store(NOW, Ordering::SeqCst);
    assert_eq!(sign(&witness, 0, 1), NOW);
    time.store(NOW - 1000, Ordering::SeqCst);
    assert_eq!(sign(&witness, 1, 2), NOW);
    time.store(NOW + 5, Ordering::SeqCst);
    assert_eq!(sign(&witness, 2, 2), NOW + 5);
    time.store(0, Ordering::SeqCst);
    assert_eq!(sign(&witness, 2, 3), NOW + 5);
    drop(witness);
    time.store(7, Ordering::SeqCst);
    assert_eq!(sign(&open(), 3, 4), NOW + 5);
    time.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(
        open().add_checkpoint(log.body(4, 5).as_bytes()),
        Answer::Unavailable
    );
}

#[test]
fn many_at_once_never_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    write_logs(dir.path(), &[log.key()]);
    let time = Arc::new(AtomicU64::new(1));
    let options = Options {
        disk: Arc::new(Unsynced),
        // Read under the log's lock: times tell the order of the cosignatures.
        clock: clock_of(&time, 1),
    };
    let witness = Witness::open(dir.path(), cosigner(), options).unwrap();
    let given = Mutex::new(Vec::new());
    let tries = AtomicI64::new(0);
    thread::scope(|scope| {
        for writer in 0..8u64 {
            let (witness, given, log, tries) = (&witness, &given, &log, &tries);
            scope.spawn(move || {
                let mut known = 0;
                for new in (1..100).skip(usize::try_from(writer).unwrap()).step_by(3) {
                    for _ in 0..20 {
                        tries.fetch_add(1, Ordering::Relaxed);
                        let answer =
                            witness.add_checkpoint(log.body(known, new.max(known)).as_bytes());
                        match answer {
                            Answer::Conflict { size } if size > new => break,
                            Answer::Conflict { size } => known = size,
                            answer => {
                                let size = new.max(known);
                                let by = cosigner();
                                let at = cosigned(answer, &log.checkpoint(size), by.verifier());
                                given.lock().unwrap().push((at, size));
                                break;
                            }
                        }
                    }
                }
            });
        }
    });
    let mut given = given.into_inner().unwrap();
    given.sort_unstable();
    let times: BTreeSet<u64> = given.iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), given.len(), "one time given twice");
    assert!(given.is_sorted_by_key(|(_, size)| *size), "{given:?}");
    assert!(given.len() > 8, "{given:?} of {tries:?} tries");
}

#[test]
fn two_witnesses_cannot_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    let first = witness(dir.path(), &[log.key()]);
    let second = Witness::open(dir.path(), cosigner(), options());
    assert!(matches!(second, Err(WitnessError::Locked { .. })));
    drop(first);
    witness(dir.path(), &[log.key()]);
}

#[test]
fn refuses_a_state_that_it_did_not_cosign() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    let path = dir.path().join("checkpoints").join(hash_of(ORIGIN));
    let first = witness(dir.path(), &[log.key()]);
    first.add_checkpoint(log.body(0, 7).as_bytes());
    drop(first);
    let good = fs::read(&path).unwrap();
    let text = log.checkpoint(7).note().text().len() + 1;
    let log_line = text..log.checkpoint(7).to_string().len();
    let open = |cosigner| Witness::open(dir.path(), cosigner, options()).map(drop);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        // A flipped bit in the log's own line is not ours to judge: what we cosigned stands.
        match open(cosigner()) {
            Err(WitnessError::Damaged { .. }) => {}
            Ok(()) => assert!(log_line.contains(&at), "byte {at}"),
            other => panic!("byte {at}: {other:?}"),
        }
    }
    fs::write(&path, b"").unwrap();
    assert!(matches!(
        open(cosigner()),
        Err(WitnessError::Damaged { .. })
    ));
    fs::write(&path, &good).unwrap();
    let other = Cosigner::from_seed("witness.example/w1", &[8; 32]).unwrap();
    assert!(matches!(open(other), Err(WitnessError::Damaged { .. })));
    open(cosigner()).unwrap();
}

#[test]
fn refuses_a_list_of_logs_with_a_line_it_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    let witness = witness(dir.path(), &[log.key()]);
    let cosigner_key = cosigner().verifier().to_string();
    for bad in ["nonsense", &cosigner_key] {
        fs::write(dir.path().join("logs"), format!("\n# remark\n  {bad}\n")).unwrap();
        let refused = witness.reload();
        assert!(
            matches!(refused, Err(WitnessError::BadLog { line: 3, .. })),
            "{bad}"
        );
    }
    // What was known stays known.
    let body = request(0, vec![], log.checkpoint(4).note());
    assert_eq!(witness.add_checkpoint(body.as_bytes()).status(), 200);
}
