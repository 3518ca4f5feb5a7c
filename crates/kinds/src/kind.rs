//! The names of kinds, interned.
//!
//! Rule: the names are those of the scan report, snake case, stable for ever,
//! since they stand in traces and reports.
//! What a kind means (labels, axes, header words) is data and belongs to
//! [`crate::pack`].

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::KindError;

/// A sort of personal information, by its interned name.
///
/// Copy, ordered by name. Serialised as its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// One for each name, so that two kinds are told apart without reading their names: in a table
    /// that happens for each cell. Compared first, since it stands first.
    at: u16,
    name: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $name:literal, $meaning:literal;)*) => {
        /// The places of the built-in kinds in the catalogue.
        #[expect(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "named as the constants"
        )]
        #[repr(u16)]
        enum Place { $($constant),* }

        impl Kind {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")]
            pub const $constant: Kind = Kind { at: Place::$constant as u16, name: $name };)*

            /// Every kind the house knows by itself, in the order of the catalogue.
            pub const BUILTIN: &'static [Kind] = &[$(Kind::$constant),*];
        }
    };
}

kinds! {
    RESIDENT_ID = "resident_id", "resident ID number";
    FOREIGNER_ID = "foreigner_id", "foreign permanent resident ID";
    HK_MO_TW_RESIDENCE = "hk_mo_tw_residence", "residence permit of Hong Kong, Macao and Taiwan residents";
    PASSPORT = "passport", "passport number";
    HK_MO_PERMIT = "hk_mo_permit", "Hong Kong and Macao permit number";
    TW_PERMIT = "tw_permit", "Taiwan permit number";
    MILITARY_ID = "military_id", "military ID number";
    MOBILE = "mobile", "mobile number";
    LANDLINE = "landline", "landline number";
    EMAIL = "email", "e-mail address";
    BANK_CARD = "bank_card", "bank card number";
    BANK_ACCOUNT = "bank_account", "bank account number";
    CVV = "cvv", "card security code";
    PASSWORD = "password", "password";
    OTP = "otp", "one-time code";
    PERSON_NAME = "person_name", "person's name";
    ADDRESS = "address", "address";
    ORGANISATION = "organisation", "organisation";
    DATE_OF_BIRTH = "date_of_birth", "date of birth";
    GENDER = "gender", "gender";
    ETHNICITY = "ethnicity", "ethnic group";
    RELIGION = "religion", "religion";
    PLATE = "plate", "vehicle plate";
    VIN = "vin", "vehicle identification number";
    ENGINE_NUMBER = "engine_number", "engine number";
    IMEI = "imei", "IMEI";
    IMSI = "imsi", "IMSI";
    ICCID = "iccid", "ICCID";
    MAC = "mac", "MAC address";
    IP = "ip", "IP address";
    ADVERTISING_ID = "advertising_id", "advertising ID";
    GPS = "gps", "coordinates";
    GEO_TRACE = "geo_trace", "movement trace";
    WECHAT_ID = "wechat_id", "WeChat ID";
    QQ = "qq", "QQ number";
    WEIBO_ID = "weibo_id", "Weibo account";
    TELEGRAM = "telegram", "Telegram account";
    WAYBILL = "waybill", "waybill number";
    TICKET = "ticket", "ticket or booking";
    STUDENT_ID = "student_id", "student number";
    SCHOOL_CLASS = "school_class", "school and class";
    SOCIAL_SECURITY = "social_security", "social security number";
    MEDICAL_RECORD = "medical_record", "medical record number";
    DIAGNOSIS = "diagnosis", "diagnosis";
    PREGNANCY = "pregnancy", "pregnancy";
    CREDIT_REPORT = "credit_report", "credit report";
    INCOME = "income", "income";
    PROPERTY = "property", "property";
    LODGING = "lodging", "lodging";
    CALL_RECORD = "call_record", "call record";
    MESSAGE_CONTENT = "message_content", "message content";
    ORDER = "order", "order";
    FACE_IMAGE = "face_image", "face image";
    FACE_TEMPLATE = "face_template", "face template";
    WALLET_ADDRESS = "wallet_address", "wallet address";
    USCC = "uscc", "unified social credit code";
    ORG_CODE = "org_code", "organisation code";
}

