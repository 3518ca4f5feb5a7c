//! A part as a stream of XML events, bounded.
//!
//! Three bounds that the parser itself does not set: an event is no longer than a row may be,
//! elements nest no deeper than [`DEPTH`], and a document type declaration ends the reading
//! (ECMA-376 part 2 forbids it, and entities that multiply or fetch need it). The parser expands
//! no entity; of references only the five of XML and characters are resolved.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::XlsxPart;
use super::package::{Breach, Part};
use crate::ReadError;

/// Elements within elements; a sheet has five or six.
const DEPTH: usize = 64;

/// Events of one part.
pub(crate) struct Xml {
    reader: Reader<Metered>,
    part: XlsxPart,
    max_event: usize,
    depth: usize,
    buffer: Vec<u8>,
}

impl Xml {
    /// Reads a part whose events are at most `max_event` bytes long.
    pub(crate) fn new(stream: Part, part: XlsxPart, max_event: usize) -> Self {
        let inner = BufReader::with_capacity(64 << 10, stream);
        let mut reader = Reader::from_reader(Metered {
            inner,
            left: max_event,
        });
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            part,
            max_event,
            depth: 0,
            buffer: Vec::with_capacity(1 << 10),
        }
    }

    /// The next event; nothing at the end of the part, where its checksum has been compared.
    pub(crate) fn next(&mut self) -> Result<Option<Event<'_>>, ReadError> {
        self.buffer.clear();
        self.reader.get_mut().left = self.max_event;
        match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::Eof) if self.depth == 0 => Ok(None),
            Ok(Event::Eof) => Err(ReadError::Malformed {
                part: self.part,
                offset: self.reader.buffer_position(),
            }),
            Ok(Event::DocType(_)) => Err(ReadError::ForbiddenXml { part: self.part }),
            Ok(event) => {
                match &event {
                    Event::Start(_) => self.depth += 1,
                    Event::End(_) => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.depth > DEPTH {
                    let offset = self.reader.buffer_position();
                    return Err(ReadError::Malformed {
                        part: self.part,
                        offset,
                    });
                }
                Ok(Some(event))
            }
            Err(error) => {
                let offset = self.reader.buffer_position();
                Err(understand(&error, self.part, offset, self.max_event))
            }
        }
    }

    /// A malformed part, here.
    pub(crate) fn malformed(&self) -> ReadError {
        ReadError::Malformed {
            part: self.part,
            offset: self.reader.buffer_position(),
        }
    }
}

fn understand(
    error: &quick_xml::Error,
    part: XlsxPart,
    offset: u64,
    max_event: usize,
) -> ReadError {
    let quick_xml::Error::Io(error) = error else {
        return ReadError::Malformed { part, offset };
    };
    let breach = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Breach>());
    match (breach, error.kind()) {
        (Some(Breach::Total { budget }), _) => ReadError::TooLarge { budget: *budget },
        (Some(Breach::Ratio { limit }), _) => ReadError::RatioTooHigh { limit: *limit },
        (Some(Breach::Element), _) => ReadError::TooLarge {
            budget: max_event as u64,
        },
        // What the inflater says of packed bytes that are no deflate stream.
        (Some(Breach::Checksum), _)
        | (None, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
        | (None, io::ErrorKind::UnexpectedEof) => ReadError::Malformed { part, offset },
        (None, kind) => ReadError::Source(io::Error::from(kind)),
    }
}

/// A buffered reader that fails when one event takes more than its share.
struct Metered {
    inner: BufReader<Part>,
    left: usize,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl BufRead for Metered {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(Breach::Element.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

/// The attribute of this local name, unescaped.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .and_then(|attribute| {
            attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .ok()
                .map(|v| v.into_owned())
        })
}

/// The character that a reference stands for; nothing when it names an entity of its own making.
pub(crate) fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Some(c);
    }
    match reference.as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// Undoes the escapes `_xHHHH_` by which a cell keeps what XML cannot (ECMA-376 part 1, 22.9.2.19).
pub(crate) fn unescape(text: &str) -> std::borrow::Cow<'_, str> {
    // Nearly no cell holds one; a search for one byte is the cheapest way to know.
    if memchr::memchr(b'_', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let hex = escape
            .get(2..6)
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let decoded = hex
            .filter(|_| escape.as_bytes().get(6) == Some(&b'_'))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        match decoded {
            Some(c) => {
                out.push(c);
                rest = &escape[7..];
            }
            None => {
                out.push_str("_x");
                rest = &escape[2..];
            }
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_cells_are_undone() {
        let rows = [
            ("plain", "plain"),
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x00", "_x00"),
            ("_xD800_", "_xD800_"),
            ("_x张张_", "_x张张_"),
            ("_x4E2D_", "中"),
        ];
        for (text, expected) in rows {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }
}
