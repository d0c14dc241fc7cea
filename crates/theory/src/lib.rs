//! The papers' mathematics: landscapes, noise laws, closed forms and simulations, one module per idea.
//!
//! Simulations step a single `f64` with [`polder_optim::Sgd`] and [`polder_optim::TailAverage`]: the code whose convergence is checked
//! here against theorems is the code that trains networks.
//!
//! [`a1`] is experiment A1: the rates of SGD and averaged SGD towards the minimiser of the [`Smoothed`] objective.

mod error;
mod figure;
mod fit;
mod landscape;
mod noise;
mod rates;
mod simulate;
mod smoothing;

pub use error::TheoryError;
pub use figure::{Figure, FigureConfig};
pub use fit::{CONFIDENCE, Estimate, PowerLaw};
pub use landscape::{AsymmetricValley, Landscape};
pub use noise::{NoiseKey, UniformNoise};
pub use rates::{A1Config, A1Result, A1Row, a1};
pub use simulate::{AntitheticPair, PathSummary, Simulation, antithetic_pair, antithetic_pairs};
pub use smoothing::Smoothed;
