//! Faces: two networks, several sizes, four directions, one list.

mod align;
mod dense;
mod embed;
mod landmarks;
mod live;
mod merge;

use serde::Serialize;

use crate::VisionError;
use crate::geometry::{Area, Point};
use crate::models::{Folder, Job, Set};
use crate::network::{Gate, Network, Threads};
use crate::raster::{Raster, Small, scaled, whole};
use crate::rules::{self, rules};

pub use embed::Embedding;

/// A face, or what may be one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Face {
    /// Around brow, chin and cheeks; hair and ears lie outside.
    pub area: Area,
    /// Its right eye, left eye, tip of the nose, right and left corner of the mouth (the person's
    /// own right, which is left in the picture of an upright face).
    pub landmarks: Option<[Point; 5]>,
    /// 0 to 1, by the network that found it; not a probability.
    pub score: f32,
    /// Whether it is taken for a face.
    pub verdict: Verdict,
    /// How well it shows.
    pub quality: Quality,
}

/// What is said of a place that looks like a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It could not be told.
    CouldNotTell,
    /// A face.
    Face,
}

/// How well a face shows; each from what was measured, none a promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Pixels between the eyes, 0 without landmarks.
    pub between_eyes: f32,
    /// Degrees by which the line of the eyes is turned from level, -180 to 180.
    pub roll: f32,
    /// 0 where both eyes are as far from the nose, 1 in profile.
    pub yaw: f32,
    /// Variance of the Laplacian over the face at 112 pixels; little means blurred.
    pub sharpness: f32,
}

/// Finds faces.
pub(crate) struct Faces {
    landmarks: landmarks::Landmarks,
    dense: dense::Dense,
}

impl Faces {
    pub(crate) fn open(folder: &Folder, threads: &Threads) -> Result<Faces, VisionError> {
        let load = |job| Network::load(&folder.weights(job, Set::Standard)?, threads);
        Ok(Faces {
            landmarks: landmarks::Landmarks(load(Job::Faces)?),
            dense: dense::Dense(load(Job::SmallFaces)?),
        })
    }

    /// Every face, the surest first.
    ///
    /// `small` is the same picture; landmarks of small faces are looked for in the whole one. With
    /// `spare` threads both networks look at a time.
    pub(crate) fn find(
        &self,
        picture: &Raster<'_>,
        small: &Small<'_>,
        gate: &Gate,
        spare: Option<&Threads>,
    ) -> Result<Vec<Face>, VisionError> {
        let rules = &rules()?.faces;
        let longest = picture.longest();
        let landmarks = || self.in_all_directions(small, longest, rules);
        let dense = || {
            let size = rules.small_size.min(longest);
            self.dense.find(small, size, gate)
        };
        let (mut found, dense) = match spare {
            Some(threads) => threads.both(landmarks, dense)?,
            None => (landmarks()?, dense()?),
        };
        found.extend(dense);
        if found.len() > CANDIDATES {
            // So many come of textures: the likeliest are kept, so that comparing them ends.
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(CANDIDATES);
        }
        let mut faces = merge::merged(found, rules);
        for face in &mut faces {
            if face.landmarks.is_none() {
                self.look_closer(picture, face)?;
            }
            face.quality = align::quality(picture, face);
        }
        Ok(faces)
    }

    /// What the network with landmarks says at every size, and of lying and hanging faces at one,
    /// since they are large where they matter.
    fn in_all_directions(
        &self,
        small: &Small<'_>,
        longest: usize,
        rules: &rules::Faces,
    ) -> Result<Vec<Candidate>, VisionError> {
        let mut sizes = rules.sizes.clone();
        sizes.retain(|&size| size < longest);
        if sizes.len() < rules.sizes.len() {
            sizes.push(longest.max(160));
        }
        let upright = sizes.into_iter().map(|size| (size, 0));
        let turned = (1..4).map(|quarters| (longest.min(rules.turned), quarters));
        let mut found = Vec::new();
        for (size, quarters) in upright.chain(turned) {
            found.extend(self.landmarks.find(small, size, quarters)?);
        }
        Ok(found)
    }
}

impl Faces {
    /// Upright faces of one frame among many: one network at one size, no second look.
    pub(crate) fn glance(&self, picture: &Raster<'_>) -> Result<Vec<Face>, VisionError> {
        self.glance_at(picture, rules()?.faces.glance)
    }

    /// The same at this longest side.
    pub(crate) fn glance_at(
        &self,
        picture: &Raster<'_>,
        size: usize,
    ) -> Result<Vec<Face>, VisionError> {
        let size = size.min(picture.longest().max(160));
        let found = self.landmarks.find(&Small::of(picture, size), size, 0)?;
        Ok(merge::merged(found, &rules()?.faces))
    }

