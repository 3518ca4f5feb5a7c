//! Rows a second, processor time and peak memory of the program's own `count`, beside DuckDB doing
//! only `count(distinct)`.
//!
//! The corpus is one CSV of invented people, seeded: 60 people for every 100 rows, so that persons
//! repeat, and whole rows now and then. DuckDB is asked through Python (`pip install duckdb`;
//! `LIUHEN_PYTHONPATH` where it lies elsewhere); where it is absent, that is said.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use liuhen_invented::Generator;
use liuhen_testkit::Made;

use crate::world::{folder, program};

/// Of the corpus.
const SEED: u64 = 20_261_122;

/// Counts `rows` rows, and lets DuckDB count their distinct IDs, telephones and rows.
pub(crate) fn run(rows: u64, jobs: u16) -> Result<()> {
    let dir = folder()?;
    let file = dir.path().join("leak.csv");
    corpus(&file, rows)?;
    let megabytes = std::fs::metadata(&file)?.len() / 1_000_000;
    println!("{rows} rows of 6 columns, {megabytes} MB of CSV in UTF-8, seed {SEED}");
    println!("load average before: {}", load());
    let mut command = Command::new(program());
    command
        .args(["count", "--json", "--jobs", &jobs.to_string()])
        .arg("--work")
        .arg(dir.path().join("work"))
        .arg(&file);
    let output = measured("liuhen count, every policy", rows, command)?;
    let told: serde_json::Value = serde_json::from_slice(&output)?;
    println!("  {} {}", told["pipeline"], told["totals"]);
    let mut python = Command::new("python3");
    if let Some(path) = std::env::var_os("LIUHEN_PYTHONPATH") {
        python.env("PYTHONPATH", path);
    }
    python
        .arg("-c")
        .arg(DUCKDB)
        .arg(&file)
        .arg(jobs.to_string());
    match measured("DuckDB, count(distinct) of three columns", rows, python) {
        Ok(output) => println!("  {}", String::from_utf8_lossy(&output).trim()),
        Err(error) => println!("not measured: DuckDB: {error}"),
    }
    println!("load average after: {}", load());
    Ok(())
}

/// Makes a corpus of known truth in a directory, and prints the truth.
pub(crate) fn made(rows: u64, dir: &Path, csv: bool) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    let formats: &[Made] = if csv { &[Made::Csv] } else { &Made::ALL };
    let truth = liuhen_testkit::corpus(dir, SEED, rows, formats)?;
    println!("{}", serde_json::to_string_pretty(&truth.json())?);
    Ok(())
}

const DUCKDB: &str = "\
import duckdb, sys
db = duckdb.connect()
db.execute(f'set threads to {sys.argv[2]}')
print(duckdb.__version__, db.execute(f'''select count(*), count(distinct \"身份证号\"), count(distinct \"手机号\"), count(distinct \"订单号\")
from read_csv('{sys.argv[1]}', all_varchar=true)''').fetchall())
";

/// Runs a program; tells its wall time, processor time and peak memory.
fn measured(what: &str, rows: u64, mut command: Command) -> Result<Vec<u8>> {
    let begun = Instant::now();
    let before = children();
    let child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("not started")?;
    let id = child.id();
    let watch = std::thread::spawn(move || peak(id));
    let output = child.wait_with_output()?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor = (children() - before).as_secs_f64();
    let peak = watch.join().unwrap_or(0) / 1024;
    if !output.status.success() {
        bail!("{}", output.status);
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = rows as f64 / seconds / 1e6;
    println!(
        "{what}: {seconds:.2} s wall, {processor:.2} s of processor, {rate:.2} million rows/s, peak {peak} MB"
    );
    Ok(output.stdout)
}

/// Processor time of children that have ended, of /proc/self/stat in clock ticks of 10 ms.
fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |at: usize| {
        behind
            .split_whitespace()
            .nth(at)
            .and_then(|word| word.parse::<u64>().ok())
    };
    Duration::from_millis(10 * (ticks(13).unwrap_or(0) + ticks(14).unwrap_or(0)))
}

/// Peak resident memory of a process in KiB, as last seen before it ended.
fn peak(id: u32) -> u64 {
    let mut peak = 0;
    while let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) {
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        let Some(now) = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()) else {
            break;
        };
        peak = now;
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn corpus(path: &Path, rows: u64) -> Result<()> {
    let people = Generator::new(SEED);
    let crowd = (rows * 6 / 10).clamp(1, people.distinct());
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "姓名,身份证号,手机号,地址,下单时间,订单号")?;
    for row in 0..rows {
        // A fixed spreading of rows over people; about every twentieth row repeats the one before.
        let drawn = (row - u64::from(row % 20 == 19)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let person = people.person_at((drawn >> 20) % crowd);
        let (day, order) = (drawn % 28 + 1, drawn >> 34);
        writeln!(
            out,
            "{},{},{},{},2026-05-{day:02} 10:00:00,DD{order:010}",
            person.name, person.resident_id, person.mobile, person.address
        )?;
    }
    Ok(out.flush()?)
}
