//! A capture in a real browser whose camera is a program that plays a photograph: the page asks,
//! records and sends, and the server doubts for the reasons that are true of it.
//!
//! Needs Chromium, `LIUHEN_MODELS` and `LIUHEN_PHOTOS` with `astronaut.png` (NASA, public domain,
//! from the package scikit-image); says SKIP without them, unless they are required.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

mod world;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use liuhen_kinds::Kind;
use liuhen_picture::{Encoding as Written, Limits, decode, encode};
use liuhen_service::{Caller, Handle, Role};
use liuhen_testkit::{Api, Encoding, Form, Server, browser_with_camera_or_skip, people};
use serde_json::{Value, json};

fn photograph() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let photo = named("LIUHEN_MODELS").and(named("LIUHEN_PHOTOS"));
    let photo = photo.map(|folder| PathBuf::from(folder).join("astronaut.png"));
    let photo = photo.filter(|path| path.is_file());
    if photo.is_none() {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS or LIUHEN_PHOTOS lacks what is needed"
        );
        let _unheard = writeln!(std::io::stderr(), "SKIP capture: no models or photographs");
    }
    photo
}

/// A photograph as a film of itself, as Chromium's fake camera plays it.
fn film(photo: &std::path::Path, to: &std::path::Path) {
    let picture = decode(&std::fs::read(photo).unwrap(), &Limits::default()).unwrap();
    let frame = encode(&picture.flattened(), Written::Jpeg { quality: 90 }).unwrap();
    std::fs::write(to, frame.repeat(10)).unwrap();
}

