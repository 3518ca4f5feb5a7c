//! Pictures in a count: by which networks they were looked at, how many there were, where a row
//! stands in one.
//!
//! Looking belongs to whoever supplies the exhibits; here are numbers and places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ports::Looked;

/// A network that pictures were looked at with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// What it is for.
    pub job: String,
    /// The file of its weights.
    pub file: String,
    /// That file's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// By what pictures were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// The networks.
    pub networks: Vec<Network>,
    /// Whether text was read with the larger ones.
    pub thorough: bool,
    /// The version of the thresholds.
    pub thresholds: String,
    /// The version of the rules by which documents are known.
    pub documents: String,
    /// What ran the networks.
    pub runtime: String,
}

/// Where in a picture a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The upright box around it, in pixels of the upright picture: left, top, width, height.
    pub area: [u32; 4],
    /// Some of it was read with little confidence (`[pictures]` of the rule pack).
    #[serde(default, skip_serializing_if = "is_not")]
    pub unsure: bool,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [left, top, width, height] = self.area;
        let unsure = if self.unsure { ", unsure" } else { "" };
        write!(f, "{width} x {height} at {left}, {top}{unsure}")
    }
}

/// Pictures of a file, or of all files; adding in any order gives the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureCounts {
    /// Pictures looked at; one that is met twice counts twice.
    pub seen: u64,
    /// Pictures that were not, by the stable name of the reason.
    pub not_read: BTreeMap<String, u64>,
    /// Of those seen: with a direct identifier or two indirect ones.
    pub with_identifiers: u64,
    /// With a face.
    pub with_face: u64,
    /// With a face and identifiers: a set.
    pub sets: u64,
    /// With a face and no identifiers, of which no row is made.
    pub face_alone: u64,
    /// With something that may be a face, and none that is one for sure.
    pub perhaps_face: u64,
    /// Whose file says where it was taken.
    pub with_place: u64,
    /// Rows read from pictures.
    pub rows: u64,
    /// Of them, read with little confidence in part.
    pub rows_unsure: u64,
}

impl PictureCounts {
    /// Whether no picture was met.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Pictures that were not looked at.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        self.not_read.values().sum()
    }

    pub(crate) fn looked(&mut self, looked: &Looked) {
        match looked {
            Looked::NotSeen(code) => *self.not_read.entry(code.clone()).or_default() += 1,
            Looked::Seen {
                face,
                perhaps,
                identifiers,
                place,
            } => {
                self.seen += 1;
                self.with_identifiers += u64::from(*identifiers);
                self.with_face += u64::from(*face);
                self.sets += u64::from(*face && *identifiers);
                self.face_alone += u64::from(*face && !*identifiers);
                self.perhaps_face += u64::from(*perhaps && !*face);
                self.with_place += u64::from(*place);
            }
        }
    }

    pub(crate) fn rows(&mut self, shown: &[Shown]) {
        self.rows += shown.len() as u64;
        self.rows_unsure += shown.iter().filter(|row| row.unsure).count() as u64;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (to, from) in [
            (&mut self.seen, other.seen),
            (&mut self.with_identifiers, other.with_identifiers),
            (&mut self.with_face, other.with_face),
            (&mut self.sets, other.sets),
            (&mut self.face_alone, other.face_alone),
            (&mut self.perhaps_face, other.perhaps_face),
            (&mut self.with_place, other.with_place),
            (&mut self.rows, other.rows),
            (&mut self.rows_unsure, other.rows_unsure),
        ] {
            *to += from;
        }
        for (code, count) in &other.not_read {
            *self.not_read.entry(code.clone()).or_default() += count;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_not(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_beside_identifiers_is_a_set_and_one_alone_is_told_apart() {
        let seen = |face, perhaps, identifiers| Looked::Seen {
            face,
            perhaps,
            identifiers,
            place: false,
        };
        let mut one = PictureCounts::default();
        let mut other = PictureCounts::default();
        one.looked(&seen(true, true, true));
        one.looked(&seen(true, false, false));
        other.looked(&seen(false, true, true));
        other.looked(&seen(false, false, false));
        other.looked(&Looked::NotSeen("damaged".to_owned()));
        let area = [0; 4];
        other.rows(&[true, false].map(|unsure| Shown { area, unsure }));
        one.add(&other);
        let expected = PictureCounts {
            seen: 4,
            not_read: [("damaged".to_owned(), 1)].into(),
            with_identifiers: 2,
            with_face: 2,
            sets: 1,
            face_alone: 1,
            perhaps_face: 1,
            with_place: 0,
            rows: 2,
            rows_unsure: 1,
        };
        assert_eq!((one.unseen(), one), (1, expected));
    }
}
