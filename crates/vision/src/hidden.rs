//! What a file says beside its pixels: place, time, device, owner, a second small picture.
//!
//! Rule: EXIF 2.32 (CIPA DC-008), in JPEG, PNG, WebP, TIFF and HEIF.

use std::fmt;
use std::io::Cursor;

use exif::{Exif, In, Reader, Tag, Value};

/// What was found. Its `Debug` says only what there is.
#[derive(Clone, Default, PartialEq)]
pub struct Hidden {
    /// Latitude and longitude, degrees, north and east positive.
    pub place: Option<(f64, f64)>,
    /// When it was taken, as the file writes it.
    pub time: Option<String>,
    /// Maker and model of the device.
    pub device: Option<String>,
    /// Serial numbers of camera and lens: they lead to other pictures of the same device.
    pub serials: Vec<String>,
    /// Names of owner, author, holder of rights.
    pub names: Vec<String>,
    /// Remarks and descriptions.
    pub remarks: Vec<String>,
    /// Whether the file carries a second, small picture, which may show what was cut from the
    /// large one.
    pub thumbnail: bool,
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden")
            .field("place", &self.place.is_some())
            .field("time", &self.time.is_some())
            .field("device", &self.device.is_some())
            .field("thumbnail", &self.thumbnail)
            .finish_non_exhaustive()
    }
}

/// What a file says beside its pixels; nothing for a file without EXIF, or with such that cannot
/// be read.
#[must_use]
pub fn hidden(bytes: &[u8]) -> Hidden {
    let mut reader = Reader::new();
    // What can be read of broken EXIF is a finding as well.
    reader.continue_on_error(true);
    match reader.read_from_container(&mut Cursor::new(bytes)) {
        Ok(exif) => of(&exif),
        Err(error) => error
            .distill_partial_result(|_| {})
            .map_or_else(|_| Hidden::default(), |exif| of(&exif)),
    }
}

fn of(exif: &Exif) -> Hidden {
    let texts =
        |tags: &[Tag]| -> Vec<String> { tags.iter().filter_map(|&tag| text(exif, tag)).collect() };
    let device = texts(&[Tag::Make, Tag::Model]).join(" ");
    Hidden {
        place: place(exif),
        time: texts(&[Tag::DateTimeOriginal, Tag::DateTimeDigitized, Tag::DateTime])
            .into_iter()
            .next(),
        device: (!device.is_empty()).then_some(device),
        serials: texts(&[Tag::BodySerialNumber, Tag::LensSerialNumber]),
        names: texts(&[Tag::CameraOwnerName, Tag::Artist, Tag::Copyright]),
        remarks: texts(&[Tag::ImageDescription, Tag::UserComment]),
        thumbnail: exif
            .get_field(Tag::JPEGInterchangeFormat, In::THUMBNAIL)
            .is_some(),
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let field = exif
        .get_field(tag, In::PRIMARY)
        .or_else(|| exif.get_field(tag, In::THUMBNAIL))?;
    let bytes = match &field.value {
        Value::Ascii(lines) => lines.join(&b' '),
        // A user's comment begins with eight bytes that name its encoding.
        Value::Undefined(bytes, _) => bytes.get(8..).unwrap_or_default().to_vec(),
        _ => return None,
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(['\0', ' ']).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn place(exif: &Exif) -> Option<(f64, f64)> {
    let degrees = |tag, letter, negative| -> Option<f64> {
        let field = exif.get_field(tag, In::PRIMARY)?;
        let Value::Rational(parts) = &field.value else {
            return None;
        };
        let [whole, minutes, seconds] = parts.get(..3)? else {
            return None;
        };
        let value = whole.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
        let side = text(exif, letter).unwrap_or_default();
        let value = if side.starts_with(negative) {
            -value
        } else {
            value
        };
        value.is_finite().then_some(value)
    };
    Some((
        degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, 'S')?,
        degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, 'W')?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use exif::experimental::Writer;
    use exif::{Field, Rational};
    use proptest::prelude::*;

    fn ascii(tag: Tag, text: &str) -> Field {
        Field {
            tag,
            ifd_num: In::PRIMARY,
            value: Value::Ascii(vec![text.as_bytes().to_vec()]),
        }
    }

    fn parts(tag: Tag, values: [u32; 3]) -> Field {
        let parts = values.map(|num| Rational { num, denom: 1 });
        Field {
            tag,
            ifd_num: In::PRIMARY,
            value: Value::Rational(parts.to_vec()),
        }
    }

    /// A TIFF that holds EXIF and nothing else.
    fn file(fields: &[Field]) -> Vec<u8> {
        let mut writer = Writer::new();
        for field in fields {
            writer.push_field(field);
        }
        let mut out = Cursor::new(Vec::new());
        writer.write(&mut out, true).unwrap();
        out.into_inner()
    }

    #[test]
    fn place_time_device_and_names() {
        let fields = [
            ascii(Tag::Make, "Invented"),
            ascii(Tag::Model, "Camera 9"),
            ascii(Tag::DateTimeOriginal, "2026:11:23 08:00:00"),
            ascii(Tag::Artist, "somebody"),
            parts(Tag::GPSLatitude, [22, 30, 36]),
            ascii(Tag::GPSLatitudeRef, "N"),
            parts(Tag::GPSLongitude, [70, 15, 0]),
            ascii(Tag::GPSLongitudeRef, "W"),
        ];
        let found = hidden(&file(&fields));
        let (latitude, longitude) = found.place.unwrap();
        assert!((latitude - 22.51).abs() < 1e-9 && (longitude + 70.25).abs() < 1e-9);
        assert_eq!(found.time.as_deref(), Some("2026:11:23 08:00:00"));
        assert_eq!(found.device.as_deref(), Some("Invented Camera 9"));
        assert_eq!(found.names, ["somebody"]);
        assert!(!found.thumbnail);
        assert!(!format!("{found:?}").contains("somebody"));
    }

    #[test]
    fn nothing_where_there_is_nothing() {
        assert_eq!(hidden(b""), Hidden::default());
        assert_eq!(hidden(b"no picture at all"), Hidden::default());
    }

    proptest! {
        #[test]
        fn broken_files_are_read_or_passed_over(at in 0_usize..400, byte in any::<u8>()) {
            let mut bytes = file(&[
                ascii(Tag::Make, "Invented"),
                parts(Tag::GPSLatitude, [22, 30, 36]),
                parts(Tag::GPSLongitude, [1, 2, 3]),
            ]);
            let end = bytes.len();
            bytes[at % end] = byte;
            let _ = hidden(&bytes);
            let _ = hidden(&bytes[..at % end]);
        }
    }
}
