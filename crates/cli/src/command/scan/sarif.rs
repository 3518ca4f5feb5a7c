//! `--sarif`: what code hosts and editors read.
//!
//! Rule: SARIF 2.1.0 (OASIS, 2020-03-27). Results are written as they come, so that a log of any
//! length costs no memory; rules and notes follow them, the order of members being free. A rule's
//! index is therefore its place in the order of first findings.
//! Columns count code points, as `columnKind` says. Byte offsets would count bytes of the file and
//! not of its decoded text (section 3.30.11), so they are told among the properties only.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use liuhen_kinds::{Kind, Lang, Level};
use liuhen_service::scan::{self, Finding, Note, Pictures, Summary};
use serde_json::{Value, json};

use super::words::{Labels, level_name};
use super::{Report, lines};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report.
pub(super) struct Sarif<'p> {
    labels: Labels<'p>,
    /// Kinds in the order of their first findings, which is that of the rules.
    kinds: Vec<Kind>,
    /// The file that was told of last, and its findings so far, by kind.
    path: String,
    told: BTreeMap<Kind, u64>,
    begun: bool,
}

impl<'p> Sarif<'p> {
    pub(super) fn new(labels: Labels<'p>) -> Self {
        Self {
            labels,
            kinds: Vec::new(),
            path: String::new(),
            told: BTreeMap::new(),
            begun: false,
        }
    }

    fn rule_index(&mut self, kind: Kind) -> usize {
        let known = self.kinds.iter().position(|known| *known == kind);
        known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        })
    }

    /// Which finding of its kind in its file this is, from 1.
    fn ordinal(&mut self, path: &str, kind: Kind) -> u64 {
        if self.path != path {
            path.clone_into(&mut self.path);
            self.told.clear();
        }
        let told = self.told.entry(kind).or_insert(0);
        *told += 1;
        *told
    }
}

impl Report for Sarif<'_> {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"columnKind\":\"unicodeCodePoints\",\"results\":["
        )
    }

    fn finding(&mut self, out: &mut dyn Write, path: &str, finding: &Finding) -> io::Result<()> {
        let mut result = result(path, finding, self.labels);
        result["ruleIndex"] = self.rule_index(finding.kind()).into();
        // As a baseline does, a result is known again by its kind and order in the file. A digest
        // of the value would be the value: eleven digits are tried in seconds.
        let ordinal = self.ordinal(path, finding.kind()).to_string();
        result["partialFingerprints"] = json!({ "ordinalOfKindInFile/v1": ordinal });
        if std::mem::replace(&mut self.begun, true) {
            out.write_all(b",\n")?;
        }
        serde_json::to_writer(out, &result)?;
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary, _took: Duration) -> io::Result<()> {
        let rules: Vec<Value> = self
            .kinds
            .iter()
            .map(|kind| rule(*kind, self.labels))
            .collect();
        let notes: Vec<Value> = summary.notes.iter().map(notification).collect();
        let driver = json!({
            "name": "liuhen",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        let mut invocation = json!({
            "executionSuccessful": !summary.is_incomplete(),
            "toolExecutionNotifications": notes,
        });
        if summary.pictures != Pictures::default() {
            invocation["properties"] = json!({ "pictures": lines::pictures(&summary.pictures) });
        }
        write!(
            out,
            "],\"tool\":{},\"invocations\":[{invocation}]}}]}}",
            json!({ "driver": driver })
        )?;
        out.write_all(b"\n")
    }
}

fn result(path: &str, finding: &Finding, labels: Labels<'_>) -> Value {
    let kind = finding.kind();
    let label = scan::label(labels.packs, kind, Lang::En);
    let (start, end) = finding.span.chars;
    let mut physical = json!({ "artifactLocation": { "uri": uri(path) } });
    if let (Some((line, column)), Some((end_line, end_column))) = (finding.site.line(), finding.end)
    {
        physical["region"] = json!({
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
            "charOffset": start,
            "charLength": end - start,
        });
    }
    let per_mille = (f64::from(finding.confidence()) * 1000.0).round();
    let mut text = format!("{label} ({})", finding.site);
    if let Some(masked) = &finding.masked {
        text = format!("{text}: {masked}");
    }
    // A logical location that lies in no other: both names are the same (section 3.33.5).
    let site = finding.site.to_string();
    json!({
        "ruleId": kind.name(),
        "level": severity(finding.level),
        "message": { "text": text },
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{ "name": site, "fullyQualifiedName": site }],
        }],
        "rank": per_mille / 10.0,
        "properties": {
            "level": level_name(finding.level),
            "confidence": per_mille / 1000.0,
            "evidence": finding.reasons().collect::<Vec<_>>(),
            "bytes": finding.span.bytes,
            "chars": finding.span.chars,
            "utf16": finding.span.utf16,
        },
    })
}

fn rule(kind: Kind, labels: Labels<'_>) -> Value {
    json!({
        "id": kind.name(),
        "shortDescription": { "text": scan::label(labels.packs, kind, Lang::En) },
        "fullDescription": { "text": scan::label(labels.packs, kind, Lang::Zh) },
        "defaultConfiguration": { "level": severity(scan::level(labels.packs, kind)) },
    })
}

fn notification(note: &Note) -> Value {
    json!({
        "level": if note.reason.is_failure() { "error" } else { "note" },
        "message": { "text": note.reason.text(Lang::En) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&note.path) } } }],
    })
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Low => "note",
        Level::Medium => "warning",
        Level::High | Level::VeryHigh => "error",
    }
}

/// A path as a reference (RFC 3986): what no path may hold is written in percent.
fn uri(path: &str) -> String {
    let absolute = if path.starts_with('/') { "file://" } else { "" };
    let mut out = absolute.to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        let rows = [
            ("a/b.csv", "a/b.csv"),
            ("/tmp/a b", "file:///tmp/a%20b"),
            ("名单#1", "%E5%90%8D%E5%8D%95%231"),
            ("-", "-"),
        ];
        for (path, expected) in rows {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn a_log_without_results_is_whole() {
        let mut out = Vec::new();
        let mut sarif = Sarif::new(Labels {
            packs: &[],
            chinese: false,
        });
        sarif.begin(&mut out).unwrap();
        sarif
            .end(&mut out, &Summary::default(), Duration::ZERO)
            .unwrap();
        let log: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["name"], "liuhen");
        assert_eq!(log["runs"][0]["results"], json!([]));
    }
}
