//! What time it is: the system's clock, or a set one for the demonstration's past year and for tests.

use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;

/// Where the time comes from.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Added to the system's time; zero except while the demonstration writes its past.
    offset: AtomicI64,
}

impl Clock {
    /// The time now.
    pub(crate) fn now(&self) -> UnixMs {
        jiff::Timestamp::now()
            .as_millisecond()
            .saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Moves the clock, for the demonstration and for tests.
    pub(crate) fn shift(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}

/// `2026-11-22T01:02:03.004Z`.
pub fn rfc3339(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "out of range".to_owned(), |time| format!("{time:.3}"))
}

/// The day of `ms` as `YYYY-MM-DD`, in the time zone of the People's Republic (UTC+8, no summer time).
pub fn day(ms: UnixMs) -> String {
    let shifted = ms.saturating_add(8 * 3600 * 1000);
    rfc3339(shifted).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(16 * 3600 * 1000), "1970-01-02");
    }
}
