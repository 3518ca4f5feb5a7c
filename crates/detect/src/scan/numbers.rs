//! Numbers that are made of groups of digits: documents, telephones, cards, devices.
//!
//! Every group may begin a number; groups behind it join when the gaps between
//! them are alike. How a whole is valid belongs to the validators of this crate.

use liuhen_kinds::digits;
use liuhen_kinds::segment::{Numbers, Segment};

use super::glyph::{self, Gap, Glyph};
use super::groups::Cluster;
use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};
use crate::fold::number;
use crate::identity::{self, Document};

/// Fewest digits of a number.
pub(super) const LEAST: usize = 7;

/// Most digits of a number with its country prefix.
const MOST: usize = 20;

/// Groups as people set them: lengths of groups, and digits in all.
const CUSTOMARY: [&[usize]; 18] = [
    &[3, 4, 4],
    &[4, 3, 4],
    &[4, 4, 3],
    &[2, 3, 4, 4],
    &[4, 3, 4, 4],
    &[2, 11],
    &[4, 11],
    &[6, 8, 4],
    &[6, 8, 3],
    &[6, 4, 4, 4],
    &[6, 4, 4, 3],
    &[6, 4, 2, 2, 4],
    &[4, 4, 4, 4],
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 3],
    &[6, 13],
    &[4, 6, 5],
];

/// One reading of groups as a number.
struct Reading<'c> {
    digits: &'c [u8],
    start: usize,
    end: usize,
    reasons: Reasons,
    /// Lengths of the groups.
    lengths: &'c [usize],
    /// Points stand between groups.
    dotted: bool,
    /// Several groups, not set as people set them, or joined to more of their like.
    loose: bool,
    grouped: bool,
}

/// Proposes every number that groups of the cluster make up.
pub(super) fn propose(window: &mut Window<'_>, cluster: &Cluster) {
    for first in 0..cluster.groups.len() {
        let group = cluster.groups[first];
        if group.long || cluster.digits_from(first) < LEAST {
            continue;
        }
        let begins = window.begins(group.start) || has_key(window, group.start);
        if !begins {
            continue;
        }
        let mut total = 0;
        let mut reasons = Reasons::NONE;
        let mut gap: Option<Gap> = None;
        let mut uniform = true;
        let mut lengths = [0_usize; MOST];
        for last in first..cluster.groups.len().min(first + MOST) {
            let next = cluster.groups[last];
            total += next.len;
            if next.long || total > MOST {
                break;
            }
            lengths[last - first] = next.len;
            reasons = reasons.and(forms(&next));
            if last > first {
                match (next.gap, gap) {
                    (Some(Gap::Break), _) if reasons.has(Reasons::LINE_BREAK) => break,
                    (Some(Gap::Break), _) => reasons = reasons.and(Reasons::LINE_BREAK),
                    (joint, None) => gap = joint,
                    (joint, known) => uniform &= joint == known,
                }
            }
            if !plausible(total) {
                continue;
            }
            let lengths = &lengths[..=last - first];
            let grouped = last > first;
            let customary = grouped && CUSTOMARY.contains(&lengths);
            let single = lengths.len() > 6 && lengths.iter().all(|len| *len == 1);
            let chained = grouped && {
                let left = first > 0 && group.gap.is_some() && group.gap == gap;
                let right = cluster
                    .groups
                    .get(last + 1)
                    .is_some_and(|after| after.gap == gap);
                left || right
            };
            let broken_only = grouped && gap.is_none();
            let reading = Reading {
                digits: cluster.digits(first, last),
                start: group.start,
                end: next.end,
                reasons: if customary && grouped {
                    reasons.and(Reasons::GROUPED)
                } else {
                    reasons
                },
                lengths,
                dotted: gap == Some(Gap::Dot),
                loose: grouped && !broken_only && !(customary || (single && !chained)),
                grouped,
            };
            read(window, &reading, uniform);
        }
    }
}

/// What the writing of a group adds.
fn forms(group: &super::groups::Group) -> Reasons {
    let mut reasons = Reasons::NONE;
    if group.full {
        reasons = reasons.and(Reasons::FULL_WIDTH);
    }
    if group.numerals {
        reasons = reasons.and(Reasons::NUMERALS);
    }
    if group.invisible {
        reasons = reasons.and(Reasons::INVISIBLE);
    }
    reasons
}

/// Whether any number has so many digits.
const fn plausible(total: usize) -> bool {
    matches!(total, 7 | 8 | 10..=20)
}

/// Whether a key such as `tel` or `QQ` stands right before `start`.
fn has_key(window: &mut Window<'_>, start: usize) -> bool {
    matches!(window.before(start), Glyph::Letter(_)) && window.label_before(start).is_some()
}

