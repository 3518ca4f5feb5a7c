//! What unpacking may cost: bytes, files and their ratio, counted over everything inside one file.
//!
//! Counted while bytes come out; what an archive says about sizes is never believed. Each stream
//! has a ratio of its own, against the packed bytes it took, and all of them together have one
//! against the outermost file, so that bombs within bombs end early.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Limits, ReadError};

/// Bytes that one stream may unpack to before its ratio counts.
const FREE: u64 = 16 << 20;
/// Bytes that everything together may unpack to before the ratio counts.
const FREE_IN_ALL: u64 = 256 << 20;

/// The account of one outermost file.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    outermost: u64,
    unpacked: AtomicU64,
    files: AtomicU64,
    spent: AtomicBool,
}

impl Budget {
    pub(crate) fn new(limits: &Limits, outermost: u64) -> Self {
        Self {
            limits: limits.clone(),
            outermost,
            unpacked: AtomicU64::new(0),
            files: AtomicU64::new(0),
            spent: AtomicBool::new(false),
        }
    }

    /// Whether a bound of the whole was met, so that nothing more is unpacked.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }

    /// Bytes unpacked so far.
    pub(crate) fn unpacked(&self) -> u64 {
        self.unpacked.load(Ordering::Relaxed)
    }

    /// One file more.
    pub(crate) fn file(&self) -> Result<(), ReadError> {
        let limit = self.limits.max_files;
        if self.files.fetch_add(1, Ordering::Relaxed) < limit {
            return Ok(());
        }
        self.spent.store(true, Ordering::Relaxed);
        Err(ReadError::TooManyFiles { limit })
    }

    /// Bytes more.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), ReadError> {
        let total = self.unpacked.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let (budget, limit) = (self.limits.max_unpacked_bytes, self.limits.max_ratio);
        let error = if total > budget {
            ReadError::TooLarge { budget }
        } else if total > FREE_IN_ALL.max(self.outermost.saturating_mul(limit)) {
            ReadError::RatioTooHigh { limit }
        } else {
            return Ok(());
        };
        self.spent.store(true, Ordering::Relaxed);
        Err(error)
    }
}

/// A decoder under the budget: measured, and its panics turned into errors.
pub(crate) struct Metered<R> {
    inner: R,
    budget: Arc<Budget>,
    /// Packed bytes taken so far, where a ratio can be told.
    packed: Option<Arc<AtomicU64>>,
    unpacked: u64,
    failed: bool,
}

impl<R> Metered<R> {
    pub(crate) fn new(inner: R, budget: &Arc<Budget>, packed: Option<Arc<AtomicU64>>) -> Self {
        Self {
            inner,
            budget: Arc::clone(budget),
            packed,
            unpacked: 0,
            failed: false,
        }
    }

    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    fn charge(&mut self, bytes: u64) -> Result<(), ReadError> {
        self.unpacked += bytes;
        self.budget.charge(bytes)?;
        let limit = self.budget.limits.max_ratio;
        let bound = |packed: &Arc<AtomicU64>| {
            let packed = packed.load(Ordering::Relaxed);
            packed.saturating_mul(limit).max(FREE)
        };
        match &self.packed {
            Some(packed) if self.unpacked > bound(packed) => Err(ReadError::RatioTooHigh { limit }),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(ReadError::Fault.into());
        }
        // A decoder of another's making must cost its own file only.
        let inner = &mut self.inner;
        let came = catch_unwind(AssertUnwindSafe(|| inner.read(buffer)));
        let n = came.unwrap_or_else(|_| {
            self.failed = true;
            Err(ReadError::Fault.into())
        })?;
        self.charge(n as u64)?;
        Ok(n)
    }
}

/// For decoders that give their bytes away.
impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.charge(bytes.len() as u64)?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Counts the packed bytes that a decoder takes.
pub(crate) struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Counted<R> {
    pub(crate) fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        (Self { inner, taken }, counter)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Does what a library of another's making does, and makes an error of its panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(ReadError::Fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_total_and_files_end_what_they_bound() {
        let limits = Limits {
            max_unpacked_bytes: 300 << 20,
            max_files: 2,
            ..Limits::default()
        };
        let budget = Arc::new(Budget::new(&limits, 1 << 30));
        let packed = Arc::new(AtomicU64::new(10));
        let mut stream = Metered::new(io::repeat(0), &budget, Some(packed));
        let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        assert!(matches!(
            ReadError::of(error),
            ReadError::RatioTooHigh { limit: 400 }
        ));
        assert!(!budget.is_spent() && budget.unpacked() > FREE);
        let mut stream = Metered::new(io::repeat(0), &budget, None);
        let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        assert!(matches!(ReadError::of(error), ReadError::TooLarge { .. }));
        assert!(budget.is_spent());
        assert!(budget.file().is_ok() && budget.file().is_ok());
        assert!(matches!(
            budget.file(),
            Err(ReadError::TooManyFiles { limit: 2 })
        ));
    }

    #[test]
    fn a_small_file_cannot_unpack_to_much_by_nesting() {
        let budget = Budget::new(&Limits::default(), 42 << 10);
        assert!(budget.charge(FREE_IN_ALL).is_ok());
        assert!(matches!(
            budget.charge(1),
            Err(ReadError::RatioTooHigh { .. })
        ));
    }

    #[test]
    fn a_panic_of_a_decoder_is_an_error() {
        struct Bad;
        impl Read for Bad {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                let empty: Vec<usize> = Vec::new();
                Ok(empty[0])
            }
        }
        let budget = Arc::new(Budget::new(&Limits::default(), 1));
        let mut stream = Metered::new(Bad, &budget, None);
        for _ in 0..2 {
            let error = stream.read(&mut [0]).unwrap_err();
            assert!(matches!(ReadError::of(error), ReadError::Fault));
        }
    }
}
