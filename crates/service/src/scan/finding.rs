//! One finding: a kind, where it stands, how sure we are and why; never the value.

use std::fmt;

use liuhen_detect::{Hit, Reasons};
use liuhen_document::Span;
use liuhen_kinds::{Kind, Lang, Level};

/// Where in a file something stands. Spans count within the text that is named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// In the file's or folder's own name; spans count within the name.
    Name,
    /// In running text; spans count within the decoded file.
    Text {
        /// The line, from 1.
        line: u64,
        /// The character of the line, from 1.
        column: u64,
    },
    /// In a row of delimited text; spans count within the decoded file.
    Row {
        /// The row, from 1, header and blank rows included.
        row: u64,
        /// The cell, from 1.
        cell: usize,
        /// The line that it begins on, from 1.
        line: u64,
        /// The character of that line, from 1.
        column: u64,
    },
    /// In a workbook; spans count within the text of the cell.
    Cell {
        /// The sheet, from 1, hidden ones included. Its name may be a person's and is not told.
        sheet: usize,
        /// The row, from 1.
        row: u64,
        /// The column, from 1.
        column: usize,
    },
    /// In a PDF; spans count within the text of the page.
    Page {
        /// The page, from 1.
        page: usize,
        /// The line of its text, from 1.
        line: u64,
    },
    /// In a picture; spans count within the text read from it, rows from the top.
    Picture {
        /// The page of a PDF that shows it, from 1; 0 for a picture by itself.
        page: usize,
        /// The upright box around it, in pixels of the picture: left, top, width, height.
        area: [u32; 4],
    },
    /// In a frame of a film; spans as in a picture.
    Frame {
        /// Where in the film, in milliseconds.
        at: u64,
        /// The upright box around it, in pixels of the frame: left, top, width, height.
        area: [u32; 4],
    },
    /// Beside the pixels of a picture: in what its file says of place, time, device, owner.
    PictureFile,
    /// In the name of a sheet; spans count within the name.
    SheetName {
        /// The sheet, from 1.
        sheet: usize,
    },
}

impl Site {
    /// Line and character of the decoded file, where it is one text.
    #[must_use]
    pub const fn line(&self) -> Option<(u64, u64)> {
        match *self {
            Self::Text { line, column } | Self::Row { line, column, .. } => Some((line, column)),
            _ => None,
        }
    }

    /// Line and character behind a value of `chars` characters that begins here.
    fn behind(&self, text: &str, chars: u64) -> Option<(u64, u64)> {
        let (line, column) = self.line()?;
        let Some((lines, tail)) = text.rsplit_once('\n') else {
            return Some((line, column + chars));
        };
        // A cell of several lines stands in quotes, and each quote within it was written twice.
        let doubled = match self {
            Self::Row { .. } => tail.matches('"').count(),
            _ => 0,
        };
        let lines = lines.matches('\n').count() as u64 + 1;
        let tail = (tail.chars().count() + doubled) as u64;
        Some((line + lines, tail + 1))
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("file name"),
            Self::Text { line, column } => write!(f, "line {line}, column {column}"),
            Self::Row { row, cell, .. } => write!(f, "row {row}, column {cell}"),
            Self::Cell { sheet, row, column } => {
                write!(f, "sheet {sheet}, row {row}, column {column}")
            }
            Self::Page { page, line } => write!(f, "page {page}, line {line}"),
            Self::Picture {
                page,
                area: [left, top, width, height],
            } => {
                if *page > 0 {
                    write!(f, "page {page}, ")?;
                }
                write!(f, "picture, {width} x {height} at {left}, {top}")
            }
            Self::Frame {
                at,
                area: [left, top, width, height],
            } => {
                let (seconds, tenths) = (at / 1000, at % 1000 / 100);
                let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                write!(f, "at {hours}:{minutes:02}:{seconds:02}.{tenths}, ")?;
                write!(f, "{width} x {height} at {left}, {top}")
            }
            Self::PictureFile => f.write_str("beside the picture"),
            Self::SheetName { sheet } => write!(f, "name of sheet {sheet}"),
        }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Where it stands, for a person.
    pub site: Site,
    /// Where it stands, for a program.
    pub span: Span,
    /// The line, and the character of it, that follow the last character, both from 1; where the
    /// file is one text.
    pub end: Option<(u64, u64)>,
    /// How strongly it is to be protected here.
    pub level: Level,
    /// What may be shown of it, when that was asked for.
    pub masked: Option<Box<str>>,
    hit: Hit,
}

impl Finding {
    /// `text` is what the span covers.
    pub(super) fn new(site: Site, span: Span, hit: &Hit, level: Level, text: &str) -> Self {
        Self {
            site,
            span,
            end: site.behind(text, span.chars.1 - span.chars.0),
            level: raised(hit, level),
            masked: None,
            hit: *hit,
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.hit.kind
    }

    /// How sure we are, 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.hit.confidence
    }

    /// Why, by the stable names of the reasons.
    pub fn reasons(&self) -> impl Iterator<Item = &'static str> {
        self.hit.reasons.iter().map(|(_, code)| code)
    }

    /// Why, in words.
    #[must_use]
    pub fn explained(&self, lang: Lang) -> Vec<String> {
        let evidence = self.hit.evidence();
        evidence.iter().map(|reason| reason.text(lang)).collect()
    }

    /// A number that findings about one person share within a file; none when no person is meant.
    #[must_use]
    pub fn person(&self) -> Option<u64> {
        Some(self.hit.person).filter(|person| *person != 0)
    }
}

/// The level of the kind; one more where the values beside it make it a set that identifies.
fn raised(hit: &Hit, level: Level) -> Level {
    if !hit.reasons.has(Reasons::BUNDLE) {
        return level;
    }
    match level {
        Level::Low => Level::Medium,
        Level::Medium => Level::High,
        Level::High | Level::VeryHigh => Level::VeryHigh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_behind_its_last_character() {
        let text = Site::Text { line: 3, column: 5 };
        let row = Site::Row {
            row: 2,
            cell: 1,
            line: 3,
            column: 5,
        };
        let rows = [
            ("one line", text, "张三", 2, Some((3, 7))),
            ("two lines", text, "张\r\n三丰", 5, Some((4, 3))),
            ("a quote written twice", row, "张\"三", 4, Some((3, 9))),
            (
                "the same on a later line",
                row,
                "甲\n乙\n\"丙",
                7,
                Some((5, 4)),
            ),
            ("no text", Site::Name, "张三", 2, None),
        ];
        for (name, site, text, chars, expected) in rows {
            assert_eq!(site.behind(text, chars), expected, "{name}");
        }
    }
}
