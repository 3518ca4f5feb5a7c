//! Why a database could not be read.
//!
//! A server's own words may hold values of its tables, so they are never repeated; its code is.

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It is no address of a database.
    #[error("no address of a database: {0}")]
    Address(&'static str),
    /// The address holds a password.
    #[error(
        "a password stands in the address, where every process can read it: give PGPASSWORD, MYSQL_PWD or --password-file"
    )]
    PasswordInAddress,
    /// What passes could be read on the way: TLS is not spoken here.
    #[error(
        "another machine, and no encryption on the way: connect through a tunnel (ssh -L), or add ?sslmode=disable where the network is trusted"
    )]
    InClear,
    /// The server asks for a password, and there is none.
    #[error("the server asks for a password: give PGPASSWORD, MYSQL_PWD or --password-file")]
    NoPassword,
    /// The server asks for a password in a way that is not spoken here.
    #[error("the server asks for {0}, which is not spoken here")]
    Method(&'static str),
    /// The server did not prove that it knows the password.
    #[error("the server did not prove that it knows the password")]
    Impostor,
    /// The server refused.
    #[error("the server refused, code {0}")]
    Refused(String),
    /// The server does not speak its protocol.
    #[error("the server does not speak its protocol: {0}")]
    Protocol(&'static str),
    /// The connection failed.
    #[error("no connection: {0}")]
    Connection(#[from] std::io::Error),
}
