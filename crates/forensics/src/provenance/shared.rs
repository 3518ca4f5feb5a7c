//! Who is met in two files or more: written while a partition is brought together, read to compare
//! files.
//!
//! A person is known by his key, a contact by name and telephone: a file whose IDs were dropped or
//! mistyped shares no persons with its source and still shares contacts. A group holds the places
//! of its first row in each file and no key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::error::CountError;
use crate::near::{class, name};
use crate::place::Place;
use crate::row::{BY_ADDRESS, TRUE_ID, UNTRUE_ID};
use crate::spill::Record;
use crate::work;

/// By what files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The person's key.
    Person = 0,
    /// Name and telephone.
    Contact = 1,
}

impl By {
    pub(crate) const ALL: [Self; 2] = [Self::Person, Self::Contact];
}

/// What a file tells of the ID of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Id {
    /// None, or several that contradict.
    Unknown = 0,
    /// One that passes its check.
    True = 1,
    /// One that fails it.
    Untrue = 2,
}

/// Somebody in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) place: Place,
    pub(crate) id: Id,
}

impl Member {
    pub(crate) fn unit(&self) -> usize {
        self.place.unit()
    }
}

/// Bytes of a member.
const WIDTH: usize = 9;

/// The groups of one partition.
#[derive(Default)]
pub(crate) struct Shared {
    bytes: Vec<u8>,
    /// Contacts of each file.
    pub(crate) contacts: BTreeMap<usize, u64>,
}

impl Shared {
    /// Records of one person, ordered by place.
    pub(crate) fn person(&mut self, group: &[Record]) {
        self.group(By::Person, group);
    }

    /// Records of one contact, ordered by place: those of one telephone, apart by name.
    pub(crate) fn contact(&mut self, group: &[Record]) {
        let Some(first) = group.first().filter(|one| class(one.mask) != BY_ADDRESS) else {
            return;
        };
        if group.iter().all(|record| name(record) == name(first)) {
            return self.named(group);
        }
        let mut by_name = group.to_vec();
        by_name.sort_by_key(name);
        for group in by_name.chunk_by(|a, b| name(a) == name(b)) {
            self.named(group);
        }
    }

    /// Records of one telephone and name.
    fn named(&mut self, group: &[Record]) {
        if group.first().is_none_or(|one| name(one) == 0) {
            return;
        }
        for records in of_files(group) {
            if let Some(first) = records.first() {
                *self.contacts.entry(first.place.unit()).or_default() += 1;
            }
        }
        self.group(By::Contact, group);
    }

    fn group(&mut self, by: By, group: &[Record]) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return;
        };
        if first.place.unit() == last.place.unit() {
            return;
        }
        let count = u32::try_from(of_files(group).count()).unwrap_or(u32::MAX);
        self.bytes.push(by as u8);
        self.bytes.extend_from_slice(&count.to_le_bytes());
        for records in of_files(group) {
            let place = records.first().map_or(0, |record| record.place.0);
            let id = match by {
                By::Person => Id::Unknown,
                By::Contact => id_of(records),
            };
            self.bytes.extend_from_slice(&place.to_le_bytes());
            self.bytes.push(id as u8);
        }
    }

    /// Writes the groups.
    pub(crate) fn keep(&self, path: &Path) -> Result<(), CountError> {
        work::write(path, &self.bytes)
    }
}

fn of_files(group: &[Record]) -> impl Iterator<Item = &[Record]> {
    group.chunk_by(|a, b| a.place.unit() == b.place.unit())
}

fn id_of(records: &[Record]) -> Id {
    let has = |wanted| records.iter().any(|record| class(record.mask) == wanted);
    match (has(TRUE_ID), has(UNTRUE_ID)) {
        (true, false) => Id::True,
        (false, true) => Id::Untrue,
        _ => Id::Unknown,
    }
}

/// Tells every group of these files, in order.
///
/// # Errors
///
/// [`CountError::Work`] and [`CountError::Damaged`] when one cannot be read back.
pub(crate) fn each(
    paths: &[PathBuf],
    told: &mut dyn FnMut(By, &[Member]),
) -> Result<(), CountError> {
    let mut members = Vec::new();
    for path in paths {
        let file = File::open(path).map_err(CountError::work(path))?;
        let left = file.metadata().map_err(CountError::work(path))?.len();
        let mut input = BufReader::with_capacity(64 << 10, file).take(left);
        while input.limit() > 0 {
            let by = group(&mut input, &mut members);
            let by = by.map_err(CountError::work(path))?;
            told(
                by.ok_or_else(|| CountError::Damaged(path.clone()))?,
                &members,
            );
        }
    }
    Ok(())
}

/// The next group; none where the bytes are none.
fn group(input: &mut impl std::io::Read, members: &mut Vec<Member>) -> std::io::Result<Option<By>> {
    let mut head = [0; 5];
    input.read_exact(&mut head)?;
    let [by, count @ ..] = head;
    members.clear();
    for _ in 0..u32::from_le_bytes(count) {
        let mut bytes = [0; WIDTH];
        input.read_exact(&mut bytes)?;
        let [place @ .., id] = bytes;
        members.push(Member {
            place: Place(u64::from_le_bytes(place)),
            id: match id {
                1 => Id::True,
                2 => Id::Untrue,
                _ => Id::Unknown,
            },
        });
    }
    Ok(By::ALL.get(usize::from(by)).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(unit: usize, row: u64, mask: u64) -> Record {
        Record {
            key: 1,
            place: Place::of(unit, row),
            mask,
            extra: 1,
        }
    }

    #[test]
    fn groups_of_several_files_come_back() {
        let mut shared = Shared::default();
        shared.person(&[record(0, 2, 0), record(0, 9, 0)]);
        shared.person(&[record(0, 3, 0), record(0, 4, 0), record(2, 7, 0)]);
        shared.contact(&[record(1, 1, BY_ADDRESS), record(2, 1, BY_ADDRESS)]);
        // Another name, and none, under one telephone of several files.
        let of = |name, unit| Record {
            extra: name,
            ..record(unit, 9, TRUE_ID)
        };
        shared.contact(&[of(0, 4), of(0, 5), of(7, 6), of(8, 7)]);
        shared.contact(&[
            record(0, 5, TRUE_ID),
            record(1, 6, UNTRUE_ID | 5),
            record(2, 1, TRUE_ID),
            record(2, 2, UNTRUE_ID),
        ]);
        assert_eq!(
            shared.contacts,
            BTreeMap::from([(0, 1), (1, 1), (2, 1), (6, 1), (7, 1)])
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared");
        shared.keep(&path).unwrap();
        let mut told = Vec::new();
        each(&[path], &mut |by, members| {
            let members: Vec<_> = members
                .iter()
                .map(|member| (member.unit(), member.place.row(), member.id))
                .collect();
            told.push((by, members));
        })
        .unwrap();
        let person = vec![(0, 3, Id::Unknown), (2, 7, Id::Unknown)];
        let contact = vec![(0, 5, Id::True), (1, 6, Id::Untrue), (2, 1, Id::Unknown)];
        assert_eq!(told, [(By::Person, person), (By::Contact, contact)]);
    }

    #[test]
    fn a_cut_file_is_noticed() {
        let mut shared = Shared::default();
        shared.person(&[record(0, 3, 0), record(2, 7, 0)]);
        shared.bytes.pop();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared");
        shared.keep(&path).unwrap();
        assert!(each(&[path], &mut |_, _| {}).is_err());
    }
}
