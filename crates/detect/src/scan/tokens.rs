//! Words of letters and digits: passports, vehicles, organisations, parcels, and
//! numbers with letters that a scanner took for digits.

use liuhen_kinds::digits;
use liuhen_kinds::segment::Numbers;

use super::glyph::{self, Glyph};
use super::hit::Reasons;
use super::ids;
use super::numbers;
use super::window::{Rank, Window};
use crate::identity::{self, Document};

/// Longest word of letters and digits that is looked at here.
const LONGEST: usize = 24;

/// Fewest letters and digits of a word with fewer than seven digits in a row.
pub(super) const LEAST: usize = 11;

/// A word of letters and digits, folded to ASCII, with the case it is written in.
pub(super) struct Token {
    bytes: [u8; LONGEST],
    len: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    full: bool,
}

impl Token {
    /// The word around `at`; none when it is too long.
    pub(super) fn around(text: &[u8], at: usize) -> Option<Token> {
        if let Some(token) = Token::ascii(text, at) {
            return token;
        }
        let mut start = at;
        for _ in 0..=LONGEST {
            match glyph::before(text, start) {
                (Glyph::Digit(_) | Glyph::Letter(_), len) => start -= len,
                _ => break,
            }
        }
        let mut token = Token {
            bytes: [0; LONGEST],
            len: 0,
            start,
            end: start,
            full: false,
        };
        loop {
            let (glyph, len) = glyph::at(text, token.end);
            let byte = match glyph {
                Glyph::Digit(digit) => b'0' + digit,
                Glyph::Letter(_) if len == 1 => text[token.end],
                Glyph::Letter(letter) => letter,
                _ => break,
            };
            *token.bytes.get_mut(token.len)? = byte;
            token.full |= len > 1;
            token.len += 1;
            token.end += len;
        }
        Some(token)
    }

    /// The word around `at`, when nothing but ASCII stands there.
    fn ascii(text: &[u8], at: usize) -> Option<Option<Token>> {
        let letter = |byte: &&u8| byte.is_ascii_alphanumeric();
        let before = text[..at].iter().rev().take(LONGEST + 1);
        let start = at - before.take_while(letter).count();
        let len = text[start..]
            .iter()
            .take(LONGEST + 1)
            .take_while(letter)
            .count();
        let plain = |byte: Option<&u8>| byte.is_none_or(|byte| *byte < 0x80 && *byte != b'%');
        let end = start + len;
        let escaped = text[start.saturating_sub(2)..start].contains(&b'%');
        if escaped || !plain(text[..start].last()) || !plain(text.get(end)) {
            return None;
        }
        if len > LONGEST {
            return Some(None);
        }
        let mut bytes = [0; LONGEST];
        bytes[..len].copy_from_slice(&text[start..end]);
        Some(Some(Token {
            bytes,
            len,
            start,
            end,
            full: false,
        }))
    }

    fn upper(&self) -> [u8; LONGEST] {
        self.bytes.map(|b| b.to_ascii_uppercase())
    }
}

/// Proposes the word as whatever it may be.
pub(super) fn propose(window: &mut Window<'_>, token: &Token) {
    let upper = token.upper();
    let word = &upper[..token.len];
    let letters = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    match token.len {
        8..=11 => booklet(window, token, word),
        15 if letters == 3 => foreigner(window, token, word),
        17 => vehicle(window, token, word),
        18 => organisation(window, token, word),
        19 => student(window, token, word),
        _ => {}
    }
    if letters > 0 && token.len >= 11 {
        waybill(window, token, word);
        masked_by_letters(window, token, word);
        confused(window, token, letters);
    }
}

fn put(window: &mut Window<'_>, kind: u8, token: &Token, reasons: Reasons, rank: Rank) {
    let mut reasons = reasons;
    if token.full {
        reasons = reasons.and(Reasons::FULL_WIDTH);
    }
    if window.continues(token.start) || window.is_continued(token.end) {
        reasons = reasons.and(Reasons::IN_NUMBER);
    }
    window.propose(kind, token.start, token.end, reasons, rank);
}

/// Passports and permits: one or two letters, then digits.
fn booklet(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let heads = word.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let tail = &word[heads..];
    if !(1..=2).contains(&heads) || !tail.iter().all(u8::is_ascii_digit) {
        return;
    }
    let series = |b: u8| b != b'I' && b != b'O';
    let kind = match (&word[..heads], tail.len()) {
        (b"E" | b"G" | b"K" | b"H" | b"S" | b"D" | b"P", 8) if word[0] != b'H' => ids::PASSPORT,
        ([b'E', second], 7) if series(*second) => ids::PASSPORT,
        (b"PE" | b"SE" | b"DE" | b"KJ" | b"MA" | b"MB", 7) => ids::PASSPORT,
        (b"H" | b"M", 8 | 10) | (b"C" | b"W", 8) => ids::HK_MO_PERMIT,
        ([b'C', second], 7) if series(*second) => ids::HK_MO_PERMIT,
        (b"L" | b"T", 8) => ids::TW_PERMIT,
        _ => return,
    };
    put(window, kind, token, Reasons::STRUCTURE, Rank::Shaped);
    if word[0] == b'H' && tail.len() == 8 {
        put(
            window,
            ids::PASSPORT,
            token,
            Reasons::STRUCTURE.and(Reasons::LOOSE),
            Rank::Shaped,
        );
    }
}

