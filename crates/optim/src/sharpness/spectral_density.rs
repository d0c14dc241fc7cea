//! How the eigenvalues of the Hessian are distributed: stochastic Lanczos quadrature.

use std::f64::consts::TAU;

use polder_stats::{MeanEstimate, Moments};
use serde::{Deserialize, Serialize};

use super::krylov::Krylov;
use super::oracle::HessianOracle;
use super::probe::{ProbeLaw, Probes};
use crate::error::OptimError;
use crate::settings::check_at_least_one;
use crate::vector::RandomVector;

/// The settings of [`SpectralDensity`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpectralDensityConfig {
    /// The law of the probes.
    pub law: ProbeLaw,
    /// The seed of the probes.
    pub seed: u64,
    /// The number of probes; at least 1.
    pub num_probes: u64,
    /// The number of products, and so of quadrature nodes, for each probe; at least 1.
    pub num_nodes: usize,
}

impl Default for SpectralDensityConfig {
    /// Ten normal probes of 80 products, as Ghorbani et al. (2019) found enough for networks.
    fn default() -> Self {
        Self { law: ProbeLaw::Normal, seed: 0, num_probes: 10, num_nodes: 80 }
    }
}

/// A discrete measure: masses at points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quadrature {
    /// The points, ascending.
    pub nodes: Vec<f64>,
    /// The mass at each point, at least 0; they sum to 1.
    pub weights: Vec<f64>,
}

impl Quadrature {
    /// The integral of `function`.
    pub fn integrate(&self, function: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(node, weight)| weight * function(*node)).sum()
    }
}

/// The density of the P eigenvalues, as a mean over random probes of Gauss quadratures.
///
/// For a unit probe `v` the Lanczos process with m products gives the Gauss quadrature of the measure `sum_i (u_i . v)^2` at the
/// eigenvalues (`u_i` the eigenvectors): it integrates `f(x) = x^p` to `v . H^p v`, exactly for p < 2m. The mean over probes of
/// `v . f(H) v` is `tr f(H) / P`.
///
/// # Memory
/// `num_nodes + 1` vectors.
///
/// # Source
/// Ubaru, Chen and Saad (2017), Fast estimation of tr(f(A)) via stochastic Lanczos quadrature; for networks Ghorbani et al. (2019),
/// arXiv:1901.10159. Departs from both: the quadratures are kept apart, so that integrals have intervals.
#[derive(Debug)]
pub struct SpectralDensity<V> {
    config: SpectralDensityConfig,
    like: V,
    state: SpectralDensityState,
}

/// The quadratures so far: all that is needed to continue bit for bit. The next probe's index is their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectralDensityState {
    /// One quadrature for each probe.
    pub quadratures: Vec<Quadrature>,
}

impl<V: RandomVector> SpectralDensity<V> {
    /// A measurement that has not begun, for vectors like `like`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if one of the numbers is 0.
    pub fn new(like: &V, config: SpectralDensityConfig) -> Result<Self, OptimError> {
        check_at_least_one("num_probes", config.num_probes)?;
        check_at_least_one("num_nodes", config.num_nodes as u64)?;
        Ok(Self { config, like: like.zeros_like(), state: SpectralDensityState::default() })
    }

    /// Takes one more probe: `num_nodes` products, fewer if the probe's Krylov space is smaller.
    ///
    /// # Errors
    /// Those of the oracle, and [`OptimError::Objective`] if a product is not finite. Nothing is kept of the probe then.
    pub fn step(&mut self, hessian: &mut impl HessianOracle<V>) -> Result<(), OptimError> {
        let index = self.state.quadratures.len() as u64;
        let mut probe = self.like.zeros_like();
        Probes { law: self.config.law, seed: self.config.seed }.fill(index, &mut probe);
        let Some(mut process) = Krylov::start(probe, &[]) else {
            return Err(OptimError::setting("a probe", &"the zero vector", "a vector with entries"));
        };
        while process.len() < self.config.num_nodes && !process.is_exhausted() {
            let product_index = index * self.config.num_nodes as u64 + process.len() as u64;
            process.extend(hessian, &[], product_index)?;
        }
        let ritz = process.ritz();
        let weights = ritz.first.iter().map(|entry| entry * entry).collect();
        self.state.quadratures.push(Quadrature { nodes: ritz.values, weights });
        Ok(())
    }

