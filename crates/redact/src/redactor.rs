//! The door: bytes and a name in, a copy out; and what formats of another's making may ask for.

use liuhen_kinds::Kind;
use liuhen_reading::{Nature, comes_apart, nature};

use crate::draft::{Draft, Hands, Part};
use crate::package::{archive, entries};
use crate::replace::Run;
use crate::{
    Action, Dropped, Finder, Key, Policy, Refusal, Replacer, Report, Written, delimited, html,
    json, mail, office, text,
};

/// Bytes that a format is judged by.
const HEAD: usize = 64 << 10;
/// The largest file that is read.
const LARGEST: u64 = 512 << 20;
/// Files within files.
const DEPTH: usize = 6;

/// A copy of a picture, and how many findings of each kind were hidden in it.
pub type PictureCopy = (Vec<u8>, Vec<(Kind, u64)>);

/// Looks into pictures.
pub trait Pictures {
    /// A picture of the same format and size in which everything of a person is hidden, without
    /// metadata.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when it cannot be looked into; within a document a blank one then takes its place.
    fn redact(&self, bytes: &[u8]) -> Result<PictureCopy, Refusal>;
}

/// A format of another's making, such as PDF. Asked before the formats of this crate.
pub trait Format {
    /// Whether a file is of it, by its first 64 KiB and its name.
    fn takes(&self, head: &[u8], name: &str) -> bool;

    /// The copy.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when there is none.
    fn redact(&self, bytes: &[u8], name: &str, job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal>;
}

/// Makes copies in which what is found is hidden; keeps, as long as it lives, who answers for whom.
pub struct Redactor<'a> {
    run: Run<'a>,
    finder: &'a dyn Finder,
    pictures: Option<&'a dyn Pictures>,
    formats: Vec<&'a dyn Format>,
}

impl std::fmt::Debug for Redactor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// A copy of a file.
pub struct Copy {
    /// The file.
    pub bytes: Vec<u8>,
    /// What was done.
    pub report: Report,
    /// What stands in it because it was written there.
    pub written: Written,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copy")
            .field("bytes", &self.bytes.len())
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl<'a> Redactor<'a> {
    /// Hides what `finder` finds as `policy` says.
    #[must_use]
    pub fn new(policy: &'a Policy, finder: &'a dyn Finder, key: Key) -> Self {
        Self {
            run: Run::new(policy, key),
            finder,
            pictures: None,
            formats: Vec::new(),
        }
    }

    /// Takes tokens from elsewhere instead of deriving them from the key.
    #[must_use]
    pub fn tokens(mut self, replacer: &'a dyn Replacer) -> Self {
        self.run.tokens = Some(replacer);
        self
    }

    /// Looks into pictures, which are refused or blank otherwise.
    #[must_use]
    pub fn pictures(mut self, pictures: &'a dyn Pictures) -> Self {
        self.pictures = Some(pictures);
        self
    }

    /// Takes one more format.
    #[must_use]
    pub fn format(mut self, format: &'a dyn Format) -> Self {
        self.formats.push(format);
        self
    }

    /// The copy of a file; its name tells what its bytes do not.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when there is none.
    pub fn redact(&mut self, bytes: &[u8], name: &str) -> Result<Copy, Refusal> {
        let mut job = Job {
            redactor: self,
            report: Report::default(),
            written: Written::default(),
            depth: 0,
        };
        let bytes = job.file(bytes, name)?;
        Ok(Copy {
            bytes,
            report: job.report,
            written: job.written,
        })
    }

    /// The name of a file or folder with what is found in it hidden.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when whoever gives tokens refuses.
    pub fn name(&mut self, name: &str) -> Result<(String, Written), Refusal> {
        let mut job = Job {
            redactor: self,
            report: Report::default(),
            written: Written::default(),
            depth: 0,
        };
        let name = job.name(name)?;
        Ok((name, job.written))
    }
}

/// One file on its way through.
pub struct Job<'j, 'a> {
    redactor: &'j mut Redactor<'a>,
    report: Report,
    written: Written,
    depth: usize,
}

impl std::fmt::Debug for Job<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

/// Something found in a text, and what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// What it is.
    pub kind: Kind,
    /// What is done with it.
    pub action: Action,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

impl Job<'_, '_> {
    /// What is to be hidden in a text, in order: for formats that paint over it, and say by
    /// [`Job::hid`] what they painted.
    pub fn find(&mut self, text: &str) -> Vec<Hidden> {
        let policy = self.redactor.run.policy;
        let spots = self.redactor.finder.in_text(text);
        let hidden: Vec<Hidden> = spots
            .iter()
            .filter(|spot| policy.hides(spot.kind))
            .map(|spot| Hidden {
                kind: spot.kind,
                action: policy.action(spot.kind),
                start: spot.start,
                end: spot.end,
            })
            .collect();
        for spot in &spots {
            if let Some(text) = text
                .get(spot.start..spot.end)
                .filter(|_| policy.hides(spot.kind))
            {
                self.written.note(spot.kind, text, "");
            }
        }
        hidden
    }

