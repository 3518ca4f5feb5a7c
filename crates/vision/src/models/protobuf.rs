//! As much of Protocol Buffers as weights need: fields kept in order, unknown ones included.
//!
//! Rule: the encoding of Protocol Buffers, wire types 0, 1, 2 and 5.

use std::borrow::Cow;

use crate::VisionError;

/// One value as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(Cow<'a, [u8]>),
    Four([u8; 4]),
}

/// A message: its fields in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) fields: Vec<(u64, Wire<'a>)>,
}

impl<'a> Message<'a> {
    pub(super) fn parse(mut bytes: &'a [u8]) -> Result<Message<'a>, VisionError> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let value = match key & 7 {
                0 => Wire::Varint(varint(&mut bytes)?),
                1 => Wire::Eight(fixed(&mut bytes)?),
                2 => {
                    let length = varint(&mut bytes)?;
                    let length = usize::try_from(length).map_err(|_| cut())?;
                    let (value, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
                    bytes = rest;
                    Wire::Bytes(Cow::Borrowed(value))
                }
                5 => Wire::Four(fixed(&mut bytes)?),
                other => {
                    return Err(VisionError::Weights(format!("wire type {other}")));
                }
            };
            fields.push((key >> 3, value));
        }
        Ok(Message { fields })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, value) in &self.fields {
            match value {
                Wire::Varint(value) => {
                    push_varint(&mut out, number << 3);
                    push_varint(&mut out, *value);
                }
                Wire::Eight(value) => {
                    push_varint(&mut out, number << 3 | 1);
                    out.extend_from_slice(value);
                }
                Wire::Bytes(value) => {
                    push_varint(&mut out, number << 3 | 2);
                    push_varint(&mut out, value.len() as u64);
                    out.extend_from_slice(value);
                }
                Wire::Four(value) => {
                    push_varint(&mut out, number << 3 | 5);
                    out.extend_from_slice(value);
                }
            }
        }
        out
    }

    /// The bytes of each field of this number.
    pub(super) fn all(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter_map(move |(found, value)| {
            if let Wire::Bytes(bytes) = value
                && *found == number
            {
                return Some(&**bytes);
            }
            None
        })
    }

    /// The last field of this number, as the format reads repeated single fields.
    pub(super) fn bytes(&self, number: u64) -> Option<&[u8]> {
        self.all(number).last()
    }

    pub(super) fn text(&self, number: u64) -> Result<&str, VisionError> {
        std::str::from_utf8(self.bytes(number).unwrap_or_default())
            .map_err(|_| VisionError::Weights("a name is not UTF-8".into()))
    }

    pub(super) fn varint(&self, number: u64) -> Option<u64> {
        self.varints(number).ok()?.last().copied()
    }

    /// A repeated number, packed or not.
    pub(super) fn varints(&self, number: u64) -> Result<Vec<u64>, VisionError> {
        let mut out = Vec::new();
        for (found, value) in &self.fields {
            match value {
                Wire::Varint(value) if *found == number => out.push(*value),
                Wire::Bytes(bytes) if *found == number => {
                    let mut rest = &**bytes;
                    while !rest.is_empty() {
                        out.push(varint(&mut rest)?);
                    }
                }
                _ => {}
            }
        }
        Ok(out)
    }

    pub(super) fn push_varint(&mut self, number: u64, value: u64) {
        self.fields.push((number, Wire::Varint(value)));
    }

    pub(super) fn push_bytes(&mut self, number: u64, value: Vec<u8>) {
        self.fields.push((number, Wire::Bytes(Cow::Owned(value))));
    }
}

fn cut() -> VisionError {
    VisionError::Weights("the file ends within a field".into())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, VisionError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(cut)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(VisionError::Weights(
        "a number of more than ten bytes".into(),
    ))
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], VisionError> {
    let (value, rest) = bytes.split_first_chunk::<N>().ok_or_else(cut)?;
    *bytes = rest;
    Ok(*value)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_standard_gives_as_examples() {
        // Field 1 with the varint 150; field 2 with the text "testing".
        let bytes = b"\x08\x96\x01\x12\x07testing";
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.varint(1), Some(150));
        assert_eq!(message.text(2).unwrap(), "testing");
        assert_eq!(message.encode(), bytes);
        // Packed: 3, 270, 86942.
        let packed = b"\x22\x06\x03\x8e\x02\x9e\xa7\x05";
        assert_eq!(
            Message::parse(packed).unwrap().varints(4).unwrap(),
            [3, 270, 86942]
        );
    }

    #[test]
    fn a_cut_message_is_refused() {
        let whole = b"\x08\x96\x01\x12\x07testing";
        for end in [1, 2, 4, 5, 11] {
            assert!(Message::parse(&whole[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(message) = Message::parse(&bytes) {
                let again = message.encode();
                prop_assert_eq!(Message::parse(&again).unwrap(), message);
            }
        }
    }
}
