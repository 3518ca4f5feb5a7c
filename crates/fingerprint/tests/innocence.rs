//! Monte Carlo: what innocent copies score, whatever the leakers did.
//!
//! The bound is proved in `decode`; this looks for a blunder in the code.
//! A mean over few symbols is compared with one, since an e-value's mean over many symbols lives in
//! events too rare to be drawn; over many symbols, shares are compared with Markov's `P(e ≥ a) ≤ 1/a`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod shared;

use liuhen_fingerprint::canary::Canary;
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::{Observation, Sighting};
use liuhen_fingerprint::simulate::{Attack, Dice};
use liuhen_fingerprint::trace::{Candidate, Leak, Tracing, trace};
use shared::House;

const COLLUDERS: usize = 3;
const INNOCENT: usize = 3_000;

/// Everyone's evidence when the first three exports collude over some rows.
fn play(seed: u64, attack: Attack, rows: usize) -> Tracing {
    let house = House::new(seed, COLLUDERS + INNOCENT);
    let mut dice = Dice::new(seed);
    let leakers = &house.exports[..COLLUDERS];
    let ones = |of: &dyn Fn(&ExportKey) -> bool| leakers.iter().filter(|r| of(r)).count();
    let mut leak = Leak::new();
    for slot in house.slots(0..rows) {
        let held = ones(&|r| r.symbol(&slot).index() == 1);
        if let Some(shown) = attack.show(held, COLLUDERS, 0.05, &mut dice) {
            leak.mark(slot, shown);
        }
    }
    for index in 0..u32::try_from(rows).unwrap_or(u32::MAX) {
        let canary = Canary::new(&house.code, index);
        let held = ones(&|r| canary.is_carried_by(r));
        let shown = attack.show(held, COLLUDERS, 0.0, &mut dice);
        let seen = shown.is_some_and(|shown| shown != Observation::Zero) && dice.chance(0.5);
        leak.canary(
            canary,
            if seen {
                Sighting::Seen
            } else {
                Sighting::Unseen
            },
        );
    }
    let candidates: Vec<Candidate<'_>> = house.exports.iter().map(Candidate::whole).collect();
    trace(&leak, &candidates, Epsilon::DEFAULT).unwrap()
}

/// `ln e` of the innocent, over a few games.
fn innocent(attack: Attack, rows: usize, games: u64) -> Vec<f64> {
    let game = |seed| play(seed, attack, rows).copies.into_iter().skip(COLLUDERS);
    (0..games)
        .flat_map(game)
        .map(|copy| copy.combined.ln())
        .collect()
}

#[test]
fn the_mean_over_few_symbols_is_at_most_one() {
    for attack in Attack::ALL {
        let scores = innocent(attack, 1, 4);
        let count = scores.len() as f64;
        let mean = scores.iter().map(|ln| ln.exp()).sum::<f64>() / count;
        let square = scores.iter().map(|ln| (2.0 * ln).exp()).sum::<f64>() / count;
        let error = ((square - mean * mean) / count).sqrt();
        // The first pass weighs ¾, so the mean is near 0.75, far more than four errors below one.
        assert!(error < 0.05, "{attack:?}: precision {error}");
        assert!(mean + 4.0 * error <= 1.0, "{attack:?}: {mean} ± {error}");
        assert!(
            (mean - 0.75).abs() <= 4.0 * error + 0.01,
            "{attack:?}: {mean} ± {error}"
        );
    }
}

#[test]
fn shares_over_many_symbols_keep_to_markov() {
    for attack in Attack::ALL {
        let scores = innocent(attack, 120, 1);
        let count = scores.len() as f64;
        for a in [2.0_f64, 10.0, 100.0] {
            let share = scores.iter().filter(|ln| **ln >= a.ln()).count() as f64 / count;
            let error = (1.0 / (a * count)).sqrt();
            assert!(
                share <= 1.0 / a + 4.0 * error,
                "{attack:?}: {share} reach {a}"
            );
        }
        assert!(
            scores.iter().all(|ln| *ln < (count / 1e-6).ln()),
            "{attack:?}"
        );
    }
}
