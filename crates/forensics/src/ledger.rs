//! The ledger: each row that does not count, or counts no more, with its reason and place.
//!
//! Lines come in the order of the exhibits. The `n` of a line is how many items it takes off the
//! total of its policy, so that any total is its items before less the lines of its policy.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CountError;
use crate::near::Link;
use crate::place::Place;
use crate::reason::{Policy, Reason};
use crate::rules::{Rules, kinds_of};
use crate::sight::Shown;
use crate::work;

/// A line, as partitions keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) first: Option<Place>,
    pub(crate) reason: Reason,
    /// The policy of a repetition, the rule of a link.
    pub(crate) detail: u8,
    pub(crate) mask: u64,
}

const WIDTH: usize = 26;
const NOWHERE: u64 = u64::MAX;

impl Line {
    /// What lines are ordered by: the row, then the reason, then the policy.
    fn order(&self) -> (u64, u8, u8, u64, u64) {
        let first = self.first.map_or(NOWHERE, |first| first.0);
        (
            self.place.0,
            self.reason as u8,
            self.detail,
            first,
            self.mask,
        )
    }

    /// The same order as bytes that are compared one after another.
    pub(crate) fn sort_key(&self) -> Vec<u8> {
        let (place, reason, detail, first, mask) = self.order();
        let mut key = place.to_be_bytes().to_vec();
        key.extend([reason, detail]);
        key.extend(first.to_be_bytes());
        key.extend(mask.to_be_bytes());
        key
    }

    fn bytes(&self) -> [u8; WIDTH] {
        let (place, reason, detail, first, mask) = self.order();
        let mut bytes = [0; WIDTH];
        bytes[..8].copy_from_slice(&place.to_le_bytes());
        bytes[8..16].copy_from_slice(&first.to_le_bytes());
        bytes[16..24].copy_from_slice(&mask.to_le_bytes());
        bytes[24..].copy_from_slice(&[reason, detail]);
        bytes
    }

    fn of(bytes: &[u8; WIDTH]) -> Option<Self> {
        let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let first = word(8)?;
        Some(Self {
            place: Place(word(0)?),
            first: (first != NOWHERE).then_some(Place(first)),
            mask: word(16)?,
            reason: Reason::of(bytes[24])?,
            detail: bytes[25],
        })
    }
}

/// Writes the lines of one partition, ordered.
pub(crate) fn keep(path: &Path, mut lines: Vec<Line>) -> Result<(), CountError> {
    lines.sort_unstable_by_key(Line::order);
    let mut out = BufWriter::new(work::create(path)?);
    for line in &lines {
        out.write_all(&line.bytes())
            .map_err(CountError::work(path))?;
    }
    out.flush().map_err(CountError::work(path))
}

/// A partition's lines being read back.
struct Kept {
    path: PathBuf,
    input: BufReader<File>,
    next: Option<Line>,
}

impl Kept {
    fn open(path: PathBuf) -> Result<Self, CountError> {
        let file = File::open(&path).map_err(CountError::work(&path))?;
        let mut kept = Self {
            input: BufReader::with_capacity(16 << 10, file),
            path,
            next: None,
        };
        kept.step()?;
        Ok(kept)
    }

    fn step(&mut self) -> Result<Option<Line>, CountError> {
        let mut bytes = [0; WIDTH];
        let next = match self.input.read_exact(&mut bytes) {
            Ok(()) => Some(Line::of(&bytes).ok_or_else(|| CountError::Damaged(self.path.clone()))?),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(CountError::work(&self.path)(error)),
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The file, as reports show it.
    pub file: String,
    /// The way within the file, where the row lies in something within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// The sheet, where there are sheets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row in it, from 1, the header included; in a picture its rows from the top.
    pub row: u64,
    /// Where the row stands in the picture that it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Shown>,
}

/// A line of the ledger, as it leaves; it holds places and codes, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The row concerned.
    #[serde(flatten)]
    pub at: At,
    /// Why.
    pub code: Reason,
    /// Under which policy it is a repetition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Which rule links it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// How sure the link is, 0 to 1, in words of the rule pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// The first occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<At>,
    /// The kinds that repeat, where kinds are what is counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<liuhen_kinds::Kind>,
    /// How many items it takes off the total of its policy; of all of them when it names none.
    pub n: u32,
}

/// Merges the partitions' lines in order.
pub(crate) fn merged(
    paths: Vec<PathBuf>,
    told: &mut dyn FnMut(Line) -> std::io::Result<()>,
) -> Result<(), CountError> {
    let mut kept = paths
        .into_iter()
        .map(Kept::open)
        .collect::<Result<Vec<_>, _>>()?;
    loop {
        let orders = kept
            .iter()
            .enumerate()
            .filter_map(|(at, kept)| Some((kept.next?.order(), at)));
        let Some((_, least)) = orders.min() else {
            return Ok(());
        };
        if let Some(line) = kept.get_mut(least).map(Kept::step).transpose()?.flatten() {
            told(line).map_err(CountError::Ledger)?;
        }
    }
}

/// A line with names for its numbers.
pub(crate) fn entry(line: &Line, rules: &Rules, at: &dyn Fn(Place) -> At) -> Entry {
    let policy = (line.reason == Reason::DuplicateOf)
        .then(|| Policy::ALL.get(usize::from(line.detail)).copied())
        .flatten();
    let link = (line.reason == Reason::NearDuplicateOf)
        .then(|| Link::ALL.get(usize::from(line.detail)).copied())
        .flatten();
    let confidence = link
        .and_then(|link| rules.links.get(link as usize))
        .map(|rule| format!("{:.2}", rule.confidence));
    Entry {
        at: at(line.place),
        code: line.reason,
        policy,
        rule: link.map(Link::name),
        confidence,
        first: line.first.map(at),
        kinds: kinds_of(line.mask).collect(),
        n: match line.reason {
            Reason::NearDuplicateOf => 0,
            _ => line.mask.count_ones().max(1),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_merged_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let line = |place: u64, reason, first: Option<u64>| Line {
            place: Place(place),
            first: first.map(Place),
            reason,
            detail: 1,
            mask: place,
        };
        let one = vec![
            line(9, Reason::DuplicateOf, Some(1)),
            line(2, Reason::BadCheck, None),
        ];
        let two = vec![
            line(5, Reason::TestPattern, None),
            line(2, Reason::DuplicateOf, Some(0)),
        ];
        let mut all = [one.clone(), two.clone()].concat();
        let paths: Vec<PathBuf> = ["a", "b"]
            .iter()
            .map(|name| dir.path().join(name))
            .collect();
        for (path, lines) in paths.iter().zip([one, two]) {
            keep(path, lines).unwrap();
        }
        let mut told = Vec::new();
        merged(paths, &mut |line| {
            told.push(line);
            Ok(())
        })
        .unwrap();
        all.sort_unstable_by_key(Line::order);
        assert_eq!(told, all);
    }
}
