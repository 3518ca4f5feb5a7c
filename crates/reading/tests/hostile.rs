//! Files made to hurt: each is refused or reported, none costs memory or the rest of the rows.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its file has failed"
)]

mod common;

use std::io::{Cursor, Write};

use common::{
    PACKAGE_RELS, STRINGS, WORKBOOK, WORKBOOK_RELS, archive, cells, drain, inline_row, open_bytes,
    sheet, workbook, workbook_of,
};
use liuhen_document::{ProblemCode, TableSource};
use liuhen_reading::{Limits, ReadError, XlsxPart, open};
use proptest::prelude::*;

fn header_and(rows: &str) -> String {
    inline_row(1, &["甲", "乙"]) + rows
}

#[test]
fn refuses_a_zip_bomb_by_its_ratio() {
    // 32 MiB of comments where rows should be, some 32 KiB packed.
    let bytes = workbook(&"<!-- nothing -->".repeat(2 << 20));
    assert!(bytes.len() < 200 << 10, "{}", bytes.len());
    let error = open_bytes(&bytes, "bomb.xlsx").unwrap_err();
    assert!(
        matches!(error, ReadError::RatioTooHigh { limit: 400 }),
        "{error}"
    );
}

#[test]
fn refuses_a_zip_bomb_of_rows_midway_and_keeps_the_rows_before() {
    let row = inline_row(0, &[&"x".repeat(2_000), "y"]).replace(" r=\"0\"", "");
    let bytes = workbook(&header_and(&row.repeat(12_000)));
    let mut table = open_bytes(&bytes, "bomb.xlsx").unwrap();
    let all = drain(&mut table);
    assert!(
        all.len() > 1_000 && all.len() < 12_000,
        "{} of {}",
        all.len(),
        bytes.len()
    );
    assert!(all[..all.len() - 1].iter().all(Result::is_ok));
    assert!(all.last().unwrap().is_err());
    assert!(matches!(
        table.failure(),
        Some(ReadError::RatioTooHigh { .. })
    ));
    assert!(table.next_row().is_none());
}

#[test]
fn refuses_what_unpacks_past_the_budget() {
    let limits = Limits {
        max_unpacked_bytes: 10_000,
        ..Limits::default()
    };
    let rows: String = (2..500)
        .map(|n| inline_row(n, &["x", &n.to_string()]))
        .collect();
    let bytes = workbook(&header_and(&rows));
    let error = open(Cursor::new(bytes), "a.xlsx", &limits).unwrap_err();
    assert!(
        matches!(error, ReadError::TooLarge { budget: 10_000 }),
        "{error}"
    );
}

#[test]
fn refuses_shared_strings_past_the_budget() {
    let limits = Limits {
        max_shared_strings_bytes: 1 << 10,
        ..Limits::default()
    };
    let strings = format!("<sst>{}</sst>", "<si><t>0123456789</t></si>".repeat(200));
    let bytes = workbook_of(sheet(&header_and("")).as_bytes(), strings.as_bytes());
    let error = open(Cursor::new(bytes), "a.xlsx", &limits).unwrap_err();
    assert!(matches!(
        error,
        ReadError::SharedStringsTooLarge { budget: 1_024 }
    ));
}

#[test]
fn a_lying_count_of_strings_reserves_nothing() {
    let strings = STRINGS.replace("uniqueCount=\"3\"", "uniqueCount=\"99999999999\"");
    let bytes = workbook_of(
        sheet(&header_and(&inline_row(2, &["x", "y"]))).as_bytes(),
        strings.as_bytes(),
    );
    assert_eq!(drain(&mut open_bytes(&bytes, "a.xlsx").unwrap()).len(), 1);
}

