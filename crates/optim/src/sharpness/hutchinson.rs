//! The trace of the Hessian from random directions, to an accuracy that its own interval decides.

use polder_stats::{MeanEstimate, Moments};
use serde::{Deserialize, Serialize};

use super::oracle::{HessianOracle, finite};
use super::probe::{ProbeLaw, Probes};
use super::stopping_rule::StoppingRule;
use crate::error::OptimError;
use crate::settings::check;
use crate::vector::{RandomVector, same_dim};

/// The settings of [`Hutchinson`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HutchinsonConfig {
    /// The law of the probes.
    pub law: ProbeLaw,
    /// The seed of the probes.
    pub seed: u64,
    /// When the trace is known well enough.
    pub stopping: StoppingRule,
}

/// The trace of the Hessian: the mean of `v . Hv` over random probes `v` with independent entries of mean 0 and variance 1.
///
/// One probe costs one product. The t interval of the mean is also the stopping rule. With Rademacher probes the variance of one probe
/// is twice the sum of the squared off-diagonal entries, none on a diagonal matrix; with normal probes twice that of all entries.
///
/// The mean of `v . DHv` from the same probes is the trace of `DH`, whatever the diagonal matrix D. Given by
/// [`with_weights`](Self::with_weights) with D from [`norm_weights`](super::norm_weights), it is the scale-invariant trace
/// `sum over groups r of |w_r|^2 tr(H_r)`, where `H_r` is the block of the Hessian that belongs to the group. Probing then goes on
/// until both traces are known well enough.
///
/// # Memory
/// Two vectors, three with weights.
///
/// # Source
/// Hutchinson (1990), A stochastic estimator of the trace of the influence matrix. As a measure of networks: Yao et al. (2020),
/// arXiv:1912.07145. Departs from both: the interval decides how many probes are drawn.
#[derive(Debug)]
pub struct Hutchinson<V> {
    config: HutchinsonConfig,
    weights: Option<V>,
    probe: V,
    product: V,
    state: HutchinsonState,
}

/// What [`Hutchinson`] has accumulated: all that is needed to continue bit for bit, with the same settings and weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HutchinsonState {
    /// `v . Hv` over the probes so far. The next probe's index is its count.
    pub trace: Moments,
    /// `v . DHv` over the same probes; empty without weights. With squared norms as weights its unit is that of the loss.
    pub weighted: Moments,
}

impl<V: RandomVector> Hutchinson<V> {
    /// A measurement that has not begun, for vectors like `like`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if the stopping rule is refused.
    pub fn new(like: &V, config: HutchinsonConfig) -> Result<Self, OptimError> {
        config.stopping.validate()?;
        let (probe, product) = (like.zeros_like(), like.zeros_like());
        Ok(Self { config, weights: None, probe, product, state: HutchinsonState::default() })
    }

    /// Measures the trace of `DH` as well, with D the diagonal matrix of `weights`. To be called before the first probe.
    ///
    /// # Errors
    /// [`OptimError::DimensionMismatch`] if `weights` has another dimension.
    pub fn with_weights(mut self, weights: V) -> Result<Self, OptimError> {
        same_dim("weighting of the trace", &weights, &self.probe)?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Draws one more probe.
    ///
    /// # Errors
    /// Those of the oracle, and [`OptimError::Objective`] if the product is not finite. Nothing is accumulated then.
    pub fn step(&mut self, hessian: &mut impl HessianOracle<V>) -> Result<(), OptimError> {
        let index = self.state.trace.count;
        Probes { law: self.config.law, seed: self.config.seed }.fill(index, &mut self.probe);
        hessian.multiply(&self.probe, &mut self.product)?;
        let trace = finite(self.probe.dot(&self.product), index)?;
        if let Some(weights) = &self.weights {
            self.product.mul(weights);
            self.state.weighted.push(finite(self.probe.dot(&self.product), index)?);
        }
        self.state.trace.push(trace);
        Ok(())
    }

    /// Whether the stopping rule is content.
    pub fn is_finished(&self) -> bool {
        let rule = &self.config.stopping;
        rule.is_finished(&self.state.trace)
            && (self.weights.is_none() || rule.is_finished(&self.state.weighted))
    }

    /// Draws probes until the stopping rule is content, and returns the trace of H, in units of loss per squared unit of the parameters.
    ///
    /// # Errors
    /// Those of [`step`](Self::step). What was accumulated before is kept.
    pub fn run(&mut self, hessian: &mut impl HessianOracle<V>) -> Result<MeanEstimate, OptimError> {
        while !self.is_finished() {
            self.step(hessian)?;
        }
        Ok(self.state.trace.estimate(self.config.stopping.confidence))
    }

    /// What must be stored to continue exactly.
    pub fn state(&self) -> HutchinsonState {
        self.state
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `state` was taken with weights and this measurement has none, or the other way round.
    pub fn restore(&mut self, state: HutchinsonState) -> Result<(), OptimError> {
        let expected = if self.weights.is_some() { state.trace.count } else { 0 };
        let (found, range) = (state.weighted.count, "as many as probes with weights, none without");
        check(found == expected, "the number of weighted probes", &found, range)?;
        self.state = state;
        Ok(())
    }
}

/// Estimates the trace of `hessian` for vectors like `like`; see [`Hutchinson`], which also continues and weighs.
///
/// # Errors
/// Those of [`Hutchinson::new`] and [`Hutchinson::step`].
///
/// # Example
/// ```
/// use polder_optim::OptimError;
/// use polder_optim::sharpness::{HutchinsonConfig, StoppingRule, hutchinson_trace};
///
/// let mut hessian = |v: &Vec<f64>, output: &mut Vec<f64>| {
///     (output[0], output[1]) = (2.0 * v[0] + v[1], v[0] + 6.0 * v[1]);
///     Ok(())
/// };
/// let stopping = StoppingRule { relative_half_width: 0.1, ..StoppingRule::default() };
/// let config = HutchinsonConfig { stopping, ..HutchinsonConfig::default() };
/// let trace = hutchinson_trace(&mut hessian, &vec![0.0, 0.0], config)?;
/// assert!(trace.lower <= 8.0 && 8.0 <= trace.upper && trace.half_width() <= 0.1 * trace.mean);
/// # Ok::<(), OptimError>(())
/// ```
pub fn hutchinson_trace<V: RandomVector>(
    hessian: &mut impl HessianOracle<V>,
    like: &V,
    config: HutchinsonConfig,
) -> Result<MeanEstimate, OptimError> {
    Hutchinson::new(like, config)?.run(hessian)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_is_not_finite_is_refused_with_its_number() {
        let mut calls = 0;
        let mut hessian = |_: &f64, output: &mut f64| {
            calls += 1;
            *output = if calls == 3 { f64::NAN } else { 1.0 };
            Ok(())
        };
        let mut trace = Hutchinson::new(&0.0, HutchinsonConfig::default()).unwrap();
        let error = trace.run(&mut hessian).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("product 2"), "{source}");
        assert_eq!(trace.state().trace.count, 2);
    }

    #[test]
    fn a_state_with_weighted_probes_needs_weights() {
        let mut hessian = |v: &f64, output: &mut f64| {
            *output = 3.0 * *v;
            Ok(())
        };
        let config = HutchinsonConfig::default();
        let mut weighted = Hutchinson::new(&0.0, config).unwrap().with_weights(2.0).unwrap();
        assert_eq!(weighted.run(&mut hessian).unwrap().mean, 3.0);
        assert_eq!(weighted.state().weighted.mean, 6.0);
        assert!(Hutchinson::new(&0.0, config).unwrap().restore(weighted.state()).is_err());
    }
}
