//! Unified social credit codes, which mark an organisation.
//!
//! Rule: GB 32100-2015: 18 characters, the last a check.

use liuhen_kinds::digits;

use crate::fold::{Compact, ascii};
use crate::verdict::{ReasonCode, Verdict};

pub(crate) fn check(text: &str) -> Verdict {
    let Some(compact) = Compact::<18>::of(text) else {
        return Verdict::Invalid(ReasonCode::Form);
    };
    let bytes = compact.bytes();
    if bytes.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let (Some(first), Some(last)) = (bytes.first_chunk::<17>(), bytes.get(17)) else {
        return Verdict::Invalid(ReasonCode::Length);
    };
    match digits::uscc(first) {
        None => Verdict::Invalid(ReasonCode::Character),
        Some(check) if check == *last => Verdict::Valid(ascii(bytes).into()),
        Some(_) => Verdict::Invalid(ReasonCode::CheckDigit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let rows = [
            ("published", "91110000600037341L", None),
            ("digits only", "911101085923662400", None),
            (
                "one changed",
                "91110000600037342L",
                Some(ReasonCode::CheckDigit),
            ),
            (
                "letter I",
                "9111000060003734IL",
                Some(ReasonCode::Character),
            ),
            ("short", "91110000", Some(ReasonCode::Length)),
            ("empty", "", Some(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).reason(), expected, "{name}");
        }
    }
}
