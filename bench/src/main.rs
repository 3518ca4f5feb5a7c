//! Measures the program as its users meet it, every flush to disk on.
//!
//! `reads`: durable traced reads a second over HTTP on loopback at 1, 64, 256 and 1,024 keep-alive clients, beside what the same disk gives in the same run to bare group commit (one write and one fdatasync for as many records as there are clients).
//! `import ROWS`: rows a second and peak memory of an import of invented people.
//! `leaks RECIPIENTS ROWS`: exports to many recipients, then leaks of 5% of one copy, of two colluders, and of nobody, led back.
//! `scan [MB] [--json]`: megabytes of text a second that detection reads on one core, beside ripgrep and Vectorscan.
//! `count ROWS [JOBS]`: seconds, processor time and peak memory of counting a leak under every key policy, beside DuckDB.
//! `corpus ROWS DIR [csv]`: forty files in ten formats, or all as CSV, with known truth, which is printed as JSON; then `liuhen count DIR`.
//! The program measured is `target/release/liuhen`, or whatever `LIUHEN_BIN` names.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod count;
mod import;
mod leaks;
mod reads;
mod scan;
mod world;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.as_slice() {
        ["reads"] => reads::run(&runtime),
        ["import", rows] => import::run(rows.parse()?),
        ["scan", rest @ ..] => {
            let size = rest.iter().find(|word| **word != "--json");
            let megabytes = size.map_or(Ok(16), |size| size.parse())?;
            scan::run(megabytes, rest.contains(&"--json"))
        }
        ["count", rows] => count::run(rows.parse()?, 2),
        ["count", rows, jobs] => count::run(rows.parse()?, jobs.parse()?),
        ["corpus", rows, dir] => count::made(rows.parse()?, std::path::Path::new(dir), false),
        ["corpus", rows, dir, "csv"] => count::made(rows.parse()?, std::path::Path::new(dir), true),
        ["leaks", recipients, rows] => {
            runtime.block_on(leaks::run(recipients.parse()?, rows.parse()?))
        }
        _ => bail!(
            "usage: liuhen-bench reads | import ROWS | leaks RECIPIENTS ROWS | scan [MB] [--json] | count ROWS [JOBS] | corpus ROWS DIR [csv]"
        ),
    }
}
