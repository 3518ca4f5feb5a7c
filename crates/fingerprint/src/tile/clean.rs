//! What is left of a picture when its own content is taken away as well as can be.
//!
//! Steep places (text, rules, edges) get no weight, the rest is compared with its surroundings, and
//! what remains is clipped and weighed by how noisy its neighbourhood is.
//! No step looks at a key, so the bound of [`super`] holds whatever happens here.

use crate::plane::Plane;

/// Neighbouring pixels that differ by less are never taken for an edge, in grey levels.
const LEAST_EDGE: f32 = 5.0;

/// An edge is this many times steeper than half of all places.
const EDGE: f32 = 4.0;

/// Reach of the neighbourhood whose noise weighs a pixel.
const NOISE_REACH: usize = 24;

/// Noise below this is not believed: values are rounded to whole levels.
const LEAST_NOISE: f32 = 0.5;

/// Values are clipped at this many times the noise around them.
const CLIP: f32 = 2.5;

/// A picture's fine structure, weighed.
pub(super) struct Residual {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Structure times weight, row by row.
    pub(super) value: Vec<f32>,
    /// Weight: zero where nothing is known.
    pub(super) weight: Vec<f32>,
}

/// The structure finer than about `reach` pixels.
pub(super) fn residual(plane: &Plane, reach: usize) -> Residual {
    let (width, height) = (plane.width(), plane.height());
    let open = open_places(plane);
    let masked: Vec<f32> = plane
        .values()
        .iter()
        .zip(&open)
        .map(|(v, o)| v * o)
        .collect();
    let sum = box_mean(&masked, width, height, reach);
    let share = box_mean(&open, width, height, reach);
    let mut value: Vec<f32> = masked
        .iter()
        .zip(&sum)
        .zip(&share)
        .zip(&open)
        .map(|(((v, sum), share), open)| v - open * sum / share.max(1e-3))
        .collect();
    let sizes: Vec<f32> = value.iter().map(|v| v.abs()).collect();
    let noise = box_mean(&sizes, width, height, NOISE_REACH);
    let open_near = box_mean(&open, width, height, NOISE_REACH);
    let mut weight = open;
    for (((value, weight), noise), near) in value
        .iter_mut()
        .zip(&mut weight)
        .zip(&noise)
        .zip(&open_near)
    {
        let noise = (1.25 * noise / near.max(1e-3)).max(LEAST_NOISE);
        *weight /= noise * noise;
        *value = value.clamp(-CLIP * noise, CLIP * noise) * *weight;
    }
    Residual {
        width,
        height,
        value,
        weight,
    }
}

/// 1 where the picture is smooth, 0 at edges and one pixel around them.
fn open_places(plane: &Plane) -> Vec<f32> {
    let (width, height) = (plane.width(), plane.height());
    let steps = steps(plane);
    let limit = (EDGE * middle(&steps)).max(LEAST_EDGE);
    let mut open = vec![1.0; steps.len()];
    for (at, step) in steps.iter().enumerate() {
        if *step <= limit {
            continue;
        }
        let (x, y) = (at % width, at / width);
        for row in y.saturating_sub(1)..(y + 3).min(height) {
            open[row * width + x.saturating_sub(1)..row * width + (x + 3).min(width)].fill(0.0);
        }
    }
    open
}

/// How much each pixel differs from its right and lower neighbours, the larger of both.
fn steps(plane: &Plane) -> Vec<f32> {
    let width = plane.width();
    let values = plane.values();
    let step = |at: usize| {
        let beside = |other: usize| values.get(other).map_or(0.0, |v| (v - values[at]).abs());
        let right = if (at + 1).is_multiple_of(width) {
            0.0
        } else {
            beside(at + 1)
        };
        right.max(beside(at + width))
    };
    (0..values.len()).map(step).collect()
}

/// The median of at most some thousand of the values.
fn middle(values: &[f32]) -> f32 {
    let stride = values.len() / 20_011 + 1;
    let mut some: Vec<f32> = values.iter().copied().step_by(stride).collect();
    let half = some.len() / 2;
    *some.select_nth_unstable_by(half, f32::total_cmp).1
}

