//! Records: one subject's fields in one collection, sealed one by one, versions kept.
//!
//! Row of [`Space::Records`](crate::store::Space::Records):
//! key `subject[16] ‖ collection ‖ 0x00 ‖ (2³²−1 − version) u32 BE`, so that the newest
//! version comes first; value
//!
//! ```text
//! 0x01 ‖ version u32 ‖ fields u16 ‖ per field:
//!   name len u8 ‖ name ‖ kind len u8 ‖ kind ‖ indexed u8 ‖ term[18] if indexed ‖
//!   sealed len u32 ‖ sealed value
//! ```
//!
//! A field's key is HKDF(DEK, class), the class being its kind; its additional data names
//! tenant, subject, collection, field, version and kind, so that no ciphertext opens in
//! another's place and no kind can be relabelled to escape masking.

use std::borrow::Cow;
use std::fmt;

use liuhen_kinds::Kind;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypt::{self, RandomPool};
use crate::index::{TERM, Term};
use crate::keys::SubjectKeys;
use crate::store::KeyRange;
use crate::subject::{IdentityKey, SubjectId};

/// Most fields in a record.
pub const MAX_FIELDS: usize = 1_024;
/// Longest value of a field, in bytes.
pub const MAX_VALUE: usize = 1 << 20;
const FORMAT: u8 = 1;
/// Class of fields without a kind.
const NO_CLASS: &str = "text";

/// A field on its way in.
#[derive(Clone)]
pub struct IncomingField {
    /// Name within its collection: 1 to 255 bytes, no NUL.
    pub name: String,
    /// What sort of personal information it is, if any is known.
    pub kind: Option<Kind>,
    /// The value as the person or the file wrote it.
    pub value: Zeroizing<String>,
    /// The normalised value, if the field is to be found by exact value; an empty one is not.
    pub index: Option<Zeroizing<String>>,
}

impl IncomingField {
    /// A field that is stored and not indexed.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Option<Kind>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            value: Zeroizing::new(value.into()),
            index: None,
        }
    }

    /// The same field, found later by `normalised`.
    #[must_use]
    pub fn indexed(mut self, normalised: impl Into<String>) -> Self {
        self.index = Some(Zeroizing::new(normalised.into()));
        self
    }
}

impl fmt::Debug for IncomingField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or(NO_CLASS, Kind::name);
        write!(f, "IncomingField({kind}, {} bytes)", self.value.len())
    }
}

/// A row on its way in: one person's fields in one collection.
#[derive(Clone, Debug)]
pub struct IncomingRow {
    /// Collection: 1 to 128 bytes, no NUL.
    pub collection: String,
    /// Fields, names distinct.
    pub fields: Vec<IncomingField>,
    /// Who the row is about, strongest first; empty makes a new subject.
    pub identity: Vec<IdentityKey>,
}

/// A field read back.
#[derive(Clone)]
pub struct OpenField {
    /// Name within its collection.
    pub name: String,
    /// Its kind.
    pub kind: Option<Kind>,
    /// The plain value.
    pub value: Zeroizing<String>,
}

impl fmt::Debug for OpenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or(NO_CLASS, Kind::name);
        write!(f, "OpenField({kind}, {} bytes)", self.value.len())
    }
}

/// What a record holds, without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordShape {
    /// Collection.
    pub collection: String,
    /// Version, from 1.
    pub version: u32,
    /// Fields in their order.
    pub fields: Vec<FieldShape>,
}

/// One field of a [`RecordShape`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldShape {
    /// Name within the collection.
    pub name: String,
    /// Its kind.
    pub kind: Option<Kind>,
    /// Whether it is found by exact value.
    pub indexed: bool,
}

/// A field in the clear, inside the vault only; borrowed from the row it came with.
#[derive(Clone)]
pub(crate) struct PlainField<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: Option<Kind>,
    pub(crate) value: Cow<'a, Zeroizing<String>>,
    pub(crate) term: Option<Term>,
}

/// A field as stored.
pub(crate) struct StoredField<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Option<Kind>,
    pub(crate) term: Option<Term>,
    sealed: &'a [u8],
}

/// A record row, parsed and still sealed.
pub(crate) struct StoredRecord<'a> {
    pub(crate) version: u32,
    pub(crate) fields: Vec<StoredField<'a>>,
}

/// Where a sealed field belongs: everything its additional data names but the field itself.
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) subject: &'a SubjectId,
    pub(crate) collection: &'a str,
    pub(crate) version: u32,
}

impl Place<'_> {
    fn aad(&self, out: &mut Vec<u8>, name: &str, class: &str) {
        crypt::aad_into(
            out,
            &[
                b"liuhen/field/v1",
                self.tenant.as_bytes(),
                self.subject.as_bytes(),
                self.collection.as_bytes(),
                name.as_bytes(),
                &self.version.to_be_bytes(),
                class.as_bytes(),
            ],
        );
    }
}

fn class(kind: Option<Kind>) -> &'static str {
    kind.map_or(NO_CLASS, Kind::name)
}

