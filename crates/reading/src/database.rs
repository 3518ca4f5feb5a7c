//! SQLite databases, table after table, opened so that nothing in them runs and nothing is written.
//!
//! The library opens a path, so the bytes are copied into a temporary file, which loses its name as
//! soon as it is open; as immutable, so that no journal is looked for. Where the journal of a
//! database is at hand (`-wal`, write-ahead log), both copies lie in a private directory until they
//! are open, and the library takes what was committed there. Only tables are read: views and
//! triggers are never run, schemas are not trusted, rows come in small batches by their row id.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;

use liuhen_document::{ProblemCode, Text};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::archive::names;
use crate::raw::RawRow;
use crate::source::Blob;
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError};

/// Rows asked for at once.
const BATCH: usize = 256;
/// Tables of a database.
const TABLES: usize = 10_000;

/// A database being read.
pub(crate) struct Database {
    connection: Connection,
    tables: VecDeque<String>,
    table: Option<Open>,
    ready: VecDeque<Step>,
    limits: Limits,
}

/// The table being read.
struct Open {
    query: String,
    columns: usize,
    by_id: bool,
    /// The next row id, or how many rows were read.
    next: i64,
    number: u64,
}

impl Database {
    pub(crate) fn open(
        blob: &Blob,
        journal: Option<&Blob>,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        // Only its owner may look into it.
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("copy");
        io::copy(&mut blob.open(), &mut File::create_new(&path)?)?;
        let mut way = "immutable=1&mode=ro";
        let mut access = OpenFlags::SQLITE_OPEN_READ_ONLY;
        if let Some(journal) = journal {
            let mut log = File::create_new(folder.path().join("copy-wal"))?;
            io::copy(&mut journal.open(), &mut log)?;
            // The library must be able to keep an index of the journal; it writes to the copy at most.
            (way, access) = ("mode=rw", OpenFlags::SQLITE_OPEN_READ_WRITE);
        }
        let path = escaped(&path).ok_or(ReadError::Fault)?;
        let path = format!("file:{path}?{way}");
        let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(meant)?;
        let configured = connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)
            .and_then(|_| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false))
            .and_then(|_| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false))
            .and_then(|_| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false));
        configured.map_err(meant)?;
        let longest = i32::try_from(limits.max_memory_bytes).unwrap_or(i32::MAX);
        connection
            .set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)
            .map_err(meant)?;
        connection
            .set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)
            .map_err(meant)?;
        if journal.is_some() {
            // Alone with it, the library keeps that index in memory, and reads on without a name.
            connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                .and_then(|_| connection.pragma_update(None, "locking_mode", "EXCLUSIVE"))
                .and_then(|()| connection.pragma_update(None, "query_only", true))
                .map_err(meant)?;
        }
        let tables = tables(&connection).map_err(meant)?;
        // The library holds it open from here on; without a name it is gone however this ends.
        drop(folder);
        Ok(Self {
            connection,
            tables: tables.into(),
            table: None,
            ready: VecDeque::new(),
            limits: limits.clone(),
        })
    }

    /// Begins the next table; a table that cannot be asked costs itself.
    fn begin(&mut self, name: String) {
        let columns = match self.columns(&name) {
            Ok(columns) if !columns.is_empty() => columns,
            _ => return self.ready.push_back(Step::Section(name)),
        };
        let hidden = |id: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(id));
        let id = ["rowid", "_rowid_", "oid"].into_iter().find(hidden);
        let table = quoted(&name);
        let by_id = id.map(|id| {
            format!("SELECT {id}, * FROM {table} WHERE {id} >= ?1 ORDER BY {id} LIMIT {BATCH}")
        });
        // Tables without row ids are read by position, which is slower for large ones.
        let query = by_id.filter(|query| self.connection.prepare(query).is_ok());
        self.table = Some(Open {
            by_id: query.is_some(),
            next: if query.is_some() { i64::MIN } else { 0 },
            query: query
                .unwrap_or_else(|| format!("SELECT 0, * FROM {table} LIMIT {BATCH} OFFSET ?1")),
            columns: columns.len(),
            number: 1,
        });
        self.ready.push_back(Step::Table {
            name: Some(name),
            columns: Some(columns),
            placed: false,
        });
    }

    fn columns(&self, table: &str) -> rusqlite::Result<Vec<String>> {
        let query = self
            .connection
            .prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(table)))?;
        Ok(query.column_names().map(str::to_owned).collect())
    }

    /// Reads some rows; false at the table's end.
    fn batch(&mut self) -> rusqlite::Result<bool> {
        let Some(table) = &mut self.table else {
            return Ok(false);
        };
        let mut query = self.connection.prepare_cached(&table.query)?;
        let mut rows = query.query([table.next])?;
        let mut count = 0;
        let mut last = Some(table.next);
        while let Some(row) = rows.next()? {
            count += 1;
            table.number += 1;
            if table.by_id {
                last = row.get::<_, i64>(0)?.checked_add(1);
            }
            let mut cells = Vec::with_capacity(table.columns);
            let mut spoiled = None;
            for column in 1..=table.columns {
                match shown(row.get_ref(column)?) {
                    cell if cell.len() > self.limits.max_cell_bytes => {
                        spoiled = Some(ProblemCode::CellTooLong);
                    }
                    cell => cells.push(Text::from(cell)),
                }
            }
            let number = table.number;
            self.ready.push_back(match spoiled {
                Some(reason) => Step::Spoiled(number, reason),
                None => Step::Row(RawRow { number, cells }),
            });
        }
        let next = match table.by_id {
            true => last,
            false => table.next.checked_add(count),
        };
        table.next = next.unwrap_or(i64::MAX);
        Ok(count > 0 && next.is_some())
    }
}

/// A path within a URI (RFC 3986): what would end or change it is written in percent.
fn escaped(path: &Path) -> Option<String> {
    let special = |c: char| matches!(c, '%' | '?' | '#');
    let path = path.to_str()?;
    let escape = |c: char| match special(c) {
        true => format!("%{:02X}", u32::from(c)),
        false => c.to_string(),
    };
    Some(path.chars().map(escape).collect())
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    // Virtual tables would run code of their module; what they hold lies in tables beside them.
    let mut query = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid LIMIT ?1",
    )?;
    let limit = i64::try_from(TABLES).unwrap_or(i64::MAX);
    let names = query.query_map([limit], |row| row.get(0))?;
    names.collect()
}

/// An identifier in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value as a cell shows it; bytes that are no text are counted.
fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => crate::charset::Evidence::of(text)
                .judge()
                .0
                .decode_without_bom_handling(text)
                .0
                .into_owned(),
        },
        ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
                text.to_owned()
            }
            _ => format!("({} bytes)", bytes.len()),
        },
    }
}

/// The library's error as ours: its words may hold names of the file.
fn meant(error: rusqlite::Error) -> ReadError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => ReadError::NoPassword,
        _ => ReadError::MalformedArchive,
    }
}

impl Flow for Database {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.table.is_some() {
                match self.batch() {
                    Ok(true) => {}
                    Ok(false) => self.table = None,
                    // A damaged page costs the rest of its table.
                    Err(_) => {
                        let number = self.table.take().map_or(0, |table| table.number + 1);
                        self.ready
                            .push_back(Step::Spoiled(number, ProblemCode::Unreadable));
                    }
                }
                continue;
            }
            match self.tables.pop_front() {
                Some(name) => self.begin(names::shortened(name)),
                None => return Ok(None),
            }
        }
    }
}
