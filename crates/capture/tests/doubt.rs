//! What is doubted of recordings whose making is known.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

mod play;

use liuhen_capture::{
    Deed, Demand, Doubt, Frame, Needs, Part, Plan, Recorded, Rules, Says, Signing, best, doubt,
};
use play::{Held, PERSON, Play, plan, recorded, taken};

fn says(play: &Play, asked: &Plan, recorded_to: &Plan, demand: Demand) -> Doubt {
    let frames = recorded(recorded_to, play, 3);
    let camera = taken(&frames, "Integrated Camera");
    doubt(asked, camera, demand, Rules::builtin())
}

#[test]
fn a_person_who_does_as_asked_passes_and_others_do_not() {
    let mut passed = 0;
    for seed in 0..40 {
        let asked = plan(seed);
        let person = says(&PERSON, &asked, &asked, Demand::Strict);
        passed += usize::from(person.says == Says::Fits);
        assert!(person.says != Says::Against, "{person:?}");
        if person.says == Says::Fits {
            assert!(person.chance.is_some_and(|chance| chance <= 0.04 / 108.0));
        }
        let plays = [
            (
                "photograph turned",
                Play {
                    held: Held::Photograph,
                    ..PERSON
                },
            ),
            (
                "photograph held",
                Play {
                    held: Held::Photograph,
                    obeys: false,
                    ..PERSON
                },
            ),
            (
                "still head",
                Play {
                    obeys: false,
                    ..PERSON
                },
            ),
            (
                "loop",
                Play {
                    loops: true,
                    ..PERSON
                },
            ),
        ];
        for (name, play) in plays {
            let found = says(&play, &asked, &asked, Demand::Usual);
            assert_eq!(found.says, Says::Against, "{name} {found:?}");
        }
        // A recording of a person, made to another question.
        let other = plan(seed + 1_000);
        let old = says(&PERSON, &asked, &other, Demand::Usual);
        assert!(old.says != Says::Fits, "{old:?}");
    }
    assert!(passed >= 38, "{passed} of 40");
}

#[test]
fn a_bright_room_cannot_be_told_and_passes_only_where_light_is_not_demanded() {
    let asked = plan(5);
    let bright = Play {
        room: 40.0,
        ..PERSON
    };
    let usual = says(&bright, &asked, &asked, Demand::Usual);
    assert_eq!(usual.says, Says::Fits, "{usual:?}");
    assert_eq!(usual.chance, None);
    let strict = says(&bright, &asked, &asked, Demand::Strict);
    assert_eq!(strict.says, Says::CouldNotTell);
    let dark = Play {
        lit: false,
        ..PERSON
    };
    let dark = says(&dark, &asked, &asked, Demand::Strict);
    assert!(dark.says != Says::Fits, "{dark:?}");
}

#[test]
fn programs_too_few_frames_and_none_are_told() {
    let asked = plan(6);
    let frames = recorded(&asked, &PERSON, 1);
    let of = |frames: &[Frame], camera: &str| {
        doubt(
            &asked,
            taken(frames, camera),
            Demand::Usual,
            Rules::builtin(),
        )
    };
    assert_eq!(of(&frames, "OBS Virtual Camera").says, Says::Against);
    assert_eq!(of(&frames, "").says, Says::Fits);
    assert_eq!(of(&frames, "OBSBOT Tiny 2 StreamCamera").says, Says::Fits);
    let sooner = Recorded {
        after_ms: 300,
        ..taken(&frames, "x")
    };
    let sooner = doubt(&asked, sooner, Demand::Usual, Rules::builtin());
    assert_eq!(
        sooner.says,
        Says::Against,
        "made in less time than it takes"
    );
    // A camera slower than the page gives neighbours twice.
    let mut slow = frames.clone();
    for at in (1..slow.len()).step_by(3) {
        slow[at].sum = slow[at - 1].sum;
    }
    assert_eq!(of(&slow, "x").says, Says::Fits);
    assert_eq!(of(&frames[..10], "x").says, Says::CouldNotTell);
    assert_eq!(of(&[], "x").says, Says::CouldNotTell);
    let mut faceless = frames.clone();
    faceless.iter_mut().for_each(|frame| frame.landmarks = None);
    assert_eq!(of(&faceless, "x").says, Says::CouldNotTell);
    let mut still = frames;
    still
        .iter_mut()
        .for_each(|frame| frame.change = frame.change.map(|_| 0.01));
    let found = of(&still, "x");
    assert!(
        found.parts.iter().any(|told| told.why == "nothing_moves"),
        "{found:?}"
    );
    assert_eq!(found.says, Says::Against);
}

