//! Workbooks: every cell of every sheet, hidden ones included, as a table; text stands in the cells
//! of a copy, formulas and shared strings do not.
//!
//! What a cell shows is asked of `reading`, so that dates are dates and a table is judged as a scan
//! judges it. Cells that were not changed keep their numbers.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use liuhen_document::TableSource as _;
use liuhen_reading::{HeaderChoice, Limits, Options, SheetChoice, open_with};

use crate::draft::{AHEAD_SHEET, Cell, Draft, LeafId, Part as Piece};
use crate::package::{Body, Part, Source, Target};
use crate::redactor::Job;
use crate::tree::{Element, Node, Value, local, parse};
use crate::{Dropped, Refusal};

/// Columns that are judged as columns; what stands further right is text.
const COLUMNS: usize = 4096;
/// Cells of all rows up to their last, empty ones included.
const CELLS: usize = 20_000_000;

/// Children of a sheet that are written anew.
const SHEET: [&str; 18] = [
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetProtection",
    "mergeCells",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "drawing",
    "legacyDrawing",
    "picture",
];
/// Children of a workbook that are written anew.
const WORKBOOK: [&str; 3] = ["workbookPr", "bookViews", "sheets"];

/// What is written once the draft is settled.
#[derive(Default)]
pub(super) struct Sheets {
    /// The sheets' names, in order.
    names: Vec<LeafId>,
    cells: BTreeMap<String, Vec<Held>>,
}

/// A cell that holds text, or a number that may become text.
struct Held {
    row: usize,
    cell: usize,
    leaf: LeafId,
    /// Whether it was text before.
    text: bool,
}

/// Puts every sheet into the draft.
pub(super) fn collect(
    bytes: &[u8],
    source: &Source,
    main_name: &str,
    parts: &mut [Part],
    draft: &mut Draft,
    job: &mut Job<'_, '_>,
) -> Result<Sheets, Refusal> {
    let mut sheets = Sheets::default();
    let Some(main) = parts.first_mut() else {
        return Ok(sheets);
    };
    let strings = strings(source, main_name)?;
    let targets: BTreeMap<String, (String, bool)> = main
        .relations
        .iter()
        .filter_map(|relation| match &relation.target {
            Target::Part(name) => Some((
                relation.id.clone(),
                (name.clone(), relation.kind() == "worksheet"),
            )),
            Target::Outside(_) => None,
        })
        .collect();
    let Body::Xml(book) = &mut main.body else {
        return Ok(sheets);
    };
    let names = book
        .elements()
        .find(|it| it.local() == "definedNames")
        .map_or(0, |it| it.elements().count());
    job.drop(Dropped::Names, names as u64);
    book.prune_children(&|child| WORKBOOK.contains(&child.local()));
    let mut order = Vec::new();
    let mut said = Vec::new();
    book.visit(&mut |element| {
        if element.local() != "sheet" {
            return;
        }
        let target = element.get("id").and_then(|id| targets.get(id)).cloned();
        for (name, value) in &mut element.attributes {
            if let (true, Value::Plain(text)) = (local(name) == "name", &*value) {
                let leaf = draft.leaf(text.as_str());
                said.push(Piece::Leaf(leaf));
                said.push(Piece::Fixed("\n".into()));
                sheets.names.push(leaf);
                *value = Value::Leaf(leaf);
            }
        }
        order.extend(target.filter(|(_, sheet)| *sheet).map(|(name, _)| name));
    });
    draft.text(said);
    let mut room = CELLS;
    let bytes: Arc<[u8]> = bytes.into();
    for (number, name) in order.iter().enumerate() {
        let Some(part) = parts.iter_mut().find(|part| part.name == *name) else {
            continue;
        };
        let Body::Xml(tree) = &mut part.body else {
            continue;
        };
        let shown = shown(&bytes, number);
        let held = one(tree, &shown, &strings, &mut room, draft, job)?;
        sheets.cells.insert(name.clone(), held);
    }
    Ok(sheets)
}

/// The strings that cells share.
fn strings(source: &Source, main: &str) -> Result<Vec<String>, Refusal> {
    let relations = source.relations(main)?;
    let found = relations
        .iter()
        .find(|relation| relation.kind() == "sharedStrings");
    let Some(Target::Part(name)) = found.map(|relation| &relation.target) else {
        return Ok(Vec::new());
    };
    let Some(bytes) = source.bytes(name) else {
        return Ok(Vec::new());
    };
    let tree = parse(bytes, "shared strings")?;
    Ok(tree
        .elements()
        .filter(|it| it.local() == "si")
        .map(string)
        .collect())
}

