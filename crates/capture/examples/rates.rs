//! How often recordings whose making is known pass, by what they are: the tables of docs/capture.md.
//!
//! `cargo run --release -p liuhen-capture --example rates [TRIALS]`. The heads are models of numbers;
//! no person and no picture is among them.
#![allow(clippy::print_stdout, reason = "the tables")]

#[path = "../tests/play/mod.rs"]
mod play;

use liuhen_capture::{Demand, Rules, Says, doubt};
use play::{Held, PERSON, Play, plan, recorded, taken};

fn main() {
    let trials: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000);
    let photograph = Play {
        held: Held::Photograph,
        ..PERSON
    };
    let rows: [(&str, Play, bool); 20] = [
        ("head, as asked", PERSON, false),
        (
            "head, landmarks twice as scattered",
            Play {
                scatter: 1.0,
                ..PERSON
            },
            false,
        ),
        (
            "head, four times as scattered",
            Play {
                scatter: 2.0,
                ..PERSON
            },
            false,
        ),
        (
            "head, turns 17 degrees instead of 24",
            Play {
                angle: 0.3,
                ..PERSON
            },
            false,
        ),
        (
            "head, turns 12 degrees",
            Play {
                angle: 0.2,
                ..PERSON
            },
            false,
        ),
        (
            "head, half a second late",
            Play {
                late: 500,
                ..PERSON
            },
            false,
        ),
        (
            "head, a second late",
            Play {
                late: 1_000,
                ..PERSON
            },
            false,
        ),
        (
            "head, 2.2 seconds late",
            Play {
                late: 2_200,
                ..PERSON
            },
            false,
        ),
        (
            "head, camera half a second late",
            Play { lag: 500, ..PERSON },
            false,
        ),
        (
            "head, colour ten times as scattered",
            Play {
                flicker: 0.004,
                ..PERSON
            },
            false,
        ),
        (
            "head, so scattered, the screen not seen",
            Play {
                flicker: 0.004,
                lit: false,
                ..PERSON
            },
            false,
        ),
        (
            "head, room ten times as bright",
            Play {
                room: 2.5,
                ..PERSON
            },
            false,
        ),
        (
            "head, room a hundred times as bright",
            Play {
                room: 25.0,
                ..PERSON
            },
            false,
        ),
        (
            "photograph held",
            Play {
                obeys: false,
                ..photograph
            },
            false,
        ),
        ("photograph turned as asked", photograph, false),
        (
            "photograph turned, scattered four times",
            Play {
                scatter: 2.0,
                ..photograph
            },
            false,
        ),
        (
            "head that does nothing",
            Play {
                obeys: false,
                ..PERSON
            },
            false,
        ),
        ("head in a film of another question", PERSON, true),
        (
            "the same without the screen's light",
            Play {
                lit: false,
                ..PERSON
            },
            true,
        ),
        (
            "head fed in, moved as asked, unlit",
            Play {
                lit: false,
                ..PERSON
            },
            false,
        ),
    ];
    println!("{trials} trials each; usual and strict: fits, could not tell, against");
    for (name, play, other) in rows {
        let mut counts = [[0_u64; 3]; 2];
        for seed in 0..trials {
            let asked = plan(seed);
            let made = if other {
                plan(seed + 1_000_000)
            } else {
                asked.clone()
            };
            let frames = recorded(&made, &play, seed ^ 0x5eed);
            for (counts, demand) in counts.iter_mut().zip([Demand::Usual, Demand::Strict]) {
                let found = doubt(
                    &asked,
                    taken(&frames, "Integrated Camera"),
                    demand,
                    Rules::builtin(),
                );
                counts[match found.says {
                    Says::Fits => 0,
                    Says::CouldNotTell => 1,
                    Says::Against => 2,
                }] += 1;
            }
        }
        println!("{name}: {:?} {:?}", counts[0], counts[1]);
    }
}
