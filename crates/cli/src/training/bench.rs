//! `polder bench`: what a training step of a network costs on this machine.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::exit_code::Outcome;
use crate::training::device_flags::{DeviceFlags, GraphFlag};
use crate::training::loader_flags::LoaderFlags;
use crate::work_bar::WorkBar;
use polder_experiment::config::{AveragingConfig, DatasetName, Method, Precision, RunConfig};
use polder_train::bench::measure::Plan;
use polder_train::environment;

const EXAMPLES: &str = "\
Examples:
  polder bench wrn-10-1
  polder bench resnet-18 --precision bf16 --batch-size 128 --steps 20
  polder bench wrn-16-4 --sam --averages 3
  polder bench wrn-28-10 --precision bf16 --device cuda --cuda-graphs --json

Measures, in turns, a training step on images that are on the device already, its parts, training with the loader, and a
large matrix product in the same type: no step can be faster than that.";

/// What `polder bench` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    /// The network, as `model.name` in a configuration
    model: String,
    /// Number type of the network's arithmetic
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = ["f32", "bf16"])]
    precision: String,
    /// Images per minibatch (32x32 pixels each)
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    batch_size: u32,
    /// Steps per round; there are five rounds
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,
    /// Uses SAM instead of SGD
    #[arg(long)]
    sam: bool,
    /// Number of weight averages to maintain
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=64))]
    averages: u16,
    #[command(flatten)]
    loader: LoaderFlags,
    #[command(flatten)]
    device: DeviceFlags,
    #[command(flatten)]
    graphs: GraphFlag,
    /// libtorch threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    /// Reads a number of steps per line from stdin, makes them and prints one line of JSON each; for programs that take turns
    #[arg(long, conflicts_with_all = ["steps", "json"])]
    on_demand: bool,
}

/// Measures and prints.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let placement = args.device.placement()?;
    let cuda_graphs = args.graphs.given(placement)?;
    let device = placement.open()?;
    let environment = environment::here(args.threads.map(usize::from), placement);
    tch::set_num_threads(environment.threads as i32);
    let config = config(args);
    let plan = Plan {
        config: &config,
        device,
        cuda_graphs,
        steps: args.steps as usize,
        loader: args.loader.options(),
        environment,
    };
    if args.on_demand {
        plan.obey(io::stdin().lock(), io::stdout())?;
        return Ok(Outcome::Done.into());
    }
    let record = plan.measure(&WorkBar::new())?;
    let text =
        if args.json { serde_json::to_string(&record)? + "\n" } else { polder_report::bench::text(&record) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Done.into())
}

fn config(args: &BenchArgs) -> RunConfig {
    let mut config = RunConfig::default();
    config.model.name.clone_from(&args.model);
    config.model.precision = if args.precision == "bf16" { Precision::Bf16 } else { Precision::F32 };
    config.training.batch_size = args.batch_size as usize;
    config.data.dataset = DatasetName::Generated;
    config.data.train_images = Some(args.batch_size as usize * args.steps as usize);
    config.data.test_images = Some(1);
    if args.sam {
        config.optimizer.method = Method::Sam;
        config.optimizer.rho = Some(0.05);
    }
    let tail = |index| (format!("tail-{index}"), AveragingConfig::Tail { start: 0.0 });
    config.averages = (0..args.averages).map(tail).collect();
    config
}
