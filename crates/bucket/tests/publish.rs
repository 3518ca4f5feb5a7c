//! Publishing into memory and into a directory, read back by the auditor.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod world;

use std::{fs, sync::Arc};

use liuhen_bucket::{
    PublishError, Publisher, Target,
    object_store::{Attribute, ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path},
};
use liuhen_tlog::{LogKey, SignedCheckpoint, rotate, verify_dir};
use world::{Faulty, World, copy, create, grow, key, keys, log_of};

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

#[test]
fn a_growing_log_is_published_and_read_back() {
    let (world, store) = (World::new(), memory());
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let mut earlier: Option<SignedCheckpoint> = None;
    for size in [0, 1, 255, 256, 257, 700, 66_000, 66_001] {
        grow(dir.path(), size, "a");
        let published = world.publish(&store, "a/b", dir.path()).unwrap();
        assert_eq!(published.size, size);
        assert_eq!(world.audit(&store, "a/b", &keys(dir.path())), Some(size));
        let again = world.publish(&store, "a/b", dir.path()).unwrap();
        assert_eq!((again.size, again.uploaded, again.bytes), (size, 0, 0));
        let note = fs::read(dir.path().join("checkpoint")).unwrap();
        earlier = Some(keys(dir.path()).verify_checkpoint(&note).unwrap());
    }
    assert_eq!(earlier.map(|signed| signed.size()), Some(66_001));
    // Of 66,001: three partial tiles of its edge, and of the one before what is not full.
    let partial: Vec<String> = world
        .names(&store)
        .into_iter()
        .filter(|name| name.contains(".p/"))
        .collect();
    let edge = [
        "tile/0/257.p",
        "tile/1/001.p",
        "tile/2/000.p",
        "tile/entries/257.p",
    ];
    assert!(
        partial.iter().all(|name| edge
            .iter()
            .any(|edge| name.starts_with(&format!("a/b/{edge}/")))),
        "{partial:?}"
    );
}

#[test]
fn only_what_is_new_is_uploaded() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(600, "a");
    // Two full and one partial of each kind, one of hashes above; key, statements, checkpoint.
    assert_eq!(
        world.publish(&store, "", dir.path()).unwrap().uploaded,
        6 + 1 + 3
    );
    grow(dir.path(), 601, "a");
    assert_eq!(
        world.publish(&store, "", dir.path()).unwrap().uploaded,
        2 + 1
    );
}

#[test]
fn objects_bear_the_headers_of_the_server() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(300, "a");
    world.publish(&store, "log", dir.path()).unwrap();
    let rows = [
        ("log/checkpoint", "text/plain; charset=utf-8", "no-cache"),
        ("log/vkey", "text/plain; charset=utf-8", "no-cache"),
        ("log/keys", "text/plain; charset=utf-8", "no-cache"),
        (
            "log/tile/0/000",
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
        (
            "log/tile/entries/000",
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
        (
            "log/tile/entries/001.p/44",
            "application/octet-stream",
            "public, max-age=300",
        ),
    ];
    for (path, kind, kept) in rows {
        let found = world
            .runtime
            .block_on(store.get(&Path::from(path)))
            .unwrap();
        let header = |name| found.attributes.get(&name).map(|value| value.to_string());
        assert_eq!(
            header(Attribute::ContentType).as_deref(),
            Some(kind),
            "{path}"
        );
        assert_eq!(
            header(Attribute::CacheControl).as_deref(),
            Some(kept),
            "{path}"
        );
    }
}

/// Publishes the growth from 250 to 600 entries, cut off after every number of changes to the store.
fn cut_off_anywhere(fresh: &dyn Fn() -> (Arc<dyn ObjectStore>, Option<tempfile::TempDir>)) {
    let world = World::new();
    let dir = log_of(250, "a");
    let old = copy(dir.path());
    grow(dir.path(), 600, "a");
    let keys = keys(dir.path());
    for before in [None, Some(old.path())] {
        for changes in 0.. {
            let (store, _dir) = fresh();
            if let Some(old) = before {
                world.publish(&store, "log", old).unwrap();
            }
            let faulty: Arc<dyn ObjectStore> = Faulty::new(Arc::clone(&store), changes);
            let cut = world.publish(&faulty, "log", dir.path());
            let found = world.audit(&store, "log", &keys);
            match &cut {
                Ok(published) => assert_eq!((published.size, found), (600, Some(600))),
                Err(error) => {
                    assert!(error.is_passing(), "{error}");
                    assert_eq!(found, before.map(|_| 250), "after {changes} changes");
                }
            }
            world.publish(&store, "log", dir.path()).unwrap();
            assert_eq!(world.audit(&store, "log", &keys), Some(600));
            if cut.is_ok() && changes > 15 {
                break;
            }
        }
    }
}

#[test]
fn cut_off_anywhere_in_memory() {
    cut_off_anywhere(&|| (memory(), None));
}

#[test]
fn cut_off_anywhere_in_a_directory() {
    cut_off_anywhere(&|| {
        let dir = tempfile::tempdir().unwrap();
        let opened = Target::Directory(dir.path().to_owned()).open().unwrap();
        (opened.store, Some(dir))
    });
}

#[test]
fn a_run_goes_on_where_one_was_cut_off() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(20_000, "a");
    let cut: Arc<dyn ObjectStore> = Faulty::new(Arc::clone(&store), 100);
    world.publish(&cut, "", dir.path()).unwrap_err();
    let there = world.names(&store).len() as u64;
    assert_eq!(there, 100);
    let all = 2 * 79 + 1 + 3;
    assert_eq!(
        world.publish(&store, "", dir.path()).unwrap().uploaded,
        all - there
    );
    assert_eq!(world.audit(&store, "", &keys(dir.path())), Some(20_000));
}

