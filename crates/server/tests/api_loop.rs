//! The whole loop over HTTP: set up, bring in, look, be refused, hand out, trace a leak.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

mod common;

use common::{As, World, session_of};
use liuhen_service::Role;
use liuhen_testkit::people;
use liuhen_tlog::{Receipt, Verifier};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_loop() {
    let world = World::new();
    let admin = session_of(&world.first_admin().await);
    let site = json!({"name": "Shop"});
    world.put(&admin, "/v1/sites/shop", site).await.expect(204);
    let importer = made_key(&world, &admin, &["importer"]).await;
    let reader = made_key(&world, &admin, &["reader"]).await;

    let sheet = people(7, 300);
    let (id, fields) = world.import(&importer, &sheet, Some("shop")).await;
    let status = world
        .get(&importer, &format!("/v1/imports/{id}"))
        .await
        .json();
    assert_eq!(status["rows"], 300, "{status}");
    assert_eq!(status["bad"], 0, "{status}");
    let mobile = fields["mobile"].as_str().unwrap();
    let name = fields["person_name"].as_str().unwrap();
    world.purpose(&admin, "care", 2, &[mobile, name]).await;

    let token = token_of_row_two(&world, &importer, &id).await;
    reads(&world, &reader, &token, mobile, &sheet).await;
    refusals(
        &world,
        &reader,
        &token,
        mobile,
        fields["resident_id"].as_str().unwrap(),
    )
    .await;
    exports_and_leaks(&world, &admin, mobile, name).await;
    let events = world
        .get(&admin, "/v1/events?limit=5")
        .await
        .expect(200)
        .json();
    assert_eq!(events.as_array().unwrap().len(), 5);
    let stats = world
        .get(&admin, "/v1/stats?days=7")
        .await
        .expect(200)
        .json();
    assert_eq!(stats["days"].as_array().unwrap().len(), 7);
}

/// A small picture of another program's making.
const PNG: &[u8] = include_bytes!("../../picture/tests/pictures/sixteen.png");

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_picture_shows_stands_in_the_form_and_before_the_file() {
    let world = World::new();
    let admin = session_of(&world.first_admin().await);
    let site = json!({"name": "Shop"});
    world.put(&admin, "/v1/sites/shop", site).await.expect(204);
    let importer = made_key(&world, &admin, &["importer"]).await;
    let sheet = people(7, 5);
    let (id, _) = world.import(&importer, &sheet, Some("shop")).await;
    let token = token_of_row_two(&world, &importer, &id).await;
    let (token, path) = (token.as_bytes(), "/v1/pictures");
    let file = ("file", Some("卡 %22.png"), PNG);

    let reply = world
        .form(&importer, path, &[("token", None, token), file])
        .await;
    let picture = reply.expect(201).json();
    assert_eq!(picture["of_person"], true, "{picture}");
    assert_eq!(picture["name"], "卡 %22.png", "{picture}");
    let picture = world.form(&importer, path, &[file]).await;
    assert_eq!(picture.expect(201).json()["of_person"], false);

    let late = [file, ("token", None, token)];
    let refused = world.form(&importer, path, &late).await;
    refused.problem(400, "malformed");
    let long = [("token", None, &[b'a'; 300][..]), file];
    let refused = world.form(&importer, path, &long).await;
    refused.problem(400, "malformed");
    let refused = world.form(&importer, path, &[("token", None, token)]).await;
    refused.problem(400, "malformed");
    let unknown = [("token", None, &b"t_unknown"[..]), file];
    world.form(&importer, path, &unknown).await.expect(404);
    let bare = world.upload(&importer, path, PNG.to_vec()).await;
    assert_eq!(bare.status.as_u16(), 415);
    let reader = made_key(&world, &admin, &["reader"]).await;
    world.form(&reader, path, &[file]).await.expect(403);
    let kept = world.get(&importer, path).await.expect(200).json();
    assert_eq!(kept.as_array().unwrap().len(), 2, "{kept}");
}

async fn made_key(world: &World, admin: &As, roles: &[&str]) -> As {
    let ask = json!({"name": roles[0], "roles": roles, "site": "shop"});
    let made = world
        .post(admin, "/v1/api-keys", ask)
        .await
        .expect(201)
        .json();
    As::Key(made["secret"].as_str().unwrap().to_owned())
}

async fn token_of_row_two(world: &World, importer: &As, id: &str) -> String {
    let path = format!("/v1/imports/{id}/tokens?from=2&limit=1");
    let tokens = world.get(importer, &path).await.expect(200).json();
    assert_eq!(tokens[0]["row"], 2, "{tokens}");
    tokens[0]["token"].as_str().unwrap().to_owned()
}

