//! What a Parquet file says of itself, looked over before the library believes it.
//!
//! Rule: Apache Parquet's `parquet.thrift`, structures FileMetaData (field 2: the schema),
//! SchemaElement (field 5: children) and PageHeader (fields 2 and 3: bytes unpacked and packed).
//! The library sets aside as much memory as a page claims and calls itself for each level of the
//! schema, so both are bounded here first.

use std::io::Read;

use super::thrift::{Compact, Sort};
use crate::source::Shared;
use crate::{Limits, ReadError};

/// Bytes that the list of parts at the end of a file may take.
const FOOTER_MOST: u64 = 64 << 20;
/// How deep columns may lie within each other.
const DEEPEST: usize = 32;
/// Bytes that one page may unpack to; writers make pages of 1 MiB, some of as much as a row group.
const PAGE_MOST: i64 = 128 << 20;
/// Bytes that a page may grow by whatever the ratio: some constant columns do.
const GROWTH_FREE: i64 = 16 << 20;
/// Bytes of a page's header: mostly the least and greatest value of the page.
const HEADER_MOST: u64 = 1 << 20;

const DAMAGED: ReadError = ReadError::DamagedFile { what: "Parquet" };

/// Looks over the footer: its size, and how deep the schema goes.
pub(super) fn footer(source: &Shared, length: u64) -> Result<(), ReadError> {
    let tail = bytes(source, length.checked_sub(8).ok_or(DAMAGED)?, 8)?;
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => return Err(ReadError::Encrypted),
        _ => return Err(DAMAGED),
    }
    let size = tail[..4].try_into().map_or(0, u32::from_le_bytes);
    let size = u64::from(size);
    if size > FOOTER_MOST {
        return Err(ReadError::TooLarge {
            budget: FOOTER_MOST,
        });
    }
    let start = (length - 8).checked_sub(size).ok_or(DAMAGED)?;
    let footer = bytes(source, start, size)?;
    check_depth(&footer).ok_or(DAMAGED)
}

fn check_depth(footer: &[u8]) -> Option<()> {
    let mut footer = Compact::new(footer);
    let mut last = 0;
    while let Some((number, sort)) = footer.field(&mut last)? {
        if number == 2 && sort == Sort::LIST {
            return schema(&mut footer);
        }
        footer.skip(sort)?;
    }
    None
}

