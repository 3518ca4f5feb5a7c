//! Addresses, each alone in its cell.
//!
//! Rule: the levels of a Chinese address from the province to the room; words
//! that close a level come from `address.txt`. An address is believed when a
//! number closes a road, compound or building, or when three levels of region
//! follow one another.

use liuhen_kinds::lexicon::{AddressLevel, address_word};

use crate::fold;
use crate::verdict::{ReasonCode, Verdict};

/// The longest text taken for an address, in characters.
const LONGEST: usize = 200;

pub(crate) fn check(text: &str) -> Verdict {
    let address = normal(text);
    if address.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    if address.chars().count() > LONGEST {
        return Verdict::Invalid(ReasonCode::Length);
    }
    let levels = levels(&address);
    let numbered = levels.iter().any(|level| level.numbered);
    let named = levels.iter().filter(|level| !level.numbered).count();
    match (numbered, named) {
        (true, 1..) | (false, 3..) => Verdict::Valid(address.into()),
        (false, 2) => Verdict::Doubtful(address.into(), ReasonCode::FewLevels),
        _ => Verdict::Invalid(ReasonCode::NoLevels),
    }
}

/// One level found in an address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Which level.
    pub(crate) level: AddressLevel,
    /// Where its closing word ends, in bytes.
    pub(crate) end: usize,
    /// Whether a number stands before the closing word, as in `3栋`.
    numbered: bool,
}

/// Folded; spaces that touch a Chinese character go, others become one.
pub(crate) fn normal(text: &str) -> String {
    let folded = fold::fold(text);
    let mut address = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        let touches = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
        let joins = touches(address.chars().next_back()) || touches(word.chars().next());
        if !address.is_empty() && !joins {
            address.push(' ');
        }
        address.push_str(word);
    }
    address
}

/// Levels in the order of the text; each level once, each below the one before
/// it, save that a village may follow a number and a road a village.
pub(crate) fn levels(address: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(rest) = address.get(at..).filter(|rest| !rest.is_empty()) {
        match closing(rest, &address[start..at]) {
            Some((word, level, numbered)) => {
                at += word;
                if found.iter().all(|other| other.level != level) {
                    found.push(Found {
                        level,
                        end: at,
                        numbered,
                    });
                }
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// The word that closes a level at the beginning of `rest`, given what stands
/// before it since the last level: its length, level, and whether numbered.
fn closing(rest: &str, before: &str) -> Option<(usize, AddressLevel, bool)> {
    // A level has a name or a number of its own: `市` alone closes nothing.
    let last = before.chars().next_back()?;
    let digit = last.is_ascii_alphanumeric() || "一二三四五六七八九十".contains(last);
    let (word, level) = address_word(rest, |level| match level {
        AddressLevel::Number | AddressLevel::Building | AddressLevel::Unit | AddressLevel::Room => {
            digit
        }
        // These words are also parts of names: `花园` alone is no compound.
        AddressLevel::Compound | AddressLevel::Village => before.chars().nth(1).is_some(),
        _ => true,
    })?;
    Some((word.len(), level, digit && level >= AddressLevel::Number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            (
                "whole",
                "浙江省杭州市西湖区文三路123号2幢3单元401室",
                Ok(()),
            ),
            ("spaced", "浙江省 杭州市 西湖区 文三路 123 号", Ok(())),
            ("full width", "上海市静安区南京西路１２６６号", Ok(())),
            ("alley", "上海市长宁区愚园路1088弄3号", Ok(())),
            ("village", "河南省上蔡县芦岗乡文楼村3组", Ok(())),
            ("compound and room", "阳光花园12栋801室", Ok(())),
            ("region only", "广东省深圳市南山区", Ok(())),
            ("two levels", "浙江省杭州市", Err(ReasonCode::FewLevels)),
            ("city alone", "杭州市", Err(ReasonCode::NoLevels)),
            ("name", "王小明", Err(ReasonCode::NoLevels)),
            ("number", "13800138000", Err(ReasonCode::NoLevels)),
            ("sentence", "今天下午三点开会", Err(ReasonCode::NoLevels)),
            ("room alone", "3号", Err(ReasonCode::NoLevels)),
            ("empty", "　", Err(ReasonCode::Empty)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(check(text).reason().map_or(Ok(()), Err), expected, "{name}");
        }
    }

    #[test]
    fn words_are_kept_and_spaces_folded() {
        let rows = [
            ("浙江省　杭州市 文三路１２３号", "浙江省杭州市文三路123号"),
            ("Room 401,  No. 12", "Room 401, No. 12"),
        ];
        for (text, expected) in rows {
            assert_eq!(normal(text), expected);
        }
    }

    #[test]
    fn levels_go_down_to_the_room() {
        let address = "浙江省杭州市西湖区文三路123号2幢3单元401室";
        let found: Vec<AddressLevel> = levels(address).iter().map(|found| found.level).collect();
        use AddressLevel as L;
        assert_eq!(
            found,
            [
                L::Province,
                L::City,
                L::County,
                L::Road,
                L::Number,
                L::Building,
                L::Unit,
                L::Room
            ]
        );
    }
}
