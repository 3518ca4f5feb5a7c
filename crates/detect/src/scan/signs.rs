//! From a sign to what it belongs to: keys, addresses, plates, spellings.

use super::window::Window;
use super::{labels, network, plates, values};

/// The e-mail address around the sign at `at`.
pub(super) fn at_sign(window: &mut Window<'_>, at: usize) {
    let len = if window.text[at] == b'@' {
        1
    } else {
        "＠".len()
    };
    network::email(window, at, len);
}

/// The key in Latin letters before the sign at `at`, and what stands behind it.
pub(super) fn key(window: &mut Window<'_>, at: usize) {
    // `::` is a path, `==` and `=>` compare and point in code.
    let doubled = matches!(
        (window.text[at], window.text.get(at + 1)),
        (b':', Some(b':')) | (b'=', Some(b'=' | b'>' | b'~'))
    );
    if doubled || (at > 0 && matches!(window.text[at - 1], b':' | b'=')) {
        return;
    }
    let mut end = at;
    while end > 0
        && at - end < 3
        && matches!(window.text[end - 1], b'"' | b'\'' | b' ' | b'`' | b'\\')
    {
        end -= 1;
    }
    if let Some(end) = field_name(window.text, at) {
        if let Some(word) = window.rules.key_ending(window.text, end) {
            values::propose(window, word, end, true);
        }
        return;
    }
    let letter = end > 0 && window.text[end - 1].is_ascii_alphanumeric();
    if letter && let Some(word) = window.rules.key_ending(window.text, end) {
        values::propose(window, word, at, true);
    }
}

/// Where the name of a form's field ends, behind `name=` or `id=` and a quote.
fn field_name(text: &[u8], sign: usize) -> Option<usize> {
    let names = text[..sign].ends_with(b"name") || text[..sign].ends_with(b"id");
    let quote = *text.get(sign + 1)?;
    if text[sign] != b'=' || !names || !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let len = text[sign + 2..].iter().take(40).position(|b| *b == quote)?;
    text[sign + 2 + len..]
        .get(1..7)
        .is_some_and(|rest| rest.starts_with(b" "))
        .then_some(sign + 2 + len)
}

/// What begins with a Chinese character before a Latin letter: plates.
///
/// `at` is the character's last byte, or a letter of full width.
pub(super) fn after_han(window: &mut Window<'_>, at: usize) {
    let text = window.text;
    let begins = |at: usize| text[at] & 0xF0 == 0xE0;
    if at >= 2 && text[at] & 0xC0 == 0x80 && begins(at - 2) {
        plates::propose(window, at - 2);
    } else if at >= 3 && text[at] == 0xEF && begins(at - 3) {
        plates::propose(window, at - 3);
        if text[at - 3] < 0xEF {
            values::bare(window, at);
        }
    }
}

/// The value in ASCII that may begin behind the character that ends at `at`, over
/// brackets and quotation marks, with no sign between it and its label.
pub(super) fn leaves_han(window: &mut Window<'_>, at: usize) {
    let behind = &window.text[at + 1..];
    let passes = |byte: &u8| labels::ascii_sign(*byte) == labels::Sign::Passes;
    let signs = behind
        .iter()
        .take(4)
        .take_while(|byte| passes(byte))
        .count();
    if behind.get(signs).is_some_and(u8::is_ascii_alphanumeric) {
        values::bare(window, at + 1 + signs);
    }
}

/// Spellings that cannot be anything else.
pub(super) fn literal(window: &mut Window<'_>, at: usize) {
    let text = &window.text[at..];
    let system = text.starts_with(b"xid_") && window.text[..at].ends_with(b"w");
    let link = text.starts_with(b".me/") && window.text[..at].ends_with(b"t");
    if system || link {
        values::account(window, at - 1);
    } else if text.starts_with("字第".as_bytes()) {
        plates::military(window, at);
    } else if text.starts_with("日出生".as_bytes()) {
        values::born(window, at + "日".len());
    }
}
