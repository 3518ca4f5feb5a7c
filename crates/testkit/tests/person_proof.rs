//! A person's proof, checked in a real browser: the vectors that Rust and node answer too.
//!
//! Needs Chromium and its driver; says so and skips where they are absent, unless `LIUHEN_REQUIRE_BROWSER=1`.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test; a failure is a failed test"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use liuhen_testkit::browser_or_skip;

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/assets");
const VECTORS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tlog/tests/data/person-proof-v1.json"
);

/// Answers every case and says which answers are not the ones written; keys of objects may differ in order.
const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>proofs</title><p id=said>waiting</p><script type=module>
import { answer } from "/person-proof.vectors.mjs";
const ordered = (key, value) => value && typeof value === "object" && !Array.isArray(value)
  ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
const said = document.getElementById("said");
try {
  const file = await (await fetch("/vectors.json")).json();
  const wrong = [];
  for (const one of file.cases) {
    const [got, due] = [await answer(file, one), one.expected].map((value) => JSON.stringify(value, ordered));
    if (got !== due) wrong.push(`${one.name}: ${got}`);
  }
  said.textContent = `done: ${file.cases.length} cases, ${wrong.length} wrong ${wrong.join("; ")}`;
} catch (error) {
  said.textContent = `done: ${error.stack}`;
}
</script>"#;

fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    url
}

/// The page, the vectors, or a module of the assets.
fn file(path: &str) -> (&'static str, Vec<u8>) {
    match path {
        "/" => ("text/html", PAGE.into()),
        "/vectors.json" => ("application/json", std::fs::read(VECTORS).unwrap()),
        module => {
            let name = Path::new(module).file_name().unwrap_or_default();
            let read = std::fs::read(Path::new(ASSETS).join(name));
            ("text/javascript", read.unwrap_or_default())
        }
    }
}

fn answer(mut stream: TcpStream) {
    let mut line = String::new();
    let read = BufReader::new(&stream).read_line(&mut line);
    let Some(path) = read.ok().and_then(|_| line.split(' ').nth(1)) else {
        return;
    };
    let (media_type, body) = file(path);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _gone = stream.write_all(head.as_bytes());
    let _gone = stream.write_all(&body);
}

#[test]
fn a_browser_answers_every_case_as_written() {
    let Some(browser) = browser_or_skip("a person's proof in a browser") else {
        return;
    };
    let vectors: serde_json::Value =
        serde_json::from_slice(&std::fs::read(VECTORS).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap().len();
    assert!(cases > 60);
    browser.open(&serve());
    browser.wait_for_text("done:");
    assert_eq!(
        browser.text().trim(),
        format!("done: {cases} cases, 0 wrong")
    );
}