#[test]
fn what_another_history_left_is_not_taken_for_ours() {
    // A run of a forked log was cut off before its checkpoint: tiles of the same names and lengths are there.
    let (world, store) = (World::new(), memory());
    let (ours, theirs) = (log_of(20_000, "a"), log_of(20_000, "b"));
    let cut: Arc<dyn ObjectStore> = Faulty::new(Arc::clone(&store), 150);
    world.publish(&cut, "", theirs.path()).unwrap_err();
    world.publish(&store, "", ours.path()).unwrap();
    assert_eq!(world.audit(&store, "", &keys(ours.path())), Some(20_000));
}

#[test]
fn a_directory_is_a_log_that_anyone_can_check() {
    let world = World::new();
    let (dir, public) = (log_of(600, "a"), tempfile::tempdir().unwrap());
    let opened = Target::Directory(public.path().join("log")).open().unwrap();
    world
        .publish(&opened.store, &opened.prefix, dir.path())
        .unwrap();
    grow(dir.path(), 1_000, "a");
    world
        .publish(&opened.store, &opened.prefix, dir.path())
        .unwrap();
    let report = verify_dir(&public.path().join("log"), None, |_| {}).unwrap();
    assert!(report.is_sound() && report.entries == 1_000);
    assert!(!public.path().join("log/wal").exists());
}

#[test]
fn an_old_copy_refuses_to_go_back() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(300, "a");
    let old = copy(dir.path());
    grow(dir.path(), 301, "a");
    world.publish(&store, "", dir.path()).unwrap();
    let error = world.publish(&store, "", old.path()).unwrap_err();
    let PublishError::Ahead { published, local } = &error else {
        panic_with(&error)
    };
    assert_eq!((published.size(), local.size()), (301, 300));
    assert!(
        error.to_string().contains(&published.to_string())
            && error.to_string().contains(&local.to_string())
    );
    assert!(!error.is_passing());
    assert_eq!(world.audit(&store, "", &keys(dir.path())), Some(301));
}

#[test]
fn an_old_copy_that_began_earlier_refuses_too() {
    // The old copy judged the published checkpoint, then another publisher was quicker.
    for (plain, begun) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::new();
        let (dir, public) = (log_of(250, "a"), tempfile::tempdir().unwrap());
        let store = match plain {
            true => {
                Target::Directory(public.path().to_owned())
                    .open()
                    .unwrap()
                    .store
            }
            false => memory(),
        };
        if begun {
            world.publish(&store, "", dir.path()).unwrap();
        }
        grow(dir.path(), 300, "a");
        let old = copy(dir.path());
        grow(dir.path(), 301, "a");
        let newer = fs::read(dir.path().join("checkpoint")).unwrap();
        let faulty = Faulty::new(Arc::clone(&store), i64::MAX);
        *faulty.meddler.lock() = Some(newer.clone().into());
        let faulty: Arc<dyn ObjectStore> = faulty;
        let error = world.publish(&faulty, "", old.path()).unwrap_err();
        assert!(matches!(error, PublishError::Ahead { .. }), "{error}");
        let there = world.runtime.block_on(async {
            store
                .get(&Path::from("checkpoint"))
                .await
                .unwrap()
                .bytes()
                .await
        });
        assert_eq!(there.unwrap(), newer);
    }
}

