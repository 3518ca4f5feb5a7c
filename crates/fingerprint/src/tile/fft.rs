//! A Fourier transform of small powers of two, in one and two dimensions.
//!
//! Rule: J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex Fourier
//! series", Mathematics of Computation 19, 1965; radix 2, decimation in time.
//! Our own, since sizes are fixed powers of two up to 256 and it takes fewer lines than a dependency
//! takes words.

use std::f64::consts::TAU;
use std::ops::{Add, Mul, Sub};

/// A complex number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Complex {
    pub(super) const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }

    /// `e^{i·angle}`; the angle in radians.
    pub(super) fn turn(angle: f64) -> Self {
        Self::new(angle.cos() as f32, angle.sin() as f32)
    }

    pub(super) const fn conj(self) -> Self {
        Self::new(self.re, -self.im)
    }

    /// The square of the absolute value.
    pub(super) const fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    pub(super) const fn times(self, factor: f32) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
        )
    }
}

/// Which sign the exponent has; neither direction divides by the count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// `Σ x e^{−2πi jk/n}`.
    Forward,
    /// `Σ x e^{2πi jk/n}`.
    Back,
}

/// A transform of one size, its turns computed once.
pub(super) struct Fft {
    size: usize,
    turns: Vec<Complex>,
}

impl Fft {
    /// Of `2^bits` points.
    pub(super) fn new(bits: u32) -> Self {
        let size = 1_usize << bits;
        let turn = |k: usize| Complex::turn(-TAU * k as f64 / size as f64);
        Self {
            size,
            turns: (0..size / 2).map(turn).collect(),
        }
    }

    /// Transforms in place; slices of another length are left as they are.
    pub(super) fn line(&self, data: &mut [Complex], way: Way) {
        if data.len() != self.size || self.size < 2 {
            return;
        }
        reverse_bits(data);
        let mut half = 1;
        while half < self.size {
            let stride = self.size / (2 * half);
            for group in data.chunks_exact_mut(2 * half) {
                let (low, high) = group.split_at_mut(half);
                let turns = self.turns.iter().step_by(stride);
                for ((a, b), turn) in low.iter_mut().zip(high).zip(turns) {
                    let turned = *b
                        * if way == Way::Forward {
                            *turn
                        } else {
                            turn.conj()
                        };
                    (*a, *b) = (*a + turned, *a - turned);
                }
            }
            half *= 2;
        }
    }

    /// Transforms `size × size` points in place, row by row and column by column.
    pub(super) fn square(&self, data: &mut [Complex], way: Way) {
        if data.len() != self.size * self.size {
            return;
        }
        for _ in 0..2 {
            for row in data.chunks_exact_mut(self.size) {
                self.line(row, way);
            }
            transpose(data, self.size);
        }
    }
}

fn reverse_bits(data: &mut [Complex]) {
    let shift = usize::BITS - data.len().trailing_zeros();
    for index in 0..data.len() {
        let other = index.reverse_bits() >> shift;
        if index < other {
            data.swap(index, other);
        }
    }
}

fn transpose(data: &mut [Complex], size: usize) {
    for row in 0..size {
        for column in row + 1..size {
            data.swap(row * size + column, column * size + row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Vec<Complex> {
        let value = |i: usize| ((i * 7_919 + 13) % 101) as f32 / 50.0 - 1.0;
        (0..count)
            .map(|i| Complex::new(value(i), value(3 * i + 5)))
            .collect()
    }

    #[test]
    fn agrees_with_the_sum_that_defines_it() {
        for (way, sign) in [(Way::Forward, -1.0), (Way::Back, 1.0)] {
            let input = noise(16);
            let mut fast = input.clone();
            Fft::new(4).line(&mut fast, way);
            for (k, found) in fast.iter().enumerate() {
                let term = |(j, x): (usize, &Complex)| {
                    *x * Complex::turn(sign * TAU * (j * k) as f64 / 16.0)
                };
                let sum = input.iter().enumerate().map(term);
                let sum = sum.fold(Complex::default(), |a, b| a + b);
                assert!((sum - *found).power() < 1e-8, "{k}: {sum:?} {found:?}");
            }
        }
    }

    #[test]
    fn there_and_back_multiplies_by_the_count() {
        let input = noise(64 * 64);
        let mut data = input.clone();
        let fft = Fft::new(6);
        fft.square(&mut data, Way::Forward);
        fft.square(&mut data, Way::Back);
        for (a, b) in input.iter().zip(&data) {
            assert!((a.times(4_096.0) - *b).power() < 1e-2);
        }
    }

    #[test]
    fn a_wave_is_one_line() {
        let fft = Fft::new(5);
        let wave = |i: usize| Complex::turn(TAU * (3 * (i % 32) + 30 * (i / 32)) as f64 / 32.0);
        let mut data: Vec<Complex> = (0..1_024).map(wave).collect();
        fft.square(&mut data, Way::Forward);
        for (index, value) in data.iter().enumerate() {
            let expected = if index == 30 * 32 + 3 { 1_024.0 } else { 0.0 };
            assert!((value.power().sqrt() - expected).abs() < 0.01, "{index}");
        }
    }

    #[test]
    fn leaves_other_lengths_alone() {
        let mut data = noise(3);
        Fft::new(4).line(&mut data, Way::Forward);
        Fft::new(4).square(&mut data, Way::Forward);
        assert_eq!(data, noise(3));
    }
}
