//! Faces over HTTP: what the law asks for first, then yes, no and "could not tell", each traced; and the end of a face.
//!
//! What looks at pictures needs `LIUHEN_MODELS`, a folder with weights (`liuhen models install`), and `LIUHEN_PHOTOS`, one with `obama.jpg`, `obama2.jpg` and `biden.jpg` (official portraits, public domain, from the source of the package face_recognition) and `astronaut.png`; it says SKIP without them, and fails instead with `LIUHEN_REQUIRE_MODELS`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that fails is a failed test"
)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request};
use common::{As, Reply, World, request, session_of};
use liuhen_service::Role;
use liuhen_testkit::Sheet;
use serde_json::{Value, json};

/// A small picture of another program's making; it shows nobody.
const PNG: &[u8] = include_bytes!("../../picture/tests/pictures/sixteen.png");

const ALTERNATIVE: &str = "出示证件，由窗口核对";

/// Two grown-ups and a child, all invented: no operator has the segment 164.
fn three() -> Sheet {
    let rows = [
        ["甲某某", "16400000001", "1980-05-06"],
        ["乙某某", "16400000002", "1975-01-02"],
        ["丙某某", "16400000003", "2019-03-04"],
    ];
    Sheet {
        header: ["姓名", "手机号", "出生日期"].map(str::to_owned).to_vec(),
        rows: rows
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect(),
    }
}

const GROWN: &str = "16400000001";
const OTHER: &str = "16400000002";
const CHILD: &str = "16400000003";

/// A world with three people and a purpose that uses faces; keys that enrol and ask.
struct Gate {
    world: World,
    admin: As,
    clerk: As,
    reader: As,
}

impl Gate {
    async fn over(models: impl Into<PathBuf>) -> Self {
        let world = World::looking(models);
        let admin = session_of(&world.first_admin().await);
        let clerk = world.key("clerk", &[Role::Importer], None).await;
        let reader = world.key("gate", &[Role::Reader], None).await;
        let (_, fields) = world.import(&clerk, &three(), None).await;
        assert!(fields["date_of_birth"].is_string(), "{fields}");
        let gate = Self {
            world,
            admin,
            clerk,
            reader,
        };
        gate.declare("gate", &["face"], Some(ALTERNATIVE))
            .await
            .expect(204);
        gate
    }

    async fn declare(&self, id: &str, fields: &[&str], alternative: Option<&str>) -> Reply {
        let purpose = json!({
            "name_zh": "进门", "name_en": "entrance", "basis": 1, "fields": fields,
            "retention_days": 365, "notice": "为进门核对人脸；也可出示证件。",
            "face_alternative": alternative,
        });
        let path = format!("/v1/purposes/{id}");
        self.world.put(&self.admin, &path, purpose).await
    }

    async fn consent(&self, mobile: &str, purpose: &str, given: bool, guardian: Option<&str>) {
        let mut consent = json!({
            "person": {"kind": "mobile", "value": mobile}, "purpose": purpose, "given": given, "evidence": "form 7",
        });
        if let Some(name) = guardian {
            consent["guardian"] = json!({"name": name, "relation": "母亲"});
        }
        let path = "/v1/consents";
        self.world
            .post(&self.admin, path, consent)
            .await
            .expect(204);
    }

    async fn enrol(&self, mobile: &str, purpose: &str, picture: &[u8]) -> Reply {
        let parts = form(mobile, purpose, picture);
        self.world.form(&self.clerk, "/v1/faces", &parts).await
    }

    async fn ask(&self, mobile: &str, picture: &[u8]) -> Value {
        let parts = form(mobile, "gate", picture);
        let reply = self
            .world
            .form(&self.reader, "/v1/faces/verify", &parts)
            .await;
        let answer = reply.expect(200).json();
        // Whatever is asked, nothing that measures likeness leaves.
        let keys: BTreeSet<&str> = answer
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let known = [
            "decision", "outcome", "answer", "doubt", "reasons", "receipt",
        ];
        assert!(keys.is_subset(&known.into()), "{answer}");
        assert!(answer["receipt"]["index"].is_u64(), "{answer}");
        answer
    }

