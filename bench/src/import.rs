//! Rows a second and peak memory of the program's own `import` of invented people.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use liuhen_service::{Config, Service};
use liuhen_testkit::{Encoding, Form, people};

use crate::world::{folder, program};

/// People made at a time; a million at once would be the bench's memory, not the program's.
const AT_ONCE: usize = 50_000;

pub(crate) fn run(rows: usize) -> Result<()> {
    let dir = folder()?;
    let file = dir.path().join("people.csv");
    write_people(&file, rows)?;
    let megabytes = std::fs::metadata(&file)?.len() / 1_000_000;
    println!("{rows} rows of 8 columns, {megabytes} MB of CSV in GB18030");
    let data = dir.path().join("data");
    Service::open(&Config::in_dir(&data))?.close()?;
    let begun = Instant::now();
    let mut child = Command::new(program())
        .args([
            "import",
            "--collection",
            "people",
            "--yes",
            "--json",
            "--dir",
        ])
        .arg(&data)
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut peak, mut own) = (0, 0);
    while child.try_wait()?.is_none() {
        // Gone between the two calls: the last reading stands.
        if let Ok((resident, anonymous)) = memory(child.id()) {
            peak = peak.max(resident);
            own = own.max(anonymous);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the import failed: {}", output.status);
    }
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = rows as f64 / seconds;
    println!("{seconds:.1} s, {rate:.0} rows/s, {}", told["import"]);
    println!(
        "peak memory {} MB, of which {} MB are not pages of files",
        peak / 1024,
        own / 1024
    );
    Ok(())
}

fn write_people(path: &std::path::Path, rows: usize) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut left = rows;
    for seed in 1.. {
        let part = people(seed, left.min(AT_ONCE)).delimited(Form::csv(Encoding::Gb18030));
        let header = part
            .iter()
            .position(|byte| *byte == b'\n')
            .context("no header")?;
        let from = if seed == 1 { 0 } else { header + 1 };
        file.write_all(part.get(from..).unwrap_or_default())?;
        left -= left.min(AT_ONCE);
        if left == 0 {
            break;
        }
    }
    Ok(file.flush()?)
}

/// Peak resident and present anonymous memory of a process, KiB, of /proc/PID/status.
fn memory(id: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = |what: &str| -> Result<u64> {
        let line = status.lines().find(|line| line.starts_with(what));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(number.context("no such line")?.parse()?)
    };
    Ok((line("VmHWM")?, line("RssAnon")?))
}
