//! The real socket: slow clients, the live trace, and stopping.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::time::{Duration, Instant};

use liuhen_server::{Limits, ServeError, ServeOptions, serve};
use liuhen_service::{Caller, Config, Role, Service};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on a free port.
struct Running {
    address: String,
    key: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
    _dir: TempDir,
}

async fn start() -> Running {
    let dir = TempDir::new().unwrap();
    let service = Service::open(&Config::in_dir(dir.path().join("data"))).unwrap();
    let caller = Caller::local();
    let made = service.create_api_key(&caller, "test", &Role::ALL, None);
    let (_, key) = made.await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let (ready, address) = oneshot::channel();
    let options = ServeOptions {
        addr: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        metrics: None,
        behind_tls_proxy: false,
        limits: Limits {
            header_timeout: Duration::from_millis(300),
            ..Limits::default()
        },
        shutdown: async {
            // A test that ends without stopping stops too.
            let _ = stopped.await;
        },
        ready: |url: &str| ready.send(url.replace("http://", "")).unwrap(),
    };
    let ended = tokio::spawn(async move {
        let served = serve(service.clone(), options).await;
        service.close().unwrap();
        served
    });
    Running {
        address: address.await.unwrap(),
        key,
        stop,
        ended,
        _dir: dir,
    }
}

impl Running {
    async fn connect(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    fn get(&self, path: &str) -> String {
        let Self { address, key, .. } = self;
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n")
    }

    /// Stops; answers how long that took.
    async fn end(self) -> Duration {
        let begun = Instant::now();
        self.stop.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
        begun.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_client_that_sends_its_head_too_slowly() {
    let server = start().await;
    let mut stream = server.connect("GET /healthz HTT").await;
    let mut rest = Vec::new();
    let closed = stream.read_to_end(&mut rest);
    let closed = tokio::time::timeout(Duration::from_secs(5), closed).await;
    assert!(closed.is_ok(), "still open after the time for the head");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_many_requests() {
    let server = start().await;
    let mut stream = server.connect(&server.get("/healthz")).await;
    let mut buffer = vec![0; 4096];
    for _ in 0..3 {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
        let again = server.get("/healthz");
        stream.write_all(again.as_bytes()).await.unwrap();
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_trace_tells_and_does_not_delay_the_end() {
    let server = start().await;
    let mut live = server.connect(&server.get("/v1/events/stream")).await;
    let mut seen = String::new();
    let mut buffer = vec![0; 4096];
    while !seen.contains("\r\n\r\n") {
        let count = live.read(&mut buffer).await.unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    assert!(seen.contains("text/event-stream"), "{seen}");
    let site = "{\"name\":\"Shop\"}";
    let put = server.get("/v1/sites/shop").replace("GET", "PUT").replace(
        "\r\n\r\n",
        "\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n",
    );
    let _answering = server.connect(&format!("{put}{site}")).await;
    let told = async {
        while !seen.contains("put_site") {
            let count = live.read(&mut buffer).await.unwrap();
            assert_ne!(count, 0, "closed early: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap();
    let took = server.end().await;
    assert!(took < Duration::from_secs(5), "stopping took {took:?}");
}