    /// Whether all probes are taken.
    pub fn is_finished(&self) -> bool {
        self.state.quadratures.len() as u64 >= self.config.num_probes
    }

    /// Takes the probes that are left and returns what was measured.
    ///
    /// # Errors
    /// Those of [`step`](Self::step). What was measured before is kept.
    pub fn run(&mut self, hessian: &mut impl HessianOracle<V>) -> Result<&SpectralDensityState, OptimError> {
        while !self.is_finished() {
            self.step(hessian)?;
        }
        Ok(&self.state)
    }

    /// The quadratures so far.
    pub fn state(&self) -> &SpectralDensityState {
        &self.state
    }

    /// Continues where `state` was taken.
    pub fn restore(&mut self, state: SpectralDensityState) {
        self.state = state;
    }
}

impl SpectralDensityState {
    /// The mean of `function` over the eigenvalues, `tr f(H) / P`, with its interval over the probes. Its width shows the noise of
    /// the probes, and not the error of the quadrature, which only vanishes for polynomials of degree below twice the nodes.
    pub fn mean_of(&self, function: impl Fn(f64) -> f64, confidence: f64) -> MeanEstimate {
        let mut moments = Moments::default();
        for quadrature in &self.quadratures {
            moments.push(quadrature.integrate(&function));
        }
        moments.estimate(confidence)
    }

    /// The least and the greatest node; `None` before the first probe.
    pub fn range(&self) -> Option<(f64, f64)> {
        let nodes = || self.quadratures.iter().flat_map(|quadrature| quadrature.nodes.iter().copied());
        Some((nodes().min_by(f64::total_cmp)?, nodes().max_by(f64::total_cmp)?))
    }

    /// Evenly spaced points that reach six `width`s beyond every node, where a smoothed density has fallen below 1e-7 of its peaks.
    pub fn grid(&self, num_points: usize, width: f64) -> Vec<f64> {
        let Some((low, high)) = self.range() else { return Vec::new() };
        let (start, length) = (low - 6.0 * width, high - low + 12.0 * width);
        let step = length / num_points.saturating_sub(1).max(1) as f64;
        (0..num_points).map(|i| start + step * i as f64).collect()
    }

    /// The density at `points`, smoothed by a Gaussian of standard deviation `width`: nodes per unit of eigenvalue, as a share of all.
    /// Its integral over the line is 1. `width` is in units of eigenvalues and above 0; below it nothing is resolved.
    pub fn smoothed(&self, points: &[f64], width: f64) -> Vec<f64> {
        let peak = 1.0 / (width * TAU.sqrt() * self.quadratures.len().max(1) as f64);
        let bell = |distance: f64| (-0.5 * (distance / width).powi(2)).exp();
        let at = |point: f64| {
            self.quadratures
                .iter()
                .map(|quadrature| quadrature.integrate(|node| bell(point - node)))
                .sum::<f64>()
        };
        points.iter().map(|point| peak * at(*point)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smoothed_density_of_two_masses_is_two_bells_of_mass_one() {
        let state = SpectralDensityState {
            quadratures: vec![Quadrature { nodes: vec![-1.0, 2.0], weights: vec![0.25, 0.75] }],
        };
        let grid = state.grid(2001, 0.1);
        assert_eq!((grid[0], grid.len()), (-1.6, 2001));
        let density = state.smoothed(&grid, 0.1);
        let mass: f64 = density.iter().sum::<f64>() * (grid[1] - grid[0]);
        assert!((mass - 1.0).abs() < 1e-8, "{mass}");
        let peaks = state.smoothed(&[-1.0, 2.0], 0.1);
        assert!((peaks[1] / peaks[0] - 3.0).abs() < 1e-12);
        assert!((peaks[0] - 0.25 / (0.1 * TAU.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn settings_of_zero_are_refused() {
        for (num_probes, num_nodes) in [(0, 5), (5, 0)] {
            let config = SpectralDensityConfig { num_probes, num_nodes, ..SpectralDensityConfig::default() };
            assert!(SpectralDensity::new(&0.0, config).is_err());
        }
    }
}
