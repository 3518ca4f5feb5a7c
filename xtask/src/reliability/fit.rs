//! Weights that would have fitted better: logistic regression on the reasons.
//!
//! The logarithm of the odds of being right is taken as that of the kind by
//! itself plus a weight for each reason. The engine lets a word count less the
//! farther it stands, which the reasons do not tell; a fitted weight is that of
//! the usual distance. Each parameter is held to its present value by a weak
//! prior, so that what the texts say nothing about stays as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use liuhen_detect::Reasons;
use liuhen_kinds::detection::Detection;

use super::measure::{Answer, count};

/// How far a parameter may stray from its present value: the deviation of the prior.
const SPREAD: f64 = 1.5;

/// The parameters: one for each kind, one for each reason.
pub(super) struct Model {
    names: Vec<String>,
    index: BTreeMap<String, usize>,
    now: Vec<f64>,
    fitted: Vec<f64>,
    seen: Vec<usize>,
}

impl Model {
    /// The weights that are compiled in.
    pub(super) fn present() -> Model {
        let rules = Detection::builtin();
        let mut model = Model {
            names: Vec::new(),
            index: BTreeMap::new(),
            now: Vec::new(),
            fitted: Vec::new(),
            seen: Vec::new(),
        };
        for kind in &rules.kind {
            let bare = f64::from(kind.bare);
            model.add(format!("kind {}", kind.name), (bare / (1.0 - bare)).ln());
        }
        for (name, weight) in &rules.weights.of {
            model.add(name.clone(), f64::from(*weight));
        }
        model.fitted.clone_from(&model.now);
        model
    }

    fn add(&mut self, name: String, value: f64) {
        self.index.insert(name.clone(), self.names.len());
        self.names.push(name);
        self.now.push(value);
        self.seen.push(0);
    }

    /// Which parameters speak in an answer.
    fn features(&self, answer: &Answer) -> Vec<usize> {
        let kind = self.index.get(&format!("kind {}", answer.kind)).copied();
        let reasons = answer
            .reasons
            .iter()
            .filter_map(|(_, name)| self.index.get(name));
        kind.into_iter().chain(reasons.copied()).collect()
    }

    /// What the fitted weights would have said.
    pub(super) fn confidence(&self, answer: &Answer) -> f64 {
        sigmoid(
            self.features(answer)
                .iter()
                .map(|at| self.fitted[*at])
                .sum(),
        )
    }

    /// Newton's method on the penalised likelihood.
    pub(super) fn fit(&mut self, answers: &[Answer]) {
        let size = self.names.len();
        let rows: Vec<(Vec<usize>, f64)> = answers
            .iter()
            // What remains of a masked value has a confidence of its own.
            .filter(|answer| !answer.reasons.has(Reasons::MASKED))
            .map(|answer| (self.features(answer), f64::from(u8::from(answer.right))))
            .collect();
        for (features, _) in &rows {
            for at in features {
                self.seen[*at] += 1;
            }
        }
        let hold = 1.0 / (SPREAD * SPREAD);
        for _ in 0..25 {
            let mut gradient: Vec<f64> = (0..size)
                .map(|at| hold * (self.now[at] - self.fitted[at]))
                .collect();
            let mut curve = vec![vec![0.0; size]; size];
            for (at, row) in curve.iter_mut().enumerate() {
                row[at] = hold;
            }
            for (features, right) in &rows {
                let p = sigmoid(features.iter().map(|at| self.fitted[*at]).sum());
                for a in features {
                    gradient[*a] += right - p;
                    for b in features {
                        curve[*a][*b] += p * (1.0 - p);
                    }
                }
            }
            let step = solve(curve, gradient);
            let longest = step.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
            // A long step at the flat ends of the curve overshoots.
            let shrink = (1.0 / longest).min(1.0);
            for (value, part) in self.fitted.iter_mut().zip(&step) {
                *value += shrink * part;
            }
            if longest < 1e-6 {
                break;
            }
        }
    }

    /// The fitted parameters as the rule pack writes them, with what they rest on.
    pub(super) fn toml(&self) -> String {
        let mut out = String::from("[weights]\nsource = \"D\"\n");
        for (at, name) in self.names.iter().enumerate() {
            if !name.starts_with("kind ") {
                let (fitted, now, seen) = (self.fitted[at], self.now[at], self.seen[at]);
                let _ = writeln!(out, "{name} = {fitted:.1} # now {now:.1}, {seen} answers");
            }
        }
        out.push_str("\n# bare, where answers spoke\n");
        for (at, name) in self.names.iter().enumerate() {
            if let Some(kind) = name.strip_prefix("kind ").filter(|_| self.seen[at] > 0) {
                let (fitted, now) = (sigmoid(self.fitted[at]), sigmoid(self.now[at]));
                let seen = self.seen[at];
                let _ = writeln!(
                    out,
                    "# {kind}: bare = {fitted:.3} (now {now:.3}, {seen} answers)"
                );
            }
        }
        out
    }
}

/// Mean surprise, in nats, of what was so under what was said.
pub(super) fn log_loss(answers: &[Answer], said: impl Fn(&Answer) -> f64) -> f64 {
    let loss = |answer: &Answer| {
        let p = said(answer).clamp(1e-4, 1.0 - 1e-4);
        if answer.right {
            -p.ln()
        } else {
            -(1.0 - p).ln()
        }
    };
    answers.iter().map(loss).sum::<f64>() / count(answers.len().max(1))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Solves a symmetric, positive definite system by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for at in 0..size {
        let pivot = matrix[at].clone();
        for below in at + 1..size {
            let factor = matrix[below][at] / pivot[at];
            if factor != 0.0 {
                for (cell, above) in matrix[below].iter_mut().zip(&pivot).skip(at) {
                    *cell -= factor * above;
                }
                right[below] -= factor * right[at];
            }
        }
    }
    for at in (0..size).rev() {
        let known: f64 = (at + 1..size)
            .map(|next| matrix[at][next] * right[next])
            .sum();
        right[at] = (right[at] - known) / matrix[at][at];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_small_system() {
        let found = solve(vec![vec![4.0, 1.0], vec![1.0, 3.0]], vec![1.0, 2.0]);
        assert!((found[0] - 1.0 / 11.0).abs() < 1e-9 && (found[1] - 7.0 / 11.0).abs() < 1e-9);
    }

    #[test]
    fn a_fit_learns_what_answers_say_and_keeps_the_rest() {
        let mut model = Model::present();
        let answer = |reasons, right| Answer {
            kind: liuhen_kinds::Kind::MOBILE,
            confidence: 0.5,
            reasons,
            right,
        };
        let mut answers = Vec::new();
        for at in 0..1000 {
            answers.push(answer(Reasons::LABEL, at % 50 != 0));
            answers.push(answer(Reasons::AGAINST, at % 4 == 0));
        }
        let grouped = model.now[model.index["grouped"]];
        model.fit(&answers);
        assert!((model.confidence(&answers[0]) - 0.98).abs() < 0.02);
        assert!((model.confidence(&answers[1]) - 0.25).abs() < 0.05);
        assert!((model.fitted[model.index["grouped"]] - grouped).abs() < 1e-9);
    }
}
