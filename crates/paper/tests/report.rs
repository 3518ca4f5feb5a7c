//! Reports, read back by programs that share no code with us.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{File, dense};
use liuhen_paper::{Bar, Bars, Column, Lang, Meta, Paper, PaperError};
use liuhen_picture::Font;

const LAW: &str = "个人信息处理者应当对其个人信息处理活动负责，并采取必要措施保障所处理的个人信息的安全。\
    Whoever handles personal information answers for it, and keeps it safe (article 9).";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08ffffiiiill";

fn meta() -> Meta {
    Meta {
        title: "依据报告 Evidence".into(),
        lang: Lang::Chinese,
        header: "留痕 Liuhen".into(),
        footer: "内部资料".into(),
        created: None,
    }
}

fn rows(count: usize) -> Vec<Vec<String>> {
    (1..=count)
        .map(|row| {
            let words = LAW
                .chars()
                .skip(row % 20)
                .take(8 + row % 37)
                .collect::<String>();
            vec![format!("r{row:04}"), words, format!("{}.{row:02}", row * 7)]
        })
        .collect()
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("编号"),
        Column::new("内容 Content").parts(3.0),
        Column::new("比特").right(),
    ]
}

fn bars() -> Bars {
    let bar = |label: &str, value: f64| Bar {
        label: label.into(),
        value,
        note: format!("{value} 比特"),
    };
    Bars {
        bars: vec![
            bar("地址写法", 40.0),
            bar("诱饵", 20.0),
            bar("无", 0.0),
            bar("坏", f64::NAN),
        ],
        threshold: Some((30.0, "门限 30".into())),
    }
}

fn report(font: &Font) -> Vec<u8> {
    Paper::new(font, meta())
        .heading(1, "依据报告")
        .paragraph(LAW)
        .heading(2, "Channels 渠道")
        .bars(bars())
        .pairs([("副本", "第 3 份"), ("收件人 Recipient", LAW)])
        .hash(HASH)
        .table(columns(), rows(120))
        .page_break()
        .heading(3, "结论")
        .paragraph("一行\n二行\n\n四行")
        .finish()
        .unwrap()
}

#[test]
fn equal_reports_have_equal_bytes_and_no_date() {
    let Some(font) = common::font() else { return };
    let paper = Paper::new(&font, meta()).paragraph("某人");
    assert_eq!(format!("{paper:?}"), "Paper(1 blocks)");
    let (one, two) = (report(&font), report(&font));
    assert!(one == two);
    let has = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    assert!(!has(&one, b"CreationDate") && !has(&one, b"ModDate"));
    let dated = Meta {
        created: Some((2026, 11, 22)),
        ..meta()
    };
    let dated = Paper::new(&font, dated).paragraph("一").finish().unwrap();
    assert!(has(&dated, b"(D:20261122"));
    assert!(
        one.len() < 400_000,
        "{} bytes: the font is cut down",
        one.len()
    );
}

#[test]
fn another_reader_finds_no_fault_and_an_embedded_font() {
    let Some(font) = common::font() else { return };
    let file = File::new(&report(&font));
    if let Some(said) = file.asked("qpdf", &["--check"], &[]) {
        assert!(
            said.contains("No syntax or stream encoding errors found"),
            "{said}"
        );
    }
    if let Some(fonts) = file.asked("pdffonts", &[], &[]) {
        let lines: Vec<&str> = fonts.lines().skip(2).collect();
        assert_eq!(lines.len(), 1, "{fonts}");
        let words: Vec<&str> = lines[0].split_whitespace().collect();
        assert!(words[0].contains('+'), "{fonts}");
        assert_eq!(
            words[words.len() - 5..words.len() - 2],
            ["yes"; 3],
            "embedded, subset, unicode"
        );
    }
    if let Some(info) = file.asked("pdfinfo", &[], &[]) {
        assert!(
            info.contains("依据报告 Evidence") && info.contains("A4"),
            "{info}"
        );
    }
}

