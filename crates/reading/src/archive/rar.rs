//! RAR 1.5 to 7, by `rars`: member after member, each put aside whole before it is looked at.
//!
//! The library gives bytes away instead of being asked for them, so a member goes through memory
//! or an anonymous temporary file, under the budget byte by byte. Of archives in several files
//! each is read by itself; what goes on in another is told. Damage costs the members it lies in,
//! in a solid archive also those behind it.

use std::cell::{Cell, RefCell};
use std::io::{self, Read as _, Write};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use liuhen_document::Locator;
use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, AttrSource, Error, ErrorKind,
    ExtractionDecision, ExtractionErrorAction,
};

use super::names;
use crate::source::Blob;
use crate::unpack::{Fails, Metered, Spool, Walker, guarded};
use crate::{Limits, ReadError};

/// Bytes of a member that the library may hold whole; larger ones are decoded as they come.
const HELD_WHOLE: u64 = 4 << 20;
/// How often a pass over the members is begun again behind a member that could not be read.
const PASSES: usize = 1_000;

pub(crate) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    _name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let limits = walker.budget.limits.clone();
    let passwords: Vec<&str> = walker.passwords().iter().collect();
    let (opened, cut) = match opened(blob, &passwords, &limits) {
        Ok(opened) => (opened, None),
        // Headers before the damaged one are whole.
        Err(error @ (ReadError::MalformedArchive | ReadError::Checksum)) => {
            let whole = guarded(|| Ok(longest(blob, &passwords, &limits)));
            match whole {
                Ok(Some(opened)) => (opened, Some(error)),
                _ => return walker.unread(place, error),
            }
        }
        Err(error) => return walker.unread(place, error),
    };
    let end = members(walker, place, blob.len(), &opened, &passwords);
    match cut {
        Some(error) if end.is_continue() => walker.unread(place, error),
        _ => end,
    }
}

/// An archive whose headers were read.
struct Opened {
    archive: Archive,
    /// Packed bytes taken so far.
    taken: Arc<AtomicU64>,
    /// Which password its headers needed.
    password: Option<usize>,
}

/// The archive's headers, by the password that opens them where they are locked.
fn opened(blob: &Blob, passwords: &[&str], limits: &Limits) -> Result<Opened, ReadError> {
    let parsed = |password: Option<usize>| {
        let bytes = password.and_then(|at| passwords.get(at));
        let source = blob.open();
        let taken = source.taken();
        guarded(|| {
            let options = options(bytes.map(|p| p.as_bytes()), limits)
                .with_max_header_count(limits.max_files.saturating_add(16))
                .with_max_header_bytes(limits.max_memory_bytes as u64 / 4);
            let archive = ArchiveReader::read_reader_with_options(source, options);
            archive.map_err(|error| meant(&error, limits))
        })
        .map(|archive| Opened {
            archive,
            taken,
            password,
        })
    };
    match parsed(None) {
        // Another password makes garbage of the headers, so any error means the next one.
        Err(ReadError::NoPassword) => (0..passwords.len())
            .find_map(|at| parsed(Some(at)).ok())
            .ok_or(ReadError::NoPassword),
        other => other,
    }
}

/// What the archive's longest beginning holds that ends between two blocks and can be read.
fn longest(blob: &Blob, passwords: &[&str], limits: &Limits) -> Option<Opened> {
    let ends = ends(blob, limits.max_files)?;
    let (mut good, mut bad) = (None, ends.len());
    let mut low = 0;
    while low < bad {
        let middle = low.midpoint(bad);
        match opened(&blob.part(0, ends[middle]), passwords, limits) {
            Ok(opened) => {
                good = Some(opened);
                low = middle + 1;
            }
            Err(_) => bad = middle,
        }
    }
    good
}

