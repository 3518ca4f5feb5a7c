//! Films, of which an installed ffmpeg takes frames out.
//!
//! `LIUHEN_MODELS` names the folder of weights. Without it, ffmpeg or a font the test says SKIP, unless
//! `LIUHEN_REQUIRE_MODELS` is set.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Encoding, Font, Picture, encode};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");
const TEXT: &str = "联系电话：15498765432";

fn skip(why: &str) {
    assert!(std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(), "{why}");
    let _unheard = writeln!(std::io::stderr(), "SKIP {why}");
}

fn page(font: &Font, text: &str) -> Vec<u8> {
    let mut pen = Pen::new(font, 36.0).unwrap();
    let mut page = Raster::new(800, 400, 235).unwrap();
    page.line(&mut pen, text, (60.0, 200.0), 25);
    let picture = Picture::from_grey(800, 400, page.pixels()).unwrap();
    encode(&picture, Encoding::Png).unwrap()
}

/// Two seconds of an empty page, then two of one with a number.
fn film(dir: &Path, font: &Font, name: &str) {
    fs::write(dir.join("1.png"), page(font, "")).unwrap();
    fs::write(dir.join("2.png"), page(font, TEXT)).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    for page in ["1.png", "2.png"] {
        command.args(["-loop", "1", "-framerate", "5", "-t", "2", "-i", page]);
    }
    command.args([
        "-filter_complex",
        "concat=n=2:v=1",
        "-pix_fmt",
        "yuv420p",
        name,
    ]);
    let made = command.current_dir(dir).output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

fn scan(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command
        .arg("scan")
        .args(args)
        .arg("--json")
        .current_dir(dir);
    command
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_a_film_shows_is_found_with_its_moment() {
    if std::env::var_os("LIUHEN_MODELS").is_none() {
        return skip("LIUHEN_MODELS is not set");
    }
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        return skip("no ffmpeg here");
    }
    let Ok(font) = Font::find(None, TEXT) else {
        return skip("no font with Chinese letters here");
    };
    let world = tempfile::tempdir().unwrap();
    let dir = world.path();
    for name in ["a.mp4", "b.mkv", "c.avi"] {
        film(dir, &font, name);
        let told = lines(&scan(dir, &[name, "--video", "2", "--kinds", "mobile"]));
        let found: Vec<&str> = told
            .iter()
            .filter_map(|line| line["locator"].as_str())
            .collect();
        assert_eq!(found.len(), 1, "{name}: {told:?}");
        assert!(found[0].starts_with("at 0:00:03.0, "), "{name}: {found:?}");
        assert!(!format!("{told:?}").contains("15498765432"), "{name}");
    }

    // Left alone without being asked for, and told.
    let told = format!("{:?}", lines(&scan(dir, &["a.mp4"])));
    assert!(told.contains("format_not_read"), "{told}");

    // Cut short, and a list of other files under a film's name: told, and nothing else is read.
    let whole = fs::read(dir.join("b.mkv")).unwrap();
    fs::write(
        dir.join("cut.mp4"),
        &fs::read(dir.join("a.mp4")).unwrap()[..600],
    )
    .unwrap();
    let mut list = whole[..4].to_vec();
    list.extend_from_slice(b"ffconcat version 1.0\nfile 'a.mp4'\n");
    fs::write(dir.join("list.mkv"), list).unwrap();
    for name in ["cut.mp4", "list.mkv"] {
        let output = scan(dir, &[name, "--video", "2"]);
        let told = format!("{:?}", lines(&output));
        assert!(
            told.contains("damaged") || told.contains("format_not_read"),
            "{name}: {told}"
        );
        assert!(!told.contains("locator"), "{name}: {told}");
    }
}
