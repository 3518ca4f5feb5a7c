//! Pictures in a count, looked at with the real networks: who stands in a picture and in a list is
//! one person, and whatever could not be read is told.
//!
//! `LIUHEN_MODELS` names the folder of weights; without it most tests say SKIP, unless
//! `LIUHEN_REQUIRE_MODELS` is set.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Encoding, Font, Limits, Picture, decode, encode};
use liuhen_testkit::pdf::{Leaf, document};
use liuhen_testkit::pictures::{Sort, cards};
use serde_json::{Value, json};
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

fn skip<T>(why: &str) -> Option<T> {
    let _unheard = writeln!(std::io::stderr(), "SKIP {why}");
    None
}

fn models() -> Option<PathBuf> {
    let Some(found) = std::env::var_os("LIUHEN_MODELS").filter(|value| !value.is_empty()) else {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS is not set"
        );
        return skip("LIUHEN_MODELS is not set");
    };
    Some(PathBuf::from(found))
}

fn liuhen(dir: &Path, models: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args).current_dir(dir).env("LANG", "C.UTF-8");
    command.env_remove("LC_ALL").env("USER", "甲");
    command.env("LIUHEN_MODELS", models).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn told(output: &Output, code: i32) -> Value {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert_eq!(output.status.code(), Some(code), "{said:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Lines of dark letters on grey, each from `left` on.
fn page(lines: &[(&str, f32)]) -> Option<Picture> {
    let rows: Vec<[(&str, f32); 1]> = lines.iter().map(|line| [*line]).collect();
    pages(900, &rows)
}

/// The same with several lines beside each other.
fn pages<const N: usize>(wide: u32, rows: &[[(&str, f32); N]]) -> Option<Picture> {
    let all: String = rows.iter().flatten().map(|(line, _)| *line).collect();
    let Ok(font) = Font::find(None, &all) else {
        return skip("no font with Chinese letters here");
    };
    let mut pen = Pen::new(&font, 34.0).unwrap();
    let high = 90 + 70 * u32::try_from(rows.len()).unwrap();
    let mut page = Raster::new(wide, high, 235).unwrap();
    for (row, lines) in rows.iter().enumerate() {
        let base = 90.0 + 70.0 * row as f32;
        for (text, left) in lines {
            page.line(&mut pen, text, (*left, base), 25);
        }
    }
    Some(Picture::from_grey(wide, high, page.pixels()).unwrap())
}

fn jpeg(picture: &Picture, quality: u8) -> Vec<u8> {
    encode(picture, Encoding::Jpeg { quality }).unwrap()
}

/// Exhibits, and whom they are about.
struct Seized {
    dir: TempDir,
    /// Values that nothing may tell.
    values: Vec<String>,
}

impl Seized {
    fn path(&self) -> PathBuf {
        self.dir.path().join("seized")
    }

    #[track_caller]
    fn tells_nothing(&self, text: &str) {
        for value in &self.values {
            assert!(!text.contains(value.as_str()), "a value is told");
        }
    }
}

/// One card three times, once within an archive; a card whose number fails its check; a page of
/// a PDF; a list with the first card's holder and somebody else; a picture that is none.
fn seized() -> Option<Seized> {
    let Ok(mut drawn) = cards(7, 1) else {
        return skip("no font with Chinese letters here");
    };
    let card = drawn.next().unwrap();
    assert_eq!(card.sort, Sort::IdFront);
    let field = |kind: &str| {
        let found = card.fields.iter().find(|field| field.kind == kind);
        found.unwrap().text.clone()
    };
    let (name, id) = (field("person_name"), field("resident_id"));
    let other = "440308199902038818";
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("seized");
    fs::create_dir(&path).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(path.join(name), bytes).unwrap();
    put("a.jpg", &card.bytes);
    let again = decode(&card.bytes, &Limits::default()).unwrap();
    put("b.jpg", &jpeg(&again, 88));
    let mut zip = zip::ZipWriter::new(fs::File::create(path.join("c.zip")).unwrap());
    let plain = zip::write::SimpleFileOptions::default();
    zip.start_file("inner/1.jpg", plain).unwrap();
    zip.write_all(&card.bytes).unwrap();
    zip.finish().unwrap();
    let wrong = page(&[
        ("姓名 周晓燕", 60.0),
        ("性别 女 民族 汉", 60.0),
        ("住址 广东省深圳市南山区甲路7号", 60.0),
        ("公民身份号码 440308199902038819", 60.0),
    ])?;
    put("d.jpg", &jpeg(&wrong, 90));
    let form = page(&[
        ("入学登记表", 60.0),
        ("姓名：周晓燕", 60.0),
        ("联系电话：15400138007", 60.0),
        ("身份证号：440308199902038818", 60.0),
    ])?;
    let shown = jpeg(&form, 90);
    let leaf = Leaf::Picture(&shown, form.width(), form.height());
    put("e.pdf", &document(&[leaf]));
    put(
        "f.csv",
        format!("姓名,身份证号\n{name},{id}\n某乙,110105200001019133\n").as_bytes(),
    );
    put("g.jpg", &card.bytes[..card.bytes.len() / 2]);
    let values = [
        &name,
        &id,
        "周晓燕",
        other,
        "15400138007",
        "440308199902038819",
    ];
    let values = values.map(|value| (*value).to_owned()).to_vec();
    Some(Seized { dir, values })
}

#[test]
fn who_stands_in_pictures_and_in_a_list_is_one_person_however_the_count_went() {
    let (Some(models), Some(seized)) = (models(), seized()) else {
        return;
    };
    let dir = seized.dir.path();
    let run = |jobs: &str, ledger: &str, more: &[&str]| {
        let words = [
            "count", "seized", "--json", "--jobs", jobs, "--ledger", ledger,
        ];
        liuhen(dir, &models, &[&words, more].concat())
    };
    let begun = Instant::now();
    let whole = run("2", "plain.jsonl", &[]).output().unwrap();
    let took = begun.elapsed();
    let count = told(&whole, 8);
    let ledger = fs::read_to_string(dir.join("plain.jsonl")).unwrap();
    seized.tells_nothing(&String::from_utf8_lossy(&whole.stdout));
    seized.tells_nothing(&ledger);

    // The holder of the card, the child of the form and the second of the list.
    assert_eq!(count["totals"]["persons"], 3, "{count}");
    let pictures = &count["pictures"];
    assert_eq!(pictures["seen"], 5, "{pictures}");
    assert_eq!(pictures["not_read"], json!({ "damaged": 1 }));
    assert_eq!(pictures["rows"], 5);
    assert_eq!(count["excluded"]["BAD_CHECK"], 1);
    let networks = pictures["sight"]["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 5);
    for network in networks {
        let file = models.join(network["file"].as_str().unwrap());
        let sum = Command::new("sha256sum").arg(file).output().unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        assert!(
            sum.starts_with(network["sha256"].as_str().unwrap()),
            "{network}"
        );
    }

    let lines: Vec<Value> = ledger
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let person = |line: &&Value| line["policy"] == "person" && line["code"] == "DUPLICATE_OF";
    let again: Vec<&Value> = lines.iter().filter(person).collect();
    let files: Vec<&str> = again
        .iter()
        .map(|line| line["file"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(files, ["b.jpg", "c.zip", "f.csv"]);
    for line in &again {
        assert!(line["first"]["file"].as_str().unwrap().ends_with("a.jpg"));
        let area = line["first"]["picture"]["area"].as_array().unwrap();
        assert!(area.len() == 4 && area[2].as_u64().unwrap() > 100, "{line}");
    }
    assert_eq!(again[1]["inside"], "inner/1.jpg");
    assert!(again[2]["picture"].is_null(), "a row of a list has no box");
    let wrong = lines.iter().find(|line| line["code"] == "BAD_CHECK");
    let wrong = wrong.unwrap();
    assert!(wrong["file"].as_str().unwrap().ends_with("d.jpg"));
    assert!(wrong["picture"]["area"].is_array(), "{wrong}");

    // On another number of threads, and killed on the way.
    let single = run("1", "single.jsonl", &[]).output().unwrap();
    assert!(single.stdout == whole.stdout, "the report differs");
    assert_eq!(
        fs::read_to_string(dir.join("single.jsonl")).unwrap(),
        ledger
    );
    let work = ["--work", "work"];
    let finished = |dir: &Path| {
        let names = fs::read_dir(dir.join("work")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("unit-") && name.ends_with(".json"))
            .count()
    };
    let mut child = run("1", "resumed.jsonl", &work).spawn().unwrap();
    while finished(dir) == 0 && begun.elapsed() < took * 10 + Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        (1..7).contains(&finished(dir)),
        "killed too early or too late"
    );
    // With other networks, or none, it would be another count.
    let other = run(
        "1",
        "resumed.jsonl",
        &[&work[..], &["--no-pictures"]].concat(),
    );
    let other = { other }.output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    let resumed = run("2", "resumed.jsonl", &work).output().unwrap();
    assert!(resumed.stdout == whole.stdout, "the report differs");
    assert_eq!(
        fs::read_to_string(dir.join("resumed.jsonl")).unwrap(),
        ledger
    );
}

#[test]
fn a_case_counts_pictures_and_its_report_names_the_networks() {
    let (Some(models), Some(seized)) = (models(), seized()) else {
        return;
    };
    let dir = seized.dir.path();
    for gone in ["a.jpg", "b.jpg", "d.jpg", "g.jpg"] {
        fs::remove_file(seized.path().join(gone)).unwrap();
    }
    let photos = std::env::var_os("LIUHEN_PHOTOS").filter(|value| !value.is_empty());
    let face = photos.map(|photos| PathBuf::from(photos).join("obama.jpg"));
    if let Some(face) = &face {
        fs::copy(face, seized.path().join("face.jpg")).unwrap();
    }
    let case = |words: &[&str]| {
        let words = [&["case"], words].concat();
        liuhen(dir, &models, &words).output().unwrap()
    };
    told(&case(&["new", "a", "--name", "某案", "--json"]), 0);
    told(&case(&["add", "--case", "a", "seized", "--json"]), 0);
    let counted = told(&case(&["count", "--case", "a", "--json"]), 0);
    let pictures = &counted["count"]["pictures"];
    let faces = u64::from(face.is_some());
    assert_eq!(pictures["seen"], 2 + faces);
    assert_eq!(pictures["face_alone"], faces, "a face alone is no row");
    assert_eq!(counted["count"]["totals"]["persons"], 3);
    let sampled = case(&["sample", "--case", "a", "--size", "10", "--json"]);
    let sampled = told(&sampled, 0);
    let page = fs::read_to_string(sampled["page"].as_str().unwrap()).unwrap();
    assert!(
        page.contains("page 1, picture 1 · 1 · "),
        "no place in a picture"
    );
    seized.tells_nothing(&page);
    let verified = told(&case(&["verify", "a", "--json"]), 0);
    assert_eq!(verified["faults"], json!([]));
    let report = case(&["report", "a", "-o", "report.html", "--lang", "en"]);
    assert_eq!(report.status.code(), Some(0));
    let report = fs::read_to_string(dir.join("report.html")).unwrap();
    for network in pictures["sight"]["networks"].as_array().unwrap() {
        for name in ["file", "sha256"] {
            assert!(
                report.contains(network[name].as_str().unwrap()),
                "{network}"
            );
        }
    }
    seized.tells_nothing(&report);
}

#[test]
fn without_models_pictures_are_told_with_the_command_and_left_alone_when_so_asked() {
    let Some(form) = page(&[("联系电话：15400138007", 60.0)]) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    let bytes = jpeg(&form, 90);
    fs::write(dir.path().join("a.jpg"), &bytes).unwrap();
    let leaf = Leaf::Picture(&bytes, form.width(), form.height());
    fs::write(dir.path().join("b.pdf"), document(&[leaf])).unwrap();
    let run = |args: &[&str]| {
        let words = [&["count", "a.jpg", "b.pdf", "--json"], args].concat();
        liuhen(dir.path(), &none, &words).output().unwrap()
    };
    let missing = told(&run(&[]), 8);
    assert_eq!(missing["pictures"]["not_read"], json!({ "no_models": 2 }));
    assert!(missing["pictures"]["sight"].is_null());
    let why = missing["files"][0]["unread"]["text"].as_str().unwrap();
    assert!(why.contains("liuhen models install"), "{why}");
    let part = &missing["files"][1]["unread_parts"][0];
    assert_eq!(part["inside"], "page 1, picture 1");
    // A PDF whose pages say nothing is told all the same.
    let closed = told(&run(&["--no-pictures"]), 8);
    assert_eq!(closed["files"][0]["unread"]["code"], "format_not_read");
    assert_eq!(closed["files"][1]["unread"]["code"], "damaged");
    let demanded = run(&["--models", "none"]);
    assert_eq!(demanded.status.code(), Some(1));
}

#[test]
fn two_waybills_beside_each_other_are_told_apart() {
    let beside = |left, right| [(left, 60.0), (right, 960.0)];
    let rows = [
        beside("收件人：周晓燕 15400138011", "收件人：吴佳然 15400138012"),
        beside(
            "地址：广东省深圳市南山区甲路7号",
            "地址：四川省雅安市雨城区乙路57号",
        ),
        beside("寄件人：郑大海 15400138013", "寄件人：许浩睿 15400138014"),
        beside(
            "地址：山东省济宁市泗水县丙街180号",
            "地址：福建省福州市仓山区丁路301号",
        ),
    ];
    let (Some(models), Some(page)) = (models(), pages(1800, &rows)) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.jpg"), jpeg(&page, 90)).unwrap();
    let words = ["count", "a.jpg", "--json"];
    let count = told(&liuhen(dir.path(), &models, &words).output().unwrap(), 0);
    assert_eq!(count["pictures"]["rows"], 4, "{count}");
    assert_eq!(count["totals"]["persons"], 4, "{count}");
    // Read across, two of them would have no address.
    assert_eq!(count["totals"]["items"]["person_type"], 12, "{count}");
}

#[test]
fn a_count_of_tables_says_the_same_with_models_and_without() {
    let Some(models) = models() else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let table = "姓名,电话\n王小一,15400138001\n李小二,15400138002\n";
    fs::write(dir.path().join("a.csv"), table).unwrap();
    let count = |models: &Path| {
        let words = ["count", "a.csv", "--json"];
        liuhen(dir.path(), models, &words).output().unwrap()
    };
    let with = count(&models);
    assert_eq!(told(&with, 0)["totals"]["persons"], 2);
    assert_eq!(with.stdout, count(&dir.path().join("none")).stdout);
}
