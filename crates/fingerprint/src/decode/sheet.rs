//! Many copies against many slots: tables of a window of slots, and the loops that add them up.
//!
//! A copy's sum under a hypothesis is `Σ zero + Σ step over its ones`, in integers; so it comes out
//! the same whatever the order, the threads and the processor.

use std::num::NonZero;
use std::thread;

use crate::code::{Ones, Slot};
use crate::evalue::ln_sum_exp;
use crate::model::{Hypothesis, Model};

use super::kernel::{Adder, LANES, Page, RUN, Work, add, dispatch};
use super::odds::{Odds, nats, sum};
use super::{Coverage, Known, ROUNDING_NATS, Scored, Seen};

/// Slots of a block: its pages take half a megabyte and stay in a core's cache.
const BLOCK: usize = 256;

/// Blocks whose tables are kept at a time: some tens of megabytes.
const WINDOW: usize = 40;

/// Copies whose sums are kept at a time: some tens of megabytes.
const GROUP: usize = 16_384;

/// Below this many copies, or blocks, a second thread costs more than it brings.
const COPIES_WORTH_A_THREAD: usize = 64;
const BLOCKS_WORTH_A_THREAD: usize = 2;

/// Everything that is the same for all candidates.
pub(super) struct Sheet<'a> {
    pub(super) model: &'a Model,
    pub(super) hypotheses: &'a [Hypothesis],
    pub(super) seen: &'a [Seen],
    pub(super) known: &'a [Known],
}

impl Sheet<'_> {
    /// `ln e` of every candidate.
    ///
    /// Group by group and window by window, so that memory grows neither with the copies nor with
    /// the slots; a leak of a single window has its tables computed once.
    pub(super) fn score(&self, candidates: &[Scored<'_>]) -> Vec<f64> {
        let width = self.hypotheses.len().next_multiple_of(LANES);
        let mut scores = vec![0.0; candidates.len()];
        let mut sums = vec![0_i64; candidates.len().min(GROUP) * width];
        let mut tables: Vec<Table> = Vec::new();
        let span = BLOCK * WINDOW;
        for (at, (group, scores)) in candidates
            .chunks(GROUP)
            .zip(scores.chunks_mut(GROUP))
            .enumerate()
        {
            sums.fill(0);
            for from in (0..self.seen.len()).step_by(span) {
                if at == 0 || self.seen.len() > span {
                    self.fill(&mut tables, from..(from + span).min(self.seen.len()));
                }
                let share = share(group.len(), COPIES_WORTH_A_THREAD);
                let parts = group.chunks(share).zip(sums.chunks_mut(share * width));
                in_parallel(parts, |(copies, sums)| {
                    dispatch(Adding {
                        tables: &tables,
                        copies,
                        sums,
                    });
                });
            }
            let share = share(group.len(), COPIES_WORTH_A_THREAD);
            let parts = scores.chunks_mut(share).zip(sums.chunks(share * width));
            in_parallel(parts, |(scores, sums)| {
                for (score, sums) in scores.iter_mut().zip(sums.chunks_exact(width)) {
                    *score = self.mix(sums);
                }
            });
        }
        scores
    }

    /// Computes the tables of a window.
    fn fill(&self, tables: &mut Vec<Table>, window: std::ops::Range<usize>) {
        let width = self.hypotheses.len().next_multiple_of(LANES);
        let starts: Vec<usize> = window.step_by(BLOCK).collect();
        tables.resize_with(starts.len(), || Table::new(width));
        let share = share(starts.len(), BLOCKS_WORTH_A_THREAD);
        let parts = tables.chunks_mut(share).zip(starts.chunks(share));
        in_parallel(parts, |(tables, starts)| {
            for (table, start) in tables.iter_mut().zip(starts) {
                table.fill(self, *start);
            }
        });
    }

    /// `ln Σ_θ w_θ exp(sum_θ)`.
    fn mix(&self, sums: &[i64]) -> f64 {
        let terms = self.hypotheses.iter().zip(sums);
        ln_sum_exp(terms.map(|(h, sum)| h.weight.ln() + nats(*sum))) - ROUNDING_NATS
    }
}

/// How many of `count` things each thread takes.
fn share(count: usize, worth_a_thread: usize) -> usize {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(count / worth_a_thread)
        .max(1);
    count.div_ceil(threads).max(1)
}

/// Does `work` on every part, each but the last on a thread of its own.
fn in_parallel<T: Send>(parts: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
    let mut parts = parts.peekable();
    let work = &work;
    thread::scope(|scope| {
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                scope.spawn(move || work(part));
            } else {
                work(part);
            }
        }
    });
}

/// Adds the log-ratios of all tables to the running sums of some copies.
struct Adding<'a> {
    tables: &'a [Table],
    copies: &'a [Scored<'a>],
    sums: &'a mut [i64],
}

