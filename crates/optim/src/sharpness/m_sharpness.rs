//! m-sharpness: the rise of SAM's step, averaged over micro-batches that each choose their own direction.

use polder_stats::{MeanEstimate, Moments};

use super::ascent::{AscentConfig, worst_case_rise};
use super::oracle::GradientOracle;
use crate::error::OptimError;
use crate::settings::check_positive;
use crate::vector::RandomVector;

/// The mean over micro-batches of m examples of `L_b(w + rho * g_b / |g_b|) - L_b(w)`, `g_b` the gradient of the micro-batch's loss.
///
/// The smaller m, the more directions may differ, and the larger the measure. Micro-batches are given one by one, each as an oracle
/// of its own mean loss; they should have equal sizes, as each counts the same. A rise may be negative: SAM's step overshoots where
/// the loss bends down within rho.
///
/// # Memory
/// Five vectors during [`add`](Self::add).
///
/// # Source
/// Foret et al. (2021), arXiv:2010.01412, section 4.1.
///
/// # Example
/// ```
/// use polder_optim::{OptimError, Point};
/// use polder_optim::sharpness::{MSharpness, OnObjective};
///
/// let mut sharpness = MSharpness::new(0.5)?;
/// for target in [-1.0, 1.0] { // Two micro-batches of one example: L_b(w) = (w - target)^2.
///     let objective = |w: &f64, _: Point, gradient: &mut f64| {
///         *gradient = 2.0 * (w - target);
///         Ok((w - target).powi(2))
///     };
///     sharpness.add(&mut OnObjective::new(objective), &0.0)?;
/// }
/// // Each rises from 1 to 1.5^2, though the mean loss is at its minimum and rises by 0.25 only.
/// assert!((sharpness.estimate(0.95).mean - 1.25).abs() < 1e-12);
/// # Ok::<(), OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MSharpness {
    rho: f64,
    rises: Moments,
}

impl MSharpness {
    /// A measurement at distance `rho`, in units of the parameters, finite and above 0.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `rho` is no such number.
    pub fn new(rho: f64) -> Result<Self, OptimError> {
        check_positive("rho", rho)?;
        Ok(Self { rho, rises: Moments::default() })
    }

    /// Takes one more micro-batch in and returns its rise.
    ///
    /// # Errors
    /// Those of the oracle. The micro-batch is not accumulated then.
    pub fn add<V: RandomVector>(
        &mut self,
        micro_batch: &mut impl GradientOracle<V>,
        parameters: &V,
    ) -> Result<f64, OptimError> {
        let config = AscentConfig { rho: self.rho, num_steps: 1, ..AscentConfig::default() };
        let rise = worst_case_rise(micro_batch, parameters, config)?.sam();
        self.rises.push(rise);
        Ok(rise)
    }

    /// The mean rise, with the t interval of the micro-batches as a sample of all there could be. Over all micro-batches of a data set
    /// the mean itself is that data set's m-sharpness.
    pub fn estimate(&self, confidence: f64) -> MeanEstimate {
        self.rises.estimate(confidence)
    }

    /// What must be stored to continue exactly. The next micro-batch's index is its count.
    pub fn state(&self) -> Moments {
        self.rises
    }

    /// Continues where `state` was taken.
    pub fn restore(&mut self, state: Moments) {
        self.rises = state;
    }
}
