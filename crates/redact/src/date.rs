//! Days moved by a number of days, in the form they were written in.

use jiff::ToSpan as _;
use jiff::civil::Date;
use liuhen_detect::normalise;
use liuhen_kinds::Kind;

/// `text` moved by `days`; nothing when it is no whole day, or leaves the calendar.
pub(crate) fn shifted(text: &str, days: i64) -> Option<String> {
    let plain = normalise(Kind::DATE_OF_BIRTH, text)?;
    let mut parts = plain
        .as_str()
        .split('-')
        .map(|part| part.parse::<i16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let small = |number: i16| i8::try_from(number).ok();
    let date = Date::new(year, small(month)?, small(day)?).ok()?;
    let moved = date.checked_add(days.days()).ok()?;
    let (y, m, d) = (moved.year(), moved.month(), moved.day());
    let text = text.trim();
    let padded = |sign: char| format!("{y:04}{sign}{m:02}{sign}{d:02}");
    Some(if text.contains('年') {
        format!("{y}年{m}月{d}日")
    } else if text.chars().all(|c| c.is_ascii_digit()) {
        format!("{y:04}{m:02}{d:02}")
    } else {
        // Whatever else it was, one form that every reader knows.
        padded(
            ['/', '.']
                .into_iter()
                .find(|sign| text.contains(*sign))
                .unwrap_or('-'),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_move_in_their_form() {
        let rows = [
            ("1990-02-27", 2, Some("1990-03-01")),
            ("1990年1月2日", -2, Some("1989年12月31日")),
            ("19900102", 365, Some("19910102")),
            ("1990/1/2", 1, Some("1990/01/03")),
            ("无", 1, None),
        ];
        for (text, days, expected) in rows {
            assert_eq!(shifted(text, days).as_deref(), expected, "{text}");
        }
    }
}
