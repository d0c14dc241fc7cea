//! Every law that there is, in the order of the papers.

use polder_theory as theory;
use serde::Deserialize;

use super::{Flag, Law, settings, table};
use crate::scale::ScaleName;

/// A law from its module in [`polder_theory`].
macro_rules! law {
    ($id:literal | $typed:literal, $name:literal | $module_name:literal, $about:literal, $($module:ident)::+, [$($flag:expr),* $(,)?]) => {
        Law {
            id: $id,
            typed_id: $typed,
            name: $name,
            module: $module_name,
            about: $about,
            flags: &[$($flag),*],
            preset: |scale| {
                use theory::$($module)::+::Config;
                table(&match scale {
                    ScaleName::Smoke => Config::smoke(),
                    ScaleName::Desk => Config::default(),
                    ScaleName::Paper => Config::paper(),
                })
            },
            simulate: |of| Ok(serde_json::to_value(theory::$($module)::+::run(&settings(of)?)?)?),
            check: |of| Ok(theory::$($module)::+::Report::deserialize(of).map(drop)?),
        }
    };
}

const STEPS: &str = "Steps of every run";
const RUNS: &str = "Runs per step size";
const STEP_SIZES: &str = "Step sizes";
const BATCH_SIZES: &str = "Batch sizes; `all` stands for infinitely many draws";
const STEP_SHARE: &str = "Step size in units of 1 over the largest eigenvalue";
const RHO_SHARES: &str = "Radii of SAM in units of 1 over the largest eigenvalue";
const REPLICATES: &str = "Replicates, each with noise of its own";
const NOISE_RADIUS: &str = "Radius of the uniform gradient noise";

