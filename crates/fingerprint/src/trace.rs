//! Tracing: a leak, the issued copies, and what each copy's marks say.
//!
//! Rule: house design, section 9. Marks and canaries are independent channels: given everything the
//! leakers did, an innocent copy's symbols at different slots are independent, so their e-values multiply.
//!
//! Passes share one e-value. The mixture `Σ_t w_t · mean over sets A of t other copies of e(r | A)`
//! has expectation at most 1 for an innocent `r`; it is at least `w_t e(r | A) / C(n−1, t)` for the
//! very set `A` accused so far. The score of a copy is the largest of these bounds, so that all
//! passes together keep one ε.
//! Which exports were issued, and to whom, belongs to the caller: a copy here is a position in a list.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::FingerprintError;
use crate::canary::Canary;
use crate::code::{ExportKey, Slot, SlotId};
use crate::decode::{self, Coverage, Scored, Seen};
use crate::evalue::{DesignBased, EValue, Epsilon, Threshold, Verdict, ln_len};
use crate::model::{MAX_COLLUDERS, Model, Observation, Sighting};

/// Weight of the first pass in the mixture over passes; pass `t` has `¾ · ¼^t`.
const FIRST_PASS: f64 = 0.75;

/// Most copies that a later pass scores.
const SCORED_AGAIN: usize = 50_000;

/// What a leak shows, slot by slot; each slot once, however often the file repeats it.
///
/// Takes some hundred bytes a slot while it is traced. A file cannot invent slots: each belongs to a
/// value that the vault holds, and at most [`Leak::MOST_MARKS`] of them are kept.
#[derive(Debug, Clone, Default)]
pub struct Leak {
    marks: Vec<(Slot, Observation)>,
    mark_at: HashMap<SlotId, u32>,
    left_out: u64,
    canaries: Vec<(Canary, Sighting)>,
    canary_at: HashMap<SlotId, usize>,
}

impl Leak {
    /// How many slots of table values a leak keeps: a hundred times what twelve colluders cost.
    pub const MOST_MARKS: usize = 1_000_000;

    /// A leak that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a form seen at a slot and returns the slot's position, counted from zero.
    ///
    /// Seen again in the other form, the slot shows [`Observation::Both`]. When the leak is full
    /// ([`Leak::MOST_MARKS`]), a further slot is left out and its position is `usize::MAX`: which
    /// slots those are depends on the order of the file, on no copy's symbols, so the bound stands.
    pub fn mark(&mut self, slot: Slot, observation: Observation) -> usize {
        if let Some(position) = self.mark_at.get(&slot.id()) {
            let position = *position as usize;
            if let Some((_, known)) = self.marks.get_mut(position) {
                *known = known.merge(observation);
            }
            return position;
        }
        let position = self.marks.len();
        match u32::try_from(position) {
            Ok(at) if position < Self::MOST_MARKS => {
                self.mark_at.insert(slot.id(), at);
                self.marks.push((slot, observation));
                position
            }
            _ => {
                self.left_out += 1;
                usize::MAX
            }
        }
    }

    /// How often a slot was left out because the leak was full.
    #[must_use]
    pub const fn marks_left_out(&self) -> u64 {
        self.left_out
    }

    /// Notes whether a canary was seen and returns its position, counted from zero.
    ///
    /// Every canary that some examined export could have carried is to be noted, seen or not.
    pub fn canary(&mut self, canary: Canary, sighting: Sighting) -> usize {
        let next = self.canaries.len();
        let position = *self.canary_at.entry(canary.slot().id()).or_insert(next);
        match self.canaries.get_mut(position) {
            Some((_, known)) if sighting == Sighting::Seen => *known = sighting,
            Some(_) => {}
            None => self.canaries.push((canary, sighting)),
        }
        position
    }

    /// How many slots of table values the leak shows.
    #[must_use]
    pub fn marks_seen(&self) -> usize {
        self.marks.len()
    }

    /// How many canaries the leak shows.
    #[must_use]
    pub fn canaries_seen(&self) -> usize {
        let seen = |(_, sighting): &&(Canary, Sighting)| *sighting == Sighting::Seen;
        self.canaries.iter().filter(seen).count()
    }

    fn seen(&self, channel: Channel) -> Vec<Seen> {
        match channel {
            Channel::Marks => seen(self.marks.iter().copied()),
            Channel::Canaries => seen(self.canaries.iter().map(|(c, s)| (c.slot(), *s))),
        }
    }
}

