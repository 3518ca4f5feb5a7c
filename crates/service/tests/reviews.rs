//! PDF under review, with the real networks: what its pages say is told, decided on, painted, and
//! gone from the copy by the word of other programs.
//!
//! Needs `LIUHEN_MODELS` and a font with Chinese; says SKIP without them, and without weights fails
//! instead with `LIUHEN_REQUIRE_MODELS`. What poppler says of a copy is asked where it is installed.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where something is wrong"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use liuhen_kinds::Kind;
use liuhen_paper::{Meta, Paper};
use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Encoding, Font, Limits, Picture, decode, encode};
use liuhen_service::sight::{Looker, detector};
use liuhen_service::{
    Caller, Config, ReviewDecision, ReviewMark, ReviewState, ReviewView, Service,
};
use liuhen_testkit::pdf::{Leaf, document};
use liuhen_vision::models::{Folder, Set};
use zeroize::Zeroizing;

const NAME: &str = "周晓燕";
const MOBILE: &str = "15412345678";

fn models(test: &str) -> Option<std::path::PathBuf> {
    let found = std::env::var_os("LIUHEN_MODELS").filter(|value| !value.is_empty());
    if found.is_none() {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "LIUHEN_MODELS is not set"
        );
        println!("SKIP {test}: LIUHEN_MODELS is not set");
    }
    found.map(Into::into)
}

fn font(test: &str) -> Option<Font> {
    let font = Font::find(None, "姓名联系电话周晓燕登记表收件备注").ok();
    if font.is_none() {
        println!("SKIP {test}: no font with Chinese letters here");
    }
    font
}

struct World {
    service: Arc<Service>,
    me: Caller,
    // Last, so that the folder outlives the service.
    _dir: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.service.close().unwrap();
    }
}

