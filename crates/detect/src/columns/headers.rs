//! What the word above a column says.
//!
//! Rule: the header words of the rule pack, compared without case, spaces and
//! punctuation. The last part of a compound decides, as in `收件人手机号` and
//! `customer_mobile`; `手机品牌` names no mobile number.

use std::collections::HashMap;
use std::sync::OnceLock;

use liuhen_document::{Evidence, Header, Row};
use liuhen_kinds::{Kind, RulePack};

use crate::check::check;
use crate::fold;

/// Words of headers above dates that are no births.
const EVENTS: [&str; 7] = ["日期", "时间", "年月", "date", "time", "创建", "更新"];

/// Documents, telephones and accounts that share their header words.
const FAMILIES: [&[Kind]; 3] = [
    &[
        Kind::RESIDENT_ID,
        Kind::HK_MO_TW_RESIDENCE,
        Kind::FOREIGNER_ID,
        Kind::PASSPORT,
    ],
    &[Kind::MOBILE, Kind::LANDLINE],
    &[Kind::BANK_CARD, Kind::BANK_ACCOUNT],
];

/// What a header says of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hint {
    /// The kind it names.
    pub(super) kind: Option<Kind>,
    /// Whether the whole header names it, and not its last part only.
    pub(super) exact: bool,
    /// Whether it speaks of a date that is no birth.
    pub(super) event: bool,
    /// Whether there is a header, and it names nothing we know.
    pub(super) strange: bool,
}

impl Hint {
    pub(super) fn of(word: &str) -> Hint {
        let key = key(word);
        let exact = words().get(key.as_str()).copied();
        let kind = exact.or_else(|| last_part(word, &key));
        let birth = kind == Some(Kind::DATE_OF_BIRTH);
        Hint {
            kind,
            exact: exact.is_some(),
            event: !birth && EVENTS.iter().any(|event| key.contains(event)),
            strange: kind.is_none() && !key.is_empty(),
        }
    }

    /// Whether the header names this kind or one of its family.
    pub(super) fn names(&self, kind: Kind) -> bool {
        let Some(named) = self.kind else { return false };
        named == kind
            || FAMILIES
                .iter()
                .any(|family| family.contains(&named) && family.contains(&kind))
    }

    /// What the header adds to the reasons for a kind that the values bear out.
    pub(super) fn evidence(&self, kind: Kind, word: &str) -> Option<Evidence> {
        let code = match self.kind {
            Some(_) if self.names(kind) && self.exact => "header",
            Some(_) if self.names(kind) => "header_part",
            Some(_) => "header_differs",
            None => return None,
        };
        Some(Evidence::worded(code, kind, word))
    }
}

/// Letters, digits and Chinese characters of a header, lower case, without what
/// stands in brackets.
fn key(word: &str) -> String {
    let mut depth = 0_u32;
    let mut key = String::new();
    for c in fold::fold(word).chars() {
        match c {
            '(' | '[' | '【' | '{' => depth += 1,
            ')' | ']' | '】' | '}' => depth = depth.saturating_sub(1),
            c if depth == 0 && c.is_alphanumeric() => key.extend(c.to_lowercase()),
            _ => {}
        }
    }
    // A column may be numbered, as in `1.姓名`.
    let unnumbered = key.trim_start_matches(|c: char| c.is_ascii_digit());
    if unnumbered.is_empty() {
        key
    } else {
        unnumbered.to_owned()
    }
}

/// Every header word of the rule pack by its key.
fn words() -> &'static HashMap<String, Kind> {
    static WORDS: OnceLock<HashMap<String, Kind>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words = HashMap::new();
        for info in RulePack::builtin().iter() {
            for word in &info.headers {
                words.entry(key(word)).or_insert(info.kind);
            }
        }
        words
    })
}

/// The kind that the last part of a compound header names.
fn last_part(word: &str, key: &str) -> Option<Kind> {
    let suffixes: Vec<&str> = if key.is_ascii() {
        return latin_parts(word);
    } else {
        // At least two Chinese characters: one alone means too many things.
        key.char_indices()
            .skip(1)
            .map(|(at, _)| &key[at..])
            .collect()
    };
    suffixes
        .into_iter()
        .filter(|suffix| suffix.chars().count() >= 2)
        .find_map(|suffix| words().get(suffix).copied())
}

