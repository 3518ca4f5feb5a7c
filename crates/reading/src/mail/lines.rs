//! A message as lines, and the marks among them that end a part.

use std::io::{self, BufRead, Read as _};

use crate::ReadError;

/// Bytes of a line that come at once; a longer one comes in pieces.
const LONGEST: u64 = 64 << 10;
/// The longest boundary (RFC 2046, section 5.1.1), with some patience.
const BOUNDARY: usize = 200;

/// Why a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The source ended.
    Source,
    /// Another message of the mailbox begins.
    Message,
    /// A boundary: of which of the open multiparts, and whether it is its last.
    Boundary { level: usize, last: bool },
}

/// What comes next.
pub(super) enum Next<'a> {
    /// A line with its end, or a piece of a longer one.
    Line(&'a [u8]),
    /// The part is over.
    Ended(Ended),
}

/// Lines of a source.
pub(super) struct Lines<R> {
    source: R,
    mailbox: bool,
    boundaries: Vec<Vec<u8>>,
    line: Vec<u8>,
    /// Whether the line before was whole, and empty.
    whole: bool,
    blank: bool,
    pub(super) failure: Option<ReadError>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, mailbox: bool) -> Self {
        Self {
            source,
            mailbox,
            boundaries: Vec::new(),
            line: Vec::new(),
            whole: true,
            blank: true,
            failure: None,
        }
    }

    /// Passes over the mark before the first message.
    pub(super) fn skip_mark(&mut self) {
        self.fill();
    }

    /// Parts end at this boundary too from now on; answers its level.
    pub(super) fn enter(&mut self, boundary: Vec<u8>) -> usize {
        self.boundaries.push(boundary);
        self.boundaries.len() - 1
    }

    /// The multipart of this level, and all within it, are over.
    pub(super) fn leave(&mut self, level: usize) {
        self.boundaries.truncate(level);
    }

    /// Passes over everything up to the next mark.
    pub(super) fn skip(&mut self) -> Ended {
        loop {
            if let Next::Ended(ended) = self.next() {
                return ended;
            }
        }
    }

    pub(super) fn next(&mut self) -> Next<'_> {
        let (begins, after_blank) = (self.whole, self.blank);
        if !self.fill() {
            return Next::Ended(Ended::Source);
        }
        if begins && self.mailbox {
            if after_blank && self.line.starts_with(b"From ") {
                self.boundaries.clear();
                return Next::Ended(Ended::Message);
            }
            if self.line.starts_with(b">") && self.line.trim_ascii_start().starts_with(b">From ") {
                self.line.remove(0);
            }
        }
        if begins && let Some(ended) = self.boundary() {
            return Next::Ended(ended);
        }
        Next::Line(&self.line)
    }

    /// Reads a line; false when there is none.
    fn fill(&mut self) -> bool {
        self.line.clear();
        loop {
            let room = LONGEST - self.line.len() as u64;
            match (&mut self.source)
                .take(room)
                .read_until(b'\n', &mut self.line)
            {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(ReadError::of(error));
                    break;
                }
            }
        }
        self.blank = self.whole && self.line.trim_ascii().is_empty();
        self.whole = self.line.last() == Some(&b'\n');
        !self.line.is_empty()
    }

    fn boundary(&self) -> Option<Ended> {
        let line = self.line.trim_ascii_end();
        let rest = line
            .strip_prefix(b"--")
            .filter(|rest| rest.len() <= BOUNDARY)?;
        // The innermost first: an outer boundary may begin an inner one.
        let levels = self.boundaries.iter().enumerate().rev();
        levels.into_iter().find_map(|(level, boundary)| {
            let last = rest.strip_suffix(b"--") == Some(boundary.as_slice());
            (last || rest == boundary.as_slice()).then_some(Ended::Boundary { level, last })
        })
    }
}
