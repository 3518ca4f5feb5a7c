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
            println!("{path}: {name} in {} ms", from.elapsed().as_millis());
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
