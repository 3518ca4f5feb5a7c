//! Faces of a folder of photographs, for a comparison with other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use liuhen_picture::{Limits, decode};
use liuhen_vision::models::{Folder, Set};
use liuhen_vision::{Eyes, Look, Verdict};

const FACES: Look = Look {
    words: false,
    faces: true,
    codes: false,
};

/// Prints a line of JSON for each picture: its faces as `[left, top, width, height, score]`, those that
/// could not be told apart, and the seconds from file to faces. The networks are loaded before.
pub(crate) fn list(pictures: &Path, models: &Path) -> Result<()> {
    let threads = std::thread::available_parallelism()?.get();
    let eyes = Eyes::new(Folder::new(models), Set::Standard, threads);
    eyes.ready(FACES)?;
    let mut paths: Vec<PathBuf> = fs::read_dir(pictures)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        let start = Instant::now();
        let told = || path.display().to_string();
        let picture = decode(&fs::read(&path)?, &Limits::default()).with_context(told)?;
        let sight = eyes.look(&picture, FACES).with_context(told)?;
        let took = start.elapsed().as_secs_f64();
        let boxes = |verdict: Verdict| -> Vec<[f32; 5]> {
            let faces = sight.faces.iter().filter(|face| face.verdict == verdict);
            let place = |area: &liuhen_vision::Area, score| {
                [area.left, area.top, area.width, area.height, score]
            };
            faces.map(|face| place(&face.area, face.score)).collect()
        };
        let line = serde_json::json!({
            "picture": path.file_name().map(|name| name.to_string_lossy()),
            "faces": boxes(Verdict::Face),
            "could_not_tell": boxes(Verdict::CouldNotTell),
            "seconds": took,
        });
        println!("{line}");
    }
    Ok(())
}
