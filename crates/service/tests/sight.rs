//! Photographs of documents, looked at with the real networks. Needs `LIUHEN_MODELS`, a folder
//! with weights (`liuhen models install`); says so and skips where it is not given, unless
//! `LIUHEN_REQUIRE_MODELS=1`.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where something is wrong"
)]

use liuhen_detect::Detector;
use liuhen_kinds::Kind;
use liuhen_picture::{Limits, Picture, decode};
use liuhen_service::sight::{Decided, Hide, Looker, Mark, Quad, Seen, What, detector};
use liuhen_testkit::pictures::{Field, Sort, cards};
use liuhen_vision::Point;
use liuhen_vision::models::{Folder, Set};

const MODELS: &str = "LIUHEN_MODELS";
const REQUIRE: &str = "LIUHEN_REQUIRE_MODELS";

fn looker_or_skip(test: &str) -> Option<Looker> {
    let Some(folder) = std::env::var_os(MODELS) else {
        let why = format!("{MODELS} names no folder of weights");
        assert!(
            std::env::var(REQUIRE).as_deref() != Ok("1"),
            "{test}: {why}, and {REQUIRE}=1"
        );
        println!("SKIP {test}: {why}");
        return None;
    };
    Some(Looker::open(&Folder::new(folder), Set::Standard, 2).expect("weights"))
}

/// The share of a field's middle lines that findings cover, by fifty points a line.
fn covered(field: &Field, seen: &Seen) -> f32 {
    let places: Vec<Quad> = seen
        .spots
        .iter()
        .flat_map(|spot| spot.places.clone())
        .collect();
    let mut within = 0.0;
    for place in &field.places {
        let [a, b, c, d] = place.map(|[x, y]| Point::new(x, y));
        let (from, to) = (a.between(d, 0.5), b.between(c, 0.5));
        for step in 0..50_u8 {
            let point = from.between(to, (f32::from(step) + 0.5) / 50.0);
            within += f32::from(u8::from(places.iter().any(|quad| quad.holds(point))));
        }
    }
    within / (50.0 * field.places.len() as f32)
}

#[test]
fn most_of_what_photographed_documents_show_is_found() {
    let test = "most_of_what_photographed_documents_show_is_found";
    let Some(looker) = looker_or_skip(test) else {
        return;
    };
    let made = match cards(7, 8) {
        Ok(made) => made,
        Err(error) => {
            println!("SKIP {test}: {error}");
            return;
        }
    };
    let (mut found, mut all) = (0_u32, 0_u32);
    for photo in made {
        let seen = looker.see(&photo.bytes, Detector::builtin()).unwrap();
        for field in photo.fields.iter().filter(|field| !field.code) {
            all += 1;
            let is = covered(field, &seen) >= 0.9;
            found += u32::from(is);
            if !is {
                println!("{}: {} not found", photo.sort.name(), field.kind);
            }
        }
        if photo.sort == Sort::IdFront {
            // The picture is a small one in even light: its number and name have no excuse.
            for field in photo
                .fields
                .iter()
                .filter(|f| ["resident_id", "person_name"].contains(&f.kind))
            {
                assert!(covered(field, &seen) >= 0.9, "{}", field.kind);
            }
        }
        assert!(
            seen.spots.iter().any(|spot| spot.what == What::Words),
            "{:?}",
            photo.sort
        );
    }
    assert!(found * 100 >= all * LEAST, "{found} of {all}");
}

/// Percent of the fields of these eight pictures that are found; the figures of many more are in
/// `docs/sight-figures.md`.
const LEAST: u32 = 80;

/// Whether the middle of each of a mark's places is painted over.
fn is_painted(picture: &Picture, mark: &Mark) -> bool {
    mark.places.iter().all(|quad| {
        let middle = quad.bounds().centre();
        let at = [middle.x, middle.y].map(|value| value as usize);
        let at = (at[1] * picture.width() as usize + at[0]) * picture.channels();
        picture.pixels()[at..at + 3] == [0; 3]
    })
}

#[test]
fn what_nobody_decided_on_is_hidden_and_told() {
    let test = "what_nobody_decided_on_is_hidden_and_told";
    let Some(looker) = looker_or_skip(test) else {
        return;
    };
    let mut made = match cards(7, 1) {
        Ok(made) => made,
        Err(error) => {
            println!("SKIP {test}: {error}");
            return;
        }
    };
    let photo = made.next().unwrap();
    let open = || {
        decode(&photo.bytes, &Limits::default())
            .unwrap()
            .flattened()
    };
    let hide = Hide::default();
    let seen = looker.see_pixels(open(), detector()).unwrap();
    let (number, others): (Vec<Mark>, Vec<Mark>) = seen
        .marks(&hide)
        .into_iter()
        .partition(|mark| mark.kinds.contains(&Kind::RESIDENT_ID));
    let face = |mark: &&Mark| mark.kinds.contains(&Kind::FACE_IMAGE);
    assert_eq!((number.len(), others.iter().filter(face).count()), (1, 1));
    // As if a page had told of nothing but the number: all else is found by the later look.
    let decided = Decided {
        released: number.clone(),
        ..Decided::default()
    };
    let settled = looker
        .hide_decided(open(), detector(), &hide, &decided)
        .unwrap();
    let painted = settled.painted.expect("a picture");
    assert!(settled.left == 0 && painted.looks >= 3);
    assert!(settled.late.iter().any(|mark| face(&mark)));
    assert!(!settled.late.iter().any(|mark| number.contains(mark)));
    for mark in &others {
        assert!(is_painted(&painted.picture, mark), "{mark:?}");
    }
    assert!(!is_painted(&painted.picture, &number[0]));
    // A look of its own finds the number, and it alone.
    let again = looker.see_pixels(painted.picture, detector()).unwrap();
    let kinds: Vec<Kind> = again.spots.iter().map(|spot| spot.hit.kind).collect();
    assert!(kinds.contains(&Kind::RESIDENT_ID), "{kinds:?}");
    assert!(!kinds.contains(&Kind::FACE_IMAGE) && !kinds.contains(&Kind::PERSON_NAME));
}
