//! `verify log`: the auditor's proof. Every entry, every tile, every map root, over HTTP or in a directory.
//!
//! Checking belongs to `liuhen_tlog::audit`; the page for auditors is `docs/audit.md`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use liuhen_tlog::audit::{
    Audit, AuditError, DirSource, Fork, Progress, Report, Settings, Source, Stage,
};
use liuhen_tlog::policy::{Policy, Verdict};
use liuhen_tlog::{Keys, Verifier};
use serde_json::json;

use super::{log_dir, read, unsound, verifier};
use crate::exit::Exit;
use crate::served::Served;
use crate::{bar, show};

/// Requests under way at once over HTTP.
const AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads the whole log, or with --state what is new since the last time, and checks
- that entries and tiles of every level lead to the root of the signed checkpoint;
- that every checkpoint given or seen before is the beginning of it;
- that the private map rebuilt from the entries is the one the log states, each time it does.
Needs no secret. An audit that was stopped goes on where --state left off.

Exit codes: 0 sound, 5 not as signed, 1 no verdict (unreachable, no room, stopped).

Examples:
  liuhen verify log liuhen-data
  liuhen verify log http://127.0.0.1:8420 --vkey 'log.example/2026+1a2b3c4d+AU…' --state audit
  liuhen verify log http://127.0.0.1:8420 --policy policy.txt --checkpoint kept.txt --json")]
