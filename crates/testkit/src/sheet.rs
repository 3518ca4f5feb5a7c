//! A table in memory, and the bytes it becomes.
//!
//! Rules: RFC 4180 for CSV; the WHATWG encodings for GBK and GB18030; ISO/IEC 29500 for XLSX.
//! Written apart from `reading` and from the exports of `service`, so that an error there is not
//! repeated here.

use std::io::Cursor;

use encoding_rs::{GB18030, GBK};
use rust_xlsxwriter::Workbook;

/// A header and rows of cells; every cell is text.
#[derive(Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<String>>,
}

impl std::fmt::Debug for Sheet {
    /// Shape only: a sheet may hold an export of the program under test.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sheet({} rows of {:?})", self.rows.len(), self.header)
    }
}

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 after a byte-order mark, as spreadsheets write it.
    Utf8Bom,
    /// UTF-16, little end first, after a byte-order mark.
    Utf16Le,
    /// UTF-16, big end first, after a byte-order mark.
    Utf16Be,
    /// GBK, as older Chinese programs write it; what it lacks becomes a numeric reference.
    Gbk,
    /// GB18030, which holds all of Unicode.
    Gb18030,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 6] = [
        Self::Utf8,
        Self::Utf8Bom,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Gbk,
        Self::Gb18030,
    ];

    /// The bytes of a whole file: the byte-order mark, where the encoding has one, then the text.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u8> {
        [self.mark(), &self.bare(text)].concat()
    }

    /// The byte-order mark, or nothing.
    #[must_use]
    pub fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 | Self::Gbk | Self::Gb18030 => b"",
            Self::Utf8Bom => b"\xef\xbb\xbf",
            Self::Utf16Le => b"\xff\xfe",
            Self::Utf16Be => b"\xfe\xff",
        }
    }

    /// Bytes that decode to nothing in this encoding: a byte that never occurs, or half a pair.
    #[must_use]
    pub fn undecodable(self) -> &'static [u8] {
        match self {
            Self::Utf8 | Self::Utf8Bom | Self::Gbk | Self::Gb18030 => b"\xff",
            Self::Utf16Le => b"\x00\xd8",
            Self::Utf16Be => b"\xd8\x00",
        }
    }

    fn bare(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 | Self::Utf8Bom => text.as_bytes().to_vec(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Gbk => GBK.encode(text).0.into_owned(),
            Self::Gb18030 => GB18030.encode(text).0.into_owned(),
        }
    }
}

/// How a sheet is written as delimited text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Encoding of the whole file.
    pub encoding: Encoding,
    /// One ASCII character between cells: `,`, tab or `;`.
    pub delimiter: u8,
    /// Whether lines end with CR LF rather than LF.
    pub crlf: bool,
    /// Whether every cell is quoted, not only those that must be.
    pub quoted: bool,
}

impl Form {
    /// Comma, CR LF, quotes where needed.
    #[must_use]
    pub const fn csv(encoding: Encoding) -> Self {
        Self {
            encoding,
            delimiter: b',',
            crlf: true,
            quoted: false,
        }
    }

    /// Tab, LF, quotes where needed.
    #[must_use]
    pub const fn tsv(encoding: Encoding) -> Self {
        Self {
            encoding,
            delimiter: b'\t',
            crlf: false,
            quoted: false,
        }
    }

    /// One line of a file, without a byte-order mark.
    #[must_use]
    pub fn line(self, cells: &[String]) -> Vec<u8> {
        let mut text = String::new();
        push_line(&mut text, cells, self);
        self.encoding.bare(&text)
    }
}

impl Sheet {
    /// Reads back what a program exported as CSV, with its header.
    ///
    /// # Panics
    ///
    /// When it is not CSV with rows of one width.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]
    pub fn parse(text: &str) -> Self {
        let mut lines = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let cells = |row: &csv::StringRecord| row.iter().map(ToOwned::to_owned).collect();
        let header = cells(lines.headers().unwrap());
        let rows = lines.records().map(|row| cells(&row.unwrap())).collect();
        Self::new(header, rows)
    }

    /// A sheet of these columns and rows.
    ///
    /// # Panics
    ///
    /// When a row has another width than the header.
    #[must_use]
    pub fn new(header: Vec<String>, rows: Vec<Vec<String>>) -> Self {
        assert!(
            rows.iter().all(|row| row.len() == header.len()),
            "rows as wide as their header"
        );
        Self { header, rows }
    }

