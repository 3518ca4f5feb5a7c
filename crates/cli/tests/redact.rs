//! `liuhen redact` as a user runs it: what is gone from each format, what stays, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");
const NAME: &str = "欧阳小明";
const MOBILE: &str = "13800138000";
const ID: &str = "440308199901101512";
const EMAIL: &str = "ouyang@example.com";
/// Everything that the documents of `crates/redact/tests/data` hold of somebody.
const VALUES: [&str; 9] = [
    NAME,
    MOBILE,
    ID,
    EMAIL,
    "慕容雪",
    "13900139000",
    "110105198003072827",
    "6222021234567890128",
    "13700137003",
];

fn redact(dir: &TempDir, args: &[&str]) -> Output {
    Command::new(BIN)
        .arg("redact")
        .args(args)
        .current_dir(dir.path())
        .env("LANG", "C.UTF-8")
        // Pictures are looked at by tests of their own.
        .env("LIUHEN_MODELS", "none")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    for value in VALUES {
        assert!(!said.contains(value), "a value on standard error");
        assert!(!out.contains(value), "a value on standard output");
    }
    assert_eq!(output.status.code(), Some(code), "{out}\n{said}");
}

fn lines(output: &Output) -> Vec<Value> {
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Redacts one file, and gives the copy.
#[track_caller]
fn copy_of(name: &str, bytes: &[u8], args: &[&str]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    let out = format!("out-{name}");
    let mut all = vec![name, "-o", out.as_str()];
    all.extend(args);
    exits(&redact(&dir, &all), 0);
    fs::read(dir.path().join(out)).unwrap()
}

#[track_caller]
fn text_of(name: &str, text: &str, args: &[&str]) -> String {
    String::from_utf8(copy_of(name, text.as_bytes(), args)).unwrap()
}

fn document(name: &str) -> Vec<u8> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../redact/tests/data");
    fs::read(data.join(name)).unwrap()
}

fn parts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut entry = archive.by_index(at).unwrap();
            let mut held = Vec::new();
            entry.read_to_end(&mut held).unwrap();
            (entry.name().unwrap().into_owned(), held)
        })
        .collect()
}

