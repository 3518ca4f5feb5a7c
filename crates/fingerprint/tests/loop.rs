//! Mark, leak, trace: whole exports, whole leaks, the right copy and nobody else.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod shared;

use liuhen_fingerprint::canary::{self, Canary};
use liuhen_fingerprint::decode::Coverage;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::{Observation, Sighting};
use liuhen_fingerprint::simulate::{Attack, Dice};
use liuhen_fingerprint::trace::{Candidate, Leak, Tracing, trace};
use shared::{House, accused};

const ROWS: usize = 20_000;
const CANARIES: u32 = 600;

/// Notes one exported row as the leak shows it.
fn leak_row(house: &House, leak: &mut Leak, export: usize, row: usize) {
    let marked = house.export(export, row);
    for (slot, observation) in house.observe(row, &marked) {
        leak.mark(slot, observation);
    }
}

/// Notes all canaries, seen when one of the leakers carries them and `shown` says so.
fn leak_canaries(
    house: &House,
    leak: &mut Leak,
    leakers: &[usize],
    mut shown: impl FnMut() -> bool,
) {
    for index in 0..CANARIES {
        let canary = Canary::new(&house.code, index);
        let carried = leakers
            .iter()
            .any(|export| canary.is_carried_by(&house.exports[*export]));
        let seen = carried && shown();
        leak.canary(
            canary,
            if seen {
                Sighting::Seen
            } else {
                Sighting::Unseen
            },
        );
    }
}

fn judge(house: &House, leak: &Leak) -> Tracing {
    let candidates: Vec<Candidate<'_>> = house.exports.iter().map(Candidate::whole).collect();
    trace(leak, &candidates, Epsilon::DEFAULT).unwrap()
}

#[test]
fn five_percent_of_one_export_among_a_hundred() {
    let house = House::new(1, 100);
    let mut dice = Dice::new(2);
    let mut leak = Leak::new();
    for row in 0..ROWS {
        if dice.chance(0.05) {
            leak_row(&house, &mut leak, 42, row);
        }
    }
    leak_canaries(&house, &mut leak, &[42], || dice.chance(0.05));
    let traced = judge(&house, &leak);
    assert_eq!(accused(&traced), [42]);
    assert!(traced.accused()[0].combined.log10() > 100.0);
}

#[test]
fn a_handful_of_canaries_without_any_marks() {
    // Every value was re-typed in the leaker's own style; canary persons remain.
    let house = House::new(3, 100);
    let mut dice = Dice::new(4);
    let mut leak = Leak::new();
    leak_canaries(&house, &mut leak, &[7], || dice.chance(0.3));
    assert_eq!(accused(&judge(&house, &leak)), [7]);
}

#[test]
fn both_of_two_who_merged_their_files() {
    let house = House::new(5, 100);
    for style in 0..3 {
        let mut dice = Dice::new(6 + style);
        let mut leak = Leak::new();
        for row in (0..ROWS).filter(|row| row % 10 == 0) {
            match style {
                // Both files below each other.
                0 => [12, 77]
                    .iter()
                    .for_each(|export| leak_row(&house, &mut leak, *export, row)),
                // Each row from one of them.
                1 => leak_row(&house, &mut leak, [12, 77][dice.below(2)], row),
                // Each value from one of them.
                _ => {
                    for (slot, shown) in house.observe(row, &house.export(12, row)) {
                        let other = house.exports[77].symbol(&slot).index();
                        let other = if other == 1 {
                            Observation::One
                        } else {
                            Observation::Zero
                        };
                        leak.mark(slot, if dice.chance(0.5) { shown } else { other });
                    }
                }
            }
        }
        leak_canaries(&house, &mut leak, &[12, 77], || dice.chance(0.1));
        assert_eq!(accused(&judge(&house, &leak)), [12, 77], "style {style}");
    }
}

#[test]
fn accuses_nobody_for_a_file_that_never_came_from_here() {
    let house = House::new(8, 100);
    let mut dice = Dice::new(9);
    let mut leak = Leak::new();
    for row in 0..2_000 {
        // The same persons, from another source: addresses in whatever form.
        for (slot, _) in house.observe(row, &house.address(row)) {
            let form = if dice.chance(0.5) {
                Observation::One
            } else {
                Observation::Zero
            };
            leak.mark(slot, form);
        }
    }
    leak_canaries(&house, &mut leak, &[], || false);
    assert!(judge(&house, &leak).accused().is_empty());
    // And as stored, before any marking.
    let mut leak = Leak::new();
    for row in 0..2_000 {
        for (slot, observation) in house.observe(row, &house.address(row)) {
            leak.mark(slot, observation);
        }
    }
    assert!(judge(&house, &leak).accused().is_empty());
}

