//! What may be shown of a value.
//!
//! Rule: the defaults of the fact sheet, section 4.9: few visible characters,
//! since the rest of an ID number can be guessed from its first six and last
//! four. A mask is for the screen of someone entitled to look; what is released
//! takes tokens or nothing.

use liuhen_kinds::Kind;
use liuhen_kinds::lexicon::AddressLevel;

use crate::{address, fold, normalise};

/// What a secret shows, whatever its length.
const HIDDEN: &str = "******";

/// The value with most of it hidden.
///
/// Name: first character. ID: first and last two. Mobile: first three and last
/// four. Card: first and last four. Landline: first four and last two. E-mail:
/// first character and domain. Plate: province, letter and last two. Address:
/// down to the district. Date of birth: the year. Passwords and codes: nothing.
/// Other kinds, and texts that are not of their kind: the first character.
#[must_use]
pub fn mask(kind: Kind, text: &str) -> String {
    let whole = normalise(kind, text);
    let value = whole
        .as_deref()
        .map_or_else(|| fold::fold(text), Into::into);
    if value.is_empty() {
        return String::new();
    }
    match kind {
        Kind::PASSWORD | Kind::OTP | Kind::CVV | Kind::FACE_TEMPLATE | Kind::FACE_IMAGE => {
            HIDDEN.to_owned()
        }
        // A text that is not what its column says may be anything.
        _ if whole.is_none() => keep(&value, 1, 0),
        Kind::RESIDENT_ID | Kind::FOREIGNER_ID | Kind::HK_MO_TW_RESIDENCE => keep(&value, 1, 2),
        Kind::MOBILE => keep(&value, 3, 4),
        Kind::BANK_CARD => keep(&value, 4, 4),
        Kind::LANDLINE => keep(&value, 4, 2),
        Kind::PLATE => keep(&value, 2, 2),
        Kind::EMAIL => email(&value),
        Kind::ADDRESS => to_district(&value),
        Kind::DATE_OF_BIRTH => format!("{}-**-**", value.get(..4).unwrap_or("****")),
        _ => keep(&value, 1, 0),
    }
}

/// First and last characters, stars between; never fewer than one star.
fn keep(value: &str, first: usize, last: usize) -> String {
    let length = value.chars().count();
    // A value so short that both ends would tell it all shows its beginning only.
    let (first, last) = if first + last < length {
        (first, last)
    } else {
        (1.min(length - 1), 0)
    };
    let shown = |(at, c): (usize, char)| {
        if at < first || at >= length - last {
            c
        } else {
            '*'
        }
    };
    value.chars().enumerate().map(shown).collect()
}

fn email(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((local, domain)) => {
            format!(
                "{}***@{domain}",
                local.chars().next().map(String::from).unwrap_or_default()
            )
        }
        None => keep(value, 1, 0),
    }
}

/// The regions down to the district or, where none is named, the first level.
fn to_district(value: &str) -> String {
    let levels = address::levels(value);
    let region = levels
        .iter()
        .take_while(|found| found.level <= AddressLevel::County)
        .last();
    match region {
        Some(found) if found.end < value.len() => format!("{}{HIDDEN}", &value[..found.end]),
        Some(_) => value.to_owned(),
        None => keep(value, 1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults() {
        let rows = [
            (Kind::PERSON_NAME, "欧阳小明", "欧***"),
            (Kind::PERSON_NAME, "王伟", "王*"),
            (
                Kind::RESIDENT_ID,
                "440308199901101512",
                "4***************12",
            ),
            (Kind::MOBILE, "+86 138-0013-8000", "138****8000"),
            (
                Kind::BANK_CARD,
                "6222 0212 3456 7890 128",
                "6222***********0128",
            ),
            (Kind::LANDLINE, "010-65529988", "010-******88"),
            (Kind::EMAIL, "zhang@example.com", "z***@example.com"),
            (Kind::PLATE, "京A·12345", "京A***45"),
            (
                Kind::ADDRESS,
                "浙江省杭州市西湖区文三路1号",
                "浙江省杭州市西湖区******",
            ),
            (Kind::ADDRESS, "阳光花园12栋801室", "阳**********"),
            (Kind::DATE_OF_BIRTH, "1990年1月2日", "1990-**-**"),
            (Kind::PASSWORD, "hunter2", "******"),
            (Kind::GENDER, "男", "*"),
            (Kind::QQ, "10001", "1****"),
            (Kind::MOBILE, "", ""),
        ];
        for (kind, text, expected) in rows {
            assert_eq!(mask(kind, text), expected, "{kind}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_shows_its_beginning_only() {
        assert_eq!(
            mask(Kind::MOBILE, "6222021234567890128"),
            "6******************"
        );
        assert_eq!(mask(Kind::RESIDENT_ID, "x"), "*");
    }
}
