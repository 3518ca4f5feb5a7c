//! `log`: look at a log's directory, check it, mend its tiles, publish it.

mod publish;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use liuhen_service::{KEY_OVERLAP, rfc3339, rotate_log_key};
use liuhen_tlog::disk::SystemDisk;
use liuhen_tlog::fsck::{FsckReport, fsck};
use liuhen_tlog::inspect::{Inspection, entry, inspect};
use liuhen_tlog::{Entry, LogError, leaf_hash, rebuild};
use serde_json::{Value, json};

use super::verify::{log_dir, verifier};
use crate::exit::Exit;
use crate::vault::Opening;
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen log inspect liuhen-data
  liuhen log inspect liuhen-data --entry 17
  liuhen log check liuhen-data
  liuhen log rebuild liuhen-data
  liuhen log publish liuhen-data file:///srv/www/log --every 1")]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show a log at a glance, or one entry.
    Inspect(InspectArgs),
    /// Look a log over: tiles, write-ahead log, left-over files. Changes nothing.
    Check(CheckArgs),
    /// Make a log's tiles anew from its entries.
    Rebuild(RebuildArgs),
    /// Change the key that signs the log.
    RotateKey(RotateArgs),
    /// Copy what anyone may read of a log to an object store or a web server's directory.
    Publish(publish::PublishArgs),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The data directory of a vault, or a log's own directory.
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Works while a server runs.

Examples:
  liuhen log inspect liuhen-data
  liuhen log inspect liuhen-data --last 40 --json
  liuhen log inspect liuhen-data --entry 17")]
struct InspectArgs {
    #[command(flatten)]
    place: Place,
    /// Count the sorts of entries in so many of the last bundles of 256.
    #[arg(
        long,
        value_name = "BUNDLES",
        default_value_t = 4,
        conflicts_with = "entry"
    )]
    last: u64,
    /// Show the public parts of one entry, in hex.
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Works while a server runs, and changes nothing. Reads every entry.
Ends with 5 when something is wrong that matters.

Examples:
  liuhen log check liuhen-data
  liuhen log check liuhen-data --vkey 'liuhen.invalid/log+1a2b3c4d+AU…' --json")]
