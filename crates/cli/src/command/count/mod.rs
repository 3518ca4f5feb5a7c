//! `count`: count a leak as the law counts it, without a case.
//!
//! Which rows count is said by `service`; here are the arguments, the ledger's file and the table
//! for a person (`table`).

mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use indicatif::ProgressBar;
use liuhen_service::count::{
    At, Case, CountRequest, Counted, Day, Entry, LedgerSink, Progress, count,
};
use serde::Serialize;

use crate::database::Sampled;
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::unpacking::Unpacking;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen count seized/
  liuhen count seized/ --ledger out.jsonl --work /var/tmp/count --json > count.json
  liuhen count seized/ --graph kinship.svg
  MYSQL_PWD=… liuhen count mysql://reader@127.0.0.1/shop
  liuhen count sold/ --insider --acts acts.toml --gain 李某=2200

Five key policies are counted at once: the same row, the same person, person and type, each event,
each act with each counterparty. Items (条), bundles (套) and persons (人) are three totals. Rows that
do not count are in the ledger with reason, file, sheet and row; a repetition names the first
occurrence. Neither the report nor the ledger holds a value.
Acts are TOML:  [[act]]
                files = [\"sold/a.csv\"]      # files or folders among those counted
                kind = \"provided\"           # or \"obtained\"
                counterparty = \"buyer 1\"
                actor = \"李某\"
Thresholds are advice: a number below them is not a permission. Killed, a count goes on where it was
when --work names the same directory. Archives, documents, databases and mail are looked into, as `scan` does;
docs/reading.md lists the formats. Pictures are looked at when `liuhen models install` was run, and are told as not
read when it was not. Exit codes: 0 done, 8 something could not be read.")]
pub(crate) struct CountArgs {
    /// Files and folders to count; also a database: postgres://USER@HOST/NAME, mysql://USER@HOST/NAME.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print the count as one JSON object; the same bytes for the same files, rules and options.
    #[arg(long)]
    json: bool,
    /// Write every row that does not count, or repeats, to a file: JSON Lines, or CSV by its name.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Keep what is done in this directory, so that a killed count goes on; it is emptied at the end. Guard it as the exhibits.
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    #[command(flatten)]
    sampled: Sampled,
    #[command(flatten)]
    how: How,
}

/// What is known beside the files, and how to go about it; `case count` asks the same.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Threads; the number of processors when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// The day on which ages are taken, YYYY-MM-DD; that of the rules when not given.
    #[arg(long, value_name = "DAY", value_parser = day)]
    date: Option<Day>,
    /// Obtained in the course of duty or service: thresholds are halved.
    #[arg(long)]
    insider: bool,
    /// Gains in yuan, of an actor or of all together.
    #[arg(long, value_name = "[ACTOR=]YUAN", value_parser = gain)]
    gain: Vec<(String, u64)>,
    /// Bought or received for a business not itself forbidden and not passed on (article 6): its profit in yuan.
    #[arg(long, value_name = "YUAN", value_parser = fen)]
    business_profit: Option<u64>,
    /// A circumstance that weighs whatever the number.
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    flag: Vec<Flag>,
    /// Draw which file came from which as SVG: files as boxes, with the last part of their paths.
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Which files were obtained from or provided to whom, by whom; TOML as shown below.
    #[arg(long, value_name = "FILE")]
    acts: Option<PathBuf>,
    #[command(flatten)]
    unpacking: Unpacking,
    #[command(flatten)]
    eyes: Eyes,
}

/// The circumstances of the rule pack; a test compares.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Flag {
    UsedForCrime,
    KnewOfCrime,
    Prior,
    GraveConsequence,
    GreatLoss,
}

impl Flag {
    const fn name(self) -> &'static str {
        match self {
            Self::UsedForCrime => "used_for_crime",
            Self::KnewOfCrime => "knew_of_crime",
            Self::Prior => "prior",
            Self::GraveConsequence => "grave_consequence",
            Self::GreatLoss => "great_loss",
        }
    }
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text)
        .filter(|_| text.len() == 10)
        .ok_or_else(|| "give a day such as 2026-11-22".to_owned())
}

