//! Numbers of identity documents.
//!
//! Rules: GB 11643-1999 for 18 characters (check by ISO/IEC 7064, MOD 11-2) and
//! GB 11643-1989 for 15; residence permits of Hong Kong, Macao and Taiwan
//! residents and, since 2023, permits of foreigners use the same check.
//! The region of a number is the place of first registration. It may be out of
//! use today, and a person may have been registered late, so the years of the
//! code are not compared with the birth.

use liuhen_kinds::segment::Numbers;
use liuhen_kinds::{digits, region};

use crate::date::Date;
use crate::fold::{Compact, ascii, number};
use crate::verdict::{Judgement, ReasonCode, Verdict};

/// Bytes of an identity number of today.
const DIGITS: usize = 18;

/// Bytes of an identity number before 1999.
const OLD_DIGITS: usize = 15;

/// A citizen's number; permits of others are doubtful here.
pub(crate) fn resident_id(text: &str) -> Verdict {
    let Some(compact) = Compact::<DIGITS>::of(text) else {
        return Verdict::Invalid(shape(text));
    };
    match (compact.bytes().len(), resident(compact.bytes())) {
        (OLD_DIGITS, _) => old(compact.bytes()),
        (_, Err(reason)) => Verdict::Invalid(reason),
        (_, Ok(None)) => Verdict::Valid(ascii(compact.bytes()).into()),
        (_, Ok(Some(reason))) => Verdict::Doubtful(ascii(compact.bytes()).into(), reason),
    }
}

/// As [`resident_id`], into a buffer.
pub(crate) fn resident_id_into(text: &str, out: &mut String) -> Judgement {
    let Some(compact) = Compact::<DIGITS>::of(text) else {
        return Err(shape(text));
    };
    if compact.bytes().len() == OLD_DIGITS {
        return old(compact.bytes()).into_buffer(out);
    }
    let judged = resident(compact.bytes())?;
    out.push_str(str::from_utf8(compact.bytes()).unwrap_or_default());
    Ok(judged)
}

/// What 18 characters are; a number of 15 is the caller's.
fn resident(bytes: &[u8]) -> Judgement {
    match bytes.len() {
        DIGITS => {}
        0 => return Err(ReasonCode::Empty),
        _ => return Err(ReasonCode::Length),
    }
    checked(bytes)?;
    if is_hk_mo_tw(bytes) || bytes[0] == b'9' {
        return Ok(Some(ReasonCode::OtherDocument));
    }
    match place(number(&bytes[..6])) {
        Place::Known => Ok(None),
        Place::Province => Ok(Some(ReasonCode::UnknownRegion)),
        Place::Nowhere => Err(ReasonCode::UnknownRegion),
    }
}

/// The residence permit of a resident of Hong Kong, Macao or Taiwan.
pub(crate) fn hk_mo_tw_residence(text: &str) -> Verdict {
    permit(text, is_hk_mo_tw)
}

/// The permanent residence permit of a foreigner, old and new.
pub(crate) fn foreigner_id(text: &str) -> Verdict {
    if let Some(compact) = Compact::<DIGITS>::of(text)
        && let bytes = compact.bytes()
        && bytes.len() == OLD_DIGITS
        && bytes[..3].iter().all(u8::is_ascii_uppercase)
        && bytes[3..].iter().all(u8::is_ascii_digit)
    {
        return Verdict::Doubtful(ascii(bytes).into(), ReasonCode::OldForm);
    }
    permit(text, |bytes| bytes[0] == b'9')
}

/// An ordinary passport of the People's Republic, of Hong Kong or of Macao.
///
/// Has no check digit, so it is never more than doubtful.
pub(crate) fn passport(text: &str) -> Verdict {
    let Some(compact) = Compact::<9>::of(text) else {
        return Verdict::Invalid(ReasonCode::Form);
    };
    let bytes = compact.bytes();
    let digits_from = |at: usize| bytes.len() == 9 && bytes[at..].iter().all(u8::is_ascii_digit);
    let fits = match bytes {
        [b'E', b'A'..=b'H' | b'J'..=b'N' | b'P'..=b'Z', ..] => digits_from(2),
        [b'P' | b'S' | b'D', b'E', ..] | [b'K', b'J', ..] | [b'M', b'A' | b'B', ..] => {
            digits_from(2)
        }
        [b'E' | b'G' | b'K' | b'H' | b'S' | b'D', ..] => digits_from(1),
        [b'1', b'4' | b'5', ..] => digits_from(0),
        [] => return Verdict::Invalid(ReasonCode::Empty),
        _ => false,
    };
    if fits {
        Verdict::Doubtful(ascii(bytes).into(), ReasonCode::Unchecked)
    } else {
        Verdict::Invalid(ReasonCode::Form)
    }
}

