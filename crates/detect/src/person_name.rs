//! Names of persons, each alone in its cell.
//!
//! Rule: a Chinese name is two to four characters beginning with a surname
//! (five after a compound one); names of minorities join parts with `·`. A name
//! in Latin letters has the form of one and cannot be checked.
//! Names in running text belong to the model that issue 3 brings.

use liuhen_kinds::lexicon::{Surnames, ends_as_organisation, ethnicities, not_names};

use crate::fold;
use crate::verdict::{Judgement, ReasonCode, Verdict};

/// Titles that follow a surname or a name.
const TITLES: [&str; 8] = ["先生", "女士", "小姐", "老师", "师傅", "同学", "经理", "总"];

/// The most characters a name has, parts and dots included.
const LONGEST: usize = 60;

pub(crate) fn check(text: &str) -> Verdict {
    let mut name = String::new();
    match check_into(text, &mut name) {
        Ok(None) => Verdict::Valid(name.into()),
        Ok(Some(reason)) => Verdict::Doubtful(name.into(), reason),
        Err(reason) => Verdict::Invalid(reason),
    }
}

/// As [`check`], into a buffer; what it holds of a text that is no name is the caller's to forget.
pub(crate) fn check_into(text: &str, name: &mut String) -> Judgement {
    normal(text, name);
    let length = name.chars().count();
    if length == 0 {
        return Err(ReasonCode::Empty);
    }
    if length > LONGEST {
        return Err(ReasonCode::Length);
    }
    if name.chars().all(fold::is_han) {
        return han(name, length);
    }
    if name.contains('·') {
        return dotted(name);
    }
    if name.contains(['*', '＊', '某', '×']) && Surnames::builtin().prefix(name) > 0 && length <= 4
    {
        return Ok(Some(ReasonCode::Masked));
    }
    if is_latin(name) {
        return Ok(Some(ReasonCode::Latin));
    }
    Err(ReasonCode::Character)
}

/// Folded; spaces between Chinese characters go, others become one.
fn normal(text: &str, name: &mut String) {
    let folded = fold::fold(text);
    let has_han = folded.chars().any(fold::is_han);
    for word in folded.split_whitespace() {
        if !has_han && !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
}

fn han(name: &str, length: usize) -> Judgement {
    let surname = Surnames::builtin().prefix(name);
    if TITLES.iter().any(|title| name.ends_with(title)) && length > 1 {
        let named = surname > 0 && length <= 5;
        return if named {
            Ok(Some(ReasonCode::Title))
        } else {
            Err(ReasonCode::CommonWord)
        };
    }
    if length > 2 && ends_as_organisation(name) {
        return Err(ReasonCode::Organisation);
    }
    if is_common_word(name) {
        return Err(ReasonCode::CommonWord);
    }
    match (surname, length) {
        (1, 2..=4) | (2, 3..=5) | (2, 2) => Ok(None),
        (0, 2..=4) => Ok(Some(ReasonCode::NoSurname)),
        _ => Err(ReasonCode::Length),
    }
}

/// Words that a list knows, places and ethnic groups.
fn is_common_word(name: &str) -> bool {
    let place = |ending: &&str| name.ends_with(*ending) && name.chars().count() > 2;
    not_names().contains(name)
        || ["省", "市", "县", "区", "镇", "乡", "村", "路", "街"]
            .iter()
            .any(place)
        || name
            .strip_suffix('族')
            .is_some_and(|group| ethnicities().contains(&group))
}

/// Parts of Chinese characters joined by dots, as in `阿卜杜拉·买买提`.
fn dotted(name: &str) -> Judgement {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| fold::is_han(c) || c.is_ascii_alphabetic())
    };
    if name.split('·').all(part) && name.chars().any(fold::is_han) {
        Ok(None)
    } else {
        Err(ReasonCode::Character)
    }
}

/// Two to five words of letters, such as `ZHANG Sanfeng` or `Mary O'Neil-Li`.
fn is_latin(name: &str) -> bool {
    let word = |word: &str| {
        word.chars().any(char::is_alphabetic)
            && word
                .chars()
                .all(|c| (c.is_alphabetic() && !fold::is_han(c)) || ".'-,".contains(c))
    };
    (2..=5).contains(&name.split(' ').count()) && name.split(' ').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let rows = [
            ("two characters", "王伟", Ok("王伟")),
            ("three characters", "李小明", Ok("李小明")),
            ("compound surname", "欧阳小明", Ok("欧阳小明")),
            ("both parents' surnames", "王李思涵", Ok("王李思涵")),
            ("spaced", "王　 伟", Ok("王伟")),
            ("with a dot", "阿卜杜拉•买买提", Ok("阿卜杜拉·买买提")),
            ("rare surname", "么小丽", Ok("么小丽")),
            ("no surname", "某某某", Err(ReasonCode::NoSurname)),
            ("title", "王先生", Err(ReasonCode::Title)),
            ("masked", "王*明", Err(ReasonCode::Masked)),
            ("Latin", "ZHANG  Sanfeng", Err(ReasonCode::Latin)),
            ("one Latin word", "admin", Err(ReasonCode::Character)),
            ("organisation", "高新医院", Err(ReasonCode::Organisation)),
            (
                "company",
                "杭州某某网络科技有限公司",
                Err(ReasonCode::Organisation),
            ),
            ("place", "黄山市", Err(ReasonCode::CommonWord)),
            ("colour", "白色", Err(ReasonCode::CommonWord)),
            ("ethnic group", "白族", Err(ReasonCode::CommonWord)),
            ("sentence", "今天的天气非常好", Err(ReasonCode::Length)),
            ("with digits", "王伟2", Err(ReasonCode::Character)),
            ("empty", "", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).outcome(), expected.map(str::to_owned), "{name}");
        }
    }
}
