//! What every part loses: authors, revisions and their ids, field codes, content controls,
//! alternative texts, extensions, and what refers to parts that do not come along.

use std::collections::HashSet;

use crate::Dropped;
use crate::redactor::Job;
use crate::tree::{Element, Node, Value, local};

/// Elements that are not written anew, whatever they hold.
const GONE: [&str; 25] = [
    // The reading of a name above it.
    "rt",
    "proofErr",
    "permStart",
    "permEnd",
    "moveFromRangeStart",
    "moveFromRangeEnd",
    "moveToRangeStart",
    "moveToRangeEnd",
    "customXmlInsRangeStart",
    "customXmlInsRangeEnd",
    "customXmlDelRangeStart",
    "customXmlDelRangeEnd",
    "customXmlMoveFromRangeStart",
    "customXmlMoveFromRangeEnd",
    "customXmlMoveToRangeStart",
    "customXmlMoveToRangeEnd",
    "sdtPr",
    "sdtEndPr",
    "smartTagPr",
    "customXmlPr",
    "cellIns",
    "cellMerge",
    "altChunk",
    "subDoc",
    "dataBinding",
];

/// Settings of a Word document that say how it looks.
const SETTINGS: [&str; 16] = [
    "zoom",
    "defaultTabStop",
    "autoHyphenation",
    "hyphenationZone",
    "evenAndOddHeaders",
    "mirrorMargins",
    "characterSpacingControl",
    "footnotePr",
    "endnotePr",
    "compat",
    "themeFontLang",
    "clrSchemeMapping",
    "decimalSymbol",
    "listSeparator",
    "displayBackgroundShape",
    "updateFields",
];

/// Children of a presentation that say what it is made of.
const PRESENTATION: [&str; 7] = [
    "sldMasterIdLst",
    "notesMasterIdLst",
    "handoutMasterIdLst",
    "sldIdLst",
    "sldSz",
    "notesSz",
    "defaultTextStyle",
];

/// Field codes that hold no text of the document, only its numbers.
const FIELDS: [&str; 4] = ["PAGE", "NUMPAGES", "SECTION", "SECTIONPAGES"];

/// Attributes that tell revisions apart, or who made them.
fn is_trace(name: &str) -> bool {
    let own = local(name);
    own.starts_with("rsid")
        || [
            "author", "date", "dateUtc", "initials", "userId", "userName", "gfxdata", "codeName",
            "uid",
        ]
        .contains(&own)
        || name.contains(':')
            && ["paraId", "textId", "anchorId", "editId", "durableId"].contains(&own)
}

/// Cleans a part.
pub(super) fn clean(tree: &mut Element, job: &mut Job<'_, '_>) {
    match tree.local() {
        "settings" => {
            tree.prune_children(&|child| SETTINGS.contains(&child.local()));
        }
        "presentation" => {
            tree.prune_children(&|child| PRESENTATION.contains(&child.local()));
        }
        _ => {}
    }
    let revisions = tree.prune(&mut |element| !is_deleted(element));
    let plain = &mut |element: &Element| {
        let own = element.local();
        let change = own.ends_with("Change") && own.len() > "Change".len();
        let marker = ["ins", "moveTo", "del", "moveFrom"].contains(&own);
        !(change || marker && element.children.is_empty() || GONE.contains(&own))
    };
    tree.prune(plain);
    let extensions =
        tree.prune(&mut |element| !["extLst", "custDataLst"].contains(&element.local()));
    job.drop(Dropped::Extension, extensions);
    job.drop(
        Dropped::Revision,
        revisions + count(tree, &|element| element.local() == "ins"),
    );
    fields(tree, job);
    tree.unwrap(&|element| {
        [
            "sdt",
            "sdtContent",
            "smartTag",
            "customXml",
            "ins",
            "moveTo",
        ]
        .contains(&element.local())
            || element.local() == "fldSimple" && !is_plain_field(element.get("instr"))
    });
    let mut authors = 0;
    tree.visit(&mut |element| {
        let comment = element.local() == "comment";
        let author = element.local() == "cmAuthor";
        let dated = element.local() == "cm";
        element.attributes.retain_mut(|(name, value)| {
            // Required of a comment (ECMA-376 part 1, section 17.13.4.2).
            if comment && local(name) == "author" {
                *value = Value::Plain("author".to_owned());
                return true;
            }
            !(is_trace(name) || dated && name == "dt")
        });
        if author {
            authors += 1;
            element.set("name", &format!("author {authors}"));
            element.set("initials", "a");
        }
        if element.local() == "author" && element.elements().next().is_none() {
            element.children = vec![Node::Text("author".to_owned())];
        }
        job.drop(Dropped::AltText, described(element));
    });
}

fn count(tree: &Element, what: &dyn Fn(&Element) -> bool) -> u64 {
    let here = u64::from(what(tree));
    here + tree
        .elements()
        .map(|element| count(element, what))
        .sum::<u64>()
}

