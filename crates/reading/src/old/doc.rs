//! Word documents of before 2007 (MS-DOC), and WPS documents, which are the same: their text.
//!
//! The text lies in pieces that the table stream lists; deleted and hidden text is among them and
//! is told with the rest. Fields give what they show; tables give a tab for each cell.

use encoding_rs::{GBK, WINDOWS_1252};

use super::{Compound, index, stream, u16_at, u32_at};
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError};

/// Characters handed out at once.
const STRETCH: usize = 16 << 10;

/// A piece of the text: where it lies, and how.
struct Piece {
    at: usize,
    bytes: usize,
    wide: bool,
}

/// A document being read.
pub(super) struct Document {
    main: Vec<u8>,
    pieces: Vec<Piece>,
    next: usize,
    /// The format of Word 6 and 95: bytes of the system's code page.
    ancient: bool,
}

impl Document {
    pub(super) fn open(file: &mut Compound, limits: &Limits) -> Result<Self, ReadError> {
        let main = stream(file, "/WordDocument", limits)?;
        let damaged = ReadError::Damaged { offset: 0 };
        let (Some(version), Some(flags)) = (u16_at(&main, 2), u16_at(&main, 10)) else {
            return Err(damaged);
        };
        // Bit 8: encrypted or obfuscated (MS-DOC, section 2.5.2).
        if flags & 0x0100 != 0 {
            return Err(ReadError::Encrypted);
        }
        let ancient = version < 193;
        let pieces = if ancient {
            let ends = u32_at(&main, 24).zip(u32_at(&main, 28)).ok_or(damaged)?;
            vec![Piece {
                at: index(ends.0),
                bytes: index(ends.1.saturating_sub(ends.0)),
                wide: false,
            }]
        } else {
            let table = if flags & 0x0200 != 0 {
                "/1Table"
            } else {
                "/0Table"
            };
            let table = stream(file, table, limits)?;
            listed(&main, &table).ok_or(damaged)?
        };
        Ok(Self {
            main,
            pieces,
            next: 0,
            ancient,
        })
    }
}

/// The pieces that the table stream lists (MS-DOC, sections 2.9.38 and 2.8.35).
fn listed(main: &[u8], table: &[u8]) -> Option<Vec<Piece>> {
    let begin = index(u32_at(main, 0x1A2)?);
    let length = index(u32_at(main, 0x1A6)?);
    let mut rest = table.get(begin..begin.checked_add(length)?)?;
    // Properties stand before the list of pieces.
    while rest.first() == Some(&1) {
        rest = rest.get(3 + usize::from(u16_at(rest, 1)?)..)?;
    }
    let length = index(u32_at(rest, 1).filter(|_| rest[0] == 2)?);
    let list = rest.get(5..5usize.checked_add(length)?)?;
    let count = list.len().checked_sub(4)? / 12;
    let mut pieces = Vec::with_capacity(count);
    for n in 0..count {
        let (from, to) = (u32_at(list, n * 4)?, u32_at(list, n * 4 + 4)?);
        let place = u32_at(list, (count + 1) * 4 + n * 8 + 2)?;
        let narrow = place & 0x4000_0000 != 0;
        let at = place & 0x3FFF_FFFF;
        let chars = index(to.checked_sub(from)?);
        pieces.push(match narrow {
            true => Piece {
                at: index(at / 2),
                bytes: chars,
                wide: false,
            },
            false => Piece {
                at: index(at),
                bytes: chars.checked_mul(2)?,
                wide: true,
            },
        });
    }
    Some(pieces)
}

/// Marks of the format as characters of a text.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\u{B}' | '\u{C}' | '\u{E}' => out.push('\n'),
            '\u{7}' | '\t' => out.push('\t'),
            '\u{1E}' => out.push('-'),
            '\u{A0}' => out.push(' '),
            // The instruction of a field stands between these, its result behind.
            '\u{13}' | '\u{14}' | '\u{15}' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

impl Flow for Document {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        let Some(piece) = self.pieces.get_mut(self.next) else {
            return Ok(None);
        };
        let bytes = piece.bytes.min(STRETCH * 2);
        let end = piece.at.saturating_add(bytes).min(self.main.len());
        let Some(raw) = self
            .main
            .get(piece.at..end)
            .filter(|raw| raw.len() == bytes)
        else {
            let offset = piece.at as u64;
            self.next = usize::MAX;
            return Err(ReadError::Damaged { offset });
        };
        piece.at += bytes;
        piece.bytes -= bytes;
        if piece.bytes == 0 {
            self.next += 1;
        }
        let text = if piece.wide {
            let units: Vec<u16> = raw
                .as_chunks::<2>()
                .0
                .iter()
                .map(|unit| u16::from_le_bytes(*unit))
                .collect();
            String::from_utf16_lossy(&units)
        } else {
            let page = if self.ancient { GBK } else { WINDOWS_1252 };
            page.decode_without_bom_handling(raw).0.into_owned()
        };
        Ok(Some(Step::Text(plain(&text))))
    }
}
