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
        ("a5.rar", rar5(&[("某甲.csv", text), ("b.txt", text)])),
        ("a4.rar", rar4(&[("a.csv", text), ("b.txt", text)])),
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
        ("a.eml", message()),
        ("a.mbox", [b"From x Thu Jan  2 03:04:05 2025\n", message().as_slice()].concat()),
        ("a.vcf", card()),
        ("a.json", r#"{"n":2,"list":[{"name":"某甲","tags":["x","y"],"tel":1.5e3},{"name":"\u67d0乙"}]}"#.as_bytes().to_vec()),
        ("a.jsonl", "{\"a\":\"某甲\"}\n{\"a\":\"x\"}\n".as_bytes().to_vec()),
        ("a.xml", "<?xml version='1.0' encoding='UTF-8'?><l><p id='1'><n>某甲</n></p><p><n>&lt;乙</n></p></l>".as_bytes().to_vec()),
        ("chat.txt", "消息对象:群\n\n2025-01-02 3:04:05 某甲(10001)\n电话 13800000000\n".as_bytes().to_vec()),
        ("result.json", r#"{"name":"群","messages":[{"id":1,"date":"2025-01-02T03:04:05","from":"某甲","from_id":"user7","text":["电话",{"type":"phone","text":"13800000000"}]},{"date":"x","from":"y","text":"z"}]}"#.as_bytes().to_vec()),
        ("a.bin", [&[0, 1, 2, 3, 0xFF, 0xFE, 4, 5, 6][..], "联系人某甲".as_bytes(), &[0, 1, 2, 3]].concat()),
    ]
}

/// CRC-32 as ZIP has it.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A RAR 5 of stored files, by RARLAB's technote.
pub(crate) fn rar5(entries: &[(&str, &[u8])]) -> Vec<u8> {
    fn number(mut value: usize, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        out.push(value.to_le_bytes()[0]);
    }
    let block = |fields: Vec<u8>| {
        let mut header = Vec::new();
        number(fields.len(), &mut header);
        header.extend(fields);
        [crc(&header).to_le_bytes().as_slice(), &header].concat()
    };
    let mut rar = [b"Rar!\x1A\x07\x01\0".as_slice(), &block(vec![1, 0, 0])].concat();
    for (name, data) in entries {
        // Kind, flags: data follows, its size; flags of the file: a sum is stated.
        let mut fields = vec![2, 2];
        number(data.len(), &mut fields);
        fields.push(4);
        number(data.len(), &mut fields);
        fields.push(0);
        fields.extend(crc(data).to_le_bytes());
        fields.extend([0, 1]);
        number(name.len(), &mut fields);
        fields.extend(name.as_bytes());
        rar.extend(block(fields));
        rar.extend(*data);
    }
    rar.extend(block(vec![5, 0, 0]));
    rar
}

/// A RAR 3 of stored files, by the technote of RAR 4.
pub(crate) fn rar4(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let block = |fields: Vec<u8>| {
        let sum = crc(&fields).to_le_bytes();
        [&sum[..2], &fields].concat()
    };
    let mut rar = b"Rar!\x1A\x07\0".to_vec();
    rar.extend(block(vec![0x73, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]));
    for (name, data) in entries {
        let (name_size, data_size) = (name.len().to_le_bytes(), data.len().to_le_bytes());
        let mut fields = vec![0x74, 0, 0x80];
        fields.extend(&(32 + name.len()).to_le_bytes()[..2]);
        fields.extend(&data_size[..4]);
        fields.extend(&data_size[..4]);
        fields.push(0);
        fields.extend(crc(data).to_le_bytes());
        fields.extend([0, 0, 0, 0, 29, 0x30]);
        fields.extend(&name_size[..2]);
        fields.extend([0x20, 0, 0, 0]);
        fields.extend(name.as_bytes());
        rar.extend(block(fields));
        rar.extend(*data);
    }
    rar.extend(block(vec![0x7B, 0, 0, 7, 0]));
    rar
}

/// As mail programs write it: a head of encoded words, a body in GBK, another as a page, a list
/// in an archive.
pub(crate) fn message() -> Vec<u8> {
    let base64 = |bytes: &[u8]| -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let bits = three
                .iter()
                .chain(&[0, 0])
                .take(3)
                .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            for (n, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let digit = char::from(DIGITS[(bits >> shift) as usize & 63]);
                out.push(if n <= three.len() { digit } else { '=' });
            }
            if out.len() % 77 == 76 {
                out.push('\n');
            }
        }
        out
    };
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let word = |text: &str| format!("=?GBK?B?{}?=", base64(&gbk(text)));
    let body: String = gbk("您好，某甲：\r\n电话 13800000000\r\n")
        .iter()
        .map(|byte| match byte {
            b'\n' | b'\r' => char::from(*byte).to_string(),
            b' '..=b'~' if *byte != b'=' => char::from(*byte).to_string(),
            byte => format!("={byte:02X}"),
        })
        .collect();
    let list = zipped(&[("a.csv", TEXT.as_bytes())]);
    [
        format!("MIME-Version: 1.0\r\nFrom: {} <a@example.cn>\r\n", word("某甲")),
        format!("To: {}\r\n\t<b@example.cn>\r\nSubject: {} {}\r\n", word("某乙"), word("名单 "), word("两份")),
        "Date: Thu, 02 Jan 2025 03:04:05 +0800\r\nContent-Type: multipart/mixed;\r\n boundary=\"=_out\"\r\n\r\nA message of MIME.\r\n".to_owned(),
        "--=_out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n".to_owned(),
        format!("--in\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}"),
        format!("--in\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--in--\r\n", base64(&gbk("<p>某甲</p>\n"))),
        format!("--=_out\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=\"{}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--=_out--\r\n", word("名单.zip"), base64(&list)),
    ]
    .concat()
    .into_bytes()
}

/// A card of version 2.1 in GBK, one of 3.0.
pub(crate) fn card() -> Vec<u8> {
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C4=B3=BC=D7;;;\r\nTEL;CELL:13800000000\r\nEND:VCARD\r\nBEGIN:VCARD\r\nVERSION:3.0\r\nFN:B\r\nTEL;TYPE=CELL:13800000001\r\nEND:VCARD\r\n".to_vec()
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
