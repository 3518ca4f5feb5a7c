//! `scan`: look for personal information in files and folders.
//!
//! The formats of the report are a file each; what is found and how it weighs is said by `service`.

mod comma;
mod lines;
mod page;
mod sarif;
mod table;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, ValueEnum};
use liuhen_kinds::{Kind, Level};
use liuhen_service::Watch;
use liuhen_service::scan::{
    Baseline, Event, FileReport, Finding, HeaderRow, Note, Pack, Request, Summary, scan,
};
use liuhen_service::sight::{Films, Triage};

use self::words::Labels;
use crate::command::{rules, sighting};
use crate::database::Sampled;
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::unpacking::Unpacking;
use crate::vault::{Opening, Vault};
use crate::{Cli, bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen scan .
  liuhen scan members.xlsx dump.sql --show
  liuhen scan leak.7z --password-file words.txt
  liuhen scan /media/disk --triage --json
  liuhen scan ./films --video 20 --show          # twenty frames of each film, by an installed ffmpeg
  zcat access.log.gz | liuhen scan - --json
  PGPASSWORD=… liuhen scan postgres://reader@127.0.0.1/members --sample 1000
  liuhen scan . --fail-on high --baseline liuhen-baseline.json --sarif --output liuhen.sarif

Folders are walked in the order of their paths, hidden files included. Left out: what a file
.liuhenignore (syntax of .gitignore) names, and the contents of folders named .git. Symbolic links
inside folders are not followed. A line with the remark liuhen:allow, or liuhen:allow KIND,KIND,
is accepted. A database server is read within one transaction that only reads; its password comes from PGPASSWORD or
MYSQL_PWD or the first line of --password-file. Archives, documents and databases are looked into, as deep as --max-depth says;
docs/reading.md lists the formats. What could not be read is always listed. No report holds a value; --show adds masked
samples. Exit codes: 0 done, 7 --fail-on found something, 8 something could not be read.")]
pub(crate) struct ScanArgs {
    /// Files and folders to look through; `-` is standard input. Also a database: postgres://USER@HOST/NAME,
    /// mysql://USER@HOST/NAME, sqlite:FILE.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON object for each finding, a line each, and a last line with the summary.
    #[arg(long, group = "format")]
    json: bool,
    /// Print a SARIF 2.1.0 log, as code hosts read it.
    #[arg(long, group = "format")]
    sarif: bool,
    /// Print a CSV table of the findings.
    #[arg(long, group = "format")]
    csv: bool,
    /// Print a page of its own, to look at in a browser.
    #[arg(long, group = "format")]
    html: bool,
    /// Write the report to a file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add a masked sample to every finding.
    #[arg(long)]
    show: bool,
    /// End with exit code 7 when this kind, or this level (low, medium, high, very_high) or a higher one, is found.
    #[arg(long, value_name = "KIND|LEVEL", value_delimiter = ',')]
    fail_on: Vec<String>,
    /// Report these kinds only.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Least confidence reported, 0 to 1.
    #[arg(long, value_name = "C", default_value = "0.5", value_parser = confidence)]
    min_confidence: f32,
    /// Do not look for names and addresses in running text by the model; faster.
    #[arg(long)]
    no_model: bool,
    /// Files read at once; the number of processors when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Which row of a table names its columns.
    #[arg(long, value_enum, default_value_t = Header::Auto)]
    header: Header,
    /// Read CSV and TSV as running text.
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    sampled: Sampled,
    #[command(flatten)]
    unpacking: Unpacking,
    #[command(flatten)]
    eyes: Eyes,
    /// Of very many pictures, look closely only at those that show text at a small size or are named like a document;
    /// the others are counted.
    #[arg(long, conflicts_with = "no_pictures")]
    triage: bool,
    /// Look at this many frames of each film, spread evenly; needs an installed ffmpeg. Without it films are told as not read.
    #[arg(long, value_name = "FRAMES", conflicts_with = "no_pictures", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    video: Option<u32>,
    /// Look for the kinds of a rule pack of one's own too; `liuhen rules test` checks one.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Accept the findings that this baseline lists: so many of a kind in a file.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write a baseline that accepts everything found now.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Look for the canaries of a vault's exports too; each file that holds one raises an alert in the vault.
    #[arg(long)]
    canaries: bool,
    #[command(flatten)]
    vault: Opening,
}

/// Which row of a table names its columns.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Header {
    /// Judged from the rows.
    Auto,
    /// The first row.
    First,
    /// None.
    None,
}

fn confidence(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 to 1, such as 0.8".to_owned()),
    }
}

