//! Measures `check` on generated values, on one core.
//!
//! `cargo run --release -p liuhen-detect --example checks_per_second`
#![expect(clippy::print_stdout, reason = "a program that reports")]

use std::hint::black_box;
use std::time::Instant;

use liuhen_detect::check;
use liuhen_invented::Generator;

fn main() {
    let generator = Generator::new(1);
    let people: Vec<_> = (0..20_000)
        .map(|index| generator.person_at(index).fields())
        .collect();
    for (at, (kind, _)) in people[0].iter().enumerate() {
        let values: Vec<&str> = people.iter().map(|fields| fields[at].1.as_str()).collect();
        let started = Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            for value in &values {
                black_box(check(*kind, black_box(value)));
            }
        }
        let checks = f64::from(rounds) * 20_000.0;
        println!(
            "{kind:16} {:8.2} M/s",
            checks / started.elapsed().as_secs_f64() / 1e6
        );
    }
}
