//! What signals ask for: SIGINT and SIGTERM for a checkpoint and an end, SIGUSR2 for a checkpoint alone.
//!
//! A second SIGINT or SIGTERM ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR2};
use signal_hook::flag;

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static CHECKPOINT: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on, signals are noted.
pub(crate) fn watch() -> anyhow::Result<()> {
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the conditional one sees the state that earlier signals left.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .with_context(|| format!("cannot watch for signal {signal}"))?;
    }
    let checkpoint = Arc::clone(CHECKPOINT.get_or_init(Arc::default));
    flag::register(SIGUSR2, checkpoint).with_context(|| format!("cannot watch for signal {SIGUSR2}"))?;
    Ok(())
}

/// Whether the user, or the batch system, wants the program to stop.
pub(crate) fn requested() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// Whether any signal waits for an answer.
pub(crate) fn pending() -> bool {
    requested() || CHECKPOINT.get().is_some_and(|checkpoint| checkpoint.load(Ordering::Relaxed))
}

/// Whether a checkpoint was asked for since the last call.
pub(crate) fn take_checkpoint_request() -> bool {
    CHECKPOINT.get().is_some_and(|checkpoint| checkpoint.swap(false, Ordering::Relaxed))
}

/// From inside the program: as SIGTERM.
pub(crate) fn request_stop() {
    STOP.get_or_init(Arc::default).store(true, Ordering::Relaxed);
}

/// From inside the program: as SIGUSR2.
pub(crate) fn request_checkpoint() {
    CHECKPOINT.get_or_init(Arc::default).store(true, Ordering::Relaxed);
}
