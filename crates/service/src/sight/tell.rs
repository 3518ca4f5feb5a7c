//! What a picture gives away, told before it is shared.

use liuhen_detect::mask;
use liuhen_kinds::{Kind, Lang, RulePack};
use liuhen_picture::Picture;
use serde::Serialize;

use super::{Area, Quad, Seen, Verdict, What};

/// Words are told from this confidence on, as `scan` does.
const LIKELY: f32 = 0.5;

/// One thing that a picture gives away. Holds masked values only.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Gives {
    /// A face.
    Face {
        /// Its number, from 1, by which it can be kept.
        number: usize,
        /// Where: left, top, width, height in pixels.
        area: [i64; 4],
        /// Whether it is sure that it is one.
        sure: bool,
        /// Pixels between the eyes: from about 30 on a machine knows the person again.
        between_eyes: u32,
    },
    /// Words of a kind.
    Words {
        /// The kind.
        kind: Kind,
        /// What may be shown of it.
        masked: String,
        /// Where.
        area: [i64; 4],
        /// How sure, 0 to 1.
        confidence: f32,
    },
    /// A long number of no known kind.
    Number {
        /// Where.
        area: [i64; 4],
    },
    /// Text that could not be read.
    Unread {
        /// Where.
        area: [i64; 4],
    },
    /// A QR or bar code.
    Code {
        /// Its format.
        format: String,
        /// Kinds of what it says.
        kinds: Vec<Kind>,
        /// Whether it opens an address of the web.
        address: bool,
        /// Where.
        area: [i64; 4],
    },
    /// Where it was taken, to within metres, in the file.
    Place {
        /// Latitude, rounded to a tenth of a degree.
        latitude: f64,
        /// Longitude, rounded to a tenth of a degree.
        longitude: f64,
    },
    /// When it was taken, in the file.
    Time {
        /// As the file writes it.
        at: String,
    },
    /// With what it was taken, in the file.
    Device {
        /// Maker and model.
        name: String,
        /// Whether serial numbers stand there, which link pictures of one device.
        serial: bool,
    },
    /// Names and remarks in the file.
    Texts {
        /// How many.
        count: usize,
    },
    /// A second, small picture in the file, which may show what was cut away.
    Thumbnail,
}

