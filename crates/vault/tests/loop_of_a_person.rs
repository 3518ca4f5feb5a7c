//! A person's way through the vault, on disk: rows in, a look, a correction, a crash, erasure.

#![allow(clippy::expect_used, reason = "helpers of tests speak by panicking")]

use std::path::Path;
use std::sync::Arc;

use liuhen_kinds::Kind;
use liuhen_vault::store::{
    Batch, KeyRange, MemoryStore, Pair, Space, SqliteStore, Store, StoreError,
};
use liuhen_vault::trace::Owner;
use liuhen_vault::{
    Disposal, IdentityKey, IncomingField, IncomingRow, Ingested, Resolved, RootKey, SiteId,
    SubjectState, Vault, VaultError,
};

const ROOT: [u8; 32] = [42; 32];

fn open(dir: &Path) -> Vault {
    let records = Arc::new(SqliteStore::open(dir.join("vault.db")).expect("records"));
    let keys = Arc::new(SqliteStore::open(dir.join("keys.db")).expect("keys"));
    Vault::open(records, keys, RootKey::from_bytes(ROOT), "tests").expect("vault")
}

fn memory() -> Vault {
    let (records, keys) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    Vault::open(records, keys, RootKey::from_bytes(ROOT), "tests").expect("vault")
}

fn disposal(reason: &str, at: i64) -> Disposal<'_> {
    Disposal {
        reason,
        approver: "the person concerned",
        at,
    }
}

fn site(name: &str) -> SiteId {
    name.parse().expect("a site id")
}

/// A row with the given values; absent ones are left out.
fn row(collection: &str, id: Option<&str>, mobile: Option<&str>, name: &str) -> IncomingRow {
    let mut fields = vec![IncomingField::new("name", Some(Kind::PERSON_NAME), name)];
    let mut identity = Vec::new();
    if let Some(id) = id {
        fields.push(IncomingField::new("id", Some(Kind::RESIDENT_ID), id).indexed(id));
        identity.push(IdentityKey::resident_id(id));
    }
    if let Some(mobile) = mobile {
        fields.push(IncomingField::new("mobile", Some(Kind::MOBILE), mobile).indexed(mobile));
        identity.push(IdentityKey::mobile_and_name(mobile, name));
    }
    IncomingRow {
        collection: collection.to_owned(),
        fields,
        identity,
    }
}

fn take(vault: &Vault, rows: &[IncomingRow]) -> Vec<Ingested> {
    vault
        .ingest(rows, Some(&site("shop")), Batch::new())
        .expect("ingests")
}

fn value(vault: &Vault, one: &Ingested, field: &str) -> Option<String> {
    let fields = vault
        .open_fields(&one.subject, "c", &[field])
        .expect("opens");
    fields.first().map(|field| field.value.to_string())
}

#[test]
fn same_identity_is_the_same_subject_within_and_across_batches() {
    let vault = memory();
    let first = take(
        &vault,
        &[
            row("c", Some("ID-1"), Some("16400000001"), "Alder"),
            row("c", Some("ID-1"), None, "Alder"),
            row("c", None, Some("16400000001"), "Alder"),
            row("c", None, Some("16400000001"), "Birch"),
            row("c", Some("ID-2"), Some("16400000001"), "Alder"),
            row("c", None, None, "Cedar"),
            row("c", None, None, "Cedar"),
        ],
    );
    let same = |a: usize, b: usize| first[a].subject == first[b].subject;
    assert!(same(0, 1), "resident ID decides");
    assert!(same(0, 2), "mobile and name decide without a resident ID");
    assert!(
        !same(0, 3),
        "the same mobile with another name is somebody else"
    );
    assert!(
        !same(0, 4),
        "another resident ID is somebody else, whatever the rest"
    );
    assert!(!same(5, 6), "without identity nobody is the same");
    let created: Vec<bool> = first.iter().map(|one| one.created).collect();
    assert_eq!(created, [true, false, false, true, true, true, true]);
    let second = take(
        &vault,
        &[
            row("c", Some("ID-2"), None, "Alder"),
            row("d", None, Some("16400000001"), "Birch"),
            row("c", None, Some("16400000001"), "Alder"),
        ],
    );
    assert_eq!(second[0].subject, first[4].subject);
    assert_eq!(second[1].subject, first[3].subject);
    assert!(
        second[2].created,
        "two with other IDs could be meant, so neither is"
    );
    let third = take(&vault, &[row("c", None, Some("16400000001"), "Alder")]);
    assert_eq!(
        third[0].subject, second[2].subject,
        "and the new one is found again"
    );
    assert!(!third[0].changed);
}

