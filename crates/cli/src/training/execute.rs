//! Carries out a plan: law after law, then several runs at a time, each failure by itself.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::training::live_table::LiveTable;
use polder_experiment::plan::session::Failure;
use polder_experiment::plan::speeds::Speeds;
use polder_experiment::plan::{Plan, PlannedRun, describe, run_dir};
use polder_experiment::replace_file::replace_file;
use polder_experiment::run::record::RunRecords;
use polder_experiment::run::run_outcome::RunOutcome;
use polder_experiment::run::theory_record::{Simulation, TheoryRecord};

/// What computes: processes that train, and the theory; or a stand-in for them.
pub(crate) trait Compute: Sync {
    /// Does what is left of a run: trains to its end and measures its flatness; its records are in its run directory.
    ///
    /// `slot` counts from 0; no two runs have the same at the same time.
    fn run(&self, slot: usize, run: &PlannedRun) -> anyhow::Result<RunOutcome>;

    /// Whether a signal asks for the end.
    fn is_interrupted(&self) -> bool;

    /// Simulates a law.
    fn simulate(&self, simulation: &Simulation) -> anyhow::Result<TheoryRecord>;
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) failures: Vec<FailedRun>,
    pub(crate) interrupted: bool,
}

/// A computation that failed twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedRun {
    pub(crate) run: String,
    pub(crate) what: String,
    /// The chain of causes.
    pub(crate) error: String,
}

/// What the slots share.
struct Shared<'a> {
    left: Vec<&'a PlannedRun>,
    /// Of `left`.
    next: usize,
    speeds: &'a mut Speeds,
    execution: Execution,
}

/// Carries out what is left of `plan`, `jobs` runs at a time, shown in `table`.
///
/// A failure is retried once, noted, and does not stop the others; an interrupt does.
pub(crate) fn execute(
    plan: &Plan,
    speeds: &mut Speeds,
    results: &Path,
    jobs: usize,
    compute: &dyn Compute,
    table: &LiveTable,
) -> Execution {
    let mut execution = Execution::default();
    for theory in plan.theory.iter().filter(|theory| !theory.finished) {
        if compute.is_interrupted() {
            execution.interrupted = true;
            break;
        }
        table.line(&format!("{}: {}", theory.experiment, theory.simulation.law.about));
        let outcome = twice(table, || {
            let record = compute.simulate(&theory.simulation)?;
            replace_file(&theory.path, &serde_json::to_vec_pretty(&record)?)
        });
        if let Err(error) = outcome {
            execution.fail(&theory.experiment, &theory.experiment, &error);
        }
    }
    let left: Vec<&PlannedRun> = plan.left().collect();
    table.expect(left.len());
    let shared = Mutex::new(Shared { left, next: 0, speeds, execution });
    std::thread::scope(|scope| {
        for slot in 0..jobs {
            let shared = &shared;
            scope.spawn(move || work(slot, shared, results, compute, table));
        }
    });
    shared.into_inner().unwrap_or_else(PoisonError::into_inner).execution
}

/// Takes run after run until none is left, or one was interrupted.
fn work(slot: usize, shared: &Mutex<Shared<'_>>, results: &Path, compute: &dyn Compute, table: &LiveTable) {
    while let Some(run) = Shared::take(slot, shared, table) {
        let what = describe(run);
        let outcome = twice(table, || compute.run(slot, run));
        table.end(slot);
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(RunOutcome::Interrupted) => shared.execution.interrupted = true,
            Ok(end) => {
                if end == RunOutcome::Diverged {
                    table.line(&format!("{what}: the loss is no longer finite; that is its result"));
                }
                if let Ok(records) = RunRecords::read(&run_dir(results, &run.id)) {
                    shared.speeds.learn(&records);
                }
            }
            Err(error) => shared.execution.fail(&run.id, &what, &error),
        }
    }
}

