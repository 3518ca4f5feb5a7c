//! In which language a page speaks: `?lang=`, then the cookie, then `Accept-Language`, else Chinese.
//!
//! A handler takes [`Lang`] as an extractor. Remembering a choice is [`remember`]; words belong to the pages.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header;
use axum::http::request::Parts;
pub use liuhen_kinds::Lang;

use crate::auth::cookie;
use crate::state::AppState;

const COOKIE: &str = "liuhen_lang";

impl FromRequestParts<AppState> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(asked(parts)
            .or_else(|| cookie(&parts.headers, COOKIE).and_then(parse))
            .or_else(|| accepted(parts))
            .unwrap_or_default())
    }
}

/// The `Set-Cookie` value that keeps a choice for a year. It is no secret.
pub fn remember(lang: Lang) -> HeaderValue {
    HeaderValue::from_static(match lang {
        Lang::Zh => "liuhen_lang=zh; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        Lang::En => "liuhen_lang=en; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
    })
}

fn parse(tag: &str) -> Option<Lang> {
    let primary = tag.trim().split(['-', '_', ';']).next()?;
    if primary.eq_ignore_ascii_case("zh") {
        Some(Lang::Zh)
    } else if primary.eq_ignore_ascii_case("en") {
        Some(Lang::En)
    } else {
        None
    }
}

fn asked(parts: &Parts) -> Option<Lang> {
    let mut pairs = parts.uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("lang=").and_then(parse))
}

/// The first language we speak; browsers list them by preference.
fn accepted(parts: &Parts) -> Option<Lang> {
    let list = parts.headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    list.split(',').find_map(parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let rows = [
            ("zh", Some(Lang::Zh)),
            ("zh-CN;q=0.9", Some(Lang::Zh)),
            (" en-GB", Some(Lang::En)),
            ("EN", Some(Lang::En)),
            ("fr", None),
            ("", None),
        ];
        for (tag, lang) in rows {
            assert_eq!(parse(tag), lang, "{tag}");
        }
    }

    #[test]
    fn the_list_of_a_browser() {
        let request = axum::http::Request::builder()
            .uri("/?x=1&lang=en")
            .header("accept-language", "fr, zh-CN;q=0.8, en;q=0.5")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        assert_eq!(asked(&parts), Some(Lang::En));
        assert_eq!(accepted(&parts), Some(Lang::Zh));
    }
}
