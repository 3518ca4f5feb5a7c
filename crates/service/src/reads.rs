//! One look: resolve, decide, trace, and only then decrypt.
//!
//! The order is the product: whatever the answer is, refusal included, its leaf is durable before the answer exists.
//! Values are decrypted after the leaf, so a crash in between leaves a trace of a read that released nothing, never the reverse.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use futures_util::future::join_all;
use liuhen_kinds::{Kind, Lang, RulePack};
use liuhen_tlog::Appended;
use liuhen_vault::{OpenField, Resolved, SiteId, SubjectId, SubjectState, Token, VaultError};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, CallerKind, Role};
use crate::clock::UnixMs;
use crate::decoys::Decoy;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::imports::{level_of, lookup_form, masked};
use crate::policy::{Ask, Facts, Reason, View};
use crate::purposes::PurposeView;
use crate::{Service, ids};

/// How many persons one request may name.
const SUBJECTS_AT_ONCE: usize = 1000;

/// How many persons one exact value may lead to; a value shared by more says nothing about any of them.
pub(crate) const MATCHES_AT_MOST: usize = 20;

/// How a person is named in a request.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Handle {
    /// By the token a business site holds.
    Token {
        /// The token.
        token: String,
    },
    /// By an exact value, through the blind index.
    Value {
        /// Kind of the value.
        kind: Kind,
        /// The value, in any written form.
        value: String,
    },
    /// By the opaque id shown in the console.
    Subject {
        /// The id.
        subject: String,
    },
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token { .. } => f.write_str("Handle::Token"),
            Self::Value { kind, value } => {
                write!(f, "Handle::Value({}, {} bytes)", kind.name(), value.len())
            }
            Self::Subject { subject } => write!(f, "Handle::Subject({subject})"),
        }
    }
}

/// A question answered by yes or no.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Question {
    /// Is the field equal to this value, in any written form?
    Equals {
        /// Name of the field.
        field: String,
        /// The value compared with.
        equals: String,
    },
    /// Is the person at least this old today?
    Age {
        /// Years.
        age_at_least: u8,
    },
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Equals { field, .. } => write!(f, "Question::Equals({field})"),
            Self::Age { age_at_least } => write!(f, "Question::Age({age_at_least})"),
        }
    }
}

/// A request to look.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadRequest {
    /// The declared purpose, by id.
    pub purpose: String,
    /// Whom it concerns.
    pub subjects: Vec<Handle>,
    /// The collection looked into; the only one, when there is only one.
    #[serde(default)]
    pub collection: Option<String>,
    /// The fields asked for (or asked about).
    #[serde(default)]
    pub fields: Vec<String>,
    /// Plain, masked, or answers only.
    pub view: View,
    /// For answers: the questions.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// The caller's own case or order number, kept in the trace.
    #[serde(default)]
    pub reference: Option<String>,
}

/// A value that was released.
#[derive(Clone, Serialize)]
pub struct Released {
    /// Name of the field.
    pub name: String,
    /// Its kind.
    pub kind: Option<Kind>,
    /// Name of the kind in Chinese, or the field's own name.
    pub label_zh: String,
    /// Name of the kind in English, or the field's own name.
    pub label_en: String,
    /// The value, plain or masked as the outcome says.
    pub value: String,
}

impl std::fmt::Debug for Released {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Released({}, {} bytes)", self.name, self.value.len())
    }
}

/// Proof that the log took the trace in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceiptView {
    /// Index of the leaf.
    pub index: u64,
    /// Its hash, hexadecimal.
    pub leaf_hash: String,
    /// The signed receipt, to be kept; `liuhen verify receipt` checks it.
    pub note: String,
}

/// What was answered about one person.
#[derive(Debug, Clone, Serialize)]
pub struct SubjectAnswer {
    /// Plain, masked, answered, refused, erased or unknown.
    pub outcome: Outcome,
    /// Why it was refused, or why it is masked although plain was asked.
    pub reasons: Vec<Reason>,
    /// The person's opaque id, for staff.
    pub subject: Option<String>,
    /// The person's token, for the caller's site.
    pub token: Option<String>,
    /// Values released.
    pub fields: Vec<Released>,
    /// Answers to the questions, in their order.
    pub answers: Vec<bool>,
    /// The receipt.
    pub receipt: ReceiptView,
}

