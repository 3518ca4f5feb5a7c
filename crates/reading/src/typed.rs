//! Typed values of binary tables as people write them: dates, times, decimals, bytes.
//!
//! Times are UTC, or without a zone. What lies outside the calendar of four digits stays the
//! number that it is.

use std::fmt::Write as _;

use liuhen_document::{ProblemCode, Text};

use crate::Limits;
use crate::number::civil;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What a number of a time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    const fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }
}

/// Days since 1970 as a date.
pub(crate) fn date(days: i64) -> String {
    // Some 27,000 years around 1970, so that nothing overflows.
    let (year, month, day) = match days {
        -10_000_000..=10_000_000 => civil(days),
        _ => return days.to_string(),
    };
    match year {
        0..=9_999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => days.to_string(),
    }
}

/// A time of day since midnight.
pub(crate) fn clock(value: i64, unit: Unit) -> String {
    let (seconds, rest) = (
        value.div_euclid(unit.per_second()),
        value.rem_euclid(unit.per_second()),
    );
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    if rest > 0 {
        let nanos = rest * (Unit::Nanos.per_second() / unit.per_second());
        // Writing into a string cannot fail.
        let _ = write!(text, ".{nanos:09}");
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// A moment since 1970 as date and time, with a fraction of as many digits as it needs.
pub(crate) fn moment(value: i64, unit: Unit) -> String {
    let days = value.div_euclid(DAY * unit.per_second());
    let date = date(days);
    if !date.contains('-') || date.starts_with('-') {
        return value.to_string();
    }
    let rest = value.rem_euclid(DAY * unit.per_second());
    format!("{date} {}", clock(rest, unit))
}

/// A whole number with its decimal point so many digits from the right.
pub(crate) fn decimal(value: i128, scale: u32) -> String {
    if scale == 0 || scale > 64 {
        return value.to_string();
    }
    let places = scale as usize;
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{part}")
}

/// A number of two's complement, the highest byte first.
pub(crate) fn signed(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first().filter(|_| bytes.len() <= 16)?;
    let fill = if first & 0x80 == 0 { 0 } else { 0xFF };
    let mut whole = [fill; 16];
    whole[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}

/// Bytes as text where they are that, otherwise their digits.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        // Many writers leave out that their bytes are text.
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold("0x".to_owned(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

/// The cells of a row as `show` writes them; `None` when it cannot go on, the data being damaged from
/// here on.
pub(crate) fn row<C>(
    columns: impl IntoIterator<Item = C>,
    limits: &Limits,
    mut show: impl FnMut(C, &mut Cell) -> Option<()>,
) -> Option<Result<Vec<Text>, ProblemCode>> {
    let mut cells = Vec::new();
    let (mut problem, mut size) = (None, 0);
    for column in columns {
        let mut cell = Cell::new(limits.max_cell_bytes);
        show(column, &mut cell)?;
        match cell.into_text() {
            Some(text) => {
                size += text.len();
                cells.push(Text::from(text));
            }
            None => problem = Some(ProblemCode::CellTooLong),
        }
        if size > limits.max_row_bytes {
            problem = Some(ProblemCode::CellTooLong);
            cells.clear();
        }
    }
    Some(problem.map_or(Ok(cells), Err))
}

/// A cell being written, which is let go once it grows past its bound.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    most: usize,
    long: bool,
}

impl Cell {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            text: String::new(),
            most,
            long: false,
        }
    }

    pub(crate) fn put(&mut self, text: &str) {
        if self.long || self.text.len() + text.len() > self.most {
            return self.too_long();
        }
        self.text.push_str(text);
    }

    /// A value that is text: in quotation marks where it stands within JSON.
    pub(crate) fn text(&mut self, text: &str, json: bool) {
        match json {
            true => self.put(&quoted(text)),
            false => self.put(text),
        }
    }

    /// How many bytes a value may have to be worth reading.
    pub(crate) fn room(&self) -> u64 {
        match self.long {
            true => 0,
            false => (self.most - self.text.len()) as u64,
        }
    }

    /// Nothing more is kept.
    pub(crate) fn too_long(&mut self) {
        self.long = true;
        self.text = String::new();
    }

    /// What was written, unless it was too long.
    pub(crate) fn into_text(self) -> Option<String> {
        (!self.long).then_some(self.text)
    }
}

/// Text within JSON.
pub(crate) fn quoted(text: &str) -> String {
    // Strings always serialise.
    serde_json::to_string(text).unwrap_or_default()
}

/// A UUID of sixteen bytes.
pub(crate) fn uuid(bytes: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(bytes.try_into().ok()?);
    let digits = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    Some(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_write_them() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-719_528), "0000-01-01");
        assert_eq!(date(i64::MAX), i64::MAX.to_string());
        assert_eq!(clock(37_800_500, Unit::Millis), "10:30:00.5");
        assert_eq!(moment(-1, Unit::Nanos), "1969-12-31 23:59:59.999999999");
        assert_eq!(moment(1_700_000_000, Unit::Seconds), "2023-11-14 22:13:20");
        assert_eq!(moment(i64::MIN, Unit::Seconds), i64::MIN.to_string());
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(i128::MIN, 38).len(), 41);
        assert_eq!(
            (decimal(1230, 2), decimal(7, 0)),
            ("12.30".into(), "7".into())
        );
        assert_eq!((signed(&[0xFF, 0x38]), signed(&[])), (Some(-200), None));
        assert_eq!(
            (bytes(b"ab"), bytes(&[0xFF, 1])),
            ("ab".into(), "0xff01".into())
        );
        assert_eq!(
            uuid(&[0x11; 16]).unwrap(),
            "11111111-1111-1111-1111-111111111111"
        );
    }
}