impl Gives {
    /// In words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let zh = lang == Lang::Zh;
        let say = |chinese: String, english: String| if zh { chinese } else { english };
        match self {
            Gives::Face {
                number,
                sure,
                between_eyes,
                ..
            } => {
                let known = *between_eyes >= 30;
                match (zh, sure) {
                    (true, false) => format!("人脸 {number}：无法确定是不是人脸"),
                    (true, true) if known => format!("人脸 {number}：清晰到足以被机器认出"),
                    (true, true) => format!("人脸 {number}：较小"),
                    (false, false) => format!("face {number}: could not tell whether it is one"),
                    (false, true) if known => {
                        format!("face {number}: clear enough for a machine to know it again")
                    }
                    (false, true) => format!("face {number}: small"),
                }
            }
            Gives::Words { kind, masked, .. } => {
                let label = RulePack::builtin().label(*kind, lang);
                if zh {
                    format!("{label}：{masked}")
                } else {
                    format!("{label}: {masked}")
                }
            }
            Gives::Number { .. } => say(
                "一串较长的数字，类型不明".into(),
                "a long number of no known kind".into(),
            ),
            Gives::Unread { .. } => say(
                "无法读出的文字".into(),
                "text that could not be read".into(),
            ),
            Gives::Code {
                format,
                kinds,
                address,
                ..
            } => {
                let labels: Vec<&str> = kinds
                    .iter()
                    .map(|&kind| RulePack::builtin().label(kind, lang))
                    .collect();
                let mut out = say(format!("条码（{format}）"), format!("a code ({format})"));
                if *address {
                    out += if zh {
                        "，含网址"
                    } else {
                        ", which opens an address"
                    };
                }
                if !labels.is_empty() {
                    out += if zh { "，含" } else { ", which holds " };
                    out += &labels.join(if zh { "、" } else { ", " });
                }
                out
            }
            Gives::Place {
                latitude,
                longitude,
            } => say(
                format!("文件里写着拍摄地点，精确到米（北纬约 {latitude}，东经约 {longitude}）"),
                format!(
                    "the file says where it was taken, to within metres (about {latitude} N, {longitude} E)"
                ),
            ),
            Gives::Time { at } => say(
                format!("文件里写着拍摄时间：{at}"),
                format!("the file says when it was taken: {at}"),
            ),
            Gives::Device { name, serial } => {
                let mut out = say(
                    format!("文件里写着设备：{name}"),
                    format!("the file says with what it was taken: {name}"),
                );
                if *serial {
                    out += if zh {
                        "，还有能把同一台设备的照片联系起来的序列号"
                    } else {
                        ", and a serial number that links pictures of one device"
                    };
                }
                out
            }
            Gives::Texts { count } => say(
                format!("文件里另有姓名或备注 {count} 处"),
                format!("{count} names or remarks in the file"),
            ),
            Gives::Thumbnail => say(
                "文件里有一张缩略图，可能仍显示已被裁掉的内容".into(),
                "a thumbnail in the file, which may still show what was cut away".into(),
            ),
        }
    }

    /// Where it stands, if it is seen.
    #[must_use]
    pub fn area(&self) -> Option<[i64; 4]> {
        match self {
            Gives::Face { area, .. }
            | Gives::Words { area, .. }
            | Gives::Number { area }
            | Gives::Unread { area }
            | Gives::Code { area, .. } => Some(*area),
            _ => None,
        }
    }
}

impl Seen {
    /// Everything this picture gives away: what is seen first, then what the file says.
    #[must_use]
    pub fn gives_away(&self) -> Vec<Gives> {
        let mut out = Vec::new();
        for (index, face) in self.faces.iter().enumerate() {
            out.push(Gives::Face {
                number: index + 1,
                area: pixels(&face.area),
                sure: face.verdict == Verdict::Face,
                between_eyes: u32::try_from(liuhen_vision::whole(face.quality.between_eyes))
                    .unwrap_or(u32::MAX),
            });
        }
        let mut claimed: Vec<Quad> = Vec::new();
        for spot in self.spots.iter().filter(|spot| spot.what == What::Words) {
            let likely = spot.hit.confidence >= LIKELY;
            if let Some(area) = spot.area().filter(|_| likely) {
                claimed.extend(&spot.places);
                out.push(Gives::Words {
                    kind: spot.hit.kind,
                    masked: mask(spot.hit.kind, &spot.text),
                    area: pixels(&area),
                    confidence: spot.hit.confidence,
                });
            }
        }
        for quad in self.numbers.iter().flatten() {
            let bounds = quad.bounds();
            let known = claimed
                .iter()
                .any(|other| other.bounds().shared(&bounds) > 0.5 * bounds.size());
            if !known {
                out.push(Gives::Number {
                    area: pixels(&bounds),
                });
            }
        }
        out.extend(self.unread.iter().map(|quad| Gives::Unread {
            area: pixels(&quad.bounds()),
        }));
        for code in &self.codes {
            let kinds = self
                .spots
                .iter()
                .filter(|spot| spot.what == What::Code)
                .filter(|spot| {
                    spot.area()
                        .is_some_and(|area| area.overlap(&code.area) > 0.9)
                })
                .map(|spot| spot.hit.kind)
                .collect();
            let lower = code.text.to_ascii_lowercase();
            out.push(Gives::Code {
                format: code.format.clone(),
                kinds,
                address: lower.starts_with("http://") || lower.starts_with("https://"),
                area: pixels(&code.area),
            });
        }
        let hidden = &self.hidden;
        if let Some((latitude, longitude)) = hidden.place {
            let rounded = |degrees: f64| (degrees * 10.0).round() / 10.0;
            out.push(Gives::Place {
                latitude: rounded(latitude),
                longitude: rounded(longitude),
            });
        }
        if let Some(at) = &hidden.time {
            out.push(Gives::Time { at: plain(at) });
        }
        if hidden.device.is_some() || !hidden.serials.is_empty() {
            out.push(Gives::Device {
                name: plain(hidden.device.as_deref().unwrap_or_default()),
                serial: !hidden.serials.is_empty(),
            });
        }
        let texts = hidden.names.len() + hidden.remarks.len();
        if texts > 0 {
            out.push(Gives::Texts { count: texts });
        }
        if hidden.thumbnail {
            out.push(Gives::Thumbnail);
        }
        out
    }

