//! `polder sharpness`: how flat the loss is at the weights of a run, part by part, each kept beside the run.
//!
//! A [`Subject`] is a run with its checkpoints, a [`Question`] one measure of some of its
//! weights with every setting that changes its answer. Answers lie in the run directory under a digest of their question, also
//! half-way, so that a command that is repeated, or repeated with one more measure, computes what is missing.
//!
//! What is measured is one fixed function of the weights: mean cross entropy over stated images without augmentation, BN in
//! evaluation mode after a refresh over training images, no weight decay, no label smoothing; f32 passes whatever the run trains
//! in, sums in f64.

mod answer;
mod bench;
mod compute;
mod curvature;
pub(crate) mod json;
pub(crate) mod picture;
pub(crate) mod plan;
mod progress;
pub(crate) mod question;
mod rises;
mod sections;
mod store;
mod subject;
mod subset;
mod summary;
pub(crate) mod text;
mod watched;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use polder_models::Network;
use polder_optim::Vector as _;
use tch::Device;

use self::answer::Answer;
use self::bench::Bench;
use self::compute::complete;
use self::plan::{MeasureName, Settings};
use self::progress::Progress;
use self::question::{Measure, Question, Subset, Weights};
use self::store::Store;
use self::subject::{Stage, Subject};
use self::subset::Chosen;
use crate::environment;
use crate::images::{Images, check_packed};
use crate::record::ENVIRONMENT_FILE;

pub(crate) use self::summary::flatness;

/// Which weights of which runs.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) run: PathBuf,
    /// Other runs, whose newest weights join.
    pub(crate) with: Vec<PathBuf>,
    /// Names; all when empty.
    pub(crate) weights: Vec<String>,
    /// The ends of lines by name; neighbours when empty.
    pub(crate) lines: Vec<Vec<String>>,
    /// The corners of planes by name; the first three when empty.
    pub(crate) planes: Vec<Vec<String>>,
    pub(crate) all_checkpoints: bool,
}

/// How it is carried out: changes no number but by rounding.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) data_dir: PathBuf,
    pub(crate) allow_unverified: bool,
    pub(crate) device: Device,
    pub(crate) quiet: bool,
}

/// All answers of one command.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) run: String,
    pub(crate) network: String,
    pub(crate) dataset: String,
    pub(crate) num_parameters: u64,
    pub(crate) subset: Subset,
    /// By checkpoint, the oldest first.
    pub(crate) stages: Vec<StageReport>,
    /// False after an interrupt.
    pub(crate) is_complete: bool,
}

/// The answers about the weights at one checkpoint.
#[derive(Debug)]
pub(crate) struct StageReport {
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// By weights.
    pub(crate) of_one: Vec<OfOne>,
    /// With the names of the ends.
    pub(crate) lines: Vec<(Vec<String>, Answer)>,
    /// With the names of the corners.
    pub(crate) planes: Vec<(Vec<String>, Answer)>,
}

/// The answers about one set of weights.
#[derive(Debug)]
pub(crate) struct OfOne {
    pub(crate) name: String,
    /// Euclidean norm.
    pub(crate) norm: f64,
    pub(crate) answers: Vec<Answer>,
}

/// Answers every question that the settings ask of the chosen weights, as far as no interrupt comes.
pub(crate) fn measure(choice: &Choice, settings: &Settings, means: &Means) -> anyhow::Result<Report> {
    let subject = Subject::open(&choice.run)?;
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
    let progress = Progress::new(to_do.map(|(question, _)| question.measure.effort()).sum(), means.quiet);
    let refresh_images = &chosen.refresh_images.to_device(means.device);
    let surface = chosen.surface(&network, subset)?;
    let mut bench = Bench { surface, refresh_images, progress: &progress };
    let mut report = Report {
        run: subject.name(),
        network: subject.config.model.name.clone(),
        dataset: subject.config.data.dataset.to_string(),
        num_parameters: network.num_parameters(),
        subset,
        stages: Vec::new(),
        is_complete: true,
    };
    for (stage, Asked { questions }) in stages.iter().zip(asked) {
        let mut answered = StageReport::of(stage);
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
                let effort = question.measure.effort();
                progress.begin(&what, effort, effort);
                answer = complete(answer, &weights, &mut bench, &store).context(what.clone())?;
                report.is_complete = answer.is_finished;
                if answer.is_finished {
                    progress.end(&format!("{what}: {:.1} s", answer.seconds));
                }
            }
            answered.add(&weights, answer);
        }
        report.stages.push(answered);
    }
    Ok(report)
}

/// The checkpoints of the run; the last of them also holds the weights of the other runs.
fn stages(
    choice: &Choice,
    subject: &Subject,
    images: &Images,
    network: &Network,
) -> anyhow::Result<Vec<Stage>> {
    let steps_per_epoch =
        |subject: &Subject| anyhow::Ok(images.train_feed(&subject.config, 1, Device::Cpu)?.steps_per_epoch());
    let mut stages = subject.stages(network, steps_per_epoch(subject)?, choice.all_checkpoints)?;
    for path in &choice.with {
        let other = Subject::open(path)?;
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
    questions: Vec<(Question, Vec<&'a Weights>)>,
}

fn ask<'a>(stage: &'a Stage, choice: &Choice, settings: &Settings) -> anyhow::Result<Asked<'a>> {
    let mut questions = Vec::new();
    let mut ask = |weights: Vec<&'a Weights>, measure: Measure| {
        questions.push((Question::new(settings.subset, &weights, measure), weights));
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

impl StageReport {
    fn of(stage: &Stage) -> Self {
        let of_one = stage.weights.iter().map(|weights| OfOne {
            name: weights.name.clone(),
            norm: weights.vector.norm(),
            answers: Vec::new(),
        });
        Self {
            epoch: stage.epoch,
            step: stage.step,
            of_one: of_one.collect(),
            lines: Vec::new(),
            planes: Vec::new(),
        }
    }

    fn add(&mut self, weights: &[&Weights], answer: Answer) {
        let names: Vec<String> = weights.iter().map(|weights| weights.name.clone()).collect();
        match answer.question.measure {
            Measure::Line { .. } => self.lines.push((names, answer)),
            Measure::Plane { .. } => self.planes.push((names, answer)),
            _ => {
                if let Some(of_one) = self.of_one.iter_mut().find(|of_one| of_one.name == names[0]) {
                    of_one.answers.push(answer);
                }
            }
        }
    }
}
