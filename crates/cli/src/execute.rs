//! Carries out a plan: one computation after another, each failure by itself.

use std::path::Path;

use crate::config::RunConfig;
use crate::flatness::FlatnessSettings;
use crate::plan::{Plan, PlannedRun, Speeds, duration, run_dir};
use crate::record::RunRecords;
use crate::replace_file::replace_file;
use crate::session::Failure;
use crate::theory_record::{Simulation, TheoryRecord};

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Finished,
    Diverged,
    /// The user wants to stop; the run can be continued.
    Interrupted,
}

/// What computes: the trainer and the theory, or a stand-in for them.
pub(crate) trait Compute {
    /// Trains, or continues to, the end of a run; its records are in its run directory.
    fn train(&mut self, config: &RunConfig) -> anyhow::Result<RunEnd>;

    /// Measures how flat the loss is at the end of a finished run and leaves the record in its directory.
    fn flatness(&mut self, config: &RunConfig, settings: &FlatnessSettings) -> anyhow::Result<RunEnd>;

    /// Simulates a law.
    fn simulate(&mut self, simulation: &Simulation) -> anyhow::Result<TheoryRecord>;
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

/// Carries out what is left of `plan`; `say` gets one line per event.
///
/// A failure is retried once, noted, and does not stop the others; an interrupt does.
pub(crate) fn execute(
    plan: &Plan,
    speeds: &mut Speeds,
    results: &Path,
    compute: &mut dyn Compute,
    say: &mut dyn FnMut(&str),
) -> Execution {
    let mut execution = Execution::default();
    for theory in plan.theory.iter().filter(|theory| !theory.finished) {
        say(&format!("{}: {}", theory.experiment, theory.simulation.law.about));
        let outcome = twice(say, || {
            let record = compute.simulate(&theory.simulation)?;
            replace_file(&theory.path, &serde_json::to_vec_pretty(&record)?)
        });
        if let Err(error) = outcome {
            execution.fail(&theory.experiment, &theory.experiment, &error);
        }
    }
    let left: Vec<&PlannedRun> = plan.left().collect();
    for (index, run) in left.iter().enumerate() {
        let what = describe(run);
        say(&format!("run {} of {}: {what}{}", index + 1, left.len(), time_left(&left[index..], speeds)));
        match twice(say, || {
            let end = compute.train(&run.config)?;
            if end != RunEnd::Finished {
                return Ok(end);
            }
            for settings in &run.flatness {
                if compute.flatness(&run.config, settings)? == RunEnd::Interrupted {
                    return Ok(RunEnd::Interrupted);
                }
            }
            Ok(RunEnd::Finished)
        }) {
            Ok(RunEnd::Interrupted) => {
                execution.interrupted = true;
                return execution;
            }
            Ok(end) => {
                if end == RunEnd::Diverged {
                    say(&format!("{what}: the loss is no longer finite; that is its result"));
                }
                if let Ok(records) = RunRecords::read(&run_dir(results, &run.id)) {
                    speeds.learn(&records);
                }
            }
            Err(error) => execution.fail(&run.id, &what, &error),
        }
    }
    execution
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
fn twice<T>(say: &mut dyn FnMut(&str), mut attempt: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    attempt().or_else(|error| {
        say(&format!("failed: {error:#}"));
        say("trying once more");
        attempt().inspect_err(|error| say(&format!("failed again: {error:#}")))
    })
}

/// The first cell that a run serves, and its seed.
fn describe(run: &PlannedRun) -> String {
    let first = &run.serves[0];
    format!("{} {}, seed {}", first.experiment, first.cell, run.config.seed)
}

fn time_left(runs: &[&PlannedRun], speeds: &Speeds) -> String {
    let seconds: Option<f64> = runs.iter().map(|run| speeds.seconds_left(run)).sum();
    seconds.map_or_else(String::new, |seconds| format!(" (about {} left in all)", duration(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Extent, read_all};
    use crate::plan::RunState;
    use crate::scale::ScaleName;
    use crate::synthetic;
    use anyhow::bail;

    /// Fails for one cell, and stops after a number of runs.
    struct Stub<'a> {
        results: &'a Path,
        failing: Option<f64>,
        interrupt_after: usize,
        trained: Vec<String>,
    }

    impl Compute for Stub<'_> {
        fn train(&mut self, config: &RunConfig) -> anyhow::Result<RunEnd> {
            if self.trained.len() == self.interrupt_after {
                return Ok(RunEnd::Interrupted);
            }
            self.trained.push(config.id());
            if config.optimizer.rho == self.failing && self.failing.is_some() {
                bail!("no memory left");
            }
            synthetic::write_run(self.results, config, None);
            Ok(RunEnd::Finished)
        }

        fn flatness(&mut self, config: &RunConfig, settings: &FlatnessSettings) -> anyhow::Result<RunEnd> {
            synthetic::write_flatness(self.results, config, settings);
            Ok(RunEnd::Finished)
        }

        fn simulate(&mut self, simulation: &Simulation) -> anyhow::Result<TheoryRecord> {
            synthetic::simulate(simulation)
        }
    }

    fn plan(results: &Path) -> Plan {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        Plan::new(&read_all(&dir).unwrap(), Extent::all(ScaleName::Smoke), results).unwrap()
    }

    fn run(results: &Path, failing: Option<f64>, interrupt_after: usize) -> (Execution, Vec<String>) {
        let mut stub = Stub { results, failing, interrupt_after, trained: Vec::new() };
        let execution = execute(&plan(results), &mut Speeds::default(), results, &mut stub, &mut |_| {});
        (execution, stub.trained)
    }

    #[test]
    fn one_failing_cell_is_tried_twice_and_the_others_finish() {
        let dir = tempfile::tempdir().unwrap();
        let (execution, trained) = run(dir.path(), Some(0.05), usize::MAX);
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
        let (first, trained) = run(dir.path(), None, 4);
        assert!(first.interrupted && trained.len() == 4);
        let (second, trained) = run(dir.path(), None, usize::MAX);
        let plan = plan(dir.path());
        assert_eq!((second, trained.len()), (Execution::default(), plan.runs.len() - 4));
        assert!(plan.runs.iter().all(|run| run.state == RunState::Finished && run.is_done()));
        assert_eq!(run(dir.path(), None, usize::MAX).1.len(), 0);
    }
}
