//! Attacks marked tables: who is caught, and is anybody innocent accused?
//!
//! ```sh
//! cargo run --release -p liuhen-bench-tables -- attacks [trials] > docs/table-attacks.md
//! cargo run --release -p liuhen-bench-tables -- samples [trials]
//! ```
//!
//! Seeded: the same arguments print the same table, but for the times. Writes Markdown to standard
//! output, line by line as the attacks are done.

mod attack;
mod people;
mod samples;
mod trial;

use std::env;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "attacks".to_owned());
    let trials = arguments.next().map(|text| text.parse()).transpose()?;
    let mut stdout = std::io::stdout().lock();
    match what.as_str() {
        "attacks" => attack::report(trials.unwrap_or(21), &mut stdout)?,
        "samples" => samples::report(trials.unwrap_or(400), &mut stdout)?,
        other => bail!("`{other}` is neither `attacks` nor `samples`"),
    }
    Ok(())
}
