//! A pair of eyes: all networks, opened once.

use std::sync::OnceLock;

use liuhen_picture::Picture;

use crate::VisionError;
use crate::codes::{self, Code};
use crate::faces::{Embedder, Embedding, Face, Faces, Live};
use crate::models::{Folder, Set};
use crate::network::Threads;
use crate::raster::Raster;
use crate::rules::rules;
use crate::words::{Reader, Words};

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
        let mut sight = Sight::default();
        if look.words {
            sight.words = self.reader()?.words(&raster)?;
        }
        if look.faces {
            sight.faces = self.faces()?.find(&raster)?;
        }
        if look.codes {
            sight.codes = codes::find(&raster);
        }
        Ok(sight)
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
