//! What became of a batch: counted, with what a person added and released by hand; and its package.
//!
//! Holds no name of a file: names say who is in the picture. A line is told by its number and by the sums of file and copy.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use liuhen_kinds::Kind;
use serde::Serialize;
use zip::ZipWriter;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;

use super::bench::Bytes;
use super::{ReviewCopy, ReviewMark, ReviewState, ReviewView, counted};
use crate::clock::{UnixMs, rfc3339};
use crate::sight::{Sort, pixels};

/// What became of all pictures of a member.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewSummary {
    /// Of this format.
    pub version: u8,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Version of the numbers the pictures were taken by.
    pub rules: String,
    /// Pictures brought and not dropped.
    pub pictures: u64,
    /// Pages of all that were looked at; a picture is one.
    pub pages: u64,
    /// Of these pictures, with a copy.
    pub copies: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Marks hidden in all copies, by kind.
    pub hidden: BTreeMap<Kind, u64>,
    /// Codes hidden in all copies.
    pub codes: u64,
    /// Places hidden in all copies to be sure: numbers of no known kind, text that could not be read.
    pub unsure: u64,
    /// Boxes drawn by hand, in all copies.
    pub added: u64,
    /// Marks released by hand, in all copies.
    pub released: u64,
    /// A line for each picture.
    pub lines: Vec<ReviewLine>,
}

/// What became of one picture or PDF.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewLine {
    /// Its number.
    pub number: u32,
    /// Its pages, 1 for a picture; 0 for what was not looked at.
    pub pages: u64,
    /// Where it stands.
    pub state: ReviewState,
    /// Why it was refused or has no copy: a stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
    /// SHA-256 of the file that came.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub original_sha256: String,
    /// Name of the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    /// SHA-256 of the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_sha256: Option<String>,
    /// Times it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
    /// Whether faces are coarse squares instead of filled.
    pub faces_coarse: bool,
    /// Marks hidden in the copy, by kind.
    pub hidden: BTreeMap<Kind, u64>,
    /// Codes hidden in the copy.
    pub codes: u64,
    /// Places hidden in the copy to be sure.
    pub unsure: u64,
    /// Marks that only a later look found, whatever became of them.
    pub found_later: u64,
    /// Boxes drawn by hand on the picture or the first page, as decided last: left, top, width, height in pixels.
    pub added: Vec<[u32; 4]>,
    /// Boxes drawn by hand on further pages, by the number of the page.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub added_on: BTreeMap<u32, Vec<[u32; 4]>>,
    /// Marks released by hand, as decided last.
    pub released: Vec<Released>,
}

/// A mark that a person released.
#[derive(Debug, Clone, Serialize)]
pub struct Released {
    /// On which page, from 1.
    pub page: u32,
    /// Of which sort.
    pub sort: Sort,
    /// Kinds of what stands there.
    pub kinds: Vec<Kind>,
    /// The upright box around it: left, top, width, height in pixels.
    pub area: [u32; 4],
}

impl ReviewSummary {
    pub(super) fn of(views: &[ReviewView], now: UnixMs, rules: &str) -> Self {
        let lines: Vec<ReviewLine> = views.iter().map(ReviewLine::of).collect();
        let mut summary = Self {
            version: 1,
            made: rfc3339(now),
            rules: rules.to_owned(),
            pictures: lines.len() as u64,
            pages: lines.iter().map(|line| line.pages).sum(),
            copies: 0,
            refused: 0,
            hidden: BTreeMap::new(),
            codes: 0,
            unsure: 0,
            added: 0,
            released: 0,
            lines,
        };
        for line in &summary.lines {
            summary.refused += u64::from(line.state == ReviewState::Refused);
            if line.copy.is_none() {
                continue;
            }
            summary.copies += 1;
            for (&kind, count) in &line.hidden {
                *summary.hidden.entry(kind).or_insert(0) += count;
            }
            summary.codes += line.codes;
            summary.unsure += line.unsure;
            let added = line.added_on.values().chain([&line.added]);
            summary.added += added.map(|boxes| boxes.len() as u64).sum::<u64>();
            summary.released += line.released.len() as u64;
        }
        summary
    }
}

impl ReviewLine {
    fn of(view: &ReviewView) -> Self {
        let marks = view.marks.iter();
        // Without a copy nothing is hidden.
        let hidden = marks
            .clone()
            .filter(|mark| view.copy.is_some() && !view.is_released(mark));
        let (hidden, codes, unsure) = counted(hidden);
        let mut added_on = view.decision.drawn.clone();
        Self {
            number: view.number,
            pages: view.pages.len() as u64,
            state: view.state,
            problem: view.problem.map(super::ReviewProblem::code),
            original_sha256: view.sha256.clone(),
            copy: view.copy.as_ref().map(|copy| copy.file_name.clone()),
            copy_sha256: view.copy.as_ref().map(|copy| copy.sha256.clone()),
            looks: view.copy.as_ref().map(|copy| copy.looks),
            faces_coarse: view.decision.coarsen,
            hidden,
            codes,
            unsure,
            found_later: marks.clone().filter(|mark| mark.late).count() as u64,
            added: added_on.remove(&1).unwrap_or_default(),
            added_on,
            released: marks
                .filter(|mark| view.is_released(mark))
                .map(Released::of)
                .collect(),
        }
    }
}

impl Released {
    fn of(mark: &ReviewMark) -> Self {
        Self {
            page: mark.page,
            sort: mark.mark.sort,
            kinds: mark.mark.kinds.clone(),
            area: mark.mark.area().as_ref().map_or([0; 4], pixels),
        }
    }
}

/// All copies and the summary in one file. Pictures are compressed already.
pub(super) fn packed(copies: &[(String, ReviewCopy, Bytes)], summary: &[u8]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (_, view, bytes) in copies {
        zip.start_file(view.file_name.as_str(), stored)?;
        zip.write_all(bytes)?;
    }
    zip.start_file("summary.json", stored)?;
    zip.write_all(summary)?;
    Ok(zip.finish()?.into_inner())
}