pub(crate) struct LogArgs {
    /// The log's address, below which its `checkpoint` lies; or the data directory of a vault; or a log's own directory.
    #[arg(value_name = "URL|DIR")]
    log: String,
    /// The key to trust, as kept elsewhere. A directory's own when neither this nor --policy is given.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Whom to trust (C2SP tlog-policy): the log's key, and the witnesses that must have cosigned.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keep in this directory what was checked, to go on later; about 40 bytes a label.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// A checkpoint kept from before, by whomever; may be given many times.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found, and by whose word.
struct Outcome {
    report: Report,
    verdict: Option<Verdict>,
    /// Whether the key came from the log itself.
    own_key: bool,
}

impl Outcome {
    fn is_sound(&self) -> bool {
        self.report.is_sound() && self.verdict.as_ref().is_none_or(|verdict| verdict.quorum)
    }
}

pub(super) fn run(args: &LogArgs) -> Result<Exit> {
    let (source, dir) = source(&args.log)?;
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let Some(log) = keys(args, policy.as_ref(), dir.as_deref(), source.as_ref())? else {
        return unsound(
            args.json,
            "the checkpoint is signed by no log of the policy",
        );
    };
    let earlier = args.checkpoints.iter().map(|path| {
        let text = read(path)?;
        let signed = log.verify_checkpoint(text.as_bytes());
        signed.with_context(|| path.display().to_string())
    });
    let mut settings = Settings::default();
    if dir.is_none() {
        settings.fetches = AT_ONCE;
    }
    let audit = Audit {
        source: source.as_ref(),
        log: &log,
        earlier: earlier.collect::<Result<_>>()?,
        state: args.state.as_deref(),
        settings,
    };
    let report = match watched(&audit) {
        Ok(report) => report,
        Err(AuditError::Note(error)) => {
            return unsound(args.json, &format!("the checkpoint: {error}"));
        }
        Err(error) => return Err(error.into()),
    };
    let verdict = policy.map(|policy| policy.check(&report.checkpoint));
    let verdict = match verdict.transpose() {
        Ok(verdict) => verdict,
        Err(error) => return unsound(args.json, &format!("a cosignature: {error}")),
    };
    let outcome = Outcome {
        report,
        verdict,
        own_key: args.vkey.is_none() && args.policy.is_none(),
    };
    match args.json {
        true => show_json(&outcome)?,
        false => show_text(&outcome)?,
    }
    Ok(match outcome.is_sound() {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

/// Runs the audit behind a bar.
fn watched(audit: &Audit<'_>) -> Result<Report, AuditError> {
    let mut shown: Option<(Stage, ProgressBar)> = None;
    let report = audit.run(&mut |step: Progress| {
        let same = shown
            .as_ref()
            .is_some_and(|(stage, _)| *stage == step.stage);
        if !same {
            let what = match step.stage {
                Stage::Entries => "entries",
                Stage::Map => "map",
            };
            if let Some((_, old)) = shown.replace((step.stage, bar::count(step.of, what))) {
                old.finish_and_clear();
            }
        }
        if let Some((_, bar)) = &shown {
            bar.set_position(step.done);
        }
        ControlFlow::Continue(())
    });
    if let Some((_, bar)) = shown {
        bar.finish_and_clear();
    }
    report
}

fn source(log: &str) -> Result<(Box<dyn Source>, Option<PathBuf>)> {
    if log.starts_with("http://") || log.starts_with("https://") {
        return Ok((Box::new(Served::new(log, AT_ONCE)?), None));
    }
    let dir = log_dir(Path::new(log))?;
    Ok((Box::new(DirSource::new(&dir)), Some(dir)))
}

fn policy(path: &Path) -> Result<Policy> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Policy::parse(&bytes).with_context(|| path.display().to_string())
}

/// The keys to trust, as the log's statements lead on from one; `None` when there is a policy and no log of it signed the checkpoint.
fn keys(
    args: &LogArgs,
    policy: Option<&Policy>,
    dir: Option<&Path>,
    source: &dyn Source,
) -> Result<Option<Keys>> {
    if args.vkey.is_none() && policy.is_none() && dir.is_none() {
        bail!("give --vkey or --policy: a log that names its own key proves nothing");
    }
    let statements = source.get("keys").map_err(AuditError::from)?;
    let statements = statements.unwrap_or_default();
    let following = |key: Verifier| Keys::believed(key, &statements);
    if let Some(key) = &args.vkey {
        return Ok(Some(following(verifier(key)?)));
    }
    if let Some(policy) = policy {
        let served = source.get("checkpoint")?;
        let served = served.context("no checkpoint is there: is this a log?")?;
        let mut keys = policy.logs().iter().map(|log| following(log.key.clone()));
        return Ok(keys.find(|keys| keys.verify_checkpoint(&served).is_ok()));
    }
    match dir {
        Some(dir) => Ok(Some(following(verifier(
            read(&dir.join("vkey"))?.trim_end(),
        )?))),
        None => bail!("give --vkey or --policy: a log that names its own key proves nothing"),
    }
}

fn show_json(outcome: &Outcome) -> Result<()> {
    let report = &outcome.report;
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    let forks = report.forks.iter();
    let forks: Vec<_> = forks
        .map(|fork| json!({ "earlier": fork.earlier, "later": fork.later, "evidence": fork.evidence }))
        .collect();
    let counts = report.counts.map(|counts| {
        json!({
            "events": counts.events,
            "chunks": counts.chunks,
            "map_roots": counts.map_roots,
            "labels": counts.labels,
            "mapped_entries": counts.mapped,
        })
    });
    let witnesses = outcome.verdict.as_ref().map(|verdict| {
        let cosigned = verdict.cosigned.iter();
        let cosigned: Vec<_> = cosigned
            .map(|witness| json!({ "name": witness.name, "time": witness.time }))
            .collect();
        json!({ "of": verdict.witnesses, "cosigned": cosigned, "quorum": verdict.quorum })
    });
    show::json(&json!({
        "sound": outcome.is_sound(),
        "entries": report.entries,
        "read": report.read,
        "root": report.checkpoint.root().to_string(),
        "checkpoint": report.checkpoint.to_string(),
        "earlier_checkpoints": report.earlier,
        "found": counts,
        "witnesses": witnesses,
        "faults": faults,
        "fault_count": report.fault_count,
        "forks": forks,
    }))
}

fn show_text(outcome: &Outcome) -> Result<()> {
    let report = &outcome.report;
    for fault in &report.faults {
        show::line(show::plain(&fault.to_string()))?;
    }
    for fork in &report.forks {
        show_fork(fork)?;
    }
    if !report.is_sound() {
        return show::line(format_args!(
            "NOT as signed: {} faults in {} entries",
            report.fault_count, report.entries
        ));
    }
    show::line(format_args!(
        "{} entries lead to the root {}, signed by {}",
        report.entries,
        report.checkpoint.root(),
        report.checkpoint.checkpoint().origin
    ))?;
    if let Some(counts) = report.counts {
        show::line(format_args!(
            "{} events and {} chunks bear {} labels; {} map roots are right, the last covers {} entries",
            counts.events, counts.chunks, counts.labels, counts.map_roots, counts.mapped
        ))?;
    }
    if report.earlier > 0 {
        show::line(format_args!(
            "{} earlier checkpoints are the beginning of it",
            report.earlier
        ))?;
    }
    show_witnesses(outcome)?;
    if outcome.own_key {
        show::note("the key is the log's own; give --vkey or --policy to trust one kept elsewhere");
    }
    Ok(())
}

/// The words that convict the log, to be kept: `verify evidence` checks them.
fn show_fork(fork: &Fork) -> Result<()> {
    match &fork.evidence {
        Some(evidence) => show::line(format_args!(
            "Evidence, to be kept in a file and checked with `liuhen verify evidence`:\n\n{evidence}"
        )),
        None => show::line(format_args!(
            "The log signed both of these:\n\n{}\n{}",
            fork.earlier, fork.later
        )),
    }
}

fn show_witnesses(outcome: &Outcome) -> Result<()> {
    let Some(verdict) = &outcome.verdict else {
        return Ok(());
    };
    let names: Vec<&str> = verdict.cosigned.iter().map(|w| w.name.as_str()).collect();
    show::line(format_args!(
        "cosigned by {} of {} witnesses{}{}",
        names.len(),
        verdict.witnesses,
        if names.is_empty() { "" } else { ": " },
        show::plain(&names.join(", "))
    ))?;
    if !verdict.quorum {
        show::line("NOT as the policy demands: these witnesses are too few")?;
    }
    Ok(())
}
