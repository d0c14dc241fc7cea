//! What the figure of experiment A1 shows: the landscape, its smoothed version, and where many short runs end.

use serde::{Deserialize, Serialize};

use crate::averaging::histogram::{bin_edges, histogram};
use crate::error::TheoryError;
use crate::landscape::Valley;
use crate::setting::{at_least_2, check};
use crate::simulate::{Simulation, antithetic_pairs};
use crate::smoothing::Smoothed;

/// Points of the curves and where they lie.
const NUM_POINTS: u32 = 241;
const CURVES_FROM: f64 = -1.5;
const CURVES_TO: f64 = 1.5;
const NUM_BINS: usize = 60;
/// The part of the experiment for which the short runs draw; the rates draw as part 0.
const PART: u64 = 1;

/// The short runs behind the histograms, at the largest step size of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShortRunsConfig {
    /// The number of runs; even, because they come in antithetic pairs.
    pub num_runs: u64,
    /// The number of steps of each run, at least 2; the average is over the second half.
    pub num_steps: u64,
}

impl Default for ShortRunsConfig {
    fn default() -> Self {
        Self { num_runs: 500, num_steps: 4000 }
    }
}

/// The curves, and where the short runs end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShortRuns {
    /// The step size of the smoothed curve and of the runs.
    pub step_size: f64,
    /// The number of runs in each histogram.
    pub num_runs: u64,
    /// Minimiser of the smoothed objective.
    pub v_star: f64,
    /// Points of the curves.
    pub w: Vec<f64>,
    /// The objective f at the points.
    pub objective: Vec<f64>,
    /// The smoothed objective F at the points.
    pub smoothed: Vec<f64>,
    /// Ascending edges of the bins of both histograms, one more than bins.
    pub bin_edges: Vec<f64>,
    /// Last iterates per bin.
    pub iterate_counts: Vec<u64>,
    /// Tail averages per bin.
    pub average_counts: Vec<u64>,
}

/// Samples the curves and runs the runs.
pub(crate) fn short_runs<L: Valley>(
    landscape: &L,
    config: &ShortRunsConfig,
    step_size: f64,
    (noise_radius, start, seed): (f64, f64, u64),
) -> Result<ShortRuns, TheoryError> {
    let ShortRunsConfig { num_runs, num_steps } = *config;
    let is_even = num_runs >= 2 && num_runs.is_multiple_of(2);
    check(is_even, "short_runs.num_runs", &num_runs, "an even number of at least 2")?;
    at_least_2([("short_runs.num_steps", num_steps)])?;
    let smoothed = Smoothed::new(landscape, step_size, noise_radius)?;
    let w: Vec<f64> = (0..NUM_POINTS)
        .map(|i| CURVES_FROM + (CURVES_TO - CURVES_FROM) * f64::from(i) / f64::from(NUM_POINTS - 1))
        .collect();

    let burn_in = num_steps / 2;
    let num_steps = num_steps - burn_in;
    let simulation = Simulation { step_size, noise_radius, start, burn_in, num_steps, seed, part: PART };
    let v_star = smoothed.minimizer();
    let pairs = antithetic_pairs(landscape, &[(simulation, v_star)], num_runs / 2)?.concat();
    let paths: Vec<_> = pairs.iter().flat_map(|pair| pair.0).collect();
    let iterates: Vec<f64> = paths.iter().map(|path| path.last_iterate).collect();
    let averages: Vec<f64> = paths.iter().map(|path| path.average).collect();

    let all = || iterates.iter().chain(&averages).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let bin_edges = bin_edges((low, high), NUM_BINS);
    Ok(ShortRuns {
        step_size,
        num_runs,
        v_star,
        objective: w.iter().map(|&w| landscape.value(w)).collect(),
        smoothed: w.iter().map(|&w| smoothed.value(w)).collect(),
        w,
        bin_edges,
        iterate_counts: histogram(&iterates, (low, high), NUM_BINS),
        average_counts: histogram(&averages, (low, high), NUM_BINS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::AsymmetricValley;

    fn small() -> ShortRuns {
        let config = ShortRunsConfig { num_runs: 60, num_steps: 1000 };
        short_runs(&AsymmetricValley, &config, 0.2, (2.0, 0.5, 3)).unwrap()
    }

    #[test]
    fn histograms_hold_every_run_and_averages_are_narrower() {
        let runs = small();
        assert_eq!(runs.bin_edges.len(), runs.iterate_counts.len() + 1);
        for counts in [&runs.iterate_counts, &runs.average_counts] {
            assert_eq!(counts.iter().sum::<u64>(), 60);
        }
        let occupied = |counts: &[u64]| counts.iter().filter(|&&count| count > 0).count();
        assert!(occupied(&runs.average_counts) < occupied(&runs.iterate_counts) / 2);
    }

    #[test]
    fn the_smoothed_curve_lies_above_a_convex_objective() {
        let runs = small();
        assert_eq!(runs.w.len(), runs.smoothed.len());
        assert!(runs.smoothed.iter().zip(&runs.objective).all(|(smoothed, objective)| smoothed > objective));
    }

    #[test]
    fn an_odd_number_of_runs_is_refused() {
        let config = ShortRunsConfig { num_runs: 3, ..ShortRunsConfig::default() };
        assert!(short_runs(&AsymmetricValley, &config, 0.2, (2.0, 0.5, 3)).is_err());
    }
}
