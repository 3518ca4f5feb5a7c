//! Captures: whether somebody sits before a screen now, asked of him by a site and answered by his own camera.
//!
//! A site asks for a person and gets an address that opens once. His page is given the plan only when he begins, records frames and gives them back before the deadline; what they show is measured frame by frame, the frames are dropped, and [`liuhen_capture`] doubts what was measured. The asking and the answer are leaves of the person's trace, the answer's durable before anybody learns it.
//! Where the site asked for it, the best frame of a recording that fits is compared with the face that is kept, as [`crate::faces`] does it, under the same leaf. Nothing of a frame is kept.

mod frames;

use std::collections::BTreeMap;
use std::sync::Arc;

use liuhen_capture::{Demand, Doubt, Needs, Plan, Recorded, Rules, Says, best, doubt};
use liuhen_vault::SubjectId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use frames::Recording;

use crate::caller::{Caller, Role};
use crate::clock::UnixMs;
use crate::devices::DevicePlace;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::faces::{FaceDoubt, FaceVerdict, SeenFace};
use crate::ledger::named;
use crate::reads::{Handle, ReceiptView};
use crate::{Service, ids};

/// Captures that are kept at once; the oldest go first.
const AT_MOST: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct CaptureRequest {
    /// Of whom.
    pub person: Handle,
    /// The declared purpose, by id.
    pub purpose: String,
    /// How much is demanded.
    pub demand: Demand,
    /// Whether a device that the person registered must have signed the frames.
    pub signed: bool,
    /// Whether a recording that fits is compared with the face that is kept for the purpose.
    pub compare: bool,
    /// Whether the opt-in network is shown some frames.
    pub passive: bool,
}

/// Where a capture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureState {
    /// Its address was not opened yet.
    Asked,
    /// The person has been given the plan.
    Begun,
    /// It was answered.
    Answered,
    /// Its time is over.
    Expired,
}

/// A capture.
#[derive(Debug, Clone, Serialize)]
pub struct CaptureView {
    /// Its id.
    pub id: String,
    /// The declared purpose.
    pub purpose: String,
    /// How much is demanded.
    pub demand: Demand,
    /// Whether a device's signature is.
    pub signed: bool,
    /// Whether it is compared with the face that is kept.
    pub compare: bool,
    /// Whether the opt-in network is shown some frames.
    pub passive: bool,
    /// Where it stands.
    pub state: CaptureState,
    /// When it was asked for.
    pub asked: UnixMs,
    /// Until when it can go on.
    pub until: UnixMs,
    /// What the recording is taken for, when it was answered.
    pub doubt: Option<Doubt>,
    /// Whether it shows the person whose face is kept, when it was compared.
    pub face: Option<CaptureFace>,
    /// The receipt of its last trace.
    pub receipt: ReceiptView,
}

/// Whether a capture shows the person whose face is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CaptureFace {
    /// The answer.
    pub answer: FaceVerdict,
    /// Why it could not be told.
    pub doubt: Option<FaceDoubt>,
}

/// What a person's page learns when he begins.
#[derive(Debug, Clone)]
pub struct CaptureBegun {
    /// What is asked for.
    pub plan: Plan,
    /// What a device has to sign, with the frames.
    pub nonce: [u8; 32],
    /// The keys of his devices for this place; none where he has none.
    pub keys: Vec<Vec<u8>>,
}

/// A capture just asked for.
#[derive(Debug, Clone, Serialize)]
pub struct CaptureAsked {
    /// The capture.
    #[serde(flatten)]
    pub capture: CaptureView,
    /// The path of the page for the person, to be handed to him alone; it opens once.
    pub path: String,
}

/// A capture as it is held until it ends. None outlives the process.
struct Held {
    view: CaptureView,
    /// SHA-256 of what stands in the address.
    secret: [u8; 32],
    subject: SubjectId,
    by: Caller,
    plan: Option<(Plan, [u8; 32])>,
    /// When the plan was told.
    begun: UnixMs,
}

/// Captures under way and the last ones answered, by id.
#[derive(Default)]
pub(crate) struct Captures(Mutex<BTreeMap<String, Held>>);

