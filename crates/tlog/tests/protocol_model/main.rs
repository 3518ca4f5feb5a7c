//! The release protocol, checked in every state it can reach: see `docs/protocol.md`.
//!
//! A small explorer of our own walks the model breadth first. Each broken variant of the protocol
//! must be found, which shows that the check can fail.

#![expect(
    clippy::print_stdout,
    reason = "tests say what they counted and stop where something is wrong"
)]
#![allow(unreachable_pub, reason = "modules of a test")]

mod explore;
mod invariant;
mod release;
mod tree;
mod witness;
mod world;

use explore::{Explored, Model, NEVER_SETTLES, explore};
use invariant::Invariant;
use release::{Bounds, Flaw, Release};
use witness::Submission;

/// More states than this take too long for a test of every day.
const LIMIT: usize = 150_000;

fn run<M: Model>(name: &str, model: &M) -> Explored {
    let limit = match std::env::var_os(WIDE) {
        Some(_) => usize::MAX,
        None => LIMIT,
    };
    let explored = explore(model, limit);
    println!(
        "{name}: {} states, {} steps, {} deep",
        explored.states, explored.steps, explored.depth
    );
    if let Some(found) = &explored.found {
        println!("  {}: {}", found.what, found.path.join(" "));
    }
    explored
}

/// Demands a counterexample that says `what`.
#[track_caller]
fn finds<M: Model>(name: &str, model: &M, what: &str) {
    let found = run(name, model).found;
    let found = found.map(|found| found.what);
    assert_eq!(found.as_deref(), Some(what), "{name}");
}

const fn bounds(entries: u8, map_roots: usize, crashes: u8, failures: u8) -> Bounds {
    Bounds {
        entries,
        map_roots,
        crashes,
        failures,
    }
}

/// Asks for the wide bounds, which take minutes.
const WIDE: &str = "LIUHEN_MODEL_WIDE";

#[test]
fn the_release_protocol_keeps_its_promises() {
    let narrow = [
        bounds(2, 0, 2, 1),
        bounds(2, 1, 2, 0),
        bounds(3, 0, 1, 0),
        bounds(3, 1, 1, 0),
    ];
    let wide = [bounds(3, 1, 2, 1), bounds(4, 2, 1, 0)];
    let asked: &[Bounds] = match std::env::var_os(WIDE) {
        Some(_) => &wide,
        None => &narrow,
    };
    for bounds in asked {
        let model = Release {
            flaw: None,
            bounds: *bounds,
            watched: None,
        };
        let explored = run(&format!("release, {bounds:?}"), &model);
        assert!(explored.found.is_none());
        assert!(explored.states > 1000, "the model hardly moves");
    }
}

#[test]
fn each_flaw_of_the_release_is_found() {
    let rows = [
        (
            Flaw::AnswersBeforeSync,
            Invariant::ReleasedIsDurable,
            bounds(1, 0, 0, 0),
        ),
        (
            Flaw::AnswersBeforeSync,
            Invariant::ReleasedStaysInPlace,
            bounds(2, 0, 1, 0),
        ),
        (
            Flaw::PublishesBeforeTilesAreSynced,
            Invariant::TilesBeforeCheckpoint,
            bounds(1, 0, 0, 0),
        ),
        (
            Flaw::PublishesBeforeTilesAreSynced,
            Invariant::OpensAgain,
            bounds(1, 0, 1, 0),
        ),
        (
            Flaw::CountsBeforeQueueing,
            Invariant::NumbersRun,
            bounds(2, 0, 0, 0),
        ),
        (
            Flaw::CountsRefused,
            Invariant::NumbersRun,
            bounds(3, 0, 0, 0),
        ),
        (Flaw::LeaseExpires, Invariant::NoFork, bounds(2, 0, 0, 0)),
        (
            Flaw::LeaseExpires,
            Invariant::ReleasedIsDurable,
            bounds(1, 0, 0, 0),
        ),
        (
            Flaw::AcknowledgesBeforeProjecting,
            Invariant::OpensAgain,
            bounds(2, 0, 1, 0),
        ),
        (
            Flaw::MapsBeyondDurable,
            Invariant::MapRootsLookBack,
            bounds(2, 1, 0, 0),
        ),
        (
            Flaw::RemovesByFoundCheckpoint,
            Invariant::OpensAgain,
            bounds(1, 0, 1, 1),
        ),
        (
            Flaw::OpensWithoutRenewing,
            Invariant::ReleasedIsDurable,
            bounds(2, 0, 1, 1),
        ),
        (
            Flaw::OpensWithoutRenewing,
            Invariant::OpensAgain,
            bounds(1, 0, 1, 1),
        ),
    ];
    for (flaw, expected, bounds) in rows {
        let model = Release {
            flaw: Some(flaw),
            bounds,
            watched: Some(expected),
        };
        finds(&format!("{flaw:?}"), &model, &expected.to_string());
    }
    let sleepy = Release {
        flaw: Some(Flaw::SleepsOverRecovered),
        bounds: bounds(1, 0, 1, 0),
        watched: None,
    };
    finds("SleepsOverRecovered", &sleepy, NEVER_SETTLES);
}

const HONEST: Submission = Submission {
    flaw: None,
    honest: true,
    sizes: 2,
    crashes: 1,
    watched: None,
};

const LYING: Submission = Submission {
    honest: false,
    ..HONEST
};

#[test]
fn witnesses_cosign_one_history() {
    for (name, model) in [("honest log", HONEST), ("lying log", LYING)] {
        let explored = run(name, &model);
        assert!(explored.found.is_none(), "{name}");
        assert!(explored.states > 1000, "{name} hardly moves");
    }
}

#[test]
fn each_flaw_of_a_witness_is_found() {
    use witness::{Flaw, Invariant};
    let early = Flaw::AnswersBeforeDurable;
    let apart = Flaw::ChecksApart;
    let rows = [
        (early, HONEST, Invariant::NeverGoesBack),
        (early, LYING, Invariant::OneHistory),
        (apart, HONEST, Invariant::NeverGoesBack),
        (apart, LYING, Invariant::OneHistory),
    ];
    for (flaw, log, expected) in rows {
        let watched = Some(expected);
        let model = Submission {
            flaw: Some(flaw),
            watched,
            ..log
        };
        finds(&format!("{flaw:?}"), &model, &expected.to_string());
    }
    let deaf = Submission {
        flaw: Some(Flaw::IgnoresConflict),
        ..HONEST
    };
    finds("IgnoresConflict", &deaf, NEVER_SETTLES);
}
