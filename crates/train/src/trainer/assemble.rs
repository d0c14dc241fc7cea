//! What a configuration asks for: the network, and the optimizer of its weights.

use std::ops::Range;

use anyhow::{Context, bail, ensure};
use polder_models::{Architecture, Builder, Network};
use polder_optim::{Entries, EulerSteps, GradientPenalty, Sam, Sgd};
use tch::Device;

use crate::custom;
use crate::network_optimizer::{BuiltInOptimizer, NetworkOptimizer};
use polder_experiment::config::{self, Method, ParameterSet, RunConfig};

/// The network of `config` for `num_classes` classes, at its initial weights.
pub fn network(config: &RunConfig, num_classes: usize, device: Device) -> anyhow::Result<Network> {
    let precision = match config.model.precision {
        config::Precision::F32 => polder_models::Precision::F32,
        config::Precision::Bf16 => polder_models::Precision::Bf16,
    };
    let name = &config.model.name;
    if let Some(describe) = custom::network(name) {
        let describe = |builder: &mut Builder| describe(builder, num_classes as i64);
        return Ok(Network::describe(name, describe, config.seed, precision, device)?);
    }
    let architecture: Architecture = name.parse().context("`model.name`")?;
    Ok(Network::new(architecture, num_classes, config.seed, precision, device)?)
}

/// The optimizer of `config` for the weights of `network`, before its first step.
pub fn optimizer(config: &RunConfig, network: &Network) -> anyhow::Result<NetworkOptimizer> {
    let Method::Custom(name) = config.optimizer.method else {
        return Ok(Box::new(built_in_optimizer(config, network)?));
    };
    let make = custom::optimizer(name).with_context(|| unknown_method(name))?;
    let parameters = Parameters::of(network)?;
    make(&config.optimizer, &|set| parameters.entries(set)).with_context(|| format!("`{name}`"))
}

fn unknown_method(name: &str) -> String {
    format!("no optimizer called `{name}` was registered with `polder_train::custom`")
}

/// Likewise, if it is one of Polder's.
pub fn built_in_optimizer(config: &RunConfig, network: &Network) -> anyhow::Result<BuiltInOptimizer> {
    let parameters = Parameters::of(network)?;
    let entries = |set| parameters.entries(set);
    let config = &config.optimizer;
    let incomplete = "the configuration was not validated";
    Ok(match config.method {
        Method::Sgd => BuiltInOptimizer::Sgd(Sgd::new(config.sgd(&entries))?),
        Method::Sam => BuiltInOptimizer::Sam(Sam::new(config.sam(&entries).context(incomplete)?)?),
        Method::GradientPenalty => {
            let config = config.gradient_penalty(&entries).context(incomplete)?;
            BuiltInOptimizer::GradientPenalty(GradientPenalty::new(config)?)
        }
        Method::EulerSteps => {
            BuiltInOptimizer::EulerSteps(EulerSteps::new(config.euler_steps(&entries).context(incomplete)?)?)
        }
        Method::Custom(name) => bail!("`{name}` is an optimizer of your own; only those of Polder are timed"),
    })
}

/// Refuses micro-batches of which the smallest minibatch of an epoch has too few images.
pub(super) fn check_micro_batches(config: &RunConfig, train_images: u64) -> anyhow::Result<()> {
    let (of, batch_size) = (config.optimizer.micro_batches, config.training.batch_size as u64);
    let last = (train_images - 1) % batch_size + 1;
    let smallest = last.min(batch_size);
    ensure!(
        smallest >= of,
        "`optimizer.micro_batches` is {of}, but the last minibatch of an epoch has {smallest} of the {train_images} \
         images; choose another `training.batch_size` or `data.train_images`"
    );
    Ok(())
}

/// The parameters in the order in which they lie in the arena.
struct Parameters(Vec<Parameter>);

struct Parameter {
    is_bias: bool,
    /// A weight of a convolution or of a linear layer.
    is_matrix: bool,
    range: Range<usize>,
}

impl Parameters {
    fn of(network: &Network) -> anyhow::Result<Self> {
        let weights = network.parameters();
        let named = weights.named()?;
        let mut parameters: Vec<Parameter> = named
            .iter()
            .zip(weights.ranges())
            .map(|((name, tensor), range)| Parameter {
                is_bias: name.rsplit('.').next() == Some("bias"),
                is_matrix: tensor.dim() > 1,
                range,
            })
            .collect();
        parameters.sort_by_key(|parameter| parameter.range.start);
        Ok(Self(parameters))
    }

    /// Neighbours become one range, with the padding between them, which is zero and stays so: fewer kernels per step.
    fn entries(&self, set: ParameterSet) -> Entries {
        let belongs = |parameter: &Parameter| match set {
            ParameterSet::All => true,
            ParameterSet::NoBias => !parameter.is_bias,
            ParameterSet::NoBiasNoBn => parameter.is_matrix,
        };
        if set == ParameterSet::All {
            return Entries::All;
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut adjoins = false;
        for parameter in &self.0 {
            let chosen = belongs(parameter);
            match ranges.last_mut() {
                Some(last) if chosen && adjoins => last.end = parameter.range.end,
                _ if chosen => ranges.push(parameter.range.clone()),
                _ => {}
            }
            adjoins = chosen;
        }
        Entries::Ranges(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_decay_is_left_out_in_as_few_ranges_as_there_can_be() {
        let network = network(&RunConfig::default(), 10, Device::Cpu).unwrap();
        let parameters = Parameters::of(&network).unwrap();
        let Entries::Ranges(matrices) = parameters.entries(ParameterSet::NoBiasNoBn) else { panic!() };
        assert_eq!(
            (matrices.len(), matrices[0].start),
            (1, 0),
            "convolutions and the linear layer lie together"
        );
        let num_entries = |set| {
            let mut sum = 0;
            parameters.entries(set).for_each_range(0, |range| sum += range.len());
            sum
        };
        // Of a WRN-10-1: 7 BN layers with 16, 16, 16, 32, 32, 64 and 64 channels, and 10 classes.
        let (no_bias, matrices) = (num_entries(ParameterSet::NoBias), num_entries(ParameterSet::NoBiasNoBn));
        assert_eq!(matrices, 77_850 - 2 * 240 - 10);
        assert_eq!(no_bias - matrices, 240);
        assert_eq!(parameters.entries(ParameterSet::All), Entries::All);
    }

    #[test]
    fn micro_batches_fit_into_the_last_minibatch() {
        let mut config = RunConfig::default();
        config.optimizer.micro_batches = 4;
        assert!(check_micro_batches(&config, 128 * 3 + 4).is_ok());
        assert!(check_micro_batches(&config, 128 * 3).is_ok());
        let error = check_micro_batches(&config, 128 * 3 + 3).unwrap_err().to_string();
        assert!(error.contains("optimizer.micro_batches") && error.contains("has 3"), "{error}");
    }
}