/// Whether a value stands in bytes in any of the encodings a part may have.
fn holds(bytes: &[u8], value: &str) -> bool {
    let wide = |of: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let references: String = value
        .chars()
        .map(|c| format!("&#{};", u32::from(c)))
        .collect();
    let forms = [
        value.as_bytes().to_vec(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        references.into_bytes(),
    ];
    forms.iter().any(|form| {
        bytes
            .windows(form.len())
            .any(|window| window == form.as_slice())
    })
}

#[track_caller]
fn is_clean(bytes: &[u8]) {
    for (name, part) in parts(bytes) {
        for value in VALUES {
            assert!(!holds(&part, value), "{name} holds a value");
            assert!(!holds(name.as_bytes(), value), "{name}");
        }
    }
}

fn part(bytes: &[u8], name: &str) -> String {
    let parts = parts(bytes);
    let found = parts.into_iter().find(|(known, _)| known == name);
    String::from_utf8(found.unwrap_or_else(|| panic!("no part {name}")).1).unwrap()
}

#[test]
fn text_stays_in_its_encoding() {
    let text = format!("联系人：{NAME}，手机号{MOBILE}。\r\n身份证号 {ID}\n完\n");
    let copy = text_of("a.txt", &text, &[]);
    assert_eq!(
        copy,
        "联系人：【姓名】，手机号【手机号】。\r\n身份证号 【居民身份证号】\n完\n"
    );
    let (gbk, _, _) = encoding_rs::GBK.encode(&text);
    let copy = copy_of("a.log", &gbk, &[]);
    assert_eq!(
        encoding_rs::GBK.decode(&copy).0,
        "联系人：【姓名】，手机号【手机号】。\r\n身份证号 【居民身份证号】\n完\n"
    );
    let mut wide = b"\xFF\xFE".to_vec();
    wide.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let copy = copy_of("a.md", &wide, &[]);
    let units: Vec<u16> = copy
        .chunks(2)
        .map(|two| u16::from_le_bytes([two[0], two[1]]))
        .collect();
    let copy = String::from_utf16(&units).unwrap();
    assert!(copy.starts_with("\u{FEFF}联系人：【姓名】，手机号【手机号】"));
    let old = "手機號碼變更為 13800138000，謝謝各界的支持與協助\n";
    let (big5, _, _) = encoding_rs::BIG5.encode(old);
    let copy = copy_of("b.txt", &big5, &[]);
    let (copy, _, bad) = encoding_rs::BIG5.decode(&copy);
    assert!(
        !bad && copy.contains("手機號碼變更")
            && copy.contains("[mobile number]")
            && !copy.contains(MOBILE),
        "{copy}"
    );
}

#[test]
fn rows_that_hold_nothing_stay_byte_for_byte() {
    let table = format!(
        "编号,姓名,电话,备注\r\n1,{NAME},{MOBILE},\"a,\"\"b\"\"\"\r\n\r\n2,,,\"x\"\r\n3,慕容雪,13900139000,\r\n"
    );
    let copy = text_of("t.csv", &table, &[]);
    assert_eq!(
        copy,
        "编号,姓名,电话,备注\r\n1,【姓名】,【手机号】,\"a,\"\"b\"\"\"\r\n\r\n2,,,\"x\"\r\n3,【姓名】,【手机号】,\r\n"
    );
    let copy = text_of("t.tsv", &table.replace(',', "\t"), &[]);
    assert!(!VALUES.iter().any(|value| copy.contains(value)), "{copy}");
}

#[test]
fn json_keeps_its_shape_and_its_names() {
    let lines = format!(
        "{{\"name\": \"{NAME}\", \"phone\": {MOBILE}, \"n\": 3, \"note\": \"\\u6b27\\u9633\\u5c0f\\u660e 来过\"}}\n{{\"name\": \"慕容雪\", \"phone\": 13900139000, \"n\": 4, \"note\": null}}\n"
    );
    let copy = text_of("a.jsonl", &lines, &[]);
    let rows: Vec<Value> = copy
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["name"], "【姓名】");
    assert_eq!(rows[0]["phone"], "【手机号】");
    assert_eq!(rows[0]["n"], 3);
    assert_eq!(rows[0]["note"], "【姓名】 来过");
    assert_eq!(rows[1]["note"], Value::Null);
    let nested = format!("{{\"total\": 1, \"list\": [{{\"email\": \"{EMAIL}\"}}]}}");
    assert_eq!(
        text_of("a.json", &nested, &[]),
        "{\"total\": 1, \"list\": [{\"email\": \"【电子邮箱】\"}]}"
    );
}

#[test]
fn a_page_loses_what_stands_in_tags_scripts_and_files_within_it() {
    let page = format!(
        "<!DOCTYPE html><html><head><script>var p='{MOBILE}';</script></head><body><!-- {ID} -->\
         <p>姓名：欧阳<b>小</b>明</p><a href=\"mailto:{EMAIL}\">写</a><img src=\"data:image/png;base64,iVBORw0KGgo=\">\
         <table><tr><th>姓名</th><th>手机号</th></tr><tr><td>慕容雪</td><td>13900139000</td></tr></table>\
         <p>&#x31;3800138000 &amp; 完</p></body></html>"
    );
    let copy = text_of("a.html", &page, &[]);
    assert!(!VALUES.iter().any(|value| copy.contains(value)), "{copy}");
    assert!(
        !copy.contains("小</b>明") && !copy.contains("iVBOR"),
        "{copy}"
    );
    assert!(
        copy.contains("<td>【姓名】</td>") && copy.contains("&amp; 完"),
        "{copy}"
    );
    let xml = format!(
        "<?xml version=\"1.0\"?>\n<a note=\"{EMAIL}\"><phone>{MOBILE}</phone><![CDATA[身份证号{ID}]]></a>\n"
    );
    let copy = text_of("a.xml", &xml, &[]);
    assert!(
        copy.contains("<phone>【手机号】</phone><![CDATA[身份证号【居民身份证号】]]></a>\n"),
        "{copy}"
    );
}

