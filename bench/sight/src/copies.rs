//! What is left to be read in safe copies: by their pixels, and by another program that reads.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};
use liuhen_detect::Detector;
use liuhen_picture::{Limits, Picture, decode};
use liuhen_service::sight::{Hide, HideError, Looker};
use liuhen_testkit::pictures::{Field, Photo, Sort, cards};
use liuhen_vision::Quad;
use liuhen_vision::models::{Folder, Set};

use crate::truth::{ENOUGH, quad};

/// Painted pixels may be lighter than black by what JPEG does to them.
const DARK: u8 = 48;
/// Digits of a field in a row that count as read.
const RUN: usize = 4;

#[derive(Clone, Copy, Default)]
struct Tally {
    fields: u32,
    hidden: u32,
    digits: u32,
    read_before: u32,
    read_after: u32,
}

#[derive(Default)]
struct Left {
    kinds: BTreeMap<(Sort, String), Tally>,
    without: Vec<String>,
    looks: BTreeMap<u32, u32>,
    pictures: u32,
}

/// Makes the safe copy of each photograph, and prints what of each field is left in it.
pub(crate) fn measure(seed: u64, count: u64, models: &Path) -> Result<()> {
    let looker = Looker::open(&Folder::new(models), Set::Standard, 1)?;
    let photos = Mutex::new(cards(seed, count)?.enumerate());
    let left = Mutex::new(Left::default());
    let workers = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let Some((index, photo)) = locked(&photos).next() else {
                    return Ok(());
                };
                one(&looker, index, &photo, &left).with_context(|| format!("picture {index}"))?;
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(done) => done,
                Err(_) => bail!("a worker panicked"),
            })
    })?;
    locked(&left).show();
    Ok(())
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn one(looker: &Looker, index: usize, photo: &Photo, left: &Mutex<Left>) -> Result<()> {
    let copy = match looker.hide(&photo.bytes, Detector::builtin(), &Hide::default()) {
        Ok(copy) => copy,
        Err(error @ HideError::StillSeen(..)) => {
            let mut left = locked(left);
            left.pictures += 1;
            left.without
                .push(format!("{index} {}: {error}", photo.sort.name()));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let pixels = decode(&copy.bytes, &Limits::default())?;
    let (before, after) = (read(&photo.bytes)?, read(&copy.bytes)?);
    let mut left = locked(left);
    left.pictures += 1;
    *left.looks.entry(copy.looks).or_default() += 1;
    for field in &photo.fields {
        let hidden = field
            .places
            .iter()
            .all(|place| painted(&pixels, &quad(place)) >= ENOUGH);
        let kind = match field.code {
            true => format!("{} (code)", field.kind),
            false => field.kind.to_owned(),
        };
        let tally = left.kinds.entry((photo.sort, kind)).or_default();
        tally.fields += 1;
        tally.hidden += u32::from(hidden);
        if !field.code && !runs(&field.text).is_empty() {
            tally.digits += 1;
            tally.read_before += u32::from(is_read(field, &before));
            tally.read_after += u32::from(is_read(field, &after));
        }
        if !hidden || (!field.code && is_read(field, &after)) {
            eprintln!(
                "{index} {} {}: {} painted {:?}, read {}",
                photo.sort.name(),
                field.kind,
                field.text,
                field
                    .places
                    .iter()
                    .map(|place| painted(&pixels, &quad(place)))
                    .collect::<Vec<_>>(),
                is_read(field, &after)
            );
        }
    }
    if left.pictures.is_multiple_of(20) {
        eprintln!("{} pictures", left.pictures);
    }
    Ok(())
}

/// The share of a place that is dark now, by sixty points along and eight across.
fn painted(picture: &Picture, place: &Quad) -> f32 {
    const ALONG: u8 = 60;
    const ACROSS: u8 = 8;
    let [a, b, c, d] = place.0;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut dark = 0_u16;
    for column in 0..ALONG {
        let along = (f32::from(column) + 0.5) / f32::from(ALONG);
        let (top, low) = (a.between(b, along), d.between(c, along));
        for row in 0..ACROSS {
            let point = top.between(low, (f32::from(row) + 0.5) / f32::from(ACROSS));
            let (x, y) = (liuhen_vision::whole(point.x), liuhen_vision::whole(point.y));
            // What lies outside of the picture is not in it.
            let inside = x < width && y < height;
            let at = (y * width + x) * picture.channels();
            dark += u16::from(!inside || picture.pixels()[at..at + 3].iter().all(|c| *c < DARK));
        }
    }
    f32::from(dark) / (f32::from(ALONG) * f32::from(ACROSS))
}

/// All that Debian's tesseract reads in a picture, in Chinese and in Latin letters, without blanks.
fn read(picture: &[u8]) -> Result<String> {
    let words = ["stdin", "stdout", "-l", "chi_sim+eng", "--psm", "11"];
    let mut command = Command::new("tesseract");
    command.args(words).env("OMP_THREAD_LIMIT", "1");
    let mut reading = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("tesseract, with tesseract-ocr-chi-sim")?;
    let mut stdin = reading.stdin.take().context("no way into tesseract")?;
    let bytes = picture.to_owned();
    let writer = thread::spawn(move || stdin.write_all(&bytes));
    let out = reading.wait_with_output()?;
    match writer.join() {
        Ok(written) => written?,
        Err(_) => bail!("a writer panicked"),
    }
    if !out.status.success() {
        bail!("tesseract ended with {}", out.status);
    }
    let text = String::from_utf8_lossy(&out.stdout);
    Ok(text.chars().filter(|c| !c.is_whitespace()).collect())
}

/// Whether a few digits of a field, in a row, were read anywhere.
fn is_read(field: &Field, text: &str) -> bool {
    runs(&field.text)
        .iter()
        .any(|run| text.contains(run.as_str()))
}

/// All runs of [`RUN`] digits in a text, blanks between digits left out.
fn runs(text: &str) -> Vec<String> {
    let joined: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    joined
        .windows(RUN)
        .filter(|run| run.iter().all(char::is_ascii_digit))
        .map(|run| run.iter().collect())
        .collect()
}

impl Left {
    fn show(&self) {
        println!(
            "| picture | kind | fields | painted over | with {RUN} digits | tesseract reads {RUN} of them: before | after |"
        );
        println!("|---|---|--:|--:|--:|--:|--:|");
        let mut all = Tally::default();
        for ((sort, kind), tally) in &self.kinds {
            tally.show(sort.name(), kind);
            all.fields += tally.fields;
            all.hidden += tally.hidden;
            all.digits += tally.digits;
            all.read_before += tally.read_before;
            all.read_after += tally.read_after;
        }
        all.show("all", "");
        println!();
        println!(
            "{} pictures, looked at so often: {:?}; without a copy:",
            self.pictures, self.looks
        );
        for one in &self.without {
            println!("{one}");
        }
    }
}

impl Tally {
    fn show(&self, one: &str, two: &str) {
        println!(
            "| {one} | {two} | {} | {} ({:.1}%) | {} | {} | {} |",
            self.fields,
            self.hidden,
            100.0 * f64::from(self.hidden) / f64::from(self.fields.max(1)),
            self.digits,
            self.read_before,
            self.read_after,
        );
    }
}
