//! A stretch of text with the words found in it, and the candidates it yields.
//!
//! Extractors propose a kind and a span with the reasons they have; this file
//! adds what the words around say. Confidence is a sum in logarithms of odds:
//! what the form is worth, what each reason adds, what each word adds by its
//! nearness.

use super::census::Survey;
use super::compiled::{Compiled, KindId, KindSet, WordInfo};
use super::glyph::{self, Gap, Glyph};
use super::hit::Reasons;
use super::labels;
use super::words::{Mention, Nearby};

/// A possible hit, before overlaps are resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: KindId,
    /// Logarithm of the odds.
    pub(super) logit: f32,
    pub(super) reasons: Reasons,
    pub(super) word: Option<&'static str>,
    /// How firmly the form itself decides, for overlaps.
    pub(super) rank: Rank,
}

/// How firmly a form decides by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Whatever stands behind a label, or a model's opinion.
    Pointed,
    /// Of a form that other things have too.
    Shaped,
    /// Passes a check, or cannot well be anything else.
    Checked,
}

impl Rank {
    /// What words against it are worth: a check digit is not argued away.
    const fn yields(self) -> f32 {
        match self {
            Rank::Checked => 0.65,
            Rank::Pointed | Rank::Shaped => 1.0,
        }
    }
}

/// Bytes behind which a word is surely too far away: four for each character.
pub(super) const REACH: usize = 300 * 4;

/// One in fifty is no finding under any threshold a person would set.
const HOPELESS: f32 = -4.0;

/// Words looked at on either side.
const WORDS: usize = 12;

/// Text with its words, and where candidates go.
pub(super) struct Window<'t> {
    pub(super) rules: &'t Compiled,
    /// The bytes that may be looked at.
    pub(super) text: &'t [u8],
    /// Words near candidates.
    pub(super) nearby: &'t mut Nearby,
    pub(super) survey: &'t Survey,
    /// What the column or the carrier says the text is, beside its words.
    pub(super) given: KindSet,
    pub(super) out: &'t mut Vec<Candidate>,
    /// Words that may be base64, for whoever opens them.
    pub(super) encoded: &'t mut Vec<(usize, usize)>,
    /// The label before the position asked last.
    pub(super) known: Option<(usize, Option<u16>)>,
}

