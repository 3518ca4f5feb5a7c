//! What must hold in every state of the release protocol.

use std::fmt;

use crate::{
    tree::Tree,
    world::{Kind, World},
};

/// A promise of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// A value goes out only with a leaf that no crash can take back.
    ReleasedIsDurable,
    /// Every later tree holds it where its receipt says.
    ReleasedStaysInPlace,
    /// Published checkpoints of one log never contradict each other.
    NoFork,
    /// Whoever sees a checkpoint finds its tiles, also after a power cut.
    TilesBeforeCheckpoint,
    /// A map root binds a map of entries before itself, and each binds more than the one before.
    MapRootsLookBack,
    /// The person's numbers run 0, 1, 2 … in the order of the log.
    NumbersRun,
    /// After any crash the log opens and the projection catches up.
    OpensAgain,
}

impl Invariant {
    pub const ALL: [Self; 7] = [
        Self::OpensAgain,
        Self::ReleasedIsDurable,
        Self::ReleasedStaysInPlace,
        Self::NoFork,
        Self::TilesBeforeCheckpoint,
        Self::MapRootsLookBack,
        Self::NumbersRun,
    ];

    pub fn holds(self, world: &World) -> bool {
        let disk = &world.disk;
        let durable = disk.wal.first(disk.synced);
        match self {
            Self::ReleasedIsDurable => world.receipts().all(|receipt| is_durable(world, receipt)),
            Self::ReleasedStaysInPlace => {
                let live = world.processes.iter().filter(|process| process.is_alive());
                let trees = live.map(|process| &process.tree);
                trees
                    .chain([&world.public])
                    .all(|tree| world.receipts().all(|receipt| is_in_place(tree, receipt)))
            }
            Self::NoFork => !world.forked,
            Self::TilesBeforeCheckpoint => disk.visible().is_prefix_of(&disk.tiles_synced),
            Self::MapRootsLookBack => maps_look_back(world, &durable),
            Self::NumbersRun => numbers_run(world, &durable),
            Self::OpensAgain => !world.refused,
        }
    }
}

/// Durable: in the write-ahead log, or, where that was cut off in front, in tiles under a durable checkpoint.
fn is_durable(world: &World, (id, index): (u8, u8)) -> bool {
    let disk = &world.disk;
    if index < disk.begins {
        return disk.tiles_synced.get(index) == Some(id) && index < disk.checkpoint.len();
    }
    index < disk.synced && disk.wal.get(index) == Some(id)
}

fn is_in_place(tree: &Tree, (id, index): (u8, u8)) -> bool {
    tree.get(index).is_none_or(|found| found == id)
}

fn maps_look_back(world: &World, tree: &Tree) -> bool {
    let roots = (0..).zip(tree.iter()).filter_map(|(index, id)| {
        let Kind::MapRoot { size } = world.kind(id) else {
            return None;
        };
        Some((index, size))
    });
    let roots: Vec<(u8, u8)> = roots.collect();
    roots.iter().all(|(index, size)| size <= index) && roots.windows(2).all(|w| w[0].1 < w[1].1)
}

fn numbers_run(world: &World, tree: &Tree) -> bool {
    let numbers = tree.iter().filter_map(|id| match world.kind(id) {
        Kind::Event { n } => Some(n),
        Kind::MapRoot { .. } | Kind::Unmade => None,
    });
    numbers.eq((0..).take(numbers_of(world, tree)))
}

fn numbers_of(world: &World, tree: &Tree) -> usize {
    let event = |id: &u8| matches!(world.kind(*id), Kind::Event { .. });
    tree.iter().filter(event).count()
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReleasedIsDurable => "a value was released before its leaf was durable",
            Self::ReleasedStaysInPlace => "a later tree has another entry at a receipt's index",
            Self::NoFork => "two published checkpoints contradict each other",
            Self::TilesBeforeCheckpoint => "a checkpoint is visible whose tiles may be lost",
            Self::MapRootsLookBack => "a map root covers itself, or no more than the one before",
            Self::NumbersRun => "a person's numbers have a gap or a repetition",
            Self::OpensAgain => "the log refuses to open after a crash",
        })
    }
}
