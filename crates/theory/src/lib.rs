//! The papers' mathematics: landscapes, noise laws, closed forms and simulations, one module per idea.
//!
//! Simulations step a single `f64` with [`polder_optim::Sgd`] and [`polder_optim::TailAverage`]: the code whose convergence is checked
//! here against theorems is the code that trains networks.
//!
//! [`a1`] is experiment A1: the rates of SGD and averaged SGD towards the minimiser of the [`Smoothed`] objective.
//! [`a2`] is experiment A2: which of a sharp and a flat minimum they end at.
//! [`a3`] is experiment A3, a negative control: a kink breaks the rate of the average.
//! [`b1`] is experiment B1: the step sizes at which SGD leaves a minimiser, in mean square and almost surely.
//! [`b2`] and [`b3`] show both on sums of components with a sharp and a flat minimum.
//! [`c1`] is experiment C1: the mean iterate of SGD after one epoch against gradient flow on three [losses](ModifiedLoss).
//! [`d1`] and [`d2`] are experiments D1 and D2: bias and variance of SAM on [least squares](LeastSquares) and on
//! [kernel regression](KernelRegression), in closed form and measured.
//! [`d3`] is experiment D3: [minibatch SAM](MinibatchSam) regularises at least as strongly as full-batch SAM.
//! [`d4`] is experiment D4: students of a teacher network, trained by gradient descent and by SAM.

mod agreement;
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
mod escape;
mod exhibit;
mod exponential;
mod fit;
mod histogram;
mod kernel_regression;
mod kinked_rates;
mod landscape;
mod lanes;
mod least_squares;
mod log_distance;
mod matrix;
mod modified_loss;
mod noise;
mod proportion;
mod quadratic_circle;
mod rates;
mod sharp_and_flat;
mod short_runs;
mod simulate;
mod simultaneous;
mod smoothing;
mod spectral_filter;
mod stochastic_quadratic;
mod stochastic_sam;
mod styblinski_tang;
mod symmetric_eigen;
mod teacher_student;
mod thresholds;
mod trade_off;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use agreement::Agreement;
pub use batch_composition::CompositionRow;
pub use bias_variance::{BestStep, BiasVariance, BiasVarianceCurve, BiasVarianceEstimate, BiasVarianceRow};
pub use c1::{C1Config, C1Error, C1Fit, C1Report, C1Row, c1};
pub use d1::{D1Cell, D1Config, D1Grid, D1Report, d1};
pub use d2::{D2Cell, D2Config, D2Problem, D2Report, d2};
pub use d3::{D3Bias, D3Config, D3Report, D3Row, d3};
pub use d4::{D4Comparison, D4Config, D4Replicate, D4Report, D4Row, D4Student, d4};
pub use error::TheoryError;
pub use escape::{EscapeConfig, EscapeReport, EscapeRow, MinimizerReport, StepChoice, Thresholds};
pub use exhibit::{
    Axis, AxisScale, Evidence, Exhibit, Exhibits, Figure, Ink, Panel, Series, Shape, Support, Table,
};
pub use fit::{CONFIDENCE, Estimate, PowerLaw};
pub use kernel_regression::{GaussianKernel, KernelRegression};
pub use kinked_rates::{A3Config, A3Report, A3Row, a3};
pub use landscape::{AsymmetricValley, KinkedValley, Landscape, TwoBasins, Valley};
pub use least_squares::{ErrorNorm, LeastSquares};
pub use log_distance::LogDistances;
pub use matrix::Matrix;
pub use modified_loss::{CubicLoss, MAX_ENUMERATED, ModifiedLoss};
pub use noise::{NoiseKey, UniformNoise};
pub use proportion::{Proportion, ProportionDifference};
pub use quadratic_circle::{B2Config, B2Report, b2};
pub use rates::{A1Config, A1Fit, A1Report, A1Row, a1};
pub use sharp_and_flat::{A2Config, A2Report, A2Row, Minimum, a2};
pub use short_runs::{ShortRuns, ShortRunsConfig};
pub use simulate::{
    AntitheticPair, PathSummary, Simulation, antithetic_pair, antithetic_pairs, single_path, single_paths,
};
pub use smoothing::Smoothed;
pub use spectral_filter::SpectralFilter;
pub use stochastic_quadratic::{B1Config, B1Report, B1Row, B1Summary, Place, Trajectory, b1};
pub use stochastic_sam::MinibatchSam;
pub use styblinski_tang::{B3Config, B3Report, Components, b3, styblinski_tang};
pub use symmetric_eigen::SymmetricEigen;
pub use teacher_student::{OneHiddenLayer, SquaredLoss};
pub use thresholds::{
    BatchSize, CurvatureLaw, SecondMomentMap, SufficientSteps, Whole, almost_sure_threshold,
    lyapunov_exponent, mean_square_threshold, sufficient_steps,
};
pub use trade_off::TradeOff;
