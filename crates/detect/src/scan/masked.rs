//! Values that are partly hidden: what is left of them still leads to somebody.
//!
//! `138****8000` and `110101********8531` are findings of their own, residues
//! of the value, marked as such.

use super::glyph::{self, Gap, Glyph};
use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};

/// Signs, digits and gaps looked at on either side of a mask.
const REACH: usize = 24;

/// Proposes the value around the mask that begins at `at`; answers where the mask ends.
pub(super) fn propose(window: &mut Window<'_>, at: usize) -> usize {
    let text = window.text;
    let mut head = [0_u8; REACH];
    let mut head_len = 0;
    let mut start = at;
    let mut cursor = at;
    // Backwards over digits, with one gap behind them at most.
    let mut gapped = false;
    while head_len < REACH {
        let (glyph, len) = glyph::before(text, cursor);
        match glyph {
            Glyph::Digit(digit) => {
                head[REACH - 1 - head_len] = b'0' + digit;
                head_len += 1;
                cursor -= len;
                start = cursor;
            }
            // A gap may stand between the mask and the digits, not among these.
            Glyph::Gap(Gap::Space | Gap::Dash) if !gapped && head_len == 0 => {
                gapped = true;
                cursor -= len;
            }
            Glyph::Nothing => cursor -= len,
            _ => break,
        }
    }
    let head = &head[REACH - head_len..];
    // Forwards over masks, gaps and digits.
    let mut hidden = 0;
    let mut tail = [0_u8; REACH];
    let mut tail_len = 0;
    let mut end = at;
    let mut cursor = at;
    let mut behind_mask = at;
    gapped = false;
    while tail_len < REACH && hidden < REACH {
        let (glyph, len) = glyph::at(text, cursor);
        match glyph {
            Glyph::Mask if tail_len == 0 => {
                hidden += 1;
                behind_mask = cursor + len;
                gapped = false;
            }
            Glyph::Digit(digit) => {
                tail[tail_len] = b'0' + digit;
                tail_len += 1;
            }
            Glyph::Letter(b'X') if tail_len > 0 && head_len + hidden + tail_len == 17 => {
                tail[tail_len] = b'X';
                tail_len += 1;
            }
            Glyph::Gap(Gap::Space | Gap::Dash) if !gapped && tail_len == 0 => {
                gapped = true;
                cursor += len;
                continue;
            }
            Glyph::Nothing => {
                cursor += len;
                continue;
            }
            _ => break,
        }
        cursor += len;
        end = cursor;
    }
    if hidden >= 2 && window.begins(start) && window.ends(end) {
        put(window, head, hidden, &tail[..tail_len], start, end);
        email(window, at, behind_mask);
    }
    behind_mask.max(at + 1)
}

/// Proposes digits, hidden digits and digits as what they were.
pub(super) fn put(
    window: &mut Window<'_>,
    head: &[u8],
    hidden: usize,
    tail: &[u8],
    start: usize,
    end: usize,
) {
    let mut start = start;
    let mut head = head;
    if head.len() + hidden + tail.len() == 13
        && let Some(own) = head.strip_prefix(b"86")
    {
        head = own;
        start = super::numbers::plus_before(window.text, start);
    }
    let total = head.len() + hidden + tail.len();
    let shown = head.len() + tail.len();
    let reasons = Reasons::MASKED.and(Reasons::STRUCTURE);
    // A value whose end is hidden shows more of its beginning.
    let enough = |least: usize| !tail.is_empty() || head.len() >= least;
    let mobile = total == 11 && head.len() >= 2 && head[0] == b'1' && head[1] >= b'3' && enough(7);
    let identity = total == 18
        && !head.is_empty()
        && shown >= 2
        && matches!(head[0], b'1'..=b'9')
        && enough(6);
    let card = (15..=19).contains(&total)
        && total != 18
        && (4..=8).contains(&head.len())
        && matches!(tail.len(), 3..=5)
        && matches!(head[0], b'3'..=b'6' | b'8');
    if mobile {
        window.propose(ids::MOBILE, start, end, reasons, Rank::Checked);
    } else if identity {
        window.propose(ids::RESIDENT_ID, start, end, reasons, Rank::Shaped);
    } else if card {
        window.propose(ids::BANK_CARD, start, end, reasons, Rank::Shaped);
    }
    // Masks of another length than what they hide: only a label tells.
    if !mobile && !identity && !card && shown >= 4 && !tail.is_empty() {
        let Some(label) = window.label_before(start) else {
            return;
        };
        let supports = window.rules.infos[usize::from(label)].supports;
        // Accounts are often telephone numbers, but these begin like one.
        let kinds = match head {
            [b'1', b'3'..=b'9', ..] if head.len() <= 7 => &[ids::MOBILE, ids::BANK_CARD][..],
            // What is left of a country's prefix.
            b"86" | b"086" | b"0086" => &[ids::MOBILE, ids::BANK_CARD][..],
            [] => &[ids::RESIDENT_ID, ids::MOBILE, ids::BANK_CARD][..],
            _ => &[ids::RESIDENT_ID, ids::BANK_CARD][..],
        };
        let kind = kinds.iter().copied().find(|kind| supports.has(*kind));
        if let Some(kind) = kind {
            window.propose(kind, start, end, reasons, Rank::Shaped);
        }
    }
}

/// `z***@example.com`: the mask lies before the sign.
fn email(window: &mut Window<'_>, mask: usize, behind: usize) {
    let text = window.text;
    let local = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_' || b == b'-';
    let mut start = mask;
    while start > 0 && mask - start < 64 && local(text[start - 1]) {
        start -= 1;
    }
    let mut at = behind;
    while at < text.len() && at - behind < 32 && local(text[at]) {
        at += 1;
    }
    if text.get(at) == Some(&b'@')
        && start < mask
        && let Some(end) = super::network::domain(text, at + 1)
    {
        let reasons = Reasons::MASKED.and(Reasons::STRUCTURE);
        window.propose(ids::EMAIL, start, end, reasons, Rank::Checked);
    }
}
