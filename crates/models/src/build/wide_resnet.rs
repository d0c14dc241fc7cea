//! WideResNet-depth-widening: BN and ReLU before each convolution, three groups of widths 16 k, 32 k and 64 k.
//!
//! Zagoruyko and Komodakis (2016), arXiv:1605.07146, without dropout. Where the width or the size changes, the
//! unit's first BN and ReLU feed both the residual branch and a 1x1 convolution; elsewhere the shortcut is the
//! identity. Names and initial values as in the code of Nitanda et al. (2023): convolutions N(0, 0.4 / fan_out), that
//! is `kaiming_normal_` with a = 2 and fan-out; the linear weight U(-1/sqrt(K), 1/sqrt(K)), its bias 0.

use polder_architecture::UnitShape;
use tch::Tensor;

use crate::builder::Builder;
use crate::error::ModelError;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::{BatchNorm2d, Conv2d, ConvShape, Linear, add, global_average_pool, relu};

/// BN, ReLU, 3x3, BN, ReLU, 3x3, and a shortcut.
#[derive(Debug)]
struct Unit {
    bn1: BatchNorm2d,
    conv1: Conv2d,
    bn2: BatchNorm2d,
    conv2: Conv2d,
    projection: Option<Conv2d>,
}

impl Unit {
    fn new(builder: &mut Builder, shape: UnitShape) -> Self {
        let UnitShape { group, index, channels_in, channels_out, stride } = shape;
        let unit = format!("f.{group}_block.block.{index}");
        // Layers are numbered within the branch, where a projecting unit's first BN and ReLU do not belong to.
        let [bn1, conv1, bn2, conv2] = if shape.projects() {
            [
                "norm_act.0_normalization",
                "block.0_convolution",
                "block.1_normalization",
                "block.4_convolution",
            ]
        } else {
            ["block.0_normalization", "block.2_convolution", "block.3_normalization", "block.6_convolution"]
        }
        .map(|layer| format!("{unit}.{layer}"));
        Self {
            bn1: BatchNorm2d::new(builder, &bn1, channels_in),
            conv1: conv(builder, &conv1, channels_in, channels_out, 3, stride),
            bn2: BatchNorm2d::new(builder, &bn2, channels_out),
            conv2: conv(builder, &conv2, channels_out, channels_out, 3, 1),
            projection: shape
                .projects()
                .then(|| conv(builder, &format!("{unit}.downsample"), channels_in, channels_out, 1, stride)),
        }
    }

    fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let activated = relu(self.bn1.forward(pass, x)?)?;
        let y = self.conv1.forward(pass, &activated)?;
        let y = self.conv2.forward(pass, &relu(self.bn2.forward(pass, &y)?)?)?;
        match &self.projection {
            Some(projection) => add(y, &projection.forward(pass, &activated)?),
            None => add(y, x),
        }
    }
}

/// The network.
#[derive(Debug)]
pub(crate) struct WideResNet {
    stem: Conv2d,
    units: Vec<Unit>,
    bn: BatchNorm2d,
    linear: Linear,
}

impl WideResNet {
    /// `units_per_group` is (depth - 4) / 6; the code that Nitanda et al. released has one more for WRN-28-10.
    pub(crate) fn new(builder: &mut Builder, units_per_group: u32, widening: i64, num_classes: i64) -> Self {
        let stem = conv(builder, "f.0_convolution", 3, UnitShape::STEM_CHANNELS, 3, 1);
        let shapes = UnitShape::all(units_per_group, widening);
        let channels = shapes.last().map_or(UnitShape::STEM_CHANNELS, |shape| shape.channels_out);
        let units = shapes.into_iter().map(|shape| Unit::new(builder, shape)).collect();
        let bn = BatchNorm2d::new(builder, "f.4_normalization", channels);
        let weight = Init::Uniform { bound: 1.0 / (num_classes as f64).sqrt() };
        let linear =
            Linear::new(builder, "f.8_classification", channels, num_classes, weight, Init::Constant(0.0));
        Self { stem, units, bn, linear }
    }
}

impl Module for WideResNet {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = self.stem.forward(pass, images)?;
        for unit in &self.units {
            x = unit.forward(pass, &x)?;
        }
        let x = relu(self.bn.forward(pass, &x)?)?;
        self.linear.forward(pass, &global_average_pool(&x)?)
    }
}

fn conv(
    builder: &mut Builder,
    name: &str,
    channels_in: i64,
    channels_out: i64,
    kernel: i64,
    stride: i64,
) -> Conv2d {
    let shape = ConvShape { channels_in, channels_out, kernel, stride };
    let init = Init::Normal { standard_deviation: (0.4 / shape.fan_out() as f64).sqrt() };
    Conv2d::new(builder, name, shape, init)
}
