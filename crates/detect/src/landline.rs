//! Fixed telephones of mainland China.
//!
//! Rule: 0, an area code of `areas.tsv`, 7 or 8 digits not beginning with 0, 1
//! or 9, perhaps an extension. Hotlines (400, 800, 95, 96, 100, 12) are nobody's
//! own and are refused.

use liuhen_kinds::segment::Numbers;

use crate::fold::{self, number};
use crate::verdict::{ReasonCode, Verdict};

/// The most digits an extension has.
const EXTENSION_DIGITS: usize = 6;

pub(crate) fn check(text: &str) -> Verdict {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let groups = match groups(&folded) {
        Ok(groups) => groups,
        Err(reason) => return Verdict::Invalid(reason),
    };
    let Some((area, subscriber, extension)) = split(&groups) else {
        return Verdict::Invalid(whole_reason(&groups.concat()));
    };
    let first = &Numbers::builtin().landline.first;
    if !subscriber.starts_with(|digit| first.contains(digit)) {
        return Verdict::Invalid(ReasonCode::Form);
    }
    let mut value = if area.is_empty() {
        subscriber
    } else {
        format!("{area}-{subscriber}")
    };
    if !extension.is_empty() {
        value.push('-');
        value.push_str(&extension);
    }
    if area.is_empty() {
        return Verdict::Doubtful(value.into(), ReasonCode::NoAreaCode);
    }
    match Numbers::builtin().area(number(&area.as_bytes()[1..])) {
        Some(_) => Verdict::Valid(value.into()),
        None => Verdict::Doubtful(value.into(), ReasonCode::UnassignedArea),
    }
}

/// Groups of digits as the separators set them, `86` gone.
fn groups(text: &str) -> Result<Vec<String>, ReasonCode> {
    let text = text.trim_start_matches(['\'', '+']);
    let mut groups = vec![String::new()];
    for c in text.chars() {
        match c {
            '0'..='9' => {
                if let Some(group) = groups.last_mut() {
                    group.push(c);
                }
            }
            ' ' | '-' | '(' | ')' | '_' | '转' | '#' | ',' => groups.push(String::new()),
            '*' => return Err(ReasonCode::Masked),
            _ => return Err(ReasonCode::Character),
        }
    }
    groups.retain(|group| !group.is_empty());
    if groups.len() > 1 && matches!(groups[0].as_str(), "86" | "0086") {
        groups.remove(0);
        if groups.first().is_some_and(|group| !group.starts_with('0')) {
            groups[0].insert(0, '0');
        }
    }
    Ok(groups)
}

/// Area code with its 0, subscriber's number, extension; the outer two may be empty.
fn split(groups: &[String]) -> Option<(String, String, String)> {
    let first = groups.first()?;
    let (area, mut rest): (&str, Vec<&str>) = if first.starts_with('0') {
        let len = area_digits(first)?;
        (first.get(..len)?, vec![first.get(len..)?])
    } else {
        ("", vec![first])
    };
    rest.extend(groups[1..].iter().map(String::as_str));
    rest.retain(|group| !group.is_empty());
    // A subscriber's number may be set as 6552 9988.
    let (subscriber, extension) = match rest.as_slice() {
        [number] => ((*number).to_owned(), ""),
        [number, extension] if is_subscriber(number) => ((*number).to_owned(), *extension),
        [left, right] => (format!("{left}{right}"), ""),
        [left, right, extension] => (format!("{left}{right}"), *extension),
        _ => return None,
    };
    let fits = is_subscriber(&subscriber) && extension.len() <= EXTENSION_DIGITS;
    fits.then(|| (area.to_owned(), subscriber, extension.to_owned()))
}

/// Digits of an area code with its 0: three for 010 and 02x, else four.
fn area_digits(text: &str) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'1' | b'2' => Some(3),
        b'3'..=b'9' => Some(4),
        _ => None,
    }
}

fn is_subscriber(digits: &str) -> bool {
    matches!(digits.len(), 7 | 8)
}

/// Why digits are no landline number at all.
fn whole_reason(digits: &str) -> ReasonCode {
    let hotline = ["400", "800", "95", "96", "100", "12"];
    if hotline.iter().any(|head| digits.starts_with(head)) && digits.len() <= 10 {
        ReasonCode::Hotline
    } else {
        ReasonCode::Length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landlines() {
        let rows = [
            ("Beijing", "010-65529988", Ok("010-65529988")),
            ("together", "01065529988", Ok("010-65529988")),
            ("brackets", "(0571) 8765 4321", Ok("0571-87654321")),
            ("seven digits", "0310-3112345", Ok("0310-3112345")),
            ("extension", "021-62345678-801", Ok("021-62345678-801")),
            ("turned", "021-62345678转801", Ok("021-62345678-801")),
            ("international", "+86 10 6552 9988", Ok("010-65529988")),
            ("full width", "０１０－６５５２９９８８", Ok("010-65529988")),
            ("no area code", "65529988", Err(ReasonCode::NoAreaCode)),
            (
                "no such area",
                "0381-6552998",
                Err(ReasonCode::UnassignedArea),
            ),
            ("hotline", "400-820-8820", Err(ReasonCode::Hotline)),
            ("bank's hotline", "95588", Err(ReasonCode::Hotline)),
            ("police", "12315", Err(ReasonCode::Hotline)),
            ("first digit 1", "010-15529988", Err(ReasonCode::Form)),
            ("a mobile number", "13800138000", Err(ReasonCode::Length)),
            ("masked", "0571-****4321", Err(ReasonCode::Masked)),
            ("words", "无", Err(ReasonCode::Character)),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).outcome(), expected.map(str::to_owned), "{name}");
        }
    }
}
