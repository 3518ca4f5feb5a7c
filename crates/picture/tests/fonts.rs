//! Which font is found, and what is said when none is.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use liuhen_picture::{Font, FontError};

const TEXT: &str = "仅供办理入职使用，2026-11-22 Abc";

/// The file of the font that this machine offers, found again by its bytes.
fn file_of(font: &Font) -> Option<PathBuf> {
    let roots = ["/usr/share/fonts", "/usr/local/share/fonts"];
    roots.iter().find_map(|root| search(Path::new(root), font))
}

fn search(folder: &Path, font: &Font) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return search(&path, font);
        }
        let length = entry.metadata().ok()?.len();
        (length == font.data().len() as u64 && fs::read(&path).ok()? == font.data()).then_some(path)
    })
}

#[test]
fn the_same_font_is_found_every_time_and_has_the_characters() {
    let Some(font) = common::font(TEXT) else {
        return;
    };
    let again = Font::find(None, TEXT).unwrap();
    assert_eq!(
        (font.metrics(), font.index()),
        (again.metrics(), again.index())
    );
    let glyphs = font.glyphs().unwrap();
    for character in TEXT.chars() {
        assert!(
            glyphs.glyph(character).is_some_and(|glyph| glyph > 0),
            "{character}"
        );
    }
    assert!(
        (glyphs.width("仅供") - 2.0).abs() < 0.01,
        "Chinese is as wide as the em"
    );
    assert!(glyphs.width("ii") < glyphs.width("WW"));
}

#[test]
fn a_collection_gives_chinese_forms_and_a_folder_its_preferred_family() {
    let Some(font) = common::font(TEXT) else {
        return;
    };
    if font.metrics().family != "Noto Sans CJK SC" {
        println!(
            "SKIP: Noto Sans CJK is not installed, {} is",
            font.metrics().family
        );
        return;
    }
    assert_eq!(font.metrics().post_script, "NotoSansCJKsc-Regular");
    let Some(path) = file_of(&font) else { return };

    // Beside files that come first by name and hold nothing, the known name is found first.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("AAA.ttf"), b"no font").unwrap();
    fs::create_dir(folder.path().join("deeper")).unwrap();
    std::os::unix::fs::symlink(&path, folder.path().join("deeper/NotoSansCJK-Regular.ttc"))
        .unwrap();
    let found = Font::find_in(&[folder.path().to_owned()], TEXT).unwrap();
    assert_eq!(found.metrics(), font.metrics());

    // Under a name nobody knows it is found too, by looking into it.
    fs::remove_dir_all(folder.path().join("deeper")).unwrap();
    std::os::unix::fs::symlink(&path, folder.path().join("zzz.otf")).unwrap();
    let found = Font::find_in(&[folder.path().to_owned()], TEXT).unwrap();
    assert_eq!(found.metrics(), font.metrics());
    assert_eq!(
        Font::find(Some(&folder.path().join("zzz.otf")), TEXT)
            .unwrap()
            .metrics(),
        font.metrics()
    );
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let none =
        Font::find_in(&[folder.path().to_owned(), "/does/not/exist".into()], TEXT).unwrap_err();
    assert!(matches!(none, FontError::NotFound));
    for part in [
        "apt install fonts-noto-cjk",
        "fonts-wqy-microhei",
        "font file",
    ] {
        assert!(none.to_string().contains(part), "{none}");
    }
    let absent = Font::find(Some(&folder.path().join("none.ttf")), TEXT);
    assert!(matches!(absent, Err(FontError::Unreadable { .. })));
    fs::write(folder.path().join("bad.ttf"), b"\0\x01\0\0 no font").unwrap();
    let bad = Font::find(Some(&folder.path().join("bad.ttf")), TEXT);
    assert!(matches!(bad, Err(FontError::Malformed)));

    let Some(font) = common::font(TEXT) else {
        return;
    };
    let lacking = Font::from_bytes(font.data().to_vec(), "一\u{e000}\u{10fffd}\u{e000}");
    assert!(
        matches!(lacking, Err(FontError::Lacks { count: 2 })),
        "{lacking:?}"
    );
}

#[test]
fn what_the_font_lacks_is_shown_as_a_replacement() {
    let Some(font) = common::font(TEXT) else {
        return;
    };
    let glyphs = font.glyphs().unwrap();
    for character in ['\u{e000}', '\u{7}', '\u{10fffd}'] {
        let (glyph, shown) = glyphs.shown(character);
        assert!(glyph > 0 && "\u{fffd}□〓?".contains(shown), "{character:?}");
    }
}

#[test]
fn changed_fonts_give_an_error_or_a_font() {
    use rand::{RngExt as _, SeedableRng as _};
    let Some(font) = common::font(TEXT) else {
        return;
    };
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let face = ttf_parser_directory(font.data());
    for _ in 0..40 {
        let mut changed = font.data().to_vec();
        for _ in 0..20 {
            let at = random.random_range(0..face.min(changed.len()));
            changed[at] = random.random();
        }
        if let Ok(font) = Font::from_bytes(changed, "一") {
            drop(font.glyphs().map(|glyphs| glyphs.width(TEXT)));
        }
    }
}

/// Bytes at the front of a font file that hold its directory and the tables behind it.
fn ttf_parser_directory(data: &[u8]) -> usize {
    data.len().min(60_000)
}
