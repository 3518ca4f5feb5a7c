//! The embedded store: one SQLite file in WAL mode.
//!
//! One writer behind a lock and a few readers; SQLite allows no more writers anyway.
//! A reader keeps its view of the file open from one look-up to the next, and takes a new
//! one only after a write: opening a view costs system calls and locks shared by all readers,
//! several times what the look-up itself does.
//! `synchronous=FULL` makes a returned [`Store::write`] survive a power cut, `secure_delete`
//! overwrites what is deleted, and [`Store::compact`] empties the write-ahead log, so that
//! erased key material is in no file afterwards.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{Batch, Change, KeyRange, Pair, Space, Store, StoreError};

/// Version of the table layout, kept in `PRAGMA user_version`.
const FORMAT: u32 = 1;
/// Readers that may work at the same time.
const READERS: usize = 4;
/// How long a connection waits for another's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of write-ahead log before it is folded into the file, so that a bulk import does not
/// pay random page writes in every commit.
const FOLD_BYTES: u64 = 64 << 20;
/// Page cache of the writer, in KiB (SQLite's sign convention: negative is KiB).
const WRITER_CACHE_KIB: i64 = -65_536;
/// Page cache of each reader, likewise; the system's own cache lies behind it.
const READER_CACHE_KIB: i64 = -8_192;

/// A [`Store`] in one SQLite file (and its `-wal` and `-shm` companions).
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Vec<Mutex<Reader>>,
    turn: AtomicUsize,
    /// How many writes were committed; tells a reader whether its view is the newest.
    writes: AtomicU64,
}

/// A connection that only reads, and the number of writes its open view has seen.
struct Reader {
    connection: Connection,
    view: Option<u64>,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path)?;
        let prepare = || {
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "cache_size", READER_CACHE_KIB)
        };
        prepare().map_err(|error| explain("open", &error))?;
        Ok(Self {
            connection,
            view: None,
        })
    }

    /// The connection with a view that holds at least the first `writes` writes.
    fn seeing(&mut self, writes: u64) -> rusqlite::Result<&Connection> {
        if self.view != Some(writes) {
            self.leave()?;
            self.connection.execute_batch("BEGIN")?;
            self.view = Some(writes);
        }
        Ok(&self.connection)
    }

    /// Lets go of the view, so that SQLite can fold the write-ahead log into the file.
    fn leave(&mut self) -> rusqlite::Result<()> {
        self.view = None;
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            // Nothing was written; of the two ways to end, this one has nothing that can fail half-way.
            self.connection.execute_batch("ROLLBACK")
        }
    }
}

