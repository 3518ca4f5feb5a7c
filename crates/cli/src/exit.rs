//! How the program ends.

use std::process::ExitCode;

use liuhen_service::{Holder, ServiceError};
use liuhen_tlog::LogError;

/// The exit codes, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  failed; the reason is on standard error
  2  the arguments do not fit together
  3  import: done, but some rows were left out
  4  trace, sighting: no evidence that it came from here
  5  verify, log, case verify, case report: something is not as it was signed or sealed
  6  another process holds the data directory
  7  scan: --fail-on found something; it comes before 8
  8  scan, count, case: done, but something that should have been read could not be
  9  redact: done, but some files have no copy

Logs go to standard error; LIUHEN_LOG=info shows more of them.";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// It did not work.
    Failed,
    /// Imported, but rows were left out.
    BadRows,
    /// Traced or compared, and nothing was found.
    NoEvidence,
    /// Not as it was signed.
    Unsound,
    /// Somebody else holds the data directory.
    InUse,
    /// Scanned, and found what `--fail-on` names.
    Found,
    /// Scanned or counted, but something could not be read.
    Incomplete,
    /// Redacted, but some files have no copy.
    Refused,
}

impl Exit {
    /// The exit for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let of_service = error.downcast_ref::<ServiceError>();
        let of_log = error.downcast_ref::<LogError>();
        match (of_service, of_log) {
            (Some(ServiceError::InUse(_)), _) | (_, Some(LogError::Locked { .. })) => Self::InUse,
            _ => Self::Failed,
        }
    }
}

/// Who holds the data directory, when that is why it failed.
pub(crate) fn holder(error: &anyhow::Error) -> Option<Holder> {
    match error.downcast_ref::<ServiceError>() {
        Some(ServiceError::InUse(dir)) => Holder::of(dir),
        _ => None,
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::BadRows => 3,
            Exit::NoEvidence => 4,
            Exit::Unsound => 5,
            Exit::InUse => 6,
            Exit::Found => 7,
            Exit::Incomplete => 8,
            Exit::Refused => 9,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_has_its_own_code() {
        let error = anyhow::Error::from(ServiceError::InUse("data".into())).context("opening");
        assert_eq!(Exit::of(&error), Exit::InUse);
        assert_eq!(Exit::of(&anyhow::anyhow!("other")), Exit::Failed);
    }
}
