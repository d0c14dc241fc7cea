//! `polder evaluate`: the numbers of a run's last record, computed anew from its checkpoint.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use polder_models::FlatParameters;
use tch::Device;

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stdout;
use polder_experiment::images::{Images, check_packed};
use polder_experiment::run::record::{Evaluation, ITERATE, REFRESHED};
use polder_train::environment;
use polder_train::evaluate::{evaluate, evaluate_refreshed};
use polder_train::feed::Feed;
use polder_train::run_feeds::LoaderOptions;
use polder_train::stored_run::{self, config_of, last_checkpoint};
use polder_train::trainer;

const EXAMPLES: &str = "\
Examples:
  polder evaluate runs/0a1b2c3d4e5f
  polder evaluate runs/0a1b2c3d4e5f --weights iterate,iterate-refreshed    what outdated BN statistics cost
  polder evaluate runs/0a1b2c3d4e5f --json | jq .tail.error";

/// What `polder evaluate` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// A run directory, as `polder train` prints it
    run: PathBuf,
    /// Weights to evaluate: `iterate`, `iterate-refreshed` (after a BN refresh), names of averages [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    weights: Vec<String>,
    #[command(flatten)]
    data: DataDir,
    /// Accepts data files that are not the official ones
    #[arg(long)]
    allow_unverified: bool,
    /// Prints one JSON object keyed by weights: `loss` in nats, `error` as a fraction
    #[arg(long)]
    json: bool,
}

/// Evaluates the last iterate, as it is and with BN refreshed, and every average, and prints a table.
pub(crate) fn run(args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let (config, checkpoint) = (config_of(&args.run)?, last_checkpoint(&args.run)?);
    check_packed(&config, &args.data.data_dir, &args.run)?;
    let images = Images::open(&config, &args.data.data_dir, args.allow_unverified)?;
    environment::fix_threads(&args.run.join(polder_experiment::run::record::ENVIRONMENT_FILE))?;
    let loader = LoaderOptions::default();
    let train = Feed::training(&images, &config, loader, Device::Cpu)?;
    let test = Feed::testing(&images, loader, Device::Cpu)?;
    let network = trainer::network(&config, images.num_classes(), Device::Cpu)?;
    let (averages, position) = stored_run::load(&checkpoint, &config, &network, train.steps_per_epoch())?;

    let own = network.parameters();
    let refreshed = (network.running_statistics().numel() > 0).then_some((REFRESHED, &own));
    let there: Vec<(&str, &FlatParameters)> =
        std::iter::once((ITERATE, &own)).chain(refreshed).chain(averages.iter()).collect();
    for name in &args.weights {
        let names = there.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        ensure!(
            there.iter().any(|(known, _)| known == name),
            "no weights are called `{name}`; this checkpoint has {names}"
        );
    }
    let is_chosen = |name: &str| args.weights.is_empty() || args.weights.iter().any(|chosen| chosen == name);
    let mut evaluations: Vec<(String, Evaluation)> = Vec::new();
    for (name, weights) in there.into_iter().filter(|(name, _)| is_chosen(name)) {
        let evaluation = if name == ITERATE {
            evaluate(&network, &test, &config.evaluation)?
        } else {
            let order = trainer::refresh_epoch(position.epoch);
            evaluate_refreshed(&network, weights, &train, order, &test, &config.evaluation)?
        };
        evaluations.push((name.to_owned(), evaluation));
    }
    if args.json {
        let by_name: serde_json::Map<_, _> = evaluations
            .into_iter()
            .map(|(name, evaluation)| Ok((name, serde_json::to_value(evaluation)?)))
            .collect::<serde_json::Result<_>>()?;
        stdout::print(&format!("{}\n", serde_json::Value::Object(by_name)))?;
        return Ok(Outcome::Done.into());
    }
    let mut table = format!(
        "{} on {}, {} test images, after {} epochs ({} steps)\n",
        config.model.name,
        config.data.dataset,
        images.record.test_images,
        position.epoch,
        position.epoch * train.steps_per_epoch() + position.step
    );
    let _ = writeln!(table, "{:<17} {:>10} {:>10}", "weights", "loss", "accuracy");
    for (name, Evaluation { loss, error }) in &evaluations {
        let loss = loss.map_or("not finite".to_owned(), |loss| format!("{loss:.4}"));
        let _ = writeln!(table, "{name:<17} {loss:>10} {:>8.2} %", 100.0 * (1.0 - error));
    }
    stdout::print(&table)?;
    Ok(Outcome::Done.into())
}
