//! The ceilings: floating-point operations per second of a large matrix product, which no network exceeds, and bytes per
//! second of a copy, which no optimizer does.

use std::time::Instant;

use tch::{Device, Kind, Tensor};

/// Two square matrices, large enough that starting the product costs nothing beside it.
pub(super) struct Ceiling {
    left: Tensor,
    right: Tensor,
    size: i64,
}

impl Ceiling {
    pub(super) fn new(kind: Kind, device: Device) -> anyhow::Result<Self> {
        let size = if device.is_cuda() { 8192 } else { 2048 };
        // A GPU draws less power for equal values and then computes faster than any network can make it.
        let values = |stretch: f64| {
            let index = Tensor::f_arange(size * size, (Kind::Float, device))?;
            index.f_mul_scalar(stretch)?.f_sin()?.f_to_kind(kind)?.f_view([size, size])
        };
        Ok(Self { left: values(0.7)?, right: values(1.3)?, size })
    }

    /// Operations per second of one product, an addition and a multiplication being two.
    pub(super) fn measure(&self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let product = tch::no_grad(|| self.left.f_matmul(&self.right))?;
        // Reading an entry waits for the device.
        product.f_double_value(&[0, 0])?;
        Ok(2.0 * (self.size as f64).powi(3) / begun.elapsed().as_secs_f64())
    }
}

/// Vectors as long as the weights, as many as an update of the weights and averages touches.
pub(super) struct Copies(Vec<Tensor>);

impl Copies {
    pub(super) fn new(count: usize, like: &Tensor) -> anyhow::Result<Self> {
        Ok(Self((0..count).map(|_| like.f_zeros_like()).collect::<Result<_, _>>()?))
    }

    /// Bytes read or written per second when each vector is copied to the next.
    pub(super) fn measure(&self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let mut bytes = 0;
        for (from, to) in self.0.iter().zip(self.0.iter().cycle().skip(1)) {
            tch::no_grad(|| to.shallow_clone().f_copy_(from).map(drop))?;
            bytes += 2 * from.numel() * from.kind().elt_size_in_bytes();
        }
        // Reading an entry waits for the device.
        self.0[0].f_double_value(&[0])?;
        Ok(bytes as f64 / begun.elapsed().as_secs_f64())
    }
}
