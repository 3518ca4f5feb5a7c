//! A person's proof: all entries under his labels, and that no further one is there.
//!
//! Rule: `docs/trace.md`, A person's proof. [`build`] is the log's side,
//! [`PersonProof::parse`] and [`PersonProof::check`] the person's. Judges
//! entries, map and tree against a checkpoint that the caller has verified: by
//! the log's key ([`SignedCheckpoint::verify`](crate::SignedCheckpoint::verify))
//! and, by his own policy, by witnesses. How labels are made and what entries
//! say belongs to whoever holds the person's key.
//!
//! `crates/server/assets/person-proof.js` does the same in a browser;
//! `tests/data/person-proof-v1.json` holds both to the same answers.

mod build;
mod check;
mod container;
pub mod tree_proof;

pub use build::{BuildError, Source, build};
pub use check::{Found, FoundEntry, PersonError, Shared};
pub use container::{MAX_ENTRY_BYTES, MAX_LABELS, PersonProof};
