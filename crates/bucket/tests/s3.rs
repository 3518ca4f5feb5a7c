//! Publishing to an S3 store written by others, over plain HTTP.
//!
//! With `LIUHEN_S3_ENDPOINT`, `LIUHEN_S3_BUCKET` and the usual credentials that
//! store is used, below a new prefix; else moto, where Python has it
//! (`pip install 'moto[server]>=5.2.5'`); else the test is skipped.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod world;

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use liuhen_bucket::{
    Opened, PublishError, Target,
    object_store::{Attribute, ObjectStore, ObjectStoreExt as _, path::Path},
};
use world::{Faulty, World, copy, grow, keys, log_of};

/// A store to test against.
struct Store {
    endpoint: String,
    bucket: String,
    id: String,
    secret: String,
    _process: Option<Process>,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Store {
    fn find() -> Option<Self> {
        let env = |name: &str| std::env::var(name).ok();
        if let Some(endpoint) = env("LIUHEN_S3_ENDPOINT") {
            return Some(Self {
                endpoint,
                bucket: env("LIUHEN_S3_BUCKET").unwrap(),
                id: env("AWS_ACCESS_KEY_ID").unwrap(),
                secret: env("AWS_SECRET_ACCESS_KEY").unwrap(),
                _process: None,
            });
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/serve.py");
        let mut command = Command::new("python3");
        command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?)
            .read_line(&mut line)
            .ok()?;
        let process = Some(Process(child));
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let [endpoint, bucket, id, secret] = words.try_into().ok()?;
        Some(Self {
            endpoint,
            bucket,
            id,
            secret,
            _process: process,
        })
    }

    fn open(&self, endpoint: &str, secret: &str, conditional: &str) -> Opened {
        let nonce = std::process::id();
        let target = Target::parse(&format!(
            "s3://{}/test-{nonce}-{conditional}/log",
            self.bucket
        ))
        .unwrap();
        let set = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", &self.id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_CONDITIONAL_PUT", conditional),
        ];
        let env = |name: &str| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        target.open_with(&env).unwrap()
    }
}

#[test]
fn a_store_by_others_is_published_to() {
    let Some(s3) = Store::find() else {
        skip();
        return;
    };
    let world = World::new();
    for conditional in ["etag", "disabled"] {
        let opened = s3.open(&s3.endpoint, &s3.secret, conditional);
        grows_and_refuses(&world, &opened);
    }
    headers_are_kept(&world, &s3.open(&s3.endpoint, &s3.secret, "etag"));
    passing_failures_are_outlasted(&world, &s3);
    errors_show_no_credentials(&world, &s3);
}

#[expect(
    clippy::print_stdout,
    reason = "what the house's tests print when they skip"
)]
fn skip() {
    println!("SKIP no S3 store: neither LIUHEN_S3_ENDPOINT nor moto 5.2.5");
}