/// Where blocks end that lie in the file whole, as far as their headers lead from one to the next.
///
/// Rule: RARLAB's technote for RAR 5.0; for the formats before it, `technote.txt` of RAR 4: sum,
/// type, flags, size, and the size of what follows the header when flag 0x8000 is set.
fn ends(blob: &Blob, most: u64) -> Option<Vec<u64>> {
    let mut start = [0; 8];
    blob.open().read_exact(&mut start).ok()?;
    let five = start[6] == 1;
    let (mut at, mut ends) = (if five { 8 } else { 7 }, Vec::new());
    while (ends.len() as u64) < most.saturating_add(16) {
        let mut head = Vec::new();
        blob.part(at, 64).open().read_to_end(&mut head).ok()?;
        let size = if five { block_5(&head) } else { block_4(&head) };
        let end = size.and_then(|size| at.checked_add(size));
        match end.filter(|end| *end <= blob.len()) {
            Some(end) => at = end,
            None => break,
        }
        ends.push(at);
    }
    Some(ends)
}

/// Bytes of a block of RAR 1.5 to 4, data included.
fn block_4(head: &[u8]) -> Option<u64> {
    let two = |at: usize| Some(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?]));
    let four = |at: usize| Some(u64::from(two(at)?) | u64::from(two(at + 2)?) << 16);
    let (kind, flags, size) = (*head.get(2)?, two(3)?, two(5)?);
    let of_files = matches!(kind, 0x74 | 0x7A);
    let data = match flags & 0x8000 != 0 || of_files {
        // Files of more than 4 GiB have the upper half behind the fixed fields.
        true if of_files && flags & 0x100 != 0 => four(7)? | four(32)? << 32,
        true => four(7)?,
        false => 0,
    };
    u64::from(size).checked_add(data).filter(|_| size >= 7)
}

/// Bytes of a block of RAR 5, data included.
fn block_5(head: &[u8]) -> Option<u64> {
    let mut at = 4;
    let mut number = || {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = *head.get(at)?;
            at += 1;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some((value, at as u64));
            }
        }
        None
    };
    let (size, behind) = number()?;
    let ((_, _), (flags, _)) = (number()?, number()?);
    if flags & 1 != 0 {
        number()?;
    }
    let data = if flags & 2 != 0 { number()?.0 } else { 0 };
    behind.checked_add(size)?.checked_add(data)
}

fn options<'a>(password: Option<&'a [u8]>, limits: &Limits) -> ArchiveReadOptions<'a> {
    let memory = limits.max_memory_bytes as u64;
    ArchiveReadOptions::with_optional_password(password)
        .with_max_reader_workspace_bytes(memory)
        .with_rar50_dictionary_size_limit(memory)
        .with_rar50_buffered_decode_limit(HELD_WHOLE.min(memory))
}

/// A member being unpacked, and what has come of it.
struct Pending {
    index: usize,
    place: Locator,
    name: String,
    locked: bool,
    held: Held,
}

