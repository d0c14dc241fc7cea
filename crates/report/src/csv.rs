//! `results.csv`: one row per run, weights and epoch.

use super::{Report, RunResult};
use polder_experiment::csv;

const HEADER: [&str; 15] = [
    "experiment",
    "cell",
    "seed",
    "run",
    "state",
    "data_verification",
    "epoch",
    "final",
    "weights",
    "learning_rate",
    "train_loss",
    "train_error",
    "test_loss",
    "test_error",
    "epoch_seconds",
];

/// The table as text; a run without evaluated epochs has one row that says how far it is.
pub(super) fn table(report: &Report) -> String {
    let mut text = csv::row(HEADER);
    for experiment in &report.experiments {
        for run in &experiment.runs {
            for row in rows(&experiment.experiment.id, run) {
                text += &csv::row(row);
            }
        }
    }
    text
}

fn rows(experiment: &str, run: &RunResult) -> Vec<[String; 15]> {
    let verification = run
        .records
        .as_ref()
        .map_or_else(String::new, |records| format!("{:?}", records.run.data.verification).to_lowercase());
    let common = [
        experiment.to_owned(),
        run.cell.clone(),
        run.seed.to_string(),
        run.id.clone(),
        run.state().to_owned(),
        verification,
    ];
    let row = |own: [String; 9]| {
        let mut fields = common.iter().cloned().chain(own);
        std::array::from_fn(|_| fields.next().unwrap_or_default())
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let last = run.epochs().last().map(|epoch| epoch.epoch);
    let mut rows = Vec::new();
    for epoch in run.epochs() {
        let timing = run
            .records
            .iter()
            .flat_map(|records| &records.timings)
            .find(|timing| timing.epoch == epoch.epoch);
        for (weights, evaluation) in &epoch.evaluations {
            rows.push(row([
                epoch.epoch.to_string(),
                (run.state() == "finished" && last == Some(epoch.epoch)).to_string(),
                weights.clone(),
                epoch.learning_rate.to_string(),
                number(epoch.train_loss),
                epoch.train_error.to_string(),
                number(evaluation.loss),
                evaluation.error.to_string(),
                number(timing.map(|timing| timing.train_seconds + timing.evaluate_seconds)),
            ]));
        }
    }
    if rows.is_empty() {
        rows.push(row(Default::default()));
    }
    rows
}
