//! Cells of a grid: what the seeds of a place come to, for each set of weights.

use polder_stats::mean;

use super::groups::grouped;
use super::run::RunResult;
use polder_experiment::claim::{Interval, LEVEL, Measure, mean_interval};
use polder_experiment::point::Point;
use polder_experiment::run::record::{ITERATE, REFRESHED, is_average};

/// The final test accuracies of one set of weights at a place of the grid.
pub struct CellResult {
    /// With the values of the axes that have several.
    pub cell: String,
    /// The cell as the experiment names it.
    pub family: String,
    pub point: Point,
    /// `iterate`, `iterate-refreshed`, or the name of an average.
    pub weights: String,
    /// Seed and accuracy (a fraction) of each finished run.
    pub values: Vec<(u64, f64)>,
    pub mean: Option<f64>,
    /// 95 % t interval of the mean; absent with fewer than two seeds.
    pub interval: Option<Interval>,
    /// Seeds that were asked for.
    pub planned: usize,
    /// Those whose runs diverged, and have no accuracy.
    pub diverged: Vec<u64>,
}

impl CellResult {
    /// `2 of 3, 1 diverged`.
    pub(super) fn seeds_text(&self) -> String {
        let diverged = match self.diverged.len() {
            0 => String::new(),
            count => format!(", {count} diverged"),
        };
        format!("{} of {}{diverged}", self.values.len(), self.planned)
    }
}

/// The best mean among cells of which no run diverged: of what is left the mean says too much.
pub(super) fn best_mean(cells: &[CellResult]) -> Option<f64> {
    cells.iter().filter(|cell| cell.diverged.is_empty()).filter_map(|cell| cell.mean).reduce(f64::max)
}

/// The runs of each cell, once for each set of weights that one of them has, in the order of the experiment.
pub(super) fn by_weights<'a>(
    runs: &'a [RunResult],
    weights_of: impl Fn(&'a RunResult) -> Vec<&'a str>,
) -> Vec<(&'a str, Vec<&'a RunResult>)> {
    let pairs = runs.iter().flat_map(|run| weights_of(run).into_iter().map(move |weights| (run, weights)));
    let groups = grouped(pairs, |(run, weights)| (run.cell.as_str(), weights)).into_iter();
    groups.map(|((_, weights), pairs)| (weights, pairs.into_iter().map(|(run, _)| run).collect())).collect()
}

/// What is evaluated at the end of a run, the iterate first.
fn evaluated(run: &RunResult) -> Vec<&str> {
    let averages = run.config.averages.keys().map(String::as_str);
    let refreshed = run.config.model.has_bn().then_some(REFRESHED);
    std::iter::once(ITERATE).chain(refreshed).chain(averages).collect()
}

/// The cells in the order of the experiment, of each the iterate first.
pub(super) fn cells(runs: &[RunResult]) -> Vec<CellResult> {
    let cell = |(weights, runs): (&str, Vec<&RunResult>)| {
        let value =
            |run: &&RunResult| Some((run.seed, run.measured.value(weights, Measure::Accuracy, None)?));
        let values: Vec<(u64, f64)> = runs.iter().filter_map(value).collect();
        let accuracies: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let diverged = runs.iter().filter(|run| run.measured.has_diverged).map(|run| run.seed);
        CellResult {
            cell: runs[0].cell.clone(),
            family: runs[0].family.clone(),
            point: runs[0].point.clone(),
            weights: weights.to_owned(),
            values,
            mean: (!accuracies.is_empty()).then(|| mean(&accuracies)),
            interval: mean_interval(&accuracies, LEVEL),
            planned: runs.len(),
            diverged: diverged.collect(),
        }
    };
    by_weights(runs, evaluated).into_iter().map(cell).collect()
}

/// The average of a cell that stands for all of them.
pub(crate) fn main_average<'a>(of_cell: &[&'a CellResult]) -> Option<&'a CellResult> {
    let averages = of_cell.iter().map(|cell| cell.weights.as_str()).filter(|weights| is_average(weights));
    let main = main_average_of(averages)?;
    of_cell.iter().find(|cell| cell.weights == main).copied()
}

/// The name of the average that stands for all of them: `tail` if there is one.
pub(crate) fn main_average_of<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = names.next()?;
    Some(if names.any(|name| name == "tail") { "tail" } else { first })
}

/// What a set of weights is called on the page.
pub(super) fn weights_label(weights: &str) -> String {
    match weights {
        ITERATE => "last iterate".to_owned(),
        REFRESHED => "last iterate, BN refreshed".to_owned(),
        "tail" => "average".to_owned(),
        other => format!("average ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(mean: Option<f64>, seeds: usize, diverged: &[u64]) -> CellResult {
        CellResult {
            cell: String::new(),
            family: String::new(),
            point: Point::default(),
            weights: ITERATE.to_owned(),
            values: (0..).take(seeds).map(|seed| (seed, 0.5)).collect(),
            mean,
            interval: None,
            planned: 3,
            diverged: diverged.to_vec(),
        }
    }

    #[test]
    fn diverged_runs_are_told_and_what_they_leave_is_never_best() {
        let cells = [cell(Some(0.9), 1, &[1, 2]), cell(Some(0.7), 3, &[]), cell(None, 0, &[0, 1, 2])];
        assert_eq!(best_mean(&cells), Some(0.7));
        let texts = cells.each_ref().map(CellResult::seeds_text);
        assert_eq!(texts, ["1 of 3, 2 diverged", "3 of 3", "0 of 3, 3 diverged"]);
    }
}
