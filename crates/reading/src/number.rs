//! Numbers and dates of spreadsheets, as a person reads them.
//!
//! A spreadsheet keeps a number as a binary64 and shows 15 significant digits of it (ECMA-376,
//! part 1, 18.17.5.2, and IEEE 754): an 18-digit resident ID or a 19-digit card typed as a number
//! has lost its last digits for good, and is refused here instead of being passed on as right.
//! Dates are days since the end of 1899 (or the start of 1904), told apart by number format only.

/// How a number is to be shown, out of its number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// As a number.
    #[default]
    Plain,
    /// As a number filled up with zeros to so many digits: `000000` shows a postcode whole.
    Digits(u8),
    /// As a date, a time of day, or both.
    Moment { date: bool, time: bool },
    /// As hours that may pass 24: `[h]:mm`.
    Span,
}

/// Digits that a spreadsheet keeps.
const SIGNIFICANT: usize = 15;
/// The least integer of more digits than are kept.
const TOO_LONG: f64 = 1e15;

/// Why a number cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// It has more digits than were kept.
    Spoiled,
    /// It is no number.
    Malformed,
}

/// Shows the number written `raw` in a cell of this shape.
pub(crate) fn show(raw: &str, shape: Shape, from_1904: bool) -> Result<String, NumberError> {
    let raw = raw.trim_ascii();
    if shape == Shape::Plain && is_short_integer(raw) {
        return Ok(raw.to_owned());
    }
    let value: f64 = raw.parse().map_err(|_| NumberError::Malformed)?;
    if !value.is_finite() {
        return Err(NumberError::Malformed);
    }
    if value.abs() >= TOO_LONG {
        return Err(NumberError::Spoiled);
    }
    let dated = match shape {
        Shape::Moment { date, time } => moment(value, date, time, from_1904),
        Shape::Span => span(value),
        Shape::Plain | Shape::Digits(_) => None,
    };
    let shown = dated.unwrap_or_else(|| plain(value));
    Ok(match shape {
        Shape::Digits(n) if shown.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{shown:0>width$}", width = usize::from(n))
        }
        _ => shown,
    })
}

/// Up to 15 digits without a leading zero: most numbers, already as a person reads them.
fn is_short_integer(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    (1..=SIGNIFICANT).contains(&bytes.len())
        && (bytes[0] != b'0' || bytes.len() == 1)
        && bytes.iter().all(u8::is_ascii_digit)
}

/// 15 significant digits, no exponent, no trailing zeros.
fn plain(value: f64) -> String {
    let exact = format!("{:.*e}", SIGNIFICANT - 1, value);
    let Some((mantissa, exponent)) = exact.split_once('e') else {
        return exact;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        format!("{sign}0.{zeros}{digits}")
    } else if digits.len() <= point {
        format!("{sign}{digits:0<point$}")
    } else {
        format!("{sign}{}.{}", &digits[..point], &digits[point..])
    }
}

const DAY: u64 = 86_400;
/// The serial number after 9999-12-31, the last day a spreadsheet knows.
const LAST: u64 = 2_958_466;

/// A date and time in the form of ISO 8601; nothing when no day has this number.
fn moment(value: f64, date: bool, time: bool, from_1904: bool) -> Option<String> {
    let value = if from_1904 { value + 1_462.0 } else { value };
    let (days, seconds) = days_and_seconds(value)?;
    let clock = clock(seconds);
    if !date {
        return Some(clock);
    }
    // Day 60 is 29 February 1900, which never was; the days before it are off by one.
    let days = match days {
        0 => return time.then_some(clock),
        60 => return None,
        1..60 => days + 1,
        _ => days,
    };
    // Day 0 of this count, 30 December 1899, is 25,569 days before 1970.
    let (year, month, day) = civil(i64::try_from(days).ok()? - 25_569);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if time || seconds > 0 {
        format!("{date}T{clock}")
    } else {
        date
    })
}

fn span(value: f64) -> Option<String> {
    let (days, seconds) = days_and_seconds(value)?;
    let all = days * DAY + seconds;
    Some(format!(
        "{:02}:{:02}:{:02}",
        all / 3_600,
        all / 60 % 60,
        all % 60
    ))
}

