//! Files made to hurt, and files hurt by chance: a copy or a refusal, never a panic, never a value
//! of a document that was understood.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot make its file has failed"
)]

use std::io::{Cursor, Read as _, Write as _};

use liuhen_document::Row;
use liuhen_kinds::Kind;
use liuhen_redact::{Finder, Key, Policy, Redactor, Refusal, Spot};

/// Finds eleven digits in a row.
struct Digits;

impl Finder for Digits {
    fn in_text(&self, text: &str) -> Vec<Spot> {
        let mut spots = Vec::new();
        let mut start = 0;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if !c.is_ascii_digit() {
                if at - start == 11 {
                    spots.push(Spot::new(Kind::MOBILE, start, at));
                }
                start = at + c.len_utf8();
            }
        }
        spots
    }

    fn in_table(&self, rows: &[Row], _: usize) -> Vec<(usize, usize, Spot)> {
        let mut found = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            for (column, cell) in row.cells.iter().enumerate() {
                let spots = self.in_text(cell.as_str());
                found.extend(spots.into_iter().map(|spot| (at, column, spot)));
            }
        }
        found
    }
}

fn redact(bytes: &[u8], name: &str) -> Result<Vec<u8>, Refusal> {
    let policy = Policy::default();
    let mut redactor = Redactor::new(&policy, &Digits, Key::new([1; 32]));
    redactor.redact(bytes, name).map(|copy| copy.bytes)
}

/// Numbers that look random and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).unwrap()
    }

    fn hurt(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), b"<>&\"'/\0\xFF{}[]"[self.below(12)]),
                2 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = u8::try_from(self.below(256)).unwrap();
                    }
                }
            }
        }
    }
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

fn packed(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in parts {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn replaced(document: &[u8], name: &str, from: &str, to: &str) -> Vec<u8> {
    let mut parts = parts(document);
    let part = parts.iter_mut().find(|(known, _)| known == name).unwrap();
    let text = String::from_utf8(part.1.clone()).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    part.1 = text.replacen(from, to, 1).into_bytes();
    packed(&parts)
}

const DOCX: &[u8] = include_bytes!("data/complaint.docx");
const XLSX: &[u8] = include_bytes!("data/members.xlsx");
const PPTX: &[u8] = include_bytes!("data/customers.pptx");

#[test]
fn whatever_is_hurt_there_is_no_panic() {
    let texts: [(&str, &str); 5] = [
        ("a.csv", "a,b\n\"13800138000\",\"x\"\"y\"\n13900139000,\n"),
        (
            "a.json",
            "{\"a\": [1, \"\\u5f20\\ud83d\\ude00 13800138000\", {\"b\": 13900139000}]}",
        ),
        (
            "a.html",
            "<p a=b c='d'>13800138000<!-- x --><script>y</script><table><tr><td>1</table>",
        ),
        (
            "a.xml",
            "<?xml version='1.0'?><a b=\"13800138000\"><![CDATA[13900139000]]>&#49;</a>",
        ),
        (
            "a.eml",
            "From: a <b@example.com>\nSubject: =?utf-8?B?5L2g?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n13800138000\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n=31<p>\n--b--\n",
        ),
    ];
    let mut chance = Chance(88172645463325252);
    for (name, text) in texts {
        for _ in 0..300 {
            let mut bytes = text.as_bytes().to_vec();
            chance.hurt(&mut bytes);
            let _ = redact(&bytes, name);
        }
    }
    for (document, name) in [(DOCX, "a.docx"), (XLSX, "a.xlsx"), (PPTX, "a.pptx")] {
        let whole = parts(document);
        for _ in 0..25 {
            let mut parts = whole.clone();
            let at = chance.below(parts.len());
            chance.hurt(&mut parts[at].1);
            let _ = redact(&packed(&parts), name);
            let mut bytes = document.to_vec();
            chance.hurt(&mut bytes);
            let _ = redact(&bytes, name);
        }
    }
}

#[test]
fn refuses_what_could_read_otherwise_elsewhere() {
    let twice = {
        let mut all = parts(DOCX);
        let (name, bytes) = all
            .iter()
            .find(|(name, _)| name == "word/document.xml")
            .unwrap();
        let other = (name.replace("document", "Document"), bytes.clone());
        all.push(other);
        packed(&all)
    };
    let declared = replaced(
        DOCX,
        "word/document.xml",
        "<w:document",
        "<!DOCTYPE x [<!ENTITY a \"13800138000\">]><w:document",
    );
    let binary = replaced(
        XLSX,
        "[Content_Types].xml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
    );
    let cut = replaced(DOCX, "word/document.xml", "</w:body>", "");
    let rows: [(&str, Vec<u8>); 8] = [
        ("two parts of one name", twice),
        ("entities", declared),
        ("a binary workbook", binary),
        ("not well formed", cut),
        (
            "XML with entities",
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_vec(),
        ),
        ("RTF", b"{\\rtf1 13800138000}".to_vec()),
        ("PDF", b"%PDF-1.7\n13800138000".to_vec()),
        ("a picture", b"\xFF\xD8\xFF\xE0".to_vec()),
    ];
    for (name, bytes) in rows {
        assert!(redact(&bytes, "a").is_err(), "{name}");
    }
}

#[test]
fn a_name_that_goes_on_in_a_formatting_run_or_a_comment_is_one_text() {
    let text = "<w:p><w:r><w:t>13</w:t></w:r><w:proofErr w:type=\"x\"/><w:r><w:t>800</w:t></w:r><w:bookmarkStart w:id=\"1\" w:name=\"x\"/><w:r><w:t xml:space=\"preserve\">138000</w:t></w:r></w:p>";
    let document = replaced(
        DOCX,
        "word/document.xml",
        "<w:body>",
        &format!("<w:body>{text}"),
    );
    let copy = redact(&document, "a.docx").unwrap();
    let parts = parts(&copy);
    let (_, body) = parts
        .iter()
        .find(|(name, _)| name == "word/document.xml")
        .unwrap();
    let body = String::from_utf8(body.clone()).unwrap();
    assert!(
        body.contains(">【手机号】</w:t>") && !body.contains(">138000<"),
        "{body}"
    );
}

#[test]
fn a_number_in_a_cell_is_a_number_of_somebody() {
    let rows = [
        ("<v>13800138000</v>", "a number"),
        ("<v>1.3800138E10</v>", "with an exponent"),
        ("<f>A1</f><v>13800138000</v>", "of a formula"),
    ];
    for (value, name) in rows {
        let cell = format!("<c r=\"Z99\">{value}</c>");
        let document = replaced(
            XLSX,
            "xl/worksheets/sheet1.xml",
            "</sheetData>",
            &format!("<row r=\"99\" hidden=\"1\">{cell}</row></sheetData>"),
        );
        let copy = redact(&document, "a.xlsx").unwrap();
        let parts = parts(&copy);
        let (_, sheet) = parts
            .iter()
            .find(|(name, _)| name == "xl/worksheets/sheet1.xml")
            .unwrap();
        let sheet = String::from_utf8(sheet.clone()).unwrap();
        let held = sheet.split("Z99").nth(1).unwrap();
        assert!(
            held.contains("【手机号】") && !held.contains("<v>"),
            "{name}: {held}"
        );
    }
}
