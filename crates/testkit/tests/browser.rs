//! The browser harness against a page of its own.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test; a failure is a failed test"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use liuhen_testkit::{Screen, browser_or_skip};

const PAGE: &str = "<!doctype html><html lang=zh><meta charset=utf-8>\
<meta name=viewport content='width=device-width'><title>留痕</title>\
<h1>谁看过我</h1><div style='height:3000px'></div>\
<form action=/sent><input name=who><select name=lang><option value=zh>中<option value=en>E</select>\
<button>送出</button></form><script>document.title='ran'</script>";

/// Serves the page for every path, with a policy that forbids its script.
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

fn answer(mut stream: TcpStream) {
    let mut ask = [0; 4096];
    if stream.read(&mut ask).is_ok_and(|read| read > 0) {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
             Content-Security-Policy: script-src 'none'\r\nConnection: close\r\n\r\n",
            PAGE.len()
        );
        let _gone = stream.write_all(head.as_bytes());
        let _gone = stream.write_all(PAGE.as_bytes());
    }
}

#[test]
fn a_page_is_opened_filled_pictured_and_blamed() {
    let Some(browser) = browser_or_skip("browser harness") else {
        return;
    };
    browser.open(&serve());
    browser.wait_for_text("谁看过我");
    assert_eq!(browser.count("option"), 2);
    assert!(
        browser
            .complaints()
            .iter()
            .any(|line| line.contains("Content Security Policy"))
    );
    assert!(
        browser.complaints().is_empty(),
        "each complaint is told once"
    );

    let folder = tempfile::tempdir().unwrap();
    let (wide, tall) = (
        folder.path().join("a/wide.png"),
        folder.path().join("tall.png"),
    );
    browser.picture(&wide);
    assert_eq!(size(&wide), (1280, 800));
    browser.screen(Screen::PHONE);
    assert!(browser.fits());
    browser.picture_of_page(&tall);
    let (width, height) = size(&tall);
    assert_eq!(width, 780);
    assert!(height > 6000, "{height}");

    browser.fill("[name=who]", "x y");
    browser.choose("select", "en");
    browser.press("送出");
    browser.wait_for_address("/sent?who=x+y&lang=en");
}

/// Width and height from a PNG's header.
fn size(png: &std::path::Path) -> (u32, u32) {
    let bytes = std::fs::read(png).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}