/// What was answered.
#[derive(Debug, Clone, Serialize)]
pub struct ReadAnswer {
    /// Id of the decision, also in the trace.
    pub decision: String,
    /// Version of the policies that decided.
    pub policies: String,
    /// One answer per person; an exact value may lead to several persons.
    pub results: Vec<SubjectAnswer>,
}

/// A person a handle led to.
pub(crate) enum Found {
    Subject(SubjectId, Option<String>),
    /// Nobody, shown by lot.
    Decoy(Box<Decoy>),
    Erased,
    Unknown,
}

/// What was decided about one person.
pub(crate) struct Decided {
    pub(crate) outcome: Outcome,
    reasons: Vec<Reason>,
}

impl Service {
    /// Looks at one or many persons.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a request that cannot be decided on; [`ServiceError::Trace`] when the trace cannot be made durable, in which case nothing is released.
    pub async fn read(&self, caller: &Caller, request: &ReadRequest) -> Result<ReadAnswer> {
        let purpose = self.purpose(&request.purpose)?;
        let collection = self.collection_of(request)?;
        check_request(caller, request)?;
        let policies = self.policies.load_full();
        let decision = ids::random("d", 10)?;
        let mut led = Vec::new();
        for handle in &request.subjects {
            let mut found = Vec::new();
            self.resolve(caller, handle, &mut found)?;
            led.push((handle, found));
        }
        let asked = Asked {
            caller,
            request,
            purpose: &purpose,
            collection: &collection,
            decision: &decision,
            policies: &policies.version,
            count: led.iter().map(|(_, found)| found.len()).sum(),
        };
        // Chances of decoys are durable before anything else happens.
        let led = led
            .into_iter()
            .map(|(handle, found)| self.among(&asked, &policies, handle, found));
        let found: Vec<Vec<Found>> = join_all(led).await.into_iter().collect::<Result<_>>()?;
        let found: Vec<Found> = found.into_iter().flatten().collect();
        // All persons of a request share one flush: their leaves are queued together.
        let answers = join_all(
            found
                .iter()
                .map(|found| self.answer_one(&asked, &policies, found)),
        )
        .await;
        Ok(ReadAnswer {
            policies: policies.version.clone(),
            results: answers.into_iter().collect::<Result<_>>()?,
            decision,
        })
    }

    fn collection_of(&self, request: &ReadRequest) -> Result<String> {
        if let Some(name) = &request.collection {
            return match self.has_collection(name) {
                true => Ok(name.clone()),
                false => Err(ServiceError::NotFound("collection")),
            };
        }
        let all = self.collections();
        match all.as_slice() {
            [only] => Ok(only.name.clone()),
            [] => Err(ServiceError::Invalid(
                "nothing has been imported yet".to_owned(),
            )),
            _ => Err(ServiceError::Invalid(
                "say which collection: there are several".to_owned(),
            )),
        }
    }

