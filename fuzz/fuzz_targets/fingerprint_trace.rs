//! Whatever a leak shows, a trace ends, scores are finite, and who carried nothing is not accused.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use liuhen_fingerprint::canary::Canary;
use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::decode::Coverage;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::{Observation, Sighting};
use liuhen_fingerprint::table::{Cell, observe_row};
use liuhen_fingerprint::trace::{Candidate, Leak, trace};

const COPIES: u8 = 4;

fn keys() -> &'static (CodeKey, Vec<ExportKey>) {
    static KEYS: OnceLock<(CodeKey, Vec<ExportKey>)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let exports = (0..COPIES).map(|at| ExportKey::from_secret([at; 32]));
        (CodeKey::from_secret([9; 32]), exports.collect())
    })
}

fuzz_target!(|input: (Vec<(u16, u8)>, Vec<(u32, bool)>, u64, f64)| {
    let (marks, canaries, carried, epsilon) = input;
    let Ok(epsilon) = Epsilon::new(epsilon) else {
        return;
    };
    let (code, exports) = keys();
    let mut leak = Leak::new();
    let address = "江苏省南京市鼓楼区湖北路7号3栋2单元501室";
    let cell = Cell {
        column: "home",
        kind: "address",
        canonical: address,
    };
    for (row, form) in marks {
        let shown = [Observation::Zero, Observation::One, Observation::Both][usize::from(form % 3)];
        for (slot, _) in observe_row(code, &row.to_be_bytes(), &[(cell, address)]) {
            assert!(leak.mark(slot, shown) < leak.marks_seen());
        }
    }
    for (index, seen) in canaries {
        let sighting = if seen { Sighting::Seen } else { Sighting::Unseen };
        leak.canary(Canary::new(code, index), sighting);
    }
    let some = |position: usize| carried >> (position % 64) & 1 == 1;
    let none = |_: usize| false;
    let mut copies: Vec<Candidate<'_>> = exports.iter().map(Candidate::whole).collect();
    copies[1].marks = Coverage::Only(&some);
    copies[2].canaries = Coverage::Only(&some);
    copies[3].marks = Coverage::Only(&none);
    copies[3].canaries = Coverage::Only(&none);
    let Ok(traced) = trace(&leak, &copies, epsilon) else {
        unreachable!("there are copies");
    };
    assert!(traced.copies.iter().all(|copy| copy.combined.ln().is_finite()));
    assert!(!traced.copies[3].verdict.is_accused());
});
