//! Vehicle plates in running text.
//!
//! The character of a province, a letter, five or six more; points and spaces
//! behind the letter are dropped. Whether the whole is a plate belongs to the
//! validator of this crate.

use liuhen_kinds::segment::Numbers;

use super::glyph::{self, Gap, Glyph};
use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};
use crate::verdict::Verdict;

/// Proposes the plate whose province's character begins at `start`.
pub(super) fn propose(window: &mut Window<'_>, start: usize) {
    let text = window.text;
    if !window.rules.provinces.may_stand(text, start) {
        return;
    }
    let (province, wide) = glyph::decode(text, start);
    if wide != 3 || !Numbers::builtin().plate.provinces.contains(province) {
        return;
    }
    let mut plate = String::with_capacity(16);
    plate.push(province);
    let mut at = start + wide;
    let mut ends = [0; 9];
    let mut len = 0;
    let mut gaps = 0;
    let mut full = false;
    while len < 8 {
        let (glyph, width) = glyph::at(text, at);
        match glyph {
            Glyph::Digit(digit) if len > 0 => plate.push(char::from(b'0' + digit)),
            Glyph::Letter(letter) => plate.push(char::from(letter)),
            Glyph::Gap(Gap::Space | Gap::Dot | Gap::Dash) if len <= 1 && gaps < 2 => {
                gaps += 1;
                at += width;
                continue;
            }
            Glyph::Nothing => {
                at += width;
                continue;
            }
            _ => {
                let (c, width) = if width == 3 {
                    glyph::decode(text, at)
                } else {
                    break;
                };
                if len != 5 || !Numbers::builtin().plate.endings.contains(c) {
                    break;
                }
                plate.push(c);
                at += width;
                ends[len] = at;
                len += 1;
                break;
            }
        }
        full |= width > 1;
        at += width;
        ends[len] = at;
        len += 1;
    }
    // Six characters behind the province, seven for new energy.
    let Some(end) = len.checked_sub(1).map(|last| ends[last]) else {
        return;
    };
    if !matches!(len, 6 | 7) || !window.ends(end) {
        return;
    }
    let mut reasons = Reasons::STRUCTURE;
    if full {
        reasons = reasons.and(Reasons::FULL_WIDTH);
    }
    match crate::plate::check(&plate) {
        Verdict::Valid(_) => window.propose(ids::PLATE, start, end, reasons, Rank::Checked),
        // More letters than are issued, yet the form: words in capitals behind a province.
        Verdict::Doubtful(..) if plate.bytes().any(|b| b.is_ascii_digit()) => {
            window.propose(
                ids::PLATE,
                start,
                end,
                reasons.and(Reasons::LOOSE),
                Rank::Shaped,
            );
        }
        _ => {}
    }
}

/// Proposes the military document around `字第` at `at`: `军字第1234567号`.
pub(super) fn military(window: &mut Window<'_>, at: usize) {
    const BRANCHES: [&str; 14] = [
        "军", "士", "文", "政", "后", "装", "海", "空", "武", "参", "联", "北", "南", "兵",
    ];
    let text = window.text;
    let start = (1..=2).rev().find_map(|characters| {
        let start = at.checked_sub(characters * 3)?;
        BRANCHES
            .iter()
            .any(|branch| text[start..].starts_with(branch.as_bytes()))
            .then_some(start)
    });
    let Some(start) = start else { return };
    let from = at + "字第".len();
    let digits = text[from..]
        .iter()
        .take(9)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if !(4..=8).contains(&digits) {
        return;
    }
    let mut end = from + digits;
    if text[end..].starts_with("号".as_bytes()) {
        end += "号".len();
    }
    window.propose(
        ids::MILITARY_ID,
        start,
        end,
        Reasons::STRUCTURE,
        Rank::Shaped,
    );
}
