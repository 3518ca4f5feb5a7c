//! Bundles fetched by several threads and handed on in order.
//!
//! At most two bundles a thread are under way or waiting, so memory does not
//! grow with the log.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use parking_lot::{Condvar, Mutex};

use super::{
    AuditError,
    bundle::Bundle,
    source::{Source, SourceError},
};

/// Bundles under way for each thread.
const AHEAD: u64 = 2;

/// What to fetch.
pub(super) struct Pass<'a> {
    pub(super) source: &'a dyn Source,
    /// Entries in the tree.
    pub(super) size: u64,
    /// Bundles wanted.
    pub(super) bundles: Range<u64>,
    pub(super) threads: usize,
    /// Whether to ask what the entries are.
    pub(super) split: bool,
}

/// Which bundle is next, and how far the receiver has come.
struct Gate {
    turn: Mutex<Turn>,
    moved: Condvar,
}

struct Turn {
    next: u64,
    taken: u64,
    stopped: bool,
}

type Fetched = (u64, Result<Bundle, SourceError>);

impl Pass<'_> {
    /// Calls `take` with each bundle in order, on the caller's thread; its error ends the pass.
    pub(super) fn run(
        &self,
        mut take: impl FnMut(u64, Bundle) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let gate = Gate {
            turn: Mutex::new(Turn {
                next: self.bundles.start,
                taken: self.bundles.start,
                stopped: false,
            }),
            moved: Condvar::new(),
        };
        thread::scope(|scope| {
            let (tell, hear) = mpsc::channel();
            for _ in 0..self.threads.max(1) {
                let (tell, gate) = (tell.clone(), &gate);
                scope.spawn(move || self.work(gate, &tell));
            }
            drop(tell);
            let outcome = self.receive(&gate, &hear, &mut take);
            gate.turn.lock().stopped = true;
            gate.moved.notify_all();
            outcome
        })
    }

    fn work(&self, gate: &Gate, tell: &Sender<Fetched>) {
        while let Some(number) = self.next(gate) {
            let fetched = Bundle::fetch(self.source, number, self.size, self.split);
            if tell.send((number, fetched)).is_err() {
                return;
            }
        }
    }

    fn next(&self, gate: &Gate) -> Option<u64> {
        let ahead = AHEAD * self.threads.max(1) as u64;
        let mut turn = gate.turn.lock();
        while !turn.stopped && turn.next < self.bundles.end && turn.next >= turn.taken + ahead {
            gate.moved.wait(&mut turn);
        }
        if turn.stopped || turn.next >= self.bundles.end {
            return None;
        }
        turn.next += 1;
        Some(turn.next - 1)
    }

    fn receive(
        &self,
        gate: &Gate,
        hear: &Receiver<Fetched>,
        take: &mut impl FnMut(u64, Bundle) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let mut waiting = BTreeMap::new();
        for wanted in self.bundles.clone() {
            let fetched = loop {
                if let Some(fetched) = waiting.remove(&wanted) {
                    break fetched;
                }
                // Workers end early only by a fault of the program, which the scope passes on.
                let (number, fetched) = hear.recv().map_err(|_| AuditError::Stopped)?;
                waiting.insert(number, fetched);
            };
            take(wanted, fetched?)?;
            gate.turn.lock().taken = wanted + 1;
            gate.moved.notify_all();
        }
        Ok(())
    }
}
