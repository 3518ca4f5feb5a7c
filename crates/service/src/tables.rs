//! Tables that leave: CSV and XLSX, safe to open in a spreadsheet.
//!
//! Rule: a cell that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return; OWASP, CSV injection) is written in CSV with a leading apostrophe.
//! Values that are only a number, such as `+8613…` or `-3.5`, are left as they are: they are no formula, and an apostrophe would change them.
//! In XLSX every cell is written as text, which spreadsheets never evaluate and never shorten to fifteen digits.

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
    Xlsx,
}

impl TableFormat {
    /// From the words of a request.
    pub(crate) fn parse(format: &str, encoding: &str) -> Result<Self> {
        match (format, encoding) {
            ("xlsx", _) => Ok(Self::Xlsx),
            ("csv", "" | "utf-8" | "utf8") => Ok(Self::CsvUtf8),
            ("csv", "gbk" | "gb18030") => Ok(Self::CsvGb18030),
            _ => Err(ServiceError::Invalid(
                "an export is csv (utf-8 or gbk) or xlsx".to_owned(),
            )),
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            _ => "csv",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
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
        TableFormat::CsvUtf8 => write_csv(out, encoding_rs::UTF_8, header, rows),
        TableFormat::CsvGb18030 => write_csv(out, encoding_rs::GB18030, header, rows),
    }
}

fn write_csv<W: Write>(
    mut out: W,
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
    use super::*;

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
    fn refuses_unknown_formats() {
        assert!(TableFormat::parse("pdf", "").is_err());
        assert!(TableFormat::parse("csv", "latin-1").is_err());
    }
}
