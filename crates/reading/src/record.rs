//! Records of delimited text: one record out of a buffer of bytes.
//!
//! Rule: RFC 4180, read as leniently as spreadsheets read it: CR, LF and CRLF end a record;
//! a quote opens a field only at its first byte; what follows a closing quote is taken as it is.
//! The `csv` crate is the oracle of the tests. This is not that crate because three things are
//! needed that it does not give: a record never grows past a bound, a quote that is never closed
//! costs one line and not the rest of the file, and a blank line counts as a row.

use memchr::{memchr, memchr2, memchr3};

/// The characters that separate cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delimiter {
    /// `,`
    Comma,
    /// Horizontal tabulation.
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Pipe,
    /// `，`, U+FF0C, typed by hand under a Chinese input method.
    FullWidthComma,
}

impl Delimiter {
    /// Every delimiter, likeliest first.
    pub const ALL: [Self; 5] = [
        Self::Comma,
        Self::Tab,
        Self::Semicolon,
        Self::Pipe,
        Self::FullWidthComma,
    ];

    /// The delimiter as it stands in the text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Tab => "\t",
            Self::Semicolon => ";",
            Self::Pipe => "|",
            Self::FullWidthComma => "，",
        }
    }
}

/// Bounds that a record is split under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) columns: usize,
    pub(crate) cell: usize,
}

/// One record: the bytes of its cells, unquoted, and where each ends.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<usize>,
    /// The first cell longer than the bound; its bytes are left out.
    pub(crate) long_cell: Option<usize>,
    /// There were more cells than the bound; those past it are left out.
    pub(crate) too_wide: bool,
}

impl Record {
    /// The cells in order.
    #[cfg(test)]
    fn cells(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
            .collect()
    }

    /// Whether this is a blank line.
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.is_empty() && self.ends.len() <= 1 && self.long_cell.is_none()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.long_cell = None;
        self.too_wide = false;
    }

    fn append(&mut self, piece: &[u8], bounds: Bounds) {
        if self.too_wide || self.long_cell == Some(self.ends.len()) {
            return;
        }
        let start = self.ends.last().copied().unwrap_or(0);
        if self.bytes.len() - start + piece.len() > bounds.cell {
            self.bytes.truncate(start);
            self.long_cell.get_or_insert(self.ends.len());
            return;
        }
        self.bytes.extend_from_slice(piece);
    }

    fn close_cell(&mut self, bounds: Bounds) {
        if self.ends.len() == bounds.columns {
            self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
            self.too_wide = true;
        } else {
            self.ends.push(self.bytes.len());
        }
    }
}

/// What came of splitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// A record lies in the first `usize` bytes, its line end included.
    Record(usize),
    /// The bytes end before the record does.
    More {
        /// Inside quotes.
        quoted: bool,
    },
}

/// Takes one record off the front of `data`.
///
/// `last` says that nothing follows `data`: then an unquoted record also ends where the bytes end.
pub(crate) fn split(
    data: &[u8],
    last: bool,
    delimiter: Delimiter,
    bounds: Bounds,
    record: &mut Record,
) -> Split {
    record.clear();
    let mut at = 0;
    loop {
        if data.get(at) == Some(&b'"') {
            match quoted(data, at + 1, last, bounds, record) {
                Some(next) => at = next,
                None => return Split::More { quoted: true },
            }
        }
        match plain(data, at, last, delimiter, bounds, record) {
            Stop::Cell(next) => {
                record.close_cell(bounds);
                at = next;
            }
            Stop::Record(next) => {
                record.close_cell(bounds);
                return Split::Record(next);
            }
            Stop::More => return Split::More { quoted: false },
        }
    }
}

/// Takes the quoted part of a cell that begins at `at`; answers where the quotes have closed.
fn quoted(
    data: &[u8],
    mut at: usize,
    last: bool,
    bounds: Bounds,
    record: &mut Record,
) -> Option<usize> {
    loop {
        let quote = at + memchr(b'"', &data[at..])?;
        record.append(&data[at..quote], bounds);
        match data.get(quote + 1) {
            Some(b'"') => {
                record.append(b"\"", bounds);
                at = quote + 2;
            }
            None if !last => return None,
            _ => return Some(quote + 1),
        }
    }
}

/// Where an unquoted run stopped.
enum Stop {
    Cell(usize),
    Record(usize),
    More,
}

/// Takes the unquoted bytes from `at` up to a delimiter or a line end.
fn plain(
    data: &[u8],
    at: usize,
    last: bool,
    delimiter: Delimiter,
    bounds: Bounds,
    record: &mut Record,
) -> Stop {
    let mark = delimiter.as_str().as_bytes();
    let mut from = at;
    loop {
        let Some(found) = memchr3(mark[0], b'\n', b'\r', &data[from..]) else {
            if last {
                record.append(&data[at..], bounds);
                return Stop::Record(data.len());
            }
            return Stop::More;
        };
        let stop = from + found;
        match data[stop] {
            b'\n' => {
                record.append(&data[at..stop], bounds);
                return Stop::Record(stop + 1);
            }
            b'\r' => {
                let next = data.get(stop + 1);
                if next.is_none() && !last {
                    return Stop::More;
                }
                record.append(&data[at..stop], bounds);
                return Stop::Record(stop + 1 + usize::from(next == Some(&b'\n')));
            }
            _ if data[stop..].starts_with(mark) => {
                record.append(&data[at..stop], bounds);
                return Stop::Cell(stop + mark.len());
            }
            // The first byte of `，` also begins other full-width characters.
            _ if data.len() - stop < mark.len() && !last => return Stop::More,
            _ => from = stop + 1,
        }
    }
}

