//! `--csv`: a row for every finding, safe to open in a spreadsheet.
//!
//! Rule: RFC 4180; a cell that a spreadsheet would take for a formula begins with an apostrophe
//! (OWASP, CSV injection), since a file may be named to be one.

use std::io::{self, Write};
use std::time::Duration;

use liuhen_service::scan::{Finding, Summary};

use super::Report;
use super::words::{Labels, level_name};

/// The report.
pub(super) struct Comma<'p> {
    pub(super) labels: Labels<'p>,
}

const HEADER: [&str; 15] = [
    "path",
    "locator",
    "kind",
    "label",
    "level",
    "confidence",
    "byte_start",
    "byte_end",
    "char_start",
    "char_end",
    "utf16_start",
    "utf16_end",
    "person",
    "evidence",
    "masked",
];

impl Report for Comma<'_> {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // Without the mark, Excel on Windows takes UTF-8 for the system's code page.
        out.write_all(b"\xEF\xBB\xBF")?;
        row(out, HEADER.into_iter().map(str::to_owned))
    }

    fn finding(&mut self, out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()> {
        let kind = finding.kind();
        let span = finding.span;
        let cells = [
            path.to_owned(),
            finding.site.to_string(),
            kind.name().to_owned(),
            self.labels.of(kind).to_owned(),
            level_name(finding.level).to_owned(),
            finding.confidence().to_string(),
            span.bytes.0.to_string(),
            span.bytes.1.to_string(),
            span.chars.0.to_string(),
            span.chars.1.to_string(),
            span.utf16.0.to_string(),
            span.utf16.1.to_string(),
            finding
                .person()
                .map(|person| person.to_string())
                .unwrap_or_default(),
            finding.reasons().collect::<Vec<_>>().join(" "),
            finding.masked.as_deref().unwrap_or_default().to_owned(),
        ];
        row(out, cells.into_iter())
    }

    fn end(&mut self, _out: &mut dyn Write, _summary: &Summary, _took: Duration) -> io::Result<()> {
        Ok(())
    }
}

fn row(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let cells: Vec<String> = cells.map(|text| cell(&text)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text != "-";
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_no_formulas() {
        let rows = [
            ("a.csv", "a.csv"),
            ("=cmd()", "'=cmd()"),
            ("a,\"b\".csv", "\"a,\"\"b\"\".csv\""),
            ("-", "-"),
            ("-x", "'-x"),
        ];
        for (text, expected) in rows {
            assert_eq!(cell(text), expected);
        }
    }
}
