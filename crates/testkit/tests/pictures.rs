//! Photographs of documents: seeded, of nobody, and their truth lies where the ink does.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of a test; a failure is a failed test"
)]

use std::collections::BTreeSet;

use liuhen_invented::belongs_to_nobody;
use liuhen_kinds::Kind;
use liuhen_picture::{Limits, decode};
use liuhen_testkit::pictures::{Cards, Field, Sort, cards};

fn cards_or_skip(seed: u64, count: u64) -> Option<Cards> {
    match cards(seed, count) {
        Ok(cards) => Some(cards),
        Err(error) => {
            println!("SKIP: {error}");
            None
        }
    }
}

#[test]
fn equal_seeds_give_equal_pictures() {
    let (Some(mut one), Some(two)) = (cards_or_skip(3, 1), cards_or_skip(3, 1)) else {
        return;
    };
    let first = two.photo(0);
    assert_eq!(one.next().unwrap(), first);
    assert!(one.next().is_none());
    assert_ne!(cards_or_skip(4, 1).unwrap().photo(0).fields, first.fields);
}

#[test]
fn every_field_lies_within_its_picture_and_belongs_to_nobody() {
    let Some(made) = cards_or_skip(5, 11) else {
        return;
    };
    let mut sorts = BTreeSet::new();
    for photo in made {
        sorts.insert(photo.sort);
        let longest = photo.width.max(photo.height);
        assert!((600..=3_000).contains(&longest), "{longest}");
        assert!((40..=95).contains(&photo.spoilt.quality));
        let picture = decode(&photo.bytes, &Limits::default()).unwrap();
        assert_eq!(
            (picture.width() as usize, picture.height() as usize),
            (photo.width, photo.height)
        );
        assert!(!photo.fields.is_empty());
        for field in &photo.fields {
            assert!(Kind::parse(field.kind).is_ok(), "{}", field.kind);
            assert!(!field.places.is_empty() && !field.text.is_empty());
            for [x, y] in field.places.iter().flatten() {
                assert!(
                    *x >= 0.0 && *x <= photo.width as f32,
                    "{:?} {x}",
                    photo.sort
                );
                assert!(
                    *y >= 0.0 && *y <= photo.height as f32,
                    "{:?} {y}",
                    photo.sort
                );
            }
            assert!(is_nobodys(field), "{}: {}", field.kind, field.text);
        }
    }
    assert_eq!(sorts, BTreeSet::from(Sort::ALL));
}

fn is_nobodys(field: &Field) -> bool {
    let plain: String = field.text.chars().filter(|c| *c != ' ').collect();
    match field.kind {
        "resident_id" if plain.contains('*') => true,
        "resident_id" => belongs_to_nobody(Kind::RESIDENT_ID, &plain),
        "mobile" => belongs_to_nobody(Kind::MOBILE, &plain),
        "bank_card" => belongs_to_nobody(Kind::BANK_CARD, &plain),
        // No office of Ningxia has a letter behind E.
        "plate" if plain.starts_with('宁') && plain.chars().count() == 8 => {
            plain.chars().nth(1).unwrap() > 'E'
        }
        "plate" => belongs_to_nobody(Kind::PLATE, &plain),
        _ => true,
    }
}

/// Ink is darker or brighter than what it stands on, so a field's place varies in brightness more
/// than the strip above it.
#[test]
fn a_place_holds_ink() {
    let Some(made) = cards_or_skip(6, 0) else {
        return;
    };
    let (mut inked, mut all) = (0, 0);
    // Every eleventh picture is an ID card.
    for photo in (0..4).map(|at| made.photo(at * 11)) {
        assert_eq!(photo.sort, Sort::IdFront);
        let picture = decode(&photo.bytes, &Limits::default()).unwrap();
        let luma = picture.luma();
        let spread = |place: &[[f32; 2]; 4], up: f32| {
            let mut values = Vec::new();
            for step in 0..200_u8 {
                let along = f32::from(step) / 199.0;
                let mix = |p: [f32; 2], q: [f32; 2], t: f32| {
                    [p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t]
                };
                let (top, low) = (
                    mix(place[0], place[1], along),
                    mix(place[3], place[2], along),
                );
                let [x, y] = mix(top, low, 0.5 - up);
                let (x, y) = (whole(x), whole(y));
                if x < photo.width && y < photo.height {
                    values.push(luma[y * photo.width + x]);
                }
            }
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            values.iter().map(|v| (v - mean).abs()).sum::<f32>() / values.len() as f32
        };
        for field in photo.fields.iter().filter(|f| f.kind == "resident_id") {
            all += 1;
            inked += u32::from(spread(&field.places[0], 0.0) > 1.5 * spread(&field.places[0], 0.9));
        }
    }
    assert!(all >= 4 && inked * 4 >= all * 3, "{inked} of {all}");
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within a picture"
)]
fn whole(value: f32) -> usize {
    value.max(0.0) as usize
}
