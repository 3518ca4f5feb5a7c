//! Numbers as they stand in a file, for whoever looks for particular ones.
//!
//! A canary's number is one that no operator issues, so the engine rightly takes it for nothing personal; who watches for canaries is therefore shown every run of digits that is as long as a telephone, identity or card number, in any text, beside what the engine finds.

/// Shortest and longest runs that are shown: a telephone number, a card.
const LENGTHS: std::ops::RangeInclusive<usize> = 11..=19;

/// Most parts of one number: `6222 0000 1111 2222 333`.
const PARTS: usize = 5;

/// Digits after which a run is cut, whatever follows.
const MOST: usize = 256;

/// Collects runs of digits from text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Runs {
    run: String,
    /// Where a single blank or hyphen stood within the run.
    cuts: Vec<usize>,
    /// The last character was such a blank or hyphen.
    gap: bool,
}

impl Runs {
    /// Takes a piece of text and shows each run that ended within it.
    pub(super) fn push(&mut self, text: &str, shown: &mut dyn FnMut(&str)) {
        for c in text.chars() {
            match digit(c) {
                Some('X') if self.part().len() == 17 => self.run.push('X'),
                Some('X') => self.end(shown),
                Some(digit) => {
                    self.run.push(digit);
                    self.gap = false;
                }
                None if matches!(c, ' ' | '-') && !self.run.is_empty() && !self.gap => {
                    self.cuts.push(self.run.len());
                    self.gap = true;
                }
                None => self.end(shown),
            }
            // A dump of digits is no number; what is kept stays short.
            if self.run.len() > MOST {
                self.end(shown);
            }
        }
    }

    /// What stands behind the last blank or hyphen.
    fn part(&self) -> &str {
        let from = self.cuts.last().copied().unwrap_or(0);
        self.run.get(from..).unwrap_or_default()
    }

    /// Shows the run that stands at the end, if one does: every join of up to [`PARTS`] neighbouring parts that is as long as a number.
    pub(super) fn end(&mut self, shown: &mut dyn FnMut(&str)) {
        let run = std::mem::take(&mut self.run);
        let mut edges = vec![0];
        edges.append(&mut self.cuts);
        edges.push(run.len());
        edges.dedup();
        self.gap = false;
        for (at, from) in edges.iter().enumerate() {
            for to in edges.iter().skip(at + 1).take(PARTS) {
                let join = run.get(*from..*to).unwrap_or_default();
                if LENGTHS.contains(&join.len()) {
                    shown(join);
                }
            }
        }
    }
}

/// A digit of either width, or the X that ends some identity numbers.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{ff10}'..='\u{ff19}' => char::from_u32(u32::from(c) - 0xff10 + u32::from('0')),
        'X' | 'x' => Some('X'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_whole_however_the_text_is_cut() {
        let text = "电话 199-0000 1234,卡６２２２000011112222，号 11010519491231002X; 12 345";
        let expected = ["19900001234", "6222000011112222", "11010519491231002X"];
        let seen_in = |text: &str| {
            let (mut runs, mut seen) = (Runs::default(), Vec::new());
            runs.push(text, &mut |run| seen.push(run.to_owned()));
            runs.end(&mut |run| seen.push(run.to_owned()));
            seen
        };
        let side_by_side = seen_in("19900001234 2026-11-22 11010519491231002X 19900005678");
        for wanted in ["19900001234", "11010519491231002X", "19900005678"] {
            assert!(side_by_side.iter().any(|run| run == wanted), "{wanted}");
        }
        assert_eq!(seen_in("box19900001234"), ["19900001234"]);
        let chars: Vec<char> = text.chars().collect();
        for cut in 0..=chars.len() {
            let (mut runs, mut seen) = (Runs::default(), Vec::new());
            for part in [&chars[..cut], &chars[cut..]] {
                let part: String = part.iter().collect();
                runs.push(&part, &mut |run| seen.push(run.to_owned()));
            }
            runs.end(&mut |run| seen.push(run.to_owned()));
            assert_eq!(seen, expected, "cut at {cut}");
        }
    }
}
