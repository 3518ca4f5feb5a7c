//! `case verify`: everything in a case's folder, and nothing but it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use liuhen_service::case::{Verified, verify};
use liuhen_tlog::Verifier;

use crate::exit::Exit;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sums every file anew, compares listings and manifest with the custody log, and checks that log to its
root. Ends with 5 when anything is not as it was sealed, and names it. Without --vkey and --earlier a
case that was written anew as a whole, by whoever has its key or with another key, looks sound.

Examples:
  liuhen case verify 2026-17
  liuhen case verify 2026-17 --vkey 'liuhen.invalid/case/…' --earlier checkpoint.txt --json")]
pub(super) struct VerifyArgs {
    /// The case's folder.
    dir: PathBuf,
    /// The case's public key, as it was told apart from the folder.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// A checkpoint of the custody log that was kept elsewhere.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> Result<Exit> {
    let key = args.vkey.as_deref().map(Verifier::parse).transpose();
    let key = key.context("--vkey")?;
    let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
    let earlier = args.earlier.as_ref().map(read).transpose()?;
    let bar = bar::so_far("verifying");
    let verified = verify(&args.dir, key.as_ref(), earlier.as_deref(), &mut |bytes| {
        bar.inc(bytes);
        true
    });
    bar.finish_and_clear();
    let verified = verified.with_context(|| format!("case {}", args.dir.display()))?;
    if args.json {
        show::json(&verified)?;
    } else {
        show_verified(&verified, args)?;
    }
    Ok(match verified.faults.is_empty() {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

fn show_verified(verified: &Verified, args: &VerifyArgs) -> Result<()> {
    show::line(format_args!(
        "{}: {} exhibits, {} files, {} bytes summed anew; {} entries of custody",
        show::plain(&verified.name),
        verified.exhibits,
        verified.files,
        verified.bytes,
        verified.entries.len()
    ))?;
    for fault in &verified.faults {
        show::line(format_args!("  {}", show::plain(&fault.to_string())))?;
    }
    let end = match verified.faults.len() {
        0 => "everything is as it was sealed".to_owned(),
        count => format!("{count} things are not as they were sealed"),
    };
    show::line(end)?;
    if args.vkey.is_none() && args.earlier.is_none() {
        show::note(
            "checked under the folder's own key; compare it with the one you were told, or give --earlier",
        );
    }
    Ok(())
}
