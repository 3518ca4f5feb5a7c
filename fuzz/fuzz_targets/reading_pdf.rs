//! Any bytes as a PDF, or as the parts of one, so that the fuzzer need not learn to write tables of
//! objects; a seed lies under `crates/reading/tests/data`.
#![no_main]

use std::io::Cursor;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use liuhen_document::TableSource as _;
use liuhen_reading::{Limits, Pdf, PdfPicture, open};

#[derive(Debug, Arbitrary)]
enum File<'a> {
    Raw(&'a [u8]),
    Made {
        /// What the page draws.
        content: &'a [u8],
        /// Entries of the font and of the picture, beside those that make them such.
        font: &'a [u8],
        picture: &'a [u8],
        cmap: &'a [u8],
        pixels: &'a [u8],
        /// Objects of any sort, from number 9 on.
        more: &'a [u8],
    },
}

fn stream(file: &mut Vec<u8>, number: u32, entries: &[u8], bytes: &[u8]) {
    file.extend_from_slice(format!("{number} 0 obj<</Length {}", bytes.len()).as_bytes());
    file.extend_from_slice(entries);
    file.extend_from_slice(b">>stream\n");
    file.extend_from_slice(bytes);
    file.extend_from_slice(b"\nendstream endobj\n");
}

fn bytes(file: &File<'_>) -> Vec<u8> {
    match file {
        File::Raw(bytes) => bytes.to_vec(),
        File::Made { content, font, picture, cmap, pixels, more } => {
            let mut file = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
                2 0 obj<</Kids[3 0 R 3 0 R]/Count 2>>endobj\n\
                3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</I 7 0 R>>>>>>endobj\n"
                .to_vec();
            stream(&mut file, 4, b"", content);
            file.extend_from_slice(b"5 0 obj<</Type/Font/BaseFont/A/ToUnicode 6 0 R");
            file.extend_from_slice(font);
            file.extend_from_slice(b">>endobj\n");
            stream(&mut file, 6, b"", cmap);
            let entries = [b"/Subtype/Image/Width 64/Height 64", *picture].concat();
            stream(&mut file, 7, &entries, pixels);
            file.extend_from_slice(more);
            file.extend_from_slice(b"\ntrailer<</Root 1 0 R>>");
            file
        }
    }
}

fuzz_target!(|file: File<'_>| {
    let bytes = bytes(&file);
    let limits = Limits {
        max_cell_bytes: 512,
        max_columns: 64,
        max_unpacked_bytes: 1 << 20,
        ..Limits::default()
    };
    if let Ok(mut pdf) = Pdf::open(Cursor::new(&bytes), &limits) {
        for page in 0..pdf.pages().min(4) {
            let (once, again) = (pdf.text(page), pdf.text(page));
            if let (Ok(once), Ok(again)) = (once, again) {
                assert_eq!(once, again, "a page is read alike");
            }
            for picture in pdf.pictures(page).unwrap_or_default() {
                if let PdfPicture::Rgb { width, height, pixels } = picture {
                    assert_eq!(pixels.len(), width as usize * height as usize * 3);
                }
            }
        }
        assert!(pdf.text(pdf.pages()).is_ok_and(|text| text.is_empty()));
    }
    let Ok(mut table) = open(Cursor::new(bytes), "fuzz.pdf", &limits) else { return };
    while let Some(row) = table.next_row() {
        if let Ok(row) = row {
            assert!(row.cells.len() <= 64 && row.cells.iter().all(|cell| cell.as_str().len() <= 512));
        }
        let (done, total) = table.progress();
        assert!(done <= total, "{done} of {total}");
    }
});
