//! DOCX, XLSX and PPTX (ECMA-376): parts of known sorts are cleaned and written anew, all others
//! dropped.
//!
//! What leads where belongs to `parts`; paragraphs and tables to `words`; sheets to `sheet`.

mod clean;
mod parts;
mod sheet;
mod words;

use std::collections::{HashMap, HashSet, VecDeque};

use self::parts::{Fate, Flavour, fate};
use crate::draft::Draft;
use crate::package::{Body, Part, Relation, Source, Target, archive, is_plain, write};
use crate::redactor::Job;
use crate::tree::{Value, parse};
use crate::{Dropped, Refusal};

/// One grey pixel, which a document stretches over the place of its picture.
const BLANK: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\xdac8\x00\x00\x00\xc2\x00\xc1\xff\xd6-\xdc\x00\x00\x00\x00IEND\xaeB`\x82";

/// Whether these entries are a document's, of whatever sort.
pub(crate) fn is_document(names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| name.eq_ignore_ascii_case("[Content_Types].xml"))
}

/// A document; `bytes` are the file that `unpacked` came out of.
pub(crate) fn redact(
    bytes: &[u8],
    unpacked: Vec<(String, Vec<u8>)>,
    job: &mut Job<'_, '_>,
) -> Result<Vec<u8>, Refusal> {
    let source = Source::open(unpacked)?;
    let root = source.relations("")?;
    let main = root
        .iter()
        .find(|relation| relation.kind() == "officeDocument")
        .ok_or(Refusal::Format("a package that is no document"))?;
    let Target::Part(main_name) = &main.target else {
        return Err(Refusal::Damaged("relationships"));
    };
    let flavour = Flavour::of(source.content_type(main_name))?;
    let mut copy = Copying {
        source: &source,
        flavour,
        names: HashMap::new(),
        parts: Vec::new(),
        seen: HashSet::new(),
        dropped: Vec::new(),
    };
    copy.walk(main_name, job)?;
    for relation in &root {
        if let (Target::Part(name), false) = (&relation.target, relation.kind() == "officeDocument")
        {
            copy.dropped.push((name.clone(), parts::dropped(relation)));
        }
    }
    copy.count_dropped(job);
    let mut parts = copy.parts;
    let mut draft = Draft::default();
    for part in &mut parts {
        alive(part, job);
    }
    let sheets = match flavour {
        Flavour::Sheet => sheet::collect(bytes, &source, main_name, &mut parts, &mut draft, job)?,
        _ => sheet::Sheets::default(),
    };
    for part in &mut parts {
        words::collect(flavour, part, &mut draft);
    }
    job.settle(&mut draft, &|_| true)?;
    sheet::finish(sheets, &mut parts, &draft);
    let root = [Relation {
        id: "rId1".to_owned(),
        whole: main.whole.clone(),
        target: Target::Part(
            parts
                .first()
                .map(|part| part.name.clone())
                .unwrap_or_default(),
        ),
    }];
    let written = write(&parts, &root, &draft)?;
    job.nothing_left(written.iter().map(|(_, bytes)| bytes.as_slice()))?;
    archive(
        written
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    )
}

/// The parts that come along, found by walking from the first.
struct Copying<'s> {
    source: &'s Source,
    flavour: Flavour,
    /// What each part is called in the copy.
    names: HashMap<String, String>,
    parts: Vec<Part>,
    seen: HashSet<String>,
    dropped: Vec<(String, Dropped)>,
}

impl Copying<'_> {
    fn walk(&mut self, main: &str, job: &mut Job<'_, '_>) -> Result<(), Refusal> {
        let mut waiting: VecDeque<(String, Fate)> = VecDeque::new();
        self.name_of(main, None);
        waiting.push_back((main.to_owned(), Fate::Xml));
        while let Some((name, fate)) = waiting.pop_front() {
            if !self.seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            let Some(bytes) = self.source.bytes(&name) else {
                // A relationship to a part that is not there; what refers to it goes.
                self.names.remove(&name.to_ascii_lowercase());
                continue;
            };
            let own = self.name_of(&name, None);
            match fate {
                Fate::Picture => self.picture(own, &name, bytes, job),
                Fate::Xml => {
                    let relations = self.relations(&name, &mut waiting, job)?;
                    let tree = match parse(bytes, parts::in_words(&name)) {
                        Ok(tree) => tree,
                        // Old drawings are often no XML, and nothing depends on them.
                        Err(_) if name.ends_with(".vml") => {
                            job.drop(Dropped::Extension, 1);
                            self.names.remove(&name.to_ascii_lowercase());
                            continue;
                        }
                        Err(refusal) => return Err(refusal),
                    };
                    self.parts.push(Part {
                        name: own,
                        content_type: self.source.content_type(&name).to_owned(),
                        relations,
                        body: Body::Xml(Box::new(tree)),
                    });
                }
                _ => {}
            }
        }
        // What turned out not to come along is not referred to either.
        let names: HashSet<&str> = self.parts.iter().map(|part| part.name.as_str()).collect();
        let gone: HashSet<String> = self
            .names
            .values()
            .filter(|name| !names.contains(name.as_str()))
            .cloned()
            .collect();
        let known: HashSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        for part in &mut self.parts {
            part.relations.retain(|relation| match &relation.target {
                Target::Part(name) => !gone.contains(name) && known.contains(name),
                Target::Outside(_) => true,
            });
        }
        Ok(())
    }

    /// The relationships of a part that come along; what they lead to waits to be looked at.
    fn relations(
        &mut self,
        part: &str,
        waiting: &mut VecDeque<(String, Fate)>,
        job: &mut Job<'_, '_>,
    ) -> Result<Vec<Relation>, Refusal> {
        let mut kept = Vec::new();
        for relation in self.source.relations(part)? {
            let fate = fate(self.flavour, &relation);
            match (&relation.target, fate) {
                (Target::Outside(Value::Plain(_)), Fate::Link) => kept.push(relation),
                (Target::Outside(_), _) => job.drop(Dropped::ExternalLink, 1),
                (Target::Part(name), Fate::Xml | Fate::Picture) => {
                    let blank = fate == Fate::Picture;
                    let new = self.name_of(name, blank.then_some("png"));
                    waiting.push_back((name.clone(), fate));
                    kept.push(Relation {
                        target: Target::Part(new),
                        ..relation
                    });
                }
                (Target::Part(name), Fate::Read) => {
                    self.seen.insert(name.to_ascii_lowercase());
                }
                (Target::Part(name), Fate::Drop(what)) => self.dropped.push((name.clone(), what)),
                (Target::Part(_), Fate::Link) => {}
            }
        }
        Ok(kept)
    }

    /// What a part is called in the copy: as before, unless its name says something.
    fn name_of(&mut self, name: &str, picture: Option<&str>) -> String {
        let count = self.names.len();
        let known = self
            .names
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| {
                let ending = name.rsplit('.').next().unwrap_or("xml");
                let ending = if is_plain(ending) { ending } else { "xml" };
                match picture {
                    // Whether it stays in its format is not known yet.
                    Some(_) => format!("media/image{count}.{ending}"),
                    None if is_plain(name) => name.to_owned(),
                    None => format!("parts/part{count}.{ending}"),
                }
            });
        known.clone()
    }

    fn picture(&mut self, name: String, from: &str, bytes: &[u8], job: &mut Job<'_, '_>) {
        let (content_type, bytes) = match job.picture(bytes) {
            Some(bytes) => (self.source.content_type(from).to_owned(), bytes),
            None => {
                job.drop(Dropped::Picture, 1);
                ("image/png".to_owned(), BLANK.to_vec())
            }
        };
        // A part's own type overrules its ending, so that a blank one needs no other name.
        self.parts.push(Part {
            name,
            content_type,
            relations: Vec::new(),
            body: Body::Bytes(bytes),
        });
    }

    /// Counts what is left behind, by what it is; parts that nothing leads to are unknown.
    fn count_dropped(&mut self, job: &mut Job<'_, '_>) {
        let mut waiting: VecDeque<(String, Dropped)> = self.dropped.drain(..).collect();
        while let Some((name, what)) = waiting.pop_front() {
            if self.source.bytes(&name).is_none() || !self.seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            job.drop(what, 1);
            // What cannot be read of a part that is dropped anyway is dropped with it.
            for relation in self.source.relations(&name).unwrap_or_default() {
                if let Target::Part(inner) = &relation.target {
                    waiting.push_back((inner.clone(), parts::dropped(&relation)));
                }
            }
        }
        let rest = self.source.names().filter(|name| {
            !self.seen.contains(*name) && !name.ends_with(".rels") && *name != "[content_types].xml"
        });
        job.drop(Dropped::Unknown, rest.count() as u64);
    }
}

/// Cleans a part, and takes out what refers to parts that do not come along.
fn alive(part: &mut Part, job: &mut Job<'_, '_>) {
    let ids: HashSet<&str> = part
        .relations
        .iter()
        .map(|relation| relation.id.as_str())
        .collect();
    if let Body::Xml(tree) = &mut part.body {
        clean::clean(tree, job);
        clean::cut(tree, &ids);
    }
}
