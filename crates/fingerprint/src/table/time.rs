//! Times of events: neighbouring seconds, or the last digit of a fraction of a second.
//!
//! | place | forms | why it does no harm |
//! |---|---|---|
//! | `second` | 13:45:21 / 13:45:22, pairs 01\|02 to 57\|58 | one second, the value's last unit; never 00, never into another minute |
//! | `fraction` | 21.347 / 21.348, pairs of [`super::digit`] | one unit of the last decimal; the second stays |
//!
//! What is altered is decided value by value: a second of 00 (times kept to the minute) and 59 are
//! left alone. Nothing before the seconds changes, nor does what follows them, such as a zone.
//! No kind of the catalogue is a time, so a column is taken for one when it has no kind, its name
//! says so, and the name speaks of no birth, death, term or validity, where a value has legal weight.

use std::ops::RangeInclusive;

use super::{Carrier, Reading, digit};
use crate::code::Symbol;

/// Endings of names of columns that hold times of events.
const TIMES: [&str; 8] = [
    "时间",
    "时刻",
    "time",
    "_at",
    "_ts",
    "timestamp",
    "日期时间",
    "time_utc",
];

/// Words of names of columns whose times are facts of law or of a life.
const NEVER: [&str; 30] = [
    "生效",
    "签署",
    "签订",
    "签约",
    "授权",
    "同意",
    "去世",
    "逝世",
    "effective",
    "signed",
    "consent",
    "authori",
    "deceased",
    "出生",
    "生日",
    "birth",
    "born",
    "dob",
    "死亡",
    "death",
    "到期",
    "过期",
    "截止",
    "有效",
    "失效",
    "expir",
    "valid",
    "deadline",
    "due",
    "until",
];

/// Seconds in pairs.
const SECONDS: [[&str; 2]; 29] = [
    ["01", "02"],
    ["03", "04"],
    ["05", "06"],
    ["07", "08"],
    ["09", "10"],
    ["11", "12"],
    ["13", "14"],
    ["15", "16"],
    ["17", "18"],
    ["19", "20"],
    ["21", "22"],
    ["23", "24"],
    ["25", "26"],
    ["27", "28"],
    ["29", "30"],
    ["31", "32"],
    ["33", "34"],
    ["35", "36"],
    ["37", "38"],
    ["39", "40"],
    ["41", "42"],
    ["43", "44"],
    ["45", "46"],
    ["47", "48"],
    ["49", "50"],
    ["51", "52"],
    ["53", "54"],
    ["55", "56"],
    ["57", "58"],
];

/// Whether a column's name says that it holds times of events.
#[must_use]
pub fn is_event_column(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let says = TIMES.iter().any(|ending| lower.ends_with(ending)) || name.ends_with("At");
    says && !NEVER.iter().any(|word| lower.contains(word))
}

/// Whether a text has the shape of a time with seconds.
#[must_use]
pub fn is_time(text: &str) -> bool {
    shaped(text).is_some()
}

/// Takes a time apart; what has not the shape of one comes back whole.
#[must_use]
pub fn parse(time: &str) -> Carrier {
    let mut carrier = Carrier::new();
    carrier.reading = Reading::Time;
    let Some((seconds, fraction)) = shaped(time) else {
        carrier.fixed(time.chars());
        return carrier;
    };
    let end = seconds + 2;
    let (name, at, length, forms) = if fraction == 0 {
        let forms = SECONDS
            .into_iter()
            .find(|forms| forms.contains(&&time[seconds..end]));
        ("second", seconds, 2, forms)
    } else {
        let last = end + fraction;
        ("fraction", last, 1, digit::pair(&time[last..=last]))
    };
    match forms {
        Some(forms) => {
            carrier.fixed(time[..at].chars());
            carrier.place(name, forms);
            carrier.fixed(time[at + length..].chars());
        }
        None => carrier.fixed(time.chars()),
    }
    carrier
}

/// Reads a leaked time, however its date is written, when it is the same minute (or second).
pub(super) fn observe(canonical: &str, leaked: &str) -> Option<Symbol> {
    let leaked = leaked.trim();
    let (ours, theirs) = (shaped(canonical)?, shaped(leaked)?);
    let (mine, their) = (numbers(canonical)?, numbers(leaked)?);
    let second = |text: &str, at: usize| text[at..at + 2].to_owned();
    if mine[..5] != their[..5] {
        return None;
    }
    if ours.1 == 0 {
        let mine = second(canonical, ours.0);
        let forms = SECONDS
            .into_iter()
            .find(|forms| forms.contains(&mine.as_str()))?;
        return digit::shown(forms, &second(leaked, theirs.0));
    }
    // All decimals but the last must agree; a shortened or dropped fraction says nothing.
    if theirs.1 != ours.1 {
        return None;
    }
    let fraction =
        |text: &str, (at, digits): (usize, usize)| text[at + 2..at + 3 + digits].to_owned();
    let (mine, their) = (fraction(canonical, ours), fraction(leaked, theirs));
    let same = second(canonical, ours.0) == second(leaked, theirs.0) && mine.len() == their.len();
    let (head, last) = mine.split_at(mine.len() - 1);
    let tail = their.strip_prefix(head).filter(|_| same)?;
    digit::shown(digit::pair(last)?, tail)
}

