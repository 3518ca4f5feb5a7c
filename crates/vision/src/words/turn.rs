//! Whether a line stands on its head.

use super::read::{cut, lying};
use crate::VisionError;
use crate::geometry::Quad;
use crate::network::Network;
use crate::raster::Raster;
use crate::rules::rules;

/// What the network sees of a line, in pixels.
const WIDTH: usize = 192;
const HEIGHT: usize = 48;
/// Lines looked at together.
const BATCH: usize = 8;

pub(super) struct Turner(pub(super) Network);

impl Turner {
    pub(super) fn upside_down(
        &self,
        picture: &Raster<'_>,
        quads: &[Quad],
    ) -> Result<Vec<bool>, VisionError> {
        let least = rules()?.text.turned;
        let mut out = Vec::with_capacity(quads.len());
        for batch in quads.chunks(BATCH) {
            let mut planes = Vec::with_capacity(batch.len() * 3 * HEIGHT * WIDTH);
            for quad in batch {
                let line = cut(picture, &lying(quad));
                let line = if line.width > WIDTH {
                    line.part(0, 0, WIDTH, HEIGHT)
                } else {
                    line
                };
                for row in line
                    .planes(true, |value| value / 127.5 - 1.0)
                    .chunks_exact(line.width)
                {
                    planes.extend_from_slice(row);
                    planes.resize(planes.len() + WIDTH - line.width, 0.0);
                }
            }
            let [found] = self.0.run([batch.len(), HEIGHT, WIDTH], planes, [""])?;
            if found.values.len() != batch.len() * 2 {
                return Err(VisionError::Network("directions of another shape".into()));
            }
            out.extend(
                found
                    .values
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| pair[1] > least),
            );
        }
        Ok(out)
    }
}
