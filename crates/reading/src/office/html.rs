//! Pages of HTML as text and tables, by a tokeniser of its own.
//!
//! Lenient, as browsers are: what is no tag is text, unknown elements are looked through, a comment
//! ends at its end or not at all. Named references beyond a few stay as they are written.

use std::io::Read;

use super::blocks::{Blocks, Vocabulary};
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError, TextStream};

/// The longest tag that is looked into; what follows of a longer one is text.
const TAG: usize = 64 << 10;

/// A page being read.
pub(crate) struct Page<R> {
    stream: TextStream<R>,
    buffer: String,
    at: usize,
    last: bool,
    /// Within an element whose contents are no markup, until its end tag.
    raw: Option<&'static str>,
    blocks: Blocks,
    over: bool,
}

impl<R: Read> Page<R> {
    pub(crate) fn new(source: R, limits: &Limits) -> Self {
        Self {
            stream: TextStream::new(source, None),
            buffer: String::new(),
            at: 0,
            last: false,
            raw: None,
            blocks: Blocks::new(Vocabulary::Page, limits),
            over: false,
        }
    }

    fn refill(&mut self) -> Result<(), ReadError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let buffer = &mut self.buffer;
        let more = self.stream.pump(&mut |piece| buffer.push_str(piece));
        self.last = !more.map_err(ReadError::of)?;
        Ok(())
    }

    /// Takes one tag or stretch of text in; false when more of the source is needed.
    fn token(&mut self) -> bool {
        let rest = &self.buffer[self.at..];
        if let Some(raw) = self.raw {
            let end = find_end(rest, raw);
            let keep = raw.len() + 2;
            let passed = end.unwrap_or_else(|| floor(rest, rest.len().saturating_sub(keep)));
            if end.is_some() {
                self.raw = None;
            }
            self.at += if self.last && end.is_none() {
                rest.len()
            } else {
                passed
            };
            return end.is_some();
        }
        let Some(open) = memchr::memchr(b'<', rest.as_bytes()) else {
            // A reference must not be cut at the end of what is at hand.
            let whole = if self.last {
                rest.len()
            } else {
                rest.rfind('&').unwrap_or(rest.len())
            };
            push(&mut self.blocks, &rest[..whole]);
            self.at += whole;
            return false;
        };
        if open > 0 {
            push(&mut self.blocks, &rest[..open]);
            self.at += open;
            return true;
        }
        if let Some(comment) = rest.strip_prefix("<!--") {
            return match comment.find("-->") {
                Some(end) => {
                    self.at += 4 + end + 3;
                    true
                }
                None => {
                    let keep = floor(rest, rest.len().saturating_sub(3).max(4));
                    self.at += if self.last { rest.len() } else { 0 };
                    // A comment that never ends is dropped as it comes.
                    if !self.last && rest.len() > TAG {
                        let text = format!("<!--{}", &rest[keep..]);
                        self.buffer.replace_range(self.at.., &text);
                    }
                    false
                }
            };
        }
        let closed = rest
            .as_bytes()
            .iter()
            .take(TAG)
            .position(|byte| *byte == b'>');
        match closed {
            Some(end)
                if rest[1..].starts_with(|c: char| {
                    c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')
                }) =>
            {
                let tag = rest[1..end].to_owned();
                self.at += end + 1;
                self.tag(&tag);
                true
            }
            None if !self.last && rest.len() < TAG => false,
            _ => {
                self.blocks.text("<");
                self.at += 1;
                true
            }
        }
    }

    fn tag(&mut self, tag: &str) {
        let (closing, tag) = match tag.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let name: String = tag
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if closing {
            return self.blocks.end(&name);
        }
        self.blocks.start(&name, &|_| None);
        if !tag.ends_with('/') {
            self.raw = ["script", "style"].into_iter().find(|raw| *raw == name);
        }
    }
}

/// Where the end tag of an element stands.
fn find_end(text: &str, name: &str) -> Option<usize> {
    memchr::memmem::find_iter(text.as_bytes(), b"</").find(|at| {
        text.get(at + 2..at + 2 + name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
    })
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Text with its references resolved; line ends of the source are blanks.
fn push(blocks: &mut Blocks, mut text: &str) {
    while let Some(at) = text.find('&') {
        plain(blocks, &text[..at]);
        let rest = &text[at + 1..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let named = end.and_then(|end| Some((end, reference(rest.get(..end)?)?)));
        match named {
            Some((end, c)) => {
                blocks.text(c.encode_utf8(&mut [0; 4]));
                text = &rest[end + 1..];
            }
            None => {
                blocks.text("&");
                text = rest;
            }
        }
    }
    plain(blocks, text);
}

fn plain(blocks: &mut Blocks, text: &str) {
    for (n, line) in text.split(['\n', '\r']).enumerate() {
        if n > 0 && !line.trim().is_empty() {
            blocks.text(" ");
        }
        let line = if line.trim().is_empty() && text.contains('\n') {
            ""
        } else {
            line
        };
        blocks.text(line);
    }
}

fn reference(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
        Some(decimal) => decimal.parse().ok(),
        None => None,
    };
    if let Some(number) = number {
        return char::from_u32(number);
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" => ' ',
        _ => return None,
    })
}

impl<R: Read + Send> Flow for Page<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.blocks.step() {
                return Ok(Some(step));
            }
            if self.over {
                return Ok(None);
            }
            if self.at < self.buffer.len() && self.token() {
                continue;
            }
            if self.last {
                self.over = true;
                self.blocks.finish();
            } else {
                self.refill()?;
            }
        }
    }
}