/// The permanent residence permit of a foreigner, as issued until 2023.
fn foreigner(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let (country, rest) = word.split_at(3);
    if !country.iter().all(u8::is_ascii_uppercase) || !rest.iter().all(u8::is_ascii_digit) {
        return;
    }
    let month = (rest[6] - b'0') * 10 + (rest[7] - b'0');
    if (1..=12).contains(&month) {
        put(
            window,
            ids::FOREIGNER_ID,
            token,
            Reasons::OLD_FORM.and(Reasons::LOOSE),
            Rank::Shaped,
        );
    }
}

fn vehicle(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let Some(vin) = word.first_chunk::<17>() else {
        return;
    };
    let letters = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    // Digits alone, and words, are no vehicle's; the last four are always digits (GB 16735).
    if letters < 2 || !word[13..].iter().all(u8::is_ascii_digit) {
        return;
    }
    match digits::vin(vin) {
        Some(check) if check == vin[8] => {
            put(window, ids::VIN, token, Reasons::CHECK_DIGIT, Rank::Checked);
        }
        Some(_) if word[0] == b'L' => {
            put(window, ids::VIN, token, Reasons::WRONG_CHECK, Rank::Shaped);
        }
        _ => {}
    }
}

/// The unified social credit code, or an identity number ending with X.
fn organisation(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let Some((first, last)) = word.first_chunk::<17>().zip(word.last()) else {
        return;
    };
    if !matches!(
        first[0],
        b'1' | b'2' | b'3' | b'4' | b'5' | b'6' | b'7' | b'8' | b'9' | b'A' | b'N' | b'Y'
    ) {
        return;
    }
    if is_organisation(first, *last) {
        put(
            window,
            ids::USCC,
            token,
            Reasons::CHECK_DIGIT,
            Rank::Checked,
        );
    }
}

/// Whether 17 characters and the last are a unified social credit code: its own
/// check, that of the organisation's code within it, and a region that exists.
pub(super) fn is_organisation(first: &[u8; 17], last: u8) -> bool {
    let region = &first[2..8];
    region.iter().all(u8::is_ascii_digit)
        && liuhen_kinds::region::is_listed(crate::fold::number(region))
        && org_check(&first[8..16]) == Some(first[16])
        && digits::uscc(first) == Some(last)
}

/// The check character of an organisation's code, from its first eight (GB 11714).
fn org_check(body: &[u8]) -> Option<u8> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(u32::from(b - b'0')),
        b'A'..=b'Z' => Some(u32::from(b - b'A') + 10),
        _ => None,
    };
    let sum = body
        .iter()
        .zip(WEIGHTS)
        .try_fold(0, |sum, (b, weight)| Some(sum + value(*b)? * weight))?;
    Some(match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0' + u8::try_from(digit).ok()?,
    })
}

/// A national student number: G or J and an identity number.
fn student(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let judged = identity::judge(&word[1..]);
    match (word[0], judged) {
        (b'G' | b'J', Some(judged)) if judged.checked => {
            put(
                window,
                ids::STUDENT_ID,
                token,
                Reasons::CHECK_DIGIT,
                Rank::Checked,
            );
        }
        (b'L', Some(_)) => put(
            window,
            ids::STUDENT_ID,
            token,
            Reasons::STRUCTURE.and(Reasons::LOOSE),
            Rank::Shaped,
        ),
        _ => {}
    }
}

/// Parcels whose carrier's letters stand before the digits, and those of the postal union.
fn waybill(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let heads = word.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let digits_from = |at: usize| word[at..].iter().all(u8::is_ascii_digit);
    let rest = token.len - heads;
    let fits = match &word[..heads] {
        b"SF" => matches!(rest, 12 | 13),
        b"YT" | b"JT" => rest == 13,
        b"DPK" => rest == 12,
        b"JD" => rest == 13,
        _ => false,
    };
    let jingdong = word.starts_with(b"JD") && token.len == 15 && digits_from(4);
    if (fits && digits_from(heads)) || jingdong {
        put(
            window,
            ids::WAYBILL,
            token,
            Reasons::STRUCTURE,
            Rank::Shaped,
        );
    } else if token.len == 13 && heads == 2 && is_postal(word) {
        put(
            window,
            ids::WAYBILL,
            token,
            Reasons::CHECK_DIGIT,
            Rank::Checked,
        );
    }
}

