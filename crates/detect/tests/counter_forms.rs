//! What must not be found: numbers, code and texts that look like people and are none.
//!
//! Rule: nothing at confidence 0.8 or above, of whatever kind. All that is found
//! is printed before a test fails.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test on 64 bits that prints what it misses and may panic"
)]

mod counter_forms {
    pub(crate) mod random;
    pub(crate) mod texts;
}

use std::path::{Path, PathBuf};

use counter_forms::random::{Random, blob, log, measurements, minified, moment, svg, uuid};
use counter_forms::texts::{ADVERTISEMENTS, CODE, LABELLED, NUMBERS, PROSE};
use liuhen_detect::Detector;
use liuhen_kinds::Kind;

/// From here on a finding is believed without looking again.
const SURE: f32 = 0.8;

/// What is found for sure in a text, in words.
fn sure(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    Detector::builtin().hits(text, |found| {
        // An organisation that is named is nobody's personal information.
        if found.hit.confidence >= SURE && found.hit.kind != Kind::ORGANISATION {
            let why: Vec<&str> = found.hit.reasons.iter().map(|(_, name)| name).collect();
            let (kind, sure) = (found.hit.kind, found.hit.confidence);
            all.push(format!(
                "{kind} {sure:.2} {:?} {why:?} in {:?}",
                found.text,
                near(found.around(), found.text)
            ));
        }
    });
    all
}

/// A little of what stands around, for messages.
fn near<'a>(around: &'a str, text: &str) -> &'a str {
    let at = around.find(text).unwrap_or(0);
    let mut from = at.saturating_sub(30);
    let mut to = (at + text.len() + 30).min(around.len());
    while !around.is_char_boundary(from) {
        from -= 1;
    }
    while !around.is_char_boundary(to) {
        to += 1;
    }
    &around[from..to]
}

/// Fails after printing all that was found in any of the texts.
fn nothing_in(what: &str, texts: impl IntoIterator<Item = String>) {
    let (mut count, mut found) = (0, 0);
    for text in texts {
        count += 1;
        for one in sure(&text) {
            found += 1;
            println!("{what}: {one}");
        }
    }
    println!("{what}: {found} sure findings in {count} texts");
    assert_eq!(found, 0, "{what}: sure findings where nothing is");
}

/// Order numbers as shops make them: digits of any sort, or a time and a running number.
fn orders(count: usize) -> Vec<String> {
    let mut random = Random(20);
    (0..count)
        .map(|at| {
            let length = 16 + at as u64 % 5;
            match at % 3 {
                0 => {
                    let first = 1 + random.below(9);
                    format!("{first}{}", random.digits(length - 1))
                }
                1 => {
                    let day = moment(&mut random).compact();
                    format!("{day}{}", random.digits(length - 14))
                }
                _ => {
                    let (y, m, d) = moment(&mut random).ymd;
                    format!("{y}{m:02}{d:02}{}", random.digits(length - 8))
                }
            }
        })
        .collect()
}

#[test]
fn order_numbers_with_a_label() {
    let labels = [
        "订单号：",
        "订单编号 ",
        "order_no=",
        "交易流水号:",
        "\"orderId\":\"",
        "单号是",
    ];
    let texts = orders(2000)
        .into_iter()
        .enumerate()
        .map(|(at, order)| format!("{}{order}", labels[at % labels.len()]));
    nothing_in("labelled orders", texts);
}

#[test]
fn order_numbers_without_a_label() {
    let frames = [
        ("", ""),
        ("7,", ",已发货"),
        ("<td>", "</td>"),
        ("共", "条"),
        ("(", ")"),
    ];
    let texts = orders(2000).into_iter().enumerate().map(|(at, order)| {
        let (before, after) = frames[at % frames.len()];
        format!("{before}{order}{after}")
    });
    nothing_in("bare orders", texts);
}

#[test]
fn longer_numbers_of_payments() {
    let mut random = Random(21);
    let texts = (0..500).map(|at| {
        let day = moment(&mut random).compact();
        match at % 3 {
            0 => format!("{}22001{}", &day[..8], random.digits(15)),
            1 => format!("4200001{}{}", &day[..8], random.digits(13)),
            _ => random.digits(21 + at % 12),
        }
    });
    nothing_in("payments", texts.collect::<Vec<_>>());
}

#[test]
fn times_in_every_form() {
    let mut random = Random(22);
    let mut texts = Vec::new();
    for _ in 0..300 {
        let forms = moment(&mut random).forms(&mut random);
        texts.extend(forms.iter().map(|form| format!("ts={form}")));
        texts.extend(forms.iter().map(|form| format!("于{form}完成")));
        texts.push(forms.join("\n"));
    }
    nothing_in("times", texts);
}

#[test]
fn identifiers_of_machines_and_hashes() {
    let mut random = Random(23);
    let mut texts = Vec::new();
    for _ in 0..1000 {
        texts.push(uuid(&mut random));
        texts.push(uuid(&mut random).to_uppercase());
        for length in [7, 12, 16, 24, 32, 40, 64, 128] {
            texts.push(random.hex(length));
        }
        texts.push(format!("0x{}", random.hex(16)));
        texts.push(format!("W/\"{}-{}\"", random.hex(4), random.hex(11)));
    }
    nothing_in("identifiers", texts);
}

#[test]
fn numbers_that_are_nobodys() {
    nothing_in("numbers", NUMBERS.map(str::to_owned));
    nothing_in(
        "numbers in a line",
        NUMBERS.map(|number| format!("共{number}，见下表")),
    );
}

#[test]
fn numbers_that_a_word_explains() {
    let texts = LABELLED.map(|(label, number)| format!("{label}{number}\n"));
    nothing_in("explained", texts);
}

#[test]
fn advertisements_and_notices() {
    nothing_in(
        "advertisements",
        ADVERTISEMENTS.map(|(_, text)| text.to_owned()),
    );
}

#[test]
fn prose_and_blank_forms() {
    nothing_in("prose", PROSE.map(|(_, text)| text.to_owned()));
}

#[test]
fn code_of_many_languages() {
    nothing_in("code", CODE.map(|(_, text)| text.to_owned()));
}

#[test]
fn a_minified_script() {
    nothing_in("script", [minified(&mut Random(24), 4000)]);
}

#[test]
fn tables_drawings_blobs_and_logs() {
    let mut random = Random(25);
    let picture = format!("data:image/png;base64,{}", blob(&mut random, 60_000));
    let lines = (0..400)
        .map(|_| format!("{}\n", blob(&mut random, 76)))
        .collect();
    let texts = [
        measurements(&mut random, 2000),
        svg(&mut random, 3000),
        log(&mut random, 3000),
        picture,
        lines,
    ];
    nothing_in("tables, drawings, logs, blobs", texts);
}

#[test]
fn the_lock_file_of_this_house() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    nothing_in("Cargo.lock", [lock]);
}

/// The house's own code, without comments and tests, which quote examples.
#[test]
fn the_code_of_this_house() {
    let mut files = Vec::new();
    collect(&root().join("crates"), &mut files);
    assert!(files.len() > 100, "{}", files.len());
    let texts = files.iter().map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.fold(String::new(), |all, line| all + line + "\n")
    });
    nothing_in("our code", texts);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Sources below `folder`; tests, examples and what is made for them are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !["tests", "examples", "testkit", "target"].contains(&name) {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}
