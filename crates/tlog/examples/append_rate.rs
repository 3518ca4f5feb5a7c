//! Durable appends a second, beside a bare group commit in the same run.
//!
//! `append_rate [rounds] [directory] [least ms a sync takes] [writers]`. The third
//! makes a disk that syncs in microseconds, or in ever changing time, behave as a
//! steady slower one, for log and bare rate alike. Writers are closed loops: each
//! appends again once its last append was answered, served by two threads as a
//! server's would be. The bare rate is the least that group commit can be: the
//! same records handed over, one write and one fdatasync for all who wait, in
//! segments set aside as the log's are, no hashes, tiles or checkpoints. Rounds of
//! both take turns, since machines change their mood: rates are medians of rounds,
//! and so is the ratio of the two that ran side by side.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{
    error::Error,
    fmt, fs, io,
    path::{Path, PathBuf},
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
/// Bytes of a segment, for both.
const SEGMENT: u64 = 32 << 20;
/// Long enough for two checkpoints.
const ROUND: Duration = Duration::from_millis(1_200);

/// What a writer hands over: leaf and note. Leaves of different writers soon differ, as labels do.
fn record(writer: usize) -> (Vec<u8>, Vec<u8>) {
    let mut leaf = vec![1; LEAF];
    let label = (writer as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    leaf[1..9].copy_from_slice(&label.to_be_bytes());
    (leaf, vec![2; NOTE])
}

/// Something that makes a record durable and then tells the writer.
trait Target: Send + Sync {
    fn append(&self, writer: usize, tell: Sender<usize>);
}

impl Target for Log {
    fn append(&self, writer: usize, tell: Sender<usize>) {
        let (leaf, note) = record(writer);
        Log::append(self, leaf, note, move |result| {
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

/// What a writer hands over, and where to tell it.
type Waiting = (usize, Sender<usize>, Vec<u8>, Vec<u8>);

/// Group commit and nothing else.
#[derive(Default)]
struct Bare {
    state: Mutex<(Vec<Waiting>, bool)>,
    rung: Condvar,
}

impl Bare {
    fn run(&self, dir: &Path, disk: &dyn Disk) -> io::Result<()> {
        let mut segment = Segment::next(dir, disk, 0)?;
        while let Some(batch) = self.gather() {
            if segment.written >= SEGMENT {
                disk.remove(&segment.path)?;
                segment = Segment::next(dir, disk, segment.number + 1)?;
            }
            segment.buffer.clear();
            for (_, _, leaf, note) in &batch {
                segment.buffer.extend_from_slice(leaf);
                segment.buffer.extend_from_slice(note);
            }
            segment.file.write(&segment.buffer)?;
            segment.file.sync()?;
            segment.written += segment.buffer.len() as u64;
            for (writer, tell, ..) in batch {
                let _ = tell.send(writer);
            }
        }
        disk.remove(&segment.path)
    }

    /// All who wait, or nobody when there will be no more.
    fn gather(&self) -> Option<Vec<Waiting>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0.is_empty() && !state.1 {
            state = self
                .rung
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let batch = std::mem::take(&mut state.0);
        (!batch.is_empty()).then_some(batch)
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = true;
        self.rung.notify_all();
    }
}

/// Where the bare one writes: a file found again after a power cut, its bytes set aside.
struct Segment {
    number: u64,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    written: u64,
    buffer: Vec<u8>,
}

impl Segment {
    fn next(dir: &Path, disk: &dyn Disk, number: u64) -> io::Result<Self> {
        let path = dir.join(format!("{number}.bare"));
        let mut file = disk.create(&path, SEGMENT)?;
        file.sync()?;
        disk.sync_dir(dir)?;
        Ok(Self {
            number,
            path,
            file,
            written: 0,
            buffer: Vec::new(),
        })
    }
}

impl Target for Bare {
    fn append(&self, writer: usize, tell: Sender<usize>) {
        let (leaf, note) = record(writer);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.push((writer, tell, leaf, note));
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

#[derive(Default, Clone)]
struct Figures {
    latencies: Vec<Duration>,
    rates: Vec<f64>,
    /// Microseconds of processor an append took, all threads together.
    costs: Vec<f64>,
}

impl Figures {
    /// One round; its rate.
    fn add(&mut self, target: &Arc<dyn Target>, writers: usize) -> Result<f64, Box<dyn Error>> {
        let (begin, spent) = (Instant::now(), processor_seconds()?);
        let latencies = drive(target, writers, ROUND);
        let count = latencies.len() as f64;
        let rate = count / begin.elapsed().as_secs_f64();
        self.costs
            .push((processor_seconds()? - spent) * 1e6 / count);
        self.rates.push(rate);
        self.latencies.extend(latencies);
        Ok(rate)
    }

    /// Milliseconds.
    fn percentile(&mut self, p: usize) -> f64 {
        self.latencies.sort_unstable();
        let at = self.latencies.len() * p / 100;
        self.latencies
            .get(at)
            .map_or(0.0, |l| l.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut figures = self.clone();
        let (half, most) = (figures.percentile(50), figures.percentile(99));
        let (rate, cost) = (median(&self.rates), median(&self.costs));
        write!(f, "{rate:>10.0} {half:>8.2} {most:>8.2} {cost:>8.1}")
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Seconds of processor taken by all threads.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Ok(ticks as f64 / 100.0)
}

fn cell(dir: &Path, writers: usize, rounds: u32, disk: &Arc<Steady>) -> Result<(), Box<dyn Error>> {
    let key = LogKey::generate()?;
    let at = dir.join(format!("log-{writers}"));
    Log::create(&at, &key, "bench.example/append")?;
    let options = Options {
        disk: Arc::<Steady>::clone(disk),
        segment_bytes: SEGMENT,
        sorted: true,
        ..Options::default()
    };
    let log = Arc::new(Log::open(&at, key, options)?.0);
    let bare = Arc::new(Bare::default());
    let (runner, disk, bare_dir) = (Arc::clone(&bare), Arc::clone(disk), dir.to_owned());
    let bare_thread = thread::spawn(move || runner.run(&bare_dir, &*disk));

    let (mut ours, mut theirs, mut ratios) = (Figures::default(), Figures::default(), Vec::new());
    let log_target: Arc<dyn Target> = log.clone();
    let bare_target: Arc<dyn Target> = bare.clone();
    for _ in 0..rounds {
        let bare_rate = theirs.add(&bare_target, writers)?;
        ratios.push(100.0 * ours.add(&log_target, writers)? / bare_rate);
        // As a consumer does; lets write-ahead segments go.
        log.acknowledge(log.size());
        log.checkpoint_now()?;
    }
    log.close()?;
    bare.stop();
    bare_thread
        .join()
        .map_err(|_| "the bare writer panicked")??;
    fs::remove_dir_all(at)?;
    println!(
        "{writers:>7} {ours} | {theirs} | {:>5.0} %",
        median(&ratios)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let rounds: u32 = args.next().map_or(Ok(7), |s| s.parse())?;
    let parent = args.next().unwrap_or_else(|| ".".to_owned());
    let least: u64 = args.next().map_or(Ok(0), |s| s.parse())?;
    let only: Option<usize> = args.next().map(|s| s.parse()).transpose()?;
    let dir = tempfile::tempdir_in(parent)?;
    println!(
        "records of {LEAF} + {NOTE} bytes; medians of {rounds} rounds of {ROUND:?}; a sync takes at least {least} ms"
    );
    println!("times in ms, cpu in microseconds of processor an append");
    println!(
        "        |------------ log -------------------| |-------- bare group commit ---------|"
    );
    println!(
        "writers  appends/s      p50      p99      cpu |  appends/s      p50      p99      cpu |  rate"
    );
    for writers in only.map_or(vec![1, 64, 256, 1024], |one| vec![one]) {
        let disk = Arc::new(Steady(Duration::from_millis(least)));
        cell(dir.path(), writers, rounds, &disk)?;
    }
    Ok(())
}