impl Law {
    /// All laws.
    pub const ALL: [Self; 11] = [
        law!(
            "A1" | "a1",
            "smoothing" | "rates",
            "Rates of SGD and of its average towards the minimiser of the smoothed objective",
            averaging::rates,
            [
                Flag::new("step-size", "step_sizes", STEP_SIZES),
                Flag::new("noise", "noise_radius", NOISE_RADIUS),
                Flag::new("steps", "num_steps", "Measured steps of every path, after the burn-in"),
                Flag::new("burn-in", "burn_in", "Steps of every path before anything is measured"),
                Flag::new("pairs", "num_pairs", "Antithetic pairs of paths per step size"),
                Flag::new("start", "start", "The first iterate"),
                Flag::SEED,
            ]
        ),
        law!(
            "A2" | "a2",
            "minima" | "minima",
            "Which of a sharp and a flat minimum SGD and its average end at, by step size",
            averaging::minima,
            [
                Flag::new("step-size", "step_sizes", "Step sizes, at least two, ascending"),
                Flag::new("noise", "noise_radius", NOISE_RADIUS),
                Flag::new("steps", "num_steps", STEPS),
                Flag::new("runs", "num_runs", RUNS),
                Flag::new("near", "near", "A run ends at a minimum if it ends at most this far from it"),
                Flag::SEED,
            ]
        ),
        law!(
            "A3" | "a3",
            "kink" | "kink",
            "A negative control: at a kink the average is not of the order of the step size",
            averaging::kink,
            [
                Flag::new("step-size", "step_sizes", "Step sizes, at least two"),
                Flag::new("noise", "noise_radius", NOISE_RADIUS),
                Flag::new("left", "valley.left", "Slope's slope left of the kink"),
                Flag::new("right", "valley.right", "Slope's slope right of the kink"),
                Flag::new("steps", "num_steps", "Measured steps of every path, after the burn-in"),
                Flag::new("pairs", "num_pairs", "Antithetic pairs of paths per step size"),
                Flag::SEED,
            ]
        ),
        law!(
            "B1" | "b1",
            "thresholds" | "quadratic",
            "Step sizes at which SGD leaves a minimum, in mean square and almost surely",
            thresholds::quadratic,
            [
                Flag::new("batch-sizes", "batch_sizes", BATCH_SIZES),
                Flag::new("draws", "num_draws", "Draws of a curvature per measured threshold"),
                Flag::new("runs", "num_runs", RUNS),
                Flag::new("steps", "num_steps", STEPS),
                Flag::SEED,
            ]
        ),
        law!(
            "B2" | "b2",
            "circle" | "circle",
            "Escape from the sharp one of two bowls, by step size and batch size",
            thresholds::circle,
            [
                Flag::new("sharp", "sharp_curvature", "Mean curvature of the sharp bowl"),
                Flag::new("flat", "flat_curvature", "Mean curvature of the flat bowl"),
                Flag::new("batch-sizes", "runs.batch_sizes", BATCH_SIZES),
                Flag::new("runs", "runs.num_runs", "Runs per step size, batch size and minimum"),
                Flag::new("steps", "runs.num_steps", STEPS),
                Flag::new("seed", "runs.seed", Flag::SEED.help),
            ]
        ),
        law!(
            "B3" | "b3",
            "styblinski-tang" | "styblinski-tang",
            "Escape from the minima of the Styblinski-Tang function",
            thresholds::styblinski_tang,
            [
                Flag::new("dim", "dim", "Coordinates"),
                Flag::new("batch-sizes", "runs.batch_sizes", BATCH_SIZES),
                Flag::new("runs", "runs.num_runs", "Runs per step size, batch size and minimum"),
                Flag::new("steps", "runs.num_steps", STEPS),
                Flag::new("seed", "runs.seed", Flag::SEED.help),
            ]
        ),
        law!(
            "C1" | "c1",
            "modified-loss" | "modified-loss",
            "The mean iterate of SGD after an epoch against gradient flow on three losses",
            modified_loss,
            [
                Flag::new("step-size", "step_sizes", "Step sizes of the table"),
                Flag::new("fit-step-size", "fit_step_sizes", "Step sizes of the fits, at least three"),
                Flag::new("start", "start", "Where the epoch starts"),
                Flag::new("instances", "num_instances", "Random problems of the fits"),
                Flag::new("minibatches", "num_minibatches", "Minibatches of every random problem"),
                Flag::SEED,
            ]
        ),
        law!(
            "D1" | "d1",
            "least-squares" | "least-squares",
            "Bias and variance of gradient descent and SAM on least squares",
            sam::least_squares,
            [
                Flag::new("step-size", "step_size", "Step size of the small problem"),
                Flag::new("rho", "rho", "Radius of SAM on the small problem"),
                Flag::new("noise", "noise_sd", "Standard deviation of its label noise"),
                Flag::new("steps", "steps", "Its recorded steps, ascending"),
                Flag::new("replicates", "num_replicates", REPLICATES),
                Flag::SEED,
            ]
        ),
        law!(
            "D2" | "d2",
            "kernel" | "kernel",
            "Bias and variance of gradient descent and SAM on kernel regression",
            sam::kernel,
            [
                Flag::new("examples", "num_examples", "Examples per problem"),
                Flag::new(
                    "signal-to-noise",
                    "signal_to_noise",
                    "Mean square of the signal over the variance of the noise"
                ),
                Flag::new("rho", "rho_shares", RHO_SHARES),
                Flag::new("step-size", "step_share", STEP_SHARE),
                Flag::new("steps", "num_steps", STEPS),
                Flag::new("replicates", "num_replicates", REPLICATES),
                Flag::SEED,
            ]
        ),
        law!(
            "D3" | "d3",
            "minibatch-sam" | "minibatch",
            "Minibatch SAM regularises at least as strongly as full-batch SAM",
            sam::minibatch,
            [
                Flag::new("examples", "num_examples", "Examples"),
                Flag::new("features", "num_features", "Features"),
                Flag::new("batch-sizes", "batch_sizes", "Batch sizes; the full batch comes on top"),
                Flag::new("rho", "rho_share", "Radius of SAM in units of 1 over the largest eigenvalue"),
                Flag::new(
                    "step-size",
                    "step_share",
                    "Step size in units of the one at which no step on any minibatch overshoots"
                ),
                Flag::new("steps", "num_steps", STEPS),
                Flag::new("replicates", "num_replicates", "Runs per batch size"),
                Flag::SEED,
            ]
        ),
        law!(
            "D4" | "d4",
            "students" | "students",
            "Students of a teacher network, trained by gradient descent and by SAM",
            sam::students,
            [
                Flag::new("units", "student_units", "Hidden units of the students"),
                Flag::new("examples", "num_examples", "Examples"),
                Flag::new(
                    "noise",
                    "noise_share",
                    "Standard deviation of the label noise over that of the teacher's outputs"
                ),
                Flag::new("step-size", "step_size", "Step size"),
                Flag::new("rho", "rho", "Radius of SAM"),
                Flag::new("steps", "num_steps", STEPS),
                Flag::new("replicates", "num_replicates", "Replicates, each with a teacher of its own"),
                Flag::SEED,
            ]
        ),
    ];
}