#[test]
fn a_mail_is_written_anew_with_its_attachments() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x.bin", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"\0\x01\x02binary\x03\0").unwrap();
    let base = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
    let mail = format!(
        "Received: from 10.1.2.3 by mx; Mon, 2 Nov 2026 08:00:00 +0800\r\nMessage-ID: <1@example.com>\r\n\
         From: =?utf-8?B?{}?= <{EMAIL}>\r\nTo: 慕容雪 <murong@example.com>\r\nSubject: =?utf-8?B?{}?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=gbk\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E7=94=B5=E8=AF=9D 13800=\r\n138000</p>\r\n--b\r\n\
         Content-Type: text/csv; name=\"list.csv\"\r\nContent-Disposition: attachment; filename=\"list.csv\"\r\n\r\n\
         姓名,手机号\r\n慕容雪,13900139000\r\n--b\r\nContent-Type: application/octet-stream; name=\"old.bin\"\r\n\
         Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        base(NAME.as_bytes()),
        base(format!("关于{MOBILE}").as_bytes()),
        base(
            &encoding_rs::GBK
                .encode(&format!("我叫{NAME}，身份证号{ID}"))
                .0
        ),
        base(b"\0\x01\x02secret\xFF\0\x01"),
    );
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.eml"), &mail).unwrap();
    let output = redact(&dir, &["a.eml", "-o", "b.eml", "--json"]);
    exits(&output, 0);
    let said = lines(&output);
    assert_eq!(said[0]["dropped"]["attachment"], 1);
    assert_eq!(said[0]["dropped"]["mail_field"], 2);
    let copy = String::from_utf8(fs::read(dir.path().join("b.eml")).unwrap()).unwrap();
    let mut all = copy.clone();
    for block in copy.split("\r\n\r\n") {
        let digits: String = block
            .lines()
            .take_while(|line| !line.starts_with("--"))
            .collect();
        if let Ok(bytes) = data_encoding::BASE64.decode(digits.as_bytes()) {
            all.push_str(&String::from_utf8(bytes).unwrap());
        }
    }
    for word in copy.split("=?UTF-8?B?").skip(1) {
        let bytes = data_encoding::BASE64
            .decode(word.split("?=").next().unwrap().as_bytes())
            .unwrap();
        all.push_str(&String::from_utf8(bytes).unwrap());
    }
    assert!(!VALUES.iter().any(|value| all.contains(value)), "{all}");
    assert!(
        all.contains("我叫【姓名】") && all.contains("list.csv") && !all.contains("murong"),
        "{all}"
    );
}

#[test]
fn a_word_document_loses_everything_that_is_not_shown() {
    let copy = copy_of("complaint.docx", &document("complaint.docx"), &[]);
    is_clean(&copy);
    let text = part(&copy, "word/document.xml");
    for gone in [
        "删去",
        "w:del ",
        "rsid",
        "instrText",
        "w:sdt",
        "embeddings",
        "w:author",
        "身份证 ",
    ] {
        assert!(!text.contains(gone), "{gone}");
    }
    for kept in [
        "投诉人姓名",
        "补上的话",
        "再次来电",
        "写信",
        "内容控件里的邮箱",
        "联系我们",
        "框内电话",
    ] {
        assert!(text.contains(kept), "{kept}");
    }
    let names: Vec<String> = parts(&copy).into_iter().map(|(name, _)| name).collect();
    assert!(
        !names.iter().any(|name| name.contains("docProps")
            || name.contains("custom")
            || name.contains("ole")),
        "{names:?}"
    );
    let comments = part(&copy, "word/comments.xml");
    assert!(
        comments.contains("请联系")
            && comments.contains("w:author=\"author\"")
            && !comments.contains("MR"),
        "{comments}"
    );
    assert!(!part(&copy, "word/settings.xml").contains("docVar"));
}

