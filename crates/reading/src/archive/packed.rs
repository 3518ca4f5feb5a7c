//! One file packed by itself: gzip (RFC 1952), bzip2, XZ and Zstandard (RFC 8878).
//!
//! Several members one after another are one file, as their own tools read them.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use crate::ReadError;
use crate::unpack::{Counted, Packing, Piece, Walker, unpacked_name};

pub(crate) fn open(walker: &mut Walker<'_>, piece: Piece<'_>, packing: Packing) -> ControlFlow<()> {
    let place = piece.place.clone();
    let name = unpacked_name(&piece.name, packing);
    let memory = walker.budget.limits.max_memory_bytes;
    let (counted, taken) = Counted::new(piece.into_reader());
    let mut stream = walker.metered(decoder(packing, counted, memory), Some(taken));
    let inner = place.inside(name.clone());
    walker.stream(inner, &name, &mut stream)
}

/// A decoder that takes at most about `memory` bytes.
pub(crate) fn decoder<R: Read>(packing: Packing, packed: R, memory: usize) -> Decoder<R> {
    let packed = BufReader::with_capacity(64 << 10, packed);
    let kib = u32::try_from(memory >> 10).unwrap_or(u32::MAX - 1);
    match packing {
        Packing::Gzip => Decoder::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(packed))),
        Packing::Bzip2 => Decoder::Bzip2(bzip2::bufread::MultiBzDecoder::new(packed)),
        Packing::Xz => {
            let reader = lzma_rust2::XzReader::new_mem_limit(packed, true, kib);
            Decoder::Xz(Box::new(reader))
        }
        Packing::Zstd => Decoder::Zstd(Box::new(Frames::new(packed, memory))),
    }
}

/// A decoder of any of these formats.
pub(crate) enum Decoder<R: Read> {
    Gzip(Box<flate2::bufread::MultiGzDecoder<BufReader<R>>>),
    Bzip2(bzip2::bufread::MultiBzDecoder<BufReader<R>>),
    Xz(Box<lzma_rust2::XzReader<BufReader<R>>>),
    Zstd(Box<Frames<BufReader<R>>>),
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// Frames of Zstandard one after another; frames to skip are skipped.
pub(crate) struct Frames<R: Read> {
    source: Option<R>,
    frame: Option<ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
    window: u64,
}

impl<R: io::BufRead> Frames<R> {
    fn new(source: R, memory: usize) -> Self {
        Self {
            source: Some(source),
            frame: None,
            window: memory as u64,
        }
    }

    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        let Some(mut source) = self.source.take() else {
            return Ok(false);
        };
        loop {
            let ahead = source.fill_buf()?;
            if ahead.is_empty() {
                return Ok(false);
            }
            // Magic numbers of frames to skip: RFC 8878, section 3.1.2.
            let skip =
                ahead.len() >= 8 && ahead[0] & 0xF0 == 0x50 && ahead[1..4] == *b"\x2A\x4D\x18";
            if !skip {
                break;
            }
            let length = u32::from_le_bytes([ahead[4], ahead[5], ahead[6], ahead[7]]);
            io::copy(
                &mut source.by_ref().take(8 + u64::from(length)),
                &mut io::sink(),
            )?;
        }
        let frame =
            ruzstd::decoding::StreamingDecoder::new_with_max_window_size(source, self.window);
        self.frame = Some(frame.map_err(|_| ReadError::MalformedArchive)?);
        Ok(true)
    }
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let n = frame.read(buffer)?;
                if n > 0 {
                    return Ok(n);
                }
            }
            if let Some(frame) = self.frame.take() {
                let decoder = &frame.decoder;
                let stated = decoder.get_checksum_from_data();
                if stated.is_some() && stated != decoder.get_calculated_checksum() {
                    return Err(ReadError::Checksum.into());
                }
                self.source = Some(frame.into_inner());
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}
