//! WideResNet-depth-widening without BN: each residual branch ends in a learned scalar that is 0 at the start.
//!
//! SkipInit, De and Smith (2020), arXiv:2002.10444, on the units of Zagoruyko and Komodakis; convolutions have no bias.
//! At the start every unit is its shortcut: the identity, or a ReLU and a 1x1 convolution where the width or the size
//! changes. Initial values are chosen here, as those of Smith et al. (2021) are not known: convolutions
//! N(0, 2 / fan_in), which keeps the second moment from unit to unit, the linear layer U(-1/sqrt(fan_in),
//! 1/sqrt(fan_in)), its bias 0.

use polder_architecture::UnitShape;
use tch::Tensor;

use crate::builder::Builder;
use crate::error::ModelError;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::{Conv2d, ConvShape, Linear, Scalar, add, global_average_pool, relu};

/// ReLU, 3x3, ReLU, 3x3, the scalar, and a shortcut.
#[derive(Debug)]
struct Unit {
    conv1: Conv2d,
    conv2: Conv2d,
    gain: Scalar,
    projection: Option<Conv2d>,
}

impl Unit {
    fn new(builder: &mut Builder, shape: UnitShape) -> Self {
        let UnitShape { group, index, channels_in, channels_out, stride } = shape;
        let name = format!("group{group}.{index}");
        let conv1 = conv(builder, &format!("{name}.conv1"), channels_in, channels_out, 3, stride);
        let conv2 = conv(builder, &format!("{name}.conv2"), channels_out, channels_out, 3, 1);
        let gain = Scalar::new(builder, &format!("{name}.skipinit_gain"), 0.0);
        let projection = shape
            .projects()
            .then(|| conv(builder, &format!("{name}.shortcut"), channels_in, channels_out, 1, stride));
        Self { conv1, conv2, gain, projection }
    }

    fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        // Not in its place: the shortcut adds `x` itself.
        let activated = x.f_relu()?;
        let y = relu(self.conv1.forward(pass, &activated)?)?;
        let y = self.gain.times(pass, &self.conv2.forward(pass, &y)?)?;
        match &self.projection {
            Some(projection) => add(y, &projection.forward(pass, &activated)?),
            None => add(y, x),
        }
    }
}

/// The network.
#[derive(Debug)]
pub(crate) struct SkipInit {
    stem: Conv2d,
    units: Vec<Unit>,
    linear: Linear,
}

impl SkipInit {
    /// `units_per_group` is (depth - 4) / 6.
    pub(crate) fn new(builder: &mut Builder, units_per_group: u32, widening: i64, num_classes: i64) -> Self {
        let stem = conv(builder, "conv1", 3, UnitShape::STEM_CHANNELS, 3, 1);
        let shapes = UnitShape::all(units_per_group, widening);
        let channels = shapes.last().map_or(UnitShape::STEM_CHANNELS, |shape| shape.channels_out);
        let units = shapes.into_iter().map(|shape| Unit::new(builder, shape)).collect();
        let weight = Init::torch_default(channels);
        let linear = Linear::new(builder, "linear", channels, num_classes, weight, Init::Constant(0.0));
        Self { stem, units, linear }
    }
}

impl Module for SkipInit {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = self.stem.forward(pass, images)?;
        for unit in &self.units {
            x = unit.forward(pass, &x)?;
        }
        self.linear.forward(pass, &global_average_pool(&relu(x)?)?)
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
    let init = Init::Normal { standard_deviation: (2.0 / shape.fan_in() as f64).sqrt() };
    Conv2d::new(builder, name, shape, init)
}
