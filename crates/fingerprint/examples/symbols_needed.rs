//! How many symbols accuse at least one of `c` leakers, 95 times in a hundred: rehearsed with each
//! attack, beside the approximation that the power table shows and the figures of the design.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example symbols_needed -- [most colluders] [trials] [design c]
//! ```

use std::thread;

use liuhen_fingerprint::code::{DESIGN_COLLUDERS, Law};
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::power;
use liuhen_fingerprint::simulate::{Attack, Rehearsal};

/// Figures simulated for the design: one million copies, ε = 1e-9, worst attack.
const DESIGN: [(usize, usize); 6] = [
    (1, 117),
    (2, 510),
    (3, 1_100),
    (5, 2_600),
    (8, 5_310),
    (10, 7_709),
];

#[expect(clippy::print_stdout, reason = "an example shows its table")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |fallback: usize| {
        arguments
            .next()
            .map_or(Ok(fallback), |text| text.parse::<usize>())
    };
    let (most, trials) = (number(3)?, number(400)?);
    let design = u32::try_from(number(DESIGN_COLLUDERS as usize)?)?;
    let threshold = Threshold::new(1_000_000, Epsilon::new(1e-9)?)?;
    println!("one million copies, epsilon 1e-9, {trials} trials, cut-off for {design} colluders");
    println!(
        "c  design  power  worst of six  per attack: {:?}",
        Attack::ALL
    );
    for (colluders, figure) in DESIGN.into_iter().filter(|(c, _)| *c <= most) {
        let needed = rehearse(colluders, figure * 4, trials, design, threshold);
        let worst = needed.iter().take(6).max().copied().flatten();
        let power = power::symbols_needed(colluders, threshold)?;
        println!("{colluders}  {figure}  {power}  {worst:?}  {needed:?}");
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
) -> Vec<Option<usize>> {
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
    let running = Attack::ALL.map(|attack| thread::spawn(move || run(attack)));
    running
        .into_iter()
        .map(|one| one.join().unwrap_or_default())
        .collect()
}
