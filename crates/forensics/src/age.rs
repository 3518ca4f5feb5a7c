//! Ages on a day that is stated, never of a clock: the same count tomorrow says the same.

use serde::{Deserialize, Serialize};

/// A day; ordered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// A day written `YYYY-MM-DD`, or the first of a month written `YYYY-MM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let day = parts.next().map_or(Some(1), |day| day.parse().ok())?;
        let possible = (1..=12).contains(&month) && (1..=31).contains(&day) && year >= 1000;
        possible.then_some(Self { year, month, day })
    }

    /// A day written `YYYYMMDD`.
    #[must_use]
    pub fn compact(text: &str) -> Option<Self> {
        let number = |from, to| text.get(from..to)?.parse().ok();
        Some(Self {
            year: text.get(..4)?.parse().ok()?,
            month: number(4, 6)?,
            day: number(6, 8)?,
        })
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A group of ages; unknown is not adult.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Age {
    #[default]
    Unknown = 0,
    Child = 1,
    Minor = 2,
    Adult = 3,
}

impl Age {
    /// The names of the groups, in the order of their numbers.
    pub(crate) const NAMES: [&'static str; 4] = ["unknown", "under_14", "14_to_17", "adult"];

    /// The group of whoever was born on a day; unknown when that day is yet to come.
    pub(crate) fn of(birth: Day, today: Day, child_under: u16, minor_under: u16) -> Self {
        if birth > today {
            return Self::Unknown;
        }
        let birthday_to_come = (today.month, today.day) < (birth.month, birth.day);
        let years = today.year - birth.year - u16::from(birthday_to_come);
        match years {
            years if years < child_under => Self::Child,
            years if years < minor_under => Self::Minor,
            _ => Self::Adult,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_turn_on_the_birthday() {
        let today = Day::parse("2026-11-22").unwrap();
        let rows = [
            ("2012-11-23", Age::Child),
            ("2012-11-22", Age::Minor),
            ("2008-11-23", Age::Minor),
            ("2008-11-22", Age::Adult),
            ("2026-11-23", Age::Unknown),
            ("1900-01", Age::Adult),
        ];
        for (birth, expected) in rows {
            let birth = Day::parse(birth).unwrap();
            assert_eq!(Age::of(birth, today, 14, 18), expected, "{birth}");
        }
        assert_eq!(Day::compact("20121123"), Day::parse("2012-11-23"));
        assert_eq!(Day::parse("2012-13-01"), None);
    }
}
