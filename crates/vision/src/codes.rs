//! QR and bar codes, with what they say.

use std::fmt;

use rxing::multi::{GenericMultipleBarcodeReader, MultipleBarcodeReader};
use rxing::{
    BarcodeFormat, BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiFormatReader,
    common::HybridBinarizer,
};

use crate::geometry::{Area, Point};
use crate::raster::{Raster, Small, scaled};

/// A code. Its `Debug` shows its format only.
#[derive(Clone, PartialEq)]
pub struct Code {
    /// `qr`, `data-matrix`, `pdf417`, `code-128`, …
    pub format: String,
    /// What it says.
    pub text: String,
    /// Around what the reader recognised, grown so that all of it is covered.
    pub area: Area,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.format)
    }
}

/// The longest side that is of use here.
pub(crate) const LONGEST: usize = SIZES[0];

/// Longest sides, in pixels, at which codes are looked for: what is lost at one is found at
/// another.
const SIZES: [usize; 2] = [1600, 800];

/// Pictures up to this long are looked at enlarged, too.
const ENLARGED: usize = 1200;

/// Every code that can be read.
pub(crate) fn find(small: &Small<'_>) -> Vec<Code> {
    let picture = &*small.raster;
    let longest = picture.longest();
    let mut found: Vec<Code> = Vec::new();
    let to = |size: usize| size as f32 / longest as f32;
    let [large, little] = SIZES;
    let mut scales = vec![to(large).min(1.0)];
    if longest > little {
        scales.push(to(little));
    }
    // Codes whose points are two pixels wide are read enlarged.
    if longest <= ENLARGED {
        scales.push(to(large));
    }
    for scale in scales {
        let (width, height) = (scaled(picture.width, scale), scaled(picture.height, scale));
        for code in at_size(&picture.resized(width, height), small.factor / scale) {
            let known = found
                .iter()
                .any(|other| other.text == code.text && other.area.shared(&code.area) > 0.0);
            if !known {
                found.push(code);
            }
        }
    }
    found
}

fn at_size(picture: &Raster<'_>, back: f32) -> Vec<Code> {
    let (Ok(width), Ok(height)) = (u32::try_from(picture.width), u32::try_from(picture.height))
    else {
        return Vec::new();
    };
    let Ok(source) = Luma8LuminanceSource::new(picture.luma(), width, height) else {
        return Vec::new();
    };
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let mut reader = GenericMultipleBarcodeReader::new(MultiFormatReader::default());
    // A picture without a code is an error to the reader.
    let results = reader
        .decode_multiple_with_hints(&mut bitmap, &hints)
        .unwrap_or_default();
    results
        .iter()
        .map(|result| {
            let points: Vec<Point> = result
                .getPoints()
                .iter()
                .map(|point| Point::new(point.x * back, point.y * back))
                .collect();
            Code {
                format: name(result.getBarcodeFormat()).to_owned(),
                text: result.getText().to_owned(),
                area: around(&points, result.getBarcodeFormat(), picture, back),
            }
        })
        .collect()
}

/// The box of a code from the points its reader recognised: centres of corner patterns, or the
/// ends of one line through the bars.
fn around(points: &[Point], format: &BarcodeFormat, picture: &Raster<'_>, back: f32) -> Area {
    let (mut low, mut high) = (
        Point::new(f32::MAX, f32::MAX),
        Point::new(f32::MIN, f32::MIN),
    );
    // Three corner patterns of a square: the fourth corner lies across the right angle.
    let fourth = if let [a, b, c, ..] = points {
        let across = |p: &Point, q: &Point, r: &Point| {
            let dot = (q.x - p.x) * (r.x - p.x) + (q.y - p.y) * (r.y - p.y);
            (dot.abs(), Point::new(q.x + r.x - p.x, q.y + r.y - p.y))
        };
        let corners = [across(a, b, c), across(b, a, c), across(c, a, b)];
        corners
            .into_iter()
            .min_by(|one, two| one.0.total_cmp(&two.0))
    } else {
        None
    };
    let fourth = fourth.map(|(_, corner)| corner);
    for point in points.iter().chain(fourth.as_ref()) {
        low = Point::new(low.x.min(point.x), low.y.min(point.y));
        high = Point::new(high.x.max(point.x), high.y.max(point.y));
    }
    let whole = Area::new(
        0.0,
        0.0,
        picture.width as f32 * back,
        picture.height as f32 * back,
    );
    if points.is_empty() {
        return whole;
    }
    let (width, height) = (high.x - low.x, high.y - low.y);
    let square = matches!(
        format,
        BarcodeFormat::QR_CODE | BarcodeFormat::DATA_MATRIX | BarcodeFormat::AZTEC
    );
    let margin = width.max(height) * if square { 0.3 } else { 0.15 };
    let area = if square {
        Area::new(
            low.x - margin,
            low.y - margin,
            width + 2.0 * margin,
            height + 2.0 * margin,
        )
    } else {
        // Bars run on above and below the line that was read; how far is not known.
        let tall = (width.max(height) * 0.5).max(24.0);
        let (across, down) = if width >= height {
            (margin, tall)
        } else {
            (tall, margin)
        };
        Area::new(
            low.x - across,
            low.y - down,
            width + 2.0 * across,
            height + 2.0 * down,
        )
    };
    let left = area.left.max(0.0);
    let top = area.top.max(0.0);
    Area::new(
        left,
        top,
        (area.left + area.width).min(whole.width) - left,
        (area.top + area.height).min(whole.height) - top,
    )
}

fn name(format: &BarcodeFormat) -> &'static str {
    match format {
        BarcodeFormat::QR_CODE => "qr",
        BarcodeFormat::DATA_MATRIX => "data-matrix",
        BarcodeFormat::PDF_417 => "pdf417",
        BarcodeFormat::CODE_128 => "code-128",
        BarcodeFormat::CODE_39 => "code-39",
        BarcodeFormat::CODE_93 => "code-93",
        BarcodeFormat::CODABAR => "codabar",
        BarcodeFormat::EAN_13 => "ean-13",
        BarcodeFormat::EAN_8 => "ean-8",
        BarcodeFormat::ITF => "itf",
        BarcodeFormat::UPC_A => "upc-a",
        BarcodeFormat::UPC_E => "upc-e",
        _ => "other",
    }
}
