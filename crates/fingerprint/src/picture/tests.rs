//! Mark, attack, score: what a leak still says after what people do to pictures.

#![expect(clippy::cast_possible_truncation, reason = "sides of small pictures")]

use super::raster::real;
use super::shapes::{drawn, grain, landscape};
use super::*;
use crate::evalue::{Epsilon, Threshold};

const ID: &[u8] = b"picture";

fn keys(count: u16) -> Vec<ExportKey> {
    let secret = |r: u16| {
        let mut secret = [9; 32];
        secret[..2].copy_from_slice(&r.to_be_bytes());
        secret
    };
    (0..count)
        .map(|r| ExportKey::from_secret(secret(r)))
        .collect()
}

fn marked(original: &Plane, key: &ExportKey) -> Plane {
    let mark = mark(original, key, ID, Limits::default()).unwrap();
    mark.apply(original).unwrap()
}

/// `t` of copy 3 and the largest among 40 others; none when not registered.
fn statistics(original: &Plane, leak: &Plane) -> Option<(f64, f64)> {
    let limits = Limits::default();
    let reference = Reference::new(original, limits).unwrap();
    let registered = reference.register(leak, limits).unwrap()?;
    let t: Vec<f64> = keys(41)
        .iter()
        .map(|key| registered.statistic(key, ID))
        .collect();
    let others = t.iter().enumerate().filter(|(r, _)| *r != 3);
    let most = others.fold(f64::NEG_INFINITY, |most, (_, t)| most.max(*t));
    Some((t[3], most))
}

fn caught(name: &str, original: &Plane, attack: impl Fn(&Plane) -> Plane) {
    let leak = attack(&marked(original, &keys(4)[3]));
    let (t, others) = statistics(original, &leak).unwrap_or((0.0, 0.0));
    eprintln!("{name:24} t = {t:6.1}, others at most {others:4.1}");
    assert!(t > 7.5, "{name}: {t}");
    assert!(others < 5.0, "{name}: {others}");
}

fn turn(degrees: f64, scale: f64, w: f64, h: f64) -> impl Fn(f64, f64) -> (f64, f64) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    move |x, y| {
        let (dx, dy) = ((x - w / 2.0) / scale, (y - h / 2.0) / scale);
        (w / 2.0 + cos * dx - sin * dy, h / 2.0 + sin * dx + cos * dy)
    }
}

#[test]
fn the_recipient_is_found_after_attacks_on_shape() {
    let original = landscape(420, 320, 11);
    let (w, h) = (420.0, 320.0);
    caught("untouched", &original, Plane::clone);
    caught("quarter of the area", &original, |p| {
        drawn(p, 210, 160, |x, y| (x + 97.0, y + 61.0))
    });
    for scale in [0.25, 0.5, 0.77, 2.0] {
        caught(&format!("scaled by {scale}"), &original, |p| {
            let grid = Grid::of(p).shrink((w * scale) as usize, (h * scale) as usize);
            let small = Plane::new(grid.width, grid.height, grid.data).unwrap();
            if scale < 1.0 {
                return grain(&small, 0.0, 1);
            }
            drawn(p, 840, 640, |x, y| {
                ((x + 0.5) / 2.0 - 0.5, (y + 0.5) / 2.0 - 0.5)
            })
        });
    }
    for degrees in [1.0, 5.0, 20.0, 45.0, 90.0, 137.0, 180.0] {
        caught(&format!("turned by {degrees}"), &original, |p| {
            drawn(p, 420, 320, turn(degrees, 1.0, w, h))
        });
    }
    caught("mirrored", &original, |p| {
        drawn(p, 420, 320, |x, y| (419.0 - x, y))
    });
    caught("perspective", &original, |p| {
        drawn(p, 420, 320, |x, y| {
            let d = 1.0 + 4e-4 * x - 2e-4 * y;
            ((1.05 * x - 10.0) / d, (0.03 * x + 1.1 * y - 12.0) / d)
        })
    });
    caught("screenshot with borders", &original, |p| {
        drawn(p, 640, 480, |x, y| ((x - 101.0) / 1.13, (y - 57.0) / 1.13))
    });
    caught("bent paper", &original, |p| {
        drawn(p, 420, 320, |x, y| {
            (x + 2.0 * (y / 60.0).sin(), y + 2.0 * (x / 75.0).cos())
        })
    });
}

#[test]
fn the_recipient_is_found_after_attacks_on_brightness() {
    let original = landscape(420, 320, 12);
    let map = |p: &Plane, f: &dyn Fn(f32) -> f32| {
        let values = p.values().iter().map(|v| f(*v).clamp(0.0, 255.0).round());
        Plane::new(p.width(), p.height(), values.collect()).unwrap()
    };
    caught("noise", &original, |p| grain(p, 10.0, 3));
    caught("darker", &original, |p| map(p, &|v| v * 0.5));
    caught("gamma", &original, |p| {
        map(p, &|v| 255.0 * (v / 255.0).powf(1.8))
    });
    caught("negative", &original, |p| map(p, &|v| 255.0 - v));
    caught("blur", &original, |p| {
        let blurred = Grid::of(p).box_blur(1).smooth();
        Plane::new(420, 320, blurred.data).unwrap()
    });
    caught("twelve greys", &original, |p| {
        map(p, &|v| (v / 20.0).round() * 20.0)
    });
    caught("a fifth covered", &original, |p| {
        let inside =
            |at: usize| (150..320).contains(&(at % 420)) && (80..240).contains(&(at / 420));
        let values = p.values().iter().enumerate();
        let values = values.map(|(at, v)| if inside(at) { 20.0 } else { *v });
        Plane::new(420, 320, values.collect()).unwrap()
    });
}

