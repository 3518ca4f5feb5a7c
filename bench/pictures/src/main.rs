//! Attacks marked pictures and counts who is caught and who is wrongly accused.
//!
//! ```text
//! cargo run --release -p liuhen-bench-pictures -- attacks PHOTOS [ROW…]   # our table, as Markdown; rows by their beginnings
//! cargo run --release -p liuhen-bench-pictures -- blind PHOTOS [ROW…]     # copies with tiles, read without the original and with it
//! cargo run --release -p liuhen-bench-pictures -- apply MARKED OUT # the same attacks on others' copies
//! cargo run --release -p liuhen-bench-pictures -- speed            # 12 megapixels; many copies
//! ```
//!
//! `fetch.sh` gathers the photographs, `peers.py` marks and reads with others' programs;
//! results stand in `docs/picture-attacks.md`. Seeds are the names of photograph and attack.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints its table, and how it goes"
)]

mod attack;
mod figures;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use anyhow::{Context as _, Result, bail};
use image::RgbImage;
use liuhen_fingerprint::FingerprintError;
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::picture::{Limits, Mark, Reference, mark, mark_with_tile};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::tile;

use attack::{ATTACKS, COLLUSIONS, Collusion, Dice, SIZES};

/// Copies issued: whoever is accused is accused among these.
const COPIES: u64 = 1_000;

/// Keys scored a leak: the copies, and more innocents judged at the same threshold.
const KEYS: u32 = 2_700;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["attacks", photos, rows @ ..] => attacks(Path::new(photos), rows),
        ["blind", photos, rows @ ..] => blind(Path::new(photos), rows),
        ["apply", marked, out] => apply(Path::new(marked), Path::new(out)),
        ["speed"] => speed(),
        _ => bail!("say: attacks PHOTOS [ROW…], blind PHOTOS [ROW…], apply MARKED OUT, or speed"),
    }
}

fn key(number: u32) -> ExportKey {
    let mut secret = [0x5A; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    ExportKey::from_secret(secret)
}

/// A photograph with what is needed to judge its leaks.
struct Photo {
    name: String,
    picture: RgbImage,
    plane: Plane,
    reference: Reference,
}

fn plane(picture: &RgbImage) -> Result<Plane> {
    let (w, h) = picture.dimensions();
    let bright =
        |[r, g, b]: [u8; 3]| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    let values = picture.pixels().map(|p| bright(p.0)).collect();
    Ok(Plane::new(w as usize, h as usize, values)?)
}

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn photo(path: &Path) -> Result<Photo> {
    let picture = image::open(path)
        .with_context(|| path.display().to_string())?
        .into_rgb8();
    let plane = plane(&picture)?;
    Ok(Photo {
        name: stem(path),
        reference: Reference::new(&plane, Limits::default())?,
        plane,
        picture,
    })
}

impl Photo {
    fn mark(&self, copy: u32) -> Result<Mark> {
        Ok(mark(
            &self.plane,
            &key(copy),
            self.name.as_bytes(),
            Limits::default(),
        )?)
    }

    fn copy(&self, copy: u32) -> Result<RgbImage> {
        Ok(self.with(&self.mark(copy)?))
    }

    fn copy_with_tile(&self, copy: u32) -> Result<(RgbImage, bool)> {
        let id = self.name.as_bytes();
        let mark = mark_with_tile(&self.plane, &key(copy), id, Limits::default())?;
        Ok((self.with(&mark), mark.has_tile()))
    }

    fn with(&self, mark: &Mark) -> RgbImage {
        let mut marked = self.picture.clone();
        for (pixel, change) in marked.pixels_mut().zip(mark.change()) {
            pixel.0 = pixel.0.map(|value| value.saturating_add_signed(*change));
        }
        marked
    }
}

/// Peak signal to noise over the three colours, in decibels.
fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    let pairs = a.as_raw().iter().zip(b.as_raw());
    let total: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let count = a.as_raw().len();
    10.0 * (65_025.0 / (number(total) / count as f64)).log10()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

/// What happened in one cell of the table.
#[derive(Default)]
struct Row {
    trials: u64,
    registered: u64,
    guilty: u64,
    caught: u64,
    some: u64,
    innocents: u64,
    accused: u64,
    statistics: Vec<f64>,
    reading: Duration,
    megapixels: f64,
}

impl Row {
    fn judge(
        &mut self,
        photo: &Photo,
        leak: &RgbImage,
        guilty: &[u32],
        keys: &[ExportKey],
    ) -> Result<()> {
        let threshold = Threshold::new(COPIES, Epsilon::DEFAULT)?;
        let plane = plane(leak)?;
        let start = Instant::now();
        let registered = photo.reference.register(&plane, Limits::default())?;
        self.reading += start.elapsed();
        self.megapixels += number(u64::from(leak.width()) * u64::from(leak.height())) / 1e6;
        self.trials += 1;
        self.guilty += guilty.len() as u64;
        self.innocents += (keys.len() - guilty.len()) as u64;
        let Some(registered) = registered else {
            self.statistics.push(0.0);
            return Ok(());
        };
        self.registered += 1;
        let id = photo.name.as_bytes();
        let borrowed: Vec<&ExportKey> = keys.iter().collect();
        let scores = registered.score(&borrowed, id);
        let mut some = false;
        for (copy, score) in (0_u32..).zip(scores) {
            let accused = threshold.judge(score).is_accused();
            if guilty.contains(&copy) {
                some |= accused;
                self.caught += u64::from(accused);
                self.statistics
                    .push(registered.statistic(&keys[copy as usize], id));
            } else {
                self.accused += u64::from(accused);
            }
        }
        self.some += u64::from(some);
        Ok(())
    }

    fn least(&self) -> f64 {
        let statistics = self.statistics.iter().copied();
        statistics.fold(f64::INFINITY, f64::min)
    }

    fn show(&mut self, name: &str) {
        eprintln!("{name}: t {:.1?}", self.statistics);
        self.statistics.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = self.statistics.len().saturating_sub(1);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index"
            )]
            let index = (share * last as f64) as usize;
            self.statistics.get(index).copied().unwrap_or(0.0)
        };
        let (_, high) = figures::interval(self.accused, self.innocents);
        println!(
            "| {name} | {}/{} | {}/{} | {}/{} | {:.1} | {:.1} | {} of {} (≤ {:.1e}) | {:.0} |",
            self.some,
            self.trials,
            self.caught,
            self.guilty,
            self.registered,
            self.trials,
            at(0.0),
            at(0.5),
            self.accused,
            self.innocents,
            high,
            self.reading.as_secs_f64() * 1e3 / self.megapixels.max(1e-9),
        );
    }
}

