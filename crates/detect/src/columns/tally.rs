//! What the values of one column are, counted.

use std::collections::HashSet;

use liuhen_document::{Evidence, Row};
use liuhen_kinds::Kind;
use liuhen_kinds::segment::Numbers;

use crate::check::check;
use crate::date::Date;
use crate::verdict::{ReasonCode, Verdict};

/// Kinds that values can bear out; the first of two equals wins.
pub(super) const CANDIDATES: [Kind; 16] = [
    Kind::PASSPORT,
    Kind::ETHNICITY,
    Kind::GENDER,
    Kind::LANDLINE,
    Kind::PERSON_NAME,
    Kind::ADDRESS,
    Kind::DATE_OF_BIRTH,
    Kind::USCC,
    Kind::VIN,
    Kind::PLATE,
    Kind::BANK_CARD,
    Kind::EMAIL,
    Kind::MOBILE,
    Kind::FOREIGNER_ID,
    Kind::HK_MO_TW_RESIDENCE,
    Kind::RESIDENT_ID,
];

/// The most rows looked at.
const MOST_ROWS: usize = 2000;

/// Words that stand for nothing.
const FILLERS: [&str; 14] = [
    "无", "暂无", "没有", "不详", "-", "--", "/", "\\", "null", "none", "n/a", "na", "nan", "#n/a",
];

/// Whether a cell holds a word that stands for nothing, such as `无` or `N/A`.
#[must_use]
pub fn is_filler(value: &str) -> bool {
    FILLERS
        .iter()
        .any(|filler| filler.eq_ignore_ascii_case(value))
}

/// How the values fare with one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    valid: u64,
    doubtful: u64,
    masked: u64,
    /// Sum of what each value is worth, 0 to 1.
    worth: f32,
}

/// The values of one column, counted for every candidate.
#[derive(Debug)]
pub(super) struct Tally {
    /// Values that are neither empty nor fillers.
    pub(super) total: u64,
    /// Whether they are numbers that follow one another closely.
    pub(super) serial: bool,
    distinct: u64,
    scores: [Score; CANDIDATES.len()],
    years: Vec<u16>,
}

impl Tally {
    pub(super) fn of(sample: &[Row], column: usize) -> Tally {
        let values: Vec<&str> = sample
            .iter()
            .take(MOST_ROWS)
            .map(|row| row.cell(column).trim())
            .filter(|value| !value.is_empty() && !is_filler(value))
            .collect();
        let mut tally = Tally {
            total: values.len() as u64,
            serial: is_serial(&values),
            distinct: values.iter().collect::<HashSet<_>>().len() as u64,
            scores: [Score::default(); CANDIDATES.len()],
            years: Vec::new(),
        };
        for value in values {
            for (score, kind) in tally.scores.iter_mut().zip(CANDIDATES) {
                let verdict = check(kind, value);
                score.add(&verdict);
                if kind == Kind::DATE_OF_BIRTH
                    && let Some(date) = verdict.normalised()
                    && let Some(year) = date.as_str().get(..4).and_then(|year| year.parse().ok())
                {
                    tally.years.push(year);
                }
            }
        }
        tally.years.sort_unstable();
        tally
    }

    fn score(&self, kind: Kind) -> Score {
        let at = CANDIDATES.iter().position(|candidate| *candidate == kind);
        at.map(|at| self.scores[at]).unwrap_or_default()
    }

    /// What share of the values bears `kind` out, doubtful ones counting less.
    #[expect(clippy::cast_precision_loss, reason = "at most 2,000 values")]
    pub(super) fn share(&self, kind: Kind) -> f32 {
        self.score(kind).worth / self.total.max(1) as f32
    }

    /// Values of `kind` that are partly masked.
    pub(super) fn masked(&self, kind: Kind) -> u64 {
        self.score(kind).masked
    }

    /// Whether few values stand again and again, as words of a list do.
    pub(super) fn repeats(&self) -> bool {
        self.total >= 20 && self.distinct * 5 < self.total
    }

    /// Whether the dates spread as births do, and events do not.
    pub(super) fn births(&self) -> bool {
        self.spread() > Numbers::builtin().columns.birth_spread_years
            && self.recent() * 3 < self.years.len() as u64
    }

    /// Years between the fifth and the ninety-fifth of a hundred dates.
    fn spread(&self) -> u16 {
        let at = |hundredths: usize| self.years.get(self.years.len() * hundredths / 100).copied();
        at(95).zip(at(5)).map_or(0, |(late, early)| late - early)
    }

    /// Dates of this year and the one before.
    fn recent(&self) -> u64 {
        let last = Date::today().year();
        self.years.iter().filter(|year| **year + 1 >= last).count() as u64
    }

