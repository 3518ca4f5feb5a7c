//! A network: a tensor in, tensors out.

use std::sync::{Arc, Mutex, PoisonError};

use rten::{ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::VisionError;
use crate::models::Weights;

/// Threads that all networks of a pair of eyes share.
#[derive(Clone)]
pub(crate) struct Threads(Arc<ThreadPool>);

impl Threads {
    pub(crate) fn new(count: usize) -> Threads {
        Threads(Arc::new(ThreadPool::with_num_threads(count.max(1))))
    }
}

/// Held while a network runs that needs much memory: of several, one at a time.
pub(crate) type Gate = Mutex<()>;

/// One network with its weights.
pub(crate) struct Network {
    model: rten::Model,
    input: NodeId,
    threads: Threads,
}

/// An output: its shape and its numbers, the last side fastest.
pub(crate) struct Output {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl Network {
    pub(crate) fn load(weights: Weights, threads: &Threads) -> Result<Network, VisionError> {
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(weights.prepared)
            .map_err(|error| VisionError::Weights(error.to_string()))?;
        let &input = model
            .input_ids()
            .first()
            .ok_or_else(|| VisionError::Weights("a network without input".into()))?;
        Ok(Network {
            model,
            input,
            threads: threads.clone(),
        })
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

    /// Runs upon `count` pictures of 3 planes each, `planes` holding them one after another.
    pub(crate) fn run<const N: usize>(
        &self,
        [count, height, width]: [usize; 3],
        planes: Vec<f32>,
        outputs: [&str; N],
    ) -> Result<[Output; N], VisionError> {
        let failed = |error: &dyn std::fmt::Display| VisionError::Network(error.to_string());
        if planes.len() != count * 3 * height * width {
            return Err(VisionError::Network(
                "pixels that do not fill their shape".into(),
            ));
        }
        let mut ids = Vec::with_capacity(N);
        for name in outputs {
            ids.push(if name.is_empty() {
                self.model.output_ids()[0]
            } else {
                self.model.node_id(name).map_err(|error| failed(&error))?
            });
        }
        let input = NdTensor::from_data([count, 3, height, width], planes);
        let mut options = RunOptions::default();
        options.thread_pool = Some(self.threads.0.clone());
        let found = self
            .model
            .run(vec![(self.input, input.into())], &ids, Some(options))
            .map_err(|error| failed(&error))?;
        let mut out = Vec::with_capacity(N);
        for value in found {
            let tensor: Tensor<f32> = value.try_into().map_err(|error| failed(&error))?;
            out.push(Output {
                shape: tensor.shape().to_vec(),
                values: tensor.into_data(),
            });
        }
        out.try_into()
            .map_err(|_| VisionError::Network("another count of outputs".into()))
    }
}
