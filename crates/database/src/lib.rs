//! Tables of a database server become rows, read-only.
//!
//! [`Server::connect`] logs in under an [`Address`] and begins one transaction that can only read and
//! sees one moment of the database; [`Server::tables`] lists what there is, [`Server::table`] reads one as a
//! [`Table`], streamed: the client holds one row at a time.
//!
//! Rules: the protocols as the servers' own manuals state them, PostgreSQL's version 3.0 and MySQL's
//! client/server protocol 4.1. Queries are ours alone; views, foreign tables and whatever else would
//! run somebody's code or dial further are listed and not read. TLS is not spoken: a server on
//! another machine is reached through a tunnel.
//!
//! SQLite is a file and belongs to `reading`; what the values mean, to `detect`.

mod address;
mod error;
mod mysql;
mod postgres;
mod scram;
mod wire;

use std::sync::Arc;

use liuhen_reading::{Limits, Line, ReadError, Rows, Table};
use parking_lot::Mutex;
use zeroize::Zeroizing;

pub use address::{Address, Dialect};
pub use error::DatabaseError;

use wire::Connection;

/// Rows of a table that are passed over when it is left in its midst.
const MOST_PASSED_OVER: usize = 10_000;

/// A password; wiped when dropped.
pub type Password = Zeroizing<String>;

/// What a server calls one of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its database.
    pub database: String,
    /// Its schema; none in MySQL, where a database is one.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether it holds rows of its own: a view or foreign table does not, and is not read.
    pub is_read: bool,
    /// The columns of its primary key, in whose order its rows are numbered; none where it has no key,
    /// and the order is the server's.
    pub order: Vec<String>,
}

/// A line of a server's catalogue: a table, and one column of its primary key where it has one.
pub(crate) struct Listed<'a> {
    /// The database or schema that it lies in.
    pub(crate) space: &'a str,
    name: &'a str,
    /// Whether it is read.
    pub(crate) kind: &'a str,
    column: &'a str,
}

impl<'a> Listed<'a> {
    pub(crate) fn of(line: &'a Line) -> Result<Self, DatabaseError> {
        let cells: Vec<&str> = line.cells().collect();
        let [space, name, kind, column] = cells[..] else {
            return Err(DatabaseError::Protocol("its catalogue has other columns"));
        };
        Ok(Self {
            space,
            name,
            kind,
            column,
        })
    }

    /// Adds the table, or to the last one a further column of its key.
    pub(crate) fn put(&self, tables: &mut Vec<TableName>, database: &str, schema: Option<&str>) {
        let order = (!self.column.is_empty()).then(|| self.column.to_owned());
        let is_same = |last: &&mut TableName| {
            last.name == self.name && last.database == database && last.schema.as_deref() == schema
        };
        if let Some(known) = tables.last_mut().filter(is_same) {
            known.order.extend(order);
            return;
        }
        tables.push(TableName {
            database: database.to_owned(),
            schema: schema.map(str::to_owned),
            name: self.name.to_owned(),
            is_read: self.kind == "read",
            order: order.into_iter().collect(),
        });
    }
}

/// Tells each row of an answer under way, as `next` takes them off the connection.
pub(crate) fn rows(
    connection: &mut Connection,
    next: fn(&mut Connection, &mut Line) -> Result<Option<()>, DatabaseError>,
    told: &mut dyn FnMut(&Line) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    let mut line = Line::default();
    while next(connection, &mut line)?.is_some() {
        told(&line)?;
    }
    Ok(())
}

/// As reports show it: `database.schema.table`, and in the order of which columns its rows are numbered.
impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.database)?;
        if let Some(schema) = &self.schema {
            write!(f, ".{schema}")?;
        }
        write!(f, ".{}", self.name)?;
        match self.order.is_empty() {
            true => Ok(()),
            false => write!(f, " by {}", self.order.join(", ")),
        }
    }
}

/// A server asked within one transaction that only reads.
#[derive(Debug, Clone)]
pub struct Server {
    dialect: Dialect,
    connection: Arc<Mutex<Connection>>,
}