#[test]
fn a_workbook_keeps_values_and_loses_formulas_and_hidden_people() {
    let copy = copy_of("members.xlsx", &document("members.xlsx"), &[]);
    is_clean(&copy);
    let names: Vec<String> = parts(&copy).into_iter().map(|(name, _)| name).collect();
    for gone in ["sharedStrings", "chart", "docProps", "calcChain"] {
        assert!(!names.iter().any(|name| name.contains(gone)), "{names:?}");
    }
    let book = part(&copy, "xl/workbook.xml");
    assert!(
        book.contains("state=\"hidden\"") && !book.contains("definedName"),
        "{book}"
    );
    let all: String = parts(&copy)
        .iter()
        .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    for gone in [
        "<f>",
        "dataValidation",
        "<autoFilter",
        "赵一鸣",
        "郑凯文",
        "1990",
        "13700137",
    ] {
        assert!(!all.contains(gone), "{gone}");
    }
    assert!(all.contains("<v>101</v>") && all.contains("银行卡 "));
}

#[test]
fn slides_lose_notes_links_pictures_and_objects() {
    let copy = copy_of("customers.pptx", &document("customers.pptx"), &[]);
    is_clean(&copy);
    let slide = part(&copy, "ppt/slides/slide1.xml");
    assert!(
        slide.contains("手机：") && slide.contains("写信") && !slide.contains("descr"),
        "{slide}"
    );
    let names: Vec<String> = parts(&copy).into_iter().map(|(name, _)| name).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.contains("embeddings") || name.contains("docProps")),
        "{names:?}"
    );
}

