//! Memory of this process, as Linux counts it.

use std::fs;

/// Bytes that are resident now.
pub(super) fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most bytes that were resident since the last [`forget_peak`].
pub(super) fn peak() -> Option<u64> {
    status("VmHWM:")
}

/// Begins to count the peak anew. Without effect where the system does not offer it: the peak is then that of the whole
/// process.
pub(super) fn forget_peak() {
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
