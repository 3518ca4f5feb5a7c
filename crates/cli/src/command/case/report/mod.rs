//! `case report`: what a case holds and what was found, for people and for machines.

mod page;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use liuhen_kinds::Lang;
use liuhen_service::case_report::{CaseReport, case_report};

use super::kept::Kept;
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Verifies the case first, and ends with 5 when anything is not as it was sealed; the report then says so, and
shows no count that is not. It says under which key it was checked: --vkey and --earlier as in `case verify`.
Needs the folder alone, not the key. HTML or PDF by the name of the file, HTML to standard output without
one. The same folder, rules and version give the same bytes. It holds places and numbers, never a value.

Examples:
  liuhen case report 2026-17 -o report.pdf
  liuhen case report 2026-17 --lang en -o report.html
  liuhen case report 2026-17 --vkey 'liuhen.invalid/case/…' --earlier checkpoint.txt -o report.pdf
  liuhen case report 2026-17 --json > report.json")]
pub(super) struct ReportArgs {
    /// The case's folder.
    dir: PathBuf,
    /// Where to write it; the name ends in .html or .pdf.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Its language.
    #[arg(long, value_enum, default_value = "zh")]
    lang: Words,
    #[command(flatten)]
    kept: Kept,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Words {
    Zh,
    En,
}

pub(super) fn run(args: &ReportArgs) -> Result<Exit> {
    let verified = args.kept.check(&args.dir)?;
    let lang = match args.lang {
        Words::Zh => Lang::Zh,
        Words::En => Lang::En,
    };
    let report = case_report(&args.dir, &verified, args.kept.is_given(), lang)?;
    match &args.output {
        Some(path) => write(path, &shaped(path, &report)?)?,
        None if !args.json => show::text(&page::page(&report))?,
        None => {}
    }
    if args.json {
        show::json(&report.json)?;
    }
    for fault in &verified.faults {
        show::note(show::plain(&fault.to_string()));
    }
    args.kept.remind();
    Ok(match verified.faults.is_empty() {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

/// The report in the form that the file's name asks for.
fn shaped(path: &Path, report: &CaseReport) -> Result<Vec<u8>> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("html" | "htm") => Ok(page::page(report).into_bytes()),
        Some("pdf") => Ok(report.pdf()?),
        _ => bail!("{}: end the name in .html or .pdf", path.display()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("writing {}", path.display()))
}
