//! Bytes that come in a stream and are to be sought: in memory, and beyond a bound on disk.

use std::fs::File;
use std::io::{self, Cursor, Write};

use crate::source::Blob;

/// Bytes that are held in memory before a temporary file is taken.
const IN_MEMORY: usize = 8 << 20;

/// Whatever is written, to be read again.
///
/// The temporary file has no name, so that it is gone with its last reader, however that ends.
#[derive(Debug)]
pub(crate) struct Spool {
    /// The bytes, until there is a file.
    bytes: Vec<u8>,
    file: Option<File>,
    length: u64,
    most: usize,
}

impl Default for Spool {
    fn default() -> Self {
        Self::new(IN_MEMORY)
    }
}

impl Spool {
    /// Bytes of which so many are held in memory.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            file: None,
            length: 0,
            most,
        }
    }

    /// Everything that was written.
    pub(crate) fn into_blob(self) -> Blob {
        match self.file {
            Some(file) => Blob::within(Box::new(file), self.length),
            None => Blob::within(Box::new(Cursor::new(self.bytes)), self.length),
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.bytes.len() + bytes.len() > self.most {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.bytes)?;
            self.bytes = Vec::new();
            self.file = Some(file);
        }
        let n = match &mut self.file {
            Some(file) => file.write(bytes)?,
            None => self.bytes.write(bytes)?,
        };
        self.length += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
