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
mod error;
pub mod keyed;
mod objective;
mod optimizer;
mod sam;
mod schedule;
mod sgd;
mod state;
mod vector;

pub use averages::{AverageConfig, Averages, Ema, TailAverage};
pub use error::OptimError;
pub use objective::{Objective, Point};
pub use optimizer::Optimizer;
pub use sam::{Sam, SamConfig};
pub use schedule::Schedule;
pub use sgd::{DecayOn, Momentum, Sgd, SgdConfig, SgdStep, WeightDecay};
pub use state::{SavedState, State};
pub use vector::Vector;