struct CheckArgs {
    #[command(flatten)]
    place: Place,
    /// The key to trust, as kept elsewhere; the directory's own when not given.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The server must be stopped. Entries come from the write-ahead log, and where
that no longer has them from the entry bundles. Nothing is put in place unless
the signed root comes out (otherwise it ends with 5). Cut off in the middle, it
can be run again.

Example:
  liuhen log rebuild liuhen-data")]
struct RebuildArgs {
    #[command(flatten)]
    place: Place,
    /// The key to trust, as kept elsewhere; the directory's own when not given.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The server must be stopped. The origin stays; a statement signed by the old and
the new key is kept in log/keys, by which whoever trusts the old key finds the
new one. During the overlap checkpoints bear both signatures.

Examples:
  liuhen log rotate-key --dir liuhen-data
  liuhen log rotate-key --dir liuhen-data --overlap-days 30 --json")]
struct RotateArgs {
    #[command(flatten)]
    opening: Opening,
    /// For so many days the old key signs checkpoints too.
    #[arg(long, value_name = "DAYS", default_value_t = KEY_OVERLAP.as_secs() / 86_400, value_parser = clap::value_parser!(u64).range(0..=3_650))]
    overlap_days: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &LogArgs) -> Result<Exit> {
    match &args.what {
        What::Inspect(args) => run_inspect(args),
        What::Check(args) => run_check(args),
        What::Rebuild(args) => run_rebuild(args),
        What::RotateKey(args) => run_rotate(args),
        What::Publish(args) => publish::run(args),
    }
}

fn run_inspect(args: &InspectArgs) -> Result<Exit> {
    let dir = log_dir(&args.place.dir)?;
    if let Some(index) = args.entry {
        let leaf = entry(&dir, index)?;
        let shown = describe(index, &leaf);
        match args.place.json {
            true => show::json(&shown)?,
            false => show_fields(&shown)?,
        }
        return Ok(Exit::Done);
    }
    let found = inspect(&dir, args.last)?;
    match args.place.json {
        true => show::json(&inspection(&found))?,
        false => show_inspection(&found)?,
    }
    Ok(Exit::Done)
}

fn inspection(found: &Inspection) -> Value {
    let sorts = &found.sorts;
    let segments: Vec<Value> = found
        .segments
        .iter()
        .map(|s| json!({ "first": s.first, "end": s.end, "bytes": s.bytes }))
        .collect();
    let map_root = sorts.last_map_root.map(|(index, root)| {
        json!({ "index": index, "size": root.size, "labels": root.labels, "root": root.root.to_string() })
    });
    json!({
        "origin": found.vkey.name(),
        "vkey": found.vkey.to_string(),
        "held": found.held,
        "checkpoint": {
            "size": found.checkpoint.size(),
            "root": found.checkpoint.root().to_string(),
            "written": found.checkpoint_time.map(time),
            "signatures": found.checkpoint.note().signatures().len(),
        },
        "durable": found.durable,
        "acknowledged_at_least": found.acknowledged,
        "segments": segments,
        "tiles": { "files": found.tile_files, "bytes": found.tile_bytes },
        "last_entries": {
            "from": sorts.from,
            "events": sorts.events,
            "chunks": sorts.chunks,
            "map_roots": sorts.map_roots,
            "other": sorts.other,
            "labels": sorts.labels,
            "bytes": sorts.bytes,
        },
        "last_map_root": map_root,
    })
}

fn show_inspection(found: &Inspection) -> Result<()> {
    let sorts = &found.sorts;
    let field = |name: &str, value: String| show::line(format_args!("{name:<13} {value}"));
    field("origin", found.vkey.name().to_owned())?;
    field("vkey", found.vkey.to_string())?;
    let held = ["no process", "another process"][usize::from(found.held)];
    field("held by", held.to_owned())?;
    let written = found.checkpoint_time.map(time);
    field(
        "checkpoint",
        format!(
            "{} entries, written {}, signatures {}",
            found.checkpoint.size(),
            written.unwrap_or_default(),
            found.checkpoint.note().signatures().len()
        ),
    )?;
    field("root", found.checkpoint.root().to_string())?;
    field("durable", format!("{} entries", found.durable))?;
    field(
        "acknowledged",
        format!("{} entries at least", found.acknowledged),
    )?;
    let waiting: u64 = found.segments.iter().map(|segment| segment.bytes).sum();
    field(
        "write-ahead",
        format!("{} segments, {waiting} bytes", found.segments.len()),
    )?;
    for segment in &found.segments {
        let (first, end, bytes) = (segment.first, segment.end, segment.bytes);
        field("", format!("{first} up to {end}, {bytes} bytes"))?;
    }
    field(
        "tiles",
        format!("{} files, {} bytes", found.tile_files, found.tile_bytes),
    )?;
    field(
        "entries",
        format!(
            "from {}: {} events, {} chunks, {} map roots, {} other; {} labels, {} bytes",
            sorts.from,
            sorts.events,
            sorts.chunks,
            sorts.map_roots,
            sorts.other,
            sorts.labels,
            sorts.bytes
        ),
    )?;
    let last = match sorts.last_map_root {
        Some((index, root)) => format!(
            "entry {index}: {} labels of the first {} entries, {}",
            root.labels, root.size, root.root
        ),
        None => "none among these entries".to_owned(),
    };
    field("map root", last)
}

/// The public parts of an entry: `docs/trace.md`, Entries.
fn describe(index: u64, leaf: &[u8]) -> Value {
    let mut shown = json!({
        "index": index,
        "leaf_hash": leaf_hash(leaf).to_string(),
        "bytes": leaf.len(),
    });
    let parts = match Entry::parse(leaf) {
        Some(Entry::Event(event)) => json!({
            "sort": "event",
            "label": hex(event.label),
            "commitment": hex(event.commitment),
            "ciphertext": hex(event.ciphertext),
        }),
        Some(Entry::Chunk(chunk)) => json!({
            "sort": "chunk",
            "header": chunk.header,
            "commitment": hex(chunk.commitment),
            "labels": chunk.owners.iter().map(|owner| hex(&owner[..32])).collect::<Vec<_>>(),
        }),
        Some(Entry::MapRoot(root)) => json!({
            "sort": "map root",
            "size": root.size,
            "labels": root.labels,
            "root": root.root.to_string(),
        }),
        None => json!({ "sort": "other", "leaf": hex(leaf) }),
    };
    if let (Some(shown), Value::Object(parts)) = (shown.as_object_mut(), parts) {
        shown.extend(parts);
    }
    shown
}

fn show_fields(shown: &Value) -> Result<()> {
    for (name, value) in shown.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => show::line(format_args!("{name:<11} {text}"))?,
            Value::Array(many) => {
                for one in many.iter().filter_map(Value::as_str) {
                    show::line(format_args!("{name:<11} {one}"))?;
                }
            }
            other => show::line(format_args!("{name:<11} {other}"))?,
        }
    }
    Ok(())
}