impl Work for Adding<'_> {
    #[inline(always)]
    fn run<A: Adder>(self, adder: A) {
        for table in self.tables {
            let sums = self.sums.chunks_exact_mut(table.base.len());
            for (copy, sums) in self.copies.iter().zip(sums) {
                table.add(adder, copy, sums);
            }
        }
    }
}

/// Log-ratios of a block of slots under every hypothesis.
struct Table {
    start: usize,
    slots: Vec<Slot>,
    /// Form one less form zero, as `[chunk of hypotheses][64 slots]`.
    steps: Vec<Page>,
    /// Form zero, as `[chunk of hypotheses][slot]`.
    zeros: Vec<[i32; LANES]>,
    /// Sum of `zeros` over the block, for copies that carry all of it.
    base: Vec<i64>,
}

impl Table {
    fn new(width: usize) -> Self {
        let chunks = width / LANES;
        Self {
            start: 0,
            slots: Vec::with_capacity(BLOCK),
            steps: vec![Page::new(); chunks * BLOCK / RUN],
            zeros: vec![[0; LANES]; chunks * BLOCK],
            base: vec![0; width],
        }
    }

    /// Computes the tables of the block that begins at slot `start`.
    fn fill(&mut self, sheet: &Sheet<'_>, start: usize) {
        let end = (start + BLOCK).min(sheet.seen.len());
        let block = &sheet.seen[start..end];
        self.start = start;
        self.slots.clear();
        self.slots.extend(block.iter().map(|seen| seen.slot));
        self.base.fill(0);
        let mut steps = vec![[0; LANES]; self.zeros.len()];
        for (row, (seen, known)) in block.iter().zip(&sheet.known[start..end]).enumerate() {
            let odds = Odds::new(seen.slot.bias().p());
            for (at, h) in sheet.hypotheses.iter().enumerate() {
                let ratio = odds.ratio(sheet.model, h, seen.observation, *known);
                let cell = at / LANES * BLOCK + row;
                steps[cell][at % LANES] = ratio.step;
                self.zeros[cell][at % LANES] = ratio.zero;
                self.base[at] += i64::from(ratio.zero);
            }
        }
        let pages = self.steps.chunks_exact_mut(BLOCK / RUN);
        for (pages, steps) in pages.zip(steps.chunks_exact(BLOCK)) {
            let mut runs = steps[..block.len()].chunks(RUN);
            for page in pages {
                page.fill(runs.next().unwrap_or_default());
            }
        }
    }

    /// Adds one copy's log-ratios over the block to its running sums.
    #[inline(always)]
    fn add<A: Adder>(&self, adder: A, copy: &Scored<'_>, sums: &mut [i64]) {
        let mut ones = copy.key.ones(&self.slots);
        match copy.coverage {
            Coverage::All => add_all(&self.base, sums),
            Coverage::Only(has) => {
                let carried = self.carried(has);
                for (ones, carried) in ones.iter_mut().zip(carried) {
                    *ones &= carried;
                }
                self.add_zeros(carried, sums);
            }
        }
        let pages = self.steps.chunks_exact(BLOCK / RUN);
        for (pages, sums) in pages.zip(sums.chunks_exact_mut(LANES)) {
            let mut steps = [0; LANES];
            for (page, ones) in pages.iter().zip(ones) {
                add(adder, page, ones, &mut steps);
            }
            for (total, steps) in sums.iter_mut().zip(steps) {
                *total = sum(*total, steps);
            }
        }
    }

    /// The slots that a copy carried, a bit each.
    fn carried(&self, has: &(dyn Fn(usize) -> bool + Sync)) -> Ones {
        let mut carried = Ones::default();
        for row in (0..self.slots.len()).filter(|row| has(self.start + row)) {
            carried[row / 64] |= 1 << (row % 64);
        }
        carried
    }

    /// Adds form zero of the slots that the copy carried.
    ///
    /// Of the slots carried and the slots missing, whichever are fewer are added up.
    fn add_zeros(&self, carried: Ones, sums: &mut [i64]) {
        let count: u32 = carried.iter().map(|word| word.count_ones()).sum();
        let most = count as usize * 2 > self.slots.len();
        let sign = if most { -1 } else { 1 };
        if most {
            add_all(&self.base, sums);
        }
        let listed: Vec<usize> = (0..self.slots.len())
            .filter(|row| (carried[row / 64] >> (row % 64) & 1 == 1) != most)
            .collect();
        let chunks = self.zeros.chunks_exact(BLOCK);
        for (chunk, sums) in chunks.zip(sums.chunks_exact_mut(LANES)) {
            for run in listed.chunks(RUN) {
                let mut lanes = [0_i32; LANES];
                for row in run {
                    for (lane, zero) in lanes.iter_mut().zip(&chunk[*row]) {
                        *lane += zero;
                    }
                }
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum += sign * i64::from(lane);
                }
            }
        }
    }
}

#[inline(always)]
fn add_all(values: &[i64], sums: &mut [i64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
