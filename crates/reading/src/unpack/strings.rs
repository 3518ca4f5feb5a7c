//! Strings in binary data, disk images among it: what may be text in UTF-8, GBK or UTF-16.
//!
//! A heuristic: six characters that print, or four Chinese ones of the commonest 3,755 (the first
//! level of GB 2312), side by side. Rarer characters alone are not told from noise; noise is told
//! as text now and then. Each string comes with the offset of its first byte.

use std::collections::VecDeque;
use std::io::Read;

use encoding_rs::GBK;
use liuhen_document::Text;

use super::{Flow, Step};
use crate::ReadError;
use crate::raw::RawRow;

/// Bytes looked at in one go; a longer string is told in pieces.
const WINDOW: usize = 256 << 10;
/// Bytes kept for a string that goes on.
const KEEP: usize = 16 << 10;
/// Characters that make a string.
const SHORTEST: usize = 6;
/// Chinese characters that make one.
const SHORTEST_CHINESE: usize = 4;

/// The strings of a source.
pub(crate) struct Strings<R> {
    source: R,
    buffer: Vec<u8>,
    /// The offset of the buffer's first byte.
    base: u64,
    common: Vec<bool>,
    number: u64,
    ready: VecDeque<Step>,
    ended: bool,
}

/// A string found: where in the buffer it begins and ends, and what it says.
struct Found {
    start: usize,
    end: usize,
    encoding: &'static str,
    text: String,
}

impl<R: Read> Strings<R> {
    pub(crate) fn new(source: R) -> Self {
        let columns = ["offset", "encoding", "text"].map(str::to_owned).to_vec();
        let begins = Step::Table {
            name: None,
            columns: Some(columns),
            placed: false,
        };
        Self {
            source,
            buffer: Vec::new(),
            base: 0,
            common: common(),
            number: 1,
            ready: VecDeque::from([begins]),
            ended: false,
        }
    }

    fn window(&mut self) -> Result<(), ReadError> {
        let room = (WINDOW - self.buffer.len().min(WINDOW)) as u64;
        let read = (&mut self.source).take(room).read_to_end(&mut self.buffer);
        self.ended = read.map_err(ReadError::of)? == 0;
        let mut found = utf8(&self.buffer);
        found.extend(self.gbk());
        found.extend(self.wide());
        found.sort_by_key(|string| (string.start, string.encoding));
        // A string that reaches the end may go on: it is looked at again with what follows.
        let length = self.buffer.len();
        let cut = if self.ended {
            length
        } else {
            let open = found.iter().filter(|string| string.end + 4 > length);
            let first = open.map(|string| string.start).min();
            // One that is too long to wait for is cut here.
            let first = first.unwrap_or(length.saturating_sub(16));
            if length - first > KEEP { length } else { first }
        };
        for string in found {
            if string.start < cut {
                self.tell(&string);
            }
        }
        self.buffer.drain(..cut);
        self.base += cut as u64;
        Ok(())
    }

    fn tell(&mut self, string: &Found) {
        self.number += 1;
        let offset = format!("0x{:X}", self.base + string.start as u64);
        let cells = vec![
            Text::from(offset),
            Text::from(string.encoding),
            Text::from(string.text.as_str()),
        ];
        let number = self.number;
        self.ready.push_back(Step::Row(RawRow { number, cells }));
    }

    /// Pairs of bytes of GB 2312 and what prints between them.
    fn gbk(&self) -> Vec<Found> {
        let bytes = &self.buffer;
        let mut found = Vec::new();
        let (mut at, mut start, mut chinese) = (0, 0, 0);
        while at <= bytes.len() {
            let pair = bytes.get(at).zip(bytes.get(at + 1));
            let step = match (bytes.get(at), pair) {
                (Some(byte), _) if prints(*byte) => 1,
                (_, Some((0xB0..=0xD7, 0xA1..=0xFE))) => {
                    chinese += 1;
                    2
                }
                (_, Some((0xA1..=0xA3 | 0xD8..=0xF7, 0xA1..=0xFE))) => 2,
                _ => 0,
            };
            if step > 0 {
                at += step;
                continue;
            }
            if let Some(run) = bytes.get(start..at).filter(|_| chinese >= SHORTEST_CHINESE)
                && std::str::from_utf8(run).is_err()
            {
                found.push(Found {
                    start,
                    end: at,
                    encoding: "GBK",
                    text: GBK.decode_without_bom_handling(run).0.into_owned(),
                });
            }
            at += 1;
            (start, chinese) = (at, 0);
        }
        found
    }

