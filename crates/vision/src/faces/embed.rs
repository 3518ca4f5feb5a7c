//! SFace: a face becomes 128 numbers.

use std::fmt;

use super::align::SIDE;
use crate::VisionError;
use crate::network::Network;
use crate::raster::Raster;

/// Numbers of an embedding.
const LENGTH: usize = 128;

/// A face as 128 numbers of length 1. It identifies a person: `Debug` shows nothing of it.
#[derive(Clone, PartialEq)]
pub struct Embedding([f32; LENGTH]);

impl Embedding {
    /// The numbers, of length 1 together.
    #[must_use]
    pub fn values(&self) -> &[f32; LENGTH] {
        &self.0
    }

    /// The cosine of the angle between two: 1 for the same picture, near 0 for strangers.
    #[must_use]
    pub fn cosine(&self, other: &Embedding) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedding(128 numbers)")
    }
}

pub(super) struct Embedder(pub(super) Network);

impl Embedder {
    pub(super) fn embed(&self, face: &Raster<'_>) -> Result<Embedding, VisionError> {
        let [out] = self
            .0
            .run([1, SIDE, SIDE], face.planes(false, |value| value), [""])?;
        let mut values: [f32; LENGTH] = out
            .values
            .try_into()
            .map_err(|_| VisionError::Network("an embedding of another length".into()))?;
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !length.is_finite() || length < 1e-6 {
            return Err(VisionError::Network("an embedding without length".into()));
        }
        values.iter_mut().for_each(|value| *value /= length);
        Ok(Embedding(values))
    }
}
