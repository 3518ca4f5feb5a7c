//! The network of the opt-in pack: whether a face looks as if taken of a living person.
//!
//! Where it comes from and what it was trained on is not documented; what it takes and gives is read
//! from the code beside it in its package (`lib/fr_liveness.js`): the face's box enlarged 2.7 times, or
//! as far as the picture goes, moved into it, as 128 by 128 pixels, red first, 0 to 255; three
//! numbers, of which the first, after a softmax, is "live".

use crate::VisionError;
use crate::geometry::{Area, Point};
use crate::network::Network;
use crate::raster::Raster;

/// Pixels a side.
const SIDE: usize = 128;
/// How much of the surroundings it sees.
const AROUND: f32 = 2.7;

pub(super) struct Live(pub(super) Network);

impl Live {
    pub(super) fn look(&self, picture: &Raster<'_>, face: &Area) -> Result<f32, VisionError> {
        let seen = around(picture, face);
        let crop = picture.sampled(SIDE, SIDE, |x, y| {
            let (x, y) = (x / SIDE as f32, y / SIDE as f32);
            Point::new(seen.left + x * seen.width, seen.top + y * seen.height)
        });
        let [out] = self
            .0
            .run([1, SIDE, SIDE], crop.planes(false, |value| value), [""])?;
        let largest = out.values.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f32> = out.values.iter().map(|one| (one - largest).exp()).collect();
        match powers.as_slice() {
            [live, _, _] if largest.is_finite() => Ok(live / powers.iter().sum::<f32>()),
            _ => Err(VisionError::Network("no three numbers of a face".into())),
        }
    }
}

/// The part of a picture around a face.
fn around(picture: &Raster<'_>, face: &Area) -> Area {
    let (width, height) = (picture.width as f32 - 1.0, picture.height as f32 - 1.0);
    let scale = AROUND
        .min(width / face.width.max(1.0))
        .min(height / face.height.max(1.0));
    let (wide, high) = (face.width * scale, face.height * scale);
    let within = |middle: f32, length: f32, most: f32| {
        (middle - length / 2.0).clamp(0.0, (most - length).max(0.0))
    };
    Area::new(
        within(face.left + face.width / 2.0, wide, width),
        within(face.top + face.height / 2.0, high, height),
        wide,
        high,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_within_the_picture() {
        let picture = Raster {
            width: 100,
            height: 80,
            rgb: vec![0; 100 * 80 * 3].into(),
        };
        let rows = [
            (
                Area::new(40.0, 30.0, 20.0, 20.0),
                Area::new(23.0, 13.0, 54.0, 54.0),
            ),
            (
                Area::new(0.0, 0.0, 20.0, 20.0),
                Area::new(0.0, 0.0, 54.0, 54.0),
            ),
            (
                Area::new(80.0, 60.0, 20.0, 20.0),
                Area::new(45.0, 25.0, 54.0, 54.0),
            ),
            (
                Area::new(10.0, 10.0, 60.0, 60.0),
                Area::new(0.5, 0.0, 79.0, 79.0),
            ),
        ];
        for (face, expected) in rows {
            let seen = around(&picture, &face);
            let off = (seen.left - expected.left).abs()
                + (seen.top - expected.top).abs()
                + (seen.width - expected.width).abs()
                + (seen.height - expected.height).abs();
            assert!(off < 0.1, "{face:?}: {seen:?}");
        }
    }
}
