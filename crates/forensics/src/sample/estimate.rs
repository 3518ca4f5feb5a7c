//! What follows from the marks that a person gave the rows of a sample.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::interval::{Seen, clopper_pearson, stratified};
use super::{Sample, SampleRules, Stratum, VERSION};

/// What a person saw in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// True information of a natural person; of a repetition: another person than the first.
    True,
    /// Not so.
    Untrue,
    /// Cannot be told.
    Unknown,
}

/// The marks as the page saves them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    liuhen_marks: u32,
    /// SHA-256 of the `sample.json` that was looked at.
    pub sample: String,
    /// Who looked, as he says.
    #[serde(default)]
    pub by: String,
    /// By the row's number in the sample.
    pub marks: BTreeMap<u64, Mark>,
}

/// Why marks are not taken in.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarksError {
    /// The bytes are no sample of this program.
    #[error("no sample of a form this program knows")]
    NoSample,
    /// The bytes are no marks of this program.
    #[error("no marks of a form this program knows")]
    NoMarks,
    /// The marks name a row that was not drawn.
    #[error("row {0} is not in the sample")]
    NoRow(u64),
}

impl Marks {
    /// Reads marks.
    ///
    /// # Errors
    ///
    /// [`MarksError::NoMarks`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MarksError> {
        let marks: Result<Self, _> = serde_json::from_slice(bytes);
        marks
            .ok()
            .filter(|marks| marks.liuhen_marks == VERSION)
            .ok_or(MarksError::NoMarks)
    }
}

/// A stratum and what was seen in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StratumSeen {
    /// The stratum.
    #[serde(flatten)]
    pub stratum: Stratum,
    /// Marked as true.
    #[serde(rename = "true")]
    pub held: u64,
    /// Marked as untrue.
    pub untrue: u64,
    /// Cannot be told, or not marked.
    pub unknown: u64,
    /// Of the share that is true, by this stratum alone.
    pub share_low: f64,
    /// As before.
    pub share_high: f64,
}

impl StratumSeen {
    fn seen(&self, held: u64) -> Seen {
        (self.stratum.rows, self.stratum.drawn, held)
    }
}

/// All rows that count, or all that do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Rows of its strata.
    pub rows: u64,
    /// Rows drawn.
    pub drawn: u64,
    /// Marked as true.
    #[serde(rename = "true")]
    pub held: u64,
    /// Marked as untrue.
    pub untrue: u64,
    /// Cannot be told, or not marked.
    pub unknown: u64,
    /// How many of the rows are true, each stratum by its weight; what cannot be told taken as untrue.
    pub estimate: u64,
    /// At least, what cannot be told taken as untrue; rounded down.
    pub low: u64,
    /// At most, what cannot be told taken as true; rounded up.
    pub high: u64,
}

/// What a sample says of a count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// SHA-256 of the sample.
    pub sample: String,
    /// The result that it was drawn from.
    pub count: String,
    /// How it was drawn.
    pub method: String,
    /// The seed.
    pub seed: String,
    /// Who looked.
    pub by: String,
    /// Of each of the two intervals.
    pub level: f64,
    /// Whether every row was marked.
    pub complete: bool,
    /// Rows without a mark.
    pub unmarked: u64,
    /// Rows that the count holds as persons: how many are true.
    pub counted: Side,
    /// Rows that the count left out: how many should have counted. Rows, not persons.
    pub excluded: Side,
    /// Each stratum.
    pub strata: Vec<StratumSeen>,
}

impl Estimate {
    /// Brings marks and sample together.
    ///
    /// # Errors
    ///
    /// [`MarksError::NoRow`].
    pub fn of(sample: &Sample, marks: &Marks) -> Result<Self, MarksError> {
        let count = sample.rows.len() as u64;
        if let Some(wrong) = marks.marks.keys().find(|n| **n == 0 || **n > count) {
            return Err(MarksError::NoRow(*wrong));
        }
        let level = SampleRules::builtin().level;
        let strata: Vec<StratumSeen> = (0..sample.strata.len())
            .map(|at| seen(sample, marks, at, level))
            .collect();
        let side = |counts: bool| {
            let of = |one: &&StratumSeen| one.stratum.group.code.is_none() == counts;
            Side::of(&strata.iter().filter(of).collect::<Vec<_>>(), level)
        };
        let unmarked = count - marks.marks.len() as u64;
        Ok(Self {
            sample: marks.sample.clone(),
            count: sample.count.clone(),
            method: sample.method.clone(),
            seed: sample.seed.clone(),
            by: marks.by.clone(),
            level,
            complete: unmarked == 0,
            unmarked,
            counted: side(true),
            excluded: side(false),
            strata,
        })
    }
}

fn seen(sample: &Sample, marks: &Marks, at: usize, level: f64) -> StratumSeen {
    let rows = sample.rows.iter().filter(|row| row.stratum == at);
    let (mut held, mut untrue, mut unknown) = (0, 0, 0);
    for row in rows {
        match marks.marks.get(&row.n) {
            Some(Mark::True) => held += 1,
            Some(Mark::Untrue) => untrue += 1,
            Some(Mark::Unknown) | None => unknown += 1,
        }
    }
    let drawn = held + untrue + unknown;
    StratumSeen {
        stratum: sample.strata[at].clone(),
        held,
        untrue,
        unknown,
        share_low: rounded(clopper_pearson(held, drawn, level).0),
        share_high: rounded(clopper_pearson(held + unknown, drawn, level).1),
    }
}

/// Six digits: more would say more than the arithmetic does.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

impl Side {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts of rows, far below 2^53"
    )]
    fn of(strata: &[&StratumSeen], level: f64) -> Self {
        let sum = |of: fn(&StratumSeen) -> u64| strata.iter().map(|one| of(one)).sum::<u64>();
        let low: Vec<Seen> = strata.iter().map(|one| one.seen(one.held)).collect();
        let high: Vec<Seen> = strata
            .iter()
            .map(|one| one.seen(one.held + one.unknown))
            .collect();
        let interval = stratified(&low, &high, level);
        let share = |(rows, drawn, held): &Seen| match drawn {
            0 => 0.0,
            _ => *rows as f64 * *held as f64 / *drawn as f64,
        };
        Self {
            rows: sum(|one| one.stratum.rows),
            drawn: sum(|one| one.stratum.drawn),
            held: sum(|one| one.held),
            untrue: sum(|one| one.untrue),
            unknown: sum(|one| one.unknown),
            estimate: low.iter().map(share).sum::<f64>().round() as u64,
            // A millionth of a row is the arithmetic's, not the sample's.
            low: (interval.0 + 1e-6).floor() as u64,
            high: (interval.1 - 1e-6).ceil().max(0.0) as u64,
        }
    }
}