async fn reads(
    world: &World,
    reader: &As,
    token: &str,
    mobile: &str,
    sheet: &liuhen_testkit::Sheet,
) {
    let value = &sheet.rows[0][sheet.column("手机号")];
    let by_token = json!({"token": token});
    let by_value = json!({"kind": "mobile", "value": value});
    for person in [by_token, by_value] {
        let ask =
            json!({"purpose": "care", "subjects": [person], "fields": [mobile], "view": "plain"});
        let answer = world
            .post(reader, "/v1/reads", ask)
            .await
            .expect(200)
            .json();
        let result = &answer["results"][0];
        assert_eq!(result["outcome"], "plain", "{result}");
        assert_eq!(result["fields"][0]["value"], *value);
        receipt_holds(world, &result["receipt"]).await;
    }
    let ask = json!({"purpose": "care", "subjects": [{"token": token}], "fields": [mobile], "view": "masked"});
    let answer = world.post(reader, "/v1/reads", ask).await.expect(200);
    assert!(!answer.text().contains(value.as_str()));
    assert_eq!(answer.json()["results"][0]["outcome"], "masked");
}

/// The receipt verifies with the published key, and its leaf is proved under a checkpoint.
async fn receipt_holds(world: &World, receipt: &Value) {
    let key = world
        .get(&As::Nobody, "/v1/log-key")
        .await
        .expect(200)
        .json();
    let verifier = Verifier::parse(key["vkey"].as_str().unwrap()).unwrap();
    let parsed = Receipt::parse(receipt["note"].as_str().unwrap()).unwrap();
    parsed.verify(&verifier).unwrap();
    let index = receipt["index"].as_u64().unwrap();
    assert_eq!(parsed.index(), index);
    for _ in 0..100 {
        let reply = world.get(&As::Nobody, &format!("/v1/proofs/{index}")).await;
        if reply.status == 200 {
            assert_eq!(reply.json()["leaf_hash"], receipt["leaf_hash"]);
            return;
        }
        reply.problem(404, "not_found");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no checkpoint covered leaf {index}");
}

async fn refusals(world: &World, reader: &As, token: &str, mobile: &str, resident_id: &str) {
    let ask = json!({"purpose": "care", "subjects": [{"token": token}], "fields": [resident_id], "view": "plain"});
    let answer = world
        .post(reader, "/v1/reads", ask)
        .await
        .expect(200)
        .json();
    assert_eq!(answer["results"][0]["outcome"], "refused", "{answer}");
    assert_eq!(
        answer["results"][0]["reasons"][0]["policy"],
        "fields-within-purpose"
    );
    assert_eq!(answer["results"][0]["fields"], json!([]));
    let unknown = json!({"purpose": "nosuch", "subjects": [{"token": token}], "fields": [mobile], "view": "plain"});
    world
        .post(reader, "/v1/reads", unknown)
        .await
        .problem(404, "not_found");
    let nobody = json!({"purpose": "care", "subjects": [{"token": "t_nobody"}], "fields": [mobile], "view": "plain"});
    let answer = world
        .post(reader, "/v1/reads", nobody)
        .await
        .expect(200)
        .json();
    assert_eq!(answer["results"][0]["outcome"], "unknown");
}

async fn exports_and_leaks(world: &World, admin: &As, mobile: &str, name: &str) {
    let asker = world.key("asker", &[Role::Exporter], None).await;
    let machine = world.key("machine", &[Role::Approver], None).await;
    let investigator = world.key("investigator", &[Role::Investigator], None).await;
    let ask = json!({
        "recipient": "Courier Ltd", "purpose": "care", "collection": "members",
        "fields": [name, mobile], "expires": "2099-01-01T00:00:00Z",
    });
    let export = world
        .post(&asker, "/v1/exports", ask)
        .await
        .expect(201)
        .json();
    let path = format!("/v1/exports/{}", export["id"].as_str().unwrap());
    let decide = format!("{path}/decision");
    world
        .post(&asker, &decide, json!({"approve": true}))
        .await
        .problem(403, "forbidden");
    world
        .get(&asker, &format!("{path}/file"))
        .await
        .problem(409, "conflict");
    world
        .post(&machine, &decide, json!({"approve": true}))
        .await
        .problem(409, "conflict");
    let decided = world
        .post(admin, &decide, json!({"approve": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(decided["state"], "ready", "{decided}");
    world
        .post(admin, &decide, json!({"approve": false}))
        .await
        .problem(409, "conflict");
    let file = world.get(&asker, &format!("{path}/file")).await.expect(200);
    assert!(
        file.header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(file.header("content-length"), file.body.len().to_string());

    world
        .upload(&asker, "/v1/leaks?file_name=found.csv", file.body.clone())
        .await
        .problem(403, "forbidden");
    let made = world
        .upload(&investigator, "/v1/leaks?file_name=found.csv", file.body)
        .await;
    let id = made.expect(202).json()["id"].as_str().unwrap().to_owned();
    let leak = world.until(&investigator, &format!("/v1/leaks/{id}")).await;
    assert_eq!(leak["state"], "done", "{leak}");
    assert!(leak["persons"].as_u64().unwrap() >= 290, "{leak}");
    assert_eq!(leak["copies_examined"], 1);
    assert_eq!(leak["copies"][0]["recipient"], "Courier Ltd");
    let list = world.get(admin, "/v1/exports").await.expect(200).json();
    assert_eq!(list.as_array().unwrap().len(), 1);

    let seen = json!({"place": "a call", "values": ["13900000000"]});
    world
        .post(&asker, "/v1/sightings", seen.clone())
        .await
        .problem(403, "forbidden");
    let answer = world
        .post(&investigator, "/v1/sightings", seen)
        .await
        .expect(200)
        .json();
    assert_eq!(answer, json!({"compared": 1, "alert": null}));
    let empty = json!({"place": "a call", "values": []});
    world
        .post(&investigator, "/v1/sightings", empty)
        .await
        .problem(422, "invalid");
    let alerts = world.get(&investigator, "/v1/sightings").await.expect(200);
    assert_eq!(alerts.json(), json!([]));
    world
        .post(&investigator, "/v1/sightings/s_nothing/settle", json!({}))
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_own_addresses() {
    let world = World::new();
    let _session = world.first_admin().await;
    let mut tile = world.get(&As::Nobody, "/tile/entries/000.p/1").await;
    for _ in 0..100 {
        if tile.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        tile = world.get(&As::Nobody, "/tile/entries/000.p/1").await;
    }
    let tile = tile.expect(200);
    assert_eq!(tile.header("content-type"), "application/octet-stream");
    assert!(!tile.header("cache-control").contains("immutable"));
    let checkpoint = world.get(&As::Nobody, "/checkpoint").await.expect(200);
    assert_eq!(
        checkpoint.header("content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    assert!(checkpoint.text().contains('\n'));
    let health = world.get(&As::Nobody, "/healthz").await.expect(200).json();
    assert_eq!(health["ok"], true);
    let described = world
        .get(&As::Nobody, "/openapi.json")
        .await
        .expect(200)
        .json();
    assert!(described["paths"]["/tile/{path}"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_consents_and_people() {
    let world = World::new();
    let admin = session_of(&world.first_admin().await);
    let importer = world.key("importer", &[Role::Importer], None).await;
    let reader = world.key("reader", &[Role::Reader], None).await;
    let sheet = people(11, 20);
    let (_, fields) = world.import(&importer, &sheet, None).await;
    let mobile = fields["mobile"].as_str().unwrap();
    world.purpose(&admin, "news", 1, &[mobile]).await;
    let person = json!({"kind": "mobile", "value": sheet.rows[3][sheet.column("手机号")]});
    let ask = json!({"purpose": "news", "subjects": [person], "fields": [mobile], "view": "plain"});
    let answer = world
        .post(&reader, "/v1/reads", ask.clone())
        .await
        .expect(200)
        .json();
    assert_eq!(
        answer["results"][0]["reasons"][0]["policy"], "consent-needed",
        "{answer}"
    );
    let consent =
        json!({"person": person, "purpose": "news", "given": true, "evidence": "form 12"});
    world
        .post(&admin, "/v1/consents", consent)
        .await
        .expect(204);
    let answer = world
        .post(&reader, "/v1/reads", ask.clone())
        .await
        .expect(200)
        .json();
    assert_eq!(answer["results"][0]["outcome"], "plain", "{answer}");

    let policy = world.get(&admin, "/v1/policies").await.expect(200).json();
    let closed =
        "@id(\"closed\") @zh(\"闭馆\") @en(\"closed\") forbid (principal, action, resource);";
    let change = json!({"text": closed, "expected_version": policy["version"]});
    world
        .post(&reader, "/v1/policies/check", json!({"text": closed}))
        .await
        .problem(403, "forbidden");
    let checked = world
        .post(&admin, "/v1/policies/check", json!({"text": "forbid ("}))
        .await;
    assert!(!checked.expect(200).json().as_array().unwrap().is_empty());
    world
        .put(&admin, "/v1/policies", change.clone())
        .await
        .expect(200);
    world
        .put(&admin, "/v1/policies", change)
        .await
        .problem(409, "conflict");
    let answer = world
        .post(&reader, "/v1/reads", ask)
        .await
        .expect(200)
        .json();
    assert_eq!(
        answer["results"][0]["reasons"][0]["en"], "closed",
        "{answer}"
    );

    let invite = json!({"person": person, "evidence": "resident card seen"});
    let invited = world
        .post(&admin, "/v1/persons/invitations", invite)
        .await
        .expect(201)
        .json();
    assert!(
        invited["link"]
            .as_str()
            .unwrap()
            .starts_with("http://localhost/portal?link=")
    );
    assert_eq!(invited["code"].as_str().unwrap().len(), 8);
}
