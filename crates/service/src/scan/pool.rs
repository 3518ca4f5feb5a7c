//! Several workers, one order.
//!
//! Every path gets a small channel of its own the moment the walk meets it; workers take paths in
//! that order and fill their channels; whoever listens empties the channels in the same order. A
//! worker that runs ahead waits when its channel is full, so memory stays bounded, and the path
//! being listened to is always being worked on, so nothing waits for ever.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use liuhen_detect::Detector;
use parking_lot::Mutex;

use super::sink::Told;
use super::summary::Summary;
use super::walk::{Leaves, Stop, walk};
use super::{Event, Request, file};

/// Paths in flight for each worker.
const AHEAD: usize = 32;
/// Batches that wait for a file's turn.
const BATCHES: usize = 4;

type Job = (Stop, SyncSender<Told>);

pub(super) fn run(
    request: &Request<'_>,
    detector: &Detector,
    told: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Summary {
    let workers = request.jobs.max(1);
    let (order, ordered) = sync_channel(workers * AHEAD);
    let (give, take) = sync_channel::<Job>(workers * AHEAD);
    let take = Mutex::new(take);
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let walker = scope.spawn(move || {
            walk(
                &request.paths,
                &request.except,
                Leaves::Ignored,
                &mut |stop| queue(stop, &order, &give),
            )
        });
        for _ in 0..workers {
            scope.spawn(|| work(&take, request, detector));
        }
        // Breaking off drops the channels, at which workers and walk end.
        let _ = listen(ordered, &mut summary, told);
        summary.ignored = walker.join().unwrap_or_default();
    });
    summary.finish();
    summary
}

/// The channel that the findings of a path come through.
type Turn = Receiver<Told>;

fn queue(stop: Stop, order: &SyncSender<Turn>, give: &SyncSender<Job>) -> ControlFlow<()> {
    let (out, inbox) = sync_channel(BATCHES);
    match order.send(inbox).is_ok() && give.send((stop, out)).is_ok() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    }
}

fn work(take: &Mutex<Receiver<Job>>, request: &Request<'_>, detector: &Detector) {
    loop {
        let next = take.lock().recv();
        let Ok((stop, out)) = next else { return };
        file::scan(&stop, request, detector, &out);
    }
}

fn listen(
    ordered: Receiver<Turn>,
    summary: &mut Summary,
    told: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for inbox in ordered {
        for some in inbox {
            let (path, findings, last) = match some {
                Told::Some(path, findings) => (path, findings, None),
                Told::Last(findings, notes, report) => {
                    (report.path.clone(), findings, Some((notes, report)))
                }
            };
            for finding in &findings {
                told(Event::Finding(&path, finding))?;
            }
            let Some((notes, report)) = last else {
                continue;
            };
            for note in notes {
                told(Event::Note(&note))?;
                summary.notes.push(note);
            }
            summary.add(&report);
            told(Event::Done(&report))?;
        }
    }
    ControlFlow::Continue(())
}
