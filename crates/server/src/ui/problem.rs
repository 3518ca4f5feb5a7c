//! Errors as pages, in the reader's language, with the request's id; programs that ask for something else keep the problem details.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::i18n::Phrase;
use super::words::shell as w;
use super::{Ctx, Note, details, layout};
use crate::error::ApiError;
use crate::headers::RequestId;
use crate::lang::Lang;
use crate::state::AppState;

/// A layer over everything: where a browser asked for a page, an [`ApiError`] on its way out becomes one.
///
/// The error stays in the response's extensions, so that it is still written to the log.
pub(crate) async fn pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.as_str().to_owned());
    let fragment = request.headers().contains_key("hx-request");
    let wanted = wants_page(request.headers());
    let (mut parts, body) = request.into_parts();
    let lang = match Lang::from_request_parts(&mut parts, &state).await {
        Ok(lang) => lang,
        Err(never) => match never {},
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<ApiError>().cloned() {
        Some(error) if wanted => render(response, &error, lang, &id, fragment),
        _ => response,
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    // Browsers name HTML when they go to a page; programs and scripts do not, unless they are htmx.
    headers.contains_key("hx-request") || accept.is_some_and(|accept| accept.contains("text/html"))
}

fn render(
    mut response: Response,
    error: &ApiError,
    lang: Lang,
    id: &str,
    fragment: bool,
) -> Response {
    let c = Ctx::stranger(lang, "/");
    let note = note(&c, error);
    let page = if fragment {
        html! { (note) }
    } else {
        let body = html! {
            (note)
            p.muted.small { (c.t(w::REQUEST_ID)) " " code { (id) } }
            p { a href="/" { (c.t(w::TO_START)) } }
        };
        layout::alone(&c, c.t(title(error.status().as_u16())), "narrow", &body)
    };
    let html = page.into_response();
    if let Some(kind) = html.headers().get(header::CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind.clone());
    }
    response.headers_mut().remove(header::CONTENT_LENGTH);
    if fragment {
        // htmx does not swap what failed unless it is told; a fragment that fails says so in its place.
        *response.status_mut() = axum::http::StatusCode::OK;
        response
            .headers_mut()
            .insert("hx-reswap", HeaderValue::from_static("innerHTML"));
    }
    *response.body_mut() = Body::new(html.into_body());
    response
}

/// What a page says about an error: by its code in the reader's language, then the detail.
pub(crate) fn note(c: &Ctx, error: &ApiError) -> Note {
    let note = Note::bad(c.t(says(error.code())));
    // Where the code says it all, its English sentence would only repeat it.
    match error.code() {
        "not_found" | "method_not_allowed" | "unauthenticated" | "csrf" | "too_large" | "busy"
        | "timeout" | "trace_unavailable" | "not_witnessed" | "not_ready" => note,
        _ if error.status().is_server_error() => note,
        _ if c.lang == Lang::Zh => note.line(details::in_chinese(error.detail())),
        _ => note.line(error.detail()),
    }
}

fn title(status: u16) -> Phrase {
    match status {
        404 => w::TITLE_404,
        403 => w::TITLE_403,
        500.. => w::TITLE_500,
        _ => w::TITLE_400,
    }
}

fn says(code: &str) -> Phrase {
    match code {
        "forbidden" => w::SAYS_FORBIDDEN,
        "unauthenticated" => w::SAYS_UNAUTHENTICATED,
        "throttled" => w::SAYS_THROTTLED,
        "not_found" => w::SAYS_NOT_FOUND,
        "invalid" | "malformed" => w::SAYS_INVALID,
        "conflict" => w::SAYS_CONFLICT,
        "policy_invalid" => w::SAYS_POLICY,
        "unreadable_file" => w::SAYS_UNREADABLE,
        "trace_unavailable" => w::SAYS_TRACE,
        "not_witnessed" => w::SAYS_NOT_WITNESSED,
        "not_ready" => w::SAYS_NOT_READY,
        "csrf" => w::SAYS_CSRF,
        "too_large" => w::SAYS_TOO_LARGE,
        "busy" => w::SAYS_BUSY,
        "models_missing" => w::SAYS_MODELS,
        "timeout" => w::SAYS_TIMEOUT,
        "method_not_allowed" => w::SAYS_NOT_FOUND,
        _ => w::SAYS_INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn an_error_becomes_a_page_in_both_languages() {
        for (lang, words) in [(Lang::Zh, "没有找到"), (Lang::En, "Not found")] {
            let error = ApiError::not_found();
            let response = render(error.clone().into_response(), &error, lang, "r-1", false);
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            assert!(
                response.extensions().get::<ApiError>().is_some(),
                "the log still hears of it"
            );
            assert!(
                response.headers()[header::CONTENT_TYPE]
                    .as_bytes()
                    .starts_with(b"text/html")
            );
            let c = Ctx::stranger(lang, "/");
            assert_eq!(c.t(title(404)), words);
        }
    }

    #[test]
    fn programs_keep_problem_details() {
        let mut headers = HeaderMap::new();
        for accept in ["application/json", "*/*"] {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert!(!wants_page(&headers), "{accept}");
        }
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/html,*/*;q=0.8"),
        );
        assert!(wants_page(&headers));
    }
}
