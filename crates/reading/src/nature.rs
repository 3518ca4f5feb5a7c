//! What a file is for whoever looks for something in it: a table, running text, or neither.
//!
//! Judged by the first bytes, as `sniff` does for tables, and by the ending of the name, which may
//! promise a table. Text of any sort is text: XML, HTML, code, logs, SQL. Whether the first row of
//! a regular text names columns is a question about meaning and belongs to `detect`.

use crate::charset::{by_mark, by_zero_bytes};
use crate::record::Delimiter;
use crate::sniff::{self, Sniffed};
use crate::{HEAD, Options, TextStream, arrow, dialect, judge};

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nature {
    /// There is nothing in it.
    Empty,
    /// Delimited text by its name.
    Table(Delimiter),
    /// Text whose rows all split alike, so that it is a table if its first row names columns.
    Regular(Delimiter),
    /// Running text.
    Text,
    /// A ZIP archive, which is a workbook or something that [`open`](crate::open) names.
    Archive,
    /// A table in columns, which [`open`](crate::open) reads: Parquet.
    Columns,
    /// Pages, whose text [`Pdf`](crate::Pdf) reads.
    Pdf,
    /// Something that is not read, and what it is.
    NotRead(&'static str),
}

/// Endings of names that promise a table.
const TABLES: [&str; 4] = ["csv", "tsv", "tab", "psv"];
/// Endings of names that promise nothing.
const NEUTRAL: [&str; 11] = [
    "", "txt", "text", "dat", "data", "lst", "list", "out", "bak", "tmp", "prn",
];

/// Judges a file by its first bytes (64 KiB are enough) and its name.
#[must_use]
pub fn nature(head: &[u8], name: &str) -> Nature {
    if head.is_empty() {
        return Nature::Empty;
    }
    if arrow::is_stream(head) {
        return Nature::NotRead("Arrow");
    }
    if let Some(what) = more_magic(head) {
        return Nature::NotRead(what);
    }
    match judge(head, &Options::default()) {
        Sniffed::Zip => Nature::Archive,
        Sniffed::Pdf => Nature::Pdf,
        Sniffed::Ole if sniff::names_encrypted_package(head) => {
            Nature::NotRead("an encrypted Office file")
        }
        Sniffed::Ole => Nature::NotRead("an old Office file (DOC, XLS, PPT) or an encrypted one"),
        Sniffed::Other("XML" | "HTML") => Nature::Text,
        #[cfg(feature = "parquet")]
        Sniffed::Other("Parquet") => Nature::Columns,
        Sniffed::Other(what) => Nature::NotRead(what),
        Sniffed::Binary => Nature::NotRead("binary data"),
        Sniffed::Text if is_spoiled_by_nul(head) => Nature::NotRead("binary data"),
        Sniffed::Text => text(head, name),
    }
}

/// Formats that no table ever came in, so that `sniff` does not know them.
fn more_magic(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    let rows: [(bool, &'static str); 14] = [
        (at(0, b"RIFF") && at(8, b"WEBP"), "a WebP picture"),
        (at(0, b"RIFF"), "sound or video"),
        (is_heif(head), "a HEIC picture"),
        (at(4, b"ftyp"), "video"),
        // Matroska and WebM, Flash, MPEG, Windows Media.
        (at(0, b"\x1A\x45\xDF\xA3") || at(0, b"FLV\x01"), "video"),
        (
            at(0, b"\0\0\x01\xBA") || at(0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11"),
            "video",
        ),
        (at(0, b"BM") && head.contains(&0), "a BMP picture"),
        (at(0, b"MM\0*"), "a TIFF picture"),
        (at(0, b"ID3") || at(0, b"OggS") || at(0, b"fLaC"), "sound"),
        (at(257, b"ustar"), "a TAR archive"),
        (at(0, b"!<arch>\n"), "an archive of object code"),
        (at(0, b"\xCA\xFE\xBA\xBE") || at(0, b"\0asm"), "a program"),
        (at(0, b"wOFF") || at(0, b"wOF2"), "a font"),
        (at(0, b"\x04\x22\x4D\x18"), "lz4"),
    ];
    rows.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

/// Whether a file of boxes says that it holds pictures compressed as HEVC, or a sequence of them.
fn is_heif(head: &[u8]) -> bool {
    const BRANDS: [&[u8]; 9] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1",
    ];
    let is_boxed = head.get(4..8) == Some(b"ftyp");
    is_boxed && head.get(8..12).is_some_and(|brand| BRANDS.contains(&brand))
}

/// A stray NUL spoils a text nowhere else; among other control characters it means binary data.
fn is_spoiled_by_nul(head: &[u8]) -> bool {
    if by_mark(head).is_some() || by_zero_bytes(&head[..head.len() & !1]).is_some() {
        return false;
    }
    let nul = memchr::memchr(0, head).is_some();
    let controls = head.iter().filter(|byte| sniff::is_control(**byte)).count();
    nul && controls >= 2 && controls * 50 > head.len()
}

fn text(head: &[u8], name: &str) -> Nature {
    let ending = match name.rsplit_once('.') {
        Some((_, ending)) => ending.to_ascii_lowercase(),
        None => String::new(),
    };
    let promised = TABLES.contains(&ending.as_str());
    if !promised && !NEUTRAL.contains(&ending.as_str()) {
        return Nature::Text;
    }
    let mut text = String::new();
    let mut stream = TextStream::new(head, None);
    // Bytes at hand never fail to be read.
    while stream
        .pump(&mut |piece| text.push_str(piece))
        .unwrap_or(false)
    {}
    let whole = head.len() < HEAD;
    if promised {
        return Nature::Table(dialect::guess(text.as_bytes(), whole, name));
    }
    dialect::clear(text.as_bytes(), whole).map_or(Nature::Text, Nature::Regular)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart() {
        let utf16: Vec<u8> = "姓名,手机号\n张三,1\n李四,2\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let gbk = encoding_rs::GB18030
            .encode("姓名\t手机\n张三\t1\n")
            .0
            .into_owned();
        let rows: [(&str, &[u8], Nature); 16] = [
            ("a.csv", b"", Nature::Empty),
            ("a.csv", "张三".as_bytes(), Nature::Table(Delimiter::Comma)),
            ("a.TSV", &gbk, Nature::Table(Delimiter::Tab)),
            ("a.txt", &gbk, Nature::Regular(Delimiter::Tab)),
            ("a", &utf16, Nature::Regular(Delimiter::Comma)),
            ("a.py", b"a,b\nc,d\n", Nature::Text),
            ("a.txt", "你好，我是张三\n好".as_bytes(), Nature::Text),
            ("a.xml", b"<?xml version='1.0'?><a/>", Nature::Text),
            ("a.xlsx", b"PK\x03\x04....", Nature::Archive),
            ("a.csv", b"%PDF-1.7", Nature::Pdf),
            (
                "a.txt",
                b"\xFF\xD8\xFF\xE0",
                Nature::NotRead("a JPEG picture"),
            ),
            (
                "a.webp",
                b"RIFF\0\0\0\0WEBPVP8 ",
                Nature::NotRead("a WebP picture"),
            ),
            ("a.bin", b"abc\0\x01\x02def", Nature::NotRead("binary data")),
            (
                "a.log",
                b"one line\nand a stray \0 within another line of it\n",
                Nature::Text,
            ),
            ("a", b"\x7FELF\x02", Nature::NotRead("a program")),
            (
                "a.doc",
                b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
                Nature::NotRead("an old Office file (DOC, XLS, PPT) or an encrypted one"),
            ),
        ];
        for (name, head, expected) in rows {
            assert_eq!(nature(head, name), expected, "{name}");
        }
    }
}
