//! Exports as PDF: the file, and a picture of one of its pages, lead back to their copy.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where something is wrong"
)]

mod common;

use std::io::{Read, Write};
use std::sync::Arc;

use liuhen_kinds::Kind;
use liuhen_picture::{Encoding as Encode, Font, Limits, Picture, decode};
use liuhen_service::{Caller, Config, ExportRequest, ExportView, Handle, LeakView, Service};
use liuhen_testkit::{Encoding, Form, Sheet, people};

use common::{examine, import, purpose, second_person};

const COLLECTION: &str = "patients";
const FIELDS: [&str; 4] = ["person_name", "mobile", "resident_id", "address"];

/// Whether pages can be drawn here; machines without a Chinese font draw none.
fn drawable() -> bool {
    let found = Font::find(None, "姓名住址省市区路号第页").is_ok();
    if !found {
        println!("SKIP no Chinese font on this machine: pages are not tested");
    }
    found
}

async fn prepare(dir: &std::path::Path, sheet: &Sheet) -> Arc<Service> {
    let service = Service::open(&Config::in_dir(dir)).expect("opens");
    let caller = Caller::local();
    service
        .put_site(&caller, "shop", "a shop")
        .await
        .expect("site");
    service
        .put_purpose(&caller, purpose("care", 2, &FIELDS))
        .await
        .expect("purpose");
    let list = sheet.delimited(Form::csv(Encoding::Utf8Bom));
    import(&service, &list, COLLECTION, Some("shop"))
        .await
        .expect("imports");
    service
}

fn request(recipient: &str) -> ExportRequest {
    ExportRequest {
        recipient: recipient.to_owned(),
        purpose: "care".to_owned(),
        collection: COLLECTION.to_owned(),
        fields: FIELDS.map(ToOwned::to_owned).to_vec(),
        limit: None,
        format: "pdf".to_owned(),
        encoding: String::new(),
        exact: false,
        extra_canaries: None,
        expires: 1_900_000_000_000,
        note: String::new(),
    }
}

async fn export(service: &Arc<Service>, recipient: &str) -> (ExportView, Vec<u8>) {
    let asked = service
        .request_export(&Caller::local(), request(recipient))
        .await
        .expect("asks");
    assert!(asked.power.pages > 0, "told before it is approved");
    let made = service
        .decide_export(&second_person(), &asked.id, true)
        .await
        .expect("approves");
    let mut bytes = Vec::new();
    let mut file = service
        .export_file(&Caller::local(), &made.id)
        .await
        .expect("file");
    file.reader.read_to_end(&mut bytes).expect("reads");
    assert_eq!(file.media_type, "application/pdf");
    (made, bytes)
}

fn accused(view: &LeakView) -> Vec<&str> {
    view.accused().map(|copy| copy.export.as_str()).collect()
}

/// The pictures in a PDF of ours, in order.
fn pictures(pdf: &[u8]) -> Vec<Picture> {
    // Three bytes alone also stand in other streams, by chance.
    const BEGIN: &[u8] = b"stream\n\xff\xd8\xff";
    let starts = pdf.windows(BEGIN.len()).enumerate();
    let starts = starts.filter(|(_, part)| *part == BEGIN);
    starts
        .map(|(at, _)| decode(&pdf[at + 7..], &Limits::default()).unwrap())
        .collect()
}