/// Range of all versions of a record, newest first.
pub(crate) fn versions(subject: &SubjectId, collection: &str) -> KeyRange {
    KeyRange::prefix(&record_prefix(subject, collection))
}

fn record_prefix(subject: &SubjectId, collection: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(16 + collection.len() + 5);
    key.extend_from_slice(subject.as_bytes());
    key.extend_from_slice(collection.as_bytes());
    key.push(0);
    key
}

pub(crate) fn record_key(subject: &SubjectId, collection: &str, version: u32) -> Vec<u8> {
    let mut key = record_prefix(subject, collection);
    key.extend_from_slice(&(u32::MAX - version).to_be_bytes());
    key
}

/// The collection named in a record key.
pub(crate) fn collection_of(key: &[u8]) -> Result<&str, VaultError> {
    key.get(16..key.len().saturating_sub(5))
        .and_then(|name| std::str::from_utf8(name).ok())
        .ok_or(VaultError::malformed("a record key"))
}

/// Checks the bounds of a row before anything is sealed.
pub(crate) fn check_row(row: &IncomingRow) -> Result<(), VaultError> {
    let bound = |what, bound| Err(VaultError::Bound { what, bound });
    let name = row.collection.as_bytes();
    if name.is_empty() || name.len() > 128 || name.contains(&0) {
        return bound("a collection name", "1 to 128 bytes without NUL");
    }
    if row.fields.is_empty() || row.fields.len() > MAX_FIELDS {
        return bound("fields of a row", "1 to 1,024");
    }
    for (at, field) in row.fields.iter().enumerate() {
        let name = field.name.as_bytes();
        if name.is_empty() || name.len() > 255 || name.contains(&0) {
            return bound("a field name", "1 to 255 bytes without NUL");
        }
        if field.value.len() > MAX_VALUE {
            return bound("a value", "at most 1 MiB");
        }
        if row.fields[..at]
            .iter()
            .any(|earlier| earlier.name == field.name)
        {
            return bound("field names of a row", "distinct");
        }
    }
    Ok(())
}

fn push_short(out: &mut Vec<u8>, text: &str) {
    // Names are checked to be at most 255 bytes, kinds are shorter still.
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

/// Seals fields into the value of a record row.
pub(crate) fn seal_record(
    place: &Place<'_>,
    keys: &SubjectKeys,
    fields: &[PlainField<'_>],
    pool: &mut RandomPool,
) -> Result<Vec<u8>, VaultError> {
    let too_many = VaultError::Bound {
        what: "fields of a row",
        bound: "1 to 1,024",
    };
    let count = u16::try_from(fields.len()).map_err(|_| too_many)?;
    let room: usize = fields
        .iter()
        .map(|field| 96 + field.name.len() + field.value.len())
        .sum();
    let mut out = Vec::with_capacity(7 + room);
    let mut aad = Vec::with_capacity(256);
    out.push(FORMAT);
    out.extend_from_slice(&place.version.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    for field in fields {
        push_short(&mut out, &field.name);
        push_short(&mut out, field.kind.map_or("", Kind::name));
        out.push(u8::from(field.term.is_some()));
        out.extend_from_slice(field.term.as_ref().map_or(&[], Term::as_slice));
        let sealed =
            u32::try_from(field.value.len() + crypt::OVERHEAD).map_err(|_| VaultError::Bound {
                what: "a value",
                bound: "at most 1 MiB",
            })?;
        out.extend_from_slice(&sealed.to_be_bytes());
        let class = class(field.kind);
        place.aad(&mut aad, &field.name, class);
        let key = keys.field_key(class);
        crypt::seal_into(&mut out, &key, &pool.take()?, &aad, field.value.as_bytes())?;
    }
    Ok(out)
}

/// A cursor over a row's bytes; every step may run out.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn short(&mut self) -> Option<&'a str> {
        let [length] = self.array()?;
        std::str::from_utf8(self.bytes(usize::from(length))?).ok()
    }

    fn field(&mut self) -> Option<StoredField<'a>> {
        let name = self.short()?;
        let kind = match self.short()? {
            "" => None,
            // A kind from a rule pack that is no longer loaded keeps its name and protection.
            kind => Some(Kind::parse(kind).or_else(|_| Kind::define(kind)).ok()?),
        };
        let term = match self.array()? {
            [0] => None,
            [1] => Some(self.array::<TERM>()?),
            _ => return None,
        };
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        Some(StoredField {
            name,
            kind,
            term,
            sealed: self.bytes(length)?,
        })
    }
}

/// Parses the value of a record row.
pub(crate) fn parse_record(value: &[u8]) -> Result<StoredRecord<'_>, VaultError> {
    let parse = || {
        let mut cursor = Cursor(value);
        let [format] = cursor.array()?;
        let version = u32::from_be_bytes(cursor.array()?);
        let count = u16::from_be_bytes(cursor.array()?);
        let fields = (0..count)
            .map(|_| cursor.field())
            .collect::<Option<Vec<_>>>()?;
        (format == FORMAT && cursor.0.is_empty()).then_some(StoredRecord { version, fields })
    };
    parse().ok_or(VaultError::malformed("a record"))
}

