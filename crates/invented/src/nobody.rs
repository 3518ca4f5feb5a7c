//! Numbers that belong to nobody, recognised.
//!
//! Rule: the never-issued ranges of `numbers.toml`, the reserved domains of
//! RFC 2606 and RFC 6761. `true` means that the value lies in such a range, not
//! that this generator made it.

use liuhen_kinds::Kind;
use liuhen_kinds::digits;
use liuhen_kinds::segment::{Numbers, Segment};

use crate::generator::Person;
use crate::identity::nobodys_from;

/// Whether a value, in the normalised form of `detect`, can belong to nobody.
///
/// Answers for resident IDs, mobiles, landlines, cards, e-mail addresses and
/// plates; `false` for other kinds and for texts of another form.
#[must_use]
pub fn belongs_to_nobody(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::RESIDENT_ID => never_issued(value),
        Kind::MOBILE => {
            let head = value.get(..5).and_then(|head| head.parse().ok());
            let segment = |head| Numbers::builtin().mobile_segment(head);
            is_digits(value, 11)
                && value.starts_with('1')
                && head.map(segment) == Some(Segment::Unassigned)
        }
        Kind::LANDLINE => {
            let area = value
                .split_once('-')
                .and_then(|(area, _)| area.strip_prefix('0'));
            area.and_then(|area| area.parse().ok())
                .is_some_and(|area| Numbers::builtin().area(area).is_none())
        }
        Kind::BANK_CARD => {
            let prefixes = &Numbers::builtin().card.invented;
            is_digits(value, 19)
                && digits::passes_luhn(value.as_bytes())
                && prefixes.iter().any(|prefix| value.starts_with(prefix))
        }
        Kind::EMAIL => value
            .rsplit_once('@')
            .is_some_and(|(_, domain)| is_reserved(domain)),
        Kind::PLATE => {
            let letters = value
                .chars()
                .skip(2)
                .filter(char::is_ascii_uppercase)
                .count();
            value.chars().count() == 7 && letters > Numbers::builtin().plate.serial_letters
        }
        _ => false,
    }
}

/// Whether every number of a person belongs to nobody.
#[must_use]
pub fn is_invented(person: &Person) -> bool {
    person
        .fields()
        .iter()
        .filter(|(kind, _)| NUMBERS.contains(kind))
        .all(|(kind, value)| belongs_to_nobody(*kind, value))
}

/// The kinds that [`belongs_to_nobody`] answers for.
pub(crate) const NUMBERS: [Kind; 6] = [
    Kind::RESIDENT_ID,
    Kind::MOBILE,
    Kind::LANDLINE,
    Kind::BANK_CARD,
    Kind::EMAIL,
    Kind::PLATE,
];

/// A number with a passing check whose region went out of use before the birth, or before anybody was numbered.
fn never_issued(value: &str) -> bool {
    let parsed = || {
        let code: u32 = value.get(..6)?.parse().ok()?;
        let year: u16 = value.get(6..10)?.parse().ok()?;
        let check = digits::resident_id(value.as_bytes().first_chunk::<17>()?)?;
        let fits = value.len() == 18 && value.as_bytes()[17] == check;
        Some(fits && nobodys_from(code)? <= year)
    };
    parsed().unwrap_or(false)
}

fn is_reserved(domain: &str) -> bool {
    let within = |name: &str| {
        domain
            .strip_suffix(name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    [
        "example.com",
        "example.net",
        "example.org",
        "example",
        "test",
        "invalid",
    ]
    .iter()
    .any(|name| within(name))
}

fn is_digits(value: &str, length: usize) -> bool {
    value.len() == length && value.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_somebody_may_have_are_refused() {
        let rows = [
            (Kind::RESIDENT_ID, "440308199901101512", false),
            (Kind::RESIDENT_ID, "not a number", false),
            (Kind::MOBILE, "13800138000", false),
            (Kind::MOBILE, "15400138000", true),
            (Kind::MOBILE, "14600138000", false),
            (Kind::MOBILE, "1540013800", false),
            (Kind::LANDLINE, "010-65529988", false),
            (Kind::LANDLINE, "0381-6552998", true),
            (Kind::BANK_CARD, "6222021234567890128", false),
            (Kind::EMAIL, "a@example.com", true),
            (Kind::EMAIL, "a@mail.example.org", true),
            (Kind::EMAIL, "a@notexample.com", false),
            (Kind::PLATE, "京AKTW37", true),
            (Kind::PLATE, "京A12345", false),
            (Kind::PERSON_NAME, "王伟", false),
        ];
        for (kind, value, expected) in rows {
            assert_eq!(belongs_to_nobody(kind, value), expected, "{kind} {value}");
        }
    }
}
