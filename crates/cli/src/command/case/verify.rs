//! `case verify`: everything in a case's folder, and nothing but it.

use std::path::PathBuf;

use anyhow::Result;
use liuhen_service::case::Verified;

use super::kept::Kept;
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sums every file anew, compares listings and manifest with the custody log, counts with the listings, stamps
with the log they are over, and checks that log to its root. Ends with 5 when anything is not as it was sealed, and names it. Without --vkey and --earlier a
case that was written anew as a whole, by whoever has its key or with another key, looks sound.

Examples:
  liuhen case verify 2026-17
  liuhen case verify 2026-17 --vkey 'liuhen.invalid/case/…' --earlier checkpoint.txt --json")]
pub(super) struct VerifyArgs {
    /// The case's folder.
    dir: PathBuf,
    #[command(flatten)]
    kept: Kept,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> Result<Exit> {
    let verified = args.kept.check(&args.dir)?;
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
    args.kept.remind();
    Ok(())
}