/// Where the library writes to.
#[derive(Clone)]
struct Held(Arc<Mutex<(Metered<Spool>, Option<ReadError>)>>);

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0.write(bytes).map_err(|error| {
            // The library keeps an error's words only.
            held.1 = Some(ReadError::of(error));
            io::Error::from(io::ErrorKind::Other)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What one pass over the members came to.
enum Passed {
    Through,
    /// Ended by this member, and how; whether it is locked, and so wants another password.
    Ended(usize, ReadError, bool),
}

fn members(
    walker: &mut Walker<'_>,
    place: &Locator,
    length: u64,
    opened: &Opened,
    passwords: &[&str],
) -> ControlFlow<()> {
    let solid = opened.archive.is_solid();
    let mut password = opened.password.unwrap_or(0);
    let (mut from, mut tried) = (0, 1);
    for _ in 0..PASSES {
        let mut pass = Pass {
            place,
            length,
            opened,
            solid,
            from,
            index: Cell::new(0),
            walker: RefCell::new(walker),
            pending: RefCell::new(None),
            end: Cell::new(ControlFlow::Continue(())),
        };
        let passed = pass.run(passwords.get(password).map(|p| p.as_bytes()));
        pass.end.get()?;
        let (index, error, locked) = match passed {
            Passed::Through => return ControlFlow::Continue(()),
            Passed::Ended(index, error, locked) => (index, error, locked),
        };
        if index != from {
            tried = 1;
        }
        from = index;
        if locked && tried < passwords.len() {
            tried += 1;
            password = (password + 1) % passwords.len();
            drop(pass);
            continue;
        }
        let pending = pass.pending.take();
        drop(pass);
        let told = match pending {
            Some(pending) => finish(walker, pending, Some(error)),
            None => walker.unread(place, error),
        };
        told?;
        // What comes behind is packed with what was lost.
        if solid {
            return match index + 1 < opened.archive.member_refs().count() {
                true => walker.unread(place, ReadError::MalformedArchive),
                false => ControlFlow::Continue(()),
            };
        }
        (from, tried) = (index + 1, 1);
    }
    walker.unread(place, ReadError::MalformedArchive)
}

/// A pass over the members from one of them on, with one password.
struct Pass<'p, 'w, 'a> {
    place: &'p Locator,
    length: u64,
    opened: &'p Opened,
    solid: bool,
    from: usize,
    /// Members met.
    index: Cell<usize>,
    walker: RefCell<&'w mut Walker<'a>>,
    pending: RefCell<Option<Pending>>,
    end: Cell<ControlFlow<()>>,
}

impl Pass<'_, '_, '_> {
    fn run(&mut self, password: Option<&[u8]>) -> Passed {
        let limits = self.walker.borrow().budget.limits.clone();
        let came = guarded(|| {
            let archive = &self.opened.archive;
            let end = archive.extract_with_control_and_errors(
                options(password, &limits),
                |member| Ok(self.next(member)),
                |_, error| Ok(self.failed(meant(error, &limits))),
            );
            end.map_err(|error| meant(&error, &limits))
        });
        match came {
            Ok(_) => {
                self.hand_over(None);
                Passed::Through
            }
            Err(error) => {
                let pending = self.pending.borrow();
                let locked = pending.as_ref().is_some_and(|pending| pending.locked);
                let index = pending.as_ref().map(|pending| pending.index);
                let own = pending.as_ref().and_then(|pending| pending.held.error());
                let index = index.unwrap_or_else(|| self.index.get().saturating_sub(1));
                let locked = locked && own.is_none() && is_of_password(&error);
                Passed::Ended(index, own.unwrap_or(error), locked)
            }
        }
    }

    /// Tells of the member before this one, and says what is to become of this one.
    fn next(&self, member: &ArchiveMember) -> ExtractionDecision {
        self.hand_over(None);
        if self.end.get().is_break() {
            return ExtractionDecision::Stop;
        }
        let index = self.index.replace(self.index.get() + 1);
        let meta = &member.meta;
        if meta.is_directory {
            return ExtractionDecision::Skip;
        }
        let split = meta.is_split_before || meta.is_split_after;
        if index < self.from {
            return match self.solid && !meta.is_redirection {
                true => ExtractionDecision::Extract(Box::new(io::sink())),
                false => ExtractionDecision::Skip,
            };
        }
        let name = names::decoded(&meta.name).replace('\\', "/");
        let place = self.place.clone().inside(name.as_str());
        if meta.is_redirection || is_link(member) {
            let mut walker = self.walker.borrow_mut();
            self.end
                .set(walker.not_read(&place, "a link inside an archive"));
            return match self.solid && !meta.is_redirection {
                true => ExtractionDecision::Extract(Box::new(io::sink())),
                false => ExtractionDecision::Skip,
            };
        }
        if split {
            let mut walker = self.walker.borrow_mut();
            self.end.set(walker.unread(&place, ReadError::SplitArchive));
            return match self.solid {
                true => ExtractionDecision::Stop,
                false => ExtractionDecision::Skip,
            };
        }
        // In a solid archive much of a member may lie in the packed bytes of those before it.
        let packed = match self.solid {
            true => Arc::clone(&self.opened.taken),
            false => Arc::new(AtomicU64::new(meta.packed_size.min(self.length))),
        };
        let spool = self.walker.borrow().metered(Spool::default(), Some(packed));
        let held = Held(Arc::new(Mutex::new((spool, None))));
        self.pending.replace(Some(Pending {
            index,
            name: names::last(&name).to_owned(),
            place,
            locked: meta.is_encrypted,
            held: held.clone(),
        }));
        ExtractionDecision::Extract(Box::new(held))
    }

    /// A member that is packed by itself could not be read: the next one may be.
    fn failed(&self, error: ReadError) -> ExtractionErrorAction {
        let locked = self
            .pending
            .borrow()
            .as_ref()
            .is_some_and(|pending| pending.locked);
        if locked && is_of_password(&error) {
            return ExtractionErrorAction::Abort;
        }
        self.hand_over(Some(error));
        ExtractionErrorAction::Continue
    }

    fn hand_over(&self, error: Option<ReadError>) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        if self.end.get().is_continue() {
            let mut walker = self.walker.borrow_mut();
            self.end.set(finish(&mut walker, pending, error));
        }
    }
}

