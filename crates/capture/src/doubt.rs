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
    /// A device that the person registered signed these frames.
    Device,
    /// What the opt-in network takes the face for.
    Passive,
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
    /// The whole: against when a part is (light only where it is demanded, passive never), else could not
    /// tell when a part that is demanded could not, or passive is against.
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

/// All that a purpose demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Of the frames.
    pub demand: Demand,
    /// Whether a device of the person must have signed them.
    pub signed: bool,
}

impl From<Demand> for Needs {
    fn from(demand: Demand) -> Self {
        Self {
            demand,
            signed: false,
        }
    }
}

impl Needs {
    const fn need(self, part: Part) -> bool {
        match part {
            Part::Frames | Part::Movements | Part::Depth | Part::Repeats => true,
            Part::Light => matches!(self.demand, Demand::Strict),
            // What a browser says of a camera speaks against it or not at all.
            Part::Camera => false,
            Part::Device => self.signed,
            // It never says that anything fits.
            Part::Passive => false,
        }
    }
}

/// What came of asking a device of the person to sign the frames; whoever verified it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// He has registered none here.
    NoDevice,
    /// He has, and none signed.
    Not,
    /// One signed exactly these frames for this question.
    Signed,
    /// One signed them without asking who held it.
    Unverified,
    /// The signature is none of its key.
    Wrong,
    /// It is one, of other frames or for another question.
    SomethingElse,
    /// It was made on a page of another address.
    Elsewhere,
    /// It names a key that is not registered, or no longer.
    AnotherDevice,
    /// The device signed more often before: there are two of it.
    CountedBack,
}

/// A recording, as it was taken in.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Its frames, in order.
    pub frames: &'a [Frame],
    /// What its recorder calls the camera.
    pub camera: &'a str,
    /// Milliseconds from the telling of the plan until it came, by the clock of whoever told it.
    pub after_ms: u64,
    /// Whether a device of the person signed it.
    pub signing: Signing,
}

