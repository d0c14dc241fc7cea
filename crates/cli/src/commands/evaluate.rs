//! `polder evaluate`: the numbers of a run's last record, computed anew from its checkpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use tch::Device;

use crate::data_dir::DataDir;
use crate::environment;
use crate::evaluate::{evaluate, evaluate_average};
use crate::exit_code::Outcome;
use crate::images::Images;
use crate::record::{Evaluation, ITERATE};
use crate::stored_run::{self, config_of, last_checkpoint};
use crate::trainer;

const EXAMPLES: &str = "\
Examples:
  polder evaluate runs/0a1b2c3d4e5f
  polder evaluate runs/0a1b2c3d4e5f --json | jq .tail.error";

/// What `polder evaluate` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// A run directory, as `polder train` prints it
    run: PathBuf,
    #[command(flatten)]
    data: DataDir,
    /// Evaluates on files that are not the official ones
    #[arg(long)]
    allow_unverified: bool,
    /// Prints one JSON object: by name of the weights, `loss` in nats and `error` as a fraction
    #[arg(long)]
    json: bool,
}

/// Evaluates the last iterate and every average, and prints a table.
pub(crate) fn run(args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let (config, checkpoint) = (config_of(&args.run)?, last_checkpoint(&args.run)?);
    let images = Images::open(&config, &args.data.data_dir, args.allow_unverified)?;
    environment::fix_threads(&args.run.join(crate::record::ENVIRONMENT_FILE))?;
    let (train, test) = (images.train_feed(&config, 1, Device::Cpu)?, images.test_feed(1, Device::Cpu)?);
    let network = trainer::network(&config, images.num_classes(), Device::Cpu)?;
    let (averages, position) = stored_run::load(&checkpoint, &config, &network, train.steps_per_epoch())?;

    let mut evaluations: Vec<(String, Evaluation)> = Vec::new();
    let Some(iterate) = evaluate(&network, &test, &config.evaluation)? else {
        return Ok(Outcome::Interrupted.into());
    };
    evaluations.push((ITERATE.to_owned(), iterate));
    for (name, average) in averages.iter() {
        let order = trainer::refresh_epoch(position.epoch);
        let evaluation = evaluate_average(&network, average, &train, order, &test, &config.evaluation)?;
        let Some(evaluation) = evaluation else { return Ok(Outcome::Interrupted.into()) };
        evaluations.push((name.to_owned(), evaluation));
    }
    if args.json {
        let by_name: serde_json::Map<_, _> = evaluations
            .into_iter()
            .map(|(name, evaluation)| Ok((name, serde_json::to_value(evaluation)?)))
            .collect::<serde_json::Result<_>>()?;
        println!("{}", serde_json::Value::Object(by_name));
        return Ok(Outcome::Done.into());
    }
    println!(
        "{} on {}, {} test images, after {} epochs and {} steps",
        config.model.name, config.data.dataset, images.record.test_images, position.epoch, position.step
    );
    println!("{:<16} {:>10} {:>10}", "weights", "loss", "accuracy");
    for (name, Evaluation { loss, error }) in &evaluations {
        let loss = loss.map_or("not finite".to_owned(), |loss| format!("{loss:.4}"));
        println!("{name:<16} {loss:>10} {:>8.2} %", 100.0 * (1.0 - error));
    }
    Ok(Outcome::Done.into())
}
