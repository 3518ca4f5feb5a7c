//! A real browser shows a page beneath a tile; its screenshots are led back.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example tile_in_browser -- FOLDER [chromium]
//! ```
//!
//! Writes `tile.png` and `page.html` into FOLDER, takes screenshots there with Chromium at several
//! device pixel ratios, light and dark, and scores the viewer among 1,000.

#![expect(
    clippy::cast_possible_truncation,
    reason = "pixels and grey levels, both small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::tile::{Tile, css, look};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Viewer-days examined together, and those really scored.
const VIEWER_DAYS: u64 = 100_000;
const SCORED: usize = 1_000;

#[expect(clippy::print_stdout, reason = "an example shows its table")]
fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let chromium = arguments.next().unwrap_or_else(|| "chromium".to_owned());
    let mut dice = Dice::new(20_261_122);
    let keys: Vec<ExportKey> = (0..SCORED)
        .map(|_| ExportKey::from_secret(dice.bytes()))
        .collect();
    write_page(&folder, &Tile::new(&keys[0], b"screen"))?;
    let threshold = Threshold::new(VIEWER_DAYS, Epsilon::DEFAULT)?.ln();
    println!("accused from {threshold:.1} nats");
    println!(
        "| screenshot | pixels | the viewer, nats | the highest other | darkest and brightest paper |"
    );
    println!("|---|---|---|---|---|");
    for dark in [false, true] {
        for ratio in ["1", "1.25", "1.5", "2", "3"] {
            let whole = screenshot(&chromium, &folder, ratio, dark)?;
            for (name, shot) in [
                ("whole", whole.clone()),
                ("300 × 200 CSS px", piece(&whole, ratio)?),
            ] {
                let scores = look(&shot)?.score(&keys, b"screen");
                let other = scores[1..].iter().map(|s| s.ln()).fold(f64::MIN, f64::max);
                println!(
                    "| {}, {ratio}×, {name} | {} × {} | {:.0} | {other:.1} | {:?} |",
                    if dark { "dark" } else { "light" },
                    shot.width(),
                    shot.height(),
                    scores[0].ln(),
                    paper(&shot),
                );
            }
        }
    }
    Ok(())
}

/// A page like the console's, with the rule that the console serves.
fn write_page(folder: &Path, tile: &Tile) -> Outcome<()> {
    std::fs::write(folder.join("tile.png"), tile.grey_alpha().png())?;
    let row = |i: u32| {
        format!(
            "<tr><td>{i}</td><td>某某某</td><td>138****{:04}</td><td>某省某市某区某路{i}号</td><td>reply to a complaint</td></tr>",
            i * 37 % 10_000
        )
    };
    let rows: String = (1..60).map(row).collect();
    let page = format!(
        "<!doctype html><meta charset=utf-8><style>
:root {{ color-scheme: light dark; --paper: #fff; --ink: #17212b; --line: #dbe1e6 }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #161d23; --ink: #e4eaef; --line: #2a353f }} }}
body {{ margin: 1rem; background: var(--paper); color: var(--ink); font: 15px/1.6 sans-serif }}
table {{ border-collapse: collapse; width: 100% }} td {{ border-bottom: 1px solid var(--line); padding: .4rem }}
{}</style><h1>Who looked</h1><table>{rows}</table>",
        css("tile.png")
    );
    Ok(std::fs::write(folder.join("page.html"), page)?)
}

/// What the browser shows, as brightness.
fn screenshot(chromium: &str, folder: &Path, ratio: &str, dark: bool) -> Outcome<Plane> {
    let file = folder.join("shot.png");
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--disable-gpu",
    ]);
    command.arg("--window-size=1024,768");
    command.arg(format!("--force-device-scale-factor={ratio}"));
    command.arg(format!(
        "--user-data-dir={}",
        folder.join("profile").display()
    ));
    command.arg(format!("--screenshot={}", file.display()));
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    command.arg(format!("file://{}", folder.join("page.html").display()));
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the browser failed".into());
    }
    let image = image::open(&file)?.to_luma32f();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let data = image.into_raw().iter().map(|v| v * 255.0).collect();
    Ok(Plane::new(width, height, data)?)
}

/// A part from the middle of the page.
fn piece(plane: &Plane, ratio: &str) -> Outcome<Plane> {
    let ratio: f64 = ratio.parse()?;
    let scaled = |length: f64| (length * ratio).round() as usize;
    let (width, height) = (scaled(300.0), scaled(200.0));
    let row = |y: usize| {
        let begin = (scaled(250.0) + y) * plane.width() + scaled(333.0);
        &plane.values()[begin..begin + width]
    };
    let data = (0..height).flat_map(row).copied().collect();
    Ok(Plane::new(width, height, data)?)
}

/// The 30th and 60th percentile of brightness: about what the tile does to the paper.
fn paper(plane: &Plane) -> (i32, i32) {
    let mut values = plane.values().to_vec();
    values.sort_by(f32::total_cmp);
    let at = |share: usize| values[values.len() * share / 100].round() as i32;
    (at(30), at(60))
}
