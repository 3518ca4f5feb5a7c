//! Vehicle identification numbers.
//!
//! Rule: GB 16735-2019: 17 characters without I, O and Q, the ninth a check.

use liuhen_kinds::digits;

use crate::fold::{Compact, ascii};
use crate::verdict::{ReasonCode, Verdict};

pub(crate) fn check(text: &str) -> Verdict {
    let Some(compact) = Compact::<17>::of(text) else {
        return Verdict::Invalid(ReasonCode::Form);
    };
    let bytes = compact.bytes();
    if bytes.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let Some(whole) = bytes.first_chunk::<17>() else {
        return Verdict::Invalid(ReasonCode::Length);
    };
    // Digits alone pass one time in eleven and are never a vehicle's.
    if !whole.iter().any(u8::is_ascii_uppercase) {
        return Verdict::Invalid(ReasonCode::Form);
    }
    match digits::vin(whole) {
        None => Verdict::Invalid(ReasonCode::Character),
        Some(check) if check == whole[8] => Verdict::Valid(ascii(whole).into()),
        Some(_) => Verdict::Invalid(ReasonCode::CheckDigit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let rows = [
            ("published", "LDC613P23A1305189", None),
            ("lower case", "lsja24u62jg269225", None),
            (
                "one changed",
                "LDC613P23A1305188",
                Some(ReasonCode::CheckDigit),
            ),
            ("letter O", "LDC613P23A13O5189", Some(ReasonCode::Character)),
            ("digits", "11111111111111111", Some(ReasonCode::Form)),
            ("short", "LDC613", Some(ReasonCode::Length)),
            ("empty", "", Some(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).reason(), expected, "{name}");
        }
    }
}
