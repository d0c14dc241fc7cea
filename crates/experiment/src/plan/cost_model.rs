//! What training costs on this machine, learned from the timings of runs, and how long others will take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{DatasetName, Method, Precision, RunConfig};
use crate::plan::{Plan, PlannedRun, RunState, runs_dir};
use crate::run::environment;
use crate::run::flatness::{FlatnessRecord, FlatnessSettings};
use crate::run::record::{EpochRecord, ITERATE, REFRESHED, RunRecords};

/// What gradients, evaluations and measurements of flatness cost, by the kind of the run.
#[derive(Clone, Debug, Default)]
pub struct CostModel {
    training: BTreeMap<String, Costs>,
    /// Seconds that a part of a measurement of flatness took per unit, by the part and the network.
    flatness: BTreeMap<String, Vec<f64>>,
}

/// What each epoch of one kind of training cost. Their medians count: an epoch may have shared the machine with something else.
#[derive(Clone, Debug, Default)]
struct Costs {
    /// Of one gradient of one image.
    seconds_per_gradient: Vec<f64>,
    /// Of an image that is evaluated, or that a BN refresh passes.
    seconds_per_evaluated_image: Vec<f64>,
}

impl CostModel {
    /// What the runs in `results` cost that were computed on such a machine as this with so many threads; on its GPUs or not, where
    /// `on_gpus` is known.
    pub fn measured(results: &Path, threads: usize, on_gpus: Option<bool>) -> Self {
        let mut speeds = Self::default();
        let Ok(entries) = std::fs::read_dir(runs_dir(results)) else { return speeds };
        let mut dirs: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        dirs.sort();
        let is_comparable = environment::comparable(threads, on_gpus);
        for dir in dirs {
            let records = RunRecords::read(&dir).ok();
            if let Some(records) =
                records.filter(|records| records.environment.as_ref().is_some_and(&is_comparable))
            {
                speeds.learn(&records);
                for flatness in FlatnessRecord::read_all(&dir).unwrap_or_default() {
                    speeds.learn_flatness(&records.run.config, &flatness);
                }
            }
        }
        speeds
    }

    /// Fills in the time left of every run of a plan.
    pub fn estimate(&self, plan: &mut Plan) {
        for run in &mut plan.runs {
            run.seconds = self.seconds_left(run);
            run.counts_flatness = self.knows_flatness(run);
        }
    }

    /// Notes the cost of every epoch of a run.
    pub fn learn(&mut self, records: &RunRecords) {
        let config = &records.run.config;
        let (train_images, test_images) =
            (records.run.data.train_images as f64, records.run.data.test_images as f64);
        // A first epoch also pays for memory and for libtorch's first calls: leave it out where there are others.
        let skipped = usize::from(records.timings.len() > 1);
        for (timing, epoch) in records.timings.iter().zip(&records.epochs).skip(skipped) {
            let costs = self.training.entry(Self::kind(config)).or_default();
            // An epoch that was interrupted has the time, and the rate, of what came after: not all of its images.
            let trained =
                timing.train_seconds * timing.images_per_second * config.optimizer.gradients_per_step();
            if trained > 0.0 {
                costs.seconds_per_gradient.push(timing.train_seconds / trained);
            }
            let passed = passed_at(config, &evaluated(epoch), train_images, test_images);
            if passed > 0.0 {
                costs.seconds_per_evaluated_image.push(timing.evaluate_seconds / passed);
            }
        }
    }

    /// Notes what a measurement of flatness cost.
    pub fn learn_flatness(&mut self, config: &RunConfig, record: &FlatnessRecord) {
        let units = flatness_units(&record.settings);
        if units > 0.0 {
            let kind = flatness_kind(config, &record.settings);
            self.flatness.entry(kind).or_default().push(record.seconds / units);
        }
    }

    /// All that the cost of a gradient hangs on, in words.
    pub fn kind(config: &RunConfig) -> String {
        let precision = match config.model.precision {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        };
        let penalty =
            if config.optimizer.method == Method::GradientPenalty { ", with its penalty" } else { "" };
        format!(
            "{} in {precision}, minibatches of {}{penalty}",
            config.model.name, config.training.batch_size
        )
    }

    /// Whether a run of this kind has been measured.
    pub fn knows(&self, config: &RunConfig) -> bool {
        self.training
            .get(&Self::kind(config))
            .is_some_and(|costs| median(&costs.seconds_per_gradient).is_some())
    }

