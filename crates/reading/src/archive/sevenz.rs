//! 7z, by `sevenz-rust2`: block after block, so that a damaged one costs its own files only.

use std::cell::Cell;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use liuhen_document::Locator;
use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::names;
use crate::ReadError;
use crate::source::{Blob, Section};
use crate::unpack::{Walker, guarded};

/// Bytes by which a password is tried.
const TRIAL: u64 = 64 << 10;

pub(crate) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    _name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let memory = walker.budget.limits.max_memory_bytes;
    match unlocked(walker, blob, memory >> 10) {
        Ok((archive, password)) => entries(walker, place, blob, &archive, &password),
        Err(error) => walker.unread(place, error),
    }
}

/// The archive's list, and the password that opens it and its files.
fn unlocked(
    walker: &Walker<'_>,
    blob: &Blob,
    kib: usize,
) -> Result<(Archive, Password), ReadError> {
    let first = guarded(|| try_password(blob, &Password::empty(), kib));
    match first {
        Ok(archive) => return Ok((archive, Password::empty())),
        Err(ReadError::NoPassword) => {}
        Err(error) => return Err(error),
    }
    // Another password makes garbage of the list, so any error means the next one.
    let mut tried = walker.passwords().iter().filter_map(|given| {
        let password = Password::from(given);
        let archive = guarded(|| try_password(blob, &password, kib)).ok()?;
        Some((archive, password))
    });
    tried.next().ok_or(ReadError::NoPassword)
}

/// Opens the list; where a file is locked, unpacks the beginning of the first one.
fn try_password(blob: &Blob, password: &Password, kib: usize) -> Result<Archive, ReadError> {
    let mut source = blob.open();
    let archive = Archive::read_with_memory_limit(&mut source, password, kib).map_err(meant)?;
    let locked = (0..archive.files.len()).find(|file| archive.is_file_encrypted(*file));
    let block = locked.and_then(|file| {
        let blocks = &archive.stream_map.file_block_index;
        blocks.get(file).copied().flatten()
    });
    let Some(block) = block else {
        return Ok(archive);
    };
    if password.as_slice().is_empty() {
        return Err(ReadError::NoPassword);
    }
    let mut source = blob.open();
    let decoder =
        BlockDecoder::new_with_memory_limit(1, kib, block, &archive, password, &mut source);
    let mut good = false;
    let end = decoder.for_each_entries(&mut |entry, stream| {
        let mut bytes = Vec::new();
        let came = stream.take(TRIAL).read_to_end(&mut bytes);
        // Garbage of another password fails within its first bytes, or at the end by its checksum.
        good = came.is_ok() && (bytes.len() as u64 == TRIAL || entry.size() <= TRIAL);
        Ok(false)
    });
    match (end, good) {
        (_, true) => Ok(archive),
        _ => Err(ReadError::NoPassword),
    }
}

fn entries(
    walker: &mut Walker<'_>,
    place: &Locator,
    blob: &Blob,
    archive: &Archive,
    password: &Password,
) -> ControlFlow<()> {
    let kib = walker.budget.limits.max_memory_bytes >> 10;
    for block in 0..archive.blocks.len() {
        let mut source: Section = blob.open();
        let taken = source.taken();
        let over = Cell::new(ControlFlow::Continue(()));
        let came = guarded(|| {
            let decoder =
                BlockDecoder::new_with_memory_limit(1, kib, block, archive, password, &mut source);
            let mut each = |entry: &sevenz_rust2::ArchiveEntry, stream: &mut dyn Read| {
                let end = entry_of(walker, place, entry, stream, &taken);
                over.set(end);
                Ok(end.is_continue())
            };
            decoder.for_each_entries(&mut each).map_err(meant)
        });
        over.get()?;
        if let Err(error) = came {
            walker.unread(place, error)?;
        }
    }
    ControlFlow::Continue(())
}

fn entry_of(
    walker: &mut Walker<'_>,
    place: &Locator,
    entry: &sevenz_rust2::ArchiveEntry,
    stream: &mut dyn Read,
    taken: &Arc<AtomicU64>,
) -> ControlFlow<()> {
    if entry.is_directory() || entry.is_anti_item() {
        return ControlFlow::Continue(());
    }
    let name = names::shortened(entry.name().to_owned());
    let inner = place.clone().inside(name.as_str());
    // The high half holds a mode of Unix when bit 15 says so; 0xA000 is a symbolic link.
    let attributes = entry.windows_attributes();
    if entry.has_windows_attributes && attributes & 0x8000 != 0 && (attributes >> 28) == 0xA {
        return walker.not_read(&inner, "a link inside an archive");
    }
    let mut stream = walker.metered(stream, Some(Arc::clone(taken)));
    walker.stream(inner, names::last(&name), &mut stream)
}

/// The library's error as ours.
fn meant(error: Error) -> ReadError {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => ReadError::NoPassword,
        Error::MaxMemLimited { max_kb, .. } => ReadError::TooMuchMemory {
            limit: max_kb << 10,
        },
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) => {
            ReadError::UnknownMethod { method: "7z" }
        }
        Error::ChecksumVerificationFailed => ReadError::Checksum,
        Error::Io(error, _) | Error::FileOpen(error, _) => ReadError::of(error),
        _ => ReadError::MalformedArchive,
    }
}
