//! Cases as whoever seizes, receives and doubts them meets them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use liuhen_forensics::case::{
    Act, Case, CaseError, Entry, Fault, Sealing, StampError, Sums, Verified, Who, listing,
    sealed_bytes, show, verify,
};
use liuhen_tlog::{Log, LogKey, Options, Verifier};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn who(minute: u32) -> Who {
    Who {
        by: "甲".to_owned(),
        at: format!("2026-11-22T08:{minute:02}:00Z"),
        note: "扣押硬盘".to_owned(),
    }
}

fn go_on(_: u64) -> bool {
    true
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn check(dir: &Path) -> Verified {
    verify(dir, None, None, &mut go_on).unwrap()
}

/// A folder that holds a seized disk, a case of it, and the case's key.
struct World(TempDir);

impl World {
    /// Four things on the disk, one named in GBK, one a link; two exhibits and one result in the case.
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let disk = world.disk();
        fs::create_dir_all(disk.join("导出/2025")).unwrap();
        fs::write(disk.join("导出/名单.csv"), "姓名,手机\n某甲,10000000001\n").unwrap();
        fs::write(disk.join("导出/2025/empty"), "").unwrap();
        let gbk = OsStr::from_bytes(b"\xC3\xFB\xB5\xA5.txt");
        fs::write(disk.join(gbk), vec![7; 3_000_000]).unwrap();
        symlink("/etc/passwd", disk.join("link")).unwrap();

        let mut case =
            Case::create(&world.case(), &world.key(), "某某案", "2026-1", who(0)).unwrap();
        case.add(&disk, who(1), &mut go_on).unwrap();
        let list = disk.join("导出/名单.csv");
        case.add(&list, who(2), &mut go_on).unwrap();
        fs::write(case.results().unwrap().join("report.json"), "{}\n").unwrap();
        case.seal_results("count", who(3)).unwrap();
        world
    }

    fn disk(&self) -> PathBuf {
        self.0.path().join("disk")
    }

    fn case(&self) -> PathBuf {
        self.0.path().join("case")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("case.key")
    }

    fn open(&self) -> Case {
        Case::open(&self.case(), &self.key()).unwrap()
    }

    /// A copy of the case somewhere else.
    fn copy(&self, name: &str) -> PathBuf {
        let to = self.0.path().join(name);
        let copied = Command::new("cp")
            .arg("-r")
            .args([&self.case(), &to])
            .status();
        assert!(copied.unwrap().success());
        to
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// What was sealed: a log that is opened begins a segment of its own.
fn sealed_files(case: &Path) -> Vec<PathBuf> {
    let mut all = files(case);
    all.retain(|path| !path.starts_with(case.join("custody")));
    all
}

/// Writes over a file whatever its permissions.
fn write(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The write-ahead log gives up what was published; a case is opened again all the same.
#[test]
fn a_case_of_many_acts_opens_again() {
    let world = World::new();
    let long = Who {
        note: "扣".repeat(9_000),
        ..who(5)
    };
    for round in 0..12 {
        let mut case = world.open();
        fs::write(case.results().unwrap().join("report.json"), "{}\n").unwrap();
        case.seal_results("count", long.clone()).unwrap();
        assert_eq!(case.entries().len(), 5 + round);
    }
    // What a log gives up when it has the time: every segment but the newest.
    let wal = fs::read_dir(world.case().join("custody/wal")).unwrap();
    let mut segments: Vec<PathBuf> = wal.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments.pop();
    assert!(!segments.is_empty(), "one segment: the test shows nothing");
    for segment in segments {
        fs::remove_file(segment).unwrap();
    }
    assert_eq!(world.open().entries().len(), 16);
    assert!(check(&world.case()).faults.is_empty());
}

#[test]
fn a_case_verifies_elsewhere_with_nothing_but_its_folder() {
    let world = World::new();
    let copy = world.copy("elsewhere");
    fs::remove_dir_all(world.case()).unwrap();
    fs::remove_dir_all(world.disk()).unwrap();
    let verified = check(&copy);
    assert_eq!(verified.faults, []);
    assert_eq!((verified.exhibits, verified.files), (2, 5));
    assert_eq!(verified.entries.len(), 4);
    assert_eq!(verified.entries[1].who.note, "扣押硬盘");
    let mode = fs::metadata(world.key()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_listing_says_what_was_found_and_follows_no_link() {
    let world = World::new();
    let path = world.case().join("exhibits/0001.json");
    let listing: liuhen_forensics::case::Listing =
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let found: Vec<_> = listing
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.raw.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("link", None),
            (
                "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}.txt",
                Some("c3fbb5a52e747874")
            ),
            ("导出/2025/empty", None),
            ("导出/名单.csv", None),
        ]
    );
    assert!(
        matches!(&listing.files[0].sealing, Sealing::Link { target } if target == "/etc/passwd")
    );
    // sha256sum and `openssl dgst -sm3` of nothing.
    let Sealing::File { size: 0, sums, .. } = &listing.files[2].sealing else {
        unreachable!("an empty file is a file")
    };
    assert_eq!(
        sums.sha256,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        sums.sm3,
        "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
    );
}

/// One byte of any file of the case, at its beginning, middle and end.
#[test]
fn one_flipped_byte_anywhere_is_found_and_named() {
    let world = World::new();
    let mut flipped = 0;
    for path in files(&world.case()) {
        let whole = fs::read(&path).unwrap();
        let inside = path
            .strip_prefix(world.case())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let end = whole.len().saturating_sub(1);
        for at in [0, end / 2, end] {
            let mut bytes = whole.clone();
            let Some(byte) = bytes.get_mut(at) else {
                continue;
            };
            *byte ^= 0x10;
            write(&path, &bytes);
            let named = match verify(&world.case(), None, None, &mut go_on) {
                Ok(verified) => {
                    let room = inside.split('/').next().unwrap();
                    let place = if room == "custody" { room } else { &inside };
                    verified
                        .faults
                        .iter()
                        .any(|fault| fault.to_string().contains(place))
                }
                // Without a head there is no case to check, and the error names the file.
                Err(error) => inside == "case.json" && error.to_string().contains("case"),
            };
            assert!(named, "{inside}, byte {at}");
            flipped += 1;
        }
        write(&path, &whole);
    }
    assert!(flipped > 20, "{flipped}");
    assert_eq!(check(&world.case()).faults, []);
}

#[test]
fn what_is_gone_and_what_was_put_there_is_named() {
    let world = World::new();
    let list = world.case().join("exhibits/0001/导出/名单.csv");
    fs::remove_file(&list).unwrap();
    fs::write(world.case().join("exhibits/0001/more.csv"), "x").unwrap();
    fs::write(world.case().join("notes.txt"), "x").unwrap();
    let path = |path: &str| path.to_owned();
    assert_eq!(
        check(&world.case()).faults,
        [
            Fault::Missing {
                path: path("exhibits/0001/导出/名单.csv")
            },
            Fault::Added {
                path: path("notes.txt")
            },
            Fault::Added {
                path: path("exhibits/0001/more.csv")
            },
        ]
    );
    symlink("/etc/hostname", &list).unwrap();
    let changed = Fault::Changed {
        path: path("exhibits/0001/导出/名单.csv"),
    };
    assert!(check(&world.case()).faults.contains(&changed));
}

#[test]
fn a_case_written_anew_is_told_by_key_or_by_a_checkpoint() {
    let world = World::new();
    let kept = world.open().checkpoint();
    let key = Verifier::parse(&check(&world.case()).vkey).unwrap();
    let before = world.copy("before");
    world.open().add(&world.disk(), who(9), &mut go_on).unwrap();
    let kept_later = world.open().checkpoint();

    // The case went on: what was kept is its beginning.
    let grown = verify(&world.case(), Some(&key), Some(kept.as_bytes()), &mut go_on).unwrap();
    assert_eq!(grown.faults, []);

    // The copy went on otherwise, under the same key.
    let mut other = Case::open(&before, &world.key()).unwrap();
    fs::write(world.disk().join("导出/名单.csv"), "姓名,手机\n").unwrap();
    other.add(&world.disk(), who(9), &mut go_on).unwrap();
    drop(other);
    assert_eq!(check(&before).faults, []);
    let forked = verify(&before, None, Some(kept_later.as_bytes()), &mut go_on).unwrap();
    assert!(
        matches!(forked.faults[..], [Fault::Earlier { .. }, ..]),
        "{:?}",
        forked.faults
    );

    // Everything anew, under another key.
    let dir = world.0.path().join("anew");
    let anew = Case::create(
        &dir,
        &world.0.path().join("key2"),
        "某某案",
        "2026-1",
        who(0),
    );
    drop(anew.unwrap());
    assert_eq!(check(&dir).faults, []);
    let told = verify(&dir, Some(&key), None, &mut go_on).unwrap();
    assert!(
        told.faults
            .iter()
            .any(|fault| matches!(fault, Fault::Custody { .. }))
    );
    assert!(matches!(
        Case::open(&dir, &world.key()).unwrap_err(),
        CaseError::OtherKey
    ));
}

#[test]
fn what_was_stopped_or_killed_leaves_nothing() {
    let world = World::new();
    let mut case = world.open();
    let stopped = case.add(&world.disk(), who(5), &mut |_| false).unwrap_err();
    assert!(matches!(stopped, CaseError::Stopped));
    drop(case);
    // As a kill leaves it: between the copy and its entry.
    let left = world.case().join("exhibits/0003.part");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("half"), "x").unwrap();
    fs::write(world.case().join("exhibits/0003.json.part"), "{").unwrap();
    assert_eq!(check(&world.case()).faults.len(), 2);
    let mut case = world.open();
    assert!(!left.exists());
    case.add(&world.disk(), who(6), &mut go_on).unwrap();
    let begun = case.results().unwrap();
    drop(case);
    assert!(!begun.exists(), "results that were never sealed");
    assert_eq!(check(&world.case()).faults, []);
}

/// After the entry: before the folder has its name, before the listing has, before the manifest is written.
#[test]
fn what_was_killed_after_its_entry_is_ended() {
    let world = World::new();
    let before = fs::read(world.case().join("manifest.txt")).unwrap();
    world.open().add(&world.disk(), who(5), &mut go_on).unwrap();
    for named in [0, 1, 2] {
        let dir = world.case().join("exhibits");
        for name in ["0003", "0003.json"].iter().skip(named) {
            fs::rename(dir.join(name), dir.join(format!("{name}.part"))).unwrap();
        }
        write(&world.case().join("manifest.txt"), &before);
        assert_ne!(check(&world.case()).faults, []);
        drop(world.open());
        assert_eq!(check(&world.case()).faults, [], "{named}");
    }
    // Killed while it was made, a case is not there.
    let (dir, key) = (world.0.path().join("b"), world.0.path().join("none/b.key"));
    Case::create(&dir, &key, "", "", who(0)).unwrap_err();
    assert!(!dir.exists());
    Case::create(&dir, &world.0.path().join("b.key"), "", "", who(0)).unwrap();
    // In an empty folder that is there, as the one that somebody stands in.
    let here = world.0.path().join("here");
    fs::create_dir(&here).unwrap();
    let number = fs::metadata(&here).unwrap().ino();
    let key = world.0.path().join("here.key");
    Case::create(&here, &world.0.path().join("none/x"), "", "", who(0)).unwrap_err();
    assert_eq!(files(&here).len(), 0);
    Case::create(&here, &key, "", "", who(0)).unwrap();
    assert_eq!(fs::metadata(&here).unwrap().ino(), number);
    let left = fs::read_dir(world.0.path()).unwrap();
    let left = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".new")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn opening_and_showing_remove_nothing_that_was_sealed() {
    let world = World::new();
    let before = world.copy("before");
    world.open().add(&world.disk(), who(5), &mut go_on).unwrap();
    // The custody log as it was an act ago, from a backup.
    let custody = world.case().join("custody");
    fs::remove_dir_all(&custody).unwrap();
    fs::rename(before.join("custody"), &custody).unwrap();
    let there = sealed_files(&world.case());
    let refused = Case::open(&world.case(), &world.key()).unwrap_err();
    assert!(matches!(refused, CaseError::Damaged(_)), "{refused}");
    assert_eq!(show(&world.case()).unwrap().entries.len(), 4);
    assert_eq!(sealed_files(&world.case()), there);
    // With the manifest of then nothing says that there was more, and still nothing goes.
    write(
        &world.case().join("manifest.txt"),
        &fs::read(before.join("manifest.txt")).unwrap(),
    );
    let mine = world.case().join("exhibits/notes.txt");
    fs::write(&mine, "x").unwrap();
    let refused = world.open().add(&world.disk(), who(6), &mut go_on);
    assert!(matches!(refused.unwrap_err(), CaseError::Damaged(_)));
    let mut now = sealed_files(&world.case());
    now.retain(|path| *path != mine);
    assert_eq!(now, there);
    assert!(mine.exists());
}

#[test]
fn what_was_hidden_in_any_folder_is_named() {
    let world = World::new();
    world.open().ask_for_stamp().unwrap();
    assert_eq!(check(&world.case()).faults, []);
    let added = [
        "custody/hidden/list.csv",
        "custody/notes.txt",
        "custody/wal/1.wal.txt",
        "custody/lock",
        "exhibits/0001/empty folder/",
        "results/0001/a/b/",
        "stamps/x/anything.checkpoint",
        "stamps/4.checkpoint",
        "stamps/notes.tsq",
    ];
    for path in added {
        let whole = world.case().join(path);
        let was = fs::read(&whole).ok();
        match path.strip_suffix('/') {
            Some(_) => fs::create_dir_all(&whole).unwrap(),
            None => {
                fs::create_dir_all(whole.parent().unwrap()).unwrap();
                fs::write(&whole, "x").unwrap();
            }
        }
        let faults = check(&world.case()).faults;
        let path = path.trim_end_matches('/').to_owned();
        assert!(faults.contains(&Fault::Added { path }), "{faults:?}");
        match was {
            Some(bytes) => fs::write(&whole, bytes).unwrap(),
            None if whole.is_dir() => fs::remove_dir_all(&whole).unwrap(),
            None => fs::remove_file(&whole).unwrap(),
        }
        for folder in ["custody/hidden", "stamps/x", "results/0001/a"] {
            let _ = fs::remove_dir_all(world.case().join(folder));
        }
    }
    assert_eq!(check(&world.case()).faults, []);
}

#[test]
fn a_clock_set_back_is_refused_before_anything_is_written() {
    let world = World::new();
    let there = sealed_files(&world.case());
    let mut case = world.open();
    let refused = case.add(&world.disk(), who(2), &mut go_on).unwrap_err();
    assert!(matches!(refused, CaseError::Clock { .. }), "{refused}");
    case.results().unwrap();
    let refused = case.seal_results("count", who(2)).unwrap_err();
    assert!(matches!(refused, CaseError::Clock { .. }), "{refused}");
    drop(case);
    assert_eq!(sealed_files(&world.case()), there);
    assert_eq!(check(&world.case()).faults, []);
}

/// A granted answer (RFC 3161, section 2.4.2) as far as this program looks at one; nobody signed it.
fn granted(sum: &str) -> Vec<u8> {
    let mut answer = b"\x30\x3a\x30\x03\x02\x01\x00".to_vec();
    answer.extend(b"\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20");
    answer.extend(HEXLOWER.decode(sum.as_bytes()).unwrap());
    answer
}

#[test]
fn a_stamp_over_anything_but_this_log_is_refused_and_found() {
    let world = World::new();
    let path = world.case().join("stamps/00000004.checkpoint");
    world.open().ask_for_stamp().unwrap();
    let own = fs::read(&path).unwrap();
    // Any old file, the checkpoint of a log that went on otherwise, one signed by another key.
    let fork = world.copy("fork");
    write(&world.disk().join("导出/名单.csv"), b"x");
    let mut forked = Case::open(&fork, &world.key()).unwrap();
    forked.add(&world.disk(), who(5), &mut go_on).unwrap();
    let other_key = world.0.path().join("c.key");
    let other = Case::create(&world.0.path().join("c"), &other_key, "", "", who(0)).unwrap();
    world.open().add(&world.disk(), who(6), &mut go_on).unwrap();
    for (size, foreign) in [
        (4, b"an old file".to_vec()),
        (5, forked.checkpoint().into_bytes()),
        (1, other.checkpoint().into_bytes()),
        // The right one, in another place.
        (3, own.clone()),
    ] {
        let path = world.case().join(format!("stamps/{size:08}.checkpoint"));
        let was = fs::read(&path).ok();
        let _ = fs::remove_file(&path);
        fs::write(&path, &foreign).unwrap();
        let answer = granted(&sha256(&foreign));
        let refused = world.open().stamp(&answer, who(7)).unwrap_err();
        assert!(
            matches!(refused, CaseError::Stamp(StampError::Foreign)),
            "{size}: {refused}"
        );
        let faults = check(&world.case()).faults;
        let named = format!("stamps/{size:08}.");
        assert!(
            faults
                .iter()
                .any(|fault| fault.to_string().starts_with(&named)),
            "{faults:?}"
        );
        fs::remove_file(&path).unwrap();
        if let Some(was) = was {
            fs::write(&path, was).unwrap();
        }
    }
    assert_eq!(check(&world.case()).faults, []);

    // Taken in by a program that did not look: the check finds it.
    let foreign = forked.checkpoint();
    let answer = granted(&sha256(foreign.as_bytes()));
    let path = |kind: &str| world.case().join(format!("stamps/00000005.{kind}"));
    fs::write(path("checkpoint"), &foreign).unwrap();
    fs::write(path("tsr"), &answer).unwrap();
    let entry = Entry {
        n: 5,
        who: who(8),
        act: Act::Stamped {
            size: 5,
            stamp: sums(&path("tsr")),
            checkpoint: sums(&path("checkpoint")),
        },
    };
    let seed = fs::read_to_string(world.key()).unwrap();
    let seed = HEXLOWER
        .decode(seed.trim().split(' ').next_back().unwrap().as_bytes())
        .unwrap();
    let key = LogKey::from_seed(&seed.try_into().unwrap());
    let options = Options {
        segment_bytes: 64 << 10,
        acknowledged: 5,
        ..Options::default()
    };
    let (log, _) = Log::open(&world.case().join("custody"), key, options).unwrap();
    log.append_blocking(serde_json::to_vec(&entry).unwrap(), Vec::new())
        .unwrap();
    log.checkpoint_now().unwrap();
    drop(log);
    let faults = check(&world.case()).faults;
    assert!(
        faults.iter().any(|fault| matches!(
            fault,
            Fault::Result { path, .. } if path == "stamps/00000005.checkpoint"
        )),
        "{faults:?}"
    );
}

/// Both sums of a file, as a case of it lists them.
fn sums(path: &Path) -> Sums {
    let world = tempfile::tempdir().unwrap();
    let (dir, key) = (world.path().join("a"), world.path().join("a.key"));
    let mut case = Case::create(&dir, &key, "", "", who(0)).unwrap();
    let listing = case.add(path, who(1), &mut go_on).unwrap();
    let Sealing::File { sums, .. } = &listing.files[0].sealing else {
        unreachable!("a file is a file")
    };
    sums.clone()
}

#[test]
fn a_second_answer_to_one_request_is_refused() {
    let world = World::new();
    let asked = world.open().ask_for_stamp().unwrap();
    let sum = sha256(&fs::read(asked.with_extension("checkpoint")).unwrap());
    let [first, mut second] = [granted(&sum), granted(&sum)];
    second.push(0);
    assert_eq!(world.open().stamp(&first, who(7)).unwrap(), 4);
    let refused = world.open().stamp(&second, who(8)).unwrap_err();
    assert!(matches!(refused, CaseError::Stamp(StampError::Again)));
    assert_eq!(fs::read(asked.with_extension("tsr")).unwrap(), first);
    assert_eq!(check(&world.case()).faults, []);
    // Every byte of what was asked and answered counts.
    for kind in ["tsq", "checkpoint", "tsr"] {
        let path = asked.with_extension(kind);
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            write(&path, &bytes);
            let named = format!("stamps/00000004.{kind}");
            let faults = check(&world.case()).faults;
            assert!(
                faults
                    .iter()
                    .any(|fault| fault.to_string().contains(&named)),
                "{kind} {at}: {faults:?}"
            );
        }
        write(&path, &whole);
    }
    // The act of stamping has made the log longer: another authority stamps that.
    let asked = world.open().ask_for_stamp().unwrap();
    let sum = sha256(&fs::read(asked.with_extension("checkpoint")).unwrap());
    assert_eq!(world.open().stamp(&granted(&sum), who(9)).unwrap(), 5);
    assert_eq!(check(&world.case()).faults, []);
}

/// Seals a result of one file.
fn worked(world: &World, what: &str, name: &str, value: &serde_json::Value) -> String {
    let mut case = world.open();
    let path = case.results().unwrap().join(name);
    fs::write(path, value.to_string()).unwrap();
    case.seal_results(what, who(20)).unwrap().folder
}

#[test]
fn results_of_something_else_than_was_sealed_are_found() {
    let world = World::new();
    let case = world.open();
    let sealed = case.listings().unwrap();
    drop(case);
    let sum = |path: &str| sha256(&fs::read(world.case().join(path)).unwrap());
    let file = |path: String| {
        let sha256 = sum(&path);
        serde_json::json!({ "path": path, "sha256": sha256 })
    };
    let paths = sealed.iter().flat_map(|listing| {
        let files = listing
            .files
            .iter()
            .filter(|file| matches!(file.sealing, Sealing::File { .. }));
        files.map(|file| match &file.raw {
            None => format!("{}/{}", listing.folder, file.path),
            Some(_) => format!("{}/", listing.folder),
        })
    });
    let gbk = world
        .case()
        .join("exhibits/0001")
        .join(OsStr::from_bytes(b"\xC3\xFB\xB5\xA5.txt"));
    let files: Vec<_> = paths
        .map(|path| match path.ends_with('/') {
            false => file(path),
            true => serde_json::json!({ "path": "exhibits/0001/x", "sha256": sha256(&fs::read(&gbk).unwrap()) }),
        })
        .collect();
    let honest = worked(
        &world,
        "count",
        "count.json",
        &serde_json::json!({ "files": files }),
    );
    let count_sha256 = sum(&format!("{honest}/count.json"));
    let drawn = serde_json::json!({ "count": honest, "count_sha256": count_sha256 });
    let sample = worked(&world, "sample", "sample.json", &drawn);
    let marked = serde_json::json!({ "sample": sum(&format!("{sample}/sample.json")) });
    worked(&world, "verdict", "estimate.json", &marked);
    assert_eq!(check(&world.case()).faults, []);

    let mut altered = files.clone();
    altered[2]["sha256"] = serde_json::json!("00");
    for (what, name, value) in [
        (
            "count",
            "count.json",
            serde_json::json!({ "files": altered }),
        ),
        (
            "count",
            "count.json",
            serde_json::json!({ "files": files[1..] }),
        ),
        (
            "sample",
            "sample.json",
            serde_json::json!({ "count": honest, "count_sha256": "00" }),
        ),
        (
            "verdict",
            "estimate.json",
            serde_json::json!({ "sample": count_sha256 }),
        ),
    ] {
        let before = check(&world.case()).faults.len();
        let folder = worked(&world, what, name, &value);
        let faults = check(&world.case()).faults;
        assert_eq!(faults.len(), before + 1, "{faults:?}");
        let last = faults.last().unwrap();
        let wrong = format!("{folder}/{name}");
        assert!(
            matches!(last, Fault::Result { path, .. } if *path == wrong),
            "{last}"
        );
    }
}

#[test]
fn what_is_not_as_it_was_sealed_is_not_read() {
    let world = World::new();
    let entries = world.open().entries().to_vec();
    let read = || sealed_bytes(&world.case(), &entries, "results/0001", "report.json");
    assert_eq!(read().unwrap(), b"{}\n");
    for path in ["results/0001/report.json", "results/0001.json"] {
        let path = world.case().join(path);
        let whole = fs::read(&path).unwrap();
        write(&path, b"{ }");
        assert!(matches!(read().unwrap_err(), CaseError::Damaged(_)));
        write(&path, &whole);
    }
    for (folder, name) in [("results/0002", "report.json"), ("results/0001", "x")] {
        sealed_bytes(&world.case(), &entries, folder, name).unwrap_err();
    }
    listing(&world.case(), &entries, "exhibits/0001").unwrap();
}

#[test]
fn a_case_is_no_part_of_itself_and_keeps_no_key() {
    let world = World::new();
    let mut case = world.open();
    for source in [
        world.0.path(),
        &world.case(),
        &world.case().join("exhibits"),
    ] {
        let refused = case.add(source, who(5), &mut go_on).unwrap_err();
        assert!(matches!(refused, CaseError::Within(_)), "{refused}");
    }
    let dir = world.0.path().join("other");
    let refused = Case::create(&dir, &dir.join("key"), "", "", who(0)).unwrap_err();
    assert!(matches!(refused, CaseError::KeyInside));
    let refused = Case::create(&world.case(), &dir, "", "", who(0)).unwrap_err();
    assert!(matches!(refused, CaseError::Exists(_)));
}

#[test]
fn the_source_keeps_its_times() {
    let world = World::new();
    let list = world.disk().join("导出/名单.csv");
    // Its owner may ask the system not to note the access.
    let set = Command::new("touch")
        .args(["-a", "-d", "2001-02-03"])
        .arg(&list)
        .status();
    assert!(set.unwrap().success());
    let before = fs::metadata(&list).unwrap();
    world.open().add(&world.disk(), who(5), &mut go_on).unwrap();
    let after = fs::metadata(&list).unwrap();
    assert_eq!(
        (before.atime(), before.mtime()),
        (after.atime(), after.mtime())
    );
}

/// Runs openssl in a folder; `None` where there is none.
fn openssl(folder: &Path, words: &[&str]) -> Option<bool> {
    let mut command = Command::new("openssl");
    let run = command.args(words).current_dir(folder);
    let ran = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    Some(ran.success())
}

const STAMPER: &str = "\
[req]
distinguished_name = name
x509_extensions = v3
prompt = no
[name]
CN = nobody's stamper
[v3]
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = ./serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
";

#[test]
fn a_stamp_by_openssl_is_taken_in_and_checked() {
    let world = World::new();
    let mut case = world.open();
    let asked = case.ask_for_stamp().unwrap();
    let folder = world.0.path().join("stamper");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("conf"), STAMPER).unwrap();
    fs::write(folder.join("serial"), "01\n").unwrap();
    let made = openssl(
        &folder,
        &[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert",
            "-days", "1", "-config", "conf",
        ],
    );
    if made.is_none() {
        println!("SKIP no openssl here");
        return;
    }
    let asked = asked.to_str().unwrap();
    let reply = [
        "ts",
        "-reply",
        "-config",
        "conf",
        "-queryfile",
        asked,
        "-signer",
        "cert",
        "-inkey",
        "key",
        "-out",
        "answer",
    ];
    assert_eq!(openssl(&folder, &reply), Some(true));
    let checkpoint = asked.replace(".tsq", ".checkpoint");
    let believed = [
        "ts",
        "-verify",
        "-in",
        "answer",
        "-data",
        &checkpoint,
        "-CAfile",
        "cert",
    ];
    assert_eq!(openssl(&folder, &believed), Some(true));

    let answer = fs::read(folder.join("answer")).unwrap();
    assert_eq!(case.stamp(&answer, who(7)).unwrap(), 4);
    drop(case);
    assert_eq!(check(&world.case()).faults, []);

    // A stamp over something else is not taken in.
    fs::write(folder.join("other"), "other").unwrap();
    let other = [
        "ts",
        "-query",
        "-data",
        "other",
        "-sha256",
        "-cert",
        "-out",
        "other.tsq",
    ];
    assert_eq!(openssl(&folder, &other), Some(true));
    let reply = reply.map(|word| if word == asked { "other.tsq" } else { word });
    assert_eq!(openssl(&folder, &reply), Some(true));
    let answer = fs::read(folder.join("answer")).unwrap();
    let refused = world.open().stamp(&answer, who(8)).unwrap_err();
    assert!(matches!(refused, CaseError::Stamp(StampError::Other)));
}
