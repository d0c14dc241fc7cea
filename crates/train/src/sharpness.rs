//! `polder sharpness`: how flat the loss is at the weights of a run, part by part, each kept beside the run.
//!
//! A `RunWeights` is a run with its checkpoints, a [`MeasurementSpec`] one measure of some of its
//! weights with every setting that changes its answer. Answers lie in the run directory under a digest of their question, also
//! half-way, so that a command that is repeated, or repeated with one more measure, computes what is missing.
//!
//! What is measured is one fixed function of the weights: mean cross entropy over stated images without augmentation, BN in
//! evaluation mode after a refresh over training images, no weight decay, no label smoothing; f32 passes whatever the run trains
//! in, sums in f64.

mod bench;
mod compute;
mod curvature;
mod interruptible_oracle;
mod rises;
mod run_weights;
mod sections;
mod subset;
mod summary;
mod weights;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use polder_models::Network;
use polder_optim::Vector as _;
use tch::Device;

use self::bench::MeasuringContext;
use self::compute::complete;
use self::run_weights::{RunWeights, Stage};
use self::subset::Chosen;
use self::weights::Weights;
use crate::environment;
use crate::feed::Feed;
use crate::progress::WorkProgress;
use crate::run_feeds::LoaderOptions;
use polder_experiment::images::{Images, check_packed};
use polder_experiment::run::record::ENVIRONMENT_FILE;
use polder_experiment::sharpness::measurement_spec::{Measure, MeasurementSpec};
use polder_experiment::sharpness::plan::{MeasureName, Settings};
use polder_experiment::sharpness::store::Store;
use polder_experiment::sharpness::{OfOne, SharpnessReport, StageReport};

pub use self::summary::flatness;

/// Which weights of which runs.
#[derive(Clone, Debug)]
pub struct WeightSelection {
    pub run: PathBuf,
    /// Other runs, whose newest weights join.
    pub with: Vec<PathBuf>,
    /// Names; all when empty.
    pub weights: Vec<String>,
    /// The ends of lines by name; neighbours when empty.
    pub lines: Vec<Vec<String>>,
    /// The corners of planes by name; the first three when empty.
    pub planes: Vec<Vec<String>>,
    pub all_checkpoints: bool,
}

/// How it is carried out: changes no number but by rounding.
#[derive(Clone, Debug)]
pub struct ExecutionContext {
    pub data_dir: PathBuf,
    pub allow_unverified: bool,
    pub device: Device,
}

/// Answers every question that the settings ask of the chosen weights, as far as no interrupt comes.
pub fn measure(
    choice: &WeightSelection,
    settings: &Settings,
    means: &ExecutionContext,
    progress: &dyn WorkProgress,
) -> anyhow::Result<SharpnessReport> {
    let subject = RunWeights::open(&choice.run)?;
    check_packed(&subject.config, &means.data_dir, &choice.run)?;
    let images = Images::open(&subject.config, &means.data_dir, means.allow_unverified)?;
    environment::fix_threads(&choice.run.join(ENVIRONMENT_FILE))?;
    let network = subject.network(&images, means.device)?;
    let (chosen, subset) = Chosen::of(&images, settings.subset)?;
    let settings = Settings { subset, ..settings.clone() };
    let stages = stages(choice, &subject, &images, &network)?;
    let asked: Vec<Asked<'_>> =
        stages.iter().map(|stage| ask(stage, choice, &settings)).collect::<anyhow::Result<_>>()?;

    let store = Store::of_run(&choice.run);
    let to_do = asked
        .iter()
        .flat_map(|asked| &asked.questions)
        .filter(|(question, _)| !store.look_up(question).is_finished);
    progress.plan(to_do.map(|(question, _)| question.measure.effort()).sum());
    let refresh_images = &chosen.refresh_images.to_device(means.device);
    let surface = chosen.surface(&network, subset)?;
    let mut bench = MeasuringContext { surface, refresh_images, progress };
    let mut report = SharpnessReport {
        run: subject.name(),
        network: subject.config.model.name.clone(),
        dataset: subject.config.data.dataset.to_string(),
        num_parameters: network.num_parameters(),
        subset,
        stages: Vec::new(),
        is_complete: true,
    };
    for (stage, Asked { questions }) in stages.iter().zip(asked) {
        let mut answered = empty_report(stage);
        for (question, weights) in questions {
            let mut answer = store.look_up(&question);
            if !answer.is_finished && report.is_complete {
                let names: Vec<&str> = weights.iter().map(|weights| weights.name.as_str()).collect();
                let what = format!(
                    "{} of {} after {} steps",
                    question.measure.label(),
                    names.join(", "),
                    stage.step
                );
                progress.begin(&what, question.measure.effort(), None);
                answer = complete(answer, &weights, &mut bench, &store).context(what.clone())?;
                report.is_complete = answer.is_finished;
                if answer.is_finished {
                    progress.end(&format!("{what}: {:.1} s", answer.seconds));
                }
            }
            answered.add(weights.iter().map(|weights| weights.name.clone()).collect(), answer);
        }
        report.stages.push(answered);
    }
    Ok(report)
}

