//! From experiments to runs: which are finished, which are left, how long they will take.

pub mod cost_model;
pub mod leaderboard;
pub mod missing_data;
pub mod reproduce_request;
mod table;

use std::path::{Path, PathBuf};

use crate::config::RunConfig;
use crate::experiment::{Experiment, Selection};
use crate::plan::reproduce_request::ReproduceRequest;
use crate::run::flatness::{FlatnessRecord, FlatnessSettings};
use crate::run::record::{EndRecord, RECORD_FILE, RunRecords};
use crate::run::theory_record::{Simulation, TheoryRecord};

pub use self::table::aligned;

/// Everything that a selection of experiments asks for, in the order it is run.
#[derive(Debug)]
pub struct Plan {
    pub theory: Vec<PlannedTheory>,
    pub runs: Vec<PlannedRun>,
}

/// A computation of the theory.
#[derive(Debug)]
pub struct PlannedTheory {
    pub experiment: String,
    pub simulation: Simulation,
    /// Where its record lies, or will.
    pub path: PathBuf,
    pub finished: bool,
}

/// One run; several cells may need it.
#[derive(Debug)]
pub struct PlannedRun {
    pub id: String,
    pub config: RunConfig,
    pub serves: Vec<Use>,
    pub state: RunState,
    /// Of the work that is left; `None` where nothing comparable has been measured.
    pub seconds: Option<f64>,
    /// Whether that counts its flatness, of which nothing comparable may have been measured.
    pub counts_flatness: bool,
    /// What of its flatness is still to be measured.
    pub flatness: Vec<FlatnessSettings>,
}

/// The cell of an experiment that a run serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub experiment: String,
    pub cell: String,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Finished,
    Diverged,
    /// So many epochs are recorded.
    Partial(u64),
    ToDo,
    /// The record cannot be read; the trainer says why.
    Damaged,
}

impl Plan {
    /// Resolves experiments into runs and looks up how far each is. Equal configurations become one run.
    pub fn new(experiments: &[Experiment], extent: Selection, results: &Path) -> anyhow::Result<Self> {
        let (mut theory, mut runs) = (Vec::new(), Vec::<PlannedRun>::new());
        for experiment in experiments {
            if let Some(simulation) = experiment.simulation(extent.scale)? {
                let path = simulation.path(results, &experiment.id, extent.scale);
                let finished = TheoryRecord::read(&path).is_ok();
                theory.push(PlannedTheory { experiment: experiment.id.clone(), simulation, path, finished });
            }
            for run in experiment.runs(extent)? {
                let id = run.config.id();
                let serves = Use { experiment: experiment.id.clone(), cell: run.cell };
                let index = runs.iter().position(|known| known.id == id).unwrap_or_else(|| {
                    let state = RunState::of(&run_dir(results, &id));
                    let (config, serves) = (run.config, Vec::new());
                    runs.push(PlannedRun {
                        id,
                        config,
                        serves,
                        state,
                        seconds: None,
                        counts_flatness: false,
                        flatness: Vec::new(),
                    });
                    runs.len() - 1
                });
                runs[index].serves.push(serves);
                for settings in experiment.flatness(extent.scale) {
                    runs[index].want(settings, results);
                }
            }
        }
        Ok(Self { theory, runs })
    }

    /// Leaves out the runs whose data are not there.
    pub fn drop_runs_without_data(&mut self, session: &ReproduceRequest) {
        self.runs.retain(|run| run.is_done() || !session.lacks(run.config.data.dataset));
    }

    /// Runs that are not finished.
    pub fn left(&self) -> impl Iterator<Item = &PlannedRun> {
        self.runs.iter().filter(|run| !run.is_done())
    }
}

impl PlannedRun {
    /// Notes that its flatness is wanted, unless it is known already.
    fn want(&mut self, settings: FlatnessSettings, results: &Path) {
        // A damaged record is measured again: its command says so when it fails.
        let known = FlatnessRecord::read(&run_dir(results, &self.id), &settings).ok().flatten();
        if known.is_none() && !self.flatness.contains(&settings) {
            self.flatness.push(settings);
        }
    }

    /// Whether nothing is left to compute.
    pub fn is_done(&self) -> bool {
        match self.state {
            RunState::Finished => self.flatness.is_empty(),
            RunState::Diverged => true,
            RunState::Partial(_) | RunState::ToDo | RunState::Damaged => false,
        }
    }
}

