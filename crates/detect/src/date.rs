//! Dates of birth.
//!
//! Rule: GB/T 7408 (ISO 8601) and the forms that Chinese tables have. The order
//! is year, month, day; a text that ends with the year is month first, as
//! spreadsheets in English write it, and is refused when that is no date.

use std::time::{SystemTime, UNIX_EPOCH};

use liuhen_kinds::segment::Numbers;

use crate::fold::{self, number};
use crate::verdict::{ReasonCode, Verdict};

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A year that no clock will go back to.
const WRITTEN: u16 = 2026;

/// China is eight hours before universal time, all year.
const CHINA_SECONDS: u64 = 8 * 3600;

impl Date {
    /// The day, if there is such a day; years have four digits.
    #[must_use]
    pub fn of(year: u32, month: u32, day: u32) -> Option<Date> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        let possible = (1000..10_000).contains(&year) && (1..=days).contains(&day);
        let (year, month, day) = (
            year.try_into().ok()?,
            month.try_into().ok()?,
            day.try_into().ok()?,
        );
        possible.then_some(Date { year, month, day })
    }

    /// Today in China, by the system's clock.
    #[must_use]
    pub fn today() -> Date {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Date::from_days((seconds + CHINA_SECONDS) / 86_400)
    }

    /// Whether the day is yet to come.
    pub(crate) fn is_future(self) -> bool {
        // Most births were over when this was written, and reading the clock
        // takes longer than all the rest of a check.
        self.year >= WRITTEN && self > Date::today()
    }

    /// The day so many days after 1970-01-01.
    ///
    /// Rule: years of 365.2425 days from the first of March, so that the leap
    /// day comes last (E. G. Richards, "Mapping Time", 1998).
    fn from_days(days: u64) -> Date {
        let z = days + 719_468;
        let (era, day_of_era) = (z / 146_097, z % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let narrow = |n: u64| u8::try_from(n).unwrap_or(1);
        Date {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: narrow(month),
            day: narrow(day),
        }
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A date of birth, normalised to `YYYY-MM-DD`, or `YYYY-MM` where the day is not told.
pub(crate) fn check(text: &str) -> Verdict {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let Some(parts) = parts(&folded) else {
        return Verdict::Invalid(ReasonCode::Form);
    };
    let (year, month, day) = parts;
    let Some(date) = Date::of(year, month, day.unwrap_or(1)) else {
        return Verdict::Invalid(ReasonCode::ImpossibleDate);
    };
    if date.year < Numbers::builtin().identity.earliest_birth_year {
        return Verdict::Invalid(ReasonCode::ImpossibleDate);
    }
    if date.is_future() {
        return Verdict::Invalid(ReasonCode::FutureDate);
    }
    match day {
        Some(_) => Verdict::Valid(date.to_string().into()),
        None => Verdict::Doubtful(
            format!("{year:04}-{month:02}").into(),
            ReasonCode::MonthOnly,
        ),
    }
}

/// Year, month and perhaps day, as a text writes them.
fn parts(text: &str) -> Option<(u32, u32, Option<u32>)> {
    let text = without_time(text.trim_start_matches('\''));
    let separators = |c: char| matches!(c, '-' | '/' | '.' | ' ' | '年' | '月' | '日' | '号');
    let groups: Vec<&str> = text
        .split(separators)
        .filter(|group| !group.is_empty())
        .collect();
    if !groups
        .iter()
        .all(|group| group.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let value = |group: &str| number(group.as_bytes());
    match groups.as_slice() {
        [all] if all.len() == 8 => {
            Some((value(&all[..4]), value(&all[4..6]), Some(value(&all[6..]))))
        }
        [year, month] if year.len() == 4 && month.len() <= 2 => {
            Some((value(year), value(month), None))
        }
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            Some((value(year), value(month), Some(value(day))))
        }
        [month, day, year] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            Some((value(year), value(month), Some(value(day))))
        }
        _ => None,
    }
}

/// Without a time of day after a space or `T`.
fn without_time(text: &str) -> &str {
    match text.find([' ', 'T']) {
        Some(at) if text[at..].contains(':') => &text[..at],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_forms() {
        let rows = [
            ("ISO", "1990-01-02", Ok("1990-01-02")),
            ("slashes", "1990/1/2", Ok("1990-01-02")),
            ("dots", "1990.01.02", Ok("1990-01-02")),
            ("Chinese", "1990年1月2日", Ok("1990-01-02")),
            ("together", "19900102", Ok("1990-01-02")),
            ("full width", "１９９０－０１－０２", Ok("1990-01-02")),
            ("midnight", "1990-01-02 00:00:00", Ok("1990-01-02")),
            ("with T", "1990-01-02T00:00:00", Ok("1990-01-02")),
            ("month first", "1/2/1990", Ok("1990-01-02")),
            ("month only", "1990年1月", Err(ReasonCode::MonthOnly)),
            ("no such day", "1990-02-30", Err(ReasonCode::ImpossibleDate)),
            ("no such month", "19901302", Err(ReasonCode::ImpossibleDate)),
            ("too early", "1790-01-02", Err(ReasonCode::ImpossibleDate)),
            ("in the future", "3000-01-02", Err(ReasonCode::FutureDate)),
            ("a version", "1.2.3", Err(ReasonCode::Form)),
            ("a number", "12345678901", Err(ReasonCode::Form)),
            ("a time", "12:30", Err(ReasonCode::Form)),
            ("words", "不详", Err(ReasonCode::Form)),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).outcome(), expected.map(str::to_owned), "{name}");
        }
    }

    #[test]
    fn days_are_counted_from_the_epoch() {
        let rows = [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_779, "2026-11-22"),
        ];
        for (days, expected) in rows {
            assert_eq!(Date::from_days(days).to_string(), expected);
        }
    }

    #[test]
    fn leap_years() {
        for (year, expected) in [(2000, true), (1900, false), (2024, true), (2023, false)] {
            assert_eq!(Date::of(year, 2, 29).is_some(), expected, "{year}");
        }
    }
}
