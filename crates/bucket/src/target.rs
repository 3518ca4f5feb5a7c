//! Where to publish: `s3://bucket/prefix` or `file:///path`.
//!
//! Names of environment variables and the credentials file are those of the
//! AWS command line. Credentials come from nowhere else, and instance metadata
//! is never asked: nothing is dialled but the endpoint.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use object_store::{
    ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, S3ConditionalPut},
    local::LocalFileSystem,
};
use zeroize::Zeroizing;

use crate::{crypto::HouseCrypto, error::TargetError, http::PlainHttp};

/// Held by the one publisher of a directory.
const LOCK: &str = ".publishing";

/// Where to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A directory, made when it is not there.
    Directory(PathBuf),
    /// A bucket of an S3-compatible store.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the objects' names begin with; may be empty.
        prefix: String,
    },
}

/// A store opened.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// What the objects' names begin with; may be empty.
    pub prefix: String,
    /// A directory's lock, for as long as this lives.
    _lock: Option<File>,
}

/// Without the store's own `Debug`, which shows the id of the key.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({}, {})", self.store, self.prefix)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "file://{}", path.display()),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Target {
    /// Reads a target.
    ///
    /// # Errors
    ///
    /// [`TargetError::Form`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("file://") {
            let absolute =
                path.starts_with('/') && !path.contains("/../") && !path.ends_with("/..");
            return absolute
                .then(|| Self::Directory(path.into()))
                .ok_or(TargetError::Form);
        }
        let rest = text.strip_prefix("s3://").ok_or(TargetError::Form)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        // S3's rules for names of buckets: lower case, digits, dots and hyphens, 3 to 63.
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let parts = |prefix: &str| {
            prefix
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".."))
        };
        let good = (3..=63).contains(&bucket.len()) && bucket.bytes().all(letter);
        if !good || !(prefix.is_empty() || parts(prefix)) {
            return Err(TargetError::Form);
        }
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        Ok(Self::S3 { bucket, prefix })
    }

    /// Opens it, with what the environment says: endpoint, region, credentials.
    ///
    /// # Errors
    ///
    /// [`TargetError`], which never holds a credential.
    pub fn open(&self) -> Result<Opened, TargetError> {
        self.open_with(&|name| std::env::var(name).ok())
    }

    /// As [`Target::open`], in an environment of the caller's.
    ///
    /// # Errors
    ///
    /// As for [`Target::open`].
    pub fn open_with(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Opened, TargetError> {
        match self {
            Self::Directory(path) => open_directory(path),
            Self::S3 { bucket, prefix } => {
                let store = s3(bucket, &Environment(env))?;
                Ok(Opened {
                    store,
                    prefix: prefix.clone(),
                    _lock: None,
                })
            }
        }
    }
}

fn open_directory(path: &PathBuf) -> Result<Opened, TargetError> {
    let failed = |source| TargetError::Directory {
        path: path.display().to_string(),
        source,
    };
    fs::create_dir_all(path).map_err(failed)?;
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        // Readers of the directory have no business with it: whoever may read it may lock it.
        .mode(0o600)
        .open(path.join(LOCK))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(TargetError::Held(path.display().to_string())),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let store = LocalFileSystem::new_with_prefix(path).map_err(TargetError::Store)?;
    Ok(Opened {
        store: Arc::new(store.with_fsync(true)),
        prefix: String::new(),
        _lock: Some(lock),
    })
}

struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// The first of these that is set and not empty.
    fn first(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| (self.0)(name).filter(|value| !value.is_empty()))
    }
}

struct Credentials {
    id: String,
    secret: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
}