impl Window<'_> {
    /// Adds a candidate, unless it is hopeless.
    pub(super) fn propose(
        &mut self,
        kind: KindId,
        start: usize,
        end: usize,
        reasons: Reasons,
        rank: Rank,
    ) {
        let mut candidate = Candidate {
            start,
            end,
            kind,
            logit: self.rules.bare[usize::from(kind)] + self.rules.weight(reasons),
            reasons,
            word: None,
            rank,
        };
        self.weigh(&mut candidate);
        if candidate.logit > HOPELESS {
            self.out.push(candidate);
        }
    }

    /// Adds a candidate that a label points out; its own confidence counts the label.
    pub(super) fn point(
        &mut self,
        kind: KindId,
        start: usize,
        end: usize,
        reasons: Reasons,
        word: &'static str,
        rank: Rank,
    ) {
        let logit = self.rules.bare[usize::from(kind)] + self.rules.weight(reasons);
        if logit > HOPELESS {
            self.out.push(Candidate {
                start,
                end,
                kind,
                logit,
                reasons: reasons.and(Reasons::LABEL),
                word: Some(word),
                rank,
            });
        }
    }

    /// Adds what the words around say.
    fn weigh(&mut self, candidate: &mut Candidate) {
        let kind = candidate.kind;
        let label = self.label_before(candidate.start);
        let mut labelled = false;
        if let Some(word) = label {
            let info = &self.rules.infos[usize::from(word)];
            if info.supports.has(kind) {
                candidate.add(self.rules, Reasons::LABEL);
                candidate.word = Some(info.text);
                labelled = true;
            } else if contradicts(self.rules, info, kind) {
                let all = self.rules.weight(Reasons::OTHER_LABEL) * candidate.rank.yields();
                candidate.reasons = candidate.reasons.and(Reasons::OTHER_LABEL);
                candidate.logit += all;
                labelled = true;
            }
        }
        if !labelled && self.given.has(kind) {
            candidate.add(self.rules, Reasons::LABEL);
            labelled = true;
        }
        // What a label says is not taken back by a word further away.
        if labelled {
            return;
        }
        let near = self.near(candidate);
        if let Some((word, worth)) = near.supports {
            candidate.logit += self.rules.weight(Reasons::CONTEXT) * worth;
            candidate.reasons = candidate.reasons.and(Reasons::CONTEXT);
            candidate.word = Some(self.rules.infos[usize::from(word)].text);
        }
        if let Some(worth) = near.against {
            candidate.logit +=
                self.rules.weight(Reasons::AGAINST) * worth * candidate.rank.yields();
            candidate.reasons = candidate.reasons.and(Reasons::AGAINST);
        }
    }

    /// The nearest words for and against on either side.
    fn near(&mut self, candidate: &Candidate) -> Near {
        let Window {
            rules,
            text,
            nearby,
            survey,
            ..
        } = self;
        let span = (
            candidate.start.saturating_sub(REACH),
            (candidate.end + REACH).min(text.len()),
        );
        let mentions = nearby.between(&rules.words, survey, text, span);
        let mut near = Near::default();
        let split = mentions.partition_point(|m| m.start < candidate.start);
        for mention in mentions[..split].iter().rev().take(WORDS) {
            if mention.end + REACH < candidate.start {
                break;
            }
            let gap = mention.end..candidate.start.max(mention.end);
            near.take(rules, text, mention, gap, candidate.kind, 1.0);
            // Words further away on this side are worth less.
            if near.is_full() {
                break;
            }
        }
        // Words behind a value say less than words before it.
        let mut far = Near::default();
        let behind = mentions[split..]
            .iter()
            .filter(|m| m.start >= candidate.end);
        for mention in behind.take(WORDS) {
            if mention.start > candidate.end + REACH {
                break;
            }
            let gap = candidate.end..mention.start;
            far.take(rules, text, mention, gap, candidate.kind, 0.6);
            if far.is_full() {
                break;
            }
        }
        near.merge(far);
        near
    }

    /// The word right before `start`, over spaces, quotes, brackets and signs such as `：`.
    pub(super) fn label_before(&mut self, start: usize) -> Option<u16> {
        if let Some((known, label)) = self.known
            && known == start
        {
            return label;
        }
        let label = self.find_label(start);
        self.known = Some((start, label));
        label
    }

    fn find_label(&self, start: usize) -> Option<u16> {
        let mut end = start;
        for _ in 0..10 {
            let from = glyph::boundary_before(self.text, end);
            if end == 0 || end - from == 0 {
                break;
            }
            // `手机号` ends with a character that could be a sign as well.
            if self.text[from] >= 0xE0
                && let Some(word) = self.mention_ending(end)
            {
                return Some(word);
            }
            match labels::sign(glyph::decode(self.text, from).0) {
                labels::Sign::None => break,
                _ => end = from,
            }
        }
        let last = *self.text.get(end.checked_sub(1)?)?;
        if last < 0x80 {
            // In a form's field the key is the name, and `value` says nothing.
            let end = labels::field_before(self.text, end).unwrap_or(end);
            if let Some(word) = self.rules.key_ending(self.text, end) {
                return Some(word);
            }
        }
        self.mention_ending(end)
    }

    /// The Latin key or label that ends at `end`, when a value may stand behind it.
    pub(super) fn latin_label(&self, end: usize) -> Option<u16> {
        let info = |word: u16| &self.rules.infos[usize::from(word)];
        let word = self
            .rules
            .key_ending(self.text, end)
            .or_else(|| self.mention_ending(end))?;
        (info(word).points && info(word).text.is_ascii()).then_some(word)
    }

    /// The longest word that ends at `end`.
    fn mention_ending(&self, end: usize) -> Option<u16> {
        let mention = self.rules.words.ending(self.text, end, |_| true)?;
        Some(mention.word)
    }

    /// What stands before `start`, invisible characters passed over.
    pub(super) fn before(&self, start: usize) -> Glyph {
        let mut end = start;
        for _ in 0..8 {
            let (glyph, len) = glyph::before(self.text, end);
            // The letter of `\n`, as programs write a line's end, is none.
            if matches!(glyph, Glyph::Letter(b'N' | b'R' | b'T'))
                && end >= 2
                && self.text[end - 2] == b'\\'
            {
                return Glyph::Other;
            }
            if glyph != Glyph::Nothing {
                return glyph;
            }
            end -= len;
        }
        Glyph::Other
    }

    /// What stands behind `end`, invisible characters passed over.
    pub(super) fn after(&self, end: usize) -> Glyph {
        let mut at = end;
        for _ in 0..8 {
            let (glyph, len) = glyph::at(self.text, at);
            if glyph != Glyph::Nothing {
                return glyph;
            }
            at += len;
        }
        Glyph::Other
    }

    /// Whether a number may begin at `start`: no digit or letter stands before it.
    pub(super) fn begins(&self, start: usize) -> bool {
        !matches!(
            self.before(start),
            Glyph::Digit(_) | Glyph::Letter(_) | Glyph::Mask
        )
    }

    /// Whether a number may end at `end`.
    pub(super) fn ends(&self, end: usize) -> bool {
        !matches!(
            self.after(end),
            Glyph::Digit(_) | Glyph::Letter(_) | Glyph::Mask
        )
    }

    /// Whether the digits behind a point or the like belong to what stands before `start`.
    pub(super) fn continues(&self, start: usize) -> bool {
        let (glyph, len) = glyph::before(self.text, start);
        match glyph {
            Glyph::Gap(Gap::Dot) => {
                matches!(glyph::before(self.text, start - len).0, Glyph::Digit(_))
            }
            Glyph::Gap(Gap::Dash) => matches!(
                glyph::before(self.text, start - len).0,
                Glyph::Digit(_) | Glyph::Letter(_)
            ),
            _ => matches!(
                self.text.get(start.wrapping_sub(1)),
                Some(b'*' | b'<' | b'^' | b'#' | b'$')
            ),
        }
    }

    /// Whether digits follow `end` behind a point or a hyphen.
    pub(super) fn is_continued(&self, end: usize) -> bool {
        let (glyph, len) = glyph::at(self.text, end);
        match glyph {
            Glyph::Gap(Gap::Dot) => matches!(glyph::at(self.text, end + len).0, Glyph::Digit(_)),
            Glyph::Gap(Gap::Dash) => matches!(
                glyph::at(self.text, end + len).0,
                Glyph::Digit(_) | Glyph::Letter(_)
            ),
            _ => false,
        }
    }
}