#[test]
fn a_weak_subject_gains_its_resident_id_later() {
    let vault = memory();
    let weak = take(&vault, &[row("c", None, Some("16400000001"), "Alder")]);
    let strong = take(
        &vault,
        &[row("c", Some("ID-1"), Some("16400000001"), "Alder")],
    );
    assert_eq!(weak[0].subject, strong[0].subject);
    let by_id = take(&vault, &[row("c", Some("ID-1"), None, "Alder")]);
    assert_eq!(weak[0].subject, by_id[0].subject);
}

#[test]
fn empty_values_identify_and_find_nobody() {
    let vault = memory();
    let done = take(
        &vault,
        &[
            row("c", Some(""), Some(""), "Alder"),
            row("c", Some(""), Some(""), "Alder"),
        ],
    );
    assert_ne!(done[0].subject, done[1].subject);
    assert_eq!(vault.find(Some(Kind::MOBILE), "").expect("finds"), []);
}

#[test]
fn a_resident_id_in_a_field_is_no_identity() {
    let vault = memory();
    let parent = take(&vault, &[row("c", Some("ID-1"), None, "Parent")]);
    let mut child = row("c", Some("ID-2"), None, "Child");
    child
        .fields
        .push(IncomingField::new("guardian", Some(Kind::RESIDENT_ID), "ID-1").indexed("ID-1"));
    let child = take(&vault, &[child]);
    assert_ne!(parent[0].subject, child[0].subject);
    assert_eq!(
        vault
            .find(Some(Kind::RESIDENT_ID), "ID-1")
            .expect("finds")
            .len(),
        2
    );
    let again = take(&vault, &[row("c", Some("ID-1"), None, "Parent")]);
    assert_eq!(again[0].subject, parent[0].subject);
}

#[test]
fn merging_makes_versions_and_never_overwrites() {
    let vault = memory();
    let first = take(
        &vault,
        &[row("c", Some("ID-1"), Some("16400000001"), "Alder")],
    );
    let same = take(
        &vault,
        &[row("c", Some("ID-1"), Some("16400000001"), "Alder")],
    );
    assert!(first[0].changed && !same[0].changed);
    let moved = take(
        &vault,
        &[row("c", Some("ID-1"), Some("16400000002"), "Alder")],
    );
    assert!(moved[0].changed);
    let partial = take(&vault, &[row("c", Some("ID-1"), None, "Alder-Ash")]);
    assert!(partial[0].changed);
    let one = &first[0];
    assert_eq!(
        value(&vault, one, "mobile").as_deref(),
        Some("16400000002"),
        "absent fields stay"
    );
    assert_eq!(value(&vault, one, "name").as_deref(), Some("Alder-Ash"));
    let old = vault
        .open_version(&one.subject, "c", 1, &["mobile"])
        .expect("opens");
    assert_eq!(old[0].value.as_str(), "16400000001");
    let versions = vault.record_versions(&one.subject, "c").expect("shapes");
    assert_eq!(
        versions
            .iter()
            .map(|shape| shape.version)
            .collect::<Vec<_>>(),
        [3, 2, 1]
    );
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000001")
            .expect("finds"),
        []
    );
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000002")
            .expect("finds"),
        [one.subject]
    );
}

#[test]
fn corrections_move_the_index_and_respect_other_records() {
    let vault = memory();
    let one = take(
        &vault,
        &[
            row("c", Some("ID-1"), Some("16400000001"), "Alder"),
            row("d", Some("ID-1"), Some("16400000001"), "Alder"),
        ],
    )[0]
    .clone();
    let correct = |collection: &str, mobile: &str| {
        let field = IncomingField::new("mobile", Some(Kind::MOBILE), mobile).indexed(mobile);
        vault
            .correct(&one.subject, collection, field, Batch::new())
            .expect("corrects")
    };
    assert_eq!(correct("c", "16400000009"), Some(2));
    assert_eq!(correct("c", "16400000009"), None, "nothing new, no version");
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000009")
            .expect("finds"),
        [one.subject]
    );
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000001")
            .expect("finds"),
        [one.subject],
        "the other record still has the old number"
    );
    assert_eq!(correct("d", "16400000009"), Some(2));
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000001")
            .expect("finds"),
        []
    );
    assert_eq!(correct("c", "16400000001"), Some(3), "and back again");
    assert_eq!(
        vault
            .find(Some(Kind::MOBILE), "16400000001")
            .expect("finds"),
        [one.subject]
    );
    let nowhere = IncomingField::new("x", None, "y");
    let refused = vault.correct(&one.subject, "nowhere", nowhere, Batch::new());
    assert!(matches!(
        refused,
        Err(VaultError::NotFound { what: "record" })
    ));
}

