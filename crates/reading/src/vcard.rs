//! vCards as a table, a card a row.
//!
//! Rules: vCard 2.1 (versit), RFC 2426 (3.0), RFC 6350 (4.0); quoted-printable and base64, charsets
//! a property names, GBK without a word about it. Pictures and sounds in cards are passed over.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};

use liuhen_document::Text;

use crate::charset::Evidence;
use crate::mail::{Base64, quoted};
use crate::raw::RawRow;
use crate::unpack::{Flow, Step};
use crate::{Charset, Limits, ReadError};

/// The columns; what has no room of its own is remarked.
const COLUMNS: [&str; 14] = [
    "姓名",
    "手机号",
    "手机号2",
    "手机号3",
    "电话",
    "电话2",
    "邮箱",
    "邮箱2",
    "QQ号",
    "地址",
    "地址2",
    "出生日期",
    "工作单位",
    "备注",
];
/// Bytes of a property that are kept; the rest of it is a picture.
const LONGEST: usize = 64 << 10;

/// Whether a text begins as a vCard does.
pub(crate) fn is_card(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let begin = head.trim_ascii_start().get(..11);
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(b"BEGIN:VCARD"))
}

/// Whether properties are written in an encoding that hides what they say.
pub(crate) fn is_encoded(head: &[u8]) -> bool {
    let head = head.to_ascii_uppercase();
    [&b"QUOTED-PRINTABLE"[..], b"ENCODING=B"]
        .iter()
        .any(|sign| memchr::memmem::find(&head, sign).is_some())
}

/// Cards being read.
pub(crate) struct Cards<R> {
    source: BufReader<R>,
    /// The line read ahead, and whether there is one.
    next: Option<Vec<u8>>,
    max_row: usize,
    number: u64,
    card: Option<Card>,
    ready: VecDeque<Step>,
    over: bool,
    failure: Option<ReadError>,
}

#[derive(Default)]
struct Card {
    cells: [String; COLUMNS.len()],
    /// The parts of the name, where it has no whole.
    parts: String,
    bytes: usize,
}

