//! A document that is a ZIP of parts (ECMA-376 part 2): its parts, their types and relationships.
//!
//! Only what a relationship of a known type leads to comes into a copy; everything else is dropped.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::Refusal;
use crate::draft::Draft;
use crate::tree::{Element, Value, parse};

/// Entries of an archive.
const ENTRIES: usize = 10_000;
/// Bytes that one entry may unpack to.
pub(crate) const PART: u64 = 256 << 20;
/// Bytes that all entries may unpack to.
const ALL: u64 = 1 << 30;

/// The entries of an archive, unpacked, in order.
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    entries_within(bytes, PART, ALL)
}

fn entries_within(
    bytes: &[u8],
    most: u64,
    all_most: u64,
) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    let damaged = |_| Refusal::Damaged("archive");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > ENTRIES {
        return Err(Refusal::Damaged("archive"));
    }
    let mut all = 0;
    let mut out = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(why) if why.contains("assword") => {
                Refusal::Encrypted
            }
            _ => Refusal::Damaged("archive"),
        })?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(damaged)?.into_owned();
        let mut held = Vec::new();
        let limit = most.min(all_most - all);
        let mut bounded = entry.take(limit + 1);
        bounded
            .read_to_end(&mut held)
            .map_err(|_| Refusal::Damaged("archive"))?;
        if held.len() as u64 > limit {
            return Err(Refusal::TooLarge(limit));
        }
        all += held.len() as u64;
        out.push((name, held));
    }
    Ok(out)
}

/// An archive of these entries, which tell neither time nor system.
pub(crate) fn archive<'a>(
    entries: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<u8>, Refusal> {
    let failed = |_| Refusal::Damaged("archive");
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(name, options).map_err(failed)?;
        writer
            .write_all(bytes)
            .map_err(|_| Refusal::Damaged("archive"))?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

/// A relationship of a part.
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The whole type, and what follows its last slash.
    pub(crate) whole: String,
    pub(crate) target: Target,
}

impl Relation {
    pub(crate) fn kind(&self) -> &str {
        self.whole.rsplit('/').next().unwrap_or_default()
    }
}

pub(crate) enum Target {
    /// The name of a part.
    Part(String),
    /// Something outside.
    Outside(Value),
}

/// What a part holds.
pub(crate) enum Body {
    Xml(Box<Element>),
    Bytes(Vec<u8>),
}

/// A part that goes into the copy.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) relations: Vec<Relation>,
    pub(crate) body: Body,
}

/// A document's parts as they came.
pub(crate) struct Source {
    entries: HashMap<String, Vec<u8>>,
    overrides: HashMap<String, String>,
    defaults: HashMap<String, String>,
}

impl Source {
    pub(crate) fn open(entries: Vec<(String, Vec<u8>)>) -> Result<Self, Refusal> {
        let mut map = HashMap::new();
        for (name, bytes) in entries {
            // Two parts of one name: which of them a reader takes is anybody's guess.
            if map.insert(key(&name), bytes).is_some() {
                return Err(Refusal::Damaged("archive"));
            }
        }
        let types = map
            .get("[content_types].xml")
            .ok_or(Refusal::Damaged("content types"))?;
        let types = parse(types, "content types")?;
        let (mut overrides, mut defaults) = (HashMap::new(), HashMap::new());
        for element in types.elements() {
            let kind = element.get("ContentType").unwrap_or_default().to_owned();
            if let Some(part) = element.get("PartName") {
                overrides.insert(key(part), kind);
            } else if let Some(ending) = element.get("Extension") {
                defaults.insert(ending.to_ascii_lowercase(), kind);
            }
        }
        Ok(Self {
            entries: map,
            overrides,
            defaults,
        })
    }

    pub(crate) fn content_type(&self, name: &str) -> &str {
        let ending = name
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let found = self
            .overrides
            .get(&key(name))
            .or_else(|| self.defaults.get(&ending));
        found.map_or("", String::as_str)
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.entries.get(&key(name)).map(Vec::as_slice)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The relationships of a part; those of the whole document for an empty name.
    pub(crate) fn relations(&self, part: &str) -> Result<Vec<Relation>, Refusal> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let way = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let Some(bytes) = self.bytes(&format!("{way}_rels/{file}.rels")) else {
            return Ok(Vec::new());
        };
        let tree = parse(bytes, "relationships")?;
        let relation = |element: &Element| {
            let target = element.get("Target")?;
            let outside = element.get("TargetMode") == Some("External");
            Some(Relation {
                id: element.get("Id")?.to_owned(),
                whole: element.get("Type")?.to_owned(),
                target: if outside {
                    Target::Outside(Value::Plain(target.to_owned()))
                } else {
                    Target::Part(resolved(folder, target))
                },
            })
        };
        Ok(tree.elements().filter_map(relation).collect())
    }
}

