//! Tables that leave: CSV, TSV and XLSX, safe to open in a spreadsheet, JSON Lines and Parquet for programs; PDF is `pages`'s.
//!
//! Rule: a cell that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return; OWASP, CSV injection) is written in CSV and TSV with a leading apostrophe.
//! Values that are only a number, such as `+8613…` or `-3.5`, are left as they are: they are no formula, and an apostrophe would change them.
//! In XLSX every cell is written as text, which spreadsheets never evaluate and never shorten to fifteen digits.
//! JSON Lines is an object a line with every value a string, in the order of the columns; a column without a value in a row is an empty string, and missing in Parquet.

mod parquet;

use std::io::Write;

use encoding_rs::Encoding;
use rust_xlsxwriter::Workbook;
use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};

/// The file format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TableFormat {
    CsvUtf8,
    CsvGb18030,
    Tsv,
    JsonLines,
    Parquet,
    Xlsx,
    /// Made page by page ([`crate::pages`]).
    Pdf,
}

impl TableFormat {
    /// From the words of a request.
    pub(crate) fn parse(format: &str, encoding: &str) -> Result<Self> {
        match (format, encoding) {
            ("xlsx", _) => Ok(Self::Xlsx),
            ("parquet", "" | "utf-8" | "utf8") => Ok(Self::Parquet),
            ("pdf", _) => Ok(Self::Pdf),
            ("csv", "" | "utf-8" | "utf8") => Ok(Self::CsvUtf8),
            ("csv", "gbk" | "gb18030") => Ok(Self::CsvGb18030),
            ("tsv", "" | "utf-8" | "utf8") => Ok(Self::Tsv),
            ("jsonl", "" | "utf-8" | "utf8") => Ok(Self::JsonLines),
            _ => Err(ServiceError::Invalid(
                "an export is csv (utf-8 or gbk), tsv, jsonl, parquet, xlsx or pdf".to_owned(),
            )),
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::CsvUtf8 | Self::CsvGb18030 => "csv",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pdf => "application/pdf",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
            Self::JsonLines => "application/jsonl",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::CsvUtf8 => "text/csv; charset=utf-8",
            Self::CsvGb18030 => "text/csv; charset=gb18030",
        }
    }
}

/// Writes a table row by row.
pub(crate) fn write_table<W: Write + Send>(
    out: W,
    format: TableFormat,
    header: &[String],
    rows: impl Iterator<Item = Result<Vec<String>>>,
) -> Result<()> {
    match format {
        TableFormat::Xlsx => write_xlsx(out, header, rows),
        TableFormat::CsvUtf8 => write_delimited(out, b',', encoding_rs::UTF_8, header, rows),
        TableFormat::Tsv => write_delimited(out, b'\t', encoding_rs::UTF_8, header, rows),
        TableFormat::CsvGb18030 => write_delimited(out, b',', encoding_rs::GB18030, header, rows),
        TableFormat::JsonLines => write_json_lines(out, header, rows),
        TableFormat::Parquet => parquet::write(out, header, rows),
        TableFormat::Pdf => Err(ServiceError::Invalid(
            "a PDF is made page by page".to_owned(),
        )),
    }
}

fn write_json_lines<W: Write>(
    mut out: W,
    header: &[String],
    rows: impl Iterator<Item = Result<Vec<String>>>,
) -> Result<()> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let names: Vec<String> = distinct(header).iter().map(|name| quoted(name)).collect();
    for row in rows {
        let cells = names.iter().zip(row?);
        let pairs: Vec<String> = cells
            .map(|(name, cell)| format!("{name}:{}", quoted(&cell)))
            .collect();
        writeln!(out, "{{{}}}", pairs.join(",")).map_err(ServiceError::io("write the table"))?;
    }
    out.flush().map_err(ServiceError::io("write the table"))
}

