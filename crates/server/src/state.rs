//! What every handler shares: the service, the settings, and who this server is.
//!
//! Holds nothing of a request; sessions and keys are looked up in [`crate::auth`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Uri, header};
use liuhen_service::{DevicePlace, Service};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::ServeError;
use crate::error::ApiError;

/// Bounds on what a client may ask of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a JSON or form body. Default 1 MiB.
    pub body_bytes: usize,
    /// Bytes of an uploaded file. Default 4 GiB.
    pub upload_bytes: u64,
    /// Time for the request head to arrive. Default 10 s.
    pub header_timeout: Duration,
    /// Time for a handler to answer, uploads and streams excepted. Default 30 s.
    pub request_timeout: Duration,
    /// Time between two pieces of an upload. Default 30 s.
    pub upload_idle: Duration,
    /// Connections open at once; later ones wait in the kernel's queue. Default 4,096.
    pub connections: usize,
    /// Uploads running at once; later ones are answered 503. Default 8.
    pub uploads: usize,
    /// Persons' proofs being made at once: anybody may ask for one, and one may read thousands of bundles. Later ones are answered 503. Default 4.
    pub proofs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            upload_bytes: 4 << 30,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            upload_idle: Duration::from_secs(30),
            connections: 4096,
            uploads: 8,
            proofs: 4,
        }
    }
}

/// How the server is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where it listens, when it does; `None` in tests that call the router.
    pub listen: Option<SocketAddr>,
    /// The address people type, such as `https://vault.example.com`. Its host is accepted in `Host`.
    pub public_url: Option<String>,
    /// A proxy ends TLS and checks `Host`: cookies are `Secure` and any `Host` is accepted.
    pub behind_tls_proxy: bool,
    /// Bounds on requests.
    pub limits: Limits,
}

/// Shared by every handler; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    service: Arc<Service>,
    settings: Settings,
    base: String,
    secure: bool,
    /// Host of `public_url`, lower case, without its port.
    public_host: Option<String>,
    listen_host: Option<String>,
    uploads: Arc<Semaphore>,
    proofs: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// Joins a service with the settings of one server.
    ///
    /// # Errors
    ///
    /// [`ServeError::PublicUrl`] when `public_url` is no `http` or `https` address with a host, or has a path.
    pub fn new(service: Arc<Service>, settings: Settings) -> Result<Self, ServeError> {
        let public = settings
            .public_url
            .as_deref()
            .map(PublicUrl::parse)
            .transpose()?;
        let listen_host = settings
            .listen
            .filter(|addr| !addr.ip().is_unspecified())
            .map(|addr| host_name(&addr.to_string()).to_owned());
        let base = match (&public, settings.listen) {
            (Some(url), _) => url.base.clone(),
            (None, Some(addr)) => format!("http://{addr}"),
            (None, None) => "http://localhost".to_owned(),
        };
        let secure = settings.behind_tls_proxy || public.as_ref().is_some_and(|url| url.https);
        Ok(Self(Arc::new(Inner {
            service,
            base,
            secure,
            public_host: public.map(|url| url.host),
            listen_host,
            uploads: Arc::new(Semaphore::new(settings.limits.uploads)),
            proofs: Arc::new(Semaphore::new(settings.limits.proofs)),
            stopping: watch::Sender::new(false),
            settings,
        })))
    }

    /// The use-cases.
    pub fn service(&self) -> &Arc<Service> {
        &self.0.service
    }

    /// Bounds on requests.
    pub fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    /// The address people type, without a final slash; links begin with it.
    pub fn base_url(&self) -> &str {
        &self.0.base
    }

    /// Whether browsers reach this server over TLS.
    pub fn secure(&self) -> bool {
        self.0.secure
    }

    /// Whether a request may name this `Host`.
    ///
    /// A page of another site can point its own name at this address (DNS rebinding), and the browser then sends that name; so only names that are ours are answered.
    pub fn host_allowed(&self, host: &str) -> bool {
        if self.0.settings.behind_tls_proxy && self.0.public_host.is_none() {
            return true;
        }
        let name = host_name(host);
        let is = |ours: &Option<String>| {
            ours.as_deref()
                .is_some_and(|o| name.eq_ignore_ascii_case(o))
        };
        is_loopback_name(name) || is(&self.0.public_host) || is(&self.0.listen_host)
    }

    /// The page that a request came from, as its browser names it: what a device signs for.
    ///
    /// Behind a public address that one; else whatever name the request was let in under. A device never signs for a name that it was not registered under, so a name that somebody made up helps nobody.
    ///
    /// # Errors
    ///
    /// 400 when the request names no host.
    pub fn place(&self, headers: &HeaderMap) -> Result<DevicePlace, ApiError> {
        let given = headers.get(header::HOST);
        let host = given
            .and_then(|host| host.to_str().ok())
            .ok_or_else(|| ApiError::malformed("the request names no host"))?;
        let public = self.0.public_host.as_deref();
        // A proxy may name this machine instead of what the browser asked for; the browser's own word is checked against the settings.
        let by_proxy = headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok())
            .is_some_and(|origin| origin.eq_ignore_ascii_case(&self.0.base));
        let host = public.filter(|_| by_proxy).unwrap_or(host);
        Ok(place_of(host, &self.0.base, public, self.0.secure))
    }

    /// Runs a blocking use-case off the async threads.
    ///
    /// # Errors
    ///
    /// What the use-case answers; an internal error when it panicked.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Service>) -> liuhen_service::Result<T> + Send + 'static,
    {
        let service = Arc::clone(&self.0.service);
        match tokio::task::spawn_blocking(move || work(&service)).await {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(_) => Err(ApiError::internal("a blocking task panicked")),
        }
    }

    /// Tells everything that would go on for ever, such as the live trace, to end.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Completes when the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.0.stopping.subscribe();
        // The sender lives as long as this state, so waiting ends with a true value only.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// A place among the proofs being made.
    ///
    /// # Errors
    ///
    /// 503 `busy` when all places are taken.
    pub(crate) fn proof_place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0.proofs)
            .try_acquire_owned()
            .map_err(|_| ApiError::busy())
    }

    /// A place among the running uploads.
    ///
    /// # Errors
    ///
    /// 503 `busy` when all places are taken.
    pub(crate) fn upload_place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0.uploads)
            .try_acquire_owned()
            .map_err(|_| ApiError::busy())
    }
}

