//! What a screen's tile survives: pages, screens and attacks, and how many viewers are still found.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example tile_survives -- [trials] [part of a name]
//! ```
//!
//! Every trial draws a page, a viewer and the place of a crop; a viewer is found when the evidence
//! accuses among 100,000 viewer-days at ε = 10⁻⁶. Beside each, one innocent viewer is scored.

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::tile::rehearse::{Paper, Shot};
use liuhen_fingerprint::tile::{Tile, look};

/// Viewer-days examined together.
const VIEWER_DAYS: u64 = 100_000;

/// What happens to a screen's picture.
type Attack = fn(Shot, &mut Dice) -> Shot;

/// A row of the table: what is shown, on which screen, and what happens to its picture.
struct Row {
    name: &'static str,
    paper: Paper,
    ratio: f64,
    attack: Attack,
}

const fn row(name: &'static str, paper: Paper, ratio: f64, attack: Attack) -> Row {
    Row {
        name,
        paper,
        ratio,
        attack,
    }
}

/// A crop of the given size at a place drawn.
fn crop(shot: &Shot, width: usize, height: usize, dice: &mut Dice) -> Shot {
    shot.cropped(dice.below(500), dice.below(300), width, height)
}

const ROWS: &[Row] = &[
    row("screenshot, table", Paper::Table, 1.0, |s, _| s),
    row("screenshot, dense text", Paper::Dense, 1.0, |s, _| s),
    row("screenshot, dark table", Paper::Dark, 1.0, |s, _| s),
    row("screenshot 1.25×", Paper::Table, 1.25, |s, _| s),
    row("screenshot 1.5×", Paper::Table, 1.5, |s, _| s),
    row("screenshot 2×", Paper::Table, 2.0, |s, _| s),
    row("screenshot 3×", Paper::Table, 3.0, |s, _| s),
    row("crop 300 × 200, table", Paper::Table, 1.0, |s, d| {
        crop(&s, 300, 200, d)
    }),
    row("crop 300 × 200, dense text", Paper::Dense, 1.0, |s, d| {
        crop(&s, 300, 200, d)
    }),
    row("crop 200 × 150, table", Paper::Table, 1.0, |s, d| {
        crop(&s, 200, 150, d)
    }),
    row("crop 150 × 100, table", Paper::Table, 1.0, |s, d| {
        crop(&s, 150, 100, d)
    }),
    row("crop 100 × 80, table", Paper::Table, 1.0, |s, d| {
        crop(&s, 100, 80, d)
    }),
    row("JPEG 90", Paper::Table, 1.0, |s, _| s.jpeg(90)),
    row("JPEG 75", Paper::Table, 1.0, |s, _| s.jpeg(75)),
    row("JPEG 50", Paper::Table, 1.0, |s, _| s.jpeg(50)),
    row("JPEG 75, 2× screen", Paper::Table, 2.0, |s, _| s.jpeg(75)),
    row("half size, JPEG 85", Paper::Table, 1.0, |s, _| {
        s.scaled(0.5).jpeg(85)
    }),
    row("70% size", Paper::Table, 1.0, |s, _| s.scaled(0.7)),
    row("50% size", Paper::Table, 1.0, |s, _| s.scaled(0.5)),
    row("200% size", Paper::Table, 1.0, |s, _| s.scaled(2.0)),
    row("blur 1 px", Paper::Table, 1.0, |s, _| s.blurred(1.0)),
    row("blur 2 px", Paper::Table, 1.0, |s, _| s.blurred(2.0)),
    row("blur 3 px", Paper::Table, 1.0, |s, _| s.blurred(3.0)),
    row("noise 5", Paper::Table, 1.0, |s, d| s.noisy(5.0, d)),
    row("noise 15", Paper::Table, 1.0, |s, d| s.noisy(15.0, d)),
    row("darker, gamma 1.5", Paper::Table, 1.0, |s, _| {
        s.lit(1.5, 0.8)
    }),
    row("inverted", Paper::Table, 1.0, |s, _| s.inverted()),
    row("rotated 3°", Paper::Table, 1.0, |s, _| s.rotated(3.0)),
    row("rotated 15°", Paper::Table, 1.0, |s, _| s.rotated(15.0)),
    row("rotated 90°, dense text", Paper::Dense, 1.0, |s, _| {
        s.rotated(90.0)
    }),
    row("tilted 10%", Paper::Table, 1.0, |s, _| {
        s.tilted(0.1, 1_024, 768)
    }),
    row("tilted 25%", Paper::Table, 1.0, |s, _| {
        s.tilted(0.25, 1_024, 768)
    }),
    row("photo, table", Paper::Table, 1.0, |s, d| {
        s.photographed(0.1, 1.37, 3.0, d).jpeg(85)
    }),
    row("photo, dense text", Paper::Dense, 1.0, |s, d| {
        s.photographed(0.1, 1.37, 3.0, d).jpeg(85)
    }),
    row("photo of a 2× screen", Paper::Table, 2.0, |s, d| {
        s.photographed(0.1, 0.71, 3.0, d).jpeg(85)
    }),
    row(
        "photo, tilted 25%, turned 5°",
        Paper::Table,
        1.0,
        |s, d| s.photographed(0.25, 1.37, 3.0, d).rotated(5.0).jpeg(85),
    ),
    row(
        "photo, messenger (1,080 px, JPEG 75)",
        Paper::Table,
        1.0,
        |s, d| s.photographed(0.1, 1.37, 3.0, d).scaled(0.77).jpeg(75),
    ),
    row(
        "photo, coarse (0.7 px a px, noise 8)",
        Paper::Table,
        1.0,
        |s, d| s.photographed(0.1, 0.7, 8.0, d).jpeg(75),
    ),
];

