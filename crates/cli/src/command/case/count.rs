//! `case count`: what the exhibits hold, sealed as a result.

use std::fs;

use anyhow::{Context as _, Result};
use liuhen_service::count::{CountRequest, Ear};
use serde_json::json;

use super::{Place, of_the_sealed};
use crate::command::count::{Bar, How, answer, counted, exit_of, tell};
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Counts as `liuhen count` does, over all exhibits, and seals nothing when a file has other bytes than were
sealed, is missing or was never sealed. count.json and ledger.jsonl are put under seal in the
case's results; files are named from the case's folder on, so that the same exhibits, rules, version and
options give the same bytes anywhere. Pictures are looked at when models are installed; the result names them by
file and SHA-256.

Example:
  liuhen case count --case 2026-17 --insider --acts acts.toml --gain 李某=2200")]
pub(super) struct CountArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    how: How,
}

pub(super) fn run(args: &CountArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    let acts = args.how.acts()?;
    let mut case = args.place.open()?;
    let folder = case.results()?;
    if let Some(acts) = &acts {
        let path = folder.join("acts.toml");
        fs::write(&path, acts).with_context(|| path.display().to_string())?;
    }
    let exhibits = case.exhibits();
    let bar = Bar::over(&exhibits);
    let base = Some(case.dir().to_owned());
    let ear = Ear::default();
    let request = CountRequest {
        ear: Some(&ear),
        ..args.how.request(exhibits, base, acts.as_deref(), &bar)?
    };
    let counted = counted(&request, Some(&folder.join("ledger.jsonl")))?;
    bar.0.finish_and_clear();
    of_the_sealed(&case, &counted)?;
    args.how.draw(&counted)?;
    let path = folder.join("count.json");
    let text = serde_json::to_string_pretty(&answer(&counted))? + "\n";
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    let path = folder.join("slang.json");
    let text = serde_json::to_string_pretty(&ear.list())? + "\n";
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    let listing = case.seal_results("count", args.place.hand.who())?;
    if args.place.hand.json {
        show::json(&json!({
            "result": listing.folder,
            "count": answer(&counted),
            "checkpoint": case.checkpoint(),
        }))?;
    } else {
        tell(&counted, false)?;
        show::line(format_args!("sealed {}", listing.folder))?;
    }
    args.place.hand.told(&case)?;
    Ok(exit_of(&counted))
}
