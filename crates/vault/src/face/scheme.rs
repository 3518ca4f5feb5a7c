//! A face as bits that only its key makes sense of.
//!
//! Signs of random rotations (Charikar 2002, "Similarity estimation techniques from rounding
//! algorithms"): of two directions at an angle θ, a sign differs with the chance θ/π. The
//! rotations are three rounds of random signs and a Hadamard transform (Yu et al. 2016,
//! "Orthogonal random features"; Andoni et al. 2015, "Practical and optimal LSH for angular
//! distance"): exactly orthogonal, and made of additions alone, so that every machine comes to
//! the same bits.
//!
//! ```text
//! okm[512] = HKDF-SHA256(face key, info "liuhen/face/v1")
//! signs    = for each of 8 rotations: 3 × 128 signs, okm[0..384]
//! pad      = okm[384..512]
//! template = sign bits of the 8 rotations ⊕ pad
//! ```
//!
//! A key protects one template, once: then the pad makes the template uniformly random to whoever
//! lacks the key, and two templates of one person are as those of two. Whoever has key *and*
//! template has the signs, and from them the direction of the face within some 15 degrees: what
//! stands between is that the two are kept apart. What was weighed against it, and the figures,
//! stand in `docs/faces.md`.

use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypt::{Key, hkdf_sha256};

/// Numbers of a face as the network tells it.
pub const FEATURES: usize = 128;
/// Bits of a template.
pub const BITS: usize = 1024;
const BYTES: usize = BITS / 8;
const ROTATIONS: usize = BITS / FEATURES;
const ROUNDS: usize = 3;
const SIGNS: usize = ROTATIONS * ROUNDS * FEATURES / 8;
const INFO: &[u8] = b"liuhen/face/v1";

/// What a network tells of a face: 128 numbers, of which only the direction counts. They identify
/// a person: `Debug` shows nothing of them, and they leave memory when dropped.
pub struct Features(Zeroizing<[f32; FEATURES]>);

impl Features {
    /// Takes the numbers over; only their direction counts.
    ///
    /// # Errors
    ///
    /// [`VaultError::Bound`] for numbers without direction: all zero, or not finite.
    pub fn new(values: &[f32; FEATURES]) -> Result<Self, VaultError> {
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !length.is_finite() || length <= f32::MIN_POSITIVE {
            return Err(VaultError::Bound {
                what: "a face",
                bound: "128 finite numbers that are not all zero",
            });
        }
        let mut own = Zeroizing::new(*values);
        own.iter_mut().for_each(|value| *value /= length);
        Ok(Self(own))
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Features(128 numbers)")
    }
}

/// The protected bits of a face.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Template([u8; BYTES]);

impl Template {
    /// The stored form.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`VaultError::Malformed`] for any other length than 128 bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, VaultError> {
        let bytes = bytes.try_into();
        Ok(Self(bytes.map_err(|_| {
            VaultError::malformed("the template of a face")
        })?))
    }

    /// Bits in which two templates differ: about half of them, whoever they are of.
    #[must_use]
    pub fn differing(&self, other: &Self) -> u32 {
        differing(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Template(1024 bits)")
    }
}

/// The signs of a face under a key, before the pad: no more secret than the face itself.
pub struct Signs(Zeroizing<[u8; BYTES]>);

impl Signs {
    /// The bits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Bits in which two differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> u32 {
        differing(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Signs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signs(1024 bits)")
    }
}

/// The key of one template. It protects one face, once; the next face gets the next key.
#[derive(Debug, Clone)]
pub struct FaceKey(Key);

impl FaceKey {
    /// A key from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`VaultError::Randomness`].
    pub fn random() -> Result<Self, VaultError> {
        Ok(Self(Key::random()?))
    }

