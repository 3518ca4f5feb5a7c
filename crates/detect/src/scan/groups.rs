//! Runs of digits, and the groups that may make up one number.

use super::glyph::{self, Gap, Glyph};

/// Digits of a group that are kept; a longer run is no number of anybody.
pub(super) const LONGEST: usize = 40;

/// Groups read at once; a number has at most nineteen.
const MOST: usize = 64;

/// Invisible characters between two digits of one number.
const INVISIBLE: u32 = 8;

/// Spaces between two groups of one number.
const SPACES: usize = 3;

/// Digits in a row, with nothing but invisible characters between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Its first byte.
    pub(super) start: usize,
    /// Behind its last byte.
    pub(super) end: usize,
    /// Where its digits begin in [`Cluster::digits`].
    pub(super) first: usize,
    /// How many digits; of a run that is too long, none are kept.
    pub(super) len: usize,
    /// What stands before it, when that joins it to the group before.
    pub(super) gap: Option<Gap>,
    /// Some digits are of full width or escaped.
    pub(super) full: bool,
    /// Some digits are Chinese numerals, circled or raised.
    pub(super) numerals: bool,
    /// Invisible characters stand between the digits.
    pub(super) invisible: bool,
    /// The run is longer than any number; it is read no further.
    pub(super) long: bool,
}

/// Groups that gaps join.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// The groups in order.
    pub(super) groups: Vec<Group>,
    /// Their digits as ASCII.
    pub(super) digits: Vec<u8>,
}

impl Cluster {
    /// Reads the cluster whose first digit stands at `at`; the position behind it.
    ///
    /// With `numerals`, digits of every writing count, otherwise those of ASCII
    /// and full width alone.
    pub(super) fn read(&mut self, text: &[u8], at: usize, numerals: bool) -> usize {
        self.groups.clear();
        self.digits.clear();
        let mut at = at;
        let mut gap = None;
        loop {
            let group = self.group(text, at, gap, numerals);
            at = group.end;
            self.groups.push(group);
            if group.long || self.groups.len() == MOST {
                return at;
            }
            match join(text, at, numerals) {
                Some((joint, next)) => {
                    gap = Some(joint);
                    at = next;
                }
                None => return at,
            }
        }
    }

    fn group(&mut self, text: &[u8], start: usize, gap: Option<Gap>, numerals: bool) -> Group {
        let first = self.digits.len();
        let mut group = Group {
            start,
            end: start,
            first,
            len: 0,
            gap,
            full: false,
            numerals: false,
            invisible: false,
            long: false,
        };
        let mut at = start;
        let mut invisible = 0;
        while group.len <= LONGEST {
            if let Some(&byte) = text.get(at)
                && byte.is_ascii_digit()
            {
                group.invisible |= at > group.end;
                invisible = 0;
                at += 1;
                group.end = at;
                if group.len < LONGEST {
                    self.digits.push(byte);
                }
                group.len += 1;
                continue;
            }
            let (glyph, len) = glyph::at(text, at);
            let digit = match glyph {
                Glyph::Digit(digit) => digit,
                Glyph::Numeral(digit) if numerals => {
                    group.numerals = true;
                    digit
                }
                // Invisible characters belong to the group when a digit follows.
                Glyph::Nothing if invisible < INVISIBLE => {
                    invisible += 1;
                    at += len;
                    continue;
                }
                _ => break,
            };
            invisible = 0;
            group.invisible |= at > group.end;
            group.full |= len > 1 && !matches!(glyph, Glyph::Numeral(_));
            at += len;
            group.end = at;
            if group.len < LONGEST {
                self.digits.push(b'0' + digit);
            }
            group.len += 1;
        }
        if group.len > LONGEST {
            group.long = true;
            self.digits.truncate(first);
        }
        group
    }

    /// Whether it has so many digits, all groups together.
    pub(super) fn is_long(&self, digits: usize) -> bool {
        self.digits_from(0) >= digits
    }

    /// How many digits group `first` and those behind it have.
    pub(super) fn digits_from(&self, first: usize) -> usize {
        self.digits.len() - self.groups[first].first
    }

    /// The digits of groups `from` to `to`, ends included; none of a run that is too long.
    pub(super) fn digits(&self, from: usize, to: usize) -> &[u8] {
        let last = &self.groups[to];
        let end = if last.long {
            last.first
        } else {
            last.first + last.len
        };
        &self.digits[self.groups[from].first..end]
    }
}

/// What joins a digit behind `at` to those before, and where that digit stands.
///
/// One sign with spaces around it, up to three spaces, or one line break.
fn join(text: &[u8], at: usize, numerals: bool) -> Option<(Gap, usize)> {
    let mut at = at;
    let mut gap = None;
    let mut spaces = 0;
    for _ in 0..24 {
        let (glyph, len) = glyph::at(text, at);
        // A broken line may be quoted, commented or indented.
        if gap == Some(Gap::Break)
            && matches!(text.get(at), Some(b'>' | b'/' | b'#' | b'*' | b' ' | b'\t'))
        {
            at += len;
            continue;
        }
        spaces += usize::from(glyph == Glyph::Gap(Gap::Space));
        if spaces > SPACES {
            return None;
        }
        match (glyph, gap) {
            (Glyph::Digit(_), Some(gap)) => return Some((gap, at)),
            (Glyph::Numeral(_), Some(gap)) if numerals => return Some((gap, at)),
            (Glyph::Nothing, _) | (Glyph::Gap(Gap::Space), Some(_)) => {}
            (Glyph::Gap(new), None | Some(Gap::Space)) => gap = Some(new),
            // A line ends with two characters under Windows; a number in brackets has a hyphen.
            (Glyph::Gap(Gap::Break), Some(Gap::Break))
                if text[at] == b'\n' && text[at - 1] == b'\r' => {}
            (Glyph::Gap(Gap::Dash), Some(Gap::Bracket)) => {}
            _ => return None,
        }
        at += len;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, numerals: bool) -> Vec<(String, Option<Gap>)> {
        let mut cluster = Cluster::default();
        cluster.read(text.as_bytes(), 0, numerals);
        (0..cluster.groups.len())
            .map(|n| {
                let digits = String::from_utf8(cluster.digits(n, n).to_vec()).unwrap();
                (digits, cluster.groups[n].gap)
            })
            .collect()
    }

    #[test]
    fn groups_and_gaps() {
        let all = |text| read(text, false);
        assert_eq!(
            all("138-0013 - 8000,1"),
            [
                ("138".into(), None),
                ("0013".into(), Some(Gap::Dash)),
                ("8000".into(), Some(Gap::Dash))
            ]
        );
        assert_eq!(all("1３\u{200B}8张"), [("138".into(), None)]);
        assert_eq!(all("138\r\n00").len(), 2);
        assert_eq!(all("138\n\n00").len(), 1);
        assert_eq!(all("13%2000")[1], ("00".into(), Some(Gap::Space)));
        assert_eq!(all("1一")[0].0, "1");
        assert_eq!(read("幺三捌 零", true)[0].0, "138");
    }

    #[test]
    fn a_run_too_long_keeps_no_digits() {
        let mut cluster = Cluster::default();
        let end = cluster.read("7".repeat(200).as_bytes(), 0, false);
        assert!(cluster.groups[0].long && cluster.digits(0, 0).is_empty());
        assert_eq!(end, LONGEST + 1);
    }
}
