//! What the detector says of labelled texts, and how often it is right.

use std::collections::BTreeMap;

use liuhen_detect::{Detector, Options, Reasons};
use liuhen_kinds::Kind;

use super::domain::{Document, KINDS};

/// One answer of the detector: how sure, why, and whether it was right.
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) confidence: f64,
    pub(super) reasons: Reasons,
    pub(super) right: bool,
}

/// All answers on a set of texts.
pub(super) struct Measured {
    pub(super) answers: Vec<Answer>,
    /// Values there were of each kind, and those found at [`BELIEVED`] or above.
    pub(super) values: BTreeMap<Kind, (usize, usize)>,
    /// Answers of kinds that the texts do not label; they are left out.
    pub(super) unlabelled: usize,
}

/// The default below which nothing is reported.
pub(super) const BELIEVED: f64 = 0.5;

/// Reads every text with everything reported, however unsure.
pub(super) fn measure(documents: &[Document]) -> Measured {
    let detector = Detector::new(Options {
        least: 0.0,
        ..Options::default()
    });
    let mut measured = Measured {
        answers: Vec::new(),
        values: BTreeMap::new(),
        unlabelled: 0,
    };
    for document in documents {
        let mut found = vec![false; document.truth.len()];
        detector.hits(&document.text, |told| {
            let hit = told.hit;
            if !KINDS.contains(&hit.kind) {
                measured.unlabelled += 1;
                return;
            }
            let at = document
                .truth
                .iter()
                .position(|truth| same(*truth, hit.kind, hit.span.bytes));
            if let Some(at) = at
                && f64::from(hit.confidence) >= BELIEVED
            {
                found[at] = true;
            }
            measured.answers.push(Answer {
                kind: hit.kind,
                confidence: f64::from(hit.confidence),
                reasons: hit.reasons,
                right: at.is_some(),
            });
        });
        for ((_, _, kind), found) in document.truth.iter().zip(found) {
            let (values, told) = measured.values.entry(*kind).or_default();
            *values += 1;
            *told += usize::from(found);
        }
    }
    measured
}

/// Whether a hit is that value: the same kind, and at least half of both together.
fn same((start, end, kind): (usize, usize, Kind), of: Kind, bytes: (u64, u64)) -> bool {
    let (from, to) = (start as u64, end as u64);
    let common = to.min(bytes.1).saturating_sub(from.max(bytes.0));
    let both = to.max(bytes.1) - from.min(bytes.0);
    kind == of && common * 2 >= both
}

/// One bin of confidences.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bin {
    pub(super) count: usize,
    pub(super) right: usize,
    sum: f64,
}

impl Bin {
    pub(super) fn mean(&self) -> f64 {
        self.sum / count(self.count)
    }

    pub(super) fn share(&self) -> f64 {
        count(self.right) / count(self.count)
    }

    /// Wilson's interval of the share at 95%.
    pub(super) fn interval(&self) -> (f64, f64) {
        let (n, p, z) = (count(self.count), self.share(), 1.96);
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// How many bins there are.
pub(super) const BINS: usize = 10;

/// The answers by their confidence, in ten bins of the same width.
pub(super) fn bins<'a>(answers: impl Iterator<Item = &'a Answer>) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for answer in answers {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a confidence lies within 0 and 1"
        )]
        let at = (answer.confidence * 10.0) as usize;
        let bin = &mut bins[at.min(BINS - 1)];
        bin.count += 1;
        bin.right += usize::from(answer.right);
        bin.sum += answer.confidence;
    }
    bins
}

/// Mean distance between what was said and what was so, weighted by count.
pub(super) fn calibration_error(bins: &[Bin]) -> f64 {
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    let sum: f64 = bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(|bin| count(bin.count) * (bin.mean() - bin.share()).abs())
        .sum();
    sum / count(all.max(1))
}

/// Mean square of the same, answer by answer.
pub(super) fn brier(answers: &[Answer]) -> f64 {
    let square = |answer: &Answer| {
        let so = if answer.right { 1.0 } else { 0.0 };
        (answer.confidence - so).powi(2)
    };
    answers.iter().map(square).sum::<f64>() / count(answers.len().max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_the_value_when_it_covers_most_of_it() {
        let truth = (10, 20, Kind::MOBILE);
        for (bytes, kind, expected) in [
            ((10, 20), Kind::MOBILE, true),
            ((10, 20), Kind::QQ, false),
            ((7, 20), Kind::MOBILE, true),
            ((18, 29), Kind::MOBILE, false),
            ((0, 5), Kind::MOBILE, false),
        ] {
            assert_eq!(same(truth, kind, bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn bins_hold_both_ends() {
        let answer = |confidence, right| Answer {
            kind: Kind::MOBILE,
            confidence,
            reasons: Reasons::NONE,
            right,
        };
        let answers = [answer(0.0, false), answer(0.95, true), answer(1.0, true)];
        let bins = bins(answers.iter());
        assert_eq!((bins[0].count, bins[9].count), (1, 2));
        assert!((bins[9].share() - 1.0).abs() < 1e-9);
        let (low, high) = bins[9].interval();
        assert!(low < 1.0 && high <= 1.0 + 1e-9);
        assert!(calibration_error(&bins) < 0.02);
    }
}
