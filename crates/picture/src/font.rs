//! Fonts with Chinese characters, found on the machine or named by file.
//!
//! No font is shipped: those with Chinese weigh megabytes, and every system that shows Chinese has
//! one. [`Font::find`] looks, in this order, at the file the caller names, then in the usual
//! directories for the families of [`FAMILIES`] from the first to the last, then at any other font
//! in order of its path; the first face with every character of the text is taken. In a collection
//! (`.ttc`, `.otc`) the families decide among faces too, so that Chinese gets Chinese forms. Equal
//! machines give equal fonts.
//!
//! Rule: OpenType 1.9, read by `ttf-parser`. Characters are placed one after another by their
//! advance widths, which suffices for Chinese and English; scripts that need shaping are not
//! served. Drawing belongs to `stamp` and [`text`](crate::text).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ttf_parser::{Face, GlyphId, name_id};

use crate::FontError;

/// Families in order of preference, each with the names its files have, in small letters.
pub const FAMILIES: &[(&str, &[&str])] = &[
    (
        "Noto Sans CJK SC",
        &[
            "notosanscjk-regular.ttc",
            "notosanscjksc-regular.otf",
            "notosanscjk.ttc",
        ],
    ),
    (
        "Noto Sans SC",
        &[
            "notosanssc-regular.otf",
            "notosanssc-regular.ttf",
            "notosanssc[wght].ttf",
        ],
    ),
    (
        "Source Han Sans SC",
        &["sourcehansans-regular.ttc", "sourcehansanssc-regular.otf"],
    ),
    ("Source Han Sans CN", &["sourcehansanscn-regular.otf"]),
    ("WenQuanYi Micro Hei", &["wqy-microhei.ttc"]),
    ("WenQuanYi Zen Hei", &["wqy-zenhei.ttc"]),
    ("Microsoft YaHei", &["msyh.ttc", "msyh.ttf"]),
    ("DengXian", &["deng.ttf"]),
    ("SimHei", &["simhei.ttf"]),
    ("SimSun", &["simsun.ttc"]),
    ("PingFang SC", &["pingfang.ttc"]),
    ("Hiragino Sans GB", &["hiragino sans gb.ttc"]),
    ("Heiti SC", &["stheiti light.ttc", "stheiti medium.ttc"]),
    ("Songti SC", &["songti.ttc"]),
    (
        "Noto Serif CJK SC",
        &["notoserifcjk-regular.ttc", "notoserifcjksc-regular.otf"],
    ),
    (
        "Source Han Serif SC",
        &["sourcehanserif-regular.ttc", "sourcehanserifsc-regular.otf"],
    ),
    (
        "Droid Sans Fallback",
        &["droidsansfallbackfull.ttf", "droidsansfallback.ttf"],
    ),
];

/// Larger files are no fonts anybody installs.
const LARGEST: u64 = 128 << 20;
/// Bounds of the search, so that a link to everywhere does not stop it from ending.
const DEPTH: usize = 6;
const FILES: usize = 20_000;

/// A face of a font file, with what drawing and embedding need to know. Cheap to clone.
#[derive(Clone)]
pub struct Font {
    data: Arc<[u8]>,
    index: u32,
    metrics: Metrics,
}

/// Names and measures of a face; lengths in units of the em, upwards positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Family, such as `Noto Sans CJK SC`.
    pub family: String,
    /// PostScript name, such as `NotoSansCJKsc-Regular`; letters, digits and hyphens only.
    pub post_script: String,
    /// Of the highest line box above the baseline.
    pub ascent: f32,
    /// Of the lowest line box, below the baseline and so negative as a rule.
    pub descent: f32,
    /// Height of capital letters.
    pub capitals: f32,
    /// Box of all glyphs: left, bottom, right, top.
    pub bounds: [f32; 4],
    /// Degrees the letters lean, counter-clockwise.
    pub italic: f32,
    /// Whether the outlines are PostScript's (`CFF`), not TrueType's (`glyf`).
    pub post_script_outlines: bool,
}

impl Font {
    /// The font for `text`: from the file named, or found on this machine as the module says.
    ///
    /// # Errors
    ///
    /// Of a named file: [`FontError::Unreadable`], [`FontError::Malformed`] or
    /// [`FontError::Lacks`]. Otherwise [`FontError::NotFound`], which says what to install.
    pub fn find(named: Option<&Path>, text: &str) -> Result<Font, FontError> {
        match named {
            Some(path) => Font::open(path, text),
            None => Font::find_in(&directories(), text),
        }
    }

