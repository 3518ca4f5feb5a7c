//! `POST /v1/reads`: ask for values of persons, under a purpose.

use axum::extract::State;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Person, Receipt, Released, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::Json;
use crate::state::AppState;

/// A request to look.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadAsk {
    /// The declared purpose, by id.
    pub purpose: String,
    /// Whom it concerns: one to a thousand.
    pub subjects: Vec<Person>,
    /// The collection; may be left out when there is only one.
    #[serde(default)]
    pub collection: Option<String>,
    /// The fields asked for.
    #[serde(default)]
    pub fields: Vec<String>,
    /// How much is to be shown.
    pub view: View,
    /// For `answer`: what is asked.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// The caller's own case or order number, kept in the trace. No personal information.
    #[serde(default)]
    pub reference: Option<String>,
}

/// How much is to be shown. Asking for `plain` may be answered `masked`, when the policies allow only that.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The values.
    Plain,
    /// The values with most characters hidden.
    Masked,
    /// Yes or no.
    Answer,
}

/// A question answered by yes or no.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Question {
    /// Is the field equal to this value, in any written form?
    Equals {
        /// The field.
        field: String,
        /// The value.
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
            Self::Equals { field, .. } => write!(f, "Equals({} chars)", field.chars().count()),
            Self::Age { age_at_least } => write!(f, "Age({age_at_least})"),
        }
    }
}

/// What was decided and released.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReadAnswer {
    /// Id of the decision; it is in the trace too.
    pub decision: String,
    /// Version of the policies that decided.
    pub policies: String,
    /// One for each person found, in the order asked.
    pub results: Vec<PersonAnswer>,
}

/// What was released about one person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonAnswer {
    /// What became of the question.
    #[schema(example = "masked")]
    pub outcome: Outcome,
    /// Why less than asked was shown, or nothing.
    pub reasons: Vec<Reason>,
    /// Opaque id; not for API keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// The caller's token for the person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<String>,
    /// The values.
    pub fields: Vec<Released>,
    /// Answers, in the order of the questions.
    pub answers: Vec<bool>,
    /// The trace was durable before this answer left.
    pub receipt: Receipt,
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Values were released in plain.
    Plain,
    /// Values were released masked.
    Masked,
    /// Only yes or no was answered.
    Answered,
    /// Nothing was released.
    Refused,
    /// The person has been erased.
    Erased,
    /// Nobody was found.
    Unknown,
    /// Done (events that release no value).
    Done,
    /// Tried and failed.
    Failed,
}

/// The policy that held something back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Its id.
    pub policy: String,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// `POST /v1/reads`: asks for values of persons, under a purpose. The trace is durable before anything is released; refusals are traced too and answered 200 with their reasons.
#[utoipa::path(
    post, path = "/v1/reads", tag = "reads", request_body = ReadAsk,
    responses((status = 200, body = ReadAnswer), (status = "4XX", body = Problem), (status = 503, body = Problem, description = "The trace cannot be written; nothing was released"))
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<ReadAsk>,
) -> Result<Json<ReadAnswer>, ApiError> {
    let request = inner::ReadRequest::try_from(ask)?;
    let answer = state.service().read(&caller, &request).await?;
    Ok(Json(answer.into()))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read))
}

impl TryFrom<ReadAsk> for inner::ReadRequest {
    type Error = ApiError;

    fn try_from(ask: ReadAsk) -> Result<Self, ApiError> {
        let subjects = ask.subjects.into_iter().map(TryInto::try_into);
        Ok(Self {
            purpose: ask.purpose,
            subjects: subjects.collect::<Result<_, _>>()?,
            collection: ask.collection,
            fields: ask.fields,
            view: match ask.view {
                View::Plain => inner::View::Plain,
                View::Masked => inner::View::Masked,
                View::Answer => inner::View::Answer,
            },
            questions: ask.questions.into_iter().map(Into::into).collect(),
            reference: ask.reference,
        })
    }
}

impl From<Question> for inner::Question {
    fn from(question: Question) -> Self {
        match question {
            Question::Equals { field, equals } => Self::Equals { field, equals },
            Question::Age { age_at_least } => Self::Age { age_at_least },
        }
    }
}

impl From<inner::ReadAnswer> for ReadAnswer {
    fn from(answer: inner::ReadAnswer) -> Self {
        Self {
            decision: answer.decision,
            policies: answer.policies,
            results: all(answer.results),
        }
    }
}

impl From<inner::SubjectAnswer> for PersonAnswer {
    fn from(answer: inner::SubjectAnswer) -> Self {
        Self {
            outcome: answer.outcome.into(),
            reasons: all(answer.reasons),
            subject: answer.subject,
            token: answer.token,
            fields: all(answer.fields),
            answers: answer.answers,
            receipt: answer.receipt.into(),
        }
    }
}

impl From<inner::Reason> for Reason {
    fn from(reason: inner::Reason) -> Self {
        Self {
            policy: reason.policy,
            zh: reason.zh,
            en: reason.en,
        }
    }
}

impl From<inner::Outcome> for Outcome {
    fn from(outcome: inner::Outcome) -> Self {
        match outcome {
            inner::Outcome::Plain => Self::Plain,
            inner::Outcome::Masked => Self::Masked,
            inner::Outcome::Answered => Self::Answered,
            inner::Outcome::Refused => Self::Refused,
            inner::Outcome::Erased => Self::Erased,
            inner::Outcome::Unknown => Self::Unknown,
            inner::Outcome::Done => Self::Done,
            inner::Outcome::Failed => Self::Failed,
        }
    }
}
