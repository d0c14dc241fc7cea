//! ResNet with the CIFAR stem: a 3x3 convolution of 64 channels and no max-pooling, BN and ReLU after each convolution.
//!
//! He et al. (2015), arXiv:1512.03385, in the form that CIFAR code uses: strides 1, 2, 2, 2, projection shortcuts
//! (1x1 convolution and BN), PyTorch's default initial values. A bottleneck strides in its 3x3 convolution.

use polder_architecture::ResNetDepth;
use tch::Tensor;

use crate::builder::Builder;
use crate::error::ModelError;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::{BatchNorm2d, Conv2d, ConvShape, Linear, add, global_average_pool, relu};

/// A convolution and the BN after it.
#[derive(Debug)]
struct ConvBn {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl ConvBn {
    fn new(builder: &mut Builder, conv: &str, bn: &str, shape: ConvShape) -> Self {
        Self {
            conv: Conv2d::new(builder, conv, shape, Init::torch_default(shape.fan_in())),
            bn: BatchNorm2d::new(builder, bn, shape.channels_out),
        }
    }

    fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        self.bn.forward(pass, &self.conv.forward(pass, x)?)
    }
}

/// A basic block (two 3x3 convolutions) or a bottleneck (1x1, 3x3, 1x1) and its shortcut.
#[derive(Debug)]
struct Block {
    convs: Vec<ConvBn>,
    projection: Option<ConvBn>,
}

impl Block {
    fn new(
        builder: &mut Builder,
        name: &str,
        channels_in: i64,
        width: i64,
        stride: i64,
        expansion: i64,
    ) -> Self {
        let channels_out = width * expansion;
        let shape = |channels_in, channels_out, kernel, stride| ConvShape {
            channels_in,
            channels_out,
            kernel,
            stride,
        };
        let shapes = if expansion == 1 {
            vec![shape(channels_in, width, 3, stride), shape(width, width, 3, 1)]
        } else {
            vec![
                shape(channels_in, width, 1, 1),
                shape(width, width, 3, stride),
                shape(width, channels_out, 1, 1),
            ]
        };
        let convs = shapes
            .into_iter()
            .zip(1..)
            .map(|(shape, i)| {
                ConvBn::new(builder, &format!("{name}.conv{i}"), &format!("{name}.bn{i}"), shape)
            })
            .collect();
        let projection = (stride != 1 || channels_in != channels_out).then(|| {
            let shape = shape(channels_in, channels_out, 1, stride);
            ConvBn::new(builder, &format!("{name}.shortcut.0"), &format!("{name}.shortcut.1"), shape)
        });
        Self { convs, projection }
    }

    fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let (last, inner) = self.convs.split_last().expect("a block has convolutions");
        let mut y = x.shallow_clone();
        for conv in inner {
            y = relu(conv.forward(pass, &y)?)?;
        }
        let residual = last.forward(pass, &y)?;
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(pass, x)?,
            None => x.shallow_clone(),
        };
        relu(add(residual, &shortcut)?)
    }
}

/// The network.
#[derive(Debug)]
pub(crate) struct ResNet {
    stem: ConvBn,
    blocks: Vec<Block>,
    linear: Linear,
}

impl ResNet {
    pub(crate) fn new(builder: &mut Builder, depth: ResNetDepth, num_classes: i64) -> Self {
        let stem_shape = ConvShape { channels_in: 3, channels_out: 64, kernel: 3, stride: 1 };
        let stem = ConvBn::new(builder, "conv1", "bn1", stem_shape);
        let mut channels = 64;
        let mut blocks = Vec::new();
        for (group, (num_blocks, width)) in depth.blocks().into_iter().zip([64, 128, 256, 512]).enumerate() {
            for block in 0..num_blocks {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", group + 1);
                blocks.push(Block::new(builder, &name, channels, width, stride, depth.expansion()));
                channels = width * depth.expansion();
            }
        }
        let init = Init::torch_default(channels);
        let linear = Linear::new(builder, "linear", channels, num_classes, init, init);
        Self { stem, blocks, linear }
    }
}

impl Module for ResNet {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = relu(self.stem.forward(pass, images)?)?;
        for block in &self.blocks {
            x = block.forward(pass, &x)?;
        }
        self.linear.forward(pass, &global_average_pool(&x)?)
    }
}
