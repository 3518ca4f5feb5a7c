//! What an audit finds wrong.
//!
//! A fault names its place and nothing else of an entry: labels stand in no message.

use crate::{hash::Hash, tile::TileId};

/// Faults listed one by one; further ones are only counted.
pub const MOST_FAULTS: usize = 1000;

/// What was found wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A file that the checkpoint needs cannot be read.
    #[error("{tile} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        tile: TileId,
        /// The source's reason.
        reason: String,
    },
    /// A bundle does not split into as many entries as its name says.
    #[error("{tile} does not hold {} entries", tile.width)]
    BadBundle {
        /// The file.
        tile: TileId,
    },
    /// A tile differs from what the files below it give.
    #[error("{tile} differs from what lies below it, first at hash {at}")]
    Differs {
        /// The file.
        tile: TileId,
        /// First hash of the tile that differs, or where it ends too early or too late.
        at: usize,
    },
    /// The entries do not give the signed root.
    #[error("the entries give the root {found}, but {signed} is signed")]
    Root {
        /// Root of the entries found.
        found: Hash,
        /// Root of the checkpoint.
        signed: Hash,
    },
    /// The log serves a smaller checkpoint than one that it signed before.
    #[error("a checkpoint of {served} entries is served, but the log signed one of {signed}")]
    RolledBack {
        /// Size of the checkpoint served.
        served: u64,
        /// Size of the largest checkpoint known.
        signed: u64,
    },
    /// The log signed two trees of which neither is the beginning of the other. [`Fork`] has both.
    #[error(
        "the checkpoint of {earlier} entries is not the beginning of the one of {later}: the log forked"
    )]
    Forked {
        /// Size of the smaller checkpoint.
        earlier: u64,
        /// Size of the larger checkpoint.
        later: u64,
    },
    /// An earlier checkpoint does not fit what the log serves, which is at fault itself.
    #[error("the checkpoint of {size} entries is not shown to be the beginning of what is served")]
    Earlier {
        /// Size of the earlier checkpoint.
        size: u64,
    },
    /// An entry is of no sort that this version knows, or ends too early or too late for its sort.
    #[error("entry {index} is of no known sort{}", sort.map(|b| format!(" (first byte {b:#04x})")).unwrap_or_default())]
    UnknownEntry {
        /// The entry.
        index: u64,
        /// Its first byte; `None` when it is empty.
        sort: Option<u8>,
    },
    /// A label stands in the log a second time.
    #[error("a label of entry {second} stands in entry {first} already")]
    Repeated {
        /// The entry it stood in first.
        first: u64,
        /// The entry it stands in again.
        second: u64,
    },
    /// A map root claims entries that come after it.
    #[error("the map root at entry {index} claims {size} entries")]
    MapBeyond {
        /// The map root's entry.
        index: u64,
        /// The size it states.
        size: u64,
    },
    /// A map root says an earlier time than the one before it.
    #[error("the map root at entry {index} is of time {time}, after one of {before}")]
    MapTimeFalls {
        /// The map root's entry.
        index: u64,
        /// The time it states: milliseconds since 1970, UTC.
        time: u64,
        /// The time of the map root before it.
        before: u64,
    },
    /// A map root does not cover more than the one before it.
    #[error("the map root at entry {index} is of {size} entries, after one of {before}")]
    MapNotRising {
        /// The map root's entry.
        index: u64,
        /// The size it states.
        size: u64,
        /// The size of the map root before it.
        before: u64,
    },
    /// A map root counts other labels than stand in the entries.
    #[error(
        "the map root at entry {index} counts {stated} labels in {size} entries, which hold {found}"
    )]
    MapCount {
        /// The map root's entry.
        index: u64,
        /// The size it states.
        size: u64,
        /// The labels it counts.
        stated: u64,
        /// The labels there are.
        found: u64,
    },
    /// A map root is not that of the entries.
    #[error("the map root at entry {index} is {stated}, but {size} entries give {found}")]
    MapRoot {
        /// The map root's entry.
        index: u64,
        /// The size it states.
        size: u64,
        /// The root it states.
        stated: Hash,
        /// The root of the labels there are.
        found: Hash,
    },
    /// Map roots that could not be judged since entries before them are missing.
    #[error("{roots} map roots could not be checked: entries from {gap} on are missing")]
    MapUnchecked {
        /// How many.
        roots: u64,
        /// First entry that is missing.
        gap: u64,
    },
    /// A fault that an earlier run found, in its words.
    #[error("{0}")]
    Remembered(String),
}

/// Two checkpoints signed by one log that cannot both be true: evidence that convicts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The smaller one, as a signed note.
    pub earlier: String,
    /// The larger one, as a signed note.
    pub later: String,
    /// Both with what shows the contradiction, as `witness::Evidence` writes it: anyone can check it without the log.
    /// `None` when the log's tiles prove nothing about its own checkpoint; the two notes are then all there is.
    pub evidence: Option<String>,
}

/// Faults in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) listed: Vec<Fault>,
    pub(super) count: u64,
}

impl Faults {
    pub(super) fn note(&mut self, fault: Fault) {
        self.count += 1;
        if self.listed.len() < MOST_FAULTS {
            self.listed.push(fault);
        }
    }
}

impl Extend<Fault> for Faults {
    fn extend<T: IntoIterator<Item = Fault>>(&mut self, faults: T) {
        faults.into_iter().for_each(|fault| self.note(fault));
    }
}