/// The longest run of last words, `user_mobile_no` or `userMobileNo`, that names a kind.
fn latin_parts(word: &str) -> Option<Kind> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in fold::fold(word).chars() {
        let starts =
            !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
        if starts {
            parts.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    parts.retain(|part| !part.is_empty());
    // Pinyin initials of two letters are too common as the last part of a name.
    (1..parts.len())
        .map(|start| parts[start..].concat())
        .filter(|joined| joined.len() > 2)
        .find_map(|joined| words().get(&joined).copied())
}

/// Values that no header is: each has a form of its own.
const VALUES: [Kind; 9] = [
    Kind::RESIDENT_ID,
    Kind::MOBILE,
    Kind::EMAIL,
    Kind::BANK_CARD,
    Kind::DATE_OF_BIRTH,
    Kind::PLATE,
    Kind::VIN,
    Kind::USCC,
    Kind::LANDLINE,
];

/// Whether the first row of a table names its columns, or is a row like the rest.
///
/// `sample` are the rows that follow. A row with a value in it is no header; one
/// with a header word is; otherwise numbers, and names or addresses above more
/// of their like, tell it is data.
#[must_use]
pub fn looks_like_header(first: &Header, sample: &[Row]) -> bool {
    let filled: Vec<(usize, &str)> = first
        .0
        .iter()
        .enumerate()
        .map(|(column, cell)| (column, cell.trim()))
        .filter(|(_, cell)| !cell.is_empty())
        .collect();
    let is_value = |cell: &str| {
        VALUES
            .iter()
            .any(|kind| check(*kind, cell).normalised().is_some())
    };
    if filled.is_empty() || filled.iter().any(|(_, cell)| is_value(cell)) {
        return false;
    }
    if filled
        .iter()
        .any(|(_, cell)| words().contains_key(&key(cell)))
    {
        return true;
    }
    let is_number = |cell: &str| {
        cell.bytes()
            .all(|b| b.is_ascii_digit() || b".,-".contains(&b))
    };
    if filled.iter().any(|(_, cell)| is_number(cell)) {
        return false;
    }
    let like_the_rest = |column: usize, cell: &str| {
        [Kind::PERSON_NAME, Kind::ADDRESS, Kind::GENDER]
            .iter()
            .any(|kind| {
                check(*kind, cell).is_valid()
                    && sample
                        .iter()
                        .take(20)
                        .any(|row| check(*kind, row.cell(column)).is_valid())
            })
    };
    let repeated = |cell: &str| filled.iter().filter(|(_, other)| *other == cell).count() > 1;
    !filled
        .iter()
        .any(|(column, cell)| like_the_rest(*column, cell) || repeated(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_kinds() {
        let rows = [
            ("手机号", Some(Kind::MOBILE), true),
            ("手机号（必填）", Some(Kind::MOBILE), true),
            ("1. 姓名 *", Some(Kind::PERSON_NAME), true),
            ("ID Card No.", Some(Kind::RESIDENT_ID), true),
            ("id_card", Some(Kind::RESIDENT_ID), true),
            ("ＰＨＯＮＥ", Some(Kind::MOBILE), true),
            ("承租人手机号", Some(Kind::MOBILE), false),
            ("userMobile", Some(Kind::MOBILE), false),
            ("cust_email", Some(Kind::EMAIL), false),
            ("sfzh", Some(Kind::RESIDENT_ID), true),
            ("手机品牌", None, false),
            ("备注", None, false),
            ("", None, false),
        ];
        for (word, kind, exact) in rows {
            let hint = Hint::of(word);
            assert_eq!((hint.kind, hint.exact), (kind, exact), "{word}");
        }
    }

    #[test]
    fn dates_of_events_are_told_from_births() {
        for (word, event) in [
            ("下单时间", true),
            ("create_time", true),
            ("出生日期", false),
            ("备注", false),
        ] {
            assert_eq!(Hint::of(word).event, event, "{word}");
        }
    }

    fn header(cells: &[&str]) -> Header {
        Header(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn first_rows() {
        let data = [Row {
            number: 2,
            cells: vec!["王伟".into(), "x".into()],
        }];
        let rows: [(&[&str], bool); 7] = [
            (&["姓名", "备注"], true),
            (&["甲列", "乙列"], true),
            (&["李娜", "13800138000"], false),
            (&["李娜", "别的"], false),
            (&["1", "2"], false),
            (&["x", "x"], false),
            (&["", " "], false),
        ];
        for (cells, expected) in rows {
            assert_eq!(
                looks_like_header(&header(cells), &data),
                expected,
                "{cells:?}"
            );
        }
    }
}