fn s3(bucket: &str, env: &Environment<'_>) -> Result<Arc<dyn ObjectStore>, TargetError> {
    let endpoint = env
        .first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
        .ok_or(TargetError::Unset("AWS_ENDPOINT_URL"))?;
    if !endpoint.starts_with("http://") {
        return Err(TargetError::NotPlain);
    }
    let conditional = match env.first(&["AWS_CONDITIONAL_PUT"]).as_deref() {
        None | Some("etag") => S3ConditionalPut::ETagMatch,
        Some("disabled") => S3ConditionalPut::Disabled,
        Some(_) => return Err(TargetError::Value("AWS_CONDITIONAL_PUT")),
    };
    let region = env.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let credentials = credentials(env)?;
    let retry = RetryConfig {
        max_retries: 8,
        retry_timeout: Duration::from_secs(60),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_endpoint(endpoint)
        .with_region(region.unwrap_or_else(|| "us-east-1".to_owned()))
        .with_allow_http(true)
        .with_virtual_hosted_style_request(false)
        .with_access_key_id(credentials.id)
        .with_secret_access_key(credentials.secret.as_str())
        // One by one: not every compatible store knows how to delete many at once.
        .with_disable_bulk_delete(true)
        .with_conditional_put(conditional)
        .with_retry(retry)
        .with_crypto_provider(Arc::new(HouseCrypto))
        .with_http_connector(PlainHttp);
    if let Some(token) = credentials.token {
        builder = builder.with_token(token.as_str());
    }
    Ok(Arc::new(builder.build().map_err(TargetError::Store)?))
}

fn credentials(env: &Environment<'_>) -> Result<Credentials, TargetError> {
    let id = env.first(&["AWS_ACCESS_KEY_ID"]);
    let secret = env.first(&["AWS_SECRET_ACCESS_KEY"]).map(Zeroizing::new);
    let token = env.first(&["AWS_SESSION_TOKEN"]).map(Zeroizing::new);
    match (id, secret) {
        (Some(id), Some(secret)) => return Ok(Credentials { id, secret, token }),
        (None, None) => {}
        _ => return Err(TargetError::NoCredentials),
    }
    let path = env
        .first(&["AWS_SHARED_CREDENTIALS_FILE"])
        .ok_or(TargetError::NoCredentials)?;
    let text = fs::read_to_string(&path);
    let text = Zeroizing::new(text.map_err(|source| TargetError::Credentials { path, source })?);
    let profile = env
        .first(&["AWS_PROFILE"])
        .unwrap_or_else(|| "default".to_owned());
    of_profile(&text, &profile).ok_or(TargetError::NoCredentials)
}

/// Finds a profile in a credentials file: `[name]`, then lines of `key = value`.
fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let (mut inside, mut id, mut secret, mut token) = (false, None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            inside = name.trim() == profile;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            let value = value.trim().to_owned();
            match key.trim() {
                "aws_access_key_id" => id = Some(value),
                "aws_secret_access_key" => secret = Some(Zeroizing::new(value)),
                "aws_session_token" => token = Some(Zeroizing::new(value)),
                _ => {}
            }
        }
    }
    Some(Credentials {
        id: id?,
        secret: secret?,
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let s3 = |bucket: &str, prefix: &str| Target::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        let rows = [
            ("s3://trace", Some(s3("trace", ""))),
            ("s3://trace/", Some(s3("trace", ""))),
            ("s3://trace/a/b/", Some(s3("trace", "a/b"))),
            (
                "file:///srv/log",
                Some(Target::Directory("/srv/log".into())),
            ),
            ("file://srv/log", None),
            ("file:///srv/../log", None),
            ("s3://", None),
            ("s3://Trace/a", None),
            ("s3://trace/../a", None),
            ("s3://trace//a", None),
            ("s3://user:secret@trace/a", None),
            ("https://trace/a", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Target::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_environment_is_refused_where_it_lacks_or_wants_too_much() {
        let target = Target::parse("s3://trace/a").unwrap();
        let keys = [
            ("AWS_ACCESS_KEY_ID", "AKIDSHOWN"),
            ("AWS_SECRET_ACCESS_KEY", "SECRETSHOWN"),
        ];
        let endpoint = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")];
        let tls = [("AWS_ENDPOINT_URL", "https://s3.example.com")];
        let odd = [("AWS_CONDITIONAL_PUT", "sometimes")];
        let half = [("AWS_ACCESS_KEY_ID", "AKIDSHOWN")];
        let rows: [(Vec<(&str, &str)>, &str); 6] = [
            (keys.to_vec(), "AWS_ENDPOINT_URL is not set"),
            (
                [&keys[..], &tls].concat(),
                "the endpoint must begin with http://",
            ),
            (endpoint.to_vec(), "no credentials"),
            ([&half[..], &endpoint].concat(), "no credentials"),
            (
                [&keys[..], &endpoint, &odd].concat(),
                "AWS_CONDITIONAL_PUT has a value",
            ),
            ([&keys[..], &endpoint].concat(), ""),
        ];
        for (set, expected) in rows {
            let env = |name: &str| {
                set.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            match target.open_with(&env) {
                Ok(opened) => {
                    assert_eq!(expected, "");
                    assert!(!format!("{opened:?} {}", opened.store).contains("SHOWN"));
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    assert!(
                        shown.starts_with(expected) && !expected.is_empty(),
                        "{shown}"
                    );
                    assert!(!shown.contains("SHOWN"), "{shown}");
                }
            }
        }
    }

    #[test]
    fn a_profile_is_found_in_a_credentials_file() {
        let text = "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[other]\naws_access_key_id=C\naws_secret_access_key = D=\naws_session_token = E\n[half]\naws_access_key_id=F\n";
        let found = |profile| {
            of_profile(text, profile)
                .map(|c| (c.id, c.secret.to_string(), c.token.map(|t| t.to_string())))
        };
        assert_eq!(found("default"), Some(("A".into(), "B".into(), None)));
        assert_eq!(
            found("other"),
            Some(("C".into(), "D=".into(), Some("E".into())))
        );
        assert_eq!(found("half"), None);
        assert_eq!(found("none"), None);
    }

    #[test]
    fn a_directory_has_one_publisher() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::Directory(dir.path().join("public/log"));
        let first = target.open().unwrap();
        assert!(matches!(target.open(), Err(TargetError::Held(_))));
        drop(first);
        target.open().unwrap();
    }
}
