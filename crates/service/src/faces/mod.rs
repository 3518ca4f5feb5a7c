//! Faces: enrolled under a purpose, asked about, ended. What is kept is a template that only its key makes sense of ([`liuhen_vault::face`]); the picture is looked at and dropped.
//!
//! Rules: PIPL articles 26, 28, 29 and 31; 人脸识别技术应用安全管理办法 (2025) articles 6, 7, 10 and 15. A purpose that uses faces names another way than the face; the person consents to it separately, for whoever is under fourteen a guardian; withdrawing the consent ends the face.
//!
//! The order is that of a read ([`crate::reads`]): whatever the answer is, its leaf in the person's trace is durable before it; the template is opened after the leaf. An answer is yes, no or "could not tell"; how alike two faces are leaves this module in no form.
//! That a picture shows a living person who stands before the camera is not asked here; [`crate::captures`] asks it, and compares by [`Service::compare_seen`].

mod asked;
mod filing;
mod gaze;
mod rules;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use liuhen_kinds::Kind;
use liuhen_vault::face::{Features, cosine_at};
use liuhen_vault::registry::ConsentState;
use liuhen_vault::store::{Space, StoreError};
use liuhen_vault::trace::Owner;
use liuhen_vault::{SubjectId, VaultError};
use liuhen_vision::Eyes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use filing::{FaceFiling, FilingState};

use crate::caller::{Caller, Role};
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::imports::level_of;
use crate::ledger::{EventRow, named};
use crate::policy::{Ask, Facts, Reason, View};
use crate::purposes::PurposeView;
use crate::reads::{Found, Handle, ReceiptView, age_on, birth_of};
use crate::{Service, ids, shelf};
use gaze::Gaze;
use rules::rules;

/// The field that a purpose declares and policies see.
pub(crate) const FIELD: &str = "face";
/// Where policies see faces lie.
const COLLECTION: &str = "faces";
/// Events of a person looked through at once for questions about his face.
const LOOK_BACK: usize = 1_000;

/// The one face of a picture, or why it cannot be told.
pub(crate) type SeenFace = std::result::Result<Features, FaceDoubt>;

/// What belongs to faces and lives as long as the service.
pub(crate) struct Faces {
    gaze: Gaze,
    asked: asked::Asked,
    /// Held from the look at a consent until a face is kept, and while one is withdrawn.
    gate: tokio::sync::Mutex<()>,
}

impl Faces {
    pub(crate) fn with(models: Option<PathBuf>) -> Self {
        Self {
            gaze: Gaze::over(models),
            asked: asked::Asked::default(),
            gate: tokio::sync::Mutex::default(),
        }
    }

    /// Refuses where weights are missing.
    pub(crate) fn ready(&self) -> Result<()> {
        self.gaze.ready()
    }

    /// Refuses where the opt-in network is missing.
    pub(crate) fn ready_for_liveness(&self) -> Result<()> {
        self.gaze.ready_for_liveness()
    }

    /// The networks, opened when they are first needed.
    pub(crate) const fn eyes(&self) -> &Eyes {
        self.gaze.eyes()
    }

    /// What a picture shows, for whoever holds one already and runs off the runtime.
    pub(crate) fn seen_in(&self, picture: &[u8]) -> Result<SeenFace> {
        self.gaze.at(picture)
    }

    /// Keeps anybody from being enrolled until it is dropped.
    pub(crate) async fn closed(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.gate.lock().await
    }
}

/// Why it could not be told whether a picture shows somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaceDoubt {
    /// It shows no face.
    NoFace,
    /// It shows several.
    SeveralFaces,
    /// What it shows may be a face.
    Unclear,
    /// The face is too small.
    TooSmall,
    /// The face is turned away.
    TurnedAway,
    /// The face is blurred.
    Blurred,
    /// The faces are neither alike enough nor different enough.
    Borderline,
    /// Nobody's face is kept to compare with.
    NotEnrolled,
}

impl FaceDoubt {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFace => "no_face",
            Self::SeveralFaces => "several_faces",
            Self::Unclear => "unclear",
            Self::TooSmall => "too_small",
            Self::TurnedAway => "turned_away",
            Self::Blurred => "blurred",
            Self::Borderline => "borderline",
            Self::NotEnrolled => "not_enrolled",
        }
    }

    /// What to do about it, in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoFace => "the picture shows no face",
            Self::SeveralFaces => "the picture shows several faces; one is needed",
            Self::Unclear => "what the picture shows may be a face; take another",
            Self::TooSmall => "the face is too small; come nearer",
            Self::TurnedAway => "the face is turned away; look into the camera",
            Self::Blurred => "the face is blurred; hold still",
            Self::Borderline => "it could be the same person or another; take another picture",
            Self::NotEnrolled => "no face is kept for this purpose",
        }
    }
}

