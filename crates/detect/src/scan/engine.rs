//! One pass over a stretch of text: blocks are counted, extractors are called
//! where a block holds enough of something, candidates are resolved.
//!
//! The engine goes through the text in stretches; what it sees of a place never
//! depends on where a stretch begins, since every extractor looks at a bounded
//! neighbourhood that is always there.

use std::iter::Peekable;

use super::census::{BLOCK, Block, Counts, Survey, each};
use super::compiled::{Compiled, KindSet};
use super::glyph::{self, Glyph};
use super::groups::Cluster;
use super::hit::Reasons;
use super::window::{Candidate, Rank, Window};
use super::words::Nearby;
use super::{beside, masked, network, numbers, resolve, signs, values, wallets};

/// Bytes that an extractor may look ahead of the place it is called for.
pub(super) const AHEAD: usize = 16 << 10;
/// Bytes that an extractor may look back, and that words reach.
pub(super) const BEHIND: usize = 4 << 10;

/// What is remembered between stretches; positions count from the buffer's start.
#[derive(Debug, Default)]
pub(super) struct Engine {
    nearby: Nearby,
    survey: Survey,
    candidates: Vec<Candidate>,
    cluster: Cluster,
    /// Digits before this place were read.
    digits_to: usize,
    numerals_to: usize,
    masks_to: usize,
    joints_to: usize,
    runs_to: usize,
    own_to: Vec<usize>,
}

impl Engine {
    /// Everything that begins in `from..to`; what overlaps nothing to come goes to `kept`.
    ///
    /// `from` and `to` are multiples of a block, unless the text ends there.
    pub(super) fn run(
        &mut self,
        rules: &Compiled,
        text: &[u8],
        from: usize,
        to: usize,
        given: KindSet,
        encoded: &mut Vec<(usize, usize)>,
    ) {
        // What lies across an edge is seen, and words that candidates reach.
        self.survey.forget(from.saturating_sub(BEHIND));
        self.survey
            .reach(text, (to + BEHIND).min(text.len()), &rules.words.numerals);
        let mut survey = std::mem::take(&mut self.survey);
        let mut nearby = std::mem::take(&mut self.nearby);
        nearby.clear();
        let mut candidates = std::mem::take(&mut self.candidates);
        let mut window = Window {
            rules,
            text,
            nearby: &mut nearby,
            survey: &survey,
            given,
            out: &mut candidates,
            encoded,
            known: None,
        };
        self.blocks(&mut window, from, to);
        self.own(&mut window, to);
        survey.numerals.retain(|at| *at >= to);
        self.survey = survey;
        self.nearby = nearby;
        self.candidates = candidates;
    }