#[test]
fn refuses_a_million_columns_of_text() {
    let text = "a,".repeat(1_000_000);
    let error = open_bytes(text.as_bytes(), "wide.csv").unwrap_err();
    assert!(matches!(error, ReadError::TooManyColumns { limit: 4_096 }));
    let later = format!("a,b\n1,2\n{text}\n3,4\n");
    let mut table = open_bytes(later.as_bytes(), "wide.csv").unwrap();
    let all = drain(&mut table);
    assert_eq!(
        all[1].as_ref().unwrap_err().reason,
        ProblemCode::TooManyColumns
    );
    assert_eq!(all[2].as_ref().unwrap().number, 4);
}

#[test]
fn refuses_a_million_columns_of_a_sheet() {
    let row = format!("<row>{}</row>", "<c><v>1</v></c>".repeat(1_000_000));
    let error = open_bytes(&workbook(&row), "wide.xlsx").unwrap_err();
    assert!(
        matches!(error, ReadError::TooManyColumns { limit: 4_096 }),
        "{error}"
    );
    let far = r#"<row r="2"><c r="ZZZZZZZZZ2"><v>1</v></c></row>"#;
    let all = header_and(far) + &inline_row(3, &["x", "y"]);
    let all = drain(&mut open_bytes(&workbook(&all), "far.xlsx").unwrap());
    assert_eq!(
        all[0].as_ref().unwrap_err().reason,
        ProblemCode::TooManyColumns
    );
    assert!(all[1].is_ok());
}

#[test]
fn a_nul_byte_spoils_its_row_only() {
    let text = "姓名,手机\n甲,1\n乙\0,2\n丙,3\n";
    let all = drain(&mut open_bytes(text.as_bytes(), "nul.csv").unwrap());
    let problem = all[1].as_ref().unwrap_err();
    assert_eq!(problem.reason, ProblemCode::NulByte);
    assert_eq!(
        (problem.locator.row, problem.locator.column),
        (Some(3), Some(1))
    );
    assert!(all[0].is_ok() && all[2].is_ok());
}

#[test]
fn broken_utf8_spoils_its_row_only() {
    let text = b"name,city\n\xE5\xBC\xA0,\xE5\x8C\x97\na,\xE5\x8C\nb,\xE4\xBA\xAC\n";
    let all = drain(&mut open_bytes(text, "broken.csv").unwrap());
    let problem = all[1].as_ref().unwrap_err();
    assert_eq!(problem.reason, ProblemCode::BadEncoding);
    assert_eq!(
        (problem.locator.row, problem.locator.column),
        (Some(3), Some(2))
    );
    assert_eq!(cells(all[2].as_ref().unwrap()), ["b", "京"]);
}

#[test]
fn two_broken_cells_do_not_make_a_whole_one() {
    let text = b"name,city\n\xE5\xBC\xA0,\xE5\x8C\x97\na\xE5,\x8C\x97\n\xE5\xBC\xA0,b\n";
    let all = drain(&mut open_bytes(text, "broken.csv").unwrap());
    assert_eq!(
        all[1].as_ref().unwrap_err().reason,
        ProblemCode::BadEncoding
    );
}

#[test]
fn broken_gbk_spoils_its_row_only() {
    let mut bytes = encoding_rs::GBK
        .encode("姓名,城市\n张三,北京\n李四,上海\n")
        .0
        .into_owned();
    bytes.extend_from_slice(b"\xCD\xF5\xCE,\xFF\n");
    bytes.extend_from_slice(&encoding_rs::GBK.encode("赵六,广州\n").0);
    let all = drain(&mut open_bytes(&bytes, "broken.csv").unwrap());
    let problem = all[2].as_ref().unwrap_err();
    assert_eq!(
        (problem.reason, problem.locator.column),
        (ProblemCode::BadEncoding, Some(1))
    );
    assert_eq!(cells(all[3].as_ref().unwrap()), ["赵六", "广州"]);
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    let mut text = "a,b\n1,\"open\n".to_owned();
    for n in 0..400_000 {
        text += &format!("{n},plain text\n");
    }
    let mut table = open_bytes(text.as_bytes(), "quote.csv").unwrap();
    let all = drain(&mut table);
    assert_eq!(
        all[0].as_ref().unwrap_err().reason,
        ProblemCode::UnclosedQuote
    );
    assert_eq!(all.len(), 400_001);
    assert_eq!(all.last().unwrap().as_ref().unwrap().number, 400_002);
}

