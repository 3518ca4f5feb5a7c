//! `/v1/events`, `/v1/stats`: the trace as staff see it, past and live.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Sse, sse};
use futures_core::Stream;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reads::Outcome;
use super::wire::all;
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Query};
use crate::state::AppState;
use crate::stream::Received;

/// One event of the trace; no values, only who, what, when and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TraceEvent {
    /// Index of its leaf in the log.
    pub index: u64,
    /// When: RFC 3339, UTC, milliseconds.
    #[schema(format = DateTime)]
    pub time: String,
    /// What was done.
    #[schema(example = "read")]
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Caller id.
    pub who: String,
    /// Caller as shown.
    pub name: String,
    /// Declared purpose.
    pub purpose: Option<String>,
    /// Fields asked.
    pub fields: Vec<String>,
    /// Id of the decision.
    pub decision: Option<String>,
    /// Version of the policies that decided.
    pub policies: Option<String>,
    /// Opaque id of the person.
    pub subject: Option<String>,
    /// What else is said.
    pub details: Vec<Detail>,
}

/// A pair of a stable key and a value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Detail {
    /// The key.
    pub key: String,
    /// The value; no personal information.
    pub value: String,
}

/// Counts by day and reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Days, oldest first, as `YYYY-MM-DD` in UTC+8.
    pub days: Vec<String>,
    /// Reads by reader and day.
    pub readers: Vec<ReaderSeries>,
    /// Refusals by day.
    pub refused: Vec<u64>,
}

/// Reads of one reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReaderSeries {
    /// Caller id.
    pub who: String,
    /// As shown.
    pub name: String,
    /// One count a day.
    pub counts: Vec<u64>,
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsAsk {
    /// Only leaves before this index: to go on where the last page ended.
    before: Option<u64>,
    /// How many at most: 1 to 1,000; 100 when left out.
    limit: Option<usize>,
    /// Only this action, such as `read`.
    action: Option<String>,
    /// Only this caller, by id.
    who: Option<String>,
    /// Only this person, by opaque id.
    subject: Option<String>,
}

/// How many days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsAsk {
    /// 1 to 731; 30 when left out.
    days: Option<u32>,
}

/// `GET /v1/events`: the trace, newest first.
#[utoipa::path(get, path = "/v1/events", tag = "trace", params(EventsAsk),
    responses((status = 200, body = Vec<TraceEvent>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Query(ask): Query<EventsAsk>,
) -> Result<Json<Vec<TraceEvent>>, ApiError> {
    let query = inner::EventQuery {
        before: ask.before,
        limit: ask.limit.unwrap_or(100).clamp(1, 1000),
        action: ask.action,
        who: ask.who,
        subject: ask.subject,
    };
    let list = state
        .blocking(move |service| service.events(&caller, &query))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/stats`: counts by day and reader.
#[utoipa::path(get, path = "/v1/stats", tag = "trace", params(StatsAsk),
    responses((status = 200, body = Stats), (status = "4XX", body = Problem)))]
pub(crate) async fn stats(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Query(ask): Query<StatsAsk>,
) -> Result<Json<Stats>, ApiError> {
    let days = ask.days.unwrap_or(30).clamp(1, 731);
    let stats = state
        .blocking(move |service| service.stats(&caller, days))
        .await?;
    Ok(Json(stats.into()))
}

/// `GET /v1/events/stream`: the trace as it grows, as server-sent events named `event` with a [`TraceEvent`] each; `missed` with a count when the client was too slow.
#[utoipa::path(get, path = "/v1/events/stream", tag = "trace",
    responses((status = 200, body = TraceEvent, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
pub(crate) async fn live(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, ApiError> {
    let stream = follow(&state, &caller)?;
    let alive = sse::KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(stream).keep_alive(alive))
}

/// The trace as it grows, for whoever may see the trace.
///
/// # Errors
///
/// 403 for a caller who may not list events.
pub(crate) fn follow(state: &AppState, caller: &inner::Caller) -> Result<Live, ApiError> {
    let mut events = state.service().subscribe(caller)?;
    let (sender, receiver) = mpsc::channel(16);
    let state = state.clone();
    tokio::spawn(async move {
        let mut stopped = pin!(state.stopped());
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = stopped.as_mut() => return,
                () = sender.closed() => return,
            };
            let message = match event {
                Ok(event) => named("event", &TraceEvent::from(event)),
                Err(RecvError::Lagged(count)) => named("missed", &count),
                Err(RecvError::Closed) => return,
            };
            let Ok(message) = message else { continue };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
    });
    Ok(Live(Received(receiver)))
}

fn named<T: Serialize>(name: &str, body: &T) -> Result<sse::Event, axum::Error> {
    sse::Event::default().event(name).json_data(body)
}

/// Server-sent events, as they come.
pub struct Live(Received<Result<sse::Event, std::convert::Infallible>>);

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

impl Stream for Live {
    type Item = Result<sse::Event, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

/// The routes of this file that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stats))
}

/// The route that stays open.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live))
}

impl From<inner::EventView> for TraceEvent {
    fn from(view: inner::EventView) -> Self {
        let event = view.event;
        let details = event.details.into_iter();
        Self {
            index: view.index,
            time: event.time,
            action: event.action.name().to_owned(),
            outcome: event.outcome.into(),
            who: event.who,
            name: event.name,
            purpose: event.purpose,
            fields: event.fields,
            decision: event.decision,
            policies: event.policies,
            subject: view.subject,
            details: details.map(|(key, value)| Detail { key, value }).collect(),
        }
    }
}

impl From<inner::Stats> for Stats {
    fn from(stats: inner::Stats) -> Self {
        Self {
            days: stats.days,
            readers: all(stats.readers),
            refused: stats.refused,
        }
    }
}

impl From<inner::ReaderSeries> for ReaderSeries {
    fn from(series: inner::ReaderSeries) -> Self {
        Self {
            who: series.who,
            name: series.name,
            counts: series.counts,
        }
    }
}