/// Cut off, gone on, grown, tidied, and no way back.
fn grows_and_refuses(world: &World, opened: &Opened) {
    let (store, prefix) = (&opened.store, opened.prefix.as_str());
    let dir = log_of(5_000, "a");
    let keys = keys(dir.path());
    let cut: Arc<dyn ObjectStore> = Faulty::new(Arc::clone(store), 25);
    world.publish(&cut, prefix, dir.path()).unwrap_err();
    assert_eq!(world.audit(store, prefix, &keys), None);
    let all = 2 * 20 + 1 + 3;
    // Of the 25, up to 15 were on their way when it was cut off.
    let rest = world.publish(store, prefix, dir.path()).unwrap().uploaded;
    assert!((all - 25..=all - 10).contains(&rest), "{rest}");
    assert_eq!(world.audit(store, prefix, &keys), Some(5_000));

    let old = copy(dir.path());
    grow(dir.path(), 5_300, "a");
    let newer = std::fs::read(dir.path().join("checkpoint")).unwrap();
    assert_eq!(
        world.publish(store, prefix, dir.path()).unwrap().uploaded,
        2 + 2 + 1 + 1
    );
    assert_eq!(world.audit(store, prefix, &keys), Some(5_300));
    let partial = world
        .names(store)
        .into_iter()
        .filter(|name| name.starts_with(prefix) && name.contains("/019.p/"));
    assert_eq!(partial.count(), 0);

    let error = world.publish(store, prefix, old.path()).unwrap_err();
    assert!(matches!(error, PublishError::Ahead { .. }), "{error}");
    let fork = log_of(5_400, "b");
    let error = world.publish(store, prefix, fork.path()).unwrap_err();
    assert!(matches!(error, PublishError::Contradicts { .. }), "{error}");

    // Another publisher is quicker, after this one has looked.
    grow(old.path(), 5_301, "a");
    let faulty = Faulty::new(Arc::clone(store), i64::MAX);
    grow(dir.path(), 5_302, "a");
    let quicker = std::fs::read(dir.path().join("checkpoint")).unwrap();
    assert_ne!(newer, quicker);
    *faulty.meddler.lock() = Some(quicker.clone().into());
    let faulty: Arc<dyn ObjectStore> = faulty;
    let error = world.publish(&faulty, prefix, old.path()).unwrap_err();
    assert!(matches!(error, PublishError::Ahead { .. }), "{error}");
    let path = Path::from(format!("{prefix}/checkpoint"));
    let there = world
        .runtime
        .block_on(async { store.get(&path).await.unwrap().bytes().await });
    assert_eq!(there.unwrap(), quicker);
}

fn headers_are_kept(world: &World, opened: &Opened) {
    let rows = [
        ("vkey", "text/plain; charset=utf-8", "no-cache"),
        (
            "tile/0/000",
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
        (
            "tile/1/000.p/20",
            "application/octet-stream",
            "public, max-age=300",
        ),
    ];
    for (path, kind, kept) in rows {
        let location = Path::from(format!("{}/{path}", opened.prefix));
        let found = world.runtime.block_on(opened.store.get(&location)).unwrap();
        let header = |name| found.attributes.get(&name).map(|value| value.to_string());
        assert_eq!(
            header(Attribute::ContentType).as_deref(),
            Some(kind),
            "{path}"
        );
        assert_eq!(
            header(Attribute::CacheControl).as_deref(),
            Some(kept),
            "{path}"
        );
    }
}

/// The first connections break; what is between store and publisher then holds.
fn passing_failures_are_outlasted(world: &World, s3: &Store) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let through = format!("http://{}", listener.local_addr().unwrap());
    let store = s3.endpoint.strip_prefix("http://").unwrap().to_owned();
    thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            match nth {
                0..3 => drop(stream),
                _ => forward(stream.unwrap(), TcpStream::connect(&store).unwrap()),
            }
        }
    });
    let opened = s3.open(&through, &s3.secret, "etag");
    let prefix = format!("{}/through", opened.prefix);
    let dir = log_of(300, "a");
    assert_eq!(
        world
            .publish(&opened.store, &prefix, dir.path())
            .unwrap()
            .size,
        300
    );
    assert_eq!(
        world.audit(&opened.store, &prefix, &keys(dir.path())),
        Some(300)
    );
}

fn forward(near: TcpStream, far: TcpStream) {
    for (mut from, mut to) in [
        (near.try_clone().unwrap(), far.try_clone().unwrap()),
        (far, near),
    ] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.flush();
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    }
}

fn errors_show_no_credentials(world: &World, s3: &Store) {
    let dir = log_of(3, "a");
    let wrong = "NotTheSecretOfThisKey";
    let refused = s3.open(&s3.endpoint, wrong, "etag");
    let error = world.publish(&refused.store, "", dir.path()).unwrap_err();
    let PublishError::Store { source, .. } = &error else {
        unreachable!("{error}")
    };
    let shown = format!("{error} {error:?} {source}");
    assert!(shown.contains("SignatureDoesNotMatch"), "{shown}");
    assert!(!shown.contains(wrong) && !shown.contains(&s3.id), "{shown}");
    assert!(!error.is_passing(), "{shown}");
}
