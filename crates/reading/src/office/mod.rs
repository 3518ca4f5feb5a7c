//! Documents: Word, PowerPoint, OpenDocument, EPUB, HTML and RTF as text and tables.
//!
//! Text stands in the order of the document, a paragraph a line; tables come as tables. Deleted
//! text that a document still holds is text: it leaks all the same. Formulas, scripts and styles
//! are not read, nothing is fetched, and no entity is expanded.

mod blocks;
pub(crate) mod html;
mod markup;
pub(crate) mod rtf;

use std::ops::ControlFlow;
use std::sync::Arc;

use liuhen_document::Locator;

use self::blocks::Vocabulary;
use self::markup::{Chapter, Markup};

pub(crate) use self::markup::Bounded;
use crate::archive::zip::{Document, Parts};
use crate::source::Blob;
use crate::unpack::Walker;

/// Opens a document that comes as a ZIP: its text, then the files embedded in it.
pub(crate) fn open(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    blob: &Blob,
    document: Document,
) -> ControlFlow<()> {
    let parts = match Parts::open(blob, &walker.budget) {
        Ok(parts) => parts,
        Err(error) => return walker.unread(place, error),
    };
    let (format, vocabulary) = match document {
        Document::Slides => ("PPTX", Vocabulary::Office),
        Document::Open => ("OpenDocument", Vocabulary::OpenDocument),
        Document::Book => ("EPUB", Vocabulary::Page),
        _ => ("DOCX", Vocabulary::Office),
    };
    let chapters = chapters(&parts, document);
    let parts = Arc::new(parts);
    let flow = Markup::new(
        Arc::clone(&parts),
        chapters,
        vocabulary,
        &walker.budget.limits,
    );
    walker.flow(place, name, format, Box::new(flow))?;
    for embedded in parts.names().filter(|name| is_embedded(name)) {
        let inner = place.clone().inside(embedded);
        match parts.part(embedded) {
            Ok(Some(mut stream)) => {
                let last = crate::archive::names::last(embedded);
                walker.stream(inner, last, &mut stream)?;
            }
            Ok(None) => {}
            Err(error) => walker.unread(&inner, error)?,
        }
    }
    ControlFlow::Continue(())
}

/// Pictures, and documents within the document.
fn is_embedded(name: &str) -> bool {
    let folders = [
        "word/media/",
        "word/embeddings/",
        "ppt/media/",
        "ppt/embeddings/",
        "Pictures/",
        "Object ",
    ];
    let ending = name.rsplit('.').next().unwrap_or("");
    let text = ["xml", "rels", "vml"].contains(&ending);
    let page_picture =
        ["jpg", "jpeg", "png", "gif", "webp"].contains(&ending) && !name.starts_with("Thumbnails/");
    !name.ends_with('/')
        && !text
        && (page_picture || folders.iter().any(|folder| name.starts_with(folder)))
}

/// The parts that hold text, in the order of reading; slides and chapters are places of their own.
fn chapters(parts: &Parts, document: Document) -> Vec<Chapter> {
    let whole = |part: &str| Chapter {
        part: part.to_owned(),
        section: None,
    };
    match document {
        Document::Open => vec![whole("content.xml")],
        Document::Slides => {
            let mut slides = numbered(parts, "ppt/slides/slide", "slide");
            slides.extend(numbered(parts, "ppt/notesSlides/notesSlide", "notes"));
            slides.extend(numbered(parts, "ppt/comments/comment", "comments"));
            slides
        }
        Document::Book => {
            let endings = [".xhtml", ".html", ".htm"];
            let pages = parts
                .names()
                .filter(|name| endings.iter().any(|end| name.ends_with(end)));
            let page = |name: &str| Chapter {
                part: name.to_owned(),
                section: Some(name.to_owned()),
            };
            pages.map(page).collect()
        }
        _ => {
            let mut all = vec![whole("word/document.xml")];
            for stem in ["header", "footer"] {
                let stem = format!("word/{stem}");
                let found = numbered(parts, &stem, "");
                all.extend(found.into_iter().map(|chapter| whole(&chapter.part)));
            }
            all.extend(
                [
                    "word/footnotes.xml",
                    "word/endnotes.xml",
                    "word/comments.xml",
                ]
                .map(whole),
            );
            all
        }
    }
}

/// Parts `stem1.xml`, `stem2.xml` and so on, in the order of their numbers.
fn numbered(parts: &Parts, stem: &str, label: &str) -> Vec<Chapter> {
    let mut found: Vec<(u64, &str)> = parts
        .names()
        .filter_map(|name| {
            let number = name.strip_prefix(stem)?.strip_suffix(".xml")?;
            Some((number.parse().ok()?, name))
        })
        .collect();
    found.sort_unstable();
    let chapter = |(number, part): (u64, &str)| Chapter {
        part: part.to_owned(),
        section: Some(format!("{label} {number}")),
    };
    found.into_iter().map(chapter).collect()
}
