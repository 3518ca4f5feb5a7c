//! What a part holds: base64 and quoted-printable (RFC 2045, section 6) undone as it is read.

use std::io::{self, BufRead, Read};

use super::lines::{Ended, Lines, Next};

/// How the bytes of a part are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Base64,
    Quoted,
}

/// The bytes of a part, up to its end.
pub(super) struct Body<'l, R> {
    lines: &'l mut Lines<R>,
    encoding: Encoding,
    base64: Base64,
    ready: Vec<u8>,
    at: usize,
    ended: Option<Ended>,
}

impl<'l, R: BufRead> Body<'l, R> {
    pub(super) fn new(lines: &'l mut Lines<R>, encoding: Encoding) -> Self {
        Self {
            lines,
            encoding,
            base64: Base64::default(),
            ready: Vec::new(),
            at: 0,
            ended: None,
        }
    }

    /// Why it ended; what is left of it is passed over.
    pub(super) fn ended(self) -> Ended {
        self.ended.unwrap_or_else(|| self.lines.skip())
    }
}

impl<R: BufRead> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if self.ended.is_some() {
                return Ok(0);
            }
            self.ready.clear();
            self.at = 0;
            match self.lines.next() {
                Next::Ended(ended) => self.ended = Some(ended),
                Next::Line(line) => match self.encoding {
                    Encoding::Plain => self.ready.extend_from_slice(line),
                    Encoding::Base64 => self.base64.push(line, &mut self.ready),
                    Encoding::Quoted => quoted(line, &mut self.ready),
                },
            }
        }
        let n = buffer.len().min(self.ready.len() - self.at);
        buffer[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Base64 (RFC 4648, section 4), read leniently: what is no digit of it is passed over.
#[derive(Default)]
pub(crate) struct Base64 {
    bits: u32,
    digits: u32,
}

impl Base64 {
    pub(crate) fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                // Padding ends a run; another may follow it.
                b'=' => {
                    *self = Self::default();
                    continue;
                }
                _ => continue,
            };
            self.bits = self.bits << 6 | u32::from(digit);
            self.digits += 1;
            if self.digits % 4 != 1 {
                let shift = match self.digits % 4 {
                    2 => 4,
                    3 => 2,
                    _ => 0,
                };
                #[expect(clippy::cast_possible_truncation, reason = "eight bits are meant")]
                out.push((self.bits >> shift) as u8);
            }
        }
    }
}

/// A line of quoted-printable, or of the `Q` form, whose blanks are told before.
pub(crate) fn quoted(line: &[u8], out: &mut Vec<u8>) {
    let (text, end) = match line
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r' | b' ' | b'\t'))
    {
        Some(last) if line.ends_with(b"\n") => (&line[..=last], &b"\n"[..]),
        None if line.ends_with(b"\n") => (&b""[..], &b"\n"[..]),
        _ => (line, &b""[..]),
    };
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'=' {
            out.push(byte);
            at += 1;
            continue;
        }
        let digits = text
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            // At the end of a line it joins the next one.
            None if at + 1 == text.len() => return,
            None => {
                out.push(b'=');
                at += 1;
            }
        }
    }
    out.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        let rows: [(&[u8], &[u8]); 5] = [
            (b"5byg5LiJ", "张三".as_bytes()),
            (b"YQ==", b"a"),
            (b"YWI=\r\nYWI=", b"abab"),
            (b"YQ!!==", b"a"),
            (b"", b""),
        ];
        for (text, expected) in rows {
            let mut out = Vec::new();
            let mut base64 = Base64::default();
            text.chunks(3)
                .for_each(|piece| base64.push(piece, &mut out));
            assert_eq!(out, expected);
        }
        let rows: [(&[u8], &[u8]); 6] = [
            (b"=D5=C5=C8=FD\r\n", b"\xD5\xC5\xC8\xFD\n"),
            (b"soft=\r\n", b"soft"),
            (b"a=b = c\n", b"a=b = c\n"),
            (b"blank  \n", b"blank\n"),
            (b"\r\n", b"\n"),
            (b"=", b""),
        ];
        for (line, expected) in rows {
            let mut out = Vec::new();
            quoted(line, &mut out);
            assert_eq!(out, expected, "{line:?}");
        }
    }
}
