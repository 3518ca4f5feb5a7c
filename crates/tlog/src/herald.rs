//! Who tells writers that their batch is durable.
//!
//! Calling back many writers takes as long as writing their batch, so a large
//! batch is told by a thread of its own while the committer writes the next
//! one. A small one is told by the committer itself: waking another thread
//! would take longer. Either way batches are told in the order in which they
//! became durable, and until its writers are told a batch counts as waiting:
//! slow callbacks end in refusals, not in memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use crate::{
    committer::{Done, call},
    log::Appended,
    receipt::Batch,
};

/// A batch of at least this many is handed over. Waking a thread takes about as long as calling back this many.
const MANY: usize = 64;

/// A durable batch whose writers do not know yet.
pub(crate) struct News {
    pub(crate) first: u64,
    pub(crate) batch: Arc<Batch>,
    pub(crate) dones: Vec<Done>,
    /// What its records take up.
    pub(crate) bytes: usize,
}

impl News {
    fn tell(self) {
        for (index, done) in (self.first..).zip(self.dones) {
            call(done, Ok(Appended::new(index, Arc::clone(&self.batch))));
        }
    }
}

/// The committer's end.
pub(crate) struct Herald {
    hand: Sender<News>,
    /// Batches handed over and not told to the end.
    under_way: Arc<AtomicUsize>,
    /// Their bytes.
    untold: Arc<AtomicUsize>,
}

/// The other end, a thread's own state.
pub(crate) struct Crier {
    take: Receiver<News>,
    under_way: Arc<AtomicUsize>,
    untold: Arc<AtomicUsize>,
}

/// Both ends; `untold` is kept at the bytes of what was handed over and not told.
pub(crate) fn herald(untold: &Arc<AtomicUsize>) -> (Herald, Crier) {
    // Without bound: a callback may wait for the committer to end, which must not wait for the callback.
    let (hand, take) = channel();
    let under_way = Arc::new(AtomicUsize::new(0));
    let crier = Crier {
        take,
        under_way: Arc::clone(&under_way),
        untold: Arc::clone(untold),
    };
    let untold = Arc::clone(untold);
    let herald = Herald {
        hand,
        under_way,
        untold,
    };
    (herald, crier)
}

impl Herald {
    /// Has a batch told, before this returns or soon after.
    pub(crate) fn tell(&self, news: News) {
        // Only the committer adds, so zero stays zero while it looks.
        let idle = self.under_way.load(Ordering::Acquire) == 0;
        if idle && news.dones.len() < MANY {
            return news.tell();
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.untold.fetch_add(news.bytes, Ordering::AcqRel);
        if let Err(unsent) = self.hand.send(news) {
            // The other thread is gone, which only a failing system brings about.
            self.untold.fetch_sub(unsent.0.bytes, Ordering::AcqRel);
            unsent.0.tell();
        }
    }
}

impl Crier {
    /// Runs until the committer has ended and everything is told.
    pub(crate) fn run(self) {
        for news in self.take {
            let bytes = news.bytes;
            news.tell();
            self.untold.fetch_sub(bytes, Ordering::AcqRel);
            self.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
