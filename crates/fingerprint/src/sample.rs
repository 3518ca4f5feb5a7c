//! Samples: a seller shows a buyer a few rows; do they suffice, and if not, how many more?
//!
//! Rule: issue 5, point 8. The answer extrapolates with [`crate::power`]; the bound on innocents
//! never rests on it. `bench/tables` measures how often it comes true.

use crate::evalue::Threshold;
use crate::power::symbols_needed;
use crate::trace::Tracing;

/// How many more rows like the ones found would accuse a single leaker, 95 times in a hundred.
///
/// `rows` counts the leaked rows that led to a person; their marks are those the trace saw. Zero
/// when a copy is accused already. `None` when the rows found carry no mark at all, so that more of
/// them would not help.
#[must_use]
pub fn rows_missing(traced: &Tracing, rows: u64) -> Option<u64> {
    if !traced.accused().is_empty() {
        return Some(0);
    }
    let marks = u64::try_from(traced.marks_seen).unwrap_or(u64::MAX);
    if marks == 0 || rows == 0 {
        return None;
    }
    let threshold = Threshold::new(traced.copies_examined, traced.epsilon).ok()?;
    let missing = symbols_needed(1, threshold).ok()?.saturating_sub(marks);
    // An unlucky sample of the length that usually suffices: one row more, then look again.
    let missing = u128::from(missing.max(1)) * u128::from(rows);
    u64::try_from(missing.div_ceil(u128::from(marks))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{CodeKey, ExportKey};
    use crate::evalue::Epsilon;
    use crate::model::Observation;
    use crate::trace::{Candidate, Leak, trace};

    /// A trace among a thousand copies of `rows` rows with two marks each, by copy 7.
    fn traced(rows: u32) -> Tracing {
        let code = CodeKey::from_secret([1; 32]);
        let exports: Vec<ExportKey> = (0..1_000_u32)
            .map(|at| {
                let mut secret = [0; 32];
                secret[..4].copy_from_slice(&at.to_be_bytes());
                ExportKey::from_secret(secret)
            })
            .collect();
        let mut leak = Leak::new();
        for mark in 0..2 * rows {
            let slot = code.slot(b"test", &[&mark.to_be_bytes()]);
            let shown = [Observation::Zero, Observation::One];
            leak.mark(slot, shown[exports[7].symbol(&slot).index()]);
        }
        let copies: Vec<Candidate<'_>> = exports.iter().map(Candidate::whole).collect();
        trace(&leak, &copies, Epsilon::DEFAULT).unwrap()
    }

    #[test]
    fn says_how_many_more_rows_and_keeps_its_word() {
        for rows in [1, 5, 20] {
            let missing = rows_missing(&traced(rows), u64::from(rows)).unwrap();
            assert!((10..60).contains(&missing), "{missing} beside {rows}");
            let more = rows + u32::try_from(missing).unwrap();
            assert_eq!(rows_missing(&traced(more), u64::from(more)), Some(0));
        }
    }

    #[test]
    fn promises_nothing_for_rows_without_marks() {
        assert_eq!(rows_missing(&traced(0), 10), None);
        assert_eq!(rows_missing(&traced(1), 0), None);
    }
}
