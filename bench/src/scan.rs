//! Speed of detection on one core, beside ripgrep, Vectorscan and a bare count of bytes.
//!
//! Corpora are made from seeds (`corpus`). Figures are megabytes of text a second
//! of processor time, so that a busy machine counts little; the scaling over
//! threads is of wall time and says how busy the machine was.

mod corpus;
mod peers;

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use liuhen_detect::{Detector, Options};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::world::folder;

/// Runs of each measurement; the median is told.
const RUNS: usize = 5;

const MEGABYTE: usize = 1_000_000;

/// The model reads a megabyte in about a second; more would tell nothing more.
const MODEL_BYTES: usize = MEGABYTE;

/// One line of the table.
struct Line {
    what: String,
    corpus: &'static str,
    megabytes: f64,
    rates: Vec<f64>,
    matches: u64,
}

impl Line {
    fn rate(&self) -> f64 {
        median(&self.rates)
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what, "corpus": self.corpus, "megabytes": self.megabytes,
            "mb_per_s_median": self.rate(), "mb_per_s_runs": self.rates, "matches": self.matches,
        })
    }
}

pub(crate) fn run(megabytes: usize, as_json: bool) -> Result<()> {
    let bytes = megabytes * MEGABYTE;
    let (dense, values) = corpus::dense(bytes);
    let texts = [
        ("clean", corpus::clean(bytes)),
        ("Chinese", corpus::chinese(bytes)),
        ("English", corpus::english(bytes)),
        ("code", corpus::code(bytes)),
        ("dense", dense),
    ];
    let mut lines = Vec::new();
    for (name, text) in &texts {
        lines.push(ours("structured", name, text, false));
        lines.push(ours(
            "with the model",
            name,
            prefix(text, MODEL_BYTES),
            true,
        ));
        lines.push(bytes_counted(name, text));
    }
    let missing = beside(&texts, &mut lines)?;
    let sizes = linearity(&corpus::clean(64 * MEGABYTE));
    let scaling = scaling(&corpus::clean(32 * MEGABYTE));
    if as_json {
        let told = json!({
            "machine": machine(), "seed": corpus::SEED, "runs": RUNS, "values_in_dense": values,
            "lines": lines.iter().map(Line::json).collect::<Vec<_>>(),
            "missing": missing,
            "linearity": sizes, "scaling": scaling,
        });
        println!("{told:#}");
        return Ok(());
    }
    println!(
        "{}; seed {}; median of {RUNS} runs",
        machine(),
        corpus::SEED
    );
    println!(
        "dense text holds {values} values, one every {} bytes",
        texts[4].1.len() / values
    );
    println!(
        "{:28} {:8} {:>6} {:>12} {:>10}",
        "what", "corpus", "MB", "MB/s of CPU", "matches"
    );
    for line in &lines {
        println!(
            "{:28} {:8} {:6.1} {:12.1} {:10}",
            line.what,
            line.corpus,
            line.megabytes,
            line.rate(),
            line.matches
        );
    }
    for peer in &missing {
        println!("not measured: {peer}");
    }
    for (megabytes, rate) in &sizes {
        println!("linearity, structured, clean: {megabytes} MB at {rate:.1} MB/s of CPU");
    }
    for (threads, rate) in &scaling {
        println!(
            "scaling, structured, clean, 32 files of 1 MB: {threads} threads, {rate:.1} MB/s of wall time"
        );
    }
    Ok(())
}

/// Our own speed on a text, after one run to warm up.
fn ours(what: &str, corpus: &'static str, text: &str, model: bool) -> Line {
    let detector = detector(model);
    let matches = hits(&detector, text);
    let rates = (0..RUNS)
        .map(|_| rate(text, || hits(&detector, text)))
        .collect();
    Line {
        what: what.to_owned(),
        corpus,
        megabytes: megabytes(text),
        rates,
        matches,
    }
}

/// What the machine can do at best: the bytes read once, one of them counted.
fn bytes_counted(corpus: &'static str, text: &str) -> Line {
    let count = || memchr::memchr_iter(b'@', black_box(text).as_bytes()).count() as u64;
    let rates = (0..RUNS).map(|_| rate(text, count)).collect();
    Line {
        what: "memchr, count of one byte".to_owned(),
        corpus,
        megabytes: megabytes(text),
        rates,
        matches: count(),
    }
}

