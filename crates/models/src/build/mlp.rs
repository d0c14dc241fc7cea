//! A perceptron of equally wide hidden layers with ReLU, PyTorch's default initial values.
//!
//! Smith et al. (2021), arXiv:2101.12176, train one on Fashion-MNIST; its widths are not known. Taken for it here is
//! 784-1000-1000-10.

use tch::Tensor;

use crate::builder::Builder;
use crate::error::ModelError;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::Linear;

/// The network.
#[derive(Debug)]
pub(crate) struct Mlp {
    hidden: Vec<Linear>,
    output: Linear,
}

impl Mlp {
    /// `inputs` are the values of an image; `hidden_layers` layers of `width` follow, then one of `num_classes`.
    pub(crate) fn new(
        builder: &mut Builder,
        inputs: i64,
        width: i64,
        hidden_layers: u32,
        num_classes: i64,
    ) -> Self {
        let mut features = inputs;
        let mut layer = |index: u32, features_out: i64| {
            let init = Init::torch_default(features);
            let linear = Linear::new(builder, &format!("fc{index}"), features, features_out, init, init);
            features = features_out;
            linear
        };
        let hidden = (1..=hidden_layers).map(|index| layer(index, width)).collect();
        Self { hidden, output: layer(hidden_layers + 1, num_classes) }
    }
}

impl Module for Mlp {
    fn reads_channels_last(&self) -> bool {
        false
    }

    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        // In the order C, H, W.
        let mut x = images.f_flatten(1, 3)?;
        for layer in &self.hidden {
            x = layer.forward(pass, &x)?.f_relu()?.f_to_kind(images.kind())?;
        }
        self.output.forward(pass, &x)
    }
}
