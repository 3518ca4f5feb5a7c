//! Who asks: API keys, sessions of staff, sessions of persons, and the token against forged forms.
//!
//! Programs send `Authorization: Bearer lk_…`. Browsers send a session cookie; then an unsafe method must also carry the session's token, in the header `x-csrf-token` or in the form field `_csrf`, which the session's page knows and another site does not.
//! Every extractor here refuses an unsafe request without that token, so no handler can forget it: [`StaffSession`] and [`PersonSession`] look at the header, the `…Form` and `…Upload` extractors also at the field.
//! Whether keys and sessions are valid is the service's business.

use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use liuhen_service::{Caller, Service, UnixMs};
use maud::{Markup, Render, html};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::error::ApiError;
use crate::extract::{Fields, short_field};
use crate::headers::is_unsafe;
use crate::state::AppState;

/// The header with the session's token against forged requests.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The form field with the same token.
pub const CSRF_FIELD: &str = "_csrf";

/// An authenticated caller of the API: by key, or by the session of a member of staff.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Caller);

/// A member of staff, signed in. Pages redirect to `/login` without one.
#[derive(Debug, Clone)]
pub struct StaffSession(pub liuhen_service::Session);

/// A person concerned, signed in. Pages redirect to `/portal` without one.
#[derive(Debug, Clone)]
pub struct PersonSession(pub liuhen_service::PersonSession);

/// A form that a member of staff sent, its token checked.
#[derive(Debug)]
pub struct StaffForm<T>(pub StaffSession, pub T);

/// A form that a person sent, its token checked.
#[derive(Debug)]
pub struct PersonForm<T>(pub PersonSession, pub T);

/// A multipart form that a member of staff sent. Its token is checked: the header, or a first field `_csrf`, which is consumed.
#[derive(Debug)]
pub struct StaffUpload(pub StaffSession, pub Multipart);

impl StaffSession {
    /// Who it is.
    pub fn caller(&self) -> Caller {
        self.0.caller()
    }

    /// The token for this session's forms.
    pub fn csrf(&self) -> Csrf {
        Csrf(self.0.csrf.clone())
    }
}

impl PersonSession {
    /// The token for this session's forms.
    pub fn csrf(&self) -> Csrf {
        Csrf(self.0.csrf.clone())
    }
}

/// A session's token against forged requests. Rendered, it is the hidden form field.
#[derive(Clone)]
pub struct Csrf(String);

impl Csrf {
    /// The token, for the header `x-csrf-token`.
    pub fn token(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    ///
    /// # Errors
    ///
    /// 403 `csrf`.
    pub fn check(&self, given: &str) -> Result<(), ApiError> {
        // An empty token would match an empty field.
        let same = bool::from(self.0.as_bytes().ct_eq(given.as_bytes()));
        if same && !self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::csrf())
        }
    }

    fn check_header(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let given = headers.get(CSRF_HEADER).and_then(|v| v.to_str().ok());
        self.check(given.unwrap_or_default())
    }
}

impl std::fmt::Debug for Csrf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Csrf({} chars)", self.0.len())
    }
}

impl Render for Csrf {
    fn render(&self) -> Markup {
        html! { input type="hidden" name=(CSRF_FIELD) value=(self.0); }
    }
}

/// Whose cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// A member of staff.
    Staff,
    /// A person concerned.
    Person,
}

