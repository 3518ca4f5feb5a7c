//! JSON as a tree, streamed (RFC 8259; encodings as for any text).
//!
//! Values may follow one another without a list around them. A string that is longer than a cell
//! may be is cut there, and spoils its record.

use std::collections::VecDeque;
use std::io::Read;

use super::{DEPTH, Event, Events, Trees};
use crate::source::Blob;
use crate::unpack::Flow;
use crate::{Limits, ReadError, TextStream};

/// The name of a value without one: of the whole, and of a list within a list.
const WHOLE: &str = "$";
const ELEMENT: &str = "[]";

/// Whether the first bytes are an object or a list of JSON, as far as they go.
pub(crate) fn looks(head: &[u8]) -> bool {
    let begin = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let wide = matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    if !wide && !matches!(begin.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return false;
    }
    let mut json = Json::new(head, 1 << 20);
    if !matches!(json.solid(), Ok(Some(b'{' | b'['))) {
        return false;
    }
    let mut events = 0;
    loop {
        match json.next() {
            Ok(Some(_)) => events += 1,
            Ok(None) => return events > 0,
            // Cut where the head ends.
            Err(ReadError::DamagedFile { .. }) => return events > 0,
            Err(_) => return false,
        }
    }
}

/// Whether characters are written as escapes, so that the text does not show them.
pub(crate) fn is_escaped(head: &[u8]) -> bool {
    memchr::memmem::find_iter(head, b"\\u").any(|at| {
        // Escapes of control characters and of markup hide nothing.
        head.get(at + 2..at + 4).is_some_and(|high| high != b"00")
    })
}

/// The tables of a file.
pub(crate) fn open(blob: &Blob, limits: &Limits) -> Box<dyn Flow> {
    let (blob, longest) = (blob.clone(), limits.max_cell_bytes);
    let open = move || Box::new(Json::new(blob.open(), longest)) as Box<dyn Events>;
    Box::new(Trees::new(Box::new(open), limits))
}

/// What is open.
enum Frame {
    Object,
    /// A list: the name of what is in it, and whether it is a thing of its own.
    List(String, bool),
}

/// A text of JSON being read.
struct Json<R> {
    stream: TextStream<R>,
    buffer: String,
    at: usize,
    /// Bytes of text before the buffer.
    before: u64,
    last: bool,
    longest: usize,
    open: Vec<Frame>,
    ready: VecDeque<Event>,
}

