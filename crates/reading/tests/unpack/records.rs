//! Mail, cards, records and chats: what comes out of them, and where it lay.

use super::made::*;
use super::{plain, told, with};
use liuhen_reading::{Limits, Wishes, comes_apart};

fn records() -> Wishes {
    Wishes {
        records: true,
        ..with(Limits::default(), &["p"])
    }
}

#[test]
fn a_message_is_its_head_its_bodies_and_its_files() {
    let expected = [
        "a.eml: from: 某甲 <a@example.cn>\nto: 某乙 <b@example.cn>\nsubject: 名单 两份\ndate: Thu, 02 Jan 2025 03:04:05 +0800\n",
        "a.eml / body.txt: 您好，某甲：\n电话 13800000000\n",
        "a.eml / body-2.html: <p>某甲</p>\n",
        "a.eml / 名单.zip / a.csv: 姓名,手机\n某甲,13800000000\n",
    ];
    // Whether rows are wished for or not: what is encoded must be undone.
    assert_eq!(plain(&message(), "a.eml"), expected);
    assert_eq!(
        plain(&message(), "any")[0].replace("any", "a.eml"),
        expected[0]
    );
    // Where rows are wished for, the richest form of the body comes first.
    let seen = told(&message(), "a.eml", &records());
    assert!(
        seen[1].starts_with("a.eml / body-2.html: ") && seen[2] == expected[1],
        "{seen:?}"
    );
    assert_eq!(seen[3], expected[3]);
    let cut = &message()[..message().len() / 2];
    assert!(plain(cut, "a.eml").len() >= 2);
}

#[test]
fn a_mailbox_is_its_messages() {
    let one = "From a@b.cn Thu Jan  2 03:04:05 2025\nFrom: a@b.cn\nDate: x\nSubject: one\n\nbody\n>From here\n\n";
    let two = "From a@b.cn Thu Jan  2 03:04:06 2025\nFrom: c@b.cn\nDate: x\nSubject: two\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nopen\n\n";
    let three =
        "From a@b.cn Thu Jan  2 03:04:07 2025\nFrom: d@b.cn\nDate: x\nSubject: three\n\nlast\n";
    let seen = plain([one, two, three].concat().as_bytes(), "a.mbox");
    let expected = [
        "a.mbox / message 1: from: a@b.cn\ndate: x\nsubject: one\n",
        "a.mbox / message 1 / body.txt: body\nFrom here\n\n",
        "a.mbox / message 2: from: c@b.cn\ndate: x\nsubject: two\n",
        "a.mbox / message 2 / body.txt: open\n\n",
        "a.mbox / message 3: from: d@b.cn\ndate: x\nsubject: three\n",
        "a.mbox / message 3 / body.txt: last\n",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn messages_lie_within_messages() {
    let inner = String::from_utf8(message()).unwrap();
    let outer = format!(
        "MIME-Version: 1.0\r\nFrom: x\r\nSubject: fwd\r\nContent-Type: multipart/mixed; boundary=\"out\"\r\n\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--out\r\n\r\nafter\r\n--out--\r\n"
    );
    let seen = plain(outer.as_bytes(), "a.eml");
    assert!(
        seen[1].starts_with("a.eml / message-1.eml: from: 某甲"),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .any(|line| line.contains("message-1.eml / 名单.zip / a.csv: "))
    );
    assert!(seen.last().unwrap().ends_with("after\n") || seen.last().unwrap().contains("after"));
    let mut deep = String::new();
    for level in 0..500 {
        deep.push_str(&format!("MIME-Version: 1.0\nFrom: x\nSubject: y\nContent-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
    }
    assert!(!plain(deep.as_bytes(), "deep.eml").is_empty());
}

#[test]
fn records_are_rows_where_rows_are_wished_for() {
    let json = br#"{"list":[{"name":"x"},{"name":"y"}]}"#;
    let seen = told(json, "a.json", &records());
    assert_eq!(seen, ["a.json / list: [name; x; y]"]);
    assert!(plain(json, "a.json")[0].starts_with("a.json: {\"list\""));
    assert!(!comes_apart(json, "a.json", false) && comes_apart(json, "a.json", true));
    // Escapes hide what is written, so that it is read as records for everybody.
    let hidden = br#"[{"name":"\u67d0\u7532"},{"name":"y"}]"#;
    assert_eq!(plain(hidden, "a.json"), ["a.json: [name; 某甲; y]"]);
    let lines = b"{\"a\":1}\n{\"a\":2}\n";
    assert_eq!(told(lines, "a.jsonl", &records()), ["a.jsonl: [a; 1; 2]"]);
    let nested = b"{\"u\":{\"a\":1}}\n{\"u\":{\"a\":2}}\n";
    assert_eq!(told(nested, "a.jsonl", &records()), ["a.jsonl: [a; 1; 2]"]);
    let xml = "<?xml version='1.0'?><r><p><n>x</n></p><p><n>y</n></p></r>";
    assert_eq!(
        told(xml.as_bytes(), "a.xml", &records()),
        ["a.xml / r.p: [n; x; y]"]
    );
    // What only looks like one stays text.
    for (name, text) in [
        ("a.ini", "[a]\nb=1\n"),
        ("a.log", "[2025-01-02] x\n"),
        ("a.yaml", "a:\n  - b: 1\n"),
    ] {
        assert_eq!(
            told(text.as_bytes(), name, &records()),
            [format!("{name}: {text}")]
        );
    }
}

#[test]
fn formats_that_are_not_read_are_named() {
    let seen = told(b"\x04\x22\x4D\x18\x64\x40\xA7", "a.bin", &records());
    assert!(seen[0].contains("lz4"), "{seen:?}");
}
