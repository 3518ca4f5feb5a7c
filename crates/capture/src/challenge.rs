//! What is asked for, drawn by whoever will doubt the answer.
//!
//! A recording made beforehand cannot know the order of movements, nor that of the lights.

use serde::{Deserialize, Serialize};

use crate::rules::Rules;

/// One thing to do, or to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Look straight ahead.
    Straight,
    /// Turn to one's own left.
    Left,
    /// Turn to one's own right.
    Right,
    /// Look up.
    Up,
    /// Look down.
    Down,
    /// The screen is red; look straight ahead.
    Red,
    /// The screen is green.
    Green,
    /// The screen is blue.
    Blue,
}

impl Deed {
    /// The movements.
    pub const MOVEMENTS: [Self; 4] = [Self::Left, Self::Right, Self::Up, Self::Down];
    /// The lights.
    pub const LIGHTS: [Self; 3] = [Self::Red, Self::Green, Self::Blue];

    /// Of a light its share of red, green, blue.
    #[must_use]
    pub const fn colour(self) -> Option<[f64; 3]> {
        match self {
            Self::Red => Some([1.0, 0.0, 0.0]),
            Self::Green => Some([0.0, 1.0, 0.0]),
            Self::Blue => Some([0.0, 0.0, 1.0]),
            _ => None,
        }
    }
}

/// A deed and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub deed: Deed,
    /// Milliseconds.
    pub ms: u32,
}

/// Steps, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Draws a plan; `random` answers a number below the one it is given.
    ///
    /// No movement and no light follows itself.
    pub fn draw(rules: &Rules, random: &mut dyn FnMut(usize) -> usize) -> Self {
        let asked = &rules.challenge;
        let straight = Step {
            deed: Deed::Straight,
            ms: asked.straight_ms,
        };
        let mut steps = vec![straight];
        let mut draw = |of: &[Deed], count: usize, ms: u32, steps: &mut Vec<Step>| {
            for at in 0..count {
                let last = steps.last().map(|step| step.deed);
                let left: Vec<Deed> = of
                    .iter()
                    .copied()
                    .filter(|deed| at == 0 || Some(*deed) != last)
                    .collect();
                if let Some(deed) = left.get(random(left.len())) {
                    steps.push(Step { deed: *deed, ms });
                }
            }
        };
        draw(&Deed::MOVEMENTS, asked.movements, asked.hold_ms, &mut steps);
        steps.push(straight);
        draw(&Deed::LIGHTS, asked.lights, asked.light_ms, &mut steps);
        steps.push(straight);
        Self { steps }
    }

    /// How long it lasts, in milliseconds.
    #[must_use]
    pub fn ms(&self) -> u32 {
        self.steps.iter().map(|step| step.ms).sum()
    }

    /// The step that is due at a moment, and from when to when it lasts.
    #[must_use]
    pub fn at(&self, ms: u32) -> Option<(Step, u32, u32)> {
        let mut begin = 0;
        for step in &self.steps {
            let end = begin + step.ms;
            if ms < end {
                return Some((*step, begin, end));
            }
            begin = end;
        }
        None
    }

    /// How many orders of movements were possible.
    pub(crate) fn orders(&self) -> f64 {
        let movements = Deed::MOVEMENTS;
        let asked = self
            .steps
            .iter()
            .filter(|step| movements.contains(&step.deed));
        match u32::try_from(asked.count()).unwrap_or(0) {
            0 => 1.0,
            count => 4.0 * 3_f64.powi(i32::try_from(count - 1).unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn plans_differ_and_nothing_follows_itself() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let rules = Rules::builtin();
        let mut draw = || Plan::draw(rules, &mut |below| random.random_range(0..below));
        let plans: Vec<Plan> = (0..200).map(|_| draw()).collect();
        for plan in &plans {
            assert_eq!(
                plan.steps.len(),
                3 + rules.challenge.movements + rules.challenge.lights
            );
            assert!(
                plan.steps
                    .windows(2)
                    .all(|pair| pair[0].deed != pair[1].deed)
            );
        }
        let mut orders: Vec<_> = plans
            .iter()
            .map(|plan| format!("{:?}", plan.steps))
            .collect();
        orders.sort();
        orders.dedup();
        assert!(orders.len() > 190, "{}", orders.len());
        assert!((plans[0].orders() - 108.0).abs() < 1e-9);
    }

    #[test]
    fn steps_are_due_one_after_another() {
        let of = |deed, ms| Step { deed, ms };
        let plan = Plan {
            steps: vec![of(Deed::Straight, 100), of(Deed::Left, 50)],
        };
        assert_eq!(plan.at(99), Some((of(Deed::Straight, 100), 0, 100)));
        assert_eq!(plan.at(100), Some((of(Deed::Left, 50), 100, 150)));
        assert_eq!((plan.at(150), plan.ms()), (None, 150));
    }
}
