//! What a reader may be told, and what it answers about a file.

use crate::{Charset, Delimiter};

/// How a file is to be read; the default lets the file itself decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Which row holds the names of the columns.
    pub header: HeaderChoice,
    /// Which sheet of a workbook.
    pub sheet: SheetChoice,
    /// The encoding of a text, where its bytes are known to mislead.
    pub charset: Option<Charset>,
    /// The delimiter of a text, where its rows are known to mislead.
    pub delimiter: Option<Delimiter>,
}

/// Which row holds the names of the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderChoice {
    /// The first row that fills at least half of the table's width: blank lines and the title
    /// lines that exports put above a table are passed over.
    #[default]
    Auto,
    /// The first row that is not blank.
    FirstRow,
    /// No row; columns are named by letters as a spreadsheet does, A to Z, AA and so on.
    None,
    /// This row, counted from 1 with blank rows included.
    Row(u64),
}

/// Which sheet of a workbook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SheetChoice {
    /// The first visible one.
    #[default]
    FirstVisible,
    /// By its place among [`Table::sheets`](crate::Table::sheets), counted from 0.
    Index(usize),
    /// By its name.
    Name(String),
}

/// One sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetInfo {
    /// Its name as shown on the tab.
    pub name: String,
    /// Whether a spreadsheet hides it; what is hidden leaks all the same.
    pub hidden: bool,
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Delimited text: CSV, TSV and their relatives.
    Text {
        /// Its encoding.
        charset: Charset,
        /// Its delimiter.
        delimiter: Delimiter,
    },
    /// A JSON object a line.
    JsonLines {
        /// Its encoding.
        charset: Charset,
    },
    /// An Office Open XML workbook (ECMA-376).
    Xlsx,
    /// A format whose tables come out of [`unpack`](crate::unpack) only, by its name.
    Other(&'static str),
    /// Apache Parquet.
    Parquet,
    /// The letters of a PDF's pages, by rows and columns (ISO 32000).
    Pdf,
}

impl Format {
    /// A name to show: `CSV, gb18030` or `XLSX`.
    pub fn name(self) -> String {
        match self {
            Self::Text {
                charset,
                delimiter: Delimiter::Tab,
            } => format!("TSV, {}", charset.name()),
            Self::Text { charset, .. } => format!("CSV, {}", charset.name()),
            Self::JsonLines { charset } => format!("JSON Lines, {}", charset.name()),
            Self::Xlsx => "XLSX".to_owned(),
            Self::Other(name) => name.to_owned(),
            Self::Parquet => "Parquet".to_owned(),
            Self::Pdf => "PDF".to_owned(),
        }
    }
}
