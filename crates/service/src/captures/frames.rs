//! Frames of a recording become numbers, and are dropped.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use liuhen_capture::{Frame, Point, Rules};
use liuhen_picture::{Limits, Picture, decode};
use liuhen_vision::{Eyes, Face, Verdict};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::devices::DeviceSignature;
use crate::error::{Result, ServiceError};

/// Most pixels of a frame, and most bytes of it unpacked; more say no more.
const PIXELS: u64 = 1 << 20;
const UNPACKED: u64 = 16 << 20;
/// How a JPEG begins; the page sends nothing else.
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];

/// Frames as a recorder gives them.
pub struct Recording {
    /// What the recorder calls its camera.
    pub camera: String,
    /// Milliseconds since the plan began, and a picture; in order.
    pub frames: Vec<(u32, Zeroizing<Vec<u8>>)>,
    /// What a device of the person signed of it.
    pub signature: Option<DeviceSignature>,
}

/// What a device signs, before the nonce and the frames.
const SIGNED: &[u8] = b"liuhen/capture-device/v1";

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recording({} frames)", self.frames.len())
    }
}

impl Recording {
    /// What a device has to sign: SHA-256("liuhen/capture-device/v1" ‖ nonce ‖ of each frame its time
    /// (u32 BE) and the SHA-256 of its bytes).
    pub(super) fn challenge(&self, nonce: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(SIGNED);
        hasher.update(nonce);
        for (ms, bytes) in &self.frames {
            hasher.update(ms.to_be_bytes());
            hasher.update(Sha256::digest(bytes.as_slice()));
        }
        hasher.finalize().into()
    }

    /// What every frame shows.
    pub(super) fn measured(&self, eyes: &Eyes, passive: bool) -> Result<Vec<Frame>> {
        let most = Rules::builtin().challenge.most_frames;
        if self.frames.len() > most {
            return Err(ServiceError::Invalid(format!(
                "a recording has at most {most} frames"
            )));
        }
        let limits = Limits {
            pixels: PIXELS,
            bytes: UNPACKED,
        };
        let mut before: Option<Vec<f32>> = None;
        let mut measured = Vec::with_capacity(self.frames.len());
        for (ms, bytes) in &self.frames {
            if !bytes.starts_with(JPEG) {
                return Err(ServiceError::Invalid("a frame is no JPEG".to_owned()));
            }
            let picture = decode(bytes, &limits).map_err(|error| {
                ServiceError::Invalid(format!("a frame is no picture that is read: {error}"))
            })?;
            let luma = picture.luma();
            let faces = eyes.glance(&picture)?;
            let mut sure = faces.iter().filter(|face| face.verdict == Verdict::Face);
            let face = match (sure.next(), sure.next()) {
                (Some(face), None) => Some(face),
                _ => None,
            };
            let every = Rules::builtin().passive.every.max(1);
            let shown = face.filter(|_| passive && measured.len() % every == 0);
            let passive = match shown {
                Some(face) => Some(f64::from(eyes.live(&picture, face)?)),
                None => None,
            };
            measured.push(Frame {
                ms: *ms,
                landmarks: face.and_then(points),
                face: face.map_or([0.0; 3], |face| colour(&picture, face)),
                sum: sum(&picture),
                change: before.as_ref().and_then(|before| change(before, &luma)),
                passive,
            });
            before = Some(luma);
        }
        Ok(measured)
    }
}

fn points(face: &Face) -> Option<[Point; 5]> {
    let points = face.landmarks?;
    Some(points.map(|point| [f64::from(point.x), f64::from(point.y)]))
}

/// The same for the same pixels.
fn sum(picture: &Picture) -> u64 {
    let mut hasher = DefaultHasher::new();
    picture.pixels().hash(&mut hasher);
    hasher.finish()
}

/// Mean difference in brightness, in steps of 255; nothing between pictures of other sizes.
#[expect(clippy::cast_precision_loss, reason = "a million pixels")]
fn change(before: &[f32], now: &[f32]) -> Option<f64> {
    if before.len() != now.len() || now.is_empty() {
        return None;
    }
    let apart = before
        .iter()
        .zip(now)
        .map(|(a, b)| f64::from((a - b).abs()));
    Some(apart.sum::<f64>() / now.len() as f64)
}

/// Mean red, green, blue of the middle of a face, in linear light.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to the picture's sides"
)]
fn colour(picture: &Picture, face: &Face) -> [f64; 3] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let held = |value: f32, most: usize| (value.max(0.0) as usize).min(most);
    let area = &face.area;
    let (left, right) = (
        held(area.left + area.width * 0.2, width),
        held(area.left + area.width * 0.8, width),
    );
    let (top, foot) = (
        held(area.top + area.height * 0.15, height),
        held(area.top + area.height * 0.85, height),
    );
    let channels = picture.channels();
    let (mut sums, mut count) = ([0.0; 3], 0.0);
    for row in top..foot {
        let pixels = picture
            .pixels()
            .get((row * width + left) * channels..(row * width + right) * channels);
        for pixel in pixels.unwrap_or_default().chunks_exact(channels) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += linear(*value);
            }
            count += 1.0;
        }
    }
    sums.map(|sum| if count > 0.0 { sum / count } else { 0.0 })
}

/// Rule: IEC 61966-2-1 (sRGB), from 8 bits to linear light.
fn linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    match value <= 0.04045 {
        true => value / 12.92,
        false => ((value + 0.055) / 1.055).powf(2.4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_made_linear() {
        assert!(linear(0).abs() < 1e-12 && (linear(255) - 1.0).abs() < 1e-12);
        assert!((linear(188) - 0.503).abs() < 0.001);
    }

    #[test]
    fn another_challenge_for_each_change_of_what_was_sent() {
        let recording = |frames: &[(u32, &[u8])]| Recording {
            camera: String::new(),
            frames: frames
                .iter()
                .map(|(ms, bytes)| (*ms, Zeroizing::new(bytes.to_vec())))
                .collect(),
            signature: None,
        };
        let nonce = [1; 32];
        let sent = recording(&[(0, b"a"), (100, b"b")]).challenge(&nonce);
        assert_ne!(
            sent,
            recording(&[(0, b"a"), (100, b"b")]).challenge(&[2; 32])
        );
        let others: [&[(u32, &[u8])]; 6] = [
            &[(0, b"a"), (100, b"c")],
            &[(0, b"a"), (101, b"b")],
            &[(100, b"b"), (0, b"a")],
            &[(0, b"a")],
            &[(0, b"a"), (100, b"b"), (200, b"")],
            &[(0, b"ab"), (100, b"")],
        ];
        for other in others {
            assert_ne!(sent, recording(other).challenge(&nonce));
        }
    }

    #[test]
    fn frames_differ_by_what_changed() {
        assert_eq!(change(&[1.0, 2.0], &[1.0, 4.0]), Some(1.0));
        assert_eq!(change(&[1.0], &[1.0, 4.0]), None);
    }
}