#[test]
fn tokens_are_stable_per_site_and_apart_between_sites() {
    let vault = memory();
    let first = take(&vault, &[row("c", Some("ID-1"), None, "Alder")]);
    let again = take(&vault, &[row("c", Some("ID-1"), None, "Alder")]);
    assert_eq!(first[0].token, again[0].token);
    let shop = first[0].token.clone().expect("a token");
    let bank = vault
        .token_for(&first[0].subject, &site("bank"))
        .expect("a token");
    assert_eq!(
        vault
            .token_for(&first[0].subject, &site("bank"))
            .expect("a token"),
        bank
    );
    assert_ne!(shop.to_string()[7..], bank.to_string()[7..]);
    let resolve = |at: &str, token: &str| vault.resolve_token(&site(at), token).expect("resolves");
    assert_eq!(
        resolve("shop", &shop.to_string()),
        Resolved::Subject(first[0].subject)
    );
    assert_eq!(resolve("bank", &shop.to_string()), Resolved::Unknown);
    assert_eq!(resolve("shop", "t_shop_forged"), Resolved::Unknown);
    assert_eq!(vault.tokens_of(&first[0].subject).expect("lists").len(), 2);
}

#[test]
fn a_bad_row_stores_nothing_of_its_batch() {
    let vault = memory();
    let mut bad = row("c", Some("ID-2"), None, "Birch");
    bad.fields.push(IncomingField::new("name", None, "twice"));
    let mut also = Batch::new();
    also.put(Space::Jobs, *b"job", *b"done");
    let refused = vault.ingest(&[row("c", Some("ID-1"), None, "Alder"), bad], None, also);
    assert!(matches!(refused, Err(VaultError::Bound { .. })));
    for space in [Space::Subjects, Space::Records, Space::Jobs] {
        assert_eq!(vault.store().count(space).expect("counts"), 0);
    }
}

#[test]
fn fields_moved_on_disk_are_refused() {
    let vault = memory();
    let done = take(
        &vault,
        &[
            row("c", Some("ID-1"), None, "Alder"),
            row("c", Some("ID-2"), None, "Birch"),
        ],
    );
    let rows = vault
        .store()
        .scan(Space::Records, &KeyRange::all(), 9, false)
        .expect("scans");
    let mut batch = Batch::new();
    batch.put(Space::Records, rows[0].0.clone(), rows[1].1.clone());
    vault.store().write(&batch).expect("writes");
    let moved = done
        .iter()
        .find(|one| rows[0].0.starts_with(one.subject.as_bytes()));
    let refused = vault.open_fields(&moved.expect("one").subject, "c", &[]);
    assert!(matches!(refused, Err(VaultError::Sealed { .. })));
}

