//! Crafted leaks: to frame somebody, to count twice, to confuse.
//!
//! Who wants to frame a copy must know its symbols, that is, hold it or its key. Whoever mixes in a
//! part of another's copy makes that copy a source, and it is named as one: a copy is accused, not a
//! person.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod shared;

use liuhen_fingerprint::canary::Canary;
use liuhen_fingerprint::code::{ExportKey, Slot};
use liuhen_fingerprint::decode::Coverage;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::{Observation, Sighting};
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::trace::{Candidate, Leak, Tracing, trace};
use shared::{House, accused};

const COPIES: usize = 200;
const ROWS: usize = 1_000;

fn judge(house: &House, leak: &Leak) -> Tracing {
    let candidates: Vec<Candidate<'_>> = house.exports.iter().map(Candidate::whole).collect();
    trace(leak, &candidates, Epsilon::DEFAULT).unwrap()
}

fn held(export: &ExportKey, slot: &Slot) -> Observation {
    [Observation::Zero, Observation::One][export.symbol(slot).index()]
}

/// A leak of every slot, each as `show` says.
fn leak(house: &House, mut show: impl FnMut(&Slot) -> Observation) -> Leak {
    let mut leak = Leak::new();
    for slot in house.slots(0..ROWS) {
        let shown = show(&slot);
        leak.mark(slot, shown);
    }
    leak
}

#[test]
fn frames_nobody_whose_copy_was_not_at_hand() {
    let house = House::new(21, COPIES);
    let mut dice = Dice::new(22);
    let crafted = [
        ("both forms everywhere", leak(&house, |_| Observation::Both)),
        ("all forms one", leak(&house, |_| Observation::One)),
        ("all forms zero", leak(&house, |_| Observation::Zero)),
        (
            // As by somebody to whom the code key was betrayed, but no export's.
            "the likelier form everywhere",
            leak(&house, |slot| match slot.bias().p() > 0.5 {
                true => Observation::One,
                false => Observation::Zero,
            }),
        ),
        (
            "the rarer form everywhere",
            leak(&house, |slot| match slot.bias().p() > 0.5 {
                true => Observation::Zero,
                false => Observation::One,
            }),
        ),
        (
            "noise with both forms among it",
            leak(&house, |_| {
                use Observation::{Both, One, Zero};
                [Zero, One, Both][dice.below(3)]
            }),
        ),
    ];
    for (name, leak) in crafted {
        assert!(judge(&house, &leak).accused().is_empty(), "{name}");
    }
}

#[test]
fn frames_nobody_by_showing_every_canary_ever_made() {
    let house = House::new(23, COPIES);
    for sighting in [Sighting::Seen, Sighting::Unseen] {
        let mut leak = Leak::new();
        for index in 0..5_000 {
            leak.canary(Canary::new(&house.code, index), sighting);
        }
        assert!(judge(&house, &leak).accused().is_empty(), "{sighting:?}");
    }
}

#[test]
fn a_row_a_million_times_is_a_row() {
    let house = House::new(24, COPIES);
    let slots = house.slots(0..1);
    let mut once = Leak::new();
    let mut often = Leak::new();
    for slot in &slots {
        once.mark(*slot, held(&house.exports[9], slot));
    }
    for turn in 0..1_000_000 {
        let slot = &slots[turn % slots.len()];
        often.mark(*slot, held(&house.exports[9], slot));
    }
    assert_eq!(often.marks_seen(), slots.len());
    let (once, often) = (judge(&house, &once), judge(&house, &often));
    assert_eq!(once, often);
    assert!(often.accused().is_empty());
}

#[test]
fn rows_that_contradict_each_other_speak_for_nobody_but_those_who_hold_them() {
    // Copy 9's rows, and below them the same rows in the opposite form.
    let house = House::new(25, COPIES);
    let mut contradicted = leak(&house, |slot| held(&house.exports[9], slot));
    for slot in house.slots(0..ROWS) {
        let opposite = match held(&house.exports[9], &slot) {
            Observation::One => Observation::Zero,
            _ => Observation::One,
        };
        contradicted.mark(slot, opposite);
    }
    assert!(judge(&house, &contradicted).accused().is_empty());
}

#[test]
fn the_opposite_of_a_copy_frames_none_of_the_others() {
    let house = House::new(26, COPIES);
    let opposite = leak(&house, |slot| match held(&house.exports[9], slot) {
        Observation::One => Observation::Zero,
        _ => Observation::One,
    });
    assert!(judge(&house, &opposite).accused().is_empty());
}

#[test]
fn a_part_of_anothers_copy_names_that_copy_too_and_no_third() {
    let house = House::new(27, COPIES);
    let mut row = 0;
    let mixed = leak(&house, |slot| {
        row += 1;
        held(&house.exports[if row % 3 == 0 { 40 } else { 9 }], slot)
    });
    let accused = accused(&judge(&house, &mixed));
    assert!(accused.contains(&9), "{accused:?}");
    assert!(
        accused.iter().all(|copy| [9, 40].contains(copy)),
        "{accused:?}"
    );
}

#[test]
fn a_copy_that_carried_none_of_the_rows_is_not_spoken_of() {
    let house = House::new(28, COPIES);
    let leak = leak(&house, |slot| held(&house.exports[9], slot));
    let none = |_: usize| false;
    let candidates: Vec<Candidate<'_>> = house
        .exports
        .iter()
        .map(|key| Candidate {
            key,
            marks: Coverage::Only(&none),
            canaries: Coverage::All,
        })
        .collect();
    let traced = trace(&leak, &candidates, Epsilon::DEFAULT).unwrap();
    assert!(traced.accused().is_empty());
    assert!(
        traced
            .copies
            .iter()
            .all(|copy| copy.channels[0].evidence.ln().abs() < 1e-5)
    );
}
