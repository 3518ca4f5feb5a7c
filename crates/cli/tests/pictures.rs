//! Pictures and PDF as a user brings them: looked at, checked, hidden.
//!
//! `LIUHEN_MODELS` names the folder of weights; without it most tests say SKIP, unless
//! `LIUHEN_REQUIRE_MODELS` is set.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Encoding, Font, Picture, encode};
use liuhen_testkit::pdf::{Leaf, document};
use serde_json::Value;
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");
const NAME: &str = "周晓燕";
const MOBILE: &str = "15412345678";
const ID: &str = "440308199902038818";
const LINES: [&str; 4] = [
    "入学登记表",
    "姓名：周晓燕",
    "联系电话：15412345678",
    "身份证号：440308199902038818",
];

fn models() -> Option<PathBuf> {
    let found = std::env::var_os("LIUHEN_MODELS").filter(|value| !value.is_empty());
    if found.is_none() {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS is not set"
        );
        let _unheard = writeln!(std::io::stderr(), "SKIP LIUHEN_MODELS is not set");
    }
    found.map(PathBuf::from)
}

fn run(dir: &TempDir, models: &Path, args: &[&str]) -> Output {
    let output = Command::new(BIN)
        .args(args)
        .current_dir(dir.path())
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LIUHEN_MODELS", models)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        for value in [NAME, MOBILE, ID] {
            assert!(!text.contains(value), "a value is shown");
        }
    }
    output
}

#[track_caller]
fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A form as it is photographed: dark letters on grey.
fn form() -> Option<Picture> {
    let Ok(font) = Font::find(None, &LINES.concat()) else {
        let _unheard = writeln!(std::io::stderr(), "SKIP no font with Chinese letters here");
        return None;
    };
    let mut pen = Pen::new(&font, 34.0).unwrap();
    let mut page = Raster::new(900, 420, 235).unwrap();
    for (index, line) in LINES.iter().enumerate() {
        page.line(&mut pen, line, (60.0, 90.0 + 80.0 * index as f32), 25);
    }
    Some(Picture::from_grey(900, 420, page.pixels()).unwrap())
}

fn kinds(json: &str) -> Vec<String> {
    let mut kinds: Vec<String> = json
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|line| line["kind"].as_str().map(str::to_owned))
        .collect();
    kinds.sort();
    kinds
}

#[test]
fn models_are_taken_from_a_folder_and_another_file_is_never_used() {
    let Some(models) = models() else { return };
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("own");
    let from = models.to_str().unwrap();
    let to = own.to_str().unwrap();
    let json = done(&run(
        &dir,
        &models,
        &[
            "models", "install", "--from", from, "--models", to, "--json",
        ],
    ));
    let rows: Value = serde_json::from_str(&json).unwrap();
    let standard = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["set"] == "standard");
    for row in standard {
        assert_eq!(row["state"], "installed", "{}", row["job"]);
        assert!(!row["licence"].as_str().unwrap().is_empty());
    }
    // One byte of one file is another.
    let file = own.join("centerface.onnx");
    let mut bytes = fs::read(&file).unwrap();
    bytes[5000] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert_eq!(run(&dir, &own, &["models"]).status.code(), Some(5));
    fs::write(
        dir.path().join("a.png"),
        encode(&Picture::blank(90, 90, [9; 3]).unwrap(), Encoding::Png).unwrap(),
    )
    .unwrap();
    let refused = run(&dir, &own, &["check", "a.png"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("SHA-256"));
}

#[test]
fn without_models_the_command_that_fetches_them_is_named() {
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    let picture = encode(&Picture::blank(90, 90, [9; 3]).unwrap(), Encoding::Png).unwrap();
    fs::write(dir.path().join("a.png"), picture).unwrap();
    let check = run(&dir, &none, &["check", "a.png"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stderr).contains("liuhen models install"));
    let redact = run(&dir, &none, &["redact", "a.png", "-o", "b.png"]);
    assert_eq!(redact.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&redact.stderr).contains("liuhen models install"));
    // A scan goes on, and says that it did not look, also within an archive and on a page.
    let picture = Picture::blank(90, 90, [9; 3]).unwrap();
    let jpeg = encode(&picture, Encoding::Jpeg { quality: 80 }).unwrap();
    let page = document(&[Leaf::Picture(&jpeg, 90, 90)]);
    fs::write(dir.path().join("c.pdf"), &page).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(dir.path().join("d.zip")).unwrap());
    for (name, bytes) in [("1.jpg", &jpeg), ("2.pdf", &page)] {
        let plain = zip::write::SimpleFileOptions::default();
        zip.start_file(name, plain).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    for (file, what, times) in [
        ("a.png", "a PNG picture", 1),
        ("c.pdf", "a picture of a page", 1),
        ("d.zip", "picture", 2),
    ] {
        let scan = done(&run(&dir, &none, &["scan", file]));
        assert!(
            scan.contains(&format!("not read: {what}")) || times > 1,
            "{scan}"
        );
        assert_eq!(
            scan.matches("liuhen models install").count(),
            times,
            "{scan}"
        );
        let closed = done(&run(&dir, &none, &["scan", file, "--no-pictures"]));
        assert!(!closed.contains("models install"), "{closed}");
    }
}

