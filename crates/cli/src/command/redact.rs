//! `redact`: copies of files in which personal information is hidden.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use liuhen_kinds::{Kind, Lang};
use liuhen_service::redact::{self, Action, Outcome, Policy, Report, Request, Summary, redact};
use liuhen_service::scan::{Pack, label};
use liuhen_service::sight::{Hide, detector_with};
use serde_json::{Value, json};

use crate::command::check::Faces;
use crate::command::{rules, scan};
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen redact complaint.docx -o complaint-public.docx
  liuhen redact members.xlsx orders/ mail.eml -o public/
  liuhen redact orders/ -o public/ --policy policy.toml --key redact.key --json
  liuhen redact notes.txt -o notes-public.txt --kinds mobile,resident_id

TXT, Markdown and logs, CSV and TSV, JSON and JSON Lines, HTML, XML, EML, DOCX, XLSX, PPTX, PDF and ZIP, and, with
models (`liuhen models install`), pictures; any other format is refused. Values become labels such as 【手机号】 unless a policy says otherwise; docs/redact.md describes
policies and what is done to each format. Each copy is scanned again before it is put in its place: when something that was
to be hidden is still found, there is no copy, and the place and the kind are told, never a value. Names of files are
hidden too. An input is never written to, an output that exists only replaced with --force. With --key, answers are the
same in every run with that file, which is made when it is not there; who holds it can try values against the copies.
Exit codes: 0 every file has a copy, 1 nothing was begun, 9 some files have none.")]
pub(crate) struct RedactArgs {
    /// Files and folders.
    #[arg(required = true, value_name = "IN")]
    paths: Vec<PathBuf>,
    /// The copy of one file, or the folder for copies of several.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What is done with each kind: a file in TOML.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Hide these kinds only.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// The key by which answers are the same in another run; made when it is not there.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Replace outputs that exist.
    #[arg(long)]
    force: bool,
    /// Do not look for names and addresses in running text by the model; faster, and hides less.
    #[arg(long)]
    no_model: bool,
    /// Hide the kinds of a rule pack of one's own too.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// How faces in pictures are hidden.
    #[arg(long, value_enum, default_value_t = Faces::Fill)]
    faces: Faces,
    /// Leave QR and bar codes that say nothing of a person.
    #[arg(long)]
    keep_codes: bool,
    #[command(flatten)]
    eyes: Eyes,
    /// Print one JSON object for each file, a line each, and a last line with the summary.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RedactArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    // Packs define kinds, which the policy and the other arguments may name.
    let packs = rules::read(&args.rules)?;
    let kinds = args
        .kinds
        .iter()
        .map(|name| scan::kind("--kinds", name))
        .collect();
    let policy = match &args.policy {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading the policy {}", path.display()))?;
            Policy::parse(&text).with_context(|| format!("reading {}", path.display()))?
        }
        None => Policy::default(),
    };
    let policy = policy.only(kinds);
    // A face that is to be seen is not what the scan of the copy looks for.
    let policy = match args.faces {
        Faces::Keep => policy.with(Kind::FACE_IMAGE, Action::Keep),
        Faces::Fill | Faces::Coarsen => policy,
    };
    let looker = args.eyes.open(processors())?;
    let detector = detector_with(&packs, !args.no_model);
    let hide = Hide {
        faces: args.faces.into(),
        keep_codes: args.keep_codes,
        ..Hide::default()
    };
    let eyes = looker
        .as_ref()
        .map(|looker| redact::Eyes::new(looker, &detector, &policy, hide));
    let paged = redact::Paged(eyes.as_ref());
    let request = Request {
        pictures: eyes.as_ref().map(|eyes| eyes as &dyn redact::Pictures),
        looker: looker.as_ref(),
        formats: vec![&paged],
        policy: policy.clone(),
        key: args.key.clone(),
        force: args.force,
        model: !args.no_model,
        packs: &packs,
        ..Request::new(args.paths.clone(), args.output.clone())
    };
    let bar = bar::so_far_counted("redact");
    let mut shown = Ok(());
    let summary = redact(&request, &mut |outcome| {
        bar.inc(1);
        shown = bar.suspend(|| tell(outcome, args.json));
        match shown {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    bar.finish_and_clear();
    shown?;
    if args.json {
        show::json(&of_summary(&summary))?;
    } else {
        sum_up(&summary, &packs);
    }
    Ok(if summary.is_whole() {
        Exit::Done
    } else {
        Exit::Refused
    })
}

/// A file that has a copy is a line of the result, one that has none a line about the work.
fn tell(outcome: &Outcome, json: bool) -> Result<()> {
    if json {
        return show::json(&of_outcome(outcome));
    }
    let from = show::plain(&outcome.from);
    if let Some(to) = &outcome.to {
        let hidden: u64 = outcome.report.hidden.values().sum();
        return show::line(format_args!("{from} → {}: {hidden}", show::plain(to)));
    }
    if let Some(why) = &outcome.why {
        show::note(format_args!("{from}: {}", why.text(show::lang())));
    }
    for left in &outcome.left {
        let way = if left.inside.is_empty() {
            String::new()
        } else {
            format!("{} / ", show::plain(&left.inside))
        };
        show::note(format_args!("  {way}{}: {}", left.site, left.kind));
    }
    Ok(())
}

fn sum_up(summary: &Summary, packs: &[Pack]) {
    let lang = show::lang();
    let say = |zh: &str, en: &str| (if lang == Lang::Zh { zh } else { en }).to_owned();
    show::note(format_args!(
        "{} {}, {} {}",
        summary.copies,
        say("个文件已脱敏", "copies"),
        summary.refused,
        say("个被拒绝", "refused")
    ));
    for ((kind, action), count) in &summary.report.hidden {
        show::note(format_args!(
            "  {count:>8}  {}  {}",
            label(packs, *kind, lang),
            action.name()
        ));
    }
    for (what, count) in &summary.report.dropped {
        show::note(format_args!(
            "  {count:>8}  {}: {}",
            say("去掉", "left out"),
            what.text(lang)
        ));
    }
    if summary.ignored > 0 {
        let said = say(
            "个路径被 .liuhenignore 排除，没有副本",
            "paths left out by .liuhenignore, without a copy",
        );
        show::note(format_args!("  {:>8}  {said}", summary.ignored));
    }
}

fn of_report(report: &Report) -> (Value, Value) {
    let mut hidden: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for ((kind, action), count) in &report.hidden {
        hidden
            .entry(kind.name())
            .or_default()
            .insert(action.name(), *count);
    }
    let dropped: BTreeMap<&str, u64> = report
        .dropped
        .iter()
        .map(|(what, count)| (what.code(), *count))
        .collect();
    (json!(hidden), json!(dropped))
}

fn of_outcome(outcome: &Outcome) -> Value {
    let (hidden, dropped) = of_report(&outcome.report);
    let left: Vec<Value> = outcome
        .left
        .iter()
        .map(|left| json!({"inside": left.inside, "place": left.site.to_string(), "kind": left.kind.name()}))
        .collect();
    json!({
        "file": outcome.from,
        "output": outcome.to,
        "hidden": hidden,
        "dropped": dropped,
        "refused": outcome.why.as_ref().map(|why| json!({"code": why.code(), "text": why.text(Lang::En)})),
        "left": left,
    })
}

fn of_summary(summary: &Summary) -> Value {
    let (hidden, dropped) = of_report(&summary.report);
    json!({"summary": {
        "copies": summary.copies,
        "refused": summary.refused,
        "left": summary.left,
        "passed_over": summary.passed_over,
        "ignored": summary.ignored,
        "hidden": hidden,
        "dropped": dropped,
    }})
}