/// Names of parts differ not by case alone, and may begin with a slash.
fn key(name: &str) -> String {
    name.trim_start_matches('/')
        .replace('\\', "/")
        .to_ascii_lowercase()
}

/// A target as seen from a folder.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut way: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => {
                way.pop();
            }
            "." | "" => {}
            step => way.push(step),
        }
    }
    way.join("/")
}

/// A name of a part that says nothing: letters, digits and few signs.
pub(crate) fn is_plain(name: &str) -> bool {
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max()
        .unwrap_or(0);
    digits < 7
        && name.len() < 200
        && !name.split('/').any(|step| step == "..")
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
}

/// The copy, all parts written.
pub(crate) fn write(
    parts: &[Part],
    root: &[Relation],
    draft: &Draft,
) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    let mut types = Element::new("Types");
    types.set(
        "xmlns",
        "http://schemas.openxmlformats.org/package/2006/content-types",
    );
    let mut add = |name: &str, key: &str, value: &str, kind: &str| {
        let mut element = Element::new(name);
        element.set(key, value);
        element.set("ContentType", kind);
        types.children.push(crate::tree::Node::Element(element));
    };
    let rels = "application/vnd.openxmlformats-package.relationships+xml";
    add("Default", "Extension", "rels", rels);
    add("Default", "Extension", "xml", "application/xml");
    let mut endings: BTreeMap<String, &str> = BTreeMap::new();
    for part in parts {
        if let Body::Bytes(_) = part.body {
            let ending = part
                .name
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            endings.entry(ending).or_insert(&part.content_type);
        }
    }
    for (ending, kind) in &endings {
        add("Default", "Extension", ending, kind);
    }
    for part in parts {
        add(
            "Override",
            "PartName",
            &format!("/{}", part.name),
            &part.content_type,
        );
    }
    let mut out = vec![
        ("[Content_Types].xml".to_owned(), types.write(draft)),
        ("_rels/.rels".to_owned(), relations(root, draft)),
    ];
    for part in parts {
        let bytes = match &part.body {
            Body::Xml(tree) => tree.write(draft),
            Body::Bytes(bytes) => bytes.clone(),
        };
        out.push((part.name.clone(), bytes));
        if !part.relations.is_empty() {
            let (folder, file) = part.name.rsplit_once('/').unwrap_or(("", &part.name));
            let way = if folder.is_empty() {
                String::new()
            } else {
                format!("{folder}/")
            };
            out.push((
                format!("{way}_rels/{file}.rels"),
                relations(&part.relations, draft),
            ));
        }
    }
    Ok(out)
}

fn relations(list: &[Relation], draft: &Draft) -> Vec<u8> {
    let mut tree = Element::new("Relationships");
    tree.set(
        "xmlns",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    );
    for relation in list {
        let mut element = Element::new("Relationship");
        element.set("Id", &relation.id);
        element.set("Type", &relation.whole);
        match &relation.target {
            Target::Part(name) => element.set("Target", &format!("/{name}")),
            Target::Outside(target) => {
                let target = match target {
                    Value::Plain(target) => target.clone(),
                    // A link that was changed leads nowhere.
                    Value::Leaf(leaf) if draft.is_changed(*leaf) => "about:blank".to_owned(),
                    Value::Leaf(leaf) => draft.get(*leaf),
                };
                element.set("Target", &target);
                element.set("TargetMode", "External");
            }
        }
        tree.children.push(crate::tree::Node::Element(element));
    }
    tree.write(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_entries_that_swell_alone_or_together() {
        let text = [b' '; 600];
        let bytes = archive([("a", &text[..]), ("b", &text[..])].into_iter()).unwrap();
        assert_eq!(entries_within(&bytes, 600, 1200).unwrap().len(), 2);
        assert_eq!(
            entries_within(&bytes, 599, 1200),
            Err(Refusal::TooLarge(599))
        );
        assert_eq!(
            entries_within(&bytes, 600, 1000),
            Err(Refusal::TooLarge(400))
        );
    }

    #[test]
    fn targets_are_seen_from_their_folder() {
        let rows = [
            ("word", "media/a.png", "word/media/a.png"),
            ("xl/worksheets", "../drawings/d.xml", "xl/drawings/d.xml"),
            ("word", "/word/b.xml", "word/b.xml"),
            ("", "word/document.xml", "word/document.xml"),
            ("a", "../../../b.xml", "b.xml"),
        ];
        for (folder, target, expected) in rows {
            assert_eq!(resolved(folder, target), expected, "{target}");
        }
    }

    #[test]
    fn names_that_say_something_are_known() {
        assert!(is_plain("word/media/image1.png") && is_plain("xl/worksheets/sheet12.xml"));
        for name in [
            "word/media/张三.png",
            "word/media/13800138000.png",
            "a/../b",
            "a b",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
