//! `verify`: check the log, or a receipt, offline.
//!
//! Needs no key and changes nothing. The log's own `vkey` file shows damage; only a key kept elsewhere shows a log that was replaced whole.

mod evidence;
mod log;
mod mine;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::log::Proof;
use liuhen_tlog::audit::{DirSource, Tiles};
use liuhen_tlog::proof;
use liuhen_tlog::{DirReport, Hash, Keys, Receipt, Verifier, read_keys, verify_dir};
use serde_json::json;

use crate::exit::Exit;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    after_help = "\
Examples:
  liuhen verify liuhen-data
  liuhen verify liuhen-data --vkey 'liuhen.invalid/log+1a2b3c4d+AU…'
  liuhen verify log http://127.0.0.1:8420 --vkey KEY --state audit
  liuhen verify receipt receipt.txt --dir liuhen-data"
)]
pub(crate) struct VerifyArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// The data directory of a vault, or a log's own directory.
    #[arg(required = true)]
    dir: Option<PathBuf>,
    /// The key to trust, as kept elsewhere; the directory's own when not given.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Audit a whole log: entries, tiles, earlier checkpoints and the private map.
    Log(log::LogArgs),
    /// Check one's own trace: who looked, and that nothing is missing.
    Mine(mine::MineArgs),
    /// Check evidence that a witness kept against a log.
    Evidence(evidence::EvidenceArgs),
    /// Check a receipt, as an answer of the API carried it.
    Receipt(ReceiptArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen verify receipt receipt.txt --dir liuhen-data
  curl -s localhost:8420/v1/proofs/17 > proof.json
  liuhen verify receipt receipt.txt --vkey KEY --proof proof.json")]
struct ReceiptArgs {
    /// The receipt: its text, or the API's answer that carried it.
    file: PathBuf,
    /// The key to trust.
    #[arg(long, value_name = "KEY", required_unless_present = "dir")]
    vkey: Option<String>,
    /// The data directory of a vault, or a log's own directory: shows that the leaf lies under its checkpoint.
    #[arg(long, value_name = "DIR", conflicts_with = "proof")]
    dir: Option<PathBuf>,
    /// With --dir: a checkpoint kept elsewhere, instead of the directory's own.
    #[arg(long, value_name = "FILE", requires = "dir")]
    checkpoint: Option<PathBuf>,
    /// A proof as GET /v1/proofs/{index} answers it: shows that the leaf lies under its checkpoint.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit> {
    match (&args.what, &args.dir) {
        (Some(What::Log(audit)), _) => log::run(audit),
        (Some(What::Mine(mine)), _) => mine::run(mine),
        (Some(What::Evidence(evidence)), _) => evidence::run(evidence),
        (Some(What::Receipt(receipt)), _) => run_receipt(receipt),
        (None, Some(dir)) => run_dir(args, dir),
        (None, None) => bail!("give the directory of a vault or of a log"),
    }
}

fn run_dir(args: &VerifyArgs, dir: &Path) -> Result<Exit> {
    let dir = log_dir(dir)?;
    let trusted = args.vkey.as_deref().map(verifier).transpose()?;
    let bar = bar::count(0, "checking");
    let report = verify_dir(&dir, trusted.as_ref(), |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            return unsound(args.json, &format!("{}: {error}", dir.display()));
        }
    };
    show_report(args, &report)?;
    Ok(match report.is_sound() {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

fn show_report(args: &VerifyArgs, report: &DirReport) -> Result<()> {
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    let root = report.checkpoint.root().to_string();
    if args.json {
        return show::json(&json!({
            "sound": report.is_sound(),
            "entries": report.entries,
            "root": root,
            "faults": faults,
            "fault_count": report.fault_count,
        }));
    }
    for fault in &faults {
        show::line(fault)?;
    }
    if !report.is_sound() {
        return show::line(format_args!(
            "NOT as signed: {} faults in {} entries",
            report.fault_count, report.entries
        ));
    }
    let whose = match args.vkey {
        Some(_) => "the key you gave",
        None => "the log's own key (give --vkey to trust one kept elsewhere)",
    };
    show::line(format_args!(
        "{} entries lead to the root {root}, signed by {whose}",
        report.entries
    ))
}

fn run_receipt(args: &ReceiptArgs) -> Result<Exit> {
    let text = receipt_text(read(&args.file)?)?;
    let dir = args.dir.as_deref().map(log_dir).transpose()?;
    // The directory's statements lead from the key given to the one that signs now.
    let kept = dir.as_deref().map(read_keys).transpose()?;
    let trusted = match (&args.vkey, kept) {
        (Some(key), Some(kept)) => kept.since(&verifier(key)?),
        (Some(key), None) => Keys::of(verifier(key)?),
        (None, Some(kept)) => kept,
        (None, None) => bail!("give --vkey or --dir"),
    };
    let checked = check_signature(&text, &trusted).and_then(|receipt| {
        let covered = check_inclusion(args, dir.as_deref(), &receipt, &trusted)?;
        Ok((receipt, covered))
    });
    let (receipt, covered) = match checked {
        Ok(checked) => checked,
        Err(Wrong(reason)) => return unsound(args.json, &reason),
    };
    if args.json {
        show::json(&json!({
            "sound": true,
            "index": receipt.index(),
            "leaf_hash": receipt.leaf_hash().to_string(),
            "under_checkpoint_of": covered,
        }))?;
        return Ok(Exit::Done);
    }
    show::line(format_args!(
        "leaf {} was durable when {} signed for it",
        receipt.index(),
        trusted.first().name()
    ))?;
    match covered {
        Some(size) => show::line(format_args!(
            "it lies in the log, under the signed checkpoint of {size} entries"
        ))?,
        None => show::note("only the signature was checked; give --dir or --proof for the log"),
    }
    Ok(Exit::Done)
}

/// The receipt in a file: as it is, or in the answer of the API that carried it.
fn receipt_text(text: String) -> Result<String> {
    if !text.trim_start().starts_with('{') {
        return Ok(text);
    }
    let answer: serde_json::Value = serde_json::from_str(&text).context("the file is no JSON")?;
    let notes: Vec<&str> = ["/note", "/receipt/note"]
        .iter()
        .filter_map(|place| answer.pointer(place))
        .chain(
            answer["results"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|result| result.pointer("/receipt/note")),
        )
        .filter_map(serde_json::Value::as_str)
        .collect();
    match notes[..] {
        [note] => Ok(note.to_owned()),
        [] => bail!("the JSON holds no receipt: there is no `note` in it"),
        _ => bail!(
            "the JSON holds {} receipts: give one of its `note`s, or one result",
            notes.len()
        ),
    }
}

/// Why a receipt is not to be believed.
struct Wrong(String);

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn check_signature(text: &str, trusted: &Keys) -> Result<Receipt, Wrong> {
    let receipt = Receipt::parse(text)?;
    trusted.verify_receipt(&receipt)?;
    Ok(receipt)
}

/// Size of the checkpoint the leaf was shown to lie under; `None` when nothing to show it with was given.
fn check_inclusion(
    args: &ReceiptArgs,
    dir: Option<&Path>,
    receipt: &Receipt,
    trusted: &Keys,
) -> Result<Option<u64>, Wrong> {
    let (index, leaf) = (receipt.index(), receipt.leaf_hash());
    let (signed, path) = if let Some(dir) = dir {
        let own = dir.join("checkpoint");
        let file = args.checkpoint.as_deref().unwrap_or(&own);
        let signed = trusted.verify_checkpoint(&fs::read(file)?)?;
        let source = DirSource::new(dir);
        let tiles = Tiles {
            source: &source,
            size: signed.size(),
        };
        let path = proof::prove_inclusion(&tiles, index, signed.size())?;
        (signed, path)
    } else if let Some(file) = &args.proof {
        let given: Proof = serde_json::from_str(&fs::read_to_string(file)?)?;
        let signed = trusted.verify_checkpoint(given.checkpoint.as_bytes())?;
        let path: Option<Vec<Hash>> = given.path.iter().map(|hash| from_hex(hash)).collect();
        let path = path.ok_or_else(|| Wrong("the proof's path is not in hex".to_owned()))?;
        (signed, path)
    } else {
        return Ok(None);
    };
    if index >= signed.size() {
        let size = signed.size();
        return Err(Wrong(format!(
            "the checkpoint covers {size} entries, and the receipt is for index {index}; a newer checkpoint is needed (one is signed each second)"
        )));
    }
    proof::verify_inclusion(&leaf, index, signed.size(), &path, &signed.root())?;
    Ok(Some(signed.size()))
}

fn unsound(as_json: bool, reason: &str) -> Result<Exit> {
    if as_json {
        show::json(&json!({ "sound": false, "reason": reason }))?;
    } else {
        show::line(format_args!("NOT as signed: {reason}"))?;
    }
    Ok(Exit::Unsound)
}

/// The log of a vault's data directory, or the directory itself when it is a log's.
pub(super) fn log_dir(dir: &Path) -> Result<PathBuf> {
    let inside = dir.join("log");
    for candidate in [inside, dir.to_owned()] {
        if candidate.join("checkpoint").exists() {
            return Ok(candidate);
        }
    }
    bail!(
        "{} holds no log: there is no checkpoint in it",
        dir.display()
    );
}

pub(super) fn verifier(key: &str) -> Result<Verifier> {
    Verifier::parse(key).context("the key is no verifier key (C2SP signed-note: name+id+key)")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Hash(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_found_in_the_answer_that_carried_it() {
        let rows = [
            ("liuhen receipt v1\n", Some("liuhen receipt v1\n")),
            (r#"{"index":1,"note":"n"}"#, Some("n")),
            (r#"{"receipt":{"note":"n"}}"#, Some("n")),
            (r#"{"results":[{"receipt":{"note":"n"}}]}"#, Some("n")),
            (
                r#"{"results":[{"receipt":{"note":"n"}},{"receipt":{"note":"m"}}]}"#,
                None,
            ),
            (r#"{"results":[]}"#, None),
            ("{", None),
        ];
        for (text, expected) in rows {
            let found = receipt_text(text.to_owned()).ok();
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn hex() {
        assert_eq!(from_hex(&"0f".repeat(32)), Some(Hash([0x0f; 32])));
        for text in ["", "0f", &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}
