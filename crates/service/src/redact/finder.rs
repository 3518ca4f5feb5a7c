//! What `detect` finds, for `redact`: in texts as a scan reads them, in tables as a scan judges them.

use liuhen_detect::{Detector, Found, RowScanner};
use liuhen_document::{Header, Row};
use liuhen_reading::Delimiter;
use liuhen_redact::{Finder, Spot};

use crate::scan::{HeaderRow, header_of, names, names_columns};

/// The engine of a run.
pub(super) struct Engine(pub(super) Detector);

impl Finder for Engine {
    fn in_text(&self, text: &str) -> Vec<Spot> {
        let mut spots = Vec::new();
        self.0.hits(text, |found| spots.push(spot(&found)));
        spots
    }

    fn in_table(&self, rows: &[Row], ahead: usize) -> Vec<(usize, usize, Spot)> {
        let first = rows.get(..ahead).unwrap_or(rows);
        let at = header_of(first, HeaderRow::Auto);
        let header = at
            .and_then(|at| first.get(at))
            .map_or_else(Header::default, names);
        let body = at.map_or(0, |at| at + 1);
        let mut scanner = RowScanner::new(&self.0, &header, first.get(body..).unwrap_or_default());
        let mut out = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            if number < body {
                self.above(number, row, &mut out);
                continue;
            }
            scanner.scan(row, &mut |column, found| {
                out.push((number, column, spot(&found)))
            });
        }
        out
    }

    fn is_table(&self, text: &str, delimiter: Delimiter) -> bool {
        names_columns(text.as_bytes(), delimiter)
    }
}

impl Engine {
    /// Titles and headers are read as text: cell by cell, and as one line.
    fn above(&self, number: usize, row: &Row, out: &mut Vec<(usize, usize, Spot)>) {
        let mut line = String::new();
        let mut starts = Vec::new();
        for (column, cell) in row.cells.iter().enumerate() {
            self.0.hits(cell.as_str(), |found| {
                out.push((number, column, spot(&found)))
            });
            starts.push(line.len());
            line.push_str(cell.as_str());
            line.push(',');
        }
        self.0.hits(&line, |found| {
            let whole = spot(&found);
            for (column, (start, cell)) in starts.iter().zip(&row.cells).enumerate() {
                let from = whole.start.max(*start);
                let to = whole.end.min(start + cell.len());
                if from < to {
                    let spot = Spot {
                        start: from - start,
                        end: to - start,
                        ..whole
                    };
                    out.push((number, column, spot));
                }
            }
        });
    }
}

fn spot(found: &Found<'_>) -> Spot {
    let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let (start, end) = found.hit.span.bytes;
    Spot {
        kind: found.hit.kind,
        start: byte(start),
        end: byte(end),
        person: found.hit.person,
    }
}
