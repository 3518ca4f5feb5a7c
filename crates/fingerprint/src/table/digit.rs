//! Low-significance digits: two neighbouring values of a number's last unit.
//!
//! The last digit of a number that was measured says less than the number's own error. Neighbours go
//! in fixed pairs, `1|2 3|4 5|6 7|8`, so that both lead to the same pair. 0 and 9 are left alone: a
//! closing zero often says that fewer digits were measured, and a column full of zeros with a few
//! ones would show the mark.

use crate::code::Symbol;

/// Digits in pairs; `0` and `9` are in none.
const PAIRS: [[&str; 2]; 4] = [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]];

/// The pair that a text of one digit belongs to.
pub(super) fn pair(digit: &str) -> Option<[&'static str; 2]> {
    PAIRS.into_iter().find(|forms| forms.contains(&digit))
}

/// Which of two forms is shown, if either.
pub(super) fn shown(forms: [&str; 2], text: &str) -> Option<Symbol> {
    match forms.iter().position(|form| *form == text) {
        Some(0) => Some(Symbol::Zero),
        Some(_) => Some(Symbol::One),
        None => None,
    }
}