    /// Whom a handle leads to. A token of another site is unknown, not forbidden: its existence is nobody else's business.
    pub(crate) fn resolve(
        &self,
        caller: &Caller,
        handle: &Handle,
        found: &mut Vec<Found>,
    ) -> Result<()> {
        match handle {
            Handle::Token { token } => {
                let site = match &caller.site {
                    Some(site) => SiteId::from_str(site).ok(),
                    // Staff may look up any site's token; a key without a site, none.
                    None if caller.kind == CallerKind::Service => None,
                    None => token
                        .parse::<Token>()
                        .ok()
                        .map(|token| token.site().clone()),
                };
                let resolved = match site {
                    Some(site) => self.vault.resolve_token(&site, token)?,
                    None => Resolved::Unknown,
                };
                found.push(match resolved {
                    Resolved::Subject(id) => Found::Subject(id, Some(token.clone())),
                    Resolved::Erased => Found::Erased,
                    Resolved::Unknown => Found::Unknown,
                });
            }
            Handle::Value { kind, value } => {
                let subjects = match lookup_form(*kind, value) {
                    Some(normal) => self.vault.find(Some(*kind), &normal)?,
                    None => Vec::new(),
                };
                if subjects.len() > MATCHES_AT_MOST {
                    return Err(ServiceError::Invalid(format!(
                        "this value is shared by more than {MATCHES_AT_MOST} persons; name one by a token or a resident ID"
                    )));
                }
                if subjects.is_empty() {
                    found.push(Found::Unknown);
                }
                found.extend(subjects.into_iter().map(|id| Found::Subject(id, None)));
            }
            Handle::Subject { subject } => {
                let known = SubjectId::from_str(subject)
                    .ok()
                    .filter(|_| caller.kind != CallerKind::Service);
                found.push(match known {
                    None => Found::Unknown,
                    Some(id) => match self.vault.subject_state(&id)? {
                        SubjectState::Live => Found::Subject(id, None),
                        SubjectState::Erased => Found::Erased,
                        SubjectState::Unknown => Found::Unknown,
                    },
                });
            }
        }
        Ok(())
    }

    /// The one person a handle names, for use-cases that concern exactly one.
    pub(crate) fn one_subject(&self, caller: &Caller, handle: &Handle) -> Result<SubjectId> {
        let mut found = Vec::new();
        self.resolve(caller, handle, &mut found)?;
        let mut subjects = found.into_iter().filter_map(|found| match found {
            Found::Subject(id, _) => Some(id),
            _ => None,
        });
        match (subjects.next(), subjects.next()) {
            (Some(id), None) => Ok(id),
            (Some(_), Some(_)) => Err(ServiceError::Invalid(
                "this leads to several persons; name one by a token or a resident ID".to_owned(),
            )),
            _ => Err(ServiceError::NotFound("person")),
        }
    }

    async fn answer_one(
        &self,
        asked: &Asked<'_>,
        policies: &crate::policy::PolicyBook,
        found: &Found,
    ) -> Result<SubjectAnswer> {
        let (subject, token) = match found {
            Found::Subject(id, token) => (id, token),
            Found::Decoy(decoy) => return self.answer_decoy(asked, policies, decoy).await,
            Found::Erased => return self.answer_nobody(asked, Outcome::Erased).await,
            Found::Unknown => return self.answer_nobody(asked, Outcome::Unknown).await,
        };
        // Known here or not, whoever has no record in this collection is a stranger to who asks in it.
        let Some(since) = self.member_since(subject, asked.collection)? else {
            return self.answer_nobody(asked, Outcome::Unknown).await;
        };
        let decided = self.decide_view(asked, policies, subject, since)?;
        let event = self.read_event(asked, decided.outcome, &decided.reasons);
        let traced = match self.ledger().subject(*subject, &event).await {
            // Erased between the look-up and here.
            Err(ServiceError::Vault(VaultError::Erased)) => {
                return self.answer_nobody(asked, Outcome::Erased).await;
            }
            traced => traced?,
        };
        if decided.outcome.released() {
            self.await_surety(asked.purpose.surety, traced.index)
                .await?;
        }
        let (outcome, fields, answers) = match self.release(asked, decided.outcome, subject) {
            // Erased between the leaf and here: the trace tells of a read that released nothing.
            Err(ServiceError::Vault(VaultError::Erased)) => {
                (Outcome::Erased, Vec::new(), Vec::new())
            }
            released => {
                let (fields, answers) = released?;
                (decided.outcome, fields, answers)
            }
        };
        self.ledger().meter().read(outcome);
        let shown = asked.caller.kind != CallerKind::Service;
        Ok(SubjectAnswer {
            outcome,
            reasons: decided.reasons,
            subject: shown.then(|| subject.to_string()),
            token: token.clone(),
            fields,
            answers,
            receipt: self.receipt(&traced)?,
        })
    }

