//! How long a durable entry waits for a checkpoint that covers it, at a given load.
//!
//! `checkpoint_lag [appends a second] [seconds] [directory]`: paced writers offer events with a
//! sidecar note, whether or not the log keeps up; settings are the service's. An entry's wait
//! begins when its writer hears that it is durable and ends when a published checkpoint of
//! larger size is seen, by a look every millisecond.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{
    error::Error,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use liuhen_tlog::{Log, LogKey, Options, leaf_hash};

/// An event of one block of ciphertext.
const LEAF: usize = 337;
const NOTE: usize = 300;
const WRITERS: u64 = 2;
const TICK: Duration = Duration::from_millis(1);

/// An entry that became durable: its index, when it was offered and when its writer heard.
type Heard = (u64, Instant, Instant);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let rate: u64 = args.next().map_or(Ok(20_000), |s| s.parse())?;
    let seconds: u64 = args.next().map_or(Ok(20), |s| s.parse())?;
    let parent = args.next().unwrap_or_else(|| ".".to_owned());
    let dir = tempfile::tempdir_in(parent)?;
    let key = LogKey::generate()?;
    Log::create(dir.path(), &key, "bench.example/lag")?;
    let options = Options {
        sorted: true,
        ..Options::default()
    };
    let log = Arc::new(Log::open(dir.path(), key, options)?.0);

    let over = AtomicBool::new(false);
    let refused = Arc::new(AtomicU64::new(0));
    let (tell, hear) = channel();
    let begin = Instant::now();
    let (seen, offered) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&log, &over));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (tell, refused, log) = (tell.clone(), Arc::clone(&refused), &log);
                let count = rate * seconds / WRITERS;
                let pace = (rate as f64) / WRITERS as f64;
                scope.spawn(move || offer(log, writer, count, pace, &tell, &refused))
            })
            .collect();
        let late: Vec<_> = writers.into_iter().map(|w| w.join()).collect();
        let offered = begin.elapsed();
        // All that was offered is answered before a last checkpoint is asked for.
        let last = log.append_blocking(vec![9; LEAF], Vec::new());
        let end = log.checkpoint_now();
        thread::sleep(10 * TICK);
        over.store(true, Ordering::Release);
        (watcher.join().map(|seen| (seen, late, last, end)), offered)
    });
    drop(tell);
    let (seen, late, last, end) = seen.map_err(|_| "the watcher panicked")?;
    last?;
    end?;
    let late = late.into_iter().flatten().max().unwrap_or_default();
    let heard: Vec<Heard> = hear.iter().collect();
    let cpu = processor_seconds()?;
    show(&heard, &seen, refused.load(Ordering::Relaxed));
    println!(
        "offered {rate}/s for {:.2} s; writers at most {:.1} ms behind their pace; {:.1} s of processor, of {} cores",
        offered.as_secs_f64(),
        late.as_secs_f64() * 1e3,
        cpu,
        thread::available_parallelism()?
    );
    log.close()?;
    Ok(())
}

/// Offers entries at a pace; how far behind it ever fell.
fn offer(
    log: &Log,
    writer: u64,
    count: u64,
    pace: f64,
    tell: &Sender<Heard>,
    refused: &Arc<AtomicU64>,
) -> Duration {
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    for number in 0..count {
        let due = begin + Duration::from_secs_f64(number as f64 / pace);
        let mut now = Instant::now();
        if due > now + TICK {
            thread::sleep(due - now);
            now = Instant::now();
        }
        late = late.max(now.saturating_duration_since(due));
        let mut leaf = vec![1; LEAF];
        // As random as labels are, so that sorting costs what it does in service.
        let label = leaf_hash(&(number * WRITERS + writer).to_be_bytes());
        leaf[1..33].copy_from_slice(&label.0);
        let (tell, refused) = (tell.clone(), Arc::clone(refused));
        log.append(leaf, vec![2; NOTE], move |result| match result {
            Ok(appended) => drop(tell.send((appended.index, now, Instant::now()))),
            Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
        });
    }
    late
}

/// Notes when each checkpoint came, and acknowledges what it covers as a consumer would.
fn watch(log: &Log, over: &AtomicBool) -> Vec<(u64, Instant)> {
    let mut seen = vec![(log.checkpoint().size(), Instant::now())];
    while !over.load(Ordering::Acquire) {
        let size = log.checkpoint().size();
        if seen.last().is_some_and(|last| last.0 < size) {
            seen.push((size, Instant::now()));
            log.acknowledge(size);
        }
        thread::sleep(TICK);
    }
    seen
}

fn show(heard: &[Heard], seen: &[(u64, Instant)], refused: u64) {
    let waits = heard.iter().filter_map(|(index, _, durable)| {
        let first = seen.partition_point(|(size, _)| size <= index);
        Some(seen.get(first)?.1.saturating_duration_since(*durable))
    });
    let waits: Vec<Duration> = waits.collect();
    let appends = heard
        .iter()
        .map(|(_, offered, durable)| *durable - *offered);
    println!(
        "{} durable, {refused} refused, {} covered, by {} checkpoints",
        heard.len(),
        waits.len(),
        seen.len() - 1
    );
    println!("from offered to durable:    {}", spread(appends.collect()));
    println!("from durable to checkpoint: {}", spread(waits));
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |p: usize| {
        let time = times.get((times.len() * p / 1000).min(times.len().saturating_sub(1)));
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    format!(
        "median {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
        at(500),
        at(990),
        at(999),
        at(1000)
    )
}

/// Seconds of processor taken by all threads.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Ok(ticks as f64 / 100.0)
}