/// What was answered about a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaceVerdict {
    /// The picture shows the person who was enrolled, as far as such networks tell.
    Yes,
    /// It shows somebody else.
    No,
    /// It could not be told.
    CouldNotTell,
}

/// A face that was enrolled.
#[derive(Debug, Clone, Serialize)]
pub struct FaceEnrolment {
    /// Whether one kept before was replaced: its key is destroyed.
    pub renewed: bool,
    /// The receipt of its trace.
    pub receipt: ReceiptView,
}

/// A question about a face, beside the picture.
#[derive(Debug, Clone)]
pub struct FaceQuestion {
    /// Whom it is compared with.
    pub person: Handle,
    /// The declared purpose, by id.
    pub purpose: String,
    /// The caller's own case or order number, kept in the trace.
    pub reference: Option<String>,
}

/// What became of a question about a face.
#[derive(Debug, Clone, Serialize)]
pub struct FaceAnswer {
    /// Id of the decision, also in the trace.
    pub decision: String,
    /// Answered, failed (the picture does not do), refused, erased or unknown.
    pub outcome: Outcome,
    /// The answer, when there is one.
    pub answer: Option<FaceVerdict>,
    /// Why it could not be told.
    pub doubt: Option<FaceDoubt>,
    /// Why it was refused.
    pub reasons: Vec<Reason>,
    /// The receipt.
    pub receipt: ReceiptView,
}

/// A face held of a person, for himself.
#[derive(Debug, Clone, Serialize)]
pub struct OwnFace {
    /// The purpose.
    pub purpose: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The other way than the face.
    pub alternative: String,
    /// Since when.
    pub since: UnixMs,
}

/// Why a face may not be kept or compared, whatever policies say.
#[derive(Clone, Copy)]
enum Bar {
    Consent,
    Guardian,
}

impl Bar {
    fn reason(self) -> Reason {
        let (policy, zh, en) = match self {
            Self::Consent => (
                "face-consent-needed",
                "本人没有就该用途使用人脸单独同意，或已撤回",
                "there is no separate consent to the use of the face for this purpose, or it was withdrawn",
            ),
            Self::Guardian => (
                "face-guardian-needed",
                "本人不满十四周岁，须由监护人同意",
                "the person is under fourteen, so a guardian must consent",
            ),
        };
        Reason {
            policy: policy.to_owned(),
            zh: zh.to_owned(),
            en: en.to_owned(),
        }
    }

    fn refusal(self) -> ServiceError {
        ServiceError::Conflict(self.reason().en)
    }
}

fn too_many(from: UnixMs) -> Reason {
    let from = crate::clock::rfc3339(from);
    Reason {
        policy: "face-questions-exhausted".to_owned(),
        zh: format!("就此人的人脸询问次数已达上限，{from} 之后再试；请改用其他方式核验"),
        en: format!(
            "this person's face was asked about too often; ask again after {from}, or use the other way"
        ),
    }
}

impl Service {
    /// Keeps a template of the face that a picture shows, under a key of its own; the picture is dropped. A face kept before for the purpose ends with its key.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] when the purpose names no other way than the face; [`ServiceError::Conflict`] without the consents the law demands; [`ServiceError::CouldNotTell`] when the picture does not do; [`ServiceError::NoModels`] where the networks are not installed.
    pub async fn enrol_face(
        self: &Arc<Self>,
        caller: &Caller,
        handle: &Handle,
        purpose: &str,
        picture: Zeroizing<Vec<u8>>,
    ) -> Result<FaceEnrolment> {
        may_enrol(caller)?;
        let purpose = self.face_purpose(purpose)?;
        let subject = self.one_subject(caller, handle)?;
        // Before the picture is looked at: without a consent not even that is lawful.
        self.stop_at_bar(caller, &subject, &purpose).await?;
        let seen = self.seen(picture).await?;
        let gate = self.faces.closed().await;
        self.stop_at_bar(caller, &subject, &purpose).await?;
        let face = match seen {
            Ok(face) => face,
            Err(doubt) => {
                let event =
                    self.face_event(caller, Action::FaceEnrolment, Outcome::Failed, &purpose);
                let event = with(event, "face", doubt.name());
                self.ledger().subject(subject, &event).await?;
                return Err(ServiceError::CouldNotTell(doubt));
            }
        };
        let event = self.face_event(caller, Action::FaceEnrolment, Outcome::Done, &purpose);
        let traced = self.ledger().subject(subject, &event).await?;
        let renewed = self
            .vault
            .enrol_face(&subject, &purpose.id, &face, self.now())?;
        self.mind_the_clock()?;
        drop(gate);
        Ok(FaceEnrolment {
            renewed,
            receipt: self.receipt(&traced)?,
        })
    }