fn seen<T: Into<usize>>(observed: impl Iterator<Item = (Slot, T)>) -> Vec<Seen> {
    let one = |(slot, observation): (Slot, T)| Seen {
        slot,
        observation: observation.into(),
    };
    observed.map(one).collect()
}

/// One issued copy to be examined.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The key that marked it.
    pub key: &'a ExportKey,
    /// Which of the leak's marks it carried, by position.
    pub marks: Coverage<'a>,
    /// Which of the leak's canaries it could have carried, by position: for an export that planned
    /// `k` canary slots, those with an index below `k`.
    pub canaries: Coverage<'a>,
}

impl<'a> Candidate<'a> {
    /// A copy that carried every slot the leak shows.
    #[must_use]
    pub const fn whole(key: &'a ExportKey) -> Self {
        Self {
            key,
            marks: Coverage::All,
            canaries: Coverage::All,
        }
    }

    const fn on(&self, channel: Channel) -> Scored<'a> {
        Scored {
            key: self.key,
            coverage: match channel {
                Channel::Marks => self.marks,
                Channel::Canaries => self.canaries,
            },
        }
    }
}

/// Where evidence was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Forms of table values.
    Marks,
    /// Canary rows.
    Canaries,
}

impl Channel {
    const ALL: [Self; 2] = [Self::Marks, Self::Canaries];

    fn model(self) -> &'static Model {
        match self {
            Self::Marks => Model::marks(),
            Self::Canaries => Model::canaries(),
        }
    }
}

/// What one channel says about one copy, taken by itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelScore {
    /// The channel.
    pub channel: Channel,
    /// Its evidence against the copy.
    pub evidence: EValue<DesignBased>,
}

/// What the leak says about one copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyScore {
    /// Position of the copy among the candidates.
    pub copy: usize,
    /// The channels, each by itself; those that saw nothing are neutral.
    pub channels: Vec<ChannelScore>,
    /// How many copies accused earlier the decisive score was conditioned on.
    pub given_accused: usize,
    /// All channels and passes in one.
    pub combined: EValue<DesignBased>,
    /// Combined evidence against the threshold.
    pub verdict: Verdict,
}

/// The outcome for one leak.
///
/// What is accused is a copy, not a person; whoever holds the keys could have framed it, which is
/// why keys are committed in the log before an export leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tracing {
    /// How many issued copies were examined.
    pub copies_examined: u64,
    /// The largest probability of accusing any innocent copy.
    pub epsilon: Epsilon,
    /// What a copy must reach, `ln(n/ε)` in nats.
    pub threshold_ln: f64,
    /// Slots of table values that the leak shows.
    pub marks_seen: usize,
    /// Canaries that the leak shows.
    pub canaries_seen: usize,
    /// Every copy, in the order given.
    pub copies: Vec<CopyScore>,
}

impl Tracing {
    /// The copies accused, strongest evidence first.
    #[must_use]
    pub fn accused(&self) -> Vec<&CopyScore> {
        let mut accused: Vec<&CopyScore> = self
            .copies
            .iter()
            .filter(|copy| copy.verdict.is_accused())
            .collect();
        accused.sort_by(|a, b| b.combined.ln().total_cmp(&a.combined.ln()));
        accused
    }
}

