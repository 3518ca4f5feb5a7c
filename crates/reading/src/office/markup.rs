//! Parts of XML, one after another, as steps.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::blocks::{Blocks, Vocabulary};
use crate::archive::zip::{PartReader, Parts};
use crate::unpack::{Flow, Step};
use crate::xlsx::xml::{attribute, resolve};
use crate::{Limits, ReadError};

/// Elements within elements; documents nest tables in frames in tables, and stop far below this.
const DEPTH: usize = 512;

/// A part that holds text.
#[derive(Debug, Clone)]
pub(super) struct Chapter {
    pub(super) part: String,
    /// What its place is called, when it is one of its own.
    pub(super) section: Option<String>,
}

/// A document made of parts of XML.
pub(super) struct Markup {
    parts: Arc<Parts>,
    chapters: VecDeque<Chapter>,
    reader: Option<Reader<Bounded<PartReader>>>,
    buffer: Vec<u8>,
    depth: usize,
    max_event: usize,
    lenient: bool,
    blocks: Blocks,
    over: bool,
    failed: Option<ReadError>,
}

impl Markup {
    pub(super) fn new(
        parts: Arc<Parts>,
        chapters: Vec<Chapter>,
        vocabulary: Vocabulary,
        limits: &Limits,
    ) -> Self {
        Self {
            parts,
            chapters: chapters.into(),
            reader: None,
            buffer: Vec::new(),
            depth: 0,
            max_event: limits.max_row_bytes,
            lenient: vocabulary == Vocabulary::Page,
            blocks: Blocks::new(vocabulary, limits),
            over: false,
            failed: None,
        }
    }

    /// Opens the next part that is there; false when there is none.
    fn open(&mut self) -> Result<bool, ReadError> {
        while let Some(chapter) = self.chapters.pop_front() {
            let Some(part) = self.parts.part(&chapter.part)? else {
                continue;
            };
            self.blocks.section(chapter.section);
            let mut reader = Reader::from_reader(Bounded {
                inner: BufReader::with_capacity(64 << 10, part),
                left: self.max_event,
            });
            let config = reader.config_mut();
            config.expand_empty_elements = true;
            config.check_end_names = !self.lenient;
            self.reader = Some(reader);
            self.depth = 0;
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes one event in.
    fn event(&mut self) -> Result<(), ReadError> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        self.buffer.clear();
        reader.get_mut().left = self.max_event;
        let event = match reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => {
                return Err(ReadError::within(&error).map_or(ReadError::MalformedArchive, again));
            }
            Err(_) => {
                let offset = reader.buffer_position();
                return Err(ReadError::Damaged { offset });
            }
        };
        match event {
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(ReadError::TooDeep { limit: DEPTH });
                }
                let name = element.local_name();
                self.blocks
                    .start(name.as_ref(), &|wanted| attribute(&element, wanted));
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                self.blocks.end(element.local_name().as_ref());
            }
            Event::Text(text) => self.blocks.text(&text),
            Event::CData(text) => self.blocks.text(&text),
            Event::GeneralRef(reference) => {
                let c = resolve(&reference).or((reference.as_ref() == "nbsp").then_some(' '));
                let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                self.blocks.text(c.encode_utf8(&mut [0; 4]));
            }
            Event::Eof => {
                self.reader = None;
                self.blocks.finish();
            }
            // A document type is passed over: nothing it declares is ever used.
            _ => {}
        }
        Ok(())
    }
}

/// An error that stands inside another, as one of its own.
fn again(error: &ReadError) -> ReadError {
    match error {
        ReadError::TooLarge { budget } => ReadError::TooLarge { budget: *budget },
        ReadError::RatioTooHigh { limit } => ReadError::RatioTooHigh { limit: *limit },
        ReadError::Checksum => ReadError::Checksum,
        ReadError::Fault => ReadError::Fault,
        _ => ReadError::MalformedArchive,
    }
}

impl Flow for Markup {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.blocks.step() {
                return Ok(Some(step));
            }
            if self.over {
                return self.failed.take().map_or(Ok(None), Err);
            }
            let more = if self.reader.is_some() {
                self.event().map(|()| true)
            } else {
                self.open()
            };
            match more {
                Ok(true) => {}
                Ok(false) => self.over = true,
                // What the part held so far is told before the failure is.
                Err(error) => {
                    self.over = true;
                    self.failed = Some(error);
                }
            }
            if self.over {
                self.blocks.finish();
            }
        }
    }
}

/// A buffered reader that fails when one event takes more than its share.
pub(crate) struct Bounded<R> {
    pub(crate) inner: BufReader<R>,
    pub(crate) left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(ReadError::MalformedArchive.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}
