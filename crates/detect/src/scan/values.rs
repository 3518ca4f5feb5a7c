//! From a label to its value.

use liuhen_kinds::detection::Shape;

use super::compiled::WordInfo;
use super::hit::Reasons;
use super::labels::{self, Sign};
use super::shapes::{self, Behind};
use super::window::{Rank, Window};
use super::words::Mention;
use super::{glyph, ids};

/// Characters between a label and its value.
const SIGNS: usize = 8;

/// Bytes between the name of a form's field and its value.
const ATTRIBUTE: usize = 64;

/// Proposes what stands behind the label of `word`, which ends at `end`.
pub(super) fn propose(window: &mut Window<'_>, word: u16, end: usize, key: bool) {
    let info = &window.rules.infos[usize::from(word)];
    if !info.points {
        return;
    }
    let Some(start) = value_start(window.text, end, key) else {
        return;
    };
    read(window, word, start, key);
}

/// Proposes what stands at `start`, right behind a label and its signs.
pub(super) fn propose_at(
    window: &mut Window<'_>,
    word: u16,
    start: usize,
    stated: bool,
    key: bool,
) {
    let start = Start {
        at: start,
        stated,
        quoted: false,
        divided: false,
    };
    read(window, word, start, key);
}

/// Proposes what stands behind the label before the sign at `at`: `密码：`, `密码</td>`.
pub(super) fn behind_sign(window: &mut Window<'_>, at: usize) {
    let text = window.text;
    // `title="密码" value=`
    if text[at] == b'=' && text[..at].ends_with(b"value") {
        let from = at.saturating_sub(ATTRIBUTE);
        let quotes = memchr::memchr2_iter(b'"', b'\'', &text[from..at]).map(|quote| from + quote);
        for end in quotes {
            let label = window.rules.words.ending(text, end, |word| {
                is_label(&window.rules.infos[usize::from(word)])
            });
            if let Some(label) = label {
                propose(window, label.word, end, false);
            }
        }
    }
    // Most signs of programs stand behind something else.
    let may = match at.checked_sub(1).map(|at| text[at]) {
        Some(byte) if byte.is_ascii_alphanumeric() => window.rules.may_end_key(text, at),
        Some(byte) if byte < 0x80 => labels::ascii_sign(byte) == Sign::Passes,
        before => before.is_some(),
    };
    if may && let Some(label) = word_before(window, at, is_label) {
        propose(window, label.word, label.end, false);
    }
}

/// Proposes what stands at `start` with no sign between it and its label: `微信abc_123`.
pub(super) fn bare(window: &mut Window<'_>, start: usize) {
    let wanted = |info: &WordInfo| info.points_bare && !info.is_key;
    if let Some(label) = word_before(window, start, wanted) {
        propose_at(window, label.word, start, false, false);
    }
}

/// Whether a word is a label; Latin keys are read elsewhere.
fn is_label(info: &WordInfo) -> bool {
    !info.labels.is_empty() && !info.is_key
}

/// The wanted word before `at`, over quotes, brackets and the like, but over no sign
/// that states a value.
fn word_before(
    window: &Window<'_>,
    at: usize,
    wanted: impl Fn(&WordInfo) -> bool,
) -> Option<Mention> {
    let Window { rules, text, .. } = window;
    let mut end = at;
    for _ in 0..SIGNS {
        let wanted = |word: u16| wanted(&rules.infos[usize::from(word)]);
        if let Some(word) = rules.words.ending(text, end, wanted) {
            return Some(word);
        }
        let from = glyph::boundary_before(text, end);
        if from == end || labels::sign(glyph::decode(text, from).0) != Sign::Passes {
            return None;
        }
        end = from;
    }
    None
}