/// Where the two digits of the seconds stand, and how many decimals follow them.
///
/// `YYYY-MM-DD HH:MM:SS`, with `/`, `.` or 年月日 in the date, `T` or spaces between, and after the
/// seconds a fraction, a zone or nothing.
fn shaped(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    let mut number = |lengths: RangeInclusive<usize>, range: RangeInclusive<u32>, ends: &[&str]| {
        let rest = text.get(at..)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value: u32 = rest.get(..digits)?.parse().ok()?;
        let end = ends.iter().find(|end| rest[digits..].starts_with(**end))?;
        let start = at;
        at += digits + end.len();
        (lengths.contains(&digits) && range.contains(&value)).then_some((start, at))
    };
    number(4..=4, 1900..=2199, &["-", "/", ".", "年"])?;
    number(1..=2, 1..=12, &["-", "/", ".", "月"])?;
    number(1..=2, 1..=31, &["日 ", "日", "T", "  ", " "])?;
    number(1..=2, 0..=23, &[":"])?;
    number(2..=2, 0..=59, &[":"])?;
    let (seconds, end) = number(2..=2, 0..=59, &[""])?;
    let rest = &text[end..];
    let decimals = rest.strip_prefix('.').map_or(0, |rest| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let zone = &rest[if decimals > 0 { decimals + 1 } else { 0 }..];
    let zoned = zone.is_empty()
        || zone == "Z"
        || (zone.starts_with(['+', '-'])
            && zone.len() <= 6
            && zone[1..].bytes().all(|b| b.is_ascii_digit() || b == b':'));
    (zoned && decimals <= 9).then_some((seconds, decimals))
}

/// Year, month, day, hour, minute.
fn numbers(text: &str) -> Option<[u32; 5]> {
    let mut groups = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty());
    let mut next = || groups.next()?.parse().ok();
    Some([next()?, next()?, next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_their_places() {
        let rows = [
            ("2026-05-07 13:45:21", "2026-05-07 13:45:22", Some("second")),
            ("2026/5/7 9:05:58", "2026/5/7 9:05:58", Some("second")),
            (
                "2026-05-07T13:45:09Z",
                "2026-05-07T13:45:10Z",
                Some("second"),
            ),
            (
                "2026-05-07T13:45:10+08:00",
                "2026-05-07T13:45:10+08:00",
                Some("second"),
            ),
            (
                "2026年5月7日 13:45:01",
                "2026年5月7日 13:45:02",
                Some("second"),
            ),
            (
                "2026-05-07 13:45:21.347",
                "2026-05-07 13:45:21.348",
                Some("fraction"),
            ),
            ("2026-05-07 13:45:21.340", "2026-05-07 13:45:21.340", None),
            ("2026-05-07 13:45:00", "2026-05-07 13:45:00", None),
            ("2026-05-07 13:45:59", "2026-05-07 13:45:59", None),
            ("2026-05-07 13:45", "2026-05-07 13:45", None),
            ("2026-05-07", "2026-05-07", None),
            ("2026-13-07 13:45:21", "2026-13-07 13:45:21", None),
            ("13:45:21", "13:45:21", None),
            (
                "2026-05-07 13:45:21 or so",
                "2026-05-07 13:45:21 or so",
                None,
            ),
            ("", "", None),
        ];
        for (time, ones, name) in rows {
            let carrier = parse(time);
            assert_eq!(
                carrier.places().next().map(|place| place.name),
                name,
                "{time}"
            );
            assert_eq!(carrier.write(|_| Symbol::One).as_str(), ones);
            assert!(parse(ones) == carrier, "{time}");
        }
    }

    #[test]
    fn a_leaked_time_in_another_dress() {
        let stored = "2026-05-07 13:45:21";
        let rows = [
            ("2026-05-07 13:45:21", Some(Symbol::Zero)),
            ("2026/5/7 13:45:22", Some(Symbol::One)),
            ("2026年5月7日13:45:22", Some(Symbol::One)),
            ("2026-05-07T13:45:22+08:00", Some(Symbol::One)),
            ("2026-05-07 13:45:23", None),
            ("2026-05-07 13:46:21", None),
            ("2026-05-08 13:45:21", None),
            ("2026-05-07 13:45", None),
        ];
        for (leaked, seen) in rows {
            assert_eq!(observe(stored, leaked), seen, "{leaked}");
        }
        let fine = "2026-05-07 13:45:21.347";
        assert_eq!(observe(fine, "2026-05-07 13:45:21.348"), Some(Symbol::One));
        assert_eq!(observe(fine, "2026-05-07 13:45:21.34"), None);
        assert_eq!(observe(fine, "2026-05-07 13:45:22.348"), None);
    }

    #[test]
    fn columns_of_events() {
        for name in [
            "下单时间",
            "created_at",
            "createTime",
            "updatedAt",
            "login_time",
            "time",
        ] {
            assert!(is_event_column(name), "{name}");
        }
        for name in [
            "出生时间",
            "birth_time",
            "有效截止时间",
            "expires_at",
            "备注",
            "日期",
            "cat",
            "",
        ] {
            assert!(!is_event_column(name), "{name}");
        }
    }

    #[test]
    fn a_fraction_that_a_spreadsheet_cut_says_nothing() {
        let stored = "2026-05-07 13:45:21.347";
        for leaked in [
            "2026-05-07 13:45:21",
            "2026-05-07 13:45:21Z",
            "2026-05-07 13:45:21.34",
        ] {
            assert_eq!(observe(stored, leaked), None, "{leaked}");
        }
        assert!(observe("2026-05-07 13:45:21", stored).is_some());
    }
}
