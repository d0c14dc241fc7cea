//! Squared bias, variance and their sum: in closed form, and estimated from replicates without bias.

mod contributions;

use serde::{Deserialize, Serialize};

use polder_stats::Estimate;

use contributions::Contributions;

/// A mean squared error by its causes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasVariance {
    /// The squared norm of the mean error.
    pub bias_squared: f64,
    /// The mean squared distance of the error from its mean.
    pub variance: f64,
}

impl BiasVariance {
    /// The mean squared norm of the error.
    pub fn total(&self) -> f64 {
        self.bias_squared + self.variance
    }
}

/// The same, estimated from replicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasVarianceEstimate {
    /// Estimates [`BiasVariance::bias_squared`].
    pub bias_squared: Estimate,
    /// Estimates [`BiasVariance::variance`].
    pub variance: Estimate,
    /// Estimates [`BiasVariance::total`].
    pub total: Estimate,
}

impl BiasVarianceEstimate {
    /// From the error vectors of at least two independent replicates, all of one dimension.
    ///
    /// Estimates are unbiased. The variance is the trace of the sample covariance S. The squared bias is the mean inner product of the
    /// errors of two different replicates, a U-statistic of n replicates with the variance `4 m.Sm / n + 2 tr(S^2) / (n (n - 1))`, where m
    /// is the mean error. The first term estimates itself from the sample mean and vanishes with it; the second one, all that is left
    /// where the bias is 0, does not. Together they are too large by at most a factor of 3 there, and a standard error by sqrt(3).
    ///
    /// # Source
    /// Hoeffding (1948), Annals of Mathematical Statistics 19, 293-325: the variance of a U-statistic by its projections.
    ///
    /// # Panics
    /// If there are fewer than two errors.
    pub fn of_errors(errors: &[&[f64]]) -> Self {
        Contributions::of(errors).estimate()
    }

    /// The largest distance of an estimate from its closed form, in standard errors.
    pub fn deviation(&self, theory: &BiasVariance) -> f64 {
        deviation(&self.bias_squared, theory.bias_squared)
            .max(deviation(&self.variance, theory.variance))
            .max(deviation(&self.total, theory.total()))
    }
}

/// The distance of an estimate from what it estimates, in standard errors.
///
/// Differences of some 1e-12 of the value are rounding, and count as such where there is no randomness at all.
pub(crate) fn deviation(estimate: &Estimate, theory: f64) -> f64 {
    (estimate.value - theory).abs() / estimate.standard_error.max(1e-11 * theory.abs()).max(f64::MIN_POSITIVE)
}

/// One point of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasVarianceRow {
    /// The number of steps made.
    pub step: u64,
    /// The closed form.
    pub theory: BiasVariance,
    /// The Monte Carlo estimate.
    pub measured: BiasVarianceEstimate,
    /// The closed form minus that of gradient descent at the same step; the total is below 0 where SAM is better.
    pub change: BiasVariance,
    /// The same measured on the same noise, replicate by replicate.
    pub measured_change: BiasVarianceEstimate,
}

/// Stopped at the recorded step with the lowest total in closed form.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestStep {
    /// That step.
    pub step: u64,
    /// The total in closed form.
    pub total: f64,
    /// The total minus that of gradient descent at its own best step; negative where SAM is better.
    pub change: f64,
    /// The same measured on the same noise, replicate by replicate. Steps are chosen by the closed form, so it is unbiased.
    pub measured_change: Estimate,
}

/// Bias, variance and total over the steps for one radius.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasVarianceCurve {
    /// The radius; 0 is gradient descent.
    pub rho: f64,
    /// One row per recorded step, ascending.
    pub rows: Vec<BiasVarianceRow>,
    /// What stopping at the best of the recorded steps gives.
    pub best: BestStep,
}

impl BiasVarianceCurve {
    /// The largest distance of a measurement from its closed form over the curve, in standard errors.
    pub fn largest_deviation(&self) -> f64 {
        self.rows.iter().map(|row| row.measured.deviation(&row.theory)).fold(0.0, f64::max)
    }
}

