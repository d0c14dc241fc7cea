//! Lines and power laws fitted to replicated measurements, with intervals over the replicates.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// `y = prefactor * x^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The slope of log y against log x.
    pub exponent: Estimate,
    /// The value of the fitted law at x = 1.
    pub prefactor: f64,
}

/// Fits a power law by least squares on log-log axes. `measurements[i][k]` is replicate k at `xs[i]`; `y_i` is `transform` of the mean
/// over the replicates.
///
/// The standard error of the exponent is the jackknife's: the fit repeated without one replicate at a time, left out at every x.
pub fn power_law(xs: &[f64], measurements: &[Vec<f64>], transform: impl Fn(f64) -> f64) -> PowerLaw {
    let num_replicates = measurements.first().map_or(0, Vec::len);
    let n = num_replicates as f64;
    let log_xs: Vec<f64> = xs.iter().map(|x| x.ln()).collect();
    let sums: Vec<f64> = measurements.iter().map(|replicates| replicates.iter().sum()).collect();
    let fit = |left_out: Option<usize>| {
        let log_ys: Vec<f64> = sums
            .iter()
            .zip(measurements)
            .map(|(sum, replicates)| match left_out {
                None => transform(sum / n).ln(),
                Some(k) => transform((sum - replicates[k]) / (n - 1.0)).ln(),
            })
            .collect();
        line(&log_xs, &log_ys)
    };
    let (exponent, intercept) = fit(None);
    let standard_error = jackknife(num_replicates, |k| fit(Some(k)).0);
    PowerLaw { exponent: Estimate::new(exponent, standard_error, num_replicates), prefactor: intercept.exp() }
}

/// The jackknife's standard error of a statistic; `without` is the statistic without replicate k of `num_replicates`.
///
/// # Source
/// Efron and Stein (1981), The jackknife estimate of variance.
pub fn jackknife(num_replicates: usize, without: impl Fn(usize) -> f64) -> f64 {
    let n = num_replicates as f64;
    let without: Vec<f64> = (0..num_replicates).map(without).collect();
    let mean = without.iter().sum::<f64>() / n;
    let spread = without.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    ((n - 1.0) / n * spread).sqrt()
}

/// Slope and intercept of the least-squares line; not finite for fewer than two different `xs`.
pub fn line(xs: &[f64], ys: &[f64]) -> (f64, f64) {
    let n = xs.len() as f64;
    let (mean_x, mean_y) = (xs.iter().sum::<f64>() / n, ys.iter().sum::<f64>() / n);
    let covariance: f64 = xs.iter().zip(ys).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = xs.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    let slope = covariance / variance;
    (slope, mean_y - slope * mean_x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_least_squares() {
        // The residuals 1, -2, 1 are orthogonal to the line 3 + 2 x.
        assert_eq!(line(&[0.0, 1.0, 2.0], &[4.0, 3.0, 8.0]), (2.0, 3.0));
        assert!(!line(&[1.0, 1.0], &[1.0, 2.0]).0.is_finite());
    }

    #[test]
    fn an_exact_power_law_is_found_without_error() {
        let xs = [0.5, 1.0, 2.0, 4.0];
        let measurements: Vec<Vec<f64>> = xs.iter().map(|x| vec![3.0 * f64::powf(*x, 1.5); 5]).collect();
        let law = power_law(&xs, &measurements, |y| y);
        assert!((law.exponent.value - 1.5).abs() < 1e-12 && law.exponent.standard_error < 1e-12);
        assert!((law.prefactor - 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_jackknife_of_a_log_linear_statistic_is_its_standard_error() {
        let factors = [0.999, 1.0, 1.001];
        let measurements = vec![vec![1.0; 3], factors.iter().map(|factor| 2.0 * factor).collect()];
        let law = power_law(&[1.0, 2.0], &measurements, |y| y);
        // log y at x = 2 has the standard error 0.001 / sqrt(3); the slope divides it by log 2.
        let expected = 0.001 / 3.0_f64.sqrt() / std::f64::consts::LN_2;
        assert!((law.exponent.standard_error / expected - 1.0).abs() < 1e-3);
    }
}
