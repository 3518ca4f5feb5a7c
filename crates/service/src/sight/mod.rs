//! What a picture shows, in kinds: its text through `detect`, its faces, codes, and what its file
//! says beside the pixels.
//!
//! Networks yield words and boxes (`vision`), `detect` says what the words are; here each finding
//! is led back to where it stands in the picture.

mod cards;
mod film;
mod hide;
mod rows;
mod tell;
mod text;
mod triage;

use std::fmt;
use std::sync::LazyLock;

use liuhen_detect::{Detector, Hit, Options, Reasons};
use liuhen_document::Span;
use liuhen_kinds::Kind;
use liuhen_picture::{Encoding, Limits, Picture, PictureError, decode, encode};
use liuhen_vision::models::{Folder, Job, Model, Set, catalogue};
pub use liuhen_vision::{Area, Code, Face, Hidden, Quad, Verdict, VisionError, hidden};
use liuhen_vision::{Eyes, Look};

pub(crate) use self::cards::Form;
pub(crate) use self::film::Reel;
pub use self::film::{Films, FilmsError};
pub use self::hide::{
    Decided, Faces, Hidden as HiddenPicture, Hide, HideError, Mark, Painted, Settled, Sort,
};
pub(crate) use self::rows::{Row, gutters};
pub use self::tell::Gives;
use self::text::Sheet;
pub use self::triage::Triage;
pub(crate) use self::triage::{Glance, Source};
use crate::scan::Pack;

/// Why a picture could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SightError {
    /// It is no picture that is read, or over a bound.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The networks.
    #[error(transparent)]
    Vision(#[from] VisionError),
}

/// Eyes and what they may hold in memory. Opened once, usable from many threads.
pub struct Looker {
    eyes: Eyes,
    set: Set,
    limits: Limits,
}

/// What a look needs a network for.
const LOOKING: [Job; 5] = [
    Job::Faces,
    Job::SmallFaces,
    Job::TextFind,
    Job::TextRead,
    Job::TextTurn,
];

impl fmt::Debug for Looker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looker").finish_non_exhaustive()
    }
}

/// Something a picture shows.
#[derive(Clone)]
pub struct Spot {
    /// What it is.
    pub what: What,
    /// As the engine of text says it; for faces and places its own.
    pub hit: Hit,
    /// Where: one place for each line it stands on; none for what only the file says.
    pub places: Vec<Quad>,
    /// The value, to be masked or compared, never shown.
    pub(crate) text: String,
    /// The line it stands on.
    pub(crate) line: String,
    /// The first of the lines it stands on, by its place in [`Seen::lines`].
    pub(crate) at: Option<usize>,
    /// How surely its letters were read, 0 to 1.
    pub(crate) score: f32,
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spot")
            .field("what", &self.what)
            .field("kind", &self.hit.kind)
            .finish_non_exhaustive()
    }
}

impl Spot {
    /// The upright box around all its places.
    #[must_use]
    pub fn area(&self) -> Option<Area> {
        let mut areas = self.places.iter().map(Quad::bounds);
        let first = areas.next()?;
        Some(areas.fold(first, |a, b| {
            let (left, top) = (a.left.min(b.left), a.top.min(b.top));
            Area::new(
                left,
                top,
                (a.left + a.width).max(b.left + b.width) - left,
                (a.top + a.height).max(b.top + b.height) - top,
            )
        }))
    }
}

/// How something shows in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Words.
    Words,
    /// A face.
    Face,
    /// What a QR or bar code says.
    Code,
    /// What the file says beside its pixels.
    File,
}

/// A picture, looked at.
#[derive(Debug)]
pub struct Seen {
    /// Its pixels, upright as its orientation says.
    pub picture: Picture,
    /// What was found.
    pub spots: Vec<Spot>,
    /// Every face, also those of which could not be told whether they are.
    pub faces: Vec<Face>,
    /// Every code, also those that say nothing about a person.
    pub codes: Vec<Code>,
    /// Every line of text, in reading order, whether it says something about a person or not.
    pub lines: Vec<Quad>,
    /// Where long runs of digits stand, whatever they are: each a place for every line it is on.
    pub numbers: Vec<Vec<Quad>>,
    /// Places that look like text and could not be read.
    pub unread: Vec<Quad>,
    /// What the file says beside its pixels.
    pub hidden: Hidden,
    /// Where each line stands among the others.
    pub(crate) rows: Vec<Row>,
    /// How its words belong to people.
    pub(crate) form: Form,
}

impl Looker {
    /// Opens the networks of a folder, all of them, so that what is missing is known at once.
    ///
    /// # Errors
    ///
    /// [`VisionError::NotInstalled`] names what is missing and the command that fetches it.
    pub fn open(folder: &Folder, set: Set, threads: usize) -> Result<Looker, VisionError> {
        let looker = Looker::when_needed(folder, set, threads)?;
        looker.eyes.ready(Look::all())?;
        Ok(looker)
    }

    /// Eyes whose networks are opened at the first picture, since there may be none; only whether
    /// they are there is asked now.
    ///
    /// # Errors
    ///
    /// [`VisionError::NotInstalled`].
    pub fn when_needed(folder: &Folder, set: Set, threads: usize) -> Result<Looker, VisionError> {
        folder.has(set, &LOOKING)?;
        Ok(Looker {
            eyes: Eyes::new(folder.clone(), set, threads),
            set,
            limits: Limits::default(),
        })
    }