/// A format of the report; told in the order of the scan.
trait Report {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
    fn finding(&mut self, out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()>;
    fn end(&mut self, out: &mut dyn Write, summary: &Summary, took: Duration) -> io::Result<()>;
}

pub(crate) fn run(args: &ScanArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    // Packs define kinds, which the other arguments may name.
    let packs = rules::read(&args.rules)?;
    let fail_on = fail_on(&args.fail_on);
    let kinds = args
        .kinds
        .iter()
        .map(|name| kind("--kinds", name))
        .collect();
    let known = args.baseline.as_deref().map(read_baseline).transpose()?;
    let mut out = open(args.output.as_deref())?;
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let looker = args.eyes.open(jobs)?;
    let triage = args.triage.then(Triage::default);
    let films = args.video.map(Films::new).transpose()?;
    if films.is_some() && looker.is_none() {
        anyhow::bail!("films are looked at with models: run `liuhen models install`");
    }
    let bar = bar::so_far("scan");
    let meter = |bytes: u64| bar.inc(bytes);
    let watch = args.canaries.then(|| Watching::begin(args)).transpose()?;
    let seen = |path: &str, kind: Kind, value: &str| {
        if let Some(watch) = &watch {
            watch.look(path, kind, value);
        }
    };
    let request = Request {
        watch: args.canaries.then_some(&seen),
        jobs,
        kinds,
        least: args.min_confidence,
        model: !args.no_model,
        header: match args.header {
            Header::Auto => HeaderRow::Auto,
            Header::First => HeaderRow::First,
            Header::None => HeaderRow::None,
        },
        as_text: args.text,
        databases: args
            .sampled
            .databases(args.unpacking.password_file.as_deref())?,
        wishes: args.unpacking.wishes()?,
        looker: looker.as_ref(),
        no_models: looker.is_none() && args.eyes.are_wanted(),
        triage: triage.as_ref(),
        films,
        show: args.show,
        packs: &packs,
        baseline: known.as_ref(),
        except: own_files(args),
        meter: Some(&meter),
        ..Request::new(args.paths.clone())
    };
    let mut accepted = args.write_baseline.as_ref().map(|_| Baseline::default());
    let mut report = args.report(&packs);
    let begun = Instant::now();
    let mut written = report.begin(&mut out);
    let summary = scan(&request, &mut |event| {
        if written.is_ok() {
            written = heard(event, report.as_mut(), &mut out, accepted.as_mut());
        }
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    bar.finish_and_clear();
    written
        .and_then(|()| report.end(&mut out, &summary, begun.elapsed()))
        .and_then(|()| out.flush())
        .with_context(|| match args.output.as_deref() {
            Some(path) => format!("writing {}", path.display()),
            None => "writing the report".to_owned(),
        })?;
    if let Some((path, accepted)) = args.write_baseline.as_ref().zip(accepted) {
        std::fs::write(path, accepted.to_json())
            .with_context(|| format!("writing {}", path.display()))?;
    }
    problems(args, &summary);
    if let Some(watch) = &watch {
        watch.tell()?;
    }
    Ok(exit(&summary, &fail_on))
}

/// Canaries of a vault, and the files they were seen in.
struct Watching {
    vault: Vault,
    watch: Watch,
    seen: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl Watching {
    fn begin(args: &ScanArgs) -> Result<Self> {
        let vault = args.vault.vault()?;
        Ok(Self {
            watch: vault.watch()?,
            vault,
            seen: Mutex::default(),
        })
    }

    fn look(&self, path: &str, kind: Kind, value: &str) {
        if let Some(canary) = self.watch.of(kind, value) {
            // A worker that panicked left the map whole: it only ever grows.
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry(path.to_owned()).or_default().insert(canary);
        }
    }

    /// Raises an alert for each file, and says so.
    fn tell(&self) -> Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failed = None;
        for (path, canaries) in seen.iter() {
            match self.vault.sight(&place(path), canaries) {
                Ok(Some(alert)) => show::note(format_args!("{}", sighting::tell(&alert.into()))),
                Ok(None) => {}
                // The other files' alerts are raised all the same.
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if seen.is_empty() {
            show::note(format_args!("no canary was seen"));
        }
        Ok(())
    }
}

/// A path as the place of an alert: its end when it is long, and no control character.
fn place(path: &str) -> String {
    let plain = show::plain(path);
    let skip = plain.chars().count().saturating_sub(300);
    plain.chars().skip(skip).collect()
}

fn heard(
    event: Event<'_>,
    report: &mut dyn Report,
    out: &mut dyn Write,
    accepted: Option<&mut Baseline>,
) -> io::Result<()> {
    match event {
        Event::Finding(path, finding) => report.finding(out, path, finding)?,
        Event::Done(FileReport { path, all, .. }) => {
            if let Some(accepted) = accepted {
                accepted.add(path, all);
            }
        }
        // The summary holds every note, and reports show them there.
        Event::Note(Note { .. }) => {}
    }
    Ok(())
}

impl ScanArgs {
    fn report<'p>(&self, packs: &'p [Pack]) -> Box<dyn Report + 'p> {
        let labels = Labels {
            packs,
            chinese: show::speaks_chinese(),
        };
        if self.json {
            Box::new(lines::Lines)
        } else if self.sarif {
            Box::new(sarif::Sarif::new(labels))
        } else if self.csv {
            Box::new(comma::Comma { labels })
        } else if self.html {
            Box::new(page::Page::new(labels))
        } else {
            Box::new(table::Terminal::new(labels, self.show))
        }
    }
}

fn open(output: Option<&Path>) -> Result<Box<dyn Write>> {
    Ok(match output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout())),
    })
}

