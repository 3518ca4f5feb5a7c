//! TAR as a stream: POSIX.1-2001 (ustar, pax) and the GNU extensions for long names and sizes.
//!
//! Own reader: entries go back to the walk while they stream past, and what an entry says about
//! itself is bounded (a long name of gigabytes is a known attack on readers that keep it whole).

use std::io::{self, Read};
use std::ops::ControlFlow;

use super::names;
use crate::ReadError;
use crate::unpack::{Piece, Walker, is_tar};

const BLOCK: usize = 512;
/// Bytes of a long name or of the attributes of an entry that are kept.
const ATTRIBUTES: u64 = 64 << 10;

/// What a header says.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

/// What entries before this one said about it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(crate) fn open(walker: &mut Walker<'_>, piece: Piece<'_>) -> ControlFlow<()> {
    let place = piece.place.clone();
    let mut source = piece.into_reader();
    let mut ahead = Ahead::default();
    loop {
        let header = match header(&mut source) {
            Ok(Some(header)) => header,
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => return walker.unread(&place, error),
        };
        let special = b"LKxg".contains(&header.kind);
        // Attributes state their own size; only the entry they speak of takes what they say.
        let size = if special {
            header.size
        } else {
            ahead.size.take().unwrap_or(header.size)
        };
        let mut body = source.by_ref().take(size);
        let mut end = ControlFlow::Continue(());
        match header.kind {
            b'L' => ahead.name = Some(c_string(&kept(&mut body))),
            b'x' => pax(&kept(&mut body), &mut ahead),
            b'K' | b'g' => {}
            kind => {
                let name = names::decoded(&ahead.name.take().unwrap_or(header.name));
                let inner = place.clone().inside(name.as_str());
                end = match kind {
                    b'5' => ControlFlow::Continue(()),
                    b'1' | b'2' => walker.not_read(&inner, "a link inside an archive"),
                    b'3' | b'4' | b'6' => walker.not_read(&inner, "a device or pipe"),
                    // Others are to be read as files (POSIX.1-2001, typeflag).
                    _ if name.ends_with('/') => ControlFlow::Continue(()),
                    _ => walker.stream(inner, names::last(&name), &mut body),
                };
            }
        }
        end?;
        let left = body.limit();
        if let Err(error) = pass(&mut source, left + padding(size)) {
            return walker.unread(&place, error);
        }
    }
}

fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

/// Passes over bytes; an archive that ends before them is cut short.
fn pass(source: &mut impl Read, bytes: u64) -> Result<(), ReadError> {
    let passed = io::copy(&mut source.take(bytes), &mut io::sink()).map_err(ReadError::of)?;
    match passed == bytes {
        true => Ok(()),
        false => Err(ReadError::MalformedArchive),
    }
}

/// The next header; nothing at a block of zeros or where the source ends between two entries.
fn header(source: &mut impl Read) -> Result<Option<Header>, ReadError> {
    let mut block = Vec::with_capacity(BLOCK);
    let read = source.take(BLOCK as u64).read_to_end(&mut block);
    read.map_err(ReadError::of)?;
    if block.is_empty() || block.len() == BLOCK && block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let size = block.get(124..136).and_then(number);
    let (true, Some(size), Some(kind)) = (is_tar(&block), size, block.get(156)) else {
        return Err(ReadError::MalformedArchive);
    };
    let mut name = c_string(block.get(..100).unwrap_or_default());
    let ustar = block.get(257..263) == Some(b"ustar\0");
    let prefix = c_string(block.get(345..500).unwrap_or_default());
    if ustar && !prefix.is_empty() {
        name = [prefix.as_slice(), b"/", &name].concat();
    }
    // Links and folders have no body, whatever size they state.
    let bodiless = matches!(kind, b'1'..=b'6');
    Ok(Some(Header {
        name,
        size: if bodiless { 0 } else { size },
        kind: *kind,
    }))
}

/// A number in octal digits, or in GNU's base 256.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        let (high, low) = rest.split_at_checked(rest.len().saturating_sub(8))?;
        let zero = high.iter().all(|byte| *byte == 0);
        return zero.then(|| low.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    }
    let text = field
        .iter()
        .skip_while(|byte| **byte == b' ')
        .take_while(|byte| !matches!(byte, b' ' | 0));
    text.copied().try_fold(0u64, |sum, digit| {
        let digit = (b'0'..=b'7')
            .contains(&digit)
            .then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(8)?.checked_add(digit)
    })
}

fn c_string(field: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field[..end].to_vec()
}

fn kept(body: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A failure shows again when the body is passed over.
    let _ = body.take(ATTRIBUTES).read_to_end(&mut bytes);
    bytes
}

/// Records of a pax header: `length key=value\n`, of which name and size matter here.
fn pax(mut records: &[u8], ahead: &mut Ahead) {
    while let Some(blank) = memchr::memchr(b' ', records) {
        let length = std::str::from_utf8(&records[..blank])
            .ok()
            .and_then(|n| n.parse().ok());
        let Some((record, rest)) = length
            .filter(|length| *length > blank + 1)
            .and_then(|length: usize| records.split_at_checked(length))
        else {
            return;
        };
        let record = record[blank + 1..]
            .strip_suffix(b"\n")
            .unwrap_or(&record[blank + 1..]);
        if let Some(path) = record.strip_prefix(b"path=") {
            ahead.name = Some(path.to_vec());
        } else if let Some(size) = record.strip_prefix(b"size=") {
            ahead.size = std::str::from_utf8(size)
                .ok()
                .and_then(|size| size.parse().ok());
        }
        records = rest;
    }
}