/// The page behind a `Host`, on a server with this base address and public host.
fn place_of(given: &str, base: &str, public: Option<&str>, secure: bool) -> DevicePlace {
    let given = given.to_ascii_lowercase();
    let name = host_name(&given);
    // Nobody has a certificate for his own machine.
    let (origin, host) = match (is_loopback_name(name), public) {
        (true, _) => (format!("http://{given}"), name),
        (false, Some(public)) => (base.to_ascii_lowercase(), public),
        (false, None) if secure => (format!("https://{given}"), name),
        (false, None) => (format!("http://{given}"), name),
    };
    let usual = match origin.starts_with("https:") {
        true => ":443",
        false => ":80",
    };
    // A browser leaves out the port that goes without saying.
    DevicePlace {
        host: host.to_owned(),
        origin: origin.strip_suffix(usual).unwrap_or(&origin).to_owned(),
    }
}

struct PublicUrl {
    base: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    fn parse(text: &str) -> Result<Self, ServeError> {
        let wrong = || ServeError::PublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !bare || authority.as_str().contains('@') {
            return Err(wrong());
        }
        Ok(Self {
            base: text.trim_end_matches('/').to_owned(),
            host: host_name(authority.as_str()).to_ascii_lowercase(),
            https,
        })
    }
}

/// `host:port` or `[v6]:port` without its port.
fn host_name(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority
            .find(']')
            .map_or(authority, |end| &authority[..=end]);
    }
    authority
        .split_once(':')
        .map_or(authority, |(host, _)| host)
}

fn is_loopback_name(name: &str) -> bool {
    matches!(name, "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        let rows = [
            ("localhost:8420", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:8420", "[::1]"),
            ("vault.example.com:443", "vault.example.com"),
            ("[::1", "[::1"),
            ("", ""),
        ];
        for (host, name) in rows {
            assert_eq!(host_name(host), name, "{host}");
        }
    }

    #[test]
    fn pages_are_named_as_their_browser_names_them() {
        let inner = |public: Option<&str>, secure| {
            let public = public.map(|url| PublicUrl::parse(url).unwrap());
            let base = public.as_ref().map_or("http://localhost", |url| &url.base);
            (base.to_owned(), secure, public.map(|url| url.host))
        };
        let rows = [
            // Settings, what the request says, the page's origin and host.
            (
                (None, false),
                "localhost:8420",
                "http://localhost:8420",
                "localhost",
            ),
            (
                (None, true),
                "Vault.example",
                "https://vault.example",
                "vault.example",
            ),
            (
                (None, true),
                "vault.example:443",
                "https://vault.example",
                "vault.example",
            ),
            (
                (Some("https://Vault.example:8443"), true),
                "inside:80",
                "https://vault.example:8443",
                "vault.example",
            ),
            (
                (Some("https://vault.example"), true),
                "localhost:8420",
                "http://localhost:8420",
                "localhost",
            ),
        ];
        for ((public, secure), given, origin, host) in rows {
            let (base, secure, public) = inner(public, secure);
            let place = place_of(given, &base, public.as_deref(), secure);
            assert_eq!((place.origin.as_str(), place.host.as_str()), (origin, host));
        }
    }

    #[test]
    fn public_urls() {
        let url = PublicUrl::parse("https://Vault.example.com/").unwrap();
        assert_eq!(url.base, "https://Vault.example.com");
        assert_eq!(url.host, "vault.example.com");
        assert!(url.https);
    }

    #[test]
    fn refuses_public_urls_with_path_user_or_other_scheme() {
        for text in [
            "ftp://a.example",
            "https://a.example/vault",
            "https://user@a.example",
            "https://a.example/?x=1",
            "a.example",
            "",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
