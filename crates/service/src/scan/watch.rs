//! Numbers as they stand in a file, for whoever looks for particular ones.
//!
//! A canary's number is one that no operator issues, so the engine rightly takes it for nothing personal; who watches for canaries is therefore shown every run of digits that is as long as a telephone, identity or card number, in any text, beside what the engine finds.

/// Shortest and longest runs that are shown: a telephone number, a card.
const LENGTHS: std::ops::RangeInclusive<usize> = 11..=19;

/// Collects runs of digits from text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Runs {
    run: String,
    /// A blank or hyphen that stands within a run when a digit follows.
    gap: bool,
}

impl Runs {
    /// Takes a piece of text and shows each run that ended within it.
    pub(super) fn push(&mut self, text: &str, shown: &mut dyn FnMut(&str)) {
        for c in text.chars() {
            match digit(c) {
                Some(digit) => {
                    self.run.push(digit);
                    self.gap = false;
                }
                None if matches!(c, ' ' | '-') && !self.run.is_empty() && !self.gap => {
                    self.gap = true;
                }
                None => self.end(shown),
            }
            // A dump of digits is no number; what is kept stays short.
            if self.run.len() > 64 {
                self.run.truncate(32);
            }
        }
    }

    /// Shows the run that stands at the end, if one does.
    pub(super) fn end(&mut self, shown: &mut dyn FnMut(&str)) {
        let run = std::mem::take(&mut self.run);
        self.gap = false;
        if LENGTHS.contains(&run.len()) {
            shown(&run);
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
