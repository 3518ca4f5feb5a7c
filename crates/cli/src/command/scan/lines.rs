//! `--json`: a line for every finding, and a last line for the scan.

use std::io::{self, Write};
use std::time::Duration;

use liuhen_kinds::Lang;
use liuhen_service::scan::{Finding, Pictures, Summary};
use serde::Serialize;
use serde_json::{Value, json};

use super::Report;
use super::words::{LEVELS, level_name};

/// The report.
pub(super) struct Lines;

/// A finding as programs read it; the order of the members is that of the documentation.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    locator: String,
    kind: &'a str,
    bytes: (u64, u64),
    chars: (u64, u64),
    utf16: (u64, u64),
    confidence: f32,
    evidence: Vec<&'a str>,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<&'a str>,
}

impl Report for Lines {
    fn finding(&mut self, out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()> {
        let kind = finding.kind();
        let line = Line {
            path,
            locator: finding.site.to_string(),
            kind: kind.name(),
            bytes: finding.span.bytes,
            chars: finding.span.chars,
            utf16: finding.span.utf16,
            confidence: finding.confidence(),
            evidence: finding.reasons().collect(),
            level: level_name(finding.level),
            person: finding.person(),
            masked: finding.masked.as_deref(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary, took: Duration) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &json!({ "summary": told(summary, took) }))?;
        out.write_all(b"\n")
    }
}

/// The summary as programs read it.
fn told(summary: &Summary, took: Duration) -> Value {
    let kinds = summary.kinds().into_iter().map(|(kind, level, count)| {
        let told = json!({ "count": count, "level": level_name(level) });
        (kind.name().to_owned(), told)
    });
    let levels = LEVELS.into_iter().map(|level| {
        let of = summary
            .findings
            .iter()
            .filter(|((_, one), _)| *one == level);
        (
            level_name(level).to_owned(),
            of.map(|(_, count)| count).sum::<u64>().into(),
        )
    });
    let places = summary.places().iter().map(|hot| {
        let kinds: Vec<&str> = hot.kinds.iter().map(|kind| kind.name()).collect();
        json!({
            "path": hot.path, "level": level_name(hot.level), "findings": hot.findings,
            "kinds": kinds, "sets": hot.sets, "largest_set": hot.largest_set, "pictures": hot.pictures,
            "weight": hot.weight,
        })
    });
    let unreadable = summary.notes.iter().map(|note| {
        json!({
            "path": note.path, "error": note.reason.code(), "detail": note.reason.text(Lang::En),
            "failed": note.reason.is_failure(),
        })
    });
    json!({
        "files": summary.files,
        "bytes": summary.bytes,
        "seconds": (took.as_secs_f64() * 1000.0).round() / 1000.0,
        "findings": summary.count(),
        "files_with_findings": summary.files_with,
        "kinds": kinds.collect::<serde_json::Map<_, _>>(),
        "levels": levels.collect::<serde_json::Map<_, Value>>(),
        "sets": summary.sets,
        "accepted": summary.accepted,
        "allowed": summary.allowed,
        "ignored": summary.ignored,
        "malformed": summary.malformed,
        "pictures": pictures(&summary.pictures),
        "complete": !summary.is_incomplete(),
        "places": places.collect::<Vec<_>>(),
        "unreadable": unreadable.collect::<Vec<_>>(),
    })
}

/// Pictures by how far they were looked at.
pub(super) fn pictures(pictures: &Pictures) -> Value {
    json!({
        "looked_at": pictures.looked,
        "repeated": pictures.repeated,
        "passed_over": { "small": pictures.small, "unlikely": pictures.unlikely },
    })
}
