//! What others do with the same bytes in the same run: ripgrep, Vectorscan, a count of one byte.
//!
//! Their patterns find candidates: none knows check digits, labels or the
//! Chinese forms, so they do less than the detector. A peer that is not
//! installed is said to be missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Mobile numbers, ID numbers, cards and mailboxes, as an expression.
pub(super) const PATTERNS: [&str; 4] = [
    "1[3-9][0-9]{9}",
    "[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]",
    "62[0-9]{14,17}",
    "[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}",
];

/// Seconds of processor time of each run, and the matches of one.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) seconds: Vec<f64>,
    pub(super) matches: u64,
}

/// `rg -o`, one thread, from the page cache, starting the process included.
pub(super) fn ripgrep(file: &Path, runs: usize) -> Result<Runs> {
    let pattern = PATTERNS.join("|");
    let mut told = Runs {
        seconds: Vec::new(),
        matches: 0,
    };
    for _ in 0..runs {
        let output = Command::new("bash")
            .args([
                "-c",
                "TIMEFORMAT='%U %S'; { time rg --no-config -j1 -aoIN -e \"$1\" \"$2\"; } | wc -l",
            ])
            .args(["rg".as_ref(), pattern.as_ref(), file.as_os_str()])
            .output()?;
        let lines = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap_or(0);
        let timing = String::from_utf8_lossy(&output.stderr).into_owned();
        if timing.contains("not found") {
            bail!("ripgrep is not installed");
        }
        let seconds: f64 = timing
            .lines()
            .last()
            .unwrap_or_default()
            .split(' ')
            .filter_map(|part| part.parse::<f64>().ok())
            .sum();
        told.seconds.push(seconds);
        told.matches = lines;
    }
    Ok(told)
}

/// The version of ripgrep, for the table.
pub(super) fn ripgrep_version() -> Option<String> {
    let output = Command::new("rg").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

/// Builds the small program of `bench/peers` with the system's compiler.
pub(super) fn build_vectorscan(into: &Path) -> Result<PathBuf> {
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "libhs"])
        .output()
        .context("pkg-config is not installed")?;
    if !flags.status.success() {
        bail!("libvectorscan-dev is not installed");
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/vectorscan.c");
    let program = into.join("vectorscan");
    let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
    let status = Command::new("cc")
        .arg("-O2")
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(flags.split_whitespace())
        .status()
        .context("no C compiler")?;
    if !status.success() {
        bail!("the program of bench/peers does not build");
    }
    Ok(program)
}

/// Vectorscan in block mode; with `starts` it tells where matches begin, as a span needs.
pub(super) fn vectorscan(program: &Path, file: &Path, runs: usize, starts: bool) -> Result<Runs> {
    let output = Command::new(program)
        .arg(file)
        .arg(runs.to_string())
        .arg(if starts { "1" } else { "0" })
        .args(PATTERNS)
        .output()?;
    if !output.status.success() {
        bail!(
            "vectorscan failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8(output.stdout)?;
    let rows: Vec<(f64, u64)> = text
        .lines()
        .filter_map(|line| {
            let (seconds, matches) = line.split_once(' ')?;
            Some((seconds.parse().ok()?, matches.parse().ok()?))
        })
        .collect();
    Ok(Runs {
        seconds: rows.iter().map(|row| row.0).collect(),
        matches: rows.first().map_or(0, |row| row.1),
    })
}