/// Whole days and the seconds of the rest, rounded to the second.
fn days_and_seconds(value: f64) -> Option<(u64, u64)> {
    if !(0.0..LAST as f64).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0 and below 2,958,466 × 86,400"
    )]
    let all = (value * DAY as f64).round() as u64;
    Some((all / DAY, all % DAY))
}

fn clock(seconds: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Year, month and day of the proleptic Gregorian calendar, by days since 1970-01-01.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from 1 March, so that the leap day comes last; 400 years have 146,097 days.
    let since = days + 719_468;
    let (era, day) = (since.div_euclid(146_097), since.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, date)
}

/// Whether a cell of text holds a long number that a spreadsheet has already rounded for show:
/// `1.10101E+17`: fewer digits than the number has, which are eleven (a mobile number) or more.
pub(crate) fn is_spoiled(cell: &str) -> bool {
    let bytes = cell.trim_ascii().as_bytes();
    let Some(e) = bytes.len().checked_sub(4).filter(|e| *e > 0) else {
        return false;
    };
    let (mantissa, power) = bytes.split_at(e);
    let exponent = match power {
        [b'E' | b'e', b'+', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            usize::from(tens - b'0') * 10 + usize::from(ones - b'0')
        }
        _ => return false,
    };
    let fraction = match mantissa {
        [b'1'..=b'9'] => 0,
        [b'1'..=b'9', b'.', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => rest.len(),
        _ => return false,
    };
    exponent >= 10 && fraction < exponent
}

/// What a number format shows, by its code (ECMA-376, part 1, 18.8.31).
pub(crate) fn shape_of_code(code: &str) -> Shape {
    let first = code.split(';').next().unwrap_or_default();
    if !first.is_empty() && first.len() <= SIGNIFICANT && first.bytes().all(|byte| byte == b'0') {
        let digits = u8::try_from(first.len()).unwrap_or(0);
        return if digits == 1 {
            Shape::Plain
        } else {
            Shape::Digits(digits)
        };
    }
    let (letters, elapsed) = meaningful(code);
    if elapsed {
        return Shape::Span;
    }
    let has = |wanted: &[char]| letters.contains(wanted);
    let time = has(&['h', 's']);
    let date = has(&['y', 'd']) || (has(&['m']) && !time);
    if date || time {
        Shape::Moment { date, time }
    } else {
        Shape::Plain
    }
}

/// The letters of a code's first section that stand for parts of a date, and whether one of them
/// is an elapsed time such as `[h]`; quoted and escaped text, colours and locales left out.
fn meaningful(code: &str) -> (String, bool) {
    let mut letters = String::new();
    let mut elapsed = false;
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => chars.by_ref().take_while(|c| *c != '"').for_each(drop),
            '\\' | '_' | '*' => drop(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let inside = inside.to_ascii_lowercase();
                elapsed |= ["h", "hh", "m", "mm", "s", "ss"].contains(&inside.as_str());
            }
            // AM and PM are text, whatever their letters.
            'A' | 'a' if chars.as_str().starts_with(['M', 'm', '/']) => {
                chars
                    .by_ref()
                    .take_while(|c| !"Pp".contains(*c))
                    .for_each(drop);
                if chars.as_str().starts_with(['M', 'm']) {
                    chars.next();
                }
            }
            ';' => break,
            _ => letters.push(c.to_ascii_lowercase()),
        }
    }
    (letters, elapsed)
}