    /// Takes over a key made before.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self(key)
    }

    pub(crate) const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The template to be kept.
    #[must_use]
    pub fn protect(&self, face: &Features) -> Template {
        let material = self.material();
        Template(*padded(&signs_of(&material, face), &material))
    }

    /// Bits in which a face differs from the one of a template: 0 for the same picture, about
    /// 512 for strangers. It says how alike two faces are and stays inside.
    #[must_use]
    pub fn differing(&self, template: &Template, face: &Features) -> u32 {
        let material = self.material();
        let kept = padded(&template.0, &material);
        differing(&kept, &signs_of(&material, face))
    }

    /// The signs of a face under this key.
    #[must_use]
    pub fn signs(&self, face: &Features) -> Signs {
        Signs(signs_of(&self.material(), face))
    }

    /// The signs that a template stands for: what a thief of both has.
    #[must_use]
    pub fn uncover(&self, template: &Template) -> Signs {
        Signs(padded(&template.0, &self.material()))
    }

    /// The directions whose signs are taken, one a bit, each of length 1: whoever has the key has
    /// them too. For measuring what a thief can do.
    #[must_use]
    pub fn directions(&self) -> Vec<[f32; FEATURES]> {
        let material = self.material();
        let mut directions = vec![[0.0; FEATURES]; BITS];
        for at in 0..FEATURES {
            let mut one = Zeroizing::new([0.0; FEATURES]);
            one[at] = 1.0;
            for (rotation, turned) in turned(&material, &one).enumerate() {
                let own = &mut directions[rotation * FEATURES..];
                for (direction, value) in own.iter_mut().zip(turned.iter()) {
                    direction[at] = value / LENGTHENED;
                }
            }
        }
        directions
    }

    fn material(&self) -> Zeroizing<[u8; SIGNS + BYTES]> {
        let mut okm = Zeroizing::new([0; SIGNS + BYTES]);
        hkdf_sha256(None, self.0.expose(), &[INFO], okm.as_mut_slice());
        okm
    }
}

/// The cosine of the angle at which so many bits are expected to differ.
#[must_use]
pub fn cosine_at(differing: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 1,024")]
    let share = differing as f32 / BITS as f32;
    (std::f32::consts::PI * share).cos()
}

