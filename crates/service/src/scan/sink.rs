//! Where the findings of one file go: filtered, counted, and sent on in small batches.

use std::sync::mpsc::SyncSender;

use liuhen_detect::{Found, Hit, mask};
use liuhen_document::Span;
use liuhen_kinds::Kind;
use liuhen_reading::Place;

use super::allow::allows;
use super::finding::{Finding, Site};
use super::notes::{Note, Reason};
use super::summary::{FileReport, Pictures};
use super::watch::Runs;
use super::{Request, level};
use crate::sight::Looker;

/// Findings sent at once.
const BATCH: usize = 256;
/// Persons of a file whose findings may still come.
const PERSONS: usize = 64;

/// What a worker tells of a file.
pub(super) enum Told {
    /// Some findings at a path; more may come.
    Some(String, Vec<Finding>),
    /// The last ones of a path, what could not be read, and its report; what lies within a file
    /// comes before the file itself ends.
    Last(Vec<Finding>, Vec<Note>, Box<FileReport>),
}

/// Takes the findings of one file.
pub(super) struct Sink<'a> {
    request: &'a Request<'a>,
    out: &'a SyncSender<Told>,
    batch: Vec<Finding>,
    notes: Vec<Note>,
    report: FileReport,
    accepted: std::collections::BTreeMap<Kind, u64>,
    persons: Vec<(u64, Vec<Kind>)>,
    runs: Runs,
    /// Nobody listens any more.
    pub(super) over: bool,
}

impl<'a> Sink<'a> {
    pub(super) fn new(path: String, request: &'a Request<'a>, out: &'a SyncSender<Told>) -> Self {
        let accepted = request.baseline.map(|baseline| baseline.of(&path));
        Self {
            request,
            out,
            batch: Vec::new(),
            notes: Vec::new(),
            report: FileReport {
                path,
                ..FileReport::default()
            },
            accepted: accepted.unwrap_or_default(),
            persons: Vec::new(),
            runs: Runs::default(),
            over: false,
        }
    }

    /// A place for what lies within this file, with a report of its own.
    pub(super) fn within(&self, path: String) -> Self {
        Self::new(path, self.request, self.out)
    }

    pub(super) fn path(&self) -> &str {
        &self.report.path
    }

    /// The pictures of this file.
    pub(super) fn pictures(&mut self) -> &mut Pictures {
        &mut self.report.pictures
    }

    pub(super) fn request(&self) -> &'a Request<'a> {
        self.request
    }

    /// Something was found; `line` is what a remark may stand on.
    pub(super) fn found(&mut self, site: Site, span: Span, hit: &Hit, text: &str, line: &str) {
        let request = self.request;
        if let Some(watch) = request.watch {
            watch(&self.report.path, hit.kind, text);
        }
        let wanted = request.kinds.is_empty() || request.kinds.contains(&hit.kind);
        if !wanted || hit.confidence < request.least {
            return;
        }
        let spared = request.spare.is_some_and(|spare| spare(hit.kind, text));
        // A redaction answers for every finding it spares, and for no remark in somebody's file.
        if spared || request.spare.is_none() && allows(line, hit.kind) {
            self.report.allowed += 1;
            return;
        }
        *self.report.all.entry(hit.kind).or_insert(0) += 1;
        if let Some(left) = self.accepted.get_mut(&hit.kind).filter(|left| **left > 0) {
            *left -= 1;
            self.report.accepted += 1;
            return;
        }
        let mut finding = Finding::new(site, span, hit, level(request.packs, hit.kind), text);
        if request.show {
            finding.masked = Some(mask(hit.kind, text).into());
        }
        let key = (hit.kind, finding.level);
        *self.report.findings.entry(key).or_insert(0) += 1;
        self.person(hit);
        self.batch.push(finding);
        if self.batch.len() >= BATCH {
            let batch = std::mem::take(&mut self.batch);
            let path = self.report.path.clone();
            self.over |= self.out.send(Told::Some(path, batch)).is_err();
        }
    }

    /// Something was found in text that begins at `base`.
    pub(super) fn found_at(&mut self, base: Place, found: &Found<'_>) {
        let column = if found.line == 1 { base.column - 1 } else { 0 };
        let site = Site::Text {
            line: base.line + found.line - 1,
            column: column + found.column,
        };
        let move_by = |(start, end): (u64, u64), by: u64| (start + by, end + by);
        let span = Span {
            bytes: move_by(found.hit.span.bytes, base.bytes),
            chars: move_by(found.hit.span.chars, base.chars),
            utf16: move_by(found.hit.span.utf16, base.utf16),
        };
        self.found(site, span, found.hit, found.text, found.around());
    }

    /// Keeps the kinds of the persons met last: findings about one stand near each other.
    fn person(&mut self, hit: &Hit) {
        if hit.person == 0 {
            return;
        }
        let known = self
            .persons
            .iter()
            .rposition(|(person, _)| *person == hit.person);
        match known.and_then(|at| self.persons.get_mut(at)) {
            Some((_, kinds)) if kinds.contains(&hit.kind) => {}
            Some((_, kinds)) => kinds.push(hit.kind),
            None => {
                if self.persons.len() >= PERSONS {
                    let (_, kinds) = self.persons.remove(0);
                    self.set(kinds.len());
                }
                self.persons.push((hit.person, vec![hit.kind]));
            }
        }
    }

    fn set(&mut self, kinds: usize) {
        if kinds >= 2 {
            self.report.sets += 1;
            self.report.largest_set = self.report.largest_set.max(kinds);
        }
    }

    /// Shows the numbers of a text to whoever watches; `more` says that it goes on.
    pub(super) fn watched(&mut self, text: &str, more: bool) {
        let Some(watch) = self.request.watch else {
            return;
        };
        let path = &self.report.path;
        let mut shown = |run: &str| {
            for kind in [Kind::MOBILE, Kind::RESIDENT_ID, Kind::BANK_CARD] {
                watch(path, kind, run);
            }
        };
        self.runs.push(text, &mut shown);
        if !more {
            self.runs.end(&mut shown);
        }
    }

    /// The file was not read, or not wholly.
    pub(super) fn note(&mut self, reason: Reason) {
        let path = self.report.path.clone();
        self.notes.push(Note { path, reason });
    }

    /// The eyes; else why a picture is not looked at. `format` is its English name.
    pub(super) fn looker(&self, format: &'static str) -> Result<&'a Looker, Reason> {
        self.request.looker.ok_or(if self.request.no_models {
            Reason::NoModels(format)
        } else {
            Reason::Format(format)
        })
    }

    /// The file was read: how many bytes, and how many sequences did not decode.
    pub(super) fn read(&mut self, bytes: u64, malformed: u64) {
        self.report.read = true;
        self.report.bytes += bytes;
        self.report.malformed += malformed;
    }

    /// The file is done.
    pub(super) fn end(mut self) {
        for (_, kinds) in std::mem::take(&mut self.persons) {
            self.set(kinds.len());
        }
        // When nobody listens there is nobody to tell.
        let _ = self
            .out
            .send(Told::Last(self.batch, self.notes, Box::new(self.report)));
    }
}
