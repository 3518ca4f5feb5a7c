//! Running text yields findings.
//!
//! Rule: `rules/detect.toml` of the rule pack: what a form is worth, which words
//! speak for and against it. A [`Detector`] holds the rules, made ready once; a
//! [`Stream`] goes through one text, however long, in constant memory, and what
//! it finds does not depend on how the text arrives.
//!
//! The text is looked at in blocks of 64 bytes. A block is counted (digits, signs,
//! bytes beyond ASCII), and only one that holds enough of something is read
//! further: digits become groups, groups become candidates, candidates pass
//! through the validators of this crate and are weighed by the words around them.
//! Overlaps are resolved once. Rows of tables belong to [`crate::RowScanner`].

mod beside;
mod census;
mod compiled;
mod encoded;
mod engine;
mod glyph;
mod groups;
mod hit;
mod ids;
mod labels;
mod landlines;
mod lanes;
mod masked;
mod network;
mod numbers;
pub mod own;
mod pass;
mod persons;
mod places;
mod plates;
mod resolve;
#[cfg(feature = "model")]
mod running;
#[cfg(not(feature = "model"))]
#[path = "no_model.rs"]
mod running;
mod shapes;
mod signs;
mod tokens;
mod values;
mod wallets;
mod window;
mod words;

use std::sync::OnceLock;

use liuhen_document::Finding;
use liuhen_kinds::Kind;
use liuhen_kinds::detection::Detection;

use census::BLOCK;
use compiled::{Compiled, KindSet};
pub use hit::{Found, Hit, Reasons};
use pass::{NEEDED, Pass, STRETCH, Setup};
pub(crate) use persons::NOBODY;

/// What a detector looks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Numbers, labels and patterns.
    pub structured: bool,
    /// Names, addresses and organisations in running text, by the sequence model.
    pub model: bool,
    /// Hits below this confidence are not reported.
    pub least: f32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            structured: true,
            model: cfg!(feature = "model"),
            least: 0.5,
        }
    }
}

/// Finds personal information in text.
///
/// ```
/// use liuhen_detect::Detector;
/// use liuhen_kinds::Kind;
///
/// let text = "请联系１３８ 0013 8000";
/// let findings = Detector::builtin().scan(text);
/// assert_eq!(findings[0].kind, Kind::MOBILE);
/// let (start, end) = findings[0].span.chars;
/// assert_eq!((start, end), (3, 16));
/// ```
#[derive(Debug)]
pub struct Detector {
    rules: Compiled,
    options: Options,
}

impl Detector {
    /// The built-in rules with default options; made once.
    #[must_use]
    pub fn builtin() -> &'static Detector {
        static DETECTOR: OnceLock<Detector> = OnceLock::new();
        DETECTOR.get_or_init(|| Detector::new(Options::default()))
    }

    /// The built-in rules with other options.
    #[must_use]
    pub fn new(options: Options) -> Detector {
        Detector::with(&[], options)
    }

    /// The built-in rules and kinds of the user's own.
    ///
    /// Words and kinds of the packs are kept for the life of the process: make
    /// a detector when packs are loaded, not for every text. A detector holds
    /// at most 128 kinds; those of the packs beyond that are left out.
    #[must_use]
    pub fn with(packs: &[own::Pack], options: Options) -> Detector {
        let own = packs.iter().flat_map(own::Pack::compile).collect();
        Detector {
            rules: Compiled::new(Detection::builtin(), own),
            options,
        }
    }

    /// Every finding in `text`, in order of place.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        let mut all = Vec::new();
        self.hits(text, |found| all.push(found.hit.finding()));
        all
    }

    /// Hands every hit in `text` to `found`, in order of place.
    pub fn hits(&self, text: &str, mut found: impl FnMut(Found<'_>)) {
        let mut pass = Pass::default();
        self.whole(text, KindSet::default(), &mut pass, &mut found);
    }

    /// Reads a text piece by piece.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream {
            detector: self,
            pass: Pass::default(),
            buffer: Vec::new(),
            base: 0,
        }
    }

    /// The least confidence that is reported.
    pub(crate) fn least(&self) -> f32 {
        self.options.least
    }

    /// Kinds as the set that says what a text is called from outside.
    pub(crate) fn given(&self, kind: Kind) -> Given {
        Given(self.rules.id(kind).map_or(KindSet::default(), KindSet::of))
    }

    /// As [`Detector::hits`], with buffers to use again and what the text is called from outside.
    pub(crate) fn hits_in(
        &self,
        text: &str,
        given: Given,
        again: &mut Again,
        found: &mut dyn FnMut(Found<'_>),
    ) {
        again.0.reset();
        self.whole(text, given.0, &mut again.0, found);
    }

    fn whole(&self, text: &str, given: KindSet, pass: &mut Pass, found: &mut dyn FnMut(Found<'_>)) {
        let setup = self.setup(given);
        let text = text.as_bytes();
        loop {
            let to = (pass.at + STRETCH).min(text.len());
            let last = to == text.len();
            pass.step(setup, text, 0, to, last, found);
            if last {
                return;
            }
        }
    }

    fn setup(&self, given: KindSet) -> Setup<'_> {
        Setup {
            rules: &self.rules,
            options: self.options,
            given,
        }
    }
}

