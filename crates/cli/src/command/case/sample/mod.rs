//! `case sample`: rows for a person to look at.
//!
//! Which rows is said by `forensics`; here the sealed count is found and made anew, the places are
//! sealed as a result, and the page is written beside the case.

mod page;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_service::case::{Case as Folder, latest};
use liuhen_service::count::{Counted, draw};
use liuhen_service::sample::{Asked, Sample, SampleRules, sha256};
use serde_json::{Value, json};

use super::{Place, anew, of_the_sealed, write_new};
use crate::command::count::{Bar, answer};
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::show;
use crate::unpacking::Unpacking;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Draws from the rows that the last `case count` held as persons, and a share from those it left out, by file
and main kind or code. The same exhibits and seed draw the same rows. The places are sealed in the case's
results; the page on which a person marks each row true, untrue or cannot tell is written beside the case,
readable by its owner only. It shows masked cells unless --show-values is given: then it holds personal
information, and is to be guarded as the exhibits are.

Example:
  liuhen case sample --case 2026-17 --size 400 --seed 2026-11-23 --show-values --json")]
pub(super) struct SampleArgs {
    #[command(flatten)]
    place: Place,
    /// Rows to look at; 400 when not given.
    #[arg(long, value_name = "N")]
    size: Option<NonZeroUsize>,
    /// What the drawing depends on; the latest root of the custody log when not given.
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Where to write the page; DIR.sample-NNNN.html beside the folder when not given.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the values themselves on the page.
    #[arg(long)]
    show_values: bool,
    /// Threads.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// As they were asked for when the case was counted.
    #[command(flatten)]
    unpacking: Unpacking,
    #[command(flatten)]
    eyes: Eyes,
}

pub(super) fn run(args: &SampleArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    let mut case = args.place.open()?;
    let Some(count) = latest(case.entries(), "count").map(str::to_owned) else {
        bail!("there is no count to draw from; run `case count` first");
    };
    let sealed = case.result(&count, "count.json")?;
    let asked = Asked {
        size: size(args)?,
        seed: args.seed.clone().unwrap_or_else(|| root(&case)),
        count,
        count_sha256: sha256(&sealed),
    };
    if asked.seed.contains('\n') {
        bail!("the seed must be one line");
    }
    let bar = Bar::over(&case.exhibits());
    let request = anew(&case, &args.unpacking, &args.eyes, args.jobs, &bar)?;
    let (counted, drawing) = draw(&request, &asked, args.show_values)?;
    bar.0.finish_and_clear();
    of_the_sealed(&case, &counted)?;
    same(&counted, &sealed)?;
    let sample = &drawing.sample;
    let folder = case.results()?;
    let text = serde_json::to_string_pretty(sample)? + "\n";
    let hash = sha256(text.as_bytes());
    let to = match &args.output {
        Some(output) => output.clone(),
        None => beside(case.dir(), &folder)?,
    };
    // Before the sealing: a sample without its page would be of no use.
    let page = page::page(case.head(), &drawing, &hash, args.show_values);
    write_new(&to, page.as_bytes(), 0o600)?;
    write_new(&folder.join("sample.json"), text.as_bytes(), 0o444)?;
    let listing = case.seal_results("sample", args.place.hand.who())?;
    if args.place.hand.json {
        show::json(&json!({
            "result": listing.folder,
            "sample_sha256": hash,
            "page": to,
            "sample": sample,
            "checkpoint": case.checkpoint(),
        }))?;
    } else {
        told(sample, &to, &listing.folder)?;
    }
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

fn size(args: &SampleArgs) -> Result<u64> {
    let rules = SampleRules::builtin();
    let size = args.size.map_or(rules.size, |size| size.get() as u64);
    if size > rules.most {
        bail!("a sample has at most {} rows", rules.most);
    }
    Ok(size)
}

/// The root of the custody log, the second line of a checkpoint after its size.
fn root(case: &Folder) -> String {
    let checkpoint = case.checkpoint();
    checkpoint.lines().nth(2).unwrap_or_default().to_owned()
}

/// Whether the exhibits still count as they did when the result was sealed.
fn same(counted: &Counted, sealed: &[u8]) -> Result<()> {
    let sealed: Value = serde_json::from_slice(sealed).context("count.json")?;
    let now = serde_json::to_value(answer(counted))?;
    for part in ["/pipeline", "/excluded", "/totals/persons"] {
        if sealed.pointer(part) != now.pointer(part) {
            bail!(
                "the exhibits do not count as they did in the last result; verify the case, then count again with this version"
            );
        }
    }
    Ok(())
}

fn told(sample: &Sample, page: &Path, folder: &str) -> Result<()> {
    show::line(format_args!(
        "drew {} rows from {} strata, seed {}",
        sample.rows.len(),
        sample.strata.len(),
        show::plain(&sample.seed)
    ))?;
    show::line(format_args!("sealed {folder}"))?;
    show::line(format_args!(
        "mark the rows on this page: {}",
        page.display()
    ))
}

/// Beside the case's folder, as its key is.
fn beside(dir: &Path, result: &Path) -> Result<PathBuf> {
    let key = super::key_beside(dir)?;
    let mut name = key.file_stem().unwrap_or_default().to_owned();
    name.push(".sample-");
    name.push(result.file_stem().unwrap_or_default());
    name.push(".html");
    Ok(key.with_file_name(name))
}
