//! The graph of files as a picture: SVG 1.1, files as boxes, the earlier above the later.
//!
//! Boxes hold a number, the last part of the path and a number of persons; nothing from inside a
//! file. Equal graphs give equal bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Edge, Provenance};

const WIDTH: usize = 220;
const HEIGHT: usize = 48;
/// Room for the words of a line from a box to the one beside it.
const ACROSS: usize = 190;
const DOWN: usize = 110;
const MARGIN: usize = 24;
/// Characters of a name that fit into a box.
const LONGEST: usize = 24;

/// Draws the files that have a relation; the words are Chinese where `zh`, else English.
#[must_use]
pub fn draw(provenance: &Provenance, zh: bool) -> String {
    let places = places(&provenance.edges);
    let right = places
        .values()
        .map(|(x, _)| x + WIDTH)
        .max()
        .unwrap_or(WIDTH * 2);
    let bottom = places.values().map(|(_, y)| y + HEIGHT).max().unwrap_or(0);
    let (width, height) = (right + MARGIN, bottom + 3 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <defs><marker id=\"a\" markerWidth=\"9\" markerHeight=\"9\" refX=\"8\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 z\"/></marker></defs>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for edge in &provenance.edges {
        line(&mut out, edge, &places, zh);
    }
    for (number, (x, y)) in &places {
        file(&mut out, provenance, *number, (*x, *y), zh);
    }
    let alone = provenance.files.len() - places.len();
    let note = match zh {
        true => format!("另有 {alone} 个文件未见亲缘。仅供参考，关系均为推断。"),
        false => {
            format!("{alone} more files have no relation. Advice only: every relation is inferred.")
        }
    };
    text(&mut out, (MARGIN, height - MARGIN), "start", &note);
    out.push_str("</svg>\n");
    out
}

/// Where each file with a relation stands: below everything it comes from.
fn places(edges: &[Edge]) -> BTreeMap<usize, (usize, usize)> {
    let mut layers: BTreeMap<usize, usize> = BTreeMap::new();
    for edge in edges {
        layers.insert(edge.from, 0);
        layers.insert(edge.to, 0);
    }
    // Directed edges have no cycle; the bound is for whoever hands over others.
    for _ in 0..layers.len() {
        let mut moved = false;
        for edge in edges {
            let above = layers.get(&edge.from).copied().unwrap_or(0);
            let least = above + usize::from(edge.directed);
            if let Some(layer) = layers.get_mut(&edge.to)
                && *layer < least
            {
                *layer = least;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    // Families stand beside each other, so that no line crosses another family's.
    let (mut places, mut right) = (BTreeMap::new(), 0);
    for family in families(edges) {
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for number in family {
            let layer = layers.get(&number).copied().unwrap_or(0);
            let column = taken.entry(layer).or_default();
            let x = MARGIN + (right + *column) * (WIDTH + ACROSS);
            *column += 1;
            places.insert(number, (x, MARGIN + layer * (HEIGHT + DOWN)));
        }
        right += taken.into_values().max().unwrap_or(0);
    }
    places
}

/// Files that edges lead between, each family together, in the order of their first files.
fn families(edges: &[Edge]) -> Vec<BTreeSet<usize>> {
    let mut families: Vec<BTreeSet<usize>> = Vec::new();
    for edge in edges {
        let ends = BTreeSet::from([edge.from, edge.to]);
        let (kin, others): (Vec<_>, Vec<_>) = families
            .into_iter()
            .partition(|family| !family.is_disjoint(&ends));
        families = others;
        families.push(kin.into_iter().flatten().chain(ends).collect());
    }
    families.sort_by_key(|family| family.first().copied());
    families
}

fn line(out: &mut String, edge: &Edge, places: &BTreeMap<usize, (usize, usize)>, zh: bool) {
    let (Some((x1, y1)), Some((x2, y2))) = (places.get(&edge.from), places.get(&edge.to)) else {
        return;
    };
    let ((x1, y1), (x2, y2)) = match y1 == y2 {
        // Beside each other, however far: an arc below the boxes would cross fewer, and costs more.
        true if x1 < x2 => ((x1 + WIDTH, y1 + HEIGHT / 2), (*x2, y2 + HEIGHT / 2)),
        true => ((*x1, y1 + HEIGHT / 2), (x2 + WIDTH, y2 + HEIGHT / 2)),
        false => ((x1 + WIDTH / 2, y1 + HEIGHT), (x2 + WIDTH / 2, *y2)),
    };
    let end = match edge.directed {
        true => " marker-end=\"url(#a)\"",
        false => " stroke-dasharray=\"5 4\"",
    };
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"black\"{end}/>"
    );
    let (chinese, english) = edge.relation.words();
    let word = if zh { chinese } else { english };
    let middle = (x1.midpoint(x2), y1.midpoint(y2));
    text(
        out,
        middle,
        "middle",
        &format!("{word} ({})", edge.confidence),
    );
    let shares = format!("{} / {}", edge.evidence.of_from, edge.evidence.of_to);
    if edge.evidence.common > 0 {
        text(out, (middle.0, middle.1 + 15), "middle", &shares);
    }
}

fn file(
    out: &mut String,
    provenance: &Provenance,
    number: usize,
    (x, y): (usize, usize),
    zh: bool,
) {
    let Some(file) = number
        .checked_sub(1)
        .and_then(|at| provenance.files.get(at))
    else {
        return;
    };
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"#f4f4f4\" stroke=\"black\"/>"
    );
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let mut shown: String = name.chars().take(LONGEST).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    text(out, (x + 8, y + 19), "start", &format!("{number}  {shown}"));
    let persons = if zh { "人" } else { "persons" };
    text(
        out,
        (x + 8, y + 38),
        "start",
        &format!("{} {persons}", file.persons),
    );
}

fn text(out: &mut String, (x, y): (usize, usize), anchor: &str, words: &str) {
    let _ = write!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">");
    for c in words.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // What XML forbids, and what turns text around.
            c if c.is_control()
                || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out.push_str("</text>\n");
}