/// Tries a reading as each sort of number.
fn read(window: &mut Window<'_>, reading: &Reading<'_>, uniform: bool) {
    let total = reading.digits.len();
    if (17..=18).contains(&total) {
        document(window, reading);
    }
    let ends = window.ends(reading.end);
    if !ends || is_amount(window, reading) {
        return;
    }
    if (11..=15).contains(&total) && (uniform || total > 11) {
        mobile(window, reading);
    }
    if matches!(total, 7 | 8 | 10..=15) && !reading.dotted {
        super::landlines::propose(
            window,
            reading.digits,
            reading.start,
            reading.end,
            reading.reasons,
            reading.lengths,
        );
    }
    if total == 15 && uniform {
        if !reading.loose {
            old_document(window, reading);
        }
        device(window, reading);
    }
    if (13..=19).contains(&total) && uniform {
        card(window, reading);
    }
    if (19..=20).contains(&total) && reading.digits.starts_with(b"8986") {
        let check = digits::passes_luhn(reading.digits);
        let reasons = if check {
            Reasons::CHECK_DIGIT
        } else {
            Reasons::LUHN_FAILS
        };
        put(window, ids::ICCID, reading, reasons, Rank::Checked);
    }
}

/// Proposes a reading as a kind, with what its surroundings as a number say.
fn put(window: &mut Window<'_>, kind: u8, reading: &Reading<'_>, reasons: Reasons, rank: Rank) {
    let mut reasons = reasons.and(reading.reasons);
    if reading.loose && rank != Rank::Checked {
        reasons = reasons.and(Reasons::LOOSE);
    }
    if window.continues(reading.start) || window.is_continued(reading.end) {
        reasons = reasons.and(Reasons::IN_NUMBER);
    }
    if window.rules.is_never(kind, reading.digits) {
        return;
    }
    window.propose(kind, reading.start, reading.end, reasons, rank);
}

/// An identity number of 18 characters; the last may be an X behind 17 digits.
fn document(window: &mut Window<'_>, reading: &Reading<'_>) {
    let mut bytes = [0; 18];
    let mut end = reading.end;
    if reading.digits.len() == 18 {
        bytes.copy_from_slice(reading.digits);
    } else {
        bytes[..17].copy_from_slice(reading.digits);
        bytes[17] = b'X';
        let Some(behind) = x_behind(window.text, end) else {
            return;
        };
        end = behind;
    }
    if !window.ends(end) {
        return;
    }
    if let Some((first, last)) = bytes.first_chunk::<17>().zip(bytes.last())
        && !reading.grouped
        && super::tokens::is_organisation(first, *last)
    {
        put(
            window,
            ids::USCC,
            reading,
            Reasons::CHECK_DIGIT,
            Rank::Checked,
        );
    }
    let Some(judged) = identity::judge(&bytes) else {
        return;
    };
    let kind = match judged.document {
        Document::Resident => ids::RESIDENT_ID,
        Document::HkMoTw => ids::HK_MO_TW_RESIDENCE,
        Document::Foreigner => ids::FOREIGNER_ID,
    };
    let reasons = match (judged.checked, judged.known_region) {
        (true, true) => Reasons::CHECK_DIGIT.and(Reasons::REGION),
        (true, false) => Reasons::CHECK_DIGIT.and(Reasons::UNKNOWN_REGION),
        (false, _) => Reasons::WRONG_CHECK,
    };
    // Groups that a line break or an odd setting joined need the check all the more.
    if !judged.checked && (reading.loose || reading.reasons.has(Reasons::LINE_BREAK)) {
        return;
    }
    let rank = if judged.checked {
        Rank::Checked
    } else {
        Rank::Shaped
    };
    let whole = Reading {
        end,
        reasons: reading.reasons,
        ..*reading
    };
    put(window, kind, &whole, reasons, rank);
}

/// Where an X that belongs to the digits before `end` ends.
fn x_behind(text: &[u8], end: usize) -> Option<usize> {
    let mut at = end;
    for _ in 0..4 {
        let (glyph, len) = glyph::at(text, at);
        match glyph {
            Glyph::Letter(b'X') => return Some(at + len),
            Glyph::Mask if text[at..].starts_with("×".as_bytes()) => return Some(at + len),
            Glyph::Nothing => at += len,
            Glyph::Gap(Gap::Space | Gap::Dash) if at == end => at += len,
            _ => return None,
        }
    }
    None
}

/// An identity number of before 1999.
fn old_document(window: &mut Window<'_>, reading: &Reading<'_>) {
    if identity::is_old(reading.digits) {
        put(
            window,
            ids::RESIDENT_ID,
            reading,
            Reasons::OLD_FORM.and(Reasons::REGION),
            Rank::Shaped,
        );
    }
}