/// Universal Postal Union S10: two letters, eight digits, a check digit, a country.
fn is_postal(word: &[u8]) -> bool {
    const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];
    let digits = &word[2..11];
    if !digits.iter().all(u8::is_ascii_digit) || !word[11..].iter().all(u8::is_ascii_uppercase) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let check = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        check => check,
    };
    u32::from(digits[8] - b'0') == check
}

/// `138xxxx8000`: letters that hide digits.
fn masked_by_letters(window: &mut Window<'_>, token: &Token, word: &[u8]) {
    let head = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let hidden = word[head..].iter().take_while(|b| **b == b'X').count();
    let tail = &word[head + hidden..];
    if hidden >= 3 && tail.iter().all(u8::is_ascii_digit) {
        super::masked::put(window, &word[..head], hidden, tail, token.start, token.end);
    }
}

/// The digit that a scanner takes for a letter.
fn digit_for(letter: u8) -> Option<u8> {
    Some(match letter {
        b'O' | b'o' | b'D' | b'Q' => b'0',
        b'l' | b'I' | b'i' | b'L' => b'1',
        b'Z' | b'z' => b'2',
        b'S' | b's' => b'5',
        b'G' | b'b' => b'6',
        b'B' => b'8',
        b'g' | b'q' => b'9',
        _ => return None,
    })
}

/// Digits that a number with confused ones still has.
const SURE_DIGITS: usize = 5;

/// Numbers some of whose digits were read as letters; at most six in ten.
fn confused(window: &mut Window<'_>, token: &Token, letters: usize) {
    let written = &token.bytes[..token.len];
    let last_x = token.len == 18 && matches!(written[17], b'X' | b'x');
    let doubtful = letters - usize::from(last_x);
    if doubtful == 0 || doubtful * 10 > token.len * 6 || token.len - letters < SURE_DIGITS {
        return;
    }
    let mut word = [0; LONGEST];
    for (place, byte) in written.iter().enumerate() {
        word[place] = match byte {
            b'0'..=b'9' => *byte,
            b'X' | b'x' if place == 17 && last_x => b'X',
            letter => match digit_for(*letter) {
                Some(digit) => digit,
                None => return,
            },
        };
    }
    let word = &word[..token.len];
    let reasons = Reasons::CONFUSED;
    if token.len == 18
        && let Some(judged) = identity::judge(word)
        && judged.checked
        && judged.known_region
    {
        let kind = match judged.document {
            Document::Resident => ids::RESIDENT_ID,
            Document::HkMoTw => ids::HK_MO_TW_RESIDENCE,
            Document::Foreigner => ids::FOREIGNER_ID,
        };
        put(
            window,
            kind,
            token,
            reasons.and(Reasons::CHECK_DIGIT),
            Rank::Shaped,
        );
    }
    if numbers::is_mobile(word) {
        put(
            window,
            ids::MOBILE,
            token,
            reasons.and(numbers::segment(word)),
            Rank::Shaped,
        );
    }
    if (16..=19).contains(&token.len)
        && word.iter().all(u8::is_ascii_digit)
        && digits::passes_luhn(word)
        && Numbers::builtin().issuer(word).is_some()
    {
        let reasons = reasons.and(Reasons::CHECK_DIGIT).and(Reasons::ISSUER);
        put(window, ids::BANK_CARD, token, reasons, Rank::Shaped);
    }
}

/// The code of an organisation: eight characters, a hyphen, a check character.
pub(super) fn org_code(window: &mut Window<'_>, hyphen: usize) {
    let text = window.text;
    let Some(start) = hyphen.checked_sub(8) else {
        return;
    };
    let checked = text.get(start..hyphen).and_then(org_check);
    if checked.is_some()
        && text.get(hyphen + 1).copied() == checked
        && window.begins(start)
        && window.ends(hyphen + 2)
        && !window.continues(start)
    {
        window.propose(
            ids::ORG_CODE,
            start,
            hyphen + 2,
            Reasons::CHECK_DIGIT,
            Rank::Shaped,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_whole() {
        let text = "号ＬDC613P23A130518９，";
        let token = Token::around(text.as_bytes(), 10).unwrap();
        assert_eq!(&token.bytes[..token.len], b"LDC613P23A1305189");
        assert_eq!((token.start, token.end), (3, text.len() - 3));
        assert!(Token::around(&[b'a'; 90], 40).is_none());
    }

    #[test]
    fn postal_numbers_have_a_check_digit() {
        assert!(is_postal(b"RB123456785GB"));
        assert!(!is_postal(b"RB123456784GB"));
    }
}
