//! Runs of text become rows of a table.
//!
//! A table in a PDF is only letters at places. Runs that touch on a line are one piece; pieces that
//! lie above one another are a column; and a row ends where the drawing order returns to a column
//! that was passed, since programs draw tables row by row and cell by cell, a cell's lines together.
//! Where the order is another, each line is a row. Titles and rows of column names that stand on every
//! page are kept once.

use std::collections::HashMap;

use super::content::Run;

/// Columns that are told apart.
const COLUMNS: usize = 256;

/// A run or several that touch.
#[derive(Debug, Clone)]
struct Piece {
    text: String,
    left: f32,
    right: f32,
    y: f32,
    size: f32,
}

/// Joins runs that touch on a line.
fn pieces(runs: &[Run]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for run in runs {
        let size = run.size.max(1.0);
        if let Some(last) = pieces.last_mut()
            && (last.y - run.y).abs() < 0.2 * size
        {
            let gap = run.left - last.right;
            if (-0.5 * size..0.45 * size).contains(&gap) {
                let spaced = last.text.ends_with(' ') || run.text.starts_with(' ');
                if gap > 0.15 * size && !spaced {
                    last.text.push(' ');
                }
                last.text.push_str(&run.text);
                last.right = last.right.max(run.right);
                continue;
            }
        }
        pieces.push(Piece {
            text: run.text.clone(),
            left: run.left,
            right: run.right,
            y: run.y,
            size,
        });
    }
    pieces.retain(|piece| !piece.text.trim().is_empty());
    pieces
}

