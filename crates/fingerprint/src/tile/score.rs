//! How well a key's signs fit a folded tile, as evidence; the proof stands in [`super`].

use super::fft::{Complex, Fft, Way};
use super::pattern::signs;
use super::{CHIPS, COUNT};
use crate::code::ExportKey;
use crate::evalue::{DesignBased, EValue};

/// Half of the weight stays on 1, so that a tile that says nothing costs another channel `ln 2`.
const ON_ONE: f64 = 0.5;

/// Weights of the four quarter turns; most pictures stand upright.
const TURNS: [f64; 4] = [0.7, 0.1, 0.1, 0.1];

/// The strengths mixed over; the largest sum possible is the root of [`COUNT`], 32.
const STRENGTHS: [f64; 7] = [5.0, 7.0, 9.0, 12.0, 16.0, 21.0, 27.0];

/// Sums below this add nothing worth computing; leaving them out only lowers an e-value.
const WORTH: f32 = 4.5;

/// Shifts a side that the waves allow.
const SHIFTS: usize = CHIPS / 2;

/// One way in which a picture may be laid upon a tile: what each sign would have left there.
pub struct Folded {
    /// Spectra of the four [`Variants`], two real pictures in one complex each.
    spectra: [Vec<Complex>; 2],
    variants: Variants,
}

/// What is still unknown of how a picture lies.
#[derive(Clone, Copy)]
enum Variants {
    /// Waves were followed: four quarter turns, and the shifts that the waves allow.
    Turns,
    /// Upright at a known scale: four half steps between signs, and all shifts.
    Steps,
}

impl Folded {
    /// Takes `CHIPS × CHIPS` values; scaled to unit length, so only their proportions matter.
    pub(super) fn new(values: &[f32]) -> Self {
        let after = |quarters: usize| {
            let values = (0..COUNT).map(|at| values[turned(at, quarters)]);
            values.collect()
        };
        Self::of([0, 1, 2, 3].map(after), Variants::Turns)
    }

    /// The same for a picture known to be upright, of which four half steps are taken.
    pub(super) fn still(steps: [Vec<f32>; 4]) -> Self {
        Self::of(steps, Variants::Steps)
    }

    fn of(four: [Vec<f32>; 4], variants: Variants) -> Self {
        let [a, b, c, d] = four.map(unit);
        let fft = Fft::new(CHIPS.trailing_zeros());
        let two = |re: &[f32], im: &[f32]| {
            let values = re.iter().zip(im);
            let mut data: Vec<Complex> = values.map(|(re, im)| Complex::new(*re, *im)).collect();
            fft.square(&mut data, Way::Forward);
            data
        };
        Self {
            spectra: [two(&a, &b), two(&c, &d)],
            variants,
        }
    }

    /// Evidence against each key, in the order given.
    #[must_use]
    pub fn score(&self, keys: &[ExportKey], part: &[u8]) -> Vec<EValue<DesignBased>> {
        score(std::slice::from_ref(self), keys, part)
    }

    /// Adds up the mixture over variants, shifts and strengths for one key's spectrum.
    fn mixture(&self, key: &[Complex], space: &mut Space) -> f64 {
        match self.variants {
            Variants::Turns => self.of_turns(key, space),
            Variants::Steps => self.of_steps(key, space),
        }
    }

    fn of_turns(&self, key: &[Complex], space: &mut Space) -> f64 {
        let mut sum = 0.0;
        for (two, spectrum) in self.spectra.iter().enumerate() {
            for (shift, value) in space.allowed(key, spectrum).iter().enumerate() {
                // Shifts by an odd number of half waves meet the waves upside down.
                let odd = (shift / SHIFTS + shift % SHIFTS) % 2 == 1;
                let sign = if odd { -1.0 } else { 1.0 };
                sum += TURNS[2 * two] * mixed(value.re * sign);
                sum += TURNS[2 * two + 1] * mixed(value.im * sign);
            }
        }
        sum / (SHIFTS * SHIFTS) as f64
    }

    fn of_steps(&self, key: &[Complex], space: &mut Space) -> f64 {
        let mut sum = 0.0;
        for spectrum in &self.spectra {
            let all = space.all(key, spectrum).iter();
            sum += all.map(|v| mixed(v.re) + mixed(v.im)).sum::<f64>();
        }
        sum / (4 * COUNT) as f64
    }
}

/// The values scaled to unit length.
fn unit(values: Vec<f32>) -> Vec<f32> {
    let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
    let length = squares.sqrt();
    let factor = if length > 1e-12 { 1.0 / length } else { 0.0 };
    let scaled = |v: &f32| (f64::from(*v) * factor) as f32;
    values.iter().map(scaled).collect()
}

