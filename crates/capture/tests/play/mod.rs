//! Recordings that nobody made: numbers of a head, or of a photograph, moved and lit as a plan asks.

use liuhen_capture::{Deed, Frame, Plan, Point, Recorded, Rules, Signing};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What is held before the camera.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Held {
    Head,
    Photograph,
}

/// How it is moved, and lit.
#[derive(Clone, Copy)]
pub(crate) struct Play {
    pub(crate) held: Held,
    pub(crate) obeys: bool,
    pub(crate) lit: bool,
    /// Milliseconds by which the person is late.
    pub(crate) late: u32,
    /// Milliseconds by which the camera is.
    pub(crate) lag: u32,
    /// Whether the same two seconds come again and again.
    pub(crate) loops: bool,
    /// Light of the room, beside 0.06 of the screen.
    pub(crate) room: f64,
    /// Scatter of landmarks, in pixels of sixty between the eyes.
    pub(crate) scatter: f64,
    /// Scatter of the face's colour, in linear light.
    pub(crate) flicker: f64,
    /// How far the head turns, in radians.
    pub(crate) angle: f64,
}

pub(crate) const PERSON: Play = Play {
    held: Held::Head,
    obeys: true,
    lit: true,
    late: 250,
    lag: 150,
    loops: false,
    room: 0.25,
    scatter: 0.5,
    flicker: 0.0004,
    angle: 0.42,
};

fn landmarks(held: Held, yaw: f64, pitch: f64, noise: &mut dyn FnMut() -> f64) -> [Point; 5] {
    // Eyes, nose, mouth, in distances between the eyes; the nose stands out.
    let nose = if held == Held::Head { 0.45 } else { 0.0 };
    let points = [
        [-0.5, 0.0, 0.0],
        [0.5, 0.0, 0.0],
        [0.0, 0.6, nose],
        [-0.38, 1.08, 0.03],
        [0.38, 1.08, 0.03],
    ];
    points.map(|[x, y, z]| {
        let z = if held == Held::Head { z } else { 0.0 };
        let (x, z) = (x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin());
        let (y, z) = (
            y * pitch.cos() + z * pitch.sin(),
            z * pitch.cos() - y * pitch.sin(),
        );
        let far = 60.0 * 10.0 / (10.0 - z);
        [320.0 + far * x + noise(), 240.0 + far * y + noise()]
    })
}

pub(crate) fn recorded(plan: &Plan, play: &Play, seed: u64) -> Vec<Frame> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut noise = move || {
        let sum: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum();
        sum - 6.0
    };
    (0..plan.ms())
        .step_by(100)
        .map(|ms| {
            let due = ms.checked_sub(play.late).and_then(|ms| plan.at(ms));
            let deed = due.map_or(Deed::Straight, |(step, ..)| step.deed);
            let angle = if play.obeys { play.angle } else { 0.0 };
            let (yaw, pitch) = match deed {
                Deed::Left => (angle, 0.0),
                Deed::Right => (-angle, 0.0),
                Deed::Up => (0.0, -angle),
                Deed::Down => (0.0, angle),
                _ => (0.0, 0.0),
            };
            let lights = ms.checked_sub(play.lag).and_then(|ms| plan.at(ms));
            let lit = lights.and_then(|(step, ..)| step.deed.colour());
            let screen = lit.filter(|_| play.lit).unwrap_or([0.5; 3]);
            let skin = [0.5, 0.35, 0.28];
            let mut at = 0;
            let face = skin.map(|skin: f64| {
                at += 1;
                skin * (play.room + 0.06 * screen[at - 1]) + play.flicker * noise()
            });
            Frame {
                ms,
                landmarks: Some(landmarks(play.held, yaw, pitch, &mut || {
                    play.scatter * noise()
                })),
                face,
                sum: u64::from(if play.loops { ms % 2_000 } else { ms }),
                change: (ms > 0).then_some(1.4),
                passive: None,
            }
        })
        .collect()
}

pub(crate) fn plan(seed: u64) -> Plan {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Plan::draw(Rules::builtin(), &mut |below| random.random_range(0..below))
}

/// A recording that comes when it is over.
pub(crate) fn taken<'a>(frames: &'a [Frame], camera: &'a str) -> Recorded<'a> {
    Recorded {
        frames,
        camera,
        after_ms: frames.last().map_or(0, |frame| u64::from(frame.ms)) + 900,
        signing: Signing::NoDevice,
    }
}
