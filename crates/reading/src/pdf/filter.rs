//! Filters of streams: packed bytes become plain ones, under a budget.
//!
//! Rule: ISO 32000-1, 7.4. Of what is damaged midway, what came before the damage is kept, as
//! programs that show PDF do. Pictures' own codings (JPEG and others) are left as they are.

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::object::{Dict, Fuel};
use crate::ReadError;

/// Bytes that one stream may unpack to, whatever a caller allows.
pub(super) const STREAM: usize = 256 << 20;

/// What is left when all filters we know were undone.
pub(super) struct Plain {
    pub(super) bytes: Vec<u8>,
    /// The coding that stays: a picture's, or one that is not read.
    pub(super) coded: Option<Vec<u8>>,
}

/// Undoes the filters of a stream in their order; each comes with its parameters.
pub(super) fn undo(
    packed: &[u8],
    filters: &[(Vec<u8>, Dict)],
    fuel: &Fuel,
) -> Result<Plain, ReadError> {
    let mut bytes = packed.to_vec();
    fuel.burn(bytes.len())?;
    for (name, parms) in filters.iter().take(8) {
        bytes = match name.as_slice() {
            b"FlateDecode" | b"Fl" => predicted(inflated(&bytes, fuel)?, parms)?,
            b"ASCIIHexDecode" | b"AHx" => ascii_hex(&bytes),
            b"ASCII85Decode" | b"A85" => ascii_85(&bytes),
            b"RunLengthDecode" | b"RL" => run_length(&bytes, fuel)?,
            b"LZWDecode" | b"LZW" => predicted(lzw(&bytes, parms, fuel)?, parms)?,
            other => {
                let coded = Some(other.to_vec());
                return Ok(Plain { bytes, coded });
            }
        };
        fuel.burn(bytes.len())?;
    }
    Ok(Plain { bytes, coded: None })
}

fn too_large(fuel: &Fuel) -> ReadError {
    ReadError::TooLarge {
        budget: fuel.stream() as u64,
    }
}

fn inflated(packed: &[u8], fuel: &Fuel) -> Result<Vec<u8>, ReadError> {
    let read = |source: &mut dyn std::io::Read| {
        let mut plain = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match source.read(&mut chunk) {
                Ok(0) | Err(_) => return Ok(plain),
                Ok(count) => {
                    fuel.burn(count)?;
                    plain.extend_from_slice(&chunk[..count]);
                }
            }
            if plain.len() > fuel.stream() {
                return Err(too_large(fuel));
            }
        }
    };
    let plain = read(&mut ZlibDecoder::new(packed))?;
    if plain.is_empty() && packed.len() > 2 {
        // A damaged header before sound data.
        return read(&mut DeflateDecoder::new(&packed[2..]));
    }
    Ok(plain)
}

fn ascii_hex(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    let pair = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
    digits.chunks(2).map(pair).collect()
}

fn ascii_85(text: &[u8]) -> Vec<u8> {
    let (mut plain, mut group) = (Vec::new(), Vec::with_capacity(5));
    for byte in text {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => plain.extend([0; 4]),
            b'!'..=b'u' => {
                group.push(byte - b'!');
                if group.len() == 5 {
                    plain.extend(word_85(&group));
                    group.clear();
                }
            }
            _ => {}
        }
    }
    if group.len() > 1 {
        let kept = group.len() - 1;
        group.resize(5, 84);
        plain.extend(&word_85(&group)[..kept]);
    }
    plain
}

fn word_85(group: &[u8]) -> [u8; 4] {
    let word = group.iter().fold(0_u32, |word, digit| {
        word.wrapping_mul(85).wrapping_add(u32::from(*digit))
    });
    word.to_be_bytes()
}

fn run_length(packed: &[u8], fuel: &Fuel) -> Result<Vec<u8>, ReadError> {
    let (mut plain, mut rest) = (Vec::new(), packed);
    while let Some((length, after)) = rest.split_first() {
        let length = usize::from(*length);
        match length {
            128 => break,
            0..=127 => {
                let (run, behind) = after.split_at(after.len().min(length + 1));
                plain.extend_from_slice(run);
                rest = behind;
            }
            _ => {
                let Some((byte, behind)) = after.split_first() else {
                    break;
                };
                plain.resize(plain.len() + 257 - length, *byte);
                rest = behind;
            }
        }
        if plain.len() > fuel.stream() {
            return Err(too_large(fuel));
        }
    }
    Ok(plain)
}