    /// As for a person; only the trace, under the operator's key, knows better.
    async fn answer_decoy(
        &self,
        asked: &Asked<'_>,
        policies: &crate::policy::PolicyBook,
        decoy: &Decoy,
    ) -> Result<SubjectAnswer> {
        let Decided { outcome, reasons } = self.decide_decoy(asked, policies)?;
        let event = self.read_event(asked, outcome, &reasons);
        let traced = self.ledger().decoy(decoy.id, &event).await?;
        let (mut fields, mut answers) = (Vec::new(), Vec::new());
        if outcome.released() {
            self.await_surety(asked.purpose.surety, traced.index)
                .await?;
            let opened = decoy.open(&asked.request.fields);
            (fields, answers) = self.shape(asked, outcome, &opened);
        }
        self.ledger().meter().read(outcome);
        let shown = asked.caller.kind != CallerKind::Service;
        Ok(SubjectAnswer {
            outcome,
            reasons,
            subject: shown.then(|| decoy.id.to_string()),
            token: None,
            fields,
            answers,
            receipt: self.receipt(&traced)?,
        })
    }

    async fn answer_nobody(&self, asked: &Asked<'_>, outcome: Outcome) -> Result<SubjectAnswer> {
        let traced = self
            .ledger()
            .operator(&self.read_event(asked, outcome, &[]))
            .await?;
        self.ledger().meter().read(outcome);
        Ok(SubjectAnswer {
            outcome,
            reasons: Vec::new(),
            subject: None,
            token: None,
            fields: Vec::new(),
            answers: Vec::new(),
            receipt: self.receipt(&traced)?,
        })
    }

    fn read_event(&self, asked: &Asked<'_>, outcome: Outcome, reasons: &[Reason]) -> Event {
        let mut event = self.event(asked.caller, Action::Read, outcome);
        event.purpose = Some(asked.purpose.id.clone());
        event.fields.clone_from(&asked.request.fields);
        event.decision = Some(asked.decision.to_owned());
        event.policies = Some(asked.policies.to_owned());
        event
            .details
            .push(("collection".to_owned(), asked.collection.to_owned()));
        if let Some(reference) = &asked.request.reference {
            event
                .details
                .push(("reference".to_owned(), reference.clone()));
        }
        for reason in reasons {
            event
                .details
                .push(("policy".to_owned(), reason.policy.clone()));
        }
        event
    }

    /// The view the policies allow: the one asked for or, for plain, masked in its place.
    pub(crate) fn decide_view(
        &self,
        asked: &Asked<'_>,
        policies: &crate::policy::PolicyBook,
        subject: &SubjectId,
        since: UnixMs,
    ) -> Result<Decided> {
        let consent = self.consent_state(subject, &asked.purpose.id)?;
        let facts = Facts {
            objects_marketing: self.objects_marketing(subject)?,
            retention_over: self.retention_over(since, asked.purpose),
            ..self.facts(asked, consent)
        };
        Self::decide_on(asked, policies, &facts)
    }

    /// The view of a decoy: of somebody who consented, objects to nothing and was taken in today.
    pub(crate) fn decide_decoy(
        &self,
        asked: &Asked<'_>,
        policies: &crate::policy::PolicyBook,
    ) -> Result<Decided> {
        let consent = if asked.purpose.basis == 1 {
            "given"
        } else {
            "none"
        };
        Self::decide_on(asked, policies, &self.facts(asked, consent))
    }

    fn decide_on(
        asked: &Asked<'_>,
        policies: &crate::policy::PolicyBook,
        facts: &Facts<'_>,
    ) -> Result<Decided> {
        let view = asked.request.view;
        let reasons = policies.decide(asked.caller, Ask::View(view), facts)?;
        let granted = match view {
            View::Plain => Outcome::Plain,
            View::Masked => Outcome::Masked,
            View::Answer => Outcome::Answered,
        };
        if reasons.is_empty() {
            return Ok(Decided {
                outcome: granted,
                reasons: Vec::new(),
            });
        }
        let masked_instead = view == View::Plain
            && policies
                .decide(asked.caller, Ask::View(View::Masked), facts)?
                .is_empty();
        Ok(Decided {
            outcome: if masked_instead {
                Outcome::Masked
            } else {
                Outcome::Refused
            },
            reasons: reasons.into_iter().collect(),
        })
    }