fn head() {
    println!(
        "| attack | leaks led back | guilty caught | registered | least t | median t | innocents accused (95% bound) | ms a megapixel |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

/// Copies with both marks: what is led back without the original and with it, and by the mark alone.
fn blind(folder: &Path, rows: &[&str]) -> Result<()> {
    let wanted = |name: &str| rows.is_empty() || rows.iter().any(|row| name.starts_with(row));
    let photos: Vec<Photo> = files(folder)?
        .iter()
        .map(|path| photo(path))
        .collect::<Result<_>>()?;
    let keys: Vec<ExportKey> = (0..KEYS).map(key).collect();
    let mut copies = Vec::new();
    for photo in &photos {
        let (copy, tile) = photo.copy_with_tile(0)?;
        println!(
            "{}: {:.2} dB{}",
            photo.name,
            psnr(&photo.picture, &copy),
            if tile { "" } else { ", no tile" }
        );
        copies.push((copy, photo.copy(0)?));
    }
    println!(
        "| attack | led back blind | innocents accused | most ln e of an innocent | led back by the original | least t | least t of the mark alone |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| wanted(name)) {
        let (mut known, mut alone) = (Row::default(), Row::default());
        let mut unknown = Blind::default();
        for (photo, (copy, plain)) in photos.iter().zip(&copies) {
            let seed = format!("{name} {}", photo.name);
            let leak = attack.run(copy, &mut Dice::new(&seed))?;
            unknown.judge(photo, &leak, &keys)?;
            known.judge(photo, &leak, &[0], &keys[..1])?;
            let leak = attack.run(plain, &mut Dice::new(&seed))?;
            alone.judge(photo, &leak, &[0], &keys[..1])?;
        }
        eprintln!("{name}: ln e {:.0?}", unknown.found);
        println!(
            "| {name} | {}/{} | {} of {} | {:.1} | {}/{} | {:.1} | {:.1} |",
            unknown.led,
            photos.len(),
            unknown.accused,
            unknown.innocents,
            unknown.most,
            known.caught,
            known.trials,
            known.least(),
            alone.least(),
        );
    }
    Ok(())
}

/// What happened in one cell where the original is gone.
#[derive(Default)]
struct Blind {
    led: u64,
    accused: u64,
    innocents: u64,
    /// The most evidence against an innocent, and that against each guilty copy: nats.
    most: f64,
    found: Vec<f64>,
}

impl Blind {
    /// Reads a leak of copy 0 by its tile.
    fn judge(&mut self, photo: &Photo, leak: &RgbImage, keys: &[ExportKey]) -> Result<()> {
        let threshold = Threshold::new(COPIES, Epsilon::DEFAULT)?;
        let plane = plane(leak)?;
        let Ok(mut look) = tile::look(&plane) else {
            // Too small to be looked at, as the program takes it: nobody is led back by it.
            self.found.push(f64::NEG_INFINITY);
            self.innocents += keys.len() as u64 - 1;
            return Ok(());
        };
        look.ways.extend(tile::lay_upright(&plane)?);
        let scores = look.score(keys, photo.name.as_bytes());
        for (copy, score) in scores.into_iter().enumerate() {
            let against = u64::from(threshold.judge(score).is_accused());
            if copy == 0 {
                self.led += against;
                self.found.push(score.ln());
            } else {
                self.innocents += 1;
                self.accused += against;
                self.most = self.most.max(score.ln());
            }
        }
        Ok(())
    }
}

fn attacks(folder: &Path, rows: &[&str]) -> Result<()> {
    let wanted = |name: &str| rows.is_empty() || rows.iter().any(|row| name.starts_with(row));
    let photos: Vec<Photo> = files(folder)?
        .iter()
        .map(|p| photo(p))
        .collect::<Result<_>>()?;
    let keys: Vec<ExportKey> = (0..KEYS).map(key).collect();
    println!("load: {}", load());
    for photo in &photos {
        let (w, h) = photo.picture.dimensions();
        let start = Instant::now();
        photo.mark(0)?;
        let took = start.elapsed().as_secs_f64() * 1e3;
        println!(
            "{} {w} × {h}: {:.1} dB, marked in {took:.1} ms",
            photo.name,
            psnr(&photo.picture, &photo.copy(0)?)
        );
    }
    println!();
    head();
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| wanted(name)) {
        let mut row = Row::default();
        for photo in &photos {
            let mut dice = Dice::new(&format!("{name}/{}", photo.name));
            let copy = pick(&mut dice);
            let leak = attack.run(&photo.copy(copy)?, &mut dice)?;
            row.judge(photo, &leak, &[copy], &keys)?;
        }
        row.show(name);
    }
    println!();
    head();
    for (name, collusion) in COLLUSIONS.iter().filter(|(name, _)| wanted(name)) {
        for size in SIZES {
            collude(name, *collusion, size, &photos, &keys)?;
        }
    }
    println!("load: {}", load());
    Ok(())
}

fn pick(dice: &mut Dice) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below a thousand"
    )]
    let copy = (dice.unit() * 1_000.0) as u32;
    copy
}