/// Names, those that stood before with a number: an object or a schema holds a key once.
fn distinct(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for name in header {
        let numbered = (2..).map(|n| format!("{name} {n}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

fn write_delimited<W: Write>(
    mut out: W,
    delimiter: u8,
    encoding: &'static Encoding,
    header: &[String],
    rows: impl Iterator<Item = Result<Vec<String>>>,
) -> Result<()> {
    if encoding == encoding_rs::UTF_8 {
        // Without the mark, Excel on Windows takes UTF-8 for the system's code page.
        out.write_all(b"\xEF\xBB\xBF")
            .map_err(ServiceError::io("write the table"))?;
    }
    let mut emit = |cells: &[String]| -> Result<()> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let written = writer.write_record(cells.iter().map(|cell| no_formula(cell).into_owned()));
        written.map_err(|error| ServiceError::Io {
            what: "write the table",
            source: error.into(),
        })?;
        let line = writer.into_inner().map_err(|error| ServiceError::Io {
            what: "write the table",
            source: error.into_error(),
        })?;
        let text = String::from_utf8_lossy(&line);
        let (bytes, _, _) = encoding.encode(&text);
        out.write_all(&bytes)
            .map_err(ServiceError::io("write the table"))
    };
    emit(header)?;
    for row in rows {
        emit(&row?)?;
    }
    out.flush().map_err(ServiceError::io("write the table"))
}

fn write_xlsx<W: Write + Send>(
    mut out: W,
    header: &[String],
    rows: impl Iterator<Item = Result<Vec<String>>>,
) -> Result<()> {
    let failed = |error: rust_xlsxwriter::XlsxError| ServiceError::Io {
        what: "write the workbook",
        source: std::io::Error::other(error),
    };
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let first = std::iter::once(Ok(header.to_vec()));
    for (number, row) in (0u32..).zip(first.chain(rows)) {
        for (column, cell) in (0u16..).zip(row?) {
            if !cell.is_empty() {
                sheet.write_string(number, column, cell).map_err(failed)?;
            }
        }
    }
    let bytes = book.save_to_buffer().map_err(failed)?;
    out.write_all(&bytes)
        .map_err(ServiceError::io("write the workbook"))?;
    out.flush().map_err(ServiceError::io("write the workbook"))
}

/// A cell that no spreadsheet takes for a formula.
pub(crate) fn no_formula(cell: &str) -> std::borrow::Cow<'_, str> {
    let dangerous = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if dangerous && !is_number(cell) {
        return format!("'{cell}").into();
    }
    cell.into()
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    !digits.is_empty()
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' '))
        && digits.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use liuhen_document::TableSource;
    use liuhen_fingerprint::code::{CodeKey, ExportKey};
    use liuhen_fingerprint::evalue::Epsilon;
    use liuhen_fingerprint::table::{Cell, mark_row, observe_row};
    use liuhen_fingerprint::trace::{Candidate, Leak, trace};

    use super::*;

    /// Every format that a table is written in.
    const FORMATS: [(&str, &str); 6] = [
        ("csv", ""),
        ("csv", "gbk"),
        ("tsv", ""),
        ("jsonl", ""),
        ("parquet", ""),
        ("xlsx", ""),
    ];

    #[test]
    fn formulas_are_disarmed_and_numbers_left_alone() {
        let rows = [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("@SUM(1)", "'@SUM(1)"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("+8615412345678", "+8615412345678"),
            ("-3.5", "-3.5"),
            ("-", "'-"),
            ("北京市", "北京市"),
            ("", ""),
        ];
        for (cell, expected) in rows {
            assert_eq!(no_formula(cell), expected);
        }
    }

    #[test]
    fn csv_in_gb18030() {
        let mut out = Vec::new();
        let rows = vec![Ok(vec!["王小明".to_owned(), "a,b".to_owned()])];
        write_table(
            &mut out,
            TableFormat::CsvGb18030,
            &["姓名".to_owned(), "x".to_owned()],
            rows.into_iter(),
        )
        .unwrap();
        let (text, _, broken) = encoding_rs::GB18030.decode(&out);
        assert!(!broken);
        assert_eq!(text, "姓名,x\r\n王小明,\"a,b\"\r\n");
    }

    #[test]
    fn every_format_is_read_back() {
        let header = ["姓名", "地址", "x"].map(str::to_owned);
        let rows = [
            ["王小明", "某路1号\t\"甲\"座", "a,b"],
            ["李\n四", "", "{\"n\":1}"],
            ["x", "y", "\\"],
        ]
        .map(|row| row.map(str::to_owned).to_vec());
        for (format, encoding) in FORMATS {
            let mut out = Vec::new();
            let kind = TableFormat::parse(format, encoding).unwrap();
            let given = rows.clone().into_iter().map(Ok);
            write_table(&mut out, kind, &header, given).unwrap();
            let name = format!("a.{}", kind.extension());
            let source = std::io::Cursor::new(out);
            let limits = liuhen_reading::Limits::default();
            let mut table = liuhen_reading::open(source, &name, &limits).unwrap();
            // A program may keep the keys of an object in another order.
            let place = |name: &String| table.header().0.iter().position(|other| other == name);
            let places: Vec<usize> = header.iter().map(|name| place(name).unwrap()).collect();
            let read: Vec<Vec<String>> = std::iter::from_fn(|| table.next_row())
                .map(|row| {
                    let row = row.unwrap();
                    let cell = |at: &usize| row.cell(*at).to_owned();
                    places.iter().map(cell).collect()
                })
                .collect();
            assert_eq!(read, rows, "{format} {encoding}");
        }
    }

    /// Row `at` of a table: an address, a time, a coordinate.
    fn stored(at: u64) -> [String; 3] {
        [
            format!(
                "浙江省杭州市西湖区文三路{}号{}栋{}单元{}01室",
                at % 90 + 1,
                at % 20 + 1,
                at % 9 + 1,
                at % 30 + 1
            ),
            format!("2026-05-07 13:{:02}:{:02}", at % 60, at % 57 + 1),
            format!("120.{:06}", 123_451 + at * 7),
        ]
    }

    #[test]
    fn a_marked_table_leads_back_in_every_format() {
        let code = CodeKey::from_secret([1; 32]);
        let exports: Vec<ExportKey> = (0..40).map(|r| ExportKey::from_secret([r; 32])).collect();
        let header = ["住址", "下单时间", "经度"].map(str::to_owned);
        let kinds = ["address", "", "gps"];
        let cells = |row: &'_ [String; 3]| -> Vec<(String, &'static str, String)> {
            let named = header.iter().cloned().zip(kinds);
            named
                .zip(row.clone())
                .map(|((column, kind), value)| (column, kind, value))
                .collect()
        };
        for (format, encoding) in FORMATS {
            let kind = TableFormat::parse(format, encoding).unwrap();
            let rows = (0..150_u64).map(|at| {
                let owned = cells(&stored(at));
                let row: Vec<Cell<'_>> = owned
                    .iter()
                    .map(|(column, kind, canonical)| Cell {
                        column,
                        kind,
                        canonical,
                    })
                    .collect();
                let marked = mark_row(&code, &exports[7], &at.to_be_bytes(), &row);
                Ok(marked
                    .values
                    .iter()
                    .map(|value| value.as_str().to_owned())
                    .collect())
            });
            let mut file = Vec::new();
            write_table(&mut file, kind, &header, rows).unwrap();
            let limits = liuhen_reading::Limits::default();
            let source = std::io::Cursor::new(file);
            let mut table = liuhen_reading::open(source, kind.extension(), &limits).unwrap();
            let place: Vec<usize> = header
                .iter()
                .map(|name| {
                    table
                        .header()
                        .0
                        .iter()
                        .position(|other| other == name)
                        .unwrap()
                })
                .collect();
            let mut leak = Leak::new();
            for at in 0..150_u64 {
                let read = table.next_row().unwrap().unwrap();
                let owned = cells(&stored(at));
                let seen = owned
                    .iter()
                    .zip(&place)
                    .map(|((column, kind, canonical), at)| {
                        (
                            Cell {
                                column,
                                kind,
                                canonical,
                            },
                            read.cell(*at),
                        )
                    });
                for (slot, form) in observe_row(&code, &at.to_be_bytes(), &seen.collect::<Vec<_>>())
                {
                    leak.mark(slot, form);
                }
            }
            let copies: Vec<Candidate<'_>> = exports.iter().map(Candidate::whole).collect();
            let traced = trace(&leak, &copies, Epsilon::DEFAULT).unwrap();
            let accused: Vec<usize> = traced.accused().iter().map(|copy| copy.copy).collect();
            assert_eq!(accused, [7], "{format} {encoding}");
            assert_eq!(leak.marks_seen(), 720, "{format} {encoding}");
        }
    }

    #[test]
    fn names_that_stand_twice_are_numbered() {
        let names = ["a", "b", "a", "a"].map(str::to_owned);
        assert_eq!(distinct(&names), ["a", "b", "a 2", "a 3"]);
    }

    #[test]
    fn refuses_unknown_formats() {
        assert!(TableFormat::parse("doc", "").is_err());
        assert!(TableFormat::parse("tsv", "gbk").is_err());
        assert!(TableFormat::parse("csv", "latin-1").is_err());
    }
}
