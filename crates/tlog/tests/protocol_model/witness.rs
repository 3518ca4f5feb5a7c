//! Submission to witnesses by C2SP tlog-witness, and its broken variants.
//!
//! The log is honest, or it forks and lies as it likes; two witnesses answer requests two at a time.

use std::fmt;

use crate::explore::Model;

/// Trees of the two branches are equal up to this size.
const FORK: u8 = 1;

/// A tree, known by its size and by the branch it lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Point {
    pub size: u8,
    pub branch: u8,
}

impl Point {
    fn new(size: u8, branch: u8) -> Self {
        let branch = if size > FORK { branch } else { 0 };
        Self { size, branch }
    }

    /// Whether a consistency proof from here to `later` can be given.
    fn leads_to(self, later: Self) -> bool {
        self.size <= later.size && Self::new(self.size, later.branch) == self
    }

    fn agrees(self, other: Self) -> bool {
        self.leads_to(other) || other.leads_to(self)
    }

    fn bit(self) -> u16 {
        1 << (self.size * 2 + self.branch)
    }
}

/// A request within a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Request {
    #[default]
    None,
    /// Without an old size when the log lies: it will have guessed right, since a wrong guess changes nothing.
    Asked { old: Option<u8>, point: Point },
    /// Found consistent with the record, which is not changed yet.
    Checked(Point),
    /// The record is changed; the cosignature may go out.
    Recorded(Point),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Witness {
    /// The latest cosigned checkpoint, as it answers.
    latest: Point,
    /// The same, as it is after a crash.
    durable: Point,
    requests: [Request; 2],
    /// A bit for each point whose cosignature was sent.
    signed: u16,
    /// What the log takes its size to be.
    known: u8,
    /// Whether the log has its cosignature on the latest checkpoint.
    cosigned: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct World {
    published: u8,
    /// Size of the checkpoint that was shown with both cosignatures.
    shown: u8,
    witnesses: [Witness; 2],
    crashes: u8,
}

impl World {
    /// Witnesses are alike, and so are a witness's requests: only what there is counts, not in which place.
    fn order(&mut self) {
        self.witnesses.iter_mut().for_each(|w| w.requests.sort());
        self.witnesses.sort();
    }
}

/// What may be wrong with a witness, or with the log that asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The cosignature goes out before the record is durable.
    AnswersBeforeDurable,
    /// Another request can come between check and record: the race of the specification.
    ChecksApart,
    /// The log does not take up the size that a 409 names.
    IgnoresConflict,
}

#[derive(Debug, Clone, Copy)]
pub struct Submission {
    pub flaw: Option<Flaw>,
    pub honest: bool,
    pub sizes: u8,
    pub crashes: u8,
    pub watched: Option<Invariant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A larger checkpoint is published.
    Grow,
    Submit,
    /// 200 is decided, 409 or 422 is answered.
    Check,
    Record,
    Flush,
    Answer,
    /// The answer goes out and never arrives.
    AnswerLost,
    Show,
    WitnessDies,
    LogDies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// A witness's record never falls behind what it cosigned.
    NeverGoesBack,
    /// A witness cosigns one root of a size, and one history.
    OneHistory,
    /// No two checkpoints with both cosignatures contradict each other.
    QuorumAgrees,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverGoesBack => "a witness's record is behind what it cosigned",
            Self::OneHistory => "a witness cosigned two trees that contradict each other",
            Self::QuorumAgrees => "two checkpoints with all cosignatures contradict each other",
        })
    }
}

type Step = (Act, u8);

const QUIET: [Act; 6] = [
    Act::Flush,
    Act::Answer,
    Act::Record,
    Act::Check,
    Act::Show,
    Act::Submit,
];

impl Model for Submission {
    type State = World;
    type Step = Step;
    type Invariant = Invariant;

    fn start(&self) -> World {
        World {
            published: if self.honest { 0 } else { self.sizes },
            ..World::default()
        }
    }

    fn next(&self, world: &World) -> Vec<(Step, World)> {
        let mut steps = Vec::new();
        self.log(world, &mut steps);
        for nth in 0..2 {
            self.witness(world, nth, &mut steps);
        }
        for (_, after) in &mut steps {
            after.order();
        }
        steps
    }

    fn broken(&self, world: &World) -> Option<Invariant> {
        let [one, two] = &world.witnesses;
        let all = [
            (Invariant::NeverGoesBack, keeps_up(one) && keeps_up(two)),
            (
                Invariant::OneHistory,
                agree(one.signed) && agree(two.signed),
            ),
            (Invariant::QuorumAgrees, agree(one.signed & two.signed)),
        ];
        let watched = |one: &Invariant| self.watched.is_none_or(|only| only == *one);
        let mut broken = all
            .into_iter()
            .filter(|(one, holds)| watched(one) && !holds);
        broken.next().map(|(one, _)| one)
    }

    fn settled(&self, world: &World) -> bool {
        // A log that lies is promised nothing.
        !self.honest || world.shown == world.published
    }

