//! Distributions of a component's curvature along one direction, and of its mean over a minibatch.

use serde::{Deserialize, Serialize};

use super::BatchSize;
use crate::draws::Draws;
use crate::error::TheoryError;
use crate::setting::{check, positive};

/// The distribution of the curvature Q of a random component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CurvatureDistribution {
    /// Two values, equally likely.
    TwoPoint {
        /// The lower value, at least 0.
        low: f64,
        /// The higher value, greater than 0.
        high: f64,
    },
    /// The exponential of a normal value: heavy-tailed.
    LogNormal {
        /// Its mean, greater than 0.
        mean: f64,
        /// Its variance, greater than 0.
        variance: f64,
    },
    /// One of these values, at least one, equally likely.
    Sample {
        /// The values.
        values: Vec<f64>,
    },
}

/// Relative difference below which two curvatures of a sample count as one.
const SAME: f64 = 1e-6;

impl CurvatureDistribution {
    /// The distribution of one of `values`: two-point if there are two different ones, equally often.
    pub(crate) fn of_values(values: Vec<f64>) -> Self {
        let (low, high) = (
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(0.0, f64::max),
        );
        let close = |x: f64, y: f64| (x - y).abs() <= SAME * high;
        let at_low = values.iter().filter(|&&value| close(value, low)).count();
        let at_high = values.iter().filter(|&&value| close(value, high)).count();
        if at_low == values.len() || (at_low == at_high && at_low + at_high == values.len()) {
            Self::TwoPoint { low, high }
        } else {
            Self::Sample { values }
        }
    }

    /// E Q.
    pub fn mean(&self) -> f64 {
        match self {
            Self::TwoPoint { low, high } => 0.5 * (low + high),
            Self::LogNormal { mean, .. } => *mean,
            Self::Sample { values } => values.iter().sum::<f64>() / values.len() as f64,
        }
    }

    /// Var Q.
    pub fn variance(&self) -> f64 {
        match self {
            Self::TwoPoint { low, high } => 0.25 * (high - low) * (high - low),
            Self::LogNormal { variance, .. } => *variance,
            Self::Sample { values } => {
                let mean = self.mean();
                values.iter().map(|q| (q - mean) * (q - mean)).sum::<f64>() / values.len() as f64
            }
        }
    }

    /// The spectral radius of the one-step map of the second moment at step size `step_size`, a number in one dimension:
    /// `(1 - C E Q)^2 + C^2 Var(Q) / k`.
    pub fn second_moment_factor(&self, step_size: f64, batch_size: BatchSize) -> f64 {
        let shrink = 1.0 - step_size * self.mean();
        shrink * shrink + step_size * step_size * self.variance() * batch_size.reciprocal()
    }

    /// The mean-square threshold `C*(k) = 2 E Q / ((E Q)^2 + Var(Q) / k)`: the second moment of the distance to the minimiser
    /// shrinks at smaller step sizes and grows at larger ones.
    ///
    /// # Source
    /// Derived for this project for the stochastic quadratic problem of Patel (2018), arXiv:1709.04718.
    pub fn mean_square_threshold(&self, batch_size: BatchSize) -> f64 {
        let mean = self.mean();
        2.0 * mean / (mean * mean + self.variance() * batch_size.reciprocal())
    }

    /// The mean curvature of a minibatch.
    #[inline]
    pub(crate) fn minibatch_mean(&self, batch_size: BatchSize, draws: &mut Draws) -> f64 {
        let BatchSize::Draws(k) = batch_size else { return self.mean() };
        let k = k.get();
        let sum = match self {
            Self::TwoPoint { low, high } => {
                let num_high = f64::from(num_heads(k, draws));
                low * (f64::from(k) - num_high) + high * num_high
            }
            Self::LogNormal { mean, variance } => {
                let (location, scale) = log_normal_parameters(*mean, *variance);
                log_normal_sum(k, location, scale, draws)
            }
            Self::Sample { values } => (0..k).map(|_| values[draws.below(values.len())]).sum(),
        };
        sum / f64::from(k)
    }

    pub(crate) fn validate(&self) -> Result<(), TheoryError> {
        match self {
            Self::TwoPoint { low, high } => {
                positive([("law.high", *high)])?;
                check((0.0..=*high).contains(low), "law.low", low, "at least 0 and at most law.high")
            }
            Self::LogNormal { mean, variance } => {
                positive([("law.mean", *mean), ("law.variance", *variance)])
            }
            Self::Sample { values } => {
                let holds =
                    values.iter().all(|q| *q >= 0.0 && q.is_finite()) && values.iter().any(|q| *q > 0.0);
                let expected = "finite numbers of at least 0, one of them greater";
                check(holds, "law.values", &format!("{values:?}"), expected)
            }
        }
    }
}

