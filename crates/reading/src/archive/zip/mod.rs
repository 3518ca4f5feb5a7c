//! ZIP archives: their entries as files, with passwords, and what else a ZIP may be.
//!
//! The list is `directory`'s, decrypting `crypt`'s, decoders are libraries'. A workbook or document
//! is a ZIP too and goes to its own reader.

mod crypt;
mod directory;

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use flate2::Crc;
use liuhen_document::Locator;

use self::directory::{Archive, Entry};
use super::{names, packed};
use crate::ReadError;
use crate::source::Blob;
use crate::unpack::{Budget, Counted, Metered, Packing, Walker, guarded};

/// Stored entries longer than this are read where they lie, without their checksum.
const IN_PLACE: u64 = 8 << 20;
/// Entries by which an archive is told from a document.
const LOOKED_AT: usize = 4_096;
/// Bytes that a password must unpack to be taken for the right one.
const TRIAL: u64 = 4 << 10;

pub(crate) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let archive = match Archive::open(blob) {
        Ok(archive) => archive,
        Err(error) => return walker.unread(place, error),
    };
    if let Some(document) = document(&archive) {
        return walker.document(place, name, blob, document);
    }
    let limit = walker.budget.limits.max_files;
    if archive.stated > limit {
        walker.unread(place, ReadError::TooManyFiles { limit })?;
    }
    if archive.cut {
        walker.unread(place, ReadError::MalformedArchive)?;
    }
    let mut password = None;
    let mut count = 0;
    for entry in archive.entries() {
        count += 1;
        match entry {
            Ok(entry) => entry_of(walker, place, &archive, &entry, &mut password)?,
            Err(error) => return walker.unread(place, error),
        }
    }
    // The end record counts in 16 bits where it is not wide, so only the low bits can be compared.
    if !archive.cut && (archive.stated ^ count) & 0xFFFF != 0 {
        return walker.unread(place, ReadError::MalformedArchive);
    }
    ControlFlow::Continue(())
}

/// The parts of a document that comes as a ZIP.
pub(crate) struct Parts {
    archive: Archive,
    entries: Vec<Entry>,
    budget: Arc<Budget>,
}

impl Parts {
    /// Reads the list, as far as the bound on a document's entries goes.
    pub(crate) fn open(blob: &Blob, budget: &Arc<Budget>) -> Result<Self, ReadError> {
        let archive = Archive::open(blob)?;
        let limit = budget.limits.max_entries;
        let entries: Vec<Entry> = archive
            .entries()
            .take(limit + 1)
            .map_while(Result::ok)
            .collect();
        if entries.len() > limit {
            return Err(ReadError::TooManyEntries { limit });
        }
        Ok(Self {
            archive,
            entries,
            budget: Arc::clone(budget),
        })
    }

    /// The names of all parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The bytes of a part; nothing when there is none of this name.
    pub(crate) fn part(&self, name: &str) -> Result<Option<PartReader>, ReadError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        if entry.is_locked() {
            return Err(ReadError::NoPassword);
        }
        let data = entry.data(&self.archive)?;
        let memory = self.budget.limits.max_memory_bytes;
        let (stream, taken) = guarded(|| unpacked(entry, Box::new(data.open()), memory))?;
        Ok(Some(Metered::new(stream, &self.budget, Some(taken))))
    }
}

/// A part being unpacked under the budget.
pub(crate) type PartReader = Metered<Box<dyn Read + Send>>;

/// A document that comes as a ZIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Workbook,
    BinaryWorkbook,
    Word,
    Slides,
    /// OpenDocument of any sort.
    Open,
    Book,
}

fn document(archive: &Archive) -> Option<Document> {
    let known = |entry: Entry| {
        Some(match entry.name.to_ascii_lowercase().as_str() {
            "xl/workbook.xml" => Document::Workbook,
            "xl/workbook.bin" => Document::BinaryWorkbook,
            "word/document.xml" => Document::Word,
            "ppt/presentation.xml" => Document::Slides,
            "meta-inf/container.xml" => Document::Book,
            "content.xml" => Document::Open,
            _ => return None,
        })
    };
    let entries = archive.entries().take(LOOKED_AT).map_while(Result::ok);
    entries.filter_map(known).next()
}

fn entry_of(
    walker: &mut Walker<'_>,
    place: &Locator,
    archive: &Archive,
    entry: &Entry,
    password: &mut Option<Vec<u8>>,
) -> ControlFlow<()> {
    if entry.name.ends_with(['/', '\\']) && entry.unpacked == 0 {
        return ControlFlow::Continue(());
    }
    let inner = place.clone().inside(entry.name.as_str());
    if entry.is_link() {
        return walker.not_read(&inner, "a link inside an archive");
    }
    let name = names::last(&entry.name);
    let data = match entry.data(archive) {
        Ok(data) => data,
        Err(error) => return walker.unread(&inner, error),
    };
    if entry.method == 0 && !entry.is_locked() && data.len() > IN_PLACE {
        return walker.blob(inner, name, &data);
    }
    match unlocked(walker, entry, &data, password) {
        Ok((stream, taken)) => {
            let mut stream = walker.metered(stream, Some(taken));
            walker.stream(inner, name, &mut stream)
        }
        Err(error) => walker.unread(&inner, error),
    }
}

