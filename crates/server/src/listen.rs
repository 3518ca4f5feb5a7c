//! The socket: accepting, bounding and ending connections.
//!
//! `axum::serve` sets no time limit for request heads and no bound on connections, so that slow clients could hold them all; this loop does both.
//! HTTP/1.1 only: a proxy in front speaks anything newer.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use liuhen_service::Service;
use liuhen_tlog::witness::Witness;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::state::{AppState, Limits, Settings};
use crate::{ServeError, metrics, router, witness};

/// How long running requests may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Where and how to serve.
#[derive(Debug)]
pub struct ServeOptions<S, R> {
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// The address people type, when it is another.
    pub public_url: Option<String>,
    /// A proxy in front ends TLS and checks `Host`.
    pub behind_tls_proxy: bool,
    /// Where a monitor asks for metrics, without signing in; nowhere when not given.
    pub metrics: Option<SocketAddr>,
    /// Bounds on requests.
    pub limits: Limits,
    /// Ends the server when it completes.
    pub shutdown: S,
    /// Told once connections are accepted, with the address to type (without a final slash).
    pub ready: R,
}

/// Serves until `shutdown` completes, then lets running requests end for at most ten seconds.
///
/// # Errors
///
/// [`ServeError::Exposed`] for an address beyond loopback without TLS in front; [`ServeError::Listen`] when the address is taken; [`ServeError::PublicUrl`].
pub async fn serve<S, R>(
    service: Arc<Service>,
    options: ServeOptions<S, R>,
) -> Result<(), ServeError>
where
    S: Future<Output = ()>,
    R: FnOnce(&str),
{
    let public_url = options.public_url.as_deref();
    check_address(options.addr, public_url, options.behind_tls_proxy)?;
    let listening = |source| ServeError::Listen {
        addr: options.addr,
        source,
    };
    let listener = TcpListener::bind(options.addr).await.map_err(listening)?;
    let addr = listener.local_addr()?;
    let state = AppState::new(
        service,
        Settings {
            listen: Some(addr),
            public_url: options.public_url,
            behind_tls_proxy: options.behind_tls_proxy,
            limits: options.limits,
        },
    )?;
    let app = router(state.clone());
    let metrics = match options.metrics {
        Some(addr) => Some(spawn_metrics(addr, &state).await?),
        None => None,
    };
    (options.ready)(state.base_url());
    accept(
        listener,
        app,
        state.limits(),
        || state.stop(),
        options.shutdown,
    )
    .await;
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    Ok(())
}

/// Serves the metrics on an address of their own, until aborted.
async fn spawn_metrics(addr: SocketAddr, state: &AppState) -> Result<JoinHandle<()>, ServeError> {
    let listening = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(listening)?;
    let app = metrics::router(Arc::clone(state.service()));
    let limits = state.limits().clone();
    Ok(tokio::spawn(async move {
        accept(listener, app, &limits, || (), std::future::pending()).await;
    }))
}

/// Where an independent witness listens.
#[derive(Debug)]
pub struct WitnessOptions<S, R> {
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Bounds on requests.
    pub limits: Limits,
    /// Ends the server when it completes.
    pub shutdown: S,
    /// Told once connections are accepted, with the address.
    pub ready: R,
}

/// Serves a witness until `shutdown` completes. Everything a witness says is signed and public, so it may listen anywhere.
///
/// # Errors
///
/// [`ServeError::Listen`] when the address is taken.
pub async fn serve_witness<S, R>(
    witness: Arc<Witness>,
    options: WitnessOptions<S, R>,
) -> Result<(), ServeError>
where
    S: Future<Output = ()>,
    R: FnOnce(&str),
{
    let listening = |source| ServeError::Listen {
        addr: options.addr,
        source,
    };
    let listener = TcpListener::bind(options.addr).await.map_err(listening)?;
    let addr = listener.local_addr()?;
    (options.ready)(&format!("http://{addr}"));
    let app = witness::router(witness, options.limits.request_timeout);
    accept(listener, app, &options.limits, || (), options.shutdown).await;
    Ok(())
}

/// Whether this address may be served as asked; `serve` asks too, and a program may ask before it opens anything.
///
/// # Errors
///
/// [`ServeError::Exposed`] for an address beyond loopback without TLS in front.
pub fn check_address(
    addr: SocketAddr,
    public_url: Option<&str>,
    behind_tls_proxy: bool,
) -> Result<(), ServeError> {
    let https = public_url.is_some_and(|url| url.starts_with("https://"));
    if addr.ip().is_loopback() || https || behind_tls_proxy {
        Ok(())
    } else {
        Err(ServeError::Exposed(addr))
    }
}

/// Serves `app` until `shutdown` completes; `stop` ends what would otherwise go on for ever.
async fn accept(
    listener: TcpListener,
    app: Router,
    limits: &Limits,
    stop: impl FnOnce(),
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .keep_alive(true);
    let mut shutdown = pin!(shutdown);
    loop {
        // The place is taken before accepting, so that a flood waits in the kernel and not in our memory.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Usually no file descriptors left: wait for some connection to end.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = shutdown.as_mut() => break,
        };
        prepare(&stream);
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    stop();
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were still running and are cut off");
    }
}

fn prepare(stream: &TcpStream) {
    // Answers are small and complete; waiting to fill a packet only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_to_listen_beyond_loopback_without_tls() {
        let rows = [
            ("127.0.0.1:0", None, false, true),
            ("[::1]:0", None, false, true),
            ("0.0.0.0:8420", None, false, false),
            ("0.0.0.0:8420", Some("http://a.example"), false, false),
            ("0.0.0.0:8420", Some("https://a.example"), false, true),
            ("192.0.2.1:8420", None, true, true),
        ];
        for (addr, url, proxy, ok) in rows {
            let checked = check_address(addr.parse().unwrap(), url, proxy);
            assert_eq!(checked.is_ok(), ok, "{addr}");
        }
    }
}
