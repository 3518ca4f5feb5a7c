//! A picture is redacted in a real browser: brought, looked at, one place released, one box drawn,
//! painted, looked at again, downloaded; and the copy's pixels are what was decided. Then a PDF, page
//! by page.
//!
//! Needs Chromium, `LIUHEN_MODELS` and a font with Chinese; says SKIP without them, unless they are
//! required. Takes a picture of the page when `LIUHEN_PICTURES` names a folder.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use liuhen_picture::{Encoding, Limits, Picture, decode, encode};
use liuhen_testkit::pdf::{Leaf, document};
use liuhen_testkit::pictures::{Sort, cards};
use liuhen_testkit::{Browser, Screen, Server, browser_or_skip};
use serde_json::Value;

const TEST: &str = "a_picture_is_redacted_as_it_was_decided";

fn totp(secret: &str) -> String {
    let secret = data_encoding::BASE32_NOPAD
        .decode(secret.as_bytes())
        .unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    totp.generate(now.as_secs()).to_string()
}

fn has_models() -> bool {
    let found = std::env::var_os("LIUHEN_MODELS").is_some_and(|value| !value.is_empty());
    if !found {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS is not set"
        );
        let _unheard = writeln!(std::io::stderr(), "SKIP {TEST}: LIUHEN_MODELS is not set");
    }
    found
}

/// The front of an identity card of nobody, as PNG, so that its copy keeps every pixel.
fn card() -> Option<Picture> {
    let mut made = match cards(7, 1) {
        Ok(made) => made,
        Err(error) => {
            let _unheard = writeln!(std::io::stderr(), "SKIP {TEST}: {error}");
            return None;
        }
    };
    let photo = made.next().unwrap();
    assert_eq!(photo.sort, Sort::IdFront);
    Some(decode(&photo.bytes, &Limits::default()).unwrap())
}

fn enrol(browser: &Browser, link: &str) {
    browser.open(link);
    let secret = browser.script("return document.getElementById('totp-secret').textContent");
    browser.fill("input[name=login]", "wang.admin");
    browser.fill("input[name=display]", "管理员王");
    browser.fill("input[name=password]", "correct horse battery 7");
    browser.fill("input[name=code]", &totp(secret.as_str().unwrap()));
    browser.click("form[action='/setup'] button[type=submit]");
    let _ = browser.find("form[action='/logout']");
}

