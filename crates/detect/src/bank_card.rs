//! Bank cards.
//!
//! Rule: ISO/IEC 7812-1 (13 to 19 digits, Luhn), issuers of `bins.tsv`, ranges
//! of the networks. The issuers are not verified and not complete: a passing
//! number of an unknown issuer in a network's range is doubtful, and so is one
//! of a known issuer that fails the check.

use liuhen_kinds::digits;
use liuhen_kinds::segment::Numbers;

use crate::fold::{Compact, ascii};
use crate::verdict::{ReasonCode, Verdict};

pub(crate) fn check(text: &str) -> Verdict {
    let Some(compact) = Compact::<24>::of(text) else {
        let masked = text.contains('*');
        return Verdict::Invalid(if masked {
            ReasonCode::Masked
        } else {
            ReasonCode::Character
        });
    };
    let Some(digits) = compact.digits() else {
        return Verdict::Invalid(ReasonCode::Character);
    };
    let numbers = Numbers::builtin();
    let (least, most) = numbers.card.digits;
    if digits.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    if !(least..=most).contains(&digits.len()) {
        return Verdict::Invalid(ReasonCode::Length);
    }
    let known = numbers.issuer(digits).is_some();
    let in_network = known || numbers.network(digits).is_some();
    match (known, in_network, digits::passes_luhn(digits)) {
        (true, _, true) => Verdict::Valid(ascii(digits).into()),
        (true, _, false) => Verdict::Doubtful(ascii(digits).into(), ReasonCode::Luhn),
        (false, true, true) => Verdict::Doubtful(ascii(digits).into(), ReasonCode::UnknownIssuer),
        (false, true, false) => Verdict::Invalid(ReasonCode::Luhn),
        (false, false, _) => Verdict::Invalid(ReasonCode::UnknownIssuer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards() {
        let rows = [
            ("debit", "6222021234567890128", Ok(())),
            ("grouped", "6222 0212 3456 7890 128", Ok(())),
            (
                "full width",
                "６２２２０２１２３４５６７８９０１２８",
                Ok(()),
            ),
            (
                "known issuer, wrong check",
                "6222021234567890127",
                Err(ReasonCode::Luhn),
            ),
            (
                "copied wrongly",
                "6222026006705354217",
                Err(ReasonCode::Luhn),
            ),
            (
                "nobody's issuer",
                "6291000000000000009",
                Err(ReasonCode::UnknownIssuer),
            ),
            (
                "an order number",
                "2024011512345678901",
                Err(ReasonCode::UnknownIssuer),
            ),
            (
                "a resident ID number",
                "440308199901101512",
                Err(ReasonCode::UnknownIssuer),
            ),
            ("too short", "622202123456", Err(ReasonCode::Length)),
            ("masked", "6222 **** **** 128", Err(ReasonCode::Masked)),
            ("letters", "A222021234567890128", Err(ReasonCode::Character)),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            let found = check(text).reason().map_or(Ok(()), Err);
            assert_eq!(found, expected, "{name}");
        }
    }
}
