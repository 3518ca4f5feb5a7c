//! What the release protocol works upon: a disk that may forget, up to two processes, and what the public has seen.

use crate::tree::{MOST, Tree};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    #[default]
    Unmade,
    /// Event number `n` of the one person there is.
    Event { n: u8 },
    /// Binds the map of the first `size` entries.
    MapRoot { size: u8 },
}

/// The log's directory and the projection's store.
///
/// What was written but not synced is there for whoever reads it, and may be gone after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Disk {
    /// Every record in the write-ahead log, those of removed segments too.
    pub wal: Tree,
    /// How many of them survive a power cut.
    pub synced: u8,
    /// Whether a frame that was cut off follows.
    pub torn: bool,
    /// A bit for each index at which a segment begins.
    pub starts: u8,
    /// First record that is still there.
    pub begins: u8,
    /// Who took up the log last. Another's newest segment was replaced: he writes to a file without a name.
    pub owner: u8,
    /// Tiles as they can be read.
    pub tiles: Tree,
    /// Tiles that survive a power cut.
    pub tiles_synced: Tree,
    /// The checkpoint that survives a power cut.
    pub checkpoint: Tree,
    /// One that was renamed into its place, though the directory is not synced yet.
    pub renamed: Option<Tree>,
    /// What the consumer's store has taken in, durably.
    pub projection: Tree,
}

impl Disk {
    /// The checkpoint that a reader of the directory sees.
    pub fn visible(&self) -> Tree {
        self.renamed.unwrap_or(self.checkpoint)
    }

    /// Where the newest segment begins.
    pub fn newest(&self) -> u8 {
        u8::try_from(self.starts.ilog2()).unwrap_or(0)
    }

    /// Removes the oldest segments that end at or below `spent`; never the newest.
    pub fn remove_segments(&mut self, spent: u8) {
        let after = |begins: u8| (begins + 1..8).find(|at| self.starts >> at & 1 == 1);
        while let Some(end) = after(self.begins) {
            if end > spent {
                break;
            }
            self.begins = end;
        }
    }

    /// What may be left when the power goes.
    pub fn after_power_cut(self) -> Vec<Self> {
        let mut left = vec![self];
        for forget in [Self::forget_wal, Self::forget_tiles, Self::forget_rename] {
            left = left.iter().flat_map(forget).collect();
        }
        left
    }

    fn forget_wal(&self) -> Vec<Self> {
        if self.synced == self.wal.len() {
            return vec![*self];
        }
        let (mut kept, mut lost, mut torn) = (*self, *self, *self);
        kept.synced = self.wal.len();
        lost.wal = self.wal.first(self.synced);
        torn.wal = lost.wal;
        torn.torn = true;
        vec![kept, lost, torn]
    }

    fn forget_tiles(&self) -> Vec<Self> {
        let (mut kept, mut lost) = (*self, *self);
        kept.tiles_synced = self.tiles;
        lost.tiles = self.tiles_synced;
        if kept == lost {
            vec![kept]
        } else {
            vec![kept, lost]
        }
    }

    fn forget_rename(&self) -> Vec<Self> {
        let (mut kept, mut lost) = (*self, *self);
        kept.checkpoint = self.visible();
        (kept.renamed, lost.renamed) = (None, None);
        if kept == lost {
            vec![kept]
        } else {
            vec![kept, lost]
        }
    }
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    #[default]
    Dead,
    /// `take_up` has judged the disk and renewed the last segment.
    Opening,
    /// Both threads of the log run; `Ledger::start` has not caught up yet.
    Running,
    /// Callers are served.
    Serving,
    /// A write failed: `Shared::poison`.
    Poisoned,
}

/// Where `Sequencer::round` stands; the number is the size of its checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Round {
    #[default]
    Idle,
    Written(u8),
    Synced(u8),
    Renamed(u8),
    Published,
}

/// A caller on the way from a number to a queued leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Caller {
    #[default]
    None,
    /// `Counters::hold` gave the number.
    Holds(u8),
    /// `Log::append` took the leaf.
    Queued(u8),
}

/// What a process has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Process {
    pub phase: Phase,
    /// All it knows to be durable: below `published` in tiles, above in the tail.
    pub tree: Tree,
    /// `Queue::waiting`.
    pub queue: Tree,
    /// The frame that was written and is not synced.
    pub batch: Tree,
    /// Entries at the tree's end whose writers were not told yet.
    pub untold: u8,
    pub published: u8,
    pub round: Round,
    pub acknowledged: u8,
    /// The person's row in the table of counters: the next number.
    pub counter: Option<u8>,
    pub callers: [Caller; 2],
}

impl Process {
    pub fn is_alive(&self) -> bool {
        self.phase != Phase::Dead
    }

    /// Entries whose writers were told, and the projector with them.
    pub fn told(&self) -> u8 {
        self.tree.len() - self.untold
    }
}

/// Everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct World {
    pub disk: Disk,
    pub processes: [Process; 2],
    /// Who holds the lock on the directory.
    pub lock: Option<u8>,
    pub kinds: [Kind; MOST],
    pub made: u8,
    /// For each entry, one more than the index its receipt names; zero while no value was released for it.
    pub released: [u8; MOST],
    /// The longest tree that anybody was shown a checkpoint of.
    pub public: Tree,
    /// A checkpoint was shown that contradicts it.
    pub forked: bool,
    /// `Log::open` or `Ledger::start` refused, though every disk was honest.
    pub refused: bool,
    /// Kills and power cuts so far.
    pub crashes: u8,
    /// Failed writes so far.
    pub failures: u8,
}

impl World {
    /// A log just made by `recover::create`: an empty checkpoint, one empty segment.
    pub fn new() -> Self {
        Self {
            disk: Disk {
                starts: 1,
                ..Disk::default()
            },
            processes: [Process::default(); 2],
            lock: None,
            kinds: [Kind::Unmade; MOST],
            made: 0,
            released: [0; MOST],
            public: Tree::default(),
            forked: false,
            refused: false,
            crashes: 0,
            failures: 0,
        }
    }

    pub fn kind(&self, id: u8) -> Kind {
        self.kinds[usize::from(id)]
    }

    /// Makes an entry and gives its number.
    pub fn make(&mut self, kind: Kind) -> u8 {
        let id = self.made;
        self.kinds[usize::from(id)] = kind;
        self.made += 1;
        id
    }

    /// Released entries, each with the index its receipt names.
    pub fn receipts(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        (0..)
            .zip(self.released)
            .filter_map(|(id, at)| Some((id, at.checked_sub(1)?)))
    }

    /// The number after the last event of the person among these entries.
    pub fn next_event(&self, tree: &Tree) -> u8 {
        let number = |id| match self.kind(id) {
            Kind::Event { n } => Some(n + 1),
            Kind::MapRoot { .. } | Kind::Unmade => None,
        };
        tree.iter().filter_map(number).max().unwrap_or(0)
    }

    /// What the newest map root among these entries binds.
    pub fn mapped(&self, tree: &Tree) -> u8 {
        let size = |id| match self.kind(id) {
            Kind::MapRoot { size } => Some(size),
            Kind::Event { .. } | Kind::Unmade => None,
        };
        tree.iter().filter_map(size).max().unwrap_or(0)
    }

    /// Somebody looks at a checkpoint.
    pub fn show(&mut self, tree: Tree) {
        if !self.public.agrees(&tree) {
            self.forked = true;
        } else if self.public.len() < tree.len() {
            self.public = tree;
        }
    }
}
