//! What speaks for a recording, what against it, and what cannot be told.

use std::collections::HashSet;

use serde::Serialize;

use crate::challenge::{Deed, Plan};
use crate::frame::{Frame, apart, are_enough, median};
use crate::rules::Rules;

/// What one measurement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// As a person before this screen would look.
    Fits,
    /// Not enough shows.
    CouldNotTell,
    /// As no person before this screen would look.
    Against,
}

/// A measurement of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Enough frames, in order, one face in them.
    Frames,
    /// The movements asked for, in their order.
    Movements,
    /// Landmarks move as those of a solid head, and not as a plane.
    Depth,
    /// The face takes the colours of the screen, in their order.
    Light,
    /// No frame comes again, and neighbours differ as a sensor's do.
    Repeats,
    /// The camera is not one of those that are programs.
    Camera,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// What was measured.
    pub part: Part,
    /// What it says.
    pub says: Says,
    /// Why, as a stable word; docs/capture.md explains each.
    pub why: &'static str,
    /// The number it rests on, where there is one: a share, a distance, a chance.
    pub number: Option<f64>,
}

/// What a recording is taken for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// The whole: against when any part is, could not tell when a part that is needed could not.
    pub says: Says,
    /// The parts.
    pub parts: Vec<Told>,
    /// The chance that a recording made before the question fits movements and lights as well, where
    /// both were told; it says nothing of one that is made or steered while the question runs.
    pub chance: Option<f64>,
    /// The rule pack.
    pub rules: String,
}

/// How much a purpose demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// Movements, depth and frames.
    Usual,
    /// The light, too: a bright room cannot pass.
    Strict,
}

impl Demand {
    const fn needs(self, part: Part) -> bool {
        match part {
            Part::Frames | Part::Movements | Part::Depth | Part::Repeats => true,
            Part::Light => matches!(self, Self::Strict),
            // What a browser says of a camera speaks against it or not at all.
            Part::Camera => false,
        }
    }
}

/// Doubts a recording of a plan; `camera` is what its recorder calls it.
#[must_use]
pub fn doubt(plan: &Plan, frames: &[Frame], camera: &str, demand: Demand, rules: &Rules) -> Doubt {
    let mut parts = vec![
        enough(frames, rules),
        repeats(frames, rules),
        named(camera, rules),
    ];
    let mut chance = None;
    if parts.first().is_some_and(|told| told.says == Says::Fits) {
        let moved = movements(plan, frames, rules);
        let lit = light(plan, frames, rules);
        if let (Says::Fits, Says::Fits, Some(of_light)) = (moved.says, lit.says, lit.number) {
            chance = Some(of_light / plan.orders());
        }
        parts.extend([moved, depth(plan, frames, rules), lit]);
    }
    let against = parts.iter().any(|told| told.says == Says::Against);
    let lacking = |part: Part| {
        demand.needs(part)
            && !parts
                .iter()
                .any(|told| told.part == part && told.says == Says::Fits)
    };
    let needed = [
        Part::Frames,
        Part::Movements,
        Part::Depth,
        Part::Repeats,
        Part::Light,
    ];
    Doubt {
        says: match against {
            true => Says::Against,
            false if needed.into_iter().any(lacking) => Says::CouldNotTell,
            false => Says::Fits,
        },
        parts,
        chance,
        rules: rules.version.clone(),
    }
}