fn read(window: &mut Window<'_>, word: u16, from: Start, key: bool) {
    let info = window.rules.infos[usize::from(word)];
    let labels = info.labels;
    let Start {
        at: start,
        stated,
        quoted,
        divided,
    } = from;
    if !stated && !info.points_bare {
        return;
    }
    let most = labels
        .iter()
        .filter_map(|kind| window.rules.labels[usize::from(kind)])
        .map(|rule| rule.most)
        .max();
    let piece = piece(window, start, most.unwrap_or(0) * 4 + 16);
    let behind = Behind {
        text: piece,
        stated,
        quoted,
        key,
    };
    for kind in labels.iter() {
        let Some(rule) = window.rules.labels[usize::from(kind)] else {
            continue;
        };
        // The cell behind a label may hold the next label: only a strict form tells a value.
        let strict = !matches!(
            rule.shape,
            Shape::Phrase
                | Shape::Address
                | Shape::Handle
                | Shape::Organisation
                | Shape::SchoolClass
        );
        if (!stated && !rule.bare_gap) || (divided && !strict) {
            continue;
        }
        let Some((len, reasons)) = shapes::read(&behind, rule) else {
            continue;
        };
        let value = &piece[..len];
        if is_mark(window.text, start, start + len) {
            continue;
        }
        let mut reasons = reasons;
        if window.rules.is_placeholder(value) {
            reasons = reasons.and(Reasons::PLACEHOLDER);
        }
        // A key in Latin letters heads many sorts of text.
        if key && rule.shape == Shape::Phrase {
            reasons = reasons.and(Reasons::LOOSE);
        }
        // The bare confidence of such a kind already counts its label.
        window.point(kind, start, start + len, reasons, info.text, Rank::Pointed);
    }
}

/// Whether a word stands alone in brackets, as marks of redaction and of templates do; signs may
/// follow the bracket.
fn is_mark(text: &[u8], start: usize, end: usize) -> bool {
    let value = &text[start..end];
    let close = memchr::memchr(b']', value);
    let (bare, behind) = value.split_at(close.unwrap_or(value.len()));
    let closed = close.is_some() || text.get(end) == Some(&b']');
    start > 0
        && text[start - 1] == b'['
        && closed
        && behind.iter().all(u8::is_ascii_punctuation)
        && bare.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

/// Where a value begins, and how it is led up to.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    /// A sign such as `：` stands between.
    stated: bool,
    /// A quotation mark stands right before.
    quoted: bool,
    /// The value lies in the next cell.
    divided: bool,
}

/// Where the value behind a label begins: over signs, quotes, brackets and tags.
fn value_start(text: &[u8], end: usize, key: bool) -> Option<Start> {
    let mut at = end;
    let mut stated = false;
    let mut quoted = false;
    let mut divided = false;
    let mut tags = 0;
    if let Some(value) = attribute(text, end) {
        return Some(Start {
            at: value,
            stated: true,
            quoted: true,
            divided: false,
        });
    }
    if text[end..].starts_with(b" is ") {
        return Some(Start {
            at: end + 4,
            stated: true,
            quoted: false,
            divided: false,
        });
    }
    for _ in 0..SIGNS {
        let first = *text.get(at)?;
        if first == b'<' && tags < 3 {
            let close = text[at..].iter().take(40).position(|b| *b == b'>')?;
            tags += 1;
            stated = true;
            at += close + 1;
            continue;
        }
        let (character, len) = glyph::decode(text, at);
        match labels::sign(character) {
            Sign::States => {
                stated = true;
                quoted = false;
            }
            Sign::Divides => {
                stated = true;
                divided = true;
            }
            Sign::Passes => quoted = matches!(first, b'"' | b'\'' | b'`'),
            Sign::None => break,
        }
        at += len;
    }
    // A key in Latin letters has a sign behind it, or it is a word.
    (stated || !key).then_some(Start {
        at,
        stated,
        quoted,
        divided,
    })
}

/// Where the value of a form's field begins, whose name ends before `end`:
/// `name="phone" value="…"`.
fn attribute(text: &[u8], end: usize) -> Option<usize> {
    let behind = text.get(end..text.len().min(end + ATTRIBUTE))?;
    let behind = behind
        .strip_prefix(b"\"")
        .or_else(|| behind.strip_prefix(b"'"))?;
    let at = memchr::memmem::find(behind, b"value=")?;
    let between = &behind[..at];
    let quote = *behind.get(at + 6)?;
    let plain = between.starts_with(b" ") && !between.iter().any(|b| matches!(b, b'<' | b'>'));
    (plain && matches!(quote, b'"' | b'\'')).then_some(end + 1 + at + 7)
}