impl<'a> Shared<'a> {
    /// The next run, shown as begun.
    fn take(slot: usize, shared: &Mutex<Shared<'a>>, table: &LiveTable) -> Option<&'a PlannedRun> {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.execution.interrupted {
            return None;
        }
        let run = *shared.left.get(shared.next)?;
        shared.next += 1;
        let waiting = seconds(&shared.left[shared.next..], shared.speeds);
        table.begin(slot, shared.next, run, shared.speeds.seconds_left(run), waiting);
        Some(run)
    }
}

impl Execution {
    fn fail(&mut self, run: &str, what: &str, error: &anyhow::Error) {
        self.failures.push(FailedRun {
            run: run.to_owned(),
            what: what.to_owned(),
            error: format!("{error:#}"),
        });
    }
}

impl From<FailedRun> for Failure {
    fn from(failed: FailedRun) -> Self {
        Self { run: failed.run, what: failed.what, error: failed.error }
    }
}

/// Tries, and tries once more after an error.
fn twice<T>(table: &LiveTable, mut attempt: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    attempt().or_else(|error| {
        table.line(&format!("failed: {error:#}"));
        table.line("trying once more");
        attempt().inspect_err(|error| table.line(&format!("failed again: {error:#}")))
    })
}

/// The time for each of `runs`, where that of all is known.
fn seconds(runs: &[&PlannedRun], speeds: &Speeds) -> Option<Vec<f64>> {
    runs.iter().map(|run| speeds.seconds_left(run)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use polder_experiment::experiment::{Extent, read_all};
    use polder_experiment::plan::RunState;
    use polder_experiment::scale::ScaleName;
    use polder_experiment::synthetic;

    /// Fails for one cell, and stops after a number of runs.
    struct Stub<'a> {
        results: &'a Path,
        failing: Option<f64>,
        interrupt_after: usize,
        trained: Mutex<Vec<String>>,
    }

    impl Compute for Stub<'_> {
        fn run(&self, _slot: usize, run: &PlannedRun) -> anyhow::Result<RunOutcome> {
            let config = &run.config;
            let mut trained = self.trained.lock().unwrap();
            if trained.len() >= self.interrupt_after {
                return Ok(RunOutcome::Interrupted);
            }
            trained.push(config.id());
            if config.optimizer.rho == self.failing && self.failing.is_some() {
                bail!("no memory left");
            }
            synthetic::write_run(self.results, config, None);
            for settings in &run.flatness {
                synthetic::write_flatness(self.results, config, settings);
            }
            Ok(RunOutcome::Finished)
        }

        fn is_interrupted(&self) -> bool {
            self.interrupt_after == 0
        }

        fn simulate(&self, simulation: &Simulation) -> anyhow::Result<TheoryRecord> {
            synthetic::simulate(simulation)
        }
    }

    fn plan(results: &Path) -> Plan {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        Plan::new(&read_all(&dir).unwrap(), Extent::all(ScaleName::Smoke), results).unwrap()
    }

    fn run(
        results: &Path,
        jobs: usize,
        failing: Option<f64>,
        interrupt_after: usize,
    ) -> (Execution, Vec<String>) {
        let stub = Stub { results, failing, interrupt_after, trained: Mutex::default() };
        let table = LiveTable::hidden(jobs);
        let execution = execute(&plan(results), &mut Speeds::default(), results, jobs, &stub, &table);
        (execution, stub.trained.into_inner().unwrap())
    }

    #[test]
    fn one_failing_cell_is_tried_twice_and_the_others_finish() {
        let dir = tempfile::tempdir().unwrap();
        let (execution, trained) = run(dir.path(), 1, Some(0.05), usize::MAX);
        assert_eq!(execution.failures.len(), 1, "of the only seed");
        assert!(
            execution.failures[0].what.contains("SAM") && execution.failures[0].error.contains("no memory")
        );
        let left = plan(dir.path()).left().count();
        assert_eq!((left, trained.len() - 2 * left), (1, plan(dir.path()).runs.len() - left));
        assert!(plan(dir.path()).theory.iter().all(|theory| theory.finished));
    }

    #[test]
    fn an_interrupt_stops_and_the_same_command_does_only_what_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let (first, trained) = run(dir.path(), 1, None, 4);
        assert!(first.interrupted && trained.len() == 4);
        let (second, trained) = run(dir.path(), 1, None, usize::MAX);
        let plan = plan(dir.path());
        assert_eq!((second, trained.len()), (Execution::default(), plan.runs.len() - 4));
        assert!(plan.runs.iter().all(|run| run.state == RunState::Finished && run.is_done()));
        assert_eq!(self::run(dir.path(), 1, None, usize::MAX).1.len(), 0);
    }

    #[test]
    fn laws_are_left_when_an_interrupt_came_before_them() {
        let dir = tempfile::tempdir().unwrap();
        let (execution, trained) = run(dir.path(), 1, None, 0);
        assert!(execution.interrupted && trained.is_empty());
        assert!(plan(dir.path()).theory.iter().all(|theory| !theory.finished));
    }

    #[test]
    fn several_at_a_time_do_every_run_once() {
        let dir = tempfile::tempdir().unwrap();
        let (execution, mut trained) = run(dir.path(), 4, None, usize::MAX);
        let all = trained.len();
        trained.sort();
        trained.dedup();
        assert_eq!((execution, trained.len(), plan(dir.path()).runs.len()), (Execution::default(), all, all));
    }
}
