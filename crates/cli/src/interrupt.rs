//! What signals ask for: SIGINT and SIGTERM for a checkpoint and an end, SIGUSR2 for a checkpoint alone.
//!
//! A second SIGINT or SIGTERM ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR2};
use signal_hook::flag;

static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static CHECKPOINT: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on, signals are noted.
pub(crate) fn watch() -> anyhow::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the conditional one sees the state that earlier signals left.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&STOP))
            .and_then(|_| flag::register(signal, Arc::clone(&STOP)))
            .with_context(|| format!("cannot watch for signal {signal}"))?;
    }
    flag::register(SIGUSR2, Arc::clone(&CHECKPOINT))
        .with_context(|| format!("cannot watch for signal {SIGUSR2}"))?;
    #[cfg(feature = "training")]
    polder_train::interrupt::listen(polder_train::interrupt::Requests {
        stop: Arc::clone(&STOP),
        checkpoint: Arc::clone(&CHECKPOINT),
    });
    Ok(())
}

/// Whether the user, or the batch system, wants the program to stop.
pub(crate) fn requested() -> bool {
    STOP.load(Ordering::Relaxed)
}

#[cfg(feature = "training")]
/// Whether a checkpoint was asked for since the last call.
pub(crate) fn take_checkpoint_request() -> bool {
    CHECKPOINT.swap(false, Ordering::Relaxed)
}

#[cfg(feature = "training")]
/// From inside the program: as SIGTERM.
pub(crate) fn request_stop() {
    STOP.store(true, Ordering::Relaxed);
}

#[cfg(feature = "training")]
/// From inside the program: as SIGUSR2.
pub(crate) fn request_checkpoint() {
    CHECKPOINT.store(true, Ordering::Relaxed);
}
