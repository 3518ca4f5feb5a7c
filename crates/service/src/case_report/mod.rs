//! The report on a case: one document, shown as HTML by the program and as PDF here.
//!
//! Everything in it comes out of the case's folder; no clock is asked, so that the same folder,
//! rules and version give the same bytes. It holds places, numbers and sums, never a value. The
//! wording is advice throughout: nothing here says that a number makes something lawful.

mod sections;

use std::fs;
use std::io;
use std::path::Path;

use liuhen_forensics::case::{
    Act, Entry, Listing, Verified, latest, listing, results, sealed_bytes,
};
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
    /// Whether it was checked under a key or checkpoint that was told apart from the folder.
    told_apart: bool,
    /// What is not as it was sealed and therefore not shown.
    withheld: Vec<String>,
    /// The last count: folder, `count.json`.
    count: Option<(String, Value)>,
    /// Words of the trade in that count's exhibits.
    slang: Value,
    /// Of the list of those words.
    slang_version: String,
    /// The last estimate of the last count: folder, `estimate.json`.
    estimate: Option<(String, Value)>,
}

/// Makes the report of a case that was just verified; `told_apart` says whether under a key or a
/// checkpoint that did not come with the folder.
///
/// Listings and results that are not as they were sealed are not shown, and named instead.
///
/// # Errors
///
/// [`ServiceError::Setup`] when the case's head, or a result in its sealed form, cannot be read.
pub fn case_report(
    dir: &Path,
    verified: &Verified,
    told_apart: bool,
    lang: Lang,
) -> Result<CaseReport> {
    let material = Material::read(dir, verified, told_apart)?;
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
    fn read(dir: &Path, verified: &Verified, told_apart: bool) -> Result<Self> {
        let entries = verified.entries.clone();
        let mut withheld = Vec::new();
        let mut exhibits = Vec::new();
        for entry in &entries {
            if let Act::Sealed(sealed) = &entry.act {
                match listing(dir, &entries, &sealed.folder) {
                    Ok(listing) => exhibits.push(listing),
                    Err(_) => withheld.push(sealed.folder.clone()),
                }
            }
        }
        let mut value = |folder: &str, name: &str| -> Result<Option<Value>> {
            match sealed_bytes(dir, &entries, folder, name) {
                Ok(bytes) => Ok(Some(parsed(&dir.join(folder).join(name), bytes)?)),
                Err(_) => {
                    withheld.push(format!("{folder}/{name}"));
                    Ok(None)
                }
            }
        };
        let mut count = None;
        if let Some(folder) = latest(&entries, "count") {
            count = value(folder, "count.json")?.map(|count| (folder.to_owned(), count));
        }
        let (mut slang, mut slang_version) = (Value::Null, String::new());
        if let Some((folder, _)) = &count
            && let Some(heard) = value(folder, "slang.json")?
        {
            slang = heard.get("heard").cloned().unwrap_or_default();
            let version = heard.get("words").and_then(Value::as_str);
            slang_version = version.unwrap_or_default().to_owned();
        }
        // The last verdict of the last count, whatever was marked after it.
        let mut estimate = None;
        if let Some((counted, _)) = &count {
            for folder in results(&entries, "verdict") {
                let Some(found) = value(folder, "estimate.json")? else {
                    continue;
                };
                if found.get("count").and_then(Value::as_str) == Some(counted) {
                    estimate = Some((folder.to_owned(), found));
                }
            }
        }
        let head = dir.join("case.json");
        Ok(Self {
            head: parsed(&head, load(&head)?)?,
            exhibits,
            vkey: verified.vkey.clone(),
            checkpoint: verified.checkpoint.clone(),
            faults: verified.faults.iter().map(ToString::to_string).collect(),
            told_apart,
            withheld,
            estimate,
            count,
            slang,
            slang_version,
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
            "told_apart": self.told_apart,
            "withheld": self.withheld,
            "count": self.count.as_ref().map(|(_, count)| count),
            "count_result": self.count.as_ref().map(|(folder, _)| folder),
            "estimate": self.estimate.as_ref().map(|(_, estimate)| estimate),
            "estimate_result": self.estimate.as_ref().map(|(folder, _)| folder),
            "slang": self.slang,
            "slang_words": self.slang_version,
            "program": env!("CARGO_PKG_VERSION"),
        })
    }
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
