//! Which findings belong to one person.
//!
//! Rule: those of one line or sentence, and of the lines of one form, in which
//! every line has a label of its own. A second name, or a second number of a
//! sort that a person has one of, begins another person. A group that holds a
//! number leading to one person, together with anything else, is a set: it does
//! more harm than its parts, and its hits say so.

use liuhen_kinds::Kind;

use super::compiled::{confidence, logit};
use super::hit::{Hit, Reasons};

/// Most hits of a group; a longer run of findings is a list of people.
const MOST: usize = 48;

/// Most bytes between the first and the last hit of a group.
const WIDEST: u64 = 2 << 10;

/// Kinds of which a person has one.
const ONE: [Kind; 8] = [
    Kind::PERSON_NAME,
    Kind::RESIDENT_ID,
    Kind::HK_MO_TW_RESIDENCE,
    Kind::FOREIGNER_ID,
    Kind::STUDENT_ID,
    Kind::MEDICAL_RECORD,
    Kind::DATE_OF_BIRTH,
    Kind::GENDER,
];

/// Kinds that say nothing of who is concerned.
pub(crate) const NOBODY: [Kind; 3] = [Kind::USCC, Kind::ORG_CODE, Kind::ORGANISATION];

/// Kinds that are an organisation's own beside its code, unless a person is named there.
const ITS_OWN: [Kind; 5] = [
    Kind::MOBILE,
    Kind::LANDLINE,
    Kind::EMAIL,
    Kind::ADDRESS,
    Kind::BANK_ACCOUNT,
];

/// A hit with its line, waiting for its group to close.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) hit: Hit,
    pub(super) line: u64,
    pub(super) column: u64,
    /// Its exact value leads to one person.
    pub(super) identifying: bool,
}

/// Groups hits as they come, in order of place.
#[derive(Debug, Default)]
pub(super) struct Persons {
    /// What an organisation's code adds to the logarithm of the odds of its neighbours.
    pub(super) organisation: f32,
    /// Hits below this confidence are not reported.
    pub(super) least: f32,
    group: Vec<Waiting>,
    persons: u64,
}

impl Persons {
    /// Takes the next hit; hands over the group before, when it is closed by this.
    pub(super) fn push(&mut self, next: Waiting, mut done: impl FnMut(Waiting)) {
        if !self.joins(&next) {
            self.close(&mut done);
        }
        self.group.push(next);
    }

    /// Closes the group when nothing that comes from `byte` on can join it.
    pub(super) fn pass(&mut self, byte: u64, done: impl FnMut(Waiting)) {
        if self
            .group
            .first()
            .is_some_and(|first| first.hit.span.bytes.0 + WIDEST < byte)
        {
            self.close(done);
        }
    }

    /// The first byte of the group that waits.
    pub(super) fn waiting(&self) -> Option<u64> {
        self.group.first().map(|first| first.hit.span.bytes.0)
    }

    /// Hands over what waits.
    pub(super) fn close(&mut self, mut done: impl FnMut(Waiting)) {
        let counted = |waiting: &&Waiting| !NOBODY.contains(&waiting.hit.kind);
        let members = self.group.iter().filter(counted).count();
        if members > 1 {
            self.persons += 1;
        }
        let identifying = self
            .group
            .iter()
            .any(|waiting| waiting.identifying && !waiting.hit.reasons.has(Reasons::MASKED));
        let code = |waiting: &Waiting| matches!(waiting.hit.kind, Kind::USCC | Kind::ORG_CODE);
        let of_organisation = self.group.iter().any(code)
            && !self
                .group
                .iter()
                .any(|waiting| waiting.hit.kind == Kind::PERSON_NAME);
        let (organisation, least) = (self.organisation, self.least);
        for mut waiting in self.group.drain(..) {
            if of_organisation && ITS_OWN.contains(&waiting.hit.kind) {
                waiting.hit.reasons = waiting.hit.reasons.and(Reasons::ORGANISATION);
                waiting.hit.confidence = confidence(logit(waiting.hit.confidence) + organisation);
                if waiting.hit.confidence < least {
                    continue;
                }
            }
            if members > 1 && !NOBODY.contains(&waiting.hit.kind) {
                waiting.hit.person = self.persons;
                if identifying {
                    waiting.hit.reasons = waiting.hit.reasons.and(Reasons::BUNDLE);
                }
            }
            done(waiting);
        }
    }

    fn joins(&self, next: &Waiting) -> bool {
        let (Some(first), Some(last)) = (self.group.first(), self.group.last()) else {
            return true;
        };
        let near =
            next.hit.span.bytes.1 < first.hit.span.bytes.0 + WIDEST && self.group.len() < MOST;
        let repeats = ONE.contains(&next.hit.kind) && self.has(next.hit.kind);
        let same_line = next.line == last.line;
        let form = next.line == last.line + 1
            && next.hit.reasons.has(Reasons::LABEL)
            && last.hit.reasons.has(Reasons::LABEL)
            && !self.has(next.hit.kind);
        near && !repeats && (same_line || form)
    }

    fn has(&self, kind: Kind) -> bool {
        self.group.iter().any(|waiting| waiting.hit.kind == kind)
    }
}
