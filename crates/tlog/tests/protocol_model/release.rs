//! The release protocol, step by step, and its broken variants.
//!
//! Each step is one act that a crash can follow; its comment names the function it stands for.

use crate::{
    explore::Model,
    invariant::Invariant,
    tree::Tree,
    world::{Caller, Kind, Phase, Process, Round, World},
};

/// What may be wrong with the protocol, one thing at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The value is released once the frame is written, before it is synced.
    AnswersBeforeSync,
    /// Tiles are not synced before the checkpoint that covers them.
    PublishesBeforeTilesAreSynced,
    /// A number counts as used as soon as it is taken, before its leaf is queued.
    CountsBeforeQueueing,
    /// A number counts as used although the log refused its leaf.
    CountsRefused,
    /// The lock runs out while its holder lives and has leaves waiting.
    LeaseExpires,
    /// The log is told that entries are projected before they are.
    AcknowledgesBeforeProjecting,
    /// The map counts leaves that were not queued yet.
    MapsBeyondDurable,
    /// What a failed sync left in the page cache is believed when the log is opened again.
    OpensWithoutRenewing,
    /// Recovered entries without a checkpoint do not ring the sequencer's bell.
    SleepsOverRecovered,
    /// Segments go by a checkpoint that this process only found and never synced.
    RemovesByFoundCheckpoint,
}

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub entries: u8,
    pub map_roots: usize,
    pub crashes: u8,
    pub failures: u8,
}

#[derive(Debug)]
pub struct Release {
    pub flaw: Option<Flaw>,
    pub bounds: Bounds,
    /// The only invariant to look at, or all.
    pub watched: Option<Invariant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    TakeUp,
    Begin,
    CatchUp,
    Reserve,
    GiveUp,
    Queue,
    Refuse,
    Used,
    MapRoot,
    Write,
    Sync,
    Answer,
    Tiles,
    SyncTiles,
    Rename,
    SyncDir,
    RemoveSegments,
    Project,
    Acknowledge,
    FailWrite,
    FailSync,
    FailTiles,
    FailRename,
    FailSyncDir,
    Restart,
    Kill,
    KillInWrite,
    PowerCut,
    Expire,
}

/// An act and the process that does it.
pub type Step = (Act, u8);

type Steps = Vec<(Step, World)>;

/// Acts of the quiet run, most urgent first: no new request, no failure, and a poisoned process is restarted.
const QUIET: [Act; 16] = [
    Act::Restart,
    Act::TakeUp,
    Act::Begin,
    Act::CatchUp,
    Act::Queue,
    Act::Used,
    Act::Sync,
    Act::Answer,
    Act::Write,
    Act::SyncTiles,
    Act::Rename,
    Act::SyncDir,
    Act::RemoveSegments,
    Act::Tiles,
    Act::Project,
    Act::Acknowledge,
];

impl Model for Release {
    type State = World;
    type Step = Step;
    type Invariant = Invariant;

    fn start(&self) -> World {
        World::new()
    }

    fn next(&self, world: &World) -> Steps {
        let mut steps = Steps::new();
        for slot in 0..2 {
            Acting {
                rules: self,
                before: world,
                slot,
                steps: &mut steps,
            }
            .all();
        }
        if world.crashes < self.bounds.crashes {
            for disk in world.disk.after_power_cut() {
                let mut after = *world;
                (after.disk, after.lock) = (disk, None);
                after.processes = Default::default();
                after.crashes += 1;
                steps.push(((Act::PowerCut, 0), after));
            }
        }
        steps
    }

    fn broken(&self, world: &World) -> Option<Invariant> {
        let watched = |one: &Invariant| self.watched.is_none_or(|only| only == *one);
        let mut all = Invariant::ALL.into_iter().filter(watched);
        all.find(|invariant| !invariant.holds(world))
    }

    fn settled(&self, world: &World) -> bool {
        let covered = |(id, index)| world.disk.visible().get(index) == Some(id);
        let serving = world.processes.iter().any(|p| p.phase == Phase::Serving);
        serving && world.receipts().all(covered)
    }

    fn quiet(&self, steps: &[(Step, World)]) -> Option<usize> {
        let urgency = |act| QUIET.iter().position(|one| *one == act);
        let places = (0..).zip(steps);
        let ranked = places.filter_map(|(nth, ((act, _), _))| Some((urgency(*act)?, nth)));
        ranked.min().map(|(_, nth)| nth)
    }
}

/// One process about to act.
struct Acting<'a> {
    rules: &'a Release,
    before: &'a World,
    slot: u8,
    steps: &'a mut Steps,
}

