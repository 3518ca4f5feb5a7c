//! How much of what documents show about people is found in photographs of them.
//!
//! ```text
//! cargo run --release -p liuhen-bench-sight -- cards N MODELS [SEED]   # tables as Markdown
//! cargo run --release -p liuhen-bench-sight -- why N MODELS [SEED]     # the same, and the commonest reasons for misses
//! cargo run --release -p liuhen-bench-sight -- copies N MODELS [SEED]  # what is left in safe copies, by pixels and by tesseract
//! cargo run --release -p liuhen-bench-sight -- draw N FOLDER [SEED]    # the photographs themselves
//! cargo run --release -p liuhen-bench-sight -- faces-of FOLDER MODELS   # faces of photographs, as JSON, for bench/peers/pictures_by_others.py
//! cargo run --release -p liuhen-bench-sight -- faces PORTRAITS MODELS  # templates of faces: what they cost, what a thief has
//! cargo run --release -p liuhen-bench-sight -- triage N MODELS [SEED] FOLDER...  # what `scan --triage` passes over
//! ```
//!
//! The photographs are those of `liuhen_testkit::pictures`, of people who do not exist, and what is
//! measured is `liuhen_service::sight::Looker::see`. A field counts as found when findings of any
//! kind cover at least nine tenths of each of its lines.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints its tables, and how it goes"
)]

mod copies;
mod faces;
mod portraits;
mod reason;
mod triage;
mod truth;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use liuhen_detect::Detector;
use liuhen_service::sight::{Looker, Seen};
use liuhen_testkit::pictures::{Photo, Sort, cards};
use liuhen_vision::models::{Folder, Set};
use liuhen_vision::{Eyes, Look};

use truth::{Outcome, hidden, judge, strays};

/// The seed of the figures in `docs`.
const SEED: u64 = 7;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["faces", portraits, models] = words.as_slice() {
        return faces::measure(Path::new(portraits), Path::new(models));
    }
    if let ["faces-of", pictures, models] = words.as_slice() {
        return portraits::list(Path::new(pictures), Path::new(models));
    }
    if let ["triage", count, models, rest @ ..] = words.as_slice() {
        let (seed, folders) = match rest {
            [seed, folders @ ..] if seed.parse::<u64>().is_ok() => (seed.parse()?, folders),
            folders => (SEED, folders),
        };
        return triage::measure(count.parse()?, seed, Path::new(models), folders);
    }
    let (verb, count, folder, seed) = match words.as_slice() {
        [verb, count, folder] => (*verb, count.parse()?, Path::new(folder), SEED),
        [verb, count, folder, seed] => (*verb, count.parse()?, Path::new(folder), seed.parse()?),
        _ => bail!(
            "say: cards N MODELS [SEED], why N MODELS [SEED], copies N MODELS [SEED], draw N FOLDER [SEED], faces-of FOLDER MODELS, faces PORTRAITS MODELS or triage N MODELS [SEED] FOLDER..."
        ),
    };
    match verb {
        "cards" => measure(seed, count, folder, false),
        "why" => measure(seed, count, folder, true),
        "copies" => copies::measure(seed, count, folder),
        "draw" => draw(seed, count, folder),
        _ => bail!("say: cards, why, copies or draw"),
    }
}

