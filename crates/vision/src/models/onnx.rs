//! Weights as packages ship them become weights the runtime reads.
//!
//! Weights quantised by blocks are multiplied out, the leftovers of training (an input for each
//! weight, a `Dropout`) are dropped, and the sizes of pictures are left open.
//!
//! Rule: ONNX IR 6 and operator set 21, `DequantizeLinear`: y = (x - zero) * scale, one scale for
//! each block along an axis.

use std::collections::{HashMap, HashSet};

use super::fold::fold;
use super::protobuf::{Message, Wire};
use crate::VisionError;

// ModelProto and GraphProto.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;
const VALUE_INFO: u64 = 13;
const METADATA: u64 = 14;
// NodeProto.
pub(super) const NODE_INPUT: u64 = 1;
pub(super) const NODE_OUTPUT: u64 = 2;
pub(super) const OP_TYPE: u64 = 4;
pub(super) const ATTRIBUTE: u64 = 5;
/// AttributeProto's tensor.
const TENSOR: u64 = 5;
// TensorProto.
const DIMS: u64 = 1;
const DATA_TYPE: u64 = 2;
const FLOAT_DATA: u64 = 4;
const INT32_DATA: u64 = 5;
const INT64_DATA: u64 = 7;
const TENSOR_NAME: u64 = 8;
const RAW_DATA: u64 = 9;
// Kinds of numbers in a tensor.
pub(super) const FLOAT: u64 = 1;
const UINT8: u64 = 2;
const INT8: u64 = 3;
const INT64: u64 = 7;

/// The weights, ready for the runtime.
///
/// # Errors
///
/// [`VisionError::Weights`].
pub(super) fn prepare(bytes: &[u8], with_fewer_steps: bool) -> Result<Vec<u8>, VisionError> {
    let model = Message::parse(bytes)?;
    let graph = model.bytes(GRAPH).ok_or_else(|| wrong("no graph"))?;
    let graph = prepared_graph(&Message::parse(graph)?, with_fewer_steps)?.encode();
    let mut out = Message::default();
    for (number, value) in &model.fields {
        if *number == GRAPH {
            out.push_bytes(GRAPH, graph.clone());
        } else {
            out.fields.push((*number, value.clone()));
        }
    }
    Ok(out.encode())
}

/// A text among a model's metadata, as PP-OCR keeps its letters.
///
/// # Errors
///
/// [`VisionError::Weights`].
pub(super) fn metadata(bytes: &[u8], key: &str) -> Result<Option<String>, VisionError> {
    for entry in Message::parse(bytes)?.all(METADATA) {
        let entry = Message::parse(entry)?;
        if entry.text(1)? == key {
            return Ok(Some(entry.text(2)?.to_owned()));
        }
    }
    Ok(None)
}

fn wrong(what: impl Into<String>) -> VisionError {
    VisionError::Weights(what.into())
}

fn prepared_graph<'a>(
    graph: &Message<'a>,
    with_fewer_steps: bool,
) -> Result<Message<'a>, VisionError> {
    let mut tensors = HashMap::new();
    for tensor in graph.all(INITIALIZER) {
        let tensor = Tensor::parse(tensor)?;
        tensors.insert(tensor.name.clone(), tensor);
    }
    let stale: HashSet<String> = tensors.keys().cloned().collect();

    // Nodes in order: what is known before any picture comes is computed now.
    let mut nodes = Vec::new();
    let mut renamed: HashMap<String, String> = HashMap::new();
    for node in graph.all(NODE) {
        let mut node = Message::parse(node)?;
        rename_inputs(&mut node, &renamed)?;
        let inputs = names(&node, NODE_INPUT)?;
        let outputs = names(&node, NODE_OUTPUT)?;
        let (first, output) = (inputs.first(), outputs.first());
        match (node.text(OP_TYPE)?, first, output) {
            ("DequantizeLinear", Some(first), Some(output)) if tensors.contains_key(first) => {
                let part = |index: usize| inputs.get(index).and_then(|name| tensors.get(name));
                let (Some(x), Some(scale)) = (part(0), part(1)) else {
                    return Err(wrong("a quantised weight without its scale"));
                };
                let folded = dequantised(x, scale, part(2), &attributes(&node)?, output)?;
                tensors.insert(output.clone(), folded);
            }
            ("Reshape", Some(first), Some(output))
                if tensors
                    .get(first)
                    .is_some_and(|tensor| tensor.kind == FLOAT)
                    && inputs
                        .get(1)
                        .is_some_and(|shape| tensors.contains_key(shape)) =>
            {
                let shape = &tensors[&inputs[1]];
                let folded = tensors[first].reshaped(&shape.integers()?, output)?;
                tensors.insert(output.clone(), folded);
            }
            ("Constant", None, Some(output)) if with_fewer_steps => {
                match constant(&node, output)? {
                    Some(tensor) => drop(tensors.insert(output.clone(), tensor)),
                    None => nodes.push(node),
                }
            }
            ("Dropout", Some(first), Some(output)) => {
                renamed.insert(output.clone(), first.clone());
            }
            _ => nodes.push(node),
        }
    }
    let mut kept = HashSet::new();
    for output in graph.all(OUTPUT) {
        kept.insert(Message::parse(output)?.text(1)?.to_owned());
    }
    if with_fewer_steps {
        nodes = fold(nodes, &mut tensors, &kept)?;
    }
    let used: HashSet<String> = nodes
        .iter()
        .map(|node| names(node, NODE_INPUT))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();

    let mut out = Message::default();
    for node in &nodes {
        out.push_bytes(NODE, node.encode());
    }
    let mut kept: Vec<&Tensor> = tensors
        .values()
        .filter(|tensor| used.contains(&tensor.name))
        .collect();
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    for tensor in kept {
        out.push_bytes(INITIALIZER, tensor.encode());
    }
    for (number, value) in &graph.fields {
        match (*number, value) {
            (NODE | INITIALIZER | VALUE_INFO, _) => {}
            (INPUT | OUTPUT, Wire::Bytes(bytes)) => {
                let info = Message::parse(bytes)?;
                if !stale.contains(info.text(1)?) {
                    out.push_bytes(*number, sizes_left_open(&info)?.encode());
                }
            }
            _ => {
                let value = match value {
                    Wire::Bytes(bytes) => Wire::Bytes(bytes.to_vec().into()),
                    other => other.clone(),
                };
                out.fields.push((*number, value));
            }
        }
    }
    Ok(out)
}

