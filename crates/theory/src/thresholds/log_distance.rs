//! How the logarithm of a distance moves along many paths: its quantiles over the steps, and its rate.

use serde::{Deserialize, Serialize};

use polder_stats::Estimate;

/// Points of the curves, at most.
const NUM_POINTS: u64 = 100;
/// Distances outside of this range are drawn at its ends: what underflows, and what diverges.
pub const SHOWN: (f64, f64) = (1e-18, 1e6);

/// Quantiles over the runs of the decimal logarithm of the distance to a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogDistances {
    /// The steps, ascending from 0.
    pub steps: Vec<u64>,
    /// The 10 % quantile at each step.
    pub low: Vec<f64>,
    /// The median at each step.
    pub median: Vec<f64>,
    /// The 90 % quantile at each step.
    pub high: Vec<f64>,
}

/// Every how many steps a run of `num_steps` steps is looked at.
pub(crate) fn stride(num_steps: u64) -> u64 {
    num_steps.div_ceil(NUM_POINTS).max(1)
}

/// The decimal logarithm of a distance, within what figures show; a distance that is not a number has diverged.
#[inline]
pub(crate) fn shown_log(distance: f64) -> f64 {
    if distance.is_nan() { SHOWN.1.log10() } else { distance.clamp(SHOWN.0, SHOWN.1).log10() }
}

impl LogDistances {
    /// `runs[r][i]` is the logarithm of run r at step `i * stride`; all runs are equally long.
    pub(crate) fn new(runs: &[&[f64]], stride: u64) -> Self {
        let num_points = runs.first().map_or(0, |run| run.len());
        let (mut low, mut median, mut high) = (Vec::new(), Vec::new(), Vec::new());
        for point in 0..num_points {
            let mut values: Vec<f64> = runs.iter().map(|run| run[point]).collect();
            values.sort_by(f64::total_cmp);
            let quantile = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            low.push(quantile(0.1));
            median.push(quantile(0.5));
            high.push(quantile(0.9));
        }
        Self { steps: (0..num_points as u64).map(|point| point * stride).collect(), low, median, high }
    }
}

/// What one run contributes to a rate: the growth of its log distance up to a stopping time, and that time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StoppedGrowth {
    pub(crate) log_growth: f64,
    pub(crate) num_steps: u64,
}

/// The mean growth per step of runs that were stopped at times which depend on their past only. Growth over steps, summed over the runs,
/// is unbiased by the stopping: Wald's identity.
pub(crate) fn rate(runs: &[StoppedGrowth]) -> Estimate {
    let n = runs.len() as f64;
    let steps = runs.iter().map(|run| run.num_steps as f64).sum::<f64>() / n;
    let rate = runs.iter().map(|run| run.log_growth).sum::<f64>() / n / steps;
    let residuals: Vec<f64> =
        runs.iter().map(|run| (run.log_growth - rate * run.num_steps as f64) / steps).collect();
    Estimate::new(rate, Estimate::of_mean(&residuals).standard_error, runs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_runs_at_each_step() {
        let runs: Vec<[f64; 2]> = (0..11).map(|r| [f64::from(r), -f64::from(r)]).collect();
        let views: Vec<&[f64]> = runs.iter().map(<[f64; 2]>::as_slice).collect();
        let quantiles = LogDistances::new(&views, 5);
        assert_eq!(quantiles.steps, [0, 5]);
        assert_eq!((quantiles.low[0], quantiles.median[0], quantiles.high[0]), (1.0, 5.0, 9.0));
        assert_eq!((quantiles.low[1], quantiles.high[1]), (-9.0, -1.0));
    }

    #[test]
    fn a_rate_weighs_runs_by_their_steps() {
        let runs = [
            StoppedGrowth { log_growth: 2.0, num_steps: 10 },
            StoppedGrowth { log_growth: 4.0, num_steps: 20 },
        ];
        let rate = rate(&runs);
        assert!((rate.value - 0.2).abs() < 1e-15 && rate.standard_error < 1e-15);
    }

    #[test]
    fn divergence_and_underflow_stay_in_the_picture() {
        assert_eq!(shown_log(f64::NAN), 6.0);
        assert_eq!(shown_log(f64::INFINITY), 6.0);
        assert_eq!(shown_log(0.0), -18.0);
    }
}