#[test]
fn every_word_comes_back_in_order() {
    let Some(font) = common::font() else { return };
    let Some(words) = File::new(&report(&font)).words() else {
        return;
    };
    let pages: Vec<&str> = words.trim_end_matches('\u{c}').split('\u{c}').collect();
    let count = pages.len();
    let mut body = String::new();
    for (number, page) in (1..).zip(&pages) {
        let page = dense(page);
        let inner = page.strip_prefix("留痕Liuhen").expect("header");
        let foot = format!("内部资料第{number}页，共{count}页");
        body.push_str(
            inner
                .strip_suffix(&foot)
                .unwrap_or_else(|| panic!("{number}: {page}")),
        );
    }
    // The header of the table stands on each of its pages, before that page's rows.
    let header = dense("编号内容 Content比特");
    assert!(
        count >= 4 && body.matches(&header).count() == count - 1,
        "{count}"
    );
    let mut rest = body.replace(&header, "");
    let mut expected = vec!["依据报告".to_owned(), LAW.into(), "Channels 渠道".into()];
    expected.push("门限 30".into());
    for bar in bars().bars {
        expected.extend([bar.label, bar.note]);
    }
    // Side by side, lines of both columns take turns; only the value here has several.
    expected.extend(["副本第 3 份", "收件人 Recipient", LAW, HASH].map(String::from));
    for expected in expected {
        let expected = dense(&expected);
        assert!(
            rest.starts_with(&expected),
            "{expected} before {}",
            rest.chars().take(60).collect::<String>()
        );
        rest.drain(..expected.len());
    }
    assert!(rest.ends_with("结论一行二行四行"));
    for row in rows(120) {
        let at = rest.find(&row[0]).unwrap_or_else(|| panic!("{}", row[0]));
        let line = &rest[at..];
        // The cell in the middle may take several lines, the others one, at the first.
        let first = dense(&row[1]).chars().take(8).collect::<String>();
        assert!(
            line.starts_with(&format!("{}{first}", row[0])),
            "{}",
            row[0]
        );
        let length: usize = row.iter().map(|cell| dense(cell).len()).sum();
        let mut found: Vec<char> = line[..length].chars().collect();
        let mut wanted: Vec<char> = row.iter().flat_map(|cell| cell.chars()).collect();
        wanted.retain(|character| !character.is_whitespace());
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}", row[0]);
        rest.drain(..at);
    }
}

#[test]
fn hashes_are_copied_without_gaps() {
    let Some(font) = common::font() else { return };
    let pdf = Paper::new(&font, Meta::default())
        .hash(&HASH[..64])
        .finish()
        .unwrap();
    let Some(words) = File::new(&pdf).words() else {
        return;
    };
    assert!(words.lines().any(|line| line == &HASH[..64]), "{words}");
}

#[test]
fn what_the_font_lacks_is_seen_as_a_replacement_and_copied_as_it_is() {
    let Some(font) = common::font() else { return };
    let glyphs = font.glyphs().unwrap();
    // A radical and its character share a glyph in many fonts; a private character is in none.
    let text = "一⼀王⼀\u{e123}末\u{10fffd}\u{7}";
    let missing: Vec<char> = text
        .chars()
        .filter(|c| glyphs.glyph(*c).is_none())
        .collect();
    assert!(missing.contains(&'\u{e123}'));
    let pdf = Paper::new(&font, Meta::default())
        .paragraph(text)
        .finish()
        .unwrap();
    let file = File::new(&pdf);
    let Some(words) = file.words() else { return };
    assert!(
        words.starts_with("一⼀王⼀\u{e123}末\u{10fffd}\u{fffd}"),
        "{words:?}"
    );
    let (width, page) = file.seen(1, 144).unwrap();
    // Behind the fourth character (56 points of margin, ten a character) something is drawn.
    let ink = (0..page.len() / width)
        .flat_map(|y| page[y * width..][..width][194..208].iter())
        .filter(|value| **value < 128)
        .count();
    assert!(ink > 20, "{ink}");
}

