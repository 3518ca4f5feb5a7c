//! The best well formed sequence of tags, and how sure it is.
//!
//! Between two characters one is either outside any span or inside one of a
//! kind, so a step compares a handful of numbers. A span's margin is the least
//! by which one of its tags leads over the others; a table made from held-back
//! text turns it into a confidence.

use super::Label;
use super::network::TAGS;

const KINDS: [Label; 3] = [Label::Person, Label::Address, Label::Organisation];
const NEVER: f32 = -1e9;

/// For each kind: margins in rising order, each with the share that was right.
#[derive(Default)]
pub(super) struct Calibration(pub(super) [Vec<(f32, f32)>; 3]);

impl Calibration {
    /// Reads the table, between its points along a line.
    fn confidence(&self, kind: usize, margin: f32) -> f32 {
        let Some(points) = self.0.get(kind) else {
            return 0.0;
        };
        let mut before: Option<(f32, f32)> = None;
        for &(at, share) in points {
            if margin < at {
                return before.map_or(share, |(a, s)| s + (share - s) * (margin - a) / (at - a));
            }
            before = Some((at, share));
        }
        before.map_or(0.0, |(_, share)| share)
    }
}

/// A span in characters.
pub(super) struct Span {
    pub(super) label: Label,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) confidence: f32,
}

/// For each character: the tag on the way out, and the tag inside each kind.
#[derive(Default)]
pub(super) struct Buffers(Vec<[u8; 4]>, Vec<u8>);

/// Tags of a kind: begin, inside, end, single.
const fn tags(kind: usize) -> [usize; 4] {
    let base = 1 + 4 * kind;
    [base, base + 1, base + 2, base + 3]
}

/// Gives every span of the best sequence to `found`, from left to right.
pub(super) fn spans(
    scores: &[[f32; TAGS]],
    calibration: &Calibration,
    buffers: &mut Buffers,
    mut found: impl FnMut(Span),
) {
    let Buffers(back, path) = buffers;
    forward(scores, back);
    trace(back, path);
    let mut start = 0;
    for (i, &tag) in path.iter().enumerate() {
        let tag = usize::from(tag);
        let (kind, part) = (tag.wrapping_sub(1) / 4, tag.wrapping_sub(1) % 4);
        if tag == 0 {
            continue;
        }
        if part == 0 || part == 3 {
            start = i;
        }
        if part >= 2 {
            let margin = margin(scores, path, start, i + 1);
            if let Some(&label) = KINDS.get(kind) {
                found(Span {
                    label,
                    start,
                    end: i + 1,
                    confidence: calibration.confidence(kind, margin),
                });
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "tags are below 13")]
fn forward(scores: &[[f32; TAGS]], back: &mut Vec<[u8; 4]>) {
    back.clear();
    let mut out = 0.0_f32;
    let mut inside = [NEVER; 3];
    for row in scores {
        let (mut best, mut how) = (out + row[0], 0);
        let mut next = [NEVER; 3];
        let mut from = [0_u8; 4];
        for kind in 0..KINDS.len() {
            let [begin, within, end, single] = tags(kind);
            if out + row[single] > best {
                (best, how) = (out + row[single], single);
            }
            if inside[kind] + row[end] > best {
                (best, how) = (inside[kind] + row[end], end);
            }
            let (opened, kept) = (out + row[begin], inside[kind] + row[within]);
            (next[kind], from[kind + 1]) = if opened >= kept {
                (opened, begin as u8)
            } else {
                (kept, within as u8)
            };
        }
        from[0] = how as u8;
        back.push(from);
        (out, inside) = (best, next);
    }
}

/// Follows the best sequence back from its end, which is outside any span.
fn trace(back: &[[u8; 4]], path: &mut Vec<u8>) {
    path.clear();
    path.resize(back.len(), 0);
    let mut state = 0;
    for (tag, from) in path.iter_mut().zip(back).rev() {
        *tag = from[state];
        let part = tag.wrapping_sub(1) % 4;
        if state == 0 && *tag > 0 && part == 2 {
            state = 1 + usize::from((*tag - 1) / 4);
        } else if state > 0 && part == 0 {
            state = 0;
        }
    }
}

fn margin(scores: &[[f32; TAGS]], path: &[u8], start: usize, end: usize) -> f32 {
    let mut least = f32::MAX;
    for (row, &tag) in scores.iter().zip(path).take(end).skip(start) {
        let own = row.get(usize::from(tag)).copied().unwrap_or(NEVER);
        let other = row
            .iter()
            .enumerate()
            .filter(|&(i, _)| i != usize::from(tag))
            .fold(NEVER, |m, (_, &s)| m.max(s));
        least = least.min(own - other);
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_begin_cannot_stay_open() {
        let mut row = [0.0; TAGS];
        row[1] = 5.0;
        let mut found = Vec::new();
        spans(
            &[row, [0.0; TAGS]],
            &Calibration::default(),
            &mut Buffers::default(),
            |s| found.push((s.start, s.end)),
        );
        assert_eq!(found, [(0, 2)]);
        found.clear();
        spans(
            &[row],
            &Calibration::default(),
            &mut Buffers::default(),
            |s| found.push((s.start, s.end)),
        );
        assert!(found.is_empty());
    }

    #[test]
    fn confidence_runs_between_the_points() {
        let table = Calibration([vec![(0.0, 0.5), (2.0, 0.9)], Vec::new(), Vec::new()]);
        for (margin, expected) in [(-1.0, 0.5), (1.0, 0.7), (9.0, 0.9)] {
            assert!((table.confidence(0, margin) - expected).abs() < 1e-6);
        }
        assert!(table.confidence(1, 3.0).abs() < 1e-6);
    }
}
