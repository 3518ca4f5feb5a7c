//! The pages over a real service: doors, languages, policy of content, escaping, and a person's proofs checked by the page's own script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that fails is a failed test"
)]

mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use common::{As, Reply, World, request, session_of};
use liuhen_kinds::Kind;
use liuhen_service::{Caller, ExportRequest, ExportState, Handle, ReadRequest, View};
use liuhen_testkit::people;
use serde_json::{Value, json};

/// Every page that needs no id.
const PAGES: [&str; 14] = [
    "/",
    "/imports",
    "/purposes",
    "/policies",
    "/sites",
    "/trace",
    "/look",
    "/readers",
    "/exports",
    "/redact",
    "/faces",
    "/leaks",
    "/desk",
    "/admin",
];

/// What a browser sends when it goes to a page.
async fn visit(world: &World, who: &As, path: &str, lang: &str) -> Reply {
    let mut request = request(Method::GET, who, path, Body::empty());
    let headers = request.headers_mut();
    headers.insert(
        "accept",
        "text/html,application/xhtml+xml,*/*;q=0.8".parse().unwrap(),
    );
    headers.insert("accept-language", lang.parse().unwrap());
    world.send(request).await
}

/// What a browser sends with a form; `cookie` is the whole header.
fn form(path: &str, cookie: &str, fields: &str) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", "localhost:8420")
        .header("accept", "text/html")
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(fields.to_owned()))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_sent_to_the_door() {
    let world = World::new();
    for page in PAGES {
        let reply = visit(&world, &As::Nobody, page, "zh").await.expect(303);
        assert!(
            reply.header("location").starts_with("/login"),
            "{page}: {}",
            reply.header("location")
        );
    }
    let reply = visit(&world, &As::Nobody, "/me", "zh").await.expect(303);
    assert!(reply.header("location").starts_with("/portal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_both_languages_and_hold_nothing_inline() {
    let world = World::new();
    let admin = session_of(&world.first_admin().await);
    for page in PAGES.into_iter().chain(["/login", "/portal", "/p/none"]) {
        for (lang, tag) in [
            ("zh-CN", "<html lang=\"zh-CN\">"),
            ("en-GB", "<html lang=\"en\">"),
        ] {
            let reply = visit(&world, &admin, page, lang).await.expect(200);
            assert!(
                reply
                    .header("content-security-policy")
                    .starts_with("default-src 'none'; script-src 'self'"),
                "{page}"
            );
            assert_eq!(reply.header("cache-control"), "no-store", "{page}");
            let text = reply.text();
            assert!(text.contains(tag), "{page} in {lang}");
            assert!(
                !text.contains(" style=")
                    && !text.contains("<style")
                    && !text.contains(" onclick="),
                "{page}"
            );
            assert_eq!(
                text.matches("<script").count(),
                text.matches("<script src=\"/assets/").count(),
                "{page}"
            );
            assert!(
                text.contains("href=\"#main\"") && text.contains("id=\"main\""),
                "{page}: a way past the navigation"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_pages_for_people_and_problems_for_programs() {
    let world = World::new();
    for (lang, words) in [("zh", "没有找到"), ("en", "Not found")] {
        let reply = visit(&world, &As::Nobody, "/nowhere", lang)
            .await
            .expect(404);
        let text = reply.text();
        assert!(
            text.contains(words) && text.contains(reply.header("x-request-id")),
            "{text}"
        );
    }
    world
        .get(&As::Nobody, "/nowhere")
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_forms_without_the_sessions_token() {
    let world = World::new();
    let session = world.first_admin().await;
    let cookie = format!("liuhen_staff={}", session.secret);
    for fields in [
        "id=a&name=b",
        "_csrf=&id=a&name=b",
        "_csrf=wrong&id=a&name=b",
    ] {
        let reply = world
            .send(form("/sites", &cookie, fields))
            .await
            .expect(403);
        assert!(reply.text().contains(reply.header("x-request-id")));
    }
    let good = format!(
        "_csrf={}&id=shop&name=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        session.csrf
    );
    world.send(form("/sites", &cookie, &good)).await.expect(303);
    let page = visit(&world, &session_of(&session), "/sites", "en")
        .await
        .text();
    assert!(
        !page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_remembered_and_leads_only_home() {
    let world = World::new();
    let rows = [
        ("/lang/en?back=/login", "/login"),
        ("/lang/en?back=//evil.example/", "/"),
        ("/lang/zh?back=https://evil.example", "/"),
    ];
    for (path, expected) in rows {
        let reply = visit(&world, &As::Nobody, path, "zh").await.expect(303);
        assert_eq!(reply.header("location"), expected);
        assert!(reply.header("set-cookie").starts_with("liuhen_lang="));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_are_answered_alike() {
    let world = World::new();
    world.first_admin().await;
    let mut pages = Vec::new();
    for fields in [
        "login=first.admin&password=wrong&code=000000",
        "login=nobody.here&password=wrong&code=000000",
    ] {
        let text = world
            .send(form("/login", "", fields))
            .await
            .expect(401)
            .text();
        pages.push(text.replace("first.admin", "x").replace("nobody.here", "x"));
    }
    assert_eq!(pages[0], pages[1]);
}

/// The value of an attribute, unescaped as a browser would.
fn attribute(page: &str, name: &str) -> Vec<String> {
    let start = format!("{name}=\"");
    let values = page
        .split(&start)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    values
        .map(|value| {
            value
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
        })
        .collect()
}

fn one(page: &str, name: &str) -> String {
    attribute(page, name)
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("no {name} in {page}"))
}

/// A vault in which one person was looked at and exported; answers his handle.
async fn touched(world: &World, admin: &liuhen_service::Session) -> Handle {
    let sheet = people(7, 60);
    let (_, fields) = world.import(&session_of(admin), &sheet, None).await;
    let field = |kind: &str| fields[kind].as_str().unwrap().to_owned();
    let (mobile, name) = (field("mobile"), field("person_name"));
    world
        .purpose(&session_of(admin), "care", 2, &[&mobile, &name])
        .await;
    let column = sheet
        .header
        .iter()
        .position(|header| header.contains("手机"))
        .unwrap();
    let handle = Handle::Value {
        kind: Kind::MOBILE,
        value: sheet.rows[0][column].clone(),
    };
    let ask = ReadRequest {
        purpose: "care".into(),
        subjects: vec![handle.clone()],
        collection: None,
        fields: vec![mobile.clone()],
        view: View::Masked,
        questions: vec![],
        reference: None,
    };
    world.service.read(&admin.caller(), &ask).await.unwrap();
    let export = ExportRequest {
        recipient: "Courier <b>Ltd</b>".into(),
        purpose: "care".into(),
        collection: "members".into(),
        fields: vec![mobile, name],
        limit: None,
        format: "csv".into(),
        encoding: "utf-8".into(),
        exact: false,
        extra_canaries: None,
        expires: i64::MAX / 2,
        note: String::new(),
    };
    let asked = world
        .service
        .request_export(&admin.caller(), export)
        .await
        .unwrap();
    world
        .service
        .decide_export(&Caller::local(), &asked.id, true)
        .await
        .unwrap();
    for _ in 0..200 {
        if world
            .service
            .export(&admin.caller(), &asked.id)
            .unwrap()
            .state
            == ExportState::Ready
        {
            return handle;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the export was never ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_page_carries_proofs_that_its_script_accepts() {
    let world = World::new();
    let admin = world.first_admin().await;
    let handle = touched(&world, &admin).await;
    let invite = world
        .service
        .invite_person(&admin.caller(), &handle, "card seen")
        .await
        .unwrap();
    let door = format!("/p/{}", invite.link_secret);
    world
        .send(form(&door, "", "code=00000000"))
        .await
        .expect(401);
    let reply = world
        .send(form(&door, "", &format!("code={}", invite.code)))
        .await
        .expect(303);
    let cookie = reply
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();

    let page = own_page(&world, &cookie).await;
    assert!(
        page.contains("打码") && page.contains("导出给了Courier &lt;b&gt;Ltd&lt;/b&gt;"),
        "{page}"
    );
    check_with_node(&page);
    cancels(&world, &cookie, &one(&page, "name=\"_csrf\" value")).await;
}

/// The page once every entry has its proof: a checkpoint follows within a second, later on a busy machine.
async fn own_page(world: &World, cookie: &str) -> String {
    for _ in 0..20 {
        let mut ask = request(Method::GET, &As::Nobody, "/me", Body::empty());
        ask.headers_mut().insert("cookie", cookie.parse().unwrap());
        ask.headers_mut()
            .insert("accept-language", "zh".parse().unwrap());
        let page = world.send(ask).await.expect(200).text();
        if attribute(&page, "data-n").len() == attribute(&page, "data-proof").len() {
            return page;
        }
    }
    panic!("no checkpoint covered the newest entries");
}

/// Runs verify.js over what the page carries.
fn check_with_node(page: &str) {
    let numbers = attribute(page, "data-n");
    let proofs = attribute(page, "data-proof");
    // A read, an export, an invitation, a wrong code and the right one.
    assert!(
        numbers.len() == 5 && numbers.len() == proofs.len(),
        "{} of {}",
        proofs.len(),
        numbers.len()
    );
    let entries: Vec<Value> = numbers
        .iter()
        .zip(&proofs)
        .map(|(n, proof)| json!({"n": n.parse::<u64>().unwrap(), "proof": serde_json::from_str::<Value>(proof).unwrap()}))
        .collect();
    assert!(
        entries
            .iter()
            .any(|entry| entry["proof"]["chunk"].is_object()),
        "the export is among them"
    );
    let mut trace: BTreeMap<&str, Value> = ["key", "checkpoint", "vkey", "origin"]
        .map(|name| (name, one(page, &format!("data-{name}")).into()))
        .into();
    trace.insert(
        "total",
        one(page, "data-total").parse::<u64>().unwrap().into(),
    );
    trace.insert("entries", entries.into());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace.json");
    std::fs::write(&file, serde_json::to_vec(&trace).unwrap()).unwrap();
    let test = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/verify.test.mjs");
    match Command::new("node")
        .arg("--test")
        .arg(test)
        .env("LIUHEN_TRACE", &file)
        .output()
    {
        Ok(run) => assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stdout)
        ),
        Err(_) => eprintln!("SKIP: node is absent, the page's proofs were not checked"),
    }
}

/// The two steps of cancelling: nothing without the tick, and afterwards the page is gone.
async fn cancels(world: &World, cookie: &str, csrf: &str) {
    let unticked = world
        .send(form("/me/cancel", cookie, &format!("_csrf={csrf}")))
        .await
        .expect(200);
    assert!(
        !unticked.headers.contains_key("set-cookie"),
        "still signed in"
    );
    let done = world
        .send(form(
            "/me/cancel",
            cookie,
            &format!("_csrf={csrf}&sure=yes"),
        ))
        .await
        .expect(200);
    assert!(done.header("set-cookie").contains("Max-Age=0"));
    let mut ask = request(Method::GET, &As::Nobody, "/me", Body::empty());
    ask.headers_mut().insert("cookie", cookie.parse().unwrap());
    world.send(ask).await.expect(303);
}
