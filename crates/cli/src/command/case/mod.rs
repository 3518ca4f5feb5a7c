//! `case`: exhibits sealed in a folder, counted, and checked by anybody.
//!
//! What a case is and what a check looks at is said by `forensics`, through `service`; here are the
//! arguments and what a person is shown.

mod count;
mod kept;
mod link;
mod report;
mod sample;
mod verdict;
mod verify;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_service::case::{Act, Case, Listing, Sealing, Who, misfits, now, show as shown};
use serde_json::json;

use liuhen_service::count::{CountRequest, Counted, Progress};

use crate::command::count::answer;
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::unpacking::Unpacking;
use crate::{bar, show};

/// Files that do not fit their listings, told one by one.
const MOST_TOLD: usize = 20;

/// Writes a file that is not there yet.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("writing {}", path.display()))
}

/// A count of all exhibits whose circumstances do not matter; files come apart as they did in
/// `case count` when the same is asked for.
fn anew<'a>(
    case: &Case,
    unpacking: &Unpacking,
    eyes: &Eyes,
    jobs: Option<std::num::NonZeroUsize>,
    progress: &'a dyn Progress,
) -> Result<CountRequest<'a>> {
    let jobs = jobs.map_or_else(processors, usize::from);
    Ok(CountRequest {
        base: Some(case.dir().to_owned()),
        wishes: unpacking.wishes()?,
        eyes: eyes.counting(jobs)?,
        ..CountRequest::new(case.exhibits(), jobs, progress)
    })
}

