//! The order of an error in a small quantity, with the next order taken out.

use polder_stats::{Estimate, jackknife};

/// Fits `log y = constant + order * log x + slope * x` by least squares, at 3 or more different `xs`. `measurements[i][k]` is replicate
/// k at `xs[i]`; `y_i` is `transform` of the mean over the replicates.
///
/// A quantity of order p has `y = C x^p (1 + c x + ...)`: the last term of the fit takes `c x` out, which a power law alone would
/// count as order. What is left of that is of order `x^2`. The standard error is the jackknife's over replicates.
pub(crate) fn corrected_order(
    xs: &[f64],
    measurements: &[Vec<f64>],
    transform: impl Fn(f64) -> f64,
) -> Estimate {
    let num_replicates = measurements.first().map_or(0, Vec::len);
    let n = num_replicates as f64;
    let regressor = regressor(xs);
    let sums: Vec<f64> = measurements.iter().map(|replicates| replicates.iter().sum()).collect();
    let order = |mean: &dyn Fn(usize) -> f64| {
        regressor.iter().enumerate().map(|(i, weight)| weight * transform(mean(i)).ln()).sum::<f64>()
    };
    let standard_error =
        jackknife(num_replicates, |k| order(&|i| (sums[i] - measurements[i][k]) / (n - 1.0)));
    Estimate::new(order(&|i| sums[i] / n), standard_error, num_replicates)
}

/// The weights of the log errors in the order: `log x` made orthogonal to the constant and to x.
fn regressor(xs: &[f64]) -> Vec<f64> {
    let centered = |values: Vec<f64>| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|x| x - mean).collect()
    };
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (logs, linear) = (centered(xs.iter().map(|x| x.ln()).collect()), centered(xs.to_vec()));
    let share = product(&logs, &linear) / product(&linear, &linear);
    let rest: Vec<f64> = logs.iter().zip(&linear).map(|(log, x)| log - share * x).collect();
    let square = product(&rest, &rest);
    rest.iter().map(|x| x / square).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_order_is_taken_out() {
        let xs = [0.08, 0.04, 0.02, 0.01_f64];
        let exact: Vec<Vec<f64>> = xs.iter().map(|x| vec![5.0 * x.powi(3) * (-1.7 * x).exp(); 4]).collect();
        let found = corrected_order(&xs, &exact, |y| y);
        assert!((found.value - 3.0).abs() < 1e-12 && found.standard_error < 1e-12, "{found:?}");
    }

    #[test]
    fn the_jackknife_of_a_log_linear_statistic_is_its_standard_error() {
        // Noise at the last x only: the standard error of its log, 0.001 / sqrt(3), times its weight.
        let (xs, factors) = ([1.0, 2.0, 4.0], [0.999, 1.0, 1.001]);
        let measurements = [vec![1.0; 3], vec![1.0; 3], factors.to_vec()];
        let expected = 0.001 / 3.0_f64.sqrt() * regressor(&xs)[2].abs();
        let found = corrected_order(&xs, &measurements, |y| y);
        assert!((found.standard_error / expected - 1.0).abs() < 1e-3);
    }
}