/// Evidence against each key: the mean over ways in which the picture may lie.
pub(super) fn score(ways: &[Folded], keys: &[ExportKey], part: &[u8]) -> Vec<EValue<DesignBased>> {
    let mut space = Space::new();
    let mut one = |key: &ExportKey| {
        let mut spectrum: Vec<Complex> = signs(key, part)
            .iter()
            .map(|sign| Complex::new(f32::from(*sign), 0.0))
            .collect();
        space.large.square(&mut spectrum, Way::Forward);
        let sum: f64 = ways
            .iter()
            .map(|way| way.mixture(&spectrum, &mut space))
            .sum();
        let mean = if ways.is_empty() {
            1.0
        } else {
            sum / ways.len() as f64
        };
        EValue::saturating((ON_ONE + (1.0 - ON_ONE) * mean).ln())
    };
    keys.iter().map(&mut one).collect()
}

/// `mean over λ of exp(λt − λ²/2)`.
fn mixed(t: f32) -> f64 {
    if t <= WORTH {
        return 0.0;
    }
    let t = f64::from(t);
    let terms = STRENGTHS.map(|strength| (strength * t - strength * strength / 2.0).exp());
    terms.iter().sum::<f64>() / STRENGTHS.len() as f64
}

/// Where sums over shifts are computed.
struct Space {
    large: Fft,
    small: Fft,
    sums: Vec<Complex>,
}

impl Space {
    fn new() -> Self {
        Self {
            large: Fft::new(CHIPS.trailing_zeros()),
            small: Fft::new(SHIFTS.trailing_zeros()),
            sums: vec![Complex::default(); COUNT],
        }
    }

    /// The sums at all shifts, from the product of spectra.
    fn all(&mut self, key: &[Complex], spectrum: &[Complex]) -> &[Complex] {
        for (sum, (key, value)) in self.sums.iter_mut().zip(key.iter().zip(spectrum)) {
            *sum = (key.conj() * *value).times(1.0 / COUNT as f32);
        }
        self.large.square(&mut self.sums, Way::Back);
        &self.sums
    }

    /// The sums at all even shifts, from the product of spectra folded to a quarter.
    fn allowed(&mut self, key: &[Complex], spectrum: &[Complex]) -> &[Complex] {
        let sums = &mut self.sums[..SHIFTS * SHIFTS];
        for (bin, value) in sums.iter_mut().enumerate() {
            let (x, y) = (bin % SHIFTS, bin / SHIFTS);
            let product = |x: usize, y: usize| key[y * CHIPS + x].conj() * spectrum[y * CHIPS + x];
            let upper = product(x, y) + product(x + SHIFTS, y);
            *value = upper + product(x, y + SHIFTS) + product(x + SHIFTS, y + SHIFTS);
            *value = value.times(1.0 / COUNT as f32);
        }
        self.small.square(sums, Way::Back);
        sums
    }
}