/// The text behind a label, cut before the next label on the same line.
fn piece<'t>(window: &Window<'t>, start: usize, reach: usize) -> &'t str {
    let text = window.text;
    let bytes = &text[start..text.len().min(start + reach)];
    // No value goes on in the next line.
    let line = memchr::memchr(b'\n', bytes).filter(|at| *at > 0);
    let bytes = &bytes[..line.unwrap_or(bytes.len())];
    let valid = match str::from_utf8(bytes) {
        Ok(valid) => valid,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
    };
    match next_label(window, start, valid) {
        Some(cut) => valid[..cut].trim_end_matches([' ', '，', ',', '　', '、']),
        None => valid,
    }
}

/// Where in `piece`, which begins at `start`, the first label with a sign behind it begins.
fn next_label(window: &Window<'_>, start: usize, piece: &str) -> Option<usize> {
    let labelled = |word: u16| !window.rules.infos[usize::from(word)].labels.is_empty();
    let may_state = |byte: u8| byte >= 0xE2 || matches!(byte, b':' | b'=' | b'>');
    piece
        .bytes()
        .enumerate()
        .filter(|(_, byte)| may_state(*byte))
        .filter(|(at, _)| {
            let (character, _) = glyph::decode(window.text, start + at);
            labels::sign(character) == Sign::States
        })
        .filter_map(|(at, _)| window.rules.words.ending(window.text, start + at, labelled))
        .map(|label| label.start)
        .find(|label| *label > start)
        .map(|label| label - start)
}

/// Proposes a one-time code that stands before its label: `482913（登录验证码）`.
///
/// The code's digits stand at `start..end`.
pub(super) fn before_label(window: &mut Window<'_>, start: usize, end: usize) {
    let text = window.text;
    if !(4..=8).contains(&(end - start)) || !text[start..end].iter().all(u8::is_ascii_digit) {
        return;
    }
    let mut at = end;
    while text.get(at).is_some_and(|byte| *byte >= 0x80) && at - end < 24 {
        let word = window.rules.words.beginning(text, at).map(|m| m.word);
        let info = word.map(|word| window.rules.infos[usize::from(word)]);
        if let Some(info) = info
            && info.labels.has(ids::OTP)
        {
            if window.begins(start) && !window.continues(start) {
                window.point(
                    ids::OTP,
                    start,
                    end,
                    Reasons::STRUCTURE,
                    info.text,
                    Rank::Pointed,
                );
            }
            return;
        }
        let (character, len) = glyph::decode(text, at);
        // Behind a full stop or a comma another sentence begins.
        if matches!(character, '，' | '。') {
            return;
        }
        at += len;
    }
}

/// Proposes the date before `出生` at `end`.
pub(super) fn born(window: &mut Window<'_>, end: usize) {
    let text = window.text;
    let from = end.saturating_sub(36);
    let Some(before) = (from..from + 4).find_map(|from| str::from_utf8(text.get(from..end)?).ok())
    else {
        return;
    };
    let kept = |c: char| {
        c.is_ascii_digit() || glyph::numeral(c).is_some() || matches!(c, '年' | '月' | '日' | '十')
    };
    let len: usize = before
        .chars()
        .rev()
        .take_while(|c| kept(*c))
        .map(char::len_utf8)
        .sum();
    let date = &before[before.len() - len..];
    if date.contains('年')
        && (crate::date::check(date).is_valid()
            || !date.is_ascii() && date.chars().all(|c| !c.is_ascii_digit()))
    {
        window.point(
            ids::DATE_OF_BIRTH,
            end - len,
            end,
            Reasons::STRUCTURE,
            "出生日期",
            Rank::Pointed,
        );
    }
}

/// Proposes a system's own WeChat account name, or a link to a Telegram account.
pub(super) fn account(window: &mut Window<'_>, at: usize) {
    let text = window.text;
    let tail = |from: usize, most: usize| {
        text[from..]
            .iter()
            .take(most)
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count()
    };
    if text[at..].starts_with(b"wxid_") {
        let len = tail(at + 5, 20);
        if (10..=19).contains(&len) {
            window.propose(
                ids::WECHAT_ID,
                at,
                at + 5 + len,
                Reasons::STRUCTURE,
                Rank::Checked,
            );
        }
    } else if text[at..].starts_with(b"t.me/") {
        let len = tail(at + 5, 33);
        if (5..=32).contains(&len) {
            window.propose(
                ids::TELEGRAM,
                at,
                at + 5 + len,
                Reasons::STRUCTURE,
                Rank::Checked,
            );
        }
    }
}
