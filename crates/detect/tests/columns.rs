//! Whole tables, typical and messy, with right, wrong and missing headers.

use liuhen_detect::columns::{ColumnGuess, guess, looks_like_header};
use liuhen_document::{Header, Row};
use liuhen_invented::{Generator, Person};
use liuhen_kinds::{Kind, Lang};

const ROWS: u64 = 200;

/// One column made of every person, with the person's number.
fn column(make: impl Fn(&Person, u64) -> String) -> Vec<String> {
    let generator = Generator::new(99);
    (0..ROWS)
        .map(|index| make(&generator.person_at(index), index))
        .collect()
}

fn rows(columns: &[Vec<String>]) -> Vec<Row> {
    (0..columns[0].len())
        .map(|at| Row {
            number: at as u64 + 2,
            cells: columns
                .iter()
                .map(|column| column[at].as_str().into())
                .collect(),
        })
        .collect()
}

fn guess_one(header: &str, column: Vec<String>) -> ColumnGuess {
    guess(&Header(vec![header.to_owned()]), &rows(&[column])).remove(0)
}

/// The kind of one column and the reasons, for messages.
fn kind_of(header: &str, column: Vec<String>) -> (Option<Kind>, String) {
    let guess = guess_one(header, column);
    let reasons: Vec<String> = guess
        .evidence
        .iter()
        .map(|evidence| evidence.text(Lang::En))
        .collect();
    (
        guess.kind,
        format!("{header}: {} {reasons:?}", guess.confidence),
    )
}

/// A mobile number with an assigned head, made from a generated one.
fn assigned(person: &Person) -> String {
    format!("13{}", &person.mobile[2..])
}

type Make = fn(&Person, u64) -> String;

fn typical() -> Vec<(&'static str, Kind, Make)> {
    vec![
        ("姓名", Kind::PERSON_NAME, |p, _| p.name.clone()),
        ("身份证号", Kind::RESIDENT_ID, |p, _| {
            p.resident_id.clone()
        }),
        ("联系电话", Kind::MOBILE, |p, _| assigned(p)),
        ("家庭住址", Kind::ADDRESS, |p, _| p.address.clone()),
        ("车牌", Kind::PLATE, |p, n| {
            format!("{}{:05}", p.plate.chars().take(2).collect::<String>(), n)
        }),
        ("卡号", Kind::BANK_CARD, |p, _| p.bank_card.clone()),
        ("邮箱", Kind::EMAIL, |p, _| p.email.clone()),
        ("出生日期", Kind::DATE_OF_BIRTH, |p, _| {
            p.birth.to_string()
        }),
        ("性别", Kind::GENDER, |p, _| p.sex.label().to_owned()),
        ("座机", Kind::LANDLINE, |p, _| {
            format!("010-{}1", &p.landline[5..])
        }),
    ]
}

#[test]
fn a_typical_table_is_recognised_whole() {
    let typical = typical();
    let header = Header(
        typical
            .iter()
            .map(|(word, ..)| (*word).to_owned())
            .collect(),
    );
    let columns: Vec<Vec<String>> = typical.iter().map(|(.., make)| column(make)).collect();
    for (guess, (word, kind, _)) in guess(&header, &rows(&columns)).iter().zip(&typical) {
        assert_eq!(guess.kind, Some(*kind), "{word}");
        assert!(guess.confidence > 0.9, "{word}: {}", guess.confidence);
        assert!(!guess.evidence.is_empty(), "{word}");
    }
}

#[test]
fn values_suffice_without_a_header() {
    for (word, kind, make) in typical() {
        for header in ["", "列1", "F7"] {
            let (found, why) = kind_of(header, column(make));
            assert_eq!(found, Some(kind), "{word} under {why}");
        }
    }
}

#[test]
fn values_win_over_a_wrong_header() {
    for (word, kind, make) in typical() {
        for header in ["姓名", "手机号", "身份证号", "地址"] {
            let typed = !matches!(kind, Kind::DATE_OF_BIRTH | Kind::GENDER | Kind::LANDLINE);
            if header != word && typed {
                let (found, why) = kind_of(header, column(make));
                assert_eq!(found, Some(kind), "{word} under {why}");
            }
        }
    }
}

#[test]
fn mess_does_not_hide_a_column() {
    let messy: [(&str, Kind, Make); 8] = [
        ("证件号码", Kind::RESIDENT_ID, |p, n| match n % 10 {
            0 => String::new(),
            1 => format!(" {}", p.resident_id.to_lowercase()),
            2 => format!("'{}", p.resident_id),
            3 => "无".to_owned(),
            _ => p.resident_id.clone(),
        }),
        ("电话", Kind::MOBILE, |p, n| match n % 8 {
            0 => format!("+86 {}", assigned(p)),
            1 => format!("{}.0", assigned(p)),
            2 => p.landline.clone(),
            3 => "-".to_owned(),
            4 => assigned(p).replacen("13", "１３", 1),
            _ => assigned(p),
        }),
        ("客户", Kind::PERSON_NAME, |p, n| match n % 12 {
            0 => format!("{}先生", p.name.chars().next().unwrap()),
            1 => "阿卜杜拉·买买提".to_owned(),
            _ => p.name.clone(),
        }),
        ("收货地址", Kind::ADDRESS, |p, n| match n % 6 {
            0 => "自提".to_owned(),
            _ => p.address.replace('市', "市 "),
        }),
        ("生日", Kind::DATE_OF_BIRTH, |p, n| match n % 4 {
            0 => format!("{}/{}/{}", p.birth.year, p.birth.month, p.birth.day),
            1 => format!("{}年{}月{}日", p.birth.year, p.birth.month, p.birth.day),
            2 => format!("{} 00:00:00", p.birth),
            _ => p.birth.to_string(),
        }),
        ("canaries", Kind::MOBILE, |p, _| p.mobile.clone()),
        ("卡号", Kind::BANK_CARD, |p, _| {
            let c = &p.bank_card;
            format!("{} {} {} {}", &c[..4], &c[4..8], &c[8..12], &c[12..])
        }),
        ("name", Kind::PERSON_NAME, |_, n| {
            let names = [
                "ZHANG Wei",
                "Li Na",
                "WANG Fang",
                "Mary O'Neil",
                "John Smith",
            ];
            names[usize::try_from(n).unwrap() % names.len()].to_owned()
        }),
    ];
    for (header, kind, make) in messy {
        let (found, why) = kind_of(header, column(make));
        assert_eq!(found, Some(kind), "{why}");
    }
}

