//! A face is laid upright, and how well it shows is measured.

use super::{Face, Quality};
use crate::geometry::Point;
use crate::raster::Raster;

/// Where the five landmarks lie in an upright face of 112 by 112 pixels (ArcFace's template, which
/// SFace was trained with).
const TEMPLATE: [Point; 5] = [
    Point {
        x: 38.2946,
        y: 51.6963,
    },
    Point {
        x: 73.5318,
        y: 51.5014,
    },
    Point {
        x: 56.0252,
        y: 71.7366,
    },
    Point {
        x: 41.5493,
        y: 92.3655,
    },
    Point {
        x: 70.7299,
        y: 92.2041,
    },
];

/// Pixels a side of an upright face.
pub(super) const SIDE: usize = 112;

/// The face, 112 by 112 pixels, its landmarks as near to the template's as turning, moving and
/// scaling brings them.
///
/// Rule: least squares over similarities (Umeyama 1991), in closed form for the plane.
pub(super) fn aligned(picture: &Raster<'_>, landmarks: &[Point; 5]) -> Raster<'static> {
    let mean = |points: &[Point; 5]| {
        let (mut x, mut y) = (0.0, 0.0);
        for point in points {
            x += point.x / 5.0;
            y += point.y / 5.0;
        }
        Point::new(x, y)
    };
    let (from, to) = (mean(&TEMPLATE), mean(landmarks));
    // The map from the template onto the picture: x' = a x - b y + c, y' = b x + a y + d.
    let (mut along, mut over, mut size) = (0.0, 0.0, 0.0);
    for (one, two) in TEMPLATE.iter().zip(landmarks) {
        let (px, py) = (one.x - from.x, one.y - from.y);
        let (qx, qy) = (two.x - to.x, two.y - to.y);
        along += px * qx + py * qy;
        over += px * qy - py * qx;
        size += px * px + py * py;
    }
    let (a, b) = (along / size, over / size);
    picture.sampled(SIDE, SIDE, |x, y| {
        // Landmarks are told with pixels' centres at whole numbers.
        let (x, y) = (x - 0.5 - from.x, y - 0.5 - from.y);
        Point::new(a * x - b * y + to.x + 0.5, b * x + a * y + to.y + 0.5)
    })
}

/// How well a face shows.
pub(super) fn quality(picture: &Raster<'_>, face: &Face) -> Quality {
    let Some([right, left, nose, ..]) = face.landmarks else {
        return Quality::default();
    };
    let roll = (left.y - right.y).atan2(left.x - right.x).to_degrees();
    // How far the nose lies along the line of the eyes, 0.5 in the middle.
    let between = right.distance(left);
    let along = if between > 1e-3 {
        ((nose.x - right.x) * (left.x - right.x) + (nose.y - right.y) * (left.y - right.y))
            / (between * between)
    } else {
        0.0
    };
    Quality {
        between_eyes: between,
        roll,
        yaw: ((along - 0.5).abs() * 2.0).min(1.0),
        sharpness: sharpness(&aligned(picture, &face.landmarks.unwrap_or_default())),
    }
}

/// Variance of the Laplacian of brightness.
fn sharpness(face: &Raster<'_>) -> f32 {
    let luma = face.luma();
    let at = |x: usize, y: usize| f32::from(luma[y * face.width + x]);
    let (mut sum, mut squares, mut count) = (0.0_f32, 0.0_f32, 0.0_f32);
    for y in 1..face.height - 1 {
        for x in 1..face.width - 1 {
            let value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y);
            sum += value;
            squares += value * value;
            count += 1.0;
        }
    }
    let mean = sum / count;
    (squares / count - mean * mean).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_that_lies_as_the_template_stays_as_it_is() {
        let rgb: Vec<u8> = (0..112_usize * 112)
            .flat_map(|at| {
                let (x, y) = (at % 112, at / 112);
                [x, y, (x + y) / 2].map(|value| u8::try_from(value * 2).unwrap())
            })
            .collect();
        let picture = Raster {
            width: 112,
            height: 112,
            rgb: rgb.into(),
        };
        assert!(aligned(&picture, &TEMPLATE).rgb == picture.rgb);
        // Twice as large and moved: the same again, but for rounding.
        let moved = TEMPLATE.map(|point| Point::new(point.x + 5.0, point.y - 3.0));
        let wide = picture.part(-5, 3, 112, 112);
        let again = aligned(&wide, &moved);
        let at = (60 * 112 + 60) * 3;
        assert_eq!(again.rgb[at..at + 3], picture.rgb[at..at + 3]);
    }
}
