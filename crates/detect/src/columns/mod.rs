//! What each column of a table holds.
//!
//! Rule: values first, header second. Every value of the sample goes through
//! every validator; a kind with a check of its own (ID, card, e-mail, plate)
//! wins over any header, a kind without one (name, address, date) needs more of
//! the values or the header's word. Thresholds are data: `[columns]` in
//! `numbers.toml`.
//!
//! ```
//! use liuhen_detect::columns::guess;
//! use liuhen_document::{Header, Row};
//! use liuhen_kinds::{Kind, Lang};
//!
//! let rows: Vec<Row> = (0..9)
//!     .map(|n| Row { number: n + 2, cells: vec![format!("1380013800{n}").as_str().into()] })
//!     .collect();
//! let guess = &guess(&Header(vec!["联系电话".into()]), &rows)[0];
//! assert_eq!(guess.kind, Some(Kind::MOBILE));
//! assert_eq!(guess.evidence[0].text(Lang::En), "9 of 9 values lie in an assigned mobile segment");
//! ```

mod headers;
mod tally;

use liuhen_document::{Evidence, Header, Row};
use liuhen_kinds::Kind;
use liuhen_kinds::segment::Numbers;

use crate::check::has_rules;
use headers::Hint;
pub use headers::looks_like_header;
use tally::Tally;
pub use tally::is_filler;

/// What a column is taken for, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnGuess {
    /// The column, from 0.
    pub column: usize,
    /// The word above it, as it stands; empty where there is none.
    pub header: String,
    /// The kind of its values; `None` when they are of no kind we know.
    pub kind: Option<Kind>,
    /// How sure we are, 0 to 1; 0 where there is no kind.
    pub confidence: f32,
    /// The reasons, the strongest first.
    pub evidence: Vec<Evidence>,
}

/// Guesses the kind of every column from a sample of rows.
///
/// There is one guess for each column of the header or of the longest row,
/// whichever is more. A few hundred rows are enough; of more than 2,000 the
/// first 2,000 are looked at. Fill words such as `无` and `N/A` count as empty.
#[must_use]
pub fn guess(header: &Header, sample: &[Row]) -> Vec<ColumnGuess> {
    let widest = sample.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    (0..header.len().max(widest))
        .map(|column| {
            let word = header.0.get(column).map_or("", String::as_str);
            let hint = Hint::of(word);
            let tally = Tally::of(sample, column);
            let mut guess = if tally.total == 0 {
                from_header(&hint, word, Some(Evidence::plain("empty")))
            } else {
                decide(&hint, word, &tally)
            };
            guess.column = column;
            guess
        })
        .collect()
}

/// Values that decide alone when most of a column has them.
const STRONG: [Kind; 9] = [
    Kind::RESIDENT_ID,
    Kind::HK_MO_TW_RESIDENCE,
    Kind::FOREIGNER_ID,
    Kind::EMAIL,
    Kind::BANK_CARD,
    Kind::MOBILE,
    Kind::PLATE,
    Kind::VIN,
    Kind::USCC,
];

/// How much a header that names another kind takes from a candidate.
const CONTRADICTION: f32 = 0.12;
const WEAK_CONTRADICTION: f32 = 0.35;
/// What a word that is no header of ours takes from a weak candidate.
const STRANGE_HEADER: f32 = 0.1;
/// What values that look like serial numbers or repeat themselves lose.
const SUSPICION: f32 = 0.5;

/// The best candidate or, when the values bear out none, the header's word.
fn decide(hint: &Hint, word: &str, tally: &Tally) -> ColumnGuess {
    let best = tally::CANDIDATES
        .iter()
        .filter_map(|kind| Some((*kind, score(*kind, hint, tally)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((kind, confidence)) if confidence >= Numbers::builtin().columns.least_confidence => {
            let mut evidence = tally.evidence(kind);
            evidence.extend(hint.evidence(kind, word));
            ColumnGuess {
                column: 0,
                header: word.to_owned(),
                kind: Some(kind),
                confidence,
                evidence,
            }
        }
        _ => unproved(hint, word, tally),
    }
}

/// Confidence that a column is of `kind`; `None` below every threshold.
fn score(kind: Kind, hint: &Hint, tally: &Tally) -> Option<f32> {
    let rules = &Numbers::builtin().columns;
    let share = tally.share(kind);
    let strong = STRONG.contains(&kind);
    if hint.names(kind) {
        let base = if hint.exact { 0.75 } else { 0.65 };
        return (share >= rules.share_named).then_some(base + (0.99 - base) * share);
    }
    if share
        < if strong {
            rules.share_strong
        } else {
            rules.share_weak
        }
    {
        return None;
    }
    if kind == Kind::DATE_OF_BIRTH && (hint.event || hint.kind.is_some() || !tally.births()) {
        return None;
    }
    let mut score = if strong {
        0.6 + 0.38 * share
    } else {
        0.45 + 0.45 * share
    };
    if hint.kind.is_some() {
        score -= if strong {
            CONTRADICTION
        } else {
            WEAK_CONTRADICTION
        };
    } else if !strong && hint.strange {
        score -= STRANGE_HEADER;
    }
    let serial = kind == Kind::MOBILE && tally.serial;
    let repeats = kind == Kind::PERSON_NAME && tally.repeats();
    if serial || repeats {
        score -= SUSPICION;
    }
    // A handful of values proves little without a header.
    if tally.total < 3 && !strong {
        score -= STRANGE_HEADER;
    }
    Some(score)
}

/// A column whose values are of no kind by themselves.
fn unproved(hint: &Hint, word: &str, tally: &Tally) -> ColumnGuess {
    let none = |evidence| ColumnGuess {
        column: 0,
        header: word.to_owned(),
        kind: None,
        confidence: 0.0,
        evidence,
    };
    let Some(kind) = hint.kind else {
        return none(tally.objections());
    };
    if !has_rules(kind) {
        return from_header(hint, word, None);
    }
    if tally.masked(kind) * 2 >= tally.total {
        let masked = Evidence::counted("masked", kind, tally.masked(kind), tally.total);
        return from_header(hint, word, Some(masked));
    }
    none(vec![Evidence::worded("header_refuted", kind, word)])
}

/// A column that its header alone tells of.
fn from_header(hint: &Hint, word: &str, first: Option<Evidence>) -> ColumnGuess {
    let mut evidence: Vec<Evidence> = first.into_iter().collect();
    let mut confidence = 0.0;
    if let Some(kind) = hint.kind {
        evidence.push(Evidence::worded("header_only", kind, word));
        confidence = if hint.exact { 0.7 } else { 0.55 };
    }
    ColumnGuess {
        column: 0,
        header: word.to_owned(),
        kind: hint.kind,
        confidence,
        evidence,
    }
}