fn differing(a: &[u8; BYTES], b: &[u8; BYTES]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn padded(bits: &[u8; BYTES], material: &[u8; SIGNS + BYTES]) -> Zeroizing<[u8; BYTES]> {
    let mut out = Zeroizing::new(*bits);
    for (bit, pad) in out.iter_mut().zip(&material[SIGNS..]) {
        *bit ^= pad;
    }
    out
}

fn signs_of(material: &[u8; SIGNS + BYTES], face: &Features) -> Zeroizing<[u8; BYTES]> {
    let mut bits = Zeroizing::new([0; BYTES]);
    let rows = bits.as_chunks_mut::<{ FEATURES / 8 }>().0;
    for (out, turned) in rows.iter_mut().zip(turned(material, &face.0)) {
        for (at, value) in turned.iter().enumerate() {
            out[at / 8] |= u8::from(*value < 0.0) << (at % 8);
        }
    }
    bits
}

/// The numbers after each rotation, longer by [`LENGTHENED`].
fn turned(
    material: &[u8; SIGNS + BYTES],
    values: &Zeroizing<[f32; FEATURES]>,
) -> impl Iterator<Item = Zeroizing<[f32; FEATURES]>> {
    let rounds = material[..SIGNS].as_chunks::<{ FEATURES / 8 }>().0;
    rounds.chunks(ROUNDS).map(|rounds| {
        let mut turned = values.clone();
        for signs in rounds {
            flip(&mut turned, signs);
            hadamard(&mut turned);
        }
        turned
    })
}

/// By how much three unscaled transforms of 128 numbers lengthen: 128 to the power of 3/2.
const LENGTHENED: f32 = 1_448.154_7;

fn flip(values: &mut [f32; FEATURES], signs: &[u8; FEATURES / 8]) {
    for (at, value) in values.iter_mut().enumerate() {
        if signs[at / 8] >> (at % 8) & 1 == 1 {
            *value = -*value;
        }
    }
}

/// The Walsh–Hadamard transform in place, unscaled: three of them stay far within an `f32`.
fn hadamard(values: &mut [f32; FEATURES]) {
    let mut half = 1;
    while half < FEATURES {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> FaceKey {
        FaceKey::new(Key::new([n; 32]))
    }

    /// Numbers without a pattern, from a small generator (Knuth's MMIX).
    fn some(seed: u64) -> [f32; FEATURES] {
        let mut state = seed;
        std::array::from_fn(|_| {
            let mut sum = 0.0;
            for _ in 0..4 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                sum += (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            }
            sum
        })
    }

    /// A direction at this cosine from another.
    fn near(from: &[f32; FEATURES], seed: u64, cosine: f32) -> [f32; FEATURES] {
        let unit = |v: &[f32; FEATURES]| {
            let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
            v.map(|x| x / length)
        };
        let (a, other) = (unit(from), unit(&some(seed)));
        let along: f32 = a.iter().zip(&other).map(|(x, y)| x * y).sum();
        let across = unit(&std::array::from_fn(|n| other[n] - along * a[n]));
        let sine = (1.0 - cosine * cosine).sqrt();
        std::array::from_fn(|n| cosine * a[n] + sine * across[n])
    }

    #[test]
    fn bits_tell_the_angle() {
        // 1,024 fair signs spread by 0.5 / √1024; orthogonal ones by less. Five such are allowed.
        for (seed, cosine) in
            (0..40).zip([1.0, 0.9, 0.7, 0.5, 0.363, 0.2, 0.0, -0.3].iter().cycle())
        {
            let face = some(seed);
            let other = near(&face, seed + 1_000, *cosine);
            let key = key(u8::try_from(seed).expect("small"));
            let template = key.protect(&Features::new(&face).expect("a face"));
            let share =
                f64::from(key.differing(&template, &Features::new(&other).expect("a face")))
                    / BITS as f64;
            let expected = f64::from(*cosine).min(1.0).acos() / std::f64::consts::PI;
            assert!(
                (share - expected).abs() < 5.0 * 0.5 / 32.0,
                "{cosine}: {share} for {expected}"
            );
        }
    }

    #[test]
    fn the_length_of_the_numbers_does_not_count() {
        let face = some(1);
        let twice = face.map(|value| value * 64.0);
        let (one, two) = (
            Features::new(&face).expect("a"),
            Features::new(&twice).expect("b"),
        );
        assert_eq!(key(1).protect(&one), key(1).protect(&two));
    }

    #[test]
    fn refuses_numbers_without_direction() {
        let mut bad = some(1);
        bad[3] = f32::NAN;
        for values in [[0.0; FEATURES], [f32::INFINITY; FEATURES], bad] {
            assert!(matches!(
                Features::new(&values),
                Err(VaultError::Bound { .. })
            ));
        }
    }

    #[test]
    fn another_key_makes_a_stranger_of_the_same_face() {
        let face = Features::new(&some(7)).expect("a face");
        let (old, new) = (key(1), key(2));
        let template = old.protect(&face);
        assert_eq!(old.differing(&template, &face), 0);
        // Half of 1,024, within five times √1024 / 2.
        let half = 512 - 80..=512 + 80;
        assert!(half.contains(&new.differing(&template, &face)));
        assert!(half.contains(&template.differing(&new.protect(&face))));
    }

    #[test]
    fn the_bits_are_those_of_the_first_day() {
        // A change here makes strangers of everybody who is enrolled.
        let values = std::array::from_fn(|n| f32::from(u8::try_from(n).expect("small")) - 60.0);
        let template = key(9).protect(&Features::new(&values).expect("a face"));
        assert_eq!(
            data_encoding::HEXLOWER.encode(&template.as_bytes()[..16]),
            FIRST_DAY
        );
    }

    /// As computed by hand from the module's text, in another language and in double precision.
    const FIRST_DAY: &str = "129f454e8eb4b69a5b1b04377636d17e";

    #[test]
    fn each_rotation_is_orthogonal_and_its_signs_are_the_bits() {
        let (key, face) = (key(5), some(11));
        let directions = key.directions();
        let dot = |a: &[f32; FEATURES], b: &[f32; FEATURES]| -> f32 {
            a.iter().zip(b).map(|(x, y)| x * y).sum()
        };
        for (n, one) in directions[FEATURES..2 * FEATURES].iter().enumerate() {
            for (m, other) in directions[FEATURES..2 * FEATURES].iter().enumerate() {
                let expected = if n == m { 1.0 } else { 0.0 };
                assert!((dot(one, other) - expected).abs() < 1e-5, "{n} {m}");
            }
        }
        let signs = key.signs(&Features::new(&face).expect("a face"));
        for (n, direction) in directions.iter().enumerate() {
            let bit = signs.as_bytes()[n / 8] >> (n % 8) & 1;
            assert_eq!(bit == 1, dot(direction, &face) < 0.0, "{n}");
        }
    }

    #[test]
    fn nothing_of_a_face_is_in_debug_output() {
        let face = Features::new(&some(3)).expect("a face");
        let shown = format!("{face:?} {:?} {:?}", key(1), key(1).protect(&face));
        assert_eq!(
            shown,
            "Features(128 numbers) FaceKey(Key(256 bits)) Template(1024 bits)"
        );
    }

    proptest! {
        #[test]
        fn uncovering_undoes_the_pad(seed in any::<u64>(), n in any::<u8>()) {
            let face = Features::new(&some(seed)).expect("a face");
            let template = key(n).protect(&face);
            let (uncovered, signs) = (key(n).uncover(&template), key(n).signs(&face));
            prop_assert_eq!(uncovered.as_bytes(), signs.as_bytes());
            prop_assert_eq!(Template::read(template.as_bytes()).expect("reads"), template);
        }
    }
}