type Counter = Arc<std::sync::atomic::AtomicU64>;

/// An entry's bytes, decrypted and unpacked, and a counter of the packed ones.
fn unlocked(
    walker: &Walker<'_>,
    entry: &Entry,
    data: &Blob,
    password: &mut Option<Vec<u8>>,
) -> Result<(Box<dyn Read + Send>, Counter), ReadError> {
    let memory = walker.budget.limits.max_memory_bytes;
    if !entry.is_locked() {
        return guarded(|| unpacked(entry, Box::new(data.open()), memory));
    }
    if entry.flags & 0x40 != 0 {
        let method = "strong encryption of PKWARE";
        return Err(ReadError::UnknownMethod { method });
    }
    let given = walker.passwords().iter().flat_map(|password| {
        // Old programs of Chinese systems make keys of the bytes of GBK.
        let gbk = encoding_rs::GBK.encode(password).0.into_owned();
        let differs = gbk != password.as_bytes();
        std::iter::once(password.as_bytes().to_vec()).chain(differs.then_some(gbk))
    });
    // Entries of an archive mostly share one, so the last that fitted comes first.
    for candidate in password.clone().into_iter().chain(given) {
        let opened = |password: &[u8]| -> Result<Option<_>, ReadError> {
            let stream = crypt::unlock(data, entry, password)?;
            stream
                .map(|stream| unpacked(entry, stream, memory))
                .transpose()
        };
        let trial = guarded(|| opened(&candidate))?;
        let Some((stream, _)) = trial else { continue };
        let good =
            guarded(|| io::copy(&mut stream.take(TRIAL), &mut io::sink()).map_err(ReadError::of));
        if good.is_ok()
            && let Some(stream) = guarded(|| opened(&candidate))?
        {
            *password = Some(candidate);
            return Ok(stream);
        }
    }
    Err(ReadError::NoPassword)
}

fn unpacked(
    entry: &Entry,
    packed: Box<dyn Read + Send>,
    memory: usize,
) -> Result<(Box<dyn Read + Send>, Counter), ReadError> {
    let (counted, taken) = Counted::new(packed);
    let method = entry
        .aes
        .filter(|_| entry.is_locked())
        .map_or(entry.method, |aes| aes.method);
    let buffered = BufReader::with_capacity(32 << 10, counted);
    let decoder: Box<dyn Read + Send> = match method {
        0 => Box::new(buffered),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(buffered)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(buffered)),
        12 => Box::new(packed::decoder(Packing::Bzip2, buffered, memory)),
        14 => lzma(entry, buffered, memory)?,
        93 => Box::new(packed::decoder(Packing::Zstd, buffered, memory)),
        95 => Box::new(packed::decoder(Packing::Xz, buffered, memory)),
        98 => return Err(ReadError::UnknownMethod { method: "PPMd" }),
        1..=6 => {
            return Err(ReadError::UnknownMethod {
                method: "of before 1993",
            });
        }
        _ => return Err(ReadError::UnknownMethod { method: "unknown" }),
    };
    // AE-2 leaves the checksum out and has its code instead; data without a list states it behind.
    let unstated =
        entry.aes.is_some_and(|aes| aes.version == 2) || entry.flags & 8 != 0 && entry.crc == 0;
    let checked = Checked {
        inner: decoder,
        crc: Crc::new(),
        stated: (!unstated).then_some(entry.crc),
    };
    Ok((Box::new(checked), taken))
}

/// LZMA in ZIP (APPNOTE 5.8.8): a version, the length of the properties, then as in a file of LZMA.
fn lzma(
    entry: &Entry,
    mut packed: impl Read + Send + 'static,
    memory: usize,
) -> Result<Box<dyn Read + Send>, ReadError> {
    let mut head = [0; 9];
    packed.read_exact(&mut head).map_err(ReadError::of)?;
    let [_, _, 5, 0, properties, dictionary @ ..] = head else {
        return Err(ReadError::MalformedArchive);
    };
    let dictionary = u32::from_le_bytes(dictionary);
    if u64::from(dictionary) > memory as u64 {
        return Err(ReadError::TooMuchMemory { limit: memory });
    }
    // Flag 1: an end marker stands in the stream; the size need not be believed then.
    let size = if entry.flags & 2 != 0 {
        u64::MAX
    } else {
        entry.unpacked
    };
    let reader = lzma_rust2::LzmaReader::new_with_props(packed, size, properties, dictionary, None);
    Ok(Box::new(reader.map_err(|_| ReadError::MalformedArchive)?))
}

/// Compares the checksum at the end.
struct Checked<R> {
    inner: R,
    crc: Crc,
    stated: Option<u32>,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.crc.update(&buffer[..n]);
        if n == 0 && !buffer.is_empty() && self.stated.is_some_and(|crc| crc != self.crc.sum()) {
            return Err(ReadError::Checksum.into());
        }
        Ok(n)
    }
}
