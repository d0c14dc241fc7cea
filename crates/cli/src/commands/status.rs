//! `polder status`: how far the latest `polder reproduce` is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::exit_code::Outcome;
use crate::stdout;
use polder_experiment::duration::duration;
use polder_experiment::experiment;
use polder_experiment::plan::cost_model::{CostModel, together};
use polder_experiment::plan::leaderboard::Leaderboard;
use polder_experiment::plan::reproduce_request::ReproduceRequest;
use polder_experiment::plan::{self, Plan, PlannedRun, RunState, aligned, run_dir};
use polder_experiment::run::record::RunRecords;
use polder_experiment::run::run_dir::RunDir;

const EXAMPLES: &str = "\
Examples:
  polder status                        of ./results
  polder status --results /mnt/runs    while another process, or another machine, computes there
  watch -n 30 polder status            again and again

Reads records only and does not disturb running processes. Times come from recorded epochs; `polder plan` also measures
unknown speeds.";

/// What `polder status` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// Results folder of `polder reproduce`
    #[arg(long, alias = "output", value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Folder with the experiment files
    #[arg(long, value_name = "DIR", default_value = "experiments")]
    experiments: PathBuf,
}

/// The runs of an experiment, counted.
#[derive(Debug, Default)]
struct Count {
    finished: usize,
    diverged: usize,
    running: usize,
    stopped: usize,
    to_do: usize,
    /// That each run still takes; `None` if that of any is not known.
    seconds: Option<Vec<f64>>,
}

/// Prints a line per experiment, and what runs at this moment.
pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let session = ReproduceRequest::read(&args.results)?;
    let all = experiment::read_all(&args.experiments)?;
    let selected = experiment::select(all, &session.only, session.extent)?;
    let mut plan = Plan::new(&selected, session.extent, &args.results)?;
    CostModel::measured(&args.results, session.threads, None).estimate(&mut plan);
    stdout::print(&text(&plan, &session, &args.results))?;
    Ok(Outcome::Done.into())
}

fn text(plan: &Plan, session: &ReproduceRequest, results: &Path) -> String {
    let held = |run: &PlannedRun| RunDir::is_held(&run_dir(results, &run.id));
    let running: Vec<&PlannedRun> = plan.runs.iter().filter(|run| held(run)).collect();
    let mut text = format!("{}, from `{}`\n\n", results.display(), session.command());
    text += &counts(plan, &running, session.jobs);
    for run in &running {
        let _ = writeln!(text, "\nnow: {}", describe(run, results));
    }
    let best = Leaderboard::of_finished(plan, results);
    for (index, (dataset, accuracy, what)) in best.entries().enumerate() {
        let before = if index == 0 { "\n" } else { "" };
        let _ = writeln!(
            text,
            "{before}best so far on {dataset}: {:.2} % test accuracy, {what}",
            100.0 * accuracy
        );
    }
    for failure in &session.failures {
        let _ = writeln!(text, "\nfailed twice: {}: {}", failure.what, failure.error);
    }
    text
}

fn counts(plan: &Plan, running: &[&PlannedRun], jobs: usize) -> String {
    let mut by_experiment: BTreeMap<&str, Count> = BTreeMap::new();
    let mut sum = Count { seconds: Some(Vec::new()), ..Count::default() };
    for run in &plan.runs {
        let is_running = running.iter().any(|other| other.id == run.id);
        sum.add(run, is_running);
        let mut experiments: Vec<&str> = run.serves.iter().map(|serves| serves.experiment.as_str()).collect();
        experiments.dedup();
        for experiment in experiments {
            let empty = || Count { seconds: Some(Vec::new()), ..Count::default() };
            by_experiment.entry(experiment).or_insert_with(empty).add(run, is_running);
        }
    }
    let theory = plan.theory.iter().filter(|theory| theory.finished).count();
    let mut lines =
        vec![["", "finished", "diverged", "running", "stopped", "to do", "time left"].map(str::to_owned)];
    lines.extend(by_experiment.iter().map(|(name, count)| count.line(name, jobs)));
    // Runs may serve several experiments: the sum is over runs.
    lines.push(sum.line("all runs", jobs));
    let mut text = aligned(&lines);
    let _ = writeln!(text, "{theory} of {} laws simulated.", plan.theory.len());
    text
}