#[test]
fn long_cells_and_long_rows_are_reported() {
    let long = "x".repeat((1 << 20) + 1);
    let longer = "y".repeat(9 << 20);
    let text = format!("a,b\n{long},1\n{longer},2\nok,3\n");
    let all = drain(&mut open_bytes(text.as_bytes(), "long.csv").unwrap());
    assert_eq!(
        all[0].as_ref().unwrap_err().reason,
        ProblemCode::CellTooLong
    );
    assert_eq!(all[1].as_ref().unwrap_err().reason, ProblemCode::RowTooLong);
    assert_eq!(cells(all[2].as_ref().unwrap()), ["ok", "3"]);
    let cell = inline_row(2, &[&long, "1"]) + &inline_row(3, &["ok", "3"]);
    let all = drain(&mut open_bytes(&workbook(&header_and(&cell)), "long.xlsx").unwrap());
    assert_eq!(
        all[0].as_ref().unwrap_err().reason,
        ProblemCode::CellTooLong
    );
    assert!(all[1].is_ok());
}

#[test]
fn a_truncated_workbook_is_refused_wherever_it_is_cut() {
    let rows: String = (2..2_000)
        .map(|n| inline_row(n, &["x", &n.to_string()]))
        .collect();
    let bytes = workbook(&header_and(&rows));
    for share in [10, 30, 50, 70, 90, 99] {
        let cut = &bytes[..bytes.len() * share / 100];
        let error = open_bytes(cut, "cut.xlsx").unwrap_err();
        assert!(
            matches!(error, ReadError::MalformedArchive),
            "{share}%: {error}"
        );
    }
}

#[test]
fn a_sheet_cut_inside_gives_the_rows_before_and_a_failure() {
    let rows: String = (2..100).map(|n| inline_row(n, &["x", "y"])).collect();
    let whole = sheet(&header_and(&rows));
    let bytes = workbook_of(&whole.as_bytes()[..whole.len() / 2], STRINGS.as_bytes());
    let mut table = open_bytes(&bytes, "cut.xlsx").unwrap();
    let all = drain(&mut table);
    assert!(all.len() > 30 && all.last().unwrap().is_err());
    assert!(matches!(
        table.failure(),
        Some(ReadError::Malformed {
            part: XlsxPart::Sheet,
            ..
        })
    ));
}

/// Overwrites the fields of the central directory that lie about the sheet.
fn lie(bytes: &mut [u8], offset_in_header: usize, value: u32) {
    let name = b"xl/worksheets/sheet1.xml";
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
    {
        let header = at + found;
        if bytes[header + 46..].starts_with(name) {
            bytes[header + offset_in_header..][..4].copy_from_slice(&value.to_le_bytes());
        }
        at = header + 4;
    }
}

#[test]
fn a_lying_central_directory_is_found_out() {
    let rows: String = (2..2_000)
        .map(|n| inline_row(n, &["x", &n.to_string()]))
        .collect();
    let honest = workbook(&header_and(&rows));
    // Where in the header the lie is, and what it says: checksum, packed size, local header.
    for (name, offset, value) in [
        ("checksum", 16, 1),
        ("packed size", 20, 900),
        ("place", 42, 0),
    ] {
        let mut bytes = honest.clone();
        lie(&mut bytes, offset, value);
        let came = open_bytes(&bytes, "lie.xlsx").map(|mut table| {
            drain(&mut table);
            table.failure().is_some()
        });
        assert!(came.unwrap_or(true), "{name}");
    }
    // An unpacked size is never believed, so a wrong one does no harm.
    let mut bytes = honest;
    lie(&mut bytes, 24, 10);
    let mut table = open_bytes(&bytes, "lie.xlsx").unwrap();
    assert_eq!(drain(&mut table).len(), 1_998);
    assert!(table.failure().is_none());
}

