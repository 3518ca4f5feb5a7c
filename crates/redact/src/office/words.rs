//! Paragraphs and tables of a part as blocks of a draft, and whatever else it says as lines.

use super::parts::Flavour;
use crate::draft::{AHEAD_SHEET, Cell, Draft, Part as Piece};
use crate::package::{Body, Part, Target};
use crate::tree::{Element, Node, Value, local};

/// Elements that say how something looks.
const LOOKS: [&str; 12] = [
    "pPr",
    "rPr",
    "tblPr",
    "tcPr",
    "trPr",
    "tblPrEx",
    "sectPr",
    "tblGrid",
    "bodyPr",
    "lstStyle",
    "spPr",
    "tblPrExChange",
];

/// Parts that say how a document looks: their words are names of styles and fonts.
const DESIGNS: [&str; 7] = [
    "styles",
    "fonts",
    "numbering",
    "theme",
    "styleSheet",
    "tblStyleLst",
    "settings",
];

/// Puts the text of a part into the draft.
pub(super) fn collect(flavour: Flavour, part: &mut Part, draft: &mut Draft) {
    let Body::Xml(tree) = &mut part.body else {
        return;
    };
    let design = DESIGNS.contains(&tree.local());
    let sheet = flavour == Flavour::Sheet && tree.local() == "worksheet";
    if !design && !sheet {
        let mut text = Vec::new();
        gather(tree, draft, &mut text, true);
        draft.text(text);
    }
    let mut loose = Loose::default();
    tree.visit(&mut |element| loose.take(element, design, draft));
    for relation in &mut part.relations {
        if let Target::Outside(target) = &mut relation.target
            && let Value::Plain(text) = target
        {
            let leaf = draft.leaf(text.as_str());
            loose.said.push(Piece::Leaf(leaf));
            loose.said.push(Piece::Fixed("\n".into()));
            *target = Value::Leaf(leaf);
        }
    }
    draft.text(loose.said);
    draft.words(loose.named);
}

/// The text of an element, in order; tables become blocks of their own.
fn gather(element: &mut Element, draft: &mut Draft, out: &mut Vec<Piece>, top: bool) {
    let name = element.local().to_owned();
    match name.as_str() {
        name if LOOKS.contains(&name) => {}
        "tbl" if top => {
            draft.text(std::mem::take(out));
            let mut rows = Vec::new();
            table(element, draft, &mut rows);
            draft.table(rows, AHEAD_SHEET);
        }
        "t" | "text" if element.elements().next().is_none() => hold(element, draft, out),
        "tab" | "ptab" => out.push(Piece::Fixed("\t".into())),
        "br" | "cr" => out.push(Piece::Fixed("\n".into())),
        "noBreakHyphen" => out.push(Piece::Fixed("-".into())),
        // Readings of names beside them.
        "rPh" => element.children.clear(),
        name => {
            let line = ["p", "comment", "author"].contains(&name);
            if name == "txbxContent" {
                out.push(Piece::Fixed("\n".into()));
            }
            for child in element.elements_mut() {
                gather(child, draft, out, top);
            }
            if line {
                out.push(Piece::Fixed("\n".into()));
            }
        }
    }
}

/// Makes the text of an element a leaf.
fn hold(element: &mut Element, draft: &mut Draft, out: &mut Vec<Piece>) {
    let leaf = draft.leaf(element.own_text());
    element.children = vec![Node::Leaf(leaf)];
    out.push(Piece::Leaf(leaf));
    // What is left of a run may begin or end with a blank.
    if element.local() == "t" && element.name != "a:t" && element.name != "m:t" {
        element.set("xml:space", "preserve");
    }
}

fn table(element: &mut Element, draft: &mut Draft, rows: &mut Vec<Vec<Cell>>) {
    for child in element.elements_mut() {
        match child.local() {
            "tr" => rows.push(row(child, draft)),
            "tblPr" | "tblGrid" => {}
            _ => table(child, draft, rows),
        }
    }
}

fn row(element: &mut Element, draft: &mut Draft) -> Vec<Cell> {
    let mut cells = Vec::new();
    for child in element.elements_mut() {
        if child.local() != "tc" {
            continue;
        }
        // A deleted cell keeps its place and loses what it says.
        let deleted = child
            .elements()
            .any(|it| it.local() == "tcPr" && it.elements().any(|it| it.local() == "cellDel"));
        if deleted {
            child.prune(&mut |element| element.local() != "r" && element.local() != "cellDel");
        }
        let spans = child
            .elements()
            .find(|it| it.local() == "tcPr")
            .and_then(|it| it.elements().find(|it| it.local() == "gridSpan"))
            .and_then(|it| it.get("val")?.parse::<usize>().ok())
            .unwrap_or(1);
        let mut cell = Vec::new();
        gather(child, draft, &mut cell, false);
        cells.push(cell);
        for _ in 1..spans.min(64) {
            cells.push(Vec::new());
        }
    }
    cells
}

/// What a part says outside its paragraphs.
#[derive(Default)]
struct Loose {
    /// To be looked at, a line each.
    said: Vec<Piece>,
    /// Names of styles, fonts and the like, in which only what was found elsewhere is hidden.
    named: Vec<Piece>,
}

impl Loose {
    fn take(&mut self, element: &mut Element, design: bool, draft: &mut Draft) {
        let fonts = [
            "rFonts", "latin", "ea", "cs", "sym", "font", "rFont", "name",
        ]
        .contains(&element.local());
        for (name, value) in &mut element.attributes {
            let Value::Plain(text) = value else { continue };
            if name.starts_with("xmlns") || local(name) == "Ignorable" || !says(text) {
                continue;
            }
            let leaf = draft.leaf(text.as_str());
            self.keep(leaf, design || fonts);
            *value = Value::Leaf(leaf);
        }
        if element
            .children
            .iter()
            .any(|node| matches!(node, Node::Text(text) if says(text)))
        {
            for node in &mut element.children {
                if let Node::Text(text) = node
                    && says(text)
                {
                    let leaf = draft.leaf(text.as_str());
                    self.keep(leaf, design);
                    *node = Node::Leaf(leaf);
                }
            }
        }
    }

    fn keep(&mut self, leaf: crate::draft::LeafId, named: bool) {
        let list = if named {
            &mut self.named
        } else {
            &mut self.said
        };
        list.push(Piece::Leaf(leaf));
        list.push(Piece::Fixed("\n".into()));
    }
}

/// Whether a text may say something of a person: not a number of a few digits, a colour, a token.
fn says(text: &str) -> bool {
    let digits = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max()
        .unwrap_or(0);
    let words = text
        .split_whitespace()
        .filter(|word| word.bytes().any(|b| b.is_ascii_alphabetic()));
    !text.is_ascii() || text.contains('@') || digits >= 7 || words.count() >= 2
}
