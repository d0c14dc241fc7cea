//! Paper B's thresholds: the step sizes at which SGD leaves a minimiser, in mean square and almost surely.

mod batch_size;
pub mod circle;
mod curvature_law;
pub mod escape;
mod log_distance;
mod lyapunov;
pub mod quadratic;
mod second_moment;
pub mod styblinski_tang;

pub use batch_size::{BatchSize, Whole};
pub use curvature_law::CurvatureLaw;
pub(crate) use curvature_law::num_heads;
pub use log_distance::{LogDistances, SHOWN};
pub(crate) use lyapunov::{LyapunovExponent, SampledLaw};
pub(crate) use second_moment::mean_square_threshold;