#[test]
fn a_photograph_before_the_camera_is_doubted_for_what_it_is() {
    let Some(photo) = photograph() else { return };
    let dir = tempfile::tempdir().unwrap();
    let camera = dir.path().join("camera.mjpeg");
    film(&photo, &camera);
    let Some(browser) = browser_with_camera_or_skip("capture", &camera) else {
        return;
    };
    let data = dir.path().join("data");
    let sheet = people(3, 2);
    let phone = sheet.column("手机号");
    let [mobile, other] = [0, 1].map(|at| sheet.rows[at][phone].clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (key, invite) = runtime.block_on(async {
        let service = world::open(&data);
        world::prepare(&service).await;
        let caller = Caller::local();
        let mut purpose = service.purposes().remove(0);
        purpose.id = "gate".to_owned();
        purpose.basis = 1;
        purpose.fields = vec!["face".to_owned()];
        purpose.face_alternative = Some("出示证件，由窗口核对".to_owned());
        service.put_purpose(&caller, purpose).await.unwrap();
        let form = Form::csv(Encoding::Utf8);
        world::start_import(&service, &sheet.delimited(form)).await;
        world::settle(&service).await;
        let roles = [Role::Reader, Role::Admin];
        let (_, key) = service
            .create_api_key(&caller, "gate", &roles, Some("shop"))
            .await
            .unwrap();
        let person = Handle::Value {
            kind: Kind::MOBILE,
            value: mobile.clone(),
        };
        let consent = service.set_consent(&caller, &person, "gate", true, "form 7", None);
        consent.await.unwrap();
        let invite = service.invite_person(&caller, &person, "card seen");
        let invite = invite.await.unwrap();
        service.close().unwrap();
        (key, invite)
    });
    let server = Server::plan(env!("CARGO_BIN_EXE_liuhen"))
        .data(&data)
        .patience(Duration::from_secs(120))
        .start();
    let api = Api::new(server.url()).with_key(&key);
    let has_network = PathBuf::from(std::env::var_os("LIUHEN_MODELS").unwrap())
        .join("fr_liveness.onnx")
        .is_file();
    let ask_of = |mobile: &str, purpose: &str| {
        let ask = json!({
            "person": {"kind": "mobile", "value": mobile}, "purpose": purpose, "demand": "strict",
            "signed": true, "compare": true, "passive": has_network,
        });
        api.post("/v1/captures", &ask)
    };
    let ask = |purpose: &str| ask_of(&mobile, purpose);
    // Nor is the opt-in network asked where it is not installed.
    let passive = json!({
        "person": {"kind": "mobile", "value": mobile}, "purpose": "gate", "passive": true,
    });
    if !has_network {
        let refused = api.post("/v1/captures", &passive);
        let said = refused.json()["detail"].to_string();
        assert!(said.contains("models install --liveness"), "{said}");
    }
    // Nor may anybody who has not consented be asked.
    assert_eq!(ask_of(&other, "gate").status, 409);
    // A purpose that names no other way may not ask for a face.
    assert_eq!(ask("care").status, 422);
    // Devices sign for a name, not for the number of an address.
    let url = server.url().replace("127.0.0.1", "localhost");
    browser.authenticator();
    browser.open(&format!("{url}/p/{}", invite.link_secret));
    browser.fill("input[name=code]", &invite.code);
    browser.press("Open my page");
    browser.wait_for_text("None is registered");
    browser.fill("#device-form input[name=name]", "my laptop");
    browser.press("Register this device");
    browser.wait_for_text("You registered a device that signs for you");
    browser.wait_for_text("my laptop");

    let asked = ask("gate").expect_status(201).json();
    let (id, path) = (
        asked["id"].as_str().unwrap(),
        asked["path"].as_str().unwrap(),
    );
    let stands = || {
        api.get(&format!("/v1/captures/{id}"))
            .expect_status(200)
            .json()
    };
    assert_eq!(stands()["state"], "asked");
    assert_eq!(stands()["path"], Value::Null, "the address is told once");

    let answered = |path: &str, meddle: &str| {
        browser.open(&format!("{url}{path}"));
        browser.wait_for_text("出示证件");
        browser.wait_for_text("a device that you registered has to sign");
        browser.script(meddle);
        browser.click("#capture-go");
        let begun = Instant::now();
        loop {
            let says =
                browser.script("return document.getElementById('capture').dataset.says || ''");
            match says.as_str() {
                Some("") | None => std::thread::sleep(Duration::from_millis(300)),
                Some(says) => break says.to_owned(),
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "no answer");
        }
    };
    assert_eq!(answered(path, ""), "against");
    let found = stands();
    assert_eq!(found["state"], "answered");
    let of = |name: &str| {
        let parts = found["doubt"]["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["part"] == name).unwrap();
        (part["says"].clone(), part["why"].clone())
    };
    let told = |says: &str, why: &str| (json!(says), json!(why));
    assert_eq!(of("frames"), told("fits", "one_face"), "{found}");
    assert_eq!(of("movements"), told("against", "not_as_asked"), "{found}");
    assert_eq!(of("repeats"), told("against", "nothing_moves"), "{found}");
    assert_eq!(
        of("camera"),
        told("against", "camera_is_a_program"),
        "{found}"
    );
    let signed = told("fits", "signed_by_a_registered_device");
    assert_eq!(of("device"), signed, "{found}");
    assert_eq!(
        found["face"],
        Value::Null,
        "what does not fit is not compared"
    );
    // The address is used up: for the page, and for whoever sends frames himself.
    browser.open(&format!("{}{path}", server.url()));
    browser.wait_for_text("was used");
    let begin = api.post(&format!("{path}/begin"), &json!({}));
    assert_eq!(begin.status, 409);
    let guessed = api.get(&format!("/capture/{id}.guessed"));
    assert_eq!(guessed.status, 404);
    // One bit of one frame changed after the device signed.
    let altered = ask("gate").expect_status(201).json();
    let meddle = "const append = FormData.prototype.append; \
        FormData.prototype.append = function (name, value, ...rest) { \
          const longer = value instanceof Blob && !this.done; \
          this.done ||= longer; \
          return append.call(this, name, longer ? new Blob([value, '.']) : value, ...rest); };";
    assert_eq!(
        answered(altered["path"].as_str().unwrap(), meddle),
        "against"
    );
    let id = altered["id"].as_str().unwrap();
    let found = api
        .get(&format!("/v1/captures/{id}"))
        .expect_status(200)
        .json();
    let parts = found["doubt"]["parts"].as_array().unwrap();
    let device = parts.iter().find(|part| part["part"] == "device").unwrap();
    assert_eq!(device["why"], "signature_of_something_else", "{found}");
    // Revoked by its owner, it is asked for nothing more.
    browser.open(&format!("{url}/me"));
    browser.wait_for_text("last signed");
    browser.press("Revoke");
    browser.wait_for_text("None is registered");
    let begin = ask("gate").expect_status(201).json();
    let begin = format!("{}/begin", begin["path"].as_str().unwrap());
    let begun = api.post(&begin, &json!({})).expect_status(200).json();
    assert_eq!(begun["device"]["keys"], json!([]));
    // Asked for and answered, all in the person's trace.
    let events = api.get("/v1/events?limit=50").expect_status(200).json();
    let outcomes: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "capture")
        .map(|event| event["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["done", "refused", "done", "refused", "done", "refused"]
    );
    let devices = events.as_array().unwrap().iter();
    let devices = devices.filter(|event| event["action"] == "device").count();
    assert_eq!(devices, 2);
    server.stop();
}
