//! Three convolutions, each with BN and ReLU, the mean over what is left of the image, and a linear layer.

use polder_models::layers::{BatchNorm2d, Conv2d, ConvShape, Linear, global_average_pool};
use polder_models::{Builder, Init, ModelError, Module, Pass};
use tch::Tensor;

/// The network; its second and third convolution halve height and width and double the channels.
#[derive(Debug)]
pub struct PlainNet {
    stages: Vec<(Conv2d, BatchNorm2d)>,
    linear: Linear,
}

impl PlainNet {
    /// `width` channels after the first convolution.
    pub fn new(builder: &mut Builder, width: i64, num_classes: i64) -> Self {
        let mut channels_in = 3;
        let mut stages = Vec::new();
        for (stage, stride) in [1, 2, 2].into_iter().enumerate() {
            let channels_out = width << stage;
            let shape = ConvShape { channels_in, channels_out, kernel: 3, stride };
            let init = Init::torch_default(shape.fan_in());
            let convolution = Conv2d::new(builder, &format!("conv{stage}"), shape, init);
            stages.push((convolution, BatchNorm2d::new(builder, &format!("bn{stage}"), channels_out)));
            channels_in = channels_out;
        }
        let init = Init::torch_default(channels_in);
        Self { stages, linear: Linear::new(builder, "linear", channels_in, num_classes, init, init) }
    }
}

impl Module for PlainNet {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = images.shallow_clone();
        for (convolution, norm) in &self.stages {
            x = norm.forward(pass, &convolution.forward(pass, &x)?)?.f_relu()?;
        }
        self.linear.forward(pass, &global_average_pool(&x)?)
    }
}