impl Count {
    fn add(&mut self, run: &PlannedRun, is_running: bool) {
        match run.state {
            RunState::Diverged => self.diverged += 1,
            _ if run.is_done() => self.finished += 1,
            _ if is_running => self.running += 1,
            RunState::Partial(_) | RunState::Damaged | RunState::Finished => self.stopped += 1,
            RunState::ToDo => self.to_do += 1,
        }
        let left = if run.is_done() { Some(0.0) } else { run.seconds };
        self.seconds = self.seconds.take().zip(left).map(|(mut all, left)| {
            all.push(left);
            all
        });
    }

    /// Its row; the time is that of `jobs` runs at a time.
    fn line(&self, name: &str, jobs: usize) -> [String; 7] {
        let [finished, diverged, running, stopped, to_do] =
            [self.finished, self.diverged, self.running, self.stopped, self.to_do]
                .map(|count| count.to_string());
        let left = self.seconds.clone().map_or("unknown".to_owned(), |all| duration(together(all, jobs)));
        [name.to_owned(), finished, diverged, running, stopped, to_do, left]
    }
}

fn describe(run: &PlannedRun, results: &Path) -> String {
    let epochs = run.config.training.epochs;
    let done = RunRecords::read(&run_dir(results, &run.id)).map_or(0, |records| records.epochs.len());
    let left = run.seconds.map_or(String::new(), |seconds| format!(", about {} left", duration(seconds)));
    let what = plan::describe(run);
    if done as u64 == epochs {
        return format!("{what}: trained, its flatness is measured");
    }
    format!("{what}: epoch {} of {epochs}{left}", done + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::experiment::{Selection, read_all, select};
    use polder_experiment::scale::ScaleName;
    use polder_experiment::synthetic;

    #[test]
    fn runs_are_counted_by_experiment_and_the_best_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let extent = Selection::all(ScaleName::Smoke);
        let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let only = ["A4".to_owned(), "A5".to_owned()];
        let selected = select(read_all(&experiments).unwrap(), &only, extent).unwrap();
        let plan = || {
            let mut plan = Plan::new(&selected, extent, dir.path()).unwrap();
            CostModel::measured(dir.path(), 2, None).estimate(&mut plan);
            plan
        };
        let before = plan();
        synthetic::write_run(dir.path(), &before.runs[0].config, None);
        synthetic::write_run(dir.path(), &before.runs[1].config, Some(1));
        let session = ReproduceRequest {
            own_experiments: None,
            version: String::new(),
            extent,
            only: only.to_vec(),
            jobs: 1,
            threads: 2,
            missing: Vec::new(),
            failures: Vec::new(),
            interrupted: true,
        };
        let text = text(&plan(), &session, dir.path());
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for name in ["A4", "A5"] {
            let row = rows.iter().find(|row| row.first() == Some(&name)).unwrap();
            assert_eq!(row[1..6], ["1", "0", "0", "1", "4"], "{text}");
        }
        assert!(text.contains("best so far") && text.contains("large steps, SGD, cifar10"), "{text}");
        assert!(!text.contains("now:") && text.contains("--only A4,A5"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_run_that_another_holds_is_running() {
        let dir = tempfile::tempdir().unwrap();
        let config = polder_experiment::config::RunConfig::default();
        let path = run_dir(dir.path(), &config.id());
        assert!(!RunDir::is_held(&path));
        let held = RunDir::open(&polder_experiment::plan::runs_dir(dir.path()), &config).unwrap();
        assert!(RunDir::is_held(&path));
        drop(held);
        assert!(!RunDir::is_held(&path));
    }
}
