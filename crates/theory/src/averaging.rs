//! SGD with noise on one-dimensional landscapes: where its iterates end and where their average does.

mod histogram;
pub mod kink;
pub mod minima;
pub mod rates;
mod short_runs;

pub use short_runs::{ShortRuns, ShortRunsConfig};