/// Opens one field of a record.
pub(crate) fn open_field(
    place: &Place<'_>,
    keys: &SubjectKeys,
    field: &StoredField<'_>,
) -> Result<Zeroizing<String>, VaultError> {
    let class = class(field.kind);
    let mut aad = Vec::with_capacity(256);
    place.aad(&mut aad, field.name, class);
    let mut plain = crypt::open(&keys.field_key(class), &aad, field.sealed, "a field")?;
    String::from_utf8(std::mem::take(&mut *plain))
        .map(Zeroizing::new)
        .map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            VaultError::malformed("a field")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> SubjectKeys {
        SubjectKeys::random(&mut RandomPool::new()).expect("random")
    }

    fn place<'a>(subject: &'a SubjectId, collection: &'a str, version: u32) -> Place<'a> {
        Place {
            tenant: "t",
            subject,
            collection,
            version,
        }
    }

    fn plain(name: &str, kind: Option<Kind>, value: &str) -> PlainField<'static> {
        let value = Zeroizing::new(value.to_owned());
        PlainField {
            name: Cow::Owned(name.to_owned()),
            kind,
            value: Cow::Owned(value),
            term: None,
        }
    }

    #[test]
    fn refuses_ciphertext_in_any_other_place() {
        let (one, two) = (
            SubjectId::from_bytes([1; 16]),
            SubjectId::from_bytes([2; 16]),
        );
        let keys = keys();
        let fields = [
            plain("a", Some(Kind::EMAIL), "same"),
            plain("b", Some(Kind::EMAIL), "same"),
        ];
        let right = place(&one, "c", 1);
        let row = seal_record(&right, &keys, &fields, &mut RandomPool::new()).expect("seals");
        let record = parse_record(&row).expect("parses");
        assert_eq!(
            open_field(&right, &keys, &record.fields[0])
                .expect("opens")
                .as_str(),
            "same"
        );
        for wrong in [
            place(&two, "c", 1),
            place(&one, "d", 1),
            place(&one, "c", 2),
        ] {
            assert!(open_field(&wrong, &keys, &record.fields[0]).is_err());
        }
        let other_tenant = Place {
            tenant: "u",
            ..place(&one, "c", 1)
        };
        assert!(open_field(&other_tenant, &keys, &record.fields[0]).is_err());
        let swapped = StoredField {
            sealed: record.fields[1].sealed,
            ..parse_record(&row).expect("parses").fields.remove(0)
        };
        assert!(open_field(&right, &keys, &swapped).is_err());
        let relabelled = StoredField {
            kind: None,
            ..parse_record(&row).expect("parses").fields.remove(0)
        };
        assert!(open_field(&right, &keys, &relabelled).is_err());
    }

    #[test]
    fn refuses_rows_out_of_bounds() {
        let row = |collection: &str, names: &[&str]| IncomingRow {
            collection: collection.to_owned(),
            fields: names
                .iter()
                .map(|name| IncomingField::new(*name, None, "v"))
                .collect(),
            identity: Vec::new(),
        };
        let long = "x".repeat(256);
        let rows = [
            ("good", row("c", &["a", "b"]), true),
            ("no fields", row("c", &[]), false),
            ("no collection", row("", &["a"]), false),
            ("NUL in collection", row("c\0d", &["a"]), false),
            ("empty name", row("c", &[""]), false),
            ("long name", row("c", &[&long]), false),
            ("twice", row("c", &["a", "a"]), false),
        ];
        for (name, row, good) in rows {
            assert_eq!(check_row(&row).is_ok(), good, "{name}");
        }
    }

    #[test]
    fn debug_shows_kind_and_length_only() {
        let field = IncomingField::new("phone", Some(Kind::MOBILE), "16400000000");
        assert_eq!(format!("{field:?}"), "IncomingField(mobile, 11 bytes)");
    }

    proptest! {
        #[test]
        fn opening_undoes_sealing(values in proptest::collection::vec(".{0,80}", 1..6), version in 1..u32::MAX) {
            let subject = SubjectId::from_bytes([7; 16]);
            let keys = keys();
            let fields: Vec<_> = values.iter().enumerate().map(|(n, value)| PlainField {
                term: (n % 2 == 0).then_some([9; TERM]),
                ..plain(&format!("f{n}"), (n % 3 == 0).then_some(Kind::MOBILE), value)
            }).collect();
            let place = place(&subject, "c", version);
            let row = seal_record(&place, &keys, &fields, &mut RandomPool::new()).expect("seals");
            let record = parse_record(&row).expect("parses");
            prop_assert_eq!(record.version, version);
            for (stored, given) in record.fields.iter().zip(&fields) {
                prop_assert_eq!(stored.name, given.name.as_ref());
                prop_assert_eq!(stored.kind, given.kind);
                prop_assert_eq!(stored.term, given.term);
                prop_assert_eq!(&open_field(&place, &keys, stored).expect("opens"), given.value.as_ref());
            }
        }

        #[test]
        fn parsing_takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_record(&bytes);
        }
    }
}
