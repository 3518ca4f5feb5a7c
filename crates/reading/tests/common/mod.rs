//! Workbooks and tables made by hand for the tests of this folder.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its file has failed"
)]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Cursor, Write};

use liuhen_document::{Row, RowProblem, TableSource};
use liuhen_reading::{Limits, ReadError, Table, open};
use zip::write::SimpleFileOptions;

pub(crate) fn open_bytes(bytes: &[u8], name: &str) -> Result<Table, ReadError> {
    open(Cursor::new(bytes.to_vec()), name, &Limits::default())
}

/// All rows and problems of a table, in order.
pub(crate) fn drain(table: &mut Table) -> Vec<Result<Row, RowProblem>> {
    std::iter::from_fn(|| table.next_row()).collect()
}

/// The cells of a row, as text.
pub(crate) fn cells(row: &Row) -> Vec<&str> {
    row.cells.iter().map(|cell| cell.as_str()).collect()
}

/// An archive of these entries.
pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_level(Some(9));
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) const PACKAGE_RELS: &str = r#"<?xml version="1.0"?><Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
pub(crate) const WORKBOOK: &str = r#"<workbook xmlns:r="r"><sheets><sheet name="名单" sheetId="1" r:id="rId1"/><sheet name="旧" sheetId="2" state="hidden" r:id="rId2"/></sheets></workbook>"#;
pub(crate) const WORKBOOK_RELS: &str = r#"<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/worksheet" Target="/xl/worksheets/sheet2.xml"/><Relationship Id="rId3" Type="x/styles" Target="styles.xml"/><Relationship Id="rId4" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
pub(crate) const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/><numFmt numFmtId="165" formatCode="000000"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"#;
pub(crate) const STRINGS: &str = r#"<sst uniqueCount="3"><si><t>姓名</t></si><si><r><t>某</t></r><r><t>甲 &amp; 乙</t></r><rPh><t>mou</t></rPh></si><si><t xml:space="preserve"> a_x000D_b&#10;c </t></si></sst>"#;

/// A sheet part holding these rows.
pub(crate) fn sheet(rows: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><worksheet><dimension ref="A1"/><sheetData>{rows}</sheetData></worksheet>"#
    )
}

/// A row of cells with inline strings.
pub(crate) fn inline_row(number: usize, cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .map(|text| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#))
        .collect();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

/// A whole workbook around a first sheet's rows.
pub(crate) fn workbook(rows: &str) -> Vec<u8> {
    workbook_of(sheet(rows).as_bytes(), STRINGS.as_bytes())
}

pub(crate) fn workbook_of(first_sheet: &[u8], strings: &[u8]) -> Vec<u8> {
    let second = sheet(&[inline_row(1, &["旧表头", "二"]), inline_row(2, &["x", "y"])].concat());
    archive(&[
        ("_rels/.rels", PACKAGE_RELS.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", first_sheet),
        ("xl/worksheets/sheet2.xml", second.as_bytes()),
    ])
}
