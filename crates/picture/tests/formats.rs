//! Every format and kind that comes in, against pictures another program wrote.
//!
//! `pictures/` holds four colours (red, lime; blue, white) of 16 x 12 pixels as ImageMagick 6.9 and
//! libwebp 1.2 wrote them, one file for each kind; those of HEIC are 64 x 48 pixels, by libheif 1.15
//! with x265.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use liuhen_picture::{
    Encoding, Format, Limits, Picture, PictureError, decode, encode, encode_grey,
};

const RED: [u8; 3] = [255, 0, 0];
const LIME: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255; 3];

fn stored(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    std::fs::read(folder.join(name)).unwrap()
}

fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode(bytes, &Limits::default())
}

/// The colour a quarter of the way from each corner: top left, top right, bottom left, right.
fn corners(picture: &Picture) -> [[u8; 3]; 4] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let at = |x: usize, y: usize| {
        let start = (y * width + x) * picture.channels();
        picture.pixels()[start..start + 3].try_into().unwrap()
    };
    let (left, right) = (width / 4, width - 1 - width / 4);
    let (top, bottom) = (height / 4, height - 1 - height / 4);
    [
        at(left, top),
        at(right, top),
        at(left, bottom),
        at(right, bottom),
    ]
}

fn near(found: [[u8; 3]; 4], expected: [[u8; 3]; 4], slack: u8) -> bool {
    found
        .iter()
        .flatten()
        .zip(expected.iter().flatten())
        .all(|(a, b)| a.abs_diff(*b) <= slack)
}

fn four_colours() -> Picture {
    let rows = [[RED, LIME], [BLUE, WHITE]];
    let pixels = (0..12)
        .flat_map(|y| (0..16).flat_map(move |x| rows[y / 6][x / 8]))
        .collect();
    Picture::rgb(16, 12, pixels).unwrap()
}

#[test]
fn every_kind_gives_its_colours() {
    let plain = [RED, LIME, BLUE, WHITE];
    let grey = [[54; 3], [182; 3], [18; 3], [255; 3]]; // by BT.709, as ImageMagick makes grey
    let rows: &[(&str, [[u8; 3]; 4], u8)] = &[
        ("progressive.jpg", plain, 6),
        ("cmyk.jpg", plain, 6),
        ("grey.jpg", grey, 6),
        ("sixteen.png", plain, 0),
        ("palette.png", plain, 0),
        ("lossy.webp", plain, 60),
        ("sixteen.tiff", plain, 0),
        ("cmyk.tiff", plain, 1),
    ];
    for (name, expected, slack) in rows {
        let picture = read(&stored(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((picture.width(), picture.height()), (16, 12), "{name}");
        let found = corners(&picture);
        assert!(near(found, *expected, *slack), "{name}: {found:?}");
    }
}

#[test]
fn what_telephones_write_gives_its_colours() {
    let picture = read(&stored("four.heic")).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 48));
    assert_eq!(picture.channels(), 3);
    let found = corners(&picture);
    assert!(near(found, [RED, LIME, BLUE, WHITE], 6), "{found:?}");
    let clear = read(&stored("clear.heic")).unwrap();
    assert_eq!(clear.channels(), 4);
    assert_eq!(clear.pixels()[3], 255);
    assert_eq!(clear.pixels().last(), Some(&0));
    // The same container may hold what moves.
    let mut moving = stored("four.heic");
    moving[8..12].copy_from_slice(b"hevc");
    let moving = read(&moving);
    assert!(
        matches!(moving, Err(PictureError::Animated(Format::Heic))),
        "{moving:?}"
    );
}

#[test]
fn a_fax_is_black_and_white() {
    let picture = read(&stored("fax.tiff")).unwrap();
    let mut shades: Vec<u8> = picture.pixels().to_vec();
    shades.sort_unstable();
    shades.dedup();
    assert_eq!(shades, [0, 255]);
    assert_eq!(corners(&picture)[3], WHITE);
}

#[test]
fn opacity_is_kept() {
    let picture = read(&stored("clear.webp")).unwrap();
    assert_eq!(picture.channels(), 4);
    assert_eq!(picture.pixels()[3], 255);
    assert_eq!(picture.pixels().last(), Some(&0));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let animated = read(&stored("animated.webp"));
    assert!(
        matches!(animated, Err(PictureError::Animated(Format::WebP))),
        "{animated:?}"
    );
    let pages = read(&stored("pages.tiff"));
    assert!(
        matches!(pages, Err(PictureError::Animated(Format::Tiff))),
        "{pages:?}"
    );
    let palette = read(&stored("palette.tiff"));
    assert!(
        matches!(palette, Err(PictureError::Unsupported(Format::Tiff))),
        "{palette:?}"
    );
    let other = read(b"GIF88a\x01\0\x01\0\0\0\0;");
    assert!(matches!(other, Err(PictureError::UnknownFormat)));

    let mut moving = encode(&four_colours(), Encoding::Png).unwrap();
    let control = chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    moving.splice(33..33, control);
    let moving = read(&moving);
    assert!(
        matches!(moving, Err(PictureError::Animated(Format::Png))),
        "{moving:?}"
    );
}

#[test]
fn what_is_written_without_loss_comes_back() {
    let plain = four_colours();
    let samples: Vec<u8> = (0..16 * 12 * 4)
        .map(|at| u8::try_from(at * 7 % 256).unwrap())
        .collect();
    let clear = Picture::rgba(16, 12, samples).unwrap();
    for encoding in [Encoding::Png, Encoding::WebP, Encoding::Tiff] {
        for picture in [&plain, &clear] {
            let bytes = encode(picture, encoding).unwrap();
            assert_eq!(Format::guess(&bytes), Some(encoding.format()));
            assert_eq!(&read(&bytes).unwrap(), picture, "{encoding:?}");
            assert_eq!(encode(picture, encoding).unwrap(), bytes, "equal bytes");
        }
    }
}

