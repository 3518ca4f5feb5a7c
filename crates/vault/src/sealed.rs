//! Sealed files: spooled uploads and exports, readable only with the vault's keys.
//!
//! Every file has its own random key, itself sealed in the header. The content is cut into
//! chunks of 64 KiB, each AES-256-GCM-SIV under the file key with the chunk's number as
//! nonce; number and "this is the last" stand in the additional data, so that cutting,
//! repeating or reordering chunks is refused. All integers big-endian:
//!
//! ```text
//! header = "LHSF" ‖ 0x01 ‖ sealed file key[61]      AAD of the file key: caller's context
//! chunk  = ciphertext[≤ 65,536] ‖ tag[16]           AAD: number:u64 ‖ last:u8
//! ```
//!
//! The last chunk may be empty only in an empty file.

use std::io::{self, Read, Seek, SeekFrom, Write};

use zeroize::{Zeroize, Zeroizing};

use crate::VaultError;
use crate::crypt::{self, Key};

const MAGIC: &[u8; 5] = b"LHSF\x01";
const HEADER: usize = 5 + crypt::OVERHEAD + 32;
/// Plaintext bytes in every chunk but the last.
pub const CHUNK: usize = 64 * 1024;
const SEALED_CHUNK: u64 = (CHUNK + crypt::TAG) as u64;

fn refuse(error: &VaultError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

fn file_aad(context: &[u8]) -> Vec<u8> {
    crypt::aad(&[b"liuhen/sealed-file/v1", context])
}

fn chunk_aad(number: u64, last: bool) -> [u8; 9] {
    let mut aad = [0; 9];
    aad[..8].copy_from_slice(&number.to_be_bytes());
    aad[8] = u8::from(last);
    aad
}

fn chunk_nonce(number: u64) -> [u8; crypt::NONCE] {
    let mut nonce = [0; crypt::NONCE];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Writes a sealed file. [`SealedWriter::finish`] must be called: a file without its last
/// chunk is refused by the reader, as one cut short should be.
pub struct SealedWriter<W: Write> {
    inner: W,
    key: Key,
    number: u64,
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: Write> SealedWriter<W> {
    /// Starts a file under `key`; `context` (a job's id, say) must be the same when reading.
    ///
    /// # Errors
    ///
    /// Of `inner`, or when the system gives no random numbers.
    pub fn new(mut inner: W, key: &Key, context: &[u8]) -> io::Result<Self> {
        let file_key = Key::random().map_err(|error| refuse(&error))?;
        let sealed = crypt::seal(key, &file_aad(context), file_key.expose())
            .map_err(|error| refuse(&error))?;
        inner.write_all(MAGIC)?;
        inner.write_all(&sealed)?;
        let buffer = Zeroizing::new(Vec::with_capacity(CHUNK + crypt::TAG));
        Ok(Self {
            inner,
            key: file_key,
            number: 0,
            buffer,
        })
    }

    fn write_chunk(&mut self, last: bool) -> io::Result<()> {
        let (nonce, aad) = (chunk_nonce(self.number), chunk_aad(self.number, last));
        let tag = crypt::encrypt_detached(self.key.expose(), &nonce, &aad, &mut self.buffer)
            .map_err(|error| refuse(&error))?;
        self.buffer.extend_from_slice(&tag);
        self.inner.write_all(&self.buffer)?;
        self.buffer.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes the last chunk and gives the inner writer back; making it durable is the
    /// caller's part.
    ///
    /// # Errors
    ///
    /// Of the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_chunk(true)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full buffer waits for the next byte, since the last chunk must know it is last.
        if self.buffer.len() == CHUNK && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Flushes whole chunks only: a part of a chunk cannot be sealed twice.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> std::fmt::Debug for SealedWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedWriter(chunk {})", self.number)
    }
}

/// Reads a sealed file from any position; every chunk is checked before a byte of it is seen.
pub struct SealedReader<R: Read + Seek> {
    inner: R,
    key: Key,
    chunks: u64,
    length: u64,
    position: u64,
    loaded: Option<u64>,
    chunk: Zeroizing<Vec<u8>>,
}

impl<R: Read + Seek> SealedReader<R> {
    /// Opens a file and checks that it is whole at its end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] when it is no sealed file, has another key or context,
    /// or was cut short or lengthened.
    pub fn open(mut inner: R, key: &Key, context: &[u8]) -> io::Result<Self> {
        let size = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        let mut header = [0; HEADER];
        let body = size
            .checked_sub(HEADER as u64)
            .filter(|body| *body >= crypt::TAG as u64);
        let (Some(body), Ok(())) = (body, inner.read_exact(&mut header)) else {
            return Err(refuse(&VaultError::malformed("a sealed file")));
        };
        let sealed = header
            .strip_prefix(MAGIC)
            .ok_or_else(|| refuse(&VaultError::malformed("a sealed file")))?;
        let file_key = crypt::open(key, &file_aad(context), sealed, "a sealed file")
            .and_then(|plain| match plain.as_slice().try_into() {
                Ok(bytes) => Ok(Key::new(bytes)),
                Err(_) => Err(VaultError::malformed("a sealed file")),
            })
            .map_err(|error| refuse(&error))?;
        let chunks = body.div_ceil(SEALED_CHUNK);
        let mut reader = Self {
            inner,
            key: file_key,
            chunks,
            length: body.saturating_sub(chunks * crypt::TAG as u64),
            position: 0,
            loaded: None,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK + crypt::TAG)),
        };
        reader.load(chunks - 1)?;
        if chunks > 1 && reader.chunk.is_empty() {
            return Err(refuse(&VaultError::malformed("a sealed file")));
        }
        Ok(reader)
    }

    /// Length of the content in bytes.
    #[must_use]
    pub const fn content_len(&self) -> u64 {
        self.length
    }

    fn load(&mut self, number: u64) -> io::Result<()> {
        if self.loaded == Some(number) {
            return Ok(());
        }
        self.loaded = None;
        self.chunk.zeroize();
        self.inner
            .seek(SeekFrom::Start(HEADER as u64 + number * SEALED_CHUNK))?;
        (&mut self.inner)
            .take(SEALED_CHUNK)
            .read_to_end(&mut self.chunk)?;
        let tag = *self
            .chunk
            .last_chunk::<{ crypt::TAG }>()
            .ok_or_else(|| refuse(&VaultError::malformed("a sealed file")))?;
        let end = self.chunk.len() - crypt::TAG;
        self.chunk.truncate(end);
        let (nonce, aad) = (
            chunk_nonce(number),
            chunk_aad(number, number + 1 == self.chunks),
        );
        let key = self.key.expose();
        crypt::decrypt_detached(key, &nonce, &aad, &mut self.chunk, &tag, "a sealed file")
            .map_err(|error| refuse(&error))?;
        self.loaded = Some(number);
        Ok(())
    }
}

impl<R: Read + Seek> Read for SealedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || out.is_empty() {
            return Ok(0);
        }
        self.load(self.position / CHUNK as u64)?;
        let at = usize::try_from(self.position % CHUNK as u64).unwrap_or(usize::MAX);
        let rest = self.chunk.get(at..).unwrap_or_default();
        let taken = rest.len().min(out.len());
        out[..taken].copy_from_slice(&rest[..taken]);
        self.position += taken as u64;
        Ok(taken)
    }
}

