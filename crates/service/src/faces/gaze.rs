//! A picture becomes the numbers of the one face it shows, or the reason why not.

use std::path::PathBuf;

use liuhen_picture::{Limits, decode};
use liuhen_vault::face::Features;
use liuhen_vision::models::{Folder, Job, Set};
use liuhen_vision::{Eyes, Face, Look, Verdict};

use super::FaceDoubt;
use super::rules::{self, rules};
use crate::error::{Result, ServiceError};
use crate::models::default_folder;

/// What finding and comparing faces takes.
const JOBS: [Job; 3] = [Job::Faces, Job::SmallFaces, Job::FaceEmbedding];
/// Threads of one look; as many looks as there are easels run at once.
const THREADS: usize = 2;
const FACES: Look = Look {
    words: false,
    faces: true,
    codes: false,
};

/// Eyes for faces alone, their networks opened at the first picture.
pub(super) struct Gaze {
    folder: Folder,
    eyes: Eyes,
}

impl Gaze {
    pub(super) fn over(folder: Option<PathBuf>) -> Self {
        let folder = folder.map_or_else(default_folder, Folder::new);
        Self {
            eyes: Eyes::new(folder.clone(), Set::Standard, THREADS),
            folder,
        }
    }

    /// Refuses where weights are missing.
    pub(super) fn ready(&self) -> Result<()> {
        Ok(self.folder.has(Set::Standard, &JOBS)?)
    }

    /// Refuses where the opt-in network is missing.
    pub(super) fn ready_for_liveness(&self) -> Result<()> {
        Ok(self.folder.has(Set::Liveness, &[Job::Liveness])?)
    }

    /// The networks, for frames of a recording.
    pub(super) const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// The one face of a picture, or why it cannot be told.
    pub(super) fn at(&self, bytes: &[u8]) -> Result<std::result::Result<Features, FaceDoubt>> {
        let picture = decode(bytes, &Limits::default())
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let sight = self.eyes.look(&picture, FACES)?;
        let face = match the_one(&sight.faces, &rules()?.picture) {
            Ok(face) => face,
            Err(doubt) => return Ok(Err(doubt)),
        };
        Ok(match self.eyes.embed(&picture, face)? {
            Some(embedding) => Ok(Features::new(embedding.values())?),
            None => Err(FaceDoubt::Unclear),
        })
    }
}

/// The face that a picture shows, when it is one and shows well enough.
fn the_one<'a>(
    faces: &'a [Face],
    rules: &rules::Picture,
) -> std::result::Result<&'a Face, FaceDoubt> {
    let mut sure = faces.iter().filter(|face| face.verdict == Verdict::Face);
    let face = match (sure.next(), sure.next()) {
        (Some(face), None) => face,
        (Some(_), Some(_)) => return Err(FaceDoubt::SeveralFaces),
        (None, _) if faces.is_empty() => return Err(FaceDoubt::NoFace),
        (None, _) => return Err(FaceDoubt::Unclear),
    };
    let quality = &face.quality;
    if face.landmarks.is_none() {
        Err(FaceDoubt::Unclear)
    } else if quality.between_eyes < rules.between_eyes {
        Err(FaceDoubt::TooSmall)
    } else if quality.yaw > rules.yaw {
        Err(FaceDoubt::TurnedAway)
    } else if quality.sharpness < rules.sharpness {
        Err(FaceDoubt::Blurred)
    } else {
        Ok(face)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_vision::{Area, Point, Quality};

    fn face(verdict: Verdict, quality: Quality) -> Face {
        Face {
            area: Area::new(0.0, 0.0, 200.0, 200.0),
            landmarks: Some([Point::new(1.0, 1.0); 5]),
            score: 0.9,
            verdict,
            quality,
        }
    }

    #[test]
    fn a_picture_is_taken_for_what_it_shows() {
        let good = Quality {
            between_eyes: 80.0,
            roll: 0.0,
            yaw: 0.1,
            sharpness: 300.0,
        };
        let sure = |quality| face(Verdict::Face, quality);
        let small = Quality {
            between_eyes: 20.0,
            ..good
        };
        let aside = Quality { yaw: 0.9, ..good };
        let blurred = Quality {
            sharpness: 1.0,
            ..good
        };
        let mut blind = sure(good);
        blind.landmarks = None;
        let rows = [
            ("nobody", vec![], Some(FaceDoubt::NoFace)),
            ("one", vec![sure(good)], None),
            (
                "one, and something behind him",
                vec![sure(good), face(Verdict::CouldNotTell, small)],
                None,
            ),
            (
                "two",
                vec![sure(good), sure(small)],
                Some(FaceDoubt::SeveralFaces),
            ),
            (
                "perhaps one",
                vec![face(Verdict::CouldNotTell, good)],
                Some(FaceDoubt::Unclear),
            ),
            ("without eyes", vec![blind], Some(FaceDoubt::Unclear)),
            ("far away", vec![sure(small)], Some(FaceDoubt::TooSmall)),
            ("in profile", vec![sure(aside)], Some(FaceDoubt::TurnedAway)),
            ("blurred", vec![sure(blurred)], Some(FaceDoubt::Blurred)),
        ];
        let rules = &rules().unwrap().picture;
        for (name, faces, doubt) in rows {
            assert_eq!(the_one(&faces, rules).err(), doubt, "{name}");
        }
    }
}
