//! E-mail addresses, network addresses, addresses of devices.

use std::net::Ipv6Addr;

use super::glyph::{self, Gap, Glyph};
use super::groups::{Cluster, Group};
use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};

/// Longest local part of an e-mail address (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;
/// Longest domain looked at; real ones are shorter by far.
const DOMAIN: usize = 128;

/// Endings that are no top-level domains but names of files, as in `icon@2x.png`.
const FILES: [&str; 14] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "md", "txt", "ts",
    "rs",
];

/// Local parts of machines and of code.
const SERVICES: [&[u8]; 3] = [b"git", b"noreply", b"no-reply"];

const fn is_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-')
}

/// Proposes the e-mail address around the `@` at `at`, which is `len` bytes long.
pub(super) fn email(window: &mut Window<'_>, at: usize, len: usize) {
    let text = window.text;
    let mut start = at;
    let mut full = len > 1;
    while at - start < LOCAL * 3 {
        if start > 0 && text[start - 1].is_ascii_alphabetic() {
            start -= 1;
            continue;
        }
        // Several hyphens divide the fields of lists: `name----mailbox----number`.
        if text[..start].ends_with(b"--") {
            break;
        }
        let (glyph, wide) = glyph::before(text, start);
        match glyph {
            Glyph::Digit(_) | Glyph::Letter(_) if wide == 3 && text[start - 3] != b'%' => {
                full = true;
                start -= 3;
            }
            _ if start > 0 && is_local(text[start - 1]) => start -= 1,
            Glyph::Nothing if wide == 3 => start -= 3,
            _ => break,
        }
    }
    // A percent sign of an escape, or a point at the edge, is not the address's.
    while start < at && (matches!(text[start], b'.' | b'-' | b'+' | b'%') || text[start] >= 0x80) {
        let (glyph, wide) = glyph::at(text, start);
        if matches!(glyph, Glyph::Digit(_) | Glyph::Letter(_)) && text[start] != b'%' {
            break;
        }
        start += wide.max(1);
    }
    if start >= at || text[at - 1] == b'.' {
        return;
    }
    let Some(end) = domain(text, at + len) else {
        return;
    };
    let mut reasons = Reasons::STRUCTURE;
    if full {
        reasons = reasons.and(Reasons::FULL_WIDTH);
    }
    if SERVICES.contains(&&text[start..at])
        || text.get(end) == Some(&b':') && text[start..at].len() < 4
    {
        reasons = reasons.and(Reasons::PLACEHOLDER);
    }
    window.propose(ids::EMAIL, start, end, reasons, Rank::Checked);
}

/// Where the domain that begins at `from` ends, if it is one.
pub(super) fn domain(text: &[u8], from: usize) -> Option<usize> {
    let plain = text[from..]
        .iter()
        .take(DOMAIN)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        .count();
    let name = &text[from..from + plain];
    if let Some(fields) = fields_behind(name) {
        return is_domain(&name[..fields]).map(|len| from + len);
    }
    if text.get(from + plain).is_none_or(|b| *b < 0x80) {
        return is_domain(name).map(|len| from + len);
    }
    let mut at = from;
    let limit = from + DOMAIN * 4;
    let mut name = [0_u8; DOMAIN];
    let mut ends = [0_usize; DOMAIN];
    let mut len = 0;
    while len < DOMAIN && at < limit {
        let (glyph, wide) = glyph::at(text, at);
        let byte = match glyph {
            Glyph::Digit(digit) if wide != 3 || text[at] != b'%' => b'0' + digit,
            Glyph::Letter(letter) if text[at] != b'%' => letter,
            Glyph::Gap(Gap::Dot) if wide == 1 || text[at..].starts_with("．".as_bytes()) => b'.',
            Glyph::Gap(Gap::Dash) if text[at] == b'-' => b'-',
            Glyph::Nothing => {
                at += wide;
                continue;
            }
            _ => break,
        };
        name[len] = byte;
        at += wide;
        ends[len] = at;
        len += 1;
    }
    is_domain(&name[..len]).map(|len| ends[len - 1])
}