#[test]
fn refuses_columns_that_only_look_alike() {
    let alike: [(&str, Make); 14] = [
        ("", |_, n| format!("20240115{:010}", n * 7_919)),
        ("单据", |_, n| {
            format!("{}", 1_700_000_000_000 + n * 86_413_000)
        }),
        ("时间戳", |_, n| {
            format!("{}", 1_700_000_000 + n * 86_413)
        }),
        ("", |_, n| format!("{}.{:02}", n * 37 % 5000, n % 100)),
        ("", |_, n| format!("{}", 10_000 + n * 123_457 % 999_999_999)),
        ("", |_, n| format!("{}", 13_800_138_000 + n)),
        ("下单时间", |p, _| p.birth.to_string()),
        ("", |_, n| {
            format!("2026-{:02}-{:02}", n % 10 + 1, n % 28 + 1)
        }),
        ("名称", |p, _| format!("{}{}科技有限公司", p.name, "网络")),
        ("城市", |_, n| {
            ["杭州市", "苏州市", "常州市", "黄山市"][usize::try_from(n % 4).unwrap()].to_owned()
        }),
        ("状态", |_, n| {
            ["已完成", "待付款", "成功", "关闭"][usize::try_from(n % 4).unwrap()].to_owned()
        }),
        ("颜色", |_, n| {
            ["白色", "黄色", "金色", "蓝色"][usize::try_from(n % 4).unwrap()].to_owned()
        }),
        ("备注", |_, n| format!("第{n}次回访，客户表示满意")),
        ("", |_, n| format!("550e8400-e29b-41d4-a716-{n:012}")),
    ];
    for (header, make) in alike {
        let (found, why) = kind_of(header, column(make));
        assert_eq!(found, None, "{why}");
    }
}

#[test]
fn headers_speak_where_values_cannot() {
    let rows: [(&str, Option<Kind>, Make); 6] = [
        ("微信号", Some(Kind::WECHAT_ID), |_, n| {
            format!("wx_{n}abc")
        }),
        ("QQ", Some(Kind::QQ), |_, n| {
            format!("{}", 10_000 + n * 7919)
        }),
        ("订单号", Some(Kind::ORDER), |_, n| {
            format!("2024{n:012}")
        }),
        ("手机号", Some(Kind::MOBILE), |p, _| {
            format!("{}****{}", &p.mobile[..3], &p.mobile[7..])
        }),
        ("身份证号", Some(Kind::RESIDENT_ID), |_, _| {
            String::new()
        }),
        ("手机号", None, |_, n| format!("分机{n}")),
    ];
    for (header, kind, make) in rows {
        let (found, why) = kind_of(header, column(make));
        assert_eq!(found, kind, "{why}");
    }
}

#[test]
fn evidence_counts_what_was_seen() {
    let ids = column(|p, n| {
        if n < 3 {
            "440308199901101513".to_owned()
        } else {
            p.resident_id.clone()
        }
    });
    let guess = guess_one("身份证号", ids);
    let words: Vec<String> = guess.evidence.iter().map(|e| e.text(Lang::En)).collect();
    assert_eq!(
        words[0],
        "197 of 200 values pass the check digit (GB 11643)"
    );
    assert!(
        words.contains(&"header '身份证号' names it".to_owned()),
        "{words:?}"
    );
    let differs = guess_one("订单号", column(|p, _| p.resident_id.clone()));
    assert_eq!(differs.kind, Some(Kind::RESIDENT_ID));
    assert!(differs.evidence.iter().any(|e| e.code == "header_differs"));
}

#[test]
fn short_rows_and_no_rows_are_no_trouble() {
    assert!(guess(&Header::default(), &[]).is_empty());
    let ragged = [
        Row {
            number: 1,
            cells: vec!["a".into()],
        },
        Row {
            number: 2,
            cells: Vec::new(),
        },
    ];
    assert_eq!(
        guess(&Header(vec![String::new(), "备注".into()]), &ragged).len(),
        2
    );
}

#[test]
fn a_table_without_a_header_is_seen() {
    let columns: Vec<Vec<String>> = typical().iter().map(|(.., make)| column(make)).collect();
    let rows = rows(&columns);
    let first = Header(
        rows[0]
            .cells
            .iter()
            .map(|cell| cell.as_str().to_owned())
            .collect(),
    );
    assert!(!looks_like_header(&first, &rows[1..]));
    let words = Header(
        typical()
            .iter()
            .map(|(word, ..)| (*word).to_owned())
            .collect(),
    );
    assert!(looks_like_header(&words, &rows));
}
