//! `backup` and `restore`: copies of a data directory.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use liuhen_service::backup::{Restore, backup, restore};
use liuhen_service::{Config, rfc3339};
use serde_json::json;

use crate::exit::Exit;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Works while a server runs. The first copy takes everything; later ones take the
new tiles of the log, and stores and write-ahead log anew. A copy counts only
when it is durable and was read back; then the one before it is removed.

The root key is not copied unless asked for. Without it no copy can be read, so
keep it elsewhere. And with it a copy reads whom you erase later: keys.db in a
copy holds the keys of everybody who was not erased when it was taken. Remove
copies, and copies of copies, within the time you promise for erasure.

Examples:
  liuhen backup liuhen-data /mnt/backup/liuhen
  liuhen backup liuhen-data /mnt/backup/liuhen --with-root-key --json")]
pub(crate) struct BackupArgs {
    /// The data directory.
    dir: PathBuf,
    /// Where the copies lie; made when it does not exist.
    to: PathBuf,
    /// Copy the root key too: whoever has the copy can then read everything, unless the key is sealed by a passphrase.
    #[arg(long)]
    with_root_key: bool,
    /// The root key's file, when it lies elsewhere than in the data directory.
    #[arg(long, value_name = "FILE", requires = "with_root_key")]
    root_key: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Refuses to lose entries that are known to have been in the log: those of a vault
that is there already, and those under checkpoints given with --known. A log
that forgets is refused by its witnesses for ever.

Examples:
  liuhen restore /mnt/backup/liuhen liuhen-data
  liuhen restore /mnt/backup/liuhen liuhen-data --known witness/checkpoint --replace")]
pub(crate) struct RestoreArgs {
    /// Where the copies lie.
    from: PathBuf,
    /// The data directory to be.
    dir: PathBuf,
    /// A checkpoint of this log kept elsewhere, such as by a witness; may be given several times.
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// Set a vault that is there already aside, if the copy knows all its entries.
    #[arg(long)]
    replace: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run_backup(args: &BackupArgs) -> Result<Exit> {
    let config = Config {
        root_key: args.root_key.clone(),
        ..Config::in_dir(&args.dir)
    };
    let bar = bar::count(0, "copying");
    let done = backup(&config, &args.to, args.with_root_key, |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let done = done?;
    let copy = &done.copy;
    if args.json {
        show::json(&json!({
            "to": args.to,
            "origin": copy.origin,
            "time": rfc3339(copy.time),
            "entries": copy.entries,
            "checkpoint": copy.checkpoint,
            "with_root_key": copy.with_root_key,
            "new_tiles": done.new_tiles,
            "bytes": done.bytes,
        }))?;
    } else {
        show::line(format_args!(
            "copied {} entries of {} and everything kept with them; {} bytes written, read back and found right",
            copy.entries, copy.origin, done.bytes
        ))?;
    }
    if !copy.with_root_key {
        show::note(
            "the root key is not in the copy, which is unreadable without it: keep it elsewhere",
        );
    }
    Ok(Exit::Done)
}

pub(crate) fn run_restore(args: &RestoreArgs) -> Result<Exit> {
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    let wanted = Restore {
        from: args.from.clone(),
        dir: args.dir.clone(),
        known: args.known.iter().map(read).collect::<Result<_>>()?,
        replace: args.replace,
    };
    let bar = bar::count(0, "restoring");
    let done = restore(&wanted, |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let done = done?;
    let copy = &done.copy;
    if args.json {
        show::json(&json!({
            "dir": args.dir,
            "origin": copy.origin,
            "time": rfc3339(copy.time),
            "entries": copy.entries,
            "with_root_key": copy.with_root_key,
            "set_aside": done.set_aside,
        }))?;
    } else {
        show::line(format_args!(
            "{} entries of {} as of {}",
            copy.entries,
            copy.origin,
            rfc3339(copy.time)
        ))?;
        if let Some(aside) = &done.set_aside {
            show::line(format_args!("what was there lies in {}", aside.display()))?;
        }
    }
    if !copy.with_root_key {
        show::note(format_args!(
            "put the root key in {} before serving",
            args.dir.join("root.key").display()
        ));
    }
    show::note(
        "persons erased after this copy was taken are back: erase them again before serving",
    );
    Ok(Exit::Done)
}