impl<R: Read> Json<R> {
    fn new(source: R, longest: usize) -> Self {
        Self {
            stream: TextStream::new(source, None),
            buffer: String::new(),
            at: 0,
            before: 0,
            last: false,
            longest,
            open: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next byte, which stays.
    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        while self.at >= self.buffer.len() {
            if self.last {
                return Ok(None);
            }
            self.before += self.buffer.len() as u64;
            self.buffer.clear();
            self.at = 0;
            let buffer = &mut self.buffer;
            let more = self.stream.pump(&mut |piece| buffer.push_str(piece));
            self.last = !more.map_err(ReadError::of)?;
        }
        Ok(self.buffer.as_bytes().get(self.at).copied())
    }

    /// The next byte that is no blank, which stays.
    fn solid(&mut self) -> Result<Option<u8>, ReadError> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn take(&mut self) -> Result<u8, ReadError> {
        let byte = self.peek()?.ok_or_else(cut)?;
        self.at += 1;
        Ok(byte)
    }

    fn damaged(&self) -> ReadError {
        let offset = self.before + self.at as u64;
        ReadError::Damaged { offset }
    }

    /// A string whose quotation mark was taken.
    fn string(&mut self) -> Result<String, ReadError> {
        let mut out = Vec::new();
        loop {
            self.peek()?.ok_or_else(cut)?;
            let rest = &self.buffer.as_bytes()[self.at..];
            let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            // One byte too many tells whoever has the bound.
            let room = (self.longest + 1).saturating_sub(out.len());
            out.extend_from_slice(&rest[..plain.min(room)]);
            self.at += plain;
            match self.peek()? {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(String::from_utf8_lossy(&out).into_owned());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    if out.len() <= self.longest {
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        Ok(match self.take()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'u' => {
                let first = self.unit()?;
                if !(0xD800..0xDC00).contains(&first) {
                    return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                if self.peek()? != Some(b'\\') {
                    return Ok(char::REPLACEMENT_CHARACTER);
                }
                self.at += 1;
                if self.peek()? != Some(b'u') {
                    return self.escape();
                }
                self.at += 1;
                let second = self.unit()?;
                let pair = 0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00);
                let valid = (0xDC00..0xE000).contains(&second);
                char::from_u32(pair)
                    .filter(|_| valid)
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            _ => return Err(self.damaged()),
        })
    }

    /// Four digits, hexadecimal.
    fn unit(&mut self) -> Result<u32, ReadError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.take()?).to_digit(16);
            unit = unit * 16 + digit.ok_or_else(|| self.damaged())?;
        }
        Ok(unit)
    }

    /// A number or word; numbers keep their digits.
    fn word(&mut self) -> Result<String, ReadError> {
        let mut word = String::new();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) || word.len() > 512 {
                break;
            }
            word.push(char::from(byte));
            self.at += 1;
        }
        let number = word
            .bytes()
            .next()
            .is_some_and(|byte| byte == b'-' || byte.is_ascii_digit())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
            && word.parse::<f64>().is_ok();
        match word.as_str() {
            "null" => Ok(String::new()),
            "true" | "false" => Ok(word),
            _ if number => Ok(word),
            _ if self.peek()?.is_none() => Err(cut()),
            _ => Err(self.damaged()),
        }
    }

    /// A value under its name.
    fn value(&mut self, name: String, listed: bool) -> Result<(), ReadError> {
        if self.open.len() >= DEPTH {
            return Err(ReadError::TooDeep { limit: DEPTH });
        }
        match self.solid()?.ok_or_else(cut)? {
            b'{' => {
                self.at += 1;
                self.open.push(Frame::Object);
                self.ready.push_back(Event::Open(name, listed));
            }
            b'[' => {
                self.at += 1;
                self.open.push(match listed {
                    true => Frame::List(ELEMENT.to_owned(), true),
                    false => Frame::List(name.clone(), false),
                });
                if listed {
                    self.ready.push_back(Event::Open(name, true));
                }
            }
            byte => {
                let text = if byte == b'"' {
                    self.at += 1;
                    self.string()?
                } else {
                    self.word()?
                };
                self.ready.push_back(Event::Open(name, listed));
                if !text.is_empty() {
                    self.ready.push_back(Event::Text(text));
                }
                self.ready.push_back(Event::Close);
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        let Some(byte) = self.solid()? else {
            return if self.open.is_empty() {
                Ok(false)
            } else {
                Err(cut())
            };
        };
        match (self.open.last(), byte) {
            (Some(_), b',') => self.at += 1,
            (Some(Frame::Object), b'}') | (Some(Frame::List(_, true)), b']') => {
                self.at += 1;
                self.open.pop();
                self.ready.push_back(Event::Close);
            }
            (Some(Frame::List(_, false)), b']') => {
                self.at += 1;
                self.open.pop();
            }
            (Some(Frame::Object), b'"') => {
                self.at += 1;
                let name = self.string()?;
                if self.solid()?.ok_or_else(cut)? != b':' {
                    return Err(self.damaged());
                }
                self.at += 1;
                self.value(name, false)?;
            }
            (Some(Frame::Object), _) => return Err(self.damaged()),
            (Some(Frame::List(name, _)), _) => {
                let name = name.clone();
                self.value(name, true)?;
            }
            (None, b'{' | b'[') => self.value(WHOLE.to_owned(), false)?,
            (None, _) => return Err(self.damaged()),
        }
        Ok(true)
    }
}

fn cut() -> ReadError {
    ReadError::DamagedFile { what: "JSON" }
}

impl<R: Read + Send> Events for Json<R> {
    fn next(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn tables(text: &str) -> Vec<String> {
        let bytes = text.as_bytes().to_vec();
        let open = move || Box::new(Json::new(std::io::Cursor::new(bytes.clone()), 1 << 20)) as _;
        told(&mut Trees::new(Box::new(open), &Limits::default()))
    }

    #[test]
    fn lists_of_objects_are_tables() {
        let rows: [(&str, &[&str]); 8] = [
            (
                r#"[{"name":"某甲","tel":13800000000},{"name":"\u67d0乙","id":"x","tel":null}]"#,
                &["[] name|tel|id", "2: 某甲|13800000000|", "3: 某乙||x"],
            ),
            (
                r#"{"code":0,"data":{"total":2,"list":[{"a":{"name":"某甲"},"tags":["x","y"]},{"a":{"name":"某乙"}}]}}"#,
                &[
                    "[] code|total",
                    "2: 0|2",
                    "[data.list] name|tags",
                    "2: 某甲|x y",
                    "3: 某乙|",
                ],
            ),
            (
                r#"{"user":{"name":"某甲","tel":"1"},"id":7}"#,
                &["[] name|tel|id", "2: 某甲|1|7"],
            ),
            (
                r#"{"101":{"name":"某甲","tel":"1"},"102":{"name":"某乙","tel":"2"}}"#,
                &["[] key|name|tel", "2: 101|某甲|1", "3: 102|某乙|2"],
            ),
            (
                r#"{"班":[{"名":"一","人":[{"姓名":"某甲"},{"姓名":"某乙"}]},{"名":"二","人":[{"姓名":"某丙"}]}]}"#,
                &[
                    "[班] 名",
                    "2: 一",
                    "3: 二",
                    "[班.人] 姓名",
                    "2: 某甲",
                    "3: 某乙",
                    "4: 某丙",
                ],
            ),
            (
                r#"{"rows":[["姓名","电话"],["某甲",1]]}"#,
                &["[rows] ?", "1: 姓名|电话", "2: 某甲|1"],
            ),
            (
                r#"{"phones":["138","139"]}"#,
                &["[phones] phones", "2: 138", "3: 139"],
            ),
            (
                "{\n\"a\": {\"b\": 1}}\n{\"a\": {\"b\": 2}}",
                &["[] b", "2: 1", "3: 2"],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(tables(text), expected, "{text}");
            assert!(looks(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_telegram_chat_is_text() {
        let text = r#"{"name":"群","type":"private_group","id":1,"messages":[
            {"id":1,"type":"message","date":"2025-01-02T03:04:05","from":"某甲","from_id":"user7","text":["电话 ",{"type":"phone","text":"13800000000"}],"text_entities":[{"type":"plain","text":"电话"}]},
            {"id":2,"type":"service","date":"2025-01-02T03:05:05","actor":"某乙","action":"join","text":""}]}"#;
        let expected = [
            "[] name|type|id",
            "2: 群|private_group|1",
            "<messages>",
            "2025-01-02T03:04:05 某甲 user7: 电话  13800000000\n",
            "2025-01-02T03:05:05 某乙\n",
        ];
        assert_eq!(tables(text), expected);
    }

    #[test]
    fn lists_of_wide_characters_are_known() {
        let wide: Vec<u8> = "\u{feff}{\"姓名\":\"某甲\"}\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(looks(&wide));
        let text: Vec<u8> = "\u{feff}姓名"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(!looks(&text));
    }

    #[test]
    fn damage_costs_what_follows_it_and_is_told() {
        let rows: [(&str, &[&str]); 3] = [
            (
                r#"[{"a":1},{"a":2},{"a":"#,
                &[
                    "[] a",
                    "2: 1",
                    "3: 2",
                    "the JSON file is damaged or cut short",
                ],
            ),
            (
                r#"[{"a":1},{"a":2},{a:3}]"#,
                &["[] a", "2: 1", "3: 2", "damaged at byte 18"],
            ),
            ("[", &["the JSON file is damaged or cut short"]),
        ];
        for (text, expected) in rows {
            assert_eq!(tables(text), expected, "{text}");
        }
        let deep = tables(&"[".repeat(100_000));
        assert_eq!(deep.last().unwrap(), "files within files, deeper than 256");
    }

    #[test]
    fn names_without_end_stay_bounded() {
        let dictionary: String = (0..100_000)
            .map(|n| format!("\"{n}\":\"某{n}\","))
            .collect();
        let seen = tables(&format!("{{{}\"x\":\"y\"}}", dictionary));
        assert_eq!(seen.len(), 100_002);
        assert_eq!(seen[..2], ["[] key|value", "2: 0|某0"]);
    }

    #[test]
    fn what_is_no_json() {
        for text in [
            "[2025-01-02 03:04] a line of a log\n",
            "[section]\na=1",
            "{a}",
            "[x](y)",
            "{{ template }}",
        ] {
            assert!(!looks(text.as_bytes()), "{text}");
        }
    }
}