/// The end of the physical line that `data` begins with, its line end included, or nothing
/// when no line ends here.
pub(crate) fn line_end(data: &[u8]) -> Option<usize> {
    let stop = memchr2(b'\n', b'\r', data)?;
    let crlf = data[stop] == b'\r' && data.get(stop + 1) == Some(&b'\n');
    Some(stop + 1 + usize::from(crlf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIDE: Bounds = Bounds {
        columns: 64,
        cell: 1 << 16,
    };

    fn all(data: &[u8], delimiter: Delimiter) -> Vec<Vec<Vec<u8>>> {
        let (mut rest, mut record, mut rows) = (data, Record::default(), Vec::new());
        while !rest.is_empty() {
            match split(rest, true, delimiter, WIDE, &mut record) {
                Split::Record(n) => rest = &rest[n..],
                Split::More { .. } => break,
            }
            if !record.is_blank() {
                rows.push(record.cells().iter().map(|cell| cell.to_vec()).collect());
            }
        }
        rows
    }

    #[test]
    fn cells_of_a_record() {
        let rows: [(&str, &str, Delimiter, &[&str]); 12] = [
            ("plain", "a,b,c\n", Delimiter::Comma, &["a", "b", "c"]),
            ("no line end", "a,b", Delimiter::Comma, &["a", "b"]),
            ("carriage return", "a,b\rc", Delimiter::Comma, &["a", "b"]),
            ("both", "a,b\r\nc", Delimiter::Comma, &["a", "b"]),
            ("trailing delimiter", "a,\n", Delimiter::Comma, &["a", ""]),
            (
                "quoted delimiter",
                "\"a,b\",c\n",
                Delimiter::Comma,
                &["a,b", "c"],
            ),
            (
                "quoted line end",
                "\"a\r\nb\",c\n",
                Delimiter::Comma,
                &["a\r\nb", "c"],
            ),
            ("doubled quote", "\"a\"\"b\"\n", Delimiter::Comma, &["a\"b"]),
            ("quote inside", "a\"b,c\n", Delimiter::Comma, &["a\"b", "c"]),
            (
                "text after quotes",
                "\"a\"b,c\n",
                Delimiter::Comma,
                &["ab", "c"],
            ),
            ("tab", "a\tb\n", Delimiter::Tab, &["a", "b"]),
            (
                "full width",
                "甲，乙！，丙\n",
                Delimiter::FullWidthComma,
                &["甲", "乙！", "丙"],
            ),
        ];
        for (name, text, delimiter, expected) in rows {
            let mut record = Record::default();
            let came = split(text.as_bytes(), true, delimiter, WIDE, &mut record);
            assert!(matches!(came, Split::Record(_)), "{name}");
            let expected: Vec<&[u8]> = expected.iter().map(|cell| cell.as_bytes()).collect();
            assert_eq!(record.cells(), expected, "{name}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let bounds = Bounds {
            columns: 3,
            cell: 4,
        };
        let mut record = Record::default();
        let text = b"a,b,c,d,e\n";
        assert_eq!(
            split(text, true, Delimiter::Comma, bounds, &mut record),
            Split::Record(10)
        );
        assert!(record.too_wide && record.ends.len() == 3);
        split(
            b"ok,\"12345\",ok\n",
            true,
            Delimiter::Comma,
            bounds,
            &mut record,
        );
        assert_eq!(record.long_cell, Some(1));
        assert_eq!(record.bytes, b"okok");
    }

    proptest! {
        #[test]
        fn agrees_with_the_csv_crate(text in "([abc,;\"\r\n]|甲){0,60}") {
            let data = text.as_bytes();
            let mut oracle = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).from_reader(data);
            let theirs: Vec<Vec<Vec<u8>>> = oracle.byte_records()
                .map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
            let ours = all(data, Delimiter::Comma);
            // A quote left open at the end is a fault to us and a cell to them,
            // and `""` alone on a line is blank to us.
            let closed = ours.len() == theirs.len();
            if closed {
                prop_assert_eq!(ours, theirs);
            } else {
                let theirs: Vec<_> = theirs.into_iter()
                    .filter(|row| row.len() > 1 || !row[0].is_empty()).collect();
                prop_assert!(theirs.starts_with(&ours) && theirs.len() <= ours.len() + 1);
            }
        }

        #[test]
        fn a_cut_never_changes_a_record(text in "([ab,\"\r\n]|，){0,40}", cut in 0usize..40) {
            let data = text.as_bytes();
            let cut = cut.min(data.len());
            let (mut part, mut whole) = (Record::default(), Record::default());
            for delimiter in [Delimiter::Comma, Delimiter::FullWidthComma] {
                let first = split(&data[..cut], false, delimiter, WIDE, &mut part);
                let second = split(data, true, delimiter, WIDE, &mut whole);
                if matches!(first, Split::Record(_)) {
                    prop_assert_eq!(first, second);
                    prop_assert_eq!(part.cells(), whole.cells());
                }
            }
        }
    }
}
