//! The whole loop in a real browser: put in, look, take out, leak, find who did, and be forgotten.
//!
//! Takes the README's pictures on the way when `LIUHEN_PICTURES` names a folder.
//! Needs Chromium and its driver; says so and skips where they are absent, unless `LIUHEN_REQUIRE_BROWSER=1`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use liuhen_testkit::{Browser, Encoding, Form, Screen, Server, Sheet, browser_or_skip, people};

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

const PASSWORD: &str = "correct horse battery 7";

fn totp(secret: &str) -> String {
    let secret = data_encoding::BASE32_NOPAD
        .decode(secret.as_bytes())
        .unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    totp.generate(now).to_string()
}

/// Takes a picture for the README, where one is wanted.
fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("LIUHEN_PICTURES") {
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        browser.picture_of_page(&folder.join(format!("{name}.png")));
    }
}

/// Enrols through a one-time link and is signed in afterwards; answers the second factor's secret.
fn enrol(browser: &Browser, link: &str, login: &str, display: &str) -> String {
    browser.open(link);
    let secret = browser.script("return document.getElementById('totp-secret').textContent");
    let secret = secret.as_str().unwrap().to_owned();
    browser.fill("input[name=login]", login);
    browser.fill("input[name=display]", display);
    browser.fill("input[name=password]", PASSWORD);
    browser.fill("input[name=code]", &totp(&secret));
    browser.click("form[action='/setup'] button[type=submit]");
    let _ = browser.find("form[action='/logout']");
    secret
}

fn declare(browser: &Browser, url: &str) {
    browser.open(&format!("{url}/sites"));
    browser.fill("form[action='/sites'] input[name=id]", "shop");
    browser.fill("form[action='/sites'] input[name=name]", "一家商店");
    browser.click("form[action='/sites'] button[type=submit]");
    browser.wait_for_text("一家商店");

    browser.open(&format!("{url}/purposes"));
    let form = "form[action='/purposes']";
    browser.fill(&format!("{form} input[name=id]"), "delivery");
    browser.fill(&format!("{form} input[name=name_zh]"), "送货");
    browser.fill(&format!("{form} input[name=name_en]"), "delivery");
    browser.choose(&format!("{form} select[name=basis]"), "2");
    browser.fill(
        &format!("{form} input[name=fields]"),
        "person_name mobile address resident_id",
    );
    browser.click(&format!("{form} button[type=submit]"));
    browser.wait_for_text("delivery");
}

fn import(browser: &Browser, url: &str, file: &Path) {
    browser.open(&format!("{url}/imports"));
    browser.attach("input[name=file]", file);
    browser.click("form[action='/imports'] button[type=submit]");
    let _ = browser.find("select[name=kind1]");
    let guessed = browser.script(
        "return Array.from(document.querySelectorAll('select[name^=kind]')).map(one => one.value).join(' ')",
    );
    assert_eq!(
        guessed.as_str().unwrap(),
        "person_name resident_id mobile email bank_card address plate date_of_birth"
    );
    picture(browser, "import");
    browser.choose("select[name=site]", "shop");
    browser.click("form[action$='/start'] button[type=submit]");
    // Nothing was stored before; now the rows go in and the page follows by itself.
    let _ = browser.find(".tag.ok");
    browser.wait_for_text("600");
}

fn look(browser: &Browser, url: &str, mobile: &str, name: &str) {
    browser.open(&format!("{url}/look"));
    browser.choose("select[name=kind]", "mobile");
    browser.fill("textarea[name=values]", mobile);
    browser.choose("select[name=purpose]", "delivery");
    browser.click("input[name=field][value=person_name]");
    browser.click("input[name=field][value=mobile]");
    browser.click("input[name=view][value=plain]");
    browser.click("form[action='/look'] button[type=submit]");
    browser.wait_for_text(name);
    picture(browser, "look");

    // A field beyond the purpose is refused, and the page says why.
    browser.open(&format!("{url}/look"));
    browser.choose("select[name=kind]", "mobile");
    browser.fill("textarea[name=values]", mobile);
    browser.choose("select[name=purpose]", "delivery");
    browser.click("input[name=field][value=bank_card]");
    browser.click("input[name=view][value=masked]");
    browser.click("form[action='/look'] button[type=submit]");
    browser.wait_for_text("fields-within-purpose");
}

fn ask_export(browser: &Browser, url: &str) -> String {
    browser.open(&format!("{url}/exports"));
    let form = "form[action='/exports']";
    browser.fill(&format!("{form} input[name=recipient]"), "同城快递");
    browser.choose(&format!("{form} select[name=purpose]"), "delivery");
    for field in ["person_name", "mobile", "address"] {
        browser.click(&format!("{form} input[name=field][value={field}]"));
    }
    browser.script("document.querySelector(\"form[action='/exports'] input[name=expires]\").value = '2099-12-31'");
    browser.click(&format!("{form} button[type=submit]"));
    browser.wait_for_address("/exports/x_");
    picture(browser, "export");
    browser.address()
}

