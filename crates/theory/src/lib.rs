//! The papers' mathematics: landscapes, noise laws, closed forms and simulations, one module per idea.
//!
//! Simulations step a single `f64` with [`polder_optim::Sgd`] and [`polder_optim::TailAverage`]: the code whose convergence is checked
//! here against theorems is the code that trains networks.
//!
//! [`a1`] is experiment A1: the rates of SGD and averaged SGD towards the minimiser of the [`Smoothed`] objective.
//! [`c1`] is experiment C1: the mean iterate of SGD after one epoch against gradient flow on three [losses](ModifiedLoss).
//! [`d1`] and [`d2`] are experiments D1 and D2: bias and variance of SAM on [least squares](LeastSquares) and on
//! [kernel regression](KernelRegression), in closed form and measured.
//! [`d3`] is experiment D3: [minibatch SAM](MinibatchSam) regularises at least as strongly as full-batch SAM.
//! [`d4`] is experiment D4: students of a teacher network, trained by gradient descent and by SAM.

mod batch_composition;
mod bias_variance;
mod c1;
mod corrected_order;
mod d1;
mod d2;
mod d3;
mod d4;
mod draws;
mod error;
mod figure;
mod fit;
mod kernel_regression;
mod landscape;
mod least_squares;
mod matrix;
mod modified_loss;
mod noise;
mod rates;
mod simulate;
mod smoothing;
mod spectral_filter;
mod stochastic_sam;
mod symmetric_eigen;
mod teacher_student;

pub use batch_composition::CompositionRow;
pub use bias_variance::{BiasVariance, BiasVarianceCurve, BiasVarianceEstimate, BiasVarianceRow};
pub use c1::{C1Config, C1Error, C1Fit, C1Report, C1Row, c1};
pub use d1::{D1Cell, D1Config, D1Grid, D1Report, d1};
pub use d2::{D2Cell, D2Config, D2Problem, D2Report, d2};
pub use d3::{D3Bias, D3Config, D3Report, D3Row, d3};
pub use d4::{D4Comparison, D4Config, D4Report, D4Row, d4};
pub use error::TheoryError;
pub use figure::{Figure, FigureConfig};
pub use fit::{CONFIDENCE, Estimate, PowerLaw};
pub use kernel_regression::{GaussianKernel, KernelRegression};
pub use landscape::{AsymmetricValley, Landscape};
pub use least_squares::{ErrorNorm, LeastSquares};
pub use matrix::Matrix;
pub use modified_loss::{CubicLoss, MAX_ENUMERATED, ModifiedLoss};
pub use noise::{NoiseKey, UniformNoise};
pub use rates::{A1Config, A1Result, A1Row, a1};
pub use simulate::{AntitheticPair, PathSummary, Simulation, antithetic_pair, antithetic_pairs};
pub use smoothing::Smoothed;
pub use spectral_filter::SpectralFilter;
pub use stochastic_sam::MinibatchSam;
pub use symmetric_eigen::SymmetricEigen;
pub use teacher_student::{OneHiddenLayer, SquaredLoss};
