//! Coordinates in running text.
//!
//! A pair of decimal degrees that lies in or around China, in either order, with
//! at least four decimals: such a pair is a house. Fewer decimals are a town.

use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};

/// Decimals from which a coordinate is precise.
const DECIMALS: usize = 4;

/// Reads a decimal number at `at`: its value, where it ends, its decimals.
fn decimal(text: &[u8], at: usize) -> Option<(f64, usize, usize)> {
    let digits = |at: usize| {
        text[at..]
            .iter()
            .take(18)
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let whole = digits(at);
    if !(1..=3).contains(&whole) || text.get(at + whole) != Some(&b'.') {
        return None;
    }
    let decimals = digits(at + whole + 1);
    let end = at + whole + 1 + decimals;
    if !(DECIMALS..=17).contains(&decimals) {
        return None;
    }
    let value = str::from_utf8(&text[at..end]).ok()?.parse().ok()?;
    Some((value, end, decimals))
}

/// Proposes the pair whose first digit stands at `start`; answers where it ends.
pub(super) fn propose(window: &mut Window<'_>, start: usize) -> Option<usize> {
    let text = window.text;
    if !window.begins(start) || window.continues(start) || in_list(&text[..start]) {
        return None;
    }
    let (first, end, _) = decimal(text, start)?;
    let next = next_number(text, end)?;
    let (second, end, _) = decimal(text, next)?;
    if text
        .get(end)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.')
        && text[end] != b'E'
        && text[end] != b'N'
    {
        return None;
    }
    // China with its seas [M]: 3.5 to 53.6 north, 73 to 135.1 east.
    let north = |degrees: f64| (3.5..=53.6).contains(&degrees);
    let east = |degrees: f64| (73.0..=135.1).contains(&degrees);
    let inside = (north(first) && east(second)) || (east(first) && north(second));
    if inside {
        window.propose(ids::GPS, start, end, Reasons::STRUCTURE, Rank::Shaped);
        return Some(end);
    }
    None
}

/// Whether another decimal and a comma stand before: a list of decimals is no place.
fn in_list(before: &[u8]) -> bool {
    let Some(before) = before.trim_ascii_end().strip_suffix(b",") else {
        return false;
    };
    let digits = before
        .iter()
        .rev()
        .take(20)
        .take_while(|b| b.is_ascii_digit())
        .count();
    digits > 0 && before[..before.len() - digits].ends_with(b".")
}

/// Proposes a pair in degrees, minutes and seconds whose first digit stands at `start`.
pub(super) fn sexagesimal(window: &mut Window<'_>, start: usize) {
    let text = window.text;
    let Some((first, end)) = degrees(text, start) else {
        return;
    };
    let gap = ["，", ",", " ", "、", "　", "；"]
        .iter()
        .fold(end, |at, sign| {
            if text[at..].starts_with(sign.as_bytes()) {
                at + sign.len()
            } else {
                at
            }
        });
    let Some((second, end)) = degrees(text, gap) else {
        return;
    };
    let inside = |north: u32, east: u32| (3..=53).contains(&north) && (73..=135).contains(&east);
    if inside(first, second) || inside(second, first) {
        window.propose(ids::GPS, start, end, Reasons::STRUCTURE, Rank::Shaped);
    }
}

/// Whole degrees of `39°54′32″N`, and where that ends.
fn degrees(text: &[u8], start: usize) -> Option<(u32, usize)> {
    let mut at = start;
    let mut whole = None;
    for signs in [
        &["°", "度"][..],
        &["′", "'", "’", "分"],
        &["″", "\"", "”", "秒"],
    ] {
        let digits = text
            .get(at..)?
            .iter()
            .take(8)
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let sign = signs
            .iter()
            .find(|sign| text[at + digits..].starts_with(sign.as_bytes()))?;
        if digits == 0 {
            return None;
        }
        whole = whole.or_else(|| str::from_utf8(&text[at..at + digits]).ok()?.parse().ok());
        at += digits + sign.len();
    }
    if matches!(text.get(at), Some(b'N' | b'E')) {
        at += 1;
    }
    Some((whole?, at))
}

/// Bytes on either side of a place within which its time stands.
const TIME: usize = 120;

/// Whether a time of day stands on the line of the place at `start..end`.
pub(super) fn is_timed(text: &[u8], start: usize, end: usize) -> bool {
    let line = |b: &u8| *b != b'\n';
    let before = text[..start]
        .iter()
        .rev()
        .take(TIME)
        .take_while(|b| line(b))
        .count();
    let behind = text[end..]
        .iter()
        .take(TIME)
        .take_while(|b| line(b))
        .count();
    let time = |part: &[u8]| {
        part.windows(5)
            .any(|w| w[2] == b':' && [w[0], w[1], w[3], w[4]].iter().all(u8::is_ascii_digit))
    };
    time(&text[start - before..start]) || time(&text[end..end + behind])
}

/// The first digit of the number behind `end`, over separators and a key such as `"lat":`.
fn next_number(text: &[u8], end: usize) -> Option<usize> {
    let behind = &text[end..text.len().min(end + 32)];
    let mut at = 0;
    let mut separated = false;
    let mut letters = 0;
    while let Some(b) = behind.get(at) {
        match b {
            b'0'..=b'9' if separated && letters <= 12 => return Some(end + at),
            b',' | b';' | b' ' | b'\t' | b':' | b'=' | b'&' | b'|' | b'/' => separated = true,
            b'"' | b'\'' | b'_' | b'(' | b')' | b'[' | b']' => {}
            b'a'..=b'z' | b'A'..=b'Z' => letters += 1,
            0x80.. => {
                let rest = &behind[at..];
                let known = [
                    "，", "、", "；", "：", "°", "东经", "北纬", "经度", "纬度", "　",
                ]
                .iter()
                .find(|sign| rest.starts_with(sign.as_bytes()))?;
                separated = true;
                at += known.len();
                continue;
            }
            _ => return None,
        }
        at += 1;
    }
    None
}
