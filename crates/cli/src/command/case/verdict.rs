//! `case verdict`: the marks of a sample, and what follows from them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use liuhen_service::case::{Case, results};
use liuhen_service::sample::{Estimate, Marks, Sample, Side, sha256};
use serde_json::json;

use super::Place;
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Takes in what the page of `case sample` saved, for one of the case's own samples, and seals marks and
estimate as a result. Rows without a mark are taken as \"cannot tell\": untrue for the lower bound, true for
the upper one.

Example:
  liuhen case verdict --case 2026-17 marks-4f1c2ab09d3e.json --by 乙 --json")]
pub(super) struct VerdictArgs {
    #[command(flatten)]
    place: Place,
    /// The marks that the page saved.
    marks: PathBuf,
}

pub(super) fn run(args: &VerdictArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let path = args.marks.display().to_string();
    let bytes = fs::read(&args.marks).with_context(|| path.clone())?;
    let marks = Marks::parse(&bytes).with_context(|| path.clone())?;
    let sample = sample(&case, &marks)?;
    let estimate = Estimate::of(&sample, &marks).context(path)?;
    let folder = case.results()?;
    let text = serde_json::to_string_pretty(&estimate)? + "\n";
    for (name, bytes) in [
        ("marks.json", bytes.as_slice()),
        ("estimate.json", text.as_bytes()),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    let listing = case.seal_results("verdict", args.place.hand.who())?;
    if args.place.hand.json {
        show::json(&json!({
            "result": listing.folder,
            "estimate": estimate,
            "checkpoint": case.checkpoint(),
        }))?;
    } else {
        told(&estimate)?;
        show::line(format_args!("sealed {}", listing.folder))?;
    }
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

/// The case's own sample that was marked.
fn sample(case: &Case, marks: &Marks) -> Result<Sample> {
    for folder in results(case.entries(), "sample") {
        let bytes = case.result(folder, "sample.json")?;
        if sha256(&bytes) == marks.sample {
            return Sample::parse(&bytes).with_context(|| format!("{folder}/sample.json"));
        }
    }
    bail!("these marks are of no sample of this case");
}

fn told(estimate: &Estimate) -> Result<()> {
    let side = |name: &str, side: &Side| {
        show::line(format_args!(
            "{name}: {} rows, {} looked at: {} true, {} untrue, {} cannot tell; estimate {}, {} to {}",
            side.rows,
            side.drawn,
            side.held,
            side.untrue,
            side.unknown,
            side.estimate,
            side.low,
            side.high
        ))
    };
    side("held as persons", &estimate.counted)?;
    side("left out, should count", &estimate.excluded)?;
    show::line(format_args!(
        "each interval at {} %, whatever the strata hold; left-out rows are rows, not persons",
        estimate.level * 100.0
    ))?;
    if !estimate.complete {
        show::note(format_args!("{} rows are not marked", estimate.unmarked));
    }
    Ok(())
}