/// Where several hyphens in a name divide it from the next field of a list; names in
/// other scripts have two as well, behind `xn`.
fn fields_behind(name: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&name[from..], b"--") {
        let at = from + at;
        if !name[..at].to_ascii_lowercase().ends_with(b"xn") {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

/// How much of a name is a domain, if it is one.
fn is_domain(name: &[u8]) -> Option<usize> {
    // The last label is letters; a sentence's full stop behind it is not part of it.
    let mut name = name;
    while let [rest @ .., b'.' | b'-'] = name {
        name = rest;
    }
    let dot = name.iter().rposition(|b| *b == b'.')?;
    let top = &name[dot + 1..];
    let mut labels = name.split(|b| *b == b'.');
    // Those of other scripts have digits in ASCII (RFC 5890).
    let written = top.iter().all(u8::is_ascii_alphabetic)
        || top
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"));
    let fits = (2..=24).contains(&top.len())
        && written
        && !FILES
            .iter()
            .any(|file| top.eq_ignore_ascii_case(file.as_bytes()))
        && labels.all(|label| !label.is_empty() && label.len() <= 63 && label[0] != b'-');
    fits.then_some(name.len())
}

/// Proposes the IPv4 address that begins with a group of the cluster.
pub(super) fn ipv4(window: &mut Window<'_>, cluster: &Cluster, first: usize) {
    let Some(groups) = cluster.groups.get(first..first + 4) else {
        return;
    };
    let dotted = |group: &Group| group.gap == Some(Gap::Dot);
    let bounded = cluster
        .groups
        .get(first + 4)
        .is_none_or(|next| !dotted(next))
        && (first == 0 || !dotted(&groups[0]));
    if !bounded || !groups[1..].iter().all(dotted) {
        return;
    }
    let mut parts = [0_u16; 4];
    for (n, part) in parts.iter_mut().enumerate() {
        let digits = cluster.digits(first + n, first + n);
        if !(1..=3).contains(&digits.len()) || (digits.len() > 1 && digits[0] == b'0') {
            return;
        }
        *part = digits.iter().fold(0, |n, b| n * 10 + u16::from(b - b'0'));
    }
    let (start, at) = (groups[0].start, groups[3].end);
    if parts.iter().any(|part| *part > 255)
        || !window.begins(start)
        || !window.ends(at)
        || window.continues(start)
    {
        return;
    }
    // Private, shared, reserved and documentation ranges lead to nobody (RFC 6890).
    let nobody = match parts {
        [0 | 10 | 127 | 224.., ..] | [169, 254, ..] | [192, 168, ..] => true,
        [100, b, ..] => (64..128).contains(&b),
        [172, b, ..] => (16..32).contains(&b),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] => true,
        // Four small numbers are a version.
        [a, b, c, d] => a < 10 && b < 10 && c < 10 && d < 10,
    };
    let reasons = if nobody {
        Reasons::STRUCTURE.and(Reasons::PLACEHOLDER)
    } else {
        Reasons::STRUCTURE
    };
    window.propose(ids::IP, start, at, reasons, Rank::Shaped);
}

/// Proposes the IPv6 or MAC address around the colon or hyphen at `joint`.
///
/// Answers where the word of hexadecimal digits and joints ends.
pub(super) fn joined(window: &mut Window<'_>, joint: usize) -> usize {
    let text = window.text;
    let sign = text[joint];
    let hex = |at: usize| {
        text.get(at)
            .is_some_and(|b| b.is_ascii_hexdigit() || *b == sign)
    };
    if !hex(joint + 1) || (joint > 0 && !hex(joint - 1)) {
        return joint + 1;
    }
    let part = |b: u8| b.is_ascii_hexdigit() || b == sign;
    let mut start = joint;
    while start > 0 && joint - start < 40 && part(text[start - 1]) {
        start -= 1;
    }
    let mut end = joint + 1;
    while end < text.len() && end - start < 48 && part(text[end]) {
        end += 1;
    }
    let word = &text[start..end];
    let after = text.get(end).is_some_and(|b| b.is_ascii_alphanumeric());
    let before = start > 0 && text[start - 1].is_ascii_alphanumeric();
    if after || before {
        return end;
    }
    if word.len() == 17 && is_mac(word, sign) {
        mac(window, start, end, word);
    } else if sign == b':'
        && word.iter().filter(|b| **b == b':').count() >= 2
        && let Some(address) = str::from_utf8(word)
            .ok()
            .and_then(|word| word.parse::<Ipv6Addr>().ok())
    {
        // Global unicast is 2000::/3; 2001:db8::/32 stands in documentation (RFC 3849).
        let [first, second, ..] = address.segments();
        if first >> 13 == 1 && !(first == 0x2001 && second == 0xDB8) {
            window.propose(ids::IP, start, end, Reasons::STRUCTURE, Rank::Checked);
        }
    }
    end
}

fn is_mac(word: &[u8], sign: u8) -> bool {
    word.chunks(3).all(|chunk| {
        chunk[0].is_ascii_hexdigit()
            && chunk[1].is_ascii_hexdigit()
            && chunk.get(2).is_none_or(|b| *b == sign)
    })
}

/// A device's own address; addresses of groups and of nobody are none.
fn mac(window: &mut Window<'_>, start: usize, end: usize, word: &[u8]) {
    let first = str::from_utf8(&word[..2])
        .ok()
        .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        .unwrap_or(1);
    let uniform = word.chunks(3).all(|chunk| chunk[..2] == word[..2]);
    if first & 1 == 1 || uniform || word.starts_with(b"00:00:00") {
        return;
    }
    // A bit says that the address was made up and will change (IEEE 802c).
    let reasons = if first & 2 == 2 {
        Reasons::STRUCTURE.and(Reasons::LOOSE)
    } else {
        Reasons::STRUCTURE
    };
    window.propose(ids::MAC, start, end, reasons, Rank::Checked);
}