/// The text of a page, line after line, pieces of a line parted by tabs.
pub(super) fn plain(runs: &[Run]) -> String {
    let mut text = String::new();
    let mut before: Option<f32> = None;
    for piece in pieces(runs) {
        match before {
            Some(y) if (y - piece.y).abs() < 0.3 * piece.size => text.push('\t'),
            Some(_) => text.push('\n'),
            None => {}
        }
        text.push_str(piece.text.trim());
        before = Some(piece.y);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A column: where it lies and how many pieces it has.
#[derive(Debug, Clone, Copy)]
struct Column {
    left: f32,
    right: f32,
    count: usize,
}

impl Column {
    fn overlap(&self, piece: &Piece) -> f32 {
        self.right.min(piece.right) - self.left.max(piece.left)
    }
}

/// The columns of a document's pieces, from the left.
fn columns(pages: &[Vec<Piece>]) -> Vec<Column> {
    let all: Vec<&Piece> = pages.iter().flatten().collect();
    // First what stands under one another by an edge or the middle, as cells do; titles and feet later.
    let aligned = aligned(&all);
    let mut order: Vec<(bool, f32, &Piece)> = all
        .into_iter()
        .zip(aligned)
        .map(|(piece, aligned)| (!aligned, piece.right - piece.left, piece))
        .collect();
    order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut columns: Vec<Column> = Vec::new();
    let mut across: Vec<&Piece> = Vec::new();
    for (.., piece) in order {
        let full = columns.len() >= COLUMNS;
        let mut met = columns
            .iter_mut()
            .filter(|column| column.overlap(piece) > 0.5);
        match (met.next(), met.next()) {
            (Some(column), None) => {
                column.left = column.left.min(piece.left);
                column.right = column.right.max(piece.right);
                column.count += 1;
            }
            (None, _) if !full => columns.push(Column {
                left: piece.left,
                right: piece.right,
                count: 1,
            }),
            (None, _) => {}
            // A title across columns, or a long cell over what looked like two: told apart by their number.
            (Some(_), Some(_)) => across.push(piece),
        }
    }
    columns.sort_by(|a, b| a.left.total_cmp(&b.left));
    merged(columns, &across)
}

/// Whether each piece shares its left edge, right edge or middle with many others.
fn aligned(pieces: &[&Piece]) -> Vec<bool> {
    let edges = |piece: &Piece| {
        [
            piece.left,
            piece.right,
            f32::midpoint(piece.left, piece.right),
        ]
    };
    let mut shared: HashMap<(usize, i32), usize> = HashMap::new();
    for piece in pieces {
        for (which, edge) in edges(piece).into_iter().enumerate() {
            *shared.entry((which, whole(edge))).or_default() += 1;
        }
    }
    let most = shared.values().copied().max().unwrap_or(0);
    let many = (most / 8).max(2);
    let is = |piece: &&Piece| {
        let mut edges = edges(piece).into_iter().enumerate();
        edges.any(|(which, edge)| {
            let count = shared.get(&(which, whole(edge)));
            count.is_some_and(|count| *count >= many)
        })
    };
    pieces.iter().map(is).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "places on a page")]
fn whole(place: f32) -> i32 {
    place.clamp(-1e6, 1e6).round() as i32
}

/// Makes one of neighbours that many pieces reach across.
fn merged(columns: Vec<Column>, across: &[&Piece]) -> Vec<Column> {
    let mut bridges = vec![0_usize; columns.len()];
    for piece in across {
        for (at, pair) in columns.windows(2).enumerate() {
            if pair.iter().all(|column| column.overlap(piece) > 0.5) {
                bridges[at] += 1;
            }
        }
    }
    let mut merged: Vec<Column> = Vec::new();
    for (at, column) in columns.into_iter().enumerate() {
        let bridge = at.checked_sub(1).and_then(|at| bridges.get(at)).copied();
        if let (Some(last), Some(bridge)) = (merged.last_mut(), bridge) {
            let fewer = last.count.min(column.count);
            if bridge > 0 && bridge * 5 >= fewer && (bridge > 1 || fewer == 1) {
                last.right = last.right.max(column.right);
                last.count += column.count + bridge;
                continue;
            }
        }
        merged.push(column);
    }
    merged
}

/// The column a piece belongs to: the one it shares most with, else the nearest.
fn column_of(columns: &[Column], piece: &Piece) -> usize {
    let best = columns.iter().enumerate().max_by(|(_, a), (_, b)| {
        // Without any overlap these are negative distances.
        a.overlap(piece).total_cmp(&b.overlap(piece))
    });
    best.map_or(0, |(at, _)| at)
}

/// The rows of a document's pages.
pub(super) fn rows(pages: &[Vec<Run>]) -> Vec<Vec<String>> {
    let pages: Vec<Vec<Piece>> = pages.iter().map(|runs| pieces(runs)).collect();
    let columns = columns(&pages);
    let pages: Vec<Vec<Vec<String>>> = pages
        .iter()
        .map(|pieces| page_rows(&columns, pieces))
        .collect();
    without_furniture(pages)
}

fn page_rows(columns: &[Column], pieces: &[Piece]) -> Vec<Vec<String>> {
    let placed: Vec<(usize, &Piece)> = pieces
        .iter()
        .map(|piece| (column_of(columns, piece), piece))
        .collect();
    if row_by_row(&placed) {
        return drawn_rows(columns.len(), &placed);
    }
    let mut lines = placed;
    lines.sort_by(|(_, a), (_, b)| b.y.total_cmp(&a.y));
    let mut rows: Vec<(f32, Vec<String>)> = Vec::new();
    for (column, piece) in lines {
        let near = |(y, _): &&mut (f32, Vec<String>)| (*y - piece.y).abs() < 0.5 * piece.size;
        match rows.last_mut().filter(|row| near(row)) {
            Some((_, cells)) => put(cells, column, &piece.text),
            None => {
                let mut cells = vec![String::new(); columns.len()];
                put(&mut cells, column, &piece.text);
                rows.push((piece.y, cells));
            }
        }
    }
    rows.into_iter().map(|(_, cells)| cells).collect()
}

/// Whether the pieces come row by row: hardly ever up by more than a line or two of a cell.
fn row_by_row(placed: &[(usize, &Piece)]) -> bool {
    let (mut up, mut along) = (0_usize, 0_usize);
    for pair in placed.windows(2) {
        let [(before, last), (now, piece)] = pair else {
            continue;
        };
        up += usize::from(piece.y > last.y + 6.0 * piece.size);
        along += usize::from(now > before);
    }
    // Column by column goes along once for each column only.
    up * 20 <= placed.len() && (along * 8 >= placed.len() || placed.iter().all(|(at, _)| *at == 0))
}

fn drawn_rows(width: usize, placed: &[(usize, &Piece)]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut before: Option<(usize, f32)> = None;
    let mut lowest = f32::MAX;
    for (column, piece) in placed {
        let new = match before {
            None => true,
            Some((last, y)) => {
                let wrapped = y - piece.y < 1.9 * piece.size && y >= piece.y;
                *column < last
                    || (*column == last && (width == 1 || !wrapped))
                    || (*column > last && piece.y < lowest - 0.7 * piece.size)
            }
        };
        if new {
            rows.push(vec![String::new(); width]);
            lowest = piece.y;
        }
        lowest = lowest.min(piece.y);
        if let Some(cells) = rows.last_mut() {
            put(cells, *column, &piece.text);
        }
        before = Some((*column, piece.y));
    }
    rows
}

/// Adds a line to a cell: lines of Chinese join without, words with a space between.
fn put(cells: &mut [String], column: usize, text: &str) {
    let Some(cell) = cells.get_mut(column) else {
        return;
    };
    let word = |character: Option<char>| character.is_some_and(|c| c.is_ascii_alphabetic());
    if word(cell.chars().next_back()) && word(text.trim().chars().next()) {
        cell.push(' ');
    }
    cell.push_str(text.trim());
}

/// Rows near the edges of a page that stand on most pages alike: titles, names of columns, page numbers.
fn without_furniture(pages: Vec<Vec<Vec<String>>>) -> Vec<Vec<String>> {
    let sign = |cells: &Vec<String>| {
        let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
        let joined = cells.join("\t");
        // The number of a page counts up; numbers in a row of a table are told apart by themselves.
        match filled * 2 <= cells.len() {
            true => joined.replace(|c: char| c.is_ascii_digit(), "#"),
            false => joined,
        }
    };
    let edge = |at: usize, count: usize| at < 4 || at + 2 >= count;
    let mut seen: HashMap<String, usize> = HashMap::new();
    for rows in &pages {
        let mut here: Vec<String> = Vec::new();
        for (at, cells) in rows.iter().enumerate() {
            let sign = sign(cells);
            if edge(at, rows.len()) && !here.contains(&sign) {
                here.push(sign);
            }
        }
        for sign in here {
            *seen.entry(sign).or_default() += 1;
        }
    }
    let usual = (pages.len() / 2 + 1).max(2);
    let mut kept = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for rows in pages {
        let count = rows.len();
        for (at, cells) in rows.into_iter().enumerate() {
            let sign = sign(&cells);
            if edge(at, count) && seen.get(&sign).is_some_and(|seen| *seen >= usual) {
                if known.contains(&sign) {
                    continue;
                }
                known.push(sign);
            }
            kept.push(cells);
        }
    }
    kept
}
