//! The list of a ZIP archive, read entry by entry (PKWARE's APPNOTE 6.3).
//!
//! Own reader: entries of equal names are all kept, a list of a million entries takes no memory,
//! and an archive cut short is read by the headers that stand before its entries.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::ReadError;
use crate::archive::names;
use crate::source::{Blob, Section};

/// An end record of 22 bytes and a comment of up to 65,535.
const TAIL: u64 = 22 + 65_535;

/// One entry, as its header states it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Time of day in the format of DOS, which ZipCrypto checks passwords by.
    pub(super) time: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// What the extra field of WinZip's AES says.
    pub(super) aes: Option<Aes>,
    /// Mode of Unix, or 0.
    pub(super) mode: u32,
    /// Where its header stands: in an archive cut short, where its data begin.
    at: u64,
    /// The data begin at `at`.
    found: bool,
}

/// The extra field 0x9901 (WinZip's AE-1 and AE-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aes {
    pub(super) version: u16,
    /// 1, 2 or 3: keys of 128, 192 or 256 bits.
    pub(super) strength: u8,
    pub(super) method: u16,
}

impl Entry {
    pub(super) const fn is_locked(&self) -> bool {
        self.flags & 1 != 0
    }

    pub(super) const fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// The packed bytes.
    pub(super) fn data(&self, archive: &Archive) -> Result<Blob, ReadError> {
        if self.found {
            return Ok(archive.blob.part(self.at, self.packed));
        }
        let at = archive.base.saturating_add(self.at);
        let header = fixed::<30>(&mut archive.blob.part(at, 30).open())?;
        if header[..4] != *b"PK\x03\x04" {
            return Err(ReadError::Damaged { offset: at });
        }
        let start = at + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        Ok(archive.blob.part(start, self.packed))
    }
}

/// An archive and where its offsets count from.
pub(super) struct Archive {
    pub(super) blob: Blob,
    /// Bytes before the archive proper, as of a program that unpacks itself.
    base: u64,
    list: u64,
    list_end: u64,
    /// Entries, as the end record says.
    pub(super) stated: u64,
    /// There is no end record.
    pub(super) cut: bool,
}

impl Archive {
    pub(super) fn open(blob: &Blob) -> Result<Self, ReadError> {
        let start = blob.len().saturating_sub(TAIL);
        let mut tail = Vec::new();
        blob.part(start, TAIL).open().read_to_end(&mut tail)?;
        let end = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").find(|at| at + 22 <= tail.len());
        let Some(at) = end else {
            return Ok(Self {
                blob: blob.clone(),
                base: 0,
                list: 0,
                list_end: blob.len(),
                stated: 0,
                cut: true,
            });
        };
        let record = &tail[at..];
        let mut stated = u64::from(u16_at(record, 10));
        let (mut size, mut offset) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
        let mut end_of_list = start + at as u64;
        if let Some((at, wide)) = Self::wide(blob, end_of_list) {
            (stated, size, offset) = (u64_at(&wide, 32), u64_at(&wide, 40), u64_at(&wide, 48));
            end_of_list = at;
        }
        let list = end_of_list
            .checked_sub(size)
            .ok_or(ReadError::MalformedArchive)?;
        Ok(Self {
            blob: blob.clone(),
            // Offsets that point too low speak of bytes put before; too high, of a damaged record.
            base: list
                .checked_sub(offset)
                .ok_or(ReadError::MalformedArchive)?,
            list,
            list_end: end_of_list,
            stated,
            cut: false,
        })
    }

    /// The 64-bit end record, where there is one before the end record at `end`.
    fn wide(blob: &Blob, end: u64) -> Option<(u64, [u8; 56])> {
        let locator = fixed::<20>(&mut blob.part(end.checked_sub(20)?, 20).open()).ok()?;
        if locator[..4] != *b"PK\x06\x07" {
            return None;
        }
        // What stands before the archive moves the record; it ends where the locator begins.
        for at in [u64_at(&locator, 8), end.checked_sub(76)?] {
            if let Ok(record) = fixed::<56>(&mut blob.part(at, 56).open())
                && record[..4] == *b"PK\x06\x06"
            {
                return Some((at, record));
            }
        }
        None
    }

    pub(super) fn entries(&self) -> Entries {
        let length = self.list_end.saturating_sub(self.list);
        Entries {
            source: BufReader::with_capacity(16 << 10, self.blob.part(self.list, length).open()),
            cut: self.cut,
            at: self.list,
            end: self.list_end,
            over: false,
        }
    }
}

