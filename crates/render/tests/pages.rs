//! Pages that `paper` writes, and broken ones, painted again.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write as _;

use liuhen_paper::{Meta, Paper};
use liuhen_picture::Font;
use liuhen_render::{Pages, RenderError};

const LINES: [&str; 2] = ["登记表 Form 7", "电话 15412345678"];

fn font() -> Option<Font> {
    let font = Font::find(None, &LINES.concat()).ok();
    if font.is_none() {
        let _unheard = writeln!(std::io::stderr(), "SKIP no font with Chinese letters here");
    }
    font
}

fn report(font: &Font) -> Vec<u8> {
    let meta = Meta {
        title: LINES[0].into(),
        ..Meta::default()
    };
    Paper::new(font, meta)
        .paragraph(LINES[0])
        .paragraph(LINES[1])
        .finish()
        .unwrap()
}

#[test]
fn every_dark_pixel_belongs_to_a_letter_that_is_told() {
    let Some(font) = font() else { return };
    let pages = Pages::open(report(&font)).unwrap();
    assert_eq!(pages.len(), 1);
    let mut page = pages.page(0, 150.0).unwrap();
    let text: String = page
        .heard
        .letters
        .iter()
        .map(|letter| letter.text.as_str())
        .collect();
    for line in LINES {
        assert!(text.replace(' ', "").contains(&line.replace(' ', "")));
    }
    let dark = |pixels: &[u8]| {
        let darks = pixels.as_chunks::<3>().0.iter();
        darks
            .filter(|pixel| pixel.iter().all(|&sample| sample < 128))
            .count()
    };
    let before = dark(page.picture.pixels());
    assert!(before > 500, "{before}");
    for letter in page.heard.letters {
        page.picture.fill(&letter.corners, [255; 3]);
    }
    assert_eq!(dark(page.picture.pixels()), 0);
}

#[test]
fn a_large_page_is_painted_coarser_and_a_missing_one_is_told() {
    // A page of 200 by 200 inches (ISO 32000-1, annex C: the largest), with nothing on it.
    let pages = Pages::open(bare("0 0 14400 14400")).unwrap();
    let page = pages.page(0, 300.0).unwrap();
    let count = u64::from(page.picture.width()) * u64::from(page.picture.height());
    assert!(
        count <= 41_000_000 && page.dpi < 100.0,
        "{count} {}",
        page.dpi
    );
    assert!(matches!(pages.page(1, 72.0), Err(RenderError::NoPage(1))));
    let tiny = Pages::open(bare("0 0 1 1")).unwrap();
    assert!(tiny.page(0, 72.0).is_ok());
}

#[test]
fn what_a_page_will_take_is_known_before_it_is_painted() {
    let pages = Pages::open(bare("0 0 595 842")).unwrap();
    let page = pages.page(0, 200.0).unwrap();
    let painted = u64::from(page.picture.width()) * u64::from(page.picture.height());
    assert!(painted.abs_diff(pages.pixels(0, 200.0).unwrap()) < 5_000);
    assert!(matches!(pages.pixels(1, 72.0), Err(RenderError::NoPage(1))));
    assert_eq!((pages.largest(), page.heard.largest), (0, 0));
    // A picture of a few bytes that says it is very large: an object, and within the drawing.
    let huge = "/Width 70000 /Height 70000 /ColorSpace/DeviceGray/BitsPerComponent 8";
    let object = format!("<</Subtype/Image{huge}/Length 1>>stream\n0\nendstream");
    let more = bare_with("0 0 200 200", "q 9 0 0 9 0 0 cm /I Do Q", &object);
    assert_eq!(Pages::open(more).unwrap().largest(), 4_900_000_000);
    let drawn = "q 9 0 0 9 0 0 cm BI /W 70000 /H 70000 /CS /G /BPC 8 ID 0 EI Q";
    let within = Pages::open(bare_with("0 0 200 200", drawn, "null")).unwrap();
    assert_eq!(within.largest(), 0);
    assert_eq!(within.hear(0, 200.0).unwrap().largest, 4_900_000_000);
}

#[test]
fn what_is_no_pdf_is_refused() {
    assert!(Pages::open(b"no PDF".to_vec()).is_err());
    assert!(Pages::open(Vec::new()).is_err());
}

#[test]
fn mutated_files_are_painted_or_refused() {
    let whole = bare("0 0 200 100");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x15;
        if let Ok(pages) = Pages::open(bytes) {
            let _ = pages.page(0, 72.0);
        }
        let _ = Pages::open(whole[..at].to_vec()).map(|pages| pages.page(0, 72.0).is_ok());
    }
}

/// A document of one page with a word in a font that every viewer has.
fn bare(media_box: &str) -> Vec<u8> {
    bare_with(media_box, "BT /F 20 Tf 20 40 Td (Form) Tj ET", "null")
}

/// A document of one page that draws `content`; its picture `/I` is the object `picture`.
fn bare_with(media_box: &str, content: &str, picture: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>"
        ),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        picture.to_owned(),
    ];
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj{object}endobj\n", index + 1).into_bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).into_bytes());
    for place in &places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let size = places.len() + 1;
    out.extend(
        format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").into_bytes(),
    );
    out
}