    /// The facts that do not depend on the person.
    fn facts<'a>(&self, asked: &Asked<'a>, consent: &'static str) -> Facts<'a> {
        let purpose = asked.purpose;
        Facts {
            collection: asked.collection,
            objects_marketing: false,
            purpose: &purpose.id,
            basis: purpose.basis,
            marketing: purpose.marketing,
            purpose_fields: &purpose.fields,
            fields: &asked.request.fields,
            level: self.highest_level(asked.collection, &asked.request.fields),
            consent,
            retention_over: false,
            count: asked.count,
        }
    }

    pub(crate) fn highest_level(&self, collection: &str, fields: &[String]) -> i64 {
        let levels = fields
            .iter()
            .map(|field| level_of(self.field_kind(collection, field)));
        levels.max().unwrap_or(1)
    }

    fn release(
        &self,
        asked: &Asked<'_>,
        outcome: Outcome,
        subject: &SubjectId,
    ) -> Result<(Vec<Released>, Vec<bool>)> {
        if !outcome.released() {
            return Ok((Vec::new(), Vec::new()));
        }
        let names: Vec<&str> = asked.request.fields.iter().map(String::as_str).collect();
        let opened = self.vault.open_fields(subject, asked.collection, &names)?;
        Ok(self.shape(asked, outcome, &opened))
    }

    /// Opened values as the outcome shows them: plain, masked, or answers.
    fn shape(
        &self,
        asked: &Asked<'_>,
        outcome: Outcome,
        opened: &[OpenField],
    ) -> (Vec<Released>, Vec<bool>) {
        if outcome == Outcome::Answered {
            let values: HashMap<&str, (Option<Kind>, &str)> = opened
                .iter()
                .map(|field| (field.name.as_str(), (field.kind, field.value.as_str())))
                .collect();
            let today = crate::clock::day(self.now());
            let answers = asked
                .request
                .questions
                .iter()
                .map(|question| yes(question, &values, &today))
                .collect();
            return (Vec::new(), answers);
        }
        let released = opened.iter().map(|field| {
            let value = match outcome {
                Outcome::Plain => field.value.to_string(),
                _ => masked(field.kind, &field.value),
            };
            released(&field.name, field.kind, value)
        });
        (released.collect(), Vec::new())
    }

    pub(crate) fn receipt(&self, traced: &Appended) -> Result<ReceiptView> {
        Ok(ReceiptView {
            index: traced.index,
            leaf_hash: ids::hex(&traced.leaf_hash().0),
            note: self.log.sign_receipt(traced)?.to_string(),
        })
    }
}

/// A released value with the labels pages show.
pub(crate) fn released(name: &str, kind: Option<Kind>, value: String) -> Released {
    let label = |lang| match kind {
        Some(kind) => RulePack::builtin().label(kind, lang).to_owned(),
        None => name.to_owned(),
    };
    Released {
        name: name.to_owned(),
        kind,
        label_zh: label(Lang::Zh),
        label_en: label(Lang::En),
        value,
    }
}

/// What all persons of a request have in common.
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) request: &'a ReadRequest,
    pub(crate) purpose: &'a PurposeView,
    pub(crate) collection: &'a str,
    pub(crate) decision: &'a str,
    policies: &'a str,
    count: usize,
}