#[test]
fn accuses_nobody_when_an_unlisted_export_leaked() {
    let house = House::new(10, 101);
    let mut leak = Leak::new();
    for row in 0..1_000 {
        leak_row(&house, &mut leak, 100, row);
    }
    let candidates: Vec<Candidate<'_>> =
        house.exports[..100].iter().map(Candidate::whole).collect();
    assert!(
        trace(&leak, &candidates, Epsilon::DEFAULT)
            .unwrap()
            .accused()
            .is_empty()
    );
}

#[test]
fn rows_that_a_copy_never_carried_do_not_speak_for_it() {
    // Copy 3 carried the even rows, copy 4 the odd ones; the leak holds both files.
    let house = House::new(11, 50);
    let mut leak = Leak::new();
    let mut rows = Vec::new();
    for row in 0..600 {
        let export = if row % 2 == 0 { 3 } else { 4 };
        for (slot, observation) in house.observe(row, &house.export(export, row)) {
            if leak.mark(slot, observation) == rows.len() {
                rows.push(row);
            }
        }
    }
    let even = |position: usize| rows[position] % 2 == 0;
    let odd = |position: usize| rows[position] % 2 == 1;
    let candidate = |(at, key)| Candidate {
        key,
        marks: if at % 2 == 1 {
            Coverage::Only(&even)
        } else {
            Coverage::Only(&odd)
        },
        canaries: Coverage::All,
    };
    let candidates: Vec<Candidate<'_>> = house.exports.iter().enumerate().map(candidate).collect();
    let traced = trace(&leak, &candidates, Epsilon::DEFAULT).unwrap();
    assert_eq!(accused(&traced), [3, 4]);
}

#[test]
fn two_hundred_rows_among_a_thousand_copies() {
    const TRIALS: u64 = 40;
    let mut caught = 0;
    for trial in 0..TRIALS {
        let house = House::new(100 + trial, 1_000);
        let mut dice = Dice::new(trial);
        let leaker = dice.below(1_000);
        let mut leak = Leak::new();
        for _ in 0..200 {
            // Rows 0..100,000; two symbols of each row survive.
            let row = dice.below(100_000);
            let marked = house.export(leaker, row);
            for (slot, observation) in house.observe(row, &marked).into_iter().take(2) {
                leak.mark(slot, observation);
            }
        }
        assert!(leak.marks_seen() <= 400);
        let accused = accused(&judge(&house, &leak));
        assert!(accused.iter().all(|copy| *copy == leaker));
        caught += u64::from(accused == [leaker]);
    }
    assert!(caught * 100 >= TRIALS * 95, "{caught} of {TRIALS}");
}

#[test]
fn three_colluders_under_every_attack_lose_at_least_one() {
    let house = House::new(12, 200);
    let leakers = [5, 50, 150];
    for attack in Attack::ALL {
        let mut dice = Dice::new(13);
        let mut leak = Leak::new();
        for slot in house.slots(0..1_000) {
            let ones = leakers
                .iter()
                .map(|r| house.exports[*r].symbol(&slot).index())
                .sum();
            if let Some(shown) = attack.show(ones, 3, 0.02, &mut dice) {
                leak.mark(slot, shown);
            }
        }
        let accused = accused(&judge(&house, &leak));
        assert!(!accused.is_empty(), "{attack:?}");
        assert!(
            accused.iter().all(|copy| leakers.contains(copy)),
            "{attack:?}: {accused:?}"
        );
    }
}

#[test]
fn a_plan_of_canaries_is_carried_by_half_the_exports() {
    let house = House::new(14, 2);
    let carried = canary::carried(&house.code, &house.exports[0], CANARIES);
    assert!((200..400).contains(&carried.len()), "{}", carried.len());
}

#[test]
fn the_lesser_of_two_is_found_given_the_greater() {
    let house = House::new(15, 100);
    let mut dice = Dice::new(16);
    let mut leak = Leak::new();
    for row in 0..200 {
        let export = if dice.chance(0.25) { 20 } else { 60 };
        leak_row(&house, &mut leak, export, row);
    }
    let traced = judge(&house, &leak);
    assert_eq!(accused(&traced), [20, 60]);
    assert_eq!(traced.copies[60].given_accused, 0);
    assert_eq!(traced.copies[20].given_accused, 1);
}
