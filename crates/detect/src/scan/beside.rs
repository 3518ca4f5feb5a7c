//! What stands beside groups of digits: words of letters and digits, network
//! addresses, places, and values that only a label makes out.

use super::compiled::Compiled;
use super::glyph::{self, Glyph};
use super::groups::Cluster;
use super::tokens::{self, Token};
use super::window::Window;
use super::{labels, network, numbers, places, values};

/// What stands beside groups: words of letters and digits, network addresses, places.
pub(super) fn propose(window: &mut Window<'_>, cluster: &Cluster) {
    let text = window.text;
    let mut token_end = 0;
    let mut place_end = 0;
    for (n, group) in cluster
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| !group.long)
    {
        called(window, group.start);
        values::before_label(window, group.start, group.end);
        if group.start >= token_end
            && touches_letter(text, group.start, group.end)
            && let Some(token) = Token::around(text, group.start)
        {
            token_end = token.end;
            tokens::propose(window, &token);
        }
        match text.get(group.end) {
            Some(b'.' | 0xEF) if group.len <= 3 && group.start >= place_end => {
                network::ipv4(window, cluster, n);
                place_end = places::propose(window, group.start).unwrap_or(0);
            }
            Some(0xC2 | 0xE5) if group.len <= 3 => places::sexagesimal(window, group.start),
            Some(b'-') if group.len == 8 => tokens::org_code(window, group.end),
            _ => {}
        }
    }
}

/// Whether a letter touches digits.
fn touches_letter(text: &[u8], start: usize, end: usize) -> bool {
    let ends = match text.get(end) {
        Some(byte @ ..0x80) if *byte != b'%' => byte.is_ascii_alphabetic(),
        _ => matches!(glyph::at(text, end).0, Glyph::Letter(_)),
    };
    // Behind `%41` too, which ends with a digit.
    let begins = match start.checked_sub(1).map(|at| text[at]) {
        Some(byte @ ..0x80) if !byte.is_ascii_digit() => byte.is_ascii_alphabetic(),
        _ => matches!(glyph::before(text, start).0, Glyph::Letter(_)),
    };
    ends || begins
}

/// Where a Latin key may end before a value at `start`, with signs between that no
/// other extractor reads from the key on; whether they state the value.
pub(super) fn key_before(rules: &Compiled, text: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut end = start;
    let (mut stated, mut divided, mut wide) = (false, false, false);
    for _ in 0..10 {
        let last = *text.get(end.checked_sub(1)?)?;
        if last.is_ascii_alphanumeric() {
            break;
        }
        let from = glyph::boundary_before(text, end);
        match labels::sign(glyph::decode(text, from).0) {
            labels::Sign::None => return None,
            labels::Sign::Passes => {}
            labels::Sign::Divides => divided = true,
            labels::Sign::States => stated = true,
        }
        wide |= last >= 0x80;
        end = from;
    }
    // What signs of ASCII alone state is read from the key on.
    let read = stated && !wide;
    (!read && rules.may_end_key(text, end)).then_some((end, stated || divided))
}

/// Where a few digits of ASCII, or the word that they begin or end, end: where only a
/// label can make something of them, since nothing joins them to more digits.
pub(super) fn short_end(text: &[u8], at: usize) -> Option<usize> {
    let digits = text[at..].iter().take(numbers::LEAST);
    let run = digits.take_while(|byte| byte.is_ascii_digit()).count();
    let end = at + run;
    let joins = |byte: u8| match glyph::ascii(byte) {
        Glyph::Letter(_) => false,
        Glyph::Other | Glyph::Mask => byte == b'%' || byte == b'\\' || byte >= 0x80,
        _ => true,
    };
    let before = at.checked_sub(1).map(|at| text[at])?;
    let behind = *text.get(end)?;
    if run == 0 || run == numbers::LEAST || joins(behind) || before >= 0x80 {
        return None;
    }
    if !before.is_ascii_alphabetic() && !behind.is_ascii_alphabetic() {
        return (!before.is_ascii_digit()).then_some(end);
    }
    // Words of letters and fewer than seven digits in a row have eleven at least.
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric();
    let left = text[..at]
        .iter()
        .rev()
        .take(tokens::LEAST)
        .take_while(letter)
        .count();
    let right = text[end..]
        .iter()
        .take(tokens::LEAST)
        .take_while(letter)
        .count();
    let outside = [(at - left).checked_sub(1), Some(end + right)];
    let alone = outside.iter().flatten().all(|at| {
        let byte = text.get(*at).copied().unwrap_or(b' ');
        byte < 0x80 && !matches!(byte, b'%' | b'\\')
    });
    (alone && left + run + right < tokens::LEAST).then_some(end)
}

/// Values behind a Latin word with no sign between, as in `QQ12345678`.
fn called(window: &mut Window<'_>, start: usize) {
    let text = window.text;
    if let Some((end, stated)) = key_before(window.rules, text, start)
        && let Some(word) = window.latin_label(end)
    {
        values::propose_at(window, word, start, stated, true);
    }
    if text[start] >= 0x80 {
        values::bare(window, start);
    }
}
