//! Vehicle plates.
//!
//! Rule: GA 36: the province's character, a letter, five characters, or six on
//! plates of new-energy vehicles; neither I nor O. Plates of embassies, armed
//! police and the forces wait for context, which a single value has not.

use liuhen_kinds::segment::Numbers;

use crate::fold;
use crate::verdict::{ReasonCode, Verdict};

pub(crate) fn check(text: &str) -> Verdict {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let plate: String = folded
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '·' | '.' | '_'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let rules = &Numbers::builtin().plate;
    let mut characters = plate.chars();
    let province = characters
        .next()
        .is_some_and(|c| rules.provinces.contains(c));
    let office = characters.next().is_some_and(is_letter);
    if !province || !office {
        let masked = plate.contains('*');
        return Verdict::Invalid(if masked {
            ReasonCode::Masked
        } else {
            ReasonCode::Form
        });
    }
    let serial: Vec<char> = characters.collect();
    match serial.len() {
        5 => ordinary(plate, &serial),
        6 if is_new_energy(&serial) => Verdict::Valid(plate.into()),
        6 => Verdict::Invalid(ReasonCode::Form),
        _ => Verdict::Invalid(ReasonCode::Length),
    }
}

fn ordinary(plate: String, serial: &[char]) -> Verdict {
    let rules = &Numbers::builtin().plate;
    let body = &serial[..4];
    let special = rules.endings.contains(serial[4]);
    if !body.iter().all(|c| is_serial(*c)) || !(special || is_serial(serial[4])) {
        let masked = serial.contains(&'*');
        return Verdict::Invalid(if masked {
            ReasonCode::Masked
        } else {
            ReasonCode::Character
        });
    }
    let letters = serial.iter().filter(|c| c.is_ascii_uppercase()).count();
    if letters > rules.serial_letters {
        return Verdict::Doubtful(plate.into(), ReasonCode::SerialLetters);
    }
    Verdict::Valid(plate.into())
}

/// Small: a letter, a character, four digits. Large: five digits, a letter.
fn is_new_energy(serial: &[char]) -> bool {
    let energy = |c: char| Numbers::builtin().plate.new_energy.contains(c);
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    let small = energy(serial[0]) && is_serial(serial[1]) && digits(&serial[2..]);
    small || (digits(&serial[..5]) && energy(serial[5]))
}

const fn is_letter(c: char) -> bool {
    matches!(c, 'A'..='H' | 'J'..='N' | 'P'..='Z')
}

const fn is_serial(c: char) -> bool {
    c.is_ascii_digit() || is_letter(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plates() {
        let rows = [
            ("ordinary", "京A12345", Ok("京A12345")),
            ("dot", "京A·12345", Ok("京A12345")),
            ("wide dot and lower case", "粤b・８c12d", Ok("粤B8C12D")),
            ("lower case", "粤b 8c12d", Ok("粤B8C12D")),
            ("full width", "沪Ａ１２３４５", Ok("沪A12345")),
            ("learner", "浙A1234学", Ok("浙A1234学")),
            ("small new energy", "粤BD12345", Ok("粤BD12345")),
            ("large new energy", "粤B12345D", Ok("粤B12345D")),
            (
                "too many letters",
                "京AKTW37",
                Err(ReasonCode::SerialLetters),
            ),
            ("no such energy", "粤BZ12345", Err(ReasonCode::Form)),
            ("letter I", "京AI2345", Err(ReasonCode::Character)),
            ("no province", "AA12345", Err(ReasonCode::Form)),
            ("masked", "京A***45", Err(ReasonCode::Masked)),
            ("short", "京A123", Err(ReasonCode::Length)),
            ("a place", "京东商城", Err(ReasonCode::Form)),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).outcome(), expected.map(str::to_owned), "{name}");
        }
    }
}
