//! Measures `check` on generated values, on one core.
//!
//! `cargo run --release -p liuhen-detect --example checks_per_second`
//!
//! Time is the thread's own on the processor where the kernel tells it, so that
//! a busy machine does not count.
#![expect(clippy::print_stdout, reason = "a program that reports")]

use std::hint::black_box;
use std::time::Instant;

use liuhen_detect::check;
use liuhen_invented::Generator;

/// How often every value is checked.
const ROUNDS: u32 = 20;

fn main() {
    let generator = Generator::new(1);
    let people: Vec<_> = (0..20_000)
        .map(|index| generator.person_at(index).fields())
        .collect();
    let started = Instant::now();
    let clock = || on_processor().unwrap_or_else(|| started.elapsed().as_secs_f64());
    for (at, (kind, _)) in people[0].iter().enumerate() {
        let values: Vec<&str> = people.iter().map(|fields| fields[at].1.as_str()).collect();
        let before = clock();
        for _ in 0..ROUNDS {
            for value in &values {
                black_box(check(*kind, black_box(value)));
            }
        }
        let checks = f64::from(ROUNDS) * 20_000.0;
        println!(
            "{kind:16} {:8.2} million checks/s",
            checks / (clock() - before) / 1e6
        );
    }
}

/// Seconds that this process has run on a processor; Linux tells nanoseconds.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}
