//! What a glimpse costs, and how many pictures it would have looked at closely.
//!
//! ```text
//! cargo run --release -p liuhen-vision --example glimpse -- MODELS FOLDER...
//! ```

#![expect(clippy::print_stdout, reason = "an example that prints its table")]

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use liuhen_picture::{Limits, decode, dimensions};
use liuhen_vision::Eyes;
use liuhen_vision::models::{Folder, Set};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (models, folders) = words.split_first().ok_or("say: glimpse MODELS FOLDER...")?;
    let eyes = Eyes::new(Folder::new(models), Set::Standard, 1);
    println!(
        "| pictures of | number | megapixels, median | header, ms | decoding, ms | glimpse, ms | slowest, ms | a second glance | looked at |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for folder in folders {
        let (mut pixels, mut looked, mut second) = (Vec::new(), 0, 0);
        let mut times: [Vec<Duration>; 3] = Default::default();
        for entry in fs::read_dir(folder)? {
            let Ok(bytes) = fs::read(entry?.path()) else {
                continue;
            };
            let begun = Instant::now();
            let Ok((width, height)) = dimensions(&bytes) else {
                continue;
            };
            let header = begun.elapsed();
            if Eyes::is_too_small(width, height)? {
                continue;
            }
            let begun = Instant::now();
            let Ok(picture) = decode(&bytes, &Limits::default()) else {
                continue;
            };
            let decoded = begun.elapsed();
            let begun = Instant::now();
            let glimpse = eyes.glimpse(&picture)?;
            let seen = begun.elapsed();
            for (all, time) in times.iter_mut().zip([header, decoded, seen]) {
                all.push(time);
            }
            pixels.push(u64::from(width) * u64::from(height));
            second += u32::from(glimpse.is_second);
            looked += u32::from(glimpse.is_worth_a_look);
        }
        pixels.sort_unstable();
        let size = pixels.get(pixels.len() / 2).copied().unwrap_or(0);
        let slowest = times[2].iter().skip(1).max().copied().unwrap_or_default();
        let [header, decoded, seen] = times.map(|mut all| {
            all.sort();
            all.get(all.len() / 2).copied().unwrap_or_default()
        });
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "| {folder} | {} | {:.2} | {:.2} | {:.1} | {:.1} | {:.0} | {second} | {looked} |",
            pixels.len(),
            size as f64 / 1e6,
            ms(header),
            ms(decoded),
            ms(seen),
            ms(slowest),
        );
    }
    Ok(())
}