#[test]
fn one_person_is_one_invented_person_throughout_a_run() {
    let dir = TempDir::new().unwrap();
    let inner = dir.path().join("in");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a.csv"), format!("姓名,手机号,身份证号,生日\n{NAME},{MOBILE},{ID},1999-01-10\n慕容雪,13900139000,110105198003072827,1980-03-07\n")).unwrap();
    fs::write(
        inner.join("b.txt"),
        format!("请拨 {MOBILE} 或 13900139000。\n"),
    )
    .unwrap();
    fs::write(
        dir.path().join("p.toml"),
        "version = 1\ndefault = \"invented\"\n[kinds]\ndate_of_birth = \"shift\"\n",
    )
    .unwrap();
    let run = |out: &str, key: &[&str]| {
        let mut args = vec!["in", "-o", out, "--policy", "p.toml"];
        args.extend(key);
        exits(&redact(&dir, &args), 0);
        let read = |name: &str| fs::read_to_string(dir.path().join(out).join(name)).unwrap();
        (read("a.csv"), read("b.txt"))
    };
    let (table, text) = run("one", &["--key", "k"]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    assert!(
        text.contains(rows[0][1]) && text.contains(rows[1][1]),
        "{text} {table}"
    );
    // The shifted day is no longer the one in the number, and both moved.
    assert!(rows[0][3] != "1999-01-10" && rows[0][2].len() == 18);
    assert_eq!(run("two", &["--key", "k"]), (table.clone(), text));
    assert_ne!(run("three", &[]).0, table);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(dir.path().join("k"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn actions_are_chosen_by_kind() {
    let policy = "version = 1\nlanguage = \"en\"\n[kinds]\nmobile = \"mask\"\nemail = \"token\"\nresident_id = \"remove\"\n";
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("p.toml"), policy).unwrap();
    let policy = dir.path().join("p.toml");
    let args = ["--policy", policy.to_str().unwrap()];
    let copy = text_of(
        "a.txt",
        &format!("手机号{MOBILE}，邮箱 {EMAIL}，身份证号{ID}。卡号6222021234567890128\n"),
        &args,
    );
    assert!(copy.starts_with("手机号138****8000，邮箱 tok_"), "{copy}");
    assert!(
        copy.contains("身份证号。") && copy.ends_with("[bank card number]\n"),
        "{copy}"
    );
    let copy = text_of(
        "a.txt",
        &format!("{MOBILE} {EMAIL}\n"),
        &["--kinds", "email"],
    );
    assert_eq!(copy, format!("{MOBILE} 【电子邮箱】\n"));
}

#[test]
fn refuses_to_write_over_anything() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    fs::create_dir(path("in")).unwrap();
    fs::write(path("in/a.txt"), MOBILE).unwrap();
    fs::write(path("b.txt"), "there").unwrap();
    exits(&redact(&dir, &["in/a.txt", "-o", "b.txt"]), 9);
    assert_eq!(fs::read(path("b.txt")).unwrap(), b"there");
    exits(&redact(&dir, &["in/a.txt", "-o", "in/a.txt", "--force"]), 9);
    assert_eq!(fs::read(path("in/a.txt")).unwrap(), MOBILE.as_bytes());
    exits(&redact(&dir, &["in", "-o", "in/out"]), 1);
    exits(&redact(&dir, &["in", "-o", "b.txt"]), 1);
    exits(&redact(&dir, &["in/none", "-o", "c"]), 1);
    exits(&redact(&dir, &["in/a.txt", "-o", "b.txt", "--force"]), 0);
    assert_eq!(fs::read_to_string(path("b.txt")).unwrap(), "【手机号】");
}

#[test]
fn one_bad_file_does_not_stop_the_rest() {
    let dir = TempDir::new().unwrap();
    let inner = dir.path().join("in/深/处");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("a.txt"), MOBILE).unwrap();
    fs::write(inner.join("b.docx"), b"PK\x03\x04 not really").unwrap();
    fs::write(inner.join("c.jpg"), b"\xFF\xD8\xFF\xE0 picture").unwrap();
    fs::write(inner.join(format!("{MOBILE}.txt")), "空\n").unwrap();
    // The way to an input is told as it was given.
    let output = redact(&dir, &["in", "-o", "out", "--json"]);
    assert_eq!(output.status.code(), Some(9));
    let said = lines(&output);
    let summary = &said.last().unwrap()["summary"];
    assert_eq!(
        (&summary["copies"], &summary["refused"]),
        (&2.into(), &2.into())
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("out/深/处/a.txt")).unwrap(),
        "【手机号】"
    );
    let mut names: Vec<String> = fs::read_dir(dir.path().join("out/深/处"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["a.txt", "【手机号】.txt"]);
}

#[test]
fn an_archive_keeps_what_has_a_copy() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("a/x.txt", MOBILE.as_bytes()),
        ("b.jpg", b"\xFF\xD8\xFF\xE0"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    let copy = copy_of("a.zip", &zip.finish().unwrap().into_inner(), &[]);
    assert_eq!(
        parts(&copy),
        [("a/x.txt".to_owned(), "【手机号】".as_bytes().to_vec())]
    );
}

#[test]
fn a_copy_that_still_holds_something_is_none() {
    let dir = TempDir::new().unwrap();
    // The name of an attribute is no text, and a scan reads it all the same.
    let page = format!("<!DOCTYPE html><html><body><p 手机号{MOBILE}>您好</p></body></html>");
    fs::write(dir.path().join("a.html"), page).unwrap();
    let output = redact(&dir, &["a.html", "-o", "b.html", "--json"]);
    exits(&output, 9);
    let said = lines(&output);
    assert_eq!(said[0]["refused"]["code"], "still_found");
    assert_eq!(said[0]["left"][0]["kind"], "mobile");
    assert!(
        said[0]["left"][0]["place"]
            .as_str()
            .unwrap()
            .starts_with("line 1")
    );
    assert_eq!(said[0]["output"], Value::Null);
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["a.html"]);
}

#[test]
fn what_is_redacted_again_stays_as_it_is() {
    for name in ["complaint.docx", "members.xlsx", "customers.pptx"] {
        let once = copy_of(name, &document(name), &[]);
        let twice = copy_of(name, &once, &[]);
        is_clean(&twice);
        assert_eq!(parts(&once).len(), parts(&twice).len(), "{name}");
    }
}
