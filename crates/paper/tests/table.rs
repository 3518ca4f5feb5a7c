//! Tables as marked pictures with words over them, read back by programs that share no code with us.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{File, dense};
use liuhen_paper::{Column, PageImage, PaperError, Summary, TableLayout, TablePdf};
use liuhen_picture::Font;

fn layout() -> TableLayout {
    let columns = vec![
        Column::new("序号"),
        Column::new("姓名"),
        Column::new("手机号 Mobile").parts(1.6),
        Column::new("住址").parts(3.0),
        Column::new("金额").right(),
    ];
    TableLayout {
        note: "仅供核对".into(),
        ..TableLayout::new("导出 Export", columns)
    }
}

fn rows(count: u64) -> Vec<Vec<String>> {
    let names = ["赵甲", "钱乙", "孙丙", "李丁"];
    (1..=count)
        .map(|row| {
            let name = names[usize::try_from(row % 4).unwrap()];
            let mobile = format!("1990000{row:04}");
            let place = format!("某省某市某区某路{row}号院{}单元", row % 9);
            vec![
                row.to_string(),
                name.into(),
                mobile,
                place,
                format!("{}.50", row * 13),
            ]
        })
        .collect()
}

/// A mark that no page has by itself: brightness changes by a few steps in squares.
fn mark(page: u32, width: u32, _: u32, pixels: &mut [u8]) {
    for (at, pixel) in (0_u32..).zip(pixels) {
        let (x, y) = (at % width / 8, at / width / 8);
        let step = u8::try_from((x * 7 + y * 13 + page) % 5).unwrap();
        *pixel = pixel.saturating_sub(step);
    }
}

fn written(font: &Font, layout: &TableLayout, rows: &[Vec<String>]) -> (Vec<u8>, Summary) {
    let mut pdf = TablePdf::new(font, layout.clone(), Vec::new(), mark).unwrap();
    for row in rows {
        pdf.row(row).unwrap();
    }
    pdf.finish().unwrap()
}

#[test]
fn every_cell_comes_back_in_order_and_each_page_is_one_picture() {
    let Some(font) = common::font() else { return };
    let (layout, rows) = (layout(), rows(100));
    let (pdf, summary) = written(&font, &layout, &rows);
    let pages = u32::try_from(100_usize.div_ceil(layout.rows_per_page())).unwrap();
    assert_eq!(
        summary,
        Summary {
            pages,
            rows: 100,
            cut_cells: 0
        }
    );
    let file = File::new(&pdf);
    if let Some(said) = file.asked("qpdf", &["--check"], &[]) {
        assert!(
            said.contains("No syntax or stream encoding errors found"),
            "{said}"
        );
    }
    let Some(words) = file.words() else { return };
    let mut expected = String::new();
    for (number, page) in (1..).zip(rows.chunks(layout.rows_per_page())) {
        expected.push_str("导出Export序号姓名手机号Mobile住址金额");
        expected.extend(page.iter().flatten().map(|cell| dense(cell)));
        expected.push_str(&format!("仅供核对第{number}页"));
    }
    assert_eq!(dense(&words), expected);
    let mobile = words
        .lines()
        .filter(|line| line.contains("19900000042"))
        .count();
    assert_eq!(mobile, 1, "a number stands on one line");

    let images = file.asked("pdfimages", &["-list"], &[]).unwrap();
    let images: Vec<Vec<&str>> = images
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(images.len(), pages as usize);
    for (number, image) in (1..).zip(images) {
        assert_eq!(
            image[..7],
            [
                &number.to_string(),
                image[1],
                "image",
                "1240",
                "1754",
                "gray",
                "1"
            ]
        );
        assert_eq!((image[8], image[12], image[13]), ("jpeg", "150", "150"));
    }
}