    /// The font for `text` in these directories, by the module's order.
    ///
    /// # Errors
    ///
    /// [`FontError::NotFound`].
    pub fn find_in(directories: &[PathBuf], text: &str) -> Result<Font, FontError> {
        let mut files = BTreeSet::new();
        for directory in directories {
            gather(directory, DEPTH, &mut files);
        }
        let preferred = FAMILIES
            .iter()
            .flat_map(|(_, names)| names.iter())
            .flat_map(|name| {
                files
                    .iter()
                    .filter(move |path| file_name(path).as_deref() == Some(*name))
            });
        preferred
            .chain(&files)
            .find_map(|path| Font::open(path, text).ok())
            .ok_or(FontError::NotFound)
    }

    /// The best face of a file for `text`.
    ///
    /// # Errors
    ///
    /// [`FontError::Unreadable`], [`FontError::Malformed`] or [`FontError::Lacks`].
    pub fn open(path: &Path, text: &str) -> Result<Font, FontError> {
        let unreadable = |source| FontError::Unreadable {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
            return Err(FontError::Malformed);
        }
        Font::from_bytes(fs::read(path).map_err(unreadable)?, text)
    }

    /// The best face among the bytes of a font or a collection for `text`.
    ///
    /// # Errors
    ///
    /// [`FontError::Malformed`] or [`FontError::Lacks`].
    pub fn from_bytes(data: Vec<u8>, text: &str) -> Result<Font, FontError> {
        let data: Arc<[u8]> = data.into();
        let faces = ttf_parser::fonts_in_collection(&data).unwrap_or(1).min(64);
        let mut best: Option<(usize, u32, Metrics)> = None;
        let mut fewest = None;
        for index in 0..faces {
            let Ok(face) = Face::parse(&data, index) else {
                continue;
            };
            let lacking = lacking(&face, text);
            if lacking > 0 || face.number_of_glyphs() < 2 {
                fewest = Some(fewest.map_or(lacking, |least: usize| least.min(lacking)));
                continue;
            }
            let rank = rank(&face);
            if best.as_ref().is_none_or(|(least, ..)| rank < *least) {
                best = Some((rank, index, measure(&face)));
            }
        }
        match (best, fewest) {
            (Some((_, index, metrics)), _) => Ok(Font {
                data,
                index,
                metrics,
            }),
            (None, Some(count)) => Err(FontError::Lacks { count }),
            (None, None) => Err(FontError::Malformed),
        }
    }

    /// Names and measures.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The whole file, all faces of a collection.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Which face of [`Font::data`] this is, from 0.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The face opened: glyphs of characters and their widths.
    ///
    /// # Errors
    ///
    /// [`FontError::Malformed`], which a font made here does not give.
    pub fn glyphs(&self) -> Result<Glyphs<'_>, FontError> {
        Glyphs::open(self)
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Font({}, {} bytes)",
            self.metrics.family,
            self.data.len()
        )
    }
}

/// A face opened for use.
#[derive(Clone)]
pub struct Glyphs<'f> {
    pub(crate) face: Face<'f>,
    em: f32,
    replacement: (u16, char),
}

impl<'f> Glyphs<'f> {
    fn open(font: &'f Font) -> Result<Glyphs<'f>, FontError> {
        let face = Face::parse(&font.data, font.index).map_err(|_| FontError::Malformed)?;
        let em = f32::from(face.units_per_em());
        let replacement = ['\u{fffd}', '□', '〓', '?']
            .into_iter()
            .find_map(|character| Some((glyph(&face, character)?, character)))
            .unwrap_or((0, '\u{fffd}'));
        Ok(Glyphs {
            face,
            em,
            replacement,
        })
    }

    /// The glyph of a character, if the font draws it; a space needs no outline.
    #[must_use]
    pub fn glyph(&self, character: char) -> Option<u16> {
        glyph(&self.face, character)
    }

    /// The glyph of a character, and the character it shows: where the font lacks it, a visible
    /// replacement (U+FFFD, `□`, `〓` or `?`), so that nothing vanishes unseen.
    #[must_use]
    pub fn shown(&self, character: char) -> (u16, char) {
        match self.glyph(character) {
            Some(index) => (index, character),
            None => self.replacement,
        }
    }

    /// Advance width of a glyph in ems.
    #[must_use]
    pub fn advance(&self, glyph: u16) -> f32 {
        let units = self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0);
        f32::from(units) / self.em
    }

