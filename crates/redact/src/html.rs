//! Pages of HTML and files of XML.
//!
//! Looked at in two ways: as the file is written, and as it reads, where tags within a line vanish
//! and the tables of a page are tables. Scripts are dropped, being able to write anything.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::draft::{AHEAD_SHEET, Cell, Draft, LeafId, Part};
use crate::markup::{Tag, Token, escaped, plain, tokens};
use crate::redactor::Job;
use crate::text::Decoded;
use crate::{Dropped, Refusal};

/// A stretch of the file that a leaf stands for.
struct Held {
    start: usize,
    end: usize,
    leaf: LeafId,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Text,
    Quoted,
    Bare,
    Raw,
}

/// A page, or a file of XML.
pub(crate) fn redact(
    bytes: &[u8],
    html: bool,
    charset: Option<liuhen_reading::Charset>,
    job: &mut Job<'_, '_>,
) -> Result<Vec<u8>, Refusal> {
    let decoded = Decoded::of(bytes, charset);
    job.drop(Dropped::Malformed, decoded.malformed);
    let text = &decoded.text;
    if !html && declares_entities(text) {
        return Err(Refusal::Unknown("entities"));
    }
    let mut draft = Draft::default();
    let tokens = tokens(text, html);
    let held = hold(text, &tokens, &mut draft, job);
    as_written(text, &held, &mut draft);
    as_read(&tokens, &held, html, &mut draft);
    job.settle(&mut draft, &|text| decoded.fits(text))?;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for held in held.iter().filter(|held| draft.is_changed(held.leaf)) {
        out.push_str(text.get(at..held.start).unwrap_or_default());
        let new = draft.get(held.leaf);
        match held.how {
            How::Raw => out.push_str(&new),
            How::Text | How::Quoted => escaped(&new, &mut out),
            How::Bare => {
                out.push('"');
                escaped(&new, &mut out);
                out.push('"');
            }
        }
        at = held.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    decoded.encode(&out)
}

fn declares_entities(text: &str) -> bool {
    text.contains("<!ENTITY")
}

fn hold(text: &str, tokens: &[Token], draft: &mut Draft, job: &mut Job<'_, '_>) -> Vec<Held> {
    let mut held = Vec::new();
    for token in tokens {
        match token {
            Token::Text(range) => {
                let leaf = draft.leaf(plain(text.get(range.clone()).unwrap_or_default()));
                held.push(Held {
                    start: range.start,
                    end: range.end,
                    leaf,
                    how: How::Text,
                });
            }
            Token::Raw(range) => {
                let leaf = draft.leaf(text.get(range.clone()).unwrap_or_default());
                held.push(Held {
                    start: range.start,
                    end: range.end,
                    leaf,
                    how: How::Raw,
                });
            }
            Token::Code { name, range } => {
                let code = text.get(range.clone()).unwrap_or_default();
                let leaf = draft.leaf(code);
                if *name == "script" && !code.trim().is_empty() {
                    job.drop(Dropped::Macro, 1);
                    draft.set(leaf, "");
                } else if let Some(bare) = without_data(code, job) {
                    draft.set(leaf, bare);
                }
                held.push(Held {
                    start: range.start,
                    end: range.end,
                    leaf,
                    how: How::Raw,
                });
            }
            Token::Tag(tag) => attributes(text, tag, draft, job, &mut held),
        }
    }
    held
}

fn attributes(
    text: &str,
    tag: &Tag,
    draft: &mut Draft,
    job: &mut Job<'_, '_>,
    held: &mut Vec<Held>,
) {
    for attribute in &tag.attributes {
        let range = attribute.value.clone();
        if range.is_empty() {
            continue;
        }
        let value = plain(text.get(range.clone()).unwrap_or_default());
        let leaf = draft.leaf(value.as_str());
        if attribute.name.starts_with("on") && tag_is_html(tag) {
            job.drop(Dropped::Macro, 1);
            draft.set(leaf, "");
        } else if let Some(bare) = without_data(&value, job) {
            draft.set(leaf, bare);
        }
        held.push(Held {
            start: range.start,
            end: range.end,
            leaf,
            how: if attribute.quoted {
                How::Quoted
            } else {
                How::Bare
            },
        });
    }
}

/// Names of elements of a page have no prefix; a handler of events is one of its attributes.
fn tag_is_html(tag: &Tag) -> bool {
    !tag.name.contains(':')
}

/// A text whose files within it were looked into or left out; nothing when it holds none.
fn without_data(text: &str, job: &mut Job<'_, '_>) -> Option<String> {
    if !text.contains(";base64,") {
        return None;
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("data:") {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || ")\"'".contains(c))
            .unwrap_or(rest.len());
        let whole = rest.get(..end).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        let Some((head, data)) = whole.split_once(";base64,") else {
            out.push_str(whole);
            continue;
        };
        let picture = head
            .starts_with("data:image/")
            .then(|| STANDARD.decode(data).ok())
            .flatten();
        match picture.and_then(|bytes| job.picture(&bytes)) {
            Some(bytes) => {
                out.push_str(head);
                out.push_str(";base64,");
                out.push_str(&STANDARD.encode(bytes));
            }
            None => {
                job.drop(Dropped::Embedded, 1);
                out.push_str("data:,");
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The file as it is written, tags and all, as a scan reads it.
fn as_written(text: &str, held: &[Held], draft: &mut Draft) {
    let mut parts = Vec::new();
    let mut at = 0;
    for held in held {
        let between = text.get(at..held.start).unwrap_or_default();
        parts.push(Part::Fixed(Cow::Owned(between.to_owned())));
        parts.push(Part::Leaf(held.leaf));
        at = held.end;
    }
    let rest = text.get(at..).unwrap_or_default();
    parts.push(Part::Fixed(Cow::Owned(rest.to_owned())));
    draft.text(parts);
}

/// Elements that begin a line of their own.
const BLOCKS: [&str; 34] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "table",
    "title",
    "tr",
    "ul",
];

/// The text as it reads.
fn as_read(tokens: &[Token], held: &[Held], html: bool, draft: &mut Draft) {
    let mut text: Vec<Part> = Vec::new();
    let mut table: Option<Vec<Vec<Cell>>> = None;
    let mut nested = 0usize;
    let mut held = held.iter();
    for token in tokens {
        let put = |part: Part, table: &mut Option<Vec<Vec<Cell>>>, text: &mut Vec<Part>| {
            let cell = table
                .as_mut()
                .and_then(|rows| rows.last_mut())
                .and_then(|row| row.last_mut());
            cell.unwrap_or(text).push(part);
        };
        match token {
            Token::Text(_) => {
                if let Some(held) = held.next() {
                    put(Part::Leaf(held.leaf), &mut table, &mut text);
                }
            }
            Token::Raw(_) | Token::Code { .. } => {
                held.next();
            }
            Token::Tag(tag) => {
                let own = tag
                    .attributes
                    .iter()
                    .filter(|it| !it.value.is_empty())
                    .count();
                if own > 0 {
                    held.nth(own - 1);
                }
                if !html {
                    continue;
                }
                match (tag.name.as_str(), tag.closing) {
                    ("table", false) if table.is_none() => {
                        draft.text(std::mem::take(&mut text));
                        table = Some(Vec::new());
                    }
                    ("table", false) => nested += 1,
                    ("table", true) if nested > 0 => nested -= 1,
                    ("table", true) => {
                        if let Some(rows) = table.take() {
                            draft.table(rows, AHEAD_SHEET);
                        }
                    }
                    ("tr", false) if nested == 0 => {
                        if let Some(rows) = &mut table {
                            rows.push(Vec::new());
                        }
                    }
                    ("td" | "th", false) if nested == 0 => {
                        if let Some(row) = table.as_mut().and_then(|rows| rows.last_mut()) {
                            row.push(Vec::new());
                        }
                    }
                    (name, _) if BLOCKS.contains(&name) => {
                        put(Part::Fixed("\n".into()), &mut table, &mut text);
                    }
                    _ => {}
                }
            }
        }
    }
    if let Some(rows) = table {
        draft.table(rows, AHEAD_SHEET);
    }
    draft.text(text);
}
