//! What stands behind a label: the forms of values that have no form of their own.
//!
//! Each reader is given the text behind a label and its signs and answers how
//! many bytes of it are the value, and what speaks for it.

use liuhen_kinds::detection::{LabelRule, Shape};
use liuhen_kinds::lexicon::{ends_as_organisation, ethnicities};

use super::glyph;
use super::hit::Reasons;
use crate::verdict::{ReasonCode, Verdict};
use crate::{address, date, fold, person_name};

/// A value behind a label: its length in bytes and its reasons.
pub(super) type Value = Option<(usize, Reasons)>;

/// Text behind a label.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind<'t> {
    /// The text, cut before the next label.
    pub(super) text: &'t str,
    /// A sign such as `：` stands between.
    pub(super) stated: bool,
    /// A quotation mark stands right before.
    pub(super) quoted: bool,
    /// The label is a key in Latin letters.
    pub(super) key: bool,
}

/// Signs that end every value.
fn ends_value(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '"' | '<'
                | '>'
                | '|'
                | '；'
                | ';'
                | '。'
                | '！'
                | '？'
                | '”'
                | '’'
                | '】'
                | '」'
                | '』'
                | '\t'
                | '{'
                | '}'
        )
}

/// Signs that end a value within a sentence.
fn ends_word(c: char) -> bool {
    ends_value(c)
        || c.is_whitespace()
        || matches!(
            c,
            ',' | '，' | '、' | '\'' | '(' | ')' | '（' | '）' | '[' | ']' | '：' | '&'
        )
}

/// The beginning of `text` as far as `keep` holds, at most `most` characters.
fn run(text: &str, most: usize, keep: impl Fn(char) -> bool) -> &str {
    let end = text
        .char_indices()
        .take(most)
        .find(|(_, c)| !keep(*c))
        .map_or_else(
            || text.chars().take(most).map(char::len_utf8).sum(),
            |(at, _)| at,
        );
    &text[..end]
}

fn whole(value: &str, reasons: Reasons) -> Value {
    Some((value.len(), reasons))
}

/// Whether a value goes on behind what was read of it.
fn goes_on(behind: &Behind<'_>, value: &str) -> bool {
    behind.text[value.len()..]
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric())
}

/// Reads the value of a shape.
pub(super) fn read(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let latin = matches!(
        rule.shape,
        Shape::Code | Shape::Secret | Shape::Account | Shape::Handle
    );
    if latin && behind.text.starts_with(|c| half_width(c).is_some()) {
        return read_full_width(behind, rule);
    }
    read_plain(behind, rule)
}

/// What a sign, letter or digit of full width stands for.
fn half_width(c: char) -> Option<char> {
    ('！'..='～')
        .contains(&c)
        .then(|| char::from_u32(c as u32 - 0xFEE0))?
}

/// Reads a value in letters and digits of full width as if they were of half width.
fn read_full_width(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let folded: String = behind
        .text
        .chars()
        .take(rule.most + 1)
        .map_while(half_width)
        .collect();
    let plain = Behind {
        text: &folded,
        ..*behind
    };
    let (len, reasons) = read_plain(&plain, rule)?;
    // Each character of full width has three bytes, each of the folded one.
    Some((len * '！'.len_utf8(), reasons.and(Reasons::FULL_WIDTH)))
}

fn read_plain(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = match rule.shape {
        Shape::Digits => digits(behind, rule),
        Shape::Code => code(behind, rule),
        Shape::Secret => secret(behind, rule),
        Shape::Account => account(behind, rule),
        Shape::Handle => handle(behind, rule),
        Shape::Name => name(behind, rule),
        Shape::Address => place(behind, rule),
        Shape::Organisation => organisation(behind, rule),
        Shape::Date => birth(behind),
        Shape::Gender => gender(behind),
        Shape::Ethnicity => ethnicity(behind),
        Shape::Religion => religion(behind),
        Shape::Uuid => uuid(behind, rule),
        Shape::SchoolClass => school(behind, rule),
        Shape::Phrase => phrase(behind, rule),
        Shape::Amount => amount(behind, rule),
        Shape::Lodging | Shape::Call => with_digits(behind, rule),
        Shape::Picture => picture(behind, rule),
        Shape::Template => template(behind, rule),
    }?;
    (value.0 > 0).then_some(value)
}

