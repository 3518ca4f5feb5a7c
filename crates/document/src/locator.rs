//! Where something stands.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// A place in a document, as exactly as it is known.
///
/// Printed as `file / inside / sheet, row 3, column 2, bytes 10..21`, leaving out what is
/// not known, with control characters of any name escaped. Holds no value, only places; a file
/// name may itself name a person, and is shown to whoever gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Locator {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The way inside, outermost first: entries of archives, attachments of messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// The sheet of a workbook, the table of a database, the slide or chapter of a document.
    pub sheet: Option<String>,
    /// The row within its sheet, from 1, the header included.
    pub row: Option<u64>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// Bytes of the decoded text, half open.
    pub bytes: Option<(u64, u64)>,
}

impl Locator {
    /// A whole file.
    #[must_use]
    pub fn file(name: impl Into<String>) -> Locator {
        Locator {
            file: name.into(),
            ..Locator::default()
        }
    }

    /// The same place, one step further inside: an entry of an archive, an attachment.
    #[must_use]
    pub fn inside(mut self, entry: impl Into<String>) -> Locator {
        self.inside.push(entry.into());
        self
    }

    /// The same place, narrowed to a sheet, table, slide or chapter.
    #[must_use]
    pub fn in_sheet(mut self, sheet: impl Into<String>) -> Locator {
        self.sheet = Some(sheet.into());
        self
    }

    /// The same place, narrowed to a row.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Locator {
        self.row = Some(row);
        self
    }

    /// The same place, narrowed to a column, from 1.
    #[must_use]
    pub fn at_column(mut self, column: u32) -> Locator {
        self.column = Some(column);
        self
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        plainly(f, &self.file)?;
        for name in self.inside.iter().chain(&self.sheet) {
            f.write_str(" / ")?;
            plainly(f, name)?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some((start, end)) = self.bytes {
            write!(f, ", bytes {start}..{end}")?;
        }
        Ok(())
    }
}

/// Writes a name so that it neither steers a terminal nor reads in another order than it is written.
fn plainly(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let turns = |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    for c in name.chars() {
        match c {
            c if c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}') => {
                write!(f, "{}", c.escape_default())?;
            }
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_known() {
        let whole = Locator::file("a.csv");
        assert_eq!(whole.to_string(), "a.csv");
        assert_eq!(
            whole.clone().at_row(7).at_column(2).to_string(),
            "a.csv, row 7, column 2"
        );
        let sheet = Locator {
            sheet: Some("名单".into()),
            bytes: Some((3, 9)),
            ..whole
        };
        assert_eq!(sheet.to_string(), "a.csv / 名单, bytes 3..9");
    }

    #[test]
    fn leads_into_what_is_packed() {
        let inner = Locator::file("a.zip").inside("名单/b.xlsx");
        assert_eq!(inner.to_string(), "a.zip / 名单/b.xlsx");
        let cell = inner.in_sheet("Sheet1").at_row(3);
        assert_eq!(cell.to_string(), "a.zip / 名单/b.xlsx / Sheet1, row 3");
        let nasty = Locator::file("a.zip").inside("x\u{1b}[2J\n\u{202e}gpj.exe");
        assert_eq!(nasty.to_string(), "a.zip / x\\u{1b}[2J\\n\\u{202e}gpj.exe");
    }
}
