//! `polder theory`: a paper's law by simulation, with the optimizer code that trains networks.

use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;
use polder_theory::{A1Config, A1Result, Estimate, a1};
use serde_json::json;

use crate::exit_code::Outcome;

const EXAMPLES: &str = "\
Examples:
  polder theory A1
  polder theory A1 --steps 100000 --pairs 4 --json";

/// What `polder theory` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TheoryArgs {
    /// The experiment
    #[arg(value_enum, ignore_case = true)]
    experiment: TheoryExperiment,
    /// Seed of the noise [default: that of the experiment]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Steps per path after the burn-in [default: 1,000,000]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Antithetic pairs of paths per step size [default: that of the experiment]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    pairs: Option<u64>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// Experiments that need no data.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TheoryExperiment {
    /// Rates of SGD and its average on the asymmetric valley (Nitanda et al. 2023)
    #[value(name = "A1")]
    A1,
}

/// Simulates and prints a table.
pub(crate) fn run(args: &TheoryArgs) -> anyhow::Result<ExitCode> {
    let TheoryExperiment::A1 = args.experiment;
    let mut config = A1Config::default();
    config.seed = args.seed.unwrap_or(config.seed);
    config.num_steps = args.steps.unwrap_or(config.num_steps);
    config.num_pairs = args.pairs.unwrap_or(config.num_pairs);
    let begun = Instant::now();
    let result = a1(&config)?;
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        println!("{}", json_of(&result, seconds)?);
    } else {
        print_table(&result, seconds);
    }
    Ok(Outcome::Done.into())
}

fn json_of(result: &A1Result, seconds: f64) -> anyhow::Result<serde_json::Value> {
    let slope = |e: &Estimate| json!({ "estimate": e.value, "low": e.lower, "high": e.upper });
    let chord_residual_max = result.rows.iter().map(|row| row.chord_residual.abs()).fold(0.0, f64::max);
    Ok(json!({
        "experiment": "A1",
        "sgd_slope": slope(&result.sgd.exponent),
        "averaged_slope": slope(&result.averaged.exponent),
        "chord_residual_max": chord_residual_max,
        "seconds": seconds,
        "rows": serde_json::to_value(&result.rows)?,
        "config": serde_json::to_value(&result.config)?,
    }))
}

fn print_table(result: &A1Result, seconds: f64) {
    let config = &result.config;
    println!(
        "A1: SGD and its average on f(w) = w^2/2 + 4 (log cosh(w - 1) + tanh(1) w), noise U[-{r}, {r}]",
        r = config.noise_radius
    );
    println!(
        "{} antithetic pairs of paths, {} steps each after {}; intervals at 95 %\n",
        config.num_pairs, config.num_steps, config.burn_in
    );
    println!(
        "{:>9} {:>12} {:>20} {:>20} {:>24}",
        "step size", "v*", "RMS(v - v*)", "RMS(w - v*)", "mean(v) - v*"
    );
    for row in &result.rows {
        let pm = |e: &Estimate, digits| format!("{:.*} ± {:.1e}", digits, e.value, (e.upper - e.lower) / 2.0);
        let note = if row.in_fit { "fit" } else { "" };
        println!(
            "{:>9} {:>12.6} {:>20} {:>20} {:>24}  {note}",
            row.step_size,
            row.v_star,
            pm(&row.rms_v, 5),
            pm(&row.rms_w, 5),
            pm(&row.bias, 6)
        );
    }
    let slope = |what: &str, e: &Estimate, law: &str| {
        println!("{what:<28} {:.3}  [{:.3}, {:.3}]   law: {law}", e.value, e.lower, e.upper);
    };
    println!();
    slope("exponent of RMS(v - v*)", &result.sgd.exponent, "0.5 as the step size goes to 0");
    slope("exponent of |mean(v) - v*|", &result.averaged.exponent, "1");
    println!("{seconds:.1} s");
}