#[test]
fn odd_numbers_are_no_fault() {
    let asked = plan(8);
    let mut frames = recorded(&asked, &PERSON, 1);
    for (at, frame) in frames.iter_mut().enumerate() {
        match at % 4 {
            0 => frame.landmarks = Some([[0.0, 0.0]; 5]),
            1 => frame.landmarks = Some([[f64::NAN, f64::INFINITY]; 5]),
            2 => frame.face = [f64::NAN, 0.0, 0.0],
            _ => frame.change = Some(f64::NAN),
        }
    }
    let found = doubt(
        &asked,
        taken(&frames, "x"),
        Demand::Strict,
        Rules::builtin(),
    );
    assert!(found.says != Says::Fits, "{found:?}");
}

#[test]
fn who_is_late_or_in_flickering_light_is_asked_again_and_not_accused() {
    for seed in 0..40 {
        let asked = plan(seed);
        for (late, expected) in [(1_300, Says::Fits), (2_200, Says::CouldNotTell)] {
            let late = Play { late, ..PERSON };
            let late = says(&late, &asked, &asked, Demand::Usual);
            assert_eq!(late.says, expected, "{late:?}");
        }
        let unlit = Play {
            lit: false,
            flicker: 0.004,
            ..PERSON
        };
        let usual = says(&unlit, &asked, &asked, Demand::Usual);
        assert_eq!(usual.says, Says::Fits, "{usual:?}");
        let strict = says(&unlit, &asked, &asked, Demand::Strict);
        let of_light = strict.parts.iter().find(|told| told.part == Part::Light);
        assert_eq!(of_light.unwrap().says, Says::CouldNotTell, "{strict:?}");
    }
}

#[test]
fn a_devices_signature_counts_where_it_is_demanded_and_a_false_one_everywhere() {
    let asked = plan(5);
    let frames = recorded(&asked, &PERSON, 3);
    let whole = |signing, signed| {
        let recording = Recorded {
            signing,
            ..taken(&frames, "Integrated Camera")
        };
        let needs = Needs {
            demand: Demand::Strict,
            signed,
        };
        doubt(&asked, recording, needs, Rules::builtin()).says
    };
    let rows = [
        (Signing::Signed, Says::Fits, Says::Fits),
        (Signing::NoDevice, Says::Fits, Says::CouldNotTell),
        (Signing::Not, Says::Fits, Says::CouldNotTell),
        (Signing::Unverified, Says::Fits, Says::CouldNotTell),
        (Signing::Wrong, Says::Against, Says::Against),
        (Signing::SomethingElse, Says::Against, Says::Against),
        (Signing::Elsewhere, Says::Against, Says::Against),
        (Signing::AnotherDevice, Says::Against, Says::Against),
        (Signing::CountedBack, Says::Against, Says::Against),
    ];
    for (signing, without, demanded) in rows {
        assert_eq!(whole(signing, false), without, "{signing:?}");
        assert_eq!(whole(signing, true), demanded, "{signing:?}");
    }
}

#[test]
fn the_frame_to_compare_is_held_straight() {
    let asked = plan(5);
    let frames = recorded(&asked, &PERSON, 3);
    let at = best(&asked, &frames, Rules::builtin()).unwrap();
    let (step, ..) = asked.at(frames[at].ms).unwrap();
    assert_eq!(step.deed, Deed::Straight);
    assert_eq!(best(&asked, &[], Rules::builtin()), None);
}

#[test]
fn the_opt_in_network_withholds_and_neither_vouches_nor_accuses() {
    let asked = plan(5);
    let looked = |score, play: &Play, demand| {
        let mut frames = recorded(&asked, play, 3);
        for frame in frames.iter_mut().step_by(12) {
            frame.passive = Some(score);
        }
        let camera = taken(&frames, "Integrated Camera");
        doubt(&asked, camera, demand, Rules::builtin())
    };
    assert_eq!(looked(0.9, &PERSON, Demand::Strict).says, Says::Fits);
    assert_eq!(
        looked(0.001, &PERSON, Demand::Usual).says,
        Says::CouldNotTell
    );
    let still = Play {
        obeys: false,
        ..PERSON
    };
    for score in [0.001, 0.9] {
        let found = looked(score, &still, Demand::Usual);
        assert_eq!(found.says, Says::Against);
        let part = found.parts.iter().find(|told| told.part == Part::Passive);
        assert!(
            part.is_some_and(|told| told.says != Says::Fits),
            "{found:?}"
        );
    }
}