fn files_hold(dir: &Path, wanted: &[u8]) -> bool {
    std::fs::read_dir(dir).expect("lists").any(|entry| {
        let bytes = std::fs::read(entry.expect("entry").path()).expect("reads");
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[test]
fn no_value_lies_readable_on_disk() {
    let dir = tempfile::tempdir().expect("dir");
    let vault = open(dir.path());
    take(
        &vault,
        &[row(
            "c",
            Some("ID-INVENTED-77"),
            Some("16477777777"),
            "虚构人名",
        )],
    );
    for value in ["ID-INVENTED-77", "16477777777", "虚构人名"] {
        assert!(!files_hold(dir.path(), value.as_bytes()), "{value}");
        let utf16: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!files_hold(dir.path(), &utf16), "{value}");
    }
    assert!(
        files_hold(dir.path(), b"mobile"),
        "the search can find what is readable"
    );
}

#[test]
fn erasure_leaves_no_key_no_record_and_no_way_back() {
    let dir = tempfile::tempdir().expect("dir");
    let vault = open(dir.path());
    let rows: Vec<_> = (0..300)
        .map(|n| {
            row(
                "c",
                Some(&format!("ID-{n}")),
                Some(&format!("164{n:08}")),
                "Alder",
            )
        })
        .collect();
    let done = take(&vault, &rows);
    let gone = &done[150];
    take(
        &vault,
        &[row("c", Some("ID-150"), Some("16400009999"), "Alder")],
    );
    let mut key = vec![1];
    key.extend_from_slice(gone.subject.as_bytes());
    let keys = SqliteStore::open(dir.path().join("keys.db")).expect("keys");
    let wrapped = keys
        .get(Space::Keys, &key)
        .expect("get")
        .expect("wrapped keys");
    drop(keys);
    let secret = &wrapped[wrapped.len() - 60..];
    assert!(
        files_hold(dir.path(), secret),
        "the search can find what is there"
    );
    vault
        .trace()
        .reserve(Owner::Subject(gone.subject))
        .expect("traces")
        .queued();

    let mut also = Batch::new();
    also.put(Space::Requests, *b"r", *b"done");
    let receipt = vault
        .erase(&gone.subject, disposal("cancelled", 77), also)
        .expect("erases");
    assert!(
        !files_hold(dir.path(), secret),
        "wrapped keys are in no file"
    );
    assert_eq!(
        (
            receipt.records,
            receipt.versions,
            receipt.fields,
            receipt.tokens
        ),
        (1, 2, 6, 1)
    );
    // Resident ID (one entry for both uses), mobile and name twice, the newer mobile.
    assert_eq!(receipt.index_entries, 4);
    assert!(receipt.keys_destroyed && receipt.at == 77);
    assert_eq!(
        [&receipt.class, &receipt.reason, &receipt.approver],
        ["subject", "cancelled", "the person concerned"]
    );
    assert_eq!(
        vault.disposal_receipt(&gone.subject).expect("reads"),
        Some(receipt)
    );
    assert_eq!(
        vault.store().get(Space::Requests, b"r").expect("get"),
        Some(b"done".to_vec())
    );
    assert_answers_erased(&vault, gone);
    drop(vault);
    assert_answers_erased(&open(dir.path()), gone);
}

fn assert_answers_erased(vault: &Vault, gone: &Ingested) {
    let subject = &gone.subject;
    let token = gone.token.as_ref().expect("a token");
    assert_eq!(
        vault.subject_state(subject).expect("asks"),
        SubjectState::Erased
    );
    assert_eq!(
        vault
            .resolve_token(token.site(), &token.to_string())
            .expect("asks"),
        Resolved::Erased
    );
    assert!(matches!(
        vault.open_fields(subject, "c", &[]),
        Err(VaultError::Erased)
    ));
    assert!(matches!(
        vault.record_shape(subject, "c"),
        Err(VaultError::Erased)
    ));
    assert!(matches!(
        vault.collections(subject),
        Err(VaultError::Erased)
    ));
    assert!(matches!(
        vault.token_for(subject, &site("other")),
        Err(VaultError::Erased)
    ));
    assert!(matches!(
        vault.erase(subject, disposal("again", 1), Batch::new()),
        Err(VaultError::Erased)
    ));
    assert!(matches!(
        vault.trace().key(Owner::Subject(*subject)),
        Err(VaultError::Erased)
    ));
    for (kind, value) in [(Kind::RESIDENT_ID, "ID-150"), (Kind::MOBILE, "16400000150")] {
        assert_eq!(vault.find(Some(kind), value).expect("finds"), []);
    }
    assert_eq!(
        vault
            .find(Some(Kind::RESIDENT_ID), "ID-151")
            .expect("finds")
            .len(),
        1
    );
}

#[test]
fn the_erased_come_back_as_strangers() {
    let vault = memory();
    let rows = [row("c", Some("ID-1"), Some("16400000001"), "Alder")];
    let before = take(&vault, &rows);
    vault
        .erase(&before[0].subject, disposal("cancelled", 1), Batch::new())
        .expect("erases");
    let after = take(&vault, &rows);
    assert!(after[0].created);
    assert_ne!(before[0].subject, after[0].subject);
    assert_ne!(before[0].token, after[0].token);
}

/// A store that refuses its n-th write and everything after it, as a crash would.
struct Crashing {
    inner: Arc<MemoryStore>,
    writes_left: Arc<std::sync::atomic::AtomicI64>,
}

impl Store for Crashing {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(space, key)
    }
    fn scan(&self, s: Space, r: &KeyRange, n: usize, rev: bool) -> Result<Vec<Pair>, StoreError> {
        self.inner.scan(s, r, n, rev)
    }
    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        if self
            .writes_left
            .fetch_sub(1, std::sync::atomic::Ordering::SeqCst)
            <= 0
        {
            return Err(StoreError::Full);
        }
        self.inner.write(batch)
    }
    fn count_range(&self, space: Space, range: &KeyRange) -> Result<u64, StoreError> {
        self.inner.count_range(space, range)
    }
    fn compact(&self) -> Result<(), StoreError> {
        self.inner.compact()
    }
    fn size(&self) -> Result<u64, StoreError> {
        self.inner.size()
    }
}

