//! What holds for every text: spans slice, pieces do not matter, answers repeat,
//! and what was blotted out is not found again.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test on 64 bits that prints what it misses and may panic"
)]

use std::fmt::Write as _;

use liuhen_detect::{Detector, Hit};
use liuhen_document::Span;
use liuhen_kinds::Kind;
use proptest::prelude::*;

/// A hit with the text that was handed out beside it.
type Told = (Hit, String);

fn scan(text: &str) -> Vec<Told> {
    let mut all = Vec::new();
    Detector::builtin().hits(text, |found| all.push((*found.hit, found.text.to_owned())));
    all
}

/// The same text in pieces that end after each of `cuts`, bytes that end characters.
fn stream(text: &str, cuts: impl Iterator<Item = usize>) -> Vec<Told> {
    let mut all = Vec::new();
    let mut stream = Detector::builtin().stream();
    let mut at = 0;
    for cut in cuts.chain([text.len()]) {
        stream.push(&text[at..cut], &mut |found| {
            all.push((*found.hit, found.text.to_owned()));
        });
        at = cut;
    }
    stream.finish(&mut |found| all.push((*found.hit, found.text.to_owned())));
    all
}

/// Ends of pieces of about `size` bytes.
fn cuts(text: &str, size: usize) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut at = 0;
    while at + size < text.len() {
        at += size;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        cuts.push(at);
    }
    cuts
}

/// Values and things near to values, labels, and what stands between.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,12}",
        2 => "[ \n\r\t,，。:：=\"'<>/|;&%-]{1,3}",
        3 => "(手机号?|电话|身份证号?|卡号|姓名|地址|密码|验证码|邮箱|QQ|微信号?|订单号|生日|password|email|mobile|ip)[:：= ]{0,2}",
        2 => Just("13800138000".to_owned()),
        2 => "1[3-9][0-9] ?[0-9]{4}-?[0-9]{4}",
        1 => "(\\+86|0086)[ -]?1[3-9][0-9]{9}",
        1 => "[１３８０oOlI0-9]{11}",
        1 => "[一二三四五六七八九零幺壹①③⑧⓪]{11,18}",
        1 => Just("440308199901101512".to_owned()),
        1 => "[1-6][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9]{4}[0-9xXｘ]",
        1 => Just("6222 0212 3456 7890 128".to_owned()),
        1 => "[0-9]{13,19}",
        1 => "1[3-9][0-9]\\*{4}[0-9]{4}",
        1 => "[0-9]{6}\\*{8}[0-9]{3}[0-9X]",
        1 => "0[1-9][0-9]{1,2}-[2-8][0-9]{6,7}",
        1 => "[a-z0-9.]{1,8}@[a-z]{1,6}\\.(com|cn|example)",
        1 => "[京沪粤][A-D]·?[A-Z0-9]{5,6}",
        1 => "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
        1 => "[A-Fa-f0-9:]{5,40}",
        1 => "[0-9]{2,3}\\.[0-9]{4,6}, ?[0-9]{2,3}\\.[0-9]{4,6}",
        1 => "(王|李|张|欧阳)[一-龥]{1,2}(先生|女士)?",
        1 => "浙江省杭州市西湖区[一-龥]{1,3}路[0-9]{1,3}号[0-9]室",
        1 => "(%[0-9A-F]{2}|\\\\u[0-9a-f]{4}|&#?[a-z0-9]{1,5};){1,5}",
        1 => "[A-Za-z0-9+/]{8,60}={0,2}",
        1 => "[\u{200B}\u{FEFF}\u{00AD}\u{2060}\u{200D}]{1,3}",
        1 => "[𠮷👨🏽\u{0301}\u{20E3}\u{202e}]{1,4}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// The mark that stands for a value in a redacted text.
fn marker(kind: Kind) -> String {
    let mut mark = String::from("[");
    for part in kind.name().split('_') {
        let _ = write!(mark, "{}", part.to_uppercase());
    }
    mark + "]"
}

/// Whether a text is what we put for values, and nothing else that could be read.
fn only_marks(said: &str, hits: &[Told]) -> bool {
    let mut rest = said.replace('█', "");
    for (hit, _) in hits {
        rest = rest.replace(marker(hit.kind).trim_matches(['[', ']']), "");
    }
    rest != said && !rest.chars().any(char::is_alphanumeric)
}

