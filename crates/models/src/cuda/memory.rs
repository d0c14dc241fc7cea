//! Memory of a CUDA device, as libtorch's allocator counts it.

use std::ffi::c_int;

use tch::Device;

use crate::cuda::shim::shim;
use crate::error::ModelError;

/// Bytes on a CUDA device that this process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMemory {
    /// In tensors, now.
    pub allocated: u64,
    /// In tensors, at most since [`DeviceMemory::reset_peak`].
    pub peak_allocated: u64,
    /// Taken from the driver, now; what is not in tensors is kept for the next ones.
    pub reserved: u64,
    /// Taken from the driver, at most since [`DeviceMemory::reset_peak`].
    pub peak_reserved: u64,
}

impl DeviceMemory {
    /// Of `device`; `None` if it is not a CUDA device.
    ///
    /// # Errors
    /// [`ModelError::CudaShim`] without libpolder_cuda.so, which alone can tell.
    pub fn of(device: Device) -> Result<Option<Self>, ModelError> {
        let Some(index) = index(device) else { return Ok(None) };
        let [allocated, peak_allocated, reserved, peak_reserved] =
            shim()?.memory(index)?.map(|bytes| bytes.max(0) as u64);
        Ok(Some(Self { allocated, peak_allocated, reserved, peak_reserved }))
    }

    /// Counts the peaks anew from what is allocated now; nothing happens on another device than CUDA.
    ///
    /// # Errors
    /// [`ModelError::CudaShim`] without libpolder_cuda.so.
    pub fn reset_peak(device: Device) -> Result<(), ModelError> {
        match index(device) {
            Some(index) => shim()?.reset_peak_memory(index),
            None => Ok(()),
        }
    }
}

/// The number of a CUDA device.
pub(crate) fn index(device: Device) -> Option<c_int> {
    match device {
        Device::Cuda(index) => c_int::try_from(index).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_no_device_memory() {
        assert_eq!(DeviceMemory::of(Device::Cpu).unwrap(), None);
        assert!(DeviceMemory::reset_peak(Device::Cpu).is_ok());
    }
}
