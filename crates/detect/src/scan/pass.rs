//! A text gone through once: stretches are run, hits are counted out and grouped.

use liuhen_document::Span;
use liuhen_kinds::Kind;

use super::census::BLOCK;
use super::compiled::{Compiled, KindId, KindSet, confidence};
use super::encoded::{self, View};
use super::engine::{self, AHEAD, Engine};
use super::glyph;
use super::hit::{Found, Hit, Reasons};
use super::persons::{Persons, Waiting};
use super::running::Running;
use super::window::Candidate;
use super::{Options, ids, places};

/// Bytes that are run at once; with what extractors look at they stay in the cache.
pub(super) const STRETCH: usize = 64 << 10;

/// Bytes before the end of a stretch from which candidates may still come.
const UNSETTLED: usize = 4 << 10;

/// Bytes that the text behind a stretch must reach, unless it ends.
pub(super) const NEEDED: usize = STRETCH + AHEAD;

/// Bytes kept before a hit, for whoever asks for its line.
const AROUND: usize = 1024;

/// Lines between two places of one trace.
const TRACE_LINES: u64 = 3;

/// Confidence from which a finding in an opened view counts.
const OPENED: f32 = 0.5;

/// One pass over one text.
#[derive(Debug, Default)]
pub(super) struct Pass {
    engine: Engine,
    inner: Engine,
    view: View,
    running: Running,
    kept: Vec<Candidate>,
    opened: Vec<Candidate>,
    persons: Persons,
    counter: Counter,
    /// Where the next stretch begins, from the buffer's start.
    pub(super) at: usize,
    escapes_to: usize,
    /// The line of the last place that had a time beside it.
    timed_line: Option<u64>,
    encoded: Vec<(usize, usize)>,
}

/// How far characters and lines were counted.
#[derive(Debug, Clone, Copy)]
struct Counter {
    /// From the beginning of the text.
    byte: u64,
    chars: u64,
    utf16: u64,
    line: u64,
    /// Characters before the line's first.
    line_chars: u64,
}

impl Default for Counter {
    fn default() -> Counter {
        Counter {
            byte: 0,
            chars: 0,
            utf16: 0,
            line: 1,
            line_chars: 0,
        }
    }
}

impl Counter {
    /// Counts on over `bytes`.
    fn advance(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(last) = memchr::memrchr(b'\n', bytes) {
            self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
            self.count(&bytes[..=last]);
            self.line_chars = self.chars;
            rest = &bytes[last + 1..];
        }
        self.count(rest);
    }

    fn count(&mut self, bytes: &[u8]) {
        let (chars, pairs) = glyph::count(bytes);
        self.byte += bytes.len() as u64;
        self.chars += chars as u64;
        self.utf16 += (chars + pairs) as u64;
    }
}

/// What a pass needs of its detector.
#[derive(Clone, Copy)]
pub(super) struct Setup<'d> {
    pub(super) rules: &'d Compiled,
    pub(super) options: Options,
    pub(super) given: KindSet,
}