    /// Adds candidates that were found by other means.
    pub(super) fn add(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    /// Hands over what nothing still to come can overlap.
    pub(super) fn take(&mut self, frontier: usize, kept: &mut Vec<Candidate>) {
        resolve::resolve(&mut self.candidates, frontier, kept);
    }

    /// Where the first candidate begins that waits for what may overlap it.
    pub(super) fn pending(&self) -> Option<usize> {
        self.candidates
            .iter()
            .map(|candidate| candidate.start)
            .min()
    }

    /// Forgets everything, ready for another text.
    pub(super) fn clear(&mut self) {
        self.survey.clear();
        self.candidates.clear();
        for at in self.marks() {
            *at = 0;
        }
        self.own_to.clear();
    }

    fn marks(&mut self) -> [&mut usize; 5] {
        [
            &mut self.digits_to,
            &mut self.numerals_to,
            &mut self.masks_to,
            &mut self.joints_to,
            &mut self.runs_to,
        ]
    }

    /// The first `bytes` of the buffer are gone.
    pub(super) fn shift(&mut self, bytes: usize) {
        for candidate in &mut self.candidates {
            candidate.start -= bytes;
            candidate.end -= bytes;
        }
        self.survey.shift(bytes);
        for at in self.marks() {
            *at = at.saturating_sub(bytes);
        }
        for at in &mut self.own_to {
            *at = at.saturating_sub(bytes);
        }
    }

    fn blocks(&mut self, window: &mut Window<'_>, from: usize, to: usize) {
        let survey = window.survey;
        // One block before and one behind, for what lies across an edge.
        let block = |at: usize| survey.block(at);
        let mut before = from.checked_sub(BLOCK).and_then(block);
        let mut numerals = survey.numerals.iter().copied().peekable();
        let mut at = from;
        while at < to {
            if let Some(here) = block(at) {
                let next = block(at + BLOCK);
                let several = |least: u8, of: fn(&Counts) -> u8| {
                    let beside = [before, next].map(|b| b.map_or(0, |b| of(&b.counts)));
                    let own = of(&here.counts);
                    own > 0 && own + beside[0].max(beside[1]) >= least
                };
                let some = |mask: u64, of| if several(4, of) { mask } else { 0 };
                let digits = some(here.digits, |counts| counts.digits);
                let odd = some(here.odd, |counts| counts.odd);
                for place in each(digits | odd, at) {
                    // In order of place, since all may make up one number.
                    self.numerals(window, &mut numerals, place);
                    if odd >> (place - at) & 1 == 1 {
                        self.odd_digit(window, place);
                    } else {
                        self.digits(window, place);
                    }
                }
                if here.rest {
                    self.signs(window, here, at, several);
                }
                before = Some(here);
            }
            at += BLOCK;
            self.numerals(window, &mut numerals, at.min(to));
        }
    }

    /// Numbers in Chinese numerals, as far as `to`.
    fn numerals(
        &mut self,
        window: &mut Window<'_>,
        seen: &mut Peekable<impl Iterator<Item = usize>>,
        to: usize,
    ) {
        while let Some(at) = seen.next_if(|at| *at < to) {
            if has_company(window.text, at) {
                self.numeral(window, at);
            }
        }
    }

    /// What else than plain digits a block holds.
    fn signs(
        &mut self,
        window: &mut Window<'_>,
        here: &Block,
        at: usize,
        several: impl Fn(u8, fn(&Counts) -> u8) -> bool,
    ) {
        each(here.ats, at).for_each(|at| signs::at_sign(window, at));
        if several(2, |counts| counts.masks) {
            each(here.masks, at).for_each(|at| self.mask(window, at));
        }
        each(here.keys, at).for_each(|at| {
            signs::key(window, at);
            values::behind_sign(window, at);
        });
        each(here.signs, at).for_each(|at| values::behind_sign(window, at));
        each(here.leaves, at).for_each(|at| signs::leaves_han(window, at));
        if several(2, |counts| counts.joints) {
            each(here.joints, at).for_each(|at| self.joint(window, at));
        }
        each(here.after_han, at).for_each(|at| signs::after_han(window, at));
        each(here.literals, at).for_each(|at| signs::literal(window, at));
        each(here.runs, at).for_each(|at| self.run_at(window, at));
    }

    /// The number whose first group begins at the digit at `at`.
    fn digits(&mut self, window: &mut Window<'_>, at: usize) {
        let text = window.text;
        if at < self.digits_to || glyph::in_escape(text, at) {
            return;
        }
        if let Some(end) = beside::short_end(text, at)
            && beside::key_before(window.rules, text, at).is_none()
        {
            self.digits_to = end;
            return;
        }
        // Within a run that was given up as too long.
        if matches!(window.before(at), Glyph::Digit(_)) {
            return;
        }
        let mut cluster = std::mem::take(&mut self.cluster);
        self.digits_to = cluster.read(text, at, false).max(at + 1);
        // Fewer digits are no number by themselves.
        if cluster.is_long(numbers::LEAST) {
            numbers::propose(window, &cluster);
        }
        beside::propose(window, &cluster);
        // Numerals beside digits may make up one number with them.
        let mixed = cluster.groups.iter().find(|group| {
            let numeral = |glyph| matches!(glyph, Glyph::Numeral(_));
            numeral(glyph::at(text, group.end).0) || numeral(glyph::before(text, group.start).0)
        });
        let mixed = mixed.map(|group| group.start);
        self.cluster = cluster;
        if let Some(start) = mixed {
            self.numeral(window, start);
        }
    }

    /// Numbers in circled or raised digits.
    fn odd_digit(&mut self, window: &mut Window<'_>, at: usize) {
        if matches!(glyph::at(window.text, at).0, Glyph::Numeral(_)) {
            self.numeral(window, at);
        }
    }

    /// The number that the numeral at `at` lies in.
    fn numeral(&mut self, window: &mut Window<'_>, at: usize) {
        if at < self.numerals_to {
            return;
        }
        let start = numeral_start(window.text, at, self.numerals_to);
        values::bare(window, start);
        let mut cluster = std::mem::take(&mut self.cluster);
        let end = cluster.read(window.text, start, true);
        let numerals = cluster.groups.iter().filter(|group| group.numerals);
        if numerals.map(|group| group.len).sum::<usize>() >= 4 {
            numbers::propose(window, &cluster);
        }
        self.cluster = cluster;
        self.numerals_to = end.max(at + 1);
    }

    fn mask(&mut self, window: &mut Window<'_>, at: usize) {
        if at >= self.masks_to && glyph::at(window.text, at).0 == Glyph::Mask {
            self.masks_to = masked::propose(window, at);
        }
    }

    fn joint(&mut self, window: &mut Window<'_>, at: usize) {
        if at >= self.joints_to {
            self.joints_to = network::joined(window, at);
        }
    }

    /// The long run of letters and digits that goes on from `at`.
    fn run_at(&mut self, window: &mut Window<'_>, at: usize) {
        if at >= self.runs_to {
            self.runs_to = wallets::propose(window, at).max(at + 1);
        }
    }

    /// Kinds of the user's own.
    fn own(&mut self, window: &mut Window<'_>, to: usize) {
        let rules = window.rules;
        self.own_to.resize(rules.own.len(), 0);
        for (own, at) in rules.own.iter().zip(&mut self.own_to) {
            let (Some(pattern), Some(kind)) = (&own.pattern, rules.id(own.kind)) else {
                continue;
            };
            let reason = if own.is_list {
                Reasons::OWN_LIST
            } else {
                Reasons::OWN_PATTERN
            };
            while let Some(found) = pattern.find_at(window.text, *at) {
                if found.start() >= to {
                    break;
                }
                *at = found.end().max(found.start() + 1);
                let first = window.out.len();
                window.propose(kind, found.start(), found.end(), reason, Rank::Shaped);
                let supported = Reasons::LABEL.bits() | Reasons::CONTEXT.bits();
                if own.needs_context {
                    let keep = |c: &Candidate| c.reasons.bits() & supported != 0;
                    if window.out[first..].iter().any(|c| !keep(c)) {
                        window.out.truncate(first);
                    }
                }
            }
            *at = (*at).max(to);
        }
    }
}

/// Whether another numeral stands near that at `at`: one or two signs between them at most.
fn has_company(text: &[u8], at: usize) -> bool {
    let numeral = |at: usize| matches!(glyph::at(text, at).0, Glyph::Numeral(_));
    [3, 4, 5, 6, 7]
        .iter()
        .any(|far| numeral(at + far) || at.checked_sub(*far).is_some_and(numeral))
}

/// Where the number begins that a numeral at `at` lies in.
fn numeral_start(text: &[u8], at: usize, from: usize) -> usize {
    let mut start = at;
    let mut cursor = at;
    let mut gaps = 0;
    for _ in 0..80 {
        let (glyph, len) = glyph::before(text, cursor);
        if len == 0 || cursor - len < from {
            break;
        }
        cursor -= len;
        match glyph {
            Glyph::Digit(_) | Glyph::Numeral(_) => {
                start = cursor;
                gaps = 0;
            }
            Glyph::Nothing => {}
            Glyph::Gap(_) if gaps < 3 => gaps += 1,
            _ => break,
        }
    }
    start
}

/// A candidate of the model.
#[cfg(feature = "model")]
pub(super) fn modelled(
    label: crate::sequence::Label,
    start: usize,
    end: usize,
    confidence: f32,
    reasons: Reasons,
) -> Candidate {
    use super::ids;
    use crate::sequence::Label;
    Candidate {
        start,
        end,
        kind: match label {
            Label::Person => ids::PERSON_NAME,
            Label::Address => ids::ADDRESS,
            Label::Organisation => ids::ORGANISATION,
        },
        logit: super::compiled::logit(confidence),
        reasons: reasons.and(Reasons::MODEL),
        word: None,
        rank: Rank::Pointed,
    }
}
