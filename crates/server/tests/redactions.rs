//! Pictures brought to the console and the API: what is refused and how, whose they are, when they go.
//!
//! What looks at pictures needs `LIUHEN_MODELS`, a folder with weights (`liuhen models install`); it says SKIP without them, and fails instead with `LIUHEN_REQUIRE_MODELS`. What needs no look is tried with files in their place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that fails is a failed test"
)]

mod common;

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request};
use common::{As, Reply, World, request, session_of};
use liuhen_picture::{Encoding, Picture, encode};
use liuhen_service::{Caller, Session};
use serde_json::Value;

/// A small picture of another program's making; it shows nobody.
const PNG: &[u8] = include_bytes!("../../picture/tests/pictures/sixteen.png");
const ANIMATED: &[u8] = include_bytes!("../../picture/tests/pictures/animated.webp");

/// What looking at pictures takes, by name only: whoever opens one finds that it is changed.
fn hollow_models() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "centerface.onnx",
        "ch_PP-OCRv4_det_infer.onnx",
        "ch_PP-OCRv4_rec_infer.onnx",
        "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "face_detection_yunet_2023mar_int8bq.onnx",
    ] {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    folder
}

fn models() -> Option<PathBuf> {
    let found = std::env::var_os("LIUHEN_MODELS").filter(|value| !value.is_empty());
    if found.is_none() {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS is not set"
        );
        eprintln!("SKIP: LIUHEN_MODELS is not set");
    }
    found.map(PathBuf::from)
}

/// What a browser sends when it goes to a page.
async fn visit(world: &World, who: &As, path: &str, lang: &str) -> Reply {
    let mut request = request(Method::GET, who, path, Body::empty());
    let headers = request.headers_mut();
    headers.insert("accept", "text/html".parse().unwrap());
    headers.insert("accept-language", lang.parse().unwrap());
    world.send(request).await
}

/// A form of a page, without a file.
async fn send(world: &World, session: &Session, path: &str, fields: &str) -> Reply {
    let fields = format!("_csrf={}&{fields}", session.csrf);
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", "localhost:8420")
        .header("accept", "text/html")
        .header("cookie", format!("liuhen_staff={}", session.secret))
        .header("content-type", "application/x-www-form-urlencoded");
    world.send(request.body(Body::from(fields)).unwrap()).await
}

/// Signs a second member of staff in.
async fn second(world: &World) -> Session {
    let link = world
        .service
        .invite_staff(&Caller::local(), &[liuhen_service::Role::Reader])
        .await
        .unwrap();
    world.enrol(&link, "second.one").await
}