#[test]
fn a_form_is_found_in_picture_archive_and_pdf() {
    let (Some(models), Some(form)) = (models(), form()) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let jpeg = encode(&form, Encoding::Jpeg { quality: 80 }).unwrap();
    fs::write(dir.path().join("form.jpg"), &jpeg).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(dir.path().join("forms.zip")).unwrap());
    zip.start_file("inner/1.jpg", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&jpeg).unwrap();
    zip.finish().unwrap();
    let page = document(&[Leaf::Picture(&jpeg, 900, 420)]);
    fs::write(dir.path().join("form.pdf"), page).unwrap();
    for file in ["form.jpg", "forms.zip", "form.pdf"] {
        let found = done(&run(&dir, &models, &["scan", file, "--json"]));
        assert_eq!(
            kinds(&found),
            ["mobile", "person_name", "resident_id"],
            "{file}"
        );
        assert!(found.contains("picture, "), "{file}: no box");
    }
    let none = done(&run(
        &dir,
        &models,
        &["scan", "form.jpg", "--json", "--no-pictures"],
    ));
    assert!(kinds(&none).is_empty());
}

#[test]
fn of_many_pictures_those_that_may_be_documents_are_looked_at_and_the_others_counted() {
    let (Some(models), Some(form)) = (models(), form()) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let many = dir.path().join("many");
    fs::create_dir(&many).unwrap();
    let put = |name: &str, picture: &Picture| {
        fs::write(many.join(name), encode(picture, Encoding::Png).unwrap()).unwrap();
    };
    put("form.png", &form);
    put("form-again.png", &form);
    put("icon.png", &Picture::blank(48, 48, [9; 3]).unwrap());
    put(
        "sky.png",
        &Picture::blank(900, 600, [120, 160, 220]).unwrap(),
    );
    // Its name says that it should be looked at, whatever it seems to show.
    let named = Picture::blank(700, 500, [250; 3]).unwrap();
    put("身份证正面.png", &named);
    let run = |more: &[&str]| {
        let words = [&["scan", "many", "--json"], more].concat();
        done(&run(&dir, &models, &words))
    };
    let told = run(&["--triage", "--jobs", "2"]);
    let summary: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(
        summary["summary"]["pictures"],
        serde_json::json!({
            "looked_at": 2, "repeated": 1, "passed_over": { "small": 1, "unlikely": 1 },
        })
    );
    let found = kinds(&told);
    assert_eq!(
        found.len(),
        6,
        "three kinds in each of two equal forms: {found:?}"
    );
    assert_eq!(found, kinds(&run(&[])), "a full scan finds no more");
    let both = Command::new(BIN)
        .args(["scan", "many", "--triage", "--no-pictures"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_safe_copy_gives_nothing_away_and_the_frame_shows_what_did() {
    let (Some(models), Some(form)) = (models(), form()) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    // Under what is transparent the letters are still there.
    let clear: Vec<u8> = form
        .pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .enumerate()
        .flat_map(|(at, pixel)| {
            [
                pixel[0],
                pixel[1],
                pixel[2],
                if at < 900 * 200 { 255 } else { 0 },
            ]
        })
        .collect();
    let clear = Picture::rgba(900, 420, clear).unwrap();
    fs::write(
        dir.path().join("clear.png"),
        encode(&clear, Encoding::Png).unwrap(),
    )
    .unwrap();
    fs::write(
        dir.path().join("form.png"),
        encode(&form, Encoding::Png).unwrap(),
    )
    .unwrap();
    for (from, to) in [
        ("form.png", "form-safe.png"),
        ("clear.png", "clear-safe.png"),
    ] {
        let told = done(&run(
            &dir,
            &models,
            &["check", from, "--safe", to, "--drawn", "seen.png", "--json"],
        ));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert!(told["safe"]["hidden"].as_u64().unwrap() > 0);
        let again = done(&run(&dir, &models, &["check", to, "--json"]));
        let again: Value = serde_json::from_str(&again).unwrap();
        let words = again["gives"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|given| given["what"] == "words");
        assert_eq!(words.count(), 0, "{again}");
        let copy = liuhen_picture::decode(
            &fs::read(dir.path().join(to)).unwrap(),
            &liuhen_picture::Limits::default(),
        )
        .unwrap();
        assert_eq!(
            (copy.width(), copy.height(), copy.channels()),
            (900, 420, 3)
        );
    }
    assert!(dir.path().join("seen.png").exists());
    let over = run(&dir, &models, &["check", "form.png", "--safe", "form.png"]);
    assert_eq!(over.status.code(), Some(1));
}

#[test]
fn a_pdf_without_pictures_needs_no_models_and_keeps_nothing_of_what_lay_beneath() {
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    // A word under a black box, properties, and an earlier revision of the page.
    let page = |who: &str| {
        format!("BT /F 20 Tf 20 60 Td (mail {who}@example.com) Tj ET 0 g 15 50 300 40 re f")
    };
    let once = document(&[Leaf::Drawn(&page("ouyang.yi"))]);
    let twice = revised(once, &page("ouyang.xi"));
    fs::write(dir.path().join("a.pdf"), twice).unwrap();
    let told = done(&run(
        &dir,
        &none,
        &["redact", "a.pdf", "-o", "b.pdf", "--json"],
    ));
    assert!(told.contains("email"), "{told}");
    let copy = fs::read(dir.path().join("b.pdf")).unwrap();
    let copy = String::from_utf8_lossy(&copy);
    for value in ["ouyang", "example.com", "/Author", "/Font"] {
        assert!(!copy.contains(value), "{value} is still there");
    }
    assert_eq!(copy.matches("%%EOF").count(), 1);
}

#[test]
fn a_pdf_that_would_fill_the_memory_is_refused() {
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    // A picture that says it is very large, and a stream that unpacks to 300 MiB.
    let huge = "BI /W 90000 /H 90000 /CS /G /BPC 8 ID 0 EI";
    fs::write(dir.path().join("a.pdf"), document(&[Leaf::Drawn(huge)])).unwrap();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::repeat(0).take(300 << 20), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    let head = format!(
        "\n99 0 obj<</Filter/FlateDecode/Length {}>>stream\n",
        packed.len()
    );
    let plain = document(&[Leaf::Text(&["a@example.com"])]);
    let bomb = [&plain, head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat();
    fs::write(dir.path().join("b.pdf"), bomb).unwrap();
    for (file, unit) in [("a.pdf", "pixels"), ("b.pdf", "bytes")] {
        let refused = run(&dir, &none, &["redact", file, "-o", "c.pdf", "--json"]);
        assert_eq!(refused.status.code(), Some(9));
        let said = String::from_utf8_lossy(&refused.stdout).into_owned();
        assert!(said.contains("too_large") && said.contains(unit), "{said}");
        assert!(!dir.path().join("c.pdf").exists());
    }
}

#[test]
fn a_pdf_of_pictures_is_hidden_with_models_and_refused_without() {
    let (Some(models), Some(form)) = (models(), form()) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let jpeg = encode(&form, Encoding::default()).unwrap();
    let page = document(&[Leaf::Picture(&jpeg, 900, 420)]);
    fs::write(dir.path().join("a.pdf"), page).unwrap();
    let refused = run(
        &dir,
        &dir.path().join("none"),
        &["redact", "a.pdf", "-o", "b.pdf"],
    );
    assert_eq!(refused.status.code(), Some(9));
    assert!(!dir.path().join("b.pdf").exists());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("liuhen models install"));
    let told = done(&run(
        &dir,
        &models,
        &["redact", "a.pdf", "-o", "b.pdf", "--json"],
    ));
    assert!(told.contains("resident_id"), "{told}");
    assert!(kinds(&done(&run(&dir, &models, &["scan", "b.pdf", "--json"]))).is_empty());
}

/// A document of one page with other content for it, its sixth object, appended as an update
/// (ISO 32000-1, 7.5.6).
fn revised(mut bytes: Vec<u8>, content: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&bytes);
    let start = text.rfind("startxref\n").unwrap() + "startxref\n".len();
    let before: usize = text[start..].lines().next().unwrap().parse().unwrap();
    let at = bytes.len();
    let length = content.len();
    let object = format!("6 0 obj<</Length {length}>>stream\n{content}\nendstream endobj\n");
    bytes.extend(object.into_bytes());
    let table = bytes.len();
    let update = format!(
        "xref\n6 1\n{at:010} 00000 n \ntrailer<</Size 8/Root 1 0 R/Info 4 0 R/Prev {before}>>\nstartxref\n{table}\n%%EOF\n"
    );
    bytes.extend(update.into_bytes());
    bytes
}
