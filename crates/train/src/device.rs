//! Where a network computes, and how.

use polder_models::CudaChoices;
use tch::Device;

/// A device, and what is chosen on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    Cpu,
    Cuda(CudaChoices),
}

impl Placement {
    /// Makes the device usable, as chosen; before any other call into libtorch.
    pub fn open(self) -> anyhow::Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(choices) => {
                let device = polder_models::cuda()?;
                warn_of_missing_extras();
                choices.apply()?;
                Ok(device)
            }
        }
    }

    /// What is chosen on CUDA.
    pub fn cuda(self) -> Option<CudaChoices> {
        match self {
            Self::Cpu => None,
            Self::Cuda(choices) => Some(choices),
        }
    }
}

/// Says once what is off where libpolder_cuda.so is not there.
fn warn_of_missing_extras() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    if let Err(error) = polder_models::cuda_extras() {
        ONCE.call_once(|| {
            tracing::warn!(
                "{error}; without it --tf32, --deterministic, --cuda-graphs and memory figures are off, and \
                 convolutions in f32 are computed in TF32 (NVIDIA_TF32_OVERRIDE=0 prevents that)"
            );
        });
    }
}