/// A picture at so many percent of its size, as JPEG of quality 60.
fn sent_on(picture: &Picture, percent: u32) -> Vec<u8> {
    let luma = picture.luma();
    let (width, height) = (picture.width(), picture.height());
    let (w, h) = (width * percent / 100, height * percent / 100);
    let at = |x: f32, y: f32| {
        let clamp = |v: f32, most: u32| v.clamp(0.0, most as f32 - 1.001);
        let (x, y) = (clamp(x, width), clamp(y, height));
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x.fract(), y.fract());
        let pixel = |x: usize, y: usize| luma[y * width as usize + x];
        let upper = pixel(left, top) * (1.0 - fx) + pixel(left + 1, top) * fx;
        let lower = pixel(left, top + 1) * (1.0 - fx) + pixel(left + 1, top + 1) * fx;
        upper * (1.0 - fy) + lower * fy
    };
    let scale = 100.0 / percent as f32;
    let grey: Vec<u8> = (0..w * h)
        .map(|i| {
            let (x, y) = ((i % w) as f32 + 0.5, (i / w) as f32 + 0.5);
            at(x * scale - 0.5, y * scale - 0.5).round() as u8
        })
        .collect();
    let scaled = Picture::from_grey(w, h, &grey).unwrap();
    liuhen_picture::encode(&scaled, Encode::Jpeg { quality: 60 }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_a_page_leads_to_its_copy() {
    if !drawable() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let sheet = people(21, 50);
    let service = prepare(dir.path(), &sheet).await;
    let mut copies = Vec::new();
    for recipient in 0..3 {
        copies.push(export(&service, &format!("recipient {recipient}")).await);
    }
    let pages: Vec<Vec<Picture>> = copies.iter().map(|(_, pdf)| pictures(pdf)).collect();
    for (view, pages) in copies.iter().map(|(view, _)| view).zip(&pages) {
        assert_eq!(view.power.pages, pages.len() as u64);
    }
    for (copy, page, percent) in [(2, 0, 70), (0, 1, 150)] {
        let leak = sent_on(&pages[copy][page], percent);
        let found = examine(&service, "page.jpg", &leak).await;
        let best = found.copies.first().map(|copy| copy.ln_e);
        eprintln!(
            "page {page} of copy {copy} at {percent}%: ln e {best:?}, threshold {}",
            found.threshold_ln
        );
        assert_eq!(accused(&found), [copies[copy].0.id.as_str()], "{percent}%");
        assert_eq!(found.copies_examined, 3);
        let shown = &found.pictures[0];
        assert_eq!(shown.picture, copies[copy].0.id);
        assert_eq!((shown.page, shown.redrawn), (Some(page as u32 + 1), true));
    }
    // The file itself: by its letters, which are rows again, and by the pictures of its pages.
    let found = examine(&service, "leak.pdf", &copies[1].1).await;
    assert_eq!(accused(&found), [copies[1].0.id.as_str()]);
    let view = &copies[1].0;
    assert_eq!((found.persons, found.canaries), (view.rows, view.canaries));
    let channels: Vec<&str> = found.copies[0]
        .channels
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(channels, ["marks", "canaries", "picture"]);
    assert!(found.copies[0].channels.iter().all(|one| one.ln_e > 0.0));
    assert_eq!(found.pictures.len(), pages[1].len());

    // A page taken in as an original would accuse its recipient by every copy of it.
    let mut upload = service.upload().unwrap();
    upload.write_all(&sent_on(&pages[1][0], 100)).unwrap();
    let refused = service
        .add_picture(&Caller::local(), upload, "page.jpg", None)
        .await;
    assert_eq!(refused.unwrap_err().code(), "invalid");

    // Somebody on the page is erased: his row comes back empty, and the page still leads back.
    let handle = Handle::Value {
        kind: Kind::MOBILE,
        value: sheet.rows[3][2].clone(),
    };
    let caller = Caller::local();
    let invite = service
        .invite_person(&caller, &handle, "showed the card at the desk")
        .await
        .unwrap();
    let session = service
        .person_sign_in(&invite.link_secret, &invite.code)
        .await
        .unwrap();
    service.person_cancel(&session).await.unwrap();
    let mut unlike = 0;
    for (page, picture) in pages[1].iter().enumerate() {
        let found = examine(&service, "page.jpg", &sent_on(picture, 80)).await;
        assert_eq!(accused(&found), [copies[1].0.id.as_str()], "page {page}");
        let redrawn = found.pictures[0].redrawn;
        unlike += usize::from(!redrawn);
        let told = found
            .statements_en
            .iter()
            .any(|said| said.contains("no longer be drawn"));
        assert_eq!(told, !redrawn);
    }
    assert_eq!(unlike, 1, "one page held him");
    service.close().unwrap();
}
