//! What the process is asked for while it works: to write a checkpoint and stop, or to write a checkpoint and go on.
//!
//! Nobody is asked unless the program calls [`listen`], for example with flags that signals set.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Flags that somebody else sets.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Write a checkpoint and stop.
    pub stop: Arc<AtomicBool>,
    /// Write a checkpoint and go on; lowered when it is seen.
    pub checkpoint: Arc<AtomicBool>,
}

static REQUESTS: OnceLock<Requests> = OnceLock::new();

/// From now on this process follows `requests`; only the first call counts.
pub fn listen(requests: Requests) {
    let _ = REQUESTS.set(requests);
}

/// The user stopped the work before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether `error` comes from [`Interrupted`].
pub fn caused(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<Interrupted>)
}

/// For work that loses nothing when it stops.
///
/// # Errors
/// [`Interrupted`] once work should stop.
pub fn heed() -> Result<(), Interrupted> {
    if requested() { Err(Interrupted) } else { Ok(()) }
}

/// Whether work should stop.
pub fn requested() -> bool {
    REQUESTS.get().is_some_and(|requests| requests.stop.load(Ordering::Relaxed))
}

/// Whether work should stop or a checkpoint should be written.
pub fn pending() -> bool {
    requested() || REQUESTS.get().is_some_and(|requests| requests.checkpoint.load(Ordering::Relaxed))
}

/// Whether a checkpoint was asked for since the last call.
pub fn take_checkpoint_request() -> bool {
    REQUESTS.get().is_some_and(|requests| requests.checkpoint.swap(false, Ordering::Relaxed))
}
