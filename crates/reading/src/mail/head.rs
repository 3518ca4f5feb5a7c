//! The head of a message or of a part: fields unfolded, encoded words undone.
//!
//! Rules: RFC 5322 section 2.2, RFC 2045 section 5, RFC 2047, RFC 2231. Bytes above 0x7F, which a
//! head must not hold and often does, are judged as any text is.

use std::io::BufRead;

use super::decode::{Base64, Encoding, quoted};
use super::lines::{Ended, Lines, Next};
use crate::Charset;
use crate::charset::Evidence;

/// Bytes of a head that are kept.
const MOST: usize = 256 << 10;

/// Fields that name people or say what a message is about.
const SHOWN: [&str; 11] = [
    "from",
    "sender",
    "reply-to",
    "return-path",
    "delivered-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "x-originating-ip",
];

/// Fields by which a text is known for a message.
const KNOWN: [&str; 14] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "received",
    "mime-version",
    "return-path",
    "delivered-to",
    "content-type",
    "x-mailer",
    "sender",
    "reply-to",
];

/// Whether a text begins with the head of a message.
pub(crate) fn is_message(head: &[u8], name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    let promised = ["eml", "mht", "mhtml", "mbox", "emlx"].contains(&ending.as_str());
    let (mut known, mut sure) = (0, promised);
    for line in head.split(|byte| *byte == b'\n').take(200) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some((name, _)) = field(line) else {
            return false;
        };
        known += usize::from(KNOWN.contains(&name.as_str()));
        sure |= ["mime-version", "message-id", "received"].contains(&name.as_str());
    }
    sure && known >= if promised { 1 } else { 3 }
}

/// A line as name, in small letters, and value.
fn field(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let plain = !name.is_empty()
        && name.len() < 80
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plain.then(|| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        (name, line[colon + 1..].trim_ascii())
    })
}

/// Fields in their order.
#[derive(Default)]
pub(super) struct Head(Vec<(String, Vec<u8>)>);

impl Head {
    /// Reads up to the empty line, or to what ends the part before it.
    pub(super) fn read<R: BufRead>(lines: &mut Lines<R>) -> (Self, Option<Ended>) {
        let mut head = Self::default();
        let mut kept = 0;
        loop {
            let line = match lines.next() {
                Next::Ended(ended) => return (head, Some(ended)),
                Next::Line(line) => line,
            };
            let text = line.trim_ascii_end();
            if text.is_empty() {
                return (head, None);
            }
            kept += line.len();
            if kept > MOST {
                continue;
            }
            if text.starts_with(b" ") || text.starts_with(b"\t") {
                if let Some((_, value)) = head.0.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(text.trim_ascii());
                }
            } else if let Some((name, value)) = field(text) {
                head.0.push((name, value.to_vec()));
            }
        }
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_slice())
    }

    /// The fields to be read, as lines.
    pub(super) fn shown(&self) -> Vec<String> {
        let shown = self
            .0
            .iter()
            .filter(|(name, _)| SHOWN.contains(&name.as_str()));
        let line = |(name, value): &(String, Vec<u8>)| format!("{name}: {}\n", words(value));
        shown.map(line).collect()
    }

    /// Every field, with encoded words undone.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let field = |(name, value): &(String, Vec<u8>)| (name.clone(), words(value));
        self.0.iter().map(field).collect()
    }

    pub(super) fn is_attached(&self) -> bool {
        let value = self.value("content-disposition").unwrap_or_default();
        value.to_ascii_lowercase().starts_with(b"attachment")
    }

    /// The type of what it holds, in small letters: `text/plain`.
    pub(super) fn kind(&self) -> String {
        let value = self.value("content-type").unwrap_or_default();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
        String::from_utf8_lossy(kind.trim_ascii()).to_ascii_lowercase()
    }

    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        let boundary = parameter(self.value("content-type")?, "boundary")?;
        (!boundary.is_empty() && boundary.len() <= 200).then_some(boundary)
    }

    pub(super) fn charset(&self) -> Option<String> {
        let charset = parameter(self.value("content-type")?, "charset")?;
        String::from_utf8(charset).ok()
    }

    pub(super) fn is_encoded(&self) -> bool {
        self.encoding() != Encoding::Plain
    }

    pub(super) fn encoding(&self) -> Encoding {
        let value = self.value("content-transfer-encoding").unwrap_or_default();
        match value.to_ascii_lowercase().as_slice() {
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::Quoted,
            _ => Encoding::Plain,
        }
    }

    /// The name of the file it is.
    pub(super) fn name(&self) -> Option<String> {
        let fields = [
            ("content-disposition", "filename"),
            ("content-type", "name"),
        ];
        let named = fields.into_iter().find_map(|(field, name)| {
            let value = self.value(field)?;
            extended(value, name).or_else(|| parameter(value, name).map(|name| words(&name)))
        });
        named.filter(|name| !name.trim().is_empty())
    }
}

