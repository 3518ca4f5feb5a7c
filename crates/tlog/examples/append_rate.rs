//! Durable appends a second, beside a bare group commit in the same run.
//!
//! `append_rate [seconds per cell] [directory] [least ms a sync takes]`. The last
//! makes a disk that syncs in microseconds, or in ever changing time, behave as a
//! steady slower one, for log and bare rate alike. Writers are closed loops: each
//! appends again once its last append was answered, served by two threads as a
//! server's would be. The bare rate is the least that group commit can be: the
//! same bytes, one write and one fdatasync for all who wait, no frames, hashes,
//! tiles or checkpoints. Rounds of both alternate, since disks change their mood.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{
    error::Error,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use liuhen_tlog::{
    Log, LogKey, Options,
    disk::{Disk, DiskFile, SystemDisk},
};

const LEAF: usize = 440;
const NOTE: usize = 160;
const ROUNDS: u32 = 3;

/// Something that makes a record durable and then tells the writer.
trait Target: Send + Sync {
    fn append(&self, writer: usize, tell: Sender<usize>);
}

impl Target for Log {
    fn append(&self, writer: usize, tell: Sender<usize>) {
        Log::append(self, vec![1; LEAF], vec![2; NOTE], move |result| {
            if result.is_ok() {
                // The driver may be gone at the end of a round.
                let _ = tell.send(writer);
            }
        });
    }
}

/// The system's disk, but no sync returns sooner than after a given time.
#[derive(Debug)]
struct Steady(Duration);

struct SteadyFile(Box<dyn DiskFile>, Duration);

fn no_sooner<T>(least: Duration, act: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = act();
    thread::sleep(least.saturating_sub(begin.elapsed()));
    done
}

impl DiskFile for SteadyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        no_sooner(self.1, || self.0.sync())
    }
}

impl Disk for Steady {
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = SystemDisk.create(path, reserve)?;
        Ok(Box::new(SteadyFile(file, self.0)))
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        SystemDisk.create_dirs(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        no_sooner(self.0, || SystemDisk.sync_dir(dir))
    }

    fn sync_all(&self, dir: &Path) -> io::Result<()> {
        no_sooner(self.0, || SystemDisk.sync_all(dir))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)
    }
}

/// A writer and where to tell it.
type Waiting = (usize, Sender<usize>);

/// Group commit and nothing else.
#[derive(Default)]
struct Bare {
    state: Mutex<(Vec<Waiting>, bool)>,
    rung: Condvar,
}

impl Bare {
    fn run(&self, mut file: File, least: Duration) -> io::Result<()> {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while state.0.is_empty() && !state.1 {
                state = self
                    .rung
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let batch = std::mem::take(&mut state.0);
            if batch.is_empty() {
                return Ok(());
            }
            drop(state);
            file.write_all(&vec![3; batch.len() * (LEAF + NOTE)])?;
            no_sooner(least, || file.sync_data())?;
            for (writer, tell) in batch {
                let _ = tell.send(writer);
            }
        }
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = true;
        self.rung.notify_all();
    }
}

impl Target for Bare {
    fn append(&self, writer: usize, tell: Sender<usize>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.push((writer, tell));
        self.rung.notify_one();
    }
}

/// Keeps `writers` loops going for a while; returns the latencies.
fn drive(target: &Arc<dyn Target>, writers: usize, long: Duration) -> Vec<Duration> {
    let drivers = writers.min(2);
    let threads: Vec<_> = (0..drivers)
        .map(|driver| {
            let target = Arc::clone(target);
            let mine = (writers - driver).div_ceil(drivers);
            thread::spawn(move || one_driver(&*target, mine, long))
        })
        .collect();
    let joined = threads.into_iter().filter_map(|t| t.join().ok());
    joined.flatten().collect()
}

fn one_driver(target: &dyn Target, writers: usize, long: Duration) -> Vec<Duration> {
    let (tell, hear): (Sender<usize>, Receiver<usize>) = channel();
    let begin = Instant::now();
    let mut since = vec![begin; writers];
    let mut latencies = Vec::new();
    for writer in 0..writers {
        target.append(writer, tell.clone());
    }
    let mut under_way = writers;
    while under_way > 0 {
        let Ok(writer) = hear.recv_timeout(Duration::from_secs(10)) else {
            break;
        };
        let now = Instant::now();
        latencies.push(now - since[writer]);
        if now - begin < long {
            since[writer] = now;
            target.append(writer, tell.clone());
        } else {
            under_way -= 1;
        }
    }
    latencies
}

#[derive(Default)]
struct Figures {
    latencies: Vec<Duration>,
    busy: Duration,
}

impl Figures {
    fn add(&mut self, target: &Arc<dyn Target>, writers: usize, long: Duration) {
        let begin = Instant::now();
        self.latencies.extend(drive(target, writers, long));
        self.busy += begin.elapsed();
    }

    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.busy.as_secs_f64()
    }

    fn percentile(&mut self, p: usize) -> f64 {
        self.latencies.sort_unstable();
        let at = self.latencies.len() * p / 100;
        self.latencies
            .get(at)
            .map_or(0.0, |l| l.as_secs_f64() * 1e3)
    }
}

fn cell(dir: &Path, writers: usize, long: Duration, least: Duration) -> Result<(), Box<dyn Error>> {
    let key = LogKey::generate()?;
    let at = dir.join(format!("log-{writers}"));
    Log::create(&at, &key, "bench.example/append")?;
    let options = Options {
        disk: Arc::new(Steady(least)),
        ..Options::default()
    };
    let (log, _) = Log::open(&at, key, options)?;
    let log = Arc::new(log);
    let bare = Arc::new(Bare::default());
    let file = File::create(dir.join("bare"))?;
    let runner = Arc::clone(&bare);
    let bare_thread = thread::spawn(move || runner.run(file, least));

    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    let log_target: Arc<dyn Target> = log.clone();
    let bare_target: Arc<dyn Target> = bare.clone();
    for _ in 0..ROUNDS {
        theirs.add(&bare_target, writers, long / ROUNDS);
        ours.add(&log_target, writers, long / ROUNDS);
        // As a consumer does; lets write-ahead segments go.
        log.acknowledge(log.size());
    }
    log.close()?;
    bare.stop();
    bare_thread
        .join()
        .map_err(|_| "the bare writer panicked")??;
    println!(
        "{writers:>7} {:>10.0} {:>8.2} {:>8.2} | {:>10.0} {:>8.2} {:>8.2} | {:>5.0} %",
        ours.rate(),
        ours.percentile(50),
        ours.percentile(99),
        theirs.rate(),
        theirs.percentile(50),
        theirs.percentile(99),
        100.0 * ours.rate() / theirs.rate(),
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().map_or(Ok(6), |s| s.parse())?;
    let parent = args.next().unwrap_or_else(|| ".".to_owned());
    let least: u64 = args.next().map_or(Ok(0), |s| s.parse())?;
    let dir = tempfile::tempdir_in(parent)?;
    println!(
        "records of {} bytes; {seconds} s a cell; a sync takes at least {least} ms; times in ms",
        LEAF + NOTE
    );
    println!("        |------ log ---------------| |--- bare group commit ------|");
    println!("writers  appends/s      p50      p99 |  appends/s      p50      p99 |  rate");
    for writers in [1, 64, 256, 1024] {
        let (long, least) = (Duration::from_secs(seconds), Duration::from_millis(least));
        cell(dir.path(), writers, long, least)?;
    }
    Ok(())
}