impl<R: Read> Cards<R> {
    pub(crate) fn new(source: R, limits: &Limits) -> Self {
        let begins = Step::Table {
            name: None,
            columns: Some(COLUMNS.map(str::to_owned).to_vec()),
            placed: true,
        };
        Self {
            source: BufReader::with_capacity(64 << 10, source),
            next: None,
            max_row: limits.max_row_bytes,
            number: 1,
            card: None,
            ready: VecDeque::from([begins]),
            over: false,
            failure: None,
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        if let Some(line) = self.next.take() {
            return Some(line);
        }
        let mut line = Vec::new();
        let mut more = true;
        // A line that is too long is cut as it comes.
        while more {
            let mut piece = Vec::new();
            let read = (&mut self.source)
                .take(LONGEST as u64)
                .read_until(b'\n', &mut piece);
            if let Err(error) = read {
                self.failure = Some(ReadError::of(error));
            }
            more = !piece.is_empty() && piece.last() != Some(&b'\n');
            if line.len() < LONGEST {
                line.extend_from_slice(&piece);
            }
            if piece.is_empty() && line.is_empty() {
                return None;
            }
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Some(line)
    }

    /// A property: its line, and those that go on with it.
    fn property(&mut self) -> Option<Vec<u8>> {
        let mut whole = self.line()?;
        let softly = {
            let colon = whole.iter().position(|byte| *byte == b':').unwrap_or(0);
            whole[..colon].to_ascii_uppercase()
        };
        let softly = memchr::memmem::find(&softly, b"QUOTED-PRINTABLE").is_some();
        while let Some(line) = self.line() {
            let folded = line.starts_with(b" ") || line.starts_with(b"\t");
            let soft = softly && whole.last() == Some(&b'=');
            if !folded && !soft {
                self.next = Some(line);
                break;
            }
            if soft {
                whole.pop();
            }
            if whole.len() < LONGEST {
                whole.extend_from_slice(if folded { &line[1..] } else { &line });
            }
        }
        Some(whole)
    }

    fn advance(&mut self) {
        let Some(line) = self.property() else {
            self.over = true;
            self.end();
            return;
        };
        let Some((name, parameters, value)) = split(&line) else {
            return;
        };
        match name.as_str() {
            "BEGIN" if value.eq_ignore_ascii_case(b"VCARD") => {
                self.end();
                self.card = Some(Card::default());
            }
            "END" if value.eq_ignore_ascii_case(b"VCARD") => self.end(),
            _ => {
                if let Some(card) = &mut self.card {
                    card.add(&name, &parameters, value, self.max_row);
                }
            }
        }
    }

    fn end(&mut self) {
        let Some(mut card) = self.card.take() else {
            return;
        };
        if card.cells[0].is_empty() {
            card.cells[0] = std::mem::take(&mut card.parts);
        }
        self.number += 1;
        let row = RawRow {
            number: self.number,
            cells: card.cells.into_iter().map(Text::from).collect(),
        };
        self.ready.push_back(Step::Row(row));
    }
}

/// Name, parameters and value, of a line such as `item1.TEL;CELL;PREF:138`.
fn split(line: &[u8]) -> Option<(String, String, &[u8])> {
    let mut inside = false;
    let colon = line.iter().position(|byte| {
        inside ^= *byte == b'"';
        *byte == b':' && !inside
    })?;
    let head = String::from_utf8_lossy(&line[..colon]).to_ascii_uppercase();
    let (name, parameters) = head.split_once(';').unwrap_or((&head, ""));
    let name = name.rsplit('.').next().unwrap_or(name).trim();
    Some((
        name.to_owned(),
        parameters.to_owned(),
        line[colon + 1..].trim_ascii(),
    ))
}

impl Card {
    fn add(&mut self, name: &str, parameters: &str, value: &[u8], max_row: usize) {
        if matches!(
            name,
            "PHOTO" | "LOGO" | "SOUND" | "KEY" | "VERSION" | "REV" | "UID" | "PRODID"
        ) {
            return;
        }
        let text = decoded(parameters, value);
        self.bytes += text.len();
        if text.is_empty() || self.bytes > max_row {
            return;
        }
        let steps = parts(&text);
        let all = || {
            steps
                .iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
        };
        let joined = |between: &str| all().collect::<Vec<_>>().join(between);
        match name {
            "FN" => self.put(&[0], &joined(";")),
            // Family name, given name, others; in Chinese nothing stands between them.
            "N" => {
                let name = all().take(2).collect::<Vec<_>>();
                self.parts = name.join(if name.iter().all(|part| part.is_ascii()) {
                    " "
                } else {
                    ""
                });
            }
            "TEL" => {
                let number = joined(";");
                let number = number.strip_prefix("tel:").unwrap_or(&number);
                self.put(
                    if is_mobile(number) {
                        &[1, 2, 3]
                    } else {
                        &[4, 5]
                    },
                    number,
                );
            }
            "EMAIL" => self.put(&[6, 7], &joined(";")),
            "X-QQ" | "X-TENCENT-QQ" => self.put(&[8], &joined(";")),
            "IMPP" => match text.strip_prefix("qq:") {
                Some(account) => self.put(&[8], account),
                None => self.put(&[], &text),
            },
            // From the country down, as Chinese addresses are written: the parts come the other way.
            "ADR" | "LABEL" => {
                let mut parts: Vec<&str> = all().collect();
                if name == "ADR" && parts.len() > 1 && !text.is_ascii() {
                    parts = in_chinese_order(&steps);
                }
                self.put(&[9, 10], &parts.concat());
            }
            "BDAY" => self.put(&[11], &text),
            "ORG" => self.put(&[12], &joined("")),
            "NICKNAME" | "TITLE" | "ROLE" | "NOTE" | "URL" => self.put(&[], &joined(" ")),
            _ if name.starts_with("X-") && !text.is_ascii() => self.put(&[], &joined(" ")),
            _ => {}
        }
    }

    /// Into the first of these columns that is empty, else among the remarks.
    fn put(&mut self, columns: &[usize], text: &str) {
        let free = columns.iter().find(|at| self.cells[**at].is_empty());
        let cell = &mut self.cells[free.copied().unwrap_or(COLUMNS.len() - 1)];
        if !cell.is_empty() {
            cell.push_str("; ");
        }
        cell.push_str(text.trim());
    }
}

/// Country, region, city, street, house (RFC 6350, section 6.3.1, has them from 6 down to 2).
fn in_chinese_order(parts: &[String]) -> Vec<&str> {
    let order = [6, 4, 3, 2, 1, 0];
    let part = |at: &usize| parts.get(*at).map(String::as_str);
    order
        .iter()
        .filter_map(part)
        .filter(|part| !part.is_empty())
        .collect()
}

fn is_mobile(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits
        .strip_prefix("0086")
        .or(digits.strip_prefix("86"))
        .unwrap_or(&digits);
    digits.len() == 11 && digits.starts_with('1')
}

/// A value with its encoding undone.
fn decoded(parameters: &str, value: &[u8]) -> String {
    let mut bytes = Vec::new();
    let has = |sign: &str| {
        parameters
            .split(';')
            .any(|one| one == sign || one.ends_with(&format!("={sign}")))
    };
    if has("QUOTED-PRINTABLE") {
        quoted(value, &mut bytes);
    } else if has("BASE64") || parameters.split(';').any(|one| one == "ENCODING=B") {
        Base64::default().push(value, &mut bytes);
    } else {
        bytes.extend_from_slice(value);
    }
    let label = parameters
        .split(';')
        .find_map(|one| one.strip_prefix("CHARSET="));
    let charset = label.and_then(|label| Charset::parse(label.trim_matches('"')));
    let charset = charset.unwrap_or_else(|| Evidence::of(&bytes).judge());
    charset
        .0
        .decode_without_bom_handling(&bytes)
        .0
        .replace('\0', "")
}

/// The parts of a value, its escapes undone.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            ';' => {
                parts.push(String::new());
                continue;
            }
            '\\' => match chars.next() {
                Some('n' | 'N') => ' ',
                Some(c) => c,
                None => break,
            },
            '\r' | '\n' => ' ',
            c => c,
        };
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

