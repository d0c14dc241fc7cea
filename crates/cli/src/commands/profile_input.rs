//! `polder profile-input`: is the input pipeline the bottleneck?

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use tch::Device;

use crate::data_dir::DataDir;
use crate::device_flags::DeviceChoice;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::trace;
use crate::work_bar::WorkBar;
use polder_experiment::config::model_name;
use polder_experiment::config::{Precision, RunConfig};
use polder_experiment::profile::measurement::{Round, Spread};
use polder_experiment::profile::record::{ImagesRecord, PROFILE_FILE, ProfileRecord};
use polder_experiment::profile::setting::{Format, Setting};
use polder_experiment::profile::verdict::Verdict;
use polder_experiment::replace_file::replace_file;
use polder_report::profile::{picture, text};
use polder_train::device::Placement;
use polder_train::environment;
use polder_train::profile::consumer::{Consumer, Model};
use polder_train::profile::flow::Interrupted;
use polder_train::profile::investigation::Investigation;
use polder_train::profile::source::Source;

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

/// The rounds over which medians are taken.
const ROUNDS: usize = 5;

/// What `polder profile-input` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProfileInputArgs {
    /// The network that trains on the images [default: wrn-10-1]
    #[arg(long, value_name = "NAME", conflicts_with = "consumer_rate")]
    model: Option<String>,
    /// Instead of a network, simulates a consumer of so many images per second
    #[arg(long, value_name = "R", value_parser = positive)]
    consumer_rate: Option<f64>,
    #[command(flatten)]
    data: DataDir,
    /// Which images
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = dataset_names())]
    dataset: String,
    /// Only the first so many images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,
    /// Images per minibatch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: u32,
    /// Threads of the loader
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Finished minibatches that may wait per worker
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    queue: u16,
    /// Type of the values that the loader hands out
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
    /// Type in which the network computes
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = ["f32", "bf16"])]
    precision: String,
    /// Where the network computes
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
    /// libtorch's threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Time for each of loader, consumer and both, over all rounds; a slow network takes longer
    #[arg(long, value_name = "S", default_value_t = 3.0, value_parser = positive)]
    seconds: f64,
    /// Prints one JSON document with everything that was measured
    #[arg(long)]
    json: bool,
    /// Draws throughput and queue as an SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Writes profile-input.json and profile-input.svg into this folder; in a results folder, `polder report` shows them
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn dataset_names() -> impl clap::builder::TypedValueParser<Value = String> {
    PossibleValuesParser::new(Source::names()).map(|name| name)
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
    let profile = match profile(args, traced) {
        Err(error) if error.is::<Interrupted>() => {
            say(&format!("{error}; nothing was written"));
            return Ok(Outcome::Interrupted.into());
        }
        other => other?,
    };
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
    let images = args.images.map(|images| images as usize);
    let source = Source::open(&args.dataset, &args.data.data_dir, images)?;
    let setting = Setting {
        batch_size: args.batch_size as usize,
        workers: usize::from(args.workers),
        queue: usize::from(args.queue),
        format: args.format,
    };
    let (consumer, consumer_name, description) = consumer(args, &source, device, environment.threads)?;
    let progress = WorkBar::new();
    let mut investigation = Investigation {
        source: &source,
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
    let shape = source.dataset.shape();
    let over = |quantity: fn(&Round) -> f64| Spread::of(measured.rounds.iter().map(quantity));
    Ok(ProfileRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(args, &setting),
        environment,
        images: ImagesRecord {
            dataset: source.name.clone(),
            num_images: source.dataset.len(),
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

/// The consumer, what it is called in sentences, and what it is.
fn consumer(
    args: &ProfileInputArgs,
    source: &Source,
    device: Device,
    threads: usize,
) -> anyhow::Result<(Consumer, &'static str, String)> {
    if let Some(images_per_second) = args.consumer_rate {
        let rate = text::grouped(images_per_second);
        let description = format!("a simulated one of {rate} images per second");
        return Ok((Consumer::Simulated { images_per_second }, "the consumer", description));
    }
    let mut config = RunConfig::default();
    if let Some(model) = &args.model {
        config.model.name.clone_from(model);
    }
    config.model.precision = match args.precision.as_str() {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        other => bail!("no precision is called `{other}`"),
    };
    let model = Model::new(&config, source, args.batch_size as usize, device)?;
    let place = match device {
        Device::Cpu => {
            format!("on the processor with {threads} thread{}", if threads == 1 { "" } else { "s" })
        }
        _ => "on CUDA".to_owned(),
    };
    ensure!(model.num_parameters() > 0, "`{}` has no parameters", config.model.name);
    let description = format!("{} in {} {place}", config.model.name, args.precision);
    Ok((Consumer::Model(Box::new(model)), "the model", description))
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
