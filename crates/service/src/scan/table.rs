//! Tables: rows of delimited text, and the sheets of workbooks.
//!
//! Rows above the data, the header among them, are looked at as running text: a title line may
//! name a person, and a first row that was taken for a header may be data.

use std::io::{self, Read};

use liuhen_detect::columns::{guess, looks_like_header};
use liuhen_detect::{Detector, Hit, RowScanner};
use liuhen_document::{Header, Row, TableSource as _, Text};
use liuhen_reading::{
    self as reading, Delimiter, HeaderChoice, Limits, Piece, PlacedRow, PlacedRows, ReadError,
    SheetChoice, Source, Table, TextStream,
};

use super::HeaderRow;
use super::file::{Stretch, between};
use super::finding::Site;
use super::notes::Reason;
use super::sink::Sink;

/// Rows by which columns are judged.
const SAMPLE: usize = 1000;

/// Strings that a workbook's cells share may take this much memory, for every worker.
const SHARED_STRINGS: usize = 96 << 20;

/// Whether the rows that `head` begins with stand under names of columns that we know.
pub(crate) fn names_columns(head: &[u8], delimiter: Delimiter) -> bool {
    let stream = TextStream::new(head, None);
    let Ok(rows) = PlacedRows::new(stream, delimiter, &Limits::default()) else {
        return false;
    };
    let ahead = rows.peek(SAMPLE);
    let Some((first, rest)) = ahead.split_first() else {
        return false;
    };
    let header = names(first);
    let known = || {
        guess(&header, &[])
            .iter()
            .any(|column| column.kind.is_some())
    };
    looks_like_header(&header, rest) && known()
}

/// The words of a row.
pub(crate) fn names(row: &Row) -> Header {
    let word = |cell: &Text| cell.as_str().trim().to_owned();
    Header(row.cells.iter().map(word).collect())
}

/// The row that names the columns, among the first rows; rows above it are titles.
pub(crate) fn header_of(ahead: &[Row], choice: HeaderRow) -> Option<usize> {
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_blank()).count();
    // A server says which names its columns have: they stand in a row of no number.
    if ahead.first().is_some_and(|row| row.number == 0) {
        return Some(0);
    }
    match choice {
        HeaderRow::None => None,
        HeaderRow::First => ahead.iter().position(|row| filled(row) > 0),
        HeaderRow::Auto => {
            let mut widths: Vec<usize> = ahead.iter().take(64).map(filled).collect();
            widths.sort_unstable();
            let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
            let at = ahead
                .iter()
                .position(|row| filled(row) * 2 >= usual && filled(row) > 0)?;
            looks_like_header(&names(&ahead[at]), &ahead[at + 1..]).then_some(at)
        }
    }
}