const LAUGHS: &str = r#"<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"#;

#[test]
fn refuses_a_billion_laughs_in_a_sheet() {
    let rows = r#"<row r="2"><c t="str"><v>&c;</v></c></row>"#;
    let part = sheet(&header_and(rows)).replace("<worksheet>", &format!("{LAUGHS}<worksheet>"));
    let error =
        open_bytes(&workbook_of(part.as_bytes(), STRINGS.as_bytes()), "a.xlsx").unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::ForbiddenXml {
                part: XlsxPart::Sheet
            }
        ),
        "{error}"
    );
}

#[test]
fn refuses_external_entities_without_fetching_them() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "TOP-SECRET").unwrap();
    let entity = format!(
        r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file://{}">]>"#,
        secret.path().display()
    );
    let strings = format!("{entity}<sst><si><t>&e;</t></si></sst>");
    let rows = header_and(r#"<row r="2"><c t="s"><v>0</v></c></row>"#);
    let bytes = workbook_of(sheet(&rows).as_bytes(), strings.as_bytes());
    let error = open_bytes(&bytes, "a.xlsx").unwrap_err();
    assert!(matches!(
        error,
        ReadError::ForbiddenXml {
            part: XlsxPart::SharedStrings
        }
    ));
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

#[test]
fn refuses_elements_nested_without_end() {
    let deep = format!("<row r=\"2\"><c t=\"str\"><v>{}", "<a>".repeat(1_000_000));
    let bytes = workbook_of(sheet(&header_and(&deep)).as_bytes(), STRINGS.as_bytes());
    assert!(matches!(open_bytes(&bytes, "deep.xlsx"), Ok(table) if table.failure().is_none()));
    let mut table = open_bytes(&bytes, "deep.xlsx").unwrap();
    drain(&mut table);
    assert!(matches!(table.failure(), Some(ReadError::Malformed { .. })));
}

#[test]
fn names_that_climb_out_of_the_archive_lead_nowhere() {
    let rels = WORKBOOK_RELS
        .replace("worksheets/sheet1.xml", "../../../../etc/passwd")
        .replace("/xl/worksheets/sheet2.xml", "worksheets/sheet2.xml");
    let second = sheet(&(inline_row(1, &["丙", "丁"]) + &inline_row(2, &["x", "y"])));
    let bytes = archive(&[
        ("../../evil.sh", b"#!/bin/sh"),
        ("/etc/cron.d/evil", b"* * * * *"),
        ("C:\\windows\\evil.exe", b"MZ"),
        ("_rels/.rels", PACKAGE_RELS.as_bytes()),
        (
            "xl/workbook.xml",
            WORKBOOK.replace(" state=\"hidden\"", "").as_bytes(),
        ),
        ("xl/_rels/workbook.xml.rels", rels.as_bytes()),
        ("xl/worksheets/sheet2.xml", second.as_bytes()),
    ]);
    let mut table = open_bytes(&bytes, "../../etc/shadow").unwrap();
    assert_eq!(table.sheets().len(), 1);
    assert_eq!(cells(drain(&mut table)[0].as_ref().unwrap()), ["x", "y"]);
}

#[test]
fn refuses_an_archive_of_too_many_entries() {
    let names: Vec<String> = (0..5_000).map(|n| format!("{n}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let error = open_bytes(&archive(&entries), "many.xlsx").unwrap_err();
    assert!(matches!(error, ReadError::TooManyEntries { limit: 4_096 }));
}

#[test]
fn refuses_and_names_what_is_no_table() {
    let inner = workbook(&inline_row(1, &["x"]));
    let nested = archive(&[("inner.xlsx", &inner)]);
    let word = archive(&[("word/document.xml", b"<x/>")]);
    let rows: [(&str, &[u8], &str); 6] = [
        ("archive in an archive", &nested, "a ZIP archive"),
        ("word document", &word, "a Word document"),
        ("picture", b"\x89PNG\r\n\x1A\n123", "PNG"),
        (
            "old workbook",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 rest of it",
            "XLS",
        ),
        ("program", b"\x7FELF\x02\x01\x01\0\0", "program"),
        (
            "noise",
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
            "unrecognised format",
        ),
    ];
    for (name, bytes, expected) in rows {
        let error = open_bytes(bytes, "x.csv").unwrap_err();
        assert!(
            matches!(error, ReadError::UnknownFormat { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    let hollow = open_bytes(b"%PDF-1.7\n%x", "x.csv").unwrap_err();
    assert!(matches!(hollow, ReadError::MalformedPdf { .. }), "{hollow}");
    for nothing in [&b""[..], b"\n\n \n", b"\xEF\xBB\xBF"] {
        assert!(matches!(
            open_bytes(nothing, "x.csv"),
            Err(ReadError::Empty)
        ));
    }
}

#[test]
fn refuses_a_password_protected_workbook_and_says_so() {
    let mut file = vec![0u8; 512 * 4];
    file[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    file[30..32].copy_from_slice(&9u16.to_le_bytes());
    file[48..52].copy_from_slice(&1u32.to_le_bytes());
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    file[1_024 + 128..][..name.len()].copy_from_slice(&name);
    let error = open_bytes(&file, "secret.xlsx").unwrap_err();
    assert!(matches!(error, ReadError::Encrypted));
    assert!(error.to_string().starts_with("password-protected workbook"));
}

#[test]
fn a_part_that_is_no_deflate_stream_is_malformed() {
    let mut bytes = workbook(&header_and(&inline_row(2, &["x", "y"])));
    let name = b"xl/worksheets/sheet1.xml";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .unwrap()
        + name.len();
    bytes[at..at + 40].fill(0xFF);
    let error = open_bytes(&bytes, "noise.xlsx").unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Malformed {
                part: XlsxPart::Sheet,
                ..
            }
        ),
        "{error}"
    );
}

/// Reads to the end whatever it is; what matters is that it comes back.
fn survive(bytes: &[u8]) {
    if let Ok(mut table) = open_bytes(bytes, "any") {
        let limit = bytes.len() + 2;
        let rows = drain(&mut table).len();
        assert!(rows <= limit, "more rows than bytes");
    }
}

/// A packed archive whose entries are stored, so that a changed byte reaches the XML.
fn stored_workbook() -> Vec<u8> {
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let first = sheet(&header_and(&inline_row(2, &["x", "y"])));
    for (name, part) in [
        ("_rels/.rels", PACKAGE_RELS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELS),
        ("xl/styles.xml", common::STYLES),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/worksheets/sheet1.xml", &first),
    ] {
        writer.start_file(name, options).unwrap();
        writer.write_all(part.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
        survive(&[b"PK\x03\x04", &bytes[..]].concat());
        survive(&[b"a,b\n", &bytes[..]].concat());
    }

    #[test]
    fn survives_changed_text(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        utf16 in any::<bool>(),
    ) {
        let text = "姓名,\"手机\"\r\n某甲,\"13800000000\"\r\n\"某\"\"乙\",=\"1\"\r\n";
        let mut bytes = if utf16 {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            text.as_bytes().to_vec()
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes);
    }

    #[test]
    fn survives_changed_workbooks(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(),
        stored in any::<bool>(),
    ) {
        let mut bytes = if stored { stored_workbook() } else { workbook(&header_and("")) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        survive(&bytes);
    }

    #[test]
    fn survives_changed_xml(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        which in 0usize..2,
    ) {
        let mut first = sheet(&(header_and(r#"<row r="2"><c s="1" t="s"><v>1</v></c><c r="C2" s="2"><v>45000.5</v></c></row>"#))).into_bytes();
        let mut strings = STRINGS.as_bytes().to_vec();
        let part = if which == 0 { &mut first } else { &mut strings };
        for (at, byte) in changes {
            let at = at.index(part.len());
            part[at] = byte;
        }
        survive(&workbook_of(&first, &strings));
    }
}