/// Yuan with at most two decimals, as hundredths.
fn fen(text: &str) -> Result<u64, String> {
    let wrong = || "give yuan, such as 5000 or 99.50".to_owned();
    let (yuan, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if yuan.is_empty() || !digits(yuan) || !digits(part) || part.len() > 2 {
        return Err(wrong());
    }
    let fen: u64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
    let yuan: u64 = yuan.parse().map_err(|_| wrong())?;
    yuan.checked_mul(100)
        .and_then(|yuan| yuan.checked_add(fen))
        .ok_or_else(wrong)
}

fn gain(text: &str) -> Result<(String, u64), String> {
    let (actor, yuan) = text.rsplit_once('=').unwrap_or(("", text));
    Ok((actor.to_owned(), fen(yuan)?))
}

pub(crate) fn run(args: &CountArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    let acts = args.how.acts()?;
    let bar = Bar::over(&args.paths);
    let mut request = args
        .how
        .request(args.paths.clone(), None, acts.as_deref(), &bar)?;
    request.work.clone_from(&args.work);
    let password_file = args.how.unpacking.password_file.as_deref();
    request.databases = args.sampled.databases(password_file)?;
    let own = [&args.ledger, &args.work, &args.how.graph];
    request.except.extend(own.into_iter().flatten().cloned());
    let counted = counted(&request, args.ledger.as_deref())?;
    bar.0.finish_and_clear();
    args.how.draw(&counted)?;
    tell(&counted, args.json)?;
    Ok(exit_of(&counted))
}

/// Counts, and writes the ledger where one is wanted.
pub(crate) fn counted(request: &CountRequest<'_>, ledger: Option<&Path>) -> Result<Counted> {
    let Some(path) = ledger else {
        return Ok(count(request, None)?);
    };
    let mut ledger = Ledger::create(path)?;
    let sink: &mut LedgerSink<'_> = &mut |entry| ledger.write(entry);
    let counted = count(request, Some(sink))?;
    let flushed = ledger.out.flush();
    flushed.with_context(|| format!("writing {}", path.display()))?;
    Ok(counted)
}

pub(crate) fn exit_of(counted: &Counted) -> Exit {
    if counted.is_incomplete() {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}

impl How {
    /// A request for these paths, named from `base` on.
    pub(crate) fn request<'a>(
        &self,
        paths: Vec<PathBuf>,
        base: Option<PathBuf>,
        acts: Option<&'a str>,
        progress: &'a dyn Progress,
    ) -> Result<CountRequest<'a>> {
        let jobs = self.jobs.map_or_else(processors, usize::from);
        Ok(CountRequest {
            base,
            wishes: self.unpacking.wishes()?,
            eyes: self.eyes.counting(jobs)?,
            date: self.date,
            case: self.case(),
            acts,
            except: self.unpacking.password_file.iter().cloned().collect(),
            ..CountRequest::new(paths, jobs, progress)
        })
    }

    /// Draws the graph of files, where one is wanted.
    pub(crate) fn draw(&self, counted: &Counted) -> Result<()> {
        let Some(path) = &self.graph else {
            return Ok(());
        };
        let zh = show::lang() == liuhen_kinds::Lang::Zh;
        let svg = liuhen_service::count::provenance::draw(&counted.report.provenance, zh);
        std::fs::write(path, svg).with_context(|| path.display().to_string())
    }

    /// What the file of acts says.
    pub(crate) fn acts(&self) -> Result<Option<String>> {
        self.acts.as_deref().map(read).transpose()
    }

    fn case(&self) -> Case {
        let mut gains_fen = BTreeMap::new();
        for (actor, fen) in &self.gain {
            *gains_fen.entry(actor.clone()).or_insert(0) += fen;
        }
        let flags = self.flag.iter().map(|flag| flag.name().to_owned());
        Case {
            insider: self.insider,
            flags: flags.collect(),
            gains_fen,
            business_profit_fen: self.business_profit,
        }
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Bytes of the files named, as far as that is quickly known; for a bar only.
fn total(paths: &[PathBuf]) -> u64 {
    let entries = |path: &PathBuf| -> Vec<PathBuf> {
        std::fs::read_dir(path).map_or_else(
            |_| vec![path.clone()],
            |all| all.flatten().map(|entry| entry.path()).collect(),
        )
    };
    let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
    paths.iter().flat_map(entries).map(length).sum()
}

/// Bytes read, and pictures looked at.
pub(crate) struct Bar(pub(crate) ProgressBar, AtomicU64);

impl Bar {
    pub(crate) fn over(paths: &[PathBuf]) -> Self {
        Self(bar::bytes(total(paths), "count"), AtomicU64::new(0))
    }
}

impl Progress for Bar {
    fn read(&self, bytes: u64, _rows: u64) {
        self.0.inc(bytes);
    }

    fn looked(&self) {
        let count = 1 + self.1.fetch_add(1, Ordering::Relaxed);
        self.0.set_message(format!("count, {count} pictures"));
    }
}

/// The report, and beside it what was not read.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    report: &'a liuhen_service::count::Report,
    not_read: Vec<NotRead<'a>>,
    notice: &'static str,
}

#[derive(Serialize)]
struct NotRead<'a> {
    path: &'a str,
    code: &'static str,
    reason: String,
}

