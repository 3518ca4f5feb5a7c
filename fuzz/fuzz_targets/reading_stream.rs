//! Any bytes as a stream of text: how the source is cut changes nothing, UTF-8 is read as std reads it.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use liuhen_reading::{Charset, TextStream};

/// Bytes that the stream reads at a time; what lies about the first end of them is met by padding.
const CHUNK: usize = 256 << 10;

/// A source that gives pieces of changing sizes, and is interrupted at times, as a pipe may be.
struct Drops<'a> {
    rest: &'a [u8],
    state: u64,
}

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        if self.state >> 61 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let wide = if self.rest.len() > 1 << 13 { 70_000 } else { 9 };
        let size = 1 + (self.state >> 33) as usize % wide;
        let size = size.min(self.rest.len()).min(buffer.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

fn text(source: impl Read, charset: Option<Charset>, length: usize) -> (String, u64) {
    let mut stream = TextStream::new(source, charset);
    let mut text = String::new();
    while stream
        .pump(&mut |piece| {
            assert!(!piece.is_empty());
            text.push_str(piece);
        })
        .expect("bytes at hand are read")
    {}
    assert!(!stream.pump(&mut |_| panic!("text behind the end")).unwrap());
    assert_eq!(stream.taken(), length as u64);
    let replaced = text.matches(char::REPLACEMENT_CHARACTER).count() as u64;
    assert!(stream.malformed() <= replaced);
    (text, stream.malformed())
}

fuzz_target!(|data: &[u8]| {
    // Everything hangs on the bytes themselves, so that any file is a corpus.
    let seed = data.iter().fold(data.len() as u64, |seed, byte| {
        seed.rotate_left(7).wrapping_add(u64::from(*byte))
    });
    let padded;
    let bytes = if seed.is_multiple_of(64) {
        let padding = CHUNK - (seed >> 6) as usize % 64;
        padded = [&vec![b'7'; padding], data].concat();
        padded.as_slice()
    } else {
        data
    };
    for charset in [
        None,
        Some(Charset::UTF_8),
        Some(Charset::GB18030),
        Some(Charset::UTF_16LE),
    ] {
        let whole = text(bytes, charset, bytes.len());
        let drops = Drops {
            rest: bytes,
            state: seed,
        };
        assert_eq!(whole, text(drops, charset, bytes.len()), "{charset:?}");
        if charset == Some(Charset::UTF_8) {
            let plain = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            assert_eq!(whole.0, String::from_utf8_lossy(plain));
            let broken = |chunk: &std::str::Utf8Chunk<'_>| !chunk.invalid().is_empty();
            assert_eq!(whole.1, plain.utf8_chunks().filter(broken).count() as u64);
        }
    }
});
