//! A network with fewer steps that says the same.
//!
//! Steps upon every pixel cost as much as small convolutions, since memory bounds them. Training
//! leaves many that are one multiplication or addition by one number (re-parameterised blocks): they
//! go into the weights of a convolution beside them. Four steps that are a hard swish become one.
//!
//! Rule: ONNX operators `Conv` (y = W * x + b; what is padded is 0) and `HardSwish`
//! (y = x * max(0, min(1, x / 6 + 1 / 2))). Equal but for rounding.

use std::collections::{HashMap, HashSet};

use super::onnx::{ATTRIBUTE, FLOAT, NODE_INPUT, NODE_OUTPUT, OP_TYPE, Tensor, names};
use super::protobuf::Message;
use crate::VisionError;

/// Steps with fewer among them; `kept` are values that are asked for by name.
pub(super) fn fold<'a>(
    nodes: Vec<Message<'a>>,
    tensors: &mut HashMap<String, Tensor>,
    kept: &HashSet<String>,
) -> Result<Vec<Message<'a>>, VisionError> {
    let mut graph = Graph {
        nodes: nodes
            .into_iter()
            .map(|node| Node::of(node).map(Some))
            .collect::<Result<_, _>>()?,
        tensors,
        made: HashMap::new(),
        uses: HashMap::new(),
    };
    for name in kept {
        *graph.uses.entry(name.clone()).or_default() += 2;
    }
    for node in graph.nodes.iter().flatten() {
        for input in &node.inputs {
            *graph.uses.entry(input.clone()).or_default() += 1;
        }
    }
    for at in 0..graph.nodes.len() {
        for output in graph.nodes[at].iter().flat_map(|node| &node.outputs) {
            graph.made.insert(output.clone(), at);
        }
        graph.hard_swish(at);
        graph.fold_backward(at)?;
        while graph.fold_forward(at)? {}
    }
    graph
        .nodes
        .into_iter()
        .flatten()
        .map(Node::written)
        .collect()
}

struct Node<'a> {
    message: Message<'a>,
    op: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl<'a> Node<'a> {
    fn of(message: Message<'a>) -> Result<Node<'a>, VisionError> {
        Ok(Node {
            op: message.text(OP_TYPE)?.to_owned(),
            inputs: names(&message, NODE_INPUT)?,
            outputs: names(&message, NODE_OUTPUT)?,
            message,
        })
    }

    /// The message, with inputs and outputs as they are now.
    fn written(self) -> Result<Message<'a>, VisionError> {
        let mut message = self.message;
        message
            .fields
            .retain(|(number, _)| !matches!(*number, NODE_INPUT | NODE_OUTPUT));
        for input in self.inputs {
            message.push_bytes(NODE_INPUT, input.into_bytes());
        }
        for output in self.outputs {
            message.push_bytes(NODE_OUTPUT, output.into_bytes());
        }
        Ok(message)
    }
}

struct Graph<'a, 't> {
    nodes: Vec<Option<Node<'a>>>,
    tensors: &'t mut HashMap<String, Tensor>,
    /// The step that makes a value.
    made: HashMap<String, usize>,
    /// Steps that take a value; two more for one that is asked for.
    uses: HashMap<String, usize>,
}