#[test]
fn the_unmarked_page_is_drawn_again_to_the_last_pixel() {
    let Some(font) = common::font() else { return };
    let layout = TableLayout {
        image: PageImage::Lossless,
        ..layout()
    };
    let rows = rows(80);
    let mut shown = Vec::new();
    let keep = |number: u32, width: u32, height: u32, pixels: &mut [u8]| {
        assert_eq!((width, height), layout.page_pixels());
        shown.push(pixels.to_vec());
        mark(number, width, height, pixels);
    };
    let mut pdf = TablePdf::new(&font, layout.clone(), Vec::new(), keep).unwrap();
    for row in &rows {
        pdf.row(row).unwrap();
    }
    let (pdf, _) = pdf.finish().unwrap();
    let file = File::new(&pdf);
    for (number, page) in (1..).zip(rows.chunks(layout.rows_per_page())) {
        let mut again = layout.page_image(&font, number, page).unwrap();
        assert!(
            again.pixels() == shown[number as usize - 1],
            "page {number}"
        );
        let dark = again.pixels().iter().filter(|value| **value < 128).count();
        assert!(dark > 5_000, "{dark}: words can be seen");

        // What leaves is the marked picture.
        mark(number, layout.page_pixels().0, 0, again.pixels_mut());
        let (_, height) = layout.page_pixels();
        let Some(_) = file.asked(
            "pdfimages",
            &["-f", &number.to_string(), "-l", &number.to_string()],
            &["out"],
        ) else {
            return;
        };
        let stored = std::fs::read(file.folder().join("out-000.ppm")).unwrap();
        let (width, stored) = common::pgm(&stored);
        assert_eq!(
            (width, stored.len() / width),
            (again.width(), height as usize)
        );
        assert!(stored == again.pixels(), "page {number}");
    }
}

#[test]
fn the_words_over_the_picture_are_not_seen() {
    let Some(font) = common::font() else { return };
    let wipe = |_: u32, _: u32, _: u32, pixels: &mut [u8]| pixels.fill(255);
    let mut pdf = TablePdf::new(&font, layout(), Vec::new(), wipe).unwrap();
    for row in rows(20) {
        pdf.row(&row).unwrap();
    }
    let file = File::new(&pdf.finish().unwrap().0);
    let Some(words) = file.words() else { return };
    assert!(words.contains("19900000007"));
    let (_, seen) = file.seen(1, 72).unwrap();
    assert!(seen.iter().all(|value| *value >= 252));
}

#[test]
fn equal_rows_have_equal_bytes() {
    let Some(font) = common::font() else { return };
    let (one, _) = written(&font, &layout(), &rows(30));
    let (two, _) = written(&font, &layout(), &rows(30));
    assert!(one == two);
    let (other, _) = written(&font, &layout(), &rows(29));
    assert!(one != other);
}

#[test]
fn a_jpeg_page_keeps_close_to_its_picture() {
    let Some(font) = common::font() else { return };
    let rows = rows(20);
    let (pdf, _) = written(&font, &layout(), &rows);
    let mut page = layout().page_image(&font, 1, &rows).unwrap();
    mark(1, 1240, 1754, page.pixels_mut());
    let start = pdf
        .windows(3)
        .position(|part| part == [0xff, 0xd8, 0xff])
        .unwrap();
    let picture =
        liuhen_picture::decode(&pdf[start..], &liuhen_picture::Limits::default()).unwrap();
    let off = picture
        .luma()
        .into_iter()
        .zip(page.pixels())
        .map(|(a, b)| (a - f32::from(*b)).abs());
    let mean = off.sum::<f32>() / page.pixels().len() as f32;
    assert!(mean < 1.5, "{mean}");
}