    /// Findings that were hidden by painting over them.
    pub fn hid(&mut self, found: impl IntoIterator<Item = (Kind, u64)>) {
        for (kind, count) in found {
            *self
                .report
                .hidden
                .entry((kind, Action::Remove))
                .or_insert(0) += count;
        }
    }

    /// A text with everything hidden in it.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when whoever gives tokens refuses.
    pub fn text(&mut self, text: &str) -> Result<String, Refusal> {
        text::running(text, self, &|_| true)
    }

    /// Something was left out of the copy.
    pub fn drop(&mut self, what: Dropped, count: u64) {
        self.report.drop(what, count);
    }

    /// A picture of a document, looked into; nothing when it is to be blank.
    pub fn picture(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (bytes, found) = self.redactor.pictures?.redact(bytes).ok()?;
        self.hid(found);
        Some(bytes)
    }

    /// The copy of a file within this one.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when there is none.
    pub fn nested(&mut self, bytes: &[u8], name: &str) -> Result<Vec<u8>, Refusal> {
        if self.depth >= DEPTH {
            return Err(Refusal::TooDeep(DEPTH));
        }
        self.depth += 1;
        let copy = self.file(bytes, name);
        self.depth -= 1;
        copy
    }

    /// A name of a file with what is found in it hidden; it stays one name of one file.
    ///
    /// # Errors
    ///
    /// [`Refusal`], when whoever gives tokens refuses.
    pub fn name(&mut self, name: &str) -> Result<String, Refusal> {
        let mut draft = Draft::default();
        let leaf = draft.leaf(name);
        draft.text(vec![Part::Leaf(leaf)]);
        // A token or mask may hold what no name may.
        self.settle(&mut draft, &|text| {
            !text.contains(['/', '\\', '*', '?', ':', '\0'])
        })?;
        let new = draft.get(leaf);
        Ok(if new.trim_matches('.').trim().is_empty() {
            "file".to_owned()
        } else {
            new
        })
    }

    pub(crate) fn settle(
        &mut self,
        draft: &mut Draft,
        fits: &dyn Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        let mut hands = Hands {
            run: &mut self.redactor.run,
            finder: self.redactor.finder,
            report: &mut self.report,
            written: &mut self.written,
            fits,
        };
        draft.settle(&mut hands)
    }

    /// Looks once more for the values themselves, whatever the format made of them.
    pub(crate) fn nothing_left<'b>(
        &self,
        parts: impl Iterator<Item = &'b [u8]>,
    ) -> Result<(), Refusal> {
        self.written.nothing_left(parts)
    }