#[test]
fn bars_are_as_long_as_their_values_and_the_threshold_between() {
    let Some(font) = common::font() else { return };
    let plain = Bars {
        bars: bars().bars[..2].to_vec(),
        threshold: bars().threshold,
    };
    let pdf = Paper::new(&font, Meta::default())
        .bars(plain)
        .finish()
        .unwrap();
    let Some((width, page)) = File::new(&pdf).seen(1, 72) else {
        return;
    };
    // Long runs of the bars' shade, one length for each row that holds one.
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for row in page.chunks_exact(width) {
        let shaded = |x: &usize| row[*x].abs_diff(120) < 6 || (row[*x] < 60);
        let run: Vec<usize> = (190..490).filter(shaded).collect();
        if run.len() > 50 {
            runs.push((run.len(), row.iter().rposition(|v| *v < 60).unwrap_or(0)));
        }
    }
    let (long, short) = (runs.first().unwrap().0, runs.last().unwrap().0 - 1);
    assert!(long.abs_diff(2 * short) <= 4, "{long} {short}");
    let expected = 56.0 + 483.0 * 0.28 + 483.0 * 0.5 * 30.0 / 42.0;
    let line = (150..490).filter(|x| {
        (0..page.len() / width)
            .filter(|y| page[y * width + x] < 100)
            .count()
            > 25
    });
    let line: Vec<usize> = line.collect();
    assert!(
        line.iter().any(|x| (*x as f64 - expected).abs() < 2.0),
        "{line:?} {expected}"
    );
}

#[test]
fn rows_of_the_wrong_length_and_tables_without_columns_are_refused() {
    let Some(font) = common::font() else { return };
    let paper = || Paper::new(&font, Meta::default());
    let wrong = paper()
        .table(columns(), vec![vec!["1", "2", "3"], vec!["1"]])
        .finish();
    assert!(
        matches!(
            wrong,
            Err(PaperError::Cells {
                row: 2,
                expected: 3,
                found: 1
            })
        ),
        "{wrong:?}"
    );
    let none = paper().table(vec![], Vec::<Vec<String>>::new()).finish();
    assert!(matches!(none, Err(PaperError::Layout(_))));
    assert!(
        paper().finish().unwrap().ends_with(b"%%EOF\n"),
        "an empty report has a page"
    );
}

#[test]
fn a_cell_taller_than_a_page_is_divided() {
    let Some(font) = common::font() else { return };
    let long = LAW.repeat(60);
    let pdf = Paper::new(&font, Meta::default())
        .table(
            vec![Column::new("甲").parts(0.0), Column::new("乙")],
            vec![vec!["x", &long]],
        )
        .finish()
        .unwrap();
    let Some(words) = File::new(&pdf).words() else {
        return;
    };
    let plain = dense(&words);
    assert!(words.matches('\u{c}').count() >= 2);
    assert_eq!(plain.matches("answersforit").count(), 60);
}

/// TrueType outlines are embedded another way than PostScript's.
#[test]
fn a_truetype_font_serves_as_well() {
    let path = std::path::Path::new("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc");
    let Ok(font) = Font::find(Some(path), "依据报告") else {
        println!("SKIP: fonts-wqy-microhei is not installed");
        return;
    };
    assert!(!font.metrics().post_script_outlines);
    let pdf = Paper::new(&font, meta())
        .paragraph(LAW)
        .hash(HASH)
        .finish()
        .unwrap();
    let file = File::new(&pdf);
    if let Some(said) = file.asked("qpdf", &["--check"], &[]) {
        assert!(
            said.contains("No syntax or stream encoding errors found"),
            "{said}"
        );
    }
    let Some(words) = file.words() else { return };
    assert!(dense(&words).contains(&dense(LAW)) && dense(&words).contains(HASH));
    let (_, page) = file.seen(1, 72).unwrap();
    assert!(page.iter().filter(|value| **value < 128).count() > 500);
}
