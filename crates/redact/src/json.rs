//! JSON and JSON Lines: strings and numbers change, names of members only when something is found
//! in them; everything else stays byte for byte.
//!
//! Rule: RFC 8259, read leniently: values may follow each other, and what is no JSON stays as it
//! is while all else is looked at.

use std::borrow::Cow;

use crate::draft::{AHEAD_TEXT, Cell, Draft, LeafId, Part};
use crate::redactor::Job;
use crate::text::Decoded;
use crate::{Dropped, Refusal};

/// Values within values.
const DEPTH: usize = 200;
/// Members that make the columns of a table.
const COLUMNS: usize = 256;

/// JSON, or several values of it.
pub(crate) fn redact(bytes: &[u8], job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
    let decoded = Decoded::of(bytes, None);
    job.drop(Dropped::Malformed, decoded.malformed);
    let mut draft = Draft::default();
    let tokens = tokens(&decoded.text, &mut draft)?;
    blocks(&decoded.text, &tokens, &mut draft);
    job.settle(&mut draft, &|text| decoded.fits(text))?;
    let mut out = String::with_capacity(decoded.text.len());
    let mut at = 0;
    for token in &tokens {
        let Some(leaf) = token.leaf.filter(|leaf| draft.is_changed(*leaf)) else {
            continue;
        };
        out.push_str(decoded.text.get(at..token.start).unwrap_or_default());
        escaped(&draft.get(leaf), &mut out);
        at = token.end;
    }
    out.push_str(decoded.text.get(at..).unwrap_or_default());
    decoded.encode(&out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Open,
    Close,
    /// A name of a member.
    Name,
    Value,
}

#[derive(Clone, Copy)]
struct Token {
    what: What,
    start: usize,
    end: usize,
    leaf: Option<LeafId>,
    depth: usize,
    object: bool,
}

fn tokens(text: &str, draft: &mut Draft) -> Result<Vec<Token>, Refusal> {
    let bytes = text.as_bytes();
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let depth = open.len();
        let object = open.last().copied().unwrap_or(false);
        let mut push = |what, end, leaf, object| {
            tokens.push(Token {
                what,
                start,
                end,
                leaf,
                depth,
                object,
            });
        };
        match byte {
            b'{' | b'[' => {
                at += 1;
                push(What::Open, at, None, byte == b'{');
                open.push(byte == b'{');
                if open.len() > DEPTH {
                    return Err(Refusal::TooDeep(DEPTH));
                }
            }
            b'}' | b']' => {
                at += 1;
                open.pop();
                push(What::Close, at, None, byte == b'}');
            }
            b'"' => {
                let Some((value, end)) = string(text, at) else {
                    return Err(Refusal::Damaged("JSON"));
                };
                at = end;
                let after = text.get(end..).unwrap_or_default().trim_start();
                let what = if object && after.starts_with(':') {
                    What::Name
                } else {
                    What::Value
                };
                let leaf = draft.leaf(value);
                push(what, end, Some(leaf), object);
            }
            b'-' | b'0'..=b'9' => {
                let more = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                at += bytes
                    .get(at..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| more(byte))
                    .count();
                let leaf = draft.leaf(plain_number(text.get(start..at).unwrap_or_default()));
                push(What::Value, at, Some(leaf), object);
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            _ => {
                // `true`, `false`, `null`; and whatever else, which may be anything.
                let run = text.get(at..).unwrap_or_default();
                let end = run
                    .find(|c: char| c.is_ascii_whitespace() || "{}[]\",:".contains(c))
                    .unwrap_or(run.len());
                at += end.max(1);
                if !["true", "false", "null"].contains(&run.get(..end).unwrap_or_default()) {
                    return Err(Refusal::Damaged("JSON"));
                }
            }
        }
    }
    if open.is_empty() {
        Ok(tokens)
    } else {
        Err(Refusal::Damaged("JSON"))
    }
}

/// A number as a person reads it: `1.38e10` is a mobile number too.
fn plain_number(text: &str) -> String {
    if !text.contains(['e', 'E']) {
        return text.to_owned();
    }
    match text.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => text.to_owned(),
    }
}