    fn file(&mut self, bytes: &[u8], name: &str) -> Result<Vec<u8>, Refusal> {
        if bytes.len() as u64 > LARGEST {
            return Err(Refusal::TooLarge(LARGEST));
        }
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        let own = self
            .redactor
            .formats
            .iter()
            .find(|format| format.takes(head, name));
        if let Some(format) = own.copied() {
            return format.redact(bytes, name, self);
        }
        match nature(head, name) {
            Nature::Empty => Ok(Vec::new()),
            Nature::Archive => self.packed(bytes),
            Nature::Pdf => Err(Refusal::Format("PDF")),
            Nature::Columns => Err(Refusal::Format("Parquet")),
            Nature::NotRead("an encrypted Office file") => Err(Refusal::Encrypted),
            Nature::NotRead(what) if what.ends_with(" picture") => match self.redactor.pictures {
                Some(_) => self.picture(bytes).ok_or(Refusal::Format(what)),
                None => Err(Refusal::NoEyes(what)),
            },
            Nature::NotRead(what) => Err(Refusal::Format(what)),
            nature => self.words(nature, head, bytes, name),
        }
    }

    fn words(
        &mut self,
        nature: Nature,
        head: &[u8],
        bytes: &[u8],
        name: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let ending = name
            .rsplit_once('.')
            .map(|(_, end)| end.to_ascii_lowercase());
        let ending = ending.as_deref().unwrap_or_default();
        let begin = String::from_utf8_lossy(head.get(..1024).unwrap_or(head)).to_ascii_lowercase();
        let begin = begin.trim_start_matches('\u{feff}').trim_start();
        if begin.starts_with("{\\rtf") {
            return Err(Refusal::Format("RTF"));
        }
        if matches!(ending, "json" | "jsonl" | "ndjson" | "geojson" | "ipynb")
            || begin.starts_with('{')
            || begin.starts_with('[')
        {
            match json::redact(bytes, self) {
                // What is no JSON after all is read as it is written.
                Err(Refusal::Damaged(_)) => {}
                copy => return copy,
            }
        }
        // A short message holds its page in the same first bytes.
        if comes_apart(head, name, false) {
            let line = head.starts_with(b"From ");
            let card = begin.starts_with("begin:vcard");
            return match (line, card) {
                (true, _) => Err(Refusal::Format("a mailbox")),
                (_, true) => Err(Refusal::Format("encoded cards")),
                _ => mail::redact(bytes, self),
            };
        }
        let page = matches!(ending, "html" | "htm" | "xhtml" | "shtml")
            || begin.contains("<html")
            || begin.starts_with("<!doctype html");
        let xml = matches!(ending, "xml" | "svg" | "kml" | "gpx" | "rss" | "xsl")
            || begin.starts_with("<?xml");
        if page || xml {
            return html::redact(bytes, page, None, self);
        }
        match nature {
            Nature::Table(delimiter) => delimited::redact(bytes, delimiter, self),
            Nature::Regular(delimiter)
                if self
                    .redactor
                    .finder
                    .is_table(&text::Decoded::of(head, None).text, delimiter) =>
            {
                delimited::redact(bytes, delimiter, self)
            }
            _ => text::redact(bytes, self),
        }
    }

    /// A document, or an archive whose entries are files of their own.
    fn packed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        let unpacked = entries(bytes)?;
        let names: Vec<&str> = unpacked.iter().map(|(name, _)| name.as_str()).collect();
        if office::is_document(&names) {
            return office::redact(bytes, unpacked, self);
        }
        if names.contains(&"mimetype") {
            return Err(Refusal::Format("OpenDocument or EPUB"));
        }
        let mut out: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, held) in unpacked {
            match self.nested(&held, &name) {
                Ok(copy) => {
                    let steps: Result<Vec<String>, Refusal> = name
                        .split('/')
                        .filter(|step| !step.is_empty() && *step != "..")
                        .map(|step| self.name(step))
                        .collect();
                    let mut new = steps?.join("/");
                    let mut number = 1;
                    while out.iter().any(|(known, _)| *known == new) {
                        number += 1;
                        new = format!("{number}-{new}");
                    }
                    out.push((new, copy));
                }
                Err(Refusal::Left) => return Err(Refusal::Left),
                Err(_) => self.drop(Dropped::Entry, 1),
            }
        }
        archive(
            out.iter()
                .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
        )
    }
}