/// What a tracked change took away: text, rows, cells, and the old form of anything.
fn is_deleted(element: &Element) -> bool {
    let holds = |inner: &Element, name: &str| inner.elements().any(|it| it.local() == name);
    match element.local() {
        "del" | "moveFrom" => !element.children.is_empty(),
        "delText" | "delInstrText" => true,
        "tr" => element
            .elements()
            .any(|it| it.local() == "trPr" && holds(it, "del")),
        _ => false,
    }
}

/// Removes the codes of fields unless they are all plain; results stay.
fn fields(tree: &mut Element, job: &mut Job<'_, '_>) {
    let mut codes = Vec::new();
    tree.visit(&mut |element| {
        if element.local() == "instrText" {
            codes.push(element.own_text());
        }
    });
    // One code may be split over several elements; plain ones never are, being a word.
    if codes
        .iter()
        .all(|code| code.trim().is_empty() || is_plain_field(Some(code)))
    {
        return;
    }
    let gone = tree.prune(&mut |element| !["instrText", "fldChar"].contains(&element.local()));
    job.drop(Dropped::Field, gone.div_ceil(4));
}

fn is_plain_field(code: Option<&str>) -> bool {
    let mut words = code.unwrap_or_default().split_whitespace();
    words
        .next()
        .is_some_and(|first| FIELDS.contains(&first.to_ascii_uppercase().as_str()))
        && words.all(|word| {
            [
                "\\*",
                "MERGEFORMAT",
                "Arabic",
                "roman",
                "ROMAN",
                "alphabetic",
            ]
            .contains(&word)
        })
}

/// Takes names and descriptions off an object; answers whether it had one.
fn described(element: &mut Element) -> u64 {
    match element.local() {
        "docPr" | "cNvPr" => {
            let had = ["descr", "title"]
                .iter()
                .any(|name| element.get(name).is_some_and(|it| !it.is_empty()));
            element
                .attributes
                .retain(|(name, _)| !["descr", "title"].contains(&name.as_str()));
            let id = element.get("id").unwrap_or("0").to_owned();
            element.set(
                "name",
                &format!("Object {}", if id.len() < 11 { &id } else { "0" }),
            );
            u64::from(had)
        }
        "shape" | "rect" | "oval" | "imagedata" | "group" | "line" | "roundrect" => {
            let before = element.attributes.len();
            element
                .attributes
                .retain(|(name, _)| !["alt", "title", "o:title", "href"].contains(&name.as_str()));
            u64::from(before != element.attributes.len())
        }
        _ => 0,
    }
}

/// Elements that go as a whole when something within them does.
const CONTAINERS: [&str; 7] = [
    "drawing",
    "object",
    "pict",
    "graphicFrame",
    "twoCellAnchor",
    "oneCellAnchor",
    "absoluteAnchor",
];

/// Takes out what refers to relationships other than `alive`.
pub(super) fn cut(tree: &mut Element, alive: &HashSet<&str>) {
    let mut prefixes: HashSet<String> = HashSet::new();
    tree.visit(&mut |element| {
        for (name, value) in &element.attributes {
            if let (Some(prefix), Value::Plain(value)) = (name.strip_prefix("xmlns:"), value)
                && value.ends_with("/relationships")
            {
                prefixes.insert(prefix.to_owned());
            }
        }
    });
    let dead = |name: &str, value: &Value| {
        let refers = match name.split_once(':') {
            Some(("o", "relid")) => true,
            Some((prefix, _)) => prefixes.contains(prefix),
            None => false,
        };
        refers && matches!(value, Value::Plain(value) if !alive.contains(value.as_str()))
    };
    within(tree, false, &dead);
}

/// Whether this element, or what holds it, is to go.
fn within(element: &mut Element, held: bool, dead: &dyn Fn(&str, &Value) -> bool) -> bool {
    let own = element.local().to_owned();
    let mut gone = element
        .attributes
        .iter()
        .any(|(name, value)| dead(name, value));
    let words = own == "hyperlink" && element.elements().next().is_some();
    if gone && (words || own == "pageSetup") {
        // The words of a link that leads nowhere stay, and so does the size of a page.
        element
            .attributes
            .retain(|(name, value)| !dead(name, value));
        gone = false;
    }
    let container = is_container(&own, held);
    element.children.retain_mut(|node| {
        let Node::Element(child) = node else {
            return true;
        };
        if !within(child, held || container, dead) {
            return true;
        }
        let child = child.local();
        if child.starts_with("hlink")
            || is_container(child, held || container)
            || !(held || container)
        {
            return false;
        }
        gone = true;
        true
    });
    gone
}

fn is_container(name: &str, held: bool) -> bool {
    CONTAINERS.contains(&name) || name == "pic" && !held
}