/// Pictures that carry the tile themselves.
const PICTURES: &[Row] = &[
    row("picture, PNG", Paper::Picture, 1.0, |s, _| s),
    row("picture, JPEG 75", Paper::Picture, 1.0, |s, _| s.jpeg(75)),
    row("picture, JPEG 50", Paper::Picture, 1.0, |s, _| s.jpeg(50)),
    row("picture, half size", Paper::Picture, 1.0, |s, _| {
        s.scaled(0.5)
    }),
    row("picture, quarter of it", Paper::Picture, 1.0, |s, d| {
        crop(&s, 512, 384, d)
    }),
    row(
        "picture, rotated 5°, JPEG 75",
        Paper::Picture,
        1.0,
        |s, _| s.rotated(5.0).jpeg(75),
    ),
    row("picture, blur 1 px", Paper::Picture, 1.0, |s, _| {
        s.blurred(1.0)
    }),
];

#[expect(clippy::print_stdout, reason = "an example shows its table")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let wanted = arguments.next().unwrap_or_default();
    let threshold = Threshold::new(VIEWER_DAYS, Epsilon::DEFAULT)?;
    println!(
        "accused from {:.1} nats; {trials} trials a row",
        threshold.ln()
    );
    println!("| what | found | nats, median | least | innocent, most | s a look |");
    println!("|---|---|---|---|---|---|");
    for (rows, carries) in [(ROWS, false), (PICTURES, true)] {
        for row in rows.iter().filter(|row| row.name.contains(&wanted)) {
            let mut nats = Vec::new();
            let mut innocent = f64::NEG_INFINITY;
            let mut seconds = 0.0;
            for seed in 0..trials {
                let (own, other, took) = play(row, carries, seed)?;
                nats.push(own);
                innocent = innocent.max(other);
                seconds += took;
            }
            nats.sort_by(f64::total_cmp);
            let found = nats.iter().filter(|nats| **nats >= threshold.ln()).count();
            println!(
                "| {} | {found}/{trials} | {:.0} | {:.0} | {innocent:.1} | {:.1} |",
                row.name,
                nats[nats.len() / 2],
                nats[0],
                seconds / trials as f64,
            );
        }
    }
    speed(&mut Dice::new(1))
}

/// How long it takes to score all viewer-days, on one thread.
#[expect(clippy::print_stdout, reason = "an example shows its figures")]
fn speed(dice: &mut Dice) -> Result<(), Box<dyn std::error::Error>> {
    let keys: Vec<ExportKey> = (0..VIEWER_DAYS)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect();
    let tile = Tile::new(&keys[77], b"screen");
    let page = Shot::page(Paper::Table, 640, 480, 1.0, dice).under(&tile, 1.0, 1.0);
    let looked = look(&page.plane().ok_or("an empty picture")?)?;
    let begun = std::time::Instant::now();
    let scores = looked.score(&keys, b"screen");
    let seconds = begun.elapsed().as_secs_f64();
    let threshold = Threshold::new(VIEWER_DAYS, Epsilon::DEFAULT)?;
    let accused: Vec<usize> = (0..scores.len())
        .filter(|at| threshold.judge(scores[*at]).is_accused())
        .collect();
    println!(
        "{VIEWER_DAYS} viewer-days scored in {seconds:.1} s on one thread; accused: {accused:?}"
    );
    Ok(())
}

/// Evidence against the viewer and against an innocent one, and the seconds that the look took.
fn play(
    row: &Row,
    carries: bool,
    seed: u64,
) -> Result<(f64, f64, f64), Box<dyn std::error::Error>> {
    let mut dice = Dice::new(seed);
    let keys = [dice.bytes(), dice.bytes()].map(ExportKey::from_secret);
    let tile = Tile::new(&keys[0], b"screen");
    let page = Shot::page(row.paper, 1_024, 768, row.ratio, &mut dice);
    let shown = if carries {
        page.carrying(&tile)
    } else {
        let opacity = if row.paper == Paper::Dark { 0.5 } else { 1.0 };
        page.under(&tile, row.ratio, opacity)
    };
    let leak = (row.attack)(shown, &mut dice)
        .plane()
        .ok_or("an empty picture")?;
    let begun = std::time::Instant::now();
    let scores = look(&leak)?.score(&keys, b"screen");
    Ok((
        scores[0].ln(),
        scores[1].ln(),
        begun.elapsed().as_secs_f64(),
    ))
}
