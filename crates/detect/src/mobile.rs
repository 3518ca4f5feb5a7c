//! Mobile numbers of mainland China.
//!
//! Rule: 11 digits, the head in an assigned segment (`numbers.toml`, after
//! libphonenumber). A number in an unassigned segment still has the form of a
//! mobile number and is doubtful, not invalid: segments are opened every year.

use liuhen_kinds::segment::{Numbers, Segment};

use crate::fold::{Compact, number};
use crate::verdict::{Judgement, ReasonCode, Verdict};

/// Digits of a mobile number.
const DIGITS: usize = 11;

pub(crate) fn check(text: &str) -> Verdict {
    let mut value = String::new();
    match check_into(text, &mut value) {
        Ok(None) => Verdict::Valid(value.into()),
        Ok(Some(reason)) => Verdict::Doubtful(value.into(), reason),
        Err(reason) => Verdict::Invalid(reason),
    }
}

/// As [`check`], into a buffer.
pub(crate) fn check_into(text: &str, out: &mut String) -> Judgement {
    let text = text.trim_start();
    let text = text.strip_prefix(['+', '＋']).unwrap_or(text);
    let Some(compact) = Compact::<17>::of(text) else {
        let masked = text.contains('*');
        return Err(if masked {
            ReasonCode::Masked
        } else {
            ReasonCode::Character
        });
    };
    let digits = compact.digits().ok_or(ReasonCode::Character)?;
    if digits.is_empty() {
        return Err(ReasonCode::Empty);
    }
    let digits = without_prefix(digits);
    if digits.len() != DIGITS {
        return Err(ReasonCode::Length);
    }
    if digits[0] != b'1' || digits[1] < b'3' {
        return Err(ReasonCode::Form);
    }
    out.push_str(str::from_utf8(digits).unwrap_or_default());
    Ok(
        match Numbers::builtin().mobile_segment(number(&digits[..5])) {
            Segment::Assigned => None,
            Segment::Unassigned => Some(ReasonCode::UnassignedSegment),
            Segment::Things | Segment::Satellite => Some(ReasonCode::NotAPerson),
        },
    )
}

/// Without `86`, `0086` or the trunk `0`, where 11 digits beginning with 1 remain.
fn without_prefix(digits: &[u8]) -> &[u8] {
    for prefix in [&b"0086"[..], b"86", b"0"] {
        if let Some(rest) = digits.strip_prefix(prefix)
            && rest.len() == DIGITS
            && rest[0] == b'1'
        {
            return rest;
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_numbers() {
        let plain = Ok("13800138000");
        let rows = [
            ("bare", "13800138000", plain),
            ("grouped", "138-0013-8000", plain),
            ("spaced", "138 0013 8000", plain),
            ("international", "+86 138 0013 8000", plain),
            ("with zeros", "0086-13800138000", plain),
            ("without plus", "8613800138000", plain),
            ("trunk zero", "013800138000", plain),
            ("full width", "＋８６１３８００１３８０００", plain),
            ("zero width inside", "138\u{200B}00138000", plain),
            ("spreadsheet number", "13800138000.0", plain),
            (
                "unassigned",
                "15400138000",
                Err(ReasonCode::UnassignedSegment),
            ),
            ("of machines", "14600138000", Err(ReasonCode::NotAPerson)),
            ("too short", "1380013800", Err(ReasonCode::Length)),
            (
                "a time in milliseconds",
                "1700000000000",
                Err(ReasonCode::Length),
            ),
            ("not a mobile head", "12000138000", Err(ReasonCode::Form)),
            ("a landline", "02112345678", Err(ReasonCode::Form)),
            ("masked", "138****8000", Err(ReasonCode::Masked)),
            (
                "two numbers",
                "13800138000/13800138001",
                Err(ReasonCode::Character),
            ),
            ("words", "无", Err(ReasonCode::Character)),
            ("empty", " ", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).outcome(), expected.map(str::to_owned), "{name}");
        }
    }
}
