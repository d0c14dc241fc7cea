//! Flatness of the loss at the weights of runs, as plain data: what is asked, what was found, and where it is kept.
//!
//! A [`Question`](question::Question) is one measure of some weights with every setting that changes its answer. Answers lie in
//! the run directory under a digest of their question, also half-way, so that a command that is repeated, or repeated with one
//! more measure, computes what is missing.

pub mod answer;
pub mod plan;
pub mod question;
mod report;
pub mod store;

pub use polder_optim::sharpness::SpectralDensityState;
pub use polder_stats::{MeanEstimate, Moments};

pub use self::report::{OfOne, SharpnessReport, StageReport};