/// A question about a field that is not among the fields asked would slip past the decision.
fn check_request(caller: &Caller, request: &ReadRequest) -> Result<()> {
    let invalid = |why: String| Err(ServiceError::Invalid(why));
    if !(1..=SUBJECTS_AT_ONCE).contains(&request.subjects.len()) {
        return invalid(format!("a request names 1 to {SUBJECTS_AT_ONCE} persons"));
    }
    if request.fields.is_empty() || request.fields.len() > 100 {
        return invalid("a request asks for 1 to 100 fields".to_owned());
    }
    if request
        .reference
        .as_ref()
        .is_some_and(|text| text.chars().count() > 80)
    {
        return invalid("a reference has at most 80 characters".to_owned());
    }
    let declared: BTreeSet<&str> = request.fields.iter().map(String::as_str).collect();
    for question in &request.questions {
        let asked_about = match question {
            Question::Equals { field, .. } => declared.contains(field.as_str()),
            Question::Age { .. } => BIRTH_FIELDS.iter().any(|field| declared.contains(field)),
        };
        if !asked_about {
            return invalid("each question's field must be among the fields (for age: date_of_birth or resident_id)".to_owned());
        }
    }
    let answers_only = request.view == View::Answer;
    if answers_only == request.questions.is_empty() {
        return invalid(
            "the view answer needs questions, and only that view takes them".to_owned(),
        );
    }
    if request.questions.len() > 20 {
        return invalid("at most 20 questions at once".to_owned());
    }
    // A site without its own tokens has no business looking people up by value unless it is a reader at all; policies decide the rest.
    if caller.roles.is_empty() {
        return Err(ServiceError::Forbidden {
            caller: caller.id.clone(),
            what: "read",
            role: Role::Reader.name(),
        });
    }
    Ok(())
}

const BIRTH_FIELDS: [&str; 2] = ["date_of_birth", "resident_id"];

fn yes(question: &Question, values: &HashMap<&str, (Option<Kind>, &str)>, today: &str) -> bool {
    match question {
        Question::Equals { field, equals } => {
            values
                .get(field.as_str())
                .is_some_and(|(kind, value)| match kind {
                    Some(kind) => {
                        let (a, b) = (lookup_form(*kind, value), lookup_form(*kind, equals));
                        a.is_some() && a == b
                    }
                    None => value.trim() == equals.trim(),
                })
        }
        Question::Age { age_at_least } => BIRTH_FIELDS
            .iter()
            .filter_map(|field| values.get(field))
            .find_map(|(kind, value)| age_on(&birth_of((*kind)?, value)?, today))
            .is_some_and(|age| age >= i32::from(*age_at_least)),
    }
}

/// Birth date as `YYYYMMDD`, from a date of birth or a resident ID (GB 11643: digits 7 to 14).
pub(crate) fn birth_of(kind: Kind, value: &str) -> Option<String> {
    let normal = lookup_form(kind, value)?;
    let digits: String = normal.chars().filter(char::is_ascii_digit).collect();
    let birth = if kind == Kind::RESIDENT_ID {
        digits.get(6..14)?
    } else {
        digits.get(..8)?
    };
    Some(birth.to_owned())
}

/// Full years between a birth date `YYYYMMDD` and a day `YYYY-MM-DD`.
pub(crate) fn age_on(birth: &str, today: &str) -> Option<i32> {
    let today: String = today.chars().filter(char::is_ascii_digit).collect();
    let (birth, today): (i32, i32) = (birth.parse().ok()?, today.parse().ok()?);
    Some((today - birth).div_euclid(10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let rows = [
            ("20081122", "2026-11-22", 18),
            ("20081123", "2026-11-22", 17),
            ("20000229", "2026-02-28", 25),
        ];
        for (birth, today, age) in rows {
            assert_eq!(age_on(birth, today), Some(age), "{birth}");
        }
    }

    #[test]
    fn debug_of_a_request_shows_no_value() {
        let request = ReadRequest {
            purpose: "care".to_owned(),
            subjects: vec![Handle::Value {
                kind: Kind::MOBILE,
                value: "15400001111".to_owned(),
            }],
            collection: None,
            fields: vec!["name".to_owned()],
            view: View::Answer,
            questions: vec![Question::Equals {
                field: "name".to_owned(),
                equals: "某某".to_owned(),
            }],
            reference: None,
        };
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("1540000") && !shown.contains("某某"),
            "{shown}"
        );
    }
}
