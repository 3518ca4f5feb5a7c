//! How fast a whole log is checked.
//!
//! `audit_rate [entries] [directory]`: fills a log, then runs `verify_dir` over it.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{error::Error, time::Instant};

use liuhen_tlog::{Log, LogKey, Options, verify_dir};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let entries: u64 = args.next().map_or(Ok(200_000), |s| s.parse())?;
    let parent = args.next().unwrap_or_else(|| ".".to_owned());
    let dir = tempfile::tempdir_in(parent)?;
    let key = LogKey::generate()?;
    Log::create(dir.path(), &key, "bench.example/audit")?;
    let (log, _) = Log::open(dir.path(), key, Options::default())?;
    for index in 1..entries {
        log.append(index.to_be_bytes().repeat(55), Vec::new(), |_| {});
        if index % 10_000 == 0 {
            log.append_blocking(vec![0; 440], Vec::new())?;
            log.acknowledge(log.size());
        }
    }
    log.close()?;
    let begin = Instant::now();
    let report = verify_dir(dir.path(), Some(log.verifier()), |_| {})?;
    let seconds = begin.elapsed().as_secs_f64();
    let rate = report.entries as f64 / seconds;
    println!(
        "{} entries in {seconds:.2} s: {rate:.0}/s, {} faults",
        report.entries, report.fault_count
    );
    Ok(())
}