#[test]
fn what_does_not_fit_is_set_smaller_then_cut_and_always_copied_whole() {
    let Some(font) = common::font() else { return };
    let mut layout = TableLayout::new("表", vec![Column::new("甲"), Column::new("乙")]);
    let smaller = "某省某市某区某街道某路一百二十三号某某小区四号楼五单元六百零七室".repeat(2);
    let (pdf, summary) = written(&font, &layout, &[vec![smaller.clone(), "1".into()]]);
    assert_eq!(summary.cut_cells, 0);
    if let Some(words) = File::new(&pdf).words() {
        assert!(dense(&words).contains(&smaller));
    }
    let long = format!("{}\u{e000}{}", smaller.repeat(9), "末尾");
    layout.lines = 3;
    let (pdf, summary) = written(&font, &layout, &[vec![long.clone(), "2".into()]]);
    assert_eq!(summary.cut_cells, 1);
    if let Some(words) = File::new(&pdf).words() {
        assert!(dense(&words).contains(&format!("{long}2")), "{words}");
    }
    let number = "123456789012345678901234567890";
    let (pdf, summary) = written(&font, &layout, &vec![vec!["a".into(), number.into()]; 3]);
    assert_eq!(summary.cut_cells, 0);
    if let Some(words) = File::new(&pdf).words() {
        assert_eq!(words.matches(number).count(), 3, "not divided: {words}");
    }
}

#[test]
fn many_columns_fit_across_and_no_rows_make_one_page() {
    let Some(font) = common::font() else { return };
    let columns: Vec<Column> = (1..=64).map(|at| Column::new(format!("列{at}"))).collect();
    let layout = TableLayout {
        landscape: true,
        dpi: 100,
        lines: 1,
        ..TableLayout::new("宽", columns)
    };
    let cells: Vec<String> = (1..=64).map(|at| format!("{at}")).collect();
    let (pdf, _) = written(&font, &layout, &[cells]);
    assert_eq!(layout.page_pixels(), (1169, 827));
    if let Some(info) = File::new(&pdf).asked("pdfinfo", &[], &[]) {
        assert!(info.contains("841.89 x 595.276"), "{info}");
    }
    let (_, squeezed) = written(&font, &layout, &[]);
    assert!(squeezed.cut_cells > 0, "titles that do not fit are told");
    let layout = self::layout();
    let (pdf, summary) = written(&font, &layout, &[]);
    assert_eq!(
        summary,
        Summary {
            pages: 1,
            rows: 0,
            cut_cells: 0
        }
    );
    drop(File::new(&pdf).words());
}

#[test]
fn layouts_and_rows_that_cannot_be_are_refused() {
    let Some(font) = common::font() else { return };
    let begin = |layout: TableLayout| TablePdf::new(&font, layout, Vec::new(), mark).map(|_| ());
    let wrong = [
        TableLayout {
            columns: vec![],
            ..layout()
        },
        TableLayout {
            columns: vec![Column::new("x"); 65],
            ..layout()
        },
        TableLayout {
            lines: 0,
            ..layout()
        },
        TableLayout {
            size: f32::NAN,
            ..layout()
        },
        TableLayout {
            size: 90.0,
            ..layout()
        },
        TableLayout {
            dpi: 10_000,
            ..layout()
        },
    ];
    for layout in wrong {
        assert!(
            matches!(begin(layout.clone()), Err(PaperError::Layout(_))),
            "{layout:?}"
        );
        let rows: [Vec<&str>; 0] = [];
        assert!(layout.page_image(&font, 1, &rows).is_err());
    }
    let odd = TableLayout {
        columns: vec![
            Column::new("a").parts(f32::NAN),
            Column::new("b").parts(-1.0),
        ],
        ..layout()
    };
    begin(odd).unwrap();
    let mut pdf = TablePdf::new(&font, layout(), Vec::new(), mark).unwrap();
    let refused = pdf.row(&["1", "2"]);
    assert!(matches!(
        refused,
        Err(PaperError::Cells {
            row: 1,
            expected: 5,
            found: 2
        })
    ));
    let many = layout().page_image(&font, 1, &rows(60));
    assert!(matches!(many, Err(PaperError::Layout(_))));
}
