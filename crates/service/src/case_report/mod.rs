//! The report on a case: one document, shown as HTML by the program and as PDF here.
//!
//! Everything in it comes out of the case's folder; no clock is asked, so that the same folder,
//! rules and version give the same bytes. It holds places, numbers and sums, never a value. The
//! wording is advice throughout: nothing here says that a number makes something lawful.

mod sections;

use std::fs;
use std::io;
use std::path::Path;

use liuhen_forensics::case::{Act, Entry, Listing, Verified, latest};
use liuhen_kinds::Lang;
use liuhen_paper::{Bar, Bars, Column, Lang as PaperLang, Meta, Paper};
use liuhen_picture::Font;
use serde_json::{Value, json};

use crate::error::{Result, ServiceError};

/// A part of the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading of level 2 or 3.
    Heading(u8, String),
    /// Running text.
    Text(String),
    /// A sum, key or checkpoint.
    Hash(String),
    /// Names and what they stand for.
    Pairs(Vec<(String, String)>),
    /// A table.
    Table(Vec<Head>, Vec<Vec<String>>),
    /// Horizontal bars; the title says what they are of.
    Chart(Chart),
    /// Files, and which came from which: by their places, with what is said of it. Its numbers stand in a table beside it.
    Graph(Vec<String>, Vec<Arrow>),
}

/// The head of a column: its words, its share of the width, whether it holds numbers.
pub type Head = (String, f32, bool);

/// A bar chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// Label, length, note.
    pub bars: Vec<(String, f64, String)>,
}

/// One file came from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The earlier file, by its place.
    pub from: usize,
    /// The later file.
    pub to: usize,
    /// Whether it is known which is which.
    pub directed: bool,
    /// What it is said to be.
    pub label: String,
}

/// The document.
#[derive(Debug)]
pub struct CaseReport {
    /// Its title.
    pub title: String,
    /// The case, at the top of each page.
    pub header: String,
    /// Program and rules, at the bottom.
    pub footer: String,
    /// Its language.
    pub lang: Lang,
    /// Its parts.
    pub blocks: Vec<Block>,
    /// The same for machines.
    pub json: Value,
}

/// What a report is made from.
pub(crate) struct Material {
    head: Value,
    exhibits: Vec<Listing>,
    entries: Vec<Entry>,
    vkey: String,
    checkpoint: Option<String>,
    faults: Vec<String>,
    /// The last count: folder, `count.json`.
    count: Option<(String, Value)>,
    slang: Value,
    /// The last estimate of the last count: folder, `estimate.json`.
    estimate: Option<(String, Value)>,
}

/// Makes the report of a case that was just verified.
///
/// # Errors
///
/// [`ServiceError::Invalid`] when a listing or result cannot be read.
pub fn case_report(dir: &Path, verified: &Verified, lang: Lang) -> Result<CaseReport> {
    let material = Material::read(dir, verified)?;
    Ok(sections::document(&material, lang))
}

impl CaseReport {
    /// The report as PDF.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Setup`] when the machine has no font with the characters.
    pub fn pdf(&self) -> Result<Vec<u8>> {
        let chinese = self.lang == Lang::Zh;
        let sample = if chinese {
            "案件报告检材统计核验"
        } else {
            "Report"
        };
        let font = Font::find(None, sample).map_err(setup)?;
        let meta = Meta {
            title: self.title.clone(),
            lang: if chinese {
                PaperLang::Chinese
            } else {
                PaperLang::English
            },
            header: self.header.clone(),
            footer: self.footer.clone(),
            created: None,
        };
        let paper = Paper::new(&font, meta).heading(1, self.title.clone());
        let paper = self.blocks.iter().fold(paper, set);
        paper.finish().map_err(setup)
    }
}

fn setup(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Setup(error.to_string())
}

fn set<'f>(paper: Paper<'f>, block: &Block) -> Paper<'f> {
    match block {
        Block::Heading(level, text) => paper.heading(*level, text.clone()),
        Block::Text(text) => paper.paragraph(text.clone()),
        Block::Hash(text) => paper.hash(text.clone()),
        Block::Pairs(pairs) => paper.pairs(pairs.clone()),
        Block::Table(heads, rows) => {
            let column = |(title, width, right): &Head| {
                let column = Column::new(title.clone()).parts(*width);
                if *right { column.right() } else { column }
            };
            paper.table(heads.iter().map(column).collect(), rows.iter().cloned())
        }
        Block::Chart(chart) => {
            let bar = |(label, value, note): &(String, f64, String)| Bar {
                label: label.clone(),
                value: *value,
                note: note.clone(),
            };
            paper.heading(3, chart.title.clone()).bars(Bars {
                bars: chart.bars.iter().map(bar).collect(),
                threshold: None,
            })
        }
        // The table beside it says the same.
        Block::Graph(..) => paper,
    }
}

impl Material {
    fn read(dir: &Path, verified: &Verified) -> Result<Self> {
        let entries = verified.entries.clone();
        let mut exhibits = Vec::new();
        for entry in &entries {
            if let Act::Sealed(sealed) = &entry.act {
                let path = dir.join(format!("{}.json", sealed.folder));
                exhibits.push(parsed(&path, load(&path)?)?);
            }
        }
        let count = match latest(&entries, "count") {
            Some(folder) => Some((folder.to_owned(), value(dir, folder, "count.json")?)),
            None => None,
        };
        let slang = match &count {
            Some((folder, _)) if dir.join(folder).join("slang.json").exists() => {
                value(dir, folder, "slang.json")?
            }
            _ => Value::Null,
        };
        Ok(Self {
            head: parsed(&dir.join("case.json"), load(&dir.join("case.json"))?)?,
            exhibits,
            vkey: verified.vkey.clone(),
            checkpoint: verified.checkpoint.clone(),
            faults: verified.faults.iter().map(ToString::to_string).collect(),
            estimate: estimate(dir, &entries, count.as_ref())?,
            count,
            slang,
            entries,
        })
    }

    fn json(&self) -> Value {
        json!({
            "liuhen_case_report": 1,
            "case": self.head,
            "exhibits": self.exhibits,
            "custody": { "entries": self.entries, "checkpoint": self.checkpoint, "vkey": self.vkey },
            "faults": self.faults,
            "count": self.count.as_ref().map(|(_, count)| count),
            "count_result": self.count.as_ref().map(|(folder, _)| folder),
            "estimate": self.estimate.as_ref().map(|(_, estimate)| estimate),
            "estimate_result": self.estimate.as_ref().map(|(folder, _)| folder),
            "slang": self.slang,
            "program": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// The last estimate that is of the last count.
fn estimate(
    dir: &Path,
    entries: &[Entry],
    count: Option<&(String, Value)>,
) -> Result<Option<(String, Value)>> {
    let Some((counted, _)) = count else {
        return Ok(None);
    };
    let Some(folder) = latest(entries, "verdict") else {
        return Ok(None);
    };
    let found = value(dir, folder, "estimate.json")?;
    let same = found.get("count").and_then(Value::as_str) == Some(counted);
    Ok(same.then(|| (folder.to_owned(), found)))
}

fn value(dir: &Path, folder: &str, name: &str) -> Result<Value> {
    let path = dir.join(folder).join(name);
    parsed(&path, load(&path)?)
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let failed = |error: io::Error| setup(format_args!("{}: {error}", path.display()));
    fs::read(path).map_err(failed)
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path, bytes: Vec<u8>) -> Result<T> {
    let failed = |_| {
        setup(format_args!(
            "{} is damaged: verify the case",
            path.display()
        ))
    };
    serde_json::from_slice(&bytes).map_err(failed)
}
