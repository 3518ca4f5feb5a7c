//! Hostile requests: each is refused with a problem that repeats nothing of what was sent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

mod common;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use common::{As, World, request, session_of};
use liuhen_server::Settings;
use liuhen_service::{Caller, Role};
use serde_json::json;

/// What no answer may repeat.
const SECRET: &str = "15400001234";

#[tokio::test(flavor = "multi_thread")]
async fn refuses_forged_and_revoked_keys() {
    let world = World::new();
    let admin = session_of(&world.first_admin().await);
    let rows = [
        "",
        "lk_",
        "lk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "Bearer",
        "lk_\u{e9}",
    ];
    for key in rows {
        let who = As::Key(key.to_owned());
        world
            .get(&who, "/v1/purposes")
            .await
            .problem(401, "unauthenticated");
    }
    let mut basic = request(Method::GET, &As::Nobody, "/v1/purposes", Body::empty());
    basic
        .headers_mut()
        .insert("authorization", "Basic bGs6bGs=".parse().unwrap());
    let reply = world.send(basic).await.problem(401, "unauthenticated");
    assert!(reply.header("www-authenticate").starts_with("Bearer"));

    let ask = json!({"name": "short-lived", "roles": ["reader"]});
    let made = world
        .post(&admin, "/v1/api-keys", ask)
        .await
        .expect(201)
        .json();
    let who = As::Key(made["secret"].as_str().unwrap().to_owned());
    world.get(&who, "/v1/purposes").await.expect(200);
    let path = format!("/v1/api-keys/{}", made["key"]["id"].as_str().unwrap());
    world.delete(&admin, &path).await.expect(204);
    world
        .get(&who, "/v1/purposes")
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_the_role_does_not_cover() {
    let world = World::new();
    let reader = world.key("reader", &[Role::Reader], None).await;
    for path in [
        "/v1/staff",
        "/v1/api-keys",
        "/v1/imports",
        "/v1/exports",
        "/v1/leaks",
        "/v1/events",
        "/v1/events/stream",
    ] {
        world.get(&reader, path).await.problem(403, "forbidden");
    }
    let uploads = ["/v1/imports?file_name=a.csv", "/v1/leaks?file_name=a.csv"];
    for path in uploads {
        world
            .upload(&reader, path, b"a,b\n1,2\n".to_vec())
            .await
            .problem(403, "forbidden");
    }
    let ask = json!({"name": "more", "roles": ["admin"]});
    world
        .post(&reader, "/v1/api-keys", ask)
        .await
        .problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_session_replayed_after_signing_out() {
    let world = World::new();
    let session = world.first_admin().await;
    let who = session_of(&session);
    world.get(&who, "/v1/staff").await.expect(200);
    world
        .service
        .sign_out(&world.service.session(&session.secret).unwrap())
        .unwrap();
    world
        .get(&who, "/v1/staff")
        .await
        .problem(401, "unauthenticated");
    world
        .get(&As::Cookie("forged".to_owned()), "/v1/staff")
        .await
        .problem(401, "unauthenticated");
    world
        .get(&As::Cookie(String::new()), "/v1/staff")
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_the_old_sessions_of_somebody_let_in_again() {
    let world = World::new();
    world.first_admin().await;
    let local = Caller::local();
    let link = world
        .service
        .invite_staff(&local, &[Role::Reader])
        .await
        .unwrap();
    let session = world.enrol(&link, "li.reader").await;
    let who = session_of(&session);
    world.get(&who, "/v1/purposes").await.expect(200);
    for active in [false, true] {
        world
            .service
            .set_staff(&local, &session.staff.id, &[Role::Reader], active)
            .await
            .unwrap();
        world
            .get(&who, "/v1/purposes")
            .await
            .problem(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_unsafe_requests_without_the_sessions_token() {
    let world = World::new();
    let session = world.first_admin().await;
    let body = json!({"name": "Shop"});
    let cookie = As::Cookie(session.secret.clone());
    world
        .put(&cookie, "/v1/sites/shop", body.clone())
        .await
        .problem(403, "csrf");
    let forged = As::Session(session.secret.clone(), "x".repeat(session.csrf.len()));
    world
        .put(&forged, "/v1/sites/shop", body.clone())
        .await
        .problem(403, "csrf");
    let empty = As::Session(session.secret.clone(), String::new());
    world
        .put(&empty, "/v1/sites/shop", body.clone())
        .await
        .problem(403, "csrf");
    world
        .put(&session_of(&session), "/v1/sites/shop", body)
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_requests_that_another_site_made_the_browser_send() {
    let world = World::new();
    let session = world.first_admin().await;
    let rows = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in rows {
        let mut request = request(
            Method::PUT,
            &session_of(&session),
            "/v1/sites/shop",
            Body::from("{}"),
        );
        request.headers_mut().insert(name, value.parse().unwrap());
        world.send(request).await.problem(403, "csrf");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_other_host_names() {
    let world = World::new();
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.0.2.7:8420",
        "",
    ] {
        let mut request = request(Method::GET, &As::Nobody, "/healthz", Body::empty());
        request.headers_mut().insert("host", host.parse().unwrap());
        world.send(request).await.problem(421, "wrong_host");
    }
    let mut nameless = request(Method::GET, &As::Nobody, "/healthz", Body::empty());
    nameless.headers_mut().remove("host");
    world.send(nameless).await.problem(400, "malformed");

    let public = World::with(Settings {
        public_url: Some("https://vault.example.com".to_owned()),
        ..Settings::default()
    });
    let mut ours = request(Method::GET, &As::Nobody, "/healthz", Body::empty());
    ours.headers_mut()
        .insert("host", "VAULT.example.com".parse().unwrap());
    let reply = public.send(ours).await.expect(200);
    assert!(
        reply
            .header("strict-transport-security")
            .contains("max-age")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_malformed_json_without_repeating_it() {
    let world = World::new();
    let reader = world.key("reader", &[Role::Reader], None).await;
    let rows = [
        format!("{{\"purpose\": {SECRET}}}"),
        format!("{{\"{SECRET}\": 1}}"),
        format!("{{\"purpose\": \"care\", \"view\": \"{SECRET}\", \"subjects\": []}}"),
        format!("{{\"purpose\": \"care\", \"view\": \"plain\", \"subjects\": [\"{SECRET}\"]}}"),
        format!("{{\"purpose\": \"care\", \"view\": \"plain\", \"subjects\": \"{SECRET}\"}}"),
        format!("{{\"purpose\": \"{SECRET}"),
        format!("\u{0}{SECRET}"),
        "[".repeat(3000),
    ];
    for text in rows {
        let mut request = request(Method::POST, &reader, "/v1/reads", Body::from(text.clone()));
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        let reply = world.send(request).await.problem(400, "malformed");
        assert!(
            !reply.text().contains(SECRET),
            "{text} is echoed: {}",
            reply.text()
        );
    }
    let kind = json!({"purpose": "care", "view": "plain", "subjects": [{"kind": SECRET, "value": SECRET}]});
    let reply = world
        .post(&reader, "/v1/reads", kind)
        .await
        .problem(422, "invalid");
    assert!(!reply.text().contains(SECRET));
    let text = request(Method::POST, &reader, "/v1/reads", Body::from("{}"));
    world.send(text).await.problem(415, "media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_odd_queries_paths_and_methods_without_repeating_them() {
    let world = World::new();
    let who = world.key("all", &Role::ALL, None).await;
    let rows = [
        (format!("/v1/events?before={SECRET}x"), 400),
        (format!("/v1/imports/x/preview?has_header={SECRET}"), 400),
        (format!("/v1/proofs/{SECRET}x"), 404),
        (format!("/v1/imports/{SECRET}"), 404),
        (format!("/v1/exports/{SECRET}/file"), 404),
        (format!("/v1/leaks/{SECRET}"), 404),
        ("/v1/imports/%ff%fe".to_owned(), 404),
        (format!("/nothing/{SECRET}"), 404),
    ];
    for (path, status) in rows {
        let reply = world.get(&who, &path).await.expect(status);
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert!(!reply.text().contains(SECRET), "{path}");
    }
    world
        .delete(&who, "/v1/reads")
        .await
        .problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_tile_paths_that_lead_elsewhere() {
    let world = World::new();
    let rows = [
        "/tile/../root.key",
        "/tile/0/../../root.key",
        "/tile/%2e%2e/root.key",
        "/tile/0/%2e%2e%2f%2e%2e%2froot.key",
        "/tile/entries/..%2f..%2fvkey",
        "/tile/0//000",
        "/tile/entries/000.p/0",
        "/tile/entries/000.p/999",
        "/tile/0/x000/x000",
        "/tile/",
        "/tile/0/000%00",
    ];
    for path in rows {
        world.get(&As::Nobody, path).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bodies_past_their_limit() {
    let world = World::small();
    let who = world.key("all", &Role::ALL, None).await;
    let large = json!({"text": "x".repeat(5000)});
    world
        .post(&who, "/v1/policies/check", large)
        .await
        .problem(413, "too_large");
    let path = "/v1/imports?file_name=a.csv";
    world
        .upload(&who, path, vec![b'a'; 65 * 1024])
        .await
        .problem(413, "too_large");
    world
        .upload(&who, path, b"a,b\n1,2\n".to_vec())
        .await
        .expect(201);
}

/// A body that gives one piece and then never another.
struct Stalled(bool);

impl futures_core::Stream for Stalled {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        match std::mem::replace(&mut self.0, true) {
            false => std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"a,b\n")))),
            true => std::task::Poll::Pending,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_uploads_that_stall_and_keeps_nothing_of_them() {
    let world = World::small();
    let who = world.key("all", &Role::ALL, None).await;
    let body = Body::from_stream(Stalled(false));
    let request = request(Method::POST, &who, "/v1/imports?file_name=a.csv", body);
    let sent = tokio::time::timeout(Duration::from_secs(10), world.send(request));
    sent.await.unwrap().problem(408, "timeout");
    let list = world.get(&who, "/v1/imports").await.expect(200).json();
    assert_eq!(list, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers() {
    let world = World::new();
    for path in ["/healthz", "/nothing", "/v1/staff", "/openapi.json"] {
        let reply = world.get(&As::Nobody, path).await;
        assert!(
            reply
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
}
