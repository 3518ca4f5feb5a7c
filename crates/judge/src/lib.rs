//! What `detect` recognises, as verdicts for a count.
//!
//! Whoever counts brings rows of his own: the program its files, a cluster its tables. Both judge
//! cells and columns here, so that they come to the same numbers.

mod remarks;

use liuhen_detect::columns::{ColumnGuess, guess, is_filler};
use liuhen_detect::{ReasonCode, check_into, fold, is_plain};
use liuhen_document::{Header, Row};
use liuhen_forensics::{Judge, Verdict};
use liuhen_kinds::{Kind, RulePack};

pub use remarks::{Remarks, first_of_each};

/// Rows by which columns are judged.
pub const SAMPLE: usize = 1000;

/// The validators of `detect`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Validators;

impl Judge for Validators {
    fn judge(&self, kind: Kind, cell: &str, out: &mut String) -> Verdict {
        let cell = cell.trim();
        if cell.is_empty() || is_filler(cell) {
            return Verdict::Blank;
        }
        // An address has no check, and its column was recognised by its values.
        if kind == Kind::ADDRESS {
            self.fold(cell, out);
            return Verdict::Holds;
        }
        match check_into(kind, cell, out) {
            Ok(reason) => doubtful(reason),
            Err(reason) => {
                out.clear();
                refused(reason)
            }
        }
    }

    fn fold(&self, cell: &str, out: &mut String) {
        out.push_str(&fold(cell));
    }

    fn is_plain(&self, text: &str) -> bool {
        is_plain(text)
    }
}

/// The kind of each column, where it has one, by its header and the first rows.
#[must_use]
pub fn column_kinds(header: &Header, sample: &[Row]) -> Vec<Option<Kind>> {
    let mut kinds = Vec::new();
    for guess in guess(header, sample) {
        kinds.resize(guess.column + 1, None);
        if let Some(kind) = kinds.get_mut(guess.column) {
            *kind = guess.kind.or_else(|| refuted(&guess));
        }
    }
    kinds
}

/// The kind of a column whose header names an identifier that hardly a value bears out: a list of
/// untrue numbers must fall out as untrue, not as saying nothing.
fn refuted(guess: &ColumnGuess) -> Option<Kind> {
    let reason = guess
        .evidence
        .iter()
        .find(|reason| reason.code == "header_refuted")?;
    let identifies = |kind: &Kind| RulePack::builtin().info(*kind).identifying;
    reason.kind.filter(identifies)
}

/// What was normalised, and why it may be doubted.
fn doubtful(reason: Option<ReasonCode>) -> Verdict {
    match reason {
        // A card of an issuer that is known, mistyped.
        Some(ReasonCode::Luhn) => Verdict::BadCheck,
        Some(ReasonCode::Masked) => Verdict::Other,
        _ => Verdict::Holds,
    }
}

fn refused(reason: ReasonCode) -> Verdict {
    match reason {
        ReasonCode::Empty => Verdict::Blank,
        ReasonCode::CheckDigit | ReasonCode::Luhn | ReasonCode::UnknownRegion => Verdict::BadCheck,
        ReasonCode::ImpossibleDate | ReasonCode::FutureDate => Verdict::ImpossibleDate,
        ReasonCode::Organisation | ReasonCode::Hotline => Verdict::Organisation,
        _ => Verdict::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        let rows = [
            (
                Kind::RESIDENT_ID,
                "440308199901101512",
                Verdict::Holds,
                "440308199901101512",
            ),
            (
                Kind::RESIDENT_ID,
                "４４０３０８ 19990110 1512",
                Verdict::Holds,
                "440308199901101512",
            ),
            (
                Kind::RESIDENT_ID,
                "440308990110151",
                Verdict::Holds,
                "440308199901101512",
            ),
            (
                Kind::RESIDENT_ID,
                "440308199901101513",
                Verdict::BadCheck,
                "",
            ),
            (
                Kind::RESIDENT_ID,
                "440308199913101512",
                Verdict::ImpossibleDate,
                "",
            ),
            (Kind::RESIDENT_ID, "440308********1512", Verdict::Other, ""),
            (Kind::RESIDENT_ID, "无", Verdict::Blank, ""),
            (
                Kind::MOBILE,
                "+86 138-0013-8000",
                Verdict::Holds,
                "13800138000",
            ),
            (Kind::MOBILE, "400-820-8820", Verdict::Other, ""),
            (Kind::LANDLINE, "400-820-8820", Verdict::Organisation, ""),
            (
                Kind::PERSON_NAME,
                "某某科技有限公司",
                Verdict::Organisation,
                "",
            ),
            (
                Kind::BANK_CARD,
                "6222021234567890127",
                Verdict::BadCheck,
                "",
            ),
            (Kind::ADDRESS, "某 路　1 号", Verdict::Holds, "某 路 1 号"),
            (Kind::QQ, "１０００１", Verdict::Holds, "10001"),
        ];
        for (kind, cell, verdict, value) in rows {
            let mut out = String::new();
            assert_eq!(
                Validators.judge(kind, cell, &mut out),
                verdict,
                "{kind} {cell}"
            );
            if verdict == Verdict::Holds {
                assert_eq!(out, value, "{kind} {cell}");
            }
        }
    }
}
