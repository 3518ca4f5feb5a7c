//! Delimited text: rows that were changed are written anew, all others stay byte for byte.

use liuhen_reading::{Charset, Delimiter, Limits, Piece, PlacedRows, TextStream};

use crate::draft::{AHEAD_TEXT, Draft, LeafId, Part};
use crate::redactor::Job;
use crate::text::Decoded;
use crate::{Dropped, Refusal};

/// Something between two ends of lines.
enum Line {
    /// A row: where it stands, its cells and how it ends.
    Row {
        start: usize,
        end: usize,
        cells: Vec<LeafId>,
    },
    /// What could not be split.
    Text {
        start: usize,
        end: usize,
        leaf: LeafId,
    },
}

/// Delimited text.
pub(crate) fn redact(
    bytes: &[u8],
    delimiter: Delimiter,
    job: &mut Job<'_, '_>,
) -> Result<Vec<u8>, Refusal> {
    let decoded = Decoded::of(bytes, None);
    job.drop(Dropped::Malformed, decoded.malformed);
    let text = table(&decoded.text, delimiter, job, &|text| decoded.fits(text))?;
    decoded.encode(&text)
}

fn table(
    text: &str,
    delimiter: Delimiter,
    job: &mut Job<'_, '_>,
    fits: &dyn Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let stated = stated(text).unwrap_or(delimiter);
    let mut draft = Draft::default();
    let lines = lines(text, delimiter, &mut draft)?;
    job.settle(&mut draft, fits)?;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for line in &lines {
        let (Line::Row { start, end, .. } | Line::Text { start, end, .. }) = *line;
        out.push_str(text.get(at..start).unwrap_or_default());
        let raw = text.get(start..end).unwrap_or_default();
        match line {
            Line::Row { cells, .. } if cells.iter().any(|cell| draft.is_changed(*cell)) => {
                for (n, cell) in cells.iter().enumerate() {
                    if n > 0 {
                        out.push_str(stated.as_str());
                    }
                    quoted(&draft.get(*cell), stated, &mut out);
                }
                out.push_str(
                    raw.get(raw.trim_end_matches(['\r', '\n']).len()..)
                        .unwrap_or_default(),
                );
            }
            Line::Text { leaf, .. } => out.push_str(&draft.get(*leaf)),
            Line::Row { .. } => out.push_str(raw),
        }
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// Rows and what is none, as leaves; the table, and each stretch of other text, is a block.
fn lines(text: &str, delimiter: Delimiter, draft: &mut Draft) -> Result<Vec<Line>, Refusal> {
    let stream = TextStream::new(text.as_bytes(), Some(Charset::UTF_8));
    let damaged = |_| Refusal::Damaged("rows");
    let mut placed = PlacedRows::new(stream, delimiter, &Limits::default()).map_err(damaged)?;
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    // A byte order mark that is text already was passed over once more.
    let skipped = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    let byte =
        |place: liuhen_reading::Place| usize::try_from(place.bytes).unwrap_or(usize::MAX) + skipped;
    while let Some(piece) = placed.next().map_err(damaged)? {
        match piece {
            Piece::Row(row) => {
                let start = byte(row.place());
                let end = start + row.raw().len();
                let cells: Vec<LeafId> = row
                    .row
                    .cells
                    .iter()
                    .map(|cell| draft.leaf(cell.as_str()))
                    .collect();
                rows.push(cells.iter().map(|cell| vec![Part::Leaf(*cell)]).collect());
                lines.push(Line::Row { start, end, cells });
            }
            Piece::Text { text, place, .. } => {
                let start = byte(place);
                let leaf = draft.leaf(text);
                let end = start + text.len();
                lines.push(Line::Text { start, end, leaf });
            }
        }
    }
    draft.table(rows, AHEAD_TEXT);
    let mut parts: Vec<Part> = Vec::new();
    let mut last = 0;
    for line in &lines {
        if let Line::Text { start, end, leaf } = line {
            if *start != last {
                draft.text(std::mem::take(&mut parts));
            }
            parts.push(Part::Leaf(*leaf));
            last = *end;
        }
    }
    draft.text(parts);
    Ok(lines)
}

/// The delimiter that a first line `sep=;` states.
fn stated(text: &str) -> Option<Delimiter> {
    let line = text.lines().next()?;
    let key = line.get(..4)?;
    let sign = line.get(4..)?;
    key.eq_ignore_ascii_case("sep=").then(|| {
        Delimiter::ALL
            .into_iter()
            .find(|known| known.as_str() == sign)
    })?
}

/// A cell, in quotes where it needs them (RFC 4180, section 2).
fn quoted(cell: &str, delimiter: Delimiter, out: &mut String) {
    let needs = cell.contains(['"', '\r', '\n']) || cell.contains(delimiter.as_str());
    if !needs {
        return out.push_str(cell);
    }
    out.push('"');
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}
