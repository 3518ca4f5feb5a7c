//! Compound files (MS-CFB): what Office wrote before 2007, WPS with it, and Outlook's messages.

mod doc;
mod msg;
mod xls;

use std::io::Read as _;
use std::ops::ControlFlow;

use liuhen_document::Locator;

use crate::source::{Blob, Section};
use crate::unpack::{Walker, guarded};
use crate::{Limits, ReadError};

type Compound = cfb::CompoundFile<Section>;

/// What reads a compound file.
enum Kind {
    Workbook,
    Document,
    Message,
    Locked,
    Other(&'static str),
}

pub(crate) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let opened = guarded(|| Compound::open(blob.open()).map_err(ReadError::of));
    let mut file = match opened {
        Ok(file) => file,
        Err(error) => return walker.unread(place, error),
    };
    let limits = walker.budget.limits.clone();
    match kind(&file) {
        Kind::Workbook => match guarded(|| xls::Workbook::open(&mut file, blob, &limits)) {
            Ok(flow) => walker.flow(place, name, "XLS", Box::new(flow)),
            Err(error) => walker.unread(place, error),
        },
        Kind::Document => match guarded(|| doc::Document::open(&mut file, &limits)) {
            Ok(flow) => walker.flow(place, name, "DOC", Box::new(flow)),
            Err(error) => walker.unread(place, error),
        },
        Kind::Message => msg::open(walker, place, name, &mut file),
        Kind::Locked => walker.unread(place, ReadError::Encrypted),
        Kind::Other(what) => walker.not_read(place, what),
    }
}

fn kind(file: &Compound) -> Kind {
    let rows = [
        ("/EncryptedPackage", Kind::Locked),
        ("/Workbook", Kind::Workbook),
        ("/Book", Kind::Workbook),
        ("/WordDocument", Kind::Document),
        ("/__properties_version1.0", Kind::Message),
        (
            "/PowerPoint Document",
            Kind::Other("an old presentation (PPT)"),
        ),
    ];
    let found = rows.into_iter().find(|(path, _)| file.is_stream(path));
    found.map_or(
        Kind::Other("a compound file of another program"),
        |(_, kind)| kind,
    )
}

/// All of a stream, when the bound on memory lets it in.
fn stream(file: &mut Compound, path: &str, limits: &Limits) -> Result<Vec<u8>, ReadError> {
    let stream = file.open_stream(path).map_err(ReadError::of)?;
    let limit = limits.max_memory_bytes;
    if stream.len() > limit as u64 {
        return Err(ReadError::TooMuchMemory { limit });
    }
    let mut bytes = Vec::new();
    stream
        .take(limit as u64)
        .read_to_end(&mut bytes)
        .map_err(ReadError::of)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(field.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

/// A number of the file as a place in it.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