    async fn held(&self) -> u64 {
        let held = self.world.get(&self.reader, "/v1/faces").await.expect(200);
        held.json()["persons"].as_u64().unwrap()
    }

    /// The newest events of some action: outcome and what else is said.
    async fn traced(&self, action: &str) -> Vec<Value> {
        let events = self.world.get(&self.admin, "/v1/events?limit=100").await;
        let events = events.expect(200).json();
        let all = events.as_array().unwrap().iter();
        all.filter(|event| event["action"] == action)
            .cloned()
            .collect()
    }
}

fn form<'a>(
    mobile: &'a str,
    purpose: &'a str,
    picture: &'a [u8],
) -> [(&'static str, Option<&'static str>, &'a [u8]); 4] {
    [
        ("purpose", None, purpose.as_bytes()),
        ("kind", None, b"mobile"),
        ("value", None, mobile.as_bytes()),
        ("file", Some("face.jpg"), picture),
    ]
}

fn policies(answer: &Value) -> Vec<&str> {
    let reasons = answer["reasons"].as_array().unwrap().iter();
    reasons
        .map(|reason| reason["policy"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_face_without_what_the_law_asks_for() {
    let empty = tempfile::tempdir().unwrap();
    let gate = Gate::over(empty.path()).await;

    // Another way than the face.
    gate.declare("till", &["face"], None).await.expect(204);
    let refused = gate.enrol(GROWN, "till", PNG).await.problem(422, "invalid");
    assert!(
        refused.text().contains("no other way"),
        "{}",
        refused.text()
    );
    for (fields, way) in [(["mobile"], ALTERNATIVE), (["face"], " ")] {
        let refused = gate.declare("door", &fields, Some(way)).await;
        refused.problem(422, "invalid");
    }

    // A consent of his own, to the purpose as one that uses faces.
    let refused = gate
        .enrol(GROWN, "gate", PNG)
        .await
        .problem(409, "conflict");
    assert!(
        refused.text().contains("separate consent"),
        "{}",
        refused.text()
    );
    gate.consent(GROWN, "till", true, None).await;
    gate.declare("till", &["face"], Some(ALTERNATIVE))
        .await
        .expect(204);
    let refused = gate
        .enrol(GROWN, "till", PNG)
        .await
        .problem(409, "conflict");
    assert!(
        refused.text().contains("separate consent"),
        "before it used faces"
    );
    let traced = gate.traced("face_enrolment").await;
    assert_eq!(traced.len(), 2, "{traced:?}");
    assert!(
        traced.iter().all(|event| event["outcome"] == "refused"),
        "{traced:?}"
    );

    // A guardian for whoever is under fourteen.
    gate.consent(CHILD, "gate", true, None).await;
    let refused = gate
        .enrol(CHILD, "gate", PNG)
        .await
        .problem(409, "conflict");
    assert!(refused.text().contains("guardian"), "{}", refused.text());
    let answer = gate.ask(CHILD, PNG).await;
    assert_eq!(
        (&answer["outcome"], policies(&answer)),
        (&json!("refused"), vec!["face-guardian-needed"])
    );
    gate.consent(CHILD, "gate", true, Some("丁某某")).await;
    let after = gate.enrol(CHILD, "gate", PNG).await;
    after.problem(503, "models_missing");

    // And what a guardian is called stands in no event.
    let events = gate.world.get(&gate.admin, "/v1/events?limit=100").await;
    assert!(!events.text().contains("丁某某"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_consent_is_refused_and_traced() {
    let empty = tempfile::tempdir().unwrap();
    let gate = Gate::over(empty.path()).await;
    let answer = gate.ask(GROWN, PNG).await;
    assert_eq!(answer["outcome"], "refused", "{answer}");
    assert_eq!(answer["answer"], Value::Null, "{answer}");
    assert!(
        policies(&answer).contains(&"face-consent-needed"),
        "{answer}"
    );
    let nobody = gate.ask("16400000009", PNG).await;
    assert_eq!(
        (&nobody["outcome"], &nobody["answer"]),
        (&json!("unknown"), &Value::Null)
    );
    let traced = gate.traced("face_check").await;
    let outcomes: Vec<&Value> = traced.iter().map(|event| &event["outcome"]).collect();
    assert_eq!(outcomes, ["unknown", "refused"]);
    assert_eq!(traced[1]["fields"], json!(["face"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_networks_the_answer_names_the_command() {
    let empty = tempfile::tempdir().unwrap();
    let gate = Gate::over(empty.path()).await;
    gate.consent(GROWN, "gate", true, None).await;
    let parts = form(GROWN, "gate", PNG);
    for (who, path) in [
        (&gate.clerk, "/v1/faces"),
        (&gate.reader, "/v1/faces/verify"),
    ] {
        let reply = gate.world.form(who, path, &parts).await;
        let reply = reply.problem(503, "models_missing");
        assert!(
            reply.text().contains("liuhen models install"),
            "{}",
            reply.text()
        );
    }
    assert_eq!(gate.held().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_callers_and_forms_that_do_not_fit() {
    let empty = tempfile::tempdir().unwrap();
    let gate = Gate::over(empty.path()).await;
    let parts = form(GROWN, "gate", PNG);
    let world = &gate.world;
    let refused = world.form(&gate.reader, "/v1/faces", &parts).await;
    refused.problem(403, "forbidden");
    let refused = world.form(&gate.clerk, "/v1/faces/verify", &parts).await;
    refused.problem(403, "forbidden");
    let end = json!({"person": {"kind": "mobile", "value": GROWN}, "purpose": "gate"});
    let refused = world.post(&gate.reader, "/v1/faces/end", end.clone()).await;
    refused.problem(403, "forbidden");
    world
        .post(&gate.clerk, "/v1/faces/end", end)
        .await
        .problem(404, "not_found");
    let note = json!({"reference": "2027-1"});
    let refused = world.post(&gate.clerk, "/v1/faces/filing", note).await;
    refused.problem(403, "forbidden");

    let file = ("file", Some("face.jpg"), PNG);
    let purpose = ("purpose", None, &b"gate"[..]);
    let token = ("token", None, &b"t_nobody"[..]);
    let rows: [&[_]; 7] = [
        &[purpose, token],
        &[token, file],
        &[purpose, file],
        &[purpose, token, file, token],
        &[purpose, token, token, file],
        &[purpose, token, ("subject", None, b"s_x"), file],
        &[purpose, token, ("cosine", None, b"1"), file],
    ];
    for (n, parts) in rows.into_iter().enumerate() {
        let reply = world.form(&gate.reader, "/v1/faces/verify", parts).await;
        assert_eq!(reply.status, 400, "{n}: {}", reply.text());
    }
    let large = vec![0; 17 << 20];
    let parts = [purpose, token, ("file", Some("face.jpg"), &large[..])];
    let reply = world.form(&gate.reader, "/v1/faces/verify", &parts).await;
    reply.problem(413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_filing_is_shown_and_noted() {
    let empty = tempfile::tempdir().unwrap();
    let gate = Gate::over(empty.path()).await;
    let held = gate
        .world
        .get(&gate.reader, "/v1/faces")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&held["state"], &held["threshold"]),
        (&json!("below"), &json!(100_000))
    );
    let note = json!({"reference": "备案 2027-1"});
    gate.world
        .post(&gate.admin, "/v1/faces/filing", note)
        .await
        .expect(204);
    let held = gate
        .world
        .get(&gate.reader, "/v1/faces")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&held["state"], &held["reference"]),
        (&json!("filed"), &json!("备案 2027-1"))
    );
    for (lang, words) in [("zh", ALTERNATIVE), ("en", "Clock of filing")] {
        let mut page = request(Method::GET, &gate.admin, "/faces", Body::empty());
        page.headers_mut()
            .insert("accept", "text/html".parse().unwrap());
        page.headers_mut()
            .insert("accept-language", lang.parse().unwrap());
        let page = gate.world.send(page).await.expect(200).text();
        assert!(
            page.contains(words) && page.contains("备案 2027-1"),
            "{page}"
        );
    }
}

struct Photos {
    models: PathBuf,
    folder: PathBuf,
}

/// Weights and portraits, where they are given.
fn photos() -> Option<Photos> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let photos = named("LIUHEN_MODELS").zip(named("LIUHEN_PHOTOS"));
    let photos = photos.map(|(models, folder)| Photos {
        models: models.into(),
        folder: folder.into(),
    });
    let there = |photos: &Photos| {
        ["obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.png"]
            .iter()
            .all(|name| photos.folder.join(name).is_file())
    };
    let photos = photos.filter(there);
    if photos.is_none() {
        let required = std::env::var_os("LIUHEN_REQUIRE_MODELS").is_some();
        assert!(
            !required,
            "LIUHEN_MODELS or LIUHEN_PHOTOS lacks what is needed"
        );
        eprintln!("SKIP: LIUHEN_MODELS or LIUHEN_PHOTOS lacks what is needed");
    }
    photos
}

impl Photos {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_is_enrolled_asked_about_renewed_and_ended() {
    let Some(photos) = photos() else { return };
    let [first, second] = ["obama.jpg", "obama2.jpg"].map(|name| photos.read(name));
    let [other, third] = ["biden.jpg", "astronaut.png"].map(|name| photos.read(name));
    let gate = Gate::over(&photos.models).await;
    for mobile in [GROWN, OTHER] {
        gate.consent(mobile, "gate", true, None).await;
    }
    let told = gate
        .enrol(GROWN, "gate", PNG)
        .await
        .problem(422, "could_not_tell");
    assert!(told.text().contains("no face"), "{}", told.text());
    let made = gate.enrol(GROWN, "gate", &first).await.expect(201).json();
    assert_eq!(made["renewed"], false, "{made}");
    assert_eq!(gate.held().await, 1);

    let rows = [
        (&second[..], "answered", "yes", None),
        (&other, "answered", "no", None),
        (&third, "answered", "no", None),
        (PNG, "failed", "could_not_tell", Some("no_face")),
    ];
    for (picture, outcome, answer, doubt) in rows {
        let told = gate.ask(GROWN, picture).await;
        assert_eq!(told["outcome"], outcome, "{told}");
        assert_eq!(told["answer"], answer, "{told}");
        assert_eq!(told["doubt"].as_str(), doubt, "{told}");
    }
    // Nobody else is he, and of whom no face is kept nothing is told.
    let told = gate.ask(OTHER, &first).await;
    assert_eq!(
        (&told["answer"], &told["doubt"]),
        (&json!("could_not_tell"), &json!("not_enrolled"))
    );

    let made = gate.enrol(GROWN, "gate", &second).await.expect(201).json();
    assert_eq!(made["renewed"], true, "{made}");
    assert_eq!(gate.held().await, 1);
    let told = gate.ask(GROWN, &first).await;
    assert_eq!(told["answer"], "yes", "{told}");

    // Five questions in ten minutes; the sixth is refused, and traced like any other refusal.
    let told = gate.ask(GROWN, &first).await;
    assert_eq!(
        (&told["outcome"], policies(&told)),
        (&json!("refused"), vec!["face-questions-exhausted"])
    );
    assert_eq!(told["answer"], Value::Null, "{told}");
    let traced = gate.traced("face_check").await;
    let outcomes: Vec<&str> = traced
        .iter()
        .map(|event| event["outcome"].as_str().unwrap())
        .collect();
    let expected = [
        "refused", "answered", "answered", "failed", "answered", "answered", "answered",
    ];
    assert_eq!(outcomes, expected, "{traced:?}");
    assert!(
        traced.iter().all(|event| event["purpose"] == "gate"),
        "{traced:?}"
    );

    let end = json!({"person": {"kind": "mobile", "value": GROWN}, "purpose": "gate"});
    gate.world
        .post(&gate.clerk, "/v1/faces/end", end.clone())
        .await
        .expect(200);
    assert_eq!(gate.held().await, 0);
    gate.world
        .post(&gate.clerk, "/v1/faces/end", end)
        .await
        .problem(404, "not_found");
    assert_eq!(gate.traced("face_end").await.len(), 1);
}

/// What a browser sends with a form; `cookie` is the whole header.
fn typed(path: &str, cookie: &str, fields: &str) -> Request<Body> {
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
async fn withdrawing_the_consent_or_cancelling_destroys_the_face() {
    let Some(photos) = photos() else { return };
    let face = photos.read("obama.jpg");
    let gate = Gate::over(&photos.models).await;
    for mobile in [GROWN, OTHER] {
        gate.consent(mobile, "gate", true, None).await;
        gate.enrol(mobile, "gate", &face).await.expect(201);
    }
    assert_eq!(gate.held().await, 2);

    gate.consent(OTHER, "gate", false, None).await;
    assert_eq!(gate.held().await, 1);
    assert_eq!(gate.ask(OTHER, &face).await["outcome"], "refused");
    // Consenting again brings no face back.
    gate.consent(OTHER, "gate", true, None).await;
    assert_eq!(gate.ask(OTHER, &face).await["doubt"], "not_enrolled");

    // He sees on his own page that a face of his is kept, and cancels there.
    let invite = json!({"person": {"kind": "mobile", "value": GROWN}, "evidence": "card seen"});
    let invited = gate
        .world
        .post(&gate.admin, "/v1/persons/invitations", invite)
        .await;
    let invited = invited.expect(201).json();
    let secret = invited["link"]
        .as_str()
        .unwrap()
        .split("link=")
        .nth(1)
        .unwrap()
        .to_owned();
    let code = format!("code={}", invited["code"].as_str().unwrap());
    let opened = gate
        .world
        .send(typed(&format!("/p/{secret}"), "", &code))
        .await
        .expect(303);
    let cookie = opened
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let mut own = request(Method::GET, &As::Nobody, "/me", Body::empty());
    own.headers_mut().insert("cookie", cookie.parse().unwrap());
    own.headers_mut()
        .insert("accept-language", "zh".parse().unwrap());
    let page = gate.world.send(own).await.expect(200).text();
    assert!(
        page.contains("您的人脸") && page.contains(ALTERNATIVE),
        "{page}"
    );
    assert!(page.contains("登记了您的人脸模板"), "his trace says so");
    let csrf = page.split("name=\"_csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap();
    let cancel = format!("_csrf={csrf}&sure=yes");
    gate.world
        .send(typed("/me/cancel", &cookie, &cancel))
        .await
        .expect(200);
    assert_eq!(gate.held().await, 0);
    let told = gate.ask(GROWN, &face).await;
    assert_eq!(
        (&told["outcome"], &told["answer"]),
        (&json!("unknown"), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_before_a_restart_counts() {
    let Some(photos) = photos() else { return };
    let face = photos.read("obama.jpg");
    let mut gate = Gate::over(&photos.models).await;
    gate.consent(GROWN, "gate", true, None).await;
    gate.enrol(GROWN, "gate", &face).await.expect(201);
    assert_eq!(gate.ask(GROWN, &face).await["answer"], "yes");
    // A picture that shows nobody is a question too, and soon looked at.
    for _ in 0..4 {
        assert_eq!(gate.ask(GROWN, PNG).await["outcome"], "failed");
    }
    gate.world.restart();
    assert_eq!(gate.held().await, 1);
    let told = gate.ask(GROWN, &face).await;
    assert_eq!(policies(&told), ["face-questions-exhausted"]);
}