/// Scores every copy against a leak and accuses those whose evidence reaches `n/ε`.
///
/// `candidates` must be all issued copies under consideration, chosen without regard to marks and
/// canaries (by rows in common, by date, by collection: allowed).
/// Takes time in proportion to copies × slots; `examples/tracing_speed.rs` measures it.
///
/// # Errors
///
/// [`FingerprintError::NoCopies`] when `candidates` is empty.
pub fn trace(
    leak: &Leak,
    candidates: &[Candidate<'_>],
    epsilon: Epsilon,
) -> Result<Tracing, FingerprintError> {
    let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
    let threshold = Threshold::new(count, epsilon)?;
    let mut bench = Bench {
        leak,
        candidates,
        threshold,
        copies: first_pass(leak, candidates, threshold),
    };
    let mut accused = bench.accused();
    while !accused.is_empty() && accused.len() < MAX_COLLUDERS {
        bench.given(&accused);
        let now = bench.accused();
        if now.len() == accused.len() {
            break;
        }
        accused = now;
    }
    Ok(Tracing {
        copies_examined: count,
        epsilon,
        threshold_ln: threshold.ln(),
        marks_seen: leak.marks_seen(),
        canaries_seen: leak.canaries_seen(),
        copies: bench.copies,
    })
}

/// Scores on both channels, with nobody accused yet.
fn first_pass(leak: &Leak, candidates: &[Candidate<'_>], threshold: Threshold) -> Vec<CopyScore> {
    let scores = Channel::ALL.map(|channel| {
        let scored: Vec<Scored<'_>> = candidates.iter().map(|c| c.on(channel)).collect();
        decode::ln_scores(channel.model(), &leak.seen(channel), &[], &scored)
    });
    let one = |copy: usize| {
        let [marks, canaries] = &scores;
        let combined = EValue::saturating(marks[copy] + canaries[copy] + FIRST_PASS.ln());
        let at = |channel, ln| ChannelScore {
            channel,
            evidence: EValue::saturating(ln),
        };
        CopyScore {
            copy,
            channels: vec![
                at(Channel::Marks, marks[copy]),
                at(Channel::Canaries, canaries[copy]),
            ],
            given_accused: 0,
            combined,
            verdict: threshold.judge(combined),
        }
    };
    (0..candidates.len()).map(one).collect()
}

/// The state between passes.
struct Bench<'a> {
    leak: &'a Leak,
    candidates: &'a [Candidate<'a>],
    threshold: Threshold,
    copies: Vec<CopyScore>,
}

impl Bench<'_> {
    fn accused(&self) -> Vec<usize> {
        let accused = self.copies.iter().filter(|copy| copy.verdict.is_accused());
        accused.map(|copy| copy.copy).collect()
    }

    /// Scores everyone else given the accused, and keeps what is larger.
    ///
    /// Of very many copies only those likeliest so far are scored again: the others keep what they
    /// have, and a lower score harms no innocent.
    fn given(&mut self, accused: &[usize]) {
        let mut others: Vec<usize> = (0..self.candidates.len())
            .filter(|copy| !accused.contains(copy))
            .collect();
        if others.len() > SCORED_AGAIN {
            let ln = |copy: &usize| self.copies[*copy].combined.ln();
            others.sort_by(|a, b| ln(b).total_cmp(&ln(a)).then(a.cmp(b)));
            others.truncate(SCORED_AGAIN);
        }
        let mut sums = vec![price(self.candidates.len(), accused.len()); others.len()];
        for channel in Channel::ALL {
            let pick = |copies: &[usize]| -> Vec<Scored<'_>> {
                copies
                    .iter()
                    .map(|copy| self.candidates[*copy].on(channel))
                    .collect()
            };
            let seen = self.leak.seen(channel);
            let scores = decode::ln_scores(channel.model(), &seen, &pick(accused), &pick(&others));
            for (sum, score) in sums.iter_mut().zip(scores) {
                *sum += score;
            }
        }
        for (copy, ln) in others.into_iter().zip(sums) {
            let score = &mut self.copies[copy];
            if ln > score.combined.ln() {
                score.combined = EValue::saturating(ln);
                score.given_accused = accused.len();
                score.verdict = self.threshold.judge(score.combined);
            }
        }
    }
}

