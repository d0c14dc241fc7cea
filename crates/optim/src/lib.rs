//! SGD, SAM, averaging and schedules as algebra on any vector space.
//!
//! An optimizer here knows vectors ([`Vector`]) and a function to minimise ([`Objective`]), and neither tensors nor data nor models. The
//! same [`Sgd`] steps an `f64` on a one-dimensional toy, where its convergence is checked against a theorem, and the flat parameter
//! buffer of a network.
//!
//! * [`Sgd`], [`Sam`], and [`Optimizer`], the choice between them;
//! * [`Averages`]: [`TailAverage`] and [`Ema`] of one trajectory, several at once;
//! * [`Schedule`]: learning rates as a pure function of time;
//! * [`State`] and [`SavedState`]: everything that must be stored to continue bit for bit.
//!
//! # Example
//!
//! Averaged SGD on `f(w) = w0^2 / 2 + 3 w1^2 / 2`, seen through gradients that are off by +1 and -1 in turn: the iterate ends off
//! the minimum, the average on it.
//!
//! ```
//! use polder_optim::{OptimError, Point, Sgd, SgdConfig, TailAverage};
//!
//! let mut noise = 1.0;
//! let mut objective = |w: &Vec<f64>, _at: Point, gradient: &mut Vec<f64>| {
//!     noise = -noise;
//!     (gradient[0], gradient[1]) = (w[0] + noise, 3.0 * w[1] + noise);
//!     Ok(0.5 * w[0] * w[0] + 1.5 * w[1] * w[1])
//! };
//!
//! let mut sgd = Sgd::new(SgdConfig::default())?;
//! let mut average = TailAverage::new(500); // The first 500 of 1000 steps are burn-in.
//! let (mut iterate, mut gradient) = (vec![1.0, 1.0], vec![0.0, 0.0]);
//! for step in 0..1000 {
//!     sgd.step(&mut objective, &mut iterate, &mut gradient, 0.1)?;
//!     average.update(step, &iterate);
//! }
//!
//! let distance = |w: &[f64]| w.iter().map(|x| x * x).sum::<f64>().sqrt();
//! assert!(distance(&iterate) > 0.05);
//! assert!(average.get().is_some_and(|average| distance(average) < 1e-12));
//! # Ok::<(), OptimError>(())
//! ```

mod averages;
mod clip;
mod entries;
mod error;
mod euler_steps;
mod gradient_penalty;
mod hessian_vector;
pub mod keyed;
mod momentum;
mod objective;
mod optimizer;
mod sam;
mod schedule;
mod scratch;
mod sgd;
mod state;
mod vector;
mod weight_decay;

pub use averages::{AverageConfig, Averages, Ema, Swa, TailAverage, WindowAverage};
pub use clip::clip_norm;
pub use entries::{DecayOn, Entries};
pub use error::OptimError;
pub use euler_steps::{EulerSteps, EulerStepsConfig};
pub use gradient_penalty::{GradientPenalty, GradientPenaltyConfig};
pub use hessian_vector::{FiniteDifference, HessianVector};
pub use momentum::Momentum;
pub use objective::{Objective, Point};
pub use optimizer::Optimizer;
pub use sam::{Ascent, AscentDecay, Sam, SamConfig};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdConfig, SgdStep};
pub use state::{SavedState, State};
pub use vector::Vector;
pub use weight_decay::WeightDecay;
