//! `polder profile-input`: is the input pipeline the bottleneck?

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use polder_architecture::ArchitectureError;
use polder_data::DatasetKind;
use polder_optim::Averages;
use tch::Device;

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::trace;
use crate::training::device_flags::DeviceChoice;
use crate::training::loader_flags::LoaderFlags;
use crate::work_bar::WorkBar;
use polder_experiment::config::model_name;
use polder_experiment::config::{DatasetName, Precision, RunConfig};
use polder_experiment::images::Images;
use polder_experiment::profile::measurement::{Round, Spread};
use polder_experiment::profile::record::{ImagesRecord, PROFILE_FILE, ProfileRecord};
use polder_experiment::profile::setting::{Format, Setting};
use polder_experiment::profile::verdict::Verdict;
use polder_experiment::replace_file::replace_file;
use polder_report::profile::{picture, text};
use polder_train::device::Placement;
use polder_train::feed::Feed;
use polder_train::profile::consumer::Consumer;
use polder_train::profile::investigation::Investigation;
use polder_train::run_feeds::LoaderOptions;
use polder_train::timed_training::TimedTraining;
use polder_train::training::Training;
use polder_train::{environment, trainer};

const EXAMPLES: &str = "\
Examples:
  polder profile-input --dataset generated                  with the network that `polder train` takes unless told
  polder profile-input --model resnet-18 --workers 2        with another one, and another loader
  polder profile-input --consumer-rate 20000                with a simulation of a GPU that trains so fast
  polder profile-input --json | jq .verdict.bound           everything that was measured, as one JSON document
  polder profile-input --trace out.json                     every span of every thread, for ui.perfetto.dev
  polder profile-input --output results; polder report      the profile becomes a part of the report

Measures the loader alone, the consumer alone on images that are there already, and both together, in turns; says which
of the two is the bottleneck and by how much; follows the advice that results, and measures what that changes. Advice
that does not help here is withdrawn. A trace is recorded after the measurements, so that it disturbs none of them.";

/// The name of the data set that needs no file.
const GENERATED: &str = "generated";

/// 30 MB: more than a processor's cache.
const GENERATED_IMAGES: usize = 10_000;

/// The rounds over which medians are taken.
const ROUNDS: usize = 5;

/// What `polder profile-input` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProfileInputArgs {
    /// Network to train [default: wrn-10-1]
    #[arg(long, value_name = "NAME", conflicts_with = "consumer_rate")]
    model: Option<String>,
    /// Simulates a consumer of R images per second instead of a network
    #[arg(long, value_name = "R", value_parser = positive)]
    consumer_rate: Option<f64>,
    #[command(flatten)]
    data: DataDir,
    /// Which images
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = dataset_names())]
    dataset: String,
    /// Uses only the first N images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,
    /// Images per minibatch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: u32,
    #[command(flatten)]
    loader: LoaderFlags,
    /// Number type of the network's arithmetic
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = ["f32", "bf16"])]
    precision: String,
    /// Device of the network
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
    /// libtorch threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Seconds to measure each of loader, consumer and both; a slow network takes longer
    #[arg(long, value_name = "S", default_value_t = 3.0, value_parser = positive)]
    seconds: f64,
    /// Prints all measurements as one JSON document
    #[arg(long)]
    json: bool,
    /// Draws throughput and queue as an SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Writes profile-input.json and profile-input.svg into this folder; in a results folder, `polder report` shows them
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Every data set that is not the user's own.
fn dataset_names() -> impl clap::builder::TypedValueParser<Value = String> {
    let names = DatasetKind::ALL.into_iter().map(DatasetKind::name).chain([GENERATED]);
    PossibleValuesParser::new(names).map(|name| name)
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e9 => Ok(number),
        _ => Err("expected a positive number of at most 1e9".to_owned()),
    }
}

/// Profiles, prints, writes what was asked for.
pub(crate) fn run(args: &ProfileInputArgs, traced: bool) -> anyhow::Result<ExitCode> {
    trace::record(false);
    let profile = profile(args, traced)?;
    let json = serde_json::to_string_pretty(&profile)?;
    if let Some(dir) = &args.output {
        replace_file(&dir.join(PROFILE_FILE), json.as_bytes())?;
    }
    let beside = args.output.iter().map(|dir| dir.join(PROFILE_FILE).with_extension("svg"));
    for path in beside.chain(args.picture.clone()) {
        replace_file(&path, picture::file(&profile).as_bytes())?;
    }
    let text = if args.json { json + "\n" } else { text::page(&profile) };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever read the beginning has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done.into()),
        written => written.map(|()| Outcome::Done.into()).context("cannot write to stdout"),
    }
}