/// What a text is called from outside, as a column's header does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given(KindSet);

/// Buffers of a pass, kept between texts.
#[derive(Debug, Default)]
pub(crate) struct Again(Pass);

/// A text being read piece by piece, in constant memory.
///
/// Hits come some kilobytes after their place, in order of place, and are the
/// same however the text is cut.
#[derive(Debug)]
pub struct Stream<'d> {
    detector: &'d Detector,
    pass: Pass,
    buffer: Vec<u8>,
    /// Where the buffer begins in the text.
    base: u64,
}

impl Stream<'_> {
    /// Takes the next piece of the text.
    pub fn push(&mut self, text: &str, found: &mut dyn FnMut(Found<'_>)) {
        let setup = self.detector.setup(KindSet::default());
        // A large piece is taken in parts, so that the buffer stays small.
        for part in text.as_bytes().chunks(STRETCH) {
            self.buffer.extend_from_slice(part);
            while self.buffer.len() >= self.pass.at + NEEDED {
                let to = self.pass.at + STRETCH;
                self.pass
                    .step(setup, &self.buffer, self.base, to, false, found);
                let free = self.pass.release(setup, &self.buffer, self.base);
                debug_assert!(free.is_multiple_of(BLOCK));
                self.buffer.drain(..free);
                self.base += free as u64;
            }
        }
    }

    /// The text is over.
    pub fn finish(mut self, found: &mut dyn FnMut(Found<'_>)) {
        let setup = self.detector.setup(KindSet::default());
        loop {
            let to = (self.pass.at + STRETCH).min(self.buffer.len());
            let last = to == self.buffer.len();
            self.pass
                .step(setup, &self.buffer, self.base, to, last, found);
            if last {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_with_times_are_a_trace() {
        let kinds = |text: &str| -> Vec<Kind> {
            let findings = Detector::builtin().scan(text);
            findings.iter().map(|found| found.kind).collect()
        };
        let trace = "08:01 113.934512,22.543145\n08:06 113.935120,22.545011\n";
        assert_eq!(kinds(trace), [Kind::GPS, Kind::GEO_TRACE]);
        let places = "113.934512,22.543145\n113.935120,22.545011\n";
        assert_eq!(kinds(places), [Kind::GPS, Kind::GPS]);
    }

    #[test]
    fn an_organisations_code_lowers_the_telephone_beside_it() {
        let sure = |text: &str| {
            let findings = Detector::builtin().scan(text);
            let phone = findings.iter().find(|found| found.kind == Kind::LANDLINE);
            phone.map_or(0.0, |found| found.confidence)
        };
        let phone = "010-65529988";
        assert!(sure(&format!("91110000600037341L {phone}")) < sure(phone) - 0.1);
    }
}
