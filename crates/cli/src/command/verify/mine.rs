//! `verify mine`: a person checks his own trace, on his own machine.
//!
//! Judging belongs to `liuhen_service::mine`; this fetches, remembers and says it in plain words.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_kinds::Lang;
use liuhen_service::mine::{self, KeyFile, Mine, MineEntry, MineError, Seen};
use liuhen_service::rfc3339;
use liuhen_tlog::disk::{SystemDisk, write_durably};
use liuhen_tlog::policy::Policy;
use serde_json::json;
use zeroize::Zeroizing;

use super::unsound;
use crate::exit::Exit;
use crate::served::Served;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key file comes from your own page (\"save my key\"). Keep it to yourself: with it, one reads who looked at you.

Fetches everything under your labels and checks it here, believing nobody: that each entry lies in the log, that none of yours
is missing, that the log still contains what you saw last time, and which witnesses confirmed it. What was seen is kept beside
the key file (KEYFILE.seen), so that the next check only asks for what is new.

It cannot show a look that the operator never wrote down.

Exit codes: 0 everything holds, 5 something does not, 1 no verdict.

Examples:
  liuhen verify mine my-key.txt
  liuhen verify mine my-key.txt --log http://127.0.0.1:8420 --all
  liuhen verify mine my-key.txt --policy whom-i-believe.txt --json")]
pub(crate) struct MineArgs {
    /// The key file from your own page.
    #[arg(value_name = "KEYFILE")]
    key: PathBuf,
    /// The log's address, when it is another than the key file says.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Whom to believe instead of those in the key file (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Look at everything again, not only at what is new.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Chinese or English; the terminal's language when not given.
    #[arg(long, value_name = "LANG", value_parser = ["zh", "en"])]
    lang: Option<String>,
}

impl MineArgs {
    fn lang(&self) -> Lang {
        match self.lang.as_deref() {
            Some("zh") => Lang::Zh,
            Some(_) => Lang::En,
            None if show::speaks_chinese() => Lang::Zh,
            None => Lang::En,
        }
    }
}

pub(super) fn run(args: &MineArgs) -> Result<Exit> {
    let file = key_file(args)?;
    let Some(url) = args.log.as_deref().or(file.url()) else {
        bail!("the key file names no address of the log: give --log");
    };
    let log = Served::new(url, 1)?;
    let path = seen_path(&args.key);
    let last = last_seen(&path)?;
    // To look at everything again is no reason to forget the tree that was seen.
    let from = last.as_ref().map(|last| match args.all {
        true => last.from_the_first(),
        false => last.clone(),
    });
    let mine = match mine::check(&file, &log, from.as_ref()) {
        Ok(mine) => mine,
        Err(error) if error.is_lie() => return unsound(args.json, &lie(args.lang(), &error)),
        Err(error) => return Err(error).with_context(|| format!("asking {url}")),
    };
    let same_log =
        |last: &Seen| last.checkpoint.lines().next() == mine.seen.checkpoint.lines().next();
    if let Some(last) = last.filter(|last| last.next > mine.seen.next && same_log(last)) {
        return unsound(args.json, &fewer(args.lang(), last.next, mine.seen.next));
    }
    let text = serde_json::to_vec(&mine.seen)?;
    write_durably(&SystemDisk, &path, &text)
        .with_context(|| format!("keeping what was seen in {}", path.display()))?;
    match args.json {
        true => show_json(&mine)?,
        false => show_text(args.lang(), &mine, file.demands_witnesses())?,
    }
    Ok(match mine.confirmed {
        true => Exit::Done,
        false => Exit::Unsound,
    })
}

fn key_file(args: &MineArgs) -> Result<KeyFile> {
    let reading = |path: &Path| format!("reading {}", path.display());
    let text = fs::read_to_string(&args.key).with_context(|| reading(&args.key))?;
    let text = Zeroizing::new(text);
    let mut file = KeyFile::parse(&text).with_context(|| args.key.display().to_string())?;
    if let Some(path) = &args.policy {
        let bytes = fs::read(path).with_context(|| reading(path))?;
        file.believe(Policy::parse(&bytes).with_context(|| path.display().to_string())?);
    }
    Ok(file)
}

fn seen_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".seen");
    name.into()
}

