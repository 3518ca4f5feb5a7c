//! Which pictures of very many are looked at closely: those that may be a document.
//!
//! Rule: `[triage]` of `vision/eyes.toml`. Equal bytes are looked at once; what is too small to be
//! read is passed over by its header; of the rest a glimpse of tens of milliseconds tells whether
//! there is text. A face seen in the glimpse is a finding, and so is what the file says beside its
//! pixels; whatever is passed over is counted by whoever asks.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use liuhen_detect::Detector;
use liuhen_picture::{Picture, decode, dimensions};
use liuhen_vision::Eyes;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::{Looker, SightError, Spot, face, hidden, of_file};

/// What a picture came to.
pub(crate) enum Glance {
    /// It was looked at.
    Looked(Vec<Spot>),
    /// It is too small to be read.
    Small,
    /// It shows no text at a small size; large faces are told, and what its file says.
    Unlikely(Vec<Spot>),
}

impl Glance {
    pub(crate) fn spots(&self) -> &[Spot] {
        match self {
            Self::Looked(spots) | Self::Unlikely(spots) => spots,
            Self::Small => &[],
        }
    }
}

/// A picture as it comes.
pub(crate) enum Source<'a> {
    /// A file.
    Bytes(&'a [u8]),
    /// Pixels out of a document.
    Pixels(Picture),
}

/// Pictures that are remembered; of more, equal ones are looked at again.
const REMEMBERED: usize = 1 << 18;
/// Findings that are remembered with them.
const SPOTS: usize = 1 << 17;

type Known = Arc<OnceLock<Arc<Result<Glance, SightError>>>>;

/// What was seen so far, shared by all workers of a scan.
#[derive(Default)]
pub struct Triage {
    known: Mutex<HashMap<([u8; 32], bool), Known>>,
    spots: AtomicUsize,
}

impl fmt::Debug for Triage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Triage({} pictures)", self.known.lock().len())
    }
}

impl Triage {
    /// Looks at a picture unless the same was met before, which is the second answer; with
    /// `named` it is looked at closely whatever it shows, since its name says that it should be.
    pub(crate) fn see(
        &self,
        looker: &Looker,
        source: Source<'_>,
        named: bool,
        detector: &Detector,
    ) -> (Arc<Result<Glance, SightError>>, bool) {
        let sum: [u8; 32] = match &source {
            Source::Bytes(bytes) => Sha256::digest(bytes).into(),
            Source::Pixels(picture) => {
                let mut sum = Sha256::new_with_prefix(picture.width().to_le_bytes());
                sum.update(picture.pixels());
                sum.finalize().into()
            }
        };
        let (entry, known) = self.entry((sum, named));
        // Whoever comes second while the first still looks waits for it.
        let glance = entry.get_or_init(|| Arc::new(looker.glance(source, named, detector)));
        if !known {
            let spots = glance.as_ref().as_ref().map_or(0, |one| one.spots().len());
            self.spots.fetch_add(spots, Ordering::Relaxed);
        }
        (Arc::clone(glance), known)
    }

    /// The place of a picture, and whether it was met before.
    fn entry(&self, key: ([u8; 32], bool)) -> (Known, bool) {
        let mut known = self.known.lock();
        if let Some(entry) = known.get(&key) {
            return (Arc::clone(entry), true);
        }
        let entry = Known::default();
        if known.len() < REMEMBERED && self.spots.load(Ordering::Relaxed) < SPOTS {
            known.insert(key, Arc::clone(&entry));
        }
        (entry, false)
    }
}

impl Looker {
    /// Looks at a picture if that is worth while.
    pub(crate) fn glance(
        &self,
        source: Source<'_>,
        named: bool,
        detector: &Detector,
    ) -> Result<Glance, SightError> {
        let (picture, beside) = match source {
            Source::Bytes(bytes) => {
                let (width, height) = dimensions(bytes)?;
                if !named && Eyes::is_too_small(width, height)? {
                    return Ok(Glance::Small);
                }
                let beside = of_file(&hidden(bytes), detector);
                (decode(bytes, &self.limits)?, beside)
            }
            Source::Pixels(picture) => (picture, Vec::new()),
        };
        if !named {
            if Eyes::is_too_small(picture.width(), picture.height())? {
                return Ok(Glance::Small);
            }
            let glimpse = self.eyes.glimpse(&picture)?;
            if !glimpse.is_worth_a_look {
                let mut spots: Vec<Spot> = glimpse.faces.iter().map(face).collect();
                spots.extend(beside);
                return Ok(Glance::Unlikely(spots));
            }
        }
        let mut spots = self.see_pixels(picture, detector)?.spots;
        spots.extend(beside);
        Ok(Glance::Looked(spots))
    }
}