impl SqliteStore {
    /// Opens the file at `path`, creating it and its tables when absent.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] when the file is no database, [`StoreError::Format`] when a
    /// newer program wrote it, [`StoreError::Engine`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        make_private(&path);
        let writer = connect(&path)?;
        prepare(&writer).map_err(|error| explain("open", &error))?;
        check_format(&writer)?;
        create_tables(&writer).map_err(|error| explain("open", &error))?;
        let readers = (0..READERS)
            .map(|_| Ok(Mutex::new(Reader::open(&path)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self {
            path,
            writer: Mutex::new(writer),
            readers,
            turn: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
        })
    }

    /// Copies the database at `from`, which another process may be writing, to the new file `to`.
    ///
    /// The copy is of one moment, holds nothing of what was deleted before it, was checked and is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError`], also when `from` is missing or `to` exists and is not empty.
    pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        use rusqlite::OpenFlags;
        let failed = |error: rusqlite::Error| explain("copy", &error);
        let lost = |_| StoreError::Engine {
            during: "copy",
            code: -1,
        };
        // May write, since a reader of a database in WAL mode writes its index; may not create.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let source = Connection::open_with_flags(from, flags).map_err(failed)?;
        source.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let name = to.to_str().ok_or(StoreError::Engine {
            during: "copy",
            code: -1,
        })?;
        source
            .execute("VACUUM INTO ?1", params![name])
            .map_err(failed)?;
        drop(source);
        let copy = Connection::open_with_flags(to, flags).map_err(failed)?;
        let verdict: String = copy
            .query_row("PRAGMA quick_check", [], |row| row.get(0))
            .map_err(failed)?;
        drop(copy);
        if verdict != "ok" {
            return Err(StoreError::Corrupt);
        }
        std::fs::File::open(to)
            .and_then(|file| file.sync_all())
            .map_err(lost)
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks something up in a view that holds every write that has returned.
    fn read<T>(
        &self,
        during: &'static str,
        look_up: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // Counted before the view is taken: it may then hold more than it claims, never less.
        let writes = self.writes.load(Ordering::Acquire);
        let mut reader = self.reader();
        let found = reader.seeing(writes).and_then(look_up);
        if found.is_err() {
            // After an error the view may be gone; the next look-up takes a new one.
            let _ = reader.leave();
        }
        found.map_err(|error| explain(during, &error))
    }

    /// Lets every reader that is not at work let go of its view.
    fn release_views(&self) {
        for reader in &self.readers {
            if let Some(mut reader) = reader.try_lock() {
                // A view that cannot be ended fails again, and is reported, at the next look-up.
                let _ = reader.leave();
            }
        }
    }

    fn log_bytes(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        // No log, no bytes.
        std::fs::metadata(log).map_or(0, |file| file.len())
    }

    /// Folds the write-ahead log into the file and empties it; answers SQLite's busy flag.
    fn fold(&self, writer: &Connection) -> Result<i64, StoreError> {
        let checkpoint = |how: &str| {
            writer
                .query_row(how, [], |row| row.get(0))
                .map_err(|error| explain("fold", &error))
        };
        // The slow part first, while readers go on.
        let _: i64 = checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        // Held until the log is empty: an open view keeps its pages.
        let mut readers: Vec<_> = self.readers.iter().map(Mutex::lock).collect();
        for reader in &mut readers {
            reader.leave().map_err(|error| explain("fold", &error))?;
        }
        checkpoint("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// A reader that nobody uses now, or else the next in turn.
    fn reader(&self) -> MutexGuard<'_, Reader> {
        let start = self.turn.fetch_add(1, Ordering::Relaxed);
        for step in 0..READERS {
            if let Some(reader) = self.readers[(start + step) % READERS].try_lock() {
                return reader;
            }
        }
        self.readers[start % READERS].lock()
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Makes the file, when it is absent, readable to its owner alone; SQLite gives its companions
/// the same mode. What fails here fails again, and is told, when SQLite opens it.
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let _ = options.write(true).create_new(true).mode(0o600).open(path);
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(Space::ALL.len() * 4);
        // Without it, SQLite built with STAT4 plans a range query anew for every value bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    open().map_err(|error| explain("open", &error))
}

fn prepare(writer: &Connection) -> rusqlite::Result<()> {
    writer.pragma_update(None, "journal_mode", "WAL")?;
    writer.pragma_update(None, "synchronous", "FULL")?;
    writer.pragma_update(None, "secure_delete", "ON")?;
    // SQLite's own folding would meet the readers' open views, and the log would grow.
    writer.pragma_update(None, "wal_autocheckpoint", 0)?;
    writer.pragma_update(None, "cache_size", WRITER_CACHE_KIB)
}

fn check_format(writer: &Connection) -> Result<(), StoreError> {
    let found: u32 = writer
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| explain("open", &error))?;
    if found > FORMAT {
        Err(StoreError::Format {
            found,
            known: FORMAT,
        })
    } else {
        Ok(())
    }
}

fn create_tables(writer: &Connection) -> rusqlite::Result<()> {
    let mut sql = String::from("BEGIN IMMEDIATE;");
    for space in Space::ALL {
        sql.push_str(&format!(
            "CREATE TABLE IF NOT EXISTS {} (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;",
            space.name()
        ));
    }
    sql.push_str(&format!("PRAGMA user_version = {FORMAT}; COMMIT;"));
    writer.execute_batch(&sql)
}

/// Keeps the code and drops the message, which may quote values.
fn explain(during: &'static str, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Engine { during, code: -1 };
    };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::Corrupt,
        _ => StoreError::Engine {
            during,
            code: failure.extended_code,
        },
    }
}

/// A statement per space and verb, parsed once per connection.
fn statement<'c>(
    connection: &'c Connection,
    space: Space,
    sql: impl FnOnce(&str) -> String,
) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(&sql(space.name()))
}

fn get_sql(table: &str) -> String {
    format!("SELECT v FROM {table} WHERE k = ?1")
}