    /// Index of a column.
    ///
    /// # Panics
    ///
    /// When no column has that name.
    #[must_use]
    pub fn column(&self, name: &str) -> usize {
        let found = self.header.iter().position(|header| header == name);
        found.unwrap_or_else(|| panic!("no column {name:?} among {:?}", self.header))
    }

    /// The bytes of a CSV or TSV file.
    #[must_use]
    pub fn delimited(&self, form: Form) -> Vec<u8> {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            push_line(&mut text, row, form);
        }
        form.encoding.encode(&text)
    }

    /// The bytes of an XLSX file: one sheet, every cell a text.
    ///
    /// # Panics
    ///
    /// When a cell holds more than 32,767 characters, which the format forbids.
    #[must_use]
    pub fn xlsx(&self) -> Vec<u8> {
        let mut book = Workbook::new();
        let page = book.add_worksheet();
        for (row, cells) in (0u32..).zip(std::iter::once(&self.header).chain(&self.rows)) {
            for (column, cell) in (0u16..).zip(cells) {
                page.write_string(row, column, cell)
                    .expect("the cell fits the format");
            }
        }
        book.save_to_buffer()
            .expect("a workbook in memory is written")
    }

    /// Reads delimited UTF-8, with or without a byte-order mark: the form in which exports leave.
    ///
    /// # Panics
    ///
    /// When the bytes are no such table.
    #[must_use]
    pub fn from_csv(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::Reader::from_reader(Cursor::new(bytes));
        let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let header = cells(reader.headers().expect("a header in UTF-8"));
        let rows = reader
            .records()
            .map(|row| cells(&row.expect("a row in UTF-8")))
            .collect();
        Self { header, rows }
    }

    /// Reads the first sheet of an XLSX file, its first row as header.
    ///
    /// # Panics
    ///
    /// When the bytes are no such file.
    #[must_use]
    pub fn from_xlsx(bytes: &[u8]) -> Self {
        use calamine::{Data, Reader as _, Xlsx};
        let mut book = Xlsx::new(Cursor::new(bytes)).expect("an XLSX file");
        let page = book
            .worksheet_range_at(0)
            .expect("a sheet")
            .expect("a readable sheet");
        let text = |cell: &Data| cell.to_string();
        let mut rows = page.rows().map(|row| row.iter().map(text).collect());
        Self {
            header: rows.next().unwrap_or_default(),
            rows: rows.collect(),
        }
    }
}

fn push_line(text: &mut String, cells: &[String], form: Form) {
    let delimiter = char::from(form.delimiter);
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(delimiter);
        }
        let special = |c: char| c == delimiter || matches!(c, '"' | '\n' | '\r');
        if form.quoted || cell.contains(special) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push_str(if form.crlf { "\r\n" } else { "\n" });
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Cells that need care: quotes, separators, line ends, Han characters, nothing.
    pub(crate) fn sample() -> Sheet {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        Sheet::new(
            row(["姓名", "手机", "备注"]),
            vec![
                row(["张三", "1", "a,b"]),
                row(["李四", "2", "\"引\"\n行"]),
                row(["", "3", "\t;"]),
            ],
        )
    }

    #[test]
    fn csv_comes_back() {
        for quoted in [false, true] {
            for encoding in [Encoding::Utf8, Encoding::Utf8Bom] {
                let form = Form {
                    quoted,
                    ..Form::csv(encoding)
                };
                assert_eq!(
                    Sheet::from_csv(&sample().delimited(form)),
                    sample(),
                    "{form:?}"
                );
            }
        }
    }

    #[test]
    fn xlsx_comes_back() {
        assert_eq!(Sheet::from_xlsx(&sample().xlsx()), sample());
    }

    #[test]
    fn bytes_of_each_encoding() {
        let rows: [(Encoding, &[u8]); 6] = [
            (Encoding::Utf8, &[0xe5, 0xbc, 0xa0]),
            (Encoding::Utf8Bom, &[0xef, 0xbb, 0xbf, 0xe5, 0xbc, 0xa0]),
            (Encoding::Utf16Le, &[0xff, 0xfe, 0x20, 0x5f]),
            (Encoding::Utf16Be, &[0xfe, 0xff, 0x5f, 0x20]),
            (Encoding::Gbk, &[0xd5, 0xc5]),
            (Encoding::Gb18030, &[0xd5, 0xc5]),
        ];
        for (encoding, expected) in rows {
            assert_eq!(encoding.encode("张"), expected, "{encoding:?}");
        }
    }

    #[test]
    fn debug_shows_no_cell() {
        let shown = format!("{:?}", sample());
        assert!(
            shown.contains("3 rows") && !shown.contains("张三"),
            "{shown}"
        );
    }
}