/// Refuses a count of anything but the sealed exhibits, by the SHA-256 of every file it read.
fn of_the_sealed(case: &Case, counted: &Counted) -> Result<()> {
    let count = serde_json::to_vec(&answer(counted))?;
    let found = misfits(&case.listings()?, &count)?;
    for misfit in found.iter().take(MOST_TOLD) {
        show::note(show::plain(&misfit.to_string()));
    }
    match found.len() {
        0 => Ok(()),
        wrong => bail!(
            "{wrong} files are not as they were sealed, so nothing is sealed of this; verify the case"
        ),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen case new 2026-17 --name 'the Wang case' --number 2026-17
  liuhen case add --case 2026-17 /media/disk --note 'disk of exhibit bag 4'
  liuhen case count --case 2026-17
  liuhen case sample --case 2026-17 --size 400 --show-values
  liuhen case verdict --case 2026-17 marks.json
  liuhen case report 2026-17 -o report.pdf
  liuhen case verify 2026-17

The folder holds everything but the private key, which lies beside it as 2026-17.key unless --key says
otherwise. Each act prints the checkpoint of the custody log: give it to the other side, and nothing
before it can be changed without his seeing it.")]
pub(crate) struct CaseArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Open a case: an empty folder and its key.
    New(NewArgs),
    /// Copy files and folders into the case and seal them.
    Add(AddArgs),
    /// Count what the exhibits hold, and seal the result.
    Count(count::CountArgs),
    /// Draw rows for a person to look at, and write the page on which he marks them.
    Sample(sample::SampleArgs),
    /// Take the marks in, and say what follows for the count.
    Verdict(verdict::VerdictArgs),
    /// Write a report on the case, as HTML or PDF.
    Report(report::ReportArgs),
    /// Tell with another office how many persons both cases hold, without showing either list.
    Link(link::LinkArgs),
    /// Ask for an RFC 3161 time stamp, or take the answer in.
    Stamp(StampArgs),
    /// Check everything in a case's folder; needs nothing else.
    Verify(verify::VerifyArgs),
    /// Show what was done.
    Show(ShowArgs),
}

/// Which case.
#[derive(Debug, clap::Args)]
struct Place {
    /// The case's folder.
    #[arg(long = "case", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    hand: Hand,
}

/// Whose hand it is in.
#[derive(Debug, clap::Args)]
struct Hand {
    /// The case's private key; DIR.key beside the folder when not given.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Who does it, for the custody log.
    #[arg(long, value_name = "NAME", env = "USER")]
    by: String,
    /// A remark for the custody log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Place {
    fn open(&self) -> Result<Case> {
        let key = self.hand.key(&self.dir)?;
        let case =
            Case::open(&self.dir, &key).with_context(|| format!("case {}", self.dir.display()))?;
        // Before hours are spent on what could not be entered.
        case.in_time(&self.hand.who())?;
        Ok(case)
    }
}

impl Hand {
    fn key(&self, dir: &Path) -> Result<PathBuf> {
        match &self.key {
            Some(key) => Ok(key.clone()),
            None => key_beside(dir),
        }
    }

    fn who(&self) -> Who {
        Who {
            by: self.by.clone(),
            at: now(),
            note: self.note.clone(),
        }
    }

    /// What every act ends with.
    fn told(&self, case: &Case) -> Result<()> {
        if !self.json {
            show::line("checkpoint to hand to the other side:")?;
            show::text(&case.checkpoint())?;
        }
        Ok(())
    }
}

/// Where a case's key lies unless it is said otherwise.
fn key_beside(dir: &Path) -> Result<PathBuf> {
    let known = std::path::absolute(dir).with_context(|| dir.display().to_string())?;
    let known = known.canonicalize().unwrap_or(known);
    let Some(name) = known.file_name() else {
        bail!("the root folder cannot be a case");
    };
    let mut name = name.to_owned();
    name.push(".key");
    Ok(known.with_file_name(name))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  liuhen case new 2026-17 --name 'the Wang case' --number 2026-17 --json")]
struct NewArgs {
    /// The folder to be made.
    dir: PathBuf,
    /// What the case is called.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its number.
    #[arg(long, value_name = "NUMBER", default_value = "")]
    number: String,
    #[command(flatten)]
    hand: Hand,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sources are opened for reading only; where the system allows, their times of access stay as they are.
Links are listed and not followed. What cannot be read is listed with the reason, and the command ends with 8.

Example:
  liuhen case add --case 2026-17 /media/disk seized/list.xlsx --note 'bag 4'")]
struct AddArgs {
    #[command(flatten)]
    place: Place,
    /// Files and folders; each becomes an exhibit.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a file a request is written, to be sent to a time stamping authority. An answer is taken in when
what it stamps was signed by this case over the beginning of its own custody log; a checkpoint keeps one.

Examples:
  liuhen case stamp --case 2026-17
  curl -H 'Content-Type: application/timestamp-query' --data-binary @2026-17/stamps/00000004.tsq URL > answer.tsr
  liuhen case stamp --case 2026-17 answer.tsr
Whether the authority is one to believe is for openssl:
  openssl ts -verify -in answer.tsr -data 2026-17/stamps/00000004.checkpoint -CAfile authority.pem")]
struct StampArgs {
    #[command(flatten)]
    place: Place,
    /// The authority's answer.
    answer: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the folder alone, not the key, and changes nothing in it. Whether all is as it was sealed is for `case verify`.

Example:
  liuhen case show --case 2026-17 --json")]
struct ShowArgs {
    /// The case's folder.
    #[arg(long = "case", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CaseArgs) -> Result<Exit> {
    match &args.what {
        What::New(args) => new(args),
        What::Add(args) => add(args),
        What::Count(args) => count::run(args),
        What::Sample(args) => sample::run(args),
        What::Verdict(args) => verdict::run(args),
        What::Report(args) => report::run(args),
        What::Link(args) => link::run(args),
        What::Stamp(args) => stamp(args),
        What::Verify(args) => verify::run(args),
        What::Show(args) => show_acts(args),
    }
}

fn new(args: &NewArgs) -> Result<Exit> {
    let hand = &args.hand;
    let key = hand.key(&args.dir)?;
    let case = Case::create(&args.dir, &key, &args.name, &args.number, hand.who())?;
    if hand.json {
        show::json(&json!({
            "case": args.dir,
            "key": key,
            "vkey": case.head().vkey,
            "checkpoint": case.checkpoint(),
        }))?;
    } else {
        show::line(format_args!("opened {}", args.dir.display()))?;
        show::line(format_args!("its private key: {}", key.display()))?;
        show::line(format_args!("its public key: {}", case.head().vkey))?;
    }
    hand.told(&case)?;
    Ok(Exit::Done)
}

fn add(args: &AddArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let mut exit = Exit::Done;
    let mut listings = Vec::new();
    for path in &args.paths {
        let bar = bar::so_far("sealing");
        let added = case.add(path, args.place.hand.who(), &mut |bytes| {
            bar.inc(bytes);
            true
        });
        bar.finish_and_clear();
        let listing = added.with_context(|| path.display().to_string())?;
        if !args.place.hand.json {
            show_listing(&listing)?;
        }
        if listing.doubtful().next().is_some() {
            exit = Exit::Incomplete;
        }
        listings.push(listing);
    }
    if args.place.hand.json {
        let exhibits: Vec<_> = listings.iter().map(summary).collect();
        show::json(&json!({ "exhibits": exhibits, "checkpoint": case.checkpoint() }))?;
    }
    args.place.hand.told(&case)?;
    Ok(exit)
}

fn summary(listing: &Listing) -> serde_json::Value {
    let doubtful: Vec<_> = listing.doubtful().collect();
    json!({
        "exhibit": listing.folder,
        "source": listing.source,
        "files": listing.files.len(),
        "bytes": listing.bytes(),
        "doubtful": doubtful,
    })
}

fn show_listing(listing: &Listing) -> Result<()> {
    show::line(format_args!(
        "sealed {}: {} files, {} bytes, from {}",
        listing.folder,
        listing.files.len(),
        listing.bytes(),
        show::plain(&listing.source)
    ))?;
    for file in listing.doubtful() {
        let why = match &file.sealing {
            Sealing::Unread { why } => why.as_str(),
            Sealing::File { .. } => "changed while it was read",
            _ => "neither file nor folder",
        };
        show::note(format_args!("{}: {why}", show::plain(&file.path)));
    }
    Ok(())
}

fn stamp(args: &StampArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let Some(answer) = &args.answer else {
        let request = case.ask_for_stamp()?;
        if args.place.hand.json {
            show::json(&json!({ "request": request }))?;
        } else {
            show::line(format_args!(
                "send this to a time stamping authority: {}",
                request.display()
            ))?;
        }
        return Ok(Exit::Done);
    };
    let bytes = fs::read(answer).with_context(|| answer.display().to_string())?;
    let size = case.stamp(&bytes, args.place.hand.who())?;
    if args.place.hand.json {
        show::json(&json!({ "entries": size, "checkpoint": case.checkpoint() }))?;
    } else {
        show::line(format_args!(
            "the stamp covers the first {size} entries of the custody log"
        ))?;
    }
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

fn show_acts(args: &ShowArgs) -> Result<Exit> {
    let case = shown(&args.dir).with_context(|| format!("case {}", args.dir.display()))?;
    if args.json {
        show::json(&case)?;
        return Ok(Exit::Done);
    }
    let head = &case.head;
    show::line(format_args!(
        "{} {}",
        show::plain(&head.number),
        show::plain(&head.name)
    ))?;
    for entry in &case.entries {
        let what = match &entry.act {
            Act::Opened { .. } => "opened".to_owned(),
            Act::Sealed(sealed) => format!(
                "sealed {}: {} files, {} bytes",
                sealed.folder, sealed.files, sealed.bytes
            ),
            Act::Worked { what, folder } => format!("{what}: {}", folder.folder),
            Act::Stamped { size, .. } => format!("stamped the first {size} entries"),
        };
        let who = &entry.who;
        let note = show::plain(&who.note);
        show::line(format_args!(
            "{:>4}  {}  {}  {what}  {note}",
            entry.n,
            who.at,
            show::plain(&who.by)
        ))?;
    }
    Ok(Exit::Done)
}