/// Writes photographs, and their truth as JSON beside them.
fn draw(seed: u64, count: u64, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let start = Instant::now();
    for (index, photo) in cards(seed, count)?.enumerate() {
        let name = format!("{index:03}-{}", photo.sort.name().replace([' ', ','], "-"));
        fs::write(folder.join(format!("{name}.jpg")), &photo.bytes)?;
        let fields: Vec<_> = photo
            .fields
            .iter()
            .map(|field| {
                serde_json::json!({
                    "kind": field.kind, "text": field.text, "places": field.places,
                    "code": field.code, "glare": field.glare,
                })
            })
            .collect();
        let truth = serde_json::json!({
            "width": photo.width, "height": photo.height, "fields": fields,
            "spoilt": format!("{:?}", photo.spoilt),
        });
        fs::write(folder.join(format!("{name}.json")), truth.to_string())?;
    }
    println!("{count} pictures in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// What became of the fields of one row of the table.
#[derive(Clone, Copy, Default)]
struct Tally {
    fields: u32,
    found: u32,
    line: u32,
    hidden: u32,
}

impl Tally {
    fn count(&mut self, outcome: Outcome, hidden: bool) {
        self.fields += 1;
        self.hidden += u32::from(hidden);
        match outcome {
            Outcome::Found => self.found += 1,
            Outcome::Line => self.line += 1,
            Outcome::Nothing => {}
        }
    }

    fn show(&self, one: &str, two: &str) {
        let missed = self.fields - self.found - self.line;
        println!(
            "| {one} | {two} | {} | {} | {} | {} | {} |",
            self.fields,
            self.share(self.found),
            self.share(self.line),
            self.share(missed),
            self.share(self.hidden),
        );
    }

    fn share(&self, part: u32) -> String {
        format!(
            "{part} ({:.1}%)",
            100.0 * f64::from(part) / f64::from(self.fields.max(1))
        )
    }
}

/// What became of the pictures of one sort.
#[derive(Default)]
struct Pictures {
    count: u32,
    whole: u32,
    strays: u32,
    times: Vec<Duration>,
}

#[derive(Default)]
struct Tables {
    kinds: BTreeMap<(Sort, String), Tally>,
    sorts: BTreeMap<Sort, Pictures>,
    glare: [Tally; 3],
    strays: BTreeMap<String, u32>,
    reasons: BTreeMap<String, u32>,
}

fn measure(seed: u64, count: u64, models: &Path, why: bool) -> Result<()> {
    let folder = Folder::new(models);
    let looker = Looker::open(&folder, Set::Standard, 1)?;
    let eyes = Eyes::new(folder, Set::Standard, 1);
    let mut tables = Tables::default();
    for (index, photo) in cards(seed, count)?.enumerate() {
        let start = Instant::now();
        let seen = looker
            .see(&photo.bytes, Detector::builtin())
            .with_context(|| format!("picture {index}"))?;
        let took = start.elapsed();
        let missed = tables.add(&photo, &seen, took);
        if why && !missed.is_empty() {
            let words = Look {
                words: true,
                faces: false,
                codes: false,
            };
            let sight = eyes.look(&seen.picture, words)?;
            for field in missed {
                let reason = reason::of(&photo.fields[field], &seen, &sight.words);
                let field = &photo.fields[field];
                eprintln!(
                    "{index} {:?} {}: {} {reason:?}",
                    photo.sort, field.kind, field.text
                );
                *tables
                    .reasons
                    .entry(format!("{}: {}", field.kind, reason.why))
                    .or_default() += 1;
            }
        }
        if index % 20 == 19 {
            eprintln!("{} of {count}", index + 1);
        }
    }
    tables.show();
    Ok(())
}

impl Tables {
    /// Counts a picture and answers with the places of its fields that were missed.
    fn add(&mut self, photo: &Photo, seen: &Seen, took: Duration) -> Vec<usize> {
        let mut missed = Vec::new();
        for (index, field) in photo.fields.iter().enumerate() {
            let (outcome, hidden) = (judge(field, seen), hidden(field, seen));
            if outcome != Outcome::Found {
                missed.push(index);
            }
            let kind = if field.code {
                format!("{} (code)", field.kind)
            } else {
                field.kind.to_owned()
            };
            self.kinds
                .entry((photo.sort, kind))
                .or_default()
                .count(outcome, hidden);
            let glare = match field.glare {
                ..0.1 => 0,
                0.1..0.4 => 1,
                _ => 2,
            };
            self.glare[glare].count(outcome, hidden);
        }
        let pictures = self.sorts.entry(photo.sort).or_default();
        pictures.count += 1;
        pictures.whole += u32::from(missed.is_empty());
        pictures.times.push(took);
        for kind in strays(photo, seen) {
            pictures.strays += 1;
            *self
                .strays
                .entry(format!("{}: {kind}", photo.sort.name()))
                .or_default() += 1;
        }
        missed
    }

    fn show(&mut self) {
        println!(
            "| picture | kind | fields | found | only as a line | not at all | painted over |"
        );
        println!("|---|---|--:|--:|--:|--:|--:|");
        let mut all = Tally::default();
        for ((sort, kind), tally) in &self.kinds {
            tally.show(sort.name(), kind);
            all.fields += tally.fields;
            all.found += tally.found;
            all.line += tally.line;
            all.hidden += tally.hidden;
        }
        all.show("all", "");
        for (name, tally) in ["below 10%", "10 to 40%", "above 40%"]
            .iter()
            .zip(&self.glare)
        {
            tally.show("all, under glare of", name);
        }
        println!();
        println!(
            "| picture | pictures | with every field found | false findings a picture | median s | slowest s |"
        );
        println!("|---|--:|--:|--:|--:|--:|");
        for (sort, pictures) in &mut self.sorts {
            pictures.times.sort();
            let at = |index: usize| pictures.times[index].as_secs_f64();
            println!(
                "| {} | {} | {} | {:.2} | {:.2} | {:.2} |",
                sort.name(),
                pictures.count,
                pictures.whole,
                f64::from(pictures.strays) / f64::from(pictures.count),
                at(pictures.times.len() / 2),
                at(pictures.times.len() - 1),
            );
        }
        ranking("false finding", &self.strays);
        ranking("reason for a miss", &self.reasons);
    }
}

/// The commonest first.
fn ranking(title: &str, counts: &BTreeMap<String, u32>) {
    if counts.is_empty() {
        return;
    }
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    println!("\n| {title} | count |\n|---|--:|");
    for (name, count) in counts.into_iter().take(20) {
        println!("| {name} | {count} |");
    }
}
