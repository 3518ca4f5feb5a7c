//! Check digits, as arithmetic.
//!
//! Rules: GB 11643 (ISO/IEC 7064, MOD 11-2), ISO/IEC 7812-1 (Luhn), GB 32100,
//! GB 16735. All work on ASCII and answer `None` for any other character.
//! What a passing number means belongs to `detect`; numbers that pass and yet
//! were never issued belong to `invented`.

/// Weight of each of the first 17 digits of a resident ID number.
const ID_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check character for each remainder of the weighted sum.
const ID_CHECKS: [u8; 11] = *b"10X98765432";

/// The check character of a resident ID number, from its first 17 digits.
#[must_use]
pub fn resident_id(first: &[u8; 17]) -> Option<u8> {
    let mut sum = 0;
    for (digit, weight) in first.iter().zip(ID_WEIGHTS) {
        sum += value(*digit)? * weight;
    }
    Some(ID_CHECKS[(sum % 11) as usize])
}

/// The digit that completes `payload` under the Luhn rule.
#[must_use]
pub fn luhn(payload: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (place, digit) in payload.iter().rev().enumerate() {
        let doubled = value(*digit)? * if place.is_multiple_of(2) { 2 } else { 1 };
        sum += doubled / 10 + doubled % 10;
    }
    char::from_digit((10 - sum % 10) % 10, 10).map(|digit| digit as u8)
}

/// Whether the last digit completes those before it under the Luhn rule.
#[must_use]
pub fn passes_luhn(number: &[u8]) -> bool {
    number
        .split_last()
        .is_some_and(|(last, payload)| !payload.is_empty() && luhn(payload) == Some(*last))
}

/// The characters of a unified social credit code, in the order of their values.
const USCC_ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The check character of a unified social credit code, from its first 17.
#[must_use]
pub fn uscc(first: &[u8; 17]) -> Option<u8> {
    let mut sum = 0;
    let mut weight = 1;
    for character in first {
        sum += USCC_ALPHABET.iter().position(|known| known == character)? * weight;
        weight = weight * 3 % 31;
    }
    USCC_ALPHABET.get((31 - sum % 31) % 31).copied()
}

/// Weight of each place of a vehicle identification number; the ninth is the check.
const VIN_WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// The check character that belongs at the ninth place of a vehicle identification number.
#[must_use]
pub fn vin(number: &[u8; 17]) -> Option<u8> {
    let mut sum = 0;
    for (character, weight) in number.iter().zip(VIN_WEIGHTS) {
        let value = match character {
            b'0'..=b'9' => u32::from(character - b'0'),
            b'A'..=b'H' => u32::from(character - b'A') + 1,
            b'J'..=b'N' => u32::from(character - b'J') + 1,
            b'P' => 7,
            b'R' => 9,
            b'S'..=b'Z' => u32::from(character - b'S') + 2,
            _ => return None,
        };
        sum += value * weight;
    }
    Some(match sum % 11 {
        10 => b'X',
        remainder => char::from_digit(remainder, 10)? as u8,
    })
}

fn value(digit: u8) -> Option<u32> {
    (digit as char).to_digit(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<const N: usize>(text: &str) -> [u8; N] {
        text.as_bytes()[..N].try_into().unwrap()
    }

    #[test]
    fn published_vectors_pass() {
        // Resident ID numbers that the fact sheet marks as published.
        for id in [
            "440308199901101512",
            "360426199101010071",
            "110101201202290017",
        ] {
            assert_eq!(resident_id(&head(id)), id.bytes().last(), "{id}");
        }
        for card in [
            "6222021234567890128",
            "6222020000000000018",
            "490154203237518",
        ] {
            assert!(passes_luhn(card.as_bytes()), "{card}");
        }
        for code in [
            "91110000600037341L",
            "91110108772551611J",
            "911101085923662400",
        ] {
            assert_eq!(uscc(&head(code)), code.bytes().last(), "{code}");
        }
        for number in [
            "LDC613P23A1305189",
            "LSJA24U62JG269225",
            "LBV5S3102ESJ25655",
        ] {
            assert_eq!(vin(&head(number)), Some(number.as_bytes()[8]), "{number}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_digit() {
        assert_eq!(resident_id(b"1101011990010100A"), None);
        assert_eq!(luhn(b"62x"), None);
        assert!(!passes_luhn(b""));
        assert!(!passes_luhn(b"0"));
        assert_eq!(uscc(b"9111000060003734I"), None);
        assert_eq!(vin(b"LDC613P23A13O5189"), None);
    }

    #[test]
    fn refuses_a_card_copied_wrongly() {
        // Stands in a much-copied list of examples, and is wrong there.
        assert!(!passes_luhn(b"6222026006705354217"));
    }
}
