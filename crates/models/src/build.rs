//! Builds the networks that have names.

mod mlp;
mod pyramid_net;
mod resnet;
mod skipinit;
mod wide_resnet;

use std::collections::BTreeMap;

use polder_architecture::Architecture;

use crate::builder::Builder;
use crate::forward::Module;

use self::mlp::Mlp;
use self::pyramid_net::PyramidNet;
use self::resnet::ResNet;
use self::skipinit::SkipInit;
use self::wide_resnet::WideResNet;

/// Declares the parameters of `architecture` in `builder`.
pub(crate) fn build(architecture: Architecture, builder: &mut Builder, num_classes: i64) -> Box<dyn Module> {
    match architecture {
        Architecture::ResNet(depth) => Box::new(ResNet::new(builder, depth, num_classes)),
        Architecture::WideResNet { depth, widening } => {
            Box::new(WideResNet::new(builder, (depth - 4) / 6, i64::from(widening), num_classes))
        }
        Architecture::WideResNet28x10Released => Box::new(WideResNet::new(builder, 5, 10, num_classes)),
        Architecture::WideResNetSkipInit { depth, widening } => {
            Box::new(SkipInit::new(builder, (depth - 4) / 6, i64::from(widening), num_classes))
        }
        Architecture::PyramidNet { depth, alpha } => {
            Box::new(PyramidNet::new(builder, (depth - 2) / 9, alpha, num_classes))
        }
        Architecture::Mlp { inputs, width, hidden_layers } => {
            Box::new(Mlp::new(builder, inputs.into(), width.into(), hidden_layers, num_classes))
        }
    }
}

/// Names and shapes of what a checkpoint holds of a network: parameters and BN statistics.
pub fn tensor_shapes(architecture: Architecture, num_classes: usize) -> BTreeMap<String, Vec<i64>> {
    let mut builder = Builder::default();
    build(architecture, &mut builder, num_classes as i64);
    let statistics = builder.batch_norms.iter().flat_map(|(name, channels)| {
        ["running_mean", "running_var"].map(|part| (format!("{name}.{part}"), vec![*channels]))
    });
    builder.parameters.iter().map(|d| (d.name.clone(), d.shape.clone())).chain(statistics).collect()
}
