//! The papers' mathematics as a library: landscapes, closed forms and simulations.
//!
//! The simulations step a single `f64`, or a small vector, with the optimizers of [`polder_optim`]: the code whose convergence is checked
//! here against theorems is the code that trains networks. Each simulation is a module with a `Config`, a `Report` and a function `run`.
//!
//! | paper | module | question |
//! |---|---|---|
//! | A | [`averaging::rates`] (A1) | at which rates SGD and its average approach the minimiser of the [`Smoothed`] objective |
//! | A | [`averaging::minima`] (A2) | which of a sharp and a flat minimum they end at |
//! | A | [`averaging::kink`] (A3) | a negative control: a kink breaks the rate of the average |
//! | B | [`thresholds::quadratic`] (B1) | the step sizes at which SGD leaves a minimiser, in mean square and almost surely |
//! | B | [`thresholds::circle`], [`thresholds::styblinski_tang`] (B2, B3) | the same on sums with a sharp and a flat minimum |
//! | C | [`modified_loss`] (C1) | the mean iterate of SGD after one epoch against gradient flow on three losses |
//! | D | [`sam::least_squares`], [`sam::kernel`] (D1, D2) | bias and variance of SAM, in closed form and measured |
//! | D | [`sam::minibatch`] (D3) | minibatch SAM regularises at least as strongly as full-batch SAM |
//! | D | [`sam::students`] (D4) | students of a teacher network, trained by gradient descent and by SAM |

mod agreement;
pub mod averaging;
mod bisection;
mod draws;
mod error;
mod exponential;
mod landscape;
mod lanes;
mod matrix;
pub mod modified_loss;
mod noise;
pub mod sam;
mod setting;
mod simulate;
mod smoothing;
mod symmetric_eigen;
pub mod thresholds;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use agreement::Agreement;
pub use error::TheoryError;
pub use landscape::{AsymmetricValley, KinkedValley, Landscape, TwoBasins, Valley};
pub use simulate::{AntitheticPair, PathSummary, Simulation, antithetic_pairs, single_paths};
pub use smoothing::Smoothed;
