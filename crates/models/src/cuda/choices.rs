//! What CUDA leaves to choose: the arithmetic of products in f32, and which algorithms compute them.

use crate::cuda::shim::shim;
use crate::error::ModelError;

/// How CUDA computes. Everything that libtorch leaves open on CUDA is chosen here and nowhere else.
///
/// * TF32 is off unless asked for: `precision = "f32"` means f32. libtorch's own default is off in matrix products and
///   on in cuDNN's convolutions.
/// * cuDNN's benchmark mode is on: the first minibatch of each shape tries the algorithms and the fastest stays. Two
///   processes may choose differently, and some algorithms add in an order that varies, so runs on CUDA are equal to
///   rounding and not to the bit.
/// * With deterministic algorithms the benchmark mode is off, cuDNN and cuBLAS are held to algorithms that repeat
///   themselves to the bit on the same GPU and libraries, and an operation that has none fails.
///
/// In bf16, TF32 changes nothing but the few products that are in f32. None of this has been run on a GPU yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CudaChoices {
    /// Products of f32 may be computed in TF32, which has 10 bits of mantissa instead of 23.
    pub tf32: bool,
    /// Algorithms that repeat themselves to the bit, and no others.
    pub deterministic: bool,
}

impl CudaChoices {
    /// Whether cuDNN tries its algorithms and keeps the fastest.
    pub fn cudnn_benchmark(self) -> bool {
        !self.deterministic
    }

    /// Makes the choices for this process, after [`cuda`](crate::cuda()) and before the first product.
    ///
    /// # Errors
    /// [`ModelError::CudaShim`] without libpolder_cuda.so if anything but the defaults is asked for. The defaults are
    /// then what libtorch offers by itself: benchmark mode on, TF32 in cuDNN's convolutions.
    pub fn apply(self) -> Result<(), ModelError> {
        tch::Cuda::cudnn_set_benchmark(self.cudnn_benchmark());
        match shim() {
            Ok(shim) => {
                shim.set_tf32(self.tf32)?;
                shim.set_deterministic(self.deterministic)
            }
            Err(_) if self == Self::default() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_shim_only_the_defaults_can_be_chosen() {
        if shim().is_ok() {
            eprintln!("skipped: this machine has libpolder_cuda.so");
            return;
        }
        assert!(CudaChoices::default().apply().is_ok());
        for choices in [
            CudaChoices { tf32: true, deterministic: false },
            CudaChoices { tf32: false, deterministic: true },
        ] {
            let error = choices.apply().unwrap_err().to_string();
            assert!(error.contains("libpolder_cuda.so") && error.contains("cargo xtask setup"), "{error}");
        }
    }
}