fn permit(text: &str, of_this_sort: impl Fn(&[u8]) -> bool) -> Verdict {
    let Some(compact) = Compact::<DIGITS>::of(text) else {
        return Verdict::Invalid(shape(text));
    };
    let bytes = compact.bytes();
    if bytes.len() != DIGITS {
        return Verdict::Invalid(ReasonCode::Length);
    }
    match checked(bytes) {
        Err(reason) => Verdict::Invalid(reason),
        Ok(()) if of_this_sort(bytes) => Verdict::Valid(ascii(bytes).into()),
        Ok(()) => Verdict::Invalid(ReasonCode::OtherDocument),
    }
}

/// Check digit and birth date of 18 bytes; the region is left to the caller.
fn checked(bytes: &[u8]) -> Result<(), ReasonCode> {
    let (Some(first), Some(last)) = (bytes.first_chunk::<17>(), bytes.get(17)) else {
        return Err(ReasonCode::Length);
    };
    let expected = digits::resident_id(first).ok_or(ReasonCode::Character)?;
    if !(last.is_ascii_digit() || *last == b'X') {
        return Err(ReasonCode::Character);
    }
    let date = Date::of(
        number(&bytes[6..10]),
        number(&bytes[10..12]),
        number(&bytes[12..14]),
    )
    .ok_or(ReasonCode::ImpossibleDate)?;
    if date.year() < Numbers::builtin().identity.earliest_birth_year {
        return Err(ReasonCode::ImpossibleDate);
    }
    if date.is_future() {
        return Err(ReasonCode::FutureDate);
    }
    if *last == expected {
        Ok(())
    } else {
        Err(ReasonCode::CheckDigit)
    }
}

/// A number of 15 digits becomes one of 18: the century goes in, a check digit on.
fn old(bytes: &[u8]) -> Verdict {
    if !bytes.iter().all(u8::is_ascii_digit) {
        return Verdict::Invalid(ReasonCode::Character);
    }
    if place(number(&bytes[..6])) != Place::Known {
        return Verdict::Invalid(ReasonCode::UnknownRegion);
    }
    let mut first = [0; 17];
    first[..6].copy_from_slice(&bytes[..6]);
    first[6..8].copy_from_slice(b"19");
    first[8..].copy_from_slice(&bytes[6..]);
    if Date::of(
        number(&first[6..10]),
        number(&first[10..12]),
        number(&first[12..14]),
    )
    .is_none()
    {
        return Verdict::Invalid(ReasonCode::ImpossibleDate);
    }
    let Some(check) = digits::resident_id(&first) else {
        return Verdict::Invalid(ReasonCode::Character);
    };
    let mut value = ascii(&first);
    value.push(check as char);
    Verdict::Doubtful(value.into(), ReasonCode::OldForm)
}

/// What 18 characters of an identity number say of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Whose document it is.
    pub(crate) document: Document,
    /// The check character fits.
    pub(crate) checked: bool,
    /// The region code is listed; always so for permits.
    pub(crate) known_region: bool,
}

/// Documents that have a number of 18 characters with the same check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Resident,
    HkMoTw,
    Foreigner,
}

/// Judges 18 ASCII digits, the last perhaps `X`; `None` when they are no document's.
///
/// A wrong check character is told and not refused: copies have mistakes.
pub(crate) fn judge(bytes: &[u8]) -> Option<Judged> {
    let checked = match checked(bytes) {
        Ok(()) => true,
        Err(ReasonCode::CheckDigit) => false,
        Err(_) => return None,
    };
    let (document, known_region) = if is_hk_mo_tw(bytes) {
        (Document::HkMoTw, true)
    } else if bytes[0] == b'9' {
        (Document::Foreigner, true)
    } else {
        match place(number(&bytes[..6])) {
            Place::Nowhere => return None,
            place => (Document::Resident, place == Place::Known),
        }
    };
    Some(Judged {
        document,
        checked,
        known_region,
    })
}

/// Whether 15 ASCII digits have the region and the date of an old number.
pub(crate) fn is_old(digits: &[u8]) -> bool {
    digits.len() == OLD_DIGITS && old(digits).normalised().is_some()
}

/// How well a region code is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Listed now or once, or of the endings that cards carry beside the lists.
    Known,
    /// Only its province exists.
    Province,
    /// Not even its province exists.
    Nowhere,
}

fn place(code: u32) -> Place {
    let identity = &Numbers::builtin().identity;
    if !identity.provinces.contains(&(code / 10_000)) {
        return Place::Nowhere;
    }
    let listed = region::is_listed(code);
    let unlisted =
        || identity.unlisted_endings.contains(&(code % 100)) && region::is_listed(code / 100 * 100);
    // Taiwan's counties have no codes in the lists.
    if listed || unlisted() || code / 10_000 == 71 {
        Place::Known
    } else {
        Place::Province
    }
}

fn is_hk_mo_tw(bytes: &[u8]) -> bool {
    matches!(bytes, [b'8', b'1'..=b'3', b'0', b'0', b'0', b'0', ..])
}