    /// Whether a picture shows the person whose face is kept for a purpose.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a question that cannot be decided on; [`ServiceError::NoModels`]; [`ServiceError::Trace`] when the trace cannot be made durable, in which case nothing is answered.
    pub async fn verify_face(
        self: &Arc<Self>,
        caller: &Caller,
        question: &FaceQuestion,
        picture: Zeroizing<Vec<u8>>,
    ) -> Result<FaceAnswer> {
        caller.need(Role::Reader, "ask about faces")?;
        let purpose = self.face_purpose(&question.purpose)?;
        let long = |text: &String| text.chars().count() > 80;
        if question.reference.as_ref().is_some_and(long) {
            return Err(ServiceError::Invalid(
                "a reference has at most 80 characters".to_owned(),
            ));
        }
        let mut asked = Asked {
            caller,
            purpose: &purpose,
            reference: question.reference.as_deref(),
            decision: ids::random("d", 10)?,
            policies: self.policies.load().version.clone(),
        };
        let subject = match self.one_found(caller, &question.person)? {
            Found::Subject(subject, _) => subject,
            Found::Erased => return self.answer_no_face(&asked, Outcome::Erased).await,
            Found::Unknown | Found::Decoy(_) => {
                return self.answer_no_face(&asked, Outcome::Unknown).await;
            }
        };
        let mut reasons = self.may_ask(&mut asked, &subject)?;
        if reasons.is_empty() {
            self.faces.gaze.ready()?;
            reasons.extend(self.one_more(subject)?);
        }
        if !reasons.is_empty() {
            return self.refuse_face(&asked, subject, reasons).await;
        }
        let seen = self.seen(picture).await?;
        self.answer_face(&asked, subject, seen).await
    }

    /// Ends the face kept of a person for a purpose: its key is destroyed. His consent stays as it is.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when none is kept.
    pub async fn end_face(
        &self,
        caller: &Caller,
        handle: &Handle,
        purpose: &str,
    ) -> Result<ReceiptView> {
        if !caller.has(Role::Desk) {
            may_enrol(caller)?;
        }
        let purpose = self.purpose(purpose)?;
        let subject = self.one_subject(caller, handle)?;
        let gate = self.faces.closed().await;
        if self.vault.face(&subject, &purpose.id)?.is_none() {
            return Err(ServiceError::NotFound("face"));
        }
        let event = self.face_event(caller, Action::FaceEnd, Outcome::Done, &purpose);
        let traced = self.ledger().subject(subject, &event).await?;
        self.destroy_face(&subject, &purpose.id)?;
        drop(gate);
        self.receipt(&traced)
    }

    /// Destroys the key of a face; the caller holds the gate and has traced why.
    pub(crate) fn destroy_face(&self, subject: &SubjectId, purpose: &str) -> Result<()> {
        match self.vault.end_face(subject, purpose) {
            // The key is gone; that the files forget its page waits for a reader to leave.
            Err(VaultError::Store(StoreError::Busy)) => {
                tracing::warn!("the files of the vault still hold the page of a destroyed key");
                Ok(())
            }
            ended => {
                ended?;
                Ok(())
            }
        }
    }

    /// The faces held of a person, for himself.
    pub(crate) fn own_faces(&self, subject: &SubjectId) -> Result<Vec<OwnFace>> {
        let faces = self.vault.faces_of(subject)?.into_iter();
        let own = faces.map(|held| {
            let purpose = self.purpose(&held.purpose)?;
            Ok(OwnFace {
                name_zh: purpose.name_zh.clone(),
                name_en: purpose.name_en.clone(),
                alternative: purpose.face_alternative.clone().unwrap_or_default(),
                since: held.at,
                purpose: held.purpose,
            })
        });
        own.collect()
    }

    /// Largest file of a picture of a face, in bytes.
    ///
    /// # Errors
    ///
    /// Never in a tested build.
    pub fn face_file_at_most(&self) -> Result<u64> {
        Ok(rules()?.picture.file)
    }

