//! A message: what names people in its head, its texts, and its attachments, written anew.
//!
//! Rules: RFC 5322, RFC 2045 to 2047, RFC 2231. Of the head only the fields stay that a reader
//! looks at; every part is written as base64, text as UTF-8. A part without a copy is left out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use liuhen_kinds::Kind;
use liuhen_reading::{Charset, Message};

use crate::draft::{Draft, LeafId, Part};
use crate::redactor::Job;
use crate::text::Decoded;
use crate::{Dropped, Refusal, Spot};

/// Fields that stay, as they are written.
const KEPT: [(&str, &str); 8] = [
    ("from", "From"),
    ("sender", "Sender"),
    ("reply-to", "Reply-To"),
    ("to", "To"),
    ("cc", "Cc"),
    ("bcc", "Bcc"),
    ("subject", "Subject"),
    ("date", "Date"),
];
/// Bytes of an encoded word before base64: with its frame at most 75 characters (RFC 2047, section 2).
const WORD: usize = 45;

/// A message.
pub(crate) fn redact(bytes: &[u8], job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
    let message = Message::read(bytes);
    let mut out = head(&message, job)?;
    out.push_str("MIME-Version: 1.0\r\n");
    let mut parts = 0;
    match part(&message, job, &mut parts)? {
        Some(text) => out.push_str(&text),
        None => out.push_str("Content-Type: text/plain\r\n\r\n"),
    }
    Ok(out.into_bytes())
}

fn head(message: &Message, job: &mut Job<'_, '_>) -> Result<String, Refusal> {
    let mut draft = Draft::default();
    let mut fields: Vec<(&str, LeafId)> = Vec::new();
    let mut block = Vec::new();
    let mut persons = 0;
    for (name, value) in &message.fields {
        let Some((_, shown)) = KEPT.iter().find(|(known, _)| known == name) else {
            let own = name.starts_with("content-") || name == "mime-version";
            job.drop(Dropped::Header, u64::from(!own));
            continue;
        };
        let leaf = draft.leaf(value.as_str());
        if !matches!(*shown, "Subject" | "Date") {
            draft.tell(leaf, names(value, &mut persons));
        }
        block.push(Part::Fixed(format!("{name}: ").into()));
        block.push(Part::Leaf(leaf));
        block.push(Part::Fixed("\n".into()));
        fields.push((*shown, leaf));
    }
    draft.text(block);
    job.settle(&mut draft, &|_| true)?;
    let mut out = String::new();
    for (name, leaf) in fields {
        let value = draft.get(leaf).replace(['\r', '\n'], " ");
        // Writing to a string cannot fail.
        let _ = write!(out, "{name}: {}\r\n", words(&value));
    }
    Ok(out)
}

/// The names that stand before addresses, and the addresses.
fn names(value: &str, persons: &mut u64) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut at = 0;
    for one in value.split_inclusive([',', ';']) {
        let start = at;
        at += one.len();
        let one = one.trim_end_matches([',', ';']);
        *persons += 1;
        let mut spot = |kind, from: usize, to: usize| {
            if from < to {
                spots.push(Spot {
                    kind,
                    start: start + from,
                    end: start + to,
                    person: *persons,
                });
            }
        };
        let open = one.find('<');
        let name = one.get(..open.unwrap_or(0)).unwrap_or_default();
        let frame = |c: char| c.is_whitespace() || c == '"' || c == '\'';
        let from = name.len() - name.trim_start_matches(frame).len();
        let to = name.trim_end_matches(frame).len();
        spot(Kind::PERSON_NAME, from, to.max(from));
        let rest = open.map_or(0, |open| open + 1);
        let address = one
            .get(rest..)
            .unwrap_or_default()
            .trim_end_matches(['>', ' ']);
        let skip = address.len() - address.trim_start().len();
        if address.contains('@') && !address.trim().contains(char::is_whitespace) {
            spot(Kind::EMAIL, rest + skip, rest + address.len());
        }
    }
    spots
}