impl Jar {
    /// The cookie's name. Over TLS it has the prefix `__Host-`, which browsers accept only from this very host.
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Staff, false) => "liuhen_staff",
            (Self::Staff, true) => "__Host-liuhen_staff",
            (Self::Person, false) => "liuhen_person",
            (Self::Person, true) => "__Host-liuhen_person",
        }
    }

    /// Where to sign in.
    fn door(self) -> &'static str {
        match self {
            Self::Staff => "/login",
            Self::Person => "/portal",
        }
    }

    /// A `Set-Cookie` value that keeps a new session's secret until the browser closes or `expires` passes.
    pub fn keep(self, state: &AppState, secret: &str, expires: UnixMs) -> HeaderValue {
        let seconds = (expires - jiff::Timestamp::now().as_millisecond()).max(0) / 1000;
        self.set(state, secret, seconds)
    }

    /// A `Set-Cookie` value that forgets the session.
    pub fn forget(self, state: &AppState) -> HeaderValue {
        self.set(state, "", 0)
    }

    fn set(self, state: &AppState, value: &str, seconds: i64) -> HeaderValue {
        let name = self.name(state.secure());
        let secure = if state.secure() { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        // Secrets are base32 or hex; anything else sets no cookie rather than half a one.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }

    fn read<'a>(self, state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.name(state.secure())).filter(|secret| !secret.is_empty())
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let key = value
                .to_str()
                .ok()
                .and_then(|text| text.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, key)| key.trim())
                .ok_or_else(ApiError::unauthenticated)?;
            return Ok(Self(state.service().caller_by_key(key)?));
        }
        let session: StaffSession = signed_in(&parts.headers, state).await?;
        if is_unsafe(&parts.method) {
            session.csrf().check_header(&parts.headers)?;
        }
        Ok(Self(session.caller()))
    }
}

/// Someone whom a cookie signs in.
trait BySession: Sized + Send + 'static {
    /// Where the cookie lies.
    const JAR: Jar;

    /// Whose secret it is.
    fn find(service: &Service, secret: &str) -> liuhen_service::Result<Self>;

    /// The token for this session's forms.
    fn token(&self) -> Csrf;
}

impl BySession for StaffSession {
    const JAR: Jar = Jar::Staff;

    fn find(service: &Service, secret: &str) -> liuhen_service::Result<Self> {
        service.session(secret).map(Self)
    }

    fn token(&self) -> Csrf {
        self.csrf()
    }
}

impl BySession for PersonSession {
    const JAR: Jar = Jar::Person;

    fn find(service: &Service, secret: &str) -> liuhen_service::Result<Self> {
        service.person_session(secret).map(Self)
    }

    fn token(&self) -> Csrf {
        self.csrf()
    }
}

/// The session of the cookie.
async fn signed_in<S: BySession>(headers: &HeaderMap, state: &AppState) -> Result<S, ApiError> {
    let secret = S::JAR
        .read(state, headers)
        .ok_or_else(ApiError::unauthenticated)?
        .to_owned();
    state
        .blocking(move |service| S::find(service, &secret))
        .await
}

/// The session of the cookie, or the way to the door.
async fn admitted<S: BySession>(parts: &Parts, state: &AppState) -> Result<S, Denied> {
    signed_in(&parts.headers, state)
        .await
        .map_err(|error| Denied::new(error, S::JAR, parts))
}

/// The same; an unsafe request must bring the session's token in its header.
async fn admitted_by_header<S: BySession>(parts: &Parts, state: &AppState) -> Result<S, Denied> {
    let session: S = admitted(parts, state).await?;
    if is_unsafe(&parts.method) {
        session.token().check_header(&parts.headers)?;
    }
    Ok(session)
}

/// The session of the cookie and the form it sent, its token checked.
async fn admitted_form<S: BySession, T: DeserializeOwned>(
    request: Request,
    state: &AppState,
) -> Result<(S, T), Denied> {
    let (parts, body) = request.into_parts();
    let session: S = admitted(&parts, state).await?;
    let fields = Fields::from_request(Request::from_parts(parts, body), state).await?;
    fields.check(&session.token()).await?;
    Ok((session, fields.parse().await?))
}

impl FromRequestParts<AppState> for StaffSession {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Denied> {
        admitted_by_header(parts, state).await
    }
}