fn digits(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let gaps = rule.most > 12;
    let kept = |c: char| {
        c.is_ascii_digit() || ('０'..='９').contains(&c) || (gaps && matches!(c, ' ' | '-'))
    };
    let value = run(behind.text, rule.most + 8, kept).trim_end_matches([' ', '-']);
    let count = value.chars().filter(|c| !matches!(c, ' ' | '-')).count();
    let fits = (rule.least..=rule.most).contains(&count) && !goes_on(behind, value);
    fits.then_some(())?;
    whole(value, Reasons::STRUCTURE)
}

fn code(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most + 1, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')
    });
    let value = value.trim_end_matches(['-', '_', '/']);
    let fits = (rule.least..=rule.most).contains(&value.len())
        && value.bytes().any(|b| b.is_ascii_digit())
        && behind.stated;
    fits.then_some(())?;
    // A date or a word with a digit in it is seldom a number of somebody.
    let loose = date::check(value).is_valid()
        || value.bytes().filter(u8::is_ascii_digit).count() * 3 < value.len();
    whole(
        value,
        if loose {
            Reasons::LOOSE
        } else {
            Reasons::STRUCTURE
        },
    )
}

fn secret(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = if behind.quoted {
        run(behind.text, rule.most + 1, |c| {
            c.is_ascii_graphic() && !matches!(c, '"' | '\'')
        })
    } else {
        run(behind.text, rule.most + 1, |c| {
            c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '|')
        })
    };
    let bytes = value.as_bytes();
    if !(rule.least..=rule.most).contains(&bytes.len()) {
        return None;
    }
    // A call, a variable, a template or a mask is no password.
    let code = value.contains(['(', '{', '['])
        || bytes[0] == b'$'
        || bytes[0] == b'<'
        || value.contains("::");
    let same = bytes.iter().all(|b| *b == bytes[0]) && !bytes[0].is_ascii_digit();
    if code || same || value.contains("***") {
        return None;
    }
    // In a link the next field begins with the sign that may also be part of a password.
    let value = match value.split_once('&') {
        Some((first, rest)) if rest.contains('=') => first,
        _ => value,
    };
    let bytes = value.as_bytes();
    if bytes.len() < rule.least {
        return None;
    }
    let digit = bytes.iter().any(u8::is_ascii_digit);
    let letter = bytes.iter().any(u8::is_ascii_alphabetic);
    let path = !behind.quoted && value.contains('.') && !digit;
    let special = bytes.iter().any(|b| b"!@#%^&*".contains(b));
    let strong = digit && (letter || bytes.len() >= 6) || (special && bytes.len() >= 6);
    // With nothing between it and its label only what is no word and no number counts.
    let telling = digit && letter && bytes.len() >= 6;
    if !(behind.stated || telling) {
        return None;
    }
    whole(
        value,
        if strong && !path {
            Reasons::STRUCTURE
        } else {
            Reasons::LOOSE
        },
    )
}

fn account(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most + 1, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
    });
    let fits = (rule.least..=rule.most).contains(&value.len())
        && value.as_bytes()[0].is_ascii_alphabetic();
    fits.then_some(())?;
    let marked = value
        .bytes()
        .any(|b| b.is_ascii_digit() || b == b'_' || b == b'-');
    match (behind.stated, marked) {
        (_, true) => whole(value, Reasons::STRUCTURE),
        (true, false) => whole(value, Reasons::LOOSE),
        (false, false) => None,
    }
}

fn handle(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let sign = usize::from(behind.text.starts_with('@'));
    let value = run(&behind.text[sign..], rule.most + 1, |c| {
        c.is_alphanumeric() || matches!(c, '-' | '_')
    });
    let count = value.chars().count();
    let latin = value.is_ascii() && rule.least >= 5;
    let fits = (rule.least..=rule.most).contains(&count)
        && (sign == 1 || behind.stated)
        && (rule.least < 5 || (latin && value.as_bytes()[0].is_ascii_alphabetic()));
    fits.then(|| {
        let marked = sign == 1 || value.bytes().any(|b| b.is_ascii_digit());
        (
            value.len() + sign,
            if marked {
                Reasons::STRUCTURE
            } else {
                Reasons::LOOSE
            },
        )
    })
}

