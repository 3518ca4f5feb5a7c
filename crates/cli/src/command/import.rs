//! `import`: bring a table in.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use liuhen_server::api::imports::{
    ImportPlan, ImportState, ImportStatus, PlanColumn, Preview, PreviewColumn,
};
use liuhen_server::api::wire::RowProblem;
use serde_json::json;

use crate::exit::Exit;
use crate::vault::{Vault, Where};
use crate::{ask, show};

/// Problems shown one by one; the console and the API list all.
const PROBLEMS_SHOWN: usize = 20;
/// Problems in a JSON answer.
const PROBLEMS_JSON: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen import members.xlsx --collection members
  liuhen import members.csv --collection members --site shop --column 3=mobile --column 7=drop --yes
  liuhen import --resume       go on with what a crash cut off")]
pub(crate) struct ImportArgs {
    /// CSV, TSV, JSON Lines or XLSX; the format is judged from its bytes.
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    file: Option<PathBuf>,
    /// Where the rows go; made when it is new.
    #[arg(long, value_name = "NAME", required_unless_present = "resume")]
    collection: Option<String>,
    /// The business site that gets tokens.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Sheet of a workbook; the first one when not given.
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The first row is data and names no columns.
    #[arg(long)]
    no_header: bool,
    /// Correct the guess for a column, counted from zero: a kind, `plain` for no kind, or `drop` to leave it out.
    #[arg(long = "column", value_name = "INDEX=KIND")]
    columns: Vec<Correction>,
    /// Go on with unfinished imports.
    #[arg(long)]
    resume: bool,
    /// Store without asking.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object for each import.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// A corrected guess.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Correction {
    index: usize,
    to: Become,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Become {
    Kind(String),
    Plain,
    Drop,
}

impl FromStr for Correction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (index, to) = text
            .split_once('=')
            .ok_or("write INDEX=KIND, such as 3=mobile")?;
        let index = index
            .parse()
            .map_err(|_| "the index is a number, counted from zero")?;
        let to = match to {
            "drop" => Become::Drop,
            "plain" => Become::Plain,
            kind => Become::Kind(
                liuhen_kinds::Kind::parse(kind)
                    .map_err(|_| "unknown kind; such as mobile, resident_id or person_name")?
                    .name()
                    .to_owned(),
            ),
        };
        Ok(Self { index, to })
    }
}

pub(crate) fn run(args: &ImportArgs) -> Result<Exit> {
    let vault = args.place.open()?;
    let (Some(file), Some(collection)) = (&args.file, &args.collection) else {
        return resume(args, &vault);
    };
    let id = vault.upload(file)?;
    // Nothing of a file that was not confirmed stays behind.
    let started = confirm(args, &vault, &id, collection);
    if !matches!(started, Ok(true)) {
        vault.discard(&id)?;
    }
    if !started? {
        show::note("nothing was stored");
        return Ok(Exit::Failed);
    }
    finish(args, &vault, &id)
}

/// Shows the guess, asks, and starts; `false` when the answer was no.
fn confirm(args: &ImportArgs, vault: &Vault, id: &str, collection: &str) -> Result<bool> {
    let has_header = args.no_header.then_some(false);
    let preview = vault.preview(id, args.sheet.as_deref(), has_header)?;
    let plan = plan(args, &preview, collection)?;
    if !args.json {
        show_guess(&preview, &plan);
    }
    if !args.yes {
        if !show::is_answered() {
            bail!("nobody is here to confirm the columns; look at them, then give --yes");
        }
        if !ask::yes(&format!("store these columns in {collection}?"))? {
            return Ok(false);
        }
    }
    vault.start(id, plan)?;
    Ok(true)
}

fn plan(args: &ImportArgs, preview: &Preview, collection: &str) -> Result<ImportPlan> {
    for correction in &args.columns {
        if !preview.columns.iter().any(|c| c.index == correction.index) {
            bail!(
                "--column {}: the file has columns 0 to {}",
                correction.index,
                preview.columns.len().saturating_sub(1)
            );
        }
    }
    let columns = preview.columns.iter();
    Ok(ImportPlan {
        collection: collection.to_owned(),
        site: args.site.clone(),
        sheet: preview.sheet.clone(),
        has_header: preview.has_header,
        columns: columns
            .map(|column| planned(column, &args.columns))
            .collect(),
    })
}

fn planned(column: &PreviewColumn, corrections: &[Correction]) -> PlanColumn {
    let correction = corrections.iter().rfind(|c| c.index == column.index);
    let (kind, keep) = match correction.map(|c| &c.to) {
        None => (column.kind.clone(), true),
        Some(Become::Kind(kind)) => (Some(kind.clone()), true),
        Some(Become::Plain) => (None, true),
        Some(Become::Drop) => (column.kind.clone(), false),
    };
    PlanColumn {
        index: column.index,
        field: column.field.clone(),
        kind,
        keep,
    }
}

