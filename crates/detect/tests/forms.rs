//! Every written form of the main kinds, in every carrier it is met in.
//!
//! Rule: the list of forms that detection promises (docs/detection.md). The
//! tables know nothing of the engine; all misses are printed before the test
//! fails, so that one run tells the whole state.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test on 64 bits that prints what it misses and may panic"
)]

mod forms {
    pub(crate) mod carriers;
    pub(crate) mod encoded;
    pub(crate) mod others;
    pub(crate) mod rows;
    pub(crate) mod table;
}

use forms::carriers::{BARE, Carrier, LABELLED};
use forms::rows::rows;
use forms::table::{Form, forms, label};
use liuhen_detect::Detector;
use liuhen_document::Finding;
use liuhen_kinds::Kind;

/// What was found where something should have been.
struct Seen {
    confidence: Option<f32>,
    residual: bool,
    /// Findings that overlap it and are something else.
    others: Vec<String>,
}

/// Looks for `kind` at the first place of `slice`.
fn look(text: &str, kind: Kind, slice: &str) -> Seen {
    let at = text.find(slice).expect("the carrier holds the value");
    let end = at + slice.len();
    let here = |finding: &Finding| finding.span.bytes == (at as u64, end as u64);
    let touches =
        |finding: &Finding| finding.span.bytes.0 < end as u64 && (at as u64) < finding.span.bytes.1;
    let found = Detector::builtin().scan(text);
    let hit = found
        .iter()
        .find(|finding| finding.kind == kind && here(finding));
    let others = found
        .iter()
        .filter(|finding| touches(finding) && !(finding.kind == kind && here(finding)))
        // A mailbox or a pass phrase may hold another account's name; those are findings too.
        .filter(|finding| hit.is_none() || finding.kind != Kind::QQ)
        .map(|finding| {
            let (from, to) = (finding.span.bytes.0 as usize, finding.span.bytes.1 as usize);
            let text = text.get(from..to).unwrap_or("(no slice)");
            format!("{} {text:?} {:.2}", finding.kind, finding.confidence)
        })
        .collect();
    Seen {
        confidence: hit.map(|finding| finding.confidence),
        residual: hit.is_some_and(|finding| {
            finding
                .evidence
                .iter()
                .any(|reason| reason.code == "residual")
        }),
        others,
    }
}

/// What is wrong with what was seen, if something is.
fn fault(seen: &Seen, least: f32, below: Option<f32>, residual: bool) -> Option<String> {
    let others = seen.others.join(", ");
    let Some(confidence) = seen.confidence else {
        return Some(format!("missed; there: [{others}]"));
    };
    if confidence < least {
        return Some(format!("{confidence:.2} where at least {least:.2} is due"));
    }
    if below.is_some_and(|below| confidence >= below) {
        return Some(format!("{confidence:.2}, no less than the clean form"));
    }
    if residual != seen.residual {
        return Some(format!("residual: {}", seen.residual));
    }
    (!seen.others.is_empty()).then(|| format!("also [{others}]"))
}

/// The confidence of a form's clean sibling in the same carrier.
fn clean(all: &[Form], form: &Form, carrier: &Carrier) -> Option<f32> {
    let name = form.weaker_than?;
    let sibling = all
        .iter()
        .find(|other| other.kind == form.kind && other.name == name)?;
    let (text, slice) = carrier.carry(label(form.kind), &sibling.written);
    look(&text, form.kind, &slice).confidence
}

/// Prints the misses, in the order of the table, and fails if there are any.
fn verdict(what: &str, cases: usize, misses: &[String]) {
    for miss in misses {
        println!("{miss}");
    }
    println!("{what}: {} of {cases} cases missed", misses.len());
    assert!(
        misses.is_empty(),
        "{what}: {} of {cases} missed",
        misses.len()
    );
}

#[test]
fn every_form_beside_a_label() {
    let all = forms();
    let mut misses = Vec::new();
    for form in &all {
        for carrier in &LABELLED {
            let (text, slice) = carrier.carry(label(form.kind), &form.written);
            let seen = look(&text, form.kind, &slice);
            let below = clean(&all, form, carrier);
            if let Some(fault) = fault(&seen, form.labelled.min(carrier.most), below, form.residual)
            {
                misses.push(format!(
                    "{:18} | {:22} | {:8} | {fault} | {text:?}",
                    form.kind, form.name, carrier.name
                ));
            }
        }
    }
    verdict("labelled", all.len() * LABELLED.len(), &misses);
}

#[test]
fn every_form_that_speaks_for_itself() {
    let all = forms();
    let mut misses = Vec::new();
    let mut cases = 0;
    for form in &all {
        let Some(least) = form.bare else { continue };
        for carrier in &BARE {
            cases += 1;
            let (text, slice) = carrier.carry(label(form.kind), &form.written);
            let seen = look(&text, form.kind, &slice);
            if let Some(fault) = fault(&seen, least, None, form.residual) {
                misses.push(format!(
                    "{:18} | {:22} | {:13} | {fault} | {text:?}",
                    form.kind, form.name, carrier.name
                ));
            }
        }
    }
    verdict("bare", cases, &misses);
}

#[test]
fn every_text_that_is_more_than_a_frame() {
    let all = rows();
    let mut misses = Vec::new();
    for row in &all {
        let seen = look(&row.text, row.kind, &row.slice);
        if let Some(fault) = fault(&seen, row.least, None, false) {
            misses.push(format!(
                "{:18} | {} | {fault} | {:?}",
                row.kind, row.name, row.text
            ));
        }
    }
    verdict("texts", all.len(), &misses);
}

#[test]
fn a_masked_value_is_a_finding_of_its_own() {
    for (text, kind) in [
        ("联系人手机138****8000。", Kind::MOBILE),
        ("身份证110101********8531。", Kind::RESIDENT_ID),
    ] {
        let found = Detector::builtin().scan(text);
        let residual: Vec<&Finding> = found
            .iter()
            .filter(|finding| finding.kind == kind)
            .filter(|finding| {
                finding
                    .evidence
                    .iter()
                    .any(|reason| reason.code == "residual")
            })
            .collect();
        assert_eq!(residual.len(), 1, "{text}: {found:?}");
    }
}