/// The checkpoints of the run; the last of them also holds the weights of the other runs.
fn stages(
    choice: &WeightSelection,
    subject: &RunWeights,
    images: &Images,
    network: &Network,
) -> anyhow::Result<Vec<Stage>> {
    let steps_per_epoch = |subject: &RunWeights| {
        anyhow::Ok(
            Feed::training(images, &subject.config, LoaderOptions::default(), Device::Cpu)?.steps_per_epoch(),
        )
    };
    let mut stages = subject.stages(network, steps_per_epoch(subject)?, choice.all_checkpoints)?;
    for path in &choice.with {
        let other = RunWeights::open(path)?;
        ensure!(
            other.config.model.name == subject.config.model.name,
            "`{}` is a {}, `{}` a {}; only weights of equal networks can be compared on lines and planes",
            path.display(),
            other.config.model.name,
            choice.run.display(),
            subject.config.model.name
        );
        let newest = other.stages(network, steps_per_epoch(&other)?, false)?;
        let weights = newest.into_iter().flat_map(|stage| stage.weights).map(|mut weights| {
            weights.name = format!("{}/{}", other.name(), weights.name);
            weights
        });
        stages.last_mut().context("a run with checkpoints has a last one")?.weights.extend(weights);
    }
    if !choice.weights.is_empty() {
        let last = stages.last().context("a run with checkpoints has a last one")?;
        for name in &choice.weights {
            find(&last.weights, name).with_context(|| format!("--weights {name}"))?;
        }
        for stage in &mut stages {
            stage.weights.retain(|weights| choice.weights.contains(&weights.name));
        }
    }
    Ok(stages)
}

/// The questions about one stage, each with the weights that it is about.
struct Asked<'a> {
    questions: Vec<(MeasurementSpec, Vec<&'a Weights>)>,
}

fn ask<'a>(stage: &'a Stage, choice: &WeightSelection, settings: &Settings) -> anyhow::Result<Asked<'a>> {
    let mut questions = Vec::new();
    let mut ask = |weights: Vec<&'a Weights>, measure: Measure| {
        questions.push((MeasurementSpec::new(settings.subset, digests(&weights), measure), weights));
    };
    for weights in &stage.weights {
        for measure in settings.of_one() {
            ask(vec![weights], measure);
        }
    }
    let named =
        |names: &[String]| names.iter().map(|name| find(&stage.weights, name)).collect::<anyhow::Result<_>>();
    for names in &choice.lines {
        ask(named(names).context("--line")?, settings.line());
    }
    if choice.lines.is_empty() && settings.measures.contains(&MeasureName::Line) {
        for neighbours in stage.weights.windows(2) {
            ask(neighbours.iter().collect(), settings.line());
        }
    }
    for names in &choice.planes {
        ask(named(names).context("--plane")?, settings.plane());
    }
    if choice.planes.is_empty() && settings.measures.contains(&MeasureName::Plane) {
        ensure!(
            stage.weights.len() >= 3 || choice.all_checkpoints,
            "a plane needs three sets of weights, and after {} steps there are {}; --with adds those of another run",
            stage.step,
            stage.weights.len()
        );
        if let Some(corners) = stage.weights.get(..3) {
            ask(corners.iter().collect(), settings.plane());
        }
    }
    Ok(Asked { questions })
}

fn find<'a>(weights: &'a [Weights], name: &str) -> anyhow::Result<&'a Weights> {
    weights.iter().find(|weights| weights.name == name).with_context(|| {
        let names: Vec<&str> = weights.iter().map(|weights| weights.name.as_str()).collect();
        format!("there are no weights called `{name}`; there are {}", names.join(", "))
    })
}

fn digests(weights: &[&Weights]) -> Vec<String> {
    weights.iter().map(|weights| weights.digest.clone()).collect()
}

/// What is known of a stage before any question is answered.
fn empty_report(stage: &Stage) -> StageReport {
    let of_one = stage.weights.iter().map(|weights| OfOne {
        name: weights.name.clone(),
        norm: weights.vector.norm(),
        answers: Vec::new(),
    });
    StageReport {
        epoch: stage.epoch,
        step: stage.step,
        of_one: of_one.collect(),
        lines: Vec::new(),
        planes: Vec::new(),
    }
}
