//! Archives made by the libraries that others write them with.

use std::io::{Cursor, Write as _};

use zip::write::{FullFileOptions, SimpleFileOptions};

pub const TEXT: &str = "姓名,手机\n某甲,13800000000\n";

pub fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn locked(name: &str, bytes: &[u8], password: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (mode, at) in [zip::AesMode::Aes128, zip::AesMode::Aes192, zip::AesMode::Aes256].into_iter().zip(1..) {
        let options = FullFileOptions::default().with_aes_encryption(mode, password);
        zip.start_file(format!("{at}{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(bytes).unwrap();
    bz.finish().unwrap()
}

pub fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
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
pub const XZ: &[u8] = include_bytes!("../fixtures/list.csv.xz");
/// By py7zr: `名单.csv` of [`TEXT`] twice, in two folders.
pub const SEVEN: &[u8] = include_bytes!("../fixtures/list.7z");
/// By Python's zipfile with ZipCrypto made by Info-ZIP's algorithm, password `mima1`.
pub const OLD_CIPHER: &[u8] = include_bytes!("../fixtures/old-cipher.zip");
/// As [`SEVEN`], list and files locked with `密码1`.
pub const LOCKED_SEVEN: &[u8] = include_bytes!("../fixtures/locked.7z");

/// A file of every format that is read, each naming 某甲.
pub fn samples() -> Vec<(&'static str, Vec<u8>)> {
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
    ]
}