fn show_guess(preview: &Preview, plan: &ImportPlan) {
    let sheet = preview.sheet.as_deref().map(show::plain);
    let sheet = sheet.map_or_else(String::new, |name| format!(", sheet {name}"));
    show::note(format_args!(
        "{}: {}{sheet}; judged from {} rows",
        show::plain(&preview.file_name),
        preview.format,
        preview.rows_sampled
    ));
    for (column, planned) in preview.columns.iter().zip(&plan.columns) {
        let becomes = match (planned.keep, planned.kind.as_deref()) {
            (false, _) => "dropped",
            (true, None) => "plain",
            (true, Some(kind)) => kind,
        };
        let corrected = planned.kind != column.kind || !planned.keep;
        let why = match corrected {
            true => "as you say".to_owned(),
            false => evidence(column),
        };
        show::note(format_args!(
            "{:>3}  {}  {}  {}  {why}",
            column.index,
            show::pad(&column.header, 16),
            show::pad(becomes, 14),
            show::pad(column.samples.first().map_or("", String::as_str), 20),
        ));
    }
}

fn evidence(column: &PreviewColumn) -> String {
    let list = match show::speaks_chinese() {
        true => &column.evidence_zh,
        false => &column.evidence_en,
    };
    show::plain(&list.join("; "))
}

fn resume(args: &ImportArgs, vault: &Vault) -> Result<Exit> {
    let running: Vec<ImportStatus> = vault
        .imports()?
        .into_iter()
        .filter(|import| import.state == ImportState::Running)
        .collect();
    if running.is_empty() && !args.json {
        show::note("no import is unfinished");
    }
    let mut worst = Exit::Done;
    for import in running {
        match finish(args, vault, &import.id)? {
            Exit::Done => (),
            other => worst = other,
        }
    }
    Ok(worst)
}

/// Follows an import to its end and shows what became of it.
fn finish(args: &ImportArgs, vault: &Vault, id: &str) -> Result<Exit> {
    let status = vault.follow_import(id)?;
    let limit = if args.json {
        PROBLEMS_JSON
    } else {
        PROBLEMS_SHOWN
    };
    let problems = match status.bad {
        0 => Vec::new(),
        _ => vault.problems(id, 0, limit)?,
    };
    if args.json {
        show::json(&json!({ "import": &status, "problems": &problems }))?;
    } else {
        show_end(&status, &problems)?;
    }
    Ok(match status.state {
        ImportState::Failed => Exit::Failed,
        _ if status.bad > 0 => Exit::BadRows,
        _ => Exit::Done,
    })
}

fn show_end(status: &ImportStatus, problems: &[RowProblem]) -> Result<()> {
    for problem in problems {
        show::note(problem_line(problem));
    }
    let hidden = status.bad.saturating_sub(problems.len() as u64);
    if hidden > 0 {
        show::note(format_args!("… and {hidden} more; the console lists all"));
    }
    if let Some(error) = &status.error {
        bail!("import {} stopped: {error}", status.id);
    }
    show::line(format_args!(
        "{} rows into {}: {} new, {} changed, {} unchanged, {} left out (import {})",
        status.rows,
        show::plain(&status.collection),
        status.created,
        status.changed,
        status.unchanged,
        status.bad,
        status.id
    ))
}

fn problem_line(problem: &RowProblem) -> String {
    let column = match (&problem.column_name, problem.column) {
        (Some(name), _) => format!(", column {}", show::plain(name)),
        (None, Some(index)) => format!(", column {index}"),
        (None, None) => String::new(),
    };
    let text = match show::speaks_chinese() {
        true => &problem.text_zh,
        false => &problem.text_en,
    };
    let file = show::plain(&problem.file);
    format!("{file}: row {}{column}: {}", problem.row, show::plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections() {
        let mobile = Become::Kind("mobile".to_owned());
        let rows = [
            ("3=mobile", Ok((3, mobile))),
            ("0=drop", Ok((0, Become::Drop))),
            ("12=plain", Ok((12, Become::Plain))),
            ("3", Err(())),
            ("x=mobile", Err(())),
            ("-1=mobile", Err(())),
            ("3=no_such_kind", Err(())),
        ];
        for (text, expected) in rows {
            let read = text.parse::<Correction>().map(|c| (c.index, c.to));
            assert_eq!(read.map_err(drop), expected, "{text}");
        }
    }

    #[test]
    fn the_last_correction_counts() {
        let column = PreviewColumn {
            index: 1,
            header: "电话".to_owned(),
            field: "phone".to_owned(),
            kind: Some("landline".to_owned()),
            confidence: 0.5,
            evidence_zh: Vec::new(),
            evidence_en: Vec::new(),
            samples: Vec::new(),
        };
        let corrections = ["1=drop".parse().unwrap(), "1=mobile".parse().unwrap()];
        let planned = planned(&column, &corrections);
        assert_eq!(planned.kind.as_deref(), Some("mobile"));
        assert!(planned.keep);
    }
}