    fn quiet(&self, steps: &[(Step, World)]) -> Option<usize> {
        let urgency = |act| QUIET.iter().position(|one| *one == act);
        let ranked = (0..)
            .zip(steps)
            .filter_map(|(nth, ((act, _), _))| Some((urgency(*act)?, nth)));
        ranked.min().map(|(_, nth)| nth)
    }
}

/// After a crash too, the record holds whatever was cosigned.
fn keeps_up(witness: &Witness) -> bool {
    points(witness.signed).all(|point| point.leads_to(witness.durable))
}

fn agree(signed: u16) -> bool {
    points(signed).all(|one| points(signed).all(|two| one.agrees(two)))
}

fn points(signed: u16) -> impl Iterator<Item = Point> {
    let all = (0..8).flat_map(|size| (0..2).map(move |branch| Point { size, branch }));
    all.filter(move |point| signed & point.bit() != 0)
}

impl Submission {
    fn log(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        if world.published < self.sizes {
            let mut after = *world;
            after.published += 1;
            after.witnesses.iter_mut().for_each(|w| w.cosigned = false);
            steps.push(((Act::Grow, 0), after));
        }
        if world.witnesses.iter().all(|w| w.cosigned) && world.shown < world.published {
            let mut after = *world;
            after.shown = world.published;
            steps.push(((Act::Show, 0), after));
        }
        if world.crashes < self.crashes && self.honest {
            // What a log remembers of its witnesses is gone: it asks with an old size of zero.
            let mut after = *world;
            after.crashes += 1;
            for witness in &mut after.witnesses {
                (witness.known, witness.cosigned) = (0, false);
            }
            steps.push(((Act::LogDies, 0), after));
        }
    }

    /// What the log may submit: its latest checkpoint, or any tree of either branch.
    fn submissions(&self, world: &World, witness: &Witness) -> Vec<(Option<u8>, Point)> {
        if !self.honest {
            let all = (1..=self.sizes).flat_map(|size| (0..2).map(move |b| Point::new(size, b)));
            return all.map(|point| (None, point)).collect();
        }
        if witness.cosigned || world.published == 0 {
            return Vec::new();
        }
        vec![(Some(witness.known), Point::new(world.published, 0))]
    }

    fn witness(&self, world: &World, nth: u8, steps: &mut Vec<(Step, World)>) {
        let me = &world.witnesses[usize::from(nth)];
        let mut step = |act, change: &dyn Fn(&mut Witness)| {
            let mut after = *world;
            change(&mut after.witnesses[usize::from(nth)]);
            steps.push(((act, nth), after));
        };
        if let Some(free) = me.requests.iter().position(|r| *r == Request::None) {
            for (old, point) in self.submissions(world, me) {
                step(Act::Submit, &|w| {
                    w.requests[free] = Request::Asked { old, point }
                });
            }
        }
        for (at, request) in me.requests.into_iter().enumerate() {
            match request {
                Request::None => {}
                Request::Asked { old, point } => {
                    step(Act::Check, &|w| self.check(w, at, old, point));
                }
                Request::Checked(point) => step(Act::Record, &|w| self.record(w, at, point)),
                Request::Recorded(point) => {
                    let sent = |w: &mut Witness| {
                        w.requests[at] = Request::None;
                        w.signed |= point.bit();
                    };
                    step(Act::AnswerLost, &sent);
                    step(Act::Answer, &|w| {
                        sent(w);
                        if self.honest {
                            w.known = point.size;
                            w.cosigned |= point.size == world.published;
                        }
                    });
                }
            }
        }
        if me.durable != me.latest {
            step(Act::Flush, &|w| w.durable = w.latest);
        }
        if world.crashes < self.crashes {
            let mut after = *world;
            after.crashes += 1;
            let witness = &mut after.witnesses[usize::from(nth)];
            witness.requests = [Request::None; 2];
            witness.latest = witness.durable;
            steps.push(((Act::WitnessDies, nth), after));
        }
    }

    fn check(&self, witness: &mut Witness, at: usize, old: Option<u8>, point: Point) {
        witness.requests[at] = Request::None;
        let latest = witness.latest;
        if old.is_some_and(|old| old != latest.size) {
            // 409 with the size; the log asks again from there.
            if self.flaw != Some(Flaw::IgnoresConflict) {
                witness.known = latest.size;
            }
        } else if latest.leads_to(point) {
            witness.requests[at] = Request::Checked(point);
            if self.flaw != Some(Flaw::ChecksApart) {
                self.record(witness, at, point);
            }
        }
        // Otherwise 422: no proof from the record to this tree exists.
    }

    /// The record is replaced under the lock that the check took, and synced before anything else happens.
    fn record(&self, witness: &mut Witness, at: usize, point: Point) {
        witness.requests[at] = Request::Recorded(point);
        witness.latest = point;
        if self.flaw != Some(Flaw::AnswersBeforeDurable) {
            witness.durable = point;
        }
    }
}
