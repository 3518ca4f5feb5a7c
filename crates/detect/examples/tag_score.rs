//! Scores the shipped tagger on labelled text: `tag_score FILE.jsonl…`.
//!
//! A line is `{"t": text, "s": [[start, end, kind], …]}`, counted in characters,
//! with kinds PER, ADR and ORG; a span counts when both its ends are right.
//! The last lines tell how often spans of each confidence were right.

use std::collections::HashSet;
use std::error::Error;

use liuhen_detect::sequence::{Label, Model, Workspace};

type Span = (usize, usize, String);

#[derive(serde::Deserialize)]
struct Row {
    t: String,
    s: HashSet<Span>,
}

fn kind(label: Label) -> &'static str {
    match label {
        Label::Person => "PER",
        Label::Address => "ADR",
        Label::Organisation => "ORG",
    }
}

#[expect(clippy::print_stdout, reason = "its output is its purpose")]
#[expect(clippy::cast_precision_loss, reason = "shares for people to read")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut workspace = Workspace::default();
    let mut bands = [[0_u32; 2]; 10];
    for path in std::env::args().skip(1) {
        // Right, in the labels, found; for each kind.
        let mut counts = [("PER", [0_u32; 3]), ("ADR", [0; 3]), ("ORG", [0; 3])];
        for line in std::fs::read_to_string(&path)?.lines() {
            let row: Row = serde_json::from_str(line)?;
            let mut found = Vec::new();
            Model::builtin().tag(&row.t, &mut workspace, &mut found);
            let chars = |byte: usize| row.t.get(..byte).map_or(0, |s| s.chars().count());
            for (name, count) in &mut counts {
                count[1] += u32::try_from(row.s.iter().filter(|s| s.2 == *name).count())?;
                for t in found.iter().filter(|t| kind(t.label) == *name) {
                    let right = row
                        .s
                        .contains(&(chars(t.start), chars(t.end), (*name).to_owned()));
                    count[2] += 1;
                    count[0] += u32::from(right);
                    let band = (0..9)
                        .filter(|&b| t.confidence >= 0.1 * (b + 1) as f32)
                        .count();
                    if let Some(band) = bands.get_mut(band) {
                        band[0] += u32::from(right);
                        band[1] += 1;
                    }
                }
            }
        }
        println!("{path}");
        for (name, [right, gold, found]) in counts {
            let share = |of: u32| f64::from(right) / f64::from(of.max(1));
            let f1 = 2.0 * f64::from(right) / f64::from((gold + found).max(1));
            println!(
                "  {name} P {:.4} R {:.4} F {f1:.4} ({gold})",
                share(found),
                share(gold)
            );
        }
    }
    for (i, [right, all]) in bands.iter().enumerate().filter(|(_, b)| b[1] > 0) {
        println!(
            "confidence {:.1} to {:.1}: {right} of {all} right ({:.3})",
            i as f64 / 10.0,
            (i + 1) as f64 / 10.0,
            f64::from(*right) / f64::from(*all)
        );
    }
    Ok(())
}
