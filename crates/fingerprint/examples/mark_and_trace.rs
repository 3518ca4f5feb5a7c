//! The front door: mark an export for each of twenty recipients, merge two of the files, and trace.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example mark_and_trace
//! ```

use liuhen_fingerprint::canary::{self, Canary};
use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::model::Sighting;
use liuhen_fingerprint::power::power_table;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::table::{Cell, capacity, mark_row, observe_row};
use liuhen_fingerprint::trace::{Candidate, Leak, trace};

const ROWS: u64 = 2_000;
const RECIPIENTS: usize = 20;

/// The stored address of a subject; nobody lives there.
fn address(subject: u64) -> String {
    format!(
        "浙江省杭州市某区某路{}号{}栋{}单元501室",
        subject % 97,
        subject % 31 + 1,
        subject % 5 + 1
    )
}

fn cell(address: &str) -> Cell<'_> {
    Cell {
        column: "home",
        kind: "address",
        canonical: address,
    }
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A seed, so that every run shows the same; a vault draws its keys from the system.
    let mut dice = Dice::new(2026);
    let code = CodeKey::from_secret(dice.bytes());
    let exports: Vec<ExportKey> = (0..RECIPIENTS)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect();

    // Before approval: what can this export prove?
    let threshold = Threshold::new(RECIPIENTS as u64, Epsilon::DEFAULT)?;
    let symbols = (0..ROWS)
        .map(|subject| capacity(&[cell(&address(subject))]) as u64)
        .sum();
    let plan = canary::plan(ROWS, threshold);
    println!(
        "{ROWS} rows carry {symbols} symbols and {} canary slots",
        plan.slots
    );
    for line in power_table(ROWS, symbols, threshold).lines.iter().take(4) {
        println!(
            "  {} colluders: {} symbols, {:?} rows",
            line.colluders, line.symbols_needed, line.rows_needed
        );
    }

    // Recipients 4 and 13 put their files together and keep every tenth row.
    let mut leak = Leak::new();
    for subject in (0..ROWS).step_by(10) {
        let stored = address(subject);
        let key = subject.to_be_bytes();
        for recipient in [4, 13] {
            let marked = mark_row(&code, &exports[recipient], &key, &[cell(&stored)]);
            let shown = marked.values[0].as_str();
            for (slot, form) in observe_row(&code, &key, &[(cell(&stored), shown)]) {
                leak.mark(slot, form);
            }
        }
    }
    for index in 0..plan.slots {
        let canary = Canary::new(&code, index);
        let carried = [4, 13]
            .iter()
            .any(|recipient| canary.is_carried_by(&exports[*recipient]));
        let seen = carried && dice.chance(0.1);
        leak.canary(
            canary,
            if seen {
                Sighting::Seen
            } else {
                Sighting::Unseen
            },
        );
    }

    let candidates: Vec<Candidate<'_>> = exports.iter().map(Candidate::whole).collect();
    let traced = trace(&leak, &candidates, Epsilon::DEFAULT)?;
    println!(
        "the leak shows {} marks and {} canaries",
        traced.marks_seen, traced.canaries_seen
    );
    for copy in traced.accused() {
        println!(
            "copy {} accused: 10^{:.1}, {:?}",
            copy.copy,
            copy.combined.log10(),
            copy.verdict
        );
    }
    Ok(())
}
