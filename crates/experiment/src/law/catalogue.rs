//! Every law that there is, in the order of the papers.

use polder_theory::{self as theory, Exhibits};

use super::{Flag, Law, settings, table};
use crate::scale::ScaleName;

/// A law from the names of its settings, its report and its function in [`polder_theory`].
macro_rules! law {
    ($id:literal | $typed:literal, $name:literal, $about:literal, $settings:ident, $report:ident, $simulate:ident, [$($flag:expr),* $(,)?]) => {
        Law {
            id: $id,
            typed_id: $typed,
            name: $name,
            about: $about,
            flags: &[$($flag),*],
            preset: |scale| {
                table(&match scale {
                    ScaleName::Smoke => theory::$settings::smoke(),
                    ScaleName::Desk => theory::$settings::desk(),
                    ScaleName::Paper => theory::$settings::paper(),
                })
            },
            simulate: |of| Ok(serde_json::to_value(theory::$simulate(&settings(of)?)?)?),
            exhibit: |of| Ok(<theory::$report as serde::Deserialize>::deserialize(of)?.exhibit()),
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
            "smoothing",
            "Rates of SGD and of its average towards the minimiser of the smoothed objective",
            A1Config,
            A1Report,
            a1,
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
            "minima",
            "Which of a sharp and a flat minimum SGD and its average end at, by step size",
            A2Config,
            A2Report,
            a2,
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
            "kink",
            "A negative control: at a kink the average is not of the order of the step size",
            A3Config,
            A3Report,
            a3,
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
            "thresholds",
            "Step sizes at which SGD leaves a minimum, in mean square and almost surely",
            B1Config,
            B1Report,
            b1,
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
            "circle",
            "Escape from the sharp one of two bowls, by step size and batch size",
            B2Config,
            B2Report,
            b2,
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
            "styblinski-tang",
            "Escape from the minima of the Styblinski-Tang function",
            B3Config,
            B3Report,
            b3,
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
            "modified-loss",
            "The mean iterate of SGD after an epoch against gradient flow on three losses",
            C1Config,
            C1Report,
            c1,
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
            "least-squares",
            "Bias and variance of gradient descent and SAM on least squares",
            D1Config,
            D1Report,
            d1,
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
            "kernel",
            "Bias and variance of gradient descent and SAM on kernel regression",
            D2Config,
            D2Report,
            d2,
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
            "minibatch-sam",
            "Minibatch SAM regularises at least as strongly as full-batch SAM",
            D3Config,
            D3Report,
            d3,
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
            "students",
            "Students of a teacher network, trained by gradient descent and by SAM",
            D4Config,
            D4Report,
            d4,
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