#[test]
fn a_jpeg_is_written_with_colour_at_full_resolution() {
    let bytes = encode(&four_colours(), Encoding::default()).unwrap();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("baseline");
    let components = &bytes[frame + 10..][..9];
    assert_eq!([components[1], components[4], components[7]], [0x11; 3]);
    assert!(near(
        corners(&read(&bytes).unwrap()),
        [RED, LIME, BLUE, WHITE],
        4
    ));
    assert_eq!(encode(&four_colours(), Encoding::default()).unwrap(), bytes);
    let coarse = encode(&four_colours(), Encoding::Jpeg { quality: 0 }).unwrap();
    assert!(coarse.len() < bytes.len());
}

#[test]
fn orientation_is_applied_and_then_gone() {
    // EXIF 2.3, tag 274: where the first row and column of the stored pixels belong.
    let expected = [
        [RED, LIME, BLUE, WHITE],
        [LIME, RED, WHITE, BLUE],
        [WHITE, BLUE, LIME, RED],
        [BLUE, WHITE, RED, LIME],
        [RED, BLUE, LIME, WHITE],
        [BLUE, RED, WHITE, LIME],
        [WHITE, LIME, BLUE, RED],
        [LIME, WHITE, RED, BLUE],
    ];
    for (value, colours) in (1_u8..).zip(expected) {
        let turned = value > 4;
        for format in [Format::Jpeg, Format::Png] {
            let picture = read(&oriented(format, value)).unwrap();
            let size = if turned { (12, 16) } else { (16, 12) };
            assert_eq!(
                (picture.width(), picture.height()),
                size,
                "{format} {value}"
            );
            let found = corners(&picture);
            assert!(near(found, colours, 4), "{format} {value}: {found:?}");
            let written = encode(&picture, Encoding::of(format)).unwrap();
            let again = read(&written).unwrap();
            assert!(near(corners(&again), colours, 8), "{format} {value}");
        }
    }
}

#[test]
fn a_strange_orientation_leaves_the_picture_as_it_is() {
    for value in [0, 9, 255] {
        assert!(near(
            corners(&read(&oriented(Format::Jpeg, value)).unwrap()),
            [RED, LIME, BLUE, WHITE],
            4
        ));
    }
}

#[test]
fn metadata_does_not_survive() {
    let secret = b"GPS 39.9042N 116.4074E";
    let mut jpeg = oriented(Format::Jpeg, 6);
    jpeg.splice(2..2, segment(0xfe, secret));
    let mut png = oriented(Format::Png, 6);
    png.splice(
        33..33,
        chunk(*b"tEXt", &[b"Comment\0", &secret[..]].concat()),
    );
    for bytes in [jpeg, png] {
        assert!(contains(&bytes, secret) && contains(&bytes, b"Exif") | contains(&bytes, b"eXIf"));
        let picture = read(&bytes).unwrap();
        let every = [
            Encoding::default(),
            Encoding::Png,
            Encoding::WebP,
            Encoding::Tiff,
        ];
        for encoding in every {
            let written = encode(&picture, encoding).unwrap();
            for trace in [&secret[..], b"Exif", b"eXIf", b"GPS", b"EXIF"] {
                assert!(!contains(&written, trace), "{encoding:?}");
            }
        }
    }
}

#[test]
fn a_side_too_long_for_the_format_is_refused() {
    let wide = Picture::blank(16_385, 1, RED).unwrap();
    let webp = encode(&wide, Encoding::WebP);
    assert!(
        matches!(webp, Err(PictureError::Side { limit: 16_384, .. })),
        "{webp:?}"
    );
    let wider = Picture::blank(1, 65_536, RED).unwrap();
    assert!(matches!(
        encode(&wider, Encoding::default()),
        Err(PictureError::Side { .. })
    ));
    assert!(encode(&wider, Encoding::Tiff).is_ok());
}

#[test]
fn a_grey_page_is_a_jpeg_of_one_component() {
    let grey: Vec<u8> = (0..64_u32 * 40)
        .map(|at| if at % 64 < 32 { 250 } else { 5 })
        .collect();
    let bytes = encode_grey((64, 40), &grey, 92).unwrap();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    assert_eq!(bytes[frame + 9], 1, "components");
    let back = read(&bytes).unwrap();
    assert!(
        back.luma()
            .iter()
            .zip(&grey)
            .all(|(a, b)| (a - f32::from(*b)).abs() < 6.0)
    );
    assert!(matches!(
        encode_grey((64, 41), &grey, 92),
        Err(PictureError::Length { .. })
    ));
    assert!(matches!(
        encode_grey((0, 41), &[], 92),
        Err(PictureError::Empty)
    ));
}

/// The four colours with an orientation in EXIF.
fn oriented(format: Format, value: u8) -> Vec<u8> {
    let exif = [
        b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
        &[value][..],
        &[0; 6],
    ]
    .concat();
    let encoding = Encoding::of(format);
    let encoding = match encoding {
        Encoding::Jpeg { .. } => Encoding::Jpeg { quality: 100 },
        other => other,
    };
    let mut bytes = encode(&four_colours(), encoding).unwrap();
    match format {
        Format::Jpeg => drop(bytes.splice(2..2, segment(0xe1, &[b"Exif\0\0", &exif[..]].concat()))),
        _ => drop(bytes.splice(33..33, chunk(*b"eXIf", &exif))),
    }
    bytes
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], content].concat()
}

fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&name[..], content].concat();
    let mut crc = u32::MAX;
    for byte in &body {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &body, &(!crc).to_be_bytes()].concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
