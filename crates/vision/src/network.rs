//! A network: a tensor in, tensors out.

use std::sync::{Arc, Mutex, PoisonError};

use rten::{ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::VisionError;
use crate::models::Weights;
use crate::runtime::{self, Runtime};

/// Threads that all networks of a pair of eyes share.
#[derive(Clone)]
pub(crate) struct Threads {
    pool: Arc<ThreadPool>,
    count: usize,
}

impl Threads {
    pub(crate) fn new(count: usize) -> Threads {
        let count = count.max(1);
        Threads {
            pool: Arc::new(ThreadPool::with_num_threads(count)),
            count,
        }
    }

    /// Both, the second beside the first where there are threads for both: most steps of a network
    /// are for one thread, so two networks at a time fill two.
    pub(crate) fn both<A, B: Send>(
        &self,
        one: impl FnOnce() -> Result<A, VisionError>,
        two: impl FnOnce() -> Result<B, VisionError> + Send,
    ) -> Result<(A, B), VisionError> {
        if self.count < 2 {
            return Ok((one()?, two()?));
        }
        std::thread::scope(|scope| {
            let two = scope.spawn(two);
            let one = one();
            let panicked = |_| Err(VisionError::Network("a thread that panicked".into()));
            Ok((one?, two.join().unwrap_or_else(panicked)?))
        })
    }
}

/// Held while a network runs that needs much memory: of several, one at a time.
pub(crate) type Gate = Mutex<()>;

/// One network with its weights.
pub(crate) struct Network(Loaded);

enum Loaded {
    Rten {
        model: Box<rten::Model>,
        input: NodeId,
        threads: Threads,
    },
    #[cfg(feature = "ort")]
    Onnx(Mutex<ort::session::Session>),
}

/// An output: its shape and its numbers, the last side fastest.
pub(crate) struct Output {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

fn failed(error: &dyn std::fmt::Display) -> VisionError {
    VisionError::Network(error.to_string())
}

impl Network {
    pub(crate) fn load(weights: &Weights, threads: &Threads) -> Result<Network, VisionError> {
        match runtime::chosen()? {
            Runtime::Rten => Network::of(weights.with_fewer_steps()?, threads),
            #[cfg(feature = "ort")]
            Runtime::Onnx(environment) => {
                onnx::load(&environment, &weights.as_they_are()?, threads.count)
            }
        }
    }

    /// By `rten`, of ONNX as it reads it.
    pub(crate) fn of(prepared: Vec<u8>, threads: &Threads) -> Result<Network, VisionError> {
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(prepared)
            .map_err(|error| VisionError::Weights(error.to_string()))?;
        let &input = model
            .input_ids()
            .first()
            .ok_or_else(|| VisionError::Weights("a network without input".into()))?;
        Ok(Network(Loaded::Rten {
            model: Box::new(model),
            input,
            threads: threads.clone(),
        }))
    }

    /// As [`Network::run`], when nobody else is within the gate.
    pub(crate) fn run_alone<const N: usize>(
        &self,
        gate: &Gate,
        shape: [usize; 3],
        planes: Vec<f32>,
        outputs: [&str; N],
    ) -> Result<[Output; N], VisionError> {
        let _alone = gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.run(shape, planes, outputs)
    }

    /// Runs upon `count` pictures of 3 planes each, `planes` holding them one after another. An output
    /// without a name is the first.
    pub(crate) fn run<const N: usize>(
        &self,
        [count, height, width]: [usize; 3],
        planes: Vec<f32>,
        outputs: [&str; N],
    ) -> Result<[Output; N], VisionError> {
        if planes.len() != count * 3 * height * width {
            return Err(VisionError::Network(
                "pixels that do not fill their shape".into(),
            ));
        }
        let shape = [count, 3, height, width];
        let found = match &self.0 {
            Loaded::Rten {
                model,
                input,
                threads,
            } => by_rten(model, *input, threads, shape, planes, &outputs)?,
            #[cfg(feature = "ort")]
            Loaded::Onnx(session) => onnx::run(session, shape, planes, &outputs)?,
        };
        found
            .try_into()
            .map_err(|_| VisionError::Network("another count of outputs".into()))
    }
}

fn by_rten(
    model: &rten::Model,
    input: NodeId,
    threads: &Threads,
    shape: [usize; 4],
    planes: Vec<f32>,
    outputs: &[&str],
) -> Result<Vec<Output>, VisionError> {
    let id = |name: &&str| match name.is_empty() {
        true => Ok(model.output_ids()[0]),
        false => model.node_id(name).map_err(|error| failed(&error)),
    };
    let ids: Vec<NodeId> = outputs.iter().map(id).collect::<Result<_, _>>()?;
    let picture = NdTensor::from_data(shape, planes);
    let mut options = RunOptions::default();
    options.thread_pool = Some(threads.pool.clone());
    let found = model
        .run(vec![(input, picture.into())], &ids, Some(options))
        .map_err(|error| failed(&error))?;
    found
        .into_iter()
        .map(|value| {
            let tensor: Tensor<f32> = value.try_into().map_err(|error| failed(&error))?;
            Ok(Output {
                shape: tensor.shape().to_vec(),
                values: tensor.into_data(),
            })
        })
        .collect()
}

/// By onnxruntime.
#[cfg(feature = "ort")]
mod onnx {
    use std::sync::{Mutex, PoisonError};

    use ort::environment::Environment;
    use ort::session::Session;
    use ort::value::Tensor;

    use super::{Loaded, Network, Output, failed};
    use crate::VisionError;

    pub(super) fn load(
        environment: &Environment,
        weights: &[u8],
        threads: usize,
    ) -> Result<Network, VisionError> {
        let wrong = |error: &dyn std::fmt::Display| VisionError::Weights(error.to_string());
        let session = Session::builder(environment)
            .map_err(|error| wrong(&error))?
            .with_intra_threads(threads)
            .map_err(|error| wrong(&error))?
            .commit_from_memory(weights)
            .map_err(|error| wrong(&error))?;
        Ok(Network(Loaded::Onnx(Mutex::new(session))))
    }

    pub(super) fn run(
        session: &Mutex<Session>,
        shape: [usize; 4],
        planes: Vec<f32>,
        outputs: &[&str],
    ) -> Result<Vec<Output>, VisionError> {
        let picture = Tensor::from_array((shape, planes)).map_err(|error| failed(&error))?;
        // A session runs once at a time; looks of several threads wait for each other here.
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let found = session
            .run(ort::inputs![picture])
            .map_err(|error| failed(&error))?;
        let output = |name: &&str| {
            let value = match name.is_empty() {
                true => found.values().next(),
                false => found.get(*name).map(ort::value::Value::view),
            };
            let value = value.ok_or_else(|| VisionError::Network(format!("no output {name}")))?;
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .map_err(|error| failed(&error))?;
            let side = |side: &i64| usize::try_from(*side).unwrap_or(0);
            Ok(Output {
                shape: shape.iter().map(side).collect(),
                values: values.to_vec(),
            })
        };
        outputs.iter().map(output).collect()
    }
}