/// Where a value comes from when the tile is turned by quarters about its first sign.
const fn turned(at: usize, quarters: usize) -> usize {
    let (mut x, mut y) = (at % CHIPS, at / CHIPS);
    let mut turn = 0;
    while turn < quarters {
        (x, y) = ((CHIPS - y) % CHIPS, x);
        turn += 1;
    }
    y * CHIPS + x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Dice;

    fn key(dice: &mut Dice) -> ExportKey {
        ExportKey::from_secret(dice.bytes())
    }

    /// Signs of a key, turned, shifted and, where the waves stand on their heads, negated.
    fn laid(key: &ExportKey, quarters: usize, shift: (usize, usize)) -> Vec<f32> {
        let signs = signs(key, b"p");
        let sign = if (shift.0 + shift.1) / 2 % 2 == 1 {
            -1.0
        } else {
            1.0
        };
        let mut values = vec![0.0; COUNT];
        for (at, value) in signs.iter().enumerate() {
            let x = (at % CHIPS + shift.0) % CHIPS;
            let y = (at / CHIPS + shift.1) % CHIPS;
            values[turned(y * CHIPS + x, quarters)] = f32::from(*value) * sign;
        }
        values
    }

    #[test]
    fn a_key_is_found_however_its_tile_lies() {
        let mut dice = Dice::new(1);
        let (own, other) = (key(&mut dice), key(&mut dice));
        for quarters in 0..4 {
            for shift in [(0, 0), (2, 0), (30, 12), (8, 8)] {
                let folded = Folded::new(&laid(&own, quarters, shift));
                let scores = folded.score(&[own.clone(), other.clone()], b"p");
                assert!(
                    scores[0].ln() > 450.0,
                    "{quarters} {shift:?} {:?}",
                    scores[0]
                );
                assert!(scores[1].ln() < 5.0, "{:?}", scores[1]);
            }
        }
    }

    #[test]
    fn shifts_that_the_waves_forbid_and_other_parts_say_nothing() {
        let own = key(&mut Dice::new(2));
        for shift in [(1, 0), (2, 3)] {
            let folded = Folded::new(&laid(&own, 0, shift));
            assert!(folded.score(std::slice::from_ref(&own), b"p")[0].ln() < 5.0);
        }
        let folded = Folded::new(&laid(&own, 0, (0, 0)));
        assert!(folded.score(std::slice::from_ref(&own), b"q")[0].ln() < 5.0);
    }

    #[test]
    fn the_fast_sums_are_the_sums() {
        let mut dice = Dice::new(3);
        let own = key(&mut dice);
        let values: Vec<f32> = (0..COUNT).map(|_| dice.unit() as f32 - 0.5).collect();
        let folded = Folded::new(&values);
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let signs = signs(&own, b"p");
        let mut spectrum: Vec<Complex> = signs
            .iter()
            .map(|s| Complex::new(f32::from(*s), 0.0))
            .collect();
        Fft::new(5).square(&mut spectrum, Way::Forward);
        let mut space = Space::new();
        let sums = space.allowed(&spectrum, &folded.spectra[0]);
        for (i, j) in [(0, 0), (3, 0), (0, 5), (15, 9)] {
            let term = |at: usize| {
                let (x, y) = ((at % CHIPS + 2 * i) % CHIPS, (at / CHIPS + 2 * j) % CHIPS);
                f32::from(signs[at]) * values[y * CHIPS + x] / length
            };
            let plain: f32 = (0..COUNT).map(term).sum();
            let fast = sums[j * SHIFTS + i].re;
            assert!((plain - fast).abs() < 1e-4, "{plain} {fast}");
        }
    }

    #[test]
    fn a_key_is_found_upright_at_any_shift_and_half_step() {
        let mut dice = Dice::new(6);
        let keys = [key(&mut dice), key(&mut dice)];
        for (step, shift) in [(0, (0, 0)), (1, (1, 0)), (2, (31, 6)), (3, (8, 5))] {
            let mut steps = [(); 4].map(|()| vec![0.0; COUNT]);
            for (at, sign) in signs(&keys[0], b"p").iter().enumerate() {
                let (x, y) = (at % CHIPS + shift.0, at / CHIPS + shift.1);
                steps[step][y % CHIPS * CHIPS + x % CHIPS] = f32::from(*sign);
            }
            let scores = Folded::still(steps).score(&keys, b"p");
            assert!(scores[0].ln() > 450.0, "{shift:?} {:?}", scores[0]);
            assert!(scores[1].ln() < 5.0, "{:?}", scores[1]);
        }
    }

    #[test]
    fn an_empty_picture_says_nothing() {
        let own = key(&mut Dice::new(4));
        let still = Folded::still([(); 4].map(|()| vec![0.0; COUNT]));
        let scores = still.score(std::slice::from_ref(&own), b"p");
        assert!((scores[0].ln() - ON_ONE.ln()).abs() < 1e-9);
        let scores = Folded::new(&vec![0.0; COUNT]).score(std::slice::from_ref(&own), b"p");
        assert!((scores[0].ln() - ON_ONE.ln()).abs() < 1e-9);
        assert_eq!(score(&[], &[own], b"p")[0].ln(), 0.0);
    }

    /// The mean over random keys of a mixture with weak strengths, which lives in common events.
    #[test]
    fn every_strength_has_mean_at_most_one_over_random_signs() {
        let mut dice = Dice::new(5);
        // Few heavy values: the farthest from normal that a picture can be made.
        let shapes: [&dyn Fn(usize) -> f64; 3] =
            [&|_| 1.0, &|at| if at < 3 { 1.0 } else { 0.0 }, &|at| {
                0.9_f64.powi(at as i32)
            }];
        for shape in shapes {
            let values: Vec<f64> = (0..64).map(shape).collect();
            let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
            for strength in [0.5, 1.0, 1.5_f64] {
                let draws = 40_000;
                let draw = |_| {
                    let signs = dice.word();
                    let term = |(at, v): (usize, &f64)| if signs >> at & 1 == 1 { *v } else { -v };
                    let t = values.iter().enumerate().map(term).sum::<f64>() / length;
                    (strength * t - strength * strength / 2.0).exp()
                };
                let drawn: Vec<f64> = (0..draws).map(draw).collect();
                let mean = drawn.iter().sum::<f64>() / draws as f64;
                let square = drawn.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / draws as f64;
                let error = (square / draws as f64).sqrt();
                assert!(mean <= 1.0 + 4.0 * error, "{strength}: {mean} ± {error}");
            }
        }
    }
}
