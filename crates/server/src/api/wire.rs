//! Wire types that several nouns share.
//!
//! They mirror the service's types and may stay as they are while those change.

use std::fmt;

use axum::http::StatusCode;
use jiff::Timestamp;
use liuhen_kinds::Kind;
use liuhen_service as inner;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ApiError;
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// A time: RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub inner::UnixMs);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<Timestamp>()
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

impl PartialSchema for Time {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .description(Some("RFC 3339, UTC, milliseconds"))
            .into()
    }
}

impl ToSchema for Time {}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages staff, keys, sites, purposes and policies.
    Admin,
    /// Brings personal information in.
    Importer,
    /// Asks to read, as far as the policies allow.
    Reader,
    /// Asks for exports.
    Exporter,
    /// Approves what another person asked for.
    Approver,
    /// Traces leaks.
    Investigator,
    /// Identifies persons at the desk.
    Desk,
}

impl From<inner::Role> for Role {
    fn from(role: inner::Role) -> Self {
        match role {
            inner::Role::Admin => Self::Admin,
            inner::Role::Importer => Self::Importer,
            inner::Role::Reader => Self::Reader,
            inner::Role::Exporter => Self::Exporter,
            inner::Role::Approver => Self::Approver,
            inner::Role::Investigator => Self::Investigator,
            inner::Role::Desk => Self::Desk,
        }
    }
}

impl From<Role> for inner::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Importer => Self::Importer,
            Role::Reader => Self::Reader,
            Role::Exporter => Self::Exporter,
            Role::Approver => Self::Approver,
            Role::Investigator => Self::Investigator,
            Role::Desk => Self::Desk,
        }
    }
}

/// A person: by the token a site holds, by an exact value, or by the opaque id of the console.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Person {
    /// A token of the caller's site.
    Token {
        /// Such as `t_…`.
        token: String,
    },
    /// An exact value, found through a blind index.
    Value {
        /// The kind of the value, such as `mobile` or `resident_id`.
        kind: String,
        /// The value, in any written form.
        value: String,
    },
    /// The opaque id that the console shows; not for API keys.
    Subject {
        /// The id.
        subject: String,
    },
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { token } => write!(f, "Token({} chars)", token.chars().count()),
            Self::Value { kind, value } => {
                write!(f, "Value({kind}, {} chars)", value.chars().count())
            }
            Self::Subject { subject } => write!(f, "Subject({} chars)", subject.chars().count()),
        }
    }
}

impl TryFrom<Person> for inner::Handle {
    type Error = ApiError;

    fn try_from(person: Person) -> Result<Self, ApiError> {
        Ok(match person {
            Person::Token { token } => Self::Token { token },
            Person::Value { kind: name, value } => Self::Value {
                kind: kind(&name)?,
                value,
            },
            Person::Subject { subject } => Self::Subject { subject },
        })
    }
}

/// Reads the name of a kind.
///
/// # Errors
///
/// 422 `invalid`; the name is not repeated, since it may be a value in the wrong place.
pub(crate) fn kind(name: &str) -> Result<Kind, ApiError> {
    Kind::parse(name).map_err(|_| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "unknown kind; GET /v1/kinds lists them",
        )
    })
}

/// Proof that a trace was durable before the answer left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Index of the leaf in the log, from zero.
    pub index: u64,
    /// SHA-256 of the leaf (RFC 9162), in hex.
    pub leaf_hash: String,
    /// The receipt itself: a signed note. Keep it; `liuhen verify receipt` checks it.
    pub note: String,
}

impl From<inner::ReceiptView> for Receipt {
    fn from(receipt: inner::ReceiptView) -> Self {
        Self {
            index: receipt.index,
            leaf_hash: receipt.leaf_hash,
            note: receipt.note,
        }
    }
}

/// A place in a file that could not be read, and why; never the value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RowProblem {
    /// Name of the file.
    pub file: String,
    /// Row as a spreadsheet numbers it, from one, the header included.
    pub row: u64,
    /// Column, from zero.
    pub column: Option<u32>,
    /// Field the column was to become.
    pub column_name: Option<String>,
    /// Stable code.
    pub code: String,
    /// In Chinese.
    pub text_zh: String,
    /// In English.
    pub text_en: String,
}

impl From<inner::ProblemView> for RowProblem {
    fn from(problem: inner::ProblemView) -> Self {
        Self {
            file: problem.file,
            row: problem.row,
            column: problem.column,
            column_name: problem.column_name,
            code: problem.code,
            text_zh: problem.text_zh,
            text_en: problem.text_en,
        }
    }
}

/// A value that was released.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// The field.
    pub name: String,
    /// What kind of information it is.
    pub kind: Option<String>,
    /// The field's label in Chinese.
    pub label_zh: String,
    /// The field's label in English.
    pub label_en: String,
    /// The value, plain or masked.
    pub value: String,
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Released({}, {} chars)",
            self.name,
            self.value.chars().count()
        )
    }
}

impl From<inner::Released> for Released {
    fn from(field: inner::Released) -> Self {
        Self {
            name: field.name,
            kind: kind_name(field.kind),
            label_zh: field.label_zh,
            label_en: field.label_en,
            value: field.value,
        }
    }
}

/// Which part of a long list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// The first one to list, counted from zero, or from row one for rows.
    #[serde(default)]
    pub from: u64,
    /// How many at most: 1 to 1,000.
    #[serde(default = "Page::usual")]
    pub limit: usize,
}

impl Page {
    const fn usual() -> usize {
        100
    }

    /// The limit within its bounds.
    pub fn limit(self) -> usize {
        self.limit.clamp(1, 1000)
    }
}

/// The id of something that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// Opaque.
    pub id: String,
}

/// The stable name of a kind.
pub(crate) fn kind_name(kind: Option<Kind>) -> Option<String> {
    kind.map(|kind| kind.name().to_owned())
}

/// Turns each into its wire type.
pub(crate) fn all<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        for ms in [0, 1_790_000_000_123, -1] {
            let text = serde_json::to_string(&Time(ms)).unwrap();
            assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), Time(ms));
        }
        assert_eq!(Time(1).to_string(), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn persons_are_told_apart_by_their_members() {
        let rows = [
            (r#"{"token":"t_x"}"#, "Token(3 chars)"),
            (
                r#"{"kind":"mobile","value":"15400000000"}"#,
                "Value(mobile, 11 chars)",
            ),
            (r#"{"subject":"s"}"#, "Subject(1 chars)"),
        ];
        for (text, shown) in rows {
            let person: Person = serde_json::from_str(text).unwrap();
            assert_eq!(format!("{person:?}"), shown);
        }
        assert!(serde_json::from_str::<Person>(r#"{"kind":"mobile"}"#).is_err());
    }
}