impl Acting<'_> {
    fn all(mut self) {
        match self.me().phase {
            Phase::Dead => return self.take_up(),
            Phase::Opening => self.begin(),
            Phase::Running => {
                self.catch_up();
                self.round();
            }
            Phase::Serving => {
                self.count();
                self.map_root();
                self.commit();
                self.round();
                self.project();
            }
            Phase::Poisoned => {
                // What the committer had in hand when the sequencer failed is still answered.
                self.finish_batch();
                self.step(Act::Restart, die);
            }
        }
        self.end();
    }

    fn me(&self) -> &Process {
        &self.before.processes[usize::from(self.slot)]
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.rules.flaw == Some(flaw)
    }

    fn step(&mut self, act: Act, change: impl FnOnce(&mut World, usize)) {
        let mut after = *self.before;
        change(&mut after, self.slot.into());
        self.steps.push(((act, self.slot), after));
    }

    /// `recover::take_up`: lock, read, judge, renew. A second process has a slot only where leases are wrong: with a true lock it is the first one started again.
    fn take_up(&mut self) {
        if self.before.lock.is_some() || self.slot > 0 && !self.has(Flaw::LeaseExpires) {
            return;
        }
        let renews = !self.has(Flaw::OpensWithoutRenewing);
        let sleeps = self.has(Flaw::SleepsOverRecovered);
        let slot = self.slot;
        self.step(Act::TakeUp, |world, at| {
            world.lock = Some(slot);
            if !agrees(world) {
                world.refused = true;
                return;
            }
            let disk = &mut world.disk;
            disk.torn = false;
            disk.owner = slot;
            if renews {
                disk.synced = disk.wal.len();
            }
            world.processes[at] = Process {
                phase: Phase::Opening,
                tree: disk.wal,
                published: match sleeps {
                    true => disk.wal.len(),
                    false => disk.visible().len(),
                },
                acknowledged: disk.projection.len(),
                ..Process::default()
            };
        });
    }

    /// `wal::Writer::create` for what follows, durable when it returns; then `Log::open` starts the threads.
    fn begin(&mut self) {
        self.step(Act::Begin, |world, at| {
            world.processes[at].phase = Phase::Running;
            if usize::from(world.disk.owner) == at {
                world.disk.starts |= 1 << world.disk.wal.len();
            }
        });
    }

    /// `Ledger::start`: projects what was recovered, acknowledges it, serves.
    fn catch_up(&mut self) {
        self.step(Act::CatchUp, |world, at| {
            let me = &mut world.processes[at];
            world.refused |= !world.disk.projection.is_prefix_of(&me.tree);
            world.disk.projection = me.tree;
            me.acknowledged = me.tree.len();
            me.phase = Phase::Serving;
        });
    }

    /// `Ledger::queue_leaf` of up to two callers: hold a number, queue its leaf, count it as used.
    fn count(&mut self) {
        let early = self.has(Flaw::CountsBeforeQueueing);
        let callers = self.me().callers;
        let free = callers.iter().position(|caller| *caller == Caller::None);
        let nobody = callers == [Caller::None; 2];
        if let Some(free) = free.filter(|_| (nobody || early) && self.room() > 0) {
            // `Counters::hold`, which waits while another holds.
            self.step(Act::Reserve, |world, at| {
                let loaded = world.next_event(&world.disk.projection);
                let me = &mut world.processes[at];
                let n = me.counter.unwrap_or(loaded);
                me.counter = Some(n + u8::from(early));
                me.callers[free] = Caller::Holds(n);
            });
        }
        for (nth, caller) in callers.into_iter().enumerate() {
            match caller {
                Caller::None => {}
                Caller::Holds(n) => self.queue(nth, n, early),
                // `Reservation::queued`, which is `Counters::release` with `used`.
                Caller::Queued(n) => self.step(Act::Used, |world, at| {
                    world.processes[at].callers[nth] = Caller::None;
                    world.processes[at].counter = Some(n + 1);
                }),
            }
        }
    }

    /// `Log::append` takes the leaf, or refuses it (`Overloaded`), or it was never made.
    fn queue(&mut self, nth: usize, n: u8, early: bool) {
        self.step(Act::Queue, |world, at| {
            let id = world.make(Kind::Event { n });
            let me = &mut world.processes[at];
            me.queue.push(id);
            me.callers[nth] = match early {
                true => Caller::None,
                false => Caller::Queued(n),
            };
        });
        // Dropped before anything was queued: `Counters::release` without `used`.
        self.step(Act::GiveUp, |world, at| {
            world.processes[at].callers[nth] = Caller::None;
        });
        if !self.me().queue.is_empty() && self.has(Flaw::CountsRefused) {
            self.step(Act::Refuse, |world, at| {
                world.processes[at].callers[nth] = Caller::None;
                world.processes[at].counter = Some(n + 1);
            });
        }
    }

    /// How many more entries may be made, those counted that callers hold numbers for.
    fn room(&self) -> u8 {
        self.rules
            .bounds
            .entries
            .saturating_sub(self.before.made + self.holding())
    }

    fn holding(&self) -> u8 {
        let holds = |caller: &&Caller| matches!(caller, Caller::Holds(_));
        let count = self.me().callers.iter().filter(holds).count();
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    /// A map root over all that is durable (`Log::size`), one at a time.
    fn map_root(&mut self) {
        let me = *self.me();
        let root = |id| matches!(self.before.kind(id), Kind::MapRoot { .. });
        let made = (0..self.before.made).filter(|id| root(*id)).count();
        let on_its_way = me.queue.iter().chain(me.batch.iter()).any(root);
        let mut size = me.tree.len();
        if self.has(Flaw::MapsBeyondDurable) {
            size += me.batch.len() + me.queue.len() + self.holding();
        }
        let fresh = size > self.before.mapped(&me.tree);
        if made < self.rules.bounds.map_roots && !on_its_way && fresh && self.room() > 0 {
            self.step(Act::MapRoot, |world, at| {
                let id = world.make(Kind::MapRoot { size });
                world.processes[at].queue.push(id);
            });
        }
    }

    /// `Committer::run`: gather, write, sync, answer.
    fn commit(&mut self) {
        let me = *self.me();
        if !me.queue.is_empty() && me.batch.is_empty() && me.untold == 0 {
            // `Committer::gather`, `Committer::rotate` and the write of `wal::Writer::append`; each segment holds one batch.
            self.step(Act::Write, |world, at| {
                let me = &mut world.processes[at];
                if usize::from(world.disk.owner) == at {
                    world.disk.starts |= 1 << world.disk.wal.len();
                    world.disk.wal.extend(&me.queue);
                }
                me.batch = std::mem::take(&mut me.queue);
            });
            self.fail(Act::FailWrite, |world, at| {
                world.disk.torn |= usize::from(world.disk.owner) == at;
            });
        }
        if !me.batch.is_empty() {
            // The page cache shows the frame, calls it clean, and no later sync will write it.
            self.fail(Act::FailSync, |world, at| {
                world.processes[at].batch = Tree::default();
            });
            let told = me
                .batch
                .iter()
                .all(|id| self.before.released[usize::from(id)] > 0);
            if self.has(Flaw::AnswersBeforeSync) && !told {
                self.step(Act::Answer, |world, at| {
                    let me = world.processes[at];
                    release(world, me.batch, me.tree.len());
                });
            }
        }
        self.finish_batch();
    }

    /// The sync of `wal::Writer::append`, then `Committer::answer`: first the tail, then the writers.
    fn finish_batch(&mut self) {
        let me = *self.me();
        if !me.batch.is_empty() {
            self.step(Act::Sync, |world, at| {
                let (me, disk) = (&mut world.processes[at], &mut world.disk);
                let whole_below = disk.synced + me.batch.len() == disk.wal.len();
                if usize::from(disk.owner) == at && whole_below {
                    disk.synced = disk.wal.len();
                }
                me.untold = me.batch.len();
                me.tree.extend(&std::mem::take(&mut me.batch));
            });
        }
        if me.untold > 0 {
            self.step(Act::Answer, |world, at| {
                let me = &mut world.processes[at];
                let (first, tree) = (me.told(), me.tree);
                me.untold = 0;
                let mut batch = Tree::default();
                tree.iter().skip(first.into()).for_each(|id| batch.push(id));
                release(world, batch, first);
            });
        }
    }

    /// `Sequencer::round`.
    fn round(&mut self) {
        let me = *self.me();
        let unsynced = self.has(Flaw::PublishesBeforeTilesAreSynced);
        match me.round {
            Round::Idle if me.tree.len() > me.published => self.tiles(),
            Round::Idle if self.has(Flaw::RemovesByFoundCheckpoint) => self.remove_segments(),
            Round::Idle => {}
            // `Disk::sync_all`, or a sync of each file and directory.
            Round::Written(size) if !unsynced => {
                self.step(Act::SyncTiles, |world, at| {
                    world.disk.tiles_synced = world.disk.tiles;
                    world.processes[at].round = Round::Synced(size);
                });
                self.fail(Act::FailTiles, |_, _| {});
            }
            // `disk::write_durably` up to its rename: from here on a reader of the directory sees it.
            Round::Written(size) | Round::Synced(size) => {
                self.step(Act::Rename, |world, at| {
                    let tree = world.processes[at].tree.first(size);
                    world.processes[at].round = Round::Renamed(size);
                    world.disk.renamed = Some(tree);
                    world.show(tree);
                });
                self.fail(Act::FailRename, |_, _| {});
            }
            // `Disk::sync_dir`; then `Shared::published` is set and `Sequencer::trim` forgets.
            Round::Renamed(size) => {
                self.step(Act::SyncDir, |world, at| {
                    world.disk.checkpoint = world.disk.visible();
                    world.disk.renamed = None;
                    let me = &mut world.processes[at];
                    (me.round, me.published) = (Round::Published, size);
                    let tree = me.tree.first(size);
                    world.show(tree);
                });
                self.fail(Act::FailSyncDir, |_, _| {});
            }
            Round::Published => self.remove_segments(),
        }
    }

    /// `Shared::remove_spent_segments`.
    fn remove_segments(&mut self) {
        self.step(Act::RemoveSegments, |world, at| {
            let me = &mut world.processes[at];
            me.round = Round::Idle;
            world
                .disk
                .remove_segments(me.published.min(me.acknowledged));
        });
    }

    /// `Edge::extend` and `Sequencer::write_tiles` without its sync.
    fn tiles(&mut self) {
        self.step(Act::Tiles, |world, at| {
            let me = &mut world.processes[at];
            if !me.tree.is_prefix_of(&world.disk.tiles) {
                world.disk.tiles = me.tree;
            }
            me.round = Round::Written(me.tree.len());
        });
    }

    /// `run_projector`: what writers were told of goes to the store, then the log hears of it.
    fn project(&mut self) {
        let me = *self.me();
        let told = me.told();
        if self.before.disk.projection.len() < told {
            // `ledger::project`, one durable transaction; then `Counters::projected`.
            self.step(Act::Project, |world, at| {
                world.disk.projection = me.tree.first(told);
                let next = world.next_event(&world.disk.projection);
                let me = &mut world.processes[at];
                if me.callers == [Caller::None; 2] && me.counter == Some(next) {
                    me.counter = None;
                }
            });
        }
        let known = match self.has(Flaw::AcknowledgesBeforeProjecting) {
            true => told,
            false => self.before.disk.projection.len(),
        };
        if me.acknowledged < known {
            self.step(Act::Acknowledge, |world, at| {
                world.processes[at].acknowledged = known;
            });
        }
    }

    /// A failed act of the disk: `Shared::poison`. Whoever waits in the queue or comes later is refused.
    fn fail(&mut self, act: Act, change: impl FnOnce(&mut World, usize)) {
        if self.before.failures >= self.rules.bounds.failures {
            return;
        }
        self.step(act, |world, at| {
            change(world, at);
            world.failures += 1;
            let me = &mut world.processes[at];
            me.phase = Phase::Poisoned;
            me.queue = Tree::default();
            me.callers = [Caller::None; 2];
            (me.counter, me.round) = (None, Round::Idle);
        });
    }

    /// kill −9, and a lease that runs out.
    fn end(&mut self) {
        let (me, slot) = (*self.me(), self.slot);
        let waits = !me.queue.is_empty();
        if self.has(Flaw::LeaseExpires) && self.before.lock == Some(slot) && waits {
            self.step(Act::Expire, |world, _| world.lock = None);
        }
        if self.before.crashes >= self.rules.bounds.crashes {
            return;
        }
        self.step(Act::Kill, |world, at| {
            die(world, at);
            world.crashes += 1;
        });
        if !me.batch.is_empty() && self.before.disk.owner == slot {
            self.step(Act::KillInWrite, |world, at| {
                die(world, at);
                world.crashes += 1;
                let kept = world.disk.wal.len() - me.batch.len();
                world.disk.wal = world.disk.wal.first(kept);
                world.disk.torn = true;
            });
        }
    }
}

/// The system lets go of a lock when its holder dies, and only then.
fn die(world: &mut World, at: usize) {
    world.processes[at] = Process::default();
    if world.lock.map(usize::from) == Some(at) {
        world.lock = None;
    }
}

/// Receipts for a batch that begins at index `first`, and the values that go with them.
fn release(world: &mut World, batch: Tree, first: u8) {
    for (index, id) in (first + 1..).zip(batch.iter()) {
        world.released[usize::from(id)] = index;
    }
}

/// What `Edge::load`, `Found::read`, `check_tile` and `Found::judge` demand of the disk.
fn agrees(world: &World) -> bool {
    let disk = &world.disk;
    let (end, published) = (disk.wal.len(), disk.visible());
    let held = disk.begins..published.len();
    published.is_prefix_of(&disk.tiles)
        && disk.newest() <= end
        && end >= published.len()
        && end >= disk.projection.len()
        && disk.begins <= published.len()
        && disk.begins <= disk.projection.len()
        && held
            .into_iter()
            .all(|at| disk.wal.get(at) == published.get(at))
}
