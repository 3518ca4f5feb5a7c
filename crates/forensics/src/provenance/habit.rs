//! Habits of a file: which columns in which order, and how values are spelled.
//!
//! Seen on rows chosen by their number, so that every run sees the same ones and other rows cost
//! nothing. Habits are evidence beside a relation; none is found by them alone.

use std::collections::BTreeMap;

use liuhen_kinds::Kind;
use serde::{Deserialize, Serialize};

use crate::batch::Cells;
use crate::hash::HashKey;
use crate::ports::TableHead;

/// Rows at the beginning of a table that are all looked at.
const FIRST: u64 = 256;
/// Of the rows behind them, one in so many.
const EVERY: u64 = 16;

/// What can be told of a spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelling {
    /// A cell that is not empty, whatever its spelling.
    Seen,
    /// Spaces within.
    Spaced,
    /// Spaces around.
    Padded,
    /// Hyphens within.
    Hyphens,
    /// `+86`, `0086` or `86-` in front.
    CountryCode,
    /// Digits or letters of full width.
    FullWidth,
    /// An `x` in lower case at the end.
    LowerX,
    /// Fifteen digits.
    Fifteen,
}

/// Spellings met, by kind; adding in any order gives the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Habits(pub(crate) BTreeMap<String, BTreeMap<Spelling, u64>>);

/// Whether a row's spelling is looked at.
pub(crate) fn is_looked_at(number: u64) -> bool {
    number <= FIRST || super::mix(number).is_multiple_of(EVERY)
}

impl Habits {
    /// Looks at the spelling of a row.
    pub(crate) fn see(&mut self, kinds: &[Option<Kind>], cells: Cells<'_>) {
        for (cell, kind) in cells.iter().zip(kinds) {
            if let Some(kind) = kind
                && !cell.is_empty()
            {
                let met = match self.0.get_mut(kind.name()) {
                    Some(met) => met,
                    None => self.0.entry(kind.name().to_owned()).or_default(),
                };
                spellings(*kind, cell, &mut |spelling| {
                    *met.entry(spelling).or_default() += 1;
                });
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, spellings) in &other.0 {
            let to = self.0.entry(kind.clone()).or_default();
            for (spelling, count) in spellings {
                *to.entry(*spelling).or_default() += count;
            }
        }
    }

    fn count(&self, kind: &str, spelling: Spelling) -> u64 {
        let met = self.0.get(kind).and_then(|met| met.get(&spelling));
        met.copied().unwrap_or(0)
    }

    /// Kinds that hold a value in a twentieth of the rows of the fullest one.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        let seen = |kind: &String| self.count(kind, Spelling::Seen);
        let most = self.0.keys().map(seen).max().unwrap_or(0);
        let held = self.0.keys().filter(move |kind| seen(kind) * 20 >= most);
        held.map(String::as_str)
    }

    /// Kinds of both that are spelled otherwise: a share that differs by more than a fifth.
    pub(crate) fn differ(&self, other: &Self) -> Vec<String> {
        let otherwise = |kind: &&String| {
            let (a, b) = (
                self.count(kind, Spelling::Seen),
                other.count(kind, Spelling::Seen),
            );
            let spelled = self.0[*kind].keys().chain(other.0[*kind].keys());
            a > 0
                && b > 0
                && spelled.into_iter().any(|spelling| {
                    let (one, two) = (
                        u128::from(self.count(kind, *spelling)) * u128::from(b),
                        u128::from(other.count(kind, *spelling)) * u128::from(a),
                    );
                    one.abs_diff(two) * 5 > u128::from(a) * u128::from(b)
                })
        };
        let both = self.0.keys().filter(|kind| other.0.contains_key(*kind));
        both.filter(otherwise).cloned().collect()
    }
}