    pub(crate) fn face_purpose(&self, id: &str) -> Result<Arc<PurposeView>> {
        let purpose = self.purpose(id)?;
        if purpose.face_alternative.is_none() {
            return Err(ServiceError::Invalid(format!(
                "the purpose {id} names no other way than the face, so it may not use faces"
            )));
        }
        Ok(purpose)
    }

    async fn stop_at_bar(
        &self,
        caller: &Caller,
        subject: &SubjectId,
        purpose: &PurposeView,
    ) -> Result<()> {
        let Some(bar) = self.bar(subject, purpose)? else {
            return Ok(());
        };
        let event = self.face_event(caller, Action::FaceEnrolment, Outcome::Refused, purpose);
        let event = with(event, "policy", &bar.reason().policy);
        self.ledger().subject(*subject, &event).await?;
        Err(bar.refusal())
    }

    /// Whether somebody may be asked to show his face under a purpose: the policies, his consent, a guardian's, and how often it was asked. A refusal is traced.
    pub(crate) async fn may_show_face(
        &self,
        caller: &Caller,
        subject: SubjectId,
        purpose: &PurposeView,
    ) -> Result<()> {
        let mut asked = Asked {
            caller,
            purpose,
            reference: None,
            decision: ids::random("d", 10)?,
            policies: self.policies.load().version.clone(),
        };
        let mut reasons = self.may_ask(&mut asked, &subject)?;
        if reasons.is_empty() {
            reasons.extend(self.one_more(subject)?);
        }
        let Some(reason) = reasons.first() else {
            return Ok(());
        };
        let event = self.face_event(caller, Action::Capture, Outcome::Refused, purpose);
        let event = with(event, "policy", &reason.policy);
        self.ledger().subject(subject, &event).await?;
        Err(ServiceError::Conflict(reason.en.clone()))
    }

    /// What the law asks for before a face is kept or compared.
    fn bar(&self, subject: &SubjectId, purpose: &PurposeView) -> Result<Option<Bar>> {
        let said = self.vault.consent(subject, &purpose.id)?;
        let Some(said) = said.map(|stored| stored.value) else {
            return Ok(Some(Bar::Consent));
        };
        if said.state != ConsentState::Given
            || !said.separate
            || !self.named_faces(&purpose.id, said.purpose_version)?
        {
            return Ok(Some(Bar::Consent));
        }
        let alone = said.guardian.is_none() && self.needs_guardian(subject)?;
        Ok(alone.then_some(Bar::Guardian))
    }

    /// Whether the version of a purpose that somebody consented to used faces.
    fn named_faces(&self, purpose: &str, version: u32) -> Result<bool> {
        let history = self.vault.purpose_history(purpose)?;
        let shown = history.into_iter().find(|stored| stored.version == version);
        Ok(shown.is_some_and(|stored| stored.value.face_alternative.is_some()))
    }

