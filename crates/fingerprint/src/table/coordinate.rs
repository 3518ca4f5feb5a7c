//! Coordinates: the last decimal of longitude and latitude in decimal degrees.
//!
//! | place | forms | why it does no harm |
//! |---|---|---|
//! | `first`, `latter` | 121.473701 / 121.473702, pairs of [`super::digit`] | from six decimals on, one unit is 0.11 m or less; a telephone's own error is metres |
//!
//! Fewer than six decimals are left alone, and so are values of another shape: degrees with minutes,
//! traces of many points, plane coordinates.

use super::{Carrier, Reading, digit};
use crate::code::Symbol;

/// Decimals from which the last one is below a telephone's error, and up to which a spreadsheet
/// keeps it.
const DECIMALS: std::ops::RangeInclusive<usize> = 6..=12;

/// Names of the places of a pair.
const NAMES: [&str; 2] = ["first", "latter"];

/// Whether a text has the shape of one coordinate or a pair.
#[must_use]
pub fn is_coordinate(text: &str) -> bool {
    shaped(text).is_some()
}

/// Takes one coordinate or a pair apart; what has not that shape comes back whole.
#[must_use]
pub fn parse(text: &str) -> Carrier {
    let mut carrier = Carrier::new();
    carrier.reading = Reading::Coordinate;
    let mut at = 0;
    for (name, (start, end, decimals)) in NAMES.into_iter().zip(shaped(text).unwrap_or_default()) {
        let last = end - 1;
        let fine = DECIMALS.contains(&decimals) && start <= last;
        if let Some(forms) = digit::pair(&text[last..end]).filter(|_| fine) {
            carrier.fixed(text[at..last].chars());
            carrier.place(name, forms);
            at = end;
        }
    }
    carrier.fixed(text[at..].chars());
    carrier
}

/// Reads a leaked coordinate or pair, place by place, where all digits but the last agree.
///
/// A pair's halves may stand in columns of their own; closing zeros may be missing.
pub(super) fn observe(canonical: &str, leaked: &str) -> Vec<Option<Symbol>> {
    let leaked = leaked.trim();
    let theirs: Vec<&str> = parts(leaked);
    let read = |mine: &str| {
        let (head, last) = mine.split_at(mine.len() - 1);
        let forms = digit::pair(last)?;
        let fits = |their: &&str| {
            their
                .strip_prefix(head)
                .and_then(|tail| digit::shown(forms, tail))
        };
        theirs.iter().find_map(fits)
    };
    let numbers = parts(canonical)
        .into_iter()
        .zip(shaped(canonical).unwrap_or_default());
    numbers
        .filter(|(mine, (_, _, decimals))| {
            DECIMALS.contains(decimals) && digit::pair(&mine[mine.len() - 1..]).is_some()
        })
        .map(|(mine, _)| read(mine))
        .collect()
}

/// The numbers of a text of the right shape.
fn parts(text: &str) -> Vec<&str> {
    let found = shaped(text).unwrap_or_default();
    found
        .iter()
        .map(|(start, end, _)| &text[*start..*end])
        .collect()
}

/// Where each number stands and how many decimals it has: one, or two with a separator.
fn shaped(text: &str) -> Option<Vec<(usize, usize, usize)>> {
    let (first, decimals) = number(text)?;
    let mut found = vec![(0, first, decimals)];
    let rest = &text[first..];
    if rest.is_empty() {
        return Some(found);
    }
    let gap = rest.find(|c: char| c.is_ascii_digit() || c == '-')?;
    let separator = rest[..gap].trim();
    if !matches!(separator, "," | "，" | ";" | "" | "|") {
        return None;
    }
    let start = first + gap;
    let (length, decimals) = number(&text[start..])?;
    found.push((start, start + length, decimals));
    (start + length == text.len()).then_some(found)
}

/// The length of a number of degrees and its decimals.
fn number(text: &str) -> Option<(usize, usize)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(unsigned);
    let degrees: u16 = unsigned.get(..whole).filter(|_| whole <= 3)?.parse().ok()?;
    let decimals = digits(unsigned.get(whole..)?.strip_prefix('.')?);
    let sign = text.len() - unsigned.len();
    (degrees <= 180 && decimals > 0).then_some((sign + whole + 1 + decimals, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_and_their_places() {
        let rows = [
            ("121.473701", "121.473702", 1),
            ("31.230416,121.473701", "31.230416,121.473702", 2),
            ("-31.2304157, 121.473703", "-31.2304158, 121.473704", 2),
            ("31.230410", "31.230410", 0),
            ("31.230419", "31.230419", 0),
            ("31.23041", "31.23041", 0),
            ("31.230416,121.4737", "31.230416,121.4737", 1),
            ("3123041.123456", "3123041.123456", 0),
            ("31.230415,121.473701,4.5", "31.230415,121.473701,4.5", 0),
            ("31°14′", "31°14′", 0),
            ("", "", 0),
        ];
        for (text, ones, places) in rows {
            let carrier = parse(text);
            assert_eq!(carrier.places().count(), places, "{text}");
            assert_eq!(carrier.write(|_| Symbol::One).as_str(), ones);
            assert!(parse(ones) == carrier, "{text}");
            assert_eq!(
                observe(text, ones),
                vec![Some(Symbol::One); places],
                "{text}"
            );
        }
    }

    #[test]
    fn leaked_coordinates_and_what_they_show() {
        let pair = "31.230415,121.473701";
        assert_eq!(observe(pair, "121.473702"), [None, Some(Symbol::One)]);
        assert_eq!(
            observe(pair, "121.473701;31.230416"),
            [Some(Symbol::One), Some(Symbol::Zero)]
        );
        assert_eq!(observe(pair, "31.23042,121.4737"), [None, None]);
        assert_eq!(observe(pair, "40.000001,116.000001"), [None, None]);
    }
}