fn run_check(args: &CheckArgs) -> Result<Exit> {
    // A log without its checkpoint is one to look over, too.
    let inside = args.place.dir.join("log");
    let dir = log_dir(&args.place.dir).unwrap_or(match inside.is_dir() {
        true => inside,
        false => args.place.dir.clone(),
    });
    let trusted = args.vkey.as_deref().map(verifier).transpose()?;
    let bar = bar::count(0, "checking");
    let report = fsck(&dir, trusted.as_ref(), None, |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let report = report?;
    show_check(&report, args.place.json)?;
    Ok(match report.is_sound() {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

fn show_check(report: &FsckReport, as_json: bool) -> Result<()> {
    let entries = report.checkpoint.as_ref().map(|signed| signed.size());
    let gravity =
        |finding: &liuhen_tlog::fsck::Finding| format!("{:?}", finding.gravity()).to_lowercase();
    if as_json {
        let findings: Vec<Value> = report
            .findings
            .iter()
            .map(|f| json!({ "gravity": gravity(f), "what": f.to_string(), "advice": f.advice() }))
            .collect();
        return show::json(&json!({
            "sound": report.is_sound(),
            "entries": entries,
            "held": report.held,
            "tile_faults": report.tile_faults,
            "findings": findings,
        }));
    }
    for finding in &report.findings {
        show::line(format_args!("{}: {finding}", gravity(finding)))?;
    }
    let mut advised: Vec<&str> = report.findings.iter().map(|f| f.advice()).collect();
    advised.dedup();
    for advice in advised {
        show::note(format_args!("→ {advice}"));
    }
    match (report.is_sound(), entries) {
        (true, Some(entries)) => show::line(format_args!("{entries} entries, all as signed")),
        _ => show::line(format_args!(
            "NOT as signed: {} findings",
            report.findings.len()
        )),
    }
}

fn run_rebuild(args: &RebuildArgs) -> Result<Exit> {
    let dir = log_dir(&args.place.dir)?;
    let trusted = args.vkey.as_deref().map(verifier).transpose()?;
    let bar = bar::count(0, "rebuilding");
    let done = rebuild(&dir, trusted.as_ref(), &SystemDisk, |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let done = match done {
        Ok(done) => done,
        Err(error @ (LogError::RootMismatch { .. } | LogError::EntriesMissing { .. })) => {
            if args.place.json {
                show::json(&json!({ "rebuilt": false, "reason": error.to_string() }))?;
            } else {
                show::line(format_args!("nothing was put in place: {error}"))?;
                show::note(
                    "→ bring the bundles in tile/entries back from a backup and run this again",
                );
            }
            return Ok(Exit::Unsound);
        }
        Err(error) => return Err(error).context("rebuilding"),
    };
    if args.place.json {
        show::json(&json!({
            "rebuilt": true,
            "entries": done.checkpoint.size(),
            "root": done.checkpoint.root().to_string(),
            "files_written": done.written,
            "entries_from_write_ahead_log": done.from_wal,
        }))?;
    } else {
        show::line(format_args!(
            "{} entries lead to the signed root; {} files were missing or wrong and are in place now",
            done.checkpoint.size(),
            done.written
        ))?;
    }
    Ok(Exit::Done)
}

fn run_rotate(args: &RotateArgs) -> Result<Exit> {
    let overlap = Duration::from_secs(args.overlap_days * 86_400);
    let change = rotate_log_key(&args.opening.config()?, overlap)?;
    let until = rfc3339(i64::try_from(change.until_ms).unwrap_or(i64::MAX));
    if args.json {
        show::json(&json!({
            "old": change.old.to_string(),
            "new": change.new.to_string(),
            "entries": change.size,
            "root": change.root.to_string(),
            "overlap_until": until,
            "statement": change.to_string(),
        }))?;
    } else {
        show::line(format_args!(
            "from entry {} on the log is signed by\n  {}\nand until {until} also by\n  {}",
            change.size, change.new, change.old
        ))?;
    }
    Ok(Exit::Done)
}

fn time(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    rfc3339(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use liuhen_tlog::{Hash, MapRoot};

    use super::*;

    #[test]
    fn entries_of_every_sort_are_described() {
        let mut event = vec![1; 65];
        event.extend_from_slice(&[2; 256 + 16]);
        let root = MapRoot {
            size: 5,
            labels: 4,
            time_ms: 1_795_000_000_000,
            root: Hash([0; 32]),
        };
        let owners = [([7; 32], [8; 32])];
        let chunk = liuhen_tlog::entry::chunk(3, &[9; 32], &owners).unwrap();
        let rows = [
            (event, "event", "label", json!("01".repeat(32))),
            (chunk, "chunk", "labels", json!(["07".repeat(32)])),
            (root.to_bytes(), "map root", "size", json!(5)),
            (b"\xff".to_vec(), "other", "leaf", json!("ff")),
        ];
        for (leaf, sort, field, value) in rows {
            let shown = describe(1, &leaf);
            assert_eq!((&shown["sort"], &shown[field]), (&json!(sort), &value));
        }
    }
}
