//! Times as shown: Beijing time, since the law's days and deadlines run by it (State Council, one legal time for the country).

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use maud::{Markup, html};

/// UTC+8, without daylight saving since 1992; a fixed offset needs no zone database.
fn beijing() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// `2026-11-20 09:12`, or nothing readable for a time outside the calendar.
pub(crate) fn minute(ms: i64) -> String {
    show(ms, "%Y-%m-%d %H:%M")
}

/// `2026-11-20 09:12:33`.
pub(crate) fn second(ms: i64) -> String {
    show(ms, "%Y-%m-%d %H:%M:%S")
}

/// `2026-11-20`.
pub(crate) fn day(ms: i64) -> String {
    show(ms, "%Y-%m-%d")
}

fn show(ms: i64, format: &str) -> String {
    Timestamp::from_millisecond(ms)
        .map(|time| time.to_zoned(beijing()).strftime(format).to_string())
        .unwrap_or_else(|_| "—".to_owned())
}

/// Milliseconds of the end of a day written `2026-11-20`, Beijing time.
pub(crate) fn end_of_day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    let end = date.at(23, 59, 59, 0).to_zoned(beijing()).ok()?;
    Some(end.timestamp().as_millisecond())
}

/// Milliseconds of an RFC 3339 time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// A `<time>` element to the minute; the machine's form keeps the milliseconds.
pub(crate) fn element(ms: i64) -> Markup {
    let exact = Timestamp::from_millisecond(ms)
        .map(|time| time.to_string())
        .unwrap_or_default();
    html! { time datetime=(exact) { (minute(ms)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_time() {
        let ms = parse("2026-11-20T01:12:33.004Z").unwrap();
        assert_eq!(minute(ms), "2026-11-20 09:12");
        assert_eq!(second(ms), "2026-11-20 09:12:33");
        assert_eq!(day(parse("2026-11-20T16:00:00Z").unwrap()), "2026-11-21");
    }

    #[test]
    fn a_day_ends_in_beijing() {
        assert_eq!(end_of_day("2026-11-20"), parse("2026-11-20T15:59:59Z"));
        assert_eq!(end_of_day("2026-02-30"), None);
        assert_eq!(end_of_day(""), None);
    }

    #[test]
    fn times_outside_the_calendar_are_not_shown() {
        assert_eq!(minute(i64::MAX), "—");
    }
}
