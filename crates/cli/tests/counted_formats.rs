//! `count` over one list in many formats, packed and plain: the same people in each, and nobody
//! twice.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use liuhen_testkit::{Encoding, Form, Sheet, people};
use serde_json::{Value, json};

const PEOPLE: usize = 40;

fn run(verb: &[&str], dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liuhen"));
    command.args(verb).args(more).current_dir(dir);
    command.env("LANG", "C.UTF-8").output().unwrap()
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn zipped(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(name, options).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Rows as markup: what opens and ends the whole, a row, a cell.
fn marked(
    sheet: &Sheet,
    whole: [&str; 2],
    row: [&str; 2],
    cell: &dyn Fn(&str, &str) -> String,
) -> String {
    let line = |cells: &Vec<String>| {
        let cells = sheet
            .header
            .iter()
            .zip(cells)
            .map(|(name, text)| cell(name, text));
        [row[0], &cells.collect::<String>(), row[1]].concat()
    };
    let rows: String = sheet.rows.iter().map(line).collect();
    [whole[0], &rows, whole[1]].concat()
}

fn objects(sheet: &Sheet) -> Vec<Value> {
    let object = |row: &Vec<String>| {
        let members = sheet.header.iter().zip(row);
        Value::Object(
            members
                .map(|(name, text)| (name.clone(), json!(text)))
                .collect(),
        )
    };
    sheet.rows.iter().map(object).collect()
}

fn database(sheet: &Sheet, path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let columns = sheet.header.join(", ");
    connection
        .execute_batch(&format!("CREATE TABLE t ({columns})"))
        .unwrap();
    for row in &sheet.rows {
        let marks = vec!["?"; row.len()].join(",");
        let insert = format!("INSERT INTO t VALUES ({marks})");
        connection
            .execute(&insert, rusqlite::params_from_iter(row))
            .unwrap();
    }
    connection.close().unwrap();
}

/// The list in every format.
fn written(sheet: &Sheet, dir: &Path) -> Vec<&'static str> {
    let csv = sheet.delimited(Form::csv(Encoding::Gbk));
    let text = String::from_utf8(sheet.delimited(Form::csv(Encoding::Utf8))).unwrap();
    let html = marked(
        sheet,
        ["<html><body><table>", "</table></body></html>"],
        ["<tr>", "</tr>"],
        &|_, text| format!("<td>{text}</td>"),
    );
    let head: String = sheet
        .header
        .iter()
        .map(|name| format!("<th>{name}</th>"))
        .collect();
    let html = html.replacen("<table>", &format!("<table><tr>{head}</tr>"), 1);
    let xml = marked(
        sheet,
        ["<?xml version=\"1.0\"?><list>", "</list>"],
        ["<person>", "</person>"],
        &|name, text| format!("<{name}>{text}</{name}>"),
    );
    let ods = marked(
        sheet,
        [
            "<office:document-content xmlns:office='o' xmlns:table='t' xmlns:text='x'><office:body><office:spreadsheet><table:table table:name='S'>",
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        ],
        ["<table:table-row>", "</table:table-row>"],
        &|_, text| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>"),
    );
    let head: String = sheet
        .header
        .iter()
        .map(|name| format!("<table:table-cell><text:p>{name}</text:p></table:table-cell>"))
        .collect();
    let ods = ods.replacen(
        "<table:table-row>",
        &format!("<table:table-row>{head}</table:table-row><table:table-row>"),
        1,
    );
    let values = |row: &Vec<String>| format!("('{}')", row.join("','"));
    let values: Vec<String> = sheet.rows.iter().map(values).collect();
    let sql = format!(
        "CREATE TABLE `t` ({});\nINSERT INTO `t` VALUES {};\n",
        sheet
            .header
            .iter()
            .map(|name| format!("`{name}` text"))
            .collect::<Vec<_>>()
            .join(", "),
        values.join(",")
    );
    let (name, mobile) = (sheet.column("姓名"), sheet.column("手机号"));
    let card = |row: &Vec<String>| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{}\r\nTEL;TYPE=CELL:{}\r\nEND:VCARD\r\n",
            row[name], row[mobile]
        )
    };
    let encoded = data_encoding::BASE64_MIME.encode(&csv);
    let mail = format!(
        "MIME-Version: 1.0\r\nFrom: x\r\nSubject: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=list.csv\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    );
    let inner = zipped("名单.csv", text.as_bytes());
    let rows: [(&'static str, Vec<u8>); 12] = [
        ("a.csv", csv),
        (
            "a.tsv",
            sheet.delimited(Form {
                delimiter: b'\t',
                ..Form::csv(Encoding::Utf16Le)
            }),
        ),
        ("a.xlsx", sheet.xlsx()),
        (
            "a.json",
            json!({"code": 0, "data": {"list": objects(sheet)}})
                .to_string()
                .into_bytes(),
        ),
        (
            "a.jsonl",
            objects(sheet)
                .iter()
                .map(|one| format!("{one}\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        ("a.xml", xml.into_bytes()),
        ("a.html", html.into_bytes()),
        ("a.sql", sql.into_bytes()),
        (
            "a.vcf",
            sheet.rows.iter().map(card).collect::<String>().into_bytes(),
        ),
        ("a.eml", mail.into_bytes()),
        ("nested.zip", zipped("inner.zip", &inner)),
        ("a.ods", zipped("content.xml", ods.as_bytes())),
    ];
    let mut names = vec!["a.db"];
    for (name, bytes) in rows {
        fs::write(dir.join(name), bytes).unwrap();
        names.push(name);
    }
    database(sheet, &dir.join("a.db"));
    names.sort_unstable();
    names
}

#[test]
fn the_same_people_in_thirteen_formats() {
    let world = tempfile::tempdir().unwrap();
    let seized = world.path().join("seized");
    fs::create_dir(&seized).unwrap();
    // Without documents the telephone is the person everywhere, in cards too.
    let sheet = people(5, PEOPLE).columns(&["姓名", "手机号", "邮箱"]);
    let names = written(&sheet, &seized);
    let output = run(
        &["count", "--json", "--ledger", "l.jsonl"],
        world.path(),
        &["seized"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let count = told(&output);
    let files = count["files"].as_array().unwrap();
    assert_eq!(files.len(), names.len());
    for (file, name) in files.iter().zip(&names) {
        assert_eq!(file["path"], format!("seized/{name}"));
        assert_eq!(file["persons"], PEOPLE, "{file}");
    }
    assert_eq!(count["totals"]["persons"], PEOPLE);
    // Of what lies within, the ledger says where.
    let ledger = fs::read_to_string(world.path().join("l.jsonl")).unwrap();
    let nested = ledger
        .lines()
        .filter(|line| line.contains(r#""file":"seized/nested.zip""#));
    let mut nested = nested.map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(nested.next().unwrap()["inside"], "inner.zip / 名单.csv");
    assert!(
        ledger.contains(r#""file":"seized/a.json","sheet":"data.list""#),
        "{ledger}"
    );
    let again = run(
        &["count", "--json", "--jobs", "1"],
        world.path(),
        &["seized"],
    );
    assert!(again.stdout == output.stdout, "other bytes by one thread");

    // A case counts the same, and what it may not open it says.
    run(
        &["case", "new", "c", "--name", "x", "--by", "y"],
        world.path(),
        &[],
    );
    let plain = seized.join("nested.zip");
    fs::write(plain, zipped("a.lz4", b"\x04\x22\x4D\x18\x64\x40\xA7")).unwrap();
    run(
        &["case", "add", "--case", "c", "--by", "y", "seized"],
        world.path(),
        &[],
    );
    let output = run(
        &["case", "count", "--case", "c", "--by", "y", "--json"],
        world.path(),
        &["--max-depth", "3"],
    );
    let count = &told(&output)["count"];
    assert_eq!(count["totals"]["persons"], PEOPLE);
    let file = count["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"].as_str().unwrap().ends_with("nested.zip"));
    assert_eq!(
        file.unwrap()["unread_parts"],
        json!([{ "inside": "a.lz4", "code": "format_not_read", "text": "not read: lz4" }])
    );
}
