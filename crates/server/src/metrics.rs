//! `GET /metrics` on an address of its own: what a monitor should watch.
//!
//! Rule: Prometheus text exposition format 0.0.4. Counts, sizes and times only, and names of witnesses: nothing about persons or callers.
//! It has no sign-in, so it listens where only the monitor reaches it.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use liuhen_service::{APPEND_BOUNDS, Service, TraceStatus};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The one page of the monitor's address.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/metrics", get(show))
        .with_state(service)
}

async fn show(State(service): State<Arc<Service>>) -> Response {
    // It takes locks that others may hold for a while.
    let page = tokio::task::spawn_blocking(move || render(&service)).await;
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, FORMAT)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// All metrics, as text.
pub(crate) fn render(service: &Service) -> String {
    let mut page = Page::default();
    log(&mut page, &service.trace_status());
    reads(&mut page, service);
    if let Ok(filing) = service.face_filing() {
        page.gauge(
            "liuhen_faces_held",
            "Persons of whom a face is held",
            filing.persons,
        );
    }
    if let Ok(open) = service.open_sightings() {
        page.gauge(
            "liuhen_canary_alerts",
            "Places where canaries were seen, not yet looked into",
            open,
        );
    }
    page.0
}

fn log(page: &mut Page, status: &TraceStatus) {
    let stopped = status.alarms.iter().any(|alarm| alarm.name() == "stopped");
    page.gauge(
        "liuhen_log_up",
        "Whether the log takes entries",
        u8::from(!stopped),
    );
    page.gauge("liuhen_log_size", "Entries that are durable", status.size);
    page.gauge(
        "liuhen_log_checkpoint_size",
        "Entries under the newest signed checkpoint",
        status.checkpoint,
    );
    if let Some(cosigned) = status.cosigned {
        page.gauge(
            "liuhen_log_cosigned_size",
            "Entries under the newest checkpoint that a quorum of witnesses cosigned",
            cosigned,
        );
    }
    page.gauge(
        "liuhen_map_size",
        "Entries that the newest map root covers",
        status.map.size,
    );
    page.gauge(
        "liuhen_map_labels",
        "Labels under the newest map root",
        status.map.labels,
    );
    page.gauge(
        "liuhen_alarms",
        "Alarms of the trace at this moment",
        status.alarms.len(),
    );
    page.head(
        "liuhen_witness_size",
        "Size a witness last cosigned",
        "gauge",
    );
    for witness in &status.witnesses {
        page.row(
            "liuhen_witness_size",
            &[("witness", &witness.name)],
            witness.size,
        );
    }
    page.head(
        "liuhen_witness_cosigned_timestamp_seconds",
        "When a witness last cosigned",
        "gauge",
    );
    for witness in &status.witnesses {
        if let Some(at) = witness.cosigned_at {
            let name = "liuhen_witness_cosigned_timestamp_seconds";
            page.row(name, &[("witness", &witness.name)], at / 1000);
        }
    }
    page.head(
        "liuhen_witness_failures_total",
        "Requests to a witness that failed",
        "counter",
    );
    for witness in &status.witnesses {
        let name = "liuhen_witness_failures_total";
        page.row(name, &[("witness", &witness.name)], witness.failures);
    }
}

fn reads(page: &mut Page, service: &Service) {
    page.head("liuhen_reads_total", "Reads, by how they ended", "counter");
    for (outcome, count) in service.read_counts() {
        page.row("liuhen_reads_total", &[("outcome", outcome)], count);
    }
    let times = service.append_times();
    let name = "liuhen_append_seconds";
    page.head(name, "Time until a leaf was durable", "histogram");
    let bounds = APPEND_BOUNDS.iter().map(ToString::to_string);
    let bounds = bounds.chain(std::iter::once("+Inf".to_owned()));
    for (bound, count) in bounds.zip(times.at_most) {
        page.row("liuhen_append_seconds_bucket", &[("le", &bound)], count);
    }
    page.row("liuhen_append_seconds_sum", &[], times.seconds);
    let all = times.at_most.last().copied().unwrap_or_default();
    page.row("liuhen_append_seconds_count", &[], all);
    page.head(
        "liuhen_append_failures_total",
        "Leaves that were never made durable",
        "counter",
    );
    page.row("liuhen_append_failures_total", &[], times.failures);
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (nth, (label, text)) in labels.iter().enumerate() {
            let open = if nth == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "gauge");
        self.row(name, &[], value);
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\");
    text.replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_escape_what_a_label_holds() {
        let mut page = Page::default();
        page.row("a", &[("x", "1\"2\\3\n"), ("y", "")], 7);
        page.row("b", &[], 0.5);
        assert_eq!(page.0, "a{x=\"1\\\"2\\\\3\\n\",y=\"\"} 7\nb 0.5\n");
    }
}