/// Titles that stand behind a name and are not part of it.
const TITLES: [&str; 14] = [
    "先生", "女士", "小姐", "老师", "师傅", "同学", "医生", "大夫", "主任", "经理", "总监", "阿姨",
    "叔叔", "总",
];

fn name(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        fold::is_han(c) || matches!(c, '·' | '•' | '・' | '*' | '＊' | '×')
    });
    let value = TITLES
        .iter()
        .find_map(|title| {
            value
                .strip_suffix(title)
                .filter(|rest| rest.chars().count() >= 2)
        })
        .unwrap_or(value);
    if value.chars().count() < rule.least {
        return latin_name(behind);
    }
    match person_name::check(value) {
        Verdict::Valid(_) => whole(value, Reasons::SURNAME),
        // A key such as `name` heads many things that are no people.
        Verdict::Doubtful(_, ReasonCode::NoSurname) if !behind.key && behind.stated => {
            whole(value, Reasons::LOOSE)
        }
        Verdict::Doubtful(_, ReasonCode::Masked) => whole(value, Reasons::MASKED),
        _ => None,
    }
}

/// Two or three capitalised words.
fn latin_name(behind: &Behind<'_>) -> Value {
    if !behind.stated {
        return None;
    }
    let value = run(behind.text, 40, |c| {
        c.is_ascii_alphabetic() || matches!(c, ' ' | '.' | '-')
    })
    .trim_end();
    let words = value.split(' ').filter(|word| !word.is_empty());
    let capital = |word: &str| word.as_bytes()[0].is_ascii_uppercase() && word.len() > 1;
    let fits = (2..=3).contains(&words.clone().count()) && words.clone().all(capital);
    fits.then_some((value.len(), Reasons::LOOSE))
}

fn place(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| !ends_value(c) && c != '\'');
    // A list goes on behind a comma with something that is no address.
    let value = value
        .match_indices(['，', ','])
        .find(|(at, comma)| address::levels(&value[at + comma.len()..]).is_empty())
        .map_or(value, |(at, _)| &value[..at])
        .trim_end();
    match address::check(value) {
        Verdict::Valid(_) => whole(value, Reasons::LEVELS),
        Verdict::Doubtful(..) => whole(value, Reasons::PLACE_ONLY),
        Verdict::Invalid(_)
            if !behind.key
                && behind.stated
                && value.chars().filter(|c| fold::is_han(*c)).count() >= rule.least =>
        {
            whole(value, Reasons::LOOSE)
        }
        Verdict::Invalid(_) => None,
    }
}

fn organisation(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        !ends_word(c) || matches!(c, '（' | '）' | '(' | ')')
    });
    let fits = value.chars().count() >= rule.least
        && (ends_as_organisation(value) || value.ends_with('）'));
    fits.then_some((value.len(), Reasons::ORGANISATION_WORDS))
}

fn birth(behind: &Behind<'_>) -> Value {
    if let Some(value) = numeral_date(behind) {
        return Some(value);
    }
    let kept = |c: char| {
        c.is_ascii_digit()
            || ('０'..='９').contains(&c)
            || matches!(c, '年' | '月' | '日' | '.' | '/' | '-' | '－')
    };
    let value = run(behind.text, 16, kept).trim_end_matches(['.', '-', '/']);
    if goes_on(behind, value) {
        return None;
    }
    match date::check(value) {
        Verdict::Valid(_) => whole(value, Reasons::STRUCTURE),
        Verdict::Doubtful(..) => whole(value, Reasons::LOOSE),
        Verdict::Invalid(_) => None,
    }
}

/// `一九九〇年一月二日`: four numerals for the year, then month and day.
fn numeral_date(behind: &Behind<'_>) -> Value {
    let value = run(behind.text, 14, |c| {
        glyph::numeral(c).is_some() || matches!(c, '年' | '月' | '日' | '十')
    });
    let (year, rest) = value.split_once('年')?;
    let digits: Option<Vec<u8>> = year.chars().map(glyph::numeral).collect();
    let digits = digits.filter(|digits| digits.len() == 4)?;
    let written = rest.contains('月') && matches!(digits[..2], [1, 8 | 9] | [2, 0]);
    written.then_some((value.len(), Reasons::STRUCTURE.and(Reasons::NUMERALS)))
}

