//! How long tracing takes: copies × symbols on this machine.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example tracing_speed -- 1000 20000
//! ```

use std::time::Instant;

use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::table::{Cell, mark_row, observe_row};
use liuhen_fingerprint::trace::{Candidate, Leak, trace};

#[expect(clippy::print_stdout, reason = "an example shows its figures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let copies = arguments.next().unwrap_or(Ok(1_000))?;
    let symbols = arguments.next().unwrap_or(Ok(20_000))?;
    let mut dice = Dice::new(1);
    let code = CodeKey::from_secret(dice.bytes());
    let exports: Vec<ExportKey> = (0..copies)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect();
    let leaker = dice.below(copies);

    let started = Instant::now();
    let mut leak = Leak::new();
    let mut rows = 0_u64;
    while leak.marks_seen() < symbols {
        let address = format!(
            "广东省深圳市某区某路1号{}栋{}单元{}01",
            rows % 90 + 1,
            rows % 9 + 1,
            rows % 30 + 1
        );
        let cell = Cell {
            column: "home",
            kind: "address",
            canonical: &address,
        };
        let key = rows.to_be_bytes();
        let marked = mark_row(&code, &exports[leaker], &key, &[cell]);
        for (slot, shown) in observe_row(&code, &key, &[(cell, marked.values[0].as_str())]) {
            leak.mark(slot, shown);
        }
        rows += 1;
    }
    println!("{rows} rows marked and observed in {:?}", started.elapsed());

    let candidates: Vec<Candidate<'_>> = exports.iter().map(Candidate::whole).collect();
    let started = Instant::now();
    let traced = trace(&leak, &candidates, Epsilon::DEFAULT)?;
    let accused: Vec<usize> = traced.accused().iter().map(|copy| copy.copy).collect();
    println!(
        "{copies} copies x {} symbols: {:?}; leaker {leaker}, accused {accused:?}",
        leak.marks_seen(),
        started.elapsed()
    );
    Ok(())
}
