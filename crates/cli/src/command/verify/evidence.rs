//! `verify evidence`: check a file that a witness kept against a log.
//!
//! Judging belongs to `liuhen_tlog::witness::evidence`. Needs no network: two signed words of one log contradict each other, or they do not.

use std::path::PathBuf;

use anyhow::Result;
use liuhen_tlog::Verifier;
use liuhen_tlog::witness::verify_evidence;
use serde_json::json;

use super::{read, unsound, verifier};
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the evidence convicts the log, 5 it does not.

Example:
  liuhen verify evidence liuhen-witness/evidence/*.txt --vkey 'log.example/2026+1a2b3c4d+AU…'")]
pub(crate) struct EvidenceArgs {
    /// Files of evidence.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The log's key; several for a log that changed its key.
    #[arg(long = "vkey", value_name = "KEY", required = true)]
    vkeys: Vec<String>,
    /// Print one JSON object for each file.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &EvidenceArgs) -> Result<Exit> {
    let keys: Vec<Verifier> = args
        .vkeys
        .iter()
        .map(|key| verifier(key))
        .collect::<Result<_>>()?;
    let keys: Vec<&Verifier> = keys.iter().collect();
    let mut exit = Exit::Done;
    for path in &args.files {
        match verify_evidence(&read(path)?, &keys) {
            Ok(conviction) if args.json => show::json(&json!({
                "file": path,
                "sound": true,
                "log": conviction.origin,
                "misbehaviour": conviction.misbehaviour.to_string(),
            }))?,
            Ok(conviction) => show::line(format_args!("{}: {conviction}", path.display()))?,
            Err(error) => {
                exit = unsound(args.json, &format!("{}: {error}", path.display()))?;
            }
        }
    }
    Ok(exit)
}