/// Waits until nothing is under way.
async fn settled(world: &World, who: &As) -> String {
    for _ in 0..2_400 {
        let part = visit(world, who, "/redact/progress", "en")
            .await
            .expect(200);
        let text = part.text();
        if !text.contains("hx-trigger") {
            return text;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the pictures were never done");
}

fn ids(page: &str) -> Vec<String> {
    let rest = page.split("<a href=\"/redact/").skip(1);
    let ids = rest.map(|rest| rest.split('"').next().unwrap().to_owned());
    ids.filter(|id| id.starts_with("r_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_models_the_page_names_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::looking(folder.path());
    let admin = session_of(&world.first_admin().await);
    for (lang, words) in [("zh", "缺少模型"), ("en", "models are missing")] {
        let page = visit(&world, &admin, "/redact", lang).await.expect(200);
        let text = page.text();
        assert!(
            text.contains(words) && text.contains("liuhen models install"),
            "{text}"
        );
        assert!(!text.contains("type=\"file\""));
    }
    let parts = [("file", Some("a.png"), PNG)];
    let mut reply = world.form(&admin, "/redact", &parts).await.expect(503);
    assert!(reply.text().contains("liuhen models install"));
    reply = world.form(&admin, "/v1/redactions", &parts).await;
    let problem = reply.problem(503, "models_missing");
    assert!(problem.text().contains("liuhen models install"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_told_and_never_a_fault() {
    let models = hollow_models();
    let world = World::looking(models.path());
    let session = world.first_admin().await;
    let admin = session_of(&session);
    // A header that announces 100,000 x 100,000 pixels, with the checksum of its chunk right.
    let mut bomb = PNG.to_vec();
    bomb[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    let sum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    let long = vec![0_u8; (32 << 20) + 1];
    let mut flipped = PNG.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let parts: [(&str, Option<&str>, &[u8]); 9] = [
        ("file", Some("cut.png"), &PNG[..PNG.len() / 2]),
        ("file", Some("head.png"), &PNG[..20]),
        ("file", Some("bomb.png"), &bomb),
        ("file", Some("flipped.png"), &flipped),
        ("file", Some("animated.webp"), ANIMATED),
        ("file", Some("<b>text.jpg"), b"no picture at all"),
        ("file", Some("empty.png"), b""),
        ("file", Some("long.png"), &long),
        ("file", Some("good.png"), PNG),
    ];
    let reply = world.form(&admin, "/redact", &parts).await.expect(303);
    assert_eq!(reply.header("location"), "/redact");
    settled(&world, &admin).await;
    let listed = world.get(&admin, "/v1/redactions").await.expect(200).json();
    let found: Vec<(&str, &str, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            (text("name"), text("state"), text("problem"))
        })
        .collect();
    let refused = |name, problem| (name, "refused", problem);
    assert_eq!(
        found,
        [
            refused("cut.png", "damaged"),
            refused("head.png", "damaged"),
            refused("bomb.png", "too_large"),
            refused("flipped.png", "damaged"),
            refused("animated.webp", "several_pictures"),
            refused("<b>text.jpg", "no_picture"),
            refused("empty.png", "no_picture"),
            refused("long.png", "too_large"),
            // The files of the networks are not what they should be.
            refused("good.png", "networks_failed"),
        ]
    );
    for (lang, words) in [("zh", "不是能读的图片"), ("en", "no picture that is read")] {
        let page = visit(&world, &admin, "/redact", lang)
            .await
            .expect(200)
            .text();
        assert!(page.contains(words) && !page.contains("<b>text"), "{page}");
    }
    // There is nothing to hand out, and no file at all is told.
    send(&world, &session, "/redact/files", "")
        .await
        .expect(404);
    let none = [("file", Some(""), &b""[..])];
    world.form(&admin, "/redact", &none).await.expect(400);
    // A session alone brings nothing in: the token is missing.
    let As::Session(secret, _) = &admin else {
        panic!("a session")
    };
    let cookie = As::Cookie(secret.clone());
    world
        .form(&cookie, "/redact", &parts[8..])
        .await
        .expect(403);
}

/// The checksum of a chunk, as ISO/IEC 15948 says.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_their_bringers_alone_and_go_with_him() {
    let Some(models) = models() else { return };
    let world = World::looking(models);
    let session = world.first_admin().await;
    let admin = session_of(&session);
    let blank = encode(&Picture::blank(320, 240, [250; 3]).unwrap(), Encoding::Png).unwrap();
    let parts = [("file", Some("张某某13800138000.png"), &blank[..])];
    world.form(&admin, "/redact", &parts).await.expect(303);
    // Without scripts the page comes again by itself, as long as there is something to wait for.
    let reload = visit(&world, &admin, "/redact?reload=yes", "en").await;
    let waits = reload.text().contains("hx-trigger");
    assert_eq!(reload.headers.contains_key("refresh"), waits);
    let part = settled(&world, &admin).await;
    let reload = visit(&world, &admin, "/redact?reload=yes", "en").await;
    assert!(!reload.headers.contains_key("refresh"));
    let id = ids(&part).remove(0);
    let path = |rest: &str| format!("/redact/{id}{rest}");

    let page = visit(&world, &admin, &path(""), "en").await.expect(200);
    let text = page.text();
    assert!(text.contains("320") && text.contains("viewBox=\"0 0 320 240\""));
    assert!(!text.contains(" style=") && !text.contains("onclick"));
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let shown = world.get(&admin, &path("/picture")).await.expect(200);
    assert_eq!(shown.header("content-type"), "image/jpeg");
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    world.get(&admin, &path("/copy")).await.expect(404);

    // What does not fit is said on the page, and nothing is painted.
    for wrong in ["release=1", "left=1", "left=400&top=0&width=5&height=5"] {
        let reply = send(&world, &session, &path(""), wrong).await;
        assert!(reply.status.is_client_error(), "{wrong}: {}", reply.status);
        assert!(reply.text().contains("id=\"review\""), "{wrong}");
    }
    let drawn = "left=10&top=20&width=100&height=50";
    send(&world, &session, &path(""), drawn).await.expect(303);
    settled(&world, &admin).await;
    let copy = send(&world, &session, &path("/file"), "").await.expect(200);
    assert_eq!(copy.header("content-type"), "image/png");
    assert_eq!(
        copy.header("content-disposition"),
        "attachment; filename=\"picture-001.png\""
    );
    let picture = liuhen_picture::decode(&copy.body, &liuhen_picture::Limits::default()).unwrap();
    let dark = picture.pixels().chunks(3).filter(|pixel| **pixel == [0; 3]);
    assert_eq!(dark.count(), 100 * 50);
    let zip = send(&world, &session, "/redact/files", "")
        .await
        .expect(200);
    assert_eq!(zip.header("content-type"), "application/zip");
    let holds = |name: &[u8]| zip.body.windows(name.len()).any(|window| window == name);
    assert!(holds(b"picture-001.png") && holds(b"summary.json"));
    let name = "张某某".as_bytes();
    assert!(!holds(name) && !holds(b"13800138000"));
    let sum: Value = world
        .get(&admin, "/redact/summary")
        .await
        .expect(200)
        .json();
    assert_eq!(sum["copies"], 1);
    assert_eq!(sum["added"], 1);
    assert_eq!(
        sum["lines"][0]["added"][0],
        serde_json::json!([10, 20, 100, 50])
    );
    assert!(!sum.to_string().contains("13800138000"));

    // Nobody else has it, not even an administrator's key.
    let other_session = second(&world).await;
    let other = session_of(&other_session);
    for rest in ["", "/picture", "/copy", "/progress"] {
        world.get(&other, &path(rest)).await.expect(404);
    }
    for rest in ["", "/file", "/discard"] {
        send(&world, &other_session, &path(rest), "")
            .await
            .expect(404);
    }
    let api = format!("/v1/redactions/{id}");
    world.get(&other, &api).await.problem(404, "not_found");
    world.delete(&other, &api).await.problem(404, "not_found");
    assert!(
        !visit(&world, &other, "/redact", "en")
            .await
            .text()
            .contains(&id)
    );
    world.get(&admin, &api).await.expect(200);

    // Every act is traced, without a name of a file.
    let events = world.get(&admin, "/v1/events?limit=50").await.expect(200);
    assert!(!events.text().contains("13800138000"));
    let events = events.json();
    let did: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "redaction")
        .map(|event| {
            let details = event["details"].as_array().unwrap();
            let did = details.iter().find(|pair| pair["key"] == "did").unwrap();
            did["value"].as_str().unwrap()
        })
        .collect();
    assert_eq!(did, ["handed_out", "handed_out", "saved", "taken"]);

    // Who signs out leaves nothing.
    send(&world, &session, "/logout", "").await.expect(303);
    assert!(
        world
            .service
            .reviews(&session.caller(), false)
            .unwrap()
            .is_empty()
    );
}