/// The string that begins at `at`, unescaped, and where it ends.
fn string(text: &str, at: usize) -> Option<(String, usize)> {
    let rest = text.get(at + 1..)?;
    let mut out = String::new();
    let mut chars = rest.char_indices();
    while let Some((n, c)) = chars.next() {
        match c {
            '"' => return Some((out, at + 1 + n + 1)),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'u' => {
                    let mut four = || {
                        let digits: Option<String> =
                            (0..4).map(|_| chars.next().map(|(_, c)| c)).collect();
                        u32::from_str_radix(&digits?, 16).ok()
                    };
                    let unit = four()?;
                    let whole = if (0xD800..0xDC00).contains(&unit) {
                        let next = chars.clone().as_str().starts_with("\\u");
                        if next {
                            chars.next();
                            chars.next();
                            let mut four = || {
                                let digits: Option<String> =
                                    (0..4).map(|_| chars.next().map(|(_, c)| c)).collect();
                                u32::from_str_radix(&digits?, 16).ok()
                            };
                            let low = four()?;
                            0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF)
                        } else {
                            unit
                        }
                    } else {
                        unit
                    };
                    out.push(char::from_u32(whole).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
    None
}

fn escaped(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text as it is written, with what is escaped made plain; and objects side by side as a table
/// whose columns are their members.
fn blocks(text: &str, tokens: &[Token], draft: &mut Draft) {
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    for token in tokens {
        let Some(leaf) = token.leaf else { continue };
        let quote = text.as_bytes().get(token.start) == Some(&b'"');
        let inner = usize::from(quote);
        let before = text.get(at..token.start + inner).unwrap_or_default();
        parts.push(Part::Fixed(Cow::Owned(before.to_owned())));
        parts.push(Part::Leaf(leaf));
        at = token.end - inner;
    }
    parts.push(Part::Fixed(Cow::Owned(
        text.get(at..).unwrap_or_default().to_owned(),
    )));
    draft.text(parts);
    let mut depths: Vec<usize> = tokens
        .iter()
        .filter(|token| token.what == What::Open && token.object)
        .map(|token| token.depth)
        .collect();
    depths.sort_unstable();
    depths.dedup();
    for depth in depths {
        tables(tokens, depth, draft);
    }
}

/// Objects of one depth that follow each other, as a table.
fn tables(tokens: &[Token], depth: usize, draft: &mut Draft) {
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row: Option<Vec<Option<LeafId>>> = None;
    let mut column = None;
    for token in tokens {
        if token.depth < depth {
            table(&mut names, &mut rows, draft);
            continue;
        }
        match (token.what, token.leaf) {
            (What::Open, _) if token.depth == depth && token.object => row = Some(Vec::new()),
            (What::Close, _) if token.depth == depth + 1 && token.object => {
                let cells = row.take().unwrap_or_default();
                rows.push(
                    cells
                        .into_iter()
                        .map(|cell| cell.map(Part::Leaf).into_iter().collect())
                        .collect(),
                );
            }
            (What::Name, Some(leaf)) if token.depth == depth + 1 => {
                let name = draft.get(leaf);
                column = names.iter().position(|known| *known == name);
                if column.is_none() && names.len() < COLUMNS {
                    names.push(name);
                    column = Some(names.len() - 1);
                }
            }
            // Members of a list within a member stand in no cell of their own.
            (What::Value, Some(leaf)) if token.depth == depth + 1 => {
                if let (Some(row), Some(at)) = (&mut row, column.take()) {
                    row.resize(row.len().max(at + 1), None);
                    if let Some(cell) = row.get_mut(at) {
                        *cell = Some(leaf);
                    }
                }
            }
            _ => {}
        }
    }
    table(&mut names, &mut rows, draft);
}

fn table(names: &mut Vec<String>, rows: &mut Vec<Vec<Cell>>, draft: &mut Draft) {
    let names = std::mem::take(names);
    let mut rows = std::mem::take(rows);
    if rows.is_empty() || names.is_empty() {
        return;
    }
    let header = names
        .into_iter()
        .map(|name| vec![Part::Fixed(Cow::Owned(name))])
        .collect();
    rows.insert(0, header);
    draft.table(rows, AHEAD_TEXT);
}
