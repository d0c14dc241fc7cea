//! Memory that a network needs: of this process, as Linux counts it, or of a GPU, as libtorch does.

use std::fs;

use polder_models::DeviceMemory;
use tch::Device;

/// A peak that is being watched, above what was there when it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    device: Device,
    before: Option<u64>,
}

impl Peak {
    /// Before the network exists.
    pub(super) fn begin(device: Device) -> Self {
        let before = if device.is_cuda() {
            // Without libpolder_cuda.so nobody can tell, of which there was a warning when the device was opened.
            DeviceMemory::reset_peak(device)
                .and_then(|()| DeviceMemory::of(device))
                .ok()
                .flatten()
                .map(|memory| memory.allocated)
        } else {
            let before = resident();
            forget_peak();
            before
        };
        Self { device, before }
    }

    /// Bytes above what was there; `None` where the system does not say, or libpolder_cuda.so is not there to say it.
    pub(super) fn bytes(self) -> Option<u64> {
        let peak = if self.device.is_cuda() {
            DeviceMemory::of(self.device).ok().flatten().map(|memory| memory.peak_allocated)
        } else {
            peak()
        };
        peak.zip(self.before).map(|(peak, before)| peak.saturating_sub(before))
    }
}

/// Bytes that are resident now.
fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most bytes that were resident since the last [`forget_peak`].
fn peak() -> Option<u64> {
    status("VmHWM:")
}

/// Begins to count the peak anew. Without effect where the system does not offer it: the peak is then that of the whole
/// process.
fn forget_peak() {
    // Documented in proc(5): 5 resets the peak.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| 1024 * kibibytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_at_least_what_is_resident_and_remembers_what_was_freed() {
        forget_peak();
        let before = peak().unwrap();
        let large = vec![1_u8; 64 << 20];
        assert!(large.iter().map(|&byte| u64::from(byte)).sum::<u64>() == 64 << 20);
        drop(large);
        let after = peak().unwrap();
        assert!(after >= before + (60 << 20) && after >= resident().unwrap(), "{before} {after}");
    }
}
