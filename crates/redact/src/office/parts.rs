//! Which parts of a document come into a copy, by the types of the relationships that lead to them.

use crate::package::{Relation, Target};
use crate::{Dropped, Refusal};

/// The sort of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Word,
    Sheet,
    Slides,
}

impl Flavour {
    pub(super) fn of(content_type: &str) -> Result<Self, Refusal> {
        let holds = |what: &str| content_type.contains(what);
        if holds("ms-excel.sheet.binary") {
            return Err(Refusal::Format("a binary workbook (XLSB)"));
        }
        if holds("wordprocessingml") || holds("ms-word") {
            Ok(Self::Word)
        } else if holds("spreadsheetml") || holds("ms-excel") {
            Ok(Self::Sheet)
        } else if holds("presentationml") || holds("ms-powerpoint") {
            Ok(Self::Slides)
        } else {
            Err(Refusal::Format("a package that is no document"))
        }
    }
}

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is cleaned and written anew.
    Xml,
    /// It is looked into, or blank in the copy.
    Picture,
    /// A link to somewhere outside.
    Link,
    /// What it says stands in other parts of the copy.
    Read,
    Drop(Dropped),
}

const WORD: [&str; 10] = [
    "styles",
    "settings",
    "fontTable",
    "numbering",
    "theme",
    "header",
    "footer",
    "footnotes",
    "endnotes",
    "comments",
];
const SHEET: [&str; 6] = [
    "worksheet",
    "styles",
    "theme",
    "drawing",
    "comments",
    "vmlDrawing",
];
const SLIDES: [&str; 9] = [
    "slide",
    "slideLayout",
    "slideMaster",
    "notesSlide",
    "notesMaster",
    "handoutMaster",
    "theme",
    "tableStyles",
    "comments",
];

/// What becomes of the part that a relationship leads to.
pub(super) fn fate(flavour: Flavour, relation: &Relation) -> Fate {
    let kind = relation.kind();
    let known: &[&str] = match flavour {
        Flavour::Word => &WORD,
        Flavour::Sheet => &SHEET,
        Flavour::Slides => &SLIDES,
    };
    let modern = relation.whole.contains("schemas.microsoft.com");
    match kind {
        "hyperlink" if matches!(relation.target, Target::Outside(_)) => Fate::Link,
        "image" => Fate::Picture,
        "sharedStrings" if flavour == Flavour::Sheet => Fate::Read,
        "commentAuthors" if flavour == Flavour::Slides => Fate::Xml,
        kind if known.contains(&kind) && !modern => Fate::Xml,
        _ => Fate::Drop(dropped(relation)),
    }
}

/// What a part is called that is dropped.
pub(super) fn dropped(relation: &Relation) -> Dropped {
    let kind = relation.kind();
    let begins = |what: &[&str]| what.iter().any(|what| kind.starts_with(what));
    match kind {
        "core-properties" | "extended-properties" | "custom-properties" | "docPropsVBA" => {
            Dropped::Metadata
        }
        "thumbnail" => Dropped::Thumbnail,
        "customXml" | "customXmlProps" | "tags" | "customProperty" | "xmlMaps" => {
            Dropped::CustomXml
        }
        "oleObject"
        | "package"
        | "aFChunk"
        | "subDocument"
        | "control"
        | "ctrlProp"
        | "activeXControlBinary"
        | "frame" => Dropped::Embedded,
        "vbaProject"
        | "wordVbaData"
        | "xlMacrosheet"
        | "xlIntlMacrosheet"
        | "vbaProjectSignature"
        | "attachedToolbars"
        | "keyMapCustomizations"
        | "dialogsheet" => Dropped::Macro,
        "printerSettings" => Dropped::Printer,
        "externalLink"
        | "externalLinkPath"
        | "queryTable"
        | "connections"
        | "attachedTemplate"
        | "mailMergeSource"
        | "mailMergeHeaderSource"
        | "recipientData" => Dropped::ExternalLink,
        "audio" | "video" | "media" => Dropped::Media,
        "revisionHeaders" | "revisionLog" | "usernames" => Dropped::Revision,
        "commentsExtended" | "commentsIds" | "commentsExtensible" | "people" | "person"
        | "threadedComment" | "authors" | "comments" => Dropped::Threads,
        "calcChain" => Dropped::Formula,
        "image" => Dropped::Picture,
        "webSettings"
        | "stylesWithEffects"
        | "glossaryDocument"
        | "presProps"
        | "viewProps"
        | "table"
        | "tableSingleCells"
        | "sheetMetadata"
        | "font"
        | "origin"
        | "signature"
        | "vmlDrawing"
        | "drawing"
        | "styles"
        | "settings"
        | "fontTable"
        | "theme"
        | "rdRichValue"
        | "rdRichValueStructure"
        | "rdRichValueTypes"
        | "volatileDependencies"
        | "featurePropertyBag" => Dropped::Extension,
        _ if begins(&["pivot", "slicer", "timeline"]) => Dropped::Pivot,
        _ if begins(&["chart"]) => Dropped::Chart,
        _ if begins(&["diagram"]) => Dropped::Diagram,
        _ => Dropped::Unknown,
    }
}

/// What a part is called in a refusal.
pub(super) fn in_words(name: &str) -> &'static str {
    let rows = [
        ("slide", "a slide"),
        ("sheet", "a sheet"),
        ("comment", "comments"),
        ("style", "styles"),
        ("drawing", "a drawing"),
        ("workbook", "the workbook"),
        ("presentation", "the presentation"),
        ("document", "the document"),
    ];
    let file = name
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    rows.iter()
        .find(|(key, _)| file.contains(key))
        .map_or("a part", |(_, word)| word)
}
