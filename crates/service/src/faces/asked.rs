//! How often a person's face was asked about: few enough that nobody gropes his way to it.
//!
//! The counts live in memory and are taken from the trace when a person is first asked about after
//! a start, so that a restart forgives nothing.

use std::collections::{HashMap, VecDeque};

use liuhen_vault::SubjectId;
use parking_lot::Mutex;

use super::rules;
use crate::clock::UnixMs;
use crate::error::Result;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Persons beyond whom those not asked about for a day are forgotten.
const SWEEP_ABOVE: usize = 10_000;

/// Questions of the last day, by person.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashMap<SubjectId, VecDeque<UnixMs>>>);

impl Asked {
    /// Counts a question, or answers from when on one may be asked again.
    ///
    /// `before` tells the times of the last day's questions, oldest first, for a person who is not
    /// known here yet.
    pub(super) fn count(
        &self,
        subject: SubjectId,
        now: UnixMs,
        rules: &rules::Questions,
        before: impl FnOnce() -> Result<VecDeque<UnixMs>>,
    ) -> Result<std::result::Result<(), UnixMs>> {
        let mut all = self.0.lock();
        if all.len() > SWEEP_ABOVE {
            all.retain(|_, times| times.back().is_some_and(|last| now - last < DAY));
        }
        let times = match all.entry(subject) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(before()?),
        };
        while times.front().is_some_and(|first| now - first >= DAY) {
            times.pop_front();
        }
        let free = |most: usize, span: i64| {
            let nth = times.len().checked_sub(most)?;
            times
                .get(nth)
                .map(|at| at + span)
                .filter(|from| *from > now)
        };
        let waits = [
            free(rules.at_most, rules.minutes * MINUTE),
            free(rules.a_day, DAY),
        ];
        if let Some(from) = waits.into_iter().flatten().max() {
            return Ok(Err(from));
        }
        times.push_back(now);
        Ok(Ok(()))
    }

    /// How far back questions count.
    pub(super) fn since(now: UnixMs) -> UnixMs {
        now - DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: rules::Questions = rules::Questions {
        at_most: 3,
        minutes: 10,
        a_day: 5,
    };

    fn ask(asked: &Asked, n: u8, now: UnixMs) -> std::result::Result<(), UnixMs> {
        let nothing = || Ok(VecDeque::new());
        let subject = SubjectId::from_bytes([n; 16]);
        asked.count(subject, now, &RULES, nothing).unwrap()
    }

    #[test]
    fn refuses_more_than_the_bound_until_the_span_is_over() {
        let asked = Asked::default();
        for now in [0, 1, 2] {
            assert_eq!(ask(&asked, 1, now), Ok(()));
        }
        assert_eq!(ask(&asked, 1, 3), Err(10 * MINUTE));
        assert_eq!(ask(&asked, 2, 3), Ok(()), "another person");
        assert_eq!(ask(&asked, 1, 10 * MINUTE - 1), Err(10 * MINUTE));
        assert_eq!(ask(&asked, 1, 10 * MINUTE), Ok(()));
        // The fourth of the day; then the second of the first three leaves the span.
        assert_eq!(ask(&asked, 1, 30 * MINUTE), Ok(()));
        assert_eq!(ask(&asked, 1, 60 * MINUTE), Err(DAY), "five a day");
        assert_eq!(ask(&asked, 1, DAY), Ok(()));
    }

    #[test]
    fn what_was_asked_before_the_start_counts() {
        let asked = Asked::default();
        let subject = SubjectId::from_bytes([1; 16]);
        let before = || Ok(VecDeque::from([5, 6, 7]));
        let first = asked.count(subject, 8, &RULES, before).unwrap();
        assert_eq!(first, Err(5 + 10 * MINUTE));
    }

    #[test]
    fn whoever_is_not_asked_about_any_more_is_forgotten() {
        let asked = Asked::default();
        for n in 0..=u128::try_from(SWEEP_ABOVE).unwrap() {
            let subject = SubjectId::from_bytes(n.to_be_bytes());
            let done = asked.count(subject, 0, &RULES, || Ok(VecDeque::new()));
            assert_eq!(done.unwrap(), Ok(()));
        }
        assert_eq!(ask(&asked, 1, DAY), Ok(()));
        assert_eq!(asked.0.lock().len(), 1);
    }
}
