//! Where bytes come from: something that reads and seeks, shared by the parts of an archive.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that can be read from any position: a file, a buffer.
pub trait Source: Read + Seek + Send {}

impl<S: Read + Seek + Send> Source for S {}

/// The length of a source in bytes; the position is back at its start.
pub(crate) fn measure(source: &mut dyn Source) -> io::Result<u64> {
    let length = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    Ok(length)
}

/// Fills `buffer` as far as the source reaches, and says how far that was.
pub(crate) fn read_up_to(source: &mut dyn Source, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// One source read by several parts, each at its own position.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Box<dyn Source>>>);

impl Shared {
    pub(crate) fn new(source: Box<dyn Source>) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    /// The bytes from `start` on, `length` of them, ending early where the source ends.
    pub(crate) fn section(&self, start: u64, length: u64) -> Section {
        Section {
            shared: self.clone(),
            start,
            length,
            at: 0,
            taken: Arc::new(AtomicU64::new(0)),
        }
    }
}

/// A run of bytes of a shared source, with a position of its own.
pub(crate) struct Section {
    shared: Shared,
    start: u64,
    length: u64,
    at: u64,
    taken: Arc<AtomicU64>,
}

impl Section {
    /// A counter of the bytes taken so far, for whoever shows progress.
    pub(crate) fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.length.saturating_sub(self.at))
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        // A panic in another reader leaves the source at an unknown position, which the seek sets anew.
        let mut source = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let n = source.read(&mut buffer[..room])?;
        drop(source);
        self.at += n as u64;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Bytes that can be opened any number of times, each time with a position of its own.
#[derive(Clone)]
pub(crate) struct Blob {
    shared: Shared,
    start: u64,
    length: u64,
}

impl Blob {
    /// All of a source.
    pub(crate) fn new(mut source: Box<dyn Source>) -> io::Result<Self> {
        let length = measure(source.as_mut())?;
        Ok(Self {
            shared: Shared::new(source),
            start: 0,
            length,
        })
    }

    /// All of a source whose length is known.
    pub(crate) fn within(source: Box<dyn Source>, length: u64) -> Self {
        Self {
            shared: Shared::new(source),
            start: 0,
            length,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// From the first byte on.
    pub(crate) fn open(&self) -> Section {
        self.shared.section(self.start, self.length)
    }

    /// A part of it, cut where the whole ends.
    pub(crate) fn part(&self, start: u64, length: u64) -> Self {
        let start = start.min(self.length);
        Self {
            shared: self.shared.clone(),
            start: self.start + start,
            length: length.min(self.length - start),
        }
    }
}
