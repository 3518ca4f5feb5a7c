//! `sighting`: compare numbers seen outside with the canaries; one of them names the exports that carried it.

use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::sightings::{Sighting, SightingAsk};

use crate::exit::Exit;
use crate::show;
use crate::vault::Where;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen sighting --place https://example.com/listing/7 numbers.txt
  pbpaste | liuhen sighting --place 'call from 010-00000000'

Values are telephone numbers, resident IDs, cards, e-mail addresses or plates, one a line; they are
compared and forgotten. Exit codes: 0 a canary was seen (the alert names the exports that carried
it), 4 none was.")]
pub(crate) struct SightingArgs {
    /// A file with the values seen, one a line; standard input when not given.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where they were seen: an address of a listing, a number that called.
    #[arg(long, value_name = "WHERE")]
    place: String,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Where,
}

pub(crate) fn run(args: &SightingArgs) -> Result<Exit> {
    let ask = SightingAsk {
        place: args.place.clone(),
        values: values(args)?,
    };
    let answer = args.at.open()?.sighting(ask)?;
    if args.json {
        show::json(&answer)?;
    } else {
        show::text(&match &answer.alert {
            Some(alert) => tell(alert),
            None => format!("{} values compared; no canary among them", answer.compared),
        })?;
    }
    Ok(match answer.alert {
        Some(_) => Exit::Done,
        None => Exit::NoEvidence,
    })
}

fn values(args: &SightingArgs) -> Result<Vec<String>> {
    let source: Box<dyn Read> = match &args.file {
        Some(path) => Box::new(
            std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?,
        ),
        None => Box::new(std::io::stdin().lock()),
    };
    let mut values = Vec::new();
    for line in BufReader::new(source).lines() {
        let line = line.context("reading the values; they are to be UTF-8 text")?;
        if !line.trim().is_empty() {
            values.push(line.trim().to_owned());
        }
    }
    if values.is_empty() {
        bail!("no value was given; give one a line");
    }
    Ok(values)
}

/// An alert for a terminal.
pub(crate) fn tell(alert: &Sighting) -> String {
    let decoys = alert
        .canaries
        .iter()
        .filter(|name| name.starts_with("decoy/"));
    let decoys = decoys.count();
    let seen = match decoys {
        0 => format!("{} canaries", alert.canaries.len()),
        _ => format!(
            "{} canaries and {decoys} decoys",
            alert.canaries.len() - decoys
        ),
    };
    let place = show::plain(&alert.place);
    let mut lines = vec![format!(
        "{seen} seen at {place}; these exports carried them:"
    )];
    for carrier in &alert.carriers {
        let mark = if carrier.accused { "  ACCUSED" } else { "" };
        lines.push(format!(
            "  {} {} {} of {}{mark}",
            show::pad(&carrier.recipient, 20),
            show::pad(&carrier.export, 14),
            carrier.carried,
            alert.canaries.len(),
        ));
    }
    if !alert.accounts.is_empty() {
        lines.push("these accounts were shown them among the results of look-ups:".to_owned());
    }
    for account in &alert.accounts {
        let mark = if account.accused { "  ACCUSED" } else { "" };
        lines.push(format!(
            "  {} {} {} of {}{mark}",
            show::pad(&account.name, 20),
            show::pad(&account.who, 14),
            account.shown,
            decoys,
        ));
    }
    lines.push("whoever is named and not accused may be innocent".to_owned());
    lines.join("\n")
}