/// A value of a field, its characters beyond ASCII as encoded words.
fn words(value: &str) -> String {
    if value.is_ascii() && !value.chars().any(char::is_control) {
        return value.to_owned();
    }
    let mut out = String::new();
    let mut rest = value;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        if !out.is_empty() {
            out.push_str("\r\n ");
        }
        let _ = write!(out, "=?UTF-8?B?{}?=", STANDARD.encode(word));
        rest = after;
    }
    out
}

/// A part with its own head; nothing when it has no copy.
fn part(
    message: &Message,
    job: &mut Job<'_, '_>,
    count: &mut usize,
) -> Result<Option<String>, Refusal> {
    if !message.parts.is_empty() {
        *count += 1;
        let boundary = format!("=_liuhen_{count}");
        let kind = match message.kind.as_str() {
            kind @ ("multipart/alternative" | "multipart/related") => kind,
            // What was signed is so no longer.
            _ => "multipart/mixed",
        };
        let mut out = format!("Content-Type: {kind}; boundary=\"{boundary}\"\r\n\r\n");
        let mut any = false;
        for inner in &message.parts {
            if let Some(text) = part(inner, job, count)? {
                any = true;
                let _ = write!(out, "--{boundary}\r\n{text}\r\n");
            }
        }
        let _ = write!(out, "--{boundary}--\r\n");
        return Ok(any.then_some(out));
    }
    let is_text = message.kind.is_empty() || message.kind.starts_with("text/");
    let charset = message.charset.as_deref().and_then(Charset::parse);
    let body = match charset.filter(|_| is_text) {
        Some(charset) => Decoded::of(&message.body, Some(charset)).text.into_bytes(),
        None if is_text => Decoded::of(&message.body, None).text.into_bytes(),
        None => message.body.clone(),
    };
    let name = message.name.clone().unwrap_or_else(|| {
        let name = match message.kind.as_str() {
            "" | "text/plain" => "body.txt",
            "text/html" => "body.html",
            "message/rfc822" => "message.eml",
            _ => "body.bin",
        };
        name.to_owned()
    });
    let copy = match job.nested(&body, &name) {
        Ok(copy) => copy,
        Err(Refusal::Left) => return Err(Refusal::Left),
        Err(_) => {
            job.drop(Dropped::Attachment, 1);
            return Ok(None);
        }
    };
    let plain = |kind: &str| {
        !kind.is_empty()
            && kind
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b))
    };
    let kind = match message.kind.as_str() {
        // An inner message in base64 is no message to many readers (RFC 2046, section 5.2.1).
        "message/rfc822" => "application/octet-stream",
        kind if plain(kind) => kind,
        _ => "text/plain",
    };
    let mut out = format!("Content-Type: {kind}");
    if is_text {
        out.push_str("; charset=utf-8");
    }
    out.push_str("\r\nContent-Transfer-Encoding: base64\r\n");
    if let Some(name) = &message.name {
        let name = job.name(name)?;
        let way = if message.attached {
            "attachment"
        } else {
            "inline"
        };
        let _ = write!(
            out,
            "Content-Disposition: {way}; filename*=UTF-8''{}\r\n",
            percent(&name)
        );
    }
    out.push_str("\r\n");
    for line in STANDARD.encode(copy).as_bytes().chunks(76) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push_str("\r\n");
    }
    Ok(Some(out))
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_before_addresses_are_names() {
        let text = "\"某人甲\" <a@example.com>, b@example.com; 某人乙 <c@example.com>";
        let mut persons = 0;
        let found: Vec<(&str, Kind, u64)> = names(text, &mut persons)
            .into_iter()
            .map(|spot| (&text[spot.start..spot.end], spot.kind, spot.person))
            .collect();
        assert_eq!(
            found,
            [
                ("某人甲", Kind::PERSON_NAME, 1),
                ("a@example.com", Kind::EMAIL, 1),
                ("b@example.com", Kind::EMAIL, 2),
                ("某人乙", Kind::PERSON_NAME, 3),
                ("c@example.com", Kind::EMAIL, 3),
            ]
        );
    }

    #[test]
    fn words_are_short_enough() {
        let text = words(&"【姓名】说".repeat(20));
        assert!(
            text.lines()
                .all(|line| line.trim().len() <= 75 && line.is_ascii())
        );
        assert_eq!(words("plain"), "plain");
    }
}