fn invite(browser: &Browser, url: &str) -> String {
    browser.open(&format!("{url}/admin"));
    for role in ["approver", "investigator", "desk"] {
        browser.click(&format!(
            "form[action='/admin/staff'] input[name=role][value={role}]"
        ));
    }
    browser.click("form[action='/admin/staff'] button[type=submit]");
    let link = browser.find("#once");
    browser.with(|_| async move { link.text().await })
}

fn person_page(browser: &Browser, url: &str, resident_id: &str) {
    browser.open(&format!("{url}/desk"));
    browser.choose("select[name=kind]", "resident_id");
    browser.fill("[name=value]", resident_id);
    browser.click("input[name=do][value=link]");
    browser.fill("[name=evidence]", "出示身份证原件");
    browser.click("form[action='/desk'] button[type=submit]");
    let _ = browser.find("#person-code");
    let shown = |id: &str| {
        let text = browser.script(&format!(
            "return document.getElementById('{id}').textContent"
        ));
        text.as_str().unwrap().to_owned()
    };
    let (link, code) = (shown("person-link"), shown("person-code"));
    browser.open(&link);
    browser.fill("input[name=code]", &code);
    browser.click("form[action^='/p/'] button[type=submit]");
    browser.wait_for_address("/me");
    // The page's own script checks every proof before it says so.
    let _ = browser.find("#trace[data-done=ok]");
    // And asks the log itself whether anything is missing.
    let _ = browser.find("#trace[data-complete=ok]");
    assert!(
        browser.count("li[data-n]") >= 4,
        "reads, a refusal, the export, the visit"
    );
    picture(browser, "person");
    browser.screen(Screen::PHONE);
    assert!(browser.fits(), "the person's page is wider than a phone");
    picture(browser, "person-phone");
    browser.screen(Screen::DESKTOP);

    browser.open(&format!("{url}/me/cancel"));
    browser.click("input[name=sure]");
    browser.click("form[action='/me/cancel'] button[type=submit]");
    let _ = browser.find("dl.figures");
}

fn leak(browser: &Browser, url: &str, file: &Path, expected: &str) {
    browser.open(&format!("{url}/leaks"));
    browser.attach("input[name=file]", file);
    browser.click("form[action='/leaks'] button[type=submit]");
    browser.wait_for_address("/leaks/u_");
    browser.wait_for_text(expected);
}

#[test]
fn the_loop_closes_in_a_browser() {
    let Some(browser) = browser_or_skip("the_loop_closes_in_a_browser") else {
        return;
    };
    let server = Server::plan(BIN).patience(Duration::from_secs(120)).start();
    let url = server.url().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let sheet = people(41, 600);

    browser.open(&format!("{url}/lang/zh?back=/login"));
    enrol(
        &browser,
        &server.link("/setup?secret=").expect("a one-time link"),
        "wang.admin",
        "管理员王",
    );
    declare(&browser, &url);
    import(
        &browser,
        &url,
        &file("名单.csv", sheet.delimited(Form::csv(Encoding::Gb18030))),
    );
    look(&browser, &url, &sheet.rows[5][2], &sheet.rows[5][0]);
    let export = ask_export(&browser, &url);
    assert_eq!(
        browser.count("form[action$='/decide']"),
        0,
        "nobody approves his own export"
    );
    let link = invite(&browser, &url);
    browser.click("form[action='/logout'] button[type=submit]");
    // Opening the next page at once would overtake the signing out.
    let _ = browser.find("form[action='/login']");

    enrol(&browser, &link, "li.second", "审核员李");
    browser.open(&export);
    browser.click("button[name=decision][value=approve]");
    let _ = browser.find(".tag.ok");
    browser.click("form[action$='/file'] button[type=submit]");
    let copy = std::fs::read(browser.downloaded(".csv")).unwrap();
    let copy = Sheet::from_csv(&copy);
    assert!(copy.rows.len() > 600, "canary rows are in the copy");

    let leaked = copy
        .subset(0.5, 7)
        .shuffled(8)
        .delimited(Form::tsv(Encoding::Utf16Le));
    leak(&browser, &url, &file("turned-up.txt", leaked), "同城快递");
    picture(&browser, "leak");
    leak(
        &browser,
        &url,
        &file("own.csv", sheet.delimited(Form::csv(Encoding::Utf8))),
        "没有证据",
    );

    browser.open(&format!("{url}/"));
    picture(&browser, "home");
    browser.screen(Screen::PHONE);
    assert!(browser.fits(), "the first page is wider than a phone");
    picture(&browser, "home-phone");
    browser.screen(Screen::DESKTOP);
    person_page(&browser, &url, &sheet.rows[5][1]);
    let complaints = browser.complaints();
    assert!(
        complaints.is_empty(),
        "the browser complained: {complaints:?}"
    );
    assert!(server.stop().success());
}
