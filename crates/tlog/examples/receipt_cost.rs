//! What a receipt costs: one signature for each, or one for a batch of leaves.
//!
//! `receipt_cost`. Batches of several sizes go through the log; each receipt is
//! asked for, once as the log gives them (a signature for the batch and a path
//! for each) and once with a signature of its own.
#![expect(clippy::print_stdout, reason = "a program whose output is a table")]
#![expect(clippy::cast_precision_loss, reason = "figures for reading")]

use std::{error::Error, sync::mpsc::channel, time::Instant};

use liuhen_tlog::{Appended, Log, LogKey, Options};

const TOTAL: usize = 10_240;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let key = LogKey::generate()?;
    Log::create(dir.path(), &key, "bench.example/receipt")?;
    let (log, _) = Log::open(dir.path(), key, Options::default())?;
    println!("batch   µs a receipt, batch signed   µs a receipt, each signed   bytes of one");
    for batch in [1, 16, 64, 256, 1024] {
        let (mut shared, mut bytes) = (0.0, 0);
        let mut all = Vec::new();
        for _ in 0..TOTAL / batch {
            let appended = append_together(&log, batch)?;
            let begin = Instant::now();
            for one in &appended {
                bytes = log.sign_receipt(one)?.to_string().len();
            }
            shared += begin.elapsed().as_secs_f64();
            all.extend(appended);
        }
        let begin = Instant::now();
        for one in &all {
            std::hint::black_box(log.sign_receipt_at(one.index)?.to_string());
        }
        let single = begin.elapsed().as_secs_f64();
        let each = |seconds: f64| seconds * 1e6 / all.len() as f64;
        println!(
            "{batch:>5} {:>28.2} {:>27.2} {bytes:>14}",
            each(shared),
            each(single)
        );
    }
    Ok(())
}

/// Appends so many at once that they mostly share a batch.
fn append_together(log: &Log, count: usize) -> Result<Vec<Appended>, Box<dyn Error>> {
    let (tell, hear) = channel();
    for _ in 0..count {
        let tell = tell.clone();
        log.append(vec![1; 440], Vec::new(), move |result| {
            // The receiver outlives every append.
            let _ = tell.send(result);
        });
    }
    drop(tell);
    Ok(hear.iter().collect::<Result<_, _>>()?)
}
