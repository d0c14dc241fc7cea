//! Bias and variance of SAM and of gradient descent, in closed form and measured.

mod bias_variance;
pub mod kernel;
pub mod least_squares;
pub mod minibatch;
mod spectral_filter;
pub mod students;
mod trade_off;

pub use bias_variance::{
    BestStep, BiasVariance, BiasVarianceCurve, BiasVarianceEstimate, BiasVarianceRow, curves,
};
pub use trade_off::TradeOff;
