//! What every [`Store`] must do, as one suite run on each implementation.
//!
//! It panics on the first breach, so it belongs in tests only. Durability across a crash
//! cannot be shown from inside; whoever brings a store on disk also tests reopening.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test suite speaks by panicking"
)]

use super::{Batch, KeyRange, Space, Store, StoreError};

/// Runs the suite; `make` gives an empty store each time.
///
/// # Panics
///
/// On the first breach.
pub fn run(make: impl Fn() -> Box<dyn Store>) {
    rows_come_and_go(&*make());
    spaces_are_apart(&*make());
    ranges_are_half_open_and_ordered(&*make());
    pages_meet_without_overlap(&*make());
    a_conflict_writes_nothing(&*make());
    changes_apply_in_order(&*make());
    large_batches_and_values_fit(&*make());
    one_of_many_racers_wins(&*make());
    readers_see_whole_batches(&*make());
}

fn put(store: &dyn Store, space: Space, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(space, key, value);
    store.write(&batch).expect("put");
}

fn keys(store: &dyn Store, range: &KeyRange, limit: usize, reverse: bool) -> Vec<Vec<u8>> {
    let rows = store
        .scan(Space::Meta, range, limit, reverse)
        .expect("scan");
    rows.into_iter().map(|(key, _)| key).collect()
}

fn rows_come_and_go(store: &dyn Store) {
    assert_eq!(store.get(Space::Meta, b"a").expect("get"), None);
    put(store, Space::Meta, b"a", b"1");
    put(store, Space::Meta, b"a", b"2");
    assert_eq!(
        store.get(Space::Meta, b"a").expect("get").as_deref(),
        Some(&b"2"[..])
    );
    put(store, Space::Meta, b"", b"");
    assert_eq!(
        store.get(Space::Meta, b"").expect("get").as_deref(),
        Some(&b""[..])
    );
    assert_eq!(store.count(Space::Meta).expect("count"), 2);
    let mut batch = Batch::new();
    batch
        .delete(Space::Meta, *b"a")
        .delete(Space::Meta, *b"never there");
    store.write(&batch).expect("delete");
    assert_eq!(store.get(Space::Meta, b"a").expect("get"), None);
    assert_eq!(store.count(Space::Meta).expect("count"), 1);
    store.compact().expect("compact");
    assert_eq!(store.count(Space::Meta).expect("count"), 1);
    store.size().expect("size");
    store.write(&Batch::new()).expect("an empty batch");
}

fn spaces_are_apart(store: &dyn Store) {
    for space in Space::ALL {
        put(store, *space, b"k", space.name().as_bytes());
    }
    for space in Space::ALL {
        let value = store.get(*space, b"k").expect("get");
        assert_eq!(value.as_deref(), Some(space.name().as_bytes()));
        assert_eq!(store.count(*space).expect("count"), 1);
    }
}

fn ranges_are_half_open_and_ordered(store: &dyn Store) {
    let all: [&[u8]; 7] = [b"", b"\x00", b"a", b"a\x00", b"a\xff", b"b", b"\xff\xff"];
    // Written out of order on purpose.
    for key in [5, 2, 0, 6, 4, 1, 3] {
        put(store, Space::Meta, all[key], b"v");
    }
    assert_eq!(keys(store, &KeyRange::all(), 99, false), all);
    let mut reversed = all;
    reversed.reverse();
    assert_eq!(keys(store, &KeyRange::all(), 99, true), reversed);
    assert_eq!(keys(store, &KeyRange::prefix(b"a"), 99, false), all[2..5]);
    assert_eq!(keys(store, &KeyRange::prefix(b"\xff"), 99, false), all[6..]);
    assert_eq!(
        keys(store, &KeyRange::between(*b"a", *b"b"), 99, false),
        all[2..5]
    );
    assert_eq!(keys(store, &KeyRange::from(*b"b"), 99, false), all[5..]);
    assert_eq!(keys(store, &KeyRange::all(), 2, true), reversed[..2]);
    assert_eq!(keys(store, &KeyRange::all(), 0, false).len(), 0);
    for empty in [
        KeyRange::between(*b"b", *b"a"),
        KeyRange::between(*b"a", *b"a"),
    ] {
        assert_eq!(keys(store, &empty, 99, false).len(), 0);
        assert_eq!(store.count_range(Space::Meta, &empty).expect("count"), 0);
    }
    assert_eq!(
        store
            .count_range(Space::Meta, &KeyRange::prefix(b"a"))
            .expect("count"),
        3
    );
}

