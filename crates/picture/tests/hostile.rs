//! Pictures made to hurt: cut short, changed, lying about their size.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use liuhen_picture::{Encoding, Format, Limits, Picture, PictureError, decode, encode};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Changed copies of each picture.
const CHANGED: usize = 300;

fn limits() -> Limits {
    Limits {
        pixels: 1 << 20,
        bytes: 16 << 20,
    }
}

/// Small pictures of every kind: those of other programs, and our own with grain.
fn pictures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let samples: Vec<u8> = (0..24 * 20 * 4).map(|_| random.random()).collect();
    let grain = Picture::rgba(24, 20, samples).unwrap();
    for encoding in [
        Encoding::default(),
        Encoding::Png,
        Encoding::WebP,
        Encoding::Tiff,
    ] {
        all.push((format!("{encoding:?}"), encode(&grain, encoding).unwrap()));
    }
    all.sort();
    all
}

/// Reads, and looks that whatever came is within the limits and whole.
fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    let limits = limits();
    let result = decode(bytes, &limits);
    if let Ok(picture) = &result {
        let count = u64::from(picture.width()) * u64::from(picture.height());
        assert!(count > 0 && count <= limits.pixels);
        assert_eq!(
            picture.pixels().len() as u64,
            count * picture.channels() as u64
        );
    }
    result
}

#[test]
fn cut_short_anywhere_nothing_panics_and_no_part_passes_for_the_whole() {
    for (name, bytes) in pictures() {
        let whole = read(&bytes).ok();
        for length in 0..bytes.len() {
            if let Ok(part) = read(&bytes[..length]) {
                assert_eq!(
                    Some(part),
                    whole,
                    "{name} cut to {length} of {}",
                    bytes.len()
                );
            }
        }
    }
}

#[test]
fn a_jpeg_cut_within_its_pixels_is_called_cut() {
    let (_, bytes) = pictures()
        .into_iter()
        .find(|(name, _)| name.contains("quality"))
        .expect("ours");
    for length in [
        bytes.len() - 1,
        bytes.len() - 2,
        bytes.len() - 40,
        bytes.len() / 2 + 200,
    ] {
        let cut = read(&bytes[..length]);
        assert!(
            matches!(cut, Err(PictureError::Truncated(Format::Jpeg))),
            "{length}: {cut:?}"
        );
    }
}

#[test]
fn changed_bytes_give_an_error_or_a_picture() {
    let mut random = ChaCha8Rng::seed_from_u64(42);
    for (_, bytes) in pictures() {
        for _ in 0..CHANGED {
            let mut changed = bytes.clone();
            for _ in 0..random.random_range(1..=4) {
                let at = random.random_range(0..changed.len());
                match random.random_range(0..5) {
                    0 => changed[at] = random.random(),
                    1 => changed[at] ^= 1 << random.random_range(0..8),
                    2 => changed[at] = [0, 0xff, 0x7f, 0x80][random.random_range(0..4)],
                    3 => drop(changed.drain(at..(at + 3).min(changed.len()))),
                    _ => changed.insert(at, random.random()),
                }
                if changed.is_empty() {
                    break;
                }
            }
            drop(read(&changed));
        }
    }
}

#[test]
fn what_the_header_announces_is_compared_before_decoding() {
    for (name, bytes) in bombs(100_000, 100_000) {
        let result = read(&bytes);
        let refused = matches!(
            result,
            Err(PictureError::TooManyPixels { .. }
                | PictureError::TooLarge { .. }
                | PictureError::Malformed(_)
                | PictureError::Truncated(_))
        );
        assert!(refused, "{name}: {result:?}");
        let large =
            matches!(result, Err(PictureError::TooManyPixels { width, .. }) if width > 60_000);
        // These two contradict themselves by it, which is noticed first.
        assert!(
            large || ["webp", "tiff"].contains(&name),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn no_side_is_zero() {
    for (width, height) in [(0, 0), (0, 7), (7, 0)] {
        for (name, bytes) in bombs(width, height) {
            assert!(read(&bytes).is_err(), "{name} {width} x {height}");
        }
    }
}

#[test]
fn the_limits_are_the_callers() {
    let picture = Picture::blank(100, 100, [9; 3]).unwrap();
    for encoding in [
        Encoding::default(),
        Encoding::Png,
        Encoding::WebP,
        Encoding::Tiff,
    ] {
        let bytes = encode(&picture, encoding).unwrap();
        let with = |pixels, bytes_allowed| {
            decode(
                &bytes,
                &Limits {
                    pixels,
                    bytes: bytes_allowed,
                },
            )
            .map(|_| ())
        };
        assert!(with(10_000, 1 << 20).is_ok(), "{encoding:?}");
        let few = with(9_999, 1 << 20);
        assert!(
            matches!(few, Err(PictureError::TooManyPixels { limit: 9_999, .. })),
            "{few:?}"
        );
        let little = with(10_000, 50_000);
        assert!(
            matches!(little, Err(PictureError::TooLarge { limit: 50_000 })),
            "{little:?}"
        );
    }
}

/// Our pictures with another size written into their headers; a JPEG holds 16 bits a side.
fn bombs(width: u32, height: u32) -> Vec<(&'static str, Vec<u8>)> {
    let picture = Picture::blank(16, 16, [1, 2, 3]).unwrap();
    let small = |side: u32| u16::try_from(side.min(65_535)).unwrap();
    let written = |encoding| encode(&picture, encoding).unwrap();

    let mut jpeg = written(Encoding::default());
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&small(height).to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&small(width).to_be_bytes());

    let mut png = written(Encoding::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&crc);

    // VP8X, whose sides are 24 bits less one; its stream disagrees, which is an error of its own.
    let mut webp = written(Encoding::WebP);
    let mut extended = b"VP8X\x0a\0\0\0\0\0\0\0".to_vec();
    for side in [width, height] {
        extended.extend(&side.wrapping_sub(1).to_le_bytes()[..3]);
    }
    webp.splice(12..12, extended);
    let length = u32::try_from(webp.len() - 8).unwrap().to_le_bytes();
    webp[4..8].copy_from_slice(&length);

    let mut tiff = written(Encoding::Tiff);
    for (tag, side) in [(256_u16, width), (257, height)] {
        let entry = tiff
            .windows(4)
            .position(|four| four[..2] == tag.to_le_bytes() && matches!(four[2..], [3 | 4, 0]))
            .unwrap();
        tiff[entry + 2..entry + 4].copy_from_slice(&4_u16.to_le_bytes());
        tiff[entry + 8..entry + 12].copy_from_slice(&side.to_le_bytes());
    }
    vec![("jpeg", jpeg), ("png", png), ("webp", webp), ("tiff", tiff)]
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    !crc
}
