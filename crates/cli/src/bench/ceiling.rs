//! The ceiling: floating-point operations per second of a large matrix product, which no network exceeds.

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
        // The values do not change the time; ones cannot overflow.
        let ones = || Tensor::f_ones([size, size], (kind, device));
        Ok(Self { left: ones()?, right: ones()?, size })
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