/// Curves of several radii, the first of which is 0, at one or more steps. `errors[replicate][radius][step]` is the error vector of one
/// replicate, where all radii of a replicate see the same noise.
pub fn curves(
    rhos: &[f64],
    steps: &[u64],
    theory: impl Fn(usize, u64) -> BiasVariance,
    errors: &[Vec<Vec<Vec<f64>>>],
) -> Vec<BiasVarianceCurve> {
    let at = |radius: usize, step: usize| -> Contributions {
        let found: Vec<&[f64]> = errors.iter().map(|replicate| replicate[radius][step].as_slice()).collect();
        Contributions::of(&found)
    };
    let best_of = |radius: usize| {
        let totals: Vec<f64> = steps.iter().map(|&step| theory(radius, step).total()).collect();
        let index = (0..steps.len()).min_by(|&i, &j| totals[i].total_cmp(&totals[j])).unwrap_or(0);
        (index, totals[index])
    };
    let descent: Vec<Contributions> = (0..steps.len()).map(|step| at(0, step)).collect();
    let (descent_best, descent_total) = best_of(0);
    let curve = |(radius, &rho): (usize, &f64)| {
        let found: Vec<Contributions> = (0..steps.len()).map(|step| at(radius, step)).collect();
        let row = |(index, &step): (usize, &u64)| {
            let (law, descent_law) = (theory(radius, step), theory(0, step));
            BiasVarianceRow {
                step,
                theory: law,
                measured: found[index].estimate(),
                change: BiasVariance {
                    bias_squared: law.bias_squared - descent_law.bias_squared,
                    variance: law.variance - descent_law.variance,
                },
                measured_change: found[index].minus(&descent[index]).estimate(),
            }
        };
        let (index, total) = best_of(radius);
        let best = BestStep {
            step: steps[index],
            total,
            change: total - descent_total,
            measured_change: found[index].minus(&descent[descent_best]).estimate().total,
        };
        BiasVarianceCurve { rho, rows: steps.iter().enumerate().map(row).collect(), best }
    };
    rhos.iter().enumerate().map(curve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};

    #[test]
    fn estimates_are_unbiased_and_their_errors_honest() {
        // Errors with mean (1, 0, -2) and standard deviations (1, 2, 0.5): squared bias 5, variance 5.25.
        let truth = BiasVariance { bias_squared: 5.0, variance: 5.25 };
        let num_trials = 400;
        let mut within = [0; 3];
        let mut sums = [0.0; 3];
        for trial in 0..num_trials {
            let mut draws = Draws::new(Purpose { seed: 1, experiment: "split", part: 0, replicate: trial });
            let errors: Vec<Vec<f64>> = (0..30)
                .map(|_| {
                    let z = draws.normals(3);
                    vec![1.0 + z[0], 2.0 * z[1], -2.0 + 0.5 * z[2]]
                })
                .collect();
            let errors: Vec<&[f64]> = errors.iter().map(Vec::as_slice).collect();
            let found = BiasVarianceEstimate::of_errors(&errors);
            let pairs = [
                (found.bias_squared, truth.bias_squared),
                (found.variance, truth.variance),
                (found.total, truth.total()),
            ];
            for (i, (estimate, truth)) in pairs.into_iter().enumerate() {
                within[i] += i32::from(estimate.lower <= truth && truth <= estimate.upper);
                sums[i] += estimate.value / num_trials as f64;
            }
        }
        assert!((sums[0] - 5.0).abs() < 0.2 && (sums[1] - 5.25).abs() < 0.2, "{sums:?}");
        // 95 % of 400 is 380, give or take 4.4 per standard deviation.
        assert!(within.iter().all(|within| *within > 360), "{within:?}");
    }

    #[test]
    fn the_error_of_a_squared_bias_does_not_vanish_with_the_sample_mean() {
        // No bias: the sample mean is close to 0 in many of the trials, and the estimate then is minus its variance.
        for dimension in [1, 4, 60] {
            for trial in 0..400 {
                let part = dimension as u64;
                let mut draws = Draws::new(Purpose { seed: 2, experiment: "split", part, replicate: trial });
                let errors: Vec<Vec<f64>> = (0..30).map(|_| draws.normals(dimension)).collect();
                let errors: Vec<&[f64]> = errors.iter().map(Vec::as_slice).collect();
                let found = BiasVarianceEstimate::of_errors(&errors).bias_squared;
                assert!(deviation(&found, 0.0) < 3.0, "{dimension} {trial} {found:?}");
            }
        }
    }

    #[test]
    fn total_is_the_sum_of_bias_and_variance() {
        let errors = [vec![1.0, 2.0], vec![0.5, -1.0], vec![3.0, 0.0]];
        let errors: Vec<&[f64]> = errors.iter().map(Vec::as_slice).collect();
        let found = BiasVarianceEstimate::of_errors(&errors);
        assert!((found.total.value - found.bias_squared.value - found.variance.value).abs() < 1e-14);
    }

    #[test]
    fn changes_are_paired_and_the_best_step_is_that_of_the_closed_form() {
        // Two replicates, gradient descent and one radius, two steps, errors of one dimension.
        let replicate =
            |gd: [f64; 2], sam: [f64; 2]| vec![gd.map(|x| vec![x]).to_vec(), sam.map(|x| vec![x]).to_vec()];
        let errors = [replicate([1.0, 0.5], [0.75, 0.5]), replicate([3.0, 2.5], [2.75, 2.0])];
        let law = |radius, step| BiasVariance { bias_squared: (radius as u64 + step) as f64, variance: 2.0 };
        let found = curves(&[0.0, 0.1], &[1, 4], law, &errors);
        let row = &found[1].rows[0];
        assert_eq!((row.change.bias_squared, row.change.variance), (1.0, 0.0));
        // Totals (0.75^2 + 2.75^2) / 2 and (1 + 9) / 2; products 0.75 * 2.75 and 3.
        assert!((row.measured_change.total.value - (4.0625 - 5.0)).abs() < 1e-14);
        assert!((row.measured_change.bias_squared.value - (2.0625 - 3.0)).abs() < 1e-14);
        assert!((row.measured_change.variance.value - 0.0).abs() < 1e-14);
        assert_eq!((found[1].best.step, found[1].best.total, found[1].best.change), (1, 4.0, 1.0));
        assert!((found[1].best.measured_change.value - row.measured_change.total.value).abs() < 1e-14);
        assert_eq!(found[0].best.change, 0.0);
    }
}
