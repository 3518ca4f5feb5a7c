//! Outlook's messages (MS-OXMSG): head, body, and attachments as files of their own.

use std::ops::ControlFlow;

use liuhen_document::Locator;

use super::{Compound, stream};
use crate::Limits;
use crate::archive::names;
use crate::charset::Evidence;
use crate::unpack::{Texts, Walker};

/// Attachments and recipients of a message.
const MOST: usize = 2_048;

/// Properties that are text of the message (MS-OXPROPS), in the order of reading.
const HEAD: [(&str, &str); 8] = [
    ("0C1A", "From"),
    ("0C1F", "From"),
    ("5D01", "From"),
    ("0E04", "To"),
    ("0E03", "Cc"),
    ("0037", "Subject"),
    ("007D", ""),
    ("1000", ""),
];

pub(super) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    file: &mut Compound,
) -> ControlFlow<()> {
    let limits = walker.budget.limits.clone();
    let mut lines = Vec::new();
    for (property, label) in HEAD {
        if let Some(text) = property_of(file, "", property, &limits) {
            lines.push(match label {
                "" => format!("{text}\n"),
                label => format!("{label}: {text}\n"),
            });
        }
    }
    let storages = storages(file);
    for recipient in storages.iter().filter(|path| path.starts_with("/__recip_")) {
        let parts = ["3001", "39FE", "3003"];
        let known =
            parts.map(|part| property_of(file, recipient, part, &limits).unwrap_or_default());
        lines.push(format!("{}\n", known.join(" ").trim()));
    }
    // The page is another form of the body; it may hold what the plain one does not.
    let page = stream(file, "/__substg1.0_10130102", &limits).ok();
    walker.flow(place, name, "MSG", Box::new(Texts::new(lines)))?;
    if let Some(page) = page {
        walker.stream(
            place.clone().inside("body.html"),
            "body.html",
            &mut page.as_slice(),
        )?;
    }
    for attachment in storages
        .iter()
        .filter(|path| path.starts_with("/__attach_"))
    {
        let named = ["3707", "3704", "3001"];
        let named = named
            .into_iter()
            .find_map(|part| property_of(file, attachment, part, &limits));
        let named = names::shortened(named.unwrap_or_else(|| "attachment".to_owned()));
        let inner = place.clone().inside(named.as_str());
        let path = format!("{attachment}/__substg1.0_37010102");
        if !file.is_stream(&path) {
            walker.not_read(&inner, "a message attached to a message (MSG)")?;
            continue;
        }
        match stream(file, &path, &limits) {
            Ok(bytes) => walker.stream(inner, names::last(&named), &mut bytes.as_slice())?,
            Err(error) => walker.unread(&inner, error)?,
        }
    }
    ControlFlow::Continue(())
}

/// The storages at the root, by their paths.
fn storages(file: &Compound) -> Vec<String> {
    let entries = file.read_storage("/").into_iter().flatten();
    let storages = entries.filter(|entry| entry.is_storage());
    storages
        .take(MOST)
        .map(|entry| format!("/{}", entry.name()))
        .collect()
}

/// A property of type text: in UTF-16, or in bytes of some code page.
fn property_of(file: &mut Compound, storage: &str, id: &str, limits: &Limits) -> Option<String> {
    let wide = format!("{storage}/__substg1.0_{id}001F");
    if file.is_stream(&wide) {
        let bytes = stream(file, &wide, limits).ok()?;
        let units: Vec<u16> = bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|unit| u16::from_le_bytes(*unit))
            .collect();
        return Some(String::from_utf16_lossy(&units)).filter(|text| !text.is_empty());
    }
    let narrow = format!("{storage}/__substg1.0_{id}001E");
    if !file.is_stream(&narrow) {
        return None;
    }
    let bytes = stream(file, &narrow, limits).ok()?;
    let text = Evidence::of(&bytes)
        .judge()
        .0
        .decode_without_bom_handling(&bytes)
        .0
        .into_owned();
    Some(text).filter(|text| !text.is_empty())
}
