//! XML of a document's part as a tree that can be changed and written anew.
//!
//! Strict: what is not well formed, or declares a document type, is refused. Comments and
//! instructions are left out.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Refusal;
use crate::draft::{Draft, LeafId};
use crate::markup::{escaped, referred};

/// Elements within elements.
const DEPTH: usize = 256;

pub(crate) enum Node {
    Element(Element),
    Text(String),
    /// Text that is in a draft now.
    Leaf(LeafId),
}

#[derive(Default)]
pub(crate) struct Element {
    /// With its prefix.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, Value)>,
    pub(crate) children: Vec<Node>,
}

pub(crate) enum Value {
    Plain(String),
    Leaf(LeafId),
}

/// What follows the prefix of a name.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl Element {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn local(&self) -> &str {
        local(&self.name)
    }

    /// The attribute of this name, without its prefix.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|(known, _)| local(known) == name);
        match found {
            Some((_, Value::Plain(value))) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.attributes.retain(|(known, _)| known != name);
        self.attributes
            .push((name.to_owned(), Value::Plain(value.to_owned())));
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    pub(crate) fn elements_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// Its text as far as it is its own.
    pub(crate) fn own_text(&self) -> String {
        let text = |node: &Node| match node {
            Node::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.children.iter().filter_map(text).collect()
    }

    /// Keeps the elements within it for which `keep` says so, at any depth, and counts the others.
    pub(crate) fn prune(&mut self, keep: &mut dyn FnMut(&Element) -> bool) -> u64 {
        let mut gone = 0;
        self.children.retain(|node| match node {
            Node::Element(element) => {
                let kept = keep(element);
                gone += u64::from(!kept);
                kept
            }
            _ => true,
        });
        for element in self.elements_mut() {
            gone += element.prune(keep);
        }
        gone
    }

    /// Keeps the elements right within it for which `keep` says so.
    pub(crate) fn prune_children(&mut self, keep: &dyn Fn(&Element) -> bool) {
        self.children.retain(|node| match node {
            Node::Element(element) => keep(element),
            _ => true,
        });
    }

    /// Puts the contents of elements in their place where `through` says so, at any depth.
    pub(crate) fn unwrap(&mut self, through: &dyn Fn(&Element) -> bool) {
        let mut out = Vec::with_capacity(self.children.len());
        for node in std::mem::take(&mut self.children) {
            match node {
                Node::Element(mut element) => {
                    element.unwrap(through);
                    if through(&element) {
                        out.append(&mut element.children);
                    } else {
                        out.push(Node::Element(element));
                    }
                }
                other => out.push(other),
            }
        }
        self.children = out;
    }

    /// Shows this element, and every one within it.
    pub(crate) fn visit(&mut self, each: &mut dyn FnMut(&mut Element)) {
        each(self);
        for element in self.elements_mut() {
            element.visit(each);
        }
    }

    /// The document whose root it is, with its leaves as they stand in the draft.
    pub(crate) fn write(&self, draft: &Draft) -> Vec<u8> {
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
        self.write_to(draft, &mut out);
        out.into_bytes()
    }

    fn write_to(&self, draft: &Draft, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            match value {
                Value::Plain(value) => attribute(value, out),
                Value::Leaf(id) => attribute(&draft.get(*id), out),
            }
            out.push('"');
        }
        if self.children.is_empty() {
            return out.push_str("/>");
        }
        out.push('>');
        for node in &self.children {
            match node {
                Node::Element(element) => element.write_to(draft, out),
                Node::Text(text) => content(text, out),
                Node::Leaf(id) => content(&draft.get(*id), out),
            }
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// Characters that XML 1.0 has none of do not come through.
fn content(text: &str, out: &mut String) {
    let clean: String = text
        .chars()
        .filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..))
        .collect();
    escaped(&clean, out);
}

fn attribute(text: &str, out: &mut String) {
    let mut plain = String::new();
    content(text, &mut plain);
    out.push_str(
        &plain
            .replace('\n', "&#10;")
            .replace('\r', "&#13;")
            .replace('\t', "&#9;"),
    );
}

/// Reads a part; `what` names it in a refusal.
pub(crate) fn parse(bytes: &[u8], what: &'static str) -> Result<Element, Refusal> {
    let damaged = || Refusal::Damaged(what);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|_| damaged())?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH {
                    return Err(Refusal::TooDeep(DEPTH));
                }
                open.push(begun(&start).ok_or_else(damaged)?);
            }
            Event::Empty(start) => {
                let element = begun(&start).ok_or_else(damaged)?;
                close(element, &mut open, &mut root).ok_or_else(damaged)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(damaged)?;
                close(element, &mut open, &mut root).ok_or_else(damaged)?;
            }
            Event::Text(text) => push(&mut open, &text),
            Event::CData(text) => push(&mut open, &text),
            Event::GeneralRef(name) => {
                let c = referred(&name).ok_or_else(damaged)?;
                push(&mut open, c.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err(Refusal::Unknown("a document type")),
            Event::Eof => break,
            _ => {}
        }
    }
    if !open.is_empty() {
        return Err(damaged());
    }
    root.ok_or_else(damaged)
}

fn begun(start: &BytesStart<'_>) -> Option<Element> {
    let mut element = Element::new(start.name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .ok()?;
        let name = attribute.key.as_ref().to_owned();
        element
            .attributes
            .push((name, Value::Plain(value.into_owned())));
    }
    Some(element)
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Option<()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(Node::Element(element)),
        None if root.is_none() => *root = Some(element),
        None => return None,
    }
    Some(())
}

fn push(open: &mut [Element], text: &str) {
    let Some(element) = open.last_mut() else {
        return;
    };
    // Line ends are one character (XML 1.0, section 2.11).
    let text = text.replace("\r\n", "\n");
    if let Some(Node::Text(last)) = element.children.last_mut() {
        last.push_str(&text);
    } else {
        element.children.push(Node::Text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        let text =
            "<w:a xmlns:w=\"x\" b=\"1 &amp; &quot;2&quot;\"><w:c/>t &lt; &#x5F20;<d>  </d></w:a>";
        let tree = parse(text.as_bytes(), "x").unwrap();
        let written = String::from_utf8(tree.write(&Draft::default())).unwrap();
        let body = written.split_once('\n').unwrap().1;
        assert_eq!(body, text.replace("&#x5F20;", "张"));
        let again = parse(written.as_bytes(), "x").unwrap();
        assert_eq!(again.get("b"), Some("1 & \"2\""));
    }

    #[test]
    fn refuses_what_is_not_well_formed_or_declares() {
        for text in [
            "<a>",
            "<a></b>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "",
            "<a/><b/>",
            "<a>&b;</a>",
        ] {
            assert!(parse(text.as_bytes(), "x").is_err(), "{text}");
        }
    }
}