/// Doubts a recording of a plan.
#[must_use]
pub fn doubt(plan: &Plan, recorded: Recorded<'_>, needs: impl Into<Needs>, rules: &Rules) -> Doubt {
    let needs = needs.into();
    let Recorded { frames, camera, .. } = recorded;
    let mut parts = vec![
        enough(recorded, rules),
        repeats(frames, rules),
        named(camera, rules),
        signed(recorded.signing),
    ];
    let mut chance = None;
    if parts.first().is_some_and(|told| told.says == Says::Fits) {
        let moved = movements(plan, frames, rules);
        let lit = light(plan, frames, rules);
        if let (Says::Fits, Says::Fits, Some(of_light)) = (moved.says, lit.says, lit.number) {
            // Movements may come late, in steps, any of which may fit.
            let tries = f64::from(rules.movement.late_ms / LATE_STEP + 1);
            chance = Some((of_light * tries / plan.orders()).min(1.0));
        }
        let solid = depth(plan, frames, moved.says == Says::Fits, rules);
        parts.extend([moved, solid, lit]);
    }
    parts.extend(looks_alive(frames, rules));
    let against = |told: &&Told| match told.part {
        Part::Light => told.says == Says::Against && needs.need(Part::Light),
        Part::Passive => false,
        _ => told.says == Says::Against,
    };
    let against = parts.iter().any(|told| against(&told));
    // A network of which nobody knows what it was trained on withholds; it accuses nobody.
    let withheld = parts
        .iter()
        .any(|told| told.part == Part::Passive && told.says == Says::Against);
    let lacking = |part: Part| {
        needs.need(part)
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
        Part::Device,
    ];
    Doubt {
        says: match against {
            true => Says::Against,
            false if withheld || needed.into_iter().any(lacking) => Says::CouldNotTell,
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

fn enough(recorded: Recorded<'_>, rules: &Rules) -> Told {
    let frames = recorded.frames;
    let with_face = frames.iter().filter(|frame| frame.landmarks.is_some());
    let seen = share(with_face.count(), frames.len());
    let last = frames.last().map_or(0, |frame| u64::from(frame.ms));
    let (says, why) = match are_enough(frames, rules) {
        _ if last > recorded.after_ms => (Says::Against, "sooner_than_it_takes"),
        false => (Says::CouldNotTell, "too_few_frames"),
        true if seen < 0.8 => (Says::CouldNotTell, "no_single_face"),
        true => (Says::Fits, "one_face"),
    };
    told(Part::Frames, says, why, Some(seen))
}

fn repeats(frames: &[Frame], rules: &Rules) -> Told {
    let mut met = HashSet::new();
    let mut last = None;
    let mut again = 0_usize;
    for frame in frames {
        let fresh = met.insert(frame.sum);
        again += usize::from(!fresh && last != Some(frame.sum));
        last = Some(frame.sum);
    }
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

const fn signed(signing: Signing) -> Told {
    let (says, why) = match signing {
        Signing::Signed => (Says::Fits, "signed_by_a_registered_device"),
        Signing::NoDevice => (Says::CouldNotTell, "no_device_registered"),
        Signing::Not => (Says::CouldNotTell, "not_signed"),
        Signing::Unverified => (Says::CouldNotTell, "holder_not_verified"),
        Signing::Wrong => (Says::Against, "signature_wrong"),
        Signing::SomethingElse => (Says::Against, "signature_of_something_else"),
        Signing::Elsewhere => (Says::Against, "signed_elsewhere"),
        Signing::AnotherDevice => (Says::Against, "another_device"),
        Signing::CountedBack => (Says::Against, "counter_went_back"),
    };
    told(Part::Device, says, why, None)
}

fn looks_alive(frames: &[Frame], rules: &Rules) -> Option<Told> {
    let looked = frames.iter().filter_map(|frame| frame.passive).collect();
    let middle = median(looked)?;
    let (says, why) = match middle < rules.passive.below {
        true => (Says::Against, "looks_like_a_picture"),
        false => (Says::CouldNotTell, "says_nothing"),
    };
    Some(told(Part::Passive, says, why, Some(middle)))
}

/// Steps in which it is tried how late a person is, in milliseconds.
const LATE_STEP: u32 = 250;

/// Frames of the second half of each step, by step, for somebody who is late by so much.
fn held<'f>(plan: &Plan, frames: &'f [Frame], late: u32) -> Vec<(Deed, Vec<&'f Frame>)> {
    let mut begin = late;
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
    let tries = (0..=rules.movement.latest_ms).step_by(LATE_STEP as usize);
    let late = |told: Told, ms: u32| match told.says {
        Says::Fits if ms > rules.movement.late_ms => Told {
            says: Says::CouldNotTell,
            why: "too_late",
            ..told
        },
        _ => told,
    };
    tries
        .map(|ms| late(moved(plan, frames, ms, rules), ms))
        .min_by(|a, b| {
            let done = |told: &Told| told.number.unwrap_or(0.0);
            a.says.cmp(&b.says).then(done(b).total_cmp(&done(a)))
        })
        .unwrap_or(told(
            Part::Movements,
            Says::CouldNotTell,
            "never_straight",
            None,
        ))
}

/// The movements of somebody who is late by so much.
fn moved(plan: &Plan, frames: &[Frame], late: u32, rules: &Rules) -> Told {
    let steps = held(plan, frames, late);
    let Some(rest) = straight(&steps) else {
        return told(Part::Movements, Says::CouldNotTell, "never_straight", None);
    };
    let (mut done, mut begun, mut asked, mut seen) = (0, 0, 0, 0);
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
        let held = |least: f64| {
            let so = noses
                .iter()
                .filter(|nose| towards([nose[0] - rest[0], nose[1] - rest[1]]) >= least)
                .count();
            usize::from(!noses.is_empty() && share(so, noses.len()) >= rules.movement.held)
        };
        done += held(least);
        begun += held(least * rules.movement.begun);
    }
    let number = Some(share(done, asked));
    let (says, why) = if done == asked {
        (Says::Fits, "as_asked")
    } else if seen < asked {
        (Says::CouldNotTell, "face_lost")
    } else if begun == asked {
        (Says::CouldNotTell, "turned_too_little")
    } else if begun * 2 > asked {
        // A person may misunderstand; whoever does hardly any of it was not there.
        (Says::CouldNotTell, "not_all_as_asked")
    } else {
        (Says::Against, "not_as_asked")
    };
    told(Part::Movements, says, why, number)
}

/// The frame that shows a face best: held straight, and nearest.
#[must_use]
pub fn best(plan: &Plan, frames: &[Frame], rules: &Rules) -> Option<usize> {
    let rest = straight(&held(plan, frames, 0))?;
    let straight = |frame: &Frame| {
        frame
            .nose()
            .is_some_and(|nose| (nose[0] - rest[0]).abs() < rules.movement.turned / 3.0)
    };
    let due = |frame: &Frame| {
        plan.at(frame.ms)
            .is_some_and(|(step, ..)| step.deed == Deed::Straight)
    };
    let wide = |frame: &Frame| {
        frame
            .landmarks
            .map_or(0.0, |[right, left, ..]| (left[0] - right[0]).abs())
    };
    frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| due(frame) && straight(frame))
        .max_by(|(_, a), (_, b)| wide(a).total_cmp(&wide(b)))
        .map(|(at, _)| at)
}

fn depth(plan: &Plan, frames: &[Frame], moved: bool, rules: &Rules) -> Told {
    let steps = held(plan, frames, 0);
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
        // Who turns a little moves like a plane, too; who does all that was asked does not.
        Some(off) if off <= rules.depth.flat && moved => {
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
    let fits: Vec<f64> = orders(colours.len())
        .iter()
        .map(|order| fit(order))
        .collect();
    let as_well = fits.iter().filter(|other| **other >= own).count();
    let chance = share(as_well, fits.len());
    let best = fits.iter().copied().fold(f64::MIN, f64::max);
    let (says, why) = if chance <= rules.light.chance {
        (Says::Fits, "follows_the_screen")
    } else if best >= rules.light.other && own <= best - rules.light.behind {
        (Says::Against, "follows_another_order")
    } else {
        (Says::CouldNotTell, "hardly_follows_the_screen")
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

/// Most lights whose orders are all tried.
pub(crate) const MOST_LIGHTS: usize = 8;

/// Every order of so many lights in which none follows itself.
fn orders(count: usize) -> Vec<Vec<Deed>> {
    let mut all: Vec<Vec<Deed>> = vec![Vec::new()];
    for _ in 0..count.min(MOST_LIGHTS) {
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