/// The text of a string, without the readings beside it.
fn string(element: &Element) -> String {
    let mut out = String::new();
    for child in element.elements() {
        match child.local() {
            "t" => out.push_str(&child.own_text()),
            "r" => out.push_str(&string(child)),
            _ => {}
        }
    }
    out
}

/// What each cell of a sheet shows, by row and column, as far as it can be read.
fn shown(bytes: &Arc<[u8]>, sheet: usize) -> BTreeMap<u64, Vec<String>> {
    let mut rows = BTreeMap::new();
    let options = Options {
        sheet: SheetChoice::Index(sheet),
        header: HeaderChoice::None,
        ..Options::default()
    };
    // Whatever fails here, the sheet's own text is looked at all the same.
    let Ok(mut table) = open_with(
        Cursor::new(Arc::clone(bytes)),
        "",
        &Limits::default(),
        &options,
    ) else {
        return rows;
    };
    while let Some(row) = table.next_row() {
        if let Ok(row) = row {
            let cells = row
                .cells
                .iter()
                .map(|cell| cell.as_str().to_owned())
                .collect();
            rows.insert(row.number, cells);
        }
    }
    rows
}

fn one(
    tree: &mut Element,
    shown: &BTreeMap<u64, Vec<String>>,
    strings: &[String],
    room: &mut usize,
    draft: &mut Draft,
    job: &mut Job<'_, '_>,
) -> Result<Vec<Held>, Refusal> {
    tree.prune_children(&|child| SHEET.contains(&child.local()));
    let mut held = Vec::new();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut far = Vec::new();
    let mut formulas = 0;
    let mut number = 0u64;
    let data = tree.elements_mut().find(|it| it.local() == "sheetData");
    for (at, row) in data.into_iter().flat_map(Element::elements_mut).enumerate() {
        number = row
            .get("r")
            .and_then(|r| r.parse().ok())
            .unwrap_or(number + 1);
        let seen = shown.get(&number);
        let mut line: Vec<Cell> = Vec::new();
        let mut column = 0;
        for (place, cell) in row.elements_mut().enumerate() {
            column = cell.get("r").and_then(column_of).unwrap_or(column);
            let (text, said) = simplify(cell, strings, &mut formulas);
            if let Some(said) = said {
                let view = seen
                    .and_then(|cells| cells.get(column))
                    .filter(|view| !text && !view.is_empty());
                let leaf = draft.leaf(view.cloned().unwrap_or(said));
                held.push(Held {
                    row: at,
                    cell: place,
                    leaf,
                    text,
                });
                if column < COLUMNS {
                    if column >= line.len() {
                        line.resize_with(column + 1, Vec::new);
                    }
                    if let Some(cell) = line.get_mut(column) {
                        cell.push(Piece::Leaf(leaf));
                    }
                } else {
                    far.push(Piece::Leaf(leaf));
                    far.push(Piece::Fixed("\n".into()));
                }
            }
            column += 1;
        }
        *room = room
            .checked_sub(line.len())
            .ok_or(Refusal::TooLarge(CELLS as u64))?;
        if !line.is_empty() {
            rows.push(line);
        }
    }
    draft.table(rows, AHEAD_SHEET);
    draft.text(far);
    let mut margins = Vec::new();
    tree.visit(&mut |element| {
        let margin = ["Header", "Footer"]
            .iter()
            .any(|end| element.local().ends_with(end));
        if margin && element.local() != "headerFooter" {
            let leaf = draft.leaf(element.own_text());
            element.children = vec![Node::Leaf(leaf)];
            margins.push(Piece::Leaf(leaf));
            margins.push(Piece::Fixed("\n".into()));
        }
    });
    draft.text(margins);
    job.drop(Dropped::Formula, formulas);
    Ok(held)
}

