//! The report for a person at a terminal.

use std::io::{self, Write};
use std::time::Duration;

use liuhen_service::scan::{Finding, Hot, Note, Summary};

use super::Report;
use super::words::{Labels, grouped, level_word, pace, say};
use crate::show::{pad, plain};

/// Places to look first that are shown; `--json` holds more.
const PLACES: usize = 15;
/// Paths not read that are shown; `--json` holds all.
const NOTES: usize = 20;
/// Masked samples shown with `--show`.
const SAMPLES: usize = 200;

/// The report.
pub(super) struct Terminal<'p> {
    labels: Labels<'p>,
    chinese: bool,
    show: bool,
    shown: usize,
}

impl<'p> Terminal<'p> {
    pub(super) fn new(labels: Labels<'p>, show: bool) -> Self {
        Self {
            labels,
            chinese: labels.chinese,
            show,
            shown: 0,
        }
    }

    fn kinds(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let zh = self.chinese;
        if summary.count() == 0 {
            return writeln!(
                out,
                "{}",
                say(zh, "没有发现个人信息", "no personal information found")
            );
        }
        let (kind, level, count) = match zh {
            true => ("种类", "级别", "数量"),
            false => ("kind", "level", "count"),
        };
        writeln!(
            out,
            "{}  {}  {}",
            pad(kind, 28),
            pad(level, 9),
            right(count, 10)
        )?;
        for (kind, level, count) in summary.kinds() {
            let label = self.labels.of(kind);
            let level = pad(level_word(level, zh), 9);
            writeln!(
                out,
                "{}  {level}  {}",
                pad(label, 28),
                right(&grouped(count), 10)
            )?;
        }
        if summary.sets > 0 {
            let sets = grouped(summary.sets);
            match zh {
                true => writeln!(out, "有 {sets} 人的多种信息成套出现")?,
                false => writeln!(out, "{sets} persons have several kinds together, as a set")?,
            }
        }
        Ok(())
    }

    fn places(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let zh = self.chinese;
        if summary.places().is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n{}",
            say(zh, "先看这些地方：", "places to look first:")
        )?;
        for (rank, hot) in (1..).zip(summary.places().iter().take(PLACES)) {
            writeln!(out, "{rank:>3}. {}", plain(&hot.path))?;
            writeln!(out, "     {}", self.place(hot))?;
        }
        let more = summary.files_with.saturating_sub(PLACES as u64);
        match (more, zh) {
            (0, _) => Ok(()),
            (_, true) => writeln!(out, "     另有 {more} 个文件有发现；--json 会全部列出"),
            (_, false) => writeln!(
                out,
                "     and {more} more files with findings; --json lists them all"
            ),
        }
    }

    fn place(&self, hot: &Hot) -> String {
        let zh = self.chinese;
        let label = |kind| self.labels.of(kind);
        let kinds: Vec<&str> = hot.kinds.iter().take(5).map(|kind| label(*kind)).collect();
        let kinds = kinds.join(say(zh, "、", ", "));
        let level = level_word(hot.level, zh);
        let found = grouped(hot.findings);
        let sets = match (hot.sets, zh) {
            (0, _) => String::new(),
            (sets, true) => format!("；{sets} 人成套"),
            (sets, false) => format!("; {sets} persons with sets"),
        };
        let pictures = match (hot.pictures, zh) {
            (0, _) => String::new(),
            (n, true) => format!("；同一文件夹有 {n} 张人脸或证件图片"),
            (n, false) => format!("; {n} pictures of faces or documents beside it"),
        };
        match zh {
            true => format!("最高级别{level}，{found} 处：{kinds}{sets}{pictures}"),
            false => format!("up to {level}, {found} findings: {kinds}{sets}{pictures}"),
        }
    }

    fn notes(&self, out: &mut dyn Write, notes: &[Note]) -> io::Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        // What failed stands before what is never read.
        let mut order: Vec<&Note> = notes.iter().collect();
        order.sort_by_key(|note| !note.reason.is_failure());
        let (zh, count) = (self.chinese, grouped(notes.len() as u64));
        match zh {
            true => writeln!(out, "\n没有读、或没有读完的 {count} 处：")?,
            false => writeln!(out, "\nnot read, or not wholly ({count}):")?,
        }
        for note in order.iter().take(NOTES) {
            writeln!(
                out,
                "  {}: {}",
                plain(&note.path),
                plain(&note.reason.text(self.labels.lang()))
            )?;
        }
        match (notes.len().saturating_sub(NOTES), zh) {
            (0, _) => Ok(()),
            (more, true) => writeln!(out, "  另有 {more} 处；--json 会全部列出"),
            (more, false) => writeln!(out, "  and {more} more; --json lists them all"),
        }
    }

    fn counts(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let rows = [
            (
                summary.accepted,
                "处发现已被基线接受",
                "findings accepted by the baseline",
            ),
            (
                summary.allowed,
                "处发现被 liuhen:allow 标注接受",
                "findings accepted by liuhen:allow",
            ),
            (
                summary.ignored,
                "个路径被排除（.liuhenignore、.git）",
                "paths left out (.liuhenignore, .git)",
            ),
            (
                summary.malformed,
                "处字节无法解码",
                "sequences of bytes that do not decode",
            ),
            (
                summary.pictures.unlikely,
                "张图片缩小后未见文字，未细看（--triage）",
                "pictures passed over: no text at a small size (--triage)",
            ),
            (
                summary.pictures.small,
                "张图片过小，未看（--triage）",
                "pictures passed over: too small to be read (--triage)",
            ),
            (
                summary.pictures.repeated,
                "张图片与先前的相同，只看一次",
                "pictures equal to earlier ones, looked at once",
            ),
        ];
        for (count, zh, en) in rows.into_iter().filter(|(count, ..)| *count > 0) {
            writeln!(out, "{} {}", grouped(count), say(self.chinese, zh, en))?;
        }
        Ok(())
    }
}

impl Report for Terminal<'_> {
    fn finding(&mut self, out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()> {
        let Some(masked) = finding.masked.as_deref().filter(|_| self.show) else {
            return Ok(());
        };
        self.shown += 1;
        if self.shown > SAMPLES {
            return Ok(());
        }
        let label = self.labels.of(finding.kind());
        let place = format!("{}, {}", plain(path), finding.site);
        writeln!(out, "{}  {}  {place}", pad(label, 20), pad(masked, 24))
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary, took: Duration) -> io::Result<()> {
        match (self.shown.saturating_sub(SAMPLES), self.shown, self.chinese) {
            (0, 0, _) => {}
            (0, ..) => writeln!(out)?,
            (more, _, true) => writeln!(out, "另有 {more} 处未逐条显示\n")?,
            (more, _, false) => writeln!(out, "and {more} more\n")?,
        }
        self.kinds(out, summary)?;
        self.places(out, summary)?;
        self.notes(out, &summary.notes)?;
        writeln!(out)?;
        self.counts(out, summary)?;
        writeln!(
            out,
            "{}",
            pace(self.chinese, summary.files, summary.bytes, took)
        )
    }
}

/// Text at the right of a column.
fn right(text: &str, width: usize) -> String {
    let used = pad(text, 0)
        .chars()
        .map(|c| if c.is_ascii() { 1 } else { 2 })
        .sum::<usize>();
    format!("{}{text}", " ".repeat(width.saturating_sub(used)))
}
