//! A picture's brightness: the only thing that marks in pictures are made of and read from.
//!
//! Turning bytes into brightness and back belongs to whoever holds the picture.

use crate::FingerprintError;

/// Brightness of a picture, row by row from the top left, in 0 (black) to 255 (white).
#[derive(Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Plane {
    /// Takes `width × height` values.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::Plane`] when there are not that many, or none, or one is not finite.
    pub fn new(width: usize, height: usize, data: Vec<f32>) -> Result<Self, FingerprintError> {
        let whole = width.checked_mul(height) == Some(data.len());
        if data.is_empty() || !whole || !data.iter().all(|value| value.is_finite()) {
            return Err(FingerprintError::Plane);
        }
        Ok(Self {
            width,
            height,
            data,
        })
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.data
    }
}

/// Shows the size only: a picture may show a person.
impl std::fmt::Debug for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plane({} × {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_whole_planes_only_and_shows_no_pixel() {
        let plane = Plane::new(2, 1, vec![0.0, 255.0]).unwrap();
        assert_eq!(format!("{plane:?}"), "Plane(2 × 1)");
        for (width, height, data) in [
            (0, 0, vec![]),
            (2, 2, vec![0.0; 3]),
            (usize::MAX, 2, vec![0.0; 2]),
            (1, 1, vec![f32::NAN]),
        ] {
            assert_eq!(
                Plane::new(width, height, data),
                Err(FingerprintError::Plane)
            );
        }
    }
}
