//! What becomes of memory that a step has freed.

/// From this size on memory goes back to the system as soon as it is freed.
///
/// Pieces that are kept leave gaps that the next step does not fill exactly, the largest of them the widest: with all of
/// them kept, a network needs more memory at its peak than under PyTorch. Of a WRN-16-4 or a ResNet-18 with batches of 128
/// only the activations at full resolution are that large.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const RETURNED_FROM: libc::c_int = 32 << 20;

/// Has the allocator keep freed memory for the next step rather than return it to the system.
///
/// libtorch allocates and frees all activations in every step. The allocator of glibc gives large pieces back at once,
/// and the system has to clear them anew page by page, which can be a tenth of the step of a small network. A process that trains
/// needs as much memory in its next step as in its last. To be called before the first network exists; does nothing
/// where another allocator is in use.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a setting of the C library")]
    // SAFETY: mallopt takes two numbers and changes thresholds of the allocator, which every thread may do at any time.
    unsafe {
        // Never returned from the top of the heap.
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, RETURNED_FROM);
    }
}