pub(crate) fn tell(counted: &Counted, as_json: bool) -> Result<()> {
    if !as_json {
        return show::text(&table::report(counted, show::lang()));
    }
    show::json(&answer(counted))
}

/// A count as it is written: equal counts, equal bytes.
pub(crate) fn answer(counted: &Counted) -> impl Serialize + '_ {
    let not_read = counted.notes.iter().map(|note| NotRead {
        path: &note.path,
        code: note.reason.code(),
        reason: note.reason.text(liuhen_kinds::Lang::En),
    });
    Answer {
        report: &counted.report,
        not_read: not_read.collect(),
        notice: "advice only; numbers below a threshold are not a permission",
    }
}

struct Ledger {
    out: BufWriter<File>,
    csv: bool,
}

impl Ledger {
    fn create(path: &Path) -> Result<Self> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path);
        let mut ledger = Self {
            out: BufWriter::new(file.with_context(|| format!("writing {}", path.display()))?),
            csv: path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("csv")),
        };
        if ledger.csv {
            writeln!(
                ledger.out,
                "file,sheet,row,code,policy,rule,confidence,first_file,first_sheet,first_row,kinds,n,picture,first_picture"
            )?;
        }
        Ok(ledger)
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if !self.csv {
            serde_json::to_writer(&mut self.out, entry)?;
            return self.out.write_all(b"\n");
        }
        let first = entry.first.as_ref();
        let kinds: Vec<&str> = entry.kinds.iter().map(|kind| kind.name()).collect();
        let cells = [
            file(&entry.at),
            entry.at.sheet.clone().unwrap_or_default(),
            entry.at.row.to_string(),
            entry.code.code().to_owned(),
            entry.policy.map_or("", |policy| policy.name()).to_owned(),
            entry.rule.unwrap_or("").to_owned(),
            entry.confidence.clone().unwrap_or_default(),
            first.map(file).unwrap_or_default(),
            first
                .and_then(|first| first.sheet.clone())
                .unwrap_or_default(),
            first.map(|first| first.row.to_string()).unwrap_or_default(),
            kinds.join(" "),
            entry.n.to_string(),
            picture(Some(&entry.at)),
            picture(first),
        ];
        writeln!(self.out, "{}", cells.map(|cell| quoted(&cell)).join(","))
    }
}

/// A file, and the way within it.
fn file(at: &At) -> String {
    match &at.inside {
        Some(inside) => format!("{} » {inside}", at.file),
        None => at.file.clone(),
    }
}

/// The box in the picture, where the row was read from one.
fn picture(at: Option<&At>) -> String {
    at.and_then(|at| at.picture)
        .map_or_else(String::new, |shown| shown.to_string())
}

/// Rule: RFC 4180; a sign that a spreadsheet takes for a formula gets an apostrophe before it.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if guard.is_empty() && !cell.contains([',', '"', '\n', '\r']) {
        return cell.to_owned();
    }
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use liuhen_service::count::Rules;

    use super::*;

    #[test]
    fn flags_are_those_of_the_rules() {
        let ours: Vec<&str> = Flag::value_variants()
            .iter()
            .map(|flag| flag.name())
            .collect();
        let theirs: Vec<&str> = Rules::builtin()
            .flags
            .iter()
            .map(|flag| flag.name.as_str())
            .collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn yuan_and_actors() {
        assert_eq!(fen("5000"), Ok(500_000));
        assert_eq!(fen("0.5"), Ok(50));
        assert_eq!(gain("李某=2200.05"), Ok(("李某".to_owned(), 220_005)));
        for wrong in ["", "-1", "1.234", "x", "1e3", ".5", "99999999999999999999"] {
            assert!(fen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cells_of_the_ledger() {
        assert_eq!(quoted("a.csv"), "a.csv");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