/// `ln( w_t / C(n−1, t) )`: what a score given `t` accused copies pays.
fn price(copies: usize, accused: usize) -> f64 {
    let mut ln = FIRST_PASS.ln();
    for taken in 1..=accused {
        let left = copies.saturating_sub(taken).max(1);
        ln += 0.25_f64.ln() - ln_len(left) + ln_len(taken);
    }
    ln
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::CodeKey;
    use crate::decode::tests::{every_copy, moderate_slots};

    #[test]
    fn the_price_of_a_set_is_the_number_of_sets() {
        // C(999, 2) = 498501; weights ¾ · ¼².
        let expected = (0.75_f64 / 16.0 / 498_501.0).ln();
        assert!((price(1_000, 2) - expected).abs() < 1e-9);
        assert!((price(1_000, 0) - 0.75_f64.ln()).abs() < 1e-12);
        let total: f64 = (0..60).map(|t| 0.75 * 0.25_f64.powi(t)).sum();
        assert!((total - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_slot_counts_once_however_often_it_is_seen() {
        let slot = CodeKey::from_secret([1; 32]).slot(b"test", &[b"a"]);
        let mut leak = Leak::new();
        assert_eq!(leak.mark(slot, Observation::One), 0);
        assert_eq!(leak.mark(slot, Observation::One), 0);
        assert_eq!(leak.marks, [(slot, Observation::One)]);
        leak.mark(slot, Observation::Zero);
        assert_eq!(leak.marks, [(slot, Observation::Both)]);
    }

    /// What two leakers make of their copies, in one of four styles.
    fn shown(leakers: &[ExportKey], slots: &[Slot], style: usize) -> Leak {
        let mut leak = Leak::new();
        for (at, slot) in slots.iter().enumerate() {
            let held = [0, 1].map(|who: usize| leakers[who].symbol(slot).index());
            let seen: &[usize] = match style {
                0 => &held[..1],
                1 => &held,
                2 => &held[at % 2..=at % 2],
                // Erased where they agree: what is left out may depend on all that leakers hold.
                _ if held[0] != held[1] => &held[at % 2..=at % 2],
                _ => &[],
            };
            for form in seen {
                leak.mark(*slot, [Observation::Zero, Observation::One][*form]);
            }
        }
        leak
    }

    #[test]
    fn an_innocent_expects_at_most_one_through_all_passes() {
        // Few slots and a loose ε, so that leakers are accused and later passes take place.
        let mut slots = moderate_slots(60);
        slots.retain(|slot| slot.bias().p() < 0.35);
        slots.truncate(6);
        let mut innocents = every_copy(&slots);
        innocents.sort_by(|a, b| a.1.total_cmp(&b.1));
        // Leakers with rare symbols, who are soon accused.
        let leakers = [innocents[0].0.clone(), innocents[1].0.clone()];
        let epsilon = Epsilon::new(0.999).unwrap();
        let (mut later, mut means) = (0, Vec::new());
        for style in 0..4 {
            let leak = shown(&leakers, &slots, style);
            let (mut mean, mut accused) = (0.0, 0.0);
            for (key, chance) in &innocents {
                let copies = [&leakers[0], &leakers[1], key].map(Candidate::whole);
                let traced = trace(&leak, &copies, epsilon).unwrap();
                later += usize::from(traced.copies[..2].iter().any(|c| c.verdict.is_accused()));
                mean += chance * traced.copies[2].combined.ln().exp();
                accused += chance * f64::from(u8::from(traced.copies[2].verdict.is_accused()));
            }
            assert!(mean <= 1.0, "{style}: {mean}");
            assert!(accused <= epsilon.get() / 3.0, "{style}: {accused}");
            means.push(mean);
        }
        assert!(later > 20, "no pass but the first: {later}, {means:?}");
        // The first pass alone weighs three quarters.
        assert!(means.iter().all(|mean| *mean >= 0.7499), "{means:?}");
    }

    #[test]
    fn a_leak_keeps_so_many_slots_and_no_more() {
        let code = CodeKey::from_secret([1; 32]);
        let slot = |at: usize| code.slot(b"test", &[&at.to_be_bytes()]);
        let mut leak = Leak::new();
        for at in 0..Leak::MOST_MARKS {
            assert_eq!(leak.mark(slot(at), Observation::One), at);
        }
        assert_eq!(
            leak.mark(slot(Leak::MOST_MARKS), Observation::One),
            usize::MAX
        );
        assert_eq!(
            (leak.marks_seen(), leak.marks_left_out()),
            (Leak::MOST_MARKS, 1)
        );
        assert_eq!(leak.mark(slot(5), Observation::Zero), 5);
        assert_eq!(leak.marks[5].1, Observation::Both);
    }

    #[test]
    fn refuses_to_trace_among_no_copies() {
        let traced = trace(&Leak::new(), &[], Epsilon::DEFAULT);
        assert_eq!(traced, Err(FingerprintError::NoCopies));
    }

    #[test]
    fn an_empty_leak_accuses_nobody_and_survives_json() {
        let key = ExportKey::from_secret([5; 32]);
        let traced = trace(&Leak::new(), &[Candidate::whole(&key)], Epsilon::DEFAULT).unwrap();
        assert!(traced.accused().is_empty());
        let json = serde_json::to_string(&traced).unwrap();
        let read: Tracing = serde_json::from_str(&json).unwrap();
        assert_eq!((read.copies_examined, read.copies.len()), (1, 1));
        let gap = read.copies[0].combined.ln() - traced.copies[0].combined.ln();
        assert!(gap.abs() < 1e-12);
        assert!(json.contains("\"nature\":\"design-based\""), "{json}");
    }
}
