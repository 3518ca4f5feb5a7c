//! What can be wrong with a name or a rule pack.

/// Why a name is not a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// No kind has this name.
    #[error("unknown kind of personal information")]
    Unknown,
    /// A new kind may not be called so.
    #[error("a kind is named by 1 to 64 lower-case letters, digits and underscores")]
    BadName,
    /// A source of a fact is not written `C:key`, `X`, `M` or `D`.
    #[error("a source begins with C, X, M or D")]
    BadSource,
}

/// Why a rule pack cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The text is not the TOML that a rule pack is.
    #[error("rule pack is malformed")]
    Syntax(#[from] toml::de::Error),
    /// A kind is described twice.
    #[error("kind {0} is described twice")]
    Twice(crate::Kind),
    /// A built-in kind is not described.
    #[error("kind {0} is not described")]
    Missing(crate::Kind),
}