fn last_seen(path: &Path) -> Result<Option<Seen>> {
    match fs::read(path) {
        Ok(bytes) => {
            let seen = serde_json::from_slice(&bytes);
            let hint = || format!("{} is damaged; remove it to begin anew", path.display());
            Ok(Some(seen.with_context(hint)?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn show_json(mine: &Mine) -> Result<()> {
    let witnesses: Vec<_> = mine
        .verdict
        .cosigned
        .iter()
        .map(|one| json!({ "name": one.name, "time": one.time }))
        .collect();
    show::json(&json!({
        "sound": mine.confirmed,
        "entries": mine.seen.next,
        "looks": mine.seen.looks,
        "new": mine.new,
        "complete_below": mine.seen.covered,
        "complete_until": time(mine.seen.covered_ms),
        "not_covered_yet": mine.uncovered,
        "cosigned": witnesses,
        "witnesses": mine.verdict.witnesses,
        "quorum": mine.verdict.quorum,
    }))
}

fn show_text(lang: Lang, mine: &Mine, demanded: bool) -> Result<()> {
    for entry in &mine.new {
        show::line(one(entry))?;
    }
    show::line(summary(lang, mine, demanded))?;
    if !mine.confirmed {
        show::line(match lang {
            Lang::Zh => "见证人不够：这份清单目前只有记录方自己作保，不算已证实。",
            Lang::En => {
                "NOT confirmed: too few witnesses; so far the list is only the operator's own word."
            }
        })?;
    }
    Ok(())
}

/// One entry, in the words of the trace: when, what, who, why.
fn one(entry: &MineEntry) -> String {
    let event = &entry.event;
    let mut text = format!(
        "#{} {}  {}/{}  {}",
        entry.n + 1,
        event.time,
        event.action.name(),
        event.outcome.name(),
        event.name
    );
    if let Some(purpose) = &event.purpose {
        text.push_str(&format!("  [{purpose}]"));
    }
    if !event.fields.is_empty() {
        text.push_str(&format!("  {}", event.fields.join(", ")));
    }
    text
}

/// What was found; `demanded` tells whether the policy asks for any witness's word.
fn summary(lang: Lang, mine: &Mine, demanded: bool) -> String {
    let (looks, entries, new) = (mine.seen.looks, mine.seen.next, mine.new.len());
    let until = time(mine.seen.covered_ms);
    let (by, of) = (mine.verdict.cosigned.len(), mine.verdict.witnesses);
    let confirmed = confirmed(lang, demanded, by, of);
    match lang {
        Lang::Zh => format!(
            "您的信息被查看过 {looks} 次（共 {entries} 条记录，其中新的 {new} 条）；到 {until} 为止，这份清单是完整的{confirmed}"
        ),
        Lang::En => format!(
            "You were looked at {looks} times ({entries} entries, {new} of them new); this list is complete up to {until}{confirmed}"
        ),
    }
}

/// Who confirmed it: the sentence's end.
fn confirmed(lang: Lang, demanded: bool, by: usize, of: usize) -> String {
    match (lang, demanded, of) {
        (Lang::Zh, _, 0) => "。没有见证人确认。".to_owned(),
        (Lang::Zh, true, _) => format!("，{of} 位见证人中有 {by} 位确认。"),
        (Lang::Zh, false, _) => {
            format!("。没有要求见证人确认；{of} 位见证人中有 {by} 位作了确认。")
        }
        (Lang::En, _, 0) => ". No witness confirmed it.".to_owned(),
        (Lang::En, true, _) => format!(", confirmed by {by} of {of} witnesses."),
        (Lang::En, false, _) => {
            format!(". No confirmation is demanded; {by} of {of} witnesses gave one.")
        }
    }
}

fn time(ms: u64) -> String {
    rfc3339(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn lie(lang: Lang, error: &MineError) -> String {
    match lang {
        Lang::Zh => format!("记录与其签名的内容不符：{error}"),
        Lang::En => error.to_string(),
    }
}

fn fewer(lang: Lang, before: u64, now: u64) -> String {
    match lang {
        Lang::Zh => format!("上次有 {before} 条记录，现在只给出 {now} 条"),
        Lang::En => format!("{before} entries were seen last time, and only {now} are shown now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_demands_nothing_is_said_to() {
        let rows = [
            (Lang::En, true, 2, 3, ", confirmed by 2 of 3 witnesses."),
            (
                Lang::En,
                false,
                0,
                3,
                ". No confirmation is demanded; 0 of 3 witnesses gave one.",
            ),
            (Lang::En, false, 0, 0, ". No witness confirmed it."),
            (Lang::Zh, true, 2, 3, "，3 位见证人中有 2 位确认。"),
            (
                Lang::Zh,
                false,
                1,
                3,
                "。没有要求见证人确认；3 位见证人中有 1 位作了确认。",
            ),
            (Lang::Zh, false, 0, 0, "。没有见证人确认。"),
        ];
        for (lang, demanded, by, of, expected) in rows {
            assert_eq!(confirmed(lang, demanded, by, of), expected);
        }
    }
}