pub(super) fn names(node: &Message<'_>, number: u64) -> Result<Vec<String>, VisionError> {
    node.all(number)
        .map(|name| String::from_utf8(name.to_vec()).map_err(|_| wrong("a name is not UTF-8")))
        .collect()
}

/// The tensor of floats that a node is; none where it is something else.
fn constant(node: &Message<'_>, name: &str) -> Result<Option<Tensor>, VisionError> {
    for attribute in node.all(ATTRIBUTE) {
        let attribute = Message::parse(attribute)?;
        if let ("value", Some(tensor)) = (attribute.text(1)?, attribute.bytes(TENSOR))
            && Message::parse(tensor)?.varint(DATA_TYPE) == Some(FLOAT)
        {
            let tensor = Tensor::parse(tensor)?;
            return Ok(Some(Tensor {
                name: name.to_owned(),
                ..tensor
            }));
        }
    }
    Ok(None)
}

fn rename_inputs(
    node: &mut Message<'_>,
    renamed: &HashMap<String, String>,
) -> Result<(), VisionError> {
    for (number, value) in &mut node.fields {
        if *number == NODE_INPUT
            && let Wire::Bytes(name) = value
        {
            let text = std::str::from_utf8(name).map_err(|_| wrong("a name is not UTF-8"))?;
            if let Some(other) = renamed.get(text) {
                *value = Wire::Bytes(other.clone().into_bytes().into());
            }
        }
    }
    Ok(())
}

/// The whole numbers among a node's attributes.
fn attributes(node: &Message<'_>) -> Result<HashMap<String, i64>, VisionError> {
    let mut out = HashMap::new();
    for attribute in node.all(ATTRIBUTE) {
        let attribute = Message::parse(attribute)?;
        if let Some(value) = attribute.varint(3) {
            out.insert(attribute.text(1)?.to_owned(), value.cast_signed());
        }
    }
    Ok(out)
}

/// An input or output whose height, width and count may be anything.
fn sizes_left_open<'a>(info: &Message<'_>) -> Result<Message<'a>, VisionError> {
    let mut out = Message::default();
    out.push_bytes(1, info.text(1)?.as_bytes().to_vec());
    let kind = Message::parse(info.bytes(2).unwrap_or_default())?;
    let tensor = Message::parse(kind.bytes(1).unwrap_or_default())?;
    let mut open = Message::default();
    open.push_varint(1, tensor.varint(1).unwrap_or(FLOAT));
    // An output's shape follows from the network; an input's has one name for each side.
    let shape = Message::parse(tensor.bytes(2).unwrap_or_default())?;
    let mut sides = Message::default();
    for (index, side) in shape.all(1).enumerate() {
        let mut next = Message::default();
        let size = Message::parse(side)?.varint(1);
        match (index, size) {
            (1, Some(size)) => next.push_varint(1, size),
            _ => next.push_bytes(2, format!("{}_{index}", info.text(1)?).into_bytes()),
        }
        sides.push_bytes(1, next.encode());
    }
    if shape.all(1).count() == 4 {
        open.push_bytes(2, sides.encode());
    }
    let mut kind = Message::default();
    kind.push_bytes(1, open.encode());
    out.push_bytes(2, kind.encode());
    Ok(out)
}

