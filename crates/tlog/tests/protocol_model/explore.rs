//! Every state a model can reach, breadth first, so that a counterexample is a shortest one.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::{Debug, Display},
    hash::{BuildHasherDefault, Hash, Hasher},
};

/// Something that moves from state to state.
pub trait Model {
    type State: Clone + Eq + Hash;
    type Step: Copy + Debug;
    type Invariant: Copy + Display;

    fn start(&self) -> Self::State;

    /// All that may happen next.
    fn next(&self, state: &Self::State) -> Vec<(Self::Step, Self::State)>;

    /// An invariant that does not hold.
    fn broken(&self, state: &Self::State) -> Option<Self::Invariant>;

    /// Whether all that was promised has come true.
    fn settled(&self, state: &Self::State) -> bool;

    /// Which of the steps is taken when nothing new is asked and nothing fails: a place in `steps`.
    fn quiet(&self, steps: &[(Self::Step, Self::State)]) -> Option<usize>;
}

/// How far an exploration came, and what it found.
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    /// Length of the longest among the shortest paths.
    pub depth: usize,
    pub found: Option<Counterexample>,
}

/// The steps from the start to a state in which something is wrong.
pub struct Counterexample {
    pub what: String,
    pub path: Vec<String>,
}

/// What is said of a state from which the quiet run never settles.
pub const NEVER_SETTLES: &str = "a quiet run never comes to a checkpoint over all that is owed";

/// Some multiplications instead of `SipHash`, which takes most of the time in a debug build.
///
/// Nobody chooses our states, and equality decides in the end.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits, which multiplication leaves poor.
        self.0 ^ self.0 >> 32
    }
}

struct Seen<M: Model> {
    places: HashMap<M::State, usize, BuildHasherDefault<Quick>>,
    /// The state from which each was first reached, and by which step.
    from: Vec<(usize, Option<M::Step>)>,
    /// Where the quiet run goes from each.
    quiet: Vec<Option<usize>>,
}

/// Visits every state; stops at the first in which an invariant is broken.
///
/// # Panics
///
/// Past `limit` states: then the model's bounds are too wide for a test.
pub fn explore<M: Model>(model: &M, limit: usize) -> Explored {
    let start = model.start();
    let mut seen = Seen::<M> {
        places: HashMap::from_iter([(start.clone(), 0)]),
        from: vec![(0, None)],
        quiet: Vec::new(),
    };
    let mut settled = Vec::new();
    let (mut layer, mut depth, mut steps) = (vec![(0, start)], 0, 0);
    while !layer.is_empty() {
        let mut below = Vec::new();
        for (at, state) in layer {
            if let Some(broken) = model.broken(&state) {
                return seen.ended(steps, depth, Some((broken.to_string(), at)));
            }
            let next = model.next(&state);
            steps += next.len();
            let quiet = model.quiet(&next);
            settled.push(model.settled(&state));
            let places: Vec<usize> = next
                .into_iter()
                .map(|(step, state)| seen.place(at, step, state, &mut below))
                .collect();
            seen.quiet.push(quiet.map(|nth| places[nth]));
            assert!(seen.from.len() <= limit, "more than {limit} states");
        }
        depth += usize::from(!below.is_empty());
        layer = below;
    }
    let restless = restless(&seen.quiet, &settled).map(|at| (NEVER_SETTLES.to_owned(), at));
    seen.ended(steps, depth, restless)
}

impl<M: Model> Seen<M> {
    fn place(
        &mut self,
        from: usize,
        step: M::Step,
        state: M::State,
        below: &mut Vec<(usize, M::State)>,
    ) -> usize {
        let new = self.from.len();
        match self.places.entry(state) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                below.push((new, vacant.key().clone()));
                vacant.insert(new);
                self.from.push((from, Some(step)));
                new
            }
        }
    }

    fn ended(&self, steps: usize, depth: usize, found: Option<(String, usize)>) -> Explored {
        Explored {
            states: self.from.len(),
            steps,
            depth,
            found: found.map(|(what, at)| Counterexample {
                what,
                path: self.path(at),
            }),
        }
    }

    fn path(&self, mut at: usize) -> Vec<String> {
        let mut path = Vec::new();
        while let (before, Some(step)) = self.from[at] {
            path.push(format!("{step:?}"));
            at = before;
        }
        path.reverse();
        path
    }
}

/// A state from which following `quiet` never comes to a settled one: it ends elsewhere or turns in a circle.
fn restless(quiet: &[Option<usize>], settled: &[bool]) -> Option<usize> {
    let mut good = settled.to_vec();
    for start in 0..good.len() {
        let (mut at, mut walked) = (start, Vec::new());
        while !good[at] {
            walked.push(at);
            at = match quiet[at] {
                Some(next) if walked.len() <= good.len() => next,
                _ => return Some(start),
            };
        }
        walked.into_iter().for_each(|at| good[at] = true);
    }
    None
}