const fn told(part: Part, says: Says, why: &'static str, number: Option<f64>) -> Told {
    Told {
        part,
        says,
        why,
        number,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred frames")]
fn share(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

fn enough(frames: &[Frame], rules: &Rules) -> Told {
    let with_face = frames.iter().filter(|frame| frame.landmarks.is_some());
    let seen = share(with_face.count(), frames.len());
    let (says, why) = match are_enough(frames, rules) {
        false => (Says::CouldNotTell, "too_few_frames"),
        true if seen < 0.8 => (Says::CouldNotTell, "no_single_face"),
        true => (Says::Fits, "one_face"),
    };
    told(Part::Frames, says, why, Some(seen))
}

fn repeats(frames: &[Frame], rules: &Rules) -> Told {
    let mut met = HashSet::new();
    let again = frames.iter().filter(|frame| !met.insert(frame.sum)).count();
    let same = share(again, frames.len());
    if same >= rules.repeats.same {
        return told(
            Part::Repeats,
            Says::Against,
            "frames_come_again",
            Some(same),
        );
    }
    let changes = frames.iter().filter_map(|frame| frame.change).collect();
    match median(changes) {
        Some(change) if change < rules.repeats.still => {
            told(Part::Repeats, Says::Against, "nothing_moves", Some(change))
        }
        Some(change) => told(Part::Repeats, Says::Fits, "frames_differ", Some(change)),
        None => told(Part::Repeats, Says::CouldNotTell, "too_few_frames", None),
    }
}

fn named(camera: &str, rules: &Rules) -> Told {
    let camera = camera.to_lowercase();
    let program = rules.cameras.words.iter().any(|word| camera.contains(word));
    let (says, why) = match (camera.is_empty(), program) {
        (true, _) => (Says::CouldNotTell, "camera_not_named"),
        (false, true) => (Says::Against, "camera_is_a_program"),
        (false, false) => (Says::Fits, "camera_is_none_known_as_a_program"),
    };
    told(Part::Camera, says, why, None)
}

/// Frames of the second half of each step, by step: what was asked has begun by then.
fn held<'f>(plan: &Plan, frames: &'f [Frame]) -> Vec<(Deed, Vec<&'f Frame>)> {
    let mut begin = 0;
    plan.steps
        .iter()
        .map(|step| {
            let (half, end) = (begin + step.ms / 2, begin + step.ms);
            begin = end;
            let within = frames
                .iter()
                .filter(|frame| (half..end).contains(&frame.ms));
            (step.deed, within.collect())
        })
        .collect()
}

/// Where the nose stands when the face is held straight.
fn straight(steps: &[(Deed, Vec<&Frame>)]) -> Option<[f64; 2]> {
    let noses: Vec<[f64; 2]> = steps
        .iter()
        .filter(|(deed, _)| *deed == Deed::Straight)
        .flat_map(|(_, frames)| frames.iter().filter_map(|frame| frame.nose()))
        .collect();
    let along = |at: usize| median(noses.iter().map(|nose| nose[at]).collect());
    Some([along(0)?, along(1)?])
}

fn movements(plan: &Plan, frames: &[Frame], rules: &Rules) -> Told {
    let steps = held(plan, frames);
    let Some(rest) = straight(&steps) else {
        return told(Part::Movements, Says::CouldNotTell, "never_straight", None);
    };
    let (mut done, mut asked, mut seen) = (0, 0, 0);
    for (deed, frames) in &steps {
        let towards: fn([f64; 2]) -> f64 = match deed {
            Deed::Left => |by| by[0],
            Deed::Right => |by| -by[0],
            Deed::Up => |by| -by[1],
            Deed::Down => |by| by[1],
            _ => continue,
        };
        let least = match deed {
            Deed::Left | Deed::Right => rules.movement.turned,
            _ => rules.movement.nodded,
        };
        asked += 1;
        let noses: Vec<[f64; 2]> = frames.iter().filter_map(|frame| frame.nose()).collect();
        seen += usize::from(!noses.is_empty());
        let so = noses
            .iter()
            .filter(|nose| towards([nose[0] - rest[0], nose[1] - rest[1]]) >= least)
            .count();
        done += usize::from(!noses.is_empty() && share(so, noses.len()) >= rules.movement.held);
    }
    let number = Some(share(done, asked));
    match (done == asked, seen == asked) {
        (true, _) => told(Part::Movements, Says::Fits, "as_asked", number),
        (false, false) => told(Part::Movements, Says::CouldNotTell, "face_lost", number),
        // A person may misunderstand; whoever does none of it was not there.
        (false, true) if done * 2 > asked => told(
            Part::Movements,
            Says::CouldNotTell,
            "not_all_as_asked",
            number,
        ),
        (false, true) => told(Part::Movements, Says::Against, "not_as_asked", number),
    }
}

fn depth(plan: &Plan, frames: &[Frame], rules: &Rules) -> Told {
    let steps = held(plan, frames);
    let rest = straight(&steps);
    let near = |frame: &&&Frame| {
        frame.nose().zip(rest).is_some_and(|(nose, rest)| {
            (nose[0] - rest[0]).abs() < rules.movement.turned / 3.0
                && (nose[1] - rest[1]).abs() < rules.movement.nodded / 2.0
        })
    };
    let base = steps
        .iter()
        .filter(|(deed, _)| *deed == Deed::Straight)
        .find_map(|(_, frames)| frames.iter().find(near)?.landmarks);
    let Some(base) = base else {
        return told(Part::Depth, Says::CouldNotTell, "never_straight", None);
    };
    let turned: Vec<f64> = steps
        .iter()
        .filter(|(deed, _)| matches!(deed, Deed::Left | Deed::Right | Deed::Up | Deed::Down))
        .flat_map(|(_, frames)| frames)
        .filter_map(|frame| apart(&base, &frame.landmarks?))
        .collect();
    match median(turned) {
        None => told(Part::Depth, Says::CouldNotTell, "face_lost", None),
        Some(off) if off >= rules.depth.solid => {
            told(Part::Depth, Says::Fits, "moves_as_a_head", Some(off))
        }
        Some(off) if off <= rules.depth.flat => {
            told(Part::Depth, Says::Against, "moves_as_a_plane", Some(off))
        }
        Some(off) => told(Part::Depth, Says::CouldNotTell, "hardly_turned", Some(off)),
    }
}

/// The share of red, green and blue in a face's light.
fn shares([red, green, blue]: [f64; 3]) -> [f64; 3] {
    let sum = (red + green + blue).max(1e-9);
    [red / sum, green / sum, blue / sum]
}

fn light(plan: &Plan, frames: &[Frame], rules: &Rules) -> Told {
    let lit: Vec<(usize, [f64; 3])> = frames
        .iter()
        .filter(|frame| frame.landmarks.is_some())
        .filter_map(|frame| {
            let (step, ..) = plan.at(frame.ms)?;
            step.deed.colour()?;
            Some((frame.ms as usize, shares(frame.face)))
        })
        .collect();
    let colours: Vec<Deed> = plan
        .steps
        .iter()
        .map(|step| step.deed)
        .filter(|deed| deed.colour().is_some())
        .collect();
    if lit.len() < 2 * colours.len().max(1) {
        return told(Part::Light, Says::CouldNotTell, "too_few_frames", None);
    }
    let mean = |at: usize| lit.iter().map(|(_, face)| face[at]).sum::<f64>() / share(lit.len(), 1);
    let means = [mean(0), mean(1), mean(2)];
    let spread = lit
        .iter()
        .map(|(_, face)| (0..3).map(|at| (face[at] - means[at]).powi(2)).sum::<f64>())
        .sum::<f64>();
    let change = (spread / share(lit.len(), 1)).sqrt();
    if change < rules.light.least_change {
        return told(
            Part::Light,
            Says::CouldNotTell,
            "room_too_bright_or_screen_not_seen",
            Some(change),
        );
    }
    // The true order against every order that might have been drawn: how many fit as well.
    let begin: u32 = plan
        .steps
        .iter()
        .take_while(|step| step.deed.colour().is_none())
        .map(|step| step.ms)
        .sum();
    let each = plan
        .steps
        .iter()
        .find(|step| step.deed.colour().is_some())
        .map_or(1, |step| step.ms.max(1));
    let fit = |order: &[Deed]| {
        let delays = (0..=rules.light.delay_ms).step_by(50);
        delays
            .map(|delay| agreement(order, &lit, &means, begin + delay, each))
            .fold(f64::MIN, f64::max)
    };
    let own = fit(&colours);
    let all = orders(colours.len());
    let as_well = all.iter().filter(|order| fit(order) >= own).count();
    let chance = share(as_well, all.len());
    let (says, why) = match chance {
        chance if chance <= rules.light.chance => (Says::Fits, "follows_the_screen"),
        chance if chance >= rules.light.against => (Says::Against, "does_not_follow_the_screen"),
        _ => (Says::CouldNotTell, "hardly_follows_the_screen"),
    };
    told(Part::Light, says, why, Some(chance))
}

/// How a face's colours go with an order of lights; the cosine of both.
fn agreement(
    order: &[Deed],
    lit: &[(usize, [f64; 3])],
    means: &[f64; 3],
    begin: u32,
    each: u32,
) -> f64 {
    let (mut both, mut shown, mut seen) = (0.0, 0.0, 0.0);
    for (ms, face) in lit {
        let since = (*ms as u64).saturating_sub(u64::from(begin));
        let at = usize::try_from(since / u64::from(each)).unwrap_or(usize::MAX);
        let Some(colour) = order.get(at.min(order.len().saturating_sub(1))) else {
            continue;
        };
        let colour = colour.colour().unwrap_or_default();
        for at in 0..3 {
            let (screen, skin) = (colour[at] - 1.0 / 3.0, face[at] - means[at]);
            both += screen * skin;
            shown += screen * screen;
            seen += skin * skin;
        }
    }
    both / (shown * seen).sqrt().max(1e-12)
}

/// Every order of so many lights in which none follows itself.
fn orders(count: usize) -> Vec<Vec<Deed>> {
    let mut all: Vec<Vec<Deed>> = vec![Vec::new()];
    for _ in 0..count.min(8) {
        all = all
            .into_iter()
            .flat_map(|order| {
                let last = order.last().copied();
                Deed::LIGHTS
                    .into_iter()
                    .filter(move |deed| Some(*deed) != last)
                    .map(move |deed| {
                        let mut order = order.clone();
                        order.push(deed);
                        order
                    })
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::frame::Point;

    /// What is held before the camera.
    #[derive(Clone, Copy, PartialEq)]
    enum Held {
        Head,
        Photograph,
    }

    /// How it is moved, and lit.
    struct Play {
        held: Held,
        obeys: bool,
        lit: bool,
        /// Milliseconds by which everything comes late.
        late: u32,
        loops: bool,
        room: f64,
    }

    const PERSON: Play = Play {
        held: Held::Head,
        obeys: true,
        lit: true,
        late: 250,
        loops: false,
        room: 0.25,
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

    fn recorded(plan: &Plan, play: &Play, seed: u64) -> Vec<Frame> {
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
                let angle = if play.obeys { 0.42 } else { 0.0 };
                let (yaw, pitch) = match deed {
                    Deed::Left => (angle, 0.0),
                    Deed::Right => (-angle, 0.0),
                    Deed::Up => (0.0, -angle),
                    Deed::Down => (0.0, angle),
                    _ => (0.0, 0.0),
                };
                let screen = deed.colour().filter(|_| play.lit).unwrap_or([0.5; 3]);
                let skin = [0.5, 0.35, 0.28];
                let mut at = 0;
                let face = skin.map(|skin: f64| {
                    at += 1;
                    skin * (play.room + 0.06 * screen[at - 1]) + 0.0004 * noise()
                });
                Frame {
                    ms,
                    landmarks: Some(landmarks(play.held, yaw, pitch, &mut || 0.5 * noise())),
                    face,
                    sum: u64::from(if play.loops { ms % 2_000 } else { ms }),
                    change: (ms > 0).then_some(1.4),
                }
            })
            .collect()
    }

    fn plan(seed: u64) -> Plan {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        Plan::draw(Rules::builtin(), &mut |below| random.random_range(0..below))
    }

    fn says(play: &Play, asked: &Plan, recorded_to: &Plan, demand: Demand) -> Doubt {
        let frames = recorded(recorded_to, play, 3);
        doubt(
            asked,
            &frames,
            "Integrated Camera",
            demand,
            Rules::builtin(),
        )
    }

    #[test]
    fn a_person_who_does_as_asked_passes_and_others_do_not() {
        let mut passed = 0;
        for seed in 0..40 {
            let asked = plan(seed);
            let person = says(&PERSON, &asked, &asked, Demand::Strict);
            passed += usize::from(person.says == Says::Fits);
            assert!(person.says != Says::Against, "{person:?}");
            if person.says == Says::Fits {
                assert!(person.chance.is_some_and(|chance| chance <= 0.01 / 108.0));
            }
            let plays = [
                (
                    "photograph turned",
                    Play {
                        held: Held::Photograph,
                        ..PERSON
                    },
                ),
                (
                    "photograph held",
                    Play {
                        held: Held::Photograph,
                        obeys: false,
                        ..PERSON
                    },
                ),
                (
                    "still head",
                    Play {
                        obeys: false,
                        ..PERSON
                    },
                ),
                (
                    "loop",
                    Play {
                        loops: true,
                        ..PERSON
                    },
                ),
            ];
            for (name, play) in plays {
                let found = says(&play, &asked, &asked, Demand::Usual);
                assert_eq!(found.says, Says::Against, "{name} {found:?}");
            }
            // A recording of a person, made to another question.
            let other = plan(seed + 1_000);
            let old = says(&PERSON, &asked, &other, Demand::Usual);
            assert!(old.says != Says::Fits, "{old:?}");
        }
        assert!(passed >= 38, "{passed} of 40");
    }

    #[test]
    fn a_bright_room_cannot_be_told_and_passes_only_where_light_is_not_demanded() {
        let asked = plan(5);
        let bright = Play {
            room: 40.0,
            ..PERSON
        };
        let usual = says(&bright, &asked, &asked, Demand::Usual);
        assert_eq!(usual.says, Says::Fits, "{usual:?}");
        assert_eq!(usual.chance, None);
        let strict = says(&bright, &asked, &asked, Demand::Strict);
        assert_eq!(strict.says, Says::CouldNotTell);
        let dark = Play {
            lit: false,
            ..PERSON
        };
        let dark = says(&dark, &asked, &asked, Demand::Strict);
        assert!(dark.says != Says::Fits, "{dark:?}");
    }

    #[test]
    fn programs_too_few_frames_and_none_are_told() {
        let asked = plan(6);
        let frames = recorded(&asked, &PERSON, 1);
        let of = |frames: &[Frame], camera: &str| {
            doubt(&asked, frames, camera, Demand::Usual, Rules::builtin())
        };
        assert_eq!(of(&frames, "OBS Virtual Camera").says, Says::Against);
        assert_eq!(of(&frames, "").says, Says::Fits);
        assert_eq!(of(&frames[..10], "x").says, Says::CouldNotTell);
        assert_eq!(of(&[], "x").says, Says::CouldNotTell);
        let mut faceless = frames.clone();
        faceless.iter_mut().for_each(|frame| frame.landmarks = None);
        assert_eq!(of(&faceless, "x").says, Says::CouldNotTell);
        let mut still = frames;
        still
            .iter_mut()
            .for_each(|frame| frame.change = frame.change.map(|_| 0.01));
        let found = of(&still, "x");
        assert!(
            found.parts.iter().any(|told| told.why == "nothing_moves"),
            "{found:?}"
        );
        assert_eq!(found.says, Says::Against);
    }

    #[test]
    fn odd_numbers_are_no_fault() {
        let asked = plan(8);
        let mut frames = recorded(&asked, &PERSON, 1);
        for (at, frame) in frames.iter_mut().enumerate() {
            match at % 4 {
                0 => frame.landmarks = Some([[0.0, 0.0]; 5]),
                1 => frame.landmarks = Some([[f64::NAN, f64::INFINITY]; 5]),
                2 => frame.face = [f64::NAN, 0.0, 0.0],
                _ => frame.change = Some(f64::NAN),
            }
        }
        let found = doubt(&asked, &frames, "x", Demand::Strict, Rules::builtin());
        assert!(found.says != Says::Fits, "{found:?}");
    }
}