impl Service {
    /// Asks a person to show that he sits before a screen.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for an unknown purpose or person; [`ServiceError::Conflict`] without the consents the law demands, against the policies, or when it was asked too often; [`ServiceError::Invalid`] when the purpose names no other way than the face; [`ServiceError::NoModels`] where the networks are not installed; [`ServiceError::Trace`] when the trace cannot be made durable.
    pub async fn request_capture(
        &self,
        caller: &Caller,
        request: &CaptureRequest,
    ) -> Result<CaptureAsked> {
        caller.need(Role::Reader, "ask for captures")?;
        let purpose = self.face_purpose(&request.purpose)?;
        let subject = self.one_subject(caller, &request.person)?;
        self.faces.ready()?;
        if request.passive {
            self.faces.ready_for_liveness().map_err(|_| {
                ServiceError::Conflict(
                    "the opt-in network is not installed; run `liuhen models install --liveness` where the server runs".to_owned(),
                )
            })?;
        }
        self.may_show_face(caller, subject, &purpose).await?;
        let id = ids::random("cap", 8)?;
        let secret = ids::random("c", 20)?;
        let mut event = self.face_event(caller, Action::Capture, Outcome::Done, &purpose);
        event.details = named([("capture", id.clone())]);
        let traced = self.ledger().subject(subject, &event).await?;
        let now = self.now();
        let view = CaptureView {
            id: id.clone(),
            purpose: purpose.id.clone(),
            demand: request.demand,
            signed: request.signed,
            compare: request.compare,
            passive: request.passive,
            state: CaptureState::Asked,
            asked: now,
            until: after(now, Rules::builtin().challenge.asked_ms),
            doubt: None,
            face: None,
            receipt: self.receipt(&traced)?,
        };
        let held = Held {
            view: view.clone(),
            secret: Sha256::digest(&secret).into(),
            subject,
            by: caller.clone(),
            plan: None,
            begun: now,
        };
        self.captures.keep(id, held, now);
        Ok(CaptureAsked {
            path: format!("/capture/{}.{secret}", view.id),
            capture: view,
        })
    }

    /// A capture, for whoever asked for it.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when the caller asked for none of this id since the program began.
    pub fn capture(&self, caller: &Caller, id: &str) -> Result<CaptureView> {
        let now = self.now();
        let captures = self.captures.0.lock();
        let held = captures.get(id).filter(|held| held.by.id == caller.id);
        let held = held.ok_or(ServiceError::NotFound("capture"))?;
        Ok(held.seen_at(now))
    }

    /// A capture, and the other way that its purpose names, for whoever holds its address.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for another address.
    pub fn capture_behind(&self, key: &str) -> Result<(CaptureView, String)> {
        let now = self.now();
        let view = self.captures.with(key, |held| Ok(held.seen_at(now)))?;
        let purpose = self.purpose(&view.purpose)?;
        let other = purpose.face_alternative.clone().unwrap_or_default();
        Ok((view, other))
    }

