//! The networks with their real weights, upon pictures drawn here and upon a photograph that a
//! package carries.
//!
//! `LIUHEN_MODELS` names the folder of weights, `LIUHEN_PHOTOS` one with `astronaut.png` (public
//! domain, NASA, from scikit-image). Without them the tests say SKIP; with `LIUHEN_REQUIRE_MODELS`
//! they fail instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::io::Write as _;
use std::path::PathBuf;

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Font, Limits, Picture, decode};
use liuhen_vision::models::{Folder, Set};
use liuhen_vision::{Area, Eyes, Look, Point, Quad, Sight, Verdict};

fn named(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).filter(|value| !value.is_empty());
    if found.is_none() {
        assert!(
            std::env::var_os("LIUHEN_REQUIRE_MODELS").is_none(),
            "{variable} is not set"
        );
        let _unheard = writeln!(std::io::stderr(), "SKIP {variable} is not set");
    }
    found.map(PathBuf::from)
}

fn eyes() -> Option<Eyes> {
    Some(Eyes::new(
        Folder::new(named("LIUHEN_MODELS")?),
        Set::Standard,
        2,
    ))
}

fn font(text: &str) -> Option<Font> {
    let font = Font::find(None, text).ok();
    if font.is_none() {
        let _unheard = writeln!(std::io::stderr(), "SKIP no font with Chinese letters here");
    }
    font
}

/// Lines of text on white, each with the box of its letters.
fn page(font: &Font, size: f32, lines: &[&str]) -> (Picture, Vec<Area>) {
    let mut pen = Pen::new(font, size).unwrap();
    let mut page = Raster::new(1000, 120 + 80 * u32::try_from(lines.len()).unwrap(), 250).unwrap();
    let mut boxes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let base = 110.0 + 80.0 * index as f32;
        page.line(&mut pen, line, (60.0, base), 20);
        boxes.push(Area::new(60.0, base - size, pen.width(line), 1.2 * size));
    }
    let (width, height) = (page.width(), page.height());
    let picture = Picture::from_grey(
        u32::try_from(width).unwrap(),
        u32::try_from(height).unwrap(),
        page.pixels(),
    );
    (picture.unwrap(), boxes)
}

fn turned(picture: &Picture, quarters: usize) -> Picture {
    let mut out = picture.clone();
    for _ in 0..quarters {
        let (width, height) = (out.width() as usize, out.height() as usize);
        let mut pixels = Vec::with_capacity(out.pixels().len());
        for y in 0..width {
            for x in 0..height {
                let at = ((height - 1 - x) * width + y) * 3;
                pixels.extend_from_slice(&out.pixels()[at..at + 3]);
            }
        }
        out = Picture::rgb(
            u32::try_from(height).unwrap(),
            u32::try_from(width).unwrap(),
            pixels,
        )
        .unwrap();
    }
    out
}

fn texts(sight: &Sight) -> Vec<String> {
    let lines = sight.words.lines.iter();
    lines.map(|line| line.text.replace(' ', "")).collect()
}

const WORDS: Look = Look {
    words: true,
    faces: false,
    codes: false,
};
const FACES: Look = Look {
    words: false,
    faces: true,
    codes: false,
};

#[test]
fn chinese_and_digits_are_read_where_they_stand_whichever_way_the_page_lies() {
    let lines = [
        "姓名周晓燕",
        "手机15412345678",
        "广东省深圳市盐田区海景路88号",
        "公民身份号码440308199902038818",
    ];
    let (Some(eyes), Some(font)) = (eyes(), font(&lines.concat())) else {
        return;
    };
    let (picture, boxes) = page(&font, 36.0, &lines);
    for quarters in 0..4 {
        let lying = turned(&picture, quarters);
        let sight = eyes.look(&lying, WORDS).unwrap();
        assert_eq!(texts(&sight), lines, "turned by {quarters}");
        assert_eq!(usize::from(sight.words.quarters), (4 - quarters) % 4);
        // Where it stands: the box of the letters, turned likewise.
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        for (line, area) in sight.words.lines.iter().zip(&boxes) {
            let quad = Quad::upright(area.left, area.top, area.width, area.height);
            let lies = quad.map(|p| match quarters {
                0 => p,
                1 => Point::new(height - p.y, p.x),
                2 => Point::new(width - p.x, height - p.y),
                _ => Point::new(p.y, width - p.x),
            });
            let overlap = line.quad.bounds().overlap(&lies.bounds());
            assert!(overlap > 0.6, "turned by {quarters}: {overlap}");
        }
    }
}

#[test]
fn a_part_of_a_line_covers_its_letters() {
    let text = "收件人电话15412345678请在周末送达";
    let (Some(eyes), Some(font)) = (eyes(), font(text)) else {
        return;
    };
    let (picture, boxes) = page(&font, 40.0, &[text]);
    let sight = eyes.look(&picture, WORDS).unwrap();
    let line = &sight.words.lines[0];
    let from = line.text.chars().position(|c| c == '1').unwrap();
    let part = line.part(from, from + 11).bounds();
    let pen = Pen::new(&font, 40.0).unwrap();
    let (left, right) = (pen.width("收件人电话"), pen.width("收件人电话15412345678"));
    assert!(part.left <= boxes[0].left + left + 2.0, "{part:?}");
    assert!(
        part.left + part.width >= boxes[0].left + right - 2.0,
        "{part:?}"
    );
    assert!(part.width < 1.5 * (right - left), "{part:?}");
}