/// Delimited text, row by row.
pub(super) fn delimited(
    source: impl Read,
    delimiter: Delimiter,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let stream = TextStream::new(source, None);
    let mut rows = PlacedRows::new(stream, delimiter, &Limits::default())
        .map_err(|error| Reason::from(&error))?;
    let ahead = rows.peek(SAMPLE);
    let at = header_of(&ahead, sink.request().header);
    let (above, header) = match at.and_then(|at| ahead.get(at)) {
        Some(row) => (row.number, names(row)),
        None => (0, Header::default()),
    };
    let sample = &ahead[at.map_or(0, |at| at + 1)..];
    let mut scanner = RowScanner::new(detector, &header, sample);
    drop(ahead);
    let mut stretch = None;
    let mut hits = Vec::new();
    let end = loop {
        match rows.next() {
            Ok(Some(Piece::Row(row))) if row.row.number > above => {
                row_of_text(row, &mut scanner, &mut hits, sink);
            }
            Ok(Some(Piece::Row(row))) => {
                let mut text = Stretch::at(row.place(), detector);
                text.push(row.raw(), sink);
                text.finish(sink);
            }
            Ok(Some(Piece::Text { text, place, more })) => {
                stretch
                    .get_or_insert_with(|| Stretch::at(place, detector))
                    .push(text, sink);
                if let Some(whole) = stretch.take_if(|_| !more) {
                    whole.finish(sink);
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(Reason::from(&error)),
        }
        if sink.over {
            break Ok(());
        }
    };
    sink.read(rows.taken(), rows.malformed());
    end
}

/// One row; `hits` is empty before and after.
fn row_of_text(
    mut row: PlacedRow<'_>,
    scanner: &mut RowScanner<'_>,
    hits: &mut Vec<(usize, Hit, Text)>,
    sink: &mut Sink<'_>,
) {
    sink.watched(row.raw(), false);
    scanner.scan(&row.row, &mut |column, found| {
        hits.push((column, *found.hit, Text::from(found.text)));
    });
    for (column, hit, text) in hits.drain(..) {
        // A cell is far shorter than what a usize counts, on any machine.
        let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) = hit.span.bytes;
        let here = row.place();
        let placed = row.locate(column, byte(start), byte(end));
        let (from, to) = placed.unwrap_or((here, here));
        let site = Site::Row {
            row: row.row.number,
            cell: column + 1,
            line: from.line,
            column: from.column,
        };
        sink.found(site, between(from, to), &hit, text.as_str(), row.raw());
    }
}

/// Every sheet of a workbook, hidden ones included; `source` opens it anew.
pub(super) fn workbook(
    source: &dyn Fn() -> io::Result<Box<dyn Source>>,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let limits = Limits {
        max_shared_strings_bytes: SHARED_STRINGS,
        ..Limits::default()
    };
    let mut first = 0;
    let mut table = loop {
        let options = reading::Options {
            sheet: SheetChoice::Index(first),
            ..reading::Options::default()
        };
        let source = source().map_err(|error| Reason::from(&error))?;
        // A name is only for messages of the reader, which are not shown here.
        match reading::open_with(source, "", &limits, &options) {
            Ok(table) => break table,
            Err(ReadError::Empty) => first += 1,
            Err(ReadError::NoSuchSheet) if first > 0 => return Ok(()),
            Err(error) => return Err(Reason::from(&error)),
        }
    };
    let (_, length) = table.progress();
    let names: Vec<String> = table
        .sheets()
        .iter()
        .map(|sheet| sheet.name.clone())
        .collect();
    for (number, name) in (1..).zip(&names) {
        detector.hits(name, |found| {
            let site = Site::SheetName { sheet: number };
            sink.found(site, found.hit.span, found.hit, found.text, "");
        });
        match table.choose_sheet(&SheetChoice::Index(number - 1)) {
            Ok(()) => sheet(&mut table, number, detector, sink),
            Err(ReadError::Empty) => {}
            Err(error) => sink.note(Reason::from(&error)),
        }
    }
    sink.read(length, 0);
    Ok(())
}

/// One sheet of a workbook, or another table that is no text.
pub(super) fn sheet(table: &mut Table, number: usize, detector: &Detector, sink: &mut Sink<'_>) {
    let ahead = table.peek(64);
    let at = header_of(&ahead, sink.request().header);
    let choice = at
        .and_then(|at| ahead.get(at))
        .map_or(HeaderChoice::None, |row| HeaderChoice::Row(row.number));
    // The row was just seen, and nothing was taken yet.
    if table.choose_header(choice).is_err() {
        return sink.note(Reason::Rows(1));
    }
    for row in ahead.iter().filter(|row| row.number <= table.header_row()) {
        for (column, cell) in (1..).zip(&row.cells) {
            detector.hits(cell.as_str(), |found| {
                let site = Site::Cell {
                    sheet: number,
                    row: row.number,
                    column,
                };
                sink.found(site, found.hit.span, found.hit, found.text, "");
            });
        }
    }
    let header = match at {
        Some(_) => table.header().clone(),
        None => Header::default(),
    };
    let sample = &ahead[at.map_or(0, |at| at + 1)..];
    let mut scanner = RowScanner::new(detector, &header, sample);
    let mut bad = 0;
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => cells(&row, number, &mut scanner, sink),
            Err(_) => bad += 1,
        }
        if sink.over {
            return;
        }
    }
    if bad > 0 {
        sink.note(Reason::Rows(bad));
    }
    if let Some(failure) = table.failure() {
        sink.note(Reason::from(failure));
    }
}

fn cells(row: &Row, sheet: usize, scanner: &mut RowScanner<'_>, sink: &mut Sink<'_>) {
    // Asked once a row, and only when something was found.
    let mut remark: Option<String> = None;
    for cell in &row.cells {
        sink.watched(cell.as_str(), false);
    }
    scanner.scan(row, &mut |column, found| {
        let site = Site::Cell {
            sheet,
            row: row.number,
            column: column + 1,
        };
        let line = remark.get_or_insert_with(|| {
            let said = row
                .cells
                .iter()
                .find(|cell| cell.as_str().contains("liuhen:allow"));
            said.map_or_else(String::new, |cell| cell.as_str().to_owned())
        });
        sink.found(site, found.hit.span, found.hit, found.text, line);
    });
}