    /// The counted reasons for a kind, the strongest first.
    pub(super) fn evidence(&self, kind: Kind) -> Vec<Evidence> {
        let Score {
            valid, doubtful, ..
        } = self.score(kind);
        let counted = |code, count| Evidence::counted(code, kind, count, self.total);
        let mut evidence = match kind {
            Kind::RESIDENT_ID | Kind::HK_MO_TW_RESIDENCE | Kind::FOREIGNER_ID => {
                vec![counted("check_digit", valid)]
            }
            Kind::VIN => vec![counted("check_digit_vin", valid)],
            Kind::USCC => vec![counted("check_digit_uscc", valid)],
            Kind::MOBILE if valid > 0 => vec![counted("segment", valid)],
            Kind::MOBILE => Vec::new(),
            Kind::BANK_CARD => vec![counted("luhn", valid + doubtful), counted("bin", valid)],
            Kind::PERSON_NAME => vec![counted("surname", valid)],
            Kind::ADDRESS => vec![counted("address_words", valid)],
            Kind::DATE_OF_BIRTH => vec![
                counted("date", valid + doubtful),
                counted("spread_of_years", u64::from(self.spread())),
            ],
            _ => vec![counted("format", valid + doubtful)],
        };
        match kind {
            Kind::RESIDENT_ID if doubtful > 0 => evidence.push(counted("format", valid + doubtful)),
            Kind::MOBILE if doubtful > 0 => evidence.push(counted("unassigned_segment", doubtful)),
            _ => {}
        }
        evidence
    }

    /// Why values that nearly are of a kind were not believed.
    pub(super) fn objections(&self) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        let dates = self.years.len() as u64;
        if dates * 2 > self.total && self.recent() * 3 >= dates {
            evidence.push(Evidence::counted(
                "recent_dates",
                Kind::DATE_OF_BIRTH,
                self.recent(),
                dates,
            ));
        }
        if self.repeats() {
            let (distinct, total) = (self.distinct, self.total);
            evidence.push(Evidence {
                count: distinct,
                total,
                ..Evidence::plain("few_distinct")
            });
        }
        if self.serial {
            let total = self.total;
            evidence.push(Evidence {
                count: total,
                total,
                ..Evidence::plain("increasing")
            });
        }
        evidence
    }
}

impl Score {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Valid(_) => {
                self.valid += 1;
                self.worth += 1.0;
            }
            Verdict::Doubtful(_, reason) => {
                let worth = worth(*reason);
                // A card whose check fails is no reason to believe in cards.
                self.doubtful += u64::from(*reason != ReasonCode::Luhn);
                self.worth += worth;
                self.masked += u64::from(*reason == ReasonCode::Masked);
            }
            Verdict::Invalid(reason) => self.masked += u64::from(*reason == ReasonCode::Masked),
        }
    }
}

/// What a doubtful value is worth beside a valid one; our own judgement.
const fn worth(reason: ReasonCode) -> f32 {
    match reason {
        ReasonCode::UnassignedSegment | ReasonCode::OtherDocument => 0.9,
        ReasonCode::OldForm
        | ReasonCode::UnknownRegion
        | ReasonCode::UnknownIssuer
        | ReasonCode::SerialLetters
        | ReasonCode::CommonWord => 0.8,
        ReasonCode::MonthOnly | ReasonCode::UnassignedArea => 0.7,
        ReasonCode::Title | ReasonCode::Masked => 0.6,
        ReasonCode::NotAPerson | ReasonCode::Unchecked => 0.5,
        ReasonCode::Latin | ReasonCode::Coded | ReasonCode::FewLevels => 0.4,
        ReasonCode::Luhn | ReasonCode::NoAreaCode => 0.3,
        ReasonCode::NoSurname => 0.2,
        _ => 0.0,
    }
}

/// Whether whole numbers follow one another with small steps only.
fn is_serial(values: &[&str]) -> bool {
    let rules = &Numbers::builtin().columns;
    let numbers: Vec<u64> = values
        .iter()
        .filter_map(|value| value.parse().ok())
        .collect();
    if numbers.len() < 5 || numbers.len() != values.len() {
        return false;
    }
    // Sorted values of people lie far apart; serial numbers do not.
    let close = numbers
        .windows(2)
        .filter(|pair| (1..=100).contains(&pair[1].saturating_sub(pair[0])));
    #[expect(clippy::cast_precision_loss, reason = "at most 2,000 values")]
    let share = close.count() as f32 / (numbers.len() - 1) as f32;
    share >= rules.increasing_share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(values: &[&str]) -> Tally {
        let rows: Vec<Row> = values
            .iter()
            .map(|value| Row {
                number: 1,
                cells: vec![(*value).into()],
            })
            .collect();
        Tally::of(&rows, 0)
    }

    #[test]
    fn fillers_count_as_empty() {
        assert_eq!(tally(&["无", "N/A", " ", "-", "x"]).total, 1);
    }

    #[test]
    fn serial_numbers_are_seen() {
        let serial: Vec<String> = (0..50)
            .map(|n| (13_800_138_000_u64 + n).to_string())
            .collect();
        assert!(tally(&serial.iter().map(String::as_str).collect::<Vec<_>>()).serial);
        let sorted: Vec<String> = (0..50)
            .map(|n| (13_000_000_000_u64 + n * 98_765_431).to_string())
            .collect();
        assert!(!tally(&sorted.iter().map(String::as_str).collect::<Vec<_>>()).serial);
    }

    #[test]
    fn events_are_no_births() {
        let year = Date::today().year();
        let recent: Vec<String> = (1..=28).map(|day| format!("{year}-01-{day:02}")).collect();
        assert!(!tally(&recent.iter().map(String::as_str).collect::<Vec<_>>()).births());
        let births: Vec<String> = (1950..2000).map(|year| format!("{year}-05-01")).collect();
        let births = tally(&births.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(births.births());
        assert!((births.share(Kind::DATE_OF_BIRTH) - 1.0).abs() < 0.01);
    }
}
