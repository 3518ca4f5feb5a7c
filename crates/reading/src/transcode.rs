//! Any encoding becomes UTF-8, as a stream.
//!
//! What does not decode becomes the byte 0xFF, which no UTF-8 contains: the record it falls into
//! is then refused where it lies, and its neighbours are kept. UTF-8 itself passes unchanged, so
//! that its broken bytes are found in the same way.

use std::io;

use encoding_rs::{Decoder, DecoderResult, UTF_8};

use crate::charset::Charset;
use crate::source::Source;

/// Stands for bytes that do not decode.
const UNDECODABLE: u8 = 0xFF;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// A source read as UTF-8.
pub(crate) struct Transcoder {
    source: Box<dyn Source>,
    decoder: Option<Decoder>,
    chunk: Vec<u8>,
    taken: u64,
    ended: bool,
}

impl Transcoder {
    /// Reads from the source's present position, which lies behind any byte order mark.
    pub(crate) fn new(source: Box<dyn Source>, charset: Charset, position: u64) -> Self {
        let decoder = (charset.0 != UTF_8).then(|| charset.0.new_decoder_without_bom_handling());
        Self {
            source,
            decoder,
            chunk: vec![0; CHUNK],
            taken: position,
            ended: false,
        }
    }

    /// Bytes of the source read so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Appends some more UTF-8 to `out`; false when the source has ended.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let n = loop {
            match self.source.read(&mut self.chunk) {
                Ok(n) => break n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.taken += n as u64;
        self.ended = n == 0;
        match &mut self.decoder {
            None => out.extend_from_slice(&self.chunk[..n]),
            Some(decoder) => decode(decoder, &self.chunk[..n], self.ended, out),
        }
        Ok(true)
    }
}

fn decode(decoder: &mut Decoder, mut input: &[u8], last: bool, out: &mut Vec<u8>) {
    loop {
        let start = out.len();
        // Every encoding of the standard grows to three bytes a byte at most; the decoder asks for
        // more room when that is too little.
        let room = decoder
            .max_utf8_buffer_length_without_replacement(input.len())
            .unwrap_or(CHUNK * 3);
        out.resize(start + room, 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(input, &mut out[start..], last);
        out.truncate(start + written);
        input = &input[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(UNDECODABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn through(bytes: &[u8], charset: Charset) -> Vec<u8> {
        let mut transcoder = Transcoder::new(Box::new(Cursor::new(bytes.to_vec())), charset, 0);
        let mut out = Vec::new();
        while transcoder.fill(&mut out).unwrap() {}
        out
    }

    #[test]
    fn undecodable_bytes_are_marked_in_place() {
        let rows: [(&str, &[u8], Charset, &[u8]); 6] = [
            (
                "gbk",
                b"\xD5\xC5\xC8\xFD",
                Charset::GB18030,
                "张三".as_bytes(),
            ),
            (
                "half a character",
                b"\xD5,\xC8\xFD",
                Charset::GB18030,
                b"\xFF,\xE4\xB8\x89",
            ),
            ("cut at the end", b"a\xD5", Charset::GB18030, b"a\xFF"),
            (
                "lone surrogate",
                b"\x00\xD8,\x00",
                Charset::UTF_16LE,
                b"\xFF,",
            ),
            (
                "odd byte at the end",
                b",\x00a",
                Charset::UTF_16LE,
                b",\xFF",
            ),
            ("utf-8 passes", b"a\x80b", Charset::UTF_8, b"a\x80b"),
        ];
        for (name, bytes, charset, expected) in rows {
            assert_eq!(through(bytes, charset), expected, "{name}");
        }
    }

    #[test]
    fn characters_across_chunks_are_whole() {
        let text = "a张".repeat(CHUNK);
        let (bytes, ..) = encoding_rs::GB18030.encode(&text);
        assert_eq!(through(&bytes, Charset::GB18030), text.as_bytes());
    }
}
