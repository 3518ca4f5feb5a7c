//! What a text is beyond its characters: records, mail, cards, by its first bytes.

use crate::{HEAD, chat, jsonl, mail, records, sql, vcard};

/// A form of text that has a reader of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// None: it is read as it is written.
    Plain,
    /// A page of HTML.
    Page,
    /// A dump of SQL.
    Dump,
    /// An object of JSON a line.
    JsonLines,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// A message, or a page saved as one (MHTML).
    Mail,
    /// Messages one after another.
    Mailbox,
    /// vCards.
    Cards,
    /// A chat, exported as text.
    Chat,
}

/// The form of the text that `head` begins. Without `records` only a form whose parts are encoded
/// counts, so that the places of all others are those of the file.
pub(crate) fn form(head: &[u8], name: &str, records: bool) -> Form {
    if mail::is_mailbox(head) {
        return Form::Mailbox;
    }
    if mail::is_message(head, name) {
        return Form::Mail;
    }
    if vcard::is_card(head) && (records || vcard::is_encoded(head)) {
        return Form::Cards;
    }
    if records && is_json_lines(head) {
        return Form::JsonLines;
    }
    if records::json::looks(head) && (records || records::json::is_escaped(head)) {
        return Form::Json;
    }
    if !records {
        return Form::Plain;
    }
    if is_page(head) {
        Form::Page
    } else if records::xml::looks(head, name) {
        Form::Xml
    } else if sql::is_dump(head, name) {
        Form::Dump
    } else if chat::is_export(head) {
        Form::Chat
    } else {
        Form::Plain
    }
}

/// Whether objects stand a line each, with nothing within them that a row could not show.
fn is_json_lines(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines
        .by_ref()
        .filter(|line| !line.is_empty())
        .take(2)
        .collect();
    let flat = |line: &[u8]| {
        line.iter()
            .filter(|byte| matches!(byte, b'{' | b'['))
            .count()
            <= 1
    };
    jsonl::looks(head, head.len() < HEAD)
        && lines.get(1).is_some_and(|line| line.starts_with(b"{"))
        && lines.iter().all(|line| flat(line))
}

/// Whether a text begins as a page of HTML does.
fn is_page(head: &[u8]) -> bool {
    let begin: Vec<u8> = head
        .iter()
        .take(1 << 10)
        .map(u8::to_ascii_lowercase)
        .collect();
    let marks: [&[u8]; 3] = [b"<!doctype html", b"<html", b"<table"];
    marks
        .iter()
        .any(|mark| memchr::memmem::find(&begin, mark).is_some())
}