    /// The time for what is left of a run. Flatness counts where one of its network has been measured; `None` where nothing else is
    /// left and none has.
    pub fn seconds_left(&self, run: &PlannedRun) -> Option<f64> {
        let training = match run.state {
            RunState::Finished if !self.knows_flatness(run) => return None,
            RunState::Finished | RunState::Diverged => 0.0,
            RunState::Partial(epochs) => self.training_seconds(&run.config, epochs)?,
            RunState::ToDo | RunState::Damaged => self.training_seconds(&run.config, 0)?,
        };
        let of_part = |settings: &FlatnessSettings| {
            let seen = self.flatness.get(&flatness_kind(&run.config, settings));
            seen.and_then(|seen| median(seen)).unwrap_or(0.0) * flatness_units(settings)
        };
        Some(training + run.flatness.iter().map(of_part).sum::<f64>())
    }

    /// Whether the time of flatness that is left of a run is part of [`Self::seconds_left`].
    fn knows_flatness(&self, run: &PlannedRun) -> bool {
        run.flatness.iter().all(|settings| self.flatness.contains_key(&flatness_kind(&run.config, settings)))
    }

    /// The time for the epochs of `config` that come after the first `done`.
    fn training_seconds(&self, config: &RunConfig, done: u64) -> Option<f64> {
        let costs = self.training.get(&Self::kind(config))?;
        let seconds_per_gradient = median(&costs.seconds_per_gradient)?;
        // Where nothing has been evaluated yet: a forward pass is about a third of a gradient.
        let seconds_per_evaluated_image =
            median(&costs.seconds_per_evaluated_image).unwrap_or(seconds_per_gradient / 3.0);
        let (train_images, test_images) = num_images(config);
        let epochs = config.training.epochs;
        let trained =
            epochs.saturating_sub(done) as f64 * train_images * config.optimizer.gradients_per_step();
        let passed: f64 = (done + 1..=epochs)
            .filter(|epoch| epoch.is_multiple_of(config.training.evaluate_every) || *epoch == epochs)
            .map(|epoch| {
                let begun = config.averages.iter().filter(|(_, average)| average.has_begun(epoch, epochs));
                let refreshed = (epoch == epochs && config.model.has_bn()).then_some(REFRESHED);
                let averages = begun.map(|(name, _)| name.as_str());
                let names: Vec<&str> = std::iter::once(ITERATE).chain(refreshed).chain(averages).collect();
                passed_at(config, &names, train_images, test_images)
            })
            .sum();
        Some(trained * seconds_per_gradient + passed * seconds_per_evaluated_image)
    }
}

/// The time for runs that take so long each, `jobs` of them at a time.
pub fn together(seconds: impl IntoIterator<Item = f64>, jobs: usize) -> f64 {
    let (sum, longest) =
        seconds.into_iter().fold((0.0, 0.0_f64), |(sum, longest), one| (sum + one, longest.max(one)));
    longest.max(sum / jobs.max(1) as f64)
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(f64::midpoint(sorted[(sorted.len() - 1) / 2], upper))
}

/// Images that evaluations of these weights pass: the test images, and, but for the iterate as it is, the training images of the
/// refresh.
fn passed_at(config: &RunConfig, weights: &[&str], train_images: f64, test_images: f64) -> f64 {
    let has_bn = config.model.has_bn();
    let of_one = |name: &&str| test_images + if has_bn && *name != ITERATE { train_images } else { 0.0 };
    weights.iter().map(of_one).sum()
}

fn evaluated(epoch: &EpochRecord) -> Vec<&str> {
    epoch.evaluations.keys().map(String::as_str).collect()
}

/// A network and what is measured of it.
fn flatness_kind(config: &RunConfig, settings: &FlatnessSettings) -> String {
    let what = if settings.sections.is_some() { "sections" } else { "curvature" };
    format!("{what} of {}", config.model.name)
}

/// What the time of a part is in proportion to.
fn flatness_units(settings: &FlatnessSettings) -> f64 {
    settings.sections.as_ref().map_or(settings.images as f64 * settings.weights.len() as f64, |sections| {
        (sections.between.len() * sections.points * (sections.images + sections.bn_images)) as f64
    })
}