impl RunState {
    /// The state of the run in `dir`.
    pub fn of(dir: &Path) -> Self {
        if !dir.join(RECORD_FILE).exists() {
            return Self::ToDo;
        }
        match RunRecords::read(dir) {
            Ok(records) => match records.end {
                Some(EndRecord::Finished) => Self::Finished,
                Some(EndRecord::Diverged { .. }) => Self::Diverged,
                None => Self::Partial(records.epochs.len() as u64),
            },
            Err(_) => Self::Damaged,
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Diverged => f.write_str("diverged"),
            Self::Partial(epochs) => write!(f, "stopped after epoch {epochs}"),
            Self::ToDo => f.write_str("to do"),
            Self::Damaged => f.write_str("damaged"),
        }
    }
}

/// Where the run directories of a results folder are.
pub fn runs_dir(results: &Path) -> PathBuf {
    results.join("runs")
}

/// The directory of one run.
pub fn run_dir(results: &Path, id: &str) -> PathBuf {
    runs_dir(results).join(id)
}

/// The first cell that a run serves, and its seed.
pub fn describe(run: &PlannedRun) -> String {
    let first = &run.serves[0];
    format!("{} {}, seed {}", first.experiment, first.cell, run.config.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{read_all, select};
    use crate::plan::cost_model::CostModel;
    use crate::scale::ScaleName;
    use crate::synthetic;

    fn desk(seeds: u64) -> Selection {
        Selection { num_seeds: Some(seeds), ..Selection::all(ScaleName::Desk) }
    }

    fn experiments(only: &str) -> Vec<Experiment> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        select(read_all(&dir).unwrap(), &[only.to_owned()], desk(1)).unwrap()
    }

    #[test]
    fn equal_configurations_are_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut twice = experiments("A4");
        let mut other = twice[0].clone();
        "A9".clone_into(&mut other.id);
        twice.push(other);
        let plan = Plan::new(&twice, desk(2), dir.path()).unwrap();
        assert_eq!(plan.runs.len(), 12);
        assert!(plan.runs.iter().all(|run| run.serves.len() == 2 && run.state == RunState::ToDo));
    }

    #[test]
    fn states_and_times_come_from_the_run_directories() {
        let dir = tempfile::tempdir().unwrap();
        let plan = |estimated| {
            let mut plan = Plan::new(&experiments("A4"), desk(1), dir.path()).unwrap();
            if estimated {
                CostModel::measured(dir.path(), 2, None).estimate(&mut plan);
            }
            plan
        };
        let first = plan(false);
        synthetic::write_run(dir.path(), &first.runs[0].config, None);
        synthetic::write_run(dir.path(), &first.runs[1].config, Some(5));
        let second = plan(true);
        let states: Vec<RunState> = second.runs.iter().map(|run| run.state).collect();
        assert_eq!(states[..3], [RunState::Finished, RunState::Partial(5), RunState::ToDo]);
        let seconds: Vec<f64> = second.runs.iter().map(|run| run.seconds.unwrap()).collect();
        assert_eq!(seconds[0], 0.0);
        // Three of eight epochs are left of the second, those with the most averages; the fifth takes two gradients a step.
        assert!(seconds[1] > 0.0 && seconds[2] > 1.5 * seconds[1], "{seconds:?}");
        assert!(seconds[4] > 1.3 * seconds[2], "{seconds:?}");
        let table = second.table(1);
        let hours = |jobs| second.table(jobs).lines().last().unwrap().to_owned();
        assert!(hours(2).contains(", 2 at a time.") && hours(2) != table.lines().last().unwrap());
        let cells = second.cells("GPU");
        let in_all: f64 = seconds.iter().sum::<f64>() / 3600.0;
        let last = format!("{in_all:.2}");
        assert_eq!(cells.lines().count(), 1 + second.runs.len() + 1, "one seed, so a line per run");
        assert!(cells.lines().last().unwrap().split_whitespace().eq(["all", "6", "5", &last]), "{cells}");
        let first = cells.lines().nth(1).unwrap();
        assert!(first.split_whitespace().rev().take(3).eq(["-", "0", "1"]), "nothing is left of it: {first}");
        assert!(cells.contains("GPU hours left") && plan(false).cells("GPU").contains("unknown"), "{cells}");
        for part in ["finished", "stopped after epoch 5", "to do", "5 to train, about"] {
            assert!(table.contains(part), "{table}");
        }
    }
}
