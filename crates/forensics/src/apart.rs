//! A count taken apart, for machines that bring equal keys together by themselves.
//!
//! What [`count`](crate::count) does with threads and a directory, a cluster does with tasks and
//! its shuffle: each task judges rows with a [`Mapper`] and gives away [`Keys`]; those of one
//! partition meet in [`merge`], wherever they were made; [`total`] adds up. Rows are judged and
//! groups counted by the same functions, so the numbers and the ledger are those of one machine.
//!
//! Whoever asks several processes to count gives all of them one [`HashKey`]: it is as good as the
//! values to whoever can guess them, and so are keys beside it.

use std::collections::BTreeMap;

use crate::acts::Acts;
use crate::age::Day;
use crate::batch::Batch;
use crate::error::CountError;
use crate::hash::HashKey;
use crate::ledger::{self, At, Entry};
use crate::merge::{Merge, Sums};
use crate::ports::{Judge, TableHead};
use crate::row::{Columns, RowJudge};
use crate::rules::Rules;
use crate::run::{Counted, Plan, judge_rows};
use crate::spill::{self, Buffers, Record, STREAMS, Stream};
use crate::unit::{RowCounts, UnitDone};

/// Partitions, numbered from 0.
pub const PARTS: usize = spill::PARTS;

/// A table whose columns are known.
#[derive(Debug)]
pub struct Table(Columns);

impl Table {
    /// By what stands above the columns and what they hold.
    #[must_use]
    pub fn new(head: &TableHead, rules: &Rules) -> Self {
        Self(Columns::of(head, rules))
    }
}

/// Keys of one partition, to be brought where its others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The partition.
    pub part: usize,
    /// What [`merge`] understands.
    pub bytes: Vec<u8>,
}

/// Judges rows in one task.
pub struct Mapper<'a> {
    judge: RowJudge<'a>,
    buffers: Buffers,
    counts: BTreeMap<usize, RowCounts>,
}

impl std::fmt::Debug for Mapper<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapper({} files)", self.counts.len())
    }
}

impl<'a> Mapper<'a> {
    /// `date` is the day on which ages are taken.
    #[must_use]
    pub fn new(rules: &'a Rules, judge: &'a dyn Judge, key: HashKey, date: Day) -> Self {
        Self {
            judge: RowJudge::new(rules, judge, key, date),
            buffers: Buffers::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Judges rows of a table, which is the first and only one of file `unit`.
    pub fn rows(&mut self, unit: usize, table: &Table, batch: &Batch) {
        let counts = judge_rows(
            batch,
            &table.0,
            (unit, 0),
            &mut self.judge,
            &mut self.buffers,
        );
        self.counts.entry(unit).or_default().add(&counts);
    }

    /// The keys gathered since the last time.
    pub fn keys(&mut self) -> Vec<Keys> {
        let keys = |(stream, part, records): (Stream, usize, Vec<u8>)| {
            let mut bytes = vec![stream as u8];
            bytes.extend(records);
            Keys { part, bytes }
        };
        self.buffers.drain().map(keys).collect()
    }

    /// Rows counted, for [`total`].
    ///
    /// # Errors
    ///
    /// [`CountError::Partial`] never, as far as is known: numbers always serialise.
    pub fn counts(&self) -> Result<String, CountError> {
        serde_json::to_string(&self.counts).map_err(|_| CountError::Partial)
    }
}

/// What a partition came to.
#[derive(Debug)]
pub struct Part {
    /// Its sums, for [`total`].
    pub sums: String,
    /// Its lines of the ledger, each with bytes that sort as the ledger of one machine does.
    pub lines: Vec<(Vec<u8>, Entry)>,
}

/// Counts one partition; `keys` are all of it, in any order, and `files` the names of the files.
///
/// # Errors
///
/// [`CountError::Partial`] when something is no [`Keys`].
pub fn merge<'k>(
    rules: &Rules,
    acts: &Acts,
    ledger: bool,
    files: &[String],
    keys: impl IntoIterator<Item = &'k [u8]>,
) -> Result<Part, CountError> {
    let mut streams: [Vec<Record>; STREAMS] = Default::default();
    for keys in keys {
        let (tag, bytes) = keys.split_first().ok_or(CountError::Partial)?;
        let stream = *Stream::ALL
            .get(usize::from(*tag))
            .filter(|stream| bytes.len() % stream.width() == 0)
            .ok_or(CountError::Partial)?;
        streams[stream as usize].extend(spill::records(stream, bytes));
    }
    let mut merge = Merge {
        rules,
        acts,
        lines: ledger.then(Vec::new),
        // Kinship needs everything at one place.
        shared: None,
        sums: Sums::default(),
    };
    for stream in Stream::ALL {
        merge.stream(stream, &mut std::mem::take(&mut streams[stream as usize]));
    }
    let at = |place: crate::place::Place| At {
        file: files.get(place.unit()).cloned().unwrap_or_default(),
        inside: None,
        sheet: None,
        row: place.row(),
        picture: None,
    };
    let lines = merge.lines.take().unwrap_or_default();
    Ok(Part {
        sums: serde_json::to_string(&merge.sums).map_err(|_| CountError::Partial)?,
        lines: lines
            .iter()
            .map(|line| (line.sort_key(), ledger::entry(line, rules, &at)))
            .collect(),
    })
}

/// Adds up what tasks and partitions came to; the plan's directory is not touched.
///
/// # Errors
///
/// [`CountError::Partial`] when something is neither [`Mapper::counts`] nor [`Part::sums`].
pub fn total<'a>(
    plan: Plan<'a>,
    counts: &[String],
    sums: &[String],
) -> Result<Counted<'a>, CountError> {
    let one = || UnitDone {
        sheets: vec![None],
        ..UnitDone::default()
    };
    let mut units: Vec<UnitDone> = plan.units.iter().map(|_| one()).collect();
    for text in counts {
        let of_units: BTreeMap<usize, RowCounts> = parsed(text)?;
        for (unit, counts) in of_units {
            let done = units.get_mut(unit).ok_or(CountError::Partial)?;
            done.counts.add(&counts);
        }
    }
    let mut all = Sums::default();
    for text in sums {
        all.add(&parsed(text)?);
    }
    Ok(Counted {
        plan,
        units,
        sums: all,
        provenance: crate::provenance::Provenance::default(),
        work: None,
    })
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, CountError> {
    serde_json::from_str(text).map_err(|_| CountError::Partial)
}