/// Lempel-Ziv-Welch as TIFF has it (7.4.4): codes of 9 to 12 bits, first bit highest.
fn lzw(packed: &[u8], parms: &Dict, fuel: &Fuel) -> Result<Vec<u8>, ReadError> {
    let early = parms
        .get(b"EarlyChange".as_slice())
        .and_then(super::object::Object::count);
    let early = usize::from(early != Some(0));
    let mut plain: Vec<u8> = Vec::new();
    // Each code from 258 on stands for bytes that were written before: where, and how many.
    let mut known: Vec<(usize, usize)> = Vec::new();
    let mut before: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    for byte in packed {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        if held < width {
            continue;
        }
        let code = usize::try_from(bits >> (held - width)).unwrap_or(0);
        held -= width;
        bits &= (1 << held) - 1;
        let start = plain.len();
        match code {
            256 => {
                known.clear();
                (before, width) = (None, 9);
                continue;
            }
            257 => break,
            0..=255 => plain.extend(u8::try_from(code)),
            _ => match (known.get(code - 258).copied(), before) {
                (Some((at, length)), _) => plain.extend_from_within(at..at + length),
                (None, Some((at, length))) if code - 258 == known.len() => {
                    plain.extend_from_within(at..at + length);
                    plain.extend_from_within(at..=at);
                }
                _ => break,
            },
        }
        if let Some((at, length)) = before
            && known.len() < 4096 - 258
        {
            known.push((at, length + 1));
        }
        before = Some((start, plain.len() - start));
        width = match known.len() + 258 + early + 1 {
            0..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
        if plain.len() > fuel.stream() {
            return Err(too_large(fuel));
        }
    }
    Ok(plain)
}

/// Undoes a predictor (7.4.4.4): rows told as differences.
fn predicted(bytes: Vec<u8>, parms: &Dict) -> Result<Vec<u8>, ReadError> {
    let parm = |key: &str, otherwise: usize| {
        let given = parms
            .get(key.as_bytes())
            .and_then(super::object::Object::count);
        given.unwrap_or(otherwise)
    };
    let predictor = parm("Predictor", 1);
    if predictor < 2 {
        return Ok(bytes);
    }
    let (colors, bits) = (
        parm("Colors", 1).clamp(1, 32),
        parm("BitsPerComponent", 8).clamp(1, 16),
    );
    let columns = parm("Columns", 1).clamp(1, 1 << 20);
    let pixel = (colors * bits).div_ceil(8);
    let row = (colors * bits * columns).div_ceil(8);
    if predictor == 2 {
        return Ok(tiff(bytes, row, pixel, bits));
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut above = vec![0; row];
    for coded in bytes.chunks(row + 1) {
        let Some((kind, coded)) = coded.split_first() else {
            break;
        };
        let mut line = coded.to_vec();
        line.resize(row, 0);
        for at in 0..row {
            let left = if at >= pixel { line[at - pixel] } else { 0 };
            let corner = if at >= pixel { above[at - pixel] } else { 0 };
            let guess = match kind {
                1 => left,
                2 => above[at],
                3 => u8::try_from((u16::from(left) + u16::from(above[at])) / 2).unwrap_or(0),
                4 => paeth(left, above[at], corner),
                _ => 0,
            };
            line[at] = line[at].wrapping_add(guess);
        }
        plain.extend_from_slice(&line);
        above = line;
    }
    Ok(plain)
}

fn tiff(mut bytes: Vec<u8>, row: usize, pixel: usize, bits: usize) -> Vec<u8> {
    if bits == 8 {
        for line in bytes.chunks_mut(row) {
            for at in pixel..line.len() {
                line[at] = line[at].wrapping_add(line[at - pixel]);
            }
        }
    }
    bytes
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let guess = a + b - c;
    let (da, db, dc) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_of_the_standard_are_undone() {
        let fuel = Fuel::new(1_000);
        assert_eq!(ascii_hex(b"48 65 6C6c6F>zz"), b"Hello");
        assert_eq!(ascii_85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(
            run_length(&[2, b'a', b'b', b'c', 254, b'x', 128, 9], &fuel).unwrap(),
            b"abcxxx"
        );
        // ISO 32000-1, 7.4.4.2, example 1.
        let coded = [0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01];
        assert_eq!(
            lzw(&coded, &Dict::new(), &fuel).unwrap(),
            [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]
        );
    }

    #[test]
    fn rows_told_as_differences_come_back() {
        use super::super::object::Object;
        let parms = Dict::from([
            (b"Predictor".to_vec(), Object::Number(12.0)),
            (b"Columns".to_vec(), Object::Number(3.0)),
        ]);
        let coded = vec![2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1];
        let plain = predicted(coded, &parms).unwrap();
        assert_eq!(plain, [1, 2, 3, 2, 3, 4, 5, 6, 7]);
    }
}