/// Both stores share one budget of writes, so that the crash falls on any of them in turn.
struct Disk {
    records: Arc<MemoryStore>,
    keys: Arc<MemoryStore>,
}

impl Disk {
    fn new() -> Self {
        Self {
            records: Arc::new(MemoryStore::new()),
            keys: Arc::new(MemoryStore::new()),
        }
    }

    fn open(&self, writes: i64) -> Vault {
        let budget = Arc::new(std::sync::atomic::AtomicI64::new(i64::MAX));
        let over = |inner: &Arc<MemoryStore>| {
            Arc::new(Crashing {
                inner: Arc::clone(inner),
                writes_left: Arc::clone(&budget),
            })
        };
        let vault = Vault::open(
            over(&self.records),
            over(&self.keys),
            RootKey::from_bytes(ROOT),
            "tests",
        )
        .expect("opens");
        budget.store(writes, std::sync::atomic::Ordering::SeqCst);
        vault
    }
}

#[test]
fn an_ingest_cut_at_any_write_leaves_all_or_nothing() {
    let rows: Vec<_> = (0..20)
        .map(|n| row("c", Some(&format!("ID-{n}")), None, "Alder"))
        .collect();
    for writes in 0.. {
        let disk = Disk::new();
        let mut also = Batch::new();
        also.put(Space::Jobs, *b"job", *b"20");
        let done = disk.open(writes).ingest(&rows, None, also);
        let again = disk.open(i64::MAX);
        let stored = again.store().count(Space::Records).expect("counts");
        let progress = again.store().get(Space::Jobs, b"job").expect("get");
        assert!(stored == 0 || stored == 20, "write {writes}: {stored}");
        assert_eq!(
            progress.is_some(),
            stored == 20,
            "progress goes with the rows"
        );
        let orphans = again.sweep_keys().expect("sweeps");
        assert_eq!(
            orphans > 0,
            writes == 1,
            "keys committed, records not: write {writes}"
        );
        let resumed = again.ingest(&rows, None, Batch::new()).expect("resumes");
        assert_eq!(
            resumed.iter().filter(|one| one.created).count() as u64,
            20 - stored
        );
        assert_eq!(again.store().count(Space::Subjects).expect("counts"), 20);
        if done.is_ok() {
            assert!(writes >= 2, "keys and records are two commits");
            break;
        }
    }
}

#[test]
fn an_erasure_cut_at_any_write_is_finished_at_opening() {
    for writes in 0.. {
        let disk = Disk::new();
        let one = take(
            &disk.open(i64::MAX),
            &[
                row("c", Some("ID-150"), Some("16400000150"), "A"),
                row("c", Some("ID-151"), None, "B"),
            ],
        )[0]
        .clone();
        let cut = disk.open(writes);
        let erased = cut.erase(&one.subject, disposal("cancelled", 5), Batch::new());
        drop(cut);
        let again = disk.open(i64::MAX);
        if writes == 0 {
            assert_eq!(
                again.subject_state(&one.subject).expect("asks"),
                SubjectState::Live
            );
            assert_eq!(value(&again, &one, "name").as_deref(), Some("A"));
            continue;
        }
        assert_answers_erased(&again, &one);
        let receipt = again
            .disposal_receipt(&one.subject)
            .expect("reads")
            .expect("a receipt");
        assert_eq!(
            (receipt.at, receipt.fields, receipt.keys_destroyed),
            (5, 3, true)
        );
        assert_eq!(again.store().count(Space::Erasures).expect("counts"), 0);
        if erased.is_ok() {
            assert!(writes >= 4);
            break;
        }
    }
}

#[test]
fn readers_and_a_writer_go_together() {
    let dir = tempfile::tempdir().expect("dir");
    let vault = open(dir.path());
    let first = take(
        &vault,
        &(0..50)
            .map(|n| row("c", Some(&format!("ID-{n}")), None, "Alder"))
            .collect::<Vec<_>>(),
    );
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for batch in 1..30 {
                let rows: Vec<_> = (0..50)
                    .map(|n| row("c", Some(&format!("ID-{}", batch * 50 + n)), None, "Birch"))
                    .collect();
                take(&vault, &rows);
            }
        });
        while !writer.is_finished() {
            for (n, one) in first.iter().enumerate() {
                let found = vault
                    .find(Some(Kind::RESIDENT_ID), &format!("ID-{n}"))
                    .expect("finds");
                assert_eq!(found, [one.subject], "merges hide nobody");
                assert_eq!(value(&vault, one, "name").as_deref(), Some("Alder"));
            }
        }
    });
}
