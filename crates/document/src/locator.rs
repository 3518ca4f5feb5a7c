//! Where something stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a document, as exactly as it is known.
///
/// Printed as `file / sheet, row 3, column 2, bytes 10..21`, leaving out what is
/// not known. Holds no value, only places; a file name may itself name a person,
/// and is shown to whoever gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Locator {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The sheet of a workbook.
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
        f.write_str(&self.file)?;
        if let Some(sheet) = &self.sheet {
            write!(f, " / {sheet}")?;
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
}
