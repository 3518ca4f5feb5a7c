//! The archive a workbook is, as a list of packed parts (ECMA-376 part 2; ZIP by PKWARE's APPNOTE).
//!
//! The `zip` crate reads the list; unpacking is ours, one part at a time, so that a part is
//! measured while it is streamed: what the list says about unpacked sizes is never believed.
//! Nothing is written anywhere, so a name that climbs out of a folder is only a name nobody asks for.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::XlsxPart;
use crate::ReadError;
use crate::limits::Limits;
use crate::source::{Section, Shared, Source};

/// Bytes that any part may unpack to before its ratio counts.
const RATIO_FREE: u64 = 16 << 20;

/// An archive's parts and the source they lie in.
pub(crate) struct Package {
    source: Shared,
    entries: HashMap<String, Entry>,
    limits: Limits,
    /// Bytes unpacked so far, over all parts.
    unpacked: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u64,
    packed: u64,
    crc: u32,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    Encrypted,
    Unsupported,
}

impl Package {
    /// Reads the archive's list of entries.
    pub(crate) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Self, ReadError> {
        refuse_long_lists(source.as_mut(), limits.max_entries)?;
        let mut archive = zip::ZipArchive::new(source).map_err(damaged)?;
        let mut entries = HashMap::new();
        for index in 0..archive.len() {
            if index >= limits.max_entries {
                return Err(ReadError::TooManyEntries {
                    limit: limits.max_entries,
                });
            }
            // An entry that cannot be found costs its own part only.
            let Ok(file) = archive.by_index_raw(index) else {
                continue;
            };
            let (Ok(name), Some(start)) = (file.name(), file.data_start()) else {
                continue;
            };
            let method = match file.compression() {
                _ if file.encrypted() => Method::Encrypted,
                zip::CompressionMethod::Stored => Method::Stored,
                zip::CompressionMethod::Deflated => Method::Deflated,
                _ => Method::Unsupported,
            };
            let (packed, crc) = (file.compressed_size(), file.crc32());
            entries.insert(
                key(&name),
                Entry {
                    start,
                    packed,
                    crc,
                    method,
                },
            );
        }
        Ok(Self {
            source: Shared::new(archive.into_inner()),
            entries,
            limits: limits.clone(),
            unpacked: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Whether there is a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(&key(name))
    }

    /// Begins to unpack a part; nothing when there is none of this name.
    pub(crate) fn part(&self, name: &str, part: XlsxPart) -> Result<Option<Part>, ReadError> {
        let Some(&entry) = self.entries.get(&key(name)) else {
            return Ok(None);
        };
        let section = self.source.section(entry.start, entry.packed);
        let taken = section.taken();
        let packed = BufReader::with_capacity(32 << 10, section);
        let stream = match entry.method {
            Method::Stored => Stream::Stored(packed),
            Method::Deflated => Stream::Deflated(Box::new(DeflateDecoder::new(packed))),
            Method::Encrypted => return Err(ReadError::Encrypted),
            Method::Unsupported => return Err(ReadError::UnsupportedCompression { part }),
        };
        Ok(Some(Part {
            stream,
            entry,
            taken,
            crc: Crc::new(),
            unpacked: 0,
            total: Arc::clone(&self.unpacked),
            max_total: self.limits.max_unpacked_bytes,
            max_ratio: self.limits.max_ratio,
        }))
    }
}

/// Names are compared without case, as Office does, and with `/` for the `\` of careless writers.
fn key(name: &str) -> String {
    name.trim_start_matches(['/', '\\'])
        .replace('\\', "/")
        .to_ascii_lowercase()
}

fn damaged(error: zip::result::ZipError) -> ReadError {
    match error {
        zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            ReadError::Source(error)
        }
        _ => ReadError::MalformedArchive,
    }
}

/// Refuses an archive whose end record counts too many entries, before its list is read.
fn refuse_long_lists(source: &mut dyn Source, limit: usize) -> Result<(), ReadError> {
    const END: &[u8] = b"PK\x05\x06";
    const END64: &[u8] = b"PK\x06\x06";
    // An end record of 22 bytes, a comment of up to 65,535, and the 64-bit records before them.
    const TAIL: u64 = 22 + 65_535 + 20 + 56;
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    source.take(TAIL).read_to_end(&mut tail)?;
    source.rewind()?;
    let number = |at: usize, width: usize| {
        let bytes = tail.get(at..at + width)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let narrow = memchr::memmem::find_iter(&tail, END).filter_map(|at| number(at + 10, 2));
    let wide = memchr::memmem::find_iter(&tail, END64).filter_map(|at| number(at + 32, 8));
    // 65,535 says that the 64-bit record counts.
    let most = narrow.filter(|n| *n != 0xFFFF).chain(wide).max();
    if most.is_some_and(|n| n > limit as u64) {
        return Err(ReadError::TooManyEntries { limit });
    }
    Ok(())
}

/// A part being unpacked under the package's budget.
pub(crate) struct Part {
    stream: Stream,
    entry: Entry,
    taken: Arc<AtomicU64>,
    crc: Crc,
    unpacked: u64,
    total: Arc<AtomicU64>,
    max_total: u64,
    max_ratio: u64,
}

enum Stream {
    Stored(BufReader<Section>),
    Deflated(Box<DeflateDecoder<BufReader<Section>>>),
}

impl Part {
    /// A counter of packed bytes read, and how many there are.
    pub(crate) fn progress(&self) -> (Arc<AtomicU64>, u64) {
        (Arc::clone(&self.taken), self.entry.packed)
    }

    fn charge(&mut self, bytes: u64) -> io::Result<()> {
        self.unpacked += bytes;
        let total = self.total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > self.max_total {
            return Err(Breach::Total {
                budget: self.max_total,
            }
            .into());
        }
        let allowed = self
            .taken
            .load(Ordering::Relaxed)
            .saturating_mul(self.max_ratio);
        if self.unpacked > RATIO_FREE && self.unpacked > allowed {
            return Err(Breach::Ratio {
                limit: self.max_ratio,
            }
            .into());
        }
        Ok(())
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = match &mut self.stream {
            Stream::Stored(stream) => stream.read(buffer)?,
            Stream::Deflated(stream) => stream.read(buffer)?,
        };
        if n == 0 && self.crc.sum() != self.entry.crc {
            return Err(Breach::Checksum.into());
        }
        self.crc.update(&buffer[..n]);
        self.charge(n as u64)?;
        Ok(n)
    }
}

/// A bound met while unpacking, on its way through an `io::Error`.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Breach {
    #[error("unpacks past {budget} bytes")]
    Total { budget: u64 },
    #[error("unpacks to more than {limit} times its size")]
    Ratio { limit: u64 },
    #[error("checksum differs")]
    Checksum,
    #[error("one element is too long")]
    Element,
}

impl From<Breach> for io::Error {
    fn from(breach: Breach) -> Self {
        Self::other(breach)
    }
}
