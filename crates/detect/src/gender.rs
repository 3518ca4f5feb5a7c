//! Sex and ethnic group, as tables write them.
//!
//! Rule: GB/T 2261.1 for the codes of sex, GB/T 3304 for the names of groups.

use liuhen_kinds::lexicon::ethnicities;

use crate::fold;
use crate::verdict::{ReasonCode, Verdict};

/// Normalised to `男`, `女` or, where the text says so, `未知`.
pub(crate) fn check(text: &str) -> Verdict {
    let folded = fold::fold(text).to_lowercase();
    let (value, coded) = match folded.as_str() {
        "" => return Verdict::Invalid(ReasonCode::Empty),
        "男" | "男性" | "男士" | "先生" | "male" => ("男", false),
        "女" | "女性" | "女士" | "小姐" | "female" => ("女", false),
        "未知" | "保密" | "未说明" | "unknown" => ("未知", false),
        "m" | "1" => ("男", true),
        "f" | "2" => ("女", true),
        "0" | "9" => ("未知", true),
        _ => return Verdict::Invalid(ReasonCode::Form),
    };
    if coded {
        Verdict::Doubtful(value.to_owned().into(), ReasonCode::Coded)
    } else {
        Verdict::Valid(value.to_owned().into())
    }
}

/// Normalised to the name with `族`; a bare name, which may be a common word, is doubtful.
pub(crate) fn ethnicity(text: &str) -> Verdict {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let bare = folded.strip_suffix('族').unwrap_or(&folded);
    if !ethnicities().contains(&bare) {
        return Verdict::Invalid(ReasonCode::Form);
    }
    let value = format!("{bare}族").into();
    if folded.ends_with('族') {
        Verdict::Valid(value)
    } else {
        Verdict::Doubtful(value, ReasonCode::CommonWord)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sexes() {
        let rows = [
            ("男", Some("男")),
            (" 女性 ", Some("女")),
            ("Female", Some("女")),
            ("Ｍ", Some("男")),
            ("1", Some("男")),
            ("保密", Some("未知")),
            ("3", None),
            ("男孩衣服", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let found = check(text).normalised().map(|value| value.into_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn ethnic_groups() {
        assert!(ethnicity("汉族").is_valid());
        assert_eq!(ethnicity("汉").reason(), Some(ReasonCode::CommonWord));
        assert_eq!(ethnicity("水军").reason(), Some(ReasonCode::Form));
    }
}