fn spellings(kind: Kind, cell: &str, told: &mut dyn FnMut(Spelling)) {
    told(Spelling::Seen);
    let inner = cell.trim();
    if inner.len() != cell.len() {
        told(Spelling::Padded);
    }
    // Prose has spaces and hyphens of its own.
    if matches!(kind, Kind::ADDRESS | Kind::PERSON_NAME) {
        return;
    }
    let has = |wanted: fn(char) -> bool| inner.contains(wanted);
    let rules = [
        (has(char::is_whitespace), Spelling::Spaced),
        (has(|c| matches!(c, '-' | '－' | '–')), Spelling::Hyphens),
        (has(|c| ('！'..='～').contains(&c)), Spelling::FullWidth),
        (
            ["+86", "0086", "86-", "(86)"]
                .iter()
                .any(|code| inner.starts_with(code)),
            Spelling::CountryCode,
        ),
        (
            kind == Kind::RESIDENT_ID && inner.ends_with('x'),
            Spelling::LowerX,
        ),
        (
            kind == Kind::RESIDENT_ID
                && inner.len() == 15
                && inner.bytes().all(|b| b.is_ascii_digit()),
            Spelling::Fifteen,
        ),
    ];
    for (_, spelling) in rules.into_iter().filter(|(met, _)| *met) {
        told(spelling);
    }
}

/// The columns of a table: kinds in order, and a keyed hash of the words above them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The kind of each column by name; empty for running text.
    pub(crate) kinds: Vec<Option<String>>,
    /// 0 without a header. In hexadecimal, since JSON knows no such numbers.
    pub(crate) header: String,
}

impl Shape {
    pub(crate) fn of(head: &TableHead, key: HashKey) -> Self {
        let words = &head.header.0;
        // Every kind has a column of its own where lines of text are rows.
        if words.is_empty() && head.kinds.len() >= Kind::BUILTIN.len() {
            return Self::default();
        }
        let name = |kind: &Option<Kind>| kind.map(|kind| kind.name().to_owned());
        let header = match words.is_empty() {
            true => 0,
            false => key.hash(words.join("\u{1f}").as_bytes()),
        };
        Self {
            kinds: head.kinds.iter().map(name).collect(),
            header: format!("{header:032x}"),
        }
    }

    /// Whether nothing is known of the columns.
    pub(crate) fn is_unknown(&self) -> bool {
        self.kinds.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(kind: Kind, cell: &str) -> Vec<Spelling> {
        let mut met = Vec::new();
        spellings(kind, cell, &mut |spelling| met.push(spelling));
        met.remove(0);
        met
    }

    #[test]
    fn each_spelling_is_told() {
        use Spelling::*;
        let rows: [(Kind, &str, &[Spelling]); 7] = [
            (Kind::MOBILE, "15400138000", &[]),
            (Kind::MOBILE, "154 0013 8000", &[Spaced]),
            (
                Kind::MOBILE,
                "+86 154-0013-8000",
                &[Spaced, Hyphens, CountryCode],
            ),
            (Kind::RESIDENT_ID, "44030819990110151x", &[LowerX]),
            (Kind::RESIDENT_ID, " 440308990110151", &[Padded, Fifteen]),
            (Kind::QQ, "１０００１", &[FullWidth]),
            (Kind::ADDRESS, "某路 1-2 号", &[]),
        ];
        for (kind, cell, expected) in rows {
            assert_eq!(met(kind, cell), expected, "{cell}");
        }
    }

    #[test]
    fn shares_that_differ_by_more_than_a_fifth_are_told() {
        let habits = |spaced: u64, seen: u64| {
            let met = BTreeMap::from([(Spelling::Seen, seen), (Spelling::Spaced, spaced)]);
            Habits(BTreeMap::from([("mobile".to_owned(), met)]))
        };
        assert!(habits(0, 100).differ(&habits(20, 100)).is_empty());
        assert_eq!(habits(0, 100).differ(&habits(21, 100)), ["mobile"]);
        assert_eq!(habits(50, 50).differ(&habits(0, 1000)), ["mobile"]);
        assert!(habits(5, 10).differ(&Habits::default()).is_empty());
    }
}
