//! The files that pages load, carried inside the program.
//!
//! Each has its content's hash in its address, so a browser may keep it for ever and still never sees an old one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 11] = [
    Asset {
        name: "liuhen.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/liuhen.css"),
    },
    Asset {
        name: "htmx.min.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/htmx.min.js"),
    },
    Asset {
        name: "capture.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/capture.js"),
    },
    Asset {
        name: "device.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/device.js"),
    },
    Asset {
        name: "console.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/console.js"),
    },
    Asset {
        name: "redact.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/redact.js"),
    },
    Asset {
        name: "verify.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/verify.js"),
    },
    Asset {
        name: "person-proof.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/person-proof.js"),
    },
    Asset {
        name: "completeness.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/completeness.js"),
    },
    Asset {
        name: "sha256.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/sha256.js"),
    },
    Asset {
        name: "verify-page.js",
        media_type: SCRIPT,
        body: include_str!("../../assets/verify-page.js"),
    },
];

/// One number for all assets together: a change in any gives each a new address, which is what modules that import each other need.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    // Not for security: it only has to change when a file does.
    let mut hasher = DefaultHasher::new();
    for asset in &ASSETS {
        asset.body.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
});

/// The address of an asset.
pub(crate) fn href(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// Serves the assets, under their versioned address and, for people who type it, under the plain one.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/assets/{name}",
            get(|Path(name): Path<String>| async move { answer(&name, "no-cache") }),
        )
        .route(
            "/assets/{version}/{name}",
            get(|Path((_, name)): Path<(String, String)>| async move {
                answer(&name, "public, max-age=31536000, immutable")
            }),
        )
}

fn answer(name: &str, cache: &'static str) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, cache),
            ],
            asset.body,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter().filter(|asset| asset.name != "htmx.min.js") {
            // The pattern of the viewer's pages comes from this server, as everything does.
            let body = asset.body.replace("url(\"/screen.png\")", "");
            for scheme in ["http://", "https://", "//cdn", "@import", "url("] {
                assert!(!body.contains(scheme), "{} holds {scheme}", asset.name);
            }
        }
    }

    #[test]
    fn unknown_names_are_not_found() {
        for name in ["", "..", "../Cargo.toml", "LIUHEN.css"] {
            assert_eq!(
                answer(name, "no-cache").status(),
                StatusCode::NOT_FOUND,
                "{name}"
            );
        }
        assert_eq!(answer("verify.js", "no-cache").status(), StatusCode::OK);
    }

    #[test]
    fn the_pages_own_verifiers_pass_their_tests() {
        let tests = [
            "verify.test.mjs",
            "person-proof.test.mjs",
            "completeness.test.mjs",
        ]
        .map(|name| format!("{}/assets/{name}", env!("CARGO_MANIFEST_DIR")));
        match std::process::Command::new("node")
            .arg("--test")
            .args(tests)
            .output()
        {
            Ok(run) => assert!(
                run.status.success(),
                "{}",
                String::from_utf8_lossy(&run.stdout)
            ),
            Err(_) => eprintln!("SKIP: node is absent, the verifiers were not tested"),
        }
    }
}