/// The number of heads of `k` fair coins: as many random bits.
#[inline]
pub(crate) fn num_heads(k: u32, draws: &mut Draws) -> u32 {
    let mut heads = 0;
    let mut left = k;
    while left >= 64 {
        heads += draws.word().count_ones();
        left -= 64;
    }
    if left > 0 {
        heads += (draws.word() >> (64 - left)).count_ones();
    }
    heads
}

/// Mean and standard deviation of the logarithm of a lognormal value with this mean and variance.
pub(crate) fn log_normal_parameters(mean: f64, variance: f64) -> (f64, f64) {
    let log_variance = (variance / (mean * mean)).ln_1p();
    (mean.ln() - 0.5 * log_variance, log_variance.sqrt())
}

/// The sum of `k` lognormal values, whose normal ones come in pairs.
fn log_normal_sum(k: u32, location: f64, scale: f64, draws: &mut Draws) -> f64 {
    let mut sum = 0.0;
    for pair in 0..k.div_ceil(2) {
        let [first, second] = draws.normal_pair(scale);
        sum += (location + first).exp();
        if 2 * pair + 1 < k {
            sum += (location + second).exp();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;

    #[test]
    fn mean_square_thresholds_have_their_known_values() {
        let law = CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 };
        let known = [0.243_90, 0.303_03, 0.354_61, 0.375_94, 0.394_94];
        for (batch_size, known) in BatchSize::several(&[1, 2, 5, 10, 50]).into_iter().zip(known) {
            let threshold = law.mean_square_threshold(batch_size);
            assert!((threshold - known).abs() < 5e-6, "{batch_size}: {threshold}");
            assert!((law.second_moment_factor(threshold, batch_size) - 1.0).abs() < 1e-14);
        }
        assert!((law.mean_square_threshold(BatchSize::ALL) - 0.4).abs() < 1e-15);
    }

    #[test]
    fn minibatch_means_have_the_moments_of_their_law() {
        let laws = [
            CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 },
            CurvatureDistribution::LogNormal { mean: 2.0, variance: 0.5 },
            CurvatureDistribution::Sample { values: vec![1.0, 2.0, 6.0] },
        ];
        for law in laws {
            for batch_size in BatchSize::several(&[1, 3, 70]) {
                let mut draws = Draws::new(Purpose { seed: 1, experiment: "law", part: 0, replicate: 0 });
                let n = 20_000;
                let means: Vec<f64> = (0..n).map(|_| law.minibatch_mean(batch_size, &mut draws)).collect();
                let mean = means.iter().sum::<f64>() / f64::from(n);
                let variance = means.iter().map(|q| (q - mean) * (q - mean)).sum::<f64>() / f64::from(n);
                let expected = law.variance() * batch_size.reciprocal();
                assert!((mean - law.mean()).abs() < 4.0 * (expected / f64::from(n)).sqrt(), "{law:?}");
                assert!((variance / expected - 1.0).abs() < 0.06, "{law:?} {batch_size}: {variance}");
            }
        }
    }

    #[test]
    fn a_sample_of_two_values_is_a_two_point_law() {
        let law = CurvatureDistribution::of_values(vec![25.0, 75.0, 25.0 + 1e-9, 75.0]);
        assert!(matches!(law, CurvatureDistribution::TwoPoint { low: 25.0, high: 75.0 }), "{law:?}");
        assert!(matches!(
            CurvatureDistribution::of_values(vec![1.0, 2.0, 2.0]),
            CurvatureDistribution::Sample { .. }
        ));
    }

    #[test]
    fn laws_that_are_none_are_refused_by_name() {
        let refused = |law: CurvatureDistribution| law.validate().unwrap_err().to_string();
        assert!(refused(CurvatureDistribution::TwoPoint { low: 2.0, high: 1.0 }).starts_with("law.low"));
        assert!(
            refused(CurvatureDistribution::LogNormal { mean: 1.0, variance: 0.0 })
                .starts_with("law.variance")
        );
        assert!(refused(CurvatureDistribution::Sample { values: vec![] }).starts_with("law.values"));
    }
}
