//! The file of weights: read whole, checked, never trusted.
//!
//! Little-endian throughout, in the order of [`read`]; `tools/ner/export.py` writes it.
//! It ends with the FNV-1a hash of all before, against damage, not against malice.

use super::Model;
use super::decode::Calibration;
use super::features::{CLASSES, EMBED, Features, Grams, HALF};
use super::kernel::{Matrix, Narrow};
use super::network::{Block, Mix, Network, TAGS, WIDTH};

/// Why a weights file was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsError {
    /// The first bytes are not those of a weights file of this version.
    UnknownFormat,
    /// The hash at the end does not fit the bytes before.
    Damaged,
    /// A part ends early, or a number in it is out of range, at this byte.
    Malformed {
        /// Where.
        byte: usize,
    },
}

impl std::fmt::Display for WeightsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not a weights file of this version"),
            Self::Damaged => f.write_str("weights file is damaged"),
            Self::Malformed { byte } => write!(f, "weights file is malformed at byte {byte}"),
        }
    }
}

impl std::error::Error for WeightsError {}

const MAGIC: &[u8] = b"LHSQ\x02\0\0\0";
/// More rows than this do not fit the sixteen bits of an id.
const MOST_ROWS: usize = 0xFFF0;
/// The layers' rows of zeros on either side are as wide as this.
const FURTHEST: usize = 8;

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Result<Model, WeightsError> {
    let (body, hash) = bytes
        .split_last_chunk::<8>()
        .ok_or(WeightsError::UnknownFormat)?;
    if !body.starts_with(MAGIC) {
        return Err(WeightsError::UnknownFormat);
    }
    if fnv(body) != u64::from_le_bytes(*hash) {
        return Err(WeightsError::Damaged);
    }
    let mut input = Input {
        bytes: body,
        at: MAGIC.len(),
    };
    let (n_chars, n_two, n_three) = (input.rows()?, input.rows()?, input.rows()?);
    let chars = input.many(n_chars, |i| char::from_u32(i.u32()?).ok_or(i.malformed()))?;
    let two = input.many(n_two, |i| i.u32().map(u64::from))?;
    let three = input.many(n_three, |i| {
        Ok(u64::from(i.u32()?) | u64::from(i.byte()?) << 32)
    })?;
    let table = input.i8s((CLASSES + n_chars) * EMBED)?;
    let two = Grams::new(&two, input.i8s(n_two * HALF)?);
    let three = Grams::new(&three, input.i8s(n_three * HALF)?);
    let features = Features::new(&chars, table, two, three);
    let scale = input.f32()?;
    let n_blocks = input.rows()?.min(64);
    let blocks = input.many(n_blocks, Input::block)?;
    let quantum = input.f32()?;
    let last = input.mix(WIDTH, TAGS)?;
    let calibration = Calibration([input.points()?, input.points()?, input.points()?]);
    if input.at != body.len() {
        return Err(input.malformed());
    }
    Ok(Model {
        features,
        network: Network {
            scale,
            blocks,
            quantum,
            last,
        },
        calibration,
    })
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// What is left to read.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn malformed(&self) -> WeightsError {
        WeightsError::Malformed { byte: self.at }
    }

    fn take(&mut self, n: usize) -> Result<&[u8], WeightsError> {
        let end = self.at.checked_add(n).ok_or(self.malformed())?;
        let part = self.bytes.get(self.at..end).ok_or(self.malformed())?;
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let error = self.malformed();
        self.take(N)?.try_into().map_err(|_| error)
    }

    fn byte(&mut self) -> Result<u8, WeightsError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, WeightsError> {
        let x = f32::from_le_bytes(self.array()?);
        if x.is_finite() {
            Ok(x)
        } else {
            Err(self.malformed())
        }
    }

    /// A count of rows.
    fn rows(&mut self) -> Result<usize, WeightsError> {
        usize::try_from(self.u32()?)
            .ok()
            .filter(|&n| n <= MOST_ROWS)
            .ok_or(self.malformed())
    }

    fn many<T>(
        &mut self,
        n: usize,
        mut one: impl FnMut(&mut Self) -> Result<T, WeightsError>,
    ) -> Result<Vec<T>, WeightsError> {
        (0..n).map(|_| one(self)).collect()
    }

    fn i8s(&mut self, n: usize) -> Result<Vec<i8>, WeightsError> {
        Ok(self
            .take(n)?
            .iter()
            .map(|&b| i8::from_le_bytes([b]))
            .collect())
    }

    fn f32s(&mut self, n: usize) -> Result<Vec<f32>, WeightsError> {
        self.many(n, Self::f32)
    }

    fn mix(&mut self, inputs: usize, outputs: usize) -> Result<Mix, WeightsError> {
        let matrix = Matrix::new(&self.i8s(inputs * outputs)?, inputs);
        Ok(Mix {
            matrix,
            factors: self.f32s(outputs)?,
            biases: self.f32s(outputs)?,
        })
    }

    fn narrow(&mut self) -> Result<Mix<Narrow>, WeightsError> {
        let matrix = Narrow::new(&self.i8s(WIDTH * WIDTH)?, WIDTH);
        Ok(Mix {
            matrix,
            factors: self.f32s(WIDTH)?,
            biases: self.f32s(WIDTH)?,
        })
    }

    fn block(&mut self) -> Result<Block, WeightsError> {
        let distance = self.rows()?;
        if distance > FURTHEST {
            return Err(self.malformed());
        }
        let taps = [self.f32s(WIDTH)?, self.f32s(WIDTH)?, self.f32s(WIDTH)?];
        Ok(Block {
            distance,
            taps,
            shift: self.f32s(WIDTH)?,
            mix: self.narrow()?,
        })
    }

    fn points(&mut self) -> Result<Vec<(f32, f32)>, WeightsError> {
        let n = self.rows()?;
        self.many(n, |i| Ok((i.f32()?, i.f32()?)))
    }
}
