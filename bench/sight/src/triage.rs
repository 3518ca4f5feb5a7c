//! What `scan --triage` passes over, and what that costs: drawn documents, which should be looked
//! at, by themselves and small in larger pictures, beside any folders of pictures.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use liuhen_picture::{Encoding, Limits, Picture, decode, dimensions, encode};
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
    /// Of which a part was looked at less small.
    second: u32,
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
        "| pictures of | number | not read | small | repeated | passed over | looked at | a second glance | with a face at a glance | MB | megapixels, mean | hash and header, median ms | decoding | glimpse | slowest of all |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let grounds = match count {
        0 => Vec::new(),
        _ => grounds(folders)?,
    };
    let mut sorts: BTreeMap<_, [Tally; 3]> = BTreeMap::new();
    for (at, photo) in cards(seed, count)?.enumerate() {
        let name = format!("card {at}, {}", photo.sort.name());
        let [whole, third, fifth] = sorts.entry(photo.sort).or_default();
        gate.pass(&photo.bytes, &name, whole)?;
        if grounds.is_empty() {
            continue;
        }
        let page = decode(&photo.bytes, &Limits::default())?;
        for (part, tally) in [(3, third), (5, fifth)] {
            let ground = &grounds[(at + part) % grounds.len()];
            let bytes = lying(&page, ground, part, seed.wrapping_add(at as u64))?;
            gate.pass(&bytes, &format!("1/{part} of {name}"), tally)?;
        }
    }
    for (at, of) in ["", ", a third as wide as its picture", ", a fifth"]
        .iter()
        .enumerate()
    {
        let mut all = Tally::default();
        for (sort, tallies) in &mut sorts {
            tallies[at].show(&format!("{}{of}", sort.name()));
            all.add(&mut tallies[at]);
        }
        all.show(&format!("all drawn documents{of}"));
    }
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
        tally.second += u32::from(glimpse.is_second);
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

/// Sides of a picture in which a document lies small: 4.3 megapixels.
const WIDE: usize = 2_400;
const HIGH: usize = 1_800;
/// Photographs that documents are laid on.
const GROUNDS: usize = 64;

/// Photographs of other things, on which documents are laid: the first of the first folder with enough pixels.
fn grounds(folders: &[&str]) -> Result<Vec<Picture>> {
    let mut paths = Vec::new();
    if let Some(folder) = folders.first() {
        walk(Path::new(folder), &mut paths);
    }
    paths.sort();
    let mut grounds = Vec::new();
    for path in paths.into_iter().take(GROUNDS) {
        let picture = decode(&fs::read(path)?, &Limits::default());
        let enough = |picture: &Picture| picture.width().min(picture.height()) >= 300;
        grounds.extend(picture.ok().filter(enough).map(Picture::flattened));
    }
    Ok(grounds)
}

/// A document as wide as a part of a larger picture, at a place that follows from `seed`, with the noise of
/// a camera on what lies around it, as JPEG.
fn lying(page: &Picture, ground: &Picture, part: usize, seed: u64) -> Result<Vec<u8>> {
    let longest = page.width().max(page.height()) as f32;
    let scale = (WIDE / part) as f32 / longest;
    let side = |side: u32| (side as f32 * scale).round().max(1.0);
    let (wide, high) = (side(page.width()), side(page.height()));
    let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = move || {
        // xorshift64 (Marsaglia 2003).
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 40) as f32 / (1_u64 << 24) as f32
    };
    let (left, top) = (
        roll() * (WIDE as f32 - wide).max(0.0),
        roll() * (HIGH as f32 - high).max(0.0),
    );
    let cover = (WIDE as f32 / ground.width() as f32).max(HIGH as f32 / ground.height() as f32);
    let mut rgb = Vec::with_capacity(WIDE * HIGH * 3);
    for y in 0..HIGH {
        for x in 0..WIDE {
            let (u, v) = (x as f32 - left, y as f32 - top);
            if (0.0..wide).contains(&u) && (0.0..high).contains(&v) {
                rgb.extend(sample(page, u / scale, v / scale, 1.0 / scale));
            } else {
                let noise = (roll() + roll() + roll() - 1.5) * 8.0;
                let shade = sample(ground, x as f32 / cover, y as f32 / cover, 1.0);
                rgb.extend(shade.map(|value| byte(f32::from(value) + noise)));
            }
        }
    }
    let [wide, high] = [WIDE, HIGH].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let whole = Picture::rgb(wide, high, rgb)?;
    Ok(encode(&whole, Encoding::Jpeg { quality: 85 })?)
}

/// The mean of what lies within `reach` pixels of a place, at least of the four around it.
fn sample(picture: &Picture, x: f32, y: f32, reach: f32) -> [u8; 3] {
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    let count = whole(reach.round()).clamp(1, 8);
    let mut sums = [0.0_f32; 3];
    for row in 0..count {
        for column in 0..count {
            let at = |from: f32, step: usize, side: usize| {
                let place = from + (step as f32 + 0.5) * reach / count as f32 - 0.5;
                place.clamp(0.0, side as f32 - 1.0)
            };
            let (x, y) = (at(x, column, width), at(y, row, height));
            let (left, top) = (whole(x), whole(y));
            let (across, down) = (x - left as f32, y - top as f32);
            for (u, v, weight) in [
                (0, 0, (1.0 - across) * (1.0 - down)),
                (1, 0, across * (1.0 - down)),
                (0, 1, (1.0 - across) * down),
                (1, 1, across * down),
            ] {
                let (u, v) = ((left + u).min(width - 1), (top + v).min(height - 1));
                let pixel = &picture.pixels()[(v * width + u) * picture.channels()..];
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += weight * f32::from(*value);
                }
            }
        }
    }
    sums.map(|sum| byte(sum / (count * count) as f32))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places within pictures"
)]
fn whole(value: f32) -> usize {
    value.max(0.0) as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held within the bounds"
)]
fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

impl Tally {
    /// The same of both.
    fn add(&mut self, other: &mut Tally) {
        self.pictures += other.pictures;
        self.unread += other.unread;
        self.small += other.small;
        self.repeated += other.repeated;
        self.passed += other.passed;
        self.looked += other.looked;
        self.second += other.second;
        self.faces += other.faces;
        self.bytes += other.bytes;
        self.pixels += other.pixels;
        self.opened.append(&mut other.opened);
        self.decoded.append(&mut other.decoded);
        self.glimpsed.append(&mut other.glimpsed);
    }

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
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.2} | {opened:.2} | {decoded:.1} | {glimpsed:.1} | {slowest:.0} |",
            self.pictures,
            self.unread,
            self.small,
            self.repeated,
            self.passed,
            self.looked,
            self.second,
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