/// The mean over a square of `2·reach + 1` pixels, cut at the borders.
pub(super) fn box_mean(values: &[f32], width: usize, height: usize, reach: usize) -> Vec<f32> {
    let mut across = vec![0.0; values.len()];
    for (from, to) in values
        .chunks_exact(width)
        .zip(across.chunks_exact_mut(width))
    {
        slide_row(from, to, reach);
    }
    let mut sums = vec![0.0_f64; width];
    let mut mean = vec![0.0; values.len()];
    let row = |y: usize| &across[y * width..(y + 1) * width];
    for y in 0..reach.min(height) {
        add(&mut sums, row(y), 1.0);
    }
    for (y, to) in mean.chunks_exact_mut(width).enumerate() {
        if y + reach < height {
            add(&mut sums, row(y + reach), 1.0);
        }
        if let Some(gone) = y.checked_sub(reach + 1) {
            add(&mut sums, row(gone), -1.0);
        }
        let count = ((y + reach).min(height - 1) - y.saturating_sub(reach) + 1) as f64;
        for (to, sum) in to.iter_mut().zip(&sums) {
            *to = (sum / count) as f32;
        }
    }
    mean
}

fn add(sums: &mut [f64], row: &[f32], sign: f64) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += sign * f64::from(*value);
    }
}

fn slide_row(from: &[f32], to: &mut [f32], reach: usize) {
    let width = from.len();
    let mut sum: f64 = from.iter().take(reach).copied().map(f64::from).sum();
    for (x, to) in to.iter_mut().enumerate() {
        if x + reach < width {
            sum += f64::from(from[x + reach]);
        }
        if let Some(gone) = x.checked_sub(reach + 1) {
            sum -= f64::from(from[gone]);
        }
        let count = (x + reach).min(width - 1) - x.saturating_sub(reach) + 1;
        *to = (sum / count as f64) as f32;
    }
}

/// Half the size, each pixel the mean of four; an odd last row or column is dropped.
pub(super) fn halved(plane: &Plane) -> Option<Plane> {
    let (width, height) = (plane.width() / 2, plane.height() / 2);
    let values = plane.values();
    let mean = |at: usize| {
        let corner = at / width * 2 * plane.width() + at % width * 2;
        let below = corner + plane.width();
        (values[corner] + values[corner + 1] + values[below] + values[below + 1]) / 4.0
    };
    Plane::new(width, height, (0..width * height).map(mean).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_mean_is_the_mean_of_a_box() {
        let (width, height) = (7, 5);
        let values: Vec<f32> = (0..35).map(|i| ((i * 13) % 17) as f32).collect();
        for reach in [0, 1, 2, 9] {
            let fast = box_mean(&values, width, height, reach);
            for y in 0..height {
                for x in 0..width {
                    let near = |a: usize, b: usize| a.abs_diff(b) <= reach;
                    let inside = (0..35).filter(|i| near(i % width, x) && near(i / width, y));
                    let (sum, count) =
                        inside.fold((0.0, 0.0), |(sum, count), i| (sum + values[i], count + 1.0));
                    assert!((fast[y * width + x] - sum / count).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn edges_have_no_weight_and_slopes_leave_nothing() {
        let value = |i: usize| {
            if i % 100 < 50 {
                200.0 + (i / 100) as f32 * 0.2
            } else {
                20.0
            }
        };
        let plane = Plane::new(100, 60, (0..6_000).map(value).collect()).unwrap();
        let residual = residual(&plane, 8);
        for (at, (value, weight)) in residual.value.iter().zip(&residual.weight).enumerate() {
            let beside = (at % 100).abs_diff(49);
            if beside <= 1 {
                assert_eq!(*weight, 0.0, "{at}");
            } else if beside > 40 {
                assert!((value / weight).abs() < 1.0, "{at}: {}", value / weight);
                assert!(*weight > 3.0, "{at}: {weight}");
            }
        }
    }

    #[test]
    fn halving_takes_means_and_drops_what_is_odd() {
        let plane = Plane::new(3, 2, vec![1.0, 2.0, 9.0, 3.0, 4.0, 9.0]).unwrap();
        assert_eq!(halved(&plane), Plane::new(1, 1, vec![2.5]).ok());
        assert_eq!(halved(&Plane::new(1, 2, vec![1.0; 2]).unwrap()), None);
    }
}
