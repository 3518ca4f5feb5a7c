//! Leaves, tiles, proofs, checkpoints: an append-only log that anyone can verify.
//!
//! An entry is durable when [`Log::append`] answers, lies under a signed
//! checkpoint at most a second later, and can be proved to be in the log ever
//! after. Rules: RFC 9162 for hashes and proofs; C2SP tlog-tiles,
//! tlog-checkpoint and signed-note for files and signatures.
//!
//! This room knows nothing of persons, keys of persons or what a leaf means.
//!
//! ```
//! use liuhen_tlog::{Log, LogKey, Options, leaf_hash, proof};
//!
//! let dir = tempfile::tempdir()?;
//! let key = LogKey::generate()?;
//! Log::create(dir.path(), &key, "trace.example.cn/log")?;
//! let (log, unacknowledged) = Log::open(dir.path(), key, Options::default())?;
//! assert!(unacknowledged.is_empty());
//!
//! // Durable when this returns; the receipt is the log's signed word for it.
//! let appended = log.append_blocking(b"a leaf".to_vec(), Vec::new())?;
//! log.sign_receipt(&appended)?.verify(log.verifier())?;
//!
//! // Under a checkpoint, anyone can check it.
//! let signed = log.checkpoint_now()?;
//! let path = log.inclusion(appended.index, signed.size())?;
//! let leaf = leaf_hash(b"a leaf");
//! proof::verify_inclusion(&leaf, appended.index, signed.size(), &path, &signed.root())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod backup;
pub mod checkpoint;
pub mod cosignature;
pub mod disk;
pub mod entry;
pub mod fsck;
pub mod hash;
mod herald;
pub mod inspect;
pub mod map;
pub mod note;
pub mod person;
pub mod policy;
pub mod proof;
pub mod rebuild;
pub mod receipt;
pub mod rotation;
pub mod submit;
pub mod tile;
pub mod tree;
pub mod witness;

mod clock;
mod committer;
mod edge;
mod error;
mod key;
mod log;
mod parts;
mod recover;
mod sequencer;
mod shared;
mod tiles;
mod wal;

pub use audit::{DirReport, verify_dir};
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use clock::Clock;
pub use cosignature::{Cosigner, CosignerVerifier};
pub use entry::{Entry, Label, MapRoot};
pub use error::LogError;
pub use fsck::{FsckReport, fsck};
pub use hash::{Hash, leaf_hash, node_hash};
pub use key::LogKey;
pub use log::{Appended, Log, Options, Recovered};
pub use note::{NoteError, Signer, Verifier};
pub use policy::{Policy, Verdict};
pub use proof::ProofError;
pub use rebuild::{Rebuilt, rebuild};
pub use receipt::Receipt;
pub use rotation::{Keys, Rotation, read_keys, rotate};
pub use tile::MAX_LEAF;
pub use tiles::read_tile;
pub use wal::MAX_SIDECAR;
pub use witness::{Answer, Witness};
