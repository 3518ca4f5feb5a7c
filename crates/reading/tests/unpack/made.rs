//! Archives made by the libraries that others write them with.

use std::io::{Cursor, Write as _};

use zip::write::{FullFileOptions, SimpleFileOptions};

pub(crate) const TEXT: &str = "姓名,手机\n某甲,13800000000\n";

pub(crate) fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn locked(name: &str, bytes: &[u8], password: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (mode, at) in [
        zip::AesMode::Aes128,
        zip::AesMode::Aes192,
        zip::AesMode::Aes256,
    ]
    .into_iter()
    .zip(1..)
    {
        let options = FullFileOptions::default().with_aes_encryption(mode, password);
        zip.start_file(format!("{at}{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub(crate) fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(bytes).unwrap();
    bz.finish().unwrap()
}

pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(crate) fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// `printf … | xz`, of [`TEXT`].
pub(crate) const XZ: &[u8] = include_bytes!("../fixtures/list.csv.xz");
/// By py7zr: `名单.csv` of [`TEXT`] twice, in two folders.
pub(crate) const SEVEN: &[u8] = include_bytes!("../fixtures/list.7z");
/// By Python's zipfile with ZipCrypto made by Info-ZIP's algorithm, password `mima1`.
pub(crate) const OLD_CIPHER: &[u8] = include_bytes!("../fixtures/old-cipher.zip");
/// As [`SEVEN`], list and files locked with `密码1`.
pub(crate) const LOCKED_SEVEN: &[u8] = include_bytes!("../fixtures/locked.7z");

/// A file of every format that is read, each naming 某甲.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let text = TEXT.as_bytes();
    vec![
        ("a.zip", zipped(&[("a.csv", text), ("b.txt", text)])),
        ("aes.zip", locked(".csv", text, "p")),
        ("old.zip", OLD_CIPHER.to_vec()),
        ("a.tar", tarred(&[("a.csv", text)])),
        ("a.csv.gz", gz(text)),
        ("a.csv.bz2", bz2(text)),
        ("a.csv.zst", zst(text)),
        ("a.csv.xz", XZ.to_vec()),
        ("a.7z", SEVEN.to_vec()),
        ("a.docx", docx()),
        ("a.pptx", pptx()),
        ("a.odt", ODT.to_vec()),
        ("a.ods", ODS.to_vec()),
        ("a.epub", epub()),
        ("a.rtf", RTF.to_vec()),
        ("a.xls", XLS.to_vec()),
        ("a.db", database()),
        ("a.sql", b"CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1,'\xE6\x9F\x90\xE7\x94\xB2'),(2,'x');\n".to_vec()),
        ("a.html", "<html><table><tr><td>某甲<td>2</table>".as_bytes().to_vec()),
    ]
}

/// By odfpy.
pub(crate) const ODT: &[u8] = include_bytes!("../fixtures/text.odt");
/// By odfpy.
pub(crate) const ODS: &[u8] = include_bytes!("../fixtures/list.ods");
/// By xlwt: a sheet of names, an empty one, and another.
pub(crate) const XLS: &[u8] = include_bytes!("../fixtures/list.xls");

/// As WordPad and Word write it: a code page, a font of another, code units of UTF-16.
pub(crate) const RTF: &[u8] =
    br"{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0\fnil\fcharset134 SimSun;}{\f1\fcharset0 Arial;}}
{\*\generator Nobody 13900000000;}\f0\'c1\'aa\'cf\'b5\'c8\'cb\'a3\'ba\'c4\'b3\'bc\'d7\par
\f1\uc1\u30005?\u-29731? 138\uc2\u-244\'a3\'ac\uc1\u-10179?\u-8704?\par}";

/// The parts that python-docx makes, without its template.
pub(crate) fn docx() -> Vec<u8> {
    let row = |a: &str, b: &str| {
        format!(
            "<w:tr><w:tc><w:tcPr/><w:p><w:r><w:t>{a}</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>{b}</w:t></w:r></w:p></w:tc></w:tr>"
        )
    };
    let text = |t: &str| format!("<w:p><w:r><w:t xml:space='preserve'>{t}</w:t></w:r></w:p>");
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><w:document xmlns:w='w'><w:body><w:p><w:r><w:t>联系人：</w:t></w:r><w:r><w:t>某甲</w:t></w:r></w:p><w:tbl>{}{}</w:tbl>{}</w:body></w:document>",
        row("姓名", "手机"),
        row("某甲", "13800000000"),
        text("第二段"),
    );
    let header = format!("<w:hdr xmlns:w='w'>{}</w:hdr>", text("页眉"));
    zipped(&[
        ("[Content_Types].xml", b"<Types/>".as_slice()),
        ("word/document.xml", body.as_bytes()),
        ("word/header1.xml", header.as_bytes()),
    ])
}

/// Three slides, stored out of order.
pub(crate) fn pptx() -> Vec<u8> {
    let slide = |t: &str| {
        format!(
            "<p:sld xmlns:p='p' xmlns:a='a'><p:txBody><a:p><a:r><a:t>{t}</a:t></a:r></a:p></p:txBody></p:sld>"
        )
    };
    let [one, two, ten] = ["第一页 某甲", "第二页", "第十页"].map(slide);
    zipped(&[
        (
            "ppt/presentation.xml",
            b"<p:presentation xmlns:p='p'/>".as_slice(),
        ),
        ("ppt/slides/slide10.xml", ten.as_bytes()),
        ("ppt/slides/slide2.xml", two.as_bytes()),
        ("ppt/slides/slide1.xml", one.as_bytes()),
    ])
}

/// A book of two chapters.
pub(crate) fn epub() -> Vec<u8> {
    let page = |body: &str| {
        format!(
            "<?xml version='1.0'?><!DOCTYPE html><html><head><style>p{{}}</style></head><body>{body}</body></html>"
        )
    };
    let one = page("<h1>第一章 某甲&nbsp;&amp; 某乙</h1><p>段</p>");
    let two = page(
        "<table><tr><th>姓名</th><th>手机</th></tr><tr><td>某甲</td><td>138</td></tr></table>",
    );
    zipped(&[
        ("mimetype", b"application/epub+zip".as_slice()),
        ("META-INF/container.xml", b"<container/>"),
        ("1.xhtml", one.as_bytes()),
        ("2.xhtml", two.as_bytes()),
    ])
}

/// Tables with and without row ids, a view and a trigger.
pub(crate) fn database() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE 人 (姓名 TEXT, 电话 INTEGER);
             INSERT INTO 人 VALUES ('某甲', 13800000000), ('某乙', NULL);
             CREATE TABLE k (id INTEGER PRIMARY KEY, v) WITHOUT ROWID;
             INSERT INTO k VALUES (1, 'x'), (2, x'FF00');
             CREATE TABLE empty (a);
             CREATE VIEW all_of_them AS SELECT * FROM 人;
             CREATE TRIGGER t AFTER INSERT ON 人 BEGIN DELETE FROM 人; END;",
        )
        .unwrap();
    connection.close().unwrap();
    std::fs::read(&path).unwrap()
}
