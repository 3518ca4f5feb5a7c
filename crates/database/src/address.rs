//! Where a database is: `postgres://USER@HOST:PORT/NAME`, `mysql://…`.
//!
//! Rule: RFC 3986 as far as the two servers' own clients use it; `?host=/DIRECTORY` or
//! `?socket=/FILE` names a Unix socket. An address with a password is refused, since arguments are
//! read by every process of a machine and stay in histories.

use std::fmt;
use std::path::PathBuf;

use crate::error::DatabaseError;

/// Which server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL 10 or later.
    Postgres,
    /// MySQL 5.7 or MariaDB 10.2 or later.
    MySql,
}

impl Dialect {
    /// A name to show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
        }
    }
}

/// Which way there is to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// Where a database is, and as whom it is asked; never a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) dialect: Dialect,
    pub(crate) user: String,
    pub(crate) way: Way,
    /// Of a MySQL server every database is read when none is named.
    pub(crate) database: String,
    /// The caller knows that what passes can be read on the way.
    pub(crate) in_clear: bool,
    shown: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// As reports show it: scheme, place, database and socket, without the user.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

const SCHEMES: [(&str, Dialect); 4] = [
    ("postgres://", Dialect::Postgres),
    ("postgresql://", Dialect::Postgres),
    ("mysql://", Dialect::MySql),
    ("mariadb://", Dialect::MySql),
];

impl Address {
    /// Whether a text is meant as the address of a server, be it a good one or not.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Address`] for what is none; [`DatabaseError::PasswordInAddress`]. Neither
    /// repeats the text.
    pub fn parse(text: &str) -> Result<Self, DatabaseError> {
        let scheme = SCHEMES
            .iter()
            .find_map(|(scheme, dialect)| Some((*scheme, *dialect, text.strip_prefix(scheme)?)));
        let (scheme, dialect, rest) =
            scheme.ok_or(DatabaseError::Address("it begins with no scheme we know"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return Err(DatabaseError::PasswordInAddress);
        }
        let (user, database) = (decoded(user)?, decoded(database)?);
        if user.is_empty() {
            return Err(DatabaseError::Address("it names no user: USER@HOST"));
        }
        if database.is_empty() && dialect == Dialect::Postgres {
            return Err(DatabaseError::Address("it names no database: HOST/NAME"));
        }
        let (way, in_clear) = way(dialect, host, query)?;
        let place = match &way {
            Way::Tcp(host, port) => format!("{host}:{port}"),
            Way::Unix(_) => "localhost".to_owned(),
        };
        // Two sockets of one machine are two servers.
        let socket = match &way {
            Way::Tcp(..) => String::new(),
            Way::Unix(path) => format!("?socket={}", path.display()),
        };
        let shown = format!("{scheme}{place}/{database}{socket}");
        Ok(Self {
            dialect,
            user,
            way,
            database,
            in_clear,
            shown,
        })
    }

    /// Which server is spoken to.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

fn way(dialect: Dialect, host: &str, query: &str) -> Result<(Way, bool), DatabaseError> {
    let (mut socket, mut in_clear) = (None, false);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("host" | "socket", path)) => socket = Some(decoded(path)?),
            Some(("sslmode" | "ssl-mode", "disable" | "DISABLED")) => in_clear = true,
            Some(("password", _)) => return Err(DatabaseError::PasswordInAddress),
            _ => {
                return Err(DatabaseError::Address(
                    "it asks for an option we do not know",
                ));
            }
        }
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (
            host,
            port.parse()
                .map_err(|_| DatabaseError::Address("its port is no number"))?,
        ),
        _ => (host, dialect.port()),
    };
    if let Some(socket) = socket {
        let path = PathBuf::from(socket);
        // The way of libpq: a directory, in which the socket is named after the port.
        let path = match dialect {
            Dialect::Postgres => path.join(format!(".s.PGSQL.{port}")),
            Dialect::MySql => path,
        };
        return Ok((Way::Unix(path), in_clear));
    }
    let host = decoded(host.trim_start_matches('[').trim_end_matches(']'))?;
    if host.is_empty() {
        return Err(DatabaseError::Address("it names no host"));
    }
    Ok((Way::Tcp(host, port), in_clear))
}

/// Undoes percent-encoding (RFC 3986, 2.1).
fn decoded(text: &str) -> Result<String, DatabaseError> {
    let wrong = DatabaseError::Address("a % in it is followed by no two hexadecimal digits");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => return Err(wrong),
        }
        rest = rest.get(2..).unwrap_or_default();
    }
    match String::from_utf8(bytes) {
        // The protocols end names with it.
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let tcp = |host: &str, port| Way::Tcp(host.to_owned(), port);
        let rows = [
            ("postgres://a@h/db", tcp("h", 5432), "postgres://h:5432/db"),
            (
                "postgresql://a%40b@h:1/d%20b",
                tcp("h", 1),
                "postgresql://h:1/d b",
            ),
            ("mysql://a@[::1]:33/", tcp("::1", 33), "mysql://::1:33/"),
            ("mariadb://a@h", tcp("h", 3306), "mariadb://h:3306/"),
            (
                "postgres://a@/db?host=/run/pg",
                Way::Unix("/run/pg/.s.PGSQL.5432".into()),
                "postgres://localhost/db?socket=/run/pg/.s.PGSQL.5432",
            ),
            (
                "mysql://a@/db?socket=/run/my.sock",
                Way::Unix("/run/my.sock".into()),
                "mysql://localhost/db?socket=/run/my.sock",
            ),
        ];
        for (text, way, shown) in rows {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (address.way.clone(), address.to_string().as_str()),
                (way, shown),
                "{text}"
            );
        }
        assert_eq!(Address::parse("postgres://a%40b@h/d").unwrap().user, "a@b");
    }

    #[test]
    fn refuses_passwords_and_never_repeats_them() {
        for text in [
            "postgres://a:secret@h/db",
            "mysql://a:sec@ret@h/db",
            "postgres://a@h/db?password=secret",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, DatabaseError::PasswordInAddress), "{text}");
            assert!(!format!("{error} {error:?}").contains("sec"));
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "oracle://a@h/db",
            "postgres://h/db",
            "postgres://a@h",
            "postgres://a@/db",
            "postgres://a@h:x/db",
            "postgres://a%zz@h/db",
            "postgres://a%00@h/db",
            "mysql://a@h/db?allow=everything",
        ] {
            assert!(
                matches!(Address::parse(text), Err(DatabaseError::Address(_))),
                "{text}"
            );
        }
        assert!(Address::is_meant("postgres://") && !Address::is_meant("list.csv"));
    }
}
