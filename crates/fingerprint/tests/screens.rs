//! Screens: a viewer's tile is found in pictures of the page, and nobody else's.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use liuhen_fingerprint::FingerprintError;
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::tile::rehearse::{Paper, Shot};
use liuhen_fingerprint::tile::{MOST_PIXELS, Tile, css, look};

const PART: &[u8] = b"screen";

fn keys(dice: &mut Dice, count: usize) -> Vec<ExportKey> {
    (0..count)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect()
}

/// One page with a tile of the given key, as the screen shows it.
fn shown(paper: Paper, ratio: f64, key: &ExportKey, dice: &mut Dice) -> Shot {
    let tile = Tile::new(key, PART);
    Shot::page(paper, 640, 480, ratio, dice).under(&tile, ratio, 1.0)
}

/// Evidence against the viewer (first) and the others, in nats.
fn nats(leak: &Shot, keys: &[ExportKey]) -> Vec<f64> {
    let scores = look(&leak.plane().unwrap()).unwrap().score(keys, PART);
    scores.iter().map(|score| score.ln()).collect()
}

/// Every viewer is found among 100,000 viewer-days at ε = 1e-6, and no other is.
#[test]
fn the_viewer_is_found_after_what_happens_to_screenshots() {
    type Attack = fn(Shot, &mut Dice) -> Shot;
    let rows: [(&str, Paper, f64, Attack); 12] = [
        ("as it is", Paper::Table, 1.0, |s, _| s),
        ("1.25×", Paper::Table, 1.25, |s, _| s),
        ("2×", Paper::Dense, 2.0, |s, _| s),
        ("dense crop", Paper::Dense, 1.0, |s, _| {
            s.cropped(131, 77, 300, 200)
        }),
        ("JPEG 75", Paper::Table, 1.0, |s, _| s.jpeg(75)),
        ("blur", Paper::Table, 1.0, |s, _| s.blurred(1.0)),
        ("rotation", Paper::Table, 1.0, |s, _| s.rotated(3.0)),
        ("a quarter turn", Paper::Table, 1.0, |s, _| s.rotated(90.0)),
        ("perspective", Paper::Table, 1.0, |s, _| {
            s.tilted(0.1, 640, 480)
        }),
        ("brightness", Paper::Table, 1.0, |s, _| s.lit(1.4, 0.8)),
        ("inverted", Paper::Table, 1.0, |s, _| s.inverted()),
        ("noise", Paper::Table, 1.0, |s, d| s.noisy(6.0, d)),
    ];
    let threshold = Threshold::new(100_000, Epsilon::DEFAULT).unwrap().ln();
    let mut dice = Dice::new(20_261_122);
    for (name, paper, ratio, attack) in rows {
        let keys = keys(&mut dice, 3);
        let page = shown(paper, ratio, &keys[0], &mut dice);
        let nats = nats(&attack(page, &mut dice), &keys);
        assert!(nats[0] >= threshold, "{name}: {:.1} nats", nats[0]);
        assert!(
            nats[1..].iter().all(|nats| *nats < threshold),
            "{name}: {nats:?}"
        );
    }
}

#[test]
fn the_viewer_is_found_in_a_photograph_with_moire() {
    let mut dice = Dice::new(3);
    let keys = keys(&mut dice, 2);
    let page = shown(Paper::Table, 1.0, &keys[0], &mut dice);
    let photo = page
        .photographed(0.08, 1.37, 3.0, &mut dice)
        .rotated(2.0)
        .jpeg(85);
    let nats = nats(&photo, &keys);
    assert!(nats[0] > 26.0 && nats[1] < 5.0, "{nats:?}");
}

#[test]
fn a_picture_that_carries_a_tile_leads_back_without_its_original() {
    let mut dice = Dice::new(4);
    let keys = keys(&mut dice, 2);
    let tile = Tile::new(&keys[0], PART);
    let picture = Shot::page(Paper::Picture, 640, 480, 1.0, &mut dice).carrying(&tile);
    for leak in [picture.clone().jpeg(75), picture.scaled(0.6)] {
        let nats = nats(&leak, &keys);
        assert!(nats[0] > 26.0 && nats[1] < 5.0, "{nats:?}");
    }
}

/// Over all innocents of all pictures the mean is at most 1, and few reach much: Markov's bound.
#[test]
fn innocent_viewers_have_a_mean_of_at_most_one() {
    let mut dice = Dice::new(5);
    let mut scores = Vec::new();
    for paper in [Paper::Blank, Paper::Table, Paper::Dense, Paper::Picture] {
        let keys = keys(&mut dice, 1_501);
        let page = shown(paper, 1.0, &keys[0], &mut dice).cropped(50, 50, 400, 300);
        scores.extend(nats(&page, &keys)[1..].iter().map(|nats| nats.exp()));
    }
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    assert!(mean <= 1.0, "{mean}");
    for reach in [10.0, 100.0] {
        let share = scores.iter().filter(|e| **e >= reach).count() as f64 / count;
        let error = (1.0 / reach / count).sqrt();
        assert!(share <= 1.0 / reach + 4.0 * error, "{share} reach {reach}");
    }
}

#[test]
fn a_page_without_a_tile_accuses_nobody() {
    let mut dice = Dice::new(6);
    let keys = keys(&mut dice, 300);
    let threshold = Threshold::new(300, Epsilon::DEFAULT).unwrap().ln();
    for paper in [
        Paper::Blank,
        Paper::Table,
        Paper::Dense,
        Paper::Picture,
        Paper::Dark,
    ] {
        let page = Shot::page(paper, 400, 300, 1.0, &mut dice);
        assert!(
            nats(&page, &keys).iter().all(|nats| *nats < threshold),
            "{paper:?}"
        );
    }
}

/// Two viewers' pictures glued together may accuse both, a third never.
#[test]
fn glued_pictures_frame_nobody_else() {
    let mut dice = Dice::new(7);
    let keys = keys(&mut dice, 200);
    let left = shown(Paper::Table, 1.0, &keys[0], &mut dice)
        .plane()
        .unwrap();
    let right = shown(Paper::Table, 1.0, &keys[1], &mut dice)
        .plane()
        .unwrap();
    let data = left
        .values()
        .iter()
        .zip(right.values())
        .enumerate()
        .map(|(at, (a, b))| if at % 640 < 320 { *a } else { *b });
    let glued = Plane::new(640, 480, data.collect()).unwrap();
    let scores = look(&glued).unwrap().score(&keys, PART);
    assert!(scores[0].ln().max(scores[1].ln()) > 26.0);
    assert!(scores[2..].iter().all(|score| score.ln() < 15.0));
}

#[test]
fn refuses_pictures_that_are_too_small_or_too_large() {
    let plane = |width: usize, height: usize| {
        Plane::new(width, height, vec![255.0; width * height]).unwrap()
    };
    for leak in [
        plane(63, 400),
        plane(400, 8),
        plane(MOST_PIXELS / 64 + 1, 64),
    ] {
        let refused = look(&leak).map(|_| ());
        assert!(
            matches!(refused, Err(FingerprintError::LookSize { .. })),
            "{leak:?}"
        );
    }
    assert!(look(&plane(64, 64)).is_ok());
}

#[test]
fn the_rule_for_pages_lets_clicks_through_and_names_the_image() {
    let rule = css("/console/tile.png");
    for part in [
        "url(\"/console/tile.png\")",
        "pointer-events: none",
        "position: fixed",
        "96px 96px",
    ] {
        assert!(rule.contains(part), "{part}");
    }
}