    /// UTF-16 of both byte orders. ASCII of the one is, a byte further, ASCII of the other: where two
    /// lie over one another the longer one is told, of equals the one whose little end comes first.
    fn wide(&self) -> Vec<Found> {
        type Order = (&'static str, fn([u8; 2]) -> u16);
        let orders: [Order; 2] = [
            ("UTF-16LE", u16::from_le_bytes),
            ("UTF-16BE", u16::from_be_bytes),
        ];
        let readings = orders
            .into_iter()
            .flat_map(|order| [(order, 0), (order, 1)]);
        let mut found: Vec<Found> = readings
            .flat_map(|((name, unit), parity)| self.utf16(parity, name, unit))
            .collect();
        found.sort_by_key(|string| (string.start, string.encoding == "UTF-16BE"));
        let mut told: Vec<Found> = Vec::new();
        for string in found {
            let rank = |one: &Found| (one.end - one.start, one.encoding == "UTF-16LE");
            match told.last_mut().filter(|last| last.end > string.start) {
                Some(last) if rank(last) >= rank(&string) => {}
                Some(last) => *last = string,
                None => told.push(string),
            }
        }
        told
    }

    /// Units of UTF-16 in one byte order that print or are common Chinese characters.
    fn utf16(&self, parity: usize, encoding: &'static str, unit: fn([u8; 2]) -> u16) -> Vec<Found> {
        let mut found = Vec::new();
        let (mut run, mut chinese, mut start) = (Vec::new(), 0, parity);
        let units = self
            .buffer
            .get(parity..)
            .unwrap_or_default()
            .as_chunks::<2>()
            .0;
        let all = units.iter().map(|pair| unit(*pair)).chain([0]);
        for (n, unit) in all.enumerate() {
            let common = self
                .common
                .get(usize::from(unit))
                .is_some_and(|common| *common);
            let ascii = u8::try_from(unit).is_ok_and(prints);
            if ascii || common {
                chinese += usize::from(common);
                run.push(unit);
                continue;
            }
            let end = parity + n * 2;
            if chinese >= SHORTEST_CHINESE || run.len() - chinese >= SHORTEST {
                found.push(Found {
                    start,
                    end,
                    encoding,
                    text: String::from_utf16_lossy(&run),
                });
            }
            run.clear();
            (chinese, start) = (0, end + 2);
        }
        found
    }
}

fn prints(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Characters of UTF-8 that print.
fn utf8(bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut end_run = |run: &mut String, chinese: &mut usize, end: usize| {
        let chars = run.chars().count();
        let start = end - run.len();
        let text = std::mem::take(run);
        if *chinese >= SHORTEST_CHINESE || chars - *chinese >= SHORTEST {
            found.push(Found {
                start,
                end,
                encoding: "UTF-8",
                text,
            });
        }
        *chinese = 0;
    };
    let (mut run, mut chinese) = (String::new(), 0);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() && c != '\t' || c == char::REPLACEMENT_CHARACTER {
                end_run(&mut run, &mut chinese, at);
            } else {
                chinese += usize::from(('\u{4E00}'..='\u{9FFF}').contains(&c));
                run.push(c);
            }
            at += c.len_utf8();
        }
        if !chunk.invalid().is_empty() {
            end_run(&mut run, &mut chinese, at);
            at += chunk.invalid().len();
        }
    }
    end_run(&mut run, &mut chinese, at);
    found
}

/// Which units of UTF-16 are Chinese characters of the first level of GB 2312.
fn common() -> Vec<bool> {
    let mut common = vec![false; 1 << 16];
    for high in 0xB0..=0xD7u8 {
        for low in 0xA1..=0xFEu8 {
            let pair = [high, low];
            let (text, _) = GBK.decode_without_bom_handling(&pair);
            for c in text.encode_utf16().filter(|c| *c != 0xFFFD) {
                if let Some(known) = common.get_mut(usize::from(c)) {
                    *known = true;
                }
            }
        }
    }
    common
}

impl<R: Read + Send> Flow for Strings<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.ended {
                return Ok(None);
            }
            self.window()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(bytes: &[u8]) -> Vec<String> {
        let mut strings = Strings::new(bytes);
        let mut seen = Vec::new();
        while let Some(step) = strings.step().unwrap() {
            if let Step::Row(row) = step {
                let cells: Vec<&str> = row.cells.iter().map(Text::as_str).collect();
                seen.push(cells.join(" "));
            }
        }
        seen
    }

    #[test]
    fn strings_of_three_encodings_with_their_offsets() {
        let text = "联系人某甲";
        let gbk = GBK.encode(text).0.into_owned();
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let noise = [0u8, 1, 2, 0xFF, 0xFE, 3, 0];
        let bytes = [
            &noise[..],
            text.as_bytes(),
            &noise,
            &gbk,
            &noise,
            &wide,
            &noise,
            b"13800000000",
        ]
        .concat();
        let expected = [
            "0x7 UTF-8 联系人某甲",
            "0x1D GBK 联系人某甲",
            "0x2E UTF-16LE 联系人某甲",
            "0x3F UTF-8 13800000000",
        ];
        assert_eq!(strings(&bytes), expected);
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        let bytes = [
            &noise[..],
            &wide("联系人某甲"),
            &noise,
            &wide("13800000000"),
            &noise[1..],
        ]
        .concat();
        let expected = ["0x7 UTF-16BE 联系人某甲", "0x18 UTF-16BE 13800000000"];
        assert_eq!(strings(&bytes), expected);
        // The same far behind the first window, and across its edge.
        for zeros in [WINDOW * 2 + 5, WINDOW - 20] {
            let far = [vec![0; zeros], text.as_bytes().to_vec()].concat();
            assert_eq!(strings(&far), [format!("0x{zeros:X} UTF-8 {text}")]);
        }
    }
}
