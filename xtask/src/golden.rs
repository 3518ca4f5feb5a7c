//! `golden`: files that the program can print and that the repository keeps for comparison.
//!
//! The OpenAPI document lies at `crates/server/openapi.json`, so that a changed contract arrives as
//! a readable diff.
//! The server's own test refuses a stale document; this task writes the fresh one.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// What to do about a file that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it anew.
    Refresh,
    /// Leave it, and fail.
    Check,
}

/// Each golden file and the arguments with which `liuhen` prints it.
const FILES: [(&str, &[&str]); 1] = [("crates/server/openapi.json", &["openapi"])];

/// Prints every golden file anew and compares or replaces the kept one.
///
/// # Errors
///
/// When the program cannot be built or prints something other than a JSON object, when a file
/// cannot be written, and, for [`Mode::Check`], when a file is stale.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<String> {
    let mut report = Vec::new();
    for (file, args) in FILES {
        let fresh = print(root, args)?;
        let changed = settle(&root.join(file), &fresh, mode).with_context(|| file.to_owned())?;
        report.push(format!(
            "golden: {file} {}",
            if changed {
                "refreshed"
            } else {
                "is up to date"
            }
        ));
    }
    Ok(report.join("\n"))
}

/// Compares or replaces one file; says whether it was written.
fn settle(path: &Path, fresh: &str, mode: Mode) -> Result<bool> {
    ensure!(
        fresh.starts_with('{') && fresh.trim_end().ends_with('}'),
        "not a JSON object"
    );
    let kept = fs::read_to_string(path).unwrap_or_default();
    if kept == fresh {
        return Ok(false);
    }
    match mode {
        Mode::Refresh => fs::write(path, fresh)
            .map(|()| true)
            .context("cannot be written"),
        Mode::Check => bail!("stale; run `cargo xtask golden`"),
    }
}

fn print(root: &Path, args: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "liuhen", "--"])
        .args(args)
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo run -p liuhen")?;
    ensure!(
        output.status.success(),
        "`liuhen {}` failed: {}",
        args.join(" "),
        output.status
    );
    String::from_utf8(output.stdout).context("the program printed something other than UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> std::path::PathBuf {
        let path =
            std::env::temp_dir().join(format!("liuhen-golden-{}-{name}", std::process::id()));
        fs::write(&path, "{\"old\":1}\n").unwrap();
        path
    }

    #[test]
    fn refreshes_once() {
        let path = scratch("refresh");
        assert!(settle(&path, "{\"new\":1}\n", Mode::Refresh).unwrap());
        assert!(!settle(&path, "{\"new\":1}\n", Mode::Refresh).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"new\":1}\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn refuses_a_stale_file_and_a_half_printed_one() {
        let path = scratch("check");
        assert!(settle(&path, "{\"new\":1}\n", Mode::Check).is_err());
        assert!(settle(&path, "{\"new\":", Mode::Refresh).is_err());
        assert!(settle(&path, "", Mode::Refresh).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"old\":1}\n");
        fs::remove_file(path).unwrap();
    }
}
