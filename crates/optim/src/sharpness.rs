//! How sharp a loss is around a point: curvature, rises at a distance, sections.
//!
//! No single number is "the sharpness". The measures answer different questions and may disagree:
//!
//! * [`Hutchinson`]: the trace of the Hessian, a sum over all directions, to an accuracy that the caller asks for. Beside it the trace
//!   weighted by the norms of groups of weights ([`norm_weights`]): rescaling a layer that batch normalization follows changes the
//!   network's Hessian and not its function, and leaves the weighted trace alone.
//! * [`Lanczos`]: the largest and smallest eigenvalues with their vectors and residuals: the few directions that bound a stable
//!   learning rate.
//! * [`SpectralDensity`]: how all eigenvalues are distributed.
//! * [`worst_case_rise`], [`AverageSharpness`], [`MSharpness`]: how far the loss rises at a distance rho, in the worst direction, in a random
//!   one, and in the worst one per micro-batch. They see more than the second order.
//! * [`Rescaled`]: any of these in coordinates of its own, every weight in units of its group's norm.
//! * [`Line`] and [`Plane`]: points on the line through two points and on the plane through three, where the loss is drawn.
//!
//! Curvature is measured through Hessian-vector products ([`HessianOracle`]), rises and sections through losses and gradients
//! ([`LossOracle`], [`GradientOracle`]), so that the same code runs on matrices whose spectrum is known and on networks. An oracle of a
//! network stands for one fixed function: batch normalization in evaluation mode after a refresh, a fixed subset of the data without
//! augmentation, no weight decay.
//!
//! # Cost
//! Each type states how many vectors of the dimension P it holds; what the oracle needs comes on top. Random directions are functions
//! of (seed, index) alone, and what a mean accumulates is plain data (`state`, `restore`): a measurement that is interrupted and
//! continued gives the same bytes as one that is not. Eigenvalues are found in one go.
//!
//! # Example
//! `f(w) = w0^2 + 3 w1^2`, whose Hessian is diag(2, 6).
//! ```
//! use polder_optim::OptimError;
//! use polder_optim::sharpness::{HutchinsonConfig, LanczosConfig, Lanczos, hutchinson_trace};
//!
//! let mut hessian = |v: &Vec<f64>, output: &mut Vec<f64>| {
//!     (output[0], output[1]) = (2.0 * v[0], 6.0 * v[1]);
//!     Ok(())
//! };
//! let parameters = vec![0.0, 0.0];
//!
//! let trace = hutchinson_trace(&mut hessian, &parameters, HutchinsonConfig::default())?;
//! assert_eq!((trace.mean, trace.standard_error), (8.0, 0.0)); // Random signs are exact on a diagonal matrix.
//!
//! let config = LanczosConfig { largest: 1, smallest: 1, ..LanczosConfig::default() };
//! let spectrum = Lanczos::new(&parameters, config)?.run(&mut hessian)?;
//! assert!((spectrum.largest[0].value - 6.0).abs() < 1e-12 && spectrum.largest[0].residual < 1e-12);
//! assert!((spectrum.smallest[0].value - 2.0).abs() < 1e-12);
//! # Ok::<(), OptimError>(())
//! ```

mod ascent;
mod average_sharpness;
mod geometry;
mod hutchinson;
mod krylov;
mod lanczos;
mod m_sharpness;
mod oracle;
mod probe;
mod rescaled;
mod section;
mod spectral_density;
mod stopping_rule;
mod tridiagonal;

pub use ascent::{AscentConfig, WorstCaseSharpness, worst_case_rise};
pub use average_sharpness::{AverageSharpness, AverageSharpnessConfig, AverageSharpnessState};
pub use geometry::{distance, norm_weights};
pub use hutchinson::{Hutchinson, HutchinsonConfig, HutchinsonState, hutchinson_trace};
pub use lanczos::{Eigenpair, Lanczos, LanczosConfig, Spectrum};
pub use m_sharpness::MSharpness;
pub use oracle::{GradientOracle, HessianAt, HessianOracle, LossOracle, OnObjective, asymmetry};
pub use polder_stats::{MeanEstimate, Moments};
pub use probe::{ProbeLaw, Probes};
pub use rescaled::Rescaled;
pub use section::{Line, Plane};
pub use spectral_density::{Quadrature, SpectralDensity, SpectralDensityConfig, SpectralDensityState};
pub use stopping_rule::StoppingRule;
