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
use crate::evalue::{DesignBased, EValue, Epsilon, Threshold, Verdict, ln_count};
use crate::model::{MAX_COLLUDERS, Model, Observation, Sighting};

/// Weight of the first pass in the mixture over passes; pass `t` has `¾ · ¼^t`.
const FIRST_PASS: f64 = 0.75;

/// What a leak shows, slot by slot; each slot once.
#[derive(Debug, Clone, Default)]
pub struct Leak {
    marks: Vec<(Slot, Observation)>,
    mark_at: HashMap<SlotId, usize>,
    canaries: Vec<(Canary, Sighting)>,
    canary_at: HashMap<SlotId, usize>,
}

impl Leak {
    /// A leak that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a form seen at a slot and returns the slot's position, counted from zero.
    ///
    /// Seen again in the other form, the slot shows [`Observation::Both`].
    pub fn mark(&mut self, slot: Slot, observation: Observation) -> usize {
        let position = *self.mark_at.entry(slot.id()).or_insert(self.marks.len());
        match self.marks.get_mut(position) {
            Some((_, known)) => *known = known.merge(observation),
            None => self.marks.push((slot, observation)),
        }
        position
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
    fn given(&mut self, accused: &[usize]) {
        let others: Vec<usize> = (0..self.candidates.len())
            .filter(|copy| !accused.contains(copy))
            .collect();
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

fn ln_len(count: usize) -> f64 {
    ln_count(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::CodeKey;

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