/// The text with every hit blotted out; overlapping hits become one mark.
fn redacted(text: &str, hits: &[Told], mark: impl Fn(Kind) -> String) -> String {
    let mut spans: Vec<(usize, usize, Kind)> = hits
        .iter()
        .map(|(hit, _)| {
            (
                hit.span.bytes.0 as usize,
                hit.span.bytes.1 as usize,
                hit.kind,
            )
        })
        .collect();
    spans.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut out = String::new();
    let mut at = 0;
    for (start, end, kind) in spans {
        if start >= at {
            out.push_str(&text[at..start]);
            out.push_str(&mark(kind));
        }
        at = at.max(end);
    }
    out.push_str(&text[at..]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_slice_the_exact_text_in_three_units(text in text()) {
        let units: Vec<u16> = text.encode_utf16().collect();
        for (hit, told) in scan(&text) {
            let (start, end) = (hit.span.bytes.0 as usize, hit.span.bytes.1 as usize);
            prop_assert_eq!(text.get(start..end), Some(told.as_str()), "{:?}", hit);
            prop_assert!(!told.is_empty(), "{:?}", hit);
            prop_assert_eq!(Span::of(&text, start, end), Some(hit.span));
            let (from, to) = (hit.span.chars.0 as usize, hit.span.chars.1 as usize);
            let by_chars: String = text.chars().skip(from).take(to - from).collect();
            prop_assert_eq!(&by_chars, &told);
            let (from, to) = (hit.span.utf16.0 as usize, hit.span.utf16.1 as usize);
            let by_units = String::from_utf16(&units[from..to]).unwrap_or_default();
            prop_assert_eq!(&by_units, &told);
            prop_assert!((0.0..=1.0).contains(&hit.confidence), "{:?}", hit);
        }
    }

    #[test]
    fn hits_come_in_the_order_of_place(text in text()) {
        let starts: Vec<u64> = scan(&text).iter().map(|(hit, _)| hit.span.bytes.0).collect();
        prop_assert!(starts.is_sorted(), "{:?}", starts);
    }

    #[test]
    fn lines_and_columns_lead_to_the_hit(text in text()) {
        let mut wrong = Vec::new();
        Detector::builtin().hits(&text, |found| {
            let before = &text[..found.hit.span.bytes.0 as usize];
            let line = 1 + before.matches('\n').count() as u64;
            let head = before.rsplit('\n').next().unwrap_or_default();
            let column = 1 + head.chars().count() as u64;
            if (found.line, found.column) != (line, column) {
                wrong.push(format!("{found:?}, due {line}:{column}"));
            }
        });
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
    }

    #[test]
    fn pieces_of_any_size_give_the_same(text in text(), size in 1_usize..70) {
        let whole = scan(&text);
        prop_assert_eq!(stream(&text, cuts(&text, size).into_iter()), whole);
    }

    #[test]
    fn one_character_at_a_time_gives_the_same(text in text()) {
        let whole = scan(&text);
        let ends = text.char_indices().map(|(at, _)| at).skip(1);
        prop_assert_eq!(stream(&text, ends), whole);
    }

    #[test]
    fn the_same_text_gives_the_same(text in text()) {
        prop_assert_eq!(scan(&text), scan(&text));
        let kept: Vec<Span> = Detector::builtin().scan(&text).iter().map(|f| f.span).collect();
        let told: Vec<Span> = scan(&text).iter().map(|(hit, _)| hit.span).collect();
        prop_assert_eq!(kept, told);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = scan(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_was_blotted_out_is_not_found_again(text in text()) {
        let hits = scan(&text);
        for mark in [marker as fn(Kind) -> String, |_| "█".to_owned()] {
            let after = redacted(&text, &hits, mark);
            let found = scan(&after);
            for (hit, told) in &hits {
                let again = found.iter().find(|(other, said)| other.kind == hit.kind && said == told);
                // The same value may stand elsewhere, where less spoke for it.
                let elsewhere = text.matches(told.as_str()).count()
                    > hits.iter().filter(|(_, said)| said == told).count();
                prop_assert!(again.is_none() || elsewhere, "{:?} in {:?}", again, after);
            }
            let marked = found.iter().find(|(_, said)| only_marks(said, &hits));
            prop_assert!(marked.is_none(), "{:?} in {:?}", marked, after);
        }
    }
}

/// A text as long as several windows of the engine, with values in many places.
fn long_text() -> String {
    let mut text = String::new();
    let mut at = 0_u64;
    while text.len() < 300_000 {
        at += 1;
        let _ = match at % 7 {
            0 => writeln!(
                text,
                "第{at}条，手机号：13800138000，邮箱zhang{at}@example.com。"
            ),
            1 => write!(text, "身份证440308199901101512与订单20261122{at:010}无关，"),
            2 => writeln!(
                text,
                "{{\"bank_card\":\"6222 0212 3456 7890 128\",\"n\":{at}}}"
            ),
            3 => write!(
                text,
                "{}",
                "这里没有什么可找的，只是些普通的话。".repeat((at % 40) as usize)
            ),
            4 => writeln!(text, "\u{200B}138\u{200B}0013\n8000 𠮷 223.5.5.5:{at}"),
            5 => write!(text, "{}", "x".repeat((at * 37 % 3000) as usize)),
            _ => writeln!(text, "联系人王小明 138****8000 车牌京A12345"),
        };
    }
    text
}

#[test]
fn pieces_up_to_64_kib_give_the_same() {
    let text = long_text();
    let whole = scan(&text);
    assert!(whole.len() > 100, "{} hits", whole.len());
    for size in [
        1, 2, 3, 7, 64, 509, 1000, 4096, 8191, 16_384, 32_768, 65_535, 65_536,
    ] {
        let pieces = stream(&text, cuts(&text, size).into_iter());
        let differs = pieces.iter().zip(&whole).position(|(a, b)| a != b);
        assert_eq!(
            differs,
            None,
            "pieces of {size}: {:?}",
            differs.map(|at| (&pieces[at], &whole[at]))
        );
        assert_eq!(pieces.len(), whole.len(), "pieces of {size}");
    }
}

#[test]
fn threads_give_the_same() {
    let text = long_text();
    let whole = scan(&text);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| scan(&text))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), whole);
        }
    });
}

#[test]
fn empty_pieces_change_nothing() {
    let text = "手机号：13800138000。";
    let mut all = Vec::new();
    let mut stream = Detector::builtin().stream();
    for piece in ["", "手机号：138", "", "00138000。", ""] {
        stream.push(piece, &mut |found| {
            all.push((*found.hit, found.text.to_owned()))
        });
    }
    stream.finish(&mut |found| all.push((*found.hit, found.text.to_owned())));
    assert_eq!(all, scan(text));
    assert_eq!(scan(""), Vec::new());
}
