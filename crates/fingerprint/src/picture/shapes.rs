//! Pictures for tests: hills, edges and grain, the same for the same seed.

#![expect(clippy::cast_possible_truncation, reason = "sides of small pictures")]

use super::raster::{Grid, narrow, real};
use crate::plane::Plane;

/// Uniform numbers in 0 to 1 that depend on place and seed alone.
pub(crate) fn chance(x: u64, y: u64, seed: u64) -> f32 {
    let mut z = x
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(y.wrapping_mul(0xC2B2_AE3D_27D4_EB4F))
        .wrapping_add(seed.wrapping_mul(0x1656_67B1_9E37_79F9));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    narrow(real(((z ^ (z >> 31)) >> 40) as usize) / 16_777_216.0)
}

/// A picture of `width × height` with detail at all scales.
pub(crate) fn landscape(width: usize, height: usize, seed: u64) -> Plane {
    let mut values = vec![0.0_f32; width * height];
    for (at, value) in values.iter_mut().enumerate() {
        let (x, y) = (real(at % width) as f32, real(at / width) as f32);
        let mut sum = 128.0;
        for (octave, (size, height)) in [(97.0, 60.0), (31.0, 35.0), (13.0, 18.0), (5.0, 10.0)]
            .into_iter()
            .enumerate()
        {
            sum += height * (smooth(x / size, y / size, seed + octave as u64) - 0.5);
        }
        for disc in 0..24 {
            let of = |k: u64| chance(disc, k, seed ^ 77);
            let (cx, cy) = (of(0) * width as f32, of(1) * height as f32);
            let (rx, ry) = (8.0 + 50.0 * of(2), 8.0 + 40.0 * of(3));
            if ((x - cx) / rx).abs().max(((y - cy) / ry).abs()) < 1.0 {
                sum += 90.0 * (of(4) - 0.5);
            }
        }
        *value = sum.clamp(0.0, 255.0).round();
    }
    Plane::new(width, height, values).unwrap()
}

fn smooth(x: f32, y: f32, seed: u64) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (t, s) = (ease(x - left), ease(y - top));
    let (i, j) = (left as u64, top as u64);
    let at = |dx, dy| chance(i + dx, j + dy, seed);
    let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * t;
    let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * t;
    upper + (lower - upper) * s
}

/// Adds grain of the given deviation (triangular noise) and rounds.
pub(crate) fn grain(plane: &Plane, deviation: f32, seed: u64) -> Plane {
    let width = plane.width();
    let noisy = plane.values().iter().enumerate().map(|(at, v)| {
        let (x, y) = ((at % width) as u64, (at / width) as u64);
        let noise = chance(x, y, seed) + chance(x, y, seed ^ 99) - 1.0;
        (v + noise * deviation * 2.449).clamp(0.0, 255.0).round()
    });
    Plane::new(width, plane.height(), noisy.collect()).unwrap()
}

/// A picture of `width × height` whose pixel `(x, y)` is read at `map(x, y)`; outside, grey.
pub(crate) fn drawn(
    plane: &Plane,
    width: usize,
    height: usize,
    map: impl Fn(f64, f64) -> (f64, f64),
) -> Plane {
    let grid = Grid::of(plane);
    let pixels = (0..width * height).map(|at| {
        let (u, v) = map(real(at % width), real(at / width));
        let inside = u >= 0.0 && v >= 0.0 && u < real(grid.width) && v < real(grid.height);
        if inside {
            grid.cubic(u, v).clamp(0.0, 255.0).round()
        } else {
            90.0
        }
    });
    Plane::new(width, height, pixels.collect()).unwrap()
}
