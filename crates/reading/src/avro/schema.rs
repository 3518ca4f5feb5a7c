//! A schema of Avro: JSON that says what the values are.
//!
//! Rule: Apache Avro 1.12, "Schema declaration" and "Logical types". Types with names may be used
//! again by them, also within themselves, so that a schema is a list of types that point at each
//! other; values bound the descent, not the schema.

use std::collections::HashMap;

use serde_json::Value;

use crate::typed::Unit;
use crate::{Limits, ReadError};

/// Schemas may not nest deeper, nor have more types.
const DEEPEST: usize = 32;
const TYPES: usize = 100_000;

const DAMAGED: ReadError = ReadError::DamagedFile { what: "Avro" };

/// A type, which points at others by their places in the list.
#[derive(Debug, Clone)]
pub(super) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Vec<(String, usize)>),
    Date,
    Time(Unit),
    Moment(Unit),
    /// Of so many bytes, or of as many as it says; digits behind the point.
    Decimal(Option<usize>, u32),
    Uuid,
}

/// The types of a file; the outermost is the first.
pub(super) struct Schema {
    pub(super) types: Vec<Type>,
    names: HashMap<String, usize>,
}

impl Schema {
    pub(super) fn parse(text: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_slice(text).map_err(|_| DAMAGED)?;
        let mut schema = Self {
            types: Vec::new(),
            names: HashMap::new(),
        };
        schema.add(&value, "", 0).ok_or(DAMAGED)?;
        if let Some(Type::Record(fields)) = schema.types.first()
            && fields.len() > limits.max_columns
        {
            return Err(ReadError::TooManyColumns {
                limit: limits.max_columns,
            });
        }
        Ok(schema)
    }

    /// The outermost columns: the fields of the record, or the one thing there is.
    pub(super) fn columns(&self) -> Vec<(String, usize)> {
        match self.types.first() {
            Some(Type::Record(fields)) => fields.clone(),
            _ => vec![("value".to_owned(), 0)],
        }
    }

    fn add(&mut self, value: &Value, space: &str, depth: usize) -> Option<usize> {
        if depth > DEEPEST || self.types.len() >= TYPES {
            return None;
        }
        match value {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let at = self.reserve();
                let branches: Option<Vec<usize>> = branches
                    .iter()
                    .map(|branch| self.add(branch, space, depth + 1))
                    .collect();
                self.types[at] = Type::Union(branches?);
                Some(at)
            }
            Value::Object(object) => match object.get("type")? {
                Value::String(kind) => self.declared(kind, value, space, depth),
                // A type in a type means no more than itself.
                inner => self.add(inner, space, depth + 1),
            },
            _ => None,
        }
    }

    /// A place in the list, to be filled: what it declares may point back at it.
    fn reserve(&mut self) -> usize {
        self.types.push(Type::Null);
        self.types.len() - 1
    }

    fn push(&mut self, kind: Type) -> usize {
        self.types.push(kind);
        self.types.len() - 1
    }

    fn named(&mut self, name: &str, space: &str) -> Option<usize> {
        let plain = match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" => Type::Int,
            "long" => Type::Long,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes,
            "string" => Type::String,
            _ => {
                let known = self.names.get(&full(name, space));
                return known.or_else(|| self.names.get(name)).copied();
            }
        };
        Some(self.push(plain))
    }

    fn declared(&mut self, kind: &str, value: &Value, space: &str, depth: usize) -> Option<usize> {
        let logical = value.get("logicalType").and_then(Value::as_str);
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        let scale = u32::try_from(number("scale").unwrap_or(0)).ok()?;
        let known = match (kind, logical.unwrap_or("")) {
            ("int", "date") => Type::Date,
            ("int", "time-millis") => Type::Time(Unit::Millis),
            ("long", "time-micros") => Type::Time(Unit::Micros),
            ("long", "timestamp-millis" | "local-timestamp-millis") => Type::Moment(Unit::Millis),
            ("long", "timestamp-micros" | "local-timestamp-micros") => Type::Moment(Unit::Micros),
            ("long", "timestamp-nanos" | "local-timestamp-nanos") => Type::Moment(Unit::Nanos),
            ("bytes", "decimal") => Type::Decimal(None, scale),
            ("array" | "map" | "record" | "error" | "enum" | "fixed", _) => {
                return self.compound(kind, value, space, depth);
            }
            _ => return self.named(kind, space),
        };
        Some(self.push(known))
    }

    fn compound(&mut self, kind: &str, value: &Value, space: &str, depth: usize) -> Option<usize> {
        let at = self.reserve();
        let within = match value.get("name").and_then(Value::as_str) {
            Some(name) if !matches!(kind, "array" | "map") => {
                let stated = value.get("namespace").and_then(Value::as_str);
                let name = full(name, stated.unwrap_or(space));
                let within = name.rsplit_once('.').map_or("", |(space, _)| space);
                let within = within.to_owned();
                self.names.insert(name, at);
                within
            }
            _ => space.to_owned(),
        };
        let list = |key: &str| value.get(key).and_then(Value::as_array);
        let found = match kind {
            "array" => Type::Array(self.add(value.get("items")?, &within, depth + 1)?),
            "map" => Type::Map(self.add(value.get("values")?, &within, depth + 1)?),
            "enum" => {
                let symbols = list("symbols")?.iter();
                let symbols: Option<_> = symbols.map(|s| s.as_str().map(str::to_owned)).collect();
                Type::Enum(symbols?)
            }
            "fixed" => {
                let size = usize::try_from(value.get("size")?.as_u64()?).ok()?;
                let scale = value.get("scale").and_then(Value::as_u64).unwrap_or(0);
                match value.get("logicalType").and_then(Value::as_str) {
                    Some("decimal") => Type::Decimal(Some(size), u32::try_from(scale).ok()?),
                    Some("uuid") if size == 16 => Type::Uuid,
                    _ => Type::Fixed(size),
                }
            }
            _ => {
                let mut fields = Vec::new();
                for field in list("fields")? {
                    let name = field.get("name")?.as_str()?.to_owned();
                    // A field's own type may state a logical type beside it.
                    let stated = field.get("type")?;
                    fields.push((name, self.add(stated, &within, depth + 1)?));
                }
                Type::Record(fields)
            }
        };
        self.types[at] = found;
        Some(at)
    }
}

/// A name with its namespace.
fn full(name: &str, space: &str) -> String {
    match name.contains('.') || space.is_empty() {
        true => name.to_owned(),
        false => format!("{space}.{name}"),
    }
}