impl Candidate {
    fn add(&mut self, rules: &Compiled, reason: Reasons) {
        self.reasons = self.reasons.and(reason);
        self.logit += rules.weight(reason);
    }
}

/// Whether a label means the number behind it is of no such kind.
fn contradicts(rules: &Compiled, info: &WordInfo, kind: KindId) -> bool {
    info.against_all || info.against.has(kind) || info.labels.meets(rules.numbers)
}

/// The nearest words for and against on one side, with their worth by distance.
#[derive(Default)]
struct Near {
    supports: Option<(u16, f32)>,
    against: Option<f32>,
}

impl Near {
    /// Both were found.
    fn is_full(&self) -> bool {
        self.supports.is_some() && self.against.is_some()
    }

    fn take(
        &mut self,
        rules: &Compiled,
        text: &[u8],
        mention: &Mention,
        gap: std::ops::Range<usize>,
        kind: KindId,
        side: f32,
    ) {
        let info = &rules.infos[usize::from(mention.word)];
        let supports = self.supports.is_none() && info.supports.has(kind);
        let against = self.against.is_none() && (info.against_all || info.against.has(kind));
        if !supports && !against {
            return;
        }
        let characters = if gap.len() <= rules.characters {
            gap.len() / 2
        } else {
            glyph::count(&text[gap]).0
        };
        if characters > rules.characters {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few hundred characters")]
        let far = characters as f32 / rules.characters as f32;
        let worth = (1.0 - far) * (1.0 - far) * side;
        if supports {
            self.supports = Some((mention.word, worth));
        }
        if against {
            self.against = Some(worth);
        }
    }

    /// Of two sides the one that is worth more.
    fn merge(&mut self, other: Near) {
        if let Some((word, worth)) = other.supports
            && self.supports.is_none_or(|(_, known)| worth > known)
        {
            self.supports = Some((word, worth));
        }
        if let Some(worth) = other.against
            && self.against.is_none_or(|known| worth > known)
        {
            self.against = Some(worth);
        }
    }
}
