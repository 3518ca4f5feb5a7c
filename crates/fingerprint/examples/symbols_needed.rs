//! How many symbols accuse at least one of `c` leakers, 95 times in a hundred: rehearsed with each
//! attack, beside the approximation that the power table shows and the figures of the design.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example symbols_needed -- [most colluders] [trials] [design c] [fewest colluders]
//! ```
//!
//! One thread for each processor that the process may use; rows are written as they are done.

use std::thread;

use liuhen_fingerprint::code::{DESIGN_COLLUDERS, Law};
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::power;
use liuhen_fingerprint::simulate::{Attack, Needed, Rehearsal};

/// Figures simulated for the design: one million copies, ε = 1e-9, worst attack.
const DESIGN: [(usize, usize); 6] = [
    (1, 117),
    (2, 510),
    (3, 1_100),
    (5, 2_600),
    (8, 5_310),
    (10, 7_709),
];

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "an example shows its table, in small numbers"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |fallback: usize| {
        arguments
            .next()
            .map_or(Ok(fallback), |text| text.parse::<usize>())
    };
    let (most, trials) = (number(3)?, number(400)?);
    let design = u32::try_from(number(DESIGN_COLLUDERS as usize)?)?;
    let fewest = number(1)?;
    let threshold = Threshold::new(1_000_000, Epsilon::new(1e-9)?)?;
    println!("one million copies, epsilon 1e-9, {trials} trials, cut-off for {design} colluders");
    println!(
        "| leakers | design | formula | worst of six attacks, 95 % interval | off the design |"
    );
    println!("|---|---|---|---|---|");
    let asked = |(c, _): &(usize, usize)| (fewest..=most).contains(c);
    for (colluders, figure) in DESIGN.into_iter().filter(asked) {
        let needed = rehearse(colluders, figure * 2, trials, design, threshold);
        let six = needed.iter().zip(Attack::ALL).take(6);
        let worst =
            six.max_by_key(|(needed, _)| needed.map_or(usize::MAX, |needed| needed.symbols));
        let power = power::symbols_needed(colluders, threshold)?;
        if let Some((Some(needed), attack)) = worst {
            let (symbols, from) = (needed.symbols, needed.at_least);
            let to = needed.at_most.map_or("?".to_owned(), |to| to.to_string());
            let off = 100.0 * (symbols as f64 / figure as f64 - 1.0);
            println!(
                "| {colluders} | {figure} | {power} | {symbols} ({from} to {to}), {attack:?} | {off:+.1} % |"
            );
        }
        let each: Vec<Option<usize>> = needed
            .iter()
            .map(|one| one.map(|one| one.symbols))
            .collect();
        eprintln!("{colluders}: {each:?} under {:?}", Attack::ALL);
    }
    Ok(())
}

/// One number for each attack, computed side by side.
fn rehearse(
    colluders: usize,
    most: usize,
    trials: usize,
    design: u32,
    threshold: Threshold,
) -> Vec<Option<Needed>> {
    let run = move |attack: Attack| {
        let rehearsal = Rehearsal {
            colluders,
            attack,
            flip: 0.0,
            threshold,
            law: Law::for_colluders(design),
        };
        rehearsal.symbols_needed(0.95, trials, most, 20_261_122)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut needed = Vec::new();
    for some in Attack::ALL.chunks(threads) {
        let running: Vec<_> = some
            .iter()
            .map(|attack| {
                let attack = *attack;
                thread::spawn(move || run(attack))
            })
            .collect();
        needed.extend(
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_default()),
        );
    }
    needed
}
