//! Masked values: where the mask ends.
//!
//! | place | forms | why it does no harm |
//! |---|---|---|
//! | `mask-head` | `138****5678` / `13*****5678` | hides one digit more |
//! | `mask-tail` | `138****5678` / `138*****678` | hides one digit more |
//!
//! The value comes in as the policy masks it; no form shows a digit that this hides, so whoever puts
//! all copies together sees what the policy would have shown and not one digit more.
//! A side gives a digit only while it keeps one. Masking belongs to the caller.

use super::{Carrier, Reading};

/// Stars between the two shown ends, at least.
const HIDDEN: usize = 3;

/// Digits, shown and hidden.
const DIGITS: [[&str; 2]; 10] = [
    ["0", "*"],
    ["1", "*"],
    ["2", "*"],
    ["3", "*"],
    ["4", "*"],
    ["5", "*"],
    ["6", "*"],
    ["7", "*"],
    ["8", "*"],
    ["9", "*"],
];

/// Takes a masked value apart; one that shows too little, or has no mask, comes back whole.
#[must_use]
pub fn parse(masked: &str) -> Carrier {
    let mut carrier = Carrier::new();
    carrier.reading = Reading::Mask;
    let text: Vec<char> = masked.chars().collect();
    let head = text.iter().take_while(|c| **c != '*').count();
    let stars = text[head..].iter().take_while(|c| **c == '*').count();
    let tail = &text[head + stars..];
    if stars < HIDDEN || tail.contains(&'*') {
        carrier.fixed(text);
        return carrier;
    }
    let at_head = head
        .checked_sub(1)
        .and_then(|last| forms(text[last]))
        .filter(|_| head >= 2);
    let at_tail = tail
        .first()
        .and_then(|c| forms(*c))
        .filter(|_| tail.len() >= 2);
    carrier.fixed(
        text[..head - usize::from(at_head.is_some())]
            .iter()
            .copied(),
    );
    if let Some(forms) = at_head {
        carrier.place("mask-head", forms);
    }
    carrier.fixed(text[head..head + stars].iter().copied());
    if let Some(forms) = at_tail {
        carrier.place("mask-tail", forms);
    }
    carrier.fixed(tail[usize::from(at_tail.is_some())..].iter().copied());
    carrier
}

fn forms(digit: char) -> Option<[&'static str; 2]> {
    DIGITS.get(digit.to_digit(10)? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Symbol;

    #[test]
    fn masks_and_their_places() {
        let rows = [
            ("138****5678", "13******678", 2),
            ("4***************12", "4****************2", 1),
            ("6222***********0128", "622*************128", 2),
            ("010-******88", "010-*******8", 1),
            ("王*", "王*", 0),
            ("z***@example.com", "z***@example.com", 0),
            ("1990-**-**", "1990-**-**", 0),
            ("138*5678", "138*5678", 0),
            ("13800001234", "13800001234", 0),
            ("******", "******", 0),
            ("", "", 0),
        ];
        for (masked, ones, places) in rows {
            let carrier = parse(masked);
            assert_eq!(carrier.places().count(), places, "{masked}");
            assert_eq!(carrier.write(|_| Symbol::One).as_str(), ones, "{masked}");
            assert_eq!(carrier.plain().as_str(), masked);
        }
    }

    #[test]
    fn all_variants_together_show_no_more_than_the_policy() {
        for masked in ["138****5678", "6222***********0128", "4***************12"] {
            let carrier = parse(masked);
            for pattern in 0..4_u8 {
                let mut at = 0;
                let text = carrier.write(|_| {
                    at += 1;
                    if pattern >> (at - 1) & 1 == 1 {
                        Symbol::One
                    } else {
                        Symbol::Zero
                    }
                });
                assert_eq!(text.as_str().len(), masked.len());
                let pairs = text
                    .as_str()
                    .chars()
                    .zip(masked.chars())
                    .collect::<Vec<_>>();
                assert!(
                    pairs
                        .iter()
                        .all(|(shown, policy)| shown == policy || *shown == '*')
                );
            }
        }
    }

    #[test]
    fn leaked_masks_and_what_they_show() {
        let carrier = parse("138****8678");
        for (leaked, seen) in [
            ("138****8678", [Some(Symbol::Zero); 2]),
            ("13*****8678", [Some(Symbol::One), Some(Symbol::Zero)]),
            ("138*****678", [Some(Symbol::Zero), Some(Symbol::One)]),
            ("１３＊＊＊＊＊＊６７８", [Some(Symbol::One); 2]),
        ] {
            assert_eq!(carrier.observe(leaked), seen, "{leaked}");
        }
        assert_eq!(carrier.observe("13899998678"), [None, None]);
    }
}
