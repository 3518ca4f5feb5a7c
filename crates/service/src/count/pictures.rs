//! Pictures as tables for a count.
//!
//! Looking belongs to `sight`, whom a picture is about to `people`. Equal bytes are looked at once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use liuhen_forensics::{Batch, Looked, Network, Sight, TableHead};
use liuhen_kinds::Kind;
use liuhen_picture::Picture;
use liuhen_reading::PdfPicture;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::people::{Person, people};
use crate::scan::{PAGE_PICTURE, Reason, not_seen};
use crate::sight::{Looker, Seen, What, detector};

/// Whether pictures are looked at.
#[derive(Debug, Clone, Default)]
pub enum Eyes {
    /// They are left alone, and told as not read.
    #[default]
    Closed,
    /// They would be, and there are no models.
    Missing,
    /// With these.
    Open(Arc<Looker>),
}

impl Eyes {
    /// How pictures are read, for the work directory.
    pub(super) fn reading(&self) -> String {
        match self {
            Self::Closed => "closed".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::Open(looker) => {
                let sight = sight(looker);
                let mut text =
                    format!("{} {} {}", sight.thresholds, sight.documents, sight.runtime);
                for network in sight.networks {
                    // Writing to a string does not fail.
                    let _ = write!(text, " {}={}", network.job, network.sha256);
                }
                text
            }
        }
    }

    /// By what pictures are looked at, where they are.
    pub(super) fn sight(&self) -> Option<Sight> {
        match self {
            Self::Open(looker) => Some(sight(looker)),
            Self::Closed | Self::Missing => None,
        }
    }
}

fn sight(looker: &Looker) -> Sight {
    let (thresholds, documents) = Looker::rules();
    let network = |model: &liuhen_vision::models::Model| Network {
        job: model.job.to_string(),
        file: model.file_name().to_owned(),
        sha256: model.sha256.clone(),
    };
    Sight {
        networks: looker.networks().map(network).collect(),
        thorough: looker.is_thorough(),
        thresholds: thresholds.to_owned(),
        documents: documents.to_owned(),
        // One that cannot be used was refused when the networks were loaded.
        runtime: crate::models::runtime().unwrap_or_default(),
    }
}

/// What a picture came to: what is told of it, and its people.
pub(super) struct Glance {
    pub(super) looked: Looked,
    people: Vec<Person>,
}

/// Pictures whose people are remembered, in case the same bytes come again.
const REMEMBERED: usize = 1 << 14;

/// The eyes of a count, and what they have seen.
#[derive(Default)]
pub(super) struct Gaze {
    eyes: Eyes,
    known: Mutex<HashMap<[u8; 32], Arc<Glance>>>,
}

impl std::fmt::Debug for Gaze {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.eyes.fmt(f)
    }
}

impl Gaze {
    pub(super) fn new(eyes: Eyes) -> Self {
        Self {
            eyes,
            known: Mutex::default(),
        }
    }

    /// Whether anybody would look: what lies on pages is brought out only then.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.eyes, Eyes::Closed)
    }

    /// Looks at a picture's bytes; `format` is its English name.
    pub(super) fn bytes(
        &self,
        format: &'static str,
        bytes: impl FnOnce() -> Result<Vec<u8>, Reason>,
    ) -> Result<Arc<Glance>, Reason> {
        let looker = self.looker(format)?;
        let bytes = bytes()?;
        let sum = Sha256::digest(&bytes).into();
        self.once(sum, || {
            looker
                .see(&bytes, detector())
                .map_err(|error| not_seen(format)(&error))
        })
    }

    /// Looks at a picture of a page.
    pub(super) fn page(&self, picture: PdfPicture) -> Result<Arc<Glance>, Reason> {
        match picture {
            PdfPicture::Jpeg(bytes) => self.bytes(PAGE_PICTURE, || Ok(bytes)),
            PdfPicture::Rgb {
                width,
                height,
                pixels,
            } => {
                let looker = self.looker(PAGE_PICTURE)?;
                let mut sum = Sha256::new_with_prefix(width.to_le_bytes());
                sum.update(height.to_le_bytes());
                sum.update(&pixels);
                self.once(sum.finalize().into(), || {
                    Picture::rgb(width, height, pixels)
                        .map_err(Into::into)
                        .and_then(|picture| looker.see_pixels(picture, detector()))
                        .map_err(|error| not_seen(PAGE_PICTURE)(&error))
                })
            }
            _ => Err(Reason::Format(PAGE_PICTURE)),
        }
    }

    fn looker(&self, format: &'static str) -> Result<&Looker, Reason> {
        match &self.eyes {
            Eyes::Closed => Err(Reason::Format(format)),
            Eyes::Missing => Err(Reason::NoModels(format)),
            Eyes::Open(looker) => Ok(looker),
        }
    }

    /// Looks unless the same was looked at before.
    fn once(
        &self,
        sum: [u8; 32],
        look: impl FnOnce() -> Result<Seen, Reason>,
    ) -> Result<Arc<Glance>, Reason> {
        if let Some(known) = self.known.lock().get(&sum) {
            return Ok(Arc::clone(known));
        }
        let glance = Arc::new(Glance::of(&look()?));
        let mut known = self.known.lock();
        if known.len() < REMEMBERED {
            known.insert(sum, Arc::clone(&glance));
        }
        Ok(glance)
    }
}

impl Glance {
    fn of(seen: &Seen) -> Self {
        let people = people(seen);
        let faces = seen.spots.iter().filter(|spot| spot.what == What::Face);
        let is_face = |sure: f32| sure >= 0.5;
        let sure = faces.clone().any(|spot| is_face(spot.hit.confidence));
        Self {
            looked: Looked::Seen {
                face: sure,
                perhaps: !sure && faces.count() > 0,
                identifiers: people.iter().any(Person::is_identified),
                place: seen.hidden.place.is_some(),
            },
            people,
        }
    }

    /// Its people as a table of one row each; nothing where it shows none.
    pub(super) fn table(&self) -> Option<TableHead> {
        (!self.people.is_empty()).then(|| TableHead {
            kinds: self.kinds().into_iter().map(Some).collect(),
            shown: self.people.iter().map(|person| person.shown).collect(),
            ..TableHead::default()
        })
    }

    /// The rows of that table from the `from`-th on, as many as a batch takes; how many they were.
    pub(super) fn rows(&self, from: usize, batch: &mut Batch) -> usize {
        let kinds = self.kinds();
        let mut count = 0;
        for (person, number) in self.people.iter().zip(1..).skip(from) {
            if batch.is_full() {
                break;
            }
            for kind in &kinds {
                let cell = person.cells.iter().find(|(known, _)| known == kind);
                batch.cell(cell.map_or("", |(_, text)| text));
            }
            batch.row(number);
            count += 1;
        }
        count
    }

    /// Its kinds, in the order of the catalogue.
    fn kinds(&self) -> Vec<Kind> {
        let told = |kind: &&Kind| {
            let mut cells = self.people.iter().flat_map(|person| &person.cells);
            cells.any(|(known, _)| known == *kind)
        };
        Kind::BUILTIN.iter().filter(told).copied().collect()
    }
}