/// A weight: its shape and its numbers.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dims: Vec<u64>,
    pub(super) kind: u64,
    /// Little-endian, as `raw_data` keeps them.
    raw: Vec<u8>,
}

impl Tensor {
    /// Floats.
    pub(super) fn numbers(name: String, dims: Vec<u64>, values: &[f32]) -> Tensor {
        Tensor {
            name,
            dims,
            kind: FLOAT,
            raw: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Tensor, VisionError> {
        let message = Message::parse(bytes)?;
        let kind = message.varint(DATA_TYPE).unwrap_or_default();
        let raw = if let Some(raw) = message.bytes(RAW_DATA) {
            raw.to_vec()
        } else {
            match kind {
                FLOAT => message
                    .fields
                    .iter()
                    .filter(|(number, _)| *number == FLOAT_DATA)
                    .flat_map(|(_, value)| match value {
                        Wire::Bytes(bytes) => bytes.to_vec(),
                        Wire::Four(bytes) => bytes.to_vec(),
                        _ => Vec::new(),
                    })
                    .collect(),
                INT8 | UINT8 => message
                    .varints(INT32_DATA)?
                    .into_iter()
                    .map(|value| value.to_le_bytes()[0])
                    .collect(),
                INT64 => message
                    .varints(INT64_DATA)?
                    .into_iter()
                    .flat_map(u64::to_le_bytes)
                    .collect(),
                other => return Err(wrong(format!("numbers of kind {other}"))),
            }
        };
        Ok(Tensor {
            name: message.text(TENSOR_NAME)?.to_owned(),
            dims: message.varints(DIMS)?,
            kind,
            raw,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Message::default();
        for &side in &self.dims {
            out.push_varint(DIMS, side);
        }
        out.push_varint(DATA_TYPE, self.kind);
        out.push_bytes(TENSOR_NAME, self.name.clone().into_bytes());
        out.push_bytes(RAW_DATA, self.raw.clone());
        out.encode()
    }

    pub(super) fn floats(&self) -> Result<Vec<f32>, VisionError> {
        match self.kind {
            FLOAT => Ok(self
                .raw
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes))
                .collect()),
            INT8 => Ok(self
                .raw
                .iter()
                .map(|&byte| f32::from(byte.cast_signed()))
                .collect()),
            UINT8 => Ok(self.raw.iter().copied().map(f32::from).collect()),
            other => Err(wrong(format!("weights of kind {other}"))),
        }
    }

    fn integers(&self) -> Result<Vec<i64>, VisionError> {
        if self.kind != INT64 {
            return Err(wrong("a shape that is not of whole numbers"));
        }
        Ok(self
            .raw
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&bytes| i64::from_le_bytes(bytes))
            .collect())
    }

    pub(super) fn count(&self) -> Result<usize, VisionError> {
        self.dims
            .iter()
            .try_fold(1_u64, |count, &side| count.checked_mul(side))
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| wrong("a shape beyond all memory"))
    }

    /// The same numbers in another shape; -1 stands for whatever is left, 0 for the side as it was.
    fn reshaped(&self, shape: &[i64], name: &str) -> Result<Tensor, VisionError> {
        let count = self.count()? as u64;
        let mut dims = Vec::new();
        let mut open = None;
        for (index, &side) in shape.iter().enumerate() {
            match side {
                -1 if open.is_none() => {
                    open = Some(index);
                    dims.push(1);
                }
                0 => dims.push(*self.dims.get(index).ok_or_else(|| wrong("a shape"))?),
                _ => dims.push(u64::try_from(side).map_err(|_| wrong("a shape"))?),
            }
        }
        if let Some(index) = open {
            let rest: u64 = dims.iter().product();
            dims[index] = count.checked_div(rest).ok_or_else(|| wrong("a shape"))?;
        }
        if dims.iter().product::<u64>() != count {
            return Err(wrong("a shape of another count"));
        }
        Ok(Tensor {
            name: name.to_owned(),
            dims,
            ..self.clone()
        })
    }
}

