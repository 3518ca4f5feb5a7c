//! Tables of database servers as exhibits: each table is one, with a connection of its own.
//!
//! They have no digest and no time of change: a count that goes on after a crash keeps what it had
//! finished of them.

use std::collections::HashMap;
use std::path::Path;

use liuhen_database::{Address, TableName};
use liuhen_forensics::{Unit, Unread};
use liuhen_reading::{Limits, Table};

use super::tables::unread;
use crate::scan::databases::{NOT_READ, address, place, reason};
use crate::scan::{Databases, Reason};

/// The tables of a count, by the paths of their units.
#[derive(Debug, Default)]
pub(super) struct Tables {
    wishes: Databases,
    found: HashMap<String, (Address, TableName)>,
}

impl Tables {
    pub(super) fn new(wishes: &Databases) -> Self {
        Self {
            wishes: wishes.clone(),
            found: HashMap::new(),
        }
    }

    /// Lists the tables of a server; answers a unit for each, and what is not read.
    pub(super) fn add(&mut self, path: &Path) -> Result<(Vec<Unit>, Vec<String>), Reason> {
        let address = address(path).map_err(reason)?;
        let server = self.wishes.connect(&address).map_err(reason)?;
        let (mut units, mut others) = (Vec::new(), Vec::new());
        for table in server.tables(&address).map_err(reason)? {
            let path = place(&address, &table);
            if !table.is_read {
                others.push(path);
                continue;
            }
            // The same server once more, perhaps as another user.
            if self.found.contains_key(&path) {
                continue;
            }
            units.push(Unit {
                path: path.clone(),
                bytes: 0,
                changed_ns: 0,
            });
            self.found.insert(path, (address.clone(), table));
        }
        Ok((units, others))
    }

    /// Opens the table of a unit; nothing for a unit that is a file.
    pub(super) fn open(&self, unit: &Unit) -> Option<Result<Table, Unread>> {
        let (address, table) = self.found.get(&unit.path)?;
        let opened = self
            .wishes
            .connect(address)
            .and_then(|server| server.table(table, self.wishes.sample, &Limits::default()));
        Some(opened.map_err(|error| unread(&reason(error))))
    }

    /// What is listed of a server and not read.
    pub(super) const fn not_read() -> Reason {
        Reason::Format(NOT_READ)
    }
}
