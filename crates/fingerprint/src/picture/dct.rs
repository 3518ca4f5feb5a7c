//! The orthonormal cosine transform of 8×8 squares, and the bands that carry.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::raster::{narrow, real};

/// Side of a square.
pub(super) const SIDE: usize = 8;

/// Pixels of a square.
pub(super) const CELL: usize = SIDE * SIDE;

/// Bands that carry, by `(down, across)`, with the strength each is given: the lowest are seen
/// most easily, the highest are lost first.
pub(super) const BANDS: [(usize, usize, f32); 27] = [
    (0, 1, 1.0),
    (1, 0, 1.0),
    (0, 2, 1.2),
    (1, 1, 1.2),
    (2, 0, 1.2),
    (0, 3, 1.0),
    (1, 2, 1.0),
    (2, 1, 1.0),
    (3, 0, 1.0),
    (0, 4, 0.8),
    (1, 3, 0.8),
    (2, 2, 0.8),
    (3, 1, 0.8),
    (4, 0, 0.8),
    (0, 5, 0.6),
    (1, 4, 0.6),
    (2, 3, 0.6),
    (3, 2, 0.6),
    (4, 1, 0.6),
    (5, 0, 0.6),
    (0, 6, 0.5),
    (1, 5, 0.5),
    (2, 4, 0.5),
    (3, 3, 0.5),
    (4, 2, 0.5),
    (5, 1, 0.5),
    (6, 0, 0.5),
];

/// Carriers of a square.
pub(super) const CARRIERS: usize = BANDS.len();

/// `BASIS[k][i]`: value of wave `k` at pixel `i`.
static BASIS: LazyLock<[[f32; SIDE]; SIDE]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let scale = if k == 0 { 0.125_f64.sqrt() } else { 0.5 };
        std::array::from_fn(|i| narrow(scale * (PI * real(2 * i + 1) * real(k) / 16.0).cos()))
    })
});

/// The transform of a square, row by row.
pub(super) fn forward(square: &[f32; CELL]) -> [f32; CELL] {
    let basis = &*BASIS;
    let mut across = [0.0; CELL];
    for (row, into) in square.chunks(SIDE).zip(across.chunks_mut(SIDE)) {
        for (wave, into) in basis.iter().zip(into) {
            *into = row.iter().zip(wave).map(|(a, b)| a * b).sum();
        }
    }
    let mut both = [0.0; CELL];
    for (wave, into) in basis.iter().zip(both.chunks_mut(SIDE)) {
        for (row, weight) in across.chunks(SIDE).zip(wave) {
            for (into, value) in into.iter_mut().zip(row) {
                *into += value * weight;
            }
        }
    }
    both
}

/// Undoes [`forward`].
pub(super) fn inverse(waves: &[f32; CELL]) -> [f32; CELL] {
    let basis = &*BASIS;
    let mut across = [0.0; CELL];
    for (row, into) in waves.chunks(SIDE).zip(across.chunks_mut(SIDE)) {
        for (value, wave) in row.iter().zip(basis) {
            for (into, weight) in into.iter_mut().zip(wave) {
                *into += value * weight;
            }
        }
    }
    let mut both = [0.0; CELL];
    for (row, wave) in across.chunks(SIDE).zip(basis) {
        for (into, weight) in both.chunks_mut(SIDE).zip(wave) {
            for (into, value) in into.iter_mut().zip(row) {
                *into += value * weight;
            }
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_comes_back_and_keeps_its_energy() {
        let square: [f32; CELL] = std::array::from_fn(|i| ((i * i * 37 + 11) % 251) as f32);
        let waves = forward(&square);
        for (a, b) in inverse(&waves).iter().zip(&square) {
            assert!((a - b).abs() < 1e-3);
        }
        let energy = |v: &[f32]| v.iter().map(|a| a * a).sum::<f32>();
        assert!((energy(&waves) / energy(&square) - 1.0).abs() < 1e-4);
        assert!((waves[0] - square.iter().sum::<f32>() / 8.0).abs() < 1e-2);
    }
}
