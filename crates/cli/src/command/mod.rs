//! The verbs, each in its file.

pub(crate) mod backup;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod count;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod mark;
pub(crate) mod models;
pub(crate) mod openapi;
pub(crate) mod redact;
mod report;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod sighting;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod witness;
