//! What a leaf says: one event, as canonical JSON.
//!
//! Only opaque ids, names of staff and services, and names of fields; never a value.
//! The bytes written here are what the commitment in the log covers, so the field order of [`Event`] is part of the leaf format.

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Fields of one person were asked for.
    Read,
    /// Rows were asked to be exported.
    ExportRequest,
    /// A second person approved or declined an export.
    ExportDecision,
    /// An export's file was made for a recipient.
    Export,
    /// An export's file was handed out.
    ExportDownload,
    /// An import began or ended.
    Import,
    /// The policies were changed.
    Policy,
    /// A purpose was declared or changed.
    Purpose,
    /// A consent was given or withdrawn.
    Consent,
    /// A face was enrolled, or enrolled anew, or could not be.
    FaceEnrolment,
    /// It was asked whether a picture shows the person.
    FaceCheck,
    /// A face ended and its key was destroyed.
    FaceEnd,
    /// An objection to marketing was made or lifted.
    Objection,
    /// A field was corrected.
    Correction,
    /// A person was erased.
    Erasure,
    /// A link and code were handed to a person.
    Invitation,
    /// A person looked at his own trace.
    OwnView,
    /// A leaked file was examined.
    Leak,
    /// A viewer's screens of a day were given their pattern.
    Screen,
    /// A canary person was seen outside, or such an alert was settled.
    Sighting,
    /// With which chance a look-up shows its reader a decoy was settled, before the coin fell.
    Decoy,
    /// A person was asked to show himself before a camera, or had.
    Capture,
    /// A picture was brought for hiding what it shows, its copy saved or handed out.
    Redaction,
    /// A person registered a device that signs for him, or revoked one.
    Device,
    /// Staff, keys or sites were managed.
    Admin,
    /// Somebody signed in or failed to.
    SignIn,
}

impl Action {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ExportRequest => "export_request",
            Self::ExportDecision => "export_decision",
            Self::Export => "export",
            Self::ExportDownload => "export_download",
            Self::Import => "import",
            Self::Policy => "policy",
            Self::Purpose => "purpose",
            Self::Consent => "consent",
            Self::FaceEnrolment => "face_enrolment",
            Self::FaceCheck => "face_check",
            Self::FaceEnd => "face_end",
            Self::Objection => "objection",
            Self::Correction => "correction",
            Self::Erasure => "erasure",
            Self::Invitation => "invitation",
            Self::OwnView => "own_view",
            Self::Leak => "leak",
            Self::Sighting => "sighting",
            Self::Decoy => "decoy",
            Self::Screen => "screen",
            Self::Capture => "capture",
            Self::Redaction => "redaction",
            Self::Device => "device",
            Self::Admin => "admin",
            Self::SignIn => "sign_in",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Values were released in plain.
    Plain,
    /// Values were released masked.
    Masked,
    /// Only yes or no was answered.
    Answered,
    /// Nothing was released.
    Refused,
    /// The person has been erased; nothing is left to release.
    Erased,
    /// Nobody was found; nothing was released.
    Unknown,
    /// Done (events that release no value).
    Done,
    /// Tried and failed.
    Failed,
}

impl Outcome {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Masked => "masked",
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Erased => "erased",
            Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether something about a person left the vault.
    pub fn released(self) -> bool {
        matches!(self, Self::Plain | Self::Masked | Self::Answered)
    }
}

/// One event. Field order is part of leaf format v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Format version of this JSON.
    pub v: u8,
    /// RFC 3339, UTC, milliseconds.
    pub time: String,
    /// What happened.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Caller id.
    pub who: String,
    /// Caller as shown to a person.
    pub name: String,
    /// Declared purpose, by id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// Names of the fields asked.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    /// Id of the decision that allowed or refused it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<String>,
    /// Version (hash) of the policies that decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policies: Option<String>,
    /// What else is said, such as an export's id or recipient: pairs of a stable key and a value that is no personal information of a subject.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub details: Vec<(String, String)>,
}

impl Event {
    /// The canonical bytes, which the commitment covers.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and small enums only: serde_json has no way to fail here.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads canonical bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whether somebody was shown something about the person by it: a read that released, a face compared, an export.
    pub fn is_look(&self) -> bool {
        match self.action {
            Action::Read | Action::FaceCheck => self.outcome.released(),
            Action::Export => true,
            _ => false,
        }
    }

    /// The value of a detail.
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.details
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_bytes_are_stable() {
        let event = Event {
            v: 1,
            time: "2026-11-22T01:02:03.004Z".to_owned(),
            action: Action::Read,
            outcome: Outcome::Masked,
            who: "staff:abc".to_owned(),
            name: "front desk 3".to_owned(),
            purpose: Some("delivery".to_owned()),
            fields: vec!["mobile".to_owned()],
            decision: Some("d_1".to_owned()),
            policies: None,
            details: vec![],
        };
        let bytes = event.to_bytes();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"v":1,"time":"2026-11-22T01:02:03.004Z","action":"read","outcome":"masked","who":"staff:abc","name":"front desk 3","purpose":"delivery","fields":["mobile"],"decision":"d_1"}"#
        );
        assert_eq!(Event::from_bytes(&bytes), Some(event));
    }
}