/// The files that this scan writes or is told to trust are no part of what it looks through.
fn own_files(args: &ScanArgs) -> Vec<PathBuf> {
    let files = [
        &args.output,
        &args.baseline,
        &args.write_baseline,
        &args.unpacking.password_file,
    ];
    files.into_iter().flatten().cloned().collect()
}

fn read_baseline(path: &Path) -> Result<Baseline> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "reading the baseline {}; --write-baseline makes one",
            path.display()
        )
    })?;
    Baseline::parse(&text).with_context(|| format!("reading {}", path.display()))
}

/// Formats for programs keep the problems inside; a person at the terminal is told of them too.
fn problems(args: &ScanArgs, summary: &Summary) {
    if !(args.json || args.sarif || args.csv || args.html || args.output.is_some()) {
        return;
    }
    let lang = show::lang();
    let passed = summary.pictures.passed_over();
    if passed > 0 {
        show::note(format_args!(
            "--triage: {} pictures were looked at closely, {passed} were passed over",
            summary.pictures.looked
        ));
    }
    for note in summary.notes.iter().filter(|note| note.reason.is_failure()) {
        show::note(format_args!(
            "{}: {}",
            show::plain(&note.path),
            note.reason.text(lang)
        ));
    }
}

/// What ends a scan with an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailOn {
    Kind(Kind),
    Level(Level),
}

fn fail_on(names: &[String]) -> Vec<FailOn> {
    names
        .iter()
        .map(|name| {
            words::level(name).map_or_else(|| FailOn::Kind(kind("--fail-on", name)), FailOn::Level)
        })
        .collect()
}

/// The kind of this name; ends the program when there is none, as other wrong arguments do.
pub(crate) fn kind(flag: &str, name: &str) -> Kind {
    Kind::parse(name).unwrap_or_else(|_| {
        let error = clap::error::ErrorKind::InvalidValue;
        let names: BTreeSet<&str> = Kind::BUILTIN.iter().map(|kind| kind.name()).collect();
        let known = names.into_iter().collect::<Vec<_>>().join(", ");
        let said = format!("{flag}: no such kind; kinds are: {known}");
        Cli::command().error(error, said).exit()
    })
}

/// A leak that was found comes before a file that was not read: the first needs acting upon.
fn exit(summary: &Summary, fail_on: &[FailOn]) -> Exit {
    let fails = |kind: Kind, level: Level| {
        fail_on.iter().any(|one| match one {
            FailOn::Kind(wanted) => *wanted == kind,
            FailOn::Level(least) => level >= *least,
        })
    };
    if summary
        .findings
        .keys()
        .any(|(kind, level)| fails(*kind, *level))
    {
        Exit::Found
    } else if summary.is_incomplete() {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_kinds_end_a_scan() {
        let mut summary = Summary::default();
        let names = ["high".to_owned(), "email".to_owned()];
        let fail_on = fail_on(&names);
        assert_eq!(
            fail_on,
            [FailOn::Level(Level::High), FailOn::Kind(Kind::EMAIL)]
        );
        summary.findings.insert((Kind::MOBILE, Level::Medium), 3);
        assert_eq!(exit(&summary, &fail_on), Exit::Done);
        summary
            .findings
            .insert((Kind::RESIDENT_ID, Level::VeryHigh), 1);
        assert_eq!(exit(&summary, &fail_on), Exit::Found);
        assert_eq!(exit(&summary, &[]), Exit::Done);
    }

    #[test]
    fn confidences() {
        assert!(confidence("0.8").is_ok() && confidence("1").is_ok());
        assert!(
            confidence("1.1").is_err() && confidence("NaN").is_err() && confidence("x").is_err()
        );
    }
}
