//! A pair of eyes: all networks, opened once.

use std::sync::OnceLock;

use liuhen_picture::Picture;

use crate::VisionError;
use crate::codes::{self, Code};
use crate::faces::{Embedder, Embedding, Face, Faces, Live};
use crate::geometry::Point;
use crate::models::{Folder, Set};
use crate::network::{Gate, Threads};
use crate::raster::{Raster, Small};
use crate::rules::{Triage, rules};
use crate::strokes;
use crate::words::{Core, Reader, Words};

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Text.
    pub words: bool,
    /// Faces.
    pub faces: bool,
    /// QR and bar codes.
    pub codes: bool,
}

impl Look {
    /// Everything.
    #[must_use]
    pub fn all() -> Look {
        Look {
            words: true,
            faces: true,
            codes: true,
        }
    }
}

/// What a picture shows.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Text.
    pub words: Words,
    /// Faces, the surest first.
    pub faces: Vec<Face>,
    /// Codes.
    pub codes: Vec<Code>,
}

/// What a picture shows at a small size.
#[derive(Clone, Debug)]
pub struct Glimpse {
    /// Places that look like lines of text, at the size that showed more.
    pub lines: usize,
    /// Upright faces that are large in it.
    pub faces: Vec<Face>,
    /// Whether a part of it was looked at less small, for its many strokes.
    pub is_second: bool,
    /// Whether there is enough text to look closer (`[triage]` of `eyes.toml`).
    pub is_worth_a_look: bool,
}

/// Networks over one folder of weights, each loaded when it is first needed. Usable from many
/// threads.
pub struct Eyes {
    folder: Folder,
    set: Set,
    threads: Threads,
    faces: OnceLock<Faces>,
    reader: OnceLock<Reader>,
    embedder: OnceLock<Embedder>,
    live: OnceLock<Live>,
}

impl Eyes {
    /// Eyes that use the weights of a folder and this many threads.
    #[must_use]
    pub fn new(folder: Folder, set: Set, threads: usize) -> Eyes {
        Eyes {
            folder,
            set,
            threads: Threads::new(threads),
            faces: OnceLock::new(),
            reader: OnceLock::new(),
            embedder: OnceLock::new(),
            live: OnceLock::new(),
        }
    }