#[test]
fn codes_say_what_they_were_made_of() {
    let Some(eyes) = eyes() else { return };
    let text = "https://example.com/p?phone=15412345678";
    let code = qrcode::QrCode::new(text).unwrap();
    let side = code.width();
    let mut picture = Picture::blank(600, 500, [255; 3]).unwrap();
    for (at, dark) in code.to_colors().into_iter().enumerate() {
        if dark == qrcode::Color::Dark {
            let (x, y) = (
                (at % side) as f32 * 6.0 + 200.0,
                (at / side) as f32 * 6.0 + 150.0,
            );
            picture.fill(
                &[(x, y), (x + 6.0, y), (x + 6.0, y + 6.0), (x, y + 6.0)],
                [0; 3],
            );
        }
    }
    let look = Look {
        words: false,
        faces: false,
        codes: true,
    };
    let found = eyes.look(&picture, look).unwrap().codes;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].format.as_str(), found[0].text.as_str()),
        ("qr", text)
    );
    let whole = Area::new(200.0, 150.0, side as f32 * 6.0, side as f32 * 6.0);
    assert!(
        found[0].area.shared(&whole) > 0.98 * whole.size(),
        "{:?}",
        found[0].area
    );
    assert!(!format!("{:?}", found[0]).contains("154"));
}

/// What OpenCV 5.0's FaceDetectorYN says of the same weights and picture at 512 x 512 (score 0.931).
const OPENCV_BOX: Area = Area {
    left: 178.0,
    top: 62.6,
    width: 90.4,
    height: 113.9,
};
const OPENCV_POINTS: [(f32, f32); 5] = [
    (200.1, 101.8),
    (247.2, 102.6),
    (220.3, 124.7),
    (198.9, 143.2),
    (239.8, 143.9),
];

fn photograph() -> Option<Picture> {
    let path = named("LIUHEN_PHOTOS")?.join("astronaut.png");
    Some(decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap())
}

#[test]
fn one_face_where_opencv_finds_it_whichever_way_it_lies() {
    let (Some(eyes), Some(picture)) = (eyes(), photograph()) else {
        return;
    };
    for quarters in 0..4 {
        let sight = eyes.look(&turned(&picture, quarters), FACES).unwrap();
        let sure: Vec<_> = sight
            .faces
            .iter()
            .filter(|face| face.verdict == Verdict::Face)
            .collect();
        assert_eq!(sure.len(), 1, "turned by {quarters}");
        if quarters == 0 {
            assert!(
                sure[0].area.overlap(&OPENCV_BOX) > 0.75,
                "{:?}",
                sure[0].area
            );
            for (point, (x, y)) in sure[0].landmarks.unwrap().into_iter().zip(OPENCV_POINTS) {
                assert!(point.distance(Point::new(x, y)) < 8.0, "{point:?} {x} {y}");
            }
            assert!(sure[0].quality.roll.abs() < 10.0 && sure[0].quality.yaw < 0.5);
        }
    }
}

#[test]
fn the_same_face_is_near_itself_and_far_from_nothing() {
    let (Some(eyes), Some(picture)) = (eyes(), photograph()) else {
        return;
    };
    let embed = |picture: &Picture| {
        let sight = eyes.look(picture, FACES).unwrap();
        eyes.embed(picture, &sight.faces[0]).unwrap().unwrap()
    };
    let upright = embed(&picture);
    let length: f32 = upright.values().iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-4);
    // Lying and darker: the same person. SFace's authors take 0.363 for the same (OpenCV's text).
    let mut dark = turned(&picture, 1);
    dark.pixels_mut().iter_mut().for_each(|sample| *sample /= 2);
    assert!(upright.cosine(&embed(&dark)) > 0.7);
    assert!(!format!("{upright:?}").contains("0."));
}

#[test]
fn an_empty_wall_shows_nothing() {
    let Some(eyes) = eyes() else { return };
    for (width, height) in [(1, 1), (3, 900), (640, 480)] {
        let picture = Picture::blank(width, height, [180, 175, 170]).unwrap();
        let sight = eyes.look(&picture, Look::all()).unwrap();
        assert!(sight.words.lines.is_empty() && sight.faces.is_empty() && sight.codes.is_empty());
    }
}

#[test]
fn the_opt_in_network_says_what_onnxruntime_says() {
    let (Some(models), Some(photos)) = (named("LIUHEN_MODELS"), named("LIUHEN_PHOTOS")) else {
        return;
    };
    let folder = Folder::new(models);
    let eyes = Eyes::new(folder.clone(), Set::Standard, 2);
    if !folder.path().join("fr_liveness.onnx").is_file() {
        let _unheard = writeln!(
            std::io::stderr(),
            "SKIP the opt-in network is not installed"
        );
        return;
    }
    let bytes = std::fs::read(photos.join("astronaut.png")).unwrap();
    let picture = decode(&bytes, &Limits::default()).unwrap();
    let face = |area| liuhen_vision::Face {
        area,
        landmarks: None,
        score: 1.0,
        verdict: Verdict::Face,
        quality: liuhen_vision::Quality::default(),
    };
    let live = eyes.live(&picture, &face(Area::new(178.0, 63.0, 90.0, 114.0)));
    // onnxruntime 1.30 upon the same crop, shrunk by OpenCV: 0.961.
    assert!((live.unwrap() - 0.961).abs() < 0.03);
    let wall = eyes.live(&picture, &face(Area::new(0.0, 380.0, 60.0, 60.0)));
    assert!(wall.unwrap() < 1.0);
}