fn profile(args: &ProfileInputArgs, traced: bool) -> anyhow::Result<ProfileRecord> {
    // A simulated consumer needs no device.
    let placement = if args.consumer_rate.is_some() { Placement::Cpu } else { args.device.placement() };
    let device = placement.open()?;
    let environment = environment::here(args.threads.map(usize::from), placement);
    tch::set_num_threads(environment.threads as i32);
    if let Some(model) = &args.model {
        model_name::check(model)?;
    }
    let config = config(args)?;
    let images = open_images(args, &config)?;
    let LoaderOptions { workers, prefetch } = args.loader.options();
    let setting = Setting {
        batch_size: config.training.batch_size,
        workers,
        queue: prefetch,
        format: if device.is_cuda() { Format::U8 } else { Format::F32 },
    };
    let (consumer, consumer_name, description) =
        consumer(args, &config, &images, device, environment.threads)?;
    let progress = WorkBar::new();
    let mut investigation = Investigation {
        images: &images,
        config: &config,
        device,
        consumer,
        consumer_name,
        stretch: Duration::from_secs_f64(args.seconds / ROUNDS as f64),
        rounds: ROUNDS,
        cores: environment.cores,
        progress: &progress,
        epoch: 0,
    };
    let measured = investigation.measure(&setting)?;
    let verdict = Verdict::of(&measured.rounds, consumer_name);
    let advised = investigation.follow_advice(&setting, &measured.rounds, &verdict)?;
    if traced {
        trace::record(true);
        investigation.show(&setting)?;
        trace::record(false);
    }
    let shape = images.train.shape();
    let over = |quantity: fn(&Round) -> f64| Spread::of(measured.rounds.iter().map(quantity));
    Ok(ProfileRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(args, &setting),
        environment,
        images: ImagesRecord {
            dataset: args.dataset.clone(),
            num_images: images.train.len(),
            shape: [shape.channels, shape.height, shape.width],
        },
        consumer: description,
        setting,
        loader: over(|round| round.loader),
        consumer_alone: over(|round| round.consumer),
        together: over(|round| round.together),
        waited: over(|round| round.waited),
        copied: over(|round| round.copied),
        stages_alone: measured.alone,
        stages_together: measured.together,
        queue: measured.queue,
        verdict_text: verdict.to_string(),
        verdict,
        recommended: advised.setting,
        recommended_verdict: advised.verdict,
        rounds: measured.rounds,
        trials: advised.trials,
    })
}

/// The run whose input is profiled: what `polder train` takes unless told, but for what the flags say.
fn config(args: &ProfileInputArgs) -> anyhow::Result<RunConfig> {
    let mut config = RunConfig::default();
    if let Some(model) = &args.model {
        config.model.name.clone_from(model);
    }
    config.model.precision = if args.precision == "bf16" { Precision::Bf16 } else { Precision::F32 };
    config.training.batch_size = args.batch_size as usize;
    config.data.dataset = serde_json::from_value::<DatasetName>(args.dataset.clone().into())?;
    config.data.train_images = args.images.map(|images| images as usize);
    if config.data.dataset == DatasetName::Generated {
        config.data.train_images.get_or_insert(GENERATED_IMAGES);
        config.data.test_images = Some(1);
    }
    Ok(config)
}

/// The images, official or not: what they show does not matter here.
fn open_images(args: &ProfileInputArgs, config: &RunConfig) -> anyhow::Result<Images> {
    if args.consumer_rate.is_some() {
        return Images::for_any_network(config, &args.data.data_dir, true)
            .map_err(|error| no_file_needed(&error));
    }
    Images::open(config, &args.data.data_dir, true).map_err(|error| {
        if error.chain().any(<dyn std::error::Error>::is::<ArchitectureError>) {
            error.context(format!(
                "`{}` does not fit; --consumer-rate R simulates a consumer of R images per second instead",
                args.dataset
            ))
        } else {
            no_file_needed(&error)
        }
    })
}

fn no_file_needed(error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}; `--dataset {GENERATED}` needs no file")
}

/// The consumer, what it is called in sentences, and what it is.
fn consumer(
    args: &ProfileInputArgs,
    config: &RunConfig,
    images: &Images,
    device: Device,
    threads: usize,
) -> anyhow::Result<(Consumer, &'static str, String)> {
    if let Some(images_per_second) = args.consumer_rate {
        let rate = text::grouped(images_per_second);
        let description = format!("a simulated one of {rate} images per second");
        return Ok((Consumer::Simulated { images_per_second }, "the consumer", description));
    }
    let feed = Feed::training(images, config, args.loader.options(), device)?;
    let network = trainer::network(config, images.num_classes(), device)?;
    let optimizer = trainer::built_in_optimizer(config, &network)?;
    let training = Training::new(network, optimizer, Averages::new(config.averages(feed.steps_per_epoch()))?);
    let consumer = Consumer::Network(Box::new(TimedTraining::new(training, &feed)?));
    let place = match device {
        Device::Cpu => {
            format!("on the processor with {threads} thread{}", if threads == 1 { "" } else { "s" })
        }
        _ => "on CUDA".to_owned(),
    };
    Ok((consumer, "the model", format!("{} in {} {place}", config.model.name, args.precision)))
}

/// The command that measures the same again; where data lies differs from one machine to the next.
fn command(args: &ProfileInputArgs, setting: &Setting) -> String {
    let consumer = match (args.consumer_rate, &args.model) {
        (Some(rate), _) => format!("--consumer-rate {rate}"),
        (None, model) => {
            let name = model.clone().unwrap_or(RunConfig::default().model.name);
            let device = match args.device {
                DeviceChoice::Cpu => "",
                DeviceChoice::Cuda => " --device cuda",
            };
            format!("--model {name} --precision {}{device}", args.precision)
        }
    };
    let images = args.images.map_or(String::new(), |images| format!(" --images {images}"));
    format!(
        "polder profile-input {consumer} --dataset {}{images} --batch-size {} {} --seconds {}",
        args.dataset,
        setting.batch_size,
        setting.flags(),
        args.seconds
    )
}
