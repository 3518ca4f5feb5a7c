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
use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Encoding, Font, Picture, encode};
use liuhen_service::{Caller, Session};
use liuhen_testkit::pdf::{Leaf, document};
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

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pdf_is_told_and_never_a_fault() {
    let models = hollow_models();
    let world = World::looking(models.path());
    let session = world.first_admin().await;
    let admin = session_of(&session);
    let limits = world.service.review_limits().unwrap();
    let page = Leaf::Text(&["call 13800138000"]);
    let good = document(&[page]);
    let text = String::from_utf8(good.clone()).unwrap();
    let with = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new).into_bytes()
    };
    // One page more than is taken; pages whose pixels are too many together; a picture that says it
    // is very large, as an object and within the page; a stream that unpacks to 300 MiB.
    let many = document(&vec![page; limits.pages + 1]);
    let wide = String::from_utf8(document(&vec![page; limits.pages])).unwrap();
    let wide = wide
        .replace("[0 0 432 288]", "[0 0 3000 3000]")
        .into_bytes();
    let huge = "<</Subtype/Image/Width 90000/Height 90000/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n0\nendstream";
    let drawn = "BI /W 90000 /H 90000 /CS /G /BPC 8 ID 0 EI";
    let zeros = vec![0; 300 << 20];
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &zeros).unwrap();
    let packed = packed.finish().unwrap();
    let mut bomb = good.clone();
    let object = format!(
        "\n99 0 obj\n<</Filter/FlateDecode/Length {}>>stream\n",
        packed.len()
    );
    bomb.extend([object.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat());
    let files = [
        (
            "locked.pdf",
            with("/Info 4 0 R", "/Encrypt 4 0 R"),
            "encrypted",
        ),
        ("cut.pdf", good[..40].to_vec(), "damaged"),
        ("head.pdf", b"%PDF-1.7".to_vec(), "damaged"),
        (
            "none.pdf",
            with("/Kids[5 0 R]/Count 1", "/Kids[]/Count 0"),
            "damaged",
        ),
        ("many.pdf", many, "too_many_pages"),
        ("wide.pdf", wide, "too_large"),
        (
            "huge.pdf",
            with("\nnull\n", &format!("\n{huge}\n")),
            "too_large",
        ),
        (
            "drawn.pdf",
            with("BT /F", &format!("{drawn} BT /F")),
            "too_large",
        ),
        ("bomb.pdf", bomb, "too_large"),
        // The files of the networks are not what they should be.
        ("good.pdf", good, "networks_failed"),
    ];
    let parts: Vec<(&str, Option<&str>, &[u8])> = files
        .iter()
        .map(|(name, bytes, _)| ("file", Some(*name), bytes.as_slice()))
        .collect();
    world.form(&admin, "/redact", &parts).await.expect(303);
    settled(&world, &admin).await;
    let listed = world.get(&admin, "/v1/redactions").await.expect(200).json();
    for (one, (name, _, problem)) in listed.as_array().unwrap().iter().zip(&files) {
        assert_eq!(one["state"], "refused", "{name}");
        assert_eq!(one["problem"], *problem, "{name}");
        assert_eq!(one["pages"], serde_json::json!([]), "{name}");
    }
    for (lang, words) in [
        ("zh", ["PDF 有密码", "请分成几份"]),
        ("en", ["locked by a password", "bring it in parts"]),
    ] {
        let page = visit(&world, &admin, "/redact", lang).await.expect(200);
        let text = page.text();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

/// A page with words as a picture: dark letters on grey. Nothing without a font with Chinese.
fn form() -> Option<Vec<u8>> {
    let lines = ["姓名：周晓燕", "联系电话：15412345678"];
    let Ok(font) = Font::find(None, &lines.concat()) else {
        eprintln!("SKIP: no font with Chinese letters here");
        return None;
    };
    let mut pen = Pen::new(&font, 34.0).unwrap();
    let mut page = Raster::new(720, 300, 235).unwrap();
    for (line, base) in lines.iter().zip([100.0, 200.0]) {
        page.line(&mut pen, line, (60.0, base), 25);
    }
    let picture = Picture::from_grey(720, 300, page.pixels()).unwrap();
    Some(encode(&picture, Encoding::Jpeg { quality: 90 }).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_decided_on_by_its_pages() {
    let (Some(models), Some(jpeg)) = (models(), form()) else {
        return;
    };
    let world = World::looking(models);
    let session = world.first_admin().await;
    let admin = session_of(&session);
    let file = document(&[
        Leaf::Text(&["mobile 13912345678", "mail ouyang.yi@example.com"]),
        Leaf::Picture(&jpeg, 720, 300),
    ]);
    let parts = [("file", Some("张某某.pdf"), &file[..])];
    let taken = world.form(&admin, "/v1/redactions", &parts).await;
    let id = taken.expect(202).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    settled(&world, &admin).await;
    let api = format!("/v1/redactions/{id}");
    let one = world.get(&admin, &api).await.expect(200).json();
    assert_eq!(
        (&one["state"], &one["problem"]),
        (&"open".into(), &Value::Null)
    );
    // 6 by 4 inches at 200 to the inch.
    assert_eq!(
        one["pages"][0],
        serde_json::json!({"number": 1, "width": 1200, "height": 800})
    );
    assert_eq!(
        (&one["width"], one["pages"].as_array().unwrap().len()),
        (&1200.into(), 2)
    );
    let marks = one["marks"].as_array().unwrap();
    let on = |page: u64, kind: &str| {
        let mut marks = marks.iter().filter(|mark| mark["page"] == page);
        marks.find(|mark| mark["kinds"].as_array().unwrap().contains(&kind.into()))
    };
    for (page, kind) in [
        (1, "mobile"),
        (1, "email"),
        (2, "mobile"),
        (2, "person_name"),
    ] {
        assert!(on(page, kind).is_some(), "{page} {kind}: {marks:?}");
    }
    let numbers: Vec<u64> = marks
        .iter()
        .map(|mark| mark["number"].as_u64().unwrap())
        .collect();
    assert!((1..).zip(&numbers).all(|(at, number)| at == *number));
    for (page, status) in [(1, 200), (2, 200), (3, 404), (0, 404)] {
        let shown = world.get(&admin, &format!("{api}/pages/{page}")).await;
        let shown = shown.expect(status);
        assert_eq!(shown.header("content-type") == "image/jpeg", status == 200);
    }

    // The page of the console has this page's marks, and goes on by what was decided on it.
    let second = visit(&world, &admin, &format!("/redact/{id}?page=2"), "en").await;
    let text = second.expect(200).text();
    assert!(text.contains("Page 2 of 2") && !text.contains("name=\"release\" value=\"1\""));
    let first = on(1, "mobile").unwrap()["number"].to_string();
    let fields = format!("page=1&go=2&release={first}");
    let path = format!("/redact/{id}");
    let gone = send(&world, &session, &path, &fields).await.expect(303);
    assert_eq!(gone.header("location"), format!("/redact/{id}?page=2"));
    let one = world.get(&admin, &api).await.expect(200).json();
    assert_eq!(one["state"], "open", "what is only kept is not painted");
    assert_eq!(
        one["decision"]["released"].to_string(),
        format!("[{first}]")
    );
    let other = send(&world, &session, &path, &format!("page=2&release={first}")).await;
    assert!(other.expect(422).text().contains("id=\"review\""));

    // The API decides on all pages at once, and says on which a box is.
    let decide = format!("{api}/decision");
    for wrong in [
        serde_json::json!({"drawn_on": {"3": [[1, 1, 5, 5]]}}),
        serde_json::json!({"drawn_on": {"2": [[5000, 1, 5, 5]]}}),
        serde_json::json!({"released": [99]}),
    ] {
        world
            .post(&admin, &decide, wrong)
            .await
            .problem(422, "invalid");
    }
    let decision = serde_json::json!({
        "released": [first.parse::<u64>().unwrap()],
        "drawn": [[4, 4, 60, 60]],
        "drawn_on": {"2": [[8, 8, 40, 30]]},
    });
    world.post(&admin, &decide, decision).await.expect(202);
    settled(&world, &admin).await;
    let one = world.get(&admin, &api).await.expect(200).json();
    assert_eq!(
        (&one["state"], &one["problem"]),
        (&"saved".into(), &Value::Null)
    );
    assert_eq!(
        one["decision"]["drawn"],
        serde_json::json!([[4, 4, 60, 60]])
    );
    assert_eq!(
        one["decision"]["drawn_on"],
        serde_json::json!({"2": [[8, 8, 40, 30]]})
    );
    assert_eq!(one["copy"]["file_name"], "document-001.pdf");
    let sum: Value = world
        .get(&admin, "/redact/summary")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&sum["pictures"], &sum["pages"], &sum["added"]),
        (&1.into(), &2.into(), &2.into())
    );
    assert_eq!(sum["lines"][0]["released"][0]["page"], 1);

    let copy = world.get(&admin, &format!("{api}/file")).await.expect(200);
    assert_eq!(copy.header("content-type"), "application/pdf");
    let holds = |word: &[u8]| copy.body.windows(word.len()).any(|window| window == word);
    for word in ["13912345678", "ouyang", "/Font", "/Author", "张某某"] {
        assert!(!holds(word.as_bytes()), "{word}");
    }
    // Each page of the copy is shown as it lies in it: its boxes black, what was released white and dark.
    let shown = |page: u32| {
        let (world, admin, copy) = (&world, &admin, &copy);
        let path = format!("/redact/{id}/copy?page={page}");
        async move {
            let shown = world.get(admin, &path).await.expect(200);
            assert_eq!(shown.header("content-type"), "image/jpeg");
            assert!(
                copy.body
                    .windows(64)
                    .any(|window| window == &shown.body[..64])
            );
            liuhen_picture::decode(&shown.body, &liuhen_picture::Limits::default()).unwrap()
        }
    };
    let dark = |picture: &Picture, [left, top, wide, high]: [usize; 4]| {
        let at = |x: usize, y: usize| picture.pixels()[(y * picture.width() as usize + x) * 3];
        let points = (top..top + high).flat_map(|y| (left..left + wide).map(move |x| (x, y)));
        points.filter(|&(x, y)| at(x, y) < 40).count() * 100 / (wide * high)
    };
    let area = |mark: &Value| {
        [0, 1, 2, 3].map(|at| usize::try_from(mark["area"][at].as_u64().unwrap()).unwrap())
    };
    let (first, second) = (shown(1).await, shown(2).await);
    assert_eq!(dark(&first, [6, 6, 50, 50]), 100);
    assert_eq!(dark(&second, [10, 10, 30, 20]), 100);
    assert!(
        dark(&first, area(on(1, "mobile").unwrap())) < 60,
        "released"
    );
    assert!(dark(&first, area(on(1, "email").unwrap())) > 95);
    for kind in ["mobile", "person_name"] {
        assert!(dark(&second, area(on(2, kind).unwrap())) > 95, "{kind}");
    }
    let missing = world
        .get(&admin, &format!("/redact/{id}/copy?page=3"))
        .await;
    missing.expect(404);
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
