//! Generated people pass the validators, and no one can be issued their numbers.

use liuhen_detect::{ReasonCode, Verdict, check, normalise};
use liuhen_invented::{Generator, belongs_to_nobody};
use liuhen_kinds::Kind;

const PEOPLE: u64 = 3000;

/// What `check` says of a kind of every generated person.
fn verdicts(kind: Kind) -> impl Iterator<Item = (String, Verdict)> {
    let generator = Generator::new(20);
    (0..PEOPLE)
        .flat_map(move |index| generator.person_at(index).fields())
        .filter(move |(other, _)| *other == kind)
        .map(move |(_, value)| {
            let verdict = check(kind, &value);
            (value, verdict)
        })
}

#[test]
fn checkable_values_are_valid() {
    for kind in [
        Kind::RESIDENT_ID,
        Kind::PERSON_NAME,
        Kind::GENDER,
        Kind::DATE_OF_BIRTH,
        Kind::EMAIL,
        Kind::ADDRESS,
    ] {
        assert_eq!(verdicts(kind).count() as u64, PEOPLE);
        for (value, verdict) in verdicts(kind) {
            assert!(verdict.is_valid(), "{kind}: {value}: {verdict:?}");
        }
    }
}

#[test]
fn values_of_nobody_are_doubtful_for_that_reason() {
    let rows = [
        (Kind::MOBILE, ReasonCode::UnassignedSegment),
        (Kind::LANDLINE, ReasonCode::UnassignedArea),
        (Kind::BANK_CARD, ReasonCode::UnknownIssuer),
        (Kind::PLATE, ReasonCode::SerialLetters),
    ];
    for (kind, expected) in rows {
        for (value, verdict) in verdicts(kind) {
            assert_eq!(verdict.reason(), Some(expected), "{kind}: {value}");
            assert!(verdict.normalised().is_some(), "{kind}: {value}");
        }
    }
}

#[test]
fn values_are_normalised_already() {
    let generator = Generator::new(21);
    for index in 0..PEOPLE {
        for (kind, value) in generator.person_at(index).fields() {
            assert_eq!(
                normalise(kind, &value).as_deref(),
                Some(value.as_str()),
                "{kind}"
            );
        }
    }
}

#[test]
fn ids_name_a_region_that_was_gone_before_the_birth() {
    for (value, _) in verdicts(Kind::RESIDENT_ID) {
        assert!(belongs_to_nobody(Kind::RESIDENT_ID, &value));
        let code: u32 = value[..6].parse().unwrap();
        let year: u16 = value[6..10].parse().unwrap();
        for region in liuhen_kinds::region::history(code) {
            assert!(
                region.to.is_some_and(|last| last + 5 <= year),
                "{code} {year}"
            );
        }
    }
}
