//! A network in training, and the one step that training, benchmarks and profiles make.

use polder_models::{Arena, LabelSmoothing, MinibatchLoss, MinibatchObjective, Network, RecordedGradients};
use polder_optim::{Averages, Optimizer};
use tracing::trace_span;

use crate::feed::OnDevice;
use crate::network_optimizer::NetworkOptimizer;

/// A network with everything that a step changes.
pub struct Training<P = NetworkOptimizer> {
    pub network: Network,
    /// The parameters of the network.
    pub weights: Arena,
    /// The gradient of the network; scratch space of the optimizer.
    pub gradient: Arena,
    pub optimizer: P,
    pub averages: Averages<Arena>,
    /// Gradients of full minibatches as CUDA graphs, where they were asked for.
    pub recorded: Option<RecordedGradients>,
    pub targets: LabelSmoothing,
}

/// What a step came to. The loss may still lie on the device.
pub struct Step {
    pub loss: MinibatchLoss,
    /// How far SAM's ascent moved the weights, as the arithmetic sees them; only where it was measured.
    pub effective_ascent: Option<f64>,
}

impl<P> Training<P>
where
    P: for<'a> Optimizer<Arena, MinibatchObjective<'a>>,
{
    /// `network` before its first step.
    pub fn new(network: Network, optimizer: P, averages: Averages<Arena>) -> Self {
        let (weights, gradient) = (network.parameters(), network.gradient());
        let (recorded, targets) = (None, LabelSmoothing::None);
        Self { network, weights, gradient, optimizer, averages, recorded, targets }
    }

    /// Step number `step` of the run, from 0: the optimizer's, then an update of the averages. Everything is queued on the device
    /// when this returns; nothing waits for it.
    ///
    /// # Errors
    /// If the optimizer or libtorch fails.
    pub fn step(
        &mut self,
        minibatch: OnDevice,
        step: u64,
        learning_rate: f64,
        measures_ascent: bool,
    ) -> anyhow::Result<Step> {
        let _span = trace_span!("step", step).entered();
        let mut objective = MinibatchObjective::new(&self.network, minibatch.images, minibatch.labels)
            .with_label_smoothing(self.targets);
        if let Some(recorded) = &mut self.recorded {
            objective = objective.with_recorded(recorded);
        }
        if measures_ascent {
            objective = objective.measuring_ascent();
        }
        let loss =
            self.optimizer.step(&mut objective, &mut self.weights, &mut self.gradient, learning_rate)?;
        let effective_ascent = objective.effective_ascent();
        self.averages.update(step, &self.weights);
        Ok(Step { loss, effective_ascent })
    }

    /// Waits until the device has done everything: reading a weight does.
    ///
    /// # Errors
    /// If an earlier operation failed on the device.
    pub fn wait(&self) -> anyhow::Result<()> {
        self.weights.flat().f_double_value(&[0])?;
        Ok(())
    }
}