    /// The networks it looks with.
    pub fn networks(&self) -> impl Iterator<Item = &'static Model> {
        let set = self.set;
        LOOKING
            .into_iter()
            .filter_map(move |job| catalogue().used(set, job))
    }

    /// Whether text is read with the larger networks.
    #[must_use]
    pub fn is_thorough(&self) -> bool {
        self.set == Set::Thorough
    }

    /// The versions of its thresholds and of the rules by which documents are known.
    #[must_use]
    pub fn rules() -> (&'static str, &'static str) {
        (Eyes::rules_version(), cards::version())
    }

    /// Looks at a picture's bytes.
    ///
    /// # Errors
    ///
    /// [`SightError`].
    pub fn see(&self, bytes: &[u8], detector: &Detector) -> Result<Seen, SightError> {
        let picture = decode(bytes, &self.limits)?;
        let mut seen = self.see_pixels(picture, detector)?;
        seen.hidden = hidden(bytes);
        seen.spots.extend(of_file(&seen.hidden, detector));
        Ok(seen)
    }

    /// Looks at pixels.
    ///
    /// # Errors
    ///
    /// [`SightError`].
    pub fn see_pixels(&self, picture: Picture, detector: &Detector) -> Result<Seen, SightError> {
        let sight = self.eyes.look(&picture, Look::all())?;
        let lines = &sight.words.lines;
        let sheet = Sheet::new(lines);
        let mut spots = Vec::new();
        detector.hits(&sheet.text, |found| {
            let (at, score) = sheet.read(found.hit.span.bytes);
            spots.push(Spot {
                what: What::Words,
                hit: *found.hit,
                places: sheet.places(found.hit.span.bytes),
                text: found.text.to_owned(),
                line: found.around().to_owned(),
                at,
                score,
            });
        });
        spots.extend(cards::fields(lines, &spots));
        for code in &sight.codes {
            detector.hits(&code.text, |found| {
                spots.push(Spot {
                    what: What::Code,
                    hit: *found.hit,
                    places: vec![upright(&code.area)],
                    text: found.text.to_owned(),
                    line: String::new(),
                    at: None,
                    score: 1.0,
                });
            });
        }
        spots.extend(sight.faces.iter().map(face));
        Ok(Seen {
            picture,
            spots,
            faces: sight.faces,
            codes: sight.codes,
            rows: rows::rows(lines),
            form: cards::form(lines),
            lines: lines.iter().map(|line| line.quad).collect(),
            numbers: hide::numbers(&sheet.text)
                .into_iter()
                .map(|stretch| sheet.places(stretch))
                .collect(),
            unread: [sight.words.unread, cards::empty(lines)].concat(),
            hidden: Hidden::default(),
        })
    }
}

/// The engine of text as pictures need it: what is half likely is looked at too, since letters are
/// misread.
#[must_use]
pub fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| detector_with(&[], true));
    &DETECTOR
}

/// As [`detector`], with rule packs of the user's own, and with or without the sequence model.
#[must_use]
pub fn detector_with(packs: &[Pack], model: bool) -> Detector {
    let options = Options {
        model,
        least: Hide::default().least,
        ..Options::default()
    };
    Detector::with(packs, options)
}

/// A file of a picture is never larger than this.
pub const LARGEST: u64 = 256 << 20;

/// A picture as PNG, pixels and nothing else.
///
/// # Errors
///
/// [`PictureError`].
pub fn png(picture: &Picture) -> Result<Vec<u8>, PictureError> {
    encode(picture, Encoding::Png)
}

/// A box in whole pixels (left, top, width, height), never smaller than it was.
#[expect(
    clippy::cast_possible_truncation,
    reason = "held within the sides of pictures"
)]
#[expect(clippy::cast_sign_loss, reason = "held above zero")]
#[must_use]
pub fn pixels(area: &Area) -> [u32; 4] {
    let whole = |value: f32| value.clamp(0.0, 1e9) as u32;
    let (left, top) = (whole(area.left.floor()), whole(area.top.floor()));
    [
        left,
        top,
        whole((area.left + area.width).ceil()).saturating_sub(left),
        whole((area.top + area.height).ceil()).saturating_sub(top),
    ]
}

pub(crate) fn upright(area: &Area) -> Quad {
    Quad::upright(area.left, area.top, area.width, area.height)
}

/// A face as a finding: sure where the networks are, halfway where they could not tell.
fn face(face: &Face) -> Spot {
    let confidence = match face.verdict {
        Verdict::Face => face.score.max(0.5),
        Verdict::CouldNotTell => face.score.min(0.49),
    };
    Spot {
        what: What::Face,
        hit: bare(Kind::FACE_IMAGE, confidence),
        places: vec![upright(&face.area)],
        text: String::new(),
        line: String::new(),
        at: None,
        score: face.score,
    }
}

/// A finding that no engine of text made.
fn bare(kind: Kind, confidence: f32) -> Hit {
    Hit {
        kind,
        span: Span {
            bytes: (0, 0),
            chars: (0, 0),
            utf16: (0, 0),
        },
        confidence,
        reasons: Reasons::MODEL,
        word: None,
        person: 0,
    }
}

/// What the file says beside its pixels: a place, and whatever its texts hold.
fn of_file(hidden: &Hidden, detector: &Detector) -> Vec<Spot> {
    let mut spots = Vec::new();
    if let Some((latitude, longitude)) = hidden.place {
        spots.push(Spot {
            what: What::File,
            hit: Hit {
                reasons: Reasons::STRUCTURE,
                ..bare(Kind::GPS, 1.0)
            },
            places: Vec::new(),
            text: format!("{latitude},{longitude}"),
            line: String::new(),
            at: None,
            score: 1.0,
        });
    }
    for text in hidden.names.iter().chain(&hidden.remarks) {
        detector.hits(text, |found| {
            spots.push(Spot {
                what: What::File,
                hit: *found.hit,
                places: Vec::new(),
                text: found.text.to_owned(),
                line: String::new(),
                at: None,
                score: 1.0,
            });
        });
    }
    spots
}