impl Held {
    fn error(&self) -> Option<ReadError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.1.take()
    }

    /// What was written, which is nothing more afterwards.
    fn blob(&self, walker: &Walker<'_>) -> Blob {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = walker.metered(Spool::default(), None);
        std::mem::replace(&mut held.0, empty)
            .into_inner()
            .into_blob()
    }
}

/// Opens what was unpacked of a member; what came before a failure is read all the same, unless
/// it may be the garbage of another password.
fn finish(walker: &mut Walker<'_>, pending: Pending, error: Option<ReadError>) -> ControlFlow<()> {
    let Pending {
        place, name, held, ..
    } = &pending;
    let error = held.error().or(error);
    let blob = held.blob(walker);
    match error {
        None => walker.blob(place.clone(), name, &blob),
        Some(error) if pending.locked || blob.len() == 0 => walker.unread(place, error),
        Some(error) => {
            let mut stream = blob.open().chain(Fails(Some(error.into())));
            walker.stream(place.clone(), name, &mut stream)
        }
    }
}

/// Whether another password may do better: one of RAR 4 shows by what comes out only.
fn is_of_password(error: &ReadError) -> bool {
    matches!(
        error,
        ReadError::NoPassword | ReadError::Checksum | ReadError::MalformedArchive
    )
}

/// Before RAR 5 a symbolic link is a file with a mode of Unix, whose text is where it leads.
fn is_link(member: &ArchiveMember) -> bool {
    let meta = &member.meta;
    meta.attr_source() == AttrSource::Unix && meta.file_attr & 0xF000 == 0xA000
}

/// The library's error as ours: its words may hold names of the archive.
fn meant(error: &Error, limits: &Limits) -> ReadError {
    let memory = ReadError::TooMuchMemory {
        limit: limits.max_memory_bytes,
    };
    match (error.kind(), error.root_cause()) {
        (ErrorKind::PasswordRequired | ErrorKind::BadPassword, _) => ReadError::NoPassword,
        (ErrorKind::ChecksumMismatch, _) => ReadError::Checksum,
        (_, Error::HeaderCountLimitExceeded { .. }) => ReadError::TooManyFiles {
            limit: limits.max_files,
        },
        (ErrorKind::ResourceLimit, _) => memory,
        (ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat, _) => {
            ReadError::UnknownMethod { method: "RAR" }
        }
        _ => ReadError::MalformedArchive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lead_to_the_next() {
        // Sum, then the size of the header behind this number, kind 2, data of 300 bytes.
        let five = [0, 0, 0, 0, 20, 2, 2, 0xAC, 2, 0];
        assert_eq!(block_5(&five), Some(5 + 20 + 300));
        assert_eq!(block_5(&[0, 0, 0, 0, 20, 2, 1, 9, 0]), Some(25));
        assert_eq!((block_5(&[0xFF; 64]), block_5(&[0; 5])), (None, None));
        let mut four = [0; 36];
        (four[2], four[5], four[7]) = (0x74, 32, 9);
        assert_eq!(block_4(&four), Some(41));
        (four[4], four[32]) = (0x81, 1);
        assert_eq!(block_4(&four), Some((1 << 32) + 41));
        assert_eq!((block_4(&[0; 7]), block_4(&[0; 6])), (None, None));
    }
}
