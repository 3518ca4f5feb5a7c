//! A font with Chinese and programs that read PDF, or word that a test is passed over.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::print_stdout, reason = "a test that is passed over says so")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use liuhen_picture::Font;

/// The font that this machine offers for Chinese; `None`, said aloud, where it has none.
pub(crate) fn font() -> Option<Font> {
    match Font::find(None, "留痕副本依据，Abc 123") {
        Ok(font) => Some(font),
        Err(error) => {
            println!("SKIP: {error}");
            None
        }
    }
}

/// A PDF on disk for other programs to read.
pub(crate) struct File {
    folder: tempfile::TempDir,
}

impl File {
    pub(crate) fn new(pdf: &[u8]) -> File {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.pdf"), pdf).unwrap();
        if let Some(keep) = std::env::var_os("LIUHEN_KEEP_PDF") {
            let name = format!("{}.pdf", std::thread::current().name().unwrap_or("test"));
            std::fs::write(Path::new(&keep).join(name), pdf).unwrap();
        }
        File { folder }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// What a program prints about it; `None`, said aloud, where the program is absent.
    pub(crate) fn asked(&self, program: &str, before: &[&str], after: &[&str]) -> Option<String> {
        let ran = Command::new(program)
            .args(before)
            .arg(self.folder.path().join("a.pdf"))
            .args(after)
            .current_dir(self.folder.path())
            .output();
        let Ok(output) = ran else {
            println!("SKIP: {program} is absent (apt install poppler-utils qpdf)");
            return None;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && errors.is_empty(),
            "{program}: {errors}"
        );
        Some(String::from_utf8(output.stdout).unwrap())
    }

    /// The words in the order they were written, by poppler; pages end with a form feed.
    pub(crate) fn words(&self) -> Option<String> {
        self.asked("pdftotext", &["-raw", "-enc", "UTF-8"], &["-"])
    }

    /// Grey pixels of a page at so many pixels to the inch, with the width, by poppler.
    pub(crate) fn seen(&self, page: u32, dpi: u16) -> Option<(usize, Vec<u8>)> {
        let (page, dpi) = (page.to_string(), dpi.to_string());
        let how = ["-gray", "-r", &dpi, "-f", &page, "-l", &page, "-singlefile"];
        self.asked("pdftoppm", &how, &["seen"])?;
        let bytes = std::fs::read(self.folder.path().join("seen.pgm")).unwrap();
        Some(pgm(&bytes))
    }
}

/// A map as poppler writes it, `P5` for grey and `P6` for grey as three equal colours: its width
/// and its brightness.
pub(crate) fn pgm(bytes: &[u8]) -> (usize, Vec<u8>) {
    let mut rest = bytes;
    let mut head = Vec::new();
    while head.len() < 4 {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap();
        head.push(std::str::from_utf8(&rest[..end]).unwrap());
        rest = &rest[end + 1..];
    }
    let channels = if head[0] == "P6" { 3 } else { 1 };
    let grey = rest.chunks_exact(channels).map(|pixel| {
        assert!(pixel.iter().all(|sample| *sample == pixel[0]), "no colour");
        pixel[0]
    });
    (head[1].parse().unwrap(), grey.collect())
}

/// A text without white space, which line breaks change.
pub(crate) fn dense(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .collect()
}