/// The peers on the same texts; answers which could not be measured, and why.
fn beside(texts: &[(&'static str, String)], lines: &mut Vec<Line>) -> Result<Vec<String>> {
    let dir = folder()?;
    let mut missing = Vec::new();
    let program = match peers::build_vectorscan(dir.path()) {
        Ok(program) => Some(program),
        Err(error) => {
            missing.push(format!("Vectorscan: {error:#}"));
            None
        }
    };
    let ripgrep = peers::ripgrep_version();
    if ripgrep.is_none() {
        missing.push("ripgrep: not installed".to_owned());
    }
    for (corpus, text) in texts {
        let file = dir.path().join("text");
        std::fs::write(&file, text)?;
        let mut add = |what: String, runs: peers::Runs| {
            let rates = runs.seconds.iter().map(|seconds| megabytes(text) / seconds);
            lines.push(Line {
                what,
                corpus,
                megabytes: megabytes(text),
                rates: rates.collect(),
                matches: runs.matches,
            });
        };
        if let Some(version) = &ripgrep {
            add(format!("{version} -o"), peers::ripgrep(&file, RUNS)?);
        }
        if let Some(program) = &program {
            let runs = peers::vectorscan(program, &file, RUNS, false)?;
            add("Vectorscan, ends only".to_owned(), runs);
            let runs = peers::vectorscan(program, &file, RUNS, true)?;
            add("Vectorscan, with starts".to_owned(), runs);
        }
    }
    Ok(missing)
}

/// Whether twice the text takes twice the time.
fn linearity(text: &str) -> Vec<(usize, f64)> {
    let detector = detector(false);
    let sizes = [1, 4, 16, 64];
    sizes
        .map(|megabytes| {
            let part = prefix(text, megabytes * MEGABYTE);
            let rates: Vec<f64> = (0..3)
                .map(|_| rate(part, || hits(&detector, part)))
                .collect();
            (megabytes, median(&rates))
        })
        .to_vec()
}

/// Many files on one thread and on as many as there are processors.
fn scaling(text: &str) -> Vec<(usize, f64)> {
    let detector = detector(false);
    let mut files = Vec::new();
    let mut left = text;
    while !left.is_empty() {
        let part = prefix(left, MEGABYTE);
        files.push(part);
        left = &left[part.len()..];
    }
    let most = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut told = Vec::new();
    for threads in [1, most] {
        let mut rates = Vec::new();
        for _ in 0..RUNS {
            let begun = Instant::now();
            let next = std::sync::atomic::AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        loop {
                            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            let Some(file) = files.get(at) else { break };
                            black_box(hits(&detector, file));
                        }
                    });
                }
            });
            rates.push(megabytes(text) / begun.elapsed().as_secs_f64());
        }
        told.push((threads, median(&rates)));
    }
    told
}

/// The built-in rules, with or without the sequence model.
fn detector(model: bool) -> Detector {
    Detector::new(Options {
        model,
        ..Options::default()
    })
}

fn hits(detector: &Detector, text: &str) -> u64 {
    let mut count = 0;
    detector.hits(black_box(text), |found| {
        black_box(&found);
        count += 1;
    });
    count
}

/// Megabytes a second of this thread's processor time.
fn rate(text: &str, work: impl Fn() -> u64) -> f64 {
    let begun = on_processor();
    let mut rounds = 0.0;
    // What takes microseconds is repeated until the clock can tell.
    loop {
        black_box(work());
        rounds += 1.0;
        let spent = on_processor() - begun;
        if spent > 0.05 {
            return rounds * megabytes(text) / spent;
        }
    }
}

/// Seconds that this thread has run on a processor.
fn on_processor() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let spent = Duration::new(
        spent.tv_sec.unsigned_abs(),
        u32::try_from(spent.tv_nsec).unwrap_or_default(),
    );
    spent.as_secs_f64()
}

fn prefix(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn megabytes(text: &str) -> f64 {
    text.len() as f64 / 1e6
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor, how many, and the load of the last minute.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1))
            .unwrap_or("?")
            .to_owned()
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{} (family {}, model {}), {cores} processors, load {}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        load.split(' ').next().unwrap_or("?")
    )
}
