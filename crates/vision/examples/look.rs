//! What pictures show, as JSON: `look MODELS PICTURE…`.
#![allow(clippy::print_stdout, reason = "an example speaks")]

use std::time::Instant;

use liuhen_picture::{Limits, decode};
use liuhen_vision::models::{Folder, Set};
use liuhen_vision::{Eyes, Look};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder of weights?")?;
    let eyes = Eyes::new(Folder::new(folder), Set::Standard, 2);
    for path in arguments {
        let picture = decode(&std::fs::read(&path)?, &Limits::default())?;
        for (name, words, faces, codes) in [
            ("everything", true, true, true),
            ("words", true, false, false),
            ("faces", false, true, false),
            ("codes", false, false, true),
        ] {
            let look = Look {
                words,
                faces,
                codes,
            };
            eyes.ready(look)?;
            let from = Instant::now();
            let sight = eyes.look(&picture, look)?;
            let took = from.elapsed().as_millis();
            println!("{path}: {name} in {took} ms, {} so far", most_memory());
            if name == "everything" {
                continue;
            }
            for line in &sight.words.lines {
                println!("  {:.2} {} {:?}", line.score, line.text, line.quad.bounds());
            }
            for face in &sight.faces {
                println!("  {:?} {:.2} {:?}", face.verdict, face.score, face.area);
            }
            for code in &sight.codes {
                println!("  {} {} {:?}", code.format, code.text, code.area);
            }
        }
    }
    Ok(())
}

/// The most memory this process has had, as Linux tells it.
fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