/// Waits as long as networks take in a build for tests.
fn until(browser: &Browser, css: &str) {
    let begun = Instant::now();
    while browser.count(css) == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(240),
            "no {css} at {}:\n{}",
            browser.address(),
            browser.text()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// A mark as the page shows it: its number, what it says, and the boxes around its places.
#[derive(Debug)]
struct Shown {
    number: u64,
    said: String,
    boxes: Vec<[f64; 4]>,
}

fn shown(browser: &Browser) -> Vec<Shown> {
    let marks = browser.script(
        "return [...document.querySelectorAll('#marks .mark')].map(g => ({\
           number: Number(g.dataset.mark), said: g.dataset.said,\
           boxes: [...g.querySelectorAll('polygon')].map(p => { const b = p.getBBox();\
             return [b.x, b.y, b.x + b.width, b.y + b.height]; }) }))",
    );
    let marks = marks.as_array().unwrap().iter();
    marks
        .map(|mark| Shown {
            number: mark["number"].as_u64().unwrap(),
            said: mark["said"].as_str().unwrap().to_owned(),
            boxes: serde_json::from_value(mark["boxes"].clone()).unwrap(),
        })
        .collect()
}

/// Whether two boxes come nearer than so many pixels.
fn meet(a: &[f64; 4], b: &[f64; 4], near: f64) -> bool {
    a[0] - near < b[2] && b[0] - near < a[2] && a[1] - near < b[3] && b[1] - near < a[3]
}

fn pixel(picture: &Picture, x: usize, y: usize) -> &[u8] {
    let at = (y * picture.width() as usize + x) * picture.channels();
    &picture.pixels()[at..at + 3]
}

/// Every pixel of a box, its edges left out.
fn within([left, top, right, bottom]: [f64; 4]) -> impl Iterator<Item = (usize, usize)> {
    let columns = left.ceil() as usize..right.floor() as usize;
    (top.ceil() as usize..bottom.floor() as usize)
        .flat_map(move |y| columns.clone().map(move |x| (x, y)))
}

/// Where a place of the picture is on the screen.
fn on_screen(browser: &Browser, [x, y]: [f64; 2]) -> (f64, f64) {
    let place = browser.script(&format!(
        "const s = document.getElementById('marks'), b = s.getBoundingClientRect();\
         return [b.x + b.width * {x} / Number(s.dataset.width), b.y + b.height * {y} / Number(s.dataset.height)]"
    ));
    (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
}

fn rows(browser: &Browser) -> Vec<Vec<u64>> {
    let rows = browser.script(
        "return [...document.querySelectorAll('#rows .box')]\
           .map(r => [...r.querySelectorAll('input')].map(i => i.value))\
           .filter(r => r.every(v => v !== '')).map(r => r.map(Number))",
    );
    serde_json::from_value(rows).unwrap()
}

fn photograph_page(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("LIUHEN_PICTURES") {
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        browser.picture_of_page(&folder.join(format!("{name}.png")));
    }
}

fn bring(browser: &Browser, url: &str, file: &Path) {
    browser.open(&format!("{url}/redact"));
    browser.attach("#f-file", file);
    browser.click("form[action='/redact'] button[type=submit]");
    // Reloads nothing by hand: the page follows by itself.
    until(browser, "#pictures .tag.warn");
    photograph_page(browser, "redact");
    browser.click("#pictures tbody tr:last-child td a");
    until(browser, "#review");
}

/// Draws a box from one corner to the other, in pixels of the picture.
fn draw(browser: &Browser, [left, top, right, bottom]: [f64; 4]) {
    // A browser without a screen has no mouse either; drawing is then asked for.
    if browser.count("#draw[aria-pressed=true]") == 0 {
        browser.click("#draw");
    }
    browser.script("document.getElementById('marks').scrollIntoView({block: 'center'})");
    let from = on_screen(browser, [left, top]);
    browser.drag(from, on_screen(browser, [right, bottom]));
}

/// What the one label says that the picture shows; nothing while it is hidden.
fn label(browser: &Browser) -> Option<String> {
    let said = browser.script(
        "const l = document.getElementById('label'), e = l.parentElement.getBoundingClientRect();\
         if (l.hidden) return null; const b = l.getBoundingClientRect();\
         if (b.left < e.left - 1 || b.right > e.right + 1 || b.top < e.top - 1) throw new Error('outside');\
         return l.textContent",
    );
    assert_eq!(browser.count("#marks text"), 0, "no other label");
    said.as_str().map(str::to_owned)
}

/// The arrow keys of the keyboard (W3C WebDriver, 17.4.2).
const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";

/// A PDF of a page of text and a page that is a picture: its pages are gone through by keys, what is
/// decided on one stays, and the copy has both.
fn a_pdf(browser: &Browser, url: &str, card: &Picture, dir: &Path) {
    let jpeg = encode(card, Encoding::Jpeg { quality: 90 }).unwrap();
    let pdf = document(&[
        Leaf::Text(&["mobile 13912345678", "mail ouyang.yi@example.com"]),
        Leaf::Picture(&jpeg, card.width(), card.height()),
    ]);
    let file = dir.join("合同.pdf");
    std::fs::write(&file, pdf).unwrap();
    bring(browser, url, &file);
    browser.wait_for_text("第 1 页，共 2 页");
    let marks = shown(browser);
    assert!(
        marks
            .iter()
            .all(|mark| mark.said.starts_with(&mark.number.to_string()))
    );
    let mobile = marks
        .iter()
        .find(|mark| mark.said.contains("手机号"))
        .expect("found");
    assert!(
        marks.iter().any(|mark| mark.said.contains("邮箱")),
        "{marks:?}"
    );

    // Whoever goes through the list by keyboard sees one label, of the row he is at.
    assert_eq!(label(browser), None);
    let tick = format!("input[name=release][value='{}']", mobile.number);
    browser.script(&format!("document.querySelector(\"{tick}\").focus()"));
    let said = label(browser).expect("a label");
    assert_eq!(said, format!("{} · 涂掉", mobile.said));
    assert_eq!(browser.count("#marks .lit"), 1);
    assert_eq!(browser.count(".list tr.lit"), 1);
    // A click upon the box releases it, and its label says so.
    browser.script("document.getElementById('marks').scrollIntoView({block: 'center'})");
    let [left, top, right, bottom] = mobile.boxes[0];
    let middle = on_screen(browser, [left.midpoint(right), top.midpoint(bottom)]);
    browser.drag(middle, middle);
    assert_eq!(browser.count(&format!("{tick}:checked")), 1);
    assert_eq!(label(browser), Some(format!("{} · 留着", mobile.said)));
    photograph_page(browser, "redact-pdf-1");

    // The keys turn the page, and what was decided is kept without being painted.
    browser.keys(RIGHT);
    until(browser, "button[aria-current=page][value='2']");
    browser.wait_for_text("第 2 页，共 2 页");
    assert!(
        shown(browser)
            .iter()
            .all(|mark| mark.number > mobile.number)
    );
    assert_eq!(browser.count("#after:disabled"), 1);
    draw(browser, [4.0, 4.0, 60.0, 60.0]);
    let drawn = rows(browser);
    assert_eq!(drawn.len(), 1);
    photograph_page(browser, "redact-pdf-2");
    browser.screen(Screen::PHONE);
    assert!(browser.fits(), "the page is wider than a phone");
    browser.screen(Screen::DESKTOP);
    // A key in a field means the field.
    browser.script("document.querySelector('#rows input').focus()");
    browser.keys(LEFT);
    assert_eq!(browser.count("button[aria-current=page][value='2']"), 1);
    browser.script("document.activeElement.blur()");
    browser.keys(LEFT);
    until(browser, "button[aria-current=page][value='1']");
    assert_eq!(browser.count(&format!("{tick}:checked")), 1);
    assert!(rows(browser).is_empty(), "the box is the other page's");

    browser.click("#save");
    until(browser, "#copy");
    browser.wait_for_text("这是副本的第 1 页，共 2 页");
    photograph_page(browser, "redact-pdf-copy");
    browser.click("#after");
    until(browser, "button[aria-current=page][value='2']");
    assert_eq!(rows(browser), drawn);
    assert_eq!(
        browser.count("#copy"),
        1,
        "going through the pages leaves the copy"
    );
    let loaded =
        "const i = document.querySelector('#copy img'); return i.complete && i.naturalWidth";
    assert!(browser.script(loaded).as_u64().unwrap() > 500);
    browser.click("#copy form[action$='/file'] button");
    let copy = std::fs::read(browser.downloaded("document-002.pdf")).unwrap();
    let copy = String::from_utf8_lossy(&copy);
    assert_eq!(copy.matches("/DCTDecode").count(), 2);
    for word in ["13912345678", "ouyang", "/Font", "/Author"] {
        assert!(!copy.contains(word), "{word}");
    }
    browser.open(&format!("{url}/redact"));
    browser.wait_for_text("2 页");
}

#[test]
fn a_picture_is_redacted_as_it_was_decided() {
    if !has_models() {
        return;
    }
    let (Some(browser), Some(original)) = (browser_or_skip(TEST), card()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("张某某的身份证.png");
    std::fs::write(&file, encode(&original, Encoding::Png).unwrap()).unwrap();
    let server = Server::plan(env!("CARGO_BIN_EXE_liuhen"))
        .patience(Duration::from_secs(120))
        .start();
    let url = server.url().to_owned();
    browser.open(&format!("{url}/lang/zh?back=/login"));
    enrol(&browser, &server.link("/setup?secret=").unwrap());
    bring(&browser, &url, &file);

    let marks = shown(&browser);
    let said = |what: &str| marks.iter().any(|mark| mark.said.contains(what));
    assert!(said("身份证号") && said("人脸"), "{marks:?}");
    let percent = marks.iter().filter(|mark| mark.said.contains('%')).count();
    assert!(percent * 2 > marks.len(), "{marks:?}");
    // One that lies apart from all others is released, by a click upon it.
    let apart = |mark: &&Shown| {
        let others = marks.iter().filter(|other| other.number != mark.number);
        let mut others = others.flat_map(|other| &other.boxes);
        !others.any(|other| mark.boxes.iter().any(|one| meet(one, other, 12.0)))
    };
    let words = |mark: &&Shown| !mark.said.contains("人脸") && !mark.said.contains("身份证号");
    let free = marks.iter().filter(words).find(apart);
    let free = free.unwrap_or_else(|| panic!("no mark lies apart: {marks:?}"));
    let [left, top, right, bottom] = free.boxes[0];
    browser.script("document.getElementById('marks').scrollIntoView({block: 'center'})");
    let middle = on_screen(&browser, [left.midpoint(right), top.midpoint(bottom)]);
    browser.drag(middle, middle);
    let tick = format!("input[name=release][value='{}']:checked", free.number);
    assert_eq!(browser.count(&tick), 1, "a click upon a mark releases it");
    assert_eq!(browser.count("#marks .mark.released"), 1);

    // Two boxes are drawn where nothing was found; the second is taken back.
    let (width, height) = (f64::from(original.width()), f64::from(original.height()));
    let corners = [[0.01, 0.01], [0.85, 0.01], [0.01, 0.88], [0.85, 0.88]];
    let corners = corners.map(|[x, y]| {
        let (x, y) = (x * width, y * height);
        [x, y, x + 0.12 * width, y + 0.1 * height]
    });
    let empty = |corner: &&[f64; 4]| {
        let mut boxes = marks.iter().flat_map(|mark| &mark.boxes);
        !boxes.any(|other| meet(corner, other, 4.0))
    };
    let corner = corners.iter().find(empty).expect("a free corner");
    let [left, top, right, bottom] = *corner;
    draw(&browser, [left, top, right, bottom]);
    let drawn = rows(&browser);
    assert_eq!(drawn.len(), 1);
    draw(&browser, [right, bottom, left, top]);
    assert_eq!(rows(&browser).len(), 2);
    browser.click("#undo");
    assert_eq!(rows(&browser), drawn);
    assert_eq!(browser.count("#drawn rect"), 1);
    assert_eq!(browser.count(&tick), 1, "only the last step is taken back");
    photograph_page(&browser, "redact-review");
    browser.screen(Screen::PHONE);
    assert!(browser.fits(), "the page is wider than a phone");
    browser.screen(Screen::DESKTOP);

    browser.click("#save");
    until(&browser, "#copy");
    browser.click("#copy form[action$='/file'] button");
    let copy = std::fs::read(browser.downloaded("picture-001.png")).unwrap();
    let copy = decode(&copy, &Limits::default()).unwrap();
    assert_eq!(
        (copy.width(), copy.height()),
        (original.width(), original.height())
    );
    for mark in marks.iter().filter(|mark| mark.number != free.number) {
        // A place may be turned: the middle of the box around it lies within in any case.
        for [left, top, right, bottom] in &mark.boxes {
            let (x, y) = (left.midpoint(*right), top.midpoint(*bottom));
            assert_eq!(pixel(&copy, x as usize, y as usize), [0; 3], "{mark:?}");
        }
    }
    let side = |at: usize| drawn[0][at] as f64;
    let filled = [side(0), side(1), side(0) + side(2), side(1) + side(3)];
    assert!(within(filled).count() > 100);
    assert!(
        within(filled).all(|(x, y)| pixel(&copy, x, y) == [0; 3]),
        "{filled:?}"
    );
    assert!(within(free.boxes[0]).count() > 50);
    for (x, y) in within(free.boxes[0]) {
        assert_eq!(
            pixel(&copy, x, y),
            pixel(&original, x, y),
            "released: {free:?}"
        );
    }

    // The page keeps what was decided, and the batch's sum says what was done by hand.
    assert_eq!(rows(&browser), drawn);
    assert_eq!(browser.count(&tick), 1);
    browser.open(&format!("{url}/redact"));
    browser.wait_for_text("小结");
    photograph_page(&browser, "redact-done");
    browser.click("form[action='/redact/files'] button");
    let zip = std::fs::File::open(browser.downloaded(".zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    assert_eq!(names, ["picture-001.png", "summary.json"]);
    let sum: Value = serde_json::from_reader(zip.by_name("summary.json").unwrap()).unwrap();
    assert_eq!(
        (&sum["copies"], &sum["added"], &sum["released"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(!sum.to_string().contains("张某某"));
    a_pdf(&browser, &url, &original, dir.path());
    let complaints = browser.complaints();
    assert!(
        complaints.is_empty(),
        "the browser complained: {complaints:?}"
    );
    assert!(server.stop().success());
}