/// Whether a number begins like a mobile one.
pub(super) fn is_mobile(digits: &[u8]) -> bool {
    digits.len() == 11 && digits[0] == b'1' && digits[1] >= b'3'
}

/// What the segment of a mobile number adds.
pub(super) fn segment(digits: &[u8]) -> Reasons {
    match Numbers::builtin().mobile_segment(number(&digits[..5])) {
        Segment::Assigned => Reasons::SEGMENT,
        Segment::Unassigned | Segment::Things | Segment::Satellite => Reasons::UNASSIGNED,
    }
}

fn mobile(window: &mut Window<'_>, reading: &Reading<'_>) {
    let digits = reading.digits;
    let prefix = match digits.len() {
        11 => 0,
        12 if digits[0] == b'0' => 1,
        13 if digits.starts_with(b"86") => 2,
        15 if digits.starts_with(b"0086") => 4,
        _ => return,
    };
    let own = &digits[prefix..];
    if !is_mobile(own) || window.rules.is_never(ids::MOBILE, own) {
        return;
    }
    let mut reasons = segment(own);
    let mut start = reading.start;
    if prefix >= 2 {
        reasons = reasons.and(Reasons::PREFIX);
        start = bracket_before(window.text, plus_before(window.text, start), reading.end);
    }
    let whole = Reading { start, ..*reading };
    put(window, ids::MOBILE, &whole, reasons, Rank::Shaped);
}

/// Where a plus sign before `start` begins, or `start` itself.
pub(super) fn plus_before(text: &[u8], start: usize) -> usize {
    ["+", "＋", "%2B", "%2b"]
        .iter()
        .find(|plus| text[..start].ends_with(plus.as_bytes()))
        .map_or(start, |plus| start - plus.len())
}

/// Where a bracket that closes within the number opens before `start`, or `start` itself.
pub(super) fn bracket_before(text: &[u8], start: usize, end: usize) -> usize {
    let pairs = [("(", ")"), ("（", "）"), ("%28", "%29")];
    pairs
        .iter()
        .find(|(open, close)| {
            text[..start].ends_with(open.as_bytes())
                && memchr::memmem::find(&text[start..end], close.as_bytes()).is_some()
        })
        .map_or(start, |(open, _)| start - open.len())
}

fn card(window: &mut Window<'_>, reading: &Reading<'_>) {
    let numbers = Numbers::builtin();
    let luhn = digits::passes_luhn(reading.digits);
    // Nine numbers in ten end here; looking up the issuer takes longer.
    let mut labelled = || {
        let label = window.label_before(reading.start);
        label.is_some_and(|label| {
            window.rules.infos[usize::from(label)]
                .supports
                .has(ids::BANK_CARD)
        }) || window.given.has(ids::BANK_CARD)
    };
    if !luhn && !labelled() {
        return;
    }
    let issuer = numbers.issuer(reading.digits).is_some();
    // Neither a check digit nor an issuer: some other sort of card, whatever its label.
    if !issuer && (!luhn || numbers.network(reading.digits).is_none()) {
        return;
    }
    let mut reasons = if luhn {
        Reasons::CHECK_DIGIT
    } else {
        Reasons::LUHN_FAILS
    };
    reasons = reasons.and(if issuer {
        Reasons::ISSUER
    } else {
        Reasons::UNKNOWN_ISSUER
    });
    put(window, ids::BANK_CARD, reading, reasons, Rank::Shaped);
}

/// Numbers of telephones themselves: 15 digits.
fn device(window: &mut Window<'_>, reading: &Reading<'_>) {
    let digits = reading.digits;
    // Type allocation codes begin with the reporting body: 01, 35, 86, 99 and their like.
    if matches!(digits[0], b'0' | b'3' | b'4' | b'8' | b'9') && digits::passes_luhn(digits) {
        put(
            window,
            ids::IMEI,
            reading,
            Reasons::CHECK_DIGIT,
            Rank::Shaped,
        );
    }
    if digits.starts_with(b"460") {
        put(window, ids::IMSI, reading, Reasons::STRUCTURE, Rank::Shaped);
    }
}

/// Whether a sum of money or a measure stands there.
fn is_amount(window: &Window<'_>, reading: &Reading<'_>) -> bool {
    let units = [
        "元", "万", "亿", "%", "％", "斤", "公里", "米", "吨", "股", "人次", "美元", "块", "次",
    ];
    let signs = ["￥", "¥", "$", "€", "£", "＄"];
    let behind = &window.text[reading.end..];
    let before = &window.text[..reading.start];
    units.iter().any(|unit| behind.starts_with(unit.as_bytes()))
        || signs.iter().any(|sign| before.ends_with(sign.as_bytes()))
}
