//! A workbook whose parts hold any bytes, so that the fuzzer need not learn to zip.
#![no_main]

use std::io::{Cursor, Write as _};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use liuhen_document::TableSource as _;
use liuhen_reading::{Limits, open};
use zip::write::SimpleFileOptions;

#[derive(Debug, Arbitrary)]
struct Book<'a> {
    sheet: &'a [u8],
    strings: Option<&'a [u8]>,
    workbook: Option<&'a [u8]>,
    styles: Option<&'a [u8]>,
}

const TYPES: &[u8] = br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const RELS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &[u8] = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>"#;
const BOOK_RELS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="r3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;

fn zipped(book: &Book<'_>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", Some(TYPES)),
        ("_rels/.rels", Some(RELS)),
        ("xl/workbook.xml", Some(book.workbook.unwrap_or(BOOK))),
        ("xl/_rels/workbook.xml.rels", Some(BOOK_RELS)),
        ("xl/worksheets/sheet1.xml", Some(book.sheet)),
        ("xl/sharedStrings.xml", book.strings),
        ("xl/styles.xml", book.styles),
    ];
    for (name, bytes) in parts {
        if let Some(bytes) = bytes {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fuzz_target!(|book: Book<'_>| {
    let limits = Limits { max_cell_bytes: 512, max_columns: 64, ..Limits::default() };
    let Ok(mut table) = open(Cursor::new(zipped(&book)), "fuzz.xlsx", &limits) else { return };
    while let Some(row) = table.next_row() {
        if let Ok(row) = row {
            assert!(row.cells.len() <= 64 && row.cells.iter().all(|cell| cell.as_str().len() <= 512));
        }
        let (done, total) = table.progress();
        assert!(done <= total, "{done} of {total}");
    }
});