fn gender(behind: &Behind<'_>) -> Value {
    let value = run(behind.text, 6, |c| !ends_word(c) && c != '/');
    let known = [
        "男", "女", "男性", "女性", "male", "female", "Male", "Female", "M", "F", "未知",
    ];
    (known.contains(&value) && value != "未知").then_some((value.len(), Reasons::STRUCTURE))
}

fn ethnicity(behind: &Behind<'_>) -> Value {
    let value = run(behind.text, 6, |c| !ends_word(c));
    let group = value.strip_suffix('族').unwrap_or(value);
    (ethnicities().contains(&group) && behind.stated
        || value != group && ethnicities().contains(&group))
    .then_some((value.len(), Reasons::STRUCTURE))
}

fn religion(behind: &Behind<'_>) -> Value {
    const BELIEFS: [&str; 12] = [
        "佛教",
        "道教",
        "伊斯兰教",
        "天主教",
        "基督教",
        "东正教",
        "藏传佛教",
        "佛",
        "回教",
        "穆斯林",
        "新教",
        "无宗教信仰",
    ];
    let value = run(behind.text, 10, |c| !ends_word(c));
    (behind.stated && BELIEFS.contains(&value)).then_some((value.len(), Reasons::STRUCTURE))
}

fn uuid(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        c.is_ascii_hexdigit() || c == '-'
    });
    let fits = behind.stated
        && value.len() >= rule.least
        && value.bytes().any(|b| b.is_ascii_digit())
        && !goes_on(behind, value);
    let nobody = value.bytes().all(|b| b == b'0' || b == b'-');
    (fits && !nobody).then_some((value.len(), Reasons::STRUCTURE))
}

fn school(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        !ends_word(c) || matches!(c, '（' | '）' | '(' | ')')
    });
    let words = [
        "年级",
        "班",
        "系",
        "学校",
        "中学",
        "小学",
        "大学",
        "学院",
        "幼儿园",
        "专业",
        "级",
    ];
    let fits = behind.stated
        && value.chars().count() >= rule.least
        && words.iter().any(|word| value.contains(word));
    fits.then_some((value.len(), Reasons::STRUCTURE))
}

fn phrase(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        !(ends_value(c) || (behind.key && matches!(c, '\'' | '&')))
    })
    .trim_end();
    let content = value.chars().filter(|c| c.is_alphanumeric()).count();
    (behind.stated && content >= rule.least).then_some((value.len(), Reasons::STRUCTURE))
}

fn amount(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        c.is_ascii_digit()
            || matches!(
                c,
                '.' | ','
                    | '￥'
                    | '¥'
                    | '元'
                    | '万'
                    | '千'
                    | '亿'
                    | '/'
                    | '月'
                    | '年'
                    | '平'
                    | '米'
                    | '㎡'
                    | '约'
                    | 'k'
                    | 'K'
                    | 'w'
                    | 'W'
                    | '-'
            )
    });
    let value = value.trim_end_matches(['.', ',', '/', '-']);
    (behind.stated && value.bytes().any(|b| b.is_ascii_digit()))
        .then_some((value.len(), Reasons::STRUCTURE))
}

fn with_digits(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        !ends_value(c) && !matches!(c, '，' | '、' | '\'' | '&')
    })
    .trim_end();
    let count = value.chars().count();
    (behind.stated && count >= rule.least && value.chars().any(char::is_numeric))
        .then_some((value.len(), Reasons::STRUCTURE))
}

fn picture(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        !ends_word(c) || matches!(c, '：' | ',')
    });
    let lower = value.to_ascii_lowercase();
    let file = [".jpg", ".jpeg", ".png", ".bmp", ".webp", ".heic"]
        .iter()
        .any(|end| lower.ends_with(end));
    let inline =
        lower.starts_with("data:image") || value.starts_with("/9j/") || value.starts_with("iVBOR");
    (behind.stated && (file || inline)).then_some((value.len(), Reasons::STRUCTURE))
}

fn template(behind: &Behind<'_>, rule: LabelRule) -> Value {
    let value = run(behind.text, rule.most, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '.' | ',' | '-' | ' ')
    });
    let fits = behind.stated
        && value.len() >= rule.least
        && value.bytes().filter(u8::is_ascii_digit).count() >= 2
        && !value.trim().contains("  ");
    let words = value.split(' ').count();
    (fits && (words == 1 || value.contains(',')))
        .then_some((value.trim_end().len(), Reasons::STRUCTURE))
}
