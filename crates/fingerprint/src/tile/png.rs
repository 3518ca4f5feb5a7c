//! A tile's image as a PNG file of about five kilobytes.
//!
//! Rule: ISO/IEC 15948 (PNG, third edition), an indexed image of four bits a pixel whose palette
//! entries differ in opacity alone; RFC 1950 and RFC 1951 for the stream, in one block that is not
//! compressed, since noise does not compress.

use super::GreyAlpha;

impl GreyAlpha {
    /// The file; opacities above 15 of 255, which no tile has, are cut to 15.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let grey = self.pixels.first().copied().unwrap_or_default();
        let mut file = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
        let side = self.side.to_be_bytes();
        chunk(
            &mut file,
            *b"IHDR",
            &[&side[..], &side[..], &[4, 3, 0, 0, 0]].concat(),
        );
        chunk(&mut file, *b"PLTE", &[grey; 3 * 16]);
        let opacities: Vec<u8> = (0..16).collect();
        chunk(&mut file, *b"tRNS", &opacities);
        chunk(&mut file, *b"IDAT", &stored(&self.lines()));
        chunk(&mut file, *b"IEND", &[]);
        file
    }

    /// Two opacities a byte, a zero before each row: no filter.
    fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for row in self.pixels.chunks(2 * self.side.max(1) as usize) {
            lines.push(0);
            let opacity = |at: usize| row.get(at).copied().unwrap_or_default().min(15);
            lines.extend(
                (1..row.len())
                    .step_by(4)
                    .map(|at| opacity(at) << 4 | opacity(at + 2)),
            );
        }
        lines
    }
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], body: &[u8]) {
    file.extend((body.len() as u32).to_be_bytes());
    let checked = [&name[..], body].concat();
    file.extend(&checked);
    file.extend(crc(&checked).to_be_bytes());
}

/// A zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let count = data.chunks(0xffff).count();
    for (index, block) in data.chunks(0xffff).enumerate() {
        stream.push(u8::from(index + 1 == count));
        let length = block.len() as u16;
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler(data).to_be_bytes());
    stream
}

/// CRC-32 of ISO 3309, as PNG's annex D computes it.
fn crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// Adler-32 of RFC 1950.
fn adler(data: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standards() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_small_image_is_these_bytes() {
        let image = GreyAlpha {
            side: 2,
            pixels: vec![128, 1, 128, 2, 128, 8, 128, 0],
        };
        assert_eq!(image.lines(), [0, 0x12, 0, 0x80]);
        let stream = stored(&image.lines());
        assert_eq!(
            stream[..11],
            [0x78, 1, 1, 4, 0, 0xfb, 0xff, 0, 0x12, 0, 0x80]
        );
        let file = image.png();
        assert_eq!(file[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(file[16..24], [0, 0, 0, 2, 0, 0, 0, 2]);
        assert_eq!(file[file.len() - 8..], *b"IEND\xae\x42\x60\x82");
    }
}
