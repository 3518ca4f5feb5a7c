//! Films, of which an installed ffmpeg takes frames out, by themselves and within archives and mail.
//!
//! `LIUHEN_MODELS` names the folder of weights. Without it, ffmpeg or a font most tests say SKIP, unless
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
    liuhen(dir, "scan", args)
}

fn liuhen(dir: &Path, verb: &str, args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.arg(verb).args(args).arg("--json").current_dir(dir);
    let held = dir.join("held");
    fs::create_dir_all(&held).unwrap();
    command
        .env("LANG", "C.UTF-8")
        .env("TMPDIR", held)
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

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn mail(name: &str, bytes: &[u8]) -> String {
    let encoded = data_encoding::BASE64_MIME.encode(bytes);
    format!(
        "MIME-Version: 1.0\r\nSubject: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: video/mp4\r\nContent-Disposition: attachment; filename={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    )
}

/// What is needed, or that it is not there.
fn ready() -> Option<Font> {
    if std::env::var_os("LIUHEN_MODELS").is_none() {
        skip("LIUHEN_MODELS is not set");
        return None;
    }
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        skip("no ffmpeg here");
        return None;
    }
    let font = Font::find(None, TEXT).ok();
    if font.is_none() {
        skip("no font with Chinese letters here");
    }
    font
}

#[test]
fn what_a_film_within_an_archive_shows_is_found() {
    let Some(font) = ready() else { return };
    let world = tempfile::tempdir().unwrap();
    let dir = world.path();
    film(dir, &font, "a.mp4");
    let bytes = fs::read(dir.join("a.mp4")).unwrap();
    let inner = zipped(&[("a.mp4", &bytes)]);
    fs::write(dir.join("a.zip"), zipped(&[("b/inner.zip", &inner)])).unwrap();
    fs::write(dir.join("a.eml"), mail("a.mp4", &bytes)).unwrap();
    for name in ["a.zip", "a.eml"] {
        let told = lines(&scan(dir, &[name, "--video", "2", "--kinds", "mobile"]));
        let found: Vec<&Value> = told
            .iter()
            .filter(|line| line["locator"].is_string())
            .collect();
        assert_eq!(found.len(), 1, "{name}: {told:?}");
        let locator = found[0]["locator"].as_str().unwrap();
        assert!(locator.starts_with("at 0:00:03.0, "), "{name}: {locator}");
        assert!(
            format!("{}", found[0]).contains("a.mp4"),
            "{name}: {told:?}"
        );
        assert!(!format!("{told:?}").contains("15498765432"), "{name}");

        let told = format!("{:?}", lines(&scan(dir, &[name])));
        assert!(told.contains("format_not_read"), "{name}: {told}");
    }

    // Cut short, and more than one file may unpack to: told, and nothing stays behind.
    let cut = zipped(&[("cut.mp4", &bytes[..600]), ("a.mp4", &bytes)]);
    fs::write(dir.join("cut.zip"), cut).unwrap();
    let told = lines(&scan(
        dir,
        &["cut.zip", "--video", "2", "--kinds", "mobile"],
    ));
    assert!(format!("{told:?}").contains("damaged"), "{told:?}");
    let found = told.iter().filter(|line| line["locator"].is_string());
    assert_eq!(found.count(), 1, "{told:?}");
    let most = (bytes.len() / 2).to_string();
    let bounded = ["a.zip", "--video", "2", "--max-unpacked", &most];
    let told = format!("{:?}", lines(&scan(dir, &bounded)));
    assert!(!told.contains("locator"), "{told}");
    assert!(told.contains("bound_met"), "{told}");
    let left: Vec<_> = fs::read_dir(dir.join("held")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_count_tells_films_as_not_read() {
    let world = tempfile::tempdir().unwrap();
    let dir = world.path();
    // What every MP4 begins with.
    let mut film = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    film.extend([0, 0, 0, 8, b'f', b'r', b'e', b'e']);
    fs::create_dir(dir.join("seized")).unwrap();
    fs::write(dir.join("seized/a.mp4"), &film).unwrap();
    fs::write(dir.join("seized/b.zip"), zipped(&[("c.mp4", &film)])).unwrap();
    let output = liuhen(dir, "count", &["seized"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = told.to_string();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(
        told["files"][0]["unread"]["code"], "format_not_read",
        "{said}"
    );
    assert_eq!(
        told["files"][1]["unread_parts"][0]["code"], "format_not_read",
        "{said}"
    );
}

#[test]
fn what_a_film_shows_is_found_with_its_moment() {
    let Some(font) = ready() else { return };
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