impl World {
    fn new(models: &Path) -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            models: Some(models.to_owned()),
            ..Config::in_dir(dir.path().join("data"))
        };
        World {
            service: Service::open(&config).unwrap(),
            me: Caller::local(),
            _dir: dir,
        }
    }

    async fn brought(&self, file: Vec<u8>) -> ReviewView {
        let file = Some(Zeroizing::new(file));
        let service = &self.service;
        let taken = service.take_for_review(&self.me, "a.pdf", file).await;
        self.settled(&taken.unwrap().id).await
    }

    async fn decided(&self, view: &ReviewView, released: &[usize]) -> ReviewView {
        let decision = ReviewDecision {
            released: released.iter().copied().collect(),
            ..view.decision.clone()
        };
        let taken = self.service.decide_review(&self.me, &view.id, decision);
        taken.unwrap();
        self.settled(&view.id).await
    }

    async fn settled(&self, id: &str) -> ReviewView {
        for _ in 0..6_000 {
            let view = self.service.review(&self.me, id, true).unwrap();
            if !view.state.is_underway() {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it was never done");
    }
}

fn on(view: &ReviewView, page: u32, kind: Kind) -> Vec<&ReviewMark> {
    let marks = view.marks.iter();
    let marks = marks.filter(|mark| mark.page == page && mark.mark.kinds.contains(&kind));
    marks.collect()
}

/// What a program prints about a file; `None`, said aloud, where the program is absent.
fn asked(program: &str, args: &[&str], dir: &Path) -> Option<String> {
    let Ok(output) = Command::new(program).args(args).current_dir(dir).output() else {
        println!("SKIP: {program} is absent (apt install poppler-utils)");
        return None;
    };
    assert!(output.status.success(), "{program}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// By poppler: the copy has no letter, and a picture for each page. By our own eyes, where they are
/// given: none of the pictures shows anything but what is `left`.
fn nothing_in(copy: &[u8], pages: usize, looker: Option<&Looker>, left: &[(usize, Kind)]) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("copy.pdf"), copy).unwrap();
    let Some(text) = asked("pdftotext", &["copy.pdf", "-"], dir.path()) else {
        return;
    };
    assert_eq!(text.trim(), "", "the copy has letters");
    let info = asked("pdfinfo", &["copy.pdf"], dir.path()).unwrap();
    assert!(!info.contains("Author"), "{info}");
    asked("pdfimages", &["-all", "copy.pdf", "seen"], dir.path()).unwrap();
    let mut seen = Vec::new();
    for page in 0..pages {
        let jpeg = std::fs::read(dir.path().join(format!("seen-{page:03}.jpg"))).unwrap();
        let Some(looker) = looker else { continue };
        let found = looker.see(&jpeg, detector()).unwrap().spots;
        let kinds: BTreeSet<Kind> = found.iter().map(|spot| spot.hit.kind).collect();
        seen.extend(kinds.into_iter().map(|kind| (page, kind)));
    }
    assert!(!dir.path().join(format!("seen-{pages:03}.jpg")).exists());
    assert_eq!(seen, left);
}

/// A page as a picture: dark letters on grey.
fn scanned(font: &Font) -> Vec<u8> {
    let mut pen = Pen::new(font, 34.0).unwrap();
    let mut page = Raster::new(720, 300, 235).unwrap();
    page.line(&mut pen, &format!("姓名：{NAME}"), (60.0, 100.0), 25);
    page.line(&mut pen, &format!("联系电话：{MOBILE}"), (60.0, 200.0), 25);
    let picture = Picture::from_grey(720, 300, page.pixels()).unwrap();
    encode(&picture, Encoding::Jpeg { quality: 90 }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_pictures_of_a_pdf_are_hidden_as_decided() {
    let test = "text_and_pictures_of_a_pdf_are_hidden_as_decided";
    let (Some(models), Some(font)) = (models(test), font(test)) else {
        return;
    };
    let looker = Looker::open(&Folder::new(&models), Set::Standard, 2).unwrap();
    let world = World::new(&models);
    let jpeg = scanned(&font);
    let file = document(&[
        Leaf::Text(&["mobile 13912345678", "mail ouyang.yi@example.com"]),
        Leaf::Picture(&jpeg, 720, 300),
    ]);
    let view = world.brought(file).await;
    assert_eq!((view.state, view.problem), (ReviewState::Open, None));
    assert_eq!(view.pages.len(), 2);
    // Letters and eyes tell of one number once.
    assert_eq!(on(&view, 1, Kind::MOBILE).len(), 1, "{:?}", view.marks);
    assert_eq!(on(&view, 1, Kind::EMAIL).len(), 1);
    assert!(!on(&view, 2, Kind::MOBILE).is_empty());
    assert!(!on(&view, 2, Kind::PERSON_NAME).is_empty());
    // What letters say is told where it is painted: dark pixels lie within.
    let shown = world.service.review_shown(&world.me, &view.id, 1).unwrap();
    let shown = decode(&shown, &Limits::default()).unwrap();
    assert_eq!(shown.width(), view.pages[0].width);
    let area = on(&view, 1, Kind::EMAIL)[0].mark.area().unwrap();
    let dark = (0..shown.height()).flat_map(|y| (0..shown.width()).map(move |x| (x, y)));
    let dark = dark.filter(|&(x, y)| {
        let within = (x as f32) >= area.left
            && (x as f32) < area.left + area.width
            && (y as f32) >= area.top
            && (y as f32) < area.top + area.height;
        within && shown.pixels()[((y * shown.width() + x) * 3) as usize] < 100
    });
    assert!(dark.count() > 300);

    let saved = world.decided(&view, &[]).await;
    assert_eq!((saved.state, saved.problem), (ReviewState::Saved, None));
    assert_eq!(saved.copy.as_ref().unwrap().media_type, "application/pdf");
    let copy = world.service.review_copy(&world.me, &view.id).unwrap();
    for word in ["13912345678", "ouyang", "/Font", "/Author"] {
        let holds = copy
            .bytes
            .windows(word.len())
            .any(|it| it == word.as_bytes());
        assert!(!holds, "{word}");
    }
    nothing_in(&copy.bytes, 2, Some(&looker), &[]);

    // Only what is released is seen, and only on its page.
    let released = on(&saved, 1, Kind::MOBILE)[0].number;
    let again = world.decided(&saved, &[released]).await;
    assert_eq!((again.state, again.problem), (ReviewState::Saved, None));
    let copy = world.service.review_copy(&world.me, &view.id).unwrap();
    nothing_in(&copy.bytes, 2, Some(&looker), &[(0, Kind::MOBILE)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_on_one_page_of_a_report_is_hidden_on_all() {
    let test = "what_is_found_on_one_page_of_a_report_is_hidden_on_all";
    let (Some(models), Some(font)) = (models(test), font(test)) else {
        return;
    };
    let world = World::new(&models);
    let meta = Meta {
        title: "登记表".to_owned(),
        ..Meta::default()
    };
    let file = Paper::new(&font, meta)
        .paragraph(format!("姓名：{NAME}"))
        .paragraph(format!("联系电话：{MOBILE}"))
        .page_break()
        .paragraph(format!("收件备注{NAME}收件备注"))
        .finish()
        .unwrap();
    let view = world.brought(file).await;
    assert_eq!((view.state, view.problem), (ReviewState::Open, None));
    assert_eq!(view.pages.len(), 2);
    for (page, kind) in [
        (1, Kind::PERSON_NAME),
        (1, Kind::MOBILE),
        (2, Kind::PERSON_NAME),
    ] {
        assert_eq!(
            on(&view, page, kind).len(),
            1,
            "{page} {kind}: {:?}",
            view.marks
        );
    }
    let saved = world.decided(&view, &[]).await;
    assert_eq!((saved.state, saved.problem), (ReviewState::Saved, None));
    let copy = world.service.review_copy(&world.me, &view.id).unwrap();
    nothing_in(&copy.bytes, 2, None, &[]);
}