impl Graph<'_, '_> {
    fn node(&self, at: usize) -> Option<&Node<'_>> {
        self.nodes.get(at)?.as_ref()
    }

    /// The one number that a value is, whatever comes.
    fn number(&self, name: &str) -> Option<f32> {
        let tensor = self
            .tensors
            .get(name)
            .filter(|tensor| tensor.kind == FLOAT)?;
        match tensor.floats().ok()?.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// A step of this sort upon a value and a number: the value, the number.
    fn with_number(&self, at: usize, op: &str) -> Option<(String, f32)> {
        let node = self.node(at).filter(|node| node.op == op)?;
        let [one, two] = node.inputs.as_slice() else {
            return None;
        };
        match (self.number(one), self.number(two)) {
            (None, Some(number)) => Some((one.clone(), number)),
            // What is divided by comes second.
            (Some(number), None) if op != "Div" => Some((two.clone(), number)),
            _ => None,
        }
    }

    /// The step that makes a value which so many steps take.
    fn maker(&self, name: &str, uses: usize) -> Option<usize> {
        let at = *self.made.get(name)?;
        (self.uses.get(name) == Some(&uses) && self.node(at)?.outputs.len() == 1).then_some(at)
    }

    /// x * clip(x + 3, 0, 6) / 6 in one step.
    fn hard_swish(&mut self, at: usize) {
        let Some((x, steps)) = self.hard_swish_of(at) else {
            return;
        };
        for step in steps {
            self.nodes[step] = None;
        }
        // Two steps took it, one does now.
        self.uses.insert(x.clone(), 1);
        if let Some(node) = &mut self.nodes[at] {
            node.op = "HardSwish".to_owned();
            node.inputs = vec![x];
            let mut message = Message::default();
            message.push_bytes(OP_TYPE, node.op.clone().into_bytes());
            node.message = message;
        }
    }

    /// What goes in, and the three steps before the last.
    fn hard_swish_of(&self, at: usize) -> Option<(String, [usize; 3])> {
        let (product, _) = self.with_number(at, "Div").filter(|(_, by)| *by == 6.0)?;
        let product = self.maker(&product, 1)?;
        let node = self.node(product).filter(|node| node.op == "Mul")?;
        let [one, two] = node.inputs.as_slice() else {
            return None;
        };
        [(one, two), (two, one)]
            .into_iter()
            .find_map(|(x, clipped)| {
                let clip = self.maker(clipped, 1)?;
                let node = self.node(clip).filter(|node| node.op == "Clip")?;
                let [moved, low, high] = node.inputs.as_slice() else {
                    return None;
                };
                let add = self.maker(moved, 1)?;
                let (from, three) = self.with_number(add, "Add")?;
                let fits = from == *x
                    && three == 3.0
                    && self.number(low) == Some(0.0)
                    && self.number(high) == Some(6.0)
                    && self.uses.get(x) == Some(&2);
                fits.then(|| (x.clone(), [product, clip, add]))
            })
    }

    /// A multiplication or addition of one number upon what a convolution makes.
    fn fold_backward(&mut self, at: usize) -> Result<(), VisionError> {
        let times = self.with_number(at, "Mul");
        let plus = self.with_number(at, "Add");
        let Some((value, _)) = times.as_ref().or(plus.as_ref()) else {
            return Ok(());
        };
        let convolution = self.maker(value, 1);
        let is_one = |at: &usize| self.node(*at).is_some_and(|node| node.op == "Conv");
        let Some(convolution) = convolution.filter(is_one) else {
            return Ok(());
        };
        let done = match (times, plus) {
            (Some((_, by)), _) => self.reweigh(convolution, by, |bias, _| bias * by)?,
            (_, Some((_, number))) => self.reweigh(convolution, 1.0, |bias, _| bias + number)?,
            _ => false,
        };
        if !done {
            return Ok(());
        }
        let output = self.nodes[at].take().map(|node| node.outputs);
        if let (Some(node), Some(outputs)) = (&mut self.nodes[convolution], output) {
            for output in &outputs {
                self.made.insert(output.clone(), convolution);
            }
            node.outputs = outputs;
        }
        Ok(())
    }

    /// A multiplication or addition of one number upon what a convolution takes; `true` when there may
    /// be more.
    fn fold_forward(&mut self, at: usize) -> Result<bool, VisionError> {
        let Some(node) = self.node(at).filter(|node| node.op == "Conv") else {
            return Ok(false);
        };
        let Some(before) = node.inputs.first().and_then(|input| self.maker(input, 1)) else {
            return Ok(false);
        };
        if let Some((value, by)) = self.with_number(before, "Mul") {
            // What is padded is nothing before and after.
            let done = self.reweigh(at, by, |bias, _| bias)?;
            if done {
                self.pass_over(before, at, value);
            }
            return Ok(done);
        }
        let Some((value, number)) = self.with_number(before, "Add") else {
            return Ok(false);
        };
        if self.covers_points(at)? {
            let done = self.reweigh(at, 1.0, |bias, sum| bias + number * sum)?;
            if done {
                self.pass_over(before, at, value);
            }
            return Ok(done);
        }
        // (x * by + number) = by * (x + number / by), and the padding stays nothing.
        let Some(times) = self.maker(&value, 1) else {
            return Ok(false);
        };
        let Some((x, by)) = self.with_number(times, "Mul").filter(|(_, by)| *by != 0.0) else {
            return Ok(false);
        };
        if !self.reweigh(at, by, |bias, _| bias)? {
            return Ok(false);
        }
        let moved = Tensor::numbers(format!("{value}/moved"), Vec::new(), &[number / by]);
        let inputs = vec![x, moved.name.clone()];
        self.tensors.insert(moved.name.clone(), moved);
        self.nodes[times] = None;
        if let Some(node) = &mut self.nodes[before] {
            node.inputs = inputs;
        }
        Ok(false)
    }

    /// Takes a step of one number out from before a convolution.
    fn pass_over(&mut self, step: usize, convolution: usize, value: String) {
        self.nodes[step] = None;
        if let Some(node) = &mut self.nodes[convolution] {
            node.inputs[0] = value;
        }
    }

    /// Whether each point of a convolution's output is of one point of its input, so that no padding counts.
    fn covers_points(&self, at: usize) -> Result<bool, VisionError> {
        let Some(node) = self.node(at) else {
            return Ok(false);
        };
        for attribute in node.message.all(ATTRIBUTE) {
            let attribute = Message::parse(attribute)?;
            let is_padded = match attribute.text(1)? {
                "pads" => attribute.varints(INTEGERS)?.iter().any(|&pad| pad != 0),
                "auto_pad" => true,
                _ => false,
            };
            if is_padded {
                return Ok(false);
            }
        }
        let weights = node.inputs.get(1).and_then(|name| self.tensors.get(name));
        Ok(weights.is_some_and(|weights| {
            weights.dims.len() == 4 && weights.dims.iter().skip(2).all(|&side| side == 1)
        }))
    }

    /// Gives a convolution weights `by` times its own, and the bias that `bias` says of its own and of
    /// the sum of the weights before, for each plane of its output. `false` when its weights are not known.
    fn reweigh(
        &mut self,
        at: usize,
        by: f32,
        bias: impl Fn(f32, f32) -> f32,
    ) -> Result<bool, VisionError> {
        let Some(node) = self.nodes.get(at).and_then(Option::as_ref) else {
            return Ok(false);
        };
        let known = |index: usize| node.inputs.get(index).map(|name| self.tensors.get(name));
        let Some(Some(weights)) = known(1) else {
            return Ok(false);
        };
        let own = match known(2) {
            Some(Some(own)) => Some(own.floats()?),
            Some(None) => return Ok(false),
            None => None,
        };
        let values = weights.floats()?;
        let planes = weights.dims.first().copied().unwrap_or_default();
        let planes = usize::try_from(planes).unwrap_or_default();
        let is_whole = planes > 0
            && values.len() == weights.count()?
            && own.as_ref().is_none_or(|own| own.len() == planes);
        if !is_whole {
            return Err(VisionError::Weights("a convolution's weights".into()));
        }
        let biases: Vec<f32> = values
            .chunks(values.len() / planes)
            .enumerate()
            .map(|(plane, weights)| {
                let own = own.as_ref().map_or(0.0, |own| own[plane]);
                bias(own, weights.iter().sum())
            })
            .collect();
        let [output] = node.outputs.as_slice() else {
            return Ok(false);
        };
        let scaled: Vec<f32> = values.iter().map(|value| value * by).collect();
        let weights = Tensor::numbers(format!("{output}/weights"), weights.dims.clone(), &scaled);
        let biases = Tensor::numbers(format!("{output}/bias"), vec![planes as u64], &biases);
        let inputs = [&weights.name, &biases.name].map(String::clone);
        for tensor in [weights, biases] {
            self.tensors.insert(tensor.name.clone(), tensor);
        }
        if let Some(node) = &mut self.nodes[at] {
            node.inputs.truncate(1);
            node.inputs.extend(inputs);
        }
        Ok(true)
    }
}