/// Leaves a cell with its value alone; answers whether that is text, and what it says.
fn simplify(cell: &mut Element, strings: &[String], formulas: &mut u64) -> (bool, Option<String>) {
    let kind = cell.get("t").unwrap_or("n").to_owned();
    let mut value = None;
    let mut inline = None;
    for child in cell.elements() {
        match child.local() {
            "v" => value = Some(child.own_text()),
            "is" => inline = Some(string(child)),
            "f" => *formulas += 1,
            _ => {}
        }
    }
    cell.prune(&mut |element| element.local() == "v");
    cell.attributes
        .retain(|(name, _)| ["r", "s", "t"].contains(&name.as_str()));
    let said = match kind.as_str() {
        "s" => {
            let at = value.and_then(|value| value.trim().parse::<usize>().ok());
            at.and_then(|at| strings.get(at).cloned())
        }
        "inlineStr" => inline,
        "str" => value,
        // An error is a word: a row that holds one could not be read again otherwise.
        "e" => value,
        "b" => return (false, None),
        "d" => return (false, value),
        _ => {
            let number = value.map(|value| plain_number(&value));
            // What a spreadsheet has rounded is no number any more, and may be somebody's.
            let rounded = number
                .as_ref()
                .is_some_and(|number| number.len() > 15 && !number.contains('.'));
            return (rounded, number);
        }
    };
    (true, said)
}

/// A number as a person reads it.
fn plain_number(text: &str) -> String {
    match text.trim().parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e21 => format!("{value:.0}"),
        _ => text.to_owned(),
    }
}

/// The column of a reference such as `AB12`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.take(4).fold(0usize, |column, letter| {
        column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    column.checked_sub(1)
}

/// Writes what the draft says into the cells, and names that sheets may have.
pub(super) fn finish(sheets: Sheets, parts: &mut [Part], draft: &Draft) {
    let mut taken: Vec<String> = Vec::new();
    let names: Vec<String> = sheets
        .names
        .iter()
        .map(|leaf| {
            let name = draft.get(*leaf);
            let name = if draft.is_changed(*leaf) {
                fitting(&name, &taken)
            } else {
                name
            };
            taken.push(name.to_lowercase());
            name
        })
        .collect();
    if let Some(Body::Xml(book)) = parts.first_mut().map(|part| &mut part.body) {
        let mut names = names.into_iter();
        book.visit(&mut |element| {
            if element.local() == "sheet"
                && element
                    .attributes
                    .iter()
                    .any(|(name, _)| local(name) == "name")
                && let Some(name) = names.next()
            {
                element.set("name", &name);
            }
        });
    }
    for part in parts {
        let Some(held) = sheets.cells.get(&part.name) else {
            continue;
        };
        let Body::Xml(tree) = &mut part.body else {
            continue;
        };
        let data = tree.elements_mut().find(|it| it.local() == "sheetData");
        let Some(data) = data else { continue };
        let mut held = held.iter().peekable();
        for (at, row) in data.elements_mut().enumerate() {
            for (place, cell) in row.elements_mut().enumerate() {
                let own = held.next_if(|held| held.row == at && held.cell == place);
                let Some(own) = own else { continue };
                if own.text || draft.is_changed(own.leaf) {
                    text_cell(cell, own.leaf);
                }
            }
        }
    }
}

/// Makes a cell one of text.
fn text_cell(cell: &mut Element, leaf: LeafId) {
    let prefix = cell
        .name
        .split_once(':')
        .map_or(String::new(), |(prefix, _)| format!("{prefix}:"));
    let mut text = Element::new(&format!("{prefix}t"));
    text.set("xml:space", "preserve");
    text.children.push(Node::Leaf(leaf));
    let mut inline = Element::new(&format!("{prefix}is"));
    inline.children.push(Node::Element(text));
    cell.children = vec![Node::Element(inline)];
    cell.set("t", "inlineStr");
}

/// A name that a sheet may have: at most 31 characters, none of `:\/?*[]`, no other's.
fn fitting(name: &str, taken: &[String]) -> String {
    let plain: String = name
        .chars()
        .map(|c| if ":\\/?*[]'".contains(c) { '_' } else { c })
        .collect();
    let plain = if plain.trim().is_empty() {
        "Sheet".to_owned()
    } else {
        plain
    };
    let cut = |most: usize| plain.chars().take(most).collect::<String>();
    let mut name = cut(31);
    let mut number = 1;
    while taken.contains(&name.to_lowercase()) {
        number += 1;
        name = format!("{}_{number}", cut(25));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sheets_fit() {
        assert_eq!(fitting("[mobile]", &[]), "_mobile_");
        assert_eq!(fitting("a", &["a".into(), "a_2".into()]), "a_3");
        assert_eq!(fitting("", &[]), "Sheet");
        assert_eq!(fitting(&"长".repeat(40), &[]).chars().count(), 31);
    }

    #[test]
    fn columns_are_counted_from_their_letters() {
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("AB12"), Some(27));
        assert_eq!(column_of("12"), None);
    }
}