fn get_row(connection: &Connection, space: Space, key: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    statement(connection, space, get_sql)?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// A range in SQL. With or without an upper bound are two statements, so that SQLite plans
/// each as one seek in the primary key.
fn range_sql(what: &str, table: &str, bounded: bool, tail: &str) -> String {
    let upper = if bounded { " AND k < ?2" } else { "" };
    format!("SELECT {what} FROM {table} WHERE k >= ?1{upper}{tail}")
}

fn scan_rows(
    connection: &Connection,
    space: Space,
    range: &KeyRange,
    limit: usize,
    reverse: bool,
) -> rusqlite::Result<Vec<Pair>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let tail = if reverse {
        " ORDER BY k DESC LIMIT ?3"
    } else {
        " ORDER BY k LIMIT ?3"
    };
    let mut query = statement(connection, space, |t| {
        range_sql("k, v", t, range.to.is_some(), tail)
    })?;
    let rows = query.query_map(params![range.from, range.to, limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

fn count_rows(connection: &Connection, space: Space, range: &KeyRange) -> rusqlite::Result<i64> {
    let mut query = statement(connection, space, |t| {
        range_sql("count(*)", t, range.to.is_some(), "")
    })?;
    match &range.to {
        Some(to) => query.query_row(params![range.from, to], |row| row.get(0)),
        None => query.query_row(params![range.from], |row| row.get(0)),
    }
}

fn put_sql(table: &str) -> String {
    format!(
        "INSERT INTO {table} (k, v) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
    )
}

fn delete_sql(table: &str) -> String {
    format!("DELETE FROM {table} WHERE k = ?1")
}

/// Applies changes space by space and key by key: neighbours share pages, and a sorted
/// insert moves less than a random one. Changes of one key stay in their order.
fn apply(connection: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let place = |change: &Change| -> (Space, bool) {
        match change {
            Change::Put(space, ..) => (*space, true),
            Change::Delete(space, _) => (*space, false),
        }
    };
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| match change {
        Change::Put(space, key, _) | Change::Delete(space, key) => (*space, key.as_slice()),
    });
    for group in sorted.chunk_by(|left, right| place(left) == place(right)) {
        let Some((space, is_put)) = group.first().map(|change| place(change)) else {
            continue;
        };
        let sql = if is_put { put_sql } else { delete_sql };
        let mut statement = statement(connection, space, sql)?;
        for change in group {
            match change {
                Change::Put(_, key, value) => statement.execute(params![key, value])?,
                Change::Delete(_, key) => statement.execute([key])?,
            };
        }
    }
    Ok(())
}

impl Store for SqliteStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read("get", |connection| get_row(connection, space, key))
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Pair>, StoreError> {
        self.read("scan", |connection| {
            scan_rows(connection, space, range, limit, reverse)
        })
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let explain = |error: rusqlite::Error| explain("write", &error);
        let mut writer = self.writer.lock();
        let work = writer
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(explain)?;
        for expected in &batch.expectations {
            let found = get_row(&work, expected.space, &expected.key).map_err(explain)?;
            if found != expected.value {
                return Err(StoreError::Conflict {
                    space: expected.space,
                });
            }
        }
        apply(&work, &batch.changes).map_err(explain)?;
        work.commit().map_err(explain)?;
        self.writes.fetch_add(1, Ordering::Release);
        self.release_views();
        if self.log_bytes() > FOLD_BYTES {
            // The write is durable either way; a log that stays long is folded after the next.
            if let Err(error) = self.fold(&writer) {
                tracing::warn!(%error, "the write-ahead log of the store could not be folded");
            }
        }
        Ok(())
    }

    fn count_range(&self, space: Space, range: &KeyRange) -> Result<u64, StoreError> {
        let rows = self.read("count", |connection| count_rows(connection, space, range))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    fn compact(&self) -> Result<(), StoreError> {
        let writer = self.writer.lock();
        let busy = self.fold(&writer)?;
        if busy == 0 {
            Ok(())
        } else {
            Err(StoreError::Busy)
        }
    }

    fn size(&self) -> Result<u64, StoreError> {
        let (pages, page): (i64, i64) = self.read("size", |connection| {
            Ok((
                connection.pragma_query_value(None, "page_count", |row| row.get(0))?,
                connection.pragma_query_value(None, "page_size", |row| row.get(0))?,
            ))
        })?;
        Ok(u64::try_from(pages.saturating_mul(page)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_store_conforms() {
        let dir = tempfile::tempdir().expect("dir");
        let turn = AtomicUsize::new(0);
        super::super::conformance::run(|| {
            let name = format!("{}.db", turn.fetch_add(1, Ordering::Relaxed));
            Box::new(SqliteStore::open(dir.path().join(name)).expect("opens")) as Box<dyn Store>
        });
    }

    #[test]
    fn rows_survive_reopening_without_closing() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("a.db");
        let first = SqliteStore::open(&path).expect("opens");
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"k", *b"v");
        first.write(&batch).expect("writes");
        let second = SqliteStore::open(&path).expect("opens beside the first");
        assert_eq!(
            second.get(Space::Meta, b"k").expect("get").as_deref(),
            Some(&b"v"[..])
        );
    }

    #[test]
    fn a_copy_is_of_one_moment_and_holds_nothing_deleted() {
        let dir = tempfile::tempdir().expect("dir");
        let (path, copy) = (dir.path().join("a.db"), dir.path().join("b.db"));
        let store = SqliteStore::open(&path).expect("opens");
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"gone", *b"a secret that was erased");
        batch.put(Space::Meta, *b"k", *b"v");
        store.write(&batch).expect("writes");
        let mut batch = Batch::new();
        batch.delete(Space::Meta, *b"gone");
        store.write(&batch).expect("deletes");
        SqliteStore::copy(&path, &copy).expect("copies while it is open");
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"k", *b"w");
        store.write(&batch).expect("goes on");
        let bytes = std::fs::read(&copy).expect("reads");
        assert!(!bytes.windows(8).any(|part| part == b"a secret"));
        let copied = SqliteStore::open(&copy).expect("opens");
        let found = copied.get(Space::Meta, b"k").expect("get");
        assert_eq!(found.as_deref(), Some(&b"v"[..]));
        assert_eq!(copied.get(Space::Meta, b"gone").expect("get"), None);
        assert!(SqliteStore::copy(&path, &copy).is_err(), "over a copy");
        let missing = dir.path().join("missing.db");
        assert!(SqliteStore::copy(&missing, &dir.path().join("c.db")).is_err());
        assert!(!missing.exists());
    }

    #[test]
    fn a_returned_write_is_seen_by_every_reader_and_the_log_stays_short() {
        let dir = tempfile::tempdir().expect("dir");
        let store = SqliteStore::open(dir.path().join("a.db")).expect("opens");
        let done = AtomicU64::new(0);
        let rounds = 400_u64;
        std::thread::scope(|scope| {
            for _ in 0..READERS + 2 {
                scope.spawn(|| {
                    loop {
                        let least = done.load(Ordering::Acquire);
                        let row = store.get(Space::Meta, b"n").expect("get");
                        let seen = row.map_or(0, |n| {
                            u64::from_be_bytes(n[..8].try_into().expect("eight bytes"))
                        });
                        assert!(seen >= least, "{seen} < {least}");
                        if seen == rounds {
                            break;
                        }
                    }
                });
            }
            for n in 1..=rounds {
                let mut value = n.to_be_bytes().to_vec();
                // Long enough that the log must be folded more than once.
                value.resize(512 << 10, 7);
                let mut batch = Batch::new();
                batch.put(Space::Meta, *b"n", value);
                store.write(&batch).expect("writes");
                done.store(n, Ordering::Release);
            }
        });
        assert!(store.log_bytes() < 2 * FOLD_BYTES);
    }

    #[test]
    fn deleted_rows_are_in_no_file_after_compaction() {
        let dir = tempfile::tempdir().expect("dir");
        let store = SqliteStore::open(dir.path().join("a.db")).expect("opens");
        let secret = [0x5a, 0xa5, 0x17, 0x71, 0x99, 0x66, 0x42, 0x24, 0xe1, 0x1e];
        let mut batch = Batch::new();
        for n in 0..500u32 {
            batch.put(Space::Keys, n.to_be_bytes(), [7; 60]);
        }
        batch.put(Space::Keys, 250u32.to_be_bytes(), secret);
        store.write(&batch).expect("writes");
        let found = || {
            std::fs::read_dir(dir.path()).expect("dir").any(|entry| {
                let bytes = std::fs::read(entry.expect("entry").path()).expect("reads");
                bytes.windows(secret.len()).any(|window| window == secret)
            })
        };
        assert!(found(), "the search can find what is there");
        let mut batch = Batch::new();
        batch.delete(Space::Keys, 250u32.to_be_bytes());
        store.write(&batch).expect("deletes");
        store.compact().expect("compacts");
        assert!(!found());
    }

    #[test]
    fn files_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("dir");
        let store = SqliteStore::open(dir.path().join("a.db")).expect("opens");
        let mut batch = Batch::new();
        batch.put(Space::Meta, *b"k", *b"v");
        store.write(&batch).expect("writes");
        let mut seen = 0;
        for entry in std::fs::read_dir(dir.path()).expect("dir") {
            let mode = entry
                .expect("entry")
                .metadata()
                .expect("metadata")
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0);
            seen += 1;
        }
        assert_eq!(seen, 3, "the file, its log and the log's index");
    }

    #[test]
    fn refuses_foreign_and_newer_files() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("text.db");
        std::fs::write(
            &path,
            "not a database, but long enough to be read as one".repeat(50),
        )
        .expect("writes");
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Corrupt)));
        let path = dir.path().join("newer.db");
        drop(SqliteStore::open(&path).expect("opens"));
        let connection = Connection::open(&path).expect("opens");
        connection
            .pragma_update(None, "user_version", 99)
            .expect("sets");
        assert!(matches!(
            SqliteStore::open(&path),
            Err(StoreError::Format { found: 99, .. })
        ));
    }
}
