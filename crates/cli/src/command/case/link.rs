//! `case link`: what two cases have in common, by three files and without either list.
//!
//! The exchange is `forensics`'; here are its files, the secret that the asking office keeps between
//! ask and result, and what each act leaves in the custody log.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use liuhen_service::case::Case as Folder;
use liuhen_service::case_link::{Blind, answer, ask, result};
use liuhen_service::count::{Persons, persons};
use liuhen_service::sample::sha256;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Place, anew, of_the_sealed, write_new};
use crate::command::count::Bar;
use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::show;
use crate::unpacking::Unpacking;

/// Files of an exchange are for their owner only.
const OWNERS: u32 = 0o600;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The asking office learns how many persons both cases hold, the answering one how many were asked for; each
learns how many the other has. Which of his own they are an asking office that follows the protocol learns only
when both say --which; one that does not can find out from any answer, and can ask for persons it made up. So
answer only whom you would tell. Neither list, nor a hash that could be tried with guesses, leaves its office.

Example:
  liuhen case link ask --case 2026-17 -o ask.txt            # A; send ask.txt to B
  liuhen case link answer --case other ask.txt -o answer.txt # B; send answer.txt back
  liuhen case link result --case 2026-17 answer.txt ask.txt  # A; --json for machines")]
pub(super) struct LinkArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write the file that asks.
    Ask(AskArgs),
    /// Answer another office's file.
    Answer(AnswerArgs),
    /// Read the answer.
    Result(ResultArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  liuhen case link ask --case 2026-17 -o ask.txt --json")]
struct AskArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    unpacking: Unpacking,
    #[command(flatten)]
    eyes: Eyes,
    /// The file to send.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Ask for which persons, too; told only if the other office agrees.
    #[arg(long)]
    which: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Look at how many persons are asked for before the answer is sent: an ask for one person is a question about him.
Without --which the answer is sorted anew. That keeps from an honest office which persons are common; one that asked
with a blind of its own for each person finds out all the same.

Example:
  liuhen case link answer --case other ask.txt -o answer.txt --json")]
struct AnswerArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    unpacking: Unpacking,
    #[command(flatten)]
    eyes: Eyes,
    /// The other office's ask.
    ask: PathBuf,
    /// The file to send back.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Tell which of the asked persons are in both, if that was asked.
    #[arg(long)]
    which: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  liuhen case link result --case 2026-17 answer.txt ask.txt --json")]
struct ResultArgs {
    #[command(flatten)]
    place: Place,
    /// The other office's answer.
    answer: PathBuf,
    /// The ask that it answers; its secret lies beside it.
    ask: PathBuf,
}

pub(super) fn run(args: &LinkArgs) -> Result<Exit> {
    show::keep_panics_quiet();
    match &args.what {
        What::Ask(args) => asked(args),
        What::Answer(args) => answered(args),
        What::Result(args) => read(args),
    }
}

/// The persons of all exhibits.
fn of(case: &Folder, unpacking: &Unpacking, eyes: &Eyes) -> Result<Persons> {
    let bar = Bar::over(&case.exhibits());
    let request = anew(case, unpacking, eyes, None, &bar)?;
    let (counted, persons) = persons(&request)?;
    bar.0.finish_and_clear();
    of_the_sealed(case, &counted)?;
    Ok(persons)
}

fn asked(args: &AskArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let persons = of(&case, &args.unpacking, &args.eyes)?;
    let blind = Blind::generate()?;
    let asked = ask(
        &persons.keys,
        &blind,
        &Persons::rules(),
        args.which,
        processors(),
    );
    write_new(&args.output, asked.text.as_bytes(), OWNERS)?;
    // By line of the ask: which row is the person's first.
    let rows: Vec<_> = match args.which {
        true => asked.order.iter().map(|at| &persons.first[*at]).collect(),
        false => Vec::new(),
    };
    let secret = json!({ "liuhen_link_secret": 1, "blind": blind.hex().as_str(), "rows": rows });
    let secret = Zeroizing::new(secret.to_string());
    write_new(&secret_of(&args.output), secret.as_bytes(), OWNERS)?;
    let told = json!({
        "asked": persons.keys.len(),
        "which": args.which,
        "ask_sha256": sha256(asked.text.as_bytes()),
    });
    sealed(&mut case, &args.place, "link_ask", &told)?;
    said(
        &args.place,
        &told,
        format_args!(
            "asks for {} persons: send {}, and keep {}",
            persons.keys.len(),
            args.output.display(),
            secret_of(&args.output).display()
        ),
    )?;
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

fn answered(args: &AnswerArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let text = text(&args.ask)?;
    let persons = of(&case, &args.unpacking, &args.eyes)?;
    let blind = Blind::generate()?;
    let rules = Persons::rules();
    let answer = answer(
        &text,
        &persons.keys,
        &blind,
        &rules,
        args.which,
        processors(),
    )
    .with_context(|| args.ask.display().to_string())?;
    write_new(&args.output, answer.text.as_bytes(), OWNERS)?;
    let told = json!({
        "asked": answer.asked,
        "own": persons.keys.len(),
        "which": answer.which,
        "ask_sha256": sha256(text.as_bytes()),
        "answer_sha256": sha256(answer.text.as_bytes()),
    });
    sealed(&mut case, &args.place, "link_answer", &told)?;
    said(
        &args.place,
        &told,
        format_args!(
            "{} persons were asked for; the answer tells {}: send {}",
            answer.asked,
            if answer.which {
                "which of them are here"
            } else {
                "how many of them are here"
            },
            args.output.display()
        ),
    )?;
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

fn read(args: &ResultArgs) -> Result<Exit> {
    let mut case = args.place.open()?;
    let (ask, answer) = (text(&args.ask)?, text(&args.answer)?);
    let path = secret_of(&args.ask);
    let secret = Zeroizing::new(text(&path)?);
    let secret: Value =
        serde_json::from_str(&secret).with_context(|| path.display().to_string())?;
    let blind = secret
        .get("blind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let blind = Blind::from_hex(blind).with_context(|| path.display().to_string())?;
    let linked = result(&ask, &answer, &blind, processors())
        .with_context(|| args.answer.display().to_string())?;
    let row = |line: &usize| secret.get("rows").and_then(|rows| rows.get(*line)).cloned();
    let rows = linked
        .which
        .as_ref()
        .map(|lines| lines.iter().filter_map(row).collect::<Vec<_>>());
    let told = json!({
        "asked": linked.asked,
        "other": linked.other,
        "common": linked.common,
        "rows": rows,
        "ask_sha256": sha256(ask.as_bytes()),
        "answer_sha256": sha256(answer.as_bytes()),
    });
    sealed(&mut case, &args.place, "link_result", &told)?;
    said(
        &args.place,
        &told,
        format_args!(
            "{} persons of {} here are among the {} of the other case",
            linked.common, linked.asked, linked.other
        ),
    )?;
    args.place.hand.told(&case)?;
    Ok(Exit::Done)
}

/// Numbers and sums under seal; the files themselves are not kept.
fn sealed(case: &mut Folder, place: &Place, what: &str, told: &Value) -> Result<()> {
    let path = case.results()?.join("link.json");
    let text = serde_json::to_string_pretty(told)? + "\n";
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    case.seal_results(what, place.hand.who())?;
    Ok(())
}

fn said(place: &Place, told: &Value, line: std::fmt::Arguments<'_>) -> Result<()> {
    match place.hand.json {
        true => show::json(told),
        false => show::line(line),
    }
}

/// What the asking office keeps until the answer is there.
fn secret_of(ask: &Path) -> PathBuf {
    let mut name = ask.as_os_str().to_owned();
    name.push(".secret");
    PathBuf::from(name)
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
