//! Pictures with both marks: led back with the original and without it, and nobody else's.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::picture::{Limits, Reference, mark, mark_with_tile};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::tile::rehearse::{Paper, Shot};
use liuhen_fingerprint::tile::{Look, lay_upright, look};

const ID: &[u8] = b"picture";

fn keys(dice: &mut Dice, count: usize) -> Vec<ExportKey> {
    (0..count)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect()
}

fn picture(width: usize, height: usize, dice: &mut Dice) -> Plane {
    let shot = Shot::page(Paper::Picture, width, height, 1.0, dice);
    shot.plane().unwrap()
}

/// A copy with both marks, and its noise in decibels as it is in the pixels.
fn copy(original: &Plane, key: &ExportKey) -> (Shot, f64) {
    let mark = mark_with_tile(original, key, ID, Limits::default()).unwrap();
    assert!(mark.has_tile());
    let marked = mark.apply(original).unwrap();
    let pairs = marked.values().iter().zip(original.values());
    let squares: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let noise = squares / marked.values().len() as f64;
    (Shot::of(&marked), 10.0 * (65_025.0 / noise).log10())
}

/// Evidence of the tiles alone, in nats.
fn nats(leak: &Plane, keys: &[ExportKey]) -> Vec<f64> {
    let mut look = look(leak).unwrap();
    look.ways.extend(lay_upright(leak).unwrap());
    let scores = look.score(keys, ID);
    scores.iter().map(|score| score.ln()).collect()
}

#[test]
fn copies_lead_back_with_the_original_and_without_it() {
    type Attack = fn(Shot) -> Shot;
    let rows: [(&str, Attack); 5] = [
        ("as it is", |s| s),
        ("JPEG 75", |s| s.jpeg(75)),
        ("JPEG 50", |s| s.jpeg(50)),
        ("60 %", |s| s.scaled(0.6)),
        ("cut", |s| s.cropped(101, 67, 400, 300)),
    ];
    let threshold = Threshold::new(1_000, Epsilon::DEFAULT).unwrap().ln();
    let mut dice = Dice::new(20_261_122);
    let original = picture(640, 480, &mut dice);
    let reference = Reference::new(&original, Limits::default()).unwrap();
    let keys = keys(&mut dice, 20);
    let (copy, decibels) = copy(&original, &keys[0]);
    assert!((42.0..43.5).contains(&decibels), "{decibels}");
    for (name, attack) in rows {
        let leak = attack(copy.clone()).plane().unwrap();
        let blind = nats(&leak, &keys);
        let registered = reference.register(&leak, Limits::default()).unwrap();
        let registered = registered.unwrap();
        let known: Vec<f64> = keys
            .iter()
            .map(|key| registered.evidence(key, ID).ln())
            .collect();
        for nats in [blind, known] {
            assert!(nats[0] > threshold, "{name}: {nats:?}");
            assert!(nats[1..].iter().all(|n| *n < 9.0), "{name}: {nats:?}");
        }
    }
}

/// Neither waves nor their places are asked: only scale, and all shifts.
#[test]
fn upright_copies_lead_back_by_their_signs_alone() {
    let mut dice = Dice::new(11);
    let keys = keys(&mut dice, 10);
    let small = copy(&picture(640, 480, &mut dice), &keys[0]).0;
    let large = copy(&picture(1_700, 900, &mut dice), &keys[0]).0;
    for (name, leak) in [
        ("cut by odd pixels", small.cropped(101, 67, 400, 301)),
        ("cut and stored", small.cropped(33, 50, 500, 400).jpeg(60)),
        ("large, as it is", large.clone()),
        ("large, made smaller", large.scaled(0.6).jpeg(80)),
    ] {
        let ways = lay_upright(&leak.plane().unwrap()).unwrap();
        let scores = Look { ways }.score(&keys, ID);
        let nats: Vec<f64> = scores.iter().map(|score| score.ln()).collect();
        assert!(nats[0] > 20.8, "{name}: {nats:?}");
        assert!(nats[1..].iter().all(|n| *n < 9.0), "{name}: {nats:?}");
    }
}

#[test]
fn a_leak_that_lost_its_tile_accuses_nobody() {
    let mut dice = Dice::new(12);
    let keys = keys(&mut dice, 300);
    let original = picture(400, 300, &mut dice);
    let (copy, _) = copy(&original, &keys[0]);
    let spoiled = copy.scaled(0.3).jpeg(10);
    for leak in [
        Shot::of(&original),
        spoiled,
        Shot::of(&picture(300, 220, &mut dice)),
    ] {
        let nats = nats(&leak.plane().unwrap(), &keys);
        assert!(nats.iter().all(|n| *n < 12.0), "{nats:?}");
    }
}

#[test]
fn both_marks_stay_above_42_decibels_on_any_picture() {
    let mut dice = Dice::new(8);
    let key = &keys(&mut dice, 1)[0];
    for (width, height) in [(300, 200), (210, 700), (1_700, 900)] {
        let (_, decibels) = copy(&picture(width, height, &mut dice), key);
        assert!(decibels >= 42.0, "{width} × {height}: {decibels}");
    }
    for value in [0.0, 128.0, 255.0] {
        let flat = Plane::new(320, 240, vec![value; 320 * 240]).unwrap();
        let (_, decibels) = copy(&flat, key);
        assert!(decibels >= 42.0, "flat {value}: {decibels}");
    }
}

#[test]
fn pictures_too_small_for_a_tile_carry_the_mark_alone() {
    let mut dice = Dice::new(9);
    let key = &keys(&mut dice, 1)[0];
    for (width, height) in [(140, 400), (150, 200), (8, 8)] {
        let original = picture(width, height, &mut dice);
        let both = mark_with_tile(&original, key, ID, Limits::default()).unwrap();
        assert!(!both.has_tile());
        assert_eq!(both, mark(&original, key, ID, Limits::default()).unwrap());
    }
}

/// 12,000 innocents: the mean is known to about a hundredth as far as common values go, and
/// few reach much: Markov's bound.
#[test]
fn innocent_copies_have_a_mean_of_at_most_one() {
    let mut dice = Dice::new(10);
    let mut scores: Vec<f64> = Vec::new();
    for attack in [|s: Shot| s, |s: Shot| s.jpeg(75), |s: Shot| s.scaled(0.5)] {
        let keys = keys(&mut dice, 4_001);
        let (copy, _) = copy(&picture(400, 300, &mut dice), &keys[0]);
        let leak = attack(copy).plane().unwrap();
        scores.extend(nats(&leak, &keys)[1..].iter().map(|nats| nats.exp()));
    }
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let square = scores.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / count;
    let error = (square / count).sqrt();
    eprintln!("mean {mean} ± {error}");
    assert!(mean <= 1.0 + 4.0 * error && error < 0.1, "{mean} ± {error}");
    for reach in [10.0, 100.0] {
        let share = scores.iter().filter(|e| **e >= reach).count() as f64 / count;
        let error = (1.0 / reach / count).sqrt();
        assert!(share <= 1.0 / reach + 4.0 * error, "{share} reach {reach}");
    }
}