    /// Width of a line of text in ems, replacements included.
    #[must_use]
    pub fn width(&self, text: &str) -> f32 {
        text.chars()
            .map(|character| self.advance(self.shown(character).0))
            .sum()
    }

    /// Units of the font file to the em.
    #[must_use]
    pub fn units_per_em(&self) -> f32 {
        self.em
    }
}

impl fmt::Debug for Glyphs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glyphs({})", self.face.number_of_glyphs())
    }
}

fn glyph(face: &Face<'_>, character: char) -> Option<u16> {
    if character.is_control() {
        return None;
    }
    let index = face.glyph_index(character).filter(|index| index.0 != 0)?;
    let blank = character.is_whitespace();
    (blank || face.glyph_bounding_box(index).is_some()).then_some(index.0)
}

/// How many different characters of `text` the face does not draw.
fn lacking(face: &Face<'_>, text: &str) -> usize {
    let characters: BTreeSet<char> = text.chars().collect();
    characters
        .into_iter()
        .filter(|&character| glyph(face, character).is_none())
        .count()
}

/// Place of a face's family in [`FAMILIES`], or behind them all.
fn rank(face: &Face<'_>) -> usize {
    let names: Vec<String> = families(face).collect();
    let known = |(family, _): &(&str, &[&str])| names.iter().any(|name| name == family);
    FAMILIES.iter().position(known).unwrap_or(FAMILIES.len())
}

fn families<'f>(face: &'f Face<'_>) -> impl Iterator<Item = String> + 'f {
    let wanted = [name_id::FAMILY, name_id::TYPOGRAPHIC_FAMILY];
    let names = face.names().into_iter();
    names
        .filter(move |name| wanted.contains(&name.name_id))
        .filter_map(|name| name.to_string())
}

fn measure(face: &Face<'_>) -> Metrics {
    let em = f32::from(face.units_per_em());
    let ems = |units: i16| f32::from(units) / em;
    let ascent = ems(face.ascender());
    let bounds = face.global_bounding_box();
    let family = families(face)
        .find(|name| name.is_ascii())
        .unwrap_or_default();
    Metrics {
        post_script: post_script_name(face),
        family,
        ascent,
        descent: ems(face.descender()),
        capitals: face.capital_height().map_or(ascent * 0.8, ems),
        bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(ems),
        italic: face.italic_angle(),
        post_script_outlines: face.tables().glyf.is_none(),
    }
}

fn post_script_name(face: &Face<'_>) -> String {
    let plain = |name: &String| !name.is_empty() && name.len() < 64;
    face.names()
        .into_iter()
        .filter(|name| name.name_id == name_id::POST_SCRIPT_NAME)
        .filter_map(|name| name.to_string())
        .map(|name| {
            name.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect()
        })
        .find(plain)
        .unwrap_or_else(|| "Font".to_owned())
}

/// Where systems keep fonts; what does not exist is passed over.
fn directories() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = [
        "/usr/share/fonts",
        "/usr/local/share/fonts",
        "C:\\Windows\\Fonts",
        "/System/Library/Fonts",
        "/Library/Fonts",
    ]
    .map(PathBuf::from)
    .to_vec();
    if let Some(home) = std::env::home_dir() {
        let own = [".fonts", ".local/share/fonts", "Library/Fonts"];
        all.extend(own.map(|folder| home.join(folder)));
    }
    all
}

/// Font files below `directory`, links to directories not followed.
fn gather(directory: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => gather(&path, depth - 1, files),
            Ok(_) if is_font(&path) && files.len() < FILES => {
                files.insert(path);
            }
            _ => {}
        }
    }
}

fn is_font(path: &Path) -> bool {
    let known = ["ttf", "ttc", "otf", "otc"];
    path.extension()
        .is_some_and(|end| known.iter().any(|one| end.eq_ignore_ascii_case(one)))
}

fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_ascii_lowercase())
}