impl FromRequestParts<AppState> for PersonSession {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Denied> {
        admitted_by_header(parts, state).await
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for StaffForm<T> {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Denied> {
        let (session, form) = admitted_form(request, state).await?;
        Ok(Self(session, form))
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for PersonForm<T> {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Denied> {
        let (session, form) = admitted_form(request, state).await?;
        Ok(Self(session, form))
    }
}

impl FromRequest<AppState> for StaffUpload {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Denied> {
        let (parts, body) = request.into_parts();
        let session: StaffSession = admitted(&parts, state).await?;
        let by_header = session.csrf().check_header(&parts.headers).is_ok();
        let mut form = Multipart::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|_| ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
        if !by_header {
            first_field_token(state, &mut form, &session.csrf()).await?;
        }
        Ok(Self(session, form))
    }
}

async fn first_field_token(
    state: &AppState,
    form: &mut Multipart,
    csrf: &Csrf,
) -> Result<(), ApiError> {
    let mut field = form
        .next_field()
        .await
        .ok()
        .flatten()
        .filter(|field| field.name() == Some(CSRF_FIELD))
        .ok_or_else(ApiError::csrf)?;
    let given = short_field(state, &mut field).await;
    csrf.check(&given.map_err(|_| ApiError::csrf())?)
}

/// Why a page was not shown: a way to the door, or an error.
#[derive(Debug)]
pub enum Denied {
    /// Nobody is signed in: go there. The flag says that htmx asked, which follows a header instead of a redirect.
    Door(String, bool),
    /// Anything else.
    Error(ApiError),
}

impl Denied {
    fn new(error: ApiError, jar: Jar, parts: &Parts) -> Self {
        if error.status() != StatusCode::UNAUTHORIZED {
            return Self::Error(error);
        }
        let htmx = parts.headers.contains_key("hx-request");
        // After signing in one continues where one was going, if that was a page.
        let door = match (jar, is_unsafe(&parts.method) || htmx) {
            (Jar::Staff, false) if parts.uri.path() != "/" => {
                format!("{}?next={}", jar.door(), quote(&parts.uri))
            }
            _ => jar.door().to_owned(),
        };
        Self::Door(door, htmx)
    }
}

impl From<ApiError> for Denied {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::Error(error) => error.into_response(),
            Self::Door(door, false) => Redirect::to(&door).into_response(),
            Self::Door(door, true) => {
                let mut response = StatusCode::OK.into_response();
                if let Ok(value) = HeaderValue::from_str(&door) {
                    response.headers_mut().insert("hx-redirect", value);
                }
                response
            }
        }
    }
}

/// Path and query, as a query value.
fn quote(uri: &Uri) -> String {
    let whole = uri.path_and_query().map_or("/", |pq| pq.as_str());
    let mut text = String::with_capacity(whole.len() + 8);
    for byte in whole.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Whether `next` of a sign-in form is a page of ours: a path, not another site's address.
pub fn is_local_path(next: &str) -> bool {
    next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; liuhen_staff=s3; b="),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("c=2"));
        let rows = [
            ("a", Some("1")),
            ("liuhen_staff", Some("s3")),
            ("b", Some("")),
            ("c", Some("2")),
            ("staff", None),
        ];
        for (name, value) in rows {
            assert_eq!(cookie(&headers, name), value, "{name}");
        }
    }

    #[test]
    fn refuses_tokens_that_differ_or_are_empty() {
        let csrf = Csrf("abc".to_owned());
        assert!(csrf.check("abc").is_ok());
        for given in ["", "ab", "abcd", "abd"] {
            assert!(csrf.check(given).is_err(), "{given}");
        }
        assert!(Csrf(String::new()).check("").is_err());
    }

    #[test]
    fn refuses_next_pages_elsewhere() {
        let rows = [
            ("/imports?id=1", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("/a\nb", false),
            ("", false),
        ];
        for (next, expected) in rows {
            assert_eq!(is_local_path(next), expected, "{next}");
        }
    }

    #[test]
    fn next_is_quoted() {
        let uri: Uri = "/exports?a=1&b=2".parse().unwrap();
        assert_eq!(quote(&uri), "/exports%3Fa%3D1%26b%3D2");
    }

    #[test]
    fn debug_hides_the_token() {
        assert_eq!(format!("{:?}", Csrf("abcd".into())), "Csrf(4 chars)");
    }
}