/// AttributeProto's whole numbers.
const INTEGERS: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::onnx;
    use crate::network::{Network, Threads};

    fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Message::default();
        for (number, bytes) in fields {
            out.push_bytes(*number, bytes.to_vec());
        }
        out.encode()
    }

    fn step(op: &str, inputs: &[&str], output: &str, pads: u64) -> Vec<u8> {
        let mut node = Message::default();
        for input in inputs {
            node.push_bytes(NODE_INPUT, input.as_bytes().to_vec());
        }
        node.push_bytes(NODE_OUTPUT, output.as_bytes().to_vec());
        node.push_bytes(OP_TYPE, op.as_bytes().to_vec());
        let pads = [pads; 4];
        let settings = [
            ("pads", pads.as_slice()),
            ("strides", &[1, 1]),
            ("dilations", &[1, 1]),
        ];
        for (name, values) in settings.into_iter().filter(|_| op == "Conv") {
            let mut attribute = Message::default();
            attribute.push_bytes(1, name.as_bytes().to_vec());
            for &value in values {
                attribute.push_varint(INTEGERS, value);
            }
            // AttributeProto's kind: whole numbers.
            attribute.push_varint(20, 7);
            node.push_bytes(ATTRIBUTE, attribute.encode());
        }
        node.encode()
    }

    fn picture(name: &str) -> Vec<u8> {
        let mut tensor = Message::default();
        tensor.push_varint(1, FLOAT);
        let sides = message(&[(1, &[]), (1, &[]), (1, &[]), (1, &[])]);
        tensor.push_bytes(2, sides);
        message(&[
            (1, name.as_bytes()),
            (2, &message(&[(1, &tensor.encode())])),
        ])
    }

    /// Every sort of step that is folded, beside ones that may not be: a value taken twice, a bias
    /// before padding, another divisor.
    fn network() -> Vec<u8> {
        let some = |count: usize, shift: usize| -> Vec<f32> {
            (0..count)
                .map(|at| ((at * 7 + shift) % 11) as f32 / 11.0 - 0.45)
                .collect()
        };
        let tensors = [
            ("w1", vec![4, 3, 3, 3], some(108, 1)),
            ("w2", vec![5, 4, 3, 3], some(180, 2)),
            ("b2", vec![5], some(5, 3)),
            ("w3", vec![3, 5, 1, 1], some(15, 4)),
            ("w4", vec![3, 3, 1, 1], some(9, 5)),
            ("half", vec![1], vec![0.5]),
            ("minus", vec![1], vec![-1.75]),
            ("zero", vec![], vec![0.0]),
            ("three", vec![], vec![3.0]),
            ("six", vec![], vec![6.0]),
        ];
        let swish = |x: &'static str, by: &'static str| {
            let name = |step: &str| format!("{x}/{step}");
            let [add, clip, mul, out] = ["add", "clip", "mul", "out"].map(name);
            [
                step("Add", &[x, "three"], &add, 0),
                step("Clip", &[&add, "zero", "six"], &clip, 0),
                step("Mul", &[x, &clip], &mul, 0),
                step("Div", &[&mul, by], &out, 0),
            ]
        };
        let mut nodes = vec![
            step("Conv", &["x", "w1"], "1", 1),
            step("Mul", &["half", "1"], "2", 0),
            step("Add", &["2", "minus"], "3", 0),
        ];
        nodes.extend(swish("3", "six"));
        nodes.extend([
            step("Mul", &["minus", "3/out"], "4", 0),
            step("Add", &["4", "half"], "5", 0),
            step("Conv", &["5", "w2", "b2"], "6", 1),
        ]);
        nodes.extend(swish("6", "three"));
        nodes.extend([
            step("Mul", &["6/out", "half"], "7", 0),
            step("Add", &["7", "minus"], "8", 0),
            step("Conv", &["8", "w3"], "9", 0),
            step("Add", &["9", "half"], "10", 0),
            step("Conv", &["10", "w4"], "11", 0),
            step("Add", &["10", "11"], "y", 0),
        ]);
        let mut graph = Message::default();
        for node in nodes {
            graph.push_bytes(1, node);
        }
        for (name, dims, values) in tensors {
            let tensor = Tensor::numbers(name.to_owned(), dims, &values);
            graph.push_bytes(5, tensor.encode());
        }
        graph.push_bytes(11, picture("x"));
        graph.push_bytes(12, picture("y"));
        let mut model = Message::default();
        model.push_varint(1, 8);
        let mut operators = Message::default();
        operators.push_varint(2, 14);
        model.push_bytes(8, operators.encode());
        model.push_bytes(7, graph.encode());
        model.encode()
    }

    fn said(prepared: Vec<u8>) -> Vec<f32> {
        let network = Network::of(prepared, &Threads::new(1)).unwrap();
        let pixels = (0..3 * 6 * 8)
            .map(|at| (at * 13 % 29) as f32 / 7.0 - 2.0)
            .collect();
        let [out] = network.run([1, 6, 8], pixels, ["y"]).unwrap();
        assert_eq!(out.shape, [1, 3, 6, 8]);
        out.values
    }

    #[test]
    fn fewer_steps_say_the_same() {
        let network = network();
        let folded = onnx::prepare(&network, true).unwrap();
        let steps = |model: &[u8]| {
            let model = Message::parse(model).unwrap();
            let graph = Message::parse(model.bytes(7).unwrap()).unwrap();
            graph.all(1).count()
        };
        assert_eq!((steps(&network), steps(&folded)), (20, 11));
        let (before, after) = (said(network), said(folded));
        for (before, after) in before.iter().zip(&after) {
            assert!(
                (before - after).abs() < 1e-4 * before.abs().max(1.0),
                "{before} {after}"
            );
        }
        assert!(before.iter().any(|value| value.abs() > 0.5));
    }
}