impl Server {
    /// Logs in and begins to read.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`].
    pub fn connect(address: &Address, password: Option<&Password>) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(address)?;
        let password = password.map(|password| password.as_str());
        match address.dialect {
            Dialect::Postgres => postgres::begin(&mut connection, address, password)?,
            Dialect::MySql => mysql::begin(&mut connection, address, password)?,
        }
        Ok(Self {
            dialect: address.dialect,
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Its tables, ordered by schema and name; those of the server itself are left out.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`].
    pub fn tables(&self, address: &Address) -> Result<Vec<TableName>, DatabaseError> {
        let connection = &mut *self.connection.lock();
        match self.dialect {
            Dialect::Postgres => postgres::tables(connection, &address.database),
            Dialect::MySql => mysql::tables(connection, &address.database),
        }
    }

    /// One table, or its first `sample` rows by primary key; one table at a time.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] when not a row of it can be read.
    pub fn table(
        &self,
        name: &TableName,
        sample: Option<u64>,
        limits: &Limits,
    ) -> Result<Table, DatabaseError> {
        let columns = {
            let connection = &mut *self.connection.lock();
            connection.begin_rows(limits.max_row_bytes);
            connection.may_sort(!name.order.is_empty())?;
            match self.dialect {
                Dialect::Postgres => postgres::select(connection, name, sample)?,
                Dialect::MySql => mysql::select(connection, name, sample)?,
            }
        };
        let rows = Cursor {
            server: self.clone(),
            columns: Some(columns),
            limits: limits.clone(),
            number: 0,
            bytes: 0,
            ended: false,
        };
        Table::of(
            &name.to_string(),
            self.dialect.name(),
            Box::new(rows),
            limits,
        )
        .map_err(|_| DatabaseError::Protocol("a table without a column"))
    }
}

/// The rows of the query under way.
struct Cursor {
    server: Server,
    columns: Option<Vec<String>>,
    limits: Limits,
    number: u64,
    bytes: u64,
    ended: bool,
}

impl Cursor {
    /// Reads a row; answers whether there was one, and whether it was within its bound.
    fn row(&mut self, line: &mut Line) -> Result<Option<bool>, DatabaseError> {
        let connection = &mut *self.server.connection.lock();
        let row = match self.server.dialect {
            Dialect::Postgres => postgres::row(connection, line)?,
            Dialect::MySql => mysql::row(connection, line)?,
        };
        if self.number == 0 {
            connection.may_sort(false)?;
        }
        Ok(row.map(|()| !connection.too_long))
    }
}

impl Rows for Cursor {
    fn next(&mut self, line: &mut Line) -> Option<Result<u64, ReadError>> {
        line.clear();
        if let Some(columns) = self.columns.take() {
            columns.iter().for_each(|column| line.push(column));
            return Some(Ok(0));
        }
        if self.ended {
            return None;
        }
        let is_whole = match self.row(line) {
            Ok(Some(is_whole)) => is_whole,
            Ok(None) => {
                self.ended = true;
                return None;
            }
            Err(error) => {
                self.ended = true;
                return Some(Err(ReadError::Source(std::io::Error::other(error))));
            }
        };
        self.number += 1;
        self.bytes += line.cells().map(|cell| cell.len() as u64).sum::<u64>();
        let longest = self.limits.max_cell_bytes;
        if !is_whole || line.cells().any(|cell| cell.len() > longest) {
            return Some(Err(ReadError::TooLarge {
                budget: longest as u64,
            }));
        }
        Some(Ok(self.number))
    }

    fn taken(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Cursor {
    /// What is left of the answer is passed over, so that the next query begins where it should. A
    /// connection that nobody else has is closed instead, and one that has too much left takes no
    /// more queries: a large table, or a server that never ends, would hold up whoever stops.
    fn drop(&mut self) {
        if self.ended || Arc::strong_count(&self.server.connection) == 1 {
            return;
        }
        let mut line = Line::default();
        for _ in 0..MOST_PASSED_OVER {
            if !matches!(self.row(&mut line), Ok(Some(_))) {
                return;
            }
        }
        self.server.connection.lock().is_left = true;
    }
}
