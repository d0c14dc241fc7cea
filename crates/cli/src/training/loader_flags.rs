//! The flags that say how a loader works. Neither changes a number.

use std::ffi::OsString;

use polder_train::run_feeds::LoaderOptions;

/// How a loader works.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LoaderFlags {
    /// Augmentation threads; the results are the same for any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Minibatches that each worker prepares ahead; the results are the same for any number
    #[arg(long, alias = "queue", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    prefetch: u16,
}

impl LoaderFlags {
    pub(crate) fn options(self) -> LoaderOptions {
        LoaderOptions { workers: usize::from(self.workers), prefetch: usize::from(self.prefetch) }
    }

    /// The same flags for another process.
    pub(crate) fn arguments(self) -> [OsString; 4] {
        let Self { workers, prefetch } = self;
        ["--workers".into(), workers.to_string().into(), "--prefetch".into(), prefetch.to_string().into()]
    }
}
