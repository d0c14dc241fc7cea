//! What the program says about itself while it runs: messages on stderr, and a trace of all spans for Perfetto.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::filter::{DynFilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Spans are written only while this is set; a command that measures clears it for as long as it does.
static RECORDING: AtomicBool = AtomicBool::new(true);

/// Starts both; the trace is complete when the guard is dropped.
///
/// Without a trace no span is ever enabled by it: a span then costs one load and one branch.
///
/// # Errors
/// If `filter` is not one, or `file` cannot be made.
pub(crate) fn start(filter: &str, file: Option<&Path>) -> anyhow::Result<Option<FlushGuard>> {
    let messages = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_filter(EnvFilter::try_new(filter)?);
    let registry = tracing_subscriber::registry().with(messages);
    let Some(path) = file else {
        registry.init();
        return Ok(None);
    };
    let writer =
        File::create(path).with_context(|| format!("cannot write the trace `{}`", path.display()))?;
    let (spans, guard) =
        ChromeLayerBuilder::new().writer(writer).include_args(true).include_locations(false).build();
    // A dynamic filter is asked at every span, so that recording can pause.
    let ours = DynFilterFn::new(|metadata, _| {
        RECORDING.load(Ordering::Relaxed) && metadata.target().starts_with("polder")
    });
    registry.with(spans.with_filter(ours.with_max_level_hint(LevelFilter::TRACE))).init();
    Ok(Some(guard))
}

/// Writes spans, if there is a trace, or leaves them out, from now on.
pub(crate) fn record(recording: bool) {
    RECORDING.store(recording, Ordering::Relaxed);
}
