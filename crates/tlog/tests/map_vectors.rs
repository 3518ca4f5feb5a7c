//! Known answers for the map, from `data/map-v1.json`, which verifiers in other languages read too.
//!
//! They were computed by a program of another language, written from `docs/trace.md` alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use liuhen_tlog::{
    Hash, Label,
    map::{Builder, Tree, prove, verify},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: Vec<Place>,
    root: String,
    proofs: Vec<Proof>,
}

#[derive(Deserialize)]
struct Place {
    label: String,
    index: String,
}

#[derive(Deserialize)]
struct Proof {
    asked: Vec<String>,
    proof: String,
    found: Vec<Option<String>>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    asked: Vec<String>,
    proof: String,
    root: String,
}

fn file() -> File {
    serde_json::from_str(include_str!("data/map-v1.json")).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn label(text: &str) -> Label {
    unhex(text).try_into().unwrap()
}

fn labels(texts: &[String]) -> Vec<Label> {
    texts.iter().map(|text| label(text)).collect()
}

#[test]
fn roots_and_proofs_are_the_ones_computed_elsewhere() {
    for case in file().cases {
        let place = |place: &Place| (label(&place.label), place.index.parse().unwrap());
        let mut items: Vec<(Label, u64)> = case.labels.iter().map(place).collect();
        let root = Hash(label(&case.root));
        let mut tree = Tree::new(0);
        for item in &items {
            assert_eq!(tree.insert_batch(&mut [*item]), [], "{}", case.name);
        }
        let mut builder = Builder::new(0, 1_000);
        builder.insert_batch(&mut items);
        for tree in [tree, builder.finish(1)] {
            assert_eq!(tree.root(), root, "{}", case.name);
            for expected in &case.proofs {
                let asked = labels(&expected.asked);
                let proof = unhex(&expected.proof);
                assert_eq!(prove(&tree, &asked).unwrap(), proof, "{}", case.name);
                let index = |index: &Option<String>| index.as_ref().map(|i| i.parse().unwrap());
                let found: Vec<Option<u64>> = expected.found.iter().map(index).collect();
                assert_eq!(verify(&asked, &proof, &root), Ok(found), "{}", case.name);
            }
        }
    }
}

#[test]
fn refuses_what_must_be_refused() {
    for row in file().refused {
        let root = Hash(label(&row.root));
        let verdict = verify(&labels(&row.asked), &unhex(&row.proof), &root);
        assert!(verdict.is_err(), "{}", row.name);
    }
}