/// Training and test images of a run; those of a packed file are not known before it is opened.
fn num_images(config: &RunConfig) -> (f64, f64) {
    let (train, test) = match config.data.dataset {
        DatasetName::Mnist | DatasetName::FashionMnist => (60_000, 10_000),
        DatasetName::Cifar10 | DatasetName::Cifar100 | DatasetName::Cifar100Coarse | DatasetName::Packed => {
            (50_000, 10_000)
        }
        DatasetName::Generated => (2_000, 1_000),
    };
    (config.data.train_images.unwrap_or(train) as f64, config.data.test_images.unwrap_or(test) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AveragingConfig;
    use crate::plan::run_dir;
    use crate::run::record::{ENVIRONMENT_FILE, Environment};
    use crate::synthetic;

    fn config(epochs: u64, evaluate_every: u64) -> RunConfig {
        let mut config = RunConfig::default();
        config.training.epochs = epochs;
        config.training.evaluate_every = evaluate_every;
        config.averages.clear();
        config
    }

    /// Of a machine on which a gradient takes 1 ms and a forward pass 0.25 ms.
    fn machine() -> CostModel {
        let config = config(1, 1);
        let costs = Costs {
            // The last two of an epoch beside something else.
            seconds_per_gradient: vec![1e-3, 1e-3, 9e-3],
            seconds_per_evaluated_image: vec![0.2e-3, 0.3e-3, 0.1e-3, 9e-3],
        };
        CostModel { training: [(CostModel::kind(&config), costs)].into(), flatness: BTreeMap::new() }
    }

    #[test]
    fn evaluations_count_when_they_are_due_and_averages_when_they_have_begun() {
        let mut config = config(8, 2);
        let seconds = |config: &RunConfig| machine().training_seconds(config, 0).unwrap();
        let once = 60.0 * 0.25;
        // After the last epoch the iterate passes once more, with BN refreshed.
        let (trained, tested) = (8.0 * 50.0, 4.0 * 10.0 * 0.25 + once);
        assert!((seconds(&config) - (trained + tested)).abs() < 1e-9);
        config.averages.insert("tail".to_owned(), AveragingConfig::Tail { start: 0.75 });
        assert!((seconds(&config) - (trained + tested + once)).abs() < 1e-9, "only after the last epoch");
        config.averages.insert("whole".to_owned(), AveragingConfig::Tail { start: 0.0 });
        assert!((seconds(&config) - (trained + tested + 5.0 * once)).abs() < 1e-9, "four times more");
        config.model.name = "wrn-10-1-skipinit".to_owned();
        let mut machine = machine();
        let costs = machine.training.values().next().unwrap().clone();
        machine.training.insert(CostModel::kind(&config), costs);
        let without_refresh = machine.training_seconds(&config, 0).unwrap();
        assert!((without_refresh - (trained + 9.0 * 10.0 * 0.25)).abs() < 1e-9);
    }

    #[test]
    fn what_was_learned_from_a_run_gives_back_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(6, 1);
        synthetic::write_run(dir.path(), &config, None);
        let records = RunRecords::read(&run_dir(dir.path(), &config.id())).unwrap();
        let took: f64 =
            records.timings.iter().map(|timing| timing.train_seconds + timing.evaluate_seconds).sum();
        let told =
            |threads| CostModel::measured(dir.path(), threads, Some(false)).training_seconds(&config, 0);
        assert!((told(2).unwrap() / took - 1.0).abs() < 1e-9, "{:?} of {took}", told(2));
        assert_eq!(told(1), None, "nothing is known of trainings with one thread");
        assert!(
            CostModel::measured(dir.path(), 2, Some(true)).training_seconds(&config, 0).is_none(),
            "nor on a GPU"
        );
        let path = run_dir(dir.path(), &config.id()).join(ENVIRONMENT_FILE);
        let elsewhere =
            Environment { processor: "another processor".to_owned(), ..records.environment.unwrap() };
        std::fs::write(path, serde_json::to_vec(&elsewhere).unwrap()).unwrap();
        assert_eq!(told(2), None, "nothing is known of this machine");
    }

    /// A run of which only that is left takes an unknown time until one has been measured.
    #[test]
    fn curvature_and_sections_have_times_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(2, 1);
        let settings: FlatnessSettings = toml::from_str("sections.between = [['iterate', 'tail']]").unwrap();
        let [curvature, sections] = settings.parts().try_into().unwrap();
        let run = |left: &FlatnessSettings| PlannedRun {
            id: config.id(),
            config: config.clone(),
            serves: Vec::new(),
            state: RunState::Finished,
            seconds: None,
            counts_flatness: false,
            flatness: vec![left.clone()],
        };
        synthetic::write_run(dir.path(), &config, None);
        synthetic::write_flatness(dir.path(), &config, &curvature);
        let told = |left| CostModel::measured(dir.path(), 2, Some(false)).seconds_left(&run(left));
        assert!((told(&curvature).unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(told(&sections), None);
        synthetic::write_flatness(dir.path(), &config, &sections);
        assert!((told(&sections).unwrap() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn runs_side_by_side_take_their_share_or_as_long_as_the_longest() {
        assert_eq!(together([10.0, 20.0, 30.0], 1), 60.0);
        assert_eq!(together([10.0, 20.0, 30.0], 2), 30.0);
        assert_eq!(together([10.0, 20.0, 90.0], 2), 90.0);
        assert_eq!(together([], 2), 0.0);
    }
}