impl Pass {
    /// Runs the stretch from [`Pass::at`] to `to`; `base` is the place of the buffer in the text.
    pub(super) fn step(
        &mut self,
        setup: Setup<'_>,
        text: &[u8],
        base: u64,
        to: usize,
        last: bool,
        found: &mut dyn FnMut(Found<'_>),
    ) {
        let from = self.at;
        self.persons.organisation = setup.rules.weight(Reasons::ORGANISATION);
        self.persons.least = setup.options.least;
        if setup.options.structured {
            self.engine
                .run(setup.rules, text, from, to, setup.given, &mut self.encoded);
            self.open_base64(setup, text);
            self.open_escapes(setup, text, from, to);
        }
        if setup.options.model {
            self.running
                .segments(text, from, to, last, &mut self.engine);
        }
        self.at = to;
        let frontier = if last {
            usize::MAX
        } else {
            to.saturating_sub(UNSETTLED)
        };
        let mut kept = std::mem::take(&mut self.kept);
        self.engine.take(frontier, &mut kept);
        for candidate in kept.drain(..) {
            self.emit(setup, text, base, &candidate, found);
        }
        self.kept = kept;
        let mut show = |waiting| show(text, base, waiting, found);
        if last {
            self.persons.close(&mut show);
        } else {
            self.persons.pass(base + frontier as u64, &mut show);
        }
    }

    /// Looks into words that may be base64.
    fn open_base64(&mut self, setup: Setup<'_>, text: &[u8]) {
        for (start, end) in std::mem::take(&mut self.encoded) {
            if end - start >= 16 && self.view.open_base64(&text[start..end], start).is_some() {
                self.look(setup, Some((start, end)));
            }
        }
    }

    /// Looks into stretches with escapes.
    fn open_escapes(&mut self, setup: Setup<'_>, text: &[u8], from: usize, to: usize) {
        let mut at = from.max(self.escapes_to);
        while let Some(next) = memchr::memchr3(b'%', b'\\', b'&', &text[at.min(to)..to]) {
            at += next;
            if !encoded::begins(text, at) {
                at += 1;
                continue;
            }
            let Some(end) = self.view.open(text, at) else {
                at += 1;
                continue;
            };
            self.look(setup, None);
            at = end.max(at + 1);
        }
        self.escapes_to = at.max(to);
    }

    /// Runs the inner engine over the opened view and reports what it finds: at
    /// `whole`, or each at its own place.
    fn look(&mut self, setup: Setup<'_>, whole: Option<(usize, usize)>) {
        self.inner.clear();
        self.opened.clear();
        let text = &self.view.text;
        self.inner.run(
            setup.rules,
            text,
            0,
            text.len(),
            setup.given,
            &mut Vec::new(),
        );
        self.inner.take(usize::MAX, &mut self.opened);
        let opened = std::mem::take(&mut self.opened);
        for candidate in &opened {
            let (start, end) =
                whole.unwrap_or_else(|| self.view.place(candidate.start, candidate.end));
            self.report(candidate, start, end);
        }
        self.opened = opened;
    }

    fn report(&mut self, candidate: &Candidate, start: usize, end: usize) {
        if confidence(candidate.logit) >= OPENED && start < end {
            let mut candidate = *candidate;
            candidate.start = start;
            candidate.end = end;
            candidate.reasons = candidate.reasons.and(Reasons::ENCODED);
            self.engine.add(candidate);
        }
    }

    fn emit(
        &mut self,
        setup: Setup<'_>,
        text: &[u8],
        base: u64,
        candidate: &Candidate,
        found: &mut dyn FnMut(Found<'_>),
    ) {
        let confidence = confidence(candidate.logit);
        if confidence < setup.options.least {
            return;
        }
        let counted = usize::try_from(self.counter.byte - base).unwrap_or(usize::MAX);
        self.counter
            .advance(&text[counted.min(candidate.start)..candidate.start]);
        let mut behind = self.counter;
        behind.count(&text[candidate.start..candidate.end]);
        let kind = self.traced(text, candidate);
        let hit = Hit {
            kind: setup
                .rules
                .kinds
                .get(usize::from(kind))
                .copied()
                .unwrap_or(Kind::ORDER),
            span: Span {
                bytes: (self.counter.byte, behind.byte),
                chars: (self.counter.chars, behind.chars),
                utf16: (self.counter.utf16, behind.utf16),
            },
            confidence,
            reasons: candidate.reasons,
            word: candidate.word,
            person: 0,
        };
        let waiting = Waiting {
            hit,
            line: self.counter.line,
            column: self.counter.chars - self.counter.line_chars + 1,
            identifying: setup.rules.identifying.has(candidate.kind),
        };
        self.persons
            .push(waiting, |waiting| show(text, base, waiting, found));
    }

    /// The kind of a candidate; a place with a time, near another such place, is a trace.
    fn traced(&mut self, text: &[u8], candidate: &Candidate) -> KindId {
        if candidate.kind != ids::GPS || !places::is_timed(text, candidate.start, candidate.end) {
            return candidate.kind;
        }
        let before = self.timed_line.replace(self.counter.line);
        match before {
            Some(line) if self.counter.line - line <= TRACE_LINES => ids::GEO_TRACE,
            _ => candidate.kind,
        }
    }

    /// Forgets the first bytes of the buffer that nothing needs any more; how many.
    pub(super) fn release(&mut self, setup: Setup<'_>, text: &[u8], base: u64) -> usize {
        let mut keep = self.at.saturating_sub(AHEAD);
        keep = keep.min(self.engine.pending().unwrap_or(keep));
        if let Some(waiting) = self.persons.waiting() {
            keep = keep.min(usize::try_from(waiting - base).unwrap_or(0));
        }
        if setup.options.model {
            keep = keep.min(self.running.pending());
        }
        let free = keep.saturating_sub(AROUND + engine::BEHIND) / BLOCK * BLOCK;
        let counted = usize::try_from(self.counter.byte - base).unwrap_or(usize::MAX);
        if counted < free {
            self.counter.advance(&text[counted..free]);
        }
        self.engine.shift(free);
        self.running.shift(free);
        self.at -= free;
        self.escapes_to = self.escapes_to.saturating_sub(free);
        free
    }

    /// Ready for another text.
    pub(super) fn reset(&mut self) {
        self.engine.clear();
        self.running.clear();
        self.persons = Persons::default();
        self.counter = Counter::default();
        self.at = 0;
        self.escapes_to = 0;
        self.timed_line = None;
        self.encoded.clear();
    }
}

/// Hands a hit over with the text around it.
fn show(text: &[u8], base: u64, waiting: Waiting, found: &mut dyn FnMut(Found<'_>)) {
    let place = |at: u64| usize::try_from(at - base).unwrap_or(usize::MAX);
    let (start, end) = (
        place(waiting.hit.span.bytes.0),
        place(waiting.hit.span.bytes.1),
    );
    found(Found {
        hit: &waiting.hit,
        text: str::from_utf8(&text[start..end]).unwrap_or(""),
        line: waiting.line,
        column: waiting.column,
        behind: (text, start, end),
    });
}
