//! What a file is, by its first bytes.
//!
//! Knows formats by their published magic numbers, also those it only recognises, so that a
//! refusal can say what the file is. Names of files are never trusted.

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// A ZIP archive: a workbook or something else.
    Zip,
    /// Pages; their letters may make a table.
    Pdf,
    /// An OLE 2 compound file: an old workbook, or an encrypted new one.
    Ole,
    /// Bytes that may be text.
    Text,
    /// Recognised, not read.
    Other(&'static str),
    /// Bytes of no known sort that are no text.
    Binary,
}

/// A write-ahead log, which says nothing without its database.
const JOURNAL: &str = "a journal of an SQLite database, read with it where it lies beside it";

/// Magic numbers at the start of a file, and the format's name.
const MAGIC: [(&[u8], &str); 25] = [
    (b"\x89PNG\r\n\x1A\n", "a PNG picture"),
    (b"\xFF\xD8\xFF", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1F\x8B", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ\0", "xz"),
    (b"\x28\xB5\x2F\xFD", "zstd"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x37\x7F\x06\x82", JOURNAL),
    (b"\x37\x7F\x06\x83", JOURNAL),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"Obj\x01", "Avro"),
    (b"{\\rtf", "RTF"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xFF\xFE\0\0", "UTF-32 text"),
    (b"\0\0\xFE\xFF", "UTF-32 text"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE", "HTML"),
    (b"<html", "HTML"),
    (b"\x09\x08\x10\0\0\x06\x05\0", "an old workbook (XLS)"),
    (b"II*\0", "a TIFF picture"),
];

/// Judges by the first bytes of a file, some thousands of them.
pub(crate) fn sniff(head: &[u8]) -> Sniffed {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Sniffed::Zip;
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Sniffed::Ole;
    }
    if head.starts_with(b"%PDF-") {
        return Sniffed::Pdf;
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Sniffed::Other(name);
    }
    // Text has next to no control characters; a stray one spoils its row only.
    let controls = head.iter().filter(|byte| is_control(**byte)).count();
    if controls * 10 > head.len() {
        Sniffed::Binary
    } else {
        Sniffed::Text
    }
}

pub(crate) fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1A | 0x1B)
}

/// Whether a compound file holds an encrypted package (MS-OFFCRYPTO, section 2.3.4.4): its
/// directory then names a stream `EncryptedPackage`, in UTF-16.
pub(crate) fn names_encrypted_package(directory: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    memchr::memmem::find(directory, &name).is_some()
}

/// Where a compound file's directory begins, in bytes (MS-CFB, section 2.2).
pub(crate) fn ole_directory(head: &[u8]) -> Option<u64> {
    let shift = u16::from_le_bytes([*head.get(30)?, *head.get(31)?]);
    let sector = head
        .get(48..52)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)?;
    (7..=16)
        .contains(&shift)
        .then(|| (u64::from(sector) + 1) << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        let rows: [(&str, &[u8], Sniffed); 7] = [
            ("archive", b"PK\x03\x04rest", Sniffed::Zip),
            (
                "compound file",
                b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
                Sniffed::Ole,
            ),
            ("pdf", b"%PDF-1.7", Sniffed::Pdf),
            ("text", b"name,phone\nx,1\n", Sniffed::Text),
            (
                "text with one NUL",
                b"name,phone\nx\0y,1\nname,phone\n",
                Sniffed::Text,
            ),
            ("noise", b"\x01\x02\x03\x00abc\x04", Sniffed::Binary),
            ("gbk", b"\xD5\xC5\xC8\xFD,1\n", Sniffed::Text),
        ];
        for (name, head, expected) in rows {
            assert_eq!(sniff(head), expected, "{name}");
        }
    }
}