    /// Looks again at a face that only the network for small ones found, enlarged, for landmarks.
    fn look_closer(&self, picture: &Raster<'_>, face: &mut Face) -> Result<(), VisionError> {
        let around = face.area.grown(0.5, 0.5, 0.5);
        let (left, top) = (around.left.floor(), around.top.floor());
        let part = picture.part(
            whole_or_less(left),
            whole_or_less(top),
            whole(around.width).max(8),
            whole(around.height).max(8),
        );
        let mut own = face.area;
        own.left -= left;
        own.top -= top;
        let found = self.landmarks.find(&Small::of(&part, CLOSE), CLOSE, 0)?;
        let best = found
            .into_iter()
            .filter(|candidate| candidate.area.overlap(&own) > 0.3)
            .max_by(|a, b| a.score.total_cmp(&b.score));
        if let Some(best) = best {
            face.verdict = Verdict::Face;
            face.landmarks = best
                .landmarks
                .map(|points| points.map(|point| Point::new(point.x + left, point.y + top)));
        }
        Ok(())
    }
}

/// Boxes of all looks that are compared with each other.
const CANDIDATES: usize = 20_000;

/// Pixels of the longer side at which a single face is looked at again.
const CLOSE: usize = 160;

#[expect(clippy::cast_possible_truncation, reason = "within a picture's sides")]
fn whole_or_less(value: f32) -> i64 {
    value as i64
}

/// Turns a face into 128 numbers.
pub(crate) struct Embedder(embed::Embedder);

impl Embedder {
    pub(crate) fn open(folder: &Folder, threads: &Threads) -> Result<Embedder, VisionError> {
        let weights = folder.weights(Job::FaceEmbedding, Set::Standard)?;
        Ok(Embedder(embed::Embedder(Network::load(&weights, threads)?)))
    }

    /// `None` for a face without landmarks.
    pub(crate) fn embed(
        &self,
        picture: &Raster<'_>,
        face: &Face,
    ) -> Result<Option<Embedding>, VisionError> {
        let Some(landmarks) = &face.landmarks else {
            return Ok(None);
        };
        self.0.embed(&align::aligned(picture, landmarks)).map(Some)
    }
}

/// Whether a face looks as if taken of a living person, by the opt-in network.
pub(crate) struct Live(live::Live);

impl Live {
    pub(crate) fn open(folder: &Folder, threads: &Threads) -> Result<Live, VisionError> {
        let weights = folder.weights(Job::Liveness, Set::Liveness)?;
        Ok(Live(live::Live(Network::load(&weights, threads)?)))
    }

    pub(crate) fn look(&self, picture: &Raster<'_>, face: &Face) -> Result<f32, VisionError> {
        self.0.look(picture, &face.area)
    }
}

/// What one network says of one place, in pixels of the whole picture.
#[derive(Clone, Debug)]
struct Candidate {
    area: Area,
    landmarks: Option<[Point; 5]>,
    score: f32,
    dense: bool,
}

/// A picture as a network sees it, and the way back.
struct View {
    picture: Raster<'static>,
    scale: f32,
    quarters: u8,
    /// Sides of the whole picture.
    whole: [f32; 2],
}

impl View {
    /// The picture turned by quarters, its longest side `size`, padded to multiples of 32.
    fn new(small: &Small<'_>, size: usize, quarters: u8) -> View {
        let picture = &*small.raster;
        let scale = size as f32 / picture.longest() as f32;
        let side = |length: usize| scaled(length, scale);
        let seen = picture
            .resized(side(picture.width), side(picture.height))
            .turned(quarters);
        let up = |length: usize| length.next_multiple_of(32);
        View {
            picture: seen.padded(up(seen.width), up(seen.height), 0),
            scale: scale / small.factor,
            quarters,
            whole: small.whole,
        }
    }

    fn point(&self, point: Point) -> Point {
        let (x, y) = (point.x / self.scale, point.y / self.scale);
        let [width, height] = self.whole;
        match self.quarters % 4 {
            0 => Point::new(x, y),
            1 => Point::new(y, height - x),
            2 => Point::new(width - x, height - y),
            _ => Point::new(width - y, x),
        }
    }

    /// A box in the whole picture, as far as it lies within; none for one that does not, or that
    /// is no box.
    fn area(&self, left: f32, top: f32, width: f32, height: f32) -> Option<Area> {
        let one = self.point(Point::new(left, top));
        let two = self.point(Point::new(left + width, top + height));
        let [wide, high] = self.whole;
        let (left, right) = (one.x.min(two.x).max(0.0), one.x.max(two.x).min(wide));
        let (top, foot) = (one.y.min(two.y).max(0.0), one.y.max(two.y).min(high));
        // Of what is no number, no comparison holds.
        (left < right && top < foot).then(|| Area::new(left, top, right - left, foot - top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_from_a_turned_view() {
        // One bright pixel, looked for in each view, and led back.
        let mut rgb = vec![0; 64 * 32 * 3];
        let at = (20 * 64 + 7) * 3;
        rgb[at] = 255;
        let picture = Raster {
            width: 64,
            height: 32,
            rgb: rgb.into(),
        };
        for quarters in 0..4 {
            let view = View::new(&Small::of(&picture, 64), 64, quarters);
            let found = view
                .picture
                .rgb
                .iter()
                .position(|&value| value == 255)
                .unwrap()
                / 3;
            let width = view.picture.width;
            let point = Point::new((found % width) as f32 + 0.5, (found / width) as f32 + 0.5);
            let back = view.point(point);
            assert!(
                back.distance(Point::new(7.5, 20.5)) < 1e-3,
                "{quarters}: {back:?}"
            );
        }
    }
}
