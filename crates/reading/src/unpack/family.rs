//! Which reader a file is for, by its first bytes; names break ties only.

use crate::sniff::{self, Sniffed};
use crate::{Nature, arrow, nature};

/// What reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Empty,
    Zip,
    SevenZ,
    Rar,
    Tar,
    Packed(Packing),
    Compound,
    Sqlite,
    Arrow,
    Avro,
    Rtf,
    Pdf,
    /// Only where it is read.
    #[cfg(feature = "parquet")]
    Parquet,
    Picture(&'static str),
    Text(Nature),
    /// Recognised, not read.
    Other(&'static str),
    /// Of no known sort, and no text.
    Binary,
}

/// A format that packs one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// The ending that names of such files bear, which the packed file does not.
    pub(crate) const fn endings(self) -> [&'static str; 2] {
        match self {
            Self::Gzip => ["gz", "tgz"],
            Self::Bzip2 => ["bz2", "tbz2"],
            Self::Xz => ["xz", "txz"],
            Self::Zstd => ["zst", "tzst"],
        }
    }
}

pub(crate) fn family(head: &[u8], name: &str) -> Family {
    match sniff::sniff(head) {
        _ if head.is_empty() => Family::Empty,
        Sniffed::Zip => Family::Zip,
        Sniffed::Ole => Family::Compound,
        Sniffed::Other("a 7z archive") => Family::SevenZ,
        Sniffed::Other("a RAR archive") => Family::Rar,
        Sniffed::Other("gzip") => Family::Packed(Packing::Gzip),
        Sniffed::Other("bzip2") if is_bzip2(head) => Family::Packed(Packing::Bzip2),
        Sniffed::Other("xz") => Family::Packed(Packing::Xz),
        Sniffed::Other("zstd") => Family::Packed(Packing::Zstd),
        Sniffed::Other("an SQLite database") => Family::Sqlite,
        Sniffed::Other("Arrow") => Family::Arrow,
        Sniffed::Other("Avro") => Family::Avro,
        _ if arrow::is_stream(head) => Family::Arrow,
        Sniffed::Other("RTF") => Family::Rtf,
        Sniffed::Pdf => Family::Pdf,
        #[cfg(feature = "parquet")]
        Sniffed::Other("Parquet") => Family::Parquet,
        // A split archive's first part begins so.
        _ if head.starts_with(b"PK\x07\x08PK\x03\x04") => Family::Zip,
        _ if is_tar(head) => Family::Tar,
        _ => match nature(head, name) {
            Nature::Empty => Family::Empty,
            Nature::NotRead("binary data") => Family::Binary,
            Nature::NotRead(what) if what.ends_with(" picture") => Family::Picture(what),
            Nature::NotRead(what) => Family::Other(what),
            text => Family::Text(text),
        },
    }
}

/// `BZh` may begin a text; a digit and the magic of a block or of the end follow in the format.
fn is_bzip2(head: &[u8]) -> bool {
    let magic = head.get(4..10);
    head.get(3)
        .is_some_and(|level| (b'1'..=b'9').contains(level))
        && (magic == Some(b"\x31\x41\x59\x26\x53\x59")
            || magic == Some(b"\x17\x72\x45\x38\x50\x90"))
}

/// Whether the first block is a header of TAR: its bytes add up to the sum it states, with the sum
/// itself read as blanks (POSIX.1-1988, section 10.1.1; the magic came later).
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some((block, sum)) = head.get(..512).zip(head.get(148..156)) else {
        return false;
    };
    let digits: Vec<u8> = sum
        .iter()
        .copied()
        .skip_while(|byte| *byte == b' ')
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .collect();
    let stated = digits
        .iter()
        .fold(0u64, |sum, digit| sum * 8 + u64::from(digit - b'0'));
    let all: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = sum.iter().map(|byte| u64::from(*byte)).sum();
    !digits.is_empty() && all - own + 8 * 32 == stated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_to_their_readers() {
        let rows: [(&str, &[u8], Family); 9] = [
            ("a.csv", b"", Family::Empty),
            ("a.csv", b"PK\x03\x04", Family::Zip),
            ("a", b"7z\xBC\xAF\x27\x1C", Family::SevenZ),
            ("a", b"\x1F\x8B\x08", Family::Packed(Packing::Gzip)),
            ("a", b"BZh91AY&SY", Family::Packed(Packing::Bzip2)),
            ("a.txt", b"BZhao said so", Family::Other("bzip2")),
            (
                "a.jpg",
                b"\xFF\xD8\xFF\xE0",
                Family::Picture("a JPEG picture"),
            ),
            ("a", b"\x01\x02\x03\x00abc\x04", Family::Binary),
            ("a.md", b"# title", Family::Text(Nature::Text)),
        ];
        for (name, head, expected) in rows {
            assert_eq!(family(head, name), expected, "{name}");
        }
    }

    #[test]
    fn a_tar_header_adds_up() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_old();
        header.set_size(3);
        header.set_mode(0o644);
        header.set_cksum();
        builder
            .append_data(&mut header, "a.txt", &b"abc"[..])
            .unwrap();
        let bytes = builder.into_inner().unwrap();
        assert!(is_tar(&bytes));
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(!is_tar(&other) && !is_tar(&bytes[..511]) && !is_tar(&[0; 512]));
    }
}
