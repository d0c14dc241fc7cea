//! The layers that networks are made of, as descriptions: what they hold is an index into the arena.

use tch::Tensor;

use crate::builder::{Builder, ParameterId, Storage};
use crate::error::ModelError;
use crate::forward::{BatchNormMode, Pass};
use crate::init::Init;

/// PyTorch's default: `new = (1 - momentum) * old + momentum * batch`.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// A convolution without bias; its weight is O,I,k,k.
#[derive(Debug)]
pub struct Conv2d {
    weight: ParameterId,
    stride: i64,
    padding: i64,
}

/// Channels in and out, kernel width and stride of a convolution; the padding keeps the size at stride 1.
#[derive(Clone, Copy, Debug)]
pub struct ConvShape {
    /// Of the input.
    pub channels_in: i64,
    /// Of the output.
    pub channels_out: i64,
    /// Width and height.
    pub kernel: i64,
    /// In both directions.
    pub stride: i64,
}

impl ConvShape {
    /// Products behind each value of the output.
    pub fn fan_in(self) -> i64 {
        self.channels_in * self.kernel * self.kernel
    }

    /// Values of the output that each value of the input takes part in, at stride 1.
    pub fn fan_out(self) -> i64 {
        self.channels_out * self.kernel * self.kernel
    }
}

impl Conv2d {
    /// Declares its parameters under `name`.
    pub fn new(builder: &mut Builder, name: &str, shape: ConvShape, init: Init) -> Self {
        let ConvShape { channels_in, channels_out, kernel, stride } = shape;
        let dims = vec![channels_out, channels_in, kernel, kernel];
        let weight = builder.parameter(format!("{name}.weight"), dims, Storage::ChannelsLast, init, true);
        Self { weight, stride, padding: kernel / 2 }
    }

    /// Applies the layer.
    ///
    /// # Errors
    /// If libtorch refuses the operation.
    pub fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let pair = |value| [value, value];
        let weight = pass.parameter(self.weight);
        Ok(x.f_conv2d(weight, None::<&Tensor>, pair(self.stride), pair(self.padding), pair(1), 1)?)
    }
}

/// Batch normalization over N, H and W with scale 1 and shift 0 at the start.
#[derive(Debug)]
pub struct BatchNorm2d {
    scale: ParameterId,
    shift: ParameterId,
    index: usize,
}

impl BatchNorm2d {
    /// Declares its parameters under `name`.
    pub fn new(builder: &mut Builder, name: &str, channels: i64) -> Self {
        let mut parameter = |part: &str, value| {
            let init = Init::Constant(value);
            builder.parameter(format!("{name}.{part}"), vec![channels], Storage::Plain, init, false)
        };
        let (scale, shift) = (parameter("weight", 1.0), parameter("bias", 0.0));
        builder.batch_norms.push((name.to_owned(), channels));
        Self { scale, shift, index: builder.batch_norms.len() - 1 }
    }

    /// Applies the layer.
    ///
    /// # Errors
    /// If libtorch refuses the operation.
    pub fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let (running_mean, running_var) = pass.running_statistics(self.index);
        let (running, training, momentum) = match pass.mode() {
            BatchNormMode::Train => (true, true, BATCH_NORM_MOMENTUM),
            BatchNormMode::Perturbed => (false, true, 0.0),
            BatchNormMode::Evaluate => (true, false, 0.0),
            // Weight 1/(i+1) for minibatch i makes the running value the plain mean over minibatches.
            BatchNormMode::Refresh { minibatch } => (true, true, 1.0 / (minibatch as f64 + 1.0)),
        };
        Ok(x.f_batch_norm(
            Some(pass.parameter(self.scale)),
            Some(pass.parameter(self.shift)),
            running.then_some(running_mean),
            running.then_some(running_var),
            training,
            momentum,
            BATCH_NORM_EPSILON,
            true,
        )?)
    }
}

/// A linear layer with bias; its weight is out,in.
#[derive(Debug)]
pub struct Linear {
    weight: ParameterId,
    bias: ParameterId,
}

impl Linear {
    /// Declares its parameters under `name`.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        features_in: i64,
        features_out: i64,
        weight: Init,
        bias: Init,
    ) -> Self {
        let dims = vec![features_out, features_in];
        Self {
            weight: builder.parameter(format!("{name}.weight"), dims, Storage::Plain, weight, true),
            bias: builder.parameter(format!("{name}.bias"), vec![features_out], Storage::Plain, bias, false),
        }
    }

    /// The product in the type of `x`; the bias is added in its own, f32 in a network, which is the type of the result.
    ///
    /// # Errors
    /// If libtorch refuses the operation.
    pub fn forward(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        let product = x.f_linear(pass.parameter(self.weight), None::<&Tensor>)?;
        let bias = pass.parameter(self.bias);
        Ok(product.f_to_kind(bias.kind())?.f_add(bias)?)
    }
}

/// A learned number.
#[derive(Debug)]
pub struct Scalar {
    value: ParameterId,
}

impl Scalar {
    /// Declares its parameters under `name`.
    pub fn new(builder: &mut Builder, name: &str, at_start: f32) -> Self {
        let init = Init::Constant(at_start);
        Self { value: builder.parameter(name.to_owned(), Vec::new(), Storage::Plain, init, false) }
    }

    /// `x` times the number, in the type of `x`.
    ///
    /// # Errors
    /// If libtorch refuses the operation.
    pub fn times(&self, pass: &Pass<'_>, x: &Tensor) -> Result<Tensor, ModelError> {
        Ok(x.f_mul(pass.parameter(self.value))?)
    }
}

/// ReLU in the place of `x`: the same values without a tensor of their own.
///
/// Nobody may read `x` afterwards, a shortcut neither, and no layer may need it for its gradient: what a convolution, a sum
/// or BN returns is such a tensor. libtorch refuses to differentiate where a gradient needs what was overwritten; that
/// nobody else reads it is for the caller to see to.
///
/// # Errors
/// If libtorch refuses the operation.
pub fn relu(mut x: Tensor) -> Result<Tensor, ModelError> {
    Ok(x.f_relu_()?)
}

/// `x + other` in the place of `x`, under the condition of [`relu`].
///
/// # Errors
/// If libtorch refuses the operation.
pub fn add(mut x: Tensor, other: &Tensor) -> Result<Tensor, ModelError> {
    Ok(x.f_add_(other)?)
}

/// The mean over H and W: N,C,H,W to N,C.
///
/// # Errors
/// If libtorch refuses the operation.
pub fn global_average_pool(x: &Tensor) -> Result<Tensor, ModelError> {
    Ok(x.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, 3)?)
}