/// Entries in the order of the list, or of the archive where it has no list.
pub(super) struct Entries {
    source: BufReader<Section>,
    cut: bool,
    at: u64,
    end: u64,
    over: bool,
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = if self.cut {
            self.by_header()
        } else {
            self.by_list()
        };
        self.over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

impl Entries {
    fn by_list(&mut self) -> Result<Option<Entry>, ReadError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let damaged = ReadError::Damaged { offset: self.at };
        let Ok(header) = fixed::<46>(&mut self.source) else {
            return Err(damaged);
        };
        // A signature of the list may stand behind the last entry.
        if header[..4] == *b"PK\x05\x05" {
            return Ok(None);
        }
        if header[..4] != *b"PK\x01\x02" {
            return Err(damaged);
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(&header, at)));
        let [name, extra, comment] = lengths;
        let mut rest = vec![0; name + extra + comment];
        self.source.read_exact(&mut rest).map_err(|_| damaged)?;
        self.at += (46 + rest.len()) as u64;
        let (name, extra) = (&rest[..name], &rest[name..name + extra]);
        let made_by_unix = header[5] == 3;
        let mut entry = Entry {
            name: String::new(),
            flags: u16_at(&header, 8),
            method: u16_at(&header, 10),
            time: u16_at(&header, 12),
            crc: u32_at(&header, 16),
            packed: u64::from(u32_at(&header, 20)),
            unpacked: u64::from(u32_at(&header, 24)),
            aes: None,
            mode: if made_by_unix {
                u32_at(&header, 38) >> 16
            } else {
                0
            },
            at: u64::from(u32_at(&header, 42)),
            found: false,
        };
        entry.name = named(name, extra, entry.flags);
        entry.widen(extra);
        Ok(Some(entry))
    }

    /// The entry whose header stands at `at`, or at the next place where one does.
    fn by_header(&mut self) -> Result<Option<Entry>, ReadError> {
        let Some(at) = self.search(b"PK\x03\x04")? else {
            return Ok(None);
        };
        let Ok(header) = fixed::<30>(&mut self.source) else {
            return Ok(None);
        };
        let [name, extra] = [26, 28].map(|at| usize::from(u16_at(&header, at)));
        let mut rest = vec![0; name + extra];
        if self.source.read_exact(&mut rest).is_err() {
            return Ok(None);
        }
        let start = at + (30 + rest.len()) as u64;
        let (name, extra) = rest.split_at(name);
        let mut entry = Entry {
            name: String::new(),
            flags: u16_at(&header, 6),
            method: u16_at(&header, 8),
            time: u16_at(&header, 10),
            crc: u32_at(&header, 14),
            packed: u64::from(u32_at(&header, 18)),
            unpacked: u64::from(u32_at(&header, 22)),
            aes: None,
            mode: 0,
            at: start,
            found: true,
        };
        entry.name = named(name, extra, entry.flags);
        entry.widen(extra);
        entry.at = start;
        // Sizes that follow the data (bit 3): what lies up to the next header is the data.
        if entry.flags & 8 != 0 {
            self.at = start;
            let next = self.search(b"PK\x03\x04")?;
            entry.packed = next.unwrap_or(self.end).saturating_sub(start);
        }
        self.at = start.saturating_add(entry.packed).min(self.end);
        Ok(Some(entry))
    }

    /// The first place from `at` on where these bytes stand; the source is put there.
    fn search(&mut self, wanted: &[u8]) -> Result<Option<u64>, ReadError> {
        let mut window = Vec::new();
        let mut begins = self.at;
        self.source.seek(SeekFrom::Start(begins))?;
        loop {
            let had = window.len();
            let read = self
                .source
                .by_ref()
                .take(64 << 10)
                .read_to_end(&mut window)?;
            if let Some(found) = memchr::memmem::find(&window, wanted) {
                let at = begins + found as u64;
                self.source.seek(SeekFrom::Start(at))?;
                return Ok(Some(at));
            }
            if read == 0 {
                return Ok(None);
            }
            let keep = (had + read).min(wanted.len() - 1);
            begins += (had + read - keep) as u64;
            window.drain(..had + read - keep);
        }
    }
}

impl Entry {
    /// What the extra fields say: 64-bit sizes (0x0001) and WinZip's AES (0x9901).
    fn widen(&mut self, extra: &[u8]) {
        for (id, field) in fields(extra) {
            match id {
                0x0001 => {
                    let mut wide = field
                        .as_chunks::<8>()
                        .0
                        .iter()
                        .map(|n| u64::from_le_bytes(*n));
                    for value in [&mut self.unpacked, &mut self.packed, &mut self.at] {
                        if *value == 0xFFFF_FFFF {
                            *value = wide.next().unwrap_or(*value);
                        }
                    }
                }
                0x9901 if field.len() >= 7 => {
                    self.aes = Some(Aes {
                        version: u16_at(field, 0),
                        strength: field[4],
                        method: u16_at(field, 5),
                    });
                }
                _ => {}
            }
        }
    }
}

/// The name: UTF-8 by flag 11 or by Info-ZIP's extra field 0x7075, else judged.
fn named(name: &[u8], extra: &[u8], flags: u16) -> String {
    let unicode = fields(extra).find_map(|(id, field)| {
        let text = field.get(5..).filter(|_| id == 0x7075 && field[0] == 1)?;
        let mut crc = flate2::Crc::new();
        crc.update(name);
        // Stale where the name was changed by a program that does not know the field.
        (crc.sum() == u32_at(field, 1)).then(|| std::str::from_utf8(text).ok())?
    });
    match unicode {
        Some(text) => names::shortened(text.to_owned()),
        None if flags & 0x800 != 0 => names::shortened(String::from_utf8_lossy(name).into_owned()),
        None => names::decoded(name),
    }
}

/// Extra fields: an id of two bytes, a length of two, so many bytes.
fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = extra.split_at_checked(4)?;
        let (field, rest) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
        extra = rest;
        Some((u16_at(head, 0), field))
    })
}

fn fixed<const N: usize>(source: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let field = bytes.get(at..at + width).unwrap_or_default();
    field
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::try_from(number(bytes, at, 2)).unwrap_or(0)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::try_from(number(bytes, at, 4)).unwrap_or(0)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 8)
}
