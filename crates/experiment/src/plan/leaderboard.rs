//! The highest test accuracies so far: one per data set, since accuracies on different ones do not compare.

use std::collections::BTreeMap;
use std::path::Path;

use crate::plan::{Plan, RunState, describe, run_dir};
use crate::run::record::RunRecords;

/// The best so far, by data set.
#[derive(Clone, Debug, Default)]
pub struct Leaderboard(BTreeMap<String, (f64, String)>);

impl Leaderboard {
    /// Of the finished runs of a plan, at their ends.
    pub fn of_finished(plan: &Plan, results: &Path) -> Self {
        let mut best = Self::default();
        for run in plan.runs.iter().filter(|run| run.state == RunState::Finished) {
            let Ok(records) = RunRecords::read(&run_dir(results, &run.id)) else { continue };
            if let Some((weights, accuracy)) = records.epochs.last().and_then(|epoch| epoch.best()) {
                best.note(&run.config.data.dataset.to_string(), accuracy, &describe(run), weights);
            }
        }
        best
    }

    /// Weights of a run reached `accuracy`.
    pub fn note(&mut self, dataset: &str, accuracy: f64, run: &str, weights: &str) {
        let best = self.0.entry(dataset.to_owned()).or_insert((f64::NEG_INFINITY, String::new()));
        if accuracy > best.0 {
            *best = (accuracy, format!("{run}, {weights}"));
        }
    }

    /// By data set: accuracy, and the run and weights that reached it.
    pub fn entries(&self) -> impl Iterator<Item = (&str, f64, &str)> {
        self.0.iter().map(|(dataset, (accuracy, what))| (dataset.as_str(), *accuracy, what.as_str()))
    }

    /// All in one short line; empty if there is none.
    pub fn line(&self) -> String {
        let all: Vec<String> = self
            .entries()
            .map(|(dataset, accuracy, _)| format!("{dataset} {:.2} %", 100.0 * accuracy))
            .collect();
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_every_data_set_stays() {
        let mut best = Leaderboard::default();
        assert_eq!(best.line(), "");
        best.note("CIFAR-10", 0.5, "first", "iterate");
        best.note("CIFAR-10", 0.712, "second", "tail");
        best.note("CIFAR-10", 0.7, "third", "tail");
        best.note("CIFAR-100", 0.3, "fourth", "iterate");
        assert_eq!(best.line(), "CIFAR-10 71.20 %, CIFAR-100 30.00 %");
        assert_eq!(best.entries().next(), Some(("CIFAR-10", 0.712, "second, tail")));
    }
}
