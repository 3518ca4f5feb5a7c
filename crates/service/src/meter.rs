//! What is counted while the service runs; forgotten when it stops.
//!
//! Counts and times only: nothing here says who or what.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::event::Outcome;

/// Upper bounds of the histogram of appends, in seconds; the last bucket has none.
pub const APPEND_BOUNDS: [f64; 11] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// How reads can end.
const OUTCOMES: [Outcome; 6] = [
    Outcome::Plain,
    Outcome::Masked,
    Outcome::Answered,
    Outcome::Refused,
    Outcome::Erased,
    Outcome::Unknown,
];

/// Counters of one process.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    reads: [AtomicU64; OUTCOMES.len()],
    buckets: [AtomicU64; APPEND_BOUNDS.len() + 1],
    append_micros: AtomicU64,
    append_failures: AtomicU64,
}

/// Times of appends: how long a leaf waited until it was durable.
#[derive(Debug, Clone, PartialEq)]
pub struct AppendTimes {
    /// How many waited at most as long as the bound of the same place in [`APPEND_BOUNDS`], those before included; the last counts all.
    pub at_most: [u64; APPEND_BOUNDS.len() + 1],
    /// All their times together, in seconds.
    pub seconds: f64,
    /// How many were never made durable.
    pub failures: u64,
}

impl Meter {
    pub(crate) fn read(&self, outcome: Outcome) {
        if let Some(at) = OUTCOMES.iter().position(|one| *one == outcome) {
            self.reads[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn appended(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = APPEND_BOUNDS.iter().position(|bound| seconds <= *bound);
        self.buckets[at.unwrap_or(APPEND_BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.append_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn append_failed(&self) {
        self.append_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads by how they ended.
    pub(crate) fn reads(&self) -> Vec<(&'static str, u64)> {
        let counts = self.reads.iter().map(|count| count.load(Ordering::Relaxed));
        OUTCOMES.iter().map(|one| one.name()).zip(counts).collect()
    }

    pub(crate) fn append_times(&self) -> AppendTimes {
        let mut sum = 0;
        let at_most = std::array::from_fn(|at| {
            sum += self.buckets[at].load(Ordering::Relaxed);
            sum
        });
        AppendTimes {
            at_most,
            seconds: Duration::from_micros(self.append_micros.load(Ordering::Relaxed))
                .as_secs_f64(),
            failures: self.append_failures.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let meter = Meter::default();
        for millis in [1, 2, 4, 4, 9000] {
            meter.appended(Duration::from_millis(millis));
        }
        meter.append_failed();
        let times = meter.append_times();
        assert_eq!(times.at_most, [1, 2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
        assert!((times.seconds - 9.011).abs() < 1e-9);
        assert_eq!(times.failures, 1);
    }

    #[test]
    fn reads_are_counted_by_outcome() {
        let meter = Meter::default();
        meter.read(Outcome::Masked);
        meter.read(Outcome::Masked);
        meter.read(Outcome::Done);
        let counted: Vec<_> = meter.reads().into_iter().filter(|(_, n)| *n > 0).collect();
        assert_eq!(counted, [("masked", 2)]);
    }
}