/// Why a text could not even be compacted.
fn shape(text: &str) -> ReasonCode {
    if text.contains('*') {
        ReasonCode::Masked
    } else if text.chars().count() > 2 * DIGITS {
        ReasonCode::Length
    } else {
        ReasonCode::Character
    }
}

#[cfg(test)]
mod tests {
    use liuhen_kinds::Kind;

    use super::*;
    use crate::{check, normalise};

    // Only numbers that the fact sheet marks as published stand here.
    #[test]
    fn resident_ids() {
        let rows = [
            ("published", "440308199901101512", Ok(())),
            ("a minor", "310101201506010034", Ok(())),
            ("a leap day", "110101201202290017", Ok(())),
            ("spaced", " 440308 19990110 1512 ", Ok(())),
            ("full width", "４４０３０８１９９９０１１０１５１２", Ok(())),
            ("spreadsheet text", "'440308199901101512", Ok(())),
            (
                "one digit changed",
                "440308199901101513",
                Err(ReasonCode::CheckDigit),
            ),
            (
                "month 13",
                "440308199913101512",
                Err(ReasonCode::ImpossibleDate),
            ),
            (
                "no leap year",
                "110101201302290017",
                Err(ReasonCode::ImpossibleDate),
            ),
            (
                "no such province",
                "990308199901101512",
                Err(ReasonCode::CheckDigit),
            ),
            ("too short", "44030819990110151", Err(ReasonCode::Length)),
            ("letters", "44030819990110151A", Err(ReasonCode::Character)),
            ("masked", "440308********1512", Err(ReasonCode::Masked)),
            (
                "spreadsheet number",
                "4.40308199901102E+17",
                Err(ReasonCode::Character),
            ),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            let found = match resident_id(text) {
                Verdict::Valid(value) => {
                    assert_eq!(value.as_str().len(), DIGITS, "{name}");
                    Ok(())
                }
                Verdict::Doubtful(_, reason) | Verdict::Invalid(reason) => Err(reason),
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn refuses_every_single_changed_digit() {
        let published = "440308199901101512";
        for place in 0..DIGITS {
            for digit in b'0'..=b'9' {
                let mut bytes = published.as_bytes().to_vec();
                if std::mem::replace(&mut bytes[place], digit) != digit {
                    let changed = String::from_utf8(bytes).unwrap();
                    assert!(!resident_id(&changed).is_valid(), "place {place}");
                }
            }
        }
    }

    #[test]
    fn refuses_a_birth_in_the_future() {
        let first: [u8; 17] = *b"11010130000101001";
        let check = digits::resident_id(&first).unwrap() as char;
        let text = format!("{}{check}", std::str::from_utf8(&first).unwrap());
        assert_eq!(resident_id(&text), Verdict::Invalid(ReasonCode::FutureDate));
    }

    #[test]
    fn old_numbers_become_new_ones() {
        let old = "610104620927690";
        assert_eq!(resident_id(old).reason(), Some(ReasonCode::OldForm));
        assert_eq!(
            normalise(Kind::RESIDENT_ID, old).as_deref(),
            Some("610104196209276908")
        );
        assert!(resident_id("610104196209276908").is_valid());
        assert_eq!(
            resident_id("610199620927690").reason(),
            Some(ReasonCode::UnknownRegion)
        );
    }

    #[test]
    fn places_include_retired_and_unlisted_codes() {
        let rows = [
            ("today's", 110_101, Place::Known),
            ("retired", 110_103, Place::Known),
            ("the city's districts", 130_101, Place::Known),
            ("an old urban ending", 130_111, Place::Known),
            ("Taiwan", 710_000, Place::Known),
            ("nowhere in a province", 110_199, Place::Province),
            ("no such province", 990_101, Place::Nowhere),
        ];
        for (name, code, expected) in rows {
            assert_eq!(place(code), expected, "{name}");
        }
    }

    #[test]
    fn permits_are_told_apart() {
        for card in ["810000199408230021", "830000199201300022"] {
            assert!(check(Kind::HK_MO_TW_RESIDENCE, card).is_valid());
            assert_eq!(resident_id(card).reason(), Some(ReasonCode::OtherDocument));
        }
        let foreign = "931840199001010011";
        assert!(foreigner_id(foreign).is_valid());
        assert_eq!(
            resident_id(foreign).reason(),
            Some(ReasonCode::OtherDocument)
        );
        assert_eq!(
            foreigner_id("USA110090010112").reason(),
            Some(ReasonCode::OldForm)
        );
        assert_eq!(
            hk_mo_tw_residence(foreign).reason(),
            Some(ReasonCode::OtherDocument)
        );
    }

    #[test]
    fn passports() {
        let rows = [
            ("E12345678", true),
            ("ea1234567", true),
            ("G12345678", true),
            ("EI1234567", false),
            ("E1234567", false),
            ("X12345678", false),
            ("", false),
        ];
        for (text, expected) in rows {
            assert_eq!(passport(text).normalised().is_some(), expected, "{text}");
        }
    }
}
