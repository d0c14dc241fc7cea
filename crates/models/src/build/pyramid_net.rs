//! PyramidNet-depth-alpha of bottlenecks: the width grows in every block, by alpha in all.
//!
//! Han, Kim and Kim (2017), arXiv:1610.02915, as in the code of Nitanda et al. (2023): three stages of n blocks, depth
//! 9 n + 2, widths that grow by alpha / 3 n from 16 and are rounded, outputs four times as wide. In a block BN, 1x1, BN,
//! ReLU, 3x3, BN, ReLU, 1x1, BN: no ReLU after the first BN, none after the sum. The shortcut has no weights: a 2x2
//! mean where the size changes, and zeros for the channels that it lacks. Convolutions N(0, 2 / fan_out); the linear
//! layer has PyTorch's default. No ShakeDrop.

use polder_architecture::pyramid_net_widths;
use tch::Tensor;

use crate::builder::Builder;
use crate::error::ModelError;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::{BatchNorm2d, Conv2d, ConvShape, Linear, add, global_average_pool, relu};

const STEM_CHANNELS: i64 = 16;
/// Width of a block's output over the width of its inner convolutions.
const EXPANSION: i64 = 4;

/// A bottleneck and its shortcut.
#[derive(Debug)]
struct Block {
    /// Before the first convolution, after the first, the second and the third.
    bns: [BatchNorm2d; 4],
    convs: [Conv2d; 3],
    stride: i64,
    /// Channels of zeros that the shortcut needs.
    lacking: i64,
}

impl Block {
    fn new(builder: &mut Builder, name: &str, channels_in: i64, width: i64, stride: i64) -> Self {
        let channels_out = width * EXPANSION;
        let bn = |builder: &mut Builder, i, channels| {
            BatchNorm2d::new(builder, &format!("{name}.bn{i}"), channels)
        };
        let conv = |builder: &mut Builder, i, channels_in, channels_out, kernel, stride| {
            let shape = ConvShape { channels_in, channels_out, kernel, stride };
            conv(builder, &format!("{name}.conv{i}"), shape)
        };
        Self {
            bns: [
                bn(builder, 1, channels_in),
                bn(builder, 2, width),
                bn(builder, 3, width),
                bn(builder, 4, channels_out),
            ],
            convs: [
                conv(builder, 1, channels_in, width, 1, 1),
                conv(builder, 2, width, width, 3, stride),
                conv(builder, 3, width, channels_out, 1, 1),
            ],
            stride,
            lacking: channels_out - channels_in,
        }
    }

    fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let [bn1, bn2, bn3, bn4] = &self.bns;
        let [conv1, conv2, conv3] = &self.convs;
        let y = conv1.forward(pass, &bn1.forward(pass, x)?)?;
        let y = conv2.forward(pass, &relu(bn2.forward(pass, &y)?)?)?;
        let y = conv3.forward(pass, &relu(bn3.forward(pass, &y)?)?)?;
        add(bn4.forward(pass, &y)?, &self.shortcut(x)?)
    }

    fn shortcut(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let x = if self.stride == 1 {
            x.shallow_clone()
        } else {
            // Rounding up, as the strided convolution does.
            let pair = [self.stride, self.stride];
            x.f_avg_pool2d(pair, pair, [0, 0], true, true, None)?
        };
        // Pairs of before and after, from the last axis on: W, H, C.
        Ok(if self.lacking == 0 { x } else { x.f_constant_pad_nd([0, 0, 0, 0, 0, self.lacking])? })
    }
}

/// The network.
#[derive(Debug)]
pub(crate) struct PyramidNet {
    stem: Conv2d,
    stem_bn: BatchNorm2d,
    blocks: Vec<Block>,
    bn: BatchNorm2d,
    linear: Linear,
}

impl PyramidNet {
    /// `blocks_per_stage` is (depth - 2) / 9.
    pub(crate) fn new(builder: &mut Builder, blocks_per_stage: u32, alpha: u32, num_classes: i64) -> Self {
        let stem_shape = ConvShape { channels_in: 3, channels_out: STEM_CHANNELS, kernel: 3, stride: 1 };
        let stem = conv(builder, "conv1", stem_shape);
        let stem_bn = BatchNorm2d::new(builder, "bn1", STEM_CHANNELS);
        let mut channels = STEM_CHANNELS;
        let widths = pyramid_net_widths(blocks_per_stage, alpha);
        let mut blocks = Vec::with_capacity(widths.len());
        for (position, width) in (0..).zip(widths) {
            let (stage, block) = (position / blocks_per_stage, position % blocks_per_stage);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", stage + 1);
            blocks.push(Block::new(builder, &name, channels, width, stride));
            channels = width * EXPANSION;
        }
        let bn = BatchNorm2d::new(builder, "bn_final", channels);
        let init = Init::torch_default(channels);
        let linear = Linear::new(builder, "fc", channels, num_classes, init, init);
        Self { stem, stem_bn, blocks, bn, linear }
    }
}

impl Module for PyramidNet {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = self.stem_bn.forward(pass, &self.stem.forward(pass, images)?)?;
        for block in &self.blocks {
            x = block.forward(pass, &x)?;
        }
        let x = relu(self.bn.forward(pass, &x)?)?;
        self.linear.forward(pass, &global_average_pool(&x)?)
    }
}

fn conv(builder: &mut Builder, name: &str, shape: ConvShape) -> Conv2d {
    let init = Init::Normal { standard_deviation: (2.0 / shape.fan_out() as f64).sqrt() };
    Conv2d::new(builder, name, shape, init)
}