/// Elements stand in the order of a walk, each with how many of the next are its children.
fn schema(footer: &mut Compact<'_>) -> Option<()> {
    let (count, sort) = footer.list()?;
    if sort != Sort::STRUCT {
        return None;
    }
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..count {
        let mut last = 0;
        let mut children = 0;
        while let Some((number, sort)) = footer.field(&mut last)? {
            match number {
                5 => children = footer.int()?,
                _ => footer.skip(sort)?,
            }
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        while open.last().is_some_and(|left| *left <= 0) {
            open.pop();
        }
        if open.len() > DEEPEST {
            return None;
        }
    }
    Some(())
}

/// Looks over the page headers of one column's chunk, which lies at `start` and is `length` long.
pub(super) fn pages(
    source: &Shared,
    start: u64,
    length: u64,
    limits: &Limits,
) -> Result<(), ReadError> {
    let end = start.checked_add(length).ok_or(DAMAGED)?;
    let mut at = start;
    while at < end {
        let (header, unpacked, packed) = page(source, at, end)?;
        if unpacked > PAGE_MOST {
            return Err(ReadError::TooLarge {
                budget: PAGE_MOST.unsigned_abs(),
            });
        }
        let most = i64::try_from(limits.max_ratio).unwrap_or(i64::MAX);
        if unpacked > packed.saturating_mul(most).saturating_add(GROWTH_FREE) {
            return Err(ReadError::RatioTooHigh {
                limit: limits.max_ratio,
            });
        }
        at = at
            .checked_add(header)
            .and_then(|at| at.checked_add(packed.unsigned_abs()))
            .ok_or(DAMAGED)?;
    }
    if at == end { Ok(()) } else { Err(DAMAGED) }
}

/// Bytes of the header at `at`, then what the page unpacks to and takes, none below zero.
fn page(source: &Shared, at: u64, end: u64) -> Result<(u64, i64, i64), ReadError> {
    let room = end - at;
    // Most headers fit a few hundred bytes; only those that do not are read in full.
    for most in [512, HEADER_MOST] {
        let header = bytes(source, at, room.min(most))?;
        let mut header = Compact::new(&header);
        if let Some((unpacked, packed)) = sizes(&mut header) {
            return Ok((header.taken() as u64, unpacked, packed));
        }
    }
    Err(DAMAGED)
}

fn sizes(header: &mut Compact<'_>) -> Option<(i64, i64)> {
    let (mut last, mut unpacked, mut packed) = (0, -1, -1);
    while let Some((number, sort)) = header.field(&mut last)? {
        match number {
            2 => unpacked = header.int()?,
            3 => packed = header.int()?,
            _ => header.skip(sort)?,
        }
    }
    (unpacked >= 0 && packed >= 0).then_some((unpacked, packed))
}

/// Exactly these bytes.
pub(super) fn bytes(source: &Shared, start: u64, length: u64) -> Result<Vec<u8>, ReadError> {
    let mut found = Vec::new();
    source.section(start, length).read_to_end(&mut found)?;
    if found.len() as u64 == length {
        Ok(found)
    } else {
        Err(DAMAGED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn shared(bytes: Vec<u8>) -> Shared {
        Shared::new(Box::new(Cursor::new(bytes)))
    }

    /// A page header: type 0, then the sizes.
    fn header(unpacked: i64, packed: i64) -> Vec<u8> {
        let mut bytes = vec![0x15, 0];
        for value in [unpacked, packed] {
            bytes.push(0x15);
            let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
            while zigzag >= 0x80 {
                bytes.push(zigzag.to_le_bytes()[0] | 0x80);
                zigzag >>= 7;
            }
            bytes.push(zigzag.to_le_bytes()[0]);
        }
        bytes.push(0);
        bytes
    }

    fn judged(unpacked: i64, packed: i64, body: usize) -> Result<(), ReadError> {
        let mut file = header(unpacked, packed);
        file.resize(file.len() + body, 7);
        let length = file.len() as u64;
        pages(&shared(file), 0, length, &Limits::default())
    }

    #[test]
    fn a_page_may_not_claim_more_than_a_page_is() {
        judged(40, 10, 10).unwrap();
        judged(16 << 20, 10, 10).unwrap();
        let refused = judged(1 << 30, 10, 10).unwrap_err();
        assert!(matches!(refused, ReadError::TooLarge { .. }), "{refused}");
        let refused = judged(100 << 20, 10, 10).unwrap_err();
        assert!(matches!(refused, ReadError::RatioTooHigh { .. }));
        for (unpacked, packed) in [(-1, 10), (40, -1), (40, 11), (40, i64::MAX)] {
            let refused = judged(unpacked, packed, 10).unwrap_err();
            assert!(
                matches!(refused, ReadError::DamagedFile { .. }),
                "{refused}"
            );
        }
    }

    /// A footer whose schema is a chain of groups, each the only child of the one before.
    fn chain(depth: usize) -> Vec<u8> {
        let mut footer = vec![0x15, 2, 0x19, 0xFC];
        let mut count = depth;
        while count >= 0x80 {
            footer.push(count.to_le_bytes()[0] | 0x80);
            count >>= 7;
        }
        footer.push(count.to_le_bytes()[0]);
        for _ in 0..depth {
            // Name "g", then one child.
            footer.extend([0x48, 1, b'g', 0x15, 2, 0]);
        }
        footer.push(0);
        footer
    }

    #[test]
    fn a_schema_may_not_be_deeper_than_the_stack() {
        for (depth, fits) in [(3, true), (32, true), (33, false), (1_000_000, false)] {
            assert_eq!(check_depth(&chain(depth)).is_some(), fits, "{depth}");
        }
    }
}
