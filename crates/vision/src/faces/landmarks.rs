//! YuNet: faces with five landmarks.
//!
//! Rule: the network's own heads, as OpenCV's FaceDetectorYN reads them: at strides 8, 16 and 32,
//! score = sqrt(class * object), box and landmarks relative to the cell.

use super::{Candidate, View};
use crate::VisionError;
use crate::geometry::Point;
use crate::network::Network;
use crate::raster::Small;
use crate::rules::rules;

pub(super) struct Landmarks(pub(super) Network);

const OUTPUTS: [&str; 12] = [
    "cls_8", "cls_16", "cls_32", "obj_8", "obj_16", "obj_32", "bbox_8", "bbox_16", "bbox_32",
    "kps_8", "kps_16", "kps_32",
];

impl Landmarks {
    pub(super) fn find(
        &self,
        picture: &Small<'_>,
        size: usize,
        quarters: u8,
    ) -> Result<Vec<Candidate>, VisionError> {
        let least = rules()?.faces.unsure;
        let view = View::new(picture, size, quarters);
        let (width, height) = (view.picture.width, view.picture.height);
        let out = self.0.run(
            [1, height, width],
            view.picture.planes(true, |value| value),
            OUTPUTS,
        )?;
        let mut found = Vec::new();
        for (level, stride) in [8_usize, 16, 32].into_iter().enumerate() {
            let columns = width / stride;
            let [class, object, boxes, points] =
                [level, level + 3, level + 6, level + 9].map(|at| &out[at].values);
            let step = stride as f32;
            for (cell, (class, object)) in class.iter().zip(object).enumerate() {
                let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
                // A score that is no number is none.
                if score.is_nan() || score < least {
                    continue;
                }
                let column = (cell % columns) as f32;
                let row = (cell / columns) as f32;
                let (Some(shape), Some(points)) = (
                    boxes.get(cell * 4..cell * 4 + 4),
                    points.get(cell * 10..cell * 10 + 10),
                ) else {
                    return Err(VisionError::Network("heads of other sizes".into()));
                };
                let (wide, high) = (shape[2].exp() * step, shape[3].exp() * step);
                let left = (column + shape[0]) * step - wide / 2.0;
                let top = (row + shape[1]) * step - high / 2.0;
                let mut landmarks = [Point::default(); 5];
                for (to, from) in landmarks.iter_mut().zip(points.as_chunks::<2>().0) {
                    let point = Point::new((column + from[0]) * step, (row + from[1]) * step);
                    *to = view.point(point);
                }
                if let Some(area) = view.area(left, top, wide, high) {
                    found.push(Candidate {
                        area,
                        landmarks: Some(landmarks),
                        score,
                        dense: false,
                    });
                }
            }
        }
        Ok(found)
    }
}
