//! Marks through the program: a picture handed out and led back, canaries found in files, reports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails is a failed test"
)]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};

use liuhen_service::{Caller, Config, ExportRequest, PurposeView, Service, Surety};
use liuhen_testkit::{Encoding, Form, people};
use serde_json::Value;

fn liuhen(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_liuhen"))
        .args(args)
        .env_remove("LIUHEN_KEY")
        .env_remove("LIUHEN_KEY_FILE")
        .env("LANG", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}\n{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const FIELDS: [&str; 3] = ["person_name", "mobile", "address"];

/// A vault with a purpose, 400 people and one export, of which the file is returned.
fn vault(dir: &Path) -> Vec<u8> {
    let (data, list) = (dir.join("data"), dir.join("people.csv"));
    let service = Service::open(&Config::in_dir(&data)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let caller = Caller::local();
    let purpose = PurposeView {
        id: "care".to_owned(),
        name_zh: "照护".to_owned(),
        name_en: "care".to_owned(),
        basis: 2,
        fields: FIELDS.map(str::to_owned).to_vec(),
        retention_days: 365,
        notice: "notice".to_owned(),
        notice_hash: String::new(),
        marketing: false,
        surety: Surety::Durable,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    };
    runtime
        .block_on(service.put_purpose(&caller, purpose))
        .unwrap();
    service.close().unwrap();
    drop(service);
    std::fs::write(&list, people(61, 400).delimited(Form::csv(Encoding::Utf8))).unwrap();
    let import = ["import", text(&list), "--collection", "patients", "--yes"];
    let imported = liuhen(&[&import[..], &["--dir", text(&data)]].concat());
    exits(&imported, 0);
    let service = Service::open(&Config::in_dir(&data)).unwrap();
    let request = ExportRequest {
        recipient: "Courier Ltd".to_owned(),
        purpose: "care".to_owned(),
        collection: "patients".to_owned(),
        fields: FIELDS.map(str::to_owned).to_vec(),
        limit: None,
        format: "csv".to_owned(),
        encoding: "utf-8".to_owned(),
        exact: false,
        extra_canaries: Some(60),
        expires: i64::MAX / 2,
        note: String::new(),
    };
    let second = Caller {
        id: "staff:second".to_owned(),
        ..Caller::local()
    };
    let mut bytes = Vec::new();
    runtime.block_on(async {
        let asked = service.request_export(&caller, request).await.unwrap();
        let made = service
            .decide_export(&second, &asked.id, true)
            .await
            .unwrap();
        let mut file = service.export_file(&caller, &made.id).await.unwrap();
        file.reader.read_to_end(&mut bytes).unwrap();
    });
    service.close().unwrap();
    bytes
}

/// A picture with something to see everywhere, as PNG.
fn drawn() -> Vec<u8> {
    let (width, height) = (480_u32, 360_u32);
    let grey: Vec<u8> = (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let cell = (x / 17).wrapping_mul(2_654_435_761) ^ (y / 13).wrapping_mul(40_503);
            let fine = (x * 31 + y * 57) % 23;
            u8::try_from((cell >> 7) % 150 + 40 + fine).unwrap()
        })
        .collect();
    let picture = liuhen_picture::Picture::from_grey(width, height, &grey).unwrap();
    liuhen_picture::encode(&picture, liuhen_picture::Encoding::Png).unwrap()
}

#[test]
fn pictures_and_canaries_lead_back() {
    let dir = tempfile::tempdir().unwrap();
    let export = vault(dir.path());
    let data = dir.path().join("data");
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("card.png"), drawn()).unwrap();

    picture(&at("card.png"), &at("copy.png"), &data);
    reports(&at("copy.png"), &at("reports"), &data);
    words(&at("card.png"), &at("words.png"));
    canaries(&export, dir.path(), &data);
}

fn picture(card: &Path, copy: &Path, data: &Path) {
    let mark = |output: &Path| {
        let args = [
            "mark",
            text(card),
            "--to",
            "Courier Ltd",
            "--purpose",
            "care",
        ];
        let rest = ["-o", text(output), "--dir", text(data), "--json"];
        liuhen(&[&args[..], &rest].concat())
    };
    exits(&mark(card), 1);
    let done = mark(copy);
    exits(&done, 0);
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(done["copy"]["psnr"].as_f64().unwrap() >= 42.0, "{done}");
    assert_ne!(std::fs::read(card).unwrap(), std::fs::read(copy).unwrap());

    let traced = liuhen(&["trace", text(copy), "--dir", text(data), "--json"]);
    exits(&traced, 0);
    let traced: Value = serde_json::from_slice(&traced.stdout).unwrap();
    assert_eq!(traced["copies"][0]["export"], done["copy"]["id"]);
    assert_eq!(traced["copies"][0]["channels"][0]["name"], "picture");
    assert_eq!(traced["pictures"][0]["name"], "card.png");
    exits(&liuhen(&["trace", text(card), "--dir", text(data)]), 4);
}

fn reports(copy: &Path, folder: &Path, data: &Path) {
    let traced = liuhen(&[
        "trace",
        text(copy),
        "--dir",
        text(data),
        "--pdf",
        text(folder),
    ]);
    if said(&traced).contains("font") {
        println!("SKIP no font for a report here");
        return;
    }
    exits(&traced, 0);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(files.len(), 1);
    let pdf = std::fs::read(files[0].as_ref().unwrap().path()).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

fn words(card: &Path, output: &Path) {
    let words = "仅供办理入学使用，他用无效";
    let done = liuhen(&[
        "mark",
        text(card),
        "--only-visible",
        words,
        "-o",
        text(output),
    ]);
    if said(&done).contains("font") {
        println!("SKIP no font with Chinese characters here");
        return;
    }
    exits(&done, 0);
    assert_ne!(std::fs::read(card).unwrap(), std::fs::read(output).unwrap());
}

fn canaries(export: &[u8], dir: &Path, data: &Path) {
    let sheet = people(61, 400);
    let text_of = String::from_utf8_lossy(export);
    let of_canary: Vec<&str> = text_of
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1))
        .filter(|mobile| sheet.rows.iter().all(|row| row[2] != *mobile))
        .collect();
    assert!(!of_canary.is_empty());
    let (seen, found) = (dir.join("seen.txt"), dir.join("found.txt"));
    let report = |values: &str| {
        std::fs::write(&seen, values).unwrap();
        let args = ["sighting", text(&seen), "--place", "a call"];
        liuhen(&[&args[..], &["--dir", text(data), "--json"]].concat())
    };
    exits(&report(&sheet.rows[0][2]), 4);
    exits(&report(""), 1);
    let answer = report(of_canary[0]);
    exits(&answer, 0);
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["alert"]["carriers"][0]["recipient"], "Courier Ltd");

    let listing = format!("出售资料，联系 {} 和 {}\n", sheet.rows[1][2], of_canary[0]);
    std::fs::write(&found, listing).unwrap();
    let scanned = liuhen(&["scan", text(&found), "--canaries", "--dir", text(data)]);
    exits(&scanned, 0);
    assert!(said(&scanned).contains("Courier Ltd"), "{}", said(&scanned));
    assert!(!said(&scanned).contains(of_canary[0]));
}