fn pages_meet_without_overlap(store: &dyn Store) {
    let mut batch = Batch::new();
    for n in 0..100u8 {
        batch.put(Space::Meta, [n], [n]);
    }
    store.write(&batch).expect("write");
    for reverse in [false, true] {
        let (mut range, mut seen) = (KeyRange::all(), Vec::new());
        loop {
            let page = keys(store, &range, 7, reverse);
            let Some(last) = page.last() else { break };
            range = if reverse {
                range.before(last)
            } else {
                range.after(last)
            };
            seen.extend(page);
        }
        seen.sort();
        assert_eq!(seen, (0..100u8).map(|n| vec![n]).collect::<Vec<_>>());
    }
}

fn a_conflict_writes_nothing(store: &dyn Store) {
    put(store, Space::Meta, b"old", b"1");
    let rows: [(&[u8], Option<&[u8]>); 3] =
        [(b"old", Some(b"2")), (b"old", None), (b"new", Some(b""))];
    for (key, value) in rows {
        let mut batch = Batch::new();
        batch
            .put(Space::Meta, *b"other", *b"x")
            .delete(Space::Meta, *b"old")
            .expect(Space::Meta, key, value.map(<[u8]>::to_vec));
        let refused = store.write(&batch);
        assert!(matches!(
            refused,
            Err(StoreError::Conflict { space: Space::Meta })
        ));
        assert_eq!(store.get(Space::Meta, b"other").expect("get"), None);
        assert!(store.get(Space::Meta, b"old").expect("get").is_some());
    }
    let mut batch = Batch::new();
    batch
        .expect(Space::Meta, *b"old", Some(b"1".to_vec()))
        .expect(Space::Meta, *b"new", None)
        .put(Space::Meta, *b"new", *b"3");
    store.write(&batch).expect("preconditions hold");
}

fn changes_apply_in_order(store: &dyn Store) {
    let mut batch = Batch::new();
    batch
        .put(Space::Meta, *b"a", *b"1")
        .delete(Space::Meta, *b"a")
        .put(Space::Meta, *b"a", *b"2")
        .put(Space::Meta, *b"b", *b"1")
        .delete(Space::Meta, *b"b");
    store.write(&batch).expect("write");
    assert_eq!(
        store.get(Space::Meta, b"a").expect("get").as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(store.get(Space::Meta, b"b").expect("get"), None);
}

fn large_batches_and_values_fit(store: &dyn Store) {
    let large: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut batch = Batch::new();
    batch.put(Space::Meta, *b"large", large.clone());
    for n in 0..20_000u32 {
        batch.put(
            Space::Records,
            n.wrapping_mul(2_654_435_761).to_be_bytes(),
            [7; 100],
        );
    }
    store.write(&batch).expect("write");
    assert_eq!(store.get(Space::Meta, b"large").expect("get"), Some(large));
    assert_eq!(store.count(Space::Records).expect("count"), 20_000);
}

/// Compare-and-set from many threads: every increment survives.
fn one_of_many_racers_wins(store: &dyn Store) {
    put(store, Space::Meta, b"counter", &0u64.to_be_bytes());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    increment(store);
                }
            });
        }
    });
    let value = store.get(Space::Meta, b"counter").expect("get");
    assert_eq!(value.as_deref(), Some(&40u64.to_be_bytes()[..]));
}

fn increment(store: &dyn Store) {
    loop {
        let old = store
            .get(Space::Meta, b"counter")
            .expect("get")
            .expect("exists");
        let number = u64::from_be_bytes(old.as_slice().try_into().expect("8 bytes"));
        let mut batch = Batch::new();
        batch.expect(Space::Meta, *b"counter", Some(old)).put(
            Space::Meta,
            *b"counter",
            (number + 1).to_be_bytes(),
        );
        match store.write(&batch) {
            Ok(()) => return,
            Err(StoreError::Conflict { .. }) => {}
            Err(other) => panic!("neither written nor in conflict: {other}"),
        }
    }
}

/// Two rows always written together are never seen apart by a scan.
fn readers_see_whole_batches(store: &dyn Store) {
    let write = |n: u64| {
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"left", n.to_be_bytes()).put(
            Space::Meta,
            *b"right",
            n.to_be_bytes(),
        );
        store.write(&batch).expect("write");
    };
    write(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (1..50).for_each(write));
        while !writer.is_finished() {
            let rows = store
                .scan(Space::Meta, &KeyRange::all(), 2, false)
                .expect("scan");
            assert_eq!(
                rows.first().map(|row| &row.1),
                rows.get(1).map(|row| &row.1)
            );
        }
    });
}
