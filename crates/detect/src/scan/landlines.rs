//! Fixed telephones in running text.
//!
//! Hotlines (400, 800, 95 and their like) are nobody's own: they are no candidates.

use liuhen_kinds::segment::Numbers;

use super::glyph::{self, Glyph};
use super::hit::Reasons;
use super::ids;
use super::numbers::{bracket_before, plus_before};
use super::window::{Rank, Window};
use crate::fold::number;

/// Proposes digits as the number of a fixed telephone, with an extension if one follows.
///
/// `lengths` are those of its groups.
pub(super) fn propose(
    window: &mut Window<'_>,
    digits: &[u8],
    start: usize,
    end: usize,
    reasons: Reasons,
    lengths: &[usize],
) {
    let mut reasons = reasons;
    let mut start = start;
    let grouped = lengths.len() > 1;
    let country = match digits {
        [b'0', b'0', b'8', b'6', ..] => 4,
        [b'8', b'6', ..] if digits.len() >= 12 => 2,
        _ => 0,
    };
    let national = &digits[country..];
    let mut lengths = lengths;
    if country > 0 {
        // Only a prefix of its own, or with a plus sign, is one.
        let plus = plus_before(window.text, start);
        if lengths[0] != country && plus == start {
            return;
        }
        if lengths[0] == country {
            lengths = &lengths[1..];
        }
        reasons = reasons.and(Reasons::PREFIX);
        start = plus;
    }
    if !is_set(lengths) {
        return;
    }
    let local = match national {
        [b'0', rest @ ..] => rest,
        rest if reasons.has(Reasons::PREFIX) => rest,
        // Without an area code only a label makes it known.
        rest if matches!(rest.len(), 7 | 8) && !reasons.has(Reasons::LINE_BREAK) => {
            if is_called(window, start) && begins_well(rest) {
                put(window, start, end, reasons);
            }
            return;
        }
        _ => return,
    };
    let area = match local.first() {
        Some(b'1' | b'2') => 2,
        Some(b'3'..=b'9') => 3,
        _ => return,
    };
    if local.len() <= area || !matches!(local.len() - area, 7 | 8) || !begins_well(&local[area..]) {
        return;
    }
    let known = Numbers::builtin().area(number(&local[..area])).is_some();
    reasons = reasons.and(if known {
        Reasons::REGION
    } else {
        Reasons::UNKNOWN_REGION
    });
    // The bracket around an area code belongs to the number.
    start = bracket_before(window.text, start, end);
    // Set as one run of digits, running numbers look the same.
    reasons = reasons.and(if grouped {
        Reasons::GROUPED
    } else {
        Reasons::UNDIVIDED
    });
    put(window, start, end, reasons);
}

/// Whether groups are set as people set them: area, subscriber in one or two.
fn is_set(lengths: &[usize]) -> bool {
    matches!(
        lengths,
        [_] | [2..=4, 7 | 8] | [2..=4, 3 | 4, 4] | [6..=8, 4]
    ) || lengths.iter().all(|len| *len == 1)
}

fn put(window: &mut Window<'_>, start: usize, end: usize, reasons: Reasons) {
    let mut reasons = reasons;
    if window.continues(start) {
        reasons = reasons.and(Reasons::IN_NUMBER);
    }
    let end = extension(window.text, end).unwrap_or(end);
    window.propose(ids::LANDLINE, start, end, reasons, Rank::Shaped);
}

fn begins_well(subscriber: &[u8]) -> bool {
    let firsts = Numbers::builtin().landline.first.as_bytes();
    subscriber
        .first()
        .is_some_and(|digit| firsts.contains(digit))
}

/// Whether the word before says telephone.
fn is_called(window: &mut Window<'_>, start: usize) -> bool {
    let label = window.label_before(start);
    window.given.has(ids::LANDLINE)
        || label.is_some_and(|label| {
            window.rules.infos[usize::from(label)]
                .supports
                .has(ids::LANDLINE)
        })
}

/// Where an extension behind `end` ends: `转801`, `-801`, `ext. 801`.
fn extension(text: &[u8], end: usize) -> Option<usize> {
    let rest = &text[end..text.len().min(end + 24)];
    let sign = ["转分机", "转", "-", "－", " ext. ", " ext ", "ext", "#"]
        .iter()
        .find(|sign| rest.starts_with(sign.as_bytes()))?;
    let from = end + sign.len();
    let digits = text[from..]
        .iter()
        .take(7)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let more = matches!(glyph::at(text, from + digits).0, Glyph::Letter(_));
    ((1..=6).contains(&digits) && !more).then_some(from + digits)
}