    /// Begins a capture: from now on its time runs.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for another address; [`ServiceError::Conflict`] when it was begun before or its time is over.
    pub fn begin_capture(&self, key: &str, place: &DevicePlace) -> Result<CaptureBegun> {
        let now = self.now();
        let subject = self.captures.with(key, |held| Ok(held.subject))?;
        let keys = self.keys_at(&subject, place)?;
        let mut nonce = [0; 32];
        ids::fill(&mut nonce)?;
        let rules = Rules::builtin();
        let mut failed = None;
        let plan = Plan::draw(rules, &mut |below| match ids::below(below) {
            Ok(number) => number,
            Err(error) => {
                failed.get_or_insert(error);
                0
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        self.captures.with(key, |held| {
            if held.seen_at(now).state != CaptureState::Asked {
                return Err(ServiceError::Conflict(
                    "this address was used or its time is over; ask for another".to_owned(),
                ));
            }
            held.view.state = CaptureState::Begun;
            held.begun = now;
            held.view.until = after(now, u64::from(plan.ms()) + rules.challenge.grace_ms);
            held.plan = Some((plan.clone(), nonce));
            Ok(CaptureBegun { plan, nonce, keys })
        })
    }

    /// Most frames of a recording.
    #[must_use]
    pub fn capture_frames_at_most() -> usize {
        Rules::builtin().challenge.most_frames
    }

    /// Milliseconds that a device may take to ask who holds it.
    #[must_use]
    pub fn capture_signing_ms() -> u32 {
        Rules::builtin().device.sign_ms
    }

    /// Doubts a recording. It is looked at once; another needs another address.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for another address; [`ServiceError::Conflict`] when it was not begun, was answered, or its time is over; [`ServiceError::Invalid`] when a frame is no picture; [`ServiceError::Trace`] when the trace cannot be made durable, in which case nothing is answered.
    pub async fn answer_capture(
        self: &Arc<Self>,
        key: &str,
        recording: Recording,
        place: &DevicePlace,
    ) -> Result<Says> {
        let now = self.now();
        // Taken out at once: of two recordings the second finds nothing begun.
        let (view, subject, by, (plan, nonce), begun) = self.captures.with(key, |held| {
            let begun = held.seen_at(now).state == CaptureState::Begun;
            let plan = held.plan.take().filter(|_| begun);
            let plan = plan.ok_or_else(|| {
                ServiceError::Conflict(
                    "this address was used or its time is over; ask for another".to_owned(),
                )
            })?;
            let by = held.by.clone();
            Ok((held.view.clone(), held.subject, by, plan, held.begun))
        })?;
        let (service, place) = (self.clone(), place.clone());
        let needs = Needs {
            demand: view.demand,
            signed: view.signed,
        };
        let (compare, passive) = (view.compare, view.passive);
        let after_ms = u64::try_from(now.saturating_sub(begun)).unwrap_or(0);
        let looked = self.with_pixels(move || {
            let frames = recording.measured(service.faces.eyes(), passive)?;
            let signing = service.signed_by_device(
                &subject,
                recording.signature.as_ref(),
                &recording.challenge(&nonce),
                &place,
            )?;
            let recorded = Recorded {
                frames: &frames,
                camera: &recording.camera,
                after_ms,
                signing,
            };
            let found = doubt(&plan, recorded, needs, Rules::builtin());
            let shows = match compare && found.says == Says::Fits {
                true => Some(service.face_of(&recording, best(&plan, &frames, Rules::builtin()))?),
                false => None,
            };
            Ok((found, shows))
        });
        let purpose = self.purpose(&view.purpose)?;
        let told = |outcome, says: &str, compared: bool| {
            let mut event = self.face_event(&by, Action::Capture, outcome, &purpose);
            event.details = named([
                ("capture", view.id.clone()),
                ("says", says.to_owned()),
                ("rules", Rules::builtin().version.clone()),
            ]);
            if compared {
                let face = [("compared", "the face that is kept".to_owned())];
                event.details.extend(named(face));
            }
            event
        };
        let (found, shows) = match looked.await {
            Ok(found) => found,
            Err(error) => {
                // He was looked at, so that it is told, though nobody learns anything of it.
                let event = told(Outcome::Failed, "unreadable", false);
                self.ledger().subject(subject, &event).await?;
                return Err(error);
            }
        };
        let outcome = match found.says {
            Says::Fits => Outcome::Answered,
            Says::CouldNotTell => Outcome::Failed,
            Says::Against => Outcome::Refused,
        };
        let event = told(outcome, said(found.says), shows.is_some());
        let traced = self.ledger().subject(subject, &event).await?;
        let receipt = self.receipt(&traced)?;
        let face = match shows {
            Some(shows) => {
                let told = self.compare_seen(&purpose, subject, shows, traced.index);
                let (answer, doubt) = told.await?;
                Some(CaptureFace { answer, doubt })
            }
            None => None,
        };
        let says = found.says;
        self.captures.with(key, |held| {
            held.view.state = CaptureState::Answered;
            held.view.doubt = Some(found);
            held.view.face = face;
            held.view.receipt = receipt;
            Ok(())
        })?;
        Ok(says)
    }

    /// What the best frame of a recording shows of a face.
    fn face_of(&self, recording: &Recording, best: Option<usize>) -> Result<SeenFace> {
        match best.and_then(|at| recording.frames.get(at)) {
            Some((_, bytes)) => self.faces.seen_in(bytes),
            None => Ok(Err(FaceDoubt::TurnedAway)),
        }
    }
}

impl Captures {
    /// Keeps a capture; beyond [`AT_MOST`] those that ended go first, then the oldest not begun.
    fn keep(&self, id: String, held: Held, now: UnixMs) {
        let mut captures = self.0.lock();
        captures.insert(id, held);
        while captures.len() > AT_MOST {
            let rank = |held: &Held| match held.seen_at(now).state {
                CaptureState::Answered | CaptureState::Expired => 0,
                CaptureState::Asked => 1,
                CaptureState::Begun => 2,
            };
            let first = captures
                .iter()
                .min_by_key(|(_, held)| (rank(held), held.view.asked));
            match first.map(|(id, _)| id.clone()) {
                Some(id) => captures.remove(&id),
                None => break,
            };
        }
    }

    /// What an address leads to.
    fn with<T>(&self, key: &str, then: impl FnOnce(&mut Held) -> Result<T>) -> Result<T> {
        let missing = || ServiceError::NotFound("capture");
        let (id, secret) = key.split_once('.').ok_or_else(missing)?;
        let mut captures = self.0.lock();
        let held = captures.get_mut(id).ok_or_else(missing)?;
        // Hashes are compared, so that how long it takes tells nothing of the secret.
        let given: [u8; 32] = Sha256::digest(secret).into();
        match given == held.secret {
            true => then(held),
            false => Err(missing()),
        }
    }
}

impl Held {
    fn seen_at(&self, now: UnixMs) -> CaptureView {
        let over = matches!(self.view.state, CaptureState::Asked | CaptureState::Begun)
            && now > self.view.until;
        CaptureView {
            state: match over {
                true => CaptureState::Expired,
                false => self.view.state,
            },
            ..self.view.clone()
        }
    }
}

const fn said(says: Says) -> &'static str {
    match says {
        Says::Fits => "fits",
        Says::CouldNotTell => "could_not_tell",
        Says::Against => "against",
    }
}

fn after(now: UnixMs, ms: u64) -> UnixMs {
    now.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
}