impl<R: Read + Send> Flow for Cards<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.over {
                return self.failure.take().map_or(Ok(None), Err);
            }
            self.advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(bytes: &[u8]) -> Vec<String> {
        let mut cards = Cards::new(bytes, &Limits::default());
        let mut seen = Vec::new();
        while let Some(step) = cards.step().unwrap() {
            if let Step::Row(row) = step {
                let cells = row
                    .cells
                    .iter()
                    .map(Text::as_str)
                    .filter(|cell| !cell.is_empty());
                seen.push(cells.collect::<Vec<_>>().join("|"));
            }
        }
        seen
    }

    #[test]
    fn cards_of_three_versions() {
        let two = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=9F=90;=\r\n=E7=94=B2;;;\r\nTEL;CELL:138-0000-0000\r\nTEL;WORK:010-12345678\r\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRg\r\n\r\nEND:VCARD\r\n";
        assert_eq!(cards(two), ["某甲|138-0000-0000|010-12345678"]);
        let three = "BEGIN:VCARD\nVERSION:3.0\nFN:某乙\nN:某;乙;;;\nitem1.TEL;type=CELL:+8613900000000\nEMAIL:a@b.cn\nADR;TYPE=HOME:;;一路 1 号;某市;某省;100000;中国\nNOTE:两\n  行\\, 一句\nX-QQ:10001\nEND:VCARD\n";
        let expected = "某乙|+8613900000000|a@b.cn|10001|中国某省某市一路 1 号|两 行, 一句";
        assert_eq!(cards(three.as_bytes()), [expected]);
        assert_eq!(cards(&encoding_rs::GB18030.encode(three).0), [expected]);
        let four = "BEGIN:VCARD\nVERSION:4.0\nFN:A B\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+86-138-0000-0001\nBDAY:19990110\nEND:VCARD\nBEGIN:VCARD\nFN:cut";
        assert_eq!(
            cards(four.as_bytes()),
            ["A B|+86-138-0000-0001|19990110", "cut"]
        );
    }
}