    /// Whether a person is under fourteen by any birth date on record; asked inside, and told to nobody.
    fn needs_guardian(&self, subject: &SubjectId) -> Result<bool> {
        if self.vault.flags(subject)?.minor {
            return Ok(true);
        }
        let (below, today) = (rules()?.law.guardian_below, crate::clock::day(self.now()));
        for collection in self.vault.collections(subject)? {
            let shape = self.vault.record_shape(subject, &collection)?;
            let births = shape.fields.iter().filter(|field| {
                matches!(field.kind, Some(Kind::RESIDENT_ID | Kind::DATE_OF_BIRTH))
            });
            let names: Vec<&str> = births.map(|field| field.name.as_str()).collect();
            if names.is_empty() {
                continue;
            }
            for field in self.vault.open_fields(subject, &collection, &names)? {
                let birth = field.kind.and_then(|kind| birth_of(kind, &field.value));
                let age = birth.and_then(|birth| age_on(&birth, &today));
                if age.is_some_and(|age| age < below) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What a picture shows, looked at off the runtime and dropped.
    async fn seen(
        self: &Arc<Self>,
        picture: Zeroizing<Vec<u8>>,
    ) -> Result<std::result::Result<Features, FaceDoubt>> {
        if picture.len() as u64 > rules()?.picture.file {
            return Err(ServiceError::Invalid(format!(
                "a picture of a face has at most {} bytes",
                rules()?.picture.file
            )));
        }
        self.faces.gaze.ready()?;
        let service = Arc::clone(self);
        self.with_pixels(move || service.faces.gaze.at(&picture))
            .await
    }

    fn one_found(&self, caller: &Caller, handle: &Handle) -> Result<Found> {
        let mut found = Vec::new();
        self.resolve(caller, handle, &mut found)?;
        if found.len() > 1 {
            return Err(ServiceError::Invalid(
                "this leads to several persons; name one by a token or a resident ID".to_owned(),
            ));
        }
        Ok(found.pop().unwrap_or(Found::Unknown))
    }

    /// Why policies and law refuse a question; nothing when they do not.
    fn may_ask(&self, asked: &mut Asked<'_>, subject: &SubjectId) -> Result<Vec<Reason>> {
        let purpose = asked.purpose;
        let since = self.vault.face(subject, &purpose.id)?.map(|held| held.at);
        let fields = [FIELD.to_owned()];
        let facts = Facts {
            collection: COLLECTION,
            objects_marketing: self.objects_marketing(subject)?,
            purpose: &purpose.id,
            basis: purpose.basis,
            marketing: purpose.marketing,
            purpose_fields: &purpose.fields,
            fields: &fields,
            level: level_of(Some(Kind::FACE_TEMPLATE)),
            consent: self.consent_state(subject, &purpose.id)?,
            retention_over: since.is_some_and(|at| self.retention_over(at, purpose)),
            count: 1,
        };
        let policies = self.policies.load_full();
        asked.policies.clone_from(&policies.version);
        let mut reasons: Vec<Reason> = policies
            .decide(asked.caller, Ask::View(View::Answer), &facts)?
            .into_iter()
            .collect();
        reasons.extend(self.bar(subject, purpose)?.map(Bar::reason));
        Ok(reasons)
    }

    /// Counts a question about a person, or says why there is no room for it.
    fn one_more(&self, subject: SubjectId) -> Result<Option<Reason>> {
        let (now, questions) = (self.now(), &rules()?.questions);
        let before = || self.asked_before(&subject, asked::Asked::since(now));
        let counted = self.faces.asked.count(subject, now, questions, before)?;
        Ok(counted.err().map(too_many))
    }

    /// When a person's face was asked about, by his trace: oldest first.
    fn asked_before(&self, subject: &SubjectId, since: UnixMs) -> Result<VecDeque<UnixMs>> {
        let mut times = VecDeque::new();
        let (owner, mut below) = (Owner::Subject(*subject), u64::MAX);
        // By time and not by number: refused questions are events too, and bounded by nothing.
        loop {
            let events = self.vault.trace().events(owner, below, LOOK_BACK, true)?;
            let Some((last, _)) = events.last() else {
                return Ok(times);
            };
            below = *last;
            for (_, place) in events {
                let key = place.index.to_be_bytes();
                let row: Option<EventRow> = shelf::get(self.store(), Space::Events, &key)?;
                let Some(event) = row.map(|row| row.event) else {
                    continue;
                };
                let time: Option<jiff::Timestamp> = event.time.parse().ok();
                let at = time.map_or(0, jiff::Timestamp::as_millisecond);
                if at < since {
                    return Ok(times);
                }
                // A capture counts when it is asked for, as it did before the restart.
                let counts = match event.action {
                    Action::FaceCheck => {
                        matches!(event.outcome, Outcome::Answered | Outcome::Failed)
                    }
                    Action::Capture => event.outcome == Outcome::Done,
                    _ => false,
                };
                if counts {
                    times.push_front(at);
                }
            }
        }
    }

    async fn answer_face(
        &self,
        asked: &Asked<'_>,
        subject: SubjectId,
        seen: std::result::Result<Features, FaceDoubt>,
    ) -> Result<FaceAnswer> {
        let outcome = match seen {
            Ok(_) => Outcome::Answered,
            Err(_) => Outcome::Failed,
        };
        let mut event = self.check_event(asked, outcome);
        if let Err(doubt) = seen {
            event = with(event, "face", doubt.name());
        }
        let traced = match self.ledger().subject(subject, &event).await {
            // Erased between the look-up and here.
            Err(ServiceError::Vault(VaultError::Erased)) => {
                return self.answer_no_face(asked, Outcome::Erased).await;
            }
            traced => traced?,
        };
        let told = self.compare_seen(asked.purpose, subject, seen, traced.index);
        let (answer, doubt) = told.await?;
        Ok(FaceAnswer {
            decision: asked.decision.clone(),
            outcome,
            answer: Some(answer),
            doubt,
            reasons: Vec::new(),
            receipt: self.receipt(&traced)?,
        })
    }

    /// Compares a face with the one kept for a purpose; the leaf at `index` tells of it.
    pub(crate) async fn compare_seen(
        &self,
        purpose: &PurposeView,
        subject: SubjectId,
        seen: SeenFace,
        index: u64,
    ) -> Result<(FaceVerdict, Option<FaceDoubt>)> {
        let face = match seen {
            Ok(face) => face,
            Err(doubt) => return Ok((FaceVerdict::CouldNotTell, Some(doubt))),
        };
        self.await_surety(purpose.surety, index).await?;
        match self.vault.compare_face(&subject, &purpose.id, &face) {
            // Erased between the leaf and here: nobody is there to be compared with.
            Err(VaultError::Erased) => {
                Ok((FaceVerdict::CouldNotTell, Some(FaceDoubt::NotEnrolled)))
            }
            differing => judged(differing?),
        }
    }

    async fn refuse_face(
        &self,
        asked: &Asked<'_>,
        subject: SubjectId,
        reasons: Vec<Reason>,
    ) -> Result<FaceAnswer> {
        let mut event = self.check_event(asked, Outcome::Refused);
        for reason in &reasons {
            event = with(event, "policy", &reason.policy);
        }
        let traced = self.ledger().subject(subject, &event).await?;
        Ok(FaceAnswer {
            decision: asked.decision.clone(),
            outcome: Outcome::Refused,
            answer: None,
            doubt: None,
            reasons,
            receipt: self.receipt(&traced)?,
        })
    }

    async fn answer_no_face(&self, asked: &Asked<'_>, outcome: Outcome) -> Result<FaceAnswer> {
        let event = self.check_event(asked, outcome);
        let traced = self.ledger().operator(&event).await?;
        Ok(FaceAnswer {
            decision: asked.decision.clone(),
            outcome,
            answer: None,
            doubt: None,
            reasons: Vec::new(),
            receipt: self.receipt(&traced)?,
        })
    }

    fn check_event(&self, asked: &Asked<'_>, outcome: Outcome) -> Event {
        let mut event = self.face_event(asked.caller, Action::FaceCheck, outcome, asked.purpose);
        event.decision = Some(asked.decision.clone());
        event.policies = Some(asked.policies.clone());
        if let Some(reference) = asked.reference {
            event = with(event, "reference", reference);
        }
        event
    }

    pub(crate) fn face_event(
        &self,
        caller: &Caller,
        action: Action,
        outcome: Outcome,
        purpose: &PurposeView,
    ) -> Event {
        let mut event = self.event(caller, action, outcome);
        event.purpose = Some(purpose.id.clone());
        event.fields = vec![FIELD.to_owned()];
        event
    }
}

/// What all answers to a question have in common.
struct Asked<'a> {
    caller: &'a Caller,
    purpose: &'a PurposeView,
    reference: Option<&'a str>,
    decision: String,
    policies: String,
}

fn may_enrol(caller: &Caller) -> Result<()> {
    caller.need(Role::Importer, "enrol faces")
}

fn with(mut event: Event, key: &'static str, value: &str) -> Event {
    event.details.extend(named([(key, value.to_owned())]));
    event
}

/// The answer to so many differing bits; a number is told to nobody.
fn judged(differing: Option<u32>) -> Result<(FaceVerdict, Option<FaceDoubt>)> {
    let Some(differing) = differing else {
        return Ok((FaceVerdict::CouldNotTell, Some(FaceDoubt::NotEnrolled)));
    };
    let (cosine, rules) = (cosine_at(differing), &rules()?.answer);
    Ok(if cosine >= rules.same + rules.margin {
        (FaceVerdict::Yes, None)
    } else if cosine < rules.same - rules.margin {
        (FaceVerdict::No, None)
    } else {
        (FaceVerdict::CouldNotTell, Some(FaceDoubt::Borderline))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_by_differing_bits() {
        // cos(π · 391 / 1024) is 0.363.
        let rows = [
            (Some(0), FaceVerdict::Yes, None),
            (Some(375), FaceVerdict::Yes, None),
            (
                Some(391),
                FaceVerdict::CouldNotTell,
                Some(FaceDoubt::Borderline),
            ),
            (Some(407), FaceVerdict::No, None),
            (Some(512), FaceVerdict::No, None),
            (
                None,
                FaceVerdict::CouldNotTell,
                Some(FaceDoubt::NotEnrolled),
            ),
        ];
        for (differing, answer, doubt) in rows {
            assert_eq!(judged(differing).unwrap(), (answer, doubt), "{differing:?}");
        }
    }
}
