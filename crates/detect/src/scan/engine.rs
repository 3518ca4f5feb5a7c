//! One pass over a stretch of text: blocks are counted, extractors are called
//! where a block holds enough of something, candidates are resolved.
//!
//! The engine goes through the text in stretches; what it sees of a place never
//! depends on where a stretch begins, since every extractor looks at a bounded
//! neighbourhood that is always there.

use super::census::{BLOCK, Block, Counts, Survey, each};
use super::compiled::{Compiled, KindSet};
use super::glyph::{self, Glyph};
use super::groups::Cluster;
use super::hit::Reasons;
use super::tokens::{self, Token};
use super::window::{Candidate, Rank, Window};
use super::words::Nearby;
use super::{labels, masked, network, numbers, places, plates, resolve, values, wallets};

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
        self.survey.reach(text, (to + BEHIND).min(text.len()), &rules.words.numerals);
        let mut survey = std::mem::take(&mut self.survey);
        let numerals = std::mem::take(&mut survey.numerals);
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
        for at in &numerals {
            if has_company(text, *at) {
                self.numeral(&mut window, *at);
            }
        }
        self.own(&mut window, to);
        survey.numerals = numerals;
        survey.numerals.clear();
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
        let mut at = from;
        while at < to {
            if let Some(here) = block(at) {
                let next = block(at + BLOCK);
                let several = |least: u8, of: fn(&Counts) -> u8| {
                    let beside = [before, next].map(|b| b.map_or(0, |b| of(&b.counts)));
                    let own = of(&here.counts);
                    own > 0 && own + beside[0].max(beside[1]) >= least
                };
                if several(4, |counts| counts.digits) {
                    self.digits(window, each(here.digits, at));
                }
                if here.rest {
                    self.signs(window, here, at, several);
                }
                before = Some(here);
            }
            at += BLOCK;
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
        if several(4, |counts| counts.odd) {
            each(here.odd, at).for_each(|at| self.odd_digit(window, at));
        }
        each(here.ats, at).for_each(|at| sign_at(window, at));
        if several(2, |counts| counts.masks) {
            each(here.masks, at).for_each(|at| self.mask(window, at));
        }
        each(here.keys, at).for_each(|at| {
            key(window, at);
            values::behind_sign(window, at);
        });
        each(here.signs, at).for_each(|at| values::behind_sign(window, at));
        each(here.leaves, at).for_each(|at| leaves_han(window, at));
        if several(2, |counts| counts.joints) {
            each(here.joints, at).for_each(|at| self.joint(window, at));
        }
        each(here.after_han, at).for_each(|at| after_han(window, at));
        each(here.literals, at).for_each(|at| literal(window, at));
        each(here.runs, at).for_each(|at| self.run_at(window, at));
    }

    /// Numbers whose first group begins at one of the places, which hold digits.
    fn digits(&mut self, window: &mut Window<'_>, places: impl Iterator<Item = usize>) {
        let text = window.text;
        for at in places {
            if at < self.digits_to || glyph::in_escape(text, at) {
                continue;
            }
            if let Some(end) = short_end(text, at)
                && key_before(window.rules, text, at).is_none()
            {
                self.digits_to = end;
                continue;
            }
            // Within a run that was given up as too long.
            if matches!(window.before(at), Glyph::Digit(_)) {
                continue;
            }
            let mut cluster = std::mem::take(&mut self.cluster);
            self.digits_to = cluster.read(text, at, false).max(at + 1);
            // Fewer digits are no number by themselves.
            if cluster.is_long(numbers::LEAST) {
                numbers::propose(window, &cluster);
            }
            beside(window, &cluster);
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

/// What stands beside groups: words of letters and digits, network addresses, places.
fn beside(window: &mut Window<'_>, cluster: &Cluster) {
    let text = window.text;
    let mut token_end = 0;
    let mut place_end = 0;
    for (n, group) in cluster
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| !group.long)
    {
        called(window, group.start);
        values::before_label(window, group.start, group.end);
        if group.start >= token_end
            && touches_letter(text, group.start, group.end)
            && let Some(token) = Token::around(text, group.start)
        {
            token_end = token.end;
            tokens::propose(window, &token);
        }
        match text.get(group.end) {
            Some(b'.' | 0xEF) if group.len <= 3 && group.start >= place_end => {
                network::ipv4(window, cluster, n);
                place_end = places::propose(window, group.start).unwrap_or(0);
            }
            Some(0xC2 | 0xE5) if group.len <= 3 => places::sexagesimal(window, group.start),
            Some(b'-') if group.len == 8 => tokens::org_code(window, group.end),
            _ => {}
        }
    }
}

/// Whether a letter touches digits.
fn touches_letter(text: &[u8], start: usize, end: usize) -> bool {
    let ends = match text.get(end) {
        Some(byte @ ..0x80) if *byte != b'%' => byte.is_ascii_alphabetic(),
        _ => matches!(glyph::at(text, end).0, Glyph::Letter(_)),
    };
    // Behind `%41` too, which ends with a digit.
    let begins = match start.checked_sub(1).map(|at| text[at]) {
        Some(byte @ ..0x80) if !byte.is_ascii_digit() => byte.is_ascii_alphabetic(),
        _ => matches!(glyph::before(text, start).0, Glyph::Letter(_)),
    };
    ends || begins
}

/// Where a Latin key may end before a value at `start`, with signs between that no
/// other extractor reads from the key on; whether they state the value.
fn key_before(rules: &Compiled, text: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut end = start;
    let (mut stated, mut wide) = (false, false);
    for _ in 0..10 {
        let last = *text.get(end.checked_sub(1)?)?;
        if last.is_ascii_alphanumeric() {
            break;
        }
        let from = glyph::boundary_before(text, end);
        match labels::sign(glyph::decode(text, from).0) {
            labels::Sign::None => return None,
            labels::Sign::Passes => {}
            labels::Sign::States | labels::Sign::Divides => stated = true,
        }
        wide |= last >= 0x80;
        end = from;
    }
    // What signs of ASCII alone state is read from the key on.
    let read = stated && !wide;
    (!read && rules.may_end_key(text, end)).then_some((end, stated))
}

/// Where a few digits of ASCII, or the word that they begin or end, end: where only a
/// label can make something of them, since nothing joins them to more digits.
fn short_end(text: &[u8], at: usize) -> Option<usize> {
    let digits = text[at..].iter().take(numbers::LEAST);
    let run = digits.take_while(|byte| byte.is_ascii_digit()).count();
    let end = at + run;
    let joins = |byte: u8| match glyph::ascii(byte) {
        Glyph::Letter(_) => false,
        Glyph::Other | Glyph::Mask => byte == b'%' || byte == b'\\' || byte >= 0x80,
        _ => true,
    };
    let before = at.checked_sub(1).map(|at| text[at])?;
    let behind = *text.get(end)?;
    if run == 0 || run == numbers::LEAST || joins(behind) || before >= 0x80 {
        return None;
    }
    if !before.is_ascii_alphabetic() && !behind.is_ascii_alphabetic() {
        return (!before.is_ascii_digit()).then_some(end);
    }
    // Words of letters and fewer than seven digits in a row have eleven at least.
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric();
    let left = text[..at].iter().rev().take(tokens::LEAST).take_while(letter).count();
    let right = text[end..].iter().take(tokens::LEAST).take_while(letter).count();
    let outside = [(at - left).checked_sub(1), Some(end + right)];
    let alone = outside.iter().flatten().all(|at| {
        let byte = text.get(*at).copied().unwrap_or(b' ');
        byte < 0x80 && !matches!(byte, b'%' | b'\\')
    });
    (alone && left + run + right < tokens::LEAST).then_some(end)
}

/// Values behind a Latin word with no sign between, as in `QQ12345678`.
fn called(window: &mut Window<'_>, start: usize) {
    let text = window.text;
    if let Some((end, stated)) = key_before(window.rules, text, start)
        && let Some(word) = window.latin_label(end)
    {
        values::propose_at(window, word, start, stated, true);
    }
    if text[start] >= 0x80 {
        values::bare(window, start);
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

/// The e-mail address around the sign at `at`.
fn sign_at(window: &mut Window<'_>, at: usize) {
    let len = if window.text[at] == b'@' {
        1
    } else {
        "＠".len()
    };
    network::email(window, at, len);
}

/// The key in Latin letters before the sign at `at`, and what stands behind it.
fn key(window: &mut Window<'_>, at: usize) {
    // `::` is a path, `==` and `=>` compare and point in code.
    let doubled = matches!(
        (window.text[at], window.text.get(at + 1)),
        (b':', Some(b':')) | (b'=', Some(b'=' | b'>' | b'~'))
    );
    if doubled || (at > 0 && matches!(window.text[at - 1], b':' | b'=')) {
        return;
    }
    let mut end = at;
    while end > 0
        && at - end < 3
        && matches!(window.text[end - 1], b'"' | b'\'' | b' ' | b'`' | b'\\')
    {
        end -= 1;
    }
    if let Some(end) = field_name(window.text, at) {
        if let Some(word) = window.rules.key_ending(window.text, end) {
            values::propose(window, word, end, true);
        }
        return;
    }
    let letter = end > 0 && window.text[end - 1].is_ascii_alphanumeric();
    if letter
        && let Some(word) = window.rules.key_ending(window.text, end)
    {
        values::propose(window, word, at, true);
    }
}

/// Where the name of a form's field ends, behind `name=` or `id=` and a quote.
fn field_name(text: &[u8], sign: usize) -> Option<usize> {
    let names = text[..sign].ends_with(b"name") || text[..sign].ends_with(b"id");
    let quote = *text.get(sign + 1)?;
    if text[sign] != b'=' || !names || !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let len = text[sign + 2..].iter().take(40).position(|b| *b == quote)?;
    text[sign + 2 + len..]
        .get(1..7)
        .is_some_and(|rest| rest.starts_with(b" "))
        .then_some(sign + 2 + len)
}

/// What begins with a Chinese character before a Latin letter: plates.
///
/// `at` is the character's last byte, or a letter of full width.
fn after_han(window: &mut Window<'_>, at: usize) {
    let text = window.text;
    let begins = |at: usize| text[at] & 0xF0 == 0xE0;
    if at >= 2 && text[at] & 0xC0 == 0x80 && begins(at - 2) {
        plates::propose(window, at - 2);
    } else if at >= 3 && text[at] == 0xEF && begins(at - 3) {
        plates::propose(window, at - 3);
    }
}

/// The value in ASCII that may begin behind the character that ends at `at`, over
/// brackets and quotation marks, with no sign between it and its label.
fn leaves_han(window: &mut Window<'_>, at: usize) {
    let behind = &window.text[at + 1..];
    let passes = |byte: &u8| labels::ascii_sign(*byte) == labels::Sign::Passes;
    let signs = behind.iter().take(4).take_while(|byte| passes(byte)).count();
    if behind.get(signs).is_some_and(u8::is_ascii_alphanumeric) {
        values::bare(window, at + 1 + signs);
    }
}

/// Spellings that cannot be anything else.
fn literal(window: &mut Window<'_>, at: usize) {
    let text = &window.text[at..];
    if text.starts_with(b"xid_") && window.text[..at].ends_with(b"w") {
        values::account(window, at - 1);
    } else if text.starts_with(b".me/") && window.text[..at].ends_with(b"t") {
        values::account(window, at - 1);
    } else if text.starts_with("字第".as_bytes()) {
        plates::military(window, at);
    } else if text.starts_with("日出生".as_bytes()) {
        values::born(window, at + "日".len());
    }
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