/// A parameter of a field: `name=value` or `name="value"`.
fn parameter(value: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut rest = value;
    while let Some(semicolon) = rest.iter().position(|byte| *byte == b';') {
        rest = rest[semicolon + 1..].trim_ascii_start();
        let equals = rest.iter().position(|byte| matches!(byte, b'=' | b';'))?;
        let found = rest[..equals]
            .trim_ascii()
            .eq_ignore_ascii_case(wanted.as_bytes());
        if rest[equals] != b'=' {
            continue;
        }
        let (text, after) = one_value(rest[equals + 1..].trim_ascii_start());
        if found {
            return Some(text);
        }
        rest = after;
    }
    None
}

/// A value, and what follows it.
fn one_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text
            .iter()
            .position(|byte| *byte == b';')
            .unwrap_or(text.len());
        return (text[..end].trim_ascii().to_vec(), &text[end..]);
    };
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = quoted.get(at) {
        match byte {
            b'"' => break,
            b'\\'
                if quoted
                    .get(at + 1)
                    .is_some_and(|byte| matches!(byte, b'"' | b'\\')) =>
            {
                at += 1;
                out.push(quoted[at]);
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    (out, quoted.get(at..).unwrap_or_default())
}

/// A parameter of RFC 2231: `name*=charset'language'%E5…`, perhaps in pieces `name*0*=`.
fn extended(value: &[u8], name: &str) -> Option<String> {
    let whole = parameter(value, &format!("{name}*"));
    let mut charset = None;
    let mut bytes = Vec::new();
    let mut add = |piece: &[u8], first: bool, escaped: bool| {
        let mut piece = piece;
        if first && escaped {
            let mut parts = piece.splitn(3, |byte| *byte == b'\'');
            charset = parts
                .next()
                .and_then(|label| Charset::parse(&String::from_utf8_lossy(label)));
            piece = parts.nth(1).unwrap_or_default();
        }
        match escaped {
            true => percent(piece, &mut bytes),
            false => bytes.extend_from_slice(piece),
        }
    };
    if let Some(whole) = whole {
        add(&whole, true, true);
    } else {
        for number in 0..100 {
            let plain = parameter(value, &format!("{name}*{number}"));
            let escaped = parameter(value, &format!("{name}*{number}*"));
            match (escaped, plain) {
                (Some(piece), _) => add(&piece, number == 0, true),
                (None, Some(piece)) => add(&piece, number == 0, false),
                (None, None) if number == 0 => return None,
                (None, None) => break,
            }
        }
    }
    let charset = charset.unwrap_or_else(|| Evidence::of(&bytes).judge());
    Some(charset.0.decode_without_bom_handling(&bytes).0.into_owned())
}

fn percent(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
}

/// A value with its encoded words `=?charset?B?…?=` undone. Words side by side are joined before
/// they are decoded when they are of one charset: programs cut them within characters.
pub(super) fn words(value: &[u8]) -> String {
    let mut out = String::new();
    let mut gathered: Vec<u8> = Vec::new();
    let mut charset: Option<String> = None;
    let mut rest = value;
    let mut plain: Vec<u8> = Vec::new();
    while !rest.is_empty() {
        match encoded_word(rest) {
            Some((label, bytes, length)) => {
                let between = plain.trim_ascii().is_empty();
                if !(between && charset.as_deref() == Some(&label)) {
                    decode(&mut gathered, charset.take(), &mut out);
                }
                if !between || out.is_empty() && gathered.is_empty() {
                    decode(&mut plain, None, &mut out);
                }
                plain.clear();
                gathered.extend_from_slice(&bytes);
                charset = Some(label);
                rest = &rest[length..];
            }
            None => {
                let step = rest[1..].iter().position(|byte| *byte == b'=');
                let step = step.map_or(rest.len(), |at| at + 1);
                plain.extend_from_slice(&rest[..step]);
                rest = &rest[step..];
                if !plain.trim_ascii().is_empty() {
                    decode(&mut gathered, charset.take(), &mut out);
                    decode(&mut plain, None, &mut out);
                }
            }
        }
    }
    decode(&mut gathered, charset.take(), &mut out);
    decode(&mut plain, None, &mut out);
    out
}

/// An encoded word at the beginning: its charset, its bytes, its length.
fn encoded_word(text: &[u8]) -> Option<(String, Vec<u8>, usize)> {
    let body = text.strip_prefix(b"=?")?;
    let mut marks = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'?')
        .map(|(at, _)| at);
    let (first, second) = (marks.next()?, marks.next()?);
    let end = second + 1 + memchr::memmem::find(&body[second + 1..], b"?=")?;
    let data = &body[second + 1..end];
    let mut bytes = Vec::new();
    match &body[first + 1..second] {
        b"B" | b"b" => Base64::default().push(data, &mut bytes),
        b"Q" | b"q" => {
            let blanks: Vec<u8> = data
                .iter()
                .map(|byte| if *byte == b'_' { b' ' } else { *byte })
                .collect();
            quoted(&blanks, &mut bytes);
        }
        _ => return None,
    }
    let label = String::from_utf8_lossy(&body[..first]);
    let label = label.split('*').next().unwrap_or("").to_ascii_lowercase();
    Some((label, bytes, 2 + end + 2))
}

fn decode(bytes: &mut Vec<u8>, label: Option<String>, out: &mut String) {
    if bytes.is_empty() {
        return;
    }
    let named = label.and_then(|label| Charset::parse(&label));
    let charset = named.unwrap_or_else(|| Evidence::of(bytes).judge());
    out.push_str(&charset.0.decode_without_bom_handling(bytes).0);
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_undone() {
        let rows: [(&[u8], &str); 8] = [
            (b"plain text", "plain text"),
            (b"=?GBK?B?1cXI/Q==?= <a@b.cn>", "张三 <a@b.cn>"),
            (b"=?utf-8?Q?=E5=BC=A0_=E4=B8=89?=", "张 三"),
            (b"Re: =?utf-8?B?5byg?= =?utf-8?B?5LiJ?= x", "Re: 张三 x"),
            // A character cut in two.
            (b"=?utf-8?B?5by?= =?utf-8?B?oOS4iQ==?=", "张三"),
            (b"=?gb2312?B?1cU=?= =?utf-8?B?5LiJ?=", "张三"),
            (b"a =? b = c", "a =? b = c"),
            (b"\xD5\xC5\xC8\xFD\xC0\xEE\xCB\xC4", "张三李四"),
        ];
        for (value, expected) in rows {
            assert_eq!(words(value), expected, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn names_of_files() {
        let rows: [(&[u8], &str); 5] = [
            (b"attachment; filename=\"a;b.csv\"", "a;b.csv"),
            (b"attachment; filename==?GBK?B?1cXI/Q==?=", "张三"),
            (
                b"attachment; filename*=UTF-8''%E5%BC%A0%E4%B8%89.csv",
                "张三.csv",
            ),
            (
                b"attachment; filename*0*=UTF-8''%E5%BC%A0; filename*1=b.csv",
                "张b.csv",
            ),
            (b"attachment; size=3; FileName=x.zip", "x.zip"),
        ];
        for (value, expected) in rows {
            let head = Head(vec![("content-disposition".to_owned(), value.to_vec())]);
            assert_eq!(
                head.name().as_deref(),
                Some(expected),
                "{}",
                String::from_utf8_lossy(value)
            );
        }
    }

    #[test]
    fn heads_are_known() {
        let message =
            b"Received: by x\r\n\tat y\r\nFrom: a\r\nTo: b\r\nSubject: c\r\n\r\nFrom here";
        assert!(is_message(message, "a"));
        assert!(is_message(b"Subject: x\n\ny", "a.eml"));
        for text in [
            &b"name: x\nage: y\n"[..],
            b"From: a\nTo: b\nSubject: c\n\nnotes",
            b"a,b\n1,2\n",
            b"",
        ] {
            assert!(!is_message(text, "a.txt"));
        }
    }
}