impl<R: Read + Seek> Seek for SealedReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

impl<R: Read + Seek> std::fmt::Debug for SealedReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedReader({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn key() -> Key {
        Key::new([8; 32])
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut writer = SealedWriter::new(Vec::new(), &key(), b"job").expect("starts");
        writer.write_all(content).expect("writes");
        writer.finish().expect("finishes")
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        SealedReader::open(Cursor::new(bytes), &key(), b"job")?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..251u8).cycle().take(length).collect()
    }

    #[test]
    fn reading_undoes_writing_at_every_border() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let bytes = sealed(&content(length));
            assert_eq!(read(&bytes).expect("reads"), content(length), "{length}");
        }
    }

    #[test]
    fn refuses_truncation_at_any_length() {
        let bytes = sealed(&content(2 * CHUNK + 100));
        let borders = [
            HEADER,
            HEADER + 16,
            HEADER + CHUNK + 16,
            HEADER + 2 * (CHUNK + 16),
        ];
        for cut in borders
            .into_iter()
            .chain([0, 5, 30, bytes.len() - 1, bytes.len() - 100])
        {
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_err());
    }

    #[test]
    fn refuses_reordered_chunks_another_key_and_another_context() {
        let bytes = sealed(&content(3 * CHUNK));
        let mut swapped = bytes.clone();
        let (first, second) = (HEADER, HEADER + CHUNK + 16);
        swapped[first..second].copy_from_slice(&bytes[second..second + CHUNK + 16]);
        assert!(read(&swapped).is_err());
        assert!(SealedReader::open(Cursor::new(&bytes), &Key::new([9; 32]), b"job").is_err());
        assert!(SealedReader::open(Cursor::new(&bytes), &key(), b"other").is_err());
    }

    #[test]
    fn an_unfinished_file_is_refused() {
        let mut bytes = Vec::new();
        let mut writer = SealedWriter::new(&mut bytes, &key(), b"job").expect("starts");
        writer.write_all(&content(2 * CHUNK)).expect("writes");
        drop(writer);
        assert!(read(&bytes).is_err());
    }

    #[test]
    fn no_plaintext_is_in_the_file() {
        let bytes = sealed(b"an invented name and number, long enough to be found");
        assert!(!bytes.windows(8).any(|window| window == b"invented"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn seeking_reads_the_same_as_slicing(
            length in 1..200_000usize,
            seeks in proptest::collection::vec((any::<proptest::sample::Index>(), 1..5_000usize), 1..8),
        ) {
            let plain = content(length);
            let bytes = sealed(&plain);
            let mut reader = SealedReader::open(Cursor::new(&bytes), &key(), b"job").expect("opens");
            for (at, count) in seeks {
                let at = at.index(length);
                reader.seek(SeekFrom::Start(at as u64)).expect("seeks");
                let mut out = vec![0; count.min(length - at)];
                reader.read_exact(&mut out).expect("reads");
                prop_assert_eq!(&out[..], &plain[at..at + out.len()]);
            }
        }
    }
}