    /// The picture with a frame around everything that is seen: faces red with their numbers, words
    /// blue, codes green, what is unsure orange.
    #[must_use]
    pub fn drawn(&self) -> Picture {
        let mut picture = self.picture.clone().flattened();
        let thick = (picture.width().max(picture.height()) as f32 / 400.0).max(2.0);
        for given in self.gives_away() {
            let Some(area) = given.area() else { continue };
            let colour = match given {
                Gives::Face { .. } => [210, 30, 30],
                Gives::Words { .. } => [20, 80, 220],
                Gives::Code { .. } => [10, 140, 60],
                _ => [230, 140, 0],
            };
            frame(&mut picture, area, thick, colour);
            if let Gives::Face { number, .. } = given {
                figures(&mut picture, number, area, thick, colour);
            }
        }
        picture
    }
}

/// What a file says of time and device, at most 64 characters of letters, digits and the like:
/// anything may stand there.
fn plain(text: &str) -> String {
    let allowed = |letter: &char| letter.is_alphanumeric() || " .:-_/()+".contains(*letter);
    text.chars().filter(allowed).take(64).collect()
}

/// Whole pixels; the box never becomes smaller.
fn pixels(area: &Area) -> [i64; 4] {
    super::pixels(area).map(i64::from)
}

fn filled(picture: &mut Picture, [left, top, width, height]: [f32; 4], colour: [u8; 3]) {
    let quad = Quad::upright(left, top, width, height);
    picture.fill(&quad.0.map(|point| (point.x, point.y)), colour);
}

fn frame(picture: &mut Picture, area: [i64; 4], thick: f32, colour: [u8; 3]) {
    let [left, top, width, height] = area.map(|value| value as f32);
    for part in [
        [left, top, width, thick],
        [left, top + height - thick, width, thick],
        [left, top, thick, height],
        [left + width - thick, top, thick, height],
    ] {
        filled(picture, part, colour);
    }
}

/// The ten figures, three by five squares each, rows from the top.
const FIGURES: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// A number above a frame, in squares, so that no font is needed.
fn figures(picture: &mut Picture, number: usize, area: [i64; 4], thick: f32, colour: [u8; 3]) {
    let [left, top, ..] = area.map(|value| value as f32);
    let side = thick * 1.2;
    let top = (top - 7.0 * side).max(0.0);
    let text = number.to_string();
    let width = side * (4.0 * text.len() as f32 + 1.0);
    filled(picture, [left, top, width, 7.0 * side], colour);
    for (index, figure) in text.bytes().enumerate() {
        let rows = FIGURES[usize::from(figure.wrapping_sub(b'0')) % 10];
        for (y, row) in rows.into_iter().enumerate() {
            for x in 0..3_u8 {
                if row & (0b100 >> x) != 0 {
                    let at = [
                        left + side * (1.0 + 4.0 * index as f32 + f32::from(x)),
                        top + side * (1.0 + y as f32),
                        side,
                        side,
                    ];
                    filled(picture, at, [255, 255, 255]);
                }
            }
        }
    }
}