#[test]
fn small_pictures_carry_enough() {
    for (width, height) in [(64, 64), (96, 40), (160, 120)] {
        let original = landscape(width, height, 6);
        let name = format!("{width} × {height}");
        caught(&name, &original, |p| grain(p, 2.0, 4));
    }
}

#[test]
fn large_pictures_carry_into_screenshots() {
    let original = landscape(1_800, 1_300, 8);
    caught("large, a quarter", &original, |p| {
        let grid = Grid::of(p).shrink(450, 325);
        Plane::new(450, 325, grid.data).unwrap()
    });
    caught("large, cropped", &original, |p| {
        drawn(p, 900, 650, |x, y| (x + 333.0, y + 217.0))
    });
}

/// What colluders make of the values of one pixel, given in order.
type Mix = fn(&mut [f32]) -> f32;

#[test]
fn colluders_are_found_and_nobody_else() {
    let original = landscape(400, 300, 21);
    let keys = keys(200);
    let copies: Vec<Plane> = keys[..8].iter().map(|key| marked(&original, key)).collect();
    let reference = Reference::new(&original, Limits::default()).unwrap();
    let threshold = Threshold::new(200, Epsilon::DEFAULT).unwrap();
    let attacks: [(&str, Mix); 3] = [
        ("average", |v| v.iter().sum::<f32>() / v.len() as f32),
        ("median", |v| v[v.len() / 2]),
        ("farthest from the mean", |v| {
            let mean = v.iter().sum::<f32>() / v.len() as f32;
            let (low, high) = (v[0], v[v.len() - 1]);
            if mean - low > high - mean { low } else { high }
        }),
    ];
    for (name, attack) in attacks {
        for colluders in [2, 3, 5, 8] {
            let pixels = (0..400 * 300).map(|at| {
                let mut seen: Vec<f32> =
                    copies[..colluders].iter().map(|c| c.values()[at]).collect();
                seen.sort_by(f32::total_cmp);
                attack(&mut seen).round()
            });
            let leak = Plane::new(400, 300, pixels.collect()).unwrap();
            let registered = reference
                .register(&leak, Limits::default())
                .unwrap()
                .unwrap();
            let keys: Vec<&ExportKey> = keys.iter().collect();
            let judged: Vec<bool> = registered
                .score(&keys, ID)
                .iter()
                .map(|e| threshold.judge(*e).is_accused())
                .collect();
            let guilty = judged[..colluders].iter().filter(|a| **a).count();
            eprintln!("{name}: {guilty} of {colluders}");
            assert_eq!(guilty, colluders, "{name}");
            assert!(!judged[colluders..].contains(&true), "{name}");
        }
    }
}

#[test]
fn another_picture_is_not_taken_for_the_original() {
    let limits = Limits::default();
    let reference = Reference::new(&landscape(300, 220, 1), limits).unwrap();
    for leak in [
        landscape(300, 220, 500),
        Plane::new(50, 50, vec![0.0; 2_500]).unwrap(),
        Plane::new(1, 1, vec![3.0]).unwrap(),
        Plane::new(3_000, 1, vec![3.0; 3_000]).unwrap(),
    ] {
        if let Some(registered) = reference.register(&leak, limits).unwrap() {
            let most = keys(100)
                .iter()
                .map(|key| registered.statistic(key, ID))
                .fold(0.0, f64::max);
            assert!(most < 5.0, "{most}");
        }
    }
}

#[test]
fn constant_and_thin_originals_are_taken_and_prove_nothing_false() {
    let limits = Limits::default();
    for (width, height) in [(1, 1), (5, 900), (40, 40)] {
        let flat = Plane::new(width, height, vec![200.0; width * height]).unwrap();
        let reference = Reference::new(&flat, limits).unwrap();
        let leak = marked(&flat, &keys(1)[0]);
        if let Some(registered) = reference.register(&leak, limits).unwrap() {
            assert!(registered.carriers() > 0);
        }
    }
}

#[test]
fn refuses_leaks_beyond_the_limit() {
    let reference = Reference::new(&landscape(64, 64, 1), Limits::default()).unwrap();
    let leak = landscape(100, 100, 1);
    let refused = reference.register(&leak, Limits { pixels: 9_999 });
    assert_eq!(
        refused.unwrap_err(),
        FingerprintError::PictureTooLarge { most: 9_999 }
    );
}

/// The mean of e over keys that marked nothing, for leaks made of other keys' copies.
///
/// Over 3,000 keys and attacks in which t is nearly normal, the mean of the terms with λ = 2 and 2.5
/// has a standard error of about 0.15 each; larger λ contribute next to nothing to what is drawn.
#[test]
fn innocents_score_at_most_one_on_average() {
    let original = landscape(200, 160, 31);
    let all = keys(3_003);
    let copies: Vec<Plane> = all[..3].iter().map(|key| marked(&original, key)).collect();
    let reference = Reference::new(&original, Limits::default()).unwrap();
    for pick in [f32::min, f32::max] {
        let pixels =
            (0..200 * 160).map(|at| copies.iter().map(|c| c.values()[at]).reduce(pick).unwrap());
        let leak = Plane::new(200, 160, pixels.collect()).unwrap();
        let registered = reference
            .register(&leak, Limits::default())
            .unwrap()
            .unwrap();
        let innocent: Vec<&ExportKey> = all[3..].iter().collect();
        let scores = registered.score(&innocent, ID);
        let mean = scores.iter().map(|e| e.ln().exp()).sum::<f64>() / real(scores.len());
        assert!(mean < 1.3, "{mean}");
    }
}