    /// The version of the thresholds in use.
    #[must_use]
    pub fn rules_version() -> &'static str {
        rules().map_or("", |rules| rules.version.as_str())
    }

    /// Loads what a look needs, so that what is missing is known before any picture is read.
    ///
    /// # Errors
    ///
    /// [`VisionError`].
    pub fn ready(&self, look: Look) -> Result<(), VisionError> {
        if look.words {
            self.reader()?;
        }
        if look.faces {
            self.faces()?;
        }
        Ok(())
    }

    /// What a picture shows.
    ///
    /// # Errors
    ///
    /// [`VisionError::NotInstalled`] and its kin where weights are missing or wrong,
    /// [`VisionError::Network`].
    pub fn look(&self, picture: &Picture, look: Look) -> Result<Sight, VisionError> {
        let raster = Raster::of(picture);
        let gate = Gate::default();
        let words = || match look.words {
            true => self.reader()?.words(&raster, &gate),
            false => Ok(Words::default()),
        };
        let others = || {
            let longest = codes::LONGEST.max(rules()?.faces.longest());
            let small = Small::of(&raster, longest);
            let codes = match look.codes {
                true => codes::find(&small),
                false => Vec::new(),
            };
            let faces = match look.faces {
                // Beside words there is no thread left to look for faces with two networks.
                true => {
                    let spare = (!look.words).then_some(&self.threads);
                    self.faces()?.find(&raster, &small, &gate, spare)?
                }
                false => Vec::new(),
            };
            Ok((faces, codes))
        };
        let (words, (faces, codes)) = match look.words {
            true => self.threads.both(words, others)?,
            false => (words()?, others()?),
        };
        Ok(Sight {
            words,
            faces,
            codes,
        })
    }

    /// Upright faces of a frame among many, the surest first, without their quality: quicker than
    /// [`Eyes::look`], for faces that are large.
    ///
    /// # Errors
    ///
    /// As [`Eyes::look`].
    pub fn glance(&self, frame: &Picture) -> Result<Vec<Face>, VisionError> {
        self.faces()?.glance(&Raster::of(frame))
    }

    /// What a picture shows at a small size, for tens of milliseconds: whether there are lines of
    /// text, and large upright faces, whose boxes are rough and whose quality is not told. Where that
    /// shows too little text, the part with the most strokes is looked at less small.
    ///
    /// # Errors
    ///
    /// As [`Eyes::look`].
    pub fn glimpse(&self, picture: &Picture) -> Result<Glimpse, VisionError> {
        let rules = &rules()?.triage;
        let [width, height] = [picture.width() as usize, picture.height() as usize];
        let long = rules.text_shorter * width.max(height) / width.min(height).max(1);
        let side = long.clamp(rules.text, rules.text_longest.max(rules.text));
        let small = Raster::shrunk(picture, side);
        let mut cores = self.reader()?.cores(&small)?;
        let mut is_worth_a_look = is_enough(&cores, rules);
        let mut is_second = false;
        if !is_worth_a_look && small.longest() < width.max(height) {
            let finer = Raster::shrunk(picture, side.saturating_mul(rules.finer));
            if let Some([columns, rows]) = strokes::densest(&finer, rules) {
                let seen = self.reader()?.cores(&finer.cut(columns, rows))?;
                is_worth_a_look = is_enough(&seen, rules);
                is_second = true;
                if seen.len() > cores.len() {
                    cores = seen;
                }
            }
        }
        let mut faces = self.faces()?.glance_at(&small, rules.face)?;
        let scale = picture.width() as f32 / small.width as f32;
        for face in &mut faces {
            face.area = face.area.scaled(scale);
            let points = face.landmarks.iter_mut().flatten();
            points.for_each(|point| *point = Point::new(point.x * scale, point.y * scale));
        }
        Ok(Glimpse {
            lines: cores.len(),
            faces,
            is_second,
            is_worth_a_look,
        })
    }

    /// Whether a picture of so many pixels a side is too small to be read.
    ///
    /// # Errors
    ///
    /// [`VisionError::Weights`] never happens in a tested build.
    pub fn is_too_small(width: u32, height: u32) -> Result<bool, VisionError> {
        let rules = &rules()?.triage;
        let [width, height] = [width as usize, height as usize];
        Ok(width.max(height) < rules.longer || width.min(height) < rules.shorter)
    }

    /// A face as 128 numbers; `None` for one without landmarks.
    ///
    /// # Errors
    ///
    /// As [`Eyes::look`].
    pub fn embed(&self, picture: &Picture, face: &Face) -> Result<Option<Embedding>, VisionError> {
        self.embedder()?.embed(&Raster::of(picture), face)
    }

    /// How much a face looks as if taken of a living person, 0 to 1, by a network whose origin is not
    /// documented ([`Set::Liveness`]): noise and a dim room move it from one end to the other.
    ///
    /// # Errors
    ///
    /// As [`Eyes::look`].
    pub fn live(&self, picture: &Picture, face: &Face) -> Result<f32, VisionError> {
        let live = once(&self.live, || Live::open(&self.folder, &self.threads))?;
        live.look(&Raster::of(picture), face)
    }

    fn faces(&self) -> Result<&Faces, VisionError> {
        once(&self.faces, || Faces::open(&self.folder, &self.threads))
    }

    fn reader(&self) -> Result<&Reader, VisionError> {
        once(&self.reader, || {
            Reader::open(&self.folder, self.set, &self.threads)
        })
    }

    fn embedder(&self) -> Result<&Embedder, VisionError> {
        once(&self.embedder, || {
            Embedder::open(&self.folder, &self.threads)
        })
    }
}

/// Whether a small picture shows enough lines of text, or one as a number plate's.
fn is_enough(cores: &[Core], rules: &Triage) -> bool {
    let is_plate = |core: &Core| {
        let ratio = core.long / core.short.max(1.0);
        core.short >= rules.plate_side
            && core.mean >= rules.plate_box
            && (rules.plate_from..=rules.plate_to).contains(&ratio)
    };
    cores.len() >= rules.lines || cores.iter().any(is_plate)
}

/// As `OnceLock::get_or_try_init`: two that come at once may both load, and one is kept.
fn once<T>(
    cell: &OnceLock<T>,
    open: impl FnOnce() -> Result<T, VisionError>,
) -> Result<&T, VisionError> {
    if let Some(found) = cell.get() {
        return Ok(found);
    }
    let opened = open()?;
    Ok(cell.get_or_init(|| opened))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_are_enough_and_so_is_one_like_a_plate() {
        let rules = &rules().unwrap().triage;
        let core = |long: f32, short: f32, mean: f32| Core { short, long, mean };
        let rows = [
            ("nothing", vec![], false),
            ("a plate", vec![core(67.0, 13.0, 0.8)], true),
            ("a small plate", vec![core(24.0, 5.0, 0.68)], true),
            ("one too small", vec![core(17.0, 3.0, 0.7)], false),
            ("a disc", vec![core(62.0, 59.0, 0.8)], false),
            ("a long line", vec![core(254.0, 7.0, 0.7)], false),
            ("a faint one", vec![core(60.0, 12.0, 0.45)], false),
            (
                "two",
                vec![core(254.0, 7.0, 0.7), core(30.0, 3.0, 0.5)],
                true,
            ),
        ];
        for (name, cores, expected) in rows {
            assert_eq!(is_enough(&cores, rules), expected, "{name}");
        }
    }
}
