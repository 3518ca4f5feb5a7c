//! XML as a tree, streamed.
//!
//! No entity is expanded and nothing fetched: a document that declares entities of its own is
//! refused, references beyond the five of XML become U+FFFD. The encoding is judged by the bytes.

use std::collections::VecDeque;
use std::io::BufReader;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Piece};

use super::{DEPTH, Event, Events, Trees};
use crate::office::Bounded;
use crate::source::{Blob, Section};
use crate::stream::AsUtf8;
use crate::unpack::Flow;
use crate::xlsx::xml::resolve;
use crate::{Limits, ReadError, TextStream};

/// Whether a text begins as XML does, or with an element and bears the name of XML; pages and their
/// fragments, which nobody closes, are none.
pub(crate) fn looks(head: &[u8], name: &str) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let head = head.trim_ascii_start();
    if head.starts_with(b"<?xml") || head.starts_with(&utf16("<?xml")) {
        return true;
    }
    let named = name.len() > 4 && name.to_ascii_lowercase().ends_with(".xml");
    named && head.first() == Some(&b'<')
}

fn utf16(text: &str) -> Vec<u8> {
    let mark = [0xFF, 0xFE];
    mark.into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect()
}

/// The tables of a file.
pub(crate) fn open(blob: &Blob, limits: &Limits) -> Box<dyn Flow> {
    let (blob, longest) = (blob.clone(), limits.max_row_bytes);
    let open = move || Box::new(Xml::new(blob.open(), longest)) as Box<dyn Events>;
    Box::new(Trees::new(Box::new(open), limits))
}

/// A document being read.
struct Xml {
    reader: Reader<Bounded<AsUtf8<Section>>>,
    buffer: Vec<u8>,
    longest: usize,
    depth: usize,
    /// Text of the element under way, which references interrupt.
    text: String,
    ready: VecDeque<Event>,
    over: bool,
}

impl Xml {
    fn new(source: Section, longest: usize) -> Self {
        let text = AsUtf8::new(TextStream::new(source, None));
        let mut reader = Reader::from_reader(Bounded {
            inner: BufReader::with_capacity(64 << 10, text),
            left: longest,
        });
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            longest,
            depth: 0,
            text: String::new(),
            ready: VecDeque::new(),
            over: false,
        }
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        self.buffer.clear();
        self.reader.get_mut().left = self.longest;
        let piece = self.reader.read_event_into(&mut self.buffer);
        let offset = self.reader.buffer_position();
        match piece {
            Ok(Piece::Start(element)) => {
                said(&mut self.text, &mut self.ready);
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(ReadError::TooDeep { limit: DEPTH });
                }
                let name = element.local_name().as_ref().to_owned();
                self.ready.push_back(Event::Open(name, false));
                attributes(&element, &mut self.ready);
            }
            Ok(Piece::End(_)) => {
                said(&mut self.text, &mut self.ready);
                self.depth = self.depth.saturating_sub(1);
                self.ready.push_back(Event::Close);
            }
            Ok(Piece::Text(text)) => self.text.push_str(&text),
            Ok(Piece::CData(text)) => self.text.push_str(&text),
            Ok(Piece::GeneralRef(reference)) => {
                let c = resolve(&reference).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.text.push(c);
            }
            Ok(Piece::DocType(declared)) if declared.contains("<!ENTITY") => {
                return Err(ReadError::ForbiddenEntities);
            }
            Ok(Piece::Eof) if self.depth > 0 => {
                return Err(ReadError::DamagedFile { what: "XML" });
            }
            Ok(Piece::Eof) => self.over = true,
            Ok(_) => {}
            Err(quick_xml::Error::Io(error)) => {
                return Err(ReadError::within(&error)
                    .map_or(ReadError::Damaged { offset }, |_| ReadError::Damaged {
                        offset,
                    }));
            }
            Err(_) => return Err(ReadError::Damaged { offset }),
        }
        if self.text.len() > self.longest {
            return Err(ReadError::TooLarge {
                budget: self.longest as u64,
            });
        }
        Ok(())
    }
}

/// Text that stands for something.
fn said(text: &mut String, ready: &mut VecDeque<Event>) {
    let trimmed = text.trim();
    if !trimmed.is_empty() {
        ready.push_back(Event::Text(trimmed.to_owned()));
    }
    text.clear();
}

fn attributes(element: &BytesStart<'_>, ready: &mut VecDeque<Event>) {
    for attribute in element.attributes().with_checks(false).flatten() {
        let name = attribute.key.local_name().as_ref().to_owned();
        if attribute.key.as_ref().starts_with("xmlns") {
            continue;
        }
        let value = crate::xlsx::xml::attribute(element, &name).unwrap_or_default();
        ready.push_back(Event::Open(format!("@{name}"), false));
        if !value.is_empty() {
            ready.push_back(Event::Text(value));
        }
        ready.push_back(Event::Close);
    }
}

impl Events for Xml {
    fn next(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            self.advance()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn tables(bytes: &[u8]) -> Vec<String> {
        let source = Box::new(std::io::Cursor::new(bytes.to_vec()));
        let blob = Blob::new(source).unwrap();
        told(open(&blob, &Limits::default()).as_mut())
    }

    #[test]
    fn elements_that_repeat_are_records() {
        let text = "<?xml version='1.0' encoding='GBK'?><册 n='2'><人 id='1'><姓名>某甲</姓名><电话 型='手机'>138</电话></人>\n<人 id='2'><姓名>某&amp;乙</姓名></人></册>";
        let expected = [
            "[] n",
            "2: 2",
            "[册.人] id|姓名|电话|型",
            "2: 1|某甲|138|手机",
            "3: 2|某&乙||",
        ];
        assert_eq!(tables(text.as_bytes()), expected);
        assert_eq!(tables(&encoding_rs::GB18030.encode(text).0), expected);
    }

    #[test]
    fn entities_are_refused_and_damage_is_told() {
        let laughs =
            "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>";
        assert_eq!(
            tables(laughs.as_bytes()),
            ["declares entities of its own, which are refused"]
        );
        let cut = "<l><p><n>某甲</n></p><p><n>某乙</n></p><p>";
        assert_eq!(
            tables(cut.as_bytes()),
            [
                "[l.p] n",
                "2: 某甲",
                "3: 某乙",
                "the XML file is damaged or cut short"
            ]
        );
        let deep = "<a>".repeat(100_000);
        assert_eq!(
            tables(deep.as_bytes()).last().unwrap(),
            "files within files, deeper than 256"
        );
    }
}
