//! Measures how fast a detector reads text, on one core.
//!
//! `cargo run --release -p liuhen-detect --example scan_rate [MB]`
//!
//! The corpora are those of `liuhen-bench scan`, which sets peers beside them.
//! Time is the thread's own on the processor, so that a busy machine does not count.
#![expect(clippy::print_stdout, reason = "a program that reports")]

#[path = "../../../bench/src/scan/corpus.rs"]
mod corpus;

use std::hint::black_box;
use std::time::Instant;

use liuhen_detect::Detector;

/// How often every text is read; the median is told.
const ROUNDS: usize = 5;

fn main() {
    let megabytes: usize = std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(8);
    let bytes = megabytes * 1_000_000;
    let (dense, values) = corpus::dense(bytes);
    println!("{values} values in the dense text, seed {}", corpus::SEED);
    for (name, text) in [
        ("clean", corpus::clean(bytes)),
        ("Chinese", corpus::chinese(bytes)),
        ("English", corpus::english(bytes)),
        ("code", corpus::code(bytes)),
        ("dense", dense),
    ] {
        let started = Instant::now();
        let clock = || on_processor().unwrap_or_else(|| started.elapsed().as_secs_f64());
        let mut found = 0_usize;
        let mut rates: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                found = 0;
                let before = clock();
                Detector::builtin().hits(black_box(&text), |hit| {
                    black_box(&hit);
                    found += 1;
                });
                #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
                let megabytes = text.len() as f64 / 1e6;
                megabytes / (clock() - before)
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        println!("{name:8} {:8.1} MB/s, {found} hits", rates[ROUNDS / 2]);
    }
}

/// Seconds that this thread has run on a processor; Linux tells nanoseconds.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}