/// Kinds that a user's rule pack added, in that order; grows only by [`Kind::define`].
static DEFINED: Mutex<Vec<Kind>> = Mutex::new(Vec::new());

/// The longest name a kind may have, in bytes.
const MAX_NAME: usize = 64;

impl Kind {
    /// The name, as written in reports and traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Finds a kind by its name: a built-in one, or one that was defined.
    ///
    /// # Errors
    ///
    /// [`KindError::Unknown`] when no kind has this name. The error does not
    /// repeat the text, which may come from outside.
    pub fn parse(name: &str) -> Result<Kind, KindError> {
        if let Some(kind) = Kind::BUILTIN.iter().find(|kind| kind.name == name) {
            return Ok(*kind);
        }
        let defined = DEFINED.lock().unwrap_or_else(PoisonError::into_inner);
        defined
            .iter()
            .find(|kind| kind.name == name)
            .copied()
            .ok_or(KindError::Unknown)
    }

    /// Adds a kind of the user's own, or finds it when it is there already.
    ///
    /// The name is kept for the life of the process: define kinds when a rule
    /// pack is loaded, not for every document.
    ///
    /// # Errors
    ///
    /// [`KindError::BadName`] unless the name is 1 to 64 bytes of lower-case
    /// letters, digits and `_`, beginning with a letter, or after 65,000 others.
    pub fn define(name: &str) -> Result<Kind, KindError> {
        if let Ok(kind) = Kind::parse(name) {
            return Ok(kind);
        }
        let tail_ok = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let head_ok = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !head_ok || !tail_ok || name.len() > MAX_NAME {
            return Err(KindError::BadName);
        }
        let mut defined = DEFINED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = defined.iter().find(|kind| kind.name == name) {
            return Ok(*kind);
        }
        let at = u16::try_from(Kind::BUILTIN.len() + defined.len());
        let kind = Kind {
            at: at.map_err(|_| KindError::BadName)?,
            name: Box::leak(name.to_owned().into_boxed_str()),
        };
        defined.push(kind);
        Ok(kind)
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(other.name)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl std::str::FromStr for Kind {
    type Err = KindError;

    fn from_str(name: &str) -> Result<Kind, KindError> {
        Kind::parse(name)
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> serde::Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Kind, E> {
                Kind::parse(name).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_name_parses_to_itself() {
        for kind in Kind::BUILTIN {
            assert_eq!(Kind::parse(kind.name()), Ok(*kind));
        }
        assert_eq!(Kind::BUILTIN.len(), 57);
    }

    #[test]
    fn refuses_an_unknown_name() {
        assert_eq!(Kind::parse("shoe_size"), Err(KindError::Unknown));
    }

    #[test]
    fn refuses_names_that_would_not_stay_stable() {
        for name in ["", "Upper", "1st", "has space", "姓名", &"a".repeat(65)] {
            assert_eq!(Kind::define(name), Err(KindError::BadName), "{name}");
        }
    }

    #[test]
    fn a_defined_kind_is_found_and_equal() {
        let kind = Kind::define("loyalty_card").unwrap();
        assert_eq!(Kind::define("loyalty_card"), Ok(kind));
        assert_eq!(Kind::parse("loyalty_card"), Ok(kind));
        let other = Kind::define("loyalty_cards").unwrap();
        assert!(kind != other && kind < other && !Kind::BUILTIN.contains(&kind));
    }

    #[test]
    fn is_written_in_toml_as_its_name() {
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Holder {
            kind: Kind,
        }
        let text = toml::to_string(&Holder { kind: Kind::MOBILE }).unwrap();
        assert_eq!(text, "kind = \"mobile\"\n");
        assert_eq!(toml::from_str::<Holder>(&text).unwrap().kind, Kind::MOBILE);
    }
}
