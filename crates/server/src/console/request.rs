//! What the console's handlers take from a request: who asks, in which language, and the form's fields.
//!
//! Sessions and tokens are checked by [`crate::auth`]; nothing here lets a request past without them.

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use liuhen_service::Caller;
use maud::Markup;

use crate::auth::{Denied, StaffForm, StaffSession, StaffUpload};
use crate::error::ApiError;
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::words::shell as w;
use crate::ui::{Ctx, Note, problem};

/// A page, or an error that becomes one.
pub(super) type Page = Result<Markup, ApiError>;
/// A page or a way to another.
pub(super) type Answer = Result<Response, ApiError>;

/// A member of staff at a page.
pub(super) struct Desk {
    pub(super) state: AppState,
    pub(super) session: StaffSession,
    pub(super) c: Ctx,
}

impl Desk {
    fn new(state: &AppState, session: StaffSession, lang: Lang, back: String) -> Self {
        let c = Ctx {
            lang,
            staff: Some(session.0.staff.clone()),
            csrf: session.csrf().token().to_owned(),
            back,
        };
        Self {
            state: state.clone(),
            session,
            c,
        }
    }

    /// Who asks.
    pub(super) fn caller(&self) -> Caller {
        self.session.caller().clone()
    }

    /// What a purpose is called in the page's language; its id where it is unknown.
    pub(super) fn purpose(&self, id: &str) -> String {
        match self.state.service().purpose(id) {
            Ok(purpose) => self.c.either(&purpose.name_zh, &purpose.name_en).to_owned(),
            Err(_) => id.to_owned(),
        }
    }

    /// Runs a blocking use-case for this caller.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&std::sync::Arc<liuhen_service::Service>, &Caller) -> liuhen_service::Result<T>
            + Send
            + 'static,
    {
        let caller = self.caller();
        self.state
            .blocking(move |service| work(service, &caller))
            .await
    }
}

impl FromRequestParts<AppState> for Desk {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Denied> {
        let lang = language(parts, state).await;
        let session = StaffSession::from_request_parts(parts, state).await?;
        Ok(Self::new(state, session, lang, way_back(parts)))
    }
}

/// A form that a member of staff sent.
pub(super) struct Posted {
    pub(super) desk: Desk,
    pub(super) form: Pairs,
}

impl FromRequest<AppState> for Posted {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Denied> {
        let (mut parts, body) = request.into_parts();
        let (lang, back) = (language(&mut parts, state).await, way_back(&parts));
        let StaffForm(session, pairs) =
            StaffForm::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self {
            desk: Desk::new(state, session, lang, back),
            form: Pairs(pairs),
        })
    }
}

/// A multipart form that a member of staff sent.
pub(super) struct Sent {
    pub(super) desk: Desk,
    pub(super) form: Multipart,
}

impl FromRequest<AppState> for Sent {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Denied> {
        let (mut parts, body) = request.into_parts();
        let (lang, back) = (language(&mut parts, state).await, way_back(&parts));
        let StaffUpload(session, form) =
            StaffUpload::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self {
            desk: Desk::new(state, session, lang, back),
            form,
        })
    }
}

impl Sent {
    /// The file field, which follows the token, and the name the browser gives it.
    pub(super) async fn file(form: &mut Multipart) -> Result<(String, Field<'_>), ApiError> {
        let field = form
            .next_field()
            .await
            .map_err(|_| ApiError::malformed("the upload cannot be read"))?
            .filter(|field| field.name() == Some("file"))
            .ok_or_else(|| ApiError::malformed("the form has no file"))?;
        let name = field.file_name().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(ApiError::malformed("no file was chosen"));
        }
        Ok((name, field))
    }
}

pub(super) async fn language(parts: &mut Parts, state: &AppState) -> Lang {
    match Lang::from_request_parts(parts, state).await {
        Ok(lang) => lang,
        Err(never) => match never {},
    }
}

/// Where to come back to after the language was changed: this address, or for a form the part of the console it belongs to.
fn way_back(parts: &Parts) -> String {
    if parts.method == axum::http::Method::GET {
        return path_and_query(&parts.uri);
    }
    let first = parts
        .uri
        .path()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    format!("/{first}")
}

fn path_and_query(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or("/", |whole| whole.as_str())
        .to_owned()
}

/// The fields of a form, as they came: a name may come several times.
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl std::fmt::Debug for Pairs {
    /// Forms carry personal information: only how many fields there are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pairs({} fields)", self.0.len())
    }
}

impl Pairs {
    /// The first value of a name without surrounding blanks; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// The first value of a name, just as it came: passwords and policy texts keep their blanks.
    pub(crate) fn exact(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The first value of a name, unless it is empty.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Every value of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// Whether a tick was set.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }

    /// A number, where the field holds one.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).parse().ok()
    }
}

/// To a page, so that loading it again sends nothing twice.
pub(super) fn go(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// The note for `?done=…` after a form was carried out.
pub(super) fn done(c: &Ctx, query: &Done) -> Option<Note> {
    query.done.as_ref().map(|_| Note::good(c.t(w::SAVED)))
}

/// The query of pages that forms lead back to.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// What a form's page says when the service refused: only for what the person can mend; the server's own faults go to the error page.
pub(super) fn refusal(c: &Ctx, error: ApiError) -> Result<Note, ApiError> {
    if error.status().is_client_error() && !matches!(error.code(), "forbidden" | "unauthenticated")
    {
        Ok(problem::note(c, &error))
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = Pairs(vec![
            row("a", " 1 "),
            row("b", ""),
            row("r", "x"),
            row("r", "y"),
            row("t", "yes"),
        ]);
        assert_eq!(pairs.get("a"), "1");
        assert_eq!(pairs.exact("a"), " 1 ");
        assert_eq!(pairs.some("b"), None);
        assert_eq!(pairs.all("r"), ["x", "y"]);
        assert!(pairs.ticked("t") && !pairs.ticked("a"));
        assert_eq!(pairs.number::<u8>("a"), Some(1));
        assert_eq!(format!("{pairs:?}"), "Pairs(5 fields)");
    }

    #[test]
    fn a_forms_way_back_is_its_part_of_the_console() {
        let way = |method: &str, uri: &str| {
            let (parts, ()) = axum::http::Request::builder()
                .method(method)
                .uri(uri)
                .body(())
                .unwrap()
                .into_parts();
            way_back(&parts)
        };
        assert_eq!(way("GET", "/imports/i_1?from=3"), "/imports/i_1?from=3");
        assert_eq!(way("POST", "/imports/i_1/start"), "/imports");
        assert_eq!(way("POST", "/"), "/");
    }
}
