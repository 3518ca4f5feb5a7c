//! `trace`: lead a leaked file back to the copy it came from.

use std::f64::consts::LN_10;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::leaks::{DecoyAccount, Leak, LeakCopy, LeakReader, LeakState, Verdict};

use crate::command::report;
use crate::exit::Exit;
use crate::show;
use crate::vault::{Vault, Where};

/// Copies and readers shown of each leak; JSON and HTML hold all.
const SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen trace found.csv
  liuhen trace page.jpg list.pdf
  liuhen trace found.xlsx other.csv --epsilon 1e-9 --html report.html")]
pub(crate) struct TraceArgs {
    /// Files that turned up: tables with any subset of rows, any order, any columns; PDF; pictures.
    #[arg(required = true, value_name = "LEAK")]
    leaks: Vec<PathBuf>,
    /// Bound on the probability that any innocent recipient is accused; one in a million when not given.
    #[arg(long, value_name = "E", value_parser = epsilon)]
    epsilon: Option<f64>,
    /// Also write the report as a page of its own.
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
    /// Also write the report on each file as PDF, into this folder, named by the file's hash.
    #[arg(long, value_name = "FOLDER")]
    pdf: Option<PathBuf>,
    /// Print one JSON object for each leak.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

fn epsilon(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("give a number between 0 and 1, such as 1e-6".to_owned()),
    }
}

pub(crate) fn run(args: &TraceArgs) -> Result<Exit> {
    let vault = args.place.open()?;
    let mut leaks = Vec::with_capacity(args.leaks.len());
    for path in &args.leaks {
        let leak = vault.trace(path, args.epsilon)?;
        if args.json {
            show::json(&leak)?;
        } else {
            show::text(&tell(&leak))?;
        }
        if let Some(folder) = &args.pdf {
            write_pdf(&vault, &leak, folder)?;
        }
        leaks.push(leak);
    }
    if let Some(path) = &args.html {
        std::fs::write(path, report::page(&leaks, show::speaks_chinese()))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if leaks.iter().any(|leak| leak.state == LeakState::Failed) {
        bail!("a file could not be examined; the reason stands above");
    }
    let found = leaks.iter().any(|leak| leak.verdict == Verdict::Accused);
    Ok(if found { Exit::Done } else { Exit::NoEvidence })
}

/// Writes the report on an examined file; what could not be examined has none.
fn write_pdf(vault: &Vault, leak: &Leak, folder: &Path) -> Result<()> {
    if leak.state != LeakState::Done {
        return Ok(());
    }
    let bytes = vault.leak_report(&leak.id, show::speaks_chinese())?;
    let name = leak.sha256.get(..16).unwrap_or(&leak.sha256);
    let path = folder.join(format!("{name}.pdf"));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, bytes))
        .with_context(|| format!("writing {}", path.display()))
}

/// The report for a terminal.
fn tell(leak: &Leak) -> String {
    let mut lines = vec![
        show::plain(&leak.file_name),
        format!("  SHA-256 {}", leak.sha256),
        format!(
            "  {} rows ({} unreadable), {} persons of this vault, {} canaries, {} marks",
            leak.rows, leak.bad_rows, leak.persons, leak.canaries, leak.marks
        ),
        format!(
            "  compared with {} copies; the probability that any innocent is accused is at most {:e}",
            leak.copies_examined, leak.epsilon
        ),
        format!("  {}", verdict(leak)),
    ];
    let copies = leak.copies.iter().take(SHOWN);
    lines.extend(copies.map(|copy| format!("    {}", copy_line(copy, leak.threshold_ln))));
    if leak.decoys > 0 {
        lines.push(format!(
            "  {} decoys in it; {} accounts had coins, judged with the copies:",
            leak.decoys, leak.accounts_examined
        ));
    }
    let accounts = leak.accounts.iter().take(SHOWN);
    lines.extend(
        accounts.map(|account| format!("    {}", account_line(account, leak.threshold_ln))),
    );
    if !leak.readers.is_empty() {
        lines.push("  who read these persons (a ranking, no accusation):".to_owned());
    }
    let readers = leak.readers.iter().take(SHOWN).zip(1..);
    lines.extend(readers.map(|(reader, rank)| format!("    {}", reader_line(rank, reader))));
    let said = report::statements(leak, show::speaks_chinese()).iter();
    lines.extend(said.map(|statement| format!("  - {}", show::plain(statement))));
    lines.push(String::new());
    lines.join("\n")
}

fn verdict(leak: &Leak) -> String {
    if let Some(error) = &leak.error {
        return format!("could not be examined: {}", show::plain(error));
    }
    let copies = leak.copies.iter().filter(|copy| copy.accused);
    let accounts = leak.accounts.iter().filter(|account| account.accused);
    let accused: Vec<String> = copies
        .map(|copy| {
            let recipient = show::plain(&copy.recipient);
            format!("the copy of {recipient} (export {})", copy.export)
        })
        .chain(accounts.map(|account| {
            let (name, who) = (show::plain(&account.name), show::plain(&account.who));
            format!("what the account {name} ({who}) was shown")
        }))
        .collect();
    if !accused.is_empty() {
        return format!("comes from {}", accused.join(" and "));
    }
    match leak.symbols_missing {
        Some(symbols) => {
            format!(
                "no evidence against any copy; {symbols} more marks would convict a lone leaker"
            )
        }
        None => "no evidence against any copy".to_owned(),
    }
}

fn copy_line(copy: &LeakCopy, threshold_ln: f64) -> String {
    let channels: Vec<String> = copy
        .channels
        .iter()
        .map(|channel| format!("{} {:.1}", channel.name, channel.ln_e / LN_10))
        .collect();
    let mark = if copy.accused { "  ACCUSED" } else { "" };
    format!(
        "{} {} {:>7} persons  evidence 10^{:.1} of 10^{:.1} needed ({}){mark}",
        show::pad(&copy.recipient, 20),
        show::pad(&copy.export, 14),
        copy.persons_shared,
        copy.ln_e / LN_10,
        threshold_ln / LN_10,
        channels.join(", "),
    )
}

fn account_line(account: &DecoyAccount, threshold_ln: f64) -> String {
    let mark = if account.accused { "  ACCUSED" } else { "" };
    format!(
        "{} {} shown {} of {} ({:.1} by chance)  evidence 10^{:.1} of 10^{:.1} needed{mark}",
        show::pad(&account.name, 20),
        show::pad(&account.who, 14),
        account.shown,
        account.coins,
        account.expected,
        account.ln_e / LN_10,
        threshold_ln / LN_10,
    )
}

fn reader_line(rank: usize, reader: &LeakReader) -> String {
    format!(
        "{rank:>3}. {} read {} of them ({:.1} by chance) and {} persons in all; p = {:.1e}, among like work {:.1e}",
        show::pad(&reader.name, 20),
        reader.leaked_read,
        reader.expected,
        reader.read,
        reader.p,
        reader.p_within.unwrap_or(1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epsilons() {
        let rows = [
            ("1e-6", true),
            ("0.05", true),
            ("0", false),
            ("1", false),
            ("-1", false),
            ("NaN", false),
            ("x", false),
        ];
        for (text, fine) in rows {
            assert_eq!(epsilon(text).is_ok(), fine, "{text}");
        }
    }
}