/// y = (x - zero) * scale, each block of an axis with a scale of its own.
fn dequantised(
    x: &Tensor,
    scale: &Tensor,
    zero: Option<&Tensor>,
    attributes: &HashMap<String, i64>,
    name: &str,
) -> Result<Tensor, VisionError> {
    let values = x.floats()?;
    let scales = scale.floats()?;
    let zeros = zero.map(Tensor::floats).transpose()?;
    if values.len() != x.count()? || scales.len() != scale.count()? {
        return Err(wrong("a weight whose numbers do not fill its shape"));
    }
    let rank = x.dims.len();
    let axis = attributes.get("axis").copied().unwrap_or(1);
    let axis = if axis < 0 {
        axis + i64::try_from(rank).unwrap_or(0)
    } else {
        axis
    };
    let axis = usize::try_from(axis).map_err(|_| wrong("an axis"))?;
    let block = match attributes.get("block_size").copied().unwrap_or(0) {
        0 => 1,
        size => usize::try_from(size).map_err(|_| wrong("a block"))?,
    };
    let side = |dims: &[u64], at: usize| -> usize {
        dims.get(at)
            .copied()
            .map_or(1, |side| usize::try_from(side).unwrap_or(1))
    };
    let inner: usize = (axis + 1..rank).map(|at| side(&x.dims, at)).product();
    let along = side(&x.dims, axis);
    let blocks = along.div_ceil(block);
    let whole = scales.len() == 1;
    let per_axis = scale.dims.len() <= 1;
    let mut out = Vec::with_capacity(values.len() * 4);
    for (index, value) in values.iter().enumerate() {
        let position = index / inner % along;
        let at = if whole {
            0
        } else if per_axis && block == 1 {
            position
        } else {
            index / inner / along * blocks * inner + position / block * inner + index % inner
        };
        let scale = scales.get(at).ok_or_else(|| wrong("too few scales"))?;
        let zero = match &zeros {
            Some(zeros) => *zeros.get(at).ok_or_else(|| wrong("too few zero points"))?,
            None => 0.0,
        };
        out.extend_from_slice(&((value - zero) * scale).to_le_bytes());
    }
    Ok(Tensor {
        name: name.to_owned(),
        dims: x.dims.clone(),
        kind: FLOAT,
        raw: out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, dims: &[u64], kind: u64, raw: Vec<u8>) -> Tensor {
        Tensor {
            name: name.into(),
            dims: dims.to_vec(),
            kind,
            raw,
        }
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// Worked by hand: two rows of four in blocks of two, as the operator's text defines it.
    #[test]
    fn each_block_has_its_scale_and_zero() {
        let x = tensor("x", &[2, 4], INT8, vec![1, 2, 3, 4, 251, 0, 10, 128]);
        let scale = tensor("s", &[2, 2], FLOAT, floats(&[0.5, 2.0, 1.0, 10.0]));
        let zero = tensor("z", &[2, 2], INT8, vec![1, 0, 0, 5]);
        let attributes = HashMap::from([("axis".to_owned(), 1), ("block_size".to_owned(), 2)]);
        let y = dequantised(&x, &scale, Some(&zero), &attributes, "y").unwrap();
        assert_eq!(
            y.floats().unwrap(),
            [0.0, 0.5, 6.0, 8.0, -5.0, 0.0, 50.0, -1330.0]
        );
    }

    #[test]
    fn scales_along_an_axis_and_one_for_all() {
        let x = tensor("x", &[2, 3], INT8, vec![1, 2, 3, 4, 5, 6]);
        let axis = HashMap::from([("axis".to_owned(), 0)]);
        let two = tensor("s", &[2], FLOAT, floats(&[1.0, 10.0]));
        let y = dequantised(&x, &two, None, &axis, "y").unwrap();
        assert_eq!(y.floats().unwrap(), [1.0, 2.0, 3.0, 40.0, 50.0, 60.0]);
        let one = tensor("s", &[], FLOAT, floats(&[3.0]));
        let y = dequantised(&x, &one, None, &axis, "y").unwrap();
        assert_eq!(y.floats().unwrap(), [3.0, 6.0, 9.0, 12.0, 15.0, 18.0]);
    }

    #[test]
    fn a_shape_with_one_side_open() {
        let x = tensor("x", &[2, 6], FLOAT, floats(&[0.0; 12]));
        assert_eq!(x.reshaped(&[3, -1, 2], "y").unwrap().dims, [3, 2, 2]);
        assert_eq!(x.reshaped(&[0, 6], "y").unwrap().dims, [2, 6]);
        assert!(x.reshaped(&[5, -1], "y").is_err());
        assert!(x.reshaped(&[-2], "y").is_err());
    }

    #[test]
    fn too_few_scales_are_refused() {
        let x = tensor("x", &[1, 4], INT8, vec![1, 2, 3, 4]);
        let scale = tensor("s", &[1, 2], FLOAT, floats(&[1.0, 1.0]));
        let attributes = HashMap::from([("axis".to_owned(), 1), ("block_size".to_owned(), 1)]);
        assert!(dequantised(&x, &scale, None, &attributes, "y").is_err());
    }
}