fn collude(
    name: &str,
    how: Collusion,
    size: usize,
    photos: &[Photo],
    keys: &[ExportKey],
) -> Result<()> {
    let mut row = Row::default();
    for photo in photos {
        let mut dice = Dice::new(&format!("{name}/{size}/{}", photo.name));
        let first = pick(&mut dice);
        let guilty: Vec<u32> = (0..u32::try_from(size)?)
            .map(|i| (first + i * 101) % 1_000)
            .collect();
        let copies: Vec<RgbImage> = guilty
            .iter()
            .map(|c| photo.copy(*c))
            .collect::<Result<_>>()?;
        row.judge(photo, &how.run(&copies)?, &guilty, keys)?;
    }
    row.show(&format!("{name} of {size}"));
    Ok(())
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Attacks `MARKED/METHOD/PHOTO/COPY.png` into `OUT/METHOD/PHOTO/ATTACK.png`.
fn apply(marked: &Path, out: &Path) -> Result<()> {
    for method in files(marked)? {
        for photo in files(&method)? {
            let copies = files(&photo)?;
            let copies: Vec<RgbImage> = copies
                .iter()
                .map(|path| Ok(image::open(path)?.into_rgb8()))
                .collect::<Result<_>>()?;
            let into = out.join(stem(&method)).join(stem(&photo));
            fs::create_dir_all(&into)?;
            let Some(first) = copies.first() else {
                continue;
            };
            for (number, (name, attack)) in ATTACKS.iter().enumerate() {
                let mut dice = Dice::new(&format!("{name}/{}", stem(&photo)));
                pick(&mut dice);
                let leak = attack.run(first, &mut dice)?;
                leak.save(into.join(format!("{number:02} {}.png", name.replace('/', " "))))?;
            }
            for (number, (name, collusion)) in COLLUSIONS.iter().enumerate() {
                for size in SIZES.iter().filter(|size| **size <= copies.len()) {
                    let leak = collusion.run(&copies[..*size])?;
                    leak.save(
                        into.join(format!("{} {name} of {size}.png", 60 + 10 * number + size)),
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// Seconds by the clock, and of all processors, which other work lengthens less.
struct Taken {
    clock: f64,
    processor: f64,
}

impl Taken {
    /// The least that some work took.
    fn best<T>(times: u32, work: impl Fn() -> Result<T, FingerprintError>) -> Result<Self> {
        let on_processors = || -> Result<f64> {
            let text = fs::read_to_string("/proc/self/stat")?;
            // proc(5): user and system time are fields 14 and 15, in hundredths; names may hold blanks.
            let (_, fields) = text.rsplit_once(')').context("no process")?;
            let ticks = fields.split_whitespace().skip(11).take(2);
            let ticks = ticks.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
            Ok(ticks / 100.0)
        };
        let mut best = Self {
            clock: f64::INFINITY,
            processor: f64::INFINITY,
        };
        for _ in 0..times {
            let (start, before) = (Instant::now(), on_processors()?);
            work()?;
            best.clock = best.clock.min(start.elapsed().as_secs_f64());
            best.processor = best.processor.min(on_processors()? - before);
        }
        Ok(best)
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3} s, {:.2} s of processors",
            self.clock, self.processor
        )
    }
}

/// Times what the issue sets bounds for.
fn speed() -> Result<()> {
    println!("load: {}", load());
    let (w, h) = (4_000_usize, 3_000_usize);
    let value = |at: usize| {
        let (x, y) = ((at % w) as f32, (at / w) as f32);
        128.0 + 40.0 * (x / 37.0).sin() * (y / 51.0).cos() + ((at * 2_654_435_761) >> 7 & 31) as f32
    };
    let original = Plane::new(w, h, (0..w * h).map(value).collect())?;
    type Marks = fn(&Plane, &ExportKey, &[u8], Limits) -> Result<Mark, FingerprintError>;
    let (whole, limits) = ("large".as_bytes(), Limits::default());
    for (name, mark) in [
        ("mark", mark as Marks),
        ("mark with a tile", mark_with_tile),
    ] {
        let best = Taken::best(5, || mark(&original, &key(1), whole, limits))?;
        println!("{name} 12 megapixels: {best} (best of 5)");
    }
    let prepared = Taken::best(3, || Reference::new(&original, limits))?;
    println!("prepare the original: {prepared} (best of 3)");
    let reference = Reference::new(&original, limits)?;
    for (name, mark) in [
        ("register", mark as Marks),
        ("register, with a tile,", mark_with_tile),
    ] {
        let leak = mark(&original, &key(1), whole, limits)?.apply(&original)?;
        let best = Taken::best(3, || reference.register(&leak, limits))?;
        println!("{name} 12 megapixels: {best} (best of 3)");
    }
    let leak = mark_with_tile(&original, &key(1), whole, limits)?.apply(&original)?;
    let look = Taken::best(1, || {
        let mut look = tile::look(&leak)?;
        look.ways.extend(tile::lay_upright(&leak)?);
        Ok(look.score(&[key(1)], whole))
    })?;
    println!("look for a tile in 12 megapixels, one key: {look}");
    let Some(registered) = reference.register(&leak, limits)? else {
        bail!("the untouched copy was not registered");
    };
    let keys: Vec<ExportKey> = (0..20_000).map(key).collect();
    let keys: Vec<&ExportKey> = keys.iter().collect();
    let start = Instant::now();
    let scores = registered.score(&keys, b"large");
    let took = start.elapsed().as_secs_f64();
    println!(
        "score {} copies over {} carriers: {took:.3} s, {:.0} copies a second; copy 1 has ln e = {:.0}",
        keys.len(),
        registered.carriers(),
        keys.len() as f64 / took,
        scores[1].ln()
    );
    Ok(())
}
