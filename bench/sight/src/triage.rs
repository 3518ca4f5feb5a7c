//! What `scan --triage` passes over, and what that costs: drawn documents, which should be looked
//! at, beside any folders of pictures.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use liuhen_picture::{Limits, decode, dimensions};
use liuhen_testkit::pictures::cards;
use liuhen_vision::Eyes;
use liuhen_vision::models::{Folder, Set};
use sha2::{Digest as _, Sha256};

/// What became of the pictures of a set.
#[derive(Default)]
struct Tally {
    pictures: u32,
    unread: u32,
    small: u32,
    repeated: u32,
    passed: u32,
    looked: u32,
    faces: u32,
    bytes: u64,
    pixels: u64,
    opened: Vec<Duration>,
    decoded: Vec<Duration>,
    glimpsed: Vec<Duration>,
}

/// Eyes, and the sums of what they met.
struct Gate {
    eyes: Eyes,
    met: HashSet<[u8; 32]>,
    /// Paths that were looked at are named.
    tells: bool,
}

pub(crate) fn measure(count: u64, seed: u64, models: &Path, folders: &[&str]) -> Result<()> {
    let mut gate = Gate {
        eyes: Eyes::new(Folder::new(models), Set::Standard, 1),
        met: HashSet::new(),
        tells: std::env::var_os("TELL").is_some(),
    };
    println!(
        "| pictures of | number | not read | small | repeated | passed over | looked at | with a face at a glance | MB | megapixels, mean | hash and header, median ms | decoding | glimpse | slowest of all |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut sorts: BTreeMap<_, Tally> = BTreeMap::new();
    let mut all = Tally::default();
    for (at, photo) in cards(seed, count)?.enumerate() {
        let name = format!("card {at}, {}", photo.sort.name());
        gate.pass(&photo.bytes, &name, sorts.entry(photo.sort).or_default())?;
        gate.met.clear();
        gate.pass(&photo.bytes, "", &mut all)?;
    }
    for (sort, tally) in &mut sorts {
        tally.show(sort.name());
    }
    all.show("all drawn documents");
    for folder in folders {
        let mut paths = Vec::new();
        walk(Path::new(folder), &mut paths);
        paths.sort();
        let mut tally = Tally::default();
        for path in paths {
            let bytes = fs::read(&path)?;
            gate.pass(&bytes, &path.display().to_string(), &mut tally)?;
        }
        tally.show(folder);
    }
    Ok(())
}

impl Gate {
    /// One picture, as `scan --triage` meets it.
    fn pass(&mut self, bytes: &[u8], name: &str, tally: &mut Tally) -> Result<()> {
        tally.pictures += 1;
        tally.bytes += bytes.len() as u64;
        let begun = Instant::now();
        let sum: [u8; 32] = Sha256::digest(bytes).into();
        let size = dimensions(bytes);
        tally.opened.push(begun.elapsed());
        if !self.met.insert(sum) {
            tally.repeated += 1;
            return Ok(());
        }
        let Ok((width, height)) = size else {
            tally.unread += 1;
            return Ok(());
        };
        if Eyes::is_too_small(width, height)? {
            tally.small += 1;
            return Ok(());
        }
        let begun = Instant::now();
        let Ok(picture) = decode(bytes, &Limits::default()) else {
            tally.unread += 1;
            return Ok(());
        };
        tally.decoded.push(begun.elapsed());
        tally.pixels += u64::from(width) * u64::from(height);
        let begun = Instant::now();
        let glimpse = self.eyes.glimpse(&picture)?;
        tally.glimpsed.push(begun.elapsed());
        tally.faces += u32::from(!glimpse.faces.is_empty());
        if glimpse.is_worth_a_look {
            tally.looked += 1;
        } else {
            tally.passed += 1;
        }
        if self.tells && !name.is_empty() {
            eprintln!(
                "{} lines, {} faces: {name}",
                glimpse.lines,
                glimpse.faces.len()
            );
        }
        Ok(())
    }
}

impl Tally {
    fn show(&mut self, name: &str) {
        let middle = |times: &mut Vec<Duration>| {
            times.sort();
            let at = times.get(times.len() / 2);
            at.map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        let [opened, decoded, glimpsed] =
            [&mut self.opened, &mut self.decoded, &mut self.glimpsed].map(middle);
        let seen = f64::from((self.looked + self.passed).max(1));
        let slowest = self.glimpsed.last().map_or(0.0, Duration::as_secs_f64) * 1e3;
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.2} | {opened:.2} | {decoded:.1} | {glimpsed:.1} | {slowest:.0} |",
            self.pictures,
            self.unread,
            self.small,
            self.repeated,
            self.passed,
            self.looked,
            self.faces,
            self.bytes as f64 / 1e6,
            self.pixels as f64 / 1e6 / seen,
        );
    }
}

/// Every file of a folder whose name is a picture's.
fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, paths),
            Ok(kind) if kind.is_file() => {
                let ending = path.extension().and_then(|ending| ending.to_str());
                let ending = ending.unwrap_or_default().to_lowercase();
                let known = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"];
                if known.contains(&ending.as_str()) {
                    paths.push(path);
                }
            }
            _ => {}
        }
    }
}
