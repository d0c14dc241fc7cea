//! Paper B's thresholds: the step sizes at which SGD leaves a minimiser, in mean square and almost surely.

mod batch_size;
pub mod circle;
mod curvature_distribution;
pub mod escape;
mod log_distance;
mod lyapunov;
pub mod quadratic;
mod second_moment;
pub mod styblinski_tang;

pub use batch_size::{BatchSize, Whole};
pub use curvature_distribution::CurvatureDistribution;
pub(crate) use curvature_distribution::num_heads;
pub use log_distance::{LogDistances, SHOWN};
pub(crate) use lyapunov::{LyapunovExponent, SampledCurvature};
pub(crate) use second_moment::mean_square_threshold;