/// What a built-in number format shows, by its number (ECMA-376, part 1, 18.8.30, with the
/// additions for Chinese).
pub(crate) fn shape_of_builtin(id: u32) -> Shape {
    match id {
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Shape::Moment {
            date: true,
            time: false,
        },
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Shape::Moment {
            date: false,
            time: true,
        },
        22 => Shape::Moment {
            date: true,
            time: true,
        },
        46 => Shape::Span,
        _ => Shape::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: Shape = Shape::Moment {
        date: true,
        time: false,
    };
    const TIME: Shape = Shape::Moment {
        date: false,
        time: true,
    };
    const BOTH: Shape = Shape::Moment {
        date: true,
        time: true,
    };

    #[test]
    fn numbers_read_as_a_person_reads_them() {
        let rows = [
            ("13800000000", Shape::Plain, Ok("13800000000")),
            ("1.38E10", Shape::Plain, Ok("13800000000")),
            ("3.0", Shape::Plain, Ok("3")),
            ("0.1", Shape::Plain, Ok("0.1")),
            ("0.30000000000000004", Shape::Plain, Ok("0.3")),
            ("-12.5", Shape::Plain, Ok("-12.5")),
            ("1E-7", Shape::Plain, Ok("0.0000001")),
            ("0", Shape::Plain, Ok("0")),
            ("-0", Shape::Plain, Ok("0")),
            ("999999999999999", Shape::Plain, Ok("999999999999999")),
            ("1000000000000000", Shape::Plain, Err(NumberError::Spoiled)),
            (
                "1.10101199003071E+17",
                Shape::Plain,
                Err(NumberError::Spoiled),
            ),
            ("110101199003070000", DATE, Err(NumberError::Spoiled)),
            ("10010", Shape::Digits(6), Ok("010010")),
            ("1.5", Shape::Digits(6), Ok("1.5")),
            ("NaN", Shape::Plain, Err(NumberError::Malformed)),
            ("inf", Shape::Plain, Err(NumberError::Malformed)),
            ("12a", Shape::Plain, Err(NumberError::Malformed)),
            ("", Shape::Plain, Err(NumberError::Malformed)),
        ];
        for (raw, shape, expected) in rows {
            assert_eq!(
                show(raw, shape, false).as_deref().map_err(|e| *e),
                expected,
                "{raw}"
            );
        }
    }

    #[test]
    fn dates_take_the_iso_form() {
        let rows = [
            ("1", DATE, false, "1900-01-01"),
            ("59", DATE, false, "1900-02-28"),
            ("60", DATE, false, "60"),
            ("61", DATE, false, "1900-03-01"),
            ("25569", DATE, false, "1970-01-01"),
            ("36585", DATE, false, "2000-02-29"),
            ("45292", DATE, false, "2024-01-01"),
            ("45292.5", DATE, false, "2024-01-01T12:00:00"),
            ("45292", BOTH, false, "2024-01-01T00:00:00"),
            ("45292.999999999", BOTH, false, "2024-01-02T00:00:00"),
            ("0.75", TIME, false, "18:00:00"),
            ("1.5", Shape::Span, false, "36:00:00"),
            ("43830", DATE, true, "2024-01-01"),
            ("2958465", DATE, false, "9999-12-31"),
            ("2958466", DATE, false, "2958466"),
            ("-5", DATE, false, "-5"),
        ];
        for (raw, shape, from_1904, expected) in rows {
            assert_eq!(
                show(raw, shape, from_1904).as_deref(),
                Ok(expected),
                "{raw}"
            );
        }
    }

    #[test]
    fn codes_tell_dates_from_numbers() {
        let rows = [
            ("General", Shape::Plain),
            ("G/通用格式", Shape::Plain),
            ("0", Shape::Plain),
            ("000000", Shape::Digits(6)),
            ("0.00", Shape::Plain),
            ("#,##0_);[Red](#,##0)", Shape::Plain),
            ("0.00E+00", Shape::Plain),
            ("\"day\"0", Shape::Plain),
            ("yyyy-mm-dd", DATE),
            ("yyyy\"年\"m\"月\"d\"日\";@", DATE),
            ("[$-804]yyyy/m/d", DATE),
            ("mmm-yy", DATE),
            ("h:mm AM/PM", TIME),
            ("mm:ss", TIME),
            ("yyyy-mm-dd hh:mm:ss", BOTH),
            ("[h]:mm:ss", Shape::Span),
            ("0;yyyy", Shape::Plain),
        ];
        for (code, expected) in rows {
            assert_eq!(shape_of_code(code), expected, "{code}");
        }
    }

    #[test]
    fn spoiled_numbers_in_text_are_known() {
        let rows = [
            ("1.10101E+17", true),
            ("6.22202E+18", true),
            ("1E+15", true),
            ("1.38E+10", true),
            ("1.5E+09", false),
            ("1.23456789012345E+14", false),
            ("1E12", false),
            ("3.5", false),
            ("E+17", false),
            ("10E+17", false),
            ("", false),
        ];
        for (cell, expected) in rows {
            assert_eq!(is_spoiled(cell), expected, "{cell}");
        }
    }
}
