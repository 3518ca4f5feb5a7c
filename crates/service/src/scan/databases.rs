//! A database server's tables: each gets a report of its own, named database, schema and table.
//!
//! A row's number is its place in the order of the primary key, which the report names
//! (`members by id`); without a key, in the order of the server.

use std::path::Path;

use liuhen_database::{Address, DatabaseError, Dialect, Password, Server, TableName};
use liuhen_detect::Detector;

use super::notes::Reason;
use super::sink::Sink;
use super::table;

/// How databases are read.
#[derive(Clone, Default)]
pub struct Databases {
    /// What is answered when a PostgreSQL server asks for a password.
    pub postgres: Option<Password>,
    /// The same of MySQL and MariaDB.
    pub mysql: Option<Password>,
    /// So many rows of each table, by its key, and no more.
    pub sample: Option<u64>,
}

/// Never a password.
impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sample = &self.sample;
        f.debug_struct("Databases")
            .field("sample", sample)
            .finish_non_exhaustive()
    }
}

impl Databases {
    /// Logs in.
    pub(crate) fn connect(&self, address: &Address) -> Result<Server, DatabaseError> {
        let password = match address.dialect() {
            Dialect::Postgres => &self.postgres,
            Dialect::MySql => &self.mysql,
        };
        Server::connect(address, password.as_ref())
    }
}

/// What is no table with rows of its own.
pub(crate) const NOT_READ: &str = "a view, or a table whose rows lie elsewhere";

/// Whether a path is the address of a server.
pub(crate) fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(Address::is_meant)
}

pub(crate) fn address(path: &Path) -> Result<Address, DatabaseError> {
    Address::parse(path.to_str().unwrap_or_default())
}

/// An address as it is shown: never a password, even one that should not be there.
pub(crate) fn shown(path: &Path) -> String {
    match address(path) {
        Ok(address) => address.to_string(),
        Err(_) => "database".to_owned(),
    }
}

pub(crate) fn place(address: &Address, table: &TableName) -> String {
    format!("{address} / {table}")
}

pub(crate) fn reason(error: DatabaseError) -> Reason {
    match error {
        DatabaseError::Connection(error) => Reason::from(&error),
        error => Reason::System(error.to_string()),
    }
}

/// Scans every table of a database, one after another.
pub(super) fn scan(path: &Path, detector: &Detector, outer: &mut Sink<'_>) -> Result<(), Reason> {
    let request = outer.request();
    let wishes = &request.databases;
    let address = address(path).map_err(reason)?;
    let server = wishes.connect(&address).map_err(reason)?;
    for name in server.tables(&address).map_err(reason)? {
        let mut sink = outer.within(place(&address, &name));
        if name.is_read {
            match server.table(&name, wishes.sample, &request.wishes.limits) {
                Ok(mut table) => {
                    table::sheet(&mut table, 1, detector, &mut sink);
                    let (bytes, _) = table.progress();
                    sink.read(bytes, 0);
                    if let Some(meter) = request.meter {
                        meter(bytes);
                    }
                }
                Err(error) => sink.note(reason(error)),
            }
        } else {
            sink.note(Reason::Format(NOT_READ));
        }
        outer.over |= sink.over;
        sink.end();
        if outer.over {
            break;
        }
    }
    outer.read(0, 0);
    Ok(())
}