#[test]
fn a_forked_log_is_refused_with_both_notes() {
    let (world, store) = (World::new(), memory());
    let (ours, theirs) = (log_of(300, "a"), log_of(400, "b"));
    world.publish(&store, "", ours.path()).unwrap();
    let before = world.names(&store);
    let error = world.publish(&store, "", theirs.path()).unwrap_err();
    let PublishError::Contradicts { published, local } = &error else {
        panic_with(&error)
    };
    assert_eq!((published.size(), local.size()), (300, 400));
    assert!(
        error.to_string().contains(&published.to_string())
            && error.to_string().contains(&local.to_string())
    );
    assert_eq!(world.names(&store), before);
    assert_eq!(world.audit(&store, "", &keys(ours.path())), Some(300));
}

#[test]
fn another_log_is_refused() {
    let (world, store) = (World::new(), memory());
    let ours = log_of(3, "a");
    world.publish(&store, "", ours.path()).unwrap();
    let other = tempfile::tempdir().unwrap();
    liuhen_tlog::Log::create(other.path(), &LogKey::from_seed(&[8; 32]), world::ORIGIN).unwrap();
    let error = world.publish(&store, "", other.path()).unwrap_err();
    assert!(matches!(error, PublishError::NotOurs { .. }), "{error}");
    // Also where that log's first run never came to its checkpoint.
    world
        .runtime
        .block_on(store.delete(&Path::from("checkpoint")))
        .unwrap();
    let error = world.publish(&store, "", other.path()).unwrap_err();
    assert!(matches!(error, PublishError::OtherLog { .. }), "{error}");
}

#[test]
fn damage_of_the_log_is_not_published() {
    let world = World::new();
    let sound = log_of(70_000, "a");
    for tile in [
        "tile/entries/003",
        "tile/0/003",
        "tile/1/000",
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/2/000.p/1",
    ] {
        let (dir, store) = (copy(sound.path()), memory());
        let path = dir.path().join(tile);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = world.publish(&store, "", dir.path()).unwrap_err();
        let told = matches!(
            error,
            PublishError::Damaged { .. } | PublishError::Unsound { .. }
        );
        assert!(told && !error.is_passing(), "{tile}: {error}");
        assert_eq!(world.audit(&store, "", &keys(dir.path())), None, "{tile}");
    }
}

#[test]
fn a_new_key_is_published_with_its_statement() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(10, "a");
    world.publish(&store, "", dir.path()).unwrap();
    let (old, next) = (copy(dir.path()), LogKey::from_seed(&[9; 32]));
    let options = liuhen_tlog::Options::default();
    rotate(dir.path(), &key(), &next, options, 1_795_000_000_000, 1_000).unwrap();
    world.publish(&store, "", dir.path()).unwrap();
    let statements = world
        .runtime
        .block_on(async { store.get(&Path::from("keys")).await.unwrap().bytes().await });
    assert_eq!(statements.unwrap(), keys(dir.path()).to_string());
    let error = world.publish(&store, "", old.path()).unwrap_err();
    assert!(matches!(error, PublishError::OtherKeys), "{error}");
    // Who knows the new key only publishes the same.
    let vkey = keys(dir.path()).current().clone();
    let publisher = Publisher::new(Arc::clone(&store), "", dir.path()).trusting(vkey);
    let published = world.runtime.block_on(publisher.publish_once(&|_| {}));
    assert_eq!(published.unwrap().uploaded, 0);
    let stranger = LogKey::from_seed(&[1; 32]).verifier(world::ORIGIN).unwrap();
    let publisher = Publisher::new(Arc::clone(&store), "", dir.path()).trusting(stranger);
    let refused = world.runtime.block_on(publisher.publish_once(&|_| {}));
    assert!(matches!(refused, Err(PublishError::Log(_))));
}

#[test]
fn the_cosigned_checkpoint_comes_first_unless_the_newest_is_asked_for() {
    let (world, store) = (World::new(), memory());
    let dir = log_of(300, "a");
    fs::copy(dir.path().join("checkpoint"), dir.path().join("cosigned")).unwrap();
    grow(dir.path(), 600, "a");
    assert_eq!(world.publish(&store, "", dir.path()).unwrap().size, 300);
    assert_eq!(world.audit(&store, "", &keys(dir.path())), Some(300));
    let publisher = Publisher::new(Arc::clone(&store), "", dir.path()).newest(true);
    assert_eq!(
        world
            .runtime
            .block_on(publisher.publish_once(&|_| {}))
            .unwrap()
            .size,
        600
    );
    // What is published beyond the cosigned one stays.
    assert_eq!(world.publish(&store, "", dir.path()).unwrap().size, 600);
}

#[expect(clippy::panic, reason = "a test that fails")]
fn panic_with(error: &PublishError) -> ! {
    panic!("{error}")
}
