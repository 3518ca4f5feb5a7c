//! `rules`: what the rule pack says of each kind, and whether packs of one's own hold.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::{CommandFactory as _, Subcommand};
use liuhen_kinds::{Kind, KindInfo, RulePack, Source};
use liuhen_service::scan::Pack;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::{Cli, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen rules show
  liuhen rules show resident_id --json
  liuhen rules test members.toml    then: liuhen scan . --rules members.toml")]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    verb: Verb,
    /// Print one JSON object for each kind.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show how a kind weighs by each of the three axes, and where that comes from.
    Show {
        /// A kind such as `mobile`; all of them when not given.
        kind: Option<String>,
    },
    /// Run the examples of rule packs of one's own.
    Test {
        /// Rule packs, in TOML.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn run(args: &RulesArgs) -> Result<Exit> {
    match &args.verb {
        Verb::Show { kind } => shown(kind.as_deref(), args.json),
        Verb::Test { files } => tested(files, args.json),
    }
}

/// Reads rule packs of the user's own.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Pack>> {
    files.iter().map(|file| pack(file)).collect()
}

fn pack(file: &Path) -> Result<Pack> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading the rule pack {}", file.display()))?;
    // The causes below the error's own words quote the pack, which may list values.
    Pack::parse(&text).map_err(|error| anyhow!("{}: {error}", file.display()))
}

/// Fails when an example does not turn out as its pack says; it is named by its place.
fn tested(files: &[PathBuf], json: bool) -> Result<Exit> {
    let mut sound = true;
    for file in files {
        let failures = pack(file)?.test();
        sound &= failures.is_empty();
        if json {
            let failures: Vec<Value> = failures
                .iter()
                .map(|one| {
                    json!({ "kind": one.kind, "example": one.number, "must_match": one.must_match })
                })
                .collect();
            show::json(&json!({ "file": file.display().to_string(), "failures": failures }))?;
            continue;
        }
        for one in &failures {
            let (list, said) = match one.must_match {
                true => ("match", "is not found"),
                false => ("spare", "is found"),
            };
            show::line(format_args!(
                "{}: {}, example {} of `{list}` {said}",
                file.display(),
                one.kind,
                one.number
            ))?;
        }
        if failures.is_empty() {
            show::line(format_args!("{}: every example holds", file.display()))?;
        }
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

fn shown(kind: Option<&str>, json: bool) -> Result<Exit> {
    let pack = RulePack::builtin();
    match kind {
        Some(name) => one(pack.info(named(name)), json)?,
        None if json => {
            for info in pack.iter() {
                show::json(&told(info))?;
            }
        }
        None => all(pack)?,
    }
    Ok(Exit::Done)
}

fn named(name: &str) -> Kind {
    Kind::parse(name).unwrap_or_else(|_| {
        let said = "no such kind; `liuhen rules show` lists them";
        Cli::command()
            .error(clap::error::ErrorKind::InvalidValue, said)
            .exit()
    })
}

fn all(pack: &RulePack) -> Result<()> {
    let lang = show::lang();
    for info in pack.iter() {
        let tier = info
            .tier
            .count()
            .map_or("-".to_owned(), |count| count.to_string());
        show::line(format_args!(
            "{}  {}  {}  {tier:>5}  {}",
            show::pad(info.kind.name(), 20),
            show::pad(&name_of(&info.level), 10),
            show::pad(
                if info.sensitivity.any() {
                    "sensitive"
                } else {
                    ""
                },
                10
            ),
            info.label(lang),
        ))?;
    }
    show::note(format_args!("rule pack {} of {}", pack.version, pack.date));
    Ok(())
}

fn one(info: &KindInfo, json: bool) -> Result<()> {
    if json {
        return show::json(&told(info));
    }
    let tier = |count: Option<u32>| count.map_or("none".to_owned(), |count| count.to_string());
    let also = info
        .tier_also
        .map(|also| format!(", also {}", tier(also.count())));
    let yes = |listed: bool| if listed { "listed" } else { "not listed" };
    show::line(format_args!(
        "{}: {}, {}",
        info.kind, info.label_zh, info.label_en
    ))?;
    show::line(format_args!(
        "  sensitivity   GB/T 45574-2025 {}, GB/T 35273-2020 {}  [{}]",
        yes(info.sensitivity.gb45574),
        yes(info.sensitivity.gb35273),
        source(&info.sensitivity_source),
    ))?;
    show::line(format_args!(
        "  criminal tier {}{}  [{}]",
        tier(info.tier.count()),
        also.unwrap_or_default(),
        source(&info.tier_source),
    ))?;
    show::line(format_args!(
        "  level         {}  [{}]",
        name_of(&info.level),
        source(&info.level_source)
    ))?;
    show::line(format_args!("  header words  {}", info.headers.join(", ")))
}

/// A source with its mark in words.
fn source(source: &Source) -> String {
    let mark = match source.to_string().chars().next() {
        Some('C') => "read in the source",
        Some('X') => "confirmed by running it",
        Some('D') => "our own decision",
        _ => "from memory, not verified",
    };
    if source.key.is_empty() {
        mark.to_owned()
    } else {
        format!("{mark}: {}", source.key)
    }
}

fn told(info: &KindInfo) -> Value {
    json!({
        "kind": info.kind,
        "zh": info.label_zh,
        "en": info.label_en,
        "category": info.category,
        "sensitivity": {
            "gb45574": info.sensitivity.gb45574,
            "gb35273": info.sensitivity.gb35273,
            "source": info.sensitivity_source.to_string(),
        },
        "tier": {
            "count": info.tier.count(),
            "also": info.tier_also.and_then(|also| also.count()),
            "source": info.tier_source.to_string(),
        },
        "level": { "is": info.level, "source": info.level_source.to_string() },
        "identifying": info.identifying,
        "headers": info.headers,
    })
}

/// The stable name of something that serialises as its name.
fn name_of(value: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}
