//! What time a log says it is: the machine's, but never back.
//!
//! Rule: `docs/trace.md`, A map root: a receipt earlier than a map root that it stands behind convicts the log.
//! A machine's clock may be set back; an honest log must not be convicted by that.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Where a log gets its time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock of one's own, in milliseconds since 1970 UTC; for tests.
    pub fn new(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }
}

/// The machine's.
impl Default for Clock {
    fn default() -> Self {
        Self::new(system_ms)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock that stands still where the one beneath goes back.
#[derive(Debug)]
pub(crate) struct Forward {
    clock: Clock,
    /// The latest time told, or to be told at least.
    latest: AtomicU64,
}

impl Forward {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            latest: AtomicU64::new(0),
        }
    }

    /// Milliseconds since 1970 UTC, no less than ever before.
    pub(crate) fn now_ms(&self) -> u64 {
        self.not_before((self.clock.0)())
    }

    /// From now on no earlier time is told; the latest so far.
    pub(crate) fn not_before(&self, ms: u64) -> u64 {
        self.latest.fetch_max(ms, Ordering::AcqRel).max(ms)
    }
}

fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_while_the_clock_is_behind() {
        let rows = [(0, 100, 100), (1, 250, 250), (2, 90, 250), (3, 251, 251)];
        let machine = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&machine);
        let clock = Forward::new(Clock::new(move || read.load(Ordering::SeqCst)));
        for (row, set, told) in rows {
            machine.store(set, Ordering::SeqCst);
            assert_eq!(clock.now_ms(), told, "row {row}");
        }
        assert_eq!(clock.not_before(900), 900);
        assert_eq!((clock.not_before(3), clock.now_ms()), (900, 900));
    }
}
